"""What Proxmox VE has pushed, from its arrival to the poll that deals with it: kept in the store meanwhile.

Kept.facts   push/main/9f2c…   one notification as JSON, under the cluster whose poll is to look at it
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.errors import Crowded
from bot.model.feeds import BACKUPS, FAILED, HA, PACKAGES, REPLICATION, Feed
from bot.model.view import FLOOD, Push, View
from bot.text import say
from bot.watch.evaluate import Evaluation

POINTS_TO: Mapping[str, tuple[Feed[Any], ...]] = {
    "vzdump": (BACKUPS, FAILED),
    "replication": (REPLICATION,),
    "package-updates": (PACKAGES,),
    "fencing": (HA,),
}
"""By kind: what will tell of the same, and more. It is read at once; what polling can see is told by what it sees."""
PUSHED = "push/"
MOST = 1000
"""Of one cluster, that wait: what comes then is refused, since what was taken was promised to be told."""


class Pushes:
    """Those of one cluster, in the order of their arrival."""

    def __init__(self, cluster: str, kept: Mapping[str, str], others: Iterable[str] = ()) -> None:
        """`kept` are Kept.facts. `others`: clusters that are watched no more; theirs are told here."""
        self._start = f"{PUSHED}{cluster}/"
        self._waiting: dict[str, Push] = {}  # by fact
        starts = (self._start, *(f"{PUSHED}{other}/" for other in others))
        found = {key: unpack(text) for key, text in kept.items() if key.startswith(starts)}
        self.damaged = [key for key, push in found.items() if push is None]
        known = ((key, push) for key, push in found.items() if push is not None)
        self._waiting = dict(sorted(known, key=lambda one: one[1].at))

    @property
    def waiting(self) -> tuple[Push, ...]:
        return tuple(self._waiting.values())

    def take(self, push: Push) -> dict[str, str]:
        """The facts that keep it.

        Raises: Crowded. What tells that some were refused is taken beyond, once.
        """
        key = self._start + push.id
        if key not in self._waiting and len(self._waiting) >= MOST + (push.kind == FLOOD):
            raise Crowded(say("{n} notifications wait already.", n=len(self._waiting)))
        self._waiting[key] = push
        return {key: pack(push)}

    def done(self, pushes: Iterable[Push]) -> dict[str, str]:
        """The facts that forget them: '' is one that is forgotten."""
        ids = {push.id for push in pushes}
        keys = [key for key, push in self._waiting.items() if push.id in ids]
        for key in keys:
            del self._waiting[key]
        return dict.fromkeys(keys, "")


def strays(kept: Mapping[str, str], clusters: Iterable[str]) -> set[str]:
    """Clusters that have notifications kept, and are not among `clusters`."""
    named = {key.removeprefix(PUSHED).partition("/")[0] for key in kept if key.startswith(PUSHED)}
    return named - set(clusters)


def pack(push: Push) -> str:
    return json.dumps(asdict(push) | {"at": push.at.isoformat()}, ensure_ascii=False, separators=(",", ":"))


def unpack(text: str) -> Push | None:
    """None where it is not what `pack` writes."""
    try:
        found = json.loads(text)
        at = datetime.fromisoformat(found["at"])
        vmids = tuple(int(vmid) for vmid in found["vmids"])
        words = {name: str(found[name]) for name in ("id", "kind", "severity", "title", "message", "host", "job")}
    except (ValueError, TypeError, KeyError):
        return None
    return Push(at=at, vmids=vmids, **words) if at.tzinfo is not None else None


def dealt_with(view: View, evaluation: Evaluation, events: Iterable[str]) -> list[Push]:
    """Pushes that need not be looked at again: all, where every rule could; else those that were told."""
    if view.fresh and not evaluation.broken:
        return list(view.pushes)
    return [push for push in view.pushes if any(key.endswith(f":{push.id}") for key in events)]
