"""The noisy day: the same from the same seed, and what happens in it is what its script says."""

from collections import Counter
from typing import Any

import pytest

from bot.demo.cluster import Cluster, day

HOUR = 3_600.0


def test_the_same_seed_is_the_same_day() -> None:
    one, two, other = day.events(1), day.events(1), day.events(2)
    assert [(event.at, event.what) for event in one] == [(event.at, event.what) for event in two]
    assert [event.at for event in one] != [event.at for event in other]
    assert [event.at for event in one] == sorted(event.at for event in one)
    assert one[-1].at < 86_400


def rows(cluster: Cluster) -> dict[str, Any]:
    found: Any = cluster.ask("/cluster/resources")
    return {row["id"]: row for row in found}


def test_it_begins_calm() -> None:
    """Nothing in it is anybody's problem before its script begins."""
    cluster = day.cluster(1)
    assert not cluster.tasks()
    for row in rows(cluster).values():
        assert "lock" not in row
        assert row.get("status", "ok") in {"ok", "running", "stopped", "online", "available"}
        if row["type"] == "storage":
            assert row["disk"] / row["maxdisk"] < 0.7


@pytest.fixture(scope="module")
def played() -> tuple[Cluster, list[tuple[float, str, str]], set[str]]:
    """The day, its changes of status as polls see them, and all statuses of backups meanwhile."""
    cluster, before, changes, locks = day.cluster(1), dict[str, str](), [], set[str]()
    for seconds in day.play(cluster, day.events(1), step=30):
        for id_, row in rows(cluster).items():
            locks.add(str(row.get("lock", "")))
            status = str(row.get("status", ""))
            if before.get(id_, status) != status:
                changes.append((seconds, id_, status))
            before[id_] = status
    return cluster, changes, locks


Played = tuple[Cluster, list[tuple[float, str, str]], set[str]]


def test_forty_guests_are_saved_by_one_task_a_node(played: Played) -> None:
    cluster, _, locks = played
    jobs = cluster.tasks("vzdump")
    assert sorted((job.node, job.id, job.user, job.exitstatus) for job in jobs) == [
        (node, "", "root@pam", "OK") for node in ("pve1", "pve2", "pve3")
    ]
    assert sum(line.startswith("INFO: Finished Backup of VM") for job in jobs for line in job.lines) == 40
    assert locks == {"", "backup"}


def test_what_people_ordered_is_in_the_task_list(played: Played) -> None:
    cluster, changes, _ = played
    kinds = Counter(task.type for task in cluster.tasks())
    assert (kinds["qmreboot"], kinds["stopall"], kinds["startall"]) == (2, 2, 2)
    offline = [(id_, status) for _, id_, status in changes if id_.startswith("node/")]
    assert offline == [(f"node/{node}", status) for node in ("pve2", "pve3") for status in ("offline", "online")]


def test_one_guest_crashes_without_a_task(played: Played) -> None:
    cluster, changes, _ = played
    at = next(at for at, id_, status in changes if id_ == "qemu/102" and status == "stopped" and at > 12.5 * HOUR)
    around = [task for task in cluster.tasks() if task.id == "102" and abs(task.start - day.EPOCH - at) < 600]
    assert not around


def test_one_container_restarts_itself_over_and_over(played: Played) -> None:
    cluster, changes, _ = played
    evening = [at for at, id_, _ in changes if id_ == "lxc/110" and at > 17.5 * HOUR]
    assert len(evening) >= 8
    assert not [task for task in cluster.tasks() if task.id == "110" and task.start > day.EPOCH + 17.5 * HOUR]


def test_one_disk_fills_up(played: Played) -> None:
    full = [
        row["id"]
        for row in rows(played[0]).values()
        if row["type"] == "storage" and row["disk"] > 0.85 * row["maxdisk"]
    ]
    assert full == ["storage/pve2/local-lvm"]


def test_at_its_end_everything_is_up_again(played: Played) -> None:
    found = rows(played[0])
    assert {row["status"] for row in found.values() if row["type"] == "node"} == {"online"}
    assert all(found[id_]["status"] == "running" for id_ in ("qemu/101", "qemu/102", "qemu/113", "lxc/110", "lxc/112"))
    assert not [row for row in found.values() if row.get("lock")]
