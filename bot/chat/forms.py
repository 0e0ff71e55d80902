"""The ways to say one screen, from the richest to the poorest, and what Telegram's refusals mean. Pure.

Descriptions come as PTB has capitalised them, which lower-cases the rest: everything here is compared in lower case.
"""

from dataclasses import dataclass, replace

from bot.chat.keyboard import Plainness

SHORT = 900
"""Code points that fit whatever way they are counted, a caption's 1024 too."""

_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid", "no text in the message to edit",
         "no caption in the message to edit")  # fmt: skip
_LONG = ("is too long", "message_too_long")
_TIMES = ('unsupported start tag "tg-time"',)
"""Of a Bot API server from before 2026 (td, MessageEntity.cpp, parse_html)."""
_MARKUP = ("can't parse entities", "entity", "text must be non-empty", "message text is empty")
_STYLE = ("style",)
_KEYBOARD = ("button", "reply markup", "url", "copy_text", "keyboard", "inline")
_THREAD = ("thread not found", "topic_closed", "topic_deleted")
_PARKED = ("chat not found", "user is deactivated", "peer_id_invalid", "not enough rights", "have no rights",
           "chat_write_forbidden", "need administrator rights")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """One way to say a screen."""

    marked: bool = True  # HTML, else plain
    counts: bool = True  # with <tg-time>
    short: bool = False
    buttons: Plainness = Plainness.FULL
    topic: bool = True
    again: int = 0  # tries that are left for what passes by itself

    def poorer(self, words: str) -> "Form | None":
        """The next form to try after a refusal in these words; None where no form would help."""
        if _any(words, _THREAD) and self.topic:
            return replace(self, topic=False)
        if _any(words, _TIMES) and self.counts:
            return replace(self, counts=False)
        if _any(words, _MARKUP) and self.marked:
            return replace(self, marked=False)
        if _any(words, _STYLE) and self.buttons < Plainness.UNSTYLED:
            return replace(self, buttons=Plainness.UNSTYLED)
        if _any(words, _KEYBOARD) and self.buttons < Plainness.NONE:
            return replace(self, buttons=Plainness(max(self.buttons, Plainness.UNSTYLED) + 1))
        if _any(words, _LONG) and not self.short:
            return replace(self, short=True, marked=False)
        return None


def unmodified(words: str) -> bool:
    return "not modified" in words


def gone(words: str) -> bool:
    """There is no such message, or none that can be edited so."""
    return _any(words, _GONE)


def threadless(words: str) -> bool:
    """The topic is not there, or closed."""
    return _any(words, _THREAD)


def parked(words: str) -> bool:
    """Nothing can be said in this chat."""
    return _any(words, _PARKED)


def _any(words: str, wanted: tuple[str, ...]) -> bool:
    return any(part in words for part in wanted)
