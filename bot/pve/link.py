"""One host of the API: its connections, and one request on them. Knows no token and no JSON.

Reads share connections, kept for less than the time after which pveproxy closes them; each write has a connection of
its own, since a stale one would look like a lost answer.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from bot.errors import PveError, PveUnreachable
from bot.ports import Clock
from bot.pve import tls
from bot.pve.config import ClusterConfig, Host
from bot.pve.faults import Stage, of_stage, stage_of, stage_of_write
from bot.pve.tls import reason_of
from bot.pve.veil import Veil

AT_ONCE = 8
"""Calls at work at one host: three workers serve everybody there, the web interface too."""
REST = (30.0, 600.0)
"""Seconds that a host which failed is tried last: at first, and at most (doubled each time)."""

for _name in ("httpx", "httpcore"):  # they log addresses at INFO and headers at DEBUG
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    reason: str  # the reason phrase: Proxmox 7 says there, and only there, what went wrong
    body: bytes


class Failed(Exception):
    """One request failed before there was an answer."""

    def __init__(self, error: PveError, stage: Stage) -> None:
        super().__init__(str(error))
        self.error = error
        self.stage = stage


class Link:
    def __init__(self, host: Host, config: ClusterConfig, clock: Clock) -> None:
        self.host = host
        self.rests_until = 0.0  # monotonic; while it rests the other hosts come first
        self._strikes = 0
        self._clock = clock
        self._pins = config.pins(host)
        self._ca_file = config.ca_file
        self._timeouts = config.timeouts
        self._max_bytes = config.max_bytes
        self._places = asyncio.Semaphore(AT_ONCE)
        self._opening = asyncio.Lock()
        self._lines: _Lines | None = None
        self._closed = False
        self._veil = Veil(config.tokens.values())

    async def send(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        content: bytes | None,
        *,
        timeout: float,
        still: Callable[[], None] = lambda: None,
    ) -> Reply:
        """One request, answered within `timeout` s or not at all. `target` is path and query.

        Raises: Failed · of a write, what `still` raises when its first byte could go out.
        """
        write = method != "GET"
        if self._closed:
            raise self._fault(Stage.UNSENT, "the bot is stopping", write)
        async with self._place(write):
            lines = await self._open(write)
            try:
                return await self._send(lines, method, target, headers, content, timeout, still)
            except Failed as failed:
                if failed.stage is not Stage.UNSENT or not self._pins or not await self._changed(lines, write):
                    raise
            # the host shows a new certificate that is pinned as well
            return await self._send(await self._open(write), method, target, headers, content, timeout, still)

    def worked(self) -> None:
        self.rests_until, self._strikes = 0.0, 0

    def failed(self) -> None:
        first, most = REST
        self.rests_until = self._clock.monotonic() + min(most, first * 2 ** min(self._strikes, 10))
        self._strikes += 1

    async def close(self) -> None:
        self._closed = True
        if self._lines is not None:
            await self._lines.close()
            self._lines = None

    async def _send(
        self,
        lines: "_Lines",
        method: str,
        target: str,
        headers: dict[str, str],
        content: bytes | None,
        timeout: float,
        still: Callable[[], None],
    ) -> Reply:
        write = method != "GET"
        sent = not write  # a read may be repeated whatever happened: only for a write is it worth watching

        async def trace(event: str, info: object) -> None:
            nonlocal sent
            if event == "http11.send_request_headers.started":
                still()  # connecting took its time as well
                sent = True

        if write:
            still()
        request = httpx.Request(
            method,
            lines.url + target,
            headers=headers,
            content=content,
            extensions={
                "timeout": {"connect": self._timeouts.connect, "read": timeout, "write": timeout, "pool": timeout},
                **({"trace": trace} if write else {}),
            },
        )
        try:
            async with asyncio.timeout(timeout + (self._timeouts.connect if write else 0)):
                response = await (lines.writes if write else lines.reads).handle_async_request(request)
                try:
                    return Reply(response.status_code, _reason(response), await self._body(response))
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise self._fault(Stage.SILENT if sent else Stage.UNSENT, "no answer in time", write) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            stage = stage_of_write(error, sent=sent) if write else stage_of(error) or Stage.SILENT
            raise self._fault(stage, self._veil(reason_of(error))[:500], write) from error

    async def _body(self, response: httpx.Response) -> bytes:
        """As it came: it is never unpacked, since 5 KB can unpack to gigabytes, and packing was not asked for.

        Raises: httpx.DecodingError when it is packed, or more than `max_bytes`.
        """
        packed = response.headers.get("content-encoding", "").strip().lower()
        if packed not in {"", "identity"}:
            if response.is_error:
                return b""  # its status says enough
            raise httpx.DecodingError(f"the answer is packed ({packed[:40]}), which was not asked for")
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > self._max_bytes:
                raise httpx.DecodingError(f"the answer is larger than {self._max_bytes // 1024} KiB")
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _fault(self, stage: Stage, reason: str, write: bool) -> Failed:
        return Failed(of_stage(stage, reason, write=write, host=str(self.host)), stage)

    @asynccontextmanager
    async def _place(self, write: bool) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeouts.turn):
                await self._places.acquire()
        except TimeoutError as error:
            raise self._fault(Stage.UNSENT, f"{AT_ONCE} calls are already waiting for it", write) from error
        try:
            yield
        finally:
            self._places.release()

    async def _open(self, write: bool) -> "_Lines":
        """The connections; made at the first call, since only the handshake tells what to hold a pinned host to."""
        if self._lines is not None:
            return self._lines
        async with self._opening:
            if self._lines is None:
                self._lines = await self._trusted(write, self._new)
            return self._lines

    async def _new(self) -> "_Lines":
        idle = self._timeouts.idle
        if self._pins:
            certificate, context = await tls.pinned(self.host, self._pins, self._timeouts.connect)
            return _Lines(self.host, context, certificate, idle)
        try:
            context = await asyncio.to_thread(tls.verifying, self._ca_file)
        except OSError as error:
            raise PveUnreachable(f"the CA file {self._ca_file} cannot be used: {error}", host=str(self.host)) from error
        return _Lines(self.host, context, b"", idle)

    async def _changed(self, lines: "_Lines", write: bool) -> bool:
        """Looks at a pinned host again. True when it shows another certificate that is pinned too.

        Raises: Failed with PvePinMismatch when it shows one that is not.
        """
        async with self._opening:
            if self._lines is lines:
                new = await self._trusted(write, self._new)
                if new.certificate == lines.certificate:
                    await new.close()
                    return False
                self._lines = new
                await lines.close()
            return True

    async def _trusted(self, write: bool, make: Callable[[], Awaitable["_Lines"]]) -> "_Lines":
        try:
            return await make()
        except PveUnreachable as error:
            raise Failed(error, Stage.UNSENT) from error


class _Lines:
    """What is built once and used for every request to a host, until its certificate changes."""

    def __init__(self, host: Host, context: ssl.SSLContext, certificate: bytes, idle: float) -> None:
        self.url = host.url
        self.certificate = certificate  # DER; empty where CAs decide
        self.reads = _transport(context, AT_ONCE, idle)
        self.writes = _transport(context, 0, idle)

    async def close(self) -> None:
        await self.reads.aclose()
        await self.writes.aclose()


def _transport(context: ssl.SSLContext, kept: int, idle: float) -> httpx.AsyncHTTPTransport:
    """The transport itself, not a client: nothing follows redirects, keeps cookies or reads the environment."""
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=kept, keepalive_expiry=idle)
    return httpx.AsyncHTTPTransport(verify=context, trust_env=False, http2=False, retries=0, limits=limits)


def _reason(response: httpx.Response) -> str:
    reason = response.extensions.get("reason_phrase", b"")
    return reason.decode(errors="replace") if isinstance(reason, bytes) else ""
