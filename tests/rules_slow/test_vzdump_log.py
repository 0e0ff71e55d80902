"""Logs of vzdump as VZDump.pm writes them, guest by guest."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Outcome, Task, Upid
from bot.pve.vzdump import guests

START = datetime(2026, 11, 24, 2, 0, 0, tzinfo=UTC)


def task(
    subject: str = "", outcome: Outcome = Outcome.ERROR, exitstatus: str = "job errors", minutes: int = 30
) -> Task:
    upid = Upid.parse(f"UPID:pve1:000003E3:00056ACF:{int(START.timestamp()):08X}:vzdump:{subject}:root@pam:")
    end = None if outcome is Outcome.RUNNING else START + timedelta(minutes=minutes)
    return Task(cluster="main", upid=upid, outcome=outcome, exitstatus=exitstatus, end=end)


JOB = """\
INFO: trying to get global lock - waiting...
INFO: got global lock
INFO: starting new backup job: vzdump --all 1 --quiet 1 --exclude 112 --notes-template '{{guestname}} x' --storage nas
INFO: skip external VMs: 100, 103
INFO: Starting Backup of VM 117 (qemu)
INFO: Backup started at 2026-11-24 03:00:02
INFO: status = running
INFO: VM Name: web<1>_&"
ERROR: VM 117 qmp command 'backup' failed - got timeout
INFO: aborting backup job
ERROR: Backup of VM 117 failed - VM 117 qmp command 'backup' failed - got timeout
INFO: Failed at 2026-11-24 03:01:02
INFO: Starting Backup of VM 130 (lxc)
INFO: Backup started at 2026-11-24 03:01:03
INFO: CT Name: ct-mail
INFO: Finished Backup of VM 130 (00:09:33)
INFO: Backup finished at 2026-11-24 03:10:36
INFO: Backup job finished with errors
TASK ERROR: job errors""".splitlines()


def test_a_job_with_errors() -> None:
    failed, good = guests(JOB, task())
    assert (failed.vmid, failed.good, failed.storage) == (117, False, "nas")
    assert failed.line == "VM 117 qmp command 'backup' failed - got timeout"
    assert failed.upid == task().upid.text
    assert failed.ended == START + timedelta(minutes=30 - 10, seconds=60 - 34)  # before the end, whatever the zone
    assert (good.vmid, good.good, good.line) == (130, True, "")
    assert good.ended == START + timedelta(minutes=30)


def test_all_is_well() -> None:
    lines = [
        "INFO: starting new backup job: vzdump 110 --storage local --node pve1 --compress zstd --mode stop",
        "INFO: Starting Backup of VM 110 (lxc)",
        "INFO: Backup started at 2026-11-24 06:52:27",
        "INFO: Finished Backup of VM 110 (00:00:04)",
        "INFO: Backup finished at 2026-11-24 06:52:31",
        "INFO: Backup job finished successfully",
        "TASK OK",
    ]
    (only,) = guests(lines, task("110", Outcome.OK, "OK"))
    assert (only.vmid, only.good, only.storage) == (110, True, "local")


@pytest.mark.parametrize(
    ("lines", "subject", "expected"),
    [
        ([], "101", [(101, False, "job errors")]),
        (["TASK ERROR: could not activate storage 'nas': nas is not online"], "101",
         [(101, False, "could not activate storage 'nas': nas is not online")]),
        (["TASK ERROR: could not activate storage 'nas'"], "", []),  # of which guests, nobody says
        (["INFO: Starting Backup of VM 101 (qemu)", "INFO: status = running", "TASK ERROR: interrupted by signal"],
         "", [(101, False, "interrupted by signal")]),  # begun, never ended
        (["INFO: Starting Backup of VM 101 (qemu)", "INFO:  3% (1.2 GiB of 32.0 GiB) in 12s, read: 99 MiB/s",
          "archive: 1% (…)", "INFO: archive: 1% (…)"], "", [(101, False, "job errors")]),  # how far it was is no reason
        (["INFO: Starting Backup of VM 101 (qemu)", "ERROR: no space left", "INFO: resume vm"], "",
         [(101, False, "no space left")]),  # an error says more than what came after it
        (["INFO: Starting Backup of VM 101 (qemu)", "INFO: Starting Backup of VM 102 (qemu)",
          "INFO: Finished Backup of VM 102 (00:00:01)"], "", [(101, False, ""), (102, True, "")]),
        (["ERROR: Backup of VM 101 failed"], "", [(101, False, "Backup of VM 101 failed")]),
        (["ERROR: Backup of VM 101 failed - " + "x" * 900], "", [(101, False, "x" * 200)]),
        (["2026-11-24 03:00:02 INFO: Starting Backup of VM 101 (qemu)",
          "2026-11-24 03:00:09 ERROR: Backup of VM 101 failed - no"], "", [(101, False, "no")]),
        (["INFO: VM Name: Finished Backup of VM 999 (x)", "Backup of VM 999 failed - forged"], "", []),
        (["ERROR: Backup job failed - cannot get lock", "TASK ERROR: job errors"], "7000",
         [(7000, False, "cannot get lock")]),
    ],
)  # fmt: skip
def test_tables(lines: list[str], subject: str, expected: list[tuple[int, bool, str]]) -> None:
    assert [(one.vmid, one.good, one.line) for one in guests(lines, task(subject))] == expected


def test_stopped_by_somebody() -> None:
    lines = ["INFO: Starting Backup of VM 101 (qemu)", "ERROR: something else"]
    (one,) = guests(lines, task(exitstatus="interrupted by signal"))
    assert (one.good, one.line) == (False, "interrupted by signal")


def test_while_it_runs_only_what_ended() -> None:
    lines = [*JOB[:12], "INFO: Starting Backup of VM 130 (lxc)"]
    assert [one.vmid for one in guests(lines, task(outcome=Outcome.RUNNING, exitstatus=""))] == [117]


def test_of_one_that_runs_by_its_begin() -> None:
    (failed,) = guests(JOB[:12], task(outcome=Outcome.RUNNING, exitstatus=""))
    assert failed.ended == START + timedelta(seconds=60)


def test_never_after_the_task_nor_before_it() -> None:
    assert all(START <= one.ended <= START + timedelta(minutes=1) for one in guests(JOB, task(minutes=1)))


@given(
    st.lists(
        st.sampled_from(JOB) | st.text(max_size=60) | st.from_regex(r"(INFO|ERROR): Backup of VM [0-9]{1,12}.*"),
        max_size=25,
    ),
    st.sampled_from(list(Outcome)),
    st.sampled_from(["", "101", "abc"]),
)
def test_any_log_is_read(lines: list[str], outcome: Outcome, subject: str) -> None:
    for one in guests(lines, task(subject, outcome)):
        assert one.vmid > 0
        assert one.ended >= START
