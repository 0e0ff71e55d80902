"""`telemox check` against the simulated cluster and the stand-in Bot API: what it says, what it advises, its status."""

import asyncio
import base64
import json
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.access import Role
from bot.check import check, telegram, telling
from bot.check.line import Level
from bot.check.telegram import near
from bot.clock import SystemClock
from bot.config import load
from bot.demo.cluster import Cluster
from bot.demo.telegram import BotApi
from bot.model import Guest, Kind, Snapshot, Status, Version
from bot.privileges import MAJORS, needs
from bot.pve.config import Host
from bot.pve.tls import probe
from bot.text import Reader, plain
from bot.web import notify

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKEN = "123456789:stand-in-of-the-tests-00000000000000"
VERSIONS = {7: "7.4-20", 8: "8.4.21", 9: "9.1.11"}


class Shifted(SystemClock):
    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return super().now() + self._by


class Said:
    """What one run printed."""

    def __init__(self, lines: list[str], status: int) -> None:
        self.lines = lines
        self.status = status
        self.text = "\n".join(lines)

    def of(self, level: str) -> list[str]:
        return [line[6:] for line in self.lines if line.startswith(level)]

    def mends(self, part: str) -> list[str]:
        """The commands under the line that holds `part`."""
        at = next(number for number, line in enumerate(self.lines) if part in line)
        found = []
        for line in self.lines[at + 1 :]:
            if not line.startswith("      "):
                break
            found.append(line.strip())
        return found


class Surroundings:
    """A cluster and a Bot API; `run()` checks with settings changed as said. No line of any run may hold a secret."""

    def __init__(self, folder: Path, cluster: Cluster, api: BotApi) -> None:
        self.cluster = cluster
        self.api = api
        self.folder = folder
        ca = folder / "ca.pem"
        ca.write_bytes(cluster.ca_pem)
        self.settings = {
            "TELEGRAM_TOKEN": TOKEN,
            "TELEGRAM_BASE_URL": api.base_url,
            "PVE_HOSTS": ",".join(cluster.hosts),
            "PVE_VIEW_TOKEN": cluster.tokens["view"],
            "PVE_POWER_TOKEN": cluster.tokens["power"],
            "PVE_CA_FILE": str(ca),
            "ADMINS": "1",
            "DATA_DIR": str(folder),
        }

    async def run(self, clock: SystemClock | None = None, /, **changes: str) -> Said:
        settings = {f"TELEMOX_{name}": value for name, value in (self.settings | changes).items()}
        lines: list[str] = []
        status = await check(load(None, settings), lines.append, clock)
        said = Said(lines, status)
        for secret in (TOKEN, *(token.partition("=")[2] for token in self.cluster.tokens.values())):
            assert secret not in said.text
        assert not any("\n" in line for line in lines)
        return said


@asynccontextmanager
async def surroundings(folder: Path, version: str = "9.1.11", guests: int = 40) -> AsyncIterator[Surroundings]:
    api = BotApi(TOKEN)
    async with Cluster(version=version, guests=guests, auth_delay=0) as cluster:
        await api.start()
        try:
            yield Surroundings(folder, cluster, api)
        finally:
            await api.stop()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Surroundings]:
    async with surroundings(tmp_path) as found:
        yield found


# -- all well ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("major", MAJORS)
async def test_all_well_on_each_version(tmp_path: Path, major: int) -> None:
    async with surroundings(tmp_path, VERSIONS[major]) as here:
        said = await here.run()
        assert said.status == 0, said.text
        assert all(line.startswith("OK    ") for line in said.lines), said.text
        first, *_ = here.cluster.hosts
        assert f"{first} runs Proxmox VE {here.cluster.release.text}." in said.of("OK")
        assert f"Telegram: @telemox_demo_bot answers at {here.api.base_url}." in said.of("OK")
        assert "telemox@pve!view: VM.Audit on /vms (guests and their figures)." in said.of("OK")
        assert "homelab: 3 nodes, 38 guests, quorum." in said.of("OK")
        assert all(request.method == "GET" for request in here.cluster.requests), "it changes nothing"
        assert {call.method for call in here.api.calls} <= {"getMe", "getWebhookInfo"}


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        ({"ADMINS": "1"}, 0),
        ({"ADMINS": "1", "VIEWERS": "2"}, 0),
        ({"ADMINS": "1", "OPERATORS": "2"}, 1),
    ],
)
async def test_a_monitor_is_well_too(here: Surroundings, roles: dict[str, str], status: int) -> None:
    said = await here.run(PVE_POWER_TOKEN="", **roles)
    assert said.status == status, said.text
    assert "No power token: the bot is a monitor, no action is offered to anybody." in said.of("OK")


# -- people and the data directory ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({"ADMINS": ""}, "FAIL", "Nobody has a role: the bot will answer no one. Give your own Telegram id one."),
        ({"ADMINS": "", "OPERATORS": "-5"}, "WARN", "Only groups have roles: nobody can talk to the bot in private."),
        (
            {"ADMINS": "", "OPERATORS": "5"},
            "WARN",
            "No person is an admin: the bot has nobody to turn to with trouble of its own.",
        ),
        (
            {"CEILINGS": "-77=viewer"},
            "WARN",
            "A ceiling is set for -77, which has no role: the bot does not answer there.",
        ),
        (
            {"PVE_POWER_TOKEN": "", "OPERATORS": "5"},
            "WARN",
            "There are operators but no power token: no action is offered to anybody.",
        ),
        (
            {"ADMINS": "", "VIEWERS": "1"},
            "WARN",
            "There is a power token but no operator: nobody may press what it could do.",
        ),
    ],
)
async def test_people(here: Surroundings, changes: dict[str, str], level: str, words: str) -> None:
    said = await here.run(None, **changes)
    assert words in said.of(level), said.text
    assert said.status == {"WARN": 1, "FAIL": 2}[level]


async def test_the_data_directory(here: Surroundings) -> None:
    file = here.folder / "file"
    file.write_text("")
    assert f"The data directory {file} is a file." in (await here.run(DATA_DIR=str(file))).of("FAIL")
    new = here.folder / "a/b"
    said = await here.run(DATA_DIR=str(new))
    assert f"The data directory {new} will be made at the first start." in said.of("OK")
    assert not new.exists(), "made by whoever runs check it would be in the bot's way"
    said = await here.run(DATA_DIR=str(file / "below"))
    assert f"The data directory {file / 'below'} is missing, and this user cannot make it." in said.of("FAIL")


# -- Telegram ------------------------------------------------------------------------------------------------------


async def test_a_refused_bot_token(here: Surroundings) -> None:
    said = await here.run(TELEGRAM_TOKEN="987654321:another-made-up-secret-of-a-bot-0000")
    (line,) = said.of("FAIL")
    assert line.startswith("Telegram: the bot's token is refused.")
    assert said.mends("the bot's token is refused") == ["TELEMOX_TELEGRAM_TOKEN=<token>"]
    assert "another-made-up" not in said.text
    assert said.status == 2


async def test_telegram_out_of_reach(here: Surroundings) -> None:
    said = await here.run(TELEGRAM_BASE_URL="http://127.0.0.1:9")
    assert said.of("FAIL") == ["Telegram: http://127.0.0.1:9 cannot be reached (connection refused)."]


@asynccontextmanager
async def canned(answers: dict[str, object], **headers: str) -> AsyncIterator[str]:
    """A server that says one thing a method; its base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method = head.split(b" ")[1].decode().partition("?")[0].rpartition("/")[2]
        body = answers.get(method, "<html>not here</html>")
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(content)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


ME = {"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "x", "username": "x_bot"}}


async def test_a_webhook_takes_the_updates_away(here: Surroundings) -> None:
    info = {"ok": True, "result": {"url": "https://elsewhere.example.org/secret-path", "pending_update_count": 3}}
    async with canned({"getMe": ME, "getWebhookInfo": info}) as base:
        said = await here.run(TELEGRAM_BASE_URL=base)
    assert said.of("WARN") == [
        "Telegram: updates go to a webhook at elsewhere.example.org; while it is set the bot hears nothing."
    ]
    assert "secret-path" not in said.text
    assert said.mends("updates go to a webhook") == [f'curl "{base}/bot$TELEMOX_TELEGRAM_TOKEN/deleteWebhook"']


async def test_something_else_answers(here: Surroundings) -> None:
    async with canned({}) as base:
        said = await here.run(TELEGRAM_BASE_URL=base)
    assert said.of("FAIL") == [f"Telegram: what answers at {base} is no Bot API (status 200)."]


@pytest.mark.parametrize("own", ["x", None, 1.5, True])
async def test_a_bot_without_a_number_is_none(here: Surroundings, own: object) -> None:
    async with canned({"getMe": {"ok": True, "result": {"id": own, "username": "x_bot"}}}) as base:
        said = await here.run(TELEGRAM_BASE_URL=base)
    assert said.of("FAIL") == [f"Telegram: what answers at {base} is no Bot API (status 200)."]


async def test_the_address_of_a_webhook_may_be_none(here: Surroundings) -> None:
    async with canned({"getMe": ME, "getWebhookInfo": {"ok": True, "result": {"url": "http://["}}}) as base:
        said = await here.run(TELEGRAM_BASE_URL=base)
    assert said.of("WARN") == ["Telegram: updates go to a webhook at ?; while it is set the bot hears nothing."]


async def test_a_secret_in_an_answer_is_not_repeated(here: Surroundings) -> None:
    """A gateway's error may hold the address that was asked, and with it the token."""
    refused = {"ok": False, "error_code": 400, "description": f"no route for /bot{TOKEN}/getMe"}
    async with canned({"getMe": refused}) as base:
        said = await here.run(TELEGRAM_BASE_URL=base)
    assert said.of("FAIL") == ["Telegram: getMe was refused: no route for /bot•••/getMe"]


async def test_a_clock_that_is_off(here: Surroundings) -> None:
    said = await here.run(Shifted(timedelta(minutes=3)))
    (line,) = said.of("WARN")
    assert re.fullmatch(r"This machine's clock is [23] min( \d+ s)? off: commands will look old and not act\.", line)


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("192.168.1.7", True),
        ("localhost", True),
        ("bot-api", True),
        ("9.9.9.9", False),
        ("bot-api.example.org", False),
    ],
)
def test_where_the_way_to_telegram_may_be_open(host: str, own: bool) -> None:
    """A Bot API server of one's own is asked without encryption; anywhere else that is worth a warning."""
    assert near(host) is own


async def test_an_open_way_to_telegram_is_said(here: Surroundings) -> None:
    settings = here.settings | {"TELEGRAM_BASE_URL": "http://bot-api.example.org"}
    loaded = load(None, {f"TELEMOX_{name}": value for name, value in settings.items()})
    first = await anext(telegram.lines(loaded, SystemClock()))
    assert first.level is Level.WARN
    assert "without encryption" in plain(first.text, Reader())


# -- hosts and certificates ----------------------------------------------------------------------------------------


async def test_a_certificate_nobody_vouches_for_comes_with_the_line_to_pin(here: Surroundings) -> None:
    said = await here.run(PVE_CA_FILE="")
    assert said.status == 2
    prints = here.cluster.fingerprints
    for host, seen in zip(here.cluster.hosts, prints, strict=True):
        assert any(
            line.startswith(f"{host}: its certificate is not trusted") and seen in line for line in said.of("FAIL")
        )
    show, pin = said.mends(here.cluster.hosts[-1])
    assert show.startswith("openssl x509")
    name, _, value = pin.partition("=")
    again = await here.run(None, PVE_CA_FILE="", **{name.removeprefix("TELEMOX_"): value})
    assert again.status == 0, again.text
    assert f"{here.cluster.hosts[0]} shows the pinned certificate." in again.of("OK")


async def test_another_certificate_than_the_pinned_one(here: Surroundings) -> None:
    first, second, third = here.cluster.fingerprints
    pins = ",".join(f"{host}={seen}" for host, seen in zip(here.cluster.hosts, here.cluster.fingerprints, strict=True))
    now = here.cluster.renew_certificate("pve2")
    said = await here.run(PVE_CA_FILE="", PVE_FINGERPRINTS=pins)
    host = here.cluster.hosts[1]
    assert said.of("FAIL") == [
        f"{host} shows the certificate {now}, pinned is {second}. Compare it on the node, then pin it."
    ]
    assert not any(request.host == "pve2" for request in here.cluster.requests), "no byte of a request went there"
    (pin,) = [line for line in said.mends(host) if line.startswith("TELEMOX_")]
    assert {first, now, third} == set(re.findall(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", pin))
    assert f"{here.cluster.hosts[0]} runs Proxmox VE 9.1.11." in said.of("OK"), "the others are looked at all the same"


async def test_a_host_out_of_reach(here: Surroundings) -> None:
    here.cluster.set_fault("api_off", True, "pve1")
    said = await here.run()
    host = here.cluster.hosts[0]
    assert said.of("FAIL") == [f"{host} cannot be reached: connection refused."]
    assert said.mends(host) == [f"nc -vz 127.0.0.1 {host.rpartition(':')[2]}"]
    assert "telemox@pve!view: VM.Audit on /vms (guests and their figures)." in said.of("OK"), "asked of the next"


async def test_no_host_at_all(here: Surroundings) -> None:
    here.cluster.set_fault("api_off", True, "")
    said = await here.run(PVE_HOSTS=here.cluster.hosts[0], PVE_CA_FILE="")
    assert said.of("FAIL")[-1] == "No host can be asked: tokens and privileges are not checked."


async def test_a_version_too_old(tmp_path: Path) -> None:
    async with surroundings(tmp_path, "7.1-4") as here:
        said = await here.run()
    assert any("runs Proxmox VE 7.1" in line and "needs 7.4, 8 or 9" in line for line in said.of("FAIL"))


async def test_a_certificate_that_ends_soon(here: Surroundings) -> None:
    host = Host.parse(here.cluster.hosts[0])
    ends = (await probe(host, pins=(), ca_file=Path(here.settings["PVE_CA_FILE"]))).not_after
    assert ends is not None
    said = await here.run(Shifted(ends - timedelta(days=3) - datetime.now(UTC)))
    assert any(line.startswith(f"{host}: its certificate ends ") for line in said.of("WARN"))
    assert said.mends(f"{host}: its certificate ends") == ["pvecm updatecerts --force"]


# -- tokens and privileges -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "token", "why"),
    [
        ("8.4.1", "wrong", "invalid token value!"),
        ("8.4.1", "expired", "token 'expired' access expired"),
        ("8.4.1", "unknown", "no such token 'gone' for user 'telemox@pve'"),
        ("9.1.11", "wrong", "Authentication failed!"),
    ],
)
async def test_a_refused_token(tmp_path: Path, version: str, token: str, why: str) -> None:
    async with surroundings(tmp_path, version) as here:
        value = here.cluster.tokens[token]
        name = value.partition("=")[0]
        said = await here.run(PVE_VIEW_TOKEN=value)
    assert f"The view token {name} is refused: {why}" in said.of("FAIL"), said.text
    mends = said.mends(f"{name} is refused")
    assert f"pveum acl modify / --tokens '{name}' --roles TelemoxView" in mends
    assert mends[0].startswith("compare the token's name in TELEMOX_PVE_VIEW_TOKEN with what this lists")
    assert mends[1] == "pveum user token list telemox@pve"
    made = "where there shall be one named gone, make it:" in mends
    assert made is (token == "unknown"), "the name may be misspelt"
    assert any("token remove" in line for line in mends) is not made, "there is none to remove"
    assert len([line for line in said.lines if "is refused" in line]) == 1, "told once, not for each host"


async def test_a_token_without_rights_of_its_own(here: Surroundings) -> None:
    said = await here.run(PVE_VIEW_TOKEN=here.cluster.tokens["noacl"])
    words = "The view token telemox@pve!noacl has no rights: it needs some of its own."
    assert words in said.of("FAIL")
    privileges = "VM.Audit,Sys.Audit,Datastore.Audit,Pool.Audit,VM.GuestAgent.Audit"
    assert said.mends(words) == [
        f"pveum role add TelemoxView --privs {privileges} || pveum role modify TelemoxView --privs {privileges}",
        "pveum acl modify / --users telemox@pve --roles TelemoxView",
        "pveum acl modify / --tokens 'telemox@pve!noacl' --roles TelemoxView",
    ]


async def test_on_eight_the_privilege_for_agents_is_asked_for_where_one_is_expected(tmp_path: Path) -> None:
    words = "1 guest is tagged expect-agent, and its agent cannot be asked: telemox@pve!view lacks VM.Monitor on /vms"
    async with surroundings(tmp_path, version="8.4.21") as here:
        assert "expect-agent" not in " ".join((await here.run()).of("WARN"))
        here.cluster.set_fault("agent_silent", True, "666")
        said = await here.run()
        assert any(line.startswith(words) for line in said.of("WARN"))
        assert said.mends(words) == ["sh deploy/pveum.sh --agent"]


async def test_a_privilege_that_is_missing(here: Surroundings) -> None:
    said = await here.run(PVE_VIEW_TOKEN=here.cluster.tokens["blind"])
    assert "telemox@pve!blind lacks VM.Audit on /vms: guests and their figures." in said.of("FAIL")
    assert "telemox@pve!blind lacks Pool.Audit on /pool: pools, and the guests in them." in said.of("WARN")
    gives = next(need.gives for need in needs(Role.VIEWER) if need.path == "/")
    assert f"telemox@pve!blind: Sys.Audit on / ({gives})." in said.of("OK")
    assert any("Sys.Audit on /access/groups" in line for line in said.of("OK")), "when its tokens expire"
    assert said.mends("lacks VM.GuestAgent.Audit")[1:] == [
        "pveum acl modify / --users telemox@pve --roles TelemoxView",
        "pveum acl modify / --tokens 'telemox@pve!blind' --roles TelemoxView",
    ]


@pytest.mark.parametrize("major", MAJORS)
async def test_the_mend_names_only_privileges_of_the_version_found(tmp_path: Path, major: int) -> None:
    async with surroundings(tmp_path, VERSIONS[major]) as here:
        said = await here.run(PVE_VIEW_TOKEN=here.cluster.tokens["noacl"])
    assert "VM.Monitor" not in said.text, "it also runs commands in guests: never advised"
    assert ("VM.GuestAgent.Audit" in said.text) == (major >= 9)


async def test_a_view_token_that_can_write(here: Surroundings) -> None:
    said = await here.run(PVE_VIEW_TOKEN=here.cluster.tokens["writer"])
    assert said.status == 1
    (line,) = said.of("WARN")
    assert line.startswith("The view token telemox@pve!writer can write: ")
    assert "VM.PowerMgmt on /" in line
    assert "pveum user token modify telemox@pve writer --privsep 1" in said.mends("can write")


async def test_a_token_of_root(here: Surroundings) -> None:
    said = await here.run(PVE_POWER_TOKEN=here.cluster.tokens["root"])
    (line,) = said.of("WARN")
    assert line.startswith("The power token root@pam!full can do more than any action needs: ")
    assert "in all)" in line, "many privileges are counted, not listed"


async def test_swapped_tokens_are_recognised_and_nothing_makes_them_fit_where_they_are(here: Surroundings) -> None:
    view, power = here.cluster.tokens["view"], here.cluster.tokens["power"]
    said = await here.run(PVE_VIEW_TOKEN=power, PVE_POWER_TOKEN=view)
    assert said.status == 2
    assert said.of("FAIL") == [
        "The view token telemox@pve!power can write and the power token telemox@pve!view cannot: are they swapped?"
    ]
    assert said.mends("are they swapped?") == [
        "exchange the values of TELEMOX_PVE_VIEW_TOKEN and TELEMOX_PVE_POWER_TOKEN"
    ]
    assert "pveum" not in said.text, "no command gives the token that looks the right to write"


async def test_one_token_for_both(here: Surroundings) -> None:
    said = await here.run(PVE_VIEW_TOKEN=here.cluster.tokens["power"])
    assert any(line.startswith("The view token is the power token too") for line in said.of("WARN"))


async def test_power_over_a_pool_alone_is_told_as_such(here: Surroundings) -> None:
    said = await here.run(PVE_POWER_TOKEN=here.cluster.tokens["pool"])
    assert any("VM.PowerMgmt on /pool/prod, /vms/101" in line and " alone " in line for line in said.of("OK")), (
        said.text
    )


async def test_an_admin_token_of_its_own_is_checked_too(here: Surroundings) -> None:
    said = await here.run(PVE_ADMIN_TOKEN=here.cluster.tokens["noacl"])
    assert "The admin token telemox@pve!noacl has no rights: it needs some of its own." in said.of("FAIL")


# -- the cluster ---------------------------------------------------------------------------------------------------


async def test_quorum_lost(here: Surroundings) -> None:
    here.cluster.set_fault("quorum_lost", True)
    said = await here.run()
    assert "homelab has no quorum: it can be looked at, and nothing starts." in said.of("FAIL")
    assert said.mends("no quorum") == ["pvecm status"]


async def test_a_node_that_is_off(here: Surroundings) -> None:
    here.cluster.set_fault("node_off", True, "pve3")
    said = await here.run(PVE_HOSTS=",".join(here.cluster.hosts[:2]))
    assert "pve3 is offline: its guests are shown as unknown." in said.of("WARN")


async def test_names_that_nothing_of_the_cluster_has(here: Surroundings) -> None:
    """Of nodes, storages and guests; tags and pools may be meant for later."""
    node, vmid = next(iter(here.cluster.world.nodes)), next(iter(here.cluster.world.guests))
    good = await here.run(
        MAY_SLEEP=f"{node},local",
        DISKS_OFF=node,
        ALERTS__OVERRIDES=f"*@node:{node} on=no; *@tag:later on=no; *@guest:{vmid} on=no; *@storage:{node}/local on=no",
    )
    assert (good.of("WARN"), good.status) == ([], 0)
    said = await here.run(
        MAY_SLEEP=f"{node}x,nothing-like-it,pve9",
        DISKS_OFF="local",
        ALERTS__OVERRIDES="*@node:web<1>_& on=no; *@guest:1 on=no",
    )
    assert said.of("WARN") == [
        f"TELEMOX_MAY_SLEEP names {node}x, which is no node or storage of the cluster.",
        "TELEMOX_MAY_SLEEP names nothing-like-it, which is no node or storage of the cluster.",
        "TELEMOX_MAY_SLEEP names pve9, which is no node or storage of the cluster.",
        "TELEMOX_DISKS_OFF names local, which is no node of the cluster.",
        "TELEMOX_ALERTS__OVERRIDES names web<1>_&, which is no node of the cluster.",
        "TELEMOX_ALERTS__OVERRIDES names 1, which is no guest of the cluster.",
    ]
    assert said.mends(f"names {node}x") == [f"perhaps {node}"]
    assert said.mends("names pve9") == [], "another number is no slip of the finger"
    assert said.status == 1


async def test_a_listener_that_others_can_reach(here: Surroundings) -> None:
    said = await here.run(LISTEN="192.0.2.7:9000")
    (line,) = said.of("WARN")
    assert line.startswith("TELEMOX_LISTEN: 192.0.2.7:9000 can be reached from other machines")


async def test_a_cluster_without_guests(tmp_path: Path) -> None:
    async with surroundings(tmp_path, guests=0) as here:
        said = await here.run()
    assert "The cluster has no guest." in said.of("OK")


async def test_a_host_that_speaks_garbage(here: Surroundings) -> None:
    here.cluster.set_fault("broken_json", True, "")
    said = await here.run()
    assert said.status == 2
    assert any(here.cluster.hosts[0] in line for line in said.of("FAIL"))


# -- the command ---------------------------------------------------------------------------------------------------


async def telemox(*arguments: str, cwd: Path | None = None, **environ: str) -> tuple[int, str, str]:
    """The command as a process of its own: status, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env={"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parent.parent), **environ},
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_command_ends_with_the_worst(here: Surroundings) -> None:
    env_file = here.folder / "settings"
    env_file.write_text("".join(f"TELEMOX_{name}={value}\n" for name, value in here.settings.items()))
    env_file.chmod(0o600)
    status, out, err = await telemox("check", "--env-file", str(env_file))
    assert (status, err) == (0, "")
    assert out.startswith("OK    Roles: viewer 0, operator 0, admin 1.\n")
    status, out, _ = await telemox("check", "--env-file", str(env_file), TELEMOX_CEILINGS="-7=viewer")
    assert status == 1
    assert "WARN  A ceiling is set for -7" in out


@pytest.mark.parametrize("command", ["check", "run"])
async def test_wrong_settings_are_told_and_end_with_2(tmp_path: Path, command: str) -> None:
    env_file = tmp_path / "settings"
    env_file.write_text(f"TELEMOX_TELEGRAM_TOKN={TOKEN}\nTELEMOX_PVE_HOSTS=pve1\n")
    env_file.chmod(0o600)
    status, out, err = await telemox(command, "--env-file", str(env_file))
    assert (status, out) == (2, "")
    assert err.splitlines() == [
        f"TELEMOX_TELEGRAM_TOKN ({env_file}): there is no such setting; did you mean TELEMOX_TELEGRAM_TOKEN?",
        "TELEMOX_TELEGRAM_TOKEN: is not set. The bot's token, as @BotFather gives it.",
        "TELEMOX_PVE_VIEW_TOKEN: is not set. The API token that reads: user@realm!name=secret.",
    ]


async def test_who_has_no_settings_yet_is_told_where_to_begin(tmp_path: Path) -> None:
    status, out, err = await telemox()
    assert (status, out) == (2, "")
    assert "telemox demo" in err
    assert ".env.example" in err
    status, _, err = await telemox("check", cwd=tmp_path)
    assert status == 2
    assert "TELEMOX_TELEGRAM_TOKEN: is not set." in err
    assert err.splitlines()[-1].startswith("Settings: cp .env.example .env")
    _, _, err = await telemox("check", cwd=tmp_path, TELEMOX_PVE_HOSTS="pve1")
    assert ".env.example" not in err, "who has set something knows how"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--port", "99999"), "argument --port: 99999 is not a whole number from 0 to 65535"),
        (("--guests", "-5"), "argument --guests: -5 is not a whole number from 0 to 100000"),
        (("--guests", "many"), "argument --guests: many is not a whole number from 0 to 100000"),
    ],
)
async def test_the_demo_refuses_what_cannot_be(arguments: tuple[str, str], words: str) -> None:
    status, _, err = await telemox("demo", "--no-browser", *arguments)
    assert status == 2
    assert err.splitlines()[-1] == f"telemox demo: error: {words}"


async def test_the_demo_says_what_is_wrong_with_what_was_brought_along() -> None:
    status, _, err = await telemox("demo", "--no-browser", "--port", "0", "--guests", "1", TELEMOX_DISKS_HOUR="99")
    assert status == 2
    assert "TELEMOX_DISKS_HOUR" in err
    assert "Traceback" not in err


# -- telling and being told ----------------------------------------------------------------------------------------


async def test_without_chats_for_alerts_both_ways_are_named(here: Surroundings) -> None:
    assert any("TELEMOX_ALERT_CHATS" in line and "/subscribe" in line for line in (await here.run()).of("OK"))
    here.api.private(here.api.user(1, "Ana"))
    assert "Alerts: 1 chat is told by the settings." in (await here.run(ALERT_CHATS="1@warning")).of("OK")


async def test_the_lines_that_register_the_target_hold_what_the_listener_takes(here: Surroundings) -> None:
    secret = "s3cret-of-the-listener"
    said = await here.run(LISTEN="127.0.0.1:9000", NOTIFY_SECRET=secret)
    assert said.status == 0, said.text
    assert secret not in said.text
    target, matcher = (line.strip() for line in said.lines if "pvesh create" in line)
    words = shlex.split(target)
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert given["--url"] == "http://127.0.0.1:9000/pve/notify/main"
    template = base64.b64decode(given["--body"]).decode()
    filled = template.replace("{{ escape title }}", "t").replace("{{ escape message }}", "m")
    filled = filled.replace("{{ severity }}", "error").replace("{{ timestamp }}", "7")
    push = notify.read(filled.replace("{{ json fields }}", '{"type":"fencing","hostname":"pve2"}').encode(), NOON)
    assert (push.kind, push.host, push.title, push.severity) == ("fencing", "pve2", "t", "error")
    headers = [words[n + 1] for n, word in enumerate(words) if word == "--header"]
    values = {part.partition(",value=")[0]: base64.b64decode(part.partition(",value=")[2]) for part in headers}
    assert values == {f"name={notify.HEADER}": b"{{ secrets.telemox }}", "name=Content-Type": b"application/json"}
    assert "--target telemox" in matcher


async def test_an_old_proxmox_has_no_webhook_target(tmp_path: Path) -> None:
    async with surroundings(tmp_path, "7.4-20") as here:
        said = await here.run(LISTEN="127.0.0.1:9000", NOTIFY_SECRET="s3cret-of-the-listener")
    assert any("has no webhook target" in line for line in said.of("WARN"))


def test_a_bot_inside_its_cluster_is_asked_for_a_heartbeat() -> None:
    version = Version(major=9, minor=1, text="9.1.1")
    web = Guest(cluster="main", vmid=1, name="bot-ct", kind=Kind.LXC, node="pve1", status=Status.RUNNING)
    seen = Snapshot(
        cluster="main", name="lab", quorate=True, nodes=(), guests=(web,), storages=(), unseen=(), taken=NOON
    )
    environ = {
        "TELEMOX_TELEGRAM_TOKEN": TOKEN,
        "TELEMOX_PVE_HOSTS": "pve1",
        "TELEMOX_PVE_VIEW_TOKEN": "a@pve!view=00000000-0000-0000-0000-000000000000",
    }
    inside = [line.level for line in telling.lines(load(None, environ), seen, version, "Bot-CT.example.org")]
    assert inside == [Level.OK, Level.WARN]
    outside = [line.level for line in telling.lines(load(None, environ), seen, version, "elsewhere")]
    assert outside == [Level.OK]
    cared = environ | {"TELEMOX_HEARTBEAT_URL": "https://hc.example.org/ping/0000"}
    assert [line.level for line in telling.lines(load(None, cared), seen, version, "bot-ct")] == [Level.OK, Level.OK]


async def test_a_chat_for_alerts_that_the_bot_cannot_speak_in_is_told(here: Surroundings) -> None:
    ana = here.api.user(1, "Ana")
    here.api.private(ana)
    here.api.group(-1_000_700, "Ops", forum=True).topics[7] = "Alerts"
    here.api.group(-1_000_701, "Flat")
    served = {"VIEWERS": "-1000700,-1000701,-1000999"}
    said = await here.run(ALERT_CHATS="1,-1000700:7,-1000701", **served)
    assert said.status == 0, said.text
    said = await here.run(ALERT_CHATS="-1000999", **served)
    assert said.status == 2
    assert "the bot does not know the chat -1000999" in said.text
    assert "told by the settings" not in said.text, "it is the only one"
    said = await here.run(ALERT_CHATS="1,-1000999:7,-1000999:8", **served)
    assert said.text.count("the bot does not know the chat -1000999") == 1
    assert "Alerts: 1 chat is told by the settings." in said.of("OK")
    said = await here.run(ALERT_CHATS="-1000701:7", **served)
    assert said.status == 1
    assert "Flat (-1000701) has no topics" in said.text
    here.api.block(here.api.world.chats[-1_000_700], "kicked")
    said = await here.run(ALERT_CHATS="-1000700", **served)
    assert said.status == 2, said.text


async def test_a_topic_for_alerts_that_is_not_there_is_told_and_nothing_is_sent(here: Surroundings) -> None:
    ops = here.api.group(-1_000_700, 'Ops <1>_&"', forum=True)
    ops.topics[7] = "Alerts"
    served = {"VIEWERS": "-1000700"}
    said = await here.run(ALERT_CHATS="-1000700:7", **served)
    assert said.status == 0, said.text
    said = await here.run(ALERT_CHATS="-1000700:7,-1000700:77@warning", **served)
    assert said.status == 1
    line = 'Alerts: Ops <1>_&" (-1000700) has no topic 77: what is for it goes to General. Send /id in the right one.'
    assert said.of("WARN") == [line]
    assert said.mends(line) == ["TELEMOX_ALERT_CHATS=-1000700:<topic>"]
    assert "Alerts: 1 chat is told by the settings." in said.of("OK"), "in General"
    assert not ops.all


async def test_a_topic_that_cannot_be_looked_up_is_said_to_be_unknown(here: Surroundings) -> None:
    answers: dict[str, object] = {
        "getMe": ME,
        "getWebhookInfo": {"ok": True, "result": {"url": ""}},
        "getChat": {"ok": True, "result": {"id": -1_000_700, "title": "Ops", "is_forum": True}},
        "getChatMember": {"ok": True, "result": {"status": "member"}},
    }
    late = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 5"}
    odd: tuple[object, ...] = ("<html>not here</html>", [], late)
    for answer in odd:
        async with canned(answers | {"sendMessage": answer}) as base:
            said = await here.run(TELEGRAM_BASE_URL=base, ALERT_CHATS="-1000700:7", VIEWERS="-1000700")
        assert said.of("WARN") == [
            "Alerts: whether Ops (-1000700) has the topic 7 is not known. Send /testalert in it."
        ]


async def test_an_address_for_everybody_is_none_to_register(here: Surroundings) -> None:
    said = await here.run(LISTEN="0.0.0.0:9000", NOTIFY_SECRET="s3cret-of-the-listener")
    assert "http://<this machine>:9000/pve/notify/main" in said.text
