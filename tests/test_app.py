"""The process as a whole: what its log says at the start and at the end, and what becomes of a start that cannot be."""

import asyncio
import logging
import os
import signal
from pathlib import Path

import pytest

from bot import app, config
from bot.errors import TelemoxError
from tests.stack import Stack, stack


def settings(s: Stack, changes: dict[str, str]) -> config.Settings:
    return config.load(None, environ=s.environment | {f"TELEMOX_{name}": value for name, value in changes.items()})


async def life(s: Stack, caplog: pytest.LogCaptureFixture, **changes: str) -> list[str]:
    """What the process says from its start until it has looked at the cluster and is sent SIGTERM."""
    await s.stop_bot()
    caplog.clear()
    ending: list[asyncio.Task[float]] = []

    def said() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "bot.app"]

    async def end() -> float:
        while not any(line.startswith("main (") for line in said()):  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        return asyncio.get_running_loop().time()

    with caplog.at_level(logging.INFO, "bot.app"):
        status = await app.run(settings(s, changes), ready=lambda: ending.append(asyncio.ensure_future(end())))
    assert status == 0
    assert asyncio.get_running_loop().time() - ending[0].result() < app.GRACE, "nothing runs: nothing is waited for"
    return said()


async def test_the_log_tells_of_the_start_and_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with stack(tmp_path) as s:
        roles, cluster, asked, stopped = await life(s, caplog)
        hosts = ", ".join(s.cluster.hosts)
    assert roles == "people with a role: 1 viewer, 1 operator, 1 admin; groups: 1"
    assert cluster == f"main ({hosts}) is reached: homelab, Proxmox VE {s.cluster.release.text}, 3 nodes, 38 guests"
    assert asked.startswith("asked to stop")
    assert stopped == "stopped"


async def test_a_host_that_is_not_reached_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with stack(tmp_path) as s:
        said = await life(s, caplog, PVE_HOSTS=",".join(("127.0.0.1:9", *s.cluster.hosts)))
    assert "main: no answer from 127.0.0.1:9" in said


async def test_the_log_warns_where_nobody_has_a_role_and_no_host_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with stack(tmp_path) as s:
        roles, cluster, *_ = await life(s, caplog, ADMINS="", OPERATORS="", VIEWERS="", PVE_HOSTS="127.0.0.1:9")
    assert roles.startswith("nobody has a role: nobody is answered")
    assert cluster == "main (127.0.0.1:9) is not reached, or not as it should be: 127.0.0.1:9: connection refused"
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert {roles, cluster} <= set(warned)


async def test_a_refused_bot_token_is_a_sentence_and_no_failed_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with stack(tmp_path) as s:
        await s.stop_bot()
        caplog.clear()
        with caplog.at_level(logging.INFO), pytest.raises(TelemoxError):
            await app.run(settings(s, {"TELEGRAM_TOKEN": "987654321:another-made-up-secret-of-a-bot-0000"}))
    assert caplog.messages == [], "the sentence is all there is"
