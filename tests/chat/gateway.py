"""A server that answers what it is told, whatever is asked: what gateways and proxies do."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bot.access import Roles
from bot.chat.chat import Chat
from bot.spawn import Spawn
from tests.chat.kit import TOKEN, Clock, Memory, World

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(*bodies: bytes) -> tuple[list[float], Handler]:
    """A server that answers every request with the next of `bodies` (the last for ever)."""
    asked: list[float] = []
    left = list(bodies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
        await reader.readexactly(length)
        asked.append(time.monotonic())
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await finished(writer)

    return asked, serve


async def finished(writer: asyncio.StreamWriter) -> None:
    """Until all is sent, or the other side has had enough."""
    with suppress(ConnectionError):
        await writer.drain()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def http(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status.encode(), len(body), body)


async def connecting(handler: Handler, port: int = 0) -> tuple[asyncio.Server, Chat, Clock]:
    server = await asyncio.start_server(handler, "127.0.0.1", port)
    address = server.sockets[0].getsockname()
    clock = Clock()
    chat = Chat(TOKEN, f"http://127.0.0.1:{address[1]}", Roles(), Memory(), clock, Spawn(), pages=World().pages())
    return server, chat, clock
