"""Order for each person in each chat, 32 at once, and nobody starved."""

import asyncio

import pytest

from bot.chat.turns import Turns
from tests.chat.kit import breathe


class Hall:
    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.inside: list[str] = []
        self.done: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    async def visit(self, chat: int, person: int, what: str) -> None:
        async with self.turns.turn(chat, person):
            self.inside.append(what)
            await self.gates.setdefault(what, asyncio.Event()).wait()
            self.inside.remove(what)
            self.done.append(what)

    def open(self, what: str) -> None:
        self.gates.setdefault(what, asyncio.Event()).set()


async def test_one_after_another_for_a_person_in_a_chat_and_at_once_for_others() -> None:
    hall = Hall(Turns())
    async with asyncio.TaskGroup() as group:
        for chat, person, what in ((1, 1, "a1"), (1, 1, "a2"), (1, 2, "b1"), (2, 1, "elsewhere"), (1, 1, "a3")):
            group.create_task(hall.visit(chat, person, what))
        await breathe()
        assert hall.inside == ["a1", "b1", "elsewhere"]
        hall.open("a2")
        hall.open("a3")
        await breathe()
        assert hall.inside == ["a1", "b1", "elsewhere"]
        hall.open("a1")
        await breathe()
        assert hall.done == ["a1", "a2", "a3"]
        hall.open("b1")
        hall.open("elsewhere")
    assert len(hall.turns) == 0


async def test_thirty_two_at_once_and_half_of_them_for_one_chat() -> None:
    hall = Hall(Turns())
    async with asyncio.TaskGroup() as group:
        for person in range(40):
            group.create_task(hall.visit(-1, person, f"busy {person}"))
        group.create_task(hall.visit(5, 5, "quiet"))
        await breathe()
        assert len(hall.inside) == 17
        assert "quiet" in hall.inside
        for person in range(100, 130):
            group.create_task(hall.visit(person, person, f"other {person}"))
        await breathe()
        assert len(hall.inside) == 32
        for gate in ["quiet", *(f"busy {person}" for person in range(40)), *(f"other {p}" for p in range(100, 130))]:
            hall.open(gate)
    assert len(hall.done) == 71


async def test_whoever_is_cancelled_while_waiting_leaves_no_trace() -> None:
    hall = Hall(Turns())
    first = asyncio.create_task(hall.visit(1, 1, "first"))
    second = asyncio.create_task(hall.visit(1, 1, "second"))
    await breathe()
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    hall.open("first")
    await first
    hall.open("third")
    await hall.visit(1, 1, "third")
    assert len(hall.turns) == 0
