"""Telegram out of reach, at the start and at its return, through the whole bot: it watches, and loses nothing."""

import asyncio
import json
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import httpx
import pytest

from bot import app, config
from bot.chat.reaching import TokenRefused
from bot.demo.cluster import Cluster
from bot.demo.telegram import BotApi
from bot.model import Phase, Route
from bot.web.listener import PortTaken
from tests.chat.gateway import answering, http
from tests.stack import ANA, GROUP, TOKEN, Stack, stack, started
from tests.test_runner_walk import killed
from tests.walks.killed import Mortal, environment
from tests.walks.test_listener import SECRET, free
from tests.walks.uplink import Uplink

WAIT = 20.0  # s of real time for what should have come long before
PUSHED = {"title": "SMART error", "message": "sda", "severity": "error", "fields": {"type": "system-mail"}}


class Site:
    """The bot is down, and so is the uplink; `s.begin_bot()` starts it."""

    def __init__(self, s: Stack, uplink: Uplink, port: int) -> None:
        self.s, self.uplink, self.port = s, uplink, port

    def texts(self, of: int, words: str) -> list[str]:
        return [message.text for message in self.s.api.messages(of) if words in message.text]

    async def told(self, of: int, words: str) -> None:
        await self.s.api.wait_for(lambda: bool(self.texts(of, words)), WAIT, words)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    port = free()
    more = {"TELEMOX_LISTEN": f"127.0.0.1:{port}", "TELEMOX_NOTIFY_SECRET": SECRET, "TELEMOX_ALERTS__POLL_SECONDS": "5"}
    async with stack(tmp_path, TELEMOX_ALERT_CHATS=str(GROUP), **more) as s:
        uplink = Uplink(int(s.api.base_url.rpartition(":")[2]))
        await uplink.mend()
        await s.quiet()
        await s.stop_bot()
        s.environment["TELEMOX_TELEGRAM_BASE_URL"] = uplink.url
        s.head = 0.1
        await uplink.cut()
        yield Site(s, uplink, port)
        await s.stop_bot()
        await uplink.cut()


async def health(port: int) -> tuple[int, str]:
    """Once it listens."""
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(WAIT):
        while True:
            try:
                answer = await http.get(f"http://127.0.0.1:{port}/healthz")
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
            else:
                return answer.status_code, answer.text


async def push(port: int) -> int:
    url, headers = f"http://127.0.0.1:{port}/pve/notify", {"X-Telemox-Secret": SECRET}
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.post(url, content=json.dumps(PUSHED), headers=headers)).status_code


async def stored(s: Stack, words: str) -> bool:
    """Is it written down, with the message that is to tell it?"""
    assert s.app is not None
    assert s.app.store is not None
    kept = await s.app.store.alerts()
    mine = {alert.number for alert in kept.alerts if words in repr(alert.finding.subject)}
    return any(mine & set(card.alerts) for card in kept.cards)


async def crashed(site: Site) -> None:
    """The watch has found it, and has written down what is to be told."""
    site.s.cluster.crash(102)
    async with asyncio.timeout(WAIT):
        while not await stored(site.s, "'db'"):  # noqa: ASYNC110 - a store tells nobody
            await asyncio.sleep(0.02)


# a connection cut off in its handshake is dropped by httpcore without being closed; a killed process drops all of them
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_start_without_telegram_watches_and_tells_it_once_when_it_answers(site: Site) -> None:
    s = site.s
    await site.uplink.mend()
    await s.start_bot()
    card = await s.api.ask(s.with_ana, s.ana, "/vm ct-dns")
    await s.api.tap(card, "Reboot", s.ana)
    await s.api.read(card, "Reboot ct-dns")
    await s.api.tap(card, "Yes", s.ana)
    await s.api.wait_for(lambda: bool(s.writes), WAIT, "the order")
    await killed(s)
    await site.uplink.cut()

    starting = s.begin_bot()
    status, words = await health(site.port)
    assert (status, words.splitlines()[-1].partition(", ")[0]) == (503, "telegram: not reached since the start")
    assert await push(site.port) == 200
    await crashed(site)
    async with httpx.AsyncClient(trust_env=False) as http:
        assert "telemox_deaf_seconds" in (await http.get(f"http://127.0.0.1:{site.port}/metrics")).text
    assert not starting.done()
    await asyncio.sleep(0.3)  # 15 s: it tries, and fails
    assert not site.texts(GROUP, "db stopped")

    await site.uplink.mend()
    at = s.clock.monotonic()
    await site.told(GROUP, "db stopped by itself")
    await site.told(GROUP, "SMART error")
    await asyncio.wait_for(starting, WAIT)
    assert s.clock.monotonic() - at < 60.0
    assert "homelab" in (await s.api.ask(s.with_ana, s.ana, "/status")).text
    await s.api.read(card, "ct-dns has rebooted", WAIT)
    await asyncio.sleep(0.3)
    assert len(site.texts(GROUP, "db stopped by itself")) == len(site.texts(GROUP, "SMART error")) == 1
    async with asyncio.timeout(WAIT):
        while (await health(site.port))[0] != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_that_telegram_was_away_is_no_alert_before_its_time_and_then_in_the_history(site: Site) -> None:
    s = site.s
    s.begin_bot()
    await health(site.port)
    assert s.app is not None
    assert s.app.alerts is not None
    watch = s.app.alerts.watch
    async with asyncio.timeout(WAIT):

        def own() -> list[Phase]:
            return [alert.phase for alert in watch.alerts() if alert.finding.subject.id == "bot/delivery"]

        while not own():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert own() == [Phase.PENDING], "the first poll fires nothing: it has just begun"
        while own() != [Phase.FIRING]:  # noqa: ASYNC110 - five minutes, at fifty a second
            await asyncio.sleep(0.02)
        await site.uplink.mend()
        at = s.clock.now()
        while own():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        (record,) = [one for one in await watch.history() if one.subject.id == "bot/delivery"]
    assert record.over is not None
    assert record.fired < at <= record.over
    assert (record.over - at).total_seconds() < 60.0


async def test_what_happened_while_telegram_was_away_survives_a_kill(tmp_path: Path) -> None:
    port, api, cluster = free(), BotApi(TOKEN), Cluster(seed=1, guests=40, speed=20.0, auth_delay=0.0)
    await api.start()
    await cluster.start()
    api.user(ANA, "Ana")
    group = api.group(GROUP, "Ops", bot_admin=True)
    uplink = Uplink(int(api.base_url.rpartition(":")[2]))
    await uplink.mend()
    listening = {"TELEMOX_LISTEN": f"127.0.0.1:{port}", "TELEMOX_NOTIFY_SECRET": SECRET}
    mortal = Mortal(environment(tmp_path, uplink.url, cluster) | listening, api, tmp_path)

    def says(words: str) -> int:
        return sum(words in message.text for message in group.messages())

    async def written() -> None:
        """Both are in the store: one has fired, one was pushed."""
        wanted = (
            "SELECT count(*) FROM alerts WHERE phase <> 'pending' AND (key LIKE '%guest/102%' OR key LIKE '%mail%')"
        )
        async with asyncio.timeout(WAIT):
            while True:
                with closing(sqlite3.connect(f"file:{tmp_path}/data/telemox.db?mode=ro", uri=True)) as store:
                    if store.execute(wanted).fetchone()[0] >= 2:
                        return
                await asyncio.sleep(0.05)

    try:
        await mortal.start()
        await api.wait_for(lambda: says("open since before") > 0, WAIT, "the summary")
        await mortal.kill()
        await uplink.cut()
        await mortal.begin()
        assert (await health(port))[0] == 503
        assert await push(port) == 200
        cluster.crash(102)
        await written()
        await mortal.kill()
        await mortal.begin()
        assert (await health(port))[0] == 503
        await written()
        await uplink.mend()
        await api.wait_for(lambda: says("db stopped by itself") > 0 and says("SMART error") > 0, WAIT, "what waited")
        await asyncio.sleep(1.0)
        assert (says("db stopped by itself"), says("SMART error")) == (1, 1)
    finally:
        await mortal.kill()
        await uplink.cut()
        await api.stop()
        await cluster.stop()


async def test_a_token_that_is_refused_late_ends_it_and_one_refusal_does_not(site: Site) -> None:
    s = site.s
    starting = s.begin_bot()
    await health(site.port)
    s.api.fail("getMe", 401, "Unauthorized")
    await site.uplink.mend()
    await asyncio.wait_for(starting, WAIT)
    await s.stop_bot()
    await site.uplink.cut()
    starting = s.begin_bot()
    await health(site.port)
    s.api.token = "987654321:another-made-up-secret-of-a-bot-0000"
    await site.uplink.mend()
    with pytest.raises(TokenRefused, match="Unauthorized"):
        await asyncio.wait_for(starting, WAIT)
    s.api.token = TOKEN


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "403 Forbidden"])
async def test_a_gateways_page_ends_no_bot_that_watches(site: Site, status: str) -> None:
    """What crashed meanwhile is told once the page is gone."""
    s = site.s
    asked, handler = answering(http(status, b"<h1>log in first</h1>"))
    async with await asyncio.start_server(handler, "127.0.0.1", site.uplink.port):
        starting = s.begin_bot()
        await health(site.port)
        async with asyncio.timeout(WAIT):
            while len(asked) < 8:  # noqa: ASYNC110 - a server tells nobody
                await asyncio.sleep(0.01)
        await crashed(site)
        assert not starting.done()
    await site.uplink.mend()
    await asyncio.wait_for(starting, WAIT)
    await site.told(GROUP, "db stopped by itself")


async def test_a_stop_while_telegram_is_awaited_is_quick_and_clean(site: Site) -> None:
    running = asyncio.ensure_future(app.run(config.load(None, environ=site.s.environment)))
    await health(site.port)
    began = asyncio.get_running_loop().time()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(running, WAIT) == 0
    assert asyncio.get_running_loop().time() - began < 10.0


async def test_a_port_that_is_taken_ends_the_start_without_telegram_too(site: Site) -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", site.port)
    async with server:
        with pytest.raises(PortTaken, match="cannot listen"):
            await asyncio.wait_for(app.run(config.load(None, environ=site.s.environment)), WAIT)


async def test_what_admins_are_to_be_told_waits_for_telegram(site: Site) -> None:
    s = site.s
    s.environment["TELEMOX_PVE_VIEW_TOKEN"] = s.environment["TELEMOX_PVE_VIEW_TOKEN"][:-4] + "0000"
    starting = s.begin_bot()
    async with asyncio.timeout(WAIT):
        while s.app is None or s.app.chat is None or not s.app.chat.messenger.notes:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await site.uplink.mend()
    await asyncio.wait_for(starting, WAIT)
    await site.told(ANA, "Telegram could not be reached then")
    await asyncio.sleep(0.2)
    (told,) = site.texts(ANA, "Telegram could not be reached then")
    assert "token" in told


async def test_what_waited_goes_out_within_seconds_of_telegrams_return(tmp_path: Path) -> None:
    s = Stack(tmp_path, {"TELEMOX_ALERT_CHATS": str(GROUP), "TELEMOX_ALERTS__POLL_SECONDS": "5"}, factor=10.0)
    async with AsyncExitStack() as left, started(s):
        await s.quiet()
        uplink = Uplink(int(s.api.base_url.rpartition(":")[2]))
        await uplink.mend()
        left.push_async_callback(uplink.cut)
        await s.stop_bot()
        s.environment["TELEMOX_TELEGRAM_BASE_URL"] = uplink.url
        await s.start_bot()
        await s.quiet()
        assert s.app is not None
        assert s.app.alerts is not None
        counts = s.app.alerts.deliverer.counts
        await uplink.cut()
        s.cluster.crash(102)
        async with asyncio.timeout(WAIT):
            while counts["later"] < 5:  # noqa: ASYNC110 - the next try is 20 s away then
                await asyncio.sleep(0.005)
        s.clock.pace(2.0)
        at = s.clock.monotonic()
        await uplink.mend()
        await s.api.wait_for(
            lambda: any("db stopped by itself" in one.text for one in s.group.messages()), WAIT, "the alert"
        )
        assert s.clock.monotonic() - at < 15.0
        await s.stop_bot()


async def test_a_group_that_moved_once_keeps_what_it_subscribed_to(site: Site) -> None:
    s, moved = site.s, -1_000_000_777
    await site.uplink.mend()
    await s.start_bot()
    assert s.app is not None
    assert s.app.chat is not None
    assert s.app.alerts is not None
    await s.app.chat.members.migrated(GROUP, moved)
    await s.app.alerts.deliverer.subscribe(Route(chat=moved, topic=5))
    await s.stop_bot()
    await site.uplink.cut()
    s.begin_bot()
    await health(site.port)
    assert s.app.alerts is not None
    assert (moved, 5) in [(route.chat, route.topic) for route in s.app.alerts.deliverer.routes()]
