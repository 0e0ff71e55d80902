"""What is wrong in a snapshot, worst first: pure, and quick enough for ten thousand guests.

    quorum lost → node offline → guest halted, HA error → storage full or gone → should run → states unknown
    → storage filling → paused → locked

Guests of a node that is offline are its problem, not one each. What alerts know besides, and who has it: wrong.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TypeVar

from bot.model import Guest, Node, Snapshot, Status, Storage
from bot.model.memo import memo
from bot.pages.alerting.alertwords import dotted
from bot.pages.parts import WORDS
from bot.screen import Open
from bot.text import Said, bold, raw, say, say_n

T = TypeVar("T")

FILLING, FULL = 0.85, 0.95
"""Shares of a storage that are worth a word, and a loud one."""
EXPECT_UP = "expect-up"
"""A tag by which people say that a guest should run."""
SUSPENDED = "suspended"
"""The lock of one that hibernates: wanted, also where its node is off and its status unknown."""
HA_BROKEN = frozenset({"error", "fence", "recovery"})


class Rank(IntEnum):
    """Worst first; up to CRITICAL it makes the cluster red."""

    NO_QUORUM = 0
    NODE_OFFLINE = 1
    HALTED = 2
    STORAGE_FULL = 3
    CRITICAL = 4  # an alert of what no snapshot shows: a pool, a backup
    SHOULD_RUN = 5
    UNKNOWN = 6
    STORAGE_FILLING = 7
    WARNING = 8
    PAUSED = 9
    LOCKED = 10
    INFO = 11

    @property
    def critical(self) -> bool:
        return self <= Rank.CRITICAL

    @property
    def emoji(self) -> str:
        return "🔴" if self.critical else "🔵" if self is Rank.INFO else "⚠️"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    rank: Rank
    said: Said  # a whole sentence, without its emoji
    word: Said  # for a column
    name: str  # of what it is about, for a button
    opens: Open
    vmid: int | None = None  # where it is about one guest
    node: str = ""  # that it is on, and goes down with
    off: frozenset[str] = frozenset()  # of a node or storage that is not there: the names by which it may be asleep
    there: Said | None = None  # what else is not known for it
    known: Said | None = None  # all alerts of it are acknowledged or silenced: who has it

    @property
    def short(self) -> Said:
        """Where what hangs on it is shown by itself."""
        return self._marked(self.known)

    @property
    def line(self) -> Said:
        return self._marked(self.there, self.known)

    def _marked(self, *more: Said | None) -> Said:
        said = dotted([self.said, *(one for one in more if one is not None)])
        return say("{emoji} {said}", emoji=self.rank.emoji, said=said)


@memo
def problems(snapshot: Snapshot) -> tuple[Problem, ...]:
    """Worst first; of the same rank nodes and storages by name, guests by vmid."""
    found = [*_cluster(snapshot), *_nodes(snapshot), *_storages(snapshot), *_guests(snapshot)]
    return tuple(sorted(found, key=lambda problem: problem.rank))


@memo
def by_vmid(snapshot: Snapshot) -> Mapping[int, Problem]:
    return {problem.vmid: problem for problem in problems(snapshot) if problem.vmid is not None}


@memo
def ordered(snapshot: Snapshot) -> tuple[tuple[Guest, ...], tuple[Guest, ...]]:
    """Guests with a problem (worst first), and the others: unknown, up, down, templates; each by vmid."""
    wrong = by_vmid(snapshot)
    first = tuple(snapshot.by_vmid[vmid] for vmid in wrong)
    rest: tuple[list[Guest], ...] = ([], [], [], [])
    for guest in snapshot.guests:
        if guest.vmid not in wrong:
            rest[_place(guest)].append(guest)
    return first, tuple(guest for group in rest for guest in group)


def guest_problem(guest: Guest) -> tuple[Rank, Said, Said] | None:
    """Rank, sentence and word of what is wrong with one guest; None where nothing is."""
    name = bold(guest.name)
    if guest.template:
        return None
    if guest.status.troubled:
        return Rank.HALTED, say("{name} is halted: {state}", name=name, state=guest.status.value), WORDS[guest.status]
    if guest.hastate in HA_BROKEN:
        return (
            Rank.HALTED,
            say("{name}: HA state {state}", name=name, state=guest.hastate),
            say("HA {state}", state=guest.hastate),
        )
    if guest.status is Status.STOPPED and (guest.hastate == "started" or EXPECT_UP in guest.tags):
        return Rank.SHOULD_RUN, say("{name} stopped, should run", name=name), say("should run")
    if guest.status is Status.PAUSED:
        return Rank.PAUSED, say("{name} is paused", name=name), say("paused")
    if guest.lock not in {"", SUSPENDED} and not _at_work(guest):
        return Rank.LOCKED, say("{name} is locked: {lock}", name=name, lock=guest.lock), raw(guest.lock)
    return None


def _at_work(guest: Guest) -> bool:
    """Every night's backup locks what goes on running: nothing is wrong with that."""
    return guest.lock == "backup" and guest.status is Status.RUNNING


def _place(guest: Guest) -> int:
    if guest.template:
        return 3
    if guest.status is Status.RUNNING:
        return 1
    return 0 if guest.status is Status.UNKNOWN else 1 if guest.status.up else 2


def _cluster(snapshot: Snapshot) -> Iterator[Problem]:
    if snapshot.quorate is False:
        yield Problem(
            rank=Rank.NO_QUORUM,
            said=say("{name} has lost its quorum: nothing starts, nothing changes", name=bold(snapshot.name)),
            word=say("no quorum"),
            name=snapshot.name,
            opens=Open("nodes"),
        )


def _nodes(snapshot: Snapshot) -> Iterator[Problem]:
    unknown: dict[str, int] = {}
    for guest in snapshot.guests if snapshot.counts[Status.UNKNOWN] else ():
        if guest.status is Status.UNKNOWN and not guest.template:
            unknown[guest.node] = unknown.get(guest.node, 0) + 1
    for node in sorted(snapshot.nodes, key=lambda node: node.name):
        count = unknown.pop(node.name, 0)
        if not node.online:
            off = frozenset({node.name} if node.online is False else ())
            problem = _node(snapshot, node.name, _gone(node), Rank.NODE_OFFLINE)
            yield replace(problem, off=off, there=_unknown(count) if off and count else None)
        elif count:
            yield _node(snapshot, node.name, _silent(node.name, count), Rank.UNKNOWN)
    for name, count in sorted(unknown.items()):  # of nodes that the token does not see
        yield _node(snapshot, name, _silent(name, count), Rank.UNKNOWN)


def _node(snapshot: Snapshot, name: str, said: Said, rank: Rank) -> Problem:
    opens = Open("node", f"{snapshot.cluster}/{name}")
    return Problem(rank=rank, said=said, word=say("offline"), name=name, opens=opens)


def _gone(node: Node) -> Said:
    if node.online is None:
        return say("{name}: nobody can say how it is", name=bold(node.name))
    return say("{name} is offline", name=bold(node.name))


def _unknown(count: int) -> Said:
    return say_n(count, one="{n} guest there: state unknown", many="{n} guests there: state unknown")


def _silent(name: str, count: int) -> Said:
    return say_n(
        count,
        one="{name} says nothing of {n} guest",
        many="{name} says nothing of {n} guests",
        name=bold(name),
    )


def _storages(snapshot: Snapshot) -> Iterator[Problem]:
    for storage in sorted(snapshot.storages, key=lambda storage: (-(storage.used or 0), storage.id)):
        used = storage.used
        if storage.available is False:
            said: Said = say("{name} is not available", name=bold(storage.id))
            problem = _storage(storage, said, say("not available"), Rank.STORAGE_FULL)
            yield replace(problem, off=names(storage))
        elif used is not None and used >= FILLING:
            percent = round(used * 100)
            said = say("{name} {percent} % full", name=bold(storage.id), percent=percent)
            rank = Rank.STORAGE_FULL if used >= FULL else Rank.STORAGE_FILLING
            yield _storage(storage, said, say("{percent} % full", percent=percent), rank)


def _storage(storage: Storage, said: Said, word: Said, rank: Rank) -> Problem:
    node = "" if storage.shared else storage.node
    return Problem(rank=rank, said=said, word=word, name=storage.id, opens=Open("storage"), node=node)


def names(storage: Storage) -> frozenset[str]:
    """By which TELEMOX_MAY_SLEEP may call it: one that is not shared sleeps with its node."""
    return frozenset({storage.id, storage.name, *(() if storage.shared else (storage.node,))})


def _guests(snapshot: Snapshot) -> Iterator[Problem]:
    running, calm = Status.RUNNING, frozenset({"", "started", "ignored"})
    for guest in snapshot.guests:
        if guest.status is running and not guest.lock and guest.hastate in calm:
            continue  # the way of nearly all of ten thousand
        found = guest_problem(guest)
        if found is not None:
            rank, said, word = found
            opens = Open("vm", guest.target)
            yield Problem(
                rank=rank, said=said, word=word, name=guest.name, opens=opens, vmid=guest.vmid, node=guest.node
            )
