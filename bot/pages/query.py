"""What `/vms` and `/vm` take: filters and words, parsed, matched, and written back into buttons. Pure.

    tag:prod node:pve1 status:stopped type:ct pool:web cluster:main nginx page:2

Of one key any value will do, of tags all must be there; every word must be in the name, the id or a tag.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

from bot.model import Fleet, Guest, Kind, Snapshot
from bot.model.memo import memo
from bot.pages.problems import by_vmid, ordered
from bot.text import fold

K = TypeVar("K")

KEYS = ("status", "type", "node", "pool", "tag", "cluster")
LONGEST = 200
"""Characters of a filter that are read."""
KINDS = {"vm": Kind.QEMU, "qemu": Kind.QEMU, "ct": Kind.LXC, "lxc": Kind.LXC, "container": Kind.LXC}
SIMILAR = 0.65
"""Share of a name, or of a piece of it, that must be right: `wbe` is web, `mial` is ct-mail, `dc` is not db."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    terms: tuple[tuple[str, str], ...] = ()  # key, value as typed
    words: tuple[str, ...] = ()
    page: int = 1

    @classmethod
    def parse(cls, text: str) -> "Query":
        """Never fails: what is no filter is a word."""
        terms: list[tuple[str, str]] = []
        words: list[str] = []
        page, waiting = 1, ""
        for token in text[:LONGEST].split():
            key, colon, value = token.partition(":")
            key = key.casefold()
            if waiting and not (colon and key in KEYS):
                terms.append((waiting, token))
                waiting = ""
            elif colon and key in KEYS:
                waiting = "" if value else key  # `tag: prod`, as people type it
                if value:
                    terms.append((key, value))
            elif colon and key == "page" and value.isdecimal() and len(value) < 6:
                page = max(1, int(value))
            else:
                words.append(token)
        return cls(terms=tuple(dict.fromkeys(terms)), words=tuple(words), page=page)

    def __bool__(self) -> bool:
        return bool(self.terms or self.words)

    @property
    def text(self) -> str:
        """As it is typed, without the page."""
        return " ".join([*(f"{key}:{value}" for key, value in self.terms), *self.words])

    def arg(self, page: int = 1) -> str:
        return f"{self.text} page:{page}".strip() if page > 1 else self.text

    def has(self, key: str, value: str) -> bool:
        return (key, value) in self.terms

    def with_(self, key: str, value: str) -> "Query":
        """Narrowed by that too; a status or a type takes the place of the last one."""
        terms = [term for term in self.terms if term[0] != key or key == "tag"]
        return replace(self, terms=tuple(dict.fromkeys([*terms, (key, value)])), page=1)

    def without(self, key: str) -> "Query":
        return replace(self, terms=tuple(term for term in self.terms if term[0] != key), page=1)


def select(fleet: Fleet, query: Query) -> Sequence[Guest]:
    """The guests that match: those with a problem first (worst first), each cluster in its turn."""
    first: list[Guest] = []
    rest: list[Guest] = []
    for snapshot in fleet:
        matches = _matcher(snapshot, query)
        wrong, others = ordered(snapshot)
        if matches is None:
            first += wrong
            rest += others
        else:
            first += filter(matches, wrong)
            rest += filter(matches, others)
    return first + rest


def search(fleet: Fleet, text: str) -> Sequence[Guest]:
    """By id, else exact name, else exact tag, else what has every word, else what is nearly called so (at most 8).

    A filter works too: `/vm tag:prod` is the guest with that tag.
    """
    query = Query.parse(text)
    if query.terms or not query.words:
        return select(fleet, query)
    wanted = fold(" ".join(query.words))
    found = exact(fleet, text) or [guest for snapshot in fleet for guest in _tagged(snapshot, wanted)]
    return found or select(fleet, query) or _similar(fleet, wanted)


def exact(fleet: Fleet, text: str) -> Sequence[Guest]:
    """The guests that have just that id or, where none has, just that name."""
    wanted = fold(" ".join(text.split()))
    vmid = int(wanted) if wanted.isdecimal() and len(wanted) <= 9 else 0
    if same := [snapshot.by_vmid[vmid] for snapshot in fleet if vmid in snapshot.by_vmid]:
        return same
    return [guest for snapshot in fleet for guest in _named(snapshot, wanted)]


@memo
def _folded(snapshot: Snapshot) -> dict[int, tuple[str, str]]:
    """By vmid: the name as it is compared, and everything that a word may be in."""
    return {
        guest.vmid: (name := fold(guest.name), f"{name} {guest.vmid} {fold(' '.join(guest.tags))}")
        for guest in snapshot.guests
    }


def _named(snapshot: Snapshot, wanted: str) -> Iterable[Guest]:
    folded = _folded(snapshot)
    return [guest for guest in chain(*ordered(snapshot)) if folded[guest.vmid][0] == wanted]


def _tagged(snapshot: Snapshot, wanted: str) -> Iterable[Guest]:
    return [guest for guest in chain(*ordered(snapshot)) if guest.tags and wanted in map(fold, guest.tags)]


def _similar(fleet: Fleet, wanted: str) -> Sequence[Guest]:
    names = {
        (index, vmid): name for index, snapshot in enumerate(fleet) for vmid, (name, _) in _folded(snapshot).items()
    }
    return [fleet.snapshots[index].by_vmid[vmid] for index, vmid in similar(wanted, names)]


def similar(wanted: str, names: Mapping[K, str]) -> Sequence[K]:
    """Keys of what is nearly called so, or has a piece that is: best first, at most 8. All of it folded."""
    from rapidfuzz import process  # only where nothing else was found: it costs a start its milliseconds
    from rapidfuzz.distance import OSA

    pieces = {
        (key, part): piece for key, name in names.items() for part, piece in enumerate({name, *_PIECES.findall(name)})
    }
    hits = process.extract(wanted, pieces, scorer=OSA.normalized_similarity, score_cutoff=SIMILAR, limit=16)
    return list(dict.fromkeys(key for _, _, (key, _) in hits))[:8]


_PIECES = re.compile(r"[^\W\d_]+")


def _matcher(snapshot: Snapshot, query: Query) -> Callable[[Guest], bool] | None:
    """None: everything matches."""
    if not query:
        return None
    wanted: dict[str, list[str]] = {}
    for key, value in query.terms:
        wanted.setdefault(key, []).append(fold(value))
    if "cluster" in wanted and not {fold(snapshot.cluster), fold(snapshot.name)}.intersection(wanted.pop("cluster")):
        return lambda guest: False
    words = [fold(word) for word in query.words]
    folded = _folded(snapshot) if words else {}

    def matches(guest: Guest) -> bool:
        for key, values in wanted.items():
            if key == "tag":
                mine = set(map(fold, guest.tags))
                if not all(value in mine for value in values):
                    return False
            elif not any(_is(snapshot, guest, key, value) for value in values):
                return False
        return all(word in folded[guest.vmid][1] for word in words)

    return matches


def _is(snapshot: Snapshot, guest: Guest, key: str, value: str) -> bool:
    match key:
        case "node":
            return fold(guest.node) == value
        case "pool":
            return fold(guest.pool) == value
        case "type":
            return guest.template if value == "template" else KINDS.get(value) is guest.kind
        case _:  # status
            if value == "problem":
                return guest.vmid in by_vmid(snapshot)
            if guest.template:
                return value == "template"
            return guest.status.value == value
