"""The Bot API over HTTP: python-telegram-bot's bot, with a lean call, and a getUpdates that survives whatever comes.

`call()` sends a request as plain values and gives the plain result: what a screen needs of a sent message is its id,
and building and parsing PTB's objects for it costs more than drawing the screen.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, cast

from telegram import Update, User
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.ext import ExtBot

from bot.chat.limiter import Lane, Limiter
from bot.chat.polling import TIMEOUT, Polling
from bot.chat.request import USUAL, Bounds, Request

log = logging.getLogger(__name__)

if find_spec("sniffio") is None:
    # httpcore asks eight times a request which async library runs, by importing sniffio (_synchronization.py). Where it
    # is not installed each time costs a search of the whole path, half a millisecond a request; None ends it at once.
    cast("dict[str, object]", sys.modules)["sniffio"] = None

ALLOWED = ("message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "inline_query",
           "my_chat_member")  # fmt: skip
"""Named with every poll: Telegram remembers what an earlier deployment or webhook asked for."""
POOL = 128
"""Connections: 32 at work, 32 callbacks' answers (handlers.ANSWERS), and as many again for what has no turn: alerts,
runs that are followed, menus. They are opened when they are needed."""

ANSWERS_FIRST = 24
"""Turns that the event loop gets between a batch of updates and the next poll. Making a request costs a millisecond:
an answer that waits for nothing else is to go out before the poll, for which nobody waits."""

PROBE = 5.0
"""Seconds in which Telegram has to answer whoever asks whether it is back."""
AWAY = 15.0
"""Seconds from one poll that failed to the next, at most, while nothing else has found that Telegram is back."""
STEP = 1.0
"""Seconds between looks whether something has."""

_ANSWERS = (BadRequest, Conflict, Forbidden, RetryAfter)
"""Refusals that only Telegram itself gives."""

_NOT_OURS = "what came was not a Bot API answer"

Fields = dict[str, Any]
"""Parameters of a method, and its result: plain JSON values, as the Bot API spells them."""


class Api(ExtBot[Lane]):
    def __init__(self, token: str, base_url: str, limiter: Limiter, polling: Polling, bounds: Bounds = USUAL) -> None:
        """`base_url` is scheme, host and port, without `/bot`."""
        root = base_url.rstrip("/")
        super().__init__(
            token=token,
            base_url=f"{root}/bot",
            base_file_url=f"{root}/file/bot",
            request=Request(token, root, pool=POOL, bounds=bounds),
            get_updates_request=Request(
                token, root, pool=2, bounds=bounds, polls=True, on_date=polling.date, sent=polling.asked
            ),
            rate_limiter=limiter,
        )
        self._polling = polling
        self._slack = bounds.poll + 1  # seconds over its hold in which a poll has surely ended
        self._brought = False  # updates, by the last poll
        self._stumbled = False  # the last poll has failed
        self._returned: list[Callable[[], object]] = []
        self._returns = 0  # times that Telegram answered after it had not
        self._unreached: float | None = None  # monotonic seconds of the first call of late that Telegram did not answer
        self._met = False  # Telegram has answered, at least once

    def on_return(self, call: Callable[[], object]) -> None:
        """`call` whenever Telegram answers again after it had not; at the start, when it does at all."""
        self._returned.append(call)

    def expect(self) -> None:
        """From now on Telegram counts as not reached, until it answers."""
        if self._unreached is None:
            self._unreached = self._polling.clock.monotonic()

    async def probe(self) -> None:
        """Where Telegram was not reached of late, asks whether it is now. Never raises."""
        if not self.reached:
            with suppress(TelegramError, TimeoutError):
                async with asyncio.timeout(PROBE):
                    await self.call("getMe", {})

    async def rest(self, seconds: float) -> None:
        """Sleeps, no longer than `STEP` once Telegram answers again."""
        returns, clock = self._returns, self._polling.clock
        end = clock.monotonic() + seconds
        while self._returns == returns and (left := end - clock.monotonic()) > 0:
            await clock.sleep(min(STEP, left))

    async def call(self, method: str, fields: Fields, lane: Lane | None = None) -> Any:
        """`POST /bot<token>/<method>`; gives its `result`. Without a lane the limiter lets it pass at once.

        Raises: TelegramError and nothing else, as PTB sorts them; InvalidToken also for Telegram's own 404.
        """
        return await self._post(method, fields, api_kwargs=self._merge_api_rl_kwargs(None, lane))

    async def get_me(self, *args: Any, **kwargs: Any) -> User:
        """Raises: NetworkError also where what came is no bot."""
        try:
            me = await super().get_me(*args, **kwargs)
        except TelegramError:
            raise
        except Exception as error:  # PTB's parsers raise whatever the data makes them trip over
            raise _not_ours(error) from error
        if type(me.id) is not int or not isinstance(me.username, str):
            raise NetworkError(_NOT_OURS)
        return me

    async def _do_post(self, *args: Any, **kwargs: Any) -> bool | Fields | list[Fields]:
        """Whatever an answer makes PTB trip over is a NetworkError, and a loop that waits for the network goes on."""
        reached = unknown = False
        try:
            result = await super()._do_post(*args, **kwargs)
            reached = True
            return result
        except ChatMigrated as error:
            if type(error.new_chat_id) is not int:
                raise NetworkError(_NOT_OURS) from error
            reached = True
            raise
        except TelegramError as error:
            reached = isinstance(error, _ANSWERS)
            raise
        except Exception as error:
            raise _not_ours(error) from error
        except BaseException:  # cancelled: nothing is known
            unknown = True
            raise
        finally:
            if reached:
                again, self._unreached, self._met = self._unreached is not None, None, True
                if again:
                    self._returns += 1
                    for call in self._returned:
                        call()
            elif not unknown:
                self.expect()

    @property
    def reached(self) -> bool:
        """Has Telegram answered the last call of which anything is known?"""
        return self._unreached is None

    @property
    def met(self) -> bool:
        """Has Telegram ever answered?"""
        return self._met

    @property
    def deaf(self) -> float:
        """Seconds since which no call was answered by Telegram; 0 where the last one was."""
        return 0.0 if self._unreached is None else self._polling.clock.monotonic() - self._unreached

    async def get_updates(self, *args: Any, **kwargs: Any) -> tuple[Update, ...]:
        """Polls once, as the updater asks (`offset`, `timeout`, `allowed_updates`).

        An update that cannot be parsed becomes one that holds nothing but its id: confirmed, and skipped. The updater
        tries again a second after a first failure, and up to half a minute after the next ones: these are waited for
        here, no longer than Telegram is away.

        Raises: NetworkError for every failure that the updater would not come back from.
        """
        while True:
            try:
                return await self._listen(*args, **kwargs)
            except TimedOut:  # it has waited enough
                self._stumbled = True
                raise
            except NetworkError:
                if not (self._stumbled and self._polling.watched):
                    self._stumbled = True
                    raise
            await self.rest(AWAY)

    async def _listen(self, *args: Any, **kwargs: Any) -> tuple[Update, ...]:
        if self._brought:
            for _ in range(ANSWERS_FIRST):
                await asyncio.sleep(0)
        started = self._polling.attempt(_seconds(kwargs.get("timeout")) + self._slack)
        try:
            raw = await self._poll(*args, **kwargs)
        except InvalidToken as error:
            self._polling.failure(error)
            raise NetworkError(error.message) from error
        except TelegramError as error:
            self._polling.failure(error)
            raise
        except Exception as error:
            failed = _not_ours(error)
            self._polling.failure(failed)
            raise failed from error
        finally:
            self._polling.ended()
            self._polling.asked.set()
        updates = self._parsed(raw)
        self._brought, self._stumbled = bool(updates), False
        self._polling.success(started, (update.update_id for update in updates))
        await self._polling.heeded.wait()
        return updates

    async def _poll(
        self, offset: int | None = None, limit: int | None = None, timeout: int | timedelta | None = None,
        allowed_updates: Any = None, **_: Any,
    ) -> list[Fields]:  # fmt: skip
        hold = 0.0 if self._polling.waited or self._stumbled else _seconds(timeout)
        fields = {"offset": offset, "limit": limit, "timeout": int(hold), "allowed_updates": allowed_updates}
        raw = await self._post("getUpdates", fields, read_timeout=hold)
        if not isinstance(raw, list) or not all(isinstance(one, dict) and type(one["update_id"]) is int for one in raw):
            raise TypeError("result is no list of updates")
        return cast("list[Fields]", raw)

    def _parsed(self, raw: list[Fields]) -> tuple[Update, ...]:
        with suppress(Exception):  # PTB's parsers raise whatever the data makes them trip over
            return tuple(map(_sound, Update.de_list(raw, self)))
        return tuple(_sound(self._one(one)) for one in raw)

    def _one(self, raw: Fields) -> Update:
        try:
            return Update.de_json(raw, self)
        except Exception:
            log.exception("update %d cannot be read (%s) and is skipped", raw["update_id"], ", ".join(map(str, raw)))
            return Update(update_id=raw["update_id"])


def _sound(update: Update) -> Update:
    """PTB keeps the ids of whoever sent an update in a set, outside of what it guards (_application.py,
    _mark_for_persistence_update): one that is a list would end its loop, and nothing would be heard any more."""
    chat, user = update.effective_chat, update.effective_user
    if (chat is None or type(chat.id) is int) and (user is None or type(user.id) is int):
        return update
    log.warning("update %d names no chat or person that can be one, and is skipped", update.update_id)
    return Update(update_id=update.update_id)


def _seconds(timeout: int | timedelta | None) -> float:
    return timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout or 0)


def _not_ours(error: Exception) -> NetworkError:
    return NetworkError(f"{_NOT_OURS} ({type(error).__name__})")


POLL_TIMEOUT = timedelta(seconds=TIMEOUT)
