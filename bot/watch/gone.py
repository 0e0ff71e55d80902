"""What an alert is about may be there no more: its end must not say that it got well. Pure."""

from dataclasses import replace

from bot.model import About, Alert, Gap, Snapshot, Subject
from bot.model.view import View
from bot.rules.sight import seen, storage_of, whole
from bot.text import say


def ended_gone(alert: Alert) -> Alert:
    """As it ends: nothing is left that could be well, or be mended."""
    subject = alert.finding.subject
    if subject.about is About.OTHER:
        over = say("{node} is gone, and {name} with it", node=subject.node, name=subject.name)
    else:
        over = say("{name} is gone (deleted, or no longer visible)", name=subject.name)
    return replace(alert, gone=True, finding=replace(alert.finding, over=over, after=()))


def ended_unwatched(alert: Alert) -> Alert:
    """Its rule was switched off for it, by a setting or a tag, or its cluster was: nobody looks whether it got well."""
    finding = alert.finding
    over = say("{said}: it is not watched any more", said=finding.said)
    return replace(alert, finding=replace(finding, over=over, unwell=say("not watched any more"), after=()))


def vanished(view: View, subject: Subject) -> bool:
    """Is what it is about missing from a list that is new and whole? Of guests, nodes and storages, and of what is a
    node's own and goes with it: its pools, disks, services, certificates."""
    snapshot = seen(view)
    if snapshot is None or not whole(snapshot):
        return False
    match subject.about:
        case About.GUEST:
            return subject.id.isdecimal() and int(subject.id) not in snapshot.by_vmid
        case About.NODE:
            return _left(snapshot, subject.id)
        case About.STORAGE:
            return storage_of(snapshot, subject.id) is None
        case About.OTHER:
            return bool(subject.node) and subject.id.startswith(f"{subject.node}/") and _left(snapshot, subject.node)
        case About.CLUSTER:
            return False


def _left(snapshot: Snapshot, node: str) -> bool:
    failed = any(gap.gap is Gap.STATUS_FAILED for gap in snapshot.unseen)
    return node not in snapshot.by_node and not failed
