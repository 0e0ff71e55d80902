"""Who is let in, and what the others cost: nothing."""

import logging
from collections.abc import Mapping

import pytest
from telegram import Update
from telegram.ext import TypeHandler

from bot.access import Role, Roles
from bot.model.view import Stranger
from bot.screen import Ask, Place, Screen
from bot.text import say
from tests.chat.kit import ANA, BEN, ELSEWHERE, MALLORY, OPS, VERA, House, house


async def test_a_command_is_answered_with_a_page(home: House) -> None:
    card = await home.api.ask(home.with_vera, home.vera, "/status")
    assert card.text.splitlines() == ["homelab", 'web<1>_&" runs', "for viewer"]
    assert card.labels == [['web<1>_&"', "↻"], ["Audit", "Reboot"], ["Web UI ↗", "Copy"]]
    assert [button.style for button in card.buttons] == ["", "", "", "danger", "", ""]


async def test_a_stranger_costs_no_call_and_one_log_line_an_hour(home: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bot.chat")
    before = len(home.api.made())
    for words in ("/start", "/status", "/id", "hello"):
        await home.api.say(home.with_mallory, home.mallory, words)
    await home.api.say(home.elsewhere, home.mallory, "/status")
    await home.api.say(home.elsewhere, home.ana, "/status")  # an admin, but not where the bot is unknown
    await home.api.forge(home.with_mallory, home.mallory, 1, "aqreboot:main/101", wait=False)
    await home.api.forge(home.elsewhere, home.ana, 1, "aqreboot:main/101", wait=False)
    await home.rest()
    assert len(home.api.made()) == before
    assert home.acts.taps == []
    told = [record.getMessage() for record in caplog.records if "TELEMOX_VIEWERS" in record.getMessage()]
    assert told == [
        f"unknown person {MALLORY} was not answered; to let it in: TELEMOX_VIEWERS={MALLORY}",
        f"unknown group {ELSEWHERE} was not answered; to let it in: TELEMOX_VIEWERS={ELSEWHERE}",
    ]
    await home.clock.advance(3601)
    await home.api.say(home.with_mallory, home.mallory, "/start")
    await home.rest()
    assert sum("TELEMOX_VIEWERS" in record.getMessage() for record in caplog.records) == 3


async def test_a_group_gives_its_role_to_all_and_a_person_keeps_a_higher_one(home: House) -> None:
    card = await home.api.ask(home.ops, home.mallory, "/status")
    assert card.text.endswith("for viewer")
    card = await home.api.ask(home.ops, home.ben, "/status")
    assert card.text.endswith("for operator")


async def test_a_ceiling_keeps_a_wall_display_read_only() -> None:
    roles = Roles(granted={ANA: Role.ADMIN, OPS: Role.VIEWER}, ceilings={OPS: Role.VIEWER})
    async with house(roles=roles) as home:
        card = await home.api.ask(home.ops, home.ana, "/status")
        assert card.text.endswith("for viewer")
        answer = await home.api.tap(card, "Reboot", home.ana)
        assert answer is not None
        assert "needs operator" in answer.text
        assert home.acts.taps == []


async def test_an_anonymous_admin_has_the_groups_role_viewer_at_most() -> None:
    async with house(roles=Roles(granted={ANA: Role.ADMIN, OPS: Role.OPERATOR})) as home:
        card = await home.api.ask(home.ops, home.mallory, "/status")
        assert card.text.endswith("for operator")
        before = len(home.api.messages(home.ops)) + 1
        await home.api.say(home.ops, home.ana, "/status", anonymous=True)
        card = await home.api.next_message(home.ops, before)
        assert card.text.endswith("for viewer")
        answer = await home.api.tap(card, "Reboot", home.ana)  # the press carries the real person
        assert answer is not None
        assert answer.text == ""
        await home.rest()
        assert home.acts.taps == [(Ask("reboot", "main/101"), ANA)]


async def test_a_channels_post_is_answered_as_a_viewer() -> None:
    channel = -1_000_900
    async with house(roles=Roles(granted={channel: Role.ADMIN})) as home:
        chat = home.api.channel(channel, "News")
        await home.api.say(chat, None, "/status")
        assert (await home.api.next_message(chat, 1)).text.endswith("for viewer")


async def test_who_presses_in_a_channel_has_no_more_of_it_than_a_viewer() -> None:
    """Anybody may join a channel, and press."""
    channel = -1_000_900
    granted = {channel: Role.ADMIN, BEN: Role.OPERATOR}
    async with house(roles=Roles(granted=granted, ceilings={channel: Role.ADMIN})) as home:
        home.acts.refuse = None
        chat = home.api.channel(channel, "News")
        await home.api.say(chat, None, "/status")
        post = await home.api.next_message(chat, 1)
        for one, role in ((home.mallory, Role.VIEWER), (home.ben, Role.OPERATOR)):
            await home.api.forge(chat, one, post.id, "aostatus:")
            await home.rest()
            assert home.api.last(channel).text.endswith(f"for {role.word}")


@pytest.mark.parametrize(
    "fields",
    [
        {"forward_origin": {"type": "user", "date": 1, "sender_user": {"id": 66, "is_bot": False, "first_name": "M"}}},
        {"forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "web<1>_&"}},
        {"via_bot": {"id": 4242, "is_bot": True, "first_name": "Another bot", "username": "another_bot"}},
    ],
)
async def test_somebody_elses_words_are_not_obeyed(home: House, fields: dict[str, object]) -> None:
    message = {"message_id": 900, "date": int(home.clock.now().timestamp()), "text": "/status",
               "chat": home.with_ben.to_dict(), "from": home.ben.to_dict(), **fields}  # fmt: skip
    home.api.push({"message": message})
    await home.rest()
    assert home.world.shown == []
    home.api.push({"message": {key: value for key, value in message.items() if key not in fields}})
    await home.rest()
    assert home.world.shown == ["status"]


@pytest.mark.parametrize(
    "fields",
    [
        {"from": {"id": 777000, "is_bot": False, "first_name": "Telegram"}, "is_automatic_forward": True,
         "sender_chat": {"id": -1_000_900, "type": "channel", "title": "News"}},
        {"from": {"id": 4711, "is_bot": True, "first_name": "Another bot"}},
        {"from": {"id": 777000, "is_bot": False, "first_name": "Telegram"},
         "sender_chat": {"id": -1_000_900, "type": "channel", "title": "News"}},
        {"from": {"id": 777000, "is_bot": False, "first_name": "Telegram"}},
        {"from": {"id": 777000, "is_bot": False, "first_name": "Telegram"},
         "sender_chat": {"id": OPS, "type": "supergroup", "title": "Ops"}},
        {"from": {"id": 136817688, "is_bot": True, "first_name": "Channel"}},
        {"from": {"id": 1087968824, "is_bot": True, "first_name": "Group"}},
        {"from": {"id": 1087968824, "is_bot": True, "first_name": "Group"},
         "sender_chat": {"id": ELSEWHERE, "type": "supergroup", "title": "Elsewhere"}},
    ],
)  # fmt: skip
async def test_forwards_of_a_linked_channel_and_other_bots_are_nobody(home: House, fields: dict[str, object]) -> None:
    message = {"message_id": 900, "date": int(home.clock.now().timestamp()), "text": "/status",
               "chat": {"id": OPS, "type": "supergroup", "title": "Ops"}, **fields}  # fmt: skip
    home.api.push({"message": message})
    await home.rest()
    assert home.world.shown == []


@pytest.mark.parametrize("writer", [136817688, ANA])
async def test_somebody_who_writes_as_a_channel_is_no_person(home: House, writer: int) -> None:
    message = {"message_id": 900, "date": int(home.clock.now().timestamp()), "text": "/status",
               "chat": {"id": OPS, "type": "supergroup", "title": "Ops"},
               "from": {"id": writer, "is_bot": writer != ANA, "first_name": "Channel"},
               "sender_chat": {"id": -1_000_900, "type": "channel", "title": "News"}}  # fmt: skip
    home.api.push({"message": message})
    assert (await home.api.next_message(home.ops, 0)).text.endswith("for viewer")


@pytest.mark.parametrize("sign", [777000, 136817688, 1087968824])
async def test_nobody_presses_a_button(home: House, sign: int) -> None:
    card = await home.api.ask(home.ops, home.ben, "/status")
    await home.api.forge(home.ops, home.api.user(sign, "Nobody"), card.id, "aovm:main/101", wait=False)
    await home.rest()
    assert home.world.shown == ["status"]
    assert home.api.made("answerCallbackQuery") == []


async def test_edited_commands_are_not_obeyed_again(home: House) -> None:
    await home.api.ask(home.with_ana, home.ana, "/status")
    await home.api.say(home.with_ana, home.ana, "/vm 101", edited=True)
    await home.rest()
    assert home.world.shown == ["status"]


async def test_every_kind_of_update_passes_the_door_and_nothing_comes_of_it(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    user = {"id": ANA, "is_bot": False, "first_name": "Ana"}
    chat = {"id": ANA, "type": "private", "first_name": "Ana"}
    now = int(home.clock.now().timestamp())
    before = len(home.api.made())
    for update in (
        {"inline_query": {"id": "1", "from": user, "query": "web", "offset": ""}},
        {"chosen_inline_result": {"result_id": "1", "from": user, "query": "web"}},
        {"callback_query": {"id": "1", "from": user, "chat_instance": "1", "inline_message_id": "x", "data": "ao"}},
        {"edited_channel_post": {"message_id": 1, "date": now, "chat": {"id": -5, "type": "channel", "title": "x"}}},
        {"message": {"message_id": 7, "date": now, "chat": chat, "from": user, "sticker": {
            "file_id": "a", "file_unique_id": "b", "type": "regular", "width": 1, "height": 1, "is_animated": False,
            "is_video": False}}},
        {"poll": {"id": "1", "question": "?", "options": [], "total_voter_count": 0, "is_closed": True,
                  "is_anonymous": True, "type": "regular", "allows_multiple_answers": False,
                  "allows_revoting": True, "members_only": False}},
        {"chat_join_request": {"chat": chat, "from": user, "user_chat_id": ANA, "date": now}},
        {"message_reaction": {"chat": chat, "message_id": 1, "date": now, "old_reaction": [], "new_reaction": []}},
    ):  # fmt: skip
        home.api.push(update)
    home.api.block(home.with_vera)
    await home.rest()
    assert len(home.api.made()) == before
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_what_is_not_let_in_reaches_no_handler(home: House) -> None:
    seen: list[Update] = []

    async def probe(update: Update, context: object) -> None:
        seen.append(update)

    assert home.chat._app is not None
    home.chat._app.add_handler(TypeHandler(Update, probe), group=5)
    await home.api.say(home.with_mallory, home.mallory, "/status")
    await home.api.say(home.elsewhere, home.ana, "/status")
    await home.api.forge(home.with_mallory, home.mallory, 1, "aostatus:", wait=False)
    await home.api.say(home.with_ana, home.ana, "x", edited=True)
    await home.rest()
    assert seen == []
    await home.api.ask(home.with_ana, home.ana, "/status")
    assert len(seen) == 1


async def test_a_door_that_breaks_lets_nobody_in(home: House, caplog: pytest.LogCaptureFixture) -> None:
    """PTB goes on to the next group after an exception; ours must not."""
    assert home.chat._app is not None
    seen: list[Update] = []

    async def probe(update: Update, context: object) -> None:
        seen.append(update)

    async def breaks(update: Update, context: object) -> None:
        raise RuntimeError("the door fell off")

    home.chat._app.add_handler(TypeHandler(Update, breaks), group=-2)
    home.chat._app.add_handler(TypeHandler(Update, probe), group=5)
    await home.api.say(home.with_ana, home.ana, "/status")
    await home.rest()
    assert seen == []
    assert home.world.shown == []
    assert any(record.exc_info for record in caplog.records)


async def test_over_the_flood_bound_silence_and_one_note_to_the_admins() -> None:
    async with house(flood=3) as home:
        for _ in range(5):
            await home.api.say(home.with_vera, home.vera, "/status")
        await home.api.ask(home.with_ben, home.ben, "/status")  # others are heard
        await home.api.wait_for(lambda: any(m.from_bot for m in home.api.messages(home.with_ana)))
        await home.rest()
        assert sum(m.from_bot for m in home.api.messages(home.with_vera)) == 3
        assert [m.text for m in home.api.messages(home.with_ana)] == [
            "Vera (1003) sends more than 3 messages a minute. What is over that is ignored."
        ]
        await home.clock.advance(61)
        await home.api.ask(home.with_vera, home.vera, "/status")
        assert sum(m.from_bot for m in home.api.messages(home.with_ana)) == 1


async def test_the_door_names_the_updates_it_wants(home: House) -> None:
    asked = home.api.made("getUpdates")[-1].params["allowed_updates"]
    assert isinstance(asked, list)
    assert {"message", "edited_message", "channel_post", "callback_query", "my_chat_member"} <= set(asked)


async def test_menus_by_role_and_none_for_strangers(home: House) -> None:
    await home.api.wait_for(lambda: len(home.api.made("setMyCommands")) == 4)
    assert [call.params for call in home.api.made("deleteMyCommands")] == [{"scope": {"type": "default"}}]
    shown = {chat: [row["command"] for row in home.api.commands.shown(home.api.world.chats[chat], user)]
             for chat, user in ((ANA, ANA), (VERA, VERA), (OPS, MALLORY), (MALLORY, MALLORY))}  # fmt: skip
    assert shown == {
        ANA: ["start", "status", "vm", "audit"],
        VERA: ["start", "status", "vm"],
        OPS: ["start", "status", "vm"],
        MALLORY: [],
    }


async def test_a_menu_that_failed_is_set_when_the_person_first_writes() -> None:
    async with house(roles=Roles(granted={4242: Role.VIEWER})) as home:
        await home.api.wait_for(lambda: len(home.api.made("setMyCommands")) == 1)
        assert home.api.made("setMyCommands")[0].error
        dora = home.api.user(4242, "Dora")
        chat = home.api.private(dora)
        await home.api.ask(chat, dora, "/status")
        await home.api.wait_for(lambda: bool(home.api.commands.shown(chat, 4242)))
        await home.api.ask(chat, dora, "/status")
        assert len(home.api.made("setMyCommands")) == 2


async def test_a_refused_role_is_said(home: House) -> None:
    card = await home.api.ask(home.with_vera, home.vera, "/audit")
    assert card.text == "Your role here is viewer; /audit needs admin."


_A: dict[str, object] = {"id": ANA, "is_bot": False, "first_name": "A"}
_PRIVATE: dict[str, object] = {"id": ANA, "type": "private"}
_SAID: dict[str, object] = {"message_id": 1, "date": 1, "text": "/status", "chat": _PRIVATE, "from": _A}
_PRESS: dict[str, object] = {"id": "1", "chat_instance": "1", "data": "x", "from": _A, "message": _SAID}
_ODD_CHATS: tuple[object, ...] = (None, {}, {"id": "x", "type": "private"}, {"id": None, "type": "group"})
_ODD_IDS: tuple[object, ...] = ([], {}, "x", None)
_ODD_UPDATES: tuple[Mapping[str, object], ...] = (
    *({kind: _SAID | {"chat": chat}}
      for kind in ("message", "edited_message", "channel_post", "edited_channel_post") for chat in _ODD_CHATS),
    *({"callback_query": _PRESS | {"message": _SAID | {"chat": chat}}} for chat in _ODD_CHATS),
    {"callback_query": {key: value for key, value in _PRESS.items() if key != "from"}},
    {"callback_query": _PRESS | {"data": [1], "message": {"message_id": "1", "date": 0, "chat": _PRIVATE}}},
    {"message": _SAID | {"date": None}}, {"message": _SAID | {"text": 7}},
    *({"message": _SAID | {"from": _A | {"id": id_}}} for id_ in _ODD_IDS),
    {"my_chat_member": {"chat": None, "date": 1}}, {"inline_query": {"id": "1", "query": "x"}}, {"poll": {}}, {},
)  # fmt: skip


async def test_odd_updates_are_nobodys_and_raise_nothing(home: House, caplog: pytest.LogCaptureFixture) -> None:
    before = len(home.api.made())
    for update in _ODD_UPDATES:
        home.api.push(dict(update))
    await home.rest()
    home.api.push({"message": _SAID | {"from": _A | {"id": []}}})  # in a batch of its own, that PTB can parse
    await home.rest()
    assert "an update failed" not in caplog.text
    assert len(home.api.made()) == before
    card = await home.api.ask(home.with_vera, home.vera, "/status")
    assert card.text.endswith("for viewer")


async def test_signs_of_life_of_a_chat_and_whether_the_bot_may_speak_there(home: House) -> None:
    heard: list[tuple[int, bool]] = []
    home.chat.heard = lambda chat, speaks: heard.append((chat, speaks))
    await home.api.say(home.ops, home.mallory, "what people say among themselves")
    await home.api.say(home.elsewhere, home.mallory, "/status")  # not served
    await home.rest()
    assert heard == [(OPS, False)]
    heard.clear()
    home.api.block(home.ops, "kicked")
    home.api.promote(home.ops, "member")
    home.api.block(home.with_vera)
    home.api.promote(home.with_vera, "member")
    await home.rest()
    assert heard == [(OPS, False), (OPS, True), (VERA, False), (VERA, True)]
    heard.clear()
    await home.api.ask(home.ops, home.ben, "/status")
    await home.rest()
    assert heard == [(OPS, False), (OPS, True)]  # the answer was taken


async def test_that_telegram_answers_again_is_told_once(home: House) -> None:
    told: list[str] = []
    home.chat.on_return(lambda: told.append("again"))
    await home.api.ask(home.with_ben, home.ben, "/status")
    assert told == []
    home.api.fail("sendMessage", 502, "Bad Gateway")
    await home.chat.courier.post(Place(chat=BEN), Screen(text=say("an alert")))
    assert told == []
    for _ in range(2):
        await home.chat.courier.post(Place(chat=BEN), Screen(text=say("an alert")))
    assert told == ["again"]


async def test_the_watch_hears_of_a_stranger_once_an_hour_and_chat(home: House) -> None:
    heard: list[Stranger] = []
    home.chat.strange = heard.append
    for _ in range(3):
        await home.api.say(home.with_mallory, home.mallory, "/start")
        await home.api.say(home.elsewhere, home.mallory, "/status")
    await home.api.say(home.with_vera, home.vera, "/status")
    await home.rest()
    assert [(one.id, one.chat, one.name) for one in heard] == [
        (MALLORY, MALLORY, "Mallory"),
        (MALLORY, ELSEWHERE, "Mallory"),
    ]
    await home.clock.advance(3601)
    await home.api.say(home.with_mallory, home.mallory, "/start")
    await home.rest()
    assert len(heard) == 3
