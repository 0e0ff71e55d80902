"""When a feed is due: pure figures. All in seconds; `scale` is TELEMOX_ALERTS__TIME_SCALE.

Nodes are asked one after the other, not all in the same second: each feed of each node has its own place in time, and
keeps it. After a start nothing waits longer than `_FIRST` says, and a small cluster much less.
"""

import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from bot.model import Snapshot
from bot.model.feeds import DAY, DISKS, HOUR, MINUTE, REPLICATION, SNAPSHOTS, STORAGES, ZFS, ZPOOLS, Feed
from bot.model.readings import Backups, GuestNotes

DAILY = frozenset({DISKS.key, ZPOOLS.key})
"""Read at an hour of one's choice: they wake disks that sleep."""
AGAIN = 30.0  # s after a first failure; doubled with each
CALM: dict[str, float] = {STORAGES.key: 12.0, REPLICATION.key: 3.0, ZFS.key: 6.0}
"""So much more seldom: storages while the cluster's list finds nothing wrong (and before each alert they are asked
anyhow), replication and ZFS where there is none."""
LONG = 40.0
"""Seconds after which a reading of snapshots may have ended before all guests were asked."""
PARTLY = 15.0
"""Seconds from one reading of configurations to the next, while there are more than fit in one."""
UNREAD = 2 * MINUTE
"""Seconds from one reading of backups to the next, while a node or a log of it could not be read: one that is back
takes a moment to answer."""
MISSED = timedelta(days=2)
SPREAD = 1800.0  # s over which the nodes' daily readings are laid out

_FIRST: tuple[tuple[float, float, float], ...] = (
    # paces up to · after a start within · and within so much for each node
    (MINUTE, 60.0, 60.0),
    (10 * MINUTE, 300.0, 60.0),
    (HOUR, 1200.0, 100.0),
    (10 * DAY, 2400.0, 200.0),
)


def place(feed: Feed[Any], index: int, count: int) -> float:
    """Of node number `index` of `count`, 0..1; of a feed of the cluster with a count of 1."""
    return (index + zlib.crc32(feed.key.encode()) / 2**32) / max(count, 1)


def first(feed: Feed[Any], index: int, count: int, scale: float) -> float:
    """From the start to the first reading."""
    if not feed.per_node:
        return place(feed, 0, 1) * min(feed.every, MINUTE) * scale
    most, each = next((most, each) for pace, most, each in _FIRST if feed.every <= pace)
    return place(feed, index, count) * min(most, each * count) * scale


def again(fails: int, pace: float, scale: float) -> float:
    """From the last of so many failures to the next try."""
    return min(pace, AGAIN * scale * 2.0 ** min(fails - 1, 12))


def calm(feed: Feed[Any], value: object, snapshot: Snapshot | None, node: str, took: float) -> float:
    """The pace of a feed at a scale of 1, where its last value lets it be another than its own. `took`: s."""
    if feed.key == STORAGES.key:
        return feed.every * (1.0 if _wrong(snapshot, node) else CALM[feed.key])
    if isinstance(value, GuestNotes) and snapshot is not None:
        asked = (guest for guest in snapshot.guests if GuestNotes.about(guest))
        return min(feed.every, PARTLY) if any(guest.vmid not in value.read for guest in asked) else feed.every
    if isinstance(value, Backups):
        return UNREAD if value.partly else feed.every
    if feed.key in CALM and value == ():
        return feed.every * CALM[feed.key]
    if feed.key == SNAPSHOTS.key and took >= LONG and snapshot is not None and isinstance(value, Sequence):
        online = {one.name for one in snapshot.nodes if one.online}
        there = sum(1 for guest in snapshot.guests if guest.node in online and not guest.template)
        return feed.every if len(value) >= there else 5 * MINUTE  # it was read in part: too many for one time
    return feed.every


def _wrong(snapshot: Snapshot | None, node: str) -> bool:
    return snapshot is not None and any(
        storage.available is False for storage in snapshot.storages if storage.node == node
    )


def daily(last: datetime, now: datetime, hour: int, zone: tzinfo | None) -> datetime | None:
    """The next reading at `hour` by the clocks of `zone` (None: the machine's), after one at `last`; None where that
    was days ago."""
    if now - last > MISSED:
        return None
    local = now.astimezone(zone)
    at = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    if last >= at - timedelta(hours=1) or local >= at + timedelta(hours=1):
        at += timedelta(days=1)
    return at
