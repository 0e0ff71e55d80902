"""What Telegram does to a text before it takes it: parse, tidy, measure, and find links and commands in it."""

import re

from bot.demo.telegram.markup import Entity, parse_html, sort_entities, utf16
from bot.demo.telegram.refusal import Refused, bad

MAX_TEXT = 4096  # code points, after parsing
MAX_CAPTION = 1024
MAX_RAW = 32768  # bytes, before parsing
STYLES = ("bold", "italic", "underline", "strikethrough", "spoiler")

FOUND = re.compile(
    r"(?P<bot_command>(?<![\w/<>@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>]))"
    r"|(?P<mention>(?<![\w@/])@[A-Za-z][A-Za-z0-9_]{2,31}(?!\w))"
    r"|(?P<url>(?:https?://|(?<![\w.@/-]))(?:[a-z0-9-]+\.)+(?:com|org|net|io|me|dev|de|uk|eu)(?::\d+)?(?:/[^\s<>\"]*)?)",
    re.IGNORECASE,
)


def read_text(raw: str, parse_mode: str) -> tuple[str, list[Entity]]:
    """A message's text and entities. Raises: Refused, 400 with Telegram's sentence."""
    if not raw:
        raise bad("message text is empty")
    text, entities = _read(raw, parse_mode)
    if not text:
        raise bad("text must be non-empty")
    if len(text) > MAX_TEXT:
        raise bad("message is too long")
    return text, entities


def read_caption(raw: str, parse_mode: str) -> tuple[str, list[Entity]]:
    """A caption, which may be empty. Raises: Refused, 400."""
    text, entities = _read(raw, parse_mode)
    if len(text) > MAX_CAPTION:
        raise bad("message caption is too long")
    return text, entities


def _read(raw: str, parse_mode: str) -> tuple[str, list[Entity]]:
    if len(raw.encode("utf-8", "surrogatepass")) > MAX_RAW:
        raise bad("text is too long")
    text, entities = raw, list[Entity]()
    match parse_mode.lower():
        case "" | "none":
            pass
        case "html":
            text, entities = parse_html(raw)
        case "markdown" | "markdownv2":
            raise Refused(501, "Not Implemented: the stand-in was taught HTML only")
        case _:
            raise bad("unsupported parse_mode")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise bad("strings must be encoded in UTF-8") from None
    text, entities = tidy(text, fit(entities))
    return text, sort_entities([*entities, *find(text, entities)])


def tidy(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Trimmed at both ends (blanks that belong to an entity stay at the beginning), control characters blanked."""
    text = text.replace("\r", "")
    text = re.sub(r"[\x00-\x09\x0b-\x1f\x7f]", " ", text) if not entities else text
    end = utf16(text.rstrip(" \n"))
    text = text.rstrip(" \n")
    first = min((_int(e, "offset") for e in entities), default=len(text))
    cut = min(len(text) - len(text.lstrip(" \n")), first)
    kept = []
    for entity in entities:
        begin = _int(entity, "offset")
        stop = min(begin + _int(entity, "length"), end)
        if stop > begin:
            kept.append(entity | {"offset": begin - cut, "length": stop - begin})
    return text[cut:], kept


def fit(entities: list[Entity]) -> list[Entity]:
    """Entities as Telegram lets them lie together (td, MessageEntity.cpp, fix_entities): code stands alone, quotes and
    links do not nest, styles of one kind join. Styles are not cut at the edges of links, which shows nowhere."""
    spans = [(e, _int(e, "offset"), _int(e, "offset") + _int(e, "length")) for e in sort_entities(entities)]
    quotes = _apart([s for s in spans if str(s[0]["type"]).endswith("blockquote")])
    whole = _apart([s for s in spans if s[0]["type"] not in STYLES and not str(s[0]["type"]).endswith("blockquote")])
    whole = [
        (e, begin, end)
        for e, begin, end in whole
        if not any(begin < stop and start < end and not (start <= begin and end <= stop) for _, start, stop in quotes)
    ]
    code = [(begin, end) for e, begin, end in whole if e["type"] in ("pre", "code")]
    kept = [e for e, _, _ in [*quotes, *whole]]
    for style in STYLES:
        edges: list[tuple[int, int]] = []
        for _, begin, end in (s for s in spans if s[0]["type"] == style):
            if edges and begin <= edges[-1][1]:
                edges[-1] = (edges[-1][0], max(edges[-1][1], end))
            else:
                edges.append((begin, end))
        for start, stop in code:
            edges = [e for b, s in edges for e in ((b, min(s, start)), (max(b, stop), s)) if e[0] < e[1]]
        kept += [{"type": style, "offset": begin, "length": end - begin} for begin, end in edges]
    return sort_entities(kept)


def _apart(spans: list[tuple[Entity, int, int]]) -> list[tuple[Entity, int, int]]:
    """Those that do not begin within one before them."""
    kept: list[tuple[Entity, int, int]] = []
    for span in spans:
        if not kept or span[1] >= kept[-1][2]:
            kept.append(span)
    return kept


def find(text: str, entities: list[Entity]) -> list[Entity]:
    """Commands, mentions and addresses that Telegram marks by itself, outside of code and links."""
    closed = [
        (_int(e, "offset"), _int(e, "offset") + _int(e, "length"))
        for e in entities
        if e["type"] in ("code", "pre", "text_link", "text_mention")
    ]
    found: list[Entity] = []
    for match in FOUND.finditer(text):
        begin, length = utf16(text[: match.start()]), utf16(match[0])
        if not any(begin < stop and start < begin + length for start, stop in closed):
            found.append({"type": match.lastgroup or "url", "offset": begin, "length": length})
    return found


def _int(entity: Entity, name: str) -> int:
    return int(str(entity[name]))
