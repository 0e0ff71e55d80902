"""What a poll saw, for the next one: guests, nodes and storages, events that were dealt with, small facts."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.model.view import GuestWas, NodeWas, StorageWas
from bot.ports import Changes
from bot.store.rows import storable
from bot.store.values import dump, load, moment, utc

Row = tuple[object, ...]

GUESTS = "SELECT cluster, vmid, body FROM was_guests"
NODES = "SELECT cluster, node, body FROM was_nodes"
STORAGES = "SELECT cluster, storage, body FROM was_storages"


def write(connection: sqlite3.Connection, changes: Changes) -> None:
    many = connection.executemany
    _write(connection, "was_guests", "vmid", changes.guests)
    _write(connection, "was_nodes", "node", changes.nodes)
    _write(connection, "was_storages", "storage", changes.storages)
    events = [(storable(key), utc(at)) for key, at in changes.events.items()]
    many("INSERT OR REPLACE INTO events VALUES (?, ?)", events)
    facts = [(storable(key), storable(value)) for key, value in changes.facts.items()]
    many("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts)
    many("DELETE FROM facts WHERE key = ?", [(key,) for key, value in facts if not value])  # an empty one is forgotten
    many("INSERT OR IGNORE INTO parked VALUES (?)", [(id_,) for id_, on in changes.parked.items() if on])
    many("DELETE FROM parked WHERE chat = ?", [(id_,) for id_, on in changes.parked.items() if not on])


def guest(row: Row) -> tuple[tuple[str, int], GuestWas]:
    return (_text(row[0]), _number(row[1])), load(GuestWas, row[2])


def node(row: Row) -> tuple[tuple[str, str], NodeWas]:
    return (_text(row[0]), _text(row[1])), load(NodeWas, row[2])


def storage(row: Row) -> tuple[tuple[str, str], StorageWas]:
    return (_text(row[0]), _text(row[1])), load(StorageWas, row[2])


def event(row: Row) -> tuple[str, datetime]:
    return _text(row[0]), moment(row[1])


def fact(row: Row) -> tuple[str, str]:
    return _text(row[0]), _text(row[1])


def chat(row: Row) -> int:
    return _number(row[0])


def _write(
    connection: sqlite3.Connection, table: str, column: str, values: Mapping[tuple[str, Any], object | None]
) -> None:
    """None: forgotten. `table` and `column` are the store's own words."""
    keys = {key: (storable(key[0]), storable(key[1]) if isinstance(key[1], str) else key[1]) for key in values}
    connection.executemany(
        f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",  # noqa: S608 - our own words
        [(*keys[key], dump(was)) for key, was in values.items() if was is not None],
    )
    connection.executemany(
        f"DELETE FROM {table} WHERE cluster = ? AND {column} = ?",  # noqa: S608
        [keys[key] for key, was in values.items() if was is None],
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("not a number")
    return value
