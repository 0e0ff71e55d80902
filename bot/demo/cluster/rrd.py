"""…/rrddata: series of figures, 70 rows each up to 8.x, finer from 9 on (pve-cluster, RRD.pm).

The past is a function of the time: the same row whenever it is asked for. Where there is no sample there is no key.
"""

import math

from bot.demo.cluster.api import Answer, Call, Param, Route
from bot.demo.cluster.broadcast import Row
from bot.demo.cluster.errors import died
from bot.demo.cluster.things import Guest, Node, Storage
from bot.demo.cluster.world import World

MINUTE, HOUR, DAY = 60, 3_600, 86_400
OLD = {
    "hour": (70, MINUTE),
    "day": (70, 30 * MINUTE),
    "week": (70, 3 * HOUR),
    "month": (70, 12 * HOUR),
    "year": (70, 7 * DAY),
}
NEW = {
    "hour": (60, MINUTE), "day": (1_440, MINUTE), "week": (336, 30 * MINUTE), "month": (1_440, 30 * MINUTE),
    "year": (1_440, 6 * HOUR), "decade": (570, 7 * DAY),
}  # fmt: skip


def _times(call: Call) -> list[int]:
    rows, step = (NEW if call.world.release.major >= 9 else OLD)[call.text("timeframe")]
    last = int(call.world.now) // step * step
    return [last - step * back for back in range(rows - 1, -1, -1)]


def _wave(time: int, phase: int, by_day: float) -> float:
    """Around 1: busier by day, and restless."""
    day = math.sin((time % DAY) / DAY * 2 * math.pi - math.pi / 2)
    return max(0.05, 1 + by_day * day + 0.15 * math.sin(time / 613 + phase) + 0.1 * math.sin(time / 97 + phase * 3))


def _known(call: Call, time: int, since: float, node: Node) -> bool:
    """There is a sample: not before its beginning, nor after its node's end, nor of the minute that just began."""
    until = node.went_off if not node.online else call.world.now - 10
    return since <= time <= until


def node(call: Call) -> Answer:
    it = call.world.nodes.get(call.node)
    if it is None:
        raise died(f"RRD error: opening '/var/lib/rrdcached/db/pve-node-9.0/{call.node}': No such file or directory")
    rows = []
    for time in _times(call):
        row: Row = {"time": time}
        if _known(call, time, call.world.born - 400 * DAY, it):
            wave = _wave(time, it.nodeid, 0.4)
            cpu, mem = min(1.0, it.load * wave), it.mem(time)
            machine = it.machine
            row |= {
                "cpu": cpu, "maxcpu": it.cpus, "memused": mem, "memtotal": it.maxmem,
                "iowait": max(machine.iowait, 0.004 * wave),
                "loadavg": machine.loadavg or cpu * it.cpus, "netin": 90_000 * wave, "netout": 140_000 * wave,
                "roottotal": it.maxdisk,
                "rootused": it.used * it.maxdisk, "swaptotal": 8 * 1024**3, "swapused": 8 * 1024**3 * machine.swap,
            }  # fmt: skip
            if call.world.release.major >= 9:
                row |= {"memavailable": it.maxmem - mem, "arcsize": 0, "pressurecpusome": machine.pressure or 2 * wave}
                parts = ("pressureiosome", "pressureiofull", "pressurememorysome", "pressurememoryfull")
                row |= dict.fromkeys(parts, machine.pressure)
        rows.append(row)
    return Answer(data=rows)


def guest(call: Call) -> Answer:
    it = call.world.guests.get(call.vmid)
    if it is None:
        raise died(f"RRD error: opening '/var/lib/rrdcached/db/pve-vm-9.0/{call.vmid}': No such file or directory")
    return Answer(data=[_guest_row(call, it, time) for time in _times(call)])


def _guest_row(call: Call, it: Guest, time: int) -> Row:
    row: Row = {"time": time}
    if not _known(call, time, call.world.born - 200 * DAY, call.world.nodes[it.node]):
        return row
    up = (it.running and time >= it.booted) or (not it.running and not it.template and time < call.world.born - 3 * DAY)
    wave = _wave(time, it.vmid, 0.5)
    mem = it.memory * it.maxmem * (1 + 0.05 * math.sin(time / 311 + it.vmid)) if up else 0
    row |= {
        "cpu": min(1.0, it.load * wave) if up else 0, "maxcpu": it.cpus, "mem": mem, "maxmem": it.maxmem,
        "disk": it.used * it.maxdisk if it.kind == "lxc" else 0, "maxdisk": it.maxdisk,
        "netin": it.load * 1_000_000 * wave if up else 0, "netout": it.load * 500_000 * wave if up else 0,
        "diskread": it.load * 250_000 * wave if up else 0, "diskwrite": it.load * 330_000 * wave if up else 0,
    }  # fmt: skip
    if call.world.release.major >= 9:
        if it.kind == "qemu":
            row["memhost"] = mem * 1.04
        for part in ("cpusome", "cpufull", "iosome", "iofull", "memorysome", "memoryfull"):
            row[f"pressure{part}"] = 0
    return row


def storage(call: Call) -> Answer:
    name = call.text("storage")
    it: Storage | None = next((one for one in call.world.storages_on(call.node) if one.name == name), None)
    if it is None:
        raise died(f"storage '{name}' does not exist")
    rows: list[Row] = []
    for time in _times(call):
        row: Row = {"time": time}
        if _known(call, time, call.world.born - 400 * DAY, call.world.nodes[call.node]):
            days = (call.world.now - time) / DAY
            row |= {"total": it.total, "used": it.total * it.used * max(0.2, 1 - days * 0.004)}
        rows.append(row)
    return Answer(data=rows)


def routes(world: World) -> tuple[Route, ...]:
    """The guests' and nodes' are answered by any node: the files are everywhere. A storage's are not."""
    frames = tuple(NEW if world.release.major >= 9 else OLD)
    whole = {"timeframe": Param(required=True, enum=frames), "cf": Param(enum=("AVERAGE", "MAX"))}
    params = {**whole, "timeframe": Param(required=True, enum=tuple(OLD))}
    return (
        Route(
            method="GET", path="/nodes/{node}/rrddata", handler=node, check=("/nodes/{node}", "Sys.Audit"),
            params=whole,
        ),
        *(
            Route(
                method="GET", path=f"/nodes/{{node}}/{kind}/{{vmid}}/rrddata", handler=guest,
                check=("/vms/{vmid}", "VM.Audit"), params=params,
            )
            for kind in ("qemu", "lxc")
        ),
        Route(
            method="GET", path="/nodes/{node}/storage/{storage}/rrddata", handler=storage, proxied=True,
            check=("/storage/{storage}", "Datastore.Audit|Datastore.AllocateSpace"), params=params,
        ),
    )  # fmt: skip
