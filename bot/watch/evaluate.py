"""What the rules find at one poll of one cluster: pure.

evaluate(view, rules, book)   ▶ Evaluation: what every rule finds
again(before, new)            some of them asked anew
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.model import About, Finding, Snapshot
from bot.model.view import View
from bot.rules import Limit, Limits, Rule
from bot.watch.steps import at_once

NOTHING: Mapping[str, Finding] = {}
PIECE = 100
"""Findings after which somebody else may be answered."""
_OWN = {About.GUEST, About.NODE, About.STORAGE}


class Limiting(Protocol):
    """rules.limits.Book"""

    def limits(self, rule: Rule, snapshot: Snapshot | None) -> Limits: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    rule: Rule
    limit: Limit
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    found: Mapping[str, Found]  # by alert key
    limits: Mapping[str, Limits]  # by rule
    broken: Mapping[str, Exception] = field(
        default_factory=dict
    )  # rules that failed: a fault of ours; they see nothing


def evaluate(view: View, rules: Iterable[Rule], book: Limiting) -> Evaluation:
    """All of it at once; see `evaluating`."""
    return at_once(evaluating(view, rules, book))


def evaluating(
    view: View, rules: Iterable[Rule], book: Limiting, known: Mapping[str, Finding] = NOTHING
) -> Generator[None, None, Evaluation]:
    """Step by step: a thousand guests that are gone at once are a thousand findings, and somebody may wait for an
    answer. A rule that fails finds nothing and sees nothing; the others go on.

    `known`: findings of the poll before by key; one that is found just so again is the very same object, so that
    thousands that go on are no work for the garbage collector.
    """
    found: dict[str, Found] = {}
    limits: dict[str, Limits] = {}
    broken: dict[str, Exception] = {}
    for rule in rules:
        mine: dict[str, Found] = {}
        try:
            limits[rule.key] = of = book.limits(rule, view.snapshot)
            for one in _find(rule, view, of):
                key = one.key
                same = known.get(key)
                mine[key] = Found(rule=rule, limit=of.about(one.subject), finding=same if same == one else one)
                if len(mine) % PIECE == 0:
                    yield
        except Exception as error:  # noqa: BLE001 - the watch logs it with its traceback; one rule must not end them all
            broken[rule.key] = error
        else:
            found.update(mine)
        yield
    return Evaluation(found=found, limits=limits, broken=broken)


def _find(rule: Rule, view: View, limits: Limits) -> Iterator[Finding]:
    """An old snapshot shows how things were when it was taken: they cannot be held against this poll."""
    if not limits.base.on and not limits.exceptions:
        return
    for finding in rule.find(view, limits):
        if view.fresh or finding.event or finding.subject.about not in _OWN:
            yield finding


def again(before: Evaluation, new: Evaluation) -> Evaluation:
    """`before`, with what the rules of `new` say that were asked anew."""
    asked = {*new.limits, *new.broken}
    kept = {key: one for key, one in before.found.items() if one.rule.key not in asked}
    return Evaluation(
        found={**kept, **new.found},
        limits={**before.limits, **new.limits},
        broken={**{key: error for key, error in before.broken.items() if key not in asked}, **new.broken},
    )
