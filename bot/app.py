"""The composition root: the only module that knows every concrete class.

start  store ─┬─▶ Telegram: getMe, polling ───────────────────────────────────┬─▶ handlers, menus, what a kill left
              └─ `HEAD` s later at most ─▶ Proxmox clients, watch, listener ──┘
stop   polling → watching → background work → Telegram → Proxmox → store, within 10 s in all

Neither waits for the other. A bot that cannot reach its cluster must say so in the chat; one that cannot reach Telegram
watches, writes down what it would tell and takes what Proxmox VE pushes, and tells it when Telegram answers, however
late. What the first getUpdates needs is imported above; all else while it is on its way, by a thread.
"""

import asyncio
import gc
import logging
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from bot.access import Role, Roles
from bot.chat.chat import Chat
from bot.clock import SteadyClock, SystemClock
from bot.config import Settings
from bot.errors import PveError, StoreFailed, TelemoxError
from bot.ports import PATIENCE, Clock, Env, Pve, Watched
from bot.spawn import Spawn
from bot.store import Store
from bot.text import Reader

if TYPE_CHECKING:
    from bot.assembly import Alerts
    from bot.pve.cluster import Cluster
    from bot.runner import Runner

T = TypeVar("T")

log = logging.getLogger(__name__)

GRACE = 3.0
"""Seconds that running work gets at stop. What is cut short is picked up at the next start; with 3 s for the last
getUpdates, 2 s for cancelled work and 2 s for closing connections, the whole stays under 10."""
HEAD = 2.0
"""Seconds by which Telegram is asked before all that does not need it begins: the first getUpdates goes out first."""
UNHEARD = 3
"""Exit status when Telegram is no longer heard: the supervisor starts the process anew."""


class App:
    """One bot. `start()`, then wait for `chat.dead` or a signal, then `stop()`."""

    def __init__(
        self, settings: Settings, clock: Clock | None = None, patience: float = PATIENCE, head: float = HEAD
    ) -> None:
        """`patience`: seconds that whoever asks may wait for a cluster without a word. `head`: `HEAD`."""
        self.settings = settings
        self.patience = patience
        self.head = head
        self.clock: Clock = SteadyClock(clock or SystemClock())
        self.spawn = Spawn()
        self.store: Store | None = None
        self.chat: Chat | None = None
        self.clusters: tuple[Cluster, ...] = ()
        self.alerts: Alerts | None = None

    async def start(self) -> Chat:
        """Returns when the bot hears its chats; all that does not need Telegram runs before, if that takes long. Gives
        the chat: `dead` is set when Telegram is no longer heard, `why` says the reason.

        Raises: StoreFailed (another process has the data directory, it cannot be written), TokenRefused, PortTaken.
        """
        settings = self.settings
        self.store = store = await Store.open(settings.data_dir, self.clock)
        self.chat = chat = Chat(
            settings.telegram_token.get_secret_value(),
            settings.telegram_base_url,
            settings.roles,
            store,
            self.clock,
            self.spawn,
            reader=self._reader,
        )
        listening = self.spawn(_expected(_listening(chat)), "Telegram is asked")
        try:
            await asyncio.wait({listening}, timeout=self.head)
            if listening.done():
                _raise(listening.result())
            env, runner = await self._watch(store, chat)
            _raise(await listening)
        finally:
            listening.cancel()
        await chat.start(env, runner)
        self.spawn(runner.resume(), "what a former process left running")
        if store.trouble is not None:
            self.spawn(chat.messenger.tell_admins(store.trouble, lambda: _told(store)), "the store's trouble")
        return chat

    async def _watch(self, store: Store, chat: Chat) -> "tuple[Env, Runner]":
        """All that does not need Telegram begins. Gives what the chats need then. Raises: StoreFailed, PortTaken."""
        settings = self.settings
        await asyncio.to_thread(_imports)
        from bot.assembly import Alerts
        from bot.pve.cluster import Cluster
        from bot.runner import Runner

        self.clusters = tuple(Cluster(config, self.clock, notice=self._notice) for config in settings.clusters)
        watched: dict[str, Watched] = {cluster.key: cluster for cluster in self.clusters}
        self.alerts = alerts = Alerts(
            settings,
            watched,
            store,
            chat.courier,
            self.clock,
            self.spawn,
            ceiling=lambda of: chat.members.roles.ceiling(of),
            tell=chat.messenger.tell_admins,
        )
        chat.strange = alerts.watch.stranger
        chat.heard = alerts.deliverer.heard
        chat.members.moved = alerts.deliverer.moved
        chat.on_return(alerts.deliverer.returned)
        await alerts.start()
        clusters: dict[str, Pve] = dict(watched)
        env = Env(
            clusters=clusters,
            store=store,
            messenger=chat.messenger,
            clock=self.clock,
            spawn=self.spawn,
            watch=alerts.watch,
            patience=self.patience,
        )
        await chat.members.load()
        await alerts.forsake()
        alerts.run()
        _tell_roles(settings.roles)
        for cluster in self.clusters:
            self.spawn(_warm(cluster), f"first look at {cluster.key}")
        return env, Runner(env, lambda: chat.members.roles)

    def _notice(self, error: PveError) -> None:
        """A changed pin, a refused token: the admins are told once, and again only after it was well in between."""
        if self.chat is not None:
            self.spawn(self.chat.messenger.tell_admins(error.said()), "trouble with Proxmox VE")

    def _reader(self, chat: int) -> Reader:
        return self.alerts.reader(chat) if self.alerts is not None else Reader()

    async def stop(self, *, clean: bool = True) -> None:
        """In bounded time, whatever hangs, and from wherever `start()` got to. `clean`: somebody wants it to stop."""
        if self.chat is not None:
            await self.chat.stop_polling()
        if self.alerts is not None:
            await self.alerts.close(clean=clean)
        await self.spawn.close(GRACE)
        if self.chat is not None:
            await self.chat.shutdown()
        for cluster in self.clusters:
            await cluster.close()
        if self.store is not None:
            await self.store.close()


async def run(settings: Settings, *, ready: Callable[[], None] | None = None) -> int:
    """Until SIGTERM or SIGINT (0), or until Telegram is no longer heard (3).

    `ready` is called once the bot hears its chats. Raises: as `App.start`.
    """
    app = App(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        asked = app.spawn(stop.wait(), "signal")
        starting = app.spawn(_expected(app.start()), "start")
        await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            starting.cancel()
            log.info("stopping before the start was over")
            return 0
        chat: Chat | TelemoxError = await starting
        if isinstance(chat, TelemoxError):
            raise chat
        gc.freeze()  # modules and tables stay: no collection need look at them again
        if ready is not None:
            ready()
        dead = app.spawn(chat.dead.wait(), "watchdog of the whole")
        await asyncio.wait({asked, dead}, return_when=asyncio.FIRST_COMPLETED)
        dead.cancel()  # or the stop would wait for it as for running work
        if stop.is_set():
            log.info("asked to stop; what still runs on the cluster goes on there and is followed at the next start")
            return 0
        log.critical("Telegram is no longer heard, the process ends: %s", chat.why)
        return UNHEARD
    finally:
        asked_to = stop.is_set()
        stop.set()
        await app.stop(clean=asked_to)
        if app.clusters:  # there was a start to speak of
            log.info("stopped")


async def _told(store: Store) -> None:
    """Where it cannot be written down, the next start tells it again."""
    with suppress(StoreFailed):
        await store.told()


async def _listening(chat: Chat) -> None:
    """Raises: TokenRefused."""
    await chat.connect()
    await chat.listen()


async def _expected(work: Coroutine[Any, Any, T]) -> T | TelemoxError:
    """What can be mended is a sentence for whoever started the process, not failed background work."""
    try:
        return await work
    except TelemoxError as error:
        return error


def _raise(outcome: TelemoxError | None) -> None:
    if outcome is not None:
        raise outcome


def _tell_roles(roles: Roles) -> None:
    if not roles.granted:
        log.warning("nobody has a role: nobody is answered; whoever writes is logged with their id (TELEMOX_ADMINS)")
        return
    people = {role: len([id_ for id_, given in roles.granted.items() if id_ > 0 and given is role]) for role in Role}
    groups = len([id_ for id_ in roles.granted if id_ < 0])
    counts = ", ".join(f"{count} {role.word}" for role, count in people.items())
    log.info("people with a role: %s; groups: %d", counts, groups)


def _imports() -> None:
    """What `start()` and the first screens are about to import: here they hold nobody up."""
    import wcwidth  # noqa: F401

    import bot.assembly
    import bot.chat.handlers
    import bot.pve.cluster
    import bot.runner
    import bot.store.alerts  # noqa: F401


async def _warm(pve: "Cluster") -> None:
    """The first person to ask should not be the one to find out how long the first connection takes."""
    hosts = ", ".join(map(str, pve.hosts))
    try:
        seen = await pve.snapshot()
        for role in Role:
            await pve.permissions(role)
        version = await pve.version()
    except PveError as error:
        log.warning("%s (%s) is not reached, or not as it should be: %s", pve.key, hosts, error)
    else:
        figures = (seen.name, version.text, len(seen.nodes), seen.total)
        log.info("%s (%s) is reached: %s, Proxmox VE %s, %d nodes, %d guests", pve.key, hosts, *figures)
        if silent := ", ".join(map(str, pve.resting)):
            log.warning("%s: no answer from %s", pve.key, silent)
