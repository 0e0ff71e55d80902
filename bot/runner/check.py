"""May this be done, now? Asked at the question, asked anew at the Yes; each answer from a fresh state.

Role and freeze, then scope and existence, then the guest's state from its own node, then the token's privilege on that
very guest. One call to Proxmox VE where the guest is known already; one more for what holds it, where that is in the
way.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.access import Asker, refusal
from bot.actions import Action
from bot.errors import Busy, Denied, NotFound, PveForbidden, PveRefused, Stale, TelemoxError
from bot.model import Guest, Task, guest_id
from bot.pages.page import Enquiry
from bot.pages.parts import word
from bot.ports import Env, Pve
from bot.runner.aim import Aim, find
from bot.runner.locks import held, holder, left
from bot.text import Said, say

FRESH = 60.0
"""Seconds: a guest that is missing from a snapshot no older than this does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """It may be done. `guest` is as it was a moment ago."""

    guest: Guest
    pve: Pve
    token: str  # user@realm!name
    aim: Aim | None = None  # of a backup: where it goes

    @property
    def params(self) -> Mapping[str, str]:
        return self.aim.params if self.aim is not None else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """It may not, or nobody could tell; with the guest as far as it was seen."""

    error: TelemoxError
    guest: Guest | None
    held: bool = False  # by a lock
    holder: Task | None = None  # that has it, where that is known


def standing(env: Env, asker: Asker, action: Action) -> Said | None:
    """What needs no look at Proxmox VE: the role, and the freeze. Why not; None where nothing speaks against it."""
    if (said := refusal(asker, action.label.lower(), action.role)) is not None:
        return said
    return say("All changes are frozen. An admin can end that with /thaw.") if env.store.frozen else None


def known(env: Env, asker: Asker, target: str) -> Guest | None:
    """The guest as it was last seen, whenever that was; None where it is not known or out of scope."""
    named = guest_id(target)
    pve = env.clusters.get(named[0]) if named else None
    latest = pve.latest() if pve else None
    guest = latest.by_vmid.get(named[1]) if latest and named else None
    return guest if guest is not None and in_scope(asker, guest) else None


def missing(env: Env, asker: Asker, target: str) -> Said | None:
    """Without a call: does what was seen last speak against this target? None where it does not, or nobody looked."""
    named = guest_id(target)
    if named is None or named[0] not in env.clusters:
        return say("This button is too old: what it was for is not known any more.")
    latest = env.clusters[named[0]].latest()
    if latest is None:
        return None
    guest = latest.by_vmid.get(named[1])
    if guest is None:
        age = (env.clock.now() - latest.taken).total_seconds()
        return _gone(named[1]) if 0 <= age <= FRESH else None
    return None if in_scope(asker, guest) else _gone(named[1])


def in_scope(asker: Asker, guest: Guest) -> bool:
    return asker.scope.has_guest(guest.cluster, guest.vmid, guest.node, guest.pool, guest.tags)


async def check(ask: Enquiry, action: Action, target: str) -> Fit | Unfit:
    seen: Guest | None = None
    try:
        if (why := standing(ask.env, ask.asker, action)) is not None:
            raise Denied(why)
        named = guest_id(target)
        if named is None:
            raise Stale(say("This button is too old: what it was for is not known any more."))
        pve = ask.pve(named[0])
        seen = await _find(ask, pve, named[1])
        seen = await _live(ask, pve, seen)
        if seen.kind in action.on and (why := held(action, seen)) is not None:
            return await _held(ask, pve, seen, why)
        if seen.kind not in action.on or not action.offered(seen):
            words = "{name} is {state} now: “{label}” is not possible."
            raise Stale(say(words, name=seen.name, state=word(seen), label=say(action.label)))
        permissions, token = await pve.permissions(action.role), pve.token(action.role)
        if permissions is None or token is None:
            raise Denied(say("The bot has no API token for this: it may only look."))
        if (lack := action.lacks(seen, permissions)) is not None:
            raise PveForbidden("Permission check failed", token=token, privilege=lack[0], path=lack[1])
        aim = await find(pve, seen) if action.aimed else None
        if aim is not None and not permissions.allows("Datastore.AllocateSpace", path := f"/storage/{aim.storage}"):
            raise PveForbidden("Permission check failed", token=token, privilege="Datastore.AllocateSpace", path=path)
        return Fit(guest=seen, pve=pve, token=token, aim=aim)
    except TelemoxError as error:
        # what does not exist for this asker is not shown as last seen either
        return Unfit(error=error, guest=None if isinstance(error, NotFound) else seen)


async def _find(ask: Enquiry, pve: Pve, vmid: int) -> Guest:
    """From any snapshot: guests move, but `pve.guest` finds them again."""
    latest = pve.latest()
    if latest is None or vmid not in latest.by_vmid:
        latest = await pve.snapshot()
    guest = latest.by_vmid.get(vmid)
    if guest is None or not in_scope(ask.asker, guest):
        raise NotFound(_gone(vmid))
    return guest


async def _held(ask: Enquiry, pve: Pve, guest: Guest, why: Said) -> Unfit:
    task, left_over = await holder(ask, pve, guest)
    return Unfit(error=Busy(left(guest) if left_over else why), guest=guest, held=True, holder=task)


async def _live(ask: Enquiry, pve: Pve, guest: Guest) -> Guest:
    try:
        live = await pve.guest(guest)
    except PveRefused as error:
        if guest.vmid not in (await pve.snapshot(0)).by_vmid:
            raise NotFound(_gone(guest.vmid)) from error
        raise
    if not in_scope(ask.asker, live):
        raise NotFound(_gone(guest.vmid))
    return live


def _gone(vmid: int) -> Said:
    return say("There is no guest {vmid}.", vmid=vmid)
