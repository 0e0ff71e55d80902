"""What has to be asked of each guest by itself: snapshots, whether it starts with its node, whether its agent answers.

There may be thousands: what is known is kept, what is due is asked in slices, a few at a time. A guest that may not be
asked, or has moved meanwhile, is left out and asked again later.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from bot.errors import PveError, PveForbidden, PveNodeDown, PveRefused
from bot.model import Guest
from bot.model.readings import AgentPings, FileSystem, GuestDisks, GuestNotes, GuestSnapshots
from bot.pve.feeds.source import Source
from bot.pve.parse import data, flag, mapping, moment, rows, text, whole

T = TypeVar("T")

AT_ONCE = 3  # questions about guests at a time, of all that the bot asks
ALL = 3 * AT_ONCE  # so many that fail, and none that answers: it is not the guests
SNAPSHOTS_FOR = 45.0  # s that one reading of snapshots may ask; the rest has its turn at the next
CONFIGS_AT_MOST = 100  # configurations read at one time
CONFIG_KEPT = 6 * 3600.0  # s
ONBOOT_KEPT = 900.0  # s: of a guest that is expected to run; somebody may have seen to that
AGAIN = 300.0  # s after which a guest that could not be asked is asked again
AGENTS_FOR = 25.0  # s

_NEVER_FULL = frozenset({"squashfs", "iso9660", "udf", "cdfs", "erofs", "cramfs", "overlay", "tmpfs", "devtmpfs"})
"""File systems that are read-only and always full, or none on a disk."""
_NO_ANSWER = re.compile(r"guest agent|guest-ping", re.IGNORECASE)
"""QEMU guest agent is not running · No QEMU guest agent configured · VM 101 qmp command 'guest-ping' failed - …"""


@dataclass(slots=True)
class Answer(Generic[T]):
    at: float  # monotonic
    value: T | None  # None: it could not be asked


class Snapshots:
    """GET …/{vmid}/snapshot of all guests on nodes that are online, those asked longest ago first."""

    def __init__(self) -> None:
        self._known: dict[int, Answer[GuestSnapshots]] = {}

    async def __call__(self, source: Source, node: str = "") -> tuple[GuestSnapshots, ...]:
        """Of a guest without snapshots: a count of 0."""
        guests = [guest for guest in await _reachable(source) if not guest.template]
        _forget(self._known, guests)
        waiting = sorted(guests, key=lambda guest: self._known[guest.vmid].at if guest.vmid in self._known else -1.0)

        async def ask(guest: Guest) -> GuestSnapshots:
            return await source.get(f"{guest.path}/snapshot", lambda body: snapshots(body, guest.vmid))

        await _ask_all(source, waiting, ask, self._known, SNAPSHOTS_FOR, keeps=True)
        return tuple(
            answer.value for _, answer in sorted(self._known.items(), key=lambda item: item[0]) if answer.value
        )


def snapshots(body: bytes, vmid: int) -> GuestSnapshots:
    """The list ends with `current`, which is none; one half made (`snapstate`) counts: it takes room."""
    oldest: datetime | None = None
    name, count = "", 0
    for row in rows(body):
        if not isinstance(row, dict) or not (said := text(row.get("name"))) or said == "current":
            continue
        count += 1
        at = moment(row.get("snaptime"))
        if at is not None and (oldest is None or at < oldest):
            oldest, name = at, said
    return GuestSnapshots(vmid=vmid, count=count, oldest=oldest, oldest_name=name)


class Notes:
    """GET …/{vmid}/config of guests that are stopped; not of templates and of what HA manages."""

    def __init__(self) -> None:
        self._known: dict[int, Answer[bool]] = {}
        self._up: frozenset[int] = frozenset()  # guests that ran at the last reading

    async def __call__(self, source: Source, node: str = "") -> GuestNotes:
        there = await _reachable(source)
        guests = [guest for guest in there if GuestNotes.about(guest)]
        _forget(self._known, guests)
        now = source.clock.monotonic()
        due = [guest for guest in guests if self._due(guest.vmid, now)]
        due.sort(key=lambda guest: (guest.vmid in self._known, guest.vmid not in self._up))  # just stopped: first
        self._up = frozenset(guest.vmid for guest in there if guest.status.up)

        async def ask(guest: Guest) -> bool:
            return await source.get(f"{guest.path}/config", onboot)

        await _ask_all(source, due[:CONFIGS_AT_MOST], ask, self._known, 8.0, keeps=True)
        read = {vmid: answer.value for vmid, answer in self._known.items() if answer.value is not None}
        return GuestNotes(onboot=frozenset(vmid for vmid, on in read.items() if on), read=frozenset(read))

    def _due(self, vmid: int, now: float) -> bool:
        answer = self._known.get(vmid)
        if answer is None:
            return True
        kept = {None: AGAIN, True: ONBOOT_KEPT, False: CONFIG_KEPT}
        return now - answer.at >= kept[answer.value]


def onboot(body: bytes) -> bool:
    return flag(mapping(body).get("onboot"))


class Agents:
    """POST …/agent/ping of running VMs that are tagged expect-agent."""

    def __init__(self) -> None:
        self._known: dict[int, Answer[bool]] = {}

    async def __call__(self, source: Source, node: str = "") -> AgentPings:
        allowed = await _with_agent(source)
        _forget(self._known, allowed)
        began = source.clock.monotonic()
        waiting = sorted(allowed, key=lambda guest: self._known[guest.vmid].at if guest.vmid in self._known else -1.0)

        async def ask(guest: Guest) -> bool:
            try:
                await source.ping(f"{guest.path}/agent/ping", data, timeout=source.agent)
            except PveRefused as error:
                if _NO_ANSWER.search(error.reason) is None:  # it has stopped meanwhile, or moved
                    raise
                return False
            return True

        await _ask_all(source, waiting, ask, self._known, AGENTS_FOR)
        return AgentPings(
            answers={
                vmid: answer.value
                for vmid, answer in self._known.items()
                if answer.value is not None and answer.at >= began
            }
        )


class Disks:
    """GET …/agent/get-fsinfo of the same, those asked longest ago first."""

    def __init__(self) -> None:
        self._known: dict[int, Answer[tuple[FileSystem, ...]]] = {}

    async def __call__(self, source: Source, node: str = "") -> GuestDisks:
        allowed = await _with_agent(source)
        _forget(self._known, allowed)
        began = source.clock.monotonic()
        waiting = sorted(allowed, key=lambda guest: self._known[guest.vmid].at if guest.vmid in self._known else -1.0)
        silent: set[int] = set()

        async def ask(guest: Guest) -> tuple[FileSystem, ...]:
            try:
                return await source.get(f"{guest.path}/agent/get-fsinfo", filesystems, timeout=source.agent)
            except PveRefused:  # no agent that answers, or one that does not know the command
                silent.add(guest.vmid)
                return ()

        await _ask_all(source, waiting, ask, self._known, SNAPSHOTS_FOR)
        return GuestDisks(
            of={
                vmid: answer.value
                for vmid, answer in self._known.items()
                if answer.value and answer.at >= began and vmid not in silent
            }
        )


def filesystems(body: bytes) -> tuple[FileSystem, ...]:
    """What can fill up, each once, under its shortest mount point. `result` is an object with `error` where the agent
    does not know the command; old agents give no sizes."""
    value = data(body)
    result = value.get("result") if isinstance(value, dict) else None
    found: dict[tuple[str, int], FileSystem] = {}
    for row in result if isinstance(result, list) else ():
        if not isinstance(row, dict) or text(row.get("type")).lower() in _NEVER_FULL:
            continue
        mount, used, total = text(row.get("mountpoint")), whole(row.get("used-bytes")), whole(row.get("total-bytes"))
        if not mount or used is None or not total or used < 0 or total < 0:
            continue
        key = text(row.get("name")), total
        if key not in found or len(mount) < len(found[key].mount):
            found[key] = FileSystem(mount=mount, used=used, total=total)
    return tuple(sorted(found.values(), key=lambda one: one.mount))


async def _with_agent(source: Source) -> Sequence[Guest]:
    """Raises: PveForbidden, the token may ask none of them."""
    guests = [guest for guest in await _reachable(source) if AgentPings.about(guest)]
    may = await source.permissions()
    new = await source.version() >= (9, 0)
    needed = "VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted" if new else "VM.Monitor"
    allowed = [g for g in guests if may is not None and may.allows(needed, f"/vms/{g.vmid}", g.pool)]
    if guests and not allowed:
        raise PveForbidden("the token may not ask guest agents", path="/vms", privilege=needed.split("|")[0])
    return allowed


async def _reachable(source: Source) -> Sequence[Guest]:
    seen = await source.snapshot(60.0)
    online = {node.name for node in seen.nodes if node.online}
    return [guest for guest in seen.guests if guest.node in online]


def _forget(known: dict[int, Answer[T]], guests: Iterable[Guest]) -> None:
    there = {guest.vmid for guest in guests}
    for vmid in [vmid for vmid in known if vmid not in there]:
        del known[vmid]


async def _ask_all(
    source: Source,
    guests: Sequence[Guest],
    ask: Callable[[Guest], Awaitable[T]],
    known: dict[int, Answer[T]],
    seconds: float,
    *,
    keeps: bool = False,
) -> None:
    """Asks one after the other, `AT_ONCE` side by side, and begins none after `seconds`. `keeps`: what was answered
    before stands.

    Raises: PveError when the first ones all failed, so that it is not the guests, or none was ever answered.
    """
    queue = list(reversed(guests))
    until = asyncio.get_running_loop().time() + seconds
    failed: list[PveError] = []
    down: set[str] = set()
    good = 0

    async def work() -> None:
        nonlocal good
        while queue and asyncio.get_running_loop().time() < until:
            guest = queue.pop()
            if guest.node in down:
                continue
            value: T | None = None
            try:
                value = await ask(guest)
                good += 1
            except PveNodeDown as error:
                down.add(guest.node)
                failed.append(error)
            except PveError as error:  # moved, removed, or not to be seen: of the others more is known
                failed.append(error)
                if not good and len(failed) >= ALL:
                    queue.clear()
            if value is not None or guest.vmid not in known:
                known[guest.vmid] = Answer(source.clock.monotonic(), value)

    await asyncio.gather(*(work() for _ in range(min(AT_ONCE, len(queue)))))
    known_of_others = keeps and any(answer.value is not None for answer in known.values())
    if failed and not good and (len(failed) >= ALL or not known_of_others):
        raise failed[0]
