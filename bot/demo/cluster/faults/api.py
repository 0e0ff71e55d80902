"""TABLE: what can go wrong with the API hosts themselves."""

from collections.abc import Callable
from functools import partial

from bot.demo.cluster.errors import Gateway, Refusal, Unauthorized, died
from bot.demo.cluster.faults.fault import Case, Fault, hosts, nothing
from bot.demo.cluster.messages import Reply, Request

API = "API"
SLOW = 3.0  # seconds


def _api_off(case: Case) -> None:
    for port in [case.stage.ports[case.target]] if case.target else case.stage.ports.values():
        port.shut(case.key)
        case.afterwards(partial(port.reopen, case.key))


def _cut(request: Request, reply: Reply) -> Reply:
    reply.cut = True
    return reply


def _broken(request: Request, reply: Reply) -> Reply:
    return Reply(body=b'{"data":[{"id":"qemu/101","status":', status=200)


def _lost(request: Request, reply: Reply) -> Reply:
    if request.write and reply.status < 400:
        reply.drop = True
    return reply


def _silent(status: int) -> Callable[[Case], None]:
    return lambda case: case.put(case.node, "silent", status)


FAULTS: tuple[Fault, ...] = (
    Fault(
        key="all_off",
        group=API,
        label="All hosts off",
        help="no API host answers; the guests run on",
        targets=nothing,
        begin=_api_off,
        rule="1 api_unreachable",
    ),
    Fault(
        key="node_silent",
        group=API,
        label="Node's API down",
        help="online, but every call to it ends in 595",
        targets=hosts,
        begin=_silent(595),
        one=True,
        rule="43 node_api_down",
    ),
    Fault(
        key="node_stuck",
        group=API,
        label="Node's API hangs",
        help="online, but every call to it ends in 596",
        targets=hosts,
        begin=_silent(596),
        one=True,
        rule="43 node_api_down",
    ),
    Fault(
        key="api_off",
        group=API,
        label="API host off",
        help="its API refuses connections; the node runs on",
        targets=hosts,
        begin=_api_off,
    ),
    Fault(
        key="slow",
        group=API,
        label="Slow",
        help=f"every answer takes {SLOW:.0f} s longer",
        targets=hosts,
        slow=True,
    ),
    Fault(
        key="hang",
        group=API,
        label="Hanging",
        help="requests are taken and never answered",
        targets=hosts,
        meet=lambda request: Reply(hang=True),
    ),
    Fault(
        key="401",
        group=API,
        label="401",
        help="every token is refused",
        targets=hosts,
        meet=lambda request: Unauthorized("Authentication failed!"),
    ),
    Fault(
        key="403",
        group=API,
        label="403",
        help="nothing is allowed",
        targets=hosts,
        meet=lambda request: Refusal(403, "Permission check failed (/, Sys.Audit)\n"),
    ),
    Fault(
        key="500",
        group=API,
        label="500",
        help="every call dies",
        targets=hosts,
        meet=lambda request: died(
            "RPCEnvironment init request failed: Unable to load access control list: Connection refused"
        ),
    ),
    Fault(
        key="595",
        group=API,
        label="595",
        help="no call gets through to its node",
        targets=hosts,
        meet=lambda request: Gateway(595, "No route to host"),
    ),
    Fault(
        key="broken_json",
        group=API,
        label="Broken JSON",
        help="answers end in the middle of their JSON",
        targets=hosts,
        spoil=_broken,
    ),
    Fault(
        key="cut_body",
        group=API,
        label="Cut body",
        help="the connection drops in the middle of an answer",
        targets=hosts,
        spoil=_cut,
    ),
    Fault(
        key="lost_answer",
        group=API,
        label="Answer lost",
        help="a write is done, its answer is lost",
        targets=hosts,
        spoil=_lost,
    ),
)
