"""High availability: a node that is fenced, a guest that HA has given up.

5 node_fenced · 6 ha_error
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.model import About, Finding, Severity, Subject
from bot.model.feeds import HA
from bot.model.view import View
from bot.rules.grades import more
from bot.rules.guest.endings import guest_of, unwell
from bot.rules.node.fences import Fence, fenced, returned
from bot.rules.node.restarted import restarted
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.scan import scan
from bot.rules.sight import remembered, seen, sees_hastate, sees_node
from bot.rules.subjects import (
    cluster_subject,
    guest_key,
    guest_subject,
    guests_there,
    named,
    node_key,
    node_subject,
    tasks_of_guest,
)
from bot.text import Said, say, say_n

TOLD = 60.0
"""Seconds for which a fence stands that was pushed, and that no poll has seen; and two polls."""
WAIT = 20.0
"""Seconds that a fence of a node waits which this poll still sees online: HA fences what has been gone for a minute
(pve-ha-manager, NodeStatus.pm), so that its absence is about to show, and is told as one with it."""


# -- 5 node_fenced -------------------------------------------------------------------------------------------------


def node_fenced(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    if snapshot is None:
        return
    ha = view.feeds.fresh(HA)
    for node in snapshot.nodes:
        since, back = remembered(view, f"fence/{node.name}"), returned(view, node)
        lately = since is not None and 0 <= view.at.timestamp() - since < TOLD + 2 * view.poll
        lately = lately and (back is None or since is None or since > back.timestamp())
        fence = fenced(view, node)
        if not (fence or lately) or not limits.of(node_key(node)).on:
            continue
        here = [guest for guest in snapshot.guests if guest.node == node.name and not guest.template]
        managed = [guest for guest in here if guest.ha_managed]
        others = [guest for guest in here if not guest.ha_managed]
        yield Finding(
            rule="node_fenced",
            subject=node_subject(node),
            severity=Severity.CRITICAL,
            said=say("HA fences {name}", name=node.name),
            over=say("{name} was fenced", name=node.name),
            details=_what_becomes([guest.name for guest in managed], len(others)),
            because=say("the HA manager says: fence")
            if fence is Fence.SAID
            else say("Proxmox VE sent a notification of it"),
            cures=(guests_there(node, snapshot),) if here else (),
            affected=tuple(guest.name for guest in (*managed, *others)),
            hold=WAIT if node.online else None,
        )
    subject = cluster_subject(view)
    limit = limits.of(subject.key)
    if ha is not None and ha.armed is False and ha.services and limit.on:
        yield Finding(
            rule="node_fenced",
            subject=subject,
            severity=Severity.WARNING,
            said=say("HA is disarmed"),
            over=say("HA is armed again"),
            details=(say("no guest would be started elsewhere"),),
            because=say("the HA manager says that it is not armed"),
            hold=more(limit, "disarmed_seconds", 1800.0),
        )


def _what_becomes(moved: Sequence[str], others: int) -> tuple[Said, ...]:
    """Of the guests of a node that is fenced."""
    found: list[Said] = []
    if moved:
        found.append(say("HA starts elsewhere: {names}", names=named(moved)))
    if others:
        found.append(
            say_n(others, one="1 guest of it waits for its return", many="{n} guests of it wait for its return")
        )
    return tuple(found) or (say("no guest is on it"),)


def _sees_fence(view: View, subject: Subject) -> bool:
    """Where HA may not be read there are still the notifications, and what was pushed stands for TOLD. Of a node that
    is online, back or never gone, nothing more is to be read."""
    snapshot = seen(view)
    node = snapshot.by_node.get(subject.id) if snapshot is not None and subject.about is About.NODE else None
    if node is not None and node.online:
        return True
    reading = view.feeds.get(HA)
    if reading is not None and (reading.forbidden or reading.absent):
        return sees_node(view, subject) if subject.about is About.NODE else seen(view) is not None
    return reading is not None and reading.fresh and seen(view) is not None


def _fence_ending(view: View, finding: Finding) -> Finding:
    """What was pushed of a node that was never seen to go came to nothing."""
    snapshot, name = seen(view), finding.subject.name
    node = snapshot.by_node.get(finding.subject.id) if snapshot is not None else None
    if node is None or finding.subject.about is not About.NODE or not node.online or returned(view, node) is not None:
        return finding
    return replace(finding, over=say("{name} was not fenced: it stayed online", name=name))


# -- 6 ha_error ----------------------------------------------------------------------------------------------------


def ha_error(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    if snapshot is None:
        return
    for guest in scan(view).ha:
        if guest.hastate not in {"error", "fence", "recovery"} or not limits.of(guest_key(guest)).on:
            continue
        error = guest.hastate == "error"
        yield Finding(
            rule="ha_error",
            subject=guest_subject(guest),
            severity=Severity.CRITICAL if error else Severity.WARNING,
            said=say("{name}: HA has given up", name=guest.name)
            if error
            else say("{name}: HA state {state}", name=guest.name, state=guest.hastate),
            over=say("{name}: HA is well again", name=guest.name),
            details=(say("it stays as it is until somebody disables and enables it in HA"),)
            if error
            else (say("its node is lost; HA takes it over"),),
            because=say("HA state is {state}", state=guest.hastate),
            cures=(tasks_of_guest(guest),),
            hold=0.0 if error else None,
        )
    yield from restarted(view, snapshot, limits)


def _ending(view: View, finding: Finding) -> Finding:
    """What HA leaves alone is not well for that."""
    guest = guest_of(view, finding)
    if guest is None or (guest.ha_managed and guest.hastate not in {"stopped", "disabled"}):
        return finding
    why = say("HA leaves it stopped") if guest.ha_managed else say("HA manages it no more")
    return unwell(finding, say("{name}: {why}", name=guest.name, why=why), why)


RULES: tuple[Rule, ...] = (
    Rule(
        number=5,
        key="node_fenced",
        kind=Kind.STATE,
        help="HA fences a node; or HA is disarmed for disarmed_seconds.",
        severity=Severity.CRITICAL,
        limit=Limit(polls=1, more={"disarmed_seconds": 1800}),  # a fence is over with its node's return, at once
        find=node_fenced,
        sees=_sees_fence,
        feeds=(HA,),
        ending=_fence_ending,
    ),
    Rule(
        number=6,
        key="ha_error",
        kind=Kind.STATE,
        help="HA has given a guest up (error), or takes it over (fence, recovery).",
        severity=Severity.CRITICAL,
        limit=Limit(hold=60, clear=30),
        find=ha_error,
        sees=sees_hastate,
        ending=_ending,
    ),
)
