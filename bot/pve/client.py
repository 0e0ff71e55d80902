"""One API token, and one way to call: `_call`. Whoever holds a `Client` holds its token and no other.

read    tried on each host in turn, on the same one twice where a connection broke
write   sent at most once; the next host has its turn only while nothing was sent
ask     a POST that changes nothing, of a closed list: all that a token that only looks may send besides GET
"""

import asyncio
import gc
import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import TypeVar
from urllib.parse import quote, urlencode

from bot.errors import PveError, PveNoAnswer, PvePinMismatch, PveUnauthorized, PveUnreachable
from bot.model import is_node
from bot.ports import Clock
from bot.pve import parse
from bot.pve.calls import Calls
from bot.pve.config import ApiToken, Timeouts
from bot.pve.faults import Stage, host_is_ill, node_of, of_status
from bot.pve.link import Failed, Link, Reply
from bot.pve.veil import Veil

T = TypeVar("T")

HARMLESS = re.compile(r"/nodes/[^/]+/qemu/[1-9][0-9]*/agent/ping")
"""Calls that Proxmox VE spells POST although they change nothing."""
LARGE = 128 * 1024
"""Bytes from which an answer is read in a thread: below it the way there and back costs more than it spares."""


class Notices:
    """What the admins are to hear of, once and not at every call: a changed certificate, a refused token."""

    def __init__(self, tell: Callable[[PveError], None]) -> None:
        self._tell = tell
        self._told: dict[str, str] = {}  # host or token -> what was told of it

    def heard(self, error: PveError) -> None:
        match error:
            case PvePinMismatch():
                subject, news = error.host, error.seen
            case PveUnauthorized():
                subject, news = error.token, "401"
            case _:
                return
        if self._told.get(subject) != news:
            self._told[subject] = news
            self._tell(error)

    def well(self, *subjects: str) -> None:
        if self._told:
            for subject in subjects:
                self._told.pop(subject, None)


class Client:
    def __init__(
        self,
        token: ApiToken,
        links: Sequence[Link],
        clock: Clock,
        timeouts: Timeouts,
        notices: Notices,
        veil: Veil | None = None,
        calls: Calls | None = None,
    ) -> None:
        """`veil`: takes out more secrets than the token's own. `calls`: those of other tokens are counted with it."""
        self.token = token.id
        self._links = links
        self.answered: Link | None = None  # the one that gave the last answer
        self._clock = clock
        self._timeouts = timeouts
        self._notices = notices
        self._veil = veil or Veil([token])
        self._calls = calls or Calls()
        self._headers = {
            "Authorization": token.header(),
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # on a local network packing costs more than it spares
            "User-Agent": "telemox",
        }
        self._form = {
            **self._headers,
            "Content-Type": "application/x-www-form-urlencoded",
            "Connection": "close",
        }

    def __repr__(self) -> str:
        return f"Client({self.token})"

    def beside(self, link: Link) -> "Client":
        """The same, that asks this one host and no other."""
        other = copy(self)
        other._links = (link,)  # noqa: SLF001 - of its own class
        return other

    async def get(
        self,
        path: str,
        read: Callable[[bytes], T],
        query: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
    ) -> T:
        """GET `path`, its answer given to `read`. `timeout`: seconds for all attempts, where it cannot wait as usual.

        Raises: PveError.
        """
        usual = self._timeouts.node if node_of(path) else self._timeouts.read
        total = self._timeouts.total if timeout is None else timeout
        call = self._call("GET", path, read, query=query, timeout=min(usual, total), total=total)
        return await self._calls(call)

    async def ask(self, path: str, read: Callable[[bytes], T], *, timeout: float) -> T:
        """POST `path`, one of HARMLESS. Sent like a write, at most once: to ask again is the asker's business.

        Raises: PveError as of a write · ValueError for any other path.
        """
        if HARMLESS.fullmatch(path) is None:
            raise ValueError(f"{path[:80]!r} is not known to change nothing")
        return await self._calls(self._call("POST", path, read, form={}, timeout=timeout, total=timeout))

    async def write(
        self,
        method: str,
        path: str,
        read: Callable[[bytes], T],
        params: Mapping[str, str],
        still: Callable[[], None] = lambda: None,
    ) -> T:
        """POST, PUT (a form) or DELETE (a query: a body is refused there with 501).

        Raises: PveUnreachable when nothing was sent · PveNoAnswer when nobody knows · what Proxmox said · what `still`
        raises directly before the first byte.
        """
        timeout, total = self._timeouts.write, self._timeouts.write + self._timeouts.total
        query, form = (params, None) if method == "DELETE" else (None, params)
        return await self._calls(
            self._call(method, path, read, query=query, form=form, timeout=timeout, total=total, still=still)
        )

    async def _call(
        self,
        method: str,
        path: str,
        read: Callable[[bytes], T],
        *,
        timeout: float,
        total: float,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        still: Callable[[], None] = lambda: None,
    ) -> T:
        write = method != "GET"
        target = f"/api2/json{safe(path)}" + (f"?{urlencode(query)}" if query else "")
        content = urlencode(form).encode() if form is not None else None
        headers = self._form if write else self._headers
        time = asyncio.get_running_loop().time
        until = time() + total
        troubles: list[PveError] = []
        for link in self._in_order():
            for again in (False, True):
                left = until - time()
                if left <= 0:
                    break
                try:
                    reply = await link.send(method, target, headers, content, timeout=min(timeout, left), still=still)
                except Failed as failed:
                    if failed.stage is Stage.UNREADABLE:  # it answered, and another host would say the same
                        raise failed.error from failed
                    if failed.stage is not Stage.SILENT or not node_of(path):  # else it may be the node that hangs
                        link.failed()
                    if write and failed.stage is not Stage.UNSENT:
                        raise failed.error from failed
                    if failed.stage is Stage.DROPPED and not again:
                        continue  # an idle connection that the host closed in the same moment
                    troubles.append(failed.error)
                    self._notices.heard(failed.error)
                    break
                self.answered = link
                if 200 <= reply.status < 300:
                    link.worked()
                    return await self._read(reply, read, path, link, write)
                error = self._error(reply, path, link, write)
                if write or not host_is_ill(reply.status, error.reason, path):
                    link.worked()
                    self._notices.heard(error)
                    raise error
                link.failed()
                troubles.append(error)
                break
        raise _worst(troubles)

    async def _read(self, reply: Reply, read: Callable[[bytes], T], path: str, link: Link, write: bool) -> T:
        self._notices.well(str(link.host), self.token)
        try:
            if len(reply.body) > LARGE:
                return await asyncio.to_thread(_uncollected, read, reply.body)
            return read(reply.body)
        except parse.Garbled as error:
            # it quotes the answer's beginning, where half a secret would not be known again
            quoted = reply.body[:400].decode(errors="replace")
            text = str(error) if self._veil(quoted) == quoted else "it quotes a secret"
            raise of_status(
                reply.status, self._veil(text), write=write, host=str(link.host), path=path, token=self.token
            ) from error

    def _error(self, reply: Reply, path: str, link: Link, write: bool) -> PveError:
        text, errors = parse.refusal(reply.body, self._veil)
        text = text or self._veil(reply.reason)[:2000] or f"HTTP status {reply.status}"
        return of_status(
            reply.status, text, write=write, host=str(link.host), path=path, token=self.token, errors=errors
        )

    def _in_order(self) -> list[Link]:
        """As configured; those that failed lately come last, until they have rested."""
        if len(self._links) == 1:
            return list(self._links)
        now = self._clock.monotonic()
        return sorted(self._links, key=lambda link: link.rests_until > now)


def safe(path: str) -> str:
    """`path` as it is sent, each segment encoded. The last guard: names in it came from answers and from buttons.

    Raises: PveUnreachable for one that leads elsewhere ("..", "//"), or names a node that cannot be one.
    """
    first, *segments = path.split("/")
    node = segments[1] if len(segments) > 1 and segments[0] == "nodes" else "none"
    if first or not segments or any(segment in {"", ".", ".."} for segment in segments) or not is_node(node):
        raise PveUnreachable(f"{path[:80]!r} is no path of its API")
    return "/" + "/".join(quote(segment, safe=":@!", errors="replace") for segment in segments)


def _uncollected(read: Callable[[bytes], T], body: bytes) -> T:
    """`read(body)` while the garbage collector waits: among so many new values it would look for cycles again and
    again, a fifth of the time, and JSON has none."""
    gc.disable()
    try:
        return read(body)
    finally:
        gc.enable()


def _worst(troubles: Sequence[PveError]) -> PveError:
    """What to say when no host answered."""
    if not troubles:
        return PveNoAnswer("no answer in time")
    for error in troubles:
        if isinstance(error, PvePinMismatch) or len(troubles) == 1:
            return error
    for error in troubles:
        if not isinstance(error, PveUnreachable):
            return error  # sent somewhere: not "nothing was sent"
    each = [error for error in troubles if isinstance(error, PveUnreachable)]
    return PveUnreachable("; ".join(f"{error.host}: {error.reason}" for error in each), each=each)
