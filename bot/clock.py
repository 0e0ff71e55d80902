"""The real clock. Everything that waits or asks the time gets one by argument (`ports.Clock`)."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()  # noqa: TID251 - the clock itself

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
