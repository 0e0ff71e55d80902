"""Rows of the cluster view, and a guest's own status, into values. Reads JSON by the means of parse.py.

GET /cluster/resources      → Resources: guests, nodes and storages as the rows say, nothing judged yet
GET /cluster/status         → ClusterStatus: who is a member, who is online, is there a quorum
GET …/status/current        → the guest, live
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TypeVar

from bot.model import Guest, Kind, Node, Status, Storage
from bot.pve.parse import Garbled, Row, flag, mapping, number, rows, text, whole, words

T = TypeVar("T")

_KINDS: Mapping[str, Kind] = {kind.value: kind for kind in Kind}
_STATUS: Mapping[str, Status] = {
    **{status.value: status for status in Status if status is not Status.HIBERNATED},
    # QEMU's own words (qapi/run-state.json) that come and go by themselves, as what they look like from outside
    "inmigrate": Status.PRELAUNCH,
    "restore-vm": Status.PRELAUNCH,
    "postmigrate": Status.PAUSED,
    "finish-migrate": Status.PAUSED,
    "save-vm": Status.PAUSED,
    "suspended": Status.PAUSED,  # asleep by its own wish; resume wakes it
    "watchdog": Status.PAUSED,
}
_SHARES = 1024.0
"""A cpu above it is no share of anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    guests: tuple[Guest, ...]  # by vmid
    nodes: tuple[Node, ...]
    storages: tuple[Storage, ...]  # a row a node: shared ones several times
    nameless: frozenset[int]  # guests whose row has no name: their node has been gone for minutes
    dropped: int  # rows not understood


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    online: bool | None
    ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    name: str
    quorate: bool | None
    standalone: bool
    members: Mapping[str, Member]


def resources(body: bytes, cluster: str) -> Resources:
    guests: dict[int, Guest] = {}
    nodes: dict[str, Node] = {}
    storages: list[Storage] = []
    nameless: set[int] = set()
    dropped = 0
    for row in rows(body):
        kind = row.get("type") if isinstance(row, dict) else None
        if not isinstance(row, dict) or not isinstance(kind, str):
            dropped += 1
        elif (of := _KINDS.get(kind)) is not None:
            if (guest := _guest(row, cluster, of)) is None:
                dropped += 1
                continue
            guests[guest.vmid] = guest
            if not row.get("name"):
                nameless.add(guest.vmid)
        elif kind == "node":
            if (node := _node(row, cluster)) is None:
                dropped += 1
                continue
            nodes[node.name] = node
        elif kind == "storage":
            if (storage := _storage(row, cluster)) is None:
                dropped += 1
                continue
            storages.append(storage)
        # anything else is a kind of row that nothing here is about
    return Resources(
        guests=tuple(guests[vmid] for vmid in sorted(guests)),
        nodes=tuple(nodes[name] for name in sorted(nodes)),
        storages=tuple(storages),
        nameless=frozenset(nameless),
        dropped=dropped,
    )


def cluster_status(body: bytes) -> ClusterStatus:
    """A node alone has no row of the cluster: it is its own quorum."""
    name, quorate, found = "", None, False
    members: dict[str, Member] = {}
    for row in rows(body):
        if not isinstance(row, dict):
            continue
        if row.get("type") == "cluster":
            name, found = text(row.get("name")), True
            quorate = flag(row["quorate"]) if "quorate" in row else None
        elif row.get("type") == "node" and (node := text(row.get("name"))):
            online = flag(row["online"]) if "online" in row else None
            members[node] = Member(online=online, ip=text(row.get("ip")))
    if not found and not members:
        raise Garbled("the cluster status names neither a cluster nor a node")
    standalone = not found and len(members) == 1
    return ClusterStatus(
        name=next(iter(members)) if standalone else name,
        quorate=True if standalone else quorate,
        standalone=standalone,
        members=members,
    )


def current(body: bytes, guest: Guest) -> tuple[Guest, bool]:
    """`guest` with what its node says of it now; and whether its configuration names an agent (API2/Qemu.pm)."""
    row = mapping(body)
    if "status" not in row:
        raise Garbled("the status of a guest names no status")
    said = _STATUS.get(text(row["status"]), Status.UNKNOWN)
    exact = _STATUS.get(text(row.get("qmpstatus")), Status.UNKNOWN)
    status = exact if said is Status.RUNNING and exact not in {Status.UNKNOWN, Status.STOPPED} else said
    lock = text(row.get("lock"))
    ha = row.get("ha")
    live = replace(
        guest,
        name=text(row.get("name")) or guest.name,
        status=_asleep(status, lock),
        template=flag(row["template"]) if "template" in row else guest.template,
        cpu=_share(row.get("cpu")),
        cpus=_or(number(row.get("cpus")), guest.cpus),
        mem=whole(row.get("mem")),
        maxmem=_or(whole(row.get("maxmem")), guest.maxmem),
        disk=whole(row.get("disk")) if guest.kind is Kind.LXC else None,
        maxdisk=_or(whole(row.get("maxdisk")), guest.maxdisk),
        netin=number(row.get("netin")),
        netout=number(row.get("netout")),
        uptime=whole(row.get("uptime")) if status.up else None,
        lock=lock,
        tags=words(row["tags"], ";, ") if "tags" in row else guest.tags,
        hastate=_hastate(ha) if isinstance(ha, dict) else guest.hastate,
        live=True,
    )
    return live, flag(row.get("agent"))


def _guest(row: Row, cluster: str, kind: Kind) -> Guest | None:
    get = row.get
    vmid = whole(get("vmid")) or whole(text(get("id")).rpartition("/")[2])
    node = get("node")
    if not vmid or not isinstance(node, str) or not node:
        return None
    said, lock = get("status"), text(get("lock"))
    status = _STATUS.get(said, Status.UNKNOWN) if isinstance(said, str) else Status.UNKNOWN
    if lock:
        status = _asleep(status, lock)
    return _made(
        cluster,
        vmid,
        text(get("name")) or f"{kind.short} {vmid}",
        kind,
        node,
        status,
        flag(get("template")),
        _share(get("cpu")),
        number(get("maxcpu")),
        whole(get("mem")),
        whole(get("maxmem")),
        whole(get("disk")) if kind is Kind.LXC else None,  # of a VM it is always 0: not known
        whole(get("maxdisk")),
        number(get("netin")),
        number(get("netout")),
        whole(get("uptime")) if status is Status.RUNNING or (status is not Status.STOPPED and status.up) else None,
        lock,
        words(get("tags"), ";, "),
        text(get("pool")),
        text(get("hastate")),
        False,
    )


_SETTERS = tuple(getattr(Guest, field.name).__set__ for field in fields(Guest))


def _made(*values: object) -> Guest:
    """A guest, its fields in their order: in a third of the time that a frozen class takes to set itself up, which
    is what ten thousand of them cost most. tests/pve/test_pve_rows.py compares it with one made by name."""
    guest: Guest = object.__new__(Guest)
    for put, value in zip(_SETTERS, values, strict=True):
        put(guest, value)
    return guest


def _node(row: Row, cluster: str) -> Node | None:
    name = text(row.get("node")) or text(row.get("id")).rpartition("/")[2]
    if not name:
        return None
    return Node(
        cluster=cluster,
        name=name,
        online={"online": True, "offline": False}.get(text(row.get("status"))),
        cpu=_share(row.get("cpu")),
        cpus=whole(row.get("maxcpu")),
        mem=whole(row.get("mem")),
        maxmem=whole(row.get("maxmem")),
        disk=whole(row.get("disk")),
        maxdisk=whole(row.get("maxdisk")),
        uptime=whole(row.get("uptime")),
    )


def _storage(row: Row, cluster: str) -> Storage | None:
    name, node = text(row.get("storage")), text(row.get("node"))
    if not name:
        name = text(row.get("id")).rpartition("/")[2]
    if not name or not node:
        return None
    return Storage(
        cluster=cluster,
        name=name,
        node=node,
        shared=flag(row.get("shared")),
        # "unknown" is also what an online node says of a storage that it cannot reach (pvestatd sends nothing for it)
        available={"available": True, "unknown": False}.get(text(row.get("status"))),
        disk=whole(row.get("disk")),
        maxdisk=whole(row.get("maxdisk")),
        kind=text(row.get("plugintype")),
        content=words(row.get("content"), ","),
    )


def _asleep(status: Status, lock: str) -> Status:
    """Its RAM on disk: stopped, under the lock that resume takes away (QemuServer.pm, vm_suspend)."""
    return Status.HIBERNATED if lock == "suspended" and status is Status.STOPPED else status


def _share(value: object) -> float | None:
    share = number(value)
    return None if share is None or share > _SHARES else share


def _or(said: T | None, before: T | None) -> T | None:
    return before if said is None else said


def _hastate(ha: Row) -> str:
    return (text(ha.get("state")) or "managed") if flag(ha.get("managed")) else ""
