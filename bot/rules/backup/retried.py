"""A backup's alert as it ends: what failed again, or was never tried again, is over, and is not well."""

from dataclasses import replace
from datetime import datetime

from bot.model import Finding, Task
from bot.model.feeds import BACKUPS
from bot.model.readings import GuestBackup
from bot.model.view import View
from bot.rules.backup.vzdumps import SHOWN_FOR, Run, alone, bad, began, latest, logs, runs, vzdumps
from bot.rules.readings import name_of
from bot.rules.sight import whole
from bot.text import Moment, say, say_n


def ending(view: View, finding: Finding) -> Finding:
    """What was tried again and failed again, or what nobody has tried again for a week, is over, and is not well."""
    start = began(finding.subject.id)
    if start is not None and (view.at - start).total_seconds() > SHOWN_FOR:
        over = say("{said}, a week ago; no newer one is known", said=finding.said)
        return replace(finding, over=over, unwell=say("no newer one in a week"))
    run = next((run for run in runs(view) if run.id == finding.subject.id), None)
    if run is None:
        return finding
    told = run.blamed.issuperset(run.failed)  # of all that failed in it
    if run.guests and told and all(gone(view, vmid) for vmid in run.guests):
        names = finding.affected or (finding.subject.name,)
        over = say_n(len(names), one="{names} is gone: nothing is left to back up",
                     many="{names} are gone: nothing is left to back up", names=", ".join(names))  # fmt: skip
        return replace(finding, over=over, unwell=say("gone"))
    tried = {one.vmid: _tried(view, one, run) for one in run.guests.values()}
    again = {vmid: last[0] for vmid, last in tried.items() if last is not None and last[1]}
    tasks = [_newest(view, run, text) for text in run.failed if text not in run.blamed]
    as_well = len(again) + sum(task is not None and bad(task) for task in tasks)
    if len(again) == as_well == 1:
        ((vmid, at),) = again.items()
        hour = Moment(at, "%H:%M")
        over = say("Backup of {name} failed again {at}: see the newer message", name=name_of(view, vmid), at=hour)
        return replace(finding, over=over, unwell=say("failed again {at}", at=hour))
    if as_well:
        over = say("Newer backups failed as well: see the newer message")
        return replace(finding, over=over, unwell=say("failed again"))
    if tried and not tasks and not any(tried.values()):  # nobody looks at its guests any more
        return replace(finding, over=None)
    return finding


def gone(view: View, vmid: int) -> bool:
    """Is it missing from a list that is whole?"""
    snapshot = view.snapshot
    return snapshot is not None and bool(snapshot.guests) and whole(snapshot) and vmid not in snapshot.by_vmid


def _tried(view: View, one: GuestBackup, run: Run) -> tuple[datetime, bool] | None:
    """When the newest try of a guest after this one ended, and whether it failed; None: there is none."""
    reading = view.feeds.get(BACKUPS)
    newest = reading.value.newest.get(one.vmid) if reading is not None and reading.value is not None else None
    tried = [(other.ended, not other.good) for other in logs(view).by_vmid.get(one.vmid, ())[:1]]
    tried += [(newest, False)] if newest is not None else []
    tried += [
        (task.end or task.upid.start, bad(task))
        for task in alone(view).get(str(one.vmid), ())
        if task.upid.text not in run.tasks
    ]
    last = max(tried, default=None)
    return last if last is not None and last[0] > one.ended else None


def _newest(view: View, run: Run, text: str) -> Task | None:
    """The last one of the same user on the same node, that nobody stopped."""
    own = run.tasks[text]
    after = latest(view).get((own.user, own.node))
    return next(
        (task for task in vzdumps(view).values() if task.upid.start == after and task.upid.node == own.node), None
    )
