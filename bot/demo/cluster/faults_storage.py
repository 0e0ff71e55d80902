"""TABLE: what can go wrong with storages, disks and what lies under them."""

from collections.abc import Callable

from bot.demo.cluster.fault import Fault, Stage, hosts, nothing, storages
from bot.demo.cluster.things import Storage

STORAGE = "Storage"
FILLS = 10.0  # seconds for one more percent
FULL, FILLED = 0.998, 0.97


def _named(stage: Stage, target: str) -> list[Storage]:
    return [storage for storage in stage.world.storages if storage.name == target]


def _full(stage: Stage, on: bool, target: str) -> None:
    for storage in _named(stage, target):
        stage.put(f"disk_full {storage.node}/{target}", on, storage, "used", FULL)


def _filling(stage: Stage, on: bool, target: str) -> None:
    """One percent every ten seconds, up to nearly full."""
    for storage in _named(stage, target):
        key = f"storage_filling {storage.node}/{target}"
        before = storage.used
        stage.put(key, on, storage, "used", before)
        if on and f"{key} runs" not in stage.kept:
            stage.kept[f"{key} runs"] = True
            _fill(stage, storage, key)
        elif not on:
            stage.kept.pop(f"{key} runs", None)


def _fill(stage: Stage, storage: Storage, key: str) -> None:
    if f"{key} runs" in stage.kept and storage.used < FILLED:
        storage.used = min(FILLED, storage.used + 0.01)
        stage.world.clock.later(FILLS, lambda: _fill(stage, storage, key))


def _offline(stage: Stage, on: bool, target: str) -> None:
    for storage in _named(stage, target):
        stage.put(f"storage_offline {storage.node}/{target}", on, storage, "active", False)


def _thin(stage: Stage, on: bool, target: str) -> None:
    for thin in stage.world.nodes[target].machine.thins:
        stage.put(f"thin_metadata {target} {thin.lv}", on, thin, "metadata", 0.93)


def _pool(key: str, name: str, value: object) -> Callable[[Stage, bool, str], None]:
    def turn(stage: Stage, on: bool, target: str) -> None:
        for pool in stage.world.nodes[target].machine.pools:
            stage.put(f"{key} {target} {pool.name}", on, pool, name, value)

    return turn


def _disk(key: str, name: str, value: object, number: int) -> Callable[[Stage, bool, str], None]:
    def turn(stage: Stage, on: bool, target: str) -> None:
        stage.put(f"{key} {target}", on, stage.world.nodes[target].machine.disks[number], name, value)

    return turn


def _ceph(key: str, health: str) -> Callable[[Stage, bool, str], None]:
    def turn(stage: Stage, on: bool, target: str) -> None:
        stage.put(key, on, stage.world, "ceph", health)

    return turn


def with_zfs(stage: Stage) -> list[str]:
    return [node.name for node in stage.world.nodes.values() if node.machine.pools]


FAULTS: tuple[Fault, ...] = (
    Fault(
        key="disk_full", group=STORAGE, label="Disk full", help="a storage is full at once", targets=storages,
        turn=_full, one=True, rule="22 storage_full",
    ),
    Fault(
        key="storage_filling", group=STORAGE, label="Disk filling", help="one percent more every 10 s",
        targets=storages, turn=_filling, one=True, rule="22 storage_full",
    ),
    Fault(
        key="storage_offline", group=STORAGE, label="Storage offline", help="it is there, and cannot be reached",
        targets=storages, turn=_offline, one=True, rule="23 storage_offline",
    ),
    Fault(
        key="thin_metadata", group=STORAGE, label="Thin pool's metadata", help="93 % of it used", targets=hosts,
        turn=_thin, one=True, rule="24 thin_metadata",
    ),
    Fault(
        key="zfs_degraded", group=STORAGE, label="ZFS degraded", help="one disk of a mirror is gone", targets=with_zfs,
        turn=_pool("zfs_degraded", "health", "DEGRADED"), one=True, rule="25 zfs",
    ),
    Fault(
        key="zfs_errors", group=STORAGE, label="ZFS checksum errors", help="all is online, 12 errors", targets=with_zfs,
        turn=_pool("zfs_errors", "cksum", 12), one=True, rule="25 zfs",
    ),
    Fault(
        key="disk_failing", group=STORAGE, label="Disk failing", help="SMART says FAILED", targets=hosts,
        turn=_disk("disk_failing", "health", "FAILED!", 3), one=True, rule="26 disk_health",
    ),
    Fault(
        key="disk_worn", group=STORAGE, label="SSD worn", help="4 % of its life remain", targets=hosts,
        turn=_disk("disk_worn", "wearout", 4, 0), one=True, rule="26 disk_health",
    ),
    Fault(
        key="ceph_warn", group=STORAGE, label="Ceph warns", help="installs it, HEALTH_WARN", targets=nothing,
        turn=_ceph("ceph_warn", "HEALTH_WARN"), rule="27 ceph",
    ),
    Fault(
        key="ceph_err", group=STORAGE, label="Ceph in error", help="installs it, HEALTH_ERR", targets=nothing,
        turn=_ceph("ceph_err", "HEALTH_ERR"), rule="27 ceph",
    ),
)  # fmt: skip
