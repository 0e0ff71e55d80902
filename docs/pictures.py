"""`make docs`: the README's pictures, taken on the walk of tests/walks/test_browser.py in the real demo.

    python -m docs.pictures          writes docs/pictures/*.png; does nothing, and says so, where there is no browser

A picture is of what the bot really said, but for the clock: its times are set to one that never moves, so that a
picture changes only when a screen does. The wallpaper is plain for the sake of size.
"""

import asyncio
import hashlib
import json
import re
import sys
import tempfile
from pathlib import Path

from bot.demo import ANA, BEN, OPS, VERA
from tests.browser import LACKING, ROOT, WIDTH, Phone, demo, phone

FOLDER = ROOT / "docs/pictures"
CRASHED = "110"
"""ct-dns, which starts with its node."""
SCALE = 2
DRAWN = ("index.html", "page.css", "bubbles.js")
"""What a picture depends on beside the words in it."""
STYLE = """
.chat { background: #b5d0c3 } .chat::before, .day { display: none !important }
.key { background: #55776f; backdrop-filter: none } .bar { background: #fff }
* { animation: none !important; transition: none !important }
"""
DRESS = """(css) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets = [sheet];
}"""
CLOCK = """() => {
  const walk = document.createTreeWalker(document.querySelector("#messages"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    node.data = node.data
      .replace(/\\b\\d\\d:\\d\\d:\\d\\d\\b/g, "14:02:31")
      .replace(/^(edited |)\\d\\d:\\d\\d$/, "$114:02")
      .replace(/\\((just now|\\d+ s ago)\\)/g, "(1 s ago)")
      .replace(/(fired |ok |by \\w+ )\\d\\d:\\d\\d\\b/g, "$114:02")
      .replace(/(since )\\d\\d:\\d\\d\\b/g, "$114:01");
  }
  document.querySelector("#scroll").scrollTop = 1e6;
}"""


class Album:
    """The pictures as they are; one is replaced when its screen says something else, apart from its numbers."""

    def __init__(self) -> None:
        FOLDER.mkdir(exist_ok=True)
        self._index = FOLDER / "index.json"  # name -> fingerprint of what is to be seen
        self._seen: dict[str, str] = json.loads(self._index.read_text()) if self._index.exists() else {}
        look = b"".join((ROOT / "bot/demo/telegram/static" / name).read_bytes() for name in DRAWN)
        self._look = hashlib.sha256(look + STYLE.encode()).hexdigest()

    async def take(self, p: Phone, name: str, height: int) -> None:
        """The phone as it is now, `height` pixels of the page high."""
        await p.page.set_viewport_size({"width": WIDTH, "height": height})
        await p.page.mouse.move(WIDTH / 2, 20)
        await p.page.evaluate(CLOCK)
        words = re.sub(r"\s*[\d.]+|[▰▱]", "0", await p.page.locator("body").inner_text())
        seen = hashlib.sha256(f"{self._look} {height} {words}".encode()).hexdigest()
        file = FOLDER / f"{name}.png"
        if file.exists() and self._seen.get(name) == seen:
            return
        file.write_bytes(await p.page.screenshot(animations="disabled"))
        self._seen[name] = seen
        self._index.write_text(json.dumps(self._seen, indent=1, sort_keys=True) + "\n")
        print(f"written: docs/pictures/{name}.png, {file.stat().st_size / 1000:.0f} kB")


async def walk(p: Phone, album: Album) -> None:
    await p.page.evaluate(DRESS, STYLE)
    await p.say("/status")
    await p.reads("3/3 nodes")
    await album.take(p, "status", 560)

    await p.be(VERA)
    await p.say("/vm db")
    await p.reads("db · 102")
    await album.take(p, "viewer", 480)

    await p.be(BEN)
    await p.say("/vms")
    await p.reads("Guests 1-8")
    await album.take(p, "guests", 720)

    await p.be(ANA)
    await p.say("/vm web")
    await p.reads("web · 101")
    await album.take(p, "card", 560)
    await p.tap("Reboot")
    await p.reads("Reboot web")
    await album.take(p, "question", 560)
    await p.tap("Yes")
    await p.reads("web has rebooted")
    await album.take(p, "done", 560)

    await p.group(OPS, "Alerts")
    await p.fault("crash", CRASHED)
    await p.reads("ct-dns stopped by itself")
    await p.speak_as(BEN)
    await album.take(p, "alert", 660)
    await p.tap("Start")
    await p.reads("ct-dns has started")
    await p.expect(p.answers.nth(-2).get_by_test_id("text")).to_contain_text("ct-dns runs again", timeout=60_000)
    await album.take(p, "over", 660)

    await p.be(VERA)
    await p.fault("node_off", "pve2")
    await p.page.wait_for_timeout(12_000)  # what a node told of its guests before holds for some 10 s, here as there
    await p.say("/status")
    await p.reads("pve2 is offline")
    await album.take(p, "faults", 660)


async def main() -> int:
    if LACKING:
        print(f"no pictures taken: {LACKING}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        async with demo(Path(folder)) as url, phone(url, scale=SCALE) as p:
            await walk(p, Album())
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
