"""Who may what: pure, no I/O.

A role belongs to a chat (a private chat is that person; a group gives its role to all who speak in it) or to a person
(valid in every chat the bot serves, never in an unknown one). The higher of the two counts, under the chat's ceiling.
No role means that the bot is silent.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeVar

from bot.text import Said, say

_T = TypeVar("_T")

NOBODY = frozenset({1087968824, 136817688, 777000})
"""GroupAnonymousBot, Channel_Bot and Telegram itself: senders that stand for somebody unknown; never a person."""


class Role(IntEnum):
    """Ordered: each may all that the one before may."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As settings, messages and the audit spell it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What exists for an asker. Empty sets mean no narrowing by that kind; the default is everything."""

    clusters: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    pools: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    vmids: frozenset[int] = frozenset()

    def has_node(self, cluster: str, node: str) -> bool:
        return (not self.clusters or cluster in self.clusters) and (not self.nodes or node in self.nodes)

    def has_guest(self, cluster: str, vmid: int, node: str, pool: str, tags: Iterable[str]) -> bool:
        """Nodes and clusters narrow; of pools, tags and vmids one match is enough."""
        if not self.has_node(cluster, node):
            return False
        if not (self.pools or self.tags or self.vmids):
            return True
        return vmid in self.vmids or pool in self.pools or not self.tags.isdisjoint(tags)


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The person (or the anonymous voice of a chat) behind one update, with what they may here.

    `id` is the person's Telegram id, or the chat's for an anonymous admin and a channel post.
    """

    id: int
    name: str  # as shown in the audit and on cards: full name, or the chat's title
    role: Role
    scope: Scope = EVERYTHING
    anonymous: bool = False


def may(asker: Asker, needed: Role) -> bool:
    return asker.role >= needed


def refusal(asker: Asker, what: str, needed: Role) -> Said | None:
    """Why not, as a sentence to the presser; None where they may. `what` is the action's or page's own word."""
    if may(asker, needed):
        return None
    return say("Your role here is {role}; {what} needs {needed}.", role=asker.role.word, what=what, needed=needed.word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Roles as the settings give them. Ids: positive a person, negative a group or channel.

    The seam for later: grants from chat and scopes are merged into these mappings, settings winning.
    """

    granted: Mapping[int, Role] = field(default_factory=dict)
    ceilings: Mapping[int, Role] = field(default_factory=dict)
    scopes: Mapping[int, Scope] = field(default_factory=dict)

    def serves(self, chat: int) -> bool:
        """Is this a chat the bot speaks in at all?"""
        return chat in self.granted

    def role(self, chat: int, person: int | None, *, public: bool = False) -> Role | None:
        """The role of `person` (None: anonymous admin, channel post) in `chat`; None = a stranger, stay silent.

        `public`: anybody may join and press there (a channel), so that it makes nobody more than a viewer.
        """
        if not self.serves(chat) or (chat > 0 and person != chat):  # in a private chat nobody else can speak
            return None
        given = self.granted[chat]
        if public or person is None or person in NOBODY:
            given = min(given, Role.VIEWER)
        if person is not None and person not in NOBODY and person in self.granted:
            given = max(given, self.granted[person])
        return min(given, self.ceilings.get(chat, Role.ADMIN))

    def ceiling(self, chat: int) -> Role | None:
        """What a message that nobody asked for may offer in `chat`: the most anybody there could press."""
        if not self.serves(chat):
            return None
        return self.ceilings.get(chat, Role.ADMIN) if chat < 0 else self.role(chat, chat)

    def scope(self, chat: int, person: int | None) -> Scope:
        return self.scopes.get(chat) or self.scopes.get(person or 0) or EVERYTHING

    def people(self, least: Role) -> tuple[int, ...]:
        """Private chats of the people with at least `least`: where the bot turns with trouble of its own."""
        return tuple(sorted(id_ for id_, role in self.granted.items() if id_ > 0 and role >= least))

    def migrated(self, old: int, new: int) -> "Roles":
        """The group `old` became the supergroup `new`: everything it had moves along.

        Where the settings name both, the lower role and the lower ceiling hold, and the scope of `new`.
        """

        def move(values: Mapping[int, _T], both: Callable[[_T, _T], _T]) -> dict[int, _T]:
            moved = dict(values)
            if old in moved:
                had = moved.pop(old)
                moved[new] = both(had, moved[new]) if new in moved else had
            return moved

        return Roles(
            granted=move(self.granted, min),
            ceilings=move(self.ceilings, min),
            scopes=move(self.scopes, lambda _, own: own),
        )
