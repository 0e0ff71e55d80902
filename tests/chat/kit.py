"""The real door between the stand-in Bot API and small stand-ins for store, runner and pages. Time is a value."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.access import Asker, Role, Roles
from bot.chat.chat import Chat
from bot.chat.door import FLOOD
from bot.chat.handlers import Action
from bot.demo.telegram import BotApi
from bot.errors import Denied, NotFound, PveForbidden, StoreFailed
from bot.pages.page import Enquiry, Page
from bot.ports import Audit, Env, Watching
from bot.screen import Ask, Button, Copy, Do, File, Link, Message, Open, Picture, Row, Screen
from bot.spawn import Spawn
from bot.text import Said, bold, lines, say

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"
HOSTILE = 'web<1>_&"'
ANA, BEN, VERA, MALLORY = 1001, 1002, 1003, 6666
OPS, ELSEWHERE = -1_000_500, -1_000_666
PATIENCE = 30.0  # seconds for what should have come long before


class Clock:
    """Stands still until `advance`."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._epoch = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self._now

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=self._now - 1000)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, future))
        await future

    @property
    def asleep(self) -> list[float]:
        """Seconds that each sleeper has still to wait."""
        return sorted(at - self._now for at, future in self._sleepers if not future.done())

    async def slept(self, seconds: float) -> None:
        """Until somebody sleeps who has that long to wait."""
        async with asyncio.timeout(PATIENCE):
            while seconds not in self.asleep:  # noqa: ASYNC110 - a sleeper tells nobody
                await asyncio.sleep(0.001)

    async def advance(self, seconds: float) -> None:
        """Wakes everybody on the way, in order, and lets them run."""
        end = self._now + seconds
        while True:
            await breathe()
            self._sleepers = [one for one in self._sleepers if not one[1].done()]
            due = [one for one in self._sleepers if one[0] <= end]
            if not due:
                break
            first = min(due, key=lambda one: one[0])
            self._now = max(self._now, first[0])
            self._sleepers.remove(first)
            first[1].set_result(None)
        self._now = end
        await breathe()


async def breathe() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class Memory:
    """A store that forgets."""

    def __init__(self, migrations: Mapping[int, int] | None = None) -> None:
        self.frozen = self.full = False
        self.texts: dict[str, str] = {}
        self.moves = dict(migrations or {})
        self.orders: list[tuple[str, int, str, str]] = []  # who, where, what, of what
        self.hangs: asyncio.Event | None = None  # an order is written down once it is set
        self.waiting = 0

    async def freeze(self, on: bool, by: Asker) -> None:
        self.frozen = on

    async def asked(self, asker: Asker, message: Message | None, action: str, target: str, token: str) -> int:
        if self.hangs is not None:
            self.waiting += 1
            await self.hangs.wait()
        self.orders.append((asker.name, message.place.chat if message else asker.id, action, target))
        return len(self.orders)

    async def started(self, audit: int, upid: str) -> None: ...

    async def ended(self, audit: int, outcome: str) -> None: ...

    async def unfinished(self) -> Sequence[Audit]:
        return ()

    async def audit(self, limit: int = 0) -> Sequence[Audit]:
        return ()

    async def keep(self, text: str) -> str:
        if self.full:
            raise StoreFailed(say("The disk is full."))
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.texts[key] = text
        return key

    async def kept(self, key: str) -> str | None:
        if self.full:
            raise StoreFailed(say("The disk is full."))
        return self.texts.get(key)

    async def migrate(self, old: int, new: int) -> None:
        self.moves[old] = new

    async def migrations(self) -> Mapping[int, int]:
        return self.moves


@dataclass
class Acts:
    """A runner that notes what it was asked to do, and does nothing."""

    env: Env
    taps: list[tuple[Action, int]] = field(default_factory=list)  # with the asker's id
    refused: list[Action] = field(default_factory=list)
    revoked: list[Message] = field(default_factory=list)
    refuse: Said | None = None
    hold: asyncio.Event | None = None

    def refusal(self, tap: Action, asker: Asker, message: Message) -> Said | None:
        if asker.role < Role.OPERATOR:
            self.refused.append(tap)
            return say("Your role here is {role}; reboot needs operator.", role=asker.role.word)
        if self.refuse is not None:
            self.refused.append(tap)
        return self.refuse

    def revoke(self, message: Message) -> None:
        self.revoked.append(message)

    async def on_tap(self, tap: Action, ask: Enquiry, message: Message, *, arrived: float) -> None:
        self.taps.append((tap, ask.asker.id))
        if self.hold is not None:
            await self.hold.wait()
        if isinstance(tap, Ask) and tap.action == "explode":
            raise RuntimeError("the runner broke")
        if isinstance(tap, Ask) and tap.action == "missing":
            raise NotFound(say("There is no guest {id}.", id=tap.target))
        await self.env.messenger.edit(message, Screen(text=say("done: {what}", what=type(tap).__name__)))

    async def resume(self) -> None: ...


class World:
    """What the pages show and how long they take; a fresh one for each test."""

    def __init__(self) -> None:
        self.shown: list[str] = []  # in the order in which the pages ended
        self.gates: dict[str, asyncio.Event] = {}  # argument of /slow -> it may end
        self.running = 0
        self.most = 0
        self.rows: tuple[Row, ...] = ()
        self.text: Said = say("as it is")
        self.attachment: Picture | File | None = None

    def pages(self) -> Mapping[str, Page]:
        made = (
            Page(key="start", help="What I can do", role=None, load=self._plain, draw=self._start, command=True),
            Page(key="status", help="The cluster at a glance", role=Role.VIEWER, load=self._plain, draw=self._status,
                 command=True, aliases=("s",)),
            Page(key="vm", help="One guest", role=Role.VIEWER, load=self._plain, draw=self._vm, command=True),
            Page(key="slow", help="", role=Role.VIEWER, load=self._slow, draw=self._echo, command=True),
            Page(key="slowly", help="", role=Role.VIEWER, load=self._slow, draw=self._echo, changes=True),
            Page(key="audit", help="Who did what", role=Role.ADMIN, load=self._plain, draw=self._echo, command=True),
            Page(key="any", help="", role=Role.VIEWER, load=self._plain, draw=self._any, command=True),
            Page(key="lost", help="", role=Role.VIEWER, load=self._lost, draw=self._echo, command=True),
            Page(key="broken", help="", role=Role.VIEWER, load=self._broken, draw=self._echo, command=True),
            Page(key="silenced", help="", role=Role.OPERATOR, load=self._plain, draw=self._echo),
            Page(key="quieten", help="", role=Role.VIEWER, load=self._fresh, draw=self._echo, command=True,
                 changes=True),
            Page(key="ends", help="", role=Role.VIEWER, load=self._ends, draw=self._echo, command=True, changes=True),
            Page(key="silence", help="", role=Role.OPERATOR, load=self._plain, draw=self._echo, command=True,
                 changes=True, deed="silencing"),
            Page(key="menu", help="", role=Role.OPERATOR, load=self._plain, draw=self._echo, deed="muting"),
            Page(key="hush", help="", role=Role.OPERATOR, load=self._plain, draw=self._echo),
            Page(key="hidden", help="", role=Role.VIEWER, load=self._plain, draw=self._echo),
        )  # fmt: skip
        return {page.key: page for page in made}

    async def _plain(self, ask: Enquiry, arg: str) -> str:
        return arg

    async def _fresh(self, ask: Enquiry, arg: str) -> str:
        ask.fresh()
        return arg

    async def _ends(self, ask: Enquiry, arg: str) -> str:
        if arg.startswith("end") and ask.asker.role < Role.OPERATOR:
            raise Denied(say("Your role here is {role}; ending a silence needs operator.", role=ask.asker.role.word))
        if arg == "broken":
            raise RuntimeError("the page broke")
        return arg

    async def _slow(self, ask: Enquiry, arg: str) -> str:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gates.setdefault(arg, asyncio.Event()).wait()
        finally:
            self.running -= 1
        if arg == "lost":
            raise NotFound(say("There is no guest {name}.", name=arg))
        return arg

    async def _lost(self, ask: Enquiry, arg: str) -> str:
        if arg == "forbidden":
            raise PveForbidden("403", token="telemox@pve!view", path="/vms/101", privilege="VM.Audit")
        raise NotFound(say("There is no guest {name}.", name=arg))

    async def _broken(self, ask: Enquiry, arg: str) -> str:
        raise RuntimeError(f"broken by {arg}")

    def _start(self, data: str, asker: Asker) -> Screen:
        return Screen(text=say("Hello {name}.", name=asker.name))

    def _status(self, data: str, asker: Asker) -> Screen:
        self.shown.append("status")
        return Screen(
            text=lines(bold("homelab"), say("{guest} runs", guest=HOSTILE), say("for {role}", role=asker.role.word)),
            rows=(
                (Button(say("{name}", name=HOSTILE), Open("vm", "main/101")), Button(say("↻"), Open("status"))),
                (Button(say("Audit"), Open("audit")), Button(say("Reboot"), Ask("reboot", "main/101"), "danger")),
                (Button(say("Web UI ↗"), Link("https://192.0.2.1:8006")), Button(say("Copy"), Copy("pveum user list"))),
            ),
        )

    def _vm(self, data: str, asker: Asker) -> Screen:
        self.shown.append(data)
        return Screen(
            text=say("{name} is {arg}", name=HOSTILE, arg=data),
            rows=(
                (Button(say("Yes"), Do("n1")), Button(say("Far"), Open("vm", "x" * 100))),
                (Button(say("‹"), Open("status")),),
            ),
        )

    def _echo(self, data: str, asker: Asker) -> Screen:
        self.shown.append(data)
        return Screen(text=say("echo {arg}", arg=data))

    def _any(self, data: str, asker: Asker) -> Screen:
        return Screen(text=self.text, rows=self.rows, attachment=self.attachment)


class House:
    def __init__(
        self, clock: Clock, api: BotApi, chat: Chat, env: Env, acts: Acts, world: World, store: Memory, spawn: Spawn
    ) -> None:
        self.spawn = spawn
        self.clock, self.api, self.chat, self.env, self.acts = clock, api, chat, env, acts
        self.world, self.store, self.messenger = world, store, chat.messenger
        self.ana, self.ben = api.user(ANA, "Ana"), api.user(BEN, "Ben")
        self.vera, self.mallory = api.user(VERA, "Vera"), api.user(MALLORY, "Mallory")
        self.with_ana, self.with_ben = api.private(self.ana), api.private(self.ben)
        self.with_vera, self.with_mallory = api.private(self.vera), api.private(self.mallory)
        self.ops = api.group(OPS, "Ops", forum=True, bot_admin=True)
        self.elsewhere = api.group(ELSEWHERE, "Elsewhere", bot_admin=True)

    @property
    def resting(self) -> bool:
        return self.api.updates.idle and not self.api.busy and len(self.spawn) <= 1

    async def rest(self) -> None:
        """Until everything that was sent has been worked off, and nothing runs but the watchdog."""
        async with asyncio.timeout(PATIENCE):
            # Nothing tells when work has ended that leaves no trace; looked at every millisecond.
            while not self.resting:  # noqa: ASYNC110
                await asyncio.sleep(0.001)


ROLES = Roles(granted={ANA: Role.ADMIN, BEN: Role.OPERATOR, VERA: Role.VIEWER, OPS: Role.VIEWER})


@asynccontextmanager
async def house(
    *,
    roles: Roles = ROLES,
    flood: int = FLOOD,
    migrations: Mapping[int, int] | None = None,
    began: bool = True,
    watch: Watching | None = None,
    patience: float = 60.0,
) -> AsyncIterator[House]:
    """Ana (admin), Ben (operator), Vera (viewer), Mallory (nobody), the group Ops (viewers, with topics), and a group
    that the bot does not serve. `began`: the first batch, which may have waited, is over; else nothing is
    heard before `home.chat.start(home.env, home.acts)`."""
    clock = Clock()
    api = BotApi(TOKEN, now=lambda: clock.now().timestamp())
    await api.start()
    spawn, store, world = Spawn(), Memory(migrations), World()
    chat = Chat(TOKEN, api.base_url, roles, store, clock, spawn, pages=world.pages(), flood=flood)
    env = Env(
        clusters={}, store=store, messenger=chat.messenger, clock=clock, spawn=spawn, watch=watch, patience=patience
    )
    acts = Acts(env)
    made = House(clock, api, chat, env, acts, world, store, spawn)
    try:
        await chat.connect()
        if began:
            await chat.start(env, acts)
            api.push({})
            await made.rest()
        yield made
    finally:
        await chat.stop_polling()
        await spawn.close(0)
        await chat.shutdown()
        await api.stop()
