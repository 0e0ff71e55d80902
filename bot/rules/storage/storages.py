"""Storages: full (22), not there (23), and the metadata of thin pools (24)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from bot.model import Finding, Severity, Snapshot, Storage, Subject
from bot.model.feeds import DAY, HOUR, MINUTE, STORAGES, THIN
from bot.model.view import StorageWas, View
from bot.rules.grades import graded
from bot.rules.guest.endings import unlisted
from bot.rules.readings import is_online, listed, of_other, page_of_node, passed, per_node, percent, sees_reading
from bot.rules.rule import Confirm, Kind, Limit, Limits, Rule
from bot.rules.sight import blind, seen, sees_storage, storage_of
from bot.rules.storage.places import is_root, leads, places
from bot.rules.subjects import HOLD_DISKS, named, opens, storage_subject
from bot.text import Said, lines, say, size, size_pair

FAR = 30 * DAY
"""Seconds ahead that a trend is worth a word."""


# -- 22 ------------------------------------------------------------------------------------------------------------


def full(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    if snapshot is None:
        return
    least = min(
        (figure for limit in (*limits.exceptions.values(), limits.base) for figure in _figures(limit)), default=1
    )
    filling = [one for one in snapshot.storages if one.available and one.used is not None and one.used >= least]
    for storage, others in places(filling, leads(view)):
        used = storage.used or 0.0
        if is_root(snapshot, storage) or storage.node in blind(view):
            continue
        subject = storage_subject(storage)
        names = [_of(one, limits, storage_subject(one).key) for one in (storage, *others)]
        found = _mildest(used, names)
        if found is None:
            continue
        severity, grey = found
        finding = Finding(
            rule="storage_full",
            subject=subject,
            severity=severity,
            said=say("{name} is {used} full", name=_name(snapshot, storage), used=percent(used)),
            over=say("{name} has room again", name=_name(snapshot, storage)),
            details=_details(storage, others, view),
            because=_because(used, names[0]),
            cures=(opens(say("Storages"), "storage"),),
            grey=grey,
        )
        yield finding
        for other in others:  # one of its other names may have alarmed while this one was not there: it has no room
            yield replace(finding, subject=storage_subject(other), grey=True)


def _mildest(used: float, names: Sequence[Limit]) -> tuple[Severity, bool] | None:
    """Of a place by the limits of each of its names: who was content with one of them is content with all."""
    found: list[tuple[Severity, bool]] = []
    for limit in names:
        grade = graded(used, limit) if limit.on else None
        if grade is None:
            return None
        found.append((min(grade[0], limit.severity or grade[0]), grade[1]))
    return min(severity for severity, _ in found), any(grey for _, grey in found)


def _name(snapshot: Snapshot, storage: Storage) -> str:
    """With its node, where there are several."""
    return storage.name if snapshot.standalone else storage.id


def _figures(limit: Limit) -> list[float]:
    figures = (limit.warning, limit.warning_clear, limit.critical, limit.critical_clear, *limit.more.values())
    return [figure for figure in figures if figure is not None]


def _of(storage: Storage, limits: Limits, key: str) -> Limit:
    """A thin pool that is full halts all that stands on it, and may not be grown in time: it has figures of its own,
    unless this very storage was given some."""
    limit, base = limits.of(key), limits.base
    if storage.kind != "lvmthin" or (limit.warning, limit.critical) != (base.warning, base.critical):
        return limit
    return replace(
        limit,
        warning=limit.more.get("thin_warning", limit.warning),
        warning_clear=limit.more.get("thin_warning_clear", limit.warning_clear),
        critical=limit.more.get("thin_critical", limit.critical),
        critical_clear=limit.more.get("thin_critical_clear", limit.critical_clear),
    )


def _details(storage: Storage, others: Sequence[Storage], view: View) -> tuple[Said, ...]:
    disk, maxdisk = storage.disk or 0, storage.maxdisk or 0
    trend = full_in(view.before.storages.get(storage.id), disk, maxdisk, view.at)
    return (
        say("{pair} used, {free} free", pair=size_pair(disk, maxdisk), free=size(max(0, maxdisk - disk))),
        *([say("full in about {span}", span=passed(trend))] if trend is not None else []),
        *listed([say("the same place: {name}", name=other.id) for other in others]),
    )


def _because(used: float, limit: Limit) -> Said:
    return lines(
        say("{used} used", used=percent(used)),
        say("warning from {share}", share=percent(limit.warning)) if limit.warning is not None else None,
        say("critical from {share}", share=percent(limit.critical)) if limit.critical is not None else None,
        say("over below {share}", share=percent(limit.warning_clear)) if limit.warning_clear is not None else None,
    )


def full_in(was: StorageWas | None, disk: int, maxdisk: int, at: datetime) -> float | None:
    """Seconds until it is full, by the straight line through the week's samples; None where it does not grow, or too
    little is known to say."""
    now = at.timestamp()
    samples = [(when, used) for when, used in (was.samples if was is not None else ()) if when < now] + [(now, disk)]
    if len(samples) < 6 or now - samples[0][0] < 6 * HOUR:
        return None
    middle = sum(when for when, _ in samples) / len(samples)
    mean = sum(used for _, used in samples) / len(samples)
    spread = sum((when - middle) ** 2 for when, _ in samples)
    growth = sum((when - middle) * (used - mean) for when, used in samples) / spread if spread else 0.0
    if growth <= 0 or disk >= maxdisk:
        return None
    left = (maxdisk - disk) / growth
    return left if left <= FAR else None


def sees_full(view: View, subject: Subject) -> bool:
    """One whose size is not told now is held."""
    snapshot = seen(view)
    storage = storage_of(snapshot, subject.id) if snapshot is not None else None
    told = storage is None or (storage.available is True and storage.used is not None)
    return told and sees_storage(view, subject)


# -- 23 ------------------------------------------------------------------------------------------------------------


def offline(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    if snapshot is None:
        return
    for storage in snapshot.storages:
        if storage.available is not False or not is_online(view, storage.node):
            continue
        sleeps = {storage.id, storage.name, "" if storage.shared else storage.node}  # one that wakes takes a moment
        if sleeps & view.sleeping or _contradicted(view, storage):
            continue
        subject = storage_subject(storage)
        needed = bool(HOLD_DISKS & set(storage.content))
        yield Finding(
            rule="storage_offline",
            subject=subject,
            severity=Severity.CRITICAL if needed else Severity.WARNING,
            said=say("{name} is not available", name=_name(snapshot, storage)),
            over=say("{name} is available again", name=_name(snapshot, storage)),
            details=(say("{kind}, {where}", kind=storage.kind or "storage", where=_where(view, storage)),),
            because=lines(
                say("the node is online and says of it: unknown"),
                say("it may hold disks of guests") if needed else None,
            ),
            cures=(opens(say("Storages"), "storage"),),
        )


def _where(view: View, storage: Storage) -> Said:
    """Of a node that is down nobody knows whether it would see it."""
    if not storage.shared:
        return say("on {node}", node=storage.node)
    asked = [node for node in storage.nodes if is_online(view, node)]
    if len(asked) > 1 and len(asked) == len(storage.nodes):
        return say("shared, seen from no node")
    return say("shared, not seen from {nodes}", nodes=named(asked or [storage.node]))


def _contradicted(view: View, storage: Storage) -> bool:
    """Does the node itself say that it is there, later than the cluster's list did? Where the node gives no answer
    within its time, that is what a dead storage looks like."""
    reading = view.feeds.get(STORAGES, storage.node)
    if reading is None or not reading.fresh or reading.value is None or reading.at is None or view.snapshot is None:
        return False
    if reading.at < view.snapshot.taken:
        return False
    return any(one.name == storage.name and (one.active or not one.enabled) for one in reading.value)


# -- 24 ------------------------------------------------------------------------------------------------------------


def metadata(view: View, limits: Limits) -> Iterator[Finding]:
    for node, pools in per_node(view, THIN):
        for pool in pools:
            if pool.metadata is None:
                continue
            subject = of_other(view, f"{node}/{pool.name}", pool.name, node)
            limit = limits.of(subject.key)
            found = graded(pool.metadata, limit)
            if found is None:
                continue
            severity, grey = found
            yield Finding(
                rule="thin_metadata",
                subject=subject,
                severity=severity,
                said=say(
                    "Metadata of {name} on {node} {used} full", name=pool.name, node=node, used=percent(pool.metadata)
                ),
                over=say("Metadata of {name} on {node} has room again", name=pool.name, node=node),
                details=(
                    say("full, it stops every guest on it"),
                    say("lvextend --poolmetadatasize +1G {name}", name=pool.name),
                    *([say("its data {used} full", used=percent(pool.data))] if pool.data is not None else []),
                ),
                because=_because(pool.metadata, limit),
                cures=(page_of_node(view, node),),
                grey=grey,
                slow=severity is not Severity.CRITICAL,
            )


def _sees_thin(view: View, subject: Subject) -> bool:
    """A pool that is listed without its figure tells nothing."""
    pools = view.feeds.fresh(THIN, subject.node) or ()
    return sees_reading(THIN)(view, subject) and all(
        pool.metadata is not None or pool.name != subject.name for pool in pools
    )


def _ending(view: View, finding: Finding) -> Finding:
    subject = finding.subject
    pools = view.feeds.fresh(THIN, subject.node) or ()
    told = any(pool.name == subject.name for pool in pools)
    return finding if told else unlisted(finding)


RULES: tuple[Rule, ...] = (
    Rule(
        number=22,
        key="storage_full",
        kind=Kind.STATE,
        help="A storage fills up: shares of its size. Thin pools have figures of their own.",
        severity=Severity.WARNING,
        limit=Limit(
            warning=0.85,
            warning_clear=0.80,
            critical=0.95,
            critical_clear=0.90,
            hold=5 * MINUTE,
            clear=5 * MINUTE,
            more={"thin_warning": 0.80, "thin_warning_clear": 0.75, "thin_critical": 0.90, "thin_critical_clear": 0.85},
        ),
        find=full,
        sees=sees_full,
    ),
    Rule(
        number=23,
        key="storage_offline",
        kind=Kind.STATE,
        help="A storage is not available though its node is; critical where it may hold disks of guests.",
        severity=Severity.CRITICAL,
        limit=Limit(polls=2),
        find=offline,
        sees=sees_storage,
        confirm=Confirm.STORAGE,
    ),
    Rule(
        number=24,
        key="thin_metadata",
        kind=Kind.STATE,
        help="The metadata of a thin pool fills up: shares of their size.",
        severity=Severity.WARNING,
        limit=Limit(warning=0.75, warning_clear=0.70, critical=0.90, critical_clear=0.85),
        find=metadata,
        sees=_sees_thin,
        feeds=(THIN,),
        ending=_ending,
    ),
)
