"""One tick of one cluster, pure: what the rules find (evaluate.py), and then inhibit · step · silence.

doubts(…)   what has to be looked up before it fires ▶ (Confirm, finding)
tick(…)     what became of every alert               ▶ Ticked: alerts, news, what to write down
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot import life
from bot.model import About, Alert, Finding, News, NewsKind, Phase, Silence
from bot.model.view import View
from bot.rules import Confirm, Limit, Rule
from bot.watch.evaluate import Evaluation, Found
from bot.watch.firm import firm
from bot.watch.gone import ended_gone, ended_unwatched, vanished
from bot.watch.inhibit import Inhibits, Parents, Tie, ended_with, released, tied, withheld
from bot.watch.silence import covering, voice
from bot.watch.steps import at_once

GROUP_WAIT = 30.0
"""Seconds that what hung on something else is given to come back with it."""
SETTLED = 300.0
"""Seconds: a rule with a longer hold says nothing yet in the summary after a start; its hold has just begun."""
LISTED = timedelta(days=7)
"""A task list reaches back no longer: an event that is found still, stands, and is not to be forgotten as told."""
PIECE = 100
"""Alerts after which somebody else may be answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What does not change from tick to tick."""

    rules: Mapping[str, Rule]  # by key
    inhibits: Inhibits
    parents: Mapping[str, int]  # rules that can inhibit: their ranks
    scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    alerts: Mapping[int, Alert]  # all of the cluster, as they are now
    changed: Sequence[Alert]
    gone: Sequence[int]  # pending ones that came to nothing
    news: Sequence[News]
    events: Mapping[str, datetime]  # keys of events dealt with by this tick


def by_key(alerts: Iterable[Alert]) -> dict[str, Alert]:
    """The latest of each key: of an older one only its end is still to be shown."""
    latest: dict[str, Alert] = {}
    for alert in alerts:
        key = alert.key
        other = latest.get(key)
        if other is None or other.number < alert.number:
            latest[key] = alert
    return latest


def doubts(
    alerts: Iterable[Alert], evaluation: Evaluation, view: View, silences: Sequence[Silence] = ()
) -> tuple[list[Found], frozenset[str]]:
    """What would fire now, of rules that want it looked up first; and the keys of what stands and is silenced, which
    is looked up, and gets worse, once it is not."""
    wanted = [(key, one) for key, one in evaluation.found.items() if one.rule.confirm is not Confirm.NONE]
    if not wanted:
        return [], frozenset()
    latest = by_key(alerts)
    found = {
        key: one
        for key, one in wanted
        if not (one.finding.event and key in view.before.events)
        and (view.first or life.ripe(latest.get(key), one.finding, one.limit, one.rule, view.step, view.poll))
    }
    hushed = {key for key in found if (alert := latest.get(key)) is not None and alert.open} if silences else set()
    hushed = {key for key in hushed if covering(silences, latest[key], view.at)}
    return [one for key, one in found.items() if key not in hushed], frozenset(hushed)


def tick(
    alerts: Mapping[int, Alert],
    evaluation: Evaluation,
    view: View,
    silences: Sequence[Silence],
    setting: Setting,
    number: Callable[[], int],
    unconfirmed: frozenset[str] = frozenset(),
) -> Ticked:
    """All of it at once; see `ticking`."""
    return at_once(ticking(alerts, evaluation, view, silences, setting, number, unconfirmed))


def ticking(
    alerts: Mapping[int, Alert],
    evaluation: Evaluation,
    view: View,
    silences: Sequence[Silence],
    setting: Setting,
    number: Callable[[], int],
    unconfirmed: frozenset[str] = frozenset(),
) -> Generator[None, None, Ticked]:
    """`alerts` are all of this cluster. `unconfirmed`: keys of what could not be looked up, and may not fire yet.

    Step by step: the guests of a node that comes back are thousands of alerts, and somebody may wait for an answer.
    """
    latest = by_key(alerts.values())
    stepped: dict[int, Alert] = dict(alerts)
    told: dict[int, News] = {}
    gone: list[int] = []
    events: dict[str, datetime] = {}
    empty = not view.before.guests and not view.before.nodes  # the first poll ever: what happened before is no news
    pushed = tuple(f":{push.id}" for push in view.pushes)  # but for what was pushed since the start
    parents = Parents(setting.inhibits, setting.parents, view.at, GROUP_WAIT * setting.scale)
    for count, key in enumerate(_in_order(latest, evaluation.found, parents)):
        if count % PIECE == 0:
            yield
        alert, one = latest.get(key), evaluation.found.get(key)
        if alert is not None and alert.phase is Phase.OVER and (one is None or one.finding.event):
            parents.add(alert)
            if one is not None and one.finding.renews is not None and one.finding != alert.finding:
                told[alert.number] = News(kind=NewsKind.CHANGED, alert=_renewed(alert, one.finding))
                stepped[alert.number] = told[alert.number].alert
            continue
        if one is not None and one.finding.event and alert is None:
            if (known := view.before.events.get(key)) is not None:
                if view.at - known > LISTED:
                    events[key] = view.at
                continue
            if view.first and empty and not key.endswith(pushed):
                if one.finding.renews is None:  # if it happens once more, it is told
                    events[key] = view.at
                continue
        finding = one.finding if one is not None else alert.finding if alert is not None else None
        parent = parents.of(finding, alert) if finding is not None else None
        tie = tied(parent, finding, first=view.first) if finding is not None else Tie.NONE
        if alert is not None and tie is Tie.WAITS:
            alert = released(alert, parent, one.limit if one is not None else Limit())
        may_fire = key not in unconfirmed and tie is not Tie.WAITS
        new, news = _step(alert, one, evaluation, view, setting, number, may_fire)
        if new is None and alert is not None and (past := ended_with(alert, view.at)) is not None:
            new, news = past, News(kind=NewsKind.BACK, alert=past)
        if new is None:
            if alert is not None:
                del stepped[alert.number]
                gone.append(alert.number)
            continue
        if new.phase is Phase.OVER and (one is None or not one.limit.on):
            new = _ended_as(new, view, setting, evaluation)
        if new.phase is not Phase.OVER or news is not None:
            above = withheld(new, parent, tie)
            new = replace(new, parent=above) if new.parent != above else new
        parents.add(new)
        stepped[new.number] = new
        if news is not None:
            told[new.number] = news
        if new.finding.event and new.phase is Phase.OVER:
            events[key] = view.at
    yield
    said = list(speak(alerts, stepped, told, silences, view.at))
    changed = [alert for alert in stepped.values() if alerts.get(alert.number) is not alert]
    return Ticked(alerts=stepped, changed=changed, gone=gone, news=said, events=events)


def _ended_as(alert: Alert, view: View, setting: Setting, evaluation: Evaluation) -> Alert:
    """It is over: what it says then."""
    finding = alert.finding
    if vanished(view, finding.subject):
        return ended_gone(alert)
    rule, limits = setting.rules.get(finding.rule), evaluation.limits.get(finding.rule)
    asks = rule is not None and rule.ending is not None and finding.subject.about is About.GUEST  # what its guest is
    if limits is not None and not limits.about(finding.subject).on and not asks:
        return ended_unwatched(alert)
    if rule is None or rule.ending is None:
        return alert
    try:
        return replace(alert, finding=rule.ending(view, alert.finding))
    except Exception:  # noqa: BLE001 - a fault of ours: it is over all the same
        return alert


def _renewed(alert: Alert, finding: Finding) -> Alert:
    """An event that happened once more: the same message, with other words."""
    return replace(alert, finding=finding, headline=finding.said)


def _in_order(latest: Mapping[str, Alert], found: Mapping[str, Found], parents: Parents) -> list[str]:
    """What can be a parent comes before its children."""
    keys = {**dict.fromkeys(latest), **dict.fromkeys(found)}
    return sorted(keys, key=lambda key: parents.rank(key.partition(":")[0]))


def _step(
    alert: Alert | None,
    one: Found | None,
    evaluation: Evaluation,
    view: View,
    setting: Setting,
    number: Callable[[], int],
    confirmed: bool,
) -> tuple[Alert | None, News | None]:
    if one is not None:
        rule, limit, finding = one.rule, one.limit, firm(alert, one.finding, view)
        settled = finding.event or rule.limit.hold <= SETTLED
        stands = limit.on and not (finding.grey or finding.young) and finding.last is None
        if alert is None and view.first and settled and stands and confirmed:
            return life.opened(finding, limit, rule, view.at, number())
    else:
        assert alert is not None  # noqa: S101 - one of the two is there
        known = setting.rules.get(alert.finding.rule)
        if known is None:  # of a version that had that rule: nothing will ever find, or end, it again
            over = replace(alert, phase=Phase.OVER, over=view.at)
            return over, News(kind=NewsKind.RESOLVED if alert.told else NewsKind.BACK, alert=over)
        rule, finding = known, None
        limit = (
            evaluation.limits[rule.key].about(alert.finding.subject) if rule.key in evaluation.limits else rule.limit
        )
    return life.step(
        alert,
        finding,
        seen=finding is not None or _sees(rule, view, alert, evaluation),
        limit=limit,
        rule=rule,
        step=view.step,
        poll=view.poll,
        now=view.at,
        number=number,
        scale=setting.scale,
        confirmed=confirmed,
    )


def _sees(rule: Rule, view: View, alert: Alert | None, evaluation: Evaluation) -> bool:
    if alert is None or rule.key in evaluation.broken:
        return False
    try:
        return rule.sees(view, alert.finding.subject)
    except Exception:  # noqa: BLE001 - a fault of ours: what was not seen holds its state
        return False


def speak(
    before: Mapping[int, Alert],
    stepped: dict[int, Alert],
    told: Mapping[int, News],
    silences: Sequence[Silence],
    now: datetime,
) -> Iterator[News]:
    """The news that nothing withholds; `stepped` is brought to what was said of it. Parents are told anew of what
    hangs on them."""
    touched: set[str] = set()
    kinds: dict[int, NewsKind] = {}
    for number, alert in list(stepped.items()):
        was = before.get(number)
        if alert.phase is not Phase.OVER or number in told:
            covered = covering(silences, alert, now) if silences else 0
            if covered != alert.silenced:
                alert = replace(alert, silenced=covered)
            alert, kind = voice(was, alert, told.get(number), now)
            if was is not None and kind is None and (was.silenced, was.parent) != (alert.silenced, alert.parent):
                kind = NewsKind.CHANGED
            stepped[number] = alert
            if kind is not None:
                kinds[number] = kind
        if was is not alert and (alert.parent or (was is not None and was.parent)):
            touched |= {alert.parent, was.parent if was is not None else ""}
    for number, alert in stepped.items():
        if touched and alert.phase is Phase.FIRING and number not in kinds and alert.key in touched:
            kinds[number] = NewsKind.CHANGED
    for number in sorted(kinds, key=lambda one: (-stepped[one].severity, one)):
        yield News(kind=kinds[number], alert=stepped[number])
