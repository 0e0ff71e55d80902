"""One call, against a host that does what it is told byte by byte: what Proxmox does, and what networks do."""

import asyncio
import gzip
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from bot.access import Role
from bot.errors import (
    Denied,
    PveError,
    PveForbidden,
    PveGarbled,
    PveNoAnswer,
    PveNodeDown,
    PveRefused,
    PveUnauthorized,
    PveUnreachable,
)
from bot.model import Upid
from bot.pve import client, link
from bot.pve.cluster import Cluster
from bot.pve.config import Host, Timeouts
from bot.text import Reader, plain, say
from tests.pve.server import (
    PATIENT,
    POWER,
    QUICK,
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
    raw,
    reply,
    until,
)

START = "/nodes/pve1/qemu/101/status/start"
UPID = "UPID:pve1:0000AAAA:0000BBBB:66000000:qmstart:101:telemox@pve!power:"
VERSION = reply(data={"version": "8.4.1"})
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def ask(cluster: Cluster) -> str:
    return (await cluster.version()).text


async def start(cluster: Cluster) -> Upid | None:
    return await cluster.write(Role.OPERATOR, "POST", START, {})


async def test_a_read_names_the_view_token_and_nothing_else(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/version", VERSION)
    assert await ask(cluster) == "8.4.1"
    (seen,) = host.requests
    assert seen.headers == {
        "host": str(host.host),
        "authorization": VIEW.header(),
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "telemox",
    }
    assert seen.body == ""


async def test_a_post_is_a_form(cluster: Cluster, host: Scripted) -> None:
    host.on("POST", START, reply(data=UPID))
    params = {"timeout": "60", "note": 'a=b&c;d web<1>_&"'}
    upid = await cluster.write(Role.OPERATOR, "POST", START, params)
    assert str(upid) == UPID
    (seen,) = host.requests
    assert seen.token == POWER.id
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert seen.body == "timeout=60&note=a%3Db%26c%3Bd+web%3C1%3E_%26%22"
    assert seen.query == ""


async def test_a_delete_has_its_parameters_in_the_query_and_no_body(cluster: Cluster, host: Scripted) -> None:
    """A body there is refused: 501 Unexpected content for method 'DELETE'."""
    host.on("DELETE", "/nodes/pve1/tasks/x", reply(data=None))
    assert await cluster.write(Role.OPERATOR, "DELETE", "/nodes/pve1/tasks/x", {"purge": "1"}) is None
    (seen,) = host.requests
    assert (seen.query, seen.body) == ("purge=1", "")
    assert "content-length" not in seen.headers


@pytest.mark.parametrize("data", [None, "OK", "52:54:00:12:34:56", ""])
async def test_a_write_without_a_task_gives_none(cluster: Cluster, host: Scripted, data: object) -> None:
    host.on("POST", START, reply(data=data))
    assert await start(cluster) is None


REFUSALS: list[tuple[Play, type[PveError], str]] = [
    (reply(500, reason="VM 101 not running"), PveRefused, "VM 101 not running"),  # up to 8.3
    (reply(500, reason="first", message="first\nsecond\n"), PveRefused, "first\nsecond"),  # since 8.4
    (reply(401, reason="invalid token value!", body=b""), PveUnauthorized, "invalid token value!"),
    (reply(401, reason="Authentication failed!", body=b""), PveUnauthorized, "Authentication failed!"),
    (
        reply(403, reason="Permission check failed (/, Sys.Audit)"),
        PveForbidden,
        "Permission check failed (/, Sys.Audit)",
    ),
    (reply(501, reason="Method 'GET /x' not implemented"), PveRefused, "Method 'GET /x' not implemented"),
    (reply(595, reason="No route to host", body=b""), PveNodeDown, "No route to host"),
    (reply(595, reason="", body=b""), PveNodeDown, "HTTP status 595"),
    (reply(500, reason="caf\u00e9 closed"), PveRefused, "caf\u00e9 closed"),
    (reply(404, reason="Not Found", body=b"<html>nginx</html>"), PveRefused, "Not Found"),
    (reply(301, reason="Moved Permanently", body=b""), PveRefused, "Moved Permanently"),
    (reply(500, reason="half", body=b'{"data":null,"mess'), PveRefused, "half"),
    (reply(500, reason="odd", body=b'{"message":17,"errors":[1]}'), PveRefused, "odd"),
]


@pytest.mark.parametrize(("play", "kind", "reason"), REFUSALS)
async def test_proxmox_is_quoted(
    cluster: Cluster, host: Scripted, play: Play, kind: type[PveError], reason: str
) -> None:
    host.on("POST", START, play)
    with pytest.raises(kind) as caught:
        await start(cluster)
    assert type(caught.value) is kind
    assert caught.value.reason == reason
    assert caught.value.host == str(host.host)
    assert len(host.requests) == 1


async def test_a_400_names_each_parameter(cluster: Cluster, host: Scripted) -> None:
    errors = {"timeout": "type check ('integer') failed - got 'x'\n", "purge": "property is not defined in schema"}
    host.on("POST", START, reply(400, reason="Parameter verification failed.", errors=errors))
    with pytest.raises(PveRefused) as caught:
        await start(cluster)
    assert caught.value.status == 400
    assert caught.value.errors == {name: text.strip() for name, text in errors.items()}


async def test_a_write_that_a_node_may_have_begun_has_no_answer(cluster: Cluster, host: Scripted) -> None:
    for status, reason in ((596, "Connection timed out"), (599, "Too many redirections"), (502, "Bad Gateway")):
        host.on("POST", START, reply(status, reason=reason, body=b""))
        with pytest.raises(PveNoAnswer, match=reason):
            await start(cluster)


GARBAGE: list[tuple[str, Play]] = [
    ("not JSON", reply(body=b"<html>login</html>")),
    ("half JSON", reply(body=b'{"data":{"version":"8.4')),
    ("empty", reply(body=b"")),
    ("no envelope", reply(body=b'["UPID"]')),
    ("no data", reply(body=b'{"success":1}')),
    ("a unit's name that is none", reply(data="UPID:garbage")),
    ("too large", reply(data="x" * 2_000_000)),
    (
        "too large, chunked",
        raw(HEAD, b"Transfer-Encoding: chunked\r\n\r\n", *[b"40000\r\n" + b"x" * 0x40000 + b"\r\n"] * 6),
    ),
]


@pytest.mark.parametrize(("name", "play"), GARBAGE, ids=[name for name, _ in GARBAGE])
async def test_an_answer_that_makes_no_sense(cluster: Cluster, host: Scripted, name: str, play: Play) -> None:
    """A read says so; of a write nobody knows what happened."""
    host.on("GET", "/version", play)
    host.on("POST", START, play)
    with pytest.raises(PveGarbled):
        await ask(cluster)
    with pytest.raises(PveNoAnswer):
        await start(cluster)
    assert len(host.of("POST")) == 1


BROKEN: list[tuple[str, Callable[[], Play]]] = [
    ("lost", lambda: lost),
    ("hangs", lambda: hang),
    ("body cut", lambda: raw(HEAD + b'Content-Length: 500\r\n\r\n{"data":')),
    ("body hangs", lambda: raw(HEAD + b'Content-Length: 500\r\n\r\n{"data":', hold=True)),
    ("head cut", lambda: raw(b"HTTP/1.1 200 O")),
    ("no HTTP", lambda: raw(b"SSH-2.0-OpenSSH_9.2\r\n")),
    ("slow drip", lambda: raw(HEAD + b"Content-Length: 90\r\n\r\n", *[b" "] * 90, pause=0.02)),
]


@quick
@pytest.mark.parametrize(("name", "make"), BROKEN, ids=[name for name, _ in BROKEN])
async def test_an_answer_that_does_not_come(
    cluster: Cluster, host: Scripted, spare: Scripted, name: str, make: Callable[[], Play]
) -> None:
    """A read goes to the next host; a write that was sent goes nowhere else, ever."""
    host.on("GET", "/version", make())
    host.on("POST", START, make())
    spare.on("GET", "/version", VERSION)
    with pytest.raises(PveNoAnswer) as caught:
        await start(cluster)
    assert caught.value.host == str(host.host)
    assert len(host.of("POST")) == 1
    assert spare.requests == []
    cluster._links[0].worked()
    assert await ask(cluster) == "8.4.1"
    assert len(spare.requests) == 1
    assert len(host.of("GET")) in {1, 2}


async def test_an_idle_connection_closed_in_the_same_moment(cluster: Cluster, host: Scripted, spare: Scripted) -> None:
    """pveproxy closes after 5 s: a read that meets the closing is simply sent again, on the same host."""
    host.on("GET", "/nodes/pve1/tasks", reply(data=[]), lost, reply(data=[]))
    for _ in range(2):
        assert await cluster.node_tasks("pve1", role=Role.VIEWER) == ()
    assert len(host.requests) == 3
    assert spare.requests == []


async def test_connections_are_kept_for_reads_and_never_for_writes(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/nodes/pve1/tasks", reply(data=[]))
    host.on("POST", START, reply(data=UPID))
    for _ in range(3):
        await cluster.node_tasks("pve1", role=Role.VIEWER)
    assert host.connections == 1
    for _ in range(3):
        await start(cluster)
    assert host.connections == 4
    assert [seen.headers.get("connection") for seen in host.requests] == [None] * 3 + ["close"] * 3
    assert 0 < Timeouts().idle < 5.0


async def test_an_idle_connection_is_not_used_after_the_time_it_is_kept(
    host: Scripted, ca_file: Path, clock: Clock
) -> None:
    cluster = Cluster(config(host, ca_file=ca_file, timeouts=Timeouts(idle=0.01)), clock)
    host.on("GET", "/nodes/pve1/tasks", reply(data=[]))
    await cluster.node_tasks("pve1", role=Role.VIEWER)
    await asyncio.sleep(0.02)
    await cluster.node_tasks("pve1", role=Role.VIEWER)
    assert host.connections == 2
    await cluster.close()


async def test_a_host_that_is_off(host: Scripted, ca_file: Path, clock: Clock, unused_tcp_port: int) -> None:
    """Nothing was sent there: the next host has its turn, for a write too."""
    off = Host("127.0.0.1", unused_tcp_port)
    host.on("GET", "/version", VERSION)
    host.on("POST", START, reply(data=UPID))
    cluster = Cluster(config(off, host, ca_file=ca_file), clock)
    assert str(await start(cluster)) == UPID
    assert await ask(cluster) == "8.4.1"
    await cluster.close()


async def test_no_host_at_all(ca_file: Path, clock: Clock, unused_tcp_port_factory: Callable[[], int]) -> None:
    hosts = [Host("127.0.0.1", unused_tcp_port_factory()) for _ in range(2)]
    cluster = Cluster(config(*hosts, ca_file=ca_file), clock)
    with pytest.raises(PveUnreachable) as caught:
        await start(cluster)
    assert caught.value.reason == "; ".join(f"{host}: connection refused" for host in hosts)
    told = plain(caught.value.said(), Reader()).splitlines()
    assert told[1:3] == ["connection refused by all 2 hosts", "The hosts are up, pveproxy is not."]
    assert sorted(told[3:]) == sorted(f"{host}: connection refused" for host in hosts)
    with pytest.raises(PveUnreachable):
        await cluster.snapshot()
    await cluster.close()


async def test_a_host_that_takes_connections_and_says_nothing(
    host: Scripted, ca_file: Path, clock: Clock, unused_tcp_port: int
) -> None:
    """No handshake, so nothing was sent: the next host has its turn, for a write too."""

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", unused_tcp_port)
    host.on("POST", START, reply(data=UPID))
    hosts = Host("127.0.0.1", unused_tcp_port), host
    cluster = Cluster(config(*hosts, ca_file=ca_file, timeouts=QUICK), clock)
    assert str(await start(cluster)) == UPID
    await cluster.close()
    server.close()
    await server.wait_closed()


async def test_sent_somewhere_is_never_said_to_be_sent_nowhere(
    host: Scripted, ca_file: Path, clock: Clock, unused_tcp_port: int
) -> None:
    host.on("GET", "/version", lost)
    for hosts in ((Host("127.0.0.1", unused_tcp_port), host), (host, Host("127.0.0.1", unused_tcp_port))):
        cluster = Cluster(config(*hosts, ca_file=ca_file), clock)
        with pytest.raises(PveNoAnswer):
            await ask(cluster)
        await cluster.close()


async def test_the_host_that_works_is_remembered_and_the_first_tried_again_later(
    cluster: Cluster, host: Scripted, spare: Scripted, clock: Clock
) -> None:
    host.on("GET", "/nodes/pve1/tasks", reply(502, reason="Bad Gateway"), reply(data=[]))
    spare.on("GET", "/nodes/pve1/tasks", reply(data=[]))

    async def where() -> tuple[int, int]:
        await cluster.node_tasks("pve1", role=Role.VIEWER)
        return len(host.requests), len(spare.requests)

    assert await where() == (1, 1)
    assert await where() == (1, 2)
    clock.seconds += link.REST[0] + 1
    assert await where() == (2, 2)


async def test_an_ill_host_is_passed_over_for_reads(cluster: Cluster, host: Scripted, spare: Scripted) -> None:
    """pmxcfs down: everything ends so on that host."""
    text = "RPCEnvironment init request failed: Unable to load access control list: Connection refused"
    host.on("GET", "/version", reply(500, reason=text))
    host.on("POST", START, reply(500, reason=text))
    spare.on("GET", "/version", VERSION)
    with pytest.raises(PveRefused):
        await start(cluster)
    assert spare.requests == []
    assert await ask(cluster) == "8.4.1"


async def test_a_node_that_is_down_is_not_asked_for_elsewhere(
    cluster: Cluster, host: Scripted, spare: Scripted
) -> None:
    host.on("GET", "/nodes/pve2/tasks", reply(595, reason="No route to host", body=b""))
    with pytest.raises(PveNodeDown, match="No route to host") as caught:
        await cluster.node_tasks("pve2", role=Role.VIEWER)
    assert caught.value.node == "pve2"
    assert spare.requests == []


@quick
async def test_a_node_that_hangs_is_not_held_against_the_host(
    cluster: Cluster, host: Scripted, spare: Scripted
) -> None:
    host.on("GET", "/nodes/pve2/tasks", hang)
    host.on("GET", "/version", VERSION)
    spare.on("GET", "/nodes/pve2/tasks", hang)
    with pytest.raises(PveNoAnswer):
        await cluster.node_tasks("pve2", role=Role.VIEWER)
    assert await ask(cluster) == "8.4.1"
    assert [seen.path for seen in spare.requests] == ["/nodes/pve2/tasks"]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/nodes/../cluster/tasks",
            "/nodes/pve1/../../access",
            "/nodes/pve1/tasks/./log",
            "/nodes//tasks",
            "nodes/pve1",
        ),
        *('/nodes/web<1>_&"/tasks', "/nodes/-a/tasks", "/nodes/é/tasks", "/cluster/..", "/", "", "/nodes/pve1\n/tasks"),
        *("/nodes/../x", "/nodes/..", "/nodes/\ud800/tasks"),
    ],
)
async def test_a_path_that_leads_elsewhere_is_not_sent(cluster: Cluster, host: Scripted, path: str) -> None:
    with pytest.raises(PveUnreachable, match="no path"):
        await cluster._view.get(path, lambda body: body)
    with pytest.raises(PveUnreachable, match="no path"):
        await cluster.write(Role.OPERATOR, "POST", path, {})
    assert host.connections == 0


def test_each_segment_of_a_path_is_encoded() -> None:
    assert client.safe(f"/nodes/pve1/tasks/{UPID}/log") == f"/nodes/pve1/tasks/{UPID}/log"
    assert client.safe("/a b/%2e%2e/x?y#z/…/\ud800") == "/a%20b/%252e%252e/x%3Fy%23z/%E2%80%A6/%3F"


@pytest.mark.parametrize("packed", ["gzip", "gzip, gzip", "deflate", "identity, gzip", "br"])
async def test_a_packed_answer_is_never_unpacked(cluster: Cluster, host: Scripted, packed: str) -> None:
    """Two layers make gigabytes of 5 KB; and nobody asked for it."""
    bomb = gzip.compress(gzip.compress(bytes(10 << 20)))
    head = HEAD + f"Content-Encoding: {packed}\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    host.on("GET", "/version", raw(head + bomb))
    with pytest.raises(PveGarbled, match="packed"):
        await ask(cluster)
    host.on("POST", START, raw(head + bomb))
    with pytest.raises(PveNoAnswer, match="packed"):
        await start(cluster)


async def test_a_packed_error_speaks_by_its_status(cluster: Cluster, host: Scripted) -> None:
    host.on(
        "GET", "/version", raw(b"HTTP/1.1 403 No way\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b")
    )
    with pytest.raises(PveForbidden, match="No way"):
        await ask(cluster)


async def test_an_answer_that_says_it_is_not_packed(cluster: Cluster, host: Scripted) -> None:
    body = b'{"data":{"version":"8.4.1"}}'
    host.on(
        "GET", "/version", raw(HEAD + b"Content-Encoding: Identity\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    )
    assert await ask(cluster) == "8.4.1"


async def test_a_redirect_is_not_followed(cluster: Cluster, host: Scripted, spare: Scripted) -> None:
    target = f"Location: {spare.host.url}/api2/json/version\r\n".encode()
    host.on("GET", "/version", raw(b"HTTP/1.1 302 Found\r\n" + target + b"Content-Length: 0\r\n\r\n"))
    with pytest.raises(PveRefused, match="Found"):
        await ask(cluster)
    assert spare.requests == []


async def test_eight_at_once_and_no_more(cluster: Cluster, host: Scripted) -> None:
    gate = asyncio.Event()

    async def slow(wire: object, seen: object) -> None:
        await gate.wait()
        await reply(data=[])(wire, seen)  # type: ignore[arg-type]

    host.on("GET", "/nodes/pve1/tasks", slow)
    calls = [asyncio.create_task(cluster.node_tasks("pve1", role=Role.VIEWER)) for _ in range(20)]
    await until(lambda: host.at_once == link.AT_ONCE)
    gate.set()
    await asyncio.gather(*calls)
    assert host.at_once == link.AT_ONCE


async def test_a_write_that_finds_no_place_was_not_sent(
    host: Scripted, ca_file: Path, clock: Clock, identity: trustme.LeafCert
) -> None:
    host.on("GET", "/nodes/pve1/tasks", hang)
    cluster = Cluster(config(host, ca_file=ca_file, timeouts=replace(PATIENT, turn=0.01)), clock)
    calls = [asyncio.create_task(cluster.node_tasks("pve1", role=Role.VIEWER)) for _ in range(8)]
    await until(lambda: host.at_once == link.AT_ONCE)
    with pytest.raises(PveUnreachable, match="8 calls"):
        await start(cluster)
    assert host.of("POST") == []
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await cluster.close()


async def test_frozen_while_it_waited_for_a_place(cluster: Cluster, host: Scripted) -> None:
    """Asked when its turn has come, not when it got in the queue."""
    gate, frozen = asyncio.Event(), False

    async def slow(wire: Wire, seen: Seen) -> None:
        await gate.wait()
        await reply(200, [])(wire, seen)

    def still() -> None:
        if frozen:
            raise Denied(say("frozen"))

    host.on("GET", "/nodes/pve1/tasks", slow)
    calls = [asyncio.create_task(cluster.node_tasks("pve1", role=Role.VIEWER)) for _ in range(8)]
    await until(lambda: host.at_once == link.AT_ONCE)
    write = asyncio.create_task(cluster.write(Role.OPERATOR, "POST", START, {}, still=still))
    await asyncio.sleep(0)
    frozen = True
    gate.set()
    with pytest.raises(Denied):
        await write
    await asyncio.gather(*calls, return_exceptions=True)
    assert host.of("POST") == []


async def test_frozen_while_it_connected(cluster: Cluster, host: Scripted, spare: Scripted) -> None:
    """The last look is behind the handshake, at the first byte; and no other host is tried then."""
    asked = 0

    def still() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise Denied(say("frozen"))

    with pytest.raises(Denied):
        await cluster.write(Role.OPERATOR, "POST", START, {}, still=still)
    await until(lambda: host.connections == 1)
    assert host.received == spare.connections == 0
    host.on("GET", "/version", reply(200, {"version": "8.4.1"}))
    await cluster.version()  # its place and its connection were given back


async def test_frozen_before_the_next_host_has_its_turn(
    host: Scripted, spare: Scripted, ca_file: Path, clock: Clock
) -> None:
    cluster = Cluster(config(host, spare, ca_file=ca_file), clock)
    await host.stop()
    asked = 0

    def still() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise Denied(say("frozen"))

    with pytest.raises(Denied):
        await cluster.write(Role.OPERATOR, "POST", START, {}, still=still)
    assert spare.received == 0
    await cluster.close()


async def test_a_role_without_a_token_cannot_write(host: Scripted, ca_file: Path, clock: Clock) -> None:
    cluster = Cluster(config(host, ca_file=ca_file, tokens={Role.VIEWER: VIEW}), clock)
    for role in Role:
        with pytest.raises(PveForbidden, match=role.word):
            await cluster.write(role, "POST", START, {})
    assert host.connections == 0
    await cluster.close()


async def test_view_paths_cannot_reach_the_power_token(cluster: Cluster) -> None:
    """Whatever the view client refers to, the power token is not among it."""
    seen: set[int] = set()

    def reachable(value: object) -> str:
        if id(value) in seen:
            return ""
        seen.add(id(value))
        if isinstance(value, dict):
            return " ".join(reachable(part) for pair in value.items() for part in pair)
        if isinstance(value, list | tuple | set | frozenset):
            return " ".join(reachable(part) for part in value)
        if isinstance(value, str | bytes):
            return str(value)
        own = {**getattr(value, "__dict__", {})}
        for cls in type(value).__mro__:
            own |= {name: getattr(value, name, None) for name in getattr(cls, "__slots__", ())}
        return reachable(own) if type(value).__module__.startswith("bot.") else ""

    found = reachable(cluster._view)
    assert VIEW.header() in found
    assert "power" not in found
    assert cluster._voices[Role.VIEWER] is cluster._view
    assert cluster._voices[Role.ADMIN] is cluster._voices[Role.OPERATOR]
    assert cluster.token(Role.ADMIN) == POWER.id


async def test_no_secret_is_ever_logged(cluster: Cluster, host: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    host.on("GET", "/version", VERSION)
    host.on("POST", START, lost)
    await ask(cluster)
    with pytest.raises(PveNoAnswer) as caught:
        await start(cluster)
    told = caplog.text + repr(caught.value) + str(caught.value) + repr(cluster._view) + repr(cluster._config)
    assert "secret" not in told
    assert "api2/json" not in caplog.text
    assert logging.getLogger("httpx").level == logging.getLogger("httpcore").level == logging.WARNING


async def test_admins_hear_once_of_a_refused_token(cluster: Cluster, host: Scripted, notices: list[PveError]) -> None:
    refused = reply(401, reason="invalid token value!", body=b"")
    host.on("GET", "/version", refused, refused, VERSION, refused)
    for _ in range(2):
        with pytest.raises(PveUnauthorized):
            await ask(cluster)
    (notice,) = notices
    assert isinstance(notice, PveUnauthorized)
    assert notice.token == VIEW.id
    await ask(cluster)
    cluster._version.forget()
    with pytest.raises(PveUnauthorized):
        await ask(cluster)
    assert len(notices) == 2


async def test_the_environment_has_no_say(cluster: Cluster, host: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    host.on("GET", "/version", VERSION)
    assert await ask(cluster) == "8.4.1"


async def test_a_cancelled_call_leaves_its_place(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/nodes/pve1/tasks", *[hang] * 20, reply(data=[]))
    for _ in range(20):
        call = asyncio.create_task(cluster.node_tasks("pve1", role=Role.VIEWER))
        asked = len(host.requests)
        await until(lambda: len(host.requests) > asked)  # noqa: B023 - awaited at once
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert await cluster.node_tasks("pve1", role=Role.VIEWER) == ()
