"""What a group hears when more than a guest goes wrong, through the real bot between its two stand-ins."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.demo.telegram import Message
from tests.stack import GROUP, Stack, stack, started

CRASHED = 110  # ct-dns: a container that starts with its node


@pytest.fixture
async def s(tmp_path: Path) -> AsyncIterator[Stack]:
    async with stack(tmp_path, TELEMOX_ALERT_CHATS=str(GROUP)) as running:
        await told(running, "open since before the bot started")
        yield running


async def told(s: Stack, words: str) -> Message:
    """The newest message in the group that says so."""
    found: list[Message] = []

    def said() -> bool:
        found[:] = [message for message in s.group.messages() if words in message.text]
        return bool(found)

    await s.api.wait_for(said, 20.0, words)
    return found[-1]


def count(s: Stack) -> int:
    return len(list(s.group.messages()))


async def test_a_dead_node_is_one_message_with_its_guests(s: Stack) -> None:
    before = count(s)
    s.cluster.set_fault("node_off", True, "pve2")
    alert = await told(s, "pve2 is offline")
    assert "guests there" in alert.text
    await asyncio.sleep(2.0)  # six polls, and HA's fence of the node
    assert count(s) == before + 1, [message.text for message in s.group.messages()]
    s.cluster.set_fault("node_off", False, "pve2")
    await s.api.read(alert, "🟢", 20.0)


async def test_it_is_told_once_and_goes_green_over_a_restart(s: Stack) -> None:
    s.cluster.set_fault("crash", True, str(CRASHED))
    alert = await told(s, "ct-dns stopped by itself")
    await s.stop_bot()
    await s.start_bot()
    await asyncio.sleep(1.0)
    assert "ct-dns stopped by itself" in alert.text
    assert len([m for m in s.group.messages() if "ct-dns stopped by itself" in m.text]) == 1
    card = await s.api.ask(s.with_ben, s.ben, "/vm ct-dns")
    await s.api.tap(card, "Start", s.ben)
    await s.api.read(alert, "ct-dns runs again", 20.0)


async def test_what_happened_while_the_bot_was_away_is_told_once(s: Stack) -> None:
    await s.stop_bot()
    s.cluster.set_fault("crash", True, str(CRASHED))
    await asyncio.sleep(0.5)  # 25 s of the cluster: its view lags
    await s.start_bot()
    await told(s, "Telemox has started")
    await told(s, "ct-dns stopped by itself")
    await asyncio.sleep(1.5)
    texts = [message.text for message in s.group.messages()]
    assert len([text for text in texts if "ct-dns" in text]) == 1, texts
    assert not any("problem" in text and "Telemox has started" in text for text in texts), texts


async def test_a_group_that_takes_the_bot_back_hears_at_once_what_it_missed(s: Stack) -> None:
    s.api.block(s.group, "kicked")
    s.cluster.set_fault("crash", True, str(CRASHED))
    alerts = s.app.alerts if s.app is not None else None
    assert alerts is not None
    await s.api.wait_for(lambda: alerts.deliverer.counts["chat"] > 0, 20.0, "the group cannot be written to")
    await asyncio.sleep(0.2)
    assert not any("ct-dns" in message.text for message in list(s.group.messages())[-1:])
    s.api.promote(s.group)
    at = s.clock.monotonic()
    await told(s, "ct-dns stopped by itself")
    assert s.clock.monotonic() - at < 60.0  # it was to be tried again in an hour


async def test_what_is_asked_in_a_group_holds_up_no_alert(s: Stack) -> None:
    for _ in range(26):
        await s.api.say(s.group, s.vera, "/status")
    s.cluster.set_fault("crash", True, str(CRASHED))
    at = s.clock.monotonic()
    await told(s, "ct-dns stopped by itself")
    assert s.clock.monotonic() - at < 150.0
    await s.api.settled()
    calls = [call for call in s.api.made("sendMessage") if int(str(call.params["chat_id"])) == GROUP]
    assert not [call.error for call in calls if call.error]
    assert sum("alerts come first" in message.text for message in s.group.messages()) == 1


async def test_forged_taps_of_alerts_change_nothing(s: Stack) -> None:
    s.cluster.set_fault("crash", True, str(CRASHED))
    alert = await told(s, "ct-dns stopped by itself")
    text = alert.text
    for data in ("akc1", "aka1", "asa1:1h", "asr1:8am", "ak", "asx:y", "akc99999999999999999999"):
        await s.api.forge(s.with_stranger, s.stranger, 1, data, wait=False)
        await s.api.forge(s.group, s.vera, alert.id, data)
    await s.api.settled()
    await asyncio.sleep(0.5)
    assert alert.text == text
    assert "Nothing is silenced" in (await s.api.ask(s.with_ana, s.ana, "/silences")).text


async def test_a_store_that_fails_loses_no_alert_and_the_admins_hear_of_it_once(s: Stack) -> None:
    with closing(sqlite3.connect(s.folder / "data" / "telemox.db", timeout=10)) as other:
        other.execute("DROP TABLE alerts")
    s.cluster.set_fault("crash", True, str(CRASHED))
    await told(s, "ct-dns stopped by itself")
    await s.api.wait_for(lambda: any("Alerts cannot be written down" in m.text for m in s.with_ana.messages()), 20.0)
    await asyncio.sleep(1.0)
    assert len([m for m in s.with_ana.messages() if "cannot be written down" in m.text]) == 1
    assert len([m for m in s.group.messages() if "ct-dns stopped by itself" in m.text]) == 1


async def test_who_has_no_role_any_more_is_told_nothing(s: Stack) -> None:
    await s.api.ask(s.with_vera, s.vera, "/subscribe info")
    await s.stop_bot()
    s.environment["TELEMOX_VIEWERS"] = str(GROUP)
    before = len(list(s.with_vera.messages()))
    await s.start_bot()
    s.cluster.set_fault("crash", True, str(CRASHED))
    await told(s, "ct-dns stopped by itself")
    await asyncio.sleep(1.0)
    assert len(list(s.with_vera.messages())) == before


async def test_a_cluster_that_hangs_is_said_in_the_message_that_becomes_the_page(tmp_path: Path) -> None:
    async with started(Stack(tmp_path, {}, patience=0.1)) as s:
        await s.api.read(await s.api.ask(s.with_ana, s.ana, "/status"), "3/3 nodes")
        await s.quiet()
        for node in ("pve1", "pve2", "pve3"):
            s.cluster.set_fault("hang", True, node)
        s.clock.skip(10.0)  # what was seen is too old to be shown without a look
        before = len(s.api.messages(s.with_ana))
        card = await s.api.ask(s.with_ana, s.ana, "/status")
        assert card.text.startswith("⏳ homelab takes its time…\nLast seen: 3/3 nodes up\n")
        cut_off(s)
        await s.api.read(card, "is not reached", 20.0)
        s.cluster.clear_faults()
        for node in ("pve1", "pve2", "pve3"):
            s.cluster.set_fault("hang", True, node)
        await s.api.tap(card, "↻", s.ana)
        await s.api.read(card, "⏳ homelab takes its time…")
        cut_off(s)
        await s.api.read(card, "is not reached", 20.0)
        assert len(s.api.messages(s.with_ana)) == before + 2, "what she typed, and one answer"


def cut_off(s: Stack) -> None:
    """Every host closes its connections."""
    for node in ("pve1", "pve2", "pve3"):
        s.cluster.set_fault("api_off", True, node)
