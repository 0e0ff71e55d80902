"""POST vzdump: a real task with a real log, locks meanwhile, files afterwards; and what it does not do."""

import pytest

from bot.demo.cluster import Cluster
from tests.demo.cluster_kit import Speaker, speaking

DUMP = "/nodes/pve1/vzdump"


async def test_one_guest(cluster: Cluster, root: Speaker) -> None:
    files = len(await root.get("/nodes/pve1/storage/nas-backup/content", content="backup", vmid=666))
    upid = await root.post(DUMP, vmid=666, storage="nas-backup", mode="snapshot")
    assert upid.split(":")[5:8] == ["vzdump", "666", "root@pam!full"]
    cluster.advance(10)
    assert (await root.rows())["qemu/666"]["lock"] == "backup"
    cluster.advance(600)
    assert (await root.task(upid))["exitstatus"] == "OK"
    assert "lock" not in (await root.rows())["qemu/666"]
    log = await root.log(upid)
    assert log[0].startswith("INFO: starting new backup job: vzdump 666 --storage nas-backup --mode snapshot")
    assert "INFO: Starting Backup of VM 666 (qemu)" in log
    assert any(line.startswith("INFO: Finished Backup of VM 666 (00:0") for line in log)
    assert log[-2:] == ["INFO: Backup job finished successfully", "TASK OK"]
    assert len(await root.get("/nodes/pve1/storage/nas-backup/content", content="backup", vmid=666)) == files + 1


async def test_all_of_a_node_has_an_empty_id(cluster: Cluster, root: Speaker) -> None:
    upid = await root.post(DUMP, all=1, storage="nas-backup", exclude="9000")
    assert upid.split(":")[6] == ""
    cluster.advance(6 * 3_600)
    log = await root.log(upid)
    saved = {int(line.split()[5]) for line in log if line.startswith("INFO: Finished Backup of VM")}
    assert saved == {guest.vmid for guest in cluster.world.guests.values() if guest.node == "pve1"} - {9000}


async def test_one_failure_is_no_end_of_the_job(cluster: Cluster, root: Speaker) -> None:
    cluster.guest(666).unsaved = "job failed with err -5 - Input/output error"
    upid = await root.post(DUMP, vmid="666,110", storage="nas-backup")
    cluster.advance(1_200)
    assert (await root.task(upid))["exitstatus"] == "job errors"
    log = await root.log(upid)
    assert "ERROR: Backup of VM 666 failed - job failed with err -5 - Input/output error" in log
    assert any(line.startswith("INFO: Finished Backup of VM 110") for line in log)
    assert "INFO: Backup job finished with errors" in log
    assert cluster.guest(666).lock == ""


async def test_a_guest_that_is_locked_already_keeps_its_lock(cluster: Cluster, root: Speaker) -> None:
    cluster.guest(666).lock = "migrate"
    upid = await root.post(DUMP, vmid=666, storage="nas-backup")
    cluster.advance(60)
    assert "ERROR: Backup of VM 666 failed - VM is locked (migrate)" in await root.log(upid)
    assert cluster.guest(666).lock == "migrate"


async def test_a_stopped_vm_is_started_for_it_and_stopped_again(cluster: Cluster, root: Speaker) -> None:
    upid = await root.post("/nodes/pve2/vzdump", vmid=111, storage="nas-backup")
    cluster.advance(20)
    assert (await root.rows())["qemu/111"]["status"] == "prelaunch"
    cluster.advance(600)
    assert (await root.task(upid))["exitstatus"] == "OK"
    assert (await root.rows())["qemu/111"]["status"] == "stopped"


async def test_mode_stop_takes_it_down_and_up(cluster: Cluster, root: Speaker) -> None:
    before = cluster.guest(110).booted
    await root.post(DUMP, vmid=110, storage="nas-backup", mode="stop")
    cluster.advance(5)
    assert not cluster.guest(110).running
    cluster.advance(600)
    assert cluster.guest(110).running
    assert cluster.guest(110).booted > before


async def test_it_ends_in_any_way_and_the_lock_is_gone(cluster: Cluster, root: Speaker) -> None:
    upid = await root.post(DUMP, vmid=666, storage="nas-backup")
    cluster.advance(5)
    await root.ask("DELETE", f"/nodes/pve1/tasks/{upid}")
    assert (await root.task(upid))["exitstatus"] == "interrupted by signal"
    assert cluster.guest(666).lock == ""
    await root.post(DUMP, vmid=666, storage="nas-backup")
    cluster.advance(5)
    cluster.set_fault("node_off", True, "pve1")
    cluster.set_fault("node_off", False, "pve1")
    assert cluster.guest(666).lock == ""


async def test_a_storage_that_is_full_or_away(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("disk_full", True, "nas-backup")
    upid = await root.post(DUMP, vmid=666, storage="nas-backup")
    cluster.advance(300)
    assert "ERROR: Backup of VM 666 failed - no space left on device" in await root.log(upid)
    cluster.set_fault("storage_offline", True, "nas-backup")
    upid = await root.post(DUMP, vmid=666, storage="nas-backup")
    assert (await root.task(upid))["exitstatus"].startswith("could not activate storage 'nas-backup'")


async def test_elsewhere_is_no_task(root: Speaker) -> None:
    assert await root.post(DUMP, vmid=102, storage="nas-backup") == "OK"


async def test_privileges(cluster: Cluster) -> None:
    cluster.add_role("Saver", ["VM.Backup", "VM.Audit", "Datastore.AllocateSpace"])
    cluster.add_user("saver@pve", {"/": "Saver"})
    who = cluster.add_token("saver@pve", "own", {"/vms/666": "Saver", "/storage/nas-backup": "Saver"})
    async with speaking(cluster, who) as saver:
        assert (await saver.post(DUMP, vmid=666, storage="nas-backup")).startswith("UPID:")
        wrong = await saver.refused("POST", DUMP, data={"vmid": 110, "storage": "nas-backup"})
        assert wrong == (403, "Permission check failed (/vms/110, VM.Backup)")
        wrong = await saver.refused("POST", DUMP, data={"vmid": 666, "storage": "local"})
        assert wrong == (403, "Permission check failed (/storage/local, Datastore.AllocateSpace)")


@pytest.mark.parametrize(
    "form", [{}, {"vmid": "x"}, {"vmid": "5"}, {"vmid": 666, "all": 1}, {"vmid": 666, "node": "pve2"}]
)
async def test_wrong_parameters(root: Speaker, form: dict[str, object]) -> None:
    assert (await root.refused("POST", DUMP, data={"storage": "nas-backup", **form}))[0] == 400
    words = "can't use storage 'ceph-vm' for backups - wrong content type"
    assert await root.refused("POST", DUMP, data={"vmid": 666, "storage": "ceph-vm"}) == (500, words)
