"""Rules that live on what is read hourly, or more seldom: asked when a reading is new or a backup began or ended, else
once a minute.

Their answer to the same reading is the same but for the time that passes, and for guests that come and go; asking them
at every poll would be most of what a poll of ten thousand guests costs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.model import Outcome
from bot.model.feeds import HOUR
from bot.model.view import View
from bot.rules import Confirm, Rule
from bot.watch.evaluate import Evaluation, Found

EVERY = 60.0  # s
State = tuple[tuple[str, str, Any, bool], ...]
"""Of the readings of a rule: feed, node, when read, fresh."""


class Slow:
    """Of one cluster: what its slow rules said last."""

    def __init__(self, scale: float = 1.0) -> None:
        self._every = EVERY * scale
        self._last: Evaluation | None = None
        self._asked: dict[str, float] = {}  # rule -> seconds that have passed by the clock of steps
        self._states: dict[str, State] = {}
        self._backups: frozenset[tuple[str, Outcome]] = frozenset()
        self._passed = 0.0

    def due(self, view: View, rules: Sequence[Rule]) -> list[Rule]:
        """Those to be asked at this poll."""
        self._passed += view.step
        backups = frozenset((task.upid.text, task.outcome) for task in view.tasks or () if task.upid.type == "vzdump")
        stirred, self._backups = backups != self._backups, backups
        return [rule for rule in rules if self._is_due(rule, view) or stirred]

    def with_kept(self, evaluation: Evaluation) -> Evaluation:
        """`evaluation` of what was due, with what the others said last: that they failed, too."""
        last = self._last
        asked = {*evaluation.limits, *evaluation.broken}
        if last is not None:
            kept: Mapping[str, Found] = {key: one for key, one in last.found.items() if one.rule.key not in asked}
            evaluation = Evaluation(
                found={**kept, **evaluation.found},
                limits={**last.limits, **evaluation.limits},
                broken={
                    **{key: error for key, error in last.broken.items() if key not in asked},
                    **evaluation.broken,
                },
            )
        # What the others found lives no longer than their poll: of a node that was down it is thousands.
        slow = {key: one for key, one in evaluation.found.items() if is_slow(one.rule)}
        self._last = replace(evaluation, found=slow)
        for key in asked:
            self._asked[key] = self._passed
        return evaluation

    def _is_due(self, rule: Rule, view: View) -> bool:
        if not is_slow(rule) or view.first or not view.fresh or view.pushes:
            self._states.pop(rule.key, None)
            return True
        state = _state(rule, view)
        anew, self._states[rule.key] = self._states.get(rule.key) != state, state
        return anew or self._passed - self._asked.get(rule.key, float("-inf")) >= self._every


def is_slow(rule: Rule) -> bool:
    return bool(rule.feeds) and rule.confirm is Confirm.NONE and all(feed.every >= HOUR for feed in rule.feeds)


def _state(rule: Rule, view: View) -> State:
    """Of the readings that it looks at: is any of them another than before?"""
    keys = {feed.key for feed in rule.feeds}
    return tuple(
        (key, node, reading.at, reading.fresh) for (key, node), reading in view.feeds.readings.items() if key in keys
    )
