"""/nodes/{node}/tasks…: a node's tasks, and what became of them (pve-manager, API2/Tasks.pm)."""

from bot.demo.cluster.api import Answer, Call, Param, Route
from bot.demo.cluster.broadcast import Row
from bot.demo.cluster.errors import bad, died
from bot.demo.cluster.tasks import Task


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
    return row | task.ended


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
    Route(method="GET", path="/nodes/{node}/tasks", handler=tasks, proxied=True, params=FILTERS),
    Route(method="GET", path="/nodes/{node}/tasks/{upid}", handler=task_index),
    Route(method="DELETE", path="/nodes/{node}/tasks/{upid}", handler=task_stop, proxied=True),
    Route(method="GET", path="/nodes/{node}/tasks/{upid}/status", handler=task_status, proxied=True),
    Route(method="GET", path="/nodes/{node}/tasks/{upid}/log", handler=task_log, proxied=True, params=LOG),
)
