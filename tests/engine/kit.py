"""A small world for the engine: made-up rules over what a test says is wrong, and stand-ins for what is around it."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bot.access import Asker, Role
from bot.errors import PveError, StoreFailed
from bot.model import (
    About,
    Alert,
    Card,
    Finding,
    Guest,
    Habits,
    News,
    NewsKind,
    Node,
    Outgoing,
    Permissions,
    Phase,
    Record,
    Route,
    Severity,
    Snapshot,
    Status,
    Storage,
    Subject,
    Task,
    TaskLog,
    Unseen,
    Upid,
    Version,
)
from bot.model import (
    Kind as GuestKind,
)
from bot.model.feeds import Feed
from bot.model.readings import BackupJob
from bot.model.view import GuestWas, Memory, NodeWas, View
from bot.ports import Changes, Kept, Pulse
from bot.rules import Confirm, Kind, Limit, Limits, Rule
from bot.screen import Message, Place, Screen
from bot.text import EMPTY, Said, say
from bot.watch import Sight, Watch

T = TypeVar("T")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = 'web<1>_&"'
ANA = Asker(id=7, name="Ana", role=Role.OPERATOR)
PLACE = Place(chat=-100)


class Clock:
    """Moved by the test, and by whoever sleeps. `jump` sets the wall clock alone."""

    def __init__(self) -> None:
        self.mono = 1000.0
        self.wall = START

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.mono

    def pass_(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += timedelta(seconds=seconds)

    def jump(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.pass_(seconds)
        await asyncio.sleep(0)


def guest_subject(vmid: int = 101, node: str = "pve1", cluster: str = "main", tags: tuple[str, ...] = ()) -> Subject:
    return Subject(about=About.GUEST, cluster=cluster, id=str(vmid), name=NAME, node=node, tags=tags)


def node_subject(node: str = "pve1", cluster: str = "main") -> Subject:
    return Subject(about=About.NODE, cluster=cluster, id=node, name=node, node=node)


def cluster_subject(cluster: str = "main") -> Subject:
    return Subject(about=About.CLUSTER, cluster=cluster, name=cluster)


def found(
    rule: str = "down",
    subject: Subject | None = None,
    severity: Severity = Severity.WARNING,
    text: str = "{name} is down",
    **more: Any,
) -> Finding:
    subject = subject or guest_subject()
    return Finding(rule=rule, subject=subject, severity=severity, said=say(text, name=subject.name), **more)


@dataclass
class Wrong:
    """What the made-up rules find at the next poll, and what they cannot see."""

    findings: list[Finding] = field(default_factory=list)
    unseen: set[str] = field(default_factory=set)  # subject keys
    raises: set[str] = field(default_factory=set)  # rules that fail
    asked: list[View] = field(default_factory=list)
    explains: Callable[[View, Finding], Finding | None] = lambda view, finding: finding

    def rule(
        self, key: str, limit: Limit | None = None, *, kind: Kind = Kind.STATE, confirm: Confirm = Confirm.NONE
    ) -> Rule:
        def find(view: View, limits: Limits) -> Iterator[Finding]:
            self.asked.append(view)
            if key in self.raises:
                raise RuntimeError(f"{key} is broken")
            for finding in self.findings:
                if finding.rule == key and finding.subject.cluster == view.cluster:
                    explained = self.explains(view, finding)
                    if explained is not None:
                        yield explained

        def sees(view: View, subject: Subject) -> bool:
            return view.fresh and subject.key not in self.unseen

        return Rule(
            number=1,
            key=key,
            kind=kind,
            help=f"Is it {key}?",
            severity=Severity.WARNING,
            limit=limit or Limit(),
            find=find,
            sees=sees,
            confirm=confirm,
        )


class Book:
    """Limits as the rows say."""

    def __init__(self, exceptions: Mapping[str, Mapping[str, Limit]] | None = None) -> None:
        self.exceptions = exceptions or {}

    def limits(self, rule: Rule, snapshot: Snapshot | None) -> Limits:
        return Limits(base=rule.limit, exceptions=self.exceptions.get(rule.key, {}))


def remembering(view: View) -> Generator[None, None, Memory]:
    """As simple as will do."""
    yield
    return remember(view)


def remember(view: View) -> Memory:
    """What is there."""
    assert view.snapshot is not None
    before = view.before
    guests: dict[int, GuestWas] = {}
    for guest in view.snapshot.guests:
        new = GuestWas(status=guest.status, node=guest.node)
        was = before.guests.get(guest.vmid)
        guests[guest.vmid] = was if was == new and was is not None else new
    nodes = {node.name: NodeWas(online=node.online) for node in view.snapshot.nodes}
    return Memory(guests=guests, nodes=nodes, figures={"polls": before.figures.get("polls", 0) + 1})


def snapshot(clock: Clock, cluster: str = "main", nodes: Sequence[str] = ("pve1", "pve2"), guests: int = 2) -> Snapshot:
    return Snapshot(
        cluster=cluster,
        name=cluster,
        quorate=True,
        nodes=tuple(Node(cluster=cluster, name=name, online=True) for name in nodes),
        guests=tuple(
            Guest(
                cluster=cluster,
                vmid=101 + n,
                name=NAME if n == 0 else f"guest-{n}",
                kind=GuestKind.QEMU,
                node=nodes[n % len(nodes)],
                status=Status.RUNNING,
            )
            for n in range(guests)
        ),
        storages=(),
        unseen=(),
        taken=clock.now(),
    )


class Pve:
    """A cluster that is read as the test says."""

    web = "https://pve1:8006"

    def __init__(self, clock: Clock, key: str = "main") -> None:
        self._clock = clock
        self.key = key
        self.error: PveError | Exception | None = None
        self.hangs = False
        self.task_list: tuple[Task, ...] | PveError = ()
        self.of_node: tuple[Task, ...] | PveError = ()
        self.may = Permissions(paths={"/": {"Sys.Audit": True}})
        self.elsewhere: bool | PveError | None = None
        self.fed: object | PveError = ()
        self.calls: list[str] = []
        self.since: datetime | None = None  # tasks were asked for from then on
        self._latest: Snapshot | None = None
        self.nodes: Sequence[str] = ("pve1", "pve2")
        self.storages: tuple[Storage, ...] = ()
        self.unseen: tuple[Unseen, ...] = ()

    @property
    def waiting(self) -> float:
        return 0.0

    def latest(self) -> Snapshot | None:
        return self._latest

    async def snapshot(self, max_age: float = 5.0) -> Snapshot:
        self.calls.append("snapshot")
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        made = snapshot(self._clock, self.key, self.nodes)
        self._latest = replace(made, storages=self.storages, unseen=self.unseen)
        return self._latest

    async def tasks(self) -> tuple[Task, ...]:
        self.calls.append("tasks")
        return _or_raise(self.task_list)

    async def node_tasks(
        self, node: str, *, role: Role, vmid: int | None = None, since: datetime | None = None, limit: int = 50
    ) -> tuple[Task, ...]:
        self.calls.append(f"tasks of {node} {vmid or 'all'}")
        self.since = since
        return _or_raise(self.of_node)

    async def permissions(self, role: Role) -> Permissions | None:
        return self.may

    def token(self, role: Role) -> str | None:
        return "telemox@pve!view" if role is Role.VIEWER else None

    async def feed(self, feed: Feed[T], node: str = "") -> T:
        self.calls.append(f"{feed.key} {node}".strip())
        value: Any = _or_raise(self.fed)
        return value  # type: ignore[no-any-return]

    async def quorate_elsewhere(self) -> bool | None:
        self.calls.append("quorum elsewhere")
        return _or_raise(self.elsewhere)

    async def guest(self, guest: Guest) -> Guest:
        raise NotImplementedError

    async def addresses(self, guest: Guest) -> tuple[str, ...]:
        raise NotImplementedError

    async def task(self, upid: Upid, *, role: Role) -> Task:
        raise NotImplementedError

    async def log(self, upid: Upid, *, role: Role, start: int = 0, limit: int = 50) -> TaskLog:
        raise NotImplementedError

    async def backup_jobs(self) -> tuple[BackupJob, ...]:
        raise NotImplementedError

    async def version(self) -> Version:
        raise NotImplementedError

    async def write(
        self,
        role: Role,
        method: str,
        path: str,
        params: Mapping[str, str],
        *,
        still: Callable[[], None] = lambda: None,
    ) -> Upid | None:
        raise NotImplementedError


def _or_raise(value: T | PveError) -> T:
    if isinstance(value, PveError):
        raise value
    return value


class Ledger:
    """What is kept, in memory: it outlives the watch of a test."""

    def __init__(self) -> None:
        self.alerts_: dict[int, Alert] = {}
        self.silences: dict[int, Any] = {}
        self.rows: dict[str, dict[Any, Any]] = {"guests": {}, "nodes": {}, "storages": {}}
        self.events: dict[str, datetime] = {}
        self.facts: dict[str, str] = {}
        self.records: dict[int, Record] = {}
        self.cards: dict[int, Card] = {}
        self.outbox: dict[int, Outgoing] = {}
        self.routes: dict[tuple[int, int | None], Route] = {}
        self.habits: dict[int, Habits] = {}
        self.saved: list[Changes] = []
        self.fails = False

    async def alerts(self) -> Kept:
        return Kept(
            alerts=tuple(self.alerts_.values()),
            cards=tuple(self.cards.values()),
            outbox=tuple(self.outbox.values()),
            silences=tuple(self.silences.values()),
            routes=tuple(self.routes.values()),
            habits=tuple(self.habits.values()),
            guests=dict(self.rows["guests"]),
            nodes=dict(self.rows["nodes"]),
            storages=dict(self.rows["storages"]),
            events=dict(self.events),
            facts=dict(self.facts),
        )

    async def save(self, changes: Changes) -> None:
        if self.fails:
            raise StoreFailed(say("The disk is full."))
        self.saved.append(changes)
        self.alerts_ |= {alert.number: alert for alert in changes.alerts}
        for number in changes.gone:
            self.alerts_.pop(number, None)
        self.cards |= {card.id: card for card in changes.cards}
        self.outbox |= {letter.id: letter for letter in changes.outbox}
        for id_ in changes.cards_gone:
            self.cards.pop(id_, None)
        for id_ in changes.sent:
            self.outbox.pop(id_, None)
        self.routes |= {(route.chat, route.topic): route for route in changes.routes}
        for place in changes.routes_gone:
            self.routes.pop(place, None)
        self.habits |= {habits.chat: habits for habits in changes.habits}
        self.silences |= {silence.id: silence for silence in changes.silences}
        for id_ in changes.silences_gone:
            self.silences.pop(id_, None)
        for name, rows in self.rows.items():
            for key, row in getattr(changes, name).items():
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row
        self.events |= changes.events
        self.facts |= changes.facts
        self.records |= {record.number: record for record in changes.history}

    async def history(self, limit: int = 50, since: datetime | None = None) -> Sequence[Record]:
        return list(self.records.values())[:limit]


class Deliverer:
    """Everything is told at once, in one place, and accepted."""

    def __init__(self) -> None:
        self.news: list[News] = []
        self.watch: Watch | None = None
        self.woken = 0
        self.fails = 0
        self.holds = False  # nothing is shown yet

    def load(self, kept: Kept) -> None: ...

    def take(self, alerts: Mapping[int, Alert], news: Sequence[News], pulse: Sequence[Pulse]) -> Changes:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the deliverer is broken")
        self.news += news
        told = {NewsKind.FIRED, NewsKind.FLAPPING}
        numbers = {one.alert.number for one in news if one.kind in told}
        return Changes(alerts=[replace(alerts[number], told=True) for number in numbers if number in alerts])

    def wake(self, saved: bool = True) -> None:
        self.woken += 1

    def needed(self, numbers: Iterable[int]) -> set[int]:
        return set(numbers) if self.holds else set()

    def accepted(self) -> frozenset[int]:
        return frozenset(one.alert.number for one in self.news)

    def ack(self, numbers: Sequence[int], by: str) -> Sequence[Alert]:
        return ()

    def alert(self, number: int) -> Alert | None:
        return None

    @property
    def depth(self) -> int:
        return 3

    @property
    def unheard(self) -> bool:
        return False

    @property
    def behind(self) -> float:
        return 1.5

    @property
    def counts(self) -> Mapping[str, int]:
        return {"posted": len(self.news), "edited": 1, "later": 2}

    def told(self, alert: Alert, chat: int) -> Said:
        return say("Told here.")

    def card(self, id_: int) -> Card | None:
        return None

    def owns(self, message: Message) -> bool:
        return False

    def mends(self, chat: int, action: str, target: str) -> bool:
        return False

    def routes(self) -> Sequence[Route]:
        return ()

    def habits(self, chat: int) -> Habits:
        return Habits(chat=chat)

    async def subscribe(self, route: Route) -> None: ...

    async def unsubscribe(self, place: Place) -> bool:
        return True

    async def set_habits(self, habits: Habits) -> None: ...

    async def pin(self, place: Place) -> bool:
        return True

    async def unpin(self, place: Place) -> bool:
        return True

    async def test(self, place: Place, by: Asker) -> None: ...

    async def digest(self, chat: int) -> Screen:
        return Screen(text=EMPTY)


def inhibits(parent: Finding, child: Finding) -> bool:
    """`gone` of a cluster explains all in it; `off` of a node, what is on it."""
    if parent.subject.cluster != child.subject.cluster:
        return False
    if parent.rule == "gone":
        return True
    return parent.rule == "off" and child.rule not in {"off", "gone"} and child.subject.node == parent.subject.id


PARENTS = {"gone": 1, "off": 3}


def spawn(coro: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
    raise NotImplementedError


class Bench:
    """A watch over clusters that a test plays with: `await bench.poll()` is one poll later."""

    def __init__(
        self, rules: Sequence[Rule] | None = None, wrong: Wrong | None = None, clusters: Sequence[str] = ("main",)
    ) -> None:
        self.clock = Clock()
        self.wrong = wrong or Wrong()
        self.rules = rules or (
            self.wrong.rule("gone", Limit(hold=30)),
            self.wrong.rule("off", Limit(hold=45, clear=45)),
            self.wrong.rule("down", Limit(hold=30, clear=15, polls=2)),
            self.wrong.rule("task", kind=Kind.EVENT),
        )
        self.pves = {key: Pve(self.clock, key) for key in clusters}
        self.pve = self.pves[clusters[0]]
        self.ledger = Ledger()
        self.deliverer = Deliverer()
        self.cycles = 0
        self.more: dict[str, Any] = {}
        self.patience = 60.0  # s, of the real clock
        self.exceptions: dict[str, dict[str, Limit]] = {}
        self.watch = self._watch()

    def _watch(self) -> Watch:
        def cycle() -> None:
            self.cycles += 1

        sight = Sight(
            rules=self.rules, book=Book(self.exceptions), remembering=remembering, inhibits=inhibits, parents=PARENTS
        )
        return Watch(
            self.pves,
            self.ledger,
            self.deliverer,
            self.clock,
            spawn,
            replace(sight, **self.more),
            on_cycle=cycle,
            patience=self.patience,
        )

    async def start(self) -> "Bench":
        """A cluster that was watched before, and is well."""
        await self.watch.start()
        for key in self.pves:
            await self.watch.tick(key)
        return self

    async def restart(self) -> None:
        """Killed, and started from what was kept."""
        self.watch = self._watch()
        await self.watch.start()

    async def poll(self, *findings: Finding, times: int = 1, seconds: float = 15.0) -> None:
        for _ in range(times):
            self.clock.pass_(seconds)
            self.wrong.findings = list(findings)
            for key in self.pves:
                await self.watch.tick(key)

    @property
    def told(self) -> list[tuple[str, str]]:
        """(kind, key) of all news but edits."""
        quiet = {NewsKind.CHANGED, NewsKind.BACK}
        return [(news.kind.value, news.alert.key) for news in self.deliverer.news if news.kind not in quiet]

    def of(self, key: str) -> Alert:
        """The latest alert with this key."""
        return max((a for a in self.watch._table.all().values() if a.key == key), key=lambda alert: alert.number)

    @property
    def standing(self) -> dict[str, Phase]:
        return {alert.key: alert.phase for alert in self.watch._table.all().values()}
