"""Why the rules about guests that are down say nothing of one that is: a reason wherever they find nothing."""

from dataclasses import replace
from typing import Any

import pytest

from bot.model import Guest, Status
from bot.model.feeds import ONBOOT
from bot.model.readings import GuestNotes
from bot.model.view import GuestWas, Memory, NodeWas, Order, View
from bot.rules import BY_KEY
from bot.rules.guest.whynot import WHY_NOT
from tests.rules.views import NOW, feeds, found, guest, later, node, task, view, words

SEVEN, EIGHT, TEN = "guest_stopped_by_itself", "guest_expected_down", "guest_paused"
DOWN, HALTED = guest(status=Status.STOPPED), guest(status=Status.PAUSED)
RAN = GuestWas(status=Status.STOPPED, node="pve1", changed=later(-600), ran=later(-610))
EVER = GuestWas(status=Status.STOPPED, node="pve1")
SAVED = replace(RAN, lock="backup", locked=later(-630))
BACKUP = task("vzdump", start=-700)
BY_ANA = replace(RAN, stopped_by="ana@pve")
READ = (ONBOOT, "", GuestNotes(read=frozenset({104})))
STARTS = (ONBOOT, "", GuestNotes(onboot=frozenset({104}), read=frozenset({104})))
BUSY = guest(status=Status.STOPPED, hastate="fence")


def seen(now: Guest = DOWN, was: GuestWas | None = RAN, *given: Any, **more: Any) -> View:
    nodes = {"pve1": NodeWas(online=True, booted=NOW.timestamp() - 90 * 86400)}
    guests = {104: was} if was is not None else {}
    before = Memory(guests=guests, nodes=nodes, figures={"polled": later(-15).timestamp()})
    return view([now], before=before, feeds=feeds(*given), **more)


def reason(rule: str, looked: View) -> str | None:
    assert looked.snapshot is not None
    guest = looked.snapshot.guests[0]
    said = WHY_NOT[guest.status][rule](looked, guest, BY_KEY[rule].limit)
    return words(said) if said is not None else None


@pytest.mark.parametrize(
    ("looked", "by_itself", "expected"),
    [
        (seen(DOWN, RAN, STARTS), None, None),
        (
            seen(DOWN, RAN, READ),
            None,
            "it does not start with its node, and has no tag expect-up",
        ),
        (seen(DOWN, RAN), None, "whether it starts with its node is not known yet"),
        (seen(guest(status=Status.STOPPED, tags=("expect-up",)), RAN, READ), None, None),
        (
            seen(DOWN, BY_ANA, STARTS),
            "stopped by ana@pve 13:52",
            "stopped by ana@pve 13:52",
        ),
        (
            seen(DOWN, replace(RAN, status=Status.RUNNING), STARTS, tasks=(task("qmstop", 104, start=-5, end=0),)),
            "stopped by ana@pve 14:02",
            "stopped by ana@pve 14:02",
        ),
        (
            seen(DOWN, RAN, STARTS, orders=(Order(at=later(-605), action="stop", target="main/104", by="Ana B"),)),
            "stopped by Ana B 13:52",
            "stopped by Ana B 13:52",
        ),
        (
            seen(DOWN, replace(RAN, stopped_by="qmrollback by ana@pve"), STARTS),
            "cause: qmrollback by ana@pve, 13:52",
            None,
        ),
        (
            seen(
                DOWN,
                replace(RAN, status=Status.RUNNING),
                STARTS,
                tasks=(task("qmshutdown", 104, start=-9, end=-5, user="telemox@pve!power"),),
                tokens=("telemox@pve!power",),
                orders=(Order(at=later(-10), action="shutdown", target="main/104", by="Ana B"),),
            ),
            "stopped by Ana B 14:02",  # not by the bot's token
            "stopped by Ana B 14:02",
        ),
        (seen(DOWN, EVER, STARTS), "it was never seen running", None),
        (
            seen(DOWN, None, READ),
            "it was never seen running",
            "it does not start with its node, and has no tag expect-up",
        ),
        (seen(DOWN, RAN, STARTS, sleeping=frozenset({"pve1"})), None, "its node may sleep"),
        (seen(DOWN, RAN, STARTS, sleeping=frozenset({"pve1"}), tasks=None), "its node may sleep", "its node may sleep"),
        (
            seen(guest(status=Status.STOPPED, lock="migrate"), RAN, STARTS),  # it was locked long after it stopped
            "it is locked: migrate",
            "it is locked: migrate",
        ),
        (seen(guest(status=Status.STOPPED, lock="backup"), RAN, STARTS), None, None),
        (
            seen(guest(ct=True, status=Status.STOPPED, lock="backup"), SAVED, STARTS, tasks=(BACKUP,)),
            "cause: its lock: backup",
            "it is locked: backup",
        ),
        (  # a VM would have been started again
            seen(guest(status=Status.STOPPED, lock="backup"), SAVED, STARTS, tasks=(BACKUP,)),
            "cause: its lock: backup",
            None,
        ),
        (seen(BUSY, RAN, STARTS), "HA is at work on it: fence", "whether it runs is up to HA"),
        (
            seen(guest(status=Status.STOPPED, hastate="stopped"), RAN, STARTS, nodes=(node(),)),
            "HA is told to keep it stopped",
            "whether it runs is up to HA",
        ),
        (
            seen(replace(BUSY, tags=("expect-up",)), RAN, STARTS),
            "HA is at work on it: fence",
            "HA is at work on it: fence",
        ),
        (
            seen(DOWN, RAN, STARTS, tasks=(task("startall", "", start=-30, end=-10),)),
            None,
            "its node has just booted, and starts its guests",
        ),
    ],
)  # fmt: skip
def test_the_reason_is_the_rules_own(looked: View, by_itself: str | None, expected: str | None) -> None:
    assert (reason(SEVEN, looked), reason(EIGHT, looked)) == (by_itself, expected)
    for rule in (SEVEN, EIGHT):
        told = [one for one in found(rule, looked) if one.last is None and not one.grey]
        assert bool(told) == (reason(rule, looked) is None), rule


@pytest.mark.parametrize(
    ("looked", "expected"),
    [
        (seen(HALTED, replace(RAN, status=Status.PAUSED)), None),
        (seen(HALTED, None), None),
        (seen(HALTED, None, tasks=(task("qmpause", 104, start=-60, end=-59),)), "paused by ana@pve"),
        (
            seen(HALTED, replace(RAN, status=Status.RUNNING), tasks=(task("qmpause", 104, start=-10, end=-9),)),
            "paused by ana@pve 14:02",
        ),
        (seen(HALTED, RAN, tasks=(task("vzdump", 104, start=-10),)), "its backup runs"),
        (seen(replace(HALTED, lock="snapshot"), RAN), "it is locked: snapshot"),
        (seen(HALTED, RAN, sleeping=frozenset({"pve1"})), "its node may sleep"),
    ],
)
def test_of_one_that_is_paused_too(looked: View, expected: str | None) -> None:
    assert reason(TEN, looked) == expected
    told = [one for one in found(TEN, looked) if not one.grey]
    assert bool(told) == (expected is None)
