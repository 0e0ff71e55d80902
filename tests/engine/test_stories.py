"""Stories of one thing through the real rules, engine and deliverer, at the paces of the demo: what a group is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from bot.access import Role
from bot.deliver import Deliverer
from bot.demo.cluster import Cluster, backup
from bot.model import Alert, Phase, Route, Severity
from bot.rules import RULES
from bot.rules.inhibits import PARENTS, inhibits
from bot.rules.limits import Book
from bot.spawn import Spawn
from bot.text import say
from bot.watch import Sight, Watch
from bot.watch.feeder import Feeder
from bot.watch.inhibit import Parents
from tests.engine.kit import START, Ledger, found, guest_subject, node_subject
from tests.engine.replay import GROUP, Group, Replay
from tests.engine.simulated import Simulated, SimulatedTime

DB, SCALE = 102, 0.1
SEVEN, EIGHT = "guest_stopped_by_itself", "guest_expected_down"


@dataclass
class Story:
    """Polls every two seconds; what takes minutes takes seconds."""

    cluster: Cluster
    replay: Replay
    ledger: Ledger
    clock: SimulatedTime
    spawn: Spawn
    book: Book = field(default_factory=lambda: Book(RULES, scale=SCALE))
    watch: Watch = field(init=False)
    deliverer: Deliverer = field(init=False)

    async def start(self) -> None:
        """The bot, anew: from what was kept."""
        clock, spawn = self.clock, self.spawn
        pve = Simulated(self.cluster, clock)
        self.deliverer = Deliverer(
            self.ledger, Group(self.replay, clock), clock, spawn, ceiling=lambda chat: Role.OPERATOR,
            routes=(Route(chat=GROUP, settings=True),), scale=SCALE,
        )  # fmt: skip
        self.watch = Watch(
            {pve.key: pve}, self.ledger, self.deliverer, clock, spawn,
            Sight(rules=RULES, book=self.book), poll=2.0, scale=SCALE, patience=60,
            feeder=lambda pve, facts: Feeder(pve, clock, spawn, facts=facts, scale=SCALE),
        )  # fmt: skip
        await self.watch.start()

    async def tick(self) -> None:
        self.cluster.advance(2.0)
        await self.watch.tick("main")
        while len(self.spawn):  # noqa: ASYNC110 - readings are under way that a poll does not wait for
            await asyncio.sleep(0)
        await self.deliverer.drain(GROUP)

    async def pass_(self, seconds: float) -> None:
        for _ in range(round(seconds / 2)):
            await self.tick()

    def of(self, rule: str, vmid: int | str = DB) -> Alert:
        return next(
            alert
            for alert in self.watch._table.all().values()
            if alert.finding.rule == rule and alert.finding.subject.id == str(vmid)
        )

    def sent(self, since: int) -> list[str]:
        """First lines of all messages after the first `since`."""
        return [told.text.splitlines()[0] for told in self.replay.told[since:]]

    @property
    def told(self) -> list[str]:
        """First lines, without what was open at the start."""
        return [told.text.splitlines()[0] for told in self.replay.told if "before the bot started" not in told.text]


@asynccontextmanager
async def story(guests: int = 40) -> AsyncIterator[Story]:
    cluster = Cluster(seed=1, guests=guests, speed=0)
    spawn = Spawn()
    made = Story(cluster, Replay(), Ledger(), SimulatedTime(cluster), spawn)
    await made.start()
    await made.pass_(60)
    yield made
    await spawn.close(1)


async def test_a_guest_that_crashed_and_should_run_is_told_once() -> None:
    async with story() as run:
        run.cluster.crash(DB)
        await run.pass_(120)
        assert run.told == ["⚠️ db stopped by itself"]
        assert run.of(EIGHT).phase is Phase.FIRING
        assert run.of(EIGHT).parent == run.of(SEVEN).key


@pytest.mark.parametrize(("mode", "told"), [("snapshot", True), ("stop", False)])
async def test_a_container_that_is_down_while_it_is_backed_up(mode: str, told: bool) -> None:
    """It has crashed, where its backup leaves it running; else its backup has stopped it."""
    async with story() as run:
        world = run.cluster.world
        ct = next(one for one in world.guests.values() if one.kind == "lxc" and one.running and not one.ha)
        ct.maxdisk = 2**43  # it takes hours
        backup.begin(world, backup.Job(node=ct.node, storage="nas-backup", mode=mode, vmids=(ct.vmid,)))
        await run.pass_(10)
        assert ct.lock == "backup"
        if mode != "stop":
            world.crash(ct)
        await run.pass_(120)
        assert (ct.running, ct.lock) == (False, "backup")
        assert run.told == ([f"⚠️ {ct.name} stopped by itself"] if told else [])


async def test_an_event_that_a_group_was_told_is_told_in_the_history() -> None:
    async with story() as run:
        run.cluster.set_fault("task_failed", True, "start")
        await run.pass_(60)
        assert [line for line in run.told if "failed" in line]
        records = [one for one in run.ledger.records.values() if one.rule == "task_failed"]
        assert [one.told for one in records] == [True]


async def test_healthy_nodes_are_left_in_peace() -> None:
    async with story() as run:
        await run.pass_(120)
        assert run.told == []
        assert not [one for one in run.watch._table.all().values() if one.finding.rule == "stats_frozen"]


def alert(rule: str, phase: Phase, number: int = 1, **more: object) -> Alert:
    subject = node_subject() if rule == "node_offline" else guest_subject(DB)
    finding = replace(found(rule, subject), **more)  # type: ignore[arg-type]  # fields of a finding
    over = START if phase is Phase.OVER else None
    return Alert(number=number, finding=finding, phase=phase, found=START, over=over, severity=finding.severity)


def parent_of(child: str, *standing: Alert) -> Alert | None:
    parents = Parents(inhibits, PARENTS, START, 30)
    for one in standing:
        parents.add(one)
    return parents.of(found(child, guest_subject(DB)))


def test_what_stands_in_a_message_does_not_leave_it_because_something_else_begins() -> None:
    offline, stopped = alert("node_offline", Phase.PENDING), alert(SEVEN, Phase.FIRING, 2)
    assert parent_of(EIGHT, offline, stopped) is stopped
    assert parent_of(EIGHT, offline) is offline
    offline = replace(offline, phase=Phase.FIRING)
    assert parent_of(EIGHT, offline, stopped) is offline
    over = alert("node_offline", Phase.OVER)
    assert parent_of(EIGHT, over, replace(stopped, phase=Phase.PENDING)).phase is Phase.PENDING  # type: ignore[union-attr]
    assert parent_of(EIGHT, over) is over


@pytest.mark.parametrize(
    "told",
    [
        alert(SEVEN, Phase.FIRING),
        alert(SEVEN, Phase.FIRING, last=say("cause: restart of its node")),
        alert(SEVEN, Phase.FIRING, severity=Severity.INFO, quiet=True),
        replace(alert(SEVEN, Phase.FIRING), acked=START, acked_by="Ana"),
    ],
)
def test_a_stopped_guest_that_was_told_of_is_not_told_of_as_expected(told: Alert) -> None:
    assert parent_of(EIGHT, told) is told


def test_of_one_that_is_explained_and_untold_what_is_expected_is_told() -> None:
    assert parent_of(EIGHT, alert(SEVEN, Phase.PENDING, last=say("cause: a backup"))) is None
    assert parent_of(EIGHT, alert(SEVEN, Phase.PENDING)) is not None
