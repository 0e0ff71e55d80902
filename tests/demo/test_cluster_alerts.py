"""The bot's own client and rules against each fault of the simulated cluster: what is brought about is found.

Holds and confirmations are the engine's, and are left out: here a rule has only to see what is wrong.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.access import Role
from bot.demo.cluster import FAULTS
from bot.demo.cluster import Cluster as Simulated
from bot.demo.cluster.faults.fault import Fault
from bot.errors import PveAbsent
from bot.model.feeds import FEEDS, Feeds, Reading
from bot.model.view import Memory, View
from bot.pve.cluster import Cluster
from bot.pve.config import ApiToken, ClusterConfig, Host
from bot.rules import BY_KEY, Rule
from bot.rules.limits import Book
from bot.watch.memory import remember
from tests.pve.server import Clock

GROUPS = {"API", "Pushed by Proxmox"}  # there the poll itself fails, or nothing is polled
ELSEWHERE = {
    "ha_maintenance": "explains that a node goes, and is no trouble itself",
    "backup_now": "makes no noise, which is what it is for",
    "node_reboot": "is explained, and told as info by the same rule",
}
STEP, POLLS = 15.0, 40
ON = {rule.key: replace(rule.limit, on=True) for rule in BY_KEY.values()}  # those that are off by default, too
BOOK = Book(tuple(BY_KEY.values()), ON, (), 1.0)


class Now(Clock):
    """The simulated cluster's own time."""

    def __init__(self, simulated: Simulated) -> None:
        super().__init__()
        self._simulated = simulated

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._simulated.world.now, UTC)

    def monotonic(self) -> float:
        return self._simulated.world.now


class Watcher:
    """Polls by hand, remembering as the watch does."""

    def __init__(self, simulated: Simulated, pve: Cluster) -> None:
        self.simulated, self.pve = simulated, pve
        self.memory, self.first = Memory(), True
        self.started = datetime.fromtimestamp(simulated.world.now, UTC)

    async def poll(self, rule: Rule) -> View:
        now = datetime.fromtimestamp(self.simulated.world.now, UTC)
        snapshot = await self.pve.snapshot(0.0)
        view = View(
            cluster="main", name="homelab", at=now, step=0.0 if self.first else STEP, poll=STEP, snapshot=snapshot,
            fresh=True, before=self.memory, first=self.first, started=self.started, tasks=await self.pve.tasks(),
            feeds=Feeds(readings=await self.read(rule, now)), tokens=tuple(
                token.partition("=")[0] for token in (self.simulated.tokens["view"], self.simulated.tokens["power"])
            ),
        )  # fmt: skip
        self.memory, self.first = remember(view), False
        return view

    async def read(self, rule: Rule, now: datetime) -> Mapping[tuple[str, str], Reading[object]]:
        found: dict[tuple[str, str], Reading[object]] = {}
        for feed in rule.feeds or [feed for feed in FEEDS if feed.key in {"onboot", "storages"}]:
            nodes = [node.name for node in self.simulated.world.nodes.values() if node.online and not node.silent]
            for node in nodes if feed.per_node else [""]:
                try:
                    value = await self.pve.feed(feed, node)
                except PveAbsent:
                    found[feed.key, node] = Reading(value=None, at=now, fresh=True, absent=True)
                else:
                    found[feed.key, node] = Reading(value=value, at=now, fresh=True)
        return found

    def found(self, rule: Rule, view: View) -> set[str]:
        """Which subjects, and how they are: a worse one is another."""
        findings = rule.find(view, BOOK.limits(rule, view.snapshot))
        return {f"{finding.key} {finding.severity} {finding.details}" for finding in findings if not finding.grey}


def cases() -> list[Fault]:
    return [fault for fault in FAULTS if fault.rule and fault.group not in GROUPS and fault.key not in ELSEWHERE]


@pytest.mark.parametrize("fault", cases(), ids=lambda fault: fault.key)
async def test_its_rule_finds_it(fault: Fault, tmp_path: Path) -> None:
    rule = BY_KEY[fault.rule.split()[1]]
    async with Simulated(seed=1, guests=40, speed=0, auth_delay=0) as simulated:
        ca = tmp_path / "ca.pem"
        ca.write_bytes(simulated.ca_pem)
        given = {Role.VIEWER: ApiToken.parse(simulated.tokens["view"])}
        hosts = tuple(Host.parse(host) for host in simulated.hosts)
        config = ClusterConfig(key="main", hosts=hosts, tokens=given, ca_file=ca)
        pve = Cluster(config, Now(simulated), lambda error: None)
        try:
            watcher = Watcher(simulated, pve)
            await watcher.poll(rule)
            simulated.advance(STEP)
            before = watcher.found(rule, await watcher.poll(rule))
            simulated.set_fault(fault.key, True)
            for _ in range(POLLS):
                simulated.advance(STEP)
                if watcher.found(rule, await watcher.poll(rule)) - before:
                    return
        finally:
            await pve.close()
    pytest.fail(f"{fault.key}: {fault.rule} finds nothing")
