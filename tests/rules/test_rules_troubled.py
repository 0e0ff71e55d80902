"""9 guest_io_error · 10 guest_paused · 11 restart_loop · 12 lock_stuck · 46 guest_silent"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.model import Guest, Severity, Status
from bot.model.feeds import AGENT, FILESYSTEMS
from bot.model.readings import AgentPings, FileSystem, GuestDisks
from bot.model.view import GuestWas, Memory, NodeWas, Order
from bot.rules import BY_KEY, Confirm
from tests.rules.views import (
    HOSTILE,
    NOW,
    Film,
    card,
    cut_off,
    feeds,
    fires,
    grey,
    guest,
    later,
    node,
    one,
    read,
    sees,
    task,
    view,
    words,
)

# -- 9 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said", "cures"),
    [
        (Status.IO_ERROR, "its storage fails", ["resume", "storage"]),
        (Status.INTERNAL_ERROR, "internal error", ["tasks"]),
        (Status.GUEST_PANICKED, "panicked", ["tasks"]),
    ],
)
def test_a_halted_guest_is_critical_at_once(status: Status, said: str, cures: list[str]) -> None:
    finding = one("guest_io_error", view([guest(status=status)]))
    assert finding is not None
    assert (finding.severity, BY_KEY["guest_io_error"].limit.hold) == (Severity.CRITICAL, 0)
    assert said in card(finding)
    assert [cure.key for cure in finding.cures] == cures
    up = view([guest()])
    assert one("guest_io_error", up) is None
    assert sees("guest_io_error", up, finding)


@pytest.mark.parametrize("status", [one_ for one_ in Status if not one_.troubled])
def test_any_other_state_is_not_halted(status: Status) -> None:
    assert one("guest_io_error", view([guest(status=status)])) is None


# -- 10 ------------------------------------------------------------------------------------------------------------

PAUSED = guest(status=Status.PAUSED)


@pytest.mark.parametrize(
    ("now", "more", "wrong"),
    [
        (PAUSED, {}, True),
        (PAUSED, {"tasks": (task("qmpause", 104, start=-500, end=-499),)}, False),
        (
            PAUSED,
            {"tasks": (task("qmresume", 104, start=-5, end=-4), task("qmpause", 104, start=-500, end=-499))},
            True,
        ),
        (PAUSED, {"tasks": (task("vzdump", 104, start=-50),)}, False),
        (PAUSED, {"tasks": (task("vzdump", 105, start=-50), task("vzdump", "", start=-60))}, False),
        (PAUSED, {"tasks": (task("vzdump", 105, start=-50),)}, True),
        (PAUSED, {"tasks": (task("vzdump", "", start=-50, on="pve2"),)}, True),
        (replace(PAUSED, lock="backup"), {}, False),
        (guest(), {}, False),
        (PAUSED, {"sleeping": frozenset({"pve1"})}, False),
    ],
)
def test_a_paused_guest(now: Guest, more: dict[str, Any], wrong: bool) -> None:
    finding = one("guest_paused", view([now], **more))
    assert (finding is not None and not finding.grey) is wrong
    if finding is not None:
        assert finding.severity is Severity.WARNING
        assert [(cure.key, cure.arg) for cure in finding.cures] == [("resume", "main/104")]
    row = BY_KEY["guest_paused"]
    assert (row.limit.hold, row.confirm) == (600, Confirm.GUEST_TASKS)


def test_a_pause_by_order_is_remembered() -> None:
    film = Film()
    film.poll([guest()])
    assert one("guest_paused", film.poll([PAUSED], tasks=(task("qmpause", 104, start=5, end=6),))) is None
    assert one("guest_paused", film.poll([PAUSED], after=7200)) is None
    film.poll([guest()])
    assert fires("guest_paused", film.poll([PAUSED]))
    order = Order(action="pause", target="main/104", at=film.at, by="Ana")
    film.poll([guest()])
    assert one("guest_paused", film.poll([PAUSED], orders=(order,))) is None


def test_an_unexplained_pause_stands_and_one_without_sight_of_tasks_is_info() -> None:
    film = Film()
    film.poll([guest()])
    film.poll([PAUSED])
    finding = one("guest_paused", film.poll([PAUSED], after=600))
    assert finding is not None
    assert finding.since == later(15)
    blind = one("guest_paused", view([PAUSED], tasks=None))
    assert blind is not None
    assert (blind.severity, "cause unknown" in card(blind)) == (Severity.INFO, True)


# -- 11 ------------------------------------------------------------------------------------------------------------


def resets(*ago: float) -> Memory:
    was = GuestWas(status=Status.RUNNING, node="pve1", resets=tuple(later(-one) for one in ago))
    return Memory(guests={104: was})


@pytest.mark.parametrize(
    ("ago", "wrong"),
    [((600, 300, 10), True), ((600, 300), False), ((1000, 300, 10), False), ((-60, -30, 10), False), ((), False)],
)
def test_three_restarts_in_a_quarter_of_an_hour(ago: Sequence[float], wrong: bool) -> None:
    finding = one("restart_loop", view([guest(ct=True)], before=resets(*ago)))
    assert (finding is not None) is wrong
    if finding is not None:
        assert finding.severity is Severity.WARNING
        assert "3 times since 13:52:35, without a task" in card(finding)
        unseen = one("restart_loop", view([guest(ct=True)], before=resets(*ago), tasks=None))
        assert unseen is not None
        assert "the tasks are not to be seen" in card(unseen)
    assert BY_KEY["restart_loop"].limit.clear == 1800


@pytest.mark.parametrize(
    ("now", "tasks", "counts"),
    [
        (guest(ct=True), (), True),
        (guest(hastate="started"), (), True),
        (guest(), (), False),  # what reboots inside keeps its process
        (guest(ct=True), ("vzreboot",), False),
        (guest(ct=True), ("vzstart",), False),
        (guest(hastate="started"), ("hastop",), False),
    ],
)
def test_which_restarts_count(now: Guest, tasks: Sequence[str], counts: bool) -> None:
    film = Film()
    film.poll([now])
    for _ in range(3):
        given = tuple(task(kind, 104, start=(film.at - NOW).total_seconds(), end=(film.at - NOW).total_seconds() + 10)
                      for kind in tasks)  # fmt: skip
        film.poll([replace(now, uptime=8)], aging=False, nodes_age=True, tasks=given)
        film.poll([replace(now, uptime=90)], after=82, aging=False, nodes_age=True)
    assert fires("restart_loop", film.poll([replace(now, uptime=105)], aging=False)) is counts


@pytest.mark.parametrize("apart", [15, 20, 25, 45])
def test_each_restart_counts_however_soon_after_the_last(apart: int) -> None:
    film = Film()
    film.poll([guest(ct=True)])
    for number in range(1, 7):
        film.poll([guest(ct=True, uptime=6)], after=apart, aging=False, nodes_age=True)
        assert len(film.memory.guests[104].resets) == number


@pytest.mark.parametrize("lags", [(0, 10, 0, 10), (10, 0, 10, 0), (0, 0, 10, 10)])
def test_a_restart_counts_once_though_its_node_is_told_of_a_cycle_earlier(lags: Sequence[int]) -> None:
    """pvestatd tells of nodes and guests each 10 s, and one list may have either."""
    film = Film()
    film.poll([guest(ct=True)])
    for number, lag in enumerate(lags):
        film.poll([guest(ct=True, uptime=12 + 15 * number - lag)], aging=False, nodes_age=True)
    assert len(film.memory.guests[104].resets) == 1


def test_neither_a_hung_pvestatd_nor_a_clock_that_jumps_restarts_anything() -> None:
    film = Film()
    young = guest(ct=True, uptime=40)
    film.poll([young], [node(uptime=5000)])
    for after in (15, 60, 400, 7200, -7200, 15):
        film.poll([young], [node(uptime=5000)], after=after, aging=False)
    film.poll([replace(young, uptime=55)], [node(uptime=5015)], aging=False)
    assert film.memory.guests[104].resets == ()


def test_a_guest_whose_figures_come_late_has_not_restarted() -> None:
    film = Film()
    film.poll([guest(ct=True, uptime=1000)], [node(uptime=5000)], aging=False)
    film.poll([guest(ct=True, uptime=1000)], [node(uptime=5060)], after=60, aging=False)
    assert film.memory.guests[104].resets == ()


# -- 12 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lock", "tasks", "wrong"),
    [
        ("backup", (), True),
        ("migrate", (), True),
        ("a lock of tomorrow", (), True),
        ("suspended", (), False),
        ("", (), False),
        ("backup", (task("vzdump", 104, start=-60),), False),
        ("backup", (task("vzdump", "", start=-60),), False),
        ("backup", (task("vzdump", "", start=-60, on="pve2"),), True),
        ("backup", (task("vzdump", 104, start=-60, end=-5),), True),
        ("backup", None, False),  # who knows
    ],
)
def test_a_lock_that_no_task_holds(lock: str, tasks: Any, wrong: bool) -> None:
    seen = view([guest(lock=lock)], tasks=tasks)
    finding = one("lock_stuck", seen)
    assert (finding is not None and not finding.grey) is wrong
    if finding is not None:
        assert f"qm unlock {104}" in card(finding)
        assert sees("lock_stuck", seen, finding)
        assert not sees("lock_stuck", replace(seen, tasks=None), finding)
    assert BY_KEY["lock_stuck"].limit.hold == 6 * 3600


@pytest.mark.parametrize(
    ("running", "held"),
    [
        (task("qmclone", 104, start=-60), True),
        (task("vncproxy", 104, start=-60), False),
        (task("vzdump", start=-60), True),
        (task("vncshell", start=-60), False),  # a shell on the node, open for days
        (task("aptupdate", start=-60), False),
    ],
)
def test_a_console_holds_no_lock(running: Any, held: bool) -> None:
    assert fires("lock_stuck", view([guest(lock="backup")], tasks=(running,))) is not held


def test_since_when_it_is_locked_is_remembered() -> None:
    film = Film()
    film.poll([guest()])
    film.poll([guest(lock="backup")])
    finding = one("lock_stuck", film.poll([guest(lock="backup")], after=3600))
    assert finding is not None
    assert finding.since == later(15)


# -- 46 ------------------------------------------------------------------------------------------------------------

ASKED = guest(tags=("expect-agent",))


def pings(answer: bool | None, **more: Any) -> Any:
    value = AgentPings(answers={} if answer is None else {104: answer})
    return feeds((AGENT, "", read(value, **more)))


@pytest.mark.parametrize(
    ("now", "given", "wrong", "seen"),
    [
        (ASKED, pings(False), True, True),
        (ASKED, pings(True), False, True),
        (ASKED, pings(None), False, False),
        (ASKED, pings(False, fresh=False), False, False),
        (guest(), pings(False), False, True),
        (replace(ASKED, status=Status.PAUSED), pings(False), False, True),
        (replace(ASKED, status=Status.STOPPED), pings(None), False, True),
    ],
)
def test_an_agent_that_is_silent(now: Guest, given: Any, wrong: bool, seen: bool) -> None:
    silent = one("guest_silent", view([ASKED], feeds=pings(False)))
    assert silent is not None
    now_seen = view([now], feeds=given)
    assert fires("guest_silent", now_seen) is wrong
    assert sees("guest_silent", now_seen, silent) is seen
    assert BY_KEY["guest_silent"].limit.hold == 300


def test_an_agent_is_not_asked_to_answer_during_a_backup() -> None:
    assert grey("guest_silent", view([replace(ASKED, lock="backup")], feeds=pings(False)))


# -- all of them ---------------------------------------------------------------------------------------------------


def test_a_critical_guest_sounds() -> None:
    tags = ("critical", "expect-agent")
    for rule, now, more in (
        ("guest_paused", replace(PAUSED, tags=tags), {}),
        ("guest_silent", replace(ASKED, tags=tags), {"feeds": pings(False)}),
        ("restart_loop", guest(ct=True, tags=tags), {"before": resets(600, 300, 10)}),
    ):
        finding = one(rule, view([now], **more))
        assert finding is not None
        assert finding.loud
        assert HOSTILE in words(finding.said)


def test_on_a_node_whose_figures_stand_still_nothing_is_found() -> None:
    before = Memory(nodes={"pve1": NodeWas(online=True, uptime=77, moved=later(-120))})
    for rule, now in (
        ("guest_io_error", guest(status=Status.IO_ERROR)),
        ("guest_paused", PAUSED),
        ("lock_stuck", guest(lock="backup")),
    ):
        assert fires(rule, view([now], [node(uptime=78)], before=before))
        assert one(rule, view([now], [node(uptime=77)], before=before)) is None


# -- 15, of VMs ----------------------------------------------------------------------------------------------------

ROOT, DATA = FileSystem(mount="/", used=40, total=100), FileSystem(mount="/srv/data", used=96, total=100)


def disks(*systems: FileSystem, **more: Any) -> Any:
    known = {"tags": ("expect-agent",), **more}
    return view([guest(**known)], feeds=feeds((FILESYSTEMS, "", GuestDisks(of={104: systems} if systems else {}))))


@pytest.mark.parametrize(
    ("used", "how"),
    [(96, "critical"), (95, "critical"), (94, "warning"), (90, "warning"), (89, "grey"), (85, "grey"), (84, None)],
)
def test_a_file_system_of_a_vm_that_fills_up(used: int, how: str | None) -> None:
    finding = one("vm_disk", disks(ROOT, FileSystem(mount="/srv/data", used=used, total=100)))
    assert (finding is None) is (how is None)
    if finding is not None:
        assert ("grey" if finding.grey else finding.severity.word) == how
        assert words(finding.said).startswith(f"{HOSTILE}: /srv/data {used}")


def test_all_that_are_full_are_named_and_only_what_the_agent_told_is_judged() -> None:
    other = FileSystem(mount="/var", used=91, total=100)
    finding = one("vm_disk", disks(ROOT, other, DATA))
    assert finding is not None
    assert "/var 91" in card(finding)
    assert one("vm_disk", disks(DATA, tags=())) is None
    assert one("vm_disk", disks(DATA, status=Status.STOPPED)) is None
    assert sees("vm_disk", disks(ROOT), finding)
    assert not sees("vm_disk", disks(), finding)
    assert not sees("vm_disk", view([guest(tags=("expect-agent",))]), finding)
    assert BY_KEY["vm_disk"].limit.hold == 300


@pytest.mark.parametrize("rule", ["vm_disk", "guest_silent"])
def test_once_nobody_expects_an_agent_nothing_is_wrong_with_it(rule: str) -> None:
    """Then no agent is asked any more: there is no reading to tell so."""
    full = one("vm_disk", disks(DATA))
    assert full is not None
    assert sees(rule, view([guest()]), full)
    assert not sees(rule, view([guest(tags=("expect-agent",))]), full)
    assert not sees(rule, cut_off(), full)
