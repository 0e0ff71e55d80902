"""What a database that was lost leaves in the new one: the freeze, and what the admins are to be told until one was."""

import json
import sqlite3
from contextlib import suppress
from datetime import datetime

from bot.ports import NEXT, NUMBER, SILENCE
from bot.text import Said, lines, say

LOST = "lost"
"""In settings: {"path": …, "reason": … or null where it was gone}."""


def after(lost: datetime, path: str, reason: str | None) -> str:
    """SQL for the new one. Frozen, since nobody knows whether it was. And buttons live in chats for years: nothing new
    is to have a number that the lost one has given away, a few a minute at the most.

    `path` is where the damaged one was put aside, or where one was that is gone (then `reason` is None).
    """
    first = int(lost.timestamp()) // 60
    rows = ", ".join(f"('{key}', '{first}')" for key in (NUMBER, SILENCE, NEXT))
    what = json.dumps({"path": path, "reason": reason}).replace("'", "''")  # ASCII, and no NUL
    return (
        f"INSERT INTO settings VALUES ('frozen', '1'), ('{LOST}', '{what}');"  # noqa: S608 - our own words, and quoted
        f"INSERT INTO facts VALUES {rows};"
    )


def is_frozen(connection: sqlite3.Connection) -> bool:
    """Anything but a plain no is a yes."""
    return connection.execute("SELECT 1 FROM settings WHERE key = 'frozen' AND value IS NOT '0'").fetchone() is not None


def trouble(connection: sqlite3.Connection) -> Said | None:
    """What no admin has been told yet."""
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (LOST,)).fetchone()
    if row is None:
        return None
    forgotten = say(
        "The audit starts anew, what alerts were open, silences and subscriptions are forgotten, and old buttons may "
        "say that they are too old."
    )
    frozen = say("All changes are frozen until an admin sends /thaw, since nobody knows whether they were.")
    return lines(_what(row[0]), forgotten, frozen if is_frozen(connection) else None)


def _what(text: object) -> Said:
    with suppress(ValueError, RecursionError):
        match json.loads(str(text)):
            case {"path": str(path), "reason": None}:
                return say("The bot's own database {path} is gone, and an empty one is in use.", path=path)
            case {"path": str(path), "reason": str(reason)}:
                words = (
                    "The bot's own database was damaged ({reason}). It was set aside as {path}, and an empty one is in "
                    "use."
                )
                return say(words, reason=reason, path=path)
            case _:
                pass
    return say("The bot's own database was lost, and an empty one is in use.")


def told(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM settings WHERE key = ?", (LOST,))
