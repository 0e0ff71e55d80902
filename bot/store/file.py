"""Opening the database file: one process at a time, private to its owner, a damaged one set aside.

Damaged is whatever does not read as what was written: an empty file and one that is gone too. That there was one is
remembered in the lock file. What cannot be known any more counts as frozen, until an admin says otherwise.

schema.py is where tables are added.
"""

import fcntl
import logging
import os
import re
import sqlite3
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path

from bot.errors import StoreFailed, StoreNewer
from bot.store.loss import after
from bot.store.schema import MIGRATIONS
from bot.text import say

FILE = "telemox.db"
LOCK = "telemox.lock"
KEPT_FOR = timedelta(days=90)
HEADER = 100  # bytes: with which every SQLite file begins

log = logging.getLogger(__name__)


def open_database(folder: Path, now: datetime) -> tuple[sqlite3.Connection, int]:
    """The connection, and the lock's file descriptor. `now` names what is set aside, which the new one remembers.

    Raises: StoreFailed.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        words = "The data directory {path} cannot be used: {reason}. Set TELEMOX_DATA_DIR to one the bot may write."
        raise StoreFailed(say(words, path=str(folder), reason=error.strerror or str(error))) from error
    try:
        return _locked(folder, lock, now)
    except BaseException:
        os.close(lock)
        raise


def _locked(folder: Path, lock: int, now: datetime) -> tuple[sqlite3.Connection, int]:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        words = (
            "Another Telemox already uses the data directory {path}. Stop it first, or set another TELEMOX_DATA_DIR."
        )
        raise StoreFailed(say(words, path=str(folder))) from error
    file = folder / FILE
    known = os.fstat(lock).st_size > 0
    try:
        connection = _found(file, now) if file.exists() else _missing(file, known, now)
    except OSError as error:
        raise _unusable(file, error.strerror or str(error)) from error
    except sqlite3.Error as error:
        raise _unusable(file, str(error)) from error
    if not known:
        with suppress(OSError):  # a full disk: then it is remembered at the next start
            os.pwrite(lock, b"telemox.db is beside this file.\n", 0)
    return connection, lock


def _missing(file: Path, known: bool, now: datetime) -> sqlite3.Connection:
    """The first start; or, where one is `known` to have been (or a part of it is left), a loss."""
    if not known and not file.with_name(FILE + "-wal").exists():
        return _made(file)
    _set_aside(file, now)
    log.error("the database %s is gone", file)
    return _made(file, after(now, str(file), None))


def _found(file: Path, now: datetime) -> sqlite3.Connection:
    try:
        return _connect(file, now)
    except (StoreFailed, OSError):
        raise
    except Exception as error:  # SQLite's own words may be damaged too: whatever it stumbles over
        if isinstance(error, sqlite3.OperationalError) and not damaged(error):
            raise
        reason = str(error)
    aside = _set_aside(file, now)
    log.error("the database was damaged (%s) and is set aside as %s", reason, aside)
    return _made(file, after(now, str(aside), reason))


def _set_aside(file: Path, now: datetime) -> Path:
    """Gives its new name, which no other has."""
    name, number = f"{FILE}.damaged-{now:%Y%m%dT%H%M%SZ}", 1
    while file.with_name(name).exists():
        number += 1
        name = f"{FILE}.damaged-{now:%Y%m%dT%H%M%SZ}-{number}"
    for suffix in ("", "-wal", "-shm"):  # the file first: killed in between, what is left of it counts as a loss
        with suppress(FileNotFoundError):
            file.with_name(FILE + suffix).replace(file.with_name(name + suffix))
    return file.with_name(name)


def _unusable(file: Path, reason: str) -> StoreFailed:
    return StoreFailed(say("The database {path} cannot be used: {reason}.", path=str(file), reason=reason))


def damaged(error: sqlite3.OperationalError) -> bool:
    """Damage comes as DatabaseError mostly; some of it (a broken schema) as OperationalError with these codes."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


def _made(file: Path, at_last: str = "") -> sqlite3.Connection:
    """A new one. Where it cannot be made, no part of it is left to be taken for a damaged one. `at_last`: SQL, of one
    that was lost."""
    file.touch(mode=0o600)  # -wal and -shm take over its mode
    try:
        connection = _opened(file)
        try:
            _upgrade(connection, at_last)
        except BaseException:
            connection.close()
            raise
    except BaseException:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                file.with_name(FILE + suffix).unlink(missing_ok=True)
        raise
    return connection


def _connect(file: Path, now: datetime) -> sqlite3.Connection:
    """The one that is there, checked. Raises: anything at all when it is damaged."""
    os.close(os.open(file, os.O_RDWR | os.O_CLOEXEC))  # what the system refuses comes in its own words
    file.chmod(0o600)  # -wal and -shm take over its mode
    if file.stat().st_size < HEADER:
        raise sqlite3.DatabaseError("the file holds nothing")
    connection = _opened(file)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        if connection.execute("PRAGMA user_version").fetchone()[0] < 1:
            raise sqlite3.DatabaseError("it was never finished, or its version is lost")
        _upgrade(connection)
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as ideal:
            _upgrade(ideal)
            if lacking := _schema(ideal) - _schema(connection):
                raise sqlite3.DatabaseError(f"{min(lacking)[0]} is not as it was made")
        _tidy(connection, now)
    except BaseException:
        connection.close()
        raise
    return connection


def _tidy(connection: sqlite3.Connection, now: datetime) -> None:
    """On a full disk that has time until the next start."""
    try:
        connection.execute("DELETE FROM kept WHERE used < ?", ((now - KEPT_FOR).isoformat(),))
    except sqlite3.OperationalError as error:
        if damaged(error):
            raise
        log.error("what is old stays in the database for now: %s", error)


def _opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.text_factory = lambda value: value.decode(errors="replace")  # one bad byte is no reason to lose a row
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _schema(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Name and making of each table, index and trigger; comments and line breaks do not count."""
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {(str(name), re.sub(r"(--.*|\s)+", " ", str(sql))) for name, sql in found}


def _upgrade(connection: sqlite3.Connection, at_last: str = "") -> None:
    """`at_last` goes with the last script: both are there or neither."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise StoreNewer(say("The database is of a newer Telemox. Install that one again, or set it aside yourself."))
    for number in range(version, len(MIGRATIONS)):
        more = at_last if number + 1 == len(MIGRATIONS) else ""
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]} {more} PRAGMA user_version = {number + 1}; COMMIT;"
        )
