"""Data → screen, for every page in the states it is seen in. The screens are read in tests/screens/."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.access import Asker, Role, Scope
from bot.actions import ACTIONS, offers
from bot.errors import PveUnreachable
from bot.model import Fleet, Gap, Guest, Outcome, Permissions, Snapshot, Status, TaskLog, Unseen
from bot.pages import (
    PAGES,
    card,
    freeze,
    ids,
    manual,
    narrow,
    node,
    nodes,
    status,
    storage,
    task,
    tasks,
    troubles,
    vm,
    vms,
    whoami,
)
from bot.pages.listing import Listing
from bot.pages.parts import web_button
from bot.pages.query import Query
from bot.rules.subjects import guests_there
from bot.screen import Link, Screen
from bot.text import plain, say
from tests.pages import fleets
from tests.pages.fleets import ANA, BEN, GUESTS, HOSTILE, NOW, READER, STORAGES, TAKEN, TASKS, VERA, fleet, snapshot
from tests.pages.golden import check, label

ALL = Permissions(paths={"/": dict.fromkeys(fleets.EVERY_PRIVILEGE, True)})
LAB = snapshot(
    cluster="lab",
    name="lab",
    nodes=(fleets.node("lab1", cluster="lab", cpu=0.02, mem=0.2),),
    guests=(
        fleets.guest(101, "web", cluster="lab", node="lab1"),
        fleets.guest(102, "try", Status.PAUSED, cluster="lab", node="lab1"),
    ),
    storages=(fleets.storage("local", 0.97, node="lab1", cluster="lab"),),
)
STANDALONE = snapshot(
    name="pve",
    quorate=True,
    standalone=True,
    nodes=(fleets.node("pve"),),
    guests=(fleets.guest(100, "ha", node="pve"),),
    storages=(fleets.storage("local", 0.3, node="pve"),),
)
NINE = snapshot(
    nodes=tuple(fleets.node(f"pve{i}", cpu=i / 20, mem=(10 - i) / 12) for i in range(1, 10)), guests=(), storages=()
)
LONG_NAMES = snapshot(
    nodes=(fleets.node("proxmox-rack1-node01"), fleets.node("proxmox-rack1-node02", cpu=1.0, mem=0.99)),
    guests=tuple(replace(one, node="proxmox-rack1-node01") for one in GUESTS),
)
EMPTY = snapshot(guests=(), storages=())
BLIND = snapshot(
    guests=(),
    storages=(),
    nodes=tuple(fleets.node(name, cpu=None) for name in ("pve1", "pve2", "pve3")),
    quorate=None,
    unseen=(
        Unseen(gap=Gap.NO_GUESTS_VISIBLE, subject="telemox@pve!view"),
        *(Unseen(gap=Gap.NODE_BARE, subject=name) for name in ("pve1", "pve2", "pve3")),
        Unseen(gap=Gap.STATUS_FORBIDDEN, subject="telemox@pve!view"),
    ),
)
REFUSED = PveUnreachable(
    "connection refused", each=[PveUnreachable("connection refused", host=f"10.0.0.1{n}:8006") for n in (1, 2, 3)]
)
STALE = snapshot(
    taken=NOW - timedelta(minutes=17),
    unseen=(Unseen(gap=Gap.UNREACHABLE, subject="homelab", count=11, detail="connection refused", said=REFUSED.why()),),
)
HOSTILE_EVERYTHING = snapshot(
    name="<b>&\"'",
    nodes=(fleets.node("pve1"), fleets.node("pve2", online=False)),
    guests=(
        fleets.guest(103, HOSTILE, Status.IO_ERROR, tags=("<i>", "a&b")),
        fleets.guest(104, "日本語サーバー名前", Status.PAUSED, node="pve2"),
        fleets.guest(105, "{name}\u202egpj.exe\n\x00", lock="<backup>"),
        fleets.guest(106, "x" * 200),
    ),
    storages=(fleets.storage("<nas>&", 0.99, shared=True),),
    unseen=(
        Unseen(gap=Gap.STATUS_FAILED, detail='502 <title> & "gateway"'),
        Unseen(gap=Gap.ROWS_DROPPED, count=2),
    ),
)
QUORUM_LOST = snapshot(
    quorate=False,
    nodes=(fleets.node("pve1"), fleets.node("pve2", online=False), fleets.node("pve3", online=False)),
    guests=tuple(replace(one, status=Status.UNKNOWN) if one.node != "pve1" else one for one in GUESTS),
)
MANY_PROBLEMS = snapshot(
    nodes=(*fleets.NODES[:2], fleets.node("pve3", online=None)),
    guests=(
        *GUESTS,
        fleets.guest(201, "full", Status.IO_ERROR),
        fleets.guest(202, "fenced", hastate="error"),
        fleets.guest(203, "crashed", Status.INTERNAL_ERROR),
        fleets.guest(204, "saving", lock="backup"),
        fleets.guest(205, "ha-down", Status.STOPPED, hastate="started"),
        fleets.guest(206, "silent", Status.UNKNOWN, node="pve2"),
    ),
    storages=(
        *STORAGES,
        fleets.storage("iscsi", 0.0, shared=True, available=False),
        fleets.storage("tank", 0.951, node="pve2"),
    ),
)

STORAGES_GONE = snapshot(
    guests=(),
    storages=(
        *STORAGES,
        fleets.storage("local", 0.4, node="pve2", available=None),
        fleets.storage(HOSTILE, 0.4, node="pve2", available=None),
        fleets.storage("iscsi", 0.0, shared=True, available=False),
        fleets.storage("tank", 0.97, node="pve1"),
        replace(fleets.storage("pbs", 0.5, shared=True), disk=0, maxdisk=0),
    ),
)

SEEN: dict[str, Snapshot] = {
    "healthy": fleets.calm(),
    "usual": snapshot(),
    "node-down": fleets.node_gone(),
    "quorum-lost": QUORUM_LOST,
    "blind": BLIND,
    "standalone": STANDALONE,
    "nine-nodes": NINE,
    "long-names": LONG_NAMES,
    "hostile": HOSTILE_EVERYTHING,
    "large": fleets.large(),
    "empty": EMPTY,
    "stale": STALE,
    "many-problems": MANY_PROBLEMS,
    "storages-gone": STORAGES_GONE,
}
FLEETS: dict[str, Fleet] = {name: fleet(seen) for name, seen in SEEN.items()} | {
    "two-clusters": fleet(snapshot(), LAB),
}


@pytest.mark.parametrize("name", FLEETS)
def test_status(name: str) -> None:
    check(f"status-{name}", status.draw(status.Data(fleet=FLEETS[name], now=NOW), VERA))


def test_status_of_a_frozen_bot() -> None:
    check("status-frozen", status.draw(status.Data(fleet=FLEETS["healthy"], now=NOW, frozen=True), VERA))


@pytest.mark.parametrize(
    ("name", "arg"),
    [
        ("usual", ""),
        ("usual", "page:2"),
        ("usual", "tag:prod"),
        ("usual", "status:stopped page:9"),
        ("usual", "nothing-so"),
        ("node-down", ""),
        ("blind", ""),
        ("empty", ""),
        ("standalone", ""),
        ("long-names", ""),
        ("hostile", ""),
        ("large", ""),
        ("large", "page:1250"),
        ("stale", ""),
        ("many-problems", "status:problem"),
        ("two-clusters", ""),
        ("two-clusters", "cluster:lab"),
    ],
)
def test_vms(name: str, arg: str) -> None:
    data = vms.Data(fleet=FLEETS[name], query=Query.parse(arg), now=NOW)
    mark = "".join(c if c.isalnum() else "-" for c in arg)
    check(f"vms-{name}{'-' if mark else ''}{mark}", vms.draw(data, VERA))


@pytest.mark.parametrize("name", ["usual", "node-down", "nine-nodes", "long-names", "blind", "two-clusters", "stale"])
def test_nodes(name: str) -> None:
    check(f"nodes-{name}", nodes.draw(Listing(fleet=FLEETS[name], number=1, now=NOW), VERA))


@pytest.mark.parametrize(
    "name", ["usual", "node-down", "two-clusters", "blind", "hostile", "empty", "large", "storages-gone"]
)
def test_storage(name: str) -> None:
    check(f"storage-{name}", storage.draw(Listing(fleet=FLEETS[name], number=1, now=NOW), VERA))


@pytest.mark.parametrize("name", FLEETS)
def test_all_storages_of_a_table_begin_with_an_emoji_or_none(name: str) -> None:
    for seen in FLEETS[name]:
        for drawn in storage.bars(seen.storages):
            rows = plain(drawn, READER).splitlines()
            assert len(rows) == len(seen.storages)
            assert len({row[0] in "🟢⚠🔴⚪" for row in rows}) == 1, rows


@pytest.mark.parametrize("name", ["healthy", "many-problems", "two-clusters", "hostile", "stale"])
def test_problems(name: str) -> None:
    check(f"problems-{name}", troubles.draw(Listing(fleet=FLEETS[name], number=1, now=NOW), VERA))


def test_problems_second_page() -> None:
    data = Listing(fleet=FLEETS["many-problems"], number=2, now=NOW)
    check("problems-many-problems-page-2", troubles.draw(data, VERA))


@pytest.mark.parametrize(("by", "arg"), [("", ""), ("tag", "node:pve3"), ("status", "status:running"), ("type", "web")])
def test_filter(by: str, arg: str) -> None:
    data = narrow.Data(fleet=FLEETS["usual"], by=by, query=Query.parse(arg), now=NOW)
    check(f"filter-{by or 'what'}", narrow.draw(data, VERA))


def test_filter_with_more_values_than_a_screen_holds() -> None:
    tagged = tuple(fleets.guest(100 + i, f"g{i}", tags=(f"tag{i:02}",)) for i in range(40))
    data = narrow.Data(fleet=fleet(snapshot(guests=tagged)), by="tag", query=Query.parse("page:2"), now=NOW)
    check("filter-tag-many", narrow.draw(data, VERA))


def test_guests_are_counted_alike_wherever_they_are() -> None:
    """A template is none: it is listed, and counted by itself."""
    here = (*(fleets.guest(100 + n, f"g{n}") for n in range(8)), GUESTS[10])
    seen = fleet(snapshot(guests=here, nodes=(fleets.node("pve1"),)))
    assert GUESTS[10].template
    assert seen.total == 8

    def listed(arg: str) -> str:
        return plain(vms.draw(vms.Data(fleet=seen, query=Query.parse(arg), now=NOW), VERA).text, READER).split("\n")[0]

    assert listed("") == "Guests 1-8 of 8 · 1 template"
    assert listed("page:2") == "8 guests · 1 template"
    assert listed("node:pve1") == "Guests 1-8 of 8 · 1 template · node:pve1"
    assert listed("type:template") == "1 template · type:template"
    top = status.draw(status.Data(fleet=seen, now=NOW), VERA)
    assert "8 of 8 guests run · 1 template" in plain(top.text, READER)
    assert "Guests 8" in [label(button) for row in top.rows for button in row]
    by_type = narrow.draw(narrow.Data(fleet=seen, by="type", query=Query.parse(""), now=NOW), VERA)
    assert [label(button) for button in by_type.rows[0]] == ["VMs (8)", "templates (1)"]
    assert plain(guests_there(seen.nodes[0], seen.snapshots[0]).label, READER) == "Guests 8"


def test_node() -> None:
    one = fleets.node("pve1")
    mine = tuple(guest for guest in GUESTS if guest.node == "pve1" and not guest.template)
    usual = node.Data(
        node=one,
        guests=mine,
        storages=STORAGES[:1],
        templates=1,
        taken=TAKEN,
        now=NOW,
        web="https://192.0.2.11:8006",
        cluster="",
    )
    check("node-usual", node.draw(usual, VERA))
    gone = fleets.node("pve2", online=False)
    lone = replace(usual, node=gone, guests=(), storages=(), templates=0, cluster="homelab")
    check("node-offline", node.draw(lone, VERA))
    check(
        "node-bare", node.draw(replace(usual, node=fleets.node("pve1", cpu=None), web="https://127.0.0.1:8006"), VERA)
    )
    check("node-choice", node.draw(node.Choice(nodes=fleets.NODES), VERA))


# -- the guest card ------------------------------------------------------------------------------------------------


def a_card(guest: Guest, asker: Asker = BEN, *, power: bool = True) -> card.Card:
    permissions = {Role.OPERATOR: ALL, Role.ADMIN: ALL} if power else {}
    return card.Card(
        guest=guest,
        actions=offers(guest, asker, permissions),
        addresses=("192.0.2.17", "2001:db8::17"),
        taken=NOW,
        now=NOW,
        web="https://pve1.example.org:8006",
        cluster="",
    )


CARDS: dict[str, Callable[[], tuple[card.Card, Asker]]] = {
    "operator": lambda: (a_card(GUESTS[0]), BEN),
    "viewer": lambda: (a_card(GUESTS[0], VERA), VERA),
    "monitor": lambda: (a_card(GUESTS[0], ANA, power=False), ANA),
    "more": lambda: (replace(a_card(GUESTS[0]), more=True), BEN),
    "more-viewer": lambda: (replace(a_card(GUESTS[0], VERA), more=True), VERA),
    "container": lambda: (a_card(GUESTS[4]), BEN),
    "stopped": lambda: (replace(a_card(GUESTS[3]), addresses=()), BEN),
    "paused": lambda: (a_card(GUESTS[8]), BEN),
    "hibernated": lambda: (replace(a_card(GUESTS[7]), addresses=()), BEN),
    "template": lambda: (replace(a_card(GUESTS[10]), addresses=()), BEN),
    "hostile": lambda: (a_card(fleets.guest(103, HOSTILE, tags=("<b>", "a&b"), lock="<x>", pool="&")), BEN),
    "long-name": lambda: (a_card(fleets.guest(140, "x" * 200, Status.IO_ERROR)), BEN),
    "node-down": lambda: (
        replace(
            a_card(replace(GUESTS[1], status=Status.UNKNOWN)),
            addresses=(),
            taken=NOW - timedelta(minutes=4),
            trouble=say("{node} is offline: this is what was last known.", node="pve2"),
        ),
        BEN,
    ),
    "not-read": lambda: (
        replace(
            a_card(replace(fleets.guest(103, HOSTILE, tags=("prod",)), status=Status.UNKNOWN)),
            last=Status.RUNNING,
            taken=NOW - timedelta(days=2),
            trouble=say("Proxmox VE refused: got timeout"),
        ),
        BEN,
    ),
    "no-quorum": lambda: (replace(a_card(GUESTS[0]), quorate=False), BEN),
    "io-error": lambda: (a_card(fleets.guest(103, HOSTILE, Status.IO_ERROR)), BEN),
    "over-memory": lambda: (a_card(replace(GUESTS[0], mem=5 * fleets.GIB)), BEN),
    "many-addresses": lambda: (replace(a_card(GUESTS[0]), addresses=tuple(f"10.0.0.{n}" for n in range(9))), BEN),
    "of-a-cluster": lambda: (replace(a_card(GUESTS[0]), cluster="homelab", web="https://127.0.0.1:8006"), BEN),
    "bare": lambda: (
        replace(
            a_card(
                Guest(cluster="main", vmid=777, name="VM 777", kind=GUESTS[0].kind, node="pve1", status=Status.RUNNING)
            ),
            addresses=(),
            web="",
        ),
        BEN,
    ),
}


@pytest.mark.parametrize("name", CARDS)
def test_card(name: str) -> None:
    shown, asker = CARDS[name]()
    check(f"vm-{name}", vm.draw(shown, asker))


@pytest.mark.parametrize(
    ("web", "drawn"),
    [
        ("https://pve1.example.org:8006", True),
        ("https://192.0.2.11:8006", True),
        ("https://[2001:db8::1]:8006", True),
        ("http://pve1.example.org:8006", False),
        ("https://localhost:8006", False),
        ("https://127.0.0.1:8006", False),
        ("https://[::1]:8006", False),
        ("https://pve1:8006", False),
        ("https://x.localhost", False),
        ("", False),
    ],
)
def test_a_link_is_drawn_where_telegram_takes_it(web: str, drawn: bool) -> None:
    assert [button.tap for button in web_button(web, "qemu/101")] == (
        [Link(f"{web}/#v1:0:=qemu%2F101")] if drawn else []
    )


def test_every_action_has_its_button_on_the_card_or_behind_more() -> None:
    for one in GUESTS:
        shown = a_card(one)
        on_card = {button.tap for row in card.rows(one, shown.actions) for button in row}
        behind = {button.tap for row in card.rows(one, shown.actions, more=True) for button in row}
        for action in shown.actions:
            taps = {tap for tap in on_card | behind if getattr(tap, "action", "") == action.key}
            assert len(taps) == 1, action.key
    assert any(action.harsh for action in ACTIONS)


def test_what_destroys_is_never_on_the_card_itself() -> None:
    shown = a_card(GUESTS[0])
    harsh = {action.key for action in ACTIONS if action.harsh}
    assert (
        not {getattr(button.tap, "action", "") for row in card.rows(GUESTS[0], shown.actions) for button in row} & harsh
    )


def test_vm_choice() -> None:
    data = vm.Choice(fleet=FLEETS["usual"], guests=GUESTS[:4], text="we<b>", now=NOW)
    check("vm-choice", vm.draw(data, VERA))


# -- tasks ---------------------------------------------------------------------------------------------------------

TASK_LIST = tasks.Data(tasks=TASKS, fleet=FLEETS["usual"], show="", of="", number=1, now=NOW)


def test_tasks() -> None:
    check("tasks-usual", tasks.draw(TASK_LIST, VERA))
    check("tasks-failed", tasks.draw(replace(TASK_LIST, show="failed"), VERA))
    check("tasks-of-a-guest", tasks.draw(replace(TASK_LIST, tasks=TASKS[1:2], of="vm:main/103"), VERA))
    check("tasks-of-a-node", tasks.draw(replace(TASK_LIST, tasks=(), of="node:main/pve3", fleet=None), VERA))
    unreached = Unseen(gap=Gap.UNREACHABLE, subject="lab", detail="no route")
    many = tuple(fleets.task("qmstart", "101", ago=60 * n) for n in range(30))
    check("tasks-many", tasks.draw(replace(TASK_LIST, tasks=many, number=3, unseen=(unreached,)), VERA))


@pytest.mark.parametrize(
    ("kind", "name", "drawn"),
    [
        ("qmstart", "db", "✅ qmstart db"),
        ("qmshutdown", "ct-mail-old", "✅ qms…n ct-mail-old"),
        ("qmshutdown", "web-frontend-01", "✅ qms…n web-fro…-01"),
    ],
)
def test_a_tasks_button_keeps_the_name_readable(kind: str, name: str, drawn: str) -> None:
    seen = fleet(snapshot(guests=(fleets.guest(103, name),)))
    data = replace(TASK_LIST, tasks=(fleets.task(kind, "103", ago=60),), fleet=seen)
    assert label(tasks.draw(data, VERA).rows[0][0]) == drawn


def test_task() -> None:
    tail = TaskLog(lines=("shutdown VM 102: <start>", "TASK ERROR: VM quit/powerdown failed - got timeout"), total=2)
    failed = task.Data(task=TASKS[2], log=tail, fleet=FLEETS["usual"], now=NOW)
    check("task-failed", task.draw(failed, VERA))
    long = TaskLog(lines=tuple(f"INFO: {n} %" for n in range(70, 100)), total=100, start=70)
    check("task-running", task.draw(replace(failed, task=TASKS[0], log=long), VERA))
    check("task-warnings", task.draw(replace(failed, task=TASKS[3], log=TaskLog(lines=(), total=0)), VERA))
    check("task-unknown", task.draw(replace(failed, task=TASKS[4]), VERA))
    check("task-of-a-guest-that-is-gone", task.draw(replace(failed, task=TASKS[5]), VERA))
    check("task-log-as-file", task.draw(replace(failed, whole=tail), VERA))


def test_the_file_holds_the_log_as_it_is() -> None:
    tail = TaskLog(lines=("a <b> & c", "lone \ud800", "TASK OK"), total=3)
    screen = task.draw(task.Data(task=TASKS[2], log=tail, fleet=None, now=NOW, whole=tail), VERA)
    assert screen.attachment is not None
    assert screen.attachment.content == b"a <b> & c\nlone ?\nTASK OK\n"


def test_no_emoji_stands_for_two_outcomes() -> None:
    assert set(tasks.EMOJI) == set(Outcome)
    assert len(set(tasks.EMOJI.values())) == len(Outcome)


# -- who, help, freeze ---------------------------------------------------------------------------------------------

WHO = whoami.Data(chat=1002, frozen=False, monitors=(), clusters=1, lacks=(), troubles=(), now=NOW)
LACK = whoami.Lack(token="telemox@pve!power", privilege="VM.PowerMgmt", path="/vms", guests=12, of=44)


def test_whoami() -> None:
    check("whoami-viewer", whoami.draw(WHO, VERA))
    check("whoami-operator-lacks", whoami.draw(replace(WHO, lacks=(LACK,)), BEN))
    check("whoami-monitor", whoami.draw(replace(WHO, monitors=("main",)), ANA))
    check("whoami-frozen", whoami.draw(replace(WHO, frozen=True), BEN))
    narrowed = replace(BEN, name=HOSTILE, scope=Scope(pools=frozenset({"web"}), vmids=frozenset({101, 7})))
    check("whoami-narrowed", whoami.draw(replace(WHO, monitors=("lab",), clusters=2), narrowed))
    check("whoami-anonymous", whoami.draw(WHO, Asker(id=-100500, name="Ops", role=Role.VIEWER, anonymous=True)))


def test_id() -> None:
    check("id-private", ids.draw(ids.Data(chat=1002, topic=None, private=True), BEN))
    check("id-topic", ids.draw(ids.Data(chat=-100500, topic=7, private=False), BEN))
    anonymous = Asker(id=-100500, name="Ops", role=Role.VIEWER, anonymous=True)
    check("id-anonymous", ids.draw(ids.Data(chat=-100500, topic=None, private=False), anonymous))


@pytest.mark.parametrize("asker", [VERA, BEN, ANA], ids=lambda asker: asker.role.word)
def test_help_and_start(asker: Asker) -> None:
    pages = manual.listed(tuple(PAGES.values()), asker)
    told = manual.Data(pages=pages, bot="telemox_bot", private=True, acts=asker.role > Role.VIEWER)
    check(f"help-{asker.role.word}", manual.draw(told, asker))
    check(f"start-{asker.role.word}", manual.draw(replace(told, greets=True), asker))


def test_start_of_a_monitor_and_in_a_group() -> None:
    told = manual.Data(pages=(), bot="telemox_bot", private=False, acts=False, greets=True)
    check("start-monitor-group", manual.draw(told, ANA))


def test_freeze() -> None:
    data = freeze.Data(frozen=False, wanted=True, changed=False, stamp=1764000000)
    check("freeze-question", freeze.draw(data, ANA))
    check("freeze-done", freeze.draw(replace(data, frozen=True, changed=True), ANA))
    check("freeze-already", freeze.draw(replace(data, frozen=True), ANA))
    check("thaw-question", freeze.draw(replace(data, frozen=True, wanted=False), ANA))
    check("thaw-done", freeze.draw(replace(data, wanted=False, changed=True), ANA))


# -- what holds of all ---------------------------------------------------------------------------------------------


def test_every_gap_has_its_sentence() -> None:
    for gap in Gap:
        seen = snapshot(
            nodes=(fleets.node("pve1", online=False),), unseen=(Unseen(gap=gap, subject="x", count=1, detail="why"),)
        )
        bare = status.draw(status.Data(fleet=fleet(replace(seen, unseen=())), now=NOW), VERA)
        told = status.draw(status.Data(fleet=fleet(seen), now=NOW), VERA)
        assert gap is Gap.NODE_OFFLINE or text(told) != text(bare), gap


def test_age_is_always_said_and_stale_data_is_a_warning() -> None:
    for name, seen in FLEETS.items():
        for screen in (
            status.draw(status.Data(fleet=seen, now=NOW), VERA),
            vms.draw(vms.Data(fleet=seen, query=Query(), now=NOW), VERA),
            nodes.draw(Listing(fleet=seen, number=1, now=NOW), VERA),
            storage.draw(Listing(fleet=seen, number=1, now=NOW), VERA),
            troubles.draw(Listing(fleet=seen, number=1, now=NOW), VERA),
        ):
            last = text(screen).rsplit("\n", 1)[-1]
            assert "as of 1" in last, name
            assert last.startswith("⚠️ old") is (name == "stale")


def text(screen: Screen) -> str:
    return plain(screen.text, READER)
