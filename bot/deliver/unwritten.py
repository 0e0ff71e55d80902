"""Which rows the store does not have as they are by now: by their keys, so that what is written is how they stand then.

put      it changed                   ─▶ fresh: nothing of it is sent, as a row stands before its message
hand     somebody is writing these    ─▶ what changes meanwhile is fresh once more, whatever becomes of that
saved    they are durable             ─▶ forgotten
failed   they are not                 ─▶ late: sent all the same, and handed out with the next
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Dirty:
    """Keys of rows."""

    cards: set[int] = field(default_factory=set)
    letters: set[int] = field(default_factory=set)
    routes: set[tuple[int, int | None]] = field(default_factory=set)
    habits: set[int] = field(default_factory=set)
    facts: set[str] = field(default_factory=set)
    parked: set[int] = field(default_factory=set)

    def add(self, other: "Dirty") -> None:
        self.cards |= other.cards
        self.letters |= other.letters
        self.routes |= other.routes
        self.habits |= other.habits
        self.facts |= other.facts
        self.parked |= other.parked

    def less(self, other: "Dirty") -> None:
        self.cards -= other.cards
        self.letters -= other.letters
        self.routes -= other.routes
        self.habits -= other.habits
        self.facts -= other.facts
        self.parked -= other.parked


class Unwritten:
    def __init__(self) -> None:
        self.fresh = Dirty()
        self._late = Dirty()
        self._out: list[Dirty] = []  # what is being written

    def put(self, changed: Dirty) -> None:
        self.fresh.add(changed)
        for batch in self._out:
            batch.less(changed)

    def hand(self, only: Dirty | None = None) -> Dirty:
        """What is to be written now: all of it, or `only` these. `saved` or `failed` has to follow."""
        batch = Dirty()
        for part in (self.fresh, self._late) if only is None else (only,):
            batch.add(part)
        self._out.append(batch)
        return batch

    def saved(self, batch: Dirty) -> None:
        self._back(batch)
        self._late.less(batch)

    def failed(self, batch: Dirty) -> None:
        self._back(batch)
        self._late.add(batch)

    def _back(self, batch: Dirty) -> None:
        self._out = [one for one in self._out if one is not batch]
        self.fresh.less(batch)
