"""Who works when: one after another for a person in a chat, 32 at once in all, at most half of them for one chat.

    updates of Ana in the group   ─▶ turn of (group, Ana) ─┐
    updates of Ben in the group   ─▶ turn of (group, Ben) ─┴▶ 16 slots of the group ─┐
    updates of Ana in private     ─▶ turn of (Ana, Ana) ────▶ 16 slots of that chat ─┴▶ 32 slots ─▶ work

Whoever waits for an own earlier update holds no slot, so a person whose node hangs holds up nobody else, and a busy
group leaves half of the slots to everybody else. Turns are given in the order of arrival. How many of one person's may
wait at all is a Crowd's to say.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

SLOTS = 32
OF_ONE_CHAT = 16


@dataclass(slots=True)
class _Queue:
    gate: asyncio.Semaphore
    users: int = field(default=0)  # inside or waiting; forgotten at none


K = TypeVar("K")
Queues = dict[K, _Queue]
"""Who waits or is inside, by key; empty queues are forgotten."""


class Turns:
    def __init__(self, slots: int = SLOTS, of_one_chat: int = OF_ONE_CHAT) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._of_one_chat = of_one_chat
        self._people: Queues[tuple[int, int]] = {}
        self._chats: Queues[int] = {}

    @asynccontextmanager
    async def turn(self, chat: int, person: int) -> AsyncIterator[None]:
        """Enters when it is this person's turn in this chat and a slot is free."""
        async with (
            entered(self._people, (chat, person), 1),
            entered(self._chats, chat, self._of_one_chat),
            self._slots,
        ):
            yield

    def __len__(self) -> int:
        """Turns taken or waited for, by (chat, person)."""
        return len(self._people)


class Crowd:
    """How much of one person's is under way, with a bound. Counts alone: nobody waits here."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[int, int] = {}
        self._told: set[int] = set()

    def enter(self, person: int) -> bool:
        """One more, where there is room; then `leave()` has to follow."""
        count = self._counts.get(person, 0)
        if count >= self._most:
            return False
        self._counts[person] = count + 1
        return True

    def leave(self, person: int) -> None:
        self._counts[person] -= 1
        if not self._counts[person]:
            del self._counts[person]
            self._told.discard(person)

    def untold(self, person: int) -> bool:
        """Does this person not know yet that there is no room? Yes once, until nothing of theirs is under way."""
        fresh = person not in self._told
        self._told.add(person)
        return fresh


@asynccontextmanager
async def entered(queues: Queues[K], key: K, size: int) -> AsyncIterator[None]:
    """Inside with at most `size` - 1 others that have the same key, in the order of arrival."""
    queue = queues.get(key)
    if queue is None:
        queue = queues[key] = _Queue(asyncio.Semaphore(size))
    queue.users += 1
    try:
        async with queue.gate:
            yield
    finally:
        queue.users -= 1
        if not queue.users:
            queues.pop(key, None)
