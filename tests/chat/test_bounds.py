"""What comes from the Bot API's address may be too slow, too long, packed, or no answer at all."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from telegram.error import NetworkError, TimedOut

from bot.chat.api import Api
from bot.chat.limiter import Limiter
from bot.chat.polling import SILENT, Polling
from bot.chat.request import Bounds
from bot.screen import Place, Screen
from bot.text import say
from tests.chat.gateway import Handler, answering, connecting, finished, http
from tests.chat.kit import ANA, PATIENCE, TOKEN, Clock

DEEP = b'{"ok":true,"result":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
BIG = b'{"ok":true,"result":[{"update_id":' + b"9" * 6000 + b"}]}"
NOTHING = b'{"ok":true,"result":null}'
GARBAGE = [
    *(DEEP, BIG, NOTHING, b"{}", b"[]", b"7", b"<html>", b"\xff\xfe{", b'"x"'),
    *(b'{"ok":true,"result":%s}' % one for one in (b"{}", b'{"id":"x"}', b'{"id":1,"is_bot":true,"first_name":"T"}')),
]
ME = http("200 OK", b'{"ok":true,"result":{"id":1,"is_bot":true,"first_name":"T","username":"telemox_demo_bot"}}')


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]))
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not reader.at_eof():
        writer.write(b" ")
        await asyncio.sleep(0.002)
    writer.close()


@asynccontextmanager
async def asked(handler: Handler, bounds: Bounds) -> AsyncIterator[tuple[Api, Polling, Clock]]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    clock = Clock()
    polling = Polling(clock)
    polling.begin()
    polling.heeded.set()
    host, port = server.sockets[0].getsockname()
    api = Api(TOKEN, f"http://{host}:{port}", Limiter(clock), polling, bounds)
    for request in api._request:
        await request.initialize()
    try:
        yield api, polling, clock
    finally:
        for request in api._request:
            await request.shutdown()
        server.close()
        await asyncio.sleep(0.01)  # the server notices that nobody listens any more


async def test_an_answer_that_drips_is_given_up_after_a_total_time() -> None:
    async with asked(dripping, Bounds(total=0.05, upload=0.05, poll=0.05)) as (api, polling, clock):
        with pytest.raises(TimedOut, match="no whole answer"):
            await asyncio.wait_for(api.call("sendMessage", {"chat_id": 1, "text": "x"}), PATIENCE)
        with pytest.raises(TimedOut, match="no whole answer"):
            await asyncio.wait_for(api.get_updates(timeout=0), PATIENCE)
        await clock.advance(SILENT + 1)  # and so on, poll after poll
        polling.attempt(40)
        assert "no whole answer" in (polling.verdict() or "")


async def test_an_answer_of_any_length_is_not_read_to_its_end() -> None:
    page = http("200 OK", b'{"ok":true,"result":"' + b"x" * 300_000 + b'"}')
    async with asked(answering(page)[1], Bounds(size=100_000, polled=200_000)) as (api, _, _):
        with pytest.raises(NetworkError, match="longer than"):
            await api.call("sendMessage", {"chat_id": 1, "text": "x"})
        with pytest.raises(NetworkError, match="longer than"):
            await api.get_updates(timeout=0)
    async with asked(answering(page)[1], Bounds()) as (api, _, _):
        assert await api.call("sendMessage", {"chat_id": 1, "text": "x"}) == "x" * 300_000


async def test_packed_answers_are_not_asked_for_and_not_unpacked() -> None:
    heads: list[bytes] = []
    body = gzip.compress(b'{"ok":true,"result":[]}')

    async def packing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).lower())
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        await finished(writer)

    async with asked(packing, Bounds()) as (api, _, _):
        for ask in (api.get_updates(timeout=0), api.call("sendMessage", {"chat_id": 1, "text": "x"})):
            with pytest.raises(NetworkError, match="packed"):
                await ask
    assert all(b"accept-encoding: identity\r\n" in head for head in heads)


@pytest.mark.parametrize("body", GARBAGE)
async def test_no_answer_makes_a_poll_raise_what_ptb_would_not_wait_after(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with asked(answering(http("200 OK", body))[1], Bounds()) as (api, polling, clock):
        for _ in range(3):
            with pytest.raises(Exception) as caught:  # noqa: PT011 - its kind is what is looked at
                await api.get_updates(timeout=0)
            assert type(caught.value).__module__ == "telegram.error"
            assert not polling._flying
        assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
        await clock.advance(SILENT + 1)
        assert polling.verdict() is not None


async def test_a_poll_that_is_cancelled_flies_no_more() -> None:
    async with asked(dripping, Bounds()) as (api, polling, _):
        poll = asyncio.create_task(api.get_updates(timeout=25))
        await polling.asked.wait()
        assert polling._flying
        poll.cancel()
        with pytest.raises(asyncio.CancelledError):
            await poll
        assert not polling._flying


@pytest.mark.parametrize("body", GARBAGE)
async def test_no_answer_escapes_the_messenger(body: bytes) -> None:
    for status in ("200 OK", "400 Bad Request", "429 Too Many Requests", "502 Bad Gateway"):
        server, chat, _ = await connecting(answering(http(status, body))[1])
        await chat._api._request[1].initialize()
        assert await chat.messenger.send(Place(chat=ANA), Screen(text=say("x"))) is None
        await chat.messenger.answer("1", None, ANA)
        await chat._api._request[1].shutdown()
        server.close()


@pytest.mark.parametrize("body", [DEEP, BIG, b"{}", b"[]", b'"x"', b"<html>"])
async def test_ptb_is_told_of_no_answer_by_what_its_loops_wait_after(body: bytes) -> None:
    """Its updater calls deleteWebhook before the first poll, and what else is raised there ends the process."""
    async with asked(answering(http("200 OK", body))[1], Bounds()) as (api, _, _):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - its kind is what is looked at
            await api.delete_webhook()
        assert type(caught.value).__module__ == "telegram.error"


@pytest.mark.parametrize(
    "parameters", [b'{"retry_after":1e999}', b'{"retry_after":"x"}', b'{"retry_after":-5}', b'{"retry_after":NaN}',
                   b'{"migrate_to_chat_id":"x"}', b'{"migrate_to_chat_id":[]}', b"[]", b"7"]
)  # fmt: skip
async def test_parameters_that_are_none_do_no_harm(parameters: bytes) -> None:
    for status in ("400 Bad Request", "429 Too Many Requests"):
        body = b'{"ok":false,"error_code":400,"description":"x","parameters":%s}' % parameters
        async with asked(answering(http(status, body))[1], Bounds()) as (api, _, _):
            with pytest.raises(Exception) as caught:  # noqa: PT011 - its kind is what is looked at
                await api.call("sendMessage", {"chat_id": 1, "text": "x"})
            assert isinstance(caught.value, NetworkError | TimedOut) or "Flood" in str(caught.value)


@pytest.mark.parametrize("body", GARBAGE)
async def test_an_answer_that_is_none_is_waited_out_at_the_start(body: bytes) -> None:
    server, chat, clock = await connecting(answering(http("200 OK", body), http("200 OK", body), ME)[1])
    connected = asyncio.create_task(chat.connect())
    async with asyncio.timeout(PATIENCE):
        while not connected.done():
            await clock.advance(30)
            await asyncio.sleep(0.001)
    await connected
    assert chat.username == "telemox_demo_bot"
    await chat.shutdown()
    server.close()


async def test_what_cannot_be_read_is_not_repeated_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    page = b"<html>" + b"x" * 1_000_000
    for status in ("200 OK", "502 Bad Gateway"):
        async with asked(answering(http(status, page))[1], Bounds()) as (api, _, _):
            with pytest.raises(Exception, match=r"."):
                await api.get_updates(timeout=0)
    assert len(caplog.text) < 20_000
