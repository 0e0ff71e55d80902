"""What is done to a node on purpose: what it was taken down by, and what works it hard.

of_node(view, node, since)      a stopall, HA maintenance, an order, a maintenance said to this bot
running(view, node, types)      a task that runs there now
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.model import Outcome, Task
from bot.model.view import View
from bot.rules.guest.causes import STOPALL, Cause
from bot.rules.node.fences import maintained
from bot.rules.sight import remembered
from bot.text import from_epoch

BUSY = frozenset({"vzdump", "qmmove", "move_volume", "qmigrate", "vzmigrate", "migrateall", "imgcopy", "qmclone",
                  "vzclone", "qmrestore", "vzrestore"})  # fmt: skip
"""Types that load a node on purpose."""


def of_node(view: View, name: str, since: datetime, within: timedelta) -> Cause | None:
    """What was ordered of a node, and was under way in the time `within` before `since`, or after: the newest. An order
    before a maintenance."""
    return max(
        (cause for cause in _of_node(view, name) if (cause.until or cause.at or since) >= since - within),
        key=lambda cause: (cause.ordered, cause.at or since),
        default=None,
    )


def _of_node(view: View, name: str) -> Iterator[Cause]:
    for task in view.tasks_on.get(name, ()):
        if task.upid.type == STOPALL:
            until = view.at if task.outcome is Outcome.RUNNING else task.end
            yield Cause(by=task.upid.user, at=task.upid.start, until=until)
    for order in view.orders:
        if order.target == f"{view.cluster}/{name}":
            yield Cause(by=order.by, at=order.at)
    if (known := remembered(view, f"ordered/{name}")) is not None:
        late = remembered(view, f"ordering/{name}")
        yield Cause(by="", at=from_epoch(known), until=from_epoch(late) if late is not None else None)
    if name in view.maintenance:
        yield Cause(by="maintenance", at=view.at, ordered=False)
    elif maintained(view, name):
        yield Cause(by="HA maintenance", at=view.at, ordered=False)


def running(view: View, node: str, types: frozenset[str]) -> Task | None:
    """A task of such a type that runs there now."""
    for task in view.tasks_on.get(node, ()):
        if task.outcome is Outcome.RUNNING and task.upid.type in types:
            return task
    return None
