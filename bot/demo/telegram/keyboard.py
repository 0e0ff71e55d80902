"""Inline keyboards, checked as Telegram does before it takes them."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.demo.telegram.links import WrongLink, read_link
from bot.demo.telegram.refusal import Refused, bad

STYLES = ("danger", "success", "primary")
MAX_MARKUP = 10_000  # characters of all labels and data; Telegram's own bound is not documented


@dataclass(frozen=True, slots=True)
class Button:
    """Exactly one of `data`, `url`, `copy` is set."""

    label: str
    data: str = ""
    url: str = ""
    copy: str = ""
    style: str = ""

    def to_dict(self) -> dict[str, object]:
        button: dict[str, object] = {"text": self.label}
        if self.url:
            button["url"] = self.url
        if self.data:
            button["callback_data"] = self.data
        if self.copy:
            button["copy_text"] = {"text": self.copy}
        if self.style:
            button["style"] = self.style
        return button


Keyboard = tuple[tuple[Button, ...], ...]


def read_keyboard(markup: object) -> Keyboard:
    """`reply_markup`, decoded; () for none.

    Raises:
        Refused: 400, with Telegram's sentence for the first mistake.
    """
    if markup is None:
        return ()
    if not isinstance(markup, dict):
        raise bad("object expected as reply markup")
    if unknown := {"keyboard", "force_reply", "remove_keyboard"} & markup.keys():
        raise Refused(501, f"Not Implemented: the stand-in was not taught {', '.join(sorted(unknown))}")
    rows = markup.get("inline_keyboard")
    if rows is None:
        return ()
    if not isinstance(rows, list):
        raise bad('Field "inline_keyboard" must be of type Array')
    keyboard = []
    for row in rows:
        if not isinstance(row, list):
            raise bad('Field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
        if row:
            keyboard.append(tuple(_button(button) for button in row))
    _check(keyboard)
    return tuple(keyboard)


def _button(button: object) -> Button:
    if not isinstance(button, dict):
        raise _unreadable("InlineKeyboardButton must be an Object")
    text = button.get("text")
    if "text" not in button:
        raise _unreadable('Can\'t find field "text"')
    if not isinstance(text, str):
        raise _unreadable('Field "text" must be of type String')
    style = str(button.get("style") or "").lower()
    if style and style not in (*STYLES, "default"):
        raise _unreadable("invalid button style specified")
    style = "" if style == "default" else style
    if url := button.get("url"):
        return Button(text, url=_checked_url(str(url)), style=style)
    if data := button.get("callback_data"):
        return Button(text, data=str(data), style=style)
    copied = button.get("copy_text")
    if isinstance(copied, dict):
        return Button(text, copy=str(copied.get("text", "")), style=style)
    if untaught := {"web_app", "login_url", "switch_inline_query", "callback_game", "pay"} & button.keys():
        raise Refused(501, f"Not Implemented: the stand-in was not taught {', '.join(sorted(untaught))}")
    raise _unreadable("Text buttons are unallowed in the inline keyboard")


def _unreadable(reason: str) -> Refused:
    return bad("can't parse inline keyboard button: " + reason)


def _checked_url(url: str) -> str:
    try:
        return read_link(url)
    except WrongLink as wrong:
        raise bad(f"inline keyboard button URL '{url}' is invalid: {wrong}") from None


def _check(rows: Iterable[tuple[Button, ...]]) -> None:
    size = 0
    for row in rows:
        for button in row:
            if not button.label.strip():
                raise bad("inline keyboard button text must be non-empty")
            if button.data and not 1 <= len(button.data.encode()) <= 64:
                raise bad("BUTTON_DATA_INVALID")
            if not (button.url or button.data) and not 1 <= len(button.copy) <= 256:
                raise bad("BUTTON_COPY_TEXT_INVALID")
            size += len(button.label) + len(button.data) + len(button.url) + len(button.copy)
    if size > MAX_MARKUP:
        raise bad("reply markup is too long")
