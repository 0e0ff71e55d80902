"""The process as a whole: what its log says at the start and at the end, and what becomes of a start that cannot be."""

import asyncio
import logging
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot import app, config
from bot.errors import TelemoxError
from bot.model import Route
from tests.stack import GROUP, UNKNOWN_GROUP, Stack, stack


def settings(s: Stack, changes: dict[str, str]) -> config.Settings:
    return config.load(None, environ=s.environment | {f"TELEMOX_{name}": value for name, value in changes.items()})


async def life(s: Stack, caplog: pytest.LogCaptureFixture, **changes: str) -> list[str]:
    """What the process says from its start until it has looked at the cluster and is sent SIGTERM."""
    await s.stop_bot()
    caplog.clear()
    ending: list[asyncio.Task[float]] = []

    def said() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "bot.app"]

    async def end() -> float:
        while not any(line.startswith("main (") for line in said()):  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        return asyncio.get_running_loop().time()

    with caplog.at_level(logging.INFO, "bot.app"):
        status = await app.run(settings(s, changes), ready=lambda: ending.append(asyncio.ensure_future(end())))
    assert status == 0
    assert asyncio.get_running_loop().time() - ending[0].result() < app.GRACE, "nothing runs: nothing is waited for"
    return said()


async def test_the_log_tells_of_the_start_and_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with stack(tmp_path) as s:
        roles, cluster, asked, stopped = await life(s, caplog)
        hosts = ", ".join(s.cluster.hosts)
    assert roles == "people with a role: 1 viewer, 1 operator, 1 admin; groups: 1"
    assert cluster == f"main ({hosts}) is reached: homelab, Proxmox VE {s.cluster.release.text}, 3 nodes, 38 guests"
    assert asked.startswith("asked to stop")
    assert stopped == "stopped"


async def test_a_host_that_is_not_reached_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with stack(tmp_path) as s:
        said = await life(s, caplog, PVE_HOSTS=",".join(("127.0.0.1:9", *s.cluster.hosts)))
    assert "main: no answer from 127.0.0.1:9" in said


async def test_the_log_warns_where_nobody_has_a_role_and_no_host_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with stack(tmp_path) as s:
        roles, cluster, *_ = await life(s, caplog, ADMINS="", OPERATORS="", VIEWERS="", PVE_HOSTS="127.0.0.1:9")
    assert roles.startswith("nobody has a role: nobody is answered")
    assert cluster == "main (127.0.0.1:9) is not reached, or not as it should be: 127.0.0.1:9: connection refused"
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert {roles, cluster} <= set(warned)


async def test_a_refused_bot_token_is_a_sentence_and_no_failed_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with stack(tmp_path) as s:
        await s.stop_bot()
        caplog.clear()
        with caplog.at_level(logging.INFO), pytest.raises(TelemoxError):
            await app.run(settings(s, {"TELEGRAM_TOKEN": "987654321:another-made-up-secret-of-a-bot-0000"}))
    assert caplog.messages == [], "the sentence is all there is"


def refuse_writes(file: Path) -> None:
    """As on a full disk: what is there can be read, and no row changes."""
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        tables = [name for (name,) in found]
        for table in tables:
            for verb in ("INSERT", "UPDATE", "DELETE"):
                connection.execute(
                    f"CREATE TRIGGER full_{table}_{verb} BEFORE {verb} ON {table}"
                    " BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
                )
        connection.commit()


async def test_a_bot_that_finds_its_disk_full_starts_and_tells(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with stack(tmp_path, TELEMOX_ALERT_CHATS=str(GROUP), TELEMOX_ALERTS__POLL_SECONDS="5") as s:
        await s.quiet()
        assert s.app is not None
        assert s.app.alerts is not None
        await s.app.alerts.deliverer.subscribe(Route(chat=UNKNOWN_GROUP))  # has no role: it is forgotten at the start
        await s.stop_bot(clean=False)
        refuse_writes(tmp_path / "data" / "telemox.db")
        await s.start_bot()
        await s.quiet()
        s.cluster.crash(102)
        async with asyncio.timeout(20):
            while not any("db stopped" in one.text for one in s.api.messages(GROUP)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert {route.chat for route in s.app.alerts.deliverer.routes()} == {GROUP}
        told = [one.text for one in s.api.messages(s.ana.id) if "cannot be written down" in one.text]
    assert len(told) == 1
    assert "disk is full" in told[0]
    assert "alerts cannot be written down, and are told all the same" in caplog.text
