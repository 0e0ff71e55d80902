"""A cluster that answers feeds as a test says, and the time of day as a value."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bot.access import Role
from bot.errors import PveError
from bot.model import Guest, Kind, Node, Permissions, Snapshot, Status, Storage, Task, Version
from bot.model.feeds import Feed
from bot.model.readings import AgentPings, Backups, GuestNotes, Ha, NodeStatus
from bot.spawn import Spawn
from bot.watch.feeder import Feeder

T = TypeVar("T")
NAME = 'web<1>_&"'
AUDITOR = {"/": {"Sys.Audit": True, "VM.Audit": True, "Datastore.Audit": True, "VM.GuestAgent.Audit": True}}
TOKEN = "telemox@pve!view"


class Clock:
    def __init__(self) -> None:
        self.mono = 1000.0
        self.wall = datetime(2026, 3, 4, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.mono

    def pass_(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.pass_(seconds)


VALUES: Mapping[str, Any] = {
    "node_status": NodeStatus(load5=1.0),
    "ha": Ha(),
    "backups": Backups(),
    "onboot": GuestNotes(),
    "agent": AgentPings(),
}


class Pve:
    """As ports.Watched, as far as the feeder asks."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.key = "main"
        self.asked: list[tuple[str, str, float]] = []  # feed, node, when
        self.answers: dict[tuple[str, str], Any] = {}  # a value, an error, or a callable that gives one
        self.rights: Permissions | PveError = Permissions(paths=AUDITOR)
        self.looked = 0
        self.gate: asyncio.Event | None = None  # closed: no feed answers

    async def feed(self, feed: Feed[T], node: str = "") -> T:
        self.asked.append((feed.key, node, self.clock.mono))
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answers.get((feed.key, node), self.answers.get((feed.key, "*"), VALUES.get(feed.key, ())))
        if callable(answer):
            answer = answer()
        if isinstance(answer, PveError):
            raise answer
        return answer  # type: ignore[no-any-return]

    async def permissions(self, role: Role) -> Permissions | None:
        self.looked += 1
        if isinstance(self.rights, PveError):
            raise self.rights
        return self.rights

    async def version(self) -> Version:
        return Version(major=9, minor=1, text="9.1.1")

    async def node_tasks(
        self, node: str, *, role: Role, vmid: int | None = None, since: datetime | None = None, limit: int = 50
    ) -> tuple[Task, ...]:
        self.asked.append((f"tasks of {vmid} since {since:%H:%M}", node, self.clock.mono))
        answer = self.answers.get(("tasks", node), ())
        if isinstance(answer, PveError):
            raise answer
        return answer  # type: ignore[no-any-return]

    def token(self, role: Role) -> str:
        return TOKEN

    def of(self, feed: Feed[Any], node: str = "") -> list[float]:
        return [at for key, asked, at in self.asked if key == feed.key and asked == node]


def snapshot(
    nodes: Mapping[str, bool],
    guests: Sequence[Guest] = (),
    storages: Sequence[Storage] = (),
    clock: Clock | None = None,
) -> Snapshot:
    return Snapshot(
        cluster="main",
        name="homelab",
        quorate=True,
        nodes=tuple(Node(cluster="main", name=name, online=online) for name, online in nodes.items()),
        guests=tuple(guests),
        storages=tuple(storages),
        unseen=(),
        taken=(clock or Clock()).now(),
    )


def guest(vmid: int, status: Status = Status.RUNNING, node: str = "pve1", **more: Any) -> Guest:
    return Guest(cluster="main", vmid=vmid, name=NAME, kind=Kind.QEMU, node=node, status=status, **more)


class Watching:
    """Polls: `await watching.polls(4)` is a minute."""

    def __init__(self, pve: Pve, clock: Clock, spawn: Spawn, **more: Any) -> None:
        self.pve, self.clock = pve, clock
        self.make: Callable[..., Feeder] = lambda **other: Feeder(pve, clock, spawn, **{**more, **other})  # type: ignore[arg-type]
        self.feeder = self.make()
        self.seen = snapshot({"pve1": True})
        self.tasks: Sequence[Task] = ()

    async def polls(self, count: int, every: float = 15.0) -> None:
        for _ in range(count):
            self.feeder.tick(self.seen, self.tasks)
            await settle()
            self.clock.pass_(every)


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)
