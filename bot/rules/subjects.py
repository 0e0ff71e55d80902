"""What findings are about, made from what a snapshot holds, and the buttons they bring."""

from collections.abc import Sequence

from bot.model import About, Cure, Guest, Node, Part, Snapshot, Storage, Subject
from bot.model.view import View
from bot.text import Said, cut, say

HOLD_DISKS = frozenset({"images", "rootdir"})
"""Contents of storages that guests run from."""


def cluster_subject(view: View) -> Subject:
    return Subject(about=About.CLUSTER, cluster=view.cluster, name=view.name)


def node_subject(node: Node) -> Subject:
    return Subject(about=About.NODE, cluster=node.cluster, id=node.name, name=node.name, node=node.name)


def guest_subject(guest: Guest) -> Subject:
    return Subject(
        about=About.GUEST,
        cluster=guest.cluster,
        id=str(guest.vmid),
        name=guest.name,
        node=guest.node,
        tags=guest.tags,
        pool=guest.pool,
        kind=guest.kind.short,
    )


def storage_subject(storage: Storage) -> Subject:
    """A shared one is on no node: what happens to one node does not explain it."""
    return Subject(
        about=About.STORAGE,
        cluster=storage.cluster,
        id=storage.id,
        name=storage.name,
        node="" if storage.shared else storage.node,
    )


def guest_part(guest: Guest) -> Part:
    return Part(about=About.GUEST, id=str(guest.vmid), node=guest.node, tags=guest.tags, pool=guest.pool)


def node_part(name: str) -> Part:
    return Part(about=About.NODE, id=name, node=name)


def guest_key(guest: Guest) -> str:
    """Subject.key of a guest, without making the subject."""
    return f"{guest.cluster}/guest/{guest.vmid}"


def node_key(node: Node) -> str:
    return f"{node.cluster}/node/{node.name}"


def ask(label: Said, action: str, guest: Guest) -> Cure:
    return Cure(label=label, verb="ask", key=action, arg=guest.target)


def opens(label: Said, page: str, arg: str = "") -> Cure:
    return Cure(label=label, verb="open", key=page, arg=arg)


def start(guest: Guest) -> Cure:
    return ask(say("▶️ Start"), "start", guest)


def resume(guest: Guest) -> Cure:
    return ask(say("▶️ Resume"), "resume", guest)


def tasks_of_guest(guest: Guest) -> Cure:
    return opens(say("Tasks"), "tasks", f"vm:{guest.target}")


def tasks_of_node(node: Node) -> Cure:
    return opens(say("Tasks"), "tasks", f"node:{node.cluster}/{node.name}")


def node_page(node: Node) -> Cure:
    return opens(say("Node"), "node", f"{node.cluster}/{node.name}")


def guests_there(node: Node, snapshot: Snapshot) -> Cure:
    """With how many there are: as the card names them, and the page that it opens counts them."""
    count = sum(guest.node == node.name and not guest.template for guest in snapshot.guests)
    return opens(say("Guests {n}", n=count), "vms", f"node:{node.name} cluster:{node.cluster}")


def named(names: Sequence[str], most: int = 4) -> Said:
    """The first few of them; the rest counted."""
    shown = ", ".join(cut(name, 20) for name in names[:most])
    if len(names) <= most:
        return say("{names}", names=shown)
    return say("{names} and {n} more", names=shown, n=len(names) - most)
