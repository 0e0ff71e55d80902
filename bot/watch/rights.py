"""What the view token may read of the feeds, from GET /access/permissions alone: what it may not is never asked."""

from typing import Any

from bot.model import Permissions, Version
from bot.model.feeds import BY_AGENT, Feed

_BELOW = frozenset({"/vms", "/storage"})
"""Of these a part may be granted (a pool, a guest): then a part is read."""


def lacking(rights: Permissions, feed: Feed[Any], node: str = "") -> bool:
    """Is it certain that the token may not read it?"""
    if not feed.privilege or rights.allows(feed.privilege, feed.path.format(node=node)):
        return False
    if feed.path not in _BELOW:
        return True
    below = [path for path in rights.paths if path.startswith((f"{feed.path}/", "/pool/"))]
    return not any(rights.allows(feed.privilege, path) for path in below)


def needed(feed: Feed[Any], node: str, version: Version | None) -> tuple[str, str]:
    """The privilege, by that version's name for it, and the ACL path."""
    privilege = feed.privilege.partition("|")[0]
    if feed.key in BY_AGENT and (version is None or version >= (9, 0)):
        privilege = "VM.GuestAgent.Audit"  # VM.Monitor is gone
    return privilege, feed.path.format(node=node)
