"""No word of a host carries a secret into a chat: some gateways quote the request that they refuse."""

import time

import pytest

from bot.access import Role
from bot.errors import PveError
from bot.model import Upid
from bot.pve.cluster import Cluster
from bot.pve.config import ApiToken
from bot.pve.veil import Veil
from bot.text import Reader, plain
from tests.pve.server import HOSTILE, POWER, VIEW, Play, Scripted, raw, reply

SECRETS = ("11111111-view-secret", "22222222-power-secret")
QUOTED = f"{HOSTILE}: invalid header 'Authorization: {VIEW.header()}'"
JOB = Upid.parse("UPID:pve1:0000AAAA:0000BBBB:66000000:qmstart:101:telemox@pve!power:")
TASK = f"/nodes/pve1/tasks/{JOB}"
START = "/nodes/pve1/qemu/101/status/start"


def told(error: PveError) -> str:
    return plain(error.said(), Reader()) + str(error) + repr(error) + error.reason


def clean(text: str) -> bool:
    return not any(secret in text or secret[:14] in text for secret in SECRETS)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502, 595, 599, 700])
@pytest.mark.parametrize("place", ["message", "reason", "errors", "the name of an error"])
async def test_an_error_that_quotes_the_request(
    cluster: Cluster, host: Scripted, spare: Scripted, status: int, place: str
) -> None:
    play = {
        "message": reply(status, message=QUOTED),
        "reason": reply(status, reason=QUOTED, body=b""),
        "errors": reply(status, errors={"node": QUOTED}),
        "the name of an error": reply(status, errors={QUOTED: "no such"}),
    }[place]
    for one in (host, spare):
        one.on("GET", "/nodes/pve1/tasks", play)
        one.on("POST", START, play)
    with pytest.raises(PveError) as read:
        await cluster.node_tasks("pve1", role=Role.VIEWER)
    with pytest.raises(PveError) as write:
        await cluster.write(Role.OPERATOR, "POST", START, {})
    assert clean(told(read.value) + told(write.value))
    if place in {"message", "reason"}:
        assert "invalid header" in told(read.value)


@pytest.mark.parametrize(
    "play",
    [
        reply(body=VIEW.header().encode()),
        reply(body=b"                      " + VIEW.header().encode()),
        reply(data=QUOTED),
        raw(VIEW.header().encode() + b"\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\n" + VIEW.header().encode() + b"\r\n\r\n"),
    ],
)
async def test_an_answer_that_is_none(cluster: Cluster, host: Scripted, play: Play) -> None:
    host.on("GET", "/nodes/pve1/tasks", play)
    with pytest.raises(PveError) as caught:
        await cluster.node_tasks("pve1", role=Role.VIEWER)
    assert clean(told(caught.value))


async def test_a_secret_cut_short_is_none_to_be_read(cluster: Cluster, host: Scripted) -> None:
    host.on("GET", "/nodes/pve1/tasks", reply(400, message="x" * 1990 + SECRETS[0]))
    with pytest.raises(PveError) as caught:
        await cluster.node_tasks("pve1", role=Role.VIEWER)
    assert "1111" not in told(caught.value)


async def test_tasks_and_their_logs(cluster: Cluster, host: Scripted) -> None:
    said = f"curl -H 'Authorization: {POWER.header()}' failed: {SECRETS[0]}"
    row = {"upid": str(JOB), "status": said, "endtime": 1711276042}
    host.on("GET", "/nodes/pve1/tasks", reply(data=[row]))
    host.on("GET", f"{TASK}/status", reply(data={"status": "stopped", "exitstatus": said}))
    host.on("GET", f"{TASK}/log", reply(data=[{"n": 1, "t": said}], total=1))
    (listed,) = await cluster.node_tasks("pve1", role=Role.VIEWER)
    task = await cluster.task(JOB, role=Role.VIEWER)
    (line,) = (await cluster.log(JOB, role=Role.VIEWER)).lines
    assert listed.exitstatus == task.exitstatus == line
    assert line == "curl -H 'Authorization: PVEAPIToken=•••' failed: •••"


def test_what_is_taken_out_and_what_is_not() -> None:
    veil = Veil([ApiToken("a@pve!b", "s3cr/t+1"), ApiToken("a@pve!c", "tiny")])
    assert veil("x s3cr/t+1 s3cr%2Ft%2B1 x") == "x ••• ••• x"
    assert veil("a@pve!b=s3c") == "a@pve!b=•••"
    assert veil("a%40pve%21c%3Dtiny") == "a%40pve%21c%3D•••"
    assert veil("pveapitoken=z@pam!other=1234 end") == "pveapitoken=••• end"
    for plain_text in (
        "tiny words stay",
        f"{JOB}",
        "permission denied for a@pve!b: /vms/101",
        "pveum acl modify / --tokens 'a@pve!b' --roles PVEAuditor",
        "kvm -uuid 01234567-89ab-cdef-0123-456789abcdef",
    ):
        assert veil(plain_text) == plain_text


def test_long_lines_take_no_time() -> None:
    veil = Veil([VIEW, POWER])
    began = time.process_time()
    for line in ("a" * 10**6, "a@" * 500_000, "PVEAPIToken" * 90_000, "telemox@pve!" * 80_000, "PVEAPIToken=" * 80_000):
        veil(line)
    assert time.process_time() - began < 2
