"""The client against the simulated cluster, which answers as Proxmox VE 7.4, 8 and 9 do."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.access import Role
from bot.demo.cluster import Cluster as Demo
from bot.errors import (
    NotFound,
    PveError,
    PveForbidden,
    PveGarbled,
    PveNoAnswer,
    PveNodeDown,
    PvePinMismatch,
    PveRefused,
    PveUnauthorized,
    PveUnreachable,
)
from bot.model import Gap, Guest, Kind, Outcome, Status, Task, Upid
from bot.pve.cluster import Cluster
from bot.pve.config import ApiToken, ClusterConfig, Host, Pin, Timeouts
from bot.text import from_epoch
from tests.pve.server import HOSTILE, Clock, quick

VERSIONS = ("7.4-20", "8.4.21", "9.1.11")


@pytest.fixture(params=VERSIONS)
async def demo(request: pytest.FixtureRequest) -> AsyncIterator[Demo]:
    async with Demo(seed=1, version=request.param, speed=0, auth_delay=0) as running:
        yield running


@pytest.fixture
async def nine() -> AsyncIterator[Demo]:
    async with Demo(seed=1, speed=0, auth_delay=0) as running:
        yield running


class Opened:
    """Clients of a simulated cluster, closed at the end."""

    def __init__(self, folder: Path, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._folder = folder
        self._all: list[Cluster] = []
        self.clock = Clock()
        self.notices: list[PveError] = []

    def __call__(self, demo: Demo, *, tokens: dict[Role, str] | None = None, pins: tuple[Pin, ...] = ()) -> Cluster:
        ca = self._folder / "ca.pem"
        ca.write_bytes(demo.ca_pem)
        given = tokens or {Role.VIEWER: demo.tokens["view"], Role.OPERATOR: demo.tokens["power"]}
        settings = ClusterConfig(
            key="main",
            hosts=tuple(Host.parse(host) for host in demo.hosts),
            tokens={role: ApiToken.parse(token) for role, token in given.items()},
            ca_file=ca,
            fingerprints=pins,
            timeouts=self._timeouts,
        )
        cluster = Cluster(settings, self.clock, self.notices.append)
        self._all.append(cluster)
        return cluster

    async def close(self) -> None:
        for cluster in self._all:
            await cluster.close()


@pytest.fixture
async def opened(tmp_path: Path, timeouts: Timeouts) -> AsyncIterator[Opened]:
    opener = Opened(tmp_path, timeouts)
    yield opener
    await opener.close()


def find(guests: tuple[Guest, ...], status: Status, kind: Kind = Kind.QEMU, **is_: object) -> Guest:
    return next(
        guest
        for guest in guests
        if guest.status is status
        and guest.kind is kind
        and not guest.template
        and all(getattr(guest, name) == value for name, value in ({"lock": "", "hastate": ""} | is_).items())
    )


async def follow(cluster: Cluster, demo: Demo, job: Upid | None) -> Task:
    assert job is not None
    for _ in range(200):
        task = await cluster.task(job, role=Role.OPERATOR)
        if task.outcome is not Outcome.RUNNING:
            return task
        demo.advance(5)
    raise AssertionError("it never ended")


async def test_the_whole_picture(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo)
    seen = await cluster.snapshot()
    version = await cluster.version()
    assert demo.release.since(version.major, version.minor)
    assert not demo.release.since(version.major, version.minor + 1)
    assert len(seen.nodes) == 3
    assert all(node.online and node.cpu is not None and node.ip for node in seen.nodes)
    assert seen.quorate is True
    assert not seen.standalone
    assert len(seen.guests) == 40
    assert HOSTILE in {guest.name for guest in seen.guests}
    assert {Status.RUNNING, Status.STOPPED} <= {guest.status for guest in seen.guests}
    assert any(guest.template for guest in seen.guests)
    assert any(guest.tags for guest in seen.guests)
    assert any(guest.pool for guest in seen.guests)
    assert len({storage.id for storage in seen.storages}) == len(seen.storages)
    assert sum(storage.shared for storage in seen.storages) >= 1
    assert seen.unseen == ()


async def test_every_guest_live_agrees_with_the_picture(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo)
    for guest in (await cluster.snapshot()).guests:
        live = await cluster.guest(guest)
        assert live.live
        assert (live.name, live.kind, live.node, live.vmid) == (guest.name, guest.kind, guest.node, guest.vmid)
        assert live.status is guest.status
        assert live.ha_managed == guest.ha_managed
        assert live.template == guest.template


async def test_permissions_of_both_tokens(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo)
    guest = (await cluster.snapshot()).guests[0]
    view, power = await cluster.permissions(Role.VIEWER), await cluster.permissions(Role.OPERATOR)
    assert view is not None
    assert power is not None
    assert view.allows("VM.Audit", f"/vms/{guest.vmid}")
    assert not view.allows("VM.PowerMgmt", f"/vms/{guest.vmid}")
    assert power.allows("VM.PowerMgmt", f"/vms/{guest.vmid}")


async def test_a_reboot_to_its_end(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo)
    guest = find((await cluster.snapshot()).guests, Status.RUNNING)
    before = await cluster.guest(guest)
    job = await cluster.write(Role.OPERATOR, "POST", f"{guest.path}/status/reboot", {})
    assert job is not None
    assert (job.type, job.subject, job.user) == ("qmreboot", str(guest.vmid), cluster.token(Role.OPERATOR))
    assert (await cluster.task(job, role=Role.OPERATOR)).outcome is Outcome.RUNNING
    listed = await cluster.node_tasks(
        guest.node, role=Role.OPERATOR, vmid=guest.vmid, since=from_epoch(job.start.timestamp())
    )
    assert (listed[0].upid, listed[0].outcome) == (job, Outcome.RUNNING)
    assert (await follow(cluster, demo, job)).outcome is Outcome.OK
    after = await cluster.guest(guest)
    assert after.status is Status.RUNNING
    assert after.uptime is not None
    assert before.uptime is not None
    assert after.uptime < before.uptime
    log = await cluster.log(job, role=Role.OPERATOR, limit=0)
    assert log.lines[-1] == "TASK OK"
    assert log.total == len(log.lines)
    assert (await cluster.log(job, role=Role.OPERATOR, start=-1)).lines == ("TASK OK",)
    ended = next(task for task in await cluster.tasks() if task.upid == job)
    assert ended.outcome is Outcome.OK
    assert ended.end is not None
    assert len(demo.writes()) == 1


async def test_what_proxmox_refuses_at_once(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo)
    guests = (await cluster.snapshot()).guests
    stopped = find(guests, Status.STOPPED)
    for words, guest, verb in (
        (f"VM {stopped.vmid} not running", stopped, "reboot"),
        ("already running", find(guests, Status.RUNNING, Kind.LXC), "start"),
    ):
        with pytest.raises(PveRefused, match=words):
            await cluster.write(Role.OPERATOR, "POST", f"{guest.path}/status/{verb}", {})
    with pytest.raises(PveRefused, match="Parameter verification failed") as caught:
        await cluster.write(Role.OPERATOR, "POST", f"{stopped.path}/status/start", {"nonsense": "1"})
    assert "nonsense" in caught.value.errors
    with pytest.raises(PveRefused) as unknown:
        await cluster.write(Role.OPERATOR, "POST", "/nonsense", {})
    assert unknown.value.status == 501


async def test_what_a_task_says_when_it_fails(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo)
    running = find((await cluster.snapshot()).guests, Status.RUNNING)
    job = await cluster.write(Role.OPERATOR, "POST", f"{running.path}/status/start", {})
    task = await follow(cluster, demo, job)
    assert (task.outcome, task.exitstatus) == (Outcome.ERROR, f"VM {running.vmid} already running")


async def test_a_view_token_in_the_place_of_the_power_token(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo, tokens={Role.VIEWER: demo.tokens["view"], Role.OPERATOR: demo.tokens["view"]})
    guest = find((await cluster.snapshot()).guests, Status.RUNNING)
    with pytest.raises(PveForbidden) as caught:
        await cluster.write(Role.OPERATOR, "POST", f"{guest.path}/status/stop", {})
    assert (caught.value.path, caught.value.privilege) == (f"/vms/{guest.vmid}", "VM.PowerMgmt")
    assert caught.value.token == cluster.token(Role.OPERATOR)


async def test_a_token_that_may_nothing(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo, tokens={Role.VIEWER: demo.add_token("telemox@pve", "nothing")})
    seen = await cluster.snapshot()
    assert seen.guests == ()
    assert [node.cpu for node in seen.nodes] == [None] * 3
    assert {gap.gap for gap in seen.unseen} == {Gap.NO_GUESTS_VISIBLE, Gap.NODE_BARE, Gap.STATUS_FORBIDDEN}
    assert seen.quorate is None
    assert await cluster.tasks() == ()


async def test_a_token_that_is_none(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo, tokens={Role.VIEWER: "telemox@pve!view=11111111-2222-3333-4444-555555555555"})
    for _ in range(2):
        with pytest.raises(PveUnauthorized) as caught:
            await cluster.snapshot(0)
    assert caught.value.token == "telemox@pve!view"
    assert len(opened.notices) == 1


async def test_addresses(demo: Demo, opened: Opened) -> None:
    """By the agent where the token may ask it in this version; of containers since 8.1."""
    cluster = opened(demo)
    guests = [guest for guest in (await cluster.snapshot()).guests if guest.status is Status.RUNNING]
    containers = [await cluster.addresses(guest) for guest in guests if guest.kind is Kind.LXC]
    assert any(containers) == demo.release.since(8, 1)
    vms = [await cluster.addresses(await cluster.guest(guest)) for guest in guests if guest.kind is Kind.QEMU]
    for found in [*containers, *vms]:
        assert not any(address.startswith(("127.", "fe80")) for address in found)
    if demo.release.since(9, 0):
        assert any(vms)


async def test_a_guest_that_moved_and_one_that_is_gone(nine: Demo, opened: Opened) -> None:
    cluster = opened(nine)
    guest = find((await cluster.snapshot()).guests, Status.STOPPED)
    elsewhere = next(node.name for node in (await cluster.snapshot()).nodes if node.name != guest.node)
    live = await cluster.guest(replace(guest, node=elsewhere))
    assert live.node == guest.node
    with pytest.raises(NotFound):
        await cluster.guest(replace(guest, vmid=999_999))


async def test_a_node_that_is_off(nine: Demo, opened: Opened) -> None:
    cluster = opened(nine)
    before = await cluster.snapshot()
    name = before.nodes[1].name
    nine.set_fault("node_off", True, name)
    seen = await cluster.snapshot(0)
    there = [guest for guest in seen.guests if guest.node == name]
    assert there
    assert {guest.status for guest in there} == {Status.UNKNOWN}
    assert seen.by_node[name].online is False
    assert [(gap.gap, gap.subject) for gap in seen.unseen] == [(Gap.NODE_OFFLINE, name)]
    with pytest.raises(PveNodeDown) as caught:
        await cluster.guest(there[0])
    assert caught.value.node == name
    nine.advance(400)  # the rows have lost their names
    later = await cluster.snapshot(0)
    assert {g.vmid: g.name for g in later.guests} == {g.vmid: g.name for g in before.guests}


async def test_a_host_whose_api_is_off_is_passed_over(nine: Demo, opened: Opened) -> None:
    cluster = opened(nine)
    first = (await cluster.snapshot()).nodes[0].name
    nine.set_fault("api_off", True, first)
    seen = await cluster.snapshot(0)
    assert len(seen.guests) == 40
    guest = find(seen.guests, Status.RUNNING, node=seen.nodes[1].name)
    assert await cluster.write(Role.OPERATOR, "POST", f"{guest.path}/status/reboot", {}) is not None
    nine.set_fault("api_off", True)
    with pytest.raises(PveUnreachable):
        await cluster.snapshot(0)


@quick
@pytest.mark.parametrize("fault", ["hang", "cut_body", "500", "401", "403", "595", "broken_json", "slow"])
async def test_a_read_meets_each_fault(nine: Demo, opened: Opened, fault: str) -> None:
    """On the first host alone: passed over where another may know better, else said in our own words."""
    cluster = opened(nine)
    await cluster.snapshot()
    nine.set_fault(fault, True, (cluster.latest() or await cluster.snapshot()).nodes[0].name)
    try:
        seen = await cluster.snapshot(0)
    except PveError as error:
        expected = {"401": PveUnauthorized, "403": PveForbidden, "broken_json": PveGarbled}
        assert type(error) is expected[fault]  # noqa: PT017 - which one depends on the fault
    else:
        assert fault in {"hang", "cut_body", "slow", "500", "595"}
        assert len(seen.guests) == 40


@quick
@pytest.mark.parametrize("fault", ["lost_answer", "hang", "cut_body"])
async def test_a_write_whose_answer_is_lost_is_sent_once(nine: Demo, opened: Opened, fault: str) -> None:
    cluster = opened(nine)
    guest = find((await cluster.snapshot()).guests, Status.RUNNING)
    nine.set_fault(fault, True)
    with pytest.raises(PveNoAnswer):
        await cluster.write(Role.OPERATOR, "POST", f"{guest.path}/status/reboot", {})
    assert len(nine.writes()) == 1


async def test_pins_and_a_renewed_certificate(nine: Demo, opened: Opened) -> None:
    pins = tuple(Pin(pin, host) for pin, host in zip(nine.fingerprints, nine.hosts, strict=True))
    cluster = opened(nine, pins=pins)
    name = (await cluster.snapshot()).nodes[0].name
    fresh = nine.renew_certificate(name)
    assert len((await cluster.snapshot(0)).guests) == 40  # by the next host
    (notice,) = opened.notices
    assert isinstance(notice, PvePinMismatch)
    assert (notice.expected, notice.seen) == (pins[0].fingerprint, fresh)


async def test_a_hundred_at_once_are_one_fetch(nine: Demo, opened: Opened) -> None:
    cluster = opened(nine)
    await asyncio.gather(*(cluster.snapshot() for _ in range(100)))
    assert sorted(request.path for request in nine.requests) == [
        "/cluster/resources",
        "/cluster/status",
    ]
