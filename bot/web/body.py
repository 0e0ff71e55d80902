"""The body of a notification, as far as it comes, and what its sender is answered where that is not far enough."""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from bot.web.notify import Cut

CAP = 2 * 1024 * 1024
"""Bytes of a body: 1 MiB of log, escaped."""


async def arrived(request: Request, patience: float) -> tuple[bytes, Cut | None]:
    """What arrives within `patience` seconds and the cap, and why that is not all of it."""
    found = bytearray()
    try:
        async with asyncio.timeout(patience):
            async for chunk in request.stream():
                found += chunk[: CAP - len(found)]
                if len(found) >= CAP:
                    return bytes(found), Cut.LARGE
    except TimeoutError:
        return bytes(found), Cut.LATE
    except ClientDisconnect:
        return bytes(found), Cut.BROKEN
    return bytes(found), None


def refused(cut: Cut) -> Response:
    status, words = _ANSWERS[cut]
    return PlainTextResponse(f"{words}\n", status)


_ANSWERS = {
    Cut.LARGE: (413, "too large: only its beginning was read"),
    Cut.LATE: (408, "late: only what came in time was read"),
    Cut.BROKEN: (400, "broken off: only its beginning was read"),
}
