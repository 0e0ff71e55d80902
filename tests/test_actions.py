"""The table of actions: complete, consistent with itself, and held against Proxmox's own schema where it is at hand."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.access import Asker, Role
from bot.actions import ACTIONS, BY_KEY, Action, offers
from bot.model import Guest, Kind, Permissions, Status
from bot.runner.aim import Aim

CONTRACT = Path(os.environ.get("SHARED_DIR", "../shared")) / "pve" / "contract.json"
WEB = Guest(
    cluster="main",
    vmid=101,
    name='web<1>_&"',
    kind=Kind.QEMU,
    node="pve1",
    status=Status.RUNNING,
    uptime=1000,
    pool="shop",
    live=True,
)
ANA = Asker(id=1, name="Ana", role=Role.OPERATOR)
ALL = Permissions(
    paths={"/": {"VM.PowerMgmt": True, "VM.Config.Disk": True, "Datastore.AllocateSpace": True, "VM.Audit": True}}
)
POWER = {Role.OPERATOR: ALL, Role.ADMIN: ALL}

every = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.key)


def offered(guest: Guest, asker: Asker = ANA, permissions: Mapping[Role, Permissions] = POWER) -> set[str]:
    return {action.key for action in offers(guest, asker, permissions)}


def ct(status: Status) -> Guest:
    return replace(WEB, kind=Kind.LXC, status=status)


@pytest.mark.parametrize(
    ("guest", "keys"),
    [
        (WEB, {"shutdown", "reboot", "pause", "hibernate", "reset", "stop"}),
        (replace(WEB, status=Status.STOPPED), {"start"}),
        (replace(WEB, status=Status.HIBERNATED, lock="suspended"), {"resume"}),
        # Proxmox VE refuses shutdown and reboot of a paused VM
        (replace(WEB, status=Status.PAUSED), {"resume", "reset", "stop"}),
        (replace(WEB, status=Status.PRELAUNCH), {"reset", "stop"}),
        (replace(WEB, status=Status.IO_ERROR), {"resume", "reset", "stop"}),
        (replace(WEB, status=Status.INTERNAL_ERROR), {"reset", "stop"}),
        (replace(WEB, status=Status.GUEST_PANICKED), {"reset", "stop"}),
        (replace(WEB, status=Status.UNKNOWN), set()),
        (replace(WEB, template=True), set()),
        (replace(WEB, template=True, status=Status.STOPPED), set()),
        (replace(WEB, hastate="started"), {"shutdown", "reboot", "pause", "reset", "stop"}),
        (replace(WEB, hastate="ignored"), {"shutdown", "reboot", "pause", "hibernate", "reset", "stop"}),
        (ct(Status.RUNNING), {"shutdown", "reboot", "stop"}),
        (ct(Status.STOPPED), {"start"}),
    ],
)
def test_what_is_offered_in_which_state(guest: Guest, keys: set[str]) -> None:
    assert offered(guest) == keys


def test_nothing_is_offered_to_a_viewer_or_without_a_token() -> None:
    assert offered(WEB, replace(ANA, role=Role.VIEWER)) == set()
    assert offered(WEB, permissions={}) == set()
    assert offered(WEB, permissions={Role.VIEWER: ALL}) == set()


def test_what_the_token_lacks_on_that_very_guest_is_not_offered() -> None:
    elsewhere = Permissions(paths={"/": {"VM.PowerMgmt": True}, "/vms/101": {"VM.Audit": True}})
    assert offered(replace(WEB, pool=""), permissions={Role.OPERATOR: elsewhere}) == set()
    by_pool = Permissions(paths={"/vms": {"VM.Audit": True}, "/pool/shop": {"VM.PowerMgmt": True}})
    assert "reboot" in offered(WEB, permissions={Role.OPERATOR: by_pool})


def test_hibernating_needs_disk_and_space_as_well() -> None:
    hibernate = BY_KEY["hibernate"]
    power = {"VM.PowerMgmt": True}
    assert hibernate.lacks(WEB, Permissions(paths={"/vms": power})) == ("VM.Config.Disk", "/vms/101")
    disk = power | {"VM.Config.Disk": True}
    assert hibernate.lacks(WEB, Permissions(paths={"/vms": disk})) == ("Datastore.AllocateSpace", "/storage")
    one = Permissions(paths={"/vms": disk, "/storage/nfs": {"Datastore.AllocateSpace": True}})
    assert hibernate.lacks(WEB, one) is None
    assert "hibernate" not in offered(WEB, permissions={Role.OPERATOR: Permissions(paths={"/vms": power})})
    assert "pause" in offered(WEB, permissions={Role.OPERATOR: Permissions(paths={"/vms": power})})


@pytest.mark.parametrize(
    ("key", "now", "true"),
    [
        ("start", replace(WEB, uptime=1), True),
        ("start", replace(WEB, status=Status.PRELAUNCH), False),
        ("start", replace(WEB, status=Status.PAUSED), False),
        ("shutdown", WEB, False),
        ("shutdown", replace(WEB, status=Status.STOPPED, uptime=None), True),
        ("reboot", replace(WEB, uptime=3), True),
        ("reboot", replace(WEB, uptime=1010), False),  # it runs, but never went down
        ("reboot", replace(WEB, status=Status.STOPPED, uptime=None), False),
        ("resume", replace(WEB, uptime=2000), True),
        ("resume", replace(WEB, status=Status.PAUSED), False),
        ("pause", replace(WEB, status=Status.PAUSED), True),
        ("pause", WEB, False),
        ("hibernate", replace(WEB, status=Status.HIBERNATED, uptime=None), True),
        ("hibernate", WEB, False),
        ("reset", replace(WEB, uptime=1005), True),  # the process goes on, and its uptime with it
        ("reset", replace(WEB, status=Status.STOPPED, uptime=None), False),
        ("stop", replace(WEB, status=Status.STOPPED, uptime=None), True),
        ("stop", WEB, False),
    ],
)
def test_what_must_hold_afterwards(key: str, now: Guest, true: bool) -> None:
    assert BY_KEY[key].verify(WEB, now) is true


def test_keys_are_unique_and_short() -> None:
    assert len(BY_KEY) == len(ACTIONS)
    # a tap is 64 bytes at most: version, verb, key, a cluster of 12, a vmid of 9, separators
    assert all(action.key.isascii() and action.key.isalpha() and len(action.key) <= 12 for action in ACTIONS)


@every
def test_a_row_is_complete(action: Action) -> None:
    assert action.role >= Role.OPERATOR
    assert set(action.tasks) == set(action.on)
    assert all(action.tasks.values())
    assert action.settle > 0
    assert action.timeout > 0
    assert action.force == "" or BY_KEY[action.force].harsh
    words = {"name": "web", "vmid": "101", "node": "pve1"}
    for text in (action.question, action.doing, action.done, action.failed):
        assert "{name}" in text or text == ""
        text.format(**words)
    assert (action.question == "") == (action.key in {"start", "resume"})


@every
def test_the_url_names_the_guest(action: Action) -> None:
    for kind in action.on:
        guest = replace(WEB, kind=kind)
        url = action.url(guest)
        named = action.body(guest).get("vmid") == "101" and url.startswith("/nodes/pve1/")
        assert named or url.startswith(f"/nodes/pve1/{kind.value}/101/status/")


def test_what_pulls_the_plug_asks_and_says_so() -> None:
    assert {action.key for action in ACTIONS if action.harsh} == {"reset", "stop"}
    assert all("lost" in action.question for action in ACTIONS if action.harsh)


@pytest.fixture(scope="module")
def endpoints() -> Mapping[tuple[str, str], Any]:
    if not CONTRACT.exists():
        pytest.skip(f"no schema of Proxmox VE at {CONTRACT} (SHARED_DIR)")
    rows = json.loads(CONTRACT.read_text())["endpoints"]
    return {(row["method"], row["path"]): row for row in rows}


@every
def test_path_parameters_and_privilege_are_those_of_the_schema(
    action: Action, endpoints: Mapping[tuple[str, str], Any]
) -> None:
    for kind in action.on:
        row = endpoints[action.method, action.path.replace("{kind}", kind.value)]
        assert {"7.4", "8.4", "9.2"} <= set(row["versions"])
        names = {*action.params, *(Aim(storage="nas").params if action.aimed else ())}
        assert names <= {parameter["name"] for parameter in row["parameters"]}
        note = str(row["permissions"].get("note", "")) if action.params else ""
        if action.aimed:  # of several guests, and of a storage: the schema says it in prose
            assert f"{action.privilege} on every guest" in note
        else:
            assert row["permissions"]["check"] == ["perm", "/vms/{vmid}", [action.privilege]]
        assert row["returns_upid"]
        assert all(privilege in note for privilege in action.also)
        for version, older in row.get("diff", {}).items():
            assert not set(action.params) & set(older.get("params_missing", ())), version
