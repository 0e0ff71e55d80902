"""32 task_failed, 33 task_stuck."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Outcome, Severity, Task
from bot.model.feeds import FAILED
from bot.model.view import Memory
from bot.rules import BY_KEY, Limits
from tests.rules_slow.slowviews import (
    AT,
    BLIND,
    DAY,
    HOUR,
    NASTY,
    feeds,
    find,
    guest,
    node,
    sees,
    snapshot,
    task,
    text,
    view,
)

MINUTE = timedelta(minutes=1)


def told(*tasks: Task, **more: Any) -> list[Any]:
    return find("task_failed", view(tasks=tasks, **more))


# -- 32 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (task("qmstart", by="root@pam"), "warning"),
        (task("vzstart", by="root@pam"), "warning"),
        (task("startall", by="root@pam", subject=""), "warning"),
        (task("qmstart", by="ana@pve"), "info"),
        (task("qmstart", by="root@pam!power"), "info"),
        (task("hastart", by="ana@pve"), "warning"),
        (task("hamigrate", by="ana@pve"), "warning"),
        (task("qmigrate", by="root@pam"), "info"),
        (task("imgdel", subject="nas"), "info"),
        # never
        (task("vzdump"), ""),  # a rule of its own
        (task("vncproxy"), ""),
        (task("spiceshell", subject=""), ""),
        (task("aptupdate", subject=""), ""),
        (task(exitstatus="received interrupt"), ""),
        (task(exitstatus="interrupted by signal"), ""),
        (task(outcome=Outcome.OK, exitstatus="OK"), ""),
        (task(outcome=Outcome.WARNINGS, exitstatus="WARNINGS: 2"), ""),
        (task(took=None), ""),
        (task(began=25 * HOUR), ""),  # a day ago
    ],
)
def test_failed(task: Task, expected: str) -> None:
    found = told(task)
    assert [one.severity.word for one in found] == ([expected] if expected else [])
    assert all(one.event == task.upid.text for one in found)


def test_what_it_says() -> None:
    (one,) = told(task("qmstart", exitstatus="start failed: QEMU exited with code 1"))
    assert text(one) == f"Start of {NASTY} failed\nstart failed: QEMU exited with code 1\nqmstart by root@pam on pve1"
    assert [(cure.verb, cure.key, cure.arg) for cure in one.cures] == [
        ("ask", "start", "main/101"),
        ("open", "task", f"main {task('qmstart').upid}"),
    ]
    assert (one.subject.key, one.subject.name) == ("main/guest/101", NASTY)
    (all_,) = told(task("startall", subject="", on="pve2"))
    assert text(all_).startswith("Start of all guests on pve2 failed")
    assert all_.subject.key == "main/node/pve2"
    assert text(*told(task("imgdel", subject="nas"))).startswith("Task imgdel of nas failed")


@pytest.mark.parametrize(
    ("uptime", "online", "found"),
    [(10**6, True, True), (3600, True, False), (None, True, False), (10**6, False, False)],
)
def test_no_end_status(uptime: int | None, online: bool, found: bool) -> None:
    """`unexpected status` after its node went down is no news of its own."""
    killed = task(outcome=Outcome.UNKNOWN, exitstatus="unexpected status", began=2 * HOUR)
    seen = snapshot(nodes=[node(uptime=uptime, online=online)])
    assert bool(find("task_failed", view(seen, tasks=(killed,)))) is found
    just = task(outcome=Outcome.UNKNOWN, exitstatus="unexpected status", began=HOUR, took=HOUR - timedelta(seconds=9))
    assert not told(just)  # its worker exits at this moment


def burst(count: int, apart: timedelta, first: timedelta = 2 * HOUR) -> list[Task]:
    return [task(began=first - number * apart, pid=number + 1) for number in range(count)]


def test_three_in_ten_minutes_are_one_line() -> None:
    assert len(told(*burst(2, MINUTE))) == 2
    (one,) = told(*burst(3, MINUTE), task("qmigrate", by="ana@pve", began=2 * HOUR, pid=9))
    assert text(one).startswith("4 tasks failed within 10 min\n")
    assert {(part.about.value, part.id) for part in one.subject.parts} == {("guest", "101")}
    assert (one.severity, one.subject.key) == (Severity.WARNING, "main/cluster/")
    assert len(told(*burst(3, timedelta(minutes=5)))) == 1  # just within
    assert len(told(*burst(3, timedelta(minutes=6)))) == 3


def test_a_line_that_was_told_stays_told() -> None:
    tasks = burst(4, MINUTE)
    (one,) = told(*tasks[:3])
    after = Memory(events={one.key: AT})
    assert not told(*tasks, before=after)
    assert not told(*tasks[2:], before=after)  # the first have left the list
    edge = task(began=2 * HOUR - 10 * MINUTE, pid=76)  # just within
    assert not told(*tasks, edge, before=after)
    later = task(began=HOUR, pid=77)
    assert [found.event for found in told(*tasks, later, before=after)] == [later.upid.text]
    beyond = task(began=2 * HOUR - 11 * MINUTE, pid=78)  # more than ten minutes after the line began
    assert [found.event for found in told(*tasks[2:], beyond, before=after)] == [beyond.upid.text]


def test_what_fails_after_a_line_waits_for_its_ten_minutes_and_is_told() -> None:
    tasks = [task("qmsnapshot", by="ana@pve", began=(124 - pid) * MINUTE, pid=pid) for pid in (1, 2, 3)]
    (line,) = told(*tasks)
    assert line.severity is Severity.INFO

    def later(type_: str, by: str, pid: int) -> Task:
        return task(type_, by=by, began=115 * MINUTE, took=MINUTE, pid=pid)  # a minute after the last of them

    more, two = later("qmigrate", "ana@pve", 70), [later("qmigrate", "ana@pve", pid) for pid in (71, 72)]

    def after(since: timedelta, *given: Task) -> list[str]:
        memory = Memory(events={line.key: AT - since})
        return [found.event for found in told(*tasks, *given, before=memory)]

    assert after(MINUTE, more) == []
    assert after(10 * MINUTE, more) == [more.upid.text]
    assert after(-MINUTE, more) == [more.upid.text]  # the clock was set back
    assert after(MINUTE, more, *two) == []
    (rest,) = told(*tasks, more, *two, before=Memory(events={line.key: AT - 10 * MINUTE}))
    assert text(rest).startswith("3 tasks failed within 10 min")
    start = later("qmstart", "root@pam", 73)
    assert after(MINUTE, more, start) == [start.upid.text]  # worse than the line
    starts = told(*burst(3, MINUTE))
    memory = Memory(events={starts[0].key: AT - MINUTE})
    assert told(*burst(3, MINUTE), start, before=memory) == []


def test_what_the_fast_list_lost() -> None:
    lost = task()
    assert find("task_failed", view(feeds=feeds((FAILED, "pve1", (lost,)))))
    assert len(find("task_failed", view(tasks=(lost,), feeds=feeds((FAILED, "pve1", (lost,)))))) == 1
    for reading in BLIND.values():
        assert not find("task_failed", view(feeds=feeds((FAILED, "pve1", reading))))


def test_muted() -> None:
    rule = BY_KEY["task_failed"]
    mute = Limits(base=rule.limit, exceptions={"main/guest/101": replace(rule.limit, on=False)})
    assert not find("task_failed", view(tasks=(task(),)), mute)


def test_blind() -> None:
    assert not told(task(), fresh=False)
    assert not find("task_failed", view(tasks=None))


def test_what_failed_before_the_first_poll_ever_is_no_news() -> None:
    failed = task(began=2 * HOUR)  # it failed 5 min later
    for begun, tells in ((2.5 * HOUR, True), (1.5 * HOUR, False)):
        memory = Memory(figures={"begun": (AT - begun).timestamp()})
        seen = view(tasks=(), feeds=feeds((FAILED, "pve1", (failed,))), before=memory)
        assert bool(find("task_failed", seen)) is tells


# -- 33 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "began", "found"),
    [
        ("vzdump", 23 * HOUR, False),
        ("vzdump", 25 * HOUR, True),
        ("qmclone", 5 * HOUR, False),
        ("qmclone", 7 * HOUR, True),
        ("qmmove", 5 * HOUR, False),
        ("move_volume", 5 * HOUR, False),
        ("vzrestore", 5 * HOUR, False),
        ("qmigrate", 5 * HOUR, False),
        ("migrateall", 5 * HOUR, False),
        ("qmigrate", 7 * HOUR, True),
        ("qmstart", 59 * MINUTE, False),
        ("qmstart", 61 * MINUTE, True),
        ("vncproxy", 9 * DAY, False),
        ("vncshell", 9 * DAY, False),
        ("spiceproxy", 9 * DAY, False),
    ],
)
def test_stuck(type_: str, began: timedelta, found: bool) -> None:
    assert bool(find("task_stuck", view(tasks=(task(type_, began=began, took=None),)))) is found
    assert not find("task_stuck", view(tasks=(task(type_, began=began, outcome=Outcome.OK, exitstatus="OK"),)))


def test_stuck_says_and_sees() -> None:
    running = task("vzdump", began=25 * HOUR, took=None)
    (found,) = find("task_stuck", view(tasks=(running,)))
    assert text(found) == f"Backup of {NASTY} has run for too long\nvzdump by root@pam on pve1"
    assert (found.subject.id, found.event) == (running.upid.text, "")
    assert sees("task_stuck", view(tasks=()), found.subject)
    assert not sees("task_stuck", view(tasks=None), found.subject)
    assert not sees("task_stuck", view(tasks=(), fresh=False), found.subject)
    down = snapshot(nodes=[node(online=False)])
    assert not sees("task_stuck", view(down), found.subject)  # its rows went with the node
    assert not find("task_stuck", view(down, tasks=(running,)))
    left = snapshot(nodes=[node("pve2")], guests=[guest(node="pve2")])
    assert sees("task_stuck", view(left), found.subject)
    rule = BY_KEY["task_stuck"]
    mute = Limits(base=rule.limit, exceptions={"main/guest/101": replace(rule.limit, on=False)})
    assert not find("task_stuck", view(tasks=(running,)), mute)
