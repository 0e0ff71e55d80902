"""The real rules over a film of polls, and what would be told of it: rules, memory and tick, nothing around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

from bot.model import Alert, Guest, NewsKind, Storage
from bot.rules import BY_KEY, RULES
from bot.rules.inhibits import PARENTS, inhibits
from bot.rules.limits import Book
from bot.watch.evaluate import evaluate
from bot.watch.tick import Setting, tick
from tests.rules.views import NOW, Film, words

SETTING = Setting(rules=BY_KEY, inhibits=inhibits, parents=PARENTS)


@dataclass
class Lives:
    """Of the rules named. Nothing is looked up before it fires; what has fired, and hangs on nothing, is told."""

    rules: Sequence[str]
    film: Film = field(default_factory=Film)
    book: Book = field(default_factory=lambda: Book(RULES))
    told: list[str] = field(default_factory=list)  # "fired guest_paused: web is paused"
    first: bool = True  # the next poll is the first of its process
    alerts: Mapping[int, Alert] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._numbers = count(1)
        self._events: dict[str, datetime] = {}

    @property
    def now(self) -> float:
        """Seconds from NOW to the last poll."""
        return (self.film.at - NOW).total_seconds()

    def poll(self, guests: Sequence[Guest] = (), *, nodes: Any = None, storages: Sequence[Storage] = (),
             after: float = 15.0, **more: Any) -> None:  # fmt: skip
        seen = self.film.poll(guests, nodes, storages, after=after, first=self.first, **more)
        seen = replace(seen, before=replace(seen.before, events=dict(self._events)))
        self.first = False
        evaluation = evaluate(seen, [BY_KEY[key] for key in self.rules], self.book)
        assert not evaluation.broken
        ticked = tick(self.alerts, evaluation, seen, [], SETTING, lambda: next(self._numbers))
        fired = {number for number, one in ticked.alerts.items() if one.fired and not one.parent}
        self.alerts = {n: replace(one, told=True) if n in fired else one for n, one in ticked.alerts.items()}
        self._events |= ticked.events
        for news in ticked.news:
            if news.kind is NewsKind.CHANGED:
                continue
            finding = news.alert.finding
            said = finding.over if news.kind is NewsKind.RESOLVED and finding.over is not None else finding.said
            self.told.append(f"{news.kind.value} {finding.rule}: {words(said)}")

    def run(self, seconds: float, guests: Sequence[Guest] = (), *, step: float = 15.0, **more: Any) -> list[str]:
        """Polls all alike, one every `step` s; what was told meanwhile."""
        before = len(self.told)
        for _ in range(max(1, round(seconds / step))):
            self.poll(guests, after=step, **more)
        return self.told[before:]
