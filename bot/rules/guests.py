"""Guests that are down: one that stopped by itself, one that is expected to run.

7 guest_stopped_by_itself · 8 guest_expected_down
"""

from collections.abc import Iterator
from datetime import timedelta

from bot.model import Finding, Guest, Outcome, Severity, Status
from bot.model.feeds import ONBOOT
from bot.model.memo import memo
from bot.model.readings import GuestNotes
from bot.model.view import GuestWas, View
from bot.rules.boots import booted_at
from bot.rules.causes import HA_BUSY, STOPALL, ha_wants, last_ran, of_down, ordered_down
from bot.rules.grades import active, more
from bot.rules.rule import Confirm, Kind, Limit, Limits, Rule
from bot.rules.scan import scan
from bot.rules.sight import sees_guest
from bot.rules.subjects import guest_key, guest_subject, start
from bot.text import Said, clock, day_clock, say, span

EXPECT_UP, CRITICAL = "expect-up", "critical"
EXPLAINED = timedelta(hours=1)
"""For so long after a stop that was explained it stands with its cause, for /why."""
STARTALL = 300.0
"""Seconds that guests are given after their node's startall."""
ONBOOT_WAIT = 60.0
"""Seconds that what its configuration says of a guest is waited for, beyond the hold."""
MANY, TOGETHER = 20, timedelta(minutes=2)
"""So many guests that stopped within so long, and whose configurations are still to be read, are told as bad as the
worst of them: their reading takes minutes, and one blow is one message."""
BOOT = 600
"""Seconds of a node's uptime in which its startall is still to be waited for."""


def expected(view: View, guest: Guest) -> bool:
    """Is it meant to run, by its tag or because it starts with its node? HA keeps its guests its own way."""
    if EXPECT_UP in guest.tags:
        return True
    notes = view.feeds.fresh(ONBOOT)
    return notes is not None and guest.vmid in notes.onboot and not guest.ha_managed


def matters(view: View, guest: Guest) -> bool:
    """Does somebody wait for it?"""
    return guest.ha_managed or CRITICAL in guest.tags or expected(view, guest)


# -- 7 guest_stopped_by_itself -------------------------------------------------------------------------------------


def guest_stopped_by_itself(view: View, limits: Limits) -> Iterator[Finding]:
    before = view.before.guests
    for guest in scan(view).stopped:
        was = before.get(guest.vmid)
        if was is None or not ran(was) or view.asleep(guest.node):
            continue
        limit = limits.of(guest_key(guest))
        if not limit.on:
            continue
        cause = of_down(view, guest, was)
        if cause is not None:
            at = was.changed if was.status is Status.STOPPED else view.at
            if at is not None and timedelta() <= view.at - at < EXPLAINED:
                yield _stopped(view, guest, was, last=cause.said(view.at))
        elif guest.ha_managed:
            yield from _of_ha(view, guest, was, limit)
        elif _undecided(view, guest):
            if not view.first and _lately(view, was) and _one_blow(view):
                yield _stopped(view, guest, was, feared=True)
                continue
            yield _stopped(
                view, guest, was, grey=view.first, hold=limit.hold + more(limit, "onboot_seconds", ONBOOT_WAIT)
            )
        else:
            yield _stopped(view, guest, was)


def _undecided(view: View, guest: Guest) -> bool:
    """Does what its configuration says decide how loud it is, and is that still to be read?"""
    if CRITICAL in guest.tags or EXPECT_UP in guest.tags or not GuestNotes.about(guest):
        return False
    notes = view.feeds.get(ONBOOT)
    if notes is None:
        return True
    if notes.forbidden or notes.absent:
        return False
    return notes.value is None or guest.vmid not in notes.value.read


def _lately(view: View, was: GuestWas) -> bool:
    return was.status is not Status.STOPPED or (was.changed is not None and view.at - was.changed < TOGETHER)


@memo
def _one_blow(view: View) -> bool:
    """Have many stopped at once, and is it known of any that somebody waits for it?"""
    known = view.before.guests
    lately = [
        guest
        for guest in scan(view).stopped
        if (was := known.get(guest.vmid)) is not None and ran(was) and _lately(view, was)
    ]
    return sum(_undecided(view, guest) for guest in lately) >= MANY and any(matters(view, guest) for guest in lately)


def ran(was: GuestWas) -> bool:
    """Was it running, and is seen stopped now for the first time, or since? One that never got further than prelaunch
    was not."""
    return was.ran is not None or was.status in {Status.RUNNING, Status.PAUSED} or was.status.troubled


def _of_ha(view: View, guest: Guest, was: GuestWas, limit: Limit) -> Iterator[Finding]:
    """HA stops, moves and starts guests as it sees fit: only what it has not mended in time is worth a word."""
    if guest.hastate == "error":
        yield _stopped(view, guest, was)
    elif guest.hastate in HA_BUSY or guest.lock:
        yield _stopped(view, guest, was, grey=True)
    elif was.node == guest.node and ha_wants(view, guest) is not False:
        yield _stopped(view, guest, was, hold=more(limit, "ha_seconds", 180.0))


def _stopped(
    view: View,
    guest: Guest,
    was: GuestWas,
    *,
    last: Said | None = None,
    grey: bool = False,
    hold: float | None = None,
    feared: bool = False,
) -> Finding:
    known = view.tasks is not None or guest.vmid in view.looked_up
    loud = known and (feared or matters(view, guest))
    unsure = not known or _undecided(view, guest)
    ran_at = last_ran(view, was)
    details: list[Said] = []
    if last is not None:
        details.append(last)
    elif known:
        details += [say("nobody ordered it in Proxmox"), say("(a shutdown from inside looks so too)")]
    else:
        details.append(say("cause unknown: the tasks are not to be seen"))
    if ran_at is not None:
        details.append(say("last seen running {at}", at=clock(ran_at)))
    return Finding(
        rule="guest_stopped_by_itself",
        subject=guest_subject(guest),
        severity=Severity.WARNING if loud else Severity.INFO,
        said=_headline(guest, known, last),
        over=say("{name} runs again", name=guest.name),
        details=tuple(details),
        because=_seen(view, guest, was),
        cures=(start(guest),),
        grey=grey,
        quiet=not loud,
        loud=loud,
        since=was.changed if was.status is Status.STOPPED else None,
        hold=hold,
        last=last,
        unsure=unsure and not loud and last is None,
    )


def _headline(guest: Guest, known: bool, last: Said | None) -> Said:
    if last is not None:
        return say("{name} is stopped", name=guest.name)
    return say("{name} stopped by itself", name=guest.name) if known else say("{name} stopped", name=guest.name)


def _seen(view: View, guest: Guest, was: GuestWas) -> Said:
    lock = say("locked: {lock}", lock=guest.lock) if guest.lock else say("no lock")
    if was.status is not Status.STOPPED:
        return say("running at the poll before, stopped now, {lock}", lock=lock)
    return say("running before, stopped since {at}, {lock}", at=clock(was.changed or view.at), lock=lock)


# -- 8 guest_expected_down -----------------------------------------------------------------------------------------


def guest_expected_down(view: View, limits: Limits) -> Iterator[Finding]:
    if not active(limits):
        return
    notes = view.feeds.fresh(ONBOOT)
    onboot = notes.onboot if notes is not None else frozenset()
    for guest in scan(view).stopped:
        if EXPECT_UP not in guest.tags and (guest.vmid not in onboot or guest.ha_managed):
            continue
        limit = limits.of(guest_key(guest))
        if not limit.on or view.asleep(guest.node):
            continue
        was = view.before.guests.get(guest.vmid)
        if (order := ordered_down(view, guest, was)) is not None:
            since = was.changed if was is not None and was.status is Status.STOPPED else None
            if since is not None and (view.at - since).total_seconds() >= more(limit, "ordered_seconds", 86400.0):
                yield _ordered(view, guest, order.by, was)
            continue
        why = EXPECT_UP if EXPECT_UP in guest.tags else "onboot"
        waits = (
            bool(guest.lock)
            or guest.hastate in HA_BUSY
            or boots(view, guest, more(limit, "startall_seconds", STARTALL))
        )
        yield Finding(
            rule="guest_expected_down",
            subject=guest_subject(guest),
            severity=Severity.WARNING,
            said=say("{name} is stopped and should run", name=guest.name),
            over=say("{name} runs", name=guest.name),
            details=_since(was),
            because=say("it should run ({why}), and is stopped", why=why),
            cures=(start(guest),),
            grey=waits,
            loud=CRITICAL in guest.tags,
            since=was.changed if was is not None and was.status is Status.STOPPED else None,
        )


def _since(was: GuestWas | None) -> tuple[Said, ...]:
    if was is None:
        return ()
    found: list[Said] = []
    if was.stopped_by:
        found.append(say("after: {by}", by=was.stopped_by))
    if was.ran is not None:
        found.append(say("last seen running {at}", at=day_clock(was.ran)))
    return tuple(found)


def _ordered(view: View, guest: Guest, by: str, was: GuestWas | None) -> Finding:
    """Nobody is waked by what was ordered; after a day it is a line of the digest."""
    since = was.changed if was is not None and was.changed is not None else view.at
    return Finding(
        rule="guest_expected_down",
        subject=guest_subject(guest),
        severity=Severity.INFO,
        said=say("{name} should run; stopped by {by} {at}", name=guest.name, by=by, at=day_clock(since)),
        over=say("{name} runs", name=guest.name),
        because=say("stopped by an order {span} ago", span=span((view.at - since).total_seconds())),
        cures=(start(guest),),
        quiet=True,
        since=since,
    )


def boots(view: View, guest: Guest, wait: float) -> bool:
    """Is its node still starting its guests, or has it just done so?"""
    snapshot = view.snapshot
    node = snapshot.by_node.get(guest.node) if snapshot is not None else None
    seen_one = False
    booted = booted_at(view, guest.node)
    for task in view.tasks_on.get(guest.node, ()):
        if task.upid.type not in {"startall", STOPALL}:
            continue
        if task.outcome is Outcome.RUNNING:
            return True
        if task.upid.type == STOPALL:
            continue
        ended = task.end or task.upid.start
        if timedelta() <= view.at - ended < timedelta(seconds=wait):
            return True
        seen_one = seen_one or booted is None or task.upid.start.timestamp() >= booted - 60
    return not seen_one and node is not None and node.uptime is not None and node.uptime < BOOT


RULES: tuple[Rule, ...] = (
    Rule(
        number=7,
        key="guest_stopped_by_itself",
        kind=Kind.STATE,
        help="A guest that ran is stopped, and no task, lock or order explains it. One of HA is given ha_seconds;"
        " whether it starts with its node is waited for up to onboot_seconds.",
        severity=Severity.WARNING,
        limit=Limit(hold=30, polls=2, more={"ha_seconds": 180, "onboot_seconds": ONBOOT_WAIT}),
        find=guest_stopped_by_itself,
        sees=sees_guest,
        confirm=Confirm.GUEST_TASKS,
    ),
    Rule(
        number=8,
        key="guest_expected_down",
        kind=Kind.STATE,
        help="A guest that starts with its node, or is tagged expect-up, is stopped. Not within startall_seconds after"
        " the node's startall; after an order only a line once ordered_seconds have passed.",
        severity=Severity.WARNING,
        limit=Limit(
            hold=300,
            polls=2,
            more={"startall_seconds": STARTALL, "ordered_seconds": 86400, "repeat_seconds": 10 * 365 * 86400},
        ),
        find=guest_expected_down,
        sees=sees_guest,
    ),
)
