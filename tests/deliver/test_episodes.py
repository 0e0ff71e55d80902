"""Nothing is lost and nothing told twice, whatever breaks: `tests/deliver/episodes.py`, from a few seeds."""

import logging

import pytest

from tests.deliver.episodes import simulate


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
