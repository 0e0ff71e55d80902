"""The stand-in Bot API: what the bot calls over HTTP, and what a test or the page does in the people's place."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from bot.demo.telegram.commands import Commands
from bot.demo.telegram.methods import Methods
from bot.demo.telegram.people import People
from bot.demo.telegram.refusal import Refused
from bot.demo.telegram.serve import Serving
from bot.demo.telegram.updates import Updates, dump
from bot.demo.telegram.wire import MAX_BODY, Params, Upload, read_params
from bot.demo.telegram.world import User, World

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class Call:
    """One call of the bot, in the order of arrival."""

    method: str
    params: Mapping[str, object]  # numbers and JSON decoded
    time: float  # seconds since 1970, by the stand-in's clock
    files: Mapping[str, Upload] = field(default_factory=dict)
    error: str = ""  # the description it was refused with; "" while it runs and when it was granted
    done: bool = False


@dataclass(slots=True)
class Failure:
    """One planned refusal."""

    refused: Refused
    method: str  # lower case; "" for all but getUpdates
    chat: int | None
    times: int


class BotApi(People):
    """`await start()`, then `base_url`; the bot's token goes behind it as on Telegram.

    `now`: seconds since 1970. `pace`: see `Updates`.
    """

    def __init__(
        self,
        token: str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0",  # noqa: S107  # made up, as in Telegram's own docs
        *,
        now: Callable[[], float] = time.time,
        username: str = "telemox_demo_bot",
        pace: float = 0.0,
        port: int = 0,
    ) -> None:
        bot = User(int(token.partition(":")[0] or 0), "Telemox", username, is_bot=True)
        world = World(bot, now)
        updates = Updates(now, pace, waits=lambda: world.changed("poll", None))
        super().__init__(world, updates)
        updates.on_wait = lambda: world.changed("poll", updates)
        self.token = token
        self.commands = Commands(world)
        self.calls: list[Call] = []
        self.latency = 0.0  # seconds that each call takes on its way
        self.on_call: list[Callable[[Call], None]] = []
        self.failures: list[Failure] = []
        self.cuts = 0
        self.unreachable = False  # every connection breaks before anything is done
        self._methods = Methods(world, updates, self.commands)
        self._serving = Serving(self._serve, port)
        self._running = 0  # calls in the air, getUpdates aside

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._serving.port}"

    async def start(self) -> None:
        await self._serving.start()

    async def stop(self) -> None:
        await self._serving.stop()

    async def __aenter__(self) -> "BotApi":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def fail(
        self,
        method: str,
        error_code: int,
        description: str,
        retry_after: int | None = None,
        times: int = 1,
        chat: int | None = None,
    ) -> None:
        """The next `times` calls of `method` ("": any but getUpdates) are refused so; `retry_after` in seconds."""
        parameters = {} if retry_after is None else {"retry_after": retry_after}
        self.failures.append(Failure(Refused(error_code, description, parameters), method.lower(), chat, times))
        if method.lower() == "getupdates" and self.updates.polled:
            self.updates.interrupt(self._planned("getupdates", None) or Refused(error_code, description))

    @property
    def quota(self) -> int:
        """Messages a minute into a group; 0: any number. Telegram's is about 20."""
        return self.world.quota

    @quota.setter
    def quota(self, messages: int) -> None:
        self.world.quota = messages

    def cut(self, times: int = 1) -> None:
        """The next `times` calls (getUpdates aside) are done, and the connection drops before the answer."""
        self.cuts += times

    def made(self, method: str = "") -> list[Call]:
        """The calls of one method so far; of all but getUpdates without a name."""
        if method:
            return [call for call in self.calls if call.method.lower() == method.lower()]
        return [call for call in self.calls if call.method.lower() != "getupdates"]

    @property
    def busy(self) -> bool:
        return self._running > 0

    def tally(self) -> Counter[str]:
        """How often each method was called."""
        return Counter(call.method for call in self.calls)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = re.fullmatch(r"/bot([^/]+)(?:/test)?/([A-Za-z_]+)", scope["path"])
        body = bytearray()
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            body += event.get("body", b"")
            if len(body) > MAX_BODY:
                await self._reply(send, Refused(413, "Request Entity Too Large"))
                return
            if not event.get("more_body"):
                break
        if found is None:
            await self._reply(send, Refused(404, "Not Found"))
        elif found[1] != self.token:
            await self._reply(send, Refused(401, "Unauthorized"))
        else:
            kind = next((v for k, v in scope["headers"] if k == b"content-type"), b"").decode("latin-1")
            await self._answer(send, found[2], scope["query_string"], kind, bytes(body))

    async def _answer(self, send: Send, method: str, query: bytes, kind: str, body: bytes) -> None:
        polling = method.lower() == "getupdates"
        if self._down():
            await _break(send)
            return
        self._running += not polling
        call = Call(method, {}, self.world.now())
        self.calls.append(call)
        try:
            outcome = await self._perform(call, query, kind, body)
            call.done = True
        finally:
            self._running -= not polling
            self.world.changed("call", call)
        if (polling and self._down()) or (not polling and self.cuts):
            self.cuts -= not polling
            await _break(send)
            return
        await self._reply(send, outcome)

    def _down(self) -> bool:
        return self.unreachable

    async def _perform(self, call: Call, query: bytes, kind: str, body: bytes) -> object:
        try:
            params = read_params(query, kind, body)
            call.params, call.files = params.readable(), params.files
            for hook in self.on_call:
                hook(call)
            if self.latency:
                await asyncio.sleep(self.latency)
            if planned := self._planned(call.method.lower(), params):
                raise planned
            return await self._methods.call(call.method, params)
        except Refused as refused:
            call.error = refused.description
            return refused

    def _planned(self, method: str, params: Params | None) -> Refused | None:
        for failure in self.failures:
            wanted = failure.method == method or (not failure.method and method != "getupdates")
            if wanted and failure.chat in (None, params.number("chat_id") if params else None):
                failure.times -= 1
                if failure.times <= 0:
                    self.failures.remove(failure)
                return failure.refused
        return None

    async def _reply(self, send: Send, outcome: object) -> None:
        status, body = 200, {"ok": True, "result": outcome}
        if isinstance(outcome, Refused):
            status, body = outcome.code, outcome.body()
        raw = dump(body)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(raw)).encode()),
            (b"date", formatdate(self.world.now(), usegmt=True).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": raw})


async def _break(send: Send) -> None:
    """A length that never comes: the server closes the connection and the client sees it break."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9999")]})
