"""Whom the door trusts: rule 7. A pin is compared before any byte of a request is sent, and OpenSSL holds to it."""

import asyncio
import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import trustme

from bot.access import Role
from bot.errors import PveError, PvePinMismatch, PveUnreachable
from bot.pve.cluster import Cluster
from bot.pve.config import Host, Pin
from bot.pve.tls import anchored, fetch_fingerprint, reason_of, verifying
from bot.text import Reader, plain
from tests.pve.server import Clock, Scripted, config, reply

START = "/nodes/pve1/qemu/101/status/start"
WRONG = ":".join(["AB"] * 32)
VERSION = reply(data={"version": "9.1.1"})


def sha256(identity: trustme.LeafCert) -> str:
    der = ssl.PEM_cert_to_DER_cert(identity.cert_chain_pems[0].bytes().decode())
    return hashlib.sha256(der).digest().hex(":").upper()


def stranger() -> trustme.LeafCert:
    """A certificate that no CA here knows, made out to another name: as a host with its own CA shows it."""
    return trustme.CA().issue_cert("pve1.example.org")


def pinned(host: Scripted, *pins: str, spare: Scripted | None = None) -> tuple[Cluster, Clock, list[PveError]]:
    clock, notices = Clock(), list[PveError]()
    hosts = (host,) if spare is None else (host, spare)
    own = tuple(Pin(pin, str(host.host)) for pin in pins)
    return Cluster(config(*hosts, pins=own), clock, notices.append), clock, notices


async def test_a_pin_needs_neither_ca_nor_name() -> None:
    identity = stranger()
    async with Scripted(identity) as host:
        host.on("GET", "/version", VERSION)
        cluster, _, _ = pinned(host, sha256(identity))
        assert (await cluster.version()).text == "9.1.1"
        assert host.connections == 2  # the bare handshake, and one that is held to the certificate
        await cluster.close()


async def test_another_certificate_than_the_pinned_one_hears_nothing() -> None:
    identity = stranger()
    async with Scripted(identity) as host:
        cluster, _, notices = pinned(host, WRONG)
        for call in (cluster.snapshot(), cluster.write(Role.OPERATOR, "POST", START, {})):
            with pytest.raises(PvePinMismatch) as caught:
                await call
            assert (caught.value.expected, caught.value.seen) == (WRONG, sha256(identity))
            assert caught.value.host == str(host.host)
        assert host.received == 0
        assert host.requests == []
        (notice,) = notices  # and the admins hear of it once
        assert isinstance(notice, PvePinMismatch)
        await cluster.close()


async def test_a_stopped_host_does_not_stop_the_others(
    spare: Scripted, identity: trustme.LeafCert, ca_file: Path
) -> None:
    async with Scripted(stranger()) as host:
        spare.on("GET", "/version", VERSION)
        pins = (Pin(WRONG, str(host.host)),)
        notices: list[PveError] = []
        cluster = Cluster(config(host, spare, ca_file=ca_file, pins=pins), Clock(), notices.append)
        assert (await cluster.version()).text == "9.1.1"
        assert host.received == 0
        assert [type(notice) for notice in notices] == [PvePinMismatch]
        await cluster.close()


async def test_among_several_troubles_the_changed_certificate_is_named(unused_tcp_port: int) -> None:
    async with Scripted(stranger()) as host:
        cluster = Cluster(config(Host("127.0.0.1", unused_tcp_port), host, pins=(Pin(WRONG),)), Clock())
        with pytest.raises(PvePinMismatch):
            await cluster.version()
        await cluster.close()


async def test_a_renewed_certificate_is_noticed() -> None:
    """The host comes back with another certificate: OpenSSL refuses it, nothing is sent, both are named."""
    first, second = stranger(), stranger()
    async with Scripted(first) as host:
        host.on("GET", "/nodes/pve1/tasks", reply(data=[]))
        cluster, _, notices = pinned(host, sha256(first))
        await cluster.node_tasks("pve1", role=Role.VIEWER)
        port = host.host.port
    async with Scripted(second, port) as host:
        host.on("GET", "/nodes/pve1/tasks", reply(data=[]))
        for call in (
            cluster.node_tasks("pve1", role=Role.VIEWER),
            cluster.write(Role.OPERATOR, "POST", START, {}),
        ):
            with pytest.raises(PvePinMismatch) as caught:
                await call
            assert (caught.value.expected, caught.value.seen) == (sha256(first), sha256(second))
        assert host.received == 0
        assert len(notices) == 1
        await cluster.close()


async def test_both_certificates_may_be_pinned_while_one_is_renewed() -> None:
    first, second = stranger(), stranger()
    async with Scripted(first) as host:
        host.on("GET", "/nodes/pve1/tasks", reply(data=[]))
        cluster, _, notices = pinned(host, sha256(first), sha256(second))
        await cluster.node_tasks("pve1", role=Role.VIEWER)
        port = host.host.port
    async with Scripted(second, port) as host:
        host.on("POST", START, reply(data=None))
        host.on("GET", "/nodes/pve1/tasks", reply(data=[]))
        assert await cluster.write(Role.OPERATOR, "POST", START, {}) is None
        assert await cluster.node_tasks("pve1", role=Role.VIEWER) == ()
        assert len(host.of("POST")) == 1
        assert notices == []
        await cluster.close()


async def test_the_anchor_trusts_nothing_else_not_even_of_the_same_authority() -> None:
    authority = trustme.CA()
    first, second = authority.issue_cert("pve1.example.org"), authority.issue_cert("pve1.example.org")
    async with Scripted(first) as host:
        der = ssl.PEM_cert_to_DER_cert(second.cert_chain_pems[0].bytes().decode())
        context = anchored(der)
        assert context.verify_mode is ssl.CERT_REQUIRED
        cluster, _, _ = pinned(host, sha256(second))
        with pytest.raises(PvePinMismatch):
            await cluster.version()
        await cluster.close()


async def test_a_ca_file_trusts_its_hosts(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/version", VERSION)
    assert (await cluster.version()).text == "9.1.1"


async def test_a_ca_file_checks_the_name(authority: trustme.CA, ca_file: Path) -> None:
    async with Scripted(authority.issue_cert("elsewhere.example.org")) as host:
        cluster = Cluster(config(host, ca_file=ca_file), Clock())
        with pytest.raises(PveUnreachable, match=r"not valid for '127\.0\.0\.1'"):
            await cluster.version()
        assert host.received == 0
        await cluster.close()


@pytest.mark.parametrize("with_file", [True, False])
async def test_an_unknown_authority_is_not_trusted(ca_file: Path, with_file: bool) -> None:
    async with Scripted(trustme.CA().issue_cert("127.0.0.1")) as host:
        cluster = Cluster(config(host, ca_file=ca_file if with_file else None), Clock())
        with pytest.raises(PveUnreachable, match="its certificate is not trusted: ") as caught:
            await cluster.version()
        assert host.received == 0
        await cluster.close()
    assert caught.value.untrusted
    first, why, mend = plain(caught.value.said(), Reader()).splitlines()
    assert "cannot be reached" not in first, "it was"
    assert why.startswith("its certificate is not trusted: ")
    assert "pin it: telemox check shows it, and prints the line. Or name its CA: TELEMOX_PVE_CA_FILE." in mend


async def test_of_hosts_that_are_not_believed_and_one_that_is_off_the_network_may_be_the_reason(
    ca_file: Path, unused_tcp_port: int
) -> None:
    async with (
        Scripted(trustme.CA().issue_cert("127.0.0.1")) as host,
        Scripted(trustme.CA().issue_cert("127.0.0.1")) as other,
    ):
        both = Cluster(config(host, other, ca_file=ca_file), Clock())
        with pytest.raises(PveUnreachable) as caught:
            await both.version()
        await both.close()
        assert caught.value.untrusted
        assert "all 2 hosts: its certificate is not trusted" in plain(caught.value.why(), Reader())
        mixed = Cluster(config(host, Host("127.0.0.1", unused_tcp_port), ca_file=ca_file), Clock())
        with pytest.raises(PveUnreachable) as caught:
            await mixed.version()
        await mixed.close()
        assert not caught.value.untrusted
        assert "TELEMOX_PVE_CA_FILE" not in plain(caught.value.why(), Reader())


async def test_a_ca_file_that_cannot_be_used_is_named(host: Scripted, tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    for path in (empty, tmp_path / "missing.pem"):
        cluster = Cluster(config(host, ca_file=path), Clock())
        with pytest.raises(PveUnreachable, match=path.name):
            await cluster.version()
        await cluster.close()
    assert host.connections == 0


def test_there_is_no_context_that_verifies_nothing(ca_file: Path) -> None:
    for path in (None, ca_file):
        context = verifying(path)
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


async def test_a_fingerprint_is_fetched_without_a_word(host: Scripted, identity: trustme.LeafCert) -> None:
    assert await fetch_fingerprint(host.host) == sha256(identity)
    assert host.received == 0


async def test_a_probe_of_a_good_host(cluster: Cluster, host: Scripted, identity: trustme.LeafCert) -> None:
    report = await cluster.probe(host.host)
    assert (report.reachable, report.verified, report.by, report.why) == (True, True, "CA file", "")
    assert report.fingerprint == sha256(identity)
    assert set(report.names) == {"localhost", "127.0.0.1"}
    assert report.not_after is not None
    assert report.not_after > datetime.now(UTC)
    assert host.received == 0


async def test_a_probe_says_why_not(ca_file: Path, unused_tcp_port: int) -> None:
    identity = stranger()
    async with Scripted(identity) as host:
        by_ca = await Cluster(config(host, ca_file=ca_file), Clock()).probe(host.host)
        assert (by_ca.reachable, by_ca.verified, by_ca.by) == (True, False, "CA file")
        assert "not trusted" in by_ca.why
        assert by_ca.fingerprint == sha256(identity)
        assert by_ca.names == ("pve1.example.org",)
        by_pin = await Cluster(config(host, pins=(Pin(WRONG),)), Clock()).probe(host.host)
        assert (by_pin.verified, by_pin.by) == (False, "pin")
        assert WRONG in by_pin.why
        assert (await Cluster(config(host, pins=(Pin(sha256(identity)),)), Clock()).probe(host.host)).verified
    off = Host("127.0.0.1", unused_tcp_port)
    report = await Cluster(config(off), Clock()).probe(off)
    assert (report.reachable, report.verified, report.by, report.why) == (
        False, False, "system CAs", "connection refused",
    )  # fmt: skip


async def test_a_certificate_that_has_ended_is_told_as_such(authority: trustme.CA, ca_file: Path) -> None:
    ended = authority.issue_cert(
        "127.0.0.1", not_after=datetime.now(UTC) - timedelta(days=1), not_before=datetime(2020, 1, 1, tzinfo=UTC)
    )
    async with Scripted(ended) as host:
        cluster = Cluster(config(host, ca_file=ca_file), Clock())
        with pytest.raises(PveUnreachable, match="expired"):
            await cluster.version()
        report = await cluster.probe(host.host)
        assert (report.reachable, report.verified) == (True, False)
        assert "expired" in report.why
        assert report.not_after is not None
        assert report.not_after < datetime.now(UTC)
        await cluster.close()


async def test_a_host_that_speaks_no_tls_or_nothing_at_all(unused_tcp_port: int) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", unused_tcp_port)
    host = Host("127.0.0.1", unused_tcp_port)
    for pins in ((), (Pin(WRONG),)):
        cluster = Cluster(config(host, pins=pins), Clock())
        with pytest.raises(PveUnreachable, match="TLS"):
            await cluster.version()
        await cluster.close()
    server.close()
    await server.wait_closed()
    with pytest.raises(PveUnreachable, match="refused"):
        await fetch_fingerprint(host)
    with pytest.raises(PveUnreachable):
        await fetch_fingerprint(Host("no-such-host.invalid"))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            "peer closed connection without sending complete message body (received 280 bytes, expected 561)",
            "the connection broke in the middle of the answer",
        ),
        (
            "peer closed connection without sending complete message body (incomplete chunked read)",
            "the connection broke in the middle of the answer",
        ),
        ("Server disconnected without sending a response.", "the connection broke before the answer"),
    ],
)
def test_what_the_library_says_of_a_broken_connection_is_said_plainly(words: str, reason: str) -> None:
    assert reason_of(httpx.RemoteProtocolError(words)) == reason
