"""What stands before the page: any web site can make a browser talk to loopback, so nothing is taken on trust.

Host must be this very server (DNS rebinding), a write must come from the page itself or from no browser at all (forged
requests), its body must be JSON (a form cannot send that), and every answer forbids foreign scripts and frames.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
MAX_BODY = 64 * 1024  # bytes


class Guard:
    """Wraps the page's application; `port()` is where it is served."""

    def __init__(self, app: App, port: Callable[[], int]) -> None:
        self._app = app
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if reason := self._refusal(scope):
            await _refuse(send, reason)
            return

        async def guarded(event: MutableMapping[str, Any]) -> None:
            if event["type"] == "http.response.start":
                event["headers"] = [*event.get("headers", []), *HEADERS]
            await send(event)

        await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> str:
        """Why not; "" when all is well."""
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in headers and name in (b"host", b"origin", b"content-length"):
                return "doubled header"
            headers[name] = value
        hosts = [f"{name}:{self._port()}" for name in ("127.0.0.1", "localhost")]
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if host not in hosts:
            return "wrong host"
        site = headers.get(b"sec-fetch-site", b"none")
        navigates = scope["method"] == "GET" and headers.get(b"sec-fetch-mode") == b"navigate"
        if site not in (b"none", b"same-origin") and not navigates:
            return "from another site"
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower() != "http://" + host:
            return "from another origin"
        if scope["method"] in ("GET", "HEAD"):
            return ""
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if scope["method"] != "POST" or kind != b"application/json":
            return "only JSON is taken"
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length) > MAX_BODY:
            return "too long, or of unknown length"
        return ""


async def _refuse(send: Send, reason: str) -> None:
    body = reason.encode() + b"\n"
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode()), *HEADERS]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
