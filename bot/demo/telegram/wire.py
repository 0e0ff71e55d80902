"""How a call's parameters arrive: query, form, JSON, multipart; in the end all are strings, as on Telegram's server."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message as Headers
from urllib.parse import parse_qsl

from bot.demo.telegram.refusal import Refused, bad

MAX_BODY = 52 * 1024 * 1024  # bytes; uploads end at 50 MB
NUMBERS = frozenset(
    {
        *("chat_id", "message_id", "message_thread_id", "offset", "limit", "timeout", "user_id", "reply_to_message_id"),
        "cache_time",
    }
)
OBJECTS = frozenset(
    {
        *("reply_markup", "allowed_updates", "commands", "scope", "reply_parameters", "link_preview_options", "media"),
        *("entities", "caption_entities"),
    }
)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as it was sent."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of one call. A wrong type reads as absent or zero, as on Telegram's server."""

    values: Mapping[str, str]
    files: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.values.get(name, "")

    def number(self, name: str, default: int = 0) -> int:
        try:
            return int(self.values.get(name, "").strip() or default)
        except ValueError:
            return 0

    def flag(self, name: str) -> bool:
        return self.values.get(name, "").strip().lower() in ("true", "yes", "1")

    def parsed(self, name: str, what: str) -> object:
        """None if absent.

        Raises:
            Refused: 400, not JSON; `what` names it in the sentence.
        """
        raw = self.values.get(name, "")
        if not raw:
            return None
        try:
            value: object = json.loads(raw)
        except ValueError:
            raise bad(f"can't parse {what} JSON object") from None
        return value

    def readable(self) -> dict[str, object]:
        """For the record of calls: numbers as int, JSON decoded, texts as they are."""
        return {name: _readable(name, raw) for name, raw in self.values.items()}


def _readable(name: str, raw: str) -> object:
    if name not in NUMBERS | OBJECTS:
        return raw
    try:
        value: object = json.loads(raw)
    except ValueError:
        return raw
    return value


def read_params(query: bytes, content_type: str, body: bytes) -> Params:
    """Parameters of the address first, those of the body over them.

    Raises:
        Refused: 400, the body is not what its type says.
    """
    values = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    headers = Headers()
    headers["content-type"] = content_type or "application/octet-stream"
    kind = headers.get_content_type()
    if not body:
        return Params(values)
    if kind == "application/json":
        return Params(values | _json(body))
    if kind == "application/x-www-form-urlencoded":
        return Params(values | dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)))
    if kind == "multipart/form-data":
        texts, files = _multipart(body, str(headers.get_param("boundary", "")))
        return Params(values | texts, files)
    return Params(values)


def _json(body: bytes) -> dict[str, str]:
    try:
        value = json.loads(body)
    except ValueError:
        raise bad("can't parse JSON object") from None
    if not isinstance(value, dict):
        raise Refused(400, "Bad Request: object expected")
    return {str(k): v if isinstance(v, str) else json.dumps(v) for k, v in value.items() if v is not None}


def _multipart(body: bytes, boundary: str) -> tuple[dict[str, str], dict[str, Upload]]:
    texts: dict[str, str] = {}
    files: dict[str, Upload] = {}
    if not boundary:
        raise bad("boundary not found")
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        if part.startswith(b"--"):
            break
        head, found, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not found:
            raise bad("can't parse multipart body")
        headers = Headers()
        for line in head.decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(":")
            headers[name] = value.strip()
        name = str(headers.get_param("name", "", header="content-disposition"))
        filename = headers.get_param("filename", header="content-disposition")
        if filename is None:
            texts[name] = content.decode("utf-8", "replace")
        else:
            files[name] = Upload(str(filename), content)
    return texts, files
