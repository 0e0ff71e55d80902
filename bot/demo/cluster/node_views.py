"""/nodes/{node}: the node itself, how it stands, and its power (pve-manager, API2/Nodes.pm)."""

from functools import partial

from bot.demo.cluster.api import Answer, Call, Param, Route
from bot.demo.cluster.broadcast import Row
from bot.demo.cluster.cluster_views import version
from bot.demo.cluster.orders import Order
from bot.demo.cluster.power import Power

INDEX = (
    "aplinfo", "apt", "ceph", "certificates", "config", "disks", "dns", "firewall", "hosts", "lxc", "network", "qemu",
    "replication", "rrddata", "scan", "services", "status", "storage", "subscription", "tasks", "time", "version",
    "vzdump",
)  # fmt: skip


def index(call: Call) -> Answer:
    return Answer(data=[{"name": name} for name in INDEX])


def status(call: Call) -> Answer:
    world, now = call.world, call.world.now
    node, release = world.nodes[call.node], world.release
    used, mem = int(node.used * node.maxdisk), node.mem(now)
    machine = node.machine
    load = machine.loadavg or node.cpu(now) * node.cpus
    swap = 8 * 1024**3
    memory: Row = {"total": node.maxmem, "used": mem, "free": node.maxmem - mem}
    data: Row = {
        "uptime": node.uptime(now),
        "cpu": node.cpu(now),
        "wait": machine.iowait,
        "idle": 0,
        "loadavg": [f"{load:.2f}", f"{load * 0.94:.2f}", f"{load * 0.9:.2f}"],
        "kversion": f"Linux {machine.kernel} #1 SMP PREEMPT_DYNAMIC",
        "pveversion": f"pve-manager/{release.text}/7e1a53c0b2d94f68",
        "cpuinfo": {
            "cpus": node.cpus, "cores": node.cpus // 2, "sockets": 1, "model": node.model, "mhz": "3200.000",
            "hvm": "1", "user_hz": 100, "flags": "fpu vme de pse",
        },
        "memory": memory,
        "swap": {"total": swap, "used": int(swap * machine.swap), "free": swap - int(swap * machine.swap)},
        "rootfs": {"total": node.maxdisk, "used": used, "avail": node.maxdisk - used, "free": node.maxdisk - used},
        "ksm": {"shared": 0},
    }  # fmt: skip
    if release.major >= 8:
        data["boot-info"] = {"mode": "efi", "secureboot": 0}
        data["current-kernel"] = {
            "sysname": "Linux", "release": machine.kernel, "version": "#1 SMP PREEMPT_DYNAMIC", "machine": "x86_64",
        }  # fmt: skip
    if release.major >= 9:
        memory["available"] = node.maxmem - mem + (node.maxmem // 20 if mem < 0.9 * node.maxmem else 0)
    return Answer(data=data)


# -- its power ---------------------------------------------------------------------------------------------------------


def command(power: Power, call: Call) -> Answer:
    """POST /nodes/{node}/status: answered at once, acts 2 s later, and leaves no task of its own."""
    node = call.world.nodes[call.node]
    if not node.going_down:
        Order(power, node, "reboot" if call.text("command") == "reboot" else "shutdown")
    return Answer()


def routes(power: Power) -> tuple[Route, ...]:
    return (
        Route(method="GET", path="/nodes/{node}", handler=index),
        Route(method="GET", path="/nodes/{node}/version", handler=version, proxied=True),
        Route(
            method="GET", path="/nodes/{node}/status", handler=status, proxied=True,
            check=("/nodes/{node}", "Sys.Audit"),
        ),
        Route(
            method="POST", path="/nodes/{node}/status", handler=partial(command, power), proxied=True,
            check=("/nodes/{node}", "Sys.PowerMgmt"),
            params={"command": Param(required=True, enum=("reboot", "shutdown"))},
        ),
    )  # fmt: skip
