"""/cluster/ha/status/…: what the cluster resource manager says of itself (pve-ha-manager, API2/HA/Status.pm)."""

from datetime import UTC, datetime

from bot.demo.cluster.api import Answer, Call, Route
from bot.demo.cluster.broadcast import Row
from bot.demo.cluster.things import Guest, Node
from bot.demo.cluster.world import World


def _managed(world: World) -> list[Guest]:
    return [guest for guest in world.guests.values() if guest.ha]


def _master(call: Call) -> str:
    return next((node.name for node in call.world.nodes.values() if node.online), call.host)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%a %b %e %H:%M:%S %Y")


def node_state(world: World, node: Node) -> str:
    """As the manager has it: online, maintenance, unknown, fence. A node that goes while its own file says maintenance
    stays under it (pve-ha-manager, NodeStatus.pm, update)."""
    if world.fenced.get(node.name, 0) > world.now:
        return "fence"
    if node.maintenance:
        return "maintenance"
    return "online" if node.online else "unknown"


def current(call: Call) -> Answer:
    world, now = call.world, int(call.world.now)
    word = "OK" if world.quorate else f"No quorum on node '{call.host}'!"
    rows: list[Row] = [
        {"id": "quorum", "type": "quorum", "node": call.host, "status": word, "quorate": int(world.quorate)}
    ]
    managed, master = _managed(world), _master(call)
    active = bool(managed) and world.quorate
    if managed:
        words = f"{master} ({'active' if active else 'old timestamp - dead?'}, {_time(now - 4)})"
        rows.append({"id": "master", "type": "master", "node": master, "status": words, "timestamp": now - 4})
    if world.release.since(9, 1):
        armed = "disarmed" if world.disarmed else "armed" if active else "standby"
        watchdog = {"disarmed": "released", "armed": "active", "standby": "standby"}[armed]
        row: Row = {
            "id": "fencing", "type": "fencing", "node": master, "status": f"{armed} (CRM watchdog {watchdog})",
            "armed-state": armed,
        }  # fmt: skip
        if world.disarmed:
            row |= {"status": "disarmed, resource mode: freeze (CRM watchdog released)", "resource_mode": "freeze"}
        rows.append(row)
    if managed:
        rows += [_lrm(node, now) for node in world.nodes.values()]
    rows += [
        {
            "id": f"service:{guest.sid}", "type": "service", "sid": guest.sid, "node": guest.node,
            "status": f"{guest.sid} ({guest.node}, {guest.hastate})", "state": guest.hastate,
            "crm_state": guest.hastate, "request_state": guest.ha, "max_relocate": 1, "max_restart": 1,
        }
        for guest in managed
    ]  # fmt: skip
    return Answer(data=rows)


def _lrm(node: Node, now: int) -> Row:
    seen = now - 6 if node.online else int(node.went_off)
    word = "maintenance mode" if node.maintenance else "active" if node.online else "old timestamp - dead?"
    return {
        "id": f"lrm:{node.name}", "type": "lrm", "node": node.name, "timestamp": seen,
        "status": f"{node.name} ({word}, watchdog {'active' if node.online else 'standby'}, {_time(seen)})",
    }  # fmt: skip


def manager(call: Call) -> Answer:
    """The manager's own file, and each node's; empty where HA is not used."""
    world, now = call.world, int(call.world.now)
    managed = _managed(world)
    status: Row = {}
    data: Row = {"manager_status": status, "quorum": {"node": call.host, "quorate": int(world.quorate)}}
    if not managed:
        return Answer(data=data)
    status |= {
        "master_node": _master(call), "timestamp": now - 4,
        "node_status": {node.name: node_state(world, node) for node in world.nodes.values()},
        "service_status": {
            guest.sid: {"node": guest.node, "state": guest.hastate, "uid": f"{guest.vmid:022d}"}
            for guest in managed
        },
    }  # fmt: skip
    if world.disarmed:
        status["disarm"] = {"mode": "freeze", "state": "disarmed"}
    data["lrm_status"] = {
        node.name: {
            "mode": "maintenance" if node.maintenance else "active", "state": "active", "results": {},
            "timestamp": now - 6 if node.online else int(node.went_off),
        }
        for node in world.nodes.values()
    }  # fmt: skip
    return Answer(data=data)


CHECK = ("/", "Sys.Audit")
ROUTES = (
    Route(method="GET", path="/cluster/ha/status/current", handler=current, check=CHECK),
    Route(method="GET", path="/cluster/ha/status/manager_status", handler=manager, check=CHECK),
)
