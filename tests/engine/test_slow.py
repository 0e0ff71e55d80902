"""Slow rules: when they are asked, and that nothing of what they said is lost meanwhile."""

from collections.abc import Sequence
from dataclasses import replace

from bot.model import Finding, Outcome, Task, Upid
from bot.model.feeds import BACKUPS, SERVICES, Feeds, Reading
from bot.model.view import View
from bot.rules import Confirm, Rule
from bot.watch.evaluate import evaluate
from bot.watch.slow import Slow, is_slow
from tests.engine.kit import START, Book, Clock, Wrong, found, snapshot


def world() -> tuple[Wrong, Rule, Rule]:
    wrong = Wrong()
    return wrong, replace(wrong.rule("slow"), feeds=(BACKUPS,)), wrong.rule("quick")


def view(step: float = 15.0, at: int = 0, tasks: Sequence[Task] = (), *, first: bool = False) -> View:
    reading: Reading[object] = Reading(value=None, at=START.replace(minute=at), fresh=True)
    return View(
        cluster="main",
        name="main",
        at=START,
        step=step,
        poll=15,
        snapshot=snapshot(Clock()),
        fresh=True,
        first=first,
        tasks=tuple(tasks),
        feeds=Feeds(readings={(BACKUPS.key, ""): reading, (SERVICES.key, "pve1"): reading}),
    )


def asked(slow: Slow, rules: Sequence[Rule], at: View) -> list[str]:
    due = slow.due(at, rules)
    slow.with_kept(evaluate(at, due, Book()))
    return [rule.key for rule in due]


def test_which_are_slow() -> None:
    _, slow, quick = world()
    assert is_slow(slow)
    assert not is_slow(quick)
    assert not is_slow(replace(slow, feeds=(BACKUPS, SERVICES)))
    assert not is_slow(replace(slow, confirm=Confirm.GUEST_TASKS))


def test_asked_once_a_minute_and_when_a_reading_is_new() -> None:
    _, *rules = world()
    slow = Slow()
    both, one = ["slow", "quick"], ["quick"]
    assert asked(slow, rules, view(0, first=True)) == both
    assert asked(slow, rules, view()) == both  # what it looks at is noted from here on
    assert [asked(slow, rules, view()) for _ in range(5)] == [one, one, one, both, one]
    assert asked(slow, rules, view(at=5)) == both
    assert asked(slow, rules, view(at=5)) == one


def backup(outcome: Outcome) -> Task:
    upid = Upid.parse("UPID:pve1:00000001:00000001:69A43340:vzdump:101:root@pam:")
    return Task(cluster="main", upid=upid, outcome=outcome)


def test_asked_when_a_backup_begins_and_when_it_ends() -> None:
    _, *rules = world()
    slow = Slow()
    for _ in range(2):
        asked(slow, rules, view())
    states = [(), (Outcome.RUNNING,), (Outcome.RUNNING,), (Outcome.OK,), (Outcome.OK,)]
    counts = [len(asked(slow, rules, view(1, tasks=[backup(one) for one in state]))) for state in states]
    assert counts == [1, 2, 1, 2, 1]


def test_what_it_said_stands_until_it_is_asked_again() -> None:
    wrong, *rules = world()
    slow = Slow()
    finding: Finding = found("slow")
    wrong.findings = [finding]
    for _ in range(2):
        slow.with_kept(evaluate(view(), slow.due(view(), rules), Book()))
    wrong.findings = []
    kept = slow.with_kept(evaluate(view(1), slow.due(view(1), rules), Book()))
    assert [one.finding for one in kept.found.values()] == [finding]
    assert set(kept.limits) == {"slow", "quick"}
    anew = view(1, at=9)
    assert not slow.with_kept(evaluate(anew, slow.due(anew, rules), Book())).found


def test_one_that_fails_sees_nothing_until_it_works_again() -> None:
    wrong, *rules = world()
    slow = Slow()
    asked(slow, rules, view())
    wrong.raises = {"slow"}
    asked(slow, rules, view(at=5))
    kept = slow.with_kept(evaluate(view(1, at=5), slow.due(view(1, at=5), rules), Book()))
    assert set(kept.broken) == {"slow"}
    wrong.raises = set()
    anew = view(60, at=9)
    assert not slow.with_kept(evaluate(anew, slow.due(anew, rules), Book())).broken
