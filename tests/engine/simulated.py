"""The simulated cluster behind `ports.Watched`, without HTTP: its answers, read by the real parsers and readers."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import orjson

from bot.access import Role
from bot.demo.cluster import Cluster
from bot.demo.cluster.errors import Refusal
from bot.errors import PveAbsent, PveError, PveForbidden, PveNodeDown, PveRefused, PveUnauthorized
from bot.model import Guest, Permissions, Snapshot, Task, TaskLog, Upid, Version
from bot.model.feeds import Feed
from bot.model.readings import BackupJob
from bot.pve import parse, rows, tasks
from bot.pve.feeds import Feeding
from bot.pve.feeds.source import Source
from bot.pve.snapshot import Visibility, merge

T = TypeVar("T")
TOKEN = "telemox@pve!view"


class SimulatedTime:
    """The cluster's own time is everybody's; nobody waits."""

    def __init__(self, cluster: Cluster) -> None:
        self._clock = cluster.world.clock
        self._start = self._clock.now()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def monotonic(self) -> float:
        return self._clock.now() - self._start + 1000.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class Simulated:
    def __init__(self, cluster: Cluster, clock: SimulatedTime) -> None:
        self.key = "main"
        self.web = "https://pve1:8006"
        self._cluster = cluster
        self._clock = clock
        self._latest: Snapshot | None = None
        self.calls: list[str] = []
        self._feeding = Feeding(
            Source(
                cluster=self.key,
                tokens=(TOKEN,),
                get=self.get,
                ping=self.ping,
                clock=clock,
                clean=str,
                snapshot=self.snapshot,
                permissions=lambda: self.permissions(Role.VIEWER),
                version=self.version,
                agent=4.5,
            )
        )

    async def get(
        self,
        path: str,
        read: Callable[[bytes], T],
        query: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
    ) -> T:
        self.calls.append(path)
        host = next((node.name for node in self._cluster.world.nodes.values() if node.online), "pve1")
        try:
            answer = self._cluster.ask(path, host=host, **(query or {}))
        except Refusal as refusal:
            raise _error(refusal) from refusal
        return read(orjson.dumps({"data": answer}))

    async def ping(self, path: str, read: Callable[[bytes], T], *, timeout: float) -> T:
        raise PveForbidden("Permission check failed")

    @property
    def waiting(self) -> float:
        return 0.0

    def latest(self) -> Snapshot | None:
        return self._latest

    async def snapshot(self, max_age: float = 5.0) -> Snapshot:
        if self._latest is not None and (self._clock.now() - self._latest.taken).total_seconds() <= max_age:
            return self._latest
        found = await self.get("/cluster/resources", lambda body: rows.resources(body, self.key))
        status: rows.ClusterStatus | PveError
        try:
            status = await self.get("/cluster/status", rows.cluster_status)
        except PveError as error:
            status = error
        taken = self._clock.now()
        self._latest = merge(
            self.key, found, status, before=self._latest, taken=taken, visibility=Visibility(token=TOKEN)
        )
        return self._latest

    async def tasks(self) -> tuple[Task, ...]:
        return await self.get("/cluster/tasks", lambda body: tasks.tasks(body, self.key))

    async def node_tasks(
        self, node: str, *, role: Role, vmid: int | None = None, since: datetime | None = None, limit: int = 50
    ) -> tuple[Task, ...]:
        query = {"source": "all", "limit": str(limit)}
        if vmid is not None:
            query["vmid"] = str(vmid)
        if since is not None:
            query["since"] = str(int(since.timestamp()))
        return await self.get(f"/nodes/{node}/tasks", lambda body: tasks.tasks(body, self.key), query)

    async def permissions(self, role: Role) -> Permissions | None:
        return await self.get("/access/permissions", parse.permissions) if role is Role.VIEWER else None

    async def backup_jobs(self) -> tuple[BackupJob, ...]:
        raise NotImplementedError

    async def version(self) -> Version:
        return await self.get("/version", parse.version)

    async def feed(self, feed: Feed[T], node: str = "") -> T:
        return await self._feeding(feed, node)

    async def quorate_elsewhere(self) -> bool | None:
        return None

    def token(self, role: Role) -> str | None:
        return TOKEN if role is Role.VIEWER else None

    async def guest(self, guest: Guest) -> Guest:
        raise NotImplementedError

    async def addresses(self, guest: Guest) -> tuple[str, ...]:
        raise NotImplementedError

    async def task(self, upid: Upid, *, role: Role) -> Task:
        raise NotImplementedError

    async def log(self, upid: Upid, *, role: Role, start: int = 0, limit: int = 50) -> TaskLog:
        query = {"start": str(start), "limit": str(limit)}
        return await self.get(f"/nodes/{upid.node}/tasks/{upid}/log", lambda body: tasks.log(body, start), query)

    async def write(
        self,
        role: Role,
        method: str,
        path: str,
        params: Mapping[str, str],
        *,
        still: Callable[[], None] = lambda: None,
    ) -> Upid | None:
        raise NotImplementedError


def _error(refusal: Refusal) -> PveError:
    if refusal.status == 401:
        return PveUnauthorized(refusal.message)
    if refusal.status == 403:
        return PveForbidden(refusal.message)
    if refusal.status == 501 or "not installed" in refusal.message:
        return PveAbsent(refusal.message)
    if refusal.status >= 595:
        return PveNodeDown(refusal.message)
    return PveRefused(refusal.message)
