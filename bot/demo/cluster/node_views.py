"""/nodes/{node}/…: the node itself, its tasks, its storages (pve-manager, API2/Nodes.pm, Tasks.pm; pve-storage)."""

from bot.demo.cluster.api import Answer, Call, Param, Route
from bot.demo.cluster.broadcast import Row
from bot.demo.cluster.cluster_views import version
from bot.demo.cluster.errors import bad, died
from bot.demo.cluster.tasks import Task

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
    outcomes = {"ok", "warning", "error", "unknown"}
    if call.flag("errors"):
        outcomes -= {"ok"}
    elif "statusfilter" in call.params:
        outcomes &= set(call.text("statusfilter").lower().split(","))
    found: list[Task] = []
    for task in call.world.tasks.on(call.node):
        if not (everything or task.owned_by(call.caller.id)):
            continue
        if (task.running and source == "archive") or (not task.running and source == "active"):
            continue
        if _outcome(task) not in outcomes:
            continue
        if "vmid" in call.params and task.id != str(call.vmid):
            continue
        if (kind := call.text("typefilter")) and kind != task.type:
            continue
        if (user := call.text("userfilter").lower()) and user not in task.user.partition("!")[0].lower():
            continue
        if task.start < call.number("since", 0) or ("until" in call.params and task.start > call.number("until", 0)):
            continue
        found.append(task)
    start, limit = call.number("start", 0), call.number("limit", 50)
    return Answer(data=[_listed(task) for task in found[start : start + limit]], total=len(found))


# A log that is not there is read as one line that says so (pve-common, Tools.pm: dump_logfile)
LOST = Task("", "", "", "", "", 0, 0, 0, 0, lines=["unable to open file - No such file or directory"])


def _task(call: Call, privilege: str, *, log: bool = False) -> Task:
    """Raises what a UPID that is none, is unknown, or is another's leads to."""
    upid = call.text("upid")
    if not upid.startswith("UPID:") or upid.count(":") != 8 or upid.split(":")[1] != call.node:
        raise bad(upid="unable to parse worker upid")
    task = call.world.tasks.all.get(upid)
    if task is None and not log:
        raise bad(upid="no such task")
    user = upid.split(":")[7]
    if user != call.caller.id and ("!" in call.caller.id or user.partition("!")[0] != call.caller.id):
        call.need(privilege, f"/nodes/{call.node}")
    return task if task is not None else LOST


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
    task = _task(call, "Sys.Audit", log=True)
    if call.flag("download"):
        if {"start", "limit"} & call.params.keys():
            raise died("'download' cannot be used together with 'start' or 'limit' parameters")
        text = "".join(f"{line}\n" for line in task.lines)
        return Answer(body=text.encode(), content_type="text/plain")
    lines = task.lines or ["no content"]
    start, limit = call.number("start", 0), call.number("limit", 50)
    shown = lines[start : start + limit] if limit else lines[start:]
    return Answer(data=[{"n": start + n, "t": line} for n, line in enumerate(shown, 1)], total=len(lines))


def task_stop(call: Call) -> Answer:
    call.world.tasks.interrupt(_task(call, "Sys.Modify"))
    return Answer()


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
ROUTES = (
    Route(method="GET", path="/nodes/{node}", handler=index),
    Route(method="GET", path="/nodes/{node}/version", handler=version, proxied=True),
    Route(
        method="GET", path="/nodes/{node}/status", handler=status, proxied=True, check=("/nodes/{node}", "Sys.Audit")
    ),
    Route(method="GET", path="/nodes/{node}/tasks", handler=tasks, proxied=True, params=FILTERS),
    Route(method="GET", path="/nodes/{node}/tasks/{upid}", handler=task_index),
    Route(method="DELETE", path="/nodes/{node}/tasks/{upid}", handler=task_stop, proxied=True),
    Route(method="GET", path="/nodes/{node}/tasks/{upid}/status", handler=task_status, proxied=True),
    Route(method="GET", path="/nodes/{node}/tasks/{upid}/log", handler=task_log, proxied=True, params=LOG),
)
