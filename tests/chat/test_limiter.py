"""Who may send when: answers first, alerts within the rates, progress only where nobody misses the slot."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from telegram.error import RetryAfter, TelegramError

from bot.chat.limiter import MANY, Lane, Limiter, Wait
from tests.chat.kit import Clock, breathe

GROUP, ANA = -100, 1


class Line:
    """What went out, and when."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.limiter = Limiter(self.clock)
        self.sent: list[tuple[float, str]] = []
        self.tasks: list[asyncio.Task[Any]] = []

    def start(
        self,
        what: str,
        lane: Lane | None,
        chat: int = GROUP,
        error: Exception | None = None,
        method: str = "sendMessage",
    ) -> None:
        async def call(*args: Any, **kwargs: Any) -> bool:
            self.sent.append((self.clock.monotonic() - 1000, what))
            if error is not None:
                raise error
            return True

        request: Callable[..., Coroutine[Any, Any, Any]] = self.limiter.process_request
        self.tasks.append(asyncio.create_task(request(call, (), {}, method, {"chat_id": chat}, lane)))

    async def send(self, what: str, lane: Lane | None, chat: int = GROUP, error: Exception | None = None) -> Any:
        self.start(what, lane, chat, error)
        return await self.tasks.pop()

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_progress_in_a_group_does_not_delay_answers() -> None:
    line = Line()
    drawn = sum(line.limiter.spare(GROUP) for _ in range(1000))
    assert 0 < drawn <= 15  # the rest of the group's minute is left to others
    for number in range(30):
        line.start(f"answer {number}", Lane.ANSWER, method="editMessageText")
    await breathe()
    assert [at for at, _ in line.sent] == [0.0] * 30
    assert not line.limiter.spare(GROUP)


async def test_of_a_groups_minute_some_is_kept_for_alerts_whatever_is_asked_there() -> None:
    line = Line()
    for number in range(30):
        line.start(f"answer {number}", Lane.ANSWER)
    for number in range(6):
        line.start(f"alert {number}", Lane.ALERT)
    for _ in range(3):
        await breathe()
    assert [what for _, what in line.sent] == [
        *(f"answer {number}" for number in range(15)),
        *(f"alert {number}" for number in range(5)),
    ]
    await line.clock.advance(59)
    assert len(line.sent) == 20
    line.start("late answer", Lane.ANSWER)
    await line.clock.advance(1)
    assert [what for _, what in line.sent[20:]] == ["alert 5", "late answer"]
    answers = await asyncio.gather(*line.tasks, return_exceptions=True)
    assert sum(isinstance(one, RetryAfter) for one in answers) == 15


async def test_telegrams_count_of_a_group_is_never_passed() -> None:
    line = Line()
    for second in range(300):
        line.start("answer", Lane.ANSWER)
        line.start("alert", Lane.ALERT)
        if second % 20 == 0:
            line.start("edit", Lane.ALERT, method="editMessageText")
        line.start("private", Lane.ALERT, chat=ANA)
        assert second == line.clock.monotonic() - 1000
        await line.clock.advance(1)
    times = [at for at, what in line.sent if what in {"answer", "alert"}]
    assert all(later - at >= 60 for at, later in zip(times, times[20:], strict=False))
    alerts = [at for at, what in line.sent if what == "alert"]
    assert all(later - at <= 62 for at, later in zip(alerts, alerts[5:], strict=False))
    assert len(alerts) >= 25
    assert sum(what == "private" for _, what in line.sent) == 300
    await line.end()


async def test_alerts_keep_to_the_groups_rate_and_let_answers_pass() -> None:
    line = Line()
    for number in range(25):
        line.start(f"alert {number}", Lane.ALERT)
    await breathe()
    assert len(line.sent) == 15
    await line.send("answer", Lane.ANSWER)
    assert line.sent[-1] == (0.0, "answer")
    await line.clock.advance(60)
    assert [what for _, what in line.sent if what.startswith("alert")] == [f"alert {number}" for number in range(25)]
    times = [at for at, what in line.sent if what.startswith("alert")]
    assert times[15] == pytest.approx(4.0)  # 15 a minute: the rest of Telegram's 20 is left to answers
    assert times[18] == pytest.approx(16.0)
    assert times[19] == pytest.approx(60.0)  # with the answer these are Telegram's 20
    await line.end()


async def test_one_slow_chat_does_not_hold_up_alerts_to_another() -> None:
    line = Line()
    for number in range(30):
        line.start(f"group {number}", Lane.ALERT)
    line.start("ana", Lane.ALERT, chat=ANA)
    await breathe()
    assert line.sent[-1] == (0.0, "ana")
    await line.end()


async def test_a_retry_after_stops_that_chat_and_no_other() -> None:
    line = Line()
    with pytest.raises(RetryAfter):
        await line.send("refused", Lane.ANSWER, error=Wait(5))
    line.start("same chat", Lane.ANSWER)
    line.start("other chat", Lane.ANSWER, chat=ANA)
    line.start("alert", Lane.ALERT)
    await breathe()
    assert [what for _, what in line.sent] == ["refused", "other chat"]
    assert not line.limiter.spare(GROUP)
    await line.clock.advance(5)
    assert sorted(line.sent[2:]) == [(5.0, "alert"), (5.0, "same chat")]


async def test_an_answer_does_not_wait_for_ever() -> None:
    line = Line()
    with pytest.raises(RetryAfter):
        await line.send("refused", Lane.ANSWER, error=Wait(timedelta(hours=1)))
    with pytest.raises(RetryAfter):
        await line.send("given up", Lane.ANSWER)
    assert [what for _, what in line.sent] == ["refused"]


async def test_without_a_lane_nothing_is_delayed_and_errors_pass() -> None:
    line = Line()
    with pytest.raises(TelegramError):
        await line.send("answerCallbackQuery", None, error=TelegramError("no"))
    assert await line.send("answerCallbackQuery", None) is True


async def test_answers_far_over_the_overall_rate_are_paced() -> None:
    line = Line()
    for number in range(700):
        line.start(f"{number}", Lane.ANSWER, chat=number + 1)
    await breathe()
    assert 600 <= len(line.sent) < 700
    await line.clock.advance(4)
    assert len(line.sent) == 700


async def test_chats_are_forgotten_when_there_are_too_many() -> None:
    line = Line()
    for number in range(MANY):
        line.limiter.spare(number + 1)
    await line.clock.advance(60)
    await line.send("one more", Lane.ANSWER, chat=MANY + 1)
    assert len(line.limiter._chats) == 1
