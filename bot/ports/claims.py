"""What is done once and asked for by several: the first claim counts, in whatever moment the others come.

An alert is acknowledged, a silence ended, by one: whoever was a moment late is told by whom, and nothing is written of
it. A claim is made at the press, before anything is waited for.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.model import Silence

MOST = 256
"""Claims that are remembered: of silences that ended, the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    by: str  # name
    at: datetime
    silence: Silence | None = None  # that it ends: nothing else knows it any more


class Claims:
    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}

    def of(self, what: str) -> Claim | None:
        """`ack 7`, `unsilence 3`: whose it is; None: nobody's."""
        return self._claims.get(what)

    def claim(self, what: str, claim: Claim) -> bool:
        """False where it is somebody's already."""
        if what in self._claims:
            return False
        self._claims[what] = claim
        if len(self._claims) > MOST:
            del self._claims[next(iter(self._claims))]
        return True

    def drop(self, what: str) -> None:
        """It failed, or is to be seen where it stands by now."""
        self._claims.pop(what, None)
