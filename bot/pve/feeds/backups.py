"""Backups: the jobs, who is in none, what the vzdump tasks of each node did guest by guest, and what the storages hold.

A storage lists the backups that the token may see, and says nothing of the others (PVE/Storage.pm, filtered per row):
it is only asked where the token's own permissions prove that it sees them all. A log is read once.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.errors import PveError, PveForbidden
from bot.model import Outcome, Permissions, Snapshot, Task, Upid
from bot.model.readings import BackupJob, Backups, GuestBackup
from bot.pve import tasks, vzdump
from bot.pve.feeds.schedule import interval
from bot.pve.feeds.source import Source
from bot.pve.parse import Row, flag, moment, rows, text, whole, words

BACK = timedelta(days=9)
"""Runs this old are looked at: a weekly job has one among them."""
TASKS = 500  # of one node
LOGS = 60  # read at one time, newest first; the rest has its turn at the next, which is soon
LINES = 20_000  # of one log
LISTED = 300.0  # s that what a storage holds is kept: a run that ends is told at once, the rest can wait
SEEN = ("Datastore.Allocate", "Datastore.AllocateSpace", "VM.Backup")


@dataclass(slots=True)
class Held:
    """The newest backup of each guest in one storage."""

    at: float  # monotonic
    newest: Mapping[int, datetime] = field(default_factory=dict)


class History:
    """All of it. What was read before is kept, and not read again."""

    def __init__(self) -> None:
        self._logs: dict[Upid, tuple[GuestBackup, ...]] = {}
        self._held: dict[str, Held] = {}
        self._partly = False

    async def __call__(self, source: Source, node: str = "") -> Backups:
        """Raises: PveError of the jobs, or when no node at all tells its tasks."""
        known = await source.get("/cluster/backup", jobs)
        seen = await source.snapshot(60.0)
        uncovered = await self._uncovered(source)
        runs = await self._runs(source)
        complete = await self._storages(source, seen)
        newest: dict[int, datetime] = {}
        for vmid, at in (
            *((run.vmid, run.ended) for run in runs if run.good),
            *(item for held in self._held.values() for item in held.newest.items()),
        ):
            if vmid not in newest or at > newest[vmid]:
                newest[vmid] = at
        return Backups(
            newest=newest, runs=runs, complete=complete, jobs=known, uncovered=uncovered, partly=self._partly
        )

    async def _uncovered(self, source: Source) -> tuple[int, ...] | None:
        """GET /cluster/backup-info/not-backed-up."""
        try:
            return await source.get("/cluster/backup-info/not-backed-up", uncovered)
        except PveError:
            return None

    async def _runs(self, source: Source) -> tuple[GuestBackup, ...]:
        """GET /nodes/{node}/tasks?typefilter=vzdump and the log of each, newest first."""
        since = source.now() - BACK
        query = {"typefilter": "vzdump", "limit": str(TASKS), "since": str(int(since.timestamp()))}
        found: list[Task] = []
        troubles: list[PveError] = []
        nodes = await source.online()
        for name in nodes:
            try:
                found += await source.get(
                    f"/nodes/{name}/tasks", lambda body: tasks.tasks(body, source.cluster, source.clean), query
                )
            except PveError as error:
                troubles.append(error)
        if troubles and len(troubles) == len(nodes):
            raise troubles[0]
        ended = sorted(
            (task for task in found if task.upid.type == "vzdump" and task.outcome is not Outcome.RUNNING),
            key=lambda task: task.end or task.upid.start,
            reverse=True,
        )
        self._logs = {upid: told for upid, told in self._logs.items() if upid.start >= since}
        self._partly = bool(troubles)
        unread, read = [task for task in ended if task.upid not in self._logs], 0
        for task in unread[:LOGS]:
            try:
                self._logs[task.upid] = await _log(source, task)
                read += 1
            except PveForbidden:  # of somebody else, and the token may not look: of the next it may
                continue
            except PveError:
                self._partly = True
                break  # the others as well, perhaps: at the next reading
        self._partly = self._partly or (read > 0 and len(unread) > LOGS)
        told = [backup for log in self._logs.values() for backup in log]
        return tuple(sorted(told, key=lambda backup: backup.ended, reverse=True))

    async def _storages(self, source: Source, seen: Snapshot) -> bool:
        """GET /nodes/{node}/storage/{storage}/content?content=backup. True when every one with backups was seen whole.

        A shared one is asked of one node.
        """
        may = await source.permissions()
        complete, now = True, source.clock.monotonic()
        online = [node.name for node in seen.nodes if node.online]
        keep: set[str] = set()
        for storage in seen.storages:
            if "backup" not in storage.content:
                continue
            keep.add(storage.id)
            node = storage.node if storage.node in online else next(iter(online), "") if storage.shared else ""
            if may is None or not visible(may, storage.name) or not node or storage.available is False:
                complete = False
                continue
            held = self._held.get(storage.id)
            if held is not None and 0 <= now - held.at < LISTED:
                continue
            try:
                newest = await source.get(
                    f"/nodes/{node}/storage/{storage.name}/content", contents, {"content": "backup"}, timeout=20.0
                )
            except PveError:
                complete = False
            else:
                self._held[storage.id] = Held(now, newest)
        self._held = {id_: held for id_, held in self._held.items() if id_ in keep}
        return complete


def visible(may: Permissions, storage: str) -> bool:
    """Would the token see every backup in it? (PVE/Storage.pm, check_volume_access)"""
    path = f"/storage/{storage}"
    all_of_it, room, backup = SEEN
    if may.allows(all_of_it, path):
        return True
    deeper = [where for where in may.paths if where.startswith("/vms/") and backup not in may.paths[where]]
    return may.allows(room, path) and may.allows(backup, "/vms") and not deeper


async def _log(source: Source, task: Task) -> tuple[GuestBackup, ...]:
    """GET /nodes/{node}/tasks/{upid}/log."""
    log = await source.get(
        f"/nodes/{task.upid.node}/tasks/{task.upid}/log",
        lambda body: tasks.log(body, 0, source.clean),
        {"start": "0", "limit": str(LINES)},
    )
    await asyncio.sleep(0)  # a long log is a long piece of work
    return vzdump.guests(log.lines, task)


def jobs(body: bytes) -> tuple[BackupJob, ...]:
    """Of GET /cluster/backup. Jobs of 7 that are still in vzdump.cron have `dow` and `starttime` for a schedule."""
    found: dict[str, BackupJob] = {}
    for row in rows(body):
        if not isinstance(row, dict) or not (id_ := text(row.get("id"))):
            continue
        if text(row.get("type")) not in {"", "vzdump"}:
            continue
        excluded = _vmids(row.get("exclude"))
        vmids, pool = _vmids(row.get("vmid")), text(row.get("pool"))
        found[id_] = BackupJob(
            id=id_,
            enabled=flag(row.get("enabled", 1)),
            vmids=vmids,
            # a list of exceptions means all the others (PVE/API2/Backup.pm, update_job)
            everything=flag(row.get("all")) or bool(excluded and not vmids and not pool),
            excluded=excluded,
            pool=pool,
            node=text(row.get("node")),
            storage=text(row.get("storage")),
            interval=interval(_schedule(row)),
            next_run=moment(row.get("next-run")),
            mode=text(row.get("mode")),
        )
    return tuple(found[id_] for id_ in sorted(found))


def uncovered(body: bytes) -> tuple[int, ...]:
    found = (whole(row.get("vmid")) for row in rows(body) if isinstance(row, dict))
    return tuple(sorted({vmid for vmid in found if vmid}))


def contents(body: bytes) -> Mapping[int, datetime]:
    """The newest backup of each guest. A backup of which PBS says that it is broken is none."""
    newest: dict[int, datetime] = {}
    for row in rows(body):
        if not isinstance(row, dict) or text(row.get("content")) not in {"", "backup"}:
            continue
        vmid, at = whole(row.get("vmid")), moment(row.get("ctime"))
        checked = row.get("verification")
        broken = isinstance(checked, dict) and text(checked.get("state")) == "failed"
        if vmid and at is not None and not broken and (vmid not in newest or at > newest[vmid]):
            newest[vmid] = at
    return newest


def _schedule(row: Row) -> str:
    said = text(row.get("schedule"))
    if said or not text(row.get("starttime")):
        return said
    days = ",".join(words(row.get("dow"), ",;"))
    return f"{days} {text(row.get('starttime'))}".strip()


def _vmids(value: object) -> frozenset[int]:
    """A list in a string; a single one may be a number."""
    parts: Iterable[str] = words(text(value), ",; ")
    return frozenset(vmid for part in parts if (vmid := whole(part)))
