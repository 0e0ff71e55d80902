"""TABLE: what wants looking after, and what Proxmox pushes of its own accord."""

from collections.abc import Callable

from bot.demo.cluster.faults.fault import AGAIN, DIGEST, OFF, Case, Fault, Stage, hosts, nothing
from bot.demo.cluster.machine import KERNEL, Package
from bot.demo.cluster.things import Guest

UPKEEP, PUSH = "Upkeep", "Pushed by Proxmox"
DAY = 86_400.0
SERVICES = ("pvescheduler", "qmeventd", "pve-ha-lrm", "pvestatd")
DAYS = {"2 days": 2 * DAY, "9 days": 9 * DAY}


def _certificate(case: Case) -> None:
    """A target is a node and how long it has left."""
    name, _, left = case.target.partition(", ")
    for one in case.world.nodes[name].machine.certificates:
        if one.filename == "pve-ssl.pem":
            case.put(one, "expires", case.world.now + DAYS[left])


def _updates(case: Case) -> None:
    machine = case.node.machine
    newer = [
        Package(one.name, one.installed, "9.1.99" if one.name in {"pve-manager", "qemu-server"} else one.available)
        for one in machine.packages
    ]
    case.put(machine, "packages", newer)


def _reboot(case: Case) -> None:
    """A newer kernel is installed than the one that runs."""
    case.put(case.node.machine, "kernel", "6.14.11-4-pve")


def _service(case: Case) -> None:
    name, _, service = case.target.partition(": ")

    def fail(down: frozenset[str]) -> frozenset[str]:
        return down | {service}

    case.change(case.world.nodes[name].machine, "down", fail)


def _drift(case: Case) -> None:
    for node in [case.node] if case.target else case.world.nodes.values():
        case.put(node.machine, "drift", 42.0)


def _subscription(case: Case) -> None:
    case.put(case.node.machine, "due", case.world.now + 5 * DAY)


def _token(case: Case) -> None:
    case.put(case.world.access.tokens[case.target], "expire", case.world.now + 2 * DAY)


def tokens(stage: Stage) -> list[str]:
    return [name for name in stage.world.access.tokens if name.endswith(("!view", "!power"))]


def _backup_pushed(stage: Stage) -> None:
    world = stage.world
    guest: Guest = next(guest for guest in world.guests.values() if guest.running)
    why = "job failed with err -5 - Input/output error"
    log = [
        f"{guest.vmid}: 2026-01-02 02:00:03 INFO: Starting Backup of VM {guest.vmid} ({guest.kind})",
        f"{guest.vmid}: 2026-01-02 02:00:44 ERROR: Backup of VM {guest.vmid} failed - {why}",
    ]
    job = world.jobs[0]
    stage.notifier.backup(guest.node, job.id, "vzdump --all 1 --storage nas-backup", [(guest, why, 41, 0)], log)


def _fencing_pushed(stage: Stage) -> None:
    stage.notifier.fencing(stage.world.nodes["pve3"], over=False)


def _pushed(key: str, label: str, words: str, rule: str, what: Callable[[Stage], None]) -> Fault:
    return Fault(
        key=key,
        group=PUSH,
        label=label,
        help=words,
        targets=nothing,
        begin=lambda case: what(case.stage),
        once=True,
        rule=rule,
    )


FAULTS: tuple[Fault, ...] = (
    Fault(
        key="cert", group=UPKEEP, label="Certificate expires", help="the one that its API serves",
        targets=lambda stage: [f"{node}, {left}" for node in stage.ports for left in DAYS], begin=_certificate,
        one=True, seen=AGAIN, rule="35 cert_expiry",
    ),
    Fault(
        key="updates", group=UPKEEP, label="Updates", help="two packages have newer versions", targets=hosts,
        begin=_updates, one=True, seen=DIGEST, rule="36 updates",
    ),
    Fault(
        key="reboot", group=UPKEEP, label="Reboot pending", help=f"{KERNEL} is installed, an older one runs",
        targets=hosts, begin=_reboot, one=True, seen=DIGEST, rule="36 updates",
    ),
    Fault(
        key="service_down", group=UPKEEP, label="Service down", help="it failed, and stays so",
        targets=lambda stage: [f"{node}: {name}" for node in stage.ports for name in SERVICES], begin=_service,
        one=True, rule="37 service_down",
    ),
    Fault(
        key="clock_drift", group=UPKEEP, label="Clock drifts", help="42 s ahead; all of them: the bot's own is wrong",
        targets=hosts, begin=_drift, seen=AGAIN, rule="39 clock_drift",
    ),
    Fault(
        key="subscription", group=UPKEEP, label="Subscription ends", help="in 5 days", targets=hosts,
        begin=_subscription, one=True, seen=OFF, rule="42 subscription",
    ),
    Fault(
        key="token", group=UPKEEP, label="Token expires", help="in 2 days",
        targets=tokens, begin=_token, one=True, seen=AGAIN, rule="45 token_expiry",
    ),
    _pushed("push_mail", "Mail to root", "smartd's, as Proxmox forwards it", "44 system_mail",
            lambda stage: stage.notifier.system_mail()),
    _pushed("push_backup", "Backup failed", "with its log; by itself it only makes the bot look: Backup fails is told",
            "29 backup_failed", _backup_pushed),
    _pushed("push_fencing", "Fencing", "pve3 is about to be fenced", "5 node_fenced", _fencing_pushed),
    _pushed("push_updates", "Updates", "the list of packages; by itself it only makes the bot look", "36 updates",
            lambda stage: stage.notifier.package_updates()),
    _pushed("push_replication", "Replication failed",
            "of 102 to pve3; by itself it only makes the bot look: Replication fails is told", "28 replication",
            lambda stage: stage.notifier.replication()),
)  # fmt: skip
