"""What is due when, what is not asked at all, and what a reading says of itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from bot.errors import PveAbsent, PveForbidden, PveNoAnswer, PveNodeDown, PveUnreachable
from bot.model import Outcome, Permissions, Status, Storage, Task, Upid
from bot.model.feeds import (
    AGENT,
    BACKUPS,
    BY_AGENT,
    CEPH,
    CERTIFICATES,
    DISKS,
    FEEDS,
    FILESYSTEMS,
    HA,
    NODE_STATUS,
    ONBOOT,
    PACKAGES,
    REPLICATION,
    SERVICES,
    SNAPSHOTS,
    STORAGES,
    ZFS,
)
from bot.model.readings import (
    Backups,
    Ceph,
    FileSystem,
    GuestDisks,
    GuestNotes,
    GuestSnapshots,
    NodeStatus,
    ReplicationJob,
    ZfsPool,
)
from bot.spawn import Spawn
from bot.text import Reader, plain
from tests.watch.feeding import AUDITOR, Clock, Pve, Watching, guest, settle, snapshot

HOUR = 240  # polls
TWELVE = {f"pve{number}": True for number in range(1, 13)}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pve(clock: Clock) -> Pve:
    found = Pve(clock)
    found.answers["replication", "*"] = (ReplicationJob(id="101-0", vmid=101, source="pve1", target="pve2"),)
    found.answers["zfs", "*"] = (ZfsPool(name="rpool", health="ONLINE"),)
    return found


@pytest.fixture
async def spawn() -> AsyncIterator[Spawn]:
    running = Spawn()
    yield running
    await running.close(0)


@pytest.fixture
def watching(pve: Pve, clock: Clock, spawn: Spawn) -> Watching:
    return Watching(pve, clock, spawn)


# -- paces ---------------------------------------------------------------------------------------------------------


async def test_each_feed_is_read_at_its_own_pace(watching: Watching, pve: Pve) -> None:
    await watching.polls(HOUR)
    pve.asked.clear()
    await watching.polls(4 * HOUR)
    counts = Counter(key for key, _, _ in pve.asked)
    assert counts[NODE_STATUS.key] == counts[HA.key] == pytest.approx(240, abs=1)
    assert counts[SERVICES.key] == counts[REPLICATION.key] == counts[ZFS.key] == pytest.approx(48, abs=1)
    assert counts[CERTIFICATES.key] == pytest.approx(4, abs=1)
    assert counts[STORAGES.key] == pytest.approx(4, abs=1), "nothing is wrong with one: seldom"
    assert counts[AGENT.key] == 0, "no guest is expected to have one"
    assert counts[BACKUPS.key] <= 1


async def test_a_scale_multiplies_every_pace(pve: Pve, clock: Clock, spawn: Spawn) -> None:
    watching = Watching(pve, clock, spawn, scale=0.25)
    await watching.polls(HOUR)
    pve.asked.clear()
    await watching.polls(HOUR)
    assert len(pve.of(NODE_STATUS, "pve1")) == pytest.approx(240, abs=1), "at each poll"
    assert len(pve.of(SERVICES, "pve1")) == pytest.approx(48, abs=1)
    assert len(pve.of(DISKS, "pve1")) <= 1


async def test_twelve_nodes_are_not_asked_in_the_same_second(watching: Watching, pve: Pve) -> None:
    watching.seen = snapshot(TWELVE)
    await watching.polls(HOUR)
    for feed in (NODE_STATUS, SERVICES, CERTIFICATES):
        at_once = Counter(at for key, _, at in pve.asked if key == feed.key)
        assert max(at_once.values()) <= 3 + 1, feed.key


async def test_soon_after_the_start_everything_has_been_read_once(watching: Watching, pve: Pve) -> None:
    await watching.polls(4 * 6)  # one node: six minutes
    read = {key for key, _, _ in pve.asked}
    assert read == {feed.key for feed in FEEDS} - BY_AGENT


async def test_nodes_that_are_gone_are_not_asked_and_their_readings_are_old(watching: Watching, pve: Pve) -> None:
    watching.seen = snapshot({"pve1": True, "pve2": True})
    await watching.polls(8)
    assert watching.feeder.feeds().fresh(NODE_STATUS, "pve2") is not None
    watching.seen = snapshot({"pve1": True, "pve2": False})
    pve.asked.clear()
    await watching.polls(1)
    assert watching.feeder.feeds().fresh(NODE_STATUS, "pve2") is None, "at once, however young it is"
    await watching.polls(HOUR)
    assert not [node for _, node, _ in pve.asked if node == "pve2"]
    reading = watching.feeder.feeds().get(NODE_STATUS, "pve2")
    assert reading is not None
    assert reading.value is not None
    assert not reading.fresh
    watching.seen = snapshot({"pve1": True})
    await watching.polls(1)
    assert watching.feeder.feeds().get(NODE_STATUS, "pve2") is None, "no member any more"


async def test_a_reading_that_takes_its_time_is_not_begun_twice(watching: Watching, pve: Pve) -> None:
    pve.gate = asyncio.Event()
    await watching.polls(40)
    assert max(Counter((key, node) for key, node, _ in pve.asked).values()) == 1
    assert watching.feeder.feeds().readings == {}
    pve.gate.set()
    await settle()
    assert watching.feeder.feeds().fresh(HA) is not None


async def test_where_the_cluster_cannot_be_read_nothing_is_asked(watching: Watching, pve: Pve) -> None:
    await watching.polls(40)
    pve.asked.clear()
    watching.seen = None  # type: ignore[assignment]
    await watching.polls(40)
    assert not pve.asked
    assert watching.feeder.feeds().get(HA) is not None
    assert watching.feeder.feeds().fresh(HA) is None, "ten minutes old"


# -- what a reading says -------------------------------------------------------------------------------------------


async def test_a_failure_keeps_the_last_value_and_is_tried_again_ever_more_seldom(
    watching: Watching, pve: Pve, clock: Clock
) -> None:
    await watching.polls(HOUR)
    pve.answers["services", "pve1"] = PveNoAnswer("no answer in time")
    before = len(pve.of(SERVICES, "pve1"))
    await watching.polls(60)  # a quarter of an hour
    tries = pve.of(SERVICES, "pve1")[before:]
    gaps = [after - earlier for earlier, after in pairwise(tries)]
    assert gaps[:3] == [30.0, 60.0, 120.0]
    assert max(gaps) <= 300
    reading = watching.feeder.feeds().get(SERVICES, "pve1")
    assert reading is not None
    assert (reading.value, reading.fresh, reading.fails) == ((), False, len(tries))
    assert reading.failing == clock.mono - tries[0]
    assert reading.trouble is not None
    assert "no answer in time" in plain(reading.trouble, Reader())
    del pve.answers["services", "pve1"]
    await watching.polls(21)
    again = watching.feeder.feeds().get(SERVICES, "pve1")
    assert again is not None
    assert (again.fresh, again.fails, again.failing, again.trouble) == (True, 0, 0.0, None)


async def test_what_is_not_there_is_absent_and_looked_for_again_after_an_hour(watching: Watching, pve: Pve) -> None:
    pve.answers["ceph", ""] = PveAbsent("binary not installed: /usr/bin/ceph-mon")
    await watching.polls(2 * HOUR)
    reading = watching.feeder.feeds().get(CEPH)
    assert reading is not None
    assert (reading.absent, reading.fails, reading.forbidden, reading.value) == (True, 0, False, None)
    assert len(pve.of(CEPH)) == 2
    pve.answers["ceph", ""] = Ceph(health="HEALTH_OK")
    await watching.polls(HOUR)
    assert watching.feeder.feeds().fresh(CEPH) == Ceph(health="HEALTH_OK")


async def test_a_node_that_does_not_answer_is_asked_one_thing_only(watching: Watching, pve: Pve) -> None:
    watching.seen = snapshot({"pve1": True, "pve2": True})
    await watching.polls(HOUR)
    for feed in FEEDS:
        pve.answers[feed.key, "pve2"] = PveNodeDown("Connection refused", node="pve2")
    await watching.polls(8)
    reading = watching.feeder.feeds().get(NODE_STATUS, "pve2")
    assert reading is not None
    assert (reading.silent, reading.fails > 0) == (True, True)
    pve.asked.clear()
    await watching.polls(HOUR)
    asked = Counter((key, node) for key, node, _ in pve.asked if node == "pve2")
    assert set(asked) == {(NODE_STATUS.key, "pve2")}
    assert asked[NODE_STATUS.key, "pve2"] >= 59
    for feed in FEEDS:
        pve.answers.pop((feed.key, "pve2"))
    await watching.polls(30)
    assert watching.feeder.feeds().fresh(NODE_STATUS, "pve2") is not None
    assert {key for key, node, _ in pve.asked if node == "pve2"} > {NODE_STATUS.key, SERVICES.key}


async def test_an_empty_pool_list_is_not_read_every_five_minutes(watching: Watching, pve: Pve) -> None:
    pve.answers["zfs", "*"] = pve.answers["replication", "*"] = ()
    await watching.polls(HOUR)
    pve.asked.clear()
    await watching.polls(HOUR)
    assert len(pve.of(ZFS, "pve1")) == 2
    assert len(pve.of(REPLICATION, "pve1")) == 4
    assert watching.feeder.feeds().fresh(ZFS, "pve1") == ()


# -- rights --------------------------------------------------------------------------------------------------------


async def test_what_the_token_may_not_read_is_not_asked(watching: Watching, pve: Pve) -> None:
    pve.rights = Permissions(paths={"/vms": {"VM.Audit": True}, "/nodes/pve1": {"Sys.Audit": True}})
    watching.seen = snapshot({"pve1": True, "pve2": True})
    await watching.polls(40)
    asked = {(key, node) for key, node, _ in pve.asked}
    assert (NODE_STATUS.key, "pve1") in asked
    assert (NODE_STATUS.key, "pve2") not in asked
    assert (HA.key, "") not in asked
    assert (CERTIFICATES.key, "pve2") in asked, "any token may"
    reading = watching.feeder.feeds().get(HA)
    assert reading is not None
    assert (reading.forbidden, reading.fresh) == (True, False)
    assert reading.trouble is not None
    assert plain(reading.trouble, Reader()) == "The token lacks Sys.Audit on /."


async def test_a_right_that_is_granted_is_noticed_within_five_minutes_and_one_that_is_taken(
    watching: Watching, pve: Pve
) -> None:
    pve.rights = Permissions(paths={"/vms": {"VM.Audit": True}})
    await watching.polls(40)
    pve.rights = Permissions(paths=AUDITOR)
    await watching.polls(22)
    assert watching.feeder.feeds().fresh(HA) is not None
    pve.rights = Permissions(paths={"/vms": {"VM.Audit": True}})
    await watching.polls(22)
    reading = watching.feeder.feeds().get(HA)
    assert reading is not None
    assert (reading.forbidden, reading.fresh) == (True, False)


async def test_where_the_rights_are_not_known_each_call_says_itself_what_it_lacks(watching: Watching, pve: Pve) -> None:
    pve.rights = PveNoAnswer("no answer in time")
    pve.answers["ha", ""] = PveForbidden("Permission check failed (/, Sys.Audit)", path="/", privilege="Sys.Audit")
    await watching.polls(20)
    reading = watching.feeder.feeds().get(HA)
    assert reading is not None
    assert (reading.forbidden, reading.fails > 0) == (True, True)
    assert watching.feeder.feeds().fresh(NODE_STATUS, "pve1") is not None


async def test_a_token_that_sees_a_part_of_the_guests_has_their_snapshots_read(watching: Watching, pve: Pve) -> None:
    pve.rights = Permissions(paths={"/pool/prod": {"VM.Audit": True}})
    await watching.polls(40)
    assert pve.of(SNAPSHOTS)
    assert not pve.of(HA)


# -- before its time -----------------------------------------------------------------------------------------------


def vzdump(number: int, clock: Clock, *, ended: bool) -> Task:
    return Task(
        cluster="main",
        upid=Upid.parse(f"UPID:pve1:0000AAAA:0000BBBB:{0x66000000 + number:08X}:vzdump::root@pam:"),
        outcome=Outcome.OK if ended else Outcome.RUNNING,
        end=clock.now() if ended else None,
    )


async def test_a_backup_that_ends_is_looked_at_at_once(watching: Watching, pve: Pve, clock: Clock) -> None:
    watching.tasks = [vzdump(1, clock, ended=True)]
    await watching.polls(HOUR)
    assert len(pve.of(BACKUPS)) == 1, "what had ended before the start is read with the first reading"
    watching.tasks = [*watching.tasks, vzdump(2, clock, ended=False)]
    await watching.polls(4)
    assert len(pve.of(BACKUPS)) == 1
    watching.tasks = [watching.tasks[0], vzdump(2, clock, ended=True)]
    await watching.polls(1)
    assert len(pve.of(BACKUPS)) == 2
    await watching.polls(20)
    assert len(pve.of(BACKUPS)) == 2


async def test_a_node_that_is_back_may_have_lost_backups_and_one_that_does_not_answer_yet_is_asked_again(
    watching: Watching, pve: Pve
) -> None:
    watching.seen = snapshot({"pve1": True, "pve2": False})
    await watching.polls(HOUR)
    assert len(pve.of(BACKUPS)) == 1
    watching.seen = snapshot({"pve1": True, "pve2": True})
    pve.answers["backups", "*"] = Backups(partly=True)
    await watching.polls(1)
    assert len(pve.of(BACKUPS)) == 2
    await watching.polls(20)
    assert len(pve.of(BACKUPS)) == 4, "five minutes"
    pve.answers["backups", "*"] = Backups()
    await watching.polls(40)
    assert len(pve.of(BACKUPS)) == 5


async def test_a_backup_that_ends_while_backups_are_read_is_not_missed(
    watching: Watching, pve: Pve, clock: Clock
) -> None:
    watching.tasks = [vzdump(1, clock, ended=True)]
    await watching.polls(40)
    pve.gate = asyncio.Event()
    watching.tasks = [*watching.tasks, vzdump(2, clock, ended=True)]
    await watching.polls(2)
    assert len(pve.of(BACKUPS)) == 2
    watching.tasks = [*watching.tasks, vzdump(3, clock, ended=True)]
    await watching.polls(2)
    assert len(pve.of(BACKUPS)) == 2, "still at it"
    pve.gate.set()
    await watching.polls(3)
    assert len(pve.of(BACKUPS)) == 3
    await watching.polls(20)
    assert len(pve.of(BACKUPS)) == 3


async def test_a_guest_that_stops_is_asked_at_once_whether_it_starts_with_its_node(
    watching: Watching, pve: Pve
) -> None:
    watching.seen = snapshot({"pve1": True}, [guest(101)])
    await watching.polls(40)
    before = len(pve.of(ONBOOT))
    watching.seen = snapshot({"pve1": True}, [guest(101, Status.STOPPED), guest(102, Status.STOPPED, template=True)])
    pve.answers["onboot", ""] = GuestNotes(onboot=frozenset({101}), read=frozenset({101}))
    await watching.polls(1)
    assert len(pve.of(ONBOOT)) == before + 1
    await watching.polls(4)
    assert len(pve.of(ONBOOT)) == before + 1


async def test_a_storage_that_the_list_misses_is_asked_for_at_its_usual_pace(watching: Watching, pve: Pve) -> None:
    nas = Storage(cluster="main", name="nas", node="pve1", shared=False, available=False)
    await watching.polls(HOUR)
    watching.seen = snapshot({"pve1": True}, storages=[nas])
    pve.asked.clear()
    await watching.polls(HOUR)
    assert len(pve.of(STORAGES, "pve1")) == pytest.approx(12, abs=1)


async def test_an_agent_is_asked_once_a_guest_is_expected_to_have_one(watching: Watching, pve: Pve) -> None:
    await watching.polls(40)
    assert not pve.of(AGENT)
    watching.seen = snapshot({"pve1": True}, [guest(101, tags=("expect-agent",))])
    await watching.polls(40)
    assert len(pve.of(AGENT)) == pytest.approx(5, abs=1)


async def test_what_an_agent_said_before_its_tag_came_back_is_no_reading(watching: Watching, pve: Pve) -> None:
    """Disks are read once an hour: meanwhile they may have been emptied."""
    tagged, bare = guest(101, tags=("expect-agent",)), guest(101)
    full = GuestDisks(of={101: (FileSystem(mount="/", used=97, total=100),)})
    pve.answers["filesystems", ""] = full
    watching.seen = snapshot({"pve1": True}, [tagged])
    await watching.polls(200)
    assert watching.feeder.feeds().fresh(FILESYSTEMS) == full
    watching.seen = snapshot({"pve1": True}, [bare])
    await watching.polls(8)
    pve.gate = asyncio.Event()  # its answer takes a while
    watching.seen = snapshot({"pve1": True}, [tagged])
    watching.feeder.tick(watching.seen, ())
    assert watching.feeder.feeds().fresh(FILESYSTEMS) is None
    pve.answers["filesystems", ""] = GuestDisks()
    pve.gate.set()
    await watching.polls(2)
    assert watching.feeder.feeds().fresh(FILESYSTEMS) == GuestDisks()


async def test_a_guest_that_is_newly_expected_to_have_an_agent_is_asked_at_once(watching: Watching, pve: Pve) -> None:
    tagged = [guest(vmid, tags=("expect-agent",)) for vmid in (101, 102)]
    watching.seen = snapshot({"pve1": True}, tagged[:1])
    await watching.polls(200)
    pve.asked.clear()
    watching.seen = snapshot({"pve1": True}, tagged)
    await watching.polls(4)
    assert len(pve.of(FILESYSTEMS)) == 1
    watching.seen = snapshot({"pve1": True}, tagged[1:])  # one less is no news
    await watching.polls(4)
    assert len(pve.of(FILESYSTEMS)) == 1


async def test_snapshots_of_which_some_are_still_to_be_read_go_on_soon(
    watching: Watching, pve: Pve, clock: Clock
) -> None:
    watching.seen = snapshot({"pve1": True}, [guest(101), guest(102), guest(103, template=True)])
    one, other = GuestSnapshots(vmid=101, count=1), GuestSnapshots(vmid=102, count=0)

    def long() -> tuple[GuestSnapshots, ...]:
        clock.pass_(45)
        return (one,) if len(pve.of(SNAPSHOTS)) == 1 else (one, other)

    pve.answers["snapshots", ""] = long
    await watching.polls(8)
    assert len(pve.of(SNAPSHOTS)) == 1
    await watching.polls(HOUR)
    assert len(pve.of(SNAPSHOTS)) == 2


async def test_snapshots_that_may_not_be_seen_are_not_asked_for_again_and_again(watching: Watching, pve: Pve) -> None:
    watching.seen = snapshot({"pve1": True}, [guest(101), guest(102)])
    pve.answers["snapshots", ""] = (GuestSnapshots(vmid=101, count=1),)
    await watching.polls(HOUR)
    assert len(pve.of(SNAPSHOTS)) == 1


# -- once a day ----------------------------------------------------------------------------------------------------


async def test_disks_are_read_at_the_chosen_hour_and_no_other(watching: Watching, pve: Pve, clock: Clock) -> None:
    await watching.polls(HOUR)
    assert len(pve.of(DISKS, "pve1")) == 1, "once after an install"
    started, at = clock.mono, clock.wall
    await watching.polls(3 * 24 * HOUR // 4, every=60.0)
    hours = [(at + timedelta(seconds=asked - started)).hour for asked in pve.of(DISKS, "pve1")[1:]]
    assert hours == [4, 4, 4]


async def test_the_hour_is_one_by_the_local_clock(pve: Pve, clock: Clock, spawn: Spawn) -> None:
    watching = Watching(pve, clock, spawn, daily_hour=2, zone=timezone(timedelta(hours=5)))
    await watching.polls(HOUR)
    started, at = clock.mono, clock.wall
    await watching.polls(24 * 60, every=60.0)
    assert [(at + timedelta(seconds=asked - started)).hour for asked in pve.of(DISKS, "pve1")[1:]] == [21]


async def test_a_restart_does_not_wake_the_disks(watching: Watching, pve: Pve, clock: Clock) -> None:
    await watching.polls(HOUR)
    facts = dict(watching.feeder.remembered())
    assert facts["feed/main/disks/pve1"].startswith("2026-03-04T12:")
    assert watching.feeder.remembered() == {}, "told once"
    for _ in range(3):
        watching.feeder = watching.make(facts=facts)
        await watching.polls(HOUR)
    assert len(pve.of(DISKS, "pve1")) == 1
    clock.pass_(3 * 86_400)
    watching.feeder = watching.make(facts={**facts, "feed/main/zpools/pve1": "garbled"})
    await watching.polls(HOUR)
    assert len(pve.of(DISKS, "pve1")) == 2, "missed for days"


async def test_a_nodes_disks_can_be_left_asleep(pve: Pve, clock: Clock, spawn: Spawn) -> None:
    watching = Watching(pve, clock, spawn, unread=frozenset({"pve2"}))
    watching.seen = snapshot({"pve1": True, "pve2": True})
    await watching.polls(HOUR)
    assert (len(pve.of(DISKS, "pve1")), len(pve.of(DISKS, "pve2"))) == (1, 0)
    reading = watching.feeder.feeds().get(DISKS, "pve2")
    assert reading is not None
    assert (reading.absent, reading.fresh, reading.forbidden) == (True, False, False)


# -- asked for now -------------------------------------------------------------------------------------------------


async def test_a_reading_can_be_had_now_and_in_bounded_time(watching: Watching, pve: Pve) -> None:
    await watching.polls(2)
    reading = await watching.feeder.refresh(STORAGES, "pve1")
    assert (reading.fresh, reading.value) == (True, ())
    before = len(pve.of(STORAGES, "pve1"))
    pve.gate = asyncio.Event()
    both = asyncio.gather(
        watching.feeder.refresh(STORAGES, "pve1", timeout=0.01), watching.feeder.refresh(STORAGES, "pve1", timeout=0.01)
    )
    late = await both
    assert [one.fresh for one in late] == [False, False]
    assert late[0].value == (), "the last good one"
    assert len(pve.of(STORAGES, "pve1")) == before + 1, "the second joined the first"
    pve.gate.set()


async def test_a_guests_tasks_can_be_looked_up(watching: Watching, pve: Pve, clock: Clock) -> None:
    task = vzdump(1, clock, ended=True)
    pve.answers["tasks", "pve1"] = (task,)
    assert await watching.feeder.guest_tasks("pve1", 101) == (task,)
    assert pve.asked[-1][0] == "tasks of 101 since 11:30"
    pve.answers["tasks", "pve1"] = PveNodeDown("Connection refused", node="pve1")
    assert await watching.feeder.guest_tasks("pve1", 101, datetime(2026, 3, 4, 9, tzinfo=UTC)) is None
    assert pve.asked[-1][0] == "tasks of 101 since 09:00"


async def test_a_clock_that_jumps_disturbs_nothing(watching: Watching, pve: Pve, clock: Clock) -> None:
    await watching.polls(40)
    clock.wall -= timedelta(days=400)
    pve.asked.clear()
    await watching.polls(HOUR)
    assert len(pve.of(NODE_STATUS, "pve1")) == pytest.approx(60, abs=1)
    status = watching.feeder.feeds().fresh(NODE_STATUS, "pve1")
    assert status == NodeStatus(load5=1.0)
    assert len(pve.of(DISKS, "pve1")) <= 1


async def test_in_a_hurry_everything_is_read_even_what_is_read_once_a_day(watching: Watching, pve: Pve) -> None:
    pve.answers["zfs", "pve1"] = PveAbsent("no ZFS")
    pve.answers["ceph", ""] = PveUnreachable("no answer")
    await watching.polls(400)
    pve.asked.clear()
    await watching.polls(1)
    few = {key for key, _, _ in pve.asked}
    watching.feeder.hurry()
    pve.asked.clear()
    await watching.polls(1)
    every = {feed.key for feed in FEEDS} - BY_AGENT  # no guest is expected to have one
    assert {key for key, _, _ in pve.asked} == every
    assert few < every
    await watching.polls(4)
    assert len(pve.of(DISKS, "pve1")) == 1


async def test_in_a_hurry_a_reading_that_is_under_way_is_followed_by_another(watching: Watching, pve: Pve) -> None:
    await watching.polls(400)
    pve.asked.clear()
    pve.gate = asyncio.Event()
    watching.feeder.hurry()
    await watching.polls(1)
    assert len(pve.of(DISKS, "pve1")) == 1
    watching.feeder.hurry()
    pve.gate.set()
    await watching.polls(5)
    assert len(pve.of(DISKS, "pve1")) == 2


async def test_what_was_pushed_is_read_at_once_of_its_node(watching: Watching, pve: Pve, clock: Clock) -> None:
    watching.seen = snapshot({"pve1": True, "pve2": True, "pve3": False})
    pve.answers["packages", "pve2"] = PveUnreachable("no answer")
    await watching.polls(400)
    clock.pass_(60)
    for node, read in (("pve1", ["packages", "backups"]), ("pve2", []), ("pve3", []), ("elsewhere", [])):
        pve.asked.clear()
        watching.feeder.soon((PACKAGES, BACKUPS), node)
        await settle()
        assert sorted(key for key, _, _ in pve.asked) == sorted(read), node
        watching.feeder.soon((PACKAGES, BACKUPS), node)  # a storm of them is one reading
        await settle()
        assert len(pve.asked) == len(read), node
