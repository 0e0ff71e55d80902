"""What the slow feeds ask: what stands there when all is well, and who may look."""

from collections.abc import AsyncIterator

import pytest

from bot.demo.cluster import Cluster
from tests.demo.cluster_kit import EPOCH, HOSTILE, Speaker, served, speaking


@pytest.fixture
async def view(cluster: Cluster) -> AsyncIterator[Speaker]:
    async with speaking(cluster, "view") as speaker:
        yield speaker


async def test_what_the_view_token_may_read(cluster: Cluster, view: Speaker) -> None:
    """Least privilege, as deploy/pveum.sh gives it, reads every feed."""
    for path in (
        "/cluster/ha/status/manager_status", "/cluster/backup", "/cluster/backup-info/not-backed-up",
        *(f"/nodes/pve2/{part}" for part in (
            "replication", "disks/zfs", "disks/zfs/tank", "disks/lvmthin", "disks/list", "services", "time",
            "certificates/info", "apt/versions", "subscription", "storage",
        )),
    ):  # fmt: skip
        assert await view.get(path), path
    users = await view.get("/access/users", full=1)
    mine = next(user for user in users if user["userid"] == "telemox@pve")
    assert {"view", "power", "admin"} <= {token["tokenid"] for token in mine["tokens"]}


async def test_a_token_is_not_its_user(view: Speaker, root: Speaker) -> None:
    """RPCEnvironment.pm, userid-param self: it compares the whole name."""
    path = "/access/users/telemox@pve/token"
    assert await view.refused("GET", path) == (403, "Permission check failed")
    assert {"view", "power"} <= {row["tokenid"] for row in await root.get(path)}


async def test_a_token_without_rights_reads_little(cluster: Cluster) -> None:
    async with speaking(cluster, "noacl") as nobody:
        assert await nobody.get("/nodes/pve1/replication") == []
        assert await nobody.get("/nodes/pve1/certificates/info")
        assert "serverid" not in await nobody.get("/nodes/pve1/subscription")
        assert (await nobody.refused("GET", "/nodes/pve1/disks/list"))[0] == 403
        assert (await nobody.refused("GET", "/nodes/pve1/disks/zfs")) == (403, "Permission check failed (/, Sys.Audit)")
        assert await nobody.get("/access/users", full=1) == []


async def test_what_is_not_installed_is_500_with_its_words(root: Speaker) -> None:
    assert await root.refused("GET", "/cluster/ceph/status") == (500, "binary not installed: /usr/bin/ceph-mon")
    assert await root.refused("GET", "/nodes/pve3/disks/zfs") == (500, "zfsutils-linux not installed")


async def test_ha_manager(cluster: Cluster, root: Speaker) -> None:
    found = await root.get("/cluster/ha/status/manager_status")
    assert found["manager_status"]["node_status"] == dict.fromkeys(("pve1", "pve2", "pve3"), "online")
    assert set(found["manager_status"]["service_status"]) == {"vm:101", "ct:112"}
    cluster.set_fault("node_off", True, "pve2")
    cluster.advance(70)
    found = await root.get("/cluster/ha/status/manager_status")
    assert found["manager_status"]["node_status"]["pve2"] == "fence"
    cluster.advance(240)
    found = await root.get("/cluster/ha/status/manager_status")
    assert found["manager_status"]["node_status"]["pve2"] == "unknown"
    for guest in cluster.world.guests.values():
        guest.ha = ""
    assert (await root.get("/cluster/ha/status/manager_status"))["manager_status"] == {}


async def test_skipsmart_lets_disks_sleep(root: Speaker) -> None:
    asleep = await root.get("/nodes/pve1/disks/list", skipsmart=1)
    assert {(disk["health"], disk["wearout"]) for disk in asleep} == {("UNKNOWN", "N/A")}
    awake = {disk["devpath"]: disk for disk in await root.get("/nodes/pve1/disks/list")}
    assert (awake["/dev/nvme0n1"]["health"], awake["/dev/nvme0n1"]["wearout"]) == ("PASSED", 91)
    assert awake["/dev/sdc"]["wearout"] == "N/A"


async def test_services_certificates_packages(cluster: Cluster, root: Speaker) -> None:
    services = {row["name"]: row for row in await root.get("/nodes/pve1/services")}
    assert services["pveproxy"]["active-state"] == "active"
    assert services["syslog"]["unit-state"] == "not-found"
    served_one = next(c for c in await root.get("/nodes/pve1/certificates/info") if c["filename"] == "pve-ssl.pem")
    assert served_one["notafter"] > EPOCH + 300 * 86_400
    packages = {row["Package"]: row for row in await root.get("/nodes/pve1/apt/versions")}
    assert all(row["Version"] == row["OldVersion"] for row in packages.values())
    assert packages["proxmox-ve"]["RunningKernel"] == "6.17.9-1-pve"


async def test_replication_goes_on_by_itself(cluster: Cluster, root: Speaker) -> None:
    job = (await root.get("/nodes/pve2/replication"))[0]
    assert (job["id"], job["fail_count"], job["target"]) == ("102-0", 0, "pve3")
    cluster.advance(3_600)
    later = (await root.get("/nodes/pve2/replication"))[0]
    assert EPOCH + 3_600 - later["last_sync"] < 900
    assert await root.get("/nodes/pve2/replication", guest=999) == []


async def test_backup_jobs_and_who_is_in_none(cluster: Cluster, root: Speaker) -> None:
    job = (await root.get("/cluster/backup"))[0]
    assert (job["all"], job["enabled"], job["storage"], job["exclude"]) == (1, 1, "nas-backup", "106,107,111")
    assert job["next-run"] == EPOCH + 2 * 3_600
    left_out = await root.get("/cluster/backup-info/not-backed-up")
    assert [row["name"] for row in left_out] == ["archive", "cad", "broken"]
    assert left_out[-1] == {"vmid": 111, "type": "qemu", "name": "broken"}
    cluster.set_fault("not_backed_up", True, "666")
    names = [row["name"] for row in await root.get("/cluster/backup-info/not-backed-up")]
    assert names == [HOSTILE, "archive", "cad", "broken"]


async def test_an_api_that_is_dead_on_a_node_that_lives(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("node_silent", True, "pve2")
    assert await root.refused("GET", "/nodes/pve2/status") == (595, "Connection refused")
    cluster.set_fault("node_silent", False, "pve2")
    cluster.set_fault("node_stuck", True, "pve2")
    assert (await root.refused("GET", "/nodes/pve2/status"))[0] == 596
    assert (await root.rows())["node/pve2"]["status"] == "online"


@pytest.mark.parametrize(("version", "privilege"), [("7.4-20", "Sys.Audit|Datastore.Audit"), ("8.4.21", "Sys.Audit")])
async def test_older_versions_ask_for_less(version: str, privilege: str) -> None:
    async with served(version=version) as cluster:
        cluster.add_role("Stores", ["Datastore.Audit"])
        cluster.add_user("stores@pve", {"/": "Stores"})
        who = cluster.add_token("stores@pve", "own", privsep=False)
        async with speaking(cluster, who) as stores:
            response = await stores.ask("GET", "/nodes/pve1/disks/zfs")
            assert (response.status_code == 200) is ("Datastore" in privilege)
