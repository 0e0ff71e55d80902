"""From the write to the last word: tasks that end well, badly, unseen, late, or never."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.access import Role
from bot.errors import (
    NotFound,
    PveError,
    PveForbidden,
    PveGarbled,
    PveNodeDown,
    PveRefused,
    PveUnauthorized,
    PveUnreachable,
    StoreFailed,
)
from bot.model import Kind, Permissions, Status
from bot.runner.follow import pace
from bot.runner.words import percent
from bot.screen import Ask, Copy, Open
from bot.text import say
from tests.pages.watching import Watch
from tests.runner_world import NAME, TOKEN, WEB, Plan, World, no_answer

AWAY = PveNodeDown("No route to host", node="pve1")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World.make(tmp_path)
    made.pve.seen = made.pve.look()
    yield made
    await made.close()


async def outcome(world: World) -> str:
    ((_, ended),) = await world.audit()
    return ended


def progress(world: World) -> list[str]:
    return [said.text for said in world.chat.said if said.how == "progress"]


async def test_a_reboot_to_its_end(world: World) -> None:
    await world.order()
    assert world.chat.said[0].text.startswith("🔄 Reboot")
    assert progress(world)[0] == f"⏳ Rebooting {NAME}…"
    assert f"⏳ Rebooting {NAME}… 2 s · qmreboot" in progress(world)
    assert world.last.how == "edit"
    assert world.last.message == world.card
    assert world.last.text == f"✅ {NAME} has rebooted · 3 s\n🟢 {NAME} · 101 · VM · pve1\nrunning"
    assert world.last.buttons["🔄 Reboot"].tap == Ask("reboot", "main/101")
    assert world.last.buttons["‹ Guests"].tap == Open("vms")
    assert await outcome(world) == "ok"
    assert await world.store.real.unfinished() == []


async def test_what_is_edited_differs_each_time(world: World) -> None:
    world.pve.plan.takes = 25
    await world.order()
    assert len(progress(world)) == len(set(progress(world)))


async def test_the_upid_is_stored_before_anything_is_read_again(world: World) -> None:
    await world.order()
    steps = world.life.steps
    assert steps.index("asked, written") < steps.index("write")
    after = steps[steps.index("written") + 1 :]
    assert after.index("started, written") < after.index("task")
    assert steps.index("edited", len(steps) - steps[::-1].index("edit")) < steps.index("ended")


async def test_the_guest_is_down_for_a_moment_after_its_reboot_task(world: World) -> None:
    """qmreboot ends with the stop; the start comes a little later."""
    world.pve.plan = Plan(takes=2, later=5)
    await world.order()
    assert "has rebooted · 7 s" in world.last.text


async def test_a_reboot_that_never_happened_is_not_called_done(world: World) -> None:
    world.pve.plan.works = False
    await world.order()
    assert world.shown.text.startswith(f"⚠️ The task for {NAME} has ended, but not as expected.\n🟢 {NAME}")
    assert "Log" in world.shown.buttons
    assert await outcome(world) == "unconfirmed: running"


async def test_a_guest_just_started_can_be_seen_to_reboot(world: World) -> None:
    world.pve.booted[101] = world.clock.monotonic() - 1
    world.pve.plan.takes = 20
    await world.order()
    assert "has rebooted" in world.shown.text


async def test_a_container_takes_its_own_path(world: World) -> None:
    world.pve.guests[101] = replace(WEB, kind=Kind.LXC)
    world.pve.seen = world.pve.look()
    await world.order("shutdown")
    assert [path for _, _, path, _ in world.pve.writes] == ["/nodes/pve1/lxc/101/status/shutdown"]
    assert world.last.text.startswith(f"✅ {NAME} has shut down")
    assert any("vzshutdown" in text for text in progress(world))


async def test_hibernating_sends_its_parameter(world: World) -> None:
    world.pve.plan.works = False
    await world.order("hibernate")
    assert world.pve.writes[0][2:] == ("/nodes/pve1/qemu/101/status/suspend", {"todisk": "1"})


# -- badly ---------------------------------------------------------------------------------------------------------


async def test_a_task_that_fails_speaks_for_itself(world: World) -> None:
    world.pve.plan = Plan(takes=5, exit="VM quit/powerdown failed - got timeout", works=False)
    await world.order("shutdown")
    assert world.last.text == (
        f"❌ {NAME} did not shut down\nVM quit/powerdown failed - got timeout\n{NAME} is still running."
    )
    (upid,) = world.pve.tasks_
    assert world.last.buttons["Log"].tap == Open("task", f"main {upid}")
    assert world.last.buttons["Retry"].tap == Ask("shutdown", "main/101")
    force = world.last.buttons["⏹ Force stop"]
    assert (force.tap, force.style) == (Ask("stop", "main/101"), "danger")
    assert await outcome(world) == "failed: VM quit/powerdown failed - got timeout"
    assert len(world.pve.writes) == 1  # force is a question of its own


async def test_what_is_not_offered_any_more_is_no_button(world: World) -> None:
    world.pve.plan = Plan(takes=5, exit="got timeout", works=False)
    await world.tap(Ask("shutdown", "main/101"))
    await world.press("Yes")
    world.pve.guests[101] = replace(WEB, status=Status.STOPPED)
    await world.end()
    assert world.last.text.endswith(f"{NAME} is stopped.")
    assert "Retry" not in world.last.buttons
    assert not any("Force" in label for label in world.last.buttons)


async def test_force_stop_asks_first(world: World) -> None:
    world.pve.plan = Plan(takes=5, exit="got timeout", works=False)
    await world.order("shutdown")
    world.pve.plan = Plan()
    await world.press("Force stop")
    assert world.last.text.startswith(f"⏹ Force {NAME} (101) on pve1 to stop?")
    assert len(world.pve.writes) == 1
    await world.press("Yes")
    await world.end()
    assert world.last.text.startswith(f"✅ {NAME} is stopped")


@pytest.mark.parametrize(
    ("error", "text", "ended"),
    [
        (PveRefused("VM 101 not running"), "VM 101 not running", "failed: "),
        (PveRefused("cluster not ready - no quorum?"), "cluster not ready - no quorum?", "failed: "),
        (AWAY, "No route to host", "failed: "),
        (PveUnreachable("connection refused"), "Proxmox VE cannot be reached: connection refused.\n", "refused: "),
        (PveUnauthorized("no such token", token=TOKEN), f"refused the API token {TOKEN}", "refused: "),
    ],
)
async def test_a_write_that_did_not_happen_says_so(world: World, error: PveError, text: str, ended: str) -> None:
    world.pve.plan = Plan(raises=error, begins=False)
    await world.order()
    assert text in world.last.text
    assert world.last.text[0] in "❌🚫"
    assert any(button.tap == Ask("reboot", "main/101") for button in world.last.buttons.values())
    assert (await outcome(world)).startswith(ended)
    assert "node_tasks" not in world.pve.calls
    assert len(world.pve.writes) == 1


async def test_forbidden_comes_with_its_mend(world: World) -> None:
    reason = "Permission check failed (/vms/101, VM.PowerMgmt)"
    error = PveForbidden(reason, token=TOKEN, path="/vms/101", privilege="VM.PowerMgmt")
    world.pve.plan = Plan(raises=error, begins=False)
    await world.order()
    assert "it lacks VM.PowerMgmt on /vms/101" in world.last.text
    copy = world.last.buttons["Copy the command"].tap
    assert isinstance(copy, Copy)
    assert copy.text.startswith("pveum acl modify /vms/101")


async def test_without_its_audit_line_nothing_is_done(world: World) -> None:
    async def full(*args: object) -> int:
        raise StoreFailed(say("The bot's own database failed: {reason}.", reason="disk full"))

    world.store.asked = full  # type: ignore[assignment,method-assign]  # the stand-in, its disk full
    await world.order()
    assert "disk full" in world.shown.text
    assert world.pve.writes == []


async def test_a_upid_that_could_not_be_stored_is_followed_all_the_same(world: World) -> None:
    async def full(*args: object) -> None:
        raise StoreFailed(say("The bot's own database failed: {reason}.", reason="disk full"))

    world.store.started = full  # type: ignore[assignment,method-assign]  # the stand-in, its disk full
    await world.order()
    assert "has rebooted" in world.shown.text


# -- warnings, ends that nobody wrote down -------------------------------------------------------------------------


async def test_warnings_are_said(world: World) -> None:
    world.pve.plan.exit = "WARNINGS: 2"
    await world.order()
    assert world.last.text.startswith(f"⚠️ {NAME} has rebooted · 3 s\nWith warnings: WARNINGS: 2\n")
    assert "Log" in world.last.buttons
    assert "🔄 Reboot" in world.last.buttons
    assert await outcome(world) == "ok: WARNINGS: 2"


async def test_unexpected_status_is_read_once_more(world: World) -> None:
    plan = world.pve.plan = Plan(exit="unexpected status")
    await world.tap(Ask("reboot", "main/101"))
    await world.press("Yes")

    real = world.pve.task
    seen: list[str] = []

    async def settles(upid: object, *, role: Role) -> object:
        task = await real(upid, role=role)  # type: ignore[arg-type]  # passed through
        if task.exitstatus:
            seen.append(task.exitstatus)
            plan.exit = "OK"
        return task

    world.pve.task = settles  # type: ignore[assignment,method-assign]  # the stand-in, its log line a moment late
    await world.end()
    assert seen == ["unexpected status", "OK"]
    assert world.last.text.startswith("✅")
    assert await outcome(world) == "ok"


async def test_an_end_that_was_not_written_down_is_judged_by_the_guest(world: World) -> None:
    world.pve.plan.exit = "unexpected status"
    await world.order()
    assert "has rebooted" in world.last.text
    assert "How its task ended was not written down." in world.last.text
    assert await outcome(world) == "ok, by its state"


async def test_an_end_that_was_not_written_down_and_nothing_happened(world: World) -> None:
    world.pve.plan = Plan(exit="unexpected status", works=False)
    await world.order()
    assert "not as expected" in world.shown.text
    assert "unexpected status" in world.shown.text


async def test_a_task_that_its_node_does_not_know(world: World) -> None:
    await world.tap(Ask("reboot", "main/101"))
    world.pve.faults["task"] = deque([PveRefused("no such task", status=400)] * 2)
    await world.press("Yes")
    await world.end()
    assert "not written down" in world.shown.text


# -- long, away, HA ------------------------------------------------------------------------------------------------


def test_looks_grow_rarer() -> None:
    assert [pace(seconds) for seconds in (0, 9.9, 10, 59, 60, 900)] == [1, 1, 3, 3, 10, 10]


async def test_the_end_of_a_long_one_sounds(world: World) -> None:
    world.pve.plan.takes = 90
    await world.order()
    final, news = world.chat.said[-2:]
    assert (final.how, final.message) == ("edit", world.card)
    assert final.text.startswith(f"✅ {NAME} has rebooted · 1 min")
    assert (news.how, news.message.place) == ("send", world.card.place)
    assert news.text.startswith(f"✅ {NAME} has rebooted · 1 min")
    assert news.buttons[f"Open {NAME}"].tap == Open("vm", "main/101")
    assert {1.0, 3.0, 10.0} <= set(world.clock.slept)


async def test_the_end_of_a_short_one_is_silent(world: World) -> None:
    world.pve.plan.takes = 20
    await world.order()
    assert all(said.how in {"edit", "progress"} for said in world.chat.said)


async def test_a_long_failure_sounds_with_its_reason(world: World) -> None:
    world.pve.plan = Plan(takes=60, exit="got timeout", works=False)
    await world.order("shutdown")
    assert world.last.how == "send"
    assert world.last.text == f"❌ {NAME} did not shut down\ngot timeout"


@pytest.mark.parametrize("works", [True, False])
async def test_of_an_alert_that_it_mends_the_card_turns_green_and_nothing_sounds(world: World, works: bool) -> None:
    watch = Watch()
    watch.mended.add((world.card.place.chat, "shutdown", "main/101"))
    world.watched(watch)
    world.pve.plan = Plan(takes=90) if works else Plan(takes=90, exit="got timeout", works=False)
    await world.order("shutdown")
    assert world.last.how == ("edit" if works else "send")  # that it failed nothing else tells here


async def test_percent_where_the_log_has_one(world: World) -> None:
    world.pve.plan = Plan(
        takes=30, log=("INFO: starting", "INFO:  12% (1.2 GiB of 10.0 GiB) in 3s", "INFO:  34% (3 GiB)")
    )
    await world.order()
    assert any(" s · 34% · qmreboot" in text for text in progress(world))


@pytest.mark.parametrize(
    ("log", "found"),
    [
        (["INFO:  12% (1.2 GiB of 10.0 GiB) in 3s, read: 400.0 MiB/s"], 12),
        (["progress 34%"], 34),
        (["transferred 3.4 GiB of 10.0 GiB (34.00%)"], 34),
        (["99%", "100%", "TASK OK"], 100),
        (["no content"], None),
        (["load 12345%", "use 250%"], None),
        ([], None),
    ],
)
def test_percentages(log: list[str], found: int | None) -> None:
    assert percent(log) == found


async def test_a_log_that_cannot_be_read_is_no_matter(world: World) -> None:
    world.pve.plan.takes = 30
    world.pve.down["log"] = (0, 9e9, no_answer())
    await world.order()
    assert "has rebooted" in world.shown.text


async def test_a_node_that_goes_away_while_followed_ends_nothing(world: World) -> None:
    world.pve.plan.takes = 40
    began = world.clock.monotonic()
    world.pve.down["task"] = (began + 5, began + 60, AWAY)
    await world.order()
    assert any("pve1 does not answer; the task may go on." in text for text in progress(world))
    assert "has rebooted" in world.shown.text
    assert len(world.pve.writes) == 1


@pytest.mark.parametrize("error", [no_answer(), PveUnreachable("refused"), PveUnauthorized("x"), PveGarbled("html")])
async def test_no_failed_look_ends_a_run(world: World, error: PveError) -> None:
    world.pve.plan.takes = 10
    began = world.clock.monotonic()
    world.pve.down["task"] = (began, began + 30, error)
    await world.order()
    assert any("The task cannot be looked at" in text for text in progress(world))
    assert await outcome(world) == "ok"


async def test_what_never_ends_is_left_and_said(world: World) -> None:
    world.pve.plan.takes = 1e9
    await world.order()
    assert world.shown.text == f"⏳ Rebooting {NAME}: that still runs. It is no longer watched here."
    assert list(world.shown.buttons) == ["Log", "Look at tasks", f"‹ {NAME}"]
    assert await outcome(world) == "still running"
    assert world.clock.monotonic() - 1000 < 1000
    assert world.last.how == "send"


async def test_a_node_that_stays_away_is_said_at_the_end(world: World) -> None:
    began = world.clock.monotonic()
    world.pve.down["task"] = (began, 9e9, AWAY)
    await world.order()
    assert "pve1 does not answer; the task may go on." in world.shown.text


async def test_a_state_that_cannot_be_read_afterwards(world: World) -> None:
    await world.tap(Ask("reboot", "main/101"))
    await world.press("Yes")
    world.pve.down["guest"] = (world.clock.monotonic() + 2, 9e9, AWAY)
    await world.end()
    assert "not as expected" in world.shown.text
    assert "Its state could not be read: No route to host." in world.shown.text
    assert await outcome(world) == "unconfirmed: not seen"


async def test_a_guest_that_is_gone_afterwards(world: World) -> None:
    await world.tap(Ask("reboot", "main/101"))
    await world.press("Yes")
    gone = NotFound(say("{name} (101) is gone.", name=NAME))
    world.pve.down["guest"] = (world.clock.monotonic() + 2, 9e9, gone)
    await world.end()
    assert world.shown.text.endswith(f"{NAME} (101) is gone.")
    assert await outcome(world) == "unconfirmed: not seen"


async def test_a_guest_that_is_gone_when_its_task_fails(world: World) -> None:
    world.pve.plan = Plan(takes=5, exit="no such VM", works=False)
    await world.tap(Ask("reboot", "main/101"))
    await world.press("Yes")
    world.pve.down["guest"] = (world.clock.monotonic() + 2, 9e9, NotFound(say("gone")))
    await world.end()
    assert world.shown.text == f"❌ {NAME} did not reboot\nno such VM"


async def test_an_ha_guest_is_waited_for_though_its_task_ends_at_once(world: World) -> None:
    world.pve.guests[101] = replace(WEB, hastate="started")
    world.pve.plan = Plan(takes=0.5, later=150, type="hastop")
    await world.order("shutdown")
    assert world.shown.text.startswith(f"✅ {NAME} has shut down · 2 min")
    assert any("hastop" in text for text in progress(world))


async def test_an_ha_guest_that_starts_elsewhere(world: World) -> None:
    world.pve.guests[101] = replace(WEB, hastate="stopped", status=Status.STOPPED)
    world.pve.plan = Plan(takes=0.5, later=40, type="hastart", moves_to="pve2")
    await world.tap(Ask("start", "main/101"))
    await world.end()
    assert world.shown.text.startswith(f"✅ {NAME} has started")
    assert f"🟢 {NAME} · 101 · VM · pve2" in world.shown.text


async def test_ha_that_gives_up_is_said_at_once(world: World) -> None:
    world.pve.guests[101] = replace(WEB, hastate="stopped", status=Status.STOPPED)
    world.pve.plan = Plan(takes=0.5, works=False, type="hastart")
    await world.tap(Ask("start", "main/101"))
    world.pve.guests[101] = replace(WEB, hastate="error", status=Status.STOPPED)
    await world.end()
    assert "HA gave up on it" in world.shown.text
    assert world.clock.monotonic() - 1000 < 10


# -- a lost answer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [no_answer(), PveGarbled("not JSON")])
async def test_a_lost_answer_is_said_and_never_repeated(world: World, error: PveError) -> None:
    world.pve.plan = Plan(raises=error, begins=False)
    await world.order()
    assert world.last.text == ("❔ No answer from pve1. The reboot may or may not have started; it was not repeated.")
    assert world.last.buttons["Look at tasks"].tap == Open("tasks", "vm:main/101")
    assert not any(isinstance(button.tap, Ask) for button in world.last.buttons.values())
    assert (await outcome(world)).startswith("no answer")
    assert len(world.pve.writes) == 1


async def test_a_lost_answer_whose_task_is_found(world: World) -> None:
    world.pve.plan = Plan(takes=20, raises=no_answer())
    await world.order()
    assert any("looking for the task" in text for text in progress(world))
    assert "has rebooted" in world.shown.text
    assert await outcome(world) == "ok"
    assert len(world.pve.writes) == 1


async def test_a_task_that_is_listed_late_is_found(world: World) -> None:
    world.pve.plan = Plan(takes=20, raises=no_answer(), begins=False)
    world.pve.on_write = lambda: None
    path = "/nodes/pve1/qemu/101/status/reboot"
    real = world.pve.node_tasks

    async def late(*args: object, **kwargs: object) -> object:
        found = await real(*args, **kwargs)  # type: ignore[arg-type]  # passed through
        if not world.pve.tasks_:
            world.pve.begin(path, Plan(takes=5))
        return found

    world.pve.node_tasks = late  # type: ignore[assignment,method-assign]  # the stand-in, its list lagging
    await world.order()
    assert "has rebooted" in world.shown.text


async def test_tasks_of_others_are_not_taken_for_ours(world: World) -> None:
    path = "/nodes/pve1/qemu/101/status/reboot"
    world.pve.begin(path, Plan(), token="root@pam")
    world.pve.begin(path, Plan(type="qmshutdown"))
    world.pve.begin(path.replace("101", "102"), Plan(works=False))
    world.pve.begin(path, Plan(type="vzdump"))
    world.pve.plan = Plan(raises=no_answer(), begins=False)
    await world.order()
    assert "may or may not have started" in world.shown.text


async def test_the_task_of_the_order_before_is_not_taken_for_this_one(world: World) -> None:
    await world.order()
    assert "has rebooted" in world.shown.text
    world.pve.plan = Plan(raises=no_answer(), begins=False)
    await world.order()
    assert "may or may not have started" in world.shown.text
    assert len(world.pve.tasks_) == 1


async def test_an_old_task_is_not_taken_for_ours(world: World) -> None:
    world.pve.begin("/nodes/pve1/qemu/101/status/reboot", Plan())
    world.clock.passed += 40
    world.pve.plan = Plan(raises=no_answer(), begins=False)
    await world.order()
    assert "may or may not have started" in world.shown.text


async def test_a_node_that_gave_no_answer_is_asked_again_in_vain(world: World) -> None:
    world.pve.plan = Plan(raises=no_answer(), begins=False)
    world.pve.down["node_tasks"] = (0, 9e9, AWAY)
    await world.order()
    assert "may or may not have started" in world.shown.text
    assert timedelta(seconds=world.clock.monotonic() - 1000) < timedelta(minutes=2)


# -- telling -------------------------------------------------------------------------------------------------------


async def test_a_message_that_was_deleted_is_followed_by_a_new_one(world: World) -> None:
    world.pve.plan.takes = 5
    await world.tap(Ask("reboot", "main/101"))
    await world.press("Yes")
    world.chat.gone.add(world.card.id)
    await world.end()
    assert "has rebooted" in world.last.text
    assert world.last.message.id > 900


async def test_telegram_away_at_the_end_is_tried_again(world: World) -> None:
    await world.tap(Ask("reboot", "main/101"))
    await world.press("Yes")
    await world.until(lambda: "task" in world.life.steps)
    world.chat.unreachable = 9
    await world.end()
    assert "has rebooted" in world.last.text
    assert await outcome(world) == "ok"


async def test_a_chat_that_telegram_stopped_for_an_hour_hears_of_it(world: World) -> None:
    await world.tap(Ask("reboot", "main/101"))
    await world.press("Yes")
    await world.until(lambda: "task" in world.life.steps)
    began, real = world.clock.monotonic(), world.chat._fails
    world.chat._fails = lambda: world.clock.monotonic() < began + 3600 or real()  # type: ignore[method-assign]
    await world.end()
    assert "has rebooted" in world.last.text
    assert await outcome(world) == "ok"
    assert len(world.life.steps) < 200  # it does not hammer


async def test_what_could_not_be_told_is_told_once_at_the_next_start(tmp_path: Path) -> None:
    world = await World.make(tmp_path)
    world.pve.seen = world.pve.look()
    await world.tap(Ask("reboot", "main/101"))
    await world.press("Yes")
    world.chat.unreachable = 10**6
    await world.end()
    assert await outcome(world) == ""
    world.chat.unreachable = 0
    for told in (1, 0):
        world = await world.restart()
        said = len(world.chat.said)
        await world.runner.resume()
        await world.end()
        finals = [shown for shown in world.chat.said[said:] if shown.how == "edit"]
        assert len(finals) == told
        assert all("has rebooted" in shown.text for shown in finals)
        assert await outcome(world) == "ok"
        assert len(world.pve.writes) == 1
    await world.close()


async def test_what_was_refused_and_could_not_be_told_is_not_called_unknown_later(world: World) -> None:
    world.pve.plan = Plan(raises=PveUnreachable("no route"), begins=False)
    await world.tap(Ask("reboot", "main/101"))
    world.pve.on_write = lambda: setattr(world.chat, "unreachable", 10**6)
    await world.press("Yes")
    await world.end()
    assert (await outcome(world)).startswith("refused")


async def test_a_chat_that_is_gone_for_good_is_given_up_after_a_week(tmp_path: Path) -> None:
    world = await World.make(tmp_path)
    world.pve.seen = world.pve.look()
    await world.tap(Ask("reboot", "main/101"))
    await world.press("Yes")
    world.chat.unreachable = 10**6
    await world.end()
    for days, ended in ((5, ""), (3, "ok")):
        world.clock.passed += days * 86400
        world = await world.restart()
        await world.runner.resume()
        await world.end()
        assert await outcome(world) == ended
    assert len(world.pve.writes) == 1
    await world.close()


async def test_while_it_is_told_the_guest_is_free_again(world: World) -> None:
    await world.tap(Ask("reboot", "main/101"))
    await world.press("Yes")
    world.chat.unreachable = 10**6
    await world.until(lambda: any(pause >= 5 for pause in world.clock.slept))
    assert world.runner.refusal(Ask("stop", "main/101"), world.ask().asker, world.card) is None
    await world.end()


async def test_buttons_that_cannot_be_known_are_left_out(world: World) -> None:
    await world.tap(Ask("reboot", "main/101"))
    await world.press("Yes")
    world.pve.permissions_[Role.OPERATOR] = Permissions()
    await world.end()
    assert "has rebooted" in world.last.text
    assert not any(isinstance(button.tap, Ask) for button in world.last.buttons.values())
