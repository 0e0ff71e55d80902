"""Answers into values: the only place where untyped JSON lives.

Every function takes the body of a 2xx answer and raises `Garbled`, and nothing else, when it cannot be understood.
Inside a list nothing is that strict: a row that makes no sense is left out and, in the cluster view, counted.

Numbers come as numbers, as strings ("744189952", containers until 7), as null or not at all; booleans as 0/1, "0"/"1",
"" or true; rows of one list differ in their keys. A figure that cannot be one (NaN, negative, a boolean) is None.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address

import orjson

from bot.model import Outcome, Permissions, Task, TaskLog, Upid, Version
from bot.text import from_epoch

Row = dict[str, object]
MOST = 2**63
"""No figure of Proxmox is as large: bytes of exabytes."""


class Garbled(ValueError):
    """Not JSON, or not in the shape that Proxmox gives."""


# -- the envelope --------------------------------------------------------------------------------------------------


def loads(body: bytes) -> object:
    """JSON by orjson; what it is too strict for (NaN, bytes that are no UTF-8, half a surrogate) by the library's."""
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            value = _mended(json.loads(body.decode(errors="replace")))
        except (ValueError, RecursionError) as error:
            raise Garbled(f"no JSON: {_shown(body)}") from error
    return value


def data(body: bytes) -> object:
    """What is in `{"data": …}`."""
    return _envelope(body)["data"]


def rows(body: bytes) -> list[object]:
    """A list in `{"data": […]}`; Perl's empty object and null are empty lists."""
    value = data(body)
    if isinstance(value, list):
        return value
    if value is None or value == {}:
        return []
    raise Garbled(f"a list was expected: {_shown(body)}")


def mapping(body: bytes) -> Row:
    """An object in `{"data": {…}}`; Perl's empty list is an empty object."""
    value = data(body)
    if isinstance(value, dict):
        return value
    if value == []:
        return {}
    raise Garbled(f"an object was expected: {_shown(body)}")


def refusal(body: bytes) -> tuple[str, dict[str, str]]:
    """Of an error: its message ('' before PVE 8.4, and where the body is no JSON) and its word for each parameter."""
    if not body.startswith(b"{"):
        return "", {}
    try:
        value = loads(body)
    except Garbled:
        return "", {}
    if not isinstance(value, dict):
        return "", {}
    message, errors = value.get("message"), value.get("errors")
    named = errors if isinstance(errors, dict) else {}
    return (
        message.strip()[:2000] if isinstance(message, str) else "",
        {str(name): str(text).strip()[:500] for name, text in named.items()},
    )


def _envelope(body: bytes) -> Row:
    value = loads(body)
    if not isinstance(value, dict) or "data" not in value:
        raise Garbled(f"no data in it: {_shown(body)}")
    return value


def _shown(body: bytes) -> str:
    return repr(body[:60].decode(errors="replace")) if body else "the answer is empty"


def _mended(value: object) -> object:
    """Without halves of surrogates, which no file and no message can hold."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {str(_mended(key)): _mended(item) for key, item in value.items()}
    return value


# -- single values -------------------------------------------------------------------------------------------------


def number(value: object) -> float | None:
    """A figure, 0 or more; None for whatever cannot be one."""
    if type(value) is float or type(value) is int:  # nearly always, so it comes first; a boolean is neither
        return value if 0 <= value < MOST else None  # NaN is not
    if isinstance(value, str):
        try:
            return number(float(value))
        except ValueError:
            return None
    return None


def whole(value: object) -> int | None:
    if type(value) is int:
        return value if 0 <= value < MOST else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)  # exact, where a float is not
    figure = number(value)
    return None if figure is None else int(figure)


def flag(value: object) -> bool:
    return value is True or value == 1 or value == "1"


def text(value: object) -> str:
    """A string; a number as Perl would print it (a guest may be called 7); '' for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def words(value: object, separators: str) -> tuple[str, ...]:
    """Tags (`;`) and contents (`,`): without blanks and doubles, in their order."""
    return _words(value, separators) if isinstance(value, str) and value else ()


@lru_cache(maxsize=1024)  # ten thousand guests wear the same few tags
def _words(value: str, separators: str) -> tuple[str, ...]:
    parts = (part.strip() for part in re.split(f"[{separators}]", value))
    return tuple(dict.fromkeys(part for part in parts if part))


def moment(value: object) -> datetime | None:
    """Epoch seconds. None for 0, which Proxmox writes where it does not know, and for what no calendar holds."""
    seconds = number(value)
    if not seconds or seconds > 253_402_300_799:  # the end of the year 9999
        return None
    return from_epoch(seconds)


# -- version and permissions ---------------------------------------------------------------------------------------


def version(body: bytes) -> Version:
    """GET /version: `{"version":"8.4.1","release":"8.4",…}`; 7 writes 7.4-16."""
    found = mapping(body)
    shown = text(found.get("version")) or text(found.get("release"))
    match = re.match(r"(\d{1,4})\.(\d{1,4})", shown)
    if match is None:
        raise Garbled(f"no version in it: {_shown(body)}")
    return Version(major=int(match[1]), minor=int(match[2]), text=shown)


def permissions(body: bytes) -> Permissions:
    """GET /access/permissions: path -> privilege -> propagate. A privilege with 0 is granted too."""
    return Permissions(
        paths={
            path: {name: flag(propagate) for name, propagate in granted.items()}
            for path, granted in mapping(body).items()
            if isinstance(granted, dict)
        }
    )


# -- tasks ---------------------------------------------------------------------------------------------------------


def started(body: bytes) -> Upid | None:
    """Of a write: the task that it started; None where there is none (null, `OK`, a MAC address)."""
    value = data(body)
    if not isinstance(value, str) or not value.startswith("UPID:"):
        return None
    try:
        return Upid.parse(value)
    except (ValueError, OverflowError, OSError) as error:
        raise Garbled(f"a task was started, its name is unreadable: {value[:80]!r}") from error


def outcome(exitstatus: str) -> Outcome:
    """Of a task that has ended (pve-common, UPID.pm and RESTEnvironment.pm)."""
    if exitstatus == "OK":
        return Outcome.OK
    if exitstatus.startswith("WARNINGS"):
        return Outcome.WARNINGS
    # no last line in its log: killed, power loss, or seen as the worker exits. The words differ between 7, 8 and 9.
    if exitstatus in {"", "unexpected status"} or exitstatus.startswith(
        ("unable to read tail", "unable to open file", "unable to get last line")
    ):
        return Outcome.UNKNOWN
    return Outcome.ERROR


def tasks(body: bytes, cluster: str) -> tuple[Task, ...]:
    """GET /nodes/{node}/tasks and GET /cluster/tasks: newest first, each once."""
    found: dict[str, Task] = {}
    for row in rows(body):
        if not isinstance(row, dict) or (upid := _upid(row.get("upid"))) is None:
            continue
        status, end = text(row.get("status")), moment(row.get("endtime"))
        running = end is None and status in {"", "RUNNING"}
        task = Task(
            cluster=cluster,
            upid=upid,
            outcome=Outcome.RUNNING if running else outcome(status),
            exitstatus="" if running else status,
            end=end,
        )
        if upid.text not in found or running is False:  # listed twice while it ends: the end is the news
            found[upid.text] = task
    return tuple(sorted(found.values(), key=lambda task: (task.upid.start, task.upid.text), reverse=True))


def task(body: bytes, cluster: str, upid: Upid) -> Task:
    """GET /nodes/{node}/tasks/{upid}/status."""
    found = mapping(body)
    status = text(found.get("status"))
    if status not in {"running", "stopped"}:
        raise Garbled(f"a task is running or stopped: {_shown(body)}")
    exitstatus = text(found.get("exitstatus")) if status == "stopped" else ""
    return Task(
        cluster=cluster,
        upid=upid,
        outcome=Outcome.RUNNING if status == "running" else outcome(exitstatus),
        exitstatus=exitstatus,
        end=moment(found.get("endtime")),
    )


def log(body: bytes, start: int) -> TaskLog:
    """GET /nodes/{node}/tasks/{upid}/log. PVE 7 gives one line as an object where the file is gone."""
    envelope = _envelope(body)
    found = envelope["data"]
    if isinstance(found, dict):
        found = [found] if "t" in found else []
    if found is None:
        found = []
    if not isinstance(found, list):
        raise Garbled(f"lines were expected: {_shown(body)}")
    lines = tuple(text(row.get("t")) for row in found if isinstance(row, dict))
    total = whole(envelope.get("total"))
    return TaskLog(lines=lines, total=start + len(lines) if total is None else total, start=start)


def _upid(value: object) -> Upid | None:
    try:
        return Upid.parse(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):  # a start that no calendar holds
        return None


# -- addresses -----------------------------------------------------------------------------------------------------


def addresses(body: bytes) -> tuple[str, ...]:
    """Of GET …/agent/network-get-interfaces (`result` with `ip-addresses`) and GET /lxc/{vmid}/interfaces (`inet`)."""
    value = data(body)
    if isinstance(value, dict):
        value = value.get("result")  # of the agent; an object with `error` where it does not know the command
    found: dict[str, None] = {}
    for interface in value if isinstance(value, list) else []:
        if isinstance(interface, dict):
            for given in _given(interface):
                try:
                    address = ip_address(given.partition("/")[0].partition("%")[0])
                except ValueError:
                    continue
                if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                    found[str(address)] = None
    return tuple(sorted(found, key=lambda address: ":" in address))  # IPv4 first


def _given(interface: Row) -> Iterator[str]:
    listed = interface.get("ip-addresses")
    for address in listed if isinstance(listed, list) else []:
        if isinstance(address, dict):
            yield text(address.get("ip-address"))
    for key in ("inet", "inet6"):
        yield from text(interface.get(key)).split()
