"""A `Said` as Telegram takes it. All markup of the project is made here, and all outside text is escaped here."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from html import unescape

from markupsafe import Markup, escape

from bot.text.said import Ago, Folded, Lines, Linked, Moment, Reader, Said, Sentence, Styled, Table, Value, say_n
from bot.text.width import NARROWEST, bounded, clean, columns, cut

MESSAGE_LIMIT = 4096
"""Code points of a message after entity parsing (Bot API, sendMessage)."""
RAW_LIMIT = 32_000
"""Bytes of the raw text: the server refuses more than 32768 before it parses anything."""
UNIX_LAST = 2**31 - 1
"""What a date_time entity can hold (td, MessageEntity.cpp, parse_html: an int32 above 0; `r` is relative)."""

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": {}}
"""Language -> English sentence -> sentence. English says itself."""


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


FOLDED = "blockquote expandable"
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
            yield from ((line, FOLDED) for line in _folded(text, reader))
        case Sentence() | Moment() | Ago() | Styled() | Linked():
            yield _inline(said, reader), None


def _folded(text: str | Said, reader: Reader) -> Iterator[str]:
    if isinstance(text, str):
        for line in text.splitlines() or [""]:
            yield str(escape(clean(bounded(line).replace("\t", "    "))))
    else:
        yield from (line for line, _ in _render(text, reader))


def _inline(said: Said, reader: Reader) -> str:
    match said:
        case Sentence(pattern=pattern, values=values):
            if not values:
                return _pattern(pattern, reader.language).replace("{{", "{").replace("}}", "}")
            filled = {name: _value(value, reader) for name, value in values}
            return _pattern(pattern, reader.language).format_map(filled)
        case Moment(at=at, form=form, now=now):
            local = _local(at, reader)
            if now is not None and local.date() != _local(now, reader).date():
                form = f"%d %b {form}"
            return str(escape(local.strftime(form)))
        case Ago(at=at, form=form):
            shown = str(escape(_local(at, reader).strftime(form)))
            unix = int(at.timestamp())
            known = reader.counts and 0 < unix <= UNIX_LAST
            return f'<tg-time unix="{unix}" format="r">{shown}</tg-time>' if known else shown
        case Styled(tag=tag, inner=inner):
            return f"<{tag}>{_inline(inner, reader)}</{tag}>"
        case Linked(inner=inner, url=url):
            return f'<a href="{escape(url)}">{_inline(inner, reader)}</a>'
        case Lines() | Table() | Folded():  # a block inside a sentence: its lines, unwrapped
            return "\n".join(line for line, _ in _render(said, reader))


def _local(at: datetime, reader: Reader) -> datetime:
    """In the reader's zone; at the edge of the calendar, where that is past it, as it is."""
    try:
        return at.astimezone(reader.zone)
    except OverflowError:
        return at


def _value(value: Value, reader: Reader) -> str:
    if isinstance(value, str):
        return str(escape(clean(bounded(value))))
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
        return clean(bounded(value))
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
