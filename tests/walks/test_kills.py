"""The whole bot as a process, killed again and again: nothing is lost, little is told twice."""

from pathlib import Path

from tests.walks.killed import story


async def test_what_was_told_and_what_was_not_survives_a_kill(tmp_path: Path) -> None:
    told = await story(tmp_path, kills=6, episodes=2, seed=1)
    assert told.kills == 6
    assert told.well, told
