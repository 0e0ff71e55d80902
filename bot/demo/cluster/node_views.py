"""/nodes/{node}/…: the node itself, its tasks, its storages (pve-manager, API2/Nodes.pm, Tasks.pm; pve-storage)."""

from bot.demo.cluster.api import Answer, Call, Param, Route
from bot.demo.cluster.broadcast import Row
from bot.demo.cluster.cluster_views import version
from bot.demo.cluster.errors import Refusal, bad, died
from bot.demo.cluster.tasks import Task
from bot.demo.cluster.things import Storage

INDEX = (
    "aplinfo", "apt", "ceph", "certificates", "config", "disks", "dns", "firewall", "hosts", "lxc", "network", "qemu",
    "replication", "rrddata", "scan", "services", "status", "storage", "subscription", "tasks", "time", "version",
    "vzdump",
)  # fmt: skip


def index(call: Call) -> Answer:
    return Answer(data=[{"name": name} for name in INDEX])


def status(call: Call) -> Answer:
    world, now = call.world, call.world.now
    node, release = world.nodes[call.node], world.release
    used, mem = int(node.used * node.maxdisk), node.mem(now)
    load = node.cpu(now) * node.cpus
    memory: Row = {"total": node.maxmem, "used": mem, "free": node.maxmem - mem}
    data: Row = {
        "uptime": node.uptime(now),
        "cpu": node.cpu(now),
        "wait": 0.0031,
        "idle": 0,
        "loadavg": [f"{load:.2f}", f"{load * 0.94:.2f}", f"{load * 0.9:.2f}"],
        "kversion": "Linux 6.17.9-1-pve #1 SMP PREEMPT_DYNAMIC",
        "pveversion": f"pve-manager/{release.text}/7e1a53c0b2d94f68",
        "cpuinfo": {
            "cpus": node.cpus, "cores": node.cpus // 2, "sockets": 1, "model": node.model, "mhz": "3200.000",
            "hvm": "1", "user_hz": 100, "flags": "fpu vme de pse",
        },
        "memory": memory,
        "swap": {"total": 8 * 1024**3, "used": 16 * 1024**2, "free": 8 * 1024**3 - 16 * 1024**2},
        "rootfs": {"total": node.maxdisk, "used": used, "avail": node.maxdisk - used, "free": node.maxdisk - used},
        "ksm": {"shared": 0},
    }  # fmt: skip
    if release.major >= 8:
        data["boot-info"] = {"mode": "efi", "secureboot": 0}
        data["current-kernel"] = {
            "sysname": "Linux", "release": "6.17.9-1-pve", "version": "#1 SMP PREEMPT_DYNAMIC", "machine": "x86_64",
        }  # fmt: skip
    if release.major >= 9:
        memory["available"] = node.maxmem - mem + node.maxmem // 20
    return Answer(data=data)


# -- tasks -------------------------------------------------------------------------------------------------------------


def _outcome(task: Task) -> str:
    """As `statusfilter` names it."""
    if task.exitstatus == "OK":
        return "ok"
    if task.exitstatus.startswith("WARNINGS:"):
        return "warning"
    return "unknown" if task.exitstatus in {"", "unexpected status"} else "error"


def _listed(task: Task) -> Row:
    row: Row = {
        "upid": task.upid, "node": task.node, "type": task.type, "id": task.id, "pid": task.pid, "pstart": task.pstart,
        "starttime": int(task.start),
    }  # fmt: skip
    if task.end is None:
        return row | {"user": task.user, "status": "RUNNING"}
    user, _, token = task.user.partition("!")
    return (
        row
        | {"user": user, "endtime": int(task.end), "status": task.exitstatus}
        | ({"tokenid": token} if token else {})
    )


def tasks(call: Call) -> Answer:
    """Newest first. Only finished ones, unless source=all or active."""
    source, everything = call.text("source", "archive"), call.may("Sys.Audit", f"/nodes/{call.node}")
    outcomes = set(call.text("statusfilter").split(",")) - {""}
    found: list[Task] = []
    for task in call.world.tasks.on(call.node):
        if not (everything or task.owned_by(call.caller.id)):
            continue
        if (task.running and source == "archive") or (not task.running and source == "active"):
            continue
        if call.flag("errors") and (task.running or _outcome(task) in {"ok", "warning"}):
            continue
        if outcomes and _outcome(task) not in outcomes:
            continue
        if "vmid" in call.params and task.id != str(call.vmid):
            continue
        if (kind := call.text("typefilter")) and kind != task.type:
            continue
        if (user := call.text("userfilter").lower()) and user not in task.user.lower():
            continue
        if task.start < call.number("since", 0) or ("until" in call.params and task.start > call.number("until", 0)):
            continue
        found.append(task)
    start, limit = call.number("start", 0), call.number("limit", 50)
    shown = found[start : start + limit] if limit else found[start:]
    return Answer(data=[_listed(task) for task in shown], total=len(found))


def _task(call: Call, privilege: str) -> Task:
    """Raises what a UPID that is none, is unknown, or is another's leads to."""
    upid = call.text("upid")
    if not upid.startswith("UPID:") or upid.count(":") != 8 or upid.split(":")[1] != call.node:
        raise bad(upid="unable to parse worker upid")
    user = upid.split(":")[7]
    if user != call.caller.id and ("!" in call.caller.id or user.partition("!")[0] != call.caller.id):
        path = f"/nodes/{call.node}"
        if not call.may(privilege, path):
            raise Refusal(403, f"Permission check failed ({path}, {privilege})\n")
    task = call.world.tasks.all.get(upid)
    if task is None:
        raise bad(upid="no such task")
    return task


def task_index(call: Call) -> Answer:
    return Answer(data=[{"name": "log"}, {"name": "status"}])


def task_status(call: Call) -> Answer:
    task = _task(call, "Sys.Audit")
    user, _, token = task.user.partition("!")
    row: Row = {
        "upid": task.upid, "node": task.node, "type": task.type, "id": task.id, "user": user, "pid": task.pid,
        "starttime": int(task.start), "status": "running" if task.running else "stopped",
    }  # fmt: skip
    if call.world.release.since(8, 1):
        row["pstart"] = task.pstart
    if token:
        row["tokenid"] = token
    if not task.running:
        row["exitstatus"] = task.exitstatus
    return Answer(data=row)


def task_log(call: Call) -> Answer:
    """Lines by number; all of them as text with download=1."""
    task = _task(call, "Sys.Audit")
    if call.flag("download"):
        if {"start", "limit"} & call.params.keys():
            name = "start" if "start" in call.params else "limit"
            raise bad(**{name: f"Parameter '{name}' can't be used together with 'download' parameter"})
        text = "".join(f"{line}\n" for line in task.lines)
        return Answer(body=text.encode(), content_type="text/plain")
    lines = task.lines or ["no content"]
    start, limit = call.number("start", 0), call.number("limit", 50)
    shown = lines[start : start + limit] if limit else lines[start:]
    return Answer(data=[{"n": start + n, "t": line} for n, line in enumerate(shown, 1)], total=len(lines))


def task_stop(call: Call) -> Answer:
    call.world.tasks.interrupt(_task(call, "Sys.Modify"))
    return Answer()


# -- storages ----------------------------------------------------------------------------------------------------------

READS = "Datastore.Audit|Datastore.AllocateSpace"


def _figures(storage: Storage) -> Row:
    row: Row = {
        "type": storage.type, "content": storage.content, "shared": int(storage.shared), "enabled": int(storage.enabled),
        "active": int(storage.active and storage.enabled), "total": 0, "used": 0, "avail": 0,
    }  # fmt: skip
    if row["active"]:
        used = int(storage.used * storage.total)
        row |= {"total": storage.total, "used": used, "avail": storage.total - used}
    return row


def storages(call: Call) -> Answer:
    rows = []
    for storage in call.world.storages_on(call.node):
        if not call.may(READS, f"/storage/{storage.name}"):
            continue
        if (call.flag("enabled") and not storage.enabled) or call.text("storage", storage.name) != storage.name:
            continue
        wanted = set(call.text("content").split(",")) - {""}
        if wanted and not wanted & set(storage.content.split(",")):
            continue
        row = {"storage": storage.name, **_figures(storage)}
        if row["active"]:
            row["used_fraction"] = storage.used
        rows.append(row)
    return Answer(data=rows)


def _storage(call: Call) -> Storage:
    name = call.text("storage")
    for storage in call.world.storages_on(call.node):
        if storage.name == name:
            return storage
    if any(storage.name == name for storage in call.world.storages):
        raise died(f"storage '{name}' is not available on node '{call.node}'")
    raise died(f"storage '{name}' does not exist")


def storage_status(call: Call) -> Answer:
    return Answer(data=_figures(_storage(call)))


def content(call: Call) -> Answer:
    """A backup is listed with Datastore.AllocateSpace and VM.Backup on its guest; a disk with VM.Config.Disk there."""
    storage, rows = _storage(call), []
    if not storage.enabled:
        raise died(f"storage '{storage.name}' is disabled")
    if not storage.active:
        raise died(f"storage '{storage.name}' is not online")
    path = f"/storage/{storage.name}"
    for volume in storage.volumes:
        if call.text("content", volume.content) != volume.content or call.number("vmid", volume.vmid) != volume.vmid:
            continue
        owner = f"/vms/{volume.vmid}"
        if not call.may("Datastore.Allocate", path):
            if volume.content == "backup" and not (
                call.may("Datastore.AllocateSpace", path) and call.may("VM.Backup", owner)
            ):
                continue
            if volume.content in {"images", "rootdir"}:
                if not (call.may("Datastore.Audit", path) and call.may("VM.Config.Disk", owner)):
                    continue
        row: Row = {
            "volid": volume.volid, "content": volume.content, "format": volume.format, "size": volume.size,
            "ctime": int(volume.created),
        }  # fmt: skip
        if volume.vmid:
            row["vmid"] = volume.vmid
        if volume.notes:
            row["notes"] = volume.notes
        if volume.content == "backup":
            row |= {"subtype": "qemu" if "-qemu-" in volume.volid else "lxc", "protected": int(volume.protected)}
        rows.append(row)
    return Answer(data=rows)


FILTERS = {
    "errors": Param(type="boolean"),
    "limit": Param(type="integer", minimum=0),
    "since": Param(type="integer"),
    "source": Param(enum=("archive", "active", "all")),
    "start": Param(type="integer", minimum=0),
    "statusfilter": Param(),
    "typefilter": Param(),
    "until": Param(type="integer"),
    "userfilter": Param(),
    "vmid": Param(type="integer", minimum=100, maximum=999_999_999),
}
LOG = {
    "download": Param(type="boolean"),
    "limit": Param(type="integer", minimum=0),
    "start": Param(type="integer", minimum=0),
}
STORAGES = {
    "content": Param(),
    "enabled": Param(type="boolean"),
    "format": Param(type="boolean"),
    "storage": Param(),
    "target": Param(),
}
CONTENT = {"content": Param(), "vmid": Param(type="integer", minimum=100, maximum=999_999_999)}

ROUTES = (
    Route(method="GET", path="/nodes/{node}", handler=index),
    Route(method="GET", path="/nodes/{node}/version", handler=version, proxied=True),
    Route(method="GET", path="/nodes/{node}/status", handler=status, proxied=True, check=("/nodes/{node}", "Sys.Audit")),
    Route(method="GET", path="/nodes/{node}/tasks", handler=tasks, proxied=True, params=FILTERS),
    Route(method="GET", path="/nodes/{node}/tasks/{upid}", handler=task_index),
    Route(method="DELETE", path="/nodes/{node}/tasks/{upid}", handler=task_stop, proxied=True),
    Route(method="GET", path="/nodes/{node}/tasks/{upid}/status", handler=task_status, proxied=True),
    Route(method="GET", path="/nodes/{node}/tasks/{upid}/log", handler=task_log, proxied=True, params=LOG),
    Route(method="GET", path="/nodes/{node}/storage", handler=storages, proxied=True, params=STORAGES),
    Route(
        method="GET", path="/nodes/{node}/storage/{storage}/status", handler=storage_status, proxied=True,
        check=("/storage/{storage}", READS),
    ),
    Route(
        method="GET", path="/nodes/{node}/storage/{storage}/content", handler=content, proxied=True,
        check=("/storage/{storage}", READS), params=CONTENT,
    ),
)  # fmt: skip
