"""Frozen values: what Proxmox VE says, typed. No I/O, no clock.

Units everywhere: bytes, seconds, shares 0..1, bytes per second, UTC. None means "not known": the token may not see it,
the node is gone, or this version does not say; it is never zero.

Identity: a guest is (cluster, vmid), since guests migrate; a storage is its id if shared, else node/id.
"""

from bot.model.fleet import Fleet, Gap, Snapshot, Unseen
from bot.model.rights import Permissions, Version
from bot.model.tasks import Outcome, Task, TaskLog, Upid, is_node
from bot.model.things import Guest, Kind, Node, Status, Storage, guest_id

__all__ = [
    "Fleet",
    "Gap",
    "Guest",
    "Kind",
    "Node",
    "Outcome",
    "Permissions",
    "Snapshot",
    "Status",
    "Storage",
    "Task",
    "TaskLog",
    "Unseen",
    "Upid",
    "Version",
    "guest_id",
    "is_node",
]
