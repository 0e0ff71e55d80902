"""Guests that are expected to run, and are down: by their tag, or because they start with their node.

8 guest_expected_down
"""

from collections.abc import Iterator
from datetime import timedelta

from bot.model import Finding, Guest, Outcome, Severity, Status, Subject
from bot.model.feeds import ONBOOT
from bot.model.readings import GuestNotes
from bot.model.view import GuestWas, View
from bot.rules.grades import active, more
from bot.rules.guest.backing import BACKUP
from bot.rules.guest.causes import HA_BUSY, STOPALL, of_down, ordered_down
from bot.rules.guest.endings import guest_of, missed
from bot.rules.node.boots import booted_at
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.scan import scan
from bot.rules.sight import seen, sees_running
from bot.rules.subjects import guest_key, guest_subject, start
from bot.text import Said, day_clock, say

EXPECT_UP, CRITICAL = "expect-up", "critical"
STARTALL = 300.0
"""Seconds that guests are given after their node's startall."""
BOOT = 600
"""Seconds of a node's uptime in which its startall is still to be waited for."""


def expected(view: View, guest: Guest) -> bool:
    """Is it meant to run, by its tag or because it starts with its node? HA keeps its guests its own way."""
    if EXPECT_UP in guest.tags:
        return True
    notes = view.feeds.fresh(ONBOOT)
    return notes is not None and guest.vmid in notes.onboot and not guest.ha_managed


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
            held(view, guest, was)
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


def held(view: View, guest: Guest, was: GuestWas | None) -> bool:
    """Is somebody at work on it? A backup, for as long as it may keep it down."""
    if guest.lock != BACKUP or was is None:
        return bool(guest.lock)
    return of_down(view, guest, was) is not None


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
        because=say("stopped by an order"),
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


def _sees(view: View, subject: Subject) -> bool:
    """One that is stopped, and has no tag, is expected up or not by what its configuration says: as long as that is
    not read it is neither missed nor well."""
    snapshot = seen(view)
    if snapshot is None or not sees_running(view, subject):
        return False
    guest = snapshot.by_vmid.get(int(subject.id))
    if guest is None or EXPECT_UP in guest.tags or not GuestNotes.about(guest):
        return True
    notes = view.feeds.fresh(ONBOOT)
    return notes is not None and guest.vmid in notes.read


def _ending(view: View, finding: Finding) -> Finding:
    guest, notes = guest_of(view, finding), view.feeds.fresh(ONBOOT)
    if guest is None or EXPECT_UP in guest.tags:
        return missed(view, finding, None)
    if guest.ha_managed:
        return missed(view, finding, say("up to HA"))
    needless = notes is not None and guest.vmid in notes.read - notes.onboot
    return missed(view, finding, say("need not run") if needless or guest.template else None)


RULES: tuple[Rule, ...] = (
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
        sees=_sees,
        ending=_ending,
    ),
)
