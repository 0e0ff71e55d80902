"""The wall clock that does not jump because the machine's did."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import PATIENCE, SteadyClock
from bot.model.feeds import TIME, Feeds, Reading
from bot.model.readings import NodeTime
from bot.watch.timed import hear

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
JUMPS = [3600.0, -3600.0, -30 * 86400.0, 400 * 86400.0]


class Machine:
    """Its clocks; `set_` sets the wall clock alone, `held` s pass between any two looks at them."""

    def __init__(self) -> None:
        self.mono, self.wall, self.held = 1000.0, START, 0.0

    def now(self) -> datetime:
        self.pass_(self.held)
        return self.wall

    def monotonic(self) -> float:
        self.pass_(self.held)
        return self.mono

    async def sleep(self, seconds: float) -> None:
        self.pass_(seconds)

    def pass_(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += timedelta(seconds=seconds)

    def set_(self, by: float) -> None:
        self.wall += timedelta(seconds=by)


def passed(clock: SteadyClock) -> float:
    return (clock.now() - START).total_seconds()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> SteadyClock:
    return SteadyClock(machine)


def nodes(*times: tuple[float, float]) -> Feeds:
    """(s ahead of the bot, monotonic) of each."""
    values = (NodeTime(offset=ahead, taken=taken) for ahead, taken in times)
    return Feeds(
        readings={(TIME.key, f"pve{n}"): Reading(value=one, at=START, fresh=True) for n, one in enumerate(values)}
    )


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_is_not_followed(machine: Machine, clock: SteadyClock, jump: float) -> None:
    assert passed(clock) == 0
    machine.pass_(10)
    machine.set_(jump)
    assert passed(clock) == 10
    assert (clock.doubt, clock.doubted, clock.since, clock.sure) == (jump, START + timedelta(seconds=10), 1010, False)
    machine.pass_(PATIENCE - 1)
    assert passed(clock) == 9 + PATIENCE
    machine.set_(-jump)  # and back
    assert passed(clock) == 9 + PATIENCE
    assert (clock.doubt, clock.doubted, clock.sure) == (0, None, True)


@pytest.mark.parametrize("jump", JUMPS)
def test_nobody_says_otherwise_for_a_while(machine: Machine, clock: SteadyClock, jump: float) -> None:
    machine.set_(jump)
    assert passed(clock) == 0
    machine.pass_(PATIENCE)
    assert passed(clock) == PATIENCE + jump
    assert (clock.doubt, clock.since) == (0, 1000 + PATIENCE)


@pytest.mark.parametrize("jump", JUMPS)
def test_the_nodes_say_that_the_new_time_is_right(machine: Machine, clock: SteadyClock, jump: float) -> None:
    machine.set_(jump)
    assert passed(clock) == 0
    machine.pass_(5)
    hear(clock, nodes((0.0, 990.0), (0.0, 999.0)))  # of before: they know nothing of it
    assert passed(clock) == 5
    assert not clock.sure
    hear(clock, nodes((0.0, 990.0), (jump + 2, 1003.0)))
    assert passed(clock) == 5 + jump
    assert (clock.doubt, clock.sure) == (0, True)
    assert clock.since == 1005  # what was compared with the time of before, is of no use


@pytest.mark.parametrize("jump", JUMPS)
def test_the_nodes_say_that_it_is_wrong(machine: Machine, clock: SteadyClock, jump: float) -> None:
    machine.set_(jump)
    assert passed(clock) == 0
    for n in range(1, 100):
        machine.pass_(PATIENCE / 2)
        hear(clock, nodes((1.0, 1003.0), (-1.0, 1003.0)))
        assert passed(clock) == PATIENCE / 2 * n
        assert clock.sure
    assert clock.doubt == jump


@pytest.mark.parametrize("step", [0.3, -0.3, 20.0, -20.0])
def test_a_small_step_is_followed(machine: Machine, clock: SteadyClock, step: float) -> None:
    machine.set_(step)
    assert passed(clock) == pytest.approx(step)
    assert clock.doubt == 0
    assert clock.since == (float("-inf") if abs(step) < 1 else 1000)


def test_a_process_that_is_held_up_sees_no_jump(machine: Machine, clock: SteadyClock) -> None:
    machine.held = 100.0
    for _ in range(5):
        clock.now()
    assert (clock.doubt, clock.since) == (0, float("-inf"))


async def test_it_sleeps_and_counts_as_the_machine_does(machine: Machine, clock: SteadyClock) -> None:
    await clock.sleep(3)
    assert (clock.monotonic(), passed(clock)) == (1003, 3)
