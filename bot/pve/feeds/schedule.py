"""How often a schedule runs: systemd's calendar events as Proxmox VE takes them (pve-docs, calendar-events.adoc).

    [WEEKDAYS] [[YEARS-]MONTHS-DAYS] [HOURS:MINUTES[:SECONDS]]      mon..fri 02:30 · */15 · *-*-01 03:00 · daily

What counts is the longest time between two runs, summer time left aside: nothing is overdue because of a weekend.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

DAY, WEEK = 86_400, 7 * 86_400
YEARS = 28
"""After so many the days of the months fall on the same weekdays again."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMED = {
    "minutely": 60.0,
    "hourly": 3600.0,
    "daily": float(DAY),
    "weekly": float(WEEK),
    "monthly": 31.0 * DAY,
    "quarterly": 92.0 * DAY,
    "semiannually": 184.0 * DAY,
    "semi-annually": 184.0 * DAY,
    "yearly": 366.0 * DAY,
    "annually": 366.0 * DAY,
}
_FIELD = re.compile(r"(?P<first>\*|\d{1,4})(?:\.\.(?P<last>\d{1,4}))?(?:/(?P<step>\d{1,4}))?")


@lru_cache(maxsize=512)
def interval(schedule: str) -> float | None:
    """Seconds; None where it cannot be told."""
    text = " ".join(schedule.lower().split()).removesuffix(" utc")
    if text in _NAMED:
        return _NAMED[text]
    parts = text.split(" ")
    if not text or len(parts) > 3:
        return None
    try:
        weekdays = _weekdays(parts.pop(0)) if parts[0][0].isalpha() else None
        days = _dates(parts.pop(0)) if parts and "-" in parts[0] else None
        times = _times(parts.pop(0) if parts else "0:0")
    except ValueError:
        return None
    if parts or not times:
        return None  # something is left over
    if days is not None:
        return _longest(days, frozenset(weekdays if weekdays is not None else range(7)), times)
    if weekdays is not None:
        return float(_gap([day * DAY + time for day in weekdays for time in times], WEEK))
    return float(_gap(times, DAY))


def _longest(days: frozenset[tuple[int, int]], weekdays: frozenset[int], times: list[int]) -> float | None:
    """Where days of months are chosen, and perhaps weekdays with them: by looking through as many years as it takes
    until both fall together as before. None where they never do."""
    start = date(2001, 1, 1)
    found = [
        number
        for number in range(YEARS * 1461 // 4)
        if ((day := start + timedelta(days=number)).month, day.day) in days and day.weekday() in weekdays
    ]
    if not found:
        return None
    ends = [number * DAY + time for number in found for time in (times[0], times[-1])]
    within = [found[0] * DAY + time for time in times]  # each of the days is like the first
    return float(_gap([*ends, *within], YEARS * 1461 // 4 * DAY))


def _gap(moments: Iterable[int], around: int) -> int:
    """The longest way from one to the next, the last to the first included."""
    found = sorted(set(moments))
    return max(after - before for before, after in zip(found, [*found[1:], found[0] + around], strict=True))


def _weekdays(text: str) -> list[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, dots, last = part.partition("..")
        start = _weekday(first)
        end = _weekday(last) if dots else start
        found |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return sorted(found)


def _weekday(name: str) -> int:
    """`mon` or `monday`. Raises ValueError."""
    if not name.isalpha() or not f"{_LONG.get(name[:3], '')}".startswith(name):
        raise ValueError(name)
    return _DAYS.index(name[:3])


_LONG = dict(zip(_DAYS, ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), strict=True))


def _dates(text: str) -> frozenset[tuple[int, int]] | None:
    """(month, day); None for every day. Raises ValueError where years are chosen."""
    *rest, days = text.split("-")
    if len(rest) > 2 or (len(rest) == 2 and rest[0] != "*"):
        raise ValueError(text)
    months = rest[-1] if rest else "*"
    if days == "*" == months:
        return None
    return frozenset((month, day) for month in _field(months, 1, 12) for day in _field(days, 1, 31))


def _times(text: str) -> list[int]:
    """Seconds of the day. Minutes alone are those of each hour. Raises ValueError."""
    parts = text.split(":")
    if len(parts) == 1:
        parts = ["*", *parts]
    if len(parts) == 2:
        parts = [*parts, "0"]
    hours, minutes, seconds = parts
    return [
        hour * 3600 + minute * 60 + second
        for hour in _field(hours, 0, 23)
        for minute in _field(minutes, 0, 59)
        for second in _field(seconds, 0, 59)
    ]


def _field(text: str, least: int, most: int) -> list[int]:
    """`*`, `5`, `1,5`, `8..17`, `*/15`, `0/15`, `8..17/2`. Raises ValueError."""
    found: set[int] = set()
    for part in text.split(","):
        match = _FIELD.fullmatch(part)
        if match is None:
            raise ValueError(part)
        first = least if match["first"] == "*" else int(match["first"])
        step = int(match["step"] or 1)
        if match["last"] is not None:
            last = int(match["last"])
        else:
            last = most if match["first"] == "*" or match["step"] else first
        if not least <= first <= last <= most or not step:
            raise ValueError(part)
        found |= set(range(first, last + 1, step))
    return sorted(found)
