"""Guests, nodes and storages, each as one row of the cluster's own list."""

import re
from dataclasses import dataclass
from enum import Enum


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


_TARGET = re.compile(r"(?P<cluster>[^/]+)/(?P<vmid>[1-9][0-9]{0,8})")


def guest_id(target: str) -> tuple[str, int] | None:
    """(cluster, vmid) of a `Guest.target`; None for anything else: one guest has one spelling, and no other is read."""
    found = _TARGET.fullmatch(target)
    return (found["cluster"], int(found["vmid"])) if found else None


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
    nodes: tuple[str, ...] = ()  # that have it, where shared

    @property
    def id(self) -> str:
        return self.name if self.shared else f"{self.node}/{self.name}"

    @property
    def used(self) -> float | None:
        """Share used, 0..1; None where the size is not known or zero."""
        return self.disk / self.maxdisk if self.disk is not None and self.maxdisk else None
