"""What people read, unrendered: sentences with named placeholders, and how they stand together. All of it frozen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.text.width import WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads: decides language and clock."""

    language: str = "en"
    zone: tzinfo | None = None  # None: the zone of the machine the bot runs on (TZ)
    counts: bool = True  # the Telegram in between knows <tg-time>: the reader's phone counts ages by itself


@dataclass(frozen=True, slots=True)
class Sentence:
    """One whole sentence with named placeholders. Make it with `say()`."""

    pattern: str
    values: tuple[tuple[str, "Value"], ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time (aware), shown in the reader's zone. `form` is a strftime pattern."""

    at: datetime
    form: str
    now: datetime | None = None  # aware; where `at` is of another day there, the day stands before it: `25 Nov 16:18`


@dataclass(frozen=True, slots=True)
class Ago:
    """A point in time (aware) whose age the reader's own phone shows and counts, whatever becomes of the bot: `3
    minutes ago`. Where that is not known it is a Moment: a sentence reads well with either after `seen`."""

    at: datetime
    form: str


@dataclass(frozen=True, slots=True)
class Styled:
    tag: str  # b, i, code: tags Telegram knows, without attributes
    inner: "Said"


@dataclass(frozen=True, slots=True)
class Linked:
    inner: "Said"
    url: str


@dataclass(frozen=True, slots=True)
class Lines:
    parts: tuple["Said", ...]


@dataclass(frozen=True, slots=True)
class Table:
    rows: tuple[tuple["Value", ...], ...]
    align: str  # one of < > a column
    flex: int  # the column that gives way when a row is wider than `width`
    width: int  # columns


@dataclass(frozen=True, slots=True)
class Folded:
    text: "str | Said"  # an outside text, which may hold line breaks; or lines of ours


Said = Sentence | Moment | Ago | Styled | Linked | Lines | Table | Folded
Value = str | int | Said

EMPTY = Sentence("")


def say(pattern: str, /, **values: Value) -> Sentence:
    """A sentence for people. `pattern` is our own English; outside text goes into `values`, where it is escaped."""
    return Sentence(pattern, tuple(values.items()))


def say_n(n: int, /, one: str, many: str, **values: Value) -> Sentence:
    """`one` or `many` by number; `{n}` is filled in. Both are whole sentences, so that each can be translated."""
    return Sentence(one if n == 1 else many, (("n", n), *values.items()))


def raw(text: str) -> Sentence:
    """An outside text as it is (escaped when rendered): a name, a reason from Proxmox."""
    return Sentence("{text}", (("text", text),))


def bold(inner: Said | str) -> Styled:
    return Styled("b", _said(inner))


def code(inner: Said | str) -> Styled:
    return Styled("code", _said(inner))


def link(inner: Said | str, url: str) -> Linked:
    return Linked(_said(inner), url)


def lines(*parts: Said | str | None) -> Lines:
    """Parts one under another; None is left out, `EMPTY` is an empty line."""
    return Lines(tuple(_said(part) for part in parts if part is not None))


def table(rows: Iterable[Sequence[Value]], *, align: str, flex: int = 0, width: int = WIDTH) -> Table:
    """Columns in a <pre> block. A row wider than `width` has its `flex` column cut in the middle."""
    return Table(tuple(tuple(row) for row in rows), align, flex, width)


def folded(text: str | Said) -> Folded:
    """A long outside text, or lines of ours, folded to the first ones until the reader opens it."""
    return Folded(text)


def _said(part: Said | str) -> Said:
    return raw(part) if isinstance(part, str) else part
