"""Frozen values: what Proxmox VE says, typed. No I/O, no clock.

Units everywhere: bytes, seconds, shares 0..1, bytes per second, UTC. None means "not known": the token may not see it,
the node is gone, or this version does not say; it is never zero.

Identity: a guest is (cluster, vmid), since guests migrate; a storage is its id if shared, else node/id.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property

from bot.text import Said, from_epoch


class Kind(Enum):
    """Guests. The value is the path segment: /nodes/{node}/{kind}/{vmid}."""

    QEMU = "qemu"
    LXC = "lxc"

    @property
    def short(self) -> str:
        return "VM" if self is Kind.QEMU else "CT"


class Status(Enum):
    """A guest's state. `running` and `stopped` as Proxmox says; the others are a VM's qmpstatus, or ours."""

    RUNNING = "running"
    STOPPED = "stopped"
    PAUSED = "paused"  # suspended to RAM
    HIBERNATED = "hibernated"  # stopped with its RAM on disk (lock "suspended")
    PRELAUNCH = "prelaunch"  # QEMU started, the CPUs not yet; a moment during start and migration
    IO_ERROR = "io-error"  # halted by its storage, often full
    INTERNAL_ERROR = "internal-error"
    GUEST_PANICKED = "guest-panicked"
    UNKNOWN = "unknown"  # its node is gone, or the word is new to us

    @property
    def troubled(self) -> bool:
        return self in {Status.IO_ERROR, Status.INTERNAL_ERROR, Status.GUEST_PANICKED}

    @property
    def up(self) -> bool:
        """A process is there: it can be stopped."""
        return self not in {Status.STOPPED, Status.HIBERNATED, Status.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A VM or a container, from GET /cluster/resources; from status/current where `live`."""

    cluster: str
    vmid: int
    name: str  # "VM 101" or "CT 101" where Proxmox does not tell
    kind: Kind
    node: str
    status: Status
    template: bool = False
    cpu: float | None = None  # share of `cpus`
    cpus: float | None = None
    mem: int | None = None  # bytes; on PVE 9 a VM without balloon info may exceed maxmem
    maxmem: int | None = None
    disk: int | None = None  # bytes used; None for VMs: Proxmox does not know
    maxdisk: int | None = None
    netin: float | None = None  # bytes since start (a counter)
    netout: float | None = None
    uptime: int | None = None  # seconds; None while stopped
    lock: str = ""
    tags: tuple[str, ...] = ()
    pool: str = ""
    hastate: str = ""  # "" = not managed by HA
    live: bool = False  # read from the guest's node just now, not from the lagging cluster view

    @property
    def id(self) -> tuple[str, int]:
        return (self.cluster, self.vmid)

    @property
    def target(self) -> str:
        """As buttons carry it: cluster/vmid, without the node."""
        return f"{self.cluster}/{self.vmid}"

    @property
    def path(self) -> str:
        return f"/nodes/{self.node}/{self.kind.value}/{self.vmid}"

    @property
    def ha_managed(self) -> bool:
        return self.hastate not in {"", "ignored"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node row, joined with /cluster/status."""

    cluster: str
    name: str
    online: bool | None  # None: unknown (nobody could say)
    cpu: float | None = None  # share of `cpus`; None without Sys.Audit on the node
    cpus: int | None = None
    mem: int | None = None
    maxmem: int | None = None
    disk: int | None = None  # root file system
    maxdisk: int | None = None
    uptime: int | None = None
    ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A storage as one node sees it; a shared one appears once."""

    cluster: str
    name: str
    node: str  # of the row that was kept, where shared
    shared: bool
    available: bool | None  # None: unknown (its node is gone)
    disk: int | None = None  # bytes used
    maxdisk: int | None = None  # bytes; None or 0: no size is known
    kind: str = ""  # plugintype: dir, nfs, zfspool, lvmthin, pbs …
    content: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.name if self.shared else f"{self.node}/{self.name}"

    @property
    def used(self) -> float | None:
        """Share used, 0..1; None where the size is not known or zero."""
        return self.disk / self.maxdisk if self.disk is not None and self.maxdisk else None


class Gap(Enum):
    """Why something is missing from a snapshot."""

    NODE_OFFLINE = "node offline"
    NO_GUESTS_VISIBLE = "no guest visible to the token"
    NODE_BARE = "node figures not visible to the token"
    STATUS_FORBIDDEN = "cluster status not visible to the token"
    STATUS_FAILED = "cluster status not read"
    ROWS_DROPPED = "rows not understood"
    UNREACHABLE = "cluster not reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Something that could not be read, to be said on the screen: never a shorter list without a word."""

    gap: Gap
    subject: str = ""  # node name, token id, host …
    count: int = 0  # guests or rows concerned
    detail: str = ""  # Proxmox's own words
    said: Said | None = None  # the same as a sentence that says what to do, where there is one


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One cluster at one moment. Indexes are built on first use and kept: a snapshot is shared by all who ask."""

    cluster: str  # our key: main
    name: str  # the cluster's own name, or the node's where it stands alone
    quorate: bool | None  # None: cannot be known; True for a node alone
    nodes: tuple[Node, ...]
    guests: tuple[Guest, ...]  # by vmid
    storages: tuple[Storage, ...]
    unseen: tuple[Unseen, ...]
    taken: datetime  # UTC, by the bot's clock, when the answer was complete
    standalone: bool = False

    @cached_property
    def by_vmid(self) -> Mapping[int, Guest]:
        return {guest.vmid: guest for guest in self.guests}

    @cached_property
    def by_node(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.nodes}

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """Guests by status, templates left out."""
        counts = dict.fromkeys(Status, 0)
        for guest in self.guests:
            if not guest.template:
                counts[guest.status] += 1
        return counts


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """All clusters an asker may see, already narrowed to the scope. The only fleet a page gets."""

    snapshots: tuple[Snapshot, ...]

    @cached_property
    def guests(self) -> tuple[Guest, ...]:
        return tuple(guest for snapshot in self.snapshots for guest in snapshot.guests)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(node for snapshot in self.snapshots for node in snapshot.nodes)

    @cached_property
    def storages(self) -> tuple[Storage, ...]:
        return tuple(storage for snapshot in self.snapshots for storage in snapshot.storages)

    @property
    def unseen(self) -> tuple[Unseen, ...]:
        return tuple(gap for snapshot in self.snapshots for gap in snapshot.unseen)

    @property
    def taken(self) -> datetime:
        """Of the oldest part: an age is never made to look younger."""
        return min(snapshot.taken for snapshot in self.snapshots)

    def guest(self, cluster: str, vmid: int) -> Guest | None:
        return next((s.by_vmid[vmid] for s in self.snapshots if s.cluster == cluster and vmid in s.by_vmid), None)

    def node(self, cluster: str, name: str) -> Node | None:
        return next((s.by_node[name] for s in self.snapshots if s.cluster == cluster and name in s.by_node), None)

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self.snapshots)


# -- tasks ---------------------------------------------------------------------------------------------------------

_UPID = re.compile(
    r"UPID:(?P<node>[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?):(?P<pid>[0-9A-Fa-f]{8}):(?P<pstart>[0-9A-Fa-f]{8,9}):"
    r"(?P<start>[0-9A-Fa-f]{8}):(?P<type>[^:\s]+):(?P<id>[^:\s]*):(?P<user>[^:\s]+):"
)


@dataclass(frozen=True, slots=True)
class Upid:
    """A task's name (pve-common, UPID.pm). The node in it is the one to ask about it."""

    text: str
    node: str
    start: datetime
    type: str  # qmreboot, vzdump, hastart …
    subject: str  # vmid, storage … '' where the task has none
    user: str  # user@realm or user@realm!token

    @classmethod
    def parse(cls, text: str) -> "Upid":
        """Raises ValueError on anything that is not a UPID."""
        match = _UPID.fullmatch(text)
        if match is None:
            raise ValueError(f"not a UPID: {text[:80]!r}")
        return cls(text, match["node"], from_epoch(int(match["start"], 16)), match["type"], match["id"], match["user"])

    def __str__(self) -> str:
        return self.text


class Outcome(Enum):
    """How a task stands, from its status and exit status."""

    RUNNING = "running"
    OK = "ok"
    WARNINGS = "warnings"  # done, with warnings in its log
    ERROR = "error"
    UNKNOWN = "unknown"  # its end was not written down: killed, power loss, or seen as the worker exits


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """From a task list or a task's status."""

    cluster: str
    upid: Upid
    outcome: Outcome
    exitstatus: str = ""  # '' while running
    end: datetime | None = None  # None while running, and in a task's own status, which does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLog:
    """Lines `start` to `start + len(lines)` of `total`, without line numbers."""

    lines: tuple[str, ...]
    total: int
    start: int = 0


# -- permissions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What one API token may, from GET /access/permissions: path -> privilege -> propagate.

    The listed value is the propagate flag: a privilege with False is granted on that very path, not below it.
    """

    paths: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)

    def allows(self, privilege: str, path: str, pool: str = "") -> bool:
        """As Proxmox decides (PVE/AccessControl.pm): the deepest listed path counts alone; a pool's roles are merged.

        `pool` is the pool of the guest or storage that `path` names. Any of several privileges: `A|B`.
        """
        return any(self._has(one, path, pool) for one in privilege.split("|"))

    def _has(self, privilege: str, path: str, pool: str) -> bool:
        if privilege in self._at(path):
            return True
        return bool(pool) and privilege in self._at(f"/pool/{pool}")

    def _at(self, path: str) -> frozenset[str]:
        if path in self.paths:
            return frozenset(self.paths[path])
        while path != "/":
            path = path.rpartition("/")[0] or "/"
            if path in self.paths:
                return frozenset(name for name, propagate in self.paths[path].items() if propagate)
        return frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """GET /version. Compared as (8, 4)."""

    major: int
    minor: int
    text: str  # 8.4.1

    def __ge__(self, other: tuple[int, int]) -> bool:
        return (self.major, self.minor) >= other

    def __lt__(self, other: tuple[int, int]) -> bool:
        return not self >= other
