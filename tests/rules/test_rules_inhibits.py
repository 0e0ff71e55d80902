"""What goes down with what."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.model import About, Finding, Severity, Subject
from bot.rules.inhibits import PARENTS, inhibits
from bot.text import say


def of(
    rule: str, about: About = About.GUEST, id_: str = "104", node: str = "pve1", cluster: str = "main", **more: Any
) -> Finding:
    subject = Subject(about=about, cluster=cluster, id=id_, name=id_, node=node)
    return Finding(rule=rule, subject=subject, severity=Severity.WARNING, said=say("x"), **more)


CLUSTER: Mapping[str, Any] = {"about": About.CLUSTER, "id_": "", "node": ""}
NODE: Mapping[str, Any] = {"about": About.NODE, "id_": "pve1"}
SHARED: Mapping[str, Any] = {"about": About.STORAGE, "id_": "nas", "node": ""}
LOCAL: Mapping[str, Any] = {"about": About.STORAGE, "id_": "pve1/local"}
FULL = ("main/storage/nas", "main/storage/pve1/local")
OTHER: Mapping[str, Any] = {"about": About.OTHER, "id_": "pve1/pvestatd"}


@pytest.mark.parametrize(
    ("parent", "child", "explains"),
    [
        # 1: all of that cluster
        (of("api_unreachable", **CLUSTER), of("quorum_lost", **CLUSTER), True),
        (of("api_unreachable", **CLUSTER), of("disk_health", **OTHER), True),
        (of("api_unreachable", **CLUSTER), of("guest_paused", cluster="lab"), False),
        (of("api_unreachable", **CLUSTER), of("api_unreachable", **CLUSTER), False),
        (of("api_unreachable", **CLUSTER), of("token_expiry", **OTHER), False),
        # 2: 3 and all below
        (of("quorum_lost", **CLUSTER), of("node_offline", **NODE), True),
        (of("quorum_lost", **CLUSTER), of("storage_full", **SHARED), True),
        (of("quorum_lost", **CLUSTER), of("api_unreachable", **CLUSTER), False),
        # 3 and 38: what is on the node
        (of("node_offline", **NODE), of("guest_paused"), True),
        (of("node_offline", **NODE), of("guest_paused", node="pve2"), False),
        (of("node_offline", **NODE), of("storage_offline", **LOCAL), True),
        (of("node_offline", **NODE), of("storage_offline", **SHARED), False),
        (of("node_offline", **NODE), of("service_down", **OTHER), True),
        (of("node_offline", **NODE), of("replication", **OTHER), True),
        (of("node_offline", **NODE), of("ceph", **CLUSTER), True),
        (of("node_offline", **NODE), of("node_api_down", **NODE), True),
        (of("node_offline", **NODE), of("node_fenced", **NODE), True),
        (of("stats_frozen", **NODE), of("node_fenced", **NODE), False),
        (of("node_offline", **NODE), of("node_reset", **NODE), False),
        (of("node_offline", **NODE), of("node_offline", about=About.NODE, id_="pve2", node="pve2"), False),
        (of("stats_frozen", **NODE), of("guest_paused"), True),
        (of("stats_frozen", **NODE), of("storage_offline", **LOCAL), True),
        (of("stats_frozen", **NODE), of("service_down", **OTHER), True),
        (of("stats_frozen", **NODE), of("ceph", **CLUSTER), False),
        (of("stats_frozen", **NODE), of("node_api_down", **NODE), False),
        # 6 and 7: the same guest
        (of("ha_error"), of("guest_stopped_by_itself"), True),
        (of("ha_error", event="up"), of("guest_stopped_by_itself"), False),
        (of("guest_stopped_by_itself"), of("guest_expected_down"), True),
        (of("guest_stopped_by_itself"), of("guest_expected_down", id_="105"), False),
        (of("guest_stopped_by_itself", last=say("cause: a backup")), of("guest_expected_down"), True),
        (of("node_offline", last=say("it is back"), **NODE), of("guest_paused"), True),
        (of("guest_stopped_by_itself"), of("guest_paused"), False),
        # 30: by who it is, and not by its name
        (of("store_overdue", explains=("main/guest/104",), **OTHER), of("backup_overdue"), True),
        (of("store_overdue", affected=("104",), **OTHER), of("backup_overdue"), False),
        # 9: a full storage of its node
        (of("guest_io_error", explains=FULL), of("storage_full", **LOCAL), True),
        (of("guest_io_error", explains=FULL), of("storage_full", **SHARED), True),
        (of("guest_io_error", explains=("main/storage/san",)), of("storage_full", **SHARED), False),
        (of("guest_io_error"), of("storage_full", **LOCAL), False),
        (of("guest_io_error", explains=FULL), of("storage_offline", **LOCAL), False),
        (of("guest_expected_down"), of("guest_stopped_by_itself"), False),
    ],
)
def test_what_explains_what(parent: Finding, child: Finding, explains: bool) -> None:
    assert inhibits(parent, child) is explains


def test_nothing_explains_itself_and_no_two_explain_each_other() -> None:
    where: Mapping[str, Any] = {
        "api_unreachable": CLUSTER,
        "quorum_lost": CLUSTER,
        "node_offline": NODE,
        "stats_frozen": NODE,
    }
    every = [of(rule, **where.get(rule, {})) for rule in PARENTS]
    for one in every:
        assert not inhibits(one, one)
        for other in every:
            assert not (inhibits(one, other) and inhibits(other, one)), (one.key, other.key)
