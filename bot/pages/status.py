"""/status: how each cluster stands, in one look. State first, then what is wrong, then the nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.access import Asker, Role
from bot.model import Alert, Fleet, Gap, Snapshot, Status
from bot.pages.alerting.watched import open_alerts
from bot.pages.nodes import figures
from bot.pages.page import Enquiry, Page
from bot.pages.parts import age, gaps, mends, refresh
from bot.pages.problems import Problem, counted, everything
from bot.screen import Button, Open, Row, Screen
from bot.text import EMPTY, Said, Value, bold, lines, say, say_n

LINES = 6
"""Problems shown here; the rest is a tap away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    fleet: Fleet
    now: datetime
    frozen: bool = False
    alerts: Mapping[str, Sequence[Alert]] = field(
        default_factory=dict
    )  # open ones that exist for the asker, by cluster


async def load(ask: Enquiry, arg: str) -> Data:
    return Data(fleet=await ask.fleet(), now=ask.now, frozen=ask.env.store.frozen, alerts=open_alerts(ask))


def draw(data: Data, asker: Asker) -> Screen:
    parts: list[Said] = [say("🧊 Writes are frozen until an admin sends /thaw.")] if data.frozen else []
    for snapshot in data.fleet:
        parts += [*_cluster(snapshot, data.alerts.get(snapshot.cluster, ())), EMPTY]
    rows = _rows(data.fleet, data.alerts)
    if total := sum(len(alerts) for alerts in data.alerts.values()):
        label = say_n(total, one="🔔 {n} alert", many="🔔 {n} alerts")
        rows = (*rows[:-2], (Button(label, Open("alerts")),), *rows[-2:])
    return Screen(text=lines(*parts, age(data.fleet.taken, data.now)), rows=rows)


def _cluster(snapshot: Snapshot, alerts: Sequence[Alert]) -> list[Said]:
    wrong = everything(snapshot, alerts)
    parts = [_head(snapshot, wrong), *_told(_guests(snapshot), len(alerts))]
    missing = gaps(gap for gap in snapshot.unseen if gap.gap is not Gap.NODE_OFFLINE)  # that is a problem already
    if wrong or missing:
        parts.append(EMPTY)
    parts += [problem.line for problem in wrong[:LINES]]
    if len(wrong) > LINES:
        parts.append(say("… and {n} more", n=len(wrong) - LINES))
    parts += missing
    online = [node for node in snapshot.nodes if node.online]  # the others are problems, and said
    if shown := figures(online, most=3 if len(online) > 4 else len(online)):
        parts += [EMPTY, *shown]
    return parts


def _head(snapshot: Snapshot, wrong: Sequence[Problem]) -> Said:
    values: dict[str, Value] = {
        "emoji": _emoji(snapshot, wrong),
        "name": bold(snapshot.name),
        "up": sum(1 for node in snapshot.nodes if node.online),
        "all": len(snapshot.nodes),
    }
    if not snapshot.nodes and snapshot.quorate is None:
        return say("{emoji} {name} · nothing is known", **values)
    if snapshot.standalone:
        return say("{emoji} {name} · one node, no cluster", **values)
    if snapshot.quorate is None:
        return say("{emoji} {name} · {up}/{all} nodes · quorum unknown", **values)
    if snapshot.quorate:
        return say("{emoji} {name} · {up}/{all} nodes · quorum", **values)
    return say("{emoji} {name} · {up}/{all} nodes · no quorum", **values)


def _emoji(snapshot: Snapshot, wrong: Sequence[Problem]) -> str:
    """What is not known never reads as health."""
    if any(gap.gap is Gap.UNREACHABLE for gap in snapshot.unseen):
        return "⚪"
    if wrong and wrong[0].rank.critical:
        return "🔴"
    blind = any(gap.gap is Gap.NO_GUESTS_VISIBLE for gap in snapshot.unseen)
    return "⚪" if blind or snapshot.quorate is None else "🟢"


def _guests(snapshot: Snapshot) -> list[Said]:
    total = sum(snapshot.counts.values())
    if total:
        running = snapshot.counts[Status.RUNNING]
        said = say_n(total, one="{running} of {n} guest runs", many="{running} of {n} guests run", running=running)
        templates = len(snapshot.guests) - total
        more = say_n(templates, one="{said} · {n} template", many="{said} · {n} templates", said=said)
        return [more if templates else said]
    if any(gap.gap in {Gap.NO_GUESTS_VISIBLE, Gap.UNREACHABLE} for gap in snapshot.unseen):
        return []
    return [say("no guests yet")]


def _told(guests: list[Said], alerts: int) -> list[Said]:
    """`38 of 44 guests run · 2 alerts`."""
    if not alerts:
        return guests
    count = say_n(alerts, one="{n} alert", many="{n} alerts")
    return [say("{guests} · {count}", guests=guests[0], count=count), *guests[1:]] if guests else [count]


def _rows(fleet: Fleet, alerts: Mapping[str, Sequence[Alert]]) -> tuple[Row, ...]:
    wrong = sum(counted(snapshot, alerts.get(snapshot.cluster, ())) for snapshot in fleet)
    guests = sum(len(snapshot.guests) for snapshot in fleet)  # as many as the list has
    first: Row = (
        Button(say("Guests {n}", n=guests), Open("vms")),
        Button(say("Storage"), Open("storage")),
    )
    if wrong:
        first = (Button(say("⚠️ Problems {n}", n=wrong), Open("problems")), *first)
    return (
        *mends(fleet.unseen),
        first,
        (Button(say("Nodes"), Open("nodes")), Button(say("Tasks"), Open("tasks")), refresh("status")),
    )


PAGE = Page(key="status", help="How the cluster stands", role=Role.VIEWER, command=True, load=load, draw=draw)
