"""What Telegram looks at in a picture before it takes it as a photo."""

import struct

from bot.demo.telegram.refusal import bad

MAX_PHOTO = 10 * 1024 * 1024  # bytes
MAX_SUM = 10_000  # pixels, width and height together
MAX_RATIO = 20


def read_picture(content: bytes) -> tuple[int, int]:
    """Width and height in pixels of a PNG or a JPEG.

    Raises:
        Refused: 400, no picture, too big, or too long a strip.
    """
    if len(content) > MAX_PHOTO:
        raise bad("file is too big")
    width, height = _png(content) or _jpeg(content) or (0, 0)
    if not width or not height:
        raise bad("IMAGE_PROCESS_FAILED")
    if width + height > MAX_SUM or max(width, height) > MAX_RATIO * min(width, height):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return width, height


def _png(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(b"\x89PNG\r\n\x1a\n") or len(content) < 24:
        return None
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def _jpeg(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None
