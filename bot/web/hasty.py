"""uvicorn's HTTP/1.1, with a limit on how long a request's head may take: a connection that sends half of one, or
nothing, would else be held for ever, and with enough of them nobody else were answered."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Hasty(H11Protocol):
    patience = 10.0
    """Seconds for a head, from the connection or from the answer before."""
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._late is not None:
            self._late.cancel()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """A clock runs while no request has begun, and no longer than from the first byte of it."""
        begun = self._begun()
        if begun and self._late is not None:
            self._late.cancel()
            self._late = None
        elif not begun and self._late is None:
            self._late = self.loop.call_later(self.patience, self._give_up)

    def _give_up(self) -> None:
        self._late = None
        if not self._begun():
            self.transport.close()

    def _begun(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        return cycle is not None and not cycle.response_complete
