"""Quiet hours and the hour of the digest, in a chat's own zone. Pure.

A local time that a change of clocks leaves out counts as the moment after the gap, one that comes twice as its first.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.model import Habits

Night = tuple[datetime, datetime]
"""Begin and end, UTC; the end is no longer part of it."""


def zone_of(habits: Habits, machine: tzinfo | None) -> tzinfo | None:
    """None: the machine's own. A zone that this machine does not know counts as that."""
    if not habits.zone:
        return machine
    try:
        return ZoneInfo(habits.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return machine


def night(habits: Habits, now: datetime, machine: tzinfo | None = None) -> Night | None:
    """The quiet hours that `now` lies in; None: it is day, or there are none."""
    for begin, end in _nights(habits, now, machine):
        if begin <= now < end:
            return begin, end
    return None


def last_night(habits: Habits, now: datetime, machine: tzinfo | None = None) -> Night | None:
    """The quiet hours that ended last; None where there are none."""
    ended = [one for one in _nights(habits, now, machine) if one[1] <= now]
    return max(ended, key=lambda one: one[1], default=None)


def last_digest(habits: Habits, now: datetime, machine: tzinfo | None = None) -> datetime | None:
    """When a digest was due last; None where none is wanted."""
    if habits.digest is None:
        return None
    zone = zone_of(habits, machine)
    moments = (_at(day, habits.digest, zone) for day in _days(now, zone))
    return max((moment for moment in moments if moment <= now), default=None)


def monday(habits: Habits, moment: datetime, machine: tzinfo | None = None) -> bool:
    """Is it a Monday there? Then the digest names what is still open, too."""
    return moment.astimezone(zone_of(habits, machine)).weekday() == 0


def _nights(habits: Habits, now: datetime, machine: tzinfo | None) -> list[Night]:
    begin, end = habits.quiet_from, habits.quiet_to
    if begin is None or end is None or begin == end:
        return []
    zone = zone_of(habits, machine)
    found = []
    for day in _days(now, zone):
        ends = day if end > begin else day + timedelta(days=1)
        found.append((_at(day, begin, zone), _at(ends, end, zone)))
    return found


def _days(now: datetime, zone: tzinfo | None) -> list[date]:
    today = now.astimezone(zone).date()
    return [today + timedelta(days=days) for days in (-2, -1, 0, 1)]


def _at(day: date, moment: time, zone: tzinfo | None) -> datetime:
    """UTC. Without a zone `astimezone` takes a naive time for the machine's."""
    local = datetime.combine(day, moment.replace(tzinfo=None, fold=0))
    return (local.replace(tzinfo=zone) if zone is not None else local).astimezone(UTC)
