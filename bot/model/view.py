"""What the rules look at: one cluster at one poll, and what it was like before. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property

from bot.model.feeds import Feeds
from bot.model.fleet import Snapshot
from bot.model.readings import NodeTime
from bot.model.tasks import Task
from bot.model.things import Status
from bot.text import Said


class Cut(Enum):
    """Why a cluster could not be read."""

    NETWORK = "network"
    CLOSED = "closed"  # its hosts refuse the connection: they are up
    TRUST = "trust"  # neither a pin nor a CA speaks for what its hosts show
    PIN = "pin"  # another certificate than the pinned one
    REFUSED = "refused"  # 401: the token
    FORBIDDEN = "forbidden"  # 403
    GARBLED = "garbled"  # answers, but nothing that can be understood


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestWas:
    """What is remembered of a guest from poll to poll, and over a restart. Written only when it changes."""

    status: Status
    node: str
    booted: float | None = None  # epoch s at which its process began, by uptime; None while down
    changed: datetime | None = None  # poll that first saw this status; UTC
    lock: str = ""
    locked: datetime | None = None  # poll that first saw this lock; or that it had none any more
    resets: tuple[datetime, ...] = ()  # polls that saw its uptime fall, while it was up at both
    stopped_by: str = ""  # user of the task that stopped it; in words (with a space) what else explains it; '' nothing
    ran: datetime | None = None  # last poll that saw it running, where it is not now


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWas:
    online: bool | None
    booted: float | None = None  # epoch s
    changed: datetime | None = None
    uptime: int | None = None  # s, as last said
    moved: datetime | None = None  # poll that last saw `uptime` move: a figure that stands still is a hung pvestatd
    pools: tuple[str, ...] = ()  # ZFS pools that were there


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageWas:
    """Use over time, for a trend: hourly samples, newest last, a week of them at most."""

    samples: tuple[tuple[float, int], ...] = ()  # (epoch s, bytes used)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What was, at the poll before. Empty on the first poll after an install."""

    guests: Mapping[int, GuestWas] = field(default_factory=dict)
    nodes: Mapping[str, NodeWas] = field(default_factory=dict)
    storages: Mapping[str, StorageWas] = field(default_factory=dict)
    events: Mapping[str, datetime] = field(default_factory=dict)  # alert keys of events already seen -> when
    figures: Mapping[str, float] = field(default_factory=dict)  # anything a rule has to remember, by its own key


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A write of this bot, lately: explains what it brought about even where no task list can be read."""

    action: str  # Action.key
    target: str  # cluster/vmid, cluster/node
    at: datetime
    by: str  # name


UNREADABLE = "unreadable"
"""Push.kind of a body that is not what was registered: its title says just that."""
FLOOD = "flood"
"""Push.kind of what tells that notifications are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Something that Proxmox VE's webhook target told (web/): one notification."""

    id: str  # for telling it once
    at: datetime
    kind: str  # fields.type: vzdump, fencing, replication, package-updates, system-mail …
    severity: str  # info, notice, warning, error, unknown
    title: str
    message: str  # cut to what matters
    host: str = ""  # fields.hostname
    job: str = ""  # fields.job-id
    vmids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """Somebody without a role who wrote to the bot. Nobody answered."""

    id: int  # of the person, or of the chat where no person is named
    at: datetime
    name: str = ""  # as Telegram gives it: anything
    chat: int = 0


TOGETHER = timedelta(hours=1)
"""Strangers that come within so long of the first are told in one message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """The starts of the bot that are told as one: this one, and those within the hour before. All UTC."""

    first: datetime
    last: datetime  # this one
    times: int
    crashes: int = 0  # of the last quarter of an hour: starts that no clean stop came before
    until: datetime | None = None  # from then on another start is told anew


@dataclass(frozen=True, kw_only=True)
class View:
    """One cluster at one poll.

    `snapshot` None: nothing was ever read. Not `fresh`: this poll could not read it, and `snapshot` is an older one.
    """

    cluster: str
    name: str  # as shown
    at: datetime  # UTC, of this poll
    step: float  # s since the poll before, at most two polls; by the monotonic clock, over a restart by the other
    poll: float  # s between polls
    snapshot: Snapshot | None
    fresh: bool
    before: Memory = field(default_factory=Memory)
    first: bool = False  # the first good poll of this process: no edges are told
    started: datetime | None = None  # when this process began to watch; UTC
    starts: Starts | None = None  # None: only this one is known of
    tasks: tuple[Task, ...] | None = ()  # newest first; None: they cannot be seen, causes are unknown
    feeds: Feeds = field(default_factory=Feeds)
    cut: Cut | None = None  # why it is not fresh
    trouble: Said | None = None  # the same in words
    failed: int = 0  # polls in a row that could not be read
    cut_since: datetime | None = None
    backup_modes: Mapping[str, str] = field(default_factory=dict)  # UPID -> snapshot, suspend, stop; '': it waits
    second_opinion: bool | None = None  # quorate, as another host says; None: no other was asked, or none knows
    looked_up: frozenset[int] = frozenset()  # vmids whose tasks were fetched anew from their node for this poll
    orders: tuple[Order, ...] = ()
    pushes: tuple[Push, ...] = ()  # since the poll before
    sleeping: frozenset[str] = frozenset()  # nodes and Storage.ids that may be off
    maintenance: frozenset[str] = frozenset()  # nodes
    deaf: float = 0.0  # s for which Telegram has not been reached; 0 while it is
    deaf_since: datetime | None = None  # the same at every poll of one outage
    hosts: tuple[str, ...] = ()  # that it is read through, as the settings name them: names or addresses
    fingerprints: Mapping[str, str] = field(default_factory=dict)  # host -> pinned SHA-256
    tokens: tuple[str, ...] = ()  # the bot's own, user@realm!name
    leads: bool = True  # the first of the clusters: it speaks for the bot itself, so that several do not all do
    strangers: tuple[Stranger, ...] = ()  # of an hour, from the first on
    doubt: float = 0.0  # s by which the machine's wall clock has jumped away from `at`, and is not believed yet
    doubted: datetime | None = None  # when it did, by the time of before
    clock_since: float = float("-inf")  # monotonic: what was measured before, was by another time
    clock_sure: bool = True  # False: whether `at` is right or the machine's clock is still to be found out

    def timed(self, time: NodeTime) -> bool:
        """Is it of the bot's clock as it is now?"""
        return time.taken is None or time.taken >= self.clock_since

    @cached_property
    def tasks_of(self) -> Mapping[str, tuple[Task, ...]]:
        """By subject of the UPID (a vmid as text, '' for none), newest first."""
        found: dict[str, list[Task]] = {}
        for task in self.tasks or ():
            found.setdefault(task.upid.subject, []).append(task)
        return {subject: tuple(tasks) for subject, tasks in found.items()}

    @cached_property
    def tasks_on(self) -> Mapping[str, tuple[Task, ...]]:
        """By node, newest first."""
        found: dict[str, list[Task]] = {}
        for task in self.tasks or ():
            found.setdefault(task.upid.node, []).append(task)
        return {node: tuple(tasks) for node, tasks in found.items()}

    def asleep(self, name: str) -> bool:
        """May this node or storage be off on purpose (TELEMOX_MAY_SLEEP)?"""
        return name in self.sleeping
