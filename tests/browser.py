"""A real Chromium with a real `telemox demo` in it: for the walks in a browser and for the README's pictures.

    async with demo(folder) as url, phone(url) as p:
        await p.be(VERA)
        await p.say("/status")
        await p.tap("Guests")
        await p.reads("Guests 1-8")

Where no Chromium is found these tests are skipped, and pytest's summary says so; with TELEMOX_TEST_BROWSER=required,
as in CI, they fail instead.
"""

import asyncio
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
WIDTH, HEIGHT = 390, 844
PATIENCE = 60.0
"""Seconds for what a person waits for: the demo runs in real time, a reboot takes some 20 s."""


def _chromium() -> str | None:
    """Of the system, or what `playwright install chromium` put beside it."""
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")
    own = (str(path) for path in sorted(cache.glob("chromium-*/chrome-linux*/chrome"), reverse=True))
    return next(filter(None, map(shutil.which, NAMES)), None) or next(own, None)


CHROMIUM = _chromium()
LACKING = (
    "playwright is not installed"
    if importlib.util.find_spec("playwright") is None
    else "no Chromium found"
    if CHROMIUM is None
    else ""
)
REQUIRED = os.environ.get("TELEMOX_TEST_BROWSER") == "required"
MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(LACKING) and not REQUIRED, reason=f"{LACKING}: the walk in a browser is skipped"),
]
"""`pytestmark` of a module that needs a browser."""


@asynccontextmanager
async def tab(*, scale: float = 1) -> AsyncIterator[tuple[Any, Any]]:
    """An empty page at a phone's size, and Playwright's `expect`. `scale`: pixels of the screen per pixel of the page.

    Raises: RuntimeError, there is no browser.
    """
    if LACKING:
        raise RuntimeError(f"{LACKING}; it takes playwright and Chromium to walk in a browser")
    from playwright.async_api import async_playwright, expect

    async with async_playwright() as engine:
        browser = await engine.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=scale), expect
        finally:
            await browser.close()


def watch(page: Any) -> list[str]:
    """What goes wrong in the page from now on: errors of its script, and whatever its console warns of."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
    return errors


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[str]:
    """The command of the README as a process, its files below `folder`; gives the address of the chat page."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TELEMOX_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", "--port", "0", "--no-browser"),
        cwd=ROOT,
        env=environment | {"TMPDIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield await asyncio.wait_for(_address(process), PATIENCE)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+/", line.decode()):
            return found[0]
    raise RuntimeError(f"telemox demo gave no address and ended with {await process.wait()}")


class Phone:
    """The chat page at a phone's size. `page` is Playwright's, `errors` what went wrong in it so far."""

    def __init__(self, page: Any, expect: Any) -> None:
        self.page = page
        self.expect = expect
        self.errors = watch(page)

    async def be(self, person: int) -> None:
        """Takes the phone of this person in hand, as a visitor would: the list of chats, and their own."""
        await self.page.get_by_role("button", name="All chats").click()
        await self.page.get_by_test_id(f"chat-{person}").click()

    async def group(self, chat: int, topic: str) -> None:
        """Opens a topic of a group."""
        await self.be(chat)
        await self.page.get_by_role("tab", name=topic, exact=True).click()

    async def speak_as(self, person: int) -> None:
        """In a group: who writes and taps from now on."""
        await self.page.get_by_test_id(f"as-{person}").click()

    async def fault(self, key: str, target: str = "") -> None:
        """Switches a fault of the cluster on, or off again, as a visitor would; `target`: what it is aimed at first."""
        await self.page.get_by_role("button", name="Faults").click()
        button = self.page.get_by_test_id(f"fault-{key}")
        if not await button.is_visible():  # its group is folded
            await self.page.locator("details", has=button).locator("summary").click()
        if target:
            await self.page.get_by_test_id(f"target-{key}").select_option(target)
        await button.click()
        await self.page.get_by_role("button", name="Close").click()

    async def say(self, text: str) -> None:
        await self.page.get_by_test_id("input").fill(text)
        await self.page.get_by_test_id("send").click()
        await self.expect(self.said.last).to_contain_text(text)

    async def tap(self, label: str) -> None:
        """A button of the bot's last message, by a part of its label."""
        await self.answer.get_by_test_id("button").filter(has_text=label).first.click()

    async def reads(self, text: str, seconds: float = PATIENCE) -> None:
        """Waits until the bot's last message has this in it."""
        await self.expect(self.answer.get_by_test_id("text")).to_contain_text(text, timeout=1000 * seconds)

    @property
    def said(self) -> Any:
        """What the person wrote, bubble by bubble."""
        return self.page.locator("[data-testid=message]:not([data-from=bot])")

    @property
    def answers(self) -> Any:
        """The bot's bubbles."""
        return self.page.locator("[data-testid=message][data-from=bot]")

    @property
    def answer(self) -> Any:
        """The bot's last bubble, with its buttons."""
        return self.answers.last


@asynccontextmanager
async def phone(url: str, *, scale: float = 1) -> AsyncIterator[Phone]:
    """A phone that shows the demo at `url`."""
    async with tab(scale=scale) as (page, expect):
        held = Phone(page, expect)
        await page.goto(url)
        yield held
