"""What is read besides the cluster's own list, each at its own pace: one descriptor a feed, one frozen value a reading.

    NODE_STATUS: Feed[NodeStatus]        feeds.get(NODE_STATUS, "pve1") -> Reading[NodeStatus] | None

The paces are those of a TIME_SCALE of 1. A reading keeps its last good value and says what became of the last try:
what could not be read is neither well nor wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from bot.model.readings import (
    AgentPings,
    Backups,
    Ceph,
    Certificate,
    Disk,
    GuestDisks,
    GuestNotes,
    GuestSnapshots,
    Ha,
    NodeStatus,
    NodeTime,
    OwnToken,
    Packages,
    ReplicationJob,
    Service,
    StorageState,
    Subscription,
    ThinPool,
    ZfsErrors,
    ZfsPool,
)
from bot.model.tasks import Task
from bot.text import Said

T = TypeVar("T")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed(Generic[T]):
    """`privilege` on `path` (with {node}) is what the view token needs; '' = any token may."""

    key: str
    every: float  # s
    per_node: bool
    privilege: str = ""
    path: str = "/"
    what: str = ""  # in a sentence: "backup age"
    since: tuple[int, int] = (7, 0)  # the first version of Proxmox VE that has it
    timeout: float = 10.0  # s


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[T]):
    """Of one feed, of one node where it is per node."""

    value: T | None  # the last good one
    at: datetime | None  # UTC, when that was read
    fresh: bool  # the last try was good, and not long ago
    fails: int = 0  # tries in a row that were not
    failing: float = 0.0  # s since the first of those
    forbidden: bool = False  # 403, or the privilege is known to be missing
    silent: bool = False  # 595, 596: the node's own API does not answer
    absent: bool = False  # not there: no Ceph, no ZFS, another version (501): neither wrong nor blind
    trouble: Said | None = None  # why the last try failed


@dataclass(frozen=True, kw_only=True)
class Feeds:
    """All readings of one cluster at one tick, by feed key and node ('' where the feed is the cluster's)."""

    readings: Mapping[tuple[str, str], Reading[Any]] = field(default_factory=dict)

    def get(self, feed: Feed[T], node: str = "") -> Reading[T] | None:
        """None: never tried."""
        return cast("Reading[T] | None", self.readings.get((feed.key, node)))

    def fresh(self, feed: Feed[T], node: str = "") -> T | None:
        """The value, where it is to be trusted."""
        reading = self.get(feed, node)
        return reading.value if reading is not None and reading.fresh else None

    def nodes(self, feed: Feed[T]) -> Mapping[str, T]:
        """Fresh values by node."""
        return {
            node: cast("T", reading.value)
            for (key, node), reading in self.readings.items()
            if key == feed.key and reading.fresh and reading.value is not None
        }


# -- the table -----------------------------------------------------------------------------------------------------

_NODE = "/nodes/{node}"

NODE_STATUS: Feed[NodeStatus] = Feed(
    key="node_status", every=MINUTE, per_node=True, privilege="Sys.Audit", path=_NODE, what="load and memory of nodes"
)
HA: Feed[Ha] = Feed(key="ha", every=MINUTE, per_node=False, privilege="Sys.Audit", what="high availability")
REPLICATION: Feed[tuple[ReplicationJob, ...]] = Feed(
    key="replication", every=5 * MINUTE, per_node=True, what="replication"
)
ZFS: Feed[tuple[ZfsPool, ...]] = Feed(
    key="zfs", every=5 * MINUTE, per_node=True, privilege="Sys.Audit", what="health of ZFS pools"
)
SERVICES: Feed[tuple[Service, ...]] = Feed(
    key="services", every=5 * MINUTE, per_node=True, privilege="Sys.Audit", path=_NODE, what="services of nodes"
)
CEPH: Feed[Ceph] = Feed(
    key="ceph", every=5 * MINUTE, per_node=False, privilege="Sys.Audit|Datastore.Audit", what="health of Ceph"
)
STORAGES: Feed[tuple[StorageState, ...]] = Feed(
    key="storages", every=5 * MINUTE, per_node=True, privilege="Datastore.Audit", path="/storage", what="storages"
)
ONBOOT: Feed[GuestNotes] = Feed(
    key="onboot", every=5 * MINUTE, per_node=False, privilege="VM.Audit", path="/vms", what="which guests start at boot"
)
AGENT: Feed[AgentPings] = Feed(
    key="agent", every=2 * MINUTE, per_node=False, privilege="VM.Monitor|VM.GuestAgent.Audit", path="/vms",
    what="answers of guest agents", timeout=30.0,
)  # fmt: skip
FILESYSTEMS: Feed[GuestDisks] = Feed(
    key="filesystems", every=HOUR, per_node=False, privilege="VM.Monitor|VM.GuestAgent.Audit", path="/vms",
    what="disks of VMs, by their agents", timeout=60.0,
)  # fmt: skip
BY_AGENT: frozenset[str] = frozenset({AGENT.key, FILESYSTEMS.key})
"""Keys of feeds that only guests tagged expect-agent are asked for."""
THIN: Feed[tuple[ThinPool, ...]] = Feed(
    key="thin", every=HOUR, per_node=True, privilege="Sys.Audit", what="metadata of thin pools"
)
CERTIFICATES: Feed[tuple[Certificate, ...]] = Feed(key="certificates", every=HOUR, per_node=True, what="certificates")
TIME: Feed[NodeTime] = Feed(
    key="time", every=HOUR, per_node=True, privilege="Sys.Audit", path=_NODE, what="clocks of nodes"
)
FAILED: Feed[tuple[Task, ...]] = Feed(
    key="failed", every=HOUR, per_node=True, privilege="Sys.Audit", path=_NODE, what="failed tasks"
)
BACKUPS: Feed[Backups] = Feed(
    key="backups", every=6 * HOUR, per_node=False, privilege="Sys.Audit", what="backup age", timeout=60.0
)
SNAPSHOTS: Feed[tuple[GuestSnapshots, ...]] = Feed(
    key="snapshots", every=6 * HOUR, per_node=False, privilege="VM.Audit", path="/vms", what="age of snapshots",
    timeout=60.0,
)  # fmt: skip
PACKAGES: Feed[Packages] = Feed(
    key="packages", every=6 * HOUR, per_node=True, privilege="Sys.Audit", path=_NODE, what="updates", timeout=30.0
)
TOKENS: Feed[tuple[OwnToken, ...]] = Feed(
    key="tokens", every=6 * HOUR, per_node=False, privilege="Sys.Audit", path="/access/groups",
    what="expiry of the bot's own tokens",
)  # fmt: skip
DISKS: Feed[tuple[Disk, ...]] = Feed(
    key="disks", every=DAY, per_node=True, privilege="Sys.Audit", path=_NODE, what="health of disks", timeout=60.0
)
ZPOOLS: Feed[tuple[ZfsErrors, ...]] = Feed(
    key="zpools", every=DAY, per_node=True, privilege="Sys.Audit", what="errors of ZFS pools", timeout=30.0
)
SUBSCRIPTION: Feed[Subscription] = Feed(key="subscription", every=DAY, per_node=True, what="subscriptions")

FEEDS: tuple[Feed[Any], ...] = (
    NODE_STATUS,
    HA,
    REPLICATION,
    ZFS,
    SERVICES,
    CEPH,
    STORAGES,
    ONBOOT,
    AGENT,
    FILESYSTEMS,
    THIN,
    CERTIFICATES,
    TIME,
    FAILED,
    BACKUPS,
    SNAPSHOTS,
    PACKAGES,
    TOKENS,
    DISKS,
    ZPOOLS,
    SUBSCRIPTION,
)
