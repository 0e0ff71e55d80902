"""One fetch for all who ask at once."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar

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


def _landed(result: asyncio.Future[T], task: asyncio.Task[None]) -> None:
    """Nobody waits for ever: not when the door closes, and not on a bug of ours, which spawn has logged."""
    if not result.done():
        bug = None if task.cancelled() else task.exception()
        _fail(result, bug or PveUnreachable("the bot is stopping"))


def _fail(result: asyncio.Future[T], error: BaseException) -> None:
    if not result.done():
        result.set_exception(error)
        result.exception()  # seen: all who waited may have left
