"""/whoami: the role here, what it reaches, and what a token lacks that the role would let one do."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.access import EVERYTHING, Asker, Role, Scope
from bot.actions import ACTIONS
from bot.errors import PveError
from bot.model import Guest, Permissions
from bot.pages.page import Enquiry, Page
from bot.pages.parts import refresh
from bot.pveum import cure, joined, to_mend
from bot.screen import Button, Copy, Open, Row, Screen
from bot.text import EMPTY, Said, bold, lines, say


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """A privilege that a token lacks on some guests."""

    token: str
    privilege: str
    path: str  # the ACL path that covers them
    guests: int
    of: int

    @property
    def mend(self) -> tuple[str, ...]:
        return cure(self.path, self.token, self.privilege)


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    chat: int
    frozen: bool
    monitors: tuple[str, ...]  # clusters where no token acts for this role
    clusters: int
    lacks: tuple[Lack, ...]
    troubles: tuple[Said, ...]
    now: datetime


async def load(ask: Enquiry, arg: str) -> Data:
    monitors: list[str] = []
    lacks: list[Lack] = []
    troubles: list[Said] = []
    for key, pve in ask.env.clusters.items() if ask.asker.role > Role.VIEWER else ():
        token = pve.token(ask.asker.role)
        if token is None:
            monitors.append(key)
            continue
        try:
            permissions = await pve.permissions(ask.asker.role)
            fleet = await ask.fleet(max_age=float("inf"))
        except PveError as error:
            troubles.append(error.said())
            continue
        if permissions is not None:
            guests = [guest for snapshot in fleet if snapshot.cluster == key for guest in snapshot.guests]
            lacks += lacking(token, guests, permissions, ask.asker.role)
    return Data(
        chat=ask.place.chat,
        frozen=ask.env.store.frozen,
        monitors=tuple(monitors),
        clusters=len(ask.env.clusters),
        lacks=tuple(lacks),
        troubles=tuple(troubles),
        now=ask.now,
    )


def lacking(token: str, guests: Iterable[Guest], permissions: Permissions, role: Role) -> list[Lack]:
    """What the token lacks for the actions of `role`, counted in guests.

    Guests that no ACL path tells apart are decided once: ten thousand of them cost no more than their number.
    """
    alike: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], Guest] = {}
    for guest in guests:
        own = f"/vms/{guest.vmid}"
        mark = (guest.kind.value, guest.pool, own if own in permissions.paths else "")
        alike[mark] += 1
        examples.setdefault(mark, guest)
    missing: Counter[tuple[str, str]] = Counter()
    for mark, guest in examples.items():
        found = {
            lack
            for action in ACTIONS
            if action.role <= role
            and guest.kind in action.on
            and (lack := action.lacks(guest, permissions)) is not None
        }
        for privilege, path in found:
            missing[privilege, "/vms" if path.startswith("/vms") else path] += alike[mark]
    return [
        Lack(token=token, privilege=privilege, path=path, guests=count, of=alike.total())
        for (privilege, path), count in sorted(missing.items())
    ]


def draw(data: Data, asker: Asker) -> Screen:
    parts: list[Said] = [
        say("You are {name} ({id}).", name=bold(asker.name), id=str(asker.id)),
        say("Your role here is {role}.", role=bold(asker.role.word)),
        _scope(asker.scope),
    ]
    if asker.anonymous:
        parts.append(say("You speak for the chat: anonymous, you can look and nothing else."))
    if data.frozen:
        parts.append(say("🧊 Writes are frozen: nobody can act until an admin sends /thaw."))
    if data.monitors and len(data.monitors) == data.clusters:
        parts.append(say("I only watch: no token to act with is set (TELEMOX_PVE_POWER_TOKEN)."))
    else:
        parts += [say("I only watch {cluster}: no token to act with is set.", cluster=key) for key in data.monitors]
    rows: list[Row] = []
    for lack in data.lacks:
        parts += [EMPTY, *_lack(lack)]
        if len(command := joined(lack.mend)) <= 256:
            rows.append((Button(say("Copy the command"), Copy(command)),))
    parts += [say("⚠️ {trouble}", trouble=trouble) for trouble in data.troubles]
    rows.append((Button(say("‹ Help"), Open("help")), refresh("whoami")))
    return Screen(text=lines(*parts), rows=tuple(rows))


def _lack(lack: Lack) -> list[Said]:
    return [
        say(
            "⚠️ The token {token} lacks {privilege} on {n} of {all} guests: those buttons are not drawn.",
            token=lack.token,
            privilege=lack.privilege,
            n=lack.guests,
            all=lack.of,
        ),
        to_mend(lack.mend),
    ]


def _scope(scope: Scope) -> Said:
    if scope == EVERYTHING:
        return say("You see everything that the view token sees.")
    kinds = {
        "clusters": sorted(scope.clusters),
        "nodes": sorted(scope.nodes),
        "pools": sorted(scope.pools),
        "tags": sorted(scope.tags),
        "ids": [str(vmid) for vmid in sorted(scope.vmids)],
    }
    text = "; ".join(f"{kind} {', '.join(values)}" for kind, values in kinds.items() if values)
    return say("You see only: {scope}.", scope=text)


PAGE = Page(key="whoami", help="Your role here, and what it reaches", role=None, command=True, load=load, draw=draw)
