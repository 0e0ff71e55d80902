"""What the watch, the deliverer and the pages of alerts need of each other and of the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeVar

from bot.access import Asker
from bot.model import Alert, Blind, Card, Habits, Outgoing, Record, Route, Silence, Subject
from bot.ports.claims import Claims
from bot.ports.doors import Pve
from bot.screen import Message, Place, Screen
from bot.text import Said

if TYPE_CHECKING:  # not needed before the first poll, and a start does not wait for it
    from bot.model.feeds import Feed
    from bot.model.view import GuestWas, NodeWas, StorageWas

T = TypeVar("T")


class Watched(Pve, Protocol):
    """A cluster that is watched: what `/cluster/resources` does not say, at its own pace."""

    async def feed(self, feed: Feed[T], node: str = "") -> T:
        """What one feed of bot/model/feeds.py reads, with the view token. `node` where it is per node.

        Raises: PveError; PveAbsent where there is nothing to read (no Ceph, no ZFS, a version without it).
        """
        ...

    async def quorate_elsewhere(self) -> bool | None:
        """GET /cluster/status of another host than the one that answered last; None where there is none, or no
        answer."""
        ...


NUMBER, SILENCE, NEXT = "number", "silence", "deliver.next"
"""Kept.facts: the last Alert.number and Silence.id given away, and the next number for a card or a letter. None is ever
given twice, since buttons name them for years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Everything about alerts that survives a restart, as the store read it."""

    alerts: Sequence[Alert] = ()
    cards: Sequence[Card] = ()
    outbox: Sequence[Outgoing] = ()
    silences: Sequence[Silence] = ()
    routes: Sequence[Route] = ()  # made by /subscribe
    habits: Sequence[Habits] = ()
    guests: Mapping[tuple[str, int], GuestWas] = field(default_factory=dict)  # (cluster, vmid)
    nodes: Mapping[tuple[str, str], NodeWas] = field(default_factory=dict)  # (cluster, node)
    storages: Mapping[tuple[str, str], StorageWas] = field(default_factory=dict)  # (cluster, Storage.id)
    events: Mapping[str, datetime] = field(default_factory=dict)  # alert keys of events that were dealt with
    facts: Mapping[str, str] = field(default_factory=dict)  # small things by key: the next number, when a feed was read
    parked: frozenset[int] = frozenset()  # chats that cannot be written to


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What one tick, or one delivery, changed: written together or not at all."""

    alerts: Sequence[Alert] = ()  # by number
    gone: Sequence[int] = ()  # numbers of alerts that are forgotten
    cards: Sequence[Card] = ()  # by id
    cards_gone: Sequence[int] = ()
    outbox: Sequence[Outgoing] = ()  # by id
    sent: Sequence[int] = ()  # ids of outbox rows that are done
    silences: Sequence[Silence] = ()
    silences_gone: Sequence[int] = ()
    routes: Sequence[Route] = ()  # by chat and topic
    routes_gone: Sequence[tuple[int, int | None]] = ()
    habits: Sequence[Habits] = ()
    history: Sequence[Record] = ()  # by number
    guests: Mapping[tuple[str, int], GuestWas | None] = field(default_factory=dict)  # None: forget
    nodes: Mapping[tuple[str, str], NodeWas | None] = field(default_factory=dict)
    storages: Mapping[tuple[str, str], StorageWas | None] = field(default_factory=dict)
    events: Mapping[str, datetime] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    parked: Mapping[int, bool] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__dataclass_fields__)


class Lost(Enum):
    """Explanation Telegram did not take a message that the deliverer had for it."""

    LATER = "later"  # 429, 5xx, no connection: nothing was shown; try again after `Undelivered.after`
    UNKNOWN = "unknown"  # it was sent and no answer came: perhaps it was shown
    MISSING = "missing"  # the message to be edited, or replied to, is gone: send a new one
    CHAT = "chat"  # 403, chat not found: nothing can be said there
    REFUSED = "refused"  # in no form that we know does Telegram take it: trying again is no use


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    why: Lost
    after: float = 0.0  # s
    detail: str = ""  # Telegram's words
    chat: str = ""  # what the chat is called, where that is known


class Ledger(Protocol):
    """SQLite, of alerts. Each method is one transaction, durable when it returns."""

    async def alerts(self) -> Kept:
        """All that is kept about alerts, at start. Damaged rows are left out and said in the log."""
        ...

    async def save(self, changes: Changes) -> None: ...

    async def history(self, limit: int = 50, since: datetime | None = None) -> Sequence[Record]:
        """Newest first; kept for 90 days."""
        ...


class Courier(Protocol):
    """Telegram for what nobody asked for. Never raises for what Telegram says: it tells by its answer."""

    async def post(
        self, place: Place, screen: Screen, *, silent: bool = False, reply_to: int | None = None
    ) -> Message | Undelivered:
        """An alert, in the lane that delays no answer; tried once. `Message.place` may be another chat than asked for:
        the group became a supergroup."""
        ...

    async def revise(self, message: Message, screen: Screen, *, spare: bool = False) -> Message | Undelivered:
        """Makes `message` show `screen`, in the lane of alerts; tried once. `spare`: only where the rates have room for
        it that no alert and no answer will miss; else LATER, at once."""
        ...

    async def pin(self, message: Message) -> bool:
        """Pins it without a sound; False where the bot may not."""
        ...

    @property
    def deaf(self) -> float:
        """Seconds for which Telegram has not been reached; 0 while it is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One alert explained to one chat, for /why."""

    alert: Alert
    rule_help: str
    because: Said | None  # what was seen against which threshold
    told: Said  # why it was, or was not, told to this chat
    steps: Sequence[tuple[datetime, Said]] = ()  # its timeline, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """How the watching itself goes, per cluster: for the live line, /healthz and /metrics."""

    cluster: str
    name: str
    polled: datetime | None  # last good poll
    age: float | None  # s since then, monotonic
    poll: float  # s between polls
    failed: int = 0  # polls in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Counters and gauges of the watch and of delivery since the process began, for /healthz and /metrics."""

    pulse: Sequence[Pulse] = ()
    polls: Mapping[str, int] = field(default_factory=dict)  # by cluster, good ones
    failures: Mapping[str, int] = field(default_factory=dict)  # by cluster
    took: Mapping[str, float] = field(default_factory=dict)  # s of the last good poll, by cluster
    ticks: Mapping[str, float] = field(default_factory=dict)  # s of CPU of the last tick, by cluster
    alerts: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (phase, severity) -> now
    told: int = 0  # messages that Telegram accepted
    lost: Mapping[str, int] = field(default_factory=dict)  # by Lost.value: what Telegram did not take
    outbox: int = 0  # messages that wait: new cards, edits, events
    waiting: float = 0.0  # s that the oldest of them waits; 0: none does
    deaf: float = 0.0  # s for which Telegram has not been reached
    met: bool = True  # Telegram has been reached since the start
    unheard: bool = False  # no chat that is to be told of alerts can be written to


class Watching(Protocol):
    """What the pages and the taps ask of the watch (bot/watch/). Reads are from memory; changes are durable when they
    return, and cards follow by themselves."""

    @property
    def claims(self) -> Claims:
        """What is done once, and whose it is: `pages.alerting.recorded`."""
        ...

    @property
    def sleeping(self) -> frozenset[str]:
        """Nodes and Storage.ids that are off on purpose now and then."""
        ...

    def alerts(self) -> Sequence[Alert]:
        """Open ones and pending, worst first, then newest; without what hangs on another that stands, and is not told
        before that has ended."""
        ...

    def explained(self) -> Sequence[Alert]:
        """Found, and told to nobody since the cause is known (Finding.last); newest first."""
        ...

    def alert(self, number: int) -> Alert | None:
        """Also one that is over, as long as a card shows it."""
        ...

    def card(self, id_: int) -> Card | None: ...

    def owns(self, message: Message) -> bool:
        """Is it a card or a live line? Then nothing but the deliverer edits it, and what a tap opens
        is a new message."""
        ...

    def mends(self, chat: int, action: str, target: str) -> bool:
        """Does a card there show an open alert that `action` on `target` is the cure of? It turns green by itself."""
        ...

    def blind(self) -> Sequence[Blind]: ...

    def pulse(self) -> Sequence[Pulse]: ...

    def silences(self) -> Sequence[Silence]: ...

    def routes(self) -> Sequence[Route]: ...

    def habits(self, chat: int) -> Habits: ...

    def why(self, number: int, chat: int) -> Explanation | None: ...

    def reasons(self, subject: Subject, rules: Sequence[str]) -> Mapping[str, Said]:
        """Of these rules, why each tells nothing of that, as of the last good poll: off, silenced, held 3 of 5 min,
        stopped by ana@pve. One that looks at it and finds nothing is not among them."""
        ...

    def fires_in(self, number: int) -> float | None:
        """Seconds for which a pending alert has still to be found before it is told, by its own limits; None where it
        is not pending, or will not be told (its cause is known)."""
        ...

    def look_again(self, by: Asker) -> bool:
        """All that is read at its own pace is read now: something was mended. False where that was just done."""
        ...

    async def history(self, limit: int = 50, since: datetime | None = None) -> Sequence[Record]:
        """Ledger.history: newest first; kept for 90 days."""
        ...

    async def ack(self, numbers: Sequence[int], by: Asker) -> Sequence[Alert]:
        """Those that this acknowledged: open and not acknowledged before."""
        ...

    async def silence(
        self,
        about: str,
        cluster: str,
        value: str,
        until: datetime,
        by: Asker,
        *,
        reason: str = "",
        maintenance: bool = False,
    ) -> Silence: ...

    async def unsilence(self, id_: int, by: Asker) -> bool: ...

    async def subscribe(self, route: Route) -> None: ...

    async def unsubscribe(self, place: Place) -> bool:
        """False where it was not subscribed, or is by the settings."""
        ...

    async def set_habits(self, habits: Habits) -> None: ...

    async def pin(self, place: Place) -> bool:
        """Begins, or renews, the chat's live line."""
        ...

    async def unpin(self, place: Place) -> bool: ...

    async def test(self, place: Place, by: Asker) -> None:
        """A test alert, told in that place like any other; over by itself after a minute."""
        ...

    async def digest(self, chat: int) -> Screen:
        """What the chat's digest would say now."""
        ...
