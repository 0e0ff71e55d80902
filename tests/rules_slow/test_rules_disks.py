"""25 zfs, 26 disk_health, 27 ceph, 28 replication."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Severity
from bot.model.feeds import CEPH, DISKS, REPLICATION, ZFS, ZPOOLS
from bot.model.readings import Ceph, CephCheck, Disk, ReplicationJob, ZfsErrors, ZfsPool
from bot.model.view import Memory, NodeWas, Push
from bot.rules import BY_KEY, Limits
from tests.rules_slow.slowviews import (
    AT,
    BLIND,
    NASTY,
    feeds,
    find,
    guest,
    how,
    node,
    sees,
    snapshot,
    stale,
    text,
    view,
)

PVE1 = frozenset({"pve1"})

# -- 25 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("health", "expected"),
    [("ONLINE", ""), ("online", ""), ("DEGRADED", "critical"), ("FAULTED", "critical"), ("", "critical"),
     ("new word", "critical")],
)  # fmt: skip
def test_pool(health: str, expected: str) -> None:
    found = find("zfs", view(feeds=feeds((ZFS, "pve1", (ZfsPool(name="rpool", health=health),)))))
    assert how(found) == expected
    assert [one.subject.id for one in found] == (["pve1/rpool"] if expected else [])


def test_a_known_pool_is_missing() -> None:
    before = Memory(nodes={"pve1": NodeWas(online=True, pools=("rpool", "tank"))})
    read = feeds((ZFS, "pve1", (ZfsPool(name="rpool", health="ONLINE"),)))
    (found,) = find("zfs", view(before=before, feeds=read))
    assert text(found).startswith("ZFS pool tank on pve1 is missing")
    assert found.severity is Severity.CRITICAL
    assert not find("zfs", view(snapshot(nodes=[node(online=False)]), before=before, feeds=read))
    assert not find("zfs", view(before=before))
    assert not find("zfs", view(before=before, feeds=feeds((ZFS, "pve1", stale(())))))
    assert not find("zfs", view(before=before, feeds=read, sleeping=PVE1))


@pytest.mark.parametrize("why", BLIND)
def test_pool_unseen(why: str) -> None:
    (found,) = find("zfs", view(feeds=feeds((ZFS, "pve1", (ZfsPool(name="rpool", health="DEGRADED"),)))))
    assert not find("zfs", view(feeds=feeds((ZFS, "pve1", BLIND[why]))))
    assert not sees("zfs", view(feeds=feeds((ZFS, "pve1", BLIND[why]))), found.subject)
    assert sees("zfs", view(feeds=feeds((ZFS, "pve1", (ZfsPool(name="rpool", health="ONLINE"),)))), found.subject)


def test_errors_are_told_only_where_there_are_any() -> None:
    def of(bad: int, errors: str = "No known data errors", **more: Any) -> int:
        pools = (ZfsErrors(name="rpool", bad=bad, errors=errors),)
        return len({one.event for one in find("zfs", view(feeds=feeds((ZPOOLS, "pve1", pools)), **more))})

    assert of(0) == of(0, "") == of(3, sleeping=PVE1) == 0
    assert of(3) == of(0, "errors: 2 data errors, use '-v' for a list") == 1


def test_errors_say() -> None:
    def of(**more: Any) -> str:
        return text(*find("zfs", view(feeds=feeds((ZPOOLS, "pve1", (ZfsErrors(**{"name": "rpool", **more}),))))))

    assert of(bad=3) == (
        "ZFS pool rpool on pve1 counts 3 errors\nzpool status -v rpool\nonce mended: zpool clear rpool"
    )
    assert of(errors="2 data errors").startswith("ZFS pool rpool on pve1 has damaged data\n2 data errors\n")


# -- 26 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("health", "wearout", "expected"),
    [
        ("PASSED", None, ""),
        ("OK", 100, ""),
        ("UNKNOWN", None, ""),
        ("", None, ""),
        ("SMART Disabled", None, ""),  # of a USB disk: it is not asked
        ("FAILED", None, "critical"),
        ("PASSED", 12.5, ""),
        ("PASSED", 12, "grey"),
        ("PASSED", 11, "grey"),
        ("PASSED", 10, "warning"),
        ("PASSED", 6, "warning"),
        ("PASSED", 5, "critical"),
        ("PASSED", 0, "critical"),
    ],
)
def test_disk(health: str, wearout: float | None, expected: str) -> None:
    disk = Disk(dev="/dev/sda", serial="S1", model=NASTY, health=health, wearout=wearout)
    found = find("disk_health", view(feeds=feeds((DISKS, "pve1", (disk,)))))
    assert how(found) == expected
    assert all(one.slow for one in found)


def test_a_disk_that_fails_and_is_worn_is_two() -> None:
    disks = (Disk(dev="/dev/sda", serial="S1", health="FAILED", wearout=3),)
    found = find("disk_health", view(feeds=feeds((DISKS, "pve1", disks))))
    assert [one.subject.id for one in found] == ["pve1/S1", "pve1/S1 wear"]
    renamed = (replace(disks[0], dev="/dev/sdb"),)  # another name after a boot: the same disk
    assert [one.key for one in find("disk_health", view(feeds=feeds((DISKS, "pve1", renamed))))] == [
        one.key for one in found
    ]
    for why in BLIND:
        assert not sees("disk_health", view(feeds=feeds((DISKS, "pve1", BLIND[why]))), found[0].subject)


# -- 27 ------------------------------------------------------------------------------------------------------------

WARN = CephCheck(name="OSD_NEARFULL", error=False, muted=False, summary="1 nearfull osd(s)")
ERR = CephCheck(name="PG_DAMAGED", error=True, muted=False, summary="1 pg inconsistent")


@pytest.mark.parametrize(
    ("health", "checks", "expected"),
    [
        ("HEALTH_OK", (), ""),
        ("HEALTH_WARN", (WARN,), "warning"),
        ("HEALTH_WARN", (), "warning"),
        ("HEALTH_ERR", (WARN, ERR), "critical"),
        ("HEALTH_ERR", (), "critical"),
        ("HEALTH_WARN", (replace(WARN, muted=True),), ""),
        ("HEALTH_ERR", (WARN, replace(ERR, muted=True)), "warning"),
        ("", (), ""),
    ],
)
def test_ceph(health: str, checks: tuple[CephCheck, ...], expected: str) -> None:
    found = find("ceph", view(feeds=feeds((CEPH, "", Ceph(health=health, checks=checks)))))
    assert how(found) == expected
    assert [one.hold for one in found] == ([60.0] if expected == "critical" else [None] if expected else [])


def test_ceph_quiet() -> None:
    read = feeds((CEPH, "", Ceph(health="HEALTH_WARN", checks=(WARN,))))
    bad = feeds((CEPH, "", Ceph(health="HEALTH_ERR", checks=(ERR,))))
    assert how(find("ceph", view(feeds=read, maintenance=PVE1))) == "grey"
    assert how(find("ceph", view(feeds=bad, maintenance=PVE1))) == "grey"
    asleep = snapshot(nodes=[node(online=False), node("pve2")])
    assert not find("ceph", view(asleep, feeds=read, sleeping=PVE1))
    assert find("ceph", view(feeds=read, sleeping=PVE1))  # it is awake
    assert find("ceph", view(asleep, feeds=bad, sleeping=PVE1))  # more is wrong than a host that sleeps
    limit = BY_KEY["ceph"].limit
    assert (limit.hold, limit.clear) == (600, 60)


@pytest.mark.parametrize("why", BLIND)
def test_ceph_unseen(why: str) -> None:
    (found,) = find("ceph", view(feeds=feeds((CEPH, "", Ceph(health="HEALTH_ERR")))))
    assert not find("ceph", view(feeds=feeds((CEPH, "", BLIND[why]))))
    assert not sees("ceph", view(feeds=feeds((CEPH, "", BLIND[why]))), found.subject)
    assert not sees("ceph", view(), found.subject)
    assert sees("ceph", view(feeds=feeds((CEPH, "", Ceph(health="HEALTH_OK")))), found.subject)


# -- 28 ------------------------------------------------------------------------------------------------------------


def job(fails: int = 0, **more: Any) -> ReplicationJob:
    return ReplicationJob(**{"id": "101-0", "vmid": 101, "source": "pve1", "target": "pve2", "fails": fails,
                             "last_sync": AT - timedelta(minutes=20), "interval": 900.0, **more})  # fmt: skip


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (job(0), ""),
        (job(1), "grey"),
        (job(2), "warning"),
        (job(4), "warning"),
        (job(5), "critical"),
        (job(0, last_sync=AT - timedelta(minutes=44)), ""),
        (job(0, last_sync=AT - timedelta(minutes=46)), "warning"),  # more than three intervals
        (job(1, last_sync=AT - timedelta(minutes=46)), "warning"),
        (job(0, last_sync=AT - timedelta(minutes=46), running=True), "grey"),  # it is at work
        (job(0, last_sync=AT - timedelta(hours=25), running=True), "warning"),  # or hangs
        (job(2, running=True), "warning"),
        (job(0, last_sync=AT - timedelta(days=9), interval=None), ""),  # how often, nobody can tell
        (job(0, last_sync=None), ""),  # the first one is at work
        (job(9, disabled=True), ""),
        (job(9, source="pve2", target="pve1"), ""),  # told by its source
    ],
)
def test_replication(job: ReplicationJob, expected: str) -> None:
    found = find("replication", view(feeds=feeds((REPLICATION, "pve1", (job,)))))
    assert how(found) == expected
    assert all(one.slow and one.subject.name == NASTY for one in found)


def test_replication_says() -> None:
    def of(job: ReplicationJob) -> str:
        return text(*find("replication", view(feeds=feeds((REPLICATION, "pve1", (job,))))))

    late = job(last_sync=AT - timedelta(hours=5))
    assert of(late) == f"Replication of {NASTY} to pve2 is late: 5 hours old\nits copy there is 5 hours old"
    never = job(2, last_sync=None)
    assert of(never) == f"Replication of {NASTY} to pve2 failed 2 times\nthere is no copy there yet"


def test_replication_quiet() -> None:
    read = feeds((REPLICATION, "pve1", (job(9, error='cannot\nreach "pve2" <x>'),)))
    assert 'cannot reach "pve2" <x>' in text(find("replication", view(feeds=read))[0])
    down = snapshot(nodes=[node(), node("pve2", online=False)])
    assert how(find("replication", view(down, feeds=read))) == "grey"  # its target is off
    assert not find("replication", view(feeds=read, sleeping=PVE1))
    assert not find("replication", view(feeds=read, sleeping=frozenset({"pve2"})))
    limit = BY_KEY["replication"].limit
    mute = Limits(base=limit, exceptions={"main/guest/101": replace(limit, on=False)})
    assert not find("replication", view(feeds=read), mute)
    own = Limits(base=limit, exceptions={"main/other/replication/101-0": replace(limit, on=False)})
    assert not find("replication", view(feeds=read), own)
    assert find("replication", view(snapshot(guests=[guest(999)]), feeds=read))[0].subject.name == "101"


def test_replication_unseen() -> None:
    (found,) = find("replication", view(feeds=feeds((REPLICATION, "pve1", (job(9),)))))
    for why in BLIND:
        assert not sees("replication", view(feeds=feeds((REPLICATION, "pve1", BLIND[why]))), found.subject)
    assert sees("replication", view(feeds=feeds((REPLICATION, "pve1", (job(0),)))), found.subject)


def test_replication_pushed_only_where_it_cannot_be_read() -> None:
    push = Push(
        id="x", at=AT, kind="replication", severity="error", title="t", message="a\nb", host="pve1", job="101-0"
    )
    (found,) = find("replication", view(pushes=(push,)))
    assert found.event == "101-0/20261124"
    assert text(found) == "Replication job 101-0 failed on pve1\na\nb"
    assert found.subject.id == "replication/101-0"
    assert find("replication", view(pushes=(replace(push, job=""),)))[0].subject.id == "replication/pve1"
    assert not find("replication", view(pushes=(replace(push, kind="vzdump"),)))
    assert not find("replication", view(pushes=(push,), feeds=feeds((REPLICATION, "pve1", ()))))
