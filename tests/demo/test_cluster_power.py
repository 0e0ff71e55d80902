"""What each power action does in each state: facts of qemu-server and pve-container, as a table."""

import pytest

from bot.demo.cluster import Cluster
from tests.demo.cluster_kit import Speaker, speaking

VM, CT = "/nodes/pve1/qemu/113", "/nodes/pve1/lxc/110"


def arrange(cluster: Cluster, vmid: int, state: str) -> None:
    guest = cluster.guest(vmid)
    match state:
        case "stopped":
            cluster.world.halt(guest)
        case "paused":
            guest.paused = True
        case "template":
            cluster.world.halt(guest)
            guest.template = True
        case "hibernated":
            cluster.world.halt(guest)
            guest.lock = "suspended"
        case "locked":
            guest.lock = "snapshot"
        case "locked, stopped":
            cluster.world.halt(guest)
            guest.lock = "backup"
        case _:
            assert state == "running"


@pytest.mark.parametrize(
    ("path", "action", "state", "form", "reason"),
    [
        (VM, "reboot", "stopped", {}, "VM 113 not running"),
        (VM, "reset", "stopped", {}, "VM 113 not running"),
        (VM, "suspend", "stopped", {}, "VM 113 not running"),
        (VM, "resume", "stopped", {}, "VM 113 not running"),
        (VM, "shutdown", "paused", {}, "VM is paused - cannot shutdown"),
        (VM, "reboot", "paused", {}, "VM is paused - cannot shutdown"),
        (CT, "start", "running", {}, "CT 110 already running"),
        (CT, "resume", "running", {}, "CT 110 already running"),
        (CT, "stop", "stopped", {}, "CT 110 not running"),
        (CT, "shutdown", "stopped", {}, "CT 110 not running"),
        (CT, "suspend", "stopped", {}, "CT 110 not running"),
        (CT, "reboot", "stopped", {}, "VM 110 not running"),
        (
            "/nodes/pve1/qemu/999",
            "reset",
            "",
            {},
            "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist",
        ),
        (
            "/nodes/pve2/qemu/113",
            "reboot",
            "",
            {},
            "Configuration file 'nodes/pve2/qemu-server/113.conf' does not exist",
        ),
        ("/nodes/pve1/qemu/101", "suspend", "", {"todisk": 1}, "Cannot suspend HA managed VM to disk"),
    ],
)
async def test_refused_at_once(
    cluster: Cluster, root: Speaker, path: str, action: str, state: str, form: dict[str, int], reason: str
) -> None:
    if state:
        arrange(cluster, int(path.rpartition("/")[2]), state)
    before = len(cluster.tasks())
    assert await root.refused("POST", f"{path}/status/{action}", data=form) == (500, reason)
    assert len(cluster.tasks()) == before


@pytest.mark.parametrize(
    ("path", "action", "state", "exitstatus"),
    [
        (VM, "start", "running", "VM 113 already running"),
        (VM, "start", "template", "you can't start a vm if it's a template"),
        (CT, "start", "template", "you can't start a CT if it's a template"),
        (VM, "start", "locked, stopped", "VM is locked (backup)"),
        (CT, "start", "locked, stopped", "CT is locked (backup)"),
        (VM, "stop", "locked", "VM is locked (snapshot)"),
        (VM, "reboot", "locked", "VM is locked (snapshot)"),
        (CT, "shutdown", "locked", "CT is locked (snapshot)"),
        (VM, "suspend", "locked", "VM is locked (snapshot)"),
        (VM, "stop", "stopped", "OK"),
        (VM, "shutdown", "stopped", "OK"),
    ],
)
async def test_accepted_and_the_task_decides(
    cluster: Cluster, root: Speaker, path: str, action: str, state: str, exitstatus: str
) -> None:
    arrange(cluster, int(path.rpartition("/")[2]), state)
    upid = await root.post(f"{path}/status/{action}")
    cluster.advance(60)
    task = await root.task(upid)
    assert (task["status"], task["exitstatus"]) == ("stopped", exitstatus)
    assert (await root.log(upid))[-1] == ("TASK OK" if exitstatus == "OK" else f"TASK ERROR: {exitstatus}")


@pytest.mark.parametrize(
    ("path", "action", "state", "form", "ends", "kind"),
    [
        (VM, "start", "stopped", {}, "running", "qmstart"),
        (VM, "stop", "running", {}, "stopped", "qmstop"),
        (VM, "stop", "paused", {}, "stopped", "qmstop"),
        (VM, "shutdown", "running", {}, "stopped", "qmshutdown"),
        (VM, "shutdown", "paused", {"forceStop": 1}, "stopped", "qmshutdown"),
        (VM, "suspend", "running", {}, "paused", "qmpause"),
        (VM, "suspend", "running", {"todisk": 1}, "stopped", "qmsuspend"),
        (VM, "resume", "paused", {}, "running", "qmresume"),
        (VM, "resume", "hibernated", {}, "running", "qmresume"),
        (VM, "start", "hibernated", {}, "running", "qmstart"),
        (VM, "reset", "running", {}, "running", "qmreset"),
        (CT, "start", "stopped", {}, "running", "vzstart"),
        (CT, "stop", "running", {}, "stopped", "vzstop"),
        (CT, "shutdown", "running", {}, "stopped", "vzshutdown"),
        (CT, "reboot", "running", {}, "running", "vzreboot"),
    ],
)
async def test_done(
    cluster: Cluster, root: Speaker, path: str, action: str, state: str, form: dict[str, int], ends: str, kind: str
) -> None:
    arrange(cluster, int(path.rpartition("/")[2]), state)
    upid = await root.post(f"{path}/status/{action}", **form)
    assert upid.split(":")[5] == kind
    cluster.advance(60)
    assert (await root.task(upid))["exitstatus"] == "OK"
    current = await root.get(f"{path}/status/current")
    assert current.get("qmpstatus", current["status"]) == ends
    assert current.get("lock") == ("suspended" if form.get("todisk") else None)


async def test_a_task_takes_time_and_says_so(cluster: Cluster, root: Speaker) -> None:
    upid = await root.post(f"{VM}/status/shutdown")
    task = await root.task(upid)
    assert task["status"] == "running"
    assert "exitstatus" not in task
    assert (await root.get(f"{VM}/status/current"))["status"] == "running"
    cluster.advance(3)
    assert (await root.task(upid))["status"] == "stopped"


async def test_a_vm_is_rebooted_by_two_tasks(cluster: Cluster, root: Speaker) -> None:
    """The first one's end is a stopped VM; qmeventd starts it again, as root."""
    before = (await root.get(f"{VM}/status/current"))["uptime"]
    upid = await root.post(f"{VM}/status/reboot")
    cluster.advance(3.1)
    assert (await root.task(upid))["exitstatus"] == "OK"
    assert (await root.get(f"{VM}/status/current"))["status"] == "stopped"
    cluster.advance(10)
    current = await root.get(f"{VM}/status/current")
    assert current["status"] == "running"
    assert current["uptime"] < 10 < before
    assert cluster.tasks("qmstart")[-1].user == "root@pam"


async def test_a_container_is_rebooted_by_one_task_even_if_deaf(cluster: Cluster, root: Speaker) -> None:
    cluster.guest(110).deaf = True
    upid = await root.post(f"{CT}/status/reboot", timeout=5)
    cluster.advance(10)
    assert (await root.task(upid))["exitstatus"] == "OK"
    assert (await root.get(f"{CT}/status/current"))["uptime"] < 10


async def test_reset_keeps_the_uptime(cluster: Cluster, root: Speaker) -> None:
    before = (await root.get(f"{VM}/status/current"))["uptime"]
    await root.post(f"{VM}/status/reset")
    cluster.advance(5)
    assert (await root.get(f"{VM}/status/current"))["uptime"] == before + 5


async def test_who_does_not_listen_runs_on(cluster: Cluster, root: Speaker) -> None:
    upid = await root.post("/nodes/pve3/qemu/109/status/shutdown")
    cluster.advance(59)
    assert (await root.task(upid))["status"] == "running"
    cluster.advance(2)
    assert (await root.task(upid))["exitstatus"] == "VM quit/powerdown failed - got timeout"
    assert cluster.guest(109).running
    forced = await root.post("/nodes/pve3/qemu/109/status/shutdown", timeout=2, forceStop=1)
    cluster.advance(5)
    assert await root.log(forced) == ["VM still running - terminating now with SIGTERM", "TASK OK"]
    assert not cluster.guest(109).running


async def test_a_second_task_waits_ten_seconds_for_the_lock_file(cluster: Cluster, root: Speaker) -> None:
    await root.post("/nodes/pve3/qemu/109/status/shutdown")
    stop = await root.post("/nodes/pve3/qemu/109/status/stop")
    cluster.advance(11)
    assert (await root.task(stop))["exitstatus"] == (
        "can't lock file '/var/lock/qemu-server/lock-109.conf' - got timeout"
    )
    overruling = await root.post("/nodes/pve3/qemu/109/status/stop", **{"overrule-shutdown": 1})
    cluster.advance(2)
    assert (await root.task(overruling))["exitstatus"] == "OK"
    assert cluster.tasks("qmshutdown")[-1].exitstatus == "received interrupt"


async def test_a_broken_vm_does_not_start(cluster: Cluster, root: Speaker) -> None:
    upid = await root.post("/nodes/pve2/qemu/111/status/start")
    cluster.advance(5)
    assert (await root.task(upid))["exitstatus"] == "start failed: QEMU exited with code 1"


async def test_an_unknown_vm_is_started_in_vain(cluster: Cluster, root: Speaker) -> None:
    upid = await root.post("/nodes/pve1/qemu/999/status/start")
    assert (await root.task(upid))["exitstatus"] == (
        "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist"
    )


async def test_ha_is_asked_and_acts_later_as_root(cluster: Cluster, root: Speaker) -> None:
    path = "/nodes/pve1/qemu/101/status"
    upid = await root.post(f"{path}/shutdown")
    assert upid.split(":")[5] == "hastop"
    assert (await root.task(upid))["exitstatus"] == "OK"
    current = await root.get(f"{path}/current")
    assert (current["status"], current["ha"]) == ("running", {"managed": 1, "state": "request_stop"})
    cluster.advance(30)
    current = await root.get(f"{path}/current")
    assert (current["status"], current["ha"]["state"]) == ("stopped", "stopped")
    assert cluster.tasks("qmshutdown")[-1].user == "root@pam"

    upid = await root.post(f"{path}/start")
    assert upid.split(":")[5] == "hastart"
    assert await root.log(upid) == ["Requesting HA start for VM 101", "TASK OK"]
    cluster.advance(30)
    current = await root.get(f"{path}/current")
    assert (current["status"], current["ha"]["state"]) == ("running", "started")

    response = await root.ask("POST", f"{path}/stop", data={"overrule-shutdown": 1})
    assert response.json()["errors"] == {"overrule-shutdown": "Not applicable for HA resources."}


async def test_an_ha_vm_is_rebooted_around_ha(cluster: Cluster, root: Speaker) -> None:
    upid = await root.post("/nodes/pve1/qemu/101/status/reboot")
    assert upid.split(":")[5] == "qmreboot"
    cluster.advance(20)
    current = await root.get("/nodes/pve1/qemu/101/status/current")
    assert (current["status"], current["ha"]["state"]) == ("running", "started")
    assert current["uptime"] < 20


async def test_without_quorum_nothing_starts_but_things_stop(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("quorum_lost", True)
    arrange(cluster, 113, "stopped")
    assert await root.refused("POST", f"{VM}/status/start") == (500, "cluster not ready - no quorum?")
    await root.post("/nodes/pve1/qemu/666/status/stop")
    cluster.advance(2)
    assert not cluster.guest(666).running


@pytest.mark.parametrize(
    ("path", "vmid", "exitstatus"), [(VM, 113, "OK"), (CT, 110, "startup for container '110' failed")]
)
async def test_without_quorum_a_reboot_ends_half_way(
    cluster: Cluster, root: Speaker, path: str, vmid: int, exitstatus: str
) -> None:
    """The stop goes through, the start does not: neither qmeventd's vm_start nor the container's prestart hook."""
    cluster.set_fault("quorum_lost", True)
    before = len(cluster.tasks())
    upid = await root.post(f"{path}/status/reboot")
    cluster.advance(120)
    assert (await root.task(upid))["exitstatus"] == exitstatus
    assert not cluster.guest(vmid).running
    assert len(cluster.tasks()) == before + 1


async def test_hibernating_takes_more_than_power(cluster: Cluster) -> None:
    cluster.add_role("JustPower", ["VM.Audit", "VM.PowerMgmt"])
    token = cluster.add_token("root@pam", "power", {"/": "JustPower"})
    async with speaking(cluster, token) as just:
        assert await just.refused("POST", f"{VM}/status/suspend", data={"todisk": 1}) == (
            403,
            "Permission check failed (/vms/113, VM.Config.Disk)",
        )
        await just.post(f"{VM}/status/suspend")


async def test_a_task_can_be_cancelled_and_gives_back_its_lock(cluster: Cluster, root: Speaker) -> None:
    upid = await root.post("/nodes/pve3/qemu/109/status/shutdown")
    assert (await root.ask("DELETE", f"/nodes/pve3/tasks/{upid}")).json() == {"data": None}
    assert (await root.task(upid))["exitstatus"] == "received interrupt"
    assert cluster.guest(109).busy == ""
    await root.ask("DELETE", f"/nodes/pve3/tasks/{upid}")  # fine for one that has ended


async def test_cancelling_the_backup_unlocks_its_guest(cluster: Cluster, root: Speaker) -> None:
    backup = next(task for task in cluster.tasks("vzdump") if task.running)
    assert cluster.guest(106).lock == "backup"
    await root.ask("DELETE", f"/nodes/pve3/tasks/{backup.upid}")
    assert cluster.guest(106).lock == ""
    assert backup.exitstatus == "interrupted by signal"
