"""Which rules cannot see, and the lines that mend it: a rule that sees nothing never says so by silence."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bot.model import Blind, Version
from bot.model.feeds import BACKUPS, Feed, Feeds
from bot.privileges import asked
from bot.pveum import VIEW_ROLE, cure, grant
from bot.rules import Confirm, Rule
from bot.text import Said, say
from bot.watch.rights import needed

OF_TASKS = frozenset({"task_failed", "task_stuck", "guest_event", "restart_loop"})
"""Rules that look at the task list besides those that look a cause up."""
SHOWN = 3  # nodes that are named


def blind(
    rules: Iterable[Rule],
    feeds: Feeds,
    tasks_visible: bool,
    *,
    cluster: str,
    token: str = "",
    version: Version | None = None,
    on: Callable[[Rule], bool] = lambda rule: rule.limit.on,
) -> tuple[Blind, ...]:
    """One for each rule that is `on` and has a feed that the token may not read; in the order of the rules.

    `token`: the view token, user@realm!name, for the lines that mend it.
    """
    found: list[Blind] = []
    for rule in rules:
        if not on(rule):
            continue
        shut = next((pair for feed in rule.feeds if (pair := _shut(feed, feeds)) is not None), None)
        if shut is not None:
            said, mend = _feed(*shut, token, version)
            found.append(Blind(rule=rule.key, cluster=cluster, said=said, mend=mend))
        elif rule.key == "backup_overdue" and (jobs := _unread(feeds)):
            said = say("Age of backups unknown: the schedule of {jobs} is not understood.", jobs=", ".join(jobs))
            found.append(Blind(rule=rule.key, cluster=cluster, said=said))
        elif not tasks_visible and (rule.confirm is Confirm.GUEST_TASKS or rule.key in OF_TASKS):
            found.append(
                Blind(
                    rule=rule.key,
                    cluster=cluster,
                    said=say("Causes unknown: the token may not see tasks (Sys.Audit on /)."),
                    mend=cure("/", token, "Sys.Audit") if token else (),
                )
            )
    return tuple(found)


def _unread(feeds: Feeds) -> list[str]:
    """Ids of backup jobs that run, nobody knows how often."""
    backups = feeds.fresh(BACKUPS)
    return [job.id for job in (backups.jobs if backups is not None else ()) if job.enabled and not job.interval]


def broken(rules: Mapping[str, Exception], cluster: str) -> tuple[Blind, ...]:
    """One for each rule that fails, by a fault of ours."""
    return tuple(
        Blind(
            rule=rule,
            cluster=cluster,
            said=say(
                "{rule} sees nothing: it fails ({error}), a fault of mine. The log has more.",
                rule=rule,
                error=type(error).__name__,
            ),
        )
        for rule, error in rules.items()
    )


def _shut(feed: Feed[Any], feeds: Feeds) -> tuple[Feed[Any], Sequence[str], bool] | None:
    """The nodes for which it is forbidden, and whether that is all of them; None where it is for none."""
    tried = {node: reading for (key, node), reading in feeds.readings.items() if key == feed.key}
    nodes = sorted(node for node, reading in tried.items() if reading.forbidden)
    return (feed, nodes, len(nodes) == len(tried)) if nodes else None


def _feed(
    feed: Feed[Any], nodes: Sequence[str], everywhere: bool, token: str, version: Version | None
) -> tuple[Said, tuple[str, ...]]:
    node = nodes[0] if feed.per_node else ""
    privilege, path = needed(feed, node, version)
    if feed.per_node and everywhere and "{node}" in feed.path:
        path = "/nodes"
    what = f"{feed.what[:1].upper()}{feed.what[1:]}"
    if not feed.per_node or everywhere:
        if not privilege:
            return say("{what} unknown: Proxmox VE refuses it to the token.", what=what), ()
        said = say("{what} unknown: the token lacks {privilege} on {path}.", what=what, privilege=privilege, path=path)
    else:
        names = ", ".join(nodes[:SHOWN]) + (" …" if len(nodes) > SHOWN else "")
        said = say(
            "{what} unknown on {nodes}: the token lacks {privilege}.", what=what, nodes=names, privilege=privilege
        )
    return said, _mend(path, token, privilege) if token and privilege else ()


def _mend(path: str, token: str, privilege: str) -> tuple[str, ...]:
    """A privilege that the role has only on request is put into it first."""
    if not asked(privilege):
        return cure(path, token, privilege)
    return (f"pveum role modify {VIEW_ROLE} --append 1 --privs {privilege}", *grant(path, token, VIEW_ROLE))
