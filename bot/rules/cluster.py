"""The cluster as a whole: is it reached, and has it a quorum?

1 api_unreachable · 2 quorum_lost
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from bot.model import Finding, Severity
from bot.model.view import Cut, View
from bot.rules.grades import more
from bot.rules.guest.causes import Cause
from bot.rules.node.orders import of_node
from bot.rules.node.presence import GRACE, ORDERED
from bot.rules.rule import Confirm, Kind, Limit, Limits, Rule
from bot.rules.sight import (
    seen,
    sees_always,
    sees_quorum,
)
from bot.rules.subjects import (
    cluster_subject,
    opens,
)
from bot.text import Moment, Said, clock, say, say_n

# -- 1 api_unreachable ---------------------------------------------------------------------------------------------

_CUTS: Mapping[Cut, Said] = {
    Cut.NETWORK: say("no host of it answers"),
    Cut.CLOSED: say("its hosts are up, pveproxy is not"),
    Cut.TRUST: say("its hosts show a certificate that is not trusted"),
    Cut.PIN: say("another certificate than the pinned one"),
    Cut.REFUSED: say("401: the view token is refused"),
    Cut.FORBIDDEN: say("403: the view token may not read it"),
    Cut.GARBLED: say("its answers cannot be understood"),
}


def api_unreachable(view: View, limits: Limits) -> Iterator[Finding]:
    subject = cluster_subject(view)
    limit = limits.of(subject.key)
    if view.fresh or view.failed < 1 or not limit.on:
        return
    since = view.cut_since or view.at
    gone = (view.at - since).total_seconds()
    ordered = _ordered_cut(view, limit)
    ways = _ways(view)
    upkeep = bool(ways) and ways <= view.maintenance  # all of it: its return is not awaited
    explained = ordered is not None and (upkeep or gone < more(limit, "grace_seconds", GRACE))
    quiet = explained or view.deaf > 0
    details: list[Said] = (
        []
        if view.cut in {Cut.CLOSED, Cut.TRUST} and view.trouble is not None
        else [_CUTS.get(view.cut or Cut.NETWORK, _CUTS[Cut.NETWORK])]
    )
    if view.trouble is not None:
        details.append(view.trouble)
    if ordered is not None and ordered.at is not None:
        said = say("a shutdown was ordered {at}", at=clock(ordered.at))
        details.append(said if ordered.ordered else say("a node of it is under {maintenance}", maintenance=ordered.by))
    yield Finding(
        rule="api_unreachable",
        subject=subject,
        severity=Severity.INFO if quiet else Severity.CRITICAL,
        said=say("{name} is not reached", name=view.name),
        over=say("{name} was cut off {start}-{end}", name=view.name, start=_hour(since), end=_hour(view.at))
        if quiet
        else say("{name} is reached again", name=view.name),
        details=tuple(details),
        because=say_n(
            view.failed,
            one="1 poll could not be read, since {at}",
            many="{n} polls in a row could not be read, since {at}",
            at=clock(since),
        ),
        timed=quiet,
        quiet=quiet,
        since=view.cut_since,
    )


def _ordered_cut(view: View, limit: Limit) -> Cause | None:
    """An order before it went silent to every node through which it was read until then: the newest of them. What was
    ordered of one of several explains nothing about the others."""
    since = view.cut_since or view.at
    within = timedelta(seconds=more(limit, "ordered_seconds", ORDERED))
    causes = [of_node(view, name, since, within) for name in _ways(view)]
    known = [cause for cause in causes if cause is not None]
    return max(known, key=lambda one: (one.ordered, one.at or since)) if known and len(known) == len(causes) else None


def _ways(view: View) -> set[str]:
    """Nodes that were online when it was last read, and through which it was: those of its hosts. All of them, where
    it cannot be told of a host which node it is."""
    snapshot, before = view.snapshot, view.before.nodes
    nodes = snapshot.by_node if snapshot is not None else {}
    ips = {node.ip: node.name for node in nodes.values() if node.ip}
    names = {name.lower(): name for name in (nodes or before)}
    ways = {ips.get(host) or names.get(host.partition(".")[0].lower()) for host in view.hosts}
    found = set(names.values()) if None in ways or not ways else {name for name in ways if name is not None}
    return {name for name in found if name not in before or before[name].online is not False}


def _hour(at: datetime) -> Moment:
    return Moment(at, "%H:%M")


# -- 2 quorum_lost -------------------------------------------------------------------------------------------------


def quorum_lost(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    subject = cluster_subject(view)
    if snapshot is None or snapshot.quorate is not False or not limits.of(subject.key).on:
        return
    here = [node.name for node in snapshot.nodes if node.online]
    away = [node.name for node in snapshot.nodes if not node.online]
    because = say(
        "quorate is 0, as a host of it says; {n} of {of} nodes are online", n=len(here), of=len(snapshot.nodes)
    )
    if view.second_opinion:
        yield Finding(
            rule="quorum_lost",
            subject=subject,
            severity=Severity.WARNING,
            said=say_n(
                len(away),
                one="{names} is cut off from the other node",
                many="{names} is cut off from the other {n}",
                names=", ".join(here[:3]) or view.name,
            ),
            over=say("{name} is whole again", name=view.name),
            details=(say("the others have their quorum"),),
            because=because,
            cures=(opens(say("Nodes"), "nodes"),),
        )
        return
    yield Finding(
        rule="quorum_lost",
        subject=subject,
        severity=Severity.CRITICAL,
        said=say("{name} has lost its quorum", name=view.name),
        over=say("{name} has its quorum again", name=view.name),
        details=(
            say("{n} of {of} nodes see each other", n=len(here), of=len(snapshot.nodes))
            if away
            else say("its nodes are up, their votes too few"),
            say("what runs goes on; nothing can be started or changed"),
        ),
        because=because,
        cures=(opens(say("Nodes"), "nodes"),),
        affected=tuple(away),
    )


RULES: tuple[Rule, ...] = (
    Rule(
        number=1,
        key="api_unreachable",
        kind=Kind.STATE,
        help="No host of the cluster can be read. Quiet for grace_seconds where every node that it was read through had"
        " been ordered down.",
        severity=Severity.CRITICAL,
        limit=Limit(polls=3, more={"ordered_seconds": ORDERED, "grace_seconds": GRACE}),
        find=api_unreachable,
        sees=sees_always,
    ),
    Rule(
        number=2,
        key="quorum_lost",
        kind=Kind.STATE,
        help="The cluster has no quorum; another host is asked first.",
        severity=Severity.CRITICAL,
        limit=Limit(hold=30, clear=30),
        find=quorum_lost,
        sees=sees_quorum,
        confirm=Confirm.QUORUM,
    ),
)
