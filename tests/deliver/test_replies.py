"""What sounds beside a card: it has the buttons, is ours, and says when it is over."""

import pytest

from bot.model import NewsKind, Reply
from bot.ports import Lost, Undelivered
from bot.screen import Ack, Message, Place
from tests.deliver.kit import CRITICAL, HOSTILE, LATER, OPS, REFUSED, World


async def escalated(world: World) -> None:
    world.fire(1)
    await world.wait(30)
    world.worse(1)
    await world.tick()


async def reminded(world: World) -> None:
    world.fire(1, CRITICAL)
    await world.tick()
    world.change(1, NewsKind.REMINDED, reminders=1, reminded=world.clock.now())
    await world.tick()


async def steady(world: World) -> None:
    world.fire(1, CRITICAL)
    await world.tick()
    world.change(1, NewsKind.STEADY)
    await world.tick()


@pytest.mark.parametrize("tell", [escalated, reminded, steady])
async def test_what_sounds_beside_a_card_has_its_buttons_and_turns_green_with_it(tell: object) -> None:
    world = World()
    await tell(world)  # type: ignore[operator]
    card, reply = world
    assert reply.labels == card.labels == ["Ack", "Silence ▾", "Open"]
    assert (reply.silent, reply.text[0]) == (False, "🔺" if tell is escalated else "🔴")
    assert world.deliverer.owns(reply.message)
    world.over(1)
    await world.wait(60)
    assert reply.text.startswith(f"🟢 {HOSTILE} is well (1) · after ")
    assert "ok 12:" in reply.text
    assert (reply.labels, reply.edits) == (["Open"], 1)
    (stored,) = world.shelf.cards.values()
    assert stored.closed
    assert world.deliverer.owns(reply.message)
    assert not any(world.deliverer.owns(one.message) for one in world if one not in (card, reply))


async def test_beside_a_card_with_many_it_has_the_buttons_of_its_own_alert_and_ends_with_that() -> None:
    world = World()
    for number in (1, 2):
        world.fire(number, CRITICAL)
    await world.tick()
    world.change(1, NewsKind.REMINDED, reminders=1, reminded=world.clock.now())
    await world.tick()
    card, reply = world
    assert "Ack all" in card.labels
    assert next(button.tap for row in reply.screen.rows for button in row) == Ack("a1")
    world.over(1)
    await world.wait(30)
    assert reply.text.startswith("🟢")
    assert not next(iter(world.shelf.cards.values())).closed
    world.over(2)
    await world.wait(30)
    assert (reply.edits, next(iter(world.shelf.cards.values())).closed) == (1, True)


async def test_a_restart_or_a_kill_before_the_end_is_said_loses_it_not() -> None:
    world = World()
    await reminded(world)
    card, reply = world
    await world.restart()
    assert world.deliverer.owns(reply.message)
    world.telegram.plan[OPS] = [LATER, LATER]  # the silent word of the end, then the card
    world.over(1)
    await world.tick()
    assert reply.text.startswith("🔴")
    await world.restart()
    await world.wait(60)
    assert card.text.startswith("🟢")
    assert reply.text.startswith("🟢")
    assert next(iter(world.shelf.cards.values())).closed


async def test_a_kill_between_the_end_of_the_card_and_of_its_reply() -> None:
    world = World()
    await escalated(world)
    card, reply = world
    world.change(1, NewsKind.CHANGED, acked=world.clock.now(), acked_by="Ana")  # nothing but edits
    await world.tick()
    world.over(1)
    world.telegram.plan[OPS] = [None, LATER]  # type: ignore[list-item]
    await world.tick()
    assert (card.text[0], reply.text[0]) == ("🟢", "🔺")
    await world.restart()
    await world.tick()
    assert (reply.text[0], reply.silent) == ("🟢", False)
    assert next(iter(world.shelf.cards.values())).closed


@pytest.mark.parametrize("wrong", [REFUSED, Undelivered(why=Lost.MISSING)])
async def test_a_reply_that_is_not_to_be_edited_is_let_be(wrong: Undelivered) -> None:
    world = World()
    await escalated(world)
    world.change(1, NewsKind.CHANGED, acked=world.clock.now(), acked_by="Ana")
    await world.tick()
    card, reply = world
    world.over(1)
    world.clock.at += 15
    await world.save()
    world.telegram.plan[OPS] = [None, wrong]  # type: ignore[list-item]
    await world.send()
    assert (card.text[0], reply.text[0]) == ("🟢", "🔺")
    assert next(iter(world.shelf.cards.values())).closed
    assert len(world.texts()) == 2
    assert world.notes == []


async def test_a_group_that_moved_forgets_them_and_the_newest_are_known() -> None:
    world = World()
    world.fire(1, CRITICAL)
    await world.tick()
    for n in range(1, 26):
        world.change(1, NewsKind.REMINDED, reminders=n, reminded=world.clock.now())
        await world.tick()
    (card,) = world.shelf.cards.values()
    assert card.replies == tuple(Reply(message=n, alert=1) for n in range(7, 27))
    world.deliverer.moved(OPS, -1000)
    await world.tick()
    (card,) = world.shelf.cards.values()
    assert (card.chat, card.replies) == (-1000, ())
    assert not world.deliverer.owns(Message(place=Place(chat=-1000), id=7))
    world.over(1)
    await world.wait(60)
    assert next(iter(world.shelf.cards.values())).closed


async def test_ends_digests_and_notes_have_no_buttons() -> None:
    world = World()
    world.fire(1, CRITICAL)
    await world.tick()
    world.over(1)
    await world.wait(60)
    _, end = world
    assert (end.text[0], end.labels, world.deliverer.owns(end.message)) == ("🟢", [], False)
