"""What the watch costs, and what it says: figures of issue and README.

    await watch_rows()   speed of a tick with ten thousand guests
    await homecoming_rows()   how long the loop is held when a node and thousands of guests come back
    await story_rows()   one dead host, and the noisy day, in messages
    await delivery_rows()   a thousand episodes through kills, refusals and lost answers

`python -m tests.bench.alerts` prints them, and what was said.
"""

import asyncio
import gc
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import TypeVar, cast

import orjson

from bot.access import Role
from bot.deliver import Deliverer
from bot.deliver.plan import GROUP_WAIT
from bot.demo.cluster import Cluster
from bot.model import Phase, Route, Snapshot, Task
from bot.model.feeds import Feed
from bot.model.readings import Backups
from bot.pve import rows, tasks
from bot.pve.client import _uncollected
from bot.pve.snapshot import Visibility, merge
from bot.rules import RULES
from bot.rules.limits import Book
from bot.spawn import Spawn
from bot.store import Store
from bot.watch import Sight as Look
from bot.watch import Watch
from bot.watch.evaluate import evaluate
from bot.watch.feeder import Feeder
from tests.bench.measures import Row
from tests.deliver.episodes import simulate
from tests.engine import replay
from tests.engine.kit import Ledger
from tests.engine.replay import GROUP, Group, Replay
from tests.engine.simulated import TOKEN, Simulated, SimulatedTime

T = TypeVar("T")
GUESTS = 10_000
EVALUATE, TICK = 30.0, 150.0  # ms of CPU
HELD = 100.0  # ms for which nobody else is answered
ROUNDS = 15
POLL = 15.0


class Prepared(Simulated):
    """Its three answers are ready, as a socket would give them: what is measured is ours alone."""

    def prepare(self) -> None:
        ask = self._cluster.ask
        paths = ("/cluster/resources", "/cluster/status", "/cluster/tasks")
        self.bodies = [orjson.dumps({"data": ask(path)}) for path in paths]

    async def snapshot(self, max_age: float = 5.0) -> Snapshot:
        if self._latest is not None and (self._clock.now() - self._latest.taken).total_seconds() <= max_age:
            return self._latest
        found = await asyncio.to_thread(_uncollected, lambda body: rows.resources(body, self.key), self.bodies[0])
        status = rows.cluster_status(self.bodies[1])  # small: in the loop, as the client reads it
        now = self._clock.now()
        self._latest = merge(
            self.key, found, status, before=self._latest, taken=now, visibility=Visibility(token=TOKEN)
        )
        return self._latest

    async def feed(self, feed: Feed[T], node: str = "") -> T:
        """Every guest was backed up last night, but for one in a hundred."""
        value = await super().feed(feed, node)
        if isinstance(value, Backups) and self._latest is not None:
            night = self._clock.now() - timedelta(hours=8)
            newest = {guest.vmid: night for guest in self._latest.guests if guest.vmid % 100}
            return cast("T", replace(value, newest=newest))
        return value

    async def tasks(self) -> tuple[Task, ...]:
        return tasks.tasks(self.bodies[2], self.key)


class Held:
    """How long the event loop was held at a time, beside whatever runs in it."""

    def __init__(self, spawn: Spawn) -> None:
        self._spawn = spawn
        self._on = True
        self.most = 0.0  # ms

    async def __aenter__(self) -> "Held":
        self._task = self._spawn(self._beat(), "beat")
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._on = False
        await self._task

    async def _beat(self) -> None:
        last = time.perf_counter()
        while self._on:
            await asyncio.sleep(0)
            now = time.perf_counter()
            self.most, last = max(self.most, (now - last) * 1000), now


class Scene:
    """A watch, its deliverer and a group, over a simulated cluster whose time goes by poll after poll."""

    def __init__(
        self, cluster: Cluster, pve: Simulated, clock: SimulatedTime, ledger: Ledger | Store | None = None
    ) -> None:
        self.cluster, self.pve, self.clock = cluster, pve, clock
        self.replay, self.spawn, self.ledger = Replay(), Spawn(), ledger or Ledger()
        group = Group(self.replay, clock)
        routes = (Route(chat=GROUP, settings=True),)
        self.deliverer = Deliverer(
            self.ledger, group, clock, self.spawn, ceiling=lambda chat: Role.OPERATOR, routes=routes
        )
        self.watch = Watch(
            {pve.key: pve},
            self.ledger,
            self.deliverer,
            clock,
            self.spawn,
            Look(rules=RULES, book=Book(RULES)),
            feeder=lambda pve, facts: Feeder(pve, clock, self.spawn, facts=facts),
            patience=120,
        )

    async def poll(self) -> float:
        """CPU seconds of the tick alone."""
        self.cluster.advance(POLL)
        if isinstance(self.pve, Prepared):
            self.pve.prepare()
        before = time.process_time()  # of all threads: the large answer is read in one of its own
        await self.watch.tick(self.pve.key)
        took = time.process_time() - before
        while len(self.spawn):  # noqa: ASYNC110 - readings that no poll waits for
            await asyncio.sleep(0)
        await self.deliverer.drain(GROUP)
        return took


async def watch_rows(rounds: int = ROUNDS, guests: int = GUESTS) -> list[Row]:
    cluster = Cluster(seed=1, guests=guests, speed=0, auth_delay=0, tls=False)
    clock = SimulatedTime(cluster)
    pve = Prepared(cluster, clock)
    scene = Scene(cluster, pve, clock)
    await scene.watch.start()
    for _ in range(44):  # what is read for the first time, guest by guest, is no part of a tick
        await scene.poll()
    gc.collect()
    gc.freeze()
    ticks = [await scene.poll() * 1000 for _ in range(rounds)]
    holds: list[float] = []
    for _ in range(rounds):
        cluster.advance(POLL)
        pve.prepare()
        async with Held(Spawn()) as held:
            await scene.watch.tick(pve.key)
        holds.append(held.most)
    post = scene.watch._posts[pve.key]
    view = post._view
    assert view is not None
    book = Book(RULES)
    evaluations: list[float] = []
    for _ in range(rounds):
        assert view.snapshot is not None
        fresh = replace(view, snapshot=replace(view.snapshot), before=post.memory)  # no index is made yet
        before = time.thread_time()
        found = evaluate(fresh, RULES, book)
        evaluations.append((time.thread_time() - before) * 1000)
        assert not found.broken
    gc.unfreeze()
    await scene.spawn.close(1)
    calls = await _calls(guests=100)
    return [
        _bound(f"all {len(RULES)} rules, {guests:,} guests, CPU", median(evaluations), EVALUATE, "ms"),
        _bound(f"a whole tick, {guests:,} guests, CPU", median(ticks), TICK, "ms"),
        _bound(f"the loop held at a time by a tick, {guests:,} guests", max(holds), HELD, "ms"),
        _bound("Proxmox calls a cluster and tick", calls, 3, ""),
    ]


async def homecoming_rows(guests: int = GUESTS) -> list[Row]:
    """A node that was off comes back, and its guests with it, one after the other: thousands are pending for a while.
    What is found is kept in a real database."""
    cluster = Cluster(seed=1, guests=guests, speed=0, auth_delay=0, tls=False)
    clock = SimulatedTime(cluster)
    pve = Prepared(cluster, clock)
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(Path(folder), clock)
        scene = Scene(cluster, pve, clock, store)
        await scene.watch.start()
        for _ in range(44):
            await scene.poll()
        gc.collect()
        gc.freeze()
        cluster.set_fault("node_off", True, "pve3")
        for _ in range(8):
            await scene.poll()
        cluster.set_fault("node_off", False, "pve3")
        pending = 0
        holds: list[float] = []
        for _ in range(8):
            cluster.advance(POLL)
            pve.prepare()
            async with Held(Spawn()) as held:
                await scene.watch.tick(pve.key)
                while len(scene.spawn):  # noqa: ASYNC110 - readings that no poll waits for
                    await asyncio.sleep(0)
                await scene.deliverer.drain(GROUP)
            holds.append(held.most)
            standing = scene.watch._table.of[pve.key].values()
            pending = max(pending, sum(alert.phase is Phase.PENDING for alert in standing))
        gc.unfreeze()
        await scene.spawn.close(1)
        await store.close()
    what = f"the loop held at a time, a node returns with {pending:,} guests pending"
    return [_bound(what, max(holds), HELD, "ms")]


async def _calls(guests: int) -> int:
    """The most that a poll asks for itself; what the feeds read at their own pace is not counted."""
    cluster = Cluster(seed=1, guests=guests, speed=0, auth_delay=0, tls=False)
    clock = SimulatedTime(cluster)
    pve = Simulated(cluster, clock)
    scene = Scene(cluster, pve, clock)
    await scene.watch.start()
    most = 0
    for _ in range(4):
        pve.calls.clear()
        await scene.poll()
        own = [path for path in pve.calls if path in {"/cluster/resources", "/cluster/status", "/cluster/tasks"}]
        most = max(most, len(own))
    await scene.spawn.close(1)
    return most


async def dead_host(guests: int = 600) -> Replay:
    """A node with two hundred guests is cut off for ten minutes."""
    cluster = Cluster(seed=1, guests=guests, speed=0, auth_delay=0, tls=False)
    clock = SimulatedTime(cluster)
    pve = Simulated(cluster, clock)
    scene = Scene(cluster, pve, clock)
    await scene.watch.start()
    for _ in range(20):
        await scene.poll()
    before = len(scene.replay.told)
    cluster.set_fault("node_off", True, "pve3")  # nothing there is under HA: a fence is news of its own
    for _ in range(40):
        await scene.poll()
    scene.replay.told = scene.replay.told[before:]
    await scene.spawn.close(1)
    return scene.replay


async def told_after(key: str, target: str, words: str) -> float:
    """Seconds of the cluster from a fault to the message in the group."""
    cluster = Cluster(seed=1, guests=40, speed=0, auth_delay=0, tls=False)
    clock = SimulatedTime(cluster)
    scene = Scene(cluster, Simulated(cluster, clock), clock)
    await scene.watch.start()
    for _ in range(20):
        await scene.poll()
    cluster.set_fault(key, True, target)
    begun = clock.monotonic()
    for _ in range(40):
        await scene.poll()
        if any(words in told.text for told in scene.replay.told):
            break
    await scene.spawn.close(1)
    return clock.monotonic() - begun


async def latency_rows() -> list[Row]:
    """Two polls and the rule's hold; a warning waits for what starts with it as well."""
    hold = {rule.key: rule.limit.hold for rule in RULES}
    offline = await told_after("node_off", "pve2", "pve2 is offline")
    crash = await told_after("crash", "110", "ct-dns stopped by itself")
    return [
        _bound("a critical is told after: node off", offline, 2 * POLL + hold["node_offline"], "s"),
        _bound(
            "a warning is told after: guest crash",
            crash,
            2 * POLL + hold["guest_stopped_by_itself"] + GROUP_WAIT,
            "s",
        ),
    ]


async def story_rows(seed: int = 1) -> list[Row]:
    """The README's table of what is told."""
    dead = await dead_host()
    day = await replay.run(seed)
    return [
        _bound("messages: a host dies with its 200 guests", len(dead.told), 1, ""),
        _bound("messages that sound: a noisy day", len(day.sounding), 3, ""),
        (
            "messages: the same day, silent ones",
            f"{len(day.silent)}",
            "–",
            f"{len(day.silent)}",
            "≤ 5",
            len(day.silent) <= 5,
        ),
        (
            "messages: a naive notifier, the same day",
            "–",
            f"{len(day.naive)}",
            f"{len(day.naive) / max(1, len(day.told)):.0f} ×",
            "–",
            True,
        ),
    ]


async def delivery_rows(seed: int = 1) -> list[Row]:
    """A thousand episodes through kills, refusals and lost answers: what was told, and how often."""
    logging.getLogger("bot").setLevel(logging.ERROR)  # what is refused is the point
    told = await simulate(episodes=1000, seed=seed, kills=0.01, faults=0.15)
    seen = told.episodes - told.unseen
    again = told.kills + told.lost
    return [
        _bound(f"alerts: of {seen:,} episodes seen, {told.kills} kills: never told", told.untold, 0, ""),
        _bound(f"alerts: of {seen:,} episodes seen: never shown as over", told.unended, 0, ""),
        _bound("alerts: told again, at most one a kill or lost answer", told.again, again, ""),
    ]


def _bound(what: str, value: float, bound: float, unit: str) -> Row:
    shown = f"{value:.1f}" if unit == "ms" else f"{value:g}"
    return what, f"{shown} {unit}".strip(), "–", shown, f"≤ {bound:g}", value <= bound


def show(found: Sequence[Row]) -> None:
    for what, ours, floor, figure, bound, kept in found:
        print(f"{what}: {ours} (floor {floor}, {figure}, bound {bound}){'' if kept else ' BROKEN'}")


async def main() -> None:
    show(await watch_rows())
    show(await homecoming_rows())
    dead = await dead_host()
    print(*(told.text for told in dead.told), sep="\n---\n")
    show(await latency_rows())
    show(await story_rows())
    show(await delivery_rows())


if __name__ == "__main__":
    asyncio.run(main())
