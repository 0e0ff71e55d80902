"""What is told of guests that are down or in trouble, from poll to poll, through the real rules."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.model import Guest, Outcome, Phase, Status, Task
from bot.model.feeds import AGENT, ONBOOT, Feeds
from bot.model.readings import AgentPings, GuestNotes
from bot.model.view import Order
from bot.rules import BY_KEY, RULES
from bot.rules.limits import Book
from tests.engine.lives import Lives
from tests.rules.views import HOSTILE, card, feeds, guest, node, offline, read, task

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


def test_what_ha_ignores_starts_with_its_node_and_is_missed() -> None:
    lives = Lives([SEVEN])
    lives.run(60, [guest(hastate="ignored")])
    down = replace(DOWN, hastate="ignored")
    unread = feeds((ONBOOT, "", GuestNotes()))
    assert lives.run(75, [down], feeds=unread) == []  # it is still to be read how loud that is
    assert lives.run(60, [down], feeds=ONBOOT_104) == [f"fired {SEVEN}: {HOSTILE} stopped by itself"]
    (alert,) = lives.alerts.values()
    assert alert.finding.loud


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
    assert _of_the_night(lives, [replace(down, lock="backup")], 240) == []
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


# -- what takes a guest down for a while ---------------------------------------------------------------------------

CRITICAL = guest(tags=("critical",))
CRITICAL_DOWN = replace(CRITICAL, status=Status.STOPPED, uptime=None)
NOT_BACK = f"fired {SEVEN}: {HOSTILE} has not come up again"


def _done(work: Task, lives: Lives) -> Task:
    return replace(work, end=lives.film.at, outcome=Outcome.OK)


@pytest.mark.parametrize(
    ("kind", "subject", "seconds"),
    [
        ("qmreboot", 104, 30),
        ("qmreboot", 104, 900),  # it takes its time
        ("qmigrate", 104, 3600),
        ("migrateall", "", 3600),
        ("startall", "", 300),
    ],
)
@pytest.mark.parametrize("comes", [True, False])
def test_it_is_missed_once_that_is_over(kind: str, subject: object, seconds: float, comes: bool) -> None:
    lives = Lives([SEVEN])
    lives.run(60, [CRITICAL])
    work = task(kind, subject, start=lives.now + 2)
    assert lives.run(seconds, [CRITICAL_DOWN], tasks=(work,), step=30) == []
    work = _done(work, lives)
    assert lives.run(240, [CRITICAL_DOWN], tasks=(work,)) == []
    if comes:
        assert lives.run(600, [CRITICAL], tasks=(work,)) == []
        return
    assert lives.run(2 * 3600, [CRITICAL_DOWN], tasks=(work,), step=30) == [NOT_BACK]
    (alert,) = lives.alerts.values()
    assert f"after: {kind} by ana@pve" in card(alert.finding)
    assert lives.run(60, [CRITICAL]) == [f"resolved {SEVEN}: {HOSTILE} runs again"]


@pytest.mark.parametrize(("kind", "subject"), [("qmreboot", 104), ("vzdump", "")])
@pytest.mark.parametrize("notes", [feeds(), ONBOOT_104])
def test_what_should_run_and_has_not_come_up_again_is_one_message(kind: str, subject: object, notes: Feeds) -> None:
    tags = () if notes is ONBOOT_104 else ("expect-up",)
    lives, down = Lives([SEVEN, EIGHT]), replace(DOWN, tags=tags)
    lives.run(60, [guest(tags=tags)], feeds=notes)
    work = task(kind, subject, start=lives.now + 2)
    lives.run(120, [replace(down, lock="backup" if kind == "vzdump" else "")], tasks=(work,), feeds=notes)
    assert lives.run(3600, [down], tasks=(_done(work, lives),), feeds=notes) == [MISSED]
    assert lives.run(60, [guest(tags=tags)]) == [f"resolved {EIGHT}: {HOSTILE} runs"]


def test_of_an_order_of_this_bot_too() -> None:
    lives = Lives([SEVEN])
    lives.run(60, [CRITICAL])
    orders = (Order(action="reboot", target="main/104", at=lives.film.at, by="Ana B"),)
    work = task("qmreboot", 104, start=lives.now + 2, user="telemox@pve!power")
    known: dict[str, Any] = {"orders": orders, "tokens": ("telemox@pve!power",)}
    assert lives.run(900, [CRITICAL_DOWN], tasks=(work,), **known) == []
    known["tasks"] = (_done(work, lives),)
    assert lives.run(240, [CRITICAL_DOWN], **known) == []
    assert lives.run(3600, [CRITICAL_DOWN], **known) == [NOT_BACK]


def test_a_lock_explains_for_as_long_as_it_is_there() -> None:
    """Of whatever else than a backup: nothing else may be to be seen of it."""
    lives = Lives([SEVEN])
    lives.run(60, [replace(CRITICAL, lock="migrate")])
    assert lives.run(3 * 3600, [replace(CRITICAL_DOWN, lock="migrate")]) == []
    assert lives.run(3600, [CRITICAL_DOWN]) == [NOT_BACK]


# -- a backup while it runs ----------------------------------------------------------------------------------------

CRASHED = f"fired {SEVEN}: {HOSTILE} stopped by itself"
DAY_LONG = 20 * 3600.0


def _backing_up(
    ct: bool, mode: str | None, subject: object = "", tags: tuple[str, ...] = ("critical",)
) -> tuple[Lives, Guest, dict[str, Any]]:
    """It has run, and its backup is at work for half an hour; the guest as it is down then, and what is known."""
    lives, up = Lives([SEVEN, EIGHT]), guest(ct=ct, tags=tags)
    lives.run(60, [up])
    job = task("vzdump", subject, start=lives.now, user="root@pam")
    known: dict[str, Any] = {"tasks": (job,), "backup_modes": {job.upid.text: mode} if mode is not None else {}}
    lives.run(1800, [replace(up, lock="backup")], **known)
    return lives, replace(up, status=Status.STOPPED, uptime=None, lock="backup"), known


@pytest.mark.parametrize("ct", [True, False])
@pytest.mark.parametrize("mode", ["snapshot", "suspend"])
@pytest.mark.parametrize("subject", ["", 104])
@pytest.mark.parametrize("tags", [("critical",), ("expect-up",)])
def test_what_stops_while_its_backup_leaves_it_running_has_stopped_by_itself(
    ct: bool, mode: str, subject: object, tags: tuple[str, ...]
) -> None:
    lives, down, known = _backing_up(ct, mode, subject, tags)
    assert lives.run(60, [down], **known) == [CRASHED]
    (alert,) = [one for one in lives.alerts.values() if one.fired]
    assert "its backup has it locked: no start before that ends" in card(alert.finding)
    assert [(cure.verb, cure.key) for cure in alert.finding.cures] == [("ask", "start"), ("open", "task")]
    assert lives.run(DAY_LONG, [down], step=60, **known) == []
    assert lives.run(60, [replace(down, lock="")], tasks=()) == []
    assert lives.run(60, [guest(ct=ct, tags=tags)]) == [f"resolved {SEVEN}: {HOSTILE} runs again"]


def test_that_its_backup_leaves_it_running_may_be_known_a_little_later() -> None:
    lives, down, known = _backing_up(True, None)
    assert lives.run(60, [down], **known) == []
    text = known["tasks"][0].upid.text
    assert lives.run(60, [down], tasks=known["tasks"], backup_modes={text: "snapshot"}) == [CRASHED]


def test_a_vm_that_its_backup_ends_with_has_stopped_by_itself() -> None:
    """QEMU makes the backup itself: where it is gone the task ends, and the lock with it."""
    lives, down, known = _backing_up(False, "snapshot", 104)
    job = replace(known["tasks"][0], end=lives.film.at, outcome=Outcome.ERROR)
    assert lives.run(60, [replace(down, lock="")], tasks=(job,), backup_modes=known["backup_modes"]) == [CRASHED]


@pytest.mark.parametrize("mode", ["stop", None])
def test_a_vm_is_down_for_minutes_while_its_backup_begins(mode: str | None) -> None:
    lives, down, known = _backing_up(False, mode)
    assert lives.run(270, [down], **known) == []
    assert lives.run(120, [down], **known) == [NOT_BACK]


def test_a_container_is_down_for_as_long_as_the_backup_takes_that_stops_it() -> None:
    lives, down, known = _backing_up(True, "stop")
    assert lives.run(DAY_LONG, [down], step=60, **known) == []
    free = replace(down, lock="")
    assert lives.run(240, [free], **known) == []  # the job is at the next one
    assert lives.run(180, [free], **known) == [NOT_BACK]
    lives, down, known = _backing_up(True, "stop")
    lives.run(3600, [down], **known)
    assert lives.run(3600, [guest(ct=True, tags=("critical",))], **known) == []


def test_a_container_whose_backups_mode_nobody_knows_is_down_for_an_hour() -> None:
    lives, down, known = _backing_up(True, None)
    assert lives.run(3540, [down], **known) == []
    assert lives.run(180, [down], **known) == [NOT_BACK]


def test_what_should_run_is_missed_once_its_backup_should_have_let_it() -> None:
    lives, down, known = _backing_up(False, "stop", tags=("expect-up",))
    assert lives.run(900, [down], **known) == [MISSED]


@pytest.mark.parametrize(("mode", "told"), [("snapshot", CRASHED), ("stop", NOT_BACK)])
def test_the_backup_of_others_on_its_node_explains_no_more(mode: str, told: str) -> None:
    """It would be locked if it were its own."""
    lives, down, known = _backing_up(True, mode)
    lives, up = Lives([SEVEN]), guest(ct=True, tags=("critical",))
    lives.run(60, [up], **known)
    assert lives.run(60 if mode == "snapshot" else 600, [replace(down, lock="")], **known) == [told]


def test_a_lock_that_a_backup_left_behind_explains_nothing() -> None:
    lives, down, known = _backing_up(True, None)
    lives.run(3600, [guest(ct=True, tags=("critical",), lock="backup")], tasks=(_done(known["tasks"][0], lives),))
    assert lives.run(600, [down]) == [NOT_BACK]


def test_one_that_waits_for_another_backup_stops_nothing() -> None:
    lives, down, known = _backing_up(True, "snapshot", 104)
    waits = task("vzdump", "", start=lives.now, user="root@pam")
    modes = {**known["backup_modes"], waits.upid.text: ""}
    assert lives.run(60, [down], tasks=(waits, *known["tasks"]), backup_modes=modes) == [CRASHED]


def test_where_ha_is_to_run_it_a_backup_is_no_work_of_has() -> None:
    lives = Lives([SEVEN])
    up = guest(ct=True, tags=("critical",), hastate="started", lock="backup")
    lives.run(60, [up])
    assert lives.run(600, [replace(up, status=Status.STOPPED, uptime=None)]) == [CRASHED]


@pytest.mark.parametrize(
    ("kind", "subject"),
    [("qmrollback", 104), ("vzrollback", 104), ("stopall", ""), ("suspendall", ""), ("qmstop", 104)],
)
def test_what_leaves_it_down_on_purpose_is_quiet(kind: str, subject: object) -> None:
    lives = Lives([SEVEN])
    lives.run(60, [CRITICAL])
    work = task(kind, subject, start=lives.now + 2, end=lives.now + 9)
    assert lives.run(2 * 3600, [CRITICAL_DOWN], tasks=(work,), step=30) == []


def test_the_lock_of_a_rollback_leaves_it_down_too() -> None:
    lives = Lives([SEVEN])
    lives.run(60, [CRITICAL])
    lives.run(30, [replace(CRITICAL_DOWN, lock="rollback")])
    assert lives.run(2 * 3600, [CRITICAL_DOWN], step=30) == []


def test_a_guest_that_its_node_did_not_start_again_is_none_of_rule_seven() -> None:
    lives = Lives([SEVEN])
    lives.run(60, [CRITICAL])
    unknown = replace(CRITICAL, status=Status.UNKNOWN, uptime=None)
    lives.run(300, [unknown], nodes=[offline()])
    assert lives.run(2 * 3600, [CRITICAL_DOWN], nodes=[node(uptime=1)]) == []


def test_where_tasks_cannot_be_seen_nothing_ends_what_explained_it() -> None:
    lives = Lives([SEVEN])
    lives.run(60, [CRITICAL])
    lives.run(30, [replace(CRITICAL_DOWN, lock="backup")], tasks=None)
    assert lives.run(3600, [CRITICAL_DOWN], tasks=None) == []


def test_a_pause_of_a_snapshot_that_lasts_is_told() -> None:
    lives = Lives([TEN])
    lives.run(60, [guest()])
    work = task("qmsnapshot", 104, start=lives.now + 2)
    assert lives.run(3600, [replace(PAUSED, lock="snapshot")], tasks=(work,)) == []
    work = _done(work, lives)
    assert lives.run(3600, [PAUSED], tasks=(work,)) == [f"fired {TEN}: {HOSTILE} is paused"]
    (alert,) = lives.alerts.values()
    assert "after: its lock: snapshot" in card(alert.finding)


# -- a guest that restarts again and again -------------------------------------------------------------------------

LOOP = "restart_loop"


@pytest.mark.parametrize(
    ("figures", "every", "times"),
    [
        ({}, 60, 3),
        ({"count": 12}, 60, 12),
        ({"count": 4, "within": 6 * 3600.0}, 3000, 4),
        ({"count": 999, "within": 86400.0}, 60, 100),  # more are not remembered
    ],
)
def test_as_many_restarts_as_are_set_in_as_long_a_time(figures: dict[str, Any], every: int, times: int) -> None:
    lives = Lives([LOOP], book=Book(RULES, {LOOP: replace(BY_KEY[LOOP].limit, **figures)}))
    up = 1000
    for number in range(times + 1):
        for passed in range(0, every, 15):
            lives.poll([guest(ct=True, uptime=up + passed)], nodes=[node(uptime=10**6 + round(lives.now))], aging=False)
        fired = [told for told in lives.told if told.startswith("fired")]
        assert len(fired) == (number >= times), number
        up = 5
