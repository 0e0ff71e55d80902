"""Rows of the cluster view, and a guest's own status, into values. Reads JSON by the means of parse.py.

GET /cluster/resources      → Resources: guests, nodes and storages as the rows say, nothing judged yet
GET /cluster/status         → ClusterStatus: who is a member, who is online, is there a quorum
GET …/status/current        → the guest, live
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, make_dataclass, replace
from itertools import repeat
from typing import TypeVar

from bot.model import Guest, Kind, Node, Status, Storage
from bot.pve.parse import MOST, Garbled, Row, flag, mapping, number, rows, text, whole, words

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
    found: dict[int, Sequence[object]] = {}
    nodes: dict[str, Node] = {}
    storages: list[Storage] = []
    dropped = 0
    for row in rows(body):
        kind = row.get("type") if isinstance(row, dict) else None
        if not isinstance(row, dict) or not isinstance(kind, str):
            dropped += 1
        elif (of := _KINDS.get(kind)) is not None:
            vmid = row.get("vmid")
            if type(vmid) is not int or not 0 < vmid < MOST:
                vmid = whole(vmid) or whole(text(row.get("id")).rpartition("/")[2])
            home = row.get("node")
            if not vmid or not isinstance(home, str) or not home:
                dropped += 1
                continue
            found[vmid] = (of, *map(row.get, _KEYS))  # each row is touched once: they are far apart in memory
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
        guests=_guests(dict(sorted(found.items(), key=lambda item: item[0])), cluster),
        nodes=tuple(nodes[name] for name in sorted(nodes)),
        storages=tuple(storages),
        nameless=frozenset(vmid for vmid, (_, name, *_) in found.items() if not name),
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


# -- ten thousand guests at once -----------------------------------------------------------------------------------
#
# Field by field instead of row by row: a column in which every value is what Proxmox usually says (a look at all of
# them at once) is taken as it stands, and only an odd one is read value by value.

_INT = frozenset({int, type(None)})
_FLOAT = frozenset({int, float, type(None)})
_Draft = make_dataclass("_Draft", [field.name for field in fields(Guest)], slots=True, eq=False, repr=False)
"""Laid out as a Guest, but not frozen: it is filled in a fifth of the time, and then made one for good."""


_KEYS = ("name", "node", "status", "lock", "template", "cpu", "maxcpu", "mem", "maxmem", "disk", "maxdisk", "netin",
         "netout", "uptime", "tags", "pool", "hastate")  # fmt: skip


def _guests(found: Mapping[int, Sequence[object]], cluster: str) -> tuple[Guest, ...]:
    """In the order of `found`, which is by vmid; its values are the kind and what the row has under `_KEYS`."""
    if not found:
        return ()
    kinds, *columns = zip(*found.values(), strict=True)
    of = dict(zip(_KEYS, columns, strict=True))
    names, locks, states = _texts(of["name"]), _texts(of["lock"]), _texts(of["status"])
    statuses = [_STATUS.get(said, Status.UNKNOWN) for said in states]
    if any(locks):
        statuses = list(map(_asleep, statuses, locks))
    disks, uptimes = _figures(of["disk"], whole, _INT), _figures(of["uptime"], whole, _INT)
    up = {status for status in Status if status.up}
    drafts = list(
        map(
            _Draft,  # in the order of Guest's fields
            repeat(cluster),
            found,
            [name or f"{kind.short} {vmid}" for vmid, kind, name in zip(found, kinds, names, strict=True)],
            kinds,
            of["node"],
            statuses,
            map(flag, of["template"]),
            _figures(of["cpu"], _share, _FLOAT, _SHARES),
            _figures(of["maxcpu"], number, _FLOAT),
            _figures(of["mem"], whole, _INT),
            _figures(of["maxmem"], whole, _INT),
            # of a VM it is always 0: not known
            [disk if kind is Kind.LXC else None for kind, disk in zip(kinds, disks, strict=True)],
            _figures(of["maxdisk"], whole, _INT),
            _figures(of["netin"], number, _FLOAT),
            _figures(of["netout"], number, _FLOAT),
            [uptime if status in up else None for status, uptime in zip(statuses, uptimes, strict=True)],
            locks,
            [words(tags, ";, ") for tags in of["tags"]],
            _texts(of["pool"]),
            _texts(of["hastate"]),
            repeat(False),
        )
    )
    for draft in drafts:
        draft.__class__ = Guest
    return tuple(drafts)


def _texts(values: Sequence[object]) -> list[str]:
    return [value if type(value) is str else text(value) for value in values]


def _figures(
    values: Sequence[object], read: Callable[[object], T], usual: frozenset[object], most: float = MOST
) -> Sequence[object]:
    """`read` of each value; where all are None or figures of a `usual` type, 0 or more and below `most`, they stay."""
    if set(map(type, values)) <= usual:
        figures: list[float] = list(filter(None, values))  # type: ignore[arg-type]  # what is left are numbers
        if not figures or (min(figures) > 0 and max(figures) < most and sum(figures) > 0):  # the sum: NaN is not
            return values
    return [read(value) for value in values]


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
