"""One picture of a cluster out of two answers: pure. What cannot be known is said in `unseen`, never left out silently.

A node that goes down is `offline` at once, but its guests keep their last status for up to five minutes (pmxcfs
status.c: entries older than 300 s are dropped), and their names are gone after that. So: what stands on a node that is
offline is unknown, whatever its row says, and is called what it was called before.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.errors import PveError, PveForbidden
from bot.model import Gap, Guest, Node, Snapshot, Status, Storage, Unseen
from bot.pve.rows import ClusterStatus, Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """What the view token may see; only asked for where no guest is to be seen."""

    token: str
    all_guests: bool | None = True  # VM.Audit on / or /vms; None: could not be asked
    detail: str = ""


def merge(
    cluster: str,
    resources: Resources,
    status: ClusterStatus | PveError,
    *,
    before: Snapshot | None,
    taken: datetime,
    visibility: Visibility,
) -> Snapshot:
    nodes = _nodes(cluster, resources.nodes, status)
    gone = {node.name for node in nodes if node.online is not True}
    guests = resources.guests
    if gone or resources.nameless:
        guests = tuple(_told(guest, gone, resources.nameless, before) for guest in guests)
    storages = _storages(resources.storages, gone)
    unseen = [*_offline(nodes, guests), *_bare(nodes), *_invisible(guests, visibility), *_status(status, visibility)]
    if resources.dropped:
        unseen.append(Unseen(gap=Gap.ROWS_DROPPED, count=resources.dropped))
    name, quorate, standalone = _who(cluster, nodes, status, before)
    return Snapshot(
        cluster=cluster,
        name=name,
        quorate=quorate,
        nodes=nodes,
        guests=guests,
        storages=storages,
        unseen=tuple(unseen),
        taken=taken,
        standalone=standalone,
    )


def _nodes(cluster: str, rows: Iterable[Node], status: ClusterStatus | PveError) -> tuple[Node, ...]:
    """The rows, joined with who is a member; where the members are not to be seen, the rows stand alone."""
    nodes = {row.name: row for row in rows}
    if isinstance(status, ClusterStatus):
        for name, member in status.members.items():
            row = nodes.get(name) or Node(cluster=cluster, name=name, online=None)
            # two sources of the same moment: the bad news counts
            online = False if False in (row.online, member.online) else member.online or row.online
            nodes[name] = replace(row, online=online, ip=member.ip)
    return tuple(
        node if node.online else replace(node, cpu=None, mem=None, disk=None, uptime=None)
        for node in (nodes[name] for name in sorted(nodes))
    )


def _told(guest: Guest, gone: set[str], nameless: frozenset[int], before: Snapshot | None) -> Guest:
    known = before.by_vmid.get(guest.vmid) if before is not None and guest.vmid in nameless else None
    if known is not None:
        guest = replace(guest, name=known.name, template=known.template, maxmem=known.maxmem, cpus=known.cpus)
    if guest.node not in gone:
        return guest
    return replace(guest, status=Status.UNKNOWN, cpu=None, mem=None, disk=None, netin=None, netout=None, uptime=None)


def _storages(rows: Iterable[Storage], gone: set[str]) -> tuple[Storage, ...]:
    """A shared storage once, by the row that knows most; what stands on a node that is gone is unknown."""
    kept: dict[str, Storage] = {}
    nodes: dict[str, list[str]] = {}
    for row in rows:
        storage = replace(row, available=None, disk=None) if row.node in gone else row
        other = kept.get(storage.id)
        if other is None or _knows(storage) > _knows(other):
            kept[storage.id] = storage
        if storage.shared:
            nodes.setdefault(storage.id, []).append(storage.node)
    return tuple(
        replace(kept[id_], nodes=tuple(sorted(nodes[id_]))) if id_ in nodes else kept[id_] for id_ in sorted(kept)
    )


def _knows(storage: Storage) -> tuple[bool, bool, bool]:
    return (storage.available is True, storage.available is not None, storage.used is not None)


def _who(
    cluster: str, nodes: tuple[Node, ...], status: ClusterStatus | PveError, before: Snapshot | None
) -> tuple[str, bool | None, bool]:
    """Name, quorum, and whether it is a node alone."""
    if isinstance(status, ClusterStatus):
        return status.name or cluster, status.quorate, status.standalone
    if before is not None:
        return before.name, None, before.standalone
    return (nodes[0].name if len(nodes) == 1 else cluster), None, False


def _offline(nodes: Iterable[Node], guests: tuple[Guest, ...]) -> Iterable[Unseen]:
    for node in nodes:
        if not node.online:
            count = sum(1 for guest in guests if guest.node == node.name and not guest.template)
            yield Unseen(gap=Gap.NODE_OFFLINE, subject=node.name, count=count)


def _bare(nodes: Iterable[Node]) -> Iterable[Unseen]:
    """Online and without figures: the token lacks Sys.Audit there (API2Tools.pm, extract_node_stats)."""
    for node in nodes:
        if node.online and node.cpu is None and node.maxmem is None:
            yield Unseen(gap=Gap.NODE_BARE, subject=node.name)


def _invisible(guests: tuple[Guest, ...], visibility: Visibility) -> Iterable[Unseen]:
    if not guests and not visibility.all_guests:
        yield Unseen(gap=Gap.NO_GUESTS_VISIBLE, subject=visibility.token, detail=visibility.detail)


def _status(status: ClusterStatus | PveError, visibility: Visibility) -> Iterable[Unseen]:
    match status:
        case PveForbidden():
            yield Unseen(gap=Gap.STATUS_FORBIDDEN, subject=visibility.token, detail=status.reason)
        case PveError():
            yield Unseen(gap=Gap.STATUS_FAILED, subject=status.host, detail=status.reason)
        case ClusterStatus():
            pass
