"""What the simulated cluster is made of: nodes, guests, storages. Mutable: a test or a fault may change any of it.

All times are seconds since 1970 (simulated), sizes bytes, rates bytes a second.
"""

import itertools
import math
from dataclasses import dataclass, field
from typing import Literal

from bot.demo.cluster.machine import Machine

Kind = Literal["qemu", "lxc"]
Content = Literal["backup", "images", "rootdir", "iso", "vztmpl", "snippets"]

GIB = 1024**3
MIB = 1024**2

_changes = itertools.count()
_last = [0]


def changes() -> int:
    """Grows with every change to any guest: what was made from them before is out of date."""
    return _last[0]


@dataclass(slots=True)
class Snapshot:
    name: str
    taken: float
    description: str = ""
    parent: str = ""
    vmstate: bool = False


@dataclass(slots=True)
class Guest:
    vmid: int
    kind: Kind
    name: str
    node: str
    running: bool = True
    paused: bool = False
    qmpstatus: str = ""  # '' = by running and paused; else what QEMU says instead: io-error, internal-error
    lock: str = ""  # backup, snapshot, suspending, suspended, migrate …
    template: bool = False
    tags: str = ""  # ; separated
    pool: str = ""
    ha: str = ""  # '' = not managed; else what is requested: started, stopped
    hastate: str = ""  # what the CRM says: started, request_stop, stopped, fence, error …
    onboot: bool = True
    cpus: int = 2
    maxmem: int = 2 * GIB
    maxdisk: int = 32 * GIB
    used: float = 0.4  # share of the disk; shown for containers alone
    load: float = 0.1  # share of its CPUs, on average
    memory: float = 0.5  # share of its memory, on average
    booted: float = 0  # 0 while stopped
    pid: int = 0
    agent: bool = False  # configured
    agent_alive: bool = True  # it answers, too
    addresses: tuple[str, ...] = ()  # with prefix length
    os: str = "Debian GNU/Linux 13 (trixie)"
    description: str = ""
    storage: str = "local-lvm"
    snapshots: list[Snapshot] = field(default_factory=list)
    boot_time: float = 1.5  # seconds to start
    shutdown_time: float = 3  # seconds to shut down when asked to
    deaf: bool = False  # never shuts down when asked: nothing listens to the power button
    broken: bool = False  # does not start
    unsaved: str = ""  # why a backup of it fails
    busy: str = ""  # UPID of the task that holds its lock file

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        _last[0] = next(_changes)

    @property
    def word(self) -> str:
        """VM or CT, as Proxmox words its refusals."""
        return "VM" if self.kind == "qemu" else "CT"

    @property
    def status(self) -> str:
        """As status/current has it: a paused VM is running."""
        return "running" if self.running else "stopped"

    @property
    def id(self) -> str:
        return f"{self.kind}/{self.vmid}"

    @property
    def sid(self) -> str:
        """As HA names it."""
        return f"{'vm' if self.kind == 'qemu' else 'ct'}:{self.vmid}"

    @property
    def qmp(self) -> str:
        """QEMU's own status."""
        if not self.running:
            return "stopped"
        return self.qmpstatus or ("paused" if self.paused else "running")

    def uptime(self, now: float) -> int:
        return max(0, int(now - self.booted)) if self.running else 0

    def cpu(self, now: float) -> float:
        """Share of its CPUs, 0..1; it wanders."""
        if not self.running or self.paused:
            return 0.0
        wave = math.sin(now / 97 + self.vmid) + 0.5 * math.sin(now / 13 + self.vmid * 7)
        if self.load > 0.95:  # so busy that nothing wanders
            return min(1.0, self.load)
        return round(min(1.0, max(0.001, self.load * (1 + 0.35 * wave))), 4)

    def mem(self, now: float) -> int:
        if not self.running:
            return 0
        share = self.memory * (1 + 0.06 * math.sin(now / 311 + self.vmid * 3)) if self.memory < 0.95 else self.memory
        return int(min(0.995, share) * self.maxmem)

    def counters(self, now: float) -> dict[str, int]:
        """Since it booted."""
        up = self.uptime(now)
        busy = int(self.load * 1_000_000)
        return {
            "diskread": 0 if self.kind == "qemu" and not self.agent else up * (busy // 4 + self.vmid),
            "diskwrite": 0 if self.kind == "qemu" and not self.agent else up * (busy // 3 + self.vmid),
            "netin": up * (busy + self.vmid * 3),
            "netout": up * (busy // 2 + self.vmid),
        }


@dataclass(slots=True)
class Node:
    name: str
    nodeid: int
    ip: str
    booted: float
    cpus: int = 16
    maxmem: int = 64 * GIB
    maxdisk: int = 96 * GIB
    used: float = 0.31  # share of the root file system
    load: float = 0.3
    online: bool = True
    went_off: float = 0  # when; 0 while online
    outages: int = 0  # how often it went off
    off_by: set[str] = field(default_factory=set)  # who holds it off
    going_down: bool = False  # in order: its guests are shut down first
    maintenance: bool = False  # of HA
    frozen: float = 0  # since when its pvestatd hangs; 0: it does not
    silent: int = 0  # 595 or 596: what its API answers to other nodes while it is online; 0: it answers
    machine: Machine = field(default_factory=Machine)
    model: str = "Intel(R) Xeon(R) E-2388G CPU @ 3.20GHz"

    def cpu(self, now: float) -> float:
        wave = math.sin(now / 61 + self.nodeid) + 0.4 * math.sin(now / 7 + self.nodeid)
        if self.load > 0.9:  # so busy that nothing wanders
            return min(1.0, self.load)
        return round(min(1.0, max(0.01, self.load * (1 + 0.2 * wave))), 4)

    def mem(self, now: float) -> int:
        share = self.machine.memory or {1: 0.78, 2: 0.55, 3: 0.81}.get(self.nodeid, 0.6)
        if share > 0.95:
            return int(self.maxmem * share)
        return int(self.maxmem * share * (1 + 0.02 * math.sin(now / 401 + self.nodeid)))

    def uptime(self, now: float) -> int:
        return max(0, int(now - self.booted))


@dataclass(slots=True)
class Volume:
    """One row of a storage's content."""

    volid: str
    content: Content
    format: str
    size: int
    created: float
    vmid: int = 0  # 0 = nobody's
    notes: str = ""
    protected: bool = False


@dataclass(slots=True)
class Storage:
    """Of one node where it is local, of all where it is shared: then `node` is ''."""

    name: str
    type: str
    content: str
    total: int
    used: float  # share
    node: str = ""
    shared: bool = False
    enabled: bool = True
    active: bool = True
    volumes: list[Volume] = field(default_factory=list)
