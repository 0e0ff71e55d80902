"""What a node stores on: ZFS pools and their errors, thin pools, disks, and which storages it reaches."""

import re
from collections.abc import Mapping

from bot.model.readings import Disk, StorageState, ThinPool, ZfsErrors, ZfsPool
from bot.pve.feeds.source import Source
from bot.pve.parse import Garbled, flag, mapping, number, rows, shown, text, whole

DEEPEST = 32
"""Levels of devices within devices: a pool has four at most."""
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


async def read_zfs(source: Source, node: str) -> tuple[ZfsPool, ...]:
    """GET /nodes/{node}/disks/zfs."""
    return await source.get(f"/nodes/{node}/disks/zfs", pools)


def pools(body: bytes) -> tuple[ZfsPool, ...]:
    found: dict[str, ZfsPool] = {}
    for row in rows(body):
        if isinstance(row, dict) and (name := text(row.get("name"))) and (health := text(row.get("health"))):
            found[name] = ZfsPool(
                name=name, health=health.upper(), size=whole(row.get("size")), free=whole(row.get("free"))
            )
    return tuple(found[name] for name in sorted(found))


async def read_zpools(source: Source, node: str) -> tuple[ZfsErrors, ...]:
    """GET /nodes/{node}/disks/zfs/{pool}, one pool after the other."""
    known = await read_zfs(source, node)
    return tuple(
        [await source.get(f"/nodes/{node}/disks/zfs/{pool.name}", lambda body: errors(body)) for pool in known]
    )


def errors(body: bytes) -> ZfsErrors:
    """Of one pool, as `zpool status` prints it. Where a group of disks counts more than its disks do, that counts."""
    row = mapping(body)
    name = text(row.get("name"))
    if not name or "state" not in row:
        raise Garbled(f"no pool in it: {shown(body)}")
    return ZfsErrors(name=name, errors=text(row.get("errors")), bad=_bad(row), scan=text(row.get("scan")))


def _bad(device: Mapping[str, object], depth: int = 0) -> int:
    own = sum(_count(device.get(key)) for key in ("read", "write", "cksum"))
    parts = device.get("children")
    if not isinstance(parts, list) or depth > DEEPEST:
        return own
    return max(own, sum(_bad(part, depth + 1) for part in parts if isinstance(part, dict)))


def _count(value: object) -> int:
    """A figure; from a thousand on `zpool status` writes 1.2K, and Proxmox VE takes that for the number 1.2."""
    figure = whole(value)
    if isinstance(value, float) and figure is not None and value != figure:
        return int(value * _UNITS["K"])
    if figure is not None:
        return figure
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([KMGT]?)", text(value))
    return int(float(match[1]) * _UNITS[match[2]]) if match else 0


async def read_thin(source: Source, node: str) -> tuple[ThinPool, ...]:
    """GET /nodes/{node}/disks/lvmthin."""
    return await source.get(f"/nodes/{node}/disks/lvmthin", thin)


def thin(body: bytes) -> tuple[ThinPool, ...]:
    found: dict[str, ThinPool] = {}
    for row in rows(body):
        if not isinstance(row, dict) or not (volume := text(row.get("lv"))):
            continue
        group = text(row.get("vg"))
        name = f"{group}/{volume}" if group else volume
        found[name] = ThinPool(
            name=name,
            metadata=_part(row.get("metadata_used"), row.get("metadata_size")),
            data=_part(row.get("used"), row.get("lv_size")),
        )
    return tuple(found[name] for name in sorted(found))


def _part(used: object, size: object) -> float | None:
    some, whole_ = number(used), number(size)
    return some / whole_ if some is not None and whole_ and some <= whole_ else None


async def read_disks(source: Source, node: str) -> tuple[Disk, ...]:
    """GET /nodes/{node}/disks/list. It asks each disk for its health, which wakes those that sleep."""
    return await source.get(f"/nodes/{node}/disks/list", disks, timeout=45.0)


def disks(body: bytes) -> tuple[Disk, ...]:
    """`wearout` is what remains, "N/A" for a disk that does not say. PVE/Diskmanage.pm takes what is used from 100: of
    an NVMe that has outlived what its maker gave it that is less than nothing."""
    found: dict[str, Disk] = {}
    for row in rows(body):
        if not isinstance(row, dict) or not (dev := text(row.get("devpath"))):
            continue
        found[dev] = Disk(
            dev=dev,
            model=text(row.get("model")).strip(),
            serial=text(row.get("serial")).strip(),
            health=text(row.get("health")).strip(),
            wearout=_remains(row.get("wearout")),
        )
    return tuple(found[dev] for dev in sorted(found))


def _remains(value: object) -> float | None:
    """Percent; below nothing is nothing."""
    if (word := text(value)).startswith("-"):
        return 0.0 if number(word[1:]) is not None else None
    remains = number(value)
    return remains if remains is not None and remains <= 100 else None


async def read_storages(source: Source, node: str) -> tuple[StorageState, ...]:
    """GET /nodes/{node}/storage. A dead NFS makes it slow: it has ten seconds of its own."""
    return await source.get(f"/nodes/{node}/storage", storages, timeout=10.0)


def storages(body: bytes) -> tuple[StorageState, ...]:
    found: dict[str, StorageState] = {}
    for row in rows(body):
        if isinstance(row, dict) and (name := text(row.get("storage"))):
            found[name] = StorageState(
                name=name, enabled=flag(row.get("enabled", 1)), active=flag(row.get("active", 0))
            )
    return tuple(found[name] for name in sorted(found))
