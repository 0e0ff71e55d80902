"""The courier, and the deliverer behind it, at the stand-in Bot API: what Telegram says, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from bot.access import Role, Roles
from bot.chat.polling import EVERY
from bot.deliver import Deliverer
from bot.model import News, NewsKind, Phase, Route, Severity
from bot.ports import Lost, Undelivered
from bot.screen import Ack, Button, Link, Message, Open, Place, Screen
from bot.text import Moment, say
from tests.chat.gateway import answering, connecting, http
from tests.chat.kit import ANA, HOSTILE, OPS, House, breathe, house
from tests.deliver.kit import CRITICAL, Shelf, alert

AT_OPS, NEW = Place(chat=OPS), -1_000_000_777
CARD = Screen(text=say("{name} is wrong", name=HOSTILE), rows=((Button(say("Ack"), Ack("c1")),),))
OTHER = Screen(text=say("{name} is well", name=HOSTILE))


@pytest.fixture
async def home() -> AsyncIterator[House]:
    async with house() as made:
        yield made


async def posted(home: House, place: Place = AT_OPS, screen: Screen = CARD) -> Message:
    sent = await home.messenger.post(place, screen)
    assert isinstance(sent, Message)
    return sent


async def lost(home: House, place: Place = AT_OPS) -> Undelivered:
    sent = await home.messenger.post(place, CARD)
    assert isinstance(sent, Undelivered)
    return sent


async def test_an_alert_sounds_or_not_stands_in_its_topic_and_replies(home: House) -> None:
    topic = home.api.topic(home.ops, "Alerts")
    first = await posted(home, Place(chat=OPS, topic=topic))
    sent = await home.messenger.post(Place(chat=OPS, topic=topic), OTHER, silent=True, reply_to=first.id)
    assert isinstance(sent, Message)
    one, two = home.api.messages(OPS)
    assert (one.silent, two.silent) == (False, True)
    assert (one.topic, two.topic, two.reply_to) == (topic, topic, first.id)
    assert one.text == f"{HOSTILE} is wrong"


async def test_what_is_to_be_spared_waits_for_nothing_and_nothing_waits_for_it(home: House) -> None:
    """Half of a group's minute is never touched by it; an alert goes out at once all the same."""
    line = await posted(home)
    shown = [await home.messenger.revise(line, Screen(text=say("{n}", n=n)), spare=True) for n in range(30)]
    refused = Undelivered(why=Lost.LATER, detail="no room to spare")
    assert shown[0] == line
    assert shown[-1] == refused
    assert len(home.api.made("editMessageText")) == shown.index(refused) < 15
    await asyncio.wait_for(posted(home, screen=OTHER), 20)  # its clock stands still: waiting would be for ever


async def test_a_reply_to_what_was_deleted_is_a_message_all_the_same(home: House) -> None:
    first = await posted(home)
    home.api.last(OPS).deleted = True
    sent = await home.messenger.post(AT_OPS, OTHER, reply_to=first.id)
    assert isinstance(sent, Message)
    assert home.api.last(OPS).reply_to is None


async def test_a_429_is_tried_once_and_the_chat_not_again_before_its_time(home: House) -> None:
    home.api.fail("sendMessage", 429, "Too Many Requests: retry after 30", retry_after=30)
    refused = await lost(home)
    assert (refused.why, refused.after) == (Lost.LATER, 30.0)
    again = await lost(home)
    assert (again.why, again.after) == (Lost.LATER, 30.0)
    assert len(home.api.made("sendMessage")) == 1
    await posted(home, Place(chat=ANA))  # others are not stopped
    await home.clock.advance(30)
    await posted(home)


@pytest.mark.parametrize("code", [500, 502, 503])
async def test_a_fault_of_telegrams_is_later_and_tried_once(home: House, code: int) -> None:
    home.api.fail("sendMessage", code, "Internal Server Error")
    assert (await lost(home)).why is Lost.LATER
    assert len(home.api.made("sendMessage")) == 1


async def test_what_nobody_knows_is_unknown_of_a_message_and_later_of_an_edit(home: House) -> None:
    message = await posted(home)
    home.api.cut()
    assert (await lost(home)).why is Lost.UNKNOWN
    assert len(home.api.messages(OPS)) == 2  # it was shown
    home.api.fail("sendMessage", 504, "Gateway Timeout")
    assert (await lost(home)).why is Lost.UNKNOWN
    home.api.cut()
    edited = await home.messenger.revise(message, OTHER)
    assert isinstance(edited, Undelivered)
    assert edited.why is Lost.LATER
    assert await home.messenger.revise(message, OTHER) == message  # not modified is as good


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"ok":true}', b'{"ok":true,"result":true}'])
async def test_a_gateways_page_is_unknown(body: bytes) -> None:
    for status in ("200 OK", "502 Bad Gateway"):
        server, chat, _ = await connecting(answering(http(status, body))[1])
        sent = await chat.messenger.post(AT_OPS, CARD)
        assert isinstance(sent, Undelivered)
        assert sent.why is Lost.UNKNOWN
        await chat._api._request[1].shutdown()
        server.close()


async def test_no_connection_is_later_and_telegram_counts_as_deaf() -> None:
    server, chat, clock = await connecting(answering(http("200 OK", b""))[1])
    server.close()
    await server.wait_closed()
    assert chat.messenger.deaf == 0
    sent = await chat.messenger.post(AT_OPS, CARD)
    assert isinstance(sent, Undelivered)
    assert sent.why is Lost.LATER
    await clock.advance(400)
    assert chat.messenger.deaf == 400
    await chat._api._request[1].shutdown()


async def test_deaf_is_over_with_any_answer_a_refusal_too(home: House) -> None:
    home.api.cut()
    await lost(home)
    await home.clock.advance(10)
    assert home.messenger.deaf in (0, 10)  # a poll may have been answered meanwhile
    home.api.fail("sendMessage", 500, "Internal Server Error")
    await lost(home)
    await posted(home)
    assert home.messenger.deaf == 0


@pytest.mark.parametrize(("status", "chat"), [("blocked", ANA), ("", 424242)])
async def test_a_chat_that_is_gone(home: House, status: str, chat: int) -> None:
    if status:
        home.api.block(home.with_ana, status)
    assert (await lost(home, Place(chat=chat))).why is Lost.CHAT


async def test_a_chat_that_is_gone_has_its_name_where_it_was_heard_of(home: House) -> None:
    await home.api.ask(home.with_ana, home.ana, "/status")
    home.api.block(home.with_ana, "blocked")
    gone = await lost(home, Place(chat=ANA))
    assert (gone.why, gone.chat) == (Lost.CHAT, home.ana.name)


async def test_a_chat_that_takes_it_in_no_form_has_its_name_too(home: House) -> None:
    await home.api.ask(home.with_ana, home.ana, "/status")
    home.api.fail("sendMessage", 400, "Bad Request: whatever", times=9)
    refused = await lost(home, Place(chat=ANA))
    assert (refused.why, refused.chat) == (Lost.REFUSED, home.ana.name)


async def test_a_topic_that_is_closed_like_general_is_waited_for(home: House) -> None:
    """An alert is not given up for it: the chat is tried again."""
    home.api.fail("sendMessage", 400, "Bad Request: TOPIC_CLOSED", times=2)
    assert (await lost(home, Place(chat=OPS, topic=7))).why is Lost.CHAT


async def test_a_card_that_was_deleted_is_missing(home: House) -> None:
    message = await posted(home)
    home.api.last(OPS).deleted = True
    edited = await home.messenger.revise(message, OTHER)
    assert isinstance(edited, Undelivered)
    assert edited.why is Lost.MISSING


async def test_what_no_form_mends_is_refused(home: House) -> None:
    home.api.fail("sendMessage", 400, "Bad Request: something odd")
    assert (await lost(home)).why is Lost.REFUSED
    assert "omething odd" in (await _refusal(home)).detail


async def _refusal(home: House) -> Undelivered:
    home.api.fail("sendMessage", 400, "Bad Request: something odd")
    return await lost(home)


async def test_a_poorer_form_is_no_second_try(home: House) -> None:
    rows = ((Button(say("Web"), Link("http://localhost:8006")), Button(say("All"), Open("alerts"))),)
    await posted(home, AT_OPS, Screen(text=say("x"), rows=rows))
    assert home.api.last(OPS).labels == [["All"]]


async def test_the_new_group_is_told_by_the_place_and_its_old_messages_are_missing() -> None:
    small, big = -4242, -1_004_242
    async with house(roles=Roles(granted={small: Role.OPERATOR})) as other:
        group = other.api.group(small, "Small", supergroup=False)
        message = await posted(other, Place(chat=small))
        group.moved_to = big
        other.api.group(big, "Small", bot_admin=True)
        sent = await other.messenger.post(Place(chat=small), CARD, reply_to=message.id)
        assert sent == Message(place=Place(chat=big), id=1)
        edited = await other.messenger.revise(message, OTHER)
        assert isinstance(edited, Undelivered)
        assert edited.why is Lost.MISSING
        assert other.store.moves == {small: big}


async def test_pins_and_unpins_silently_and_says_where_it_may_not(home: House) -> None:
    message = await posted(home)
    assert await home.messenger.pin(message)
    assert home.ops.pins == [message.id]
    assert home.api.made("pinChatMessage")[0].params["disable_notification"] == "true"
    assert await home.messenger.unpin(message)
    home.ops.bot_status = "kicked"
    assert not await home.messenger.pin(message)


async def test_alerts_delay_no_answer(home: House) -> None:
    async def flood() -> None:
        for number in range(40):
            await home.messenger.post(AT_OPS, Screen(text=say("{n}", n=number)))

    flooding = asyncio.create_task(flood())
    await home.api.wait_for(lambda: len(home.api.messages(OPS)) >= 15)
    await breathe()
    assert await home.messenger.send(AT_OPS, Screen(text=say("the answer"))) is not None
    assert home.api.last(OPS).text == "the answer"
    assert len(home.api.messages(OPS)) == 16
    assert home.clock.asleep != [EVERY]
    flooding.cancel()


# -- with the deliverer ------------------------------------------------------------------------------------------------


async def test_an_alert_goes_all_the_way_through_whatever_breaks(home: House) -> None:
    shelf = Shelf()
    deliverer = Deliverer(
        shelf, home.messenger, home.clock, home.spawn, ceiling=lambda chat: Role.OPERATOR, routes=[Route(chat=OPS)],
        zone=UTC,
    )  # fmt: skip
    fired = alert(1, CRITICAL, fired=home.clock.now())
    home.api.fail("sendMessage", 429, "Too Many Requests: retry after 5", retry_after=5)
    home.api.fail("sendMessage", 500, "Internal Server Error")

    async def tick(now: tuple[News, ...]) -> None:
        changes = deliverer.take({item.alert.number: item.alert for item in now}, now)
        await shelf.save(changes)
        deliverer.wake()

    async def drained() -> None:
        for _ in range(20):
            pause = await deliverer.drain(OPS)
            if not pause:
                return
            await home.clock.advance(pause)

    await tick((News(kind=NewsKind.FIRED, alert=fired),))
    await drained()
    (card,) = home.api.messages(OPS)
    assert card.text.startswith("🔴")
    assert not card.silent
    assert HOSTILE in card.text
    over = alert(1, CRITICAL, fired=fired.fired, phase=Phase.OVER, over=home.clock.now(), told=True)
    home.api.cut()  # the recovery is shown, its answer lost
    await tick((News(kind=NewsKind.RESOLVED, alert=over),))
    await drained()
    assert card.text.startswith("🟢")
    assert [reply.silent for reply in home.api.messages(OPS)[1:]] == [True, True]  # one duplicate for a lost answer
    assert all(row.closed for row in shelf.cards.values())
    assert shelf.outbox == {}


async def test_a_button_that_cannot_be_kept_is_left_out_and_the_alert_told(home: House) -> None:
    """A full disk: a failed task's Log button carries more than fits a tap."""
    home.store.full = True
    rows = ((Button(say("Log"), Open("task", "x" * 80)), Button(say("Ack"), Ack("c1"))),)
    await posted(home, screen=Screen(text=say("{name} failed", name=HOSTILE), rows=rows))
    assert home.api.last(OPS).labels == [["Ack"]]


async def test_what_cannot_be_put_into_words_holds_up_nothing(home: House) -> None:
    broken = Screen(text=Moment(at=datetime(2026, 11, 24, tzinfo=UTC), form="\ud800"))
    sent = await home.messenger.post(AT_OPS, broken)
    assert isinstance(sent, Undelivered)
    assert sent.why is Lost.REFUSED
    await posted(home)


@pytest.mark.parametrize("before", [False, True])
async def test_a_group_that_moved_keeps_what_was_set_and_is_told_at_once(home: House, before: bool) -> None:
    """By Telegram's own message about it, long before there is something to be told; `before`: a former process saw
    it, and was ended before it could say so to the deliverer."""
    deliverer = Deliverer(
        Shelf(), home.chat.courier, home.clock, home.spawn,
        ceiling=lambda chat: Role.OPERATOR, routes=[Route(chat=OPS, least=Severity.CRITICAL)],
    )  # fmt: skip
    home.chat.members.moved = deliverer.moved
    await deliverer.subscribe(Route(chat=OPS, topic=None))
    await deliverer.set_habits(replace(deliverer.habits(OPS), quiet_from=time(22), quiet_to=time(8)))
    if before:
        home.store.moves[OPS] = NEW
        await home.chat.members.load()
    else:
        home.api.push({"message": {"message_id": 1, "date": 1, "chat": {"id": OPS, "type": "group", "title": "Ops"},
                                   "migrate_to_chat_id": NEW}})  # fmt: skip
    await home.rest()
    assert {route.chat for route in deliverer.routes()} == {NEW}
    assert deliverer.habits(NEW).quiet_from == time(22)
    await deliverer.set_habits(replace(deliverer.habits(NEW), quiet_from=time(23)))
    deliverer.moved(OPS, NEW)  # heard of again: what was set there stays
    await home.rest()
    assert deliverer.habits(NEW).quiet_from == time(23)
