"""The dead man's switch, against a real server on loopback."""

import asyncio
import logging

import pytest

from bot.clock import SystemClock
from bot.web.heartbeat import Heartbeat


class Switch:
    """Counts requests, and answers as told."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.status = "204 No Content"
        self.body = False  # one that never ends
        self.silent = False
        self.held: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Switch":
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/ping/s3cret"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for writer in self.held:
            writer.close()
        await self.server.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        self.requests.append(line.decode().strip())
        await reader.readuntil(b"\r\n\r\n")
        if self.body:
            self.held.append(writer)
            writer.write(f"HTTP/1.1 {self.status}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n".encode())
            return
        if self.silent:
            self.held.append(writer)
            return
        writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


async def test_it_is_requested_after_each_good_cycle() -> None:
    async with Switch() as switch:
        heart = Heartbeat(switch.url, SystemClock(), least=0.0)
        await heart.beat()
        await heart.beat()
        await heart.close()
    assert switch.requests == ["GET /ping/s3cret HTTP/1.1"] * 2


async def test_quick_polls_do_not_make_it_race() -> None:
    async with Switch() as switch:
        heart = Heartbeat(switch.url, SystemClock())
        await heart.beat()
        await heart.beat()
        await heart.close()
    assert len(switch.requests) == 1


async def test_trouble_is_said_once_and_without_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with Switch() as switch:
        heart = Heartbeat(switch.url, SystemClock(), least=0.0)
        switch.status = "500 Oh"
        await heart.beat()
        await heart.beat()
        switch.status = "200 OK"
        await heart.beat()
        await heart.close()
    said = [record.getMessage() for record in caplog.records if record.name == "bot.web.heartbeat"]
    assert said == ["the heartbeat address cannot be requested: it answers 500", "the heartbeat address answers again"]
    assert "s3cret" not in "".join(said)


async def test_the_body_of_the_answer_is_not_waited_for() -> None:
    async with Switch() as switch:
        heart = Heartbeat(switch.url, SystemClock(), least=0.0)
        switch.body = True
        async with asyncio.timeout(2):
            await heart.beat()
            await heart.beat()
        await heart.close()
    assert len(switch.requests) == 2


async def test_who_never_answers_is_asked_again() -> None:
    async with Switch() as switch:
        heart = Heartbeat(switch.url, SystemClock(), least=0.0, timeout=0.1)
        switch.silent = True
        await heart.beat()
        switch.silent = False
        await heart.beat()
        await heart.close()
    assert len(switch.requests) == 2


async def test_nobody_there_is_no_exception() -> None:
    async with Switch() as switch:
        url = switch.url
    heart = Heartbeat(url, SystemClock(), least=0.0)
    await heart.beat()
    await heart.close()
