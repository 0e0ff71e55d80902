"""/storage: the fullest first; a shared storage once."""

from collections.abc import Sequence

from bot.access import Asker, Role
from bot.model import Gap, Storage
from bot.pages.listing import Listing, load
from bot.pages.page import Page
from bot.pages.parts import age, gaps, heading, page_of, pager, refresh
from bot.pages.problems import FILLING, FULL, Rank
from bot.pages.wrong import NOBODY, asleep
from bot.screen import Button, Open, Screen
from bot.text import EMPTY, Said, Value, bar, lines, say, share, size_short, table

ROWS = 12
"""No buttons for each: more fit than in other lists."""


def draw(data: Listing, asker: Asker) -> Screen:
    several = len(data.fleet.snapshots) > 1
    everything = [storage for snapshot in data.fleet for storage in worst_first(snapshot.storages, data.sleeping)]
    shown, number, pages = page_of(everything, data.number, ROWS)
    parts: list[Said] = [_title(len(everything), number, len(shown))]
    for snapshot in data.fleet:
        here = [storage for storage in shown if storage.cluster == snapshot.cluster]
        if here:
            drawn = bars(here, short=snapshot.standalone, sleeping=data.sleeping)
            parts += [part for part in (heading(snapshot, several), *drawn) if part is not None]
    missing = gaps(gap for gap in data.fleet.unseen if gap.gap in {Gap.UNREACHABLE, Gap.ROWS_DROPPED})
    return Screen(
        text=lines(*parts, *missing, EMPTY, age(data.fleet.taken, data.now)),
        rows=(
            *pager("storage", str, number, pages),
            (Button(say("‹ Status"), Open("status")), refresh("storage", str(number) if number > 1 else "")),
        ),
    )


def _title(total: int, number: int, shown: int) -> Said:
    if not total:
        return say("No storage is visible: none is there, or the view token lacks Datastore.Audit on /storage.")
    first = (number - 1) * ROWS + 1
    return say("Storages {first}-{last} of {total} · used and free", first=first, last=first + shown - 1, total=total)


def worst_first(storages: Sequence[Storage], sleeping: frozenset[str] = NOBODY) -> list[Storage]:
    """Not available, then the fullest; what nobody knows, or is asleep, comes last."""

    def need(storage: Storage) -> tuple[bool, float, str]:
        gone = storage.available is False and not asleep(storage, sleeping)
        return not gone, -(storage.used or 0.0), storage.id

    return sorted(storages, key=need)


def bars(storages: Sequence[Storage], *, short: bool = False, sleeping: frozenset[str] = NOBODY) -> list[Said]:
    """A row each, as one table. `short`: without the node, where it is the only one or said above.

    Where one has no figures every row begins with an emoji, so that the columns stand under one another.
    """
    marked = any(_lacking(storage, sleeping) is not None for storage in storages)
    rows: list[tuple[Value, ...]] = []
    for storage in storages:
        name = storage.name if short else storage.id
        lacking, used = _lacking(storage, sleeping), storage.used or 0.0
        free = size_short(max(0, (storage.maxdisk or 0) - (storage.disk or 0)))
        figures: tuple[Value, ...] = (lacking, "", "") if lacking is not None else (bar(used), share(used), free)
        rows.append((_emoji(storage, sleeping), name, *figures) if marked else (name, *figures))
    return [table(rows, align="<<<>>" if marked else "<<>>", flex=1 if marked else 0)] if rows else []


def _lacking(storage: Storage, sleeping: frozenset[str]) -> Said | None:
    """Why there are no figures; None where there are."""
    if asleep(storage, sleeping):
        return say("asleep")
    if storage.available is False:
        return say("offline")
    if storage.available is None:
        return say("unknown")
    return say("no size") if storage.used is None else None


def _emoji(storage: Storage, sleeping: frozenset[str]) -> str:
    """As its problem has it, where it has one."""
    if asleep(storage, sleeping):
        return "🌙"
    if storage.available is None:
        return "⚪"
    used = storage.used or 0.0
    if storage.available is False or used >= FULL:
        return Rank.STORAGE_FULL.emoji
    return Rank.STORAGE_FILLING.emoji if used >= FILLING else "🟢"


PAGE = Page(key="storage", help="Storages, the fullest first", role=Role.VIEWER, command=True, load=load, draw=draw)
