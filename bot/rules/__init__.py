"""TABLE: what is worth an alert. One row and one pure function a rule, grouped by subject.

    guest/ node/ storage/ backup/        by what they are about, with what explains it and how it ends
    cluster.py tasks.py upkeep.py expiry.py own.py        the rest
    scan.py sight.py readings.py subjects.py grades.py    what they share: what was seen, of what, how bad
    rule.py table.py limits.py scopes.py inhibits.py      what a rule is, all of them, their figures, what hides what

To add a rule: write its `find` in the file of its subject, and its row in that file's `RULES` (rule.py says what the
columns are). Its settings, its line in docs/alerts.md and its place in /why come from the row.

The table (table.py) is put together when it is first asked for: whoever needs the types alone, as the settings do
before the bot hears its chats, does not wait for it.
"""

from typing import TYPE_CHECKING

from bot.rules.rule import Confirm, Kind, Limit, Limits, Rule

if TYPE_CHECKING:
    from bot.rules.table import BY_KEY, RULES

__all__ = ["BY_KEY", "RULES", "Confirm", "Kind", "Limit", "Limits", "Rule"]


def __getattr__(name: str) -> object:
    """RULES and BY_KEY."""
    if name not in {"RULES", "BY_KEY"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bot.rules import table

    return getattr(table, name)
