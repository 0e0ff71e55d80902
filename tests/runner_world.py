"""A small world around the runner: a cluster and a chat that remember, a clock that only moves when somebody sleeps.

The stand-ins sit at the ports. `Life` counts every step that they take, before and after its effect, so that a test
can end the process at any of them.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from bot.access import Asker, Role, Roles
from bot.errors import PveError, PveForbidden, PveNoAnswer, PveRefused, TelemoxError
from bot.model import Guest, Kind, Node, Outcome, Permissions, Snapshot, Status, Task, TaskLog, Upid, Version
from bot.model.readings import BackupJob
from bot.pages.page import Enquiry
from bot.ports import Audit, Env, Watching
from bot.runner import Runner
from bot.screen import Ask, Button, Cancel, Do, Message, Place, Screen
from bot.spawn import Spawn
from bot.store import Store
from bot.text import Reader, Said, plain

TOKEN = "bot@pve!power"
NAME = 'web<1>_&"'
ANA = Asker(id=7, name="Ana", role=Role.OPERATOR)
BEN = Asker(id=8, name="Ben", role=Role.ADMIN)
EVE = Asker(id=9, name="Eve", role=Role.VIEWER)
GROUP = Place(chat=-100, topic=4)
ROLES = Roles(granted={-100: Role.VIEWER, 7: Role.OPERATOR, 8: Role.ADMIN, 9: Role.VIEWER})
ALL = Permissions(
    paths={
        "/": {"VM.PowerMgmt": True, "VM.Config.Disk": True, "Datastore.AllocateSpace": True, "VM.Backup": True},
    }
)
WEB = Guest(cluster="main", vmid=101, name=NAME, kind=Kind.QEMU, node="pve1", status=Status.RUNNING)
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """Sleeping moves it; nothing else does."""

    def __init__(self) -> None:
        self.passed = 1000.0  # monotonic
        self.slept: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed - 1000)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds
        await asyncio.sleep(0)


class Life:
    """One process. `dies_at` the n-th step of its stand-ins."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.steps: list[str] = []
        self.dies_at = dies_at
        self.dead = False

    async def step(self, name: str) -> None:
        self.steps.append(name)
        if len(self.steps) == self.dies_at:
            self.dead = True
        if self.dead:
            raise asyncio.CancelledError
        await asyncio.sleep(0)


@dataclass(kw_only=True)
class Plan:
    """What becomes of the next write."""

    takes: float = 3.0  # seconds of its task
    exit: str = "OK"
    later: float = 0.0  # seconds from the task's end until the guest really changes
    works: bool = True  # does the guest change at all?
    log: Sequence[str] = ()
    raises: PveError | None = None  # instead of an answer
    begins: bool = True  # with `raises`: did the task begin all the same?
    type: str = ""  # of the task, where it is not the usual one
    moves_to: str = ""


@dataclass(kw_only=True)
class Running:
    upid: Upid
    plan: Plan
    ends: float
    changes: float
    change: Callable[[], None]
    changed: bool = False


class Cluster:
    """Guests that obey their tasks as the clock moves."""

    key = "main"
    web = "https://pve1.example:8006"

    def __init__(self, clock: Clock, life: Life) -> None:
        self.clock = clock
        self.life = life
        self.guests: dict[int, Guest] = {101: replace(WEB)}
        self.booted: dict[int, float] = {101: clock.monotonic() - 5000}
        self.plan = Plan()
        self.writes: list[tuple[Role, str, str, Mapping[str, str]]] = []
        self.tasks_: dict[str, Running] = {}
        self.faults: dict[str, deque[TelemoxError]] = {}  # method -> raised by its next calls
        self.down: dict[str, tuple[float, float, TelemoxError]] = {}  # method -> (from, until, raised between)
        self.permissions_: dict[Role, Permissions] = {Role.OPERATOR: ALL, Role.ADMIN: ALL, Role.VIEWER: Permissions()}
        self.calls: list[str] = []
        self.seen: Snapshot | None = None
        self.on_write: Callable[[], None] = lambda: None
        self.hangs: dict[str, Callable[[], Awaitable[object]]] = {}  # method -> what its calls wait for
        self.quorate: bool | None = True
        self.jobs: tuple[BackupJob, ...] | None = ()  # None: may not be read
        self.others: tuple[Task, ...] = ()  # tasks that nobody here started
        self.heads: dict[Upid, Sequence[str]] = {}  # and the beginning of their logs
        self.waits: Callable[[], Awaitable[None]] = _at_once  # before a write has its turn

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> float:
        return 0.0

    def latest(self) -> Snapshot | None:
        return self.seen

    async def snapshot(self, max_age: float = 5.0) -> Snapshot:
        await self._call("snapshot")
        self.seen = self.look()
        return self.seen

    def look(self) -> Snapshot:
        self._obey()
        return Snapshot(
            cluster="main",
            name="homelab",
            quorate=self.quorate,
            nodes=tuple(Node(cluster="main", name=name, online=True) for name in ("pve1", "pve2")),
            guests=tuple(replace(guest, live=False) for guest in self.guests.values()),
            storages=(),
            unseen=(),
            taken=self.clock.now(),
        )

    async def guest(self, guest: Guest) -> Guest:
        await self._call("guest")
        self._obey()
        if guest.vmid not in self.guests:
            raise PveRefused(f"Configuration file 'nodes/pve1/qemu-server/{guest.vmid}.conf' does not exist")
        found = self.guests[guest.vmid]
        uptime = int(self.clock.monotonic() - self.booted[guest.vmid]) if found.status.up else None
        return replace(found, live=True, uptime=uptime)

    async def addresses(self, guest: Guest) -> tuple[str, ...]:
        return ()

    async def tasks(self) -> tuple[Task, ...]:
        raise NotImplementedError

    async def node_tasks(
        self, node: str, *, role: Role, vmid: int | None = None, since: datetime | None = None, limit: int = 50
    ) -> tuple[Task, ...]:
        await self._call("node_tasks")
        mine = tuple(
            self._task(task)
            for task in reversed(self.tasks_.values())
            if task.upid.node == node and task.upid.subject == str(vmid) and (since is None or task.upid.start >= since)
        )
        return mine if vmid is not None else tuple(task for task in self.others if task.upid.node == node)

    async def task(self, upid: Upid, *, role: Role) -> Task:
        await self._call("task")
        if str(upid) not in self.tasks_:
            raise PveRefused("Parameter verification failed.", status=400, errors={"upid": "no such task"})
        return self._task(self.tasks_[str(upid)])

    async def log(self, upid: Upid, *, role: Role, start: int = 0, limit: int = 50) -> TaskLog:
        await self._call("log")
        if upid in self.heads:
            return TaskLog(lines=tuple(self.heads[upid]), total=len(self.heads[upid]))
        lines = tuple(self.tasks_[str(upid)].plan.log)
        return TaskLog(lines=lines[start:] if start < 0 else lines, total=len(lines))

    async def backup_jobs(self) -> tuple[BackupJob, ...]:
        if self.jobs is None:
            raise PveForbidden("Permission check failed (/, Sys.Audit)", path="/", privilege="Sys.Audit")
        return self.jobs

    async def version(self) -> Version:
        raise NotImplementedError

    async def permissions(self, role: Role) -> Permissions | None:
        return self.permissions_.get(role)

    def token(self, role: Role) -> str | None:
        return TOKEN if role in self.permissions_ else None

    # -- writing ---------------------------------------------------------------------------------------------------

    async def write(
        self,
        role: Role,
        method: str,
        path: str,
        params: Mapping[str, str],
        *,
        still: Callable[[], None] = lambda: None,
    ) -> Upid | None:
        await self.life.step("write")
        await self.waits()
        still()
        self.writes.append((role, method, path, params))
        self.on_write()
        plan = self.plan
        upid = self.begin(path, plan, params) if plan.raises is None or plan.begins else None
        await self.life.step("written")
        if plan.raises is not None:
            raise plan.raises
        return upid

    def begin(
        self, path: str, plan: Plan, params: Mapping[str, str] = MappingProxyType({}), *, token: str = TOKEN
    ) -> Upid:
        if path.endswith("/vzdump"):
            return self._run(path.split("/")[2], params["vmid"], "vzdump", "vzdump", plan, token)
        _, _, node, kind, vmid, _, verb = path.split("/")
        usual = {"suspend": "pause"}.get(verb, verb)
        type_ = plan.type or ("qm" if kind == "qemu" else "vz") + usual
        return self._run(node, vmid, type_, verb, plan, token)

    def _run(self, node: str, vmid: str, type_: str, verb: str, plan: Plan, token: str) -> Upid:
        start = int(self.clock.now().timestamp())
        upid = Upid.parse(f"UPID:{node}:0000{len(self.tasks_):04X}:00001000:{start:08X}:{type_}:{vmid}:{token}:")
        ends = self.clock.monotonic() + plan.takes
        self.tasks_[str(upid)] = Running(
            upid=upid,
            plan=plan,
            ends=ends,
            changes=ends + plan.later,
            change=lambda: self._change(int(vmid), verb, plan),
        )
        return upid

    def _change(self, vmid: int, verb: str, plan: Plan) -> None:
        status = {"shutdown": Status.STOPPED, "stop": Status.STOPPED, "suspend": Status.PAUSED}.get(
            verb, Status.RUNNING
        )
        if verb in {"start", "reboot"}:
            self.booted[vmid] = self.clock.monotonic()
        guest = self.guests[vmid] if verb == "vzdump" else replace(self.guests[vmid], status=status)
        self.guests[vmid] = replace(guest, node=plan.moves_to) if plan.moves_to else guest

    def _task(self, task: Running) -> Task:
        self._obey()
        if self.clock.monotonic() < task.ends:
            return Task(cluster="main", upid=task.upid, outcome=Outcome.RUNNING)
        exit_ = task.plan.exit
        outcome = {"OK": Outcome.OK, "unexpected status": Outcome.UNKNOWN}.get(exit_, Outcome.ERROR)
        if exit_.startswith("WARNINGS"):
            outcome = Outcome.WARNINGS
        return Task(cluster="main", upid=task.upid, outcome=outcome, exitstatus=exit_)

    def _obey(self) -> None:
        for task in self.tasks_.values():
            if task.plan.works and not task.changed and self.clock.monotonic() >= task.changes:
                task.changed = True
                task.change()

    async def _call(self, name: str) -> None:
        self.calls.append(name)
        await self.hangs.get(name, _at_once)()
        await self.life.step(name)
        if waiting := self.faults.get(name):
            raise waiting.popleft()
        if name in self.down:
            since, until, error = self.down[name]
            if since <= self.clock.monotonic() < until:
                raise error


@dataclass(kw_only=True)
class Shown:
    how: str  # send, silent, edit, progress
    message: Message
    screen: Screen

    @property
    def text(self) -> str:
        return plain(self.screen.text, Reader())

    @property
    def buttons(self) -> dict[str, Button]:
        return {plain(button.label, Reader()): button for row in self.screen.rows for button in row}


class Chat:
    """Remembers what it was told to show."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.said: list[Shown] = []
        self.unreachable = 0  # so many calls fail
        self.gone: set[int] = set()  # message ids that are no more
        self.next_id = 900

    async def send(self, place: Place, screen: Screen, *, silent: bool = False) -> Message | None:
        await self.life.step("send")
        if self._fails():
            return None
        self.next_id += 1
        message = Message(place=place, id=self.next_id)
        self.said.append(Shown(how="silent" if silent else "send", message=message, screen=screen))
        await self.life.step("sent")
        return message

    async def edit(self, message: Message, screen: Screen, *, progress: bool = False) -> Message | None:
        await self.life.step("progress" if progress else "edit")
        if self._fails():
            return None
        if message.id in self.gone:
            self.next_id += 1
            message = Message(place=message.place, id=self.next_id)
        self.said.append(Shown(how="progress" if progress else "edit", message=message, screen=screen))
        await self.life.step("edited")
        return message

    async def tell_admins(self, said: Said) -> None:
        raise NotImplementedError

    def _fails(self) -> bool:
        if self.unreachable:
            self.unreachable -= 1
            return True
        return False


class Steps:
    """The real store, its steps counted."""

    def __init__(self, store: Store, life: Life) -> None:
        self.real = store
        self.life = life

    @property
    def frozen(self) -> bool:
        return self.real.frozen

    async def freeze(self, on: bool, by: Asker) -> None:
        await self.real.freeze(on, by)

    async def asked(self, asker: Asker, message: Message | None, action: str, target: str, token: str) -> int:
        await self.life.step("asked")
        number = await self.real.asked(asker, message, action, target, token)
        await self.life.step("asked, written")
        return number

    async def started(self, audit: int, upid: str) -> None:
        await self.life.step("started")
        await self.real.started(audit, upid)
        await self.life.step("started, written")

    async def ended(self, audit: int, outcome: str) -> None:
        await self.life.step("ended")
        await self.real.ended(audit, outcome)
        await self.life.step("ended, written")

    async def unfinished(self) -> Sequence[Audit]:
        await self.life.step("unfinished")
        return await self.real.unfinished()

    async def audit(self, limit: int = 0) -> Sequence[Audit]:
        return await self.real.audit(limit)

    async def keep(self, text: str) -> str:
        return await self.real.keep(text)

    async def kept(self, key: str) -> str | None:
        return await self.real.kept(key)

    async def migrate(self, old: int, new: int) -> None:
        await self.real.migrate(old, new)

    async def migrations(self) -> Mapping[int, int]:
        return await self.real.migrations()


@dataclass(kw_only=True)
class World:
    folder: Path
    clock: Clock
    pve: Cluster
    chat: Chat
    life: Life
    store: Steps
    spawn: Spawn
    env: Env
    runner: Runner
    roles: Roles = ROLES
    card: Message = field(default_factory=lambda: Message(place=GROUP, id=42))

    @classmethod
    async def make(cls, folder: Path, *, life: Life | None = None, before: "World | None" = None) -> "World":
        """`before`: the world that ended; cluster, chat and clock go on, the process is new."""
        life = life or Life()
        clock = before.clock if before else Clock()
        pve = before.pve if before else Cluster(clock, life)
        chat = before.chat if before else Chat(life)
        pve.life = chat.life = life
        store = Steps(await Store.open(folder, clock), life)
        spawn = Spawn(grace=0.1)
        env = Env(clusters={"main": pve}, store=store, messenger=chat, clock=clock, spawn=spawn, patience=0.01)
        world = cls(
            folder=folder,
            clock=clock,
            pve=pve,
            chat=chat,
            life=life,
            store=store,
            spawn=spawn,
            env=env,
            runner=Runner(env, lambda: world.roles),
        )
        return world

    def watched(self, watch: Watching) -> None:
        """With alerts in its chat."""
        self.env = replace(self.env, watch=watch)
        self.runner = Runner(self.env, lambda: self.roles)

    async def close(self) -> None:
        await self.spawn.close(0)
        await self.store.real.close()

    async def restart(self) -> "World":
        """Ends this process as it stands, and starts the next one."""
        await self.close()
        return await World.make(self.folder, before=self)

    def ask(self, asker: Asker = ANA) -> Enquiry:
        return Enquiry(env=self.env, asker=asker, place=GROUP, private=False, bot="telemox_bot", reader=Reader())

    async def tap(
        self, tap: Ask | Do | Cancel, asker: Asker = ANA, *, message: Message | None = None, age: float = 0.0
    ) -> str | None:
        """As the chat does: the door first. Gives the toast of a refusal."""
        message = message or self.card
        refused = self.runner.refusal(tap, asker, message)
        if refused is not None:
            return plain(refused, Reader())
        await self.runner.on_tap(tap, self.ask(asker), message, arrived=self.clock.monotonic() - age)
        return None

    async def press(self, label: str, asker: Asker = ANA, *, age: float = 0.0) -> str | None:
        """Presses the button whose label holds `label`, on the last thing said."""
        shown = self.last
        (button,) = [button for name, button in shown.buttons.items() if label in name]
        assert isinstance(button.tap, Ask | Do | Cancel)
        return await self.tap(button.tap, asker, message=shown.message, age=age)

    async def order(self, action: str = "reboot") -> None:
        """Ask, Yes, and wait for the end."""
        await self.tap(Ask(action, "main/101"))
        await self.press("Yes")
        await self.end()

    async def end(self) -> None:
        """Until no run is left."""
        while len(self.spawn):
            await asyncio.wait(set(self.spawn._tasks))

    async def until(self, true: Callable[[], bool]) -> None:
        """Lets the runs go on until something is so; half a minute at most."""
        async with asyncio.timeout(30):
            while not true():  # noqa: ASYNC110 - the stand-ins tell nobody of their steps
                await asyncio.sleep(0)

    @property
    def last(self) -> Shown:
        return self.chat.said[-1]

    @property
    def shown(self) -> Shown:
        """What stands in the card's message now."""
        return [said for said in self.chat.said if said.message == self.card][-1]

    async def audit(self) -> list[tuple[str, str]]:
        """(action, outcome) of each order, '' for one that has not ended."""
        return await self.store.real._do(
            lambda connection: connection.execute(
                "SELECT a.action, coalesce(e.outcome, '') FROM audit a LEFT JOIN audit e ON e.order_id = a.id"
                " WHERE a.line = 'asked' ORDER BY a.id"
            ).fetchall()
        )


async def _at_once() -> None:
    """No wait."""


def no_answer() -> PveNoAnswer:
    return PveNoAnswer("read timed out", host="pve1:8006")
