"""What turns guests on and off, and what pulls the plug.

Containers are neither paused nor resumed: Proxmox VE's own call for it is marked experimental, stops the container
with lxc-checkpoint and keeps no mark of it (pve-container, API2/LXC/Status.pm, vm_suspend), and its web interface
offers none.
"""

from bot.access import Role
from bot.actions.action import BOTH, VM, Action, ready
from bot.model import Guest, Kind, Status

BACKED_UP, MOUNTED, HIBERNATED = (Kind.QEMU, "backup"), (Kind.LXC, "mounted"), (Kind.QEMU, "suspended")
"""Locks that some of these go by. SRC qemu-server QemuServer.pm, vm_start, and QemuServer/RunState.pm, vm_suspend and
vm_resume; pve-container API2/LXC/Status.pm, vm_start and vm_stop, and lxc-pve-prestart-hook."""


def _off(guest: Guest) -> bool:
    """Stopped. A VM that is backed up while it is off runs a QEMU whose CPUs stand still: a start lets them go."""
    waits = guest.status is Status.PRELAUNCH and (guest.kind, guest.lock) == BACKED_UP
    return waits or guest.status is Status.STOPPED


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
        offered=lambda guest: ready(guest) and _off(guest),
        despite=frozenset({BACKED_UP, MOUNTED, HIBERNATED}),
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
        offered=lambda guest: ready(guest) and guest.status is Status.RUNNING,
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
        offered=lambda guest: ready(guest) and guest.status is Status.RUNNING,
        despite=frozenset({MOUNTED}),
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
        offered=lambda guest: ready(guest) and guest.status in {Status.PAUSED, Status.HIBERNATED, Status.IO_ERROR},
        despite=frozenset({BACKED_UP, HIBERNATED}),
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
        offered=lambda guest: ready(guest) and guest.status is Status.RUNNING,
        despite=frozenset({BACKED_UP}),
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
        offered=lambda guest: ready(guest) and guest.status is Status.RUNNING and not guest.ha_managed,
        question="Hibernate {name} ({vmid}) on {node}? Its memory is written to disk.",
        doing="Hibernating {name}",
        done="{name} is hibernated",
        failed="{name} was not hibernated",
        verify=lambda before, now: now.status in {Status.HIBERNATED, Status.STOPPED},
        settle=60,
        timeout=1800,
    ),
)

HARSH: tuple[Action, ...] = (
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
        offered=lambda guest: ready(guest) and guest.status.up,
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
        offered=lambda guest: ready(guest) and guest.status.up,
        despite=frozenset({MOUNTED}),
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
