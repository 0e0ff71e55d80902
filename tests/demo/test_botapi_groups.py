"""What alerts meet at Telegram: a group's share of messages, deleted messages, a bot that is thrown out, no network."""

from collections.abc import AsyncIterator

import httpx
import pytest

from bot.demo.telegram import BotApi
from bot.demo.telegram.mischief import Mischief
from tests.demo.test_botapi_rules import HOSTILE, Bot, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def bot(clock: Clock) -> AsyncIterator[Bot]:
    async with BotApi(now=clock) as api, httpx.AsyncClient(timeout=5) as http:
        yield Bot(api, http)


async def test_twenty_messages_a_minute_into_a_group(bot: Bot, clock: Clock) -> None:
    bot.api.group(-1, "Ops", bot_admin=True)
    bot.api.group(-2, "Other", bot_admin=True)
    private = bot.api.private(bot.api.user(1, HOSTILE))
    bot.api.quota = 20
    for number in range(20):
        clock.now += 1
        await bot.ok("sendMessage", chat_id=-1, text=str(number))
    response = await bot.raw("sendMessage", chat_id=-1, text="one more")
    assert response.status_code == 429
    assert response.json()["parameters"] == {"retry_after": 41}
    await bot.ok("sendMessage", chat_id=-2, text="elsewhere")
    for number in range(25):
        await bot.ok("sendMessage", chat_id=private.id, text=str(number))
    message = bot.api.last(-1)
    await bot.ok("editMessageText", chat_id=-1, message_id=message.id, text="an edit is none")
    clock.now += 41
    await bot.ok("sendMessage", chat_id=-1, text="later")
    assert await bot.refused("sendMessage", chat_id=-1, text="x") == "429 Too Many Requests: retry after 1"


async def test_no_quota_unless_asked_for(bot: Bot) -> None:
    bot.api.group(-1, "Ops")
    for number in range(30):
        await bot.ok("sendMessage", chat_id=-1, text=str(number))


async def test_somebody_deletes_what_was_pinned(bot: Bot) -> None:
    ana, ben = bot.api.user(1, HOSTILE), bot.api.user(2, "Ben")
    ops = bot.api.group(-1, "Ops", bot_admin=True)
    bot.api.member(ops, ana, "creator")
    bot.api.member(ops, ben)
    sent = await bot.ok("sendMessage", chat_id=-1, text="live line")
    await bot.ok("pinChatMessage", chat_id=-1, message_id=sent["message_id"])
    message = ops.find(sent["message_id"])
    assert message is not None
    with pytest.raises(PermissionError):
        bot.api.delete(message, ben)
    bot.api.delete(message, ana)
    assert "pinned_message" not in await bot.ok("getChat", chat_id=-1)
    wrong = await bot.refused("editMessageText", chat_id=-1, message_id=sent["message_id"], text="x")
    assert wrong == "400 Bad Request: message to edit not found"
    reply = {"message_id": sent["message_id"]}
    wrong = await bot.refused("sendMessage", chat_id=-1, text="x", reply_parameters=reply)
    assert wrong == "400 Bad Request: message to be replied not found"
    kind = {"message_id": sent["message_id"], "allow_sending_without_reply": True}
    await bot.ok("sendMessage", chat_id=-1, text="x", reply_parameters=kind)


async def test_unreachable_is_neither_done_nor_answered(bot: Bot) -> None:
    chat = bot.api.private(bot.api.user(1, HOSTILE))
    mischief = Mischief(bot.api)
    mischief.do("down")
    for method in ("sendMessage", "getUpdates"):
        with pytest.raises(httpx.RemoteProtocolError):
            await bot.raw(method, chat_id=chat.id, text="x")
    assert not bot.api.messages(chat)
    mischief.do("down")
    await bot.ok("sendMessage", chat_id=chat.id, text="x")


async def test_thrown_out_and_let_in_again(bot: Bot) -> None:
    bot.api.group(-1, "Ops", forum=True, bot_admin=True)
    mischief = Mischief(bot.api)
    mischief.do("kick")
    wrong = await bot.refused("sendMessage", chat_id=-1, text="x")
    assert wrong == "403 Forbidden: bot was kicked from the supergroup chat"
    assert next(row for row in mischief.table() if row["key"] == "kick")["on"] == 1
    mischief.do("kick")
    await bot.ok("sendMessage", chat_id=-1, text="x")


async def test_a_group_becomes_a_supergroup_and_says_where(bot: Bot) -> None:
    bot.api.group(-5, "Home", supergroup=False)
    Mischief(bot.api).do("upgrade")
    response = await bot.raw("sendMessage", chat_id=-5, text="x")
    assert response.json()["parameters"] == {"migrate_to_chat_id": -1_001_000_000_005}
    await bot.ok("sendMessage", chat_id=-1_001_000_000_005, text="x")
