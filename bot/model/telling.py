"""Who is told of alerts, and what stands in their chats: routes, habits, cards, letters. No I/O, no clock.

Alert ── Route: which place hears of it ──▶ Card: the message that shows it there ── Outgoing: what is said beside it
"""

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from bot.model.alerts import Severity
from bot.text import Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One place that hears of alerts, from the settings (TELEMOX_ALERT_CHATS) or /subscribe."""

    chat: int
    topic: int | None = None
    least: Severity = Severity.INFO
    tags: frozenset[str] = frozenset()  # any of tags, pools, nodes matches; all empty: everything
    pools: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    settings: bool = False  # from the settings: cannot be taken back from the chat


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How one chat wants to be told."""

    chat: int
    zone: str = ""  # IANA name; '' = the machine's
    quiet_from: time | None = None  # local; both or neither
    quiet_to: time | None = None
    digest: time | None = time(8)  # local; None: no daily digest
    digest_topic: int | None = None
    audit_topic: int | None = None  # where each write is told, silently; None: nowhere
    audit: bool = False
    pinned: int | None = None  # message id of the live line
    pinned_topic: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A message that replies to a card: told of one of its alerts while that was open, and says when it is over."""

    message: int
    alert: int  # Alert.number


class CardHead(StrEnum):
    """What a card is headed as."""

    PLAIN = ""
    START = "start"  # the summary after a start
    FLAPPING = "flapping"
    AGAIN = "again"  # what was told before, and lasts or got worse: many at once


class NeverSent(StrEnum):
    """Card.told of one that is never sent: why it need not be."""

    DIGEST = "digest"  # a digest has told it
    GIVEN_UP = "given up"  # what it shows is over, and had waited for too long
    ELSEWHERE = "elsewhere"  # it was over before its chat subscribed


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A message that shows alerts in one place; deliver.py makes it equal to what is wanted.

    The row is written before anything is sent; `message` is set once Telegram has accepted.
    """

    id: int
    chat: int
    topic: int | None
    alerts: tuple[int, ...]  # Alert.number, in the order they are shown
    message: int | None = None
    told: str = ""  # hash of what Telegram last accepted; '' = nothing yet; a value of NeverSent: it never will
    made: datetime | None = None
    head: CardHead = CardHead.PLAIN
    silent: bool = False  # how it is first sent
    closed: bool = False  # all its alerts are over and it says so: no more edits
    replies: tuple[Reply, ...] = ()  # the latest of those with its buttons, in the chat of the card


class LetterKind(StrEnum):
    REMIND = "remind"
    ESCALATE = "escalate"
    STEADY = "steady"
    RECOVER = "recover"
    DIGEST = "digest"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """An event to be told once: a reminder, an escalation, a recovery, a digest. Unique per chat, alert, kind, n."""

    id: int
    chat: int
    topic: int | None
    alert: int  # number; 0 = of none (a digest)
    kind: LetterKind
    n: int
    card: int  # replies to that card's message; 0 = to none
    said: Said
    silent: bool
    made: datetime
    tries: int = 0
    after: datetime | None = None  # not before
