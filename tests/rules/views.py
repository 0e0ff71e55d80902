"""Views for the rules to look at, and a film of polls that remembers from one to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.model import Finding, Guest, Kind, Node, Outcome, Snapshot, Status, Storage, Task, Unseen, Upid
from bot.model.feeds import Feed, Feeds, Reading
from bot.model.view import Memory, View
from bot.rules import BY_KEY, Limits
from bot.text import Reader, Said, plain
from bot.watch.memory import remember

NOW = datetime(2026, 11, 24, 14, 2, 35, tzinfo=UTC)
GIB = 1024**3
HOSTILE = 'web<1>_&"'
UP = 12 * 86400
DAY = 86400


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def guest(
    vmid: int = 104, name: str = HOSTILE, status: Status = Status.RUNNING, *, ct: bool = False, **more: Any
) -> Guest:
    known = Guest(
        cluster="main",
        vmid=vmid,
        name=name,
        kind=Kind.LXC if ct else Kind.QEMU,
        node="pve1",
        status=status,
        cpus=4,
        maxmem=4 * GIB,
        maxdisk=32 * GIB,
    )
    if status.up:
        known = replace(known, cpu=0.1, mem=GIB, disk=9 * GIB if ct else None, uptime=UP)
    return replace(known, **more)


def node(name: str = "pve1", **more: Any) -> Node:
    known = Node(
        cluster="main",
        name=name,
        online=True,
        cpu=0.3,
        cpus=16,
        mem=32 * GIB,
        maxmem=64 * GIB,
        disk=10 * GIB,
        maxdisk=100 * GIB,
        uptime=90 * DAY,
    )
    return replace(known, **more)


def offline(name: str = "pve1") -> Node:
    return Node(cluster="main", name=name, online=False)


def storage(name: str = "local", **more: Any) -> Storage:
    known = Storage(
        cluster="main",
        name=name,
        node="pve1",
        shared=False,
        available=True,
        disk=10 * GIB,
        maxdisk=100 * GIB,
        kind="dir",
    )
    return replace(known, **more)


def snapshot(
    guests: Sequence[Guest] = (),
    nodes: Sequence[Node] | None = None,
    storages: Sequence[Storage] = (),
    *,
    unseen: Sequence[Unseen] = (),
    quorate: bool | None = True,
    taken: datetime = NOW,
) -> Snapshot:
    return Snapshot(
        cluster="main",
        name="homelab",
        quorate=quorate,
        nodes=tuple(nodes) if nodes is not None else (node(),),
        guests=tuple(sorted(guests, key=lambda one: one.vmid)),
        storages=tuple(storages),
        unseen=tuple(unseen),
        taken=taken,
    )


def task(
    kind: str,
    subject: object = "",
    *,
    start: float = 0.0,
    end: float | None = None,
    user: str = "ana@pve",
    on: str = "pve1",
    outcome: Outcome | None = None,
) -> Task:
    """`start` and `end` in seconds from NOW; end None: it runs."""
    began = later(start)
    text = f"UPID:{on}:0000ABCD:0000ABCD:{int(began.timestamp()):08X}:{kind}:{subject}:{user}:"
    done = outcome or (Outcome.RUNNING if end is None else Outcome.OK)
    return Task(cluster="main", upid=Upid.parse(text), outcome=done, end=None if end is None else later(end))


def read(value: Any, **more: Any) -> Reading[Any]:
    return replace(Reading(value=value, at=NOW, fresh=True), **more)


def feeds(*given: tuple[Feed[Any], str, Any]) -> Feeds:
    """(feed, node, value or Reading)"""
    return Feeds(
        readings={(feed.key, of): value if isinstance(value, Reading) else read(value) for feed, of, value in given}
    )


def view(
    guests: Sequence[Guest] = (),
    nodes: Sequence[Node] | None = None,
    storages: Sequence[Storage] = (),
    *,
    quorate: bool | None = True,
    unseen: Sequence[Unseen] = (),
    **more: Any,
) -> View:
    known = View(
        cluster="main",
        name="homelab",
        at=NOW,
        step=15.0,
        poll=15.0,
        snapshot=snapshot(guests, nodes, storages, unseen=unseen, quorate=quorate),
        fresh=True,
        started=NOW - timedelta(hours=1),
    )
    return replace(known, **more)


def cut_off(**more: Any) -> View:
    return view([guest()], fresh=False, failed=3, cut_since=NOW - timedelta(seconds=45), **more)


def found(rule: str, seen: View, exceptions: Mapping[str, Any] | None = None, **limit: Any) -> list[Finding]:
    row = BY_KEY[rule]
    base = replace(row.limit, on=True, **limit)
    given = {key: replace(base, **changed) for key, changed in (exceptions or {}).items()}
    return list(row.find(seen, Limits(base=base, exceptions=given)))


def one(rule: str, seen: View, **limit: Any) -> Finding | None:
    """What is found, grey included, at most one; explained ones (`last`) are nobody's."""
    every = [finding for finding in found(rule, seen, **limit) if finding.last is None]
    assert len(every) < 2, every
    return every[0] if every else None


def fires(rule: str, seen: View, **limit: Any) -> bool:
    finding = one(rule, seen, **limit)
    return finding is not None and not finding.grey


def grey(rule: str, seen: View, **limit: Any) -> bool:
    finding = one(rule, seen, **limit)
    return finding is not None and finding.grey


def sees(rule: str, seen: View, finding: Finding) -> bool:
    return BY_KEY[rule].sees(seen, finding.subject)


def words(said: Said | None) -> str:
    return plain(said, Reader(zone=UTC)) if said is not None else ""


def card(finding: Finding) -> str:
    return "\n".join([words(finding.said), *map(words, finding.details)])


@dataclass
class Film:
    """Polls, one after the other, each remembering those before."""

    at: datetime = NOW
    memory: Memory = field(default_factory=Memory)
    base: View = field(default_factory=view)
    polls: int = 0

    def poll(
        self,
        guests: Sequence[Guest] = (),
        nodes: Sequence[Node] | None = None,
        storages: Sequence[Storage] = (),
        *,
        after: float = 15.0,
        aging: bool = True,
        nodes_age: bool | None = None,
        quorate: bool | None = True,
        unseen: Sequence[Unseen] = (),
        **more: Any,
    ) -> View:
        """`after` s; with `aging` what is up grows older by the time that has passed since NOW."""
        if self.polls:
            self.at += timedelta(seconds=after)
        passed = int((self.at - NOW).total_seconds())
        gone = passed if aging else 0
        older = passed if (aging if nodes_age is None else nodes_age) else 0
        shown = nodes if nodes is not None else (node(),)
        aged = [
            replace(row, uptime=row.uptime + older) if row.uptime is not None and row.online else row for row in shown
        ]
        grown = [replace(row, uptime=row.uptime + gone) if row.uptime is not None else row for row in guests]
        seen = replace(
            self.base,
            at=self.at,
            step=min(after, 30.0) if self.polls else 0.0,
            snapshot=snapshot(grown, aged, storages, quorate=quorate, unseen=unseen, taken=self.at),
            before=self.memory,
            **more,
        )
        self.memory = remember(seen)
        self.polls += 1
        return seen
