"""A screen as pure data: text, rows of buttons, and at most one attachment. Telegram types never reach it.

A button carries a tap: its verb and its target, so that nothing is remembered between a message and its press. What
arrives with a press is read again as if somebody had typed it: a tap says what was asked, never what is allowed.

    Open(page, arg)         show a page in this message
    Ask(action, target)     ask whether to do it (or do it at once, where the action needs no confirmation)
    Do(nonce)               yes to a question that was asked
    Cancel(nonce)           no to it
    Ack(what)               the alerts of a card (c12), or one alert (a34), are acknowledged
    Hush(what, span)        silence: a34 its subject, n34 its node, r34 its rule; for 1h 4h 24h, until 8am
    Stale()                 what could not be read
    Link(url) · Copy(text)  the client's own doing: they never come back
"""

from dataclasses import dataclass, field
from typing import Literal

from bot.text import Said


@dataclass(frozen=True, slots=True)
class Open:
    page: str
    arg: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    action: str  # Action.key
    target: str  # cluster/vmid


@dataclass(frozen=True, slots=True)
class Do:
    nonce: str


@dataclass(frozen=True, slots=True)
class Cancel:
    nonce: str


@dataclass(frozen=True, slots=True)
class Stale:
    """Not one of ours, of an older version, or its argument is no longer kept."""


@dataclass(frozen=True, slots=True)
class Ack:
    what: str  # c<Card.id> or a<Alert.number>


@dataclass(frozen=True, slots=True)
class Hush:
    what: str  # a | n | r, and an Alert.number
    span: str  # 1h, 4h, 24h, 8am


Tap = Open | Ask | Do | Cancel | Ack | Hush | Stale


@dataclass(frozen=True, slots=True)
class Link:
    url: str


@dataclass(frozen=True, slots=True)
class Copy:
    text: str  # 1-256 characters


@dataclass(frozen=True, slots=True)
class Button:
    label: Said
    tap: Tap | Link | Copy
    style: Literal["danger", "success"] | None = None


Row = tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class File:
    """Sent as a document beside the message."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """PNG."""

    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    text: Said
    rows: tuple[Row, ...] = ()
    attachment: Picture | File | None = None
    toast: Said | None = None  # to whoever pressed, alone; where a page changes something (Page.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something is said. `topic` None: no forum topic, or General."""

    chat: int
    topic: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One sent message."""

    place: Place
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A question that waits for its Yes: single use, 60 s, only the asker, only in its own message.

    Issued before the message is sent, bound to it afterwards; unbound it is refused.
    """

    nonce: str
    asker: int
    action: str
    target: str
    expires: float  # monotonic seconds
    detail: str = ""  # what else the question named: a Yes to it is none to anything else
    message: Message | None = field(default=None)
