"""The demo's faults through the real rules, engine and deliverer, at its paces: a group hears of each, and of its end.

Not here: what only HTTP shows (faults of the API itself), and agents, which this stand-in does not let be asked.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.config import limits
from bot.demo import FIGURES
from bot.demo.cluster import FAULTS, Cluster
from bot.demo.cluster.faults.fault import AGAIN, Fault
from bot.model import Alert, Phase
from bot.rules import RULES
from bot.rules.limits import Book
from bot.spawn import Spawn
from tests.engine.kit import ANA, Ledger
from tests.engine.replay import Replay
from tests.engine.simulated import SimulatedTime
from tests.engine.test_stories import SCALE, Story

SOON, LATER = 120.0, 600.0  # seconds until the group has heard of it; until all is over
BLIND = {"all_off", "agent_silent"}
SILENT = {"ha_maintenance", "backup_now"}  # nothing is wrong
LASTING = [one for one in FAULTS if not one.once and one.key not in BLIND]
TOLD = [one for one in LASTING if one.rule and one.seen in {"", AGAIN} and one.key not in SILENT]
EVENTS = (
    ("node_reset", "⚠️ pve1 was reset by itself"),
    ("crash", "⚠️ db stopped by itself"),
    ("task_failed", "⚠️ Start of vault failed"),
)
GROUPS = sorted({fault.group for fault in TOLD})


class Demo(Story):
    """The story of the demo's own settings."""

    def standing(self) -> set[str]:
        alerts = self.watch._table.all().values()
        return {one.key for one in alerts if one.phase is Phase.FIRING and not one.finding.event}

    def of_rule(self, fault: Fault, since: int) -> list[Alert]:
        """Those that a fault has brought about after so many alerts, and that the group was told of."""
        alerts = self.watch._table.all().items()
        rule = fault.rule.partition(" ")[2]
        return [one for number, one in alerts if number > since and one.finding.rule == rule and one.fired is not None]

    async def read_again(self) -> None:
        await self.pass_(32)
        assert self.watch.look_again(ANA)


@asynccontextmanager
async def demo() -> AsyncIterator[Demo]:
    figures, wrong = limits.changed(RULES, {f"TELEMOX_ALERTS__{name}": text for name, text in FIGURES.items()})
    assert not wrong
    cluster, spawn = Cluster(seed=1, guests=40, speed=0), Spawn()
    cluster.world.ceph = "HEALTH_OK"
    made = Demo(cluster, Replay(), Ledger(), SimulatedTime(cluster), spawn, Book(RULES, figures, scale=SCALE))
    await made.start()
    await made.pass_(60)
    yield made
    await spawn.close(1)


async def heard(run: Demo, fault: Fault) -> str:
    """What became of one fault that is on until the group has heard of it; '' where all of it is as it should be."""
    before, standing, told = max(run.watch._table.all(), default=0), run.standing(), len(run.replay.told)
    if fault.seen:
        await run.read_again()
    run.cluster.set_fault(fault.key, True)
    waited = 0.0
    while not run.of_rule(fault, before) or len(run.replay.told) == told:
        await run.pass_(2)
        waited += 2
        if waited > SOON:
            return "nothing is told"
    run.cluster.set_fault(fault.key, False)
    if fault.seen:
        await run.read_again()
    waited = 0.0
    while run.standing() - standing:
        await run.pass_(2)
        waited += 2
        if waited > LATER:
            return f"still there: {run.standing() - standing}"
    return ""


@pytest.mark.parametrize("group", GROUPS)
async def test_the_group_hears_of_each_and_that_it_is_over(group: str) -> None:
    async with demo() as run:
        faults = [fault for fault in TOLD if fault.group == group]
        assert {fault.key: await heard(run, fault) for fault in faults} == {fault.key: "" for fault in faults}


@pytest.mark.parametrize("seconds", [0, 10, 40])
async def test_on_and_off_again_leaves_nothing(seconds: int) -> None:
    async with demo() as run:
        standing = run.standing()
        for fault in LASTING:
            run.cluster.set_fault(fault.key, True)
            await run.pass_(seconds)
            run.cluster.set_fault(fault.key, False)
            await run.pass_(30)
        await run.read_again()
        await run.pass_(LATER)
        assert run.standing() <= standing


async def test_all_on_and_all_off() -> None:
    async with demo() as run:
        standing = run.standing()
        for fault in LASTING:
            try:
                run.cluster.set_fault(fault.key, True)
            except ValueError:
                continue  # not while the others are on
        await run.pass_(SOON)
        run.cluster.clear_faults()
        await run.pass_(LATER)
        await run.read_again()
        await run.pass_(LATER)
        assert run.standing() <= standing


@pytest.mark.parametrize(("key", "line"), EVENTS)
async def test_what_happens_once_is_told(key: str, line: str) -> None:
    async with demo() as run:
        run.cluster.set_fault(key, True)
        await run.pass_(30)
        assert run.told == [line]
