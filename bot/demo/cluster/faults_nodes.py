"""TABLE: what can go wrong with nodes and the cluster as such."""

from collections.abc import Callable

from bot.demo.cluster.fault import Fault, Stage, hosts, managed, nothing
from bot.demo.cluster.orders import order
from bot.demo.cluster.things import Node

NODES, LOAD = "Nodes and HA", "Load of nodes"
RESET = 20.0  # seconds a node is down when it resets by itself: no other node calls it offline for long
FOREVER = 10 * 365 * 86_400.0


def _node_off(stage: Stage, on: bool, target: str) -> None:
    node = stage.world.nodes[target]
    if on:
        stage.world.power_off(node)
    else:
        stage.world.power_on(node)


def _shut_down(stage: Stage, on: bool, target: str) -> None:
    node = stage.world.nodes[target]
    if on:
        order(stage.power, node, "shutdown")
    else:
        stage.world.power_on(node)


def _reboot(stage: Stage, on: bool, target: str) -> None:
    if on:
        order(stage.power, stage.world.nodes[target], "reboot")


def _reset(stage: Stage, on: bool, target: str) -> None:
    node = stage.world.nodes[target]
    if on:
        stage.world.power_off(node)
        stage.world.clock.later(RESET, lambda: stage.world.power_on(node))


def _fenced(stage: Stage, on: bool, target: str) -> None:
    node = stage.world.nodes[target]
    if on and node.online:
        stage.world.power_off(node)
        stage.world.fenced[target] = stage.world.now + FOREVER
        stage.world.on_fence(node, False)
    elif not on:
        stage.world.power_on(node)


def _disarmed(stage: Stage, on: bool, target: str) -> None:
    stage.world.disarmed = on


def _maintenance(stage: Stage, on: bool, target: str) -> None:
    stage.world.nodes[target].maintenance = on


def _ha_error(stage: Stage, on: bool, target: str) -> None:
    stage.put(f"ha_error {target}", on, stage.world.guests[int(target)], "hastate", "error")


def _quorum(stage: Stage, on: bool, target: str) -> None:
    stage.world.quorum_lost = on


def _frozen(stage: Stage, on: bool, target: str) -> None:
    stage.world.nodes[target].frozen = stage.world.now if on else 0


def _on_node(key: str, name: str, value: float) -> Callable[[Stage, bool, str], None]:
    def turn(stage: Stage, on: bool, target: str) -> None:
        stage.put(f"{key} {target}", on, stage.world.nodes[target], name, value)

    return turn


def _on_machine(key: str, **values: float) -> Callable[[Stage, bool, str], None]:
    def turn(stage: Stage, on: bool, target: str) -> None:
        node: Node = stage.world.nodes[target]
        for name, value in values.items():
            stage.put(f"{key} {target}", on, node.machine, name, value)

    return turn


def _load(stage: Stage, on: bool, target: str) -> None:
    node = stage.world.nodes[target]
    stage.put(f"node_load {target}", on, node.machine, "loadavg", node.cpus * 3.2)
    stage.put(f"node_load {target}", on, node.machine, "iowait", 0.41)


FAULTS: tuple[Fault, ...] = (
    Fault(
        key="node_off", group=NODES, label="Node off", help="the node loses its power", targets=hosts, turn=_node_off,
        one=True, rule="3 node_offline",
    ),
    Fault(
        key="node_down", group=NODES, label="Node shut down in order", help="stopall first, then its power goes",
        targets=hosts, turn=_shut_down, one=True, rule="3 node_offline",
    ),
    Fault(
        key="node_reboot", group=NODES, label="Node rebooted in order", help="stopall, reboot, startall", targets=hosts,
        turn=_reboot, one=True, once=True, rule="4 node_reset",
    ),
    Fault(
        key="node_reset", group=NODES, label="Node resets by itself", help=f"off for {RESET:.0f} s, nobody ordered it",
        targets=hosts, turn=_reset, one=True, once=True, rule="4 node_reset",
    ),
    Fault(
        key="quorum_lost", group=NODES, label="Quorum lost", help="the cluster can change nothing", targets=nothing,
        turn=_quorum, rule="2 quorum_lost",
    ),
    Fault(
        key="node_fenced", group=NODES, label="Node fenced", help="HA gives the node up and takes its guests",
        targets=hosts, turn=_fenced, one=True, rule="5 node_fenced",
    ),
    Fault(
        key="ha_disarmed", group=NODES, label="HA disarmed", help="all watchdogs are released", targets=nothing,
        turn=_disarmed, rule="5 node_fenced",
    ),
    Fault(
        key="ha_maintenance", group=NODES, label="HA maintenance", help="the node is to be left alone", targets=hosts,
        turn=_maintenance, one=True, rule="3 node_offline",
    ),
    Fault(
        key="ha_error", group=NODES, label="HA error", help="HA gives a guest up", targets=managed, turn=_ha_error,
        one=True, rule="6 ha_error",
    ),
    Fault(
        key="stats_frozen", group=NODES, label="pvestatd hangs", help="online, but its figures stand still",
        targets=hosts, turn=_frozen, one=True, rule="38 stats_frozen",
    ),
    Fault(
        key="node_cpu", group=LOAD, label="CPU high", help="97 % of all CPUs", targets=hosts,
        turn=_on_node("node_cpu", "load", 0.97), one=True, rule="16 node_cpu",
    ),
    Fault(
        key="node_mem", group=LOAD, label="Memory high", help="98 % used, none of it cache", targets=hosts,
        turn=_on_machine("node_mem", memory=0.98), one=True, rule="17 node_mem",
    ),
    Fault(
        key="node_swap", group=LOAD, label="Swap high", help="91 % used", targets=hosts,
        turn=_on_machine("node_swap", swap=0.91), one=True, rule="18 node_swap",
    ),
    Fault(
        key="node_load", group=LOAD, label="Load high", help="three times its CPUs, and 41 % wait for disks",
        targets=hosts, turn=_load, one=True, rule="19 node_load",
    ),
    Fault(
        key="node_rootfs", group=LOAD, label="Root disk full", help="97 % of the system's own disk", targets=hosts,
        turn=_on_node("node_rootfs", "used", 0.97), one=True, rule="20 node_rootfs",
    ),
    Fault(
        key="pressure", group=LOAD, label="Pressure high", help="something waits 63 % of the time (9 and later)",
        targets=hosts, turn=_on_machine("pressure", pressure=63.0), one=True, rule="21 pressure",
    ),
)  # fmt: skip
