"""A database that is found damaged: the process that finds it may be killed, and the admins hear of it all the same."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.demo.cluster import Cluster
from bot.demo.telegram import BotApi
from tests.stack import ANA, GROUP, TOKEN
from tests.walks.killed import Mortal, environment
from tests.walks.uplink import Uplink

WAIT = 20.0  # s of real time for what should have come long before


async def test_that_all_is_frozen_is_told_once_however_often_the_process_is_killed_before(tmp_path: Path) -> None:
    api, cluster = BotApi(TOKEN), Cluster(seed=1, guests=10, speed=20.0, auth_delay=0.0)
    await api.start()
    await cluster.start()
    with_ana = api.private(api.user(ANA, "Ana"))
    api.group(GROUP, "Ops", bot_admin=True)
    uplink = Uplink(int(api.base_url.rpartition(":")[2]))
    await uplink.mend()
    mortal = Mortal(environment(tmp_path, uplink.url, cluster), api, tmp_path)
    database = tmp_path / "data" / "telemox.db"

    def kept() -> bool:
        """Is there a new one, which knows what became of the other?"""
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
                return store.execute("SELECT 1 FROM settings WHERE key = 'lost'").fetchone() is not None
        except sqlite3.Error:
            return False

    async def until(wanted: bool) -> None:
        async with asyncio.timeout(WAIT):
            while kept() is not wanted:  # noqa: ASYNC110 - a process of its own
                await asyncio.sleep(0.02)

    def told() -> list[str]:
        return [one.text for one in api.messages(with_ana) if "was damaged" in one.text]

    try:
        await mortal.start()
        await mortal.kill()
        database.write_bytes(b"no database" * 99)
        for beside in ("-wal", "-shm"):
            database.with_name(database.name + beside).unlink(missing_ok=True)
        await uplink.cut()
        await mortal.begin()
        await until(True)
        await mortal.kill()
        await mortal.begin()
        await asyncio.sleep(0.5)
        await uplink.mend()
        await api.wait_for(lambda: bool(told()), WAIT, "the trouble")
        await until(False)
        await mortal.kill()
        await mortal.start()
        await asyncio.sleep(0.5)
        (words,) = told()
        assert "All changes are frozen until an admin sends /thaw" in words
    finally:
        await mortal.kill()
        await uplink.cut()
        await api.stop()
        await cluster.stop()
