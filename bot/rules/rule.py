"""What a rule is: a row of `RULES`, and one pure function.

    def find(view: View, limits: Limits) -> Iterator[Finding]      every subject that is wrong, or grey, now
    def sees(view: View, subject: Subject) -> bool                 could this poll tell that `subject` is well?

`find` reads nothing but the view, and keeps nothing. What it does not find although `sees` says that it would have is
well; what could not be seen holds its state. An event rule gives each event once it knows of it, as often as it likes:
life.py tells it once, by `Finding.event`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from bot.model import About, Finding, Severity, Subject

if TYPE_CHECKING:  # not needed before the first poll, and a start does not wait for it
    from bot.model.feeds import Feed
    from bot.model.view import View


class Kind(Enum):
    STATE = "state"  # lasts: fires after its hold, is over after its clear
    EVENT = "event"  # happened: told once


class Confirm(Enum):
    """What watch.py looks up before an alert of this rule fires; `find` is asked anew with what it brought."""

    NONE = "none"
    GUEST_TASKS = "guest tasks"  # GET /nodes/{node}/tasks?vmid=&since=&source=all -> View.tasks, View.looked_up
    QUORUM = "quorum"  # another host's GET /cluster/status -> View.second_opinion
    STORAGE = "storage"  # GET /nodes/{node}/storage -> feeds.STORAGES of that node


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The figures of one rule for one subject. Shares are 0..1; what a figure is of, the rule's row says.

    Each is a setting: TELEMOX_ALERTS__<RULE>__<FIELD>. None: this rule has no such figure (or none by default).
    """

    on: bool = True
    severity: Severity | None = None  # the most this rule may say; None: as the rule decides
    warning: float | None = None  # fires a warning from here on
    warning_clear: float | None = None  # below fire: between the two an alert stays as it is
    critical: float | None = None
    critical_clear: float | None = None
    hold: float = 0.0  # s found before it fires
    clear: float = 0.0  # s not found before it is over
    polls: int = 0  # and at least so many polls, for either
    count: int = 0  # of things, where the rule counts
    within: float = 0.0  # s, in which they count
    more: Mapping[str, float] = field(default_factory=dict)  # by name; those that end in _seconds are times


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one rule at one poll: resolved once, exceptions by Subject.key in a small dict."""

    base: Limit
    exceptions: Mapping[str, Limit] = field(default_factory=dict)
    of_other: Limits | None = None  # of the rule that it goes by

    def of(self, subject_key: str) -> Limit:
        return self.exceptions.get(subject_key, self.base) if self.exceptions else self.base

    def about(self, subject: Subject) -> Limit:
        """Its own, else that of the guest it belongs to, else of the node it is on; of several the one that says
        most."""
        if not self.exceptions:
            return self.base
        if subject.parts and subject.key not in self.exceptions:
            return max((self.about(part) for part in subject.each), key=_says)
        keys = [subject.key, subject.of]
        if subject.about is About.OTHER and subject.node:
            keys.append(f"{subject.cluster}/{About.NODE.value}/{subject.node}")
        return next((found for key in keys if (found := self.exceptions.get(key)) is not None), self.base)


def _says(limit: Limit) -> tuple[bool, Severity, float]:
    return limit.on, limit.severity or Severity.CRITICAL, -limit.hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of `RULES`. The columns without a default are those that nobody may forget."""

    number: int  # of the catalogue, for /why and the docs
    key: str  # stands in stored alerts, settings, silences: never rename
    kind: Kind
    help: str  # one line, for docs/alerts.md, /why and the settings: what it watches, the figures' units
    severity: Severity  # the usual one
    limit: Limit  # defaults
    find: Callable[[View, Limits], Iterable[Any]]  # of Finding
    sees: Callable[[View, Subject], bool]
    feeds: tuple[Feed[Any], ...] = ()  # without these it is blind: said once in /alerts
    confirm: Confirm = Confirm.NONE
    slow: bool = False  # Finding.slow of all it finds
    goes_by: str = ""  # key of a rule whose figures and exceptions decide what it counts: Limits.of_other
    ages: frozenset[str] = frozenset()  # figures that are the age of a thing, no wait: TIME_SCALE leaves them
    ending: Callable[[View, Finding], Finding] | None = (
        None  # as an alert ends that was found no more: what it says then
    )
