"""How alerts about guests end. That a rule finds nothing any more does not mean that the guest runs: somebody has
stopped what was halted, nobody expects any more what is down, what is paused was paused by order.

    running(view, finding)    `finding` as it ends; of a guest that does not run: what it is
"""

from collections.abc import Mapping
from dataclasses import replace

from bot.model import Finding, Guest, Status
from bot.model.view import View
from bot.rules.guest.causes import ha_wants, of_down, ordered_down
from bot.rules.sight import seen
from bot.text import Said, say

_HALTED = say("halted")
_STATES: Mapping[Status, Said] = {
    Status.STOPPED: say("stopped"),
    Status.HIBERNATED: say("hibernated"),
    Status.PAUSED: say("paused"),
    Status.PRELAUNCH: say("starting"),
    Status.IO_ERROR: _HALTED,
    Status.INTERNAL_ERROR: _HALTED,
    Status.GUEST_PANICKED: _HALTED,
}


def guest_of(view: View, finding: Finding) -> Guest | None:
    """As it is now; None where that is not to be seen."""
    snapshot, id_ = seen(view), finding.subject.id
    return snapshot.by_vmid.get(int(id_)) if snapshot is not None and id_.isdecimal() else None


def unwell(finding: Finding, over: Said, why: Said) -> Finding:
    return replace(finding, over=over, unwell=why)


def unlisted(finding: Finding) -> Finding:
    """Of something of a node's that its list has no more."""
    name, node = finding.subject.name, finding.subject.node
    return unwell(
        finding, say("{name} on {node} is not there any more", name=name, node=node), say("not there any more")
    )


def running(view: View, finding: Finding) -> Finding:
    guest = guest_of(view, finding)
    if guest is not None and guest.status is Status.RUNNING:
        return finding
    state = _STATES.get(guest.status) if guest is not None else None
    if guest is None or state is None:  # the rule was switched off: whatever has become of it
        return replace(finding, over=None)
    return unwell(finding, say("{name} is {state}", name=guest.name, state=state), state)


def stopped(view: View, finding: Finding) -> Finding:
    """Of guest_stopped_by_itself."""
    guest = guest_of(view, finding)
    if guest is None or guest.status is not Status.STOPPED:
        return running(view, finding)
    was = view.before.guests.get(guest.vmid)
    cause = of_down(view, guest, was) if was is not None else None
    if (why := finding.last or (cause.said(view.at) if cause is not None else None)) is not None:
        return _stays_down(finding, guest, why)
    if guest.ha_managed and ha_wants(view, guest) is False:
        return _stays_down(finding, guest, say("as HA is told"))
    return running(view, finding)


def missed(view: View, finding: Finding, needless: Said | None) -> Finding:
    """Of guest_expected_down. `needless`: why it need not run; None where it should, as far as anybody knows."""
    guest = guest_of(view, finding)
    if guest is None or guest.status is not Status.STOPPED:
        return running(view, finding)
    if needless is not None:
        return unwell(finding, say("{name} is stopped, and {why}", name=guest.name, why=needless), needless)
    order = ordered_down(view, guest, view.before.guests.get(guest.vmid))
    return _stays_down(finding, guest, order.said(view.at)) if order is not None else running(view, finding)


def paused(view: View, finding: Finding) -> Finding:
    """Of guest_paused."""
    guest = guest_of(view, finding)
    was = view.before.guests.get(guest.vmid) if guest is not None else None
    if guest is None or was is None or guest.status is not Status.PAUSED:
        return running(view, finding)
    cause = of_down(view, guest, was)
    if cause is None:
        return running(view, finding)
    why = cause.said(view.at, paused=True)
    return unwell(finding, say("{name} stays paused, {cause}", name=guest.name, cause=why), say("stays paused"))


def _stays_down(finding: Finding, guest: Guest, why: Said) -> Finding:
    return unwell(finding, say("{name} stays down, {cause}", name=guest.name, cause=why), say("stays down"))
