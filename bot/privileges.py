"""TABLE: what each API token needs of Proxmox VE, by version. `telemox check` and deploy/pveum.sh read it.

What the pages and the alerts read stands here as rows; what the actions need is read from their own table. A role holds
the privileges of its rows on any path, and the roles of people's tokens are the Proxmox roles TelemoxView and
TelemoxPower.
"""

from dataclasses import dataclass, replace

from bot.access import Role
from bot.actions import ACTIONS
from bot.pveum import POWER_ROLE as POWER_ROLE
from bot.pveum import VIEW_ROLE as VIEW_ROLE

USER = "telemox@pve"
MAJORS = (7, 8, 9)
"""Versions of Proxmox VE that Telemox is made for: 7.4, 8 and 9."""
OLDEST = (7, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One privilege, and what is lost without it."""

    privilege: str
    path: str  # the ACL path that covers all of it
    gives: str  # what people see or do with it
    since: int = 7  # major versions that know the privilege
    until: int = 99
    required: bool = True  # False: the bot is whole without it
    asked: bool = False  # True: only on request, since it also gives what the bot has no use for

    def known(self, major: int) -> bool:
        return self.since <= major <= self.until


_READING = (
    Need(privilege="VM.Audit", path="/vms", gives="guests and their figures"),
    Need(
        privilege="Sys.Audit",
        path="/",
        gives="quorum, everybody's tasks; for alerts HA, backup jobs, disks, ZFS, Ceph",
    ),
    Need(privilege="Sys.Audit", path="/nodes", gives="nodes' figures; for alerts services, clocks, updates"),
    Need(privilege="Sys.Audit", path="/access/groups", gives="when the bot's own tokens expire", required=False),
    Need(privilege="Datastore.Audit", path="/storage", gives="storages"),
    Need(privilege="Pool.Audit", path="/pool", gives="pools, and the guests in them", required=False),
)
_AGENT = (
    Need(
        privilege="VM.GuestAgent.Audit",
        path="/vms",
        gives="addresses of VMs by the guest agent, and alerts when it falls silent (tag expect-agent)",
        since=9,
        required=False,
    ),
    # On 7 and 8 the same look needs VM.Monitor, which also lets its holder run commands inside the guest
    Need(
        privilege="VM.Monitor",
        path="/vms",
        gives="addresses of VMs by the guest agent, and alerts when it falls silent (tag expect-agent)",
        until=8,
        required=False,
        asked=True,
    ),
)


def needs(role: Role) -> tuple[Need, ...]:
    """What the token that acts for `role` needs: the viewer's reads, the others act.

    What an action needs besides its own privilege is asked for only on request: it gives more than the action
    (VM.Config.Disk takes disks away), and without it the action is just not offered.
    """
    if role is Role.VIEWER:
        return _READING + _AGENT
    labels: dict[tuple[str, bool], list[str]] = {}
    for action in ACTIONS:
        if action.role <= role:
            for privilege in action.privileges:
                labels.setdefault((privilege, action.asked or privilege in action.also), []).append(action.label)
    return tuple(
        Need(
            privilege=privilege,
            path="/storage" if privilege.startswith("Datastore.") else "/vms",
            gives=", ".join(names),
            required=not more,
            asked=more,
        )
        for (privilege, more), names in labels.items()
        if not more or (privilege, False) not in labels
    )


def contents(proxmox_role: str) -> tuple[Need, ...]:
    """What TelemoxView or TelemoxPower is made of.

    TelemoxPower lets its holder see as well: on a path of its own (/vms/101) a role replaces what is inherited from
    above (PVE/AccessControl.pm, roles), and nobody should act on what they may not see.
    """
    if proxmox_role == VIEW_ROLE:
        return needs(Role.VIEWER)
    return (replace(_READING[0], gives="seeing what is acted on"), *needs(Role.ADMIN))


def granted(proxmox_role: str, major: int, *, more: bool = False) -> tuple[str, ...]:
    """The privileges to put into the role on version `major`: those it knows; with `more` those left out by default."""
    known = [need for need in contents(proxmox_role) if need.known(major) and (more or not need.asked)]
    return tuple(dict.fromkeys(need.privilege.split("|")[0] for need in known))


def asked(privilege: str) -> bool:
    """Is it left out of TelemoxView unless somebody asks for it?"""
    return any(need.privilege == privilege and need.asked for need in needs(Role.VIEWER))


def writes(privilege: str) -> bool:
    """Does its holder change anything? Judged by name, so that a privilege of a later version counts as a write."""
    return privilege.rpartition(".")[2] not in {"Audit", "Syslog"}
