"""The bot's token, whether a webhook takes its updates away, the clock, and the chats of alerts; nobody is disturbed.

getUpdates is not tried: a second poller ends the first one's wait with a 409, and the first may be the bot at work.
"""

import contextlib
import ipaddress
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from bot.check.line import Level, Line, fail, ok, warn
from bot.config import Settings
from bot.model import Route
from bot.ports import Clock
from bot.pve.tls import reason_of
from bot.text import say, say_n, span

TIMEOUT = 10.0  # s for one call
NO_MESSAGE = 2**31 - 1  # the largest id; a chat counts up from 1
SKEW = 30.0  # s; what waited in Telegram's queue for over two minutes never acts, and that is told by the clock


class _Trouble(Exception):
    """The line that says why there is nothing more to ask."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line = line


async def lines(settings: Settings, clock: Clock) -> AsyncIterator[Line]:
    base = settings.telegram_base_url
    url = urlsplit(base)
    if url.scheme == "http" and not near(url.hostname or ""):
        yield warn(
            say("{base} is reached without encryption: whoever is on the way reads the bot's token.", base=base),
            f"TELEMOX_TELEGRAM_BASE_URL=https://{url.netloc}",
        )
    token = settings.telegram_token.get_secret_value()
    async with httpx.AsyncClient(base_url=f"{base}/bot{token}/", timeout=TIMEOUT) as client:
        try:
            me, date = await _call(client, "getMe", base)
            bot = me.get("id")
            if type(bot) is not int:
                raise _Trouble(_no_bot_api(base, 200))
            yield ok(say("Telegram: @{name} answers at {base}.", name=str(me.get("username", "?")), base=base))
            webhook, _ = await _call(client, "getWebhookInfo", base)
        except _Trouble as trouble:
            yield trouble.line
            return
        told = {route: await _told(client, route, bot) for route in settings.alert_chats}
    for line in _chats(told):
        yield line
    if webhook.get("url"):
        host = "?"
        with contextlib.suppress(ValueError):  # it is what somebody once gave to setWebhook
            host = urlsplit(str(webhook["url"])).hostname or host
        yield warn(
            say("Telegram: updates go to a webhook at {host}; while it is set the bot hears nothing.", host=host),
            f'curl "{base}/bot$TELEMOX_TELEGRAM_TOKEN/deleteWebhook"',
        )
    if date is not None:
        skew = abs((clock.now() - date).total_seconds())
        if skew > SKEW:
            yield warn(
                say("This machine's clock is {skew} off: commands will look old and not act.", skew=span(skew)),
                "timedatectl set-ntp true",
            )


def _chats(told: Mapping[Route, Line | None]) -> Iterator[Line]:
    """Each trouble once (a chat has several topics), then how many chats are told all the same."""
    yield from dict.fromkeys(line for line in told.values() if line is not None)
    chats = len({route.chat for route, line in told.items() if line is None or line.level < Level.FAIL})
    if chats:
        yield ok(
            say_n(
                chats,
                one="Alerts: {n} chat is told by the settings.",
                many="Alerts: {n} chats are told by the settings.",
            )
        )


async def _told(client: httpx.AsyncClient, route: Route, bot: int) -> Line | None:
    """Can the bot speak in a chat of TELEMOX_ALERT_CHATS? What is wrong; None where nothing is, or nobody can tell.

    No message is sent.
    """
    chat = str(route.chat)
    found = await _asked(client, "getChat", chat_id=chat)
    if found is None:
        return fail(
            say("Alerts: the bot does not know the chat {chat}: add it there, or take the chat out.", chat=chat),
            "TELEMOX_ALERT_CHATS=…",
        )
    if not found or route.chat > 0:
        return None
    title = str(found.get("title", chat))
    member = await _asked(client, "getChatMember", chat_id=chat, user_id=str(bot))
    if member is None or member.get("status") in {"left", "kicked"}:
        return fail(say("Alerts: the bot is no member of {title} ({chat}): add it there.", title=title, chat=chat))
    if member.get("status") == "restricted" and member.get("can_send_messages") is False:
        return fail(say("Alerts: the bot may not write in {title} ({chat}).", title=title, chat=chat))
    if route.topic is not None and not found.get("is_forum"):
        return warn(
            say("Alerts: {title} ({chat}) has no topics: {topic} is none.", title=title, chat=chat, topic=route.topic),
            f"TELEMOX_ALERT_CHATS={chat}",
        )
    return await _topic(client, route, title) if route.topic is not None else None


async def _topic(client: httpx.AsyncClient, route: Route, title: str) -> Line | None:
    """Is the topic there? No method tells. A message that answers one that cannot be is refused, for its topic first
    and then for that (telegram-bot-api, Client.cpp, check_reply_parameters): so nothing is sent."""
    chat, topic = str(route.chat), str(route.topic)
    answers = {"message_id": NO_MESSAGE, "allow_sending_without_reply": False}
    words = ""
    with contextlib.suppress(httpx.HTTPError, ValueError, AttributeError):
        reply = await client.get(
            "sendMessage",
            params={
                "chat_id": chat,
                "message_thread_id": topic,
                "text": "/testalert",
                "disable_notification": "true",
                "reply_parameters": json.dumps(answers),
            },
        )
        words = str(json.loads(reply.content).get("description", "")).lower()
    if "message to be replied not found" in words:
        return None
    if "message thread not found" in words:
        text = (
            "Alerts: {title} ({chat}) has no topic {topic}: what is for it goes to General. Send /id in the right one."
        )
        return warn(say(text, title=title, chat=chat, topic=topic), f"TELEMOX_ALERT_CHATS={chat}:<topic>")
    text = "Alerts: whether {title} ({chat}) has the topic {topic} is not known. Send /testalert in it."
    return warn(say(text, title=title, chat=chat, topic=topic))


async def _asked(client: httpx.AsyncClient, method: str, **fields: str) -> Mapping[str, object] | None:
    """The result; None where Telegram refuses (400, 403); {} where it cannot be had now."""
    try:
        reply = await client.get(method, params=fields)
        answer = json.loads(reply.content)
    except (httpx.HTTPError, ValueError):
        return {}
    if not isinstance(answer, dict):
        return {}
    result = answer.get("result")
    if answer.get("ok") is True and isinstance(result, dict):
        return result
    return None if reply.status_code in {400, 403} else {}


async def _call(client: httpx.AsyncClient, method: str, base: str) -> tuple[Mapping[str, object], datetime | None]:
    """The result, and the time by Telegram's clock. Raises _Trouble."""
    try:
        reply = await client.get(method)
    except httpx.TimeoutException:
        raise _Trouble(fail(say("Telegram: no answer from {base} in time.", base=base), f"curl -sSI {base}")) from None
    except httpx.HTTPError as error:
        why = reason_of(error)
        line = fail(say("Telegram: {base} cannot be reached ({why}).", base=base, why=why), f"curl -sSI {base}")
        raise _Trouble(line) from None
    answer: object = None
    with contextlib.suppress(ValueError):
        answer = json.loads(reply.content)
    if not isinstance(answer, dict):
        raise _Trouble(_no_bot_api(base, reply.status_code))
    result = answer.get("result")
    if answer.get("ok") is True and isinstance(result, dict):
        return result, _date(reply)
    if reply.status_code in {401, 404}:
        line = fail(
            say("Telegram: the bot's token is refused. @BotFather shows the right one under /mybots, API Token."),
            "TELEMOX_TELEGRAM_TOKEN=<token>",
        )
        raise _Trouble(line)
    why = str(answer.get("description") or reply.status_code)
    raise _Trouble(fail(say("Telegram: {method} was refused: {why}", method=method, why=why)))


def _no_bot_api(base: str, status: int) -> Line:
    return fail(
        say("Telegram: what answers at {base} is no Bot API (status {status}).", base=base, status=status),
        "TELEMOX_TELEGRAM_BASE_URL=https://api.telegram.org",
    )


def _date(reply: httpx.Response) -> datetime | None:
    try:
        date = parsedate_to_datetime(reply.headers["Date"])
    except (KeyError, ValueError):
        return None
    return date if date.tzinfo is not None else None


def near(host: str) -> bool:
    """This machine, or a network of one's own."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or "." not in host  # a container beside this one
    return address.is_loopback or address.is_private
