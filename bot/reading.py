"""Reading the text of one setting: each function gives the value, or raises a ValueError whose words follow its name.

What is no text is given back as it is.
"""

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import TypeVar

from bot.access import NOBODY, Role
from bot.model import Route, Severity

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


# -- alerts --------------------------------------------------------------------------------------------------------


def number(value: object) -> object:
    """A negative one too: the setting's own range is what says why it is wrong."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", value):
        raise ValueError(f"{shown(value)} is not a number")
    return float(value)


def seconds(value: object) -> object:
    """`15`, `15s`."""
    return number(value.removesuffix("s").rstrip()) if isinstance(value, str) else value


def hour(value: object) -> object:
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]{1,2}", value) or int(value) > 23:
            raise ValueError(f"{shown(value)} is not an hour of the day: 0 to 23")
        return int(value)
    return value


def alert_chats(value: object) -> object:
    split = parts(value)
    if not (isinstance(split, tuple) and all(isinstance(part, str) for part in split)):
        return value
    routes = each(split, _alert_chat)
    places = [(route.chat, route.topic) for route in routes]
    if twice := sorted({str(chat) for chat, topic in places if places.count((chat, topic)) > 1}):
        raise ValueError(f"{', '.join(twice)} is given twice")
    return tuple(routes)


def _alert_chat(text: str) -> Route:
    place, at, word = (piece.strip() for piece in text.partition("@"))
    chat, colon, topic = (piece.strip() for piece in place.partition(":"))
    if (at and word.upper() not in Severity.__members__) or (colon and not re.fullmatch(r"[1-9][0-9]{0,9}", topic)):
        raise ValueError(f"{shown(text)} is not id or id:topic, with @info, @warning or @critical behind it or nothing")
    return Route(
        chat=chat_id(chat),
        topic=int(topic) if colon and topic != "1" else None,  # 1 is General, which Telegram wants left out
        least=Severity[word.upper()] if at else Severity.INFO,
        settings=True,
    )


def listener(value: object) -> object:
    """host:port, `:port` and `port` of this machine's own; given back as address:port."""
    if not isinstance(value, str):
        return value
    host, _, port = value.strip().rpartition(":")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ValueError(f"{shown(value)} is not host:port, such as 127.0.0.1:9000")
    host = host.removeprefix("[").removesuffix("]")
    if host in {"", "localhost"}:
        host = "127.0.0.1"
    try:
        address = ip_address(host)
    except ValueError:
        raise ValueError(
            f"{shown(host)} is a name; to be reached from elsewhere give the very address to listen on"
        ) from None
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
