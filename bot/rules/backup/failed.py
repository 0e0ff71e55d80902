"""Backups that failed (29): one alert a run of a job, however many nodes and guests, over when newer ones have run.

One that is over since it failed again is not well: the alert of the newer run says what is wrong.
What Proxmox VE pushes of a backup is told only where neither can be read: the rest is seen anyway.
"""

from collections.abc import Iterator
from dataclasses import replace

from bot.model import About, Cure, Finding, Guest, Part, Severity, Subject
from bot.model.feeds import BACKUPS
from bot.model.readings import GuestBackup
from bot.model.tasks import lost
from bot.model.view import Push, View
from bot.rules.backup.cut import by_order, went_down
from bot.rules.backup.retried import ending, gone
from bot.rules.backup.vzdumps import SHOWN_FOR, TOGETHER, Run, alone, bad, began, latest, logs, runs, upid_of, vzdumps
from bot.rules.readings import guest_named, listed, name_of, of_other
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.sight import seen
from bot.rules.subjects import ask, guest_key, guest_part, node_part, opens
from bot.text import Said, lines, say

RETRIES = 3


# -- 29 ------------------------------------------------------------------------------------------------------------


def find(view: View, limits: Limits) -> Iterator[Finding]:
    yield from _pushed(view)
    if seen(view) is None or not _any(view):
        return
    for run in runs(view):
        if run.failed and (view.at - run.start).total_seconds() <= SHOWN_FOR:
            failed = sorted(run.guests.values(), key=lambda one: one.vmid)
            guests = [one for one in failed if _open(view, one, run, limits)]
            unknown = [text for text in run.failed if text not in run.blamed and _stands(view, run, text)]
            if guests or unknown:
                yield _finding(view, run, guests, unknown, limits)


def _any(view: View) -> bool:
    """Has any failed? On nearly every poll none has."""
    return bool(logs(view).bad) or any(bad(task) for task in vzdumps(view).values())


def _open(view: View, one: GuestBackup, run: Run, limits: Limits) -> bool:
    """Failed, there, and neither backed up nor tried since."""
    guest = guest_named(view, one.vmid)
    if gone(view, one.vmid) or (_unread(view) and _perhaps_mended(view, one)):
        return False
    if guest is not None and not limits.of(guest_key(guest)).on:
        return False
    reading = view.feeds.get(BACKUPS)
    newest = reading.value.newest.get(one.vmid) if reading is not None and reading.value is not None else None
    if newest is not None and newest > one.ended:
        return False
    tried = logs(view).by_vmid.get(one.vmid)
    if tried and tried[0].ended > one.ended:
        return False
    return not any(
        task.upid.start >= one.ended and task.upid.text not in run.tasks for task in alone(view).get(str(one.vmid), ())
    )


def _stands(view: View, run: Run, text: str) -> bool:
    """A task that failed, of which the log is not known: has none of its kind gone well since?"""
    if _unread(view):
        return False
    after = latest(view).get((run.user, run.tasks[text].node))
    return after is None or after - run.start <= TOGETHER


def _perhaps_mended(view: View, one: GuestBackup) -> bool:
    """May a job have saved it since? Its task names no guest. Of what is not in the cluster's list any more, nothing
    that came after it is known to be there."""
    tasks = view.tasks or ()
    return all(task.upid.text != one.upid for task in tasks) or any(
        task.upid.type == "vzdump" and not task.upid.subject and (task.end or view.at) > one.ended for task in tasks
    )


def _unread(view: View) -> bool:
    """While the logs were never read, after a start, nobody can say what has gone well since; where they cannot be,
    the list of tasks has to do."""
    reading = view.feeds.get(BACKUPS)
    return reading is None or (reading.value is None and not (reading.forbidden or reading.absent or reading.fails > 2))


def _finding(view: View, run: Run, guests: list[GuestBackup], unknown: list[str], limits: Limits) -> Finding:
    again = [one for one in guests if _in_a_row(view, one) >= _often(view, one, limits)]
    often = [_often(view, one, limits) for one in guests]
    nodes = sorted({run.tasks[text].node for text in run.failed})
    named = [guest for one in guests if (guest := guest_named(view, one.vmid)) is not None]
    only = named[0] if len(guests) == 1 and named and not unknown else None
    first = next(iter(unknown), None) or (guests[0].upid if guests else next(iter(run.failed)))
    names = [name_of(view, one.vmid) for one in guests]
    return Finding(
        rule="backup_failed",
        subject=_subject(view, run, nodes, only, names, _parts(view, run, guests, unknown)),
        severity=max([_bounded(view, one, limits, one in again) for one in guests], default=Severity.WARNING),
        said=_said(names, nodes, bool(unknown), bool(again)),
        over=_over(names, nodes),
        details=(
            *listed([_line(view, one) for one in guests]),
            *listed([_job_line(view, run, one) for one in unknown]),
        ),
        because=lines(
            say("vzdump by {user}, {n} of {all} tasks failed", user=run.user, n=len(run.failed), all=len(run.tasks)),
            say("critical after {n} in a row", n=min(often, default=max(2, limits.base.count))),
        ),
        cures=(*_retries(named), opens(say("Log"), "task", f"{view.cluster} {first}")),
        quiet=by_order(view, run, guests, unknown),
        slow=True,
        hold=limits.base.more.get("log_seconds") if not guests and _awaited(view, run, unknown) else None,
        since=run.end,
        affected=() if len(names) == 1 and not unknown else tuple(names),  # the headline names it
    )


def _awaited(view: View, run: Run, unknown: list[str]) -> bool:
    """Is the log still to come? It says which guests, and why: that is worth a moment."""
    return view.feeds.fresh(BACKUPS) is not None and not run.told.issuperset(unknown)


def _subject(
    view: View, run: Run, nodes: list[str], only: Guest | None, names: list[str], parts: tuple[Part, ...]
) -> Subject:
    name = names[0] if len(names) == 1 else "vzdump"
    subject = of_other(view, run.id, name, nodes[0] if len(nodes) == 1 else "", only)
    return subject if only is not None else replace(subject, parts=parts)


def _parts(view: View, run: Run, guests: list[GuestBackup], unknown: list[str]) -> tuple[Part, ...]:
    """The guests that failed, and where a log is not known the node: for silences, routes and limits."""
    found = [
        guest_part(guest)
        if (guest := guest_named(view, one.vmid)) is not None
        else Part(about=About.GUEST, id=str(one.vmid))
        for one in guests
    ]
    return (*found, *(node_part(node) for node in dict.fromkeys(run.tasks[text].node for text in unknown)))


def _bounded(view: View, one: GuestBackup, limits: Limits, again: bool) -> Severity:
    """No worse than the limits of that guest let it be: those of others do not make it so."""
    guest, severity = guest_named(view, one.vmid), Severity.CRITICAL if again else Severity.WARNING
    limit = limits.of(guest_key(guest)) if guest is not None else limits.base
    return min(severity, limit.severity or severity)


def _said(names: list[str], nodes: list[str], unknown: bool, again: bool) -> Said:
    if not names or unknown:
        if len(nodes) > 1:
            return say("A backup job failed on {n} nodes", n=len(nodes))
        return say("A backup job on {node} failed", node=nodes[0] if nodes else "?")
    if len(names) == 1:
        return (
            say("Backup of {name} failed again", name=names[0])
            if again
            else say("Backup of {name} failed", name=names[0])
        )
    return (
        say("Backups of {n} guests failed, not for the first time", n=len(names))
        if again
        else say("Backups of {n} guests failed", n=len(names))
    )


def _over(names: list[str], nodes: list[str]) -> Said:
    """Where nothing is known of newer ones that failed: `ending`."""
    if len(names) == 1:
        return say("{name} is backed up again", name=names[0])
    return say("Newer backups have run")


def _job_line(view: View, run: Run, text: str) -> Said:
    """Of a task of which no guest is known to have failed."""
    node, why = run.tasks[text].node, run.failed[text]
    if lost(why) and went_down(view, run.tasks[text], run.ended.get(text, run.start)):
        return say("{node}: it went down meanwhile", node=node)
    return say("{node}: {why}", node=node, why=why) if why else say("{node}: see its log", node=node)


def _line(view: View, one: GuestBackup) -> Said:
    name, upid = name_of(view, one.vmid), upid_of(view, one.upid)
    if lost(one.line) and upid is not None and went_down(view, upid, one.ended):
        return say("{name}: its node went down meanwhile", name=name)
    return say("{name}: {line}", name=name, line=one.line) if one.line else say("{name}: see its log", name=name)


def _often(view: View, one: GuestBackup, limits: Limits) -> int:
    """Failures in a row that are critical."""
    guest = guest_named(view, one.vmid)
    return max(2, (limits.of(guest_key(guest)) if guest is not None else limits.base).count)


def _in_a_row(view: View, one: GuestBackup) -> int:
    """Runs of this guest that failed up to this one, without a good one between."""
    count = 1
    for other in logs(view).by_vmid.get(one.vmid, ()):
        if other.ended < one.ended and other.upid != one.upid:
            if other.good:
                break
            count += 1
    return count


def _retries(named: list[Guest]) -> Iterator[Cure]:
    for guest in named[:RETRIES]:
        label = say("Retry backup") if len(named) == 1 else say("Retry {name}", name=guest.name)
        yield ask(label, "backup", guest)


def _pushed(view: View) -> Iterator[Finding]:
    """Only what polling cannot see."""
    reading = view.feeds.get(BACKUPS)
    if view.tasks is not None or (reading is not None and reading.fresh):
        return
    for push in view.pushes:
        if push.kind == "vzdump" and push.severity in {"error", "warning", "unknown"}:
            yield _of_push(view, push)


def _of_push(view: View, push: Push) -> Finding:
    named = [guest for vmid in push.vmids if (guest := guest_named(view, vmid)) is not None]
    return Finding(
        rule="backup_failed",
        subject=replace(
            of_other(view, f"vzdump/{push.job or push.host}", push.host or "vzdump", push.host),
            parts=tuple(guest_part(guest) for guest in named),
        ),
        severity=Severity.WARNING,
        said=say("A backup job on {node} failed", node=push.host or "?"),
        details=listed([say("{line}", line=line) for line in push.message.splitlines() if line.strip()]),
        because=say("Proxmox VE pushed: {title}", title=push.title),
        cures=tuple(_retries(named)),
        event=f"{push.job or push.host}/{push.at:%Y%m%d%H}",
        slow=True,
        affected=tuple(name_of(view, vmid) for vmid in push.vmids),
    )


def sees(view: View, subject: Subject) -> bool:
    """Is anything of that run to be seen still? What left every list holds its state, for a week."""
    start = began(subject.id)
    if start is None or seen(view) is None:
        return False
    if (view.at - start).total_seconds() > SHOWN_FOR:
        return True
    reading = view.feeds.get(BACKUPS)
    if reading is None or (reading.value is None and not reading.forbidden):
        return False
    return any(run.id == subject.id for run in runs(view))


RULES: tuple[Rule, ...] = (
    Rule(
        number=29,
        key="backup_failed",
        kind=Kind.STATE,
        help="A backup failed; critical when a guest's failed so many times in a row. Over when newer ones have run.",
        severity=Severity.WARNING,
        limit=Limit(count=2, more={"log_seconds": 90}),
        find=find,
        sees=sees,
        feeds=(BACKUPS,),
        slow=True,
        ending=ending,
    ),
)
