"""What happened while the bot was away: restarts by HA, boots of nodes, containers that began anew."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.model import Finding, Severity, Status
from bot.rules.guest.causes import ROWS
from tests.rules.views import Film, card, found, guest, node, offline, one, task, view

RUNS = guest(hastate="started")
NODES = [node("pve1"), node("pve2")]


def back(
    guests: Sequence[Any], nodes: Sequence[Any], *, away: float = 600.0, before: Sequence[Any] = (RUNS,), **more: Any
) -> list[Finding]:
    """Of `ha_error`, at the first poll after a restart: `before` is what the last one saw, `away` s before."""
    film = Film()
    film.poll(before, NODES)
    return found(
        "ha_error", film.poll(guests, nodes, after=away, aging=False, nodes_age=_old(nodes), first=True, **more)
    )


def _old(nodes: Sequence[Any]) -> bool:
    """None of them has booted meanwhile."""
    return all(one_.uptime is None or one_.uptime > 1000 for one_ in nodes)


ELSEWHERE = replace(RUNS, node="pve2", uptime=300)
STARTED = task("qmstart", 104, start=300, end=303, user="root@pam")
BUSY = tuple(task("aptupdate", start=100 + n, end=101 + n, on="pve2") for n in range(ROWS))


def test_what_ha_started_elsewhere_while_the_bot_was_away_is_told_with_the_start() -> None:
    (finding,) = back([ELSEWHERE], [offline("pve1"), node("pve2")])
    assert card(finding) == 'HA started web<1>_&" on pve2\nlast seen running 14:02:35 on pve1'
    assert (finding.severity, finding.quiet, bool(finding.event)) == (Severity.INFO, True, True)


@pytest.mark.parametrize(
    ("guests", "more", "told"),
    [
        ([ELSEWHERE], {}, True),
        ([replace(ELSEWHERE, uptime=700)], {}, False),  # its process is older: it was moved
        ([replace(ELSEWHERE, hastate="")], {}, False),
        ([replace(ELSEWHERE, status=Status.STOPPED, uptime=None)], {}, False),
        ([ELSEWHERE], {"away": 4000.0}, False),  # too long ago to be sure
        ([ELSEWHERE], {"tasks": None}, False),
        ([ELSEWHERE], {"tasks": (task("qmigrate", 104, start=290, end=299),)}, False),
        ([ELSEWHERE], {"tasks": (task("stopall", start=200, end=250, user="root@pam"),)}, False),
        ([ELSEWHERE], {"tasks": BUSY}, False),  # what explains it may have left the list
        ([ELSEWHERE], {"tasks": BUSY[:-1]}, True),
        ([replace(RUNS, uptime=300)], {"tasks": (STARTED,)}, True),
        ([replace(RUNS, uptime=300)], {}, False),  # nobody started it: its process alone began anew
        ([replace(RUNS, uptime=300)], {"tasks": (task("qmstart", 104, start=300, end=303),)}, False),
    ],
)
def test_only_what_is_sure_is_told(guests: list[Any], more: dict[str, Any], told: bool) -> None:
    assert bool(back(guests, NODES, **more)) is told


def test_of_a_node_that_booted_meanwhile_no_guest_is_told_of_by_itself() -> None:
    assert back([replace(RUNS, uptime=300)], [node("pve1", uptime=320), node("pve2")], tasks=(STARTED,)) == []


def test_what_was_down_before_the_bot_went_is_told_once_it_is_back() -> None:
    film = Film()
    film.poll([RUNS], NODES)
    film.poll([replace(RUNS, status=Status.STOPPED, uptime=None)], NODES)
    back_ = film.poll([ELSEWHERE], NODES, after=300, aging=False, first=True)
    (finding,) = found("ha_error", back_)
    assert "HA started" in card(finding)
    assert found("ha_error", film.poll([ELSEWHERE], NODES)) == []


def test_nothing_of_it_at_the_first_start_and_twice_at_none() -> None:
    assert found("ha_error", view([ELSEWHERE], NODES, first=True)) == []
    film = Film()
    film.poll([RUNS], NODES)
    assert len(found("ha_error", film.poll([ELSEWHERE], NODES, after=600, aging=False, first=True))) == 1
    assert found("ha_error", film.poll([ELSEWHERE], NODES, after=600, first=True)) == []  # killed at once, and started


# -- nodes ---------------------------------------------------------------------------------------------------------

BOOT = task("startall", start=2000, end=2030, user="root@pam")


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ((BOOT,), "pve1 was reset by itself"),
        ((BOOT, task("stopall", start=1700, end=1800, user="root@pam")), "pve1 has rebooted"),
        ((BOOT, *(task("aptupdate", start=1900 + n, end=1901 + n) for n in range(ROWS))), "pve1 has rebooted"),
        ((), None),  # its uptime is no less than it was: nothing shows that it booted
        ((task("startall", start=2000, end=2030),), None),  # somebody started all guests
        ((task("startall", start=-30, end=-20, user="root@pam"),), None),
    ],
)
def test_a_boot_while_the_bot_was_away_is_told_though_its_uptime_has_outgrown_it(tasks: Any, said: str | None) -> None:
    film = Film()
    film.poll(nodes=[node(uptime=300)])
    late = film.poll(nodes=[node(uptime=1660)], after=3600, aging=False, first=True, tasks=tasks)
    finding = one("node_reset", late)
    assert (card(finding).splitlines()[0] if finding else None) == said
    booted = film.memory.nodes["pve1"].booted
    assert booted is not None
    assert (booted > film.base.at.timestamp()) is (said is not None)
    assert one("node_reset", film.poll(nodes=[node(uptime=1675)], aging=False, tasks=tasks)) is None


def test_what_left_the_list_meanwhile_leaves_the_cause_unknown() -> None:
    film = Film()
    film.poll(nodes=[node(uptime=9000)])
    tasks = tuple(task("aptupdate", start=3000 + n, end=3001 + n) for n in range(ROWS))
    finding = one("node_reset", film.poll(nodes=[node(uptime=900)], after=3600, aging=False, first=True, tasks=tasks))
    assert finding is not None
    assert (finding.loud, card(finding)) == (False, "pve1 has rebooted\ncause unknown: the bot was away")


# -- containers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "resets"),
    [
        ({}, 1),
        ({"tasks": (task("vzreboot", 104, start=500, end=505),)}, 0),
        ({"tasks": None}, 0),
        ({"tasks": tuple(task("aptupdate", start=100 + n, end=101 + n) for n in range(ROWS))}, 0),
        ({"nodes": [node(uptime=200)]}, 0),  # with its node
        ({"first": False}, 0),
    ],
)
def test_a_container_that_began_anew_while_the_bot_was_away_counts(more: dict[str, Any], resets: int) -> None:
    film = Film()
    film.poll([guest(ct=True)])
    film.poll(
        [guest(ct=True, uptime=100)],
        **{"nodes": [node()], "after": 600, "aging": False, "first": True, "nodes_age": "nodes" not in more, **more},
    )
    assert len(film.memory.guests[104].resets) == resets


def down_and_up(nodes: Sequence[Any], again: Any, stopped_on: str = "", **more: Any) -> list[Finding]:
    """Of `ha_error`, where the bot looks all the time: it ran, was gone (or seen stopped there), and runs `again`."""
    film = Film()
    film.poll([RUNS], NODES)
    film.poll([replace(RUNS, status=Status.UNKNOWN, uptime=None)], nodes)
    if stopped_on:
        film.poll([replace(RUNS, node=stopped_on, status=Status.STOPPED, uptime=None)], nodes)
    return found("ha_error", film.poll([again], nodes, aging=False, **more))


@pytest.mark.parametrize("stopped_on", ["", "pve2"])
def test_of_a_node_that_is_offline_no_guest_is_told_of_by_itself(stopped_on: str) -> None:
    again = replace(RUNS, node="pve2", uptime=3)
    assert down_and_up([offline("pve1"), node("pve2")], again, stopped_on) == []
    assert down_and_up(NODES, again, stopped_on)  # no node went: HA has found it dead
