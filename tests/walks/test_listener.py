"""The whole bot with its listener: it lets go of its port, and of nobody who is half through."""

import asyncio
import json
import socket
from pathlib import Path

from tests.stack import ANA, stack

SECRET = "a-secret-of-the-walk"


def free() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Once it listens."""
    async with asyncio.timeout(5):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)


async def test_at_a_stop_who_is_half_through_is_answered_and_the_port_is_free_again(tmp_path: Path) -> None:
    port = free()
    body = json.dumps(
        {"title": "SMART error", "message": "sda", "severity": "error", "fields": {"type": "system-mail"}}
    )
    head = f"POST /pve/notify HTTP/1.1\r\nHost: x\r\nX-Telemox-Secret: {SECRET}\r\nContent-Length: {len(body)}\r\n\r\n"
    listening = {"TELEMOX_LISTEN": f"127.0.0.1:{port}", "TELEMOX_NOTIFY_SECRET": SECRET}
    async with stack(tmp_path, TELEMOX_ALERT_CHATS=str(ANA), **listening) as s:
        reader, writer = await connected(port)
        writer.write(head.encode() + body[:10].encode())
        await writer.drain()
        await asyncio.sleep(0.1)
        stopping = asyncio.ensure_future(s.stop_bot())
        await asyncio.sleep(0.2)
        writer.write(body[10:].encode())
        answer = await asyncio.wait_for(reader.read(), 5)
        assert answer.startswith(b"HTTP/1.1 200 ")
        writer.close()
        await writer.wait_closed()
        await stopping
        await s.start_bot()
        again, writer = await connected(port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"HTTP/1.1" in await asyncio.wait_for(again.readline(), 5)
        writer.close()
        await writer.wait_closed()
