"""The README's story in a real browser: `telemox demo` as a process, and people who type and tap."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo import BEN, MALLORY, OPS, VERA
from tests.browser import MARKS, WIDTH, Phone, demo, phone

pytestmark = MARKS


@pytest.fixture
async def p(tmp_path: Path) -> AsyncIterator[Phone]:
    async with demo(tmp_path) as url, phone(url) as held:
        yield held
        assert held.errors == []


async def test_status_guest_reboot_yes_done_and_who_may_not(p: Phone) -> None:
    """One demo for all of it: to start it takes longer than to walk through it."""
    await p.say("/status")
    await p.reads("3/3 nodes")
    await p.tap("Guests")
    await p.reads("Guests 1-8")
    while await p.answer.get_by_test_id("button").get_by_text("web", exact=True).count() == 0:
        page = await p.answer.get_by_test_id("text").inner_text()
        await p.tap("›")
        await p.expect(p.answer.get_by_test_id("text")).not_to_have_text(page)
    await p.answer.get_by_test_id("button").get_by_text("web", exact=True).click()
    await p.reads("web · 101 · VM")
    await p.tap("Reboot")
    await p.reads("Reboot web (101)")
    await p.tap("Yes")
    await p.reads("web has rebooted")
    assert await p.answers.count() == 1, "all of it in one message"
    assert await p.page.evaluate("document.documentElement.scrollWidth") == WIDTH, "it scrolls sideways"

    await p.be(VERA)
    await p.say("/vm web")
    await p.reads("web · 101 · VM")
    labels = await p.answer.get_by_test_id("button").all_inner_texts()
    assert "↻" in labels
    assert not any(word in label for label in labels for word in ("Reboot", "Shutdown", "More")), labels

    await p.be(MALLORY)
    for text in ("/start", "/status", "/vm web"):
        await p.say(text)
    await p.be(VERA)
    await p.say("/status")
    await p.reads("3/3 nodes")  # whatever was to be said to the stranger would have been said by now
    await p.be(MALLORY)
    await p.expect(p.said).to_have_count(3)
    await p.expect(p.answers).to_have_count(0)


async def test_a_guest_crashes_and_the_group_puts_it_right(p: Phone) -> None:
    """The group is told, the viewer is refused, the operator starts it, and the message turns green."""
    await p.group(OPS, "Alerts")
    await p.reads("open since before the bot started")
    await p.fault("crash", "110")
    await p.reads("ct-dns stopped by itself")
    told = await p.answers.count()
    await p.speak_as(VERA)
    await p.tap("Start")
    await p.expect(p.page.get_by_test_id("toast")).to_contain_text("Your role here is viewer")
    await p.speak_as(BEN)
    await p.tap("Start")
    await p.reads("ct-dns has started")
    alert = p.answers.nth(told - 1).get_by_test_id("text")
    await p.expect(alert).to_contain_text("ct-dns runs again", timeout=60_000)
    assert await p.answers.count() == told + 1, "the order stands beside the alert, and nothing else was said"
    assert await p.page.evaluate("document.documentElement.scrollWidth") == WIDTH, "it scrolls sideways"
