"""Rows of buttons as Telegram takes them, and poorer ones for a server that refuses them."""

import logging
from collections.abc import Awaitable, Callable
from enum import IntEnum

from bot.chat import taps
from bot.chat.api import Fields
from bot.errors import StoreFailed
from bot.screen import Button, Copy, Link, Open, Row, Stale, Tap
from bot.text import Reader, plain

log = logging.getLogger(__name__)

Keep = Callable[[str], Awaitable[str]]
"""`Store.keep`: text -> key."""
LABEL = 64
"""Code points of a label: far more than any client shows."""
COPY_LIMIT = 256
"""Characters of copy_text (Bot API, CopyTextButton)."""


class Plainness(IntEnum):
    """How much of a keyboard is given up; each gives up what the one before does, too."""

    FULL = 0
    UNSTYLED = 1  # servers before Bot API 9.4 know no styles
    TAPS_ONLY = 2  # no links (http://localhost and the like are refused), nothing to copy
    NONE = 3


async def keyboard(rows: tuple[Row, ...], reader: Reader, keep: Keep, how: Plainness) -> list[list[Fields]]:
    """`inline_keyboard`; [] where there is nothing to press."""
    if how is Plainness.NONE:
        return []
    made: list[list[Fields]] = []
    for row in rows:
        shown: list[Fields] = []
        for button in row:
            target = button.tap
            if isinstance(target, Link | Copy):
                if how < Plainness.TAPS_ONLY and (fields := _passive(target)):
                    shown.append(_named(button, reader, how, fields))
            elif data := taps.encode(target) or await _kept(target, keep):
                shown.append(_named(button, reader, how, {"callback_data": data}))
        if shown:
            made.append(shown)
    return made


def _named(button: Button, reader: Reader, how: Plainness, fields: Fields) -> Fields:
    label = sendable(plain(button.label, reader)) or "…"  # an empty label is refused
    fields["text"] = label if len(label) <= LABEL else label[: LABEL - 1] + "…"
    if button.style is not None and how is Plainness.FULL:
        fields["style"] = button.style
    return fields


def _passive(target: Link | Copy) -> Fields | None:
    match target:
        case Link(url=url):
            return {"url": url} if sendable(url) == url else None
        case Copy(text=text):
            if sendable(text) != text:
                return None
            # Half a command is worse than none: what is too long to copy stays in the message's text.
            return {"copy_text": {"text": text}} if 0 < len(text) <= COPY_LIMIT else None


def sendable(text: str) -> str:
    """Lone surrogates (JSON may bring them) have no UTF-8: a request that held one could not even be written."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


async def _kept(tap: Tap, keep: Keep) -> str:
    """'' where it cannot be kept: a message without one of its buttons is better than none."""
    if not isinstance(tap, Open):  # verbs and targets of actions are short by construction
        return taps.encode(Stale()) or ""
    try:
        return taps.encode_kept(tap.page, await keep(sendable(tap.arg)))
    except StoreFailed as error:
        log.error("a button to %s is left out: %s", tap.page, error)
        return ""
