"""The two tables know every failure there is."""

import asyncio
import inspect
import ssl

import httpx
import pytest

from bot.errors import (
    PveAbsent,
    PveError,
    PveForbidden,
    PveGarbled,
    PveNoAnswer,
    PveNodeDown,
    PveRefused,
    PveUnauthorized,
    PveUnreachable,
)
from bot.pve.faults import STATUS, TRANSPORT, Stage, host_is_ill, node_of, of_stage, of_status, stage_of, stage_of_write
from bot.text import Reader, plain

RAISED = [
    cls
    for _, cls in inspect.getmembers(httpx, inspect.isclass)
    if issubclass(cls, httpx.HTTPError | httpx.InvalidURL | httpx.StreamError) and cls is not httpx.HTTPStatusError
]


def test_the_list_of_what_httpx_raises_is_not_empty() -> None:
    assert {httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ResponseNotRead} <= set(RAISED)


@pytest.mark.parametrize(
    "cls", [*RAISED, OSError, ssl.SSLError, ConnectionResetError, UnicodeError], ids=lambda c: c.__name__
)
def test_nothing_that_httpx_raises_is_unmapped(cls: type[Exception]) -> None:
    error = cls.__new__(cls)
    stage = stage_of(error)
    assert stage is not None
    for write in (False, True):
        assert isinstance(of_stage(stage, "why", write=write, host="pve1:8006"), PveError)


def test_connecting_is_all_that_counts_as_unsent() -> None:
    unsent = {cls for cls, stage in TRANSPORT.items() if stage is Stage.UNSENT}
    assert unsent == {
        httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol,
        httpx.LocalProtocolError, httpx.InvalidURL, ValueError,
    }  # fmt: skip


@pytest.mark.parametrize("cls", [*RAISED, OSError, ValueError], ids=lambda c: c.__name__)
def test_of_a_write_the_wire_knows_best_whether_it_was_sent(cls: type[Exception]) -> None:
    error = cls.__new__(cls)
    assert stage_of_write(error, sent=False) is Stage.UNSENT
    assert stage_of_write(error, sent=True) is not Stage.UNSENT


def test_what_is_no_failure_of_a_call_is_left_alone() -> None:
    assert stage_of(KeyError("a bug of ours")) is None
    assert not issubclass(asyncio.CancelledError, Exception)


@pytest.mark.parametrize("write", [False, True])
def test_every_status_is_mapped_once(write: bool) -> None:
    for status in range(100, 1000):
        assert sum(status in row[0] for row in STATUS) == 1
        error = of_status(status, "why", write=write, host="pve1:8006", path="/version", token="t@pve!v")
        assert isinstance(error, PveError)
        assert error.reason == "why"
        assert error.host == "pve1:8006"
        assert plain(error.said(), Reader())


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        (200, PveGarbled, PveNoAnswer),
        (301, PveRefused, PveRefused),
        (400, PveRefused, PveRefused),
        (401, PveUnauthorized, PveUnauthorized),
        (403, PveForbidden, PveForbidden),
        (404, PveRefused, PveRefused),
        (500, PveRefused, PveRefused),
        (501, PveAbsent, PveRefused),
        (502, PveNoAnswer, PveNoAnswer),
        (504, PveNoAnswer, PveNoAnswer),
        (506, PveRefused, PveRefused),
        (595, PveNodeDown, PveNodeDown),
        (596, PveNodeDown, PveNoAnswer),
        (599, PveNodeDown, PveNoAnswer),
        (999, PveGarbled, PveNoAnswer),
    ],
)
def test_the_statuses_that_matter(status: int, read: type[PveError], write: type[PveError]) -> None:
    for kind, is_write in ((read, False), (write, True)):
        path = "/nodes/pve2/qemu/101/status/start"
        error = of_status(status, "x", write=is_write, host="h", path=path, token="t")
        assert type(error) is kind
        if isinstance(error, PveNodeDown):
            assert error.node == "pve2"


def test_unsent_is_unreachable_for_a_write_too_and_silence_is_no_answer() -> None:
    assert type(of_stage(Stage.UNSENT, "x", write=True, host="h")) is PveUnreachable
    assert type(of_stage(Stage.SILENT, "x", write=True, host="h")) is PveNoAnswer
    assert type(of_stage(Stage.DROPPED, "x", write=False, host="h")) is PveNoAnswer
    assert type(of_stage(Stage.UNREADABLE, "x", write=False, host="h")) is PveGarbled
    assert type(of_stage(Stage.UNREADABLE, "x", write=True, host="h")) is PveNoAnswer


@pytest.mark.parametrize(
    ("text", "path", "privilege"),
    [
        ("Permission check failed (/vms/101, VM.PowerMgmt)", "/vms/101", "VM.PowerMgmt"),
        (
            "Permission check failed (/vms/101, VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted)",
            "/vms/101",
            "VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted",
        ),
        ("Permission check failed (/, Sys.Audit)", "/", "Sys.Audit"),
        ("Permission check failed (/storage/a-b_c, Datastore.Audit)\n", "/storage/a-b_c", "Datastore.Audit"),
        ("Permission check failed", "", ""),
        ("Permission check failed (user != root@pam)", "", ""),
        ("Permission check failed (URI '/access/ticket' not available\nwith API token, need proper ticket.", "", ""),
        ("something else (/vms/101, VM.PowerMgmt)", "", ""),
    ],
)
def test_a_403_says_what_is_missing_and_where(text: str, path: str, privilege: str) -> None:
    error = of_status(403, text, write=True, host="h", path="/x", token="telemox@pve!power")
    assert isinstance(error, PveForbidden)
    assert (error.path, error.privilege, error.token) == (path, privilege, "telemox@pve!power")
    assert (error.mend() is not None) == bool(privilege)


@pytest.mark.parametrize(
    ("path", "node"),
    [
        ("/nodes/pve1/status", "pve1"),
        ("/nodes/pve1/qemu/101/status/current", "pve1"),
        ("/nodes", ""),
        ("/nodes/pve1", ""),
        ("/cluster/resources", ""),
    ],
)
def test_which_node_answers(path: str, node: str) -> None:
    assert node_of(path) == node


def test_when_another_host_may_know_better() -> None:
    assert host_is_ill(595, "Connection refused", "/cluster/status")  # its own pvedaemon is down
    assert not host_is_ill(595, "No route to host", "/nodes/pve2/status")
    assert host_is_ill(502, "Bad Gateway", "/nodes/pve2/status")
    assert host_is_ill(500, "RPCEnvironment init request failed: Unable to load access control list", "/version")
    assert not host_is_ill(500, "VM 101 not running", "/nodes/pve1/qemu/101/status/current")
    assert not host_is_ill(403, "Permission check failed", "/cluster/status")
