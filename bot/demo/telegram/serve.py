"""One ASGI application on one loopback port, in the running event loop: no signals, no access log, quick to end."""

import asyncio
import logging
import socket
from typing import Any

import uvicorn
from uvicorn.server import Server


def _wanted(record: logging.LogRecord) -> bool:
    """An answer that breaks off is what a cut connection looks like from this side, and was asked for."""
    return record.msg != "ASGI callable returned without completing response."


logging.getLogger("uvicorn.error").addFilter(_wanted)


class Serving:
    """`await start()` → `port`; `await stop()` cuts what is still open, long polls and streams included."""

    def __init__(self, app: Any, port: int = 0) -> None:
        # Date comes from the application, whose clock may be another; the rest of uvicorn's life (signals, a
        # tick every 0.1 s) is left out: this server is a guest in somebody's loop.
        config = uvicorn.Config(
            self._run,
            http="h11",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            date_header=False,
            server_header=False,
        )
        config.load()
        self._app = app
        self._stopping = False
        self._server = Server(config)
        self._config = config
        self._wanted = port
        self._listening: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Raises: OSError, the port is taken."""
        state, config = self._server.server_state, self._config
        # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; else each answer waits 40 ms for an ACK.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", self._wanted))
        except OSError:
            sock.close()
            raise
        protocol: Any = config.http_protocol_class
        self._listening = await asyncio.get_running_loop().create_server(
            lambda: protocol(config=config, server_state=state, app_state={}), sock=sock
        )
        self.port = sock.getsockname()[1]

    async def stop(self) -> None:
        if self._listening is None:
            return
        self._listening.close()
        self._stopping = True
        state = self._server.server_state
        for connection in list(state.connections):
            transport: Any = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)  # the connections learn of it
        tasks = list(state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._listening.wait_closed()
        self._listening = None
        self._stopping = False

    async def _run(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
