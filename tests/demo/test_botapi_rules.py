"""The stand-in refuses what Telegram refuses, in the same words; what it grants looks the same too."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.demo.telegram import BotApi, Chat, User

HOSTILE = 'web<1>_&"'


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Bot:
    """The bot's side: one call at a time, answers as they come."""

    def __init__(self, api: BotApi, http: httpx.AsyncClient) -> None:
        self.api, self._http = api, http

    async def raw(self, method: str, *, token: str = "", **params: Any) -> httpx.Response:
        url = f"{self.api.base_url}/bot{token or self.api.token}/{method}"
        form = {k: v if isinstance(v, str) else json.dumps(v) for k, v in params.items()}
        return await self._http.post(url, data=form)

    async def ok(self, method: str, **params: Any) -> Any:
        answer = (await self.raw(method, **params)).json()
        assert answer["ok"], answer
        return answer["result"]

    async def refused(self, method: str, **params: Any) -> str:
        """Code and description."""
        response = await self.raw(method, **params)
        answer = response.json()
        assert not answer["ok"], answer
        assert response.status_code == answer["error_code"]
        return f"{answer['error_code']} {answer['description']}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def bot(clock: Clock) -> AsyncIterator[Bot]:
    async with BotApi(now=clock) as api, httpx.AsyncClient(timeout=5) as http:
        yield Bot(api, http)


@pytest.fixture
def ana(bot: Bot) -> User:
    return bot.api.user(1, HOSTILE)


@pytest.fixture
def chat(bot: Bot, ana: User) -> Chat:
    return bot.api.private(ana)


def keyboard(**button: Any) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "x", **button}]]}


# --- the door


async def test_token_and_method_are_checked(bot: Bot) -> None:
    wrong = await bot.raw("getMe", token="1:wrong")
    assert (wrong.status_code, wrong.json()["description"]) == (401, "Unauthorized")
    assert await bot.refused("fly") == "404 Not Found: method not found"
    assert (await bot.ok("GETME"))["username"] == "telemox_demo_bot"


async def test_date_header_is_the_servers_clock(bot: Bot) -> None:
    assert (await bot.raw("getMe")).headers["date"] == "Fri, 15 Jan 2027 08:00:00 GMT"


@pytest.mark.parametrize("kind", ["query", "form", "json", "multipart"])
async def test_parameters_arrive_in_each_way(bot: Bot, chat: Chat, kind: str) -> None:
    url = f"{bot.api.base_url}/bot{bot.api.token}/sendMessage"
    params = {"chat_id": "1", "text": "a=b&c ü\r\n--x"}
    async with httpx.AsyncClient() as http:
        if kind == "query":
            response = await http.get(url, params=params)
        elif kind == "form":
            response = await http.post(url, data=params)
        elif kind == "json":
            response = await http.post(url, json={"chat_id": 1, "text": params["text"]})
        else:
            response = await http.post(url, data=params, files={"unused": ("a", b"--x\r\n\x00")})
    assert response.json()["result"]["text"] == "a=b&c ü\n--x"
    assert bot.api.calls[-1].params["chat_id"] == 1


# --- sending


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"chat_id": "", "text": "x"}, "400 Bad Request: chat_id is empty"),
        ({"chat_id": 5, "text": "x"}, "400 Bad Request: chat not found"),
        ({"chat_id": 1}, "400 Bad Request: message text is empty"),
        ({"chat_id": 1, "text": "x" * 4097}, "400 Bad Request: message is too long"),
        ({"chat_id": 1, "text": "x", "parse_mode": "odd"}, "400 Bad Request: unsupported parse_mode"),
        (
            {"chat_id": 1, "text": "x", "reply_parameters": {"message_id": 99}},
            "400 Bad Request: message to be replied not found",
        ),
        ({"chat_id": 1, "text": "x", "reply_markup": "{"}, "400 Bad Request: can't parse reply keyboard markup JSON"),
        ({"chat_id": 1, "text": "x", "reply_markup": "[]"}, "400 Bad Request: object expected as reply markup"),
    ],
)
async def test_send_refuses(bot: Bot, chat: Chat, params: dict[str, Any], error: str) -> None:
    assert (await bot.refused("sendMessage", **params)).startswith(error)
    assert bot.api.messages(chat) == []


BUTTON = "400 Bad Request: can't parse inline keyboard button: "


@pytest.mark.parametrize(
    ("markup", "error"),
    [
        (keyboard(callback_data="x" * 65), "400 Bad Request: BUTTON_DATA_INVALID"),
        (keyboard(callback_data="ü" * 33), "400 Bad Request: BUTTON_DATA_INVALID"),
        (keyboard(callback_data=""), BUTTON + "Text buttons are unallowed in the inline keyboard"),
        (keyboard(), BUTTON + "Text buttons are unallowed in the inline keyboard"),
        (keyboard(callback_data="x", style="red"), BUTTON + "invalid button style specified"),
        (keyboard(copy_text={"text": "x" * 257}), "400 Bad Request: BUTTON_COPY_TEXT_INVALID"),
        (keyboard(text=" ", callback_data="x"), "400 Bad Request: inline keyboard button text must be non-empty"),
        (
            keyboard(url="http://localhost"),
            "400 Bad Request: inline keyboard button URL 'http://localhost' is invalid: Wrong HTTP URL",
        ),
        ({"inline_keyboard": [{}]}, '400 Bad Request: field "inline_keyboard" of the InlineKeyboardMarkup must be'),
    ],
)
async def test_buttons_are_checked(bot: Bot, chat: Chat, markup: dict[str, Any], error: str) -> None:
    assert (await bot.refused("sendMessage", chat_id=1, text="x", reply_markup=markup)).startswith(error)


async def test_a_button_with_several_actions_keeps_the_first(bot: Bot, chat: Chat) -> None:
    markup = keyboard(url="https://192.0.2.1:8006", callback_data="d", copy_text={"text": "c"}, style="danger")
    sent = await bot.ok("sendMessage", chat_id=1, text="x", reply_markup=markup)
    assert sent["reply_markup"]["inline_keyboard"] == [
        [{"text": "x", "url": "https://192.0.2.1:8006/", "style": "danger"}]
    ]


async def test_what_stands_between_the_bot_and_a_chat(bot: Bot, ana: User, chat: Chat) -> None:
    async def sending(to: int = 1) -> str:
        return await bot.refused("sendMessage", chat_id=to, text="x")

    group = bot.api.group(-5, "Ops", supergroup=False)
    bot.api.block(chat)
    assert await sending() == "403 Forbidden: bot was blocked by the user"
    bot.api.block(chat, "deactivated")
    assert await sending() == "403 Forbidden: user is deactivated"
    bot.api.private(ana, started=False)
    assert await sending() == "403 Forbidden: bot can't initiate conversation with a user"
    bot.api.block(group, "kicked")
    assert await sending(-5) == "403 Forbidden: bot was kicked from the group chat"
    bot.api.block(group, "left")
    assert await sending(-5) == "403 Forbidden: bot is not a member of the group chat"
    assert [k for u in await bot.ok("getUpdates") for k in u if k != "update_id"] == ["my_chat_member"] * 4


async def test_a_person_who_writes_has_unblocked_the_bot(bot: Bot, ana: User, chat: Chat) -> None:
    bot.api.block(chat)
    await bot.api.say(chat, ana, "hi")
    await bot.ok("sendMessage", chat_id=1, text="x")


async def test_a_group_that_moved_says_where(bot: Bot, ana: User) -> None:
    group = bot.api.group(-5, "Ops", supergroup=False)
    await bot.api.say(group, ana, "/x")
    bot.api.upgrade(group, -1005)
    response = await bot.raw("sendMessage", chat_id=-5, text="x")
    assert response.json() == {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": -1005},
    }
    await bot.ok("sendMessage", chat_id=-1005, text="x")
    moves = [u["message"] for u in await bot.ok("getUpdates")][1:]
    assert [(m["chat"]["id"], m.get("migrate_to_chat_id"), m.get("migrate_from_chat_id")) for m in moves] == [
        (-5, -1005, None),
        (-1005, None, -5),
    ]


async def test_topics(bot: Bot, ana: User, chat: Chat) -> None:
    forum = bot.api.group(-1005, "Ops", forum=True)
    alerts = bot.api.topic(forum, "Alerts")
    missing = "400 Bad Request: message thread not found"
    assert await bot.refused("sendMessage", chat_id=-1005, text="x", message_thread_id=1) == missing
    assert await bot.refused("sendMessage", chat_id=-1005, text="x", message_thread_id=77) == missing
    sent = await bot.ok("sendMessage", chat_id=-1005, text="x", message_thread_id=alerts)
    assert (sent["message_thread_id"], sent["is_topic_message"]) == (alerts, True)
    assert "message_thread_id" not in await bot.ok("sendMessage", chat_id=1, text="x", message_thread_id=77)
    asked = await bot.api.say(forum, ana, "/status", alerts)
    assert asked.to_dict()["is_topic_message"] is True


async def test_only_people_it_knows_are_linked(bot: Bot, chat: Chat) -> None:
    html = '<a href="tg://user?id=1">her</a> <a href="tg://user?id=99">nobody</a>'
    sent = await bot.ok("sendMessage", chat_id=1, text=html, parse_mode="HTML")
    assert [(e["type"], e["user"]["first_name"]) for e in sent["entities"]] == [("text_mention", HOSTILE)]


async def test_a_reply_goes_to_the_topic_of_its_message(bot: Bot, ana: User) -> None:
    forum = bot.api.group(-1005, "Ops", forum=True)
    alerts = bot.api.topic(forum, "Alerts")
    asked = await bot.api.say(forum, ana, "/status", alerts)
    sent = await bot.ok("sendMessage", chat_id=-1005, text="x", reply_parameters={"message_id": asked.id})
    assert (sent["message_thread_id"], sent["reply_to_message"]["text"]) == (alerts, "/status")


async def test_what_it_was_not_taught_it_says(bot: Bot, chat: Chat) -> None:
    assert await bot.refused("sendMessage", chat_id=1, text="x", entities=[]) == (
        "501 Not Implemented: the stand-in was not taught entities"
    )
    assert (await bot.refused("sendMessage", chat_id=1, text="x", parse_mode="Markdown")).startswith("501 ")
    assert (await bot.refused("sendMessage", chat_id=1, text="x", reply_markup={"keyboard": []})).startswith("501 ")


# --- editing and deleting


async def test_edits(bot: Bot, ana: User, chat: Chat) -> None:
    asked = await bot.api.say(chat, ana, "/x")
    sent = await bot.ok("sendMessage", chat_id=1, text="<b>a</b>", parse_mode="HTML", reply_markup=keyboard(url="t.me"))
    edit = {"chat_id": 1, "message_id": sent["message_id"], "parse_mode": "HTML"}
    assert (await bot.refused("editMessageText", **edit, text="<b>a</b> ", reply_markup=keyboard(url="t.me"))) == (
        "400 Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
        "as a current content and reply markup of the message"
    )
    assert "reply_markup" not in await bot.ok("editMessageText", **edit, text="<b>a</b>")
    message = bot.api.last(chat)
    assert (message.html, message.edits, message.buttons) == ("<b>a</b>", 1, [])
    wrong = {"chat_id": 1, "text": "x"}
    assert await bot.refused("editMessageText", **wrong, message_id=99) == "400 Bad Request: message to edit not found"
    not_its_own = "400 Bad Request: message can't be edited"
    assert await bot.refused("editMessageText", **wrong, message_id=asked.id) == not_its_own
    nothing = "400 Bad Request: message identifier is not specified"
    assert await bot.refused("editMessageText", **wrong) == nothing


async def test_deleting(bot: Bot, ana: User, chat: Chat, clock: Clock) -> None:
    group = bot.api.group(-1005, "Ops")
    theirs = await bot.api.say(group, ana, "/x")
    sent = await bot.ok("sendMessage", chat_id=1, text="x")
    old = await bot.ok("sendMessage", chat_id=1, text="old")
    assert await bot.ok("deleteMessage", chat_id=1, message_id=sent["message_id"])
    gone = "400 Bad Request: message to delete not found"
    assert await bot.refused("deleteMessage", chat_id=1, message_id=sent["message_id"]) == gone
    kept = "400 Bad Request: message can't be deleted"
    assert await bot.refused("deleteMessage", chat_id=-1005, message_id=theirs.id) == kept
    clock.now += 48 * 3600 + 1
    assert await bot.refused("deleteMessage", chat_id=1, message_id=old["message_id"]) == kept


# --- taps


async def test_a_tap_is_answered_once_and_in_time(bot: Bot, ana: User, chat: Chat, clock: Clock) -> None:
    await bot.ok("sendMessage", chat_id=1, text="x", reply_markup=keyboard(callback_data="go"))
    message = bot.api.last(chat)
    first = bot.api.press(message, "go", ana)
    too_old = "400 Bad Request: query is too old and response timeout expired or query ID is invalid"
    assert await bot.refused("answerCallbackQuery", callback_query_id="7") == too_old
    long = await bot.refused("answerCallbackQuery", callback_query_id=first.id, text="x" * 201)
    assert long == "400 Bad Request: MESSAGE_TOO_LONG"
    assert await bot.ok("answerCallbackQuery", callback_query_id=first.id, text="x" * 200, show_alert=True)
    assert (await bot.api.answered(first)).alert
    assert await bot.refused("answerCallbackQuery", callback_query_id=first.id) == too_old
    second = bot.api.press(message, "go", ana)
    await bot.api.say(chat, ana, "still there")
    clock.now += 151
    kinds = [set(update) - {"update_id"} for update in await bot.ok("getUpdates")]
    assert kinds == [{"message"}], "taps live 150 s in the queue, messages a day"
    assert await bot.refused("answerCallbackQuery", callback_query_id=second.id) == too_old
    clock.now += 86400
    assert await bot.ok("getUpdates") == []


async def test_a_forged_tap_carries_what_it_likes(bot: Bot, ana: User, chat: Chat) -> None:
    await bot.api.forge(chat, ana, 4711, "anything", wait=False)
    query = (await bot.ok("getUpdates"))[0]["callback_query"]
    assert (query["data"], query["message"]["date"], query["message"]["message_id"]) == ("anything", 0, 4711)


# --- updates


async def test_offset_confirms_and_limit_cuts(bot: Bot, ana: User, chat: Chat) -> None:
    for n in range(3):
        await bot.api.say(chat, ana, str(n))
    first = await bot.ok("getUpdates", limit=2)
    assert [u["message"]["text"] for u in first] == ["0", "1"]
    assert len(await bot.ok("getUpdates")) == 3, "nothing was confirmed"
    rest = await bot.ok("getUpdates", offset=first[-1]["update_id"] + 1)
    assert [u["message"]["text"] for u in rest] == ["2"]
    await bot.api.say(chat, ana, "3")
    assert [u["message"]["text"] for u in await bot.ok("getUpdates", offset=-1)] == ["3"]
    assert len(await bot.ok("getUpdates")) == 1


async def test_kinds_are_remembered(bot: Bot, ana: User, chat: Chat) -> None:
    await bot.ok("getUpdates", allowed_updates=["callback_query", "nonsense"])
    await bot.api.say(chat, ana, "unheard")
    await bot.ok("getUpdates")
    await bot.api.say(chat, ana, "still unheard")
    assert await bot.ok("getUpdates") == []
    await bot.ok("getUpdates", allowed_updates=[])
    await bot.api.say(chat, ana, "heard")
    assert len(await bot.ok("getUpdates")) == 1


async def test_a_second_poll_ends_the_first(bot: Bot) -> None:
    first = asyncio.ensure_future(bot.refused("getUpdates", timeout=30))
    await bot.api.wait_for(lambda: bot.api.updates.polled)
    await bot.ok("getUpdates")
    assert (await first).startswith("409 Conflict: terminated by other getUpdates request; make sure that only one")


async def test_what_people_say_looks_as_telegram_sends_it(bot: Bot, ana: User, chat: Chat) -> None:
    group = bot.api.group(-1005, "Ops")
    await bot.api.say(chat, ana, "/start vm_101")
    await bot.api.say(group, ana, "just talking")
    await bot.api.say(group, ana, "/status@other_bot")
    await bot.api.say(group, ana, "/status@telemox_demo_bot", anonymous=True)
    await bot.api.say(chat, ana, "/start again", edited=True)
    await bot.api.say(chat, ana, "late", date=5)
    updates = await bot.ok("getUpdates")
    start, anonymous = updates[0]["message"], updates[1]["message"]
    assert start["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
    assert start["from"]["first_name"] == HOSTILE
    assert (anonymous["from"]["id"], anonymous["sender_chat"]["id"]) == (1087968824, -1005)
    assert updates[2]["edited_message"]["text"] == "/start again"
    assert updates[3]["message"]["date"] == 5


async def test_any_update_can_be_pushed(bot: Bot) -> None:
    bot.api.push({"message": {"message_id": "odd"}})
    bot.api.push({"update_id": "no number"})
    assert [set(u) for u in await bot.ok("getUpdates")] == [{"message", "update_id"}, {"update_id"}]


# --- trouble on order


async def test_planned_failures(bot: Bot, chat: Chat) -> None:
    bot.api.fail("sendMessage", 429, "Too Many Requests: retry after 7", retry_after=7, chat=1)
    await bot.ok("getMe")
    answer = (await bot.raw("sendMessage", chat_id=1, text="x")).json()
    assert answer["parameters"] == {"retry_after": 7}
    await bot.ok("sendMessage", chat_id=1, text="x")


async def test_a_cut_connection_did_the_work(bot: Bot, chat: Chat) -> None:
    bot.api.cut()
    with pytest.raises(httpx.RemoteProtocolError):
        await bot.raw("sendMessage", chat_id=1, text="x")
    assert len(bot.api.messages(chat)) == 1


# --- the rest


async def test_command_menus_by_scope(bot: Bot, ana: User, chat: Chat) -> None:
    group = bot.api.group(-1005, "Ops")
    one, two = [{"command": "one", "description": "1"}], [{"command": "two", "description": "2"}]
    await bot.ok("setMyCommands", commands=one)
    await bot.ok("setMyCommands", commands=two, scope={"type": "chat", "chat_id": 1})
    assert bot.api.commands.shown(chat, 1) == two
    assert bot.api.commands.shown(group, 1) == one
    await bot.ok("setMyCommands", commands=two, scope={"type": "chat", "chat_id": -1005})
    assert bot.api.commands.shown(group, 1) == two
    await bot.ok("setMyCommands", commands=[], scope={"type": "chat", "chat_id": -1005})
    bot.api.member(group, ana, "administrator")
    await bot.ok("setMyCommands", commands=two, scope={"type": "all_chat_administrators"})
    assert [bot.api.commands.shown(group, who) for who in (1, 2)] == [two, one]
    await bot.ok("setMyCommands", commands=one, scope={"type": "chat_member", "chat_id": -1005, "user_id": 1})
    assert bot.api.commands.shown(group, 1) == one
    assert await bot.ok("getMyCommands", scope={"type": "all_private_chats"}) == []
    await bot.ok("deleteMyCommands", scope={"type": "chat", "chat_id": 1})
    assert bot.api.commands.shown(chat, 1) == one
    bad = [{"command": "Bad", "description": "x"}]
    assert await bot.refused("setMyCommands", commands=bad) == "400 Bad Request: BOT_COMMAND_INVALID"
    scope = {"type": "chat", "chat_id": 99}
    assert await bot.refused("setMyCommands", commands=one, scope=scope) == "400 Bad Request: chat not found"


async def test_members_and_pins(bot: Bot, ana: User, chat: Chat) -> None:
    group = bot.api.group(-1005, "Ops")
    bot.api.member(group, ana, "creator")
    assert (await bot.ok("getChatMember", chat_id=-1005, user_id=1))["status"] == "creator"
    assert [m["user"]["id"] for m in await bot.ok("getChatAdministrators", chat_id=-1005)] == [1]
    sent = await bot.ok("sendMessage", chat_id=-1005, text="x", disable_notification=True)
    pin = {"chat_id": -1005, "message_id": sent["message_id"]}
    rights = "400 Bad Request: not enough rights to manage pinned messages in the chat"
    assert await bot.refused("pinChatMessage", **pin) == rights
    bot.api.promote(group)
    await bot.ok("pinChatMessage", **pin)
    assert (await bot.ok("getChat", chat_id=-1005))["pinned_message"]["text"] == "x"
    message = bot.api.last(group)
    assert (message.pinned, message.silent) == (True, True)
    await bot.ok("unpinChatMessage", chat_id=-1005)
    assert not message.pinned


PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + (640).to_bytes(4) + (480).to_bytes(4)


async def test_files(bot: Bot, chat: Chat) -> None:
    async def upload(method: str, name: str, content: bytes, **params: str) -> Any:
        url = f"{bot.api.base_url}/bot{bot.api.token}/{method}"
        async with httpx.AsyncClient() as http:
            files = {name: ('log<1>".txt', content)}
            return (await http.post(url, data={"chat_id": "1", **params}, files=files)).json()

    log = bytes(range(256)) * 3 + b"\r\n--\r\n"
    sent = await upload("sendDocument", "document", log, caption="<b>log</b>", parse_mode="HTML")
    assert sent["result"]["caption"] == "log"
    document = bot.api.last(chat).document
    assert document is not None
    assert document.content == log
    again = await bot.ok("sendDocument", chat_id=1, document=sent["result"]["document"]["file_id"])
    assert again["document"]["file_size"] == len(log)
    photo = await upload("sendPhoto", "f1", PNG, photo="attach://f1")
    assert (photo["result"]["photo"][0]["width"], photo["result"]["photo"][0]["height"]) == (640, 480)
    assert (await upload("sendPhoto", "photo", log))["description"] == "Bad Request: IMAGE_PROCESS_FAILED"
    for width, height in ((9000, 10), (9000, 1001)):  # too long a strip, too big a sum
        odd = PNG[:16] + width.to_bytes(4) + height.to_bytes(4)
        assert (await upload("sendPhoto", "photo", odd))["description"] == "Bad Request: PHOTO_INVALID_DIMENSIONS"
    assert (await upload("sendDocument", "document", b""))["description"] == "Bad Request: file must be non-empty"
    caption = await upload("sendDocument", "document", log, caption="x" * 1025)
    assert caption["description"] == "Bad Request: message caption is too long"
