"""Backup stores to which nothing has been saved for long: many guests that are overdue are one alert (30)."""

from collections.abc import Iterator

from bot.model import Finding, Severity
from bot.model.feeds import BACKUPS
from bot.model.view import View
from bot.rules.backup.coverage import Late, late_ones
from bot.rules.guest.endings import unwell
from bot.rules.readings import of_cluster, of_other, passed, sees_reading
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.subjects import guest_key, opens
from bot.text import lines, say


def find(view: View, limits: Limits) -> Iterator[Finding]:
    """Many at once: it speaks for them (inhibits.py), until none of them is overdue. Those that have missed a run, and
    will be overdue within hours, are counted: they go into one message, and not before it one by one."""
    if not limits.base.on:
        return
    stores: dict[str, list[Late]] = {}
    for late in late_ones(view, limits.of_other or limits):
        if late.age is not None:
            stores.setdefault(late.store, []).append(late)
    for store, all_ in stores.items():
        found = [late.finding for late in all_ if late.finding is not None]
        standing = [finding for finding in found if not finding.grey]
        sighted = sum(not late.hidden for late in all_)
        if not found and sighted == len(all_):
            continue
        oldest = max(late.age or 0.0 for late in all_)
        yield Finding(
            rule="store_overdue",
            subject=of_other(view, f"backups/{store}", store),
            severity=max((finding.severity for finding in found), default=Severity.WARNING),
            said=say("Backups to {name} are overdue", name=store),
            over=say("{name}: backups are made again", name=store),
            because=lines(
                say("{n} guests, more than {limit}", n=len(all_), limit=limits.base.count),
                say("the oldest backup is {age} old", age=passed(oldest)),
            ),
            cures=(opens(say("Storage"), "storage"),),
            grey=not standing or sighted <= limits.base.count,
            slow=True,
            affected=tuple(late.guest.name for late in all_),
            explains=tuple(guest_key(late.guest) for late in all_),
        )


def ending(view: View, finding: Finding) -> Finding:
    store, backups = finding.subject.name, of_cluster(view, BACKUPS)
    if any(job.enabled and (job.storage or job.id) == store for job in (backups.jobs if backups is not None else ())):
        return finding
    return unwell(finding, say("No backup job saves to {name} any more", name=store), say("in no backup job"))


RULES: tuple[Rule, ...] = (
    Rule(
        number=30,
        key="store_overdue",
        goes_by="backup_overdue",
        kind=Kind.STATE,
        help="More than `count` guests that are saved to the same storage are overdue, or will be soon: one alert."
        " What overdue is, backup_overdue's figures and exceptions say.",
        severity=Severity.WARNING,
        limit=Limit(count=5),
        find=find,
        sees=sees_reading(BACKUPS),
        ending=ending,
        feeds=(BACKUPS,),
        slow=True,
    ),
)
