"""What is read besides the cluster's own list, each at its own pace: one descriptor a feed, one frozen value a reading.

    NODE_STATUS: Feed[NodeStatus]        feeds.get(NODE_STATUS, "pve1") -> Reading[NodeStatus] | None

The paces are those of a TIME_SCALE of 1. A reading keeps its last good value and says what became of the last try:
what could not be read is neither well nor wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from bot.model.tasks import Task
from bot.model.things import Guest, Kind, Status
from bot.text import Said

T = TypeVar("T")
EXPECT_AGENT = "expect-agent"
"""The tag of a VM whose guest agent has to answer."""
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


# -- values --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """GET /nodes/{node}/status, and of GET /nodes/{node}/rrddata?timeframe=hour the newest complete row (PVE 9)."""

    load5: float | None = None  # load average over 5 min
    cpus: int | None = None
    iowait: float | None = None  # share of all CPUs
    swap: int | None = None  # bytes used
    swap_total: int | None = None  # bytes; 0: there is none
    mem: int | None = None  # bytes used, as Proxmox says
    mem_total: int | None = None
    mem_available: int | None = None  # bytes; PVE 9
    arc: int | None = None  # bytes of ZFS cache, counted as used but given back; PVE 9
    kernel: str = ""  # running release, 6.8.12-4-pve
    version: str = ""  # pve-manager/8.4.1/…
    pressure_cpu: float | None = None  # share 0..1 of time some task waited; PVE 9
    pressure_io: float | None = None  # full
    pressure_mem: float | None = None  # full


@dataclass(frozen=True, slots=True, kw_only=True)
class HaService:
    sid: str  # vm:100, ct:101
    vmid: int
    node: str
    state: str  # started, stopped, error, fence, recovery, freeze, migrate, relocate …
    requested: str  # started, stopped …


@dataclass(frozen=True, slots=True, kw_only=True)
class Ha:
    """GET /cluster/ha/status/current and GET /cluster/ha/status/manager_status."""

    services: tuple[HaService, ...] = ()
    nodes: Mapping[str, str] = field(default_factory=dict)  # node -> online, maintenance, unknown, fence, gone
    fencing: Mapping[str, str] = field(default_factory=dict)  # rows of type `fencing`: node or id -> armed …
    armed: bool | None = None  # None: not said


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationJob:
    """GET /nodes/{node}/replication."""

    id: str  # 100-0
    vmid: int
    source: str
    target: str
    fails: int = 0  # fail_count
    last_sync: datetime | None = None
    last_try: datetime | None = None
    next_sync: datetime | None = None
    interval: float | None = None  # s, from its schedule; None where that cannot be told
    error: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ZfsPool:
    """GET /nodes/{node}/disks/zfs."""

    name: str
    health: str  # ONLINE, DEGRADED, FAULTED …
    size: int | None = None
    free: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ZfsErrors:
    """GET /nodes/{node}/disks/zfs/{pool}, of each pool."""

    name: str
    errors: str = ""  # "No known data errors", or what is wrong
    bad: int = 0  # read + write + cksum over all devices
    scan: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """GET /nodes/{node}/services."""

    name: str
    enabled: bool  # unit-state
    running: bool
    state: str = ""  # active-state or state, as said


@dataclass(frozen=True, slots=True, kw_only=True)
class CephCheck:
    name: str  # OSD_NEARFULL …
    error: bool  # HEALTH_ERR, else HEALTH_WARN
    muted: bool
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceph:
    """GET /cluster/ceph/status."""

    health: str  # HEALTH_OK, HEALTH_WARN, HEALTH_ERR
    checks: tuple[CephCheck, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinPool:
    """GET /nodes/{node}/disks/lvmthin."""

    name: str  # vg/lv
    metadata: float | None = None  # share used
    data: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """GET /nodes/{node}/certificates/info."""

    file: str  # pve-ssl.pem, pveproxy-ssl.pem, pve-root-ca.pem
    expires: datetime
    fingerprint: str = ""  # SHA-256
    served: bool = False  # by pveproxy


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTime:
    """GET /nodes/{node}/time: how far the node's clock is from the bot's, by the middle of the call."""

    offset: float  # s; positive: the node is ahead
    error: float = 0.0  # s: half the round trip, plus the second it is rounded to
    taken: float | None = None  # when, by the bot's monotonic clock, s: before its wall clock jumped, or after it?


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupJob:
    """GET /cluster/backup."""

    id: str
    enabled: bool
    vmids: frozenset[int]  # guests named; empty with `all`, `pool`
    everything: bool = False  # all
    excluded: frozenset[int] = frozenset()
    pool: str = ""
    node: str = ""  # only there
    storage: str = ""
    interval: float | None = None  # s, from its schedule; None where that cannot be told
    next_run: datetime | None = None
    mode: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestBackup:
    """One guest in one vzdump run, from the task's log; or the newest backup found in a storage."""

    vmid: int
    ended: datetime
    good: bool
    upid: str = ""  # '' where it was found in a storage
    line: str = ""  # the last line of the log about it, where it failed
    storage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """The newest good backup of each guest as far as it is known, and the vzdump runs that ended lately."""

    newest: Mapping[int, datetime] = field(default_factory=dict)
    runs: tuple[GuestBackup, ...] = ()  # newest first
    complete: bool = False  # every storage's rows are visible to the token: a missing backup is missing
    jobs: tuple[BackupJob, ...] = ()
    uncovered: tuple[int, ...] | None = None  # GET /cluster/backup-info/not-backed-up; None: may not be asked


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSnapshots:
    """GET …/{vmid}/snapshot, `current` left out."""

    vmid: int
    count: int
    oldest: datetime | None = None
    oldest_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """GET /nodes/{node}/apt/versions."""

    outdated: int  # installed is not what is available
    important: tuple[str, ...] = ()  # names among them, pve-* first
    kernel_running: str = ""
    kernel_installed: str = ""  # the newest one installed

    @property
    def reboot_pending(self) -> bool:
        return bool(self.kernel_running and self.kernel_installed and self.kernel_running != self.kernel_installed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """GET /nodes/{node}/disks/list."""

    dev: str  # /dev/sda
    model: str = ""
    serial: str = ""
    health: str = ""  # PASSED, OK, FAILED, UNKNOWN
    wearout: float | None = None  # percent that remains; None: "N/A"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageState:
    """GET /nodes/{node}/storage."""

    name: str
    enabled: bool
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnToken:
    """GET /access/users?full=1: of the bot's own tokens."""

    name: str  # user@realm!name
    expires: datetime | None  # None: never


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """GET /nodes/{node}/subscription."""

    status: str  # active, notfound, expired …
    due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestNotes:
    """Of guests that are stopped: does their configuration say that they start with the node? GET …/{vmid}/config."""

    onboot: frozenset[int] = frozenset()
    read: frozenset[int] = frozenset()  # all that were asked: not among `onboot` means no

    @staticmethod
    def about(guest: Guest) -> bool:
        """Templates do not start, and what HA manages starts as HA says."""
        return guest.status is Status.STOPPED and not guest.template and not guest.hastate


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPings:
    """POST …/agent/ping of guests tagged expect-agent. False: no answer; absent: not asked, or may not."""

    answers: Mapping[int, bool] = field(default_factory=dict)

    @staticmethod
    def about(guest: Guest) -> bool:
        return guest.kind is Kind.QEMU and guest.status is Status.RUNNING and EXPECT_AGENT in guest.tags


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """One row of GET …/agent/get-fsinfo."""

    mount: str  # / or C:\\
    used: int  # bytes
    total: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestDisks:
    """GET …/agent/get-fsinfo of guests tagged expect-agent: what can fill up. A guest that did not answer is absent."""

    of: Mapping[int, tuple[FileSystem, ...]] = field(default_factory=dict)


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
