"""Figures of nodes: processor, memory, swap, load, root file system, pressure, clock.

16 node_cpu · 17 node_mem · 18 node_swap · 19 node_load · 20 node_rootfs · 21 pressure · 39 clock_drift
"""

from collections.abc import Iterator
from statistics import median

from bot.model import Finding, Node, Severity, Storage, Subject
from bot.model.feeds import NODE_STATUS, TIME, NodeStatus
from bot.model.view import View
from bot.rules.causes import BUSY, running
from bot.rules.grades import active, graded, more
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.sight import blind, seen, sees_feed, sees_figures
from bot.rules.subjects import cluster_subject, node_key, node_page, node_subject, opens, tasks_of_node
from bot.text import Said, say, share, size, size_pair

SAME = 0.01
"""Share by which the sizes and uses of two looks at one file system may differ."""
GROWN = 64 * 1024**2
"""Bytes by which swap must have grown to count as growing."""


def _nodes(view: View, limits: Limits) -> Iterator[tuple[Node, Limit]]:
    """Those whose figures are new, and for which the rule is on."""
    snapshot = seen(view)
    if snapshot is None or not active(limits):
        return
    dark = blind(view)
    for node in snapshot.nodes:
        if node.online and node.name not in dark and (limit := limits.of(node_key(node))).on:
            yield node, limit


# -- 16 node_cpu ---------------------------------------------------------------------------------------------------


def node_cpu(view: View, limits: Limits) -> Iterator[Finding]:
    for node, limit in _nodes(view, limits):
        if node.cpu is None or (grade := graded(node.cpu, limit)) is None:
            continue
        busy = running(view, node.name, BUSY)
        yield Finding(
            rule="node_cpu",
            subject=node_subject(node),
            severity=grade[0],
            said=say("{name}: processor at {share}", name=node.name, share=share(node.cpu)),
            over=say("{name}: processor is calm again", name=node.name),
            because=_against(node.cpu, limit),
            cures=(node_page(node), tasks_of_node(node)),
            grey=grade[1] or busy is not None,
        )


def _against(value: float, limit: Limit) -> Said:
    threshold = limit.warning if limit.critical is None or value < limit.critical else limit.critical
    if threshold is None:
        return say("at {now}", now=share(value))
    return say("at {now}, the limit is {limit}", now=share(value), limit=share(threshold))


# -- 17 node_mem ---------------------------------------------------------------------------------------------------


def node_mem(view: View, limits: Limits) -> Iterator[Finding]:
    for node, limit in _nodes(view, limits):
        status = view.feeds.fresh(NODE_STATUS, node.name)
        used = _memory(view, node, status)
        if used is None or (grade := graded(used, limit)) is None:
            continue
        total = (status.mem_total if status is not None else None) or node.maxmem or 0
        yield Finding(
            rule="node_mem",
            subject=node_subject(node),
            severity=grade[0],
            said=say("{name}: memory {share} full", name=node.name, share=share(used)),
            over=say("{name}: memory has room again", name=node.name),
            details=(say("{pair}, caches not counted", pair=size_pair(used * total, total)),) if total else (),
            because=_against(used, limit),
            cures=(node_page(node),),
            grey=grade[1],
        )


def _memory(view: View, node: Node, status: NodeStatus | None) -> float | None:
    """Share used for good. PVE 9 tells what is available; before, the cache of ZFS counts as used, and only swap that
    grows shows that it does not give way."""
    if status is not None and status.mem_available is not None and status.mem_total:
        free = status.mem_available + (status.arc or 0)
        return min(max(1 - free / status.mem_total, 0.0), 1.0)
    if status is not None and status.mem is not None and status.mem_total:
        used = status.mem / status.mem_total
    elif node.mem is not None and node.maxmem:
        used = node.mem / node.maxmem
    else:
        return None
    if not _has_zfs(view, node.name):
        return used
    before = view.before.figures.get(f"swap/{node.name}")
    grows = status is not None and status.swap is not None and before is not None and status.swap > before + GROWN
    return used if grows else None


def _has_zfs(view: View, node: str) -> bool:
    was = view.before.nodes.get(node)
    snapshot = seen(view)
    return bool(was is not None and was.pools) or (
        snapshot is not None
        and any(one.kind == "zfspool" and (one.shared or one.node == node) for one in snapshot.storages)
    )


def _sees_memory(view: View, subject: Subject) -> bool:
    if not sees_figures(view, subject):
        return False
    return view.feeds.get(NODE_STATUS, subject.id) is None or view.feeds.fresh(NODE_STATUS, subject.id) is not None


# -- 18 node_swap --------------------------------------------------------------------------------------------------


def node_swap(view: View, limits: Limits) -> Iterator[Finding]:
    for node, limit in _nodes(view, limits):
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
            because=_against(used, limit),
            cures=(node_page(node),),
            grey=grade[1],
        )


# -- 19 node_load --------------------------------------------------------------------------------------------------


def node_load(view: View, limits: Limits) -> Iterator[Finding]:
    for node, limit in _nodes(view, limits):
        status = view.feeds.fresh(NODE_STATUS, node.name)
        if status is None:
            continue
        cpus = status.cpus or node.cpus
        load = status.load5 / cpus if status.load5 is not None and cpus else None
        by_load = graded(load, limit) if load is not None else None
        high, low = more(limit, "iowait", 0.25), more(limit, "iowait_clear", 0.15)
        waits = status.iowait is not None and status.iowait > high
        if by_load is None and not (status.iowait is not None and status.iowait > low):
            continue
        grey = not waits and (by_load is None or by_load[1])
        by_wait = waits and (by_load is None or by_load[1])
        details: list[Said] = []
        if status.load5 is not None and cpus:
            details.append(say("load {load} on {n} processors", load=f"{status.load5:.1f}", n=cpus))
        if status.iowait is not None:
            details.append(say("{share} of the time waits for disks", share=share(status.iowait)))
        yield Finding(
            rule="node_load",
            subject=node_subject(node),
            severity=by_load[0] if by_load is not None else Severity.WARNING,
            said=say("{name} waits for its disks", name=node.name)
            if by_wait
            else say("{name} is overloaded", name=node.name),
            over=say("{name}: load is well again", name=node.name),
            details=tuple(details),
            because=say("the limits are {load} × its processors, and {wait} of waiting",
                        load=f"{limit.warning or 0:g}", wait=share(high)),
            cures=(node_page(node), tasks_of_node(node)),
            grey=grey or running(view, node.name, BUSY) is not None,
        )  # fmt: skip


# -- 20 node_rootfs ------------------------------------------------------------------------------------------------


def same_as_root(node: Node, storage: Storage) -> bool:
    """Is this directory storage on the node's root file system? Then node_rootfs speaks for it."""
    if storage.shared or storage.node != node.name or storage.kind not in {"", "dir"}:
        return False
    if not node.maxdisk or node.disk is None or not storage.maxdisk or storage.disk is None:
        return False
    near = SAME * node.maxdisk
    return abs(node.maxdisk - storage.maxdisk) <= near and abs(node.disk - storage.disk) <= near


def node_rootfs(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    for node, limit in _nodes(view, limits):
        if node.disk is None or not node.maxdisk or snapshot is None:
            continue
        used = node.disk / node.maxdisk
        if (grade := graded(used, limit)) is None:
            continue
        on_it = [storage.name for storage in snapshot.storages if same_as_root(node, storage)]
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
            because=_against(used, limit),
            cures=(node_page(node),),
            grey=grade[1],
        )


# -- 21 pressure ---------------------------------------------------------------------------------------------------


def pressure(view: View, limits: Limits) -> Iterator[Finding]:
    for node, limit in _nodes(view, limits):
        status = view.feeds.fresh(NODE_STATUS, node.name)
        if status is None:
            continue
        figures = (
            (say("disks"), status.pressure_io, more(limit, "io", 0.10)),
            (say("memory"), status.pressure_mem, more(limit, "mem", 0.05)),
            (say("processor"), status.pressure_cpu, more(limit, "cpu", 0.40)),
        )
        clear = more(limit, "clear_share", 0.5)
        high = [(what, now, top) for what, now, top in figures if now is not None and now >= top]
        near = [(what, now, top) for what, now, top in figures if now is not None and now >= top * clear]
        if not near:
            continue
        what, now, top = (high or near)[0]
        yield Finding(
            rule="pressure",
            subject=node_subject(node),
            severity=Severity.WARNING,
            said=say("{name}: tasks wait for its {what}", name=node.name, what=what),
            over=say("{name}: no more pressure", name=node.name),
            details=tuple(say("{what}: {share} of the time", what=one, share=share(value)) for one, value, _ in near),
            because=say("{what} at {now}, the limit is {limit}", what=what, now=share(now), limit=share(top)),
            cures=(node_page(node),),
            grey=not high,
        )


# -- 39 clock_drift ------------------------------------------------------------------------------------------------


def clock_drift(view: View, limits: Limits) -> Iterator[Finding]:
    """Against the median of the nodes; with an even number of them the bot's clock is heard too, to tell who is wrong.
    With one node nobody can."""
    snapshot = seen(view)
    if snapshot is None or not active(limits):
        return
    times = {name: time for name, time in view.feeds.nodes(TIME).items() if name in snapshot.by_node}
    if not times:
        return
    offsets = [time.offset for time in times.values()]
    middle = median(offsets if len(offsets) % 2 else [*offsets, 0.0])
    subject = cluster_subject(view)
    limit = limits.of(subject.key)
    error = min(time.error for time in times.values())
    alone = len(times) == 1
    if limit.on and (grade := graded(_off(middle, error), limit)) is not None:
        yield Finding(
            rule="clock_drift",
            subject=subject,
            severity=grade[0],
            said=say("the clocks of {name} and of the bot differ by {n} s", name=next(iter(times)), n=_whole(middle))
            if alone
            else say("the bot's own clock is {n} s off", n=_whole(middle)),
            over=say("the clocks agree again"),
            details=() if alone else (say("all nodes differ from it by as much"),),
            because=say("off by {n} s, the limit is {limit} s", n=_whole(middle), limit=f"{limit.warning or 0:g}"),
            cures=(opens(say("Nodes"), "nodes"),),
            grey=grade[1],
        )
    if alone:
        return
    for name, time in times.items():
        node = snapshot.by_node[name]
        limit = limits.of(node_key(node))
        drift = time.offset - middle
        if not limit.on or (grade := graded(_off(drift, time.error), limit)) is None:
            continue
        yield Finding(
            rule="clock_drift",
            subject=node_subject(node),
            severity=grade[0],
            said=say("the clock of {name} is {n} s ahead", name=name, n=_whole(drift))
            if drift > 0
            else say("the clock of {name} is {n} s behind", name=name, n=_whole(drift)),
            over=say("the clock of {name} is right again", name=name),
            details=(say("is chrony running there?"),),
            because=say("off by {n} s, the limit is {limit} s", n=_whole(drift), limit=f"{limit.warning or 0:g}"),
            cures=(node_page(node),),
            grey=grade[1],
        )


def _off(drift: float, error: float) -> float:
    """Seconds that are off for certain."""
    return max(abs(drift) - error, 0.0)


def _whole(drift: float) -> int:
    return round(abs(drift))


RULES: tuple[Rule, ...] = (
    Rule(
        number=16,
        key="node_cpu",
        kind=Kind.STATE,
        help="Processor of a node: shares of all its CPUs. Not while a backup, a move or a migration runs there.",
        severity=Severity.WARNING,
        limit=Limit(warning=0.90, warning_clear=0.80, hold=1800, clear=300),
        find=node_cpu,
        sees=sees_figures,
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
        sees=sees_feed(NODE_STATUS),
        feeds=(NODE_STATUS,),
    ),
    Rule(
        number=19,
        key="node_load",
        kind=Kind.STATE,
        help="Load over five minutes as a multiple of the CPUs, or `iowait`, a share of the time. Not while a backup,"
        " a move or a migration runs there.",
        severity=Severity.WARNING,
        limit=Limit(warning=2.0, warning_clear=1.5, hold=1800, more={"iowait": 0.25, "iowait_clear": 0.15}),
        find=node_load,
        sees=sees_feed(NODE_STATUS),
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
        sees=sees_figures,
    ),
    Rule(
        number=21,
        key="pressure",
        kind=Kind.STATE,
        help="Pressure stall of a node (Proxmox VE 9): shares of the time that tasks waited for disks (io), memory (mem)"
        " or processor (cpu); over at clear_share of that.",
        severity=Severity.WARNING,
        limit=Limit(on=False, hold=600, more={"io": 0.10, "mem": 0.05, "cpu": 0.40, "clear_share": 0.5}),
        find=pressure,
        sees=sees_feed(NODE_STATUS),
        feeds=(NODE_STATUS,),
    ),
    Rule(
        number=39,
        key="clock_drift",
        kind=Kind.STATE,
        help="Clock of a node against the others: seconds.",
        severity=Severity.WARNING,
        limit=Limit(warning=5.0, warning_clear=2.0),
        find=clock_drift,
        sees=sees_feed(TIME),
        feeds=(TIME,),
    ),
)
