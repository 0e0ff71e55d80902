"""Alerts and who is told: read at start, changed in one transaction with what the poll saw (was.py).

Runs on the store's thread. A row that does not read as what was written is left out, and the log says which: it stops
no other. What is both changed and gone is gone; a place that is both unsubscribed and subscribed is subscribed.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot.model import Alert, Card, Habits, Outgoing, Record, Route, Silence
from bot.ports import Changes, Kept
from bot.store import was
from bot.store.file import damaged
from bot.store.rows import storable
from bot.store.values import dump, load, moment, utc

log = logging.getLogger(__name__)

T = TypeVar("T")
Row = tuple[object, ...]

HISTORY_FOR = timedelta(days=90)
EVENTS_FOR = timedelta(days=30)
"""An event that is older is in no task list any more."""


def read(connection: sqlite3.Connection) -> Kept:
    moved: dict[int, int] = dict(
        connection.execute("SELECT old, new FROM moved WHERE typeof(new) = 'integer'").fetchall()
    )

    def here(chat: int) -> int:  # written by somebody who did not know yet that the group had moved
        return moved.get(chat, chat)

    outbox = list(rows(connection, _OUTBOX, _outgoing))
    _forget_others(connection, outbox)
    routes = [replace(row, chat=here(row.chat)) for row in rows(connection, _ROUTES, _route)]
    habits = [replace(row, chat=here(row.chat)) for row in rows(connection, _HABITS, _habit)]
    return Kept(
        alerts=tuple(rows(connection, "SELECT number, body FROM alerts ORDER BY number", _alert)),
        cards=tuple(replace(card, chat=here(card.chat)) for card in rows(connection, _CARDS, _card)),
        outbox=tuple(replace(row, chat=here(row.chat)) for row in outbox),
        silences=tuple(rows(connection, "SELECT id, body FROM silences", _silence)),
        routes=tuple({(row.chat, row.topic): row for row in routes}.values()),
        habits=tuple({row.chat: row for row in habits}.values()),
        guests=dict(rows(connection, was.GUESTS, was.guest)),
        nodes=dict(rows(connection, was.NODES, was.node)),
        storages=dict(rows(connection, was.STORAGES, was.storage)),
        events=dict(rows(connection, "SELECT key, at FROM events", was.event)),
        facts=dict(rows(connection, "SELECT key, value FROM facts", was.fact)),
        parked=frozenset(here(chat) for chat in rows(connection, "SELECT chat FROM parked", was.chat)),
    )


def write(connection: sqlite3.Connection, changes: Changes) -> None:
    many = connection.executemany
    for table, column, gone in (
        ("alerts", "number", changes.gone),
        ("cards", "id", changes.cards_gone),
        ("outbox", "id", changes.sent),
        ("silences", "id", changes.silences_gone),
    ):
        many(f"DELETE FROM {table} WHERE {column} = ?", [(key,) for key in gone])  # noqa: S608 - our own words
    many(
        "INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?)",
        [
            (alert.number, storable(alert.key), alert.phase.value, dump(alert))
            for alert in changes.alerts
            if alert.number not in changes.gone
        ],
    )
    _cards(connection, [card for card in changes.cards if card.id not in changes.cards_gone])
    _outbox(connection, [row for row in changes.outbox if row.id not in changes.sent])
    many(
        "INSERT OR REPLACE INTO silences VALUES (?, ?, ?)",
        [(row.id, utc(row.until), dump(row)) for row in changes.silences if row.id not in changes.silences_gone],
    )
    many("DELETE FROM routes WHERE chat = ? AND topic = ?", [(chat, topic or 0) for chat, topic in changes.routes_gone])
    _routes(connection, changes.routes)
    _habits(connection, changes.habits)
    many(
        "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?)",
        [(row.number, utc(row.fired), utc(row.over or row.fired), dump(row)) for row in changes.history],
    )
    was.write(connection, changes)


def history(connection: sqlite3.Connection, limit: int, since: datetime) -> list[Record]:
    """Fired or over since then, newest first."""
    found = "SELECT number, body FROM history WHERE ended >= ? ORDER BY fired DESC, number DESC LIMIT ?"
    return list(rows(connection, found, _record, (utc(since), limit)))


def prune(connection: sqlite3.Connection, now: datetime) -> None:
    """What is old goes: by the newest row's age, where the clock has run ahead of it."""
    for table, column, kept in (("history", "ended", HISTORY_FOR), ("events", "at", EVENTS_FOR)):
        (newest,) = connection.execute(f"SELECT max({column}) FROM {table}").fetchone()  # noqa: S608 - our own words
        if isinstance(newest, str):
            try:
                before = utc(min(now, moment(newest)) - kept)
            except ValueError:
                before = utc(now - kept)
            connection.execute(f"DELETE FROM {table} WHERE {column} < ?", (before,))  # noqa: S608


def move(connection: sqlite3.Connection, old: int, new: int) -> None:
    """The group `old` became the supergroup `new`: all that is about it goes along, what `new` has of its own stays.

    Messages do not go along, and what had topics before has none of these: a card that is still open is sent anew.
    """
    cards = [card for card in rows(connection, _CARDS + _OF_CHAT, _card, (old,)) if not card.closed]
    outbox = list(rows(connection, _OUTBOX + _OF_CHAT, _outgoing, (old,)))
    routes = list(rows(connection, _ROUTES + _OF_CHAT, _route, (old,)))
    habits = list(rows(connection, _HABITS + _OF_CHAT, _habit, (old,)))
    has_route = connection.execute("SELECT 1 FROM routes WHERE chat = ? AND topic = 0", (new,)).fetchone() is not None
    has_habits = connection.execute("SELECT 1 FROM habits WHERE chat = ?", (new,)).fetchone() is not None
    for table in ("cards", "outbox", "routes", "habits", "parked"):
        connection.execute(f"DELETE FROM {table} WHERE chat = ?", (old,))  # noqa: S608 - our own words
    _cards(connection, [replace(card, chat=new, topic=None, message=None, told="", replies=()) for card in cards])
    _outbox(connection, [replace(row, chat=new, topic=None) for row in outbox])
    _routes(connection, [] if has_route else [replace(row, chat=new, topic=None) for row in routes])
    _habits(connection, [] if has_habits else [_moved(row, new) for row in habits])


def _moved(habits: Habits, new: int) -> Habits:
    return replace(habits, chat=new, digest_topic=None, audit_topic=None, pinned=None, pinned_topic=None)


# -- rows ----------------------------------------------------------------------------------------------------------

_CARDS, _OUTBOX = "SELECT id, body FROM cards", "SELECT id, body FROM outbox"
_ROUTES, _HABITS = "SELECT chat, body FROM routes", "SELECT chat, body FROM habits"
_OF_CHAT = " WHERE chat = ?"


def rows(
    connection: sqlite3.Connection, query: str, decode: Callable[[Row], T], values: tuple[object, ...] = ()
) -> Iterator[T]:
    """Those that can be read; of the others the log tells. A disk that fails in passing loses none: it raises."""
    try:
        for row in connection.execute(query, values):
            try:
                yield decode(row)
            except (ValueError, TypeError, OverflowError) as error:
                log.warning("%s: row %.80r is damaged and left out: %.200s", query, row[0], error)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and not damaged(error):
            raise
        log.error("%s: the rest cannot be read and is left out: %s", query, error)


def _reader(kind: type[T], key: Callable[[T], object]) -> Callable[[Row], T]:
    """Of (key, body). Raises: ValueError, the value stands under another key than its own."""

    def read(row: Row) -> T:
        value = load(kind, row[1])
        if row[0] != key(value):
            raise ValueError("it stands under another key")
        return value

    return read


_alert = _reader(Alert, lambda alert: alert.number)
_card = _reader(Card, lambda card: card.id)
_outgoing = _reader(Outgoing, lambda outgoing: outgoing.id)
_silence = _reader(Silence, lambda silence: silence.id)
_route = _reader(Route, lambda route: route.chat)
_habit = _reader(Habits, lambda habits: habits.chat)
_record = _reader(Record, lambda record: record.number)


def _cards(connection: sqlite3.Connection, cards: Sequence[Card]) -> None:
    values = [(card.id, card.chat, dump(card)) for card in cards]
    connection.executemany("INSERT OR REPLACE INTO cards VALUES (?, ?, ?)", values)


def _outbox(connection: sqlite3.Connection, outbox: Sequence[Outgoing]) -> None:
    """Told once: a second row of the same event is not taken. Of a row that is given twice the last counts."""
    outbox = list({row.id: row for row in outbox}.values())
    connection.executemany("DELETE FROM outbox WHERE id = ?", [(row.id,) for row in outbox])
    connection.executemany(
        "INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(row.id, row.chat, row.topic or 0, row.alert, storable(row.kind), row.n, dump(row)) for row in outbox],
    )


def _forget_others(connection: sqlite3.Connection, outbox: Sequence[Outgoing]) -> None:
    """A damaged row would keep its event from being written down again."""
    lost = {id_ for (id_,) in connection.execute("SELECT id FROM outbox")} - {row.id for row in outbox}
    connection.executemany("DELETE FROM outbox WHERE id = ?", [(id_,) for id_ in lost])


def _routes(connection: sqlite3.Connection, routes: Sequence[Route]) -> None:
    """Those of the settings stand there: here they would outlive them."""
    values = [(route.chat, route.topic or 0, dump(route)) for route in routes if not route.settings]
    connection.executemany("INSERT OR REPLACE INTO routes VALUES (?, ?, ?)", values)


def _habits(connection: sqlite3.Connection, habits: Sequence[Habits]) -> None:
    connection.executemany("INSERT OR REPLACE INTO habits VALUES (?, ?)", [(row.chat, dump(row)) for row in habits])
