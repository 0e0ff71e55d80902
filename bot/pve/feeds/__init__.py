"""TABLE: how each feed of bot/model/feeds.py is read. One file a subject; a reader is `async (source, node) -> value`.

A reading has one of few places (`PLACES`), and a slow one has the only place for slow ones beside: eight calls may be
at work at a host, and the cluster's own list, which everybody waits for, is never to wait for these.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, TypeVar, cast

from bot.errors import PveAbsent, PveNoAnswer
from bot.model.feeds import (
    AGENT,
    BACKUPS,
    CEPH,
    CERTIFICATES,
    DISKS,
    FAILED,
    FILESYSTEMS,
    HA,
    NODE_STATUS,
    ONBOOT,
    PACKAGES,
    REPLICATION,
    SERVICES,
    SNAPSHOTS,
    STORAGES,
    SUBSCRIPTION,
    THIN,
    TIME,
    TOKENS,
    ZFS,
    ZPOOLS,
    Feed,
)
from bot.pve.feeds import ceph, disks, guests, ha, nodes, packages, replication, tokens
from bot.pve.feeds.backups import History
from bot.pve.feeds.failed import read_failed
from bot.pve.feeds.source import Source

T = TypeVar("T")

PLACES = 3
SLOW = 15.0
"""A feed with a longer timeout than this (s) is a slow one."""

Reader = Callable[[Source, str], Awaitable[Any]]


def readers() -> Mapping[str, Reader]:
    """By Feed.key. Some remember what they have read, so each cluster has its own."""
    return {
        NODE_STATUS.key: nodes.Statuses(),
        HA.key: ha.read_ha,
        REPLICATION.key: replication.read_replication,
        ZFS.key: disks.read_zfs,
        SERVICES.key: nodes.read_services,
        CEPH.key: ceph.read_ceph,
        STORAGES.key: disks.read_storages,
        ONBOOT.key: guests.Notes(),
        AGENT.key: guests.Agents(),
        FILESYSTEMS.key: guests.Disks(),
        THIN.key: disks.read_thin,
        CERTIFICATES.key: nodes.read_certificates,
        TIME.key: nodes.read_time,
        FAILED.key: read_failed,
        BACKUPS.key: History(),
        SNAPSHOTS.key: guests.Snapshots(),
        PACKAGES.key: packages.read_packages,
        TOKENS.key: tokens.read_tokens,
        DISKS.key: disks.read_disks,
        ZPOOLS.key: disks.read_zpools,
        SUBSCRIPTION.key: nodes.read_subscription,
    }


class Feeding:
    """`await feeding(feed, node)` for one cluster."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._readers = readers()
        self._places = asyncio.Semaphore(PLACES)
        self._slow = asyncio.Semaphore(1)

    async def __call__(self, feed: Feed[T], node: str = "") -> T:
        """Raises: PveError; PveAbsent where there is nothing to read; ValueError for a feed that is none."""
        if feed.key not in self._readers or feed.per_node is not bool(node):
            raise ValueError(f"no feed: {feed.key} of {node!r}")
        if feed.since > (7, 0) and await self._source.version() < feed.since:
            raise PveAbsent(f"Proxmox VE has it from {feed.since[0]}.{feed.since[1]} on", status=501)
        async with AsyncExitStack() as places:
            if feed.timeout > SLOW:
                await places.enter_async_context(self._slow)
            await places.enter_async_context(self._places)
            try:
                async with asyncio.timeout(feed.timeout):
                    return cast("T", await self._readers[feed.key](self._source, node))
            except TimeoutError as error:
                raise PveNoAnswer(f"no answer within {feed.timeout:.0f} s") from error
