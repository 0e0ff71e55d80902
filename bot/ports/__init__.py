"""What the core needs of the outside, as Protocols; the doors (`pve/`, `chat/`, `store/`) satisfy them.

    doors.py    Clock, Pve, Store, Messenger        alerts.py    Watched, Ledger, Courier, Watching
    claims.py   what is done once: a value that Watching keeps

`Env` bundles them and is passed by argument: no globals, no container.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bot.ports.alerts import (
    NEXT,
    NUMBER,
    SILENCE,
    Changes,
    Courier,
    Explanation,
    Kept,
    Ledger,
    Lost,
    Pulse,
    Undelivered,
    Vitals,
    Watched,
    Watching,
)
from bot.ports.claims import Claim, Claims
from bot.ports.doors import UNSENT, Audit, Clock, Messenger, Pve, Store

PATIENCE = 2.0
"""Seconds of the event loop's own clock, which times all calls, that a look at Proxmox VE may take without a word."""


class Spawner(Protocol):
    def __call__(self, coro: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    clusters: Mapping[str, Pve]
    store: Store
    messenger: Messenger
    clock: Clock
    spawn: Spawner
    watch: Watching | None = None  # None: nothing is watched (tests of other parts)
    patience: float = PATIENCE


__all__ = [
    "NEXT",
    "NUMBER",
    "PATIENCE",
    "SILENCE",
    "UNSENT",
    "Audit",
    "Changes",
    "Claim",
    "Claims",
    "Clock",
    "Courier",
    "Env",
    "Explanation",
    "Kept",
    "Ledger",
    "Lost",
    "Messenger",
    "Pulse",
    "Pve",
    "Spawner",
    "Store",
    "Undelivered",
    "Vitals",
    "Watched",
    "Watching",
]
