"""A fault that is off has left nothing: at whatever moment it goes off, however often it was on, beside what else."""

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.demo.cluster import FAULTS, Cluster
from bot.demo.cluster.things import Guest
from tests.demo.cluster_kit import EPOCH

LASTS = [fault.key for fault in FAULTS if not fault.once]
PASSES = [fault.key for fault in FAULTS if fault.once and fault.key not in {"crash", "started"}]
STATES = ("paused", "qmpstatus", "tags", "onboot", "ha", "hastate", "agent", "agent_alive", "unsaved", "broken", "used",
          "load", "memory", "snapshots")  # fmt: skip
LONG = 5_000.0  # seconds until what was begun has come to its end
DELAYS = (0.0, 1.0, 3.0, 12.0, 45.0, 140.0, 500.0)  # before, within and after what takes its time


@dataclass
class Standing:
    """How things stand, but for what moves by itself."""

    nodes: dict[str, object]
    guests: dict[int, object]
    rest: object
    up: set[int]
    locked: set[int]


def of(guest: Guest) -> object:
    return {name: getattr(guest, name) for name in STATES}


def standing(cluster: Cluster) -> Standing:
    world = cluster.world
    running = {task.upid for task in cluster.tasks() if task.running and task.user == "ana@pve"}
    return Standing(
        nodes={name: _node(node) for name, node in world.nodes.items()},
        guests={vmid: of(guest) for vmid, guest in world.guests.items()},
        rest=(
            [(one.name, one.node, one.used, one.active) for one in world.storages],
            (world.quorum_lost, world.quorate, world.ceph, world.disarmed, set(world.fenced), [*world.tasks.fails]),
            [asdict(job) for job in world.jobs],
            [(name, token.expire) for name, token in world.access.tokens.items()],
            [set(port.shut_by) for port in cluster.ports],
            running,
            [row["key"] for row in cluster.faults() if row["on"]],
        ),
        up={guest.vmid for guest in world.guests.values() if guest.running},
        locked={guest.vmid for guest in world.guests.values() if guest.lock},
    )


def _node(node: Any) -> object:
    machine = asdict(node.machine)
    for job in machine["replications"]:
        del job["last_sync"], job["last_try"]
    names = ("online", "going_down", "maintenance", "frozen", "silent", "used", "load")
    return (set(node.off_by), machine, *(getattr(node, name) for name in names))


def made() -> Cluster:
    """Each guest that runs starts with its node: so all of them are up again after it was off."""
    cluster = Cluster(seed=1, guests=20, speed=0, epoch=EPOCH, tls=False)
    for guest in cluster.world.guests.values():
        guest.onboot, guest.paused = guest.running, False
    return cluster


def assert_well(cluster: Cluster, before: Standing) -> None:
    after = standing(cluster)
    assert after.nodes == before.nodes
    assert after.rest == before.rest
    assert after.guests == before.guests
    assert after.up >= before.up
    assert after.locked <= before.locked


def press(cluster: Cluster, key: str, target: str = "", *, on: bool = True) -> None:
    """What cannot be done now is said on the page, and nothing is done."""
    with contextlib.suppress(ValueError):
        cluster.set_fault(key, on, target)


def targets(cluster: Cluster, key: str) -> list[str]:
    row = next(row for row in cluster.faults() if row["key"] == key)
    found = row["targets"]
    assert isinstance(found, list)
    return [*found] or [""]


@pytest.mark.parametrize("key", LASTS)
def test_off_at_any_moment(key: str) -> None:
    for wait in DELAYS:
        for target in targets(made(), key)[:6]:
            cluster = made()
            before = standing(cluster)
            cluster.set_fault(key, True, target)
            cluster.advance(wait)
            cluster.set_fault(key, False, target)
            cluster.advance(LONG)
            assert_well(cluster, before)


@pytest.mark.parametrize("key", LASTS)
def test_twice_on_is_once_on(key: str) -> None:
    cluster = made()
    before = standing(cluster)
    for _ in range(2):
        cluster.set_fault(key, True)
        cluster.advance(3)
    cluster.set_fault(key, False)
    cluster.set_fault(key, False)
    cluster.advance(LONG)
    assert_well(cluster, before)
    cluster.set_fault(key, True)
    cluster.set_fault(key, False)
    cluster.set_fault(key, True)
    cluster.advance(40)
    cluster.set_fault(key, False)
    cluster.advance(LONG)
    assert_well(cluster, before)


@pytest.mark.parametrize("key", PASSES)
def test_what_happens_once_is_over_by_itself(key: str) -> None:
    cluster = made()
    before = standing(cluster)
    cluster.set_fault(key, True)
    cluster.advance(LONG)
    assert_well(cluster, before)


def test_a_crash_is_over_when_somebody_starts_the_guest() -> None:
    cluster = made()
    before = standing(cluster)
    cluster.set_fault("crash", True, "102")
    cluster.advance(LONG)
    cluster.set_fault("started", True, "102")
    cluster.advance(LONG)
    assert_well(cluster, before)


@pytest.mark.parametrize("wait", DELAYS)
def test_all_on_and_all_off(wait: float) -> None:
    cluster = made()
    before = standing(cluster)
    for key in LASTS:
        press(cluster, key)
        cluster.advance(wait)
    cluster.clear_faults()
    cluster.advance(LONG)
    assert_well(cluster, before)


ALIKE = (
    ("node_off", "node_down", "node_fenced", "stats_frozen", "node_silent", "node_stuck"),
    ("disk_full", "storage_filling", "storage_offline"),
    ("agent_silent", "vm_disk", "io_error", "guest_cpu"),
    ("all_off", "api_off", "node_off"),
    ("ceph_warn", "ceph_err"),
    ("backup_overdue", "not_backed_up", "store_overdue", "backup_failed"),
    ("disk_failing", "disk_worn", "zfs_degraded", "zfs_errors"),
)
PAIRS = [pair for group in ALIKE for pair in itertools.permutations(group, 2)]


def seen(cluster: Cluster) -> object:
    """Whatever else was on left its traces, as a fence does; this is what the one that stays brings about."""
    world = cluster.world
    return (
        [(node.online, node.frozen > 0, node.silent, node.machine.disks, node.machine.pools)
         for node in world.nodes.values()],
        [(one.used, one.active) for one in world.storages],
        [port.shut_by > set() for port in cluster.ports],
        [job.excluded for job in world.jobs],
        [(one.tags, one.agent_alive, one.qmp, one.load) for one in world.guests.values()
         if world.nodes[one.node].online],
        world.ceph,
    )  # fmt: skip


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=["+".join(pair) for pair in PAIRS])
def test_two_over_the_same_thing(first: str, second: str) -> None:
    """The one that stays on is as it was alone, whichever goes."""
    for going, staying in ((first, second), (second, first)):
        for wait in (0.0, 30.0):
            cluster, alone = made(), made()
            before = standing(cluster)
            for key in (first, second):
                cluster.set_fault(key, True)
                cluster.advance(wait)
            cluster.set_fault(going, False)
            cluster.advance(LONG)
            alone.set_fault(staying, True)
            alone.advance(LONG + 2 * wait)
            assert seen(cluster) == seen(alone)
            cluster.set_fault(staying, False)
            cluster.advance(LONG)
            assert_well(cluster, before)


MOVES = st.tuples(st.sampled_from([*LASTS, *PASSES]), st.booleans(), st.integers(0, 5), st.sampled_from(DELAYS))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves=st.lists(MOVES, min_size=2, max_size=14))
@example(moves=[("node_reboot", True, 2, 0.0), ("lock_stuck", True, 5, 140.0)])  # locked while its node boots
@example(moves=[("node_off", True, 0, 0.0), ("node_off", False, 0, 0.0), ("backup_now", True, 0, 0.0)])  # likewise
@example(
    moves=[("quorum_lost", True, 0, 0.0), ("rebooted", True, 0, 12.0)]
)  # shut down, and not started without quorum
def test_whatever_is_pressed(moves: Sequence[tuple[str, bool, int, float]]) -> None:
    cluster = made()
    before = standing(cluster)
    for key, on, number, wait in moves:
        aims = targets(cluster, key)
        press(cluster, key, aims[number % len(aims)], on=on)
        cluster.advance(wait)
    cluster.clear_faults()
    cluster.advance(LONG)
    assert_well(cluster, before)
