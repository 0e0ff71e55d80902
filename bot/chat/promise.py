"""What a press on a card changes, and what that press is answered with: that it is done, once it is durable."""

import asyncio

from bot.chat.alerttaps import Change
from bot.chat.showing import BROKEN, Verdict
from bot.errors import TelemoxError
from bot.ports import Env
from bot.screen import Open
from bot.text import Said, say

LATE = 4.0
"""Seconds after which the press is answered without knowing: its client gives up soon."""
UNKNOWN = say("Not done yet: my database takes its time. If it fails, I say so here.")


class Promise:
    """Begun when it is made. `verdict` is decided in `LATE` s at most, whatever hangs."""

    def __init__(self, env: Env, said: Said, change: Change) -> None:
        """`said`: the toast, where it is done."""
        self.verdict: Verdict = asyncio.get_running_loop().create_future()
        self._env = env
        self._said = said
        self._change = change
        self._error: TelemoxError | None = None
        self._work = env.spawn(self._keep(), "a change of alerts")
        env.spawn(self._in_time(), "patience with a change of alerts")

    async def kept(self) -> Open | None:
        """What shows it. Raises: what it failed with."""
        shown: Open | None = await self._work
        if self._error is not None:
            raise self._error
        return shown

    async def _keep(self) -> Open | None:
        try:
            shown = await self._change()
        except TelemoxError as error:
            self._error = error
            self._decide(say("Nothing was changed. {why}", why=error.said()))
            return None
        except BaseException:
            self._decide(BROKEN)
            raise
        self._decide(self._said)
        return shown

    async def _in_time(self) -> None:
        late = self._env.spawn(self._env.clock.sleep(LATE), "patience with the store")
        await asyncio.wait({self.verdict, late}, return_when=asyncio.FIRST_COMPLETED)
        late.cancel()
        self._decide(UNKNOWN)

    def _decide(self, words: Said) -> None:
        """The first word counts."""
        if not self.verdict.done():
            self.verdict.set_result(words)
