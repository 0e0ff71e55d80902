"""Whole ticks in any order: findings come and go, clocks jump, the cluster is away, the store fails, the process is
killed. What was told makes one story for each thing, the store knows what the watch knows, all is well at the end."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import PveUnreachable, StoreFailed
from bot.model import Finding, NewsKind, Phase, Severity
from tests.engine.kit import ANA, Bench, cluster_subject, found, guest_subject, node_subject

DOWN = found()
WORSE = replace(DOWN, severity=Severity.CRITICAL)
OTHER = found(subject=guest_subject(102, "pve2"))
OFF = found("off", node_subject(), Severity.CRITICAL)
GONE = found("gone", cluster_subject(), Severity.CRITICAL)
EVENT = found("task", event="UPID:1")
GREY = replace(DOWN, grey=True)
KNOWN = [DOWN, WORSE, OTHER, OFF, GONE, EVENT, GREY]
TOLD = {NewsKind.FIRED, NewsKind.FLAPPING}


@dataclass(frozen=True)
class Turn:
    findings: tuple[Finding, ...]
    polls: int
    away: bool
    unseen: bool
    jump: float
    kill: bool
    fails: bool
    act: str


turns = st.lists(
    st.builds(
        Turn,
        findings=st.lists(st.sampled_from(KNOWN), max_size=4, unique_by=lambda one: one.key).map(tuple),
        polls=st.integers(1, 6),
        away=st.sampled_from([False] * 5 + [True]),
        unseen=st.sampled_from([False] * 4 + [True]),
        jump=st.sampled_from([0.0] * 6 + [90000.0, -90000.0]),
        kill=st.sampled_from([False] * 3 + [True]),
        fails=st.sampled_from([False] * 6 + [True]),
        act=st.sampled_from(["", "", "", "silence", "lift", "maintain", "ack"]),
    ),
    max_size=12,
)


async def act(bench: Bench, what: str) -> None:
    until = bench.clock.now() + timedelta(minutes=5)
    try:
        if what == "silence":
            await bench.watch.silence("guest", "main", "101", until, ANA)
        elif what == "maintain":
            await bench.watch.silence("node", "main", "pve1", until, ANA, maintenance=True)
        elif what == "lift":
            for silence in bench.watch.silences():
                await bench.watch.unsilence(silence.id, ANA)
        elif what == "ack":
            await bench.watch.ack([alert.number for alert in bench.watch.alerts()], ANA)
    except StoreFailed:
        assert bench.ledger.fails


async def play(story: list[Turn]) -> Bench:
    bench = await Bench().start()
    for turn in story:
        if turn.kill:
            bench.ledger.fails = False
            await bench.poll(*bench.wrong.findings)  # what could not be written is lost with the process: not here
            await bench.restart()
        bench.ledger.fails = turn.fails
        bench.pve.error = PveUnreachable("away") if turn.away else None
        bench.wrong.unseen = {guest_subject().key} if turn.unseen else set()
        bench.clock.jump(turn.jump)
        await bench.poll(*turn.findings, times=turn.polls)
        await act(bench, turn.act)
        if not turn.fails:
            known = bench.watch._table.all()
            assert bench.ledger.alerts_ == known, "the store knows something else"
            numbers = [alert.number for alert in known.values()]
            assert len(numbers) == len(set(numbers))
    bench.ledger.fails, bench.pve.error, bench.wrong.unseen = False, None, set()
    for silence in bench.watch.silences():
        await bench.watch.unsilence(silence.id, ANA)
    await bench.poll(times=260)  # longer than any hold, silence and quiet time
    return bench


@given(turns)
@settings(max_examples=60, deadline=None)
def test_every_story_of_a_cluster(story: list[Turn]) -> None:
    bench = asyncio.run(play(story))
    told: dict[int, list[NewsKind]] = defaultdict(list)
    keys: dict[int, str] = {}
    for news in bench.deliverer.news:
        alert = news.alert
        if news.kind in TOLD:
            assert not alert.parent, "told beside its parent"
            assert not alert.silenced, "told though silenced"
        if news.kind not in {NewsKind.CHANGED}:
            told[alert.number].append(news.kind)
            keys[alert.number] = alert.key
    for number, kinds in told.items():
        firsts = [kind for kind in kinds if kind in TOLD]
        ends = [kind for kind in kinds if kind in {NewsKind.RESOLVED, NewsKind.BACK}]
        assert len(firsts) <= 1, (keys[number], kinds)
        if keys[number] == EVENT.key:
            assert kinds == [NewsKind.FIRED]
            continue
        assert len(ends) == 1, (keys[number], kinds)
        assert kinds[-1] == ends[0], (keys[number], kinds)
        assert (NewsKind.RESOLVED in kinds) == bool(firsts), (keys[number], kinds)
        if firsts:
            assert kinds[0] == firsts[0], (keys[number], kinds)
    assert sum(1 for number, key in keys.items() if key == EVENT.key) <= 1
    assert not [phase for phase in bench.standing.values() if phase is not Phase.OVER]
    assert not bench.standing, "nothing is left"
    assert not bench.ledger.alerts_
    assert not bench.ledger.silences
