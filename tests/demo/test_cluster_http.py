"""HTTP as pveproxy speaks it, over raw sockets."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.demo.cluster import Cluster
from bot.demo.cluster.api import UNDECLARED
from tests.demo.cluster_kit import served, speaking


class Wire:
    """One connection; speaks bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self.reader, self.writer, self.token = reader, writer, token

    async def ask(self, line: str, *headers: str, body: bytes = b"") -> tuple[str, dict[str, str], bytes]:
        """Status line, headers, body."""
        head = "\r\n".join([f"{line} HTTP/1.1", "Host: pve1", *headers, "", ""])
        self.writer.write(head.encode() + body)
        await self.writer.drain()
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        found = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
        return lines[0], found, await self.reader.readexactly(int(found["content-length"]))

    async def get(self, path: str, *headers: str) -> tuple[str, dict[str, str], bytes]:
        return await self.ask(f"GET /api2/json{path}", self.authorization, *headers)

    @property
    def authorization(self) -> str:
        return f"Authorization: PVEAPIToken={self.token}"

    async def closed(self) -> bool:
        """The other side has hung up."""
        async with asyncio.timeout(10):
            return await self.reader.read() == b""


@asynccontextmanager
async def wire(cluster: Cluster) -> AsyncIterator[Wire]:
    host, _, port = cluster.hosts[0].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Wire(reader, writer, cluster.tokens["root"])
    finally:
        writer.close()
        await writer.wait_closed()


async def test_alive_until_an_error(cluster: Cluster) -> None:
    async with wire(cluster) as line:
        for _ in range(3):
            status, headers, _ = await line.get("/version")
            assert (status, headers["connection"]) == ("HTTP/1.1 200 OK", "Keep-Alive")
        status, headers, body = await line.get("/nope")
        assert status == "HTTP/1.1 501 Method 'GET /nope' not implemented"
        assert headers["connection"] == "close"
        assert headers["content-type"] == "application/json;charset=UTF-8"
        assert b"Method 'GET /nope' not implemented" in body
        assert await line.closed()


async def test_a_hundred_requests_a_connection(cluster: Cluster) -> None:
    async with wire(cluster) as line:
        for _ in range(99):
            assert (await line.get("/version"))[1]["connection"] == "Keep-Alive"
        assert (await line.get("/version"))[1]["connection"] == "close"
        assert await line.closed()


async def test_idle_connections_are_closed(cluster: Cluster) -> None:
    for port in cluster.ports:
        assert port.idle == 5
        port.idle = 0.02
    async with wire(cluster) as line:
        await line.get("/version")
        assert await line.closed()


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("HEAD", (), "501 method 'HEAD' not available"),
        ("PATCH", (), "501 method 'PATCH' not available"),
        ("OPTIONS", (), "501 method 'OPTIONS' not available"),
        ("GET", ("Content-Length: 3",), "501 Unexpected content for method 'GET'"),
        ("DELETE", ("Content-Length: 3",), "501 Unexpected content for method 'DELETE'"),
        ("POST", ("Transfer-Encoding: chunked",), "501 chunked transfer encoding not supported"),
        ("POST", ("Content-Length: 600000",), "501 for data too large"),
        ("POST", ("Content-Length: 3", "Content-Type: text/plain"),
         "506 upload 'Content-Type 'text/plain' not implemented"),
        ("GET", ("no colon",), "506 unable to parse request header"),
    ],
)  # fmt: skip
async def test_refused_by_the_proxy_itself(
    cluster: Cluster, method: str, headers: tuple[str, ...], status: str
) -> None:
    async with wire(cluster) as line:
        head, found, _ = await line.ask(f"{method} /api2/json/version", line.authorization, *headers)
        assert head == f"HTTP/1.1 {status}"
        assert found["connection"] == "close"
        assert "content-type" not in found
        assert await line.closed()


@pytest.mark.parametrize("headers", [[f"X-{n}: 1" for n in range(64)], ["X-Long: " + "x" * 9_000]])
async def test_too_many_headers_are_met_with_silence(cluster: Cluster, headers: list[str]) -> None:
    cluster.ports[0].idle = 0.02
    async with wire(cluster) as line:
        with pytest.raises(asyncio.IncompleteReadError):
            await line.get("/version", *headers)


async def test_a_body_too_large_for_the_older_ones() -> None:
    async with served(version="7.4-20") as cluster, wire(cluster) as line:
        head, _, _ = await line.ask("POST /api2/json/version", line.authorization, "Content-Length: 70000")
        assert head == "HTTP/1.1 501 for data too large"


async def test_401_is_late_and_empty() -> None:
    async with served(auth_delay=0.05) as cluster, wire(cluster) as line:
        before = asyncio.get_running_loop().time()
        head, headers, body = await line.ask("GET /api2/json/version")
        assert asyncio.get_running_loop().time() - before >= 0.05
        assert head == "HTTP/1.1 401 No ticket"
        assert body == b""
        assert "content-type" not in headers
        assert await line.closed()


async def test_authentication_comes_before_the_body_is_looked_at(cluster: Cluster) -> None:
    async with wire(cluster) as line:
        head, _, _ = await line.ask("DELETE /api2/json/version", "Content-Length: 3")
        assert head == "HTTP/1.1 401 No ticket"


@pytest.mark.parametrize(("version", "told"), [("7.4-20", False), ("8.2", False), ("8.4.21", True), ("9.1.11", True)])
async def test_the_message_is_in_the_body_from_8_4_on(version: str, told: bool) -> None:
    async with served(version=version) as cluster, speaking(cluster) as root:
        response = await root.ask("GET", "/nodes/pve1/qemu/999/status/current")
        assert response.reason_phrase == "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist"
        assert response.json().get("message") == (f"{response.reason_phrase}\n" if told else None)
        assert response.json()["data"] is None


@pytest.mark.parametrize("form", ["timeout=7&forceStop=1", "timeout=7;forceStop=1"])
async def test_forms(cluster: Cluster, form: str) -> None:
    async with speaking(cluster) as root:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        response = await root.ask("POST", "/nodes/pve1/qemu/113/status/shutdown", content=form, headers=kind)
        assert response.status_code == 200
        assert cluster.writes()[-1].params == {"timeout": "7", "forceStop": "1"}


async def test_the_query_wins_over_the_body(cluster: Cluster) -> None:
    async with speaking(cluster) as root:
        await root.ask("POST", "/nodes/pve1/qemu/113/status/shutdown", params={"timeout": 9}, data={"timeout": 7})
        assert cluster.writes()[-1].params == {"timeout": "9"}


@pytest.mark.parametrize(
    ("version", "value", "fits"),
    [
        ("9.1.11", 1, True), ("9.1.11", True, True), ("9.1.11", "true", False), ("9.1.11", "", False),
        ("8.2", True, True), ("7.4-20", True, False), ("7.4-20", 1, True),
    ],
)  # fmt: skip
async def test_booleans_in_json(version: str, value: object, fits: bool) -> None:
    async with served(version=version) as cluster, speaking(cluster) as root:
        response = await root.ask("POST", "/nodes/pve1/qemu/113/status/shutdown", json={"forceStop": value})
        assert (response.status_code == 200) is fits
        if not fits:
            got = "true" if value is True else value
            assert response.json()["errors"] == {"forceStop": f"type check ('boolean') failed - got '{got}'"}


@pytest.mark.parametrize("value", ["true", "yes", "on", ""])
async def test_booleans_in_forms_are_1_or_0(cluster: Cluster, value: str) -> None:
    async with speaking(cluster) as root:
        response = await root.ask("POST", "/nodes/pve1/qemu/113/status/shutdown", data={"forceStop": value})
        assert (response.status_code, response.reason_phrase) == (400, "Parameter verification failed.")


@pytest.mark.parametrize(
    ("path", "errors"),
    [
        ("/version?x=1", {"x": UNDECLARED}),
        ("/nodes/pve1/qemu/abc/status/current", {"vmid": "type check ('integer') failed - got 'abc'"}),
        ("/nodes/pve1/qemu/99/status/current", {"vmid": "value must have a minimum value of 100"}),
        ("/nodes/pve1/rrddata", {"timeframe": "property is missing and it is not optional"}),
        (
            "/cluster/resources?type=pool",
            {"type": "value 'pool' does not have a value in the enumeration 'vm, storage, node, sdn'"},
        ),
        ("/nodes/pve1/tasks/nonsense/status", {"upid": "unable to parse worker upid"}),
        (
            "/nodes/pve1/status?node=pve2",
            {"node": "duplicate parameter (already defined in URI) with conflicting values!"},
        ),
        ("/nodes/pve1/tasks/UPID:pve1:00000001:00000001:00000001:x::root@pam:/status", {"upid": "no such task"}),
    ],
)  # fmt: skip
async def test_parameters(cluster: Cluster, path: str, errors: dict[str, str]) -> None:
    async with speaking(cluster) as root:
        response = await root.ask("GET", path)
        assert (response.status_code, response.reason_phrase) == (400, "Parameter verification failed.")
        assert response.json()["errors"] == errors


@pytest.mark.parametrize(("version", "status"), [("7.4-20", 400), ("8.1", 400), ("8.2", 200), ("9.1.11", 200)])
async def test_what_an_older_version_does_not_know_is_refused(version: str, status: int) -> None:
    async with served(version=version) as cluster, speaking(cluster) as root:
        response = await root.ask("POST", "/nodes/pve1/qemu/113/status/stop", data={"overrule-shutdown": 1})
        assert response.status_code == status


async def test_root_only_parameters_are_not_for_its_tokens(cluster: Cluster) -> None:
    async with speaking(cluster) as root:
        response = await root.ask("POST", "/nodes/pve1/qemu/113/status/stop", data={"skiplock": 1})
        assert response.json()["errors"] == {"skiplock": "Only root may use this option."}


async def test_gzip_only_if_asked_and_worth_it(cluster: Cluster) -> None:
    async with wire(cluster) as line:
        assert "content-encoding" not in (await line.get("/cluster/resources"))[1]
        assert (await line.get("/cluster/resources", "Accept-Encoding: gzip"))[1]["content-encoding"] == "gzip"
        assert "content-encoding" not in (await line.get("/version", "Accept-Encoding: gzip"))[1]


async def test_tls_with_its_own_ca_and_fingerprints() -> None:
    async with served(tls=True) as cluster:
        context = ssl.create_default_context(cadata=cluster.ca_pem.decode())
        async with httpx.AsyncClient(verify=context, trust_env=False) as client:
            header = {"Authorization": f"PVEAPIToken={cluster.tokens['view']}"}
            for url in cluster.urls:
                assert (await client.get(f"{url}/api2/json/version", headers=header)).status_code == 200
        assert len(set(cluster.fingerprints)) == 3
        assert await _seen(cluster.hosts[1]) == cluster.fingerprints[1]
        renewed = cluster.renew_certificate("pve2")
        assert await _seen(cluster.hosts[1]) == renewed == cluster.fingerprints[1]


async def _seen(host: str) -> str:
    name, _, port = host.partition(":")
    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname = False
    anything.verify_mode = ssl.CERT_NONE
    _, writer = await asyncio.open_connection(name, int(port), ssl=anything)
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    digest = hashlib.sha256(certificate).hexdigest().upper()
    return ":".join(digest[n : n + 2] for n in range(0, 64, 2))


async def test_every_request_is_recorded(cluster: Cluster) -> None:
    async with speaking(cluster, "power", host=1) as power:
        await power.get("/nodes/pve1/storage", enabled=1)
        await power.post("/nodes/pve1/qemu/113/status/reboot", timeout=5)
    read, write = cluster.requests
    assert (read.method, read.path, read.params) == ("GET", "/nodes/pve1/storage", {"enabled": "1"})
    assert (read.host, read.token, read.write) == ("pve2", "telemox@pve!power", False)
    assert (write.method, write.params, write.write) == ("POST", {"timeout": "5"}, True)
    assert read.at <= write.at
    assert cluster.writes() == [write]


async def test_latency() -> None:
    async with served(latency=0.03) as cluster, speaking(cluster) as root:
        before = asyncio.get_running_loop().time()
        await root.get("/version")
        assert asyncio.get_running_loop().time() - before >= 0.03


async def test_nobody_writes_into_the_status_line(cluster: Cluster) -> None:
    async with wire(cluster) as line:
        head, _, body = await line.get("/x%0D%0ASet-Cookie:%20a=b")
        assert (head, body) == ("HTTP/1.1 400 Bad Request", b"")


async def test_not_the_api(cluster: Cluster) -> None:
    async with wire(cluster) as line:
        assert (await line.ask("GET /"))[0] == "HTTP/1.1 404 no such file '/'"
    async with wire(cluster) as line:
        assert (await line.ask("GET /api2/xml/version"))[0] == "HTTP/1.1 501 no such uri"
