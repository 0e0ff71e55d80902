"""3 node_offline · 4 node_reset · 38 stats_frozen · 43 node_api_down"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Gap, Severity, Status, Unseen
from bot.model.feeds import HA, NODE_STATUS, SERVICES, STORAGES, Feeds
from bot.model.readings import Ha, NodeStatus
from bot.model.view import GuestWas, Memory, NodeWas, Order, Push
from bot.rules import BY_KEY
from tests.rules.views import (
    HOSTILE,
    NOW,
    Film,
    card,
    cut_off,
    feeds,
    fires,
    found,
    grey,
    guest,
    later,
    node,
    offline,
    one,
    read,
    sees,
    storage,
    task,
    view,
    words,
)

DEAD = [node("pve1"), offline("pve2")]
ALIVE = [node("pve1"), node("pve2")]
THERE = guest(104, node="pve2", status=Status.UNKNOWN)

# -- 3 -------------------------------------------------------------------------------------------------------------


def test_a_node_that_is_gone_takes_its_guests_with_it() -> None:
    moving = guest(105, "db", node="pve2", status=Status.UNKNOWN, hastate="started")
    local = storage("local-pve2", node="pve2", available=None)
    frozen = guest(107, "frozen", node="pve2", status=Status.UNKNOWN, hastate="freeze")
    template = guest(108, "template", node="pve2", status=Status.UNKNOWN, template=True)
    here = [THERE, moving, guest(106, "away"), frozen, template]
    finding = one("node_offline", view(here, DEAD, [local]))
    assert finding is not None
    assert (finding.severity, finding.affected) == (Severity.CRITICAL, (HOSTILE, "db", "frozen"))
    assert [words(cure.label) for cure in finding.cures] == [
        "Guests 3"
    ]  # as named, and as the page that it opens counts
    assert card(finding) == "pve2 is offline\nHA starts elsewhere: db\nstorage with it: local-pve2"
    assert [(cure.key, cure.arg) for cure in finding.cures] == [("vms", "node:pve2 cluster:main")]
    assert (BY_KEY["node_offline"].limit.hold, BY_KEY["node_offline"].limit.clear) == (45, 45)


def test_of_a_dead_node_those_come_first_that_ran() -> None:
    def was(status: Status, **more: Any) -> GuestWas:
        return GuestWas(status=status, node="pve2", changed=later(-3600), **more)

    here = [guest(vmid, f"g{vmid}", node="pve2", status=Status.UNKNOWN) for vmid in (101, 102, 103, 104, 105)]
    guests = {
        101: was(Status.STOPPED, ran=later(-3600)),
        102: was(Status.RUNNING),
        103: was(Status.STOPPED, ran=later(-60), stopped_by="root@pam"),
        104: was(Status.STOPPED, ran=later(-60)),  # went down with its node
    }
    finding = one("node_offline", view(here, DEAD, before=Memory(guests=guests)))
    assert finding is not None
    assert (finding.affected, finding.ran) == (("g102", "g104", "g101", "g103", "g105"), 2)
    unknown = one("node_offline", view(here, DEAD))
    assert unknown is not None
    assert unknown.ran is None


@pytest.mark.parametrize(
    ("nodes", "seen"), [(ALIVE, True), ([node("pve1"), replace(node("pve2"), online=None)], False)]
)
def test_only_a_node_that_is_said_to_be_gone_is_gone(nodes: list[Any], seen: bool) -> None:
    now = view(nodes=nodes)
    gone = one("node_offline", view(nodes=DEAD))
    assert gone is not None
    assert one("node_offline", now) is None
    assert sees("node_offline", now, gone) is seen
    assert not sees("node_offline", cut_off(), gone)


def test_a_node_that_may_sleep_is_left_alone() -> None:
    assert one("node_offline", view(nodes=DEAD, sleeping=frozenset({"pve2"}))) is None


@pytest.mark.parametrize(
    ("more", "by"),
    [
        ({"tasks": (task("stopall", start=-400, end=-300, user="root@pam", on="pve2"),)}, "root@pam"),
        ({"orders": (Order(action="shutdown", target="main/pve2", at=later(-60), by="Ana"),)}, "Ana"),
        ({"feeds": feeds((HA, "", Ha(nodes={"pve2": "maintenance"})))}, "HA maintenance"),
        ({"maintenance": frozenset({"pve2"})}, "maintenance"),
        ({"tasks": (task("stopall", start=-1200, end=-1100, on="pve2"),)}, None),
        ({"tasks": (task("stopall", start=-400, end=-300, on="pve1"),)}, None),
        ({"tasks": None}, None),
    ],
)
def test_what_was_ordered_within_a_quarter_of_an_hour_is_silent(more: dict[str, Any], by: str | None) -> None:
    finding = one("node_offline", view(nodes=DEAD, **more))
    assert finding is not None
    assert (finding.severity is Severity.INFO, finding.quiet) == (by is not None, by is not None)
    if by is not None and "maintenance" in by:
        assert f"pve2 is offline, under {by}" in card(finding)
        assert "ordered" not in card(finding)
    elif by is not None:
        assert "pve2 is shutting down, ordered" in card(finding)
    assert ("sounds if it is not back by 14:22" in card(finding)) is (by not in {None, "maintenance"})


def test_under_maintenance_it_is_silent_for_as_long_as_that_lasts_and_then_it_is_not() -> None:
    film, upkeep = Film(), frozenset({"pve2"})
    film.poll(nodes=ALIVE, maintenance=upkeep)
    for after in (15, 15, 7200):
        finding = one("node_offline", film.poll(nodes=DEAD, after=after, maintenance=upkeep))
        assert finding is not None
        assert (words(finding.said), finding.quiet) == ("pve2 is offline, under maintenance", True)
    finding = one("node_offline", film.poll(nodes=DEAD))
    assert finding is not None
    assert (words(finding.said), finding.severity) == ("pve2 is offline · maintenance is over", Severity.CRITICAL)
    assert (finding.hold, finding.anew) == (0.0, True)  # it has been off for long enough
    film.poll(nodes=ALIVE)
    film.poll(nodes=DEAD)
    assert words(getattr(one("node_offline", film.poll(nodes=DEAD)), "said", None)) == "pve2 is offline"


def test_a_maintenance_that_ends_soon_after_a_shutdown_in_order_is_the_end_of_its_time_too() -> None:
    film, upkeep = Film(), frozenset({"pve2"})
    tasks = (task("stopall", start=0, end=10, user="root@pam", on="pve2"),)
    film.poll(nodes=ALIVE, maintenance=upkeep, tasks=tasks)
    film.poll(nodes=DEAD, maintenance=upkeep, tasks=tasks)
    for after in (600, 600):
        finding = one("node_offline", film.poll(nodes=DEAD, after=after, tasks=tasks))
        assert finding is not None
        assert card(finding).startswith("pve2 is offline · maintenance is over\nshut down by root@pam 14:02")
        assert (finding.severity, finding.quiet, finding.anew) == (Severity.CRITICAL, False, True)


def test_one_that_is_shut_down_for_a_maintenance_is_under_it_from_first_to_last() -> None:
    film, upkeep = Film(), frozenset({"pve2"})
    tasks = (task("stopall", start=0, end=10, on="pve2"),)
    film.poll(nodes=ALIVE, maintenance=upkeep, tasks=tasks)
    for after in (15, 90, 7200):
        film.poll(nodes=DEAD, maintenance=upkeep, tasks=tasks)
        finding = one("node_offline", film.poll(nodes=DEAD, after=after, maintenance=upkeep, tasks=tasks))
        assert finding is not None
        assert (card(finding), finding.quiet) == ("pve2 is offline, under maintenance", True)


def of_ha(state: str) -> Feeds:
    return feeds((HA, "", Ha(nodes={"pve1": "online", "pve2": state})))


@pytest.mark.parametrize("after", ["maintenance", "unknown"])
def test_what_ha_said_of_a_node_before_it_went_counts_though_it_says_no_more_of_it(after: str) -> None:
    """The manager keeps `maintenance` for as long as the node's own file says so, else it is `unknown`."""
    film = Film()
    for _ in range(3):
        film.poll(nodes=ALIVE, feeds=of_ha("maintenance"))
    for _ in range(6):
        finding = one("node_offline", film.poll(nodes=DEAD, feeds=of_ha(after)))
        assert finding is not None
        assert (words(finding.said), finding.quiet) == ("pve2 is offline, under HA maintenance", True)
    late = one("node_offline", film.poll(nodes=DEAD, feeds=of_ha(after), after=1300))
    assert late is not None
    assert (late.severity, late.quiet) == (Severity.CRITICAL, False)


def test_a_maintenance_of_ha_that_had_ended_before_or_that_ha_fences_all_the_same_explains_nothing() -> None:
    film = Film()
    film.poll(nodes=ALIVE, feeds=of_ha("maintenance"))
    film.poll(nodes=ALIVE, feeds=of_ha("online"))
    ended = one("node_offline", film.poll(nodes=DEAD, feeds=of_ha("unknown")))
    assert ended is not None
    assert ended.severity is Severity.CRITICAL
    film = Film()
    film.poll(nodes=ALIVE, feeds=of_ha("maintenance"))
    film.poll(nodes=DEAD, feeds=of_ha("maintenance"))
    for state in ("fence", "unknown"):  # given up, and then it has its lock
        fenced = one("node_offline", film.poll(nodes=DEAD, feeds=of_ha(state)))
        assert fenced is not None
        assert (words(fenced.said), fenced.severity) == ("pve2 is offline", Severity.CRITICAL)
    film = Film()
    film.poll(nodes=ALIVE, feeds=of_ha("maintenance"))
    film.poll(nodes=DEAD, feeds=of_ha("unknown"))
    push = Push(id="1", at=film.at, kind="fencing", severity="error", title="", message="", host="pve2")
    for pushes in ((push,), ()):
        fenced = one("node_offline", film.poll(nodes=DEAD, feeds=of_ha("unknown"), pushes=pushes))
        assert fenced is not None
        assert fenced.severity is Severity.CRITICAL


@pytest.mark.parametrize("known", [True, False])
def test_guests_may_take_their_time_to_shut_down(known: bool) -> None:
    """It counts from the end of the stopall, and the grace from when the node is gone, whoever waits for a backup."""
    film = Film()
    film.poll(nodes=ALIVE)
    for _ in range(80):  # 20 min
        film.poll(nodes=ALIVE, tasks=(task("stopall", start=10, on="pve2"),))
    ended = task("stopall", start=10, end=1210, on="pve2")
    film.poll(nodes=ALIVE, tasks=(ended,))
    tasks = (ended,) if known else ()  # it may have left the list
    finding = one("node_offline", film.poll(nodes=DEAD, tasks=tasks))
    assert finding is not None
    assert (words(finding.said), finding.quiet) == ("pve2 is shutting down, ordered 14:02", True)
    assert getattr(one("node_offline", film.poll(nodes=DEAD, tasks=tasks, after=1190)), "quiet", None) is True
    assert getattr(one("node_offline", film.poll(nodes=DEAD, tasks=tasks, after=30)), "quiet", None) is False


def test_it_is_critical_where_it_does_not_come_back_and_the_order_has_left_the_list() -> None:
    film = Film()
    stopall = task("stopall", start=0, end=30, on="pve2")
    film.poll(nodes=ALIVE)
    film.poll(nodes=ALIVE, tasks=(stopall,))
    soon = film.poll(nodes=DEAD, after=60)
    finding = one("node_offline", film.poll(nodes=DEAD, after=600))
    assert fires("node_offline", soon)
    assert finding is not None
    assert finding.severity is Severity.INFO
    late = one("node_offline", film.poll(nodes=DEAD, after=700))
    assert late is not None
    assert (late.severity, late.quiet, late.hold, late.anew) == (Severity.CRITICAL, False, 0.0, True)
    assert words(late.said) == "pve2 has not come back, ordered down 14:02"
    assert words(finding.said) == "pve2 is off, shut down in order 14:02"  # by whom, is not kept


def test_a_node_that_is_back_says_which_guests_are_not() -> None:
    web, mail = guest(104, "web", node="pve2"), guest(105, "ct-mail", node="pve2")
    lost = [replace(one, status=Status.UNKNOWN, uptime=None) for one in (web, mail)]
    film = Film()
    film.poll([web, mail], ALIVE)
    film.poll([web, mail], ALIVE)
    film.poll(lost, DEAD)
    film.poll(lost, DEAD, after=240)
    young = [node("pve1"), node("pve2", uptime=20)]

    def back(guests: list[Any], after: float = 15.0, **more: Any) -> Any:
        now = film.poll(guests, young, after=after, aging=False, **more)
        return next(iter(found("node_offline", now)), None)

    stopped = [replace(one, status=Status.STOPPED, uptime=None) for one in (web, mail)]
    first = back(stopped)
    assert first is not None
    assert first.last is not None
    assert (first.severity, first.quiet) == (Severity.INFO, True)
    assert first.affected == ("web", "ct-mail")
    second = back([replace(web, uptime=10), stopped[1]])
    assert words(second.over) == "pve2 is back after 4 min, 1 of 2 guests, not started: ct-mail"
    assert not second.cures  # it may start by itself in a moment
    startall = task("startall", start=300, end=310, user="root@pam", on="pve2")
    third = back([replace(web, uptime=25), stopped[1]], tasks=(startall,))
    assert third is not None  # it ended a moment ago: what it started is not in the list yet
    fourth = back([replace(web, uptime=40), stopped[1]], tasks=(startall,))
    assert [(cure.key, cure.arg) for cure in fourth.cures] == [("start", "main/105")]
    assert words(fourth.over) == "pve2 is back after 4 min, 1 of 2 guests, not started: ct-mail"
    assert back([replace(web, uptime=55), stopped[1]], tasks=(startall,)) is None  # it has settled: no more to wait for
    assert back([replace(web, uptime=70), replace(mail, uptime=5)]) is None


def test_until_a_node_that_is_back_has_told_anything_nothing_is_known_of_its_guests() -> None:
    """What it last told of them is of before, and as if all of them ran; perhaps it is seen only now."""
    web, mail = guest(104, "web", node="pve2"), guest(105, "ct-mail", node="pve2")
    for late in (0, 10):
        film = Film()
        film.poll([web, mail], ALIVE)
        film.poll([web, mail], DEAD, aging=False)
        film.poll([web, mail], DEAD, after=240, aging=False)
        old = [node("pve1"), node("pve2", uptime=(film.memory.nodes["pve2"].uptime or 0) + late)]
        for _ in range(2):
            (finding,) = found("node_offline", film.poll([web, mail], old, aging=False))
            assert words(finding.said) == "pve2 is back"
        new = [node("pve1"), node("pve2", uptime=40)]
        stopped = replace(mail, status=Status.STOPPED, uptime=None)
        startall = task("startall", start=240, end=245, user="root@pam", on="pve2")
        now = film.poll([replace(web, uptime=20), stopped], new, aging=False, tasks=(startall,))
        (finding,) = found("node_offline", now)
        assert words(finding.over) == "pve2 is back after 4 min, 1 of 2 guests, not started: ct-mail"


def test_a_node_that_is_back_with_all_of_its_guests() -> None:
    web = guest(104, "web", node="pve2")
    film = Film()
    film.poll([web], ALIVE)
    film.poll([replace(web, status=Status.UNKNOWN, uptime=None)], DEAD)
    now = film.poll([replace(web, uptime=5)], [node("pve1"), node("pve2", uptime=30)], after=120, aging=False)
    (finding,) = found("node_offline", now)
    assert words(finding.over) == "pve2 is back after 2 min, 1 of 1 guests run"
    assert not found("node_offline", film.poll([web], [node("pve1"), node("pve2", uptime=45)], aging=False))


def test_guests_that_the_stopall_of_their_node_stopped_are_awaited() -> None:
    """It begins a task for each of them, by the same user."""
    web, mail = guest(104, "web", node="pve2"), guest(105, "ct-mail", node="pve2")
    tasks = (
        task("qmshutdown", 104, start=18, end=22, user="root@pam", on="pve2"),
        task("stopall", start=16, end=40, user="root@pam", on="pve2"),
        task("qmshutdown", 105, start=2, end=14, on="pve2"),
    )
    off = [replace(one, status=Status.STOPPED, uptime=None) for one in (web, mail)]
    film = Film()
    film.poll([web, mail], ALIVE)
    film.poll([web, off[1]], ALIVE, tasks=tasks[2:])
    film.poll(off, ALIVE, tasks=tasks)
    film.poll([replace(one, status=Status.UNKNOWN) for one in off], DEAD, tasks=tasks)
    young = [node("pve1"), node("pve2", uptime=20)]
    (finding,) = found("node_offline", film.poll(off, young, after=120, aging=False, tasks=tasks))
    assert words(finding.said) == "pve2 is back, its guests start: 0 of 1"
    assert finding.affected == ("web",)


def test_a_node_without_guests_is_back_and_no_more() -> None:
    film = Film()
    film.poll(nodes=ALIVE)
    film.poll(nodes=DEAD, after=60)
    (finding,) = found("node_offline", film.poll(nodes=ALIVE, after=60))
    assert (words(finding.said), words(finding.over)) == ("pve2 is back after 1 min", "pve2 is back after 1 min")


def test_a_second_absence_is_told_like_the_first() -> None:
    web = guest(104, "web", node="pve2")
    lost = replace(web, status=Status.UNKNOWN, uptime=None)
    film = Film()
    film.poll([web], ALIVE)
    for _ in range(2):
        film.poll([lost], DEAD, after=60)
        assert found("node_offline", film.poll([replace(web, uptime=5)], ALIVE, after=60, nodes_age=True))
        assert not found("node_offline", film.poll([replace(web, uptime=20)], ALIVE))


# -- 4 -------------------------------------------------------------------------------------------------------------


def reset(uptime: int | None = 40, was: int = 9000, **more: Any) -> Any:
    now = view(
        nodes=[node(uptime=uptime)],
        before=Memory(nodes={"pve1": NodeWas(online=True, uptime=was, booted=NOW.timestamp() - was)}),
    )
    return one("node_reset", replace(now, **more))


@pytest.mark.parametrize(
    ("uptime", "was", "told"), [(40, 9000, True), (9015, 9000, False), (8985, 9000, False), (None, 9000, False)]
)
def test_an_uptime_that_falls_is_a_reset(uptime: int | None, was: int, told: bool) -> None:
    finding = reset(uptime, was)
    assert (finding is not None) is told
    if finding is not None:
        assert (finding.severity, finding.loud, finding.quiet) == (Severity.WARNING, True, False)
        assert "was reset by itself" in card(finding)
        assert "(power, watchdog or panic)" in card(finding)


@pytest.mark.parametrize(
    "more",
    [
        {"tasks": (task("stopall", start=-200, end=-150),)},
        {"orders": (Order(action="reboot", target="main/pve1", at=later(-150), by="Ana"),)},
        {"sleeping": frozenset({"pve1"})},
        {"maintenance": frozenset({"pve1"})},
    ],
)
def test_an_explained_reset_is_silent(more: dict[str, Any]) -> None:
    finding = reset(**more)
    assert finding is not None
    assert (finding.severity, finding.quiet, finding.loud) == (Severity.INFO, True, False)


def test_a_reset_by_a_fence_is_explained() -> None:
    before = Memory(
        nodes={"pve1": NodeWas(online=True, uptime=9000, booted=NOW.timestamp() - 9000)},
        figures={"fence/pve1": later(-200).timestamp()},
    )
    finding = reset(before=before)
    assert finding is not None
    assert "fenced by HA" in card(finding)


UP2, GONE2 = [node("pve2")], [offline("pve2")]


@pytest.mark.parametrize(
    ("polls", "ordered", "told"),
    [(4, False, False), (4, True, False), (3, False, True), (3, True, True), (1, False, True), (0, False, True)],
)
def test_an_absence_that_is_told_is_not_told_again_as_a_reset(polls: int, ordered: bool, told: bool) -> None:
    """Of `polls` that saw it offline: 45 s from the first to the last is what node_offline waits for."""
    tasks = (task("stopall", start=5, end=10, user="root@pam", on="pve2"),) if ordered else ()
    film = Film()
    film.poll(nodes=UP2)
    film.poll(nodes=UP2, tasks=tasks)
    for _ in range(polls):
        film.poll(nodes=GONE2, tasks=tasks)
    late = film.poll(nodes=UP2, nodes_age=False, tasks=tasks)  # its figures are of before still
    assert one("node_reset", late) is None
    booted = film.poll(nodes=[node("pve2", uptime=45)], aging=False, tasks=tasks)
    assert (one("node_reset", booted) is not None) is told


def test_a_second_boot_soon_after_an_absence_is_a_reset() -> None:
    film = Film()
    film.poll(nodes=UP2)
    for _ in range(6):
        film.poll(nodes=GONE2)
    assert one("node_reset", film.poll(nodes=[node("pve2", uptime=20)], aging=False)) is None
    film.poll(nodes=[node("pve2", uptime=320)], aging=False, after=300)
    assert one("node_reset", film.poll(nodes=[node("pve2", uptime=10)], aging=False)) is not None


def test_of_a_node_that_may_sleep_its_boot_is_still_told() -> None:
    film = Film(base=view(sleeping=frozenset({"pve2"})))
    film.poll(nodes=UP2)
    for _ in range(6):
        film.poll(nodes=GONE2)
    finding = one("node_reset", film.poll(nodes=[node("pve2", uptime=20)], aging=False))
    assert finding is not None
    assert finding.quiet


def test_where_tasks_are_not_seen_the_cause_is_unknown() -> None:
    finding = reset(tasks=None)
    assert finding is not None
    assert (finding.loud, "cause unknown" in card(finding)) == (False, True)


def test_a_reset_is_found_once_and_no_clock_makes_one() -> None:
    film = Film()
    film.poll(nodes=[node()])
    assert one("node_reset", film.poll(nodes=[node()], after=7200, aging=False)) is None
    assert one("node_reset", film.poll(nodes=[node()], after=-7200, aging=False)) is None
    assert one("node_reset", film.poll(nodes=[node(uptime=30)], aging=False)) is not None
    assert one("node_reset", film.poll(nodes=[node(uptime=45)], aging=False)) is None


# -- 38 ------------------------------------------------------------------------------------------------------------


def test_figures_that_stand_still_are_found_until_they_move() -> None:
    film = Film()
    film.poll([guest()], [node()])
    assert one("stats_frozen", film.poll([guest()], [node()])) is None
    stood = film.poll([guest()], [node(uptime=90 * 86400 + 15)], aging=False)
    assert one("stats_frozen", stood) is None
    stood = film.poll([guest()], [node(uptime=90 * 86400 + 15)], aging=False)
    finding = one("stats_frozen", stood)
    assert finding is not None
    assert (finding.severity, finding.affected, finding.hold) == (Severity.WARNING, (), 60)
    for _ in range(5):
        stood = film.poll([guest()], [node(uptime=90 * 86400 + 15)], aging=False)
    finding = one("stats_frozen", stood)
    assert finding is not None
    assert finding.affected == (HOSTILE,)
    assert "pvestatd hangs" in card(finding)
    moved = film.poll([guest()], [node()])
    assert one("stats_frozen", moved) is None
    assert sees("stats_frozen", moved, finding)
    bare = film.poll([guest()], [node(uptime=None)])
    assert not sees("stats_frozen", bare, finding)
    assert BY_KEY["stats_frozen"].limit.hold == 90


def test_at_the_first_poll_and_of_a_node_that_is_gone_nothing_stands_still() -> None:
    before = Memory(nodes={"pve1": NodeWas(online=True, uptime=77, moved=later(-500))})
    same = view(nodes=[node(uptime=77)], before=before)
    assert one("stats_frozen", same) is not None
    assert one("stats_frozen", replace(same, first=True)) is None
    assert one("stats_frozen", view(nodes=[node(uptime=77, online=False)], before=before)) is None


def test_a_small_scale_does_not_make_a_healthy_node_stand_still() -> None:
    """pvestatd renews the figures every 10 s: at a poll of 2 s they look alike four times of five."""
    film = Film(base=view(poll=2.0))
    for second in range(0, 60, 2):
        known = node(uptime=90 * 86400 + second // 10 * 10)
        assert one("stats_frozen", film.poll(nodes=[known], after=2, aging=False), hold=9) is None
    stood = [one("stats_frozen", film.poll(nodes=[known], after=2, aging=False), hold=9) for _ in range(13)]
    assert [found is not None for found in stood] == [False] * 10 + [True] * 3
    assert stood[-1] is not None
    assert stood[-1].hold == 12


def test_a_node_that_has_just_come_back_shows_its_old_figures_for_a_moment() -> None:
    film = Film()
    film.poll(nodes=UP2)
    for _ in range(4):
        film.poll(nodes=GONE2)
    back = [film.poll(nodes=UP2, nodes_age=False) for _ in range(4)]
    assert [one("stats_frozen", now) is not None for now in back] == [False, False, True, True]


# -- 43 ------------------------------------------------------------------------------------------------------------

SILENT = read(None, fresh=False, silent=True, fails=3)


@pytest.mark.parametrize(
    ("readings", "wrong", "seen"),
    [
        (((NODE_STATUS, "pve1", SILENT),), True, False),
        (((NODE_STATUS, "pve1", NodeStatus()),), False, True),
        (((NODE_STATUS, "pve1", read(None, fresh=False)),), False, False),
        (((STORAGES, "pve1", SILENT),), False, False),  # a storage that hangs
        (((NODE_STATUS, "pve1", read(None, fresh=False, forbidden=True)), (SERVICES, "pve1", SILENT)), True, False),
        (((NODE_STATUS, "pve1", NodeStatus()), (SERVICES, "pve1", SILENT)), False, True),
        ((), False, False),
    ],
)
def test_an_api_that_is_silent_while_the_node_is_online(readings: tuple[Any, ...], wrong: bool, seen: bool) -> None:
    now = view(feeds=feeds(*readings))
    down = one("node_api_down", view(feeds=feeds((NODE_STATUS, "pve1", SILENT))))
    assert down is not None
    assert fires("node_api_down", now) is wrong
    assert sees("node_api_down", now, down) is seen
    assert BY_KEY["node_api_down"].limit.hold == 180


def test_of_a_node_that_is_offline_the_api_is_no_matter() -> None:
    assert one("node_api_down", view(nodes=DEAD, feeds=feeds((NODE_STATUS, "pve2", SILENT)))) is None


# -- half a snapshot -----------------------------------------------------------------------------------------------


def test_a_node_that_is_missing_from_a_whole_list_is_gone_for_good() -> None:
    gone = one("node_offline", view(nodes=DEAD))
    assert gone is not None
    assert sees("node_offline", view(nodes=[node("pve1")]), gone)
    assert not sees("node_offline", view(nodes=[node("pve1")], unseen=[Unseen(gap=Gap.ROWS_DROPPED, count=1)]), gone)
    assert not sees("node_offline", view(nodes=[node("pve1")], unseen=[Unseen(gap=Gap.STATUS_FAILED)]), gone)


def test_nothing_of_all_this_is_grey() -> None:
    assert not grey("node_offline", view(nodes=DEAD))
    assert timedelta(seconds=BY_KEY["node_offline"].limit.more["grace_seconds"]) == timedelta(minutes=20)
