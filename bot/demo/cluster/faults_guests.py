"""TABLE: what can go wrong with guests."""

from collections.abc import Callable

from bot.demo.cluster.errors import Refusal
from bot.demo.cluster.fault import Fault, Stage, Targets, containers, guests, machines, stopped

GUESTS, FIGURES = "Guests", "Load of guests"
LOOP = 25.0  # seconds between two restarts of a container that restarts itself


def _crash(stage: Stage, on: bool, target: str) -> None:
    if on:
        stage.world.crash(stage.world.guests[int(target)])


def _put(key: str, name: str, value: object) -> Callable[[Stage, bool, str], None]:
    def turn(stage: Stage, on: bool, target: str) -> None:
        stage.put(f"{key} {target}", on, stage.world.guests[int(target)], name, value)

    return turn


def _loop(stage: Stage, on: bool, target: str) -> None:
    """It goes on for as long as it is on: down and up within one breath, its uptime begins anew."""
    key = f"restart_loop {target}"
    if not on:
        stage.kept.pop(key, None)
        return
    if key in stage.kept:
        return
    stage.kept[key] = True
    guest = stage.world.guests[int(target)]

    def again() -> None:
        if key not in stage.kept:
            return
        if guest.running:
            stage.world.boot(guest)
        stage.world.clock.later(LOOP, again)

    again()


def _expected(stage: Stage, on: bool, target: str) -> None:
    """Both: a tag is seen at the next poll, a configuration some time."""
    guest = stage.world.guests[int(target)]
    tags = ";".join(filter(None, [guest.tags, "expect-up"])) if "expect-up" not in guest.tags else guest.tags
    for name, value in (("tags", tags), ("onboot", True)):
        stage.put(f"onboot_down {target}", on, guest, name, value)


def _silent(stage: Stage, on: bool, target: str) -> None:
    guest = stage.world.guests[int(target)]
    tags = ";".join(filter(None, [guest.tags, "expect-agent"])) if "expect-agent" not in guest.tags else guest.tags
    for name, value in (("tags", tags), ("agent", True), ("agent_alive", False)):
        stage.put(f"agent_silent {target}", on, guest, name, value)


def _full(stage: Stage, on: bool, target: str) -> None:
    guest = stage.world.guests[int(target)]
    tags = ";".join(filter(None, [guest.tags, "expect-agent"])) if "expect-agent" not in guest.tags else guest.tags
    for name, value in (("tags", tags), ("agent", True), ("agent_alive", True), ("used", 0.97)):
        stage.put(f"vm_disk {target}", on, guest, name, value)


def _order(stage: Stage, target: str, action: str) -> None:
    """Raises: ValueError, Proxmox refuses it now; with its words."""
    try:
        stage.power.order("ana@pve", stage.world.guests[int(target)], action)
    except Refusal as why:
        raise ValueError(why.message.strip()) from None


def _somebody(stage: Stage, on: bool, target: str) -> None:
    if on:
        _order(stage, target, "start")


def _reboots(stage: Stage, on: bool, target: str) -> None:
    if on:
        _order(stage, target, "reboot")


def _row(
    key: str, label: str, words: str, targets: Targets, rule: str, turn: Callable[[Stage, bool, str], None],
    *, once: bool = False, group: str = GUESTS,
) -> Fault:  # fmt: skip
    return Fault(
        key=key, group=group, label=label, help=words, targets=targets, turn=turn, one=True, once=once, rule=rule
    )


FAULTS: tuple[Fault, ...] = (
    _row("crash", "Guest crash", "it stops by itself", guests, "7 guest_stopped_by_itself", _crash, once=True),
    _row(
        "onboot_down", "Guest that should run", "stopped, onboot, tagged expect-up", stopped, "8 guest_expected_down",
        _expected,
    ),
    _row(
        "io_error", "I/O error", "QEMU stopped it: its disk cannot be written", machines, "9 guest_io_error",
        _put("io_error", "qmpstatus", "io-error"),
    ),
    _row("paused", "Paused", "nobody resumes it", machines, "10 guest_paused", _put("paused", "paused", True)),
    _row("restart_loop", "Restart loop", f"restarts itself every {LOOP:.0f} s", containers, "11 restart_loop", _loop),
    _row("lock_stuck", "Lock stuck", "locked, and no task is at it", guests, "12 lock_stuck",
         _put("lock_stuck", "lock", "snapshot")),
    _row("agent_silent", "Agent silent", "tagged expect-agent, and no answer", machines, "46 guest_silent", _silent),
    _row("started", "Somebody starts it", "ana, in Proxmox itself", stopped, "40 guest_event", _somebody, once=True),
    _row("rebooted", "Somebody reboots it", "ana, in Proxmox itself", guests, "40 guest_event", _reboots, once=True),
    _row("guest_cpu", "CPU high", "99 % of its CPUs", guests, "13 guest_cpu", _put("guest_cpu", "load", 0.99),
         group=FIGURES),
    _row("guest_mem", "Memory high", "a container at 98 %", containers, "14 guest_mem",
         _put("guest_mem", "memory", 0.98), group=FIGURES),
    _row("ct_disk", "Disk full", "a container at 97 %", containers, "15 ct_disk", _put("ct_disk", "used", 0.97),
         group=FIGURES),
    _row("vm_disk", "VM disk full", "tagged expect-agent, / at 97 %", machines, "15 vm_disk", _full, group=FIGURES),
)  # fmt: skip
