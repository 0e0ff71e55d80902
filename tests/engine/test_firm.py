"""What was told does not become milder for want of a reading."""

from dataclasses import replace

import pytest

from bot.model import NewsKind, Severity
from bot.text import say
from tests.engine.kit import Bench, found

KEY = "down:main/guest/101"
BAD = found("down", loud=True)
MILD = found("down", severity=Severity.INFO, text="{name} is a bit down", quiet=True)


async def told() -> Bench:
    bench = await Bench().start()
    await bench.poll(BAD, times=5)
    assert bench.told == [("fired", KEY)]
    return bench


async def test_a_told_card_keeps_its_severity_over_a_start_until_all_is_read() -> None:
    bench = await told()
    await bench.restart()
    await bench.poll(MILD)  # the first poll knows least
    await bench.poll(replace(MILD, unsure=True), times=3)
    assert bench.of(KEY).finding == BAD
    await bench.poll(BAD, times=2)
    assert bench.told == [("fired", KEY)]


async def test_once_all_is_read_it_may() -> None:
    bench = await told()
    await bench.restart()
    await bench.poll(replace(MILD, unsure=True), times=2)
    await bench.poll(MILD)
    assert bench.of(KEY).finding.severity is Severity.INFO
    assert [news.kind for news in bench.deliverer.news][-1] is NewsKind.CHANGED


@pytest.mark.parametrize("worse", [Severity.WARNING, Severity.CRITICAL])
async def test_what_is_as_bad_or_worse_is_shown_however_unsure(worse: Severity) -> None:
    bench = await told()
    await bench.poll(replace(BAD, severity=worse, details=(say("x"),), affected=("x",), unsure=True), times=4)
    assert (bench.of(KEY).finding.severity, bench.of(KEY).finding.affected) == (worse, ("x",))
