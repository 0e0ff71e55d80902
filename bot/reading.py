"""Reading the text of one setting: each function gives the value, or raises a ValueError whose words follow its name.

What is no text is given back as it is.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from bot.access import NOBODY, Role

_T = TypeVar("_T")


def parts(value: object) -> object:
    """Comma separated; blanks and empty parts are dropped."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def each(texts: Sequence[str], read: Callable[[str], _T]) -> list[_T]:
    """All of them read. Raises ValueError with a line for each that is wrong."""
    found, wrong = [], []
    for text in texts:
        try:
            found.append(read(text))
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise ValueError("\n".join(wrong))
    return found


def shown(text: str) -> str:
    """A wrong value, whole: `load()` takes secrets out of finished mistakes, and could not know a part of one."""
    return repr(text)


def chat_id(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,20}", text) or not int(text):
        raise ValueError(f"{shown(text)} is not a Telegram id: a whole number, negative for a group (see /id)")
    if int(text) in NOBODY:
        raise ValueError(f"{text} stands for somebody unknown (anonymous admins, channels); give the group's id a role")
    return int(text)


def ids(value: object) -> object:
    split = parts(value)
    return tuple(dict.fromkeys(each(split, chat_id))) if isinstance(split, tuple) else split


def ceilings(value: object) -> object:
    split = parts(value)
    if not isinstance(split, tuple):
        return value
    found = each(split, _ceiling)
    chats = [chat for chat, _ in found]
    if twice := sorted({chat for chat in chats if chats.count(chat) > 1}):
        raise ValueError(f"{', '.join(map(str, twice))} is given twice")
    return dict(found)


def _ceiling(text: str) -> tuple[int, Role]:
    chat, _, word = (piece.strip() for piece in text.partition("="))
    if word.upper() not in Role.__members__:
        raise ValueError(f"{shown(text)} is not id=role; roles are viewer, operator, admin")
    return chat_id(chat), Role[word.upper()]


def lowered(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def parsed(text: str, parse: Callable[[str], _T], what: str) -> _T:
    try:
        return parse(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is not {what}") from None
