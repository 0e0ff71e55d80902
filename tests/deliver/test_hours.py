"""Quiet hours and digests: zones, midnight, the change of clocks; and what they keep."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from bot.deliver.hours import last_digest, last_night, monday, night
from bot.model import Habits, NewsKind, Phase, Route
from bot.text import Reader, html, plain, say
from tests.deliver.kit import ANA, CRITICAL, HOSTILE, INFO, LATER, OPS, WARNING, World, on_node


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


BERLIN = Habits(chat=OPS, zone="Europe/Berlin", quiet_from=time(22), quiet_to=time(8))
NOON_SLEEP = Habits(chat=OPS, zone="Asia/Kolkata", quiet_from=time(13), quiet_to=time(14, 30))


@pytest.mark.parametrize(
    ("habits", "now", "expected"),
    [
        (BERLIN, "2026-11-24T20:59:59", None),
        (BERLIN, "2026-11-24T21:00:00", ("2026-11-24T21:00", "2026-11-25T07:00")),
        (BERLIN, "2026-11-25T03:00:00", ("2026-11-24T21:00", "2026-11-25T07:00")),
        (BERLIN, "2026-11-25T06:59:59", ("2026-11-24T21:00", "2026-11-25T07:00")),
        (BERLIN, "2026-11-25T07:00:00", None),
        (BERLIN, "2026-03-29T01:30:00", ("2026-03-28T21:00", "2026-03-29T06:00")),  # an hour less
        (BERLIN, "2026-10-25T01:30:00", ("2026-10-24T20:00", "2026-10-25T07:00")),  # an hour more
        (NOON_SLEEP, "2026-11-24T08:00:00", ("2026-11-24T07:30", "2026-11-24T09:00")),
        (NOON_SLEEP, "2026-11-24T09:00:00", None),
        (Habits(chat=1, zone="Europe/Berlin", quiet_from=time(2, 30), quiet_to=time(4)), "2026-03-29T01:45:00",
         ("2026-03-29T01:30", "2026-03-29T02:00")),  # 02:30 does not exist that night
        (Habits(chat=1, zone="Europe/Berlin", quiet_from=time(2, 30), quiet_to=time(4)), "2026-10-25T00:45:00",
         ("2026-10-25T00:30", "2026-10-25T03:00")),  # 02:30 comes twice
        (Habits(chat=1, zone="Pacific/Kiritimati", quiet_from=time(22), quiet_to=time(8)), "2026-11-24T09:00:00",
         ("2026-11-24T08:00", "2026-11-24T18:00")),
        (Habits(chat=1), "2026-11-25T03:00:00", None),
        (Habits(chat=1, quiet_from=time(22)), "2026-11-25T03:00:00", None),
        (Habits(chat=1, quiet_from=time(8), quiet_to=time(8)), "2026-11-25T08:00:00", None),
        (Habits(chat=1, zone="No/Where", quiet_from=time(22), quiet_to=time(8)), "2026-11-25T03:00:00",
         ("2026-11-24T22:00", "2026-11-25T08:00")),
    ],
)  # fmt: skip
def test_quiet_hours(habits: Habits, now: str, expected: tuple[str, str] | None) -> None:
    wanted = None if expected is None else (at(expected[0]), at(expected[1]))
    assert night(habits, at(now), UTC) == wanted


def test_the_last_night_and_the_last_digest() -> None:
    assert last_night(BERLIN, at("2026-11-25T07:00")) == (at("2026-11-24T21:00"), at("2026-11-25T07:00"))
    assert last_night(BERLIN, at("2026-11-25T06:59")) == (at("2026-11-23T21:00"), at("2026-11-24T07:00"))
    assert last_night(Habits(chat=1), at("2026-11-25T06:59"), UTC) is None
    assert last_digest(BERLIN, at("2026-11-25T07:00")) == at("2026-11-25T07:00")
    assert last_digest(BERLIN, at("2026-11-25T06:59")) == at("2026-11-24T07:00")
    assert last_digest(Habits(chat=1, digest=None), at("2026-11-25T06:59"), UTC) is None
    assert monday(BERLIN, at("2026-11-22T23:30"))  # it is, in Berlin
    assert not monday(Habits(chat=1), at("2026-11-22T23:30"), UTC)


def test_without_a_zone_it_is_the_machines() -> None:
    local = datetime(2026, 11, 25, 3, 0).astimezone()
    found = night(Habits(chat=1, quiet_from=time(2), quiet_to=time(4)), local.astimezone(UTC))
    assert found == (local - timedelta(hours=1), local + timedelta(hours=1))


NIGHTLY = Habits(chat=OPS, zone="UTC", quiet_from=time(22), quiet_to=time(8))


def evening(*routes: Route) -> World:
    """An hour before the night; the facts of the day are there."""
    return World(*(routes or (Route(chat=OPS),)), habits=[NIGHTLY], now=at("2026-11-24T21:00"))


async def until(world: World, moment: str) -> None:
    await world.wait((at(moment) - world.clock.now()).total_seconds(), 300)


async def test_the_night_keeps_warnings_and_tells_them_as_one_digest() -> None:
    world = evening()
    world.fire(1, WARNING)
    await until(world, "2026-11-24T23:00")
    world.fire(2, WARNING)  # stands till morning
    world.fire(3, WARNING)  # comes and goes: so the digest tells it
    world.fire(4, CRITICAL)  # passes, and sounds
    world.fire(5, CRITICAL, slow=True)  # does not
    world.fire(6, INFO, event="UPID:6")
    await until(world, "2026-11-25T01:00")
    assert ["(4)" in text for text in world.texts()] == [False, True]
    assert [one.silent for one in world] == [False, False]
    world.over(3)
    world.over(1)
    await until(world, "2026-11-25T07:55")
    assert len(world.telegram.shown) == 2
    assert world.texts()[0].startswith("🟢")  # an edit makes no sound
    await until(world, "2026-11-25T08:30")
    digest, cards = world.telegram.shown[2:]
    assert digest.text.startswith("🌙 Night 22:00-08:00:")
    assert [f"({n})" in digest.text for n in range(1, 7)] == [True] * 6
    assert not digest.silent
    assert cards.silent  # what can be acted on has its buttons, and makes no second sound
    assert [f"({n})" in cards.text for n in range(1, 7)] == [False, True, False, False, True, False]
    before = len(world.telegram.shown)
    await until(world, "2026-11-25T21:00")
    assert len(world.telegram.shown) == before
    assert 3 not in world.alerts


async def test_why_says_the_day_of_what_is_not_today() -> None:
    world = evening()
    await until(world, "2026-11-24T23:00")
    warned = world.fire(1, WARNING)
    await world.tick(60)

    def why() -> str:
        return plain(world.deliverer.told(world.alerts[warned.number], OPS), Reader(zone=UTC))

    assert why() == "Kept by the quiet hours; told at 25 Nov 08:00."
    await until(world, "2026-11-25T00:10")
    assert why() == "Kept by the quiet hours; told at 08:00."
    await until(world, "2026-11-25T09:00")
    assert why() == "Told here at 08:00."
    await until(world, "2026-11-26T07:00")
    assert why() == "Told here at 25 Nov 08:00."


async def test_a_night_in_which_nothing_was_is_not_told() -> None:
    world = evening()
    await until(world, "2026-11-26T12:00")
    assert world.texts() == []


async def test_what_came_and_went_in_the_night_is_told_in_the_morning_without_a_sound() -> None:
    """Warnings, however many; no info, nothing that by day would not have been told either."""
    world = evening()
    world.fire(9, WARNING)
    await until(world, "2026-11-24T21:59:50")
    world.fire(1, WARNING)  # half a minute before the night: it would have been told with the night begun
    await until(world, "2026-11-24T23:00")
    world.fire(2, WARNING, said=say("{name} stopped (2)", name=HOSTILE))
    world.fire(3, INFO)
    world.fire(4, CRITICAL, slow=True)
    world.fire(5, WARNING, silenced=7)
    parent = world.fire(6, CRITICAL, subject=on_node())
    world.fire(7, WARNING, parent=parent.key)
    world.fire(8, WARNING)
    world.fire(10, WARNING)
    await world.tick(15)
    world.over(8)  # gone within half a minute
    await world.wait(600)
    for number in (1, 2, 3, 4, 5, 6, 7):
        world.over(number)
    world.change(10, NewsKind.BACK, phase=Phase.OVER, over=world.clock.now(), finding=replace(
        world.alerts[10].finding, last=say("ordered by {name}", name=HOSTILE)))  # fmt: skip
    await world.wait(600)
    two = world.alerts[2]
    said = plain(world.deliverer.told(two, OPS), Reader(zone=UTC))
    assert said == "Kept by the quiet hours; their digest tells it at 25 Nov 08:00."
    assert "over before anybody had to know" in plain(world.deliverer.told(world.alerts[3], OPS), Reader(zone=UTC))
    assert "(2)" in plain((await world.deliverer.digest(OPS)).text, Reader(zone=UTC))
    await until(world, "2026-11-25T07:55")
    before = len(world.telegram.shown)
    await until(world, "2026-11-25T08:01")
    (digest,) = world.telegram.shown[before:]
    assert digest.silent
    first, *rest = digest.text.splitlines()
    assert first == "🌙 Night 22:00-08:00: 1 critical (told) · 3 over"
    assert sorted(int(line.split("(")[1][:-1].split(")")[0]) for line in rest) == [1, 2, 4, 6]
    assert f"🟢 23:00 {HOSTILE} is well (2) · after 10 min" in rest
    assert {1, 2, 4} <= world.deliverer.accepted()  # so /history does not say that they were not told
    assert world.deliverer.accepted().isdisjoint({3, 5, 7, 8, 10})
    assert plain(world.deliverer.told(two, OPS), Reader(zone=UTC)) == "Told here in a digest."
    await until(world, "2026-11-26T12:00")
    assert len(world.telegram.shown) == before + 1
    assert set(world.alerts) == {9}


async def test_a_night_of_many_is_folded() -> None:
    world = evening()
    await until(world, "2026-11-24T23:00")
    for number in range(1, 9):
        world.fire(number, WARNING)
    await world.wait(300)
    for number in range(1, 9):
        world.over(number)
    await until(world, "2026-11-25T08:01")
    (digest,) = world
    assert digest.silent
    shown = html(digest.screen.text, Reader(zone=UTC)).split("\n")
    assert shown[0] == "<b>🌙 Night 22:00-08:00: 8 warnings over</b>"
    assert shown[1].startswith("<blockquote expandable>🟢 23:00 web&lt;1&gt;_&amp;&#34; is well (1)")
    assert shown[-1].endswith("</blockquote>")
    assert len(shown) == 9


async def test_what_passed_in_a_night_outlasts_a_kill_and_is_told_once() -> None:
    world = evening()

    def digests() -> list[str]:
        return [text.splitlines()[0] for text in world.texts() if text.startswith("🌙")]

    world.fire(2, WARNING)  # told in the evening
    await until(world, "2026-11-24T23:00")
    world.shelf.habits[OPS] = NIGHTLY
    world.fire(1, WARNING)
    await world.wait(300)
    world.over(1)
    await world.tick()
    await world.restart()
    await until(world, "2026-11-25T07:50")
    await world.restart()
    world.clock.at += 900  # away at eight
    world.over(2)  # by day: its card says so
    world.telegram.plan[OPS] = [LATER, LATER]
    await world.tick()
    assert digests() == []
    assert [letter.kind for letter in world.shelf.outbox.values()] == ["digest"]
    assert not world.alerts[1].told
    await world.restart()  # made, and not sent
    await world.wait(600)
    assert digests() == ["🌙 Night 22:00-08:00: 1 warning over"]
    assert 1 not in world.alerts
    await world.restart()
    await until(world, "2026-11-26T12:00")
    assert len(digests()) == 1
    assert len(world.texts()) == 2


async def test_quiet_hours_that_are_taken_back_tell_at_once_what_they_kept() -> None:
    world = evening()
    await until(world, "2026-11-24T23:00")
    world.fire(1, WARNING)
    world.fire(2, WARNING)
    await world.wait(300)
    world.over(1)
    await world.wait(300)
    await world.deliverer.set_habits(replace(NIGHTLY, quiet_to=time(7)))
    await world.wait(60)
    assert world.texts() == []  # it is night still
    await world.deliverer.set_habits(replace(NIGHTLY, quiet_from=None, quiet_to=None))
    await world.wait(60)
    digest, card = world
    assert digest.silent
    assert digest.text.splitlines()[0] == "🌙 Night 22:00-23:11: 1 warning over"
    assert [f"({n})" in card.text for n in (1, 2)] == [False, True]
    await until(world, "2026-11-26T12:00")
    assert len(world.texts()) == 2


async def test_a_night_survives_a_restart_and_is_told_once() -> None:
    world = evening()
    await until(world, "2026-11-24T23:00")
    world.fire(2, WARNING)
    await world.wait(60)
    world.shelf.habits[OPS] = NIGHTLY
    await world.restart()
    await until(world, "2026-11-25T07:00")
    assert world.texts() == []
    world.clock.at += 2 * 3600  # it was down at eight
    await world.restart()
    await world.wait(60)
    assert [text.startswith("🌙") for text in world.texts()] == [True, False]
    await world.restart()
    await world.wait(600)
    assert len(world.texts()) == 2


async def test_reminders_wait_for_the_day_and_a_slow_escalation_for_its_begin() -> None:
    world = evening()
    world.fire(1, WARNING, slow=True)
    await until(world, "2026-11-24T23:00")
    world.change(1, NewsKind.REMINDED, reminders=1)
    await world.wait(60)
    world.worse(1)
    await until(world, "2026-11-25T07:50")
    assert len(world.telegram.shown) == 1
    await until(world, "2026-11-25T08:10")
    assert sum("worse: " in one.text for one in world) == 1
    assert not next(one for one in world if "worse: " in one.text).silent


async def test_what_got_worse_at_night_and_is_over_by_the_morning_wakes_nobody() -> None:
    world = evening()
    world.fire(1, WARNING, slow=True)
    await until(world, "2026-11-24T23:00")
    world.worse(1)
    await world.wait(60)
    assert [letter.kind for letter in world.shelf.outbox.values()] == ["escalate"]
    world.over(1)
    await until(world, "2026-11-25T09:00")
    assert not any("worse: " in one.text for one in world)
    assert sum(not one.silent for one in world) == 1  # the warning of the evening


async def test_the_quiet_of_one_chat_is_not_that_of_another() -> None:
    world = evening(Route(chat=OPS), Route(chat=ANA))
    await until(world, "2026-11-24T23:00")
    world.fire(1, WARNING)
    await world.wait(60)
    assert (len(world.texts(OPS)), len(world.texts(ANA))) == (0, 1)


async def test_infos_of_the_day_are_told_at_eight_local_and_an_empty_digest_is_not_sent() -> None:
    habits = Habits(chat=OPS, zone="Asia/Kolkata")
    world = World(Route(chat=OPS), habits=[habits], now=at("2026-11-24T04:00"))
    world.fire(1, INFO, rule="updates")
    world.fire(2, INFO, rule="not_backed_up")
    await until(world, "2026-11-25T02:25")
    assert world.texts() == []
    await until(world, "2026-11-25T02:31")
    (digest,) = world
    assert digest.silent
    assert digest.text.startswith("📋")
    assert "(1)" in digest.text
    assert "(2)" in digest.text
    await until(world, "2026-11-28T12:00")
    assert len(world.texts()) == 1  # nothing is new
    await until(world, "2026-11-30T12:00")  # a Monday
    assert len(world.texts()) == 2


async def test_no_digest_where_none_is_wanted_and_what_it_would_say_now() -> None:
    world = World(Route(chat=OPS), habits=[Habits(chat=OPS, zone="UTC", digest=None)])
    world.fire(1, INFO, rule="updates")
    await world.wait(3 * 86400, 3600)
    assert world.texts() == []
    with_one = World(Route(chat=OPS), habits=[Habits(chat=OPS, zone="UTC")])
    with_one.fire(1, INFO, rule="updates")
    await with_one.wait(60)
    said = plain((await with_one.deliverer.digest(OPS)).text, Reader(zone=UTC))
    assert "(1)" in said


async def test_new_habits_tell_nothing_of_nights_that_were_none() -> None:
    world = World(Route(chat=OPS))
    world.fire(1, CRITICAL)
    await world.wait(60)
    await world.deliverer.set_habits(replace(NIGHTLY, quiet_to=time(9)))
    await until(world, "2026-11-25T09:30")
    world.fire(2, CRITICAL)
    await until(world, "2026-11-25T10:01")
    before = len(world.texts())
    await world.deliverer.set_habits(replace(NIGHTLY, quiet_from=time(9), quiet_to=time(10)))
    await world.wait(600)
    assert not any(text.startswith("🌙") for text in world.texts()[before:])


async def test_a_jump_of_the_wall_clock_neither_tells_early_nor_keeps_for_ever() -> None:
    world = World(Route(chat=OPS))
    await world.tick()
    world.fire(1)
    await world.tick(0)
    world.clock.jump(-7200)
    await world.wait(30)
    assert len(world.texts()) == 1
    world.fire(2)
    await world.tick(0)
    world.clock.jump(7200)
    await world.tick(1)
    assert len(world.texts()) == 1


@pytest.mark.parametrize("restarts", [False, True])
async def test_digests_come_after_a_clock_that_was_ahead_for_weeks(restarts: bool) -> None:
    world = World(Route(chat=OPS), habits=[NIGHTLY], now=at("2026-11-24T21:00"))
    await world.tick(0)
    world.clock.jump(40 * 86400)
    await world.wait(60)
    await world.deliverer.set_habits(replace(NIGHTLY, digest=time(9)))  # from when on the next one tells is kept, too
    await world.wait(60)
    world.clock.jump(-40 * 86400)
    if restarts:
        await world.restart()
    await until(world, "2026-11-24T23:00")
    world.fire(1, WARNING)
    world.fire(2, INFO, rule="updates", event="x")
    await world.wait(1800)
    world.over(1)
    await until(world, "2026-11-25T12:00")
    night, day = world.texts()
    assert night.startswith("🌙")
    assert "(1)" in night
    assert day.startswith("📋")
    assert "(2)" in day
    await until(world, "2026-11-26T12:00")
    assert len(world.texts()) == 2


async def test_a_digest_is_told_once_though_the_clock_is_set_back_by_some_seconds() -> None:
    world = World(Route(chat=OPS), habits=[NIGHTLY], now=at("2026-11-24T21:00"))
    await until(world, "2026-11-24T23:00")
    world.fire(1, CRITICAL)
    await until(world, "2026-11-25T08:00")
    await world.tick(1)
    world.clock.jump(-30)
    await world.wait(600)
    assert [text.startswith("🌙") for text in world.texts()] == [False, True]


async def test_what_waits_for_the_end_of_a_night_of_a_clock_that_was_ahead_is_told() -> None:
    world = evening()
    world.fire(1, WARNING, slow=True)
    await world.wait(60)
    world.clock.jump(40 * 86400 + 3 * 3600)  # a night
    world.worse(1)
    await world.wait(60)
    assert len(world.texts()) == 1
    world.clock.jump(-40 * 86400)
    await world.wait(60)
    assert len(world.texts()) == 1
    await until(world, "2026-11-25T08:10")
    assert [("worse: " in one.text, one.silent) for one in world if "🌙" not in one.text] == [
        (False, False),
        (True, False),
    ]
