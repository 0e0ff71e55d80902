"""The pages of alerts: their screens (tests/screens/watch-*.txt), what they change, and for whom nothing exists."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.access import Asker, Role, Scope
from bot.errors import Denied, NotFound, Stale, StoreFailed, TelemoxError
from bot.model import About, Alert, Blind, Card, Fleet, Habits, Part, Phase, Record, Route, Severity, Silence, Subject
from bot.pages import PAGES, status
from bot.pages.alerting.alertwords import standing
from bot.pages.alerting.liveline import live_line
from bot.pages.alerting.naming import Target
from bot.pages.alerting.quiet import nearest
from bot.pages.alerting.recorded import Recorded
from bot.pages.alerting.subscribe import told_alone
from bot.pages.alerting.watched import hour, next_at, reader_of, until, visible, zone_of
from bot.pages.page import Enquiry
from bot.pages.problems import Rank
from bot.pages.wrong import RULES as RULES_OF
from bot.screen import Open, Screen
from bot.text import Moment, html, plain, say
from tests.pages import alerts as made
from tests.pages.alerts import ago
from tests.pages.fleets import ANA, BEN, HOSTILE, NOW, READER, VERA, Host, Memory, enquiry, gone, node_gone, snapshot
from tests.pages.golden import check, fits, label
from tests.pages.watching import PULSE, Watch

PENDING = made.alert(
    8, made.storage("local-zfs", node="pve3"), say("{name} is 86 % full", name="local-zfs"), fired=None
)
EXPLAINED = replace(
    PENDING, number=11, finding=replace(PENDING.finding, last=say("{who} has ordered it", who="ana@pve"))
)
UNDER = made.stopped(21, made.guest(102, "db", node="pve2"), parent=made.dead_node().key)
HOST, FULL = made.dead_node(5), made.full(7)
WEB = made.stopped(3, made.guest(103, HOSTILE, node="pve3"), acked=ago(2), acked_by="Ben", fired=ago(8))
MAIL = made.stopped(4, silenced=1)
BACK = replace(made.stopped(31), phase=Phase.OVER, over=ago(1))
EVERY = (HOST, FULL, WEB, MAIL, PENDING, EXPLAINED, UNDER, BACK)
SILENCES = (
    Silence(
        id=1, about="guest", cluster="main", value="104", until=ago(-240), made=ago(1), by="Ana", reason="new disks"
    ),
    Silence(
        id=2, about="node", cluster="main", value="pve2", until=ago(-60), made=ago(1), by=HOSTILE, maintenance=True
    ),
    Silence(id=3, about="tag", cluster="", value="dev", until=ago(-3000), made=ago(1), by="Ben"),
    Silence(id=4, about="rule", cluster="", value="storage_full", until=ago(5), made=ago(99), by="Ben"),  # over
)
BLINDS = (
    Blind(rule="backup_overdue", cluster="main", said=say("backup age unknown: the token may not see backups"),
          mend=("pveum acl modify / --tokens 'telemox@pve!view' --roles TelemoxView",)),
    Blind(rule="zfs", cluster="main", said=say("pools unknown: pve3 does not say"), mend=()),
)  # fmt: skip


def watching(*alerts: Alert) -> Watch:
    seen = Watch(*(alerts or EVERY))
    seen.quiet = list(SILENCES)
    seen.cards = {
        12: Card(id=12, chat=BEN.id, topic=None, alerts=(5, 7, 3, 99)),
        13: Card(id=13, chat=1, topic=None, alerts=(5,)),
    }
    return seen


def asking(
    seen: Watch | None,
    asker: Asker = BEN,
    *,
    private: bool = True,
    waited: float = 0.0,
    topic: int | None = None,
    store: Memory | None = None,
) -> Enquiry:
    return enquiry(Host(snapshot()), asker=asker, private=private, watch=seen, waited=waited, topic=topic, store=store)


async def show(ask: Enquiry, page: str, arg: str = "") -> Screen:
    screen = PAGES[page].draw(await PAGES[page].load(ask, arg), ask.asker)
    fits(screen)
    return screen


def text(screen: Screen) -> str:
    return plain(screen.text, READER)


def labels(screen: Screen) -> list[str]:
    return [label(button) for row in screen.rows for button in row]


# -- screens


@pytest.mark.parametrize(
    ("name", "page", "arg"),
    [
        ("alerts", "alerts", ""),
        ("alert", "alert", "5"),
        ("alert-pending", "alert", "8"),
        ("alert-explained", "alert", "11"),
        ("why", "why", "5"),
        ("why-by-name", "why", HOSTILE),
        ("why-explained", "why", "11"),
        ("why-which", "why", ""),
        ("hush", "hush", "3"),
        ("hush-node", "hush", "n3"),
        ("hush-rule", "hush", "r5"),
        ("hush-card", "hush", "c12"),
        ("hush-over", "hush", "31"),
        ("hush-cancelled", "hush", "x"),
        ("hush-old", "hush", "old"),
        ("silenced-over", "silenced", "1 31"),
        ("silences", "silences", ""),
        ("silenced", "silenced", "1"),
        ("silences-ended", "silences", "end 2"),
        ("silence-what", "silence", ""),
        ("silence-guest", "silence", "guest"),
        ("silence-node", "silence", "node"),
        ("silence-how-long", "silence", "web"),
        ("silence-made", "silence", f"{HOSTILE} 4h new <disks> & more"),
        ("silence-all", "silence", "all 1h"),
        ("silence-nearest", "silence", "nas 4h new disks"),
        ("silence-nearest-node", "silence", "node pve 8am"),
        ("maintenance-nearest", "maintenance", "pv2 2h rack"),
        ("why-nearest", "why", "dbb"),
        ("history-nearest", "history", "nsa-backup"),
        ("maintenance", "maintenance", ""),
        ("maintenance-how-long", "maintenance", "pve2"),
        ("maintenance-made", "maintenance", "node pve2 2h"),
        ("subscribe", "subscribe", ""),
        ("subscribe-done", "subscribe", "tag:prod node:pve1 warning+"),
        ("subscribe-by-tag", "subscribe", "by:tag"),
        ("unsubscribe", "unsubscribe", ""),
        ("quiet", "quiet", ""),
        ("quiet-done", "quiet", "22:00-8:00"),
        ("zone", "zone", ""),
        ("zone-done", "zone", "Europe/Berlin"),
        ("zone-nearest", "zone", "Europe/Belrin"),
        ("digest", "digest", ""),
        ("digest-done", "digest", "7:30"),
        ("pin", "pin", ""),
        ("unpin", "unpin", ""),
    ],
)
async def test_screens(name: str, page: str, arg: str) -> None:
    seen = watching()
    if name in {"subscribe", "unsubscribe", "digest", "digest-done"}:
        seen.told = [Route(chat=BEN.id, least=Severity.WARNING)]
    if name == "alerts":
        seen.blinds = list(BLINDS)
    check(f"watch-{name}", await show(asking(seen), page, arg))


@pytest.mark.parametrize(
    ("name", "page", "arg"),
    [("testalert", "testalert", ""), ("auditlog", "auditlog", ""), ("auditlog-here", "auditlog", "here")],
)
async def test_screens_of_admins(name: str, page: str, arg: str) -> None:
    check(f"watch-{name}", await show(asking(watching(), ANA, private=False, topic=9), page, arg))


async def test_screens_without_alerts() -> None:
    seen = Watch()
    check("watch-alerts-none", await show(asking(seen), "alerts"))
    check("watch-silences-none", await show(asking(seen), "silences"))
    check("watch-history-none", await show(asking(seen), "history"))
    check("watch-why-none", await show(asking(seen), "why"))
    seen.pulses = [replace(PULSE, age=400.0)]
    check("watch-alerts-late", await show(asking(seen), "alerts"))
    seen.pulses = [replace(PULSE, age=None)]
    assert text(await show(asking(seen), "alerts")).startswith("⚪")


async def test_the_status_counts_what_is_open_and_exists_for_the_asker() -> None:
    seen = watching()
    check("status-alerts", await show(asking(seen), "status"))
    alone = await show(asking(seen, narrowed("ids")), "status")
    assert "· 1 acknowledged" in text(alone)
    assert "🔔 1 acknowledged" in labels(alone)
    check("problems-alerts", await show(asking(seen), "problems"))
    quiet = await show(asking(seen, narrowed("tag")), "status")
    assert "alert" not in text(quiet) + " ".join(labels(quiet))
    for alert in EVERY:
        seen.kept.pop(alert.number)
    assert "alert" not in text(await show(asking(seen), "status"))


async def test_green_stands_over_nothing_that_is_open_and_the_screens_agree() -> None:
    """All of it is acknowledged: no alarm, and not well."""
    host = replace(HOST, acked=ago(3), acked_by="Ana")
    seen = watching(host, WEB)
    line = live_line(seen.alerts(), [PULSE], clusters={}, now=NOW, seen=PULSE.polled, renewed=300)
    assert text(line).startswith("🟡 homelab 14:02 · 2 acknowledged: pve2 is offline\n")
    assert text(await show(asking(seen), "alerts")).startswith("🟡 2 acknowledged\n")
    dead = replace(node_gone(), guests=(), storages=())
    told = text(status.draw(status.Data(fleet=Fleet(snapshots=(dead,)), now=NOW, alerts={"main": [host]}), ANA))
    assert told.startswith("🟡 homelab")
    assert "🔴 pve2 is offline · acked by Ana\n" in told
    waiting = watching(PENDING)
    assert text(await show(asking(waiting), "alerts")).startswith("⏳ 1 pending\n")


async def test_a_line_of_a_narrowed_chat_says_what_it_counts() -> None:
    infra = Route(chat=1, tags=frozenset({"infra"}), least=Severity.WARNING)
    told = told_alone([infra, infra])
    for alerts, first in (
        ([FULL], "⚠️ homelab 14:02 · 1 alert told here: nas 91 % full"),
        ([FULL, HOST], "🔴 homelab 14:02 · 2 told here: pve2 is offline"),
        ([], "🟢 homelab 14:02 · nothing told here"),
    ):
        line = live_line(alerts, [PULSE], clusters={}, now=NOW, seen=PULSE.polled, renewed=300, told=told)
        assert text(line).splitlines()[0] == first
        assert "\nTold here: warnings and worse of tag infra\n" in text(line)
    assert told_alone([]) is None
    assert told_alone([infra, Route(chat=1, topic=2)]) is None
    assert told_alone([Route(chat=1, least=Severity.CRITICAL)]) is not None


def test_a_time_that_a_headline_names_is_not_said_again() -> None:
    off = say("{name} is off, shut down by {by} {at}", name="pve2", by="root@pam", at=Moment(ago(5), "%H:%M"))
    alert = replace(HOST, fired=ago(4), finding=replace(HOST.finding, said=off, since=ago(4)))
    assert plain(standing(alert, NOW), READER) == "pve2 is off, shut down by root@pam 13:57"
    late = replace(alert, finding=replace(alert.finding, since=ago(60)))
    assert plain(standing(late, NOW), READER).endswith("· 13:02")


async def test_what_is_silenced_neither_counts_nor_colours_and_the_screens_agree() -> None:
    """A critical one is under a silence: what is left is a warning, and one that Ben has at hand."""
    host = replace(HOST, silenced=2)
    seen = watching(host, FULL, WEB, MAIL, PENDING)
    head = text(await show(asking(seen), "alerts")).splitlines()[0]
    assert head == "⚠️ 1 alert · 1 acknowledged · 2 silenced · 1 pending"
    status = await show(asking(seen), "status")
    assert "\n1 alert\n" in text(status)
    assert "🔔 1 alert" in labels(status)
    found = seen.alerts()
    line = live_line(found, [PULSE], clusters={}, now=NOW, seen=PULSE.polled, renewed=300)
    first, *rest = text(line).splitlines()
    assert first.startswith("⚠️ homelab 14:02 · 1 alert: ")
    assert sum("acked by Ben" in one for one in rest) == 1
    assert "🔕 2 silenced" in rest
    only = watching(host)
    line = live_line(only.alerts(), [PULSE], clusters={}, now=NOW, seen=PULSE.polled, renewed=300)
    assert text(line).startswith("🟡 homelab 14:02 · nothing else wrong")
    assert text(await show(asking(only), "alerts")).splitlines()[0] == "🟡 1 silenced"
    assert "🔕 1 silenced" in labels(await show(asking(only), "status"))


async def test_a_viewers_screens_have_no_button_that_is_refused() -> None:
    seen = watching()
    check("watch-alert-viewer", await show(asking(seen, VERA), "alert", "5"))
    check("watch-silences-viewer", await show(asking(seen, VERA), "silences"))
    check("watch-subscribe-viewer-group", await show(asking(seen, VERA, private=False), "subscribe"))
    assert "22:00-08:00" not in labels(await show(asking(seen, VERA, private=False), "quiet"))


def record(number: int, *, told: bool = True, minutes: float = 60, over: float | None = 7) -> Record:
    return Record(
        number=number,
        rule="guest_stopped_by_itself",
        subject=made.guest(103, HOSTILE),
        severity=Severity.WARNING,
        said=say("{name} stopped by itself", name=HOSTILE),
        fired=ago(minutes),
        over=None if over is None else ago(minutes - over),
        acked_by="Ana" if number == 1 else "",
        told=told,
    )


async def test_history_is_paged_and_says_what_was_not_told() -> None:
    seen = Watch()
    seen.records = [
        record(1),
        record(2, told=False, minutes=90),
        record(3, minutes=3000, over=None),
        *map(record, range(4, 21)),
    ]
    check("watch-history", await show(asking(seen), "history"))
    assert "3/3" in labels(await show(asking(seen), "history", "3"))
    assert text(await show(asking(seen), "history", "99")).count("stopped by itself") == 4


async def test_a_run_is_silenced_as_its_guest_and_one_of_several_by_its_rule() -> None:
    run = Subject(about=About.OTHER, cluster="main", id="run/7", name="web", node="pve1", of="main/guest/101")
    parts = tuple(Part(about=About.GUEST, id=id_) for id_ in ("101", "102"))
    both = replace(run, id="run/8", name="vzdump", of="", parts=parts)
    seen = watching(*(made.alert(n, it, say("failed"), rule="backup_failed") for n, it in ((7, run), (8, both))))
    assert "Silence web (101) for how long?" in text(await show(asking(seen), "hush", "7"))
    menu = await show(asking(seen), "hush", "8")
    assert "Silence the rule backup_failed, everywhere, for how long?" in text(menu)
    assert "vzdump" not in labels(menu)


async def test_what_happened_on_a_node_is_silenced_by_its_rule_if_nothing_else_is_chosen() -> None:
    """A mail that comes every half hour: that the node goes down is still to be told."""
    mail = made.alert(
        12, made.node(), say("pve2: SMART error"), rule="system_mail", event="m1", fired=2, ended=2, details=(say("x"),)
    )
    seen = watching(mail, made.failed_backup())
    seen.cards = {n: Card(id=n, chat=BEN.id, topic=None, alerts=found) for n, found in ((14, (9, 12)), (15, (12,)))}
    menu = await show(asking(seen), "hush", "12")
    check("watch-hush-event", menu)
    assert menu == await show(asking(seen), "hush", "r12") == await show(asking(seen), "hush", "c15")
    assert "pve2 itself, not its guests," in text(await show(asking(seen), "hush", "a12"))
    assert "Silence which?" in text(await show(asking(seen), "hush", "c14"))
    assert "🔇 Silence db (102) for how long?" in text(await show(asking(seen), "hush", "9"))
    assert "Silence ▾" in labels(await show(asking(seen), "alert", "12"))


async def test_what_is_kept_in_the_history_alone_can_still_be_silenced() -> None:
    """What happened once is, as soon as it was told."""
    happened = replace(record(41), over=record(41).fired, subject=made.node(), rule="node_reset")
    job = replace(happened, number=42, subject=made.cluster(), rule="task_failed")
    seen = watching(HOST)
    seen.records = [happened, job, record(43, over=1), replace(record(44), over=None)]
    seen.cards = {14: Card(id=14, chat=BEN.id, topic=None, alerts=(41, 42, 44, 45))}
    reset = text(await show(asking(seen), "hush", "41"))
    assert "That has happened; a silence is for the next." in reset
    assert "the rule node_reset, everywhere," in reset
    assert "the rule task_failed, everywhere," in text(await show(asking(seen), "hush", "a42"))
    over = await show(asking(seen), "hush", "43")
    assert "That alert is over; a silence would be for the next." in text(over)
    assert over.rows[0][0].tap == Open("silence", "guest main/103 1h")
    assert (await show(asking(seen), "hush", "n41")).rows[0][1].tap == Open("maintenance", "node main/pve2 4h")
    assert "Silence which?" in text(await show(asking(seen), "hush", "c14"))
    for none in ("44", "45", "٣", "x9"):
        with pytest.raises(NotFound):
            await PAGES["hush"].load(asking(seen), none)
    with pytest.raises(NotFound):  # of what does not exist for the asker
        await PAGES["hush"].load(asking(seen, narrowed("ids")), "41")
    for arg in ("rule node_reset 4h", "guest main/103 4h"):
        assert "🔇" in text(await show(asking(seen), "silence", arg))
    assert "🛠" in text(await show(asking(seen), "maintenance", "node main/pve2 4h"))


async def test_what_happened_once_can_be_read_whole_after_it_was_told() -> None:
    """A message of several has a line of each, and the history alone keeps them."""
    words = (say("{line}", line="raid degraded on <nas>"), say("{line}", line="sda1 is gone"))
    happened = replace(record(41), over=record(41).fired, subject=made.cluster(), rule="system_mail", details=words)
    mail = replace(happened, number=42, subject=made.node(), said=say("pve2: SMART error"))
    seen = watching(HOST)
    seen.records = [happened, mail, record(43, over=1), replace(happened, number=44, details=())]
    seen.cards = {
        14: Card(id=14, chat=BEN.id, topic=None, alerts=(5, 41, 42, 43, 44)),
        15: Card(id=15, chat=BEN.id, topic=None, alerts=(42, 43)),
        16: Card(id=16, chat=BEN.id, topic=None, alerts=(43,)),
    }
    which = await show(asking(seen), "alert", "c14")
    taps = [button.tap for row in which.rows for button in row]
    assert text(which) == "Details of which?"
    assert taps == [Open("alert", "41"), Open("alert", "42"), Open("alerts")]
    whole = await show(asking(seen), "alert", "41")
    assert text(whole).splitlines()[1:] == ["raid degraded on <nas>", "sda1 is gone", "at 13:02"]
    assert "Why" not in labels(whole)  # of what is kept no more nothing is known
    assert text(await show(asking(seen), "alert", "c15")).startswith("⚠️ pve2: SMART error\nraid degraded")
    assert "Nothing more is kept of this." in text(await show(asking(seen), "alert", "c16"))
    listed = [button.tap for row in (await show(asking(seen), "history")).rows for button in row]
    assert [tap for tap in listed if isinstance(tap, Open) and tap.page == "alert"] == taps[:2]
    with pytest.raises(NotFound):  # of what does not exist for the asker
        await PAGES["alert"].load(asking(seen, narrowed("ids")), "41")


async def test_the_cards_of_other_chats_do_not_exist_here() -> None:
    await show(asking(watching()), "hush", "c12")
    with pytest.raises(NotFound, match="not kept"):
        await PAGES["alert"].load(asking(watching()), "c13")
    for card in ("c13", "c99", "c", "c٣", "c" + "9" * 30):
        with pytest.raises(NotFound, match="not kept"):
            await PAGES["hush"].load(asking(watching()), card)


async def test_two_clusters_name_themselves() -> None:
    seen = watching()
    seen.pulses = [PULSE, replace(PULSE, cluster="lab", name="lab", age=900.0)]
    check("watch-alerts-two-clusters", await show(asking(seen), "alerts"))


async def test_many_alerts_are_paged() -> None:
    seen = Watch(*made.crowd(500))
    for page in ("1", "63", "999", "-1", "x", "٣"):
        screen = await show(asking(seen), "alerts", page)
        assert text(screen).count("stopped by itself") in {8, 4}
    assert len(text(await show(asking(seen), "why"))) < 4096


# -- who may what


async def test_without_a_watch_each_page_says_so() -> None:
    for key in ("alerts", "history", "why", "silences", "silence", "maintenance", "subscribe", "unsubscribe", "quiet",
                "zone", "digest", "auditlog", "pin", "unpin", "testalert", "alert", "hush", "silenced"):  # fmt: skip
        arg = {"silence": "web 4h", "maintenance": "pve2 4h", "subscribe": "all", "hush": "c12"}.get(key, "")
        with pytest.raises(NotFound, match="Nothing is watched"):
            await PAGES[key].load(asking(None, ANA), arg)


CHANGES = (
    ("silence", "web 4h"),
    ("maintenance", "pve2 2h"),
    ("subscribe", "all"),
    ("unsubscribe", ""),
    ("quiet", "22:00-08:00"),
    ("zone", "Europe/Berlin"),
    ("digest", "7:30"),
    ("digest", "here"),
    ("auditlog", "here"),
    ("pin", ""),
    ("unpin", ""),
    ("testalert", ""),
)


def state(seen: Watch) -> object:
    return (list(seen.quiet), list(seen.told), dict(seen.ways), list(seen.pinned), list(seen.tests))


@pytest.mark.parametrize(("page", "arg"), CHANGES)
async def test_what_waited_too_long_changes_nothing(page: str, arg: str) -> None:
    seen = watching()
    seen.told, seen.pinned = [Route(chat=ANA.id, least=Severity.CRITICAL)], [asking(seen, ANA).place]
    before = state(seen)
    with pytest.raises(Stale):
        await PAGES[page].load(asking(seen, ANA, waited=121), arg)
    assert state(seen) == before
    await PAGES[page].load(asking(seen, ANA, waited=119), arg)
    assert state(seen) != before


@pytest.mark.parametrize(("page", "arg"), CHANGES)
async def test_every_page_that_changes_says_so_in_its_row(page: str, arg: str) -> None:
    assert PAGES[page].changes


@pytest.mark.parametrize(
    ("page", "arg"),
    [
        ("subscribe", "all"),
        ("unsubscribe", "now"),
        ("quiet", "off"),
        ("zone", "UTC"),
        ("digest", "off"),
        ("pin", ""),
        ("unpin", ""),
    ],
)
async def test_a_viewer_changes_their_own_chat_and_no_group(page: str, arg: str) -> None:
    seen = watching()
    seen.told = [Route(chat=VERA.id)]
    before = state(seen)
    with pytest.raises(Denied, match="changing what a group is told"):
        await PAGES[page].load(asking(seen, VERA, private=False), arg)
    assert state(seen) == before
    await PAGES[page].load(asking(seen, VERA), arg)
    await PAGES[page].load(asking(seen, BEN, private=False), arg)


async def test_a_viewers_forged_end_of_a_silence_is_denied() -> None:
    seen = watching()
    with pytest.raises(Denied):
        await PAGES["silences"].load(asking(seen, VERA), "end 1")
    assert len(seen.quiet) == 4
    for key in ("silence", "maintenance", "hush"):
        assert PAGES[key].role == Role.OPERATOR
    for key in ("testalert", "auditlog"):
        assert PAGES[key].role == Role.ADMIN


NARROW = {
    "pool": Scope(pools=frozenset({"data"})),
    "tag": Scope(tags=frozenset({"prod"})),
    "ids": Scope(vmids=frozenset({103})),
    "node": Scope(nodes=frozenset({"pve3"})),
    "lab": Scope(clusters=frozenset({"lab"})),
}


def narrowed(kind: str, asker: Asker = BEN) -> Asker:
    return replace(asker, scope=NARROW[kind])


@pytest.mark.parametrize(
    ("kind", "numbers"), [("pool", []), ("tag", []), ("ids", [3]), ("node", [3, 8, 11]), ("lab", [])]
)
async def test_what_is_out_of_scope_does_not_exist(kind: str, numbers: Iterable[int]) -> None:
    seen = watching()
    seen.records = [record(1)]
    seen.blinds = list(BLINDS)
    ask = asking(seen, narrowed(kind))
    data = await PAGES["alerts"].load(ask, "")
    assert sorted(alert.number for alert in data.shown) == sorted(set(numbers) - {EXPLAINED.number})
    assert data.blind == () or kind == "lab"
    for alert in EVERY:
        for page, arg in (("alert", str(alert.number)), ("why", str(alert.number)), ("hush", f"n{alert.number}")):
            if alert.number in numbers:
                await show(ask, page, arg)
            else:
                with pytest.raises(NotFound):
                    await PAGES[page].load(ask, arg)
    for name in ("pve2", "ct-mail"):
        near = await offered(ask, "why", name)
        mine = [("node", "pve3")] if kind == "node" and name == "pve2" else []
        assert [(one.about, one.value) for one in near] == mine
    assert bool((await PAGES["history"].load(ask, "")).records) == (kind == "ids")


async def test_a_narrowed_asker_sees_and_ends_only_silences_of_theirs() -> None:
    seen = watching()
    shown = text(await show(asking(seen, narrowed("ids")), "silences"))
    assert shown == "Nothing is silenced."
    await show(asking(seen, narrowed("ids")), "silences", "end 1")
    assert len(seen.quiet) == 4
    with pytest.raises(NotFound):
        await PAGES["silenced"].load(asking(seen, narrowed("ids")), "1")


@pytest.mark.parametrize("words", ["rule storage_full 1h", "all 1h", "web 1h", "node pve2 1h", "storage nas-backup 1h"])
async def test_a_narrowed_asker_silences_nothing_else(words: str) -> None:
    seen = watching()
    ask = asking(seen, narrowed("ids"))
    if words.startswith(("rule", "all")):
        with pytest.raises(Denied):
            await PAGES["silence"].load(ask, words)
    else:  # their own guest has `web` in its name
        near = await offered(ask, "silence", words)
        assert [(one.about, one.value) for one in near] == ([("guest", "103")] if words.startswith("web") else [])
    assert len(seen.quiet) == 4


async def test_a_narrowed_subscription_is_no_wider_than_its_scope() -> None:
    seen = watching()
    await PAGES["subscribe"].load(asking(seen, narrowed("tag", VERA)), "warning")
    assert seen.told[-1].tags == {"prod"}
    with pytest.raises(Denied):
        await PAGES["subscribe"].load(asking(seen, narrowed("tag", VERA)), "tag:dev")
    with pytest.raises(Denied):
        await PAGES["subscribe"].load(asking(seen, narrowed("tag", VERA)), "node:pve1")
    with pytest.raises(Denied):
        await PAGES["subscribe"].load(asking(seen, narrowed("ids", VERA)), "all")
    assert len(seen.told) == 1


# -- what they change


@pytest.mark.parametrize(
    ("words", "made_"),
    [
        ("web 4h", ("guest", "main", "101", "", 4 * 3600, False)),
        ("101 30m because", ("guest", "main", "101", "because", 1800, False)),
        ("main/101 2d", ("guest", "main", "101", "", 172800, False)),
        (f"vm {HOSTILE} 1h a  b", ("guest", "main", "103", "a b", 3600, False)),
        ("node pve2 24h", ("node", "main", "pve2", "", 86400, False)),
        ("NODE main/pve2 1w", ("node", "main", "pve2", "", 604800, False)),
        ("tag dev 2h", ("tag", "", "dev", "", 7200, False)),
        ("rule storage_full 24h", ("rule", "", "storage_full", "", 86400, False)),
        ("storage nas-backup 8am", ("storage", "main", "nas-backup", "", (18 * 60 - 2) * 60 - 35, False)),
        ("storage pve3/local-zfs 1h", ("storage", "main", "pve3/local-zfs", "", 3600, False)),
        ("all 1h", ("all", "", "", "", 3600, False)),
        ("pve2 1h", ("node", "main", "pve2", "", 3600, False)),
        ("nas-backup 1h why not", ("storage", "main", "nas-backup", "why not", 3600, False)),
        ("tag:dev 1h", ("tag", "", "dev", "", 3600, False)),
        ("TAG:dev 1h", ("tag", "", "dev", "", 3600, False)),
        ("node:pve2 1h", ("node", "main", "pve2", "", 3600, False)),
        ("dev 1h", ("tag", "", "dev", "", 3600, False)),
        ("storage_full 1h", ("rule", "", "storage_full", "", 3600, False)),
        ("everything 1h", ("all", "", "", "", 3600, False)),
    ],
)
async def test_silences_typed_whole(words: str, made_: tuple[object, ...]) -> None:
    if words.startswith("rule") and "storage_full" not in rules():
        pytest.skip("that rule is not there yet")
    seen = Watch()
    await show(asking(seen), "silence", words)
    one = seen.quiet[0]
    seconds = (one.until - NOW).total_seconds()
    assert (one.about, one.cluster, one.value, one.reason, seconds, one.maintenance) == made_
    assert one.by == "Ben"


def rules() -> Iterable[str]:
    from bot.rules import BY_KEY

    return BY_KEY


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("nobody 4h", NotFound),
        ("node nowhere 4h", NotFound),
        ("rule nothing 4h", NotFound),
        ("web for-ever", Stale),
        ("web 0h", Stale),
        ("web 31d", Stale),
        ("web 99999w", Stale),
        ("web 8", Stale),
        ("web 25:00", Stale),
        ("web 13pm", Stale),
        ("web ４h", Stale),
    ],
)
async def test_what_cannot_be_silenced_is_said(words: str, error: type[TelemoxError]) -> None:
    seen = Watch()
    with pytest.raises(error):
        await PAGES["silence"].load(asking(seen), words)
    assert seen.quiet == []


async def test_every_button_of_the_menus_leads_on_to_a_silence() -> None:
    for start in ("", "node", "tag", "storage", "rule", "all", "web"):
        for page in ("silence", "maintenance"):
            seen = Watch()
            ways = [(page, start)] if page == "silence" or not start else []
            walked: set[tuple[str, str]] = set()
            while ways:
                way = ways.pop()
                if way in walked or len(walked) > 60:
                    continue
                walked.add(way)
                screen = await show(asking(seen), *way)
                ways += [
                    (button.tap.page, button.tap.arg)
                    for row in screen.rows
                    for button in row
                    if isinstance(button.tap, Open) and button.tap.page == page
                ]
            assert seen.quiet or not walked or (start == "rule" and not rules())


async def test_ending_a_silence_twice_is_no_matter() -> None:
    seen = watching()
    ended = "Told again: pve2 and its guests · ended by Ben 14:02\n"
    assert ended in text(await show(asking(seen), "silences", "end 2"))
    late = await show(asking(seen, ANA), "silences", "end 2")  # in the same message: it goes on saying the same
    assert ended in text(late)
    assert late.toast is not None
    assert plain(late.toast, READER) == "Ben has ended it already, 14:02."
    assert "That silence is over already.\n" in text(await show(asking(seen), "silences", "end 9"))
    for arg in ("end 4", "end 99", "end ", "end x", "end -1", "end ٢", "end " + "9" * 30):
        assert "Told again" not in text(await show(asking(seen), "silences", arg))
    assert [one.id for one in seen.quiet] == [1, 3, 4]


async def test_a_store_that_fails_is_the_stores_to_say() -> None:
    seen = watching()
    seen.fails = StoreFailed(say("The bot's own database failed: {reason}.", reason="full"))
    for page, arg in CHANGES:
        with pytest.raises(StoreFailed):
            await PAGES[page].load(asking(seen, ANA), arg)


@pytest.mark.parametrize(("page", "arg"), [("silence", "web 4h"), ("silence", "all 8am"), ("maintenance", "pve2 4h")])
async def test_of_two_taps_one_silence_is_made(page: str, arg: str) -> None:
    seen = Watch()
    first = await show(asking(seen), page, arg)
    seen.now += timedelta(seconds=2)
    assert text(await show(asking(seen), page, arg)) == text(first)
    assert len(seen.quiet) == 1
    await show(asking(seen, ANA), page, arg)
    await show(asking(seen), page, f"{arg} new disks")
    assert len(seen.quiet) == 3


async def test_a_subscription_is_of_the_topic_it_was_asked_in() -> None:
    seen = Watch()
    await show(asking(seen, BEN, private=False, topic=9), "subscribe", "pool:web critical")
    assert seen.told == [Route(chat=-100500, topic=9, least=Severity.CRITICAL, pools=frozenset({"web"}))]
    assert "Nothing is told here" in text(await show(asking(seen, BEN, private=False), "subscribe"))
    assert "topic alone" in text(await show(asking(seen, BEN, private=False, topic=9), "subscribe"))
    assert "Nothing was told" in text(await show(asking(seen, BEN, private=False), "unsubscribe"))
    await show(asking(seen, BEN, private=False, topic=9), "unsubscribe")
    assert seen.told == []


async def test_what_stands_in_the_settings_stays_there() -> None:
    seen = Watch()
    seen.told = [Route(chat=BEN.id, settings=True)]
    assert "settings" in text(await show(asking(seen), "subscribe"))
    for page, arg in (("subscribe", "critical"), ("unsubscribe", "")):
        with pytest.raises(Denied, match="settings"):
            await PAGES[page].load(asking(seen), arg)
    assert seen.told == [Route(chat=BEN.id, settings=True)]


@pytest.mark.parametrize("words", ["tag:", "everything", "tag", "<b>", "warning sonst"])
async def test_a_subscription_that_cannot_be_understood_changes_nothing(words: str) -> None:
    seen = Watch()
    with pytest.raises(Stale, match="I do not know"):
        await PAGES["subscribe"].load(asking(seen), words)
    assert seen.told == []


async def test_a_subscription_of_more_than_can_be_kept_is_refused() -> None:
    seen = Watch()
    tags = " ".join(f"tag:t{number}" for number in range(20))
    with pytest.raises(Stale, match="tags, pools and nodes") as refused:
        await PAGES["subscribe"].load(asking(seen), f"{tags} warning pool:web")
    assert plain(refused.value.said(), READER).startswith("These are 21 tags")
    assert seen.told == []
    await PAGES["subscribe"].load(asking(seen), f"{tags} warning tag:t0 critical tag:t1 tag:t2")
    assert [(len(route.tags), route.least) for route in seen.told] == [(20, Severity.CRITICAL)]


async def test_quiet_hours_and_zone_are_kept_with_what_else_the_chat_wants() -> None:
    seen = Watch()
    seen.ways[BEN.id] = Habits(chat=BEN.id, pinned=77)
    await show(asking(seen), "quiet", "22:00 - 8am")
    assert "23:02 here" in text(await show(asking(seen), "zone", "asia/tokyo"))
    await show(asking(seen), "digest", "off")
    assert seen.ways[BEN.id] == Habits(
        chat=BEN.id, pinned=77, zone="Asia/Tokyo", quiet_from=time(22), quiet_to=time(8), digest=None
    )
    await show(asking(seen), "quiet", "off")
    assert seen.ways[BEN.id].quiet_from is None
    for words in ("22", "22-22", "25:00-08:00", "now", "8:00", "-", "22:00-"):
        with pytest.raises(Stale):
            await PAGES["quiet"].load(asking(seen), words)


async def test_a_zone_is_never_guessed() -> None:
    seen = Watch()
    await show(asking(seen), "zone", "Belin")
    assert seen.ways == {}
    await show(asking(seen), "zone", "new york")
    assert seen.ways[BEN.id].zone == "America/New_York"
    with pytest.raises(NotFound):
        await PAGES["zone"].load(asking(seen), "../../etc/passwd")
    with pytest.raises(NotFound):
        await PAGES["zone"].load(asking(seen), HOSTILE)


def test_nearest() -> None:
    zones = frozenset({"Europe/Berlin", "Europe/London", "America/New_York", "Asia/Tokyo", "UTC", "Etc/UTC"})
    assert nearest("EUROPE/BERLIN", zones) == ("Europe/Berlin",)
    assert nearest("tokyo", zones) == ("Asia/Tokyo",)
    assert nearest("Lodnon", zones)[0] == "Europe/London"
    assert nearest("zz", zones) == ()
    assert nearest("", zones) == ()


async def test_a_zone_that_the_machine_does_not_know_is_said() -> None:
    seen = Watch()
    seen.ways[BEN.id] = Habits(chat=BEN.id, zone="Mars/Olympus")
    assert "knows no zone" in text(await show(asking(seen), "zone"))
    assert reader_of(seen, BEN.id).zone is None
    assert reader_of(None, BEN.id).zone is None
    seen.ways[BEN.id] = Habits(chat=BEN.id, zone="Asia/Tokyo")
    assert reader_of(seen, BEN.id).zone == ZoneInfo("Asia/Tokyo")
    for name in ("../etc/passwd", "/etc/passwd", "\x00", "a" * 5000, "Europe"):
        assert zone_of(name) is None


async def test_digest_and_audit_go_to_the_topic_where_that_was_asked() -> None:
    seen = Watch()
    screen = await show(asking(seen, BEN, private=False, topic=9), "digest", "here")
    assert "into this topic" in text(screen)
    await show(asking(seen, ANA, private=False, topic=11), "auditlog", "here")
    assert seen.ways[-100500] == Habits(chat=-100500, digest_topic=9, audit=True, audit_topic=11)
    await show(asking(seen, ANA, private=False, topic=11), "auditlog", "off")
    assert not seen.ways[-100500].audit


# -- times


@pytest.mark.parametrize(
    ("words", "zone", "then"),
    [
        ("8am", UTC, datetime(2026, 11, 25, 8, tzinfo=UTC)),
        ("08:00", ZoneInfo("Europe/Berlin"), datetime(2026, 11, 25, 7, tzinfo=UTC)),
        ("3:30pm", UTC, datetime(2026, 11, 24, 15, 30, tzinfo=UTC)),
        ("12am", UTC, datetime(2026, 11, 25, tzinfo=UTC)),
        ("12pm", UTC, datetime(2026, 11, 25, 12, tzinfo=UTC)),
        ("1H", UTC, NOW + timedelta(hours=1)),
        ("90min", UTC, NOW + timedelta(minutes=90)),
        ("90s", UTC, NOW + timedelta(seconds=90)),
        ("30d", UTC, NOW + timedelta(days=30)),
        ("", UTC, None),
        ("24:00", UTC, None),
        ("0am", UTC, None),
        ("-1h", UTC, None),
        ("1.5h", UTC, None),
    ],
)
def test_until(words: str, zone: ZoneInfo, then: datetime | None) -> None:
    assert until(words, NOW, zone) == then


def test_the_morning_after_the_clocks_change_is_at_eight_all_the_same() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    evening = datetime(2026, 10, 24, 20, tzinfo=UTC)  # the night in which an hour comes twice
    assert next_at(time(8), evening, berlin).astimezone(berlin) == datetime(2026, 10, 25, 8, tzinfo=berlin)
    machine = next_at(time(8), NOW, None)
    assert machine.astimezone().time() == time(8)
    assert timedelta() < machine - NOW <= timedelta(days=1)


@given(st.text(max_size=30))
def test_no_text_breaks_the_times(words: str) -> None:
    hour(words)
    with contextlib.suppress(Stale):
        until(words, NOW, UTC)


scopes = st.builds(
    Scope,
    clusters=st.sets(st.sampled_from(["main", "lab"]), max_size=1).map(frozenset),
    nodes=st.sets(st.sampled_from(["pve1", "pve2"]), max_size=1).map(frozenset),
    pools=st.sets(st.sampled_from(["data"]), max_size=1).map(frozenset),
    tags=st.sets(st.sampled_from(["prod"]), max_size=1).map(frozenset),
    vmids=st.sets(st.sampled_from([104, 102]), max_size=1).map(frozenset),
)


@given(scopes, st.sampled_from([*EVERY, replace(HOST, finding=replace(HOST.finding, subject=made.cluster()))]))
def test_narrowing_a_scope_never_shows_more(scope: Scope, alert: Alert) -> None:
    if visible(alert, scope):
        for wider in (
            replace(scope, clusters=frozenset()),
            Scope(clusters=scope.clusters),
            Scope(),
        ):
            assert visible(alert, wider)
    if scope.pools or scope.tags or scope.vmids:
        assert not visible(HOST, scope)


_PARTS = (
    Part(about=About.GUEST, id="104", node="pve1", pool="data"),
    Part(about=About.GUEST, id="102", node="pve2", tags=("prod",)),
)


@pytest.mark.parametrize(
    ("more", "scope", "shown"),
    [
        ({"of": "main/guest/104"}, Scope(vmids=frozenset({104})), True),
        ({"of": "main/guest/104", "pool": "data"}, Scope(pools=frozenset({"data"})), True),
        ({"of": "main/guest/104", "tags": ("prod",)}, Scope(tags=frozenset({"prod"})), True),
        ({"of": "main/guest/104"}, Scope(vmids=frozenset({102})), False),
        ({"of": "main/guest/104"}, Scope(vmids=frozenset({104}), clusters=frozenset({"lab"})), False),
        ({"parts": _PARTS}, Scope(pools=frozenset({"data"})), False),  # it names the other, too
        ({"parts": _PARTS}, Scope(vmids=frozenset({102, 104})), True),
        ({"parts": _PARTS}, Scope(nodes=frozenset({"pve1"})), False),
        ({"parts": _PARTS}, Scope(nodes=frozenset({"pve1", "pve2"})), True),
    ],
)
def test_what_is_of_guests_exists_for_whom_these_do(more: dict[str, Any], scope: Scope, shown: bool) -> None:
    subject = Subject(about=About.OTHER, cluster="main", id="vzdump/1", name="vzdump", node="pve1", **more)
    assert visible(replace(HOST, finding=replace(HOST.finding, subject=subject)), scope) == shown


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(key for key in PAGES if key in {
        "alerts", "alert", "history", "why", "hush", "silences", "silenced", "silence", "maintenance", "subscribe",
        "unsubscribe", "quiet", "digest", "auditlog", "pin", "unpin", "testalert"})),
    st.text(st.characters(codec=None), max_size=60) | st.sampled_from(
        ["by:tag", "by:tag page:9", "by:node page:x", "c12 2", "c99", "n", "r0", "end", "node", "tag dev", "page:3",
         "tag page:2", "rule page:99999999999", "all", "all all", "/", "main/", "guest main/101 1h", "here", "off"]),
)  # fmt: skip
async def test_anything_typed_after_a_command_is_answered(page: str, arg: str) -> None:
    try:
        screen = await show(asking(watching(), ANA), page, arg)
    except TelemoxError as error:
        html(error.said(), READER)
    else:
        html(screen.text, READER)


async def test_history_says_what_is_gone() -> None:
    seen = Watch()
    seen.records = [replace(record(2), gone=True), record(3)]
    assert text(await show(asking(seen), "history")).count("gone since") == 1


async def test_history_does_not_say_for_how_long_it_was_wrong_where_it_still_is() -> None:
    seen = Watch()
    seen.records = [replace(record(2), unwell=say("failed again {at}", at="14:10"))]
    (line,) = [row for row in text(await show(asking(seen), "history")).splitlines() if "failed again" in row]
    assert line.endswith("· failed again 14:10")


async def test_all_is_read_again_for_an_operator() -> None:
    seen = watching()
    check("watch-again", await show(asking(seen), "again"))
    assert "less than half a minute ago" in text(await show(asking(seen), "again"))
    assert seen.looked == ["Ben", "Ben"]
    assert "Read all again" in labels(await show(asking(seen), "alerts"))
    assert "Read all again" not in labels(await show(asking(seen, VERA), "alerts"))


async def test_why_of_a_name_is_of_what_stands_for_the_rest() -> None:
    """That it should run hangs on that it stopped: nobody is to choose between the two."""
    stopped = made.stopped(3)
    rule = replace(stopped.finding, rule="guest_expected_down")
    seen = watching(stopped, replace(stopped, number=4, finding=rule, parent=stopped.key))
    assert text(await show(asking(seen), "why", "ct-mail")).startswith("⚠️ ct-mail stopped by itself\n")
    seen = watching(stopped, replace(stopped, number=4, finding=rule))
    assert text(await show(asking(seen), "why", "ct-mail")).startswith("Which one?")


async def test_why_says_once_what_keeps_many_rules_quiet() -> None:
    seen = Watch()
    seen.silent = dict.fromkeys(rules(), say("silenced by Ben until 16:10"))
    assert " rules about it: silenced by Ben until 16:10" in text(await show(asking(seen), "why", "web"))


async def test_why_nobody_was_told_is_found_by_name() -> None:
    seen = watching(replace(EXPLAINED, finding=replace(EXPLAINED.finding, subject=made.guest(105, "ct-dns"))))
    assert "ct-dns" not in text(await show(asking(seen), "alerts"))
    for arg in ("CT-DNS", "11"):
        said = text(await show(asking(seen), "why", arg))
        assert "\nNobody is told: ana@pve has ordered it.\n" in said
        assert said.count("ana@pve") == 1


@pytest.mark.parametrize(
    ("page", "arg", "group", "private"),
    [
        ("silences", "end 2", "ending a silence needs operator", True),
        ("silences", "2", "", False),
        ("subscribe", "critical", "changing what a group is told needs operator", False),
        ("subscribe", "by:tag page:2", "", False),
        ("unsubscribe", "", "changing what a group is told needs operator", False),
        ("quiet", "off", "changing what a group is told needs operator", False),
        ("quiet", "", "", False),
        ("zone", "UTC", "changing what a group is told needs operator", False),
        ("digest", "off", "changing what a group is told needs operator", False),
        ("digest", " ", "", False),
        ("pin", "", "changing what a group is told needs operator", False),
        ("unpin", "", "changing what a group is told needs operator", False),
        ("hush", "3", "silencing needs operator", True),
        ("silence", "web 4h", "silencing needs operator", True),
        ("maintenance", "pve2 4h", "maintenance needs operator", True),
        ("again", "", "reading all again needs operator", True),
        ("audit", "", "/audit needs admin", True),
        ("status", "", "", False),
    ],
)
async def test_a_refusal_by_role_is_known_before_a_message_is_touched(
    page: str, arg: str, group: str, private: bool
) -> None:
    """`private`: refused in a private chat as well."""
    said = PAGES[page].refusal(VERA, arg, False)
    assert group in (plain(said, READER) if said is not None else "")
    assert bool(group) == (said is not None)
    assert (PAGES[page].refusal(VERA, arg, True) is not None) == private
    assert PAGES[page].refusal(ANA, arg, False) is None


@pytest.mark.parametrize(("page", "arg"), [*CHANGES, ("silences", "end 1")])
async def test_what_a_page_refuses_by_role_it_has_declared(page: str, arg: str) -> None:
    seen = watching()
    refused = PAGES[page].refusal(VERA, arg, False) is not None
    assert refused  # all that changes anything
    if page in {"silence", "maintenance", "auditlog", "testalert"}:
        return  # by the page's own role
    with pytest.raises(Denied):
        await PAGES[page].load(asking(seen, VERA, private=False), arg)


# -- the audit


async def test_whoever_changes_what_is_told_stands_in_the_audit() -> None:
    seen, store = watching(), Memory()
    ask = asking(seen, private=False, store=store)
    await show(ask, "silence", f"{HOSTILE} 4h new disks")
    await show(ask, "maintenance", "pve2 2h")
    await show(ask, "silence", "tag dev 1h")
    await show(ask, "silence", "all 1h")
    await show(ask, "silences", "end 2")
    here = Recorded(watch=seen, store=store, place=ask.place)
    assert [alert.number for alert in await here.ack([7], BEN)] == [7]
    assert not await here.ack([7], BEN)  # nothing left to do: no line
    await here.ack([5, 7, *range(900, 920)], ANA)
    ben, ana = ("Ben", "-100500"), ("Ana", "-100500")
    assert store.orders == [
        (*ben, "silence", "guest main/103", "until 2026-11-24 18:02 UTC: new disks"),
        (*ben, "maintenance", "node main/pve2", "until 2026-11-24 16:02 UTC"),
        (*ben, "silence", "tag dev", "until 2026-11-24 15:02 UTC"),
        (*ben, "silence", "everything", "until 2026-11-24 15:02 UTC"),
        (*ben, "maintained", "node main/pve2", "ok"),
        (*ben, "ack", "alert 7: nas 91 % full", "ok"),
        (*ana, "ack", "alert 5: pve2 is offline", "ok"),
    ]


async def test_what_cannot_be_written_into_the_audit_is_not_done() -> None:
    seen, store = watching(), Memory()
    store.full = True
    before = state(seen)
    for page, arg in (("silence", "web 4h"), ("maintenance", "pve2 2h"), ("silences", "end 1")):
        with pytest.raises(StoreFailed):
            await PAGES[page].load(asking(seen, store=store), arg)
    assert state(seen) == before


async def test_a_change_that_failed_says_so_in_the_audit() -> None:
    seen, store = watching(), Memory()
    seen.fails = StoreFailed(say("The bot's own database failed: {reason}.", reason="full"))
    with pytest.raises(StoreFailed):
        await PAGES["silence"].load(asking(seen, store=store), "web 4h")
    assert store.orders == [("Ben", str(BEN.id), "silence", "guest main/101", "failed")]


# -- several silences of one thing


def silence(number: int, about: str, value: str, minutes: float, **more: object) -> Silence:
    cluster = "" if about in {"tag", "rule", "all"} else "main"
    made_ = Silence(id=number, about=about, cluster=cluster, value=value, until=ago(-minutes), made=ago(1), by="Ana")
    return replace(made_, **more) if more else made_  # type: ignore[arg-type]


WEB_1H = silence(1, "guest", "101", 60)


@pytest.mark.parametrize(
    ("other", "still"),
    [
        (silence(2, "guest", "101", 240), "Still silent until 18:02, by Ana: web (101)"),
        (silence(2, "guest", "102", 240), ""),
        (silence(2, "tag", "prod", 240), "Still silent until 18:02, by Ana: tag prod"),
        (silence(2, "tag", "dev", 240), ""),
        (silence(2, "all", "", 240), "Still silent until 18:02, by Ana: everything"),
        (silence(2, "all", "", -1), ""),
        (silence(2, "node", "pve1", 240, maintenance=True), "Still silent until 18:02, by Ana: pve1 and its guests"),
        (silence(2, "node", "pve1", 240), ""),
        (silence(2, "node", "pve2", 240, maintenance=True), ""),
        (silence(2, "rule", "prod", 240), ""),
        (silence(2, "guest", "101", 240, cluster="lab"), ""),
    ],
)
async def test_what_another_silence_covers_is_not_called_told_again(other: Silence, still: str) -> None:
    seen = watching()
    seen.quiet = [WEB_1H, other]
    said = text(await show(asking(seen), "silences", "end 1"))
    assert seen.quiet == [other]
    assert ("Told again: web (101)" in said) == (not still)
    assert still in said


async def test_of_the_same_name_each_button_says_when() -> None:
    seen = watching()
    seen.quiet = [
        WEB_1H,
        silence(2, "guest", "101", 240),
        silence(3, "guest", "101", 3000),
        silence(4, "tag", "lab", 9),
    ]
    check("watch-silences-same", await show(asking(seen), "silences"))


async def test_a_name_of_several_kinds_is_asked_for_with_what_was_typed_after_it() -> None:
    seen, everything = Watch(), snapshot()
    guest = replace(everything.by_vmid[101], name="pve2")
    host = Host(replace(everything, guests=tuple(guest if one.vmid == 101 else one for one in everything.guests)))
    ask = enquiry(host, asker=BEN, watch=seen)
    screen = await show(ask, "silence", "pve2 2h fans")
    check("watch-silence-kinds", screen)
    assert seen.quiet == []
    node = next(button.tap for row in screen.rows for button in row if label(button) == "node pve2")
    assert isinstance(node, Open)
    await show(ask, node.page, node.arg)
    assert [(one.about, one.value, one.reason) for one in seen.quiet] == [("node", "pve2", "fans")]


@pytest.mark.parametrize(
    ("kind", "words"), [("pool", "node pve2 1h"), ("tag", "tag edge 1h"), ("pool", "storage nas-backup 1h")]
)
async def test_who_is_narrowed_to_guests_silences_no_more_than_those(kind: str, words: str) -> None:
    """Guests of theirs are on that node, bear that tag: others are and do as well."""
    seen = Watch()
    for typed in (words, words.partition(" ")[2]):
        ask = asking(seen, narrowed(kind))
        fleet = await ask.fleet()
        mine = {("guest", str(guest.vmid)) for guest in fleet.guests} | {("tag", tag) for tag in ask.asker.scope.tags}
        assert {(one.about, one.value) for one in await offered(ask, "silence", typed)} <= mine
    assert seen.quiet == []
    if kind == "tag":
        await PAGES["silence"].load(asking(seen, narrowed(kind)), "tag:prod 1h")
        assert len(seen.quiet) == 1


async def test_a_narrowed_name_alone_is_no_wider() -> None:
    for words in ("storage_full 1h", "pve2 1h", "nas-backup 1h", "everything 1h"):
        seen = Watch()
        with pytest.raises((NotFound, Denied)):
            await PAGES["silence"].load(asking(seen, narrowed("ids")), words)
        assert seen.quiet == []


async def test_what_is_nowhere_is_said_with_where_to_look() -> None:
    said = await refused(Watch(), "silence", "nonsense 1h")
    assert said == "Nothing here is called nonsense. /silence alone lists what there is."
    said = await refused(Watch(), "maintenance", "nonsense 2h")
    assert said == "There is no node nonsense. /maintenance alone lists what there is."


async def test_history_of_what_is_known_and_was_well_says_so() -> None:
    seen = Watch()
    assert text(await show(asking(seen), "history", "web")).startswith(
        "Nothing was wrong with web in the last 90 days."
    )
    assert ": no such name, or" in text(await show(asking(seen), "history", "nonsense"))


async def test_what_is_nearly_called_so_is_offered_and_nothing_is_silenced_by_the_guess() -> None:
    seen = Watch()
    for page, typed, names in (
        ("silence", "nas 4h", ["nas-backup"]),
        ("silence", "storage nas 4h", ["nas-backup"]),
        ("silence", "nas off", ["nas-backup"]),
        ("silence", "strage_full 1h", ["storage_full"]),
        ("silence", "tag:prd 1h", ["prod"]),
        ("silence", "ct-mial 4h", ["ct-mail"]),
        ("maintenance", "pv2", ["pve2", "pve1", "pve3"]),
        ("why", "nas", ["nas-backup"]),
        ("why", "ct-mial", ["ct-mail"]),
        ("history", "nas", ["nas-backup"]),
    ):
        assert [one.name for one in await offered(asking(seen), page, typed)] == names, typed
    assert seen.quiet == []
    screen = await show(asking(seen), "silence", "nas 4h new disks")
    tap = screen.rows[0][0].tap
    assert isinstance(tap, Open)
    await show(asking(seen), tap.page, tap.arg)
    assert [(one.about, one.value, one.reason) for one in seen.quiet] == [("storage", "nas-backup", "new disks")]


async def offered(ask: Enquiry, page: str, arg: str) -> Sequence[Target]:
    """Where nothing is called so."""
    try:
        data = await PAGES[page].load(ask, arg)
    except NotFound:
        return ()
    near: Sequence[Target] = data.near if page == "history" else data.targets
    return near


async def refused(seen: Watch, page: str, arg: str) -> str:
    with pytest.raises(NotFound) as error:
        await PAGES[page].load(asking(seen), arg)
    return plain(error.value.said(), READER)


async def test_off_ends_what_was_begun() -> None:
    seen = watching()
    screen = await show(asking(seen), "maintenance", "pve2 off")
    assert "Told again: pve2 and its guests" in text(screen)
    assert [one.id for one in seen.quiet] == [1, 3, 4]
    assert await refused(seen, "maintenance", "pve2 off") == "pve2 is not under maintenance."
    seen.quiet += [silence(7, "guest", "104", 9), silence(8, "rule", "storage_full", 9, cluster="main")]
    await show(asking(seen), "silence", "ct-mail OFF")
    await show(asking(seen), "silence", "storage_full off")
    assert [one.id for one in seen.quiet] == [3, 4]
    assert (await refused(seen, "silence", "web off")).startswith("Nothing silences just web.")
    with pytest.raises(Stale):
        await PAGES["silence"].load(asking(seen, waited=121), "tag:dev off")
    assert [one.id for one in seen.quiet] == [3, 4]


async def test_a_silence_of_a_node_stays_when_its_maintenance_ends() -> None:
    seen = Watch()
    seen.quiet = [silence(1, "node", "pve2", 60, maintenance=True), silence(2, "node", "pve2", 90)]
    said = text(await show(asking(seen), "maintenance", "pve2 off"))
    assert [one.id for one in seen.quiet] == [2]
    assert "Told again: pve2 and its guests" in said


# -- what was typed is heard


async def test_a_subscription_says_what_it_replaces_and_what_is_nowhere() -> None:
    seen = Watch()
    seen.told = [Route(chat=BEN.id, least=Severity.CRITICAL)]
    check("watch-subscribe-unknown", await show(asking(seen), "subscribe", "tag:nosuch tag:prod node:pve9 pool:data"))
    said = text(await show(asking(seen), "subscribe", "tag:prod"))
    assert "Nothing here has" not in said
    assert "Before: Everything is told here, of " in said
    assert "Before" not in text(await show(asking(seen), "subscribe", "tag:prod"))
    assert "Before" not in text(await show(asking(Watch()), "subscribe", "tag:prod"))


async def test_a_subscription_needs_no_cluster_to_answer() -> None:
    seen = Watch()
    host = Host(snapshot(), cached=False)
    host.fails["resources"] = gone()
    data = await PAGES["subscribe"].load(enquiry(host, asker=BEN, watch=seen), "tag:prod")
    assert (data.changed, data.unknown) == (True, ())
    assert len(seen.told) == 1


HISTORY = (
    record(1),
    replace(record(2), subject=made.guest(106, "git", node="pve3", tags=("dev",))),
    replace(record(3), subject=made.node("pve3"), rule="node_offline"),
    replace(record(4), subject=made.storage("nas-backup"), rule="storage_full"),
    replace(record(5), subject=made.guest(107, "git-runner", node="pve2")),
)


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("1", [1, 2, 3, 4, 5]),
        ("git", [2]),
        ("GIT", [2]),
        ("106", [2]),
        ("pve3", [2, 3]),
        ("node:pve3", [2, 3]),
        ("tag:dev", [2]),
        ("nas", [4]),
        ("storage_full", [4]),
        ("rule:node_offline", [3]),
        ("git page:7", [2]),
        ("xyz", []),
        (HOSTILE, [1]),
        ("homelab", [1, 2, 3, 4, 5]),
    ],
)
async def test_history_is_of_what_was_typed(typed: str, numbers: Sequence[int]) -> None:
    seen = Watch()
    seen.records = list(HISTORY)
    data = await PAGES["history"].load(asking(seen), typed)
    assert [one.number for one in data.records] == numbers
    await show(asking(seen), "history", typed)


async def test_history_of_one_thing_is_paged_and_leads_back_to_all() -> None:
    seen = Watch()
    seen.records = [replace(HISTORY[1], number=n) for n in range(20)] + list(HISTORY)
    check("watch-history-of", await show(asking(seen), "history", "git page:3"))
    check("watch-history-of-nothing", await show(asking(seen), "history", "<xyz>"))
    seen.records = list(HISTORY)
    assert text(await show(asking(seen, narrowed("ids")), "history", "git")).startswith("Nothing of git")


async def test_why_of_something_without_an_alert_says_what_is_known_of_it() -> None:
    seen = Watch()
    seen.records = [
        replace(record(1, told=False), subject=made.guest(104, "ct-mail")),
        record(2),
        *(replace(record(n), subject=made.guest(104, "ct-mail")) for n in range(3, 8)),
    ]
    seen.blinds = [
        *BLINDS,
        replace(BLINDS[0], rule="guest_expected_down", said=say("onboot unknown: a token lacks it")),
    ]
    check("watch-why-known", await show(asking(seen), "why", "ct-mail"))
    seen.silent = {"guest_stopped_by_itself": say("stopped by ana@pve 14:02"), "guest_expected_down": say("off")}
    check("watch-why-reasons", await show(asking(seen), "why", "ct-mail"))
    seen.silent["guest_stopped_by_itself"] = say("off")
    assert "\nguest_expected_down, guest_stopped_by_itself: off\n" in text(await show(asking(seen), "why", "ct-mail"))
    assert await show(asking(seen), "why", "104") == await show(asking(seen), "why", "CT-Mail")
    check("watch-why-well", await show(asking(seen), "why", "pve2"))
    check("watch-why-rule", await show(asking(seen), "why", "storage_full"))
    seen.silent = {"guest_event": say("off")}  # of a rule itself, and of several things of one name
    shown = text(await show(asking(seen), "why", "guest_event"))
    assert "\nguest_event: off\nRule guest_event: A guest was started" in shown
    check("watch-why-storage", await show(asking(seen), "why", "nas-backup"))
    said = await refused(seen, "why", "nonsense")
    assert said.startswith("Nothing here is called nonsense, and no alert is about it.")
    assert (await refused(seen, "why", "34")).startswith("There is no alert 34")
    tagged = await offered(asking(seen), "why", "prod")  # a tag: no one thing
    assert {one.about for one in tagged} == {"guest"}
    assert (await refused(seen, "why", "tag:prod")).startswith("Nothing here is called tag:prod")


async def test_why_tells_a_narrowed_asker_of_nothing_else() -> None:
    seen = Watch()
    seen.records = [record(1), replace(record(2), subject=made.storage("nas-backup"), rule="storage_full")]
    seen.blinds = list(BLINDS)
    for name in ("ct-mail", "104", "pve2", "nas-backup", "storage_full"):
        with pytest.raises(NotFound):
            await PAGES["why"].load(asking(seen, narrowed("ids")), name)
    assert "Lately" in text(await show(asking(seen, narrowed("ids")), "why", HOSTILE))


def test_each_problem_has_a_rule_that_looks_at_it() -> None:
    assert set(RULES_OF) == set(Rank) - {Rank.CRITICAL, Rank.WARNING, Rank.INFO}
    assert {key for keys in RULES_OF.values() for key in keys} <= set(rules())


# -- the digest


@pytest.mark.parametrize(
    ("habits", "routes", "topic", "where"),
    [
        (Habits(chat=-100500), [Route(chat=-100500)], None, ""),
        (Habits(chat=-100500), [Route(chat=-100500)], 9, "It comes into General."),
        (Habits(chat=-100500), [Route(chat=-100500, topic=9)], 9, "It comes into this topic."),
        (Habits(chat=-100500), [Route(chat=-100500, topic=9)], None, "It comes into another topic of this chat."),
        (Habits(chat=-100500, digest_topic=7), [Route(chat=-100500)], 9, "It comes into another topic of this chat."),
        (Habits(chat=-100500, digest_topic=9), [Route(chat=-100500)], 9, "It comes into this topic."),
        (Habits(chat=-100500, digest=None), [Route(chat=-100500, topic=9)], 9, ""),
    ],
)
async def test_a_digest_says_into_which_topic_it_comes(
    habits: Habits, routes: Sequence[Route], topic: int | None, where: str
) -> None:
    seen = watching()
    seen.ways[-100500] = habits
    seen.told = list(routes)
    screen = await show(asking(seen, private=False, topic=topic), "digest")
    assert where in text(screen)
    assert ("It comes" in text(screen)) == bool(where)
    assert ("Into this topic" in labels(screen)) == (topic is not None and where != "It comes into this topic.") or (
        habits.digest is None
    )


async def test_where_nothing_is_told_no_digest_comes() -> None:
    seen = watching()
    seen.told = [Route(chat=VERA.id)]
    check("watch-digest-untold", await show(asking(seen), "digest"))
    seen.kept.clear()
    assert "open now" not in text(await show(asking(seen), "digest"))
    said = text(await show(asking(seen), "digest", "7:30"))
    assert said == "The digest comes daily at 07:30.\nSo far nothing is told here by itself: /subscribe, or none comes."
    assert "Subscribe …" not in labels(await show(asking(seen, VERA, private=False), "digest"))


async def test_the_menu_of_a_node_says_what_of_it_is_silenced() -> None:
    check("watch-hush-of-node", await show(asking(watching()), "hush", "5"))
    assert "pve2 and all on it, its guests too, for how long?" in text(await show(asking(watching()), "hush", "n5"))


async def test_several_alerts_of_one_thing_are_told_apart_by_what_they_say() -> None:
    other = replace(MAIL, number=9, finding=replace(MAIL.finding, said=say("{name} should run", name="ct-mail")))
    seen = watching(MAIL, other, FULL)
    assert {"ct-mail stopp…itself", "ct-mail should run", "nas"} <= set(labels(await show(asking(seen), "alerts")))


# -- one list of what is wrong


def count_of(screen: Screen) -> int:
    return next((int(one.rpartition(" ")[2]) for one in labels(screen) if "Problems" in one), 0)


async def test_the_status_and_its_problems_are_one_list_with_each_open_alert() -> None:
    """Of a guest that is paused too, a failed backup has a line of its own; what is said by both has one."""
    same = replace(made.stopped(31, made.guest(104, "ct-mail")))
    pool = made.alert(32, replace(made.storage("rpool"), about=About.OTHER), say("{name} is DEGRADED", name="rpool"),
                      rule="zfs", severity=Severity.CRITICAL)  # fmt: skip
    noted = made.alert(33, made.guest(101, "web"), say("{name} is down, ordered", name="web"), severity=Severity.INFO)
    backup = made.alert(34, made.guest(131, "win-test"), say("backup failed"), rule="backup_failed")
    full = made.alert(35, made.storage("nas-backup"), say("nas-backup 92 % full"), rule="storage_full")
    hanging = made.stopped(36, made.guest(102, "db"), parent=pool.key)
    seen = watching(same, pool, noted, backup, full, hanging, PENDING)
    status_, problems_ = await show(asking(seen), "status"), await show(asking(seen), "problems")
    check("status-one-list", status_)
    check("problems-one-list", problems_)
    lines_ = [line for line in text(problems_).splitlines()[1:] if line and line[0] in "🔴⚠🔵"]
    assert count_of(status_) == len(lines_) == 7
    assert text(problems_).startswith("🔴 7 problems")
    assert "[🔔 5 alerts]" in "".join(f"[{one}]" for one in labels(status_))


async def test_a_cluster_that_is_not_reached_is_a_problem_once() -> None:
    last = snapshot()
    host = Host(replace(last, taken=NOW - timedelta(minutes=9)))
    host.fails["resources"] = gone()
    seen = watching(made.alert(40, made.cluster(), say("homelab cannot be read"), rule="api_unreachable"))
    status_ = await show(enquiry(host, asker=BEN, watch=seen), "status")
    problems_ = await show(enquiry(host, asker=BEN, watch=seen), "problems")
    assert "cannot be read" not in text(status_)
    wrong = [line for line in text(status_).splitlines() if line and line[0] in "🔴⚠" and "old:" not in line]
    assert count_of(status_) == len(wrong) == 5
    assert "5 problems" in text(problems_)


async def test_what_is_ripe_does_not_count_down_to_nothing() -> None:
    seen = watching(PENDING)
    data = await PAGES["alerts"].load(asking(seen), "")
    for left, said in ((0.0, "fires at one of the next polls"), (0.9, "fires at one"), (1.0, "fires in 1 s")):
        screen = PAGES["alerts"].draw(replace(data, fires={PENDING.number: left}), BEN)
        assert f"local-zfs is 86 % full · {said}" in text(screen)
        single = await PAGES["alert"].load(asking(seen), str(PENDING.number))
        assert said in text(PAGES["alert"].draw(replace(single, fires=left), BEN))


async def test_why_counts_what_lasts_to_now_and_not_to_when_it_was_last_looked_at() -> None:
    """A card and its finding may be some minutes old: nothing that grows by itself is taken from them."""
    since = replace(HOST, finding=replace(HOST.finding, since=ago(10)))
    data = await PAGES["why"].load(asking(watching(since)), "5")
    said = text(PAGES["why"].draw(data, VERA))
    assert "\nIt has lasted 10 min so far.\n" in said
    later = replace(data, now=data.now + timedelta(minutes=4, seconds=40))
    assert "\nIt has lasted 14 min so far.\n" in text(PAGES["why"].draw(later, VERA))
    back = replace(since.finding, over=say("pve2 is back"), timed=False)
    over = replace(since, phase=Phase.OVER, over=ago(2), finding=back)
    done = await PAGES["why"].load(asking(watching(over)), "5")
    said = text(PAGES["why"].draw(done, VERA))
    assert "so far" not in said
    assert "after 8 min" in said.splitlines()[0]


async def test_history_counts_as_the_card_did_and_by_the_firing_what_an_earlier_version_wrote() -> None:
    seen = watching()
    old = Record(
        number=1, rule="node_offline", subject=HOST.finding.subject, severity=Severity.CRITICAL, said=say("gone"),
        fired=ago(30), over=ago(20),
    )  # fmt: skip
    seen.records = [old, replace(old, number=2, lasted=734.0), replace(old, number=3, over=ago(30))]
    shown = text(await show(asking(seen), "history")).splitlines()[1:]
    assert [line.rpartition(" · ")[2] for line in shown] == ["10 min", "12 min", "gone"]
