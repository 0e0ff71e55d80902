"""How often a schedule runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pve.feeds.schedule import interval

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        ("21:00", DAY),
        ("*/15", 15 * MINUTE),
        ("0/15", 15 * MINUTE),
        ("*/30", 30 * MINUTE),
        ("*:0/5", 5 * MINUTE),
        ("10", HOUR),
        ("10,40", 30 * MINUTE),
        ("*", MINUTE),
        ("sat 03:00", 7 * DAY),
        ("Saturday 03:00", 7 * DAY),
        ("mon..fri 02:30", 3 * DAY),
        ("mon,wed,fri 02:30", 3 * DAY),
        ("sat..mon 01:00", 5 * DAY),
        ("mon..sun 22:00", DAY),
        ("06,18:30", 12 * HOUR),
        ("2/4:00", 4 * HOUR),
        ("8..17:00", 15 * HOUR),
        ("8..17,22:0/15", 9 * HOUR + 15 * MINUTE),
        ("22:30:15", DAY),
        ("daily", DAY),
        ("Hourly", HOUR),
        ("weekly", 7 * DAY),
        ("monthly", 31 * DAY),
        ("*-*-* 04:00", DAY),
        ("*-*-01 04:00", 31 * DAY),
        ("*-1,15 04:00", 17 * DAY),
        ("*-31 04:00", 61 * DAY),
        ("12-24", 366 * DAY),
        ("*-*-1..5 8..17:00", 27 * DAY - 9 * HOUR),
        ("sat *-1..7 15:00", 35 * DAY),  # the first Saturday of each month
        ("mon *-*-1", 427 * DAY),
        ("*-02-29", 1461 * DAY),
        ("sun", 7 * DAY),
        ("21:00 UTC", DAY),
    ],
)
def test_the_longest_time_between_two_runs(schedule: str, seconds: float) -> None:
    assert interval(schedule) == seconds


@pytest.mark.parametrize(
    "schedule",
    ["", " ", "0 2 * * *", "noon", "25:00", "*/0", "5..2:00", "mon..", "2026-12-24", "*-02-30",
     "mont 04:00", "m 1:00", "mon 04:00 x y", "1:2:3:4", "²:00", "*/15/2"],
)  # fmt: skip
def test_what_cannot_be_told(schedule: str) -> None:
    assert interval(schedule) is None


@given(st.text(max_size=30) | st.text("*/,.:-0123456789 montue", max_size=20))
def test_whatever_is_written_there(schedule: str) -> None:
    seconds = interval(schedule)
    assert seconds is None or 0 < seconds <= 28 * 366 * DAY
