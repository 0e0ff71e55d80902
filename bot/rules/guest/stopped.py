"""Guests that are down: one that stopped by itself.

7 guest_stopped_by_itself
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache

from bot.model import Cure, Finding, Guest, Outcome, Severity, Status
from bot.model.feeds import ONBOOT
from bot.model.memo import memo
from bot.model.readings import GuestNotes
from bot.model.view import GuestWas, View
from bot.rules.grades import more
from bot.rules.guest.backing import BACKUP, backups, went_down
from bot.rules.guest.causes import HA_BUSY, Cause, ha_wants, last_ran, of_down, took_down
from bot.rules.guest.endings import stopped
from bot.rules.guest.expected import CRITICAL, EXPECT_UP, expected
from bot.rules.rule import Confirm, Kind, Limit, Limits, Rule
from bot.rules.scan import scan
from bot.rules.sight import sees_running
from bot.rules.subjects import guest_key, guest_subject, opens, start
from bot.text import Said, clock, say

EXPLAINED = timedelta(hours=1)
"""For so long after a stop that was explained it stands with its cause, for /why."""
ONBOOT_WAIT = 60.0
"""Seconds that what its configuration says of a guest is waited for, beyond the hold."""
SENTENCES = 256
"""Kept of a kind: the guests of a node that was gone stopped together, and are found so poll after poll."""
MANY, TOGETHER = 20, timedelta(minutes=2)
"""So many guests that stopped within so long, and whose configurations are still to be read, are told as bad as the
worst of them: their reading takes minutes, and one blow is one message."""


def matters(view: View, guest: Guest) -> bool:
    """Does somebody wait for it?"""
    return guest.ha_managed or CRITICAL in guest.tags or expected(view, guest)


# -- 7 guest_stopped_by_itself -------------------------------------------------------------------------------------


def guest_stopped_by_itself(view: View, limits: Limits) -> Iterator[Finding]:
    before = view.before.guests
    for guest in scan(view).stopped:
        was = before.get(guest.vmid)
        if was is None or not ran(was) or asleep(view, guest):
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
        elif expected(view, guest) and took_down(view, guest, was) is not None:
            continue  # it has not come up again: guest_expected_down tells of that
        elif _undecided(view, guest) and not _held(guest):
            if not view.first and _lately(view, was) and _one_blow(view):
                yield _stopped(view, guest, was, feared=True)
                continue
            yield _stopped(
                view, guest, was, grey=view.first, hold=limit.hold + more(limit, "onboot_seconds", ONBOOT_WAIT)
            )
        else:
            yield _stopped(view, guest, was, grey=_held(guest))


def _held(guest: Guest) -> bool:
    """Is somebody at work on it? How long a backup may keep it down is judged before (backing.py)."""
    return guest.lock not in {"", BACKUP}


def asleep(view: View, guest: Guest) -> bool:
    """May it have gone to sleep with its node, as far as anybody can say? Where tasks are to be seen, one of them says
    so."""
    return view.tasks is None and view.asleep(guest.node)


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
    elif guest.hastate in HA_BUSY or _held(guest):
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
    after = took_down(view, guest, was) if last is None and not guest.ha_managed else None
    details: list[Said] = []
    if last is not None:
        details.append(last)
    elif after is not None:
        details.append(say("after: {by}", by=after.by))
    elif known:
        details += _NOBODY
    else:
        details.append(say("cause unknown: the tasks are not to be seen"))
    if guest.lock == BACKUP and last is None:
        details.append(_LOCKED)
    if ran_at is not None:
        details.append(_last_ran(ran_at))
    return Finding(
        rule="guest_stopped_by_itself",
        subject=guest_subject(guest),
        severity=Severity.WARNING if loud else Severity.INFO,
        said=_headline(guest, known, last, after),
        over=say("{name} runs again", name=guest.name),
        details=tuple(details),
        because=_seen(guest.lock, was.changed or view.at if was.status is Status.STOPPED else None),
        cures=(start(guest), *_backup(view, guest, was)),
        grey=grey,
        quiet=not loud,
        loud=loud,
        since=was.changed if was.status is Status.STOPPED else None,
        hold=hold,
        last=last,
        unsure=unsure and not loud and last is None,
    )


def _backup(view: View, guest: Guest, was: GuestWas) -> Iterator[Cure]:
    """What locks it: to be looked at, and stopped."""
    if guest.lock == BACKUP:
        for task in backups(view, guest, went_down(view, guest, was)):
            if task.outcome is Outcome.RUNNING:
                yield opens(say("Its backup"), "task", f"{view.cluster} {task.upid}")
                return


_LOCKED = say("its backup has it locked: no start before that ends")
_NOBODY = (say("nobody ordered it in Proxmox"), say("(a shutdown from inside looks so too)"))


def _headline(guest: Guest, known: bool, last: Said | None, after: Cause | None) -> Said:
    if last is not None:
        return say("{name} is stopped", name=guest.name)
    if after is not None:
        return say("{name} has not come up again", name=guest.name)
    return say("{name} stopped by itself", name=guest.name) if known else say("{name} stopped", name=guest.name)


@lru_cache(maxsize=SENTENCES)
def _seen(locked: str, since: datetime | None) -> Said:
    lock = say("locked: {lock}", lock=locked) if locked else say("no lock")
    if since is None:
        return say("running at the poll before, stopped now, {lock}", lock=lock)
    return say("running before, stopped since {at}, {lock}", at=clock(since), lock=lock)


@lru_cache(maxsize=SENTENCES)
def _last_ran(at: datetime) -> Said:
    return say("last seen running {at}", at=clock(at))


RULES: tuple[Rule, ...] = (
    Rule(
        number=7,
        key="guest_stopped_by_itself",
        kind=Kind.STATE,
        help="A guest that ran is stopped, and no task, lock or order explains it; what takes it down for a while (a"
        " reboot, a migration, a backup that stops it) does until five minutes after its end. One of HA is given"
        " ha_seconds; whether it starts with its node is waited for up to onboot_seconds.",
        severity=Severity.WARNING,
        limit=Limit(hold=30, polls=2, more={"ha_seconds": 180, "onboot_seconds": ONBOOT_WAIT}),
        find=guest_stopped_by_itself,
        sees=sees_running,
        ending=stopped,
        confirm=Confirm.GUEST_TASKS,
    ),
)
