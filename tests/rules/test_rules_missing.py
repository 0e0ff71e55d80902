"""What has no figures yet, or no more, is neither found nor well: of no rule does a hole in a row turn what was wrong
green. A container that has just restarted has an uptime of 0 and nothing else to tell."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Finding, Kind, Snapshot, Status
from bot.model.feeds import (
    BACKUPS,
    CEPH,
    CERTIFICATES,
    DISKS,
    FILESYSTEMS,
    NODE_STATUS,
    REPLICATION,
    SERVICES,
    THIN,
    TIME,
    TOKENS,
    ZFS,
    Feeds,
)
from bot.model.readings import (
    BackupJob,
    Backups,
    Ceph,
    Certificate,
    Disk,
    FileSystem,
    GuestDisks,
    NodeStatus,
    NodeTime,
    OwnToken,
    ReplicationJob,
    Service,
    ThinPool,
    ZfsPool,
)
from bot.model.view import GuestWas, Memory, NodeWas, View
from bot.rules import BY_KEY, RULES
from bot.rules import Kind as Lasts
from tests.rules.views import GIB, NOW, UP, feeds, found, guest, later, node, offline, sees, storage, task, view, words

FULL = NodeStatus(
    load5=90.0, cpus=16, iowait=0.5, swap=9 * GIB, swap_total=10 * GIB, mem=60 * GIB, mem_total=64 * GIB,
    mem_available=GIB, arc=0, pressure_cpu=0.9, pressure_io=0.9, pressure_mem=0.9,
)  # fmt: skip
OLD = timedelta(days=3)
JOB = ReplicationJob(id="104-0", vmid=104, source="pve1", target="pve2", fails=0, last_sync=NOW - OLD, interval=900.0)
NIGHTLY = BackupJob(id="nightly", enabled=True, vmids=frozenset({104}), interval=86400.0, storage="nas")


def of_status(**more: Any) -> View:
    return view(
        nodes=[node(disk=96 * GIB, cpu=0.99, mem=63 * GIB)], feeds=feeds((NODE_STATUS, "pve1", replace(FULL, **more)))
    )


def remembering(was: GuestWas | NodeWas) -> Memory:
    return Memory(guests={104: was}) if isinstance(was, GuestWas) else Memory(nodes={"pve1": was})


RUNS = GuestWas(status=Status.RUNNING, node="pve1", ran=NOW - timedelta(minutes=1))
RESETS = replace(RUNS, ran=None, resets=tuple(later(-60 * n) for n in (3, 2, 1)))
STANDS = NodeWas(online=True, uptime=UP, moved=NOW - timedelta(seconds=50))
CT = guest(ct=True, cpu=0.99, mem=4 * GIB, disk=31 * GIB)

WRONG: Mapping[str, View] = {
    "quorum_lost": view(quorate=False),
    "node_offline": view(nodes=[offline()]),
    "stats_frozen": view(nodes=[node(uptime=UP)], before=remembering(STANDS)),
    "guest_stopped_by_itself": view([guest(status=Status.STOPPED, tags=("critical",))], before=remembering(RUNS)),
    "guest_expected_down": view(
        [guest(status=Status.STOPPED, tags=("expect-up",))], tasks=(task("startall", end=-900),)
    ),
    "guest_io_error": view([guest(status=Status.IO_ERROR)]),
    "guest_paused": view([guest(status=Status.PAUSED)]),
    "restart_loop": view([guest(ct=True)], before=remembering(RESETS)),
    "lock_stuck": view([guest(lock="backup")]),
    "ha_error": view([guest(hastate="error")]),
    "guest_cpu": view([CT]),
    "guest_mem": view([CT]),
    "ct_disk": view([CT]),
    "vm_disk": view(
        [guest(tags=("expect-agent",))],
        feeds=feeds((FILESYSTEMS, "", GuestDisks(of={104: (FileSystem(mount="/", used=97, total=100),)}))),
    ),
    **{key: of_status() for key in ("node_cpu", "node_rootfs", "node_mem", "node_swap", "pressure", "node_load")},
    "clock_drift": view(feeds=feeds((TIME, "pve1", NodeTime(offset=60.0, error=0.1)))),
    "storage_full": view(storages=[storage(disk=99 * GIB)]),
    "storage_offline": view(storages=[storage(available=False)]),
    "thin_metadata": view(feeds=feeds((THIN, "pve1", (ThinPool(name="vg/data", metadata=0.95),)))),
    "zfs": view(feeds=feeds((ZFS, "pve1", (ZfsPool(name="rpool", health="DEGRADED"),)))),
    "disk_health": view(feeds=feeds((DISKS, "pve1", (Disk(dev="/dev/sda", health="OK", wearout=3.0),)))),
    "ceph": view(feeds=feeds((CEPH, "", Ceph(health="HEALTH_ERR")))),
    "replication": view([guest()], [node(), node("pve2")], feeds=feeds((REPLICATION, "pve1", (JOB,)))),
    "backup_overdue": view(
        [guest()], feeds=feeds((BACKUPS, "", Backups(newest={104: NOW - OLD}, jobs=(NIGHTLY,), complete=True)))
    ),
    "service_down": view(
        feeds=feeds((SERVICES, "pve1", (Service(name="pvestatd", enabled=True, running=False),)))
    ),
    "cert_expiry": view(
        feeds=feeds((CERTIFICATES, "pve1", (Certificate(file="pve-ssl.pem", expires=later(3600)),)))
    ),
    "token_expiry": view(feeds=feeds((TOKENS, "", (OwnToken(name="telemox@pve!view", expires=later(3600)),)))),
}  # fmt: skip
ELSEWHERE = frozenset({"api_unreachable", "bot", "node_api_down", "node_fenced", "guest_silent", "backup_failed",
                       "store_overdue", "task_stuck"})  # fmt: skip
"""Of these no figure of a row says that anything is wrong."""
MEANS = {
    ("token_expiry", "expires", None): "it never ends",
    ("replication", "interval", None): "its schedule is another: nobody can say when it is late",
    ("stats_frozen", "uptime", 0): "the node has booted",
    ("node_swap", "swap_total", 0): "there is none any more",
}
"""What is no hole: a word of its own."""


def holes(row: Any) -> Iterator[tuple[str, Any, Any]]:
    """(field, what it is made, the row with it): each figure that may be missing, and the sizes and times that are 0
    of what has just begun."""
    for one in fields(row):
        value = getattr(row, one.name)
        if "None" in str(one.type) and value is not None:
            yield one.name, None, replace(row, **{one.name: None})
        if one.name in {"uptime", "maxmem", "maxdisk", "swap_total", "mem_total"} and value:
            yield one.name, 0, replace(row, **{one.name: 0})
    if getattr(row, "uptime", None) and getattr(row, "kind", None) is Kind.LXC:
        yield "uptime", "just begun", replace(row, uptime=0, cpu=0.0)


def holed(of: View) -> Iterator[tuple[str, Any, View]]:
    snapshot = of.snapshot
    assert isinstance(snapshot, Snapshot)
    for name in ("nodes", "guests", "storages"):
        rows = getattr(snapshot, name)
        for n, row in enumerate(rows):
            for field, made, new in holes(row):
                changed: dict[str, Any] = {name: (*rows[:n], new, *rows[n + 1 :])}
                yield field, made, replace(of, snapshot=replace(snapshot, **changed))
    for key, reading in of.feeds.readings.items():
        value = reading.value
        for field, made, new in _of_value(value):
            read = replace(reading, value=new)
            yield field, made, replace(of, feeds=Feeds(readings={**of.feeds.readings, key: read}))
        yield key[0], "unread", replace(of, feeds=Feeds())
        yield key[0], "stale", replace(of, feeds=Feeds(readings={key: replace(reading, fresh=False)}))
    for name in {row.node for row in snapshot.guests} | {"pve1"}:
        gone = tuple(replace(one, online=None) if one.name == name else one for one in snapshot.nodes)
        yield "online", None, replace(of, snapshot=replace(snapshot, nodes=gone))


def _of_value(value: Any) -> Iterator[tuple[str, Any, Any]]:
    if is_dataclass(value):
        yield from holes(value)
    elif isinstance(value, tuple):
        for n, one in enumerate(value):
            for field, made, new in holes(one):
                yield field, made, (*value[:n], new, *value[n + 1 :])


def green(key: str, of: View, was: Finding) -> bool:
    """Is it found no more, and called well for that?"""
    if any(one.key == was.key for one in found(key, of)) or not sees(key, of, was):
        return False
    ending = BY_KEY[key].ending
    over = ending(of, was) if ending is not None else was
    return over.over is not None and over.unwell is None


@pytest.mark.parametrize("key", sorted(WRONG))
def test_a_hole_turns_nothing_green(key: str) -> None:
    of = WRONG[key]
    wrong = [one for one in found(key, of) if not one.grey and one.last is None]
    assert wrong, "there is something to lose"
    for field, made, holed_view in holed(of):
        if (key, field, made) in MEANS:
            continue
        for was in wrong:
            assert not green(key, holed_view, was), f"{field} is {made}: {words(was.said)}"


def test_each_rule_that_lasts_is_looked_at() -> None:
    assert {rule.key for rule in RULES if rule.kind is Lasts.STATE} == {*WRONG, *ELSEWHERE}


# -- what no field of a row is -------------------------------------------------------------------------------------


def test_a_container_that_is_full_and_restarts_is_full_all_the_same() -> None:
    (was,) = found("ct_disk", WRONG["ct_disk"])
    begun = view([replace(CT, uptime=0, cpu=0.0, mem=0)])
    assert not found("ct_disk", begun)
    assert not sees("ct_disk", begun, was)
    assert sees("ct_disk", view([replace(CT, disk=GIB)]), was)


@pytest.mark.parametrize(
    ("systems", "seen"), [((), False), ((FileSystem(mount="/", used=1, total=100),), True), (None, False)]
)
def test_an_agent_that_names_no_file_system_tells_of_none(systems: tuple[FileSystem, ...] | None, seen: bool) -> None:
    of = WRONG["vm_disk"]
    (was,) = found("vm_disk", of)
    read = GuestDisks(of={} if systems is None else {104: systems})
    assert sees("vm_disk", replace(of, feeds=feeds((FILESYSTEMS, "", read))), was) is seen


def test_a_vm_that_is_down_has_no_more_room_for_that() -> None:
    of = WRONG["vm_disk"]
    (was,) = found("vm_disk", of)
    stopped = view([guest(status=Status.STOPPED, tags=("expect-agent",))], feeds=of.feeds)
    assert not found("vm_disk", stopped)
    assert not sees("vm_disk", stopped, was)


@pytest.mark.parametrize(("health", "seen"), [("HEALTH_OK", True), ("HEALTH_UNHEARD", False), ("", False)])
def test_a_health_of_ceph_that_is_new_to_us_is_not_well(health: str, seen: bool) -> None:
    (was,) = found("ceph", WRONG["ceph"])
    assert sees("ceph", view(feeds=feeds((CEPH, "", Ceph(health=health)))), was) is seen


def test_a_warning_of_ceph_that_a_sleeping_node_may_explain_is_not_well() -> None:
    (was,) = found("ceph", WRONG["ceph"])
    warns = feeds((CEPH, "", Ceph(health="HEALTH_WARN")))
    asleep = view(nodes=[node(), offline("pve2")], sleeping=frozenset({"pve2"}), feeds=warns)
    assert not found("ceph", asleep)
    assert not sees("ceph", asleep, was)


def test_what_hangs_since_before_a_start_is_not_moving_for_that() -> None:
    of = WRONG["stats_frozen"]
    (was,) = found("stats_frozen", of)
    start = replace(of, first=True)
    assert not found("stats_frozen", start)
    assert not sees("stats_frozen", start, was)
    moved = replace(start, before=remembering(replace(STANDS, uptime=UP - 30)))
    assert sees("stats_frozen", moved, was)
