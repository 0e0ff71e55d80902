"""What is wrong, and what became of it: findings, alerts, silences, history. No I/O, no clock.

Finding ── a rule's word at one poll ──▶ Alert ── its life (life.py) ──▶ Record
                                           │
                                  who is told: telling.py
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum

from bot.text import Said


class Severity(IntEnum):
    """Ordered. How loud: critical sounds at any hour, a warning by day, info never."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """As settings and messages spell it."""
        return self.name.lower()

    @property
    def emoji(self) -> str:
        return {Severity.INFO: "🔵", Severity.WARNING: "⚠️", Severity.CRITICAL: "🔴"}[self]


class About(Enum):
    """What kind of thing an alert is about. The value stands in keys: never rename one."""

    CLUSTER = "cluster"
    NODE = "node"
    GUEST = "guest"
    STORAGE = "storage"
    OTHER = "other"  # a pool, a disk, a job, a certificate, the bot itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of several that something is about, on the cluster of that: a guest, or a node of which no more is known."""

    about: About
    id: str
    node: str = ""
    tags: tuple[str, ...] = ()
    pool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an alert is about. Its identity is `key`; the rest is as it was when last seen."""

    about: About
    cluster: str
    id: str = ""  # node's name; vmid; Storage.id; for others a path such as pve1/rpool; '' for the cluster itself
    name: str = ""  # as shown
    node: str = ""  # where it is now: for inhibition, maintenance, routes; '' where it is on none, or on all
    tags: tuple[str, ...] = ()
    pool: str = ""
    kind: str = ""  # of a guest: VM or CT, as people read it
    of: str = ""  # key of the guest that something other belongs to, where it is one's: a job, a task, a backup
    parts: tuple[Part, ...] = ()  # where it is of several: each of them, all of a run of a job that failed

    @property
    def key(self) -> str:
        return f"{self.cluster}/{self.about.value}/{self.id}"

    @property
    def owner(self) -> "Subject":
        """The guest that it is one's of, where it is: its next job, task or backup is another thing; else itself."""
        if not self.of:
            return self
        cluster, _, vmid = self.of.rsplit("/", 2)
        return Subject(
            about=About.GUEST, cluster=cluster, id=vmid, name=self.name, node=self.node, tags=self.tags, pool=self.pool
        )

    @property
    def each(self) -> "tuple[Subject, ...]":
        """Its parts, as subjects of their own; what is silenced is so for all of them, who hears of one hears of it."""
        return tuple(
            Subject(about=part.about, cluster=self.cluster, id=part.id, node=part.node, tags=part.tags, pool=part.pool)
            for part in self.parts
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """What puts it right, or shows more, as a button: `ask` an action, or `open` a page."""

    label: Said
    verb: str  # ask | open
    key: str  # Action.key or Page.key
    arg: str  # the action's target, or the page's argument


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule's word on one subject at one poll. Pure data, as a golden file can hold it."""

    rule: str  # Rule.key
    subject: Subject
    severity: Severity
    said: Said  # the headline, a whole sentence without emoji: "{name} stopped by itself"
    over: Said | None = None  # the headline once it is over: "{name} runs again"; None: a general one
    timed: bool = False  # `over` says itself for how long it was
    details: tuple[Said, ...] = ()  # lines below, what the reader needs next
    because: Said | None = None  # for /why: what was seen against which threshold
    cures: tuple[Cure, ...] = ()
    after: tuple[Cure, ...] = ()  # buttons that stay once it is over: what is left to be done
    grey: bool = False  # between clear and fire: keeps an alert that is up, starts none
    event: str = ""  # of an event: its own identity (a UPID …): told once
    renews: datetime | None = None  # of an event: found again until then with other words, its message is edited
    quiet: bool = False  # never sounds, whatever its severity: ordered, or explained
    anew: bool = False  # what kept it quiet has ended: told with its sound, though it may have been told as bad before
    loud: bool = False  # sounds like a critical by day though it is a warning ("warn, sounds")
    slow: bool = False  # never passes quiet hours and repeats daily, critical or not
    since: datetime | None = None  # when it began, where the rule knows better than the poll; UTC
    until: datetime | None = None  # when it ended, where the rule still has something to say after that
    affected: tuple[str, ...] = ()  # names of what goes down with it, to be listed in its message
    ran: int | None = None  # of `affected`, the first so many ran until then; None: of no interest, or not known
    explains: tuple[
        str, ...
    ] = ()  # keys of subjects that it may be the same trouble with, where the rule must say which
    hold: float | None = None  # s: overrides the rule's hold for this finding (0: at once)
    last: Said | None = None  # why nobody is told though it was found: cause known (for /why)
    unwell: Said | None = None  # in few words, once it is over: why nothing is well for that ("failed again 14:10")
    young: bool = False  # it began since the bot did: at the first poll too, it has to last as always
    unsure: bool = False  # what decides how bad it is, was not read yet: nothing that was told becomes milder by it

    @property
    def key(self) -> str:
        return alert_key(self.rule, self.subject, self.event)


def alert_key(rule: str, subject: Subject, event: str = "") -> str:
    return f"{rule}:{subject.key}" + (f":{event}" if event else "")


class Phase(Enum):
    PENDING = "pending"  # found, not yet for as long as the rule holds
    FIRING = "firing"
    OVER = "over"  # resolved (or an event): kept until everybody who was told has seen it, then history


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert's life so far; the next state comes from life.step(). All times UTC; durations in monotonic seconds.

    Durations count by min(monotonic step, two polls), so that a jumping clock, or a machine asleep, neither fires nor
    clears anything.
    """

    number: int  # for buttons and people: short, never used twice
    finding: Finding  # as last found
    phase: Phase
    found: datetime  # first poll that found it
    held: float = 0.0  # s found so far, while pending; while firing: found worse than what was told
    polls: int = 0  # polls that found it so
    misses: int = 0  # polls in a row that saw the subject and did not find it
    missed: float = 0.0  # s of those
    severity: Severity = Severity.WARNING  # the highest told so far
    fired: datetime | None = None
    worse: datetime | None = None  # since when it is as severe as that, where it fired with less
    first: Severity | None = None  # with which it fired then
    stood: datetime | None = None  # when it fired before, in the message of what it hung on, which is over since
    over: datetime | None = None
    acked: datetime | None = None
    acked_by: str = ""
    reminded: datetime | None = None  # when it was last put into words (fired, worse, reminded); None: withheld so far
    reminders: int = 0
    changes: tuple[datetime, ...] = ()  # fired and over lately, for flapping
    flapping: datetime | None = None  # quiet until
    parent: str = ""  # key of the alert that inhibits it: listed there, told nowhere
    silenced: int = 0  # id of the silence that covers it now; 0: none
    told: bool = False  # Telegram has accepted a message of it somewhere
    gone: bool = False  # over since what it was about is there no more
    summary: bool = False  # it was open at the first poll after a start: told in the summary
    headline: Said | None = None  # it fired with, or last got worse with: what was told; None while pending

    @property
    def key(self) -> str:
        return self.finding.key

    @property
    def open(self) -> bool:
        return self.phase is Phase.FIRING

    @property
    def began(self) -> datetime:
        """As its rule knows, but no later than somebody was told: what fails again has lasted since the first time."""
        at = self.stood or self.fired or self.found
        return at if self.finding.since is None else min(self.finding.since, at)

    @property
    def ended(self) -> datetime | None:
        """None while it is not over."""
        until = self.finding.until
        return self.over if self.over is None or until is None else min(until, self.over)

    @property
    def lasted(self) -> float | None:
        """Seconds, the same wherever they are said; None while it is not over, of what happened in a moment, and where
        clocks make nonsense of it."""
        if self.ended is None:
            return None
        seconds = (self.ended - self.began).total_seconds()
        return seconds if seconds >= 1 else None

    def renewable(self, now: datetime) -> bool:
        """May it be told with other words yet, in the same message? Not where the clock was set back by a day."""
        renews = self.finding.renews
        return renews is not None and now < renews <= now + timedelta(days=1)


class NewsKind(Enum):
    FIRED = "fired"
    ESCALATED = "escalated"  # warning -> critical: a new, sounding message
    REMINDED = "reminded"
    RESOLVED = "resolved"
    FLAPPING = "flapping"  # one message, then quiet
    STEADY = "steady"  # it flapped, and stands now that the quiet is over
    CHANGED = "changed"  # text, acknowledgement, inhibited list: cards are edited, nobody is told anew
    BACK = "back"  # of an alert that was never told: nothing to say, for the history


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What step() has to tell. Whether anybody hears of it is decided by silence, inhibition and routes."""

    kind: NewsKind
    alert: Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Always expires. What it matches is not told; its alerts live on."""

    id: int
    about: str  # guest | node | storage | tag | rule | cluster | all
    cluster: str  # '' = any
    value: str  # vmid, node, Storage.id, tag, Rule.key …; '' for cluster and all
    until: datetime
    made: datetime
    by: str  # name
    reason: str = ""
    maintenance: bool = False  # of a node: its guests are silent too, and rules know of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of /history."""

    number: int
    rule: str
    subject: Subject
    severity: Severity
    said: Said
    fired: datetime
    over: datetime | None
    lasted: float | None = None  # s: as Alert.lasted; None also in those that an earlier version wrote
    acked_by: str = ""
    told: bool = True
    gone: bool = False  # as Alert.gone
    unwell: Said | None = None  # as Finding.unwell
    details: tuple[Said, ...] = ()  # of what happened once: nobody can look at how it stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """A rule that cannot see: said once in /alerts, never an alert, never health."""

    rule: str
    cluster: str
    said: Said  # what is not known, and why
    mend: tuple[str, ...] = ()  # commands, to be run as root on a node
