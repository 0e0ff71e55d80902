"""What comes in over HTTP and what goes out: requests, replies, and the ways in which pveproxy refuses."""

import json
from dataclasses import dataclass
from urllib.parse import parse_qsl

from bot.demo.cluster.errors import Refusal

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came in, for tests to count."""

    at: float  # time.monotonic()
    host: str  # the node that was asked
    method: str
    path: str  # without /api2/json, percent-decoded
    params: dict[str, object]
    token: str  # user@realm!name; '' without a header
    headers: dict[str, str]

    @property
    def write(self) -> bool:
        return self.method != "GET"


@dataclass(slots=True, kw_only=True)
class Reply:
    """What goes back, and how badly."""

    status: int = 200
    reason: str = "OK"
    body: bytes = b""
    content_type: str = "application/json;charset=UTF-8"  # '' = none
    gzipped: bytes | None = None  # ready-made
    cut: bool = False  # half of the body, then the connection is dropped
    drop: bool = False  # no answer at all
    hang: bool = False  # the same, but the connection stays


class Misused(Refusal):
    """What pveproxy itself refuses, before any API method: its text is the body, too, and that is no JSON.

    `early`: before it asks who that is. `bare`: without a body.
    """

    def __init__(self, status: int, message: str, *, early: bool = True, bare: bool = False) -> None:
        super().__init__(status, message)
        self.early = early
        self.bare = bare


def form(text: str) -> list[tuple[str, str]]:
    """`&` and `;` both separate; `+` is a space."""
    return parse_qsl(text.replace(";", "&"), keep_blank_values=True)


def parameters(body: bytes, content_type: str) -> dict[str, object]:
    """Of a POST or PUT. Raises ValueError where the body cannot be read."""
    if not body:
        return {}
    if content_type.partition(";")[0].strip().lower() == JSON:
        found = json.loads(body)
        if not isinstance(found, dict):
            raise ValueError("malformed JSON body: not an object")
        return {name: value for name, value in found.items() if value is not None}
    return dict(form(body.decode("utf-8", "replace")))


def refused(why: Refusal, *, in_body: bool) -> Reply:
    """The answer that a refusal becomes: reason phrase, and where the version has it `message`."""
    reason = why.message.partition("\n")[0]
    if not reason.isprintable():  # AnyEvent.pm, response: a request that would break the status line
        return Reply(status=400, reason="Bad Request", content_type="")
    if isinstance(why, Misused):
        text = reason.encode() if in_body and not why.bare else b""
        return Reply(status=why.status, reason=reason, content_type="", body=text)
    if why.status == 401 or 595 <= why.status <= 599:
        return Reply(status=why.status, reason=reason, content_type="")
    body: dict[str, object] = {"data": None}
    if why.errors:
        body["errors"] = dict(why.errors)
    if in_body:
        body["message"] = why.message
    return Reply(status=why.status, reason=reason, body=json.dumps(body).encode())
