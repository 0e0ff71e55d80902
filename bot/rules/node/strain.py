"""What nodes suffer from: load, pressure, a clock that drifts.

19 node_load · 21 pressure · 39 clock_drift
"""

from collections.abc import Iterator
from statistics import median

from bot.model import About, Finding, Node, Severity, Subject
from bot.model.feeds import NODE_STATUS, TIME
from bot.model.readings import NodeStatus, NodeTime
from bot.model.view import View
from bot.rules.grades import active, graded, more
from bot.rules.node.figures import current, sees_status
from bot.rules.node.orders import BUSY, running
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.sight import seen, sees_feed
from bot.rules.subjects import cluster_subject, node_key, node_page, node_subject, opens, tasks_of_node
from bot.text import Said, say, share

# -- 19 node_load --------------------------------------------------------------------------------------------------


def node_load(view: View, limits: Limits) -> Iterator[Finding]:
    for node, limit in current(view, limits):
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


def _tells_load(node: Node, status: NodeStatus) -> bool:
    return status.load5 is not None and bool(status.cpus or node.cpus) and status.iowait is not None


# -- 21 pressure ---------------------------------------------------------------------------------------------------


def pressure(view: View, limits: Limits) -> Iterator[Finding]:
    for node, limit in current(view, limits):
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
    if snapshot is None or not active(limits) or not view.clock_sure:
        return
    times = {name: time for name, time in _times(view).items() if name in snapshot.by_node}
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


def _times(view: View) -> dict[str, NodeTime]:
    """Those that can be compared: of before the bot's own clock was set, none can."""
    return {name: time for name, time in view.feeds.nodes(TIME).items() if view.timed(time)}


def _off(drift: float, error: float) -> float:
    """Seconds that are off for certain."""
    return max(abs(drift) - error, 0.0)


def _whole(drift: float) -> int:
    return round(abs(drift))


def _sees_clock(view: View, subject: Subject) -> bool:
    times = _times(view)
    if not view.clock_sure or not times:
        return False
    if subject.about is About.CLUSTER:
        return seen(view) is not None
    return subject.id in times and sees_feed(TIME)(view, subject)


RULES: tuple[Rule, ...] = (
    Rule(
        number=19,
        key="node_load",
        kind=Kind.STATE,
        help="Load over five minutes as a multiple of the CPUs, or `iowait`, a share of the time. Not while a backup,"
        " a move or a migration runs there.",
        severity=Severity.WARNING,
        limit=Limit(warning=2.0, warning_clear=1.5, hold=1800, more={"iowait": 0.25, "iowait_clear": 0.15}),
        find=node_load,
        sees=sees_status(_tells_load),
        feeds=(NODE_STATUS,),
    ),
    Rule(
        number=21,
        key="pressure",
        kind=Kind.STATE,
        help="Pressure stall of a node (Proxmox VE 9): shares of the time that tasks waited for disks (io), memory"
        " (mem) or processor (cpu); over at clear_share of that.",
        severity=Severity.WARNING,
        limit=Limit(on=False, hold=600, more={"io": 0.10, "mem": 0.05, "cpu": 0.40, "clear_share": 0.5}),
        find=pressure,
        sees=sees_status(lambda _, status: None not in {status.pressure_io, status.pressure_mem, status.pressure_cpu}),
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
        sees=_sees_clock,
        feeds=(TIME,),
    ),
)
