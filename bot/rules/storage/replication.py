"""Replication jobs that fail, or are late (28)."""

from collections.abc import Iterator

from bot.model import Finding, Guest, Severity, Subject
from bot.model.feeds import DAY, REPLICATION
from bot.model.readings import ReplicationJob
from bot.model.view import View
from bot.rules.grades import graded
from bot.rules.guest.endings import unwell
from bot.rules.readings import (
    guest_named,
    is_online,
    listed,
    name_of,
    of_other,
    page_of_node,
    passed,
    per_node,
    sees_reading,
)
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.subjects import opens
from bot.text import Said, lines, say, say_n

LATE = 3.0
"""Intervals since the last good one."""
LONG = DAY
"""Seconds since then, after which a sync that is still under way is late all the same."""


def find(view: View, limits: Limits) -> Iterator[Finding]:
    yield from _pushed(view)
    for node, jobs in per_node(view, REPLICATION):
        for job in jobs:
            if job.disabled or job.source not in {"", node} or view.asleep(node) or view.asleep(job.target):
                continue
            guest = guest_named(view, job.vmid)
            finding = _job(view, node, job, guest, limits.about(subject_of(view, node, job, guest)))
            if finding is not None:
                yield finding


def _pushed(view: View) -> Iterator[Finding]:
    """Only of a node whose jobs cannot be read: the others are seen anyway. Told once a job and day."""
    for push in view.pushes:
        if push.kind == "replication" and view.feeds.fresh(REPLICATION, push.host) is None:
            yield Finding(
                rule="replication",
                subject=of_other(view, f"replication/{push.job or push.host}", push.job or push.host, push.host),
                severity=Severity.WARNING,
                said=say("Replication job {job} failed on {node}", job=push.job or "?", node=push.host or "?"),
                details=listed([say("{line}", line=line) for line in push.message.splitlines() if line.strip()]),
                because=say("Proxmox VE pushed: {title}", title=push.title),
                event=f"{push.job or push.host}/{push.at:%Y%m%d}",
                slow=True,
            )


def subject_of(view: View, node: str, job: ReplicationJob, guest: Guest | None) -> Subject:
    return of_other(view, f"replication/{job.id}", name_of(view, job.vmid), node, guest)


def _job(view: View, node: str, job: ReplicationJob, guest: Guest | None, limit: Limit) -> Finding | None:
    if not limit.on:
        return None
    found = graded(job.fails, limit)
    late = _late(view, job, limit)
    if late is not None and (found is None or found[1]):
        found = Severity.WARNING, job.running and late <= LONG  # what is under way is not over for that
    if found is None:
        return None
    severity, grey = found
    subject = subject_of(view, node, job, guest)
    there = is_online(view, job.target) or not job.target
    return Finding(
        rule="replication",
        subject=subject,
        severity=severity,
        said=_said(job, subject.name, late),
        over=say("Replication of {name} to {target} works again", name=subject.name, target=job.target),
        details=_details(view, job, there),
        because=lines(
            say_n(job.fails, one="failed {n} time in a row", many="failed {n} times in a row"),
            say("late by {late}: more than three intervals", late=passed(late)) if late is not None else None,
        ),
        cures=(
            *([opens(say("Guest"), "vm", guest.target)] if guest is not None else []),
            page_of_node(view, node),
        ),
        grey=grey or not there,  # its target is off: that is told by itself
        slow=True,
    )


def _late(view: View, job: ReplicationJob, limit: Limit) -> float | None:
    """Seconds since the last good one, where that is too long ago."""
    if job.last_sync is None or not job.interval:
        return None
    age = (view.at - job.last_sync).total_seconds()
    return age if age > limit.more.get("intervals", LATE) * job.interval else None


def _said(job: ReplicationJob, name: str, late: float | None) -> Said:
    if job.fails:
        return say_n(
            job.fails,
            one="Replication of {name} to {target} failed",
            many="Replication of {name} to {target} failed {n} times",
            name=name,
            target=job.target,
        )
    age = passed(late or 0.0)
    return say("Replication of {name} to {target} is late: {age} old", name=name, target=job.target, age=age)


def _details(view: View, job: ReplicationJob, there: bool) -> tuple[Said, ...]:
    age = (view.at - job.last_sync).total_seconds() if job.last_sync is not None else None
    return (
        *([say("{error}", error=" ".join(job.error.split())[:200])] if job.error else []),
        say("its copy there is {age} old", age=passed(age)) if age is not None else say("there is no copy there yet"),
        *([] if there else [say("{target} is not online", target=job.target)]),
    )


def sees_job(view: View, subject: Subject) -> bool:
    """A job goes with its guest: where that is now, its node has to have been asked since. One that has no copy yet has
    not worked."""
    if not sees_reading(REPLICATION)(view, subject):
        return False
    id_ = subject.id.rpartition("/")[2]
    guest, job = guest_named(view, id_.partition("-")[0]), _listed(view, id_)
    if job is not None and not job.disabled and job.last_sync is None:
        return False
    if guest is None or guest.node == subject.node or job is not None:
        return True
    there, here = view.feeds.get(REPLICATION, guest.node), view.feeds.get(REPLICATION, subject.node)
    if there is None or not there.fresh or there.at is None:
        return False
    return here is None or here.at is None or there.at >= here.at


def _listed(view: View, id_: str) -> ReplicationJob | None:
    return next((job for _, jobs in per_node(view, REPLICATION) for job in jobs if job.id == id_), None)


def ending(view: View, finding: Finding) -> Finding:
    """One that is disabled, or deleted, does not work again."""
    job = _listed(view, finding.subject.id.rpartition("/")[2])
    if job is not None and not job.disabled:
        return finding
    why = say("disabled") if job is not None else say("there no more")
    return unwell(finding, say("The replication job of {name} is {why}", name=finding.subject.name, why=why), why)


RULES: tuple[Rule, ...] = (
    Rule(
        number=28,
        key="replication",
        kind=Kind.STATE,
        help="A replication job fails (times in a row), or its last good run is more than so many intervals ago.",
        severity=Severity.WARNING,
        limit=Limit(warning=2, warning_clear=1, critical=5, critical_clear=2, more={"intervals": LATE}),
        find=find,
        sees=sees_job,
        feeds=(REPLICATION,),
        slow=True,
        ending=ending,
    ),
)
