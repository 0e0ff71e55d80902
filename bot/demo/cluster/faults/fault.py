"""What a fault is, what it does while it is on, and what it may be aimed at.

A fault that is switched on is a Case: it says what it changes, and what is to be done when it is off. So however many
are on, and in whatever order they go, nothing is left of one that is off, and the others are as they were.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.demo.cluster.errors import Refusal
from bot.demo.cluster.messages import Reply, Request
from bot.demo.cluster.notify import Notifier
from bot.demo.cluster.power import Power
from bot.demo.cluster.server import Port
from bot.demo.cluster.things import Guest, Node
from bot.demo.cluster.world import World

T = TypeVar("T")


@dataclass
class Altered:
    """An attribute, what it is without faults, and what each that is on makes of it, the latest last."""

    owner: object
    name: str
    without: object
    shown: object
    layers: dict[str, Callable[[Any], object]] = field(default_factory=dict)
    yields: bool = False

    def draw(self) -> None:
        value = self.without
        for change in self.layers.values():
            value = change(value)
        setattr(self.owner, self.name, value)
        self.shown = value

    def notice(self) -> None:
        """What the world has made of it since is how it is without faults."""
        current = getattr(self.owner, self.name)
        if self.yields and current != self.shown:
            self.without = current


@dataclass
class Stage:
    """What a fault may touch."""

    world: World
    ports: Mapping[str, Port]
    power: Power
    notifier: Notifier
    _altered: dict[tuple[int, str], Altered] = field(default_factory=dict)

    def alter(self, key: str, owner: object, name: str, change: Callable[[Any], object], *, yields: bool) -> None:
        value = getattr(owner, name)
        one = self._altered.setdefault((id(owner), name), Altered(owner, name, value, value, yields=yields))
        one.notice()
        one.layers[key] = change
        one.draw()

    def give_back(self, key: str) -> None:
        """Takes away all that was altered by that name."""
        for where, one in list(self._altered.items()):
            if key in one.layers:
                one.notice()
                del one.layers[key]
                one.draw()
                if not one.layers:
                    del self._altered[where]


@dataclass(eq=False)
class Case:
    """One fault at work on one target, until it is switched off."""

    stage: Stage
    key: str  # of the fault and what it is aimed at: by this name it holds what it holds
    target: str
    on: bool = True
    _ends: list[Callable[[], object]] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.stage.world

    @property
    def guest(self) -> Guest:
        return self.world.guests[int(self.target)]

    @property
    def node(self) -> Node:
        return self.world.nodes[self.target]

    def need_power(self, node: str) -> None:
        """Raises: ValueError, the node is off, so that nothing can happen there."""
        if not self.world.nodes[node].online:
            raise ValueError(f"{node} is off")

    def put(self, owner: object, name: str, value: object, *, yields: bool = False) -> None:
        """The attribute is this while the fault is on. `yields`: what the world makes of it meanwhile it stays."""
        self.stage.alter(self.key, owner, name, lambda _: value, yields=yields)

    def change(self, owner: object, name: str, how: Callable[[T], T]) -> None:
        """The attribute is this, made of what it is without the fault."""
        self.stage.alter(self.key, owner, name, how, yields=False)

    def afterwards(self, end: Callable[[], object]) -> None:
        """To be done when it is switched off."""
        self._ends.append(end)

    def end(self) -> None:
        self.on = False
        self.stage.give_back(self.key)
        for end in self._ends:
            end()


AGAIN = "seen at once by /alerts, Read all again"
DIGEST = "told once a day, in the digest: /alerts, Read all again, then /digest in the group"
WEEKLY = "told in the next digest, and then once a week"
OFF = "its rule is off unless somebody switches it on"

Targets = Callable[[Stage], list[str]]


def hosts(stage: Stage) -> list[str]:
    return list(stage.ports)


def nothing(stage: Stage) -> list[str]:
    return []


def _named(stage: Stage, which: Callable[[Guest], bool]) -> list[str]:
    """Those of HA last: what befalls them HA mends."""
    found = [guest for guest in stage.world.guests.values() if which(guest)]
    return [str(guest.vmid) for guest in sorted(found, key=lambda guest: bool(guest.ha))]


def guests(stage: Stage) -> list[str]:
    return _named(stage, lambda guest: guest.running)


def containers(stage: Stage) -> list[str]:
    return _named(stage, lambda guest: guest.running and guest.kind == "lxc")


def machines(stage: Stage) -> list[str]:
    return _named(stage, lambda guest: guest.running and guest.kind == "qemu")


def managed(stage: Stage) -> list[str]:
    return _named(stage, lambda guest: bool(guest.ha))


def stopped(stage: Stage) -> list[str]:
    """Those that need not run first."""
    down = [one for one in stage.world.guests.values() if not one.running and not one.template and not one.ha]
    return [str(guest.vmid) for guest in sorted(down, key=lambda guest: (guest.broken, guest.onboot, bool(guest.lock)))]


def small(stage: Stage) -> list[str]:
    """Guests whose backup takes the least time, first."""
    return sorted(guests(stage), key=lambda vmid: stage.world.guests[int(vmid)].maxdisk)


def storages(stage: Stage) -> list[str]:
    return sorted({storage.name for storage in stage.world.storages if storage.enabled})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    key: str
    group: str  # of the page
    label: str
    help: str
    targets: Targets
    rule: str = ""  # the bot's rule that it brings about, as its catalogue numbers and names it
    seen: str = ""  # how to see it in the chat, where it is not told there within two minutes
    begin: Callable[[Case], None] | None = None  # raises ValueError, with words for people: not now
    meet: Callable[[Request], Refusal | Reply | None] | None = None
    spoil: Callable[[Request, Reply], Reply] | None = None
    slow: bool = False  # takes longer
    once: bool = False  # over as soon as it has happened
    one: bool = False  # needs one target; without any the first is meant. Else none = all
