"""How the watch looks at things: the tables, and what is known beside them."""

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.model.view import Memory, View
from bot.ports import Audit
from bot.rules import Rule
from bot.rules.inhibits import PARENTS, inhibits
from bot.watch.evaluate import Limiting
from bot.watch.inhibit import Inhibits
from bot.watch.memory import remembering


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    rules: Sequence[Rule]
    book: Limiting
    remembering: Callable[[View], Generator[None, None, Memory]] = remembering
    inhibits: Inhibits = inhibits
    parents: Mapping[str, int] = field(default_factory=lambda: PARENTS)  # rules that can -> their ranks
    sleeping: frozenset[str] = frozenset()  # TELEMOX_MAY_SLEEP
    hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)  # cluster -> names or addresses of its hosts
    fingerprints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # cluster -> host -> pinned SHA-256
    orders: Callable[[int], Awaitable[Sequence[Audit]]] | None = None  # store.audit
    deaf: Callable[[], float] = lambda: 0.0  # s for which Telegram has not been reached
    met: Callable[[], bool] = lambda: True  # has it been, since the start?
