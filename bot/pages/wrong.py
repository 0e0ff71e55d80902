"""The one list of what is wrong, the same on every screen: what a snapshot shows (problems.py), and what alerts say.

Where both know of the same, its alert decides how bad that is, and whether somebody has it: it knows what was ordered,
and what the settings say. What goes down with something else has the state of that: it is no louder, and comes after
it. What TELEMOX_MAY_SLEEP names, and is off, is asleep and not wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bot.model import Alert, Gap, Node, Severity, Snapshot, Storage, Unseen
from bot.pages.alerting.alertwords import known, short
from bot.pages.alerting.tallied import KNOWN
from bot.pages.problems import Problem, Rank, names, problems
from bot.screen import Open
from bot.text import Said, bold, say

CUT = ("cluster", "api_unreachable")
NOBODY: frozenset[str] = frozenset()

RULES: Mapping[Rank, frozenset[str]] = {
    Rank.NO_QUORUM: frozenset({"quorum_lost"}),
    Rank.NODE_OFFLINE: frozenset({"node_offline"}),
    Rank.HALTED: frozenset({"guest_io_error", "ha_error"}),
    Rank.STORAGE_FULL: frozenset({"storage_full", "storage_offline"}),
    Rank.SHOULD_RUN: frozenset({"guest_expected_down", "guest_stopped_by_itself"}),
    Rank.UNKNOWN: frozenset({"stats_frozen", "node_api_down"}),
    Rank.STORAGE_FILLING: frozenset({"storage_full"}),
    Rank.PAUSED: frozenset({"guest_paused"}),
    Rank.LOCKED: frozenset({"lock_stuck"}),
}
"""The alerts that say the same as a problem of that rank."""
ALERTED = {Severity.CRITICAL: Rank.CRITICAL, Severity.WARNING: Rank.WARNING, Severity.INFO: Rank.INFO}


def everything(snapshot: Snapshot, alerts: Sequence[Alert], sleeping: frozenset[str] = NOBODY) -> Sequence[Problem]:
    """Worst first, and last what somebody has acknowledged or silenced. `alerts`: of that cluster, what stands:
    open, pending, and what hangs on another; `sleeping`: what may be off."""
    found = problems(snapshot)
    if not alerts and not sleeping:
        return found
    found = tuple(problem for problem in found if not problem.off & sleeping)
    said = {alert.number for alert in alerts if unreached(snapshot) is not None and alert.finding.rule == CUT[1]}
    of = _finder(alerts)
    mine: list[tuple[Problem, Problem, Sequence[Alert]]] = []  # as the snapshot has it, as it is shown, its alerts
    for problem in found:
        own = of(problem)
        said.update(alert.number for alert in own)
        mine.append((problem, _alerted(problem, own), own))
    top = {alert.number: shown for _, shown, own in mine for alert in own}
    more = [_of_alert(alert) for alert in alerts if alert.open and not alert.parent and alert.number not in said]
    gone = {was.name: shown for was, shown, _ in mine if was.rank is Rank.NODE_OFFLINE}
    by_key = {alert.key: alert for alert in alerts}
    lines = [(one, False) for one in more]
    for was, shown, own in mine:
        above = _above(was, own, by_key, top, gone)
        lines.append((shown, False) if above is None else (_below(shown, above), True))
    lines.sort(key=lambda line: (line[0].known is not None, line[0].rank, line[1]))
    return [problem for problem, _ in lines]


def _finder(alerts: Sequence[Alert]) -> Callable[[Problem], Sequence[Alert]]:
    """Those that say the same as a problem: of what was told and of what is yet to be, the former."""
    named: dict[tuple[str, str], list[Alert]] = {}
    for alert in alerts:
        for name in _named(alert):
            named.setdefault(name, []).append(alert)

    def find(problem: Problem) -> Sequence[Alert]:
        own = [alert for key in _keys(problem) for rule in RULES[problem.rank] for alert in named.get((key, rule), ())]
        return [alert for alert in own if alert.open] or own

    return find


def _alerted(problem: Problem, own: Sequence[Alert]) -> Problem:
    """As bad as its alerts say; where they say another thing than the snapshot does, in their words."""
    if not own:
        return problem
    worst = max(own, key=lambda alert: alert.finding.severity)
    who = known(own[0]) if all(map(known, own)) else None
    severity = worst.finding.severity
    if problem.rank.emoji == severity.emoji and not problem.off:
        return replace(problem, known=who)
    rank = problem.rank if problem.rank.emoji == severity.emoji else ALERTED[severity]
    there = None if severity is Severity.INFO else problem.there  # of what is off in order that is no news
    return replace(problem, rank=rank, said=short(worst.finding.said), there=there, known=who)


def _above(
    problem: Problem,
    own: Sequence[Alert],
    by_key: Mapping[str, Alert],
    top: Mapping[int, Problem],
    gone: Mapping[str, Problem],
) -> Problem | None:
    """What it goes down with, as shown: as its alerts say or, where nothing was told of it, its node that is gone."""
    told = [alert for alert in own if alert.open]
    if not told:
        return gone.get(problem.node)
    if not all(alert.parent for alert in told):
        return None
    alert = told[0]
    seen = {alert.key}
    while (parent := by_key.get(alert.parent)) is not None and parent.key not in seen:
        alert = parent
        seen.add(alert.key)
    if alert is told[0]:
        return None
    return top.get(alert.number) or _of_alert(alert)


def _below(problem: Problem, above: Problem) -> Problem:
    return replace(problem, rank=max(problem.rank, above.rank), known=problem.known or above.known)


def mark(wrong: Sequence[Problem]) -> str:
    """The emoji for all of them, as `everything` has them in order; that of `tally` for the same alerts."""
    return "🟢" if not wrong else wrong[0].rank.emoji if wrong[0].known is None else KNOWN


def unreached(snapshot: Snapshot) -> Unseen | None:
    """Why a cluster is not reached, where it is not."""
    return next((gap for gap in snapshot.unseen if gap.gap is Gap.UNREACHABLE), None)


def counted(snapshot: Snapshot, alerts: Sequence[Alert], sleeping: frozenset[str] = NOBODY) -> int:
    """As many as there are lines: that a cluster is not reached is one of them."""
    return len(everything(snapshot, alerts, sleeping)) + (unreached(snapshot) is not None)


def _keys(problem: Problem) -> tuple[str, ...]:
    if problem.vmid is not None:
        return (f"guest {problem.vmid}",)
    if problem.rank is Rank.NO_QUORUM:
        return ("cluster",)
    return (f"node {problem.name}", f"storage {problem.name}")


def _named(alert: Alert) -> set[tuple[str, str]]:
    subject, rule = alert.finding.subject, alert.finding.rule
    about = subject.about.value
    return (
        {("cluster", rule)}
        if about == "cluster"
        else {(f"{about} {name}", rule) for name in (subject.id, subject.name)}
    )


def _of_alert(alert: Alert) -> Problem:
    subject = alert.finding.subject
    said = short(alert.finding.said)
    name = subject.name or subject.id or subject.cluster
    opens = Open("alert", str(alert.number))
    rank = ALERTED[alert.finding.severity]
    return Problem(rank=rank, said=said, word=said, name=name, opens=opens, known=known(alert))


# -- what is off -----------------------------------------------------------------------------------------------------


def asleep(thing: Node | Storage, sleeping: frozenset[str]) -> bool:
    """Is it off, as it may be?"""
    if isinstance(thing, Node):
        return thing.online is False and thing.name in sleeping
    return thing.available is False and bool(names(thing) & sleeping)


def away(snapshot: Snapshot, node: Node, alerts: Sequence[Alert], sleeping: frozenset[str]) -> Said | None:
    """A node that is not there, in the line that is the same on every screen; None of any other."""
    if node.online is not False:
        return None
    if asleep(node, sleeping):
        return say("🌙 {name} is asleep", name=bold(node.name))
    opens = Open("node", f"{snapshot.cluster}/{node.name}")
    return next((one.short for one in everything(snapshot, alerts, sleeping) if one.off and one.opens == opens), None)
