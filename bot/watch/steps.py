"""Work in steps, between which somebody else may be answered: generators that give way, and end with what they made."""

import asyncio
import time
from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 0.01
"""Seconds of CPU after which it gives way."""


def at_once(steps: Generator[None, None, T]) -> T:
    """What comes of them, without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            value: T = done.value
            return value


async def politely(steps: Generator[None, None, T]) -> tuple[T, float]:
    """What comes of them, and the seconds of CPU they took; now and then whoever waits goes first."""
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
