"""The feeds through the real client: which calls they make, what a refusal means, and that they leave room."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.errors import PveAbsent, PveError, PveForbidden, PveNoAnswer, PveNodeDown
from bot.model.feeds import (
    AGENT,
    BACKUPS,
    CEPH,
    DISKS,
    FAILED,
    FEEDS,
    FILESYSTEMS,
    HA,
    NODE_STATUS,
    ONBOOT,
    REPLICATION,
    SERVICES,
    SNAPSHOTS,
    STORAGES,
    THIN,
    TIME,
    TOKENS,
    ZFS,
    ZPOOLS,
    Feed,
)
from bot.pve.cluster import Cluster
from bot.pve.feeds import readers
from tests.pve import feed_samples, samples
from tests.pve.samples import ct, node, storage, upid, vm
from tests.pve.server import HOSTILE, VIEW, Clock, Scripted, Seen, Wire, config, hang, reply, until

GRANTED = {"/": {"Sys.Audit": 1, "VM.Audit": 1, "Datastore.Audit": 1, "VM.GuestAgent.Audit": 1}}


@pytest.fixture
async def cluster(host: Scripted, ca_file: Path, clock: Clock) -> AsyncIterator[Cluster]:
    """One host, PVE 9, three nodes of which pve3 is gone."""
    host.on("GET", "/version", reply(200, {"version": "9.1.1"}))
    host.on("GET", "/access/permissions", reply(200, GRANTED))
    host.on("GET", "/cluster/resources", reply(200, samples.resources()))
    host.on("GET", "/cluster/status", reply(200, samples.status()))
    running = Cluster(config(host, ca_file=ca_file), clock)
    yield running
    await running.close()


def paths(host: Scripted) -> list[str]:
    return [seen.path for seen in host.requests]


def test_every_feed_has_a_reader() -> None:
    assert set(readers()) == {feed.key for feed in FEEDS}


async def test_on_nine_a_nodes_history_is_read_as_well_but_more_seldom(
    cluster: Cluster, host: Scripted, clock: Clock
) -> None:
    host.on("GET", "/nodes/pve1/status", reply(200, feed_samples.STATUS_9))
    host.on("GET", "/nodes/pve1/rrddata", reply(200, feed_samples.HISTORY_9))
    for _ in range(20):
        found = await cluster.feed(NODE_STATUS, "pve1")
        clock.seconds += 60
    assert found.arc == int(6.25 * feed_samples.GIB)
    assert found.mem_available == 12 * feed_samples.GIB, "the live one, not that of the history"
    assert found.pressure_io == 0.005
    assert paths(host).count("/nodes/pve1/status") == 20
    assert paths(host).count("/nodes/pve1/rrddata") in {2, 3}, "each has its own place in time"
    seen = next(seen for seen in host.requests if seen.path.endswith("rrddata"))
    assert seen.query == "timeframe=hour&cf=AVERAGE"


async def test_where_memory_runs_short_the_history_is_read_sooner(
    cluster: Cluster, host: Scripted, clock: Clock
) -> None:
    full = {**feed_samples.STATUS_9, "memory": {"total": 100, "used": 90, "available": 10}}
    host.on("GET", "/nodes/pve1/status", reply(200, full))
    host.on("GET", "/nodes/pve1/rrddata", reply(200, feed_samples.HISTORY_9))
    for _ in range(20):
        await cluster.feed(NODE_STATUS, "pve1")
        clock.seconds += 60
    assert paths(host).count("/nodes/pve1/rrddata") in {3, 4, 5}


async def test_a_history_that_fails_is_no_outage(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/nodes/pve1/status", reply(200, feed_samples.STATUS_9))
    host.on("GET", "/nodes/pve1/rrddata", reply(500, reason="got wrong time resolution (60 != 1800)"))
    assert (await cluster.feed(NODE_STATUS, "pve1")).arc is None


async def test_a_history_that_fails_for_once_leaves_what_was_known(cluster: Cluster, host: Scripted) -> None:
    failure = reply(500, reason="got wrong time resolution (60 != 1800)")
    host.on("GET", "/nodes/pve1/status", reply(200, feed_samples.STATUS_9))
    host.on("GET", "/nodes/pve1/rrddata", reply(200, feed_samples.HISTORY_9), *[failure] * 20)
    arcs = [(await cluster.feed(NODE_STATUS, "pve1")).arc for _ in range(100)]
    assert arcs[:40] == [arcs[0]] * 40
    assert arcs[0] is not None
    assert arcs[-1] is None, "of an hour ago"


async def test_before_nine_there_is_no_history_to_read(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/nodes/pve1/status", reply(200, feed_samples.STATUS_8))
    await cluster.feed(NODE_STATUS, "pve1")
    assert paths(host) == ["/nodes/pve1/status"]


async def test_the_manager_is_asked_only_where_ha_is_in_use(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/cluster/ha/status/current", reply(200, feed_samples.HA_8[:1]), reply(200, feed_samples.HA_9))
    host.on("GET", "/cluster/ha/status/manager_status", reply(200, feed_samples.MANAGER))
    assert (await cluster.feed(HA)).nodes == {}
    assert paths(host) == ["/cluster/ha/status/current"]
    assert (await cluster.feed(HA)).nodes["pve3"] == "fence"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (500, "binary not installed: /usr/bin/ceph-mon"),
        (500, "pveceph configuration not initialized"),
        (500, "pveceph configuration not enabled"),
        (500, "ceph not fully configured - missing '/etc/pve/priv/ceph.client.admin.keyring'"),
        (500, "zfsutils-linux not installed"),
        (501, "Method 'GET /cluster/ceph/status' not implemented"),
    ],
)
async def test_what_is_not_there_is_absent(cluster: Cluster, host: Scripted, status: int, reason: str) -> None:
    host.on("GET", "/cluster/ceph/status", reply(status, reason=reason))
    with pytest.raises(PveAbsent):
        await cluster.feed(CEPH)


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (595, "No route to host", PveNodeDown),
        (596, "Connection timed out", PveNodeDown),
        (403, "Permission check failed (/nodes/pve1, Sys.Audit)", PveForbidden),
        (500, "got timeout", PveError),
    ],
)
async def test_other_refusals_keep_their_meaning(
    cluster: Cluster, host: Scripted, status: int, reason: str, kind: type[PveError]
) -> None:
    host.on("GET", "/nodes/pve1/services", reply(status, reason=reason))
    with pytest.raises(kind) as raised:
        await cluster.feed(SERVICES, "pve1")
    assert not isinstance(raised.value, PveAbsent)


async def test_how_far_a_nodes_clock_is_off(cluster: Cluster, host: Scripted, clock: Clock) -> None:
    async def slow(wire: Wire, seen: Seen) -> None:
        asked = clock.now().timestamp()
        clock.seconds += 2
        await reply(200, {"time": int(asked) + 31, "timezone": "UTC"})(wire, seen)

    host.on("GET", "/nodes/pve1/time", slow)
    found = await cluster.feed(TIME, "pve1")
    assert found.offset == pytest.approx(30.5)  # 31 s and the half of a second that is cut off, less half the way
    assert found.error == pytest.approx(2.0)


async def test_failed_tasks_are_those_of_the_last_hours(cluster: Cluster, host: Scripted, clock: Clock) -> None:
    host.on("GET", "/nodes/pve1/tasks", reply(200, [{"upid": upid(), "status": "boom", "endtime": 1}]))
    (task,) = await cluster.feed(FAILED, "pve1")
    assert task.exitstatus == "boom"
    since = int((clock.now() - timedelta(hours=3)).timestamp())
    assert host.requests[-1].query == f"errors=1&limit=200&since={since}"


async def test_each_pool_is_asked_for_its_errors(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/nodes/pve1/disks/zfs", reply(200, feed_samples.ZFS[:1]))
    host.on("GET", "/nodes/pve1/disks/zfs/tank", reply(200, feed_samples.ZPOOL))
    (found,) = await cluster.feed(ZPOOLS, "pve1")
    assert (found.name, found.bad) == ("tank", 1580)


async def test_tokens_come_from_the_list_of_users_or_not_at_all(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/access/users", reply(200, feed_samples.USERS), reply(200, []))
    assert {token.name for token in await cluster.feed(TOKENS)} == {"telemox@pve!view", "telemox@pve!power"}
    assert host.requests[-1].query == "full=1"
    with pytest.raises(PveForbidden) as raised:
        await cluster.feed(TOKENS)
    assert (raised.value.path, raised.value.privilege) == ("/access/groups", "Sys.Audit")


# -- guests --------------------------------------------------------------------------------------------------------


async def test_snapshots_of_guests_on_nodes_that_are_online_and_not_of_templates(
    cluster: Cluster, host: Scripted
) -> None:
    for path in ("qemu/101", "qemu/102"):
        host.on("GET", f"/nodes/pve1/{path}/snapshot", reply(200, feed_samples.SNAPSHOTS))
    host.on("GET", "/nodes/pve1/qemu/103/snapshot", reply(403, reason="Permission check failed (/vms/103, VM.Audit)"))
    host.on("GET", "/nodes/pve2/lxc/105/snapshot", reply(200, feed_samples.SNAPSHOTS[-1:]))
    found = await cluster.feed(SNAPSHOTS)
    assert [(one.vmid, one.count) for one in found] == [(101, 3), (102, 3), (105, 0)]
    asked = [path for path in paths(host) if path.endswith("/snapshot")]
    assert len(asked) == 4, "106 stands on a node that is gone, 104 is a template"


async def test_no_more_than_four_guests_are_asked_at_once(cluster: Cluster, host: Scripted) -> None:
    many = [node("pve1"), *(vm(200 + number, f"g{number}") for number in range(40))]
    host.on("GET", "/cluster/resources", reply(200, many))

    async def slowly(wire: Wire, seen: Seen) -> None:
        await until(lambda: host.at_once > 1)
        await asyncio.sleep(0.002)
        await reply(200, feed_samples.SNAPSHOTS)(wire, seen)

    for number in range(40):
        host.on("GET", f"/nodes/pve1/qemu/{200 + number}/snapshot", slowly)
    found = await cluster.feed(SNAPSHOTS)
    assert len(found) == 40
    assert 1 < host.at_once <= 4


async def test_only_stopped_guests_configurations_are_read_and_not_again_for_hours(
    cluster: Cluster, host: Scripted, clock: Clock
) -> None:
    rows = [node("pve1"), vm(101, HOSTILE), vm(102, "off", status="stopped"), ct(103, "ct", status="stopped"),
            vm(104, "t", status="stopped", template=1), vm(105, "ha", status="stopped", hastate="started"),
            vm(106, "left", status="stopped", hastate="ignored")]  # fmt: skip
    host.on("GET", "/cluster/resources", reply(200, rows))
    host.on("GET", "/nodes/pve1/qemu/102/config", reply(200, {"onboot": 1, "digest": "d"}))
    host.on("GET", "/nodes/pve1/lxc/103/config", reply(200, {"hostname": "ct"}))
    host.on("GET", "/nodes/pve1/qemu/106/config", reply(200, {"onboot": 1}))  # HA leaves it to its node
    for _ in range(3):
        found = await cluster.feed(ONBOOT)
        assert (found.onboot, found.read) == (frozenset({102, 106}), frozenset({102, 103, 106}))
    assert sum(path.endswith("/config") for path in paths(host)) == 3
    clock.seconds += 6 * 3600 + 1
    await cluster.feed(ONBOOT)
    assert sum(path.endswith("/config") for path in paths(host)) == 6


async def test_that_a_guest_need_not_start_any_more_is_known_within_minutes(
    cluster: Cluster, host: Scripted, clock: Clock
) -> None:
    rows = [node("pve1"), vm(102, HOSTILE, status="stopped"), vm(103, "off", status="stopped")]
    host.on("GET", "/cluster/resources", reply(200, rows))
    host.on("GET", "/nodes/pve1/qemu/102/config", reply(200, {"onboot": 1}), reply(200, {"onboot": 0}))
    host.on("GET", "/nodes/pve1/qemu/103/config", reply(200, {}))
    assert (await cluster.feed(ONBOOT)).onboot == {102}
    clock.seconds += 899
    assert (await cluster.feed(ONBOOT)).onboot == {102}
    clock.seconds += 2
    assert (await cluster.feed(ONBOOT)).onboot == frozenset()
    assert sum(path.endswith("/config") for path in paths(host)) == 3


async def test_one_guest_that_cannot_be_asked_takes_nothing_from_what_is_known_of_the_others(
    cluster: Cluster, host: Scripted, clock: Clock
) -> None:
    """It is destroyed, and stands in the list for some seconds more."""
    rows = [node("pve1"), vm(102, "web", status="stopped")]
    host.on("GET", "/cluster/resources", reply(200, rows), reply(200, [*rows, vm(103, HOSTILE, status="stopped")]))
    host.on("GET", "/nodes/pve1/qemu/102/config", reply(200, {"onboot": 1}))
    gone = "Configuration file 'nodes/pve1/qemu-server/103.conf' does not exist"
    host.on("GET", "/nodes/pve1/qemu/103/config", reply(500, reason=gone))
    assert (await cluster.feed(ONBOOT)).onboot == {102}
    clock.seconds += 61
    found = await cluster.feed(ONBOOT)
    assert (found.onboot, found.read) == (frozenset({102}), frozenset({102}))


async def test_where_none_of_many_can_be_asked_it_is_not_the_guests(
    cluster: Cluster, host: Scripted, clock: Clock
) -> None:
    rows = [node("pve1"), vm(102, "web", status="stopped")]
    many = [vm(200 + number, f"g{number}", status="stopped") for number in range(20)]
    host.on("GET", "/cluster/resources", reply(200, rows), reply(200, [*rows, *many]))
    host.on("GET", "/nodes/pve1/qemu/102/config", reply(200, {"onboot": 1}))
    for number in range(20):
        host.on("GET", f"/nodes/pve1/qemu/{200 + number}/config", reply(403, reason="Permission check failed"))
    await cluster.feed(ONBOOT)
    clock.seconds += 61
    with pytest.raises(PveForbidden):
        await cluster.feed(ONBOOT)


async def test_of_many_stopped_guests_the_one_that_ran_until_now_is_asked_first(
    cluster: Cluster, host: Scripted, clock: Clock
) -> None:
    off = [vm(200 + number, f"g{number}", status="stopped") for number in range(150)]
    host.on("GET", "/cluster/resources", reply(200, [node("pve1"), *off, vm(900, HOSTILE)]),
            reply(200, [node("pve1"), *off, vm(900, HOSTILE, status="stopped")]))  # fmt: skip
    for vmid in (*range(200, 350), 900):
        host.on("GET", f"/nodes/pve1/qemu/{vmid}/config", reply(200, {}))
    assert len((await cluster.feed(ONBOOT)).read) == 100
    clock.seconds += 61
    before = len(host.requests)
    assert len((await cluster.feed(ONBOOT)).read) == 151
    assert next(path for path in paths(host)[before:] if path.endswith("/config")) == "/nodes/pve1/qemu/900/config"


async def test_an_agent_is_pinged_only_where_one_is_expected(cluster: Cluster, host: Scripted) -> None:
    tagged = {"tags": "prod;expect-agent"}
    rows = [node("pve1"), vm(101, HOSTILE, **tagged), vm(102, "mute", **tagged), vm(103, "other", tags="prod"),
            ct(104, "ct", **tagged), vm(105, "off", status="stopped", **tagged), vm(106, "torn", **tagged),
            vm(107, "gone", **tagged), vm(108, "slow", **tagged)]  # fmt: skip
    host.on("GET", "/cluster/resources", reply(200, rows))
    host.on("POST", "/nodes/pve1/qemu/101/agent/ping", reply(200, {"result": {}}))
    host.on("POST", "/nodes/pve1/qemu/102/agent/ping", reply(500, reason="QEMU guest agent is not running"))
    host.on("POST", "/nodes/pve1/qemu/106/agent/ping", reply(596, reason="Broken pipe"))
    host.on("POST", "/nodes/pve1/qemu/107/agent/ping", reply(500, reason="VM 107 is not running"))
    late = "VM 108 qmp command 'guest-ping' failed - got timeout"
    host.on("POST", "/nodes/pve1/qemu/108/agent/ping", reply(500, reason=late))
    assert (await cluster.feed(AGENT)).answers == {101: True, 102: False, 108: False}
    pings = host.of("POST")
    assert {seen.path.split("/")[4] for seen in pings} == {"101", "102", "106", "107", "108"}
    assert all(seen.token == VIEW.id and seen.body == "" for seen in pings)


async def test_file_systems_are_asked_only_where_an_agent_is_expected(cluster: Cluster, host: Scripted) -> None:
    tagged = {"tags": "expect-agent"}
    rows = [node("pve1"), vm(101, HOSTILE, **tagged), vm(102, "mute", **tagged), vm(103, "other"),
            ct(104, "ct", **tagged), vm(105, "off", status="stopped", **tagged)]  # fmt: skip
    host.on("GET", "/cluster/resources", reply(200, rows))
    host.on("GET", "/nodes/pve1/qemu/101/agent/get-fsinfo", reply(200, feed_samples.FILESYSTEMS))
    host.on("GET", "/nodes/pve1/qemu/102/agent/get-fsinfo", reply(500, reason="QEMU guest agent is not running"))
    found = (await cluster.feed(FILESYSTEMS)).of
    assert {vmid: [one.mount for one in systems] for vmid, systems in found.items()} == {101: ["/", "C:\\"]}
    asked = [path for path in paths(host) if path.endswith("/agent/get-fsinfo")]
    assert {path.split("/")[4] for path in asked} == {"101", "102"}


async def test_without_the_privilege_no_agent_is_asked(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/access/permissions", reply(200, {"/": {"VM.Audit": 1, "VM.Monitor": 1}}))
    host.on("GET", "/cluster/resources", reply(200, [node("pve1"), vm(101, "x", tags="expect-agent")]))
    with pytest.raises(PveForbidden) as raised:
        await cluster.feed(AGENT)
    assert raised.value.privilege == "VM.GuestAgent.Audit"
    assert not host.of("POST")


async def test_the_view_token_can_post_nothing_else(cluster: Cluster, host: Scripted) -> None:
    view = cluster._view
    for path in (
        "/nodes/pve1/qemu/101/agent/exec",
        "/nodes/pve1/qemu/101/status/stop",
        "/nodes/pve1/qemu/1/agent/ping/x",
    ):
        with pytest.raises(ValueError, match="change nothing"):
            await view.ask(path, json.loads, timeout=1)
    assert not host.requests


# -- backups -------------------------------------------------------------------------------------------------------


def taught_backups(host: Scripted) -> None:
    start = int(Clock().now().timestamp()) - 3600
    task = {
        "upid": upid(start - 0x66000000, kind="vzdump", subject="", user="root@pam"),
        "status": "job errors",
        "endtime": start + 60,
    }
    host.on("GET", "/cluster/backup", reply(200, feed_samples.JOBS_9))
    host.on("GET", "/cluster/backup-info/not-backed-up", reply(200, [{"vmid": 103, "type": "qemu", "name": HOSTILE}]))
    host.on("GET", "/nodes/pve1/tasks", reply(200, [task, {"upid": upid(2), "status": "OK", "endtime": start + 9}]))
    host.on("GET", "/nodes/pve2/tasks", reply(200, []))
    lines = ["INFO: starting new backup job: vzdump --all 1 --storage nas", "INFO: Starting Backup of VM 101 (qemu)",
             "INFO: Finished Backup of VM 101 (00:00:04)", "INFO: Starting Backup of VM 105 (lxc)",
             "ERROR: Backup of VM 105 failed - no space left", "TASK ERROR: job errors"]  # fmt: skip
    log = [{"n": number, "t": line} for number, line in enumerate(lines, 1)]
    host.on("GET", f"/nodes/pve1/tasks/{task['upid']}/log", reply(200, log, total=len(log)))


async def test_backups_from_tasks_and_logs_without_a_look_into_storages(cluster: Cluster, host: Scripted) -> None:
    taught_backups(host)
    rows = [*samples.resources(), storage("pve1", "pbs", shared=1, content="backup")]
    host.on("GET", "/cluster/resources", reply(200, rows))
    found = await cluster.feed(BACKUPS)
    assert {(run.vmid, run.good, run.line) for run in found.runs} == {(101, True, ""), (105, False, "no space left")}
    assert set(found.newest) == {101}
    assert [job.id for job in found.jobs] == ["backup-1", "backup-2", "backup-3"]
    assert found.uncovered == (103,)
    assert not found.complete
    assert not [path for path in paths(host) if path.endswith("/content")]
    logs = [path for path in paths(host) if path.endswith("/log")]
    await cluster.feed(BACKUPS)
    assert [path for path in paths(host) if path.endswith("/log")] == logs, "a log is read once"


async def test_a_node_or_a_log_that_could_not_be_read_is_said_and_read_the_next_time(
    cluster: Cluster, host: Scripted
) -> None:
    taught_backups(host)
    host.on("GET", "/nodes/pve2/tasks", reply(595, reason="Connection refused"))
    found = await cluster.feed(BACKUPS)
    assert (found.partly, len(found.runs)) == (True, 2)
    taught_backups(host)
    assert not (await cluster.feed(BACKUPS)).partly


async def test_storages_are_listed_where_every_row_is_visible_and_a_shared_one_once(
    cluster: Cluster, host: Scripted, clock: Clock
) -> None:
    taught_backups(host)
    host.on("GET", "/access/permissions", reply(200, {"/": {**GRANTED["/"], "Datastore.Allocate": 1}}))
    rows = [node("pve1"), node("pve2"), vm(101, HOSTILE),
            storage("pve1", "nas", shared=1, content="backup"), storage("pve2", "nas", shared=1, content="backup"),
            storage("pve1", "local", content="backup,iso"), storage("pve1", "iso", content="iso")]  # fmt: skip
    host.on("GET", "/cluster/resources", reply(200, rows))
    host.on("GET", "/nodes/pve1/storage/nas/content", reply(200, feed_samples.BACKUP_FILES))
    host.on("GET", "/nodes/pve1/storage/local/content", reply(200, []))
    found = await cluster.feed(BACKUPS)
    assert found.complete
    assert found.newest[101].timestamp() == feed_samples.T0 + 500
    listed = [path for path in paths(host) if path.endswith("/content")]
    assert sorted(listed) == ["/nodes/pve1/storage/local/content", "/nodes/pve1/storage/nas/content"]
    assert all(seen.query == "content=backup" for seen in host.requests if seen.path.endswith("/content"))


async def test_one_storage_that_does_not_answer_leaves_the_picture_incomplete(cluster: Cluster, host: Scripted) -> None:
    taught_backups(host)
    host.on("GET", "/access/permissions", reply(200, {"/": {**GRANTED["/"], "Datastore.Allocate": 1}}))
    host.on("GET", "/cluster/resources", reply(200, [node("pve1"), storage("pve1", "local", content="backup")]))
    host.on("GET", "/nodes/pve1/storage/local/content", reply(500, reason="storage 'local' is not online"))
    assert not (await cluster.feed(BACKUPS)).complete


async def test_who_may_not_see_the_jobs_is_told_so(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/cluster/backup", reply(403, reason="Permission check failed (/, Sys.Audit)"))
    with pytest.raises(PveForbidden):
        await cluster.feed(BACKUPS)


# -- room ----------------------------------------------------------------------------------------------------------


async def test_three_feeds_at_once_and_the_cluster_view_never_waits(cluster: Cluster, host: Scripted) -> None:
    for number in range(1, 9):
        host.on("GET", f"/nodes/n{number}/services", hang)
    reads = [asyncio.ensure_future(cluster.feed(SERVICES, f"n{number}")) for number in range(1, 9)]
    async with asyncio.timeout(20):  # what hangs gives up after 30
        await until(lambda: host.at_once >= 3)
        assert host.at_once == 3
        assert (await cluster.snapshot(0)).nodes
    for read in reads:
        read.cancel()
    await asyncio.gather(*reads, return_exceptions=True)


async def test_a_slow_feed_leaves_two_places_to_the_others(cluster: Cluster, host: Scripted) -> None:
    for number in range(1, 5):
        host.on("GET", f"/nodes/n{number}/disks/list", hang)
    host.on("GET", "/nodes/pve1/storage", reply(200, feed_samples.STORAGES))
    host.on("GET", "/nodes/pve1/disks/lvmthin", reply(200, feed_samples.THIN))
    host.on("GET", "/nodes/pve1/replication", reply(200, feed_samples.REPLICATION))
    host.on("GET", "/nodes/pve1/disks/zfs", reply(200, feed_samples.ZFS))
    slow = [asyncio.ensure_future(cluster.feed(DISKS, f"n{number}")) for number in range(1, 5)]
    async with asyncio.timeout(20):  # what hangs gives up after 30
        await until(lambda: host.at_once == 1)
        feeds: tuple[Feed[Any], ...] = (STORAGES, THIN, REPLICATION, ZFS)
        for feed in feeds:
            assert await cluster.feed(feed, "pve1")
    assert sum(path.endswith("/list") for path in paths(host)) == 1
    for read in slow:
        read.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_a_feed_has_its_own_timeout(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/nodes/pve1/services", hang)
    with pytest.raises(PveNoAnswer):
        await cluster.feed(replace(SERVICES, timeout=0.02), "pve1")


async def test_a_feed_that_this_version_lacks_is_absent_and_not_asked(cluster: Cluster, host: Scripted) -> None:
    with pytest.raises(PveAbsent):
        await cluster.feed(replace(SERVICES, since=(99, 0)), "pve1")
    assert paths(host) == ["/version"]
    with pytest.raises(ValueError, match="no feed"):
        await cluster.feed(SERVICES)


# -- another opinion -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [(1, True), (0, False), (None, None)],
)
async def test_the_quorum_is_asked_of_another_host_than_the_last(
    host: Scripted, spare: Scripted, ca_file: Path, clock: Clock, answer: int | None, said: bool | None
) -> None:
    both = Cluster(config(host, spare, ca_file=ca_file), clock)
    host.on("GET", "/cluster/resources", reply(200, samples.resources()))
    host.on("GET", "/cluster/status", reply(200, [{**samples.status()[0], "quorate": 0}, *samples.status()[1:]]))
    other: list[dict[str, Any]] = [{**samples.status()[0], "quorate": answer}, *samples.status()[1:]]
    spare.on("GET", "/cluster/status", reply(200, other) if answer is not None else reply(500, reason="no"))
    assert (await both.snapshot()).quorate is False
    assert await both.quorate_elsewhere() is said
    assert paths(spare) == ["/cluster/status"]
    assert paths(host).count("/cluster/status") == 1
    await both.close()


async def test_where_there_is_no_other_host_there_is_no_other_opinion(cluster: Cluster, host: Scripted) -> None:
    await cluster.snapshot()
    count = len(host.requests)
    assert await cluster.quorate_elsewhere() is None
    assert len(host.requests) == count
