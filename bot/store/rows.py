"""Orders as they are read: a row that was damaged since it was written is still a row, and stops no other."""

import logging
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.ports import Audit
from bot.screen import Message, Place

log = logging.getLogger(__name__)

NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a time that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    audit: Audit
    damaged: bool  # its time, person, chat or message is not what was written: shown, but not to be followed


def orders(connection: sqlite3.Connection, where: str, order: str, limit: int) -> list[Order]:
    """Orders with their ends. `where` and `order` are the store's own words; `limit` -1 = all."""
    rows = connection.execute(
        "SELECT a.id, a.at, a.person, a.name, coalesce(m.new, a.chat), a.topic, a.message,"  # noqa: S608 - our own words
        " a.action, a.target, a.token,"
        " coalesce(e.upid, t.upid, ''), coalesce(e.outcome, ''), e.id, e.at FROM audit a"
        " LEFT JOIN audit e ON e.line = 'ended' AND e.order_id = a.id"
        " LEFT JOIN tasks t ON t.audit = a.id LEFT JOIN moved m ON m.old = a.chat"
        f" WHERE a.line = 'asked' AND {where} ORDER BY a.id {order} LIMIT ?",
        (limit,),
    )
    return [_order(row) for row in rows]


def read_time(value: object) -> datetime:
    """As the store wrote it; else NO_TIME. What no time zone can shift out of the calendar."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return NO_TIME
    return at if at.tzinfo is not None and NO_TIME.year < at.year < 9999 else NO_TIME


def _order(row: tuple[object, ...]) -> Order:
    id_, at, person, name, chat, topic, message, action, target, token, upid, outcome, end, ended = row
    asked = read_time(at)
    ids = isinstance(person, int) and isinstance(chat, int)
    place = isinstance(topic, int | None) and isinstance(message, int | None)
    damaged = asked == NO_TIME or not ids or not place
    if damaged:
        log.warning("the audit's line %s is damaged", id_)
    audit = Audit(
        id=_number(id_),
        asked=asked,
        person=_number(person),
        name=_text(name),
        chat=_number(chat),
        action=_text(action),
        target=_text(target),
        token=_text(token),
        message=None
        if message is None or damaged
        else Message(
            place=Place(chat=_number(chat), topic=topic if isinstance(topic, int) else None), id=_number(message)
        ),
        upid=_text(upid),
        outcome=_text(outcome),
        ended=None if end is None else read_time(ended),
    )
    return Order(audit=audit, damaged=damaged)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "" if value is None else str(value)


def storable(text: str) -> str:
    """Lone surrogates become `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
