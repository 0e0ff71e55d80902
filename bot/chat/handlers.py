"""From what was typed or pressed to a page or an action.

`take()` does not wait: it parses, answers a press (its one answer: a refusal that needs no look-up as a toast to the
presser alone, else an empty one), and starts the work, which waits for its turn. A press on what changes something is
answered when it is known whether it may: a refusal by role edits nothing, since the message is everybody's. Whatever
acts on the cluster goes through the runner and comes from a press alone; a page may be opened by a command of any age,
as it reads, or looks whether the command is fresh. A card of alerts and the live line are the deliverer's: what is
tapped there opens beside, without a sound.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

from bot.access import Asker, Role
from bot.chat import alerttaps, taps
from bot.chat.beside import MOST, Beside
from bot.chat.chatter import Chatter
from bot.chat.door import Pressed, Typed, Visit
from bot.chat.menu import Menu
from bot.chat.messenger import Messenger
from bot.chat.promise import Promise
from bot.chat.showing import BROKEN, OLD, Showing, Verdict, dated, owned
from bot.chat.turns import Crowd, Turns
from bot.errors import TelemoxError
from bot.pages.page import Enquiry, Page
from bot.ports import Env
from bot.screen import Ack, Ask, Cancel, Do, Hush, Message, Open, Screen, Stale, Tap
from bot.text import Reader, Said, say

log = logging.getLogger(__name__)

BACKLOG = 32
"""Updates of one person, in whatever chats, that wait or are worked off. More are dropped, which is said once."""
ANSWERS_OF_ONE = 8
"""Answers to one person's presses on their way. More are not given: the button spins until its client gives up."""
ANSWERS = 32
"""Answers to presses on their way in all, so that there is always a connection for a message (api.POOL)."""
ARGUMENT = 256
"""Characters of a command's argument that are read."""
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?:\s+(.*))?\s*", re.DOTALL)
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")

Action = Ask | Do | Cancel


class Runner(Protocol):
    """What carries out actions (bot/runner.py)."""

    def refusal(self, tap: Action, asker: Asker, message: Message) -> Said | None:
        """Why not, as far as it is known without I/O."""
        ...

    def revoke(self, message: Message) -> None:
        """`message` is about to show something else: a question in it is void."""
        ...

    async def on_tap(self, tap: Action, ask: Enquiry, message: Message, *, arrived: float) -> None:
        """`arrived` is `clock.monotonic()` at the press."""
        ...

    async def resume(self) -> None: ...


class Handlers:
    def __init__(
        self,
        env: Env,
        messenger: Messenger,
        runner: Runner,
        pages: Mapping[str, Page],
        menu: Menu,
        *,
        bot: str,
        reader: Callable[[int], Reader],
    ) -> None:
        """`bot` is the bot's username, without @."""
        self._env = env
        self._messenger = messenger
        self._runner = runner
        self._pages = pages
        self._menu = menu
        self._bot = bot
        self._reader = reader
        self._turns = Turns()
        self._waiting = Crowd(BACKLOG)
        self._spinning = Crowd(ANSWERS_OF_ONE)
        self._answering = asyncio.Semaphore(ANSWERS)
        self._beside = Beside()
        self._chatter = Chatter()
        self._showing = Showing(env, messenger, runner, pages, self._enquiry)
        self._commands = {
            name: page for page in pages.values() if page.command for name in (page.key, *page.aliases)
        }  # fmt: skip

    def take(self, visit: Visit) -> None:
        """Starts what this visit asks for."""
        person = visit.asker.id
        if not self._waiting.enter(person):
            self._dropped(visit)
            return
        work = self._typed(visit) if isinstance(visit, Typed) else self._pressed(visit)
        if (
            work is not None
            and isinstance(visit, Typed)
            and not self._is_change(visit)
            and not self._chatter.enter(visit.place.chat, person, visit.arrived)
        ):
            work = None
            if self._chatter.untold(visit.place.chat, visit.arrived):
                self._env.spawn(self._messenger.send(visit.place, Screen(text=_MUCH), silent=True), "note of chatter")
        if work is None:
            self._waiting.leave(person)
        else:
            self._env.spawn(self._in_turn(visit, work), "update")

    async def _in_turn(self, visit: Visit, work: Callable[[], Awaitable[None]]) -> None:
        try:
            async with self._turns.turn(visit.place.chat, visit.asker.id):
                await work()
        finally:
            self._waiting.leave(visit.asker.id)

    def _dropped(self, visit: Visit) -> None:
        if isinstance(visit, Typed) and not visit.private and not _COMMAND.fullmatch(visit.text):
            return  # what people say among themselves
        if not self._waiting.untold(visit.asker.id):
            return
        if isinstance(visit, Pressed):
            told = self._messenger.answer(visit.query, _CROWDED, visit.place.chat)
            self._env.spawn(told, "answer to a button")
        else:
            self._env.spawn(self._messenger.send(visit.place, Screen(text=_CROWDED)), "note of a backlog")

    # -- typed ----------------------------------------------------------------------------------------------------

    def _typed(self, visit: Typed) -> Callable[[], Awaitable[None]] | None:
        if self._menu.wanted(visit.place.chat):
            self._env.spawn(self._menu.set(visit.place.chat), "menu")
        if (match := _COMMAND.fullmatch(visit.text)) is None:
            if visit.private and not visit.text.startswith("/") and (page := self._pages.get("vm")) is not None:
                return partial(self._showing.show, visit, page, visit.text.strip()[:ARGUMENT])  # a name is enough
            return None
        name, arg = match[1].lower(), _argument(match)
        if not self._is_mine(match):
            return None
        if name == "start" and arg and (target := self._deep_link(arg)) is not None:
            return partial(self._showing.show, visit, *target)
        if (page := self._commands.get(name)) is not None:
            return partial(self._showing.show, visit, page, arg)
        return partial(self._unknown, visit, name) if visit.private else None

    def _is_mine(self, match: re.Match[str]) -> bool:
        return match[2] is None or match[2].lower() == self._bot.lower()

    def _is_change(self, visit: Typed) -> bool:
        """Does this change something, by somebody who may? What mends is never one too many."""
        match = _COMMAND.fullmatch(visit.text)
        page = self._commands.get(match[1].lower()) if match is not None else None
        if match is None or page is None or not page.changes:
            return False
        arg = _argument(match)
        ordered = page.change(arg) is not None or bool(arg and page.role is not None and page.role >= Role.OPERATOR)
        return ordered and page.refusal(visit.asker, arg, visit.private) is None

    def _deep_link(self, payload: str) -> tuple[Page, str] | None:
        """t.me/<bot>?start=vm_101: a page and, after the first _, its argument."""
        if not _PAYLOAD.fullmatch(payload):
            return None
        key, _, arg = payload.partition("_")
        page = self._commands.get(key)
        return (page, arg) if page is not None and not page.changes else None

    async def _unknown(self, visit: Typed, name: str) -> None:
        hint = say("There is no /{name} here. /help lists what there is.", name=name)
        await self._messenger.send(visit.place, dated(visit, Screen(text=hint)))

    # -- pressed --------------------------------------------------------------------------------------------------

    def _pressed(self, visit: Pressed) -> Callable[[], Awaitable[None]] | None:
        tap = taps.decode(visit.data)
        words, work = self._decided(visit, tap)
        if self._spinning.enter(visit.asker.id):
            self._env.spawn(self._answer(visit, words), "answer to a button")
        return work

    async def _answer(self, visit: Pressed, words: Said | Verdict | None) -> None:
        try:
            if isinstance(words, asyncio.Future):
                words = await words
            async with self._answering:
                await self._messenger.answer(visit.query, words, visit.place.chat)
        finally:
            self._spinning.leave(visit.asker.id)

    def _decided(
        self, visit: Pressed, tap: Tap | taps.Kept
    ) -> tuple[Said | Verdict | None, Callable[[], Awaitable[None]] | None]:
        """The toast, or the work, which may have the toast to give."""
        match tap:
            case Open(page=key) | taps.Kept(page=key):
                if (page := self._pages.get(key)) is None or (page.changes and visit.somewhere):
                    return OLD, None
                arg = tap.arg if isinstance(tap, Open) else ""  # of one that is kept it is not known yet
                if (words := page.refusal(visit.asker, arg, visit.private)) is not None:
                    return words, None
                if (words := self._over(visit)) is not None:
                    return words, None
                verdict = asyncio.get_running_loop().create_future() if page.changes else None
                if isinstance(tap, Open):
                    return verdict, partial(self._showing.show, visit, page, tap.arg, visit.message, verdict)
                return verdict, partial(self._showing.kept, visit, page, tap.key, verdict)
            case Ask() | Do() | Cancel():
                if (words := self._runner.refusal(tap, visit.asker, visit.message)) is not None:
                    return words, None
                if visit.late and not isinstance(tap, Cancel):
                    return say("The bot was away when this was pressed, so it was not done. Please tap again."), None
                return None, partial(self._tried, visit, partial(self._act, visit, tap))
            case Ack() | Hush():
                return self._alerted(visit, tap)
            case Stale():
                return OLD, None

    def _over(self, visit: Pressed) -> Said | None:
        """Why this look is one too many; None: it is not, and counts. What mends is never one too many: else whoever
        may look could keep it from those who may act."""
        if owned(self._env, visit.message) and not self._beside.enter(visit.message, visit.arrived):
            return _ENOUGH
        if not self._chatter.enter(visit.place.chat, visit.asker.id, visit.arrived):
            return _MUCH
        return None

    def _alerted(self, visit: Pressed, tap: Ack | Hush) -> tuple[Said | Verdict, Callable[[], Awaitable[None]] | None]:
        """The toast of a change comes once that is durable: it begins now, whatever else of theirs waits its turn."""
        if (watch := self._env.watch) is None:
            return OLD, None
        reader = self._reader(visit.place.chat)
        now, store = self._env.clock.now(), self._env.store
        said, change = alerttaps.decide(watch, store, tap, visit.asker, visit.place, now, reader)
        if change is None:
            return said, None
        promise = Promise(self._env, said, change)
        return promise.verdict, partial(self._tried, visit, partial(self._change, visit, promise))

    async def _change(self, visit: Pressed, promise: Promise) -> None:
        """What came of it: in the menu where it was chosen."""
        shown = await promise.kept()
        if shown and (page := self._pages.get(shown.page)) is not None and not owned(self._env, visit.message):
            await self._showing.show(visit, page, shown.arg, visit.message)

    async def _act(self, visit: Pressed, tap: Action) -> None:
        message = visit.message
        if owned(self._env, message):
            if self._runner.refusal(tap, visit.asker, message) is not None:  # a moment ago it was not under way yet
                return
            moment = Screen(text=say("⏳ {name} …", name=visit.asker.name))
            beside = await self._messenger.send(visit.place, moment, silent=True, reply_to=message.id)
            if beside is None:  # nobody would see how it goes: nothing is begun
                return
            message = beside
        await self._runner.on_tap(tap, self._enquiry(visit), message, arrived=visit.arrived)

    async def _tried(self, visit: Pressed, work: Callable[[], Awaitable[None]]) -> None:
        """What goes wrong is said beside the message, which may by now belong to a running action, or is a card."""
        try:
            await work()
        except TelemoxError as error:
            await self._messenger.send(visit.place, Screen(text=error.said()))
        except Exception:
            log.exception("a press failed: %r", visit.data)
            await self._messenger.send(visit.place, Screen(text=BROKEN))

    def _enquiry(self, visit: Visit) -> Enquiry:
        return Enquiry(
            env=self._env,
            asker=visit.asker,
            place=visit.place,
            private=visit.private,
            bot=self._bot,
            reader=self._reader(visit.place.chat),
            waited=visit.age if isinstance(visit, Typed) else 0.0,
        )


def _argument(match: re.Match[str]) -> str:
    return (match[3] or "").strip()[:ARGUMENT]


_ENOUGH = say("This card has opened {n} messages within a minute: use those, or wait a moment.", n=MOST)
_MUCH = say("Too much at once here: alerts come first. Wait a minute, or ask me in private.")
_CROWDED = say(
    "{n} of your messages and taps are still being worked off. What you send meanwhile is dropped.", n=BACKLOG
)
