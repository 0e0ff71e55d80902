"""A page that takes its time: one message, that says so and then becomes the page, or what went wrong."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.demo.telegram.world import Message as Shown
from bot.screen import Button, Open
from bot.text import say
from tests.chat.kit import ANA, OPS, House, house
from tests.chat.test_alerttaps import watch

WORD = "⏳ One moment…"


@pytest.fixture
async def home() -> AsyncIterator[House]:
    async with house(patience=0.01) as made:
        made.world.rows = (
            (Button(say("Slow"), Open("slow", "a")), Button(say("Lost"), Open("slow", "lost"))),
            (Button(say("Mine"), Open("slowly", "a")),),
        )
        yield made


def ours(home: House, chat: int = ANA) -> list[Shown]:
    return [message for message in home.api.messages(chat) if message.from_bot]


async def under_way(home: House, arg: str) -> None:
    await home.api.wait_for(lambda: arg in home.world.gates)


@pytest.mark.parametrize(("arg", "shown"), [("a", "echo a"), ("lost", "There is no guest lost.")])
async def test_what_is_typed(home: House, arg: str, shown: str) -> None:
    card = await home.api.ask(home.with_ana, home.ana, f"/slow {arg}")
    assert card.text == WORD
    home.world.gates[arg].set()
    await home.api.read(card, shown)
    await home.rest()
    assert [message.text for message in ours(home)] == [shown]
    assert "disable_notification" not in home.api.made("sendMessage")[-1].params


@pytest.mark.parametrize(
    ("label", "arg", "shown"), [("Slow", "a", "echo a"), ("Lost", "lost", "There is no guest lost.")]
)
async def test_what_is_tapped(home: House, label: str, arg: str, shown: str) -> None:
    card = await home.api.ask(home.with_ana, home.ana, "/any")
    await home.api.tap(card, label, home.ana)
    await home.api.read(card, WORD)
    assert home.acts.revoked, "a question in it is void"
    home.world.gates[arg].set()
    await home.api.read(card, shown)
    await home.rest()
    assert ours(home) == [card]


async def test_what_is_tapped_on_a_card_of_alerts() -> None:
    seen = watch()
    async with house(watch=seen, patience=0.01) as home:
        home.world.rows = ((Button(say("Slow"), Open("slow", "a")),),)
        card = await home.api.ask(home.ops, home.ben, "/any")
        seen.owned.add((OPS, card.id))
        await home.api.tap(card, "Slow", home.ben)
        beside = await home.api.next_message(OPS, len(home.api.messages(OPS)))
        assert beside.text == WORD
        home.world.gates["a"].set()
        await home.api.read(beside, "echo a")
        await home.rest()
        assert ours(home, OPS) == [card, beside]
        assert home.api.made("sendMessage")[-1].params["disable_notification"]
        assert str(card.id) in str(home.api.made("sendMessage")[-1].params["reply_parameters"])


async def test_nothing_is_said_of_what_comes_at_once(home: House) -> None:
    home.world.gates["a"] = asyncio.Event()
    home.world.gates["a"].set()
    assert (await home.api.ask(home.with_ana, home.ana, "/slow a")).text == "echo a"
    await home.rest()
    await asyncio.sleep(0.02)
    assert not home.api.made("editMessageText")


async def test_a_message_of_everybody_is_not_touched_before_it_is_known_who_may(home: House) -> None:
    """Its button spins until then."""
    card = await home.api.ask(home.with_ana, home.ana, "/any")
    before = card.text
    await home.api.tap(card, "Mine", home.ana, wait=False)
    await under_way(home, "a")
    await asyncio.sleep(0.02)
    assert card.text == before
    home.world.gates["a"].set()
    await home.api.read(card, "echo a")


async def test_a_word_that_is_not_taken_costs_no_page(home: House) -> None:
    home.api.fail("sendMessage", 403, "Forbidden: bot was blocked by the user")
    await home.api.say(home.with_ana, home.ana, "/slow a")
    await home.api.wait_for(lambda: len(home.api.made("sendMessage")) == 1)
    home.world.gates["a"].set()
    await home.api.wait_for(lambda: [message.text for message in ours(home)] == ["echo a"])


async def test_a_page_waits_for_its_word_that_is_still_being_sent(home: House) -> None:
    """Else there were two messages."""
    home.api.fail("sendMessage", 429, "Too Many Requests: retry after 3", retry_after=3)
    await home.api.say(home.with_ana, home.ana, "/slow a")
    await home.api.wait_for(lambda: len(home.api.made("sendMessage")) == 1)
    home.world.gates["a"].set()
    await home.clock.advance(10)
    await home.api.wait_for(lambda: [message.text for message in ours(home)] == ["echo a"])
    await home.rest()
    assert len(ours(home)) == 1


async def test_a_stop_leaves_no_word_behind(home: House) -> None:
    card = await home.api.ask(home.with_ana, home.ana, "/slow a")
    assert card.text == WORD
    await home.spawn.close(0)
    assert card.text == "The bot was stopped before this was read."
    assert card.labels == [["↻", "‹ Status"]]
