"""What getUpdates tells besides updates: that we still hear, what waited in a queue, and what time it is at Telegram.

python-telegram-bot's updater polls for ever, except where it does not (telegram/ext/_updater.py,
_utils/networkloop.py): an update it cannot parse is polled again at once, for ever; one 401 or 404, and be it a
gateway's page, ends polling for good while the process lives on. `api.Api.get_updates` turns both into something that
passes; this class keeps the record, and `watch()` reports when nothing has been heard for too long, and asks
whether Telegram is back while it is away.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from telegram.error import Conflict, InvalidToken, TelegramError

from bot.ports import Clock

log = logging.getLogger(__name__)

TIMEOUT = 25
"""Seconds that Telegram may hold a getUpdates open (it caps at 50)."""
GAP = 30.0
"""Seconds without polling after which taps in the next batch may be older than they look."""
FULL = 100
"""Updates of a full batch: more of the same age follow."""
REFUSED = 120.0
"""Seconds of nothing but Telegram's own 401 and 404 after which polling counts as dead."""
SILENT = 600.0
"""Seconds without a successful getUpdates, whatever the reason, after which a new process may do better."""
EVERY = 3.0
"""Seconds between looks, and between questions whether Telegram is back."""


@dataclass(slots=True)
class Polling:
    clock: Clock
    heard: float = 0.0  # monotonic seconds of the last success, or of the start
    skew: float = 0.0  # seconds that Telegram's clock is ahead of ours
    asked: asyncio.Event = field(default_factory=asyncio.Event)  # the first getUpdates has gone out, or has failed
    heeded: asyncio.Event = field(
        default_factory=asyncio.Event
    )  # somebody is there for what comes; it is held till then
    watched: bool = False  # `watch()` looks, and asks whether Telegram is back while it is away
    flown: Callable[[], float] = lambda: (
        asyncio.get_running_loop().time()
    )  # seconds as the HTTP client counts them, whatever our clock says
    _flying: bool = False  # a poll is under way
    _until: float = 0.0  # `flown()` at which the HTTP client has ended it
    _since: float | None = None  # end of the last success; None before the first
    _late: frozenset[int] = frozenset()  # ids of updates that waited for us
    _more: bool = False  # a late batch was full: the next is late too
    _refused: bool = False  # the last answer was Telegram's own 401 or 404
    _date: str = ""  # the header last read
    _said: str = ""  # the trouble last logged, so that each is said once

    def begin(self) -> None:
        """Polling starts now."""
        self.heard = self.clock.monotonic()

    @property
    def waited(self) -> bool:
        """May updates have waited for us? Then the next poll is not held open: what it brings is what has waited, and
        what the one after it brings is new."""
        return self._away(self.clock.monotonic())

    def _away(self, now: float) -> bool:
        return self._since is None or now - self._since > GAP

    def attempt(self, within: float) -> float:
        """A getUpdates begins that ends `within` seconds; gives the monotonic seconds of now."""
        self._flying, self._until = True, self.flown() + within
        return self.clock.monotonic()

    def ended(self) -> None:
        """It is over, however it went."""
        self._flying = False

    def success(self, started: float, ids: Iterable[int]) -> None:
        """A getUpdates that began at `started` (monotonic seconds) has brought `ids`."""
        waited = self._away(started)
        if waited or self._more:
            batch = frozenset(ids)
            self._late = batch if waited else self._late | batch
            self._more = len(batch) >= FULL
        self._since = self.heard = self.clock.monotonic()
        self._refused = False
        if self._said:
            log.info("Telegram is heard again")
            self._said = ""

    def failure(self, error: TelegramError) -> None:
        self._refused = isinstance(error, InvalidToken)
        if isinstance(error, Conflict):
            words = (
                "another process is polling with this bot's token (or a webhook is set): only one may run. "
                "Stop the other one, or revoke the token at @BotFather"
            )
        elif self._refused:
            words = f"Telegram answered {error.message!r} to getUpdates: is TELEMOX_TELEGRAM_TOKEN still valid?"
        else:
            words = f"Telegram is not heard: {error.message}"
        if words != self._said:
            log.warning("%s", words)
            self._said = words

    def late(self, update: int) -> bool:
        """Had this update waited, for nobody knows how long, when it was fetched?"""
        return update in self._late

    def date(self, header: str | None) -> None:
        """The Date header of an answer, by which our clock is corrected; it has whole seconds, each is read once."""
        if header and header != self._date:
            self._date = header
            try:
                theirs = parsedate_to_datetime(header)
            except ValueError:
                return
            if theirs.tzinfo is None:  # "-0000": UTC, says RFC 5322, of unknown origin
                theirs = theirs.replace(tzinfo=UTC)
            self.skew = (theirs - self.clock.now()).total_seconds()

    def age(self, sent: datetime) -> float:
        """Seconds since Telegram took a message, by its own clock; never negative."""
        return max(0.0, (self.clock.now() - sent).total_seconds() + self.skew)

    def verdict(self) -> str | None:
        """Why polling counts as dead; None while it lives, or may come back."""
        if self._flying and not self._said and self.flown() <= self._until:
            return None  # long polls that bring nothing are how it should be
        silent = self.clock.monotonic() - self.heard
        if self._refused and silent > REFUSED:
            return f"Telegram has refused the bot's token for {silent:.0f} s"
        if silent > SILENT:
            return f"nothing was heard from Telegram for {silent:.0f} s ({self._said or 'polling has stopped'})"
        return None

    async def watch(self, dead: Callable[[str], None], probe: Callable[[], Awaitable[None]]) -> None:
        """Looks every `EVERY` seconds; calls `dead` once, with the reason, and ends. `probe` asks whether Telegram is
        back, where it is away: a long poll may hang in a connection that is gone, and whoever sends waits longer."""
        self.watched = True
        try:
            while (reason := self.verdict()) is None:
                await self.clock.sleep(EVERY)
                await probe()
        finally:
            self.watched = False
        log.critical("%s; giving up, so that the supervisor starts a new process", reason)
        dead(reason)
