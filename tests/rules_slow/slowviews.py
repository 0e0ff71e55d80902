"""Views for the rules of the slower feeds, a call each."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.model import Finding, Guest, Kind, Node, Outcome, Snapshot, Status, Storage, Subject, Task, Upid
from bot.model.feeds import Feed, Feeds, Reading
from bot.model.view import View
from bot.rules import BY_KEY, Limits
from bot.text import Reader, plain

AT = datetime(2026, 11, 24, 14, 2, 31, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NASTY = 'web<1>_&"'
GB = 10**9


def node(name: str = "pve1", **more: Any) -> Node:
    return Node(**{"cluster": "main", "name": name, "online": True, "cpu": 0.1, "uptime": 10**6, "disk": 5 * GB,
                   "maxdisk": 100 * GB, **more})  # fmt: skip


def guest(vmid: int = 101, name: str = NASTY, **more: Any) -> Guest:
    return Guest(**{"cluster": "main", "vmid": vmid, "name": name, "kind": Kind.QEMU, "node": "pve1",
                    "status": Status.RUNNING, **more})  # fmt: skip


def storage(name: str = "nas", used: float = 0.5, *, of: str = "pve1", **more: Any) -> Storage:
    return Storage(**{"cluster": "main", "name": name, "node": of, "shared": False, "available": True,
                      "disk": int(used * 1000 * GB), "maxdisk": 1000 * GB, "kind": "dir", **more})  # fmt: skip


def snapshot(*, nodes: Sequence[Node] = (), guests: Sequence[Guest] = (), storages: Sequence[Storage] = (), **more: Any
             ) -> Snapshot:  # fmt: skip
    return Snapshot(**{"cluster": "main", "name": "homelab", "quorate": True,
                       "nodes": tuple(nodes) or (node("pve1"), node("pve2")),
                       "guests": tuple(guests) or (guest(), guest(102, "db", node="pve2")), "storages": tuple(storages),
                       "unseen": (), "taken": AT, **more})  # fmt: skip


def fresh(value: Any, at: datetime = AT) -> Reading[Any]:
    return Reading(value=value, at=at, fresh=True)


BLIND: dict[str, Reading[Any]] = {
    "forbidden": Reading(value=None, at=None, fresh=False, forbidden=True, fails=1),
    "silent": Reading(value=None, at=None, fresh=False, silent=True, fails=3, failing=90.0),
    "absent": Reading(value=None, at=None, fresh=False, absent=True),
}


def stale(value: Any) -> Reading[Any]:
    return Reading(value=value, at=AT - DAY, fresh=False, fails=4, failing=1e4)


def feeds(*readings: tuple[Feed[Any], str, Reading[Any] | Any]) -> Feeds:
    """(feed, node or '', its reading, or the value of a fresh one)."""
    return Feeds(readings={
        (feed.key, name): value if isinstance(value, Reading) else fresh(value) for feed, name, value in readings
    })  # fmt: skip


def view(snap: Snapshot | None = None, **more: Any) -> View:
    return View(**{"cluster": "main", "name": "homelab", "at": AT, "step": 15.0, "poll": 15.0,
                   "snapshot": snap if snap is not None else snapshot(), "fresh": True, **more})  # fmt: skip


def find(key: str, of: View, limits: Limits | None = None) -> list[Finding]:
    rule = BY_KEY[key]
    return list(rule.find(of, limits or Limits(base=rule.limit)))


def sees(key: str, of: View, subject: Subject) -> bool:
    return BY_KEY[key].sees(of, subject)


def how(findings: Sequence[Finding]) -> str:
    """'warning', 'critical', 'info', 'grey', or '' for nothing: of the only one."""
    if not findings:
        return ""
    (one,) = findings
    return "grey" if one.grey else one.severity.word


def text(finding: Finding) -> str:
    """Headline and details, as people read them."""
    return "\n".join(plain(said, Reader(zone=UTC)) for said in (finding.said, *finding.details))


def task(type_: str = "qmstart", *, subject: str = "101", by: str = "root@pam", on: str = "pve1",
         began: timedelta = 2 * HOUR, took: timedelta | None = timedelta(minutes=5), outcome: Outcome = Outcome.ERROR,
         exitstatus: str = "start failed", pid: int = 1) -> Task:  # fmt: skip
    """`began`: so long ago. `took` None: it runs."""
    start = AT - began
    upid = Upid.parse(f"UPID:{on}:{pid:08X}:00056ACF:{int(start.timestamp()):08X}:{type_}:{subject}:{by}:")
    if took is None:
        return Task(cluster="main", upid=upid, outcome=Outcome.RUNNING)
    return Task(cluster="main", upid=upid, outcome=outcome, exitstatus=exitstatus, end=upid.start + took)
