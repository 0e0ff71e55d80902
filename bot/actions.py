"""TABLE: what can be done. One row an action; the row drives everything.

The button, the role check, the notice that the token lacks a privilege, the confirmation, the call, the progress text,
the verification, the README's table, the pveum role script and their tests are all read from the row. To add an action,
add a row here and run `make docs`; the dangerous columns have no default: forgetting one fails.

    key        lives in buttons for years: never rename one
    on         kinds of guest that Proxmox offers it for
    role       the least role that may press; also which API token is used
    privilege  what that token needs on /vms/{vmid} (any of several: A|B)
    also       further privileges it needs: VM.… on the guest, Datastore.… on a storage that Proxmox picks
    method, path, params   as the API viewer spells them; {node} {kind} {vmid} are filled in, in params {vmid}
    tasks      the types of task that the call starts, by kind: how a task is known again whose UPID never arrived
    offered    from the guest's fresh state: may it be pressed at all?
    question   with {name} {vmid} {node}; '' = no confirmation
    verify     from status/current before and after the task: did it really happen? It has `settle` seconds to come true
    aimed      its storage and mode are those of the guest's other backups, looked up before it is offered to go ahead
    asked      its privileges are put into the Proxmox role only on request: they give far more than the action
    timeout    seconds that the task is followed before the chat is told that it still runs

Containers are neither paused nor resumed: Proxmox VE's own call for it is marked experimental, stops the container
with lxc-checkpoint and keeps no mark of it (pve-container, API2/LXC/Status.pm, vm_suspend), and its web interface
offers none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.access import Asker, Role, may
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


def _ready(guest: Guest) -> bool:
    return not guest.template and guest.status is not Status.UNKNOWN


def _began_anew(before: Guest, now: Guest) -> bool:
    """Running, and for a shorter time than before: a reboot that happened."""
    return now.status is Status.RUNNING and (before.uptime is None or (now.uptime or 0) < before.uptime)


ACTIONS: tuple[Action, ...] = (
    Action(
        key="start",
        label="Start",
        emoji="▶️",
        on=BOTH,
        role=Role.OPERATOR,
        privilege="VM.PowerMgmt",
        method="POST",
        path="/nodes/{node}/{kind}/{vmid}/status/start",
        tasks={Kind.QEMU: ("qmstart", "hastart"), Kind.LXC: ("vzstart", "hastart")},
        offered=lambda guest: _ready(guest) and guest.status is Status.STOPPED,
        question="",
        doing="Starting {name}",
        done="{name} has started",
        failed="{name} did not start",
        verify=lambda before, now: now.status is Status.RUNNING,
        settle=60,
        timeout=300,
    ),
    Action(
        key="shutdown",
        label="Shutdown",
        verb="shut down",
        emoji="📴",
        on=BOTH,
        role=Role.OPERATOR,
        privilege="VM.PowerMgmt",
        method="POST",
        path="/nodes/{node}/{kind}/{vmid}/status/shutdown",
        tasks={Kind.QEMU: ("qmshutdown", "hastop"), Kind.LXC: ("vzshutdown", "hastop")},
        offered=lambda guest: _ready(guest) and guest.status is Status.RUNNING,
        question="Shut down {name} ({vmid}) on {node}?",
        doing="Shutting down {name}",
        done="{name} has shut down",
        failed="{name} did not shut down",
        verify=lambda before, now: now.status is Status.STOPPED,
        settle=120,
        timeout=900,  # a startup option `down` may let Proxmox wait far longer than its 60 s
        force="stop",
    ),
    Action(
        key="reboot",
        label="Reboot",
        emoji="🔄",
        on=BOTH,
        role=Role.OPERATOR,
        privilege="VM.PowerMgmt",
        method="POST",
        path="/nodes/{node}/{kind}/{vmid}/status/reboot",
        tasks={Kind.QEMU: ("qmreboot",), Kind.LXC: ("vzreboot",)},
        offered=lambda guest: _ready(guest) and guest.status is Status.RUNNING,
        question="Reboot {name} ({vmid}) on {node}?",
        doing="Rebooting {name}",
        done="{name} has rebooted",
        failed="{name} did not reboot",
        # The task ends when the guest is down; qmeventd starts it again a moment later (QemuServer.pm, vm_reboot).
        verify=_began_anew,
        settle=60,
        timeout=900,
        force="stop",
    ),
    Action(
        key="resume",
        label="Resume",
        emoji="▶️",
        on=VM,
        role=Role.OPERATOR,
        privilege="VM.PowerMgmt",
        method="POST",
        path="/nodes/{node}/{kind}/{vmid}/status/resume",
        tasks={Kind.QEMU: ("qmresume",)},
        # io-error: halted by its storage; once that has room again the VM goes on where it stood
        offered=lambda guest: _ready(guest) and guest.status in {Status.PAUSED, Status.HIBERNATED, Status.IO_ERROR},
        question="",
        doing="Resuming {name}",
        done="{name} runs again",
        failed="{name} did not resume",
        verify=lambda before, now: now.status is Status.RUNNING,
        settle=60,
        timeout=300,
    ),
    Action(
        key="pause",
        label="Pause",
        emoji="⏸",
        on=VM,
        role=Role.OPERATOR,
        privilege="VM.PowerMgmt",
        method="POST",
        path="/nodes/{node}/{kind}/{vmid}/status/suspend",
        tasks={Kind.QEMU: ("qmpause",)},
        offered=lambda guest: _ready(guest) and guest.status is Status.RUNNING,
        question="Pause {name} ({vmid}) on {node}? Its memory stays on the node.",
        doing="Pausing {name}",
        done="{name} is paused",
        failed="{name} was not paused",
        verify=lambda before, now: now.status is Status.PAUSED,
        settle=30,
        timeout=120,
    ),
    Action(
        key="hibernate",
        label="Hibernate",
        emoji="🌙",
        on=VM,
        role=Role.OPERATOR,
        privilege="VM.PowerMgmt",
        method="POST",
        path="/nodes/{node}/{kind}/{vmid}/status/suspend",
        params={"todisk": "1"},
        # SRC qemu-server API2/Qemu.pm vm_suspend: with todisk these are checked as well
        also=("VM.Config.Disk", "Datastore.AllocateSpace"),
        tasks={Kind.QEMU: ("qmsuspend",)},
        # SRC qemu-server API2/Qemu.pm vm_suspend: "Cannot suspend HA managed VM to disk"
        offered=lambda guest: _ready(guest) and guest.status is Status.RUNNING and not guest.ha_managed,
        question="Hibernate {name} ({vmid}) on {node}? Its memory is written to disk.",
        doing="Hibernating {name}",
        done="{name} is hibernated",
        failed="{name} was not hibernated",
        verify=lambda before, now: now.status in {Status.HIBERNATED, Status.STOPPED},
        settle=60,
        timeout=1800,
    ),
    Action(
        key="backup",
        label="Backup",
        verb="back up",
        emoji="💾",
        on=BOTH,
        role=Role.OPERATOR,
        privilege="VM.Backup",
        # SRC pve-manager API2/VZDump.pm: VM.Backup on each guest, Datastore.AllocateSpace on the storage. VM.Backup
        # may also restore over the guest, so it is asked for like the rest.
        also=("Datastore.AllocateSpace",),
        asked=True,
        method="POST",
        path="/nodes/{node}/vzdump",
        params={"vmid": "{vmid}", "remove": "0"},  # the job prunes; this one takes no older backup away
        aimed=True,
        tasks={Kind.QEMU: ("vzdump",), Kind.LXC: ("vzdump",)},
        offered=lambda guest: _ready(guest) and not guest.lock,
        question="Back up {name} ({vmid}) on {node} now?",
        doing="Backing up {name}",
        done="{name} is backed up",
        failed="{name} was not backed up",
        # A guest that has moved away meanwhile is silently not backed up: vzdump answers OK and starts no task
        verify=lambda before, now: now.node == before.node and now.lock != "backup",
        settle=60,
        timeout=6 * 3600,
    ),
    Action(
        key="reset",
        label="Reset",
        emoji="⚡",
        on=VM,
        role=Role.OPERATOR,
        privilege="VM.PowerMgmt",
        method="POST",
        path="/nodes/{node}/{kind}/{vmid}/status/reset",
        tasks={Kind.QEMU: ("qmreset",)},
        offered=lambda guest: _ready(guest) and guest.status.up,
        question="Reset {name} ({vmid}) on {node}? Like its reset button: what is not on disk is lost.",
        doing="Resetting {name}",
        done="{name} was reset",
        failed="{name} was not reset",
        # A reset keeps the QEMU process, and with it the uptime that Proxmox shows; a paused VM stays paused.
        verify=lambda before, now: now.status.up,
        settle=30,
        timeout=120,
        harsh=True,
    ),
    Action(
        key="stop",
        label="Force stop",
        emoji="⏹",
        on=BOTH,
        role=Role.OPERATOR,
        privilege="VM.PowerMgmt",
        method="POST",
        path="/nodes/{node}/{kind}/{vmid}/status/stop",
        tasks={Kind.QEMU: ("qmstop", "hastop"), Kind.LXC: ("vzstop", "hastop")},
        offered=lambda guest: _ready(guest) and guest.status.up,
        question="Force {name} ({vmid}) on {node} to stop? Like pulling the plug: what is not on disk is lost.",
        doing="Stopping {name}",
        done="{name} is stopped",
        failed="{name} did not stop",
        verify=lambda before, now: now.status is Status.STOPPED,
        settle=60,
        timeout=300,
        harsh=True,
    ),
)

BY_KEY: Mapping[str, Action] = {action.key: action for action in ACTIONS}


def offers(guest: Guest, asker: Asker, permissions: Mapping[Role, Permissions]) -> tuple[Action, ...]:
    """What to draw for this asker on this guest: kind, role, state, and the privilege of the token that would act.

    `permissions` holds the tokens that exist, by role; an action whose token does not exist is not drawn.
    """
    return tuple(
        action
        for action in ACTIONS
        if guest.kind in action.on
        and may(asker, action.role)
        and action.offered(guest)
        and action.role in permissions
        and action.lacks(guest, permissions[action.role]) is None
    )
