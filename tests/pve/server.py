"""A host of the API that does what a test tells it to, byte by byte: a raw HTTPS server on loopback.

    async with Scripted(identity) as host:
        host.on("GET", "/version", reply(200, {"version": "8.4.1"}))
        host.on("POST", "/nodes/pve1/qemu/101/status/start", lost, reply(…))    one play a request, the last one stays
        host.requests                                                           what arrived, in order

What it was not taught it answers with 501, as Proxmox does.
"""

import asyncio
import json
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote

import pytest
import trustme

from bot.access import Role
from bot.pve.config import ApiToken, ClusterConfig, Host, Pin, Timeouts

VIEW = ApiToken("telemox@pve!view", "11111111-view-secret")
POWER = ApiToken("telemox@pve!power", "22222222-power-secret")
PATIENT = Timeouts(
    connect=30.0, read=30.0, node=30.0, write=30.0, turn=30.0, total=60.0, beside=30.0, agent=30.0, anew=30.0
)
"""For what answers in its own time: none of them runs out on a busy machine."""
QUICK = Timeouts(connect=1.0, read=0.5, node=0.5, write=0.5, turn=10.0, total=10.0, beside=0.5, agent=0.5, anew=10.0)
"""Where a host that says nothing is the point; another one has as long to answer."""
quick = pytest.mark.parametrize("timeouts", [QUICK], ids=["quick"])
HOSTILE = 'web<1>_&"'


class Clock:
    """Time as a value: it stands still until it is moved; a sleep moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


@dataclass(frozen=True, slots=True)
class Seen:
    method: str
    path: str  # without /api2/json and query, decoded
    query: str
    headers: dict[str, str]  # names in lower case
    body: str

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("PVEAPIToken=").partition("=")[0]


@dataclass(slots=True)
class Wire:
    """One connection, as a play uses it."""

    writer: asyncio.StreamWriter
    keep: bool = True  # keep it open after this answer

    async def say(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    def drop(self) -> None:
        self.keep = False
        self.writer.transport.abort()


Play = Callable[[Wire, Seen], Awaitable[None]]


def reply(
    status: int = 200,
    data: object = None,
    *,
    reason: str = "OK",
    message: str | None = None,
    errors: dict[str, str] | None = None,
    body: bytes | None = None,
    **more: object,
) -> Play:
    """As pveproxy answers. `body` replaces the JSON; every status from 400 on closes the connection."""
    envelope: dict[str, object] = {"data": data, **more}
    if message is not None:
        envelope["message"] = message
    if errors is not None:
        envelope["errors"] = errors
    content = json.dumps(envelope).encode() if body is None else body

    async def play(wire: Wire, seen: Seen) -> None:
        wire.keep = status < 400
        end = b"Keep-Alive" if wire.keep else b"close"
        kind = b"" if content == b"" else b"Content-Type: application/json;charset=UTF-8\r\n"
        head = b"HTTP/1.1 %d %s\r\nConnection: %s\r\n%sContent-Length: %d\r\n\r\n"
        await wire.say(head % (status, reason.encode(), end, kind, len(content)) + content)

    return play


def raw(*pieces: bytes, pause: float = 0.0, hold: bool = False) -> Play:
    """These bytes, `pause` s apart, then the end of the connection (or nothing more, where `hold`)."""

    async def play(wire: Wire, seen: Seen) -> None:
        for piece in pieces:
            await wire.say(piece)
            if pause:
                await asyncio.sleep(pause)
        if hold:
            await asyncio.sleep(60)
        wire.keep = False

    return play


async def lost(wire: Wire, seen: Seen) -> None:
    """The request arrived; the connection breaks before a word of the answer."""
    wire.drop()


async def hang(wire: Wire, seen: Seen) -> None:
    await asyncio.sleep(60)


async def until(true: Callable[[], bool]) -> None:
    """Lets the others run until it is so; a busy machine may take its time, ten seconds at most."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for happens at the other end of a socket
            await asyncio.sleep(0.001)


class Scripted:
    def __init__(self, identity: trustme.LeafCert, port: int = 0) -> None:
        self.requests: list[Seen] = []
        self.received = 0  # bytes after the handshakes
        self.connections = 0  # handshakes that ended well
        self.at_once = 0  # most requests at work at the same time
        self.idle: float | None = None  # s after which it closes an idle connection; None: never
        self._identity = identity
        self._port = port
        self._plays: dict[tuple[str, str], list[Play]] = defaultdict(list)
        self._working = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def host(self) -> Host:
        return Host("127.0.0.1", self._port)

    def on(self, method: str, path: str, *plays: Play) -> None:
        self._plays[method, path] = list(plays)

    def of(self, method: str) -> list[Seen]:
        return [seen for seen in self.requests if seen.method == method]

    async def __aenter__(self) -> "Scripted":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._identity.configure_cert(context)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=context)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        self._server.close()
        self.break_connections()
        for task in set(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        await asyncio.sleep(0)

    def break_connections(self) -> None:
        for writer in set(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connections += 1
        try:
            wire = Wire(writer)
            while wire.keep and (seen := await self._read(reader)) is not None:
                await self._answer(wire, seen)
        except asyncio.IncompleteReadError as error:
            self.received += len(error.partial)
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Seen | None:
        async with asyncio.timeout(self.idle):
            first = await reader.readuntil(b"\r\n")
        head = first + await reader.readuntil(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, _ = line.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.received += len(head) + len(body)
        path, _, query = target.partition("?")
        return Seen(method, unquote(path.removeprefix("/api2/json")), query, headers, body.decode())

    async def _answer(self, wire: Wire, seen: Seen) -> None:
        self.requests.append(seen)
        plays = self._plays.get((seen.method, seen.path), [])
        play = plays.pop(0) if len(plays) > 1 else plays[0] if plays else _untaught(seen)
        self._working += 1
        self.at_once = max(self.at_once, self._working)
        try:
            await play(wire, seen)
        finally:
            self._working -= 1


def _untaught(seen: Seen) -> Play:
    return reply(501, reason=f"Method '{seen.method} {seen.path}' not implemented")


TOKENS = {Role.VIEWER: VIEW, Role.OPERATOR: POWER}


def config(
    *hosts: Scripted | Host,
    ca_file: Path | None = None,
    pins: tuple[Pin, ...] = (),
    tokens: Mapping[Role, ApiToken] | None = None,
    timeouts: Timeouts = PATIENT,
    max_bytes: int = 1024 * 1024,
) -> ClusterConfig:
    return ClusterConfig(
        key="main",
        hosts=tuple(host.host if isinstance(host, Scripted) else host for host in hosts),
        tokens=TOKENS if tokens is None else tokens,
        ca_file=ca_file,
        fingerprints=pins,
        timeouts=timeouts,
        max_bytes=max_bytes,
    )
