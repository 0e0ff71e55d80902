"""Telemox as `telemox run` starts it, with a watch on its event loop: the longest time it was held is written to the
file named by HELD_FILE at the end, in milliseconds."""

import asyncio
import os
import sys
import time
from pathlib import Path

from bot import app, config, logs


async def watch(held: list[float]) -> None:
    """Asks for a millisecond and notes how much later it was given."""
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        held.append(time.perf_counter() - before - 0.001)


async def main() -> int:
    settings = config.load(None, environ=os.environ)
    logs.configure("warning", "text", settings.secrets)
    held: list[float] = []
    watcher = asyncio.create_task(watch(held)) if "HELD_FILE" in os.environ else None
    try:
        return await app.run(settings, ready=held.clear)
    finally:
        if watcher is not None:
            watcher.cancel()
            Path(os.environ["HELD_FILE"]).write_text(f"{max(held, default=0) * 1000:.1f}")  # noqa: ASYNC240 - the end


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
