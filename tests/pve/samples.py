"""Answers as Proxmox VE gives them, written for these tests: a cluster of three nodes, one of them gone."""

from typing import Any

from tests.pve.server import HOSTILE

GIB = 1024**3
NODE = {"type": "node", "status": "online", "cpu": 0.25, "maxcpu": 8, "mem": 20 * GIB, "maxmem": 32 * GIB,
        "disk": 10 * GIB, "maxdisk": 90 * GIB, "uptime": 86_400, "level": "", "cgroup-mode": 2}  # fmt: skip
VM = {"type": "qemu", "node": "pve1", "status": "running", "cpu": 0.09, "maxcpu": 4, "mem": 2 * GIB,
      "maxmem": 4 * GIB, "disk": 0, "maxdisk": 32 * GIB, "netin": 1000, "netout": 2000, "diskread": 1, "diskwrite": 2,
      "uptime": 3600, "template": 0}  # fmt: skip
CT = {**VM, "type": "lxc", "disk": 3 * GIB}
STORAGE = {"type": "storage", "status": "available", "disk": 40 * GIB, "maxdisk": 100 * GIB, "plugintype": "dir",
           "content": "iso,backup,vztmpl", "shared": 0}  # fmt: skip

Rows = list[dict[str, Any]]


def node(name: str, **changes: Any) -> dict[str, Any]:
    return {**NODE, "id": f"node/{name}", "node": name} | changes


def vm(vmid: int, name: str, **changes: Any) -> dict[str, Any]:
    return {**VM, "id": f"qemu/{vmid}", "vmid": vmid, "name": name} | changes


def ct(vmid: int, name: str, **changes: Any) -> dict[str, Any]:
    return {**CT, "id": f"lxc/{vmid}", "vmid": vmid, "name": name} | changes


def storage(where: str, name: str, **changes: Any) -> dict[str, Any]:
    return {**STORAGE, "id": f"storage/{where}/{name}", "node": where, "storage": name} | changes


def resources() -> Rows:
    """pve3 has just gone: its guests are still listed as running."""
    return [
        {"type": "pool", "id": "/pool/prod", "pool": "prod"},
        {"type": "network", "id": "network/pve1/zone/localnetwork", "node": "pve1", "status": "ok"},
        {"type": "sdn", "id": "sdn/pve1/localnetwork", "node": "pve1", "sdn": "localnetwork", "status": "ok"},
        node("pve2"),
        node("pve1", hastate="online"),
        {"type": "node", "id": "node/pve3", "node": "pve3", "status": "offline", "maxcpu": 8, "maxmem": 32 * GIB},
        vm(101, HOSTILE, tags="prod;edge", pool="prod", hastate="started"),
        vm(102, "paused", status="paused"),
        vm(103, "asleep", status="stopped", lock="suspended", uptime=0, cpu=0, mem=0),
        vm(104, "base", status="stopped", template=1, uptime=0, cpu=0, mem=0),
        ct(105, "mail", node="pve2", status="stopped", uptime=0, cpu=0, mem=0),
        vm(106, "far", node="pve3", lock="backup"),
        storage("pve1", "local"),
        storage("pve2", "local", disk=90 * GIB),
        storage("pve3", "local"),
        storage("pve3", "nas", shared=1, plugintype="nfs"),
        storage("pve1", "nas", shared=1, plugintype="nfs", content="images"),
        storage("pve2", "nas", shared=1, plugintype="nfs", status="unknown", disk=None, maxdisk=None),
    ]


def status() -> Rows:
    return [
        {"type": "cluster", "id": "cluster", "name": "homelab", "nodes": 3, "quorate": 1, "version": 7},
        {"type": "node", "id": "node/pve1", "name": "pve1", "nodeid": 1, "online": 1, "local": 1, "ip": "192.0.2.1"},
        {"type": "node", "id": "node/pve2", "name": "pve2", "nodeid": 2, "online": 1, "local": 0, "ip": "192.0.2.2"},
        {"type": "node", "id": "node/pve3", "name": "pve3", "nodeid": 3, "online": 0, "local": 0},
    ]


def upid(
    number: int = 1, *, node: str = "pve1", kind: str = "qmstart", subject: str = "101", user: str = "telemox@pve!power"
) -> str:
    return f"UPID:{node}:0000AAAA:0000BBBB:{0x66000000 + number:08X}:{kind}:{subject}:{user}:"
