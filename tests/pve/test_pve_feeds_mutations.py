"""The samples of the feeds, mutated: read, or refused in our own words; never another exception."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.pve.feeds import backups, ceph, disks, guests, ha, nodes, packages, replication, tokens
from bot.pve.parse import Garbled
from tests.pve import feed_samples as samples
from tests.pve.test_pve_mutations import mutated

READERS: dict[str, tuple[Any, Callable[[bytes], object]]] = {
    "node status": (samples.STATUS_9, nodes.status),
    "history": (samples.HISTORY_9, nodes.newest),
    "services": (samples.SERVICES, nodes.services),
    "time": ({"time": samples.T0, "localtime": samples.T0, "timezone": "UTC"}, nodes.time),
    "certificates": (samples.CERTIFICATES, nodes.certificates),
    "subscription": (samples.SUBSCRIPTION, nodes.subscription),
    "packages": (samples.PACKAGES, packages.packages),
    "zfs": (samples.ZFS, disks.pools),
    "zpool": (samples.ZPOOL, disks.errors),
    "thin": (samples.THIN, disks.thin),
    "disks": (samples.DISKS, disks.disks),
    "storages": (samples.STORAGES, disks.storages),
    "ha": (samples.HA_9, ha.current),
    "manager": (samples.MANAGER, ha.manager),
    "ceph": (samples.CEPH, ceph.ceph),
    "replication": (samples.REPLICATION, lambda data: replication.jobs(data, "pve1")),
    "tokens": (samples.USERS, lambda data: tokens.own(data, ("telemox@pve!view", "telemox@pve!power"))),
    "snapshots": (samples.SNAPSHOTS, lambda data: guests.snapshots(data, 101)),
    "filesystems": (samples.FILESYSTEMS, guests.filesystems),
    "config": ({"onboot": 1, "name": "x"}, guests.onboot),
    "jobs": ([*samples.JOBS_9, *samples.JOBS_7], backups.jobs),
    "uncovered": ([{"vmid": 101, "type": "qemu", "name": "x"}], backups.uncovered),
    "contents": (samples.BACKUP_FILES, backups.contents),
}


@pytest.mark.parametrize("name", READERS)
def test_a_mutated_sample_is_read_or_garbled(name: str) -> None:
    sample, read = READERS[name]

    @settings(deadline=None, max_examples=100)
    @given(mutated(sample))
    def check(data: Any) -> None:
        try:
            value = read(json.dumps({"data": data}).encode(errors="surrogatepass"))
        except Garbled as error:
            assert str(error)  # noqa: PT017 - either is right
        else:
            sound(value)

    check()


@pytest.mark.parametrize("name", READERS)
def test_mutated_bytes_are_read_or_garbled(name: str) -> None:
    sample, read = READERS[name]
    whole = json.dumps({"data": sample}).encode()

    @settings(deadline=None, max_examples=60)
    @given(st.integers(0, len(whole)), st.integers(0, 5), st.binary(max_size=5), st.booleans())
    def check(at: int, out: int, put: bytes, cut: bool) -> None:
        try:
            sound(read(whole[:at] if cut else whole[:at] + put + whole[at + out :]))
        except Garbled as error:
            assert str(error)  # noqa: PT017 - either is right

    check()


def sound(value: object) -> None:
    """No negative figure, no NaN, no half of a character: what a message and the store can hold."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        assert value >= 0
    elif isinstance(value, str):
        value.encode()
    elif isinstance(value, dict):
        for key, inner in value.items():
            sound(key)
            sound(inner)
    elif isinstance(value, tuple | list | frozenset):
        for inner in value:
            sound(inner)
    elif is_dataclass(value):
        for field in fields(value):
            sound(getattr(value, field.name))
