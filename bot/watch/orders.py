"""Orders of this bot, from its own audit: they explain what they brought about even where no task list can be read."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from bot.errors import StoreFailed
from bot.model.view import Order
from bot.ports import Audit, Clock

EXPLAINS = timedelta(minutes=30)
"""For so long an order explains what it brought about."""
MOST = 100


class Orders:
    def __init__(self, audit: Callable[[int], Awaitable[Sequence[Audit]]] | None, clock: Clock) -> None:
        """`audit`: Store.audit; None: nothing is ordered here."""
        self._audit = audit
        self._clock = clock
        self._lately: tuple[Order, ...] = ()

    async def look(self) -> None:
        """Where the store fails, those of the last poll stand in."""
        if self._audit is None:
            return
        since = self._clock.now() - EXPLAINS
        try:
            orders = await self._audit(MOST)
        except StoreFailed:
            return
        self._lately = tuple(
            Order(action=order.action, target=order.target, at=order.asked, by=order.name)
            for order in orders
            if order.asked >= since
        )

    def of(self, cluster: str) -> tuple[Order, ...]:
        return tuple(order for order in self._lately if order.target.partition("/")[0] == cluster)
