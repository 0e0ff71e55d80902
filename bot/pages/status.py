"""/status: how each cluster stands, in one look. State first, then what is wrong, then the nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.access import Asker, Role
from bot.model import Alert, Fleet, Gap, Snapshot, Status
from bot.pages.alerting.tallied import KNOWN, tally
from bot.pages.alerting.watched import sleeping, standing
from bot.pages.cut import told
from bot.pages.nodes import figures
from bot.pages.page import Enquiry, Page
from bot.pages.parts import age, gaps, mends, refresh
from bot.pages.problems import Problem
from bot.pages.wrong import asleep, away, everything, mark, unreached
from bot.screen import Button, Open, Row, Screen
from bot.text import EMPTY, WIDTH, Reader, Said, Value, bold, columns, lines, plain, say, say_n

LINES = 6
"""Problems shown here; the rest is a tap away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    fleet: Fleet
    now: datetime
    frozen: bool = False
    alerts: Mapping[str, Sequence[Alert]] = field(default_factory=dict)  # that stand for the asker, by cluster
    sleeping: frozenset[str] = frozenset()  # what may be off

    def of(self, snapshot: Snapshot) -> Sequence[Alert]:
        return self.alerts.get(snapshot.cluster, ())


async def load(ask: Enquiry, arg: str) -> Data:
    fleet, frozen = await ask.fleet(), ask.env.store.frozen
    return Data(fleet=fleet, now=ask.now, frozen=frozen, alerts=standing(ask), sleeping=sleeping(ask))


def draw(data: Data, asker: Asker) -> Screen:
    parts: list[Said] = [say("🧊 Writes are frozen until an admin sends /thaw.")] if data.frozen else []
    wrong = [everything(snapshot, data.of(snapshot), data.sleeping) for snapshot in data.fleet]
    for snapshot, found in zip(data.fleet, wrong, strict=True):
        parts += [*_cluster(snapshot, found, data), EMPTY]
    return Screen(text=lines(*parts, age(data.fleet.taken, data.now)), rows=_rows(data, wrong))


def _cluster(snapshot: Snapshot, wrong: Sequence[Problem], data: Data) -> list[Said]:
    alerts, cut = data.of(snapshot), unreached(snapshot)
    if cut is None:
        parts = [_head(snapshot, wrong), *_told(_guests(snapshot), tally(alerts).brief)]
    else:
        parts = told(snapshot, cut, alerts, data.now)
    said = {Gap.NODE_OFFLINE, Gap.UNREACHABLE}  # already: as a problem, and above
    missing = gaps(gap for gap in snapshot.unseen if gap.gap not in said)
    if wrong or missing:
        parts.append(EMPTY)
    if wrong and cut is not None:
        parts.append(say("Wrong when last seen:"))
    parts += [problem.line for problem in wrong[:LINES]]
    if len(wrong) > LINES:
        parts.append(say("… and {n} more", n=len(wrong) - LINES))
    parts += missing
    online = [node for node in snapshot.nodes if node.online and cut is None]  # the others are problems, and said
    sleep = [node for node in snapshot.nodes if cut is None and asleep(node, data.sleeping)]
    shown = figures(online, most=3 if len(online) > 4 else len(online))
    shown += [line for node in sleep if (line := away(snapshot, node, alerts, data.sleeping)) is not None]
    if shown:
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
    if wrong and wrong[0].rank.critical:
        return mark(wrong)
    blind = any(gap.gap is Gap.NO_GUESTS_VISIBLE for gap in snapshot.unseen)
    return "⚪" if blind or snapshot.quorate is None else mark(wrong)


def _guests(snapshot: Snapshot) -> list[Said]:
    if total := snapshot.total:
        running = snapshot.counts[Status.RUNNING]
        said = say_n(total, one="{running} of {n} guest runs", many="{running} of {n} guests run", running=running)
        templates = len(snapshot.guests) - total
        more = say_n(templates, one="{said} · {n} template", many="{said} · {n} templates", said=said)
        return [more if templates else said]
    if any(gap.gap is Gap.NO_GUESTS_VISIBLE for gap in snapshot.unseen):
        return []
    return [say("no guests yet")]


def _told(guests: list[Said], count: Said | None) -> list[Said]:
    """`38 of 44 guests run · 2 alerts`, in one line where it fits."""
    if count is None:
        return guests
    both: list[Said] = [say("{guests} · {count}", guests=guests[0], count=count)] if guests else []
    return both if both and columns(plain(both[0], Reader())) <= WIDTH else [*guests, count]


def _rows(data: Data, wrong: Sequence[Sequence[Problem]]) -> tuple[Row, ...]:
    fleet = data.fleet
    cut = sum(unreached(snapshot) is not None for snapshot in fleet)
    found = [problem for of_one in wrong for problem in of_one]
    trouble: list[Button] = []  # a row of its own: a third of a phone's width cuts it
    if cut or found:
        emoji = "⚠️" if cut or any(problem.known is None for problem in found) else KNOWN
        trouble.append(Button(say("{emoji} Problems {n}", emoji=emoji, n=cut + len(found)), Open("problems")))
    counts = tally(alert for alerts in data.alerts.values() for alert in alerts)
    if counts.brief is not None:
        trouble.append(Button(say("🔔 {count}", count=counts.brief), Open("alerts")))
    elif counts.silenced:
        trouble.append(Button(say("🔕 {n} silenced", n=counts.silenced), Open("alerts")))
    return (
        *mends(fleet.unseen),
        *([tuple(trouble)] if trouble else []),
        (Button(say("Guests {n}", n=fleet.total), Open("vms")), Button(say("Storage"), Open("storage"))),
        (Button(say("Nodes"), Open("nodes")), Button(say("Tasks"), Open("tasks")), refresh("status")),
    )


PAGE = Page(key="status", help="How the cluster stands", role=Role.VIEWER, command=True, load=load, draw=draw)
