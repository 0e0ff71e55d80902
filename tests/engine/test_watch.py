"""Whole ticks, from a poll to the news: what is found, looked up, inhibited, silenced, told, kept and reloaded."""

import asyncio
import logging
from collections.abc import Generator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.errors import (
    PveError,
    PveForbidden,
    PveGarbled,
    PveNodeDown,
    PvePinMismatch,
    PveUnauthorized,
    PveUnreachable,
    StoreFailed,
)
from bot.model import (
    About,
    Finding,
    Gap,
    NewsKind,
    Outcome,
    Part,
    Phase,
    Severity,
    Storage,
    Subject,
    Task,
    Unseen,
    Upid,
)
from bot.model.view import Cut, Memory, Push, Stranger, View
from bot.rules import Confirm, Limit
from bot.spawn import Spawn
from bot.text import Moment, Reader, plain, say
from bot.watch.evaluate import PIECE, evaluating
from bot.watch.table import record as table_record
from tests.engine.kit import (
    ANA,
    START,
    Bench,
    Book,
    Wrong,
    cluster_subject,
    found,
    guest_subject,
    inhibits,
    node_subject,
    remember,
)

DOWN = found()
DOWN_KEY = DOWN.key
OFF = found("off", node_subject(), Severity.CRITICAL, "{name} is offline")
GONE = found("gone", cluster_subject(), Severity.CRITICAL, "{name} cannot be reached")


@pytest.fixture
async def bench() -> Bench:
    return await Bench().start()


async def test_from_found_to_over(bench: Bench) -> None:
    await bench.poll(DOWN, times=2)
    assert bench.told == []
    await bench.poll(DOWN)
    assert bench.told == [("fired", DOWN_KEY)]
    await bench.poll(times=2)
    assert bench.told == [("fired", DOWN_KEY), ("resolved", DOWN_KEY)]
    assert bench.deliverer.woken == 6  # the start, and five polls


async def test_what_is_open_stands_in_the_history_and_what_is_over_at_once(bench: Bench) -> None:
    await bench.poll(DOWN, times=2)
    assert await bench.watch.history() == []  # pending
    await bench.poll(DOWN)
    ((still),) = await bench.watch.history()
    assert (still.over, still.told) == (None, True)
    await bench.poll(times=2)
    ((past),) = await bench.watch.history()
    assert past.over is not None
    assert past.told


async def test_three_calls_a_poll(bench: Bench) -> None:
    bench.pve.calls.clear()
    await bench.poll()
    assert bench.pve.calls == ["snapshot", "tasks"]  # the snapshot is two


async def test_a_well_poll_writes_nothing_of_alerts(bench: Bench) -> None:
    await bench.poll(DOWN, times=4)
    bench.ledger.saved.clear()
    await bench.poll(DOWN)
    assert not any(saved.alerts or saved.guests or saved.nodes for saved in bench.ledger.saved)


async def test_only_changed_rows_are_written(bench: Bench) -> None:
    bench.ledger.saved.clear()
    await bench.poll()
    (saved,) = bench.ledger.saved
    assert dict(saved.facts) == {"figure/main/polls": "2.0"}
    assert not saved.guests
    bench.pve.nodes = ("pve1",)
    await bench.poll()
    changed = bench.ledger.saved[-1]
    assert list(changed.guests) == [("main", 102)]  # it moved
    assert dict(changed.nodes) == {("main", "pve2"): None}


async def test_a_rule_that_fails_holds_what_it_found_and_stops_no_other(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.poll(DOWN, times=3)
    bench.wrong.raises = {"down"}
    with caplog.at_level(logging.ERROR):
        await bench.poll(OFF, times=4)
    assert [record.message for record in caplog.records] == ["rule down fails and is left out until it works again"]
    assert bench.told == [("fired", DOWN_KEY), ("fired", OFF.key)]
    bench.wrong.raises = set()
    await bench.poll(OFF, times=2)
    assert bench.of(DOWN_KEY).phase is Phase.OVER


async def test_grey_starts_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.poll(replace(DOWN, grey=True), times=4)
    assert bench.standing == {}
    assert not caplog.records


async def test_500_alerts_in_one_tick() -> None:
    bench = await Bench().start()
    many = [found(subject=guest_subject(1000 + n), event="") for n in range(500)]
    await bench.poll(*many, times=3)
    assert len(bench.told) == 500
    assert len({news.alert.number for news in bench.deliverer.news}) == 500
    await bench.poll(times=2)
    assert [kind for kind, _ in bench.told].count("resolved") == 500


# -- what cannot be read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "cut"),
    [
        (PveUnreachable("no route to host"), Cut.NETWORK),
        (PveUnreachable("connection refused"), Cut.CLOSED),
        (PveUnreachable("its certificate is not trusted: self-signed certificate"), Cut.TRUST),
        (PvePinMismatch(host="pve1:8006", expected="AA", seen="BB"), Cut.PIN),
        (PveUnauthorized("no such token"), Cut.REFUSED),
        (PveForbidden("Permission check failed"), Cut.FORBIDDEN),
        (PveGarbled("not JSON"), Cut.GARBLED),
        (PveNodeDown("no route"), Cut.NETWORK),
    ],
)
async def test_why_it_could_not_be_read(bench: Bench, error: PveError, cut: Cut) -> None:
    bench.pve.error = error
    await bench.poll(times=3)
    view = bench.wrong.asked[-1]
    said = error.why() if type(error) is PveUnreachable else error.said()  # that it is not reached stands above
    assert (view.cut, view.trouble, view.failed, view.fresh) == (cut, said, 3, False)
    assert view.cut_since == bench.clock.now() - timedelta(seconds=30)
    assert view.snapshot is not None
    bench.pve.error = None
    await bench.poll()
    view = bench.wrong.asked[-1]
    assert (view.cut, view.trouble, view.failed, view.cut_since) == (None, None, 0, None)


async def test_a_poll_that_never_answers_is_a_failed_one(bench: Bench) -> None:
    bench.patience = 0.005
    await bench.restart()
    bench.pve.hangs = True
    await bench.poll(GONE, times=4)
    assert bench.told == [("fired", GONE.key)]
    assert bench.watch.pulse()[0].failed == 4
    bench.pve.hangs, bench.patience = False, 60.0
    await bench.restart()
    await bench.poll()
    assert bench.watch.pulse()[0].failed == 0


async def test_an_old_snapshot_says_nothing_of_now(bench: Bench) -> None:
    """What stood in it stays as it is: nothing fires of it, nothing is over."""
    await bench.poll(DOWN)
    bench.pve.error = PveUnreachable("away")
    await bench.poll(DOWN, times=9)
    assert bench.standing == {DOWN_KEY: Phase.PENDING}
    bench.pve.error = None
    await bench.poll(DOWN, times=2)
    assert bench.told == [("fired", DOWN_KEY)]
    bench.pve.error = PveUnreachable("away")
    await bench.poll(times=9)
    assert bench.standing == {DOWN_KEY: Phase.FIRING}


async def test_unseen_holds(bench: Bench) -> None:
    await bench.poll(DOWN, times=3)
    bench.wrong.unseen = {guest_subject().key}
    await bench.poll(times=20)
    assert bench.told == [("fired", DOWN_KEY)]


async def test_what_the_token_may_not_see_is_not_an_empty_list(bench: Bench) -> None:
    bench.pve.may = replace(bench.pve.may, paths={"/vms": {"VM.Audit": True}})
    await bench.poll(times=9)
    assert bench.wrong.asked[-1].tasks is None
    bench.pve.may = replace(bench.pve.may, paths={"/nodes": {"Sys.Audit": True}})
    await bench.poll()
    assert bench.wrong.asked[-1].tasks == ()


async def test_tasks_that_fail_once_are_those_of_the_last_poll(bench: Bench) -> None:
    bench.pve.task_list = (task("qmstop", 101),)
    await bench.poll()
    bench.pve.task_list = PveUnreachable("hiccup")
    await bench.poll()
    assert len(bench.wrong.asked[-1].tasks or ()) == 1
    await bench.poll(times=10)
    assert bench.wrong.asked[-1].tasks is None


async def test_the_loop_survives_a_fault_of_ours(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.pve.error = RuntimeError("a bug")
    with caplog.at_level(logging.ERROR):
        await bench.poll()
    assert "RuntimeError: a bug" in caplog.text
    bench.pve.error = None
    await bench.poll(DOWN, times=3)
    assert bench.told == [("fired", DOWN_KEY)]


async def test_a_deliverer_that_fails_once_hears_of_it_later(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.poll(DOWN, times=2)
    bench.deliverer.fails = 1
    with caplog.at_level(logging.ERROR):
        await bench.poll(DOWN)
    assert bench.told == []
    await bench.poll(DOWN)
    assert bench.told == [("fired", DOWN_KEY)]
    assert bench.ledger.alerts_[1].fired is not None


async def test_what_could_not_be_written_is_written_later_and_told_all_the_same(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.poll(DOWN, times=2)
    bench.ledger.fails = True
    with caplog.at_level(logging.ERROR):
        await bench.poll(DOWN, times=5)
    assert len(caplog.records) == 1
    assert bench.told == [("fired", DOWN_KEY)]
    bench.ledger.fails = False
    await bench.poll(DOWN)
    assert bench.ledger.alerts_[1].phase is Phase.FIRING
    assert bench.ledger.alerts_[1].told


# -- clocks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [86400.0 * 400, -86400.0 * 400, 3600.0, -3600.0])
async def test_a_jumping_clock_fires_and_clears_nothing(bench: Bench, jump: float) -> None:
    await bench.poll(DOWN)
    bench.clock.jump(jump)
    await bench.poll(DOWN)
    assert bench.told == []
    await bench.poll(DOWN)
    assert bench.told == [("fired", DOWN_KEY)]
    await bench.poll(found("down"), seconds=15)
    bench.clock.jump(-jump)
    await bench.poll()
    assert bench.standing[DOWN_KEY] is Phase.FIRING


async def test_a_machine_that_slept_counts_two_polls(bench: Bench) -> None:
    await bench.poll(DOWN)
    await bench.poll(DOWN, seconds=3600)
    assert bench.wrong.asked[-1].step == 30
    assert bench.told == [("fired", DOWN_KEY)]


async def test_beats_do_not_drift_and_those_missed_are_not_made_up(bench: Bench) -> None:
    await bench.watch.start()
    at: list[float] = []

    class Enough(BaseException):
        pass

    async def tick(key: str) -> None:
        at.append(bench.clock.mono - 1000)
        if len(at) == 6:
            raise Enough

    async def sleep(seconds: float) -> None:
        assert seconds > 0
        bench.clock.pass_(seconds)
        if bench.clock.mono == 1015:
            bench.clock.pass_(4)  # woken late
        if bench.clock.mono == 1045:
            bench.clock.pass_(100)  # asleep

    bench.clock.sleep, bench.watch.tick = sleep, tick  # type: ignore[method-assign]  # the test's own clock
    with pytest.raises(Enough):
        await bench.watch._loop("main")
    assert at == [0, 19, 30, 145, 150, 165]


# -- inhibition ----------------------------------------------------------------------------------------------------


async def test_a_dead_host_is_one_message(bench: Bench) -> None:
    guests = [found(subject=guest_subject(200 + n)) for n in range(200)]
    await bench.poll(OFF, *guests, times=4)
    assert bench.told == [("fired", OFF.key)]
    assert {bench.of(guest.key).parent for guest in guests} == {OFF.key}
    assert all(bench.of(guest.key).phase is Phase.FIRING for guest in guests)


async def test_what_comes_back_with_its_host_is_never_told(bench: Bench) -> None:
    await bench.poll(OFF, DOWN, times=4)
    await bench.poll(DOWN, times=5)  # the host clears after 45 s, its guest stands a little longer
    assert bench.of(OFF.key).phase is Phase.OVER
    await bench.poll(times=20)
    assert bench.told == [("fired", OFF.key), ("resolved", OFF.key)]


async def test_what_stands_when_its_host_is_back_is_told_then(bench: Bench) -> None:
    await bench.poll(OFF, DOWN, times=4)
    await bench.poll(DOWN, times=4)
    assert bench.told == [("fired", OFF.key), ("resolved", OFF.key)]
    await bench.poll(DOWN, times=1)
    assert len(bench.told) == 2
    await bench.poll(DOWN, times=1)
    assert bench.told[2:] == [("fired", DOWN_KEY)]
    await bench.poll(DOWN, times=20)
    assert len(bench.told) == 3


async def test_a_pending_parent_holds_its_children_back(bench: Bench) -> None:
    await bench.poll(OFF, DOWN, times=3)  # the guest's hold is over, its host's is not
    assert bench.told == []
    await bench.poll(DOWN)  # the host was nothing
    assert bench.told == [("fired", DOWN_KEY)]


async def test_what_was_told_before_its_host_died_stays_a_message_of_its_own(bench: Bench) -> None:
    await bench.poll(DOWN, times=3)
    for times in (1, 4):  # its host is pending, then told
        await bench.poll(OFF, DOWN, times=times)
        assert bench.of(DOWN_KEY).parent == ""
        assert DOWN_KEY in [alert.key for alert in bench.watch.alerts()]
    changed = [news for news in bench.deliverer.news if news.kind is NewsKind.CHANGED]
    assert DOWN_KEY not in [news.alert.key for news in changed]
    await bench.poll(OFF, times=3)
    assert bench.told == [("fired", DOWN_KEY), ("fired", OFF.key), ("resolved", DOWN_KEY)]


async def test_what_was_found_well_before_an_outage_is_none_of_it() -> None:
    wrong = Wrong()
    rules = wrong.rule("off", Limit(hold=45, clear=45)), wrong.rule("down", Limit(hold=150))
    bench = await Bench(rules, wrong).start()
    late = found(subject=guest_subject(102))
    await bench.poll(DOWN, times=4)
    await bench.poll(DOWN, late)
    await bench.poll(OFF, DOWN, late, times=9)  # one was found 75 s before, the other 15 s
    assert bench.told == [("fired", OFF.key), ("fired", DOWN_KEY)]
    await bench.poll(OFF, DOWN, late, times=9)
    assert bench.of(late.key).parent == OFF.key
    assert bench.of(DOWN_KEY).parent == ""
    assert len(bench.told) == 2


async def test_what_nobody_heard_of_waits_for_the_next_outage_too() -> None:
    wrong = Wrong()
    rules = wrong.rule("gone", Limit(hold=45)), wrong.rule("off", Limit(hold=15)), wrong.rule("down")
    bench = await Bench(rules, wrong).start()
    await bench.poll(OFF, DOWN, times=2)
    await bench.poll(DOWN, GONE, times=4)  # its host is over, the whole cluster begins to be
    assert bench.told == [("fired", OFF.key), ("resolved", OFF.key), ("fired", GONE.key)]
    assert bench.of(DOWN_KEY).parent == GONE.key


async def test_of_several_parents_the_one_that_explains_most(bench: Bench) -> None:
    await bench.poll(GONE, OFF, DOWN, times=4)
    assert bench.told == [("fired", GONE.key)]
    assert bench.of(DOWN_KEY).parent == bench.of(OFF.key).parent == GONE.key


async def test_the_parent_is_drawn_anew_with_each_child(bench: Bench) -> None:
    await bench.poll(OFF, times=4)
    bench.deliverer.news.clear()
    await bench.poll(OFF, DOWN, times=3)
    assert (NewsKind.CHANGED, OFF.key) in [(news.kind, news.alert.key) for news in bench.deliverer.news]


# -- silences ------------------------------------------------------------------------------------------------------


async def hush(bench: Bench, about: str, value: str, minutes: float = 60, *, maintenance: bool = False) -> int:
    until = bench.clock.now() + timedelta(minutes=minutes)
    silence = await bench.watch.silence(about, "main", value, until, ANA, reason="upgrade", maintenance=maintenance)
    return silence.id


@pytest.mark.parametrize(
    ("about", "value", "matches"),
    [
        ("guest", "101", True),
        ("guest", "102", False),
        ("rule", "down", True),
        ("rule", "off", False),
        ("tag", "prod", True),
        ("tag", "test", False),
        ("node", "pve1", False),  # the node, not its guests
        ("cluster", "", True),
        ("all", "", True),
    ],
)
async def test_a_silence_keeps_quiet_what_it_matches(bench: Bench, about: str, value: str, matches: bool) -> None:
    await hush(bench, about, value)
    down = found(subject=guest_subject(tags=("prod",)))
    await bench.poll(down, times=4)
    assert (bench.told == []) == matches
    assert bench.of(DOWN_KEY).phase is Phase.FIRING
    assert bool(bench.of(DOWN_KEY).silenced) == matches


async def test_maintenance_of_a_node_silences_its_guests_and_rules_know(bench: Bench) -> None:
    await hush(bench, "node", "pve1", maintenance=True)
    await bench.poll(DOWN, OFF, times=4)
    assert bench.told == []
    assert bench.wrong.asked[-1].maintenance == {"pve1"}
    (silence,) = bench.watch.silences()
    assert (silence.by, silence.reason, silence.maintenance) == ("Ana", "upgrade", True)


@pytest.mark.parametrize(("maintenance", "of"), [(False, ""), (False, "main/guest/101"), (True, "main/guest/101")])
async def test_a_silence_of_a_node_covers_what_is_on_it_but_not_what_is_of_a_guest(
    bench: Bench, maintenance: bool, of: str
) -> None:
    """A job, a task, a backup of a guest there is the guest's."""
    await hush(bench, "node", "pve1", maintenance=maintenance)
    there = Subject(about=About.OTHER, cluster="main", id="vzdump/1", name="web", node="pve1", of=of)
    await bench.poll(found(subject=there), times=4)
    assert bool(bench.of(f"down:{there.key}").silenced) == (maintenance or not of)


@pytest.mark.parametrize(
    ("about", "value", "covered"),
    [("guest", "101", True), ("guest", "10", False), ("tag", "prod", True), ("tag", "lab", False)],
)
async def test_a_silence_of_a_guest_covers_its_jobs_tasks_and_backups(
    bench: Bench, about: str, value: str, covered: bool
) -> None:
    await hush(bench, about, value)
    backup = Subject(
        about=About.OTHER, cluster="main", id="vzdump/1", name="web", node="pve1", tags=("prod",), of="main/guest/101"
    )
    await bench.poll(found(subject=backup), times=4)
    assert bool(bench.of(f"down:{backup.key}").silenced) == covered


WEB = Part(about=About.GUEST, id="101", node="pve1", tags=("prod",), pool="shop")
DB = Part(about=About.GUEST, id="102", node="pve2", tags=("prod", "sql"))
UNREAD = Part(about=About.NODE, id="pve2", node="pve2")


@pytest.mark.parametrize(
    ("silenced", "parts", "covered"),
    [
        ([("guest", "101")], (WEB, DB), False),  # db's is told
        ([("guest", "101"), ("guest", "102")], (WEB, DB), True),
        ([("guest", "101"), ("tag", "sql")], (WEB, DB), True),
        ([("tag", "prod")], (WEB, DB), True),
        ([("tag", "prod")], (WEB, UNREAD), False),  # whose it is nobody knows
        ([("guest", "101"), ("node", "pve2")], (WEB, UNREAD), True),
        ([("node", "pve1"), ("node", "pve2")], (WEB, DB), False),  # the nodes, not what is of their guests
        ([("other", "vzdump/1")], (WEB, DB), True),
        ([("rule", "down")], (WEB, DB), True),
    ],
)
async def test_a_run_of_several_guests_is_silenced_where_all_of_them_are(
    bench: Bench, silenced: list[tuple[str, str]], parts: tuple[Part, ...], covered: bool
) -> None:
    for minutes, (about, value) in enumerate(silenced, 30):
        await hush(bench, about, value, minutes)
    run = Subject(about=About.OTHER, cluster="main", id="vzdump/1", name="vzdump", parts=parts)
    await bench.poll(found(subject=run), times=4)
    alert = bench.of(f"down:{run.key}")
    assert bool(alert.silenced) == covered
    if covered:  # until the first of them is told of again
        (first, *_) = bench.watch.silences()
        assert alert.silenced == min(bench.watch.silences(), key=lambda one: one.until).id == first.id


async def test_a_maintenance_covers_what_is_of_several_there(bench: Bench) -> None:
    await hush(bench, "node", "pve1", maintenance=True)
    there = Subject(about=About.OTHER, cluster="main", id="vzdump/1", name="vzdump", parts=(WEB,))
    away = replace(there, id="vzdump/2", parts=(WEB, DB))
    await bench.poll(found(subject=there), found(subject=away), times=4)
    assert bench.of(f"down:{there.key}").silenced
    assert not bench.of(f"down:{away.key}").silenced


async def test_a_silence_expires_and_what_stands_still_is_told(bench: Bench) -> None:
    await hush(bench, "guest", "101", minutes=10)
    await bench.poll(DOWN, times=39)
    assert bench.told == []
    await bench.poll(DOWN, times=2)
    assert bench.told == [("fired", DOWN_KEY)]
    assert not bench.watch.silences()
    assert not bench.ledger.silences


async def test_what_was_over_before_the_silence_was_is_never_told(bench: Bench) -> None:
    await hush(bench, "guest", "101", minutes=10)
    await bench.poll(DOWN, times=10)
    await bench.poll(times=60)
    assert bench.told == []


async def test_lifted_by_hand_it_is_told_at_once(bench: Bench) -> None:
    id_ = await hush(bench, "guest", "101")
    await bench.poll(DOWN, times=4)
    assert await bench.watch.unsilence(id_, ANA)
    assert bench.told == [("fired", DOWN_KEY)]
    assert not await bench.watch.unsilence(id_, ANA)
    await bench.poll(DOWN, times=4)
    assert len(bench.told) == 1


async def test_what_is_perhaps_over_is_not_told_when_its_silence_ends(bench: Bench) -> None:
    id_ = await hush(bench, "guest", "101")
    await bench.poll(DOWN, times=4)
    await bench.poll()
    assert await bench.watch.unsilence(id_, ANA)
    assert bench.told == []
    await bench.poll(DOWN)
    assert bench.told == [("fired", DOWN_KEY)]


async def test_silenced_after_it_was_told_its_end_is_shown(bench: Bench) -> None:
    await bench.poll(DOWN, times=3)
    await hush(bench, "guest", "101")
    await bench.poll(times=2)
    assert bench.told == [("fired", DOWN_KEY), ("resolved", DOWN_KEY)]


async def test_worse_during_a_silence_is_told_after_it(bench: Bench) -> None:
    await bench.poll(DOWN, times=3)
    await hush(bench, "guest", "101", minutes=10)
    worse = replace(DOWN, severity=Severity.CRITICAL)
    await bench.poll(worse, times=30)
    assert bench.told == [("fired", DOWN_KEY)]
    await bench.poll(worse, times=20)
    assert bench.told == [("fired", DOWN_KEY), ("escalated", DOWN_KEY)]


@pytest.mark.parametrize("worse_for", range(1, 6))
async def test_worse_during_a_silence_is_told_at_the_first_poll_after_it(bench: Bench, worse_for: int) -> None:
    """However long before its end that began: what has lasted for as long as its rule holds is not held anew."""
    await bench.poll(DOWN, times=3)
    await hush(bench, "guest", "101", minutes=10)
    await bench.poll(DOWN, times=37 - worse_for)
    await bench.poll(replace(DOWN, severity=Severity.CRITICAL), times=2 + worse_for)
    assert bench.told == [("fired", DOWN_KEY)]
    await bench.poll(replace(DOWN, severity=Severity.CRITICAL))
    assert bench.told == [("fired", DOWN_KEY), ("escalated", DOWN_KEY)]
    await bench.poll(replace(DOWN, severity=Severity.CRITICAL), times=9)
    assert len(bench.told) == 2


async def test_worse_during_a_silence_is_one_edit_and_leaves_it_acknowledged(bench: Bench) -> None:
    await bench.poll(DOWN, times=3)
    await bench.watch.ack([bench.of(DOWN_KEY).number], ANA)
    id_ = await hush(bench, "guest", "101")
    await bench.poll(DOWN)
    bench.deliverer.news.clear()
    await bench.poll(replace(DOWN, severity=Severity.CRITICAL), times=20)
    assert [news.kind for news in bench.deliverer.news] == [NewsKind.CHANGED]
    assert bench.of(DOWN_KEY).acked_by == "Ana"
    await bench.watch.unsilence(id_, ANA)
    await bench.poll(replace(DOWN, severity=Severity.CRITICAL))
    assert bench.told == [("escalated", DOWN_KEY)]
    assert bench.of(DOWN_KEY).acked is None


async def test_what_got_worse_and_better_in_a_silence_is_not_told(bench: Bench) -> None:
    await bench.poll(DOWN, times=3)
    await hush(bench, "guest", "101", minutes=10)
    await bench.poll(replace(DOWN, severity=Severity.CRITICAL), times=30)
    await bench.poll(DOWN, times=20)
    assert bench.told == [("fired", DOWN_KEY)]


async def test_what_is_to_be_looked_up_is_so_once_its_silence_ends() -> None:
    wrong = Wrong()
    bench = await Bench([wrong.rule("down", Limit(hold=30, polls=2), confirm=Confirm.GUEST_TASKS)], wrong).start()
    await bench.poll(DOWN, times=3)
    await hush(bench, "guest", "101", minutes=10)
    worse = replace(DOWN, severity=Severity.CRITICAL)
    bench.pve.calls.clear()
    await bench.poll(worse, times=39)
    assert [call for call in bench.pve.calls if call.startswith("tasks of")] == []
    assert bench.told == [("fired", DOWN_KEY)]
    await bench.poll(worse)
    assert [call for call in bench.pve.calls if call.startswith("tasks of")] == ["tasks of pve1 101"]
    assert bench.told == [("fired", DOWN_KEY), ("escalated", DOWN_KEY)]


async def test_what_is_no_longer_explained_is_told_after_a_silence_that_caught_it(bench: Bench) -> None:
    quiet = replace(DOWN, severity=Severity.CRITICAL)
    await bench.poll(quiet, times=3)
    await bench.poll(replace(quiet, severity=Severity.INFO, quiet=True), times=3)
    await hush(bench, "guest", "101", minutes=10)
    anew = replace(quiet, anew=True)
    await bench.poll(anew, times=20)
    assert bench.told == [("fired", DOWN_KEY)]
    await bench.poll(anew, times=30)
    assert bench.told == [("fired", DOWN_KEY), ("escalated", DOWN_KEY)]


async def test_what_stands_after_it_came_and_went_is_said_once_its_silence_ends(bench: Bench) -> None:
    for _ in range(3):
        await bench.poll(DOWN, times=3)
        await bench.poll(times=2)
    await bench.poll(DOWN, times=3)
    assert bench.told[-1] == ("flapping", DOWN_KEY)
    before = len(bench.told)
    id_ = await hush(bench, "guest", "101")
    await bench.poll(DOWN, times=150)  # its quiet is over
    assert len(bench.told) == before
    assert await bench.watch.unsilence(id_, ANA)
    await bench.poll(DOWN, times=4)
    assert bench.told[before:] == [("steady", DOWN_KEY)]


async def test_a_silence_that_was_made_while_the_clock_was_ahead_lasts_no_longer_than_it_was_to(bench: Bench) -> None:
    bench.clock.jump(30 * 86400)
    await hush(bench, "guest", "101", minutes=10)
    await bench.poll(DOWN, times=3)
    bench.clock.jump(-30 * 86400)
    await bench.poll(DOWN)
    (silence,) = bench.watch.silences()
    assert silence.until - bench.clock.now() == timedelta(minutes=10)
    assert bench.ledger.silences[silence.id] == silence
    await bench.poll(DOWN, times=39)
    assert bench.told == []
    await bench.poll(DOWN, times=2)
    assert bench.told == [("fired", DOWN_KEY)]
    fired = bench.of(DOWN_KEY).fired
    assert fired is not None
    assert fired <= bench.clock.now()


async def test_worse_before_anything_was_told_is_told_once(bench: Bench) -> None:
    await hush(bench, "guest", "101", minutes=10)
    await bench.poll(DOWN, times=5)
    worse = replace(DOWN, severity=Severity.CRITICAL)
    await bench.poll(worse, times=50)
    assert bench.told == [("fired", DOWN_KEY)]
    assert bench.of(DOWN_KEY).severity is Severity.CRITICAL


async def test_no_reminder_during_a_silence_and_one_after_it(bench: Bench) -> None:
    critical = replace(DOWN, severity=Severity.CRITICAL)
    await bench.poll(critical, times=3)
    await hush(bench, "guest", "101", minutes=5 * 60)
    await bench.poll(critical, times=17, seconds=15 * 60)
    assert len(bench.told) == 1
    await bench.poll(critical, times=6, seconds=15 * 60)
    assert bench.told[1:] == [("reminded", DOWN_KEY)]


# -- acknowledging -------------------------------------------------------------------------------------------------


async def test_ack_is_durable_and_ends_the_repeats(bench: Bench) -> None:
    critical = replace(DOWN, severity=Severity.CRITICAL)
    await bench.poll(critical, times=3)
    number = bench.of(DOWN_KEY).number
    acked = await bench.watch.ack([number, number, 999], ANA)
    assert [alert.acked_by for alert in acked] == ["Ana"]
    assert bench.ledger.alerts_[number].acked_by == "Ana"
    assert bench.deliverer.news[-1].kind is NewsKind.CHANGED
    assert await bench.watch.ack([number], ANA) == []
    await bench.restart()
    await bench.poll(critical, times=20, seconds=3600)
    assert len(bench.told) == 1


async def test_what_goes_on_as_it_was_is_the_very_same_finding(bench: Bench) -> None:
    """Thousands of them that were made anew at each poll are work for the garbage collector."""
    await bench.poll(DOWN)
    before = bench.of(DOWN_KEY).finding
    await bench.poll(replace(DOWN))
    assert bench.of(DOWN_KEY).finding is before
    await bench.poll(replace(DOWN, severity=Severity.INFO))
    assert bench.of(DOWN_KEY).finding.severity is Severity.INFO


async def test_what_is_tapped_while_a_tick_is_worked_out_counts(bench: Bench) -> None:
    """A tick gives way in between: an acknowledgement, and a silence, of that moment are not undone by its end."""
    other = found(subject=guest_subject(102, "pve2"))
    taps = Spawn()
    tapped: list[asyncio.Task[Any]] = []

    def tap(parent: Finding, child: Finding) -> bool:
        if not tapped:
            tapped.append(taps(bench.watch.ack([1], ANA), "a tap"))
            until = bench.clock.now() + timedelta(hours=1)
            tapped.append(taps(bench.watch.silence("guest", "main", "102", until, ANA), "another"))
        return inhibits(parent, child)

    await bench.poll(DOWN, other, times=3)
    bench.more = {"inhibits": tap}
    await bench.restart()
    assert not tapped
    await bench.poll(DOWN, other, OFF, found(subject=guest_subject(103)))
    await asyncio.gather(*tapped)
    assert bench.of(DOWN_KEY).acked_by == "Ana"
    assert bench.of(other.key).silenced
    await bench.poll(DOWN, other, OFF)
    assert bench.of(DOWN_KEY).acked_by == "Ana"
    assert bench.ledger.alerts_[1].acked_by == "Ana"
    await taps.close(1)


async def test_what_cannot_be_written_says_so_and_is_not(bench: Bench) -> None:
    await bench.poll(DOWN, times=3)
    bench.ledger.fails = True
    with pytest.raises(StoreFailed):
        await bench.watch.ack([1], ANA)
    with pytest.raises(StoreFailed):
        await bench.watch.silence("guest", "main", "101", bench.clock.now() + timedelta(hours=4), ANA)
    bench.ledger.fails = False
    await bench.poll(DOWN)
    assert bench.ledger.alerts_[1].acked is None
    assert bench.watch.silences() == []
    until = bench.clock.now() + timedelta(hours=4)
    made = await bench.watch.silence("guest", "main", "101", until, ANA)
    bench.ledger.fails = True
    with pytest.raises(StoreFailed):
        await bench.watch.unsilence(made.id, ANA)
    bench.ledger.fails = False
    assert bench.watch.silences() == [made]
    await bench.watch.ack([1], ANA)
    assert bench.ledger.alerts_[1].acked_by == "Ana"


# -- events, starts, restarts --------------------------------------------------------------------------------------

EVENT = found("task", severity=Severity.WARNING, text="vzdump of {name} failed", event="UPID:1")


async def test_an_event_is_told_once_and_never_again(bench: Bench) -> None:
    await bench.poll(EVENT, times=5)
    assert bench.told == [("fired", EVENT.key)]
    assert bench.standing == {}  # shown, and history
    assert [record.number for record in bench.ledger.records.values()] == [1]
    await bench.restart()
    await bench.poll(EVENT, times=5)
    assert bench.told == [("fired", EVENT.key)]


async def test_at_the_very_first_poll_what_happened_before_is_no_news() -> None:
    bench = Bench()
    bench.wrong.findings = [EVENT, DOWN]
    await bench.start()
    assert bench.told == [("fired", DOWN_KEY)]
    assert bench.of(DOWN_KEY).summary
    await bench.poll(EVENT, DOWN, times=5)
    assert len(bench.told) == 1


async def test_what_happened_while_the_bot_was_away_is_in_the_summary(bench: Bench) -> None:
    await bench.restart()
    await bench.poll(EVENT, DOWN)
    assert bench.told == [("fired", DOWN_KEY), ("fired", EVENT.key)] or bench.told == [
        ("fired", EVENT.key),
        ("fired", DOWN_KEY),
    ]
    assert all(news.alert.summary for news in bench.deliverer.news)
    await bench.poll(EVENT, DOWN, times=5)
    assert len(bench.told) == 2


async def test_a_long_hold_is_not_cut_short_by_a_start() -> None:
    wrong = Wrong()
    bench = Bench([wrong.rule("cpu", Limit(hold=900))], wrong)
    wrong.findings = [found("cpu")]
    await bench.start()
    assert bench.told == []


async def test_a_start_while_the_cluster_is_away_waits_for_the_first_good_poll() -> None:
    bench = Bench()
    bench.pve.error = PveUnreachable("away")
    bench.wrong.findings = [GONE]
    await bench.start()
    await bench.poll(GONE, times=3)
    assert bench.told == [("fired", GONE.key)]
    assert not bench.of(GONE.key).summary
    bench.pve.error = None
    await bench.poll(DOWN)
    assert bench.wrong.asked[-1].first
    assert bench.of(DOWN_KEY).summary
    await bench.poll(DOWN)
    assert not bench.wrong.asked[-1].first


STORY: list[tuple[Finding, ...]] = [
    (),
    (OFF,),
    *[(OFF, DOWN)] * 5,
    (OFF, DOWN, EVENT),
    *[(OFF, EVENT)] * 4,
    *[()] * 6,
    *[(DOWN,)] * 8,
    *[()] * 7,
]


async def play(kill_at: frozenset[int]) -> list[tuple[str, str]]:
    bench = await Bench().start()
    for at, findings in enumerate(STORY):
        if at in kill_at:
            await bench.restart()
        await bench.poll(*findings)
    return bench.told


@pytest.mark.parametrize("at", range(len(STORY)))
async def test_killed_at_any_poll_it_is_the_same_story(at: int) -> None:
    """In the same order, if not always by the same poll: what is first seen after a start is told without a hold."""
    whole = await play(frozenset())
    assert [kind for kind, _ in whole] == ["fired", "resolved", "fired", "resolved"]
    assert await play(frozenset({at})) == whole
    assert await play(frozenset({at, at + 1, at + 2})) == whole


async def test_numbers_are_never_used_twice(bench: Bench) -> None:
    await bench.poll(DOWN, times=3)
    await bench.poll(times=80)
    assert bench.standing == {}
    await bench.restart()
    await bench.poll()
    await bench.poll(DOWN, times=3)
    numbers = [news.alert.number for news in bench.deliverer.news if news.kind is NewsKind.FIRED]
    assert numbers == [1, 2]


async def test_over_is_kept_until_it_was_shown(bench: Bench) -> None:
    bench.deliverer.holds = True
    await bench.poll(DOWN, times=3)
    await bench.poll(times=100)
    assert bench.standing == {DOWN_KEY: Phase.OVER}
    bench.deliverer.holds = False
    await bench.poll()
    assert bench.standing == {}
    assert not bench.ledger.alerts_
    (record,) = bench.ledger.records.values()
    assert (record.rule, record.told) == ("down", True)


async def test_a_cluster_that_is_watched_no_more_is_forgotten() -> None:
    bench = await Bench(clusters=("main", "lab")).start()
    await bench.poll(DOWN, found(subject=guest_subject(cluster="lab")), times=3)
    assert len(bench.told) == 2
    del bench.pves["lab"]
    await bench.restart()
    await bench.poll(DOWN)
    assert bench.standing == {DOWN_KEY: Phase.FIRING}
    assert len(bench.ledger.alerts_) == 1


async def test_clusters_do_not_mix() -> None:
    bench = await Bench(clusters=("main", "lab")).start()
    bench.pves["lab"].error = PveUnreachable("away")
    lab_gone = replace(GONE, subject=cluster_subject("lab"))
    await bench.poll(lab_gone, DOWN, times=4)
    assert sorted(bench.told) == sorted([("fired", DOWN_KEY), ("fired", lab_gone.key)])
    assert [pulse.failed for pulse in bench.watch.pulse()] == [0, 4]
    assert bench.cycles == 3  # the starts, and the poll of one before the other was missed


# -- looked up before it fires -------------------------------------------------------------------------------------


def task(type_: str, vmid: int, pid: int = 1) -> Task:
    start = int(START.timestamp())
    upid = Upid.parse(f"UPID:pve1:{pid:08X}:00000001:{start:08X}:{type_}:{vmid}:ana@pve:")
    return Task(cluster="main", upid=upid, outcome=Outcome.OK, exitstatus="OK", end=START)


def explained(view: View, finding: Finding) -> Finding:
    stops = [one for one in view.tasks_of.get(finding.subject.id, ()) if one.upid.type == "qmstop"]
    return replace(finding, last=say("{user} stopped it", user=stops[0].upid.user)) if stops else finding


async def doubtful(confirm: Confirm = Confirm.GUEST_TASKS) -> Bench:
    wrong = Wrong(explains=explained)
    rules = (wrong.rule("down", Limit(hold=30), confirm=confirm), wrong.rule("other"))
    return await Bench(rules, wrong).start()


async def test_a_task_found_only_by_looking_keeps_it_quiet() -> None:
    bench = await doubtful()
    bench.pve.of_node = (task("qmstop", 101),)
    await bench.poll(DOWN, times=9)
    assert bench.told == []
    assert bench.pve.calls.count("tasks of pve1 101") >= 1
    alert = bench.of(DOWN_KEY)
    assert alert.finding.last is not None
    explanation = bench.watch.why(alert.number, -100)
    assert explanation is not None
    assert explanation.told == say("Nobody is told: {why}.", why=alert.finding.last)
    assert bench.watch.alerts() == []


async def test_it_is_looked_up_once_before_it_fires() -> None:
    bench = await doubtful()
    await bench.poll(DOWN, times=9)
    assert bench.told == [("fired", DOWN_KEY)]
    assert [call for call in bench.pve.calls if call.startswith("tasks of")] == ["tasks of pve1 101"]
    looked = [view.looked_up for view in bench.wrong.asked if view.looked_up]
    assert looked == [frozenset({101})]


async def test_after_a_restart_it_is_looked_up_from_before_the_bot_went() -> None:
    bench = await doubtful()
    went = bench.clock.now()
    bench.ledger.facts["figure/main/polled"] = repr(went.timestamp())
    bench.clock.pass_(7200)
    await bench.restart()
    await bench.poll(DOWN)
    assert bench.pve.since == went - timedelta(minutes=30)


async def test_what_cannot_be_looked_up_waits_but_not_for_ever() -> None:
    bench = await doubtful()
    bench.pve.of_node = PveNodeDown("no answer", node="pve1")
    await bench.poll(DOWN, times=4)
    assert bench.told == []
    await bench.poll(DOWN)
    assert bench.told == [("fired", DOWN_KEY)]


async def test_many_guests_of_a_node_are_one_call() -> None:
    bench = await doubtful()
    await bench.poll(*(found(subject=guest_subject(100 + n)) for n in range(40)), times=3)
    assert [call for call in bench.pve.calls if call.startswith("tasks of")] == ["tasks of pve1 all"]
    assert len(bench.told) == 40


async def test_nothing_is_looked_up_that_the_token_may_not_see() -> None:
    bench = await doubtful()
    bench.pve.may = replace(bench.pve.may, paths={})
    await bench.poll(times=9)  # the last list that was seen is of no use any more
    await bench.poll(DOWN, times=12)
    assert bench.told == [("fired", DOWN_KEY)]
    assert not [call for call in bench.pve.calls if call.startswith("tasks of")]


async def test_quorum_is_asked_of_another_host() -> None:
    bench = await doubtful(Confirm.QUORUM)
    bench.wrong.explains = lambda view, finding: None if view.second_opinion else finding
    bench.pve.elsewhere = True
    await bench.poll(DOWN, times=9)
    assert bench.told == []
    bench.pve.elsewhere = PveUnreachable("nobody")
    await bench.poll(DOWN, times=9)
    assert bench.told == [("fired", DOWN_KEY)]


async def test_a_storage_is_asked_of_its_node() -> None:
    bench = await doubtful(Confirm.STORAGE)
    bench.pve.fed = PveNodeDown("no answer")
    await bench.poll(DOWN, times=3)
    assert "storages pve1" in bench.pve.calls
    (reading,) = bench.wrong.asked[-1].feeds.readings.values()
    assert (reading.fresh, reading.fails) == (False, 1)
    assert bench.told == [("fired", DOWN_KEY)]


async def test_what_is_known_beside_the_cluster_is_in_the_view(bench: Bench) -> None:
    bench.more = {"sleeping": frozenset({"pve9"}), "deaf": lambda: 42.0, "fingerprints": {"main": {"pve1": "AA"}},
                  "hosts": {"main": ["pve1.lan"]}}  # fmt: skip
    await bench.restart()
    await bench.watch.push(Push(id="p", at=START, kind="fencing", severity="error", title="", message="", host="pve1"))
    await bench.poll()
    view = bench.wrong.asked[-1]
    assert (view.sleeping, view.deaf, view.fingerprints) == (frozenset({"pve9"}), 42.0, {"pve1": "AA"})
    assert view.hosts == ("pve1.lan",)
    assert view.tokens == ("telemox@pve!view",)
    assert [push.id for push in view.pushes] == ["p"]
    await bench.poll()
    assert bench.wrong.asked[-1].pushes == ()


async def test_since_when_telegram_is_not_reached_is_the_same_at_every_poll_of_one_outage(bench: Bench) -> None:
    deaf = iter([0.0, 7.0, 22.4, 36.9, 0.0, 9.0, 24.0, 3.0])
    now = [0.0]
    bench.more = {"deaf": lambda: now[0]}
    await bench.restart()
    since: list[datetime | None] = []
    for now[0] in deaf:
        await bench.poll()
        since.append(bench.wrong.asked[-1].deaf_since)
    first, again, last = since[1], since[5], since[7]
    assert since == [None, first, first, first, None, again, again, last]
    assert None not in {first, again, last}
    assert len({first, again, last}) == 3  # it was reached meanwhile: between two polls, before the last one


async def test_a_push_is_not_lost_with_a_tick_that_fails(bench: Bench) -> None:
    await bench.watch.push(Push(id="p", at=START, kind="fencing", severity="error", title="", message="", host="pve1"))
    bench.pve.error = RuntimeError("a bug")
    await bench.poll()
    bench.pve.error = None
    await bench.poll()
    assert [push.id for push in bench.wrong.asked[-1].pushes] == ["p"]


# -- what is asked of it -------------------------------------------------------------------------------------------


async def test_alerts_come_worst_first_then_newest(bench: Bench) -> None:
    older, newer = found(subject=guest_subject(101)), found(subject=guest_subject(102, "pve2"))
    await bench.poll(older, times=3)
    await bench.poll(older, newer, times=3)
    off = replace(OFF, hold=0, subject=node_subject("pve9"))
    await bench.poll(older, newer, off, found(subject=guest_subject(103)))
    keys = [alert.key for alert in bench.watch.alerts()]
    assert keys[:3] == [off.key, newer.key, older.key]
    assert len(keys) == 4


async def test_why(bench: Bench) -> None:
    await bench.poll(replace(DOWN, because=say("stopped, wants to run")), times=3)
    await bench.watch.ack([1], ANA)
    why = bench.watch.why(1, -100)
    assert why is not None
    assert (why.rule_help, why.because, why.told) == (
        "Is it down?",
        say("stopped, wants to run"),
        say("Told here."),
    )
    assert [said for _, said in why.steps] == [
        say("First seen."),
        say("Fired as {severity}.", severity="warning"),
        say("Acknowledged by {name}.", name="Ana"),
    ]
    assert bench.watch.why(77, -100) is None


async def test_why_of_a_silenced_one_says_until_when_as_everywhere(bench: Bench) -> None:
    await bench.poll(DOWN, times=3)
    now = bench.clock.now()
    for span, said in ((timedelta(hours=1, seconds=9), "%H:%M"), (timedelta(days=3), "%d %b %H:%M")):
        made = await bench.watch.silence("guest", "main", "101", now + span, ANA)
        why = bench.watch.why(1, -100)
        assert why is not None
        told, silenced = plain(why.told, Reader()).splitlines()
        assert told == plain(bench.deliverer.told(why.alert, -100), Reader())  # it was, before
        assert silenced == plain(
            say("Silenced by {name} until {time}.", name="Ana", time=Moment(made.until, said)), Reader()
        )
        assert await bench.watch.unsilence(made.id, ANA)


async def test_vitals(bench: Bench) -> None:
    await bench.poll(DOWN, times=3)
    bench.pve.error = PveUnreachable("away")
    await bench.poll()
    vitals = bench.watch.vitals()
    assert (vitals.polls, vitals.failures) == ({"main": 4}, {"main": 1})
    assert vitals.alerts == {("firing", "warning"): 1}
    assert (vitals.outbox, vitals.told, vitals.lost) == (3, len(bench.deliverer.news), {"later": 2})
    assert vitals.pulse[0].age == 15.0


async def test_each_good_cycle_is_told_to_the_dead_mans_switch(bench: Bench) -> None:
    await bench.poll(times=2)
    assert bench.cycles == 3
    bench.pve.error = PveUnreachable("away")
    await bench.poll(times=2)
    assert bench.cycles == 3


async def test_one_cluster_speaks_for_the_bot_and_tells_of_strangers() -> None:
    bench = await Bench(clusters=("main", "lab")).start()
    mallory = Stranger(id=6666, at=START, name='web<1>_&"', chat=6666)
    bench.watch.stranger(mallory)
    bench.pves["main"].error = RuntimeError("a bug")
    await bench.poll()
    bench.pves["main"].error = None
    bench.wrong.asked.clear()
    await bench.poll(times=2)
    views = {(view.cluster, view.at): view for view in bench.wrong.asked}
    assert [(view.cluster, view.leads, view.strangers) for view in views.values()] == [
        ("main", True, (mallory,)),  # not lost with a tick that failed
        ("lab", False, ()),
        ("main", True, (mallory,)),
        ("lab", False, ()),
    ]
    later = replace(mallory, id=6667, at=START + timedelta(hours=1))
    bench.watch.stranger(later)
    bench.wrong.asked.clear()
    await bench.poll()
    assert bench.wrong.asked[0].strangers == (later,)


async def test_a_shared_storage_is_asked_of_the_node_whose_row_was_found() -> None:
    bench = await doubtful(Confirm.STORAGE)
    bench.pve.storages = (Storage(cluster="main", name="nas", node="pve2", shared=True, available=False),)
    nas = Subject(about=About.STORAGE, cluster="main", id="nas", name="nas")
    await bench.poll(found(subject=nas), times=3)
    assert [call for call in bench.pve.calls if call.startswith("storages")] == ["storages pve2"]


# -- what is there no more -----------------------------------------------------------------------------------------


async def ended(bench: Bench, finding: Finding, *, whole: bool = True) -> str:
    """What its recovery says, once it is found no more."""
    await bench.poll(replace(finding, over=say("{name} runs again", name="it")), times=4)
    bench.pve.unseen = () if whole else (Unseen(gap=Gap.ROWS_DROPPED, count=1),)
    await bench.poll(times=5)
    alert = bench.of(finding.key)
    news = bench.deliverer.news[-1]
    assert (news.kind, news.alert) == (NewsKind.RESOLVED, alert)
    record = table_record(alert)
    assert record.gone is alert.gone
    assert alert.finding.over is not None
    return plain(alert.finding.over, Reader())


@pytest.mark.parametrize(
    "subject",
    [
        guest_subject(909),
        node_subject("pve9"),
        Subject(about=About.STORAGE, cluster="main", id="pve1/nas", name="nas"),
    ],
)
async def test_what_was_deleted_is_gone_and_does_not_run_again(bench: Bench, subject: Subject) -> None:
    finding = found(subject=subject)
    assert await ended(bench, finding) == f"{subject.name} is gone (deleted, or no longer visible)"
    assert bench.of(finding.key).finding.after == ()


async def test_what_is_there_runs_again(bench: Bench) -> None:
    assert await ended(bench, DOWN) == "it runs again"


@pytest.mark.parametrize("fails", [False, True])
async def test_a_rule_may_say_how_its_alert_ends(fails: bool) -> None:
    def ending(view: View, finding: Finding) -> Finding:
        if fails:
            raise RuntimeError("it is broken")
        return replace(finding, over=say("it failed again"), unwell=say("failed again"))

    wrong = Wrong()
    bench = await Bench((replace(wrong.rule("down"), ending=ending), wrong.rule("other")), wrong).start()
    assert await ended(bench, DOWN) == ("it runs again" if fails else "it failed again")
    unwell = table_record(bench.of(DOWN_KEY)).unwell
    assert (unwell is None) is fails


async def test_a_list_with_holes_says_nothing_of_what_is_missing(bench: Bench) -> None:
    assert await ended(bench, found(subject=guest_subject(909)), whole=False) == "it runs again"


async def test_what_hangs_on_another_that_stands_is_not_shown_beside_it(bench: Bench) -> None:
    await bench.poll(OFF, DOWN)
    assert [alert.key for alert in bench.watch.alerts()] == [OFF.key]  # both are pending
    await bench.poll(OFF, DOWN, times=4)
    other = found(subject=guest_subject(103))
    await bench.poll(OFF, DOWN, other)
    assert other.key not in [alert.key for alert in bench.watch.alerts()]
    assert DOWN_KEY in [alert.key for alert in bench.watch.alerts()]  # it has fired: the page counts it
    await bench.poll(found(subject=guest_subject(104, "pve2")))
    assert "down:main/guest/104" in [alert.key for alert in bench.watch.alerts()]


async def test_what_is_explained_can_be_asked_for(bench: Bench) -> None:
    await bench.poll(replace(DOWN, last=say("Ana stopped it")), times=3)
    assert bench.watch.alerts() == []
    assert [alert.key for alert in bench.watch.explained()] == [DOWN_KEY]


async def test_all_is_read_again_at_most_every_half_minute() -> None:
    bench = await Bench(clusters=("main", "lab")).start()
    hurried: list[str] = []

    class Feeding:
        def __init__(self, key: str) -> None:
            self.key = key

        def hurry(self) -> None:
            hurried.append(self.key)

    for key, post in bench.watch._posts.items():
        post.feeder = Feeding(key)  # type: ignore[assignment]
    assert bench.watch.look_again(ANA)
    assert hurried == ["main", "lab"]
    assert all(post.hurried for post in bench.watch._posts.values())
    bench.clock.pass_(29)
    assert not bench.watch.look_again(ANA)
    bench.clock.pass_(1)
    assert bench.watch.look_again(ANA)
    assert len(hurried) == 4


# -- over a restart ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("down", "jump", "step"), [(10, 0, 10), (3600, 0, 30), (10, -3600, 0), (0, 10**9, 30), (10, -10, 0)]
)
async def test_a_hold_goes_on_over_a_restart(bench: Bench, down: float, jump: float, step: float) -> None:
    def remembering(view: View) -> Generator[None, None, Memory]:
        yield
        return replace(remember(view), figures={"polled": view.at.timestamp()})

    bench.more = {"remembering": remembering}
    await bench.restart()
    await bench.poll()
    await bench.poll(DOWN, times=2)
    assert bench.told == []
    bench.clock.pass_(down)
    bench.clock.jump(jump)
    await bench.restart()
    await bench.poll(DOWN, seconds=0)
    assert bench.wrong.asked[-1].step == step
    assert bench.of(DOWN_KEY).held == 15 + step if step < 15 else bench.told == [("fired", DOWN_KEY)]


async def test_a_figure_that_makes_no_sense_is_no_time(bench: Bench) -> None:
    bench.ledger.facts["figure/main/polled"] = "nan"
    await bench.restart()
    await bench.poll(DOWN)
    assert bench.wrong.asked[-1].step == 0


async def test_a_thousand_findings_leave_others_a_turn() -> None:
    bench = await Bench().start()
    bench.wrong.findings = [found(subject=guest_subject(1000 + n)) for n in range(1000)]
    steps = evaluating(bench.wrong.asked[-1], bench.rules, Book())
    assert sum(1 for _ in steps) == len(bench.rules) + 1000 // PIECE


async def test_why_a_rule_tells_nothing_of_what_is_asked_about() -> None:
    wrong = Wrong()
    rules = (wrong.rule("down", Limit(hold=300)), wrong.rule("mute", Limit(on=False)), wrong.rule("well"))
    bench = Bench(rules, wrong)
    subject = DOWN.subject
    assert bench.watch.reasons(subject, ["down", "mute", "well"]) == {}  # nothing was read yet
    await bench.start()
    await bench.poll(DOWN, times=5)

    def reasons() -> dict[str, str]:
        said = bench.watch.reasons(subject, ["down", "mute", "well", "none"])
        return {key: plain(why_not, Reader()) for key, why_not in said.items()}

    assert reasons() == {"down": "it has lasted 1 min of 5 min", "mute": "off"}
    pending = bench.watch.why(bench.of(DOWN_KEY).number, -100)
    assert pending is not None
    assert plain(pending.told, Reader()) == "Nobody was told yet: it has lasted 1 min of 5 min."
    until = bench.clock.now() + timedelta(hours=1)
    made = await bench.watch.silence("rule", "main", "well", until, ANA)
    end = plain(Moment(until, "%H:%M"), Reader())
    assert reasons() == {
        "down": "it has lasted 1 min of 5 min",
        "mute": "off",
        "well": f"silenced by Ana until {end}",
    }
    assert await bench.watch.unsilence(made.id, ANA)
    await bench.poll(replace(DOWN, last=say("ana stopped it")))
    assert reasons() == {"down": "ana stopped it", "mute": "off"}


async def test_an_event_that_may_be_renewed_changes_its_message_until_then_and_then_is_history(bench: Bench) -> None:
    until = bench.clock.now() + timedelta(minutes=10)
    first = replace(found("task", text="{name} has started", event="one"), renews=until)
    await bench.poll(first)
    number = bench.of(first.key).number
    again = replace(first, said=say("{name} has started twice", name="web"))
    await bench.poll(again, times=2)
    assert [(news.kind, news.alert.finding.said) for news in bench.deliverer.news] == [
        (NewsKind.FIRED, first.said),
        (NewsKind.CHANGED, again.said),
    ]
    alert = bench.watch.alert(number)
    assert alert is not None
    assert (alert.finding.said, alert.headline, alert.number) == (again.said, again.said, number)
    bench.clock.pass_(600)
    await bench.poll(times=2)
    assert bench.watch.alert(number) is None
    (kept,) = await bench.watch.history()
    assert kept.said == again.said
