"""The watch of kit.py with the real deliverer behind it, and a Telegram that is a list: what chats are told."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from bot.access import Role
from bot.deliver import Deliverer
from bot.errors import StoreFailed
from bot.model import Finding, Record, Route
from bot.ports import Changes, Kept
from bot.spawn import Spawn
from bot.text import say
from tests.deliver.kit import OPS, Shown, Telegram
from tests.engine.kit import Bench, Ledger


class Whole(Bench):
    """`await poll()`: a poll later, and sent what can be sent."""

    def __init__(
        self, *, routes: Sequence[Route] = (Route(chat=OPS),), names: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        self.routes = routes
        self.names = names or {"main": "homelab"}
        self.telegram = Telegram(_At(self))  # type: ignore[arg-type]  # of a clock it reads `at`
        super().__init__(**more)
        self.renew()

    def renew(self) -> None:
        """Another process with the same store."""
        self.deliverer = Deliverer(  # type: ignore[assignment]  # the real one
            self.ledger,
            self.telegram,
            self.clock,
            Spawn(),
            ceiling=lambda chat: Role.OPERATOR,
            routes=self.routes,
            clusters=self.names,
            zone=UTC,
        )
        self.watch = self._watch()

    @property
    def delivery(self) -> Deliverer:
        assert isinstance(self.deliverer, Deliverer)
        return self.deliverer

    async def poll(self, *findings: Finding, times: int = 1, seconds: float = 15.0) -> None:
        for _ in range(times):
            await super().poll(*findings, seconds=seconds)
            await self.send()

    async def send(self) -> None:
        for chat in sorted(self.delivery.chats()):
            await self.delivery.drain(chat)

    async def restart(self) -> None:
        self.renew()
        await self.watch.start()

    def shown(self, chat: int = OPS) -> list[Shown]:
        return self.telegram.at(chat)

    def texts(self, chat: int = OPS) -> list[str]:
        return [one.text for one in self.shown(chat)]


class _At:
    def __init__(self, whole: Whole) -> None:
        self._whole = whole

    @property
    def at(self) -> float:
        return self._whole.clock.mono


class Failing:
    """A ledger that fails as often as told."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.fail = 0

    async def alerts(self) -> Kept:
        return await self.ledger.alerts()

    async def save(self, changes: Changes) -> None:
        if self.fail:
            self.fail -= 1
            raise StoreFailed(say("The database is locked."))
        await self.ledger.save(changes)

    async def history(self, limit: int = 50) -> Sequence[Record]:
        return await self.ledger.history(limit)
