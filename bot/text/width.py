"""Outside text on a phone: made harmless, measured by display width, cut to it."""

import re
import unicodedata

WIDTH = 34
"""Columns of a card: what a phone held upright shows of a <pre> block without scrolling."""
NARROWEST = 4
"""Columns that a table leaves of the cell that gives way, as long as others can give too."""
LONGEST = 4096
"""Code points of one outside text that are looked at: what is longer no message can hold, and would take seconds."""
STACKED = 4
"""Code points a column: a family of emoji takes that many, a tower of accents (5,000 in one column) does not fit."""
_NOT_PLAIN = re.compile(r"[^ -~]+")
"""What has to be looked at character by character: in a long log that is little."""


def cut(text: str, width: int) -> str:
    """`text` in at most `width` columns, long names cut in the middle: both ends of a name tell guests apart.

    At most four code points a column, too.
    """
    if width <= 1:
        text = clean(text[: STACKED + 1])
        return text if len(text) <= STACKED * width and columns(text) <= width else "…"[: max(0, width)]
    most = STACKED * width
    if len(text) > 2 * most:
        text = text[:most] + text[-most:]  # still too long: of the middle nothing is left below
    text = clean(text)
    if len(text) <= most and columns(text) <= width:
        return text
    head, tail = (width - 1) - (width - 1) // 3, (width - 1) // 3
    left, right = _take(text, head), _take(text[::-1], tail)[::-1]
    while columns(f"{left}…{right}") > width and (left or right):
        # marks that widen what they stand beside (a variation selector) are counted with their neighbours alone
        left, right = (left, right[1:]) if right else (left[:-1], right)
    return f"{left}…{right}"


def columns(text: str) -> int:
    """Display width: ASCII counts one, CJK and emoji two."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # its tables take 30 ms: a start is spared them

    return max(0, wcswidth(text))


def clean(text: str) -> str:
    """Outside text on one line: control characters, lone surrogates and direction marks become `�`, breaks a space."""
    if text.isprintable():
        return text
    return _NOT_PLAIN.sub(_harmless, text)


def _harmless(found: re.Match[str]) -> str:
    return "".join(
        character
        if character.isprintable() or character == "\u200d"  # joins emoji
        else (" " if character.isspace() else "�")
        for character in found[0]
    )


def bounded(text: str) -> str:
    """Its beginning, where it is longer than any message."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _take(text: str, width: int) -> str:
    out, used = "", 0
    for character in text[: STACKED * width]:
        wide = max(0, columns(character))
        if used + wide > width:
            break
        out, used = out + character, used + wide
    return out


def fold(text: str) -> str:
    """For comparing what people type with what guests are called: case and accents do not matter."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
