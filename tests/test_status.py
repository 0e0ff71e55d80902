"""The exit status of a process that cannot start: what may pass is tried anew by its supervisor, what cannot is not."""

import fcntl
import os
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.file import FILE, LOCK
from tests.stack import Stack, stack
from tests.test_check import telemox
from tests.test_deploy import ROOT, UNIT


@pytest.fixture
async def down(tmp_path: Path) -> AsyncIterator[Stack]:
    """The bot was there, and has been stopped."""
    async with stack(tmp_path) as s:
        await s.quiet()
        await s.stop_bot()
        yield s


async def ends(s: Stack, **changes: str) -> tuple[int, str]:
    """Status and standard error of `telemox run`."""
    (s.folder / "settings").touch(mode=0o600)
    environment = s.environment | {f"TELEMOX_{name}": value for name, value in changes.items()}
    status, out, err = await telemox("run", "--env-file", str(s.folder / "settings"), cwd=None, **environment)
    assert out == ""
    return status, err


async def test_a_data_directory_in_use_may_be_left_soon(down: Stack, tmp_path: Path) -> None:
    lock = os.open(tmp_path / "data" / LOCK, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, err = await ends(down)
    finally:
        os.close(lock)
    assert (status, err.count("\n")) == (75, 1)
    assert err.startswith("Another Telemox already uses the data directory")


async def test_a_database_that_cannot_be_written_may_be_writable_soon(down: Stack, tmp_path: Path) -> None:
    """As on a full disk, after a clean stop: the write-ahead log cannot be made."""
    (tmp_path / "data" / f"{FILE}-wal").mkdir()
    status, err = await ends(down)
    assert (status, err.count("\n")) == (75, 1)
    assert "cannot be used" in err


async def test_a_port_that_is_taken_may_be_free_soon(down: Stack) -> None:
    taken = down.api.base_url.rpartition("//")[2]
    secret = "a-secret-of-the-listener-0123456789"
    status, err = await ends(down, LISTEN=taken, NOTIFY_SECRET=secret)
    assert status == 75
    assert f"Nothing can be listened on at {taken}" in err


async def test_a_database_of_a_newer_version_stays_one(down: Stack, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "data" / FILE)) as connection:
        connection.execute("PRAGMA user_version = 99")
    status, err = await ends(down)
    assert status == 2
    assert err.startswith("The database is of a newer Telemox.")


async def test_a_token_that_telegram_refuses_is_refused_at_once(down: Stack) -> None:
    status, err = await ends(down, TELEGRAM_TOKEN="987654321:another-made-up-secret-of-a-bot-0000")
    assert (status, err.count("\n")) == (2, 1)
    assert err.startswith("Telegram refused the bot's token (Unauthorized).")


async def test_wrong_settings_stay_wrong(down: Stack) -> None:
    assert (await ends(down, ADMINS="everybody"))[0] == 2


def test_the_unit_starts_anew_for_ever_but_after_2() -> None:
    found = dict(re.findall(r"^(StartLimitIntervalSec|Restart|RestartPreventExitStatus)=(.*)$", UNIT.read_text(), re.M))
    assert found == {"StartLimitIntervalSec": "0", "Restart": "on-failure", "RestartPreventExitStatus": "2"}


async def test_help_and_page_name_each_status() -> None:
    _, out, _ = await telemox("run", "--help")
    page = (ROOT / "docs/systemd.md").read_text()
    for status in ("2", "3", "75"):
        assert f"{status} = " in page
        assert re.search(rf"\b{status} ", out.partition("Exit status:")[2])
