"""Each API token: is it accepted, does it have what it needs, does it have more than that; by the version found."""

from collections.abc import AsyncIterator, Iterator, Mapping

from bot.access import Role
from bot.check.line import Line, fail, ok, warn
from bot.errors import PveError, PveUnauthorized
from bot.model import Permissions, Version
from bot.model.readings import EXPECT_AGENT
from bot.ports import Pve
from bot.privileges import MAJORS, POWER_ROLE, VIEW_ROLE, Need, granted, needs, writes
from bot.text import Said, say, say_n

_NAMES = {Role.VIEWER: "view", Role.OPERATOR: "power", Role.ADMIN: "admin"}
_SETTINGS = {role: f"TELEMOX_PVE_{name.upper()}_TOKEN" for role, name in _NAMES.items()}


async def lines(cluster: Pve, version: Version | None) -> AsyncIterator[Line]:
    by_role = {role: cluster.token(role) for role in _NAMES}
    if by_role[Role.OPERATOR] is None and by_role[Role.ADMIN] is None:
        yield ok(say("No power token: the bot is a monitor, no action is offered to anybody."))
    if by_role[Role.VIEWER] in {by_role[Role.OPERATOR], by_role[Role.ADMIN]}:
        yield warn(
            say("The view token is the power token too: a fault in the bot could exceed a viewer's role."),
            "sh deploy/pveum.sh",
        )
    major = version.major if version else MAJORS[-1]
    found: dict[Role, Permissions] = {}
    told: set[str] = set()
    for role, token in by_role.items():
        if token is None or token in told:
            continue
        told.add(token)
        try:
            seen = await cluster.permissions(role)
        except PveUnauthorized as error:
            yield _refused(role, token, error.reason, major)
        except PveError as error:
            yield fail(say("{token}: {why}.", token=token, why=error.reason))
        else:
            found |= {} if seen is None else {role: seen}
    if _swapped(found):
        view, power = _NAMES[Role.VIEWER], _NAMES[Role.OPERATOR]
        yield fail(
            say(
                "The {view} token {looks} can write and the {power} token {acts} cannot: are they swapped?",
                view=view,
                looks=by_role[Role.VIEWER] or "",
                power=power,
                acts=by_role[Role.OPERATOR] or "",
            ),
            f"exchange the values of {_SETTINGS[Role.VIEWER]} and {_SETTINGS[Role.OPERATOR]}",
        )
        del found[Role.VIEWER], found[Role.OPERATOR]  # what would make each fit its place would be wrong to do
    for role, seen in found.items():
        for line in _privileges(role, by_role[role] or "", seen, major):
            yield line
    if Role.VIEWER in found and (wanted := await _agents(cluster, found[Role.VIEWER], major)) is not None:
        yield wanted


async def _agents(cluster: Pve, seen: Permissions, major: int) -> Line | None:
    """Before 9 a look at a guest agent needs a privilege that can do more: said only where somebody wants that look."""
    need = next(need for need in needs(Role.VIEWER) if need.asked and need.privilege == "VM.Monitor")
    if not need.known(major) or seen.allows(need.privilege, need.path):
        return None
    try:
        tagged = sum(EXPECT_AGENT in guest.tags for guest in (await cluster.snapshot(60.0)).guests)
    except PveError:
        return None  # said elsewhere
    if not tagged:
        return None
    return warn(
        say_n(
            tagged,
            "{n} guest is tagged {tag}, and its agent cannot be asked: {token} lacks {privilege} on {path}, which "
            "would also let it run commands inside guests.",
            "{n} guests are tagged {tag}, and their agents cannot be asked: {token} lacks {privilege} on {path}, which "
            "would also let it run commands inside guests.",
            tag=EXPECT_AGENT,
            token=cluster.token(Role.VIEWER) or "",
            privilege=need.privilege,
            path=need.path,
        ),
        "sh deploy/pveum.sh --agent",
    )


def _swapped(found: Mapping[Role, Permissions]) -> bool:
    if Role.VIEWER not in found or Role.OPERATOR not in found:
        return False
    return _can_write(found[Role.VIEWER]) and not _can_write(found[Role.OPERATOR])


def _can_write(seen: Permissions) -> bool:
    return any(writes(privilege) for privileges in seen.paths.values() for privilege in privileges)


def _refused(role: Role, token: str, why: str, major: int) -> Line:
    user, name = token.split("!", 1)
    if why.startswith("no such token"):  # later versions say of every mistake the same
        anew = (
            f"where there shall be one named {name}, make it:",
            f"pveum user token add {user} {name} --privsep 1",
        )
    else:
        anew = (
            "where the secret is lost, make the token anew:",
            f"pveum user token remove {user} {name}; pveum user token add {user} {name} --privsep 1",
        )
    return fail(
        say("The {name} token {token} is refused: {why}", name=_NAMES[role], token=token, why=why),
        f"compare the token's name in {_SETTINGS[role]} with what this lists, and correct name or secret there:",
        f"pveum user token list {user}",
        *anew,
        *mend(role, token, major),
    )


def _privileges(role: Role, token: str, seen: Permissions, major: int) -> Iterator[Line]:
    known = [need for need in needs(role) if need.known(major)]
    if not any(seen.paths.values()):
        yield fail(
            say("The {name} token {token} has no rights: it needs some of its own.", name=_NAMES[role], token=token),
            *mend(role, token, major),
        )
        return
    lacking: list[Line] = []
    for need in known:
        where = _where(need, seen)
        if where is not None:
            yield ok(_has(token, need, where))
        elif need.required:
            lacking.append(fail(_lacks(token, need)))
        elif not need.asked:
            lacking.append(warn(_lacks(token, need)))
    yield from lacking[:-1]
    if lacking:
        yield Line(lacking[-1].level, lacking[-1].text, mend(role, token, major))
    yield from _too_much(role, token, seen, known, major)


def _where(need: Need, seen: Permissions) -> tuple[str, ...] | None:
    """() when all of it is covered, the paths when some of it is, None when nothing is."""
    if seen.allows(need.privilege, need.path):
        return ()
    below = need.path.rstrip("/") + "/"
    some = [
        path
        for path in sorted(seen.paths)
        if (path.startswith((below, "/pool/"))) and seen.allows(need.privilege, path)
    ]
    return tuple(some) or None


def _has(token: str, need: Need, where: tuple[str, ...]) -> Said:
    if not where:
        return say(
            "{token}: {privilege} on {path} ({gives}).",
            token=token,
            privilege=need.privilege,
            path=need.path,
            gives=need.gives,
        )
    shown = ", ".join(where[:4]) + (" …" if len(where) > 4 else "")
    return say(
        "{token}: {privilege} on {paths} alone ({gives}).",
        token=token,
        privilege=need.privilege,
        paths=shown,
        gives=need.gives,
    )


def _lacks(token: str, need: Need) -> Said:
    return say(
        "{token} lacks {privilege} on {path}: {gives}.",
        token=token,
        privilege=need.privilege,
        path=need.path,
        gives=need.gives,
    )


def _too_much(role: Role, token: str, seen: Permissions, known: list[Need], major: int) -> Iterator[Line]:
    """What a token can change that the bot never will. For the view token that is anything."""
    wanted = {privilege for need in known if role > Role.VIEWER for privilege in need.privilege.split("|")}
    found: dict[str, str] = {}
    for path in sorted(seen.paths):
        for privilege in seen.paths[path]:
            if writes(privilege) and privilege not in wanted:
                found.setdefault(privilege, path)
    if not found:
        return
    shown = [f"{privilege} on {path}" for privilege, path in sorted(found.items())]
    more = ", ".join(shown[:4]) + (f" … ({len(shown)} in all)" if len(shown) > 4 else "")
    if role is Role.VIEWER:
        text = say("The view token {token} can write: {more}.", token=token, more=more)
    else:
        text = say("The {name} token {token} can do more than any action needs: {more}.",
                   name=_NAMES[role], token=token, more=more)  # fmt: skip
    user, name = token.split("!", 1)
    path = found[min(found)]
    yield warn(
        text,
        f"pveum user token modify {user} {name} --privsep 1",
        *mend(role, token, major),
        f"pveum acl list; pveum acl delete {path} --tokens '{token}' --roles <every other role it has>",
    )


def mend(role: Role, token: str, major: int) -> tuple[str, ...]:
    """What gives this token its role, and its user no less: with privilege separation the smaller of both counts."""
    user = token.partition("!")[0]
    name, path, users = (VIEW_ROLE, "/", VIEW_ROLE) if role is Role.VIEWER else (
        POWER_ROLE, "/vms", f"{VIEW_ROLE},{POWER_ROLE}"
    )  # fmt: skip
    major = max(known for known in MAJORS if known <= max(major, MAJORS[0]))
    privileges = ",".join(granted(name, major))
    return (
        f"pveum role add {name} --privs {privileges} || pveum role modify {name} --privs {privileges}",
        f"pveum acl modify {path} --users {user} --roles {users}",
        f"pveum acl modify {path} --tokens '{token}' --roles {name}",
    )
