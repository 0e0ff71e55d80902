"""One fetch for all who ask at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bot.errors import PveError
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
        """Raises: what `fetch` raises; CancelledError when the door closes meanwhile."""
        result = self._result
        if result is None or result.done():
            result = self._result = asyncio.get_running_loop().create_future()
            self._spawn(self._fly(fetch, result), self._name)
        return await asyncio.shield(result)

    async def _fly(self, fetch: Callable[[], Awaitable[T]], result: asyncio.Future[T]) -> None:
        try:
            value = await fetch()
        except PveError as error:
            if not result.done():
                result.set_exception(error)
                result.exception()  # seen: all who waited may have left
        except BaseException:
            result.cancel()
            raise
        else:
            if not result.done():
                result.set_result(value)
