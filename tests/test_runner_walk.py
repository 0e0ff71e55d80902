"""Every action through the whole bot, against the simulated cluster; and the bot killed while its tasks run."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import config
from bot.actions import ACTIONS, BY_KEY
from bot.app import App
from bot.chat.taps import encode
from bot.errors import StoreFailed
from bot.screen import Ask
from tests.stack import Stack, stack


@pytest.fixture
async def s(tmp_path: Path) -> AsyncIterator[Stack]:
    async with stack(tmp_path) as running:
        yield running


async def order(s: Stack, guest: str, key: str) -> str:
    """Orders it and says yes; gives the text of the end."""
    card = await s.api.ask(s.with_ana, s.ana, f"/vm {guest}")
    vmid = next(g.vmid for g in s.cluster.world.guests.values() if g.name == guest)
    await s.api.forge(s.with_ana, s.ana, card.id, encode(Ask(key, f"main/{vmid}")) or "")
    if BY_KEY[key].question:
        await s.api.wait_for(lambda: any("Yes" in label for row in card.labels for label in row), 20)
        await s.api.tap(card, "Yes", s.ana)
    await s.api.wait_for(lambda: card.text[0] in "✅❌❔⚠🚫", 20)
    return card.text


@pytest.mark.parametrize(
    ("guest", "key"),
    [
        ("git", "shutdown"),
        ("git", "reboot"),
        ("git", "stop"),
        ("git", "reset"),
        ("git", "pause"),
        ("git", "hibernate"),
        ("git", "backup"),
        ("ct-dns", "backup"),
        ("win-test", "resume"),
        ("win-test", "stop"),
        ("cad", "resume"),
        ("ct-mail", "start"),
        ("ct-dns", "shutdown"),
        ("ct-dns", "reboot"),
        ("ct-dns", "stop"),
        ("web", "reboot"),  # under HA, as the ones below
        ("web", "shutdown"),
        ("ct-files", "stop"),
        ('web<1>_&"', "reboot"),
    ],
)
async def test_each_action_to_its_end(s: Stack, guest: str, key: str) -> None:
    text = await order(s, guest, key)
    assert text.startswith("✅ " + BY_KEY[key].done.format(name=guest))
    assert len(s.writes) == 1
    await finished(s)


async def finished(s: Stack) -> None:
    """Until no order is open: the audit's last line comes after the telling."""
    assert s.app is not None
    assert s.app.store is not None
    async with asyncio.timeout(20):
        while await s.app.store.unfinished():  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.01)


def test_each_action_is_walked() -> None:
    walked = {key for mark in test_each_action_to_its_end.pytestmark for _, key in mark.args[1]}  # type: ignore[attr-defined]  # set by parametrize
    assert walked == {action.key for action in ACTIONS}


async def test_a_machine_that_does_not_start(s: Stack) -> None:
    text = await order(s, "broken", "start")
    assert text == "❌ broken did not start\nstart failed: QEMU exited with code 1\nbroken is still stopped."


async def test_a_machine_that_does_not_listen(s: Stack) -> None:
    text = await order(s, "legacy", "shutdown")
    assert text == "❌ legacy did not shut down\nVM quit/powerdown failed - got timeout\nlegacy is still running."


@pytest.mark.parametrize("key", ["shutdown", "backup"])
async def test_what_holds_a_machine_is_said_and_its_log_is_a_tap_away(s: Stack, key: str) -> None:
    card = await s.api.ask(s.with_ana, s.ana, "/vm archive")
    await s.api.forge(s.with_ana, s.ana, card.id, encode(Ask(key, "main/106")) or "")
    await s.api.wait_for(lambda: "Log" in card.labels[0], 20)
    said = {
        "shutdown": "archive is locked (backup): it is being backed up. “Shutdown” has to wait until that is done.",
        "backup": "A backup of archive is running already.",
    }
    assert card.text.splitlines()[0] == said[key]
    assert s.writes == []
    await s.api.tap(card, "Log", s.ana)
    await s.api.wait_for(lambda: card.text.startswith("⏳ vzdump · archive · pve3"), 20)


async def killed(s: Stack) -> None:
    """As good as kill -9: nothing of it gets to do another step."""
    assert s.app is not None
    for task in tuple(s.app.spawn._tasks):
        task.cancel()
    await s.stop_bot()


# a connection cut off in its handshake is dropped by httpcore without being closed; a killed process drops all of them
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("pause", [0.0, 0.002, 0.01, 0.05])
async def test_killed_while_its_task_runs(s: Stack, pause: float) -> None:
    card = await s.api.ask(s.with_ana, s.ana, "/vm db")
    await s.api.tap(card, "Reboot", s.ana)
    await s.api.read(card, "Reboot db")
    await s.api.tap(card, "Yes", s.ana)
    await asyncio.sleep(pause)
    await killed(s)
    written = len(s.writes)
    assert written <= 1
    await s.start_bot()
    await finished(s)
    assert len(s.writes) == written
    if written:
        assert card.text.startswith("✅ db has rebooted")


async def test_two_bots_on_one_data_directory(s: Stack) -> None:
    second = App(config.load(None, environ=s.environment), s.clock)
    with pytest.raises(StoreFailed, match="Another Telemox"):
        await second.start()
    await second.stop()
