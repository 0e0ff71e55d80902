"""Screens as text, one file each in tests/screens/: what a reviewer reads, what a change of words shows in a diff.

To write them anew after a wanted change:   GOLDEN=write make test   (or pytest tests/pages), then read the diff.
"""

import os
from pathlib import Path

from bot.screen import Ask, Button, Copy, File, Link, Open, Screen
from bot.text import WIDTH, columns, html, plain
from tests.pages.fleets import READER

FOLDER = Path(__file__).parent.parent / "screens"
MARKS = {"danger": "(d)", "success": "(s)", None: ""}


def drawn(screen: Screen) -> str:
    """The text, then the buttons in brackets: (d) danger, (s) success; then where each leads."""
    parts = [plain(screen.text, READER), ""]
    parts += [" ".join(f"[{label(button)}]{MARKS[button.style]}" for button in row) for row in screen.rows]
    if isinstance(screen.attachment, File):
        parts.append(f"(file {screen.attachment.name}, {len(screen.attachment.content)} bytes)")
    if screen.toast is not None:
        parts.append(f"(toast {plain(screen.toast, READER)})")
    parts += ["", *(f"{label(button)} → {leads(button)}" for row in screen.rows for button in row)]
    return "\n".join(parts) + "\n"


def label(button: Button) -> str:
    return plain(button.label, READER)


def leads(button: Button) -> str:
    match button.tap:
        case Open(page=page, arg=arg):
            return f"{page} {arg}".strip()
        case Ask(action=action, target=target):
            return f"ask {action} {target}"
        case Link(url=url):
            return url
        case Copy(text=text):
            return f"copy {text}"
        case other:
            return repr(other)


def fits(screen: Screen) -> None:
    """What holds of every screen, whatever it shows."""
    markup = str(html(screen.text, READER))
    in_pre = False
    for line in markup.split("\n"):
        in_pre = in_pre or "<pre>" in line
        if in_pre:
            shown = plain_line(line)
            assert columns(shown) <= WIDTH, f"{columns(shown)} columns: {shown}"
        in_pre = in_pre and "</pre>" not in line
    assert sum(len(row) for row in screen.rows) <= 100  # what Telegram takes
    for row in screen.rows:
        assert 1 <= len(row) <= 3, [label(button) for button in row]
        for button in row:
            text = label(button)
            assert text.strip(), "a button without a word"
            assert columns(text) <= 40, text
            if isinstance(button.tap, Copy):
                assert 1 <= len(button.tap.text) <= 256


def plain_line(line: str) -> str:
    from html import unescape

    for tag in ("<pre>", "</pre>"):
        line = line.replace(tag, "")
    return unescape(line)


def check(name: str, screen: Screen) -> None:
    """Holds a screen against its file."""
    fits(screen)
    path, now = FOLDER / f"{name}.txt", drawn(screen)
    if os.environ.get("GOLDEN") == "write":
        path.write_text(now, encoding="utf-8")
    assert path.exists(), f"{path.name} is missing: GOLDEN=write pytest tests/pages"
    assert now == path.read_text(encoding="utf-8"), f"{path.name} reads differently; GOLDEN=write takes it over"
