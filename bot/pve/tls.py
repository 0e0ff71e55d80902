"""Whom to trust: the system's CAs, a CA file, or a pinned certificate.

A pin is checked before any byte of a request is sent: one bare handshake fetches the certificate, its SHA-256 is
compared, and that very certificate becomes the only trust anchor of the context, so that OpenSSL itself holds every
later connection to it. A host that has shown another certificate since fails its handshake, and is looked at again.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from bot.errors import CLOSED, UNTRUSTED, PvePinMismatch, PveUnreachable
from bot.pve.config import Host

_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python does not name. Only to read the dates of a certificate."""


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a DER certificate, AA:BB:…, as the web interface shows it."""
    return hashlib.sha256(certificate).digest().hex(":").upper()


def verifying(ca_file: Path | None) -> ssl.SSLContext:
    """A context that trusts the system's CAs, or those of `ca_file` alone. Host names are checked.

    Raises: OSError (ssl.SSLError among them) when the file cannot be read.
    """
    context = ssl.create_default_context(cafile=ca_file)
    # Python 3.13 asks for extensions (RFC 5280, strict) that a cluster's own CA of earlier years does not carry.
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    return context


def anchored(certificate: bytes) -> ssl.SSLContext:
    """A context that trusts this certificate (DER) and nothing else, whatever name it carries."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the certificate itself is known, by its fingerprint
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN  # it need not be a CA's
    context.load_verify_locations(cadata=certificate)
    return context


async def fetch_certificate(host: Host, timeout: float = 5.0) -> bytes:
    """One bare handshake: the certificate (DER) that `host` shows, believed by nobody yet. No byte of HTTP is sent.

    Raises: PveUnreachable.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with _unreachable(host):
        certificate = (await _handshake(host, context, timeout)).getpeercert(binary_form=True)
    if not certificate:
        raise PveUnreachable("it shows no certificate", host=str(host))
    return certificate


async def fetch_fingerprint(host: Host, timeout: float = 5.0) -> str:
    """The SHA-256 fingerprint of the certificate that `host` shows, AA:BB:…

    Raises: PveUnreachable.
    """
    return fingerprint(await fetch_certificate(host, timeout))


async def pinned(host: Host, pins: tuple[str, ...], timeout: float = 5.0) -> tuple[bytes, ssl.SSLContext]:
    """The certificate that `host` shows, which is one of `pins`, and the context that is held to it.

    Raises: PvePinMismatch · PveUnreachable.
    """
    certificate = await fetch_certificate(host, timeout)
    seen = fingerprint(certificate)
    if seen not in pins:
        raise PvePinMismatch(host=str(host), expected=" or ".join(pins), seen=seen)
    return certificate, anchored(certificate)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """What `telemox check` says about one host."""

    host: Host
    reachable: bool
    verified: bool  # by pin, CA file or the system's CAs, as configured
    by: str = ""  # pin, CA file, system CAs
    why: str = ""  # why not
    fingerprint: str = ""  # SHA-256, AA:BB:…
    not_after: datetime | None = None  # the certificate's end, UTC
    names: tuple[str, ...] = ()  # what it is made out to


async def probe(host: Host, *, pins: tuple[str, ...], ca_file: Path | None, timeout: float = 5.0) -> HostReport:
    """Looks at one host by handshakes alone. Never raises a PveError: what went wrong is in `why`."""
    by = "pin" if pins else "CA file" if ca_file else "system CAs"
    try:
        certificate = await fetch_certificate(host, timeout)
    except PveUnreachable as error:
        return HostReport(host=host, reachable=False, verified=False, by=by, why=error.reason)
    seen = fingerprint(certificate)
    not_after, names = await _facts(host, certificate, timeout)
    why = ""
    try:
        if pins:
            await pinned(host, pins, timeout)
        with _unreachable(host):
            context = anchored(certificate) if pins else await asyncio.to_thread(verifying, ca_file)
            await _handshake(host, context, timeout)
    except PveUnreachable as error:
        why = error.reason
    return HostReport(
        host=host, reachable=True, verified=not why, by=by, why=why, fingerprint=seen, not_after=not_after, names=names
    )


async def _facts(host: Host, certificate: bytes, timeout: float) -> tuple[datetime | None, tuple[str, ...]]:
    context = anchored(certificate)
    context.verify_flags = ssl.VerifyFlags(int(context.verify_flags) | _NO_CHECK_TIME)
    try:
        with _unreachable(host):
            facts = (await _handshake(host, context, timeout)).getpeercert() or {}
    except PveUnreachable:
        return None, ()
    end, names = facts.get("notAfter"), facts.get("subjectAltName", ())
    not_after = datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC) if isinstance(end, str) else None
    return not_after, tuple(str(name[1]) for name in names if len(name) > 1)


async def _handshake(host: Host, context: ssl.SSLContext, timeout: float) -> ssl.SSLObject:
    async with asyncio.timeout(timeout):
        _, writer = await asyncio.open_connection(
            host.name, host.port, ssl=context, server_hostname=host.name, happy_eyeballs_delay=0.25
        )
    seen: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.transport.abort()  # nothing was said, so there is nothing to end politely
    return seen


@contextmanager
def _unreachable(host: Host) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise PveUnreachable("no answer in time", host=str(host)) from error
    except (OSError, ValueError) as error:  # ValueError: a name that cannot be encoded
        raise PveUnreachable(reason_of(error), host=str(host)) from error


def reason_of(error: BaseException) -> str:
    """The plainest word for a failure, dug out of its causes."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.exceptions[0] if isinstance(link, BaseExceptionGroup) else link.__cause__ or link.__context__
    for cause in chain:
        match cause:
            case ssl.SSLCertVerificationError():
                return f"{UNTRUSTED}: {cause.verify_message}"
            case ssl.SSLError():
                return f"TLS failed: {cause.reason or cause}"
            case httpx.RemoteProtocolError() if "complete message body" in str(cause):
                return "the connection broke in the middle of the answer"
            case httpx.RemoteProtocolError() if "Server disconnected" in str(cause):
                return "the connection broke before the answer"
            case ConnectionRefusedError():
                return CLOSED
            case ConnectionResetError() | BrokenPipeError():
                return "connection reset"
            case TimeoutError():
                return "no answer in time"
            case OSError() if cause.strerror and cause.errno:
                return cause.strerror.lower() if cause.errno < 0 else cause.strerror
            case _:
                pass
    return str(error) or type(error).__name__
