"""Memory as rows of the store: what is read at the start, and what is written after a poll. No I/O."""

from collections.abc import Mapping
from typing import TypeVar

from bot.model.view import Memory
from bot.ports import Changes, Kept

K = TypeVar("K")
V = TypeVar("V")

FIGURE = "figure/"
"""Before the cluster's key, and the figure's own, in Kept.facts."""


def recalled(kept: Kept, cluster: str) -> Memory:
    """What the store remembers of one cluster. A figure that cannot be read is as one that was never kept."""
    start = f"{FIGURE}{cluster}/"
    figures: dict[str, float] = {}
    for key, text in kept.facts.items():
        if key.startswith(start):
            try:
                figures[key.removeprefix(start)] = float(text)
            except ValueError:
                continue
    return Memory(
        guests={vmid: was for (key, vmid), was in kept.guests.items() if key == cluster},
        nodes={node: was for (key, node), was in kept.nodes.items() if key == cluster},
        storages={id_: was for (key, id_), was in kept.storages.items() if key == cluster},
        events={key: at for key, at in kept.events.items() if f":{cluster}/" in key},
        figures=figures,
    )


def renewed(cluster: str, before: Memory, after: Memory) -> Changes:
    """The rows that are other than before. Events are none of its business: they are written as they come."""
    return Changes(
        guests=_changed(cluster, before.guests, after.guests),
        nodes=_changed(cluster, before.nodes, after.nodes),
        storages=_changed(cluster, before.storages, after.storages),
        facts=_figures(f"{FIGURE}{cluster}/", before.figures, after.figures),
    )


def _figures(start: str, before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, str]:
    """Those that are other than before; '' is one that is forgotten."""
    if after is before:
        return {}
    new = {start + key: repr(float(value)) for key, value in after.items() if before.get(key) != value}
    return {**new, **{start + key: "" for key in before if key not in after}}


def _changed(cluster: str, before: Mapping[K, V], after: Mapping[K, V]) -> dict[tuple[str, K], V | None]:
    if after is before:
        return {}
    rows: dict[tuple[str, K], V | None] = {}
    for key, value in after.items():
        was = before.get(key)
        if was is not value and was != value:
            rows[cluster, key] = value
    if len(after) < len(before) or any(key not in after for key in before):
        rows |= {(cluster, key): None for key in before if key not in after}
    return rows
