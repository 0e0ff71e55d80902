"""What an alert is about may be there no more, or stay as it was: its end must not say that it got well. Pure."""

from dataclasses import replace

from bot.model import About, Alert, Gap, Status, Subject
from bot.model.view import View
from bot.rules.sight import seen, storage_of, whole
from bot.text import say


def ended_gone(alert: Alert) -> Alert:
    """As it ends: nothing is left that could be well, or be mended."""
    over = say("{name} is gone (deleted, or no longer visible)", name=alert.finding.subject.name)
    return replace(alert, gone=True, finding=replace(alert.finding, over=over, after=()))


def ended_down(alert: Alert, view: View) -> Alert:
    """As one ends that somebody was told of, and that was explained later: nobody speaks of it any more, but where its
    guest is stopped still, it did not get well."""
    snapshot, subject, cause = seen(view), alert.finding.subject, alert.finding.last
    if snapshot is None or cause is None or subject.about is not About.GUEST or not subject.id.isdecimal():
        return alert
    guest = snapshot.by_vmid.get(int(subject.id))
    if guest is None or guest.status is not Status.STOPPED:
        return alert
    over = say("{name} stays down, {cause}", name=subject.name, cause=cause)
    return replace(alert, finding=replace(alert.finding, over=over, unwell=say("stays down")))


def vanished(view: View, subject: Subject) -> bool:
    """Is what it is about missing from a list that is new and whole? Of guests, nodes and storages."""
    snapshot = seen(view)
    if snapshot is None or not whole(snapshot):
        return False
    match subject.about:
        case About.GUEST:
            return subject.id.isdecimal() and int(subject.id) not in snapshot.by_vmid
        case About.NODE:
            failed = any(gap.gap is Gap.STATUS_FAILED for gap in snapshot.unseen)
            return subject.id not in snapshot.by_node and not failed
        case About.STORAGE:
            return storage_of(snapshot, subject.id) is None
        case About.CLUSTER | About.OTHER:
            return False
