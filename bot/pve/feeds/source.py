"""What the readers of feeds read from: the view token's GET, and what of the cluster is known already."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from bot.model import Permissions, Snapshot, Version
from bot.ports import Clock

T = TypeVar("T")


class Get(Protocol):
    """GET `path`, its answer given to `read`; `timeout`: seconds for all attempts."""

    async def __call__(
        self,
        path: str,
        read: Callable[[bytes], T],
        query: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
    ) -> T: ...


class Ping(Protocol):
    """POST `path`, which changes nothing (client.py, `ask`)."""

    async def __call__(self, path: str, read: Callable[[bytes], T], *, timeout: float) -> T: ...


@dataclass(frozen=True, kw_only=True)
class Source:
    cluster: str  # our key
    tokens: tuple[str, ...]  # the bot's own: user@realm!name
    get: Get
    ping: Ping
    clock: Clock
    clean: Callable[[str], str]  # takes secrets out of outside words
    snapshot: Callable[[float], Awaitable[Snapshot]]  # not older than so many seconds
    permissions: Callable[[], Awaitable[Permissions | None]]  # of the view token
    version: Callable[[], Awaitable[Version]]
    agent: float  # s for one look at a guest agent

    def now(self) -> datetime:
        return self.clock.now()

    async def online(self) -> tuple[str, ...]:
        return tuple(node.name for node in (await self.snapshot(60.0)).nodes if node.online)
