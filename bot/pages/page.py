"""What a page is, and what it may ask for.

A page is one file in this folder with three names:

    async def load(ask: Enquiry, arg: str) -> Data      a few lines: what to read
    def draw(data: Data, asker: Asker) -> Screen        pure: how it reads
    PAGE = Page(key=…, help=…, role=…, load=load, draw=draw)

and its line in `PAGES` of `__init__.py`. A command is a page with `command=True`; Refresh and Back are
`Open(page, arg)`.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.access import EVERYTHING, Asker, Role, refusal
from bot.actions import Action, offers
from bot.errors import NotFound, PveError, PveNoAnswer, PveNodeDown, PveUnreachable, Stale
from bot.model import Fleet, Gap, Guest, Permissions, Snapshot, Task, Unseen, Upid, guest_id
from bot.ports import Env, Pve
from bot.screen import Place, Screen
from bot.text import Reader, Said, say

WAITED = 120.0
"""Seconds that a command may have waited and still change something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an argument of a page changes, and the least role for it."""

    role: Role
    what: str  # as a refusal names it: "ending a silence"
    anywhere: bool = True  # False: in groups alone; with their own private chat anybody does as they like


def reads(arg: str) -> Change | None:
    """Of a page that changes nothing, or nothing that its own role does not cover."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One row of `PAGES`. `draw` gets exactly what `load` gave."""

    key: str  # lives in buttons for years: never rename one
    help: str  # one line for /help and the command menu, 3-256 characters; '' = not listed
    role: Role | None  # the least role; None = anybody the door lets in
    load: Callable[["Enquiry", str], Awaitable[Any]]
    draw: Callable[[Any, Asker], Screen]
    command: bool = False
    aliases: tuple[str, ...] = ()
    changes: bool = False  # what is typed or tapped may change something of the bot's own: no link leads here
    deed: str = ""  # what a refusal calls it, where that is no command: "silencing"
    change: Callable[[str], Change | None] = reads  # by argument

    def refusal(self, asker: Asker, arg: str, private: bool) -> Said | None:
        """Why this person may not have that of the page: known before anything is read, or a message is touched."""
        deed = self.deed or (f"/{self.key}" if self.command else "that")  # whoever tapped a button knows which
        if self.role is not None and (words := refusal(asker, deed, self.role)) is not None:
            return words
        wanted = self.change(arg)
        if wanted is None or (private and not wanted.anywhere):
            return None
        return refusal(asker, wanted.what, wanted.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enquiry:
    """Who asks, from where, and the only way a page reaches data: already narrowed to the scope."""

    env: Env
    asker: Asker
    place: Place
    private: bool  # a private chat (deep links and chat ids read differently in groups)
    bot: str  # the bot's username, without @
    reader: Reader
    waited: float = 0.0  # s for which what was typed lay in Telegram's queue

    def fresh(self) -> None:
        """Before anything is changed. Raises: Stale where what was typed has waited too long."""
        if self.waited > WAITED:
            raise Stale(say("Nothing was changed: a command that old does nothing. Send it again."))

    @property
    def now(self) -> datetime:
        return self.env.clock.now()

    @property
    def clusters(self) -> dict[str, Pve]:
        """Those that exist for the asker."""
        scope = self.asker.scope.clusters
        return {key: pve for key, pve in self.env.clusters.items() if not scope or key in scope}

    async def fleet(self, max_age: float = 5.0) -> Fleet:
        """Every cluster the asker may see, asked at once. One that cannot be read gives its last snapshot, or an empty
        one where there is none, and says so.

        Raises: the PveError where there is nothing at all to show.
        """
        clusters = self.clusters
        if not clusters:
            raise NotFound(say("There is no cluster for you here."))
        reads = [_read(pve, max_age) for pve in clusters.values()]
        # gather makes a task of each: for the one cluster that nearly everybody has, that is time for nothing
        answers = await asyncio.gather(*reads) if len(reads) > 1 else [await reads[0]]
        parts: list[Snapshot] = []
        trouble: PveError | None = None
        for (key, pve), answer in zip(clusters.items(), answers, strict=True):
            if isinstance(answer, PveError):
                trouble = trouble or answer
                answer = _unreached(key, pve.latest(), answer, self.now)
            parts.append(_narrow(answer, self.asker))
        if trouble is not None and not any(part.nodes or part.guests for part in parts):
            raise trouble
        return Fleet(snapshots=tuple(parts))

    def pve(self, cluster: str) -> Pve:
        """Raises: Stale when the button names a cluster that is no longer configured."""
        if cluster not in self.env.clusters:
            raise Stale(say("This button is of a cluster that the bot no longer knows."))
        return self.env.clusters[cluster]

    def last(self, cluster: str) -> Snapshot | None:
        """What was read last of one, whatever its age, without a call; None where it was never read."""
        latest = self.pve(cluster).latest()
        return _narrow(latest, self.asker) if latest is not None else None

    def known(self) -> Fleet | None:
        """What was read last, whatever its age, without a call; None where a cluster was never read."""
        parts = [pve.latest() for pve in self.env.clusters.values()]
        seen = tuple(_narrow(part, self.asker) for part in parts if part is not None)
        return Fleet(snapshots=seen) if seen and len(seen) == len(parts) else None

    async def locate(self, target: str) -> "Found":
        """The guest `cluster/vmid`, wherever it is now: from the last snapshot, or from a new one where it is not in
        that, or its node was not well then.

        Raises: NotFound; Stale for a target that is none.
        """
        if (named := guest_id(target)) is None:
            raise Stale(say("This button cannot be read any more."))
        cluster, vmid = named
        pve = self.pve(cluster)
        before = pve.latest()
        old = self._find(before, vmid)
        if before is not None and old is not None and (home := before.by_node.get(old.node)) and home.online:
            return Found(guest=old, snapshot=before, fetched=False)
        try:
            current = await pve.snapshot()
        except PveError as error:
            if before is None or old is None:
                raise
            return Found(guest=old, snapshot=_unreached(cluster, before, error, self.now), fetched=False)
        guest = self._find(current, vmid)
        if guest is not None:
            return Found(guest=guest, snapshot=current, fetched=current is not before)
        raise NotFound(say("{vmid} is not there (any more).", vmid=vmid))

    def _find(self, snapshot: Snapshot | None, vmid: int) -> Guest | None:
        """The guest, if it is there and in the scope: narrowing ten thousand others for it would be waste."""
        guest = snapshot.by_vmid.get(vmid) if snapshot is not None else None
        if guest is None or not self.asker.scope.has_guest(
            guest.cluster, guest.vmid, guest.node, guest.pool, guest.tags
        ):
            return None
        return guest

    def guest(self, cluster: str, vmid: int) -> Guest | None:
        """As last seen, without a call; None where it is not known, or does not exist for the asker."""
        pve = self.env.clusters.get(cluster)
        return self._find(pve.latest(), vmid) if pve is not None else None

    async def tasks(self) -> tuple[tuple[Task, ...], tuple[Unseen, ...]]:
        """What runs and ran lately in every cluster, newest first, and the clusters that could not say.

        Raises: the PveError where none could.
        """
        found: list[Task] = []
        missing: list[Unseen] = []
        trouble: PveError | None = None
        for key, pve in self.env.clusters.items():
            try:
                found += await pve.tasks()
            except PveError as error:
                trouble = error
                missing.append(_gap(key, 0, error))
        if trouble is not None and len(missing) == len(self.env.clusters):
            raise trouble
        newest_first = sorted(found, key=lambda task: task.upid.start, reverse=True)
        return tuple(task for task in newest_first if self.sees_task(task.cluster, task.upid)), tuple(missing)

    def sees_task(self, cluster: str, upid: Upid) -> bool:
        """Is it of a guest, or a node, that exists for the asker? A guest that is gone exists for nobody narrowed."""
        scope = self.asker.scope
        if scope == EVERYTHING:
            return True
        if (named := guest_id(f"{cluster}/{upid.subject}")) is not None:
            return self._find(self.pve(cluster).latest(), named[1]) is not None
        return scope.has_node(cluster, upid.node) and not (scope.pools or scope.tags or scope.vmids)

    async def offers(self, guest: Guest) -> tuple[Action, ...]:
        """What this asker may be offered on this guest, by role, token privilege and state."""
        if self.env.store.frozen:
            return ()
        pve = self.pve(guest.cluster)
        permissions: dict[Role, Permissions] = {}
        for role in Role:
            if role > Role.VIEWER and role <= self.asker.role and (seen := await pve.permissions(role)) is not None:
                permissions[role] = seen
        return offers(guest, self.asker, permissions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A guest, the snapshot it was found in, and whether that had to be fetched for it (two calls)."""

    guest: Guest
    snapshot: Snapshot
    fetched: bool


async def _read(pve: Pve, max_age: float) -> Snapshot | PveError:
    try:
        return await pve.snapshot(max_age)
    except PveError as error:
        return error


def _narrow(snapshot: Snapshot, asker: Asker) -> Snapshot:
    """What is out of scope does not exist."""
    scope = asker.scope
    if scope == EVERYTHING:
        return snapshot
    guests = tuple(g for g in snapshot.guests if scope.has_guest(g.cluster, g.vmid, g.node, g.pool, g.tags))
    homes = {guest.node for guest in guests}
    nodes = tuple(
        node
        for node in snapshot.nodes
        if scope.has_node(node.cluster, node.name)
        and (node.name in homes or not (scope.pools or scope.tags or scope.vmids))
    )
    names = {node.name for node in nodes}
    here = Counter(guest.node for guest in guests)
    unseen = tuple(
        replace(gap, count=here[gap.subject]) if gap.gap is Gap.NODE_OFFLINE else gap
        for gap in snapshot.unseen
        if gap.subject in names or gap.gap not in {Gap.NODE_OFFLINE, Gap.NODE_BARE}
    )
    return replace(
        snapshot,
        nodes=nodes,
        guests=guests,
        unseen=unseen,
        storages=tuple(storage for storage in snapshot.storages if storage.node in names),
    )


def _advice(error: PveError) -> Said | None:
    """What was reached says itself what is wrong and what to do; where nothing was, the reason is all."""
    if isinstance(error, PveUnreachable) and type(error) is PveUnreachable:  # another certificate was reached
        return error.why() if error.each or error.closed or error.untrusted else None
    return error.said()


def _unreached(key: str, last: Snapshot | None, error: PveError, now: datetime) -> Snapshot:
    """What was last seen of a cluster, and that it is not reached now; `count`: the guests that this shows."""
    if last is None:
        gap = _gap(key, 0, error)
        return Snapshot(cluster=key, name=key, quorate=None, nodes=(), guests=(), storages=(), unseen=(gap,), taken=now)
    return replace(last, unseen=(*last.unseen, _gap(last.name, len(last.guests), error)))


def _gap(name: str, count: int, error: PveError) -> Unseen:
    return Unseen(
        gap=Gap.UNREACHABLE,
        subject=name,
        count=count,
        detail=error.reason,
        said=_advice(error),
        answered=_answered(error),
    )


def _answered(error: PveError) -> bool:
    """As the watch sees it (watch/look.py): what took a connection and then kept still was not reached either."""
    if type(error) is PveUnreachable:
        return error.untrusted
    return not isinstance(error, PveNoAnswer | PveNodeDown)
