"""The simulated cluster's state, and how it moves on: guests boot and stop, nodes go off, HA acts, views lag behind."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bot.demo.cluster.access import Access
from bot.demo.cluster.clock import Clock
from bot.demo.cluster.errors import died
from bot.demo.cluster.release import Release
from bot.demo.cluster.tasks import Task, Tasks, Work
from bot.demo.cluster.things import Guest, Node, Storage

TICK = 10  # seconds between two broadcasts of pvestatd; /cluster/resources shows the last one
FORGET = 300  # seconds until the last broadcast of a dead node is dropped (pmxcfs, status.c)
FENCE = 120  # seconds from a node's end to its HA guests starting elsewhere


Saved = tuple[Guest, str, float, int]  # a guest in a backup, what went wrong, seconds, bytes


@dataclass(slots=True)
class BackupJob:
    """A row of /etc/pve/jobs.cfg. `vmids` empty: all guests but the excluded."""

    id: str
    storage: str
    schedule: str = "02:00"
    vmids: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    mode: str = "snapshot"
    enabled: bool = True
    comment: str = ""


class World:
    def __init__(
        self, release: Release, *, epoch: float, speed: float, monotonic: Callable[[], float] = time.monotonic
    ):
        self.release = release
        self.clock = Clock(epoch=epoch, speed=speed, monotonic=monotonic)
        self.born = epoch
        self.name = "homelab"
        self.nodes: dict[str, Node] = {}
        self.guests: dict[int, Guest] = {}
        self.storages: list[Storage] = []
        self.pools: dict[str, str] = {}  # name -> comment
        self.fingerprints: dict[str, str] = {}  # node -> SHA-256, colon hex
        self.quorum_lost = False
        self.tasks = Tasks(self.clock, boot=lambda node: self.nodes[node].booted)
        self.access = Access(release, self._pool_members)
        self._pids = itertools.count(1200)
        self.ceph = ""  # HEALTH_OK, HEALTH_WARN, HEALTH_ERR; '' = not installed
        self.disarmed = False  # HA
        self.fenced: dict[str, float] = {}  # node -> until when the manager calls it fenced
        self.jobs: list[BackupJob] = []
        # What others want to know
        self.on_shift: Callable[[float], None] = lambda seconds: None
        self.on_tick: Callable[[], None] = lambda: None
        self.on_start: Callable[[Guest], object] = self.boot  # with a task of root's, once there is somebody to do it
        self.on_power: Callable[[Node], None] = lambda node: None  # it went on or off
        self.on_fence: Callable[[Node, bool], None] = lambda node, over: None
        self.on_backup: Callable[[str, str, str, list[Saved], list[str]], None] = lambda *told: None
        self._ticked = 0.0

    def _pool_members(self) -> dict[str, list[str]]:
        members: dict[str, list[str]] = {pool: [] for pool in self.pools}
        for guest in self.guests.values():
            if guest.pool in members:
                members[guest.pool].append(f"/vms/{guest.vmid}")
        return members

    # -- time ----------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """The moment being simulated."""
        return self.clock.at

    def catch_up(self) -> None:
        """Lets happen what is due. Broadcasts fall on every tenth second; only the last of several counts."""
        until = self.clock.now()
        tick = until - (until - self.born) % TICK
        if tick > self._ticked or not self._ticked:
            self.clock.run(tick)
            self._ticked = tick
            self.on_tick()
        self.clock.run(until)

    def shifted(self, seconds: float) -> None:
        """The clock was set back by so much, after that much had happened."""
        self._ticked -= seconds
        self.on_shift(seconds)

    # -- looking -------------------------------------------------------------------------------------------------

    @property
    def quorate(self) -> bool:
        online = sum(node.online for node in self.nodes.values())
        return not self.quorum_lost and online * 2 > len(self.nodes)

    def need_quorum(self) -> None:
        if not self.quorate:
            raise died("cluster not ready - no quorum?")

    def guest_on(self, node: str, kind: str, vmid: int) -> Guest:
        """Raises what a load of the configuration dies of when the guest is elsewhere, or nowhere."""
        guest = self.guests.get(vmid)
        if guest is None or guest.node != node or guest.kind != kind:
            folder = "qemu-server" if kind == "qemu" else "lxc"
            raise died(f"Configuration file 'nodes/{node}/{folder}/{vmid}.conf' does not exist")
        return guest

    def storages_on(self, node: str) -> list[Storage]:
        return [storage for storage in self.storages if storage.node in {"", node}]

    # -- what happens to guests ----------------------------------------------------------------------------------

    def boot(self, guest: Guest) -> None:
        guest.running, guest.paused, guest.qmpstatus = True, False, ""
        guest.booted, guest.pid = self.now, next(self._pids)

    def halt(self, guest: Guest) -> None:
        guest.running, guest.paused, guest.qmpstatus = False, False, ""
        guest.booted, guest.pid = 0, 0

    def crash(self, guest: Guest) -> None:
        """It stops by itself; nobody ordered it. HA would start it again."""
        if not guest.running:
            return
        self.halt(guest)
        if guest.ha == "started":
            self.clock.later(TICK, lambda: self._recover(guest))

    def _recover(self, guest: Guest) -> None:
        """HA looks again and again: what a backup has is started once that is over."""
        if guest.ha == "started" and self.nodes[guest.node].online and guest.lock == "backup":
            self.clock.later(TICK, partial(self._recover, guest))
        elif guest.ha == "started" and not guest.running and self.nodes[guest.node].online:
            self.on_start(guest)
            guest.hastate = "started"

    # -- what happens to nodes -----------------------------------------------------------------------------------

    def power_off(self, node: Node, *, by: str = "", orderly: bool = False) -> None:
        """The node is gone at once: no task ends, no guest shuts down, nobody is told but the other nodes.

        `by`: who holds it off until the same let it on. `orderly`: what was to be done before was done; HA knows, and
        neither fences nor recovers.
        """
        if by:
            node.off_by.add(by)
        if not node.online:
            return
        node.online, node.went_off, node.going_down = False, self.now, False
        node.outages += 1
        self.tasks.lose(node.name)
        self.on_power(node)
        if not orderly:
            outage = node.outages
            self.clock.later(FENCE / 2, lambda: self._fence(node, outage, over=False))
            self.clock.later(FENCE, lambda: self._fence(node, outage, over=True))

    def _fence(self, node: Node, outage: int, *, over: bool) -> None:
        """HA starts its guests elsewhere, if the rest has quorum and the node did not come back."""
        if node.online or node.outages != outage or not self.quorate:
            return
        elsewhere = [other for other in self.nodes.values() if other.online]
        managed = [guest for guest in self.guests.values() if guest.node == node.name and guest.ha == "started"]
        if managed:
            self.fenced[node.name] = max(self.fenced.get(node.name, 0.0), self.now + FENCE)
            self.on_fence(node, over)
        for guest in managed:
            guest.hastate = "fence"
            if not over:
                continue
            guest.node = min(elsewhere, key=lambda other: other.load).name
            self.halt(guest)
            guest.hastate = "started"
            self.on_start(guest)
        self.access.changed()

    def power_on(self, node: Node, *, by: str = "") -> None:
        """It boots, unless somebody else holds it off: its guests are stopped, until a task of root's starts those that
        start at boot, and HA its own."""
        node.off_by.discard(by)
        if node.online or node.off_by:
            return
        node.online, node.went_off, node.booted = True, 0, self.now
        self.tasks.find(node.name)
        self.fenced.pop(node.name, None)
        here = [guest for guest in self.guests.values() if guest.node == node.name]
        for guest in here:
            self.halt(guest)
            if guest.lock == "backup":
                guest.lock = ""  # startall does that
            if guest.hastate in {"fence", "freeze", "request_stop"} and guest.ha == "started":
                guest.hastate = "started"
            if guest.ha:
                self.clock.later(TICK, partial(self._recover, guest))
        self.on_power(node)
        self.start_all(node, [guest for guest in here if guest.onboot and not guest.ha and not guest.template])

    def start_all(self, node: Node, guests: list[Guest]) -> None:
        self.tasks.begin(node.name, "startall", "", "root@pam", lambda task: self._start_all(task, guests))

    def _start_all(self, task: Task, guests: list[Guest]) -> Work:
        """Those that a backup has come last, once it is over: Proxmox VE itself would leave them down, and nobody who
        plays with the demo would know why."""
        busy = {guest.vmid for guest in guests if guest.lock == "backup"}
        for guest in sorted(guests, key=lambda one: (one.vmid in busy, one.vmid)):
            yield 0.5
            while guest.lock == "backup":
                yield TICK
            if not guest.running and guest.node == task.node:
                task.say(f"Starting {guest.word} {guest.vmid}")
                self.on_start(guest)
