"""pveproxy's way with HTTP, on h11 (pve-http-server, AnyEvent.pm): what a client may and may not do on a connection.

Errors close the connection, idle ones are closed after 5 s, busy ones after 100 requests; DELETE and GET take no body;
the reason phrase carries the first line of the message.
"""

import asyncio
import contextlib
import gzip
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

import h11

from bot.demo.cluster.errors import Refusal
from bot.demo.cluster.messages import FORM, JSON, Misused, Reply, Request, form, parameters, refused

IDLE = 5.0  # seconds
PER_CONNECTION = 100  # requests
HEADER_LINES, HEADER_BYTES = 64, 8 * 1024
ROOT = "/api2/json"


Answerer = Callable[[Request, Refusal | None], Awaitable[Reply]]


@dataclass(eq=False)
class Port:
    """One API host: a listening port. `answer` gets each request, and what pveproxy itself has against it."""

    host: str
    answer: Answerer = field(repr=False)
    tls: ssl.SSLContext | None = None
    body_limit: int = 512 * 1024
    number: int = 0
    idle: float = IDLE
    _server: asyncio.Server | None = None
    _busy: set[asyncio.Task[None]] = field(default_factory=set)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _opening: asyncio.Task[None] | None = None
    _served: bool = False  # opened once: it may be reopened
    shut_by: set[str] = field(default_factory=set)  # who keeps it shut

    @property
    def listening(self) -> bool:
        return self._server is not None or self._opening is not None

    async def open(self) -> None:
        self._served = True
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=self._listen(), ssl=self.tls, limit=2**16)

    def _listen(self) -> socket.socket:
        # With the protocol named, unlike socket.create_server: only then does asyncio switch Nagle's algorithm off
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.number))
        listener.listen(256)
        listener.setblocking(False)
        self.number = listener.getsockname()[1]
        return listener

    def reopen(self, by: str) -> None:
        """Listens at once, unless somebody else keeps it shut; what connects is served as soon as the event loop comes
        round."""
        self.shut_by.discard(by)
        if self._served and not self.shut_by and not self.listening:
            listener = self._listen()

            async def serve() -> None:
                self._server = await asyncio.start_server(self._serve, sock=listener, ssl=self.tls, limit=2**16)
                self._opening = None

            self._opening = asyncio.create_task(serve())

    def shut(self, by: str) -> None:
        """Connections are refused from now on; those there are, are dropped. `by`: who is to reopen it."""
        self.shut_by.add(by)
        self._shut()

    def _shut(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def close(self) -> None:
        self._shut()
        busy = list(self._busy)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)

    # -- one connection ------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  asyncio.start_server runs this in a task
        self._busy.add(task)
        self._writers.add(writer)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, TimeoutError, h11.ProtocolError, ssl.SSLError, asyncio.CancelledError):
            writer.transport.abort()  # the client went away, or we do
        finally:
            self._busy.discard(task)
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError, ssl.SSLError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADER_BYTES + 1024)
        for count in range(1, PER_CONNECTION + 1):
            try:
                head = await self._event(connection, reader)
            except h11.RemoteProtocolError as why:
                line = "request line" in str(why)
                trouble = Misused(400, "bad request") if line else Misused(506, "unable to parse request header")
                await self._send(connection, writer, refused(trouble, in_body=True), last=True, zip_it=False)
                return
            if not isinstance(head, h11.Request):
                return
            if len(head.headers) >= HEADER_LINES or sum(len(a) + len(b) + 2 for a, b in head.headers) >= HEADER_BYTES:
                await asyncio.sleep(self.idle)  # it dies of that, and the connection of old age
                return
            request, against = await self._read(connection, reader, head)
            reply = await self.answer(request, against)
            if reply.drop:
                writer.transport.abort()
                return
            if reply.hang:
                await reader.read()  # until the client gives up
                return
            wishes = request.headers.get("connection", "").lower()
            last = reply.status >= 400 or count == PER_CONNECTION or "close" in wishes or against is not None
            zip_it = "gzip" in request.headers.get("accept-encoding", "")
            await self._send(connection, writer, reply, last=last, zip_it=zip_it)
            if last or reply.cut:
                return
            connection.start_next_cycle()

    async def _event(self, connection: h11.Connection, reader: asyncio.StreamReader) -> object:
        while (event := connection.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(self.idle):
                connection.receive_data(await reader.read(2**16))
        return event

    async def _read(
        self, connection: h11.Connection, reader: asyncio.StreamReader, head: h11.Request
    ) -> tuple[Request, Refusal | None]:
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        method = head.method.decode()
        target = urlsplit(head.target.decode("latin-1"))
        query: dict[str, object] = dict(form(target.query))
        path = unquote(target.path)
        trouble: Refusal | None = self._against(method, path, headers)
        body = b""
        if trouble is None:
            while not isinstance(event := await self._event(connection, reader), h11.EndOfMessage):
                if isinstance(event, h11.Data):
                    body += event.data
                else:
                    raise ConnectionResetError("closed within a request")
            try:
                query = {**parameters(body, headers.get("content-type", FORM)), **query}
            except ValueError as why:
                trouble = Refusal(400, f"{why}\n")
        request = Request(
            at=time.monotonic(), host=self.host, method=method, path=path.removeprefix(ROOT), params=query,
            token=headers.get("authorization", "").removeprefix("PVEAPIToken=").partition("=")[0], headers=headers,
        )  # fmt: skip
        return request, trouble

    def _against(self, method: str, path: str, headers: dict[str, str]) -> Misused | None:
        """What pveproxy refuses before any method is looked at."""
        if method not in {"GET", "POST", "PUT", "DELETE"}:
            return Misused(501, f"method '{method}' not available", bare=True)
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return Misused(501, "chunked transfer encoding not supported")
        if not path.startswith(f"{ROOT}/"):
            return Misused(
                404 if not path.startswith("/api2") else 501,
                f"no such file '{path}'" if not path.startswith("/api2") else "no such uri",
            )
        length = int(headers.get("content-length", "0") or 0)
        if length and method in {"GET", "DELETE"}:
            return Misused(501, f"Unexpected content for method '{method}'", early=False)
        if length > self.body_limit:
            return Misused(501, "for data too large", early=False)
        kind = headers.get("content-type", FORM).partition(";")[0].strip().lower()
        if length and kind not in {FORM, JSON}:
            return Misused(506, f"upload 'Content-Type '{kind}' not implemented", early=False)
        return None

    async def _send(
        self, connection: h11.Connection, writer: asyncio.StreamWriter, reply: Reply, *, last: bool, zip_it: bool
    ) -> None:
        body = reply.body
        headers = [
            ("Cache-Control", "max-age=0"), ("Connection", "close" if last else "Keep-Alive"),
            ("Date", formatdate(usegmt=True)), ("Pragma", "no-cache"), ("Server", "pve-api-daemon/3.0"),
        ]  # fmt: skip
        if reply.content_type:
            headers.append(("Content-Type", reply.content_type))
        if zip_it and len(body) > 1024 and not reply.cut:
            body = reply.gzipped or gzip.compress(body, 1)
            headers.append(("Content-Encoding", "gzip"))
        headers.append(("Content-Length", str(len(body))))
        head = h11.Response(status_code=reply.status, reason=reply.reason.encode("utf-8"), headers=headers)
        out = connection.send(head) or b""
        if reply.cut:
            writer.write(out + body[: len(body) // 2])
            await writer.drain()
            writer.close()
            return
        if connection.our_state is h11.SEND_BODY:
            out += connection.send(h11.Data(data=body)) or b"" if body else b""
            out += connection.send(h11.EndOfMessage()) or b""
        writer.write(out)  # at once: two small writes would wait for each other's acknowledgement
        await writer.drain()
