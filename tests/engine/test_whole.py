"""Watch and deliverer together: what a chat is told of what the watch saw, and what is left there at the end."""

from collections.abc import Generator
from dataclasses import replace
from datetime import time, timedelta

import pytest

from bot.errors import StoreFailed
from bot.model import Finding, Phase, Route, Severity
from bot.model.feeds import BACKUPS
from bot.model.view import Cut, Memory, View
from bot.rules import Limit
from bot.screen import Place
from bot.text import Reader, plain, say
from tests.deliver.kit import NIGHT, OPS
from tests.engine.kit import ANA, NAME, Bench, Wrong, found, guest_subject, node_subject
from tests.engine.whole import Failing, Whole

OFF = found("off", node_subject("pve1"), Severity.CRITICAL, "{name} is offline")
DOWN = found("down", guest_subject(101, "pve1", tags=("prod",)), Severity.CRITICAL)
PROD = Route(chat=NIGHT, tags=frozenset({"prod"}))


# -- what hangs on something else, and was told where that is not --------------------------------------------------


async def test_what_was_told_by_itself_turns_green_with_what_it_hung_on_and_others_never_hear_of_it() -> None:
    whole = Whole(routes=(Route(chat=OPS), PROD))
    await whole.start()
    await whole.poll(OFF, DOWN, times=10)
    assert ["is down" in text for text in whole.texts(NIGHT)] == [True]
    while whole.of(OFF.key).phase is not Phase.OVER:
        await whole.poll(DOWN)
    await whole.poll(times=100)
    assert whole.texts(NIGHT)[0].startswith("🟢")
    assert not any("is down" in text for text in whole.texts(OPS))
    assert "down" in {record.rule for record in whole.ledger.records.values()}
    assert all(card.closed for card in whole.ledger.cards.values())


async def test_what_was_told_by_itself_and_stands_when_what_it_hung_on_is_over_is_told_to_the_others_then() -> None:
    whole = Whole(routes=(Route(chat=OPS), PROD))
    await whole.start()
    await whole.poll(OFF, DOWN, times=10)
    await whole.poll(DOWN, times=3)
    assert whole.of(OFF.key).phase is Phase.FIRING
    await whole.poll(DOWN)
    assert whole.of(OFF.key).phase is Phase.OVER
    assert not any("is down" in text for text in whole.texts(OPS))  # it is given the time to come back with it
    await whole.poll(DOWN, times=3)
    assert [one.silent for one in whole.shown(OPS) if "is down" in one.text] == [False]
    assert len(whole.shown(NIGHT)) == 1


async def test_what_seems_to_be_over_when_its_time_to_come_back_is_up_is_told_to_nobody_else() -> None:
    wrong = Wrong()
    rules = wrong.rule("off", Limit(hold=45, clear=45)), wrong.rule("down", Limit(hold=30, clear=300))
    whole = Whole(rules=rules, wrong=wrong, routes=(Route(chat=OPS), PROD))
    await whole.start()
    await whole.poll(OFF, DOWN, times=10)
    await whole.poll(times=60)  # the guest takes five minutes to be over
    assert whole.texts(NIGHT)[0].startswith("🟢")
    assert not any("is down" in text for text in whole.texts(OPS))


# -- what the watch has no more ------------------------------------------------------------------------------------


async def test_of_a_cluster_that_is_watched_no_more_nothing_stays_red() -> None:
    whole = Whole(clusters=("main", "two"), names={"main": "homelab", "two": "lab"})
    await whole.start()
    await whole.poll(found("down", guest_subject(101, cluster="two"), Severity.CRITICAL), times=6)
    assert whole.texts()[0].startswith("🔴")
    del whole.pves["two"]
    whole.names = {"main": "homelab"}
    await whole.restart()
    await whole.poll(times=2)
    (text,) = whole.texts()
    assert text.startswith(f"⚪ {NAME} is down: it is not watched any more")
    assert all(card.closed for card in whole.ledger.cards.values())
    assert [record.unwell is not None for record in whole.ledger.records.values()] == [True]


async def test_a_message_of_what_came_to_nothing_while_it_was_sent_does_not_stay() -> None:
    whole = Whole(routes=(Route(chat=OPS), PROD))
    await whole.start()
    await whole.poll(OFF, DOWN, times=3)
    await Bench.poll(whole, OFF, DOWN, times=7)  # nothing was sent yet, and nobody knows that it soon will be
    while whole.of(OFF.key).phase is not Phase.OVER:
        await Bench.poll(whole, DOWN)
    await whole.send()
    await whole.poll(times=20)
    assert all(text.startswith("🟢") for text in whole.texts(NIGHT))
    assert all(card.closed for card in whole.ledger.cards.values())


# -- faults of ours ------------------------------------------------------------------------------------------------


async def test_a_slow_rule_that_fails_says_nothing_is_well_and_alerts_says_that_it_fails() -> None:
    wrong = Wrong()
    whole = Whole(rules=(replace(wrong.rule("backup_overdue", Limit()), feeds=(BACKUPS,)),), wrong=wrong)
    await whole.start()
    bad = found("backup_overdue", severity=Severity.CRITICAL)
    await whole.poll(bad, times=6)
    wrong.raises = {"backup_overdue"}
    await whole.poll(bad, times=20)
    (text,) = whole.texts()
    assert text.startswith("🔴")
    (blind,) = whole.watch.blind()
    assert (blind.rule, "fails (RuntimeError)" in plain(blind.said, Reader())) == ("backup_overdue", True)
    wrong.raises = set()
    await whole.poll(times=10)
    assert whole.texts()[0].startswith("🟢")
    assert whole.watch.blind() == []


async def test_what_cannot_be_remembered_is_told_all_the_same() -> None:
    def remembering(view: View) -> Generator[None, None, Memory]:
        yield
        raise KeyError("odd")

    whole = Whole()
    whole.more = {"remembering": remembering}
    whole.renew()
    await whole.start()
    await whole.poll(DOWN, times=6)
    assert [text[0] for text in whole.texts()] == ["🔴"]


async def test_an_answer_that_cannot_be_read_is_a_cluster_that_cannot_be() -> None:
    whole = Whole()
    await whole.start()
    whole.pve.error = KeyError("name")
    await whole.poll(times=5)
    view = whole.wrong.asked[-1]
    assert (view.cut, view.failed) == (Cut.GARBLED, 5)


async def test_a_poll_of_which_nothing_came_does_not_count_as_one(caplog: pytest.LogCaptureFixture) -> None:
    whole = Whole()
    await whole.start()
    whole.watch._setting = replace(whole.watch._setting, inhibits=broken_inhibits)
    await whole.poll(OFF, DOWN, times=10)
    (pulse,) = whole.watch.pulse()
    assert pulse.age == 150
    assert "failed at this poll" in caplog.text


def broken_inhibits(parent: Finding, child: Finding) -> bool:
    raise KeyError("odd")


# -- a store that fails once ---------------------------------------------------------------------------------------


async def failing() -> tuple[Whole, Failing]:
    whole = Whole()
    ledger = Failing(whole.ledger)
    whole.ledger = ledger  # type: ignore[assignment]  # the same, and it can fail
    whole.renew()
    await whole.start()
    return whole, ledger


async def test_what_was_sent_while_the_store_failed_is_not_sent_again_after_a_restart() -> None:
    whole, ledger = await failing()
    await whole.poll(DOWN, times=6)
    while len(whole.texts()) < 2:  # its end is told, and the save of that very poll fails
        ledger.fail = 1 if whole.of(DOWN.key).misses else 0
        await whole.poll()
    ledger.fail = 0
    await whole.poll(times=20)
    assert ledger.ledger.outbox == {}
    await whole.restart()
    whole.clock.pass_(30 * 86400)
    await whole.poll(times=5)
    assert len(whole.texts()) == 2


async def test_what_could_not_be_saved_is_as_it_was() -> None:
    whole, ledger = await failing()
    watch, here = whole.watch, Place(chat=NIGHT)
    quiet = replace(watch.habits(NIGHT), quiet_from=time(0), quiet_to=time(23, 59))
    before = watch.routes(), watch.habits(NIGHT)
    for change in (watch.subscribe(Route(chat=NIGHT)), watch.set_habits(quiet), watch.pin(here)):
        ledger.fail = 1
        with pytest.raises(StoreFailed):
            await change
        assert (watch.routes(), replace(watch.habits(NIGHT), pinned_topic=None)) == before
    await watch.subscribe(Route(chat=NIGHT))
    await watch.set_habits(quiet)
    assert await watch.pin(here)
    before = watch.routes(), watch.habits(NIGHT)
    for end in (watch.unsubscribe(here), watch.unpin(here)):
        ledger.fail = 1
        with pytest.raises(StoreFailed):
            await end
        assert (watch.routes(), watch.habits(NIGHT)) == before
    await whole.poll(times=2)
    assert set(ledger.ledger.routes) == {(NIGHT, None)}


# -- what comes and goes -------------------------------------------------------------------------------------------


async def come_and_go(whole: Whole, finding: Finding) -> None:
    """Until it flaps, and it is there."""
    await whole.start()
    for _ in range(2):
        await whole.poll(finding, times=4)
        await whole.poll(times=3)
    await whole.poll(finding, times=6)
    assert whole.of(finding.key).flapping is not None


async def test_a_storage_that_comes_and_goes_and_then_fills_up_is_told_at_once() -> None:
    whole = Whole()
    bad = found("down", severity=Severity.WARNING)
    await come_and_go(whole, bad)
    before = len(whole.shown())
    await whole.poll(replace(bad, severity=Severity.CRITICAL), times=6)
    assert [("worse: " in one.text, one.silent) for one in whole.shown()[before:]] == [(True, False)]


async def test_what_comes_and_goes_says_at_the_end_how_it_stands() -> None:
    whole = Whole()
    await come_and_go(whole, DOWN)
    before = len(whole.shown())
    await whole.poll(DOWN, times=150)
    assert [("stays so now" in one.text, one.silent) for one in whole.shown()[before:]] == [(True, False)]


async def test_what_was_silenced_when_its_quiet_was_over_says_nothing_of_it() -> None:
    whole = Whole()
    await come_and_go(whole, DOWN)
    until = whole.clock.now() + timedelta(hours=1)
    await whole.watch.silence("rule", "main", "down", until, ANA)
    before = len(whole.shown())
    await whole.poll(DOWN, times=150)
    assert len(whole.shown()) == before


# -- a rule that is switched off for something ---------------------------------------------------------------------


async def test_what_is_muted_does_not_run_again_for_that() -> None:
    whole = Whole()
    whole.exceptions["down"] = {}
    whole.renew()
    bad = replace(DOWN, over=say("{name} runs again", name=NAME))
    await whole.start()
    await whole.poll(bad, times=6)
    whole.exceptions["down"] = {bad.subject.key: Limit(on=False)}
    await whole.poll(bad, times=5)
    (text,) = whole.texts()
    assert text.startswith(f"⚪ {NAME} is down: it is not watched any more")


# -- an event that stands ------------------------------------------------------------------------------------------


async def test_an_event_that_is_found_for_weeks_is_not_forgotten_as_told() -> None:
    whole = Whole()
    await whole.start()
    errors = found("task", event="errors since 5")
    for _ in range(60):
        await whole.poll(errors, seconds=43_200)
    assert whole.clock.now() - whole.ledger.events[errors.key] < timedelta(days=8)  # the store forgets after 30
    assert len(whole.texts()) == 1
