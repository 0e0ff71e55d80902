"""Opening the database file: one process at a time, private to its owner, a damaged one set aside.

`MIGRATIONS` is where tables are added: append a script, never change one. `PRAGMA user_version` counts those applied.
"""

import fcntl
import os
import sqlite3
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from bot.errors import StoreFailed
from bot.text import Said, say

FILE = "telemox.db"
LOCK = "telemox.lock"
KEPT_FOR = timedelta(days=90)

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        line TEXT NOT NULL CHECK (line IN ('asked', 'ended')),
        order_id INTEGER REFERENCES audit (id),  -- of an ended line: the asked one it ends
        at TEXT NOT NULL,                        -- UTC, ISO 8601
        person INTEGER, name TEXT, chat INTEGER, topic INTEGER, message INTEGER,
        action TEXT, target TEXT, token TEXT,    -- of an asked line
        upid TEXT, outcome TEXT,                 -- of an ended line
        CHECK ((line = 'ended') = (order_id IS NOT NULL))
    );
    CREATE UNIQUE INDEX audit_ended_once ON audit (order_id) WHERE line = 'ended';
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
        BEGIN SELECT RAISE (ABORT, 'the audit is append-only'); END;
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
        BEGIN SELECT RAISE (ABORT, 'the audit is append-only'); END;
    CREATE TABLE tasks (
        audit INTEGER PRIMARY KEY REFERENCES audit (id),
        upid TEXT NOT NULL UNIQUE
    );
    CREATE TABLE kept (key TEXT PRIMARY KEY, text TEXT NOT NULL, used TEXT NOT NULL);
    CREATE TABLE moved (old INTEGER PRIMARY KEY, new INTEGER NOT NULL);
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
)


def open_database(folder: Path, now: datetime) -> tuple[sqlite3.Connection, int, Said | None]:
    """The connection, the lock's file descriptor, and what the admins should hear. `now` names what is set aside.

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


def _locked(folder: Path, lock: int, now: datetime) -> tuple[sqlite3.Connection, int, Said | None]:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        words = (
            "Another Telemox already uses the data directory {path}. Stop it first, or set another TELEMOX_DATA_DIR."
        )
        raise StoreFailed(say(words, path=str(folder))) from error
    file = folder / FILE
    try:
        return _connect(file, now), lock, None
    except OSError as error:
        raise _unusable(file, error.strerror or str(error)) from error
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and not _damaged(error):
            raise _unusable(file, str(error)) from error
        aside = file.with_name(f"{FILE}.damaged-{now:%Y%m%dT%H%M%SZ}")
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                file.with_name(FILE + suffix).replace(aside.with_name(aside.name + suffix))
        words = (
            "The bot's own database was damaged ({reason}). It was set aside as {path}, and an empty one is in use: "
            "the audit starts anew, old buttons may say that they are too old, and a freeze is no longer on."
        )
        return _connect(file, now), lock, say(words, reason=str(error), path=str(aside))


def _unusable(file: Path, reason: str) -> StoreFailed:
    return StoreFailed(say("The database {path} cannot be used: {reason}.", path=str(file), reason=reason))


def _damaged(error: sqlite3.OperationalError) -> bool:
    """Damage comes as DatabaseError mostly; some of it (a broken schema) as OperationalError with these codes."""
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


def _connect(file: Path, now: datetime) -> sqlite3.Connection:
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # -wal and -shm take over its mode
    file.chmod(0o600)
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000"):
            connection.execute(f"PRAGMA {pragma}")
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        _upgrade(connection)
        connection.execute("DELETE FROM kept WHERE used < ?", ((now - KEPT_FOR).isoformat(),))
    except BaseException:
        connection.close()
        raise
    return connection


def _upgrade(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise StoreFailed(say("The database is of a newer Telemox. Install that one again, or set it aside yourself."))
    for number in range(version, len(MIGRATIONS)):
        connection.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;")
