"""Fleets to draw, and a cluster that answers from memory and counts what it was asked."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.access import Asker, Role
from bot.actions import ACTIONS
from bot.errors import PveError, PveRefused, StoreFailed
from bot.model import (
    Fleet,
    Gap,
    Guest,
    Kind,
    Node,
    Outcome,
    Permissions,
    Snapshot,
    Status,
    Storage,
    Task,
    TaskLog,
    Unseen,
    Upid,
    Version,
)
from bot.model.readings import BackupJob
from bot.pages.page import Enquiry
from bot.ports import UNSENT, Audit, Env, Watching
from bot.screen import Message, Place, Screen
from bot.text import Reader, Said, say

GIB = 1024**3
NOW = datetime(2026, 11, 24, 14, 2, 35, tzinfo=UTC)
TAKEN = NOW - timedelta(seconds=4)
HOSTILE = 'web<1>_&"'
READER = Reader(zone=UTC)

VERA = Asker(id=1003, name="Vera", role=Role.VIEWER)
BEN = Asker(id=1002, name="Ben", role=Role.OPERATOR)
ANA = Asker(id=1001, name="Ana", role=Role.ADMIN)


def node(
    name: str, *, online: bool | None = True, cpu: float | None = 0.34, mem: float = 0.78, cluster: str = "main"
) -> Node:
    if not online:
        return Node(cluster=cluster, name=name, online=online)
    if cpu is None:
        return Node(cluster=cluster, name=name, online=True)
    return Node(
        cluster=cluster,
        name=name,
        online=True,
        cpu=cpu,
        cpus=16,
        mem=int(mem * 64 * GIB),
        maxmem=64 * GIB,
        disk=12 * GIB,
        maxdisk=94 * GIB,
        uptime=93 * 86400,
        ip="192.0.2.11",
    )


def guest(
    vmid: int,
    name: str,
    status: Status = Status.RUNNING,
    *,
    cluster: str = "main",
    node: str = "pve1",
    ct: bool = False,
    tags: tuple[str, ...] = (),
    pool: str = "",
    hastate: str = "",
    lock: str = "",
    template: bool = False,
) -> Guest:
    known = Guest(
        cluster=cluster,
        vmid=vmid,
        name=name,
        kind=Kind.LXC if ct else Kind.QEMU,
        node=node,
        status=status,
        template=template,
        cpus=4,
        maxmem=4 * GIB,
        maxdisk=32 * GIB,
        disk=9 * GIB if ct else None,
        tags=tags,
        pool=pool,
        hastate=hastate,
        lock=lock,
    )
    if not status.up:
        return known
    return replace(
        known,
        cpu=0.09,
        mem=int(2.3 * GIB),
        netin=1.2 * GIB,
        netout=0.4 * GIB,
        uptime=12 * 86400 + 4 * 3600,
    )


def storage(
    name: str,
    used: float,
    *,
    node: str = "pve1",
    shared: bool = False,
    available: bool | None = True,
    cluster: str = "main",
) -> Storage:
    return Storage(
        cluster=cluster,
        name=name,
        node=node,
        shared=shared,
        available=available,
        disk=int(used * 500 * GIB) if available else None,
        maxdisk=500 * GIB if available else None,
        kind="dir",
    )


GUESTS = (
    guest(101, "web", tags=("prod", "edge"), hastate="started"),
    guest(102, "db", node="pve2", tags=("prod",), pool="data"),
    guest(103, HOSTILE, node="pve3"),
    guest(104, "ct-mail", Status.STOPPED, ct=True, tags=("expect-up",)),
    guest(105, "dns", ct=True, node="pve2"),
    guest(106, "git", ct=True, node="pve3", tags=("dev",)),
    guest(110, "old", Status.STOPPED, node="pve2"),
    guest(120, "sleeper", Status.HIBERNATED, node="pve3", lock="suspended"),
    guest(131, "win-test", Status.PAUSED, node="pve3", tags=("dev",)),
    guest(140, "kubernetes-worker-12.lab.example", node="pve3", pool="k8s"),
    guest(900, "debian-13", Status.STOPPED, node="pve1", template=True),
)
NODES = (node("pve1"), node("pve2", cpu=0.12, mem=0.55), node("pve3", cpu=0.61, mem=0.81))
STORAGES = (
    storage("local", 0.12),
    storage("local", 0.41, node="pve2"),
    storage("local-zfs", 0.86, node="pve3"),
    storage("nas-backup", 0.91, shared=True),
    storage("ceph", 0.44, shared=True),
)


def snapshot(
    *,
    cluster: str = "main",
    name: str = "homelab",
    quorate: bool | None = True,
    nodes: tuple[Node, ...] = NODES,
    guests: tuple[Guest, ...] = GUESTS,
    storages: tuple[Storage, ...] = STORAGES,
    unseen: tuple[Unseen, ...] = (),
    taken: datetime = TAKEN,
    standalone: bool = False,
) -> Snapshot:
    return Snapshot(
        cluster=cluster,
        name=name,
        quorate=quorate,
        nodes=nodes,
        guests=guests,
        storages=storages,
        unseen=unseen,
        taken=taken,
        standalone=standalone,
    )


def fleet(*snapshots: Snapshot) -> Fleet:
    return Fleet(snapshots=snapshots or (snapshot(),))


def calm() -> Snapshot:
    """Nothing wrong anywhere."""
    return snapshot(
        guests=(guest(101, "web"), guest(102, "db", node="pve2"), guest(110, "old", Status.STOPPED)),
        storages=(storage("local", 0.12), storage("ceph", 0.44, shared=True)),
    )


def node_gone() -> Snapshot:
    guests = tuple(
        replace(one, status=Status.UNKNOWN, cpu=None, mem=None, uptime=None) if one.node == "pve2" else one
        for one in GUESTS
    )
    return snapshot(
        nodes=(NODES[0], node("pve2", online=False), NODES[2]),
        guests=guests,
        storages=tuple(
            replace(s, available=None, disk=None, maxdisk=None) if s.node == "pve2" else s for s in STORAGES
        ),
        unseen=(Unseen(gap=Gap.NODE_OFFLINE, subject="pve2", count=3),),
    )


def large(n: int = 10_000) -> Snapshot:
    """Ten thousand guests on nine nodes; each 97th stopped, each 997th should run."""
    guests = tuple(
        guest(
            1000 + i,
            f"vm-{i:05}",
            Status.STOPPED if i % 97 == 0 else Status.RUNNING,
            node=f"node{i % 9 + 1}",
            ct=i % 3 == 0,
            tags=("expect-up", "prod") if i % 997 == 0 else ("prod",),
        )
        for i in range(n)
    )
    nodes = tuple(node(f"node{i}", cpu=i / 12, mem=i / 11) for i in range(1, 10))
    return snapshot(name="estate", nodes=nodes, guests=guests)


def upid(type_: str, subject: str = "", *, node: str = "pve1", ago: int = 0, user: str = "telemox@pve!power") -> Upid:
    start = int(NOW.timestamp()) - ago
    return Upid.parse(f"UPID:{node}:0003B2A1:00C4D5E6:{start:08X}:{type_}:{subject}:{user}:")


def task(
    type_: str,
    subject: str = "",
    outcome: Outcome = Outcome.OK,
    *,
    ago: int = 600,
    took: int = 12,
    status: str = "",
    node: str = "pve1",
) -> Task:
    running = outcome is Outcome.RUNNING
    name = upid(type_, subject, ago=ago, node=node)
    return Task(
        cluster="main",
        upid=name,
        outcome=outcome,
        exitstatus="" if running else status or "OK",
        end=None if running else name.start + timedelta(seconds=took),
    )


TASKS = (
    task("vzdump", "101", Outcome.RUNNING, ago=190),
    task("qmreboot", "103", Outcome.OK, ago=300),
    task("qmstart", "102", Outcome.ERROR, ago=3600, status="can't lock file 'lock-102.conf' - got timeout"),
    task("vzdump", "", Outcome.WARNINGS, ago=7200, status="WARNINGS: 1"),
    task("vzstart", "104", Outcome.UNKNOWN, ago=9000, status="unexpected status"),
    task("qmmove", "888", Outcome.ERROR, ago=5 * 86400, status="disk <gone> & lost"),
    task("aptupdate", "", ago=6 * 86400, node="pve3"),
)


def audited(n: int, action: str, target: str, outcome: str, *, name: str = "Ana", ago: float = 60) -> Audit:
    """An order; one without an outcome still runs."""
    asked = NOW - timedelta(seconds=ago)
    return Audit(
        id=n,
        asked=asked,
        ended=asked + timedelta(seconds=34) if outcome else None,
        person=1001,
        name=name,
        chat=-1005,
        action=action,
        target=target,
        token="telemox@pve!power",
        message=None,
        upid="",
        outcome=outcome,
    )


AUDITS = (
    audited(4, "reboot", "main/101", "", ago=12),
    audited(3, "stop", "main/888", "failed: VM is locked (backup) <b>", name="=Eve<1>_&", ago=900),
    audited(2, "freeze", "", "ok", ago=7200),
    audited(1, "gone-action", "old/7", "no answer: it may or may not have started", ago=86400 * 3),
)

EVERY_PRIVILEGE = sorted({privilege for action in ACTIONS for privilege in action.privileges})


class Host:
    """A cluster from memory (`ports.Pve`). Counts the calls that a real one would send to Proxmox VE."""

    def __init__(self, seen: Snapshot, *, cached: bool = True, power: bool = True) -> None:
        self.now_seen = seen
        self._latest = seen if cached else None
        self.waiting = 0.0
        self.calls: list[str] = []
        self.fails: dict[str, Exception] = {}
        self.live: dict[int, Guest] = {}
        self.ips: dict[int, tuple[str, ...]] = {}
        self.found: tuple[Task, ...] = TASKS
        self.power = power
        self.jobs: tuple[BackupJob, ...] = ()
        self.granted: Mapping[str, Mapping[str, bool]] = {"/": dict.fromkeys(EVERY_PRIVILEGE, True)}

    def _asked(self, call: str) -> None:
        self.calls.append(call)
        if call in self.fails:
            raise self.fails[call]

    @property
    def key(self) -> str:
        return self.now_seen.cluster

    @property
    def web(self) -> str:
        return "https://pve1.example.org:8006"

    def latest(self) -> Snapshot | None:
        return self._latest

    async def snapshot(self, max_age: float = 5.0) -> Snapshot:
        if self._latest is None or (NOW - self._latest.taken).total_seconds() > max_age:
            self._asked("resources")
            self._asked("status")
            self._latest = self.now_seen
        return self._latest

    async def guest(self, guest: Guest) -> Guest:
        self._asked("current")
        return self.live.get(guest.vmid, replace(guest, live=True))

    async def addresses(self, guest: Guest) -> tuple[str, ...]:
        self._asked("addresses")
        return self.ips.get(guest.vmid, ())

    async def tasks(self) -> tuple[Task, ...]:
        self._asked("tasks")
        return self.found

    async def node_tasks(
        self, node: str, *, role: Role, vmid: int | None = None, since: datetime | None = None, limit: int = 50
    ) -> tuple[Task, ...]:
        self._asked("node_tasks")
        return tuple(one for one in self.found if vmid is None or one.upid.subject == str(vmid))

    async def task(self, upid: Upid, *, role: Role) -> Task:
        self._asked(f"task:{role.word}")
        for one in self.found:
            if one.upid == upid:
                return replace(one, end=None)
        raise PveRefused("Parameter verification failed.", status=400, errors={"upid": "no such task"})

    async def log(self, upid: Upid, *, role: Role, start: int = 0, limit: int = 50) -> TaskLog:
        self._asked(f"log:{role.word}")
        whole = (*(f"INFO: {n} % <done> & more" for n in range(99)), "TASK OK")
        if start < 0:
            return TaskLog(lines=whole[start:], total=100, start=100 + start)
        return TaskLog(lines=whole, total=100)

    async def backup_jobs(self) -> tuple[BackupJob, ...]:
        self._asked("jobs")
        return self.jobs

    async def version(self) -> Version:
        self._asked("version")
        return Version(major=9, minor=0, text="9.0.3")

    async def permissions(self, role: Role) -> Permissions | None:
        if role is not Role.VIEWER and not self.power:
            return None
        if f"permissions:{role.word}" in self.fails:
            raise self.fails[f"permissions:{role.word}"]
        return Permissions(paths=self.granted)

    def token(self, role: Role) -> str | None:
        if role is Role.VIEWER:
            return "telemox@pve!view"
        return "telemox@pve!power" if self.power else None

    async def write(
        self,
        role: Role,
        method: str,
        path: str,
        params: Mapping[str, str],
        *,
        still: Callable[[], None] = lambda: None,
    ) -> Upid | None:
        raise AssertionError("a page never writes")


class Memory:
    """`ports.Store`, as far as pages go."""

    def __init__(self) -> None:
        self.frozen = False
        self.freezes: list[tuple[bool, int]] = []
        self.orders: list[tuple[str, ...]] = []  # who, chat, action, target; and then how it ended
        self.full = False

    async def freeze(self, on: bool, by: Asker) -> None:
        self.frozen = on
        self.freezes.append((on, by.id))

    async def asked(self, asker: Asker, message: Message | None, action: str, target: str, token: str) -> int:
        assert action in UNSENT, "a page never writes"
        assert message is not None
        if self.full:
            raise StoreFailed(say("The bot's own database failed: {reason}.", reason="full"))
        self.orders.append((asker.name, str(message.place.chat), action, target))
        return len(self.orders)

    async def started(self, audit: int, upid: str) -> None:
        raise AssertionError("a page never writes")

    async def ended(self, audit: int, outcome: str) -> None:
        self.orders[audit - 1] = (*self.orders[audit - 1], outcome)

    async def unfinished(self) -> Sequence[Audit]:
        return ()

    async def audit(self, limit: int = 0) -> Sequence[Audit]:
        return AUDITS[: limit or None]

    async def keep(self, text: str) -> str:
        raise AssertionError("the door keeps, not a page")

    async def kept(self, key: str) -> str | None:
        raise AssertionError("the door keeps, not a page")

    async def migrate(self, old: int, new: int) -> None:
        raise AssertionError("not a page's")

    async def migrations(self) -> Mapping[int, int]:
        return {}


class Mute:
    """A messenger that nobody may speak through: pages only draw."""

    async def send(self, place: Place, screen: Screen, *, silent: bool = False) -> Message | None:
        raise AssertionError("a page never sends")

    async def edit(self, message: Message, screen: Screen, *, progress: bool = False) -> Message | None:
        raise AssertionError("a page never sends")

    async def tell_admins(self, said: Said) -> None:
        raise AssertionError("a page never sends")


@dataclass
class Still:
    """A clock that stands."""

    at: datetime = field(default=NOW)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a page never waits")


def enquiry(
    *hosts: Host,
    asker: Asker = BEN,
    store: Memory | None = None,
    private: bool = True,
    topic: int | None = None,
    watch: Watching | None = None,
    waited: float = 0.0,
) -> Enquiry:
    def spawn(coro: object, name: str) -> asyncio.Task[None]:
        raise AssertionError("a page never starts work")

    env = Env(
        clusters={host.key: host for host in hosts},
        store=store or Memory(),
        messenger=Mute(),
        clock=Still(),
        spawn=spawn,
        watch=watch,
    )
    place = Place(chat=asker.id if private else -100500, topic=topic)
    return Enquiry(env=env, asker=asker, place=place, private=private, bot="telemox_bot", reader=READER, waited=waited)


def gone(reason: str = "No route to host") -> PveError:
    return PveError(reason)
