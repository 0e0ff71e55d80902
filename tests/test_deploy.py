"""What is in deploy/: the role script against a stand-in for pveum, and the files that run the bot elsewhere.

The stand-in is a program on PATH that keeps roles, users, tokens and rights in a JSON file, refuses what the version
would refuse, and writes down every call.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot import privileges
from bot.actions import ACTIONS
from bot.config import FIELDS, secret

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "deploy/pveum.sh"

ALL = {
    "VM.Audit", "VM.Backup", "VM.PowerMgmt", "VM.Config.Disk", "Sys.Audit", "Sys.Syslog", "Datastore.Audit",
    "Datastore.AllocateSpace", "Pool.Audit", "SDN.Audit",
}  # fmt: skip
KNOWN = {7: ALL | {"VM.Monitor"}, 8: ALL | {"VM.Monitor"}, 9: ALL | {"VM.GuestAgent.Audit"}}

PVEUM = r"""#!{python}
import json, sys, pathlib
here = pathlib.Path(__file__).parent
file = here / "state.json"
state = json.loads(file.read_text())
words, options, rest = sys.argv[1:], {{}}, []
while words:
    word = words.pop(0)
    if word.startswith("--"):
        options[word[2:]] = words.pop(0)
    else:
        rest.append(word)
with (here / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\n")

def die(text):
    sys.exit(text)

def show(rows):
    print(json.dumps(rows, separators=(",", ":")))

def privs():
    for name in options["privs"].split(","):
        if name not in state["privileges"]:
            die(f"invalid privilege '{{name}}'")
    return options["privs"]

match rest:
    case ["role", "list"]:
        show([{{"privs": privs, "roleid": name}} for name, privs in state["roles"].items()])
    case ["role", "add", name]:
        if name in state["roles"]:
            die(f"role '{{name}}' already exists")
        state["roles"][name] = privs()
    case ["role", "modify", name]:
        if name not in state["roles"]:
            die(f"role '{{name}}' does not exist")
        state["roles"][name] = privs()
    case ["user", "list"]:
        show([{{"userid": name, "enable": 1}} for name in state["users"]])
    case ["user", "add", name]:
        if name in state["users"]:
            die(f"create user failed: user '{{name}}' already exists")
        state["users"][name] = {{}}
    case ["user", "token", "list", user]:
        show([{{"tokenid": name, "privsep": 1}} for name in state["users"].get(user, {{}})])
    case ["user", "token", "add", user, name]:
        if name in state["users"][user]:
            die("Token already exists.")
        assert options["privsep"] == "1"
        state["made"] += 1
        state["users"][user][name] = value = f"secret-{{state['made']}}"
        show({{"full-tokenid": f"{{user}}!{{name}}", "info": {{"privsep": "1"}}, "value": value}})
    case ["user", "token", "remove", user, name]:
        if name not in state["users"].get(user, {{}}):
            die(f"no such token '{{name}}' for user '{{user}}'")
        del state["users"][user][name]
    case ["acl", "list"]:
        show([
            {{"path": path, "ugid": who, "roleid": role, "type": "token" if "!" in who else "user", "propagate": 1}}
            for path, whos in state["acls"].items() for who, roles in whos.items() for role in roles
        ])
    case ["acl", "modify" | "delete" as verb, path]:
        who = options.get("users") or options["tokens"]
        user, _, token = who.partition("!")
        if user not in state["users"] or token and token not in state["users"][user]:
            die(f"no such user or token: {{who}}")
        roles = state["acls"].setdefault(path, {{}}).setdefault(who, [])
        for role in options["roles"].split(","):
            if role not in state["roles"]:
                die(f"role '{{role}}' does not exist")
            if verb == "modify" and role not in roles:
                roles.append(role)
            elif verb == "delete":
                roles.remove(role)
    case _:
        die(f"unknown command: {{rest}}")
file.write_text(json.dumps(state))
"""


class Node:
    """A machine with a pveum of version `major` on its PATH."""

    def __init__(self, folder: Path, major: int) -> None:
        self.folder = folder
        state = {"roles": {}, "users": {"root@pam": {}}, "acls": {}, "made": 0, "privileges": sorted(KNOWN[major])}
        self._file("state.json", json.dumps(state))
        self._file("pveum", PVEUM.format(python=sys.executable))
        self._file(
            "pveversion", f"#!/bin/sh\necho 'pve-manager/{major}.4.1/0123456789abcdef (running kernel: 6.8.12-1-pve)'\n"
        )
        nodes = json.dumps([{"node": "pve1", "ssl_fingerprint": "AA:BB"}, {"ssl_fingerprint": "CC:DD", "node": "pve2"}])
        self._file("pvesh", f"#!/bin/sh\necho '{nodes}'\n")

    def _file(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def run(self, *options: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}:{os.defpath}"
        return sh(path, options, status)

    @property
    def state(self) -> dict[str, dict[str, dict[str, list[str]]]]:
        found: dict[str, dict[str, dict[str, list[str]]]] = json.loads((self.folder / "state.json").read_text())
        return found

    def rights(self, who: str) -> dict[str, list[str]]:
        return {path: sorted(whos[who]) for path, whos in self.state["acls"].items() if whos.get(who)}

    @property
    def writes(self) -> list[str]:
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [line for line in lines if " list" not in line]


def without_pveum(*options: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    return sh(os.defpath, options, status)


def sh(path: str, options: Sequence[str], status: int) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(  # noqa: S603 - our own script, on a PATH of our own
        ["/bin/sh", str(SCRIPT), *options], env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    return done


@pytest.fixture(params=privileges.MAJORS)
def major(request: pytest.FixtureRequest) -> int:
    found: int = request.param
    return found


@pytest.fixture
def node(tmp_path: Path, major: int) -> Node:
    return Node(tmp_path, major)


@pytest.fixture
def nine(tmp_path: Path) -> Node:
    return Node(tmp_path, 9)


def test_makes_all_that_is_needed_on_each_version(node: Node, major: int) -> None:
    """Roles hold only privileges that the version knows: the stand-in refuses any other."""
    done = node.run()
    state = node.state
    assert set(state["users"]["telemox@pve"]) == {"view", "power"}
    assert set(str(state["roles"]["TelemoxView"]).split(",")) == {
        "VM.Audit", "Sys.Audit", "Datastore.Audit", "Pool.Audit", *(["VM.GuestAgent.Audit"] if major == 9 else []),
    }  # fmt: skip
    assert str(state["roles"]["TelemoxPower"]) == "VM.Audit,VM.PowerMgmt"
    assert node.rights("telemox@pve!view") == {"/": ["TelemoxView"]}
    assert node.rights("telemox@pve!power") == {"/vms": ["TelemoxPower"]}
    assert node.rights("telemox@pve") == {"/": ["TelemoxView"], "/vms": ["TelemoxPower", "TelemoxView"]}
    assert done.stdout.splitlines() == [
        "TELEMOX_PVE_VIEW_TOKEN=telemox@pve!view=secret-1",
        "TELEMOX_PVE_POWER_TOKEN=telemox@pve!power=secret-2",
        "TELEMOX_PVE_FINGERPRINTS=AA:BB,CC:DD",
    ]


def test_running_it_again_changes_nothing(node: Node) -> None:
    node.run()
    before = node.state
    again = node.run()
    assert node.state == before
    assert "secret" not in again.stdout
    assert "telemox@pve!view exists and is kept" in again.stderr


def test_print_runs_nothing(node: Node) -> None:
    before = node.state
    done = node.run("--print")
    assert node.state == before
    assert node.writes == []
    assert "pveum acl modify /vms --tokens 'telemox@pve!power' --roles TelemoxPower" in done.stdout.splitlines()


def test_print_is_what_running_does(nine: Node) -> None:
    shown = without_pveum("--print", "--version", "9").stdout
    nine.run()
    ran = [f"pveum {line}".replace(" --output-format json", "") for line in nine.writes]
    assert shown.replace("'", "").splitlines() == ran


def test_print_without_pveum_needs_the_version(major: int) -> None:
    assert "--privs VM.Audit" in without_pveum("--print", "--version", f"{major}.2").stdout
    assert "Say --version 7|8|9" in without_pveum("--print", status=2).stderr
    assert "is not one of 7, 8, 9" in without_pveum("--print", "--version", "6", status=2).stderr
    assert "there is no pveum here" in without_pveum(status=2).stderr


def test_agent_and_full_on_request(node: Node, major: int) -> None:
    node.run("--agent", "--full")
    view, power = (str(node.state["roles"][role]).split(",") for role in ("TelemoxView", "TelemoxPower"))
    assert ("VM.Monitor" in view) == (major < 9)
    assert set(power) == {"VM.Audit", *(privilege for action in ACTIONS for privilege in action.privileges)}
    assert node.rights("telemox@pve!power")["/storage"] == ["TelemoxPower"]


def test_a_monitor_has_no_power(nine: Node) -> None:
    done = nine.run("--monitor")
    assert set(nine.state["users"]["telemox@pve"]) == {"view"}
    assert "POWER" not in done.stdout


def test_narrowed_to_a_pool_and_guests_and_narrowed_again(nine: Node) -> None:
    nine.run()
    nine.run("--pool", "lab", "--vms", "101,102")
    assert set(nine.rights("telemox@pve!power")) == {"/pool/lab", "/vms/101", "/vms/102"}
    nine.run("--vms", "101")
    assert nine.rights("telemox@pve!power") == {"/vms/101": ["TelemoxPower"]}
    assert nine.rights("telemox@pve!view") == {"/": ["TelemoxView"]}, "the view is not narrowed"
    assert nine.rights("telemox@pve")["/vms/101"] == ["TelemoxPower", "TelemoxView"]


def test_a_device_has_tokens_of_its_own_and_is_revoked_alone(nine: Node) -> None:
    nine.run()
    done = nine.run("--name", "phone")
    assert done.stdout.splitlines()[0] == "TELEMOX_PVE_VIEW_TOKEN=telemox@pve!phone-view=secret-3"
    nine.run("--name", "phone", "--revoke")
    assert set(nine.state["users"]["telemox@pve"]) == {"view", "power"}
    assert nine.rights("telemox@pve!phone-power") == {}
    assert nine.rights("telemox@pve!power") == {"/vms": ["TelemoxPower"]}
    again = nine.run("--name", "phone", "--revoke")
    assert "There is no token telemox@pve!phone-view." in again.stderr


def test_rotating_makes_new_secrets_with_the_same_rights(nine: Node) -> None:
    nine.run()
    rights = nine.rights("telemox@pve!power")
    done = nine.run("--rotate")
    assert done.stdout.splitlines()[:2] == [
        "TELEMOX_PVE_VIEW_TOKEN=telemox@pve!view=secret-3",
        "TELEMOX_PVE_POWER_TOKEN=telemox@pve!power=secret-4",
    ]
    assert nine.rights("telemox@pve!power") == rights


@pytest.mark.parametrize(
    "options",
    [
        ["--name", "a b"],
        ["--name", "1st"],
        ["--name", "$(id)"],
        ["--name"],
        ["--pool", "a;b"],
        ["--pool", ""],
        ["--vms", "all"],
        ["--frobnicate"],
    ],
)
def test_wrong_options_change_nothing(nine: Node, options: list[str]) -> None:
    nine.run(*options, status=2)
    assert nine.writes == []


def test_help_names_what_it_does() -> None:
    text = without_pveum("--help").stdout
    for option in ("--print", "--name", "--pool", "--vms", "--rotate", "--revoke", "--agent", "--full"):
        assert option in text


def test_a_failing_pveum_stops_it(nine: Node) -> None:
    """A privilege that the version does not know is refused, and nothing is done after it."""
    state = nine.state
    state["privileges"] = ["VM.Audit"]  # type: ignore[assignment]
    (nine.folder / "state.json").write_text(json.dumps(state))
    done = nine.run(status=1)
    assert "invalid privilege" in done.stderr
    assert "telemox@pve" not in nine.state["users"]


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Skips where the machine has no such program."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - a linter


def test_shellcheck_has_nothing_to_say() -> None:
    done = tool("shellcheck", str(SCRIPT))
    assert done.returncode == 0, done.stdout


def test_it_can_be_run() -> None:
    assert os.access(SCRIPT, os.X_OK)


# -- the privileges it gives are those that the bot needs -------------------------------------------------------------


def test_each_action_is_covered(major: int) -> None:
    power = privileges.granted(privileges.POWER_ROLE, major, more=True)
    for action in ACTIONS:
        for privilege in action.privileges:
            assert set(privilege.split("|")) & set(power), action.key


def test_the_view_role_writes_nothing(major: int) -> None:
    assert not any(map(privileges.writes, privileges.granted(privileges.VIEW_ROLE, major)))
    assert privileges.writes("VM.Monitor"), "it runs commands in guests"
    assert privileges.writes("Something.New")


# -- systemd, Docker ---------------------------------------------------------------------------------------------------

UNIT = ROOT / "deploy/telemox.service"
FILES = [UNIT, ROOT / "deploy/compose.yaml", ROOT / "deploy/Dockerfile", ROOT / "deploy/telemox.env.example"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_they_name_only_settings_that_exist(path: Path) -> None:
    known = {*FIELDS, *(f"{name}_FILE" for name in FIELDS if secret(name))}
    assert set(re.findall(r"TELEMOX_[A-Z_]+", path.read_text())) <= known


def test_the_unit_is_as_closed_as_its_page_says() -> None:
    """The figure is systemd's own exposure level, of 10."""
    done = tool("systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT))
    found = re.search(r"exposure level for telemox\.service: ([0-9.]+)", done.stdout)
    if found is None:
        pytest.skip("this systemd-analyze cannot judge a unit that is not loaded")
    told = re.search(r"exposure level ([0-9.]+)", (ROOT / "docs/systemd.md").read_text())
    assert told is not None
    assert float(found[1]) <= float(told[1])


def test_secrets_reach_the_unit_as_credentials_by_their_names() -> None:
    """LoadCredential= of a folder names each credential <id>_<file>; the page names the files."""
    assert "LoadCredential=telemox:/etc/telemox/secrets" in UNIT.read_text()
    page = (ROOT / "docs/systemd.md").read_text()
    for name in FIELDS:
        if secret(name):
            assert f"/etc/telemox/secrets/{name.removeprefix('TELEMOX_').lower()}" in page


def test_the_container_has_no_rights() -> None:
    compose = (ROOT / "deploy/compose.yaml").read_text()
    for line in (
        "read_only: true",
        "cap_drop: [ALL]",
        'security_opt: ["no-new-privileges:true"]',
        'user: "10001:10001"',
    ):
        assert line in compose
    assert "privileged" not in compose
    assert "ports:" not in compose
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    assert "USER 10001:10001" in dockerfile
    assert "--require-hashes" in dockerfile
    ignored = (ROOT / "deploy/Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[1] == "*", "what is not named stays outside: .env above all"
