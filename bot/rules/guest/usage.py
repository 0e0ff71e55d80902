"""Figures of guests, in loops that ten thousand of them go through quickly, and what was done to them.

13 guest_cpu · 14 guest_mem · 15 ct_disk · 40 guest_event
"""

from collections.abc import Callable, Iterator, Mapping

from bot.model import Finding, Guest, Kind, Outcome, Severity, Subject
from bot.model.view import View
from bot.rules.grades import active, floor, graded
from bot.rules.guest.endings import running
from bot.rules.node.boots import polled
from bot.rules.rule import Kind as Lasts
from bot.rules.rule import Limit, Limits, Rule
from bot.rules.scan import containers
from bot.rules.sight import Sees, in_sight, seen, sees_always, sees_guest
from bot.rules.subjects import guest_key, guest_subject, opens, tasks_of_guest
from bot.text import Said, say, share, size_pair

# -- 13 guest_cpu --------------------------------------------------------------------------------------------------


def guest_cpu(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    if snapshot is None or not active(limits) or (least := floor(limits)) is None:
        return
    for guest in [one for one in snapshot.guests if one.cpu is not None and one.cpu >= least]:
        if guest.cpu is not None:
            yield from _found(view, limits, guest, "guest_cpu", guest.cpu, say("processor"))


# -- 14 guest_mem --------------------------------------------------------------------------------------------------


def guest_mem(view: View, limits: Limits) -> Iterator[Finding]:
    """Containers: the figure of a VM counts what its system caches."""
    if not active(limits) or (least := floor(limits)) is None:
        return
    for guest in containers(view):
        mem, whole = guest.mem, guest.maxmem
        if mem is not None and whole and mem >= least * whole:
            yield from _found(view, limits, guest, "guest_mem", mem / whole, say("memory"), size_pair(mem, whole))
    if not any(limit.more.get("vms") for limit in (limits.base, *limits.exceptions.values())):
        return
    snapshot = seen(view)
    for guest in snapshot.guests if snapshot is not None else ():
        mem, whole = guest.mem, guest.maxmem
        if guest.kind is not Kind.QEMU or mem is None or not whole or mem < least * whole:
            continue
        if limits.of(guest_key(guest)).more.get("vms"):
            yield from _found(view, limits, guest, "guest_mem", mem / whole, say("memory"), size_pair(mem, whole))


# -- 15 ct_disk ----------------------------------------------------------------------------------------------------


def ct_disk(view: View, limits: Limits) -> Iterator[Finding]:
    if not active(limits) or (least := floor(limits)) is None:
        return
    for guest in containers(view):
        disk, whole = guest.disk, guest.maxdisk
        if disk is not None and whole and disk >= least * whole:
            yield from _found(view, limits, guest, "ct_disk", disk / whole, say("disk"), size_pair(disk, whole))


def _found(
    view: View, limits: Limits, guest: Guest, rule: str, value: float, what: Said, detail: Said | None = None
) -> Iterator[Finding]:
    limit = limits.of(guest_key(guest))
    if not limit.on or guest.template or not in_sight(view, guest) or (grade := graded(value, limit)) is None:
        return
    top = limit.critical if limit.critical is not None and value >= limit.critical else limit.warning
    yield Finding(
        rule=rule,
        subject=guest_subject(guest),
        severity=grade[0],
        said=say("{name}: {what} {share} full", name=guest.name, what=what, share=share(value))
        if rule != "guest_cpu"
        else say("{name}: processor at {share}", name=guest.name, share=share(value)),
        over=say("{name}: {what} has room again", name=guest.name, what=what),
        details=(detail,) if detail is not None else (),
        because=say("at {now}, the limit is {limit}", now=share(value), limit=share(top or 0.0)),
        cures=(opens(say("Guest"), "vm", guest.target),),
        grey=grade[1],
    )


def _sees(told: Callable[[Guest], bool], *, down: bool) -> Sees:
    """`down`: is it well while it is down? While it is up its row must tell of it, and one that has just begun, whose
    uptime is 0, has no figures yet: it is neither found nor well."""

    def sees(view: View, subject: Subject) -> bool:
        if not sees_guest(view, subject):
            return False
        snapshot = seen(view)
        guest = snapshot.by_vmid.get(int(subject.id)) if snapshot is not None else None
        if guest is None or not guest.status.up:
            return guest is None or down
        return bool(guest.uptime) and told(guest)

    return sees


_sees_cpu = _sees(lambda guest: guest.cpu is not None, down=True)
_sees_mem = _sees(lambda guest: guest.mem is not None and bool(guest.maxmem), down=True)
_sees_disk = _sees(lambda guest: guest.disk is not None and bool(guest.maxdisk), down=False)
"""Of a container that is stopped Proxmox VE does not know how full its disk is."""


# -- 40 guest_event ------------------------------------------------------------------------------------------------

_DONE: Mapping[str, str] = {
    **dict.fromkeys(("qmstart", "vzstart"), "{name} was started"),
    **dict.fromkeys(("qmstop", "vzstop"), "{name} was stopped"),
    **dict.fromkeys(("qmshutdown", "vzshutdown"), "{name} was shut down"),
    **dict.fromkeys(("qmreboot", "vzreboot"), "{name} was rebooted"),
    **dict.fromkeys(("qmigrate", "vzmigrate", "hamigrate"), "{name} was migrated"),
}


def guest_event(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    if snapshot is None or not active(limits) or view.started is None:
        return
    last = polled(view) if view.first else None
    since = view.started if last is None else min(view.started, last)  # what the process before has not seen
    for task in view.tasks or ():
        pattern = _DONE.get(task.upid.type)
        if pattern is None or task.outcome not in {Outcome.OK, Outcome.WARNINGS} or task.end is None:
            continue
        if task.end < since or not task.upid.subject.isdecimal():
            continue
        guest = snapshot.by_vmid.get(int(task.upid.subject))
        if guest is None or not limits.of(guest_key(guest)).on:
            continue
        yield Finding(
            rule="guest_event",
            subject=guest_subject(guest),
            severity=Severity.INFO,
            said=say(pattern, name=guest.name),
            details=(say("by {user}", user=task.upid.user),),
            because=say("task {type}", type=task.upid.type),
            cures=(tasks_of_guest(guest),),
            event=task.upid.text,
            quiet=True,
            since=task.end,
        )


RULES: tuple[Rule, ...] = (
    Rule(
        number=13,
        key="guest_cpu",
        kind=Lasts.STATE,
        help="Processor of a guest: shares of its CPUs.",
        severity=Severity.WARNING,
        limit=Limit(on=False, warning=0.95, warning_clear=0.85, hold=900, clear=300),
        find=guest_cpu,
        sees=_sees_cpu,
        ending=running,
    ),
    Rule(
        number=14,
        key="guest_mem",
        kind=Lasts.STATE,
        help="Memory of a container: shares. With vms=1 of VMs too, whose figure counts what they cache.",
        severity=Severity.WARNING,
        limit=Limit(warning=0.95, warning_clear=0.90, hold=600, clear=300, more={"vms": 0}),
        find=guest_mem,
        sees=_sees_mem,
        ending=running,
    ),
    Rule(
        number=15,
        key="ct_disk",
        kind=Lasts.STATE,
        help="Root disk of a container: shares.",
        severity=Severity.WARNING,
        limit=Limit(warning=0.90, warning_clear=0.85, critical=0.95, critical_clear=0.92, hold=300, clear=0),
        find=ct_disk,
        sees=_sees_disk,
        ending=running,
    ),
    Rule(
        number=40,
        key="guest_event",
        kind=Lasts.EVENT,
        help="A guest was started, stopped or migrated, by anybody.",
        severity=Severity.INFO,
        limit=Limit(on=False),
        find=guest_event,
        sees=sees_always,
    ),
)
