"""What is typed and pressed, from the person's side: through the real application and the stand-in Bot API."""

import asyncio
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.access import Role, Roles
from bot.chat.chatter import ASKED
from bot.chat.handlers import ANSWERS_OF_ONE, BACKLOG
from bot.screen import Ask, Cancel, Do
from tests.chat.kit import ANA, BEN, HOSTILE, MALLORY, OPS, PATIENCE, VERA, House, house

# -- typed


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("/vm web", f"{HOSTILE} is web"),
        ("/vm   web 1 ", f"{HOSTILE} is web 1"),
        ("/VM@Telemox_Demo_Bot web", f"{HOSTILE} is web"),
        ("/vm\nweb", f"{HOSTILE} is web"),
        (f"/vm {HOSTILE}", f"{HOSTILE} is {HOSTILE}"),
        ("/vm " + "x" * 1000, f"{HOSTILE} is {'x' * 256}"),
        ("/start", "Hello Vera."),
        ("/start vm_101", f"{HOSTILE} is 101"),
        ("/start vm_main-101_2", f"{HOSTILE} is main-101_2"),
        ("/start nonsense", "Hello Vera."),
        ("/start vm_<b>", "Hello Vera."),
        ("/start hidden_1", "Hello Vera."),  # not a command: no way in from outside
        ("web", f"{HOSTILE} is web"),  # in private a name is enough
        ("x" * 1000, f"{HOSTILE} is {'x' * 256}"),
        ("/nothing", "There is no /nothing here. /help lists what there is."),
        ("/lost web", "There is no guest web."),
        ("/broken web", "Something went wrong inside the bot; its log has the details."),
    ],
)
async def test_commands_in_private(home: House, words: str, shown: str) -> None:
    assert (await home.api.ask(home.with_vera, home.vera, words)).text == shown


async def test_an_alias_is_a_command(home: House) -> None:
    assert (await home.api.ask(home.with_vera, home.vera, "/s")).text.startswith("homelab")


async def test_in_groups_only_what_is_for_us_is_answered(home: House) -> None:
    for words in ("/nothing", "web", "hello all", "/status@another_bot", "/", "/ status", "status"):
        await home.api.say(home.ops, home.ana, words)
    await home.rest()
    assert not any(message.from_bot for message in home.api.messages(OPS))
    await home.api.ask(home.ops, home.ana, "/status@telemox_demo_bot")


async def test_a_failure_offers_the_way_on(home: House, caplog: pytest.LogCaptureFixture) -> None:
    card = await home.api.ask(home.with_vera, home.vera, "/lost web")
    assert card.labels == [["↻", "‹ Status"]]
    assert caplog.records == []  # the person's mistake, no fault
    await home.api.tap(card, "‹ Status", home.vera)
    await home.api.read(card, "homelab")
    card = await home.api.ask(home.with_vera, home.vera, "/lost forbidden")
    assert "it lacks VM.Audit on /vms/101" in card.text
    assert card.labels == [["Copy the command"], ["↻", "‹ Status"]]
    await home.api.ask(home.with_vera, home.vera, "/broken web")
    assert any(record.exc_info for record in caplog.records)


async def test_an_old_command_shows_a_page_and_nothing_typed_ever_acts(home: House) -> None:
    three_hours_ago = home.clock.now().timestamp() - 3 * 3600
    await home.api.say(home.with_ana, home.ana, "/status", date=three_hours_ago)
    for words in ("/reboot 101", "aqreboot:main/101", "/start aqreboot", "/start ayn1", "/vm aqreboot:main/101"):
        await home.api.say(home.with_ana, home.ana, words, date=three_hours_ago)
    await home.rest()
    assert home.acts.taps == []
    assert home.world.shown[0] == "status"
    said = [message.text.splitlines()[0] for message in home.api.messages(ANA) if message.from_bot]
    assert said == ["You asked this 3 h ago."] * 6


async def test_what_is_answered_at_once_names_no_age(home: House) -> None:
    await home.api.say(home.with_ana, home.ana, "/status", date=home.clock.now().timestamp() - 110)
    await home.api.say(home.with_ana, home.ana, "/status", date=home.clock.now().timestamp() - 130)
    await home.rest()
    young, old = (message.text for message in home.api.messages(ANA) if message.from_bot)
    assert young.startswith("homelab")
    assert old.splitlines()[:2] == ["You asked this 2 min 10 s ago.", "homelab"]


# -- pressed


async def test_moving_about_edits_the_message_in_place_and_voids_its_question(home: House) -> None:
    card = await home.api.ask(home.with_vera, home.vera, "/status")
    answer = await home.api.tap(card, HOSTILE, home.vera)
    assert answer is not None
    assert answer.text == ""
    await home.api.read(card, f"{HOSTILE} is main/101")
    assert [message.id for message in home.acts.revoked] == [card.id, card.id]
    await home.api.tap(card, "‹", home.vera)
    await home.api.read(card, "homelab")
    assert len(home.api.messages(VERA)) == 2


async def test_an_argument_that_does_not_fit_comes_back_whole(home: House) -> None:
    card = await home.api.ask(home.with_vera, home.vera, "/vm 1")
    await home.api.tap(card, "Far", home.vera)
    await home.api.read(card, "x" * 100)
    data = card.button("Far").data
    home.store.texts.clear()  # the row is gone: as good as an old button
    await home.api.forge(home.with_vera, home.vera, card.id, data)
    await home.rest()
    assert "too old" in home.api.last(VERA).text


async def test_a_press_is_answered_first_and_once_whatever_the_work_takes(home: House) -> None:
    home.acts.hold = asyncio.Event()
    card = await home.api.ask(home.with_ben, home.ben, "/status")
    answer = await home.api.tap(card, "Reboot", home.ben)  # returns with the answer: the work hangs
    assert answer is not None
    assert answer.text == ""
    assert home.acts.taps == [(Ask("reboot", "main/101"), BEN)]
    home.acts.hold.set()
    await home.api.read(card, "done: Ask")
    assert len(home.api.made("answerCallbackQuery")) == 1


async def test_what_a_role_may_not_is_a_toast_to_the_presser_alone(home: House) -> None:
    card = await home.api.ask(home.ops, home.mallory, "/status")
    before = len(home.api.made("editMessageText")) + len(home.api.made("sendMessage"))
    for label, words in (("Reboot", "reboot needs operator"), ("Audit", "/audit needs admin")):
        answer = await home.api.tap(card, label, home.mallory)
        assert answer is not None
        assert words in answer.text
    await home.rest()
    assert home.acts.taps == []
    assert len(home.api.made("editMessageText")) + len(home.api.made("sendMessage")) == before


async def test_yes_and_no_reach_the_runner_with_their_nonce(home: House) -> None:
    card = await home.api.ask(home.with_ben, home.ben, "/vm 101")
    await home.api.tap(card, "Yes", home.ben)
    await home.api.forge(home.with_ben, home.ben, card.id, "ann1")
    await home.rest()
    assert [tap for tap, _ in home.acts.taps] == [Do("n1"), Cancel("n1")]


async def test_taps_that_waited_are_told_to_tap_again_and_do_not_act(home: House) -> None:
    card = await home.api.ask(home.with_ben, home.ben, "/status")
    home.api.fail("getUpdates", 502, "Bad Gateway")  # PTB tries again after a second
    async with asyncio.timeout(PATIENCE):
        while home.chat._polling._said == "":  # noqa: ASYNC110 - until the failure has arrived
            await asyncio.sleep(0.001)
    await home.clock.advance(31)
    late = asyncio.create_task(home.api.tap(card, "Reboot", home.ben))
    answer = await late
    assert answer is not None
    assert "Please tap again" in answer.text
    assert home.acts.taps == []
    await home.api.tap(card, "Reboot", home.ben)
    await home.rest()
    assert [tap for tap, _ in home.acts.taps] == [Ask("reboot", "main/101")]


async def test_after_a_start_nobody_knows_how_long_a_tap_has_waited_and_the_next_is_new() -> None:
    async with house(began=False) as home:
        await home.api.forge(home.with_ben, home.ben, 7, "aqstart:main/101", wait=False)
        await home.api.forge(home.with_ben, home.ben, 7, "ann1", wait=False)  # a No is never too late
        await home.chat.start(home.env, home.acts)
        await home.rest()
        told = [call.params.get("text") for call in home.api.made("answerCallbackQuery")]
        assert home.acts.taps == [(Cancel("n1"), BEN)]
        assert any("tap again" in str(words) for words in told)
        await home.api.forge(home.with_ben, home.ben, 7, "aqstart:main/101")
        await home.rest()
        assert [tap for tap, _ in home.acts.taps] == [Cancel("n1"), Ask("start", "main/101")]


async def test_a_button_of_a_message_too_old_to_be_shown_still_works(home: House) -> None:
    answer = await home.api.forge(home.with_vera, home.vera, 4711, "aostatus:")
    assert answer is not None
    assert answer.text == ""
    await home.rest()
    assert home.api.last(VERA).text.startswith("homelab")  # sent anew: there is nothing to edit


@pytest.mark.parametrize("data", ["", "zzz", "aonothing:", "ao:", "a", "bq", "aq:", "\x00", "aostatus", "🟢" * 16])
async def test_a_button_that_is_not_ours_is_said_to_be_old(home: House, data: str) -> None:
    answer = await home.api.forge(home.with_ana, home.ana, 1, data)
    assert answer is not None
    assert "too old" in answer.text
    assert home.acts.taps == []


async def test_what_the_runner_cannot_do_is_said_beside_the_message(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    card = await home.api.ask(home.with_ben, home.ben, "/status")
    before = card.text
    await home.api.forge(home.with_ben, home.ben, card.id, "aqmissing:main/101")
    await home.rest()
    assert home.api.last(BEN).text == "There is no guest main/101."
    assert caplog.records == []
    await home.api.forge(home.with_ben, home.ben, card.id, "aqexplode:main/101")
    await home.rest()
    assert "went wrong" in home.api.last(BEN).text
    assert card.text == before
    assert any(record.exc_info for record in caplog.records)


async def test_a_query_too_old_to_be_answered_is_no_matter(home: House, caplog: pytest.LogCaptureFixture) -> None:
    card = await home.api.ask(home.with_vera, home.vera, "/status")
    home.api.fail("answerCallbackQuery", 400, "Bad Request: query is too old and response timeout expired")
    await home.api.tap(card, HOSTILE, home.vera, wait=False)
    await home.api.read(card, f"{HOSTILE} is main/101")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_names_and_words_that_have_no_utf8_go_through(home: House, caplog: pytest.LogCaptureFixture) -> None:
    for name, words in (("A\ud800", "/vm \udfff"), ("A\ud800", "/start"), ("\ud800", "/broken \ud800")):
        home.api.push({"message": {
            "message_id": 900, "date": int(home.clock.now().timestamp()), "text": words,
            "chat": {"id": ANA, "type": "private", "first_name": "Ana"},
            "from": {"id": ANA, "is_bot": False, "first_name": name}}})  # fmt: skip
    await home.rest()
    assert [message.text for message in home.api.messages(ANA) if message.from_bot] == [
        f"{HOSTILE} is ?", "Hello A�.", "Something went wrong inside the bot; its log has the details."
    ]  # fmt: skip


# -- order, and nobody starved


async def test_order_is_kept_for_a_person_in_a_chat(home: House) -> None:
    for number in range(20):
        await home.api.say(home.with_vera, home.vera, f"/vm {number}")
    await home.rest()
    assert home.world.shown == [str(number) for number in range(20)]
    texts = [message.text for message in home.api.messages(VERA) if message.from_bot]
    assert texts == [f"{HOSTILE} is {number}" for number in range(20)]


async def test_one_busy_person_holds_up_nobody_else(home: House) -> None:
    for number in range(8):
        await home.api.say(home.ops, home.mallory, f"/slow {number}")
    for number in range(40):
        await home.api.say(home.ops, home.api.user(9000 + number, f"U{number}"), f"/slow busy{number}")
    card = await home.api.ask(home.with_vera, home.vera, "/status")  # while all of these hang
    assert card.text.startswith("homelab")
    assert home.world.most == ASKED - 8 + 1
    await home.clock.advance(60)
    await home.api.say(home.ops, home.mallory, "/slow last")
    async with asyncio.timeout(PATIENCE):
        while not home.resting:
            for gate in home.world.gates.values():
                gate.set()
            await asyncio.sleep(0.001)
    mine = [what for what in home.world.shown if what.isdigit() or what == "last"]
    assert mine == [*map(str, range(8)), "last"]


async def test_thirty_two_at_once() -> None:
    people = dict.fromkeys(range(1, 51), Role.VIEWER)
    async with house(roles=Roles(granted=people)) as home:
        for person in people:
            user = home.api.user(person, f"P{person}")
            await home.api.say(home.api.private(user), user, f"/slow {person}")
        async with asyncio.timeout(PATIENCE):
            while home.world.running < 32:  # noqa: ASYNC110 - a page tells nobody that it runs
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        assert home.world.most == 32
        async with asyncio.timeout(PATIENCE):
            while len(home.world.shown) < 50:
                for gate in home.world.gates.values():
                    gate.set()
                await asyncio.sleep(0.001)
        await home.rest()
        assert home.world.most == 32


async def test_one_persons_backlog_has_a_bound_and_that_is_said_once(home: House) -> None:
    for number in range(BACKLOG + 10):
        await home.api.say(home.with_vera, home.vera, f"/slow {number}")
    await home.api.say(home.ops, home.vera, "/slow elsewhere")  # the bound is the person's, in whatever chat
    answered = len(home.api.made("answerCallbackQuery"))
    await home.api.forge(home.with_vera, home.vera, 1, "aostatus:", wait=False)
    await home.api.ask(home.with_ben, home.ben, "/status")  # others are heard
    for number in range(BACKLOG):
        home.world.gates.setdefault(str(number), asyncio.Event()).set()
    await home.rest()
    assert home.world.shown == ["status", *map(str, range(BACKLOG))]
    texts = [message.text for message in home.api.messages(VERA) if message.from_bot]
    assert [text for text in texts if not text.startswith("echo")] == [
        "32 of your messages and taps are still being worked off. What you send meanwhile is dropped."
    ]
    assert len(home.api.made("answerCallbackQuery")) == answered
    card = await home.api.ask(home.with_vera, home.vera, "/status")  # and then as ever
    assert await home.api.tap(card, "↻", home.vera) is not None


async def test_a_press_over_the_backlog_is_told_by_a_toast(home: House) -> None:
    for number in range(BACKLOG):
        await home.api.say(home.with_vera, home.vera, f"/slow {number}")
    await home.api.say(home.ops, home.vera, "what people say among themselves")
    answer = await home.api.forge(home.ops, home.vera, 1, "aostatus:")
    assert answer is not None
    assert "is dropped" in answer.text
    for number in range(BACKLOG):
        home.world.gates.setdefault(str(number), asyncio.Event()).set()
    await home.rest()
    assert "status" not in home.world.shown


async def test_one_persons_presses_leave_connections_to_others(home: House) -> None:
    home.api.latency = 0.2  # seconds: the answers hang
    for _ in range(20):
        await home.api.forge(home.with_vera, home.vera, 1, "zzz", wait=False)
    async with asyncio.timeout(PATIENCE):
        while not home.api.updates.idle:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)
    home.api.latency = 0.0
    await home.rest()
    assert len(home.api.made("answerCallbackQuery")) == ANSWERS_OF_ONE
    answer = await home.api.forge(home.with_vera, home.vera, 1, "zzz")
    assert answer is not None


# -- anything at all


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([ANA, BEN, VERA, MALLORY]),
            st.one_of(
                st.text(max_size=16),
                st.builds("{}{}".format, st.sampled_from(["ao", "aq", "ay", "an", "a#"]), st.text(max_size=14)),
                st.sampled_from(["aqreboot:main/101", "ayn1", "ann1", "aoaudit:", "aovm:#0123456789abcdef"]),
            ),
            st.booleans(),
        ),
        max_size=6,
    )
)
def test_no_text_and_no_press_of_anybody_breaks_it_or_acts_beyond_a_role(script: list[tuple[int, str, bool]]) -> None:
    async def play() -> None:
        async with house() as home:
            people = {ANA: home.ana, BEN: home.ben, VERA: home.vera, MALLORY: home.mallory}
            for person, words, presses in script:
                if presses:
                    await home.api.forge(person, people[person], 1, words, wait=False)
                elif words.strip():
                    await home.api.say(person, people[person], words)
            await home.rest()
            assert {person for _, person in home.acts.taps} <= {ANA, BEN}
            assert not any(message.from_bot for message in home.api.messages(MALLORY))
            card = await home.api.ask(home.with_vera, home.vera, "/status")
            assert card.text.startswith("homelab")

    asyncio.run(play())


async def test_a_kept_button_while_the_store_fails_is_answered_and_the_next_one_too(home: House) -> None:
    """More taps than answers to one person's may be on their way: an answer that never came would keep its place."""
    card = await home.api.ask(home.with_ben, home.ben, "/status")
    key = await home.store.keep("x" * 80)
    home.store.full = True
    for _ in range(ANSWERS_OF_ONE + 2):
        answer = await home.api.forge(home.with_ben, home.ben, card.id, f"aoquieten:#{key}")
        assert answer is not None
        assert "disk is full" in answer.text
        await home.rest()
    await home.api.forge(home.with_ben, home.ben, card.id, f"aovm:#{key}")
    await home.rest()
    assert "disk is full" in home.api.last(BEN).text


async def test_a_press_in_a_topic_that_nobody_knows_changes_nothing(home: House) -> None:
    """Telegram shows its message no more: General must not be taken for the topic that it stood in."""
    answer = await home.api.forge(home.ops, home.ben, 4711, "aoquieten:off")
    assert answer is not None
    assert "too old" in answer.text
    await home.rest()
    assert home.world.shown == []
