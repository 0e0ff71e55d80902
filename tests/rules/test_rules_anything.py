"""Whatever a view is made of: no rule raises, none finds anything out of blindness, no text breaks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import Gap, Guest, Kind, Node, Outcome, Snapshot, Status, Storage, Unseen
from bot.model.feeds import AGENT, FILESYSTEMS, HA, NODE_STATUS, ONBOOT, TIME, ZFS, Feeds, Reading
from bot.model.readings import (
    AgentPings,
    FileSystem,
    GuestDisks,
    GuestNotes,
    Ha,
    HaService,
    NodeStatus,
    NodeTime,
    ZfsPool,
)
from bot.model.view import Cut, GuestWas, Memory, NodeWas, Order, Push, View
from bot.rules import BY_KEY, Limits, cluster
from bot.rules import Kind as Lasts
from bot.rules.guest import agents, expected, troubled, usage
from bot.rules.guest import stopped as guests
from bot.rules.inhibits import inhibits
from bot.rules.node import figures as nodes
from bot.rules.node import frozen, ha, presence, strain
from bot.text import Reader, html, plain
from bot.watch.memory import remember
from tests.rules.views import HOSTILE, NOW, task

MINE = (agents, cluster, presence, frozen, ha, guests, expected, troubled, usage, nodes, strain)
ROWS = [row for module in MINE for row in module.RULES]
NAMES = st.sampled_from(["pve1", "pve2", "pve3", "", HOSTILE])
FIGURE = st.none() | st.integers(0, 2**50)
SHARE = st.none() | st.floats(0, 2, allow_nan=False)
TIME_ = st.integers(-(10**7), 10**7).map(lambda s: NOW + timedelta(seconds=s))
EPOCH = st.integers(-(10**7), 10**7).map(lambda s: NOW.timestamp() + s)
WORD = st.sampled_from(["", "started", "stopped", "error", "fence", "recovery", "migrate", "freeze", "tomorrow"])
TAGS = st.lists(st.sampled_from(["expect-up", "critical", "expect-agent", "bot-mute", HOSTILE]), max_size=3).map(tuple)
KINDS = ("qmstop", "qmstart", "vzdump", "stopall", "startall", "hastop", "qmpause", "qmigrate", "qmreboot", HOSTILE[:3])

GUEST = st.builds(
    Guest,
    cluster=st.just("main"),
    vmid=st.integers(100, 105),
    name=st.sampled_from(["web", HOSTILE, ""]),
    kind=st.sampled_from(Kind),
    node=NAMES,
    status=st.sampled_from(Status),
    template=st.booleans(),
    cpu=SHARE,
    mem=FIGURE,
    maxmem=FIGURE,
    disk=FIGURE,
    maxdisk=FIGURE,
    uptime=FIGURE,
    lock=st.sampled_from(["", "backup", "suspended", "tomorrow"]),
    tags=TAGS,
    hastate=WORD,
)
NODE = st.builds(
    Node,
    cluster=st.just("main"),
    name=NAMES,
    online=st.none() | st.booleans(),
    cpu=SHARE,
    cpus=st.none() | st.integers(0, 512),
    mem=FIGURE,
    maxmem=FIGURE,
    disk=FIGURE,
    maxdisk=FIGURE,
    uptime=FIGURE,
)
STORAGE = st.builds(
    Storage,
    cluster=st.just("main"),
    name=st.sampled_from(["local", "nas", HOSTILE]),
    node=NAMES,
    shared=st.booleans(),
    available=st.none() | st.booleans(),
    disk=FIGURE,
    maxdisk=FIGURE,
    kind=st.sampled_from(["", "dir", "zfspool", "nfs"]),
)
UNSEEN = st.builds(Unseen, gap=st.sampled_from(Gap), subject=NAMES)
SNAPSHOT = st.builds(
    Snapshot,
    cluster=st.just("main"),
    name=st.just("homelab"),
    quorate=st.none() | st.booleans(),
    nodes=st.lists(NODE, max_size=4, unique_by=lambda one: one.name).map(tuple),
    guests=st.lists(GUEST, max_size=6, unique_by=lambda one: one.vmid).map(tuple),
    storages=st.lists(STORAGE, max_size=3).map(tuple),
    unseen=st.lists(UNSEEN, max_size=2).map(tuple),
    taken=TIME_,
)
GUEST_WAS = st.builds(
    GuestWas,
    status=st.sampled_from(Status),
    node=NAMES,
    booted=st.none() | EPOCH,
    changed=st.none() | TIME_,
    lock=st.sampled_from(["", "backup"]),
    locked=st.none() | TIME_,
    resets=st.lists(TIME_, max_size=4).map(tuple),
    stopped_by=st.sampled_from(["", "ana@pve", "vzdump by ana@pve"]),
    ran=st.none() | TIME_,
)
NODE_WAS = st.builds(
    NodeWas,
    online=st.none() | st.booleans(),
    booted=st.none() | EPOCH,
    changed=st.none() | TIME_,
    uptime=FIGURE,
    moved=st.none() | TIME_,
    pools=st.sampled_from([(), ("rpool",)]),
)
FIGURES = st.dictionaries(
    st.sampled_from(["polled", *(f"{what}/{name}" for name in ("pve1", "pve2")
                                 for what in ("ordered", "offline", "settled", "fence", "swap", "swap_at"))]),
    EPOCH | st.sampled_from([float("nan"), float("inf"), -1.0, 1e300]),
    max_size=6,
)  # fmt: skip
MEMORY = st.builds(
    Memory,
    guests=st.dictionaries(st.integers(100, 107), GUEST_WAS, max_size=6),
    nodes=st.dictionaries(NAMES, NODE_WAS, max_size=4),
    figures=FIGURES,
)
STATUS = st.builds(
    NodeStatus,
    load5=SHARE,
    cpus=st.none() | st.integers(0, 8),
    iowait=SHARE,
    swap=FIGURE,
    swap_total=FIGURE,
    mem=FIGURE,
    mem_total=FIGURE,
    mem_available=FIGURE,
    arc=FIGURE,
    pressure_io=SHARE,
    pressure_mem=SHARE,
    pressure_cpu=SHARE,
)
SERVICE = st.builds(
    HaService, sid=st.just("vm:104"), vmid=st.integers(100, 105), node=NAMES, state=WORD, requested=WORD
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    NODE_STATUS.key: STATUS,
    HA.key: st.builds(
        Ha,
        services=st.lists(SERVICE, max_size=2).map(tuple),
        nodes=st.dictionaries(NAMES, st.sampled_from(["online", "fence", "maintenance", "tomorrow"]), max_size=3),
        armed=st.none() | st.booleans(),
    ),
    ONBOOT.key: st.builds(GuestNotes, onboot=st.frozensets(st.integers(100, 105))),
    FILESYSTEMS.key: st.builds(
        GuestDisks,
        of=st.dictionaries(
            st.integers(100, 105),
            st.lists(
                st.builds(FileSystem, mount=st.just(HOSTILE), used=st.integers(0, 200), total=st.integers(1, 100)),
                max_size=3,
            ).map(tuple),
            max_size=3,
        ),
    ),
    AGENT.key: st.builds(AgentPings, answers=st.dictionaries(st.integers(100, 105), st.booleans(), max_size=3)),
    TIME.key: st.builds(NodeTime, offset=st.floats(-1e5, 1e5), error=st.floats(0, 10)),
    ZFS.key: st.just((ZfsPool(name="tank", health="ONLINE"),)),
}


@st.composite
def readings(draw: st.DrawFn) -> Feeds:
    found: dict[tuple[str, str], Reading[Any]] = {}
    for key, value in VALUES.items():
        for name in draw(st.lists(NAMES, max_size=3, unique=True)):
            found[(key, name if key not in {HA.key, ONBOOT.key, AGENT.key} else "")] = Reading(
                value=draw(st.none() | value),
                at=NOW,
                fresh=draw(st.booleans()),
                silent=draw(st.booleans()),
                forbidden=draw(st.booleans()),
            )
    return Feeds(readings=found)


TASK = st.builds(
    lambda kind, subject, on, start, length, outcome: task(
        kind, subject, start=start, end=None if length is None else start + length, on=on, outcome=outcome
    ),
    st.sampled_from(KINDS),
    st.sampled_from(["", 104, 105, "nas"]),
    st.sampled_from(["pve1", "pve2"]),
    st.integers(-4000, 4000),
    st.none() | st.integers(0, 4000),
    st.sampled_from(Outcome),
)
ORDER = st.builds(
    Order,
    action=st.sampled_from(["start", "stop", "pause", "reboot", "shutdown"]),
    target=st.sampled_from(["main/104", "main/pve1", "lab/104", ""]),
    at=TIME_,
    by=st.sampled_from(["Ana Meier", ""]),
)
PUSH = st.builds(
    Push, id=st.just("1"), at=TIME_, kind=st.sampled_from(["fencing", "vzdump"]), severity=st.just("error"),
    title=st.just(""), message=st.just(""), host=NAMES,
)  # fmt: skip
VIEW = st.builds(
    View,
    cluster=st.just("main"),
    name=st.sampled_from(["homelab", HOSTILE]),
    at=TIME_,
    step=st.floats(0, 30),
    poll=st.floats(1, 60),
    snapshot=st.none() | SNAPSHOT,
    fresh=st.booleans(),
    before=MEMORY,
    first=st.booleans(),
    started=st.none() | TIME_,
    tasks=st.none() | st.lists(TASK, max_size=4).map(tuple),
    feeds=readings(),
    cut=st.none() | st.sampled_from(Cut),
    failed=st.integers(0, 5),
    cut_since=st.none() | TIME_,
    second_opinion=st.none() | st.booleans(),
    looked_up=st.frozensets(st.integers(100, 105), max_size=3),
    orders=st.lists(ORDER, max_size=2).map(tuple),
    pushes=st.lists(PUSH, max_size=1).map(tuple),
    sleeping=st.frozensets(NAMES, max_size=1),
    maintenance=st.frozensets(NAMES, max_size=1),
    deaf=st.sampled_from([0.0, 60.0]),
)


def every(view: View) -> list[Any]:
    found = []
    for row in ROWS:
        for finding in row.find(view, Limits(base=replace(row.limit, on=True))):
            assert finding.rule == row.key
            assert isinstance(row.sees(view, finding.subject), bool)
            found.append(finding)
    return found


@settings(max_examples=60, deadline=None)
@given(VIEW)
def test_no_view_makes_a_rule_raise(view: View) -> None:
    found = every(view)
    for finding in found:
        for said in (finding.said, finding.over, finding.because, finding.last, *finding.details):
            if said is not None:
                assert plain(said, Reader())
                assert "<1>" not in html(said, Reader())
        for cure in finding.cures:
            assert (cure.verb, bool(cure.key)) in {("ask", True), ("open", True)}
            assert len(plain(cure.label, Reader())) <= 34
        for other in found:
            assert not (inhibits(finding, other) and inhibits(other, finding))
    keys = [finding.key for finding in found]
    assert len(keys) == len(set(keys))


@settings(max_examples=30, deadline=None)
@given(VIEW)
def test_out_of_blindness_nothing_is_found(view: View) -> None:
    found = every(view)
    for blind in (replace(view, fresh=False), replace(view, snapshot=None)):
        for finding in every(blind):
            assert finding.rule == "api_unreachable"
            assert not blind.fresh
        for finding in found:
            row = BY_KEY[finding.rule]
            if finding.rule != "api_unreachable" and not row.feeds and row.kind is Lasts.STATE:
                assert not row.sees(blind, finding.subject)


@settings(max_examples=30, deadline=None)
@given(st.lists(VIEW, min_size=2, max_size=4))
def test_any_sequence_of_polls_is_remembered(views: list[View]) -> None:
    memory = Memory()
    for view in views:
        memory = remember(replace(view, before=memory))
        again = remember(replace(view, before=memory))
        assert {*memory.guests} >= {*again.guests}
        if not view.fresh or view.snapshot is None:
            assert again is memory


@settings(max_examples=20, deadline=None)
@given(VIEW)
def test_where_nothing_can_be_seen_of_a_guest_nothing_is_found_of_it(view: View) -> None:
    if view.snapshot is None:
        return
    dark = replace(view.snapshot, nodes=tuple(replace(node, online=False, uptime=None) for node in view.snapshot.nodes))
    for finding in every(replace(view, snapshot=dark)):
        if finding.subject.about.value == "guest":
            assert finding.rule in {"ha_error", "guest_event"}
