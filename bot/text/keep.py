"""A `Said` as text that can be stored, and back: JSON, each part an array that begins with its letter.

    pack(said)  ->  '["s","{name} stopped by itself.",[["name","web"]]]'
    unpack(text) -> the same `Said`, or ValueError for whatever `pack` could not have written

What comes back can be rendered: a pattern lacks no value, a tag is one that Telegram knows. Lone surrogates, which
SQLite and UTF-8 cannot carry, come back as `?`.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from string import Formatter
from typing import Any, cast

from bot.text.render import plain
from bot.text.said import Ago, Folded, Lines, Linked, Moment, Reader, Said, Sentence, Styled, Table, Value, raw
from bot.text.width import LONGEST, bounded

LARGEST = 128 * 1024
"""Characters of one packed `Said`. A message shows 4,096: what is larger is kept as the beginning of its plain text."""
DEEPEST = 40
"""Parts inside parts. Ours are five deep at most."""
TAGS = frozenset({"b", "i", "u", "s", "code", "pre", "tg-spoiler"})


def pack(said: Said) -> str:
    """At most `LARGEST` characters, without lone surrogates."""
    text = json.dumps(_packed(said), ensure_ascii=False, separators=(",", ":"))
    if len(text) > LARGEST:
        short = bounded(plain(said, Reader(zone=UTC))).replace("\x00", "")[:LONGEST]
        text = json.dumps(_packed(raw(short)), ensure_ascii=False, separators=(",", ":"))
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def unpack(text: str) -> Said:
    """Raises: ValueError."""
    if len(text) > LARGEST:
        raise ValueError("too long to be a text of ours")
    try:
        return _said(json.loads(text), DEEPEST)
    except (TypeError, IndexError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a text of ours: {error}") from error


def _packed(said: Said) -> list[Any]:
    match said:
        case Sentence(pattern=pattern, values=values):
            return ["s", pattern, [[name, _packed_value(value)] for name, value in values]]
        case Moment(at=at, form=form, now=now):
            return ["m", at.isoformat(), form, *([now.isoformat()] if now is not None else [])]
        case Ago(at=at, form=form):
            return ["g", at.isoformat(), form]
        case Styled(tag=tag, inner=inner):
            return ["t", tag, _packed(inner)]
        case Linked(inner=inner, url=url):
            return ["a", _packed(inner), url]
        case Lines(parts=parts):
            return ["l", [_packed(part) for part in parts]]
        case Table(rows=rows, align=align, flex=flex, width=width):
            return ["p", [[_packed_value(value) for value in row] for row in rows], align, flex, width]
        case Folded(text=text):
            return ["f", text if isinstance(text, str) else _packed(text)]


def _packed_value(value: Value) -> str | int | list[Any]:
    return value if isinstance(value, str | int) else _packed(value)


def _said(given: object, deep: int) -> Said:
    if deep == 0:
        raise ValueError("parts inside parts without end")
    match given:
        case ["s", str(pattern), [*pairs]]:
            values = tuple((_text(name), _value(value, deep)) for name, value in map(_pair, pairs))
            if values and not _names(pattern) <= {name for name, _ in values}:
                raise ValueError("a sentence lacks a value")
            return Sentence(pattern, values)
        case ["m", str(at), str(form)]:
            return Moment(_aware(at), form)
        case ["m", str(at), str(form), str(now)]:
            return Moment(_aware(at), form, _aware(now))
        case ["g", str(at), str(form)]:
            return Ago(_aware(at), form)
        case ["t", str(tag), inner] if tag in TAGS:
            return Styled(tag, _said(inner, deep - 1))
        case ["a", inner, str(url)]:
            return Linked(_said(inner, deep - 1), url)
        case ["l", [*parts]]:
            return Lines(tuple(_said(part, deep - 1) for part in parts))
        case ["p", [*rows], str(align), int(flex), int(width)]:
            return _table(rows, align, flex, width, deep)
        case ["f", inner]:
            return Folded(inner if isinstance(inner, str) else _said(inner, deep - 1))
        case _:
            raise ValueError("not a text of ours")


def _table(rows: list[object], align: str, flex: int, width: int, deep: int) -> Table:
    cells = tuple(tuple(_value(value, deep) for value in cast("list[object]", row)) for row in rows)
    if not (set(align) <= {"<", ">"} and 0 <= flex < max(1, len(align)) and 0 <= width <= LONGEST):
        raise ValueError("not a table of ours")
    if any(len(row) > len(align) for row in cells):
        raise ValueError("a row is longer than its table")
    return Table(cells, align, flex, width)


def _value(given: object, deep: int) -> Value:
    if isinstance(given, str | int) and not isinstance(given, bool):
        return given
    return _said(given, deep - 1)


def _pair(given: object) -> tuple[object, object]:
    match given:
        case [name, value]:
            return name, value
        case _:
            raise ValueError("not a value with its name")


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise ValueError("a name is not text")
    return given


def _aware(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None or not 1 < at.year < 9999:  # in no zone may it leave the calendar
        raise ValueError("not a point in time")
    return at


@lru_cache(maxsize=1024)
def _names(pattern: str) -> frozenset[str]:
    """Placeholders of a sentence: plain names. Raises ValueError for anything that `say()` has no use for."""
    found = set()
    for _, name, form, conversion in Formatter().parse(pattern):
        if name is not None:
            if not name.isidentifier() or form or conversion:
                raise ValueError("not a sentence of ours")
            found.add(name)
    return frozenset(found)
