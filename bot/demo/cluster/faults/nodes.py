"""TABLE: what can go wrong with nodes and the cluster as such."""

from collections.abc import Callable

from bot.demo.cluster.faults.fault import Case, Fault, hosts, managed, nothing
from bot.demo.cluster.orders import Command, Order
from bot.demo.cluster.world import FENCE

NODES, LOAD = "Nodes and HA", "Load of nodes"
RESET = 3.0  # seconds a node is down when it resets by itself: shorter than what is called offline, in a demo
FOREVER = 10 * 365 * 86_400.0


def _node_off(case: Case) -> None:
    case.world.power_off(case.node, by=case.key)
    case.afterwards(lambda: case.world.power_on(case.node, by=case.key))


def _shut_down(case: Case) -> None:
    """Switched off before the node is, it is called off: what has stopped is started again."""
    order = _going_down(case) if case.node.online else None
    case.node.off_by.add(case.key)

    def up() -> None:
        if order is not None:
            order.call_off()
        case.world.power_on(case.node, by=case.key)

    case.afterwards(up)


def _going_down(case: Case, command: Command = "shutdown") -> Order:
    case.need_power(case.target)
    if case.node.going_down:
        raise ValueError(f"{case.target} is going down already")
    return Order(case.stage.power, case.node, command)


def _reboot(case: Case) -> None:
    _going_down(case, "reboot")


def _reset(case: Case) -> None:
    case.need_power(case.target)
    case.world.power_off(case.node, by=case.key)
    case.world.clock.later(RESET, lambda: case.world.power_on(case.node, by=case.key))


def _fenced(case: Case) -> None:
    """It is lost, and HA gives it up once it has been gone for a minute, whether it has guests of HA or not."""
    world, node = case.world, case.node
    world.power_off(node, by=case.key)
    outage, managed = node.outages, any(guest.node == node.name and guest.ha for guest in world.guests.values())

    def fence() -> None:
        if not node.online and node.outages == outage:
            world.fenced[case.target] = world.now + FOREVER
            if not managed:  # else HA tells of it as of any other
                world.on_fence(node, False)

    world.clock.later(FENCE / 2, fence)

    def up() -> None:
        world.fenced.pop(case.target, None)
        world.power_on(node, by=case.key)

    case.afterwards(up)


def _disarmed(case: Case) -> None:
    case.put(case.world, "disarmed", True)


def _maintenance(case: Case) -> None:
    """HA moves its guests away, and back when it is over; none of them is left to be fenced with the node."""
    case.put(case.node, "maintenance", True)
    others = [one for one in case.world.nodes.values() if one.online and one is not case.node]
    if case.node.online and others:
        to = min(others, key=lambda one: one.load).name
        for guest in [one for one in case.world.guests.values() if one.node == case.target and one.ha]:
            case.put(guest, "node", to, yields=True)


def _ha_error(case: Case) -> None:
    case.put(case.guest, "hastate", "error", yields=True)


def _quorum(case: Case) -> None:
    case.put(case.world, "quorum_lost", True)


def _frozen(case: Case) -> None:
    case.put(case.node, "frozen", case.world.now)


def _on_node(name: str, value: float) -> Callable[[Case], None]:
    return lambda case: case.put(case.node, name, value)


def _on_machine(**values: float) -> Callable[[Case], None]:
    def begin(case: Case) -> None:
        for name, value in values.items():
            case.put(case.node.machine, name, value)

    return begin


def _load(case: Case) -> None:
    case.put(case.node.machine, "loadavg", case.node.cpus * 3.2)
    case.put(case.node.machine, "iowait", 0.41)


FAULTS: tuple[Fault, ...] = (
    Fault(
        key="node_off", group=NODES, label="Node off", help="the node loses its power", targets=hosts, begin=_node_off,
        one=True, rule="3 node_offline",
    ),
    Fault(
        key="node_down", group=NODES, label="Node shut down in order", help="stopall first, then its power goes",
        targets=hosts, begin=_shut_down, one=True, rule="3 node_offline",
    ),
    Fault(
        key="node_reboot", group=NODES, label="Node rebooted in order", help="stopall, reboot, startall", targets=hosts,
        begin=_reboot, one=True, once=True, rule="4 node_reset",
    ),
    Fault(
        key="node_reset", group=NODES, label="Node resets by itself", help=f"off for {RESET:.0f} s, nobody ordered it",
        targets=hosts, begin=_reset, one=True, once=True, rule="4 node_reset",
    ),
    Fault(
        key="quorum_lost", group=NODES, label="Quorum lost", help="the cluster can change nothing", targets=nothing,
        begin=_quorum, rule="2 quorum_lost",
    ),
    Fault(
        key="node_fenced", group=NODES, label="Node fenced", help="HA gives the node up and takes its guests",
        targets=hosts, begin=_fenced, one=True, rule="5 node_fenced",
    ),
    Fault(
        key="ha_disarmed", group=NODES, label="HA disarmed", help="all watchdogs are released", targets=nothing,
        begin=_disarmed, rule="5 node_fenced",
    ),
    Fault(
        key="ha_maintenance", group=NODES, label="HA maintenance",
        help="the node is left alone: switched off then, it is silent", targets=hosts,
        begin=_maintenance, one=True, rule="3 node_offline",
    ),
    Fault(
        key="ha_error", group=NODES, label="HA error", help="HA gives a guest up", targets=managed, begin=_ha_error,
        one=True, rule="6 ha_error",
    ),
    Fault(
        key="stats_frozen", group=NODES, label="pvestatd hangs", help="online, but its figures stand still",
        targets=hosts, begin=_frozen, one=True, rule="38 stats_frozen",
    ),
    Fault(
        key="node_cpu", group=LOAD, label="CPU high", help="97 % of all CPUs", targets=hosts,
        begin=_on_node("load", 0.97), one=True, rule="16 node_cpu",
    ),
    Fault(
        key="node_mem", group=LOAD, label="Memory high", help="98 % used, none of it cache", targets=hosts,
        begin=_on_machine(memory=0.98), one=True, rule="17 node_mem",
    ),
    Fault(
        key="node_swap", group=LOAD, label="Swap high", help="91 % used", targets=hosts,
        begin=_on_machine(swap=0.91), one=True, rule="18 node_swap",
    ),
    Fault(
        key="node_load", group=LOAD, label="Load high", help="three times its CPUs, and 41 % wait for disks",
        targets=hosts, begin=_load, one=True, rule="19 node_load",
    ),
    Fault(
        key="node_rootfs", group=LOAD, label="Root disk full", help="97 % of the system's own disk", targets=hosts,
        begin=_on_node("used", 0.97), one=True, rule="20 node_rootfs",
    ),
    Fault(
        key="pressure", group=LOAD, label="Pressure high", help="something waits 63 % of the time (9 and later)",
        targets=hosts, begin=_on_machine(pressure=63.0), one=True, rule="21 pressure",
    ),
)  # fmt: skip
