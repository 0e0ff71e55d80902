"""Rows into values, with every deviation that was ever seen, and the picture that is made of them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.errors import PveError, PveForbidden, PveNoAnswer
from bot.model import Gap, Guest, Kind, Snapshot, Status, Unseen
from bot.pve import rows
from bot.pve.parse import Garbled, flag, loads, moment, number, refusal, text, whole, words
from bot.pve.snapshot import Visibility, merge
from tests.pve import samples
from tests.pve.samples import GIB, ct, node, storage, vm
from tests.pve.server import HOSTILE

NOW = datetime(2026, 3, 4, tzinfo=UTC)
SEES_ALL = Visibility(token="telemox@pve!view")


def body(data: object) -> bytes:
    return json.dumps({"data": data}).encode()


def picture(
    resources: object | None = None,
    status: object | PveError | None = None,
    *,
    before: Snapshot | None = None,
    visibility: Visibility = SEES_ALL,
) -> Snapshot:
    read = rows.resources(body(samples.resources() if resources is None else resources), "main")
    said = (
        status
        if isinstance(status, PveError)
        else rows.cluster_status(body(samples.status() if status is None else status))
    )
    return merge("main", read, said, before=before, taken=NOW, visibility=visibility)


def one(row: dict[str, Any]) -> Guest:
    (guest,) = rows.resources(body([row]), "main").guests
    return guest


def test_a_guest_as_its_row_says() -> None:
    guest = picture().by_vmid[101]
    assert guest == Guest(
        cluster="main",
        vmid=101,
        name=HOSTILE,
        kind=Kind.QEMU,
        node="pve1",
        status=Status.RUNNING,
        cpu=0.09,
        cpus=4,
        mem=2 * GIB,
        maxmem=4 * GIB,
        disk=None,  # of a VM nobody knows
        maxdisk=32 * GIB,
        netin=1000,
        netout=2000,
        uptime=3600,
        tags=("prod", "edge"),
        pool="prod",
        hastate="started",
    )


def test_states() -> None:
    guests = picture().by_vmid
    assert {vmid: guest.status for vmid, guest in guests.items()} == {
        101: Status.RUNNING,
        102: Status.PAUSED,
        103: Status.HIBERNATED,
        104: Status.STOPPED,
        105: Status.STOPPED,
        106: Status.UNKNOWN,  # listed as running on a node that is gone
    }
    assert guests[104].template
    assert guests[105].kind is Kind.LXC
    assert guests[105].uptime is None
    assert guests[102].uptime == 3600


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.HIBERNATED])
def test_every_state_that_proxmox_names_is_ours(status: Status) -> None:
    assert one(vm(101, "a", status=status.value)).status is status


@pytest.mark.parametrize("said", ["", None, 7, [], {}, "brand-new", "hibernated", True])
def test_a_word_that_is_new_to_us_is_unknown(said: object) -> None:
    assert one(vm(101, "a", status=said)).status is Status.UNKNOWN


def test_a_node_that_is_gone_takes_its_guests_and_storages_with_it() -> None:
    seen = picture()
    far, pve3 = seen.by_vmid[106], seen.by_node["pve3"]
    assert (pve3.online, pve3.cpu, pve3.uptime, pve3.maxmem) == (False, None, None, 32 * GIB)
    assert (far.name, far.lock, far.maxmem) == ("far", "backup", 4 * GIB)
    assert (far.cpu, far.mem, far.uptime, far.netin) == (None, None, None, None)
    local = next(storage for storage in seen.storages if storage.id == "pve3/local")
    assert (local.available, local.disk) == (None, None)
    assert Unseen(gap=Gap.NODE_OFFLINE, subject="pve3", count=1) in seen.unseen


def test_the_bad_news_of_two_sources_counts() -> None:
    status = samples.status()
    status[1]["online"] = 0
    assert picture(status=status).by_node["pve1"].online is False
    status[1]["online"], status[3]["online"] = 1, 1
    assert picture(status=status).by_node["pve3"].online is False


def test_names_outlive_the_rows_that_lost_them() -> None:
    """After five minutes the rows of a node that is gone say no more than who they are."""
    bare = [node("pve1"), {"type": "qemu", "id": "qemu/106", "vmid": 106, "node": "pve3", "status": "unknown"},
            {"type": "lxc", "id": "lxc/107", "vmid": 107, "node": "pve3", "status": "unknown"},
            {"type": "node", "id": "node/pve3", "node": "pve3", "status": "offline"}]  # fmt: skip
    guests = picture(bare, before=picture()).by_vmid
    assert (guests[106].name, guests[106].status, guests[106].maxmem) == ("far", Status.UNKNOWN, 4 * GIB)
    assert guests[107].name == "CT 107"
    assert picture(bare).by_vmid[106].name == "VM 106"


def test_a_shared_storage_is_counted_once_by_the_row_that_knows_most() -> None:
    storages = {storage.id: storage for storage in picture().storages}
    assert sorted(storages) == ["nas", "pve1/local", "pve2/local", "pve3/local"]
    nas = storages["nas"]
    assert nas.nodes == ("pve1", "pve2", "pve3")
    assert storages["pve1/local"].nodes == ()
    assert (nas.node, nas.available, nas.used, nas.content) == ("pve1", True, 0.4, ("images",))
    assert storages["pve2/local"].used == 0.9


def test_a_storage_that_an_online_node_cannot_reach_is_not_available() -> None:
    seen = picture([node("pve1"), storage("pve1", "nas", status="unknown", disk=None, maxdisk=None)])
    assert seen.storages[0].available is False
    assert seen.storages[0].used is None


def test_who_it_is() -> None:
    seen = picture()
    assert (seen.name, seen.quorate, seen.standalone, seen.taken) == ("homelab", True, False, NOW)
    assert seen.by_node["pve1"].ip == "192.0.2.1"
    assert seen.by_node["pve3"].ip == ""
    status = samples.status()
    status[0]["quorate"] = 0
    assert picture(status=status).quorate is False


def test_a_node_alone() -> None:
    alone = [
        {"type": "node", "id": "node/solo", "name": "solo", "nodeid": 0, "online": 1, "local": 1, "ip": "192.0.2.9"}
    ]
    seen = picture([node("solo"), vm(101, "a", node="solo")], alone)
    assert (seen.name, seen.quorate, seen.standalone) == ("solo", True, True)
    assert seen.by_node["solo"].ip == "192.0.2.9"
    assert seen.unseen == ()


def test_a_member_without_a_row_is_a_node_too() -> None:
    seen = picture([node("pve1")])
    assert [node.name for node in seen.nodes] == ["pve1", "pve2", "pve3"]
    assert Unseen(gap=Gap.NODE_BARE, subject="pve2") in seen.unseen


def test_without_the_status_the_rows_stand_in() -> None:
    refused = PveForbidden("Permission check failed (/, Sys.Audit)", host="pve1:8006")
    seen = picture(status=refused)
    assert (seen.name, seen.quorate) == ("main", None)
    assert [node.online for node in seen.nodes] == [True, True, False]
    assert Unseen(gap=Gap.STATUS_FORBIDDEN, subject="telemox@pve!view", detail=refused.reason) in seen.unseen
    assert picture([node("solo")], refused).name == "solo"
    lost = PveNoAnswer("no answer in time", host="pve1:8006")
    later = picture(status=lost, before=picture())
    assert (later.name, later.quorate) == ("homelab", None)
    assert Unseen(gap=Gap.STATUS_FAILED, subject="pve1:8006", detail="no answer in time") in later.unseen


def test_no_guests_and_no_right_to_see_any_are_told_apart() -> None:
    empty = [node("pve1")]
    gaps = [gap.gap for gap in picture(empty).unseen]
    assert Gap.NO_GUESTS_VISIBLE not in gaps
    blind = Visibility(token="telemox@pve!view", all_guests=False)
    assert Unseen(gap=Gap.NO_GUESTS_VISIBLE, subject="telemox@pve!view") in picture(empty, visibility=blind).unseen
    unsure = Visibility(token="telemox@pve!view", all_guests=None, detail="no answer in time")
    (gap,) = [gap for gap in picture(empty, visibility=unsure).unseen if gap.gap is Gap.NO_GUESTS_VISIBLE]
    assert gap.detail == "no answer in time"


def test_nodes_without_figures_are_said() -> None:
    seen = picture([{"type": "node", "id": "node/pve1", "node": "pve1", "status": "online"}, vm(101, "a")])
    assert Unseen(gap=Gap.NODE_BARE, subject="pve1") in seen.unseen
    assert Gap.NODE_BARE not in {gap.gap for gap in picture().unseen}


def test_rows_that_make_no_sense_are_dropped_and_counted() -> None:
    nonsense: list[object] = [
                None, 7, "qemu", [], {}, {"type": 1}, {"type": "qemu"}, vm(0, "no", id="qemu/x"), vm(1, "a", node=None),
                {"type": "node"}, {"type": "storage", "node": "pve1"}, vm(-5, "minus", id=None)]  # fmt: skip
    read = rows.resources(body([*nonsense, vm(102, "b"), {"type": "something-new", "id": "x"}]), "main")
    assert [guest.vmid for guest in read.guests] == [102]
    assert read.dropped == len(nonsense)
    assert Unseen(gap=Gap.ROWS_DROPPED, count=len(nonsense)) in picture([*nonsense, vm(102, "b")]).unseen


DEVIATIONS: list[tuple[dict[str, Any], str, object]] = [
    ({"vmid": "101"}, "vmid", 101),
    ({"vmid": None, "id": "qemu/101"}, "vmid", 101),
    ({"template": ""}, "template", False),
    ({"template": "1"}, "template", True),
    ({"template": True}, "template", True),
    ({"template": None}, "template", False),
    ({"maxdisk": "5217320960"}, "maxdisk", 5217320960),
    ({"maxdisk": "9007199254740993"}, "maxdisk", 9007199254740993),
    ({"maxdisk": 1.5e9}, "maxdisk", 1_500_000_000),
    ({"maxcpu": "1"}, "cpus", 1.0),
    ({"maxcpu": 0.5}, "cpus", 0.5),
    ({"cpu": "0.25"}, "cpu", 0.25),
    ({"cpu": True}, "cpu", None),
    ({"cpu": -0.1}, "cpu", None),
    ({"cpu": 1e300}, "cpu", None),
    ({"cpu": 4096}, "cpu", None),
    ({"cpu": "nan"}, "cpu", None),
    ({"cpu": "inf"}, "cpu", None),
    ({"cpu": float("nan")}, "cpu", None),  # as Python's json writes it: no JSON at all
    ({"cpu": float("inf")}, "cpu", None),
    ({"cpu": []}, "cpu", None),
    ({"mem": 10**40}, "mem", None),
    ({"mem": None}, "mem", None),
    ({"mem": "lots"}, "mem", None),
    ({"mem": 6 * GIB}, "mem", 6 * GIB),  # above maxmem on PVE 9
    ({"name": None}, "name", "VM 101"),
    ({"name": ""}, "name", "VM 101"),
    ({"name": 7}, "name", "7"),
    ({"name": "half \ud800"}, "name", "half ?"),
    ({"tags": "a;b,c d;;a"}, "tags", ("a", "b", "c", "d")),
    ({"tags": None}, "tags", ()),
    ({"tags": 5}, "tags", ()),
    ({"pool": None}, "pool", ""),
    ({"lock": ["x"]}, "lock", ""),
    ({"uptime": "12"}, "uptime", 12),
    ({"type": "lxc", "disk": "744189952"}, "disk", 744189952),
    ({"type": "qemu", "disk": 5}, "disk", None),
    ({"status": "stopped", "uptime": 9}, "uptime", None),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field", "value"), DEVIATIONS, ids=[str(change) for change, _, _ in DEVIATIONS])
def test_figures_that_come_in_other_clothes(change: dict[str, Any], field: str, value: object) -> None:
    assert getattr(one(vm(101, "a") | change), field) == value


@pytest.mark.parametrize("data", [None, {}, []])
def test_perls_empty_things_are_empty_lists(data: object) -> None:
    assert rows.resources(body(data), "main").guests == ()


@pytest.mark.parametrize("data", ["x", 5, {"a": 1}, True])
def test_what_is_no_list_is_garbled(data: object) -> None:
    with pytest.raises(Garbled, match="list"):
        rows.resources(body(data), "main")


def test_a_status_that_names_nobody_is_garbled() -> None:
    with pytest.raises(Garbled):
        rows.cluster_status(body([{"type": "node"}, 5, None]))


BEFORE = one(vm(101, HOSTILE, tags="prod", pool="prod", hastate="started", cpu=0.5))


def live(**changes: Any) -> Guest:
    said = {"status": "running", "qmpstatus": "running", "name": "web", "cpus": 2, "cpu": 0.03, "mem": GIB,
            "maxmem": 4 * GIB, "disk": 0, "maxdisk": 32 * GIB, "netin": 5, "netout": 6, "uptime": 77,
            "ha": {"managed": 0}, "pid": "2947", "agent": 1}  # fmt: skip
    return rows.current(body(said | changes), BEFORE)[0]


def test_a_guest_live() -> None:
    guest = live()
    assert (guest.name, guest.cpus, guest.cpu, guest.mem, guest.uptime) == ("web", 2, 0.03, GIB, 77)
    assert (guest.live, guest.pool, guest.node, guest.disk, guest.hastate) == (True, "prod", "pve1", None, "")
    assert guest.tags == ("prod",)  # not said: as before


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, Status.RUNNING),
        ({"qmpstatus": "paused"}, Status.PAUSED),
        ({"qmpstatus": "io-error"}, Status.IO_ERROR),
        ({"qmpstatus": "guest-panicked"}, Status.GUEST_PANICKED),
        ({"qmpstatus": "prelaunch"}, Status.PRELAUNCH),
        ({"qmpstatus": "suspended"}, Status.PAUSED),
        ({"qmpstatus": "shutdown"}, Status.RUNNING),
        ({"qmpstatus": None}, Status.RUNNING),
        ({"qmpstatus": {"a": 1}}, Status.RUNNING),
        ({"status": "stopped", "qmpstatus": "stopped"}, Status.STOPPED),
        ({"status": "stopped", "qmpstatus": "stopped", "lock": "suspended"}, Status.HIBERNATED),
        ({"status": "running", "lock": "suspended"}, Status.RUNNING),
        ({"status": "stopped", "lock": "backup"}, Status.STOPPED),
        ({"status": "huh"}, Status.UNKNOWN),
    ],
)
def test_a_guests_live_state(changes: dict[str, Any], status: Status) -> None:
    guest = live(**changes)
    assert guest.status is status
    assert (guest.uptime is None) == (not status.up)


@pytest.mark.parametrize(
    ("ha", "state"),
    [
        ({"managed": 1, "state": "started"}, "started"),
        ({"managed": "1", "state": "stopped"}, "stopped"),
        ({"managed": 1}, "managed"),
        ({"managed": 0}, ""),
        ({}, ""),
        (None, "started"),
        ("x", "started"),
    ],
)
def test_ha_as_the_node_says(ha: object, state: str) -> None:
    assert live(ha=ha).hastate == state


def test_the_agent_is_named_or_not() -> None:
    assert rows.current(body({"status": "running", "agent": 1}), BEFORE)[1]
    assert not rows.current(body({"status": "running"}), BEFORE)[1]
    with pytest.raises(Garbled):
        rows.current(body({"name": "web"}), BEFORE)


def test_a_container_knows_its_disk() -> None:
    before = one(ct(105, "mail"))
    assert rows.current(body({"status": "running", "disk": "11665408", "type": "lxc"}), before)[0].disk == 11665408


def test_single_values() -> None:
    figures: list[object] = [0, 1.5, "2", "x", None, True, -1, [], "1e400"]
    assert [number(value) for value in figures] == [0, 1.5, 2, *[None] * 6]
    assert [whole(value) for value in (0, 1.9, "2", "2.5", "-1", False)] == [0, 1, 2, 2, None, None]
    claims: list[object] = [1, "1", True, 0, "0", "", None, "yes", []]
    assert [flag(value) for value in claims] == [True] * 3 + [False] * 6
    texts: list[object] = ["a", 5, 0.5, True, None, []]
    assert [text(value) for value in texts] == ["a", "5", "0.5", "", "", ""]
    assert words(" a ; b;;a", ";") == ("a", "b")
    assert moment(0) is None
    assert moment(10**15) is None
    assert moment("1700000000") == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_json_that_is_a_little_off_is_read_and_the_rest_is_garbled() -> None:
    assert loads(b'{"a": NaN}') is not None
    assert loads(b'{"a": "caf\xe9"}') == {"a": "caf\ufffd"}
    assert loads(rb'{"\ud800": "\udfff"}') == {"?": "?"}
    for broken in (b"", b"{", b"nan", b"<html>", b"\xff\xfe", b"[" * 100_000, b"9" * 5000 + b"x"):
        with pytest.raises(Garbled):
            loads(broken)


def test_what_a_refusal_says() -> None:
    assert refusal(b'{"data":null,"message":"no\\nway\\n"}') == ("no\nway", {})
    assert refusal(b'{"data":null,"errors":{"a":"bad\\n","b":5}}') == ("", {"a": "bad", "b": "5"})
    for nothing in (b"", b"<html>", b"{", b"[]", b'{"message":5,"errors":"x"}', b"{\xff"):
        assert refusal(nothing) == ("", {})
