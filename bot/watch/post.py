"""What the watch keeps of one cluster between its polls, and the view that it makes of each."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.access import Role
from bot.clock import SteadyClock
from bot.model import Blind, Snapshot, Task, Version
from bot.model.feeds import TIME, Feed, Feeds
from bot.model.view import TOGETHER, Memory, Order, Starts, Stranger, View
from bot.ports import Changes, Kept, Pulse, Watched
from bot.rules import Rule
from bot.watch.blind import blind, broken
from bot.watch.confirm import Doubter
from bot.watch.evaluate import Evaluation
from bot.watch.look import LastTasks, Look
from bot.watch.modes import Modes
from bot.watch.pushed import Pushes
from bot.watch.remembered import recalled, renewed
from bot.watch.slow import Slow
from bot.watch.timed import hear

POLLED = "polled"
"""Memory.figures: epoch s of the last poll that could read the cluster (memory.py)."""
EVENTS_KEPT = timedelta(days=8)
"""A task list reaches back a week at most."""
STRANGERS = 200
"""Of an hour that are remembered: from so many on they are not counted any more."""
MANY = 4096  # events that are remembered before the old ones are looked for


class Feeding(Protocol):
    """watch/feeder.py"""

    def tick(self, snapshot: Snapshot | None, tasks: Sequence[Task] | None = None) -> None:
        """Starts what is due; waits for nothing."""
        ...

    def feeds(self) -> Feeds: ...
    def hurry(self, *feeds: Feed[Any]) -> None:
        """These are due now; without any, all."""
        ...

    def soon(self, feeds: Collection[Feed[Any]], node: str) -> None:
        """Something has happened that these tell of."""
        ...

    def remembered(self) -> Mapping[str, str]:
        """Facts that are new since they were last asked for."""
        ...

    @property
    def version(self) -> Version | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Of a view, what does not come from the cluster."""

    poll: float
    started: datetime
    starts: Starts | None = None
    orders: tuple[Order, ...] = ()
    sleeping: frozenset[str] = frozenset()
    maintenance: frozenset[str] = frozenset()
    deaf: float = 0.0
    hosts: Sequence[str] = ()
    fingerprints: Mapping[str, str] | None = None
    tokens: tuple[str, ...] = ()
    clock: SteadyClock | None = None


class Post:
    def __init__(
        self,
        pve: Watched,
        kept: Kept,
        feeder: Feeding | None = None,
        scale: float = 1.0,
        *,
        leads: bool = True,
        strays: Iterable[str] = (),
    ) -> None:
        """`leads`: View.leads. `strays`: clusters that are watched no more, and whose pushes are told here."""
        self.pve = pve
        self.feeder = feeder
        self.doubter = Doubter(pve)
        self.modes = Modes(pve)
        self.slow = Slow(scale)
        self.memory = recalled(kept, pve.key)
        self.pushes = Pushes(pve.key, kept.facts, strays)
        self.strangers: list[Stranger] = []
        self.leads = leads
        self.hurried = False  # there is something that should not wait for the next beat
        self.polls = self.failures = 0
        self.took = self.ticked = 0.0  # s: of the last good poll, of CPU for the last tick
        self._tasks = LastTasks()
        self._last: float | None = None  # monotonic, of the last poll
        self._failed = 0
        self._cut_since: datetime | None = None
        self._deaf: tuple[float, datetime | None] = (0.0, None)  # View.deaf and .deaf_since of the poll before
        self._polled: datetime | None = None
        self._polled_at: float | None = None  # monotonic
        self._before: tuple[datetime | None, float | None] = (None, None)  # both, before this poll
        self._first = True  # no good poll yet
        self._view: View | None = None  # the last good one
        self._on: frozenset[str] = frozenset()  # rules that were on then
        self._broken: Mapping[str, Exception] = {}  # rules that fail
        self._clock_since = -math.inf  # of the clock that the nodes' times were last asked for

    def strange(self, stranger: Stranger) -> None:
        """Somebody without a role wrote. From the first on they are those of one hour."""
        first = self.strangers[0].at if self.strangers else stranger.at
        if abs(stranger.at - first) >= TOGETHER:
            self.strangers = []
        self.strangers = [*self.strangers, stranger][:STRANGERS]

    @property
    def key(self) -> str:
        return self.pve.key

    def view(self, seen: Look, now: datetime, mono: float, around: Around) -> View:
        """This poll's; what it says of `first`, `failed` and `step` is taken over, so call it once a poll."""
        passed = mono - self._last if self._last is not None else _since(self.memory, now)
        step = min(max(passed, 0.0), 2 * around.poll)
        self._last = mono
        good = seen.snapshot is not None
        first = good and self._first
        self._before = self._polled, self._polled_at
        if good:
            self._failed, self._cut_since, self._first = 0, None, False
            self._polled, self._polled_at = now, mono
            self.polls += 1
        else:
            self._failed, self._cut_since = self._failed + 1, self._cut_since or now
            self.failures += 1
        snapshot = seen.snapshot or self.pve.latest()
        tasks = self._tasks.or_last(seen.tasks, now)
        feeds, clock = Feeds(), around.clock
        if self.feeder is not None:
            if clock is not None and clock.since != self._clock_since:
                self._clock_since = clock.since
                self.feeder.hurry(TIME)
            self.feeder.tick(seen.snapshot, tasks)
            feeds = self.feeder.feeds()
        if clock is not None:
            hear(clock, feeds)
        return View(
            cluster=self.key,
            name=snapshot.name if snapshot is not None else self.key,
            at=now,
            step=step,
            poll=around.poll,
            snapshot=snapshot,
            fresh=good,
            before=self.memory,
            first=first,
            started=around.started,
            starts=around.starts,
            tasks=tasks,
            feeds=feeds,
            cut=seen.cut,
            trouble=seen.trouble,
            failed=self._failed,
            cut_since=self._cut_since,
            orders=around.orders,
            pushes=self.pushes.waiting,
            leads=self.leads,
            strangers=tuple(self.strangers),
            sleeping=around.sleeping,
            maintenance=around.maintenance,
            deaf=around.deaf,
            deaf_since=self._deaf_since(around.deaf, now),
            hosts=tuple(around.hosts),
            fingerprints=around.fingerprints or {},
            tokens=around.tokens,
            doubt=clock.doubt if clock is not None else 0.0,
            doubted=clock.doubted if clock is not None else None,
            clock_since=clock.since if clock is not None else -math.inf,
            clock_sure=clock is None or clock.sure,
        )

    def _deaf_since(self, deaf: float, now: datetime) -> datetime | None:
        """Told by the first poll of an outage: what each measures for itself differs by how long it took."""
        before, since = self._deaf
        if deaf <= 0:
            since = None
        elif since is None or deaf < before:
            since = now - timedelta(seconds=deaf)
        self._deaf = deaf, since
        return since

    def stumbled(self) -> None:
        """Nothing came of this poll, by a fault of ours: it counts as none, and what is known grows old."""
        self._polled, self._polled_at = self._before
        self.failures += 1

    @property
    def seen(self) -> View | None:
        """The last good poll's, with what is remembered since; None before the first."""
        return replace(self._view, before=self.memory) if self._view is not None else None

    def blind(self, rules: Iterable[Rule]) -> Sequence[Blind]:
        """Which rules could not see at the last good poll."""
        view = self._view
        if view is None:
            return ()
        token = self.pve.token(Role.VIEWER) or ""
        version = self.feeder.version if self.feeder is not None else None
        on = self._on
        found = blind(
            rules,
            view.feeds,
            view.tasks is not None,
            cluster=self.key,
            token=token,
            version=version,
            on=lambda rule: rule.key in on,
        )
        return (*broken(self._broken, self.key), *(one for one in found if one.rule not in self._broken))

    def pulse(self, mono: float, poll: float) -> Pulse:
        known = self.pve.latest()
        return Pulse(
            cluster=self.key,
            name=known.name if known is not None else self.key,
            polled=self._polled,
            age=None if self._polled_at is None else max(0.0, mono - self._polled_at),
            poll=poll,
            failed=self._failed,
        )

    def remember(
        self,
        view: View,
        evaluation: Evaluation,
        events: Mapping[str, datetime],
        after: Memory,
    ) -> Changes:
        """Takes over what this poll has seen; gives the rows that are other than before. A poll that could not be read
        remembers nothing but its events. `after`: what memory.py makes of the view."""
        self._broken = evaluation.broken
        if view.fresh:
            self._view = view
            self._on = frozenset(key for key, limits in evaluation.limits.items() if limits.base.on)
        before = self.memory
        seen = before.events
        if events:
            old = view.at - EVENTS_KEPT if len(seen) > MANY else None
            seen = {**{key: at for key, at in seen.items() if old is None or at > old}, **events}
        self.memory = replace(after, events=seen)
        changes = renewed(self.key, before, after)
        facts = self.feeder.remembered() if self.feeder is not None else {}
        return replace(changes, events=events, facts={**changes.facts, **facts})


def _since(before: Memory, now: datetime) -> float:
    """Seconds since the last good poll of the process before: by the wall clock, there is no other. What was found then
    and is found now was so meanwhile, as it is between two polls."""
    polled = before.figures.get(POLLED, math.nan)
    return now.timestamp() - polled if math.isfinite(polled) else 0.0
