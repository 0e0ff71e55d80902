"""What is to be looked after: snapshots (34), updates (36), services (37)."""

from collections.abc import Iterator

from bot.model import Finding, Severity
from bot.model.feeds import DAY, MINUTE, PACKAGES, SERVICES, SNAPSHOTS
from bot.model.readings import GuestSnapshots, Packages
from bot.model.view import Push, View
from bot.rules.guest.endings import unlisted, unwell
from bot.rules.readings import (
    guest_named,
    listed,
    name_of,
    of_cluster,
    of_node,
    of_other,
    page_of_node,
    passed,
    per_node,
    sees_nothing,
    sees_reading,
    weekly,
)
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.sight import seen
from bot.rules.subjects import cluster_subject, guest_key
from bot.text import Said, code, say, say_n

UNITS = frozenset({"pveproxy", "pvedaemon", "pvestatd", "pvescheduler", "pve-cluster", "pve-ha-crm", "pve-ha-lrm",
                   "qmeventd", "corosync"})  # fmt: skip

# -- 34 ------------------------------------------------------------------------------------------------------------


def snapshots(view: View, limits: Limits) -> Iterator[Finding]:
    """Once a week, all of them in one line; those that came since in one of their own."""
    found: dict[int, Said] = {}
    for one in of_cluster(view, SNAPSHOTS) or ():
        guest = guest_named(view, one.vmid)
        limit = limits.of(guest_key(guest)) if guest is not None else limits.base
        age = (view.at - one.oldest).total_seconds() if one.oldest is not None else 0.0
        if limit.on and (one.count > limit.count or age > limit.within):
            found[one.vmid] = _snapshots(name_of(view, one.vmid), one, age)
    news = weekly(view, "snapshot_old", found)
    if n := len(news.vmids):
        yield Finding(
            rule="snapshot_old",
            subject=cluster_subject(view),
            severity=Severity.INFO,
            said=say_n(n, one="{n} more guest has old snapshots", many="{n} more guests have old snapshots")
            if news.more
            else say_n(n, one="{n} guest has old snapshots", many="{n} guests have old snapshots"),
            details=listed([found[vmid] for vmid in news.vmids]),
            because=say("more than {n}, or older than {age}", n=limits.base.count, age=passed(limits.base.within)),
            event=news.event,
            affected=tuple(name_of(view, vmid) for vmid in news.vmids),
        )


def _snapshots(name: str, one: GuestSnapshots, age: float) -> Said:
    if one.oldest is None:
        return say("{name}: {n} snapshots", name=name, n=one.count)
    return say_n(
        one.count,
        one="{name}: {oldest}, {age} old",
        many="{name}: {n}, the oldest, {oldest}, is {age} old",
        name=name,
        oldest=one.oldest_name,
        age=passed(age),
    )


# -- 36 ------------------------------------------------------------------------------------------------------------


def updates(view: View, limits: Limits) -> Iterator[Finding]:
    """One line a node and day; what a node pushes has the full list, and is that day's line."""
    if seen(view) is None:
        return
    pushed = {push.host: push for push in view.pushes if push.kind == "package-updates" and push.host}
    known = dict(per_node(view, PACKAGES))
    for node in sorted({*known, *pushed}):
        found, push = known.get(node, Packages(outdated=0)), pushed.get(node)
        if not (found.outdated or found.reboot_pending or push) or not limits.of(of_node(view, node).key).on:
            continue
        yield Finding(
            rule="updates",
            subject=of_node(view, node),
            severity=Severity.INFO,
            said=_updates(node, found),
            details=_packages(found, push),
            because=say("told once a day"),
            event=f"{view.at:%Y-%m-%d}",
        )


def _updates(node: str, found: Packages) -> Said:
    if found.reboot_pending and found.outdated:
        return say_n(
            found.outdated,
            one="{node}: {n} update, reboot pending",
            many="{node}: {n} updates, reboot pending",
            node=node,
        )
    if found.reboot_pending:
        return say("{node}: reboot pending", node=node)
    if found.outdated:
        return say_n(found.outdated, one="{node}: {n} update", many="{node}: {n} updates", node=node)
    return say("{node}: updates are there", node=node)


def _packages(found: Packages, push: Push | None) -> tuple[Said, ...]:
    kernel = say("runs {old}, {new} is installed", old=found.kernel_running, new=found.kernel_installed)
    pushed = [line for line in push.message.splitlines() if line.strip()] if push is not None else []
    return (
        *([kernel] if found.reboot_pending else []),
        *listed([say("{line}", line=line.strip()) for line in pushed or found.important]),
    )


# -- 37 ------------------------------------------------------------------------------------------------------------


def services(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    if snapshot is None:
        return
    for node, found in per_node(view, SERVICES):
        for one in found:
            if one.name not in UNITS or not one.enabled or one.running:
                continue
            if one.name == "corosync" and snapshot.standalone:
                continue
            yield Finding(
                rule="service_down",
                subject=of_other(view, f"{node}/{one.name}", one.name, node),
                severity=Severity.WARNING,
                said=say("{name} on {node} does not run", name=one.name, node=node),
                over=say("{name} on {node} runs again", name=one.name, node=node),
                details=(
                    *([say("its state: {state}", state=one.state)] if one.state else []),
                    say("on the node: {command}", command=code(say("systemctl status {name}", name=one.name))),
                ),
                because=say("the unit is enabled, and is not running"),
                cures=(page_of_node(view, node),),
            )


def _ending(view: View, finding: Finding) -> Finding:
    """One that somebody switched off does not run for that."""
    subject = finding.subject
    found = view.feeds.fresh(SERVICES, subject.node) or ()
    one = next((one for one in found if one.name == subject.name), None)
    if one is None:
        return unlisted(finding)
    if one.running:
        return finding
    why = say("disabled") if not one.enabled else say("not needed")
    return unwell(finding, say("{name} on {node} is {why}", name=one.name, node=subject.node, why=why), why)


RULES: tuple[Rule, ...] = (
    Rule(
        number=34,
        key="snapshot_old",
        kind=Kind.EVENT,
        help="A guest has a snapshot older than `within`, or more than `count` of them; once a week, those that"
        " came since once meanwhile.",
        severity=Severity.INFO,
        limit=Limit(count=10, within=30 * DAY),
        ages=frozenset({"within"}),
        find=snapshots,
        sees=sees_nothing,
        feeds=(SNAPSHOTS,),
    ),
    Rule(
        number=36,
        key="updates",
        kind=Kind.EVENT,
        help="Packages to be updated, or a newer kernel installed than runs; one line a node and day.",
        severity=Severity.INFO,
        limit=Limit(),
        find=updates,
        sees=sees_nothing,
        feeds=(PACKAGES,),
    ),
    Rule(
        number=37,
        key="service_down",
        kind=Kind.STATE,
        help="A service of Proxmox VE that is enabled does not run.",
        severity=Severity.WARNING,
        # two readings of its feed, whenever in a poll they arrive
        limit=Limit(hold=5 * MINUTE + 30, clear=5 * MINUTE + 30),
        find=services,
        sees=sees_reading(SERVICES),
        feeds=(SERVICES,),
        ending=_ending,
    ),
)
