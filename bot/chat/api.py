"""The Bot API over HTTP: python-telegram-bot's bot, with a lean call, and a getUpdates that survives whatever comes.

`call()` sends a request as plain values and gives the plain result: what a screen needs of a sent message is its id,
and building and parsing PTB's objects for it costs more than drawing the screen.
"""

import asyncio
import json
import logging
import ssl
import sys
from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from telegram import Update
from telegram.error import InvalidToken, NetworkError, TelegramError
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest, RequestData

from bot.chat.limiter import Lane, Limiter, Wait
from bot.chat.polling import TIMEOUT, Polling

log = logging.getLogger(__name__)

if find_spec("sniffio") is None:
    # httpcore asks eight times a request which async library runs, by importing sniffio (_synchronization.py). Where it
    # is not installed each time costs a search of the whole path, half a millisecond a request; None ends it at once.
    cast("dict[str, object]", sys.modules)["sniffio"] = None

ALLOWED = ("message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "inline_query",
           "my_chat_member")  # fmt: skip
"""Named with every poll: Telegram remembers what an earlier deployment or webhook asked for."""
POOL = 64
"""Connections: 32 at work, each with a message and a callback's answer under way."""

ANSWERS_FIRST = 24
"""Turns that the event loop gets between a batch of updates and the next poll. Making a request costs a millisecond:
an answer that waits for nothing else is to go out before the poll, for which nobody waits."""

_SHAPELESS = (LookupError, TypeError, ValueError, AttributeError)
"""What PTB raises of a 200 that is JSON and yet not the Bot API's."""
_NOT_OURS = "what came was not a Bot API answer"

Fields = dict[str, Any]
"""Parameters of a method, and its result: plain JSON values, as the Bot API spells them."""


class _Response(Protocol):
    @property
    def headers(self) -> Any: ...


class _Request(Protocol):
    extensions: dict[str, Any]


class Request(HTTPXRequest):
    """PTB's request class that keeps the token out of what it gives back.

    A gateway's error page may quote the address it was asked for, and PTB logs what it cannot read.
    """

    def __init__(
        self, token: str, base_url: str, *, pool: int, on_date: Any = None, sent: asyncio.Event | None = None
    ) -> None:
        """`on_date` gets the Date header of each answer; `sent` is set when the first request has gone out."""
        parts = urlsplit(base_url)
        host = parts.hostname or ""
        options: dict[str, Any] = {}
        if parts.scheme == "http":  # a context that trusts nobody, since loading the CAs takes a tenth of a second
            options["verify"] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if host in {"localhost", "::1"} or host.startswith("127."):
            options["trust_env"] = False  # a proxy cannot reach our loopback
        hooks: dict[str, list[Any]] = {"request": [], "response": []}
        if on_date is not None:

            async def note(response: _Response) -> None:
                on_date(response.headers.get("date"))

            hooks["response"].append(note)
        if sent is not None:

            async def trace(event: str, _: object) -> None:
                if event == "http11.send_request_body.complete":
                    sent.set()

            async def follow(request: _Request) -> None:
                if not sent.is_set():
                    request.extensions["trace"] = trace

            hooks["request"].append(follow)
        options["event_hooks"] = hooks
        super().__init__(
            connection_pool_size=pool,
            connect_timeout=10,
            read_timeout=10,
            write_timeout=10,
            pool_timeout=10,
            media_write_timeout=60,
            httpx_kwargs=options,
        )
        self._secret = token.encode()

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *args: Any, **kwargs: Any
    ) -> tuple[int, bytes]:
        code, payload = await super().do_request(url, method, request_data, *args, **kwargs)
        if code == 429 and (pause := _pause(payload)) is not None:
            raise Wait(pause)
        if (code != 200 or not payload.startswith(b"{")) and self._secret in payload:
            payload = payload.replace(self._secret, b"(token)")
        return code, payload


def _pause(payload: bytes) -> timedelta | None:
    """`retry_after` of a 429's body; None where a gateway and not Telegram said so."""
    with suppress(ValueError, LookupError, TypeError, OverflowError):
        return timedelta(seconds=json.loads(payload)["parameters"]["retry_after"])
    return None


class Api(ExtBot[Lane]):
    def __init__(self, token: str, base_url: str, limiter: Limiter, polling: Polling) -> None:
        """`base_url` is scheme, host and port, without `/bot`."""
        root = base_url.rstrip("/")
        super().__init__(
            token=token,
            base_url=f"{root}/bot",
            base_file_url=f"{root}/file/bot",
            request=Request(token, root, pool=POOL),
            get_updates_request=Request(token, root, pool=2, on_date=polling.date, sent=polling.asked),
            rate_limiter=limiter,
        )
        self._polling = polling
        self._brought = False  # updates, by the last poll

    async def call(self, method: str, fields: Fields, lane: Lane | None = None) -> Any:
        """`POST /bot<token>/<method>`; gives its `result`. Without a lane the limiter lets it pass at once.

        Raises: TelegramError and nothing else, as PTB sorts them; InvalidToken also for a 404.
        """
        try:
            return await self._post(method, fields, api_kwargs=self._merge_api_rl_kwargs(None, lane))
        except _SHAPELESS as error:
            raise NetworkError(_NOT_OURS) from error

    async def get_updates(self, *args: Any, **kwargs: Any) -> tuple[Update, ...]:
        """Polls once, as the updater asks (`offset`, `timeout`, `allowed_updates`).

        An update that cannot be parsed becomes one that holds nothing but its id: confirmed, and skipped.

        Raises: NetworkError for every failure that the updater would not come back from.
        """
        if self._brought:
            for _ in range(ANSWERS_FIRST):
                await asyncio.sleep(0)
        started = self._polling.attempt()
        try:
            raw = await self._poll(*args, **kwargs)
        except InvalidToken as error:
            self._polling.failure(error)
            raise NetworkError(error.message) from error
        except TelegramError as error:
            self._polling.failure(error)
            raise
        except _SHAPELESS as error:
            failed = NetworkError(_NOT_OURS)
            self._polling.failure(failed)
            raise failed from error
        finally:
            self._polling.asked.set()
        updates = self._parsed(raw)
        self._brought = bool(updates)
        self._polling.success(started, (update.update_id for update in updates))
        await self._polling.heeded.wait()
        return updates

    async def _poll(
        self, offset: int | None = None, limit: int | None = None, timeout: int | timedelta | None = None,
        allowed_updates: Any = None, **_: Any,
    ) -> list[Fields]:  # fmt: skip
        hold = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout or 0)
        fields = {"offset": offset, "limit": limit, "timeout": int(hold), "allowed_updates": allowed_updates}
        raw = await self._post("getUpdates", fields, read_timeout=hold + 10)  # s after the last byte
        if not isinstance(raw, list) or not all(isinstance(one, dict) and type(one["update_id"]) is int for one in raw):
            raise TypeError("result is no list of updates")
        return cast("list[Fields]", raw)

    def _parsed(self, raw: list[Fields]) -> tuple[Update, ...]:
        with suppress(Exception):  # PTB's parsers raise whatever the data makes them trip over
            return Update.de_list(raw, self)
        return tuple(self._one(one) for one in raw)

    def _one(self, raw: Fields) -> Update:
        try:
            return Update.de_json(raw, self)
        except Exception:
            log.exception("update %d cannot be read (%s) and is skipped", raw["update_id"], ", ".join(map(str, raw)))
            return Update(update_id=raw["update_id"])


POLL_TIMEOUT = timedelta(seconds=TIMEOUT)
