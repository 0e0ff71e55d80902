"""29 backup_failed, 30 backup_overdue, 31 not_backed_up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.model import Gap, Outcome, Severity, Task, Unseen
from bot.model.feeds import BACKUPS, FAILED
from bot.model.readings import BackupJob, Backups, GuestBackup
from bot.model.view import Memory, Push
from bot.rules import BY_KEY, Limits
from bot.rules.backup.retried import ending
from bot.text import Reader, Said, plain
from tests.rules_slow.slowviews import (
    AT,
    BLIND,
    DAY,
    HOUR,
    NASTY,
    feeds,
    find,
    fresh,
    guest,
    how,
    node,
    sees,
    snapshot,
    stale,
    task,
    text,
    view,
)

MINUTE = timedelta(minutes=1)
GUESTS = snapshot(guests=[guest(), guest(102, "db", node="pve2"), guest(103, "ct-mail"), guest(104, "git")])


def vzdump(**more: Any) -> Task:
    return task(**{"type_": "vzdump", "subject": "", "exitstatus": "job errors", **more})


def result(
    of: Task, vmid: int, *, good: bool = False, line: str = "got timeout", after: timedelta = MINUTE
) -> GuestBackup:
    return GuestBackup(vmid=vmid, ended=of.upid.start + after, good=good, upid=of.upid.text, line=line)


def words(said: Said | None) -> str:
    return plain(said, Reader(zone=UTC)) if said is not None else ""


def seen(*tasks: Task, runs: tuple[GuestBackup, ...] | None = (), newest: dict[int, datetime] | None = None, **more: Any
         ) -> Any:  # fmt: skip
    """Runs newest first, as the feed gives them; None: the feed was never read."""
    ordered = tuple(sorted(runs or (), key=lambda one: one.ended, reverse=True))
    read = feeds() if runs is None else feeds((BACKUPS, "", Backups(runs=ordered, newest=newest or {})))
    return view(GUESTS, **{"tasks": tuple(tasks), "feeds": read, **more})


# -- 29 ------------------------------------------------------------------------------------------------------------


def test_one_job_on_two_nodes_is_one_alert() -> None:
    here, there = vzdump(), vzdump(on="pve2", began=2 * HOUR - 40 * MINUTE / 60)
    (found,) = find("backup_failed", seen(here, there, runs=(result(here, 101), result(there, 102, line="no space"))))
    assert (found.severity.word, found.slow, found.affected) == ("warning", True, (NASTY, "db"))
    assert text(found) == f"Backups of 2 guests failed\n{NASTY}: got timeout\ndb: no space"
    assert [(cure.verb, cure.key, cure.arg) for cure in found.cures] == [
        ("ask", "backup", "main/101"), ("ask", "backup", "main/102"), ("open", "task", f"main {here.upid}"),
    ]  # fmt: skip
    assert found.subject.node == ""


@pytest.mark.parametrize(
    ("other", "count"),
    [
        ({"on": "pve2", "began": 2 * HOUR - MINUTE}, 1),
        ({"on": "pve2", "began": 2 * HOUR - MINUTE - timedelta(seconds=1)}, 2),  # another run
        ({"on": "pve2", "by": "ana@pve"}, 2),  # another's
    ],
)
def test_what_is_one_job(other: dict[str, Any], count: int) -> None:
    here, there = vzdump(), vzdump(**other)
    found = find("backup_failed", seen(here, there, runs=(result(here, 101), result(there, 102))))
    assert len(found) == count
    assert len({one.key for one in found}) == count


def test_the_one_guest_that_the_headline_names_is_not_named_again() -> None:
    here = vzdump()
    (one,) = find("backup_failed", seen(here, runs=(result(here, 101),)))
    assert (text(one), one.affected) == (f"Backup of {NASTY} failed\n{NASTY}: got timeout", ())


def test_its_identity_stays_when_tasks_leave_the_list() -> None:
    here, there = vzdump(), vzdump(on="pve2", began=2 * HOUR - timedelta(seconds=20))
    (both,) = find("backup_failed", seen(here, there, runs=()))
    (rest,) = find("backup_failed", seen(there, runs=()))
    (log,) = find("backup_failed", seen(runs=(result(there, 102),)))
    assert both.key == rest.key == log.key


def test_before_the_log_is_read_the_job_is_told() -> None:
    job = vzdump()
    (found,) = find("backup_failed", seen(job))
    assert text(found) == "A backup job on pve1 failed\npve1: job errors"
    assert [cure.key for cure in found.cures] == ["task"]
    assert found.hold == 90  # so long the log, which names the guests, is waited for
    assert find("backup_failed", seen(job, feeds=feeds((BACKUPS, "", BLIND["forbidden"]))))[0].hold is None
    (one,) = find("backup_failed", seen(vzdump(subject="101", exitstatus="nas is not online")))
    assert text(one) == f"Backup of {NASTY} failed\n{NASTY}: nas is not online"
    assert [cure.key for cure in one.cures] == ["backup", "task"]
    assert (one.subject.name, one.subject.node) == (NASTY, "pve1")


def test_more_than_three_guests_have_three_buttons() -> None:
    job = vzdump()
    (found,) = find("backup_failed", seen(job, runs=tuple(result(job, vmid) for vmid in (101, 102, 103, 104))))
    assert [cure.key for cure in found.cures] == ["backup"] * 3 + ["task"]


def test_critical_after_two_in_a_row() -> None:
    old, new = vzdump(began=26 * HOUR), vzdump()
    (first, second) = find("backup_failed", seen(old, new, runs=(result(old, 102), result(new, 101))))
    assert [first.severity.word, second.severity.word] == ["warning", "warning"]  # each for the first time
    (again,) = find("backup_failed", seen(old, new, runs=(result(old, 101), result(new, 101))))
    assert again.severity.word == "critical"
    assert text(again).startswith(f"Backup of {NASTY} failed again")
    good = vzdump(began=14 * HOUR, outcome=Outcome.OK, exitstatus="OK")
    between = (result(old, 101), result(good, 101, good=True), result(new, 101))
    assert how(find("backup_failed", seen(old, good, new, runs=between))) == "warning"


@pytest.mark.parametrize("how_", ["log", "storage", "task"])
def test_over_when_a_newer_one_has_run(how_: str) -> None:
    job = vzdump()
    retry = task("vzdump", by="telemox@pve!power", began=HOUR, outcome=Outcome.OK, exitstatus="OK", pid=2)
    runs = [result(job, 101)] + ([result(retry, 101, good=True)] if how_ == "log" else [])
    newest = {101: AT - HOUR} if how_ == "storage" else {}
    after = seen(*([job, retry] if how_ == "task" else [job]), runs=tuple(runs), newest=newest)
    (found,) = find("backup_failed", seen(job, runs=(result(job, 101),)))
    assert not find("backup_failed", after)
    assert sees("backup_failed", after, found.subject)
    running = task("vzdump", by="telemox@pve!power", began=HOUR, took=None)
    assert find("backup_failed", seen(job, running, runs=(result(job, 101),)))  # not yet


@pytest.mark.parametrize("known", ["log", "task"])
def test_one_that_failed_again_is_over_and_not_well(known: str) -> None:
    job = vzdump()
    retry = task("vzdump", by="telemox@pve!power", began=HOUR, exitstatus="no space left", pid=2)
    runs = (result(job, 101), *([result(retry, 101, after=5 * MINUTE)] if known == "log" else []))
    (first,) = find("backup_failed", seen(job, runs=runs[:1]))
    then = seen(job, *([retry] if known == "task" else []), runs=runs)
    (again,) = find("backup_failed", then)
    assert (again.key != first.key, again.severity.word) == (True, "critical")
    end = ending(then, first)
    assert words(end.over) == f"Backup of {NASTY} failed again 13:07: see the newer message"
    assert words(end.unwell) == "failed again 13:07"


def test_one_that_is_well_or_forgotten_says_so_as_it_ends() -> None:
    job = vzdump()
    (found,) = find("backup_failed", seen(job, runs=(result(job, 101),)))
    well = ending(seen(job, runs=(result(job, 101),), newest={101: AT - HOUR}), found)
    assert (words(well.over), well.unwell) == (f"{NASTY} is backed up again", None)
    muted = ending(seen(job, runs=(result(job, 101),)), found)
    assert (muted.over, muted.unwell) == (None, None)
    late = ending(seen(at=AT + 8 * DAY), found)
    assert words(late.over) == f"Backup of {NASTY} failed, a week ago; no newer one is known"
    assert words(late.unwell) == "no newer one in a week"
    (both,) = find("backup_failed", seen(job, runs=(result(job, 101), result(job, 103))))
    retries = [task("vzdump", subject=str(vmid), began=HOUR, pid=vmid) for vmid in (101, 103)]
    assert words(ending(seen(job, *retries, runs=(result(job, 101), result(job, 103))), both).unwell) == "failed again"


def test_a_job_that_failed_again_though_no_guest_is_known() -> None:
    job, later = vzdump(exitstatus="hook script failed"), vzdump(began=HOUR, exitstatus="hook script failed")
    (first,) = find("backup_failed", seen(job))
    then = seen(job, later)
    assert [one.key != first.key for one in find("backup_failed", then)] == [True]
    assert words(ending(then, first).unwell) == "failed again"
    good = seen(job, vzdump(began=HOUR, outcome=Outcome.OK, exitstatus="OK"))
    assert ending(good, first) == first


@pytest.mark.parametrize(
    ("line", "uptime", "said"),
    [
        ("unexpected status", 2 * 3600 - 240, "its node went down meanwhile"),
        ("", 2 * 3600 - 240, "its node went down meanwhile"),
        ("unexpected status", 10**6, "unexpected status"),
        ("unexpected status", 60, "unexpected status"),  # it booted long after that
        ("no space left", 2 * 3600 - 240, "no space left"),
    ],
)
def test_a_node_that_went_down_with_the_backup_is_the_reason(line: str, uptime: int, said: str) -> None:
    job = vzdump(outcome=Outcome.UNKNOWN, exitstatus="unexpected status")
    nodes = (node(uptime=uptime), node("pve2"))
    cut = result(job, 101, line=line, after=5 * MINUTE)
    seen_ = replace(seen(job, runs=(cut,)), snapshot=replace(GUESTS, nodes=nodes))
    (found,) = find("backup_failed", seen_)
    assert text(found).splitlines()[1] == f"{NASTY}: {said}"


def test_a_task_that_ended_without_a_word_has_failed_and_one_without_an_end_tells_nothing() -> None:
    job = vzdump(subject="101")
    retry = vzdump(subject="101", began=HOUR, outcome=Outcome.UNKNOWN, exitstatus="unexpected status", pid=2)
    both = find("backup_failed", seen(job, retry))
    assert [one.key for one in both] == [one.key for one in find("backup_failed", seen(retry))]
    (open_,) = find("backup_failed", seen(job, replace(retry, end=None)))
    assert open_.key == find("backup_failed", seen(job))[0].key
    ended = ending(seen(job, retry), open_)
    assert words(ended.over) == f"Backup of {NASTY} failed again 13:07: see the newer message"


def test_a_job_that_its_node_took_along_before_any_guest_of_it_failed() -> None:
    job = vzdump(outcome=Outcome.UNKNOWN, exitstatus="unexpected status")
    nodes = (node(uptime=2 * 3600 - 240), node("pve2"))
    cut = replace(seen(job, runs=(result(job, 101, good=True),)), snapshot=replace(GUESTS, nodes=nodes))
    (found,) = find("backup_failed", cut)
    assert text(found) == "A backup job on pve1 failed\npve1: it went down meanwhile"


def test_over_only_when_all_its_guests_are() -> None:
    job = vzdump()
    both = (result(job, 101), result(job, 103))
    (found,) = find("backup_failed", seen(job, runs=both, newest={101: AT - HOUR}))
    assert text(found).splitlines()[0] == "Backup of ct-mail failed"


def test_a_job_that_failed_though_no_guest_did() -> None:
    job = vzdump(exitstatus="hook script failed")
    (found,) = find("backup_failed", seen(job, runs=(result(job, 101, good=True),)))
    assert text(found).endswith("hook script failed")
    assert found.hold is None
    later = vzdump(began=HOUR, outcome=Outcome.OK, exitstatus="OK")
    assert not find("backup_failed", seen(job, later, runs=(result(job, 101, good=True),)))


@pytest.mark.parametrize(
    "job",
    [
        vzdump(exitstatus="interrupted by signal"),
        vzdump(exitstatus="received interrupt"),
        vzdump(outcome=Outcome.OK, exitstatus="OK"),
        vzdump(outcome=Outcome.WARNINGS, exitstatus="WARNINGS: 1"),
        vzdump(took=None),
        vzdump(began=8 * DAY),
        task("qmstart"),
    ],
)
def test_no_failure(job: Task) -> None:
    assert not find("backup_failed", seen(job))


def test_one_that_somebody_stopped_is_neither_a_failure_nor_another_try() -> None:
    job, stopped = vzdump(), task("vzdump", began=HOUR, exitstatus="interrupted by signal", pid=2)
    cut = result(stopped, 101, line="interrupted by signal")
    assert not find("backup_failed", seen(runs=(cut,)))  # when its task has left the list, too
    assert find("backup_failed", seen(job, stopped, runs=(result(job, 101), cut)))
    assert find("backup_failed", seen(job, vzdump(began=HOUR, exitstatus="received interrupt")))


def test_muted_and_deleted_guests() -> None:
    job = vzdump()
    rule = BY_KEY["backup_failed"]
    mute = Limits(base=rule.limit, exceptions={"main/guest/101": replace(rule.limit, on=False)})
    assert not find("backup_failed", seen(job, runs=(result(job, 101),)), mute)
    assert not find("backup_failed", seen(job, runs=(result(job, 999),)))
    holes = replace(GUESTS, unseen=(Unseen(gap=Gap.ROWS_DROPPED, count=1),))
    assert find("backup_failed", view(holes, feeds=feeds((BACKUPS, "", Backups(runs=(result(job, 999),))))))


def test_a_run_of_several_is_of_the_guests_that_failed_and_of_nodes_whose_log_is_not_known() -> None:
    here, there = vzdump(), vzdump(on="pve2")
    (found,) = find("backup_failed", seen(here, runs=(result(here, 101), result(here, 103))))
    assert [(part.about.value, part.id, part.node) for part in found.subject.parts] == [
        ("guest", "101", "pve1"), ("guest", "103", "pve1"),
    ]  # fmt: skip
    assert (found.subject.node, found.subject.of) == ("pve1", "")
    (found,) = find("backup_failed", seen(here, there, runs=(result(here, 101),)))
    assert [(part.about.value, part.id) for part in found.subject.parts] == [("guest", "101"), ("node", "pve2")]
    (found,) = find("backup_failed", seen(here, runs=(result(here, 101),)))
    assert (found.subject.parts, found.subject.of) == ((), "main/guest/101")


def test_of_several_the_one_that_says_most_decides_how_bad_a_run_is() -> None:
    job, before = vzdump(), vzdump(began=DAY)
    rule = BY_KEY["backup_failed"]
    mild = replace(rule.limit, severity=Severity.INFO)
    twice = (result(job, 101), result(before, 101), result(job, 103))
    for exceptions, severity, bound in (
        ({}, "critical", None),
        ({"main/guest/101": mild}, "warning", None),  # what failed twice is mild; the other may say more, and need not
        ({"main/guest/103": mild}, "critical", None),
        ({"main/guest/101": mild, "main/guest/103": mild}, "info", Severity.INFO),
    ):
        limits = Limits(base=rule.limit, exceptions=exceptions)
        found = find("backup_failed", seen(job, before, runs=twice), limits)[-1]
        assert (found.severity.word, limits.about(found.subject).severity) == (severity, bound)


def test_from_the_nodes_own_list_too() -> None:
    job = vzdump(subject="101")
    assert find("backup_failed", view(GUESTS, feeds=feeds((FAILED, "pve1", (job,)), (BACKUPS, "", Backups()))))


def test_what_left_every_list_is_held_for_a_week() -> None:
    job = vzdump()
    (found,) = find("backup_failed", seen(job, runs=(result(job, 101),)))
    subject = found.subject
    assert sees("backup_failed", seen(job), subject)
    assert not sees("backup_failed", seen(), subject)
    assert not sees("backup_failed", seen(job, runs=None), subject)  # after a start, before the logs were read
    assert not sees("backup_failed", seen(job, fresh=False), subject)
    assert sees("backup_failed", seen(at=AT + 8 * DAY), subject)
    assert not sees("backup_failed", seen(job), replace(subject, id="vzdump/root@pam/later"))


def test_after_a_start_the_logs_are_awaited() -> None:
    job = vzdump()
    assert not find("backup_failed", seen(job, runs=None))
    assert find("backup_failed", seen(job, feeds=feeds((BACKUPS, "", BLIND["forbidden"]))))  # they never come
    old = Backups(runs=(result(job, 101),), newest={101: AT - HOUR})
    assert not find("backup_failed", seen(job, feeds=feeds((BACKUPS, "", stale(old)))))  # a log stays true


def test_blind() -> None:
    assert not find("backup_failed", view(GUESTS, tasks=None))
    assert not find("backup_failed", seen(vzdump(), fresh=False))


def test_pushed_only_where_nothing_can_be_read() -> None:
    push = Push(id="1", at=AT, kind="vzdump", severity="error", title="vzdump backup status", message="a\n\nb",
                host="pve1", job="backup-1", vmids=(101,))  # fmt: skip
    (found,) = find("backup_failed", view(GUESTS, tasks=None, pushes=(push, push)))[:1]
    assert (found.event, found.affected) == ("backup-1/2026112414", (NASTY,))
    assert {one.key for one in find("backup_failed", view(GUESTS, tasks=None, pushes=(push, push)))} == {found.key}
    assert not find("backup_failed", seen(pushes=(push,)))
    assert not find("backup_failed", view(GUESTS, tasks=None, pushes=(replace(push, severity="info"),)))


# -- 30 ------------------------------------------------------------------------------------------------------------

NIGHTLY = BackupJob(id="b1", enabled=True, vmids=frozenset({101}), interval=86400.0, storage="nas")


def aged(age: timedelta | None, job: BackupJob = NIGHTLY, *, complete: bool = True, **more: Any) -> Any:
    newest = {101: AT - age} if age is not None else {}
    value = Backups(newest=newest, complete=complete, jobs=(job,))
    read = feeds((BACKUPS, "", fresh(value, AT - HOUR)))
    return view(more.pop("snap", GUESTS), **{"feeds": read, **more})


@pytest.mark.parametrize(
    ("age", "interval", "expected"),
    [
        (25 * HOUR, 86400.0, ""),
        (48 * HOUR, 86400.0, ""),
        (49 * HOUR, 86400.0, "warning"),
        (7 * DAY, 86400.0, "warning"),
        (7 * DAY + HOUR, 86400.0, "critical"),
        (25 * HOUR, 3600.0, ""),  # at least 26 h
        (27 * HOUR, 3600.0, "warning"),
        (13 * DAY, 7 * 86400.0, ""),
        (15 * DAY, 7 * 86400.0, "warning"),  # a weekly one is not critical the moment it is late
        (22 * DAY, 7 * 86400.0, "critical"),
        (90 * DAY, None, ""),  # how often, nobody can tell
    ],
)
def test_overdue(age: timedelta, interval: float | None, expected: str) -> None:
    assert how(find("backup_overdue", aged(age, replace(NIGHTLY, interval=interval)))) == expected


@pytest.mark.parametrize(
    ("job", "found"),
    [
        ({}, True),
        ({"enabled": False}, False),
        ({"vmids": frozenset({102})}, False),
        ({"vmids": frozenset(), "everything": True}, True),
        ({"vmids": frozenset(), "everything": True, "excluded": frozenset({101})}, False),
        ({"vmids": frozenset(), "everything": True, "node": "pve2"}, False),
        ({"vmids": frozenset(), "pool": "prod"}, False),
    ],
)
def test_only_in_an_enabled_job(job: dict[str, Any], found: bool) -> None:
    assert (
        any(one.subject.id == "101" for one in find("backup_overdue", aged(3 * DAY, replace(NIGHTLY, **job)))) is found
    )


def test_a_pools_job() -> None:
    pooled = snapshot(guests=[guest(pool="prod")])
    assert find("backup_overdue", aged(3 * DAY, replace(NIGHTLY, vmids=frozenset(), pool="prod"), snap=pooled))


def test_never_backed_up() -> None:
    (found,) = find("backup_overdue", aged(None))
    assert text(found).startswith(f"{NASTY} has no backup")
    assert found.hold == 2 * 86400  # as long as it takes to miss one: it may be new
    assert not find("backup_overdue", aged(None, complete=False))  # what cannot be seen may be there


def test_what_the_tasks_say_since() -> None:
    def of(**more: Any) -> str:
        return how(find("backup_overdue", aged(3 * DAY, tasks=(vzdump(**more),))))

    good = {"outcome": Outcome.OK, "exitstatus": "OK"}
    assert of(subject="101", began=30 * MINUTE, **good) == ""
    assert of(subject="101", began=30 * MINUTE) == "warning"  # it failed
    assert of(subject="101", began=30 * MINUTE, took=None) == "grey"
    assert of(began=30 * MINUTE, took=None) == "grey"  # of its node: perhaps of it
    assert of(began=30 * MINUTE, **good) == "grey"  # the next reading tells
    assert of(began=2 * HOUR, **good) == "warning"  # the reading knows of that
    assert of(began=30 * MINUTE, on="pve2", **good) == "warning"
    assert of(subject="102", began=30 * MINUTE, **good) == "warning"


def test_overdue_quiet() -> None:
    assert not find("backup_overdue", aged(3 * DAY, sleeping=frozenset({"pve1"})))
    assert not find("backup_overdue", aged(3 * DAY, sleeping=frozenset({"nas"})))
    off = snapshot(nodes=[node(online=False)], guests=[guest()])
    assert not find("backup_overdue", aged(3 * DAY, snap=off))
    rule = BY_KEY["backup_overdue"]
    mute = Limits(base=rule.limit, exceptions={"main/guest/101": replace(rule.limit, on=False)})
    assert not find("backup_overdue", aged(3 * DAY), mute)


def test_overdue_never_from_blindness() -> None:
    (found,) = find("backup_overdue", aged(3 * DAY))
    value = Backups(newest={101: AT - 30 * DAY}, complete=True, jobs=(NIGHTLY,))
    for reading in (*BLIND.values(), stale(value)):
        blind = view(GUESTS, feeds=feeds((BACKUPS, "", reading)))
        assert not find("backup_overdue", blind)
        assert not sees("backup_overdue", blind, found.subject)
    assert sees("backup_overdue", aged(HOUR), found.subject)


# -- 31 ------------------------------------------------------------------------------------------------------------


def test_a_guest_that_is_new_in_no_job_is_told_once_and_then_each_week() -> None:
    events: dict[str, datetime] = {}

    def told(vmids: tuple[int, ...], at: datetime) -> list[str]:
        read = feeds((BACKUPS, "", Backups(uncovered=vmids)))
        found = find("not_backed_up", view(GUESTS, at=at, feeds=read, before=Memory(events=dict(events))))
        events.update({one.key: at for one in found})
        return [text(one) for one in found]

    assert told((101,), AT) == [f"1 guest is in no backup job\n{NASTY}"]
    assert told((101,), AT + HOUR) == []
    assert told((101, 103), AT + 2 * HOUR) == ["1 more guest is in no backup job\nct-mail"]
    assert told((103,), AT + 3 * HOUR) == told((101, 103), AT + 4 * HOUR) == []
    assert told((101, 103), AT + 7 * DAY) == [f"2 guests are in no backup job\n{NASTY}\nct-mail"]


def test_not_backed_up_once_a_week() -> None:
    def of(vmids: tuple[int, ...] | None, at: datetime = AT) -> list[str]:
        found = find("not_backed_up", view(GUESTS, at=at, feeds=feeds((BACKUPS, "", Backups(uncovered=vmids)))))
        return [f"{one.event} {text(one)}" for one in found]

    assert of((101, 103)) == [f"2026-W48 101 103 2 guests are in no backup job\n{NASTY}\nct-mail"]
    assert of((101,), AT + 7 * DAY)[0].startswith("2026-W49")
    assert of((101,), datetime.fromisoformat("2027-01-01T00:00:00+00:00"))[0].startswith("2026-W53")
    assert of(()) == of(None) == []
    rule = BY_KEY["not_backed_up"]
    mute = Limits(base=rule.limit, exceptions={"main/guest/101": replace(rule.limit, on=False)})
    assert not find("not_backed_up", view(GUESTS, feeds=feeds((BACKUPS, "", Backups(uncovered=(101,))))), mute)
