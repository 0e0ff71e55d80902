"""Watch and deliverer together: what a chat is told of what the watch saw, and what is left there at the end."""

from bot.model import Phase, Route, Severity
from bot.rules import Limit
from tests.deliver.kit import NIGHT, OPS
from tests.engine.kit import NAME, Bench, Wrong, found, guest_subject, node_subject
from tests.engine.whole import Whole

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
