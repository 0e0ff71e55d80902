"""The story of a group: a guest crashes, the chat is told, and whoever may mends it from there."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.demo.telegram.world import Message
from tests.stack import ANA, BEN, GROUP, Stack, stack

DB = 102


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Stack]:
    async with stack(tmp_path, TELEMOX_ALERT_CHATS=str(GROUP), TELEMOX_ALERTS__POLL_SECONDS="5") as made:
        await until(lambda: any("since before the bot started" in one.text for one in made.api.messages(GROUP)))
        yield made


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - nothing tells when a card has been edited
            await asyncio.sleep(0.02)


def card_of(running: Stack, words: str) -> Message:
    return next(one for one in reversed(running.api.messages(GROUP)) if one.from_bot and words in one.text)


def told(running: Stack, words: str) -> bool:
    return any(one.from_bot and words in one.text for one in running.api.messages(GROUP))


async def test_a_guest_that_crashed_is_started_from_its_card(running: Stack) -> None:
    running.cluster.crash(DB)
    await until(lambda: told(running, "db stopped by itself"))
    card = card_of(running, "db stopped by itself")
    assert card.text.startswith("⚠️ db stopped by itself\n102 · VM · pve")
    assert [label for row in card.labels for label in row] == ["▶️ Start", "Ack", "Silence ▾", "Open"]
    for label, words in (
        ("▶️ Start", "Your role here is viewer; start needs operator."),
        ("Ack", "acknowledging needs operator"),
    ):
        answer = await running.api.tap(card, label, running.vera)
        assert answer is not None
        assert words in answer.text
    assert running.writes == []

    answer = await running.api.tap(card, "Ack", running.ben)
    assert answer is not None
    assert answer.text == "Acknowledged."
    await until(lambda: "acked by Ben" in card.text)
    assert "Ack" not in [label for row in card.labels for label in row]

    before = len(running.api.messages(GROUP))
    await running.api.tap(card, "▶️ Start", running.ben)
    await until(lambda: told(running, "✅ db has started"))
    beside = card_of(running, "✅ db has started")
    assert beside.reply_to == card.id
    assert len(running.api.messages(GROUP)) == before + 1
    assert [path for path in running.writes if path.endswith("/status/start")] == running.writes
    assert len(running.writes) == 1
    await until(lambda: card.text.startswith("🟢 db runs again"))
    assert "acked by Ben" in card.text
    assert card.labels == [["Open"]]
    answer = await running.api.tap(card, "Open", running.vera)
    assert answer is not None
    await until(lambda: told(running, "🟢 db · 102"))
    assert card.text.startswith("🟢 db runs again")


async def test_a_silence_is_chosen_beside_the_card_and_ended(running: Stack) -> None:
    running.cluster.crash(DB)
    await until(lambda: told(running, "db stopped by itself"))
    card = card_of(running, "db stopped by itself")
    await running.api.tap(card, "Silence ▾", running.ben)
    await until(lambda: told(running, "🔇 Silence db (102) for how long?"))
    menu = card_of(running, "for how long?")
    await running.api.tap(menu, "4 h", running.ben)
    await until(lambda: "🔇 db (102) · until " in menu.text)
    await until(lambda: "silenced" in card.text)
    shown = menu.text
    answer = await running.api.tap(menu, "End it", running.vera)
    assert answer is not None
    assert "needs operator" in answer.text
    await running.api.settled()
    assert menu.text == shown
    await running.api.tap(menu, "End it", running.ben)
    await until(lambda: "Told again" in menu.text)
    await until(lambda: "silenced" not in card.text)
    audit = await running.api.ask(running.with_ana, running.ana, "/audit")
    orders = [line.partition(" · ")[2] for line in audit.text.splitlines() if " · Ben (" in line]
    assert orders == [f"Ben ({running.ben.id}): {what} db (main/102)" for what in ("End the silence of", "Silence")]


async def test_what_happens_again_and_again_is_silenced_from_its_message(running: Stack) -> None:
    async def reset() -> None:
        before = running.clock.monotonic()
        running.cluster.set_fault("node_reset", True, "pve2")
        await until(lambda: running.clock.monotonic() > before + 120)

    def resets() -> list[Message]:
        return [one for one in running.api.messages(GROUP) if "pve2 was reset by itself" in one.text]

    await reset()
    (card,) = resets()
    assert [label for row in card.labels for label in row] == ["Node", "Tasks", "Silence ▾"]
    await running.api.tap(card, "Silence ▾", running.ben)
    await until(lambda: told(running, "🔇 Silence the rule node_reset, everywhere, for how long?"))
    menu = card_of(running, "for how long?")
    assert "That has happened; a silence is for the next." in menu.text
    await running.api.tap(menu, "4 h", running.ben)
    await until(lambda: "🔇 rule node_reset · until " in menu.text)
    await reset()
    assert resets() == [card]


async def test_what_several_tap_in_the_same_moment_is_one_persons(running: Stack) -> None:
    """And one line of the audit: the others are told whose."""
    api = running.api
    running.cluster.crash(DB)
    await until(lambda: told(running, "db stopped by itself"))
    card = card_of(running, "db stopped by itself")
    answers = await asyncio.gather(*(api.tap(card, "Ack", who) for who in (running.ana, running.ben, running.ana)))
    texts = [one.text for one in answers if one is not None]
    assert texts.count("Acknowledged.") == 1
    assert sum(" has acknowledged it already, " in text for text in texts) == 2

    made = [await api.ask(running.group, running.ben, "/silence db 4h")]
    made.append(await api.ask(running.group, running.ben, "/maintenance pve3 1h"))
    for menu in made:
        answers = await asyncio.gather(*(api.tap(menu, "End it", who) for who in (running.ben, running.ana)))
        texts = sorted(one.text for one in answers if one is not None)
        assert texts[1] == "Ended."
        assert "has ended it already, " in texts[0]
        await api.settled()
        assert "ended by" in menu.text
    audit = await api.ask(running.with_ana, running.ana, "/audit")
    for words in ("Ack alert", "End the silence", "End the maintenance"):
        assert audit.text.count(words) == 1, audit.text


async def test_why_nobody_is_told_of_a_guest_that_is_down(running: Stack) -> None:
    api = running.api
    asked = await api.ask(running.with_ben, running.ben, "/why ct-mail")  # it was down when the bot came
    assert asked.text.startswith("ct-mail (104) · stopped · pve1\n")
    assert "\nguest_expected_down: stopped by ana@pve " in asked.text
    assert "\nguest_stopped_by_itself: it was never seen running" in asked.text
    card = await api.ask(running.with_ben, running.ben, "/vm db")
    await api.tap(card, "Shutdown", running.ben)
    await api.read(card, "Shut down db")
    await api.tap(card, "Yes", running.ben)
    await api.read(card, "db has shut down")
    async with asyncio.timeout(20):
        while "db is stopped" not in (said := (await api.ask(running.with_ben, running.ben, "/why db")).text):
            pass  # until the next poll
    assert said.startswith("🔵 db is stopped\nNobody is told: stopped by Ben ")
    assert said.count("stopped by") == 1


async def test_a_silence_from_a_private_chat_is_told_where_writes_are(running: Stack) -> None:
    await running.api.ask(running.with_ana, running.ana, "/auditlog here")
    await running.api.ask(running.with_ben, running.ben, "/silence everything 1h")
    await until(lambda: any("Silence everything" in one.text for one in running.api.messages(running.ana.id)))
    assert "still" not in (await running.api.ask(running.with_ben, running.ben, "/silence everything off")).text.lower()


async def test_what_is_typed_reaches_the_watch(running: Stack) -> None:
    api = running.api
    shown = await api.ask(running.with_ana, running.ana, "/alerts")
    assert "alert" in shown.text
    await api.ask(running.with_ana, running.ana, "/subscribe critical")
    await api.ask(running.with_ana, running.ana, "/zone Asia/Tokyo")
    assert "Only what is critical is told here" in (await api.ask(running.with_ana, running.ana, "/subscribe")).text
    assert "(Asia/Tokyo)" in (await api.ask(running.with_ana, running.ana, "/zone")).text
    await api.say(running.with_ana, running.ana, "/testalert")
    await until(lambda: any("This is a test alert" in one.text for one in api.messages(ANA)))
    test = next(one for one in api.messages(ANA) if one.text.startswith("⚠️ This is a test alert"))
    answer = await api.tap(test, "Open", running.ana)
    await api.settled()
    answer = await api.tap(test, "Ack", running.ana)
    assert answer is not None
    assert answer.text == "Acknowledged."
    await until(lambda: "acked by Ana" in test.text)
    opened = next(one for one in reversed(api.messages(ANA)) if one.reply_to == test.id)
    assert opened.text.startswith("⚠️ This is a test alert")
    shown = await api.ask(running.with_ben, running.ben, "/silence nas-backup")
    assert "Silence nas-backup for how long?" in shown.text
    for chat in (BEN, GROUP):
        assert not any("test alert" in one.text for one in api.messages(chat))


async def test_the_buttons_of_a_test_alert_are_no_dummies(running: Stack) -> None:
    await running.api.say(running.group, running.ana, "/testalert")
    await until(lambda: told(running, "This is a test alert"))
    card = card_of(running, "This is a test alert")
    answer = await running.api.tap(card, "Ack", running.vera)
    assert answer is not None
    assert "acknowledging needs operator" in answer.text
    answer = await running.api.tap(card, "Ack", running.ben)
    assert answer is not None
    assert answer.text == "Acknowledged."
    await until(lambda: "acked by Ben" in card.text)
    for label, words in (("Silence ▾", "there is nothing to silence"), ("Open", "So it looks, and sounds")):
        before = len(running.api.messages(GROUP))
        await running.api.tap(card, label, running.ben)
        await until(lambda: len(running.api.messages(GROUP)) > before)  # noqa: B023 - within the loop
        assert words in running.api.messages(GROUP)[-1].text
        assert running.api.messages(GROUP)[-1].reply_to == card.id


async def test_starts_within_an_hour_are_one_message_and_a_loop_of_them_is_told_to_the_admins(running: Stack) -> None:
    api = running.api

    def starts() -> list[Message]:
        return [one for one in api.messages(GROUP) if one.from_bot and "Telemox has started" in one.text]

    for times in range(2, 7):
        await running.stop_bot(clean=times == 2)
        await running.start_bot()
        await until(lambda count=times: any(f"started {count} times since" in one.text for one in starts()))  # type: ignore[misc]
    assert len(starts()) == 1
    assert "4 times without a clean stop before" in starts()[0].text
    notes = [one.text for one in api.messages(ANA) if "clean stop" in one.text]
    assert len(notes) == 1
    assert notes[0].startswith("⚠️ Telemox has started 4 times within a quarter of an hour without a clean stop before")
    assert not any("clean stop" in one.text for one in api.messages(BEN))


async def test_at_the_pace_of_the_demo_a_crash_is_told_once(tmp_path: Path) -> None:
    """db starts with its node, too: that it should run is told nowhere beside it."""
    pace = {"TELEMOX_ALERTS__POLL_SECONDS": "2", "TELEMOX_ALERTS__TIME_SCALE": "0.1"}
    async with stack(tmp_path, TELEMOX_ALERT_CHATS=str(GROUP), **pace) as running:
        await until(lambda: told(running, "since before the bot started"))
        running.cluster.crash(DB)
        await until(lambda: told(running, "db stopped by itself"))
        at = running.clock.monotonic()
        await until(lambda: running.clock.monotonic() > at + 60)
        assert not told(running, "db is stopped and should run")


async def test_the_live_line_has_the_numbers_of_alerts_and_says_when_it_saw_them(tmp_path: Path) -> None:
    """The reader's phone counts from there; renewed, while nothing happens, and still the same message."""
    quick = {"TELEMOX_ALERTS__POLL_SECONDS": "2", "TELEMOX_ALERTS__TIME_SCALE": "0.005"}
    async with stack(tmp_path, TELEMOX_ALERT_CHATS=str(GROUP), **quick) as s:
        await until(lambda: told(s, "since before the bot started"))
        await s.api.ask(s.group, s.ben, "/pin")
        seen = re.compile(r'seen <tg-time unix="([0-9]+)" format="r">')
        line = next(one for one in s.api.messages(GROUP) if seen.search(one.html))
        (first,) = seen.findall(line.html)
        await until(lambda: max(seen.findall(line.html), default=first) > first)

        async def agreed() -> str:
            title = (await s.api.ask(s.group, s.ben, "/alerts")).text.splitlines()[0]
            emoji, alerts = title.split()[:2]
            head = re.compile(rf"{emoji} homelab [0-9]{{2}}:[0-9]{{2}} · {alerts} alert")
            await until(lambda: head.match(line.text) is not None)
            silenced = re.search(r"([0-9]+) silenced", title)
            assert ("🔕" in line.text) == bool(silenced)
            assert not silenced or f"🔕 {silenced[1]} silenced" in line.text
            return title

        before = await agreed()
        await s.api.ask(s.group, s.ben, "/silence nas-backup 1h")
        await until(lambda: "🔕 1 silenced" in line.text)
        assert (await agreed()).endswith("· 1 silenced")
        assert int(before.split()[1]) == int((await agreed()).split()[1]) + 1
        assert sum(bool(seen.search(one.html)) for one in s.api.messages(GROUP)) == 1


async def test_what_is_off_on_purpose_is_no_alarm_on_any_screen(tmp_path: Path) -> None:
    quick = {"TELEMOX_ALERTS__POLL_SECONDS": "5", "TELEMOX_MAY_SLEEP": "pve3"}
    async with stack(tmp_path, TELEMOX_ALERT_CHATS=str(GROUP), **quick) as s:

        async def says(command: str) -> str:
            return (await s.api.ask(s.with_ben, s.ben, command)).text

        await until(lambda: told(s, "since before the bot started"))
        s.cluster.set_fault("node_off", True, "pve3")
        began = s.clock.monotonic()
        while "🌙 pve3 is asleep" not in await says("/status"):
            assert s.clock.monotonic() - began < 300
        assert "pve3" not in await says("/problems")
        assert (await says("/node pve3")).startswith("🌙 pve3 is asleep")
        s.cluster.set_fault("node_off", False, "pve3")
        while "2/3 nodes" in await says("/status"):
            assert s.clock.monotonic() - began < 900

        s.cluster.set_fault("node_down", True, "pve2")
        off = "🔵 pve2 is off, shut down by root@pam"
        await until(lambda: told(s, off))
        for command in ("/status", "/problems", "/nodes", "/alerts"):
            assert off in await says(command)
        assert (await says("/node pve2")).startswith(off)
        assert not told(s, "pve3 is offline")
