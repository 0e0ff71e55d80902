"""Work in steps, between which others are answered."""

import asyncio
import time
from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 0.02
"""Seconds of CPU after which somebody else may be answered."""


async def politely(steps: Generator[None, None, T]) -> tuple[T, float]:
    """What comes of the steps, and the seconds of CPU they took; now and then whoever waits goes first."""
    spent, began = 0.0, time.thread_time()
    while True:
        try:
            next(steps)
        except StopIteration as done:
            spent += time.thread_time() - began
            await asyncio.sleep(0)
            return done.value, spent
        if (took := time.thread_time() - began) >= AT_ONCE:
            spent += took
            await asyncio.sleep(0)
            began = time.thread_time()
