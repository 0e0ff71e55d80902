"""What Proxmox VE's webhook target sends, and what is left of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.view import UNREADABLE
from bot.web import notify

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
LOG = """Details
=======
VMID    Name         Status    Time    Size       Filename
101     web<1>_&"    err       3s      0 B        null
102     db           ok        41s     6.1 GiB    /mnt/pve/nas/dump/vzdump-qemu-102.vma.zst

Total running time: 44s
Total size: 6.1 GiB

Logs
====
101: 2026-03-01 02:00:01 INFO: Starting Backup of VM 101 (qemu)
101: 2026-03-01 02:00:04 ERROR: Backup of VM 101 failed - no space left on device
102: 2026-03-01 02:00:45 INFO: Finished Backup of VM 102 (00:00:41)
"""


def body(**more: object) -> bytes:
    fields = {"type": "vzdump", "hostname": "pve1", "job-id": "backup-8a"}
    found = {"title": "vzdump backup status: backup failed", "message": LOG, "severity": "error", "ts": 1772330445}
    return json.dumps({**found, "fields": fields, **more}).encode()


def test_a_failed_backup_says_who_and_why() -> None:
    push = notify.read(body(), NOW)
    assert (push.kind, push.host, push.job, push.severity) == ("vzdump", "pve1", "backup-8a", "error")
    assert push.vmids == (101,)
    assert push.at == datetime(2026, 3, 1, 2, 0, 45, tzinfo=UTC)
    assert "no space left on device" in push.message
    assert 'web<1>_&"' in push.message
    assert "Finished Backup" not in push.message


def test_the_same_notification_is_the_same_push() -> None:
    assert notify.read(body(), NOW).id == notify.read(body(), NOW.replace(hour=5)).id
    assert notify.read(body(), NOW).id != notify.read(body(ts=1772330446), NOW).id


def test_a_mebibyte_of_log_is_cut_to_what_matters() -> None:
    noise = "101: INFO: status: 12% (1.0 GiB of 8.0 GiB), duration 9, read: 99.0 MiB/s\n" * 14_000
    push = notify.read(body(message=LOG.replace("Logs\n====\n", "Logs\n====\n" + noise)), NOW)
    assert len(push.message) <= notify.LONGEST
    assert "no space left on device" in push.message
    assert push.vmids == (101,)


@pytest.mark.parametrize(
    "garbage", [b"", b"hello", b"[1,2]", b'{"a":1}', b"\xff\xfe", b'{"title":"x"', b"null", b"NaN" * 100]
)
def test_what_is_no_notification_is_told_as_it_is(garbage: bytes) -> None:
    push = notify.read(garbage, NOW)
    assert (push.kind, push.at) == (UNREADABLE, NOW)
    assert push.message == notify.digest(garbage.decode(errors="replace"))


def test_what_cannot_be_read_is_another_one_each_time_it_comes() -> None:
    words = b"mdadm: raid degraded on nas"
    first, again, later, tomorrow = (
        notify.read(words, NOW + timedelta(seconds=seconds)).id for seconds in (0, 59, 60, 86400)
    )
    assert first == again  # sent twice
    assert len({first, later, tomorrow, notify.read(b"raid degraded on db", NOW).id}) == 4


@pytest.mark.parametrize("ts", [None, "soon", -(10**30), 10**30, True, [1], 0, 253402300799])
def test_a_time_that_is_none_is_now(ts: object) -> None:
    assert notify.read(body(ts=ts), NOW).at == NOW


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(found=st.dictionaries(st.sampled_from(["title", "message", "severity", "ts", "fields"]), JSON))
def test_any_json_is_read(found: dict[str, object]) -> None:
    push = notify.read(json.dumps(found).encode(), NOW)
    assert len(push.message) <= notify.LONGEST + 1
    assert push.at.tzinfo is not None
    assert push.kind


@given(st.binary(max_size=300))
def test_any_bytes_are_read(found: bytes) -> None:
    assert notify.read(found, NOW).kind
