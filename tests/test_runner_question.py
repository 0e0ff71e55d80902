"""From a tap to the write: who may, the question, its Yes, and everything that closes it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.access import Role, Scope
from bot.errors import NotFound, PveNodeDown, PveUnreachable
from bot.model import Kind, Permissions, Status
from bot.runner.pending import Questions
from bot.screen import Ask, Cancel, Copy, Do, Message, Open, Place, Screen
from bot.text import say
from tests.runner_world import ALL, ANA, BEN, EVE, GROUP, NAME, WEB, Clock, World, no_answer

REBOOT = Ask("reboot", "main/101")
START = Ask("start", "main/101")
OTHER = Message(place=GROUP, id=43)
NOTHING: list[object] = []


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World.make(tmp_path)
    made.pve.seen = made.pve.look()
    yield made
    await made.close()


def stop(world: World) -> None:
    world.pve.guests[101] = replace(WEB, status=Status.STOPPED)


async def test_a_question_costs_one_call_and_says_what_one_looks_at_first(world: World) -> None:
    world.pve.guests[101] = replace(WEB, hastate="started")
    await world.tap(REBOOT)
    assert world.pve.calls == ["guest"]
    assert world.last.how == "edit"
    assert world.last.message == world.card
    assert world.last.text == f"🔄 Reboot {NAME} (101) on pve1?\nruns 1 h 23 min · HA started · no lock"
    ((yes, no),) = world.last.screen.rows
    assert list(world.last.buttons) == [f"🔄 Yes, reboot {NAME}", "Cancel"]
    assert (type(yes.tap), yes.style, type(no.tap)) == (Do, "danger", Cancel)


async def test_the_question_says_that_quorum_is_lost(world: World) -> None:
    world.pve.quorate = False
    await world.pve.snapshot()
    await world.tap(REBOOT)
    assert "No quorum: what goes down cannot be started again." in world.last.text


async def test_a_node_that_takes_its_time_is_said(world: World) -> None:
    answered = asyncio.Event()
    world.pve.hangs["guest"] = answered.wait
    await world.pve.snapshot()
    tap = world.spawn(world.tap(REBOOT), "tap")
    await world.until(lambda: bool(world.chat.said))
    assert (world.last.how, world.last.text) == ("progress", f"⏳ Looking at {NAME}…")
    answered.set()
    await tap
    assert world.last.text.startswith(f"🔄 Reboot {NAME}")


async def test_without_ha_and_lock_the_question_fits_a_phone(world: World) -> None:
    await world.tap(REBOOT)
    assert world.last.text.endswith("\nruns 1 h 23 min · no HA · no lock")
    world.pve.guests[101] = replace(WEB, status=Status.PAUSED)
    await world.tap(Ask("stop", "main/101"))
    assert world.last.text.endswith("\npaused · no HA · no lock")


@pytest.mark.parametrize(
    ("key", "hastate", "told"),
    [
        ("shutdown", "started", True),
        ("stop", "started", True),
        ("reboot", "started", False),
        ("shutdown", "", False),
        ("stop", "ignored", False),
    ],
)
async def test_the_question_tells_what_ha_makes_of_it(world: World, key: str, hastate: str, told: bool) -> None:
    """Of a guest that HA manages it is HA that is asked, and HA keeps it down from then on."""
    world.pve.guests[101] = replace(WEB, hastate=hastate)
    await world.tap(Ask(key, "main/101"))
    assert ("HA's requested state becomes stopped" in world.last.text) is told


async def test_the_yes_reads_as_something_to_do(world: World) -> None:
    await world.tap(Ask("shutdown", "main/101"))
    assert f"📴 Yes, shut down {NAME}" in world.last.buttons
    await world.press("Cancel")
    await world.tap(Ask("stop", "main/101"))
    assert f"⏹ Yes, force stop {NAME}" in world.last.buttons


async def test_without_any_snapshot_the_guest_is_looked_up(world: World) -> None:
    world.pve.seen = None
    assert await world.tap(REBOOT) is None
    assert world.pve.calls == ["snapshot", "guest"]
    assert "Reboot" in world.last.text


async def test_yes_is_one_write_with_the_token_of_the_role(world: World) -> None:
    await world.order()
    assert world.pve.writes == [(Role.OPERATOR, "POST", "/nodes/pve1/qemu/101/status/reboot", {})]


async def test_no_leads_back_to_the_card(world: World) -> None:
    await world.tap(REBOOT)
    await world.press("Cancel")
    assert "🟢" in world.last.text
    assert NAME in world.last.text
    assert "🔄 Reboot" in world.last.buttons
    assert world.pve.writes == NOTHING


async def test_start_asks_nothing(world: World) -> None:
    stop(world)
    await world.tap(START)
    await world.end()
    assert [path for _, _, path, _ in world.pve.writes] == ["/nodes/pve1/qemu/101/status/start"]


# -- twice, late, by somebody else, from elsewhere -----------------------------------------------------------------


async def test_two_taps_on_yes_at_once_are_one_write(world: World) -> None:
    await world.tap(REBOOT)
    tap = world.last.buttons["Cancel"].tap
    assert isinstance(tap, Cancel)
    yes = Do(tap.nonce)
    arrived = world.clock.monotonic()
    # past the door both: as if it had let the two in before either was at work
    await asyncio.gather(*(world.runner.on_tap(yes, world.ask(), world.card, arrived=arrived) for _ in range(2)))
    await world.end()
    assert len(world.pve.writes) == 1
    assert "has rebooted" in world.shown.text


async def test_yes_again_is_told_that_it_is_closed(world: World) -> None:
    await world.tap(REBOOT)
    question = world.last
    await world.press("Yes")
    again = question.screen.rows[0][0].tap
    assert isinstance(again, Do)
    assert await world.tap(again) == "That question is no longer open. This tap did nothing."
    await world.end()
    assert await world.tap(again) == "That question is no longer open. This tap did nothing."
    assert len(world.pve.writes) == 1


async def test_two_taps_on_start_at_once_are_one_write(world: World) -> None:
    stop(world)
    arrived = world.clock.monotonic()
    await asyncio.gather(*(world.runner.on_tap(START, world.ask(), world.card, arrived=arrived) for _ in range(2)))
    await world.end()
    assert len(world.pve.writes) == 1
    assert "has started" in world.shown.text


async def test_start_tapped_again_while_it_runs_is_a_toast(world: World) -> None:
    stop(world)
    await world.tap(START)
    toast = await world.tap(START, BEN)
    assert toast == f"Starting {NAME}: under way already, ordered by Ana. Wait for its end."
    await world.end()
    assert len(world.pve.writes) == 1
    assert await world.tap(Ask("stop", "main/101"), BEN) is None  # and free again


async def test_two_people_at_once_one_is_told_that_it_is_busy(world: World) -> None:
    stop(world)
    arrived = world.clock.monotonic()
    await asyncio.gather(
        world.runner.on_tap(START, world.ask(), world.card, arrived=arrived),
        world.runner.on_tap(START, world.ask(BEN), OTHER, arrived=arrived),
    )
    await world.end()
    assert len(world.pve.writes) == 1
    (bens,) = [said for said in world.chat.said if said.message == OTHER]
    assert "under way already, ordered by Ana" in bens.text


async def test_another_spelling_is_no_second_guest(world: World) -> None:
    stop(world)
    other = Message(place=GROUP, id=43)
    for target in ("main/0101", "main/00101", "main/+101", "main/ 101", "main/101 "):
        first = world.tap(START)
        second = world.runner.on_tap(Ask("start", target), world.ask(BEN), other, arrived=world.clock.monotonic())
        await asyncio.gather(first, second)
        await world.end()
        stop(world)
    assert len(world.pve.writes) == 5


async def test_only_the_asker_can_say_yes_or_no(world: World) -> None:
    await world.tap(REBOOT)
    question = world.last
    for label in ("Yes", "Cancel"):
        assert await world.press(label, BEN) == "Only the one who asked may answer this."
    yes = question.screen.rows[0][0].tap
    assert isinstance(yes, Do)
    await world.runner.on_tap(yes, world.ask(BEN), world.card, arrived=world.clock.monotonic())  # past the door
    assert world.last is question
    assert await world.press("Yes") is None
    await world.end()
    assert len(world.pve.writes) == 1


async def test_only_in_its_own_message(world: World) -> None:
    await world.tap(REBOOT)
    yes = world.last.screen.rows[0][0].tap
    assert isinstance(yes, Do)
    assert "no longer open" in (await world.tap(yes, message=OTHER) or "")
    elsewhere = Message(place=Place(chat=-999), id=world.card.id)
    assert "no longer open" in (await world.tap(yes, message=elsewhere) or "")
    same_without_topic = Message(place=Place(chat=GROUP.chat), id=world.card.id)
    assert await world.tap(yes, message=same_without_topic) is None
    await world.end()
    assert len(world.pve.writes) == 1


@pytest.mark.parametrize("nonce", ["", "x", "A" * 60, "main/101"])
async def test_made_up_answers_find_nothing(world: World, nonce: str) -> None:
    await world.tap(REBOOT)
    for tap in (Do(nonce), Cancel(nonce)):
        assert "no longer open" in (await world.tap(tap) or "")
        await world.runner.on_tap(tap, world.ask(), world.card, arrived=world.clock.monotonic())
    assert "Yes" in str(world.last.buttons)
    assert world.pve.writes == NOTHING


async def test_yes_within_60_s(world: World) -> None:
    await world.tap(REBOOT)
    world.clock.passed += 59
    assert await world.press("Yes") is None
    await world.end()
    assert len(world.pve.writes) == 1


async def test_yes_after_60_s_is_too_late_and_cancel_is_not(world: World) -> None:
    await world.tap(REBOOT)
    world.clock.passed += 60
    assert await world.press("Yes") == "That question is older than 60 s. Nothing was done; ask again."
    await world.press("Cancel")
    assert "🔄 Reboot" in world.last.buttons
    assert world.pve.writes == NOTHING


async def test_yes_that_expires_behind_the_door_is_said_in_the_message(world: World) -> None:
    await world.tap(REBOOT)
    yes = world.last.screen.rows[0][0].tap
    assert isinstance(yes, Do)
    world.clock.passed += 61
    await world.runner.on_tap(yes, world.ask(), world.card, arrived=world.clock.monotonic())
    assert "older than 60 s" in world.last.text
    assert world.pve.writes == NOTHING


async def test_any_edit_of_the_message_closes_the_question(world: World) -> None:
    await world.tap(REBOOT)
    yes = world.last.screen.rows[0][0].tap
    assert isinstance(yes, Do)
    world.runner.revoke(OTHER)
    world.runner.revoke(world.card)
    assert "no longer open" in (await world.tap(yes) or "")
    assert world.pve.writes == NOTHING


async def test_a_yes_may_be_faster_than_telegrams_answer_to_the_question(world: World) -> None:
    """Telegram shows the edit, the person taps, and only then its answer to the edit arrives."""
    real, toasts = world.chat.edit, list[str | None]()

    async def slow(message: Message, screen: Screen, *, progress: bool = False) -> Message | None:
        shown = await real(message, screen, progress=progress)
        tap = screen.rows[0][0].tap if screen.rows else None
        if isinstance(tap, Do):
            toasts.append(await world.tap(tap, message=Message(place=GROUP, id=43)))  # not where it stands
            toasts.append(await world.tap(tap, BEN))  # not who asked
            toasts.append(await world.tap(tap))
        return shown

    world.chat.edit = slow  # type: ignore[method-assign]  # the stand-in, with people beside it
    await world.tap(REBOOT)
    await world.end()
    assert ["no longer open" in (toasts[0] or ""), "Only the one" in (toasts[1] or ""), toasts[2]] == [True, True, None]
    assert len(world.pve.writes) == 1
    assert "has rebooted" in world.shown.text


async def test_a_question_closed_while_it_was_sent_stays_closed(world: World) -> None:
    real = world.chat.edit
    world.chat.gone.add(world.card.id)

    async def slow(message: Message, screen: Screen, *, progress: bool = False) -> Message | None:
        shown = await real(message, screen, progress=progress)
        world.runner.revoke(message)
        return shown

    world.chat.edit = slow  # type: ignore[method-assign]
    await world.tap(REBOOT)
    assert "no longer open" in (await world.press("Yes") or "")
    assert world.pve.writes == NOTHING


async def test_the_next_question_in_the_message_closes_the_one_before(world: World) -> None:
    await world.tap(REBOOT)
    first = world.last.screen.rows[0][0].tap
    await world.tap(Ask("stop", "main/101"), BEN)
    assert isinstance(first, Do)
    assert "no longer open" in (await world.tap(first) or "")
    await world.press("Yes", BEN)
    await world.end()
    assert [path.rpartition("/")[2] for _, _, path, _ in world.pve.writes] == ["stop"]


async def test_a_refusal_in_the_message_closes_the_question_too(world: World) -> None:
    await world.tap(REBOOT)
    yes = world.last.screen.rows[0][0].tap
    assert isinstance(yes, Do)
    await world.tap(START, BEN)
    assert "not possible" in world.last.text
    assert "no longer open" in (await world.tap(yes) or "")


async def test_progress_of_a_run_closes_a_question_in_its_message(world: World) -> None:
    world.pve.guests[102] = replace(WEB, vmid=102, status=Status.STOPPED)
    world.pve.booted[102] = 0
    world.pve.plan.takes = 20
    world.pve.seen = world.pve.look()
    assert await world.tap(Ask("start", "main/102")) is None
    await world.tap(REBOOT, BEN)  # an old button of the same message, pressed meanwhile
    question = world.last
    yes = question.screen.rows[0][0].tap
    assert isinstance(yes, Do)
    await world.until(lambda: world.last is not question and world.last.how == "progress")
    assert "no longer open" in (await world.tap(yes, BEN) or "")
    await world.end()
    assert len(world.pve.writes) == 1


async def test_a_question_that_was_not_sent_cannot_be_answered(world: World) -> None:
    world.chat.unreachable = 1
    await world.tap(REBOOT)
    assert world.chat.said == NOTHING
    assert world.runner._questions._open == {}


async def test_a_question_in_a_message_that_was_gone_is_bound_to_the_new_one(world: World) -> None:
    world.chat.gone.add(world.card.id)
    await world.tap(REBOOT)
    assert world.last.message.id != world.card.id
    yes = world.last.screen.rows[0][0].tap
    assert isinstance(yes, Do)
    assert "no longer open" in (await world.tap(yes, message=world.card) or "")
    await world.press("Yes")
    await world.end()
    assert len(world.pve.writes) == 1


async def test_a_tap_that_waited_two_minutes_never_acts(world: World) -> None:
    stop(world)
    await world.tap(START, age=121)
    assert world.last.text.startswith("That tap waited 2 min")
    world.pve.guests[101] = WEB
    await world.tap(REBOOT)
    await world.press("Yes", age=121)
    assert world.last.text.startswith("That tap waited 2 min")
    assert world.pve.writes == NOTHING


async def test_the_age_is_looked_at_again_before_the_write(world: World) -> None:
    stop(world)
    world.pve.on_write = lambda: pytest.fail("written")
    real = world.store.asked

    async def slow(*args: object) -> int:
        world.clock.passed += 30  # what the way to the write took
        return await real(*args)  # type: ignore[arg-type]  # passed through

    world.store.asked = slow  # type: ignore[assignment,method-assign]  # the stand-in, made slow
    await world.tap(START, age=100)
    await world.end()
    assert "waited 2 min" in world.shown.text
    assert await world.audit() != []


def test_a_question_is_taken_once_and_by_its_asker_alone() -> None:
    questions = Questions(Clock())
    pending = questions.issue(7, "reboot", "main/101")
    assert questions.take(pending.nonce, 7, OTHER) is None  # not bound: its message was never sent
    questions.bind(pending.nonce, OTHER)
    assert questions.take(pending.nonce, 8, OTHER) is None
    assert questions.take(pending.nonce, 7, OTHER) == replace(pending, message=OTHER)
    assert questions.take(pending.nonce, 7, OTHER) is None


def test_of_two_questions_in_a_message_the_one_bound_last_stands() -> None:
    questions = Questions(Clock())
    first, second = (questions.issue(person, "reboot", "main/101") for person in (7, 8))
    questions.bind(first.nonce, OTHER)
    questions.bind(second.nonce, OTHER)
    assert questions.find(first.nonce, OTHER) is None
    assert questions.find(second.nonce, OTHER) is not None


def test_questions_are_not_kept_for_ever() -> None:
    clock = Clock()
    questions = Questions(clock)
    for _ in range(3):
        questions.issue(7, "reboot", "main/101")
        clock.passed += 3600
    questions.issue(7, "reboot", "main/101")
    assert len(questions._open) == 1


# -- role, freeze, scope, privilege, state: at the door, and read again --------------------------------------------


async def test_a_viewer_is_told_at_the_door(world: World) -> None:
    assert await world.tap(REBOOT, EVE) == "Your role here is viewer; reboot needs operator."


async def test_a_role_that_was_lost_meanwhile(world: World) -> None:
    await world.tap(REBOOT)
    assert (
        await world.press("Yes", replace(ANA, role=Role.VIEWER)) == "Your role here is viewer; reboot needs operator."
    )
    yes = world.last.screen.rows[0][0].tap
    assert isinstance(yes, Do)
    lost = replace(ANA, role=Role.VIEWER)
    await world.runner.on_tap(yes, world.ask(lost), world.card, arrived=world.clock.monotonic())
    assert "needs operator" in world.last.text
    assert world.pve.writes == NOTHING


async def test_frozen_between_question_and_yes(world: World) -> None:
    await world.tap(REBOOT)
    await world.store.freeze(True, BEN)
    assert "frozen" in (await world.press("Yes") or "")
    assert "frozen" in (await world.tap(START) or "")
    yes = world.last.screen.rows[0][0].tap
    assert isinstance(yes, Do)
    await world.runner.on_tap(yes, world.ask(), world.card, arrived=world.clock.monotonic())
    assert "frozen" in world.last.text
    assert world.pve.writes == NOTHING


async def test_frozen_between_the_check_and_the_write(world: World) -> None:
    stop(world)
    real = world.store.asked

    async def meanwhile(*args: object) -> int:
        await world.store.freeze(True, BEN)
        return await real(*args)  # type: ignore[arg-type]  # passed through

    world.store.asked = meanwhile  # type: ignore[assignment,method-assign]  # the stand-in, with an admin beside it
    await world.tap(START)
    await world.end()
    assert "All changes are frozen" in world.shown.text
    assert world.pve.writes == NOTHING
    assert [outcome.partition(":")[0] for _, outcome in await world.audit()] == ["ok", "refused"]


async def test_frozen_while_the_write_waits_for_its_turn(world: World) -> None:
    stop(world)

    async def freeze() -> None:
        await world.store.freeze(True, BEN)

    world.pve.waits = freeze
    await world.tap(START)
    await world.end()
    assert "All changes are frozen" in world.shown.text
    assert "Nothing was done" in world.shown.text
    assert world.pve.writes == NOTHING
    assert [outcome.partition(":")[0] for _, outcome in await world.audit()] == ["refused", "ok"]


async def test_the_tap_grows_too_old_while_the_write_waits(world: World) -> None:
    stop(world)
    world.pve.waits = lambda: world.clock.sleep(60)
    await world.tap(START, age=70)
    await world.end()
    assert "waited" in world.shown.text
    assert world.pve.writes == NOTHING


async def test_what_is_out_of_scope_does_not_exist(world: World) -> None:
    narrow = replace(ANA, scope=Scope(pools=frozenset({"shop"})))
    assert await world.tap(REBOOT, narrow) == "There is no guest 101."
    world.pve.seen = None  # the door has seen nothing yet
    assert await world.tap(REBOOT, narrow) is None
    assert world.last.text == "There is no guest 101."
    assert list(world.last.buttons) == ["‹ Guests"]
    assert "guest" not in world.pve.calls


async def test_scope_is_read_again_from_where_the_guest_is_now(world: World) -> None:
    on_pve1 = replace(ANA, scope=Scope(nodes=frozenset({"pve1"})))
    await world.tap(REBOOT, on_pve1)
    world.pve.guests[101] = replace(WEB, node="pve2")
    await world.press("Yes", on_pve1)
    assert world.last.text == "There is no guest 101."
    assert world.pve.writes == NOTHING


@pytest.mark.parametrize(
    "target",
    ["", "main", "main/", "other/101", "main/x", "main/101/7", "main/٣", "main/1" + "0" * 30, "main/0101", "main//101"],
)
async def test_a_target_that_means_nothing(world: World, target: str) -> None:
    assert "too old" in (await world.tap(Ask("reboot", target)) or "")
    await world.runner.on_tap(Ask("reboot", target), world.ask(), world.card, arrived=world.clock.monotonic())
    assert "no longer knows" in world.last.text or "too old" in world.last.text
    assert world.pve.writes == NOTHING


async def test_an_action_that_is_no_more(world: World) -> None:
    assert "too old" in (await world.tap(Ask("explode", "main/101")) or "")
    await world.runner.on_tap(Ask("explode", "main/101"), world.ask(), world.card, arrived=world.clock.monotonic())
    assert "too old" in world.last.text


async def test_a_guest_that_is_gone(world: World) -> None:
    await world.tap(REBOOT)
    del world.pve.guests[101]
    await world.press("Yes")
    assert world.last.text.startswith("There is no guest 101.")
    assert await world.tap(REBOOT) == "There is no guest 101."  # by now the snapshot knows
    assert world.pve.writes == NOTHING


async def test_a_guest_that_the_door_does_not_find_on_any_node(world: World) -> None:
    world.pve.down["guest"] = (0, 9e9, NotFound(say("{name} (101) is gone.", name=NAME)))
    await world.tap(REBOOT)
    assert world.last.text == f"{NAME} (101) is gone."
    assert list(world.last.buttons) == ["‹ Guests"]


async def test_a_guest_newer_than_the_last_snapshot_is_looked_for(world: World) -> None:
    world.pve.guests = {}
    world.pve.seen = world.pve.look()
    world.pve.guests[101] = WEB
    world.clock.passed += 61
    assert await world.tap(REBOOT) is None
    assert "Reboot" in world.last.text


async def test_a_guest_that_was_paused_meanwhile(world: World) -> None:
    await world.tap(REBOOT)
    world.pve.guests[101] = replace(WEB, status=Status.PAUSED)
    await world.press("Yes")
    assert world.last.text.startswith(f"{NAME} is paused now: “Reboot” is not possible.")
    assert "▶️ Resume" in world.last.buttons  # from its fresh state: how to go on
    assert "🔄 Reboot" not in world.last.buttons
    assert world.pve.writes == NOTHING


async def test_an_action_of_the_other_kind(world: World) -> None:
    world.pve.guests[101] = replace(WEB, kind=Kind.LXC)
    await world.tap(Ask("reset", "main/101"))
    assert "not possible" in world.last.text


async def test_a_privilege_that_the_token_lacks_comes_with_its_mend(world: World) -> None:
    await world.tap(REBOOT)
    world.pve.permissions_[Role.OPERATOR] = Permissions(paths={"/vms": {"VM.Audit": True}})
    await world.press("Yes")
    assert "it lacks VM.PowerMgmt on /vms/101" in world.last.text
    command = world.last.buttons["Copy the command"].tap
    assert command == Copy(
        "pveum acl modify /vms/101 --users bot@pve --roles TelemoxView,TelemoxPower && "
        "pveum acl modify /vms/101 --tokens 'bot@pve!power' --roles TelemoxPower"
    )
    assert world.pve.writes == NOTHING


async def test_without_a_power_token_the_bot_only_looks(world: World) -> None:
    del world.pve.permissions_[Role.OPERATOR]
    await world.tap(REBOOT)
    assert "no API token for this" in world.last.text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PveNodeDown("No route to host", node="pve1"), "pve1 does not answer (No route to host)."),
        (PveUnreachable("connection refused"), "Proxmox VE cannot be reached: connection refused."),
        (no_answer(), "No answer from pve1:8006: read timed out."),
    ],
)
async def test_a_cluster_that_does_not_answer_the_check(world: World, error: PveNodeDown, words: str) -> None:
    world.pve.down["guest"] = (0, 9e9, error)
    await world.tap(REBOOT)
    assert words in world.last.text
    assert world.last.buttons["↻"].tap == Open("vm", "main/101")
    world.pve.down.clear()
    await world.tap(REBOOT)
    world.pve.down["guest"] = (0, 9e9, error)
    await world.press("Yes")
    assert words in world.last.text
    assert world.last.text.startswith('🚫 Nothing was done to web<1>_&"')
    assert "Last seen: 🟢 web<1>" in world.last.text, (
        "a state that nobody has read just now is not said to be the state"
    )
    assert world.pve.writes == NOTHING
    assert await world.audit() == NOTHING
    world.pve.down.clear()
    assert await world.tap(REBOOT) is None  # not busy: the claim was given back
    assert "?" in world.last.text


async def test_fresh_permissions_decide_not_the_drawn_button(world: World) -> None:
    world.pve.permissions_[Role.OPERATOR] = Permissions(paths={"/vms/102": {"VM.PowerMgmt": True}})
    await world.tap(REBOOT)
    assert "lacks VM.PowerMgmt" in world.last.text
    world.pve.permissions_[Role.OPERATOR] = ALL
    await world.tap(REBOOT)
    assert "Yes" in str(world.last.buttons)
