"""Users, tokens, roles and ACLs of a simulated cluster, for tests to add and take away."""

import random
from collections.abc import Iterable, Mapping

from bot.demo.cluster import build
from bot.demo.cluster.access import User
from bot.demo.cluster.world import World


class Grants:
    world: World
    _rng: random.Random

    def add_user(
        self, user: str, acl: Mapping[str, str] | None = None, *, enabled: bool = True, expire: float = 0
    ) -> None:
        self.world.access.users[user] = User(enabled, expire)
        for path, role in (acl or {}).items():
            self.world.access.grant(path, user, role)
        self.world.access.changed()

    def add_token(
        self, user: str, name: str, acl: Mapping[str, str] | None = None, *, privsep: bool = True, expire: float = 0
    ) -> str:
        """user@realm!name=secret. `acl`: path -> role, for the token itself."""
        return build.token(self.world, self._rng, user, name, acl or {}, privsep=privsep, expire=expire)

    def add_role(self, name: str, privileges: Iterable[str]) -> None:
        self.world.access.role(name, privileges)

    def add_acl(self, path: str, who: str, role: str, *, propagate: bool = True) -> None:
        """`who`: user@realm, or user@realm!name for a token."""
        self.world.access.grant(path, who, role, propagate=propagate)

    def remove_acl(self, path: str, who: str) -> None:
        self.world.access.revoke(path, who)
