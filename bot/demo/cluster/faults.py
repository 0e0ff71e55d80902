"""TABLE: what can go wrong. One row a fault; the demo's page draws a button for each.

A fault acts on the world when it is turned on or off (`turn`), or on each request meanwhile: it answers in its place
(`meet`), or spoils the answer (`spoil`). To add one, add a row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.demo.cluster.errors import Gateway, Refusal, Unauthorized, died
from bot.demo.cluster.messages import Reply, Request
from bot.demo.cluster.server import Port
from bot.demo.cluster.world import World

SLOW = 3.0  # seconds
WORDS = (
    "VM quit/powerdown failed - got timeout",
    "start failed: QEMU exited with code 1",
    "command 'lvs' failed: exit code 5",
)


@dataclass
class Stage:
    """What a fault may touch."""

    world: World
    ports: Mapping[str, Port]
    kept: dict[str, float] = field(default_factory=dict)  # what it was before, to put it back


Targets = Callable[[Stage], list[str]]


def hosts(stage: Stage) -> list[str]:
    return list(stage.ports)


def guests(stage: Stage) -> list[str]:
    return [str(guest.vmid) for guest in stage.world.guests.values() if guest.running]


def storages(stage: Stage) -> list[str]:
    return sorted({storage.name for storage in stage.world.storages if storage.enabled})


def nothing(stage: Stage) -> list[str]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    key: str
    label: str
    help: str
    targets: Targets
    turn: Callable[[Stage, bool, str], None] | None = None
    meet: Callable[[Request], Refusal | Reply | None] | None = None
    spoil: Callable[[Request, Reply], Reply] | None = None
    slow: bool = False  # takes longer
    once: bool = False  # over as soon as it has happened
    one: bool = False  # needs one target; without any the first is meant. Else none = all


def _node_off(stage: Stage, on: bool, target: str) -> None:
    node = stage.world.nodes[target]
    if on:
        stage.world.power_off(node)
    else:
        stage.world.power_on(node)


def _api_off(stage: Stage, on: bool, target: str) -> None:
    for host, port in stage.ports.items():
        if target not in {"", host}:
            continue
        if on:
            port.shut()
        elif stage.world.nodes[host].online:
            port.reopen()


def _crash(stage: Stage, on: bool, target: str) -> None:
    if on:
        stage.world.crash(stage.world.guests[int(target)])


def _disk_full(stage: Stage, on: bool, target: str) -> None:
    for storage in stage.world.storages:
        if storage.name == target:
            key = f"{storage.node}/{storage.name}"
            if on:
                stage.kept.setdefault(key, storage.used)
                storage.used = 0.998
            else:
                storage.used = stage.kept.pop(key, storage.used)


def _task_fails(stage: Stage, on: bool, target: str) -> None:
    stage.world.tasks.fails = [target] if on else []


def _quorum(stage: Stage, on: bool, target: str) -> None:
    stage.world.quorum_lost = on


def _cut(request: Request, reply: Reply) -> Reply:
    reply.cut = True
    return reply


def _broken(request: Request, reply: Reply) -> Reply:
    return Reply(body=b'{"data":[{"id":"qemu/101","status":', status=200)


def _lost(request: Request, reply: Reply) -> Reply:
    if request.write and reply.status < 400:
        reply.drop = True
    return reply


FAULTS: tuple[Fault, ...] = (
    Fault(key="node_off", label="Node off", help="the node loses its power", targets=hosts, turn=_node_off, one=True),
    Fault(
        key="api_off",
        label="API host off",
        help="its API refuses connections; the node runs on",
        targets=hosts,
        turn=_api_off,
    ),
    Fault(
        key="slow",
        label="Slow",
        help=f"every answer takes {SLOW:.0f} s longer",
        targets=hosts,
        slow=True,
    ),
    Fault(
        key="hang",
        label="Hanging",
        help="requests are taken and never answered",
        targets=hosts,
        meet=lambda request: Reply(hang=True),
    ),
    Fault(
        key="401",
        label="401",
        help="every token is refused",
        targets=hosts,
        meet=lambda request: Unauthorized("Authentication failed!"),
    ),
    Fault(
        key="403",
        label="403",
        help="nothing is allowed",
        targets=hosts,
        meet=lambda request: Refusal(403, "Permission check failed (/, Sys.Audit)\n"),
    ),
    Fault(
        key="500",
        label="500",
        help="every call dies",
        targets=hosts,
        meet=lambda request: died(
            "RPCEnvironment init request failed: Unable to load access control list: Connection refused"
        ),
    ),
    Fault(
        key="595",
        label="595",
        help="no call gets through to its node",
        targets=hosts,
        meet=lambda request: Gateway(595, "No route to host"),
    ),
    Fault(
        key="broken_json",
        label="Broken JSON",
        help="answers end in the middle of their JSON",
        targets=hosts,
        spoil=_broken,
    ),
    Fault(
        key="cut_body",
        label="Cut body",
        help="the connection drops in the middle of an answer",
        targets=hosts,
        spoil=_cut,
    ),
    Fault(
        key="lost_answer", label="Answer lost", help="a write is done, its answer is lost", targets=hosts, spoil=_lost
    ),
    Fault(
        key="crash",
        label="Guest crash",
        help="a guest stops by itself",
        targets=guests,
        turn=_crash,
        once=True,
        one=True,
    ),
    Fault(key="disk_full", label="Disk full", help="a storage fills up", targets=storages, turn=_disk_full, one=True),
    Fault(
        key="task_fails",
        label="Task fails",
        help="the next task fails, with these words",
        targets=lambda stage: list(WORDS),
        turn=_task_fails,
        one=True,
    ),
    Fault(key="quorum_lost", label="Quorum lost", help="the cluster can change nothing", targets=nothing, turn=_quorum),
)
BY_KEY = {fault.key: fault for fault in FAULTS}


class Faults:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._on: dict[str, list[str]] = {}  # key -> what it is aimed at, the latest last

    def set(self, key: str, on: bool, target: str = "") -> None:
        """Raises KeyError for an unknown fault, ValueError for a target that it does not have."""
        fault = BY_KEY[key]
        targets = fault.targets(self._stage)
        if not target and fault.one:
            target = (self._on.get(key) or targets)[-1 if self._on.get(key) else 0]
        if target and target not in targets and not (key == "task_fails" or target in self._on.get(key, [])):
            raise ValueError(f"{fault.label} has no target {target!r}; it has {', '.join(targets) or 'none'}")
        if fault.turn is not None:
            fault.turn(self._stage, on, target)
        aimed = [other for other in self._on.pop(key, []) if other != target and (on or target)]
        if on and not fault.once:
            aimed.append(target)
        if aimed:
            self._on[key] = aimed

    def clear(self) -> None:
        for key in list(self._on):
            for target in list(self._on[key]):
                self.set(key, False, target)

    def table(self) -> list[dict[str, object]]:
        if not self._stage.world.tasks.fails:
            self._on.pop("task_fails", None)
        return [
            {
                "key": fault.key,
                "label": fault.label,
                "help": fault.help,
                "on": fault.key in self._on,
                "target": (self._on.get(fault.key) or [""])[-1],
                "one": fault.one,  # false: may be aimed at all at once
                "aimed": list(self._on.get(fault.key, ())),
                "targets": fault.targets(self._stage),
            }
            for fault in FAULTS
        ]

    def at(self, host: str) -> list[Fault]:
        """Those that requests to this host meet now."""
        return [BY_KEY[key] for key, aimed in self._on.items() if {"", host} & set(aimed) and key in BY_KEY]
