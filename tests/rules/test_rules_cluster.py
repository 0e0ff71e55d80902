"""1 api_unreachable · 2 quorum_lost · 5 node_fenced · 6 ha_error"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Severity, Status
from bot.model.feeds import HA
from bot.model.readings import Ha, HaService
from bot.model.view import Cut, GuestWas, Memory, NodeWas, Order, Push, View
from bot.rules import BY_KEY
from bot.text import say
from tests.rules.views import (
    NOW,
    Film,
    card,
    cut_off,
    feeds,
    fires,
    found,
    guest,
    later,
    node,
    offline,
    one,
    read,
    sees,
    task,
    view,
    words,
)

# -- 1 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        (Cut.NETWORK, "no host of it answers"),
        (Cut.CLOSED, "Connection refused"),
        (Cut.TRUST, "Connection refused"),  # its own words say it
        (Cut.PIN, "another certificate"),
        (Cut.REFUSED, "401"),
        (Cut.FORBIDDEN, "403"),
        (Cut.GARBLED, "cannot be understood"),
        (None, "no host of it answers"),
    ],
)
def test_a_cluster_that_is_not_read_is_critical_and_says_why(cut: Cut | None, said: str) -> None:
    finding = one("api_unreachable", cut_off(cut=cut, trouble=say("Connection refused")))
    assert finding is not None
    assert finding.severity is Severity.CRITICAL
    assert said in card(finding)
    assert "Connection refused" in card(finding)
    assert ("no host of it answers" in card(finding)) is (cut in {Cut.NETWORK, None})
    assert (finding.quiet, words(finding.over)) == (False, "homelab is reached again")
    assert BY_KEY["api_unreachable"].limit.polls == 3


def test_a_cluster_that_is_read_is_well() -> None:
    well = view([guest()])
    assert one("api_unreachable", well) is None
    gone = one("api_unreachable", cut_off())
    assert gone is not None
    assert sees("api_unreachable", well, gone)
    assert sees("api_unreachable", cut_off(), gone)


@pytest.mark.parametrize(
    ("more", "quiet"),
    [
        ({"deaf": 40.0}, True),
        ({"tasks": (task("stopall", start=-400, end=-300, on="pve1"),)}, True),
        ({"tasks": (task("stopall", start=-3000, end=-2900, on="pve1"),)}, False),
        (
            {"before": Memory(nodes={"pve1": NodeWas(online=True)}, figures={"ordered/pve1": later(-500).timestamp()})},
            True,
        ),
        ({"tasks": (task("stopall", start=-1400, end=-1390),), "cut_since": later(-1300)}, False),
        ({}, False),
    ],
)
def test_an_ordered_end_or_a_silent_telegram_is_no_alarm(more: dict[str, Any], quiet: bool) -> None:
    finding = one("api_unreachable", replace(cut_off(), **more))
    assert finding is not None
    assert (finding.severity is Severity.INFO, finding.quiet) == (quiet, quiet)
    if quiet:
        assert words(finding.over) == "homelab was cut off 14:01-14:02"


THREE = [node("pve1", ip="192.0.2.1"), node("pve2", ip="192.0.2.2"), node("pve3", ip="192.0.2.3")]
STOPALL_3 = {"tasks": (task("stopall", start=-400, end=-300, on="pve3"),)}
AWAY_2 = Memory(nodes={"pve1": NodeWas(online=True), "pve2": NodeWas(online=False), "pve3": NodeWas(online=True)})


@pytest.mark.parametrize(
    ("more", "quiet"),
    [
        (STOPALL_3, False),  # one of three is no reason for the others
        ({"maintenance": frozenset({"pve3"})}, False),
        ({"maintenance": frozenset({"pve1", "pve2", "pve3"})}, True),
        ({"maintenance": frozenset({"pve1"}), **STOPALL_3, "before": AWAY_2}, True),  # pve2 was off before
        ({**STOPALL_3, "before": AWAY_2}, False),
        ({**STOPALL_3, "hosts": ("pve3.lan",)}, True),  # it was read through that one alone
        ({**STOPALL_3, "hosts": ("192.0.2.3",)}, True),
        ({**STOPALL_3, "hosts": ("PVE3", "pve1")}, False),
        ({**STOPALL_3, "hosts": ("proxmox.example.com",)}, False),  # which node that is, nobody knows
    ],
)
def test_an_order_to_one_node_explains_no_others(more: dict[str, Any], quiet: bool) -> None:
    cut = view([guest()], THREE, fresh=False, failed=3, cut_since=NOW - timedelta(seconds=45))
    finding = one("api_unreachable", replace(cut, **more))
    assert finding is not None
    assert (finding.severity is Severity.INFO, finding.quiet) == (quiet, quiet)


# -- 2 -------------------------------------------------------------------------------------------------------------

HALF = [node("pve1"), offline("pve2"), offline("pve3")]


def test_a_lost_quorum_is_critical_and_a_quorate_answer_wins() -> None:
    lost = one("quorum_lost", view(nodes=HALF, quorate=False))
    assert lost is not None
    assert lost.severity is Severity.CRITICAL
    assert "1 of 3 nodes see each other" in card(lost)
    cut = one("quorum_lost", view(nodes=HALF, quorate=False, second_opinion=True))
    assert cut is not None
    assert (cut.severity, words(cut.said)) == (Severity.WARNING, "pve1 is cut off from the other 2")
    votes = one("quorum_lost", view(nodes=[node("pve1"), node("pve2")], quorate=False))
    assert votes is not None
    assert "its nodes are up, their votes too few" in card(votes)
    assert "see each other" not in card(votes)
    same = one("quorum_lost", view(nodes=HALF, quorate=False, second_opinion=False))
    assert same is not None
    assert same.severity is Severity.CRITICAL


@pytest.mark.parametrize(("quorate", "seen"), [(True, True), (None, False)])
def test_quorum_is_well_only_where_it_is_said(quorate: bool | None, seen: bool) -> None:
    now = view(nodes=HALF, quorate=quorate)
    lost = one("quorum_lost", view(nodes=HALF, quorate=False))
    assert lost is not None
    assert one("quorum_lost", now) is None
    assert sees("quorum_lost", now, lost) is seen
    assert not sees("quorum_lost", cut_off(), lost)


# -- 5 -------------------------------------------------------------------------------------------------------------

TWO = [node("pve1"), offline("pve2")]


def fenced(state: str, **more: Any) -> View:
    return view(nodes=TWO, feeds=feeds((HA, "", Ha(nodes={"pve2": state}, **more))))


def test_a_fence_is_critical_at_once_and_over_when_ha_says_so() -> None:
    finding = one("node_fenced", fenced("fence"))
    assert finding is not None
    assert (finding.severity, finding.hold, finding.subject.id) == (Severity.CRITICAL, None, "pve2")
    assert one("node_fenced", fenced("unknown")) is None
    assert sees("node_fenced", fenced("unknown"), finding)
    failed = feeds((HA, "", read(Ha(nodes={"pve2": "unknown"}), fresh=False)))
    assert not sees("node_fenced", view(nodes=TWO, feeds=failed), finding)
    assert not sees("node_fenced", cut_off(feeds=fenced("unknown").feeds), finding)
    assert not sees("node_fenced", view(nodes=TWO), finding)
    forbidden = feeds((HA, "", read(None, fresh=False, forbidden=True)))
    assert sees("node_fenced", view(nodes=TWO, feeds=forbidden), finding)  # it was pushed: nothing else will end it


def test_the_watchdogs_own_rows_are_no_event() -> None:
    assert one("node_fenced", fenced("online", fencing={"pve2": "armed"})) is None


def test_a_fence_that_was_pushed_stands_for_a_minute_and_two_polls() -> None:
    film = Film()
    film.poll(nodes=TWO)
    push = Push(id="1", at=NOW, kind="fencing", severity="error", title="", message="", host="pve2")
    assert fires("node_fenced", film.poll(nodes=TWO, pushes=(push,)))
    assert fires("node_fenced", film.poll(nodes=TWO))
    assert one("node_fenced", film.poll(nodes=TWO, after=80)) is None


def test_a_fence_of_a_node_that_is_online_still_waits_for_its_absence_to_show() -> None:
    film, here = Film(), [node("pve1"), node("pve2")]
    film.poll(nodes=here)
    push = Push(id="1", at=NOW, kind="fencing", severity="error", title="", message="", host="pve2")
    early = one("node_fenced", film.poll(nodes=here, pushes=(push,)))
    gone = one("node_fenced", film.poll(nodes=TWO))
    assert early is not None
    assert gone is not None
    assert (early.hold, gone.hold) == (20.0, None)
    ended = film.poll(nodes=here, after=200, feeds=feeds((HA, "", read(None, fresh=False))))
    assert one("node_fenced", ended) is None
    assert sees("node_fenced", ended, early), "HA need not be read to know that it is online"
    ending = BY_KEY["node_fenced"].ending
    assert ending is not None
    assert words(ending(ended, early).over) == "pve2 was fenced"  # it was away, and is back
    stayed = view(nodes=here)
    assert words(ending(stayed, early).over) == "pve2 was not fenced: it stayed online"


def test_a_fence_is_over_once_its_node_is_back_whatever_ha_says_still() -> None:
    film, fence = Film(), feeds((HA, "", Ha(nodes={"pve2": "fence"})))
    back = [node("pve1"), node("pve2", uptime=30)]
    push = Push(id="1", at=later(15), kind="fencing", severity="error", title="", message="", host="pve2")
    film.poll(nodes=TWO)
    finding = one("node_fenced", film.poll(nodes=TWO, feeds=fence, pushes=(push,)))
    assert finding is not None
    for _ in range(5):  # the manager is behind, and so is a notification
        now = film.poll(nodes=back, feeds=fence, pushes=(push,))
        assert one("node_fenced", now) is None
        assert sees("node_fenced", now, finding)
    assert film.memory.figures["fence/pve2"] == later(15).timestamp()
    again = Push(id="2", at=film.at, kind="fencing", severity="error", title="", message="", host="pve2")
    assert fires("node_fenced", film.poll(nodes=back, pushes=(again,)))
    assert fires("node_fenced", film.poll(nodes=back))
    assert (BY_KEY["node_fenced"].limit.hold, BY_KEY["node_fenced"].limit.polls) == (0.0, 1)
    blind = feeds((HA, "", read(None, fresh=False)))
    assert sees("node_fenced", film.poll(nodes=back, feeds=blind), finding)


@pytest.mark.parametrize(
    ("names", "others", "lines"),
    [
        ((), 0, "no guest is on it"),
        (("db",), 0, "HA starts elsewhere: db"),
        (("a", "b", "c", "d", "e", "f"), 1, "elsewhere: a, b, c, d and 2 more\n1 guest of it waits for its return"),
        ((), 12, "12 guests of it wait for its return"),
    ],
)
def test_a_fence_says_what_becomes_of_the_guests(names: tuple[str, ...], others: int, lines: str) -> None:
    moved = [guest(200 + n, name, node="pve2", hastate="started") for n, name in enumerate(names)]
    rest = [guest(300 + n, node="pve2") for n in range(others)]
    finding = one("node_fenced", view([*moved, *rest, guest()], TWO, feeds=fenced("fence").feeds))
    assert finding is not None
    assert card(finding).endswith(lines)
    assert len(finding.affected) == len(names) + others, "as the button counts them"


@pytest.mark.parametrize(("armed", "wrong"), [(False, True), (True, False), (None, False)])
def test_ha_that_is_not_armed_for_half_an_hour_is_a_warning(armed: bool | None, wrong: bool) -> None:
    service = HaService(sid="vm:104", vmid=104, node="pve1", state="started", requested="started")
    finding = one("node_fenced", fenced("online", armed=armed, services=(service,)))
    assert (finding is not None) is wrong
    if finding is not None:
        assert (finding.severity, finding.hold, words(finding.said)) == (Severity.WARNING, 1800.0, "HA is disarmed")


# -- 6 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "severity", "hold"),
    [
        ("error", Severity.CRITICAL, 0.0),
        ("fence", Severity.WARNING, None),
        ("recovery", Severity.WARNING, None),
        ("started", None, None),
        ("migrate", None, None),
        ("", None, None),
        ("a state of tomorrow", None, None),
    ],
)
def test_ha_states(state: str, severity: Severity | None, hold: float | None) -> None:
    finding = one("ha_error", view([guest(hastate=state)]))
    assert (finding.severity if finding else None, finding.hold if finding else None) == (severity, hold)


def test_the_ha_state_is_seen_where_the_node_is_gone() -> None:
    gone = view([guest(status=Status.UNKNOWN, hastate="fence", node="pve2")], TWO)
    finding = one("ha_error", gone)
    assert finding is not None
    assert sees("ha_error", gone, finding)
    assert not sees("ha_error", cut_off(), finding)


@pytest.mark.parametrize(
    ("was", "tasks", "told"),
    [
        (GuestWas(status=Status.STOPPED, node="pve1", ran=later(-60)), (), True),
        (
            GuestWas(status=Status.STOPPED, node="pve1", ran=later(-60)),
            (task("vzstart", 104, start=-20, user="root@pam"),),
            True,
        ),
        (
            GuestWas(status=Status.STOPPED, node="pve1", ran=later(-60)),
            (task("hastart", 104, start=-20, end=-19),),
            False,
        ),
        (GuestWas(status=Status.STOPPED, node="pve1", ran=later(-60), stopped_by="ana@pve"), (), False),
        (GuestWas(status=Status.RUNNING, node="pve2", ran=later(-60)), (), True),  # recovered from a node that died
        (GuestWas(status=Status.RUNNING, node="pve1", ran=later(-60)), (), False),  # only out of sight
        (GuestWas(status=Status.STOPPED, node="pve1"), (), False),
        *[
            (GuestWas(status=status, node=where, ran=later(-60)), (task(kind, start=at, end=at + 9, on=on),), told)
            for status, where in ((Status.RUNNING, "pve2"), (Status.STOPPED, "pve2"), (Status.STOPPED, "pve1"))
            for kind, at, on, told in (
                ("stopall", -80, "pve2", False),  # its node was shut down in order: HA handed it over
                ("stopall", -4000, "pve2", True),
                ("stopall", 30, "pve2", True),  # after that
                ("stopall", -80, "pve3", True),  # another's
            )
        ],
    ],
)
def test_what_ha_started_again_is_one_line(was: GuestWas, tasks: tuple[Any, ...], told: bool) -> None:
    nodes = [node("pve1"), offline("pve2"), node("pve3")]
    now = view([guest(hastate="started", uptime=10)], nodes, before=Memory(guests={104: was}), tasks=tasks)
    finding = next(iter(found("ha_error", now)), None)
    assert (finding is not None) is told
    if finding is not None:
        assert (finding.severity, finding.quiet, bool(finding.event)) == (Severity.INFO, True, True)


# -- the limits --------------------------------------------------------------------------------------------------


def test_a_rule_that_is_off_for_a_subject_finds_nothing_of_it() -> None:
    now = view([guest(hastate="error"), guest(105, hastate="error")])
    assert [finding.subject.id for finding in found("ha_error", now, {"main/guest/104": {"on": False}})] == ["105"]


def test_an_order_of_this_bot_explains_a_node_that_goes() -> None:
    order = Order(action="shutdown", target="main/pve1", at=NOW - timedelta(minutes=2), by="Ana")
    finding = one("api_unreachable", cut_off(orders=(order,)))
    assert finding is not None
    assert finding.quiet
