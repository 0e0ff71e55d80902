"""The ledger on a real file: whole or not at all, over restarts, moves and damage."""

import asyncio
import hashlib
import json
import logging
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import ports
from bot.model import Alert, Card, Finding, Habits, Outgoing, Phase, Record, Route, Severity, Silence, Status
from bot.model.view import GuestWas, NodeWas, StorageWas
from bot.ports import Changes, Kept
from bot.store import Store, alerts, values
from bot.store.file import FILE
from bot.store.schema import MIGRATIONS
from bot.text import Reader, plain, raw, say
from tests.store.kit import AT, WEB, Now, alert, of, opened, outgoing, record, texts

ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = (Alert, Finding, Card, Outgoing, Silence, Route, Habits, Record, GuestWas, NodeWas, StorageWas)


@pytest.fixture
def clock() -> Now:
    return Now()


@pytest.fixture
async def store(tmp_path: Path, clock: Now) -> AsyncIterator[Store]:
    async with opened(tmp_path, clock) as made:
        yield made


def everything() -> Changes:
    """A row of each kind."""
    return Changes(
        alerts=(alert(1), alert(2, phase=Phase.PENDING, held=12.5)),
        cards=(Card(id=1, chat=-5, topic=3, alerts=(1, 2), message=42, told="x", made=AT),),
        outbox=(outgoing(1, topic=3),),
        silences=(
            Silence(
                id=1, about="tag", cluster="", value=WEB, until=AT + timedelta(hours=1), made=AT, by="Ana", reason=WEB
            ),
        ),
        routes=(Route(chat=-5, topic=3, least=Severity.WARNING, tags=frozenset({"lab", WEB})), Route(chat=-5)),
        habits=(Habits(chat=-5, zone="Europe/Berlin", pinned=7),),
        history=(record(1, over=AT + timedelta(minutes=7)),),
        guests={("main", 101): GuestWas(status=Status.IO_ERROR, node="pve1", booted=5.25, resets=(AT, AT))},
        nodes={("main", "pve1"): NodeWas(online=None, pools=("rpool",))},
        storages={("main", "pve1/local"): StorageWas(samples=((1.5, 2**50),))},
        events={"task_failed:main/node/pve1:UPID": AT},
        facts={"next": "3"},
        parked={-7: True},
    )


def same(kept: Kept, changes: Changes) -> None:
    assert list(kept.alerts) == list(changes.alerts)
    for name in ("cards", "outbox", "silences", "habits"):
        assert list(getattr(kept, name)) == list(getattr(changes, name)), name
    assert set(kept.routes) == set(changes.routes)
    for name in ("guests", "nodes", "storages", "events", "facts"):
        assert getattr(kept, name) == getattr(changes, name), name
    assert kept.parked == {chat for chat, on in changes.parked.items() if on}


# -- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_every_value_comes_back_as_it_was(kind: type, data: st.DataObject) -> None:
    value = data.draw(of(kind))
    assert values.load(kind, values.dump(value)) == value


@given(st.text(max_size=100) | st.builds("{{{}}}".format, st.text(max_size=50)))
@settings(max_examples=300)
def test_any_text_is_a_value_or_a_value_error(text: str) -> None:
    for kind in KINDS:
        try:
            values.load(kind, text)
        except ValueError:
            continue


@given(data=st.data())
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_a_body_with_a_wrong_part_is_a_value_error_or_a_value(data: st.DataObject) -> None:
    """A part of it replaced by something else: never another kind of exception, and never a wrong type inside."""
    body = json.loads(values.dump(alert(1, fired=AT, changes=(AT,))))
    target = data.draw(st.sampled_from([body, body["finding"], body["finding"]["subject"]]))
    name = data.draw(st.sampled_from(sorted(target)))
    target[name] = data.draw(st.sampled_from([None, True, 1, 1.5, "x", [], {}, [[]], "PENDING", -(2**70)]))
    try:
        found = values.load(Alert, json.dumps(body))
    except ValueError:
        return
    assert values.load(Alert, values.dump(found)) == found


def test_what_has_its_default_takes_no_room_and_what_is_unknown_stops_nothing() -> None:
    body = values.dump(Habits(chat=5))
    assert body == '{"chat":5}'
    assert values.load(Habits, '{"chat":5,"a_field_of_tomorrow":1}') == Habits(chat=5)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Habits, '{"chat":"5"}'),
        (Habits, '{"chat":true}'),
        (Habits, '{"chat":5.5}'),
        (Habits, '{"chat":5,"zone":7}'),
        (Habits, '{"chat":5,"digest":"25:00"}'),
        (Route, '{"chat":5,"tags":"lab"}'),
        (Route, '{"chat":5,"least":9}'),
        (NodeWas, '{"online":1}'),
        (NodeWas, '{"online":true,"booted":"long ago"}'),
        (StorageWas, '{"samples":[[1.5]]}'),
        (StorageWas, '{"samples":[[1.5,"x"]]}'),
        (Habits, "{}"),
        (Habits, "[]"),
    ],
)
def test_a_part_of_another_type_is_a_value_error(kind: type, body: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        values.load(kind, body)


# -- the ledger ----------------------------------------------------------------------------------------------------


async def test_it_satisfies_the_port(store: Store) -> None:
    port: ports.Ledger = store
    assert await port.alerts() == Kept()
    assert list(await port.history()) == []


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.save(everything())
    async with opened(tmp_path) as store:
        same(await store.alerts(), everything())
        assert list(await store.history()) == list(everything().history)


@given(
    st.dictionaries(
        st.tuples(texts, st.integers(100, 10**9 - 1)),
        of(GuestWas),
        max_size=3,
    ),
    st.dictionaries(texts, st.integers(0, 10**6).map(lambda s: AT - timedelta(seconds=s)), max_size=2),
    st.dictionaries(texts, texts, max_size=2),
)
@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_what_was_seen_comes_back_as_it_was(
    tmp_path: Path, guests: dict[tuple[str, int], GuestWas], events: dict[str, datetime], facts: dict[str, str]
) -> None:
    async def run() -> Kept:
        async with opened(tmp_path) as store:
            before = await store.alerts()
            await store.save(Changes(guests=dict.fromkeys(before.guests)))
            await store.save(Changes(guests=guests, events=events, facts=facts))
            return await store.alerts()

    kept = asyncio.run(run())
    assert kept.guests == guests
    assert {key: kept.facts.get(key, "") for key in facts} == facts, "an empty one is forgotten"
    assert {key: kept.events[key] for key in events} == events


async def test_what_changes_is_changed_and_what_is_gone_is_gone(store: Store) -> None:
    await store.save(everything())
    firing = alert(2, fired=AT)
    await store.save(
        Changes(
            alerts=(firing,),
            gone=(1,),
            cards_gone=(1,),
            sent=(1,),
            silences_gone=(1,),
            routes_gone=((-5, None),),
            guests={("main", 101): None},
            nodes={("main", "pve1"): None},
            storages={("main", "pve1/local"): None},
            parked={-7: False},
            facts={"next": "4", "gone": ""},
        )
    )
    kept = await store.alerts()
    assert list(kept.alerts) == [firing]
    assert [(route.chat, route.topic) for route in kept.routes] == [(-5, 3)]
    assert kept == Kept(
        alerts=kept.alerts, routes=kept.routes, habits=kept.habits, events=kept.events, facts=kept.facts
    )
    assert kept.facts == {"next": "4"}


async def test_what_is_both_changed_and_gone_is_gone(store: Store) -> None:
    await store.save(replace(everything(), gone=(1, 2), cards_gone=(1,), sent=(1,), silences_gone=(1,)))
    kept = await store.alerts()
    assert (*kept.alerts, *kept.cards, *kept.outbox, *kept.silences) == ()


async def test_a_place_that_is_subscribed_anew_is_subscribed(store: Store) -> None:
    await store.save(Changes(routes=(Route(chat=-5, topic=3),), routes_gone=((-5, 3),)))
    assert list((await store.alerts()).routes) == [Route(chat=-5, topic=3)]


async def test_places_of_the_settings_stand_there(store: Store) -> None:
    await store.save(Changes(routes=(Route(chat=-5, settings=True),)))
    assert list((await store.alerts()).routes) == []


async def test_an_event_waits_once(store: Store) -> None:
    """Unique per chat (and topic), alert, kind, n: another row of it is not taken; the same row is changed."""
    await store.save(Changes(outbox=(outgoing(1), outgoing(2, tries=5), outgoing(3, n=2), outgoing(4, topic=7))))
    assert [row.id for row in (await store.alerts()).outbox] == [1, 3, 4]
    await store.save(Changes(outbox=(outgoing(1, tries=2, after=AT),)))
    assert (await store.alerts()).outbox[0] == outgoing(1, tries=2, after=AT)
    await store.save(Changes(outbox=(outgoing(5),), sent=(1,)))
    assert [row.id for row in (await store.alerts()).outbox] == [3, 4, 5]


async def test_half_characters_are_stored_as_far_as_they_can(store: Store) -> None:
    bad = "web\ud83d"
    finding = replace(alert().finding, rule=bad, said=say("{name} ends.", name=bad), affected=(bad,), event=bad)
    await store.save(
        Changes(
            alerts=(alert(1, finding=finding, acked_by=bad),),
            outbox=(outgoing(1, said=raw(bad)),),
            routes=(Route(chat=1, tags=frozenset({bad})),),
            history=(record(1, rule=bad),),
            guests={(bad, 101): GuestWas(status=Status.RUNNING, node=bad, lock=bad, stopped_by=bad)},
            nodes={(bad, bad): NodeWas(online=True, pools=(bad,))},
            storages={(bad, bad): StorageWas()},
            events={bad: AT},
            facts={bad: bad},
        )
    )
    kept = await store.alerts()
    assert kept.alerts[0].finding.said == say("{name} ends.", name="web?")
    assert (kept.alerts[0].acked_by, kept.alerts[0].finding.affected) == ("web?", ("web?",))
    assert kept.outbox[0].said == raw("web?")
    assert kept.guests[("web?", 101)].node == "web?"
    assert kept.nodes[("web?", "web?")].pools == ("web?",)
    assert (kept.events, kept.facts) == ({"web?": AT}, {"web?": "web?"})
    await store.save(Changes(guests={(bad, 101): None}, nodes={(bad, bad): None}))
    kept = await store.alerts()
    assert (kept.guests, kept.nodes) == ({}, {})


async def test_history_is_newest_first_and_since(store: Store, clock: Now) -> None:
    fired = [AT - timedelta(days=day) for day in (3, 1, 2)]
    await store.save(Changes(history=[record(n, at) for n, at in enumerate(fired)]))
    assert [row.number for row in await store.history()] == [1, 2, 0]
    assert [row.number for row in await store.history(2)] == [1, 2]
    assert [row.number for row in await store.history(since=AT - timedelta(days=2))] == [1, 2]
    await store.save(Changes(history=(record(0, fired[0], over=AT),)))  # over lately: it belongs to lately
    assert [row.number for row in await store.history(since=AT - timedelta(hours=1))] == [0]


async def test_what_is_old_goes(tmp_path: Path, clock: Now) -> None:
    def days(ago: float) -> datetime:
        return AT - timedelta(days=ago)

    changes = Changes(
        history=[record(1, days(91)), record(2, days(89)), record(3, days(200), over=days(5)), record(4)],
        events={"old": days(31), "young": days(29), "now": AT},
    )
    async with opened(tmp_path, clock) as store:
        await store.save(changes)
        assert [row.number for row in await store.history()] == [4, 2, 3]
    async with opened(tmp_path, clock) as store:
        assert set((await store.alerts()).events) == {"young", "now"}
        clock.at += timedelta(days=2)
        await store.save(Changes(events={"new": clock.at}))  # a day is over: looked through while running
        assert rows(tmp_path, "SELECT key FROM events ORDER BY key") == [("new",), ("now",)]
        assert rows(tmp_path, "SELECT number FROM history") == [(2,), (3,), (4,)]


async def test_a_clock_that_runs_ahead_takes_nothing_along(store: Store, clock: Now, tmp_path: Path) -> None:
    await store.save(Changes(history=(record(1),), events={"now": AT}))
    clock.at += timedelta(days=5000)
    await store.save(Changes(facts={"x": "y"}))
    await store.alerts()
    clock.at = AT
    assert [row.number for row in await store.history()] == [1]
    assert set((await store.alerts()).events) == {"now"}


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path / FILE)) as connection:
        return connection.execute(query).fetchall()


async def test_nothing_changed_is_no_write(store: Store, tmp_path: Path) -> None:
    """Somebody else holds the write lock: what begins no transaction does not wait for it."""
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        await asyncio.wait_for(store.save(Changes()), 0.5)
        connection.execute("ROLLBACK")


async def test_ten_thousand_guests_are_written_at_once(store: Store) -> None:
    guests: dict[tuple[str, int], GuestWas | None] = {
        ("main", vmid): GuestWas(status=Status.RUNNING, node=f"pve{vmid % 12}", booted=1.5e9 + vmid, changed=AT)
        for vmid in range(100, 10_100)
    }
    began = time.process_time()  # of this process: the disk and the neighbours do not count
    await store.save(Changes(guests=guests))
    assert time.process_time() - began < 0.6
    assert (await store.alerts()).guests == guests


async def test_all_of_it_or_nothing(store: Store) -> None:
    await store.save(everything())
    with pytest.raises(Exception, match="database failed"):
        await store.save(Changes(gone=(1,), facts={"next": "9"}, parked={2**70: True}))
    same(await store.alerts(), everything())


# -- groups that moved ---------------------------------------------------------------------------------------------


async def test_a_group_that_moved_takes_everything_along(store: Store) -> None:
    closed = Card(id=2, chat=-5, topic=None, alerts=(9,), message=41, told="y", closed=True)
    other = Card(id=3, chat=-6, topic=None, alerts=(9,), message=41, told="y")
    changes = everything()
    await store.save(replace(changes, cards=(*changes.cards, closed, other), parked={-5: True}))
    await store.migrate(-5, -1005)
    kept = await store.alerts()
    assert {card.id: card for card in kept.cards} == {
        1: replace(changes.cards[0], chat=-1005, topic=None, message=None, told=""),
        3: other,
    }, "messages stay behind: what is open is sent anew"
    assert list(kept.outbox) == [outgoing(1, chat=-1005)]
    assert [(route.chat, route.topic) for route in kept.routes] == [(-1005, None)]
    assert list(kept.habits) == [replace(changes.habits[0], chat=-1005, pinned=None)]
    assert kept.parked == frozenset()


async def test_what_the_new_group_has_of_its_own_stays(store: Store) -> None:
    mine = Route(chat=-1005, least=Severity.CRITICAL)
    habits = Habits(chat=-1005, zone="Asia/Tokyo")
    await store.save(Changes(routes=(Route(chat=-5), Route(chat=-5, topic=2), mine), habits=(habits, Habits(chat=-5))))
    await store.migrate(-5, -1005)
    kept = await store.alerts()
    assert list(kept.routes) == [mine]
    assert list(kept.habits) == [habits]


async def test_who_writes_the_old_id_after_a_move_is_read_as_the_new_one(store: Store) -> None:
    await store.migrate(-5, -1005)
    await store.save(replace(everything(), parked={-5: True}))
    kept = await store.alerts()
    places: list[Any] = [*kept.cards, *kept.outbox, *kept.routes, *kept.habits]
    chats = {row.chat for row in places}
    assert chats | kept.parked == {-1005}


# -- damage --------------------------------------------------------------------------------------------------------

BODIES = (
    "alerts",
    "cards",
    "outbox",
    "silences",
    "routes",
    "habits",
    "history",
    "was_guests",
    "was_nodes",
    "was_storages",
)
HARMS = [
    *(
        (table, "body", value)
        for table in BODIES
        for value in ("''", "'{}'", "'[1]'", "x'00ff'", "'null'", "7")
        if (table, value) != ("was_storages", "'{}'")
    ),
    ("alerts", "number", "99"),
    ("cards", "id", "99"),
    ("outbox", "id", "99"),
    ("silences", "id", "99"),
    ("routes", "chat", "99"),
    ("habits", "chat", "99"),
    ("history", "number", "99"),
    ("was_guests", "vmid", "'x'"),
    ("events", "at", "'yesterday'"),
    ("events", "at", "x'ff'"),
    ("events", "at", "'2026-03-01T12:00:00'"),
    ("events", "key", "x'ff'"),
    ("facts", "value", "x'ff'"),
]
NAMES = {"was_guests": "guests", "was_nodes": "nodes", "was_storages": "storages"}


@pytest.mark.parametrize(("table", "column", "value"), HARMS)
async def test_a_damaged_row_is_left_out_and_logged(
    tmp_path: Path, table: str, column: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as store:
        changes = everything()
        await store.save(replace(changes, alerts=changes.alerts[:1], routes=changes.routes[:1]))
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        assert connection.execute(f"UPDATE {table} SET {column} = {value}").rowcount == 1  # noqa: S608
    async with opened(tmp_path) as store:
        with caplog.at_level(logging.WARNING, "bot.store"):
            kept, history = await store.alerts(), await store.history()
        found = {name: getattr(kept, name) for name in Kept.__dataclass_fields__} | {"history": history}
        lost = {name for name, left in found.items() if not left}
        assert lost == {NAMES.get(table, table)}
        assert [record_.levelname for record_ in caplog.records] == ["WARNING"]
        await store.save(changes)  # and it goes on
        same(await store.alerts(), changes)


async def test_a_damaged_database_is_set_aside_and_what_is_lost_is_said(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.save(everything())
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.execute("DROP INDEX outbox_once")
    async with opened(tmp_path) as store:
        assert store.trouble is not None
        said = plain(store.trouble, Reader())
        assert "outbox_once" in said
        assert "what alerts were open, silences and subscriptions are forgotten" in said
        kept = await store.alerts()
        assert replace(kept, facts={}) == Kept()
        assert set(kept.facts) == {ports.NEXT, ports.NUMBER, ports.SILENCE}  # none is given anew
    assert (tmp_path / f"{FILE}.damaged-20260301T120000Z").stat().st_size > 0


# -- versions ------------------------------------------------------------------------------------------------------


async def test_a_database_of_version_1_is_upgraded(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.executescript(f"{MIGRATIONS[0]} PRAGMA user_version = 1;")
        with connection:
            connection.execute("INSERT INTO settings VALUES ('frozen', '0')")
            connection.execute("INSERT INTO moved VALUES (-1, -2)")
    async with opened(tmp_path) as store:
        assert (store.trouble, store.frozen) == (None, False)
        assert await store.migrations() == {-1: -2}
        await store.save(everything())
        same(await store.alerts(), everything())
    assert rows(tmp_path, "PRAGMA user_version") == [(len(MIGRATIONS),)]


def test_scripts_that_were_applied_somewhere_are_never_changed() -> None:
    """A changed script would make every database of that version look damaged."""
    assert [hashlib.sha256(script.encode()).hexdigest()[:12] for script in MIGRATIONS] == PINNED


PINNED = ["861eaacd1143", "24c6a313cf6c"]


# -- killed --------------------------------------------------------------------------------------------------------

WRITER = """
import asyncio, sys
from pathlib import Path
from bot.model import Card, Status
from bot.model.view import GuestWas
from bot.ports import Changes
from tests.store.kit import alert, opened, outgoing, record, AT

async def main():
    async with opened(Path(sys.argv[1])) as store:
        kept = await store.alerts()
        n = int(kept.facts.get("n", "0"))
        while True:
            n += 1
            was = GuestWas(status=Status.RUNNING, node="pve1", booted=float(n))
            await store.save(Changes(
                alerts=(alert(n),), gone=(n - 1,), facts={"n": str(n)},
                cards=(Card(id=n, chat=-5, topic=None, alerts=(n,)),), cards_gone=(n - 1,),
                outbox=(outgoing(n, alert=n, n=n),), sent=(n - 1,), history=(record(n),),
                guests={("main", vmid): was for vmid in range(100, 400)},
            ))
            print(n, flush=True)

asyncio.run(main())
"""


async def test_killed_in_the_middle_nothing_is_half_and_nothing_said_is_lost(tmp_path: Path) -> None:
    chance = random.Random(7)
    for _ in range(4):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        said = b""
        for _ in range(chance.randrange(2, 12)):
            said = await asyncio.wait_for(process.stdout.readline(), 60) or said
        await asyncio.sleep(chance.random() * 0.01)
        os.kill(process.pid, signal.SIGKILL)
        said = ([said, *(await process.stdout.read()).splitlines(keepends=True)])[-1]
        await process.wait()
        async with opened(tmp_path) as store:
            assert store.trouble is None
            kept, history = await store.alerts(), await store.history(10**6)
        n = int(kept.facts["n"])
        assert n >= int(said), "what save() has returned from is kept"
        assert [row.number for row in kept.alerts] == [card.id for card in kept.cards] == [n]
        assert [row.id for row in kept.outbox] == [n]
        assert history[0].number == n
        assert _one({was.booted for was in kept.guests.values()}) == float(n)


def _one(values_: Iterable[float | None]) -> float | None:
    (value,) = values_
    return value


# -- a disk that fails in passing ----------------------------------------------------------------------------------


async def test_a_read_that_fails_half_way_deletes_nothing(tmp_path: Path, clock: Now) -> None:
    letters = tuple(outgoing(number, n=number) for number in range(1, 400))
    async with opened(tmp_path, clock) as store:
        await store.save(Changes(outbox=letters))
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as connection:
        steps = iter(range(10_000))
        connection.set_progress_handler(lambda: next(steps) == 30, 50)  # for SQLite a read that fails, once
        with pytest.raises(sqlite3.OperationalError):
            alerts.read(connection)
        connection.set_progress_handler(None, 0)
        assert len(alerts.read(connection).outbox) == len(letters)
