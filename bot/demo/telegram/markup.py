"""Telegram's HTML, parsed as its server does it: the same tags, the same entities, the same complaints.

Offsets in complaints count bytes of UTF-8; offsets of entities count UTF-16 units. Source: tdlib/td, MessageEntity.cpp,
parse_html; held against that very parser by `tests/demo/test_botapi_markup.py`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.demo.telegram.links import checked_link
from bot.demo.telegram.refusal import Refused, bad

Entity = dict[str, object]

KINDS = {
    b"b": "bold",
    b"strong": "bold",
    b"i": "italic",
    b"em": "italic",
    b"u": "underline",
    b"ins": "underline",
    b"s": "strikethrough",
    b"strike": "strikethrough",
    b"del": "strikethrough",
    b"span": "spoiler",
    b"tg-spoiler": "spoiler",
    b"tg-emoji": "custom_emoji",
    b"tg-time": "date_time",
    b"a": "text_link",
    b"code": "code",
    b"pre": "pre",
    b"blockquote": "blockquote",
}
NAMED = {b"lt": "<", b"gt": ">", b"amp": "&", b"quot": '"'}
SPACE = b" \t\r\n\0\x0b"
REFERENCE = re.compile(rb"&(?:#(?P<base>x?)(?P<number>[0-9a-fA-F]*)|(?P<name>[a-zA-Z]+));?")
TAG_NAME = re.compile(rb"[^ \t\r\n\0\x0b>]*")
ATTRIBUTE = re.compile(rb"[^ \t\r\n\0\x0b=>/\"']*")
TOKEN = re.compile(rb"[A-Za-z0-9.\-]*")
BLANKS = re.compile(rb"[ \t\r\n\x0b]*")


@dataclass(slots=True)
class _Open:
    """A tag that waits for its end."""

    tag: bytes
    argument: str
    date: int  # seconds since 1970, of tg-time
    offset: int  # UTF-16 units
    start: int  # index into the pieces of plain text


@dataclass(slots=True)
class _Parser:
    source: bytes
    at: int = 0
    units: int = 0  # UTF-16 units of plain text so far
    pieces: list[str] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)
    found: list[Entity] = field(default_factory=list)


def parse_html(text: str) -> tuple[str, list[Entity]]:
    """Plain text and its entities, in Telegram's order.

    Raises:
        Refused: 400 "can't parse entities: …".
    """
    p = _Parser(text.encode("utf-8", "surrogatepass"))
    while p.at < len(p.source):
        if p.source[p.at] == ord("<"):
            begin = p.at
            if p.source[begin + 1 : begin + 2] == b"/":
                _end_tag(p, begin)
            else:
                _start_tag(p, begin)
            continue
        if p.source[p.at] == ord("&"):
            char, after = _reference(p.source, p.at)
            _add(p, char or "&")
            p.at = after if char else p.at + 1
            continue
        stop = re.compile(rb"[<&]").search(p.source, p.at)
        end = stop.start() if stop else len(p.source)
        _add(p, p.source[p.at : end].decode("utf-8", "surrogatepass"))
        p.at = end
    if p.open:
        raise _bad(f'Can\'t find end tag corresponding to start tag "{p.open[-1].tag.decode("utf-8", "replace")}"')
    plain = "".join(p.pieces)
    for entity in p.found:
        if entity["type"] == "code":
            entity.pop("language", None)
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise _bad(
            "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate "
            "code units"
        ) from None
    return plain, sort_entities(p.found)


def _bad(reason: str) -> Refused:
    return bad("can't parse entities: " + reason)


def _add(p: _Parser, piece: str) -> None:
    p.pieces.append(piece)
    p.units += utf16(piece)


def utf16(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(c > "\uffff" for c in text)


def _reference(source: bytes, at: int) -> tuple[str, int]:
    """The character of an HTML reference and where it ends; "" where it is none and stays as it is."""
    found = REFERENCE.match(source, at)
    if found is None:
        return "", at
    if (name := found["name"]) is not None:
        return NAMED.get(name, ""), found.end()
    digits, hexadecimal = found["number"], bool(found["base"])
    if not hexadecimal:
        digits = re.match(rb"[0-9]*", digits)[0]  # type: ignore[index]  # `*` always matches
    end = found.start() + 2 + hexadecimal + len(digits)
    code = int(digits or b"0", 16 if hexadecimal else 10)
    if code == 0 or code >= 0x10FFFF or end - at >= 10:
        return "", at
    return chr(code), end + (source[end : end + 1] == b";")


def _start_tag(p: _Parser, begin: int) -> None:
    nul = p.source.find(b"\0", begin)
    source = p.source if nul < 0 else p.source[:nul]  # within a tag a NUL is where the text ends
    named = TAG_NAME.match(source, begin + 1)
    at = named.end() if named else begin
    if at >= len(source):
        raise _bad(f"Unclosed start tag at byte offset {begin}")
    tag = source[begin + 1 : at].lower()
    if tag not in KINDS:
        raise _bad(f'Unsupported start tag "{tag.decode("utf-8", "replace")}" at byte offset {begin}')
    name, argument, date = tag.decode(), "", 0
    unclosed = _bad(f'Unclosed start tag "{name}" at byte offset {begin}')
    while True:
        at = _skip(source, at)
        if source[at : at + 1] == b">":
            break
        found = ATTRIBUTE.match(source, at)
        attribute = found[0] if found else b""
        if not attribute:
            raise _bad(f'Empty attribute name in the tag "{name}" at byte offset {begin}')
        at = _skip(source, at + len(attribute))
        if source[at : at + 1] != b"=":
            if at >= len(source):
                raise unclosed
            if (tag, attribute) == (b"blockquote", b"expandable"):
                argument = "1"
            continue
        at = _skip(source, at + 1)
        if at >= len(source):
            raise unclosed
        value, at = _value(source, at)
        if at >= len(source):
            raise _bad(f"Unclosed start tag at byte offset {begin}")
        argument, date = _attribute(tag, attribute, value, argument, date)
    if tag == b"span" and argument != "spoiler":
        raise _bad(f'Tag "span" must have class "tg-spoiler" at byte offset {begin}')
    p.open.append(_Open(tag, argument, date, p.units, len(p.pieces)))
    p.at = at + 1


def _skip(source: bytes, at: int) -> int:
    blanks = BLANKS.match(source, at)
    return blanks.end() if blanks else at


def _value(source: bytes, at: int) -> tuple[str, int]:
    quote = source[at]
    if quote not in b"\"'":
        token = TOKEN.match(source, at)
        end = token.end() if token else at
        if source[end : end + 1] not in (b">", *(SPACE[i : i + 1] for i in range(len(SPACE)))) and end < len(source):
            raise _bad(f"Unexpected end of name token at byte offset {at}")
        if end >= len(source):
            return "", end
        return source[at:end].decode().lower(), end
    at += 1
    value: list[str] = []
    raw = bytearray()
    while at < len(source) and source[at] != quote:
        char, after = _reference(source, at) if source[at] == ord("&") else ("", at)
        if char:
            value.append(raw.decode("utf-8", "replace") + char)
            raw.clear()
            at = after
        else:
            raw.append(source[at])
            at += 1
    value.append(raw.decode("utf-8", "replace"))
    return "".join(value), at + 1 if at < len(source) else at


def _attribute(tag: bytes, name: bytes, value: str, argument: str, date: int) -> tuple[str, int]:
    match tag, name:
        case (b"a", b"href") | (b"tg-emoji", b"emoji-id") | (b"tg-time", b"format"):
            return value, date
        case (b"code", b"class") if value.startswith("language-"):
            return value.removeprefix("language-"), date
        case (b"span", b"class") if value.startswith("tg-"):
            return value.removeprefix("tg-"), date
        case (b"blockquote", b"expandable"):
            return "1", date
        case (b"tg-time", b"unix"):
            number = re.match(r"-?[0-9]+", value)
            return argument, int(number[0]) if number else 0
        case _:
            return argument, date


def _end_tag(p: _Parser, begin: int) -> None:
    if not p.open:
        raise _bad(f"Unexpected end tag at byte offset {begin}")
    named = TAG_NAME.match(p.source, begin + 2)
    at = named.end() if named else begin + 2
    tag = p.source[begin + 2 : at].lower()
    at = _skip(p.source, at)
    if p.source[at : at + 1] != b">":
        raise _bad(f"Unclosed end tag at byte offset {begin}")
    started = p.open[-1]
    if tag and tag != started.tag:
        raise _bad(
            f'Unmatched end tag at byte offset {begin}, expected "</{started.tag.decode()}>", '
            f'found "</{tag.decode("utf-8", "replace")}>"'
        )
    p.open.pop()
    p.at = at + 1
    if p.units > started.offset:
        _close(p, started)


def _close(p: _Parser, started: _Open) -> None:
    """Turns a closed, non-empty tag into its entity."""
    length = p.units - started.offset
    entity: Entity = {"type": KINDS[started.tag], "offset": started.offset, "length": length}
    last = p.found[-1] if p.found else {}
    same = last.get("offset") == started.offset and last.get("length") == length
    match started.tag:
        case b"tg-emoji":
            if not re.fullmatch(r"-?[0-9]{1,19}", started.argument) or int(started.argument) == 0:
                raise _bad("Invalid custom emoji identifier specified")
            entity["custom_emoji_id"] = started.argument
        case b"tg-time":
            if not re.fullmatch(r"r|w?[dD]?[tT]?", started.argument):
                raise _bad("Invalid date format used")
            if started.date <= 0:
                return None
            entity |= {"unix_time": started.date, "date_time_format": started.argument}
        case b"a":
            return _link(p, started, entity)
        case b"pre" if same and last["type"] == "code" and last.get("language"):
            last["type"] = "pre"
            return None
        case b"code" if same and last["type"] == "pre" and started.argument:
            last["language"] = started.argument
            return None
        case b"code" if started.argument:
            entity["language"] = started.argument
        case b"blockquote" if started.argument:
            entity["type"] = "expandable_blockquote"
    p.found.append(entity)
    return None


def _link(p: _Parser, started: _Open, entity: Entity) -> None:
    """A link that Telegram would not open leaves its text alone, without a word."""
    url = started.argument or "".join(p.pieces[started.start :])
    if user := re.match(r"tg:(?://)?user\?id=([0-9]+)$", url, re.IGNORECASE):
        p.found.append(entity | {"type": "text_mention", "user_id": int(user[1])})
    elif link := checked_link(url):
        p.found.append(entity | {"url": link})


# What comes first where two entities start and end together (td, MessageEntity.cpp, get_type_priority).
FIRST = ("blockquote", "expandable_blockquote", "pre", "code", "date_time", "text_link", "text_mention")
LAST = ("bold", "italic", "underline", "strikethrough", "spoiler", "custom_emoji")
ORDER = {kind: n for n, kind in enumerate(FIRST)} | {kind: 90 + n for n, kind in enumerate(LAST)}


def sort_entities(entities: Iterable[Entity]) -> list[Entity]:
    return sorted(entities, key=_rank)


def _rank(entity: Entity) -> tuple[int, int, int]:
    kind = str(entity["type"])
    priority = ORDER.get(kind, 50)
    return int(str(entity["offset"])), -int(str(entity["length"])), priority
