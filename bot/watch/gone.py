"""What an alert is about may be there no more: its end must not say that it got well. Pure."""

from dataclasses import replace

from bot.model import About, Alert, Gap, Subject
from bot.model.view import View
from bot.rules.sight import seen, storage_of, whole
from bot.text import say


def ended_gone(alert: Alert) -> Alert:
    """As it ends: nothing is left that could be well, or be mended."""
    over = say("{name} is gone (deleted, or no longer visible)", name=alert.finding.subject.name)
    return replace(alert, gone=True, finding=replace(alert.finding, over=over, after=()))


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
