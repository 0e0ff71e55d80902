"""Retry backup: where it goes is looked up and shown before it is asked for, and nowhere else does it go."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access import Role
from bot.errors import PveNodeDown
from bot.model import Outcome, Permissions, Status, Task, Upid
from bot.model.readings import BackupJob
from bot.runner.aim import Aim, of_jobs, of_log
from bot.screen import Ask
from tests.runner_world import EVE, NAME, START, WEB, Plan, World

BACKUP = Ask("backup", "main/101")
JOB = BackupJob(id="night", enabled=True, vmids=frozenset({101, 102}), storage="nas", mode="snapshot")
HEAD = "INFO: starting new backup job: vzdump 100 101 --storage pbs --mode suspend --quiet 1"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World.make(tmp_path)
    made.pve.seen = made.pve.look()
    made.pve.jobs = (JOB,)
    yield made
    await made.close()


def run(n: int, subject: str = "", outcome: Outcome = Outcome.ERROR) -> Task:
    upid = Upid.parse(f"UPID:pve1:0000000{n}:00001000:{int(START.timestamp()) - n:08X}:vzdump:{subject}:root@pam:")
    return Task(cluster="main", upid=upid, outcome=outcome, exitstatus="job errors")


async def test_a_backup_to_its_end(world: World) -> None:
    world.pve.plan = Plan(takes=120, log=("INFO:  34% (10.9 GiB of 32.0 GiB) in 1m 4s, read: 174.6 MiB/s",))
    await world.tap(BACKUP)
    assert (
        world.last.text
        == f"💾 Back up {NAME} (101) on pve1 now?\nruns 1 h 23 min · no HA · no lock\nto nas · mode snapshot"
    )
    assert world.pve.writes == []
    await world.press("Yes")
    await world.end()
    assert world.pve.writes == [
        (
            Role.OPERATOR,
            "POST",
            "/nodes/pve1/vzdump",
            {"vmid": "101", "remove": "0", "storage": "nas", "mode": "snapshot"},
        )
    ]
    assert any("34%" in said.text or "34 %" in said.text for said in world.chat.said if said.how == "progress")
    assert any(said.text.startswith(f"✅ {NAME} is backed up") for said in world.chat.said)
    assert [outcome for _, outcome in await world.audit()] == ["ok"]


async def test_what_interrupts_the_guest_is_said_before(world: World) -> None:
    world.pve.jobs = (replace(JOB, mode="stop"),)
    await world.tap(BACKUP)
    assert "⚠️ It is shut down for it, and started again." in world.last.text
    world.pve.guests[101] = replace(WEB, status=Status.STOPPED)
    await world.tap(BACKUP)
    assert "to nas · mode stop" in world.last.text
    assert "shut down" not in world.last.text


async def test_without_a_job_it_goes_where_the_last_run_went(world: World) -> None:
    world.pve.jobs = None  # may not be read
    world.pve.others = (run(1, outcome=Outcome.RUNNING), run(2, "105"), run(3), run(4))
    world.pve.heads = {task.upid: ("INFO: nothing of it",) for task in world.pve.others}
    world.pve.heads[run(4).upid] = ("INFO: hello", HEAD)
    await world.tap(BACKUP)
    assert "to pbs · mode suspend" in world.last.text
    assert "suspended for it" in world.last.text
    assert world.pve.calls.count("log") == 2  # neither the one that runs, nor another guest's


@pytest.mark.parametrize(
    "lines", [[], ["INFO: starting new backup job: vzdump 105 --storage pbs"], [HEAD.replace("pbs", "''")]]
)
async def test_nothing_is_guessed(world: World, lines: Sequence[str]) -> None:
    world.pve.jobs, world.pve.others = (), (run(3),)
    world.pve.heads = {run(3).upid: lines}
    await world.tap(BACKUP)
    assert f"Nothing says where backups of {NAME} go" in world.last.text
    assert "Yes" not in " ".join(world.last.buttons)


async def test_a_node_that_does_not_answer_is_said(world: World) -> None:
    world.pve.jobs = ()
    world.pve.down["node_tasks"] = (0, 9e9, PveNodeDown("No route to host", node="pve1"))
    await world.tap(BACKUP)
    assert "pve1 does not answer" in world.last.text


async def test_room_on_that_very_storage_is_looked_for(world: World) -> None:
    may = {"VM.Backup": True, "VM.PowerMgmt": True}
    world.pve.permissions_[Role.OPERATOR] = Permissions(
        paths={"/vms": may, "/storage/other": {"Datastore.AllocateSpace": True}}
    )
    await world.tap(BACKUP)
    assert "it lacks Datastore.AllocateSpace on /storage/nas" in world.last.text
    assert "Copy the command" in world.last.buttons
    world.pve.permissions_[Role.OPERATOR] = Permissions(paths={"/vms": {"VM.PowerMgmt": True}})
    await world.tap(BACKUP)
    assert "it lacks VM.Backup on /vms/101" in world.last.text
    assert "pveum role modify TelemoxPower --append 1 --privs VM.Backup" in world.last.text


async def test_the_job_is_read_again_at_the_yes(world: World) -> None:
    await world.tap(BACKUP)
    world.pve.jobs = (replace(JOB, storage="new"),)
    await world.press("Yes")
    await world.end()
    assert world.pve.writes == []
    assert "set up to go elsewhere by now" in world.last.text


async def test_a_backup_that_fails_points_to_its_log(world: World) -> None:
    world.pve.plan = Plan(exit="job errors")
    await world.tap(BACKUP)
    await world.press("Yes")
    await world.end()
    assert world.last.text.startswith(f"❌ {NAME} was not backed up\njob errors")
    assert list(world.last.buttons)[:2] == ["Log", "Retry"]


async def test_a_guest_that_moved_away_is_not_said_to_be_backed_up(world: World) -> None:
    world.pve.plan = Plan(moves_to="pve2")
    await world.tap(BACKUP)
    await world.press("Yes")
    await world.end()
    assert "is backed up" not in world.last.text


async def test_a_viewer_has_none(world: World) -> None:
    assert "needs operator" in (await world.tap(BACKUP, EVE) or "")


async def test_while_it_waits_for_another_backup_that_is_said(world: World) -> None:
    log = ["INFO: trying to get global lock - waiting..."]
    world.pve.plan = Plan(takes=60, log=log)
    await world.tap(BACKUP)
    world.clock.slept.clear()
    await world.press("Yes")
    await world.until(lambda: any("waits for it" in said.text for said in world.chat.said))
    log.append("INFO: got global lock")
    await world.end()
    told = [said.text for said in world.chat.said if said.how == "progress"]
    waiting = [text for text in told if text.endswith("\nAnother backup runs on pve1: this one waits for it.")]
    assert waiting
    assert waiting != told[1:]
    assert told[-1] not in waiting


@pytest.mark.parametrize(
    ("exit_", "said"),
    [
        (
            "VM is locked (snapshot)",
            f"{NAME} is locked (snapshot) since a moment ago: a snapshot of it is being taken.",
        ),
        ("CT is locked (odd)", f"{NAME} is locked (odd) since a moment ago."),
        (
            "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout",
            f"Another task kept {NAME} busy for too long. Try again once that has ended.",
        ),
        (
            "can't acquire lock '/var/run/vzdump.lock' - got timeout",
            "Another backup on pve1 did not end in the time that this one may wait for it.",
        ),
        ("can't acquire lock '/var/run/other.lock'", "can't acquire lock '/var/run/other.lock'"),
    ],
)
async def test_what_it_met_when_it_was_sent_is_said_in_words(world: World, exit_: str, said: str) -> None:
    world.pve.plan = Plan(exit=exit_)
    await world.tap(BACKUP)
    await world.press("Yes")
    await world.end()
    assert world.last.text.startswith(f"❌ {NAME} was not backed up\n{said}\n")
    assert [outcome for _, outcome in await world.audit()] == [f"failed: {exit_}"]


@pytest.mark.parametrize(
    ("job", "covers"),
    [
        (JOB, True),
        (replace(JOB, vmids=frozenset({102})), False),
        (replace(JOB, vmids=frozenset(), everything=True), True),
        (replace(JOB, vmids=frozenset(), everything=True, excluded=frozenset({101})), False),
        (replace(JOB, vmids=frozenset(), pool="shop"), True),
        (replace(JOB, vmids=frozenset(), pool="other"), False),
        (replace(JOB, vmids=frozenset()), False),
        (replace(JOB, node="pve2"), False),
        (replace(JOB, storage=""), False),
    ],
)
def test_which_jobs_cover_a_guest(job: BackupJob, covers: bool) -> None:
    assert of_jobs([job], replace(WEB, pool="shop")) == (Aim(storage="nas") if covers else None)


def test_an_enabled_job_counts_before_one_that_is_off() -> None:
    off = replace(JOB, id="a", enabled=False, storage="old")
    assert of_jobs([off, JOB], WEB) == Aim(storage="nas")
    assert of_jobs([off], WEB) == Aim(storage="old")
    assert of_jobs([replace(JOB, mode="odd")], WEB) == Aim(storage="nas")


@pytest.mark.parametrize(
    ("line", "aim"),
    [
        (HEAD, Aim(storage="pbs", mode="suspend")),
        ("INFO: starting new backup job: vzdump --all 1 --storage nas", Aim(storage="nas")),
        ("INFO: starting new backup job: vzdump --all 1 --exclude 99,101 --storage nas", None),
        (
            "INFO: starting new backup job: vzdump --pool shop --storage nas --mode stop",
            Aim(storage="nas", mode="stop"),
        ),
        ("INFO: starting new backup job: vzdump 101 --mode snapshot", None),
        ("INFO: starting new backup job: vzdump 101 --storage ../x", None),
        ("INFO: starting new backup job: vzdump 101 --storage nas --mode odd", None),
        ("INFO: starting new backup job: vzdump 101 --storage nas --notes-template '{{guestname}", None),
        ("vzdump 101 --storage nas", None),
    ],
)
def test_what_a_log_says(line: str, aim: Aim | None) -> None:
    assert of_log([line], replace(WEB, pool="shop")) == aim


@given(st.text())
def test_no_log_breaks_it(text: str) -> None:
    found = of_log([f"INFO: starting new backup job: vzdump {text}"], WEB)
    assert found is None or found.storage.isascii()
