"""What the core asks of a cluster: kept how long, fetched how often, found where it has gone."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.access import Role
from bot.errors import (
    NotFound,
    PveForbidden,
    PveGarbled,
    PveNoAnswer,
    PveNodeDown,
    PveRefused,
    PveUnauthorized,
    PveUnreachable,
)
from bot.model import Gap, Guest, Outcome, Snapshot, Status, Upid
from bot.ports import Pve
from bot.pve.cluster import PERMISSIONS_KEPT, STALE, VERSION_KEPT, Cluster
from bot.pve.config import ApiToken, ClusterConfig
from bot.pve.flight import Flight
from bot.spawn import Spawn
from bot.text import Reader, from_epoch, plain
from tests.pve import samples
from tests.pve.samples import ct, node, upid, vm
from tests.pve.server import (
    HOSTILE,
    PATIENT,
    POWER,
    VIEW,
    Clock,
    Play,
    Scripted,
    Seen,
    Wire,
    config,
    hang,
    lost,
    quick,
    reply,
    until,
)

EVERYTHING = {"/": {"Sys.Audit": 1, "VM.Audit": 1}, "/vms": {"VM.Audit": 1, "VM.Monitor": 1}}
CURRENT = "/nodes/pve1/qemu/101/status/current"
GONE = "Configuration file 'nodes/pve1/qemu-server/101.conf' does not exist"


def serve(host: Scripted, resources: object = None, status: object = None) -> None:
    host.on("GET", "/cluster/resources", reply(data=samples.resources() if resources is None else resources))
    host.on("GET", "/cluster/status", reply(data=samples.status() if status is None else status))
    host.on("GET", "/access/permissions", reply(data=EVERYTHING))
    host.on("GET", "/version", reply(data={"version": "8.4.1"}))


async def web(cluster: Cluster) -> Guest:
    return (await cluster.snapshot()).by_vmid[101]


def asked(host: Scripted, path: str) -> int:
    return sum(seen.path == path for seen in host.requests)


def test_it_is_what_the_core_needs(cluster: Cluster) -> None:
    needed: Pve = cluster
    assert (needed.key, needed.latest()) == ("main", None)
    assert needed.web.startswith("https://127.0.0.1:")
    assert [needed.token(role) for role in Role] == [VIEW.id, POWER.id, POWER.id]


async def test_a_snapshot_is_kept_for_five_seconds(cluster: Cluster, host: Scripted, clock: Clock) -> None:
    serve(host)
    first = await cluster.snapshot()
    assert first.by_vmid[101].name == HOSTILE
    assert first.name == "homelab"
    assert first.taken == clock.now()
    assert cluster.latest() is first
    clock.seconds += 4.9
    assert await cluster.snapshot() is first
    assert await cluster.snapshot(2.0) is not first
    clock.seconds += 5.1
    assert await cluster.snapshot(60.0) is cluster.latest()
    await cluster.snapshot()
    assert asked(host, "/cluster/resources") == asked(host, "/cluster/status") == 3


async def test_a_hundred_who_ask_at_once_cost_one_fetch(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    both = asyncio.Event()

    def together(play: Play) -> Play:
        async def wait(wire: Wire, seen: Seen) -> None:
            if host.at_once == 2:
                both.set()
            await both.wait()
            await play(wire, seen)

        return wait

    host.on("GET", "/cluster/resources", together(reply(data=samples.resources())))
    host.on("GET", "/cluster/status", together(reply(data=samples.status())))
    seen = await asyncio.gather(*(cluster.snapshot() for _ in range(100)))
    assert len({id(one) for one in seen}) == 1
    assert len(host.requests) == 2


async def test_one_who_leaves_takes_nothing_from_the_others(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    first = asyncio.create_task(cluster.snapshot())
    others = [asyncio.create_task(cluster.snapshot()) for _ in range(3)]
    await until(lambda: len(host.requests) > 0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert all(isinstance(seen, Snapshot) for seen in await asyncio.gather(*others))
    assert asked(host, "/cluster/resources") == 1


async def test_a_failure_reaches_all_who_ask_and_is_not_kept(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    host.on("GET", "/cluster/resources", reply(body=b"garbage"), reply(data=samples.resources()))
    failures = await asyncio.gather(*(cluster.snapshot() for _ in range(5)), return_exceptions=True)
    assert {type(failure) for failure in failures} == {PveGarbled}
    assert cluster.latest() is None
    assert 101 in (await cluster.snapshot()).by_vmid


async def test_a_bug_of_ours_reaches_all_who_wait_too(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> int:
        await asyncio.sleep(0)
        raise KeyError("a bug")

    flight = Flight[int](Spawn(), "broken")
    results = await asyncio.gather(flight(broken), flight(broken), return_exceptions=True)
    assert [type(result) for result in results] == [KeyError, KeyError]
    assert "background work failed: broken" in caplog.text


async def test_a_status_that_may_not_be_seen_does_not_hide_the_rest(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    host.on("GET", "/cluster/status", reply(403, reason="Permission check failed (/, Sys.Audit)"))
    seen = await cluster.snapshot()
    assert seen.by_vmid[101].status is Status.RUNNING
    assert seen.quorate is None
    assert Gap.STATUS_FORBIDDEN in {gap.gap for gap in seen.unseen}


@pytest.mark.parametrize(
    ("granted", "blind"),
    [
        ({}, True),
        ({"/vms/101": {"VM.Audit": 1}}, True),
        ({"/": {"VM.Audit": 1}}, False),
        ({"/vms": {"VM.Audit": 1}}, False),
    ],
)
async def test_no_guest_to_be_seen(cluster: Cluster, host: Scripted, granted: dict[str, Any], blind: bool) -> None:
    serve(host, [node("pve1")])
    host.on("GET", "/access/permissions", reply(data=granted))
    gaps = {gap.gap: gap for gap in (await cluster.snapshot()).unseen}
    assert (Gap.NO_GUESTS_VISIBLE in gaps) is blind
    if blind:
        assert gaps[Gap.NO_GUESTS_VISIBLE].subject == VIEW.id


async def test_ten_thousand_guests_do_not_hold_the_loop(host: Scripted, ca_file: Path, clock: Clock) -> None:
    """The bound is 100 ms on a quiet machine; this one may be busy, so the longest of three is not judged."""
    defaults = ClusterConfig(key="main", hosts=(), tokens={})
    generous = config(host, ca_file=ca_file, timeouts=defaults.timeouts, max_bytes=defaults.max_bytes)
    cluster = Cluster(generous, clock)
    rows = [node(f"pve{i}") for i in range(1, 21)] + [
        vm(100 + i, f"g{i}", node=f"pve{1 + i % 20}") for i in range(10_000)
    ]
    serve(host, rows)
    body = json.dumps({"data": rows}).encode()
    host.on("GET", "/cluster/resources", reply(body=body))
    held = []
    for _ in range(3):
        beat = asyncio.create_task(_longest_gap())
        try:
            async with asyncio.timeout(60):
                assert len((await cluster.snapshot(0)).guests) == 10_000
        finally:
            beat.cancel()
        held.append(await beat)
    assert sorted(held)[1] < 0.1, held
    await cluster.close()


async def _longest_gap() -> float:
    """Seconds of this process's own work, in any thread: what its neighbours take does not count."""
    longest, before = 0.0, time.process_time()
    try:
        while True:
            await asyncio.sleep(0.001)
            now = time.process_time()
            longest, before = max(longest, now - before), now
    except asyncio.CancelledError:
        return longest


# -- one guest -----------------------------------------------------------------------------------------------------


async def test_a_guest_live(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    host.on("GET", CURRENT, reply(data={"status": "running", "qmpstatus": "paused", "uptime": 9, "name": HOSTILE}))
    guest = await cluster.guest(await web(cluster))
    assert (guest.live, guest.status, guest.uptime, guest.name, guest.pool) == (True, Status.PAUSED, 9, HOSTILE, "prod")


async def test_a_guest_that_has_moved_is_found_again(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    before = await web(cluster)
    serve(host, [node("pve2"), vm(101, HOSTILE, node="pve2")])
    host.on("GET", CURRENT, reply(500, reason=GONE, message=GONE + "\n"))
    host.on("GET", "/nodes/pve2/qemu/101/status/current", reply(data={"status": "running"}))
    guest = await cluster.guest(before)
    assert (guest.node, guest.status) == ("pve2", Status.RUNNING)


async def test_a_guest_whose_node_has_died_is_found_where_ha_took_it(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    before = await web(cluster)
    host.on("GET", CURRENT, reply(595, reason="No route to host", body=b""))
    with pytest.raises(PveNodeDown) as caught:
        await cluster.guest(before)
    assert caught.value.node == "pve1"
    serve(host, [node("pve2"), vm(101, HOSTILE, node="pve2")])
    host.on("GET", "/nodes/pve2/qemu/101/status/current", reply(data={"status": "running"}))
    assert (await cluster.guest(before)).node == "pve2"


async def test_a_guest_that_is_nowhere_is_gone(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    before = await web(cluster)
    serve(host, [node("pve1"), vm(102, "other")])
    host.on("GET", CURRENT, reply(500, reason=GONE))
    with pytest.raises(NotFound) as caught:
        await cluster.guest(before)
    assert plain(caught.value.said(), Reader()) == f"{HOSTILE} (101) is gone."


async def test_any_other_refusal_is_told_as_it_is(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    before = await web(cluster)
    host.on("GET", CURRENT, reply(500, reason="unable to open socket"))
    with pytest.raises(PveRefused, match="unable to open socket"):
        await cluster.guest(before)
    host.on("GET", CURRENT, reply(403, reason="Permission check failed (/vms/101, VM.Audit)"))
    with pytest.raises(PveForbidden) as caught:
        await cluster.guest(before)
    assert (caught.value.token, caught.value.path, caught.value.privilege) == (VIEW.id, "/vms/101", "VM.Audit")
    assert asked(host, "/cluster/resources") == 1


# -- addresses -----------------------------------------------------------------------------------------------------

AGENT = "/nodes/pve1/qemu/101/agent/network-get-interfaces"
FOUND = {
    "result": [
        {"name": "lo", "ip-addresses": [{"ip-address": "127.0.0.1"}, {"ip-address": "::1"}]},
        {"name": "eth0", "ip-addresses": [{"ip-address": "2001:db8::7"}, {"ip-address": "192.0.2.17", "prefix": 24}]},
        {"name": "eth1", "ip-addresses": [{"ip-address": "fe80::1%eth1"}, {"ip-address": "nonsense"}, {}, None]},
        {"name": "eth2"},
        None,
    ]
}


async def test_addresses_by_the_agent_are_kept_for_five_minutes(cluster: Cluster, host: Scripted, clock: Clock) -> None:
    serve(host)
    host.on("GET", AGENT, reply(data=FOUND))
    guest = await web(cluster)
    for _ in range(2):
        assert await cluster.addresses(guest) == ("192.0.2.17", "2001:db8::7")
    assert asked(host, AGENT) == 1
    clock.seconds += 301
    await cluster.addresses(guest)
    assert asked(host, AGENT) == 2


@pytest.mark.parametrize(
    ("version", "privilege", "allowed"),
    [
        ("7.4-16", "VM.Monitor", True),
        ("8.4.1", "VM.Monitor", True),
        ("8.4.1", "VM.GuestAgent.Audit", False),
        ("9.1.1", "VM.GuestAgent.Audit", True),
        ("9.1.1", "VM.GuestAgent.Unrestricted", True),
        ("9.1.1", "VM.Monitor", False),
        ("9.1.1", "VM.Audit", False),
    ],
)
async def test_the_agent_is_asked_only_with_the_privilege_of_this_version(
    cluster: Cluster, host: Scripted, version: str, privilege: str, allowed: bool
) -> None:
    serve(host)
    host.on("GET", "/version", reply(data={"version": version}))
    host.on("GET", "/access/permissions", reply(data={"/vms": {privilege: 1}}))
    host.on("GET", AGENT, reply(data=FOUND))
    assert bool(await cluster.addresses(await web(cluster))) is allowed
    assert asked(host, AGENT) == int(allowed)


async def test_a_guest_without_an_agent_is_not_asked(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    host.on("GET", CURRENT, reply(data={"status": "running"}))
    assert await cluster.addresses(await cluster.guest(await web(cluster))) == ()
    assert asked(host, AGENT) == 0


@quick
@pytest.mark.parametrize(
    "play",
    [
        reply(500, reason="QEMU guest agent is not running"),
        reply(data={"result": {"error": {"class": "CommandNotFound", "desc": "not supported"}}}),
        reply(data=None),
        reply(body=b"garbage"),
        hang,
        lost,
    ],
)
async def test_no_answer_of_the_agent_is_remembered_for_a_minute(
    cluster: Cluster, host: Scripted, clock: Clock, play: Any
) -> None:
    serve(host)
    guest = await web(cluster)
    host.on("GET", AGENT, play)
    for _ in range(3):
        assert await cluster.addresses(guest) == ()
    tries = asked(host, AGENT)
    assert tries in {1, 2}
    clock.seconds += 61
    await cluster.addresses(guest)
    assert asked(host, AGENT) > tries


@pytest.mark.parametrize(("version", "known"), [("7.4-16", False), ("8.0.3", False), ("8.1.3", True), ("9.1.1", True)])
async def test_addresses_of_a_container(cluster: Cluster, host: Scripted, version: str, known: bool) -> None:
    serve(host, [node("pve1"), ct(105, "mail"), ct(106, "off", status="stopped")])
    path = "/nodes/pve1/lxc/105/interfaces"
    interfaces = [
        {"name": "lo", "inet": "127.0.0.1/8"},
        {"name": "eth0", "inet": "192.0.2.95/24", "inet6": "fe80::1/64"},
    ]
    host.on("GET", path, reply(data=interfaces))
    host.on("GET", "/version", reply(data={"version": version}))
    guests = (await cluster.snapshot()).by_vmid
    assert await cluster.addresses(guests[105]) == (("192.0.2.95",) if known else ())
    assert asked(host, path) == int(known)
    assert await cluster.addresses(guests[106]) == ()
    assert asked(host, "/nodes/pve1/lxc/106/interfaces") == 0


# -- tasks ---------------------------------------------------------------------------------------------------------


def rows(*numbers: int, **changes: Any) -> list[dict[str, Any]]:
    return [{"upid": upid(number), "status": "OK", "endtime": 1_720_000_000 + number} | changes for number in numbers]


async def test_tasks_of_the_cluster_newest_first(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    running = {"upid": upid(4), "starttime": 1, "pid": 5}
    mixed = [
        *rows(1),
        None,
        {"upid": "nonsense"},
        running,
        *rows(3, status="job errors"),
        *rows(2, status="WARNINGS: 2"),
    ]
    host.on("GET", "/cluster/tasks", reply(data=mixed))
    tasks = await cluster.tasks()
    assert [task.outcome for task in tasks] == [Outcome.RUNNING, Outcome.ERROR, Outcome.WARNINGS, Outcome.OK]
    assert [task.exitstatus for task in tasks] == ["", "job errors", "WARNINGS: 2", "OK"]
    assert tasks[0].end is None
    assert tasks[3].end == from_epoch(1_720_000_001)
    assert tasks[0].upid.user == "telemox@pve!power"


async def test_a_task_listed_twice_while_it_ends_has_ended(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    running = {"upid": upid(1), "starttime": 1}
    for listed in ([running, *rows(1)], [*rows(1), running]):
        host.on("GET", "/cluster/tasks", reply(data=listed))
        assert [task.outcome for task in await cluster.tasks()] == [Outcome.OK]


async def test_without_sys_audit_each_node_is_asked(cluster: Cluster, host: Scripted) -> None:
    """/cluster/tasks would answer [] to such a token, even for its own."""
    serve(host)
    host.on("GET", "/access/permissions", reply(data={"/vms": {"VM.Audit": 1}}))
    host.on("GET", "/nodes/pve1/tasks", reply(data=rows(1, 3)))
    host.on("GET", "/nodes/pve2/tasks", reply(595, reason="Connection refused", body=b""))
    tasks = await cluster.tasks()
    assert [task.upid.text for task in tasks] == [upid(3), upid(1)]
    assert asked(host, "/cluster/tasks") == asked(host, "/nodes/pve3/tasks") == 0
    host.on("GET", "/nodes/pve1/tasks", reply(595, reason="Connection refused", body=b""))
    with pytest.raises(PveNodeDown):
        await cluster.tasks()


async def test_tasks_of_a_node_as_a_role_may_see_them(cluster: Cluster, host: Scripted, clock: Clock) -> None:
    host.on("GET", "/nodes/pve1/tasks", reply(data=[*rows(1), {"upid": upid(2), "status": "RUNNING"}], total=2))
    since = clock.now() - timedelta(minutes=1)
    tasks = await cluster.node_tasks("pve1", role=Role.OPERATOR, vmid=101, since=since, limit=5)
    assert [task.outcome for task in tasks] == [Outcome.RUNNING, Outcome.OK]
    (seen,) = host.requests
    assert seen.token == POWER.id
    assert seen.query == f"source=all&limit=5&vmid=101&since={int(since.timestamp())}"


async def test_a_task_is_asked_for_on_the_node_that_it_names(cluster: Cluster, host: Scripted) -> None:
    job = Upid.parse(upid(node="pve2"))
    path = f"/nodes/pve2/tasks/{job}/status"
    running, done = {"status": "running"}, {"status": "stopped", "exitstatus": "VM quit/powerdown failed - got timeout"}
    host.on("GET", path, reply(data=running), reply(data=done))
    first, second = await cluster.task(job, role=Role.OPERATOR), await cluster.task(job, role=Role.OPERATOR)
    assert (first.outcome, first.exitstatus) == (Outcome.RUNNING, "")
    assert (second.outcome, second.exitstatus) == (Outcome.ERROR, done["exitstatus"])
    assert {seen.token for seen in host.requests} == {POWER.id}


@pytest.mark.parametrize(
    "words", ["unexpected status", "", "unable to read tail (got 0 bytes)", "unable to open file - x"]
)
async def test_an_end_that_is_not_yet_written_is_read_once_more(
    cluster: Cluster, host: Scripted, clock: Clock, words: str
) -> None:
    job = Upid.parse(upid())
    odd, done = {"status": "stopped", "exitstatus": words}, {"status": "stopped", "exitstatus": "OK"}
    host.on("GET", f"/nodes/pve1/tasks/{job}/status", reply(data=odd), reply(data=done))
    assert (await cluster.task(job, role=Role.VIEWER)).outcome is Outcome.OK
    assert clock.slept == [1.0]
    host.on("GET", f"/nodes/pve1/tasks/{job}/status", reply(data=odd))
    assert (await cluster.task(job, role=Role.VIEWER)).outcome is Outcome.UNKNOWN


async def test_a_task_that_proxmox_does_not_know(cluster: Cluster, host: Scripted) -> None:
    job = Upid.parse(upid())
    refused = reply(400, reason="Parameter verification failed.", errors={"upid": "no such task"})
    host.on("GET", f"/nodes/pve1/tasks/{job}/status", refused)
    with pytest.raises(PveRefused) as caught:
        await cluster.task(job, role=Role.VIEWER)
    assert caught.value.errors == {"upid": "no such task"}


async def test_a_log_and_its_end(cluster: Cluster, host: Scripted) -> None:
    job = Upid.parse(upid())
    path = f"/nodes/pve1/tasks/{job}/log"
    lines = [{"n": n, "t": f"line {n}"} for n in range(1, 101)]
    host.on(
        "GET",
        path,
        reply(data=lines[:50], total=100),
        reply(data=lines[:1], total=100),
        reply(data=lines[90:], total=100),
    )
    head = await cluster.log(job, role=Role.OPERATOR)
    assert (head.lines[0], len(head.lines), head.total, head.start) == ("line 1", 50, 100, 0)
    tail = await cluster.log(job, role=Role.OPERATOR, start=-10)
    assert (tail.lines[0], tail.lines[-1], tail.total, tail.start) == ("line 91", "line 100", 100, 90)
    assert [seen.query for seen in host.requests] == ["start=0&limit=50", "start=0&limit=1", "start=90&limit=50"]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ([{"n": 1, "t": "no content"}], ("no content",)),
        ({"n": 1, "t": "unable to open file - No such file"}, ("unable to open file - No such file",)),  # 7.x
        ({}, ()),
        (None, ()),
        ([{"n": 1}, None, {"t": 5}], ("", "5")),
    ],
)
async def test_a_log_that_is_none(cluster: Cluster, host: Scripted, data: object, lines: tuple[str, ...]) -> None:
    job = Upid.parse(upid())
    host.on("GET", f"/nodes/pve1/tasks/{job}/log", reply(data=data))
    log = await cluster.log(job, role=Role.VIEWER)
    assert (log.lines, log.total) == (lines, len(lines))


# -- version, permissions, writes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "major", "minor"), [("9.1.1", 9, 1), ("8.4.16", 8, 4), ("7.4-16", 7, 4), ("6.2-4", 6, 2)]
)
async def test_the_version_is_kept_for_an_hour(
    cluster: Cluster, host: Scripted, clock: Clock, text: str, major: int, minor: int
) -> None:
    host.on("GET", "/version", reply(data={"version": text}))
    for _ in range(2):
        version = await cluster.version()
        assert (version.major, version.minor, version.text) == (major, minor, text)
    assert len(host.requests) == 1
    clock.seconds += VERSION_KEPT + 1
    assert await cluster.version() is version  # nobody waits: it is read anew meanwhile
    await _until(lambda: len(host.requests) == 2)
    clock.seconds += STALE + 1
    await cluster.version()
    assert len(host.requests) == 3


async def test_permissions_are_each_tokens_own_kept_and_refreshed(
    cluster: Cluster, host: Scripted, clock: Clock
) -> None:
    granted = {"/vms/101": {"VM.PowerMgmt": 0, "VM.Audit": 1}, "/pool/prod": {"VM.Audit": "1"}, "/odd": None}
    host.on("GET", "/access/permissions", reply(data=granted))
    power = await cluster.permissions(Role.OPERATOR)
    assert power is not None
    assert power.paths == {"/vms/101": {"VM.PowerMgmt": False, "VM.Audit": True}, "/pool/prod": {"VM.Audit": True}}
    assert power.allows("VM.PowerMgmt", "/vms/101")  # 0 is granted too: on this very path
    assert await cluster.permissions(Role.ADMIN) is power  # the same token
    await cluster.permissions(Role.VIEWER)
    assert [seen.token for seen in host.requests] == [POWER.id, VIEW.id]
    clock.seconds += PERMISSIONS_KEPT + 1
    host.on("GET", "/access/permissions", reply(data={"/vms": {"VM.Audit": 1}}))
    assert await cluster.permissions(Role.OPERATOR) is power
    await _until(lambda: len(host.requests) == 3)
    anew = await cluster.permissions(Role.OPERATOR)
    assert anew is not None
    assert anew.paths == {"/vms": {"VM.Audit": True}}


async def test_permissions_that_cannot_be_read_anew_are_waited_for_once_they_are_stale(
    cluster: Cluster, host: Scripted, clock: Clock
) -> None:
    host.on("GET", "/access/permissions", reply(data={"/vms": {"VM.Audit": 1}}), reply(500, reason="no"))
    kept = await cluster.permissions(Role.VIEWER)
    clock.seconds += PERMISSIONS_KEPT + 1
    assert await cluster.permissions(Role.VIEWER) is kept
    await _until(lambda: len(host.requests) == 2)
    clock.seconds += STALE + 1
    with pytest.raises(PveRefused):
        await cluster.permissions(Role.VIEWER)


async def _until(holds: Callable[[], bool]) -> None:
    await until(holds)
    await asyncio.sleep(0.02)  # the answer's way back


async def test_a_refused_write_has_the_permissions_read_again(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/access/permissions", reply(data={"/vms": {"VM.PowerMgmt": 1}}), reply(data={}))
    host.on(
        "POST",
        "/nodes/pve1/qemu/101/status/stop",
        reply(403, reason="Permission check failed (/vms/101, VM.PowerMgmt)"),
    )
    await cluster.permissions(Role.OPERATOR)
    with pytest.raises(PveForbidden) as caught:
        await cluster.write(Role.OPERATOR, "POST", "/nodes/pve1/qemu/101/status/stop", {})
    assert caught.value.mend() == (
        "pveum acl modify /vms/101 --users telemox@pve --roles TelemoxView,TelemoxPower && "
        "pveum acl modify /vms/101 --tokens 'telemox@pve!power' --roles TelemoxPower"
    )
    after = await cluster.permissions(Role.OPERATOR)
    assert after is not None
    assert after.paths == {}


async def test_each_role_speaks_with_its_own_token(host: Scripted, ca_file: Path, clock: Clock) -> None:
    admin = ApiToken("telemox@pve!admin", "33333333-admin-secret")
    tokens = {Role.VIEWER: VIEW, Role.OPERATOR: POWER, Role.ADMIN: admin}
    cluster = Cluster(config(host, ca_file=ca_file, tokens=tokens), clock)
    host.on("POST", "/x", reply(data=None))
    for role in (Role.OPERATOR, Role.ADMIN):
        await cluster.write(role, "POST", "/x", {})
    assert [seen.token for seen in host.requests] == [POWER.id, admin.id]
    await cluster.close()


async def test_a_monitor_reads_tasks_with_the_view_token(host: Scripted, ca_file: Path, clock: Clock) -> None:
    cluster = Cluster(config(host, ca_file=ca_file, tokens={Role.VIEWER: VIEW}), clock)
    host.on("GET", "/nodes/pve1/tasks", reply(data=[]))
    await cluster.node_tasks("pve1", role=Role.OPERATOR)
    assert [seen.token for seen in host.requests] == [VIEW.id]
    assert await cluster.permissions(Role.OPERATOR) is None
    assert cluster.token(Role.ADMIN) is None
    await cluster.close()


def test_a_cluster_needs_a_view_token(host: Scripted, clock: Clock) -> None:
    with pytest.raises(ValueError, match="view token"):
        Cluster(config(host, tokens={Role.OPERATOR: POWER}), clock)


async def test_nothing_is_asked_after_the_end(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    guest = await web(cluster)
    await cluster.close()
    asked_before = len(host.requests)
    async with asyncio.timeout(20):
        with pytest.raises(PveUnreachable, match="stopping"):
            await cluster.guest(guest)
        with pytest.raises(PveUnreachable, match="stopping"):
            await cluster.snapshot(0)
    assert len(host.requests) == asked_before


@quick
async def test_a_status_that_hangs_does_not_hold_the_rest_for_long(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    host.on("GET", "/cluster/status", hang)
    seen = await cluster.snapshot()
    assert 101 in seen.by_vmid
    assert Gap.STATUS_FAILED in {gap.gap for gap in seen.unseen}


async def test_what_was_seen_before_is_not_waited_for_as_long_as_the_first_look(
    host: Scripted, ca_file: Path, clock: Clock
) -> None:
    """A person who asks while every host hangs would rather see what was last known, and be told so."""
    cluster = Cluster(config(host, ca_file=ca_file, timeouts=replace(PATIENT, anew=0.1)), clock)
    serve(host)
    seen = await cluster.snapshot()
    host.on("GET", "/cluster/resources", hang)
    async with asyncio.timeout(20):
        with pytest.raises(PveNoAnswer):
            await cluster.snapshot(0)
    assert cluster.latest() is seen
    await cluster.close()


async def test_closing_ends_what_is_under_way(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/cluster/resources", hang)
    host.on("GET", "/cluster/status", hang)
    call = asyncio.create_task(cluster.snapshot())
    await until(lambda: len(host.requests) == 2)
    async with asyncio.timeout(20):
        await cluster.close()
    with pytest.raises(PveUnreachable, match="stopping"):
        await call


async def test_every_method_raises_a_pve_error_and_nothing_else(cluster: Cluster, host: Scripted) -> None:
    serve(host)
    guest, job = await web(cluster), Upid.parse(upid())
    for kept in cluster._permissions.values():
        kept.forget()
    refused = reply(401, reason="invalid token value!", body=b"")
    for path in {seen.path for seen in host.requests} | {
        "/access/permissions",
        "/version",
        "/cluster/tasks",
        "/nodes/pve1/tasks",
        CURRENT,
    }:
        host.on("GET", path, refused)
    for path in (f"/nodes/pve1/tasks/{job}/status", f"/nodes/pve1/tasks/{job}/log"):
        host.on("GET", path, refused)
    for call in (
        cluster.snapshot(0),
        cluster.guest(guest),
        cluster.tasks(),
        cluster.version(),
        cluster.permissions(Role.OPERATOR),
        cluster.node_tasks("pve1", role=Role.VIEWER),
        cluster.task(job, role=Role.VIEWER),
        cluster.log(job, role=Role.VIEWER),
        cluster.log(job, role=Role.VIEWER, start=-5),
    ):
        with pytest.raises(PveUnauthorized):
            await call
    assert await cluster.addresses(guest) == ()
