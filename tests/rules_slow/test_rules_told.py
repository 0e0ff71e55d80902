"""The rules of the slower feeds through the engine: what is told, and how often."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from bot.model import Alert, Outcome
from bot.model.feeds import BACKUPS, PACKAGES, SERVICES, ZPOOLS
from bot.model.readings import BackupJob, Backups, GuestBackup, Packages, Service, ZfsErrors
from bot.model.view import GuestWas, Memory, Push, View
from bot.rules import BY_KEY, RULES
from bot.rules.inhibits import PARENTS, inhibits
from bot.rules.limits import Book
from bot.rules.storage.zpools import ERRORS, ROSE
from bot.watch.evaluate import evaluate
from bot.watch.memory import remember
from bot.watch.tick import Setting, tick
from tests.rules_slow.slowviews import AT, DAY, HOUR, NASTY, feeds, guest, snapshot, storage, task, view

POLL = timedelta(seconds=15)
ASKED = (
    "store_overdue",
    "backup_overdue",
    "storage_full",
    "zfs",
    "backup_failed",
    "updates",
    "service_down",
    "task_failed",
    "bot",
)


class Engine:
    """A watch of one cluster: what it told, a line each, as `kind rule`."""

    def __init__(self) -> None:
        self.alerts: Mapping[int, Alert] = {}
        self.events: dict[str, datetime] = {}
        self.errors: dict[str, float] = {}  # of ZFS pools, as they are remembered
        self.told: list[str] = []
        self._book = Book(RULES)
        self._setting = Setting(rules=BY_KEY, inhibits=inhibits, parents=PARENTS)
        self._numbers = count(1)

    def poll(self, of: View, *, times: int = 1) -> list[str]:
        """What these polls told."""
        first = len(self.told)
        for number in range(times):
            before = Memory(guests={101: GuestWas(status=guest().status, node="pve1")}, events=dict(self.events),
                            nodes=of.before.nodes, figures=self.errors)  # fmt: skip
            now = replace(of, at=of.at + number * POLL, before=before)
            found = evaluate(now, [BY_KEY[key] for key in ASKED], self._book)
            assert not found.broken
            ticked = tick(self.alerts, found, now, (), self._setting, lambda: next(self._numbers))
            self.told += [f"{news.kind.value} {news.alert.finding.rule}" for news in ticked.news]
            self.events |= ticked.events
            self.errors = {key: at for key, at in remember(now).figures.items() if key.startswith((ERRORS, ROSE))}
            self.alerts = {number: replace(alert, told=True) for number, alert in ticked.alerts.items()}
        return self.told[first:]


def full(used: float, at: datetime = AT) -> View:
    return view(snapshot(storages=[storage(used=used)]), at=at)


def test_a_storage_fills_up_and_empties() -> None:
    engine = Engine()
    assert engine.poll(full(0.86), times=20) == []
    assert engine.poll(full(0.86, AT + 20 * POLL)) == ["fired storage_full"]
    assert engine.poll(full(0.82, AT + 21 * POLL), times=60) == []  # grey
    assert engine.poll(full(0.96, AT + 81 * POLL), times=21) == ["escalated storage_full"]
    assert engine.poll(view(snapshot(storages=[storage(available=False, disk=None)])), times=60) == []  # not seen
    assert engine.poll(full(0.5, AT + 102 * POLL), times=20) == []
    assert engine.poll(full(0.5, AT + 122 * POLL)) == ["resolved storage_full"]


def read(*readings: Any, at: datetime = AT, **more: Any) -> View:
    return view(at=at, feeds=feeds(*readings), **more)


def saved(*ages: timedelta, at: datetime) -> View:
    guests = [guest(101 + n, f"guest-{n}") for n in range(len(ages))]
    job = BackupJob(id="nightly", enabled=True, vmids=frozenset(), everything=True, storage="nas", interval=86400.0)
    newest = {101 + n: at - age for n, age in enumerate(ages)}
    return view(snapshot(guests=guests), at=at, feeds=feeds((BACKUPS, "", Backups(newest=newest, jobs=(job,)))))


def test_a_dead_backup_store_is_one_alert_until_none_is_overdue() -> None:
    engine = Engine()
    late, soon, good = 3 * DAY, 2 * DAY - HOUR, HOUR
    assert engine.poll(saved(*[soon] * 6, good, at=AT)) == []
    assert engine.poll(saved(late, *[soon] * 5, good, at=AT)) == ["fired store_overdue"]
    found = engine.poll(saved(*[late] * 6, good, at=AT), times=12)  # each has waited for two minutes
    assert {line for line in found if "backup" not in line} == {"changed store_overdue"}
    assert {line for line in found if "backup" in line} == {"changed backup_overdue"}, "by none a message of its own"
    (alert,) = [one for one in engine.alerts.values() if one.finding.rule == "store_overdue"]
    assert alert.finding.affected == tuple(f"guest-{n}" for n in range(6))
    assert {one.parent for one in engine.alerts.values() if one.finding.rule == "backup_overdue"} == {alert.key}
    told = [*engine.poll(saved(*[late] * 2, *[good] * 5, at=AT)), *engine.poll(saved(*[late] * 2, *[good] * 5, at=AT))]
    assert "fired backup_overdue" not in told  # joined, they stay joined
    assert "resolved store_overdue" in engine.poll(saved(*[good] * 7, at=AT))


def test_five_that_are_overdue_are_told_one_by_one() -> None:
    engine = Engine()
    five = saved(*[3 * DAY] * 5, HOUR, at=AT)
    assert engine.poll(five, times=8) == []  # two minutes, in which it may turn out that there are more
    assert engine.poll(five) == ["fired backup_overdue"] * 5


def test_events_are_told_once_and_again_when_worse() -> None:
    engine = Engine()

    def of(bad: int) -> View:
        return read((ZPOOLS, "pve1", (ZfsErrors(name="rpool", bad=bad),)))

    assert engine.poll(of(3), times=5) == ["fired zfs"]
    assert engine.poll(replace(of(4), at=AT + HOUR), times=5) == ["fired zfs"]
    engine.alerts = {}  # long over
    assert engine.poll(replace(of(4), at=AT + DAY), times=5) == []


def test_updates_once_a_day_pushed_or_polled() -> None:
    engine = Engine()
    push = Push(id="1", at=AT, kind="package-updates", severity="info", title="t", message="m", host="pve1")
    polled = (PACKAGES, "pve1", Packages(outdated=2))
    assert engine.poll(view(pushes=(push,))) == ["fired updates"]
    assert engine.poll(read(polled, at=AT + HOUR), times=3) == []
    assert engine.poll(read(polled, at=AT + DAY), times=3) == ["fired updates"]


def vzdump_failed(*runs: GuestBackup, at: datetime) -> View:
    job = task("vzdump", subject="", exitstatus="job errors")
    return view(at=at, tasks=(job,), feeds=feeds((BACKUPS, "", Backups(runs=runs))))


def test_a_backup_fails_and_is_retried() -> None:
    engine = Engine()
    job = task("vzdump", subject="", exitstatus="job errors")
    failed = GuestBackup(vmid=101, ended=job.upid.start + HOUR / 60, good=False, upid=job.upid.text, line="no")
    assert engine.poll(vzdump_failed(at=AT), times=3) == []  # the log is waited for
    assert engine.poll(vzdump_failed(failed, at=AT + 3 * POLL), times=3) == ["fired backup_failed"]
    (alert,) = engine.alerts.values()
    assert alert.finding.subject.name == NASTY
    retry = task("vzdump", by="telemox@pve!power", began=HOUR, outcome=Outcome.OK, exitstatus="OK", pid=2)
    good = replace(failed, good=True, ended=retry.upid.start + HOUR / 60, upid=retry.upid.text)
    assert engine.poll(vzdump_failed(good, failed, at=AT + 6 * POLL), times=3) == ["resolved backup_failed"]
    assert engine.poll(vzdump_failed(good, failed, at=AT + 9 * POLL), times=3) == []


def test_a_backup_fails_and_its_log_does_not_come() -> None:
    engine = Engine()
    job = task("vzdump", subject="", exitstatus="job errors")
    failed = GuestBackup(vmid=101, ended=job.upid.start + HOUR / 60, good=False, upid=job.upid.text, line="no")
    assert engine.poll(vzdump_failed(at=AT), times=6) == []
    assert engine.poll(vzdump_failed(at=AT + 6 * POLL)) == ["fired backup_failed"]
    assert engine.poll(vzdump_failed(failed, at=AT + 7 * POLL)) == ["changed backup_failed"]  # late, it is put in


def test_a_service_is_down_for_two_readings() -> None:
    engine = Engine()

    def of(running: bool, at: datetime) -> View:
        return read((SERVICES, "pve1", (Service(name="pvestatd", enabled=True, running=running),)), at=at)

    assert engine.poll(of(False, AT), times=22) == []
    assert engine.poll(of(True, AT + 22 * POLL), times=20) == []  # up again by the next reading
    assert engine.poll(of(False, AT + 42 * POLL), times=23) == ["fired service_down"]


def test_tasks_once_each_and_many_in_one_line() -> None:
    engine = Engine()
    tasks = [task(began=2 * HOUR - timedelta(minutes=number), pid=number + 1) for number in range(6)]
    told: list[str] = []
    for number in range(1, 7):
        told += engine.poll(view(tasks=tuple(tasks[:number])), times=2)
    assert told == ["fired task_failed"] * 3  # two, and the line for all
    assert engine.poll(view(tasks=tuple(tasks[4:])), times=2) == []  # the others have left the list


def test_telegram_is_away_for_five_minutes() -> None:
    engine = Engine()

    def deaf(seconds: Iterable[float]) -> list[str]:
        return [line for number in seconds for line in engine.poll(view(deaf=number))]

    assert deaf(range(15, 300, 15)) == []
    assert deaf([0]) == []
    assert deaf(range(15, 330, 15)) == ["fired bot"]
    assert deaf([0]) == ["resolved bot"]


def test_telegram_out_of_reach_at_the_start_has_to_last_as_always() -> None:
    engine = Engine()
    assert engine.poll(view(deaf=3.0, first=True)) == []
    assert engine.poll(view(deaf=18.0)) == []
