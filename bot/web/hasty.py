"""uvicorn's HTTP/1.1, in which who says nothing cannot keep out who speaks.

uvicorn counts connections and answers 503 beyond its limit, whoever holds them: some two hundred that send nothing, or
half a head, or read no answer, would shut everybody out. Here the listener waits for each of those no longer than
`patience`; and where connections are at the limit, a new one takes the place of the one it has waited for longest.
What came together with its connection is read before that can be its own (BACKLOG).
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 5.0
"""Seconds for a head, from the connection or from the answer before; and for taking an answer."""


class Hasty(H11Protocol):
    patience: float
    waited: "dict[Hasty, None]"
    """Those that owe something, in the order in which the listener began to wait. Never a request that is whole, nor
    one that had the right secret: its body has a time of its own (listener.py)."""
    crowded: Callable[[str], None]
    """Told of each connection that was closed to make room, by its address."""
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency and self.waited:
            longest = next(iter(self.waited))
            self.crowded(longest.client[0] if longest.client else "somebody")
            longest.give_up()
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def give_up(self) -> None:
        """Closed, and not counted from now on; what it has not taken of an answer is dropped."""
        self._wait_no_more()
        self.connections.discard(self)
        self.transport.abort()

    def _watch(self) -> None:
        """A clock runs from the moment it owes something until it gave all of it: a byte now and then wins no time."""
        if not self._owes():
            self._wait_no_more()
        elif self._late is None and self in self.connections:
            self.waited[self] = None
            self._late = self.loop.call_later(self.patience, self.give_up)

    def _wait_no_more(self) -> None:
        self.waited.pop(self, None)
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _owes(self) -> bool:
        """The head of a request, or that it takes what it asked for."""
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        return cycle is None or cycle.response_complete or self.flow.write_paused


def hasty(patience: float, crowded: Callable[[str], None]) -> type[Hasty]:
    """The class that one server makes its connections of: uvicorn takes no values for it."""
    return type("Haste", (Hasty,), {"patience": patience, "waited": {}, "crowded": staticmethod(crowded)})
