"""Guests without a new backup (30), and those in no backup job at all (31)."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.model import Finding, Guest, Outcome, Severity
from bot.model.feeds import BACKUPS, DAY, HOUR, MINUTE
from bot.model.memo import memo
from bot.model.readings import BackupJob, Backups
from bot.model.view import View
from bot.rules.backup.vzdumps import logs, vzdumps
from bot.rules.guest.endings import unwell
from bot.rules.readings import (
    guest_named,
    listed,
    name_of,
    of_cluster,
    passed,
    sees_nothing,
    sees_reading,
    weekly,
)
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.sight import blind, both, seen, sees_guest
from bot.rules.subjects import ask, cluster_subject, guest_key, guest_subject, opens
from bot.text import Moment, day_clock, lines, say, say_n

LEAST, WORST = 26 * HOUR, 7 * DAY
"""Seconds: sooner than that a nightly backup is not late; from then on it is critical."""

JOBS_KNOWN, JOB = "jobs", "job/"
"""Memory.figures: whether jobs were ever read; since when each is there, 0 of one that was there before."""


# -- 30 ------------------------------------------------------------------------------------------------------------


def overdue(view: View, limits: Limits) -> Iterator[Finding]:
    """Of guests in an enabled job whose interval is known. One that was never backed up counts only where every
    storage's backups are to be seen, and only after as long as it would take to miss one."""
    for late in late_ones(view, limits):
        if late.finding is not None:
            yield late.finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A guest whose last backup is old."""

    guest: Guest
    store: str  # where its first job saves it; the job itself where that is not known
    age: float | None  # s; None: it has none
    finding: Finding | None  # None: it has missed a run, and is not yet overdue; or it is
    hidden: bool = False  # on a node of which nothing is known: it is held to be as it was


def late_ones(view: View, limits: Limits) -> Iterator[Late]:
    """Guests in an enabled job whose last backup is so old that they have missed a run."""
    snapshot, backups = seen(view), of_cluster(view, BACKUPS)
    if snapshot is None or backups is None:
        return
    jobs = [job for job in backups.jobs if job.enabled and job.interval]
    if not jobs:
        return
    least = min(_least(limit) for limit in (limits.base, *limits.exceptions.values()))
    early, newest, good = view.at - timedelta(seconds=least), backups.newest, logs(view).good
    for guest in snapshot.guests:
        last = newest.get(guest.vmid)
        if last is not None and last >= early:
            continue  # the way of nearly all of ten thousand
        late = _guest(view, guest, _later(last, good.get(guest.vmid)), backups, jobs, limits)
        if late is not None:
            yield late


def _least(limit: Limit) -> float:
    return limit.more.get("least_seconds", LEAST)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)


def _guest(
    view: View, guest: Guest, last: datetime | None, backups: Backups, jobs: list[BackupJob], limits: Limits
) -> Late | None:
    limit = limits.of(guest_key(guest))
    mine = [job for job in jobs if covers(job, guest)]
    if not limit.on or not mine or _asleep(view, guest, mine):
        return None
    interval = min(job.interval or DAY for job in mine)
    due = max(_least(limit), limit.more.get("intervals", 2) * interval)
    worst = limit.more.get("critical_seconds", WORST)
    worst = worst if due < worst else due + worst
    lately = _lately(view)
    last = _later(last, lately.good.get(str(guest.vmid)))
    busy = str(guest.vmid) in lately.busy or guest.node in lately.nodes
    new = all(_new(view, job, due) for job in mine)
    age = (view.at - last).total_seconds() if last is not None else None
    if (age is None and not backups.complete) or (age is not None and age <= due - interval / 2):
        return None
    store = mine[0].storage or mine[0].id
    hidden = guest.node in blind(view)
    if hidden or (age is not None and age <= due):
        return Late(guest=guest, store=store, age=age, finding=None, hidden=hidden)
    severity = Severity.CRITICAL if age is not None and age > worst else Severity.WARNING
    finding = Finding(
        rule="backup_overdue",
        subject=guest_subject(guest),
        severity=min(severity, limit.severity or severity),
        said=say("{name} has no backup", name=guest.name)
        if last is None
        else say("The last backup of {name} is from {at}", name=guest.name, at=Moment(last, "%d %b %H:%M")),
        over=say("{name} is backed up again", name=guest.name),
        details=(
            say_n(len(mine), one="it is in {n} backup job", many="it is in {n} backup jobs"),
            *([say("next run {when}", when=day_clock(ahead))] if (ahead := _next(mine, view.at)) is not None else []),
        ),
        because=lines(
            say("due after {due}, critical after {worst}", due=passed(due), worst=passed(worst)),
            say("no storage holds one, and all can be seen") if age is None else None,
        ),
        cures=(ask(say("Back up now"), "backup", guest),),
        grey=busy or new,
        hold=due if age is None else None,
        since=last,
        slow=True,
    )
    return Late(guest=guest, store=store, age=age, finding=finding)


def _new(view: View, job: BackupJob, due: float) -> bool:
    """Is it there, and enabled, for less time than what it saves may be old? Those that were there at the first reading
    are not; one that this very poll shows is."""
    if JOBS_KNOWN not in view.before.figures:
        return False
    since = view.before.figures.get(f"{JOB}{job.id}", view.at.timestamp())
    return 0 <= view.at.timestamp() - since < due


def ending(view: View, finding: Finding) -> Finding:
    """Of one that was overdue: what no job is to save any more, or not as often, is not backed up again for that."""
    guest, backups = guest_named(view, finding.subject.id), of_cluster(view, BACKUPS)
    if guest is None or backups is None:
        return replace(finding, over=None)
    last = _later(_lately(view).good.get(str(guest.vmid)), logs(view).good.get(guest.vmid))
    last = _later(last, backups.newest.get(guest.vmid))
    if last is not None and (finding.since is None or last > finding.since):
        return finding
    if any(job.enabled and covers(job, guest) for job in backups.jobs):
        over = say("{name} has no newer backup, and none is due now", name=guest.name)
        return unwell(finding, over, say("none is due"))
    over = say("{name} is in no backup job any more", name=guest.name)
    return unwell(finding, over, say("in no backup job"))


def covers(job: BackupJob, guest: Guest) -> bool:
    if (job.node and job.node != guest.node) or guest.vmid in job.excluded:
        return False
    return job.everything or guest.vmid in job.vmids or (bool(job.pool) and job.pool == guest.pool)


def _asleep(view: View, guest: Guest, jobs: list[BackupJob]) -> bool:
    """May its node be off, or every storage that it is backed up to?"""
    return view.asleep(guest.node) or all(bool(job.storage) and view.asleep(job.storage) for job in jobs)


@dataclass(slots=True)
class Lately:
    """What the tasks tell that the reading does not know yet."""

    good: dict[str, datetime] = field(default_factory=dict)  # by vmid
    busy: set[str] = field(default_factory=set)  # vmids that are being backed up
    nodes: set[str] = field(
        default_factory=set
    )  # on which a job is at work, or was since: perhaps about any guest there


@memo
def _lately(view: View) -> Lately:
    reading = view.feeds.get(BACKUPS)
    read = reading.at if reading is not None else None
    found = Lately()
    for task in vzdumps(view).values():
        if task.outcome is Outcome.ERROR or (task.end is not None and read is not None and task.end <= read):
            continue
        if not task.upid.subject:
            found.nodes.add(task.upid.node)
        elif task.outcome is Outcome.RUNNING:
            found.busy.add(task.upid.subject)
        elif task.outcome is not Outcome.UNKNOWN and task.end is not None:
            known = found.good.get(task.upid.subject)
            found.good[task.upid.subject] = task.end if known is None else max(known, task.end)
    return found


def _next(jobs: list[BackupJob], now: datetime) -> datetime | None:
    return min((job.next_run for job in jobs if job.next_run is not None and job.next_run > now), default=None)


# -- 31 ------------------------------------------------------------------------------------------------------------


def uncovered(view: View, limits: Limits) -> Iterator[Finding]:
    """Once a week, all of them in one line; those that are new since in one of their own."""
    backups = of_cluster(view, BACKUPS)
    if backups is None or not backups.uncovered:
        return
    found: list[int] = []
    for vmid in backups.uncovered:
        guest = guest_named(view, vmid)
        if guest is None or not (guest.template or not limits.of(guest_key(guest)).on):
            found.append(vmid)
    news = weekly(view, "not_backed_up", found)
    if not (n := len(news.vmids)):
        return
    yield Finding(
        rule="not_backed_up",
        subject=cluster_subject(view),
        severity=Severity.INFO,
        said=say_n(n, one="{n} more guest is in no backup job", many="{n} more guests are in no backup job")
        if news.more
        else say_n(n, one="{n} guest is in no backup job", many="{n} guests are in no backup job"),
        details=listed([say("{name}", name=name_of(view, vmid)) for vmid in news.vmids]),
        because=say("told once a week, and once when it is new"),
        cures=(opens(say("Guests"), "vms"),),
        event=news.event,
    )


RULES: tuple[Rule, ...] = (
    Rule(
        number=30,
        key="backup_overdue",
        kind=Kind.STATE,
        help="A guest's newest backup is older than two intervals of its job; critical after a week.",
        severity=Severity.WARNING,
        # what comes to light with it may make it one of many: that is one message
        limit=Limit(hold=2 * MINUTE, more={"intervals": 2, "least_seconds": LEAST, "critical_seconds": WORST}),
        ages=frozenset({"least_seconds", "critical_seconds"}),
        find=overdue,
        sees=both(sees_guest, sees_reading(BACKUPS)),
        ending=ending,
        feeds=(BACKUPS,),
        slow=True,
    ),
    Rule(
        number=31,
        key="not_backed_up",
        kind=Kind.EVENT,
        help="Guests that no backup job holds, once a week; those that are new since are told once meanwhile.",
        severity=Severity.INFO,
        limit=Limit(),
        find=uncovered,
        sees=sees_nothing,
        feeds=(BACKUPS,),
    ),
)
