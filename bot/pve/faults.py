"""TABLE: what every failure of a call means. Two tables, and no failure outside of them (tests/pve/test_faults.py).

    TRANSPORT   what httpx raised          → how far the request got
    STATUS      what the host answered     → our error, for a read and for a write

A read that got no answer is tried again (a dropped connection once on the same host), then on the next host. A write is
sent at most once: the next host has its turn only while nothing was sent.
"""

import re
from collections.abc import Mapping
from enum import Enum

import httpx

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


class Stage(Enum):
    """How far a request got when it failed."""

    UNSENT = "nothing was sent"
    DROPPED = "the connection broke"  # often an idle one that the host closed in the same moment
    SILENT = "sent, then silence"
    UNREADABLE = "answered, but not in HTTP, or too much of it"


TRANSPORT: Mapping[type[Exception], Stage] = {
    httpx.ConnectError: Stage.UNSENT,
    httpx.ConnectTimeout: Stage.UNSENT,
    httpx.PoolTimeout: Stage.UNSENT,
    httpx.ProxyError: Stage.UNSENT,
    httpx.UnsupportedProtocol: Stage.UNSENT,
    httpx.LocalProtocolError: Stage.UNSENT,  # h11 refused to put our request on the wire
    httpx.InvalidURL: Stage.UNSENT,
    httpx.ReadTimeout: Stage.SILENT,
    httpx.WriteTimeout: Stage.SILENT,
    httpx.TimeoutException: Stage.SILENT,
    httpx.ReadError: Stage.DROPPED,
    httpx.WriteError: Stage.DROPPED,
    httpx.CloseError: Stage.DROPPED,
    httpx.NetworkError: Stage.DROPPED,
    httpx.RemoteProtocolError: Stage.DROPPED,  # "Server disconnected", and a body cut short
    httpx.ProtocolError: Stage.DROPPED,
    httpx.DecodingError: Stage.UNREADABLE,
    httpx.TooManyRedirects: Stage.UNREADABLE,  # never: redirects are not followed
    httpx.StreamError: Stage.UNREADABLE,
    httpx.TransportError: Stage.SILENT,
    httpx.HTTPError: Stage.SILENT,
    OSError: Stage.DROPPED,
    ValueError: Stage.UNSENT,  # a name that cannot be encoded
}


def stage_of(error: Exception) -> Stage | None:
    """By the nearest class in the table; None where there is none: a bug of ours."""
    return next((TRANSPORT[cls] for cls in type(error).__mro__ if cls in TRANSPORT), None)


def stage_of_write(error: Exception, *, sent: bool) -> Stage:
    """As `stage_of`; but whether the first byte went out was watched on the wire, which is surer than any table."""
    stage = stage_of(error) or Stage.SILENT
    if not sent:
        return Stage.UNSENT
    return Stage.SILENT if stage is Stage.UNSENT else stage


def of_stage(stage: Stage, reason: str, *, write: bool, host: str) -> PveError:
    match stage:
        case Stage.UNSENT:
            return PveUnreachable(reason, host=host)
        case Stage.UNREADABLE if not write:
            return PveGarbled(reason, host=host)
        case Stage.DROPPED | Stage.SILENT | Stage.UNREADABLE:
            return PveNoAnswer(reason, host=host)


STATUS: tuple[tuple[range, type[PveError], type[PveError]], ...] = (
    # status, for a read, for a write
    (range(100, 300), PveGarbled, PveNoAnswer),  # a 2xx that is no JSON comes here too
    (range(300, 400), PveRefused, PveRefused),  # a redirect is not followed: it would carry the token elsewhere
    (range(400, 401), PveRefused, PveRefused),
    (range(401, 402), PveUnauthorized, PveUnauthorized),
    (range(402, 403), PveRefused, PveRefused),
    (range(403, 404), PveForbidden, PveForbidden),
    (range(404, 502), PveRefused, PveRefused),
    (range(502, 505), PveNoAnswer, PveNoAnswer),  # a gateway in between: nobody knows what happened behind it
    (range(505, 595), PveRefused, PveRefused),
    (range(595, 596), PveNodeDown, PveNodeDown),  # AnyEvent::HTTP: the asked host did not connect to the node
    (range(596, 600), PveNodeDown, PveNoAnswer),  # connected, then silence: the work may have been started
    (range(600, 1000), PveGarbled, PveNoAnswer),
)

ABSENT = re.compile(
    r"binary not installed|^[a-z0-9.+-]+ not installed$"  # Ceph/Tools.pm; API2/Disks/ZFS.pm, "zfsutils-linux …"
    r"|^pveceph configuration not (?:enabled|initialized)|^ceph not fully configured|^rados_conf_read_file failed"
)
"""Reasons of a 500 that say that there is nothing to read."""

_PERMISSION = re.compile(r"Permission check failed \((?P<path>/[^\s,)]*), (?P<privilege>[A-Za-z][A-Za-z.|, ]*)\)")
_NODE = re.compile(r"/nodes/(?P<node>[^/]+)/.")


def of_status(
    status: int, text: str, *, write: bool, host: str, path: str, token: str, errors: dict[str, str] | None = None
) -> PveError:
    """The error for an answer. `text` is Proxmox's own words; `path` is the call's, without /api2/json."""
    row = next(row for row in STATUS if status in row[0])
    kind = row[2] if write else row[1]
    if kind is PveUnauthorized:
        return PveUnauthorized(text, host=host, token=token)
    if kind is PveForbidden:
        found = _PERMISSION.search(text)
        where, what = (found["path"], found["privilege"]) if found else ("", "")
        return PveForbidden(text, host=host, token=token, path=where, privilege=what)
    if kind is PveNodeDown:
        return PveNodeDown(text, host=host, node=node_of(path))
    if kind is PveRefused and not write and (status == 501 or (status == 500 and ABSENT.search(text))):
        return PveAbsent(text, host=host, status=status, errors=errors)
    if kind is PveRefused:
        return PveRefused(text, host=host, status=status, errors=errors)
    return kind(text, host=host)


def node_of(path: str) -> str:
    """The node that answers this call; '' where the asked host does so itself."""
    found = _NODE.match(path)
    return found["node"] if found else ""


def host_is_ill(status: int, text: str, path: str) -> bool:
    """Another host may well answer what this one could not: worth a try, for a read."""
    if status == 500:  # pmxcfs does not run there (RPCEnvironment.pm, init_request)
        return text.startswith("RPCEnvironment init request failed")
    return status in range(502, 505) or (status in range(595, 600) and not node_of(path))
