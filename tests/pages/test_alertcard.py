"""Alerts → the message that shows them. The screens are read in tests/screens/alert-*.txt."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.access import Role
from bot.model import About, Alert, Card, CardHead, Cure, NewsKind, Phase, Severity, Subject
from bot.pages.alerting import alertcard, digestcard, liveline
from bot.ports import Pulse
from bot.screen import Ack, Ask, Open, Screen
from bot.text import Said, html, lines, plain, say
from tests.pages import alerts as made
from tests.pages.alerts import ONE, TWO, ago, card
from tests.pages.fleets import HOSTILE, NOW, READER
from tests.pages.golden import check, fits, label
from tests.test_text import read


def drawn(
    shown: Card,
    alerts: Sequence[Alert],
    *,
    role: Role | None = Role.OPERATOR,
    acts: bool = True,
    clusters: Mapping[str, str] = ONE,
) -> Screen:
    return alertcard.draw(shown, alerts, role=role, acts=acts, clusters=clusters, now=NOW)


def single(alert: Alert, *others: Alert, role: Role | None = Role.OPERATOR, acts: bool = True) -> Screen:
    return drawn(card(alert), [alert, *others], role=role, acts=acts)


def over(alert: Alert, minutes: float = 1) -> Alert:
    return replace(alert, phase=Phase.OVER, over=ago(minutes))


FIRED = made.stopped(fired=ago(8), found=ago(8.75))
FULL = made.full()
ANEW = replace(FULL, finding=replace(FULL.finding, anew=True, said=say("{name} is not back", name="nas"), details=()))
OVER_LATE = replace(over(made.full(percent=96)), reminded=ago(3))
ACKED = replace(FIRED, acked=ago(5), acked_by=f"Ana {HOSTILE}")
UNDER = (
    made.stopped(21, made.guest(102, "db", node="pve2"), parent=made.dead_node().key),
    made.alert(22, made.storage("local", node="pve2"), say("x"), rule="storage_offline", parent=made.dead_node().key),
)
MIXED = [
    made.full(7),
    made.dead_node(5),
    over(made.stopped(3, made.guest(103, HOSTILE), fired=ago(8))),
    replace(made.stopped(4), acked=ago(2), acked_by="Ben"),
]
FLAPPING = replace(
    FIRED, fired=ago(2), changes=tuple(ago(n) for n in (14, 11, 8, 5, 2)), flapping=NOW + timedelta(minutes=28)
)
RESET = made.alert(
    11, made.node(), say("{name} was reset by itself", name="pve2"), rule="node_reset", event="pve2-1", fired=3, ended=3
)


@pytest.mark.parametrize(
    ("name", "screen"),
    [
        ("fired", single(FIRED)),
        ("acked", single(ACKED)),
        ("over", single(over(ACKED))),
        ("viewers", single(FIRED, role=Role.VIEWER)),
        ("no-token", single(FIRED, acts=False)),
        ("silenced", single(replace(FIRED, silenced=3))),
        ("pending", single(made.alert(1, made.guest(), say("{name} stopped by itself", name="ct-mail"), fired=None))),
        ("since", single(replace(made.full(), finding=replace(made.full().finding, since=ago(60 * 50))))),
        ("host-dies", single(made.dead_node(), *UNDER)),
        ("host-is-back", single(over(made.dead_node()), *UNDER)),
        ("backup-failed", single(made.failed_backup())),
        ("two-clusters", drawn(card(FIRED), [FIRED], clusters=TWO)),
        ("many", drawn(card(*MIXED), [*MIXED, *UNDER])),
        ("many-two-clusters", drawn(card(*MIXED), MIXED, clusters=TWO)),
        ("many-viewers", drawn(card(*MIXED), MIXED, role=Role.VIEWER)),
        ("many-over", drawn(card(*MIXED), [over(alert) for alert in MIXED])),
        ("many-happened", drawn(card(*MIXED, RESET), [RESET, *(over(alert) for alert in MIXED)])),
        ("start", drawn(card(*MIXED, head=CardHead.START), MIXED)),
        ("start-one", drawn(card(FIRED, head=CardHead.START), [FIRED])),
        ("start-over", drawn(card(*MIXED, head=CardHead.START), [over(alert) for alert in MIXED])),
        ("flapping", drawn(card(FLAPPING, head=CardHead.FLAPPING), [FLAPPING])),
        ("flapping-over", drawn(card(FLAPPING, head=CardHead.FLAPPING), [replace(over(FLAPPING), flapping=ago(1))])),
        ("forgotten", drawn(card(FIRED), [])),
    ],
)
def test_cards(name: str, screen: Screen) -> None:
    check(f"alert-{name}", screen)


def test_five_hundred_alerts_fit_in_one_message_and_the_rest_is_counted() -> None:
    crowd = made.crowd()
    screen = drawn(card(*crowd), crowd)
    fits(screen)
    text = plain(screen.text, READER)
    assert len(text) <= 4096
    assert "more line" not in str(html(screen.text, READER))  # cut here, with a sentence, not by the messenger
    shown = sum(1 for line in text.splitlines() if line.startswith("⚠️") and "stopped by itself" in line)
    assert text.splitlines()[-1] == f"and {500 - shown} more"
    assert [label(button) for button in screen.rows[-1]] == ["Ack all", "Silence ▾", "All alerts"]


@pytest.mark.parametrize("endless", ["x" * 5000, "\n" * 300, "<b>" * 400, "日本" * 2000, "\u202e" * 50, ""])
def test_no_name_breaks_a_card_or_hides_the_others(endless: str) -> None:
    bad = made.stopped(1, made.guest(104, endless), acked=ago(1), acked_by=endless)
    others = [made.stopped(2), made.dead_node()]
    for screen in (single(bad), drawn(card(bad, *others), [bad, *others], clusters={"main": endless, "lab": "lab"})):
        fits(screen)
        assert len(plain(screen.text, READER)) < 12_000
        html(screen.text, READER)
    text = plain(drawn(card(bad, *others), [bad, *others]).text, READER)
    assert "pve2 is offline" in text
    assert "ct-mail stopped" in text


def test_a_cure_is_drawn_only_for_who_may_press_it_and_only_one_that_is_known() -> None:
    def asks(alert: Alert, role: Role | None, *, acts: bool = True) -> list[str]:
        rows = single(alert, role=role, acts=acts).rows
        return [button.tap.action for row in rows for button in row if isinstance(button.tap, Ask)]

    assert asks(FIRED, Role.OPERATOR) == ["start"]
    assert asks(FIRED, Role.ADMIN) == ["start"]
    assert asks(FIRED, Role.VIEWER) == []
    assert asks(FIRED, Role.OPERATOR, acts=False) == []
    assert asks(FIRED, None) == []
    unknown = replace(FIRED.finding, cures=(Cure(label=say("Explode"), verb="ask", key="explode", arg="main/1"),))
    assert asks(replace(FIRED, finding=unknown), Role.ADMIN) == []


def test_what_is_acknowledged_loses_its_ack_and_what_is_over_all_but_open() -> None:
    def taps(alert: Alert) -> list[object]:
        return [button.tap for row in single(alert).rows for button in row]

    assert Ack("a1") in taps(FIRED)
    assert Ack("a1") not in taps(ACKED)
    assert Open("hush", "1") in taps(ACKED)
    assert taps(over(ACKED)) == [Open("vm", "main/104")]


def test_there_is_no_ack_for_what_nobody_is_reminded_of() -> None:
    """A shutdown that was ordered."""
    noted = replace(FIRED, severity=Severity.INFO, finding=replace(FIRED.finding, severity=Severity.INFO, quiet=True))
    labels = [label(button) for row in single(noted).rows for button in row]
    assert "Ack" not in labels
    assert "Silence ▾" in labels
    assert "noted 13:54" in plain(single(noted).text, READER)


def test_ack_all_is_there_for_what_repeats_alone() -> None:
    """Beside a warning that somebody has at hand stands a note: nothing of it would repeat."""

    def acks(*alerts: Alert) -> bool:
        return any(isinstance(button.tap, Ack) for row in drawn(card(*alerts), alerts).rows for button in row)

    noted = replace(made.dead_node(5), severity=Severity.INFO)
    assert acks(noted, FIRED)
    assert not acks(noted, ACKED)
    assert not acks(noted, replace(noted, number=6))


def test_guests_of_the_same_name_are_counted_as_the_list_has_them() -> None:
    node = replace(made.dead_node(5).finding, affected=("web", "web", "db"))
    assert "3 guests there: web, web, db" in plain(single(replace(made.dead_node(5), finding=node)).text, READER)
    some = replace(node, affected=("db", "web", "old"), ran=2)
    assert "3 guests there, 2 ran: db, web, old" in plain(single(replace(made.dead_node(5), finding=some)).text, READER)


def test_a_quiet_time_that_ends_tomorrow_says_the_day() -> None:
    late = NOW.replace(hour=23, minute=45)
    soon = replace(FLAPPING, fired=late, changes=(late,) * 5, flapping=late + timedelta(minutes=30))
    shown = card(soon, head=CardHead.FLAPPING)
    before, after = (
        alertcard.draw(shown, [soon], role=None, acts=False, clusters=ONE, now=late + timedelta(minutes=n))
        for n in (1, 20)
    )
    assert "Quiet until 25 Nov 00:15, then" in plain(before.text, READER)
    assert before == after  # no edit at midnight


def test_nothing_on_a_card_changes_by_time_alone() -> None:
    """Or every card would be edited at every poll."""
    for shown in (card(FIRED), card(*MIXED), card(FLAPPING, head=CardHead.FLAPPING)):
        alerts = [FIRED, *MIXED, FLAPPING]
        now, later = (
            alertcard.draw(shown, alerts, role=Role.OPERATOR, acts=True, clusters=ONE, now=NOW + timedelta(minutes=n))
            for n in (0, 20)
        )
        assert now == later


def test_what_was_wrong_before_did_not_come_down_with_it() -> None:
    """Nor does a failed backup of last night."""
    node = made.dead_node(fired=ago(4), found=ago(4.75))
    before = made.alert(22, made.storage("nas-backup"), say("x"), rule="storage_full", fired=30, parent=node.key)
    event = replace(made.failed_backup(), parent=node.key)
    after = made.alert(23, made.storage("nas"), say("x"), rule="storage_offline", fired=4.5, parent=node.key)
    later = replace(before, number=24, finding=replace(before.finding, subject=made.storage("usb")), fired=ago(2))
    for screen in (single(node, before, event, after, later), drawn(card(node, FIRED), [node, FIRED, before, after])):
        text = plain(screen.text, READER)
        assert "storage nas" in text
        assert "nas-backup" not in text
        assert "db" not in text.partition("with it:")[2]
    assert "storage usb" in plain(single(node, before, event, after, later).text, READER)


def test_it_was_what_it_was_told_with() -> None:
    node = made.dead_node()
    back = say("{name} is back, its guests start: 10 of 10", name="pve2")
    alert = over(replace(node, finding=replace(node.finding, said=back), headline=node.finding.said))
    assert "it was: pve2 is offline" in plain(single(alert).text, READER)


def test_while_the_guests_of_a_node_that_is_back_start_only_those_that_do_not_run_yet_are_named() -> None:
    node = made.dead_node()
    back = say("{name} is back, its guests start: {up} of {of}", name="pve2", up=10, of=12)
    alert = replace(node, finding=replace(node.finding, said=back, affected=("web", "ct-files"), until=ago(1)))
    held = made.stopped(22, made.guest(109, "db", node="pve2"), parent=node.key, found=ago(3), fired=ago(3))
    shown = plain(single(alert, held).text, READER)
    assert "\nstill to start: web, ct-files\nalso with it: db\n" in shown
    assert "guests there" not in shown


def test_an_event_is_not_green_because_it_is_past() -> None:
    event = made.failed_backup()
    assert plain(single(event).text, READER).startswith("⚠️ backup of db failed")
    well = replace(event, over=ago(1), finding=replace(event.finding, over=say("backup of {name} is done", name="db")))
    assert plain(single(well).text, READER).startswith("🟢 backup of db is done")


def test_a_clock_that_jumped_shows_no_negative_time() -> None:
    early = replace(FIRED, phase=Phase.OVER, over=ago(60))
    text = plain(single(early).text, READER)
    assert text.startswith("🟢 ct-mail runs again\n")
    assert "-" not in text.splitlines()[-1]


@pytest.mark.parametrize(
    ("kind", "alert", "clusters", "shown"),
    [
        (NewsKind.REMINDED, FIRED, ONE, "⚠️ ct-mail stopped by itself · still, for 8 min"),
        (NewsKind.REMINDED, made.full(fired=60 * 25), ONE, "⚠️ nas 91 % full · still, for 1 d 1 h"),
        (
            NewsKind.ESCALATED,
            made.full(percent=96, severity=Severity.CRITICAL),
            ONE,
            "🔺 14:02 worse: nas 96 % full\nfull in about 3 days",
        ),
        (
            NewsKind.ESCALATED,
            made.full(percent=96, severity=Severity.CRITICAL),
            TWO,
            "🔺 homelab · 14:02 worse: nas 96 % full\nfull in about 3 days",
        ),
        (NewsKind.ESCALATED, ANEW, ONE, "⚠️ nas is not back"),
        # it may be drawn late, or after it was over: what it tells is what happened
        (NewsKind.ESCALATED, OVER_LATE, ONE, "🔺 13:59 worse: nas 96 % full\nfull in about 3 days"),
        (NewsKind.RESOLVED, over(FIRED), ONE, "🟢 ct-mail runs again · 7 min"),
        (NewsKind.RESOLVED, over(FIRED), TWO, "🟢 homelab · ct-mail runs again · 7 min"),
        (NewsKind.FLAPPING, FIRED, ONE, "🔁 ct-mail stopped by itself · comes and goes"),
        (NewsKind.FIRED, FIRED, ONE, "⚠️ ct-mail stopped by itself"),
    ],
)
def test_news(kind: NewsKind, alert: Alert, clusters: Mapping[str, str], shown: str) -> None:
    assert plain(alertcard.news(alert, kind, clusters=clusters, now=NOW), READER) == shown


def test_digests() -> None:
    def said(alerts: Sequence[Alert], *, night: bool = True) -> Said:
        begin = NOW - timedelta(hours=10)
        return digestcard.digest(alerts, begin=begin, end=NOW, night=night, clusters=ONE, now=NOW)

    check("alert-digest-night", Screen(text=said([*MIXED, made.failed_backup()])))
    check("alert-digest-day", Screen(text=said([made.failed_backup()], night=False)))
    check("alert-digest-empty", Screen(text=said([], night=False)))
    assert len(plain(said(made.crowd()), READER)) <= 4096


PULSE = Pulse(cluster="main", name="homelab", polled=ago(0.1), age=6.0, poll=15.0)
OLD = replace(PULSE, age=400.0, polled=ago(6.7), failed=20)


def live(alerts: Sequence[Alert], *pulse: Pulse, clusters: Mapping[str, str] = ONE) -> Screen:
    seen = liveline.last_seen(pulse)
    return liveline.live_line(alerts, pulse, clusters=clusters, now=NOW, seen=seen, renewed=300)


@pytest.mark.parametrize(
    ("name", "alerts", "pulse"),
    [
        ("well", [], [PULSE]),
        ("alerts", [*MIXED, *UNDER, *(made.stopped(30 + n) for n in range(5))], [PULSE]),
        ("silenced", [replace(made.dead_node(5), silenced=3), replace(FIRED, silenced=3)], [PULSE]),
        ("silenced-alerts", [*MIXED, replace(made.stopped(8), silenced=3)], [PULSE]),
        ("acked", [ACKED], [PULSE]),
        ("late", [], [OLD]),
        ("late-alerts", MIXED, [OLD, replace(PULSE, name="lab", polled=ago(0.2))]),
        ("never", [], [replace(PULSE, age=None, polled=None, failed=3)]),
        ("nothing", [], []),
    ],
)
def test_live_lines(name: str, alerts: Sequence[Alert], pulse: Sequence[Pulse]) -> None:
    check(f"alert-live-{name}", live(alerts, *pulse))


@pytest.mark.parametrize(
    ("alerts", "pulse"),
    [([], [PULSE]), (MIXED, [PULSE]), ([replace(FIRED, silenced=3)], [PULSE]), (MIXED, [OLD, PULSE]), ([], [OLD])],
)
def test_the_live_line_says_always_when_the_data_was_seen_in_a_way_that_stays_true(
    alerts: Sequence[Alert], pulse: Sequence[Pulse]
) -> None:
    """By the reader's phone, and for one that cannot by day and hour: the bot may be dead when it is read."""
    shown = html(live(alerts, *pulse).text, READER)
    if (seen := liveline.last_seen(pulse)) is not None:
        assert f'seen <tg-time unix="{int(seen.timestamp())}" format="r">24 Nov 14:02</tg-time>' in shown
    assert ("last seen 24 Nov 13:55, over 5 min ago" in shown) == (OLD in pulse)


def test_the_live_line_is_edited_a_few_times_in_a_long_outage_and_never_while_all_is_well() -> None:
    def seen(age: float) -> Screen:
        now = NOW + timedelta(seconds=age)
        pulse = replace(PULSE, age=age, polled=NOW)
        return liveline.live_line([], [pulse], clusters=ONE, now=now, seen=None, renewed=300)

    assert len({seen(age) for age in range(45)}) == 1
    assert len({seen(age) for age in range(0, 20 * 3600, 15)}) <= 11


def test_details_with_blocks_are_drawn_in_the_width_of_a_phone() -> None:
    long = replace(FIRED.finding, details=(lines("a" * 90, "b"),))
    fits(single(replace(FIRED, finding=long)))


# -- whatever the rules find


def _alert(
    name: str, about: About, severity: Severity, details: list[str], affected: list[str], phase: Phase, by: str, at: int
) -> Alert:
    when = NOW + timedelta(seconds=at)
    subject = Subject(about=about, cluster=name[:3] or "main", id=name, name=name, node=name[:5])
    return replace(
        made.stopped(),
        number=abs(at) + 1,
        finding=replace(
            FIRED.finding,
            subject=subject,
            severity=severity,
            said=say("{name} is not well", name=name),
            over=say("{name} is well", name=name) if at % 2 else None,
            details=tuple(say("{text}", text=text) for text in details),
            affected=tuple(affected),
            event=name if at % 5 == 0 else "",
        ),
        phase=phase,
        fired=None if phase is Phase.PENDING else when,
        over=when + timedelta(seconds=at) if phase is Phase.OVER else None,
        acked=when if at % 3 == 0 else None,
        acked_by=by,
        changes=(when,) * (at % 7),
    )


texts = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(
    ["", HOSTILE, "日本語サーバー", "⚠️⚠️⚠️⚠️⚠️⚠️⚠️", "x" * 300, "\u202e\n\x00", "{name}", "y" * 5000]
)
alerts = st.builds(
    _alert,
    texts,
    st.sampled_from(About),
    st.sampled_from(Severity),
    st.lists(texts, max_size=3),
    st.lists(texts, max_size=6),
    st.sampled_from(Phase),
    texts,
    st.integers(-200_000, 200_000),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(alerts, max_size=9),
    st.sampled_from(CardHead),
    st.sampled_from([None, *Role]),
    st.sampled_from([ONE, TWO, {"main": "<b>" * 30, "web": ""}]),
)
def test_whatever_is_found_can_be_drawn(
    found: list[Alert], head: CardHead, role: Role | None, clusters: Mapping[str, str]
) -> None:
    screen = drawn(card(*found, head=head), found, role=role, clusters=clusters)
    fits(screen)
    line = live(found, PULSE, clusters=clusters)
    fits(line)
    texts_ = [screen.text, line.text]
    texts_.append(digestcard.digest(found, begin=NOW, end=NOW, night=True, clusters=clusters, now=NOW))
    texts_ += [alertcard.news(one, kind, clusters=clusters, now=NOW) for one in found[:1] for kind in NewsKind]
    for said in texts_:
        shown = read(html(said, READER))
        assert shown.strip()
        assert len(shown) <= 4096


def test_what_is_gone_is_not_green() -> None:
    words = say("{name} is gone (deleted, or no longer visible)", name=HOSTILE)
    gone = replace(over(FIRED), gone=True, finding=replace(FIRED.finding, over=words))
    assert plain(single(gone).text, READER).startswith(f"⚪ {HOSTILE} is gone (deleted, or no longer visible)")
    said = alertcard.news(gone, NewsKind.RESOLVED, clusters=ONE, now=NOW)
    assert plain(said, READER).startswith(f"⚪ {HOSTILE} is gone")


def test_what_failed_again_is_neither_green_nor_well() -> None:
    again = say("Backup of {name} failed again 14:10: see the newer message", name=HOSTILE)
    finding = replace(FIRED.finding, over=again, unwell=say("failed again 14:10"))
    unwell = replace(over(FIRED), finding=finding)
    shown = plain(single(unwell).text, READER).splitlines()
    assert shown[0] == f"⚪ Backup of {HOSTILE} failed again 14:10: see the newer message"
    assert shown[-1].split(" · ")[-1].startswith("ended ")
    both = plain(drawn(card(unwell, over(made.full(7))), [unwell, over(made.full(7))]).text, READER)
    assert both.splitlines()[0] == "⚪ all 2 are over"


def test_what_happened_to_the_bot_is_not_over() -> None:
    """Strangers that tried: nothing of it was ever open."""
    tried = [
        made.alert(number, made.cluster(), say("{name} tried", name=HOSTILE), rule="bot", severity=Severity.INFO,
                   event=f"{number}/1", ended=1)
        for number in (1, 2, 3)
    ]  # fmt: skip
    for head in (CardHead.PLAIN, CardHead.START):
        assert plain(drawn(card(*tried, head=head), tried).text, READER).startswith("🔵 3 events\n")
    reached = made.alert(4, made.cluster(), say("Telegram is not reached"), over=say("reached"), rule="bot", ended=0)
    assert plain(drawn(card(reached, *tried), [reached, *tried]).text, READER).startswith("🟢 all 4 are over\n")


def test_what_happened_once_can_be_silenced_and_there_is_nothing_to_acknowledge() -> None:
    buttons = [label(button) for row in single(RESET).rows for button in row]
    assert "Silence ▾" in buttons
    assert "Ack" not in buttons
    assert "Silence ▾" not in [label(button) for row in single(RESET, role=Role.VIEWER).rows for button in row]
    both = drawn(card(RESET, made.failed_backup()), [RESET, made.failed_backup()])
    assert [label(button) for button in both.rows[-1]] == ["Silence ▾", "Details ▾", "All alerts"]
    bare = replace(RESET, finding=replace(RESET.finding, details=()))
    assert [label(button) for button in drawn(card(bare, FIRED), [bare, FIRED]).rows[-1]][-1] == "All alerts"
    assert "Details ▾" not in [label(button) for row in drawn(card(bare, FIRED), [bare, FIRED]).rows for button in row]
    seen = drawn(card(RESET, made.failed_backup()), [RESET, made.failed_backup()], role=Role.VIEWER)
    assert [label(button) for button in seen.rows[-1]] == ["Details ▾", "All alerts"]
    burst = replace(RESET, finding=replace(RESET.finding, subject=made.cluster()))
    assert [label(button) for row in single(burst).rows for button in row] == ["Silence ▾"]  # nowhere else to go
    well = replace(RESET, finding=replace(RESET.finding, over=say("it is well")), over=made.ago(1))
    assert "Silence ▾" not in [label(button) for row in single(well).rows for button in row]


@pytest.mark.parametrize(
    ("happened", "wrong", "mended", "title"),
    [
        (Severity.WARNING, 0, 2, "⚠️ 3 events · 2 alerts over"),
        (Severity.CRITICAL, 0, 1, "🔴 3 events · 1 alert over"),
        (Severity.CRITICAL, 1, 12, "🔴 1 open · 3 events · 12 over"),
        (Severity.WARNING, 1, 0, "⚠️ 4 alerts"),
        (Severity.INFO, 0, 2, "🟢 all 5 are over"),
        (Severity.INFO, 1, 2, "⚠️ 1 of 6 alerts open"),
    ],
)
@pytest.mark.parametrize("head", [CardHead.PLAIN, CardHead.AGAIN, CardHead.START])
def test_no_card_is_green_over_what_happened(
    happened: Severity, wrong: int, mended: int, title: str, head: CardHead
) -> None:
    """What mended beside it says nothing of a mail that a disk will fail, and a lock screen shows the first line."""
    mail = replace(RESET, severity=happened, finding=replace(RESET.finding, severity=happened))
    found = [
        *(replace(mail, number=number) for number in (31, 32, 33)),
        *(made.stopped(number) for number in range(41, 41 + wrong)),
        *(over(made.stopped(number)) for number in range(61, 61 + mended)),
    ]
    first = plain(drawn(card(*found, head=head), found).text, READER).splitlines()[0]
    if head is CardHead.PLAIN or "event" in title:
        assert first == title
    if head is CardHead.START and title == "⚠️ 4 alerts":
        assert first == "⚠️ 1 open · 3 events"  # what happened is no problem that is open
    assert first.startswith("🟢") == title.startswith("🟢")
    assert len(title) < 34
