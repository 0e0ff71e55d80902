"""What a poll saw, for the next one: guests, nodes and storages, events that were dealt with, small facts.

Guests have columns of their own: ten thousand of them are written at the first poll.
"""

import sqlite3
from datetime import datetime

from bot.model import Status
from bot.model.view import GuestWas, NodeWas, StorageWas
from bot.ports import Changes
from bot.store.values import dump, load, moment, storable, utc

Row = tuple[object, ...]

GUESTS = "SELECT cluster, vmid, status, node, booted, changed, lock, locked, resets, stopped_by, ran FROM was_guests"
NODES = "SELECT cluster, node, body FROM was_nodes"
STORAGES = "SELECT cluster, storage, body FROM was_storages"


def write(connection: sqlite3.Connection, changes: Changes) -> None:
    many = connection.executemany
    guests, nodes, storages = changes.guests, changes.nodes, changes.storages
    many(
        "INSERT OR REPLACE INTO was_guests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_guest(*key, was) for key, was in guests.items() if was is not None],
    )
    many(
        "DELETE FROM was_guests WHERE cluster = ? AND vmid = ?",
        [(storable(cluster), vmid) for (cluster, vmid), was in guests.items() if was is None],
    )
    for table, column, values in (("was_nodes", "node", nodes), ("was_storages", "storage", storages)):
        keys = {key: tuple(map(storable, key)) for key in values}
        written = [(*keys[key], dump(was)) for key, was in values.items() if was is not None]
        many(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", written)  # noqa: S608 - our own words
        forgotten = [keys[key] for key, was in values.items() if was is None]
        many(f"DELETE FROM {table} WHERE cluster = ? AND {column} = ?", forgotten)  # noqa: S608
    many(
        "INSERT OR REPLACE INTO events VALUES (?, ?)", [(storable(key), utc(at)) for key, at in changes.events.items()]
    )
    many(
        "INSERT OR REPLACE INTO facts VALUES (?, ?)",
        [(storable(key), storable(value)) for key, value in changes.facts.items()],
    )
    many("INSERT OR IGNORE INTO parked VALUES (?)", [(chat_,) for chat_, on in changes.parked.items() if on])
    many("DELETE FROM parked WHERE chat = ?", [(chat_,) for chat_, on in changes.parked.items() if not on])


def guest(row: Row) -> tuple[tuple[str, int], GuestWas]:
    cluster, vmid, status, node_, booted, changed, lock, locked, resets, stopped_by, ran = row
    if not isinstance(vmid, int) or not isinstance(booted, float | int | None):
        raise ValueError("not a number")
    was = GuestWas(
        status=Status(status),
        node=_text(node_),
        booted=None if booted is None else float(booted),
        changed=_moment(changed),
        lock=_text(lock),
        locked=_moment(locked),
        resets=tuple(map(moment, _text(resets).split())),
        stopped_by=_text(stopped_by),
        ran=_moment(ran),
    )
    return (_text(cluster), vmid), was


def node(row: Row) -> tuple[tuple[str, str], NodeWas]:
    return (_text(row[0]), _text(row[1])), load(NodeWas, row[2])


def storage(row: Row) -> tuple[tuple[str, str], StorageWas]:
    return (_text(row[0]), _text(row[1])), load(StorageWas, row[2])


def event(row: Row) -> tuple[str, datetime]:
    return _text(row[0]), moment(row[1])


def fact(row: Row) -> tuple[str, str]:
    return _text(row[0]), _text(row[1])


def chat(row: Row) -> int:
    if not isinstance(row[0], int):
        raise ValueError("not a chat")
    return row[0]


def _guest(cluster: str, vmid: int, was: GuestWas) -> tuple[object, ...]:
    return (
        storable(cluster),
        vmid,
        was.status.value,
        storable(was.node),
        was.booted,
        was.changed and utc(was.changed),
        storable(was.lock),
        was.locked and utc(was.locked),
        " ".join(map(utc, was.resets)),
        storable(was.stopped_by),
        was.ran and utc(was.ran),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    return value


def _moment(value: object) -> datetime | None:
    return None if value is None else moment(value)
