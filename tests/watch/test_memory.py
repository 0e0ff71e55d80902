"""What is remembered from poll to poll."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Gap, Status, Unseen
from bot.model.feeds import HA, NODE_STATUS, ZFS
from bot.model.readings import Ha, NodeStatus, ZfsPool
from bot.model.view import GuestWas, Memory, NodeWas, Order
from bot.watch.memory import remember
from tests.rules.views import GIB, NOW, Film, cut_off, feeds, guest, later, node, offline, storage, task, view

DOWN = guest(status=Status.STOPPED)


def test_what_did_not_change_is_the_very_object() -> None:
    film = Film()
    film.poll([guest(), guest(105, lock="backup"), guest(106, status=Status.STOPPED)], storages=[storage()])
    before = film.memory
    film.poll([guest(), guest(105, lock="backup"), guest(106, status=Status.STOPPED)], storages=[storage()])
    assert film.memory.guests is before.guests
    assert film.memory.storages is before.storages
    film.poll([guest(), guest(105), guest(106, status=Status.STOPPED)], storages=[storage()])
    assert film.memory.guests[104] is before.guests[104]
    assert film.memory.guests[106] is before.guests[106]
    assert film.memory.guests[105] == replace(before.guests[105], lock="", locked=film.at)


def test_a_poll_that_could_not_read_changes_nothing() -> None:
    film = Film()
    film.poll([guest()])
    assert remember(cut_off(before=film.memory)) is film.memory
    assert remember(replace(view(), snapshot=None, before=film.memory)) is film.memory


@pytest.mark.parametrize("lag", [0, 10, -10, 25])
def test_the_beginning_of_a_process_does_not_move_with_a_list_that_lags(lag: int) -> None:
    film = Film()
    film.poll([guest(uptime=1000)])
    before = film.memory.guests[104]
    film.poll([guest(uptime=1000 - lag)])
    assert film.memory.guests[104] is before


@pytest.mark.parametrize("after", [3600, -3600, 86400])
def test_nor_with_a_clock_of_the_bot_that_jumps(after: float) -> None:
    film = Film()
    film.poll([guest(uptime=1000)], [node(uptime=5000)])
    guests, booted = film.memory.guests, film.memory.nodes["pve1"].booted
    film.poll([guest(uptime=1015)], [node(uptime=5015)], after=after, aging=False)
    assert film.memory.guests is guests
    assert film.memory.nodes["pve1"].booted == booted


def test_a_guest_that_stops_and_runs_again() -> None:
    film = Film()
    film.poll([guest()])
    film.poll([DOWN])
    down = film.memory.guests[104]
    assert down == GuestWas(status=Status.STOPPED, node="pve1", changed=later(15), ran=NOW)
    film.poll([DOWN], after=900)
    assert film.memory.guests[104] is down
    film.poll([guest(uptime=5)], aging=False, nodes_age=True)
    up = film.memory.guests[104]
    assert (up.status, up.ran, up.stopped_by, up.changed) == (Status.RUNNING, None, "", later(930))


@pytest.mark.parametrize(
    ("more", "by"),
    [
        ({"tasks": (task("qmstop", 104, start=5, end=10),)}, "ana@pve"),
        ({"tasks": (task("qmstop", 104, start=5, end=10, user="ana@pve!phone"),)}, "ana@pve!phone"),
        ({"tasks": (task("qmreboot", 104, start=5, end=10),)}, "qmreboot by ana@pve"),
        ({"tasks": (task("stopall", start=5, end=10, user="root@pam"),)}, "stopall by root@pam"),
        ({"orders": (Order(action="stop", target="main/104", at=later(5), by="Ana Meier"),)}, "Ana\u00a0Meier"),
        ({"orders": (Order(action="reboot", target="main/pve1", at=later(5), by="Ana"),)}, "reboot of pve1 by Ana"),
        ({}, ""),
        ({"tasks": None}, ""),
    ],
)
def test_who_stopped_it(more: dict[str, Any], by: str) -> None:
    film = Film()
    film.poll([guest()])
    film.poll([DOWN], **more)
    assert film.memory.guests[104].stopped_by == by
    film.poll([DOWN])
    assert film.memory.guests[104].stopped_by == by


def test_the_lock_it_had_when_it_stopped_is_a_cause() -> None:
    film = Film()
    film.poll([guest()])
    film.poll([replace(DOWN, lock="backup")])
    film.poll([DOWN], after=600)
    assert film.memory.guests[104].stopped_by == "its lock: backup"


def test_what_is_not_seen_keeps_what_it_was() -> None:
    film = Film()
    film.poll([guest(), guest(105, status=Status.STOPPED)], [node("pve1"), node("pve2")])
    was = film.memory
    film.poll(
        [guest(status=Status.UNKNOWN, uptime=None), guest(105, status=Status.UNKNOWN)], [offline("pve1"), node("pve2")]
    )
    now = film.memory.guests
    assert now[105] is was.guests[105]
    assert now[104] == replace(was.guests[104], ran=NOW)  # when it was last seen running; no more
    film.poll(
        [guest(status=Status.UNKNOWN, uptime=None), guest(105, status=Status.UNKNOWN)], [offline("pve1"), node("pve2")]
    )
    assert film.memory.guests is now
    film.poll([guest(), guest(105, status=Status.STOPPED)], [node("pve1"), node("pve2")])
    assert film.memory.guests[104] == was.guests[104]


def test_figures_that_stand_still_are_not_remembered_as_new() -> None:
    film = Film()
    film.poll([guest()])
    for _ in range(6):
        film.poll([guest()], aging=False)
    guests = film.memory.guests
    film.poll([DOWN], aging=False)
    assert film.memory.guests is guests
    assert film.memory.nodes["pve1"].moved == NOW


@pytest.mark.parametrize("unseen", [[], [Unseen(gap=Gap.ROWS_DROPPED, count=1)], [Unseen(gap=Gap.NO_GUESTS_VISIBLE)]])
def test_what_is_gone_from_a_whole_list_is_forgotten_after_an_hour(unseen: list[Unseen]) -> None:
    film = Film()
    film.poll([guest(), guest(105)], [node("pve1"), node("pve2")])
    for minutes in (1, 30, 29):
        film.poll([guest()], [node("pve1")], after=60 * minutes, unseen=unseen)
        assert 105 in film.memory.guests
    film.poll([guest()], [node("pve1")], after=60, unseen=unseen)
    assert (105 in film.memory.guests, "pve2" in film.memory.nodes) == (bool(unseen), bool(unseen))
    assert not [key for key in film.memory.figures if key.startswith("gone/")]


def test_what_comes_back_within_the_hour_was_never_gone() -> None:
    film = Film()
    film.poll([guest(), guest(105)])
    film.poll([guest()])
    film.poll([guest()], after=3000)
    film.poll([guest(), guest(105)])
    film.poll([guest()], after=3000)
    assert 105 in film.memory.guests


def test_a_node() -> None:
    film = Film()
    film.poll(nodes=[node(uptime=5000)], aging=False)
    first = film.memory.nodes["pve1"]
    assert first == NodeWas(online=True, booted=NOW.timestamp() - 5000, uptime=5000, moved=NOW)
    film.poll(nodes=[node(uptime=5015)], aging=False)
    assert film.memory.nodes["pve1"] == replace(first, uptime=5015, moved=later(15))
    film.poll(nodes=[offline()])
    gone = film.memory.nodes["pve1"]
    assert (gone.online, gone.changed, gone.uptime) == (False, later(30), 5015)
    film.poll(nodes=[offline()])
    assert film.memory.nodes["pve1"] is gone
    film.poll(nodes=[replace(node(), online=None, uptime=None)])
    assert film.memory.nodes["pve1"] is gone
    film.poll(nodes=[node(uptime=20)], aging=False)
    back = film.memory.nodes["pve1"]
    assert (back.online, back.uptime, back.booted) == (True, 20, later(75).timestamp() - 20)


def test_pools_stay_known_for_a_week() -> None:
    film = Film()
    film.poll(
        feeds=feeds((ZFS, "pve1", (ZfsPool(name="rpool", health="ONLINE"), ZfsPool(name="tank", health="ONLINE"))))
    )
    assert [*film.memory.nodes["pve1"].pools] == ["rpool", "tank"]
    only = feeds((ZFS, "pve1", (ZfsPool(name="rpool", health="ONLINE"),)))
    film.poll(feeds=only)
    film.poll()
    film.poll(feeds=only, after=5 * 86400)
    assert [*film.memory.nodes["pve1"].pools] == ["rpool", "tank"]
    film.poll(feeds=only, after=3 * 86400)
    assert [*film.memory.nodes["pve1"].pools] == ["rpool"]


def test_the_use_of_storages_is_kept_by_the_hour_for_a_week() -> None:
    film = Film()
    full = storage("nas", shared=True)
    film.poll(storages=[full, storage("dead", available=None), storage("empty", maxdisk=0)])
    film.poll(storages=[full], after=1800)
    assert film.memory.storages == {"nas": replace(film.memory.storages["nas"], samples=((NOW.timestamp(), 10 * GIB),))}
    for hour in range(200):
        film.poll(storages=[replace(full, disk=hour)], after=3600)
    samples = film.memory.storages["nas"].samples
    assert len(samples) <= 169
    assert samples[-1][1] == 199
    assert samples[-1][0] - samples[0][0] <= 7 * 86400
    film.poll(storages=[full], after=-86400)  # the clock is set back: nothing of the future is kept
    assert film.memory.storages["nas"].samples[-1][0] <= film.at.timestamp()
    film.poll(after=8 * 86400)
    assert "nas" not in film.memory.storages


def test_what_was_ordered_of_a_node_is_remembered_until_it_is_long_back() -> None:
    film = Film()
    two = [node("pve1"), node("pve2")]
    film.poll(nodes=two)
    film.poll(nodes=two, tasks=(task("stopall", start=10, end=20, on="pve2"),))
    assert film.memory.figures["ordered/pve2"] == later(10).timestamp()
    film.poll(nodes=[node("pve1"), offline("pve2")], after=60)
    film.poll(nodes=[node("pve1"), offline("pve2")], after=3600)
    assert film.memory.figures["ordered/pve2"] == later(10).timestamp()
    assert film.memory.figures["offline/pve2"] == later(75).timestamp()
    film.poll(nodes=two)
    assert "offline/pve2" in film.memory.figures
    film.poll(nodes=two, after=1801)
    assert not {key for key in film.memory.figures if key.endswith("/pve2")}


def test_a_fence_is_remembered_and_swap_by_the_half_hour() -> None:
    film = Film()
    status = (NODE_STATUS, "pve1", NodeStatus(swap=100, swap_total=1000))
    film.poll(feeds=feeds((HA, "", Ha(nodes={"pve1": "fence"})), status))
    assert film.memory.figures["fence/pve1"] == NOW.timestamp()
    grown = (NODE_STATUS, "pve1", NodeStatus(swap=400, swap_total=1000))
    film.poll(feeds=feeds(grown), after=600)
    assert film.memory.figures["swap/pve1"] == 100
    film.poll(feeds=feeds(grown), after=1300)
    assert film.memory.figures["swap/pve1"] == 400


def test_restarts_are_kept_for_an_hour() -> None:
    old = GuestWas(status=Status.RUNNING, node="pve1", resets=(later(-90000), later(-60), later(500)))
    film = Film(memory=Memory(guests={104: old}))
    film.poll([guest(ct=True)])
    assert film.memory.guests[104].resets == (later(-60),)


def test_events_are_the_watchs_own_to_keep() -> None:
    events = {"task_failed:x": NOW - timedelta(days=1)}
    film = Film(memory=Memory(events=events))
    film.poll([guest()])
    assert film.memory.events is events
