"""The calls of one cluster that are under way, whatever token they are made with."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Calls:
    def __init__(self) -> None:
        self._since: dict[object, float] = {}  # by the loop's time, which all timeouts of calls go by; oldest first

    async def __call__(self, call: Awaitable[T]) -> T:
        """`call`, counted until it ends."""
        key = object()
        self._since[key] = asyncio.get_running_loop().time()
        try:
            return await call
        finally:
            del self._since[key]

    @property
    def waiting(self) -> float:
        """Seconds for which the oldest is under way; 0 where there is none."""
        return asyncio.get_running_loop().time() - next(iter(self._since.values())) if self._since else 0.0
