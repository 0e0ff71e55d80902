"""The one message that a run writes into: progress, which may be dropped, and the last word, which may not."""

from collections.abc import Callable

from bot.ports import Env
from bot.runner.pending import same
from bot.screen import Message, Place, Screen

AGAIN = (5.0, 15.0, 30.0, 60.0, 120.0, *(300.0,) * 18)
"""Seconds before each further try to say the last word, when Telegram cannot be reached, or wants nothing for this chat
(a RetryAfter may say half an hour): an hour and a half of them."""


class Sheet:
    """`revoke`: any edit of a message closes the question that somebody may have opened in it."""

    def __init__(self, env: Env, place: Place, message: Message | None, revoke: Callable[[Message], None]) -> None:
        self._messenger = env.messenger
        self._clock = env.clock
        self._place = place
        self._revoke = revoke
        self._shown: Screen | None = None
        self.message = message  # None: there is none to edit (any more)

    async def progress(self, screen: Screen) -> None:
        """Only where something changed; a run without a message says its end alone."""
        if self.message is None or screen == self._shown:
            return
        self._shown = screen
        self._revoke(self.message)
        self.message = await self._messenger.edit(self.message, screen, progress=True) or self.message

    async def last(self, screen: Screen) -> tuple[bool, bool]:
        """(was it said, and in a new message, which sounds by itself). Tried for some ninety minutes."""
        for pause in (0.0, *AGAIN):
            if pause:
                await self._clock.sleep(pause)
            if self.message is not None:
                self._revoke(self.message)
                if (shown := await self._messenger.edit(self.message, screen)) is not None:
                    fresh = not same(shown, self.message)
                    self.message = shown
                    return True, fresh
            if (sent := await self._messenger.send(self._place, screen)) is not None:
                self.message = sent
                return True, True
        return False, False

    async def news(self, screen: Screen) -> None:
        """A new message, sounding."""
        await self._messenger.send(self._place, screen)
