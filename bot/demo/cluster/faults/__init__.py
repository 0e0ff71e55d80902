"""What can go wrong, all of it; the demo's page draws a button for each.

A fault acts on the world from when it is switched on until it is off (`begin`), or on each request meanwhile: it
answers in its place (`meet`), or spoils the answer (`spoil`). To add one, add a row to the table of its subject.
"""

from collections.abc import Iterable

from bot.demo.cluster.faults import api, backup, guests, nodes, storage, upkeep
from bot.demo.cluster.faults.fault import Case, Fault, Stage

SLOW = api.SLOW
FAULTS: tuple[Fault, ...] = (
    *nodes.FAULTS, *guests.FAULTS, *storage.FAULTS, *backup.FAULTS, *upkeep.FAULTS, *api.FAULTS,
)  # fmt: skip
BY_KEY = {fault.key: fault for fault in FAULTS}


class Faults:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._on: dict[str, dict[str, Case]] = {}  # key -> what it is aimed at, the latest last

    def set(self, key: str, on: bool, target: str = "") -> None:
        """On twice is on once, and what is off stays as it is.

        Raises: KeyError, an unknown fault; ValueError, a target that it does not have, or nothing that could be done.
        """
        fault = BY_KEY[key]
        self._forget_what_happened()
        cases = self._on.get(key, {})
        if not target and fault.one:
            targets = [*fault.targets(self._stage), *cases]
            if not targets:
                raise ValueError(f"{fault.label} has nothing to be aimed at now")
            target = targets[-1] if cases else targets[0]
        if on:
            self._begin(fault, target)
        else:
            for one in [target] if target else list(cases):
                if one in cases:
                    cases.pop(one).end()
            if not cases:
                self._on.pop(key, None)

    def _begin(self, fault: Fault, target: str) -> None:
        cases = self._on.get(fault.key, {})
        if target in cases:
            cases[target] = cases.pop(target)
            return
        targets = fault.targets(self._stage)
        if target and target not in targets and fault.key != "task_fails":
            raise ValueError(f"{fault.label} has no target {target!r}; it has {', '.join(targets) or 'none'}")
        case = Case(self._stage, f"{fault.key} {target}", target)
        if fault.begin is not None:
            fault.begin(case)
        if not fault.once:
            self._on.setdefault(fault.key, {})[target] = case

    def _forget_what_happened(self) -> None:
        """The next task has failed: its fault is over."""
        left = {words: case for words, case in self._on.pop("task_fails", {}).items() if words in self._fails}
        if left:
            self._on["task_fails"] = left

    @property
    def _fails(self) -> list[str]:
        return self._stage.world.tasks.fails

    def clear(self) -> None:
        for key in list(self._on):
            for target in list(self._on.get(key, ())):  # ending one may show that another is over
                self.set(key, False, target)

    def table(self) -> list[dict[str, object]]:
        self._forget_what_happened()
        return [
            {
                "key": fault.key,
                "group": fault.group,
                "rule": fault.rule,
                "once": fault.once,
                "label": fault.label,
                "help": fault.help,
                "seen": fault.seen,
                "on": fault.key in self._on,
                "target": [*self._on.get(fault.key, ("",))][-1],
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
        return [BY_KEY[key] for key, cases in self._on.items() if cases.keys() & {"", host}]
