"""What each feed reads, as frozen values: one class a call of Proxmox VE's. bot/model/feeds.py says when it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.model.things import Guest, Kind, Status

EXPECT_AGENT = "expect-agent"
"""The tag of a VM whose guest agent has to answer."""


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
    running: bool = False  # a sync is under way: its row has a `pid`


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
    line: str = ""  # where it failed: the last ERROR of the log about it, else how its task ended
    storage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """The newest good backup of each guest as far as it is known, and the vzdump runs that ended lately."""

    newest: Mapping[int, datetime] = field(default_factory=dict)
    runs: tuple[GuestBackup, ...] = ()  # newest first
    complete: bool = False  # every storage's rows are visible to the token: a missing backup is missing
    jobs: tuple[BackupJob, ...] = ()
    uncovered: tuple[int, ...] | None = None  # GET /cluster/backup-info/not-backed-up; None: may not be asked
    partly: bool = False  # of some node the tasks, or of some task the log, are still to be read


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
        """Templates do not start, and what HA manages starts as HA says; what it ignores starts with its node
        (pve-ha-manager, HA/Config.pm)."""
        return guest.status is Status.STOPPED and not guest.template and not guest.ha_managed


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
