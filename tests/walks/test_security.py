"""Rules of docs/security.md that hold only for the bot as a whole."""

import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stack import Stack, stack


@pytest.fixture
async def s(tmp_path: Path) -> AsyncIterator[Stack]:
    async with stack(tmp_path) as running:
        yield running


async def test_a_freeze_stops_every_write_and_outlives_the_process(s: Stack) -> None:
    card = await s.api.ask(s.with_ben, s.ben, "/vm web")
    reboot = card.button("Reboot").data
    question = await s.api.ask(s.with_ana, s.ana, "/freeze")
    await s.api.tap(question, "Yes", s.ana)
    await s.api.read(question, "Frozen: I only watch")
    await s.stop_bot()
    await s.start_bot()
    again = await s.api.ask(s.with_ben, s.ben, "/vm web")
    assert not any(word in label for row in again.labels for label in row for word in ("Reboot", "Shutdown", "More"))
    answer = await s.api.forge(s.with_ben, s.ben, card.id, reboot)
    assert answer is not None
    assert "frozen" in answer.text
    assert s.writes == []


async def test_the_admins_alone_are_told_once_of_a_refused_token(s: Stack) -> None:
    await s.quiet()
    s.cluster.set_fault("401", True)
    s.clock.skip(6)
    for _ in range(2):
        await s.api.ask(s.with_vera, s.vera, "/vms")
        s.clock.skip(6)
    told = [message.text for message in s.api.messages(s.with_ana)]
    assert len(told) == 1
    assert "refused the API token telemox@pve!view" in told[0]
    assert s.api.messages(s.with_ben) == []


@pytest.mark.parametrize("command", ["run", "check", "demo"])
def test_no_secret_is_given_as_an_argument(command: str) -> None:
    """`/proc/*/cmdline` is everybody's to read."""
    line = [sys.executable, "-m", "bot", command, "--help"]
    shown = subprocess.run(line, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours
    options = set(re.findall(r"--[a-z-]+", shown))
    assert options <= {"--help", "--env-file", "--port", "--guests", "--seed", "--no-browser"}
    assert "--help" in options
