"""ZFS pools: their health, and the errors that they count (25)."""

from collections.abc import Iterator

from bot.model import Finding, Severity, Subject
from bot.model.feeds import ZFS, ZPOOLS
from bot.model.readings import ZfsErrors
from bot.model.view import View
from bot.rules.guest.endings import unwell
from bot.rules.readings import of_other, page_of_node, per_node, sees_reading
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.text import Said, lines, say

ERRORS, ROSE = "zfs_errors/", "zfs_rose/"
"""Memory.figures, by node and pool: how many errors it counted when it was last read, and since when as many."""


def zfs(view: View, limits: Limits) -> Iterator[Finding]:
    for finding in (*pools(view), *errors(view)):
        if limits.of(finding.subject.key).on:
            yield finding


def pools(view: View) -> Iterator[Finding]:
    """One that is not ONLINE, and one that was there and is not."""
    for node, found in per_node(view, ZFS):
        if view.asleep(node):
            continue
        for pool in found:
            if pool.health.upper() != "ONLINE":
                said = say("ZFS pool {name} on {node} is {state}", name=pool.name, node=node, state=pool.health or "?")
                yield _pool(view, node, pool.name, said, _meaning(pool.health.upper()))
        was = view.before.nodes.get(node)
        for name in sorted(set(was.pools if was is not None else ()) - {pool.name for pool in found}):
            said = say("ZFS pool {name} on {node} is missing", name=name, node=node)
            yield _pool(view, node, name, said, say("it was there before; were its disks taken out?"))


def _pool(view: View, node: str, name: str, said: Said, detail: Said) -> Finding:
    return Finding(
        rule="zfs",
        subject=of_other(view, f"{node}/{name}", name, node),
        severity=Severity.CRITICAL,
        said=said,
        over=say("ZFS pool {name} on {node} is ONLINE again", name=name, node=node),
        details=(detail, say("zpool status -v {name}", name=name)),
        because=lines(said, say("well is: ONLINE")),
        cures=(page_of_node(view, node),),
    )


def _meaning(health: str) -> Said:
    match health:
        case "DEGRADED":
            return say("a disk of it has failed; it works on with what is left")
        case "FAULTED" | "UNAVAIL" | "SUSPENDED":
            return say("it cannot be used: too many of its disks are gone")
        case _:
            return say("it is not as it should be")


def errors(view: View) -> Iterator[Finding]:
    """Told once: again only if there are more, or some anew after they were cleared."""
    for node, found in per_node(view, ZPOOLS):
        for pool in found if not view.asleep(node) else ():
            known = _damaged(pool)
            if not counted(pool):
                continue
            yield Finding(
                rule="zfs",
                subject=of_other(view, f"{node}/{pool.name}", pool.name, node),
                severity=Severity.WARNING,
                said=say("ZFS pool {name} on {node} counts {n} errors", name=pool.name, node=node, n=pool.bad)
                if pool.bad > 0
                else say("ZFS pool {name} on {node} has damaged data", name=pool.name, node=node),
                details=(
                    *([say("{errors}", errors=pool.errors.strip())] if known else []),
                    say("zpool status -v {name}", name=pool.name),
                    say("once mended: zpool clear {name}", name=pool.name),
                ),
                because=say("{n} read, write and checksum errors; well is 0", n=pool.bad),
                cures=(page_of_node(view, node),),
                event=f"errors since {rose(view, node, pool):.0f}",
                slow=True,
            )


def _damaged(pool: ZfsErrors) -> bool:
    return pool.errors.strip().lower() not in {"", "no known data errors"}


def counted(pool: ZfsErrors) -> float:
    """How many there are; damaged data is worse than none that is."""
    return max(pool.bad, 0) + (0.5 if _damaged(pool) else 0)


def rose(view: View, node: str, pool: ZfsErrors) -> float:
    """When they last became more, epoch s: Memory.figures knows how many there were, and since when."""
    key, figures = f"{node}/{pool.name}", view.before.figures
    before = figures.get(f"{ERRORS}{key}", 0.0)
    now = view.at.timestamp()
    return now if counted(pool) > before else figures.get(f"{ROSE}{key}", now)


def ending(view: View, finding: Finding) -> Finding:
    """One that is missing is looked for during a week (memory.py): it is not ONLINE for that."""
    subject = finding.subject
    pools_ = view.feeds.fresh(ZFS, subject.node) or ()
    pool = next((one for one in pools_ if one.name == subject.name), None)
    if pool is not None and pool.health.upper() == "ONLINE":
        return finding
    if pool is not None:
        why = say("{state} still", state=pool.health or "?")
        return unwell(finding, say("{said}; it is watched no more", said=_of(subject, why)), why)
    why = say("missing still")
    return unwell(finding, say("{said}; it is looked for no more", said=_of(subject, why)), why)


def _of(subject: Subject, state: Said) -> Said:
    return say("ZFS pool {name} on {node} is {state}", name=subject.name, node=subject.node, state=state)


RULES: tuple[Rule, ...] = (
    Rule(
        number=25,
        key="zfs",
        kind=Kind.STATE,
        help="A ZFS pool is not ONLINE, or one that was there is missing; errors that it counts are told each time "
        "they are more.",
        severity=Severity.CRITICAL,
        limit=Limit(),
        find=zfs,
        sees=sees_reading(ZFS),
        feeds=(ZFS, ZPOOLS),
        ending=ending,
    ),
)
