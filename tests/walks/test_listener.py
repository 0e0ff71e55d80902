"""The whole bot with its listener: it lets go of its port, and of nobody who is half through."""

import asyncio
import json
import socket
from pathlib import Path

import httpx

from tests.stack import ANA, GROUP, Stack, stack, started

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


class Switch:
    """Who waits for the heartbeat: counts what came."""

    def __init__(self) -> None:
        self.beats = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.beats += 1
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()


async def health(port: int) -> bytes:
    reader, writer = await connected(port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_where_nobody_can_be_told_it_is_not_well_and_its_heart_stands_still(tmp_path: Path) -> None:
    port, switch = free(), Switch()
    server = await asyncio.start_server(switch.serve, "127.0.0.1", 0)
    heart = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ping"
    more = {"TELEMOX_LISTEN": f"127.0.0.1:{port}", "TELEMOX_HEARTBEAT_URL": heart, "TELEMOX_ALERTS__POLL_SECONDS": "2"}
    async with server, stack(tmp_path, TELEMOX_ALERT_CHATS=str(GROUP), **more) as s:
        async with asyncio.timeout(20):
            while not switch.beats:  # noqa: ASYNC110 - the switch is a stranger's
                await asyncio.sleep(0.05)
            s.api.block(s.group, "kicked")
            s.cluster.crash(102)
            while (answer := await health(port)).startswith(b"HTTP/1.1 200 "):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert answer.endswith(b"delivery: no chat that is to be told of alerts can be written to\n")
        before = switch.beats
        s.clock.skip(20)
        await asyncio.sleep(3)
        assert switch.beats == before


async def test_what_is_no_json_is_told_with_its_words_and_read_whole_from_the_history(tmp_path: Path) -> None:
    """Each time it comes: the same words a day later tell of another day."""
    more = {
        "TELEMOX_ALERT_CHATS": str(GROUP),
        "TELEMOX_ALERTS__POLL_SECONDS": "5",
        "TELEMOX_LISTEN": f"127.0.0.1:{(port := free())}",
        "TELEMOX_NOTIFY_SECRET": SECRET,
    }
    async with started(Stack(tmp_path, more, factor=50.0, guests=10)) as s, httpx.AsyncClient(trust_env=False) as http:

        async def push() -> None:
            url, sent = f"http://127.0.0.1:{port}/pve/notify/main", b"raid degraded on nas\nsda1 is gone"
            assert (await http.post(url, content=sent, headers={"X-Telemox-Secret": SECRET})).status_code == 400

        def told() -> list[str]:
            return [one.text for one in s.api.messages(GROUP) if "raid degraded on nas" in one.text]

        await s.quiet()
        await push()
        await s.api.wait_for(lambda: len(told()) == 1, 20, "the first")
        assert told()[0].startswith(
            "⚠️ unreadable notification: raid degraded on nas\nraid degraded on nas\nsda1 is gone"
        )
        s.clock.skip(86400)
        await push()
        await s.api.wait_for(lambda: len(told()) == 2, 20, "the second")
        history = await s.api.ask(s.with_ana, s.ana, "/history")
        lines = [line for line in history.text.splitlines() if "unreadable" in line]
        assert len(lines) == 2
        assert all(line.endswith("raid degraded on nas") for line in lines)  # it lasted no time
        label = next(label for row in history.labels for label in row if label.startswith("unreadable"))
        await s.api.tap(history, label, s.ana)
        await s.api.read(history, "sda1 is gone")


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
