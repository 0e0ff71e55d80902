"""Taps as they travel in a button: at most 64 bytes, versioned by the first letter. Pure.

    a o page:arg        Open          arg '#…' is the store's key of an argument that did not fit
    a q action:target   Ask
    a y nonce           Do
    a n nonce           Cancel
    a k what            Ack
    a s what:span       Hush

(without the spaces). A letter is never used for anything else again: buttons live in chats for years. What comes back
is untrusted: it may be any string, from a message that never had such a button. Unreadable is `Stale`, never an
exception.
"""

from dataclasses import dataclass

from bot.screen import Ack, Ask, Cancel, Do, Hush, Open, Stale, Tap

LIMIT = 64
"""Bytes of callback_data (Bot API, InlineKeyboardButton)."""
_VERSION = "a"
_KEPT = "#"


@dataclass(frozen=True, slots=True)
class Kept:
    """An `Open` whose argument has to be looked up in the store."""

    page: str
    key: str


def encode(tap: Tap) -> str | None:
    """The wire form; None where the argument does not fit and has to be kept: see `encode_kept`."""
    match tap:
        case Open(page=page, arg=arg):
            data = f"{_VERSION}o{page}:{arg}"
            if arg.startswith(_KEPT):  # would read as a key
                return None
        case Ask(action=action, target=target):
            data = f"{_VERSION}q{action}:{target}"
        case Do(nonce=nonce):
            data = f"{_VERSION}y{nonce}"
        case Cancel(nonce=nonce):
            data = f"{_VERSION}n{nonce}"
        case Ack(what=what):
            data = f"{_VERSION}k{what}"
        case Hush(what=what, span=span):
            data = f"{_VERSION}s{what}:{span}"
        case Stale():
            return f"{_VERSION}-"
    return data if _fits(data) else None


def encode_kept(page: str, key: str) -> str:
    """`Open(page, …)` whose argument the store keeps under `key`."""
    return f"{_VERSION}o{page}:{_KEPT}{key}"


def decode(data: str) -> Tap | Kept:
    """What a button asks for; `Stale` for whatever is not ours."""
    if len(data) < 3 or data[0] != _VERSION or not _fits(data):
        return Stale()
    verb, rest = data[1], data[2:]
    head, colon, tail = rest.partition(":")
    if verb == "o" and head and colon:
        return Kept(head, tail[1:]) if tail.startswith(_KEPT) else Open(head, tail)
    if verb == "q" and head and tail:
        return Ask(head, tail)
    if verb == "y":
        return Do(rest)
    if verb == "n":
        return Cancel(rest)
    if verb == "k":
        return Ack(rest)
    if verb == "s" and head and tail:
        return Hush(head, tail)
    return Stale()


def _fits(data: str) -> bool:
    """Lone surrogates (possible in names from JSON) cannot be sent at all."""
    if len(data) > LIMIT:
        return False
    try:
        return data.isascii() or len(data.encode()) <= LIMIT
    except UnicodeEncodeError:
        return False
