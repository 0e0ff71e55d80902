"""What sounds beside a card: it has the buttons, is ours, and says when it is over."""

import pytest

from bot.model import Card, CardHead, Cure, NewsKind, Reply
from bot.ports import Lost, Undelivered
from bot.screen import Ack, Message, Open, Place
from bot.text import say
from tests.deliver.kit import CRITICAL, HOSTILE, LATER, OPS, REFUSED, WARNING, World


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


async def joined(world: World) -> None:
    await many(world)
    for number in range(2, 6):
        world.over(number)
    await world.wait(60)


@pytest.mark.parametrize("tell", [escalated, reminded, steady, joined])
@pytest.mark.parametrize("when", ["before its end", "after it, unsent"])
async def test_whatever_sounded_turns_green_after_a_restart(tell: object, when: str) -> None:
    world = World()
    await tell(world)  # type: ignore[operator]
    world.change(1, NewsKind.CHANGED, acked=world.clock.now(), acked_by="Ana")  # its end is nothing but edits
    await world.tick()
    if when == "before its end":
        await world.restart()
    world.over(1)
    if when != "before its end":
        world.telegram.plan[OPS] = [LATER] * 2
        await world.tick()
        await world.restart()
    await world.wait(120)
    _, reply, *_ = world
    assert reply.text.startswith("🟢")
    assert "Ack" not in reply.labels
    assert all(card.closed for card in world.shelf.cards.values())


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


async def many(world: World, *, worse: bool = False) -> Card:
    """Five reminders, or escalations, at once; the card that they are."""
    for number in range(1, 6):
        world.fire(number, WARNING if worse else CRITICAL)
    await world.wait(60)
    for number in range(1, 6):
        if worse:
            world.worse(number)
        else:
            world.change(number, NewsKind.REMINDED, reminders=1, reminded=world.clock.now())
    await world.tick()
    return max(world.shelf.cards.values(), key=lambda card: card.id)


@pytest.mark.parametrize("worse", [True, False])
async def test_many_at_once_are_one_message_with_buttons_for_all_that_turns_green(worse: bool) -> None:
    world = World()
    made = await many(world, worse=worse)
    _, joined = world
    assert joined.text.startswith("🔴 5 alerts still open, or worse\n🔴")
    assert (joined.silent, joined.labels) == (False, ["Ack all", "Silence ▾", "All alerts"])
    assert joined.screen.rows[-1][0].tap == Ack(f"c{made.id}")
    assert joined.screen.rows[-1][1].tap == Open("hush", f"c{made.id}")
    assert (made.head, made.alerts, made.message) == (CardHead.AGAIN, (1, 2, 3, 4, 5), joined.message.id)
    assert world.deliverer.card(made.id) == made
    assert world.deliverer.owns(joined.message)
    assert world.shelf.outbox == {}
    for number in range(1, 6):
        world.change(number, NewsKind.CHANGED, acked=world.clock.now(), acked_by="Ana")
    await world.tick()
    assert "Ack all" not in joined.labels
    for number in range(1, 5):
        world.over(number)
    await world.wait(30)
    assert joined.text.startswith("🔴 1 of 5 alerts open\n")
    await world.restart()
    world.over(5)
    await world.wait(60)
    assert joined.text.startswith("🟢 all 5 are over\n")
    assert joined.labels == ["All alerts"]
    assert all(card.closed for card in world.shelf.cards.values())
    assert len(list(world)) == 2


async def test_the_first_few_of_many_are_mended_from_there() -> None:
    world = World()
    for number in range(1, 9):
        world.fire(number, CRITICAL, cures=(Cure(label=say("▶️ Start"), verb="ask", key="start", arg=f"main/{number}"),))
    await world.tick()
    for number in range(1, 9):
        world.change(number, NewsKind.REMINDED, reminders=1, reminded=world.clock.now())
    await world.tick()
    _, joined = world
    assert joined.labels == [*[f"▶️ Start {HOSTILE}"] * 6, "Ack all", "Silence ▾", "All alerts"]
    assert world.deliverer.mends(OPS, "start", "main/7")


async def test_many_that_a_kill_leaves_unwritten_are_told_once_more_with_the_same_number() -> None:
    world = World()
    for number in range(1, 6):
        world.fire(number, CRITICAL)
    await world.tick()
    for number in range(1, 6):
        world.change(number, NewsKind.REMINDED, reminders=1, reminded=world.clock.now())
    world.telegram.plan[OPS] = [LATER]
    await world.tick()
    (first, *_) = world.shelf.outbox
    assert len(list(world)) == 1
    await world.restart()
    await world.wait(60)
    _, joined = world
    assert joined.screen.rows[-1][0].tap == Ack(f"c{first}")
    assert world.deliverer.card(first) is not None


async def test_many_whose_message_was_deleted_or_whose_group_moved_are_not_told_anew() -> None:
    world = World()
    made = await many(world)
    world.deliverer.moved(OPS, -1000)
    await world.tick()
    assert made.id not in world.shelf.cards
    assert [one.text for one in world.telegram.at(-1000)] == [next(iter(world)).text]
    world = World()
    made = await many(world)
    world.over(1)
    world.clock.at += 15
    await world.save()
    world.telegram.plan[OPS] = [None, None, Undelivered(why=Lost.MISSING)]  # type: ignore[list-item]
    await world.send()
    await world.wait(60)
    assert made.id not in world.shelf.cards


async def test_an_end_that_leaves_something_to_be_done_says_so_with_its_buttons() -> None:
    world = World()
    start = Cure(label=say("▶️ Start db"), verb="ask", key="start", arg="main/102")
    world.fire(1, CRITICAL, after=(start,))
    await world.tick()
    world.over(1)
    await world.wait(60)
    card, end = world
    assert end.labels == card.labels == ["▶️ Start db", "Open"]
    assert (end.text[0], end.silent, end.edits) == ("🟢", True, 0)
    assert world.deliverer.owns(end.message)
    assert all(one.closed for one in world.shelf.cards.values())


async def test_ends_digests_and_notes_have_no_buttons() -> None:
    world = World()
    world.fire(1, CRITICAL)
    await world.tick()
    world.over(1)
    await world.wait(60)
    _, end = world
    assert (end.text[0], end.labels, world.deliverer.owns(end.message)) == ("🟢", [], False)
