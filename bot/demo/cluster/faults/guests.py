"""TABLE: what can go wrong with guests."""

from collections.abc import Callable

from bot.demo.cluster.errors import Refusal
from bot.demo.cluster.faults.fault import OFF, Case, Fault, Stage, Targets, containers, guests, machines, stopped

GUESTS, FIGURES = "Guests", "Load of guests"
LOOP = 33.0  # seconds between two restarts of a container that restarts itself


def _crash(case: Case) -> None:
    case.need_power(case.guest.node)
    case.world.crash(case.guest)


def _put(name: str, value: object) -> Callable[[Case], None]:
    return lambda case: case.put(case.guest, name, value, yields=True)


def _locked(case: Case) -> None:
    """A node that boots meanwhile does not start what is locked: that is made up for."""
    _put("lock", "snapshot")(case)

    def start() -> None:
        guest = case.guest
        if guest.onboot and not guest.ha and not guest.running and case.world.nodes[guest.node].online:
            case.world.start_all(case.world.nodes[guest.node], [guest])

    case.afterwards(start)


def _loop(case: Case) -> None:
    """It goes on for as long as it is on: down and up within one breath, its uptime begins anew."""

    def again() -> None:
        if case.on:
            if case.guest.running and case.world.nodes[case.guest.node].online:
                case.world.boot(case.guest)
            case.world.clock.later(LOOP, again)

    again()


def _tag(case: Case, tag: str) -> None:
    def tagged(tags: str) -> str:
        return tags if tag in tags.split(";") else ";".join(filter(None, [tags, tag]))

    case.change(case.guest, "tags", tagged)


def _expected(case: Case) -> None:
    """Both: a tag is seen at the next poll, a configuration some time."""
    _tag(case, "expect-up")
    case.put(case.guest, "onboot", True)


def _silent(case: Case) -> None:
    _tag(case, "expect-agent")
    case.put(case.guest, "agent", True)
    case.put(case.guest, "agent_alive", False)


def _full(case: Case) -> None:
    _tag(case, "expect-agent")
    for name, value in (("agent", True), ("agent_alive", True), ("used", 0.97)):
        case.put(case.guest, name, value)


def _ordered(action: str) -> Callable[[Case], None]:
    """Raises: ValueError, Proxmox refuses it now; with its words."""

    def begin(case: Case) -> None:
        case.need_power(case.guest.node)
        try:
            case.stage.power.order("ana@pve", case.guest, action)
        except Refusal as why:
            raise ValueError(why.message.strip()) from None

    return begin


def at_work(stage: Stage) -> list[str]:
    """VMs that run and are not paused."""
    return [vmid for vmid in machines(stage) if not stage.world.guests[int(vmid)].paused]


def unlocked(stage: Stage) -> list[str]:
    return [vmid for vmid in guests(stage) if not stage.world.guests[int(vmid)].lock]


def _row(
    key: str, label: str, words: str, targets: Targets, rule: str, begin: Callable[[Case], None],
    *, once: bool = False, group: str = GUESTS, seen: str = "",
) -> Fault:  # fmt: skip
    return Fault(
        key=key,
        group=group,
        label=label,
        help=words,
        targets=targets,
        begin=begin,
        one=True,
        once=once,
        rule=rule,
        seen=seen,
    )


FAULTS: tuple[Fault, ...] = (
    _row("crash", "Guest crash", "it stops by itself", guests, "7 guest_stopped_by_itself", _crash, once=True),
    _row(
        "onboot_down", "Guest that should run", "stopped, onboot, tagged expect-up", stopped, "8 guest_expected_down",
        _expected,
    ),
    _row(
        "io_error", "I/O error", "QEMU stopped it: its disk cannot be written", at_work, "9 guest_io_error",
        _put("qmpstatus", "io-error"),
    ),
    _row("paused", "Paused", "nobody resumes it", at_work, "10 guest_paused", _put("paused", True)),
    _row("restart_loop", "Restart loop", f"restarts itself every {LOOP:.0f} s", containers, "11 restart_loop", _loop),
    _row("lock_stuck", "Lock stuck", "locked, and no task is at it", unlocked, "12 lock_stuck",
         _locked),
    _row("agent_silent", "Agent silent", "tagged expect-agent, and no answer", machines, "46 guest_silent", _silent),
    _row("started", "Somebody starts it", "ana, in Proxmox itself", stopped, "40 guest_event", _ordered("start"),
         once=True, seen=OFF),
    _row("rebooted", "Somebody reboots it", "ana, in Proxmox itself", guests, "40 guest_event", _ordered("reboot"),
         once=True, seen=OFF),
    _row("guest_cpu", "CPU high", "99 % of its CPUs", guests, "13 guest_cpu", _put("load", 0.99),
         group=FIGURES),
    _row("guest_mem", "Memory high", "a container at 98 %", containers, "14 guest_mem",
         _put("memory", 0.98), group=FIGURES),
    _row("ct_disk", "Disk full", "a container at 97 %", containers, "15 ct_disk", _put("used", 0.97),
         group=FIGURES),
    _row("vm_disk", "VM disk full", "tagged expect-agent, / at 97 %", machines, "15 vm_disk", _full, group=FIGURES),
)  # fmt: skip
