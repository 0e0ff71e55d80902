"""A guest under a lock: what has to wait, what need not, and what the person reads instead of a failed task."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.access import Role, Scope
from bot.actions import ACTIONS, BY_KEY
from bot.errors import PveNodeDown
from bot.model import Guest, Kind, Outcome, Permissions, Status, Task, Upid
from bot.runner.locks import TASKS, WHY, held
from bot.screen import Ask, Open
from bot.text import Reader, plain
from tests.runner_world import ANA, NAME, START, WEB, World

QEMU = ("backup", "clone", "create", "migrate", "rollback", "snapshot", "snapshot-delete", "suspending", "suspended")
LXC = (
    "backup", "create", "destroyed", "disk", "fstrim", "migrate", "mounted", "rollback", "snapshot", "snapshot-delete",
)  # fmt: skip
GOES = {
    ("qemu", "backup"): {"resume", "pause"},  # and a start, of what stands still for it: below
    ("qemu", "suspended"): {"start", "resume"},
    ("lxc", "mounted"): {"start", "reboot", "stop"},
}
"""What Proxmox VE does under a lock; nothing else, under no other lock."""
FITS = {
    "start": Status.STOPPED,
    "resume": Status.PAUSED,
}
"""A state that has the action; for the others: running."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World.make(tmp_path)
    made.pve.seen = made.pve.look()
    yield made
    await made.close()


def text(key: str, guest: Guest) -> str | None:
    said = held(BY_KEY[key], guest)
    return plain(said, Reader()) if said is not None else None


def lock(world: World, lock: str, **more: object) -> None:
    world.pve.guests[101] = replace(WEB, lock=lock, **more)  # type: ignore[arg-type]  # fields of a guest


def task(type_: str, subject: str, n: int = 1, outcome: Outcome = Outcome.RUNNING) -> Task:
    upid = Upid.parse(f"UPID:pve1:0000{n:04X}:00001000:{int(START.timestamp()) - n:08X}:{type_}:{subject}:root@pam:")
    return Task(cluster="main", upid=upid, outcome=outcome)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.key)
def test_under_which_lock_what_goes(action: object) -> None:
    key = getattr(action, "key", "")
    for kind, locks in ((Kind.QEMU, QEMU), (Kind.LXC, LXC)):
        if kind not in BY_KEY[key].on:
            continue
        for one in locks:
            guest = replace(WEB, kind=kind, lock=one, status=FITS.get(key, Status.RUNNING))
            assert (text(key, guest) is None) == (key in GOES.get((kind.value, one), set())), (kind, one)


def test_each_lock_has_its_words_and_no_word_is_of_none() -> None:
    assert {*QEMU, *LXC} == {*WHY, "suspended", "mounted"}
    assert set(TASKS) <= set(WHY)


@pytest.mark.parametrize(
    ("key", "guest", "said"),
    [
        ("backup", replace(WEB, lock="backup"), f"A backup of {NAME} is running already."),
        (
            "reboot",
            replace(WEB, lock="backup"),
            f"{NAME} is locked (backup): it is being backed up. “Reboot” has to wait until that is done.",
        ),
        ("backup", replace(WEB, lock="suspended", status=Status.HIBERNATED), None),  # it is hibernated
        (
            "shutdown",
            replace(WEB, lock="mounted", kind=Kind.LXC),
            f"{NAME} is locked (mounted): its file system is open on pve1. “Shutdown” is possible after pct",
        ),
        ("stop", replace(WEB, lock="<x>"), f"{NAME} is locked (<x>): “Force stop” has to wait for its end."),
        (
            "start",
            replace(WEB, lock="backup", status=Status.STOPPED),
            f"{NAME} is locked (backup): it is being backed up. “Start” has to wait until that is done.",
        ),
        ("start", replace(WEB, lock="backup", status=Status.PRELAUNCH), None),
        ("start", replace(WEB, lock="migrate"), None),  # it runs: that is reason enough
        ("stop", replace(WEB, lock="migrate", status=Status.STOPPED), None),
        # a VM stands still while its snapshot is taken, or is at the start of its move: that is not what is in the way
        ("shutdown", replace(WEB, lock="snapshot", status=Status.PAUSED), f"{NAME} is locked (snapshot): a snapshot"),
        ("shutdown", replace(WEB, lock="migrate", status=Status.PRELAUNCH), f"{NAME} is locked (migrate): it is being"),
        ("backup", replace(WEB, lock="backup", template=True), None),
    ],
)
def test_what_is_said(key: str, guest: Guest, said: str | None) -> None:
    found = text(key, guest)
    assert found is said or (found or "").startswith(said or "-")


async def test_the_task_that_holds_it_is_one_tap_away(world: World) -> None:
    lock(world, "backup")
    job = task("vzdump", "", 3)
    world.pve.others = (task("vncproxy", "101", 2), task("vzdump", "", 1), task("vzdump", "102", 9), job)
    await world.tap(Ask("backup", "main/101"))
    assert world.last.text.splitlines()[0] == f"A backup of {NAME} is running already."
    assert next(iter(world.last.buttons)) == "Log"
    assert world.last.buttons["Log"].tap == Open("task", f"main {job.upid}")  # the first of two: the other one waits
    assert world.pve.calls.count("node_tasks") == 1


async def test_where_no_task_is_seen_there_is_the_list(world: World) -> None:
    lock(world, "snapshot")
    world.pve.others = (task("qmsnapshot", "101", outcome=Outcome.OK),)
    await world.tap(Ask("shutdown", "main/101"))
    assert "a snapshot of it is being taken" in world.last.text
    assert world.last.buttons["Look at tasks"].tap == Open("tasks", "vm:main/101")


async def test_a_node_that_lists_no_tasks_hinders_no_answer(world: World) -> None:
    lock(world, "snapshot")
    world.pve.down["node_tasks"] = (0, 9e9, PveNodeDown("No route to host", node="pve1"))
    await world.tap(Ask("shutdown", "main/101"))
    assert "a snapshot of it is being taken" in world.last.text
    assert "Look at tasks" in world.last.buttons


async def test_a_task_that_the_asker_may_not_see_is_not_shown(world: World) -> None:
    lock(world, "backup")
    world.pve.others = (task("vzdump", ""),)
    narrow = replace(ANA, scope=Scope(vmids=frozenset({101})))
    await world.tap(Ask("backup", "main/101"), narrow)
    assert world.last.text.startswith(f"A backup of {NAME} is running already.")
    assert "Log" not in world.last.buttons


@pytest.mark.parametrize("kind", Kind)
async def test_a_lock_that_nothing_holds_is_said_to_be_left_over(world: World, kind: Kind) -> None:
    lock(world, "backup", kind=kind)
    world.pve.permissions_[Role.VIEWER] = Permissions(paths={"/": {"Sys.Audit": True}})
    await world.tap(Ask("backup", "main/101"))
    tool = "qm" if kind is Kind.QEMU else "pct"
    assert world.last.text.splitlines()[0] == (
        f"{NAME} is locked (backup), and no task runs that would hold it: the lock may be left over."
        f" On pve1: {tool} unlock 101"
    )


async def test_a_command_on_the_node_is_no_task(world: World) -> None:
    """pct fstrim, or the clone of another guest: nothing of that guest runs, and the lock is held all the same."""
    lock(world, "fstrim", kind=Kind.LXC)
    world.pve.permissions_[Role.VIEWER] = Permissions(paths={"/": {"Sys.Audit": True}})
    await world.tap(Ask("shutdown", "main/101"))
    assert "its file systems are being trimmed" in world.last.text
    assert "left over" not in world.last.text


async def test_a_vm_that_is_backed_up_while_it_is_off_can_be_started(world: World) -> None:
    lock(world, "backup", status=Status.PRELAUNCH)
    await world.tap(Ask("start", "main/101"))
    await world.end()
    assert len(world.pve.writes) == 1
    assert world.last.text.startswith(f"✅ {NAME} has started")
