"""Reads each feed at its pace, and never makes a poll wait: `tick` starts what is due, `feeds` says what is known.

tick ──▶ due? ──▶ may the token? ──no──▶ forbidden, not asked
                      │ yes
                      ▼ spawned          good ──▶ value, fresh, due after its pace
                   pve.feed ──────────▶  absent ▶ no such thing there: looked at again after an hour
                                         else ──▶ failing: the last good value stays; tried again, ever more seldom
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeVar, cast

from bot.access import Role
from bot.errors import PveError
from bot.model import Permissions, Snapshot, Status, Task, Version
from bot.model.feeds import BACKUPS, BY_AGENT, DISKS, FEEDS, NODE_STATUS, ONBOOT, STORAGES, Feed, Feeds, Reading
from bot.model.readings import GuestNotes
from bot.ports import Clock, Watched
from bot.text import say
from bot.watch import pace
from bot.watch.agents import Agents
from bot.watch.line import FeedLine
from bot.watch.rights import lacking, needed

T = TypeVar("T")

RIGHTS = 300.0  # s after which it is looked at anew what the token may
BACK = timedelta(minutes=30)
FACT = "feed/"
"""Before cluster, feed and node in Kept.facts: when a daily feed was read."""


class Feeder:
    """Of one cluster.

    scale       multiplies every pace
    facts       Kept.facts; what is new of them `remembered()` hands out, to be saved
    daily_hour  of the day, by `zone` (None: the machine's), at which disks are read; None: whenever their day is over
    unread      nodes whose disks are never read
    """

    def __init__(
        self,
        pve: Watched,
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, Any], str], "asyncio.Task[Any]"],
        *,
        scale: float = 1.0,
        facts: Mapping[str, str] | None = None,
        daily_hour: int | None = 4,
        zone: tzinfo | None = UTC,
        unread: frozenset[str] = frozenset(),
    ) -> None:
        self._pve = pve
        self._clock = clock
        self._spawn = spawn
        self._scale = scale
        self._facts = dict(facts or {})
        self._new: dict[str, str] = {}
        self._hour = daily_hour if scale == 1.0 else None
        self._zone = zone
        self._unread = unread
        self._lines: dict[tuple[str, str], FeedLine] = {}
        self._snapshot: Snapshot | None = None
        self._online: frozenset[str] = frozenset()
        self._agents = Agents()
        self._rights: Permissions | None = None
        self._version: Version | None = None
        self._looked: float | None = None  # monotonic
        self._looking: asyncio.Task[None] | None = None
        self._runs: set[str] | None = None  # vzdump tasks known to have ended
        self._stopped: set[int] | None = None  # guests, at the last poll

    # -- what the watch calls --------------------------------------------------------------------------------------

    def tick(self, snapshot: Snapshot | None, tasks: Sequence[Task] | None = None) -> None:
        """Starts what is due. `snapshot` None: nothing could be read, so nothing is asked."""
        if snapshot is None:
            return
        self._snapshot = snapshot
        before, self._online = self._online, frozenset(node.name for node in snapshot.nodes if node.online)
        self._lay_out(snapshot)
        if self._online - before:
            self._soon(BACKUPS)  # what ended with a node, nobody could read until now
        self._agents.look(snapshot.guests, [self._lines[key, ""] for key in sorted(BY_AGENT)], self._clock.monotonic())
        self._call_for(snapshot, tasks or ())
        if not self._look():
            return  # what the token may is on its way
        for key in self.due_now():
            self._start(self._lines[key])

    def feeds(self) -> Feeds:
        now = self._clock.monotonic()
        return Feeds(
            readings={
                key: line.reading(now, self._there(line))
                for key, line in self._lines.items()
                if line.known and self._wanted(line)
            }
        )

    def hurry(self, *feeds: Feed[Any]) -> None:
        """These are due now; without any everything, what is read once a day and what failed too: somebody has mended
        something. A reading that is under way may not know of it yet, and is followed by another."""
        now = self._clock.monotonic()
        for line in self._lines.values():
            if not feeds or line.feed in feeds:
                line.hurry(now)
        if not feeds:  # it may be a right that was lacking
            self._looked = None if self._rights is None else now - RIGHTS

    def soon(self, feeds: Collection[Feed[Any]], node: str) -> None:
        """Something was pushed that these, of that node or of the cluster, will tell of: they are read at once."""
        now = self._clock.monotonic()
        for line in self._lines.values():
            if line.feed in feeds and line.node in {"", node}:
                line.soon(now)
        for key in self.due_now():
            if self._lines[key].feed in feeds:
                self._start(self._lines[key])

    def due_now(self) -> tuple[tuple[str, str], ...]:
        """What the next tick would start, the most overdue first: feed key and node ('' of the cluster)."""
        now = self._clock.monotonic()
        due = [line for line in self._lines.values() if line.due <= now and not line.busy and self._askable(line)]
        return tuple((line.feed.key, line.node) for line in sorted(due, key=lambda line: line.due))

    async def refresh(self, feed: Feed[T], node: str = "", *, timeout: float = 10.0) -> Reading[T]:
        """Reads it now, or joins the reading that is under way. After `timeout` s: what is known, not fresh."""
        line = self._lines.get((feed.key, node)) or self._new_line(feed, node, 0.0)
        if not line.busy:
            self._start(line)
        done: set[asyncio.Task[None]] = set()
        if line.task is not None:
            done, _ = await asyncio.wait({line.task}, timeout=timeout)
        found = line.reading(self._clock.monotonic(), self._there(line))
        return cast("Reading[T]", found if done else replace(found, fresh=False))

    async def guest_tasks(self, node: str, vmid: int, since: datetime | None = None) -> tuple[Task, ...] | None:
        """GET /nodes/{node}/tasks?vmid=&since=&source=all, of the last half hour; None where it cannot be asked."""
        try:
            return await self._pve.node_tasks(
                node, role=Role.VIEWER, vmid=vmid, since=since or self._clock.now() - BACK
            )
        except PveError:
            return None

    def remembered(self) -> Mapping[str, str]:
        """Facts that are new since they were last asked for: to be saved with the tick."""
        new, self._new = self._new, {}
        return new

    @property
    def rights(self) -> Permissions | None:
        """Of the view token, as last read; None: not known yet."""
        return self._rights

    @property
    def version(self) -> Version | None:
        return self._version

    # -- what is due -----------------------------------------------------------------------------------------------

    def _lay_out(self, snapshot: Snapshot) -> None:
        """A line for each feed of each node; none for a node that is no member any more."""
        names = [node.name for node in snapshot.nodes]
        there = {"", *names}
        for key in [key for key, line in self._lines.items() if key[1] not in there and not line.busy]:
            del self._lines[key]
        for feed in FEEDS:
            for index, node in enumerate(names if feed.per_node else [""]):
                if (feed.key, node) not in self._lines:
                    self._new_line(feed, node, pace.first(feed, index, len(names), self._scale))

    def _new_line(self, feed: Feed[Any], node: str, wait: float) -> FeedLine:
        now = self._clock.monotonic()
        due = now + wait
        line = FeedLine(feed=feed, node=node, slot=due, due=due, pace=feed.every * self._scale, scale=self._scale)
        if feed.key == DISKS.key and node in self._unread:
            line.absent = True
        elif feed.key in pace.DAILY and self._hour is not None and (last := self._fact(line)) is not None:
            line.due = self._daily(line, last, line.due)
        self._judge(line)
        self._lines[feed.key, node] = line
        return line

    def _call_for(self, snapshot: Snapshot, tasks: Sequence[Task]) -> None:
        """What has happened makes a feed due before its time: a backup that ended, a guest that stopped, a storage
        that the list does not find."""
        ended = {task.upid.text for task in tasks if task.upid.type == "vzdump" and task.end is not None}
        if self._runs is not None and ended - self._runs:
            self._soon(BACKUPS)
        self._runs = ended
        stopped = {guest.vmid for guest in snapshot.guests if guest.status is Status.STOPPED}
        if self._stopped is not None:
            new = (snapshot.by_vmid[vmid] for vmid in stopped - self._stopped)
            if any(GuestNotes.about(guest) and guest.node in self._online for guest in new):
                self._soon(ONBOOT)
        self._stopped = stopped
        for storage in snapshot.storages:
            if storage.available is False and storage.node in self._online:
                line = self._lines[STORAGES.key, storage.node]
                usual = STORAGES.every * self._scale
                if line.tried is not None and not line.fails:
                    line.due = min(line.due, line.tried + usual)

    def _soon(self, feed: Feed[Any]) -> None:
        self._lines[feed.key, ""].soon(self._clock.monotonic())

    def _askable(self, line: FeedLine) -> bool:
        if not self._there(line):
            return False
        if line.feed.key == DISKS.key and line.node in self._unread:
            return False
        if line.barred is not None or not self._wanted(line):
            return False
        status = self._lines.get((NODE_STATUS.key, line.node))  # a node that does not answer is asked one thing only
        return line is status or status is None or not status.silent or status.barred is not None

    def _judge(self, line: FeedLine) -> None:
        line.barred = None
        if self._rights is not None and lacking(self._rights, line.feed, line.node):
            privilege, path = needed(line.feed, line.node, self._version)
            line.barred = say("The token lacks {privilege} on {path}.", privilege=privilege, path=path)

    def _there(self, line: FeedLine) -> bool:
        return not line.feed.per_node or line.node in self._online

    def _wanted(self, line: FeedLine) -> bool:
        """Agents are nobody's business until a guest is expected to have one."""
        return line.feed.key not in BY_AGENT or self._agents.asked

    def _look(self) -> bool:
        """Looks at the token's permissions every few minutes; True once that was tried."""
        now = self._clock.monotonic()
        busy = self._looking is not None and not self._looking.done()
        if not busy and (self._looked is None or now - self._looked >= RIGHTS):
            first, self._looked = self._looked is None, now
            self._looking = self._spawn(self._read_rights(), f"rights of {self._pve.key}")
            return not first
        return not busy or self._rights is not None

    async def _read_rights(self) -> None:
        with suppress(PveError):  # what was known stands; where nothing is, each call says itself what it lacks
            self._rights = await self._pve.permissions(Role.VIEWER) or self._rights
            self._version = await self._pve.version()
        for line in self._lines.values():
            self._judge(line)

    # -- one reading -----------------------------------------------------------------------------------------------

    def _start(self, line: FeedLine) -> None:
        line.starts(self._clock.monotonic())
        line.task = self._spawn(self._read(line), f"{line.feed.key} {line.node}".strip())

    async def _read(self, line: FeedLine) -> None:
        try:
            value = await self._pve.feed(line.feed, line.node)
        except PveError as error:
            line.bad(error, self._clock.monotonic())
            return
        at, now = self._clock.now(), self._clock.monotonic()
        took = now - (line.tried or now)
        line.good(value, now, at, pace.calm(line.feed, value, self._snapshot, line.node, took))
        if line.feed.key in pace.DAILY:
            self._keep(line, at)
            if self._hour is not None and not line.called:
                line.due = self._daily(line, at, line.due)

    # -- once a day ------------------------------------------------------------------------------------------------

    def _daily(self, line: FeedLine, last: datetime, otherwise: float) -> float:
        """Monotonic: in the chosen hour, the nodes one after the other; `otherwise` where it was missed for days."""
        now = self._clock.now()
        at = pace.daily(last, now, self._hour or 0, self._zone)
        if at is None:
            return otherwise
        nodes = sorted(node.name for node in self._snapshot.nodes) if self._snapshot is not None else [line.node]
        index = nodes.index(line.node) if line.node in nodes else 0
        wait = (at - now).total_seconds() + pace.place(line.feed, index, len(nodes)) * pace.SPREAD
        return self._clock.monotonic() + max(wait, 0.0)

    def _keep(self, line: FeedLine, at: datetime) -> None:
        key = f"{FACT}{self._pve.key}/{line.feed.key}/{line.node}"
        self._facts[key] = self._new[key] = at.isoformat()

    def _fact(self, line: FeedLine) -> datetime | None:
        text = self._facts.get(f"{FACT}{self._pve.key}/{line.feed.key}/{line.node}", "")
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return at if at.tzinfo is not None else None
