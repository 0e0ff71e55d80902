"""Polling survives what it can, says what it cannot, and never lives on deaf."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping

import pytest
from telegram.error import Conflict, InvalidToken, NetworkError

from bot.chat.api import AWAY, STEP
from bot.chat.chat import Chat
from bot.chat.notes import MOST
from bot.chat.polling import EVERY, GAP, REFUSED, SILENT, Polling
from bot.chat.reaching import AGAIN, SOON, TokenRefused
from bot.chat.speech import PAUSES
from bot.demo.telegram import BotApi
from bot.ports import Env
from bot.screen import Place, Screen
from bot.spawn import Spawn
from bot.text import Reader, plain, say
from tests.chat.gateway import answering, connecting, finished, http
from tests.chat.kit import ANA, HOSTILE, PATIENCE, ROLES, TOKEN, VERA, Acts, Clock, House, Memory, World, house

CHAT = {"id": ANA, "type": "private", "first_name": "Ana"}
USER = {"id": ANA, "is_bot": False, "first_name": "Ana"}


@pytest.mark.parametrize(
    "update",
    [
        {"message": {"message_id": 1, "date": "yesterday", "chat": CHAT, "from": USER, "text": "/status"}},
        {"message": {"chat": CHAT}},
        {"message": 7},
        {"message": {"message_id": 1, "date": 10**20, "chat": CHAT, "from": USER}},
        {"callback_query": {"id": "1", "from": USER, "chat_instance": "1", "message": {"chat": []}}},
        {"callback_query": "text"},
        {"my_chat_member": {"chat": CHAT, "from": USER, "date": 1, "old_chat_member": {"status": "flying"}}},
        {"message": {"message_id": 1, "date": 1, "chat": {"id": ANA, "type": 5}, "from": [], "text": "/status"}},
        {"edited_message": {}},
        {"something_new": {"x": 1}},
    ],
)  # fmt: skip
async def test_an_update_that_cannot_be_parsed_is_skipped_and_the_next_is_heard(
    home: House, update: Mapping[str, object]
) -> None:
    home.api.push(update)
    card = await home.api.ask(home.with_ana, home.ana, "/status")
    assert card.text.startswith("homelab")
    await home.rest()
    assert len(home.api.made("getUpdates")) < 8  # not polled for again and again


async def test_a_skipped_update_is_logged_by_its_kind_alone(home: House, caplog: pytest.LogCaptureFixture) -> None:
    home.api.push({"update_id": 800_000_000, "message": {"chat": CHAT, "text": "secret words"}})
    await home.rest()
    assert [r.getMessage() for r in caplog.records] == [
        "update 800000000 cannot be read (update_id, message) and is skipped"
    ]  # fmt: skip
    assert "secret words" not in caplog.text


@pytest.mark.parametrize(("code", "text"), [(401, "Unauthorized"), (404, "Not Found"), (502, "Bad Gateway")])
async def test_polling_goes_on_after_a_gateways_page(
    home: House, code: int, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    home.api.fail("getUpdates", code, text)
    async with asyncio.timeout(PATIENCE):
        while not home.api.updates.polled:  # noqa: ASYNC110 - PTB waits a second of real time before it polls again
            await asyncio.sleep(0.01)
    card = await home.api.ask(home.with_ana, home.ana, "/status")
    assert card.text.startswith("homelab")
    assert not home.chat.dead.is_set()
    assert sum(text in r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING) == 1


async def test_when_telegram_is_back_it_is_found_within_seconds_and_polling_goes_on_at_once(home: House) -> None:
    returns: list[float] = []
    home.chat.on_return(lambda: returns.append(home.clock.monotonic()))
    home.api.unreachable = True
    home.api.push({})  # the poll under way breaks, and the one that PTB begins a second later
    async with asyncio.timeout(PATIENCE):
        while STEP not in home.clock.asleep:  # noqa: ASYNC110 - until the second has failed: it rests
            await asyncio.sleep(0.01)
    await home.clock.advance(AWAY - 2 * EVERY)
    await asyncio.sleep(0.05)  # a question is on its way, in vain
    polls = len(home.api.made("getUpdates"))
    assert returns == []
    home.api.unreachable = False
    began = home.clock.monotonic()
    async with asyncio.timeout(PATIENCE):
        while not returns:
            await home.clock.advance(STEP)
            await asyncio.sleep(0.02)
        assert returns[0] - began <= EVERY
        while len(home.api.made("getUpdates")) == polls:
            await home.clock.advance(STEP)
            await asyncio.sleep(0.02)
    assert home.clock.monotonic() - began <= EVERY + 3 * STEP
    assert len(returns) == 1
    card = await home.api.ask(home.with_ana, home.ana, "/status")
    assert card.text.startswith("homelab")


async def test_while_telegram_answers_nobody_asks_whether_it_does(home: House) -> None:
    asked = len(home.api.made("getMe"))
    for _ in range(4):
        await home.clock.advance(EVERY)
        await home.rest()
    assert len(home.api.made("getMe")) == asked


async def test_notes_to_admins_wait_until_telegram_answers(home: House) -> None:
    home.api.unreachable = True
    assert await home.messenger.send(Place(chat=VERA), Screen(text=say("lost"))) is None
    for number in range(1, MOST + 4):
        await home.messenger.tell_admins(say("note {n} of {name}", n=number, name=HOSTILE))
    assert home.api.messages(ANA) == []
    home.api.unreachable = False
    told = home.api.messages(ANA)
    async with asyncio.timeout(PATIENCE):
        while len(told := home.api.messages(ANA)) < MOST + 1:
            await home.clock.advance(1)
            await asyncio.sleep(0.01)
    assert told[0].text == f"note 1 of {HOSTILE}\nFrom 14:00: Telegram could not be reached then."
    assert [one.text.split()[1] for one in told[:MOST]] == [str(number) for number in range(1, MOST + 1)]
    assert told[MOST].text.startswith("There were 3 more notes.")
    await home.clock.advance(60)
    await home.rest()
    assert len(home.api.messages(ANA)) == MOST + 1


async def test_a_note_that_gets_lost_on_its_way_is_told_when_telegram_answers(home: House) -> None:
    home.api.unreachable = True
    await home.messenger.tell_admins(say("the certificate has changed"))  # nobody knew yet
    assert home.messenger.notes
    home.api.unreachable = False
    async with asyncio.timeout(PATIENCE):
        while not home.api.messages(ANA):
            await home.clock.advance(1)
            await asyncio.sleep(0.01)
    assert home.api.last(ANA).text.startswith("the certificate has changed\nFrom ")


def polling() -> tuple[Clock, Polling]:
    clock = Clock()
    made = Polling(clock)
    made.begin()
    made.success(made.attempt(40), [1])
    return clock, made


async def test_the_watchdog_tells_dead_from_quiet() -> None:
    clock, one = polling()
    one.flown = clock.monotonic
    one.attempt(10 * SILENT)
    await clock.advance(10 * SILENT)  # a long poll under way: the client ends it
    assert one.verdict() is None
    await clock.advance(1)  # it did not
    assert "polling has stopped" in (one.verdict() or "")
    one.success(0, [])
    one.ended()
    await clock.advance(SILENT - 1)
    assert one.verdict() is None
    await clock.advance(2)
    assert "polling has stopped" in (one.verdict() or "")


async def test_a_network_that_stays_down_ends_the_process_in_the_end() -> None:
    clock, one = polling()
    for _ in range(int(SILENT / 30)):
        one.attempt(40)
        one.failure(NetworkError("httpx.ConnectError: all is dark"))
        await clock.advance(30)
        one.attempt(40)
    assert one.verdict() is None
    await clock.advance(1)
    assert "all is dark" in (one.verdict() or "")


async def test_a_token_that_is_refused_ends_it_sooner() -> None:
    clock, one = polling()
    one.failure(InvalidToken("Unauthorized"))
    await clock.advance(REFUSED + 1)
    one.failure(InvalidToken("Unauthorized"))
    assert "refused" in (one.verdict() or "")
    one.success(one.attempt(40), [])
    assert one.verdict() is None


async def test_the_watchdog_reports_once_and_ends(home: House) -> None:
    home.api.fail("getUpdates", 401, "Unauthorized", times=10_000)
    async with asyncio.timeout(PATIENCE):
        while home.chat._polling.verdict() is None:
            home.clock._now += 1
            await asyncio.sleep(0)
    await home.clock.advance(15)
    await asyncio.wait_for(home.chat.dead.wait(), PATIENCE)
    assert "refused the bot's token" in home.chat.why


async def test_each_trouble_is_said_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    _, one = polling()
    for _ in range(3):
        one.failure(Conflict("Conflict: terminated by other getUpdates request"))
    one.success(one.attempt(40), [])
    one.success(one.attempt(40), [])
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "only one may run" in said[0]
    assert said[1] == "Telegram is heard again"


async def test_what_waited_over_a_gap_is_late_and_what_follows_is_not() -> None:
    clock, one = polling()
    assert one.late(1)  # the first batch: nobody knows how long the bot was away
    one.success(one.attempt(40), [2])
    assert not one.late(2)
    await clock.advance(GAP + 1)
    one.success(one.attempt(40), range(100, 200))  # a full batch: more of the same age follow
    one.success(one.attempt(40), [200])
    one.success(one.attempt(40), [201])
    assert (one.late(100), one.late(199), one.late(200), one.late(201)) == (True, True, True, False)
    started = one.attempt(40)
    await clock.advance(GAP + 10)  # a long poll that brought nothing for long is no gap
    one.success(started, [202])
    assert not one.late(202)


async def test_our_clock_is_corrected_by_telegrams(home: House) -> None:
    clock = Clock()
    one = Polling(clock)
    sent = clock.now()
    one.date("Tue, 24 Nov 2026 14:05:00 GMT")  # five minutes ahead of ours
    assert one.age(sent) == pytest.approx(300)
    one.date("nonsense")
    one.date(None)
    one.date("Tue, 24 Nov 2026 14:05:00 -0000")
    assert one.skew == pytest.approx(300)
    one.date("Tue, 24 Nov 2026 13:00:00 GMT")
    assert one.age(sent) == 0
    assert abs(home.chat._polling.skew) < 1  # read from the real answers


ME = http("200 OK", json.dumps({"ok": True, "result": {
    "id": 110201543, "is_bot": True, "first_name": "T", "username": "telemox_demo_bot"}}).encode())  # fmt: skip


async def test_no_network_at_the_start_is_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    page = http("502 Bad Gateway", b"<html>no</html>")
    _, handler = answering(page, page, http("404 Not Found", f"Cannot POST /bot{TOKEN}/getMe".encode()), ME)
    server, chat, clock = await connecting(handler)
    connected = asyncio.create_task(chat.connect())
    async with asyncio.timeout(PATIENCE):
        while not connected.done():
            await clock.advance(30)
            await asyncio.sleep(0.001)
    await asyncio.wait_for(connected, PATIENCE)
    assert chat.username == "telemox_demo_bot"
    assert TOKEN not in caplog.text
    assert sum("cannot be reached" in record.getMessage() for record in caplog.records) == 2  # each trouble once
    await chat.shutdown()
    server.close()


async def test_from_the_first_question_on_telegram_counts_as_not_reached_until_it_answers() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await answer.wait()
        writer.write(ME)
        await finished(writer)

    server, chat, clock = await connecting(slowly)
    returned: list[bool] = []
    chat.on_return(lambda: returned.append(chat.courier.met))
    assert (chat.courier.deaf, chat.courier.met) == (0, False)
    connected = asyncio.create_task(chat.connect())
    await asked.wait()
    await clock.advance(7)
    assert (chat.courier.deaf, chat.courier.met) == (7, False)
    answer.set()
    await asyncio.wait_for(connected, PATIENCE)
    assert (chat.courier.deaf, returned) == (0, [True])
    await chat.shutdown()
    server.close()


async def test_a_gateways_page_while_starting_is_no_reason_to_exit() -> None:
    async with BotApi(TOKEN) as api:
        clock, store, spawn, world = Clock(), Memory(), Spawn(), World()
        chat = Chat(TOKEN, api.base_url, ROLES, store, clock, spawn, pages=world.pages())
        env = Env(clusters={}, store=store, messenger=chat.messenger, clock=clock, spawn=spawn)
        await chat.connect()
        api.fail("deleteWebhook", 404, "Not Found")
        started = asyncio.create_task(chat.start(env, Acts(env)))
        async with asyncio.timeout(PATIENCE):
            while not started.done():
                await clock.advance(1)
                await asyncio.sleep(0.001)
        await started
        ana = api.user(ANA, "Ana")
        assert (await api.ask(api.private(ana), ana, "/status")).text.startswith("homelab")
        await chat.stop_polling()
        await spawn.close(0)
        await chat.shutdown()


async def test_what_comes_before_anybody_is_there_is_held_and_not_confirmed() -> None:
    async with BotApi(TOKEN) as api:
        clock, store, spawn, world = Clock(), Memory(), Spawn(), World()
        chat = Chat(TOKEN, api.base_url, ROLES, store, clock, spawn, pages=world.pages())
        env = Env(clusters={}, store=store, messenger=chat.messenger, clock=clock, spawn=spawn)
        ana = api.user(ANA, "Ana")
        await chat.connect()
        await chat.listen()
        await api.say(api.private(ana), ana, "/status")
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert len(api.made("getUpdates")) == 1  # the next one would confirm it
        assert api.made("sendMessage") == []
        await chat.start(env, Acts(env))
        await api.wait_for(lambda: bool(api.made("sendMessage")), what="an answer")
        await chat.stop_polling()
        await spawn.close(0)
        await chat.shutdown()


REFUSAL = http("401 Unauthorized", b'{"ok":false,"error_code":401,"description":"Unauthorized"}')
MALFORMED = http("404 Not Found", b'{"ok":false,"error_code":404,"description":"Not Found"}')


@pytest.mark.parametrize(
    "page",
    [
        http("401 Unauthorized", b"<h1>401 Authorization Required</h1>nginx"),
        http("401 Unauthorized", b'{"message":"Unauthorized"}'),
        http("401 Unauthorized", b'{"ok":false,"error_code":502,"description":"Unauthorized"}'),
        http("404 Not Found", b"<h1>nginx</h1>"),
        http("403 Forbidden", b"<h1>log in first</h1>"),
    ],
)
async def test_a_gateways_page_is_waited_for_however_long_it_lasts(page: bytes) -> None:
    _, handler = answering(*(page for _ in range(40)), ME)
    server, chat, clock = await connecting(handler)
    connected = asyncio.create_task(chat.connect())
    async with asyncio.timeout(PATIENCE):
        while not connected.done():
            await clock.advance(30)
            await asyncio.sleep(0.001)
    await connected
    assert chat.username == "telemox_demo_bot"
    await chat.shutdown()
    server.close()


@pytest.mark.parametrize("refusal", [REFUSAL, MALFORMED])
async def test_once_the_bot_watches_a_token_is_refused_by_two_answers_in_succession(refusal: bytes) -> None:
    page = http("502 Bad Gateway", b"<html>no</html>")
    asked, handler = answering(page, page, page, refusal, page, refusal, refusal, ME)
    server, chat, clock = await connecting(handler)
    connected = asyncio.create_task(chat.connect())
    async with asyncio.timeout(PATIENCE):
        while not connected.done():
            await clock.advance(max(SOON, AGAIN))
            await asyncio.sleep(0.001)
    with pytest.raises(TokenRefused):
        await connected
    assert len(asked) == 7
    await chat.shutdown()
    server.close()


async def test_a_wrong_token_is_said_at_once_and_not_shown() -> None:
    _, handler = answering(REFUSAL)
    server, chat, _ = await connecting(handler)
    with pytest.raises(TokenRefused) as caught:
        await chat.connect()
    assert TOKEN not in str(caught.value)
    assert "(Unauthorized). Take it anew" in plain(caught.value.said(), Reader())
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    await chat.shutdown()
    server.close()


@pytest.mark.parametrize(
    "body", [b"{}", b'{"ok":true,"result":{}}', b'{"ok":true,"result":[{"x":1}]}', b"<html>", b"[]"]
)
async def test_an_answer_that_is_none_is_a_network_error(body: bytes) -> None:
    """Else PTB would poll again at once, for ever."""
    _, handler = answering(http("200 OK", body))
    server, chat, _ = await connecting(handler)
    await chat._api._request[0].initialize()
    with pytest.raises((NetworkError, Exception)) as caught:
        await chat._api.get_updates(timeout=0)
    assert type(caught.value).__module__.startswith("telegram")
    await chat.shutdown()
    server.close()


async def test_the_token_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    async with house() as home:
        home.api.fail("sendMessage", 502, "Bad Gateway")
        home.api.fail("sendMessage", 404, f"Cannot POST /bot{TOKEN}/sendMessage")
        for words in ("/status", "/status", "/broken x", "/status"):
            await home.api.say(home.with_ana, home.ana, words)
        home.api.push({"message": {"chat": CHAT}})
        await home.clock.slept(PAUSES[-1])  # the first answer is tried again
        await home.clock.advance(PAUSES[-1])
        await home.rest()
    assert "Application started" in caplog.text
    assert TOKEN not in caplog.text


async def test_libraries_stay_as_quiet_as_the_log_was_set_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    caplog.set_level(logging.WARNING, "telegram")
    async with house() as home:
        await home.rest()
    assert not logging.getLogger("telegram.ext").isEnabledFor(logging.INFO)


async def test_stopping_is_quick_with_a_poll_under_way(home: House) -> None:
    await home.rest()
    began = time.monotonic()
    await home.chat.stop_polling()
    await home.spawn.close(8)
    await home.chat.shutdown()
    assert time.monotonic() - began < 15.0  # real seconds: nothing there waits for the poll's 25
