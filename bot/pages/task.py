"""One task: how it stands and the end of its log, folded; `log` sends the whole log as a file beside it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from bot.access import Asker, Role
from bot.errors import NotFound, PveForbidden, Stale
from bot.model import Fleet, Outcome, Task, TaskLog, Upid, guest_id
from bot.pages.page import Enquiry, Page
from bot.pages.parts import age, name_button, refresh
from bot.pages.tasks import EMOJI, subject
from bot.screen import Button, File, Open, Row, Screen
from bot.text import EMPTY, Said, Value, bold, day_clock, folded, lines, raw, say, span

T = TypeVar("T")

TAIL = 30
"""Lines of the log that are shown, folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    task: Task
    log: TaskLog
    fleet: Fleet | None  # as last read: for names
    now: datetime
    whole: TaskLog | None = None  # to be sent as a file


async def load(ask: Enquiry, arg: str) -> Data:
    """`main UPID:…`. Raises: Stale for what is no task's name; NotFound outside the asker's scope."""
    cluster, _, text = arg.partition(" ")
    try:
        upid = Upid.parse(text.strip())
    except ValueError as error:
        raise Stale(say("This button cannot be read any more.")) from error
    pve = ask.pve(cluster)
    if not ask.sees_task(cluster, upid):
        raise NotFound(say("There is no such task."))
    task, role = await _first_allowed(ask, lambda role: pve.task(upid, role=role))
    log = await pve.log(upid, role=role, start=-TAIL, limit=TAIL)
    return Data(task=task, log=log, fleet=ask.known(), now=ask.now)


async def load_whole(ask: Enquiry, arg: str) -> Data:
    data = await load(ask, arg)
    pve, upid = ask.pve(data.task.cluster), data.task.upid
    whole, _ = await _first_allowed(ask, lambda role: pve.log(upid, role=role, limit=0))
    return replace(data, whole=whole)


async def _first_allowed(ask: Enquiry, read: Callable[[Role], Awaitable[T]]) -> tuple[T, Role]:
    """By the view token; else by that of the asker's role: a token may always read the tasks that it started."""
    try:
        return await read(Role.VIEWER), Role.VIEWER
    except PveForbidden:
        if ask.asker.role is Role.VIEWER or ask.pve(next(iter(ask.env.clusters))).token(ask.asker.role) is None:
            raise
        return await read(ask.asker.role), ask.asker.role


def draw(data: Data, asker: Asker) -> Screen:
    task, upid = data.task, data.task.upid
    arg = f"{task.cluster} {upid}"
    name = subject(task, data.fleet)
    values: dict[str, Value] = {"emoji": EMOJI[task.outcome], "type": bold(upid.type), "node": upid.node, "name": name}
    text = lines(
        say("{emoji} {type} · {name} · {node}", **values) if upid.subject else say("{emoji} {type} · {node}", **values),
        _state(data),
        raw(task.exitstatus) if task.outcome is Outcome.ERROR and task.exitstatus else None,
        say("by {user}", user=upid.user),
        say("began {when}", when=day_clock(upid.start)),
        EMPTY,
        _excerpt(data.log),
        folded("\n".join(data.log.lines)) if data.log.lines else None,
        age(data.now, data.now),
    )
    rows: list[Row] = [(Button(say("Log as file"), Open("log", arg)), refresh("task", arg))]
    named = guest_id(f"{task.cluster}/{upid.subject}")
    guest = data.fleet.guest(*named) if data.fleet is not None and named is not None else None
    if guest is not None:
        rows.append((Button(say("‹ Tasks"), Open("tasks")), name_button(guest.name, "vm", guest.target)))
    else:
        rows.append((Button(say("‹ Tasks"), Open("tasks")),))
    return Screen(text=text, rows=tuple(rows), attachment=_file(data))


def _state(data: Data) -> Said:
    task = data.task
    match task.outcome:
        case Outcome.RUNNING:
            return say("runs for {span}", span=span((data.now - task.upid.start).total_seconds()))
        case Outcome.UNKNOWN:
            return say("ended, nobody wrote down how")
        case Outcome.OK | Outcome.WARNINGS | Outcome.ERROR:
            word = {Outcome.OK: say("done"), Outcome.WARNINGS: say("done, with warnings")}.get(
                task.outcome, say("failed")
            )
            if task.end is None:
                return word
            return say("{word} after {span}", word=word, span=span((task.end - task.upid.start).total_seconds()))


def _excerpt(log: TaskLog) -> Said:
    if not log.lines:
        return say("Its log is empty.")
    if log.start or len(log.lines) < log.total:
        return say("Last {n} of {total} lines:", n=len(log.lines), total=log.total)
    return say("Log:")


def _file(data: Data) -> File | None:
    if data.whole is None:
        return None
    upid = data.task.upid
    stamp = upid.start.strftime("%Y%m%d-%H%M%S")
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in f"{upid.type}-{upid.subject or upid.node}")
    return File(f"{safe}-{stamp}.log", ("\n".join(data.whole.lines) + "\n").encode(errors="replace"))


PAGE = Page(key="task", help="", role=Role.VIEWER, load=load, draw=draw)
LOG = Page(key="log", help="", role=Role.VIEWER, load=load_whole, draw=draw)
