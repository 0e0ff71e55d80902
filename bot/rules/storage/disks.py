"""Disks (26) and Ceph (27)."""

from collections.abc import Iterator
from dataclasses import replace

from bot.model import Finding, Severity, Snapshot, Subject
from bot.model.feeds import CEPH, DISKS, MINUTE
from bot.model.readings import Disk
from bot.model.view import View
from bot.rules.readings import (
    is_online,
    listed,
    of_cluster,
    of_other,
    page_of_node,
    per_node,
    sees_reading,
    sinking,
)
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.sight import seen
from bot.text import Said, say

WELL = frozenset({"PASSED", "OK"})
"""What smartctl says of a disk that it has nothing against."""
MUTE = frozenset({"UNKNOWN", "SMART DISABLED", ""})
"""What stands there of one that it knows nothing about, did not hear from in time, or was told not to ask."""
WEAR = " wear"
"""At the end of the id of a disk's other subject."""


# -- 26 ------------------------------------------------------------------------------------------------------------


def disks(view: View, limits: Limits) -> Iterator[Finding]:
    figures = [
        (limit.warning, limit.warning_clear, limit.critical) for limit in (limits.base, *limits.exceptions.values())
    ]
    most = max((figure for three in figures for figure in three if figure is not None), default=0)
    for node, found in per_node(view, DISKS):
        for disk in found:
            yield from _health(view, node, disk)
            if disk.wearout is not None and disk.wearout <= most:
                yield from _wear(view, node, disk, disk.wearout, limits)


def _health(view: View, node: str, disk: Disk) -> Iterator[Finding]:
    if disk.health.upper() in WELL | MUTE:
        return
    yield _disk(
        view,
        node,
        disk,
        "",
        severity=Severity.CRITICAL,
        said=say("{dev} on {node} says it is failing: {health}", dev=disk.dev, node=node, health=disk.health),
        over=say("{dev} on {node} is well", dev=disk.dev, node=node),
        detail=say("back up what is on it, then replace it"),
        because=say("SMART says {health}; well is PASSED or OK", health=disk.health),
    )


def _wear(view: View, node: str, disk: Disk, left: float, limits: Limits) -> Iterator[Finding]:
    subject = _subject(view, node, disk, WEAR)
    limit = limits.of(subject.key)
    found = sinking(left, limit) if limit.on else None
    if found is None:
        return
    severity, grey = found
    yield _disk(
        view,
        node,
        disk,
        WEAR,
        severity=severity,
        said=say("{dev} on {node} is worn: {left} % left", dev=disk.dev, node=node, left=f"{left:.0f}"),
        over=say("{dev} on {node} is not worn", dev=disk.dev, node=node),
        detail=say("order its successor"),
        because=say(
            "{left} % left; warning at {warning}, critical at {critical}",
            left=f"{left:.0f}",
            warning=f"{limit.warning or 0:.0f}",
            critical=f"{limit.critical or 0:.0f}",
        ),
        grey=grey,
    )


def _disk(
    view: View,
    node: str,
    disk: Disk,
    what: str,
    *,
    severity: Severity,
    said: Said,
    over: Said,
    detail: Said,
    because: Said,
    grey: bool = False,
) -> Finding:
    return Finding(
        rule="disk_health",
        subject=_subject(view, node, disk, what),
        severity=severity,
        said=said,
        over=over,
        details=(
            *([say("{model}", model=disk.model)] if disk.model else []),
            *([say("serial {serial}", serial=disk.serial)] if disk.serial else []),
            detail,
        ),
        because=because,
        cures=(page_of_node(view, node),),
        grey=grey,
        slow=True,
    )


def _subject(view: View, node: str, disk: Disk, what: str) -> Subject:
    """By its serial number where it has one: names of devices change from boot to boot."""
    return of_other(view, f"{node}/{disk.serial or disk.dev}{what}", disk.dev, node)


def sees_disk(view: View, subject: Subject) -> bool:
    """One that is listed is well where it says so. One that is not, is not there: see `disk_ending`."""
    if not sees_reading(DISKS)(view, subject):
        return False
    found = _listed(view, subject)
    if subject.id.endswith(WEAR):
        return all(disk.wearout is not None for disk in found)
    return all(disk.health.upper() in WELL for disk in found)


def _listed(view: View, subject: Subject) -> list[Disk]:
    """More than one where there are two ways to it."""
    what = WEAR if subject.id.endswith(WEAR) else ""
    disks = view.feeds.fresh(DISKS, subject.node) or ()
    return [disk for disk in disks if _subject(view, subject.node, disk, what).id == subject.id]


def disk_ending(view: View, finding: Finding) -> Finding:
    if _listed(view, finding.subject):
        return finding
    over = say(
        "{dev} on {node} is not listed any more: taken out, or dead",
        dev=finding.subject.name,
        node=finding.subject.node,
    )
    return replace(finding, over=over, unwell=say("not listed any more"))


# -- 27 ------------------------------------------------------------------------------------------------------------


def ceph(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot, found = seen(view), of_cluster(view, CEPH)
    if snapshot is None or found is None:
        return
    bad = found.health.upper() == "HEALTH_ERR"
    shown = [check for check in found.checks if not check.muted]
    if found.health.upper() not in {"HEALTH_WARN", "HEALTH_ERR"} or (found.checks and not shown):
        return
    bad = bad and (not shown or any(check.error for check in shown))
    if not bad and _asleep(view, snapshot):
        return
    limit = limits.base
    yield Finding(
        rule="ceph",
        subject=of_other(view, "ceph", "Ceph"),
        severity=Severity.CRITICAL if bad else Severity.WARNING,
        said=say("Ceph reports errors") if bad else say("Ceph reports a warning"),
        over=say("Ceph is well again"),
        details=listed([_check(check.name, check.summary) for check in sorted(shown, key=lambda one: not one.error)]),
        because=say("{health}; well is HEALTH_OK", health=found.health),
        grey=bool(view.maintenance),  # a node under maintenance takes its OSDs with it
        hold=limit.more.get("error_hold_seconds") if bad else None,
    )


def _sees_ceph(view: View, subject: Subject) -> bool:
    """A word that is new to us is not well, nor is what a node explains that may be off."""
    snapshot, found = seen(view), of_cluster(view, CEPH)
    if snapshot is None or found is None:
        return False
    if found.health.upper() not in {"HEALTH_WARN", "HEALTH_ERR"}:
        return found.health.upper() == "HEALTH_OK"
    return bool(found.checks) and all(check.muted for check in found.checks)


def _check(name: str, summary: str) -> Said:
    return say("{summary} ({name})", summary=summary, name=name) if summary else say("{name}", name=name)


def _asleep(view: View, snapshot: Snapshot) -> bool:
    """Is a node off that may be, with its OSDs?"""
    return any(view.asleep(node.name) and not is_online(view, node.name) for node in snapshot.nodes)


RULES: tuple[Rule, ...] = (
    Rule(
        number=26,
        key="disk_health",
        kind=Kind.STATE,
        help="A disk says that it fails, or is worn: percent that remain.",
        severity=Severity.WARNING,
        limit=Limit(warning=10, warning_clear=12, critical=5, critical_clear=6),
        find=disks,
        sees=sees_disk,
        feeds=(DISKS,),
        slow=True,
        ending=disk_ending,
    ),
    Rule(
        number=27,
        key="ceph",
        kind=Kind.STATE,
        help="Ceph's own health, muted checks left out; quiet while a node is under maintenance.",
        severity=Severity.WARNING,
        limit=Limit(hold=10 * MINUTE, clear=MINUTE, more={"error_hold_seconds": MINUTE}),
        find=ceph,
        sees=_sees_ceph,
        feeds=(CEPH,),
    ),
)
