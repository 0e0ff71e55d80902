"""The life of one alert, as tables of steps: a letter a poll, and what was told at which."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from bot import life
from bot.model import Alert, Finding, NewsKind, Phase, Severity
from bot.pages.alerting import alertwords
from bot.rules import Limit
from bot.text import raw, say
from bot.watch.table import record
from bot.watch.why import timeline
from tests.engine.kit import START, Wrong, found
from tests.rules.views import words

POLL = 15.0
RULE = Wrong().rule("down")
WORSE = found(severity=Severity.CRITICAL)
LETTERS: dict[str, Finding | None] = {
    "F": found(),  # found
    "C": WORSE,  # found, and critical
    "g": found(grey=True),
    ".": None,  # not found, and seen
    "?": None,  # neither found nor seen
    "e": found(last=say("ana stopped it")),  # explained
}
TOLD = {
    NewsKind.FIRED: "F",
    NewsKind.ESCALATED: "E",
    NewsKind.REMINDED: "R",
    NewsKind.RESOLVED: "o",
    NewsKind.BACK: "b",
    NewsKind.FLAPPING: "~",
    NewsKind.STEADY: "=",
}


class Story:
    def __init__(self, limit: Limit, scale: float = 1.0) -> None:
        self.limit = limit
        self.scale = scale
        self.alert: Alert | None = None
        self.now = START
        self.numbers = count(1)
        self.changes = 0
        self.accepts = True

    def step(
        self, finding: Finding | None, *, seen: bool = True, step: float = POLL, confirmed: bool = True
    ) -> NewsKind | None:
        self.now += timedelta(seconds=step)
        self.alert, news = life.step(
            self.alert,
            finding,
            seen=seen,
            limit=self.limit,
            rule=RULE,
            step=step,
            poll=POLL,
            now=self.now,
            number=lambda: next(self.numbers),
            scale=self.scale,
            confirmed=confirmed,
        )
        if news is None:
            return None
        assert news.alert == self.alert
        if self.accepts:
            self.alert = replace(news.alert, told=True)
        return news.kind

    def play(self, polls: str) -> str:
        """What was told at each poll; a space where nothing was, or only a card was edited."""
        told = ""
        for letter in polls:
            kind = self.step(LETTERS[letter], seen=letter != "?")
            self.changes += kind is NewsKind.CHANGED
            told += TOLD.get(kind, " ") if kind is not None else " "
        return told


HELD = Limit(hold=30, clear=30)
POLLS = Limit(hold=0, clear=0, polls=2)


@pytest.mark.parametrize(
    ("limit", "polls", "told"),
    [
        (Limit(), "F", "F"),
        (Limit(), "F.", "Fo"),
        (HELD, "FFF", "  F"),
        (HELD, "FF.FFF", "     F"),  # a gap begins it anew
        (HELD, "FFgFFF", "     F"),  # and so does a grey poll: it was not beyond the threshold all the time
        (HELD, "FF?F", "   F"),  # what was not seen holds its state
        (HELD, "FF????", "      "),  # and fires nothing
        (HELD, "FFF..", "  F  "),
        (HELD, "FFF...", "  F  o"),
        (HELD, "FFF..F...", "  F     o"),  # found again: it clears anew
        (HELD, "FFF..g...", "  F     o"),  # grey keeps it up
        (HELD, "FFFggggg", "  F     "),
        (HELD, "FFF??????", "  F      "),  # unseen is never well
        (HELD, "FFF.??.", "  F    "),  # nor does it count as time of being well
        (HELD, "FFF.??..", "  F    o"),
        (HELD, "FFF...FFF", "  F  o  F"),
        (POLLS, "F", " "),
        (POLLS, "FF", " F"),
        (POLLS, "FF.F..", " F   o"),
        (HELD, "g", " "),  # grey starts none
        (HELD, "eeee", "    "),  # what is explained is not told
        (HELD, "eeeFFF", "     F"),  # until it is not: it begins then
        (HELD, "FFFeee", "  F   "),
        (HELD, "FFFCCC", "  F  E"),  # confirmed before it is told, as the first word was
        (HELD, "FFFCCFCC", "  F     "),
        (Limit(), "FC", "FE"),
        (Limit(), "CFC", "F  "),  # critical was told already
        (Limit(on=False), "FFF", "   "),
    ],
)
def test_steps(limit: Limit, polls: str, told: str) -> None:
    assert Story(limit).play(polls) == told


def test_a_hold_of_a_finding_wins_and_none_means_at_once() -> None:
    story = Story(Limit(hold=300, polls=3))
    assert story.step(found(hold=0)) is NewsKind.FIRED
    story = Story(Limit(hold=0, polls=1))
    assert [story.step(found(hold=30)) for _ in range(3)] == [None, None, NewsKind.FIRED]


def test_an_event_is_told_once() -> None:
    story = Story(Limit())
    event = found(event="UPID:1")
    assert story.step(event) is NewsKind.FIRED
    assert story.alert is not None
    assert story.alert.phase is Phase.OVER
    assert [story.step(event) for _ in range(3)] == [None] * 3
    assert [story.step(None) for _ in range(3)] == [None] * 3


def test_a_limit_caps_the_severity() -> None:
    story = Story(Limit(severity=Severity.INFO))
    story.step(WORSE)
    assert story.alert is not None
    assert (story.alert.severity, story.alert.finding.severity) == (Severity.INFO, Severity.INFO)


def test_switched_off_it_ends_at_once() -> None:
    story = Story(HELD)
    story.play("FFF")
    story.limit = Limit(on=False)
    assert story.step(found(), seen=False) is NewsKind.RESOLVED


def test_what_nobody_was_told_is_not_resolved() -> None:
    story = Story(Limit())
    story.accepts = False
    assert story.play("F.") == "Fb"


def test_what_is_not_confirmed_does_not_fire() -> None:
    story = Story(HELD)
    story.play("FF")
    assert story.step(found(), confirmed=False) is None
    assert story.step(found(), confirmed=True) is NewsKind.FIRED


@pytest.mark.parametrize("step", [3600.0, 1e9])
def test_a_jump_counts_for_two_polls_at_most(step: float) -> None:
    story = Story(Limit(hold=61, clear=61))
    assert [story.step(found(), step=step) for _ in range(3)] == [None] * 3  # 0, 30, 60
    assert story.step(found(), step=step) is NewsKind.FIRED
    assert [story.step(None, step=step) for _ in range(3)] == [None] * 3
    assert story.step(None, step=step) is NewsKind.RESOLVED


def test_a_negative_step_counts_for_nothing() -> None:
    story = Story(HELD)
    assert [story.step(found(), step=-50) for _ in range(9)] == [None] * 9


# -- repeats -------------------------------------------------------------------------------------------------------


def hours_of_reminders(finding: Finding, days: float, rule: str = "down", scale: float = 1.0) -> list[float]:
    """Hours after it fired at which it was told again."""
    story = Story(Limit(), scale)
    row = Wrong().rule(rule)
    story.alert, _ = life.opened(finding, Limit(), row, START, 1)
    at: list[float] = []
    for minutes in range(10, int(days * 24 * 60) + 1, 10):
        now = START + timedelta(minutes=minutes)
        story.alert, news = life.step(
            story.alert, finding, seen=True, limit=Limit(), rule=row, step=15, poll=15, now=now,
            number=lambda: 2, scale=scale,
        )  # fmt: skip
        if news is not None and news.kind is NewsKind.REMINDED:
            at.append(minutes / 60)
    return at


@pytest.mark.parametrize(
    ("finding", "rule", "days", "hours"),
    [
        (WORSE, "down", 0.7, [4, 8, 12, 16]),
        (found(), "down", 2.5, [24, 48]),
        (found(severity=Severity.INFO), "down", 9, []),
        (found(severity=Severity.CRITICAL, slow=True), "down", 2.5, [24, 48]),
        (found(rule="replication"), "replication", 24, [24, 72, 168, 360, 552]),
    ],
)
def test_repeats(finding: Finding, rule: str, days: float, hours: list[float]) -> None:
    assert hours_of_reminders(finding, days, rule) == hours


def test_repeats_are_scaled() -> None:
    assert hours_of_reminders(WORSE, 0.09, scale=0.125) == [0.5, 1.0, 1.5, 2.0]


def acked(story: Story) -> Alert:
    assert story.alert is not None
    new = life.acknowledge(story.alert, "Ana", story.now)
    assert new is not None
    story.alert = new
    return new


def test_acknowledged_it_is_not_repeated_and_a_worse_state_is_news_again() -> None:
    story = Story(Limit())
    story.step(found())
    alert = acked(story)
    assert life.acknowledge(alert, "Bob", story.now) is None
    assert story.step(found(), step=50 * 3600) is None
    assert story.step(WORSE) is NewsKind.ESCALATED
    assert story.alert is not None
    assert story.alert.acked is None
    assert story.step(WORSE, step=4 * 3600) is NewsKind.REMINDED


def test_what_it_was_told_with_outlives_what_is_found_later() -> None:
    story = Story(HELD)

    def said() -> tuple[object, object]:
        assert story.alert is not None
        return story.alert.headline, record(story.alert).said

    first, later = found().said, found(text="{name} is back, its guests start: 10 of 10", quiet=True)
    story.step(found())
    assert said() == (None, first)  # nothing was told yet
    story.play("FFFF")
    assert said() == (first, first)
    assert story.step(later) is NewsKind.CHANGED
    assert said() == (first, first)
    for _ in range(9):
        story.step(worse := replace(WORSE, said=say("{name} burns", name="it")))
    assert said() == (worse.said, worse.said)


def test_it_fired_when_it_was_first_as_bad_as_it_is() -> None:
    quiet, bad = found(severity=Severity.INFO), found()
    story = Story(Limit())
    story.step(quiet, step=60)
    assert story.alert is not None
    noted = story.now
    assert (record(story.alert).fired, story.alert.worse, story.alert.first) == (noted, None, None)
    for one in (bad, WORSE):
        assert story.step(one, step=60) is NewsKind.ESCALATED
        assert story.alert.worse == record(story.alert).fired == story.now
    assert (story.alert.fired, story.alert.first) == (noted, Severity.INFO)
    steps = [(at, words(said)) for at, said in timeline(story.alert) if "as" in words(said) or "Worse" in words(said)]
    assert steps == [(noted, "Fired as info."), (story.now, "Worse: critical.")]
    assert not any("Told" in words(said) for _, said in timeline(story.alert))
    shown = words(alertwords.timeline(story.alert, story.now))
    assert shown == f"noted {noted:%H:%M} · fired {story.now:%H:%M}"
    warned = replace(story.alert, first=Severity.WARNING)
    assert words(alertwords.timeline(warned, story.now)) == f"fired {noted:%H:%M} · worse {story.now:%H:%M}"


def test_only_an_open_one_is_acknowledged() -> None:
    story = Story(HELD)
    story.play("F")
    assert story.alert is not None
    assert life.acknowledge(story.alert, "Ana", story.now) is None


def test_a_clock_set_back_delays_a_repeat_by_one_interval_at_most() -> None:
    story = Story(Limit())
    story.step(WORSE)
    story.now -= timedelta(days=400)
    assert story.step(WORSE) is None
    assert story.step(WORSE, step=4 * 3600) is NewsKind.REMINDED


# -- flapping ------------------------------------------------------------------------------------------------------


def test_flapping_is_told_once_then_quiet_then_the_state() -> None:
    story = Story(Limit())
    assert story.play("F.F.F") == "FoFo~"  # the fifth change
    assert story.play(".F" * 20).strip() == ""
    quiet = story.play("." * 140)
    assert quiet.strip() == "o"
    assert quiet.index("o") >= (1800 - 15 * 40) / 15 - 1


def test_still_there_after_flapping_it_is_said_and_just_goes_on() -> None:
    story = Story(Limit())
    story.play("F.F.F")
    said = story.play("F" * 150)
    assert said.strip() == "="
    assert said.index("=") * 15 >= 1800 - 15
    assert story.alert is not None
    assert story.alert.flapping is None
    assert story.play(".") == "o"


def test_flapping_on_and_on_is_not_told_again() -> None:
    story = Story(Limit())
    assert story.play("F." * 600).strip() == "FoFo~".strip()


def test_five_changes_in_more_than_a_quarter_of_an_hour_are_no_flapping() -> None:
    story = Story(Limit())
    assert "~" not in story.play(("F" + "." * 35) * 6)


def test_flapping_survives_a_clock_set_back() -> None:
    story = Story(Limit())
    story.play("F.F.F")
    story.now -= timedelta(days=400)
    assert story.play("F" * 150).strip() == "="
    assert story.alert is not None
    assert story.alert.flapping is None


def test_worse_while_it_flaps_is_told() -> None:
    story = Story(Limit())
    story.play("F.F.F")
    assert story.play("C") == "E"


# -- figures that move ---------------------------------------------------------------------------------------------


def test_figures_that_move_edit_a_card_every_five_minutes() -> None:
    story = Story(Limit())
    story.step(found())
    kinds = [story.step(replace(found(), said=raw(f"{n} %"))) for n in range(80)]  # 20 minutes
    assert 3 <= kinds.count(NewsKind.CHANGED) <= 5
    assert set(kinds) == {None, NewsKind.CHANGED}


@pytest.mark.parametrize(
    "change",
    [
        lambda finding: replace(finding, affected=("db",)),
        lambda finding: replace(finding, quiet=True),
        lambda finding: replace(finding, last=say("known")),
    ],
)
def test_what_matters_edits_it_at_once(change: Callable[[Finding], Finding]) -> None:
    story = Story(Limit())
    story.step(found())
    story.step(found())
    assert story.step(change(found())) is NewsKind.CHANGED


def test_nothing_new_is_nothing_to_write() -> None:
    story = Story(HELD)
    story.play("FFFF")
    before = story.alert
    story.play("F")
    assert story.alert is before


def test_ripe_is_what_would_fire() -> None:
    """ripe() and step() agree at every poll of every story."""
    for polls in ("FFFF...FFF", "FgFFFCCC", "F?F?FC?C", "eeFFFF", "FF.FFFCFCCC"):
        for limit in (HELD, POLLS, Limit()):
            story = Story(limit)
            for letter in polls:
                finding = LETTERS[letter]
                expected = finding is not None and life.ripe(story.alert, finding, limit, RULE, POLL, POLL)
                kind = story.step(finding, seen=letter != "?")
                fired = kind in {NewsKind.FIRED, NewsKind.ESCALATED, NewsKind.FLAPPING}
                assert fired == expected, (polls, letter)


@pytest.mark.parametrize("anew", [True, False])
def test_what_was_quiet_for_a_while_is_told_anew_where_its_rule_wants_that(anew: bool) -> None:
    story = Story(Limit())
    story.step(WORSE)
    story.step(found(severity=Severity.INFO, quiet=True))
    told = [story.step(replace(WORSE, anew=anew)) for _ in range(3)]
    assert told == [NewsKind.ESCALATED if anew else NewsKind.CHANGED, None, None]
