"""The walks: type and tap, and read what was sent, through the real bot between its two stand-ins."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stack import Stack, stack


@pytest.fixture
async def s(tmp_path: Path) -> AsyncIterator[Stack]:
    async with stack(tmp_path) as running:
        yield running


async def test_status_guest_reboot_yes_done(s: Stack) -> None:
    """The story of the README: /status, the guest, Reboot, Yes, and it happens once and to its end."""
    status = await s.api.ask(s.with_ana, s.ana, "/status")
    assert "3/3 nodes" in status.text
    await s.api.tap(status, "Guests", s.ana)
    await s.api.read(status, "Guests 1-8")
    card = await s.api.ask(s.with_ana, s.ana, "/vm web")
    assert "web" in card.text
    await s.api.tap(card, "Reboot", s.ana)
    await s.api.read(card, "Reboot web")
    await s.api.tap(card, "Yes", s.ana)
    await s.api.read(card, "has rebooted")
    assert [path for path in s.writes if path.endswith("/status/reboot")] == s.writes
    assert len(s.writes) == 1
    assert any("Reboot" in label for row in card.labels for label in row), "the card's buttons are back"


async def test_viewer_sees_no_button_and_a_forged_tap_does_nothing(s: Stack) -> None:
    card = await s.api.ask(s.with_vera, s.vera, "/vm web")
    assert not any(word in label for row in card.labels for label in row for word in ("Reboot", "Shutdown", "More"))
    ours = await s.api.ask(s.with_ana, s.ana, "/vm web")
    data = ours.button("Reboot").data
    answer = await s.api.forge(s.with_vera, s.vera, card.id, data)
    assert answer is not None
    assert "Your role here is viewer" in answer.text
    assert s.writes == []


async def test_a_stranger_gets_nothing_and_costs_nothing(s: Stack) -> None:
    await s.quiet()
    calls, requests = len(s.api.made()), len(s.cluster.requests)
    for text in ("/start", "/status", "/vm web", "hello", "/id"):
        await s.api.say(s.with_stranger, s.stranger, text)
    await s.api.say(s.unknown_group, s.ana, "/status@telemox_demo_bot")
    card = s.with_stranger.find(1)
    assert card is not None
    await s.api.forge(s.with_stranger, s.stranger, 1, "aA:reboot:main/101", wait=False)
    await s.api.settled()
    assert len(s.api.made()) == calls
    assert len(s.cluster.requests) == requests
    assert s.writes == []


async def test_a_double_tap_on_yes_is_one_write(s: Stack) -> None:
    card = await s.api.ask(s.with_ben, s.ben, "/vm web")
    await s.api.tap(card, "Reboot", s.ben)
    await s.api.read(card, "Reboot web")
    yes = card.button("Yes").data
    await asyncio.gather(*(s.api.forge(s.with_ben, s.ben, card.id, yes) for _ in range(5)))
    await s.api.read(card, "has rebooted")
    assert len(s.writes) == 1


async def test_another_person_cannot_confirm(s: Stack) -> None:
    """The question is bound to who asked, even in a group where both may."""
    await s.api.say(s.group, s.ana, "/vm web@telemox_demo_bot")
    card = await s.api.ask(s.group, s.ana, "/vm@telemox_demo_bot web")
    await s.api.tap(card, "Reboot", s.ana) if any("Reboot" in x for row in card.labels for x in row) else None
    if "Reboot web" in card.text:
        answer = await s.api.forge(s.group, s.ben, card.id, card.button("Yes").data)
        assert answer is not None
        assert answer.text
    assert s.writes == []


async def test_hostile_name_is_shown_as_it_is(s: Stack) -> None:
    found = await s.api.ask(s.with_ana, s.ana, '/vm web<1>_&"')
    assert 'web<1>_&"' in found.text


async def test_answers_stay_in_their_topic(s: Stack) -> None:
    topic = s.api.topic(s.group, "Night shift")
    before = len(s.api.messages(s.group))
    await s.api.say(s.group, s.ana, "/status", topic=topic)
    answer = await s.api.next_message(s.group, before)
    assert answer.topic == topic


async def test_task_that_fails_is_told_in_its_own_words(s: Stack) -> None:
    card = await s.api.ask(s.with_ana, s.ana, "/vm web")
    await s.api.tap(card, "Shutdown", s.ana)
    await s.api.read(card, "Shut down web")
    s.cluster.set_fault("task_fails", True)
    await s.api.tap(card, "Yes", s.ana)
    await s.api.read(card, "did not shut down")
    assert "got timeout" in card.text
    labels = [label for row in card.labels for label in row]
    assert any("Log" in label for label in labels)
    assert any("Retry" in label for label in labels)
    assert any("Force" in label for label in labels)


async def test_a_lost_answer_is_never_repeated(s: Stack) -> None:
    card = await s.api.ask(s.with_ana, s.ana, "/vm web")
    await s.api.tap(card, "Reboot", s.ana)
    await s.api.read(card, "Reboot web")
    s.cluster.set_fault("lost_answer", True)
    await s.api.tap(card, "Yes", s.ana)
    await s.api.wait_for(lambda: "has rebooted" in card.text or "may or may not" in card.text, 20)
    assert len(s.writes) == 1


async def test_a_node_that_is_gone_is_said(s: Stack) -> None:
    s.cluster.set_fault("node_off", True, "pve2")
    s.clock.skip(6)
    status = await s.api.ask(s.with_ana, s.ana, "/status")
    assert "2/3 nodes" in status.text
    assert "pve2 is offline" in status.text
    assert "state unknown" in status.text
