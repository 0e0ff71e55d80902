"""What the cluster tells of itself, and how late."""

import pytest

from bot.demo.cluster import Cluster, Snapshot
from tests.demo.cluster_kit import EPOCH, HOSTILE, Speaker, served, speaking

VERSIONS = ["7.4-20", "8.2", "8.4.21", "9.1.11"]


async def test_the_world_as_one_finds_it(cluster: Cluster, root: Speaker) -> None:
    rows = await root.rows()
    guests = {row["vmid"]: row for row in rows.values() if "vmid" in row}
    assert len(guests) == 40
    assert guests[666]["name"] == HOSTILE
    assert (guests[131]["status"], guests[106]["lock"], guests[107]["lock"]) == ("paused", "backup", "suspended")
    assert (guests[107]["status"], guests[9000]["template"], guests[101]["hastate"]) == ("stopped", 1, "started")
    assert (guests[104]["status"], guests[104]["tags"], guests[104]["name"]) == ("stopped", "expect-up;prod", "ct-mail")
    assert len(guests[108]["name"]) == 63
    assert {row["type"] for row in rows.values()} == {"node", "storage", "pool", "qemu", "lxc", "network"}
    nas = rows["storage/pve1/nas-backup"]
    assert (nas["shared"], round(nas["disk"] / nas["maxdisk"], 2)) == (1, 0.91)
    assert sum(row["id"].endswith("/nas-backup") for row in rows.values()) == 3
    assert rows["/pool/prod"]["maxmem"] > 0


async def test_the_same_seed_is_the_same_world() -> None:
    async def look(seed: int) -> object:
        async with served(seed=seed) as cluster, speaking(cluster) as root:
            return await root.get("/cluster/resources"), cluster.tokens, await root.get("/nodes/pve1/tasks")

    assert await look(1) == await look(1)
    assert await look(1) != await look(2)


@pytest.mark.parametrize("count", [1, 16, 100, 1000])
async def test_as_many_guests_as_one_likes(count: int) -> None:
    async with served(guests=count) as cluster, speaking(cluster) as root:
        assert len(await root.rows("vm")) == count


async def test_resources_lag_while_status_current_does_not(cluster: Cluster, root: Speaker) -> None:
    cluster.advance(1)
    await root.post("/nodes/pve1/qemu/666/status/stop")
    cluster.advance(2)
    assert (await root.get("/nodes/pve1/qemu/666/status/current"))["status"] == "stopped"
    assert (await root.rows())["qemu/666"]["status"] == "running"
    cluster.advance(7)
    assert (await root.rows())["qemu/666"]["status"] == "stopped"


async def test_locks_tags_and_ha_do_not_lag(cluster: Cluster, root: Speaker) -> None:
    before = await root.rows()
    assert "lock" not in before["qemu/666"]
    cluster.guest(666).lock = "migrate"
    cluster.guest(666).tags = "new"
    row = (await root.rows())["qemu/666"]
    assert (row["lock"], row["tags"]) == ("migrate", "new")


async def test_paused_is_running_to_status_current(cluster: Cluster, root: Speaker) -> None:
    row = await root.get("/nodes/pve3/qemu/131/status/current")
    assert (row["status"], row["qmpstatus"]) == ("running", "paused")


async def test_status_and_nodes(cluster: Cluster, root: Speaker) -> None:
    status = {row["id"]: row for row in await root.get("/cluster/status")}
    assert (status["cluster"]["quorate"], status["cluster"]["nodes"]) == (1, 3)
    assert [status[f"node/pve{n}"]["local"] for n in (1, 2, 3)] == [1, 0, 0]
    nodes = await root.get("/nodes")
    assert [row["status"] for row in nodes] == ["online"] * 3
    assert (await root.get("/nodes/pve2/status"))["cpuinfo"]["cpus"] == 16
    assert await root.refused("GET", "/nodes/ghost/status") == (
        500,
        "hostname lookup 'ghost' failed - failed to get address info for: ghost: Name or service not known",
    )


async def test_a_node_that_is_off(cluster: Cluster, root: Speaker) -> None:
    """Offline at once; its guests run on with frozen numbers for five minutes, then nobody knows."""
    before = await root.rows()
    cluster.set_fault("node_off", True, "pve2")
    cluster.advance(30)
    rows = await root.rows()
    assert rows["node/pve2"]["status"] == "offline"
    assert "uptime" not in rows["node/pve2"]
    assert "maxmem" in rows["node/pve2"]
    assert rows["qemu/102"] == before["qemu/102"]
    assert rows["qemu/101"]["uptime"] == before["qemu/101"]["uptime"] + 30
    assert rows["storage/pve2/local"]["status"] == "available"
    assert await root.refused("GET", "/nodes/pve2/qemu/102/status/current") == (595, "No route to host")
    response = await root.ask("GET", "/nodes/pve2/status")
    assert (response.content, response.headers.get("content-type")) == (b"", None)
    assert await root.get("/nodes/pve2")  # answered by whoever is asked

    cluster.advance(300)
    rows = await root.rows()
    assert set(rows["node/pve2"]) == {"id", "node", "type", "status", "cgroup-mode", "hastate"}
    assert rows["qemu/102"] == {
        "id": "qemu/102", "vmid": 102, "node": "pve2", "type": "qemu", "status": "unknown", "tags": "prod",
        "pool": "prod",
    }  # fmt: skip
    assert rows["storage/pve2/local"]["status"] == "unknown"
    assert "maxdisk" not in rows["storage/pve2/local"]
    status = {row["id"]: row for row in await root.get("/cluster/status")}
    assert (status["node/pve2"]["online"], status["cluster"]["quorate"]) == (0, 1)

    cluster.set_fault("node_off", False, "pve2")
    cluster.advance(20)
    rows = await root.rows()
    assert (rows["node/pve2"]["status"], rows["qemu/102"]["status"]) == ("online", "running")
    assert rows["qemu/102"]["uptime"] < 30
    assert (cluster.tasks("startall")[-1].node, cluster.tasks("startall")[-1].exitstatus) == ("pve2", "OK")
    assert not cluster.guest(111).running


async def test_ha_starts_its_guests_elsewhere(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("node_off", True, "pve2")
    assert cluster.guest(112).node == "pve2"
    cluster.advance(70)
    assert (await root.rows())["lxc/112"]["hastate"] == "fence"
    cluster.advance(80)
    row = (await root.rows())["lxc/112"]
    assert (row["node"], row["status"], row["hastate"]) == ("pve1", "running", "started")
    assert (await root.refused("GET", "/nodes/pve2/lxc/112/status/current"))[0] == 595
    await root.get("/nodes/pve1/lxc/112/status/current")


async def test_two_nodes_off_is_no_quorum(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("node_off", True, "pve2")
    cluster.set_fault("node_off", True, "pve3")
    assert (await root.get("/cluster/status"))[0]["quorate"] == 0
    assert (await root.get("/cluster/ha/status/current"))[0]["status"] == "No quorum on node 'pve1'!"


async def test_task_lists(cluster: Cluster, root: Speaker) -> None:
    archive = await root.get("/nodes/pve3/tasks")
    assert all("endtime" in row for row in archive)
    assert [row["starttime"] for row in archive] == sorted((row["starttime"] for row in archive), reverse=True)
    everything = await root.get("/nodes/pve3/tasks", source="all")
    running = [row for row in everything if "endtime" not in row]
    assert [(row["type"], row["id"], row["status"]) for row in running] == [("vzdump", "106", "RUNNING")]
    assert await root.get("/nodes/pve3/tasks", source="active") == running
    assert {row["status"] for row in await root.get("/nodes/pve3/tasks", errors=1)} == {"job errors"}
    assert {row["type"] for row in await root.get("/nodes/pve3/tasks", typefilter="qmpause")} == {"qmpause"}
    assert {row["id"] for row in await root.get("/nodes/pve3/tasks", vmid=109)} == {"109"}
    assert {row["status"] for row in await root.get("/nodes/pve1/tasks", statusfilter="warning")} == {"WARNINGS: 1"}
    assert await root.get("/nodes/pve3/tasks", since=int(EPOCH)) == []
    limited = await root.ask("GET", "/nodes/pve3/tasks", params={"limit": 1})
    assert (len(limited.json()["data"]), limited.json()["total"]) == (1, len(archive))
    assert "total" not in (await root.ask("GET", "/nodes/pve3/tasks", params={"since": int(EPOCH)})).json()

    rows = await root.get("/cluster/tasks")
    assert [row["id"] for row in rows if "endtime" not in row] == ["106"]
    assert all("pid" not in row and row["saved"] == "1" for row in rows if "endtime" in row)
    assert all("status" not in row for row in rows if "endtime" not in row)


async def test_task_logs(cluster: Cluster, root: Speaker) -> None:
    upid = next(task.upid for task in cluster.tasks("vzdump") if task.running)
    cluster.advance(480 * 4)
    path = f"/nodes/pve3/tasks/{upid}/log"
    answer = (await root.ask("GET", path, params={"start": 2, "limit": 2})).json()
    assert [row["n"] for row in answer["data"]] == [3, 4]
    assert answer["total"] == 7
    assert "  4% (36.0 GiB of 900.0 GiB)" in (await root.log(upid))[5]
    text = await root.ask("GET", path, params={"download": 1})
    assert text.headers["content-type"] == "text/plain"
    assert text.text.count("\n") == 7
    assert (await root.refused("GET", path, params={"download": 1, "limit": 3}))[0] == 500
    gone = "UPID:pve3:00000001:00000001:00000001:qmstart:1:root@pam!full:"
    assert await root.log(gone) == ["unable to open file - No such file or directory"]


async def test_snapshots_end_with_now(cluster: Cluster, root: Speaker) -> None:
    rows = await root.get("/nodes/pve1/qemu/101/snapshot")
    assert [row["name"] for row in rows] == ["before-upgrade", "with-ram", "current"]
    assert (rows[1]["parent"], rows[1]["vmstate"], rows[-1]["parent"]) == ("before-upgrade", 1, "with-ram")
    assert (rows[-1]["running"], rows[-1]["description"]) == (1, "You are here!")
    cluster.guest(113).snapshots.append(Snapshot("s1", EPOCH))
    assert [row["name"] for row in await root.get("/nodes/pve1/qemu/113/snapshot")] == ["s1", "current"]
    assert "vmstate" not in (await root.get("/nodes/pve1/lxc/110/snapshot"))[0]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nodes/pve3/qemu/109", "No QEMU guest agent configured"),
        ("/nodes/pve1/qemu/113", "QEMU guest agent is not running"),
        ("/nodes/pve3/qemu/131", "QEMU guest agent is not running"),
        ("/nodes/pve2/qemu/105", "VM 105 is not running"),
    ],
)
async def test_agents_in_trouble(cluster: Cluster, root: Speaker, path: str, reason: str) -> None:
    cluster.world.halt(cluster.guest(105))
    for command in ("network-get-interfaces", "get-fsinfo", "get-osinfo", "get-host-name"):
        assert await root.refused("GET", f"{path}/agent/{command}") == (500, reason)
    assert await root.refused("POST", f"{path}/agent/ping") == (500, reason)


async def test_agents(cluster: Cluster, root: Speaker) -> None:
    path = "/nodes/pve1/qemu/101/agent"
    addresses = (await root.get(f"{path}/network-get-interfaces"))["result"][1]["ip-addresses"]
    assert {"ip-address": "192.0.2.101", "ip-address-type": "ipv4", "prefix": 24} in addresses
    assert (await root.get(f"{path}/get-osinfo"))["result"]["id"] == "debian"
    assert (await root.get(f"{path}/get-fsinfo"))["result"][0]["mountpoint"] == "/"
    assert (await root.ask("POST", f"{path}/ping")).json() == {"data": {"result": {}}}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_containers_addresses(version: str) -> None:
    async with served(version=version) as cluster, speaking(cluster) as root:
        path = "/nodes/pve1/lxc/110/interfaces"
        if version.startswith("7"):
            assert await root.refused("GET", path) == (501, f"Method 'GET {path}' not implemented")
            return
        row = (await root.get(path))[1]
        assert (row["name"], row["inet"], row["inet6"]) == ("eth0", "192.0.2.53/24", "2001:db8::53/64")
        assert ("ip-addresses" in row) is version.startswith("9")


@pytest.mark.parametrize("version", VERSIONS)
async def test_series(version: str) -> None:
    async with served(version=version) as cluster, speaking(cluster) as root:
        modern = version.startswith("9")
        wanted = {
            "hour": (60, 60), "day": (1440, 60), "week": (336, 1800), "month": (1440, 1800), "year": (1440, 21600),
        } if modern else {
            "hour": (70, 60), "day": (70, 1800), "week": (70, 10800), "month": (70, 43200), "year": (70, 604800),
        }  # fmt: skip
        for path in ("/nodes/pve1", "/nodes/pve1/qemu/101", "/nodes/pve1/lxc/110", "/nodes/pve1/storage/nas-backup"):
            for frame, (count, step) in wanted.items():
                rows = await root.get(f"{path}/rrddata", timeframe=frame, cf="AVERAGE")
                assert (len(rows), rows[1]["time"] - rows[0]["time"]) == (count, step)
                assert len(rows[count // 2]) > 1 or frame == "year"
        guest = (await root.get("/nodes/pve1/qemu/101/rrddata", timeframe="hour"))[3]
        assert ("memhost" in guest) is modern
        decade = await root.ask("GET", "/nodes/pve1/rrddata", params={"timeframe": "decade"})
        assert decade.status_code == (200 if modern else 400)


async def test_series_of_a_node_that_is_off(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("node_off", True, "pve2")
    cluster.advance(600)
    rows = await root.get("/nodes/pve2/qemu/102/rrddata", timeframe="hour")
    assert "cpu" in rows[5]
    assert set(rows[-5]) == {"time"}
    assert (await root.refused("GET", "/nodes/pve2/storage/local/rrddata", params={"timeframe": "hour"}))[0] == 595


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_differs_between_versions(version: str) -> None:
    async with served(version=version) as cluster, speaking(cluster) as root:
        rows = await root.rows()
        modern = version.startswith("9")
        assert (await root.get("/version"))["version"] == version
        assert ("memhost" in rows["qemu/101"]) is modern
        assert ("network/pve1/zone/localnetwork" in rows) is modern
        assert ("sdn/pve1/localnetwork" in rows) is not modern
        current = await root.get("/nodes/pve1/lxc/110/status/current")
        assert current.get("pressurecpusome") == ("0.00" if modern else None)
        assert ("available" in (await root.get("/nodes/pve1/status"))["memory"]) is modern
        upid = await root.post("/nodes/pve1/qemu/113/status/reboot")
        assert ("pstart" in await root.task(upid)) is not version.startswith("7")


async def test_storages(cluster: Cluster, root: Speaker) -> None:
    rows = {row["storage"]: row for row in await root.get("/nodes/pve1/storage")}
    assert rows["nas-backup"]["used_fraction"] == 0.91
    assert (rows["old-nfs"]["enabled"], rows["old-nfs"]["active"], rows["old-nfs"]["total"]) == (0, 0, 0)
    assert "old-nfs" not in {row["storage"] for row in await root.get("/nodes/pve1/storage", enabled=1)}
    assert set(rows) - {row["storage"] for row in await root.get("/nodes/pve1/storage", content="backup")} >= {
        "ceph-vm"
    }
    next(storage for storage in cluster.world.storages if storage.name == "nas-backup").active = False
    cluster.advance(10)
    assert (await root.rows())["storage/pve1/nas-backup"]["status"] == "unknown"
    assert (await root.get("/nodes/pve1/storage/nas-backup/status"))["active"] == 0
    assert await root.refused("GET", "/nodes/pve1/storage/nas-backup/content") == (
        500,
        "storage 'nas-backup' is not online",
    )


async def test_ha_status(cluster: Cluster, root: Speaker) -> None:
    rows = {row["id"]: row for row in await root.get("/cluster/ha/status/current")}
    assert set(rows) == {
        "quorum", "master", "fencing", "lrm:pve1", "lrm:pve2", "lrm:pve3", "service:vm:101", "service:ct:112",
    }  # fmt: skip
    assert rows["service:vm:101"]["state"] == "started"


async def test_configs(cluster: Cluster, root: Speaker) -> None:
    vm = await root.get("/nodes/pve1/qemu/101/config")
    assert (vm["name"], vm["memory"], vm["parent"]) == ("web", "4096", "with-ram")
    ct = await root.get("/nodes/pve1/lxc/110/config")
    assert (ct["hostname"], ct["memory"]) == ("ct-dns", 512)
    assert (await root.get("/nodes/pve1/qemu/9000/config"))["template"] == 1


async def test_speed_is_simulated_seconds_a_second() -> None:
    now = [0.0]
    async with served(speed=10, monotonic=lambda: now[0]) as cluster, speaking(cluster) as root:
        upid = await root.post("/nodes/pve1/qemu/113/status/shutdown")
        now[0] = 0.2
        assert (await root.task(upid))["status"] == "running"
        now[0] = 0.31
        assert (await root.task(upid))["status"] == "stopped"
