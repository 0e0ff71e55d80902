"""The composition root: the only module that knows every concrete class.

start: store → Proxmox clients → Telegram (getMe) → handlers and polling → what a killed process left behind
stop:  polling → background work (8 s) → Telegram → Proxmox → store, within 10 s in all

Nothing here waits for Proxmox VE before polling begins: a bot that cannot reach its cluster must say so in the chat.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime

from bot.access import Role
from bot.chat.chat import Chat
from bot.config import Settings
from bot.errors import PveError
from bot.ports import Clock, Env, Pve
from bot.pve.cluster import Cluster
from bot.runner import Runner
from bot.spawn import Spawn
from bot.store import Store

log = logging.getLogger(__name__)

GRACE = 8.0
"""Seconds that running work gets to finish at stop; with Telegram's and Proxmox's good-byes it stays under 10."""


class SystemClock:
    """The real one. Everything that waits gets it by argument."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()  # noqa: TID251 - the clock itself

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class App:
    """One bot. `start()`, then wait for `dead` or a signal, then `stop()`."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.spawn = Spawn()
        self._closers: list[tuple[str, object]] = []

    async def start(self) -> None:
        """Raises: StoreBusy when another process has the data directory, OSError when it cannot be written."""
        settings = self.settings
        self.store = await Store.open(settings.data_dir, self.clock)
        self.clusters = {config.key: Cluster(config, self.clock) for config in settings.clusters}
        roles = settings.roles
        for old, new in (await self.store.migrations()).items():
            roles = roles.migrated(old, new)
        self.chat = Chat(
            token=settings.telegram_token.get_secret_value(),
            base_url=settings.telegram_base_url,
            roles=roles,
            store=self.store,
            clock=self.clock,
            spawn=self.spawn,
        )
        await self.chat.connect()
        clusters: dict[str, Pve] = dict(self.clusters)
        self.env = Env(
            clusters=clusters,
            store=self.store,
            messenger=self.chat.messenger,
            clock=self.clock,
            spawn=self.spawn,
        )
        self.runner = Runner(self.env)
        await self.chat.start(self.env, self.runner)
        for pve in clusters.values():
            self.spawn(_warm(pve), f"first look at {pve.key}")
        self.spawn(self.runner.resume(), "what was running")
        if self.store.trouble is not None:
            self.spawn(self.chat.messenger.tell_admins(self.store.trouble), "the store's trouble")

    async def stop(self) -> None:
        """In bounded time, whatever hangs."""
        await self.chat.stop_polling()
        await self.spawn.close(GRACE)
        await self.chat.shutdown()
        for cluster in self.clusters.values():
            await cluster.close()
        await self.store.close()


async def run(settings: Settings, *, ready: Callable[[], None] | None = None) -> int:
    """Until SIGTERM or SIGINT (0), or until polling ended for good (3: the supervisor restarts).

    `ready` is called once the bot hears its chats.
    """
    app = App(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        starting = app.spawn(app.start(), "start")
        asked = app.spawn(stop.wait(), "signal")
        await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            await starting
            if ready is not None:
                ready()
            dead = app.spawn(app.chat.dead.wait(), "watchdog")
            await asyncio.wait({asked, dead}, return_when=asyncio.FIRST_COMPLETED)
            dead.cancel()
        asked.cancel()
    finally:
        await app.stop()
    if not stop.is_set():
        log.critical("Telegram is no longer heard: the process ends, for its supervisor to start it anew")
        return 3
    return 0


async def _warm(pve: Pve) -> None:
    """The first person to ask should not be the one to find out how long the first connection takes."""
    try:
        await pve.snapshot()
        for role in Role:
            await pve.permissions(role)
    except PveError as error:
        log.warning("%s: %s", pve.key, error)
