"""Starts of the bot itself: those within an hour are told as one, and too many without a clean stop are trouble. Pure.

Kept.facts   watch/starts    {"first": epoch s, "times": n, "crashes": [epoch s, …], "warned": epoch s}
             watch/stopped   epoch s of the last clean stop; '' once a start has seen it
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.model.view import Starts

KEY, STOPPED = "watch/starts", "watch/stopped"
TOGETHER = 3600.0
"""Seconds for which starts are one message."""
OFTEN, WITHIN = 3, 900.0
"""More than so many starts without a clean stop before them within so many seconds are told to the admins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    starts: Starts
    often: int  # starts without a clean stop of which the admins are to be told now; 0: of none
    facts: Mapping[str, str]  # to be written down


def begin(facts: Mapping[str, str], now: datetime, scale: float = 1.0) -> Begun:
    """This start, among those before it. What cannot be read, or lies ahead since the clock was set back, was not."""
    at, kept = now.timestamp(), _kept(facts.get(KEY, ""))
    first, times, crashes, warned = kept
    clean = not times or bool(facts.get(STOPPED))
    crashes = [one for one in crashes if 0 <= at - one < WITHIN * scale] + ([] if clean else [at])
    if not (times and 0 <= at - first < TOGETHER * scale):
        first, times = at, 0
    often = len(crashes) if len(crashes) > OFTEN and not 0 <= at - warned < TOGETHER * scale else 0
    starts = Starts(
        first=now - timedelta(seconds=at - first),
        last=now,
        times=times + 1,
        crashes=len(crashes),
        until=now + timedelta(seconds=first + TOGETHER * scale - at),
    )
    row = {"first": first, "times": times + 1, "crashes": crashes, "warned": at if often else warned}
    return Begun(starts=starts, often=often, facts={KEY: json.dumps(row), STOPPED: ""})


def stopped(now: datetime) -> Mapping[str, str]:
    """Of a clean stop."""
    return {STOPPED: repr(now.timestamp())}


def _kept(text: str) -> tuple[float, int, list[float], float]:
    """(first, times, crashes, warned)"""
    try:
        row = json.loads(text)
        crashes = [float(one) for one in row["crashes"]]
        return float(row["first"]), int(row["times"]), crashes, float(row["warned"])
    except (ValueError, TypeError, KeyError, OverflowError):
        return 0.0, 0, [], 0.0
