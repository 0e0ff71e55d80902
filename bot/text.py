"""What people read: said once, unrendered, and rendered where it is sent.

    say("{name} has rebooted.", name=guest.name)      a sentence: whole, with named placeholders
    bold(…) code(…) link(…, url)                      one line, marked up
    lines(…)                                          one under another
    table(rows, align="<>>")                          columns, padded by display width, in <pre>
    folded(text)                                      a long outside text (a log), folded away

A `Said` is frozen and knows neither language nor markup. `html()` renders it for Telegram, `plain()` for toasts,
button labels and menus; both for one `Reader`. All markup of the project is made in this module, and every outside
value is escaped on its way in, so that a guest named `web<1>_&"` cannot break a message. Translations are looked up
by the English sentence; `CATALOGUES` is where another language is added.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from html import unescape

from markupsafe import Markup, escape

WIDTH = 34
"""Columns of a card: what a phone held upright shows of a <pre> block without scrolling."""
NARROWEST = 4
"""Columns that a table leaves of the cell that gives way, as long as others can give too."""
MESSAGE_LIMIT = 4096
"""Code points of a message after entity parsing (Bot API, sendMessage)."""
RAW_LIMIT = 32_000
"""Bytes of the raw text: the server refuses more than 32768 before it parses anything."""

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": {}}
"""Language -> English sentence -> sentence. English says itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads: decides language and clock."""

    language: str = "en"
    zone: tzinfo | None = None  # None: the zone of the machine the bot runs on (TZ)


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
    text: str  # outside text, may hold line breaks


Said = Sentence | Moment | Styled | Linked | Lines | Table | Folded
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


def folded(text: str) -> Folded:
    """A long outside text, folded to its first lines until the reader opens it."""
    return Folded(text)


# -- numbers, said the way a person says them ----------------------------------------------------------------------


def size(count: float) -> Sentence:
    """Bytes in IEC units, two digits at least: `512 MiB`, `2.3 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if abs(count) < 1024 or unit == "PiB":
            number = f"{count:.0f}" if unit in {"B", "KiB"} or count >= 10 else f"{count:.1f}"
            return say("{number} " + unit, number=number)
        count /= 1024
    raise AssertionError("unreachable")


def size_short(count: float) -> str:
    """Bytes for a column: `512M`, `2.3G`."""
    for unit in ("B", "K", "M", "G", "T", "P"):
        if abs(count) < 1024 or unit == "P":
            return f"{count:.0f}{unit}" if unit in {"B", "K", "M"} or count >= 10 else f"{count:.1f}{unit}"
        count /= 1024
    raise AssertionError("unreachable")


def size_pair(part: float, whole: float) -> Sentence:
    """`2.3 of 4.0 GiB`: both in the unit of the whole."""
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
    index = 0
    while abs(whole) >= 1024 and index < len(units) - 1:
        part, whole, index = part / 1024, whole / 1024, index + 1
    form = "{:.1f}" if index and whole < 100 else "{:.0f}"
    return say("{part} of {whole} " + units[index], part=form.format(part), whole=form.format(whole))


def share(value: float) -> str:
    """A share 0..1 as `58%`. Above 1 is possible (host memory of a VM on PVE 9) and shown as it is."""
    return f"{value * 100:.0f}%"


def bar(value: float, cells: int = 5) -> str:
    """A share 0..1 as `▰▰▰▱▱`, rounded; what is not nothing shows a cell at least, and never more than all."""
    full = max(1 if value > 0 else 0, min(cells, round(value * cells)))
    return "▰" * full + "▱" * (cells - full)


def span(seconds: float) -> Sentence:
    """A duration in its two largest units: `12 d 4 h`, `34 s`."""
    whole = max(0, int(seconds))
    minutes, secs = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return say("{d} d {h} h", d=days, h=hours) if hours else say("{d} d", d=days)
    if hours:
        return say("{h} h {m} min", h=hours, m=minutes) if minutes else say("{h} h", h=hours)
    if minutes:
        return say("{m} min {s} s", m=minutes, s=secs) if secs and minutes < 10 else say("{m} min", m=minutes)
    return say("{s} s", s=secs)


def clock(at: datetime) -> Moment:
    """`14:02:31` in the reader's zone."""
    return Moment(at, "%H:%M:%S")


def day_clock(at: datetime) -> Moment:
    """`2026-11-24 14:02` in the reader's zone."""
    return Moment(at, "%Y-%m-%d %H:%M")


def cut(text: str, width: int) -> str:
    """`text` in at most `width` columns, long names cut in the middle: both ends of a name tell guests apart."""
    text = clean(text)
    if columns(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    head, tail = (width - 1) - (width - 1) // 3, (width - 1) // 3
    left, right = _take(text, head), _take(text[::-1], tail)[::-1]
    while columns(f"{left}…{right}") > width and (left or right):
        # marks that widen what they stand beside (a variation selector) are counted with their neighbours alone
        left, right = (left, right[1:]) if right else (left[:-1], right)
    return f"{left}…{right}"


def columns(text: str) -> int:
    """Display width: ASCII counts one, CJK and emoji two."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # its tables take 30 ms: a start is spared them

    return max(0, wcswidth(text))


def clean(text: str) -> str:
    """Outside text on one line: control characters, lone surrogates and direction marks become `�`, breaks a space."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character == "\u200d"  # joins emoji
        else (" " if character.isspace() else "�")
        for character in text
    )


# -- rendering -----------------------------------------------------------------------------------------------------


def html(said: Said, reader: Reader, limit: int = MESSAGE_LIMIT) -> Markup:
    """For Telegram, at most `limit` code points after parsing: cut on whole lines, tags balanced, the cut said."""
    rendered = list(_render(said, reader))
    text = _joined(rendered)
    if (len(text) <= limit or len(_strip(text)) <= limit) and len(text.encode()) <= RAW_LIMIT:
        return _trusted(text)
    return _trusted(_fit(rendered, reader, limit))


def plain(said: Said, reader: Reader) -> str:
    """For toasts, button labels, menus and files: no markup, nothing escaped."""
    return _strip("\n".join(line for line, _ in _render(said, reader)))


_Line = tuple[str, str | None]
"""A rendered line and the block it stands in (`pre`, `blockquote expandable`), None outside of any."""


def _render(said: Said, reader: Reader) -> Iterator[_Line]:
    match said:
        case Lines(parts=parts):
            for part in parts:
                yield from _render(part, reader)
        case Table():
            for row in _rows(said, reader):
                yield row, "pre"
        case Folded(text=text):
            for line in text.splitlines() or [""]:
                yield str(escape(clean(line.replace("\t", "    ")))), "blockquote expandable"
        case Sentence() | Moment() | Styled() | Linked():
            yield _inline(said, reader), None


def _inline(said: Said, reader: Reader) -> str:
    match said:
        case Sentence(pattern=pattern, values=values):
            if not values:
                return _pattern(pattern, reader.language).replace("{{", "{").replace("}}", "}")
            filled = {name: _value(value, reader) for name, value in values}
            return _pattern(pattern, reader.language).format_map(filled)
        case Moment(at=at, form=form):
            return str(escape(at.astimezone(reader.zone).strftime(form)))
        case Styled(tag=tag, inner=inner):
            return f"<{tag}>{_inline(inner, reader)}</{tag}>"
        case Linked(inner=inner, url=url):
            return f'<a href="{escape(url)}">{_inline(inner, reader)}</a>'
        case Lines() | Table() | Folded():  # a block inside a sentence: its lines, unwrapped
            return "\n".join(line for line, _ in _render(said, reader))


def _value(value: Value, reader: Reader) -> str:
    if isinstance(value, str):
        return str(escape(clean(value)))
    return str(value) if isinstance(value, int) else _inline(value, reader)


@lru_cache(maxsize=4096)
def _pattern(pattern: str, language: str) -> str:
    """The translated sentence, escaped once: our own text may hold `&` and `<` too."""
    return str(escape(CATALOGUES.get(language, {}).get(pattern, pattern)))


def _rows(table_: Table, reader: Reader) -> Iterator[str]:
    cells = [[_cell(value, reader) for value in row] for row in table_.rows]
    count = len(table_.align)
    widths = [max((columns(row[i]) for row in cells if i < len(row)), default=0) for i in range(count)]
    over = sum(widths) + count - 1 - table_.width
    if over > 0:
        taken = min(over, max(0, widths[table_.flex] - NARROWEST))
        widths[table_.flex] -= taken
        for _ in range(over - taken):  # then a column at a time from the widest: no row is ever wider than the card
            widest = max(range(count), key=widths.__getitem__)
            widths[widest] -= 1
    for row in cells:
        padded = []
        for index, cell in enumerate(row):
            shown = cut(cell, widths[index])
            gap = " " * max(0, widths[index] - columns(shown))
            padded.append(gap + shown if table_.align[index] == ">" else shown + gap)
        yield str(escape(" ".join(padded).rstrip()))


def _cell(value: Value, reader: Reader) -> str:
    if isinstance(value, str):
        return clean(value)
    return str(value) if isinstance(value, int) else _strip(_inline(value, reader))


def _joined(rendered: Iterable[_Line]) -> str:
    out: list[str] = []
    block: str | None = None
    for line, wrap in rendered:
        opening = ""
        if wrap != block:
            if block is not None:
                out[-1] += f"</{block.split()[0]}>"
            if wrap is not None:
                opening = f"<{wrap}>"
            block = wrap
        out.append(opening + line)
    if block is not None and out:
        out[-1] += f"</{block.split()[0]}>"
    return "\n".join(out)


def _fit(rendered: Sequence[_Line], reader: Reader, limit: int) -> str:
    """As many whole lines as fit, then a line that says how many were left out."""
    room, raw_room = limit - 60, RAW_LIMIT - 600  # kept for the last line and the closing tags
    kept: list[_Line] = []
    for index, (line, wrap) in enumerate(rendered):
        text = _strip(line)
        if len(text) > limit // 2:  # one endless line: cut, its markup given up
            text = text[: limit // 2 - 1] + "…"
            line = str(escape(text))
        room -= len(text) + 1
        raw_room -= len(line.encode()) + 60
        if room < 0 or raw_room < 0:
            rest = say_n(len(rendered) - index, one="… {n} more line", many="… {n} more lines")
            kept.append((_inline(rest, reader), None))
            break
        kept.append((line, wrap))
    return _joined(kept)


_TAG = re.compile(r"<[^>]*>")


def _strip(text: str) -> str:
    """Our own HTML without its tags and escapes. Every `<` of outside text is escaped, so what matches is a tag."""
    if "<" in text:
        text = _TAG.sub("", text)
    return unescape(text) if "&" in text else text


def _trusted(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - the one place: everything in it was escaped above


def _take(text: str, width: int) -> str:
    out, used = "", 0
    for character in text:
        wide = max(0, columns(character))
        if used + wide > width:
            break
        out, used = out + character, used + wide
    return out


def _said(part: Said | str) -> Said:
    return raw(part) if isinstance(part, str) else part


def fold(text: str) -> str:
    """For comparing what people type with what guests are called: case and accents do not matter."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def from_epoch(seconds: float) -> datetime:
    """Epoch seconds (Proxmox: always UTC) as an aware time."""
    return datetime.fromtimestamp(seconds, UTC)
