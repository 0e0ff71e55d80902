"""Whatever Proxmox says: every page draws it, as markup that Telegram takes, in the width of a phone."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.access import Role
from bot.actions import offers
from bot.model import (
    Fleet,
    Gap,
    Guest,
    Kind,
    Node,
    Outcome,
    Permissions,
    Snapshot,
    Status,
    Storage,
    Task,
    TaskLog,
    Unseen,
)
from bot.pages import card, narrow, node, nodes, status, storage, task, tasks, troubles, vm, vms
from bot.pages.listing import Listing
from bot.pages.query import KEYS, Query
from bot.screen import Screen
from bot.text import html, plain
from tests.pages import fleets
from tests.pages.fleets import BEN, NOW, READER
from tests.pages.golden import fits
from tests.test_text import read

texts = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(
    ["", 'web<1>_&"', "日本語サーバー", "⚠️⚠️⚠️⚠️⚠️⚠️⚠️", "x" * 300, "\u202e\n\x00", "{name}"]
)
numbers = st.none() | st.integers(0, 2**60)
shares = st.none() | st.floats(0, 128, allow_nan=False)
vmids = st.integers(100, 999_999_999)
node_names = st.sampled_from(["pve1", "pve2", "a-node-with-a-rather-long-name-indeed", "<n>"])

guests = st.builds(
    Guest,
    cluster=st.just("main"),
    vmid=vmids,
    name=texts,
    kind=st.sampled_from(Kind),
    node=node_names,
    status=st.sampled_from(Status),
    template=st.booleans(),
    cpu=shares,
    cpus=st.none() | st.floats(0, 9999, allow_nan=False),
    mem=numbers,
    maxmem=numbers,
    disk=numbers,
    maxdisk=numbers,
    netin=st.none() | st.floats(0, 2**60),
    netout=st.none() | st.floats(0, 2**60),
    uptime=numbers,
    lock=texts,
    tags=st.lists(texts, max_size=4).map(tuple),
    pool=texts,
    hastate=st.sampled_from(["", "started", "error", "ignored"]) | texts,
)
machines = st.builds(
    Node,
    cluster=st.just("main"),
    name=node_names,
    online=st.sampled_from([True, False, None]),
    cpu=shares,
    cpus=numbers,
    mem=numbers,
    maxmem=numbers,
    disk=numbers,
    maxdisk=numbers,
    uptime=numbers,
    ip=texts,
)
storages = st.builds(
    Storage,
    cluster=st.just("main"),
    name=texts,
    node=node_names,
    shared=st.booleans(),
    available=st.sampled_from([True, False, None]),
    disk=numbers,
    maxdisk=numbers,
    kind=texts,
)
gaps = st.builds(Unseen, gap=st.sampled_from(Gap), subject=texts, count=st.integers(0, 99), detail=texts)
snapshots = st.builds(
    Snapshot,
    cluster=st.just("main"),
    name=texts,
    quorate=st.sampled_from([True, False, None]),
    nodes=st.lists(machines, max_size=6, unique_by=lambda one: one.name).map(tuple),
    guests=st.lists(guests, max_size=12, unique_by=lambda one: one.vmid).map(tuple),
    storages=st.lists(storages, max_size=14).map(tuple),
    unseen=st.lists(gaps, max_size=4).map(tuple),
    taken=st.sampled_from([fleets.TAKEN, NOW, NOW.replace(year=2027), NOW.replace(year=2020)]),
    standalone=st.booleans(),
)
logs = st.lists(texts, max_size=30).map(lambda lines: TaskLog(lines=tuple(lines), total=len(lines)))


def holds(screen: Screen) -> None:
    fits(screen)
    shown = read(html(screen.text, READER))
    assert shown.strip(), "an empty message is refused"
    assert len(shown) <= 4096
    plain(screen.text, READER).encode()
    assert screen.rows


@settings(max_examples=50, deadline=None)
@given(snapshots, texts | st.sampled_from(["tag:prod", "status:problem", "page:2", "type:ct"]))
def test_lists(seen: Snapshot, text: str) -> None:
    fleet = Fleet(snapshots=(seen, replace(seen, cluster="lab", guests=(), nodes=())))
    for part in (fleet, Fleet(snapshots=(seen,))):
        holds(status.draw(status.Data(fleet=part, now=NOW), BEN))
        holds(vms.draw(vms.Data(fleet=part, query=Query.parse(text), now=NOW), BEN))
        holds(nodes.draw(Listing(fleet=part, number=2, now=NOW), BEN))
        holds(storage.draw(Listing(fleet=part, number=1, now=NOW), BEN))
        holds(troubles.draw(Listing(fleet=part, number=1, now=NOW), BEN))
        for by in ("", *KEYS):
            holds(narrow.draw(narrow.Data(fleet=part, by=by, query=Query.parse(text), now=NOW), BEN))


@settings(max_examples=50, deadline=None)
@given(guests, st.lists(texts, max_size=6), texts, st.booleans())
def test_cards(one: Guest, addresses: list[str], cluster: str, more: bool) -> None:
    allowed = {Role.OPERATOR: Permissions(paths={"/": dict.fromkeys(fleets.EVERY_PRIVILEGE, True)})}
    shown = card.Card(
        guest=one,
        actions=offers(one, BEN, allowed),
        addresses=tuple(addresses),
        taken=NOW,
        now=NOW,
        web="https://pve.example.org:8006",
        cluster=cluster,
        more=more,
    )
    holds(vm.draw(shown, BEN))


@settings(max_examples=50, deadline=None)
@given(machines, st.lists(guests, max_size=5), st.lists(storages, max_size=9), texts)
def test_nodes(one: Node, here: list[Guest], local: list[Storage], cluster: str) -> None:
    data = node.Data(
        node=one,
        guests=tuple(here),
        storages=tuple(local),
        templates=len(here),
        taken=NOW,
        now=NOW,
        web="",
        cluster=cluster,
    )
    holds(node.draw(data, BEN))


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(Outcome), texts, logs, st.none() | snapshots, st.sampled_from(["", "101", "nas..x", "９９"]))
def test_tasks(outcome: Outcome, words: str, log: TaskLog, seen: Snapshot | None, subject: str) -> None:
    fleet = Fleet(snapshots=(seen,)) if seen is not None else None
    one = replace(fleets.task("qmstart", subject, outcome), exitstatus=words)
    endless = Task(cluster="main", upid=fleets.upid("x" * 80, "y" * 80), outcome=outcome, exitstatus=words)
    for each in (one, endless):
        holds(task.draw(task.Data(task=each, log=log, fleet=fleet, now=NOW, whole=log), BEN))
    data = tasks.Data(tasks=(one, endless), fleet=fleet, show="", of="vm:main/101", number=1, now=NOW)
    holds(tasks.draw(data, BEN))
