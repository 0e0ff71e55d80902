"""What the guest agents of VMs tagged expect-agent tell: whether they answer, and how full their disks are.

46 guest_silent · 15 vm_disk
"""

from collections.abc import Iterator

from bot.model import Finding, Guest, Severity, Status, Subject
from bot.model.feeds import AGENT, FILESYSTEMS
from bot.model.readings import EXPECT_AGENT, AgentPings
from bot.model.view import View
from bot.rules.grades import graded
from bot.rules.guest.endings import guest_of, running, unwell
from bot.rules.guest.expected import CRITICAL
from bot.rules.rule import Kind as Lasts
from bot.rules.rule import Limit, Limits, Rule
from bot.rules.sight import in_sight, seen, sees_guest
from bot.rules.subjects import guest_key, guest_subject, opens
from bot.text import cut, say, share, size_pair


def _expected(view: View, subject: Subject) -> Guest | None:
    """The guest, while an agent is expected of it. Where of none is, none is asked: nothing is wrong with it then."""
    snapshot = seen(view)
    if snapshot is None or not subject.id.isdecimal():
        return None
    guest = snapshot.by_vmid.get(int(subject.id))
    return guest if guest is not None and EXPECT_AGENT in guest.tags else None


# -- 46 guest_silent -----------------------------------------------------------------------------------------------


def guest_silent(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot, pings = seen(view), view.feeds.fresh(AGENT)
    if snapshot is None or pings is None:
        return
    for vmid, answers in pings.answers.items():
        guest = snapshot.by_vmid.get(vmid)
        if answers or guest is None or EXPECT_AGENT not in guest.tags or guest.status is not Status.RUNNING:
            continue
        if not limits.of(guest_key(guest)).on or not in_sight(view, guest):
            continue
        yield Finding(
            rule="guest_silent",
            subject=guest_subject(guest),
            severity=Severity.WARNING,
            said=say("{name}: its agent is silent", name=guest.name),
            over=say("{name}: its agent answers again", name=guest.name),
            details=(say("it runs, and may hang inside"),),
            because=say("running, and its agent does not answer a ping"),
            cures=(opens(say("Guest"), "vm", guest.target),),
            grey=bool(guest.lock),
            loud=CRITICAL in guest.tags,
        )


def _sees_agent(view: View, subject: Subject) -> bool:
    pings, guest = view.feeds.fresh(AGENT), _expected(view, subject)
    if guest is None or not guest.status.up:
        return sees_guest(view, subject)
    return pings is not None and guest.vmid in pings.answers


# -- 15 vm_disk ----------------------------------------------------------------------------------------------------


def vm_disk(view: View, limits: Limits) -> Iterator[Finding]:
    """Its fullest file system counts; all that are over the limit are named."""
    snapshot, disks = seen(view), view.feeds.fresh(FILESYSTEMS)
    if snapshot is None or disks is None:
        return
    for vmid, systems in disks.of.items():
        guest = snapshot.by_vmid.get(vmid)
        if guest is None or not AgentPings.about(guest) or not in_sight(view, guest):
            continue
        limit = limits.of(guest_key(guest))
        fullest = max(systems, key=lambda one: one.used / one.total, default=None)
        if not limit.on or fullest is None or (grade := graded(fullest.used / fullest.total, limit)) is None:
            continue
        used = fullest.used / fullest.total
        others = [one for one in systems if one is not fullest and graded(one.used / one.total, limit) is not None]
        yield Finding(
            rule="vm_disk",
            subject=guest_subject(guest),
            severity=grade[0],
            said=say("{name}: {mount} {share} full", name=guest.name, mount=cut(fullest.mount, 24), share=share(used)),
            over=say("{name}: its disks have room again", name=guest.name),
            details=(
                size_pair(fullest.used, fullest.total),
                *(
                    say("{mount} {share} full", mount=cut(one.mount, 24), share=share(one.used / one.total))
                    for one in others[:4]
                ),
            ),
            because=say("{mount} at {now}, as its agent says", mount=fullest.mount, now=share(used)),
            cures=(opens(say("Guest"), "vm", guest.target),),
            grey=grade[1],
        )


def _sees_disks(view: View, subject: Subject) -> bool:
    """Of one that does not run, or has named none that can fill up, nobody can say how full it is."""
    disks, guest = view.feeds.fresh(FILESYSTEMS), _expected(view, subject)
    if guest is None or not sees_guest(view, subject):
        return sees_guest(view, subject)
    return AgentPings.about(guest) and disks is not None and bool(disks.of.get(guest.vmid))


def _ending(view: View, finding: Finding) -> Finding:
    """What nobody asks any more has not answered."""
    guest = guest_of(view, finding)
    if guest is None or guest.status is not Status.RUNNING or EXPECT_AGENT in guest.tags:
        return running(view, finding)
    why = say("no agent is expected any more")
    return unwell(finding, say("{name}: {why}", name=guest.name, why=why), why)


RULES: tuple[Rule, ...] = (
    Rule(
        number=15,
        key="vm_disk",
        kind=Lasts.STATE,
        help="File systems of a VM tagged expect-agent, as its agent tells once an hour: shares of the fullest.",
        severity=Severity.WARNING,
        limit=Limit(warning=0.90, warning_clear=0.85, critical=0.95, critical_clear=0.92, hold=300),
        find=vm_disk,
        sees=_sees_disks,
        ending=_ending,
        feeds=(FILESYSTEMS,),
    ),
    Rule(
        number=46,
        key="guest_silent",
        kind=Lasts.STATE,
        help="The agent of a VM tagged expect-agent does not answer.",
        severity=Severity.WARNING,
        limit=Limit(hold=300, polls=2),
        find=guest_silent,
        sees=_sees_agent,
        ending=_ending,
        feeds=(AGENT,),
    ),
)
