"""What can go wrong, all of it; the demo's page draws a button for each.

A fault acts on the world when it is turned on or off (`turn`), or on each request meanwhile: it answers in its place
(`meet`), or spoils the answer (`spoil`). To add one, add a row to the table of its subject.
"""

from collections.abc import Iterable

from bot.demo.cluster import faults_api, faults_backup, faults_guests, faults_nodes, faults_storage, faults_upkeep
from bot.demo.cluster.fault import Fault, Stage

SLOW = faults_api.SLOW
FAULTS: tuple[Fault, ...] = (
    *faults_nodes.FAULTS, *faults_guests.FAULTS, *faults_storage.FAULTS, *faults_backup.FAULTS, *faults_upkeep.FAULTS,
    *faults_api.FAULTS,
)  # fmt: skip
BY_KEY = {fault.key: fault for fault in FAULTS}


class Faults:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._on: dict[str, list[str]] = {}  # key -> what it is aimed at, the latest last

    def set(self, key: str, on: bool, target: str = "") -> None:
        """Raises KeyError for an unknown fault, ValueError for a target that it does not have."""
        fault = BY_KEY[key]
        targets = fault.targets(self._stage)
        if not target and fault.one and not (targets or self._on.get(key)):
            raise ValueError(f"{fault.label} has nothing to be aimed at now")
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
                "group": fault.group,
                "rule": fault.rule,
                "once": fault.once,
                "label": fault.label,
                "help": fault.help,
                "on": fault.key in self._on,
                "target": (self._on.get(fault.key) or [""])[-1],
                "one": fault.one,  # false: may be aimed at all at once
                "aimed": list(self._on.get(fault.key, ())),
                "targets": (targets := fault.targets(self._stage)),
                "names": self._names([*targets, *self._on.get(fault.key, ())]),
            }
            for fault in FAULTS
        ]

    def _names(self, targets: Iterable[str]) -> dict[str, str]:
        """What guests are called: 101 web."""
        guests = self._stage.world.guests
        return {one: f"{one} {guests[int(one)].name}" for one in targets if one.isdigit() and int(one) in guests}

    def at(self, host: str) -> list[Fault]:
        """Those that requests to this host meet now."""
        return [BY_KEY[key] for key, aimed in self._on.items() if {"", host} & set(aimed) and key in BY_KEY]
