"""Users, API tokens, roles and ACLs, and who may what (pve-access-control: AccessControl.pm, RPCEnvironment.pm).

An ACL on a deeper path replaces what was inherited from above; roles on one path add up; roles on a pool are merged
into those on its members; NoAccess wins. A token with privilege separation has what both it and its user have.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from bot.demo.cluster.errors import Unauthorized
from bot.demo.cluster.release import Release

Privileges = Mapping[str, bool]  # privilege -> does it propagate below this path?

AUDIT = ("VM.Audit", "Sys.Audit", "Datastore.Audit", "SDN.Audit", "Pool.Audit")
# RPCEnvironment.pm, get_effective_permissions: paths that are always listed where something is granted
TOP = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")
_HEADER = re.compile(r"(?:^|\s)PVEAPIToken[ =]([^;]*)")


def privileges(release: Release) -> frozenset[str]:
    """All that exist in this version."""
    names = {
        *AUDIT, "VM.PowerMgmt", "VM.Config.Disk", "VM.Config.Options", "VM.Config.CPU", "VM.Config.Memory",
        "VM.Console", "VM.Snapshot", "VM.Snapshot.Rollback", "VM.Backup", "VM.Migrate", "VM.Allocate", "VM.Clone",
        "Sys.Modify", "Sys.PowerMgmt", "Sys.Syslog", "Sys.Console", "Datastore.Allocate", "Datastore.AllocateSpace",
        "Pool.Allocate", "SDN.Allocate", "User.Modify", "Permissions.Modify",
    }  # fmt: skip
    if release.major >= 8:
        names |= {"Mapping.Audit", "Mapping.Use", "Mapping.Modify", "SDN.Use", "Sys.AccessNetwork"}
    if release.major >= 9:
        kinds = ("Audit", "FileRead", "FileWrite", "FileSystemMgmt", "Unrestricted")
        names |= {f"VM.GuestAgent.{kind}" for kind in kinds} | {"VM.Replicate"}
    else:
        names.add("VM.Monitor")
    return frozenset(names)


@dataclass(slots=True)
class User:
    enabled: bool = True
    expire: float = 0  # seconds since 1970; 0 = never


@dataclass(slots=True)
class Token:
    secret: str
    privsep: bool = True
    expire: float = 0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: `user@realm`, or `user@realm!name` for a token."""

    id: str

    @property
    def user(self) -> str:
        return self.id.partition("!")[0]


@dataclass
class Access:
    release: Release
    members: Callable[[], Mapping[str, Iterable[str]]]  # pool -> ACL paths of its members
    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    roles: dict[str, frozenset[str]] = field(default_factory=dict)
    acls: dict[str, dict[str, dict[str, bool]]] = field(default_factory=dict)  # path -> who -> role -> propagates
    generation: int = 0  # grows with every change
    _kept: dict[tuple[str, str], Privileges] = field(default_factory=dict)
    _pooled: dict[str, tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        everything = privileges(self.release)
        self.roles = {"Administrator": everything, "NoAccess": frozenset()}
        audit = [*AUDIT, *(["Mapping.Audit"] if self.release.major >= 8 else [])]
        self.roles["PVEAuditor"] = frozenset([*audit, *(["VM.GuestAgent.Audit"] if self.release.major >= 9 else [])])
        self.roles["PVEVMUser"] = frozenset({"VM.Audit", "VM.PowerMgmt", "VM.Console", "VM.Backup"})

    def changed(self) -> None:
        self.generation += 1
        self._kept.clear()
        self._pooled = None

    # -- changing ------------------------------------------------------------------------------------------------

    def role(self, name: str, names: Iterable[str]) -> None:
        """Raises ValueError for a privilege that this version does not have."""
        wanted = frozenset(names)
        if unknown := wanted - privileges(self.release):
            raise ValueError(f"invalid privilege '{min(unknown)}'")
        self.roles[name] = wanted
        self.changed()

    def grant(self, path: str, who: str, role: str, *, propagate: bool = True) -> None:
        if role not in self.roles:
            raise ValueError(f"role '{role}' does not exist")
        self.acls.setdefault(path, {}).setdefault(who, {})[role] = propagate
        self.changed()

    def revoke(self, path: str, who: str) -> None:
        self.acls.get(path, {}).pop(who, None)
        self.changed()

    # -- asking --------------------------------------------------------------------------------------------------

    def authenticate(self, header: str | None, now: float) -> Caller:
        """The caller by its Authorization header. Raises Unauthorized with this version's words."""
        match = _HEADER.search(header or "")
        if match is None or not match[1]:
            raise Unauthorized("No ticket")
        try:
            return self._authenticate(unquote(match[1]), now)
        except Unauthorized as why:
            raise (Unauthorized("Authentication failed!") if self.release.masked_auth else why) from None

    def _authenticate(self, value: str, now: float) -> Caller:
        name, equals, secret = value.rpartition("=")
        if not equals:
            raise Unauthorized("no tokenid specified")
        user, _, short = name.partition("!")
        if not re.fullmatch(r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+![A-Za-z][A-Za-z0-9.\-_]+", name):
            raise Unauthorized("No ticket")
        owner = self.users.get(user)
        if owner is None:
            raise Unauthorized(f"no such user ('{user}')")
        if not owner.enabled:
            raise Unauthorized(f"user '{user}' is disabled")
        if owner.expire and owner.expire < now:
            raise Unauthorized(f"user '{user}' access expired")
        token = self.tokens.get(name)
        if token is None:
            raise Unauthorized(f"no such token '{short}' for user '{user}'")
        if token.expire and token.expire < now:
            raise Unauthorized(f"token '{short}' access expired")
        if token.secret != secret:
            raise Unauthorized("invalid token value!")
        return Caller(name)

    def privileges(self, who: str, path: str) -> Privileges:
        """What `who` has on a path."""
        key = who, self._representative(path)
        if key not in self._kept:
            self._kept[key] = self._privileges(who, path)
        return self._kept[key]

    def _representative(self, path: str) -> str:
        """One path for all that no ACL and no pool tells apart: ten thousand guests are asked about at once."""
        if path.startswith("/vms/") and path not in self.acls and path not in self._pools():
            return "/vms/*"
        return path

    def _privileges(self, who: str, path: str) -> Privileges:
        user = who.partition("!")[0]
        if user == "root@pam" and (who == user or not self.tokens[who].privsep):
            return dict.fromkeys(privileges(self.release), True)
        if who != user:
            if who not in self.tokens:
                return {}
            owner = self.privileges(user, path)
            if not self.tokens[who].privsep:
                return owner
            own = self._granted(who, path)
            return {name: propagates and owner[name] for name, propagates in own.items() if name in owner}
        return self._granted(who, path)

    def _granted(self, who: str, path: str) -> Privileges:
        roles = dict(self._roles(who, path))
        for pool in self._pools().get(path, ()):
            for role in self._roles(who, f"/pool/{pool}"):
                roles.setdefault(role, False)  # what comes from a pool never propagates
        if "NoAccess" in roles:
            return {}
        found: dict[str, bool] = {}
        for role, propagates in roles.items():
            for name in self.roles.get(role, ()):
                found[name] = found.get(name, False) or propagates
        return found

    def _roles(self, who: str, path: str) -> Mapping[str, bool]:
        roles: Mapping[str, bool] = {}
        for step in _steps(path):
            here = self.acls.get(step, {}).get(who, {})
            new = {role: propagates for role, propagates in here.items() if propagates or step == path}
            if new:
                roles = {"NoAccess": new["NoAccess"]} if "NoAccess" in new else new
        return roles

    def _pools(self) -> Mapping[str, tuple[str, ...]]:
        """ACL path of a member -> its pools."""
        if self._pooled is None:
            pooled: dict[str, tuple[str, ...]] = {}
            for pool, paths in self.members().items():
                for path in paths:
                    pooled[path] = (*pooled.get(path, ()), pool)
            self._pooled = pooled
        return self._pooled

    def may(self, caller: Caller, privilege: str, path: str) -> bool:
        """Any of several privileges: `A|B`."""
        has = self.privileges(caller.id, path)
        return any(one in has for one in privilege.split("|"))

    def effective(self, who: str) -> dict[str, dict[str, int]]:
        """GET /access/permissions: path -> privilege -> 1 where it propagates, else 0; a 0 is granted too."""
        paths = {*TOP, *self.acls, *self._pools(), *(f"/pool/{pool}" for pool in self.members())}
        found = {path: self.privileges(who, path) for path in sorted(paths)}
        return {path: {name: int(on) for name, on in has.items()} for path, has in found.items() if has}


def _steps(path: str) -> list[str]:
    """/vms/100 -> /, /vms, /vms/100"""
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[: n + 1]) for n in range(len(parts)))]
