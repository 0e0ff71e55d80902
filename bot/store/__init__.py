"""The door to SQLite: the audit, the tasks that run, kept arguments, moved groups, the freeze.

    audit       two lines an order, `asked` and `ended`; append-only: triggers refuse UPDATE and DELETE
    tasks       audit line -> UPID, written before anything else happens once Proxmox VE has named its task
    kept        arguments too long for a button, by a hash of theirs; those not used for 90 days go at start
    moved       group id -> supergroup id
    settings    frozen; what was lost with a database, until an admin was told
    alerts      alerts, cards, outbox, silences, routes, habits, history, parked, and what the last poll saw

The standard library's sqlite3 on a thread of its own: each method is one function run there, and one transaction
(with an async wrapper over one connection, transactions would interleave). WAL with synchronous=FULL: what a method
has returned from survives `kill -9` and power loss. A cancelled caller does not stop its transaction.

file.py opens it: one process at a time, private to its owner, damaged ones set aside (loss.py); schema.py: the tables.
rows.py reads orders from it, whatever has become of their rows; alerts.py and was.py read and write what the watch
keeps, as values.py spells it.
"""

import asyncio
import hashlib
import os
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bot.access import Asker
from bot.errors import Stale, StoreFailed
from bot.model import Record
from bot.ports import Audit, Changes, Clock, Kept
from bot.screen import Message
from bot.store import loss
from bot.store.file import open_database
from bot.store.rows import orders, read_time, storable
from bot.text import Said, say

_T = TypeVar("_T")

UNREADABLE = "unreadable"
"""The outcome of an order whose own row is damaged: nobody can follow it any more."""
SEEN_AGAIN = timedelta(days=1)
"""A kept argument's last use is written at most this often: drawing a page is no write."""
PRUNED = timedelta(days=1)
"""What is old is looked for this often while the bot runs."""


class Store:
    """Satisfies `ports.Store` and `ports.Ledger`. Make it with `Store.open()`.

    Every method raises StoreFailed when SQLite does.
    """

    def __init__(self, connection: sqlite3.Connection, lock: int, thread: ThreadPoolExecutor, clock: Clock) -> None:
        self._connection = connection
        self._lock = lock
        self._thread = thread
        self._clock = clock
        self._frozen = False
        self._pruned = clock.now()
        self.trouble: Said | None = None  # to be told to the admins: what was wrong with the database at start
        self.noted: Callable[[Audit], None] = lambda audit: None  # told of each order, and of its end

    @classmethod
    async def open(cls, path: Path, clock: Clock) -> "Store":
        """Opens (or makes) the database in the directory `path`; one process at a time.

        A damaged database is set aside beside the new one; `trouble` says so until it was `told()`.
        Raises: StoreFailed when another process has it, it cannot be written, or a newer Telemox made it.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            now = clock.now()
            loop = asyncio.get_running_loop()
            connection, lock = await loop.run_in_executor(thread, lambda: open_database(path, now))
        except BaseException:
            thread.shutdown(wait=False)
            raise
        store = cls(connection, lock, thread, clock)
        try:
            store._frozen = await store._do(loss.is_frozen)
            store.trouble = await store._do(loss.trouble)
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """After it no method may be called."""

        def shut(connection: sqlite3.Connection) -> None:
            with suppress(sqlite3.Error):
                connection.execute("PRAGMA optimize")
            connection.close()
            os.close(self._lock)

        await asyncio.get_running_loop().run_in_executor(self._thread, shut, self._connection)
        self._thread.shutdown(wait=False)

    @property
    def frozen(self) -> bool:
        return self._frozen

    async def told(self) -> None:
        """An admin knows of `trouble`."""
        await self._do(loss.told)
        self.trouble = None

    async def freeze(self, on: bool, by: Asker) -> None:
        """Frozen at once, even where writing it down fails; thawed only once that is written down."""
        self._frozen = self._frozen or on
        at = self._at()

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO settings VALUES ('frozen', ?)", ("1" if on else "0",))
            order = _asked(connection, at, by, None, "freeze" if on else "thaw", "", "")
            _ended(connection, at, order, "ok")

        await self._do(run)
        self._frozen = on

    async def asked(self, asker: Asker, message: Message | None, action: str, target: str, token: str) -> int:
        at = self._at()
        order = await self._do(lambda connection: _asked(connection, at, asker, message, action, target, token))
        await self._note(order)
        return order

    async def started(self, audit: int, upid: str) -> None:
        """Raises: Stale when that task already belongs to another order: it is not this one's."""
        upid = storable(upid)

        def run(connection: sqlite3.Connection) -> bool:
            row = connection.execute("SELECT audit FROM tasks WHERE upid = ?", (upid,)).fetchone()
            if row is None:
                connection.execute("INSERT OR REPLACE INTO tasks VALUES (?, ?)", (audit, upid))
            return row is None or row[0] == audit

        if not await self._do(run):
            raise Stale(say("That task belongs to an earlier order."))

    async def ended(self, audit: int, outcome: str) -> None:
        """The first word on an order is its last: told twice, the second is left out."""
        at = self._at()
        if await self._do(lambda connection: _ended(connection, at, audit, outcome or "unknown")):
            await self._note(audit)

    async def _note(self, order: int) -> None:
        """What is only told beside it must not fail what was done."""
        with suppress(StoreFailed):
            for row in await self._do(lambda connection: orders(connection, f"a.id = {order:d}", "ASC", 1)):
                self.noted(row.audit)

    async def unfinished(self) -> Sequence[Audit]:
        """Raises: StoreFailed and nothing else, whatever is in the rows."""
        at = self._at()
        return await self._do(lambda connection: _left(connection, at))

    async def audit(self, limit: int = 0) -> Sequence[Audit]:
        """Raises: StoreFailed and nothing else, whatever is in the rows."""
        return await self._do(lambda connection: [row.audit for row in orders(connection, "1", "DESC", limit or -1)])

    async def keep(self, text: str) -> str:
        key = urlsafe_b64encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:12]).decode()
        now = self._clock.now()

        def run(connection: sqlite3.Connection) -> None:
            row = connection.execute("SELECT used FROM kept WHERE key = ?", (key,)).fetchone()
            if row is None or read_time(row[0]) < now - SEEN_AGAIN:
                connection.execute(
                    "INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (key, storable(text), now.isoformat())
                )

        await self._do(run)
        return key

    async def kept(self, key: str) -> str | None:
        def run(connection: sqlite3.Connection) -> str | None:
            row = connection.execute("SELECT text FROM kept WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(row[0])

        return await self._do(run)

    async def migrate(self, old: int, new: int) -> None:
        from bot.store import alerts  # a start does not wait for it

        def run(connection: sqlite3.Connection) -> None:
            if old == new:
                return
            connection.execute("UPDATE moved SET new = ? WHERE new = ?", (new, old))
            connection.execute("DELETE FROM moved WHERE old = ?", (new,))
            connection.execute("INSERT OR REPLACE INTO moved VALUES (?, ?)", (old, new))
            alerts.move(connection, old, new)

        await self._do(run)

    async def migrations(self) -> Mapping[int, int]:
        known = "SELECT old, new FROM moved WHERE typeof(new) = 'integer'"
        return await self._do(lambda connection: dict(connection.execute(known).fetchall()))

    async def alerts(self) -> Kept:
        from bot.store import alerts  # a start does not wait for it

        now = self._clock.now()

        def run(connection: sqlite3.Connection) -> Kept:
            alerts.prune(connection, now)
            return alerts.read(connection)

        return await self._do(run)

    async def save(self, changes: Changes) -> None:
        """All of it or nothing. Where nothing changed nothing is written, and no disk is waited for."""
        if not changes:
            return
        from bot.store import alerts  # a start does not wait for it

        now = self._clock.now()
        prune = abs(now - self._pruned) >= PRUNED

        def run(connection: sqlite3.Connection) -> None:
            alerts.write(connection, changes)
            if prune:
                alerts.prune(connection, now)

        await self._do(run)
        self._pruned = now if prune else self._pruned

    async def history(self, limit: int = 50, since: datetime | None = None) -> Sequence[Record]:
        """Fired or over `since` then, newest first."""
        from bot.store import alerts  # a start does not wait for it

        since = self._clock.now() - alerts.HISTORY_FOR if since is None else since
        return await self._do(lambda connection: alerts.history(connection, limit, since))

    def _at(self) -> str:
        return self._clock.now().isoformat()

    async def _do(self, run: Callable[[sqlite3.Connection], _T]) -> _T:
        """One transaction on the thread; committed when this returns, rolled back when it raises."""

        def transact() -> _T:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                with self._connection:
                    return run(self._connection)
            except (sqlite3.Error, ValueError, TypeError, OverflowError, MemoryError) as error:
                # besides its own errors sqlite3 raises these, for what it cannot take, or can no longer read
                raise StoreFailed(say("The bot's own database failed: {reason}.", reason=str(error))) from error

        # shielded: a transaction that still waits for the thread would else be dropped with its cancelled caller
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, transact))


# -- what runs on the thread ---------------------------------------------------------------------------------------


def _asked(
    connection: sqlite3.Connection, at: str, by: Asker, message: Message | None, action: str, target: str, token: str
) -> int:
    chat = message.place.chat if message else by.id
    topic = message.place.topic if message else None
    cursor = connection.execute(
        "INSERT INTO audit (line, at, person, name, chat, topic, message, action, target, token)"
        " VALUES ('asked', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            at,
            by.id,
            storable(by.name),
            chat,
            topic,
            message.id if message else None,
            storable(action),
            storable(target),
            storable(token),
        ),
    )
    assert cursor.lastrowid is not None  # noqa: S101 - sqlite3: set after every INSERT
    return cursor.lastrowid


def _ended(connection: sqlite3.Connection, at: str, order: int, outcome: str) -> bool:
    """Is it new?"""
    cursor = connection.execute(
        "INSERT OR IGNORE INTO audit (line, order_id, at, upid, outcome)"
        " VALUES ('ended', ?, ?, (SELECT upid FROM tasks WHERE audit = ?), ?)",
        (order, at, order, storable(outcome)),
    )
    return cursor.rowcount > 0


def _left(connection: sqlite3.Connection, at: str) -> list[Audit]:
    """Orders without an end. One whose row is damaged cannot be followed: it ends here, lest it block the others."""
    found = orders(connection, "e.id IS NULL", "ASC", -1)
    for row in found:
        if row.damaged:
            _ended(connection, at, row.audit.id, UNREADABLE)
    return [row.audit for row in found if not row.damaged]
