"""What the pages and the taps of alerts share: the watch, what of it exists for an asker, spans, hours and zones."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.access import EVERYTHING, Role, Scope, refusal
from bot.errors import Denied, NotFound, Stale
from bot.model import About, Alert, Subject
from bot.pages.alerting.recorded import Recorded
from bot.pages.page import Change, Enquiry
from bot.ports import Watching
from bot.text import Reader, say

SPANS: Mapping[str, timedelta] = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "24h": timedelta(hours=24)}
MORNING = "8am"
LONGEST = timedelta(days=30)
"""Of a silence: each one ends."""
_SPAN = re.compile(r"([1-9][0-9]{0,4})(s|m|min|h|d|w)", re.IGNORECASE)
_UNIT = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_HOUR = re.compile(r"([0-9]{1,2})(?::([0-5][0-9]))?(am|pm)?", re.IGNORECASE)


def watch(ask: Enquiry) -> Watching:
    """Raises: NotFound where nothing is watched."""
    if ask.env.watch is None:
        raise NotFound(say("Nothing is watched here: this bot only answers."))
    return ask.env.watch


def recorded(ask: Enquiry) -> Recorded:
    """What changes what people hear of. Raises: NotFound where nothing is watched."""
    return Recorded(watch=watch(ask), store=ask.env.store, place=ask.place)


def visible(alert: Alert, scope: Scope) -> bool:
    """Does this alert exist for somebody with that scope?"""
    return exists(alert.finding.subject, scope)


def exists(subject: Subject, scope: Scope) -> bool:
    """Does what an alert is about exist for somebody with that scope?

    What is narrowed to guests (pools, tags, ids) has none of nodes, storages and clusters: those name other guests. It
    has what is a guest's own, and what is of several where all of them are its.
    """
    if scope == EVERYTHING:
        return True
    if subject.parts:
        return all(exists(part, scope) for part in subject.each)
    if subject.about is About.GUEST or subject.of:
        id_ = subject.of.rpartition("/")[2] or subject.id
        vmid = int(id_) if id_.isdecimal() else 0
        return scope.has_guest(subject.cluster, vmid, subject.node, subject.pool, subject.tags)
    if scope.clusters and subject.cluster not in scope.clusters:
        return False
    if not wide(scope):
        on_one = bool(scope.nodes) and not (scope.pools or scope.tags or scope.vmids)
        return on_one and scope.has_node(subject.cluster, subject.node)
    return True


def wide(scope: Scope) -> bool:
    """Is it narrowed by nothing but clusters?"""
    return not (scope.nodes or scope.pools or scope.tags or scope.vmids)


def seen(ask: Enquiry) -> list[Alert]:
    """Open and pending ones that exist for the asker, worst first. Raises: NotFound where nothing is watched."""
    return [alert for alert in watch(ask).alerts() if visible(alert, ask.asker.scope)]


def standing(ask: Enquiry) -> Mapping[str, Sequence[Alert]]:
    """`seen` by cluster, from memory; none where nothing is watched."""
    found: dict[str, list[Alert]] = {}
    for alert in seen(ask) if ask.env.watch is not None else ():
        found.setdefault(alert.finding.subject.cluster, []).append(alert)
    return found


def sleeping(ask: Enquiry) -> frozenset[str]:
    """Nodes and storages that may be off."""
    return ask.env.watch.sleeping if ask.env.watch is not None else frozenset()


def explained(ask: Enquiry) -> list[Alert]:
    """Found, and told to nobody since the cause is known; those that exist for the asker, newest first."""
    return [alert for alert in watch(ask).explained() if visible(alert, ask.asker.scope)]


def names(ask: Enquiry) -> Mapping[str, str]:
    """What is watched, by key: a cluster's name stands on its alerts where there are several."""
    return {pulse.cluster: pulse.name for pulse in watch(ask).pulse()}


def acts(ask: Enquiry, cluster: str) -> bool:
    """Can this asker do anything there: is there a token, and are writes not frozen?"""
    pve = ask.env.clusters.get(cluster)
    return pve is not None and not ask.env.store.frozen and pve.token(ask.asker.role) is not None


MANAGING = Change(role=Role.OPERATOR, what="changing what a group is told", anywhere=False)
"""Of pages that say what a chat is told: their own anybody, a group's an operator."""


def managing(arg: str) -> Change | None:
    """Of a page that just shows how it stands where nothing is typed."""
    return MANAGING if arg.strip() else None


def manages(ask: Enquiry) -> None:
    """May the asker say what this chat is told? Raises: Denied."""
    if not ask.private:
        needs(ask, MANAGING.role, MANAGING.what)


def needs(ask: Enquiry, role: Role, what: str) -> None:
    """Raises: Denied."""
    if (words := refusal(ask.asker, what, role)) is not None:
        raise Denied(words)


def id_of(text: str) -> int:
    """Of a button; 0, which nothing has, where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0


def one(ask: Enquiry, text: str) -> Alert:
    """The alert of a button or a typed number. Raises: NotFound."""
    digits = text.removeprefix("-")  # a test alert's number is below zero
    number = id_of(digits) * (1 if digits == text else -1)
    kept = watch(ask)
    alert = kept.alert(number) if number else None
    if alert is None or not visible(alert, ask.asker.scope):
        if digits != text:
            raise NotFound(say("The test alert is over."))
        raise NotFound(say("There is no alert {number} (any more). /alerts lists what there is.", number=text[:16]))
    return alert


# -- times -----------------------------------------------------------------------------------------------------------


def until(text: str, now: datetime, zone: tzinfo | None) -> datetime | None:
    """`4h`, `90s`, `2d`, `8am`, `08:00`: when that is over, UTC; None for anything else. `zone` None: the machine's.

    Raises: Stale where it is further away than any silence may last.
    """
    if (found := _SPAN.fullmatch(text)) is not None:
        length = timedelta(seconds=int(found[1]) * _UNIT[found[2].lower()])
        if length > LONGEST:
            raise Stale(say("That is too long: every silence ends, after {n} days at the latest.", n=LONGEST.days))
        return now + length
    at = hour(text)
    if at is None or text.isdecimal():  # `8` alone is no hour: it may be the beginning of anything
        return None
    return next_at(at, now, zone)


def hour(text: str) -> time | None:
    """`8`, `8am`, `08:00`, `10:30pm`; None for anything else."""
    found = _HOUR.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half == "pm" else 0)
    return time(hours, minutes) if hours < 24 else None


def next_at(at: time, now: datetime, zone: tzinfo | None) -> datetime:
    """The next time that clocks in `zone` show `at`, UTC."""
    local = now.astimezone(zone).replace(tzinfo=None)
    then = datetime.combine(local.date(), at)
    if then <= local:
        then += timedelta(days=1)
    return then.replace(tzinfo=zone).astimezone(UTC)  # without a zone a naive time is the machine's


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo | None:
    """By its IANA name; None where there is none of that name (any more), and for ''."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):  # not a name, a folder, none of that name
        return None


def reader_of(watch: Watching | None, chat: int) -> Reader:
    """Language and zone of a chat, as its habits have them."""
    return Reader(zone=zone_of(watch.habits(chat).zone)) if watch is not None else Reader()
