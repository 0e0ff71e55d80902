"""What the feeds read, by version: our own samples into values."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.model import Permissions
from bot.model.readings import (
    CephCheck,
    Disk,
    HaService,
    OwnToken,
    Packages,
    Service,
    StorageState,
    Subscription,
    ThinPool,
    ZfsErrors,
    ZfsPool,
)
from bot.pve.feeds import backups, ceph, disks, guests, ha, nodes, packages, replication, tokens
from bot.pve.parse import Garbled
from tests.pve import feed_samples as samples
from tests.pve.feed_samples import GIB, T0
from tests.pve.server import HOSTILE

AT = datetime.fromtimestamp(T0, UTC)


def body(data: Any) -> bytes:
    return json.dumps({"data": data}).encode()


# -- a node --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample", "kernel", "version", "available"),
    [
        (samples.STATUS_7, "5.15.158-2-pve", 7, None),
        (samples.STATUS_8, "6.8.12-9-pve", 8, None),
        (samples.STATUS_9, "6.8.12-9-pve", 9, 12 * GIB),
    ],
)
def test_a_nodes_status(sample: dict[str, Any], kernel: str, version: int, available: int | None) -> None:
    found = nodes.status(body(sample))
    assert (found.load5, found.cpus, found.iowait) == (4.25, 8, 0.02)
    assert (found.swap, found.swap_total) == (GIB, 8 * GIB)
    assert (found.mem, found.mem_total, found.mem_available) == (20 * GIB, 32 * GIB, available)
    assert found.kernel == kernel
    assert nodes.major(found.version) == version
    assert found.arc is found.pressure_io is None


def test_a_node_without_swap_has_none_and_figures_that_are_none_are_not_zero() -> None:
    bare = {"loadavg": [1], "memory": {}, "swap": {"total": 0, "used": 0}, "wait": 7, "cpuinfo": None}
    found = nodes.status(body(bare))
    assert (found.swap, found.swap_total) == (0, 0)
    assert found.load5 is found.cpus is found.iowait is found.mem is None
    with pytest.raises(Garbled):
        nodes.status(body({"uptime": 4}))


def test_of_a_history_the_newest_complete_row_counts_and_pressure_is_a_share() -> None:
    found = nodes.newest(body(samples.HISTORY_9))
    assert (found.available, found.arc) == (int(11.5 * GIB), int(6.25 * GIB))
    assert (found.cpu, found.io, found.mem) == (0.025, 0.005, 0.0)
    old = nodes.newest(body(samples.HISTORY_8))
    assert old == nodes.Figures()
    assert nodes.newest(body([{"time": T0}])) == nodes.Figures()


def test_services() -> None:
    found = {service.name: service for service in nodes.services(body(samples.SERVICES))}
    assert found["pveproxy"] == Service(name="pveproxy", enabled=True, running=True, state="active")
    assert found["pvestatd"] == Service(name="pvestatd", enabled=True, running=False, state="failed")
    assert found["chrony"] == Service(name="chrony", enabled=False, running=False, state="inactive")
    assert found["cron"] == Service(name="cron", enabled=False, running=True, state="running")


def test_certificates_and_which_of_them_is_served() -> None:
    ca, own = nodes.certificates(body(samples.CERTIFICATES))
    assert (ca.file, ca.served) == ("pve-root-ca.pem", False)
    assert (own.file, own.served, own.fingerprint) == ("pve-ssl.pem", True, "CC:DD")
    assert own.expires == AT + timedelta(days=1)
    bought = {"filename": "/etc/pve/nodes/pve1/pveproxy-ssl.pem", "notafter": T0}
    found = nodes.certificates(body([*samples.CERTIFICATES, bought]))
    assert [one.file for one in found if one.served] == ["pveproxy-ssl.pem"]


def test_a_subscription() -> None:
    assert nodes.subscription(body(samples.SUBSCRIPTION)) == Subscription(
        status="active", due=datetime(2026, 12, 31, tzinfo=UTC)
    )
    none = {"status": "notfound", "message": "There is no subscription key", "nextduedate": "soon"}
    assert nodes.subscription(body(none)) == Subscription(status="notfound")


def test_packages_and_the_kernel_that_a_reboot_brings() -> None:
    found = packages.packages(body(samples.PACKAGES))
    assert found == Packages(
        outdated=2,
        important=("pve-manager", "corosync"),
        kernel_running="6.14.8-2-pve",
        kernel_installed="6.14.11-10-pve",
    )
    assert found.reboot_pending
    same = packages.packages(body([{**samples.PACKAGES[0], "RunningKernel": "6.14.11-10-pve"}, *samples.PACKAGES[5:]]))
    assert not same.reboot_pending


# -- disks ---------------------------------------------------------------------------------------------------------


def test_zfs_pools_and_their_errors() -> None:
    rpool, tank = disks.pools(body(samples.ZFS))
    assert rpool == ZfsPool(name="rpool", health="ONLINE", size=90 * GIB, free=50 * GIB)
    assert tank.health == "DEGRADED"
    found = disks.errors(body(samples.ZPOOL))
    # 1 + 1.5 thousand + 3 + 40 of the disks; the mirror's own two are among them
    assert found == ZfsErrors(
        name="tank", errors=samples.ZPOOL["errors"], bad=1 + 1536 + 3 + 40, scan=samples.ZPOOL["scan"]
    )
    mirror = {"name": "m", "cksum": 7, "children": [{"name": "sda", "cksum": 2}]}
    assert disks.errors(body({"name": "p", "state": "ONLINE", "children": [mirror]})).bad == 7
    assert disks.errors(body({"name": "p", "state": "ONLINE", "read": 1.2, "write": 2.0, "cksum": "3"})).bad == 1228 + 5


def test_thin_pools() -> None:
    empty, data = disks.thin(body(samples.THIN))
    assert data == ThinPool(name="pve/data", metadata=0.75, data=0.25)
    assert empty == ThinPool(name="empty", metadata=None, data=None)


def test_disks_and_what_remains_of_them() -> None:
    sda, sdb, sdc = disks.disks(body(samples.DISKS))
    assert sda == Disk(dev="/dev/sda", model="EXAMPLE_SSD", serial="S1", health="PASSED", wearout=97)
    assert sdb == Disk(dev="/dev/sdb", model=HOSTILE, serial="", health="FAILED!", wearout=None)
    assert sdc.wearout == 0  # more of it used than its maker gave it
    for text, left in (("-2", 0), ("12", 12), ("-", None), ("N/A", None), (101, None), (True, None)):
        (one,) = disks.disks(body([{"devpath": "/dev/sda", "wearout": text}]))
        assert one.wearout == left


def test_storages_of_a_node() -> None:
    assert disks.storages(body(samples.STORAGES)) == (
        StorageState(name="local", enabled=True, active=True),
        StorageState(name="nas", enabled=True, active=False),
        StorageState(name="old", enabled=False, active=False),
    )


# -- the cluster ---------------------------------------------------------------------------------------------------


def test_high_availability() -> None:
    seen = ha.current(body(samples.HA_9))
    assert seen.used
    assert seen.ha.services == (
        HaService(sid="ct:105", vmid=105, node="pve2", state="error", requested="started"),
        HaService(sid="vm:101", vmid=101, node="pve1", state="started", requested="started"),
    )
    assert (seen.ha.fencing, seen.ha.armed) == ({"pve1": "armed"}, True)
    assert ha.current(body(samples.HA_8)).ha.armed is None
    assert ha.current(body(samples.HA_DISARMED)).ha.armed is False
    assert not ha.current(body(samples.HA_DISARMED)).used
    assert ha.manager(body(samples.MANAGER)) == {"pve1": "online", "pve2": "maintenance", "pve3": "fence"}
    assert ha.manager(body({"manager_status": {}})) == {}


def test_ceph() -> None:
    found = ceph.ceph(body(samples.CEPH))
    assert found.health == "HEALTH_WARN"
    assert found.checks == (
        CephCheck(name="OSD_NEARFULL", error=False, muted=False, summary="1 nearfull osd(s)"),
        CephCheck(name="PG_DAMAGED", error=True, muted=True, summary="Possible data damage"),
    )
    with pytest.raises(Garbled):
        ceph.ceph(body({"fsid": "x"}))


def test_replication() -> None:
    failing, off = replication.jobs(body(samples.REPLICATION), "pve1")
    assert (failing.running, off.running) == (True, False)
    assert (failing.id, failing.vmid, failing.source, failing.target) == ("101-0", 101, "pve1", "pve2")
    assert (failing.fails, failing.interval, failing.error) == (3, 1800.0, "command 'zfs send' failed: exit code 1")
    assert (failing.last_sync, failing.last_try) == (AT, AT + timedelta(minutes=1))
    assert failing.next_sync == AT + timedelta(minutes=30)
    assert (off.vmid, off.source, off.last_sync, off.interval, off.disabled) == (105, "pve1", None, 900.0, True)


def test_own_tokens_and_no_others() -> None:
    names = ("telemox@pve!power", "telemox@pve!view")
    assert tokens.own(body(samples.USERS), names) == (
        OwnToken(name="telemox@pve!power", expires=None),
        OwnToken(name="telemox@pve!view", expires=AT + timedelta(days=1)),
    )
    user = {**samples.USERS[0], "expire": T0}
    assert all(one.expires == AT for one in tokens.own(body([user]), names)), "a token ends with its user"
    assert tokens.own(body(samples.USERS[1:]), names) == ()


# -- guests, backups -----------------------------------------------------------------------------------------------


def test_snapshots_without_the_present() -> None:
    found = guests.snapshots(body(samples.SNAPSHOTS), 101)
    assert (found.vmid, found.count, found.oldest_name) == (101, 3, "older")
    assert found.oldest == AT - timedelta(days=10)
    none = guests.snapshots(body(samples.SNAPSHOTS[-1:]), 101)
    assert (none.count, none.oldest, none.oldest_name) == (0, None, "")


@pytest.mark.parametrize(("said", "on"), [({"onboot": 1}, True), ({"onboot": "0"}, False), ({"name": "x"}, False)])
def test_a_guest_that_starts_with_its_node(said: dict[str, Any], on: bool) -> None:
    assert guests.onboot(body(said)) is on


def test_backup_jobs() -> None:
    first, second, third = backups.jobs(body(samples.JOBS_9))
    assert (first.vmids, first.everything, first.enabled, first.mode) == (
        frozenset({101, 105}),
        False,
        True,
        "snapshot",
    )
    assert (first.interval, first.next_run, first.storage) == (3 * 86_400.0, AT + timedelta(hours=2), "nas")
    assert (second.vmids, second.everything, second.excluded) == (frozenset(), True, frozenset({104}))
    assert (second.node, second.interval) == ("pve2", 900.0)
    assert (third.enabled, third.pool, third.interval) == (False, "prod", None)
    (old,) = backups.jobs(body(samples.JOBS_7))
    assert (old.vmids, old.enabled, old.interval) == (frozenset({101}), True, 6 * 86_400.0)


def test_the_newest_backup_that_is_not_broken() -> None:
    assert backups.contents(body(samples.BACKUP_FILES)) == {101: AT + timedelta(seconds=500)}


@pytest.mark.parametrize(
    ("paths", "sees"),
    [
        ({"/": {"Datastore.Audit": True, "VM.Audit": True}}, False),
        ({"/storage/nas": {"Datastore.Allocate": False}}, True),
        ({"/storage": {"Datastore.AllocateSpace": True}, "/vms": {"VM.Backup": True}}, True),
        ({"/storage": {"Datastore.AllocateSpace": True}, "/vms/101": {"VM.Backup": True}}, False),
        ({"/": {"Datastore.AllocateSpace": True, "VM.Backup": True}, "/vms/101": {"VM.Audit": True}}, False),
    ],
)
def test_a_storage_is_only_believed_where_every_row_must_be_visible(
    paths: dict[str, dict[str, bool]], sees: bool
) -> None:
    assert backups.visible(Permissions(paths=paths), "nas") is sees


def test_file_systems_that_can_fill_up_each_once() -> None:
    found = guests.filesystems(body(samples.FILESYSTEMS))
    assert [(one.mount, one.used, one.total) for one in found] == [("/", 960, 1000), ("C:\\", 500, 2000)]
    unknown = {"result": {"error": {"class": "CommandNotFound", "desc": "The command has not been found"}}}
    assert guests.filesystems(body(unknown)) == ()
