"""Our own samples, mutated: whatever arrives is read, or refused in our own words; never another exception."""

import asyncio
import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.access import Role
from bot.errors import PveError, PveForbidden
from bot.model import Guest, Kind, Snapshot, Status, Storage, Task, TaskLog, Upid
from bot.pve import addresses, parse, rows, tasks
from bot.pve.cluster import Cluster
from bot.pve.faults import of_status
from bot.pve.parse import Garbled
from bot.pve.snapshot import Visibility, merge
from bot.text import Reader, html, plain
from tests.pve import samples
from tests.pve.samples import upid
from tests.pve.server import HOSTILE, Clock, Scripted, config, raw
from tests.pve.test_pve_rows import NOW, body

GUEST = Guest(cluster="main", vmid=101, name=HOSTILE, kind=Kind.LXC, node="pve1", status=Status.RUNNING)
JOB = Upid.parse(upid())
CURRENT = {"status": "running", "qmpstatus": "running", "name": HOSTILE, "cpu": 0.1, "cpus": 2, "mem": 5, "maxmem": 9,
           "uptime": 5, "lock": "backup", "tags": "a;b", "ha": {"managed": 1, "state": "started"}}  # fmt: skip
LISTED = [{"upid": upid(1), "status": "OK", "endtime": 1_720_000_000}, {"upid": upid(2), "status": "RUNNING"}]
INTERFACES = {
    "result": [{"name": "eth0", "ip-addresses": [{"ip-address": "192.0.2.7", "prefix": 24}], "inet": "::7/64"}]
}

READERS: dict[str, tuple[Any, Callable[[bytes], object]]] = {
    "resources": (samples.resources(), lambda data: rows.resources(data, "main")),
    "cluster status": (samples.status(), rows.cluster_status),
    "status/current": (CURRENT, lambda data: rows.current(data, GUEST)),
    "tasks": (LISTED, lambda data: tasks.tasks(data, "main")),
    "task": ({"status": "stopped", "exitstatus": "OK", "upid": upid()}, lambda data: tasks.task(data, "main", JOB)),
    "log": ([{"n": 1, "t": "line"}, {"n": 2, "t": "TASK OK"}], lambda data: tasks.log(data, 0)),
    "started": (upid(), tasks.started),
    "interfaces": (INTERFACES, addresses.read),
    "version": ({"version": "9.1.1", "release": "9.1"}, parse.version),
    "permissions": ({"/": {"Sys.Audit": 1}, "/vms/101": {"VM.PowerMgmt": 0}}, parse.permissions),
}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        ["", "0", "1", "-1", "nan", "inf", "1e400", "9" * 30, HOSTILE, "UPID:", upid(), "running", "\x00"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


@st.composite
def mutated(draw: st.DrawFn, sample: Any) -> Any:
    """One to four values replaced, taken out, or doubled."""
    box = {"data": copy.deepcopy(sample)}
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(places(box)[1:] or [("data",)]))
        holder: Any = box
        for key in path[:-1]:
            holder = holder[key]
        match draw(st.sampled_from(["replace", "remove", "double"])):
            case "remove" if isinstance(holder, dict) and path != ("data",):
                del holder[path[-1]]
            case "double" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[path[-1]]))
            case _:
                holder[path[-1]] = draw(JSON)
    return box["data"]


@pytest.mark.parametrize("name", READERS)
def test_a_mutated_sample_is_read_or_garbled(name: str) -> None:
    sample, read = READERS[name]

    @settings(deadline=None, max_examples=150)
    @given(mutated(sample))
    def check(data: Any) -> None:
        try:
            value = read(body(data))
        except Garbled as error:
            assert str(error)  # noqa: PT017 - either is right
        else:
            sound(value)

    check()


@pytest.mark.parametrize("name", READERS)
def test_mutated_bytes_are_read_or_garbled(name: str) -> None:
    sample, read = READERS[name]
    whole = body(sample)

    @settings(deadline=None, max_examples=100)
    @given(st.integers(0, len(whole)), st.integers(0, 5), st.binary(max_size=5), st.booleans())
    def check(at: int, out: int, put: bytes, cut: bool) -> None:
        data = whole[:at] if cut else whole[:at] + put + whole[at + out :]
        try:
            value = read(data)
        except Garbled as error:
            assert str(error)  # noqa: PT017 - either is right
        else:
            sound(value)

    check()


@settings(deadline=None, max_examples=200)
@given(mutated(samples.resources()), mutated(samples.status()), mutated(samples.resources()))
def test_the_picture_of_mutated_answers_is_sound(resources: Any, status: Any, earlier: Any) -> None:
    def read(data: Any) -> rows.Resources:
        try:
            return rows.resources(body(data), "main")
        except Garbled:
            return rows.resources(body([]), "main")

    said: rows.ClusterStatus | PveError
    try:
        said = rows.cluster_status(body(status))
    except Garbled as error:
        said = PveForbidden(str(error))
    visibility = Visibility(token="telemox@pve!view", all_guests=False)
    before = merge("main", read(earlier), said, before=None, taken=NOW, visibility=visibility)
    seen = merge("main", read(resources), said, before=before, taken=NOW, visibility=visibility)
    sound(seen)
    gone = {node.name for node in seen.nodes if node.online is not True}
    assert all(guest.status is Status.UNKNOWN for guest in seen.guests if guest.node in gone)
    assert len({storage.id for storage in seen.storages}) == len(seen.storages)
    assert sum(seen.counts.values()) == sum(not guest.template for guest in seen.guests)


def sound(value: object) -> None:
    """Of the types that are declared, and nothing that cannot be."""
    match value:
        case (Guest() as guest, bool()):
            sound(guest)
        case Guest():
            assert 0 < value.vmid < 2**63
            assert all(
                isinstance(text, str) for text in (value.name, value.node, value.lock, value.pool, value.hastate)
            )
            assert isinstance(value.template, bool)
            assert all("".join(value.tags).encode() and tag for tag in value.tags)
            assert value.name
            figures(value.cpu, value.cpus, value.netin, value.netout)
            whole(value.mem, value.maxmem, value.disk, value.maxdisk, value.uptime)
            json.dumps(value.name).encode()
            value.name.encode()
        case rows.Resources():
            for guest in value.guests:
                sound(guest)
            assert [guest.vmid for guest in value.guests] == sorted({guest.vmid for guest in value.guests})
        case Snapshot():
            for guest in value.guests:
                sound(guest)
            for storage in value.storages:
                sound(storage)
            for node in value.nodes:
                assert node.online in {True, False, None}
                figures(node.cpu)
                whole(node.mem, node.maxmem, node.disk, node.maxdisk, node.uptime)
        case Storage():
            whole(value.disk, value.maxdisk)
            figures(value.used)
            assert value.id
        case TaskLog():
            assert all(isinstance(line, str) for line in value.lines)
            assert value.total >= 0
        case Task():
            assert isinstance(value.exitstatus, str)
            assert value.end is None or value.end.tzinfo is not None
        case tuple():
            for part in value:
                if not isinstance(part, str):
                    sound(part)
        case _:
            pass


def figures(*values: float | None) -> None:
    for value in values:
        assert value is None or (not isinstance(value, bool) and math.isfinite(value) and value >= 0)


def whole(*values: int | None) -> None:
    for value in values:
        assert value is None or (type(value) is int and 0 <= value < 2**63)


@settings(deadline=None, max_examples=300)
@given(st.integers(100, 999), st.text(), st.booleans(), st.text(), st.dictionaries(st.text(), st.text(), max_size=3))
def test_whatever_a_host_says_can_be_said_in_a_chat(
    status: int, text: str, write: bool, path: str, errors: dict[str, str]
) -> None:
    error = of_status(status, text, write=write, host="pve1:8006", path=path, token="t@pve!v", errors=errors)
    assert plain(error.said(), Reader())
    assert html(error.said(), Reader())
    assert error.mend() is None or isinstance(error.mend(), str)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_the_words_of_a_refusal_never_fail(data: bytes) -> None:
    message, errors = parse.refusal(data)
    assert isinstance(message, str)
    assert "".join([*errors, *errors.values()]).encode() is not None


ANSWER = (
    b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\nContent-Type: application/json;charset=UTF-8\r\n"
    b"Content-Length: 29\r\n\r\n"
    b'{"data":{"version":"8.4.1"}}\n'
)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, len(ANSWER)), st.integers(0, 8), st.binary(max_size=12), st.booleans())
def test_mutated_http_is_read_or_refused(
    identity: trustme.LeafCert, ca_file: Path, at: int, out: int, put: bytes, write: bool
) -> None:
    """Any bytes where an answer should be: through the real client, from a real socket."""

    async def go() -> None:
        async with Scripted(identity) as host:
            answer = raw(ANSWER[:at] + put + ANSWER[at + out :])
            host.on("GET", "/version", answer)
            host.on("POST", "/x", answer)
            cluster = Cluster(config(host, ca_file=ca_file), Clock())
            try:
                if write:
                    await cluster.write(Role.OPERATOR, "POST", "/x", {})
                else:
                    await cluster.version()
            except PveError as error:
                assert error.reason  # noqa: PT017 - either is right
            finally:
                await cluster.close()
            assert len(host.requests) <= (1 if write else 2)

    asyncio.run(go())
