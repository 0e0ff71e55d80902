"""What a killed process left behind: asked and not ended.

A stored UPID is followed to its end. Without one the task is looked for, on every node, since the guest may have moved;
where there is none, the person hears that nobody knows. Nothing is ever sent again. Who has no role there any more
hears nothing: the order ends in the audit alone.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from bot.access import Asker, Roles
from bot.actions import BY_KEY, Action
from bot.errors import PveError
from bot.model import Guest, Kind, Snapshot, Status, Upid, guest_id
from bot.pages.page import Enquiry
from bot.ports import UNSENT, Audit, Env, Pve
from bot.runner.check import Fit
from bot.runner.run import Run, young
from bot.runner.sheet import Sheet
from bot.screen import Message, Place, Screen
from bot.text import Reader, Said, lines, say

log = logging.getLogger(__name__)

PATIENCE = 300.0
"""Seconds for a cluster that cannot be reached at start."""
BETWEEN = 10.0
"""Seconds between two tries."""


class _Nobody:
    """In place of the messenger: what it is given to tell counts as told."""

    async def send(self, place: Place, screen: Screen, *, silent: bool = False) -> Message | None:
        return Message(place=place, id=0)

    async def edit(self, message: Message, screen: Screen, *, progress: bool = False) -> Message | None:
        return message

    async def tell_admins(self, said: Said) -> None:
        """No word."""


async def take_up(
    env: Env, audit: Audit, roles: Roles, release: Callable[[], None], revoke: Callable[[Message], None]
) -> None:
    """`roles` as they are now."""
    place = audit.message.place if audit.message else Place(chat=audit.chat)
    if roles.role(place.chat, audit.person if audit.person > 0 else None) is None:
        env = replace(env, messenger=_Nobody())
    try:
        if audit.action in UNSENT:  # in force or not, there is nothing to look up, and nobody waits
            await env.store.ended(audit.id, "unknown: the bot was ended meanwhile")
            return
        named = guest_id(audit.target)
        action = BY_KEY.get(audit.action)
        pve = env.clusters.get(named[0]) if named else None
        if named is None or action is None or pve is None:
            await _give_up(env, audit, revoke)
            return
        snapshot = await _snapshot(env, pve)
        upid = _parse(audit.upid)
        guest = _guest(snapshot, action, named[1], pve.key, upid)
        online = [node.name for node in snapshot.nodes if node.online is not False] if snapshot else []
        nodes = list(dict.fromkeys([guest.node, *online])) if guest.node else online
        asker = Asker(id=audit.person, name=audit.name, role=action.role)
        run = Run(
            ask=Enquiry(env=env, asker=asker, place=place, private=place.chat > 0, bot="", reader=Reader()),
            action=action,
            fit=Fit(guest=guest, pve=pve, token=audit.token),
            message=audit.message,
            release=release,
            revoke=revoke,
            began=env.clock.monotonic() - max(0.0, (env.clock.now() - audit.asked).total_seconds()),
        )
        await run.resume(audit.id, audit.asked, upid, nodes, PATIENCE)
    finally:
        release()


async def _snapshot(env: Env, pve: Pve) -> Snapshot | None:
    until = env.clock.monotonic() + PATIENCE
    while True:
        try:
            return await pve.snapshot()
        except PveError as error:
            log.warning("%s cannot be read yet: %s", pve.key, error)
            if env.clock.monotonic() >= until:
                return pve.latest()
        await env.clock.sleep(BETWEEN)


def _guest(snapshot: Snapshot | None, action: Action, vmid: int, cluster: str, upid: Upid | None) -> Guest:
    """As it stands now. How long it had run when the order was given is not known any more."""
    if snapshot is not None and vmid in snapshot.by_vmid:
        return replace(snapshot.by_vmid[vmid], uptime=None)
    kind = next((kind for kind in Kind if upid and upid.type in action.tasks.get(kind, ())), Kind.QEMU)
    node = upid.node if upid else ""
    return Guest(cluster=cluster, vmid=vmid, name=f"{kind.short} {vmid}", kind=kind, node=node, status=Status.UNKNOWN)


def _parse(text: str) -> Upid | None:
    try:
        return Upid.parse(text)
    except ValueError:
        return None


async def _give_up(env: Env, audit: Audit, revoke: Callable[[Message], None]) -> None:
    """The action or the cluster is not there any more: nothing can be looked up."""
    place = audit.message.place if audit.message else Place(chat=audit.chat)
    words = "❔ What became of “{action}” on {target} is not known: the bot was restarted with other settings."
    screen = Screen(text=lines(say(words, action=audit.action, target=audit.target)))
    told, _ = await Sheet(env, place, audit.message, revoke).last(screen)
    if not told and young(env.clock.now(), audit.asked):
        return
    await env.store.ended(audit.id, "unknown: cannot be looked up any more")
