"""Stories of nodes that go, and of what goes with them, at the paces of the demo: what a group is told of them."""

import re
from datetime import timedelta

import pytest

from bot.model import Phase
from bot.model.view import Push
from bot.text import Reader, plain
from tests.engine.kit import ANA
from tests.engine.replay import GROUP
from tests.engine.test_stories import Story, story


def told(run: Story, before: int) -> str:
    return "\n".join(one.text for one in run.replay.told[before:])


async def test_a_fence_is_no_alert_of_its_own_once_its_node_is_back() -> None:
    async with story() as run:
        before = len(run.replay.told)
        run.cluster.set_fault("node_off", True, "pve2")
        await run.pass_(180)
        run.cluster.set_fault("node_off", False, "pve2")
        await run.pass_(120)
        assert "pve2 is offline" in told(run, before)
        assert "pve2 is back" in told(run, before)
        assert "fences" not in told(run, before)
        assert "HA starts elsewhere: ct-files" in told(run, before)


async def test_a_node_that_is_switched_off_while_ha_has_it_under_maintenance_makes_no_sound() -> None:
    async with story() as run:
        before = len(run.replay.told)
        run.cluster.set_fault("ha_maintenance", True, "pve2")
        await run.pass_(20)
        run.cluster.set_fault("node_off", True, "pve2")
        await run.pass_(100)
        (message,) = run.replay.told[before:]
        assert message.silent
        assert "pve2 is offline, under HA maintenance" in message.text
        run.cluster.set_fault("node_off", False, "pve2")
        run.cluster.set_fault("ha_maintenance", False, "pve2")
        await run.pass_(60)
        assert len(run.sent(before)) == 1
        run.cluster.set_fault("node_off", True, "pve2")
        await run.pass_(30)
        assert run.sent(before)[-1] == "🔴 pve2 is offline"


def fencing(run: Story, node: str, number: int = 1) -> Push:
    return Push(id=f"fence{number}", at=run.clock.now(), kind="fencing", severity="error", title="Trying to fence",
                message="", host=node)  # fmt: skip


@pytest.mark.parametrize("node", ["pve2", "pve3"])
async def test_a_fence_that_is_pushed_is_part_of_the_message_of_its_node(node: str) -> None:
    """Also where it comes before a poll has seen that its node is gone."""
    async with story() as run:
        before = len(run.replay.told)
        await run.watch.push(fencing(run, node))
        await run.tick()
        run.cluster.set_fault("node_fenced", True, node)
        for number in range(2, 30):
            await run.pass_(6)
            if number in {8, 20}:
                await run.watch.push(fencing(run, node, number))
        assert run.sent(before) == [f"🔴 {node} is offline"]
        assert "HA fences" not in told(run, before)
        run.cluster.set_fault("node_fenced", False, node)
        await run.pass_(120)
        later = [line for line in run.sent(before)[1:] if "Backup" not in line]  # one that it took along
        assert ["is back" in line for line in later] == [True]
        assert not [one for one in run.watch._table.all().values() if one.finding.subject.id == node and one.open]


async def test_a_fence_that_is_pushed_of_a_node_that_stays_is_told_and_over_within_minutes() -> None:
    async with story() as run:
        before = len(run.replay.told)
        await run.watch.push(fencing(run, "pve3"))
        await run.pass_(30)
        assert run.sent(before) == ["🔴 HA fences pve3"]
        await run.pass_(60)
        assert run.of("node_fenced", "pve3").phase is Phase.OVER
        assert run.sent(before) == ["🔴 HA fences pve3", "🟢 pve3 was not fenced: it stayed online · 44 s"]


@pytest.mark.parametrize("many", [2, 9])
async def test_what_does_not_start_with_its_node_is_named_when_that_is_back_and_started_from_there(many: int) -> None:
    async with story() as run:
        ran = [one for one in run.cluster.world.guests.values() if one.node == "pve2" and one.running and not one.ha]
        left = ran[:many]
        for guest in left:
            guest.onboot = False
        await run.pass_(400)  # read every five minutes
        before = len(run.replay.told)
        run.cluster.set_fault("node_off", True, "pve2")
        await run.pass_(200)
        run.cluster.set_fault("node_off", False, "pve2")
        await run.pass_(50)
        said = f"🟢 pve2 is back after 3 min, {len(ran) - many} of {len(ran)} guests, not started: db, git"
        (end,) = [one for one in run.replay.told[before:] if one.text.startswith("🟢")]
        assert end.text.startswith(said)
        assert ("and 5 more" in end.text) == (many > 4)
        assert [one.text.splitlines()[0] for one in run.replay.told[before:]] == ["🔴 pve2 is offline", end.text]
        after = run.of("node_offline", "pve2").finding.after
        assert [(cure.key, cure.arg) for cure in after] == [
            *[("start", f"main/{guest.vmid}") for guest in left[:3]],
            *[("vms", "node:pve2 cluster:main status:stopped")] * (many > 3),
        ]


async def test_an_ordered_reboot_makes_no_sound_however_long_a_guest_takes() -> None:
    async with story() as run:
        before = len(run.replay.told)
        for guest in run.cluster.world.guests.values():
            guest.deaf = guest.deaf or guest.node == "pve3"  # 180 s each, then by force
        run.cluster.set_fault("node_reboot", True, "pve3")
        await run.pass_(150)
        assert "pve3" not in [one.name for one in run.cluster.world.nodes.values() if not one.online]
        await run.pass_(250)
        assert "pve3 is off, shut down by root@pam" in told(run, before)
        assert "sounds if it is not back by" in told(run, before)
        assert "🟢 pve3 is back after" in "\n".join(run.replay.shown.values())
        assert [one.text for one in run.replay.told[before:] if not one.silent] == []


async def test_one_that_is_not_back_after_a_shutdown_in_order_is_told_with_sound_once() -> None:
    async with story() as run:
        before = len(run.replay.told)
        run.cluster.set_fault("node_down", True, "pve2")
        await run.pass_(250)
        mine = [one for one in run.replay.told[before:] if "pve2" in one.text]
        quiet, loud = mine
        assert quiet.silent
        assert quiet.text.startswith("🔵 pve2 is off, shut down by root@pam")
        assert (loud.silent, loud.reply) == (False, True)
        assert loud.text.splitlines()[0].startswith("🔴 pve2 has not come back, ordered down ")
        assert "worse" not in loud.text
        shown = "\n".join(run.replay.shown.values())
        times = re.search(r"noted (\d\d:\d\d) · fired (\d\d:\d\d)", shown)
        assert times is not None, shown
        (kept,) = [one for one in await run.watch.history() if one.rule == "node_offline"]
        alert = run.of("node_offline", "pve2")
        assert alert.fired is not None
        assert [f"{at.astimezone():%H:%M}" for at in (alert.fired, kept.fired)] == list(times.groups())
        assert (kept.fired - alert.fired).total_seconds() > 30


async def maintain(run: Story, seconds: float) -> int:
    until = run.clock.now() + timedelta(seconds=seconds)
    made = await run.watch.silence("node", "main", "pve2", until, ANA, maintenance=True)
    return made.id


@pytest.mark.parametrize("fault", ["node_off", "node_down"])  # by itself, in order
@pytest.mark.parametrize("by_hand", [False, True])
async def test_a_maintenance_that_ends_with_the_node_off_is_one_message(by_hand: bool, fault: str) -> None:
    async with story() as run:
        before = len(run.replay.told)
        silence = await maintain(run, 1000 if by_hand else 200)
        await run.tick()
        run.cluster.set_fault(fault, True, "pve2")
        await run.pass_(180)
        assert told(run, before) == ""
        (shown,) = [one for one in run.watch.alerts() if one.finding.rule == "node_offline" and one.open]
        assert plain(shown.finding.said, Reader()) == "pve2 is offline, under maintenance"
        if by_hand:
            assert await run.watch.unsilence(silence, ANA)
            await run.deliverer.drain(GROUP)
        await run.pass_(60)
        (one,) = run.replay.told[before:]
        assert one.text.startswith("🔴 pve2 is offline · maintenance is over\n")
        assert ("shut down by root@pam" in one.text) is (fault == "node_down")
        assert not one.silent


async def test_what_was_told_before_its_maintenance_is_told_anew_beside_its_card() -> None:
    async with story() as run:
        before = len(run.replay.told)
        run.cluster.set_fault("node_off", True, "pve2")
        await run.pass_(20)
        await maintain(run, 150)
        await run.pass_(100)
        (card,) = [number for number, text in run.replay.shown.items() if "pve2 is offline" in text]
        assert run.replay.shown[card].startswith("🔵 pve2 is offline, under maintenance")
        await run.pass_(100)
        first, again = (one for one in run.replay.told[before:] if "pve2 is offline" in one.text)
        assert (first.silent, again.silent, again.reply) == (False, False, True)
        assert again.text.splitlines()[0] == "🔴 pve2 is offline · maintenance is over"
        assert run.replay.shown[card].startswith("🔴 pve2 is offline · maintenance is over")


async def test_what_ha_hands_over_in_an_ordered_shutdown_is_not_told() -> None:
    async with story() as run:
        before = len(run.replay.told)
        run.cluster.set_fault("node_down", True, "pve2")
        await run.pass_(90)
        assert run.cluster.guest(112).node != "pve2"
        assert "pve2 is off, shut down by root@pam" in told(run, before)
        assert "HA restarted" not in told(run, before)


async def test_what_ha_starts_elsewhere_is_told_in_the_message_of_the_dead_node() -> None:
    async with story() as run:
        before = len(run.replay.told)
        run.cluster.set_fault("node_off", True, "pve2")
        await run.pass_(400)
        assert run.cluster.guest(112).node != "pve2"
        (one,) = run.replay.told[before:]
        assert one.text.startswith("🔴 pve2 is offline")
        (card,) = [text for text in run.replay.shown.values() if "pve2 is offline" in text]
        assert "HA started elsewhere: ct-files" in card


async def test_a_lost_quorum_takes_over_nothing_that_was_wrong_before() -> None:
    async with story() as run:
        before = len(run.replay.told)
        open_before = {alert.number: alert for alert in run.watch.alerts() if alert.open}
        assert open_before
        run.cluster.set_fault("quorum_lost", True)
        await run.pass_(60)
        assert "has lost its quorum" in told(run, before)
        assert "with it" not in told(run, before)
        assert not [number for number in open_before if (alert := run.watch.alert(number)) and alert.parent]


async def test_a_node_that_was_off_while_the_quorum_was_lost_is_named_there_and_in_the_history() -> None:
    async with story() as run:
        before = len(run.replay.told)
        run.cluster.set_fault("quorum_lost", True)
        run.cluster.set_fault("node_off", True, "pve3")
        await run.pass_(200)
        (card,) = [text for text in run.replay.shown.values() if "has lost its quorum" in text]
        assert "offline: pve3" in card
        assert "guests there: pve3" not in card
        run.cluster.set_fault("node_off", False, "pve3")
        run.cluster.set_fault("quorum_lost", False)
        await run.pass_(1200)
        assert not [one.text for one in run.replay.told[before:] if "pve3 is offline" in one.text]
        (kept,) = [one for one in await run.watch.history() if one.rule == "node_offline"]
        assert kept.over is not None
        assert (kept.subject.name, kept.told) == ("pve3", False)
        assert kept.lasted is not None
        assert kept.lasted > 100


async def test_what_ha_started_elsewhere_while_the_bot_was_away_is_told_at_the_start_and_once() -> None:
    async with story() as run:
        before = len(run.replay.told)
        run.cluster.set_fault("node_off", True, "pve2")
        for _ in range(20):
            run.cluster.advance(10)
        assert run.cluster.guest(112).node != "pve2"
        await run.start()
        await run.pass_(10)
        (start,) = [one for one in run.replay.told[before:] if "before the bot started" in one.text]
        assert "pve2 is offline" in start.text
        assert "HA started ct-files on" in start.text
        await run.start()
        await run.pass_(60)
        assert told(run, before).count("HA started ct-files") == 1
