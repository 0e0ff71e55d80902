"""What waits to be sent, and what becomes of it meanwhile: nothing wrong is told late, nothing loud softly."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from bot.deliver.trouble import REFUSED as REFUSALS
from bot.deliver.unsent import WAITING
from bot.model import Habits, NewsKind, Phase
from bot.ports import Lost, Undelivered
from bot.text import Reader, plain
from tests.deliver.kit import CRITICAL, GONE, INFO, LATER, NOON, OPS, REFUSED, WARNING, World, alert

NIGHTLY = Habits(chat=OPS, zone="UTC", quiet_from=time(23), quiet_to=time(7))


async def test_what_is_silenced_while_its_card_is_kept_back_is_not_told_and_is_told_after_the_silence() -> None:
    world = World()
    world.fire(1, rule="stopped")
    await world.wait(45)
    world.fire(2, rule="stopped")
    await world.wait(60)
    assert len(world.texts()) == 1
    world.change(2, NewsKind.CHANGED, silenced=1)
    await world.wait(600)
    assert len(world.texts()) == 1
    world.change(2, NewsKind.CHANGED, silenced=0)
    await world.wait(60)
    assert [("(2)" in one.text, one.silent) for one in world] == [(False, False), (True, False)]


async def test_what_is_silenced_while_telegram_is_away_is_not_told_and_what_is_not_is() -> None:
    world = World()
    world.telegram.plan[OPS] = [LATER] * 8
    world.fire(1, CRITICAL)
    world.fire(2, CRITICAL)
    await world.wait(30)
    world.change(1, NewsKind.CHANGED, silenced=1)
    await world.wait(400)
    (card,) = world
    assert "(2)" in card.text
    assert "(1)" not in card.text


async def away(world: World, kind: NewsKind, **fields: object) -> None:
    """Telegram is away while something is to be said of an alert that it has shown, and while `fields` come true."""
    world.fire(1, CRITICAL if kind is NewsKind.REMINDED else WARNING)
    await world.wait(45)
    world.telegram.plan[OPS] = [LATER] * 10_000
    if kind is NewsKind.REMINDED:
        world.change(1, kind, reminders=1)
    else:
        world.worse(1)
    await world.wait(600, 60)
    if fields:
        world.change(1, NewsKind.CHANGED, **fields)
    else:
        world.over(1)
    await world.wait(600, 60)
    world.telegram.plan[OPS] = []
    await world.wait(600, 60)


@pytest.mark.parametrize("kind", [NewsKind.REMINDED, NewsKind.ESCALATED])
@pytest.mark.parametrize("fields", [{}, {"acked": NOON, "acked_by": "Ana"}, {"silenced": 3}])
async def test_nobody_is_told_late_that_it_is_still_so_or_worse(kind: NewsKind, fields: dict[str, object]) -> None:
    world = World()
    await away(world, kind, **fields)
    assert not any("still" in one.text or "worse" in one.text for one in world)
    lasts = kind is NewsKind.ESCALATED and "silenced" in fields  # a silence keeps it back until it ends
    assert [letter.kind for letter in world.shelf.outbox.values()] == ["escalate"] * lasts


async def test_an_escalation_that_a_silence_caught_unsent_is_heard_after_it() -> None:
    world = World()
    await away(world, NewsKind.ESCALATED, silenced=3)
    await world.restart()
    await world.wait(60)
    assert world.deliverer.behind == 0  # it waits on purpose
    world.change(1, NewsKind.CHANGED, silenced=0)
    await world.wait(60)
    assert [("worse: " in one.text, one.silent) for one in world] == [(False, False), (True, False)]
    await world.wait(600)
    assert len(world.texts()) == 2


@pytest.mark.parametrize("fields", [{"acked": NOON, "acked_by": "Ana"}, {"phase": Phase.OVER, "over": NOON}])
async def test_an_escalation_that_was_dealt_with_during_its_silence_is_not_told(fields: dict[str, object]) -> None:
    world = World()
    await away(world, NewsKind.ESCALATED, silenced=3)
    world.change(1, NewsKind.CHANGED, **fields)
    await world.wait(60)
    assert world.shelf.outbox == {}
    if 1 in world.alerts:
        world.change(1, NewsKind.CHANGED, silenced=0)
    await world.wait(600)
    assert not any("worse" in one.text for one in world)


async def test_an_escalation_is_not_told_after_its_silence_while_it_is_perhaps_over() -> None:
    world = World()
    await away(world, NewsKind.ESCALATED, silenced=3)
    world.change(1, NewsKind.CHANGED, silenced=0, misses=1)
    await world.wait(60)
    assert len(world.texts()) == 1
    world.change(1, NewsKind.CHANGED, misses=0)
    await world.wait(60)
    assert sum("worse: " in one.text for one in world) == 1


@pytest.mark.parametrize("ends", [1, 12])
async def test_a_slow_escalation_that_is_silenced_meanwhile_is_heard_by_day(ends: int) -> None:
    """Its silence ends by night, or by day after it."""
    world = World(habits=(NIGHTLY,), now=datetime(2026, 11, 24, 22, 0, tzinfo=UTC))
    world.fire(1, slow=True)
    await world.wait(2 * 3600, 600)
    world.worse(1)
    await world.wait(60)
    world.change(1, NewsKind.CHANGED, silenced=3)
    await world.wait(ends * 3600, 600)
    world.change(1, NewsKind.CHANGED, silenced=0)
    await world.wait(120)
    heard = [("worse: " in one.text, one.silent) for one in world][1:]
    assert heard == ([] if ends == 1 else [(True, False)])
    await world.wait(8 * 3600, 600)
    heard = [("worse: " in one.text, one.silent) for one in world][1:]
    assert heard == [(True, False)]


async def test_a_slow_escalation_of_the_day_whose_silence_ends_at_night_waits_for_the_morning() -> None:
    world = World(habits=(NIGHTLY,), now=datetime(2026, 11, 24, 21, 0, tzinfo=UTC))
    world.fire(1, slow=True)
    await world.wait(60)
    world.telegram.plan[OPS] = [LATER]
    world.worse(1)
    await world.tick()
    world.change(1, NewsKind.CHANGED, silenced=3)
    await world.wait(3 * 3600, 300)
    world.change(1, NewsKind.CHANGED, silenced=0)
    await world.wait(6 * 3600, 600)
    assert len(world.texts()) == 1
    await world.wait(2 * 3600, 600)
    assert [("worse: " in one.text, one.silent) for one in world] == [(False, False), (True, False)]


async def test_a_reminder_of_the_night_is_heard_in_the_morning_and_but_once() -> None:
    world = World(habits=(NIGHTLY,), now=datetime(2026, 11, 24, 22, 0, tzinfo=UTC))
    world.fire(1)
    await world.wait(60)
    for night in range(2):
        await world.wait(3600 * 6, 600)  # 04:00
        world.change(1, NewsKind.REMINDED, reminders=2 * night + 1)
        await world.wait(1800, 600)
        world.change(1, NewsKind.REMINDED, reminders=2 * night + 2)
        assert not any("still" in one.text for one in list(world)[1 + night :])
        await world.wait(3600 * 18 - 1800, 600)  # 22:00
        heard = [one.silent for one in world if "still" in one.text]
        assert heard == [False] * (night + 1)


async def test_of_two_escalations_in_a_night_the_critical_one_passes() -> None:
    world = World(habits=(NIGHTLY,), now=datetime(2026, 11, 24, 22, 0, tzinfo=UTC))
    made = world.fire(1, INFO)
    await world.wait(60)
    await world.wait(2 * 3600, 600)
    world.change(1, NewsKind.ESCALATED, finding=replace(made.finding, severity=WARNING), severity=WARNING)
    await world.wait(60)
    assert len(world.texts()) == 1
    world.worse(1)
    await world.wait(60)
    assert [one.silent for one in world] == [True, False]
    await world.wait(12 * 3600, 600)
    assert sum("worse: " in one.text for one in world) == 1


async def test_a_critical_joins_no_message_that_makes_no_sound() -> None:
    world = World()
    world.fire(1)
    await world.wait(45)
    world.telegram.shown[0].deleted = True  # it is sent once more, silently
    world.change(1, NewsKind.CHANGED, acked=world.clock.now(), acked_by="Ana")
    world.telegram.plan[OPS] = [Undelivered(why=Lost.MISSING), Undelivered(why=Lost.LATER, after=20.0)]
    await world.tick()
    world.fire(2, CRITICAL)
    await world.wait(120)
    assert [("(2)" in one.text, one.silent) for one in world.telegram.at(OPS)] == [(False, True), (True, False)]


async def test_another_rule_does_not_wait_with_what_is_kept_back_and_takes_it_along() -> None:
    world = World()
    for number, rule in ((1, "A"), (2, "A")):
        world.fire(number, rule=rule)
        await world.wait(45)
    assert len(world.texts()) == 1
    world.fire(3, rule="B")
    await world.wait(60)
    assert len(world.texts()) == 2
    assert all(f"({number})" in world.texts()[1] for number in (2, 3))


async def test_a_critical_that_comes_with_the_digest_is_loud() -> None:
    world = World(habits=(NIGHTLY,), now=datetime(2026, 11, 24, 22, 0, tzinfo=UTC))
    await world.wait(2 * 3600, 600)
    world.fire(1)
    await world.wait(0)
    while world.clock.now() < datetime(2026, 11, 25, 6, 59, 50, tzinfo=UTC):
        await world.tick(
            min(600.0, (datetime(2026, 11, 25, 6, 59, 50, tzinfo=UTC) - world.clock.now()) / timedelta(seconds=1))
        )
    world.fire(2, CRITICAL)
    await world.tick(15)
    assert [one.silent for one in world if "(2)" in one.text and "Night" not in one.text] == [False]


# -- what comes and goes -------------------------------------------------------------------------------------------


async def test_what_gets_worse_while_it_comes_and_goes_is_told_at_once() -> None:
    world = World()
    world.fire(1, flapping=world.clock.now() + timedelta(minutes=30))
    await world.wait(60)
    world.worse(1)
    await world.wait(60)
    assert [("worse: " in one.text, one.silent) for one in world] == [(False, False), (True, False)]


async def test_what_came_and_went_and_stands_when_its_quiet_is_over_is_said_once() -> None:
    world = World()
    world.fire(1, flapping=world.clock.now() + timedelta(minutes=30))
    await world.wait(1800)
    world.change(1, NewsKind.STEADY, flapping=None)
    await world.wait(600)
    assert [("stays so now" in one.text, one.silent) for one in world] == [(False, False), (True, False)]


# -- a chat that is gone, a card that Telegram does not take -------------------------------------------------------


async def test_for_a_chat_that_is_gone_what_is_over_does_not_wait_for_ever() -> None:
    world = World()
    world.telegram.plan[OPS] = [GONE] * 10_000
    open_ = world.fire(1, CRITICAL)
    for number in range(2, 1200):
        world.fire(number, INFO, event=f"U{number}", rule="task")
    await world.wait(180)
    assert len(world.alerts) == WAITING + 1
    said = plain(world.deliverer.told(alert(5, event="U5"), OPS), Reader())
    assert said == "Not told here: it was over before this chat could be written to again."
    await world.wait(8 * 86400, 7200)
    assert set(world.alerts) == {open_.number}
    world.telegram.plan[OPS] = []
    await world.wait(7200, 600)
    assert ["(1)" in text for text in world.texts()] == [True]


async def test_for_a_chat_that_is_gone_digests_do_not_pile_up() -> None:
    world = World(habits=(NIGHTLY,), now=datetime(2026, 11, 24, 22, 0, tzinfo=UTC))
    world.telegram.plan[OPS] = [GONE] * 10_000
    for number in range(1, 6):
        world.fire(number)
        await world.wait(86400, 7200)
    assert sum(letter.kind == "digest" for letter in world.shelf.outbox.values()) <= 2


async def test_what_was_drawn_is_forgotten_with_its_card() -> None:
    world = World()
    for number in range(1, 20):
        world.fire(number, CRITICAL)
        await world.tick(60)
        world.over(number)
        await world.tick(60)
    await world.tick()
    assert world.deliverer._sender._drawn == {}


async def test_what_telegram_takes_in_no_form_is_tried_again_when_it_gets_worse() -> None:
    world = World()
    world.telegram.plan[OPS] = [REFUSED] * (len(REFUSALS) + 1)
    world.fire(1)
    await world.wait(14 * 3600, 300)
    assert world.texts() == []
    world.worse(1)
    await world.wait(60)
    assert [(one.text[0], one.silent) for one in world] == [("🔴", False)]


async def test_what_telegram_refused_while_the_clock_was_ahead_is_tried_again() -> None:
    world = World()
    await world.tick(0)
    world.telegram.plan[OPS] = [REFUSED]
    world.clock.jump(40 * 86400)
    world.fire(1, CRITICAL)
    await world.tick()
    assert world.texts() == []
    world.clock.jump(-40 * 86400)
    await world.wait(120)
    assert len(world.texts()) == 1
