"""What an API token may, and which Proxmox VE it speaks to."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What one API token may, from GET /access/permissions: path -> privilege -> propagate.

    The listed value is the propagate flag: a privilege with False is granted on that very path, not below it.
    """

    paths: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)

    def allows(self, privilege: str, path: str, pool: str = "") -> bool:
        """As Proxmox decides (PVE/AccessControl.pm): the deepest listed path counts alone; a pool's roles are merged.

        `pool` is the pool of the guest or storage that `path` names. Any of several privileges: `A|B`.
        """
        return any(self._has(one, path, pool) for one in privilege.split("|"))

    def _has(self, privilege: str, path: str, pool: str) -> bool:
        if privilege in self._at(path):
            return True
        return bool(pool) and privilege in self._at(f"/pool/{pool}")

    def _at(self, path: str) -> frozenset[str]:
        if path in self.paths:
            return frozenset(self.paths[path])
        while path != "/":
            path = path.rpartition("/")[0] or "/"
            if path in self.paths:
                return frozenset(name for name, propagate in self.paths[path].items() if propagate)
        return frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """GET /version. Compared as (8, 4)."""

    major: int
    minor: int
    text: str  # 8.4.1

    def __ge__(self, other: tuple[int, int]) -> bool:
        return (self.major, self.minor) >= other

    def __lt__(self, other: tuple[int, int]) -> bool:
        return not self >= other
