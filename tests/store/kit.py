"""Values as the store keeps them, by Hypothesis and by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import UTC, datetime, time
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from bot.model import (
    About,
    Alert,
    Finding,
    LetterKind,
    Outgoing,
    Phase,
    Record,
    Severity,
    Subject,
)
from bot.store import Store
from bot.text import Moment, Said, bold, code, folded, lines, raw, say

WEB = 'web<1>_&"'
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Now:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = AT

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@asynccontextmanager
async def opened(folder: Path, clock: Now | None = None) -> AsyncIterator[Store]:
    store = await Store.open(folder, clock or Now())
    try:
        yield store
    finally:
        await store.close()


def subject(vmid: int = 101) -> Subject:
    return Subject(about=About.GUEST, cluster="main", id=str(vmid), name=WEB, node="pve1", tags=("lab",))


def alert(number: int = 1, **more: Any) -> Alert:
    finding = Finding(
        rule="guest_stopped_by_itself",
        subject=subject(),
        severity=Severity.WARNING,
        said=say("{name} stopped by itself.", name=WEB),
    )
    values: dict[str, Any] = {"number": number, "finding": finding, "phase": Phase.FIRING, "found": AT}
    return Alert(**values | more)


def outgoing(id_: int = 1, **more: Any) -> Outgoing:
    values: dict[str, Any] = {"chat": -5, "topic": None, "alert": 1, "kind": LetterKind.REMIND, "n": 1, "card": 1}
    values |= {"id": id_, "said": raw(WEB), "silent": False, "made": AT}
    return Outgoing(**values | more)


def record(number: int, fired: datetime = AT, **more: Any) -> Record:
    values: dict[str, Any] = {"rule": "r", "subject": subject(), "severity": Severity.INFO, "over": None}
    values |= {"number": number, "fired": fired, "said": raw(WEB)}
    return Record(**values | more)


# -- by Hypothesis -------------------------------------------------------------------------------------------------

texts = st.one_of(st.just(WEB), st.text(st.characters(codec="utf-8"), max_size=12))
numbers = st.integers(-(2**53), 2**53)
figures = st.floats(allow_nan=False, allow_infinity=False)
times = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
saids: st.SearchStrategy[Said] = st.one_of(
    texts.map(raw),
    times.map(lambda at: say("Since {when}.", when=Moment(at, "%H:%M"))),
    texts.map(lambda text: lines(bold(text), code(text), folded(text))),
)


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Every field drawn, those with defaults too."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: _drawn(hints[field.name]) for field in fields(kind)})


def _drawn(hint: Any) -> st.SearchStrategy[Any]:
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: texts,
        int: numbers,
        float: figures,
        bool: st.booleans(),
        datetime: times,
        time: st.times(),
        Said: saids,
        Said | None: st.none() | saids,
    }
    if hint in simple:
        return simple[hint]
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return st.one_of(*(st.none() if part is NoneType else _drawn(part) for part in inner))
    if origin is tuple and inner[1:] == (Ellipsis,):
        return st.lists(_drawn(inner[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(_drawn, inner))
    if origin is frozenset:
        return st.frozensets(_drawn(inner[0]), max_size=3)
    return st.sampled_from(hint) if issubclass(hint, Enum) else of(hint)
