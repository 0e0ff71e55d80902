"""All rules of the slower feeds, on anything that a view can be: none fails, and the blind find nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import About, Kind, Outcome, Snapshot, Status, Subject, readings
from bot.model import feeds as table
from bot.model.feeds import Feeds, Reading
from bot.model.view import Memory, NodeWas, Push, StorageWas, Stranger, View
from bot.rules import Limits, expiry, own, tasks, upkeep
from bot.rules.backup import coverage, stores
from bot.rules.backup import failed as backups
from bot.rules.storage import disks, replication, storages, zpools
from bot.text import Reader, html, plain
from tests.rules_slow.slowviews import AT, DAY, HOUR, NASTY, guest, node, storage, task, view

MINE = tuple(
    rule
    for part in (storages, stores, zpools, disks, replication, backups, coverage, tasks, upkeep, expiry, own)
    for rule in part.RULES
)


def few(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=3).map(tuple)


TIMES = st.sampled_from([AT, AT - HOUR, AT - 3 * DAY, AT - 40 * DAY, AT + HOUR, AT + 15 * DAY])
FEW = st.integers(-1, 20)
NODES = st.sampled_from(["pve1", "pve2", "gone", ""])
NAMES = st.sampled_from(["rpool", "nas", NASTY, "", "pve-ssl.pem", "corosync", "pvestatd"])
SHARES = st.none() | st.floats(0, 1.5)
BYTES = st.none() | st.integers(0, 9)
VMIDS = st.sampled_from([101, 102, 103, 999])
HEAPS = ["x", *(f"task_failed:main/cluster/:heap {of}" for of in ("1", "1 9 warning", "1 9 x y"))]
MAYBE = st.none() | TIMES


@st.composite
def a_task(draw: st.DrawFn) -> Any:
    took = draw(st.none() | st.just(timedelta(minutes=5)))
    return task(
        draw(st.sampled_from(["vzdump", "qmstart", "startall", "hastart", "vncproxy", "qmclone", "imgdel"])),
        subject=draw(st.sampled_from(["", "101", "103", "nas", "٣"])),
        by=draw(st.sampled_from(["root@pam", "ana@pve", "telemox@pve!power"])),
        on=draw(st.sampled_from(["pve1", "pve2", "gone"])),
        began=draw(st.sampled_from([HOUR, 2 * HOUR, 30 * HOUR, 9 * DAY, -HOUR])),
        took=took,
        outcome=draw(st.sampled_from([one for one in Outcome if one is not Outcome.RUNNING])),
        exitstatus=draw(
            st.sampled_from(["OK", "job errors", "unexpected status", "received interrupt", "", "a\nb <x>"])
        ),
        pid=draw(st.integers(1, 4)),
    )


TASKS = st.lists(a_task(), max_size=5).map(tuple)
RESULTS = st.builds(
    readings.GuestBackup,
    vmid=VMIDS,
    ended=TIMES,
    good=st.booleans(),
    upid=a_task().map(lambda one: one.upid.text) | st.sampled_from(["", "garbage"]),
    line=NAMES,
)
JOBS = st.builds(
    readings.BackupJob,
    id=NAMES,
    enabled=st.booleans(),
    vmids=st.frozensets(VMIDS),
    everything=st.booleans(),
    excluded=st.frozensets(VMIDS),
    pool=st.sampled_from(["", "prod"]),
    node=NODES,
    storage=NAMES,
    interval=st.sampled_from([None, 0.0, 3600.0, 86400.0]),
    next_run=MAYBE,
)
VALUES: dict[str, Any] = {
    table.THIN.key: few(st.builds(readings.ThinPool, name=NAMES, metadata=SHARES, data=SHARES)),
    table.ZFS.key: few(st.builds(readings.ZfsPool, name=NAMES, health=st.sampled_from(["ONLINE", "x", ""]))),
    table.ZPOOLS.key: few(st.builds(readings.ZfsErrors, name=NAMES, bad=FEW, errors=NAMES)),
    table.DISKS.key: few(st.builds(readings.Disk, dev=NAMES, health=NAMES, wearout=st.none() | st.floats(-1, 100))),
    table.CEPH.key: st.builds(
        readings.Ceph,
        health=st.sampled_from(["HEALTH_OK", "HEALTH_WARN", "HEALTH_ERR", ""]),
        checks=few(st.builds(readings.CephCheck, name=NAMES, error=st.booleans(), muted=st.booleans())),
    ),
    table.REPLICATION.key: st.lists(
        st.builds(
            readings.ReplicationJob,
            id=NAMES,
            vmid=VMIDS,
            source=NODES,
            target=NODES,
            fails=FEW,
            last_sync=MAYBE,
            interval=st.sampled_from([None, 0.0, 900.0]),
            error=NAMES,
            disabled=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    table.FAILED.key: TASKS,
    table.BACKUPS.key: st.builds(
        readings.Backups,
        newest=st.dictionaries(VMIDS, TIMES),
        runs=st.lists(RESULTS, max_size=4).map(tuple),
        complete=st.booleans(),
        jobs=st.lists(JOBS, max_size=2).map(tuple),
        uncovered=st.none() | st.lists(VMIDS, max_size=3).map(tuple),
    ),
    table.SNAPSHOTS.key: few(
        st.builds(readings.GuestSnapshots, vmid=VMIDS, count=FEW, oldest=MAYBE, oldest_name=NAMES)
    ),
    table.CERTIFICATES.key: few(st.builds(readings.Certificate, file=NAMES, expires=TIMES, fingerprint=NAMES)),
    table.PACKAGES.key: st.builds(
        readings.Packages,
        outdated=FEW,
        important=st.lists(NAMES, max_size=9).map(tuple),
        kernel_running=NAMES,
        kernel_installed=NAMES,
    ),
    table.SERVICES.key: few(
        st.builds(readings.Service, name=NAMES, enabled=st.booleans(), running=st.booleans(), state=NAMES)
    ),
    table.SUBSCRIPTION.key: st.builds(readings.Subscription, status=NAMES, due=MAYBE),
    table.NODE_STATUS.key: st.builds(
        readings.NodeStatus, version=st.sampled_from(["", "/", "pve-manager/8.4/x", NASTY])
    ),
    table.TOKENS.key: few(st.builds(readings.OwnToken, name=NAMES, expires=MAYBE)),
    table.STORAGES.key: few(st.builds(readings.StorageState, name=NAMES, enabled=st.booleans(), active=st.booleans())),
}


@st.composite
def some_feeds(draw: st.DrawFn, *, blind: bool = False) -> Feeds:
    readings: dict[tuple[str, str], Reading[Any]] = {}
    places = st.sampled_from(["", "pve1", "pve2", "gone"])
    for key, name in draw(st.lists(st.tuples(st.sampled_from(sorted(VALUES)), places), max_size=8)):
        value = draw(st.none() | VALUES[key])
        readings[key, name] = Reading(
            value=value,
            at=draw(MAYBE),
            fresh=False if blind else draw(st.booleans()),
            fails=draw(st.integers(0, 5)),
            forbidden=draw(st.booleans()),
            silent=draw(st.booleans()),
            absent=draw(st.booleans()),
        )
    return Feeds(readings=readings)


PUSHES = st.builds(
    Push, id=NAMES, at=TIMES, kind=st.sampled_from(["vzdump", "fencing", "replication", "package-updates", "x"]),
    severity=st.sampled_from(["info", "error", ""]), title=NAMES, message=NAMES, host=NODES, job=NAMES,
    vmids=st.lists(VMIDS, max_size=2).map(tuple),
)  # fmt: skip


@st.composite
def a_snapshot(draw: st.DrawFn) -> Snapshot:
    nodes = [
        node(name, online=draw(st.sampled_from([True, True, False, None])),
             uptime=draw(st.none() | st.integers(0, 9**9)), disk=draw(BYTES), maxdisk=draw(BYTES))
        for name in ("pve1", "pve2")
    ]  # fmt: skip
    guests = [
        guest(vmid, node=draw(NODES), status=draw(st.sampled_from(Status)), kind=draw(st.sampled_from(Kind)),
              pool=draw(st.sampled_from(["", "prod"])), template=draw(st.booleans()))
        for vmid in draw(st.lists(VMIDS, unique=True))
    ]  # fmt: skip
    stores = [
        storage(draw(NAMES), of=draw(NODES), shared=draw(st.booleans()), available=draw(st.none() | st.booleans()),
                disk=draw(st.none() | st.integers(0, 12)), maxdisk=draw(st.none() | st.integers(0, 10)),
                kind=draw(st.sampled_from(["dir", "lvmthin", ""])), content=draw(st.sampled_from([(), ("images",)])))
        for _ in range(draw(st.integers(0, 4)))
    ]  # fmt: skip
    return Snapshot(cluster="main", name=NASTY, quorate=draw(st.none() | st.booleans()), nodes=tuple(nodes),
                    guests=tuple(guests), storages=tuple(stores), unseen=(), taken=draw(TIMES),
                    standalone=draw(st.booleans()))  # fmt: skip


@st.composite
def a_view(draw: st.DrawFn) -> View:
    was = StorageWas(samples=tuple(draw(st.lists(st.tuples(st.floats(0, 2e9), st.integers(0, 9)), max_size=9))))
    return View(
        cluster="main", name=NASTY, at=draw(st.just(AT) | TIMES), step=15, poll=15,
        snapshot=draw(st.none() | a_snapshot()), fresh=draw(st.booleans()),
        before=Memory(
            nodes={"pve1": NodeWas(online=True, pools=("tank",), uptime=5, moved=draw(MAYBE))},
            storages={"nas": was, "pve1/nas": was},
            events=dict.fromkeys(draw(st.lists(st.sampled_from(HEAPS))), AT),
        ),
        first=draw(st.booleans()), started=draw(MAYBE), tasks=draw(st.none() | TASKS), feeds=draw(some_feeds()),
        pushes=tuple(draw(st.lists(PUSHES, max_size=2))), sleeping=draw(st.frozensets(NODES | NAMES, max_size=2)),
        maintenance=draw(st.frozensets(NODES, max_size=1)), deaf=draw(st.sampled_from([0.0, 400.0])),
        fingerprints=draw(st.dictionaries(NODES, NAMES, max_size=2)), leads=draw(st.booleans()),
        strangers=tuple(draw(st.lists(st.builds(Stranger, id=FEW, at=TIMES, name=NAMES, chat=FEW), max_size=2))),
    )  # fmt: skip


SUBJECTS = st.builds(
    Subject, about=st.sampled_from(About), cluster=st.just("main"),
    id=st.sampled_from(["", "101", "pve1", "nas", "pve1/rpool", "vzdump/x/202611241200", "vzdump/x/99"]), node=NODES,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(a_view(), SUBJECTS)
def test_no_view_makes_a_rule_fail(of: View, subject: Subject) -> None:
    for rule in MINE:
        limits = Limits(base=rule.limit, exceptions={"main/guest/101": replace(rule.limit, on=False)})
        for found in rule.find(of, limits):
            assert found.rule == rule.key
            for said in (found.said, found.over, found.because, *found.details, *(cure.label for cure in found.cures)):
                if said is not None:
                    html(said, Reader())
            assert plain(found.said, Reader()).strip()
            assert found.subject.cluster == "main"
            if not found.event and found.subject.about is not About.OTHER:
                assert of.fresh
            rule.sees(of, found.subject)
        rule.sees(of, subject)


@settings(max_examples=60, deadline=None)
@given(a_snapshot(), some_feeds(blind=True), TASKS)
def test_the_blind_find_nothing_and_see_nothing(snap: Snapshot, read: Feeds, some: tuple[Any, ...]) -> None:
    """Neither readings nor tasks are to be trusted: nothing is found, and nothing is called well."""
    fed = [rule for rule in MINE if rule.feeds and rule.key != "backup_failed"]
    seen = view(replace(snap, storages=()), feeds=read, tasks=None)
    for rule in fed:
        assert not list(rule.find(seen, Limits(base=rule.limit)))
        assert not rule.sees(seen, Subject(about=About.OTHER, cluster="main", id="pve1/rpool", node="pve1"))
    cut = view(snap, feeds=read, tasks=some, fresh=False)
    never = view(None, feeds=read, tasks=some, fresh=False)
    for rule in (rule for rule in MINE if rule.key != "bot"):
        for of in (cut, replace(never, snapshot=None)):
            assert not list(rule.find(of, Limits(base=rule.limit)))
            assert not rule.sees(of, Subject(about=About.OTHER, cluster="main", id="pve1/rpool", node="pve1"))


def test_each_row_of_the_catalogue_once() -> None:
    assert len({rule.key for rule in MINE}) == len(MINE)
    assert sorted(rule.key for rule in MINE if rule.number == 30) == ["backup_overdue", "store_overdue"]
    assert len({rule.number for rule in MINE}) == len(MINE) - 1
    assert {rule.number for rule in MINE} == {*range(22, 38), 41, 42, 44, 45}
