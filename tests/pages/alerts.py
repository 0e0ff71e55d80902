"""Alerts to draw."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.model import About, Alert, Card, CardHead, Cure, Finding, Phase, Severity, Subject
from bot.text import Said, say
from tests.pages.fleets import HOSTILE, NOW

ONE = {"main": "homelab"}
TWO = {"main": "homelab", "lab": "lab"}


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def guest(
    vmid: int = 104, name: str = "ct-mail", *, node: str = "pve1", cluster: str = "main", tags: Sequence[str] = ()
) -> Subject:
    return Subject(about=About.GUEST, cluster=cluster, id=str(vmid), name=name, node=node, tags=tuple(tags))


def node(name: str = "pve2", *, cluster: str = "main") -> Subject:
    return Subject(about=About.NODE, cluster=cluster, id=name, name=name, node=name)


def storage(name: str = "nas", *, node: str = "", cluster: str = "main") -> Subject:
    return Subject(about=About.STORAGE, cluster=cluster, id=f"{node}/{name}" if node else name, name=name, node=node)


def cluster(key: str = "main", name: str = "homelab") -> Subject:
    return Subject(about=About.CLUSTER, cluster=key, name=name)


START = Cure(label=say("▶️ Start"), verb="ask", key="start", arg="main/104")


def alert(
    number: int,
    subject: Subject,
    said: Said,
    *,
    rule: str = "guest_stopped_by_itself",
    severity: Severity = Severity.WARNING,
    over: Said | None = None,
    details: Sequence[Said] = (),
    cures: Sequence[Cure] = (),
    affected: Sequence[str] = (),
    event: str = "",
    fired: float | None = 1,
    ended: float | None = None,
    since: float | None = None,
    acked: float | None = None,
    by: str = "Ana",
    parent: str = "",
    told: bool = True,
) -> Alert:
    """Times in minutes ago; `fired` None: pending."""
    finding = Finding(
        rule=rule,
        subject=subject,
        severity=severity,
        said=said,
        over=over,
        details=tuple(details),
        because=say("running before, stopped now"),
        cures=tuple(cures),
        affected=tuple(affected),
        event=event,
        since=None if since is None else ago(since),
    )
    phase = Phase.PENDING if fired is None else Phase.OVER if ended is not None else Phase.FIRING
    return Alert(
        number=number,
        finding=finding,
        phase=phase,
        found=ago((fired or 0) + 0.75),
        held=15.0 if fired is None else 45.0,
        severity=severity,
        fired=None if fired is None else ago(fired),
        over=None if ended is None else ago(ended),
        acked=None if acked is None else ago(acked),
        acked_by=by if acked is not None else "",
        parent=parent,
        told=told,
    )


def stopped(number: int = 1, subject: Subject | None = None, **more: object) -> Alert:
    subject = subject or guest()
    made = alert(
        number,
        subject,
        say("{name} stopped by itself", name=subject.name),
        over=say("{name} runs again", name=subject.name),
        details=(
            say("nobody ordered it in Proxmox (a shutdown from inside looks so too)"),
            say("last seen running 14:01:10"),
        ),
        cures=(replace(START, arg=f"{subject.cluster}/{subject.id}"),),
    )
    return replace(made, **more) if more else made  # type: ignore[arg-type]


def dead_node(number: int = 5, **more: object) -> Alert:
    names = ("db", "git", "win-test", HOSTILE, *(f"ct-{n}" for n in range(8)))
    made = alert(
        number,
        node(),
        say("{name} is offline", name="pve2"),
        rule="node_offline",
        severity=Severity.CRITICAL,
        over=say("{name} is back after {span}, {n} of {n} guests run", name="pve2", span="4 min", n=len(names)),
        affected=names,
        since=4.75,
        fired=4,
    )
    made = replace(made, finding=replace(made.finding, timed=True))
    return replace(made, **more) if more else made  # type: ignore[arg-type]


def full(number: int = 7, percent: int = 91, *, severity: Severity = Severity.WARNING, fired: float = 30) -> Alert:
    return alert(
        number,
        storage(),
        say("{name} {percent} % full", name="nas", percent=percent),
        rule="storage_full",
        severity=severity,
        over=say("{name} has room again", name="nas"),
        details=(say("full in about 3 days"),),
        fired=fired,
    )


def failed_backup(number: int = 9) -> Alert:
    return alert(
        number,
        guest(102, "db", node="pve2"),
        say("backup of {name} failed", name="db"),
        rule="backup_failed",
        details=(say("{log}", log="ERROR: job errors <no space left> & gone"),),
        cures=(
            Cure(label=say("Log"), verb="open", key="task", arg="main UPID:pve2:1"),
            Cure(label=say("Retry backup"), verb="ask", key="backup", arg="main/102"),
        ),
        event="UPID:pve2:1",
        fired=12,
        ended=12,
    )


def crowd(n: int = 500) -> list[Alert]:
    return [stopped(100 + i, guest(1000 + i, f"{HOSTILE}-{i}")) for i in range(n)]


def card(*alerts: Alert, head: CardHead = CardHead.PLAIN) -> Card:
    return Card(id=12, chat=-1005, topic=None, alerts=tuple(one.number for one in alerts), message=77, head=head)
