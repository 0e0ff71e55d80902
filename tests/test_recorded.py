"""Answers that real servers gave, and other projects' fixtures, through the real client and its parsers.

The folder is RECORDED_DIR (default ../shared/pve/recorded beside the checkout); where it is absent this is skipped
aloud. Each file is an envelope: method, template, path, query, form, status, reason, headers, and body or body_text. A
host on loopback gives each answer as it stands there; what the client makes of it is compared with the payload by other
code than that which read it: names, states, numbers. What nothing here has a use for is counted aloud.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from bot.errors import (
    PveAbsent,
    PveError,
    PveForbidden,
    PveGarbled,
    PveNoAnswer,
    PveNodeDown,
    PveRefused,
    PveUnauthorized,
)
from bot.model import Guest, Kind, Outcome, Permissions, Status, Task, TaskLog, Upid, Version
from bot.model.readings import BackupJob, Ceph, Disk, GuestSnapshots, NodeStatus, Packages, StorageState
from bot.pve import addresses, parse, rows, tasks
from bot.pve.client import Client
from bot.pve.cluster import Cluster
from bot.pve.feeds import backups, ceph, disks, guests, ha, nodes, packages, replication, tokens
from bot.pve.rows import ClusterStatus, Resources
from bot.pve.snapshot import Visibility, merge
from tests.pve.server import Clock, Play, Scripted, Seen, Wire, config

FOLDER = Path(os.environ.get("RECORDED_DIR") or Path(__file__).resolve().parents[2] / "shared/pve/recorded")
GUEST = Guest(cluster="main", vmid=1, name="before", kind=Kind.QEMU, node="pve1", status=Status.UNKNOWN)
JOB = Upid.parse("UPID:pve1:0000AAAA:0000BBBB:66000000:qmstart:101:telemox@pve!power:")
DAY = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recorded answers in {FOLDER} (RECORDED_DIR)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    file: str
    method: str
    template: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    data: Any  # of the body, where it is JSON


def _read(path: Path) -> Envelope:
    raw = json.loads(path.read_text())
    body, text = raw.get("body"), raw.get("body_text")
    return Envelope(
        file=path.name,
        method=raw["method"],
        template=raw["template"] or "",
        path=(raw["path"] or raw["template"]).replace("([a-z0-9]+)", "a1"),  # one project wrote patterns
        query={name: str(value) for name, value in (raw.get("query") or {}).items()},
        form={name: str(value) for name, value in (raw.get("form") or {}).items()},
        status=raw["status"],
        reason=raw["reason"] or "",
        headers=raw.get("headers") or {},
        body=text.encode() if text is not None else json.dumps(body).encode(),
        data=body.get("data") if isinstance(body, dict) else None,
    )


ENVELOPES = (
    [_read(path) for path in sorted(FOLDER.glob("*.json")) if path.name != "index.json"] if FOLDER.is_dir() else []
)


def answering(envelope: Envelope) -> Play:
    """As it stands in the envelope; only lengths are worked out, and nothing is packed: those who recorded it had asked
    for that (AnyEvent.pm packs on request only), which the bot does not."""
    body = envelope.body
    headers = {name.lower(): value for name, value in envelope.headers.items() if name.lower() != "content-encoding"}
    headers |= {"content-length": str(len(body))}

    async def play(wire: Wire, seen: Seen) -> None:
        wire.keep = "close" not in headers.get("connection", "")
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        await wire.say(f"HTTP/1.1 {envelope.status} {envelope.reason}\r\n{lines}\r\n".encode() + body)

    return play


# -- what is read, and what it must say ----------------------------------------------------------------------------


def same_version(payload: Any, value: Version) -> None:
    assert payload["version"].startswith(f"{value.major}.{value.minor}")
    assert value.text == payload["version"]


def same_permissions(payload: Any, value: Permissions) -> None:
    assert {path: set(granted) for path, granted in payload.items()} == {p: set(g) for p, g in value.paths.items()}
    for path, granted in payload.items():
        for privilege, propagate in granted.items():
            assert value.allows(privilege, path)
            assert value.paths[path][privilege] == bool(int(propagate))


def same_resources(payload: Any, value: Resources) -> None:
    by_vmid = {guest.vmid: guest for guest in value.guests}
    rows_ = [row for row in payload if row["type"] in ("qemu", "lxc")]
    assert set(by_vmid) == {int(row.get("vmid") or row["id"].split("/")[1]) for row in rows_}
    for row in rows_:
        guest = by_vmid[int(row.get("vmid") or row["id"].split("/")[1])]
        assert (guest.kind.value, guest.node) == (row["type"], row["node"])
        assert guest.name == (row.get("name") or f"{guest.kind.short} {guest.vmid}")
        said = row.get("status")
        assert guest.status.value == ("hibernated" if row.get("lock") == "suspended" and said == "stopped" else said)
        assert guest.template == (str(row.get("template") or 0) == "1")
        same_figures(
            row, guest, {"cpu": "cpu", "maxcpu": "cpus", "mem": "mem", "maxmem": "maxmem", "maxdisk": "maxdisk"}
        )
        same_figures(row, guest, {"netin": "netin", "netout": "netout"})
        assert guest.disk == (int(row["disk"]) if row["type"] == "lxc" and row.get("disk") is not None else None)
        assert guest.uptime == (int(row["uptime"]) if guest.status.up and "uptime" in row else None)
        assert set(guest.tags) == {tag for tag in re.split("[;, ]", row.get("tags") or "") if tag}
        assert (guest.lock, guest.pool, guest.hastate) == tuple(row.get(k) or "" for k in ("lock", "pool", "hastate"))
    nodes = {node.name: node for node in value.nodes}
    assert set(nodes) == {name_of(row) for row in payload if row["type"] == "node"}
    for row in payload:
        if row["type"] == "node":
            assert nodes[name_of(row)].online == {"online": True, "offline": False}.get(row.get("status", ""))
            same_figures(row, nodes[name_of(row)], {"cpu": "cpu", "maxcpu": "cpus", "mem": "mem", "maxmem": "maxmem"})
    assert len(value.storages) == sum(row["type"] == "storage" for row in payload)
    assert value.dropped == 0
    same_picture(payload, value)


def name_of(row: Mapping[str, Any]) -> str:
    return str(row.get("node") or row["id"].split("/")[-1])


def same_picture(payload: Any, value: Resources) -> None:
    """What is made of it, where nobody says more: the offline nodes' guests unknown, shared storages once."""
    refused = PveForbidden("Permission check failed (/, Sys.Audit)")
    seen = merge("main", value, refused, before=None, taken=DAY, visibility=Visibility(token="t"))
    offline = {name_of(row) for row in payload if row["type"] == "node" and row.get("status") != "online"}
    assert {guest.vmid for guest in seen.guests if guest.status is Status.UNKNOWN} >= {
        guest.vmid for guest in value.guests if guest.node in offline
    }
    assert {gap.subject for gap in seen.unseen if gap.gap.name == "NODE_OFFLINE"} == offline
    shared = {row["storage"] for row in payload if row["type"] == "storage" and str(row.get("shared", 0)) == "1"}
    local = {f"{row['node']}/{row['storage']}" for row in payload if row["type"] == "storage"}
    local -= {name for name in local if name.split("/")[1] in shared}
    assert {storage.id for storage in seen.storages} == shared | local


def same_status(payload: Any, value: ClusterStatus) -> None:
    clusters = [row for row in payload if row["type"] == "cluster"]
    nodes = {row["name"]: row for row in payload if row["type"] == "node"}
    assert set(value.members) == set(nodes)
    for name, member in value.members.items():
        assert member.online == (bool(int(nodes[name]["online"])) if "online" in nodes[name] else None)
        assert member.ip == nodes[name].get("ip", "")
    if clusters:
        assert value.name == clusters[0]["name"]
        assert value.quorate == (bool(int(clusters[0]["quorate"])) if "quorate" in clusters[0] else None)
        assert not value.standalone
    else:
        assert value.standalone == (len(nodes) == 1)


def same_guest(payload: Any, value: tuple[Guest, bool]) -> None:
    guest, agent = value
    exact = payload.get("qmpstatus") or payload["status"]
    expected = exact if payload["status"] == "running" else payload["status"]
    if payload["status"] == "stopped" and payload.get("lock") == "suspended":
        expected = "hibernated"
    assert guest.status.value == expected
    assert guest.name == (payload.get("name") or "before")
    assert guest.lock == (payload.get("lock") or "")
    assert guest.live
    same_figures(payload, guest, {"cpu": "cpu", "cpus": "cpus", "mem": "mem", "maxmem": "maxmem", "maxdisk": "maxdisk"})
    assert guest.uptime == (int(payload["uptime"]) if guest.status.up and "uptime" in payload else None)
    managed = (payload.get("ha") or {}).get("managed")
    assert bool(guest.hastate) == bool(managed and int(managed))
    assert agent == bool(int(payload.get("agent") or 0))


def same_tasks(payload: Any, value: tuple[Task, ...]) -> None:
    by_upid = {task.upid.text: task for task in value}
    listed = {row["upid"]: row for row in payload if is_upid(row["upid"])}
    assert set(by_upid) == set(listed)
    for text, task in by_upid.items():
        row = listed[text]
        said = row.get("status", "")
        if "endtime" in row:
            assert task.end == datetime.fromtimestamp(int(row["endtime"]), UTC)
            assert task.exitstatus == said
            same_outcome(said, task.outcome)
        else:
            assert (task.outcome is Outcome.RUNNING) == (said in ("", "RUNNING"))
        if "type" in row:
            assert task.upid.type == row["type"]
        assert task.upid.user.partition("!")[0] == row["user"].partition("!")[0]
    assert [task.upid.start for task in value] == sorted((task.upid.start for task in value), reverse=True)


def same_task(payload: Any, value: Task) -> None:
    if payload["status"] == "running":
        assert value.outcome is Outcome.RUNNING
    else:
        assert value.exitstatus == payload.get("exitstatus", "")
        same_outcome(payload.get("exitstatus", ""), value.outcome)


def same_outcome(said: str, outcome: Outcome) -> None:
    if said == "OK":
        assert outcome is Outcome.OK
    elif said.startswith("WARNINGS: "):
        assert outcome is Outcome.WARNINGS
    elif said in ("", "unexpected status"):
        assert outcome is Outcome.UNKNOWN
    else:
        assert outcome in {Outcome.ERROR, Outcome.UNKNOWN}


def same_log(payload: Any, value: TaskLog) -> None:
    lines = payload if isinstance(payload, list) else [payload]
    assert list(value.lines) == [line["t"] for line in lines]
    assert value.total >= len(value.lines)


def same_addresses(payload: Any, value: tuple[str, ...]) -> None:
    """Every IPv4 address that is in it anywhere, but for loopback and link-local ones."""
    found = set(re.findall(r'"(?:inet|ip-address)": "(\d+\.\d+\.\d+\.\d+)', json.dumps(payload)))
    assert {a for a in value if "." in a} == {a for a in found if not a.startswith(("127.", "169.254.", "0."))}
    assert not any(a.startswith(("fe80", "::1")) for a in value)


def same_start(payload: Any, value: Upid | None) -> None:
    assert (None if value is None else value.text) == (payload if str(payload).startswith("UPID:") else None)


# -- feeds ---------------------------------------------------------------------------------------------------------


def same_node_status(payload: Any, value: NodeStatus) -> None:
    memory, swap = payload.get("memory") or {}, payload.get("swap") or {}
    assert (value.mem, value.mem_total, value.mem_available) == tuple(
        memory.get(key) for key in ("used", "total", "available")
    )
    assert (value.swap, value.swap_total) == (swap.get("used"), swap.get("total"))
    assert value.load5 == float(payload["loadavg"][1])
    assert value.version == payload["pveversion"]
    assert value.kernel in payload["kversion"].split() or value.kernel == payload["current-kernel"]["release"]
    assert value.kernel
    assert nodes.major(value.version) == int(re.match(r"pve-manager/(\d+)", value.version)[1])  # type: ignore[index]


def same_history(payload: Any, value: nodes.Figures) -> None:
    full = [row for row in payload if row.get("memtotal") is not None]
    newest: Mapping[str, Any] = max(full, key=lambda row: row["time"], default={})
    assert (value.arc is None) == (newest.get("arcsize") is None)
    if newest.get("memavailable") is not None:
        assert value.available == int(newest["memavailable"])
    if newest.get("pressurecpusome") is not None:
        assert value.cpu == pytest.approx(float(newest["pressurecpusome"]) / 100)


def same_ha(payload: Any, value: ha.Current) -> None:
    services = {row.get("sid") or row["id"].removeprefix("service:") for row in payload if row["type"] == "service"}
    assert {service.sid for service in value.ha.services} == services
    states = {row["armed-state"] for row in payload if row["type"] == "fencing"}
    assert set(value.ha.fencing.values()) == states
    assert value.ha.armed == (states <= {"armed", "standby"} if states else None)


def same_names(key: str, ours: str) -> Callable[[Any, Any], None]:
    """Each row once, by its name."""

    def same(payload: Any, value: Any) -> None:
        assert {getattr(one, ours) for one in value} == {str(row[key]).rpartition("/")[2] for row in payload}

    return same


def same_disks(payload: Any, value: tuple[Disk, ...]) -> None:
    by_dev = {disk.dev: disk for disk in value}
    assert set(by_dev) == {row["devpath"] for row in payload}
    for row in payload:
        disk = by_dev[row["devpath"]]
        assert disk.health == (row.get("health") or "")
        assert disk.wearout == (row["wearout"] if isinstance(row.get("wearout"), int) else None)


def same_storages(payload: Any, value: tuple[StorageState, ...]) -> None:
    assert {(one.name, one.active, one.enabled) for one in value} == {
        (row["storage"], bool(row.get("active", 0)), bool(row.get("enabled", 1))) for row in payload
    }


def same_ceph(payload: Any, value: Ceph) -> None:
    assert value.health == payload["health"]["status"]
    assert {check.name for check in value.checks} == set(payload["health"].get("checks") or {})


def same_packages(payload: Any, value: Packages) -> None:
    older = [row for row in payload if row.get("OldVersion") not in (None, row["Version"])]
    assert value.outdated == sum(row["CurrentState"] == "Installed" for row in older)
    assert value.kernel_running == next((row["RunningKernel"] for row in payload if "RunningKernel" in row), "")


def same_jobs(payload: Any, value: tuple[BackupJob, ...]) -> None:
    by_id = {job.id: job for job in value}
    assert set(by_id) == {row["id"] for row in payload}
    for row in payload:
        job = by_id[row["id"]]
        assert job.enabled == bool(row.get("enabled", 1))
        assert job.vmids == {int(vmid) for vmid in str(row.get("vmid") or "").split(",") if vmid}
        assert (job.interval is None) == (row["schedule"].count(" ") > 2), "a line of cron is none of systemd"


def same_snapshots(payload: Any, value: GuestSnapshots) -> None:
    assert value.count == sum(row["name"] != "current" for row in payload)
    times = [int(row["snaptime"]) for row in payload if row.get("snaptime") and row["name"] != "current"]
    assert value.oldest == (datetime.fromtimestamp(min(times), UTC) if times else None)


def same_contents(payload: Any, value: Mapping[int, datetime]) -> None:
    files = [
        row for row in payload if row.get("content", "backup") == "backup" and row.get("vmid") and row.get("ctime")
    ]
    assert {vmid: int(at.timestamp()) for vmid, at in value.items()} == {
        int(row["vmid"]): max(int(other["ctime"]) for other in files if int(other["vmid"]) == int(row["vmid"]))
        for row in files
    }


def same_figures(row: Mapping[str, Any], value: object, names: Mapping[str, str]) -> None:
    for theirs, ours in names.items():
        if row.get(theirs) is not None:
            assert getattr(value, ours) == pytest.approx(float(row[theirs]), rel=1e-12), (theirs, row[theirs])


def is_upid(text: str) -> bool:
    return re.fullmatch(r"UPID:[\w-]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:[^:]+:[^:]*:[^:]+:", text) is not None


def _equal(ours: object, theirs: object) -> None:
    assert ours == theirs


def _on(config: Mapping[str, Any]) -> bool:
    return str(config.get("onboot", 0)) == "1"


@dataclass(frozen=True, slots=True)
class Use:
    read: Callable[[bytes], Any]
    same: Callable[[Any, Any], None]


USES: Mapping[str, Use] = {
    "GET /version": Use(parse.version, same_version),
    "GET /access/permissions": Use(parse.permissions, same_permissions),
    "GET /cluster/resources": Use(lambda body: rows.resources(body, "main"), same_resources),
    "GET /cluster/status": Use(rows.cluster_status, same_status),
    "GET /nodes/{node}/qemu/{vmid}/status/current": Use(lambda body: rows.current(body, GUEST), same_guest),
    "GET /nodes/{node}/lxc/{vmid}/status/current": Use(lambda body: rows.current(body, GUEST), same_guest),
    "GET /cluster/tasks": Use(lambda body: tasks.tasks(body, "main"), same_tasks),
    "GET /nodes/{node}/tasks": Use(lambda body: tasks.tasks(body, "main"), same_tasks),
    "GET /nodes/{node}/tasks/{upid}/status": Use(lambda body: tasks.task(body, "main", JOB), same_task),
    "GET /nodes/{node}/tasks/{upid}/log": Use(lambda body: tasks.log(body, 0), same_log),
    "GET /nodes/{node}/status": Use(nodes.status, same_node_status),
    "GET /nodes/{node}/rrddata": Use(nodes.newest, same_history),
    "GET /nodes/{node}/services": Use(nodes.services, same_names("service", "name")),
    "GET /nodes/{node}/time": Use(nodes.time, lambda payload, value: _equal(value, payload["time"])),
    "GET /nodes/{node}/certificates/info": Use(nodes.certificates, same_names("filename", "file")),
    "GET /nodes/{node}/subscription": Use(
        nodes.subscription, lambda p, value: _equal(value.status, p["status"].lower())
    ),
    "GET /nodes/{node}/apt/versions": Use(packages.packages, same_packages),
    "GET /nodes/{node}/disks/zfs": Use(disks.pools, same_names("name", "name")),
    "GET /nodes/{node}/disks/zfs/{name}": Use(disks.errors, lambda p, value: _equal(value.name, p["name"])),
    "GET /nodes/{node}/disks/lvmthin": Use(disks.thin, same_names("lv", "name")),
    "GET /nodes/{node}/disks/list": Use(disks.disks, same_disks),
    "GET /nodes/{node}/storage": Use(disks.storages, same_storages),
    "GET /nodes/{node}/replication": Use(lambda body: replication.jobs(body, "pve1"), same_names("id", "id")),
    "GET /nodes/{node}/storage/{storage}/content": Use(backups.contents, same_contents),
    "GET /cluster/ha/status/current": Use(ha.current, same_ha),
    "GET /cluster/ha/status/manager_status": Use(
        ha.manager, lambda p, value: _equal(value, p["manager_status"]["node_status"])
    ),
    "GET /cluster/ceph/status": Use(ceph.ceph, same_ceph),
    "GET /cluster/backup": Use(backups.jobs, same_jobs),
    "GET /cluster/backup-info/not-backed-up": Use(
        backups.uncovered, lambda p, value: _equal(set(value), {row["vmid"] for row in p})
    ),
    "GET /nodes/{node}/qemu/{vmid}/snapshot": Use(lambda body: guests.snapshots(body, 1), same_snapshots),
    "GET /nodes/{node}/lxc/{vmid}/snapshot": Use(lambda body: guests.snapshots(body, 1), same_snapshots),
    "GET /nodes/{node}/qemu/{vmid}/config": Use(guests.onboot, lambda p, value: _equal(value, _on(p))),
    "GET /nodes/{node}/lxc/{vmid}/config": Use(guests.onboot, lambda p, value: _equal(value, _on(p))),
    "GET /access/users": Use(lambda body: tokens.own(body, ("root@pam!full",)), lambda payload, value: None),
    "GET /nodes/{node}/lxc/{vmid}/interfaces": Use(addresses.read, same_addresses),
    "GET /nodes/{node}/qemu/{vmid}/agent/network-get-interfaces": Use(addresses.read, same_addresses),
}
WRITE = Use(tasks.started, same_start)
NONE = Use(parse.data, lambda payload, value: None)

ERRORS: list[tuple[range, type[PveError], type[PveError]]] = [
    (range(400, 401), PveRefused, PveRefused),
    (range(401, 402), PveUnauthorized, PveUnauthorized),
    (range(403, 404), PveForbidden, PveForbidden),
    (range(500, 502), PveRefused, PveRefused),
    (range(506, 507), PveRefused, PveRefused),
    (range(595, 596), PveNodeDown, PveNodeDown),
    (range(596, 600), PveNodeDown, PveNoAnswer),
]


def use_of(envelope: Envelope) -> Use:
    if envelope.method != "GET":
        return WRITE
    return USES.get(f"{envelope.method} {envelope.template}", NONE)


async def replay(client: Client, host: Scripted, envelope: Envelope, use: Use) -> Any:
    host.on(envelope.method, envelope.path, answering(envelope))
    if envelope.method == "GET":
        return await client.get(envelope.path, use.read, envelope.query)
    return await client.write(envelope.method, envelope.path, use.read, envelope.form)


def judge(envelope: Envelope, use: Use, answer: Any) -> None:
    write = envelope.method != "GET"
    if not isinstance(answer, PveError):
        assert 200 <= envelope.status < 300
        use.same(envelope.data, answer)
        return
    text = json.loads(envelope.body).get("message") if envelope.body.startswith(b"{") else None
    if 200 <= envelope.status < 300:  # it made no sense to us: only where it makes none
        assert isinstance(answer, PveNoAnswer if write else PveGarbled)
        assert makes_no_sense(envelope), f"this makes sense: {envelope.body[:200]!r}"
        return
    kinds = next(row for row in ERRORS if envelope.status in row[0])
    absent = isinstance(answer, PveAbsent) and not write  # a tool or a call that is not there
    assert absent == (not write and (envelope.status == 501 or "not installed" in answer.reason))
    assert absent or type(answer) is kinds[2 if write else 1]
    assert answer.reason == ((text or "").strip() or envelope.reason or f"HTTP status {envelope.status}")
    if isinstance(answer, PveForbidden) and (named := re.search(r"\((/\S*), (VM|Sys|Datastore|Pool)\.", answer.reason)):
        assert answer.path == named[1]
        assert answer.reason.endswith(f"{answer.privilege})")


def makes_no_sense(envelope: Envelope) -> bool:
    """Fixtures that no server ever gave: a body without `data`, a task whose name is no UPID …"""
    if b'"data"' not in envelope.body[:10_000_000] or envelope.data is None:
        return True
    if envelope.method != "GET":
        return isinstance(envelope.data, str) and not is_upid(envelope.data)
    if envelope.template.endswith("/status/current"):
        return "status" not in envelope.data
    if envelope.template.endswith("/{upid}/status"):
        return envelope.data.get("status") not in ("running", "stopped")
    return not envelope.data


GROUPS = [*USES, "writes", "the rest"]


def of_group(group: str) -> list[Envelope]:
    if group == "writes":
        return [envelope for envelope in ENVELOPES if envelope.method != "GET"]
    reads = [envelope for envelope in ENVELOPES if envelope.method == "GET"]
    if group == "the rest":
        return [envelope for envelope in reads if use_of(envelope) is NONE]
    return [envelope for envelope in reads if f"GET {envelope.template}" == group]


@pytest.mark.parametrize("group", GROUPS)
async def test_every_answer_is_read_or_refused_in_our_own_words(
    group: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    envelopes = of_group(group)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    wrong: list[str] = []
    async with Scripted(authority.issue_cert("127.0.0.1")) as host:
        cluster = Cluster(config(host, ca_file=tmp_path / "ca.pem", max_bytes=2**25), Clock())
        for envelope in envelopes:
            use = use_of(envelope)
            try:
                answer: Any = await replay(cluster._view, host, envelope, use)
            except PveError as error:
                answer = error
            except Exception as error:  # noqa: BLE001 - whatever it is, it must be named with its file
                wrong.append(f"{envelope.file}: {type(error).__name__}: {error}")
                continue
            try:
                judge(envelope, use, answer)
            except (AssertionError, KeyError, TypeError, ValueError) as error:
                wrong.append(f"{envelope.file}: {answer!r:.300}: {type(error).__name__}: {error}")
        await cluster.close()
    if group == "the rest":
        templates = {envelope.template for envelope in envelopes}
        with capsys.disabled():
            print(
                f"\n{len(envelopes)} of {len(ENVELOPES)} recorded answers, of {len(templates)} calls, are of no use yet"
            )
    assert not wrong, "\n".join(wrong)
    assert envelopes, f"no recorded answer of {group}"
