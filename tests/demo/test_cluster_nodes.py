"""Nodes that are shut down in order, that are not, and what HA makes of it."""

from typing import Any

import httpx
import pytest

from bot.demo.cluster import Cluster
from bot.demo.cluster.tasks import Task
from tests.demo.cluster_kit import Speaker, speaking


def since(cluster: Cluster, kind: str) -> list[Task]:
    return [task for task in cluster.tasks(kind) if task.start >= cluster.world.born]


async def test_a_reboot_in_order(cluster: Cluster, root: Speaker) -> None:
    """stopall, each guest's own shutdown, off; on again, startall, each guest's own start; all of it root@pam's."""
    assert await root.post("/nodes/pve2/status", command="reboot") == "None"
    running = {g.vmid for g in cluster.world.guests.values() if g.node == "pve2" and g.running and not g.ha}
    cluster.advance(3)
    stopall = since(cluster, "stopall")[0]
    assert (stopall.node, stopall.user, stopall.running) == ("pve2", "root@pam", True)
    assert (await root.rows())["node/pve2"]["status"] == "online"
    cluster.advance(60)
    assert not cluster.world.nodes["pve2"].online
    assert stopall.exitstatus == "OK"
    stopped = {int(task.id) for kind in ("qmshutdown", "vzshutdown") for task in since(cluster, kind)}
    assert stopped == running
    assert (await root.rows())["lxc/112"]["hastate"] == "freeze"
    assert cluster.guest(112).node == "pve2", "a reboot hands nothing over"
    cluster.advance(120)
    assert (await root.rows())["node/pve2"]["status"] == "online"
    startall = since(cluster, "startall")[0]
    assert (startall.node, startall.user, startall.exitstatus) == ("pve2", "root@pam", "OK")
    started = {int(task.id) for kind in ("qmstart", "vzstart") for task in since(cluster, kind)}
    assert started >= {
        g.vmid for g in cluster.world.guests.values() if g.node == "pve2" and g.onboot and not g.template
    }
    assert cluster.guest(112).running
    assert cluster.guest(112).hastate == "started"
    assert not cluster.guest(111).running


async def test_a_shutdown_in_order_hands_over(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("node_down", True, "pve2")
    cluster.advance(120)
    assert not cluster.world.nodes["pve2"].online
    assert cluster.guest(112).node != "pve2"
    assert cluster.guest(112).running
    found: Any = await root.get("/cluster/ha/status/manager_status")
    assert found["manager_status"]["node_status"]["pve2"] == "unknown", "nothing is fenced"
    cluster.advance(600)
    assert not cluster.world.nodes["pve2"].online
    cluster.set_fault("node_down", False, "pve2")
    assert cluster.world.nodes["pve2"].online


async def test_who_may_order_it(cluster: Cluster) -> None:
    async with speaking(cluster, "power") as power:
        wrong = await power.refused("POST", "/nodes/pve2/status", data={"command": "reboot"})
        assert wrong == (403, "Permission check failed (/nodes/pve2, Sys.PowerMgmt)")


async def test_its_api_goes_with_it_and_comes_back(cluster: Cluster) -> None:
    cluster.set_fault("node_reboot", True, "pve2")
    cluster.advance(60)
    async with speaking(cluster, host=1) as second:
        with pytest.raises(httpx.TransportError):
            await second.get("/version")
        cluster.advance(120)
        await second.get("/version")


async def test_a_reset_by_itself_leaves_no_task(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("node_reset", True, "pve3")
    cluster.advance(60)
    assert (await root.rows())["node/pve3"]["uptime"] < 60
    assert not since(cluster, "stopall")
    assert not since(cluster, "qmshutdown")
    assert [task.node for task in since(cluster, "startall")] == ["pve3"]


async def test_a_fenced_node(cluster: Cluster, root: Speaker) -> None:
    cluster.set_fault("node_fenced", True, "pve2")
    found: Any = await root.get("/cluster/ha/status/manager_status")
    assert found["manager_status"]["node_status"]["pve2"] == "unknown"
    cluster.advance(61)
    found = await root.get("/cluster/ha/status/manager_status")
    assert found["manager_status"]["node_status"]["pve2"] == "fence"
    cluster.advance(90)
    assert cluster.guest(112).node != "pve2"
    assert [task.user for task in since(cluster, "vzstart") if task.id == "112"] == ["root@pam"]
    cluster.set_fault("node_fenced", False, "pve2")
    found = await root.get("/cluster/ha/status/manager_status")
    assert found["manager_status"]["node_status"]["pve2"] == "online"
