"""Whatever happens, in whatever order: what holds of every story."""

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot import life
from bot.model import Alert, Finding, NewsKind, Phase, Severity
from bot.rules import Limit
from bot.text import say
from tests.engine.kit import START, Wrong, found

POLL = 15.0
RULE = Wrong().rule("down")
WORSE = found(severity=Severity.CRITICAL)


@dataclass(frozen=True)
class Poll:
    finding: Finding | None
    seen: bool
    step: float  # monotonic, since the poll before
    jump: float  # of the wall clock besides
    accepted: bool


polls = st.lists(
    st.builds(
        Poll,
        finding=st.sampled_from(
            [None, None, None, found(), found(), WORSE, found(grey=True), found(last=say("ordered"))]
        ),
        seen=st.sampled_from([True, True, True, False]),
        step=st.sampled_from([15.0, 15.0, 15.0, 1.0, 14.0, 40.0, 5000.0, 0.0, -3.0]),
        jump=st.sampled_from([0.0, 0.0, 0.0, 0.0, 0.0, 86400.0, -86400.0, 1e8, -1e8]),
        accepted=st.booleans(),
    ),
    max_size=120,
)
limits = st.builds(
    Limit,
    hold=st.sampled_from([0.0, 15.0, 30.0, 45.0, 300.0]),
    clear=st.sampled_from([0.0, 15.0, 45.0]),
    polls=st.sampled_from([0, 1, 2, 3]),
)


@given(limits, polls)
@settings(max_examples=150, deadline=None)
def test_every_story(limit: Limit, story: list[Poll]) -> None:
    alert: Alert | None = None
    now = START
    used: list[int] = []
    firing = False  # told, and not over
    held = missed = 0.0  # s by our own count
    in_a_row = out_of_row = 0

    def number() -> int:
        used.append(len(used) + 1)
        return used[-1]

    for poll in story:
        now += timedelta(seconds=poll.step + poll.jump)
        grown = min(max(poll.step, 0), 2 * POLL)
        finding = poll.finding
        up = finding is not None and not finding.grey and finding.last is None
        before = alert
        explained = alert is not None and alert.phase is Phase.PENDING and alert.finding.last is not None
        alert, news = life.step(
            alert, finding, seen=poll.seen, limit=limit, rule=RULE, step=poll.step, poll=POLL, now=now, number=number
        )
        if finding is None and poll.seen:
            missed += grown if out_of_row else 0
            out_of_row += 1
            held, in_a_row = 0.0, 0
        elif up:
            held = held + grown if in_a_row and not explained else 0.0
            in_a_row += 1
            missed, out_of_row = 0.0, 0
        elif finding is not None:
            held, in_a_row = 0.0, 0
            missed, out_of_row = 0.0, 0

        kind = news.kind if news is not None else None
        if kind in {NewsKind.FIRED, NewsKind.FLAPPING}:
            assert not firing, "two FIRED without an end between"
            assert up, "fired of nothing"
            assert held >= limit.hold, "fired before its hold"
            assert in_a_row >= limit.polls
            firing = True
        elif kind in {NewsKind.RESOLVED, NewsKind.BACK}:
            assert firing, "the end of nothing"
            assert finding is None, "over though it was found"
            assert poll.seen, "over though nobody saw"
            assert missed >= limit.clear
            assert out_of_row >= max(1, limit.polls)
            assert before is not None
            assert (kind is NewsKind.RESOLVED) == before.told
            firing = False
        elif kind in {NewsKind.REMINDED, NewsKind.ESCALATED}:
            assert firing
        if news is not None:
            assert news.alert == alert
        assert firing == (alert is not None and alert.phase is Phase.FIRING)
        if alert is not None and before is not None and alert.number == before.number:
            assert alert.severity >= before.severity or before.phase is Phase.PENDING
        if alert is not None and poll.accepted and alert.phase is Phase.FIRING:
            alert = replace(alert, told=True)
    assert used == sorted(set(used)), "a number used twice"


@given(limits, polls)
@settings(max_examples=50, deadline=None)
def test_what_would_fire_is_known_before(limit: Limit, story: list[Poll]) -> None:
    alert: Alert | None = None
    now = START
    for poll in story:
        now += timedelta(seconds=poll.step + poll.jump)
        finding = poll.finding
        expected = finding is not None and life.ripe(alert, finding, limit, RULE, poll.step, POLL)
        alert, news = life.step(
            alert, finding, seen=poll.seen, limit=limit, rule=RULE, step=poll.step, poll=POLL, now=now,
            number=lambda: 1,
        )  # fmt: skip
        assert expected == (news is not None and news.kind in {NewsKind.FIRED, NewsKind.FLAPPING, NewsKind.ESCALATED})


@given(polls)
@settings(max_examples=50, deadline=None)
def test_an_event_is_told_at_most_once(story: list[Poll]) -> None:
    alert: Alert | None = None
    now = START
    told = 0
    for poll in story:
        now += timedelta(seconds=poll.step + poll.jump)
        finding = replace(poll.finding, event="UPID:1") if poll.finding is not None else None
        alert, news = life.step(
            alert, finding, seen=poll.seen, limit=Limit(), rule=RULE, step=poll.step, poll=POLL, now=now,
            number=lambda: 1,
        )  # fmt: skip
        told += news is not None and news.kind is NewsKind.FIRED
        assert news is None or news.kind is NewsKind.FIRED
    assert told <= 1
