"""Killed at any instant: at most one write ever, and whoever asked hears of the end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.access import Asker, Role, Roles
from bot.errors import PveUnreachable
from bot.model import Status
from bot.ports import UNSENT
from bot.screen import Ask, Do, Message, Place
from tests.runner_world import ANA, GROUP, NAME, TOKEN, WEB, Life, Plan, World, no_answer

REBOOT = Ask("reboot", "main/101")
PATH = "/nodes/pve1/qemu/101/status/reboot"


async def one_life(folder: Path, dies_at: int | None, plan: Plan) -> World:
    """Asks, says yes, and lets the run go on until its end or that of the process."""
    world = await World.make(folder, life=Life(dies_at))
    world.pve.seen = world.pve.look()
    world.pve.plan = plan
    try:
        await world.tap(REBOOT)
        yes = world.last.screen.rows[0][0].tap
        assert isinstance(yes, Do)
        await world.tap(yes)
    except asyncio.CancelledError:
        assert world.life.dead
    await world.end()
    return world


def plans() -> dict[str, Plan]:
    return {
        "well": Plan(takes=40),
        "badly": Plan(takes=12, exit="got timeout", works=False),
        "no answer, begun": Plan(takes=12, raises=no_answer()),
        "no answer, not begun": Plan(raises=no_answer(), begins=False),
    }


@pytest.mark.parametrize("name", plans())
async def test_killed_at_every_step(tmp_path: Path, name: str) -> None:
    whole = await one_life(tmp_path / "whole", None, plans()[name])
    steps = list(whole.life.steps)
    await whole.close()
    assert len(whole.pve.writes) == 1
    assert {"asked", "write", "written", "ended, written"} <= set(steps)

    for dies_at in range(1, len(steps) + 1):
        where = f"died at {dies_at}, {steps[dies_at - 1]}"
        first = await one_life(tmp_path / str(dies_at), dies_at, plans()[name])
        assert first.life.dead, where
        before = len(first.pve.writes)
        assert before <= 1, where
        asked = await first.store.real.unfinished()

        second = await first.restart()
        said = len(second.chat.said)
        await second.runner.resume()
        await second.end()

        assert len(second.pve.writes) == before, where
        assert await second.store.real.unfinished() == [], where
        if asked:
            told = [shown for shown in second.chat.said[said:] if shown.how != "progress"]
            assert told, where
            assert told[0].message == second.card, where
            assert told[0].text[0] in "✅❌❔⚠", where
            assert second.shown.how == "edit", where
            assert ("may or may not" in told[0].text) == (before == 0 or name == "no answer, not begun"), where
        else:
            assert len(second.chat.said) == said, where
        await second.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World.make(tmp_path)
    made.pve.seen = made.pve.look()
    yield made
    await made.close()


async def left(
    world: World, *, message: Message | None = None, action: str = "reboot", target: str = "main/101"
) -> int:
    return await world.store.real.asked(ANA, message or world.card, action, target, TOKEN)


async def test_a_task_that_still_runs_is_followed(world: World) -> None:
    order = await left(world)
    upid = world.pve.begin(PATH, Plan(takes=30))
    await world.store.real.started(order, str(upid))
    await world.runner.resume()
    await world.end()
    assert any(said.how == "progress" and "qmreboot" in said.text for said in world.chat.said)
    assert world.shown.text.startswith(f"✅ {NAME} has rebooted\n🟢")
    assert world.last.how == "send"  # nobody waits in front of it any more
    assert world.pve.writes == []
    assert await world.audit() == [("reboot", "ok")]


async def test_meanwhile_the_guest_is_busy(world: World) -> None:
    order = await left(world)
    await world.store.real.started(order, str(world.pve.begin(PATH, Plan(takes=30))))
    await world.runner.resume()
    assert "ordered by Ana" in (await world.tap(Ask("stop", "main/101")) or "")
    await world.end()
    assert await world.tap(Ask("stop", "main/101")) is None


async def test_an_order_given_before_resume_has_read_is_no_leftover(world: World) -> None:
    await world.tap(REBOOT)
    await world.press("Yes")
    await world.until(lambda: "asked, written" in world.life.steps)
    await world.runner.resume()
    await world.end()
    assert len(world.pve.writes) == 1
    assert [said.how for said in world.chat.said].count("edit") == 2  # the question and one end
    assert await world.audit() == [("reboot", "ok")]


async def test_the_bot_was_away_for_days(world: World) -> None:
    order = await left(world)
    await world.store.real.started(order, str(world.pve.begin(PATH, Plan(takes=30))))
    world.clock.passed += 3 * 86400
    await world.runner.resume()
    await world.end()
    assert "has rebooted" in world.shown.text


async def test_a_guest_that_did_not_reboot_is_not_called_rebooted(world: World) -> None:
    order = await left(world)
    await world.store.real.started(order, str(world.pve.begin(PATH, Plan(takes=5, works=False))))
    world.clock.passed += 100
    await world.runner.resume()
    await world.end()
    assert "not as expected" in world.shown.text


async def test_a_task_that_began_much_later_is_somebody_elses(world: World) -> None:
    await left(world)
    world.clock.passed += 600
    world.pve.begin(PATH, Plan(takes=5))
    await world.runner.resume()
    await world.end()
    assert "may or may not have started" in world.shown.text


async def test_a_guest_that_moved_meanwhile_is_looked_for_everywhere(world: World) -> None:
    await left(world)
    world.pve.begin(PATH, Plan(takes=5))
    world.pve.guests[101] = replace(WEB, node="pve2")
    await world.runner.resume()
    await world.end()
    assert "has rebooted" in world.shown.text


async def test_a_guest_that_is_gone_is_told_all_the_same(world: World) -> None:
    order = await left(world)
    await world.store.real.started(order, str(world.pve.begin(PATH, Plan(takes=5, exit="no such guest", works=False))))
    world.pve.guests = {}
    await world.runner.resume()
    await world.end()
    assert world.shown.text == "❌ VM 101 did not reboot\nno such guest"


async def test_a_cluster_that_cannot_be_reached_at_start_is_waited_for(world: World) -> None:
    order = await left(world)
    await world.store.real.started(order, str(world.pve.begin(PATH, Plan(takes=5))))
    now = world.clock.monotonic()
    for call in ("snapshot", "guest", "task", "node_tasks"):
        world.pve.down[call] = (now, now + 120, PveUnreachable("connection refused"))
    await world.runner.resume()
    await world.end()
    assert "has rebooted" in world.shown.text


async def test_a_cluster_that_stays_away_is_said_in_the_end(world: World) -> None:
    await left(world)
    world.pve.seen = None
    for call in ("snapshot", "guest", "task", "node_tasks"):
        world.pve.down[call] = (0, 9e9, PveUnreachable("connection refused"))
    await world.runner.resume()
    await world.end()
    assert "may or may not have started" in world.shown.text
    assert await world.store.real.unfinished() == []


async def test_a_message_that_is_gone_is_sent_anew(world: World) -> None:
    order = await left(world)
    await world.store.real.started(order, str(world.pve.begin(PATH, Plan(takes=0.5))))
    world.chat.gone.add(world.card.id)
    await world.runner.resume()
    await world.end()
    (only,) = world.chat.said  # which sounds by itself: nothing is said twice
    assert only.message.place == GROUP
    assert only.message.id > 900


async def test_without_a_message_the_person_hears_of_it(world: World) -> None:
    order = await world.store.real.asked(ANA, None, "reboot", "main/101", TOKEN)
    await world.store.real.started(order, str(world.pve.begin(PATH, Plan(takes=2))))
    await world.runner.resume()
    await world.end()
    assert (world.last.how, world.last.message.place) == ("send", Place(chat=ANA.id))


async def test_in_a_group_that_moved(world: World) -> None:
    await left(world)
    world.pve.begin(PATH, Plan(takes=2))
    await world.store.real.migrate(GROUP.chat, -1000)
    world.roles = world.roles.migrated(GROUP.chat, -1000)
    await world.runner.resume()
    await world.end()
    assert world.last.message.place.chat == -1000


@pytest.mark.parametrize(("action", "target"), [("explode", "main/101"), ("reboot", "other/101"), ("reboot", "main/x")])
async def test_what_cannot_be_looked_up_any_more_is_said_once(world: World, action: str, target: str) -> None:
    await left(world, action=action, target=target)
    await world.runner.resume()
    await world.end()
    assert "is not known: the bot was restarted with other settings" in world.shown.text
    rest = await world.store.real.unfinished()
    assert rest == []


async def test_a_upid_that_is_none_is_looked_for_like_a_missing_one(world: World) -> None:
    order = await left(world)
    await world.store.real.started(order, "scribble")
    await world.runner.resume()
    await world.end()
    assert "may or may not have started" in world.shown.text


async def test_two_left_behind_are_both_told(world: World) -> None:
    await left(world)
    await left(world, message=Message(place=GROUP, id=43), action="stop")
    world.pve.begin(PATH, Plan(takes=2))
    await world.runner.resume()
    await world.end()
    ends = {said.message.id: said.text for said in world.chat.said if said.how == "edit"}
    assert "has rebooted" in ends[42]
    assert "The force stop may or may not have started" in ends[43]
    assert world.runner.refusal(REBOOT, ANA, world.card) is None


async def test_the_order_may_have_been_somebodys_who_may_less_now(world: World) -> None:
    """The end is told; its buttons are drawn for the role that the order needed, and pressing decides."""
    order = await world.store.real.asked(
        Asker(id=9, name="Eve", role=Role.VIEWER), world.card, "shutdown", "main/101", TOKEN
    )
    world.pve.guests[101] = replace(WEB, status=Status.RUNNING)
    upid = world.pve.begin(PATH.replace("reboot", "shutdown"), Plan(takes=2, exit="got timeout", works=False))
    await world.store.real.started(order, str(upid))
    await world.runner.resume()
    await world.end()
    assert "did not shut down" in world.shown.text
    assert "Retry" in world.shown.buttons
    eve = Asker(id=9, name="Eve", role=Role.VIEWER)
    assert world.runner.refusal(Ask("shutdown", "main/101"), eve, world.card) is not None


async def test_nothing_left_behind_is_nothing_done(world: World) -> None:
    await world.runner.resume()
    await world.end()
    assert world.chat.said == []
    assert world.pve.calls == []


@pytest.mark.parametrize("action", sorted(UNSENT))
async def test_what_was_never_sent_is_not_looked_up(world: World, action: str) -> None:
    """A silence, in force or not: nobody waits for its end."""
    await left(world, action=action, target="guest main/101")
    await world.runner.resume()
    await world.end()
    assert world.chat.said == []
    assert world.pve.calls == []
    assert await world.store.real.unfinished() == []


@pytest.mark.parametrize("known", [True, False])
async def test_whose_role_was_taken_away_hears_nothing_of_it(world: World, known: bool) -> None:
    world.roles = Roles(granted={GROUP.chat: Role.VIEWER, 8: Role.ADMIN})
    mine = Message(place=Place(chat=ANA.id), id=7)
    if known:
        order = await left(world, message=mine)
        await world.store.real.started(order, str(world.pve.begin(PATH, Plan(takes=30))))
    else:
        await left(world, message=mine, target="gone/101")
    await world.runner.resume()
    await world.end()
    assert world.chat.said == []
    assert await world.audit() == [("reboot", "ok" if known else "unknown: cannot be looked up any more")]
