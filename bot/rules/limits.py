"""The limits of each rule at each poll: defaults, what the settings changed, exceptions for some subjects. Pure.

    Rule.limit ── TELEMOX_ALERTS__<RULE>__… ──▶ base ── by guest tag, then each override in order ──▶ exceptions

An override names what it is for by tag, pool, guest, node or storage; one that stands later wins. By node is the node,
the guests that are on it, its own storages and whatever else is its own (pools, disks, services, certificates). The
tags `bot-mute` and `bot-relaxed` are overrides that anybody who may tag a guest can make:

    bot-mute       no rule says anything of this guest
    bot-relaxed    every hold is four times as long, and what is usually a warning is info at most; what is usually
                   critical (a guest halted by its storage) stays so

Who falls under what is worked out once a snapshot; without overrides and without those tags nobody does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bot.model import Severity, Snapshot
from bot.rules.rule import Limit, Limits, Rule

ALL = "*"
MUTE, RELAXED = "bot-mute", "bot-relaxed"
PATIENCE = 4
SCOPES = ("tag", "pool", "guest", "node", "storage")

Change = bool | Severity | float
Profile = tuple[int, ...]
"""Which entries of the book a subject falls under, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """`changes`: by the name of a field of Limit, or of one in `more`; shares 0..1, times in seconds."""

    rule: str  # Rule.key, or * for all
    by: str  # one of SCOPES
    value: str  # a tag, a pool, a vmid or a guest's name, a node, a Storage.id or a storage's name on every node
    changes: Mapping[str, Change]


def applied(limit: Limit, changes: Mapping[str, Change]) -> Limit:
    """`limit` with `changes`. A clear that is not given moves along with its fire: the room between them stays."""
    figures = {name: value for name, value in figures_of(limit).items() if value is not None}
    followed = dict(changes)
    for name, value in changes.items():
        fire, clear = figures.get(name), figures.get(f"{name}_clear")
        if fire is not None and clear is not None and f"{name}_clear" not in changes:
            moved = float(value) + clear - fire
            followed[f"{name}_clear"] = round(moved if moved > 0 or not fire else float(value) * clear / fire, 9)
    own = {name: value for name, value in followed.items() if name in Limit.__dataclass_fields__}
    more = {name: float(value) for name, value in followed.items() if name not in own}
    return replace(limit, **own, more={**limit.more, **more} if more else limit.more)  # type: ignore[arg-type]


def figures_of(limit: Limit) -> dict[str, float | None]:
    """What fires and what clears, by name; those in `more` too."""
    own: dict[str, float | None] = {
        "warning": limit.warning,
        "warning_clear": limit.warning_clear,
        "critical": limit.critical,
        "critical_clear": limit.critical_clear,
    }
    return {**own, **limit.more}


class Book:
    """`book.limits(rule, snapshot)`. `changed`: by Rule.key, those that the settings changed."""

    def __init__(
        self,
        rules: Iterable[Rule],
        changed: Mapping[str, Limit] | None = None,
        overrides: Sequence[Override] = (),
        scale: float = 1.0,
    ) -> None:
        self._rules = {rule.key: rule for rule in rules}
        self._limits = {key: (changed or {}).get(key, rule.limit) for key, rule in self._rules.items()}
        self._scale = scale
        self._entries: tuple[Callable[[Rule, Limit], Limit], ...] = (
            _muted,
            _relaxed,
            *(partial(_overridden, override) for override in overrides),
        )
        self._by: dict[str, dict[str, list[int]]] = {scope: {} for scope in SCOPES}
        self._by["tag"] |= {MUTE: [0], RELAXED: [1]}
        for number, override in enumerate(overrides, 2):
            value = override.value.lower() if override.by == "tag" else override.value
            self._by[override.by].setdefault(value, []).append(number)
        self._base: dict[str, Limits] = {}
        self._resolved: dict[tuple[str, Profile], Limit] = {}
        self._seen: dict[str, tuple[Snapshot, _Subjects]] = {}

    def limits(self, rule: Rule, snapshot: Snapshot | None) -> Limits:
        other = self._rules.get(rule.goes_by)
        own = self._own(rule, snapshot)
        return replace(own, of_other=self._own(other, snapshot)) if other is not None else own

    def _own(self, rule: Rule, snapshot: Snapshot | None) -> Limits:
        base = self._base.get(rule.key)
        if base is None:
            limit = self._limits.get(rule.key, rule.limit)
            base = self._base[rule.key] = Limits(base=_scaled(rule, limit, self._scale))
        subjects = self._subjects(snapshot) if snapshot is not None else None
        if subjects is None or not subjects.profiles:
            return base
        special: dict[Profile, Limit] = {}
        for profile in subjects.profiles:
            limit = self._limit(rule, profile)
            if limit != base.base:
                special[profile] = limit
        return Limits(base=base.base, exceptions=_Exceptions(subjects, special)) if special else base

    def _limit(self, rule: Rule, profile: Profile) -> Limit:
        key = (rule.key, profile)
        if key not in self._resolved:
            limit = self._limits.get(rule.key, rule.limit)
            for number in profile:
                limit = self._entries[number](rule, limit)
            self._resolved[key] = _scaled(rule, limit, self._scale)
        return self._resolved[key]

    def _subjects(self, snapshot: Snapshot) -> "_Subjects":
        """Of the last snapshot of each cluster: all rules of a poll look at the same one."""
        seen = self._seen.get(snapshot.cluster)
        if seen is None or seen[0] is not snapshot:
            seen = self._seen[snapshot.cluster] = (snapshot, _Subjects(snapshot, self._by))
        return seen[1]


class _Subjects:
    """Who of a snapshot falls under an entry of the book."""

    def __init__(self, snapshot: Snapshot, by: Mapping[str, Mapping[str, list[int]]]) -> None:
        self.by_key: dict[str, Profile] = {}
        self.by_node: dict[str, Profile] = {}  # f"{cluster}/other/{node}": its own things, whatever they are
        nodes = by["node"]
        kinds: dict[tuple[tuple[str, ...], str, str], Profile] = {}  # many guests have the same tags, pool and node
        for guest in snapshot.guests:
            kind = (guest.tags, guest.pool, guest.node)
            if (profile := kinds.get(kind)) is None:
                found = [number for tag in guest.tags for number in by["tag"].get(tag.lower(), ())]
                found += by["pool"].get(guest.pool, ()) if guest.pool else ()
                found += nodes.get(guest.node, ())
                profile = kinds[kind] = tuple(sorted(set(found)))
            if by["guest"] and (own := {*by["guest"].get(str(guest.vmid), ()), *by["guest"].get(guest.name, ())}):
                profile = tuple(sorted({*profile, *own}))
            if profile:
                self.by_key[f"{guest.cluster}/guest/{guest.vmid}"] = profile
        if nodes or by["storage"]:
            self._places(snapshot, nodes, by["storage"])
        self.profiles = frozenset(self.by_key.values()) | frozenset(self.by_node.values())

    def _places(self, snapshot: Snapshot, nodes: Mapping[str, list[int]], storages: Mapping[str, list[int]]) -> None:
        for node in snapshot.nodes:
            if found := nodes.get(node.name):
                self.by_key[f"{node.cluster}/node/{node.name}"] = tuple(found)
                self.by_node[f"{node.cluster}/other/{node.name}"] = tuple(found)
        for storage in snapshot.storages:
            own = [] if storage.shared else nodes.get(storage.node, [])
            found = sorted({*own, *storages.get(storage.id, ()), *storages.get(storage.name, ())})
            if found:
                self.by_key[f"{storage.cluster}/storage/{storage.id}"] = tuple(found)

    def profile(self, key: str) -> Profile:
        """Empty: none."""
        found = self.by_key.get(key, ())
        if found or not self.by_node:
            return found
        cluster, _, rest = key.partition("/")
        about, _, path = rest.partition("/")
        return self.by_node.get(f"{cluster}/{about}/{path.partition('/')[0]}", ())


class _Exceptions(Mapping[str, Limit]):
    """By Subject.key, worked out when asked for. What a node's own other things are is known to their rules alone:
    they are found by key, and not among those that are counted."""

    def __init__(self, subjects: _Subjects, special: dict[Profile, Limit]) -> None:
        self._subjects = subjects
        self._special = special

    def __getitem__(self, key: str) -> Limit:
        return self._special[self._subjects.profile(key)]

    def get(self, key: str, default: Any = None) -> Any:
        """Rules ask for every guest: an answer without an exception underway."""
        return self._special.get(self._subjects.profile(key), default)

    def __iter__(self) -> Iterator[str]:
        return (key for key, profile in self._subjects.by_key.items() if profile in self._special)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return True  # made where there is one

    def values(self) -> ValuesView[Limit]:
        """Each once, however many subjects have it."""
        return self._special.values()


def _muted(_rule: Rule, limit: Limit) -> Limit:
    return replace(limit, on=False)


def _relaxed(rule: Rule, limit: Limit) -> Limit:
    limit = replace(limit, hold=limit.hold * PATIENCE)
    return limit if rule.severity is Severity.CRITICAL else replace(limit, severity=Severity.INFO)


def _overridden(override: Override, rule: Rule, limit: Limit) -> Limit:
    return applied(limit, override.changes) if override.rule in {ALL, rule.key} else limit


def _scaled(rule: Rule, limit: Limit, scale: float) -> Limit:
    """Every time of it that is waited for is multiplied; figures, and ages of things, are not."""
    if scale == 1:
        return limit

    def waited(name: str, value: float) -> float:
        return value if name in rule.ages else value * scale

    more = {name: waited(name, value) if name.endswith("_seconds") else value for name, value in limit.more.items()}
    return replace(
        limit,
        hold=waited("hold", limit.hold),
        clear=waited("clear", limit.clear),
        within=waited("within", limit.within),
        more=more,
    )
