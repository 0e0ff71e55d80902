"""One row of the table of actions, and what is read from it.

key        lives in buttons for years: never rename one
on         kinds of guest that Proxmox offers it for
role       the least role that may press; also which API token is used
privilege  what that token needs on /vms/{vmid} (any of several: A|B)
also       further privileges it needs: VM.… on the guest, Datastore.… on a storage that Proxmox picks
method, path, params   as the API viewer spells them; {node} {kind} {vmid} are filled in, in params {vmid}
tasks      the types of task that the call starts, by kind: how a task is known again whose UPID never arrived
offered    from the guest's fresh state: may it be pressed at all?
despite    locks of a guest under which Proxmox does it all the same, by kind; under every other one it has to wait
question   with {name} {vmid} {node}; '' = no confirmation
verify     from status/current before and after the task: did it really happen? It has `settle` seconds to come true
aimed      its storage and mode are those of the guest's other backups, looked up before it is offered to go ahead
asked      its privileges are put into the Proxmox role only on request: they give far more than the action
timeout    seconds that the task is followed before the chat is told that it still runs
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.access import Role
from bot.model import Guest, Kind, Permissions, Status

VERIFY = Callable[[Guest, Guest], bool]
BOTH = frozenset({Kind.QEMU, Kind.LXC})
VM = frozenset({Kind.QEMU})


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    key: str
    label: str
    emoji: str
    on: frozenset[Kind]
    role: Role
    privilege: str
    method: Literal["POST", "PUT", "DELETE"]
    path: str
    tasks: Mapping[Kind, tuple[str, ...]]
    offered: Callable[[Guest], bool]
    question: str
    doing: str  # {name}
    done: str  # {name}; the runner adds how long it took and how the guest stands
    failed: str  # {name}
    verify: VERIFY
    settle: float  # seconds
    timeout: float  # seconds
    params: Mapping[str, str] = field(default_factory=dict)
    harsh: bool = False  # pulls the plug: behind More, in danger style
    force: str = ""  # key of the harsher action to offer when this one fails
    also: tuple[str, ...] = ()
    verb: str = ""  # after a Yes, where the label is none
    aimed: bool = False
    asked: bool = False
    despite: frozenset[tuple[Kind, str]] = frozenset()

    def ends_in_ha(self, guest: Guest) -> bool:
        """Does HA keep it down from then on? SRC qemu-server API2/Qemu.pm, vm_stop: of a guest that HA manages it is
        HA that is asked, and the state requested of HA becomes `stopped`."""
        return guest.ha_managed and "hastop" in self.tasks.get(guest.kind, ())

    @property
    def privileges(self) -> tuple[str, ...]:
        """All that the token needs, for the role that `pveum` makes."""
        return (self.privilege, *self.also)

    def url(self, guest: Guest) -> str:
        """The path with the guest filled in."""
        return self.path.format(node=guest.node, kind=guest.kind.value, vmid=guest.vmid)

    def body(self, guest: Guest) -> Mapping[str, str]:
        """The parameters with the guest filled in; what is looked up for it comes on top."""
        return {name: value.format(vmid=guest.vmid) for name, value in self.params.items()}

    def lacks(self, guest: Guest, permissions: Permissions) -> tuple[str, str] | None:
        """The first (privilege, ACL path) that the token lacks for this action on this guest; None: it has all.

        Which storage takes the state of a VM stands in its configuration, which is not read for this: a datastore
        privilege on any storage will do, and Proxmox VE has the last word.
        """
        for privilege in self.privileges:
            if privilege.startswith("Datastore."):
                if not _on_some_storage(privilege, permissions):
                    return privilege, "/storage"
            elif not permissions.allows(privilege, acl_path(guest), guest.pool):
                return privilege, acl_path(guest)
        return None


def _on_some_storage(privilege: str, permissions: Permissions) -> bool:
    return permissions.allows(privilege, "/storage") or any(
        path.startswith("/storage/") and permissions.allows(privilege, path) for path in permissions.paths
    )


def acl_path(guest: Guest) -> str:
    """The ACL path that Proxmox checks for a guest."""
    return f"/vms/{guest.vmid}"


def ready(guest: Guest) -> bool:
    """Is there something to be done with it at all?"""
    return not guest.template and guest.status is not Status.UNKNOWN
