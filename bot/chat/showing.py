"""A page in a chat: in the message whose button asked for it, or in a new one; and what is said where that fails."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from bot.chat.door import Pressed, Typed, Visit
from bot.chat.messenger import Messenger
from bot.errors import Denied, StoreFailed, TelemoxError
from bot.pages.page import Enquiry, Page
from bot.pages.patience import Patience, waiting
from bot.ports import Env
from bot.screen import Button, Copy, Message, Open, Screen
from bot.text import Said, lines, say, span

log = logging.getLogger(__name__)

OLD_COMMAND = 120.0
"""Seconds after which an answer says how long ago it was asked for."""
Verdict = asyncio.Future[Said | None]
"""What a press is answered with, once that is known."""
OLD = say("This button is too old, or not the bot's. Please send the command again.")
_STOPPED = say("The bot was stopped before this was read.")
BROKEN = say("Something went wrong inside the bot; its log has the details.")


class Revoking(Protocol):
    def revoke(self, message: Message) -> None:
        """`message` is about to show something else: a question in it is void."""
        ...


class Showing:
    def __init__(
        self,
        env: Env,
        messenger: Messenger,
        runner: Revoking,
        pages: Mapping[str, Page],
        enquiry: Callable[[Visit], Enquiry],
    ) -> None:
        self._env = env
        self._messenger = messenger
        self._runner = runner
        self._pages = pages
        self._enquiry = enquiry

    async def kept(self, visit: Pressed, page: Page, key: str, verdict: Verdict | None) -> None:
        try:
            arg = await self._env.store.kept(key)
        except StoreFailed as error:
            _decide(verdict, error.said())
            if verdict is None:
                await self._messenger.send(visit.place, Screen(text=error.said()), silent=True)
            return
        if arg is None:
            _decide(verdict, None)
            await self._messenger.send(visit.place, Screen(text=OLD))
        else:
            await self.show(visit, page, arg, visit.message, verdict)

    async def show(
        self, visit: Visit, page: Page, arg: str, message: Message | None = None, verdict: Verdict | None = None
    ) -> None:
        """Shows a page: in `message` where a button of it asked and it is nobody else's, else in a new one. While the
        page takes its time, that is said there.

        With a `verdict` a refusal by role is that, and nothing is shown: its button spins until then.
        """
        held = message if message is not None and not owned(self._env, message) else None
        send = partial(
            self._messenger.send,
            visit.place,
            silent=message is not None,
            reply_to=message.id if message is not None else None,
        )
        try:
            if verdict is None:
                screen, held = await self._patiently(visit, page, arg, held, send)
            else:
                screen = await self._screen(visit, page, arg, refuses=True)
                _decide(verdict, screen.toast)
        except Denied as error:
            _decide(verdict, error.said())
            return
        finally:
            _decide(verdict, None)
        screen = dated(visit, screen)
        await (self._edit(held, screen) if held is not None else send(screen))

    async def _patiently(
        self,
        visit: Visit,
        page: Page,
        arg: str,
        held: Message | None,
        send: Callable[[Screen], Coroutine[Any, Any, Message | None]],
    ) -> tuple[Screen, Message | None]:
        """The page, and the message that is to become it: `held`, or the one that `send` made meanwhile."""
        if held is not None:
            self._runner.revoke(held)

        async def say_so() -> Message | None:
            words = waiting(self._enquiry(visit), arg)
            return await (self._edit(held, words, progress=True) if held is not None else send(words))

        word = Patience(self._env, say_so)
        try:
            screen = await self._screen(visit, page, arg, refuses=False)
        except asyncio.CancelledError:
            if (said := await word.over()) is not None:
                await self._edit(said, Screen(text=_STOPPED, rows=self._ways(page, arg)))
            raise
        return screen, await word.over() or held

    async def _edit(self, message: Message, screen: Screen, *, progress: bool = False) -> Message | None:
        self._runner.revoke(message)  # somebody may have asked something in it meanwhile
        return await self._messenger.edit(message, screen, progress=progress)

    async def _screen(self, visit: Visit, page: Page, arg: str, *, refuses: bool) -> Screen:
        """Raises: Denied, where it `refuses`."""
        if (words := page.refusal(visit.asker, arg, visit.private)) is not None:
            if refuses:
                raise Denied(words)
            return Screen(text=words)
        try:
            return page.draw(await page.load(self._enquiry(visit), arg), visit.asker)
        except TelemoxError as error:
            if refuses and isinstance(error, Denied):
                raise
            mend = error.mend()
            copy = ((Button(say("Copy the command"), Copy(mend)),),) if mend else ()
            return Screen(text=error.said(), rows=(*copy, *self._ways(page, arg)))
        except Exception:
            log.exception("page %s failed with %r", page.key, arg)
            return Screen(text=BROKEN, rows=self._ways(page, arg))

    def _ways(self, page: Page, arg: str) -> tuple[tuple[Button, ...], ...]:
        again = Button(say("↻"), Open(page.key, arg))
        if page.key == "status" or "status" not in self._pages:
            return ((again,),)
        return ((again, Button(say("‹ Status"), Open("status"))),)


def owned(env: Env, message: Message) -> bool:
    """Is it a card or a live line?"""
    return env.watch is not None and env.watch.owns(message)


def _decide(verdict: Verdict | None, words: Said | None) -> None:
    """The first word counts."""
    if verdict is not None and not verdict.done():
        verdict.set_result(words)


def dated(visit: Visit, screen: Screen) -> Screen:
    """What waited in Telegram's queue is answered with its age."""
    if not isinstance(visit, Typed) or visit.age <= OLD_COMMAND:
        return screen
    return replace(screen, text=lines(say("You asked this {span} ago.", span=span(visit.age)), screen.text))
