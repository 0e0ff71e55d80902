"""Where storages are: two names may be of one place, and a place may be a node's root file system."""

from collections.abc import Iterable, Mapping
from math import log

from bot.model import Snapshot, Storage
from bot.model.view import View

ALIKE = 0.01
"""Share by which the figures of two names for one place may differ: they are read some seconds apart."""
LEADS = "leads/"
FILLING = 0.5
"""Share used from which on it is remembered by which name a place is told."""


def leads(view: View) -> Mapping[str, float]:
    """Storages that a place is told by, by their id: epoch s since when (Memory.figures)."""
    return {key.removeprefix(LEADS): at for key, at in view.before.figures.items() if key.startswith(LEADS)}


def places(storages: Iterable[Storage], since: Mapping[str, float]) -> list[tuple[Storage, list[Storage]]]:
    """Each place once, by one of its names, with the others: a file system may be two storages. The name that it was
    told by stays the one, also when another comes back that would be before it; `since`: leads()."""
    found: list[tuple[Storage, list[Storage]]] = []
    near: dict[int, list[tuple[Storage, list[Storage]]]] = {}  # by size, in steps of a hundredth
    for storage in sorted(storages, key=lambda one: (since.get(one.id, float("inf")), one.id)):
        step = int(log(storage.maxdisk or 1) / ALIKE)
        candidates = (one for other in range(step - 2, step + 3) for one in near.get(other, ()))
        same = next((others for first, others in candidates if _same(first, storage)), None)
        if same is None:
            found.append((storage, []))
            near.setdefault(step, []).append(found[-1])
        else:
            same.append(storage)
    return found


def _same(one: Storage, other: Storage) -> bool:
    """Local ones of two nodes are two places, however alike new nodes are."""
    if not one.maxdisk or not other.maxdisk or one.disk is None or other.disk is None:
        return False
    if one.node != other.node and not one.shared and not other.shared:
        return False
    return _alike(one.maxdisk, other.maxdisk) and _alike(one.disk, other.disk)


def is_root(snapshot: Snapshot, storage: Storage) -> bool:
    """Is it the root file system of its node? That has a rule of its own."""
    node = snapshot.by_node.get(storage.node)
    if storage.shared or node is None or not node.maxdisk or node.disk is None or not storage.maxdisk:
        return False
    return _alike(node.maxdisk, storage.maxdisk) and _alike(node.disk, storage.disk or 0)


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= ALIKE * max(one, other)
