"""A Telegram, a store and a clock for the deliverer: all of them values, all of them able to fail."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.access import Role
from bot.deliver import Deliverer
from bot.errors import StoreFailed
from bot.model import (
    About,
    Alert,
    Card,
    Finding,
    Fleet,
    Habits,
    News,
    NewsKind,
    Outgoing,
    Phase,
    Record,
    Route,
    Severity,
    Subject,
)
from bot.ports import Changes, Kept, Lost, Pulse, Undelivered
from bot.screen import Message, Place, Screen
from bot.spawn import Spawn
from bot.text import Reader, Said, plain, say

HOSTILE = 'web<1>_&"'
OPS, NIGHT, ANA = -100, -200, 7
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
"""A Tuesday."""
CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO


class Clock:
    """Stands still; who sleeps is woken by `advance`."""

    def __init__(self, now: datetime = NOON) -> None:
        self.at = 1000.0
        self._zero = now - timedelta(seconds=1000.0)
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._zero + timedelta(seconds=self.at)

    def monotonic(self) -> float:
        return self.at

    def jump(self, seconds: float) -> None:
        """The wall clock alone."""
        self._zero += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.at + seconds, future))
        await future

    async def advance(self, seconds: float) -> None:
        end = self.at + seconds
        while True:
            await breathe()
            due = sorted((one for one in self._sleepers if one[0] <= end and not one[1].done()), key=lambda one: one[0])
            if not due:
                break
            self.at = max(self.at, due[0][0])
            self._sleepers.remove(due[0])
            due[0][1].set_result(None)
        self.at = end
        await breathe()


async def breathe() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


class Shelf:
    """A ledger in memory. `killed`: the process is dead, and writes nothing any more."""

    def __init__(self) -> None:
        self.alerts_: dict[int, Alert] = {}
        self.cards: dict[int, Card] = {}
        self.outbox: dict[int, Outgoing] = {}
        self.routes: dict[tuple[int, int | None], Route] = {}
        self.habits: dict[int, Habits] = {}
        self.facts: dict[str, str] = {}
        self.parked: dict[int, bool] = {}
        self.full = False
        self.saves = 0

    async def alerts(self) -> Kept:
        return Kept(
            alerts=tuple(self.alerts_.values()),
            cards=tuple(self.cards.values()),
            outbox=tuple(self.outbox.values()),
            routes=tuple(self.routes.values()),
            habits=tuple(self.habits.values()),
            facts=dict(self.facts),
            parked=frozenset(chat for chat, on in self.parked.items() if on),
        )

    async def save(self, changes: Changes) -> None:
        await asyncio.sleep(0)
        if self.full:
            raise StoreFailed(say("disk full"))
        self.saves += 1
        self.alerts_.update({alert.number: alert for alert in changes.alerts})
        self.cards.update({card.id: card for card in changes.cards})
        self.outbox.update({one.id: one for one in changes.outbox})
        self.routes.update({(one.chat, one.topic): one for one in changes.routes})
        self.habits.update({one.chat: one for one in changes.habits})
        self.facts.update(changes.facts)
        self.parked.update(changes.parked)
        for number in changes.gone:
            self.alerts_.pop(number, None)
        for id_ in changes.cards_gone:
            self.cards.pop(id_, None)
        for id_ in changes.sent:
            self.outbox.pop(id_, None)
        for key in changes.routes_gone:
            self.routes.pop(key, None)

    async def history(self, limit: int = 50, since: datetime | None = None) -> Sequence[Record]:
        return ()


@dataclass
class Shown:
    """One message as it stands in a chat."""

    message: Message
    screen: Screen
    silent: bool
    reply_to: int | None
    at: float
    edits: int = 0
    deleted: bool = False

    @property
    def text(self) -> str:
        return plain(self.screen.text, Reader(zone=UTC))

    @property
    def card(self) -> bool:
        """What replies to one may have buttons too."""
        return bool(self.screen.rows) and self.reply_to is None

    @property
    def labels(self) -> list[str]:
        return [plain(button.label, Reader()) for row in self.screen.rows for button in row]


@dataclass
class Telegram:
    """A courier. `plan`: what goes wrong next, per chat: an Undelivered, or `lost` (shown, but no answer came)."""

    clock: Clock
    shown: list[Shown] = field(default_factory=list)
    plan: dict[int, list[Undelivered | str]] = field(default_factory=dict)
    moved: dict[int, int] = field(default_factory=dict)
    pins: list[Message] = field(default_factory=list)
    unpins: list[Message] = field(default_factory=list)
    tries: int = 0
    spared: int = 0  # of them, out of what the rates have to spare
    tight: bool = False  # they have nothing to spare
    deaf: float = 0.0

    def at(self, chat: int) -> list[Shown]:
        return [one for one in self.shown if one.message.place.chat == chat and not one.deleted]

    async def post(
        self, place: Place, screen: Screen, *, silent: bool = False, reply_to: int | None = None
    ) -> Message | Undelivered:
        self.tries += 1
        wrong = self._wrong(place.chat)
        if isinstance(wrong, Undelivered):
            await asyncio.sleep(0)
            return wrong
        chat = self.moved.get(place.chat, place.chat)
        place = place if chat == place.chat else Place(chat=chat)
        message = Message(place=place, id=len(self.shown) + 1)
        self.shown.append(Shown(message, screen, silent, reply_to, self.clock.at))
        await asyncio.sleep(0)
        return Undelivered(why=Lost.UNKNOWN) if wrong else message

    async def revise(self, message: Message, screen: Screen, *, spare: bool = False) -> Message | Undelivered:
        if spare and self.tight:
            return Undelivered(why=Lost.LATER, detail="no room to spare")
        self.tries += 1
        self.spared += spare
        wrong = self._wrong(message.place.chat)
        await asyncio.sleep(0)
        if isinstance(wrong, Undelivered):
            return wrong
        old = next((one for one in self.at(message.place.chat) if one.message.id == message.id), None)
        if old is None or message.place.chat in self.moved:
            return Undelivered(why=Lost.MISSING)
        old.screen = screen
        old.edits += 1
        return Undelivered(why=Lost.LATER) if wrong else message

    async def pin(self, message: Message) -> bool:
        self.pins.append(message)
        return True

    async def unpin(self, message: Message) -> bool:
        self.unpins.append(message)
        return True

    def _wrong(self, chat: int) -> Undelivered | str | None:
        left = self.plan.get(chat)
        return left.pop(0) if left else None


LATER = Undelivered(why=Lost.LATER)
GONE = Undelivered(why=Lost.CHAT, detail="Forbidden: bot was kicked from the group chat")
REFUSED = Undelivered(why=Lost.REFUSED, detail="Bad Request: odd")


class World:
    """A deliverer, and what the watch does with it: `tick()`."""

    def __init__(
        self,
        *routes: Route,
        habits: Sequence[Habits] = (),
        now: datetime = NOON,
        shelf: Shelf | None = None,
        telegram: Callable[[Clock], Telegram] | None = None,
        scale: float = 1.0,
        fleet: Fleet | None = None,
    ) -> None:
        self.fleet = fleet
        self.clock = Clock(now)
        self.shelf = shelf or Shelf()
        self.telegram = Telegram(self.clock) if telegram is None else telegram(self.clock)
        self.routes = routes or (Route(chat=OPS),)
        self.alerts: dict[int, Alert] = {alert.number: alert for alert in self.shelf.alerts_.values()}
        self.notes: list[str] = []
        self.scale = scale
        self.kept = Kept(habits=tuple(habits))
        self.spawn = Spawn()
        self.deliverer = self.make()
        self.deliverer.load(self.kept)
        self.news: list[News] = []

    def make(self) -> Deliverer:
        return Deliverer(
            self.shelf,
            self.telegram,
            self.clock,
            self.spawn,
            ceiling=lambda chat: Role.OPERATOR,
            routes=self.routes,
            clusters={"main": "homelab"},
            tell=self._tell,
            fleet=lambda: self.fleet,
            zone=UTC,
            scale=self.scale,
        )

    async def restart(self) -> None:
        """Another process with the same store."""
        await self.spawn.close(0)
        self.spawn = Spawn()
        self.deliverer = self.make()
        kept = await self.shelf.alerts()
        self.deliverer.load(kept)
        self.alerts = {alert.number: alert for alert in kept.alerts}

    async def _tell(self, said: Said) -> None:
        self.notes.append(plain(said, Reader(zone=UTC)))

    # -- what the watch does

    def fire(self, number: int, severity: Severity = WARNING, **fields: object) -> Alert:
        made = alert(number, severity, fired=self.clock.now(), **fields)
        self.alerts[number] = made
        self.news.append(News(kind=NewsKind.FIRED, alert=made))
        return made

    def change(self, number: int, kind: NewsKind, **fields: object) -> Alert:
        made = replace(self.alerts[number], **fields)  # type: ignore[arg-type]
        self.alerts[number] = made
        self.news.append(News(kind=kind, alert=made))
        return made

    def over(self, number: int) -> Alert:
        told = self.alerts[number].told
        kind = NewsKind.RESOLVED if told else NewsKind.BACK
        return self.change(number, kind, phase=Phase.OVER, over=self.clock.now())

    def worse(self, number: int) -> Alert:
        finding = replace(self.alerts[number].finding, severity=CRITICAL)
        return self.change(number, NewsKind.ESCALATED, finding=finding, severity=CRITICAL, acked=None)

    async def save(self, pulse: Sequence[Pulse] = ()) -> None:
        """One tick of the watch, without the sending."""
        for number in [n for n, one in self.alerts.items() if one.phase is Phase.OVER]:
            if not self.deliverer.needed([number]) and not any(item.alert.number == number for item in self.news):
                del self.alerts[number]
                await self.shelf.save(Changes(gone=(number,)))
        changes = self.deliverer.take(self.alerts, self.news, pulse)
        self.alerts.update({one.number: one for one in changes.alerts})
        self.news = []
        rows = {one.number: one for one in self.alerts.values()}
        await self.shelf.save(replace(changes, alerts=tuple(rows.values())))
        self.deliverer.wake()

    async def tick(self, seconds: float = 15.0, pulse: Sequence[Pulse] = ()) -> None:
        """A poll later: planned, saved, and sent as far as that goes."""
        self.clock.at += seconds
        await self.save(pulse)
        await self.send()

    async def send(self) -> None:
        """Everything that can be sent now, in every chat."""
        for chat in sorted(self.deliverer.chats()):
            await self.deliverer.drain(chat)

    async def wait(self, seconds: float, step: float = 15.0) -> None:
        await self.tick(0)
        end = self.clock.at + seconds
        while self.clock.at < end:
            await self.tick(min(step, end - self.clock.at))

    def texts(self, chat: int = OPS) -> list[str]:
        return [one.text for one in self.telegram.at(chat)]

    def __iter__(self) -> Iterator[Shown]:
        return iter(self.telegram.shown)


def guest(
    vmid: int = 101, name: str = HOSTILE, node: str = "pve1", tags: Sequence[str] = (), pool: str = ""
) -> Subject:
    return Subject(about=About.GUEST, cluster="main", id=str(vmid), name=name, node=node, tags=tuple(tags), pool=pool)


def on_node(name: str = "pve2") -> Subject:
    return Subject(about=About.NODE, cluster="main", id=name, name=name, node=name)


def alert(number: int, severity: Severity = WARNING, **fields: object) -> Alert:
    """`rule`, `subject`, `quiet`, `loud`, `slow`, `event`, `cures` … are the finding's, the rest the alert's."""
    of_finding: dict[str, object] = {}
    for name in ("subject", "quiet", "loud", "slow", "event", "affected", "said", "since", "cures", "after"):
        if name in fields:
            of_finding[name] = fields.pop(name)
    rule = str(fields.pop("rule", f"rule{number}"))
    subject = of_finding.pop("subject", None) or guest(100 + number)
    said = of_finding.pop("said", None) or say("{name} is wrong ({n})", name=HOSTILE, n=number)
    finding = Finding(
        rule=rule,
        subject=subject,  # type: ignore[arg-type]
        severity=severity,
        said=said,  # type: ignore[arg-type]
        over=say("{name} is well ({n})", name=HOSTILE, n=number),
        **of_finding,  # type: ignore[arg-type]
    )
    fired = fields.pop("fired", NOON)
    event = bool(of_finding.get("event"))
    values: Mapping[str, object] = {
        "number": number,
        "finding": finding,
        "phase": Phase.OVER if event else Phase.FIRING,
        "found": fired,
        "fired": fired,
        "over": fired if event else None,
        "severity": severity,
        **fields,
    }
    return Alert(**values)  # type: ignore[arg-type]
