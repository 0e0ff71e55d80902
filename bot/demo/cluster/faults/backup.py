"""TABLE: what can go wrong with backups, replication, snapshots and tasks."""

import itertools
from collections.abc import Sequence
from functools import partial

from bot.demo.cluster import backup
from bot.demo.cluster.errors import TaskFailed
from bot.demo.cluster.faults.fault import WEEKLY, Case, Fault, Stage, guests, hosts, machines, nothing, small, stopped
from bot.demo.cluster.tasks import Task, Work
from bot.demo.cluster.things import Guest, Snapshot

TASKS = "Backups and tasks"
DAY = 86_400.0
WORDS = (
    "VM quit/powerdown failed - got timeout",
    "start failed: QEMU exited with code 1",
    "command 'lvs' failed: exit code 5",
)
FAILED = {
    "start": "start failed: QEMU exited with code 1",
    "migrate": "migration aborted",
    "imgcopy": "command 'qemu-img convert' failed: exit code 1",
}
FORGOTTEN = 111  # broken: in no job, never saved
AGES = {"3 days": 3 * DAY, "8 days": 8 * DAY}
MANY = 7
STUCK = 30 * 3_600.0  # seconds that a stuck task has been running: longer than any is given


def _backup_failed(case: Case) -> None:
    """It is saved at once, and every time it fails until this is off; then it is saved well."""
    guest, world = case.guest, case.world
    case.need_power(guest.node)
    case.put(guest, "unsaved", "job failed with err -5 - Input/output error")

    def save() -> Task:
        return backup.begin(world, backup.Job(node=guest.node, storage="nas-backup", vmids=(guest.vmid,)))

    first = save()
    case.afterwards(lambda: first.running or not world.nodes[guest.node].online or save())


def _backup_now(case: Case) -> None:
    """The nightly job, now: one task on the node."""
    case.need_power(case.target)
    job = case.world.jobs[0]
    backup.begin(
        case.world,
        backup.Job(node=case.target, storage=job.storage, mode=job.mode, excluded=job.excluded, job=job.id),
    )


def _overdue(case: Case) -> None:
    """A guest that no job held is in one now, and was saved long ago. What is known of the others is not touched:
    whoever has seen a newer backup will not believe that there is none."""
    guest = case.world.guests.get(FORGOTTEN)
    if guest is None:
        raise ValueError(f"there is no guest {FORGOTTEN}")
    _saved(case, [guest], guest.node, case.world.now - AGES[case.target])

    def hold(excluded: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(one for one in excluded if one != FORGOTTEN)

    case.change(case.world.jobs[0], "excluded", hold)
    case.afterwards(lambda: _have_them_read(case.stage))


def _have_them_read(stage: Stage) -> None:
    """Whoever watches reads all backups anew when one has ended: that of a small guest soon has."""
    vmid = next(iter(small(stage)), None)
    guest = stage.world.guests[int(vmid)] if vmid is not None else None
    if guest is not None and stage.world.nodes[guest.node].online:
        backup.begin(stage.world, backup.Job(node=guest.node, storage="nas-backup", vmids=(guest.vmid,)))


def _store(case: Case) -> None:
    """Guests that were saved long ago, and never since, appear: of those that are there a newer backup was seen."""
    world = case.world
    free = (vmid for vmid in itertools.count(901) if vmid not in world.guests)
    node = next(iter(world.nodes))
    made = [
        Guest(vmid, "lxc", f"archive-{vmid}", node, running=False, onboot=False, tags="archive")
        for vmid in itertools.islice(free, MANY)
    ]
    _saved(case, made, node, world.now - 3 * DAY)
    world.guests |= {guest.vmid: guest for guest in made}
    for guest in made:
        case.afterwards(partial(world.guests.pop, guest.vmid, None))


def _saved(case: Case, guests: Sequence[Guest], node: str, began: float) -> None:
    """A backup of theirs, long ago, that nobody has heard of when this is off."""
    tasks, subject = case.world.tasks, str(guests[0].vmid) if len(guests) == 1 else ""
    task = tasks.remember(node, "vzdump", subject, "root@pam", began, 60, *backup.story(guests, node, began))
    case.afterwards(lambda: tasks.all.pop(task.upid, None))


def _not_backed_up(case: Case) -> None:
    vmid = int(case.target)

    def leave_out(excluded: tuple[int, ...]) -> tuple[int, ...]:
        return excluded if vmid in excluded else (*excluded, vmid)

    case.change(case.world.jobs[0], "excluded", leave_out)


def _replication(case: Case) -> None:
    for node in case.world.nodes.values():
        for job in node.machine.replications:
            if job.id == case.target:
                case.put(job, "fails", 6)
                case.put(job, "error", "command 'zfs send' failed: exit code 1")
                case.put(job, "last_sync", case.world.now - 3 * 3_600)


def replicated(stage: Stage) -> list[str]:
    return [job.id for node in stage.world.nodes.values() for job in node.machine.replications]


def _task_fails(case: Case) -> None:
    tasks, words = case.world.tasks, case.target
    tasks.fails.append(words)

    def let_it_be() -> None:
        tasks.fails = [other for other in tasks.fails if other != words]

    case.afterwards(let_it_be)


def _task_failed(case: Case) -> None:
    """One that root@pam started, as startall and HA do. What does not start is down afterwards, too."""
    begins = case.target == "start"
    vmids = [vmid for vmid in (stopped if begins else machines)(case.stage) if _could(case, int(vmid))]
    if not vmids:
        raise ValueError("there is no VM that a task could fail on")
    guest = case.world.guests[int(vmids[0])]

    def work(task: Task) -> Work:
        yield 1.0
        raise TaskFailed(FAILED[case.target])

    kind = case.target if case.target == "imgcopy" else f"qm{case.target}"
    case.world.tasks.begin(guest.node, kind, str(guest.vmid), "root@pam", work)


def _could(case: Case, vmid: int) -> bool:
    guest = case.world.guests[vmid]
    return guest.kind == "qemu" and case.world.nodes[guest.node].online


def _task_stuck(case: Case) -> None:
    """It began long ago, and goes on for as long as this is on."""
    case.need_power(case.target)

    def work(task: Task) -> Work:
        task.say("migrating data to remote host")
        while True:
            yield 3_600.0

    task = case.world.tasks.begin(case.target, "qmmove", "102", "ana@pve", work, ago=STUCK)
    case.afterwards(lambda: case.world.tasks.interrupt(task))


def _snapshot_old(case: Case) -> None:
    old = Snapshot("forgotten", case.world.now - 62 * DAY, "just for a moment")
    case.change(case.guest, "snapshots", lambda snapshots: [old, *snapshots])


FAULTS: tuple[Fault, ...] = (
    Fault(
        key="backup_failed", group=TASKS, label="Backup fails", help="saved now, with an error; when it is off, well",
        targets=small, begin=_backup_failed, one=True, rule="29 backup_failed",
    ),
    Fault(
        key="backup_now", group=TASKS, label="Nightly backup, now", help="one node's job: must make no noise",
        targets=hosts, begin=_backup_now, one=True, once=True, rule="29 backup_failed",
    ),
    Fault(
        key="backup_overdue", group=TASKS, label="Backup overdue", help="a guest's last one is so old",
        targets=lambda stage: list(AGES), begin=_overdue, one=True, rule="30 backup_overdue",
    ),
    Fault(
        key="store_overdue", group=TASKS, label="Backup store dead", help=f"{MANY} guests have only old backups",
        targets=nothing, begin=_store, rule="30 store_overdue",
    ),
    Fault(
        key="not_backed_up", group=TASKS, label="In no backup job", help="the nightly job leaves it out",
        targets=guests, begin=_not_backed_up, one=True, seen=WEEKLY, rule="31 not_backed_up",
    ),
    Fault(
        key="replication", group=TASKS, label="Replication fails", help="six times in a row", targets=replicated,
        begin=_replication, one=True, rule="28 replication",
    ),
    Fault(
        key="task_failed", group=TASKS, label="A task fails", help="root@pam's, now",
        targets=lambda stage: list(FAILED), begin=_task_failed, one=True, once=True, rule="32 task_failed",
    ),
    Fault(
        key="task_fails", group=TASKS, label="Task fails", help="the next task fails, with these words",
        targets=lambda stage: list(WORDS), begin=_task_fails, one=True,
    ),
    Fault(
        key="task_stuck", group=TASKS, label="Task stuck", help="it has been running for 30 hours", targets=hosts,
        begin=_task_stuck, one=True, rule="33 task_stuck",
    ),
    Fault(
        key="snapshot_old", group=TASKS, label="Old snapshot", help="two months old", targets=guests,
        begin=_snapshot_old, one=True, seen=WEEKLY, rule="34 snapshot_old",
    ),
)  # fmt: skip
