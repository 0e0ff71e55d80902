"""Values: what a token may, what a task is called, what a snapshot counts."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Fleet, Guest, Kind, Node, Permissions, Snapshot, Status, Storage, Upid, Version, guest_id, is_node

AT = datetime(2026, 11, 24, 14, 2, 31, tzinfo=UTC)
POWER, AUDIT = "VM.PowerMgmt", "VM.Audit"


# -- permissions: as PVE/AccessControl.pm decides ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paths", "path", "pool", "allowed"),
    [
        ({}, "/vms/101", "", False),
        ({"/": {POWER: True}}, "/vms/101", "", True),
        ({"/": {POWER: False}}, "/vms/101", "", False),  # granted there, not below
        ({"/": {POWER: False}}, "/", "", True),
        ({"/vms": {POWER: True}}, "/vms/101", "", True),
        ({"/vms/101": {POWER: False}}, "/vms/101", "", True),  # 0 is granted too, on that very path
        ({"/vms/102": {POWER: True}}, "/vms/101", "", False),
        ({"/vms/10": {POWER: True}}, "/vms/101", "", False),  # a path is not a prefix
        ({"/": {POWER: True}, "/vms": {AUDIT: True}}, "/vms/101", "", False),  # the deeper path replaces
        ({"/": {AUDIT: True}, "/vms/101": {POWER: True}}, "/vms/101", "", True),
        ({"/": {POWER: True}, "/vms/101": {}}, "/vms/101", "", False),  # NoAccess
        ({"/pool/web": {POWER: True}}, "/vms/101", "web", True),
        ({"/pool/web": {POWER: True}}, "/vms/101", "db", False),
        ({"/pool/web": {POWER: True}}, "/vms/101", "", False),
        ({"/vms": {AUDIT: True}, "/pool/web": {POWER: True}}, "/vms/101", "web", True),  # pools merge
        ({"/pool": {POWER: True}}, "/vms/101", "web", True),
    ],
)
def test_permissions(paths: dict[str, dict[str, bool]], path: str, pool: str, allowed: bool) -> None:
    assert Permissions(paths=paths).allows(POWER, path, pool) is allowed


def test_any_of_several_privileges() -> None:
    seen = Permissions(paths={"/vms": {"VM.GuestAgent.Audit": True}})
    assert seen.allows("VM.Monitor|VM.GuestAgent.Audit", "/vms/101")
    assert not seen.allows("VM.Monitor|VM.Console", "/vms/101")


@given(
    st.dictionaries(
        st.sampled_from(["/", "/vms", "/vms/101", "/pool/web", "/nodes"]),
        st.dictionaries(st.sampled_from([POWER, AUDIT]), st.booleans()),
    ),
    st.text("/vms10 a", max_size=12),
    st.sampled_from(["", "web"]),
)
def test_permissions_end_and_never_invent(paths: dict[str, dict[str, bool]], path: str, pool: str) -> None:
    if Permissions(paths=paths).allows(POWER, path, pool):
        assert any(POWER in granted for granted in paths.values())


# -- what goes into a path -----------------------------------------------------------------------------------------


def test_a_guest_has_one_spelling() -> None:
    assert guest_id("main/104") == ("main", 104)
    assert guest_id("main/999999999") == ("main", 999_999_999)


@pytest.mark.parametrize(
    "target",
    [
        *("", "main", "main/", "/104", "main/0104", "main//104", "main/+104", "main/ 104", "main/104\n", "main/1_0"),
        *("main/0", "main/٤", "main/x", "main/104/7", "a/b/104", "main/1000000000", "main/-1", "main/1e2"),
    ],
)
def test_any_other_is_none(target: str) -> None:
    assert guest_id(target) is None


def test_names_of_nodes() -> None:
    assert all(is_node(name) for name in ("pve1", "a", "a-b-3", "PVE", "0x"))
    for name in ("", ".", "..", "-a", "a-", "a.b", "a/b", "a%2fb", "pve1\n", "pve 1", 'web<1>_&"', "é", "a_b"):
        assert not is_node(name)


# -- tasks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "node", "type_", "subject", "user"),
    [
        ("UPID:pve1:0003B2A1:00C4D5E6:6745E2F0:qmreboot:101:t@pve!power:", "pve1", "qmreboot", "101", "t@pve!power"),
        ("UPID:a-b-3:0003B2A1:100C4D5E6:6745E2F0:vzdump::root@pam:", "a-b-3", "vzdump", "", "root@pam"),
        ("UPID:p:0003b2a1:00c4d5e6:6745e2f0:imgcopy:nas..x:root@pam:", "p", "imgcopy", "nas..x", "root@pam"),
    ],
)
def test_upid(text: str, node: str, type_: str, subject: str, user: str) -> None:
    upid = Upid.parse(text)
    assert (upid.node, upid.type, upid.subject, upid.user) == (node, type_, subject, user)
    assert upid.start == datetime(2024, 11, 26, 15, 2, 8, tzinfo=UTC)
    assert str(upid) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OK",
        "UPID:",
        "UPID:pve1:0003B2A1:00C4D5E6:6745E2F0:qmreboot:101:telemox@pve!power",
        "UPID:pve1:0003B2A1:00C4D5E6:6745E2F0:qmreboot:101:telemox@pve!power:\n",
        "UPID:-pve:0003B2A1:00C4D5E6:6745E2F0:qmreboot:101:root@pam:",
        "UPID:pve1/../x:0003B2A1:00C4D5E6:6745E2F0:qmreboot:101:root@pam:",
        "UPID:pve1:0003B2A1:00C4D5E6:６745E2F0:qmreboot:101:root@pam:",
        "UPID:pve1:0003B2A1:00C4D5E6:6745E2F0:a/../..//:101:root@pam:",
        "UPID:pve1:0003B2A1:00C4D5E6:6745E2F0:..:101:root@pam:",
        "UPID:pve1:0003B2A1:00C4D5E6:6745E2F0:qmreboot:/../x:root@pam:",
        "UPID:pve1:0003B2A1:00C4D5E6:6745E2F0:qmreboot:..:root@pam:",
        "UPID:pve1:0003B2A1:00C4D5E6:6745E2F0:qmreboot:.:root@pam:",
        "UPID:pve1:0003B2A1:00C4D5E6:6745E2F0:qmreboot:101:/../..:",
        "UPID:pve1:0003B2A1:00C4D5E6:6745E2F0:qmreboot:101:..:",
    ],
)
def test_not_a_upid(text: str) -> None:
    with pytest.raises(ValueError, match="not a UPID"):
        Upid.parse(text)


@given(st.text(max_size=80).map(lambda tail: "UPID:" + tail))
def test_any_text_is_a_upid_or_a_value_error(text: str) -> None:
    try:
        assert str(Upid.parse(text)) == text
    except ValueError as error:
        assert "not a UPID" in str(error)  # noqa: PT017 - either way is right


# -- snapshots -----------------------------------------------------------------------------------------------------


def guest(vmid: int, status: Status = Status.RUNNING, *, template: bool = False) -> Guest:
    return Guest(
        cluster="main", vmid=vmid, name=f"g{vmid}", kind=Kind.QEMU, node="pve1", status=status, template=template
    )


def snapshot(cluster: str = "main", taken: datetime = AT) -> Snapshot:
    return Snapshot(
        cluster=cluster,
        name="homelab",
        quorate=True,
        nodes=(Node(cluster=cluster, name="pve1", online=True),),
        guests=(guest(101), guest(102, Status.STOPPED), guest(900, Status.STOPPED, template=True)),
        storages=(),
        unseen=(),
        taken=taken,
    )


def test_counts_leave_templates_out() -> None:
    counts = snapshot().counts
    assert (counts[Status.RUNNING], counts[Status.STOPPED], sum(counts.values())) == (1, 1, 2)


def test_a_fleet_is_as_old_as_its_oldest_part() -> None:
    older = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
    fleet = Fleet(snapshots=(snapshot(), snapshot("lab", older)))
    assert fleet.taken == older
    assert len(fleet.guests) == 6


def test_the_same_vmid_in_two_clusters_is_two_guests() -> None:
    fleet = Fleet(snapshots=(snapshot(), snapshot("lab")))
    assert fleet.guest("main", 101) is fleet.snapshots[0].guests[0]
    assert fleet.guest("lab", 101) is fleet.snapshots[1].guests[0]
    assert fleet.guest("lab", 777) is None
    assert fleet.guest("gone", 101) is None
    assert fleet.node("lab", "pve1") is fleet.snapshots[1].nodes[0]
    assert fleet.node("lab", "pve9") is None


def test_identity_of_guests_and_storages() -> None:
    assert guest(101).target == "main/101"
    assert guest(101).path == "/nodes/pve1/qemu/101"
    local = Storage(cluster="main", name="local", node="pve1", shared=False, available=True, disk=5, maxdisk=10)
    nas = Storage(cluster="main", name="nas", node="pve1", shared=True, available=True, disk=0, maxdisk=0)
    assert (local.id, nas.id) == ("pve1/local", "nas")
    assert (local.used, nas.used) == (0.5, None)


@pytest.mark.parametrize(
    ("status", "up", "troubled"),
    [
        (Status.RUNNING, True, False),
        (Status.STOPPED, False, False),
        (Status.HIBERNATED, False, False),
        (Status.UNKNOWN, False, False),
        (Status.PAUSED, True, False),
        (Status.IO_ERROR, True, True),
        (Status.INTERNAL_ERROR, True, True),
    ],
)
def test_status(status: Status, up: bool, troubled: bool) -> None:
    assert (status.up, status.troubled) == (up, troubled)


def test_versions_compare() -> None:
    version = Version(major=8, minor=4, text="8.4.1")
    assert version >= (8, 4)
    assert version >= (7, 4)
    assert version < (8, 5)
    assert version < (9, 0)
