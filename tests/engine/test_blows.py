"""Much at once, and one thing over and over: what a group is told of it is one message."""

from dataclasses import replace
from datetime import timedelta

from bot.model import Phase
from bot.rules.inhibits import PARENTS, inhibits
from bot.watch.inhibit import Parents
from tests.engine.kit import START, found, node_subject
from tests.engine.test_stories import alert, story


def test_a_reset_of_a_node_that_comes_and_goes_is_part_of_that() -> None:
    offline = alert("node_offline", Phase.FIRING)
    flapping = replace(offline, flapping=START + timedelta(minutes=30))
    for parent, node, counted in ((flapping, "pve1", True), (flapping, "pve2", False), (offline, "pve1", False)):
        parents = Parents(inhibits, PARENTS, START, 30)
        parents.add(parent)
        assert (parents.of(found("node_reset", node_subject(node), event="1")) is parent) is counted


async def test_five_hundred_guests_that_crash_are_one_card_until_they_run_again() -> None:
    async with story(guests=620) as run:
        world = run.cluster.world
        running = [one for one in world.guests.values() if one.running and not one.template]
        hit = [one for one in running if not one.ha and not one.lock and one.name != "win-test"][:500]
        before = len(run.replay.told)
        hit[400].onboot = hit[401].onboot = False
        for guest in hit:
            run.cluster.crash(guest.vmid)
        await run.pass_(90)
        assert run.sent(before) == [f"⚠️ {len(hit)} alerts"]
        stopped = [one for one in run.watch._table.all().values() if one.finding.rule == "guest_stopped_by_itself"]
        assert {one.phase for one in stopped} == {Phase.FIRING}
        calm = {one.finding.subject.id for one in stopped if not one.finding.loud}
        assert calm == {str(one.vmid) for one in hit if not one.onboot}  # all configurations have been read
        assert len(calm) == 2
        for guest in hit:
            world.boot(guest)
        await run.pass_(20)
        assert run.sent(before) == [f"⚠️ {len(hit)} alerts"]
        assert not [
            one for one in run.watch._table.all().values() if one.finding.rule == "guest_stopped_by_itself" and one.open
        ]


async def test_a_node_that_comes_and_goes_is_one_message_and_so_are_its_resets() -> None:
    async with story() as run:
        before = len(run.replay.told)
        for _ in range(12):
            run.cluster.set_fault("node_off", True, "pve3")
            await run.pass_(12)
            run.cluster.set_fault("node_off", False, "pve3")
            await run.pass_(18)
        back, offline = "🟢 pve3 is back after 12 s, {n} of {n} guests run", "🔴 pve3 is offline"
        lines = [line.partition(" · ")[0] for line in run.sent(before)]
        cut = "⚠️ Backup of archive failed"  # which ran there, and went with it the first time
        assert lines.count(cut) == 1
        told = [line for line in lines if line != cut]
        assert told == [offline, back.format(n=9), offline, back.format(n=9), "🔁 pve3 is offline"]
        flapping = len(run.replay.told)
        edits = run.replay.edits
        for _ in range(6):
            run.cluster.set_fault("node_off", True, "pve3")
            await run.pass_(12)
            run.cluster.set_fault("node_off", False, "pve3")
            await run.pass_(18)
        assert run.replay.edits - edits <= 1  # until when it is quiet
        run.cluster.set_fault("node_off", True, "pve3")  # for too short a time to be told as an absence
        await run.pass_(2)
        run.cluster.set_fault("node_off", False, "pve3")
        await run.pass_(300)
        (calm,) = run.sent(flapping)
        assert calm.startswith("🟢 pve3 is back after 4 s, 9 of 9 guests run")
