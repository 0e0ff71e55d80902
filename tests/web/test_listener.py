"""The listener over real HTTP on loopback: who may push, what is refused, what it says of itself."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from bot.clock import SystemClock
from bot.errors import Crowded, StoreFailed
from bot.model.view import Push
from bot.ports import Pulse, Vitals
from bot.spawn import Spawn
from bot.text import say
from bot.web.body import CAP
from bot.web.listener import CONNECTIONS, PER_MINUTE, Listener, PortTaken
from bot.web.notify import HEADER

SECRET = "a-secret-of-the-tests"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
WELL = Vitals(
    pulse=(Pulse(cluster="main", name="homelab", polled=NOW, age=4.0, poll=15.0),),
    polls={"main": 7},
    failures={"main": 1},
    took={"main": 0.25},
    alerts={("firing", "critical"): 2},
    told=5,
    lost={"later": 3},
    outbox=1,
)
BODY = {"title": "t", "message": 'web<1>_&"', "severity": "error", "ts": 1, "fields": {"type": "system-mail"}}


class Side:
    def __init__(self, haste: float = 60.0, patience: float = 60.0) -> None:
        self.vitals = WELL
        self.pushes: list[Push] = []
        self.clusters: list[str] = []
        self.full = False
        self.most: int | None = None  # notifications that are taken
        self.haste, self.patience = haste, patience
        self.listener = self.make(SECRET)
        self.http = httpx.AsyncClient(trust_env=False)
        self.spawn = Spawn()

    async def take(self, push: Push, cluster: str) -> None:
        if self.most is not None and len(self.pushes) >= self.most + (push.kind == "flood"):
            raise Crowded(say("Too many wait."))
        self.pushes.append(push)
        self.clusters.append(cluster)
        if self.full:
            raise StoreFailed(say("The disk is full."))

    def make(self, secret: str | None, port: int = 0) -> Listener:
        return Listener(
            "127.0.0.1",
            port,
            SystemClock(),
            vitals=lambda: self.vitals,
            on_push=self.take,
            secret=secret,
            haste=self.haste,
            patience=self.patience,
        )

    async def start(self) -> None:
        await self.listener.start()
        self.running = self.spawn(self.listener.run(), "listener")
        async with asyncio.timeout(20):
            while not self.listener._server.started:  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0)

    async def stop(self) -> None:
        await self.http.aclose()
        self.listener.stop()
        await self.spawn.close(5)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.listener.port}{path}"

    async def push(self, content: bytes, secret: str = SECRET, *, path: str = "/pve/notify") -> httpx.Response:
        return await self.http.post(self.url(path), content=content, headers={HEADER: secret})


@pytest.fixture
async def hasty() -> AsyncIterator[Side]:
    """It waits for nobody's head for long: who asks it properly has a second."""
    made = Side(haste=1.0)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    made = Side()
    await made.start()
    yield made
    await made.stop()


async def test_a_notification_is_taken(side: Side) -> None:
    answer = await side.push(json.dumps(BODY).encode())
    assert answer.status_code == 200
    ((push),) = side.pushes
    assert (push.kind, push.message) == ("system-mail", 'web<1>_&"')


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", SECRET[:-1], "é"])
async def test_a_wrong_secret_is_nobody(side: Side, secret: str) -> None:
    answer = await side.http.post(
        side.url("/pve/notify"), content=b"{}", headers=[(HEADER.encode(), secret.encode("latin-1"))] if secret else []
    )
    assert answer.status_code == 401
    assert side.pushes == []


async def test_what_is_not_json_is_refused_and_told_all_the_same(side: Side) -> None:
    assert (await side.push(b"backup <failed>")).status_code == 400
    assert side.pushes[0].message == "backup <failed>"


async def test_a_huge_body_is_refused_and_its_beginning_is_told(side: Side) -> None:
    answer = await side.push(b"x" * (CAP + 10))
    assert answer.status_code == 413
    assert side.pushes[0].message.startswith("xxx")
    assert side.pushes[0].title == "notification too large"


async def body_of(side: Side, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Who says that 100 bytes come, and sends these."""
    reader, writer = await asyncio.open_connection("127.0.0.1", side.listener.port)
    head = f"POST /pve/notify HTTP/1.1\r\nHost: x\r\n{HEADER}: {SECRET}\r\nContent-Length: 100\r\n\r\n"
    writer.write(head.encode() + sent)
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize("sent", [b'{"title":"web<1>_&', b""])
async def test_a_body_that_does_not_come_is_late_and_what_came_is_told(sent: bytes) -> None:
    side = Side(patience=0.3)
    await side.start()
    reader, writer = await body_of(side, sent)
    async with asyncio.timeout(20):
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    writer.close()
    assert [(push.title, push.message) for push in side.pushes] == [("notification not in time", sent.decode())] * bool(
        sent
    )
    await side.stop()


@pytest.mark.parametrize("sent", [b'{"title":"web<1>_&', b""])
async def test_a_body_that_breaks_off_is_told_as_that(side: Side, sent: bytes) -> None:
    _, writer = await body_of(side, sent)
    await side.http.get(side.url("/healthz"))  # by then its beginning was read
    writer.close()
    outcome = "unreadable" if sent else "broken off"
    line = f'telemox_notifications_total{{outcome="{outcome}"}} 1.0'
    async with asyncio.timeout(20):
        while line not in (await side.http.get(side.url("/metrics"))).text:  # noqa: ASYNC110 - nobody else is told
            await asyncio.sleep(0)
    assert [(push.title, push.message) for push in side.pushes] == [("notification broken off", sent.decode())] * bool(
        sent
    )


async def test_what_is_whole_in_a_body_that_is_not_is_told_as_ever(side: Side) -> None:
    _, writer = await body_of(side, b'{"title":"t","message":"m"}')
    await side.http.get(side.url("/healthz"))
    writer.close()
    async with asyncio.timeout(20):
        while not side.pushes:  # noqa: ASYNC110 - the listener tells nobody else
            await asyncio.sleep(0)
    assert (side.pushes[0].title, side.pushes[0].message) == ("t", "m")


async def test_what_could_not_be_written_down_is_no_200(side: Side) -> None:
    side.full = True
    assert (await side.push(json.dumps(BODY).encode())).status_code == 503
    assert len(side.pushes) == 1


def mail(number: int, host: str) -> bytes:
    return json.dumps(BODY | {"ts": number, "fields": {"type": "system-mail", "hostname": host}}).encode()


async def test_too_many_of_one_node_are_refused_and_told_once(side: Side, caplog: pytest.LogCaptureFixture) -> None:
    answers = [(await side.push(mail(n, "pve1"))).status_code for n in range(PER_MINUTE + 15)]
    assert answers[:PER_MINUTE] == [200] * PER_MINUTE
    assert answers.count(429) >= 5
    (told,) = (push for push in side.pushes if push.kind == "flood")
    assert (told.host, told.severity) == ("pve1", "warning")
    assert told.title == "more than 60 notifications a minute: some are not told"
    (said,) = (record.getMessage() for record in caplog.records if "more than 60" in record.getMessage())
    assert said == "pve1 sends more than 60 notifications a minute: the rest is refused"
    assert (await side.push(mail(1, "pve2"))).status_code == 200
    assert (await side.push(mail(1, "pve1"), path="/pve/notify/lab")).status_code == 200  # another's node
    assert "too many" in (await side.http.get(side.url("/metrics"))).text


@pytest.mark.parametrize("next_of", ["pve1", "pve2"])  # refused again, or taken
async def test_too_many_of_one_node_are_told_later_where_too_many_wait(
    side: Side, next_of: str, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(PER_MINUTE):
        await side.push(mail(n, "pve1"))
    side.most = 0
    for n in range(5):
        await side.push(mail(n, "pve1"))
    assert [push for push in side.pushes if push.kind == "flood"] == []
    side.most = None
    for n in range(5):
        await side.push(mail(n, next_of))
    (told,) = (push for push in side.pushes if push.kind == "flood")
    assert told.title == "more than 60 notifications a minute: some are not told"
    assert sum("more than 60" in record.getMessage() for record in caplog.records) == 1


async def test_where_too_many_wait_the_new_are_refused_and_that_is_told_once(side: Side) -> None:
    side.most = 3
    answers = [await side.push(mail(n, f"pve{n}")) for n in range(9)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [503] * 6
    assert answers[3].headers["Retry-After"] == "60"
    assert [push.kind for push in side.pushes] == ["system-mail"] * 3 + ["flood"]
    told = side.pushes[-1]
    assert told.title == "too many notifications wait: some are not told, Proxmox VE has them in its log"
    assert (told.message, told.severity) == ("the first of them: pve3: t", "warning")
    text = (await side.http.get(side.url("/metrics"))).text
    assert 'telemox_notifications_total{outcome="taken"} 3.0' in text
    assert 'telemox_notifications_total{outcome="too many"} 6.0' in text
    side.most = None
    assert (await side.push(mail(9, "pve9"))).status_code == 200


async def test_that_too_many_wait_is_told_as_soon_as_it_can_be(side: Side) -> None:
    side.most = -1
    assert (await side.push(mail(1, "pve1"))).status_code == 503
    side.most = 0
    assert (await side.push(mail(2, "pve1"))).status_code == 503
    assert [push.message for push in side.pushes] == ["the first of them: pve1: t"]


async def test_the_address_names_the_cluster(side: Side) -> None:
    assert (await side.push(mail(1, "pve"), path="/pve/notify/lab")).status_code == 200
    assert (await side.push(mail(1, "pve"))).status_code == 200
    assert side.clusters == ["lab", ""]
    assert (await side.push(mail(1, "pve"), "wrong", path="/pve/notify/lab")).status_code == 401


async def test_without_a_secret_there_is_nothing_to_push_to() -> None:
    side = Side()
    side.listener = side.make(None)
    await side.start()
    assert (await side.push(b"{}")).status_code == 404
    await side.stop()


@pytest.mark.parametrize(("path", "method"), [("/", "GET"), ("/pve/notify", "GET"), ("/healthz", "POST")])
async def test_nothing_else_is_there(side: Side, path: str, method: str) -> None:
    assert (await side.http.request(method, side.url(path))).status_code in {404, 405}


async def test_health(side: Side) -> None:
    assert (await side.http.get(side.url("/healthz"))).text == "ok\n"
    (pulse,) = WELL.pulse
    for sick, word in (
        (replace(WELL, pulse=(replace(pulse, age=500.0),)), "main: last good poll 500 s ago"),
        (replace(WELL, pulse=(replace(pulse, age=None),)), "main: last good poll never"),
        (replace(WELL, waiting=400.0), "delivery"),
        (replace(WELL, deaf=400.0), "telegram: not reached for 400 s"),
        (replace(WELL, deaf=3.0, met=False), "telegram: not reached since the start, 3 s ago"),
        (replace(WELL, unheard=True), "no chat that is to be told"),
    ):
        side.vitals = sick
        answer = await side.http.get(side.url("/healthz"))
        assert answer.status_code == 503
        assert word in answer.text


async def test_metrics(side: Side) -> None:
    await side.push(json.dumps(BODY).encode())
    await side.push(b"", "wrong")
    text = (await side.http.get(side.url("/metrics"))).text
    for line in (
        'telemox_polls_total{cluster="main"} 7.0',
        'telemox_poll_failures_total{cluster="main"} 1.0',
        'telemox_poll_seconds{cluster="main"} 0.25',
        'telemox_data_age_seconds{cluster="main"} 4.0',
        'telemox_alerts{severity="critical",state="firing"} 2.0',
        "telemox_outbox 1.0",
        'telemox_telegram_errors_total{reason="later"} 3.0',
        'telemox_notifications_total{outcome="taken"} 1.0',
        'telemox_notifications_total{outcome="refused"} 1.0',
    ):
        assert line in text, line
    assert SECRET not in text


async def test_a_port_that_is_taken_is_said(side: Side) -> None:
    with pytest.raises(PortTaken) as caught:
        await side.make(SECRET, side.listener.port).start()
    assert f"127.0.0.1:{side.listener.port}" in str(caught.value)


async def test_it_ends_while_somebody_drips(side: Side) -> None:
    """A body that never ends holds no stop up."""

    async with asyncio.timeout(20):  # its body may take sixty
        _, writer = await asyncio.open_connection("127.0.0.1", side.listener.port)
        head = f"POST /pve/notify HTTP/1.1\r\nHost: x\r\n{HEADER}: {SECRET}\r\nContent-Length: 9\r\n\r\n{{"
        writer.write(head.encode())
        await writer.drain()
        await asyncio.sleep(0.02)
        side.listener.stop()
        await side.running
    writer.close()


async def hold(port: int, number: int, closed: Counter[int]) -> None:
    """One of those that hold connections and ask for nothing: silent, or with half a head, or with an answer and
    dripping on. Whenever it is closed it comes back."""
    words = (b"", b"POST /pve/no", b"POST /pve/notify HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n{")[number % 3]
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(words)
            if words.endswith(b"{"):
                await reader.readuntil(b"secret\n")
                writer.write(b"x")
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            closed[number % 3] += 1
            writer.close()


async def test_who_says_nothing_cannot_keep_out_who_speaks(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is closed for being late here: it is the new one that takes the place of the oldest."""
    side, crowd, closed = Side(haste=60.0), Spawn(), Counter[int]()
    await side.start()
    for number in range(300):
        crowd(hold(side.listener.port, number, closed), f"one of the crowd: {number}")
    async with asyncio.timeout(30):
        while min(closed[kind] for kind in range(3)) < 20:  # noqa: ASYNC110 - nobody else is told of it
            await asyncio.sleep(0)
        for number in range(20):
            async with httpx.AsyncClient(trust_env=False) as http:
                assert (await http.get(side.url("/healthz"))).status_code == 200
                body = json.dumps(BODY | {"ts": number}).encode()
                answer = await http.post(side.url("/pve/notify"), content=body, headers={HEADER: SECRET})
                assert answer.status_code == 200
        await crowd.close(0)
        await side.stop()
    assert len(side.pushes) == 20
    assert [record.message for record in caplog.records if "too many connections" in record.message] == [
        "127.0.0.1 and perhaps others hold too many connections and say nothing: the oldest are closed"
    ]


async def test_what_came_with_its_connection_is_read_before_a_crowd_counts() -> None:
    """All of them come while the loop is held: the request is first, and so is its connection the oldest of all."""
    side = Side(haste=60.0)
    await side.start()
    sockets = [socket.socket() for _ in range(2 * CONNECTIONS)]
    for number, each in enumerate(sockets):
        each.setblocking(False)
        each.connect_ex(("127.0.0.1", side.listener.port))
        if number == 0:
            each.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(20):
        assert (await asyncio.get_running_loop().sock_recv(sockets[0], 100)).startswith(b"HTTP/1.1 200 OK")
    for each in sockets:
        each.close()
    await side.stop()


async def test_who_never_takes_its_answers_is_cut_off(hasty: Side) -> None:
    """Else their requests would count as being answered for ever."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hasty.listener.port)

    async def ask_on() -> None:
        while True:
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
            await writer.drain()

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(ask_on(), 30)
    writer.close()
    assert (await hasty.http.get(hasty.url("/healthz"))).status_code == 200
    assert reader.exception() is not None


async def test_who_sends_half_a_head_is_not_waited_for(hasty: Side) -> None:
    half = [await asyncio.open_connection("127.0.0.1", hasty.listener.port) for _ in range(30)]
    for number, (_, writer) in enumerate(half):
        writer.write(b"POST /pve/no" if number % 2 else b"")
    assert (await hasty.http.get(hasty.url("/healthz"))).status_code == 200
    async with asyncio.timeout(20):
        for reader, writer in half:
            assert await reader.read() == b""
            writer.close()
