"""Notes to the admins that wait until Telegram is reached.

In memory: what is wrong still, a new process finds too. What it would not find (that the database was lost), whoever
tells it keeps elsewhere until Telegram has `taken` it.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bot.ports import Clock
from bot.text import Moment, Said, lines, say, say_n

Taken = Callable[[], Awaitable[object]]
"""Called once a note has reached an admin."""
MOST = 20
"""Notes that wait at most; of what comes then it is told how many they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    said: Said
    at: datetime  # UTC
    admins: tuple[int, ...] | None = None  # who has not been told; None: nobody has
    taken: Taken | None = None

    @property
    def late(self) -> Said:
        return lines(self.said, say("From {when}: Telegram could not be reached then.", when=Moment(self.at, "%H:%M")))


class Notes:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: deque[Note] = deque()
        self._more = 0  # that were not kept
        self._since: datetime | None = None  # of the first of those

    def __bool__(self) -> bool:
        return bool(self._kept) or self._more > 0

    def keep(self, said: Said, admins: tuple[int, ...] | None = None, taken: Taken | None = None) -> None:
        """`admins`: who is to be told still; None: all of them."""
        if len(self._kept) < MOST:
            self._kept.append(Note(said=said, at=self._clock.now(), admins=admins, taken=taken))
            return
        self._more, self._since = self._more + 1, self._since or self._clock.now()

    def next(self) -> Note | None:
        """The oldest, which waits no more; after the last, how many others there were."""
        if self._kept:
            return self._kept.popleft()
        if not self._more or self._since is None:
            return None
        said = say_n(self._more, one="There was one more note to the admins.", many="There were {n} more notes.")
        note, self._more, self._since = Note(said=said, at=self._since), 0, None
        return note

    def back(self, note: Note) -> None:
        """It could not be told: it waits again, before the others."""
        self._kept.appendleft(note)
