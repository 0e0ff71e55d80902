"""Frozen values: what Proxmox VE says, typed, and what is made of it. No I/O, no clock.

Units everywhere: bytes, seconds, shares 0..1, bytes per second, UTC. None means "not known": the token may not see it,
the node is gone, or this version does not say; it is never zero.

Identity: a guest is (cluster, vmid), since guests migrate; a storage is its id if shared, else node/id.

    things · fleet · tasks · rights   what is there, who may        feeds    what is read at its own pace, as readings
    alerts · telling                  what is wrong, who is told    view     what the rules look at

The last two are imported by their own names: `from bot.model import feeds`, `from bot.model.view import View`.
"""

from bot.model.alerts import (
    About,
    Alert,
    Blind,
    Cure,
    Finding,
    News,
    NewsKind,
    Part,
    Phase,
    Record,
    Severity,
    Silence,
    Subject,
    alert_key,
)
from bot.model.fleet import Fleet, Gap, Snapshot, Unseen
from bot.model.rights import Permissions, Version
from bot.model.tasks import Outcome, Task, TaskLog, Upid, is_node
from bot.model.telling import Card, CardHead, Habits, LetterKind, NeverSent, Outgoing, Reply, Route
from bot.model.things import Guest, Kind, Node, Status, Storage, guest_id

__all__ = [
    "About",
    "Alert",
    "Blind",
    "Card",
    "CardHead",
    "Cure",
    "Finding",
    "Fleet",
    "Gap",
    "Guest",
    "Habits",
    "Kind",
    "LetterKind",
    "NeverSent",
    "News",
    "NewsKind",
    "Node",
    "Outcome",
    "Outgoing",
    "Part",
    "Permissions",
    "Phase",
    "Record",
    "Reply",
    "Route",
    "Severity",
    "Silence",
    "Snapshot",
    "Status",
    "Storage",
    "Subject",
    "Task",
    "TaskLog",
    "Unseen",
    "Upid",
    "Version",
    "alert_key",
    "guest_id",
    "is_node",
]
