"""Outside text on a phone: made harmless, measured by display width, cut to it."""

import unicodedata

WIDTH = 34
"""Columns of a card: what a phone held upright shows of a <pre> block without scrolling."""
NARROWEST = 4
"""Columns that a table leaves of the cell that gives way, as long as others can give too."""


def cut(text: str, width: int) -> str:
    """`text` in at most `width` columns, long names cut in the middle: both ends of a name tell guests apart."""
    text = clean(text)
    if columns(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
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
    return "".join(
        character
        if character.isprintable() or character == "\u200d"  # joins emoji
        else (" " if character.isspace() else "�")
        for character in text
    )


def _take(text: str, width: int) -> str:
    out, used = "", 0
    for character in text:
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
