"""What is told, where, when, and how loud: through the whole deliverer, with a Telegram that is a list."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.access import Asker, Role
from bot.model import NewsKind, Route, Severity
from bot.screen import Ack, Message, Place
from bot.text import say
from tests.deliver.kit import ANA, CRITICAL, HOSTILE, INFO, NIGHT, NOON, OPS, WARNING, World, alert, guest, on_node

BY = Asker(id=1, name="Ana", role=Role.ADMIN)


async def test_a_warning_waits_for_what_starts_with_it_and_is_one_card() -> None:
    world = World()
    world.fire(1)
    await world.tick(0)
    assert world.texts() == []
    world.fire(2)
    await world.tick(15)
    assert world.texts() == []
    await world.tick(15)
    assert len(world.texts()) == 1
    assert "(1)" in world.texts()[0]
    await world.tick(15)
    assert ["(2)" in text for text in world.texts()] == [False, True]  # another rule: 30 s after it fired
    assert [one.silent for one in world] == [False, False]


async def test_what_is_due_together_is_one_card() -> None:
    world = World()
    for number in range(1, 6):
        world.fire(number)
    await world.wait(60)
    assert len(world.texts()) == 1
    assert all(f"({number})" in world.texts()[0] for number in range(1, 6))


async def test_a_critical_does_not_wait() -> None:
    world = World()
    world.fire(1, CRITICAL)
    await world.tick(0)
    assert len(world.texts()) == 1
    assert not next(iter(world)).silent


async def test_what_is_gone_within_the_wait_is_never_sent() -> None:
    world = World()
    world.fire(1)
    await world.tick(0)
    world.over(1)
    await world.wait(900)
    assert world.texts() == []
    assert world.alerts == {}  # and nobody needs it any more


async def test_a_second_of_the_same_rule_waits_for_five_minutes_and_brings_along_what_came() -> None:
    world = World()
    world.fire(1, rule="guest_mem")
    await world.wait(30)
    for number in (2, 3, 4):
        world.fire(number, rule="guest_mem")
        await world.wait(60)
    assert len(world.texts()) == 1
    await world.wait(150)
    assert len(world.texts()) == 2
    assert all(f"({number})" in world.texts()[1] for number in (2, 3, 4))


async def test_a_card_that_is_kept_back_is_told_though_it_is_over_by_then() -> None:
    world = World()
    world.fire(1, rule="guest_mem")
    await world.wait(30)
    world.fire(2, rule="guest_mem")
    await world.wait(60)
    world.over(2)
    await world.wait(300)
    assert len(world.texts()) == 2
    assert next(one for one in world if "(2)" in one.text).silent


async def test_a_card_turns_green_in_place_keeps_its_timeline_and_is_closed() -> None:
    world = World()
    world.fire(1)
    await world.wait(30)
    world.change(1, NewsKind.CHANGED, acked=world.clock.now(), acked_by="Ana")
    await world.tick()
    assert "acked by Ana" in world.texts()[0]
    world.over(1)
    await world.tick()
    (text,) = world.texts()
    assert text.startswith(f"🟢 {HOSTILE} is well (1)")
    assert "acked by Ana" in text
    assert all(card.closed for card in world.shelf.cards.values())
    await world.wait(60)
    assert world.alerts == {}
    assert next(iter(world)).edits == 2


async def test_nothing_is_edited_that_has_not_changed() -> None:
    world = World()
    world.fire(1)
    await world.wait(600)
    assert next(iter(world)).edits == 0
    assert world.telegram.tries == 1


async def test_one_dead_host_with_200_guests_is_one_message() -> None:
    world = World()
    parent = world.fire(1, CRITICAL, subject=on_node(), said=None)
    for number in range(2, 202):
        world.fire(number, subject=guest(number, f"ct{number}", node="pve2"), parent=parent.key)
    await world.wait(900)
    (text,) = world.texts()
    assert "200" in text
    world.over(1)
    for number in range(2, 202):
        world.over(number)
    await world.wait(60)
    assert len([one for one in world if one.reply_to is None]) == 1


async def test_what_was_inhibited_waits_anew_when_its_parent_is_over() -> None:
    world = World()
    parent = world.fire(1, CRITICAL, subject=on_node())
    world.fire(2, subject=guest(2, node="pve2"), parent=parent.key)
    await world.wait(120)
    world.over(1)
    world.change(2, NewsKind.CHANGED, parent="")
    await world.tick()
    world.over(2)
    await world.wait(300)
    assert not any("(2)" in text and "(1)" not in text for text in world.texts())


async def test_a_place_that_does_not_hear_of_the_parent_hears_of_the_child() -> None:
    world = World(Route(chat=OPS), Route(chat=NIGHT, tags=frozenset({"web"})))
    parent = world.fire(1, CRITICAL, subject=on_node())
    world.fire(2, subject=guest(2, node="pve2", tags=("web",)), parent=parent.key)
    await world.wait(60)
    assert len(world.texts(OPS)) == 1
    assert ["(2)" in text for text in world.texts(NIGHT)] == [True]


async def test_silenced_is_not_told_and_told_once_the_silence_is_over() -> None:
    world = World()
    world.fire(1, CRITICAL, silenced=3)
    await world.wait(120)
    assert world.texts() == []
    world.change(1, NewsKind.CHANGED, silenced=0)
    await world.tick()
    assert len(world.texts()) == 1


@pytest.mark.parametrize(
    ("severity", "fields", "silent"),
    [
        (CRITICAL, {}, False),
        (WARNING, {}, False),
        (INFO, {}, True),
        (INFO, {"loud": True}, False),
        (CRITICAL, {"quiet": True}, True),
        (WARNING, {"quiet": True}, True),
        (WARNING, {"event": "UPID:1"}, False),
        (CRITICAL, {"slow": True}, False),
    ],
)
async def test_how_loud_by_day(severity: Severity, fields: dict[str, object], silent: bool) -> None:
    world = World()
    world.fire(1, severity, **fields)
    await world.wait(60)
    assert [one.silent for one in world] == [silent]


async def test_routes_by_severity_tag_pool_and_node() -> None:
    world = World(
        Route(chat=1, least=WARNING),
        Route(chat=2, least=CRITICAL),
        Route(chat=3, tags=frozenset({"web"})),
        Route(chat=4, pools=frozenset({"prod"})),
        Route(chat=5, nodes=frozenset({"pve2"})),
        Route(chat=6, tags=frozenset({"web"}), nodes=frozenset({"pve2"})),
    )
    world.fire(1, INFO, subject=guest(1, tags=("web",)))
    world.fire(2, WARNING, subject=guest(2, pool="prod"))
    world.fire(3, CRITICAL, subject=on_node("pve2"))
    await world.wait(60)
    heard = {chat: sorted(n for n in (1, 2, 3) if any(f"({n})" in text for text in world.texts(chat)))
             for chat in range(1, 7)}  # fmt: skip
    assert heard == {1: [2, 3], 2: [3], 3: [1], 4: [2], 5: [3], 6: [1, 3]}


async def test_two_topics_of_a_group_are_two_places() -> None:
    world = World(Route(chat=OPS, topic=5, least=CRITICAL), Route(chat=OPS, topic=9, least=INFO))
    world.fire(1, INFO)
    world.fire(2, CRITICAL)
    await world.wait(60)
    assert sorted((one.message.place.topic, "(2)" in one.text) for one in world) == [(5, True), (9, False), (9, True)]


async def test_an_escalation_is_a_new_sounding_message_that_replies_to_the_card() -> None:
    world = World()
    world.fire(1)
    await world.wait(30)
    world.worse(1)
    await world.tick()
    card, reply = world
    assert card.text.startswith("🔴")
    assert (reply.reply_to, reply.silent) == (card.message.id, False)
    assert "worse: " in reply.text


async def test_an_escalation_before_the_card_is_sent_is_the_card() -> None:
    world = World()
    world.fire(1)
    await world.tick(0)
    world.worse(1)
    await world.tick(1)
    (card,) = world
    assert card.text.startswith("🔴")
    assert not card.silent


async def test_an_escalation_reaches_a_place_that_was_not_told_of_the_warning() -> None:
    world = World(Route(chat=OPS, least=CRITICAL))
    world.fire(1)
    await world.wait(60)
    assert world.texts() == []
    world.worse(1)
    await world.tick()
    assert len(world.texts()) == 1


async def test_a_critical_that_is_over_is_told_silently_a_warning_and_an_acknowledged_one_by_the_card_alone() -> None:
    world = World()
    world.fire(1, CRITICAL)
    world.fire(2)
    world.fire(3, CRITICAL)
    await world.wait(60)
    world.change(3, NewsKind.CHANGED, acked=world.clock.now(), acked_by="Ana")
    await world.tick()
    before = len(world.telegram.shown)
    for number in (1, 2, 3):
        world.over(number)
    await world.wait(60)
    (reply,) = world.telegram.shown[before:]
    assert reply.silent
    assert "(1)" in reply.text
    assert reply.reply_to == next(iter(world)).message.id
    assert all(text.startswith("🟢") for text in world.texts())


async def test_what_came_back_together_is_one_line_each_in_one_message() -> None:
    world = World()
    for number in (1, 2, 3):
        world.fire(number, CRITICAL)
    await world.wait(60)
    before = len(world.telegram.shown)
    for number in (1, 2, 3):
        world.over(number)
    await world.wait(60)
    (told,) = world.telegram.shown[before:]
    assert told.silent
    assert all(f"({number})" in told.text for number in (1, 2, 3))


async def test_reminders_reply_sound_and_are_told_once() -> None:
    world = World()
    world.fire(1, CRITICAL)
    await world.tick()
    world.change(1, NewsKind.REMINDED, reminders=1, reminded=world.clock.now())
    await world.tick()
    world.news.clear()
    await world.wait(60)
    card, reminder = world
    assert (reminder.reply_to, reminder.silent) == (card.message.id, False)
    assert "still" in reminder.text


async def test_what_happened_once_does_not_keep_a_card_open() -> None:
    world = World()
    world.fire(1, CRITICAL)
    world.fire(2, CRITICAL, event="UPID:2")
    world.fire(3, CRITICAL, event="UPID:3")
    await world.tick()
    (card,) = world
    assert card.text.startswith("🔴 3 alerts\n")
    world.over(1)
    await world.tick()
    assert card.text.startswith("🔴 2 events · 1 alert over\n🔴")
    assert all(one.closed for one in world.shelf.cards.values())


async def test_events_alone_are_counted_as_they_are() -> None:
    world = World()
    world.fire(1, CRITICAL, event="UPID:1")
    world.fire(2, CRITICAL, event="UPID:2")
    await world.wait(60)
    (card,) = world
    assert card.text.startswith("🔴 2 alerts\n")


async def test_a_recovery_is_shorter_than_its_card_and_counts_from_when_it_began() -> None:
    world = World()
    world.fire(1, CRITICAL, since=NOON - timedelta(hours=2))
    await world.tick(0)
    await world.tick(437)
    world.over(1)
    await world.tick(0)
    card, recovery = world
    assert f"🟢 {HOSTILE} is well (1) · after 2 h 7 min" in card.text
    assert "ok 12:07, 2 h 7 min" in card.text
    assert recovery.text == f"🟢 {HOSTILE} is well (1) · 2 h 7 min"
    assert recovery.silent


async def test_the_end_of_what_is_not_well_is_no_news() -> None:
    world = World()
    made = world.fire(1, CRITICAL)
    await world.tick(0)
    world.change(1, NewsKind.CHANGED, finding=replace(made.finding, unwell=say("failed again")))
    world.over(1)
    await world.tick(0)
    (card,) = world
    assert card.text.startswith(f"⚪ {HOSTILE} is well (1)")


async def test_what_was_told_as_critical_is_told_to_be_over_whatever_it_hangs_on_by_then() -> None:
    world = World()
    world.fire(1, CRITICAL)
    await world.tick()
    world.fire(2, CRITICAL)
    await world.tick()
    parent = world.alerts[2].key
    world.change(1, NewsKind.CHANGED, parent=parent)
    await world.tick()
    world.over(1)
    await world.tick()
    assert [one.text for one in world if one.reply_to] == [f"🟢 {HOSTILE} is well (1) · 45 s"]


async def test_a_test_alert_is_told_and_over_after_a_minute() -> None:
    world = World()
    await world.deliverer.test(Place(chat=OPS, topic=3), BY)
    await world.send()
    (card,) = world
    assert card.text.startswith("⚠️ This is a test alert, asked for by Ana")
    assert not card.silent
    (row,) = world.shelf.cards.values()
    assert [done.acked_by for done in world.deliverer.ack(row.alerts, "Ben")] == ["Ben"]
    await world.tick()
    assert "acked by Ben" in card.text
    await world.wait(60)
    assert card.text.startswith("🟢")
    assert world.deliverer.card(row.id) is not None
    assert any(isinstance(button.tap, Ack) for line in card.screen.rows for button in line) is False


async def test_a_test_alert_is_for_who_asked_for_it() -> None:
    world = World(Route(chat=OPS), Route(chat=NIGHT))
    await world.deliverer.test(Place(chat=ANA), BY)
    await world.wait(60)
    await world.deliverer.subscribe(Route(chat=-300))
    await world.wait(120)
    assert [one.message.place.chat for one in world] == [ANA]
    await world.deliverer.test(Place(chat=OPS), BY)
    await world.wait(120)
    assert [one.message.place.chat for one in world] == [ANA, OPS]


async def test_flapping_is_one_message() -> None:
    world = World()
    world.alerts[1] = alert(1, changes=(NOON,) * 5, flapping=NOON + timedelta(minutes=30), fired=world.clock.now())
    await world.wait(60)
    (text,) = world.texts()
    assert text.startswith("🔁")


async def test_what_was_so_before_the_start_is_one_silent_summary_but_for_what_is_critical() -> None:
    world = World()
    for number in range(1, 4):
        world.fire(number, summary=True)
    await world.tick(0)
    (card,) = world
    assert "3 problems open since before" in card.text
    assert card.silent
    loud = World()
    loud.fire(1, CRITICAL, summary=True)
    await loud.tick(0)
    assert [one.silent for one in loud] == [False]


async def test_a_new_subscriber_is_shown_what_is_open_silently_and_old_events_never() -> None:
    world = World(Route(chat=OPS))
    world.fire(1, CRITICAL)
    world.fire(2, event="UPID:2")
    await world.tick(60)
    await world.deliverer.subscribe(Route(chat=ANA))
    await world.wait(60)
    (card,) = world.telegram.at(ANA)
    assert card.silent
    assert "(1)" in card.text
    assert "(2)" not in card.text
    assert world.shelf.routes[ANA, None] == Route(chat=ANA)
    assert not await world.deliverer.unsubscribe(Place(chat=OPS))  # by the settings
    assert await world.deliverer.unsubscribe(Place(chat=ANA))
    assert world.shelf.routes == {}
    world.fire(3, CRITICAL)
    await world.tick()
    assert len(world.telegram.at(ANA)) == 1


async def test_cards_and_live_lines_are_owned() -> None:
    world = World()
    world.fire(1, CRITICAL)
    await world.tick()
    assert world.deliverer.owns(Message(place=Place(chat=OPS), id=1))
    assert not world.deliverer.owns(Message(place=Place(chat=OPS), id=2))
    assert not world.deliverer.owns(Message(place=Place(chat=ANA), id=1))
    assert await world.deliverer.pin(Place(chat=OPS))
    assert world.deliverer.owns(Message(place=Place(chat=OPS), id=2))
