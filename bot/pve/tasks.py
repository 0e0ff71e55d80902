"""Tasks and their logs into values. Reads JSON by the means of parse.py; `clean` takes secrets out of what they say.

A list leaves out what is no task; a running row has no `endtime`, and no `status` or the word RUNNING. Who started a
task is read from its UPID: finished rows split user and token, running ones do not.
"""

from collections.abc import Callable

from bot.model import Outcome, Task, TaskLog, Upid
from bot.model.tasks import lost
from bot.pve.parse import Garbled, data, envelope, mapping, moment, rows, shown, text, whole


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
    if lost(exitstatus):  # no last line in its log: killed, power loss, or seen as the worker exits
        return Outcome.UNKNOWN
    return Outcome.ERROR


def tasks(body: bytes, cluster: str, clean: Callable[[str], str] = str) -> tuple[Task, ...]:
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
            exitstatus="" if running else clean(status),
            end=end,
        )
        if upid.text not in found or running is False:  # listed twice while it ends: the end is the news
            found[upid.text] = task
    return tuple(sorted(found.values(), key=lambda task: (task.upid.start, task.upid.text), reverse=True))


def task(body: bytes, cluster: str, upid: Upid, clean: Callable[[str], str] = str) -> Task:
    """GET /nodes/{node}/tasks/{upid}/status."""
    found = mapping(body)
    status = text(found.get("status"))
    if status not in {"running", "stopped"}:
        raise Garbled(f"a task is running or stopped: {shown(body)}")
    exitstatus = text(found.get("exitstatus")) if status == "stopped" else ""
    return Task(
        cluster=cluster,
        upid=upid,
        outcome=Outcome.RUNNING if status == "running" else outcome(exitstatus),
        exitstatus=clean(exitstatus),
        end=moment(found.get("endtime")),
    )


def log(body: bytes, start: int, clean: Callable[[str], str] = str) -> TaskLog:
    """GET /nodes/{node}/tasks/{upid}/log. PVE 7 gives one line as an object where the file is gone."""
    answer = envelope(body)
    found = answer["data"]
    if isinstance(found, dict):
        found = [found] if "t" in found else []
    if found is None:
        found = []
    if not isinstance(found, list):
        raise Garbled(f"lines were expected: {shown(body)}")
    lines = tuple(clean(text(row.get("t"))) for row in found if isinstance(row, dict))
    total = whole(answer.get("total"))
    return TaskLog(lines=lines, total=start + len(lines) if total is None else total, start=start)


def _upid(value: object) -> Upid | None:
    try:
        return Upid.parse(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):  # a start that no calendar holds
        return None
