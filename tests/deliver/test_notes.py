"""Notes of the audit: one message for each order, which says in the end how it went."""

from dataclasses import replace

import pytest

from bot.model import Cure, Habits, NewsKind
from bot.ports import Audit, Lost, Undelivered
from bot.text import say
from tests.deliver.kit import CRITICAL, HOSTILE, LATER, NOON, OPS, World
from tests.pages.fleets import fleet


def order(id_: int, *, ended: bool = False, target: str = "main/106") -> Audit:
    return Audit(
        id=id_, asked=NOON, person=7, name=HOSTILE, chat=OPS, action="reboot", target=target, token="t", message=None,
        upid="", outcome="OK" if ended else "", ended=NOON if ended else None,
    )  # fmt: skip


def resumed(chat: int = OPS, outcome: str = "") -> Audit:
    return replace(order(1), chat=chat, action="resume", target="main/101", outcome=outcome,
                   ended=NOON if outcome else None)  # fmt: skip


@pytest.mark.parametrize(
    ("audits", "letters"),
    [
        ([], 1),
        ([resumed()], 0),
        ([resumed(), resumed(outcome="ok")], 0),
        ([resumed(), resumed(outcome="failed: no space left")], 1),
        ([resumed(chat=-999)], 1),  # somebody elsewhere
        ([order(1)], 1),  # something else
    ],
)
async def test_that_what_was_ordered_there_came_about_is_no_news_of_its_own(audits: list[Audit], letters: int) -> None:
    world = World(fleet=fleet())
    cure = Cure(label=say("▶️ Resume"), verb="ask", key="resume", arg="main/101")
    made = world.fire(1, CRITICAL)
    world.change(1, NewsKind.CHANGED, finding=replace(made.finding, cures=(cure,)))
    await world.tick(0)
    assert world.deliverer.mends(OPS, "resume", "main/101")
    assert not world.deliverer.mends(OPS, "stop", "main/101")
    assert not world.deliverer.mends(-999, "resume", "main/101")
    for audit in audits:
        await world.deliverer.audited(audit)
    world.over(1)
    await world.tick(60)
    card, *said = world
    assert card.text.startswith("🟢")
    assert len(said) == letters
    assert not world.deliverer.mends(OPS, "resume", "main/101")


async def noting() -> World:
    world = World(fleet=fleet())
    await world.deliverer.set_habits(Habits(chat=OPS, audit=True, audit_topic=9))
    return world


async def test_the_end_of_an_order_stands_in_its_note() -> None:
    world = await noting()
    await world.deliverer.audited(order(1))
    await world.send()
    (note,) = world
    assert note.text == f"📝 {HOSTILE} asks: Reboot git (main/106)"
    assert (note.silent, note.message.place.topic) == (True, 9)
    await world.deliverer.audited(order(2, target="main/999"))
    await world.send()
    await world.deliverer.audited(order(1, ended=True))
    await world.send()
    assert world.texts() == [f"📝 {HOSTILE}: Reboot git (main/106) · OK", f"📝 {HOSTILE} asks: Reboot main/999"]
    assert world.shelf.outbox == {}


async def test_what_ends_before_its_note_was_sent_is_said_once() -> None:
    world = await noting()
    world.telegram.plan[OPS] = [LATER]
    await world.deliverer.audited(order(1))
    await world.send()
    await world.deliverer.audited(order(1, ended=True))
    await world.tick(30)
    assert world.texts() == [f"📝 {HOSTILE}: Reboot git (main/106) · OK"]


async def test_an_end_that_could_not_be_edited_in_is_tried_again() -> None:
    world = await noting()
    await world.deliverer.audited(order(1))
    await world.send()
    world.telegram.plan[OPS] = [LATER, Undelivered(why=Lost.LATER)]
    await world.deliverer.audited(order(1, ended=True))
    await world.wait(60)
    assert world.texts() == [f"📝 {HOSTILE}: Reboot git (main/106) · OK"]


async def test_the_end_of_a_note_that_is_gone_or_of_a_former_process_is_a_message() -> None:
    world = await noting()
    await world.deliverer.audited(order(1))
    await world.deliverer.audited(order(2))
    await world.send()
    first, second = world
    first.deleted = True
    await world.deliverer.audited(order(1, ended=True))
    await world.send()
    assert world.texts()[-1].endswith("· OK")
    await world.restart()
    await world.deliverer.audited(order(2, ended=True))
    await world.send()
    assert [text.endswith("· OK") for text in world.texts()] == [False, True, True]
    assert "asks" in second.text
