"""Background work: held, logged, and ended in bounded time."""

import asyncio
import logging

import pytest

from bot.spawn import Spawn


async def test_what_fails_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("disk on fire")

    spawn = Spawn()
    spawn(fails(), "a run")
    await spawn.close(1)
    (record,) = caplog.records
    assert record.getMessage() == "background work failed: a run"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)


async def test_close_waits_for_what_ends_in_time() -> None:
    done: list[str] = []

    async def short() -> None:
        await asyncio.sleep(0)
        done.append("short")

    spawn = Spawn()
    spawn(short(), "short")
    assert len(spawn) == 1
    await spawn.close(1)
    assert done == ["short"]
    assert len(spawn) == 0


async def test_close_cancels_what_does_not_and_waits_for_its_finally() -> None:
    trace: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            trace.append("tidied")

    spawn = Spawn()
    spawn(endless(), "endless")
    await asyncio.sleep(0)
    await spawn.close(0.01)
    assert trace == ["tidied"]
    assert len(spawn) == 0


async def test_work_started_by_work_that_ends_is_waited_for_too() -> None:
    trace: list[str] = []
    spawn = Spawn()

    async def cleans() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            spawn(never(), "late")
            trace.append("cleaned")

    async def never() -> None:
        trace.append("never")

    spawn(cleans(), "cleans")
    await asyncio.sleep(0)
    await spawn.close(0)
    assert trace == ["cleaned"]


async def test_what_is_cancelled_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    spawn = Spawn()
    task = spawn(asyncio.Event().wait(), "waits")
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    await spawn.close(0)
    assert caplog.records == []


async def test_after_close_nothing_starts_and_nothing_is_left_unawaited(caplog: pytest.LogCaptureFixture) -> None:
    started: list[str] = []

    async def late() -> None:
        started.append("late")

    spawn = Spawn()
    await spawn.close(0)
    with caplog.at_level(logging.WARNING):
        task = spawn(late(), "late")
    await task
    assert started == []
    assert "not started, the bot is stopping: late" in caplog.text


async def test_what_swallows_its_cancellation_is_named(caplog: pytest.LogCaptureFixture) -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    spawn = Spawn(grace=0.01)
    task = spawn(stubborn(), "stubborn")
    await asyncio.sleep(0)
    await spawn.close(0)
    assert "did not end when cancelled: stubborn" in caplog.text
    release.set()
    await task
