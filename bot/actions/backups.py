"""What keeps a copy of a guest."""

from bot.access import Role
from bot.actions.action import BOTH, Action, ready
from bot.model import Kind, Status

ACTIONS: tuple[Action, ...] = (
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
        offered=lambda guest: ready(guest) and guest.status is not Status.HIBERNATED,
        question="Back up {name} ({vmid}) on {node} now?",
        doing="Backing up {name}",
        done="{name} is backed up",
        failed="{name} was not backed up",
        # A guest that has moved away meanwhile is silently not backed up: vzdump answers OK and starts no task
        verify=lambda before, now: now.node == before.node and now.lock != "backup",
        settle=60,
        timeout=6 * 3600,
    ),
)
