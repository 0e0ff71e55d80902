"""A fault for each rule of the catalogue, and what the rule would read is there while it is on, and gone after."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bot.demo.cluster import FAULTS, Cluster
from bot.demo.telegram.mischief import RULES as AT_TELEGRAM
from bot.rules import RULES
from tests.demo.cluster_kit import EPOCH, Speaker, speaking

GB = 1024**3
DAY = 86_400


def test_every_rule_has_a_button_that_names_it() -> None:
    named = {fault.rule for fault in FAULTS} | set(AT_TELEGRAM.values())
    assert {f"{rule.number} {rule.key}" for rule in RULES} == named - {""}


def test_groups_stand_together_and_keys_once() -> None:
    groups = [fault.group for fault in FAULTS]
    assert len({fault.key for fault in FAULTS}) == len(FAULTS)
    together = [group for number, group in enumerate(groups) if not number or groups[number - 1] != group]
    assert len(together) == len(set(together))
    assert max(groups.count(group) for group in set(groups)) <= 14, "a group that is too long for a phone"


Look = Callable[[Any], bool]
# fault, target, where to look, what is seen while it is on
SEEN: tuple[tuple[str, str, str, Look], ...] = (
    ("ha_error", "101", "/cluster/ha/status/current", lambda rows: any(row.get("state") == "error" for row in rows)),
    (
        "ha_disarmed", "", "/cluster/ha/status/current",
        lambda rows: any(row.get("armed-state") == "disarmed" for row in rows),
    ),
    (
        "ha_maintenance", "pve2", "/cluster/ha/status/manager_status",
        lambda data: data["manager_status"]["node_status"]["pve2"] == "maintenance",
    ),
    ("io_error", "666", "/nodes/pve1/qemu/666/status/current", lambda row: row["qmpstatus"] == "io-error"),
    ("paused", "666", "/nodes/pve1/qemu/666/status/current", lambda row: row["qmpstatus"] == "paused"),
    ("lock_stuck", "666", "/nodes/pve1/qemu/666/status/current", lambda row: row.get("lock") == "snapshot"),
    ("onboot_down", "111", "/nodes/pve2/qemu/111/config", lambda row: row["onboot"] == 1),
    ("guest_cpu", "666", "/nodes/pve1/qemu/666/status/current", lambda row: row["cpu"] > 0.95),
    ("guest_mem", "110", "/nodes/pve1/lxc/110/status/current", lambda row: row["mem"] > 0.95 * row["maxmem"]),
    (
        "vm_disk", "666", "/nodes/pve1/qemu/666/agent/get-fsinfo",
        lambda data: data["result"][0]["used-bytes"] > 0.95 * data["result"][0]["total-bytes"],
    ),
    ("ct_disk", "110", "/nodes/pve1/lxc/110/status/current", lambda row: row["disk"] > 0.95 * row["maxdisk"]),
    ("node_cpu", "pve2", "/nodes/pve2/status", lambda row: row["cpu"] > 0.9),
    ("node_mem", "pve2", "/nodes/pve2/status", lambda row: row["memory"]["available"] < 0.05 * row["memory"]["total"]),
    ("node_swap", "pve2", "/nodes/pve2/status", lambda row: row["swap"]["used"] > 0.8 * row["swap"]["total"]),
    ("node_load", "pve2", "/nodes/pve2/status", lambda row: float(row["loadavg"][1]) > 32 and row["wait"] > 0.25),
    ("node_rootfs", "pve2", "/nodes/pve2/status", lambda row: row["rootfs"]["used"] > 0.95 * row["rootfs"]["total"]),
    (
        "pressure", "pve2", "/nodes/pve2/rrddata?timeframe=hour",
        lambda rows: max(row.get("pressureiofull", 0) for row in rows) > 40,
    ),
    (
        "storage_offline", "nas-backup", "/nodes/pve1/storage",
        lambda rows: any(row["storage"] == "nas-backup" and not row["active"] for row in rows),
    ),
    ("thin_metadata", "pve1", "/nodes/pve1/disks/lvmthin", lambda rows: rows[0]["metadata_used"] > 7 * GB),
    ("zfs_degraded", "pve1", "/nodes/pve1/disks/zfs", lambda rows: rows[0]["health"] == "DEGRADED"),
    ("zfs_errors", "pve1", "/nodes/pve1/disks/zfs/tank", lambda row: "'cksum': 12" in str(row)),
    ("disk_failing", "pve1", "/nodes/pve1/disks/list", lambda rows: any(row["health"] == "FAILED!" for row in rows)),
    ("disk_worn", "pve1", "/nodes/pve1/disks/list", lambda rows: any(row["wearout"] == 4 for row in rows)),
    ("replication", "102-0", "/nodes/pve2/replication", lambda rows: rows[0]["fail_count"] == 6 and rows[0]["error"]),
    ("not_backed_up", "666", "/cluster/backup-info/not-backed-up", lambda rows: 666 in {row["vmid"] for row in rows}),
    ("task_stuck", "pve2", "/cluster/tasks", lambda rows: any(row["type"] == "qmmove" and "endtime" not in row
                                                              and row["starttime"] < EPOCH - DAY for row in rows)),
    ("snapshot_old", "666", "/nodes/pve1/qemu/666/snapshot",
     lambda rows: any(row.get("snaptime", EPOCH) < EPOCH - 30 * DAY for row in rows)),
    ("cert", "pve1, 2 days", "/nodes/pve1/certificates/info",
     lambda rows: any(0 < row["notafter"] - EPOCH < 3 * DAY for row in rows)),
    ("updates", "pve1", "/nodes/pve1/apt/versions",
     lambda rows: any(row["Version"] != row["OldVersion"] for row in rows)),
    ("reboot", "pve1", "/nodes/pve1/apt/versions",
     lambda rows: any(row.get("RunningKernel", "6.17.9-1-pve") != "6.17.9-1-pve" for row in rows)),
    ("service_down", "pve1: qmeventd", "/nodes/pve1/services",
     lambda rows: any(row["name"] == "qmeventd" and row["active-state"] == "failed" for row in rows)),
    ("clock_drift", "pve1", "/nodes/pve1/time", lambda row: row["time"] - EPOCH > 40),
    ("subscription", "pve1", "/nodes/pve1/subscription", lambda row: row["status"] == "active"),
    ("token", "telemox@pve!view", "/access/users?full=1",
     lambda rows: any(0 < token["expire"] - EPOCH < 3 * DAY for row in rows for token in row["tokens"])),
)  # fmt: skip


@pytest.mark.parametrize(("key", "target", "path", "seen"), SEEN, ids=[row[0] for row in SEEN])
async def test_it_is_seen_while_it_is_on(
    cluster: Cluster, root: Speaker, key: str, target: str, path: str, seen: Look
) -> None:
    path, _, query = path.partition("?")
    params: Mapping[str, str] = dict(part.split("=") for part in query.split("&") if part)
    assert not seen(await root.get(path, **params)), "it is there before"
    cluster.set_fault(key, True, target)
    cluster.set_fault(key, True, target)  # twice is once
    assert seen(await root.get(path, **params))
    cluster.set_fault(key, False, target)
    assert not seen(await root.get(path, **params)), "it is there afterwards"


@pytest.mark.parametrize(("key", "health"), [("ceph_warn", "HEALTH_WARN"), ("ceph_err", "HEALTH_ERR")])
async def test_ceph_is_installed_by_its_faults(cluster: Cluster, root: Speaker, key: str, health: str) -> None:
    cluster.set_fault(key, True)
    found = await root.get("/cluster/ceph/status")
    assert found["health"]["status"] == health
    assert any(check["severity"] == health for check in found["health"]["checks"].values())
    cluster.set_fault(key, False)
    assert (await root.refused("GET", "/cluster/ceph/status"))[0] == 500


async def test_the_agent_of_a_guest_that_is_to_have_one(cluster: Cluster, root: Speaker) -> None:
    ping = "/nodes/pve1/qemu/666/agent/ping"
    await root.post(ping)
    cluster.set_fault("agent_silent", True, "666")
    assert "expect-agent" in (await root.rows())["qemu/666"]["tags"]
    assert await root.refused("POST", ping) == (500, "QEMU guest agent is not running")
    cluster.set_fault("agent_silent", False, "666")
    await root.post(ping)
    assert cluster.guest(666).tags == "test"


async def test_a_restart_loop_goes_on_until_it_is_off(cluster: Cluster) -> None:
    cluster.set_fault("restart_loop", True, "110")
    booted = []
    for _ in range(8):
        cluster.advance(20)
        booted.append(cluster.guest(110).booted)
    assert len(set(booted)) >= 5
    assert not cluster.tasks("vzstart")
    cluster.set_fault("restart_loop", False, "110")
    before = cluster.guest(110).booted
    cluster.advance(200)
    assert cluster.guest(110).booted == before


async def test_pvestatd_that_hangs(cluster: Cluster, root: Speaker) -> None:
    before = await root.rows()
    cluster.set_fault("stats_frozen", True, "pve2")
    cluster.advance(60)
    rows = await root.rows()
    assert (rows["node/pve2"]["status"], rows["node/pve2"]["uptime"]) == ("online", before["node/pve2"]["uptime"])
    assert rows["node/pve1"]["uptime"] > before["node/pve1"]["uptime"]
    cluster.advance(300)
    rows = await root.rows()
    assert (rows["node/pve2"]["status"], rows["qemu/102"]["status"]) == ("unknown", "running")
    cluster.set_fault("stats_frozen", False, "pve2")
    cluster.advance(10)
    assert (await root.rows())["node/pve2"]["status"] == "online"


async def test_a_disk_that_fills(cluster: Cluster, root: Speaker) -> None:
    shares = []
    cluster.set_fault("storage_filling", True, "ceph-vm")
    for _ in range(5):
        cluster.advance(50)
        row = (await root.rows())["storage/pve1/ceph-vm"]
        shares.append(round(row["disk"] / row["maxdisk"], 2))
    assert shares == [0.85, 0.90, 0.95, 0.97, 0.97]
    cluster.set_fault("storage_filling", False, "ceph-vm")
    cluster.advance(300)
    row = (await root.rows())["storage/pve1/ceph-vm"]
    assert round(row["disk"] / row["maxdisk"], 2) == 0.47


async def test_a_backup_that_is_overdue(cluster: Cluster, root: Speaker) -> None:
    def saved() -> list[Any]:
        return [task for task in cluster.tasks("vzdump") if task.id == "111"]

    assert not saved()
    cluster.set_fault("backup_overdue", True, "8 days")
    cluster.set_fault("backup_overdue", True, "8 days")
    assert [(task.exitstatus, task.end) for task in saved()] == [("OK", EPOCH - 8 * DAY + 60)]
    assert "INFO: Finished Backup of VM 111 (00:00:55)" in saved()[0].lines
    assert (await root.get("/cluster/backup"))[0]["exclude"] == "106,107"
    cluster.set_fault("backup_overdue", False)
    assert not saved()
    assert (await root.get("/cluster/backup"))[0]["exclude"] == "106,107,111"


async def test_a_backup_that_fails_until_it_is_off(cluster: Cluster, root: Speaker) -> None:
    """Then the guest is saved at once: the alert is over when a newer backup is well."""
    cluster.set_fault("backup_failed", True, "666")
    cluster.advance(120)
    await root.post("/nodes/pve1/vzdump", vmid=666, storage="nas-backup")
    cluster.advance(120)
    cluster.set_fault("backup_failed", False)
    cluster.advance(600)
    ends = [task.exitstatus for task in cluster.tasks("vzdump") if task.id == "666"]
    assert ends == ["job errors", "job errors", "OK"]


async def test_a_task_of_roots_that_fails(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("task_failed", True, "start")
    cluster.advance(5)
    failed = cluster.tasks()[-1]
    assert (failed.user, failed.exitstatus) == ("root@pam", "start failed: QEMU exited with code 1")
    assert not cluster.guest(int(failed.id)).running


async def test_what_people_do_in_proxmox_is_no_fault(cluster: Cluster) -> None:
    cluster.set_fault("started", True, "104")
    cluster.advance(20)
    assert cluster.guest(104).running
    assert cluster.tasks("vzstart")[-1].user == "ana@pve"
    cluster.set_fault("quorum_lost", True)
    cluster.guest(104).running = False
    with pytest.raises(ValueError, match="no quorum"):
        cluster.set_fault("started", True, "104")


async def test_all_hosts_off(cluster: Cluster) -> None:
    cluster.set_fault("all_off", True)
    assert not any(port.listening for port in cluster.ports)
    cluster.set_fault("all_off", False)
    for host in range(3):
        async with speaking(cluster, host=host) as speaker:
            await speaker.get("/version")


async def test_a_dead_backup_store_is_of_guests_that_come_and_go(cluster: Cluster, root: Speaker) -> None:
    before = {*(await root.rows())}
    cluster.set_fault("store_overdue", True)
    more = {*(await root.rows())} - before
    assert len(more) == 7
    log = [task for task in await root.get("/cluster/tasks") if task["type"] == "vzdump" and "endtime" in task]
    assert log
    cluster.set_fault("store_overdue", False)
    assert {*(await root.rows())} == before
