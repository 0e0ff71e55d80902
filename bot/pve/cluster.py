"""One cluster, as the core knows it (`ports.Pve`): what to read, from whom, how long it is kept.

view       GET with the token of VIEWER: snapshot, guest, addresses, tasks, version. Its client holds no other token
by role    what a role asks for in its own name: its permissions, its tasks and their logs, its writes
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TypeVar

from bot.access import Role
from bot.errors import PveError, PveForbidden
from bot.model import Guest, Outcome, Permissions, Snapshot, Task, TaskLog, Upid, Version
from bot.model.feeds import Feed
from bot.model.readings import BackupJob
from bot.ports import Clock
from bot.pve import opinion, parse, tasks, tls
from bot.pve.addresses import Addresses
from bot.pve.calls import Calls
from bot.pve.client import Client, Notices
from bot.pve.config import ClusterConfig, Host
from bot.pve.feeds import Feeding
from bot.pve.feeds.backups import jobs
from bot.pve.feeds.source import Source
from bot.pve.flight import Kept, quietly
from bot.pve.link import Link
from bot.pve.look import Look
from bot.pve.seek import Seek
from bot.pve.tls import HostReport
from bot.pve.veil import Veil
from bot.spawn import Spawn

T = TypeVar("T")

PERMISSIONS_KEPT = 300.0  # s; shorter where Proxmox has just said no
VERSION_KEPT = 3600.0  # s
STALE = 24 * 3600.0  # s that either is given once more, while it is read anew


class Cluster:
    """`notice` hears once of what admins must know: another certificate than the pinned one, a refused token."""

    def __init__(
        self, config: ClusterConfig, clock: Clock, notice: Callable[[PveError], None] = lambda error: None
    ) -> None:
        self._config = config
        self._clock = clock
        self._links = tuple(Link(host, config, clock) for host in config.hosts)
        self._veil = Veil(config.tokens.values())
        self._calls, notices = Calls(), Notices(notice)

        def client(role: Role) -> Client | None:
            token = config.tokens.get(role)
            if token is None:
                return None
            return Client(token, self._links, clock, config.timeouts, notices, self._veil, self._calls)

        view, power, admin = (client(role) for role in Role)
        if view is None:
            raise ValueError("a cluster needs a view token")
        self._view = view
        self._voices = {Role.VIEWER: view, Role.OPERATOR: power, Role.ADMIN: admin or power}
        self._spawn = Spawn()
        self._look = Look(config, view, clock, self._spawn, lambda: self.permissions(Role.VIEWER))
        self._version = self._kept(
            f"version of {config.key}", VERSION_KEPT, lambda: view.get("/version", parse.version)
        )
        self._permissions = {
            voice.token: self._kept(f"permissions of {voice.token}", PERMISSIONS_KEPT, partial(_permissions, voice))
            for voice in (view, power, admin)
            if voice is not None
        }
        self._addresses = Addresses(
            view,
            clock,
            version=self.version,
            permissions=lambda: self.permissions(Role.VIEWER),
            timeout=config.timeouts.agent,
        )
        self._seek = Seek(view, self._addresses.learn, self.snapshot)
        self._feeding = Feeding(
            Source(
                cluster=config.key,
                tokens=tuple(sorted({token.id for token in config.tokens.values()})),
                get=view.get,
                ping=view.ask,
                clock=clock,
                clean=self._veil,
                snapshot=self.snapshot,
                permissions=lambda: self.permissions(Role.VIEWER),
                version=self.version,
                agent=config.timeouts.agent,
            )
        )

    # -- view ------------------------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        return self._config.key

    @property
    def web(self) -> str:
        return self._config.hosts[0].url

    @property
    def hosts(self) -> tuple[Host, ...]:
        return self._config.hosts

    @property
    def resting(self) -> tuple[Host, ...]:  # no answer lately: the others come first for a while
        return tuple(link.host for link in self._links if link.rests_until > self._clock.monotonic())

    @property
    def waiting(self) -> float:
        return self._calls.waiting

    def latest(self) -> Snapshot | None:
        return self._look.latest

    async def snapshot(self, max_age: float = 5.0) -> Snapshot:
        """GET /cluster/resources and GET /cluster/status; whoever asks while they are under way waits for the same.

        Raises: PveError of the resources. What the status lacks is said in `unseen`.
        """
        return await self._look(max_age)

    async def guest(self, guest: Guest) -> Guest:
        """GET /nodes/{node}/{kind}/{vmid}/status/current; looked for again where it has moved.

        Raises: NotFound when it is on no node any more · PveError.
        """
        return await self._seek(guest)

    async def addresses(self, guest: Guest) -> tuple[str, ...]:
        """GET …/agent/network-get-interfaces (VM) or GET …/interfaces (container); () on any trouble."""
        return await self._addresses(guest)

    async def feed(self, feed: Feed[T], node: str = "") -> T:
        """What bot/pve/feeds/ reads. Raises: PveError; PveAbsent where there is nothing to read."""
        return await self._feeding(feed, node)

    async def backup_jobs(self) -> tuple[BackupJob, ...]:
        """GET /cluster/backup."""
        return await self._view.get("/cluster/backup", jobs)

    async def quorate_elsewhere(self) -> bool | None:
        """GET /cluster/status of another host than the one that answered last."""
        return await opinion.quorate_elsewhere(self._view, self._links, self._config.timeouts.beside)

    async def tasks(self) -> tuple[Task, ...]:
        """GET /cluster/tasks; a token without Sys.Audit on / gets [] there, even for its own: then each node's."""
        may = await self.permissions(Role.VIEWER)
        if may is not None and may.allows("Sys.Audit", "/"):
            return await self._view.get("/cluster/tasks", lambda body: tasks.tasks(body, self.key, self._veil))
        nodes = [node.name for node in (await self.snapshot(60.0)).nodes if node.online]
        answers = await asyncio.gather(*(quietly(self.node_tasks(node, role=Role.VIEWER)) for node in nodes))
        troubles = [answer for answer in answers if isinstance(answer, PveError)]
        if troubles and len(troubles) == len(answers):
            raise troubles[0]
        found = [task for answer in answers if not isinstance(answer, PveError) for task in answer]
        return tuple(sorted(found, key=lambda task: task.upid.start, reverse=True))

    async def version(self) -> Version:
        """GET /version.

        Raises: PveError.
        """
        return await self._version()

    # -- by role ---------------------------------------------------------------------------------------------------

    def token(self, role: Role) -> str | None:
        voice = self._voices[role]
        return None if voice is None else voice.token

    async def permissions(self, role: Role) -> Permissions | None:
        """GET /access/permissions.

        Raises: PveError.
        """
        voice = self._voices[role]
        return None if voice is None else await self._permissions[voice.token]()

    async def node_tasks(
        self, node: str, *, role: Role, vmid: int | None = None, since: datetime | None = None, limit: int = 50
    ) -> tuple[Task, ...]:
        """GET /nodes/{node}/tasks?source=all.

        Raises: PveError.
        """
        query = {"source": "all", "limit": str(limit)}
        if vmid is not None:
            query["vmid"] = str(vmid)
        if since is not None:
            query["since"] = str(int(since.timestamp()))
        return await self._reader(role).get(
            f"/nodes/{node}/tasks", lambda body: tasks.tasks(body, self.key, self._veil), query
        )

    async def task(self, upid: Upid, *, role: Role) -> Task:
        """GET /nodes/{node}/tasks/{upid}/status. As its worker exits a task has no end for a moment: read once more.

        Raises: PveError.
        """
        path = f"/nodes/{upid.node}/tasks/{upid}/status"
        reader = self._reader(role)
        task = await reader.get(path, lambda body: tasks.task(body, self.key, upid, self._veil))
        if task.outcome is Outcome.UNKNOWN:
            await self._clock.sleep(1.0)
            task = await reader.get(path, lambda body: tasks.task(body, self.key, upid, self._veil))
        return task

    async def log(self, upid: Upid, *, role: Role, start: int = 0, limit: int = 50) -> TaskLog:
        """GET /nodes/{node}/tasks/{upid}/log. A negative `start` asks for the number of lines first.

        Raises: PveError.
        """
        path = f"/nodes/{upid.node}/tasks/{upid}/log"
        reader = self._reader(role)
        if start < 0:
            head = await reader.get(path, lambda body: tasks.log(body, 0, self._veil), {"start": "0", "limit": "1"})
            start = max(0, head.total + start)
        query = {"start": str(start), "limit": str(limit)}
        return await reader.get(path, lambda body: tasks.log(body, start, self._veil), query)

    async def write(
        self,
        role: Role,
        method: str,
        path: str,
        params: Mapping[str, str],
        *,
        still: Callable[[], None] = lambda: None,
    ) -> Upid | None:
        """Sent at most once, and only while `still` does not raise.

        Raises: PveUnreachable when nothing was sent · PveNoAnswer when nobody knows · PveError · what `still` raises.
        """
        voice = self._voices[role] if role > Role.VIEWER else None
        if voice is None:
            raise PveForbidden(f"no API token is set that acts for the role {role.word}")
        try:
            return await voice.write(method, path, tasks.started, params, still)
        except PveForbidden:
            self._permissions[voice.token].forget()  # it may less than we thought: ask anew
            raise

    # -- for `telemox check`, and the end --------------------------------------------------------------------------

    async def probe(self, host: Host) -> HostReport:
        """Looks at one host by handshakes alone. Never raises."""
        pins, timeout = self._config.pins(host), self._config.timeouts.connect
        return await tls.probe(host, pins=pins, ca_file=self._config.ca_file, timeout=timeout)

    async def close(self) -> None:
        await self._spawn.close(0)
        for link in self._links:
            await link.close()

    # -- how -------------------------------------------------------------------------------------------------------

    def _reader(self, role: Role) -> Client:
        """Reading needs no more than the view token where a role has none."""
        return self._voices[role] or self._view

    def _kept(self, name: str, fresh: float, fetch: Callable[[], Awaitable[T]]) -> Kept[T]:
        return Kept(fetch, fresh=fresh, stale=STALE, spawn=self._spawn, name=name, monotonic=self._clock.monotonic)


async def _permissions(voice: Client) -> Permissions:
    return await voice.get("/access/permissions", parse.permissions)
