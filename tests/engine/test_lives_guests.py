"""What is told of guests that are down or in trouble, from poll to poll, through the real rules."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.model import Guest, Outcome, Phase, Status, Task
from bot.model.feeds import AGENT, ONBOOT, Feeds
from bot.model.readings import AgentPings, GuestNotes
from tests.engine.lives import Lives
from tests.rules.views import HOSTILE, feeds, guest, read, task

SEVEN, EIGHT = "guest_stopped_by_itself", "guest_expected_down"
DOWN = guest(status=Status.STOPPED)
NOTES = GuestNotes(onboot=frozenset({104}), read=frozenset({104}))
ONBOOT_104 = feeds((ONBOOT, "", NOTES))
MISSED = f"fired {EIGHT}: {HOSTILE} is stopped and should run"


# -- whether it starts with its node is not known for a while ------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "unread"),
    [
        (False, feeds((ONBOOT, "", read(NOTES, fresh=False, fails=1)))),
        (True, Feeds()),
        (True, feeds((ONBOOT, "", GuestNotes(read=frozenset({105}))))),  # more are stopped than one reading asks
    ],
)
def test_a_guest_whose_configuration_is_not_read_does_not_run(first: bool, unread: Feeds) -> None:
    lives = Lives([EIGHT])
    assert lives.run(600, [DOWN], feeds=ONBOOT_104) == [MISSED]
    lives.first = first
    assert lives.run(300, [DOWN], feeds=unread) == []
    assert lives.run(600, [DOWN], feeds=ONBOOT_104) == []
    assert lives.run(60, [guest()], feeds=unread) == [f"resolved {EIGHT}: {HOSTILE} runs"]


# -- a backup of a guest that is down ------------------------------------------------------------------------------


def _of_the_night(lives: Lives, guests: Sequence[Guest], seconds: float = 1200, **more: Any) -> list[str]:
    """The node's backup job, in which they are as given."""
    job = task("vzdump", "", start=lives.now, user="root@pam")
    told = lives.run(seconds, guests, tasks=(job,), **more)
    return told + lives.run(15, guests, tasks=(replace(job, end=lives.film.at, outcome=Outcome.OK),), **more)


@pytest.mark.parametrize(
    ("ct", "during"),
    [
        (True, {"status": Status.STOPPED}),
        (False, {"status": Status.PRELAUNCH}),  # QEMU is started for it, and the guest is not
    ],
)
@pytest.mark.parametrize("tags", [(), ("expect-up",)])
def test_a_guest_that_stopped_by_itself_is_backed_up_night_after_night(
    ct: bool, during: dict[str, Any], tags: tuple[str, ...]
) -> None:
    lives = Lives([SEVEN, EIGHT])
    down = guest(ct=ct, status=Status.STOPPED, tags=tags)
    lives.run(60, [guest(ct=ct, tags=tags)])
    assert lives.run(3600, [down]) == [f"fired {SEVEN}: {HOSTILE} stopped by itself"]
    for _ in range(3):
        assert _of_the_night(lives, [replace(down, lock="backup", **during)]) == []
        assert lives.run(3600, [down], step=30) == []
    assert lives.run(60, [guest(ct=ct, tags=tags)]) == [f"resolved {SEVEN}: {HOSTILE} runs again"]


@pytest.mark.parametrize("status", [Status.STOPPED, Status.PRELAUNCH])
@pytest.mark.parametrize(("tags", "notes"), [(("expect-up",), feeds()), ((), ONBOOT_104)])
def test_a_guest_that_should_run_is_backed_up_night_after_night(
    status: Status, tags: tuple[str, ...], notes: Feeds
) -> None:
    lives = Lives([SEVEN, EIGHT])
    down = replace(DOWN, tags=tags)
    assert lives.run(3600, [down], feeds=notes) == [MISSED]
    during = feeds((ONBOOT, "", GuestNotes())) if status is Status.PRELAUNCH else notes  # only of what is stopped
    for _ in range(3):
        assert _of_the_night(lives, [replace(down, status=status, lock="backup")], feeds=during) == []
        assert lives.run(3600, [down], step=30, feeds=notes) == []
    assert lives.run(60, [guest(tags=tags)]) == [f"resolved {EIGHT}: {HOSTILE} runs"]


def test_what_its_backup_stops_and_starts_again_is_quiet() -> None:
    lives = Lives([SEVEN, EIGHT])
    tags = ("critical", "expect-up")
    up, down = guest(tags=tags), replace(DOWN, tags=tags)
    lives.run(60, [up])
    lives.run(60, [replace(up, lock="backup")])
    assert _of_the_night(lives, [replace(down, lock="backup")], 600) == []
    assert _of_the_night(lives, [replace(down, lock="backup", status=Status.PRELAUNCH)], 30) == []
    assert lives.run(3600, [up]) == []


# -- what ended is not well for that -------------------------------------------------------------------------------

NINE, TEN, TWELVE, SILENT = "guest_io_error", "guest_paused", "lock_stuck", "guest_silent"
PAUSED = guest(status=Status.PAUSED)


def _by_ana(kind: str, lives: Lives) -> tuple[Task, ...]:
    return (task(kind, 104, start=lives.now + 2, end=lives.now + 4),)


def _ended(lives: Lives, rule: str, seconds: float, *guests: Guest, **more: Any) -> str:
    """What its end says: one that is not well has few words for the history, too."""
    (told,) = lives.run(seconds, guests, **more)
    assert told.startswith(f"resolved {rule}: ")
    (over,) = [one for one in lives.alerts.values() if one.finding.rule == rule and one.phase is Phase.OVER]
    assert over.finding.unwell is not None
    return told.removeprefix(f"resolved {rule}: ")


@pytest.mark.parametrize("status", [Status.IO_ERROR, Status.INTERNAL_ERROR, Status.GUEST_PANICKED])
def test_a_halted_guest_that_is_stopped_does_not_run_again(status: Status) -> None:
    lives = Lives([SEVEN, NINE])
    lives.run(60, [guest()])
    lives.run(60, [guest(status=status)])
    assert _ended(lives, NINE, 120, DOWN, tasks=_by_ana("qmstop", lives)) == f"{HOSTILE} is stopped"


def test_a_paused_guest_that_is_stopped_or_halted_does_not_run_again() -> None:
    lives = Lives([SEVEN, TEN])
    lives.run(60, [guest()])
    for now, over in ((DOWN, "is stopped"), (guest(status=Status.IO_ERROR), "is halted")):
        assert lives.run(1200, [PAUSED]) == [f"fired {TEN}: {HOSTILE} is paused"]
        assert _ended(lives, TEN, 120, now, tasks=_by_ana("qmstop", lives)) == f"{HOSTILE} {over}"
        lives.run(3600, [guest()], step=30)
        lives.alerts = {}


def test_a_pause_that_is_explained_late_lasts() -> None:
    lives = Lives([TEN])
    lives.run(60, [guest()])
    tasks = _by_ana("qmpause", lives)
    lives.run(570, [PAUSED])
    lives.run(60, [PAUSED])
    told = _ended(lives, TEN, 30, PAUSED, tasks=tasks, looked_up=frozenset({104}))
    assert told == f"{HOSTILE} stays paused, paused by ana@pve 14:03"


@pytest.mark.parametrize("lock", ["", "backup"])
def test_a_paused_guest_is_paused_still_while_it_is_backed_up(lock: str) -> None:
    lives = Lives([TEN])
    lives.run(60, [guest()])
    assert lives.run(1200, [PAUSED]) == [f"fired {TEN}: {HOSTILE} is paused"]
    assert _of_the_night(lives, [replace(PAUSED, lock=lock)]) == []
    assert lives.run(1800, [PAUSED]) == []
    assert lives.run(60, [guest()]) == [f"resolved {TEN}: {HOSTILE} runs again"]


def test_a_lock_that_no_task_holds_lasts_while_others_are_backed_up() -> None:
    lives = Lives([TWELVE])
    locked = guest(status=Status.STOPPED, lock="migrate")
    assert lives.run(7 * 3600, [locked], step=30) == [f"fired {TWELVE}: {HOSTILE} is locked: migrate"]
    assert _of_the_night(lives, [locked]) == []
    assert lives.run(7 * 3600, [locked], step=30) == []
    assert lives.run(60, [DOWN]) == [f"resolved {TWELVE}: {HOSTILE} is not locked any more"]


def _ha(state: str) -> Guest:
    return replace(DOWN, hastate=state)


@pytest.mark.parametrize("state", ["stopped", "disabled"])
def test_a_guest_that_ha_is_told_to_leave_stopped_does_not_run_again(state: str) -> None:
    lives = Lives([SEVEN])
    lives.run(60, [guest(hastate="started")])
    assert lives.run(600, [_ha("started")]) == [f"fired {SEVEN}: {HOSTILE} stopped by itself"]
    assert _ended(lives, SEVEN, 120, _ha(state)) == f"{HOSTILE} stays down, as HA is told"


@pytest.mark.parametrize(("state", "over"), [("disabled", "HA leaves it stopped"), ("", "HA manages it no more")])
def test_what_ha_gave_up_and_leaves_alone_is_not_well(state: str, over: str) -> None:
    lives = Lives(["ha_error"])
    lives.run(60, [_ha("error")])
    assert _ended(lives, "ha_error", 120, _ha(state)) == f"{HOSTILE}: {over}"
    lives.run(60, [_ha("error")])
    assert lives.run(60, [guest(hastate="started")])[-1] == f"resolved ha_error: {HOSTILE}: HA is well again"


def test_a_guest_that_need_not_run_any_more_does_not_run() -> None:
    tagged = replace(DOWN, tags=("expect-up",))
    off = feeds((ONBOOT, "", GuestNotes(read=frozenset({104}))))
    for now, notes, then, why in (
        (tagged, off, DOWN, "need not run"),
        (DOWN, ONBOOT_104, DOWN, "need not run"),
        (DOWN, ONBOOT_104, _ha("started"), "up to HA"),
    ):
        lives = Lives([EIGHT])
        lives.run(600, [now], feeds=notes)
        assert _ended(lives, EIGHT, 60, then, feeds=off) == f"{HOSTILE} is stopped, and {why}"


def test_a_guest_that_is_missed_and_then_stopped_by_order_does_not_run() -> None:
    lives = Lives([EIGHT])
    lives.run(600, [replace(DOWN, tags=("expect-up",))])
    stop = _by_ana("vzstop", lives)
    told = _ended(lives, EIGHT, 60, replace(DOWN, tags=("expect-up",)), tasks=stop)
    assert told == f"{HOSTILE} stays down, stopped by ana@pve 14:12"


@pytest.mark.parametrize(("rule", "said"), [(SEVEN, "is stopped"), (EIGHT, "is stopped")])
def test_a_rule_that_is_switched_off_mends_nothing(rule: str, said: str) -> None:
    lives = Lives([rule])
    tags = ("expect-up",)
    lives.run(60, [guest(tags=tags)])
    lives.run(600, [replace(DOWN, tags=tags)])
    assert _ended(lives, rule, 30, replace(DOWN, tags=(*tags, "bot-mute"))) == f"{HOSTILE} {said}"


def test_an_agent_that_is_asked_no_more_does_not_answer() -> None:
    asked = guest(tags=("expect-agent",))
    silent, unasked = feeds((AGENT, "", AgentPings(answers={104: False}))), feeds((AGENT, "", AgentPings()))
    for now, over in (
        (replace(asked, status=Status.STOPPED), f"{HOSTILE} is stopped"),
        (guest(), f"{HOSTILE}: no agent is expected any more"),
    ):
        lives = Lives([SILENT])
        assert lives.run(600, [asked], feeds=silent) == [f"fired {SILENT}: {HOSTILE}: its agent is silent"]
        assert _ended(lives, SILENT, 60, now, feeds=unasked) == over


def test_a_container_that_is_stopped_has_no_room_again_and_has_not_calmed_down() -> None:
    full = guest(ct=True, mem=4 * 1024**3, maxmem=4 * 1024**3)
    lives = Lives(["guest_mem"])
    lives.run(900, [full])
    assert _ended(lives, "guest_mem", 600, guest(ct=True, status=Status.STOPPED)) == f"{HOSTILE} is stopped"


def test_what_was_told_and_is_explained_later_does_not_run_again() -> None:
    lives, down = Lives([SEVEN]), replace(DOWN, tags=("critical",))
    lives.run(60, [guest(tags=("critical",))])
    stop = _by_ana("qmstop", lives)
    assert lives.run(60, [down]) == [f"fired {SEVEN}: {HOSTILE} stopped by itself"]
    assert lives.run(120, [down], tasks=stop) == []  # nobody speaks of it for an hour
    assert _ended(lives, SEVEN, 4000, down, tasks=stop) == f"{HOSTILE} stays down, stopped by ana@pve 14:03"
