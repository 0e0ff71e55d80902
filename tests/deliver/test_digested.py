"""What waits for the daily digest: told by one, or by none and then forgotten."""

from dataclasses import replace
from datetime import time

from bot.model import Habits
from tests.deliver.kit import INFO, OPS, World


async def test_what_is_for_a_digest_that_is_off_is_not_kept_for_ever() -> None:
    world = World(habits=(Habits(chat=OPS, digest=None),))
    for number in range(1, 10):
        world.fire(number, INFO, rule="updates", event=f"day{number}")
        await world.wait(86400, 43200)
    assert len(world.alerts) <= 1
    assert world.texts() == []


async def test_a_digest_that_comes_at_another_hour_tells_what_waited_for_it_and_once() -> None:
    world = World(habits=(Habits(chat=OPS),))
    await world.wait(86400, 7200)
    world.fire(1, INFO, rule="updates", event="d1")
    await world.wait(3600, 600)
    await world.deliverer.set_habits(Habits(chat=OPS, digest=time(9)))
    await world.wait(3600, 600)
    assert world.texts() == []  # not at once
    await world.deliverer.set_habits(Habits(chat=OPS, digest=time(10)))
    await world.wait(3 * 86400, 3600)
    (text,) = world.texts()
    assert "(1)" in text
    assert world.alerts == {}


async def test_a_digest_that_is_switched_off_keeps_nothing_and_on_again_tells_what_comes() -> None:
    habits = Habits(chat=OPS)
    world = World(habits=(habits,))
    await world.wait(86400, 7200)
    await world.deliverer.set_habits(replace(habits, digest=None))
    world.fire(1, INFO, rule="updates", event="d1")
    await world.wait(2 * 86400, 7200)
    assert world.alerts == {}
    await world.deliverer.set_habits(habits)
    world.fire(2, INFO, rule="updates", event="d2")
    await world.wait(2 * 86400, 7200)
    (text,) = world.texts()
    assert "(2)" in text
