"""Figures of nodes: processor, memory, swap, load, root file system, pressure, clock.

16 node_cpu · 17 node_mem · 18 node_swap · 19 node_load · 20 node_rootfs · 21 pressure · 39 clock_drift
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.model import Finding, Node, Severity, Subject
from bot.model.feeds import NODE_STATUS
from bot.model.readings import NodeStatus
from bot.model.view import View
from bot.rules.grades import active, graded
from bot.rules.guest.endings import unwell
from bot.rules.node.orders import BUSY, running
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.sight import Sees, blind, lately, seen, sees_figures, sees_row
from bot.rules.storage.places import is_root
from bot.rules.subjects import node_key, node_page, node_subject, tasks_of_node
from bot.text import Said, say, share, size, size_pair

GROWN = 64 * 1024**2
"""Bytes by which swap must have grown to count as growing."""
GREW = 3600.0
"""Seconds for which it is held against a node that its swap has grown: it grows by leaps."""
MUCH = 0.85
"""Share of memory, the cache of ZFS counted, that is not called room."""


def current(view: View, limits: Limits) -> Iterator[tuple[Node, Limit]]:
    """Those whose figures are new, and for which the rule is on."""
    snapshot = seen(view)
    if snapshot is None or not active(limits):
        return
    dark = blind(view)
    for node in snapshot.nodes:
        if node.online and node.name not in dark and (limit := limits.of(node_key(node))).on:
            yield node, limit


def sees_status(told: Callable[[Node, NodeStatus], bool]) -> Sees:
    """Of a node that is online, whose status was read just now, and tells of it: what is missing in it is not well."""

    def sees(view: View, subject: Subject) -> bool:
        snapshot = seen(view)
        node = snapshot.by_node.get(subject.id) if snapshot is not None else None
        status = view.feeds.fresh(NODE_STATUS, subject.id)
        return sees_figures(view, subject) and (node is None or (status is not None and told(node, status)))

    return sees


# -- 16 node_cpu ---------------------------------------------------------------------------------------------------


def node_cpu(view: View, limits: Limits) -> Iterator[Finding]:
    for node, limit in current(view, limits):
        if node.cpu is None or (grade := graded(node.cpu, limit)) is None:
            continue
        busy = running(view, node.name, BUSY)
        yield Finding(
            rule="node_cpu",
            subject=node_subject(node),
            severity=grade[0],
            said=say("{name}: processor at {share}", name=node.name, share=share(node.cpu)),
            over=say("{name}: processor is calm again", name=node.name),
            because=against(node.cpu, limit),
            cures=(node_page(node), tasks_of_node(node)),
            grey=grade[1] or busy is not None,
        )


def against(value: float, limit: Limit) -> Said:
    threshold = limit.warning if limit.critical is None or value < limit.critical else limit.critical
    if threshold is None:
        return say("at {now}", now=share(value))
    return say("at {now}, the limit is {limit}", now=share(value), limit=share(threshold))


# -- 17 node_mem ---------------------------------------------------------------------------------------------------


def node_mem(view: View, limits: Limits) -> Iterator[Finding]:
    for node, limit in current(view, limits):
        used = _memory(view, node)
        if used is None or (grade := graded(used.share, limit)) is None:
            continue
        if used.counts is False and not lately(view, f"swap_grew/{node.name}", GREW):
            continue
        status = view.feeds.fresh(NODE_STATUS, node.name)
        total = (status.mem_total if status is not None else None) or node.maxmem or 0
        yield Finding(
            rule="node_mem",
            subject=node_subject(node),
            severity=grade[0],
            said=say("{name}: memory {share} full", name=node.name, share=share(used.share)),
            over=say("{name}: memory has room again", name=node.name),
            details=(say("{pair}, caches not counted", pair=size_pair(used.share * total, total)),) if total else (),
            because=against(used.share, limit),
            cures=(node_page(node),),
            grey=grade[1] or not used.counts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Memory of a node."""

    share: float
    counts: bool | None  # False: with the cache of ZFS, and nothing shows that it does not give way; None: not known


def _memory(view: View, node: Node) -> Used | None:
    """PVE 9 tells what is available, and the cache of ZFS beside it; before, that counts as used, and only swap that
    grows shows that it does not give way."""
    status, zfs = view.feeds.fresh(NODE_STATUS, node.name), _has_zfs(view, node.name)
    if status is not None and status.mem_available is not None and status.mem_total:
        free = status.mem_available + (status.arc or 0)
        used = min(max(1 - free / status.mem_total, 0.0), 1.0)
        return Used(share=used, counts=True if status.arc is not None or not zfs else None)
    if status is not None and status.mem is not None and status.mem_total:
        used = status.mem / status.mem_total
    elif node.mem is not None and node.maxmem:
        used = node.mem / node.maxmem
    else:
        return None
    if not zfs:
        return Used(share=used, counts=True)
    if status is None or status.swap is None:
        return Used(share=used, counts=None)
    return Used(share=used, counts=swap_grows(view, node.name, status.swap))


def swap_grows(view: View, node: str, swap: int) -> bool:
    before = view.before.figures.get(f"swap/{node}")
    return before is not None and swap > before + GROWN


def _has_zfs(view: View, node: str) -> bool:
    was = view.before.nodes.get(node)
    snapshot = seen(view)
    return bool(was is not None and was.pools) or (
        snapshot is not None
        and any(one.kind == "zfspool" and (one.shared or one.node == node) for one in snapshot.storages)
    )


def _sees_memory(view: View, subject: Subject) -> bool:
    snapshot = seen(view)
    node = snapshot.by_node.get(subject.id) if snapshot is not None else None
    reading, status = view.feeds.get(NODE_STATUS, subject.id), view.feeds.fresh(NODE_STATUS, subject.id)
    if not sees_figures(view, subject) or (reading is not None and (status is None or not status.mem_total)):
        return False
    return node is None or _memory(view, node) is not None


def _memory_ending(view: View, finding: Finding) -> Finding:
    """Where the cache of ZFS may give way, nobody knows that it has: that its swap grows no more is all."""
    snapshot = seen(view)
    node = snapshot.by_node.get(finding.subject.id) if snapshot is not None else None
    used = _memory(view, node) if node is not None else None
    if node is None or used is None or used.counts is not False or used.share < MUCH:
        return finding
    why = say("its swap grows no more")
    over = say("{name}: memory {share} full, {why}", name=node.name, share=share(used.share), why=why)
    return unwell(finding, over, why)


# -- 18 node_swap --------------------------------------------------------------------------------------------------


def node_swap(view: View, limits: Limits) -> Iterator[Finding]:
    for node, limit in current(view, limits):
        status = view.feeds.fresh(NODE_STATUS, node.name)
        if status is None or status.swap is None or not status.swap_total:
            continue
        used = status.swap / status.swap_total
        if (grade := graded(used, limit)) is None:
            continue
        yield Finding(
            rule="node_swap",
            subject=node_subject(node),
            severity=grade[0],
            said=say("{name}: swap {share} full", name=node.name, share=share(used)),
            over=say("{name}: swap has room again", name=node.name),
            details=(size_pair(status.swap, status.swap_total),),
            because=against(used, limit),
            cures=(node_page(node),),
            grey=grade[1],
        )


# -- 20 node_rootfs ------------------------------------------------------------------------------------------------


def node_rootfs(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    for node, limit in current(view, limits):
        if node.disk is None or not node.maxdisk or snapshot is None:
            continue
        used = node.disk / node.maxdisk
        if (grade := graded(used, limit)) is None:
            continue
        on_it = [
            storage.name for storage in snapshot.storages if storage.node == node.name and is_root(snapshot, storage)
        ]
        details = [say("{free} left of {all}", free=size(max(node.maxdisk - node.disk, 0)), all=size(node.maxdisk))]
        if on_it:
            details.append(say("storage on it: {names}", names=", ".join(on_it[:3])))
        yield Finding(
            rule="node_rootfs",
            subject=node_subject(node),
            severity=grade[0],
            said=say("{name}: root disk {share} full", name=node.name, share=share(used)),
            over=say("{name}: root disk has room again", name=node.name),
            details=tuple(details),
            because=against(used, limit),
            cures=(node_page(node),),
            grey=grade[1],
        )


RULES: tuple[Rule, ...] = (
    Rule(
        number=16,
        key="node_cpu",
        kind=Kind.STATE,
        help="Processor of a node: shares of all its CPUs. Not while a backup, a move or a migration runs there.",
        severity=Severity.WARNING,
        limit=Limit(warning=0.90, warning_clear=0.80, hold=1800, clear=300),
        find=node_cpu,
        sees=sees_row(lambda node: node.cpu is not None),
    ),
    Rule(
        number=17,
        key="node_mem",
        kind=Kind.STATE,
        help="Memory of a node, caches not counted: shares.",
        severity=Severity.WARNING,
        limit=Limit(warning=0.95, warning_clear=0.90, hold=600),
        find=node_mem,
        sees=_sees_memory,
        ending=_memory_ending,
        feeds=(NODE_STATUS,),
    ),
    Rule(
        number=18,
        key="node_swap",
        kind=Kind.STATE,
        help="Swap of a node: shares.",
        severity=Severity.WARNING,
        limit=Limit(on=False, warning=0.80, warning_clear=0.60, hold=600),
        find=node_swap,
        sees=sees_status(lambda _, status: status.swap is not None and status.swap_total is not None),
        feeds=(NODE_STATUS,),
    ),
    Rule(
        number=20,
        key="node_rootfs",
        kind=Kind.STATE,
        help="Root file system of a node: shares.",
        severity=Severity.WARNING,
        limit=Limit(warning=0.85, warning_clear=0.80, critical=0.95, critical_clear=0.90, hold=300),
        find=node_rootfs,
        sees=sees_row(lambda node: node.disk is not None and bool(node.maxdisk)),
    ),
)
