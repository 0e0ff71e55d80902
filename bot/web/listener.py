"""One port, in the bot's own event loop, for whoever asks how the bot is and for what Proxmox VE pushes.

    request ─▶ POST /pve/notify/<cluster>: secret (compared in constant time) ─▶ size ─▶ Push ─▶ rate ─▶ `on_push`
            └▶ GET /healthz, /metrics: no secret is asked for, and none is told

`/pve/notify` alone is that of a cluster whose node has the name that sent it. A wrong secret is 401 and a line in the
log an hour; too many of one node are 429, more than may wait for a poll are 503, and both is told; a body over the cap
is 413, one that is late 408, one that breaks off 400 (where anybody still listens), and what came of it is told all the
same, since its secret was right; where nothing came, nothing is told. 200 means that it is written down; 503 also that
it could not be: it is told all the same, and Proxmox VE has the failure in its own log.
"""

import asyncio
import hmac
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.errors import Crowded, StoreFailed, TelemoxError
from bot.model.view import UNREADABLE, Push
from bot.ports import Clock, Vitals
from bot.text import Said, say
from bot.web import notify
from bot.web.body import arrived, refused
from bot.web.hasty import PATIENCE, hasty
from bot.web.health import ailing
from bot.web.metrics import Metrics
from bot.web.notify import HEADER, PATH

log = logging.getLogger(__name__)

PER_MINUTE = 60
"""Notifications of a node a minute: a night's backups of a large cluster are one a job and node. What one sends too
many of takes nothing from the others."""
NODES = 256
"""That are told apart: names of a body can be anything."""
CONNECTIONS = 200
"""At once. Beyond them who says nothing gives way (hasty.py); where all of them are being answered, it is 503."""
BACKLOG = 64
"""Connections taken at a time: asyncio makes at most three such lots before it reads what came with the first of them,
and so many fit in."""
BODY = 10.0
"""Seconds in which a body has to arrive, whose secret was right."""
HOUR = 3600.0
STOP = 2.0  # s


class PortTaken(TelemoxError):
    """The address cannot be listened on."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"cannot listen on {address}: {reason}")
        self._said = say(
            "Nothing can be listened on at {address} ({reason}). Set another TELEMOX_LISTEN.",
            address=address,
            reason=reason,
        )

    def said(self) -> Said:
        return self._said


class _Server(uvicorn.Server):
    """Signals are the bot's own."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


class Listener:
    """`await start()`, then `run()` until `stop()`. `secret` None: /pve/notify is not there (404)."""

    def __init__(
        self,
        host: str,
        port: int,
        clock: Clock,
        *,
        vitals: Callable[[], Vitals],
        on_push: Callable[[Push, str], Awaitable[None]],
        secret: str | None = None,
        haste: float = PATIENCE,
        patience: float = BODY,
    ) -> None:
        """`on_push`: with the cluster that the address names, or ''. `haste`: seconds for a request's head, and for
        taking its answer; `patience`: for its body."""
        self._host, self._wanted = host, port
        self._clock = clock
        self._vitals = vitals
        self._on_push = on_push
        self._patience = patience
        self._secret = secret.encode() if secret else None
        self._pushed: Counter[str] = Counter()
        self._metrics = Metrics(vitals, lambda: dict(self._pushed))
        self._allowances: dict[tuple[str, str], tuple[float, float]] = {}  # (cluster, node): what is left, when
        self._flooded: dict[tuple[str, str], float] = {}  # monotonic: when that was last told
        self._owed: dict[tuple[str, str], Push] = {}  # what was to tell that, and was refused itself
        self._crowded: dict[str, float] = {}  # by cluster, monotonic: when it was last told that too many wait
        self._said_at: dict[str, float] = {}  # monotonic: when this was last logged
        routes = [Route("/healthz", self._healthz, methods=["GET"]), Route("/metrics", self._scrape, methods=["GET"])]
        if self._secret is not None:
            routes += [Route(path, self._notify, methods=["POST"]) for path in (PATH, f"{PATH}/{{cluster}}")]
        config = uvicorn.Config(
            Starlette(routes=routes),
            http=hasty(haste, self._say_crowded),
            backlog=BACKLOG,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._socket: socket.socket | None = None
        self._ended = asyncio.Event()
        self._ended.set()  # it does not run yet
        self.port = 0

    async def start(self) -> None:
        """Raises: PortTaken."""
        address = f"{self._host}:{self._wanted}"
        try:
            found = socket.getaddrinfo(self._host, self._wanted, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
            family, kind, protocol, _, where = found[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(where)
        except OSError as error:
            if self._socket is not None:
                self._socket.close()
            raise PortTaken(address, error.strerror or str(error)) from error
        self.port = self._socket.getsockname()[1]
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it says of each refused request that it was
        log.info(
            "listening on %s:%d: /healthz, /metrics%s", self._host, self.port, ", /pve/notify" * bool(self._secret)
        )

    async def run(self) -> None:
        """Until `stop()`."""
        if self._socket is None:
            return
        self._ended.clear()
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._ended.set()

    def stop(self) -> None:
        """`run()` returns within `STOP` seconds."""
        self._server.should_exit = True

    async def close(self) -> None:
        """Whoever is half through is answered, for `STOP` seconds at most; then the port is free."""
        self.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), STOP)
        if self._socket is not None:
            self._socket.close()

    async def _notify(self, request: Request) -> Response:
        given = request.headers.get(HEADER, "").encode("utf-8", "replace")
        if self._secret is None or not hmac.compare_digest(given, self._secret):
            self._pushed["refused"] += 1
            self._say_refused(request)
            return PlainTextResponse("wrong or no secret\n", 401)
        cluster = str(request.path_params.get("cluster", ""))
        body, cut = await arrived(request, self._patience)
        if cut is not None and not body:
            self._pushed[cut] += 1
            return refused(cut)
        push = notify.read(body, self._clock.now(), cut)
        if not self._allowed(cluster, push.host):
            self._pushed["too many"] += 1
            await self._say_flooded(cluster, push)
            return PlainTextResponse("too many notifications\n", 429, {"Retry-After": "60"})
        outcome = "taken" if push.kind != UNREADABLE else "unreadable"
        self._pushed[outcome] += 1
        try:
            await self._on_push(push, cluster)
        except Crowded:
            self._pushed.update({outcome: -1, "too many": 1})
            await self._say_crowd(cluster, push)
            return PlainTextResponse("too many notifications wait\n", 503, {"Retry-After": "60"})
        except StoreFailed as error:
            log.error("a notification cannot be written down; it is told unless the bot ends before: %s", error)
            return PlainTextResponse("taken, and not written down\n", 503)
        if self._owed:
            await self._say_owed(cluster)
        if cut is not None:
            return refused(cut)
        if push.kind == UNREADABLE:
            return PlainTextResponse("not the JSON that was registered: told as it is\n", 400)
        return PlainTextResponse("taken\n")

    async def _healthz(self, request: Request) -> Response:
        wrong = ailing(self._vitals())
        return PlainTextResponse("".join(f"{line}\n" for line in wrong or ["ok"]), 503 if wrong else 200)

    async def _scrape(self, request: Request) -> Response:
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4")

    def _allowed(self, cluster: str, host: str) -> bool:
        now, key = self._clock.monotonic(), (cluster, host)
        left, at = self._allowances.pop(key, (float(PER_MINUTE), now))
        left = min(float(PER_MINUTE), left + (now - at) * PER_MINUTE / 60)
        self._allowances[key] = (max(left - 1, 0.0) if left >= 1 else left, now)
        if len(self._allowances) > NODES:
            del self._allowances[next(iter(self._allowances))]  # of whom nothing came for the longest time
        return left >= 1

    async def _say_flooded(self, cluster: str, push: Push) -> None:
        """In the log, and as a notification of that node: once an hour."""
        now, key = self._clock.monotonic(), (cluster, push.host)
        last = self._flooded.pop(key, None)
        self._flooded[key] = now if last is None or now - last >= HOUR else last
        if len(self._flooded) > NODES:
            del self._flooded[next(iter(self._flooded))]
        if self._flooded[key] == now:
            log.warning(
                "%s sends more than %d notifications a minute: the rest is refused", push.host or "?", PER_MINUTE
            )
            self._owed[key] = notify.flood(push, PER_MINUTE, self._clock.now())
            if len(self._owed) > NODES:
                del self._owed[next(iter(self._owed))]
        if key in self._owed:
            await self._say_owed(cluster)

    async def _say_owed(self, cluster: str) -> None:
        """Where too many waited it was refused, too: then it comes with the next that is taken, or refused, there."""
        for key in [key for key in self._owed if key[0] == cluster]:
            push = self._owed.pop(key, None)  # another request may be about it
            if push is None:
                continue
            try:
                await self._on_push(push, cluster)
            except Crowded:
                self._owed[key] = push
            except StoreFailed as error:
                log.error("that notifications are refused cannot be written down: %s", error)

    async def _say_crowd(self, cluster: str, push: Push) -> None:
        """In the log, and as a notification of that cluster: once an hour, at the next one where it was refused too."""
        now, last = self._clock.monotonic(), self._crowded.get(cluster)
        if last is not None and now - last < HOUR:
            return
        if len(self._crowded) >= NODES:
            del self._crowded[next(iter(self._crowded))]
        self._crowded[cluster] = now
        log.warning("too many notifications wait for a poll: the rest is refused until then")
        try:
            await self._on_push(notify.crowded(push, self._clock.now()), cluster)
        except Crowded:
            del self._crowded[cluster]
        except StoreFailed as error:
            log.error("that notifications are refused cannot be written down: %s", error)

    def _say_refused(self, request: Request) -> None:
        peer = request.client.host if request.client is not None else "somebody"
        self._warn("%s sent a notification with a wrong secret", peer)

    def _say_crowded(self, peer: str) -> None:
        self._warn("%s and perhaps others hold too many connections and say nothing: the oldest are closed", peer)

    def _warn(self, words: str, peer: str) -> None:
        """Once an hour: whoever comes first."""
        now, last = self._clock.monotonic(), self._said_at.get(words)
        if last is None or now - last >= HOUR:
            self._said_at[words] = now
            log.warning(words, peer)
