"""What `telemox check` says: one line, and how to mend it."""

from dataclasses import dataclass
from enum import IntEnum

from bot.text import Said


class Level(IntEnum):
    """The value is the exit status."""

    OK = 0
    WARN = 1
    FAIL = 2


@dataclass(frozen=True, slots=True)
class Line:
    level: Level
    text: Said
    mend: tuple[str, ...] = ()  # commands and settings to type, in order; never translated


def ok(text: Said) -> Line:
    return Line(Level.OK, text)


def warn(text: Said, *mend: str) -> Line:
    return Line(Level.WARN, text, mend)


def fail(text: Said, *mend: str) -> Line:
    return Line(Level.FAIL, text, mend)
