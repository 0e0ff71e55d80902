"""The log: one line an event, as text or JSON, with no secret in it.

Secrets are taken out of the finished line, traceback included, by what they are (the configured values, percent-encoded
ones too) and by how they look (a bot token, an API token). httpx logs every URL at INFO, and the Bot API carries its
token in the URL: that logger is quiet besides.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, TextIO
from urllib.parse import quote

Format = Literal["text", "json"]

MASK = "•••"
QUIET = ("httpx", "httpcore", "telegram", "apscheduler")
"""Libraries that are told to log warnings only: below that they tell of requests, not of us."""

_SHORTEST = 6
"""Characters. Taking shorter secrets out by value would blank ordinary words; their look gives them away still."""

_LOOKS = (
    # <bot id>:<secret>, Bot API; in a URL the colon may be encoded
    (re.compile(r"(?<![0-9])[0-9]{5,}(:|%3[Aa])[A-Za-z0-9_-]{20,}"), MASK),
    # PVEAPIToken=user@realm!name=secret, and the same without its first word: the name is worth keeping
    (
        re.compile(
            r"(?P<name>[^\s:/=\"']+@[A-Za-z0-9._-]+(?:!|%21)[A-Za-z][A-Za-z0-9._-]+(?:=|%3[Dd]))"
            r"(?!secret\b)[^\s\"',;]+"  # our own messages tell how a token reads: user@realm!name=secret
        ),
        rf"\g<name>{MASK}",
    ),
    # a UUID, which is what Proxmox makes an API token's secret of
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE), MASK),
)


class Redactor:
    """`redactor(text)` gives the text without secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = {secret for secret in secrets if len(secret) >= _SHORTEST}
        values |= {quote(secret, safe="") for secret in values} | {quote(secret, safe=":") for secret in values}
        longest_first = sorted(values, key=lambda value: (-len(value), value))
        self._values = re.compile("|".join(map(re.escape, longest_first))) if values else None

    def __call__(self, text: str) -> str:
        if self._values is not None:
            text = self._values.sub(MASK, text)
        for look, mask in _LOOKS:
            text = look.sub(mask, text)
        return text


class LogFormat(logging.Formatter):
    """`2026-11-24T08:30:00Z WARNING bot.pve.client: …`, or the same as a JSON object a line."""

    def __init__(self, form: Format, redact: Redactor) -> None:
        super().__init__()
        self._form = form
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        message = self._redact(record.getMessage())
        trace = self._redact(self._trace(record))
        if self._form == "json":
            entry = {"time": at, "level": record.levelname, "logger": record.name, "message": message}
            return json.dumps(entry | ({"trace": trace} if trace else {}), ensure_ascii=False)
        # outside text must not look like a line of its own
        line = f"{at} {record.levelname} {record.name}: {message.translate(_ONE_LINE)}"
        return f"{line}\n{trace}" if trace else line

    def _trace(self, record: logging.LogRecord) -> str:
        parts = [self.formatException(record.exc_info)] if record.exc_info else []
        parts += [self.formatStack(record.stack_info)] if record.stack_info else []
        return "\n".join(parts)


_ONE_LINE = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != ord("\t")} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def configure(level: str, form: Format, secrets: Iterable[str], to: TextIO | None = None) -> None:
    """The root logger writes to `to` (standard error), in place of whatever was set up before. `level`: info, …"""
    handler = logging.StreamHandler(to or sys.stderr)
    handler.setFormatter(LogFormat(form, Redactor(secrets)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)
