"""One HTTP request to the Bot API: in bounded time, with an answer of bounded size, and the token in nothing it says.

httpx counts its timeouts from the last byte, so a server that drips is never too slow for it; and it unpacks what is
packed without a bound. Here a request has a total time, asks for its answer unpacked, and reads no more than a cap.
"""

import asyncio
import json
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import HTTPXRequest, RequestData

from bot.chat.limiter import Wait

EACH = 10.0
"""Seconds without a byte, for connecting, for a free connection: httpx's own bounds."""
PER_FILE = 60.0
"""Seconds without a byte being taken of a file that is sent."""
REFUSAL = 1024
"""Bytes of an answer that is no success: PTB quotes them in the error, and the log has that."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one request may take: seconds in all, and bytes of its answer."""

    total: float = 20.0
    upload: float = 120.0  # with a file
    poll: float = 15.0  # over what a getUpdates may be held
    size: int = 4 << 20
    polled: int = 16 << 20  # of a getUpdates: a hundred updates, each far larger than Telegram makes them


USUAL = Bounds()


class _Response(Protocol):
    @property
    def headers(self) -> Any: ...


class _Request(Protocol):
    extensions: dict[str, Any]


class Request(HTTPXRequest):
    """PTB's request class, bounded, that keeps the token out of what it gives back.

    A gateway's error page may quote the address it was asked for, and PTB logs what it cannot read.
    """

    def __init__(
        self,
        token: str,
        base_url: str,
        *,
        pool: int,
        bounds: Bounds = USUAL,
        on_date: Any = None,
        sent: asyncio.Event | None = None,
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
            connect_timeout=EACH,
            read_timeout=EACH,
            write_timeout=EACH,
            pool_timeout=EACH,
            media_write_timeout=PER_FILE,
            httpx_kwargs=options,
        )
        self._secret = token.encode()
        self._bounds = bounds

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[int, bytes]:
        """A poll names the seconds that it may be held as its `read_timeout`; everything else goes by the bounds."""
        bounds, files = self._bounds, request_data.multipart_data if request_data else None
        if isinstance(read_timeout, int | float):
            total, size = read_timeout + bounds.poll, bounds.polled
            read = read_timeout + EACH
        else:
            total, size, read = bounds.upload if files else bounds.total, bounds.size, EACH
        timeout = httpx.Timeout(connect=EACH, pool=EACH, read=read, write=PER_FILE if files else EACH)
        try:
            async with asyncio.timeout(total):
                code, payload = await self._exchange(url, method, request_data, timeout, size)
        except TimeoutError as error:
            raise TimedOut(f"no whole answer within {total:g} s") from error
        except httpx.PoolTimeout as error:
            raise TimedOut("no connection was free, so nothing was sent") from error
        except httpx.TimeoutException as error:
            raise TimedOut from error
        except httpx.HTTPError as error:
            raise NetworkError(f"httpx.{type(error).__name__}: {error}") from error
        if code == 429 and (pause := _pause(payload)) is not None:
            raise Wait(pause)
        if not 200 <= code < 300:
            payload = payload[:REFUSAL]
        if (code != 200 or not payload.startswith(b"{")) and self._secret in payload:
            payload = payload.replace(self._secret, b"(token)")
        return code, payload

    async def _exchange(
        self, url: str, method: str, request_data: RequestData | None, timeout: httpx.Timeout, size: int
    ) -> tuple[int, bytes]:
        """Raises: NetworkError for an answer that is packed or too long."""
        headers = {"User-Agent": self.USER_AGENT, "Accept-Encoding": "identity"}
        files = request_data.multipart_data if request_data else None
        data = request_data.json_parameters if request_data else None
        async with self._client.stream(
            method, url, headers=headers, timeout=timeout, files=files, data=data
        ) as response:  # fmt: skip
            if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise NetworkError("the answer is packed, which was not asked for")
            payload = bytearray()
            async for part in response.aiter_raw():
                payload += part
                if len(payload) > size:
                    raise NetworkError(f"the answer is longer than {size >> 20} MiB")
            return response.status_code, bytes(payload)

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """PTB's logs the whole answer where it is no JSON, and lets one that is nested too deep escape.

        Raises: TelegramError.
        """
        try:
            parsed = json.loads(payload.decode("utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            raise TelegramError("Invalid server response") from error
        if not isinstance(parsed, dict):
            raise TelegramError("Invalid server response")
        return parsed


def _pause(payload: bytes) -> timedelta | None:
    """`retry_after` of a 429's body; None where a gateway and not Telegram said so."""
    with suppress(ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return timedelta(seconds=max(1, json.loads(payload)["parameters"]["retry_after"]))
    return None
