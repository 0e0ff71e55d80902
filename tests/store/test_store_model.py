"""Whatever is saved in whatever order, after a restart the ledger holds what a plain dictionary would."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.model import Card, Habits, LetterKind, Phase, Route, Severity, Silence, Status
from bot.model.view import GuestWas
from bot.ports import Changes, Kept
from tests.store.kit import AT, WEB, Now, alert, opened, outgoing

few = st.integers(1, 4)
topics = st.sampled_from([None, 2, 3])
gone = st.lists(few, max_size=2).map(tuple)


def some(one: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(one, max_size=3).map(tuple)


alerts = st.builds(
    lambda n, held, phase: alert(n, held=held, phase=phase), few, st.floats(0, 9), st.sampled_from(Phase)
)
cards = st.builds(
    lambda n, told: Card(id=n, chat=-5, topic=None, alerts=(n,), told=told), few, st.sampled_from(["", WEB])
)
letters = st.builds(
    lambda n, topic, alert_, kind: outgoing(n, topic=topic, alert=alert_, kind=kind),
    few,
    topics,
    few,
    st.sampled_from([LetterKind.REMIND, LetterKind.RECOVER]),
)
silences = st.builds(
    lambda n, by: Silence(id=n, about="all", cluster="", value="", until=AT, made=AT, by=by), few, few.map(str)
)
routes = st.builds(lambda c, t, least: Route(chat=c, topic=t, least=least), few, topics, st.sampled_from(Severity))
changes = st.builds(
    Changes,
    alerts=some(alerts),
    gone=gone,
    cards=some(cards),
    cards_gone=gone,
    outbox=some(letters),
    sent=gone,
    silences=some(silences),
    silences_gone=gone,
    routes=some(routes),
    routes_gone=some(st.tuples(few, topics)),
    habits=some(st.builds(lambda chat, zone: Habits(chat=chat, zone=zone), few, st.sampled_from(["", "UTC"]))),
    guests=st.dictionaries(
        st.tuples(st.sampled_from(["main", "lab"]), few),
        st.none() | st.builds(GuestWas, status=st.sampled_from(Status), node=st.just(WEB)),
        max_size=3,
    ),
    facts=st.dictionaries(few.map(str), st.sampled_from(["", "x", WEB]), max_size=3),
    parked=st.dictionaries(few, st.booleans(), max_size=3),
)


class Model:
    """The same in dictionaries."""

    def __init__(self) -> None:
        self.of: dict[str, dict[Any, Any]] = {name: {} for name in Kept.__dataclass_fields__}

    def save(self, change: Changes) -> None:
        for name, key, lost in (("alerts", "number", change.gone), ("cards", "id", change.cards_gone)):
            self._put(name, key, getattr(change, name), lost)
        self._put("silences", "id", change.silences, change.silences_gone)
        self._post(change)
        for place in change.routes_gone:
            self.of["routes"].pop(place, None)
        self.of["routes"] |= {(route.chat, route.topic): route for route in change.routes}
        self.of["habits"] |= {habits.chat: habits for habits in change.habits}
        for name in ("guests", "facts", "parked"):
            self.of[name] |= getattr(change, name)
            self.of[name] = {key: value for key, value in self.of[name].items() if value}

    def _put(self, name: str, key: str, values: Any, lost: Sequence[int]) -> None:
        self.of[name] |= {getattr(value, key): value for value in values}
        self.of[name] = {id_: value for id_, value in self.of[name].items() if id_ not in lost}

    def _post(self, change: Changes) -> None:
        """A row of an event that waits already is not taken."""
        outbox = {id_: row for id_, row in self.of["outbox"].items() if id_ not in change.sent}
        new = list({row.id: row for row in change.outbox if row.id not in change.sent}.values())
        for row in new:
            outbox.pop(row.id, None)
        for row in new:
            same = {(old.chat, old.topic, old.alert, old.kind, old.n) for old in outbox.values()}
            if (row.chat, row.topic, row.alert, row.kind, row.n) not in same:
                outbox[row.id] = row
        self.of["outbox"] = outbox


@given(st.lists(changes, max_size=6))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_the_ledger_is_what_a_dictionary_would_be(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Changes]
) -> None:
    model = Model()

    async def run(folder: Path) -> Kept:
        async with opened(folder, Now()) as store:
            for step in steps:
                await store.save(step)
                model.save(step)
        async with opened(folder, Now()) as store:
            return await store.alerts()

    kept = asyncio.run(run(tmp_path_factory.mktemp("ledger")))
    for name in ("alerts", "cards", "outbox", "silences", "habits"):
        key = {"alerts": "number", "habits": "chat"}.get(name, "id")
        assert {getattr(row, key): row for row in getattr(kept, name)} == model.of[name], name
    assert {(route.chat, route.topic): route for route in kept.routes} == model.of["routes"]
    assert (kept.guests, kept.facts) == (model.of["guests"], model.of["facts"])
    assert kept.parked == frozenset(model.of["parked"])
