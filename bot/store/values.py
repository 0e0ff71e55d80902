"""Frozen dataclasses as JSON and back, by their own fields: what a row's `body` holds.

A field that has its default is left out, and what is absent gets its default: a field added later needs no migration,
and one that is dropped stops nothing. Times are UTC in ISO 8601, enums their values, texts for people as keep.py packs
them. Whatever does not read as what `dump` writes is a ValueError.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime, time
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from bot.store.rows import storable
from bot.text import Said
from bot.text.keep import pack, unpack

T = TypeVar("T")
_Dump = Callable[[Any], Any]
_Load = Callable[[Any], Any]
_SAID = frozenset(get_args(Said))


def dump(value: object) -> str:
    """Of a dataclass. Lone surrogates, which JSON can carry and SQLite cannot, become `?`."""
    kind: Any = type(value)
    return storable(json.dumps(_writer(kind)(value), ensure_ascii=False, separators=(",", ":")))


def load(kind: type[T], text: object) -> T:
    """Raises: ValueError."""
    if not isinstance(text, str):
        raise ValueError("not text")
    whole: Any = kind
    try:
        value: T = _reader(whole)(json.loads(text))
    except (TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error
    return value


def utc(at: datetime) -> str:
    """ISO 8601; as text they sort as in time."""
    return at.astimezone(UTC).isoformat()


def moment(text: object) -> datetime:
    """Raises: ValueError for whatever is no aware time, or leaves the calendar in some zone."""
    at = datetime.fromisoformat(text) if isinstance(text, str) else None
    if at is None or at.tzinfo is None or not 1 < at.year < 9999:
        raise ValueError("not a point in time")
    return at


# -- by type, worked out once --------------------------------------------------------------------------------------


@cache
def _writer(kind: Any) -> _Dump:
    if is_dataclass(kind):
        parts = [(field.name, _default(field), _writer(hint)) for field, hint in _fields(kind)]

        def write(value: object) -> dict[str, object]:
            found: dict[str, object] = {}
            for name, default, write_part in parts:
                part = getattr(value, name)
                if default is MISSING or part != default:
                    found[name] = write_part(part)
            return found

        return write
    origin, inner = get_origin(kind), get_args(kind)
    if said := _said(kind):
        return pack if said is Said else lambda value: None if value is None else pack(value)
    if origin in {Union, UnionType}:
        whole = _writer(_but_none(inner))
        return lambda value: None if value is None else whole(value)
    if origin is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        each = _writer(inner[0])
        return lambda value: [each(part) for part in value]
    if origin is tuple:
        writers = [_writer(part) for part in inner]
        return lambda value: [write_part(part) for write_part, part in zip(writers, value, strict=True)]
    if origin is frozenset:
        return sorted
    if origin is Mapping:
        each = _writer(inner[1])
        return lambda value: {key: each(part) for key, part in value.items()}
    if kind is datetime:
        return utc
    if kind is time:
        return time.isoformat
    if issubclass(kind, Enum):
        return lambda value: value.value
    return lambda value: value


@cache
def _reader(kind: Any) -> _Load:
    if is_dataclass(kind):
        make = cast("Callable[..., object]", kind)
        parts = {field.name: _reader(hint) for field, hint in _fields(kind)}

        def read(given: dict[str, object]) -> object:
            known = {name: parts[name](part) for name, part in given.items() if name in parts}
            return make(**known)

        return read
    origin, inner = get_origin(kind), get_args(kind)
    if said := _said(kind):
        return _text_of_ours if said is Said else lambda given: None if given is None else _text_of_ours(given)
    if origin in {Union, UnionType}:
        whole = _reader(_but_none(inner))
        return lambda given: None if given is None else whole(given)
    if origin is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        each = _reader(inner[0])
        return lambda given: tuple(each(part) for part in _list(given))
    if origin is tuple:
        readers = [_reader(part) for part in inner]
        return lambda given: tuple(read_part(part) for read_part, part in zip(readers, _list(given), strict=True))
    if origin is frozenset:
        each = _reader(inner[0])
        return lambda given: frozenset(each(part) for part in _list(given))
    if origin is Mapping:
        each = _reader(inner[1])
        return lambda given: {key: each(part) for key, part in given.items()}
    if kind is datetime:
        return moment
    if kind is time:
        return time.fromisoformat
    if issubclass(kind, Enum):
        return lambda given: kind(given)
    return _plain(kind)


def _plain(kind: type) -> _Load:
    def read(given: object) -> object:
        if kind is float and type(given) is int:
            return float(given)
        if type(given) is not kind:
            raise ValueError(f"not a {kind.__name__}")
        return given

    return read


def _fields(kind: Any) -> list[tuple[Field[Any], Any]]:
    hints = get_type_hints(kind)
    return [(field, hints[field.name]) for field in fields(kind)]


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _said(kind: Any) -> Any:
    """Said where it is that, Said | None where it is that; else None. Both are unions, and nothing else is a text."""
    members = frozenset(get_args(kind)) if get_origin(kind) in {Union, UnionType} else frozenset()
    if members == _SAID:
        return Said
    return kind if members == _SAID | {NoneType} else None


def _but_none(members: tuple[Any, ...]) -> Any:
    (whole,) = (member for member in members if member is not NoneType)
    return whole


def _text_of_ours(given: object) -> Said:
    if not isinstance(given, str):
        raise ValueError("not a text of ours")
    return unpack(given)


def _list(given: object) -> list[Any]:
    if not isinstance(given, list):
        raise ValueError("not a list")
    return given
