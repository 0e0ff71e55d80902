"""Every quirk of sending and editing, as the stand-in Bot API (and Telegram) has it."""

import asyncio
import logging
import struct
import zlib
from datetime import UTC, datetime
from functools import partial

import pytest

from bot.access import Role, Roles
from bot.chat.polling import EVERY
from bot.chat.speech import PAUSES
from bot.ports import Lost, Undelivered
from bot.screen import Ask, Button, Copy, File, Link, Message, Open, Picture, Place, Screen
from bot.text import Said, Styled, ago, bold, folded, lines, link, raw, say
from tests.chat.gateway import answering, connecting, http
from tests.chat.kit import ANA, BEN, HOSTILE, MALLORY, OPS, VERA, House, breathe, house

AT_ANA = Place(chat=ANA)
CARD = Screen(
    text=lines(bold(HOSTILE), say("runs")),
    rows=((Button(say("↻"), Open("status")), Button(say("{n}", n=HOSTILE), Open("vm", "main/101"), "danger")),),
)


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\0\0\0")) + chunk(b"IEND", b"")
    )


async def sent(home: House, screen: Screen = CARD, place: Place = AT_ANA) -> Message:
    message = await home.messenger.send(place, screen)
    assert message is not None
    return message


async def test_a_screen_is_one_message_with_nothing_of_it_lost(home: House) -> None:
    message = await sent(home)
    shown = home.api.last(ANA)
    assert (shown.id, shown.text) == (message.id, f"{HOSTILE}\nruns")
    assert "<b>web&lt;1&gt;_&amp;" in shown.html
    assert shown.labels == [["↻", HOSTILE]]
    assert not shown.silent
    await home.messenger.send(AT_ANA, CARD, silent=True)
    assert home.api.last(ANA).silent


async def test_an_edit_that_changes_nothing_costs_nothing(home: House) -> None:
    message = await sent(home)
    assert await home.messenger.edit(message, CARD) == message
    assert home.api.made("editMessageText") == []
    assert await home.messenger.edit(message, Screen(text=say("other"))) == message
    assert home.api.last(ANA).text == "other"
    assert home.api.last(ANA).labels == []


async def test_not_modified_is_as_good_as_an_edit(home: House, caplog: pytest.LogCaptureFixture) -> None:
    message = await sent(home)
    await home.messenger.edit(message, Screen(text=say("other")))
    home.messenger._shown.clear()
    assert await home.messenger.edit(message, Screen(text=say("other"))) == message
    assert "not modified" in home.api.made("editMessageText")[-1].error
    assert caplog.records == []


@pytest.mark.parametrize("reason", ["message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID"])
async def test_a_message_that_is_gone_is_sent_anew(home: House, reason: str) -> None:
    message = await sent(home)
    home.api.fail("editMessageText", 400, f"Bad Request: {reason}")
    anew = await home.messenger.edit(message, Screen(text=say("other")))
    assert anew is not None
    assert anew.id != message.id
    assert home.api.last(ANA).text == "other"


async def test_a_deleted_message_is_sent_anew(home: House) -> None:
    message = await sent(home)
    home.api.last(ANA).deleted = True
    anew = await home.messenger.edit(message, Screen(text=say("other")))
    assert anew is not None
    assert home.api.last(ANA).id == anew.id != message.id


async def test_what_is_too_long_is_cut_and_said(home: House) -> None:
    await sent(home, Screen(text=lines(*(raw(f"{HOSTILE} {number}") for number in range(2000)))))
    shown = home.api.last(ANA).text
    assert len(shown) <= 4096
    assert shown.splitlines()[0] == f"{HOSTILE} 0"
    assert "more lines" in shown.splitlines()[-1]
    home.api.fail("sendMessage", 400, "Bad Request: message is too long")
    await sent(home, Screen(text=folded("\n".join("x" * 80 for _ in range(100)))))
    assert 100 < len(home.api.last(ANA).text) <= 900


async def test_markup_that_is_rejected_goes_plain(home: House, caplog: pytest.LogCaptureFixture) -> None:
    bad: Said = Styled("blink", raw(HOSTILE))  # a tag Telegram does not know
    message = await sent(home, Screen(text=bad))
    assert home.api.last(ANA).text == HOSTILE
    assert "can't parse entities" in home.api.made("sendMessage")[0].error
    worse: Said = lines(Styled("blink", raw(HOSTILE)), raw("again"))
    assert await home.messenger.edit(message, Screen(text=worse)) == message
    assert home.api.last(ANA).text == f"{HOSTILE}\nagain"
    assert any("said more plainly" in record.getMessage() for record in caplog.records)


async def test_nothing_to_say_is_still_a_message(home: House) -> None:
    await sent(home, Screen(text=say("")))
    assert home.api.last(ANA).text == "…"


async def test_a_link_that_is_refused_leaves_the_taps(home: House) -> None:
    rows = ((Button(say("Web"), Link("http://localhost:8006")), Button(say("↻"), Open("status"))),)
    await sent(home, Screen(text=say("x"), rows=rows))
    assert home.api.last(ANA).labels == [["↻"]]


async def test_a_server_without_styles_is_asked_for_none_again(home: House) -> None:
    home.api.fail("sendMessage", 400, "Bad Request: can't parse inline keyboard button: invalid button style specified")
    await sent(home)
    assert home.api.last(ANA).buttons[1].style == ""
    await sent(home)
    assert len(home.api.made("sendMessage")) == 3
    assert home.api.last(ANA).labels == [["↻", HOSTILE]]
    assert home.api.last(ANA).buttons[1].style == ""


async def test_a_server_that_knows_no_ages_is_sent_the_time_and_asked_no_more(home: House) -> None:
    """Of before 2026. Bold stays bold, and it costs one call more once."""
    screen = Screen(
        text=say("{name} seen {ago}", name=bold(HOSTILE), ago=ago(datetime(2026, 11, 24, 14, 2, tzinfo=UTC)))
    )
    reason = 'Bad Request: can\'t parse entities: Unsupported start tag "tg-time" at byte offset 34'
    await sent(home, screen)
    home.api.fail("sendMessage", 400, reason)
    await sent(home, screen)
    await sent(home, screen)
    texts = [str(call.params["text"]) for call in home.api.made("sendMessage")]
    assert ["tg-time" in one for one in texts] == [True, True, False, False]
    assert texts[-1].startswith("<b>web")
    assert home.api.last(ANA).text == f"{HOSTILE} seen 24 Nov 14:02"


async def test_a_keyboard_that_nothing_mends_is_left_out(home: House) -> None:
    home.api.fail("sendMessage", 400, "Bad Request: BUTTON_DATA_INVALID", times=2)
    await sent(home)
    assert home.api.last(ANA).labels == []
    assert home.api.last(ANA).text.startswith(HOSTILE)


async def test_answers_stay_in_their_topic_and_leave_it_when_it_is_gone(home: House) -> None:
    topic = home.api.topic(home.ops, "Alerts")
    await home.api.say(home.ops, home.ben, "/status", topic=topic)
    card = await home.api.next_message(home.ops, 1)
    assert card.topic == topic
    await home.api.tap(card, "↻", home.ben)
    await home.rest()
    home.api.world.chats[OPS].topics.clear()
    await sent(home, place=Place(chat=OPS, topic=topic))
    assert home.api.last(OPS).topic is None


async def test_an_answer_that_telegram_delays_is_sent_once_more(home: House) -> None:
    home.api.fail("sendMessage", 429, "Too Many Requests: retry after 5", retry_after=5)
    sending = asyncio.create_task(home.messenger.send(AT_ANA, CARD))
    await home.api.wait_for(lambda: len(home.api.made("sendMessage")) == 1)
    await home.clock.slept(5.0)
    await sent(home, place=Place(chat=BEN))  # others are not stopped
    await home.clock.advance(5)
    assert await sending is not None
    assert home.api.last(ANA).text.startswith(HOSTILE)


def _tried(home: House, times: int) -> bool:
    return len(home.api.made("sendMessage")) == times


async def _wait_out(home: House) -> None:
    """The pauses between tries, one after another."""
    for pause in reversed(PAUSES):
        await home.clock.slept(pause)
        await home.clock.advance(pause)


async def test_an_answer_outlasts_a_burst_of_refusals(home: House) -> None:
    home.api.fail("sendMessage", 429, "Too Many Requests: retry after 5", retry_after=5, times=3)
    sending = asyncio.create_task(home.messenger.send(AT_ANA, CARD))
    for tried in range(1, 4):
        await home.api.wait_for(partial(_tried, home, tried))
        await home.clock.slept(5.0)
        await home.clock.advance(5)
    assert await sending is not None
    assert len(home.api.messages(ANA)) == 1


@pytest.mark.parametrize("code", [500, 502, 503])
async def test_an_answer_outlasts_faults_of_telegram(home: House, code: int) -> None:
    home.api.fail("sendMessage", code, "Internal Server Error", times=3)
    sending = asyncio.create_task(home.messenger.send(AT_ANA, CARD))
    await _wait_out(home)
    assert await sending is not None
    assert len(home.api.messages(ANA)) == 1


async def test_an_edit_outlasts_faults_of_telegram(home: House) -> None:
    message = await sent(home)
    home.api.fail("editMessageText", 500, "Internal Server Error", times=3)
    editing = asyncio.create_task(home.messenger.edit(message, Screen(text=say("done"))))
    await _wait_out(home)
    assert await editing == message
    assert home.api.last(ANA).text == "done"


async def test_of_a_504_nobody_knows_so_the_answer_is_not_said_again(home: House) -> None:
    home.api.fail("sendMessage", 504, "Gateway Timeout")
    assert await home.messenger.send(AT_ANA, CARD) is None
    assert len(home.api.made("sendMessage")) == 1


@pytest.mark.parametrize("status", ["500 Internal Server Error", "502 Bad Gateway", "200 OK"])
async def test_after_a_gateways_page_an_answer_is_not_said_again(status: str) -> None:
    asked, handler = answering(http(status, b"<html>nginx</html>"))
    server, chat, _ = await connecting(handler)
    await chat._api._request[1].initialize()
    assert await chat.messenger.send(AT_ANA, CARD) is None
    assert len(asked) == 1
    await chat._api._request[1].shutdown()
    server.close()


async def test_an_answer_is_not_delayed_for_ever(home: House) -> None:
    home.api.fail("sendMessage", 429, "Too Many Requests: retry after 900", retry_after=900, times=9)
    assert await home.messenger.send(AT_ANA, CARD) is None
    assert len(home.api.made("sendMessage")) == 1


@pytest.mark.parametrize("status", ["blocked", "deactivated"])
async def test_a_chat_that_is_gone_gives_none_and_one_line(
    home: House, caplog: pytest.LogCaptureFixture, status: str
) -> None:
    message = await sent(home)
    home.api.block(home.with_ana, status)
    assert await home.messenger.send(AT_ANA, CARD) is None
    assert await home.messenger.edit(message, Screen(text=say("other"))) is None
    assert await home.messenger.send(Place(chat=12345), CARD) is None
    told = [record.getMessage() for record in caplog.records if "cannot be written to" in record.getMessage()]
    assert [line.split()[1] for line in told] == [str(ANA), "12345"]


async def test_a_group_that_moved_is_followed_everywhere(home: House) -> None:
    small, big = -4242, -1_004_242
    roles = Roles(granted={ANA: Role.ADMIN, small: Role.OPERATOR}, ceilings={small: Role.VIEWER})
    async with house(roles=roles) as other:
        group = other.api.group(small, "Small", supergroup=False)
        message = await sent(other, place=Place(chat=small))
        group.moved_to = big
        moved = other.api.group(big, "Small", bot_admin=True)
        assert await other.messenger.send(Place(chat=small), CARD) == Message(place=Place(chat=big), id=1)
        assert other.store.moves == {small: big}
        assert other.chat.members.roles.granted[big] is Role.OPERATOR
        assert other.chat.members.roles.ceilings == {big: Role.VIEWER}
        anew = await other.messenger.edit(message, Screen(text=say("other")))
        assert anew == Message(place=Place(chat=big), id=2)  # 1 is another message there
        assert [shown.text for shown in other.api.messages(big)] == [f"{HOSTILE}\nruns", "other"]
        card = await other.api.ask(moved, other.mallory, "/status")
        assert card.text.endswith("for viewer")
        await other.rest()
        assert other.api.commands.shown(moved, MALLORY)


async def test_an_edit_that_learns_of_the_move_goes_on_in_the_new_group() -> None:
    small, big = -4242, -1_004_242
    async with house(roles=Roles(granted={small: Role.OPERATOR})) as other:
        group = other.api.group(small, "Small", supergroup=False)
        message = await sent(other, place=Place(chat=small))
        group.moved_to = big
        other.api.group(big, "Small", bot_admin=True)
        assert await other.messenger.edit(message, Screen(text=say("other"))) == Message(place=Place(chat=big), id=1)
        assert other.store.moves == {small: big}


async def test_the_service_message_of_a_move_is_enough(home: House) -> None:
    roles = Roles(granted={-4242: Role.VIEWER})
    async with house(roles=roles) as other:
        group = other.api.group(-4242, "Small", supergroup=False)
        new = other.api.upgrade(group, -1_004_242)
        await other.rest()
        assert other.store.moves == {-4242: -1_004_242}
        card = await other.api.ask(new, other.mallory, "/status")
        assert card.text.endswith("for viewer")
    async with house(roles=roles, migrations={-4242: -1_004_242}) as other:  # settings still hold the old id
        new = other.api.group(-1_004_242, "Small")
        assert (await other.api.ask(new, other.mallory, "/status")).text.endswith("for viewer")


async def test_nobody_moves_a_group_that_is_not_served(home: House) -> None:
    chat = {"id": -77, "type": "supergroup", "title": "Elsewhere"}
    home.api.push({"message": {"message_id": 1, "date": 1, "chat": chat, "migrate_from_chat_id": -78}})
    home.api.push({"message": {"message_id": 1, "date": 1, "chat": chat, "migrate_to_chat_id": -79}})
    await home.rest()
    assert home.store.moves == {}


async def test_a_message_without_an_answer_is_not_sent_twice(home: House) -> None:
    home.api.cut()
    assert await home.messenger.send(AT_ANA, CARD) is None
    assert len(home.api.messages(ANA)) == 1
    message = await sent(home)
    home.api.cut()
    assert await home.messenger.edit(message, Screen(text=say("other"))) == message  # an edit can be said twice
    assert home.api.last(ANA).text == "other"


async def test_files_come_beside_the_message_and_pictures_carry_it(home: House) -> None:
    message = await sent(home, Screen(text=say("log"), attachment=File("task.log", b"one\ntwo")))
    document = home.api.messages(ANA)[1]
    assert document.document is not None
    assert (document.document.name, document.document.content, document.reply_to) == (
        "task.log",
        b"one\ntwo",
        message.id,
    )
    shown = Screen(text=say("{n}", n=HOSTILE), rows=((Button(say("‹"), Open("status")),),), attachment=Picture(png()))
    picture = await home.messenger.edit(message, shown)
    assert picture is not None
    assert home.api.last(ANA).photo is not None
    assert (home.api.last(ANA).text, home.api.last(ANA).labels) == (HOSTILE, [["‹"]])
    back = await home.messenger.edit(picture, CARD)  # a picture cannot become a text: a new message
    assert back is not None
    assert home.api.last(ANA).text.startswith(HOSTILE)
    assert home.api.last(ANA).photo is None


async def test_progress_is_dropped_rather_than_delayed_and_the_last_word_is_not(home: House) -> None:
    message = await sent(home, place=Place(chat=OPS))
    for second in range(60):
        assert await home.messenger.edit(message, Screen(text=say("{n} s", n=second)), progress=True) == message
    assert 0 < len(home.api.made("editMessageText")) < 20
    await home.messenger.edit(message, Screen(text=say("done")))
    assert home.api.last(OPS).text == "done"


async def test_progress_gives_way_while_an_edit_is_under_way(home: House) -> None:
    message = await sent(home)
    home.api.latency = 0.02
    final = asyncio.create_task(home.messenger.edit(message, Screen(text=say("done"))))
    await breathe()
    assert await home.messenger.edit(message, Screen(text=say("42 s")), progress=True) == message
    await final
    assert home.api.last(ANA).text == "done"
    assert len(home.api.made("editMessageText")) == 1


async def test_edits_of_one_message_keep_their_order(home: House) -> None:
    message = await sent(home)
    slow = [0.03, 0.0]
    home.api.on_call.append(lambda call: setattr(home.api, "latency", slow.pop(0) if slow else 0.0))
    async with asyncio.TaskGroup() as group:
        group.create_task(home.messenger.edit(message, Screen(text=say("first"))))
        group.create_task(home.messenger.edit(message, Screen(text=say("second"))))
    assert home.api.last(ANA).text == "second"


async def test_the_admins_are_told_in_private_each_on_its_own(home: House) -> None:
    roles = Roles(granted={ANA: Role.ADMIN, VERA: Role.VIEWER, BEN: Role.ADMIN, OPS: Role.ADMIN})
    async with house(roles=roles) as other:
        other.api.block(other.with_ana)
        await other.messenger.tell_admins(say("{n} is full", n=HOSTILE))
        assert other.api.last(BEN).text == f"{HOSTILE} is full"
        assert other.api.messages(VERA) == other.api.messages(OPS) == []


async def test_a_copy_button_is_what_the_client_gets(home: House) -> None:
    await sent(home, Screen(text=say("x"), rows=((Button(say("Copy"), Copy("pveum user list")),),)))
    fields = home.api.made("sendMessage")[0].params["reply_markup"]
    assert fields == {"inline_keyboard": [[{"copy_text": {"text": "pveum user list"}, "text": "Copy"}]]}


async def test_a_gateways_page_for_a_message_is_only_a_failure(home: House, caplog: pytest.LogCaptureFixture) -> None:
    home.api.fail("sendMessage", 404, "Not Found")
    assert await home.messenger.send(AT_ANA, CARD) is None
    home.api.fail("sendMessage", 502, "Bad Gateway", times=len(PAUSES) + 1)
    sending = asyncio.create_task(home.messenger.send(AT_ANA, CARD))
    await _wait_out(home)
    assert await sending is None
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 2


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found"])
async def test_a_refusal_in_a_gateways_words_loses_no_alert_and_parks_no_chat(status: str) -> None:
    _, handler = answering(http(status, b"<h1>log in first</h1>"))
    server, chat, _ = await connecting(handler)
    for sent in (await chat.courier.post(AT_ANA, CARD), await chat.courier.revise(Message(place=AT_ANA, id=1), CARD)):
        assert isinstance(sent, Undelivered)
        assert sent.why is Lost.LATER
    assert not chat.courier.met
    await chat.shutdown()
    server.close()


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"ok":true}', b'{"ok":true,"result":true}', b"<html>", b"7"])
async def test_a_gateways_nonsense_for_a_message_is_only_a_failure(body: bytes) -> None:
    _, handler = answering(http("200 OK", body))
    server, chat, _ = await connecting(handler)
    assert await chat.messenger.send(AT_ANA, CARD) is None
    assert await chat.messenger.edit(Message(place=AT_ANA, id=1), CARD) is None
    await chat.messenger.answer("1", say("x"), ANA)
    await chat.shutdown()
    server.close()


async def test_lone_surrogates_anywhere_are_no_reason_to_be_silent(home: House) -> None:
    bad = "\ud800"
    rows = (
        (Button(raw(f"a{bad}b"), Open("vm", bad)), Button(say("{n}", n=bad), Ask("reboot", bad))),
        (Button(say("web"), Link(f"https://192.0.2.1/{bad}")), Button(say("copy"), Copy(bad))),
    )
    file = File(name=f"{bad}.txt", content=b"x")
    message = await sent(
        home, Screen(text=lines(raw(bad), link("x", bad), say("{n}", n=bad)), rows=rows, attachment=file)
    )
    await home.messenger.edit(message, Screen(text=raw(f"again {bad}"), rows=rows))
    assert home.api.messages(ANA)[0].text == "again �"
    assert home.api.messages(ANA)[0].labels == [["a�b", "�"]]
    await home.messenger.answer("1", raw(bad), ANA)
    await home.messenger.tell_admins(raw(bad))
    assert home.api.last(ANA).text == "�"


async def test_a_label_has_bounds(home: House) -> None:
    await sent(home, Screen(text=say("x"), rows=((Button(say("{n}", n="é" * 5000), Open("status")),),)))
    (((label,),)) = home.api.last(ANA).labels
    assert label == "é" * 63 + "…"


async def test_a_long_retry_after_is_answered_at_once_and_ends(home: House) -> None:
    message = await sent(home)
    home.api.fail("editMessageText", 429, "Too Many Requests: retry after 1200", retry_after=1200)
    assert await home.messenger.edit(message, Screen(text=say("done"))) is None
    assert home.clock.asleep == [EVERY]  # nobody but the watchdog
    await home.clock.advance(1199 - 30)
    assert await home.messenger.send(AT_ANA, CARD) is None
    await home.clock.advance(31)
    assert await home.messenger.edit(message, Screen(text=say("done"))) == message
    assert home.api.messages(ANA)[0].text == "done"
