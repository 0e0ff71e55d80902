"""A noisy day through the real rules, engine and deliverer, poll by poll, beside what a naive notifier says of it.

replay = await run(seed)        replay.told: what a group's phones showed · replay.naive: one line a status change
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.access import Role
from bot.clock import SystemClock
from bot.deliver import Deliverer
from bot.demo.cluster import day
from bot.model import Route, Snapshot
from bot.ports import Undelivered
from bot.rules import RULES
from bot.rules.limits import Book
from bot.screen import Message, Place, Screen
from bot.spawn import Spawn
from bot.text import Reader, plain
from bot.watch import Sight, Watch
from bot.watch.feeder import Feeder
from tests.engine.kit import Ledger
from tests.engine.simulated import Simulated, SimulatedTime

GROUP = -100
POLL = 15.0


@dataclass(frozen=True)
class Told:
    at: datetime
    text: str
    silent: bool
    reply: bool


@dataclass
class Replay:
    polls: int = 0
    told: list[Told] = field(default_factory=list)  # new messages
    edits: int = 0
    shown: dict[int, str] = field(default_factory=dict)  # each message as it stands, by its number
    naive: list[str] = field(default_factory=list)
    fired: list[tuple[str, str]] = field(default_factory=list)  # (rule, subject's name) of all that fired, told or not

    @property
    def sounding(self) -> list[str]:
        """First lines of what made a sound."""
        return [told.text.splitlines()[0] for told in self.told if not told.silent]

    @property
    def silent(self) -> list[str]:
        return [told.text.splitlines()[0] for told in self.told if told.silent]


class Group:
    """Telegram, of one group: takes everything."""

    deaf = 0.0

    def __init__(self, replay: Replay, clock: SimulatedTime) -> None:
        self._replay = replay
        self._clock = clock

    async def post(
        self, place: Place, screen: Screen, *, silent: bool = False, reply_to: int | None = None
    ) -> Message | Undelivered:
        id_ = len(self._replay.shown) + 1
        text = plain(screen.text, Reader())
        self._replay.told.append(Told(self._clock.now(), text, silent, reply_to is not None))
        self._replay.shown[id_] = text
        return Message(place=place, id=id_)

    async def revise(self, message: Message, screen: Screen, *, spare: bool = False) -> Message | Undelivered:
        self._replay.edits += 1
        self._replay.shown[message.id] = plain(screen.text, Reader())
        return message

    async def pin(self, message: Message) -> bool:
        return True


def changes(before: Snapshot | None, now: Snapshot) -> Sequence[str]:
    """What a naive notifier tells: every guest and node whose status is another one."""
    if before is None:
        return ()
    guests = [
        f"{guest.name} is {guest.status.value}"
        for guest in now.guests
        if guest.vmid in before.by_vmid and before.by_vmid[guest.vmid].status is not guest.status
    ]
    nodes = [
        f"{node.name} is {'online' if node.online else 'offline'}"
        for node in now.nodes
        if node.name in before.by_node and before.by_node[node.name].online is not node.online
    ]
    return [*guests, *nodes]


async def run(seed: int = 1, until: float = day.DAY, since: float = 0.0) -> Replay:
    """`since`, `until`: seconds of the day; before `since` only the cluster lives."""
    cluster = day.cluster(seed)
    clock = SimulatedTime(cluster)
    pve = Simulated(cluster, clock)
    replay, spawn, ledger = Replay(), Spawn(), Ledger()
    group = Group(replay, clock)
    deliverer = Deliverer(
        ledger, group, clock, spawn, ceiling=lambda chat: Role.OPERATOR, routes=(Route(chat=GROUP, settings=True),)
    )
    watch = Watch(
        {pve.key: pve},
        ledger,
        deliverer,
        clock,
        spawn,
        Sight(rules=RULES, book=Book(RULES)),
        feeder=lambda pve, facts: Feeder(pve, clock, spawn, facts=facts),
        patience=60,
    )
    await watch.start()
    before: Snapshot | None = None
    seen: set[int] = set()
    for seconds in day.play(cluster, day.events(seed), step=POLL, until=until):
        if seconds < since:
            continue
        await watch.tick(pve.key)
        replay.polls += 1
        while len(spawn):  # noqa: ASYNC110 - readings are under way that a poll does not wait for
            await asyncio.sleep(0)
        await deliverer.drain(GROUP)
        now = pve.latest()
        if now is not None:
            replay.naive += changes(before, now)
            before = now
        for number, alert in watch._table.all().items():
            if alert.fired is not None and number not in seen:
                seen.add(number)
                replay.fired.append((alert.finding.rule, alert.finding.subject.name))
    await spawn.close(1)
    return replay


if __name__ == "__main__":
    import sys

    began = SystemClock().monotonic()
    found = asyncio.run(run(*(int(word) for word in sys.argv[1:])))
    for told in found.told:
        print(told.at.strftime("%H:%M:%S"), "silent" if told.silent else "sounds", "reply" if told.reply else "")
        print("   ", told.text.replace("\n", "\n    "))
    print(len(found.told), "messages,", found.edits, "edits; naive:", len(found.naive), "messages")
    print(f"{found.polls} polls in {SystemClock().monotonic() - began:.1f} s")
    print(*found.fired, sep="\n")
