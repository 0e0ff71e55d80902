"""A guest's own status, wherever the guest is by now."""

import re
from collections.abc import Awaitable, Callable

from bot.errors import NotFound, PveError, PveNodeDown, PveRefused
from bot.model import Guest, Snapshot
from bot.pve import rows
from bot.pve.client import Client
from bot.text import say

_ELSEWHERE = re.compile(r"Configuration file '.*' does not exist")


class Seek:
    """`await seek(guest)`: GET /nodes/{node}/{kind}/{vmid}/status/current; looked for again where it has moved."""

    def __init__(
        self, view: Client, learn: Callable[[Guest, bool], None], snapshot: Callable[[float], Awaitable[Snapshot]]
    ) -> None:
        self._view = view
        self._learn = learn
        self._snapshot = snapshot

    async def __call__(self, guest: Guest) -> Guest:
        """Raises: NotFound when it is on no node any more · PveError."""
        try:
            return await self._current(guest)
        except PveNodeDown as error:
            moved = await self._moved(guest)
            if moved is None or moved.node == guest.node:
                raise
            trouble: PveError = error
        except PveRefused as error:
            if not _ELSEWHERE.match(error.reason):
                raise
            moved = await self._moved(guest)
            trouble = error
        if moved is None:
            raise NotFound(say("{name} ({vmid}) is gone.", name=guest.name, vmid=guest.vmid)) from trouble
        return await self._current(moved)

    async def _current(self, guest: Guest) -> Guest:
        live, agent = await self._view.get(f"{guest.path}/status/current", lambda body: rows.current(body, guest))
        self._learn(guest, agent)
        return live

    async def _moved(self, guest: Guest) -> Guest | None:
        return (await self._snapshot(0)).by_vmid.get(guest.vmid)
