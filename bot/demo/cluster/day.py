"""One noisy day of a cluster, from a seed: what people did, what broke, and what merely looked as if it had.

    cluster = day.cluster(seed)
    for seconds in day.play(cluster, day.events(seed), step=15):
        cluster.ask("/cluster/resources"), cluster.ask("/cluster/status"), cluster.ask("/cluster/tasks")

At night one job a node saves forty guests; by day people reboot three guests and two nodes, in order. Three things
happen that nobody ordered: one guest crashes, one container restarts itself over and over, one storage fills up.
Nothing here needs HTTP or a real clock: the same seed is the same day, to the second.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from bot.demo.cluster import backup, orders
from bot.demo.cluster.cluster import Cluster
from bot.demo.cluster.power import Power
from bot.demo.cluster.things import Guest
from bot.demo.cluster.world import World

HOUR, DAY = 3_600.0, 86_400.0
EPOCH = 1_767_312_000.0  # 2026-01-02 00:00:00 UTC
GUESTS = 43  # 40 of which are saved at night: not the templates, nor the one that never ran
CRASHED, FLAPPING, FULL = 102, 110, "local-lvm"  # db, ct-dns, a storage of pve2
LOOPS = 14  # how often the container restarts itself


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens, `at` seconds after the day began."""

    at: float
    what: str
    do: Callable[[World], object]

    def apply(self, world: World) -> None:
        self.do(world)


def cluster(seed: int = 1) -> Cluster:
    """The cluster of that day, at 00:00 UTC, calm: nothing is wrong, and its time moves by hand alone."""
    made = Cluster(seed=seed, guests=GUESTS, speed=0, epoch=EPOCH, auth_delay=0, tls=False)
    calm(made.world)
    made.broadcast()
    return made


def calm(world: World) -> None:
    """Takes away what the demo has in store for people who look around: locks, full disks, tasks that failed."""
    for task in list(world.tasks.all.values()):
        if task.running:
            world.tasks.interrupt(task)
    world.tasks.all.clear()
    for guest in world.guests.values():
        guest.lock, guest.broken, guest.deaf, guest.agent_alive = "", False, False, True
        guest.tags = ";".join(tag for tag in guest.tags.split(";") if not tag.startswith("expect"))
        guest.used = min(guest.used, 0.7)
        guest.memory, guest.load = min(guest.memory, 0.8), min(guest.load, 0.5)
        if guest.paused:
            guest.paused = False
        guest.onboot = guest.running
        guest.snapshots = [one for one in guest.snapshots if world.born - one.taken < 20 * DAY]
    for storage in world.storages:
        storage.used = min(storage.used, 0.6)


def events(seed: int = 1) -> tuple[Event, ...]:
    """In order of time."""
    rng = random.Random(seed)
    found = [*_night(rng), *_people(rng), *_crash(rng), *_flapping(rng), *_full(rng)]
    return tuple(sorted(found, key=lambda event: event.at))


def play(cluster: Cluster, script: Sequence[Event], step: float = 15.0, until: float = DAY) -> Iterator[float]:
    """Moves the cluster on by `step` seconds at a time, each event at its own second; gives the seconds since 00:00."""
    born, left, seconds = cluster.world.born, list(script), 0.0
    while seconds < until:
        seconds += step
        while left and left[0].at <= seconds:
            event = left.pop(0)
            cluster.advance(max(0.0, born + event.at - cluster.world.clock.now()))
            event.apply(cluster.world)
        cluster.advance(max(0.0, born + seconds - cluster.world.clock.now()))
        yield seconds


def _night(rng: random.Random) -> Iterator[Event]:
    """One job at 02:00, one task a node. On pve3 it stops what it saves: everything there goes down and up again."""
    for node in ("pve1", "pve2", "pve3"):
        job = backup.Job(
            node=node, storage="nas-backup", mode="stop" if node == "pve3" else "snapshot", excluded=(111, 9000, 9001),
            job=backup.job_id("nightly"),
        )  # fmt: skip
        yield Event(2 * HOUR + rng.uniform(0, 3), f"backup of {node}", partial(backup.begin, job=job))


def _people(rng: random.Random) -> Iterator[Event]:
    """Three guests and two nodes, by name and in the task list."""

    def guest(vmid: int, action: str, user: str, world: World) -> None:
        one = world.guests[vmid]
        if one.running or action == "start":
            Power(world).order(user, one, action)

    def node(name: str, world: World) -> None:
        orders.Order(Power(world), world.nodes[name], "reboot")

    def at(hour: float) -> float:
        return hour * HOUR + rng.uniform(0, 600)

    yield Event(at(9.1), "ana reboots git", partial(guest, 105, "reboot", "ana@pve"))
    yield Event(at(10.3), "ben reboots legacy", partial(guest, 109, "reboot", "ben@pve"))
    yield Event(at(11.5), "ana reboots pve2", partial(node, "pve2"))
    stopped = at(14.0)
    yield Event(stopped, "ben shuts no-agent down", partial(guest, 113, "shutdown", "ben@pve"))
    yield Event(stopped + 1_500, "ben starts no-agent", partial(guest, 113, "start", "ben@pve"))
    yield Event(at(16.5), "ana reboots pve3", partial(node, "pve3"))


def _crash(rng: random.Random) -> Iterator[Event]:
    """It is down until somebody starts it."""

    def mend(world: World) -> None:
        guest = world.guests[CRASHED]
        if not guest.running:
            Power(world).order("ana@pve", guest, "start")

    at = 13 * HOUR + rng.uniform(600, 1_800)
    yield Event(at, "db crashes", lambda world: world.crash(world.guests[CRASHED]))
    yield Event(at + 1_400, "ana starts db", mend)


def _flapping(rng: random.Random) -> Iterator[Event]:
    """It reboots from inside: no task, down for some seconds, its uptime begins anew."""

    def down(world: World) -> None:
        world.halt(world.guests[FLAPPING])

    def up(world: World) -> None:
        guest: Guest = world.guests[FLAPPING]
        if world.nodes[guest.node].online and not guest.running:
            world.boot(guest)

    at = 18 * HOUR + rng.uniform(0, 600)
    for _ in range(LOOPS):
        yield Event(at, "ct-dns goes down", down)
        yield Event(at + rng.uniform(12, 24), "ct-dns comes up", up)
        at += rng.uniform(90, 150)


def _full(rng: random.Random) -> Iterator[Event]:
    """Within minutes, as a runaway log does; nobody cleans up that day."""

    def fill(share: float, world: World) -> None:
        for storage in world.storages:
            if storage.name == FULL and storage.node == "pve2":
                storage.used = share

    at = 20 * HOUR + rng.uniform(0, 900)
    for number, share in enumerate((0.66, 0.72, 0.78, 0.92, 0.96)):
        yield Event(at + 60 * number, f"{FULL} on pve2 is {share:.0%} full", partial(fill, share))


__all__ = ["CRASHED", "FLAPPING", "FULL", "Event", "calm", "cluster", "events", "play"]
