"""One HTTP request to the Bot API: in bounded time, with an answer of bounded size, and the token in nothing it says.

httpx counts its timeouts from the last byte, so a server that drips is never too slow for it; and it unpacks what is
packed without a bound. Here a request has a total time, asks for its answer unpacked, and reads no more than a cap.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, HTTPXRequest, RequestData

from bot.chat.limiter import Wait

EACH = 10.0
"""Seconds without a byte, for connecting, for a free connection: httpx's own bounds."""
PER_FILE = 60.0
"""Seconds without a byte being taken of a file that is sent."""
REFUSAL = 1024
"""Bytes of an answer that is no success: PTB quotes them in the error, and the log has that."""


TOO_LARGE = 413
_FAULTS = (TOO_LARGE, 500, 502, 503)
"""Statuses that PTB has no exception for. In Telegram's own words they say that nothing was done; of a 504, and of a
gateway's page, nobody knows."""


_REFUSALS = (400, 401, 403, 404, 409)
"""Statuses that PTB has an exception for, which says that Telegram refuses. A gateway's page has them too."""


class Astray(NetworkError):
    """A gateway's page refuses what Telegram was asked, which has not seen it: a trouble of the network."""

    def __init__(self, code: int) -> None:
        super().__init__(f"what answered with status {code} is not Telegram")


class Fault(NetworkError):
    """Telegram itself says that it did not do what was asked: a fault of its own (5xx), or 413."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


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
    @property
    def status_code(self) -> int: ...
    def aiter_raw(self) -> AsyncIterator[bytes]: ...


class _Request(Protocol):
    extensions: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Answer:
    status_code: int
    content: bytes


class _Client:
    """What PTB uses of httpx's client, and no answer longer than `most` bytes."""

    def __init__(self, client: Any, most: int) -> None:
        self._client = client
        self._most = most
        self.aclose = client.aclose

    @property
    def is_closed(self) -> bool:
        return bool(self._client.is_closed)

    @property
    def timeout(self) -> Any:
        return self._client.timeout

    async def request(self, **options: Any) -> _Answer:
        """Raises: NetworkError for an answer that is packed or too long; what httpx raises."""
        response: _Response
        async with self._client.stream(**options) as response:
            if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise NetworkError("the answer is packed, which was not asked for")
            content = bytearray()
            async for part in response.aiter_raw():
                content += part
                if len(content) > self._most:
                    raise NetworkError(f"the answer is longer than {self._most >> 20} MiB")
            return _Answer(response.status_code, bytes(content))


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
        polls: bool = False,
        on_date: Any = None,
        sent: asyncio.Event | None = None,
    ) -> None:
        """`polls`: for getUpdates alone. `on_date` gets the Date header of each answer; `sent` is set when the first
        request has gone out.
        """
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
        options["headers"] = {"Accept-Encoding": "identity"}
        self._secret = token.encode()
        self._bounds = bounds
        self._most = bounds.polled if polls else bounds.size
        super().__init__(
            connection_pool_size=pool,
            connect_timeout=EACH,
            read_timeout=EACH,
            write_timeout=EACH,
            pool_timeout=EACH,
            media_write_timeout=PER_FILE,
            httpx_kwargs=options,
        )

    def _build_client(self) -> Any:
        return _Client(super()._build_client(), self._most)

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[int, bytes]:
        """A poll names the seconds that it may be held as its `read_timeout`; everything else goes by the bounds.

        Raises: Astray for a refusal that is not Telegram's own, Fault, RetryAfter, and what PTB raises.
        """
        bounds = self._bounds
        if isinstance(read_timeout, int | float):
            total = read_timeout + bounds.poll
            read_timeout += EACH
        else:
            total = bounds.upload if request_data and request_data.multipart_data else bounds.total
        try:
            async with asyncio.timeout(total):
                code, payload = await super().do_request(url, method, request_data, read_timeout, *args, **kwargs)
        except TimeoutError as error:
            raise TimedOut(f"no whole answer within {total:g} s") from error
        if code == 429 and (pause := _pause(payload)) is not None:
            raise Wait(pause)
        if code in _FAULTS and (words := _words(payload[:REFUSAL])):
            raise Fault(words, code)
        if code in _REFUSALS and not _words(payload, code):
            raise Astray(code)
        if not 200 <= code < 300:
            payload = payload[:REFUSAL]
        if (code != 200 or not payload.startswith(b"{")) and self._secret in payload:
            payload = payload.replace(self._secret, b"(token)")
        return code, payload

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


def _words(payload: bytes, code: int | None = None) -> str:
    """`description` of a refusal in the Bot API's form; '' where it is none of Telegram's own, for `code`."""
    with suppress(ValueError, RecursionError):
        match json.loads(payload):
            case {"ok": False, "error_code": int(named), "description": str(words)} if code in (None, named):
                return words
            case _:
                pass
    return ""
