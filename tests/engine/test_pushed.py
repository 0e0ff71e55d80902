"""What Proxmox VE pushes: kept until a poll deals with it, over a kill too, told once, and soon."""

import asyncio
import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import Crowded, PveUnreachable, StoreFailed
from bot.model import Finding
from bot.model.feeds import Feed
from bot.model.view import FLOOD, Push, View
from bot.rules import Kind, Limits
from bot.watch.pushed import MOST, Pushes, pack, unpack
from tests.engine.kit import NAME, START, Bench, Wrong, found, guest_subject

PUSH = Push(
    id="9f2c", at=START, kind="system-mail", severity="error", title=NAME, message="a\nb", host="pve1", vmids=(101, 7)
)
KEY = "push/main/9f2c"


def mailing() -> Bench:
    """Its rule tells of each push."""
    wrong = Wrong()

    def find(view: View, limits: Limits) -> Iterator[Finding]:
        wrong.asked.append(view)
        return iter([found("mail", guest_subject(), text="{name}: mail", event=push.id) for push in view.pushes])

    return Bench((replace(wrong.rule("mail", kind=Kind.EVENT), find=find),), wrong)


def test_it_reads_as_it_was_written() -> None:
    assert unpack(pack(PUSH)) == PUSH


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", pack(PUSH).replace("+00:00", ""), '{"at": 3}'])
def test_what_is_damaged_is_none(text: str) -> None:
    assert unpack(text) is None


async def test_it_is_written_down_before_it_is_answered_and_told_after_a_kill() -> None:
    bench = await mailing().start()
    await bench.watch.push(PUSH)
    assert json.loads(bench.ledger.facts[KEY])["title"] == NAME
    await bench.restart()
    await bench.poll()
    assert bench.told == [("fired", "mail:main/guest/101:9f2c")]
    assert bench.ledger.facts[KEY] == ""
    told = next(changes for changes in bench.ledger.saved if changes.facts.get(KEY) == "")
    assert told.alerts  # in the same transaction
    await bench.restart()
    await bench.poll(times=2)
    assert len(bench.told) == 1


async def test_it_stays_until_the_cluster_can_be_read_and_is_told_once() -> None:
    bench = await mailing().start()
    bench.pve.error = PveUnreachable("away")
    other = replace(PUSH, id="other", kind="fencing")
    await bench.watch.push(PUSH)
    await bench.poll()
    assert [kind for kind, _ in bench.told] == ["fired"]
    bench.wrong.asked.clear()
    await bench.watch.push(other)
    bench.pve.error = None
    await bench.poll(times=2)
    assert [[push.id for push in view.pushes] for view in bench.wrong.asked] == [["other"], []]
    assert [key for _, key in bench.told] == ["mail:main/guest/101:9f2c", "mail:main/guest/101:other"]


async def test_a_rule_that_needs_the_cluster_gets_it_when_that_is_back() -> None:
    bench = await Bench().start()
    bench.pve.error = PveUnreachable("away")
    await bench.watch.push(PUSH)
    await bench.poll(times=2)
    bench.pve.error = None
    bench.wrong.asked.clear()
    await bench.poll(times=2)
    assert [bool(view.pushes) for view in bench.wrong.asked if view.fresh] == [True] * 4 + [False] * 4  # four rules


async def test_a_full_disk_is_said_and_it_is_told_all_the_same() -> None:
    bench = await mailing().start()
    bench.ledger.fails = True
    with pytest.raises(StoreFailed):
        await bench.watch.push(PUSH)
    await bench.poll()
    assert len(bench.told) == 1
    bench.ledger.fails = False
    await bench.poll()
    assert bench.ledger.facts[KEY] == ""


async def test_those_of_a_cluster_that_is_gone_are_told_by_the_first() -> None:
    bench = mailing()
    bench.ledger.facts = {"push/lab/9f2c": pack(PUSH), "push/lab/x": "{"}
    await bench.start()
    assert [push.id for push in bench.wrong.asked[-1].pushes] == ["9f2c"]
    assert bench.ledger.facts == bench.ledger.facts | {"push/lab/9f2c": "", "push/lab/x": ""}


def test_what_was_taken_stays_and_of_too_many_the_new_are_refused() -> None:
    pushes = Pushes("main", {})
    taken = [replace(PUSH, id=str(number)) for number in range(MOST)]
    for push in taken:
        pushes.take(push)
    with pytest.raises(Crowded):
        pushes.take(PUSH)
    assert pushes.take(taken[0])  # the same once more
    told = replace(PUSH, id="told", kind=FLOOD)
    assert pushes.take(told) == {"push/main/told": pack(told)}
    with pytest.raises(Crowded):
        pushes.take(replace(told, id="again"))
    assert pushes.waiting == (*taken, told)
    pushes.done(taken[:2])
    assert pushes.take(PUSH) == {KEY: pack(PUSH)}


async def test_all_that_was_taken_is_told_and_what_is_refused_hurries_a_poll() -> None:
    bench = await mailing().start()
    for number in range(MOST):
        await bench.watch.push(replace(PUSH, id=str(number)))
    bench.watch._posts["main"].hurried = False
    with pytest.raises(Crowded):
        await bench.watch.push(PUSH)
    assert bench.watch._posts["main"].hurried
    assert KEY not in bench.ledger.facts
    await bench.poll()
    assert len(bench.told) == MOST
    await bench.watch.push(PUSH)


async def _beats(bench: Bench, pushed_at: float, until: float) -> list[float]:
    """Seconds from the first poll at which the loop polled."""
    beats: list[float] = []
    began = bench.clock.monotonic()
    tick, sleep = bench.watch.tick, bench.clock.sleep

    async def noted(key: str) -> None:
        beats.append(bench.clock.monotonic() - began)
        await tick(key)

    async def slept(seconds: float) -> None:
        before = bench.clock.monotonic() - began
        await sleep(seconds)
        if before < pushed_at <= before + seconds:
            await bench.watch.push(PUSH)
        if before > until:
            raise asyncio.CancelledError

    bench.watch.tick, bench.clock.sleep = noted, slept  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await bench.watch._loop("main")
    return beats


@pytest.mark.parametrize(
    ("pushed_at", "beats"), [(99.0, [0, 15, 30]), (22.0, [0, 15, 22, 30]), (17.0, [0, 15, 20, 30])]
)
async def test_it_hurries_a_poll_but_not_more_often_than_once_in_five_seconds(
    pushed_at: float, beats: list[float]
) -> None:
    assert await _beats(await Bench().start(), pushed_at, 32) == beats


async def test_of_two_clusters_that_have_a_node_of_one_name_its_address_says_which() -> None:
    bench = await Bench(clusters=("main", "lab")).start()
    await bench.watch.push(PUSH, "lab")
    await bench.watch.push(PUSH)
    await bench.watch.push(replace(PUSH, id="x"), "nosuch")
    assert [key for key in bench.ledger.facts if key.startswith("push/")] == ["push/lab/9f2c", KEY, "push/main/x"]


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("vzdump", {"backups", "failed"}),
        ("replication", {"replication"}),
        ("package-updates", {"packages"}),
        ("fencing", {"ha"}),
        ("system-mail", set()),
    ],
)
async def test_what_tells_of_the_same_is_read_at_once(kind: str, read: set[str]) -> None:
    bench = await Bench(clusters=("main", "lab")).start()
    asked: list[tuple[str, str]] = []

    class Feeding:
        def soon(self, feeds: Collection[Feed[Any]], node: str) -> None:
            asked.extend((feed.key, node) for feed in feeds)

    bench.watch._posts["main"].feeder = Feeding()  # type: ignore[assignment]
    await bench.watch.push(replace(PUSH, kind=kind))
    assert asked == [(key, "pve1") for key, _ in asked]
    assert {key for key, _ in asked} == read


async def test_what_was_pushed_before_the_first_poll_ever_is_told() -> None:
    """After a damaged database was set aside there is no memory either, and much may wait: it is no history."""
    bench = mailing()
    await bench.watch.start()
    await bench.watch.push(PUSH)
    await bench.poll(times=2)
    assert bench.told == [("fired", "mail:main/guest/101:9f2c")]
