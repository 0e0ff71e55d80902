"""/tasks: what runs, what failed, what ended; of everything, of one node, of one guest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.access import Asker, Role
from bot.errors import PveForbidden, PveNodeDown, Stale
from bot.model import Fleet, Outcome, Task, Unseen, guest_id, is_node
from bot.pages.page import Enquiry, Page
from bot.pages.parts import age, page_of, pager, pairs, refresh
from bot.screen import Button, Open, Row, Screen
from bot.text import EMPTY, Moment, Said, Value, columns, cut, lines, say, span, table

EMOJI: Mapping[Outcome, str] = {
    Outcome.RUNNING: "⏳",
    Outcome.OK: "✅",
    Outcome.WARNINGS: "⚠️",
    Outcome.ERROR: "❌",
    Outcome.UNKNOWN: "❔",
}
DAY = timedelta(hours=24)
"""A failure of this age still stands above what went well since."""
LABEL, NAME = 16, 11
"""Columns of type and name together on a button, two a row; and of the name at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    tasks: tuple[Task, ...]  # newest first
    fleet: Fleet | None  # as last read: for names
    show: str  # '' all, running, failed
    of: str  # '' everything, node:cluster/name, vm:cluster/vmid
    number: int  # page
    now: datetime
    unseen: tuple[Unseen, ...] = ()


async def load(ask: Enquiry, arg: str) -> Data:
    """`running`, `failed`, `vm:main/101`, `node:main/pve1`, and `page:2`, in any order."""
    show, of, number = "", "", 1
    for word in arg.split():
        if word in {"running", "failed"}:
            show = word
        elif word.startswith(("vm:", "node:")):
            of = word
        elif word.startswith("page:") and word[5:].isdecimal() and len(word) < 10:
            number = int(word[5:])
    tasks, unseen = await _of(ask, of) if of else await ask.tasks()
    return Data(tasks=tasks, fleet=ask.known(), show=show, of=of, number=number, now=ask.now, unseen=unseen)


async def _of(ask: Enquiry, of: str) -> tuple[tuple[Task, ...], tuple[Unseen, ...]]:
    """Of one node or guest, from the node; from the cluster's own list where the node is silent or does not let us."""
    kind, _, target = of.partition(":")
    cluster, _, name = target.partition("/")
    vmid: int | None = None
    node = name
    if kind == "vm":
        guest = (await ask.locate(target)).guest
        node, vmid = guest.node, guest.vmid
    else:
        _know(ask, cluster, node)
    try:
        found = await ask.pve(cluster).node_tasks(node, role=Role.VIEWER, vmid=vmid)
        return tuple(task for task in found if ask.sees_task(cluster, task.upid)), ()
    except (PveForbidden, PveNodeDown):
        tasks, unseen = await ask.tasks()
        mine = tuple(
            task
            for task in tasks
            if task.cluster == cluster and (task.upid.subject == str(vmid) if vmid else task.upid.node == node)
        )
        return mine, unseen


def _know(ask: Enquiry, cluster: str, node: str) -> None:
    """A name goes into a path only when it is that of a node which exists for the asker; where nothing was read yet,
    only when it can be one.

    Raises: Stale.
    """
    if is_node(node) and ask.asker.scope.has_node(cluster, node):
        latest = ask.pve(cluster).latest()
        if latest is None or node in latest.by_node:
            return
    raise Stale(say("This button cannot be read any more."))


def draw(data: Data, asker: Asker) -> Screen:
    running = sum(1 for task in data.tasks if task.outcome is Outcome.RUNNING)
    failed = sum(1 for task in data.tasks if task.outcome is Outcome.ERROR)
    tasks = [task for task in in_order(data.tasks, data.now) if _wanted(task, data.show)]
    shown, number, pages = page_of(tasks, data.number)
    parts: list[Said] = [_title(data, running, failed)]
    if shown:
        parts.append(table([_row(task, data) for task in shown], align="<<<>", flex=2))
    else:
        parts.append(say("Nothing to show here."))
    buttons = [_button(task, data.fleet) for task in shown]
    return Screen(
        text=lines(*parts, *map(_missing, data.unseen), EMPTY, age(data.now, data.now)),
        rows=(
            *pairs(buttons),
            *pager("tasks", lambda page: _arg(data.of, data.show, page), number, pages),
            _filters(data, running, failed),
            (_back(data), refresh("tasks", _arg(data.of, data.show, number))),
        ),
    )


def _missing(gap: Unseen) -> Said:
    return say("⚠️ The tasks of {cluster} are missing: {detail}", cluster=gap.subject, detail=gap.detail)


def in_order(tasks: Sequence[Task], now: datetime) -> list[Task]:
    """Running first, then what failed within a day, then the rest: each newest first."""

    def place(task: Task) -> int:
        if task.outcome is Outcome.RUNNING:
            return 0
        return 1 if task.outcome is Outcome.ERROR and now - task.upid.start < DAY else 2

    return sorted(tasks, key=place)


def subject(task: Task, fleet: Fleet | None) -> str:
    """The guest's name where it is known, else Proxmox's own word, else the node's name."""
    text = task.upid.subject
    if fleet is not None and (named := guest_id(f"{task.cluster}/{text}")) is not None:
        guest = fleet.guest(*named)
        return guest.name if guest is not None else text
    return text or task.upid.node


def _title(data: Data, running: int, failed: int) -> Said:
    values: dict[str, Value] = {"running": running, "failed": failed, "name": _name(data)}
    if data.of:
        return say("Tasks of {name} · {running} running, {failed} failed", **values)
    return say("Tasks · {running} running, {failed} failed", **values)


def _name(data: Data) -> str:
    kind, _, target = data.of.partition(":")
    _, _, name = target.partition("/")
    if kind == "vm" and data.fleet is not None and (named := guest_id(target)) is not None:
        guest = data.fleet.guest(*named)
        return guest.name if guest is not None else name
    return name


def _wanted(task: Task, show: str) -> bool:
    if show == "running":
        return task.outcome is Outcome.RUNNING
    return task.outcome in {Outcome.ERROR, Outcome.UNKNOWN} if show == "failed" else True


def _row(task: Task, data: Data) -> tuple[Value, ...]:
    ago = data.now - task.upid.start
    when: Value = Moment(task.upid.start, "%H:%M") if ago < DAY else Moment(task.upid.start, "%d %b")
    if task.outcome is Outcome.RUNNING:
        when = span(ago.total_seconds())
    return EMOJI[task.outcome], cut(task.upid.type, 12), subject(task, data.fleet), when


def _button(task: Task, fleet: Fleet | None) -> Button:
    """The type gives way to the name: that is in the list above as well, and of names there are many."""
    kind, name = task.upid.type, subject(task, fleet)
    name = cut(name, max(LABEL - columns(kind), NAME))
    kind = cut(kind, LABEL - columns(name))
    label = say("{emoji} {kind} {name}", emoji=EMOJI[task.outcome], kind=kind, name=name)
    return Button(label, Open("task", f"{task.cluster} {task.upid}"))


def _filters(data: Data, running: int, failed: int) -> Row:
    def button(label: Said, show: str) -> Button:
        return Button(say("• {label}", label=label) if data.show == show else label, Open("tasks", _arg(data.of, show)))

    return (
        button(say("All"), ""),
        button(say("Running {n}", n=running), "running"),
        button(say("Failed {n}", n=failed), "failed"),
    )


def _arg(of: str, show: str, page: int = 1) -> str:
    return " ".join(part for part in (of, show, f"page:{page}" if page > 1 else "") if part)


def _back(data: Data) -> Button:
    kind, _, target = data.of.partition(":")
    if data.of:
        return Button(say("‹ {name}", name=cut(_name(data), 18)), Open(kind, target))
    return Button(say("‹ Status"), Open("status"))


PAGE = Page(key="tasks", help="What runs, what failed", role=Role.VIEWER, command=True, load=load, draw=draw)
