"""The whole bot as a process, `python -m bot run`, killed with -9 at random points while guests crash and come back.

`story()` counts what the group was told; the walk runs it with a handful of kills, the bench with more.
"""

import asyncio
import html
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.demo.cluster import Cluster
from bot.demo.telegram.api import BotApi, Call
from tests.stack import ANA, GROUP, TOKEN

SPEED = 20.0  # seconds of the cluster a second: what a node tells is 10 s old at most
WAIT = 40.0  # s
CLOSE = 0.5


@dataclass(slots=True, kw_only=True)
class Told:
    episodes: int = 0
    kills: int = 0
    untold: Sequence[str] = ()  # guests that crashed, and nobody was told
    unended: Sequence[str] = ()  # that came back, and nothing says so
    close: int = 0  # kills within `CLOSE` s after a message: whether it came, the store may not know
    again: int = 0  # messages that told what had been told

    @property
    def well(self) -> bool:
        return not self.untold and not self.unended and self.again <= self.close


class Mortal:
    """The process, which is started anew whenever it was killed."""

    def __init__(self, environment: dict[str, str], api: BotApi, folder: Path) -> None:
        self._environment = environment
        self._settings = folder / "settings"
        self._settings.touch(mode=0o600)
        self._api = api
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Until it polls."""
        before = len(self._api.made("getUpdates"))
        await self.begin()
        async with asyncio.timeout(WAIT):
            while len(self._api.made("getUpdates")) == before:
                assert self._process is not None
                assert self._process.returncode is None, "it ended by itself"
                await asyncio.sleep(0.01)

    async def begin(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run", "--env-file", str(self._settings)),
            env=self._environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


async def story(folder: Path, *, kills: int, episodes: int, seed: int) -> Told:
    """`episodes` guests crash, one after the other, and are started once the group knows; `kills` processes die."""
    dice = random.Random(seed)
    api = BotApi(TOKEN)
    cluster = Cluster(seed=1, guests=40, speed=SPEED, auth_delay=0.0)
    await api.start()
    await cluster.start()
    api.user(ANA, "Ana")
    api.group(GROUP, "Ops", bot_admin=True)
    mortal = Mortal(environment(folder, api.base_url, cluster), api, folder)
    try:
        return await _play(cluster, api, mortal, dice, kills, episodes)
    finally:
        await mortal.kill()
        await api.stop()
        await cluster.stop()


def environment(folder: Path, telegram: str, cluster: Cluster) -> dict[str, str]:
    ca = folder / "ca.pem"
    ca.write_bytes(cluster.ca_pem)
    own = {name: value for name, value in os.environ.items() if not name.startswith("TELEMOX_")}
    return own | {
        "TELEMOX_TELEGRAM_TOKEN": TOKEN,
        "TELEMOX_TELEGRAM_BASE_URL": telegram,
        "TELEMOX_PVE_HOSTS": ",".join(cluster.hosts),
        "TELEMOX_PVE_VIEW_TOKEN": cluster.tokens["view"],
        "TELEMOX_PVE_POWER_TOKEN": cluster.tokens["power"],
        "TELEMOX_PVE_CA_FILE": str(ca),
        "TELEMOX_ADMINS": str(ANA),
        "TELEMOX_VIEWERS": str(GROUP),
        "TELEMOX_ALERT_CHATS": str(GROUP),
        "TELEMOX_DATA_DIR": str(folder / "data"),
        "TELEMOX_ALERTS__POLL_SECONDS": "1",
        "TELEMOX_ALERTS__TIME_SCALE": "0.01",
        "TELEMOX_ALERTS__CLOCK_DRIFT__ON": "off",  # the cluster's time flies
    }


async def _play(cluster: Cluster, api: BotApi, mortal: Mortal, dice: random.Random, kills: int, episodes: int) -> Told:
    await mortal.start()
    await _until(lambda: bool(_sent(api)))  # the summary: it has looked once
    every = cluster.world.guests.values()
    plain = [one for one in every if one.running and not (one.ha or one.template or one.paused or one.lock)]
    guests = dice.sample(sorted(plain, key=lambda one: one.vmid), episodes)
    names = [guest.name for guest in guests]

    async def episode(vmid: int, name: str) -> None:
        cluster.crash(vmid)
        if await _until(lambda: _says(api, f"{name} stopped by itself") > 0):
            cluster.world.on_start(cluster.guest(vmid))
            await _until(lambda: _ended(api, name))

    async def live() -> None:
        for guest in guests:
            await episode(guest.vmid, guest.name)

    async def die() -> int:
        close = 0
        for _ in range(kills):
            await asyncio.sleep(dice.uniform(0.3, 5.0))
            close += any(time.time() - call.time < CLOSE for call in _posts(api))
            await mortal.kill()
            await mortal.start()
        return close

    _, close = await asyncio.gather(live(), die())
    return Told(
        episodes=episodes,
        kills=kills,
        close=close,
        untold=[name for name in names if not _says(api, f"{name} stopped by itself")],
        unended=[name for name in names if not _ended(api, name)],
        again=sum(
            max(0, _says(api, f"{name} {what}") - 1) for name in names for what in ("stopped by itself", "runs again")
        ),
    )


def _sent(api: BotApi) -> list[str]:
    """What was said in the group, as it was when it came."""
    return [html.unescape(str(call.params.get("text", ""))) for call in _posts(api)]


def _posts(api: BotApi) -> list[Call]:
    return [call for call in api.made("sendMessage") if str(call.params.get("chat_id")) == str(GROUP)]


def _says(api: BotApi, words: str) -> int:
    return sum(words in text for text in _sent(api))


def _ended(api: BotApi, name: str) -> bool:
    """Does a card say by now that it runs? A reply beside the card is not enough."""
    return any(f"{name} runs again" in one.text and one.reply_to is None for one in api.messages(GROUP))


async def _until(true: Callable[[], object]) -> bool:
    """False where it never came."""
    try:
        async with asyncio.timeout(WAIT):
            while not true():  # noqa: ASYNC110 - nothing tells when a process has come so far
                await asyncio.sleep(0.02)
    except TimeoutError:
        return False
    return True
