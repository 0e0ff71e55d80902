"""What is told of nodes, storages, disks, jobs and backups, from poll to poll, through the real rules."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Guest, Outcome, Severity, Status, Storage
from bot.model.feeds import BACKUPS, CERTIFICATES, DISKS, NODE_STATUS, REPLICATION, SERVICES, THIN, ZFS, ZPOOLS, Feeds
from bot.model.feeds import FAILED as FAILED_TASKS
from bot.model.readings import (
    BackupJob,
    Backups,
    Certificate,
    Disk,
    GuestBackup,
    NodeStatus,
    ReplicationJob,
    Service,
    ThinPool,
    ZfsErrors,
    ZfsPool,
)
from bot.rules import BY_KEY, RULES
from bot.rules.limits import Book, Change, Override
from tests.engine.lives import Lives
from tests.rules.views import GIB, HOSTILE, NOW, feeds, guest, later, node, offline, read, storage, task

# -- disks ---------------------------------------------------------------------------------------------------------

OTHER = Disk(dev="/dev/sda", serial="S0", health="PASSED", wearout=90)
FAILED = Disk(dev="/dev/sdb", serial="S1", health="FAILED!", wearout=4)


def disks(*given: Disk) -> Feeds:
    return feeds((DISKS, "pve1", given))


@pytest.mark.parametrize("health", ["UNKNOWN", "", "SMART Disabled"])
def test_a_disk_that_says_nothing_any_more_is_not_well(health: str) -> None:
    lives = Lives(["disk_health"])
    assert len(lives.run(60, feeds=disks(OTHER, FAILED))) == 2
    mute = Disk(dev="/dev/sdb", serial="S1", health=health)
    assert lives.run(600, feeds=disks(OTHER, mute)) == []
    assert lives.run(60, feeds=disks(OTHER, Disk(dev="/dev/sdb", serial="S1", health="OK", wearout=50))) == [
        "resolved disk_health: /dev/sdb on pve1 is well",
        "resolved disk_health: /dev/sdb on pve1 is not worn",
    ]


def test_a_disk_that_is_not_there_any_more_is_over_and_not_well() -> None:
    """Taken out, as it should be, or dead: who took it out knows."""
    lives = Lives(["disk_health"])
    lives.run(60, feeds=disks(OTHER, FAILED))
    gone = "resolved disk_health: /dev/sdb on pve1 is not listed any more: taken out, or dead"
    assert lives.run(60, feeds=disks(OTHER)) == [gone, gone]
    assert all(one.finding.unwell is not None for one in lives.alerts.values())


# -- what is there no more, or wanted no more, is over and not well ------------------------------------------------

TWO = [node(), node("pve2")]
DEGRADED = (ZFS, "pve2", (ZfsPool(name="rpool", health="DEGRADED"),))
EXPIRES = (CERTIFICATES, "pve2", (Certificate(file="pve-ssl.pem", expires=NOW + timedelta(days=2)),))
DEAD = Service(name="pvestatd", enabled=True, running=False)
FULL = (THIN, "pve2", (ThinPool(name="pve/data", metadata=0.95),))
JOB = ReplicationJob(id="104-0", vmid=104, source="pve1", target="pve2", fails=3, interval=900.0, last_sync=NOW)
NIGHTLY = BackupJob(id="j", enabled=True, vmids=frozenset({104}), interval=86400.0, storage="nas")
OLD = Backups(newest={104: NOW - timedelta(days=4)}, jobs=(NIGHTLY,), complete=True)


def backed(backups: Backups) -> Feeds:
    return feeds((BACKUPS, "", backups))


def ended(rule: str, was: Feeds, now: Feeds, *, nodes: Any = None, left: Any = None, guests: Any = None) -> str:
    """How the only alert ends, once it is `now`."""
    lives = Lives([rule])
    nodes = nodes or TWO
    assert len(lives.run(600, [guest(), guest(105, "db")], nodes=nodes, feeds=was)) == 1
    (said,) = lives.run(600, [guest(), guest(105, "db")] if guests is None else guests, nodes=left or nodes, feeds=now)
    (alert,) = lives.alerts.values()
    return said.removeprefix(f"resolved {rule}: ") + (" ⚪" if alert.gone or alert.finding.unwell is not None else "")


@pytest.mark.parametrize(
    ("rule", "was", "said"),
    [
        ("zfs", DEGRADED, "pve2 is gone, and rpool with it ⚪"),
        ("cert_expiry", EXPIRES, "pve2 is gone, and pve-ssl.pem with it ⚪"),
        ("service_down", (SERVICES, "pve2", (DEAD,)), "pve2 is gone, and pvestatd with it ⚪"),
        ("thin_metadata", FULL, "pve2 is gone, and pve/data with it ⚪"),
    ],
)
def test_what_went_with_its_node_is_not_well(rule: str, was: Any, said: str) -> None:
    assert ended(rule, feeds(was), feeds(was), left=[node()]) == said


@pytest.mark.parametrize(
    ("rule", "was", "now", "said"),
    [
        (
            "zfs",
            DEGRADED,
            (ZFS, "pve2", (ZfsPool(name="rpool", health="ONLINE"),)),
            "ZFS pool rpool on pve2 is ONLINE again",
        ),
        ("cert_expiry", EXPIRES, (CERTIFICATES, "pve2", ()), "pve-ssl.pem on pve2 is not there any more ⚪"),
        (
            "service_down",
            (SERVICES, "pve1", (DEAD,)),
            (SERVICES, "pve1", (replace(DEAD, enabled=False),)),
            "pvestatd on pve1 is disabled ⚪",
        ),
        (
            "service_down",
            (SERVICES, "pve1", (DEAD,)),
            (SERVICES, "pve1", (replace(DEAD, running=True),)),
            "pvestatd on pve1 runs again",
        ),
        (
            "service_down",
            (SERVICES, "pve1", (DEAD,)),
            (SERVICES, "pve1", ()),
            "pvestatd on pve1 is not there any more ⚪",
        ),
        ("thin_metadata", FULL, (THIN, "pve2", ()), "pve/data on pve2 is not there any more ⚪"),
        (
            "replication",
            (REPLICATION, "pve1", (JOB,)),
            (REPLICATION, "pve1", ()),
            f"The replication job of {HOSTILE} is there no more ⚪",
        ),
        (
            "replication",
            (REPLICATION, "pve1", (JOB,)),
            (REPLICATION, "pve1", (replace(JOB, disabled=True),)),
            f"The replication job of {HOSTILE} is disabled ⚪",
        ),
        (
            "replication",
            (REPLICATION, "pve1", (JOB,)),
            (REPLICATION, "pve1", (replace(JOB, fails=0),)),
            f"Replication of {HOSTILE} to pve2 works again",
        ),
    ],
)
def test_only_what_is_seen_to_be_well_is(rule: str, was: Any, now: Any, said: str) -> None:
    assert ended(rule, feeds(was), feeds(now)) == said


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (replace(OLD, jobs=()), f"{HOSTILE} is in no backup job any more ⚪"),
        (replace(OLD, jobs=(replace(NIGHTLY, enabled=False),)), f"{HOSTILE} is in no backup job any more ⚪"),
        (
            replace(OLD, jobs=(replace(NIGHTLY, interval=30 * 86400.0),)),
            f"{HOSTILE} has no newer backup, and none is due now ⚪",
        ),
        (replace(OLD, newest={104: NOW}), f"{HOSTILE} is backed up again"),
    ],
)
def test_what_no_job_saves_any_more_is_not_backed_up_again(now: Backups, said: str) -> None:
    assert ended("backup_overdue", backed(OLD), backed(now)) == said


def test_what_a_new_job_is_to_save_is_not_overdue_before_it_can_have_run() -> None:
    lives = Lives(["backup_overdue"])
    lives.run(60, [guest()], feeds=backed(replace(OLD, jobs=())))
    assert lives.run(2 * 86400 - 60, [guest()], step=600, feeds=backed(OLD)) == []
    late = 'The last backup of web<1>_&" is from 20 Nov 14:02'
    assert lives.run(3600, [guest()], step=600, feeds=backed(OLD)) == [f"fired backup_overdue: {late}"]
    lives.first = True  # what it knew, it knows over a restart
    again = backed(replace(OLD, jobs=(replace(NIGHTLY, enabled=False),)))
    assert len(lives.run(60, [guest()], feeds=again)) == 1
    assert lives.run(86400, [guest()], step=600, feeds=backed(OLD)) == []  # enabled anew


def test_a_job_that_was_there_before_the_bot_is_not_new() -> None:
    assert len(Lives(["backup_overdue"]).run(60, [guest()], feeds=backed(OLD))) == 1


def test_a_failed_backup_of_a_guest_that_is_gone() -> None:
    failed = GuestBackup(vmid=104, ended=later(-3600), good=False, upid=task("vzdump", 104, start=-3700).upid.text)
    was = backed(Backups(runs=(failed,)))
    gone = f"{HOSTILE} is gone: nothing is left to back up ⚪"
    assert ended("backup_failed", was, was, guests=[guest(105, "db")]) == gone


# -- a restart: the list of tasks is read at once, the logs of backups later ---------------------------------------

ALONE = replace(task("vzdump", 104, start=-9000, end=-8900, outcome=Outcome.ERROR), exitstatus="no space left")
NIGHT = task("vzdump", start=-3700, end=-3500)  # the node's job: its task names no guest
BROKEN = GuestBackup(vmid=104, ended=later(-8900), good=False, upid=ALONE.upid.text, line="no space left")
SAVED = GuestBackup(vmid=104, ended=later(-3600), good=True, upid=NIGHT.upid.text)
FAILS = f"fired backup_failed: Backup of {HOSTILE} failed"


def restarted(lives: Lives, before: Any, tasks: Any) -> list[str]:
    """What is told from the first poll on, while no log has been read, and once they all are."""
    lives.first = True
    told = lives.run(15, [guest()], feeds=feeds(), tasks=tasks)
    told += lives.run(60, [guest()], feeds=feeds((BACKUPS, "", read(None, fresh=False, fails=1))), tasks=tasks)
    return told + lives.run(600, [guest()], feeds=before, tasks=tasks)


def test_a_failed_backup_that_was_mended_is_not_told_again_after_a_restart() -> None:
    lives = Lives(["backup_failed"])
    failed, saved = backed(Backups(runs=(BROKEN,))), backed(Backups(runs=(SAVED, BROKEN)))
    assert lives.run(600, [guest()], feeds=failed, tasks=(ALONE,)) == [FAILS]
    over = [f"resolved backup_failed: {HOSTILE} is backed up again"]
    assert lives.run(600, [guest()], feeds=saved, tasks=(NIGHT, ALONE)) == over
    for _ in range(3):
        assert restarted(lives, saved, (NIGHT, ALONE)) == []


def test_a_failed_backup_that_stands_over_a_restart_is_neither_over_nor_told_again() -> None:
    lives = Lives(["backup_failed"])
    failed = backed(Backups(runs=(BROKEN,)))
    assert lives.run(600, [guest()], feeds=failed, tasks=(ALONE,)) == [FAILS]
    for _ in range(3):
        assert restarted(lives, failed, (ALONE,)) == []


def test_a_backup_that_failed_while_the_bot_was_away_is_told_once() -> None:
    assert restarted(Lives(["backup_failed"]), backed(Backups(runs=(BROKEN,))), (ALONE,)) == [FAILS]


@pytest.mark.parametrize(("tasks", "told"), [((ALONE,), [FAILS]), ((NIGHT, ALONE), []), ((), [])])
def test_before_any_log_is_read_a_failure_is_told_where_no_job_can_have_mended_it(tasks: Any, told: list[str]) -> None:
    nodes_own = feeds((FAILED_TASKS, "pve1", (ALONE,)))
    assert Lives(["backup_failed"]).run(60, [guest()], feeds=nodes_own, tasks=tasks) == told


@pytest.mark.parametrize("blind", [{"forbidden": True}, {"absent": True}, {"fails": 3}])
def test_a_failed_backup_is_told_by_its_task_where_the_logs_cannot_be_read(blind: Any) -> None:
    lives, unread = Lives(["backup_failed"]), feeds((BACKUPS, "", read(None, fresh=False, **blind)))
    assert lives.run(600, [guest()], feeds=unread, tasks=(ALONE,)) == [FAILS]


def test_a_job_that_has_moved_with_its_guest_is_asked_for_where_it_is_now() -> None:
    lives = Lives(["replication"])
    moved = replace(JOB, source="pve2", target="pve1")
    assert len(lives.run(60, [guest()], nodes=TWO, feeds=feeds((REPLICATION, "pve1", (JOB,))))) == 1
    early = feeds((REPLICATION, "pve1", read((), at=later(300))), (REPLICATION, "pve2", read((), at=later(200))))
    assert lives.run(60, [guest(node="pve2")], nodes=TWO, feeds=early) == []
    late = feeds((REPLICATION, "pve1", read((), at=later(300))), (REPLICATION, "pve2", read((moved,), at=later(400))))
    assert lives.run(60, [guest(node="pve2")], nodes=TWO, feeds=late) == []  # it fails there as well
    well = feeds((REPLICATION, "pve1", ()), (REPLICATION, "pve2", (replace(moved, fails=0),)))
    assert len(lives.run(60, [guest(node="pve2")], nodes=TWO, feeds=well)) == 1


def test_a_pool_that_is_missing_for_a_week_is_not_online() -> None:
    lives = Lives(["zfs"])
    lives.run(60, feeds=feeds((ZFS, "pve1", (ZfsPool(name="tank", health="ONLINE"),))))
    told = lives.run(8 * 86400, step=3600, feeds=feeds((ZFS, "pve1", ())))
    assert told[0] == "fired zfs: ZFS pool tank on pve1 is missing"
    assert told[-1] == "resolved zfs: ZFS pool tank on pve1 is missing still; it is looked for no more"
    assert len(lives.run(8 * 86400, step=3600, feeds=feeds((ZFS, "pve1", ())))) == 0


def test_what_is_switched_off_is_not_well() -> None:
    off = Override(rule="*", by="node", value="pve2", changes={"on": False})
    lives = Lives(["zfs"])
    assert len(lives.run(60, nodes=TWO, feeds=feeds(DEGRADED))) == 1
    lives.book = Book(RULES, overrides=[off])
    said = "resolved zfs: ZFS pool rpool on pve2 is DEGRADED: it is not watched any more"
    assert lives.run(60, nodes=TWO, feeds=feeds(DEGRADED)) == [said]
    assert all(one.finding.unwell is not None for one in lives.alerts.values())


def test_errors_of_a_pool_are_told_again_only_when_there_are_more() -> None:
    lives = Lives(["zfs"])
    lives.run(60)

    def told(bad: int, errors: str = "No known data errors") -> list[str]:
        pools = (ZfsErrors(name="tank", bad=bad, errors=errors),)
        said = lives.run(60, feeds=feeds((ZPOOLS, "pve1", pools)))
        return [one.removeprefix("fired zfs: ZFS pool tank on pve1 ") for one in said]

    assert told(3) == ["counts 3 errors"]
    assert lives.run(60) == told(3) == []  # not read for a while
    assert told(5) == ["counts 5 errors"]
    assert told(2) == []
    assert told(4) == ["counts 4 errors"]
    assert told(0) == []
    assert told(3) == ["counts 3 errors"], "anew"
    assert told(3, "2 data errors") == ["counts 3 errors"], "and now of files"
    lives.first = True
    assert told(3, "2 data errors") == []


# -- many of one store ---------------------------------------------------------------------------------------------


def seven(of: str = "pve2") -> list[Guest]:
    return [guest(100 + number, f"g{number}", node=of) for number in range(7)]


ALL = replace(NIGHTLY, vmids=frozenset(range(100, 107)))
LATE = Backups(newest={100 + number: NOW - timedelta(days=4) for number in range(7)}, jobs=(ALL,))


def test_a_store_whose_guests_are_out_of_sight_is_as_it_was() -> None:
    lives = Lives(["backup_overdue", "store_overdue"])
    assert lives.run(120, seven(), nodes=TWO, feeds=backed(LATE)) == ["fired store_overdue: Backups to nas are overdue"]
    off = [replace(one, status=Status.UNKNOWN, uptime=None) for one in seven()]
    assert lives.run(600, off, nodes=[node(), offline("pve2")], feeds=backed(LATE)) == []
    assert lives.run(600, seven(), nodes=TWO, feeds=backed(LATE)) == []
    well = replace(LATE, newest={100 + number: NOW for number in range(7)})
    assert lives.run(60, seven(), nodes=TWO, feeds=backed(well)) == [
        "resolved store_overdue: nas: backups are made again"
    ]


def test_a_store_that_no_job_saves_to_any_more() -> None:
    lives = Lives(["backup_overdue", "store_overdue"])
    lives.run(120, seven(), nodes=TWO, feeds=backed(LATE))
    assert lives.run(60, seven(), nodes=TWO, feeds=backed(replace(LATE, jobs=()))) == [
        "resolved store_overdue: No backup job saves to nas any more"
    ]


def test_guests_out_of_sight_start_nothing() -> None:
    lives = Lives(["backup_overdue", "store_overdue"])
    off = [replace(one, status=Status.UNKNOWN, uptime=None) for one in seven()]
    assert lives.run(600, off, nodes=[node(), offline("pve2")], feeds=backed(LATE)) == []


def test_of_two_guests_of_one_name_the_store_speaks_for_its_own() -> None:
    guests = [*seven("pve1"), guest(202, "g0")]
    jobs = (ALL, replace(NIGHTLY, id="k", vmids=frozenset({202}), storage="off"))
    late = replace(LATE, newest={**LATE.newest, 202: NOW - timedelta(days=4)}, jobs=jobs)
    lives = Lives(["backup_overdue", "store_overdue"])
    assert sorted(lives.run(120, guests, feeds=backed(late))) == [
        "fired backup_overdue: The last backup of g0 is from 20 Nov 14:02",
        "fired store_overdue: Backups to nas are overdue",
    ]


@pytest.mark.parametrize(
    ("changed", "overrides"),
    [
        ({"intervals": 5}, ()),
        ({}, (Override(rule="backup_overdue", by="tag", value="lab", changes={"on": False}),)),
        ({}, (Override(rule="backup_overdue", by="pool", value="x", changes={"least_seconds": 5 * 86400.0}),)),
    ],
)
def test_what_is_overdue_for_a_store_backup_overdue_says(changed: Mapping[str, float], overrides: Any) -> None:
    limit = BY_KEY["backup_overdue"].limit
    settings = {"backup_overdue": replace(limit, more={**limit.more, **changed})}
    lives = Lives(["backup_overdue", "store_overdue"], book=Book(RULES, settings, overrides))
    guests = [replace(one, tags=("lab",), pool="x") for one in seven("pve1")]
    assert lives.run(120, guests, feeds=backed(LATE)) == []


def test_a_store_of_guests_that_are_to_be_quiet_is_quiet() -> None:
    mild = Override(rule="*", by="tag", value="lab", changes={"severity": Severity.INFO})
    lives = Lives(["backup_overdue", "store_overdue"], book=Book(RULES, overrides=[mild]))
    lives.run(120, [replace(one, tags=("lab",)) for one in seven("pve1")], feeds=backed(LATE))
    assert {one.severity for one in lives.alerts.values()} == {Severity.INFO}


# -- exceptions reach what belongs to a guest ----------------------------------------------------------------------

STUCK = task("qmigrate", 104, start=-8 * 3600)
NO_SPACE = replace(task("vzdump", 104, start=-3700, end=-3600, outcome=Outcome.ERROR), exitstatus="no space")
OTHERS = ["replication", "task_stuck", "backup_failed"]


@pytest.mark.parametrize(
    ("by", "value", "of"),
    [("tag", "lab", guest(tags=("lab",))), ("guest", "104", guest()), ("node", "pve1", guest()),
     ("tag", "nothing", guest(tags=("bot-relaxed",)))],
)  # fmt: skip
def test_an_exception_for_a_guest_is_for_its_jobs_too(by: str, value: str, of: Guest) -> None:
    def told(changes: Mapping[str, Change]) -> list[str]:
        lives = Lives(OTHERS, book=Book(RULES, overrides=[Override(rule="*", by=by, value=value, changes=changes)]))
        failing = feeds((REPLICATION, "pve1", (replace(JOB, fails=6),)), (BACKUPS, "", Backups()))
        lives.run(120, [of], nodes=TWO, feeds=failing, tasks=(STUCK, NO_SPACE))
        return [f"{one.finding.rule} {one.severity.word}" for one in lives.alerts.values()]

    assert sorted(told({"severity": Severity.INFO})) == ["backup_failed info", "replication info", "task_stuck info"]
    assert told({"on": False}) == [] or "bot-relaxed" in of.tags


# -- a halted guest, and the storage that may have done it ---------------------------------------------------------

IO = guest(status=Status.IO_ERROR)
SAN = storage("san", shared=True, kind="lvm", content=("images",))


def full(of: Storage, share: float = 0.99) -> Storage:
    return replace(of, disk=int(share * (of.maxdisk or 0)))


@pytest.mark.parametrize(
    ("one", "hidden"),
    [
        (SAN, True),
        (storage("local-zfs", content=("rootdir", "images")), True),
        (storage("local-zfs", node="pve2", content=("images",)), False),
        (storage("pbs", shared=True, kind="pbs", content=("backup",)), False),
    ],
)
def test_a_full_storage_is_told_with_the_guest_that_it_may_have_halted(one: Storage, hidden: bool) -> None:
    lives = Lives(["guest_io_error", "storage_full"])
    lives.run(60, [guest()], nodes=TWO, storages=[full(one, 0.8)])
    told = lives.run(900, [IO], nodes=TWO, storages=[full(one)])
    assert len(told) == (1 if hidden else 2)


def test_what_had_room_when_a_guest_was_halted_is_told_by_itself() -> None:
    lives = Lives(["guest_io_error", "storage_full"])
    lives.run(60, [guest()], storages=[SAN])
    assert len(lives.run(2 * 3600, [IO], storages=[full(SAN, 0.5)])) == 1
    assert lives.run(900, [IO], storages=[full(SAN)]) == ["fired storage_full: san is 99 % full"]


# -- memory of a node with ZFS -------------------------------------------------------------------------------------

ZPOOL = storage("local-zfs", kind="zfspool")
HAS_ZFS = (ZFS, "pve1", (ZfsPool(name="rpool", health="ONLINE"),))
FULL_9 = NodeStatus(mem=63 * GIB, mem_total=64 * GIB, mem_available=GIB, arc=GIB // 2, swap=0, swap_total=0)
PACKED = [node(mem=63 * GIB)]


def memory(status: NodeStatus | None) -> Feeds:
    return feeds((NODE_STATUS, "pve1", status), HAS_ZFS) if status is not None else feeds(HAS_ZFS)


def test_a_memory_that_is_not_read_has_no_room_for_that() -> None:
    lives = Lives(["node_mem"])
    assert len(lives.run(900, nodes=PACKED, storages=[ZPOOL], feeds=memory(FULL_9))) == 1
    lives.first = True
    assert lives.run(300, nodes=PACKED, storages=[ZPOOL], feeds=memory(None)) == []
    assert lives.run(900, nodes=PACKED, storages=[ZPOOL], feeds=memory(replace(FULL_9, arc=None))) == []
    assert lives.run(900, nodes=PACKED, storages=[ZPOOL], feeds=memory(FULL_9)) == []
    well = memory(replace(FULL_9, arc=20 * GIB))
    assert lives.run(60, nodes=PACKED, storages=[ZPOOL], feeds=well) == [
        "resolved node_mem: pve1: memory has room again"
    ]


def test_a_cache_whose_size_is_not_told_is_no_full_memory() -> None:
    lives = Lives(["node_mem"])
    assert lives.run(1800, nodes=PACKED, storages=[ZPOOL], feeds=memory(replace(FULL_9, arc=None))) == []
    lives = Lives(["node_mem"])
    assert lives.run(1800, nodes=PACKED, feeds=feeds((NODE_STATUS, "pve1", replace(FULL_9, arc=None))))


def test_before_nine_swap_that_grows_by_leaps_is_one_alert_and_ends_without_good_news() -> None:
    def swapped(gib: float) -> Feeds:
        return memory(NodeStatus(mem=63 * GIB, mem_total=64 * GIB, swap=int(gib * GIB), swap_total=8 * GIB))

    lives = Lives(["node_mem"])
    for poll in range(400):  # 100 min
        lives.run(15, nodes=PACKED, storages=[ZPOOL], feeds=swapped(poll / 100))
    assert lives.told == ["fired node_mem: pve1: memory 98% full"]
    told = lives.run(2 * 3600, nodes=PACKED, storages=[ZPOOL], feeds=swapped(4))
    assert told == ["resolved node_mem: pve1: memory 98% full, its swap grows no more"]
    assert lives.run(3600, nodes=PACKED, storages=[ZPOOL], feeds=swapped(4)) == []


# -- one place, two names ------------------------------------------------------------------------------------------

A, B = storage("a-alias", disk=87 * GIB), storage("b-data", disk=87 * GIB)


def test_a_place_is_told_by_one_name_whichever_of_them_is_there() -> None:
    lives = Lives(["storage_full"])
    assert lives.run(600, storages=[replace(A, available=False), B]) == ["fired storage_full: pve1/b-data is 87 % full"]
    assert lives.run(900, storages=[A, B]) == []
    assert lives.run(900, storages=[replace(A, disk=50 * GIB), replace(B, disk=50 * GIB)]) == [
        "resolved storage_full: pve1/b-data has room again"
    ]
    assert lives.run(900, storages=[A, B]) == ["fired storage_full: pve1/b-data is 87 % full"]


@pytest.mark.parametrize("name", ["a-alias", "b-data"])
@pytest.mark.parametrize("changes", [{"on": False}, {"warning": 0.9}])
def test_an_exception_for_either_name_is_for_the_place(name: str, changes: Mapping[str, Change]) -> None:
    book = Book(RULES, overrides=[Override(rule="storage_full", by="storage", value=name, changes=changes)])
    assert Lives(["storage_full"], book=book).run(900, storages=[A, B]) == []
