"""One fetch for all who ask at once; and what is fetched seldom, kept."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

from cachetools import TTLCache

from bot.errors import PveError, PveUnreachable
from bot.spawn import Spawn

T = TypeVar("T")


class Flight(Generic[T]):
    """`await flight(fetch)`: joins the fetch that is under way, or starts it.

    It belongs to nobody who waits: an asker who is cancelled takes nothing from the others.
    """

    def __init__(self, spawn: Spawn, name: str) -> None:
        self._spawn = spawn
        self._name = name
        self._result: asyncio.Future[T] | None = None

    async def __call__(self, fetch: Callable[[], Awaitable[T]]) -> T:
        """Raises: what `fetch` raises; PveUnreachable when the door closes meanwhile."""
        result = self._result
        if result is None or result.done():
            result = self._result = asyncio.get_running_loop().create_future()
            task = self._spawn(self._fly(fetch, result), self._name)
            task.add_done_callback(partial(_landed, result))
        return await asyncio.shield(result)

    async def _fly(self, fetch: Callable[[], Awaitable[T]], result: asyncio.Future[T]) -> None:
        try:
            value = await fetch()
        except PveError as error:
            _fail(result, error)
        else:
            if not result.done():
                result.set_result(value)


class Kept(Generic[T]):
    """`await kept()`: fetched once, given as it is while `fresh` (s); until it is `stale` (s) it is given still, and
    fetched anew behind the asker's back, so that nobody waits for it but the first; afterwards it is waited for."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[T]],
        *,
        fresh: float,
        stale: float,
        spawn: Spawn,
        name: str,
        monotonic: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._spawn = spawn
        self._name = name
        self._flight = Flight[T](spawn, name)
        self._fresh: TTLCache[str, T] = TTLCache(1, fresh, monotonic)
        self._stale: TTLCache[str, T] = TTLCache(1, stale, monotonic)

    async def __call__(self) -> T:
        """Raises: what the fetch raises, where it is waited for."""
        if (value := self._fresh.get("")) is not None:
            return value
        if (value := self._stale.get("")) is None:
            return await self._flight(self._anew)
        self._spawn(self._behind(), f"{self._name}, anew")
        return value

    def forget(self) -> None:
        self._fresh.clear()
        self._stale.clear()

    async def _anew(self) -> T:
        self._fresh[""] = self._stale[""] = value = await self._fetch()
        return value

    async def _behind(self) -> None:
        with suppress(PveError):  # whoever has to wait for it is told
            await self._flight(self._anew)


async def quietly(call: Awaitable[T]) -> T | PveError:
    """A failure as a value: one part of several that may be missing."""
    try:
        return await call
    except PveError as error:
        return error


def _landed(result: asyncio.Future[T], task: asyncio.Task[None]) -> None:
    """Nobody waits for ever: not when the door closes, and not on a bug of ours, which spawn has logged."""
    if not result.done():
        bug = None if task.cancelled() else task.exception()
        _fail(result, bug or PveUnreachable("the bot is stopping"))


def _fail(result: asyncio.Future[T], error: BaseException) -> None:
    if not result.done():
        result.set_exception(error)
        result.exception()  # seen: all who waited may have left
