"""The wall clock of the bot's machine jumps: nobody is blamed, nothing is old all of a sudden."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.stack import GROUP, FastClock, Stack


class Jumping(FastClock):
    """`off`: s by which the wall alone is ahead."""

    off = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.off)


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - nothing tells when a message has come
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("jump", [400 * 86400.0, -3600.0])
async def test_a_jump_is_told_as_such_and_as_nothing_else(tmp_path: Path, jump: float) -> None:
    settings = {"TELEMOX_ALERT_CHATS": str(GROUP), "TELEMOX_ALERTS__POLL_SECONDS": "5"}
    running = Stack(tmp_path, settings, guests=20)
    running.clock = clock = Jumping(running.clock.factor)
    try:
        await running.start()

        def texts() -> list[str]:
            return [one.text for one in running.api.messages(GROUP) if one.from_bot]

        await until(lambda: any("since before the bot started" in text for text in texts()))
        before = len(texts())
        began = clock.monotonic()
        clock.off = jump
        await until(lambda: any("the bot's own clock jumped" in text for text in texts()))
        await until(lambda: clock.monotonic() - began > 180)
        assert len(texts()) == before + 1
        assert "is over" not in "".join(texts())
        running.cluster.crash(102)
        await until(lambda: any("db stopped by itself" in text for text in texts()))
    finally:
        await running.stop()
