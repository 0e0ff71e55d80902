"""The whole bot between its two stand-ins, as every walk uses it: the real application, the real client, real HTTP.

Time is a value: `FastClock` runs `factor` times as fast as the wall, for the bot, the cluster and the chat alike, so
that a reboot of half a minute is over in a moment and nothing has to be patched.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import config
from bot.app import HEAD, App
from bot.chat.chat import Chat
from bot.demo.cluster import Cluster
from bot.demo.telegram import BotApi

TOKEN = "123456:stand-in-of-the-tests-0000000000000"
ANA, BEN, VERA, STRANGER = 1001, 1002, 1003, 6666
GROUP, UNKNOWN_GROUP = -1_000_500, -1_000_666


class FastClock:
    """Starts at the real time and runs `factor` times as fast; `skip` moves it on at once."""

    def __init__(self, factor: float = 50.0) -> None:
        self.factor = factor
        self._began = time.monotonic()
        self._epoch = datetime.now(UTC)
        self._skipped = 0.0

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * self.factor + self._skipped

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=self.monotonic())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.factor)

    def skip(self, seconds: float) -> None:
        self._skipped += seconds

    def pace(self, factor: float) -> None:
        """Goes on from now that fast: where seconds are measured, a busy machine is not to count."""
        self._skipped, self._began, self.factor = self.monotonic(), time.monotonic(), factor


class Stack:
    """Ana (admin), Ben (operator), Vera (viewer), a stranger; the group Ops (viewers by the group, with topics)."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        *,
        factor: float = 50.0,
        guests: int = 40,
        patience: float = 30.0,
    ) -> None:
        """`patience`: real seconds without a word while the cluster is asked; on a busy machine nothing is quick."""
        self.clock = FastClock(factor)
        self.cluster = Cluster(seed=1, guests=guests, speed=factor, auth_delay=0.0)
        self.api = BotApi(TOKEN, now=lambda: self.clock.now().timestamp())
        self.folder = folder
        self.more = dict(settings)
        self.patience = patience
        self.head = HEAD
        self.app: App | None = None
        self._starting: asyncio.Task[Chat] | None = None

    async def start(self) -> None:
        await self.cluster.start()
        await self.api.start()
        self.ana, self.ben = self.api.user(ANA, "Ana"), self.api.user(BEN, "Ben")
        self.vera, self.stranger = self.api.user(VERA, "Vera"), self.api.user(STRANGER, "Mallory")
        self.with_ana, self.with_ben = self.api.private(self.ana), self.api.private(self.ben)
        self.with_vera, self.with_stranger = self.api.private(self.vera), self.api.private(self.stranger)
        self.group = self.api.group(GROUP, "Ops", forum=True, bot_admin=True)
        self.unknown_group = self.api.group(UNKNOWN_GROUP, "Elsewhere", bot_admin=True)
        ca = self.folder / "ca.pem"
        ca.write_bytes(self.cluster.ca_pem)
        self.environment = {
            "TELEMOX_TELEGRAM_TOKEN": TOKEN,
            "TELEMOX_TELEGRAM_BASE_URL": self.api.base_url,
            "TELEMOX_PVE_HOSTS": ",".join(self.cluster.hosts),
            "TELEMOX_PVE_VIEW_TOKEN": self.cluster.tokens["view"],
            "TELEMOX_PVE_POWER_TOKEN": self.cluster.tokens["power"],
            "TELEMOX_PVE_CA_FILE": str(ca),
            "TELEMOX_ADMINS": str(ANA),
            "TELEMOX_OPERATORS": str(BEN),
            "TELEMOX_VIEWERS": f"{VERA},{GROUP}",
            "TELEMOX_DATA_DIR": str(self.folder / "data"),
        } | self.more
        await self.start_bot()

    async def start_bot(self) -> None:
        await self.begin_bot()

    def begin_bot(self) -> asyncio.Task[Chat]:
        """The start, which is over when the bot hears its chats."""
        self.app = App(config.load(None, environ=self.environment), self.clock, self.patience, self.head)
        self._starting = asyncio.ensure_future(self.app.start())
        return self._starting

    async def stop_bot(self, *, clean: bool = True) -> None:
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait({self._starting})
        if self.app is not None:
            app, self.app = self.app, None
            await app.stop(clean=clean)

    async def stop(self) -> None:
        await self.stop_bot()
        await self.api.stop()
        await self.cluster.stop()

    async def quiet(self) -> None:
        """Until what the bot does of itself at the start (menus, a first look at the cluster) is done."""
        assert self.app is not None
        while len(self.app.spawn) > 1:  # noqa: ASYNC110 - nothing says so; the watchdog stays
            await asyncio.sleep(0.01)
        await self.api.settled()

    @property
    def writes(self) -> list[str]:
        """Paths of every write that reached the cluster."""
        return [request.path for request in self.cluster.requests if request.method != "GET"]


@asynccontextmanager
async def stack(folder: Path, **settings: str) -> AsyncIterator[Stack]:
    async with started(Stack(folder, settings)) as running:
        yield running


@asynccontextmanager
async def started(made: Stack) -> AsyncIterator[Stack]:
    try:
        await made.start()
        yield made
    finally:
        await made.stop()
