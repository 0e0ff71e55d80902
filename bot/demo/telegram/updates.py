"""The queue behind getUpdates: one poller, offsets that confirm, kinds that are remembered, updates that expire."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.demo.telegram.refusal import Refused

DAY = 86400.0  # seconds a message waits; telegram-bot-api, Client.cpp
TAP_LIFE = 150.0  # seconds a tap waits
MAX_TIMEOUT = 50  # seconds of one long poll
# Every kind that can be asked for; the three at the end come only to those who name them.
KINDS = (
    *("message", "edited_message", "channel_post", "edited_channel_post", "inline_query", "chosen_inline_result"),
    *("callback_query", "shipping_query", "pre_checkout_query", "poll", "poll_answer", "my_chat_member"),
    *("chat_join_request", "chat_boost", "removed_chat_boost", "business_connection", "business_message"),
    *("edited_business_message", "deleted_business_messages", "purchased_paid_media"),
    *("chat_member", "message_reaction", "message_reaction_count"),
)
DEFAULT = frozenset(KINDS[:-3])
CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


@dataclass(frozen=True, slots=True)
class Waiting:
    id: int
    body: Mapping[str, object]
    expires: float  # seconds since 1970


class Updates:
    """`pace`: seconds that Telegram lets a repeated request wait (3 there, 0 here, so that tests end quickly).

    `waits()` is called when a poll finds nothing and begins to wait.
    """

    def __init__(self, now: Callable[[], float], pace: float = 0.0, waits: Callable[[], None] = lambda: None) -> None:
        self._now = now
        self._waits = waits
        self._pace = pace
        self._queue: list[Waiting] = []
        self._next = 700_000_001
        self._poller: asyncio.Future[None] | None = None
        self._last: tuple[int, float] = (0, -10.0)  # offset and loop time of the last request
        self.allowed = DEFAULT
        self.on_wait: Callable[[], None] = lambda: None  # a poll has begun to wait

    @property
    def idle(self) -> bool:
        """All is confirmed and somebody waits for more."""
        return not self._queue and self._poller is not None

    @property
    def polled(self) -> bool:
        """Somebody waits for updates right now."""
        return self._poller is not None

    @property
    def pending(self) -> int:
        self._expire()
        return len(self._queue)

    def put(self, kind: str, value: object, life: float = DAY) -> bool:
        """False where nobody asked for this kind: it is gone."""
        return kind in self.allowed and bool(self.put_raw({kind: value}, life))

    def put_raw(self, update: Mapping[str, object], life: float = DAY) -> int:
        """Any update, whatever it holds; gives its id."""
        body = dict(update)
        number = body.setdefault("update_id", self._next)
        if isinstance(number, int):
            self._next = max(self._next, number) + 1
        identity = number if isinstance(number, int) else self._next
        self._queue.append(Waiting(identity, body, self._now() + life))
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(None)
        return identity

    def clear(self) -> None:
        self._queue.clear()

    def allow(self, kinds: object) -> None:
        """Remembers what is asked for. Unknown names are passed over; none known, or an empty list: the default."""
        if isinstance(kinds, list):
            self.allowed = frozenset(k for k in kinds if k in KINDS) or DEFAULT

    def interrupt(self, refused: Refused) -> None:
        """Ends the poll under way with an error."""
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(refused)

    async def poll(self, offset: int, limit: int, timeout: float) -> list[Mapping[str, object]]:
        """What waits from `offset` on; what lies before it is confirmed and gone. `timeout` in seconds.

        Raises:
            Refused: 409, another poll began while this one waited.
        """
        loop = asyncio.get_running_loop()
        self.interrupt(Refused(409, CONFLICT))
        if offset == self._last[0] and timeout < self._pace and loop.time() < self._last[1] + self._pace:
            timeout = self._pace
        self._last = (offset, loop.time())
        self._confirm(offset)
        if not self._queue and timeout > 0:
            waiting: asyncio.Future[None] = loop.create_future()
            self._poller = waiting
            self.on_wait()
            try:
                await asyncio.wait_for(waiting, min(timeout, MAX_TIMEOUT))
            except TimeoutError:
                pass
            finally:
                if self._poller is waiting:
                    self._poller = None
        self._expire()
        return [update.body for update in self._queue[: max(1, min(limit, 100))]]

    def _confirm(self, offset: int) -> None:
        self._expire()
        if offset > 0:
            self._queue = [u for u in self._queue if u.id >= offset]
        elif offset < 0:
            self._queue = self._queue[offset:]

    def _expire(self) -> None:
        now = self._now()
        self._queue = [u for u in self._queue if u.expires > now]


def dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
