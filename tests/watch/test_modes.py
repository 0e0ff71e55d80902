"""How a backup that runs is made, by the head of its log: when that is read, and what it says."""

from dataclasses import replace
from typing import Any

import pytest

from bot.access import Role
from bot.errors import PveError, PveUnreachable
from bot.model import Guest, Outcome, Status, Task, TaskLog, Upid
from bot.model.view import GuestWas, Memory, View
from bot.watch.modes import AGAIN, AT_ONCE, Modes, mode_of
from tests.rules.views import guest, later, task, view

JOB = "INFO: starting new backup job: vzdump"
WAITS = "INFO: trying to get global lock - waiting..."


@pytest.mark.parametrize(
    ("log", "mode"),
    [
        ([f"{JOB} 101 104 --storage nas --mode snapshot --quiet 1"], "snapshot"),
        ([WAITS, "INFO: got global lock", f"{JOB} --mode stop --all 1"], "stop"),
        ([f"{JOB} --all 1 --mode=suspend"], "suspend"),
        ([WAITS], ""),
        ([], ""),
        ([f"{JOB} --all 1 --storage nas"], None),
        # as /etc/vzdump.conf says: of a guest that ran, since what is stopped is saved stopped
        ([f"{JOB} --all 1", "INFO: status = stopped", "INFO: backup mode: stop"], None),
        ([f"{JOB} --all 1", "INFO: status = running", "INFO: backup mode: stop"], "stop"),
        ([f"{JOB} --all 1", "INFO: status = stopped", "INFO: backup mode: stop", "INFO: status = running",
          "INFO: backup mode: snapshot"], "snapshot"),
        ([f"{JOB} --all 1 --mode stopgap"], None),
        ([f"{JOB} --notes-template '{{{{guestname}}}} --mode stop' --mode snapshot"], "snapshot"),
        ([f"{JOB} --notes-template 'half --mode stop"], None),
        ([f"{JOB} --mode=suspend"], "suspend"),
    ],
)  # fmt: skip
def test_what_the_head_of_a_log_says(log: list[str], mode: str | None) -> None:
    assert mode_of(log) == mode


class Logs:
    def __init__(self) -> None:
        self.lines: dict[str, tuple[str, ...]] = {}
        self.asked: list[str] = []
        self.error: PveError | None = None

    async def log(self, upid: Upid, *, role: Role, start: int = 0, limit: int = 50) -> TaskLog:
        assert role is Role.VIEWER
        self.asked.append(upid.text)
        if self.error is not None:
            raise self.error
        lines = self.lines.get(upid.text, ())
        return TaskLog(lines=lines, total=len(lines))


RUNS = task("vzdump", "", start=-600, user="root@pam")
RAN = Memory(guests={104: GuestWas(status=Status.RUNNING, node="pve1", lock="backup", locked=later(-300))})
DOWN = guest(ct=True, status=Status.STOPPED, lock="backup")


def seen(now: Guest = DOWN, *tasks: Task, before: Memory = RAN, **more: Any) -> View:
    return view([now], tasks=tasks or (RUNS,), before=before, **more)


def modes() -> tuple[Modes, Logs]:
    logs = Logs()
    logs.lines[RUNS.upid.text] = (f"{JOB} --mode snapshot --all 1",)
    return Modes(logs), logs  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("looked", "reads"),
    [
        (seen(), True),
        (seen(replace(DOWN, lock="")), True),  # a VM whose backup ended with it
        (seen(DOWN, replace(RUNS, outcome=Outcome.ERROR, end=later(-5))), True),
        (seen(guest(lock="backup")), False),  # it runs
        (seen(DOWN, task("vzdump", "", start=-600, on="pve2")), False),
        (seen(DOWN, task("vzdump", "", start=-9000, end=-8000)), False),
        (seen(DOWN, task("qmstop", 104, start=-20)), False),
        (seen(before=Memory()), False),  # it was never seen running
        (seen(before=Memory(guests={104: GuestWas(status=Status.STOPPED, node="pve1")})), False),
        (replace(seen(), tasks=None), False),
    ],
)
async def test_a_log_is_read_where_a_guest_has_gone_down(looked: View, reads: bool) -> None:
    made, logs = modes()
    after = await made.look(looked, 100.0, 5.0)
    assert bool(logs.asked) == reads
    assert (after.backup_modes == {RUNS.upid.text: "snapshot"}) == reads


async def test_each_is_read_once_and_what_was_not_said_a_minute_later() -> None:
    made, logs = modes()
    for now in range(0, 300, 15):
        assert (await made.look(seen(), now, 5.0)).backup_modes == {RUNS.upid.text: "snapshot"}
    assert len(logs.asked) == 1
    for lines, error in (((WAITS,), None), ((), PveUnreachable("no answer", host="pve1"))):
        made, logs = modes()
        logs.lines[RUNS.upid.text], logs.error = lines, error
        for now in range(0, int(AGAIN), 15):
            known = (await made.look(seen(), now, 5.0)).backup_modes
            assert known == ({RUNS.upid.text: ""} if error is None else {})
        assert len(logs.asked) == 1
        logs.lines[RUNS.upid.text], logs.error = (f"{JOB} --mode stop",), None
        assert (await made.look(seen(), AGAIN, 5.0)).backup_modes == {RUNS.upid.text: "stop"}


async def test_few_are_read_at_one_poll() -> None:
    made, logs = modes()
    many = tuple(task("vzdump", 200 + n, start=-600 - n) for n in range(9))
    await made.look(seen(DOWN, *many), 0.0, 5.0)
    assert len(logs.asked) == AT_ONCE
    await made.look(seen(DOWN, *many), 15.0, 5.0)
    await made.look(seen(DOWN, *many), 30.0, 5.0)
    assert sorted(logs.asked) == sorted(one.upid.text for one in many)
