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
    found: dict[int, tuple[Row, Kind]] = {}
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
            found[vmid] = row, of
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
        nameless=frozenset(vmid for vmid, (row, _) in found.items() if not row.get("name")),
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


def _guests(found: Mapping[int, tuple[Row, Kind]], cluster: str) -> tuple[Guest, ...]:
    """In the order of `found`, which is by vmid."""
    rows_ = [row for row, _ in found.values()]
    kinds = [kind for _, kind in found.values()]
    locks = _texts(rows_, "lock")
    states = [_STATUS.get(said, Status.UNKNOWN) for said in _texts(rows_, "status")]
    if any(locks):
        states = list(map(_asleep, states, locks))
    up = {status for status in Status if status.up}
    drafts = list(
        map(
            _Draft,  # in the order of Guest's fields
            repeat(cluster),
            found,
            [
                name or f"{kind.short} {vmid}"
                for vmid, kind, name in zip(found, kinds, _texts(rows_, "name"), strict=True)
            ],
            kinds,
            [row["node"] for row in rows_],
            states,
            [flag(row.get("template")) for row in rows_],
            _figures(rows_, "cpu", _share, _FLOAT, _SHARES),
            _figures(rows_, "maxcpu", number, _FLOAT),
            _figures(rows_, "mem", whole, _INT),
            _figures(rows_, "maxmem", whole, _INT),
            # of a VM it is always 0: not known
            [
                disk if kind is Kind.LXC else None
                for kind, disk in zip(kinds, _figures(rows_, "disk", whole, _INT), strict=True)
            ],
            _figures(rows_, "maxdisk", whole, _INT),
            _figures(rows_, "netin", number, _FLOAT),
            _figures(rows_, "netout", number, _FLOAT),
            [
                uptime if status in up else None
                for status, uptime in zip(states, _figures(rows_, "uptime", whole, _INT), strict=True)
            ],
            locks,
            [words(row.get("tags"), ";, ") for row in rows_],
            _texts(rows_, "pool"),
            _texts(rows_, "hastate"),
            repeat(False),
        )
    )
    for draft in drafts:
        draft.__class__ = Guest
    return tuple(drafts)


def _texts(rows_: Sequence[Row], key: str) -> list[str]:
    return [value if type(value) is str else text(value) for row in rows_ for value in (row.get(key),)]


def _figures(
    rows_: Sequence[Row], key: str, read: Callable[[object], T], usual: frozenset[object], most: float = MOST
) -> Sequence[object]:
    """`read` of each value; where all are None or figures of a `usual` type, 0 or more and below `most`, they stay."""
    values = [row.get(key) for row in rows_]
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
