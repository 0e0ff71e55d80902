"""One notification as Proxmox VE's webhook target sends it, into a Push: pure.

The body that `telemox check` registers, filled in by proxmox-notify's templates:

    {"title":"…","message":"…","severity":"error","ts":1700000000,"fields":{"type":"vzdump","hostname":"pve1",…}}

`fields` (pve-docs, notifications.adoc): type (vzdump, fencing, replication, package-updates, system-mail), hostname,
and job-id of what a job did by its schedule. A backup's message holds up to 1 MiB of log: what matters is its table and
the lines that say ERROR. What is not this shape, with the right secret, is still told: nothing that was sent is lost.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from itertools import islice

import orjson

from bot.model.view import FLOOD, UNREADABLE, Push
from bot.text import clean, from_epoch

HEADER = "X-Telemox-Secret"
"""Where the secret stands, as `telemox check` registers it at Proxmox VE."""
PATH = "/pve/notify"
"""Where it is sent to: `/pve/notify/main` is for the cluster `main`."""
BODY = (
    '{"title":"{{ escape title }}","message":"{{ escape message }}","severity":"{{ severity }}",'
    '"ts":{{ timestamp }},"fields":{{ json fields }}}'
)
"""The template that is registered (pve-docs, notifications.adoc: escape and json are its helpers)."""
LONGEST = 2000
"""Characters of a message that are kept."""
LINE = 200
LINES = 24
_TITLE = 200
_FAILED = re.compile(r"ERROR: Backup of (?:VM|CT) ([1-9][0-9]{2,8}) failed")
_ROW = re.compile(r"^([1-9][0-9]{2,8})\s+\S+\s+(?:err|error|failed)\b", re.IGNORECASE)
REPEATED = 60
"""Seconds in which the same words without a time of their own are one notification, sent twice."""
OLD, AHEAD = 30 * 86400.0, 86400.0
"""Seconds by which a notification's own time may lie behind now, and ahead of it."""


class Cut(StrEnum):
    """Why only the beginning of a body is there."""

    LARGE = "too large"
    LATE = "late"
    BROKEN = "broken off"


def read(body: bytes, now: datetime, cut: Cut | None = None) -> Push:
    """Never raises: a body that is not the template's is a Push of kind `unreadable`, with its beginning."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _unreadable(body, now, cut)
    if not isinstance(found, dict) or not ("title" in found or "message" in found):
        return _unreadable(body, now, cut)
    fields = found.get("fields")
    fields = fields if isinstance(fields, dict) else {}
    message = _text(found.get("message"))
    title = clean(_text(found.get("title"))[:_TITLE]).strip()
    kind, host, job = _word(fields, "type"), _word(fields, "hostname"), _word(fields, "job-id")
    at = _moment(found.get("ts"), now)
    return Push(
        id=_id(kind, host, job, title, str(int(at.timestamp())), message),
        at=at,
        kind=kind or "other",
        severity=_word(found, "severity").lower() or "unknown",
        title=title,
        message=digest(message),
        host=host,
        job=job,
        vmids=failed(message) if kind == "vzdump" else (),
    )


def flood(push: Push, most: int, now: datetime) -> Push:
    """What tells of notifications of a node that are refused: `push` is the first of them."""
    return Push(
        id=_id(FLOOD, push.host, now.isoformat()),
        at=now,
        kind=FLOOD,
        severity="warning",
        title=f"more than {most} notifications a minute: some are not told",
        message=f"the first of them: {push.title}",
        host=push.host,
    )


def crowded(push: Push, now: datetime) -> Push:
    """What tells of notifications that are refused, whoever sends them: `push` is the first of them."""
    return Push(
        id=_id(FLOOD, "", now.isoformat()),
        at=now,
        kind=FLOOD,
        severity="warning",
        title="too many notifications wait: some are not told, Proxmox VE has them in its log",
        message=f"the first of them: {push.host}: {push.title}" if push.host else f"the first of them: {push.title}",
    )


def digest(message: str) -> str:
    """The head of a message and its lines that say what went wrong; whole lines, at most `LONGEST` characters."""
    kept: list[str] = []
    left = LONGEST
    for line in _telling(message):
        line = clean(line[:LINE]).rstrip()
        if left < len(line) + 1 or len(kept) >= LINES:
            kept.append("…")
            break
        left -= len(line) + 1
        kept.append(line)
    return "\n".join(kept).strip()


def failed(message: str) -> tuple[int, ...]:
    """The guests whose backup failed, in the order they are named."""
    found = [match[1] for match in _FAILED.finditer(message)]
    found += [match[1] for line in _head(message) if (match := _ROW.match(line.strip()))]
    return tuple(dict.fromkeys(map(int, found)))


def _telling(message: str) -> Iterator[str]:
    yield from _head(message)
    wrong = re.finditer(r"^.*\b(?:ERROR|error:|failed|WARN)\b.*$", message[_logs(message) :], re.MULTILINE)
    for match in islice(wrong, LINES // 2):
        yield match[0]


def _head(message: str) -> list[str]:
    """What stands before the logs: the table of guests."""
    return message[: min(_logs(message), 4 * LONGEST)].splitlines()


def _logs(message: str) -> int:
    match = re.search(r"^(?:Detailed backup )?[Ll]ogs:?\s*$", message, re.MULTILINE)
    return match.start() if match else len(message)


_TITLES = {
    None: "unreadable notification",
    Cut.LARGE: "notification too large",
    Cut.LATE: "notification not in time",
    Cut.BROKEN: "notification broken off",
}


def _unreadable(body: bytes, now: datetime, cut: Cut | None) -> Push:
    text = body[: 4 * LONGEST].decode(errors="replace")
    return Push(
        id=_id(UNREADABLE, text, str(int(now.timestamp()) // REPEATED)),
        at=now,
        kind=UNREADABLE,
        severity="warning",
        title=_TITLES[cut],
        message=digest(text),
    )


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:24]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _word(found: Mapping[str, object], key: str) -> str:
    return clean(_text(found.get(key))[:100]).strip()


def _moment(value: object, now: datetime) -> datetime:
    """Its own time where that is one that a notification can have; else now."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            at = from_epoch(int(value))
        except (ValueError, OverflowError, OSError):
            return now
        return at if -OLD <= (at - now).total_seconds() <= AHEAD else now
    return now
