"""Supervised background work: the only place that makes tasks.

`asyncio.create_task` drops a task that nobody holds and keeps its exception to itself; python-telegram-bot's
`Application.create_task` is awaited on stop without a cap. Hence this: every task is held, every exception logged with
its traceback, and `close()` ends in bounded time.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Spawn:
    """`spawn(coro, name)` starts; `await spawn.close(8)` waits, cancels what is left, and waits for that."""

    def __init__(self, grace: float = 2.0, *, quiet: bool = False) -> None:
        """`quiet`: what comes too late is nobody's loss, and no word in the log."""
        self._late = logging.DEBUG if quiet else logging.WARNING
        self._grace = grace  # seconds for what was cancelled to tidy up
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    def __call__(self, coro: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Starts `coro`. After `close()` began it is refused: closed unstarted, and said in the log."""
        if self._closing:
            coro.close()
            log.log(self._late, "not started, the bot is stopping: %s", name)
            done: asyncio.Task[Any] = asyncio.get_running_loop().create_task(_nothing(), name=name)
            return done
        task = asyncio.create_task(coro, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self, seconds: float) -> None:
        """Waits up to `seconds` for all tasks, cancels the rest and awaits their end (at most `grace` more)."""
        self._closing = True
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            _, stuck = await asyncio.wait(set(self._tasks), timeout=self._grace)
            for task in stuck:
                log.error("did not end when cancelled: %s", task.get_name())

    def __len__(self) -> int:
        return len(self._tasks)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background work failed: %s", task.get_name(), exc_info=error)


async def _nothing() -> None:
    return None
