"""What Telegram says, and what becomes of a message then."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.deliver.trouble import REFUSED as REFUSALS
from bot.model import Habits, NewsKind, Phase, Route
from bot.ports import Lost, Pulse, Undelivered
from bot.screen import Message, Place, Screen
from tests.deliver.kit import (
    ANA,
    CRITICAL,
    GONE,
    INFO,
    LATER,
    NIGHT,
    OPS,
    REFUSED,
    Clock,
    Telegram,
    World,
    alert,
    breathe,
)


async def test_the_row_stands_before_the_message_and_is_closed_right_after() -> None:
    world = World()
    world.fire(1, CRITICAL)
    changes = world.deliverer.take(world.alerts, world.news)
    assert [card.message for card in changes.cards] == [None]
    await world.send()
    assert world.telegram.tries == 0  # nobody has saved it
    await world.shelf.save(changes)
    world.deliverer.wake()
    await world.send()
    assert [card.message for card in world.shelf.cards.values()] == [1]
    assert world.deliverer.accepted() == {1}
    again = world.deliverer.take(world.alerts, ())
    assert [one.told for one in again.alerts] == [True]


async def test_what_was_not_saved_is_handed_over_again() -> None:
    world = World()
    world.fire(1, CRITICAL)
    first = world.deliverer.take(world.alerts, world.news)
    second = world.deliverer.take(world.alerts, ())
    assert second.cards == first.cards != ()


async def test_later_waits_as_long_as_telegram_wants_and_no_other_chat_waits() -> None:
    world = World(Route(chat=OPS), Route(chat=ANA))
    world.telegram.plan[OPS] = [Undelivered(why=Lost.LATER, after=40.0)]
    world.fire(1, CRITICAL)
    await world.tick(0)
    assert (len(world.texts(OPS)), len(world.texts(ANA))) == (0, 1)
    assert await world.deliverer.drain(OPS) == 40.0
    await world.tick(39)
    assert world.texts(OPS) == []
    await world.tick(1)
    assert len(world.texts(OPS)) == 1


async def drained(world: World) -> list[float]:
    """Until nothing waits any more: the pauses between the tries, in seconds."""
    pauses: list[float] = []
    while (pause := await world.deliverer.drain(OPS)) > 0:
        pauses.append(pause)
        world.clock.at += pause
    return pauses


async def test_a_wait_that_telegram_names_is_not_made_longer() -> None:
    world = World()
    world.telegram.plan[OPS] = [Undelivered(why=Lost.LATER, after=5.0)] * 6
    world.fire(1, CRITICAL)
    await world.save()
    pauses = await drained(world)
    assert pauses == [5] * 6


async def test_failures_in_a_row_are_tried_less_and_less_often() -> None:
    world = World()
    world.telegram.plan[OPS] = [LATER] * 12
    world.fire(1, CRITICAL)
    await world.save()
    pauses = await drained(world)
    assert pauses == [2, 4, 8, 16, *[20] * 8]
    assert len(world.texts()) == 1


async def test_what_may_have_been_shown_is_tried_again_less_and_less_often() -> None:
    world = World()
    world.telegram.plan[OPS] = ["lost"] * 10
    world.fire(1, CRITICAL)
    await world.save()
    pauses = await drained(world)
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


async def test_what_waits_is_sent_as_soon_as_telegram_answers_again() -> None:
    world = World(Route(chat=OPS), Route(chat=ANA))
    world.telegram.plan = {OPS: [LATER] * 5, ANA: [Undelivered(why=Lost.LATER, after=40)]}
    world.spawn(world.deliverer.run(), "delivery")
    world.fire(1, CRITICAL)
    await world.save()
    await world.clock.advance(33)  # 2 + 4 + 8 + 16 s, and the fifth try has failed
    assert world.telegram.plan[OPS] == []
    assert world.texts(OPS) == []
    world.deliverer.returned()
    await breathe()
    assert len(world.texts(OPS)) == 1
    assert world.texts(ANA) == []  # Telegram itself wanted a pause
    await world.clock.advance(8)
    assert len(world.texts(ANA)) == 1
    await world.spawn.close(0)


async def test_where_telegram_answers_and_takes_nothing_it_is_not_hurried_for_ever() -> None:
    world = World(Route(chat=OPS), Route(chat=ANA))
    world.telegram.plan = {OPS: ["lost"] * 50, ANA: [LATER] * 50}
    world.spawn(world.deliverer.run(), "delivery")
    world.fire(1, CRITICAL)
    await world.save()
    for _ in range(600):  # the polls are answered all the while
        await world.clock.advance(0.1)
        world.deliverer.returned()
    assert len(world.texts(OPS)) == 5  # after 2, 4, 8, 16 s
    assert 20 <= 50 - len(world.telegram.plan[ANA]) <= 31
    await world.spawn.close(0)


async def test_a_group_that_took_the_bot_back_hears_what_waits_at_once() -> None:
    world = World()
    world.telegram.plan[OPS] = [GONE]
    world.spawn(world.deliverer.run(), "delivery")
    world.fire(1, CRITICAL)
    await world.save()
    await breathe()
    await world.clock.advance(20)
    world.deliverer.heard(ANA, True)
    await world.clock.advance(5)
    assert (world.texts(), world.shelf.parked) == ([], {OPS: True})
    world.deliverer.heard(OPS, True)
    await breathe()
    assert (len(world.texts()), world.shelf.parked) == (1, {OPS: False})
    await world.spawn.close(0)


async def test_where_the_bot_hears_but_may_not_speak_it_tries_once_a_minute() -> None:
    world = World()
    world.telegram.plan[OPS] = [GONE] * 10
    world.spawn(world.deliverer.run(), "delivery")
    world.fire(1, CRITICAL)
    await world.save()
    await breathe()
    for _ in range(120):
        world.deliverer.heard(OPS, False)
        await world.clock.advance(1)
    assert world.telegram.tries == 3
    await world.spawn.close(0)


async def test_a_lost_answer_costs_one_duplicate_at_most() -> None:
    world = World()
    world.telegram.plan[OPS] = ["lost"]
    world.fire(1, CRITICAL)
    await world.wait(120)
    assert len(world.texts()) == 2
    assert world.deliverer.counts["unknown"] == 1


async def test_a_deleted_card_is_sent_anew_silently() -> None:
    world = World()
    world.fire(1, CRITICAL)
    await world.tick()
    next(iter(world)).deleted = True
    finding = replace(world.alerts[1].finding, affected=("db",))
    world.change(1, NewsKind.CHANGED, finding=finding)
    await world.tick()
    (card,) = world.telegram.at(OPS)
    assert card.silent
    assert "db" in card.text


async def test_what_is_planned_while_its_place_is_being_told_is_a_card_of_its_own() -> None:
    world = World()
    world.fire(1, CRITICAL)
    await world.save()
    sending = world.spawn(world.deliverer.drain(OPS), "delivery")
    await asyncio.sleep(0)  # it is with Telegram
    assert len(world.telegram.shown) == 1
    world.fire(2, CRITICAL)
    await world.save()
    await sending
    await world.send()
    assert [[n for n in (1, 2) if f"({n})" in text] for text in world.texts()] == [[1], [2]]


async def test_what_lasted_while_nobody_looked_is_told_when_it_is_over() -> None:
    world = World()
    world.fire(1)
    world.fire(2)
    await world.tick(0)
    world.over(2)
    await world.tick(15)  # within the wait: never sent
    await world.restart()
    world.clock.at += 100
    world.over(1)
    await world.wait(60)
    (card,) = world
    assert card.silent
    assert card.text.startswith("🟢")
    assert "(1)" in card.text


async def test_no_number_is_used_twice() -> None:
    world = World()
    world.fire(1, CRITICAL)
    await world.tick()
    world.shelf.cards.clear()  # forgotten, after a week
    await world.restart()
    world.fire(2, CRITICAL)
    await world.tick()
    assert min(world.shelf.cards) > 1


async def test_a_chat_that_is_gone_is_parked_the_admins_told_once_and_tried_every_hour(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.telegram.plan[OPS] = [replace(GONE, chat="Ops<1>")] * 3
    world.fire(1, CRITICAL)
    await world.wait(7000, 100)
    await breathe()
    assert world.telegram.tries == 2
    assert len(world.notes) == 1
    assert f"Alerts to chat Ops<1> ({OPS}) cannot be delivered" in world.notes[0]
    assert "bot was kicked" in world.notes[0]
    assert world.shelf.parked == {OPS: True}
    await world.restart()
    await world.tick()  # a new process tries once
    assert world.telegram.tries == 3
    await world.wait(4000, 100)
    assert len(world.texts()) == 1
    assert world.shelf.parked == {OPS: False}
    assert len(world.notes) == 1
    assert caplog.text.count("cannot be written to") == 1


async def test_whether_anybody_can_be_told() -> None:
    world = World(Route(chat=OPS), Route(chat=ANA))
    seen = [world.deliverer.unheard]
    world.telegram.plan = {OPS: [GONE], ANA: [GONE]}
    world.fire(1, CRITICAL)
    await world.tick()
    seen.append(world.deliverer.unheard)
    world.deliverer.heard(ANA, True)
    await world.wait(60)
    seen.append(world.deliverer.unheard)
    assert seen == [False, True, False]
    world.routes = ()
    assert not world.make().unheard


async def test_a_parked_chat_is_tried_when_somebody_asks_there() -> None:
    world = World()
    world.telegram.plan[OPS] = [GONE]
    world.fire(1, CRITICAL)
    await world.tick()
    await world.tick()
    assert world.texts() == []
    await world.deliverer.set_habits(Habits(chat=OPS))
    await world.send()
    assert len(world.texts()) == 1


async def test_what_telegram_takes_in_no_form_is_said_holds_up_nothing_and_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In words that nobody knows: they may be about something that passes."""
    world = World()
    world.telegram.plan[OPS] = [replace(REFUSED, chat="Ops<1>")]
    world.fire(1, CRITICAL)
    await world.tick()
    world.fire(2, CRITICAL)
    await world.tick()
    await breathe()
    assert ["(2)" in text for text in world.texts()] == [True]
    assert world.notes[0].startswith(f"Telegram took an alert for chat Ops<1> ({OPS}) in no form (")
    assert caplog.records[-1].levelno == logging.ERROR
    await world.wait(90)
    assert any("(1)" in text for text in world.texts())
    assert len(world.notes) == 1


async def test_what_is_refused_for_good_is_given_up() -> None:
    world = World()
    world.telegram.plan[OPS] = [REFUSED] * 40
    world.fire(1, CRITICAL)
    for _ in range(20):
        await world.tick(3700)
    assert world.telegram.tries == len(REFUSALS) + 1
    assert world.texts() == []


async def test_a_refused_edit_is_tried_again_and_not_for_ever() -> None:
    world = World()
    world.fire(1, CRITICAL)
    await world.tick()
    world.telegram.plan[OPS] = [REFUSED]
    world.change(1, NewsKind.CHANGED, acked=world.clock.now(), acked_by="Ana")
    await world.tick()
    assert world.telegram.tries == 2
    await world.wait(90)
    assert world.telegram.tries == 3
    assert "acked by Ana" in world.texts()[0]


async def test_a_group_that_became_a_supergroup_takes_everything_along() -> None:
    world = World(Route(chat=OPS, topic=4), Route(chat=ANA))
    await world.deliverer.subscribe(Route(chat=OPS, topic=9, least=CRITICAL))
    await world.deliverer.set_habits(Habits(chat=OPS, zone="Europe/Berlin"))
    world.fire(1, CRITICAL)
    await world.tick()
    world.telegram.moved[OPS] = -1_000_100
    world.fire(2, CRITICAL)
    await world.wait(60)
    texts = world.texts(-1_000_100)
    assert any("(2)" in text for text in texts)
    assert any("(1)" in text for text in texts)  # what is open is shown there, too
    assert {route.chat for route in world.deliverer.routes()} == {-1_000_100, ANA}
    assert [route.chat for route in world.shelf.routes.values()] == [-1_000_100]
    assert world.deliverer.habits(-1_000_100).zone == "Europe/Berlin"
    assert all(card.chat != OPS for card in world.shelf.cards.values() if not card.closed)
    before = len(world.telegram.shown)
    await world.restart()  # the settings still name the old id
    await world.wait(120)
    assert len(world.telegram.shown) == before


async def test_more_than_fifteen_a_minute_are_joined() -> None:
    world = World()
    for number in range(1, 60):
        world.fire(number, CRITICAL)
        await world.tick(1)
    assert len(world.telegram.shown) == 15
    await world.wait(120)
    assert len(world.telegram.shown) <= 18
    said = "\n".join(one.text for one in world)
    assert all(f"({number})" in said for number in range(1, 60))


async def test_many_letters_for_one_place_are_one_message() -> None:
    world = World()
    for number in range(1, 11):
        world.fire(number, CRITICAL)
    await world.tick()
    for number in range(1, 11):
        world.over(number)
    await world.tick()
    card, letters = world
    assert letters.silent
    assert all(f"({number})" in letters.text for number in range(1, 11))
    assert card.text.startswith("🟢")


async def test_order_is_kept_in_a_chat() -> None:
    world = World()
    world.telegram.plan[OPS] = [LATER]
    world.fire(1, CRITICAL)
    await world.tick()
    world.fire(2, CRITICAL)
    await world.tick(0)
    world.over(1)
    await world.wait(60)
    numbers = [[n for n in (1, 2) if f"({n})" in one.text] for one in world]
    assert numbers == [[1, 2]]  # joined: nothing had been shown
    await world.wait(60)


async def test_a_full_disk_loses_nothing_and_tells_nothing_twice() -> None:
    world = World()
    world.fire(1, CRITICAL)
    await world.save()
    world.shelf.full = True
    await world.send()
    assert len(world.texts()) == 1
    world.shelf.full = False
    await world.wait(60)
    assert len(world.texts()) == 1
    assert [card.message for card in world.shelf.cards.values()] == [1]


async def test_the_loop_sends_by_itself_and_waits_where_it_has_to() -> None:
    world = World(Route(chat=OPS), Route(chat=ANA))
    world.telegram.plan[OPS] = [LATER]
    world.spawn(world.deliverer.run(), "delivery")
    world.fire(1, CRITICAL)
    await world.save()
    await breathe()
    await breathe()
    assert (len(world.texts(OPS)), len(world.texts(ANA))) == (0, 1)
    assert len(world.spawn) == 1  # a stop has nothing to wait for
    await world.clock.advance(1)
    assert world.texts(OPS) == []
    await world.clock.advance(1)
    await breathe()
    assert len(world.texts(OPS)) == 1
    world.telegram.plan[OPS] = [GONE]
    world.fire(2, CRITICAL)
    await world.save()
    await world.clock.advance(3599)
    assert len(world.texts(OPS)) == 1
    await world.clock.advance(3)
    await breathe()
    assert len(world.texts(OPS)) == 2
    await world.spawn.close(0)


async def test_depth_and_how_far_behind() -> None:
    world = World()
    world.telegram.plan[OPS] = [LATER] * 3
    world.fire(1, CRITICAL)
    await world.tick(0)
    world.clock.at += 100
    assert (world.deliverer.depth, world.deliverer.behind) == (1, 100.0)
    await world.wait(900)
    assert (world.deliverer.depth, world.deliverer.behind) == (0, 0.0)


async def test_an_alert_that_cannot_be_drawn_is_told_plainly(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.fire(1, CRITICAL)
    world.alerts[1] = alert(1, CRITICAL, found=None, fired=world.clock.now(), changes=None, acked=5)
    await world.tick()
    assert [text for text in world.texts() if "(1)" in text]


# -- the live line -----------------------------------------------------------------------------------------------------


def _pulse(world: World, age: float = 3.0) -> Pulse:
    polled = world.clock.now() - timedelta(seconds=age)
    return Pulse(cluster="main", name="homelab", polled=polled, age=age, poll=15.0)


async def test_the_live_line_is_pinned_silently_and_edited_on_change_only() -> None:
    world = World()
    await world.tick(0, [_pulse(world)])
    assert await world.deliverer.pin(Place(chat=OPS, topic=2))
    line = next(iter(world))
    assert (line.silent, world.telegram.pins) == (True, [line.message])
    assert line.text.startswith("🟢 homelab")
    for _ in range(19):
        await world.tick(15, [_pulse(world)])
    assert line.edits == 0
    world.fire(1, CRITICAL)
    await world.tick(15, [_pulse(world)])
    assert line.text.startswith("🔴 homelab")
    world.over(1)
    await world.tick(15, [_pulse(world)])
    assert line.text.startswith("🔴 homelab")  # twice a minute is enough
    await world.tick(15, [_pulse(world)])
    assert line.text.startswith("🟢 homelab")
    await world.tick(30, [_pulse(world, 400)])
    assert "last seen" in line.text
    await world.restart()
    await world.tick(15, [_pulse(world, 400)])
    assert world.shelf.habits[OPS].pinned == line.message.id


async def test_the_live_line_of_a_narrowed_chat_says_what_it_counts() -> None:
    world = World(Route(chat=OPS, tags=frozenset({"infra"})), Route(chat=ANA))
    await world.tick(0, [_pulse(world)])
    for chat in (OPS, ANA):
        await world.deliverer.pin(Place(chat=chat))
    narrowed, whole = (world.telegram.at(chat)[-1].text for chat in (OPS, ANA))
    assert "Told here: tag infra" in narrowed.splitlines()
    assert "Told here" not in whole


async def test_the_time_that_a_live_line_names_is_renewed_out_of_what_is_to_spare() -> None:
    world = World()
    await world.tick(0, [_pulse(world)])
    await world.deliverer.pin(Place(chat=OPS))
    line = next(iter(world))
    assert line.text.splitlines()[0] == "🟢 homelab 11:59 · all well"
    await world.tick(285, [_pulse(world)])
    assert line.edits == 0
    await world.tick(15, [_pulse(world)])
    assert line.text.splitlines()[0] == "🟢 homelab 12:04 · all well"
    assert (line.edits, world.telegram.spared) == (1, 1)
    world.telegram.tight = True
    await world.tick(300, [_pulse(world)])
    world.telegram.tight = False
    world.fire(1, CRITICAL)
    await world.tick(1, [_pulse(world)])
    assert len(world.texts()) == 2  # nothing had been put off
    assert line.text.startswith("🟢")  # twice a minute is enough
    await world.tick(30, [_pulse(world)])
    assert line.text.startswith("🔴")
    assert (line.edits, world.telegram.spared) == (2, 1)  # what it says has changed: that is no renewal
    for _ in range(40):
        await world.tick(15, [_pulse(world)])
    assert line.edits == 4


async def test_a_renewal_that_telegram_does_not_take_puts_nothing_off() -> None:
    world = World()
    await world.tick(0, [_pulse(world)])
    await world.deliverer.pin(Place(chat=OPS))
    line = next(iter(world))
    world.telegram.plan[OPS] = [Undelivered(why=Lost.LATER, after=600)]
    await world.tick(299, [_pulse(world)])
    await world.tick(1, [_pulse(world)])
    world.fire(1, CRITICAL)
    await world.tick(1, [_pulse(world)])
    assert len(world.texts()) == 2
    await world.tick(30, [_pulse(world)])
    assert line.text.startswith("🔴")
    line.deleted = True
    world.telegram.plan[OPS] = []
    await world.tick(301, [_pulse(world)])
    assert world.telegram.at(OPS)[-1].text.startswith("🔴 homelab")  # anew
    world.telegram.plan[OPS] = [GONE]
    await world.tick(301, [_pulse(world)])
    assert OPS in {chat for chat, on in world.shelf.parked.items() if on}  # nothing of it can be said there
    tries = world.telegram.tries
    for _ in range(30):
        await world.tick(60, [_pulse(world)])
    assert world.telegram.tries == tries


async def test_a_trial_in_quick_time_renews_its_line_sooner_and_a_slow_one_no_later() -> None:
    for scale, edits in ((0.1, 10), (3.0, 1)):
        world = World(scale=scale)
        await world.tick(0, [_pulse(world)])
        await world.deliverer.pin(Place(chat=OPS))
        for _ in range(100):
            await world.tick(3, [_pulse(world)])
        assert next(iter(world)).edits == edits


async def test_a_live_line_that_was_deleted_is_made_anew_and_pinned() -> None:
    world = World()
    await world.deliverer.pin(Place(chat=OPS))
    next(iter(world)).deleted = True
    world.fire(1, CRITICAL)
    await world.tick(40)
    lines = [one for one in world.telegram.at(OPS) if one.screen.rows and "alert" in one.text.splitlines()[0]]
    assert len(lines) == 1
    assert world.telegram.pins[-1] == lines[0].message
    assert lines[0].silent
    assert world.deliverer.owns(lines[0].message)


async def test_a_second_line_and_an_end_leave_no_look_alike() -> None:
    world = World()
    await world.deliverer.pin(Place(chat=OPS))
    assert await world.deliverer.pin(Place(chat=OPS))
    assert [message.id for message in world.telegram.unpins] == [1]
    first, second = world
    assert first.text == "📌 This line is not kept up any more: there is a newer one in this chat."
    assert first.screen.rows == ()
    assert second.text.startswith("⚪")
    assert await world.deliverer.unpin(Place(chat=OPS))
    assert not await world.deliverer.unpin(Place(chat=OPS))
    assert [message.id for message in world.telegram.unpins] == [1, 2]
    assert second.text == "📌 This line is not kept up any more. For a new one: /pin"
    world.fire(1, CRITICAL)
    await world.wait(120)
    assert [one.edits for one in world][:2] == [1, 1]
    assert not world.deliverer.owns(Message(place=Place(chat=NIGHT), id=2))


async def test_what_is_over_at_a_restart_is_told_all_the_same() -> None:
    world = World()
    world.telegram.plan[OPS] = [LATER]
    world.fire(1, CRITICAL)
    await world.tick()
    world.over(1)
    await world.save()
    await world.restart()
    assert world.alerts[1].phase is Phase.OVER
    await world.wait(60)
    assert [text.startswith("🟢") for text in world.texts()] == [True]


# -- what comes while a message is under way -----------------------------------------------------------------------


class Gate(Telegram):
    """A slow Telegram: what is posted waits for `go`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.go = asyncio.Event()

    async def post(
        self, place: Place, screen: Screen, *, silent: bool = False, reply_to: int | None = None
    ) -> Message | Undelivered:
        await self.go.wait()
        return await super().post(place, screen, silent=silent, reply_to=reply_to)


async def under_way(world: World, meanwhile: Callable[[], object]) -> None:
    """Its first message is being sent, and `meanwhile` happens."""
    assert isinstance(world.telegram, Gate)
    await world.save()
    flight = asyncio.create_task(world.deliverer.drain(OPS))
    await breathe()
    world.clock.at += 15
    meanwhile()
    await world.save()
    world.telegram.go.set()
    await flight
    await world.wait(600, 60)


async def test_what_ends_while_its_message_is_under_way_turns_green_and_is_told() -> None:
    world = World(telegram=Gate)
    world.fire(1, CRITICAL)
    await under_way(world, lambda: world.over(1))
    card, letter = world
    assert card.text.startswith("🟢")
    assert (letter.text[0], letter.reply_to) == ("🟢", card.message.id)
    assert all(card.closed for card in world.shelf.cards.values())


async def test_what_gets_worse_while_its_message_is_under_way_sounds() -> None:
    world = World(telegram=Gate)
    world.fire(1, INFO)
    await world.save()
    world.clock.at += 31
    await under_way(world, lambda: world.worse(1))
    assert [(one.silent, "worse: " in one.text) for one in world] == [(True, False), (False, True)]


async def test_what_ends_while_its_message_is_under_way_and_is_not_taken_is_told_in_it_alone() -> None:
    world = World(telegram=Gate)
    world.telegram.plan[OPS] = [LATER]
    world.fire(1, CRITICAL)
    await under_way(world, lambda: world.over(1))
    (card,) = world
    assert card.text.startswith("🟢")
    assert world.shelf.outbox == {}
