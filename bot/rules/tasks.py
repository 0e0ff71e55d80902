"""Tasks that failed (32), and tasks that do not end (33). Backups have a rule of their own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.model import Finding, Guest, Outcome, Part, Severity, Subject, Task, alert_key
from bot.model.feeds import DAY, FAILED, HOUR
from bot.model.memo import memo
from bot.model.view import View
from bot.rules.readings import guest_named, is_online, listed, of_node, of_other, passed, per_node, sees_nothing
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.sight import remembered, seen, whole
from bot.rules.subjects import cluster_subject, guest_part, guest_subject, node_part, opens, start
from bot.text import Said, Value, lines, say, span

CONSOLES = frozenset(
    {"vncproxy", "vncshell", "spiceproxy", "spiceshell", "termproxy", "vncterm", "login", "lxcconsole"}
)
"""They end when somebody closes a window, and last as long as it is open."""
NEVER = CONSOLES | {"aptupdate", "vzdump"}
STOPPED = ("received interrupt", "interrupted by signal")
"""How a task ends that somebody stopped."""
SETTLE = timedelta(seconds=60)
"""A worker that exits just now may be listed without an end status for a moment."""
UNATTENDED = frozenset({"qmstart", "vzstart", "startall"})
"""Begun by root@pam these are the work of the node's boot, of HA, of a reboot: nobody looks at how they end."""
LONG = ("clone", "move", "restore", "migrat", "imgcopy", "download")
"""Parts of the types that copy disks."""
WORDS: Mapping[str, Said] = {
    **dict.fromkeys(("qmstart", "vzstart"), say("Start")),
    **dict.fromkeys(("qmstop", "vzstop"), say("Stop")),
    **dict.fromkeys(("qmshutdown", "vzshutdown"), say("Shutdown")),
    **dict.fromkeys(("qmreboot", "vzreboot"), say("Reboot")),
    **dict.fromkeys(("qmigrate", "vzmigrate"), say("Migration")),
    **dict.fromkeys(("qmsnapshot", "vzsnapshot"), say("Snapshot")),
    **dict.fromkeys(("qmclone", "vzclone"), say("Clone")),
    **dict.fromkeys(("qmrestore", "vzrestore"), say("Restore")),
    **dict.fromkeys(("qmmove", "move_volume"), say("Move")),
    "hastart": say("HA start"),
    "hastop": say("HA stop"),
    "hamigrate": say("HA migration"),
    "startall": say("Start of all guests"),
    "stopall": say("Shutdown of all guests"),
    "migrateall": say("Migration of all guests"),
    "vzdump": say("Backup"),
}
"""What a person calls it."""


# -- 32 ------------------------------------------------------------------------------------------------------------


def failed(view: View, limits: Limits) -> Iterator[Finding]:
    """Each by itself; of three or more within ten minutes one line for all. Those of a line that was told are told;
    what fails after it waits until ten minutes from when it was told, unless it is worse. What the nodes' own lists
    know from before the first poll ever is no news."""
    within, told = limits.base.within, _told(view)
    oldest = view.at.timestamp() - limits.base.more.get("since_seconds", DAY)
    oldest = max(oldest, remembered(view, "begun") or 0.0)
    heap: list[Task] = []
    for task in failures(view):
        end = _end(task)
        if end < oldest or not limits.of(_subject(view, task).key).on:
            continue
        of_it = [line for line in told if 0 <= end - line.first <= within]
        if any(end <= line.last or line.waits(view.at, severity(task), within) for line in of_it):
            continue
        if heap and end - _end(heap[0]) > within:
            yield from _heap(view, heap, limits)
            heap = []
        heap.append(task)
    yield from _heap(view, heap, limits)


def _heap(view: View, heap: list[Task], limits: Limits) -> Iterator[Finding]:
    if len(heap) >= max(2, limits.base.count):
        yield _burst(view, heap, limits)
    else:
        for task in heap:
            yield _one(view, task)


@memo
def failures(view: View) -> list[Task]:
    """That are worth a word, by their end: from the cluster's list, and from the nodes' own."""
    lists = (view.tasks or (), *(tasks for _, tasks in per_node(view, FAILED))) if seen(view) is not None else ()
    found = {task.upid.text: task for tasks in lists for task in tasks if _wrong(view, task)}
    return sorted(found.values(), key=lambda task: (_end(task), task.upid.text))


def _wrong(view: View, task: Task) -> bool:
    if task.end is None or task.upid.type in NEVER or task.exitstatus.startswith(STOPPED):
        return False
    if task.outcome is Outcome.UNKNOWN:  # killed. Where its node went down that is no news of its own
        return bool(task.exitstatus) and view.at - task.end > SETTLE and _stood(view, task)
    return task.outcome is Outcome.ERROR


def _stood(view: View, task: Task) -> bool:
    """Has the node been up since before the task began?"""
    node = view.snapshot.by_node.get(task.upid.node) if view.snapshot is not None else None
    if node is None or not node.online or node.uptime is None:
        return False
    return view.at.timestamp() - node.uptime < task.upid.start.timestamp()


def _end(task: Task) -> float:
    return (task.end or task.upid.start).timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """A line that was told of several failed tasks."""

    first: float  # epoch s at which the first of them ended
    last: float
    worst: Severity
    at: datetime  # when it was told

    @property
    def event(self) -> str:
        return f"heap {self.first:.0f} {self.last:.0f} {self.worst.word}"

    def waits(self, now: datetime, severity: Severity, within: float) -> bool:
        """Is one that failed after it, and so badly, still to be told with what follows?"""
        return severity <= self.worst and 0 <= (now - self.at).total_seconds() < within


def _told(view: View) -> list[Burst]:
    prefix = alert_key("task_failed", cluster_subject(view), "heap ")
    found: list[Burst] = []
    for key, at in view.before.events.items():
        if key.startswith(prefix):
            first, last, worst, *_ = (*key[len(prefix) :].split(), "", "")  # before, a line named only its first
            bad = Severity.__members__.get(worst.upper(), Severity.INFO)
            found.append(Burst(first=float(first), last=float(last or first), worst=bad, at=at))
    return found


def _subject(view: View, task: Task) -> Subject:
    guest = guest_named(view, task.upid.subject)
    return guest_subject(guest) if guest is not None else of_node(view, task.upid.node)


def severity(task: Task) -> Severity:
    unattended = task.upid.type in UNATTENDED and task.upid.user == "root@pam"
    ha = task.upid.type in {"hastart", "hastop", "hamigrate"}
    return Severity.WARNING if unattended or ha else Severity.INFO


def _one(view: View, task: Task) -> Finding:
    guest = guest_named(view, task.upid.subject)
    return Finding(
        rule="task_failed",
        subject=_subject(view, task),
        severity=severity(task),
        said=_said(task, guest),
        details=(
            say("{why}", why=_why(task)),
            say("{type} by {user} on {node}", type=task.upid.type, user=task.upid.user, node=task.upid.node),
        ),
        because=say("{type} ended with: {why}", type=task.upid.type, why=_why(task)),
        cures=(
            *([start(guest)] if guest is not None and task.upid.type in {"qmstart", "vzstart"} else []),
            opens(say("Log"), "task", f"{view.cluster} {task.upid}"),
        ),
        event=task.upid.text,
        since=task.end,
    )


def _why(task: Task) -> str:
    return " ".join(task.exitstatus.split())[:200]


def _said(task: Task, guest: Guest | None) -> Said:
    word = WORDS.get(task.upid.type)
    name = guest.name if guest is not None else task.upid.subject or task.upid.node
    if word is None:
        return say("Task {type} of {name} failed", type=task.upid.type, name=name)
    if guest is None and not task.upid.subject:
        return say("{word} on {node} failed", word=word, node=task.upid.node)
    return say("{word} of {name} failed", word=word, name=name)


def _burst(view: View, heap: list[Task], limits: Limits) -> Finding:
    worst = max(severity(task) for task in heap)
    line = Burst(first=_end(heap[0]), last=max(_end(task) for task in heap), worst=worst, at=view.at)
    return Finding(
        rule="task_failed",
        subject=replace(cluster_subject(view), parts=_parts(view, heap)),
        severity=worst,
        said=say("{n} tasks failed within {span}", n=len(heap), span=span(limits.base.within)),
        details=listed([_line(view, task) for task in heap]),
        because=say("{n} or more within that time are one line", n=max(2, limits.base.count)),
        cures=(opens(say("Failed tasks"), "tasks", "failed"),),
        event=line.event,
        affected=tuple(sorted({_subject(view, task).name for task in heap})),
    )


def _parts(view: View, heap: list[Task]) -> tuple[Part, ...]:
    guests = [(guest_named(view, task.upid.subject), task.upid.node) for task in heap]
    found = [guest_part(guest) if guest is not None else node_part(node) for guest, node in guests]
    return tuple(dict.fromkeys(found))


def _line(view: View, task: Task) -> Said:
    return say("{said}: {why}", said=_said(task, guest_named(view, task.upid.subject)), why=_why(task))


# -- 33 ------------------------------------------------------------------------------------------------------------


def stuck(view: View, limits: Limits) -> Iterator[Finding]:
    if seen(view) is None:
        return
    for task in view.tasks or ():
        if task.outcome is not Outcome.RUNNING or task.upid.type in CONSOLES or not is_online(view, task.upid.node):
            continue
        guest = guest_named(view, task.upid.subject)
        name = guest.name if guest is not None else task.upid.subject or task.upid.node
        subject = of_other(view, task.upid.text, name, task.upid.node, guest)
        limit = limits.about(subject)
        age = (view.at - task.upid.start).total_seconds()
        if not limit.on or age <= patience(task, limit):
            continue
        word: Value = WORDS.get(task.upid.type, task.upid.type)
        yield Finding(
            rule="task_stuck",
            subject=subject,
            severity=Severity.WARNING,
            said=say("{word} of {name} has run for too long", word=word, name=name),
            over=say("{word} of {name} has ended", word=word, name=name),
            details=(say("{type} by {user} on {node}", type=task.upid.type, user=task.upid.user, node=task.upid.node),),
            because=lines(
                say("running since {start}", start=f"{task.upid.start:%Y-%m-%d %H:%M} UTC"),
                say("told after {limit}", limit=passed(patience(task, limit))),
            ),
            cures=(opens(say("Log"), "task", f"{view.cluster} {task.upid}"),),
            since=task.upid.start,
        )


def patience(task: Task, limit: Limit) -> float:
    """Seconds that a task of its type may take."""
    if task.upid.type == "vzdump":
        return limit.more.get("vzdump_seconds", 24 * HOUR)
    if any(part in task.upid.type for part in LONG):
        return limit.more.get("long_seconds", 6 * HOUR)
    return limit.more.get("other_seconds", HOUR)


def sees_tasks(view: View, subject: Subject) -> bool:
    """A node that is gone takes its rows with it: its tasks have not ended for that."""
    snapshot = seen(view)
    if snapshot is None or view.tasks is None:
        return False
    if subject.node not in snapshot.by_node:
        return whole(snapshot)
    return is_online(view, subject.node)


RULES: tuple[Rule, ...] = (
    Rule(
        number=32,
        key="task_failed",
        kind=Kind.EVENT,
        help="A task failed; so many within that time are one line, and what fails after it is told when as long has"
        " passed. Starts that nobody attends and HA's are warnings.",
        severity=Severity.INFO,
        limit=Limit(count=3, within=600, more={"since_seconds": DAY}),
        ages=frozenset({"since_seconds"}),
        find=failed,
        sees=sees_nothing,
    ),
    Rule(
        number=33,
        key="task_stuck",
        kind=Kind.STATE,
        help="A task has run for longer than its kind should.",
        severity=Severity.WARNING,
        limit=Limit(more={"vzdump_seconds": 24 * HOUR, "long_seconds": 6 * HOUR, "other_seconds": HOUR}),
        find=stuck,
        sees=sees_tasks,
    ),
)
