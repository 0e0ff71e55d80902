"""TABLE: what can go wrong with storages, disks and what lies under them."""

from collections.abc import Callable

from bot.demo.cluster.faults.fault import AGAIN, Case, Fault, Stage, hosts, nothing, storages
from bot.demo.cluster.things import Storage

STORAGE = "Storage"
FILLS = 10.0  # seconds for one more percent
FULL, FILLS_FROM, FILLED = 0.998, 0.80, 0.975


def _named(case: Case) -> list[Storage]:
    return [storage for storage in case.world.storages if storage.name == case.target]


def _full(case: Case) -> None:
    for storage in _named(case):
        case.put(storage, "used", FULL)


def _filling(case: Case) -> None:
    """One percent every ten seconds, from where it is soon too much."""
    for storage in _named(case):
        _fill(case, storage, FILLS_FROM)


def _fill(case: Case, storage: Storage, share: float) -> None:
    if case.on and share <= FILLED:
        case.change(storage, "used", lambda used: max(used, share))
        case.world.clock.later(FILLS, lambda: _fill(case, storage, share + 0.01))


def _offline(case: Case) -> None:
    for storage in _named(case):
        case.put(storage, "active", False)


def _thin(case: Case) -> None:
    for thin in case.node.machine.thins:
        case.put(thin, "metadata", 0.93)


def _pool(name: str, value: object) -> Callable[[Case], None]:
    def begin(case: Case) -> None:
        for pool in case.node.machine.pools:
            case.put(pool, name, value)

    return begin


def _disk(name: str, value: object, number: int) -> Callable[[Case], None]:
    return lambda case: case.put(case.node.machine.disks[number], name, value)


def _ceph(health: str) -> Callable[[Case], None]:
    return lambda case: case.put(case.world, "ceph", health)


def with_zfs(stage: Stage) -> list[str]:
    return [node.name for node in stage.world.nodes.values() if node.machine.pools]


FAULTS: tuple[Fault, ...] = (
    Fault(
        key="disk_full", group=STORAGE, label="Disk full", help="a storage is full at once", targets=storages,
        begin=_full, one=True, rule="22 storage_full",
    ),
    Fault(
        key="storage_filling", group=STORAGE, label="Disk filling", help="from 80 % on, one percent more every 10 s",
        targets=storages, begin=_filling, one=True, rule="22 storage_full",
    ),
    Fault(
        key="storage_offline", group=STORAGE, label="Storage offline", help="it is there, and cannot be reached",
        targets=storages, begin=_offline, one=True, rule="23 storage_offline",
    ),
    Fault(
        key="thin_metadata", group=STORAGE, label="Thin pool's metadata", help="93 % of it used", targets=hosts,
        begin=_thin, one=True, seen=AGAIN, rule="24 thin_metadata",
    ),
    Fault(
        key="zfs_degraded", group=STORAGE, label="ZFS degraded", help="one disk of a mirror is gone", targets=with_zfs,
        begin=_pool("health", "DEGRADED"), one=True, rule="25 zfs",
    ),
    Fault(
        key="zfs_errors", group=STORAGE, label="ZFS checksum errors", help="all is online, 12 errors", targets=with_zfs,
        begin=_pool("cksum", 12), one=True, seen=AGAIN, rule="25 zfs",
    ),
    Fault(
        key="disk_failing", group=STORAGE, label="Disk failing", help="SMART says FAILED", targets=hosts,
        begin=_disk("health", "FAILED!", 3), one=True, seen=AGAIN, rule="26 disk_health",
    ),
    Fault(
        key="disk_worn", group=STORAGE, label="SSD worn", help="4 % of its life remain", targets=hosts,
        begin=_disk("wearout", 4, 0), one=True, seen=AGAIN, rule="26 disk_health",
    ),
    Fault(
        key="ceph_warn", group=STORAGE, label="Ceph warns", help="HEALTH_WARN", targets=nothing,
        begin=_ceph("HEALTH_WARN"), rule="27 ceph",
    ),
    Fault(
        key="ceph_err", group=STORAGE, label="Ceph in error", help="HEALTH_ERR", targets=nothing,
        begin=_ceph("HEALTH_ERR"), rule="27 ceph",
    ),
)  # fmt: skip
