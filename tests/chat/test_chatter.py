"""A group is answered as far as alerts have their share of what it takes in a minute."""

from bot.chat.chatter import ASKED, MANY, OF_ONE, Chatter
from bot.chat.limiter import A_MINUTE, KEPT
from bot.screen import Ask, Button, Cancel, Do, Message, Open, Place, Screen
from bot.text import say
from tests.chat.kit import BEN, OPS, house


async def test_in_a_group_chatter_is_dropped_before_alerts_have_to_wait() -> None:
    async with house() as home:
        for _ in range(26):
            await home.api.say(home.ops, home.vera, "/status")
        await home.rest()
        assert len(home.world.shown) == OF_ONE
        texts = [message.text for message in home.api.messages(OPS) if message.from_bot]
        assert [text for text in texts if "homelab" not in text] == [
            "Too much at once here: alerts come first. Wait a minute, or ask me in private."
        ]
        for who in (home.ben, home.ana):
            for _ in range(ASKED):
                await home.api.say(home.ops, who, "/status")
        await home.rest()
        assert len(home.world.shown) == ASKED
        assert sum(message.from_bot for message in home.api.messages(OPS)) == A_MINUTE - KEPT
        for number in range(KEPT):
            sent = await home.chat.courier.post(Place(chat=OPS), Screen(text=say("alert {n}", n=number)))
            assert isinstance(sent, Message)
        await home.api.ask(home.with_vera, home.vera, "/status")  # in private as ever
        await home.clock.advance(60)
        await home.api.ask(home.ops, home.vera, "/status")


async def test_looks_by_tap_in_a_group_count_as_well_and_what_mends_is_never_refused() -> None:
    async with house() as home:
        home.world.rows = ((Button(say("↻"), Open("any")), Button(say("Reboot"), Ask("reboot", "main/101"))),
                           (Button(say("Yes"), Do("n1")), Button(say("No"), Cancel("n1"))))  # fmt: skip
        card = await home.api.ask(home.ops, home.ben, "/any")
        for _ in range(OF_ONE - 1):
            await home.api.tap(card, "↻", home.ben)
            await home.rest()
        answer = await home.api.tap(card, "↻", home.ben)
        assert answer is not None
        assert "alerts come first" in answer.text
        assert home.acts.taps == []
        for data in ("aqreboot:main/101", "ayn1"):
            await home.api.forge(home.ops, home.ben, card.id, data)
            await home.rest()
        assert home.acts.taps == [(Ask("reboot", "main/101"), BEN), (Do("n1"), BEN)]


async def test_a_command_that_changes_something_is_never_one_too_many() -> None:
    async with house() as home:
        for who in (home.vera, home.ben, home.ana):
            for _ in range(ASKED):
                await home.api.say(home.ops, who, "/status")
        await home.rest()
        home.world.shown.clear()
        for who, text in (
            (home.ben, "/silence web off"),
            (home.vera, "/silence web 4h"),  # may not: as any other chatter
            (home.ben, "/silence"),  # changes nothing
            (home.ben, "/silence@somebody_else web 4h"),
            (home.ben, "/status web"),
        ):
            await home.api.say(home.ops, who, text)
        await home.rest()
        assert home.world.shown == ["web off"]


def test_people_who_rest_are_forgotten() -> None:
    chatter = Chatter()
    for person in range(MANY + 1):
        assert chatter.enter(-person - 1, person, 100.0 + person)
    assert len(chatter._people) <= 61
    assert all(chatter.enter(7, 7, 0.0) for _ in range(100))
