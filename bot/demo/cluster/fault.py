"""What a fault is, what it may touch, and what it may be aimed at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.demo.cluster.errors import Refusal
from bot.demo.cluster.messages import Reply, Request
from bot.demo.cluster.notify import Notifier
from bot.demo.cluster.power import Power
from bot.demo.cluster.server import Port
from bot.demo.cluster.world import World


@dataclass
class Stage:
    """What a fault may touch."""

    world: World
    ports: Mapping[str, Port]
    power: Power
    notifier: Notifier
    kept: dict[str, object] = field(default_factory=dict)  # what it was before, to put it back

    def put(self, key: str, on: bool, owner: object, name: str, value: object) -> None:
        """Sets an attribute while the fault is on, and gives it back its old value when it is off."""
        slot = f"{key} {name}"
        if on:
            self.kept.setdefault(slot, getattr(owner, name))
            setattr(owner, name, value)
        elif slot in self.kept:
            setattr(owner, name, self.kept.pop(slot))


Targets = Callable[[Stage], list[str]]


def hosts(stage: Stage) -> list[str]:
    return list(stage.ports)


def guests(stage: Stage) -> list[str]:
    """Those of HA last: what befalls them HA mends."""
    running = [guest for guest in stage.world.guests.values() if guest.running]
    return [str(guest.vmid) for guest in sorted(running, key=lambda guest: bool(guest.ha))]


def storages(stage: Stage) -> list[str]:
    return sorted({storage.name for storage in stage.world.storages if storage.enabled})


def nothing(stage: Stage) -> list[str]:
    return []


def containers(stage: Stage) -> list[str]:
    return [str(guest.vmid) for guest in stage.world.guests.values() if guest.running and guest.kind == "lxc"]


def machines(stage: Stage) -> list[str]:
    return [str(guest.vmid) for guest in stage.world.guests.values() if guest.running and guest.kind == "qemu"]


def managed(stage: Stage) -> list[str]:
    return [str(guest.vmid) for guest in stage.world.guests.values() if guest.ha]


def stopped(stage: Stage) -> list[str]:
    """Those that need not run first."""
    down = [one for one in stage.world.guests.values() if not one.running and not one.template and not one.ha]
    return [str(guest.vmid) for guest in sorted(down, key=lambda guest: (guest.broken, guest.onboot, bool(guest.lock)))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    key: str
    group: str  # of the page
    label: str
    help: str
    targets: Targets
    rule: str = ""  # the bot's rule that it brings about, as its catalogue numbers and names it
    turn: Callable[[Stage, bool, str], None] | None = None
    meet: Callable[[Request], Refusal | Reply | None] | None = None
    spoil: Callable[[Request, Reply], Reply] | None = None
    slow: bool = False  # takes longer
    once: bool = False  # over as soon as it has happened
    one: bool = False  # needs one target; without any the first is meant. Else none = all
