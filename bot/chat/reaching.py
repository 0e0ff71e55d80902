"""Telegram is asked until it answers. Whether a token is refused it alone can say: a gateway's page passes."""

import logging
from collections.abc import Awaitable, Callable

from telegram.error import InvalidToken, RetryAfter, TelegramError

from bot.chat.api import Api
from bot.errors import TelemoxError
from bot.ports import Clock
from bot.text import Said, code, say

log = logging.getLogger(__name__)

LONGEST = 3.0
"""Seconds between tries while Telegram is not reached, at most."""
SOON = 2.0
"""Seconds from the first question in which whoever has started the process waits for a word: one refusal is enough.
Later the bot watches its clusters, and a token that Telegram has taken was right: it ends only after a second one."""
AGAIN = 5.0
"""Seconds from one refusal to the next question."""


class TokenRefused(TelemoxError):
    """Telegram knows no bot with this token, in its own words."""

    lasting = True

    def __init__(self, reason: str) -> None:
        super().__init__(f"Telegram refused the bot's token: {reason}")
        self.reason = reason

    def said(self) -> Said:
        return say(
            "Telegram refused the bot's token ({reason}). Take it anew from @BotFather and put it into {setting}.",
            reason=self.reason,
            setting=code("TELEMOX_TELEGRAM_TOKEN"),
        )


async def patiently(api: Api, clock: Clock, since: float, action: Callable[[], Awaitable[object]]) -> None:
    """Repeats `action` until it succeeds. `since`: monotonic seconds of the first question of this process.

    Raises: TokenRefused, without the cause, which holds the token.
    """
    pause, said, refused = 1.0, "", False
    while True:
        rest = pause
        try:
            await action()
        except InvalidToken as error:
            cause = error.__cause__ if isinstance(error.__cause__, InvalidToken) else error
            if refused or (not api.met and clock.monotonic() - since < SOON):
                raise TokenRefused(cause.message) from None
            refused, rest = True, AGAIN
            words = f"the bot's token is refused ({cause.message}); asking once more"
        except TelegramError as error:
            refused, words = False, error.message
            if isinstance(error, RetryAfter):
                rest = pause = 5.0
        else:
            return
        if words != said:
            log.warning("Telegram cannot be reached, trying on: %s", words)
            said = words
        await api.rest(rest)
        pause = min(LONGEST, pause * 1.5)
