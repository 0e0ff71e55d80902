"""The tables, as numbered scripts: append one, never change one. `PRAGMA user_version` counts those applied.

`body` is a whole value as JSON (values.py); the columns beside it are what is looked for or kept unique.
"""

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
    """
    CREATE TABLE alerts (number INTEGER PRIMARY KEY, key TEXT NOT NULL, phase TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE cards (id INTEGER PRIMARY KEY, chat INTEGER NOT NULL, body TEXT NOT NULL);
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY,
        chat INTEGER NOT NULL, topic INTEGER NOT NULL,  -- 0: none
        alert INTEGER NOT NULL, kind TEXT NOT NULL, n INTEGER NOT NULL,
        body TEXT NOT NULL
    );
    CREATE UNIQUE INDEX outbox_once ON outbox (chat, topic, alert, kind, n);
    CREATE TABLE silences (id INTEGER PRIMARY KEY, until TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE routes (
        chat INTEGER NOT NULL, topic INTEGER NOT NULL,  -- 0: none
        body TEXT NOT NULL,
        PRIMARY KEY (chat, topic)
    ) WITHOUT ROWID;
    CREATE TABLE habits (chat INTEGER PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE history (
        number INTEGER PRIMARY KEY,
        fired TEXT NOT NULL, ended TEXT NOT NULL,       -- UTC, ISO 8601; ended: over, or fired while it is not
        body TEXT NOT NULL
    );
    CREATE INDEX history_fired ON history (fired);
    CREATE INDEX history_ended ON history (ended);
    CREATE TABLE was_guests (
        cluster TEXT NOT NULL, vmid INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (cluster, vmid)
    ) WITHOUT ROWID;
    CREATE TABLE was_nodes (
        cluster TEXT NOT NULL, node TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (cluster, node)
    ) WITHOUT ROWID;
    CREATE TABLE was_storages (
        cluster TEXT NOT NULL, storage TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (cluster, storage)
    ) WITHOUT ROWID;
    CREATE TABLE events (key TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX events_at ON events (at);
    CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE parked (chat INTEGER PRIMARY KEY);
    """,
)
