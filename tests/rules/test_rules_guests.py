"""7 guest_stopped_by_itself · 8 guest_expected_down"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.model import Finding, Gap, Guest, Outcome, Severity, Status, Task, Unseen
from bot.model.feeds import HA, ONBOOT
from bot.model.readings import GuestNotes, Ha, HaService
from bot.model.view import GuestWas, Memory, NodeWas, Order, View
from bot.rules import BY_KEY, Confirm
from tests.rules.views import (
    HOSTILE,
    NOW,
    Film,
    card,
    cut_off,
    feeds,
    fires,
    found,
    grey,
    guest,
    later,
    node,
    one,
    read,
    sees,
    task,
    view,
    words,
)

SEVEN, EIGHT = "guest_stopped_by_itself", "guest_expected_down"
DOWN = guest(status=Status.STOPPED)
RAN = GuestWas(status=Status.RUNNING, node="pve1", booted=NOW.timestamp() - 86400)
ONBOOT_104 = feeds((ONBOOT, "", GuestNotes(onboot=frozenset({104}), read=frozenset({104, 105}))))


def stopped(now: Guest = DOWN, was: GuestWas = RAN, **more: Any) -> Finding | None:
    """What 7 finds of a guest that was `was`; what is explained counts for nothing."""
    figures = {"polled": later(-15).timestamp(), **more.pop("figures", {})}
    nodes = more.pop("was_nodes", {"pve1": NodeWas(online=True, booted=NOW.timestamp() - 90 * 86400)})
    return one(SEVEN, view([now], before=Memory(guests={104: was}, nodes=nodes, figures=figures), **more))


# -- 7 -------------------------------------------------------------------------------------------------------------


def test_a_guest_that_stopped_with_nobody_ordering_it() -> None:
    finding = stopped(guest(status=Status.STOPPED, tags=("critical",)))
    assert finding is not None
    assert card(finding) == (
        f"{HOSTILE} stopped by itself\nnobody ordered it in Proxmox\n(a shutdown from inside looks so too)\n"
        "last seen running 14:02:20"
    )
    assert words(finding.over) == f"{HOSTILE} runs again"
    assert [(cure.verb, cure.key, cure.arg) for cure in finding.cures] == [("ask", "start", "main/104")]
    row = BY_KEY[SEVEN]
    assert (row.limit.hold, row.limit.polls, row.confirm) == (30, 2, Confirm.GUEST_TASKS)


@pytest.mark.parametrize(
    ("now", "more", "severity"),
    [
        ({"tags": ("expect-up",)}, {}, Severity.WARNING),
        ({"tags": ("critical",)}, {}, Severity.WARNING),
        ({}, {"feeds": ONBOOT_104}, Severity.WARNING),
        ({"hastate": "started"}, {}, Severity.WARNING),
        ({}, {}, Severity.INFO),
        ({"tags": ("prod",)}, {}, Severity.INFO),
        ({"tags": ("critical",)}, {"tasks": None}, Severity.INFO),  # cause unknown
    ],
)
def test_it_sounds_where_somebody_waits_for_it(now: dict[str, Any], more: dict[str, Any], severity: Severity) -> None:
    finding = stopped(replace(DOWN, **now), **more)
    assert finding is not None
    loud = severity is Severity.WARNING
    assert (finding.severity, finding.loud, finding.quiet) == (severity, loud, not loud)


UNREAD = read(None, fresh=False)


@pytest.mark.parametrize(
    ("reading", "waits"),
    [
        (None, True),
        (UNREAD, True),
        (read(GuestNotes(read=frozenset({105}))), True),
        (read(GuestNotes(read=frozenset({104}))), False),
        (read(GuestNotes(read=frozenset({104})), fresh=False), False),
        (replace(UNREAD, forbidden=True), False),
        (replace(UNREAD, absent=True), False),
    ],
)
def test_whether_it_starts_with_its_node_is_waited_for(reading: Any, waits: bool) -> None:
    known = feeds((ONBOOT, "", reading)) if reading is not None else feeds()
    finding = stopped(feeds=known)
    assert finding is not None
    assert (finding.grey, finding.hold) == (False, 90 if waits else None)
    assert finding.unsure is waits
    first = stopped(feeds=known, first=True)  # no silent word in the summary that becomes a loud one
    assert first is not None
    assert first.grey is waits


@pytest.mark.parametrize(
    ("unread", "awaited", "bad"), [(20, True, True), (19, True, False), (20, False, False), (500, True, True)]
)
def test_many_that_stop_at_once_are_as_bad_as_the_worst_of_them(unread: int, awaited: bool, bad: bool) -> None:
    guests = [replace(DOWN, vmid=vmid) for vmid in range(200, 200 + unread)]
    known = replace(DOWN, tags=("critical",) if awaited else ())
    old = replace(DOWN, vmid=900)  # stopped ten minutes ago
    was = {one.vmid: RAN for one in (known, *guests)}
    was[900] = replace(RAN, status=Status.STOPPED, ran=later(-615), changed=later(-600))
    notes = feeds((ONBOOT, "", GuestNotes(onboot=frozenset(), read=frozenset({104}))))
    seen = view([known, *guests, old], before=Memory(guests=was), feeds=notes)
    findings = {one.subject.id: one for one in found(SEVEN, seen)}
    hurt = findings["200"]
    assert (hurt.severity, hurt.loud) == ((Severity.WARNING, True) if bad else (Severity.INFO, False))
    assert (hurt.hold is None) is bad  # one card: it waits for nothing that the others do not wait for
    assert findings["900"].severity is Severity.INFO
    assert len([one for one in found(SEVEN, replace(seen, first=True)) if one.grey]) == unread + 1


@pytest.mark.parametrize("now", [{"tags": ("critical",)}, {"tags": ("expect-up",)}, {"hastate": "started"}])
def test_where_tags_or_ha_decide_nothing_is_waited_for(now: dict[str, Any]) -> None:
    finding = stopped(replace(DOWN, **now))
    assert finding is not None
    assert (finding.grey, finding.hold in {None, 180}) == (False, True)


@pytest.mark.parametrize(("user", "by"), [("root@pam", "root@pam"), ("ana@pve", "ana@pve")])
def test_what_a_stopall_stopped_is_wanted_down_until_the_node_has_booted(user: str, by: str) -> None:
    tasks = (
        task("qmshutdown", 104, start=20, end=25, user=user),
        task("stopall", start=18, end=30, user=user),
    )
    film = Film(base=view(feeds=ONBOOT_104))
    film.poll([guest()], [node()])
    film.poll([guest()], [node()])
    assert one(EIGHT, film.poll([DOWN], [node()], tasks=tasks)) is None
    assert film.memory.guests[104].stopped_by == f"stopall by {user}"
    assert one(EIGHT, film.poll([DOWN], [node()], after=3600)) is None
    ordered = one(EIGHT, film.poll([DOWN], [node()], after=86400))
    assert ordered is not None
    assert f"stopped by {by}" in words(ordered.said)
    booted = film.poll([DOWN], [node(uptime=3000)], aging=False)
    finding = one(EIGHT, booted)
    assert finding is not None
    assert words(finding.said) == f"{HOSTILE} is stopped and should run"
    assert one(SEVEN, booted) is None


def test_while_a_stopall_runs_nothing_is_missed() -> None:
    tasks = (task("stopall", start=-400),)
    assert grey(EIGHT, view([DOWN], feeds=ONBOOT_104, tasks=tasks))
    assert fires(EIGHT, view([DOWN], feeds=ONBOOT_104))


def test_without_sight_of_the_tasks_the_cause_is_unknown_until_they_are_looked_up() -> None:
    blind = stopped(tasks=None)
    assert blind is not None
    assert "cause unknown" in card(blind)
    assert "by itself" not in card(blind)
    looked = stopped(tasks=None, looked_up=frozenset({104}))
    assert looked is not None
    assert "stopped by itself" in card(looked)


@pytest.mark.parametrize(
    "was",
    [
        GuestWas(status=Status.PRELAUNCH, node="pve1"),
        GuestWas(status=Status.STOPPED, node="pve1"),
        GuestWas(status=Status.HIBERNATED, node="pve1"),
        GuestWas(status=Status.UNKNOWN, node="pve1"),
    ],
)
def test_what_was_never_seen_running_did_not_stop(was: GuestWas) -> None:
    assert stopped(was=was) is None
    assert one(SEVEN, view([DOWN])) is None


@pytest.mark.parametrize("status", [Status.RUNNING, Status.PRELAUNCH, Status.PAUSED, Status.HIBERNATED, Status.UNKNOWN])
def test_what_is_not_stopped_did_not_stop(status: Status) -> None:
    assert stopped(guest(status=status)) is None


EXPLAINING = [
    *((kind, 104, "pve1") for kind in ("qmstop", "qmshutdown", "qmreboot", "qmsuspend", "qmigrate", "qmrollback")),
    *((kind, 104, "pve1") for kind in ("vzstop", "vzshutdown", "vzreboot", "vzmigrate", "vzrollback", "vzdump")),
    *((kind, 104, "pve2") for kind in ("hastop", "hamigrate", "harelocate", "vzdestroy")),
    *((kind, "", "pve1") for kind in ("stopall", "startall", "suspendall", "migrateall", "vzdump")),
]


@pytest.mark.parametrize(("kind", "subject", "on"), EXPLAINING)
def test_a_task_that_explains_it(kind: str, subject: object, on: str) -> None:
    assert stopped(tasks=(task(kind, subject, start=-40, end=-5, on=on),)) is None
    assert stopped(tasks=(task(kind, subject, start=-40, on=on),)) is None  # it still runs


@pytest.mark.parametrize(
    "other",
    [
        task("qmstop", 105, start=-40, end=-5),
        task("vzdump", "", start=-40, end=-5, on="pve2"),
        task("vzdump", 105, start=-40, end=-5),
        task("stopall", "", start=-40, end=-5, on="pve2"),
        task("qmstart", 104, start=-40, end=-5),
        task("qmsnapshot", 104, start=-40, end=-5),
        task("hastart", 104, start=-40, end=-5),
        task("qmstop", 104, start=-900, end=-890),  # long before it was last seen running
        task("qmstop", 104, start=200, end=210),  # after it was seen stopped
        task("srvreload", "networking", start=-40, end=-5),
    ],
)
def test_a_task_that_does_not(other: Task) -> None:
    assert stopped(tasks=(other,)) is not None


@pytest.mark.parametrize(
    ("order", "explains"),
    [
        (Order(action="stop", target="main/104", at=later(-20), by="Ana Meier"), True),
        (Order(action="shutdown", target="main/104", at=later(-400), by="Ana"), True),
        (Order(action="reboot", target="main/104", at=later(-20), by="Ana"), True),
        (Order(action="shutdown", target="main/pve1", at=later(-200), by="Ana"), True),
        (Order(action="stop", target="main/105", at=later(-20), by="Ana"), False),
        (Order(action="stop", target="lab/104", at=later(-20), by="Ana"), False),
        (Order(action="start", target="main/104", at=later(-20), by="Ana"), False),
        (Order(action="stop", target="main/104", at=later(-4000), by="Ana"), False),
    ],
)
def test_an_order_of_this_bot(order: Order, explains: bool) -> None:
    assert (stopped(orders=(order,), tasks=None) is None) is explains


@pytest.mark.parametrize("lock", ["backup", "migrate", "rollback", "snapshot", "suspended", "a lock of tomorrow"])
def test_a_lock_explains_it(lock: str) -> None:
    assert stopped(replace(DOWN, lock=lock)) is None


def test_a_move_or_a_restart_of_its_node_explains_it() -> None:
    assert stopped(was=replace(RAN, node="pve2")) is None
    booted = {"pve1": NodeWas(online=True, booted=NOW.timestamp() - 600)}
    assert stopped(was_nodes=booted) is None
    assert stopped(was=replace(RAN, booted=NOW.timestamp() - 500), was_nodes=booted) is not None


def test_on_a_node_that_may_sleep_and_is_awake_a_guest_that_stops_by_itself_is_told() -> None:
    """What goes to sleep with it is stopped by a stopall, or is not to be seen."""
    asleep = frozenset({"pve1"})
    assert stopped(sleeping=asleep) is not None
    assert stopped(sleeping=asleep, tasks=None) is None  # nobody can say that it did not go to sleep
    assert stopped(sleeping=asleep, tasks=(task("stopall", "", start=-40, end=-5, user="root@pam"),)) is None


def test_a_template_never_stops() -> None:
    assert stopped(replace(DOWN, template=True)) is None


# -- 7, over several polls -----------------------------------------------------------------------------------------


def explained(seen: View) -> list[Finding]:
    return [finding for finding in found(SEVEN, seen) if finding.last is not None]


def test_it_stands_for_as_long_as_the_guest_is_down_and_is_well_when_it_runs() -> None:
    film = Film()
    film.poll([guest()])
    film.poll([guest()])
    first = film.poll([DOWN])
    finding = one(SEVEN, first)
    assert finding is not None
    for _ in range(3):
        last = one(SEVEN, film.poll([DOWN], after=3600))
        assert last is not None
        assert "last seen running 14:02:50" in card(last)
        assert last.since == NOW.replace(minute=3, second=5)
    up = film.poll([guest()])
    assert one(SEVEN, up) is None
    assert sees(SEVEN, up, finding)
    assert one(SEVEN, film.poll([DOWN])) is not None


def test_what_explained_it_is_remembered_when_the_task_has_left_the_list() -> None:
    film = Film()
    film.poll([guest()])
    (told,) = explained(film.poll([DOWN], tasks=(task("qmstop", 104, start=5, end=10),)))
    assert words(told.last) == "stopped by ana@pve 14:02"
    assert card(told).startswith(f"{HOSTILE} is stopped\nstopped by ana@pve 14:02\n")  # not by itself
    assert len(explained(film.poll([DOWN], after=600))) == 1
    assert explained(film.poll([DOWN], after=3600)) == []
    assert one(SEVEN, film.poll([DOWN], after=3600)) is None


def test_a_task_that_is_looked_up_or_listed_late_explains_it_still() -> None:
    film = Film()
    film.poll([guest()])
    assert one(SEVEN, film.poll([DOWN])) is not None
    stop = task("qmshutdown", 104, start=5, end=12)
    assert one(SEVEN, film.poll([DOWN], tasks=(stop,), looked_up=frozenset({104}))) is None
    assert one(SEVEN, film.poll([DOWN])) is None


def test_it_is_found_across_a_time_in_which_nobody_looked() -> None:
    film = Film()
    film.poll([guest()])
    film.poll([guest()], after=60)
    again = film.poll([DOWN], after=8 * 3600, first=True)
    finding = one(SEVEN, again)
    assert finding is not None
    assert "last seen running 14:03:35" in card(finding)


def test_a_node_that_was_gone_and_boots_explains_what_is_down_on_it() -> None:
    film = Film()
    film.poll([guest()])
    film.poll([guest(status=Status.UNKNOWN, uptime=None)], [node(online=False, uptime=None)])
    assert one(SEVEN, film.poll([DOWN], [node(uptime=20)], after=300, aging=False)) is None
    assert one(SEVEN, film.poll([DOWN], [node(uptime=80)], after=60, aging=False)) is None


def test_a_node_that_was_only_out_of_sight_explains_nothing() -> None:
    film = Film()
    film.poll([guest()])
    film.poll([guest(status=Status.UNKNOWN, uptime=None)], [node(online=False, uptime=None)])
    film.poll([guest(status=Status.UNKNOWN, uptime=None)], [node(online=False, uptime=None)], after=300)
    finding = one(SEVEN, film.poll([DOWN], after=300))
    assert finding is not None
    assert "last seen running 14:02:35" in card(finding)


def test_a_guest_that_pauses_by_order_and_then_stops_by_itself() -> None:
    film = Film()
    film.poll([guest()])
    film.poll([guest(status=Status.PAUSED)], tasks=(task("qmpause", 104, start=5, end=6),))
    film.poll([guest(status=Status.PAUSED)], after=3600)
    assert one(SEVEN, film.poll([DOWN], after=3600)) is not None
    assert one(SEVEN, film.poll([DOWN])) is not None


def test_a_start_that_comes_to_nothing_does_not_undo_an_order() -> None:
    film = Film()
    film.poll([guest()])
    film.poll([DOWN], tasks=(task("qmstop", 104, start=5, end=10),))
    film.poll([guest(status=Status.PRELAUNCH, uptime=None)], after=7200)
    assert one(SEVEN, film.poll([DOWN])) is None
    assert one(SEVEN, film.poll([DOWN])) is None


# -- 7, HA ---------------------------------------------------------------------------------------------------------


def ha(state: str, requested: str = "started") -> Any:
    service = HaService(sid="vm:104", vmid=104, node="pve1", state=state, requested=requested)
    return feeds((HA, "", Ha(services=(service,))))


@pytest.mark.parametrize(
    ("hastate", "requested", "hold"),
    [
        ("started", "started", 180.0),
        ("started", None, 180.0),
        ("request_start", None, 180.0),
        ("error", "started", None),
        ("error", None, None),
    ],
)
def test_a_guest_of_ha_is_given_three_minutes(hastate: str, requested: str | None, hold: float | None) -> None:
    more: dict[str, Any] = {"feeds": ha(hastate, requested)} if requested else {}
    finding = stopped(replace(DOWN, hastate=hastate), tasks=(task("vzdump", "", start=-40, end=-5),), **more)
    assert finding is not None
    assert (finding.grey, finding.hold, finding.loud) == (False, hold, True)


@pytest.mark.parametrize("hastate", ["fence", "recovery", "relocate", "migrate", "freeze"])
def test_while_ha_is_at_work_an_alert_stays_as_it_is(hastate: str) -> None:
    finding = stopped(replace(DOWN, hastate=hastate))
    assert finding is not None
    assert finding.grey


def test_what_ha_stopped_in_order_to_move_it_explains_nothing_once_ha_wants_it_to_run() -> None:
    moved = (task("qmshutdown", 104, start=-40, end=-5, user="root@pam"), task("hamigrate", 104, start=-60, end=-59))
    assert stopped(replace(DOWN, hastate="started"), tasks=moved) is not None
    assert stopped(replace(DOWN, hastate="a state of tomorrow"), tasks=moved) is None


def test_a_changed_node_begins_the_time_anew() -> None:
    assert stopped(replace(DOWN, hastate="started"), was=replace(RAN, node="pve2")) is None
    film = Film()
    film.poll([guest(hastate="started")], [node("pve1"), node("pve2")])
    both = [node("pve1"), node("pve2")]
    assert one(SEVEN, film.poll([replace(DOWN, hastate="started")], both)) is not None
    assert one(SEVEN, film.poll([replace(DOWN, hastate="started", node="pve2")], both)) is None
    assert one(SEVEN, film.poll([replace(DOWN, hastate="started", node="pve2")], both)) is not None


@pytest.mark.parametrize(
    ("hastate", "requested"),
    [("stopped", "stopped"), ("request_stop", None), ("started", "stopped"), ("disabled", None)],
)
def test_what_ha_was_told_to_stop_is_explained(hastate: str, requested: str | None) -> None:
    more: dict[str, Any] = {"feeds": ha(hastate, requested)} if requested else {}
    assert stopped(replace(DOWN, hastate=hastate), **more) is None


# -- 8 -------------------------------------------------------------------------------------------------------------

SHOULD = guest(status=Status.STOPPED, tags=("expect-up",))


@pytest.mark.parametrize(
    ("now", "more", "wrong"),
    [
        (SHOULD, {}, True),
        (DOWN, {"feeds": ONBOOT_104}, True),
        (DOWN, {}, False),
        (replace(DOWN, vmid=105), {"feeds": ONBOOT_104}, False),
        (replace(DOWN, hastate="stopped"), {"feeds": ONBOOT_104}, False),  # HA has its own way
        (replace(DOWN, hastate="ignored"), {"feeds": ONBOOT_104}, True),  # it starts with its node
        (replace(SHOULD, hastate="stopped"), {}, True),
        (replace(SHOULD, template=True), {}, False),
        (SHOULD, {"sleeping": frozenset({"pve1"})}, False),
        (guest(tags=("expect-up",)), {}, False),
        (guest(tags=("expect-up",), status=Status.UNKNOWN), {}, False),
    ],
)
def test_a_guest_that_should_run(now: Guest, more: dict[str, Any], wrong: bool) -> None:
    finding = one(EIGHT, view([now], **more))
    assert (finding is not None and not finding.grey) is wrong
    if finding is not None:
        assert finding.severity is Severity.WARNING
        assert [(cure.key, cure.arg) for cure in finding.cures] == [("start", "main/104")]
    limit = BY_KEY[EIGHT].limit
    assert (limit.hold, limit.polls) == (300, 2)
    assert limit.more["repeat_seconds"] > 365 * 86400  # told once


@pytest.mark.parametrize(
    ("tasks", "waits"),
    [
        ((task("startall", start=-60, user="root@pam"),), True),
        ((task("startall", start=-400, end=-250, user="root@pam"),), True),
        ((task("startall", start=-700, end=-310, user="root@pam"),), False),
        ((task("startall", start=-60, on="pve2"),), False),
    ],
)
def test_it_waits_for_the_startall_of_its_node(tasks: Sequence[Task], waits: bool) -> None:
    assert grey(EIGHT, view([SHOULD], tasks=tuple(tasks))) is waits


def test_it_waits_for_a_startall_that_is_still_to_come() -> None:
    assert grey(EIGHT, view([SHOULD], [node(uptime=90)]))
    assert fires(EIGHT, view([SHOULD], [node(uptime=900)]))
    ended = task("startall", start=-400, end=-310, user="root@pam")
    assert fires(EIGHT, view([SHOULD], [node(uptime=450)], tasks=(ended,)))


@pytest.mark.parametrize("more", [{"lock": "backup"}, {"hastate": "recovery"}])
def test_it_waits_for_locks_and_ha(more: dict[str, Any]) -> None:
    assert grey(EIGHT, view([replace(SHOULD, **more)]))


def test_what_was_stopped_by_order_is_a_line_after_a_day() -> None:
    film = Film()
    running = guest(tags=("expect-up",))
    film.poll([running])
    assert one(EIGHT, film.poll([SHOULD], tasks=(task("qmstop", 104, start=5, end=10),))) is None
    assert one(EIGHT, film.poll([SHOULD], after=3600)) is None
    finding = one(EIGHT, film.poll([SHOULD], after=86400))
    assert finding is not None
    assert (finding.severity, finding.quiet) == (Severity.INFO, True)
    assert words(finding.said) == f"{HOSTILE} should run; stopped by ana@pve 2026-11-24 14:02"


def test_what_was_stopped_for_a_while_only_is_missed() -> None:
    film = Film()
    running = guest(tags=("expect-up",))
    film.poll([running])
    film.poll([SHOULD], tasks=(task("qmreboot", 104, start=5, end=10),))
    finding = one(EIGHT, film.poll([SHOULD]))
    assert finding is not None
    assert "after: qmreboot by ana@pve" in card(finding)


@pytest.mark.parametrize(
    ("tasks", "wrong"),
    [
        ((task("qmstop", 104, start=-5000, end=-4990),), False),
        ((task("qmstart", 104, start=-50, end=-40), task("qmstop", 104, start=-5000, end=-4990)), True),
    ],
)
def test_of_a_guest_that_is_new_to_the_bot_the_last_task_tells(tasks: Sequence[Task], wrong: bool) -> None:
    assert fires(EIGHT, view([SHOULD], tasks=tuple(tasks))) is wrong


# -- blindness -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [SEVEN, EIGHT, "guest_io_error", "guest_paused", "restart_loop"])
@pytest.mark.parametrize(
    ("seen", "sight"),
    [
        (view([guest()]), True),
        (view([]), True),
        (view([], unseen=[Unseen(gap=Gap.NO_GUESTS_VISIBLE)]), False),
        (view([guest(105)], unseen=[Unseen(gap=Gap.ROWS_DROPPED, count=1)]), False),
        (view([guest(status=Status.UNKNOWN)]), False),
        (view([guest()], [node(online=False)]), False),
        (view([guest()], [node(online=None)]), False),
        (view([guest()], []), False),
        (cut_off(), False),
        (replace(view(), snapshot=None), False),
    ],
)
def test_what_could_not_be_seen_holds_its_state(rule: str, seen: View, sight: bool) -> None:
    finding = one(SEVEN, view([DOWN], before=Memory(guests={104: RAN})))
    assert finding is not None
    assert sees(rule, seen, finding) is sight


def test_the_figures_of_a_node_that_stand_still_show_nothing() -> None:
    before = Memory(guests={104: RAN}, nodes={"pve1": NodeWas(online=True, uptime=77, moved=later(-120))})
    frozen = view([DOWN], [node(uptime=77)], before=before)
    finding = one(SEVEN, view([DOWN], before=Memory(guests={104: RAN})))
    assert finding is not None
    assert one(SEVEN, frozen) is None
    assert not sees(SEVEN, frozen, finding)


def test_a_task_without_an_end_whose_outcome_nobody_knows_counts_from_its_start() -> None:
    lost = task("qmstop", 104, start=-30, outcome=Outcome.UNKNOWN)
    assert stopped(tasks=(lost,)) is None
    old = task("qmstop", 104, start=-3000, outcome=Outcome.UNKNOWN)
    assert stopped(tasks=(old,)) is not None
