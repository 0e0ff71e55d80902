"""/nodes/{node}/qemu|lxc/…: guests, their agents, and what is done to them (qemu-server, pve-container: API2)."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial

from bot.demo.cluster.api import Answer, Call, Param, Route
from bot.demo.cluster.broadcast import Row
from bot.demo.cluster.errors import died
from bot.demo.cluster.power import Power
from bot.demo.cluster.things import MIB, Guest, Kind


def _live(call: Call, guest: Guest) -> Row:
    """What the lists and status/current share, as it is at this very moment."""
    now, release = call.world.now, call.world.release
    mem = guest.mem(now)
    row: Row = {
        "vmid": guest.vmid, "name": guest.name, "status": guest.status, "cpus": guest.cpus, "cpu": guest.cpu(now),
        "mem": mem, "maxmem": guest.maxmem, "maxdisk": guest.maxdisk, "uptime": guest.uptime(now),
        "disk": 0 if guest.kind == "qemu" else int(guest.used * guest.maxdisk), **guest.counters(now),
    }  # fmt: skip
    if guest.running:
        row["pid"] = guest.pid
    elif guest.kind == "qemu":  # its block statistics come from QEMU itself
        del row["diskread"], row["diskwrite"]
    if guest.kind == "lxc":
        row |= {"type": "lxc", "swap": 0, "maxswap": 512 * MIB}
    elif release.major >= 9:
        row["memhost"] = int(mem * 1.04)
    if guest.running and release.major >= 9:
        for part in ("cpusome", "cpufull", "iosome", "iofull", "memorysome", "memoryfull"):
            row[f"pressure{part}"] = 0 if guest.kind == "qemu" else "0.00"
    if guest.lock:
        row["lock"] = guest.lock
    if guest.tags:
        row["tags"] = guest.tags
    if guest.template:
        row["template"] = 1
    return row


def listed(kind: Kind, call: Call) -> Answer:
    rows = []
    for guest in call.world.guests.values():
        if guest.node == call.node and guest.kind == kind and call.may("VM.Audit", f"/vms/{guest.vmid}"):
            row = _live(call, guest)
            if kind == "qemu" and call.flag("full"):
                row["qmpstatus"] = guest.qmp
            rows.append(row)
    return Answer(data=rows)


def current(kind: Kind, call: Call) -> Answer:
    guest = call.world.guest_on(call.node, kind, call.vmid)
    row = _live(call, guest)
    row["ha"] = {"managed": 1, "state": guest.hastate} if guest.ha else {"managed": 0}
    if kind == "qemu":
        row["qmpstatus"] = guest.qmp
        if guest.agent:
            row["agent"] = 1
        if guest.running:
            row |= {"running-machine": "pc-i440fx-10.1+pve0", "running-qemu": "10.1.2", "balloon": guest.maxmem}
    return Answer(data=row)


def _digest(guest: Guest) -> str:
    return hashlib.sha1(f"{guest.vmid}{guest.name}{guest.tags}".encode(), usedforsecurity=False).hexdigest()


def config(kind: Kind, call: Call) -> Answer:
    guest = call.world.guest_on(call.node, kind, call.vmid)
    mac = f"BC:24:11:{guest.vmid >> 16 & 255:02X}:{guest.vmid >> 8 & 255:02X}:{guest.vmid & 255:02X}"
    data: Row = {"digest": _digest(guest), "onboot": int(guest.onboot)}
    if kind == "qemu":
        data |= {
            "name": guest.name, "memory": str(guest.maxmem // MIB), "cores": guest.cpus, "sockets": 1, "ostype": "l26",
            "boot": "order=scsi0;net0", "scsihw": "virtio-scsi-single",
            "scsi0": f"{guest.storage}:vm-{guest.vmid}-disk-0,iothread=1,size={guest.maxdisk // 1024**3}G",
            "net0": f"virtio={mac},bridge=vmbr0,firewall=1",
        }  # fmt: skip
        if guest.agent:
            data["agent"] = "1"
    else:
        data |= {
            "hostname": guest.name, "memory": guest.maxmem // MIB, "cores": guest.cpus, "swap": 512, "ostype": "debian",
            "arch": "amd64", "unprivileged": 1,
            "rootfs": f"{guest.storage}:vm-{guest.vmid}-disk-0,size={guest.maxdisk // 1024**3}G",
            "net0": f"name=eth0,bridge=vmbr0,hwaddr={mac},ip=dhcp,type=veth",
        }  # fmt: skip
    for key, value in (("tags", guest.tags), ("lock", guest.lock), ("description", guest.description)):
        if value:
            data[key] = value
    if guest.template:
        data["template"] = 1
    if guest.snapshots:
        data["parent"] = guest.snapshots[-1].name
    return Answer(data=data)


def snapshots(kind: Kind, call: Call) -> Answer:
    """Always ends with `current`: how the guest is now."""
    guest = call.world.guest_on(call.node, kind, call.vmid)
    rows: list[Row] = []
    for snapshot in guest.snapshots:
        row: Row = {"name": snapshot.name, "description": snapshot.description, "snaptime": int(snapshot.taken)}
        if kind == "qemu":
            row["vmstate"] = int(snapshot.vmstate)
        if snapshot.parent:
            row["parent"] = snapshot.parent
        rows.append(row)
    here: Row = {
        "name": "current", "description": "You are here!", "running": int(guest.running), "digest": _digest(guest),
    }  # fmt: skip
    if guest.snapshots:
        here["parent"] = guest.snapshots[-1].name
    return Answer(data=[*rows, here])


# -- what the guest itself tells ---------------------------------------------------------------------------------------


def _mac(guest: Guest) -> str:
    return f"bc:24:11:{guest.vmid >> 16 & 255:02x}:{guest.vmid >> 8 & 255:02x}:{guest.vmid & 255:02x}"


def _address(text: str) -> Row:
    ip, _, prefix = text.partition("/")
    return {"ip-address": ip, "ip-address-type": "ipv6" if ":" in ip else "ipv4", "prefix": int(prefix or 24)}


def interfaces(call: Call) -> Answer:
    """A container's addresses: no agent needed. null for one that does not run here, or is none at all."""
    guest = call.world.guests.get(call.vmid)
    if guest is None or not guest.running or guest.kind != "lxc" or guest.node != call.node:
        return Answer()
    rows: list[Row] = []
    for name, mac, addresses in (
        ("lo", "00:00:00:00:00:00", ("127.0.0.1/8", "::1/128")), ("eth0", _mac(guest), guest.addresses),
    ):  # fmt: skip
        row: Row = {"name": name, "hwaddr": mac}
        for address in addresses:
            row["inet6" if ":" in address else "inet"] = address  # the last one stays
        if call.world.release.major >= 9:
            kinds = ({**_address(a), "ip-address-type": "inet6" if ":" in a else "inet"} for a in addresses)
            row |= {"hardware-address": mac, "ip-addresses": list(kinds)}
        rows.append(row)
    return Answer(data=rows)


def _network(guest: Guest) -> object:
    lo: Row = {
        "name": "lo",
        "hardware-address": "00:00:00:00:00:00",
        "ip-addresses": [_address("127.0.0.1/8"), _address("::1/128")],
    }
    eth: Row = {
        "name": "ens18",
        "hardware-address": _mac(guest),
        "ip-addresses": [_address(a) for a in guest.addresses],
    }
    return [lo, eth]


def _filesystems(guest: Guest) -> object:
    total = guest.maxdisk * 95 // 100
    return [
        {
            "name": "sda1", "mountpoint": "/", "type": "ext4", "total-bytes": total,
            "used-bytes": int(total * guest.used), "disk": [],
        }
    ]  # fmt: skip


def _osinfo(guest: Guest) -> object:
    name, _, rest = guest.os.partition(" GNU/Linux ")
    return {
        "id": name.split()[0].lower(), "name": name, "pretty-name": guest.os, "version": rest, "machine": "x86_64",
        "version-id": rest.split()[0] if rest else "", "kernel-release": "6.12.57+deb13-amd64",
    }  # fmt: skip


AGENT: dict[str, Callable[[Guest], object]] = {
    "network-get-interfaces": _network,
    "get-fsinfo": _filesystems,
    "get-osinfo": _osinfo,
    "get-host-name": lambda guest: {"host-name": guest.name},
    "ping": lambda guest: {},
}


def agent(command: str, call: Call) -> Answer:
    """GET (ping: POST) …/agent/{command}; every trouble is a 500."""
    guest = call.world.guest_on(call.node, "qemu", call.vmid)
    if not guest.agent:
        raise died("No QEMU guest agent configured")
    if not guest.running:
        raise died(f"VM {guest.vmid} is not running")
    if not guest.agent_alive or guest.paused:
        raise died("QEMU guest agent is not running")
    return Answer(data={"result": AGENT[command](guest)})


# -- what is done to a guest -------------------------------------------------------------------------------------------

_TIMEOUT, _FLAG = Param(type="integer", minimum=0), Param(type="boolean")
_ROOT_FLAG, _ROOT = Param(type="boolean", root=True), Param(root=True)
_OVERRULE = Param(type="boolean", since=(8, 2))
ACTIONS: dict[Kind, dict[str, dict[str, Param]]] = {
    "qemu": {
        "start": {
            "skiplock": _ROOT_FLAG, "stateuri": _ROOT, "migratedfrom": _ROOT, "migration_network": _ROOT,
            "migration_type": Param(enum=("secure", "insecure"), root=True), "machine": Param(), "force-cpu": _ROOT,
            "targetstorage": _ROOT, "timeout": _TIMEOUT, "nets-host-mtu": Param(root=True, since=(8, 4)),
            "with-conntrack-state": Param(type="boolean", root=True, since=(9, 1)),
        },
        "stop": {
            "skiplock": _ROOT_FLAG, "keepActive": _ROOT_FLAG, "migratedfrom": _ROOT, "timeout": _TIMEOUT,
            "overrule-shutdown": _OVERRULE,
        },
        "shutdown": {"skiplock": _ROOT_FLAG, "keepActive": _ROOT_FLAG, "forceStop": _FLAG, "timeout": _TIMEOUT},
        "reboot": {"timeout": _TIMEOUT},
        "reset": {"skiplock": _ROOT_FLAG},
        "suspend": {"skiplock": _ROOT_FLAG, "todisk": _FLAG, "statestorage": Param()},
        "resume": {"skiplock": _ROOT_FLAG, "nocheck": _FLAG},
    },
    "lxc": {
        "start": {"skiplock": _ROOT_FLAG, "debug": _FLAG},
        "stop": {"skiplock": _ROOT_FLAG, "overrule-shutdown": _OVERRULE},
        "shutdown": {"forceStop": _FLAG, "timeout": _TIMEOUT},
        "reboot": {"timeout": _TIMEOUT},
        "suspend": {},
        "resume": {},
    },
}  # fmt: skip


def routes(power: Power) -> tuple[Route, ...]:
    return tuple(_routes(power))


def _routes(power: Power) -> Iterator[Route]:
    def act(kind: Kind, action: str, call: Call) -> Answer:
        return Answer(data=power.post(call, kind, action))

    kinds: tuple[Kind, ...] = ("qemu", "lxc")
    for kind in kinds:
        base = f"/nodes/{{node}}/{kind}"
        guest, audit = f"{base}/{{vmid}}", ("/vms/{vmid}", "VM.Audit")
        yield Route(
            method="GET", path=base, handler=partial(listed, kind), proxied=True,
            params={"full": _FLAG} if kind == "qemu" else {},
        )  # fmt: skip
        yield Route(
            method="GET", path=f"{guest}/status/current", handler=partial(current, kind), proxied=True, check=audit
        )
        yield Route(
            method="GET", path=f"{guest}/config", handler=partial(config, kind), proxied=True, check=audit,
            params={"current": _FLAG, "snapshot": Param()},
        )  # fmt: skip
        yield Route(method="GET", path=f"{guest}/snapshot", handler=partial(snapshots, kind), proxied=True, check=audit)
        for action, params in ACTIONS[kind].items():
            yield Route(
                method="POST", path=f"{guest}/status/{action}", handler=partial(act, kind, action), proxied=True,
                check=("/vms/{vmid}", "VM.PowerMgmt"), params=params,
            )  # fmt: skip
    yield Route(
        method="GET", path="/nodes/{node}/lxc/{vmid}/interfaces", handler=interfaces, proxied=True,
        check=("/vms/{vmid}", "VM.Audit"), since=(8, 1),
    )  # fmt: skip
    for command in AGENT:
        yield Route(
            method="POST" if command == "ping" else "GET", path=f"/nodes/{{node}}/qemu/{{vmid}}/agent/{command}",
            handler=partial(agent, command), proxied=True, check=("/vms/{vmid}", "agent"),
        )  # fmt: skip
