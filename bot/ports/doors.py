"""The doors as Protocols: Proxmox VE, SQLite, Telegram, the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bot.access import Asker, Role
from bot.model import Guest, Permissions, Snapshot, Task, TaskLog, Upid, Version
from bot.screen import Message, Place, Screen
from bot.text import Said

if TYPE_CHECKING:  # not needed before the first poll, and a start does not wait for it
    from bot.model.readings import BackupJob


class Clock(Protocol):
    def now(self) -> datetime:
        """UTC, aware. May jump."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never jumps."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Pve(Protocol):
    """One cluster. Every method raises `PveError` and nothing else; every call ends in bounded time."""

    @property
    def key(self) -> str:
        """main, or the name in TELEMOX_CLUSTERS__<name>__…"""
        ...

    @property
    def web(self) -> str:
        """Address of the web interface: https://host:8006"""
        ...

    @property
    def waiting(self) -> float:
        """Seconds for which the oldest call under way has had no answer; 0 where none is under way."""
        ...

    def latest(self) -> Snapshot | None:
        """The last snapshot, whatever its age; None before the first."""
        ...

    async def snapshot(self, max_age: float = 5.0) -> Snapshot:
        """GET /cluster/resources and GET /cluster/status, together; `max_age` s old at most, one flight for all."""
        ...

    async def guest(self, guest: Guest) -> Guest:
        """GET /nodes/{node}/{kind}/{vmid}/status/current: `guest` with `live` figures; moved guests are found again."""
        ...

    async def addresses(self, guest: Guest) -> tuple[str, ...]:
        """IPs by the guest agent (GET …/agent/network-get-interfaces) or of the container (GET …/interfaces), kept for
        some minutes; loopback and link-local left out. () where there is no agent, no right, or no answer."""
        ...

    async def tasks(self) -> tuple[Task, ...]:
        """GET /cluster/tasks, newest first; where the view token lacks Sys.Audit on `/`, GET /nodes/{node}/tasks."""
        ...

    async def node_tasks(
        self, node: str, *, role: Role, vmid: int | None = None, since: datetime | None = None, limit: int = 50
    ) -> tuple[Task, ...]:
        """GET /nodes/{node}/tasks?source=all: running ones too, newest first, as the token of `role` may see them."""
        ...

    async def task(self, upid: Upid, *, role: Role) -> Task:
        """GET /nodes/{node}/tasks/{upid}/status, at the node that the UPID names."""
        ...

    async def log(self, upid: Upid, *, role: Role, start: int = 0, limit: int = 50) -> TaskLog:
        """GET /nodes/{node}/tasks/{upid}/log. `limit` 0 = all of it (the size cap holds); a negative `start` counts
        from the end."""
        ...

    async def backup_jobs(self) -> tuple[BackupJob, ...]:
        """GET /cluster/backup; may want Sys.Audit on `/`."""
        ...

    async def version(self) -> Version:
        """GET /version, kept for an hour."""
        ...

    async def permissions(self, role: Role) -> Permissions | None:
        """GET /access/permissions with the token of `role`, kept for some minutes; None where there is no token."""
        ...

    def token(self, role: Role) -> str | None:
        """user@realm!name of the token that acts for `role` (never the secret); None where there is none."""
        ...

    async def write(
        self,
        role: Role,
        method: str,
        path: str,
        params: Mapping[str, str],
        *,
        still: Callable[[], None] = lambda: None,
    ) -> Upid | None:
        """Sends a write at most once, with the token of `role`; the task it started, None where the method has none.

        `still` is asked directly before the first byte, at each host that is tried, since a write may have waited for
        its turn: what it raises ends the write, and nothing was sent.

        Raises: PveUnreachable when nothing was sent; PveNoAnswer when nobody knows; what `still` raises.
        """
        ...


UNSENT = frozenset({"silence", "unsilence", "maintenance", "maintained", "ack"})
"""Actions in the audit that change what people hear of, and send nothing to Proxmox VE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One asked write and how it ended."""

    id: int
    asked: datetime
    person: int
    name: str
    chat: int
    action: str
    target: str
    token: str
    message: Message | None
    upid: str  # '' while none is known
    outcome: str  # '' while it runs
    ended: datetime | None = None  # None while it runs


class Store(Protocol):
    """SQLite. Each method is one transaction, durable when it returns."""

    @property
    def frozen(self) -> bool:
        """`/freeze` is on: no write of any kind. Kept in memory, loaded at start."""
        ...

    async def freeze(self, on: bool, by: Asker) -> None: ...

    async def asked(self, asker: Asker, message: Message | None, action: str, target: str, token: str) -> int:
        """The audit's first line, written before anything is sent; gives its id. Append-only."""
        ...

    async def started(self, audit: int, upid: str) -> None: ...

    async def ended(self, audit: int, outcome: str) -> None: ...

    async def unfinished(self) -> Sequence[Audit]:
        """Asked and not ended: what a killed process left behind."""
        ...

    async def audit(self, limit: int = 0) -> Sequence[Audit]:
        """What was asked and how it ended, newest first; at most `limit` orders, 0 = all."""
        ...

    async def keep(self, text: str) -> str:
        """Keeps an argument too long for a button; gives its key (16 characters, derived from the text)."""
        ...

    async def kept(self, key: str) -> str | None: ...

    async def migrate(self, old: int, new: int) -> None:
        """The group `old` became the supergroup `new`: rewritten everywhere, and remembered."""
        ...

    async def migrations(self) -> Mapping[int, int]: ...


class Messenger(Protocol):
    """Telegram, outbound. Never raises for what Telegram says: it deals with it, and tells by its answer."""

    async def send(self, place: Place, screen: Screen, *, silent: bool = False) -> Message | None:
        """A new message; None when the chat is gone or Telegram cannot be reached."""
        ...

    async def edit(self, message: Message, screen: Screen, *, progress: bool = False) -> Message | None:
        """Makes `message` show `screen`; a message that is gone is sent anew. Gives the message that shows it now.

        `progress` edits are coalesced and dropped rather than delay an answer; the last one of a run never is one.
        """
        ...

    async def tell_admins(self, said: Said) -> None:
        """A line to each admin's private chat."""
        ...
