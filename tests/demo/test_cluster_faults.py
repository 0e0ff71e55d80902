"""Each fault does what its row says, to those it is aimed at, until it is turned off."""

import asyncio
import contextlib

import httpx
import pytest

from bot.demo.cluster import FAULTS, Cluster
from bot.demo.cluster import faults as table
from tests.demo.cluster_kit import Speaker, speaking

RESET = "/nodes/pve1/qemu/113/status/reset"


def listed(cluster: Cluster, key: str) -> dict[str, object]:
    return next(row for row in cluster.faults() if row["key"] == key)


async def test_the_table(cluster: Cluster) -> None:
    rows = cluster.faults()
    assert [row["key"] for row in rows] == [fault.key for fault in FAULTS]
    assert len({row["key"] for row in rows}) == len(rows)
    assert all(row["label"] and row["help"] and row["on"] is False and row["target"] == "" for row in rows)
    assert listed(cluster, "node_off")["targets"] == ["pve1", "pve2", "pve3"]
    assert (listed(cluster, "node_off")["one"], listed(cluster, "slow")["one"]) == (True, False)


@pytest.mark.parametrize("key", [fault.key for fault in FAULTS if not fault.once])
async def test_on_and_off_again(cluster: Cluster, root: Speaker, key: str) -> None:
    before = await root.get("/cluster/status")
    cluster.set_fault(key, True)
    assert listed(cluster, key)["on"] is True
    cluster.set_fault(key, False)
    assert listed(cluster, key)["on"] is False
    async with speaking(cluster) as again:  # the old connection may be gone
        assert await again.get("/cluster/status") == before


async def test_all_at_once_and_cleared(cluster: Cluster) -> None:
    for fault in FAULTS:
        with contextlib.suppress(ValueError):  # nobody can start a guest without quorum, say
            cluster.set_fault(fault.key, True)
    cluster.clear_faults()
    assert not [row for row in cluster.faults() if row["on"]]
    async with speaking(cluster) as root:
        await root.get("/version")


async def test_unknown_ones_are_refused(cluster: Cluster) -> None:
    with pytest.raises(KeyError):
        cluster.set_fault("nonsense", True)
    with pytest.raises(ValueError, match="has no target 'pve9'"):
        cluster.set_fault("node_off", True, "pve9")


@pytest.mark.parametrize(
    ("key", "status", "reason", "empty"),
    [
        ("401", 401, "Authentication failed!", True),
        ("403", 403, "Permission check failed (/, Sys.Audit)", False),
        (
            "500", 500,
            "RPCEnvironment init request failed: Unable to load access control list: Connection refused", False,
        ),
        ("595", 595, "No route to host", True),
    ],
)  # fmt: skip
async def test_statuses(cluster: Cluster, root: Speaker, key: str, status: int, reason: str, empty: bool) -> None:
    cluster.set_fault(key, True)
    response = await root.ask("GET", "/version")
    assert (response.status_code, response.reason_phrase) == (status, reason)
    assert (response.content == b"") is empty
    assert cluster.requests[-1].path == "/version"  # met faults are recorded, too


@pytest.mark.parametrize("key", ["401", "403", "500", "595", "broken_json", "cut_body", "api_off", "hang"])
async def test_aimed_at_one_host(cluster: Cluster, root: Speaker, key: str) -> None:
    cluster.set_fault(key, True, "pve2")
    assert (listed(cluster, key)["target"], listed(cluster, key)["on"]) == ("pve2", True)
    await root.get("/version")


async def test_an_api_host_off_refuses_connections_and_its_node_runs_on(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("api_off", True, "pve2")
    async with speaking(cluster, host=1) as second:
        with pytest.raises(httpx.ConnectError):
            await second.get("/version")
        assert (await root.rows())["node/pve2"]["status"] == "online"
        cluster.set_fault("api_off", False, "pve2")
        await second.get("/version")


async def test_a_node_off_takes_its_api_host_with_it(cluster: Cluster) -> None:
    async with speaking(cluster, host=2) as third:
        await third.get("/version")
        cluster.set_fault("node_off", True, "pve3")
        with pytest.raises(httpx.TransportError):
            await third.get("/version")
        cluster.set_fault("api_off", True, "pve3")
        cluster.set_fault("api_off", False, "pve3")
        with pytest.raises(httpx.ConnectError):
            await third.get("/version")
        cluster.set_fault("node_off", False, "pve3")
        await third.get("/version")


async def test_several_nodes_off(cluster: Cluster) -> None:
    cluster.set_fault("node_off", True, "pve3")
    cluster.set_fault("node_off", True, "pve2")
    assert listed(cluster, "node_off")["aimed"] == ["pve3", "pve2"]
    cluster.set_fault("node_off", False, "pve3")
    assert (listed(cluster, "node_off")["on"], listed(cluster, "node_off")["target"]) == (True, "pve2")
    assert cluster.world.nodes["pve3"].online


async def test_a_task_on_a_node_that_goes_off_has_no_end(cluster: Cluster, root: Speaker) -> None:
    upid = await root.post("/nodes/pve3/qemu/109/status/shutdown")
    cluster.set_fault("node_off", True, "pve3")
    assert (await root.refused("GET", f"/nodes/pve3/tasks/{upid}/status"))[0] == 595
    cluster.set_fault("node_off", False, "pve3")
    assert (await root.task(upid))["exitstatus"] == "unexpected status"


async def test_slow(cluster: Cluster, root: Speaker) -> None:
    assert table.SLOW == 3.0
    cluster.slow = 0.03
    cluster.set_fault("slow", True)
    before = asyncio.get_running_loop().time()
    await root.get("/version")
    assert asyncio.get_running_loop().time() - before >= 0.03


async def test_hanging(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("hang", True)
    with pytest.raises(httpx.ReadTimeout):
        await root.ask("GET", "/version", timeout=0.03)
    assert len(cluster.requests) == 1


async def test_a_hanging_write_is_not_done(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("hang", True)
    with pytest.raises(httpx.ReadTimeout):
        await root.ask("POST", RESET, timeout=0.03)
    assert not cluster.tasks("qmreset")


async def test_broken_json(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("broken_json", True)
    response = await root.ask("GET", "/cluster/resources")
    assert response.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        response.json()


async def test_cut_body(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("cut_body", True)
    with pytest.raises(httpx.RemoteProtocolError):
        await root.ask("GET", "/cluster/resources")


async def test_a_lost_answer(cluster: Cluster, root: Speaker) -> None:
    """The write is done; reads are answered, so that one can look."""
    cluster.set_fault("lost_answer", True)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await root.ask("POST", RESET)
    assert len(cluster.tasks("qmreset")) == 1
    assert (await root.get("/nodes/pve1/tasks", source="active"))[0]["type"] == "qmreset"


async def test_a_crash(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("crash", True, "666")
    assert not cluster.guest(666).running
    assert listed(cluster, "crash")["on"] is False
    assert "666" not in str(listed(cluster, "crash")["targets"])
    cluster.crash(113)
    assert (await root.get("/nodes/pve1/qemu/113/status/current"))["status"] == "stopped"
    cluster.crash(101)  # HA starts it again
    cluster.advance(15)
    assert cluster.guest(101).running


async def test_a_disk_full(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("disk_full", True, "ceph-vm")
    cluster.advance(10)
    row = (await root.rows())["storage/pve1/ceph-vm"]
    assert row["disk"] / row["maxdisk"] > 0.99
    cluster.set_fault("disk_full", True, "ceph-vm")  # twice is once
    cluster.set_fault("disk_full", False)
    cluster.advance(10)
    row = (await root.rows())["storage/pve1/ceph-vm"]
    assert round(row["disk"] / row["maxdisk"], 2) == 0.47


async def test_the_next_task_fails_with_its_own_words(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("task_fails", True)
    upid = await root.post("/nodes/pve1/qemu/113/status/shutdown")
    cluster.advance(30)
    assert (await root.task(upid))["exitstatus"] == "VM quit/powerdown failed - got timeout"
    assert cluster.guest(113).running
    assert listed(cluster, "task_fails")["on"] is False
    cluster.set_fault("task_fails", True, "a reason of one's own")
    upid = await root.post(RESET)
    cluster.advance(30)
    assert (await root.task(upid))["exitstatus"] == "a reason of one's own"
