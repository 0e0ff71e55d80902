"""Cards of alerts: what is tapped on them opens beside, Ack and Hush do what they say, and nothing else does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access import Asker, Role, Scope
from bot.chat.alerttaps import acknowledge, hush
from bot.chat.beside import CARDS, MOST, WITHIN, Beside
from bot.chat.promise import LATE
from bot.demo.telegram.world import Message as Shown
from bot.errors import StoreFailed
from bot.model import About, Card, Phase, Subject
from bot.screen import Ack, Ask, Button, Hush, Message, Open, Place
from bot.text import Reader, plain, say
from tests.chat.kit import BEN, HOSTILE, OPS, House, house
from tests.pages import alerts as made
from tests.pages.watching import Watch

NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
OPEN = made.stopped(1, fired=NOW - timedelta(minutes=8))
OVER = replace(OPEN, number=2, phase=Phase.OVER, over=NOW - timedelta(minutes=1))
ACKED = replace(OPEN, number=3, acked=NOW - timedelta(minutes=5), acked_by=HOSTILE)
PENDING = replace(OPEN, number=4, phase=Phase.PENDING, fired=None)
HOST = made.dead_node(5)
CLUSTER = replace(OPEN, number=6, finding=replace(OPEN.finding, subject=made.cluster()))


def watch() -> Watch:
    one = Watch(OPEN, OVER, ACKED, PENDING, HOST, CLUSTER, now=NOW)
    one.cards = {
        12: Card(id=12, chat=OPS, topic=None, alerts=(1, 2, 5, 99)),
        13: Card(id=13, chat=-77, topic=None, alerts=(1,)),
        14: Card(id=14, chat=OPS, topic=None, alerts=(2, 3)),
        15: Card(id=15, chat=OPS, topic=None, alerts=(2, 4)),
    }
    return one


@asynccontextmanager
async def with_card(seen: Watch) -> AsyncIterator[tuple[House, Shown]]:
    """A message in the group of which the watch says that it is a card."""
    async with house(watch=seen) as home:
        home.world.rows = (
            (Button(say("Start"), Ask("start", "main/104")), Button(say("Ack"), Ack("a1"))),
            (Button(say("Silence ▾"), Open("vm", "hush")), Button(say("4 h"), Hush("a1", "4h"))),
        )
        card = await home.api.ask(home.ops, home.ben, "/any")
        seen.owned.add((OPS, card.id))
        yield home, card


def edits(home: House) -> int:
    return len(home.api.made("editMessageText"))


async def test_a_page_tapped_on_a_card_opens_in_a_reply_and_the_card_stays_as_it_is() -> None:
    async with with_card(watch()) as (home, card):
        before = card.text
        answer = await home.api.tap(card, "Silence ▾", home.ben)
        await home.rest()
        assert answer is not None
        assert answer.text == ""
        opened = home.api.last(OPS)
        assert home.api.made("sendMessage")[-1].params["disable_notification"]
        assert opened.text == f"{HOSTILE} is hush"
        assert opened.id != card.id
        assert str(card.id) in str(home.api.made("sendMessage")[-1].params["reply_parameters"])
        assert (edits(home), card.text) == (0, before)
        await home.api.tap(opened, "‹", home.ben)  # from there on it is a message like any other
        await home.api.read(opened, "homelab")


async def test_start_on_a_card_goes_to_its_own_message() -> None:
    async with with_card(watch()) as (home, card):
        before = card.text
        await home.api.tap(card, "Start", home.ben)
        await home.rest()
        assert home.acts.taps == [(Ask("start", "main/104"), BEN)]
        assert home.api.last(OPS).text == "done: Ask"
        assert home.api.last(OPS).id != card.id
        assert card.text == before


async def test_a_viewers_tap_on_start_is_a_toast_and_nothing_else() -> None:
    async with with_card(watch()) as (home, card):
        before = len(home.api.messages(OPS))
        for label, words in (
            ("Start", "needs operator"),
            ("Ack", "acknowledging needs operator"),
            ("4 h", "silencing needs"),
        ):
            answer = await home.api.tap(card, label, home.mallory)
            assert answer is not None
            assert words in answer.text
        await home.rest()
        assert home.acts.taps == []
        assert len(home.api.messages(OPS)) == before
        assert home.env.watch is not None
        assert home.env.watch.alert(1) == OPEN
        assert home.env.watch.silences() == []


@pytest.mark.parametrize("arg", ["end 3", "end " + "x" * 90])
async def test_a_refusal_by_role_leaves_the_message_of_the_group_as_it_is(arg: str) -> None:
    async with house(watch=watch()) as home:
        home.world.rows = ((Button(say("End it"), Open("ends", arg)), Button(say("Off"), Open("menu", "x"))),)
        shared = await home.api.ask(home.ops, home.ben, "/any")
        before, count = shared.text, len(home.api.messages(OPS))
        for who in (home.vera, home.mallory):
            for label, words in (("End it", "ending a silence needs operator"), ("Off", "muting needs operator")):
                answer = await home.api.tap(shared, label, who)
                assert answer is not None
                assert words in answer.text
        await home.rest()
        assert (edits(home), shared.text, len(home.api.messages(OPS))) == (0, before, count)
        assert home.acts.revoked == []
        answer = await home.api.tap(shared, "End it", home.ben)
        assert answer is not None
        assert answer.text == ""
        await home.api.read(shared, f"echo {arg}"[:40])


async def test_a_page_that_changes_something_and_fails_lets_go_of_the_button() -> None:
    async with house(watch=watch()) as home:
        home.world.rows = ((Button(say("End it"), Open("ends", "broken")),),)
        shared = await home.api.ask(home.ops, home.ben, "/any")
        answer = await home.api.tap(shared, "End it", home.ben)
        assert answer is not None
        assert answer.text == ""
        answer = await home.api.forge(home.ops, home.ben, shared.id, "aoends:#nosuchkey")
        assert answer is not None
        assert answer.text == ""


async def test_where_the_reply_cannot_be_sent_nothing_is_begun() -> None:
    async with with_card(watch()) as (home, card):
        home.api.fail("sendMessage", 400, "Bad Request: not enough rights to send text messages to the chat")
        await home.api.tap(card, "Start", home.ben)
        await home.rest()
        assert home.acts.taps == []


async def test_one_card_opens_no_more_than_a_chat_can_bear() -> None:
    async with with_card(watch()) as (home, card):
        for _ in range(MOST):
            await home.api.tap(card, "Silence ▾", home.ben)
            await home.rest()
        count = len(home.api.messages(OPS))
        answer = await home.api.tap(card, "Silence ▾", home.ben)
        assert answer is not None
        assert "messages within a minute" in answer.text
        answer = await home.api.tap(card, "Ack", home.ben)  # opens nothing: always
        assert answer is not None
        assert answer.text == "Acknowledged."
        await home.rest()
        assert len(home.api.messages(OPS)) == count
        await home.api.tap(card, "Start", home.ben)  # nor is it kept from who may mend, whoever looks how often
        await home.rest()
        assert [tap for tap, _ in home.acts.taps] == [Ask("start", "main/104")]


async def test_ack_says_so_at_once_and_is_written() -> None:
    seen = watch()
    async with with_card(seen) as (home, card):
        answer = await home.api.tap(card, "Ack", home.ben)
        assert answer is not None
        assert answer.text == "Acknowledged."
        await home.rest()
        assert seen.kept[1].acked_by == "Ben"
        answer = await home.api.tap(card, "Ack", home.ana)
        assert answer is not None
        assert answer.text.startswith("Ben has acknowledged it already, ")
        assert edits(home) == 0


async def test_an_ack_that_could_not_be_written_is_said() -> None:
    seen = watch()
    seen.fails = StoreFailed(say("The bot's own database failed: {reason}.", reason="disk is full"))
    async with with_card(seen) as (home, card):
        for label in ("Ack", "4 h"):
            answer = await home.api.tap(card, label, home.ben)
            assert answer is not None
            assert answer.text == "Nothing was changed. The bot's own database failed: disk is full."
            await home.rest()
            assert "disk is full" in home.api.last(OPS).text
        assert (seen.kept[1].acked, seen.quiet) == (None, [])
        assert seen.claims.of("ack 1") is None


async def test_where_the_store_hangs_the_press_is_answered_all_the_same() -> None:
    seen = watch()
    async with with_card(seen) as (home, card):
        home.store.hangs = asyncio.Event()
        tap = asyncio.ensure_future(home.api.tap(card, "Ack", home.ben))
        while not home.store.waiting:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)
        await home.clock.advance(LATE)
        answer = await tap
        assert answer is not None
        assert answer.text.startswith("Not done yet: ")
        assert seen.kept[1].acked is None
        home.store.hangs.set()
        await home.rest()
        assert seen.kept[1].acked_by == "Ben"


async def test_hush_on_a_menu_shows_the_silence_there_and_on_a_card_only_a_toast() -> None:
    seen = watch()
    async with with_card(seen) as (home, card):
        answer = await home.api.tap(card, "4 h", home.ben)
        assert answer is not None
        assert answer.text.startswith("Silent until ")
        await home.rest()
        assert (edits(home), len(seen.quiet)) == (0, 1)
        menu = await home.api.ask(home.ops, home.ben, "/any")
        answer = await home.api.tap(menu, "4 h", home.ana)
        assert answer is not None
        assert answer.text.startswith("Ben has silenced it already, until ")
        seen.quiet[0] = replace(seen.quiet[0], until=seen.quiet[0].until - timedelta(minutes=2))  # two minutes later
        await home.api.tap(menu, "4 h", home.ben)
        await home.api.read(menu, "echo 2")
        assert [(one.about, one.cluster, one.value, one.by) for one in seen.quiet] == [
            ("guest", "main", "104", "Ben")
        ] * 2
        assert seen.quiet[1].until == home.clock.now() + timedelta(hours=4)


async def test_a_menu_that_has_outlived_its_alert_says_so_and_silences_all_the_same() -> None:
    seen = watch()
    async with with_card(seen) as (home, _):
        home.world.rows = ((Button(say("4 h"), Hush("a2", "4h")), Button(say("24 h"), Hush("a99", "24h"))),)
        menu = await home.api.ask(home.ops, home.ben, "/any")
        answer = await home.api.tap(menu, "4 h", home.ben)
        assert answer is not None
        assert answer.text.startswith("Silent until ")
        assert answer.text.endswith(" That alert is over since 13:59.")
        await home.api.read(menu, "echo 1 2")  # the page of the silence, which says it too
        assert len(seen.quiet) == 1
        menu = await home.api.ask(home.ops, home.ben, "/any")
        answer = await home.api.tap(menu, "24 h", home.vera)
        assert answer is not None
        assert "needs operator" in answer.text
        answer = await home.api.tap(menu, "24 h", home.ben)
        assert answer is not None
        assert "its alert is not kept any more" in answer.text
        await home.api.read(menu, "echo old")  # no button is left that does nothing
        assert len(seen.quiet) == 1


async def test_of_three_who_tap_in_the_same_moment_one_has_done_it() -> None:
    seen = watch()
    async with with_card(seen) as (home, card):
        for label, done, late in (
            ("Ack", "Acknowledged.", "has acknowledged it already, "),
            ("4 h", "Silent until ", "has silenced it already, until "),
        ):
            answers = await asyncio.gather(*(home.api.tap(card, label, home.ana) for _ in range(3)))
            texts = sorted(answer.text for answer in answers if answer is not None)
            assert sum(text.startswith(done) for text in texts) == 1
            assert sum(text.startswith(f"Ana {late}") for text in texts) == 2
        await home.rest()
        assert [action for _, _, action, _ in home.store.orders] == ["ack", "silence"]
        assert len(seen.quiet) == 1
        assert seen.claims.of("ack 1") is None  # the alert says it


async def test_what_failed_can_be_tried_again_at_once() -> None:
    seen = watch()
    seen.fails = StoreFailed(say("The bot's own database failed: {reason}.", reason="disk is full"))
    async with with_card(seen) as (home, card):
        for label in ("Ack", "4 h"):
            await home.api.tap(card, label, home.ben)
        await home.rest()
        seen.fails = None
        for label, words in (("Ack", "Acknowledged."), ("4 h", "Silent until ")):
            answer = await home.api.tap(card, label, home.ana)
            assert answer is not None
            assert answer.text.startswith(words)
        await home.rest()
        assert (seen.kept[1].acked_by, len(seen.quiet)) == ("Ana", 1)


async def test_without_a_watch_the_buttons_are_old() -> None:
    async with house() as home:
        for data in ("aka1", "asa1:4h"):
            answer = await home.api.forge(home.with_ben, home.ben, 1, data)
            assert answer is not None
            assert "too old" in answer.text


@pytest.mark.parametrize(
    "data",
    ["aka0", "aka99", "aka-1", "ak٣", "aka1 ", "akc13", "akc999999999999999999", "akb1", "asa1:5h", "asx1:4h",
     "asa99:4h", "asa1:", "as:4h", "ask:1:2", "asn6:4h"],
)  # fmt: skip
async def test_a_forged_number_span_or_card_of_another_chat_does_nothing(data: str) -> None:
    seen = watch()
    async with house(watch=seen) as home:
        answer = await home.api.forge(home.ops, home.ben, 1, data)
        assert answer is not None
        assert "too old" in answer.text or "too narrow" in answer.text
        await home.rest()
        assert (seen.quiet, seen.kept[1]) == ([], OPEN)


async def test_a_strangers_ack_is_not_even_answered() -> None:
    seen = watch()
    async with house(watch=seen) as home:
        for place in (home.with_mallory, home.elsewhere):
            await home.api.forge(place, home.mallory, 1, "aka1", wait=False)
        await home.rest()
        assert home.api.made("answerCallbackQuery") == []
        assert seen.kept[1] == OPEN


async def test_ack_and_hush_count_though_they_may_have_waited() -> None:
    seen = watch()
    async with house(watch=seen, began=False) as home:
        await home.api.forge(home.with_ben, home.ben, 7, "aka1", wait=False)
        await home.api.forge(home.with_ben, home.ben, 7, "asa1:1h", wait=False)
        await home.chat.start(home.env, home.acts)
        await home.rest()
        assert seen.kept[1].acked is not None
        assert len(seen.quiet) == 1


async def test_a_command_that_waited_changes_nothing_and_no_link_leads_to_one() -> None:
    async with house(watch=watch()) as home:
        old = home.clock.now().timestamp() - 130
        await home.api.say(home.with_ben, home.ben, "/quieten now", date=old)
        await home.rest()
        assert "Nothing was changed" in home.api.last(BEN).text
        assert (await home.api.ask(home.with_ben, home.ben, "/quieten now")).text == "echo now"
        assert (await home.api.ask(home.with_ben, home.ben, "/start quieten_now")).text == "Hello Ben."


# -- what a press means


def by(role: Role = Role.OPERATOR, scope: Scope | None = None) -> Asker:
    return Asker(id=BEN, name="Ben", role=role, **({"scope": scope} if scope is not None else {}))  # type: ignore[arg-type]


READER = Reader(zone=UTC)


@pytest.mark.parametrize(
    ("what", "scope", "words", "numbers"),
    [
        ("a1", None, "Acknowledged.", (1,)),
        ("a2", None, "ct-mail runs again since 13:59: nothing to acknowledge.", ()),
        ("a3", None, f"{HOSTILE} has acknowledged it already, 13:55.", ()),
        ("a4", None, "It has not been told yet: nothing to acknowledge.", ()),
        ("c12", None, "2 alerts acknowledged.", (1, 5)),
        ("c14", None, f"{HOSTILE} has acknowledged it already, 13:55.", ()),
        ("c15", None, "Nothing of this is open any more.", ()),
        ("c12", Scope(vmids=frozenset({104})), "Acknowledged.", (1,)),
        ("a5", Scope(vmids=frozenset({104})), "too old", ()),
        ("a1", Scope(tags=frozenset({"other"})), "too old", ()),
        ("a1", Scope(clusters=frozenset({"lab"})), "too old", ()),
    ],
)
def test_what_an_ack_means(what: str, scope: Scope | None, words: str, numbers: tuple[int, ...]) -> None:
    said, done = acknowledge(watch(), Ack(what), by(scope=scope), Place(chat=OPS), NOW)
    assert words in plain(said, READER)
    assert tuple(done) == numbers


@pytest.mark.parametrize(
    ("what", "scope", "wanted"),
    [
        ("a1", None, ("guest", "main", "104", False)),
        ("n1", None, ("node", "main", "pve1", True)),
        ("r1", None, ("rule", "main", "guest_stopped_by_itself", False)),
        ("a5", None, ("node", "main", "pve2", False)),
        ("n5", None, ("node", "main", "pve2", True)),
        ("a6", None, ("rule", "main", "guest_stopped_by_itself", False)),  # never all of a cluster
        ("a1", Scope(vmids=frozenset({104})), ("guest", "main", "104", False)),
        ("n1", Scope(vmids=frozenset({104})), None),
        ("r1", Scope(vmids=frozenset({104})), None),
        ("r1", Scope(nodes=frozenset({"pve1"})), None),
        ("n1", Scope(nodes=frozenset({"pve1"})), ("node", "main", "pve1", True)),
    ],
)
def test_what_a_hush_means(what: str, scope: Scope | None, wanted: tuple[str, str, str, bool] | None) -> None:
    _, found = hush(watch(), Hush(what, "4h"), by(scope=scope), NOW, READER)
    told = (found.about, found.cluster, found.value, found.maintenance) if found is not None else None
    assert told == wanted


def test_what_is_a_guests_own_is_silenced_as_the_guest() -> None:
    """Its backup of tomorrow is another run: that one run alone would be of no use."""
    seen = watch()
    run = Subject(about=About.OTHER, cluster="main", id="run/7", name="web", node="pve1", of="main/guest/101")
    seen.kept[7] = made.alert(7, run, say("Backup of web failed"), rule="backup_failed")
    _, found = hush(seen, Hush("a7", "4h"), by(), NOW, READER)
    assert found is not None
    assert (found.about, found.cluster, found.value) == ("guest", "main", "101")


def test_until_the_morning_is_the_chats_morning() -> None:
    from zoneinfo import ZoneInfo

    said, found = hush(watch(), Hush("a1", "8am"), by(), NOW, Reader(zone=ZoneInfo("Asia/Tokyo")))
    assert found is not None
    assert found.until == datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
    assert plain(said, Reader(zone=ZoneInfo("Asia/Tokyo"))) == "Silent until 25 Nov 08:00."


@given(st.text(max_size=20), st.text(max_size=6))
def test_anything_at_all_is_answered(what: str, span: str) -> None:
    said, done = acknowledge(watch(), Ack(what), by(), Place(chat=OPS), NOW)
    assert plain(said, READER)
    said, found = hush(watch(), Hush(what, span), by(), NOW, READER)
    assert plain(said, READER)
    assert not done or what in {"a1", "a5", "a6", "c12"}
    assert found is None or span in {"1h", "4h", "24h", "8am"}


def test_a_card_that_rests_may_open_again_and_not_all_cards_are_remembered() -> None:
    guard = Beside()
    first = Message(place=Place(chat=1, topic=3), id=1)
    assert [guard.enter(first, 0.0) for _ in range(MOST + 1)] == [True] * MOST + [False]
    assert not guard.enter(Message(place=Place(chat=1), id=1), 1.0)  # the same message, its topic unknown
    assert guard.enter(Message(place=Place(chat=1), id=2), 1.0)
    assert guard.enter(first, WITHIN)
    for n in range(CARDS + 10):
        guard.enter(Message(place=Place(chat=2), id=n), WITHIN)
    assert len(guard._opened) == CARDS


async def test_what_is_tapped_stands_in_the_audit() -> None:
    async with with_card(watch()) as (home, card):
        for label in ("Ack", "4 h"):
            await home.api.tap(card, label, home.mallory)
            await home.api.tap(card, label, home.ben)
        await home.rest()
        assert home.store.orders == [
            ("Ben", OPS, "ack", "alert 1: ct-mail stopped by itself"),
            ("Ben", OPS, "silence", "guest main/104"),
        ]
