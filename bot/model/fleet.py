"""One cluster at one moment, all clusters an asker may see, and what could not be read of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property

from bot.model.things import Guest, Node, Status, Storage
from bot.text import Said


class Gap(Enum):
    """Why something is missing from a snapshot."""

    NODE_OFFLINE = "node offline"
    NO_GUESTS_VISIBLE = "no guest visible to the token"
    NODE_BARE = "node figures not visible to the token"
    STATUS_FORBIDDEN = "cluster status not visible to the token"
    STATUS_FAILED = "cluster status not read"
    ROWS_DROPPED = "rows not understood"
    UNREACHABLE = "cluster not reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Something that could not be read, to be said on the screen: never a shorter list without a word."""

    gap: Gap
    subject: str = ""  # node name, token id, host …
    count: int = 0  # guests or rows concerned
    detail: str = ""  # Proxmox's own words
    said: Said | None = None  # the same as a sentence that says what to do, where there is one
    answered: bool = False  # of a cluster: something of it answered, though nothing that could be read


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One cluster at one moment. Indexes are built on first use and kept: a snapshot is shared by all who ask."""

    cluster: str  # our key: main
    name: str  # the cluster's own name, or the node's where it stands alone
    quorate: bool | None  # None: cannot be known; True for a node alone
    nodes: tuple[Node, ...]
    guests: tuple[Guest, ...]  # by vmid
    storages: tuple[Storage, ...]
    unseen: tuple[Unseen, ...]
    taken: datetime  # UTC, by the bot's clock, when the answer was complete
    standalone: bool = False

    @cached_property
    def by_vmid(self) -> Mapping[int, Guest]:
        return {guest.vmid: guest for guest in self.guests}

    @cached_property
    def by_node(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.nodes}

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """Guests by status, templates left out."""
        counts = dict.fromkeys(Status, 0)
        for guest in self.guests:
            if not guest.template:
                counts[guest.status] += 1
        return counts

    @cached_property
    def total(self) -> int:
        """How many guests there are, as every screen counts them: templates left out, which are none that could run."""
        return sum(self.counts.values())


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """All clusters an asker may see, already narrowed to the scope. The only fleet a page gets."""

    snapshots: tuple[Snapshot, ...]

    @cached_property
    def guests(self) -> tuple[Guest, ...]:
        return tuple(guest for snapshot in self.snapshots for guest in snapshot.guests)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(node for snapshot in self.snapshots for node in snapshot.nodes)

    @cached_property
    def storages(self) -> tuple[Storage, ...]:
        return tuple(storage for snapshot in self.snapshots for storage in snapshot.storages)

    @property
    def total(self) -> int:
        """Guests, templates left out."""
        return sum(snapshot.total for snapshot in self.snapshots)

    @property
    def unseen(self) -> tuple[Unseen, ...]:
        return tuple(gap for snapshot in self.snapshots for gap in snapshot.unseen)

    @property
    def taken(self) -> datetime:
        """Of the oldest part: an age is never made to look younger."""
        return min(snapshot.taken for snapshot in self.snapshots)

    def guest(self, cluster: str, vmid: int) -> Guest | None:
        return next((s.by_vmid[vmid] for s in self.snapshots if s.cluster == cluster and vmid in s.by_vmid), None)

    def node(self, cluster: str, name: str) -> Node | None:
        return next((s.by_node[name] for s in self.snapshots if s.cluster == cluster and name in s.by_node), None)

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self.snapshots)
