"""The Telegram door as one thing: connect, start, notice that it is dead, stop.

    chat = Chat(token, base_url, roles, store, clock, spawn)
    await chat.connect()                                         getMe; waits for as long as the network is down
    await chat.listen()                                          polling begins; what comes waits
    await chat.start(env, runner)                                handlers, menus, watchdog
    await chat.dead.wait()                                       nothing will be heard any more: `chat.why`
    await chat.stop_polling(); await spawn.close(…); await chat.shutdown()

Messenger and courier are there from the beginning. While Telegram is not reached, at the start as later, what the
courier is given comes back to its deliverer, and notes to the admins wait (notes.py); `on_return()` tells of its end.

PTB works off its updates one after another (its default): the handlers return without waiting and give the work to
`spawn`, so that order is that of arrival by construction, PTB's own bound on concurrent updates never counts, and its
`Application.stop()`, which awaits what it started without a cap, has nothing to await. How many work at once, and who
waits for whom, is decided in turns.py.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from telegram import Update
from telegram.error import TelegramError
from telegram.ext import Application, ApplicationBuilder, ApplicationHandlerStop, CallbackContext, ContextTypes
from telegram.ext import TypeHandler as OfType

from bot.access import Asker, Roles
from bot.chat.api import ALLOWED, POLL_TIMEOUT, Api
from bot.chat.courier import Courier
from bot.chat.limiter import Limiter
from bot.chat.members import Members
from bot.chat.messenger import Messenger
from bot.chat.notes import Notes
from bot.chat.polling import Polling
from bot.chat.reaching import patiently
from bot.ports import Clock, Env, Store
from bot.spawn import Spawn
from bot.text import Reader, say

if TYPE_CHECKING:
    from bot.chat.door import Door, Visit
    from bot.chat.handlers import Handlers, Runner
    from bot.model.view import Stranger
    from bot.pages.page import Page

log = logging.getLogger(__name__)

STOP = 3.0
"""Seconds for the last getUpdates, which confirms what was fetched (Telegram may hold it for 3 s)."""
SHUTDOWN = 1.0
"""Seconds for closing connections."""


class _Context(CallbackContext[Api, dict[Any, Any], dict[Any, Any], dict[Any, Any]]):
    """One update on its way: what the door let in."""

    visit: "Visit | None" = None


class Chat:
    def __init__(
        self,
        token: str,
        base_url: str,
        roles: Roles,
        store: Store,
        clock: Clock,
        spawn: Spawn,
        *,
        reader: Callable[[int], Reader] = lambda chat: Reader(),
        pages: "Mapping[str, Page] | None" = None,
        flood: int | None = None,
    ) -> None:
        """`base_url` is scheme, host and port, without `/bot`. `reader` gives language and zone of a chat.

        `pages` are PAGES and `flood` is door.FLOOD, where they are not named.
        """
        _quiet()
        self._clock = clock
        self._spawn = spawn
        self._reader = reader
        self._pages = pages
        self._flood = flood
        self._polling = Polling(clock)
        limiter = Limiter(clock)
        self._api = Api(token, base_url, limiter, self._polling)
        self.members = Members(roles, store)
        self.messenger = Messenger(self._api, limiter, self.members, store, reader, Notes(clock))
        self.courier = Courier(self._api, limiter, self.members, store, reader)
        self._app: Application[Any, Any, Any, Any, Any, Any] | None = None
        self._asked = 0.0  # monotonic seconds of the first question
        self._watchdog: asyncio.Task[Any] | None = None
        self.strange: Callable[[Stranger], object] = lambda stranger: (
            None
        )  # told, once an hour and chat, of who has no role
        self.heard: Callable[[int, bool], object] = lambda chat, speaks: None
        """Told of each sign of life of a chat, and whether the bot can surely speak there."""
        self.messenger.taken = lambda chat: self.heard(chat, True)
        self._api.on_return(self._tell_kept)
        self.dead = asyncio.Event()
        self.why = ""  # it is dead

    @property
    def username(self) -> str:
        """Without @. Known after `connect()`."""
        return self._api.username

    def on_return(self, call: Callable[[], object]) -> None:
        """`call` whenever Telegram answers again after it had not; at the start, when it does at all."""
        self._api.on_return(call)

    async def connect(self) -> None:
        """Waits until Telegram answers, however long that takes.

        Raises: TokenRefused.
        """
        self._api.expect()
        self._asked = self._clock.monotonic()
        await patiently(self._api, self._clock, self._asked, self._api.initialize)
        log.info("this is @%s", self.username)

    async def listen(self) -> None:
        """Begins to poll; returns when the first getUpdates is on its way. What comes is held until `start()`.

        Raises: TokenRefused.
        """
        self._app = app = ApplicationBuilder().bot(self._api).job_queue(None).context_types(_CONTEXT).build()
        await app.initialize()
        await patiently(self._api, self._clock, self._asked, lambda: _poll(app))
        self._polling.begin()
        await self._polling.asked.wait()

    async def start(self, env: Env, runner: "Runner") -> None:
        """Begins to hear what is said. Raises: TokenRefused."""
        from bot.chat.door import FLOOD, Door
        from bot.chat.handlers import Handlers
        from bot.chat.menu import Menu
        from bot.pages import PAGES

        await self.members.load()
        if self._app is None:
            await self.listen()
        pages = PAGES if self._pages is None else self._pages
        flood = FLOOD if self._flood is None else self._flood
        menu = Menu(self._api, self.members, pages)
        handlers = Handlers(env, self.messenger, runner, pages, menu, bot=self.username, reader=self._reader)
        door = Door(
            self.members,
            self._clock,
            self._polling,
            flooded=lambda asker: self._tell_flood(asker, flood),
            strange=lambda stranger: self.strange(stranger),
            migrated=lambda old, new: self._spawn(self.members.migrated(old, new), "group migrated"),
            heard=lambda chat, speaks: self.heard(chat, speaks),
            flood=flood,
        )
        self.members.changed = lambda chat: self._spawn(menu.set(chat), "menu")
        if self._app is not None:
            _handle(self._app, door, handlers)
            await self._app.start()
        self._polling.heeded.set()
        watching = self._polling.watch(self._give_up, self._api.probe)
        self._watchdog = self._spawn(watching, "polling watchdog")
        self._spawn(menu.publish(), "menus")

    async def stop_polling(self) -> None:
        """Hears no more; at most `STOP` seconds."""
        self._polling.heeded.set()
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._app is not None and self._app.updater is not None and self._app.updater.running:
            await _within(STOP, self._app.updater.stop(), "the last getUpdates")

    async def shutdown(self) -> None:
        """Closes everything; at most 2 x `SHUTDOWN` seconds. Needs `stop_polling()` before."""
        if self._app is None:
            await _within(SHUTDOWN, self._api.shutdown(), "closing connections")
            return
        if self._app.running:
            await _within(SHUTDOWN, self._app.stop(), "the last updates")
        await _within(SHUTDOWN, self._app.shutdown(), "closing connections")

    async def stop(self) -> None:
        """Both, where nothing was spawned that has to end in between."""
        await self.stop_polling()
        await self.shutdown()

    def _give_up(self, reason: str) -> None:
        self.why = reason
        self.dead.set()

    def _tell_kept(self) -> None:
        if self.messenger.notes:
            self._spawn(self.messenger.tell_kept(), "notes to the admins that were kept")

    def _tell_flood(self, asker: Asker, limit: int) -> None:
        words = say(
            "{name} ({id}) sends more than {n} messages a minute. What is over that is ignored.",
            name=asker.name,
            id=str(asker.id),
            n=limit,
        )
        self._spawn(self.messenger.tell_admins(words), "note of a flood")


_CONTEXT = ContextTypes(context=_Context)


def _handle(app: Application[Any, Any, Any, Any, Any, Any], door: "Door", handlers: "Handlers") -> None:
    """The door in group -1, and behind it what takes visits."""

    async def enter(update: Update, context: _Context) -> None:
        context.visit = door.see(update)
        if context.visit is None:
            raise ApplicationHandlerStop

    async def take(update: Update, context: _Context) -> None:
        if context.visit is not None:
            handlers.take(context.visit)

    async def on_error(update: object, context: _Context) -> None:
        log.error("an update failed and goes no further", exc_info=context.error)
        raise ApplicationHandlerStop

    app.add_handler(OfType(Update, enter), group=-1)
    app.add_handler(OfType(Update, take))
    app.add_error_handler(on_error)


async def _poll(app: Application[Any, Any, Any, Any, Any, Any]) -> None:
    if app.updater is not None:
        await app.updater.start_polling(
            timeout=POLL_TIMEOUT,
            bootstrap_retries=-1,  # no network at the start is no reason to exit
            allowed_updates=ALLOWED,
            error_callback=lambda error: None,  # Polling.failure has said it
        )


async def _within(seconds: float, action: Awaitable[object], what: str) -> None:
    with suppress(TelegramError):
        try:
            await asyncio.wait_for(action, seconds)
        except TimeoutError:
            log.warning("gave up after %g s: %s", seconds, what)


def _quiet() -> None:
    """httpx logs every address it calls, and the bot's token is part of it; PTB does so when debugging."""
    for name, least in (("httpx", logging.WARNING), ("httpcore", logging.WARNING), ("telegram", logging.INFO)):
        logger = logging.getLogger(name)
        logger.setLevel(max(least, logger.getEffectiveLevel()))  # never louder than it was set up
