"""What the nodes told each other last: the figures behind /cluster/resources and /nodes (pmxcfs, status.c).

pvestatd writes them every ten seconds; a node that is off tells nothing more, and its last word is kept for 300 s.
"""

from collections.abc import Iterator

from bot.demo.cluster.things import Guest
from bot.demo.cluster.world import FORGET, World

Row = dict[str, object]


class Broadcast:
    def __init__(self, world: World) -> None:
        self._world = world
        self._guests: dict[int, Row] = {}
        self._nodes: dict[str, Row] = {}
        self._storages: dict[tuple[str, str], Row] = {}
        self._heard: dict[str, float] = {}  # node -> when
        self.count = 0
        world.on_tick = self.tell
        world.on_shift = self._shift

    def tell(self) -> None:
        """Every node that is on tells how it and its guests stand."""
        world, now = self._world, self._world.now
        self.count += 1
        on = {name for name, node in world.nodes.items() if node.online and not node.frozen}
        for name in on:
            node = world.nodes[name]
            self._heard[name] = now
            self._nodes[name] = {
                "cpu": node.cpu(now), "maxcpu": node.cpus, "mem": node.mem(now), "maxmem": node.maxmem,
                "disk": int(node.used * node.maxdisk), "maxdisk": node.maxdisk, "uptime": node.uptime(now),
            }  # fmt: skip
            for storage in world.storages_on(name):
                if storage.active and storage.enabled:
                    used = int(storage.used * storage.total)
                    self._storages[name, storage.name] = {"disk": used, "maxdisk": storage.total}
                else:
                    self._storages.pop((name, storage.name), None)
        modern = world.release.major >= 9
        for guest in world.guests.values():
            if guest.node in on:
                self._guests[guest.vmid] = self._figures(guest, now, modern)

    def _shift(self, seconds: float) -> None:
        self._heard = {name: when - seconds for name, when in self._heard.items()}

    @staticmethod
    def _figures(guest: Guest, now: float, modern: bool) -> Row:
        mem = guest.mem(now)
        row: Row = {
            "name": guest.name, "status": guest.qmp if guest.kind == "qemu" else guest.status,
            "template": int(guest.template), "cpu": guest.cpu(now), "maxcpu": guest.cpus, "mem": mem,
            "maxmem": guest.maxmem, "disk": 0 if guest.kind == "qemu" else int(guest.used * guest.maxdisk),
            "maxdisk": guest.maxdisk, "uptime": guest.uptime(now), **guest.counters(now),
        }  # fmt: skip
        if modern:
            row["memhost"] = int(mem * 1.04) if guest.kind == "qemu" else 0
        return row

    def fresh(self, node: str) -> bool:
        """The node's last word still counts."""
        return self._world.now - self._heard.get(node, 0) < FORGET

    def node_row(self, name: str, *, figures: bool) -> Row:
        node = self._world.nodes[name]
        row: Row = {
            "id": f"node/{name}",
            "type": "node",
            "node": name,
            "status": "offline" if not node.online else "online" if self.fresh(name) else "unknown",
        }
        row["cgroup-mode"] = 2
        if self.fresh(name):
            row["level"] = ""
            told = self._nodes[name]
            if figures:
                row |= told if node.online else {key: told[key] for key in ("maxcpu", "maxmem", "maxdisk")}
        if self._world.release.major >= 9 and any(guest.ha for guest in self._world.guests.values()):
            row["hastate"] = "online" if node.online else "unknown"
        return row

    def guest_row(self, guest: Guest) -> Row:
        row: Row = {"id": guest.id, "type": guest.kind, "vmid": guest.vmid, "node": guest.node}
        if (self._world.nodes[guest.node].online or self.fresh(guest.node)) and guest.vmid in self._guests:
            row |= self._guests[guest.vmid]
        else:
            row["status"] = "unknown"
        if guest.tags:
            row["tags"] = guest.tags
        if guest.lock:
            row["lock"] = guest.lock
        if guest.ha:
            row["hastate"] = guest.hastate
        return row

    def storage_rows(self) -> Iterator[Row]:
        for node in self._world.nodes:
            for storage in self._world.storages_on(node):
                if not storage.enabled:
                    continue
                row: Row = {
                    "id": f"storage/{node}/{storage.name}", "type": "storage", "storage": storage.name, "node": node,
                    "shared": int(storage.shared), "content": storage.content, "plugintype": storage.type,
                }  # fmt: skip
                told = self._storages.get((node, storage.name))
                if told is not None and self.fresh(node):
                    yield row | told | {"status": "available"}
                else:
                    yield row | {"status": "unknown"}
