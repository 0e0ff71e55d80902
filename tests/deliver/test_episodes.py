"""Nothing is lost and nothing told twice, whatever breaks: `tests/deliver/episodes.py`, from a few seeds."""

import logging
from pathlib import Path

import pytest

from bot.store import Store
from tests.deliver.episodes import simulate
from tests.deliver.kit import Clock


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_episode_is_told_and_its_end_with_a_duplicate_a_kill_at_most(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    told = await simulate(40, seed)
    assert told.kills > 10
    assert told.lost
    assert told.refused > 10
    assert told.well, told


async def test_without_faults_nothing_is_told_twice() -> None:
    told = await simulate(40, 4, kills=0, faults=0)
    assert told.well, told
    assert told.again == 0


async def test_the_same_over_the_real_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    store = await Store.open(tmp_path, Clock())
    try:
        told = await simulate(12, 5, kills=0.03, ledger=store)
    finally:
        await store.close()
    assert told.kills > 5
    assert told.well, told
