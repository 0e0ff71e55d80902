"""`load`: what is asked of Proxmox VE, how often, and what happens when it does not answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.access import Asker, Role, Scope
from bot.errors import (
    NotFound,
    PveError,
    PveForbidden,
    PveGarbled,
    PveNoAnswer,
    PveNodeDown,
    PveRefused,
    PveUnauthorized,
    PveUnreachable,
    Stale,
)
from bot.model import Gap, Snapshot, Status
from bot.pages import PAGES, Enquiry, card, freeze, narrow, node, task, tasks, vm, vms, whoami
from bot.privileges import POWER_ROLE, contents
from bot.pveum import cure, joined
from bot.screen import Ask, Copy, Link, Open, Screen
from bot.text import html, plain
from tests.pages import fleets
from tests.pages.fleets import ANA, BEN, HOSTILE, NOW, READER, TASKS, VERA, Host, Memory, enquiry, guest, snapshot
from tests.pages.golden import check, fits, label
from tests.pages.watching import Watch


async def show(ask: Enquiry, page: str, arg: str = "") -> Screen:
    """As the dispatcher does it."""
    return PAGES[page].draw(await PAGES[page].load(ask, arg), ask.asker)


def said(screen: Screen) -> str:
    return plain(screen.text, READER)


def old(seen: Snapshot, minutes: int = 10) -> Snapshot:
    return replace(seen, taken=NOW - timedelta(minutes=minutes))


# -- the budget: a card and a list page cost two calls at most -----------------------------------------------------


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize(
    ("page", "arg"),
    [(key, "") for key, page in PAGES.items() if key not in {"vmmore", "task", "log", "alert", "hush", "silenced"}]
    + [
        ("vm", "main/101"),
        ("vm", "web"),
        ("vm", "101"),
        ("vm", "dev"),
        ("vm", "wbe"),
        ("vm", "tag:prod"),
        ("vmmore", "main/101"),
        ("node", "main/pve1"),
        ("node", "pve2"),
        ("vms", "tag:prod page:2"),
        ("filter", "by:tag node:pve1"),
        ("tasks", "vm:main/101"),
        ("tasks", "node:main/pve1 failed"),
        ("tasks", "running page:2"),
        ("storage", "2"),
        ("silence", "web 4h"),
        ("silence", "node pve1"),
        ("maintenance", "pve1"),
        ("subscribe", "by:tag"),
        ("task", f"main {TASKS[1].upid}"),
    ],
)
async def test_no_screen_costs_more_than_two_calls(page: str, arg: str, cached: bool) -> None:
    host = Host(snapshot(), cached=cached)
    fits(await show(enquiry(host, watch=Watch()), page, arg))
    # a guest's tasks, with nothing read since the start: it must be found first
    most = 3 if page == "tasks" and arg.startswith("vm:") and not cached else 2
    assert len(host.calls) <= most, host.calls


async def test_a_card_from_the_cache_is_read_live() -> None:
    host = Host(old(snapshot()))
    host.live[101] = replace(guest(101, "web", Status.PAUSED), live=True)
    host.ips[101] = ("192.0.2.17",)
    shown = await vm.load(enquiry(host), "main/101")
    assert isinstance(shown, card.Card)
    assert sorted(host.calls) == ["addresses", "current"]
    assert (shown.guest.status, shown.addresses, shown.taken) == (Status.PAUSED, ("192.0.2.17",), NOW)
    assert [action.key for action in shown.actions if action.key in card.MAIN] == ["resume"]  # of the live state


async def test_a_name_that_is_known_without_doubt_needs_no_list() -> None:
    host = Host(old(snapshot()))
    for text in ("web", "101", "WEB"):
        host.calls.clear()
        assert "web · 101" in said(await show(enquiry(host), "vm", text))
        assert sorted(host.calls) == ["addresses", "current"]


async def test_a_card_after_a_fetch_asks_no_more() -> None:
    host = Host(snapshot(), cached=False)
    assert "🟢 web" in said(await show(enquiry(host), "vm", "web"))
    assert host.calls == ["resources", "status"]


async def test_a_stopped_guest_is_not_asked_for_addresses() -> None:
    host = Host(snapshot())
    await vm.load(enquiry(host), "main/104")
    assert host.calls == ["current"]


async def test_a_guest_that_an_old_snapshot_does_not_know_is_looked_for_anew() -> None:
    host = Host(snapshot())
    host._latest = old(snapshot(guests=()))
    assert "web" in said(await show(enquiry(host), "vm", "main/101"))
    assert host.calls == ["resources", "status"]
    host = Host(snapshot())
    host._latest = old(snapshot(guests=()))
    assert "web" in said(await show(enquiry(host), "vm", "web"))
    assert host.calls == ["resources", "status"]


async def test_pages_of_one_moment_share_a_fetch() -> None:
    host = Host(snapshot(), cached=False)
    for page in ("status", "vms", "nodes", "storage", "problems", "filter"):
        await show(enquiry(host), page)
    assert host.calls == ["resources", "status"]


# -- what does not answer ------------------------------------------------------------------------------------------


async def test_a_guest_on_a_dead_node_is_unknown_and_not_asked_for() -> None:
    host = Host(fleets.node_gone())
    screen = await show(enquiry(host), "vm", "main/102")
    assert host.calls == []
    assert "⚪ db" in said(screen)
    assert "pve2 is offline" in said(screen)
    assert not any(isinstance(button.tap, Ask) for row in screen.rows for button in row)


async def test_a_node_that_was_dead_in_an_old_snapshot_is_looked_at_again() -> None:
    host = Host(snapshot())
    host._latest = old(fleets.node_gone())
    assert "🟢 db" in said(await show(enquiry(host), "vm", "main/102"))
    assert host.calls == ["resources", "status"]


async def test_a_node_that_dies_between_is_said_and_nothing_is_offered() -> None:
    host = Host(snapshot())
    host.fails["current"] = PveNodeDown("No route to host", node="pve1")
    screen = await show(enquiry(host), "vm", "main/101")
    assert "⚪ web" in said(screen)
    assert "pve1 does not answer (No route to host)." in said(screen)
    assert not any(isinstance(button.tap, Ask) for row in screen.rows for button in row)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PveUnreachable("connection refused"), "Proxmox VE cannot be reached: connection refused.\n"),
        (PveUnauthorized("no such token", token="telemox@pve!view"), "refused the API token telemox@pve!view"),
        (PveForbidden("Permission check failed", token="telemox@pve!view"), "may not do this"),
        (PveRefused("got timeout"), "Proxmox VE refused: got timeout"),
        (PveGarbled("no JSON: '{'"), "cannot be understood (no JSON)"),
        (PveNoAnswer("no answer in time", host="pve1:8006"), "No answer from pve1:8006"),
        (PveNodeDown("No route to host", node="pve1"), "pve1 does not answer"),
    ],
)
async def test_a_live_read_that_fails_is_said_in_the_first_line(error: PveError, words: str) -> None:
    """Nobody knows how the guest is now: what was last seen is no health, and nothing is offered on it."""
    host = Host(old(snapshot()))
    host.fails["current"] = error
    for page in ("vm", "vmmore"):
        screen = await show(enquiry(host), page, "main/101")
        assert said(screen).startswith("⚪ web · 101 · VM · pve1\nlast seen running 13:52 · tags prod")
        assert "🟢" not in said(screen)
        assert words in said(screen)
        assert "Nothing was sent" not in said(screen)
        assert "⚠️ old: as of 13:52:35 (10 min ago)" in said(screen)
        assert not any(isinstance(button.tap, Ask) for row in screen.rows for button in row)


async def test_lost_quorum_is_said_on_the_card() -> None:
    for quorate, told in ((True, False), (None, False), (False, True)):
        screen = await show(enquiry(Host(snapshot(quorate=quorate))), "vm", "main/101")
        assert ("⚠️ No quorum: the cluster can start and change nothing." in said(screen)) is told


async def test_a_guest_that_is_gone_is_not_found() -> None:
    with pytest.raises(NotFound):
        await vm.load(enquiry(Host(snapshot())), "main/777")
    with pytest.raises(NotFound, match="nothing-so"):
        await vm.load(enquiry(Host(snapshot())), "nothing-so")
    with pytest.raises(NotFound):
        await node.load(enquiry(Host(snapshot())), "pve9")


@pytest.mark.parametrize(
    "target",
    ["main/", "main/x", "other/101", "main", "/101", "main/1234567890123", "main/٣", "", "main/0101", "main//101"],
)
async def test_a_forged_target_is_stale(target: str) -> None:
    with pytest.raises((Stale, NotFound)):
        await vm.load_more(enquiry(Host(snapshot())), target)


async def test_power_token_refused_is_said_on_the_card() -> None:
    host = Host(snapshot())
    host.fails["permissions:operator"] = PveUnauthorized("401", token="telemox@pve!power")
    screen = await show(enquiry(host), "vm", "main/101")
    assert "Proxmox VE refused the API token telemox@pve!power" in said(screen)
    assert "🟢 web" in said(screen)


async def test_a_cluster_that_is_not_believed_was_reached_and_says_what_mends_it() -> None:
    host = Host(old(snapshot()))
    host.fails["resources"] = PveUnreachable("its certificate is not trusted: self-signed certificate")
    for page in ("status", "problems", "vms", "nodes", "storage"):
        told = said(await show(enquiry(host), page))
        assert "homelab could not be read" in told, page
        assert "not trusted: self-signed certificate\nIf it is theirs, pin it: telemox check shows it" in told, page
        assert "reached" not in told, page


async def test_a_cluster_that_does_not_answer_shows_what_was_last_seen() -> None:
    host = Host(old(snapshot()))
    host.fails["resources"] = PveUnreachable("connection refused")
    screen = await show(enquiry(host), "status")
    assert said(screen).startswith("🔴 homelab is not reached\nlast seen ")
    assert "3/3 nodes, 6 of 10 guests ran\nconnection refused\nThe host is up, pveproxy is not.\n" in said(screen)
    assert "⚠️ old: as of" in said(screen)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PveUnauthorized("Authentication failed!", token="telemox@pve!view"), "An admin can run telemox check"),
        (PveUnauthorized("Authentication failed!", token="telemox@pve!view"), "(Authentication failed)"),
        (PveForbidden("Forbidden!", token="telemox@pve!view"), "telemox@pve!view may not do this: Forbidden."),
        (PveGarbled("no JSON"), "systemctl status pveproxy"),
        (PveRefused("got timeout"), "Proxmox VE refused: got timeout"),
        (PveNoAnswer("no answer in time", host="pve1:8006"), "No answer from pve1:8006: no answer in time."),
        (PveNodeDown("Connection refused"), "The node does not answer (Connection refused)."),
        (PveRefused("RPCEnvironment init request failed: Connection refused"), "systemctl status pve-cluster"),
        (PveUnreachable("no route to host"), "no route to host"),
        (PveUnreachable("connection refused"), "connection refused\nThe host is up, pveproxy is not."),
    ],
)
async def test_every_page_of_what_was_last_seen_says_why_and_what_to_do(error: PveError, words: str) -> None:
    host = Host(old(snapshot()))
    host.fails["resources"] = error
    for page, arg in (("status", ""), ("vms", ""), ("nodes", ""), ("node", "pve1"), ("storage", ""), ("problems", "")):
        told = said(await show(enquiry(host), page, arg))
        assert words in told, page
        unreached = "is not reached" if page in {"status", "problems"} else "cannot be reached"
        silent = type(error) in {PveUnreachable, PveNoAnswer, PveNodeDown}
        assert (f"homelab {unreached}" in told) is silent, "what was reached is not said not to be"
        assert ("homelab could not be read" in told) is not silent
        assert "!." not in told
        assert "Nothing was sent" not in told, "nobody asked to send anything"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ('no JSON: \'{"data":[{"cpu":0.5\'', "(no JSON)"),
        ('a list was expected: {"data":1}', "(a list was expected)"),
        ("<html>proxy", "(no JSON)"),
        ("the answer is larger than 8192 KiB", "(the answer is larger than 8192 KiB)"),
    ],
)
def test_a_garbled_answer_is_told_in_words(reason: str, words: str) -> None:
    told = plain(PveGarbled(reason).said(), READER)
    assert words in told
    assert not set(told) & set("{[<")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ('no JSON: \'{"data":[{"cpu":0.5\'', "no JSON"),
        ("no JSON: 'hello'", "no JSON"),
        ("no JSON: the answer is empty", "no JSON: the answer is empty"),
        ("an object was expected: '[]'", "an object was expected"),
        ("<html>", "no JSON"),
        ("Authentication failed!", "Authentication failed"),
        ("Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist\n",) * 2,
        ("unable to open file: '/etc/pve/x' - Permission denied",) * 2,
        ("[::1]:8006: connection refused",) * 2,
    ],
)
def test_a_reason_quotes_no_answer_in_a_chat(reason: str, words: str) -> None:
    assert plain(PveNoAnswer(reason, host="h").said(), READER) == f"No answer from h: {words.strip()}."


def test_an_endless_reason_is_cut_and_kept_on_its_line() -> None:
    told = plain(PveRefused("x\n" * 3000).said(), READER)
    assert len(told) < 300
    assert "\n" not in told


def test_what_mends_a_lack_agrees_with_the_roles_of_the_setup() -> None:
    for need in contents(POWER_ROLE):
        commands = cure(need.path, "telemox@pve!power", need.privilege)
        assert (f"pveum role modify {POWER_ROLE}" in commands[0]) is need.asked, need
        assert len(joined(commands)) <= 256, "a copy button takes no more"


async def test_nothing_ever_read_raises() -> None:
    host = Host(snapshot(), cached=False)
    host.fails["resources"] = PveUnreachable("connection refused")
    for page in ("status", "vms", "nodes", "storage", "problems"):
        with pytest.raises(PveUnreachable):
            await show(enquiry(host), page)


async def test_one_cluster_of_two_down_leaves_the_other() -> None:
    home, lab = Host(snapshot()), Host(snapshot(cluster="lab", name="lab"), cached=False)
    lab.fails["resources"] = PveUnreachable("no route")
    screen = await show(enquiry(home, lab), "status")
    assert "⚠️ homelab · 3/3 nodes" in said(screen)
    assert "🔴 lab is not reached\nno route\n" in said(screen)
    check("status-one-of-two-not-reached", screen)


async def test_tasks_of_one_cluster_of_two() -> None:
    home, lab = Host(snapshot()), Host(snapshot(cluster="lab", name="lab"))
    lab.fails["tasks"] = PveUnreachable("no route")
    shown = await tasks.load(enquiry(home, lab), "")
    assert len(shown.tasks) == len(TASKS)
    assert [gap.gap for gap in shown.unseen] == [Gap.UNREACHABLE]
    home.fails["tasks"] = PveError("all down")
    with pytest.raises(PveError, match=r"all down|no route"):
        await tasks.load(enquiry(home, lab), "")


async def test_a_node_that_keeps_its_tasks_leaves_the_clusters_list() -> None:
    host = Host(snapshot())
    host.fails["node_tasks"] = PveNodeDown("No route to host", node="pve1")
    shown = await tasks.load(enquiry(host), "vm:main/101")
    assert [one.upid.subject for one in shown.tasks] == ["101"]
    assert host.calls == ["node_tasks", "tasks"]


@pytest.mark.parametrize(
    "name", ["../cluster", "../../../foo", "pve1/../../access", "..", ".", "", "pve1%2f..%2f", "pve9"]
)
async def test_no_name_that_was_never_seen_goes_into_a_path(name: str) -> None:
    host = Host(snapshot())
    with pytest.raises(Stale):
        await tasks.load(enquiry(host), f"node:main/{name}")
    host._latest = None
    if name != "pve9":
        with pytest.raises(Stale):
            await tasks.load(enquiry(host), f"node:main/{name}")
    assert host.calls == []


async def test_a_log_that_the_view_token_may_not_read_is_read_by_the_token_that_began_it() -> None:
    host = Host(snapshot())
    host.fails["task:viewer"] = PveForbidden("Permission check failed", token="telemox@pve!view")
    shown = await task.load(enquiry(host), f"main {TASKS[1].upid}")
    assert shown.log.lines[-1] == "TASK OK"
    assert host.calls == ["task:viewer", "task:operator", "log:operator"]
    host.calls.clear()
    with pytest.raises(PveForbidden):  # a viewer never borrows it
        await task.load(enquiry(host, asker=VERA), f"main {TASKS[1].upid}")
    assert host.calls == ["task:viewer"]


async def test_the_whole_log_comes_as_a_file() -> None:
    screen = await show(enquiry(Host(snapshot())), "log", f"main {TASKS[1].upid}")
    assert screen.attachment is not None
    assert screen.attachment.content.count(b"\n") == 100


@pytest.mark.parametrize("arg", ["", "main", "main UPID:x", "UPID:pve1:0:0:0:a:b:c:", "lab " + str(TASKS[0].upid)])
async def test_a_forged_task_is_stale(arg: str) -> None:
    with pytest.raises(Stale):
        await task.load(enquiry(Host(snapshot())), arg)


# -- finding -------------------------------------------------------------------------------------------------------


async def test_bare_vm_is_the_list() -> None:
    assert isinstance(await vm.load(enquiry(Host(snapshot())), ""), vms.Data)


async def test_one_hit_a_card_some_a_choice_more_a_list() -> None:
    ask = enquiry(Host(snapshot()))
    assert isinstance(await vm.load(ask, "git"), card.Card)
    few = await vm.load(ask, "dev")
    assert isinstance(few, vm.Choice)
    assert [one.name for one in few.guests] == ["win-test", "git"]
    crowd = enquiry(Host(snapshot(guests=tuple(guest(100 + i, f"server{i}") for i in range(9)))))
    many = await vm.load(crowd, "server")
    assert isinstance(many, vms.Data)
    assert many.query.text == "server"


async def test_a_hostile_name_is_found() -> None:
    assert HOSTILE in said(await show(enquiry(Host(snapshot())), "vm", HOSTILE))


async def test_the_same_id_in_two_clusters_is_a_choice() -> None:
    home, lab = Host(snapshot()), Host(snapshot(cluster="lab", name="lab", guests=(guest(101, "web", cluster="lab"),)))
    few = await vm.load(enquiry(home, lab), "101")
    assert isinstance(few, vm.Choice)
    assert [one.target for one in few.guests] == ["main/101", "lab/101"]
    one = await vm.load(enquiry(home, lab), "lab/101")
    assert isinstance(one, card.Card)
    assert one.cluster == "lab"


async def test_node_by_a_piece_of_its_name() -> None:
    ask = enquiry(Host(snapshot()))
    assert isinstance(await node.load(ask, "PVE1"), node.Data)
    assert isinstance(await node.load(ask, "pv"), node.Choice)


# -- roles, scope, freeze ------------------------------------------------------------------------------------------

DEVELOPER = Asker(id=5, name="Dev", role=Role.OPERATOR, scope=Scope(tags=frozenset({"dev"})))


async def test_what_is_out_of_scope_does_not_exist() -> None:
    ask = enquiry(Host(snapshot()), asker=DEVELOPER)
    shown = await vms.load(ask, "")
    assert {one.name for one in shown.fleet.guests} == {"git", "win-test"}
    assert {one.name for one in shown.fleet.nodes} == {"pve3"}
    for target in ("main/101", "web", "101"):
        with pytest.raises(NotFound):
            await vm.load(ask, target)
    with pytest.raises(NotFound):
        await tasks.load(ask, "vm:main/101")
    with pytest.raises(NotFound):
        await task.load(ask, f"main {TASKS[1].upid}")
    assert (await tasks.load(ask, "")).tasks == ()
    assert "web" not in said(await show(ask, "tasks"))
    tags = await narrow.load(ask, "by:tag")
    assert [label(row[0]) for row in narrow.draw(tags, DEVELOPER).rows] == ["dev (2)", "‹ Guests"]


async def test_a_dead_node_tells_of_no_guest_out_of_scope() -> None:
    seen = fleets.node_gone()
    dead = enquiry(Host(seen), asker=replace(DEVELOPER, scope=Scope(vmids=frozenset({102}))))
    assert "pve2 is offline: 1 guest there" in said(await show(dead, "vms"))
    elsewhere = enquiry(Host(seen), asker=DEVELOPER)
    assert "pve2" not in said(await show(elsewhere, "vms"))
    lab = enquiry(Host(seen), asker=replace(DEVELOPER, scope=Scope(clusters=frozenset({"lab"}))))
    with pytest.raises(NotFound):
        await vms.load(lab, "")


async def test_a_new_guest_is_not_taken_for_one_that_is_called_nearly_so() -> None:
    host = Host(snapshot(guests=(guest(101, "web"), guest(150, "web2"))))
    host._latest = old(snapshot(guests=(guest(101, "web"),)))
    assert "web2 · 150" in said(await show(enquiry(host), "vm", "web2"))


async def test_a_frozen_card_says_why_it_has_no_button() -> None:
    frozen = Memory()
    frozen.frozen = True
    assert "Writes are frozen" in said(await show(enquiry(Host(snapshot()), store=frozen), "vm", "main/101"))
    assert "frozen" not in said(await show(enquiry(Host(snapshot()), asker=VERA, store=frozen), "vm", "main/101"))


async def test_tasks_of_guests_in_scope_are_seen() -> None:
    host = Host(snapshot())
    host.found = (fleets.task("qmreboot", "131"), fleets.task("qmreboot", "101"), fleets.task("vzdump", ""))
    for arg in ("", "node:main/pve1"):
        shown = await tasks.load(enquiry(host, asker=DEVELOPER), arg)
        assert [one.upid.subject for one in shown.tasks] == ["131"]
    elsewhere = Asker(id=5, name="Dev", role=Role.VIEWER, scope=Scope(nodes=frozenset({"pve3"})))
    with pytest.raises(Stale):
        await tasks.load(enquiry(host, asker=elsewhere), "node:main/pve1")


async def test_a_viewer_a_monitor_and_a_frozen_bot_are_offered_nothing() -> None:
    frozen = Memory()
    frozen.frozen = True
    for ask in (
        enquiry(Host(snapshot()), asker=VERA),
        enquiry(Host(snapshot(), power=False), asker=ANA),
        enquiry(Host(snapshot()), asker=ANA, store=frozen),
    ):
        for page in ("vm", "vmmore"):
            screen = await show(ask, page, "main/101")
            assert not any(isinstance(button.tap, Ask) for row in screen.rows for button in row)


async def test_freeze_asks_and_its_button_is_good_for_a_minute() -> None:
    store = Memory()
    ask = enquiry(Host(snapshot()), asker=ANA, store=store)
    question = await show(ask, "freeze")
    assert store.freezes == []
    yes = question.rows[0][0].tap
    assert isinstance(yes, Open)
    for forged in (
        "on",
        "on ",
        "on 1",
        f"on {int(NOW.timestamp()) - 61}",
        f"on {int(NOW.timestamp()) + 9}",
        "on ٣",
        "yes",
    ):
        await show(ask, "freeze", forged)
    assert store.freezes == []
    assert "Frozen" in said(await show(ask, "freeze", yes.arg))
    await show(ask, "freeze", yes.arg)
    assert store.freezes == [(True, ANA.id)]
    thaw = (await show(ask, "thaw")).rows[0][0].tap
    assert isinstance(thaw, Open)
    await show(ask, "thaw", thaw.arg)
    assert store.freezes == [(True, ANA.id), (False, ANA.id)]


def test_freeze_is_the_admins() -> None:
    assert freeze.PAGE.role is Role.ADMIN
    assert freeze.THAW.role is Role.ADMIN


async def test_whoami_says_what_the_token_lacks_and_the_line_that_mends_it() -> None:
    host = Host(snapshot())
    host.granted = {"/": {"VM.Audit": True}, "/pool/data": dict.fromkeys(fleets.EVERY_PRIVILEGE, True)}
    screen = await show(enquiry(host), "whoami")
    assert "lacks VM.PowerMgmt on 10 of 11 guests" in said(screen)
    user = "pveum acl modify /vms --users telemox@pve --roles TelemoxView,TelemoxPower"
    token = "pveum acl modify /vms --tokens 'telemox@pve!power' --roles TelemoxPower"
    assert f"{user}\n{token}" in said(screen)
    assert Copy(f"{user} && {token}") in {button.tap for row in screen.rows for button in row}


async def test_what_the_role_itself_lacks_is_put_into_the_role() -> None:
    host = Host(snapshot())
    host.granted = {"/": {"VM.Audit": True, "VM.PowerMgmt": True, "Datastore.AllocateSpace": True}}
    screen = await show(enquiry(host), "whoami")
    assert "lacks VM.Config.Disk" in said(screen)
    assert Copy("pveum role modify TelemoxPower --append 1 --privs VM.Config.Disk") in {
        button.tap for row in screen.rows for button in row
    }


async def test_whoami_of_a_token_that_may_everything_says_nothing() -> None:
    shown = await whoami.load(enquiry(Host(snapshot())), "")
    assert (shown.lacks, shown.troubles, shown.monitors) == ((), (), ())


async def test_whoami_counts_ten_thousand_guests_once_each_kind() -> None:
    host = Host(fleets.large())
    host.granted = {}
    shown = await whoami.load(enquiry(host), "")
    assert {lack.guests for lack in shown.lacks if lack.privilege == "VM.PowerMgmt"} == {10_000}


# -- every button leads somewhere ----------------------------------------------------------------------------------


@pytest.mark.parametrize("asker", [VERA, BEN, ANA], ids=lambda asker: asker.role.word)
async def test_every_button_opens_a_page_that_the_presser_may_see(asker: Asker) -> None:
    """From /start, /help and /status, tap by tap, until no new screen is left."""
    host = Host(snapshot(name='<b>"&', storages=fleets.STORAGES))
    lab = Host(snapshot(cluster="lab", name="lab"))
    ask = enquiry(host, lab, asker=asker)
    waiting = [Open("start"), Open("help"), Open("status")]
    seen: set[Open] = set()
    while waiting:
        tap = waiting.pop()
        if tap in seen:
            continue
        seen.add(tap)
        page = PAGES[tap.page]
        assert page.role is None or asker.role >= page.role, tap
        screen = await show(ask, tap.page, tap.arg)
        fits(screen)
        assert html(screen.text, READER)
        assert screen.rows, f"{tap}: no way on"
        labels = [label(button) for row in screen.rows for button in row]
        assert len({button.tap for row in screen.rows for button in row}) >= len(set(labels)) - 3, tap
        for row in screen.rows:
            for button in row:
                match button.tap:
                    case Open():
                        waiting.append(button.tap)
                    case Ask():
                        assert asker.role >= Role.OPERATOR
                    case Link() | Copy():
                        pass
                    case other:
                        raise AssertionError(other)
    assert {tap.page for tap in seen} >= {
        "vms", "vm", "nodes", "node", "storage", "tasks", "task", "log", "problems", "filter", "whoami", "help",
    }  # fmt: skip


def test_the_table_is_sound() -> None:
    for key, page in PAGES.items():
        assert key == page.key
        assert key.isascii()
        assert key.isalnum()
        assert key.islower()
        assert len(key) <= 32
        assert page.help == "" or 3 <= len(page.help) <= 256
    names = [name for page in PAGES.values() for name in (page.key, *page.aliases)]
    assert len(names) == len(set(names))
