"""The feeds against the simulated cluster, which answers as Proxmox VE 7.4, 8 and 9 do."""

from contextlib import suppress
from typing import Any

import pytest

from bot.access import Role
from bot.demo.cluster import Cluster as Demo
from bot.errors import PveAbsent, PveForbidden
from bot.model.feeds import (
    BACKUPS,
    CERTIFICATES,
    FEEDS,
    HA,
    NODE_STATUS,
    ONBOOT,
    PACKAGES,
    SERVICES,
    SNAPSHOTS,
    STORAGES,
    TOKENS,
    Feed,
)
from tests.pve.test_pve_demo import Opened, demo, opened

__all__ = ["demo", "opened"]


async def test_every_feed_is_read_or_is_not_there(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo)
    seen = await cluster.snapshot()
    nodes = [node.name for node in seen.nodes if node.online]
    assert nodes
    read = set()
    for feed in FEEDS:
        for node in nodes if feed.per_node else [""]:
            with suppress(PveAbsent):
                assert await cluster.feed(feed, node) is not None
                read.add(feed.key)
    assert {feed.key for feed in FEEDS} - read <= {"ceph", "zfs", "zpools"}


async def test_what_they_say_fits_the_cluster(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo)
    seen = await cluster.snapshot()
    node = next(node.name for node in seen.nodes if node.online)
    status = await cluster.feed(NODE_STATUS, node)
    assert status.kernel
    assert status.mem_total == seen.by_node[node].maxmem
    assert (status.mem_available is not None) is (await cluster.version() >= (9, 0))
    assert (status.pressure_io is not None) is (await cluster.version() >= (9, 0))
    guests = {guest.vmid for guest in seen.guests if not guest.template}
    online = {node.name for node in seen.nodes if node.online}
    there = {guest.vmid for guest in seen.guests if guest.node in online}
    assert {one.vmid for one in await cluster.feed(SNAPSHOTS)} == guests & there
    notes = await cluster.feed(ONBOOT)
    assert notes.onboot <= notes.read <= there
    assert {service.sid for service in (await cluster.feed(HA)).services} == {
        f"{guest.kind.short.lower()}:{guest.vmid}" for guest in seen.guests if guest.hastate
    }
    storages = {storage.name for storage in seen.storages if storage.node == node or storage.shared}
    assert {one.name for one in await cluster.feed(STORAGES, node) if one.enabled} <= storages
    assert "pveproxy" in {service.name for service in await cluster.feed(SERVICES, node)}
    assert sum(one.served for one in await cluster.feed(CERTIFICATES, node)) == 1
    assert (await cluster.feed(PACKAGES, node)).kernel_running
    assert {token.name for token in await cluster.feed(TOKENS)} == {
        cluster.token(Role.VIEWER),
        cluster.token(Role.OPERATOR),
    }


async def test_backups_of_a_night(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo)
    found = await cluster.feed(BACKUPS)
    assert found.jobs
    assert found.uncovered is not None
    assert not found.complete, "a token that looks may not see what is in the storages"


async def test_without_rights_it_is_forbidden(demo: Demo, opened: Opened) -> None:
    cluster = opened(demo, tokens={Role.VIEWER: demo.tokens["noacl"]})
    feeds: tuple[Feed[Any], ...] = (HA, BACKUPS, TOKENS)
    for feed in feeds:
        with pytest.raises(PveForbidden):
            await cluster.feed(feed)
