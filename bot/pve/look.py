"""The look at a whole cluster, shared by all who ask for one: two calls, kept for as long as each of them allows."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.errors import PveError
from bot.model import Permissions, Snapshot
from bot.ports import Clock
from bot.pve import rows
from bot.pve.client import Client
from bot.pve.config import ClusterConfig
from bot.pve.flight import Flight, quietly
from bot.pve.snapshot import Visibility, merge
from bot.spawn import Spawn

LET_GO = 1.0  # s that a snapshot lives on after the next one came


class Look:
    """`permissions`: of the view token."""

    def __init__(
        self,
        config: ClusterConfig,
        view: Client,
        clock: Clock,
        spawn: Spawn,
        permissions: Callable[[], Awaitable[Permissions | None]],
    ) -> None:
        self.latest: Snapshot | None = None
        self._at = 0.0  # monotonic, of `latest`
        self._key = config.key
        self._timeouts = config.timeouts
        self._view = view
        self._clock = clock
        self._permissions = permissions
        self._flight = Flight[Snapshot](spawn, f"snapshot of {config.key}")

    async def __call__(self, max_age: float) -> Snapshot:
        """GET /cluster/resources and GET /cluster/status, unless the latest is no older than `max_age` s.

        Raises: PveError of the resources. What the status lacks is said in `unseen`.
        """
        if self.latest is not None and self._clock.monotonic() - self._at <= max_age and max_age > 0:
            return self.latest
        return await self._flight(self._anew)

    async def _anew(self) -> Snapshot:
        status = self._view.get("/cluster/status", rows.cluster_status, timeout=self._timeouts.beside)
        patience = self._timeouts
        wait = patience.total if self.latest is None else min(patience.total, patience.anew)
        resources, said = await asyncio.gather(
            quietly(self._view.get("/cluster/resources", lambda body: rows.resources(body, self._key), timeout=wait)),
            quietly(status),
        )
        if isinstance(resources, PveError):
            raise resources
        visibility = Visibility(token=self._view.token) if resources.guests else await self._visibility()
        before = self.latest
        self.latest = merge(self._key, resources, said, before=before, taken=self._clock.now(), visibility=visibility)
        self._at = self._clock.monotonic()
        # To take ten thousand guests apart takes 10 ms, and somebody waits for the new ones: the old ones go later.
        asyncio.get_running_loop().call_later(LET_GO, id, before)
        return self.latest

    async def _visibility(self) -> Visibility:
        """Are there no guests, or may the token not see any?"""
        try:
            may = await self._permissions()
        except PveError as error:
            return Visibility(token=self._view.token, all_guests=None, detail=error.reason)
        return Visibility(token=self._view.token, all_guests=may is not None and may.allows("VM.Audit", "/vms"))
