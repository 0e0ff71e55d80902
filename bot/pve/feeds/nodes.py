"""A node itself: load and memory, services, clock, certificates, subscription. What a figure is not is None."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.errors import PveError, PveForbidden, PveNodeDown
from bot.model.readings import Certificate, NodeStatus, NodeTime, Service, Subscription
from bot.pve.feeds.source import Source
from bot.pve.parse import Garbled, Row, mapping, moment, number, rows, shown, text, whole

HISTORY_EVERY = 10  # looks at a node's status to one at its history: ten minutes, at the usual pace …
HISTORY_SOONER = 5  # … and where its memory is so full that the ZFS cache in it decides
FULL = 0.75  # share
STALE = 6  # tries in a row that failed, after which what was known of it is forgotten


@dataclass(slots=True)
class History:
    """The newest complete row of a node's history: it is read more seldom than its status."""

    since: int  # looks at the status since it was read
    row: "Figures"
    fails: int = 0  # tries in a row that brought none


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    available: int | None = None
    arc: int | None = None
    cpu: float | None = None  # shares 0..1 of time that tasks waited
    io: float | None = None
    mem: float | None = None


class Statuses:
    """GET /nodes/{node}/status, and on 9 GET /nodes/{node}/rrddata?timeframe=hour&cf=AVERAGE."""

    def __init__(self) -> None:
        self._histories: dict[str, History] = {}

    async def __call__(self, source: Source, node: str) -> NodeStatus:
        found = await source.get(f"/nodes/{node}/status", status)
        if major(found.version) < 9:
            return found
        kept = self._histories.get(node)
        if kept is not None:
            kept.since += 1
        if kept is None or kept.since >= (HISTORY_SOONER if _full(found) else HISTORY_EVERY):
            query = {"timeframe": "hour", "cf": "AVERAGE"}
            row: Figures | None
            try:
                row = await source.get(f"/nodes/{node}/rrddata", newest, query)
            except (PveNodeDown, PveForbidden):
                raise
            except PveError:  # "got wrong time resolution": no history, no outage
                row = None
            fails = 0 if row is not None or kept is None else kept.fails + 1
            if row is None:
                row = kept.row if kept is not None and fails < STALE else Figures()
            # the nodes' first ones come together: the next ones are not to
            early = zlib.crc32(node.encode()) % HISTORY_EVERY if kept is None else 0
            kept = self._histories[node] = History(early, row, fails)
        return replace(
            found,
            mem_available=kept.row.available if found.mem_available is None else found.mem_available,
            arc=kept.row.arc,
            pressure_cpu=kept.row.cpu,
            pressure_io=kept.row.io,
            pressure_mem=kept.row.mem,
        )


def status(body: bytes) -> NodeStatus:
    """Of GET /nodes/{node}/status (PVE/API2/Nodes.pm): `wait` and `swap` are there, though its schema names neither."""
    row = mapping(body)
    memory, swap = _part(row, "memory"), _part(row, "swap")
    if not memory and "loadavg" not in row:
        raise Garbled(f"the status of a node says nothing of it: {shown(body)}")
    loads = row.get("loadavg")
    kernel = text(_part(row, "current-kernel").get("release"))  # since 8; before, `kversion` alone
    words = text(row.get("kversion")).split()
    return NodeStatus(
        load5=number(loads[1]) if isinstance(loads, list) and len(loads) > 1 else None,
        cpus=whole(_part(row, "cpuinfo").get("cpus")),
        iowait=_share(row.get("wait")),
        swap=whole(swap.get("used")),
        swap_total=whole(swap.get("total")),
        mem=whole(memory.get("used")),
        mem_total=whole(memory.get("total")),
        mem_available=whole(memory.get("available")),
        kernel=kernel or (words[1] if len(words) > 1 else ""),
        version=text(row.get("pveversion")),
    )


def newest(body: bytes) -> Figures:
    """Of GET /nodes/{node}/rrddata: a sample that is missing is a row of `time` alone. Pressures are percents there."""
    complete = [
        row
        for row in rows(body)
        if isinstance(row, dict) and number(row.get("memtotal")) and number(row.get("time")) is not None
    ]
    if not complete:
        return Figures()
    row = max(complete, key=lambda row: number(row.get("time")) or 0)
    return Figures(
        available=whole(row.get("memavailable")),
        arc=whole(row.get("arcsize")),
        cpu=_percent(row.get("pressurecpusome")),
        io=_percent(row.get("pressureiofull")),
        mem=_percent(row.get("pressurememoryfull")),
    )


def major(version: str) -> int:
    """9 of pve-manager/9.1.1/d87f…; 0 where it is none."""
    parts = version.split("/")
    digits = parts[1].partition(".")[0].partition("-")[0] if len(parts) > 1 else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 4 else 0


async def read_services(source: Source, node: str) -> tuple[Service, ...]:
    """GET /nodes/{node}/services."""
    return await source.get(f"/nodes/{node}/services", services)


def services(body: bytes) -> tuple[Service, ...]:
    """`state` is systemd's sub-state ("running"); `active-state` and `unit-state` are there since 7."""
    found: dict[str, Service] = {}
    for row in rows(body):
        if not isinstance(row, dict) or not (name := text(row.get("service")) or text(row.get("name"))):
            continue
        active, state = text(row.get("active-state")), text(row.get("state"))
        # one that only ran to its end (`exited`) is as it should be, and one that reloads is at work
        running = active in {"active", "reloading", "refreshing"} if active else state in {"running", "exited"}
        enabled = text(row.get("unit-state")) in {"enabled", "enabled-runtime"}
        found[name] = Service(name=name, enabled=enabled, running=running, state=active or state)
    return tuple(found[name] for name in sorted(found))


async def read_time(source: Source, node: str) -> NodeTime:
    """GET /nodes/{node}/time: in whole seconds, cut off; taken as of the middle of the call."""
    before, at = source.clock.monotonic(), source.now()
    seconds = await source.get(f"/nodes/{node}/time", time)
    trip = source.clock.monotonic() - before
    return NodeTime(offset=seconds + 0.5 - (at.timestamp() + trip / 2), error=trip / 2 + 1.0, taken=before)


def time(body: bytes) -> float:
    """Epoch seconds. `localtime` is another thing: the same clock face, read as if it were UTC."""
    seconds = number(mapping(body).get("time"))
    if not seconds:
        raise Garbled(f"no time in it: {shown(body)}")
    return seconds


async def read_certificates(source: Source, node: str) -> tuple[Certificate, ...]:
    """GET /nodes/{node}/certificates/info."""
    return await source.get(f"/nodes/{node}/certificates/info", certificates)


def certificates(body: bytes) -> tuple[Certificate, ...]:
    """pveproxy serves pveproxy-ssl.pem where there is one, else pve-ssl.pem (pveproxy.pm)."""
    found: dict[str, Certificate] = {}
    for row in rows(body):
        if not isinstance(row, dict) or (expires := moment(row.get("notafter"))) is None:
            continue
        file = text(row.get("filename")).rpartition("/")[2]
        found[file] = Certificate(file=file, expires=expires, fingerprint=text(row.get("fingerprint")).upper())
    served = "pveproxy-ssl.pem" if "pveproxy-ssl.pem" in found else "pve-ssl.pem"
    return tuple(replace(one, served=file == served) for file, one in sorted(found.items()))


async def read_subscription(source: Source, node: str) -> Subscription:
    """GET /nodes/{node}/subscription."""
    return await source.get(f"/nodes/{node}/subscription", subscription)


def subscription(body: bytes) -> Subscription:
    row = mapping(body)
    said = text(row.get("status"))
    if not said:
        raise Garbled(f"a subscription without a status: {shown(body)}")
    return Subscription(status=said.lower(), due=_date(text(row.get("nextduedate"))))


def _part(row: Row, key: str) -> Mapping[str, object]:
    value = row.get(key)
    return value if isinstance(value, dict) else {}


def _full(found: NodeStatus) -> bool:
    return bool(found.mem_total and found.mem is not None and found.mem / found.mem_total >= FULL)


def _share(value: object) -> float | None:
    share = number(value)
    return share if share is not None and share <= 1 else None


def _percent(value: object) -> float | None:
    """Of a container it is a string; here it may be one as well."""
    percent = number(value)
    return percent / 100 if percent is not None and percent <= 100 else None


def _date(day: str) -> datetime | None:
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
