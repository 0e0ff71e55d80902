"""Starts of the bot itself: those within an hour are one, and those that nobody wanted are counted."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from bot.watch.starts import KEY, STOPPED, Begun, begin, stopped

NOW = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)


def run(*starts: tuple[float, bool], scale: float = 1.0) -> list[Begun]:
    """(minutes after NOW, stopped cleanly before): one start after the other, from nothing."""
    facts: dict[str, str] = {}
    found: list[Begun] = []
    for minutes, clean in starts:
        at = NOW + timedelta(minutes=minutes)
        if clean:
            facts |= stopped(at)
        found.append(begin(facts, at, scale))
        facts |= found[-1].facts
    return found


def counts(found: list[Begun]) -> list[tuple[int, int, int]]:
    return [(one.starts.times, one.starts.crashes, one.often) for one in found]


def test_those_within_an_hour_are_one() -> None:
    found = run((0, True), (10, True), (59, True), (60, True), (61, False))
    assert counts(found) == [(1, 0, 0), (2, 0, 0), (3, 0, 0), (1, 0, 0), (2, 1, 0)]
    assert [one.starts.first for one in found[:3]] == [NOW] * 3
    assert found[2].starts.last == NOW + timedelta(minutes=59)
    assert {one.starts.until for one in found[:3]} == {NOW + timedelta(hours=1)}


def test_more_than_three_in_a_quarter_of_an_hour_that_nobody_wanted_are_told_once_an_hour() -> None:
    loop = [(float(minute), False) for minute in range(0, 70, 2)]
    told = {minute: one.often for (minute, _), one in zip(loop, run(*loop), strict=True) if one.often}
    assert told == {8.0: 4, 68.0: 8}  # the first start of all has nothing before it
    assert counts(run((0, True), (1, False), (2, True), (3, False), (4, True), (5, False)))[-1] == (6, 3, 0)
    assert counts(run((0, True), (1, False), (8, False), (15, False), (22, False)))[-1] == (5, 3, 0)


def test_a_trial_is_as_much_faster_as_everything() -> None:
    found = run((0, True), (5, True), (6, True), scale=0.1)
    assert counts(found) == [(1, 0, 0), (2, 0, 0), (1, 0, 0)]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {KEY: ""},
        {KEY: "{"},
        {KEY: "[]"},
        {KEY: "null"},
        {KEY: json.dumps({"first": "x", "times": 3, "crashes": [], "warned": 0})},
        {KEY: json.dumps({"first": 0, "times": 3, "crashes": 4, "warned": 0})},
        {KEY: json.dumps({"first": float("inf"), "times": 3, "crashes": [], "warned": 0})},
        {KEY: json.dumps({"first": float("nan"), "times": 3, "crashes": [float("nan")], "warned": 0}), STOPPED: "1"},
        {KEY: json.dumps({"first": NOW.timestamp() + 9e5, "times": 3, "crashes": [NOW.timestamp() + 9], "warned": 0})},
    ],
)
def test_what_cannot_be_read_or_lies_ahead_was_not(facts: Mapping[str, str]) -> None:
    begun = begin(facts, NOW)
    assert (begun.starts.times, begun.starts.first, begun.often) == (1, NOW, 0)
    assert begun.starts.crashes <= 1
    again = begin({**facts, **begun.facts}, NOW + timedelta(minutes=1))
    assert again.starts.times == 2
