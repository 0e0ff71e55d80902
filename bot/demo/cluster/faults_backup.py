"""TABLE: what can go wrong with backups, replication, snapshots and tasks."""

import itertools
from dataclasses import replace

from bot.demo.cluster import backup
from bot.demo.cluster.errors import TaskFailed
from bot.demo.cluster.fault import Fault, Stage, guests, hosts
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


def _backup_failed(stage: Stage, on: bool, target: str) -> None:
    """It is saved at once, and every time it fails until this is off."""
    guest = stage.world.guests[int(target)]
    was = guest.unsaved
    stage.put(f"backup_failed {target}", on, guest, "unsaved", "job failed with err -5 - Input/output error")
    if on and not was:
        backup.begin(stage.world, backup.Job(node=guest.node, storage="nas-backup", vmids=(guest.vmid,)))


def _backup_now(stage: Stage, on: bool, target: str) -> None:
    """The nightly job, now: one task on the node."""
    if on:
        job = stage.world.jobs[0]
        backup.begin(
            stage.world,
            backup.Job(node=target, storage=job.storage, mode=job.mode, excluded=job.excluded, job=job.id),
        )


def _overdue(stage: Stage, on: bool, target: str) -> None:
    """A guest that no job held is in one now, and was saved long ago. What is known of the others is not touched:
    whoever has seen a newer backup will not believe that there is none."""
    world, key = stage.world, "backup_overdue"
    guest = world.guests.get(FORGOTTEN)
    if guest is None:
        raise ValueError(f"there is no guest {FORGOTTEN}")
    if on and key not in stage.kept:
        began = world.now - AGES[target]
        log = backup.story([guest], guest.node, began)
        task = world.tasks.remember(guest.node, "vzdump", str(guest.vmid), "root@pam", began, 60, *log)
        stage.kept[key] = task.upid
    elif not on and key in stage.kept:
        world.tasks.all.pop(str(stage.kept.pop(key)), None)
    _hold(stage, FORGOTTEN, held=key in stage.kept)


def _store(stage: Stage, on: bool, target: str) -> None:
    """Guests that were saved long ago, and never since, appear: of those that are there a newer backup was seen."""
    world, key = stage.world, "store_overdue"
    if on and key not in stage.kept:
        free = (vmid for vmid in itertools.count(901) if vmid not in world.guests)
        node, began = next(iter(world.nodes)), world.now - 3 * DAY
        made = [
            Guest(vmid, "lxc", f"archive-{vmid}", node, running=False, onboot=False, tags="archive")
            for vmid in itertools.islice(free, MANY)
        ]
        log = backup.story(made, node, began)
        task = world.tasks.remember(node, "vzdump", "", "root@pam", began, 60, *log)
        world.guests |= {guest.vmid: guest for guest in made}
        stage.kept[key] = (task.upid, *(guest.vmid for guest in made))
    elif not on and key in stage.kept:
        gone = stage.kept.pop(key)
        if isinstance(gone, tuple):
            world.tasks.all.pop(gone[0], None)
            for vmid in gone[1:]:
                world.guests.pop(vmid, None)


def _hold(stage: Stage, vmid: int, *, held: bool) -> None:
    job = stage.world.jobs[0]
    others = tuple(one for one in job.excluded if one != vmid)
    stage.world.jobs[0] = replace(job, excluded=others if held else (*others, vmid))


def _not_backed_up(stage: Stage, on: bool, target: str) -> None:
    _hold(stage, int(target), held=not on)


def _replication(stage: Stage, on: bool, target: str) -> None:
    for node in stage.world.nodes.values():
        for job in node.machine.replications:
            if job.id == target:
                stage.put(f"replication {target}", on, job, "fails", 6)
                stage.put(f"replication {target}", on, job, "error", "command 'zfs send' failed: exit code 1")
                stage.put(f"replication {target}", on, job, "last_sync", stage.world.now - 3 * 3_600)


def replicated(stage: Stage) -> list[str]:
    return [job.id for node in stage.world.nodes.values() for job in node.machine.replications]


def _task_fails(stage: Stage, on: bool, target: str) -> None:
    stage.world.tasks.fails = [target] if on else []


def _task_failed(stage: Stage, on: bool, target: str) -> None:
    """One that root@pam started, as startall and HA do."""
    if not on:
        return
    guest = next(guest for guest in stage.world.guests.values() if guest.running)

    def work(task: Task) -> Work:
        yield 1.0
        raise TaskFailed(FAILED[target])

    kind = target if target == "imgcopy" else f"{'qm' if guest.kind == 'qemu' else 'vz'}{target}"
    stage.world.tasks.begin(guest.node, kind, str(guest.vmid), "root@pam", work)


def _task_stuck(stage: Stage, on: bool, target: str) -> None:
    """It began long ago, and goes on for as long as this is on."""
    key = f"task_stuck {target}"
    tasks = stage.world.tasks
    if on and key not in stage.kept:

        def work(task: Task) -> Work:
            task.say("migrating data to remote host")
            while True:
                yield 3_600.0

        stage.kept[key] = tasks.begin(target, "qmmove", "102", "ana@pve", work, ago=STUCK).upid
    elif not on and key in stage.kept:
        task = tasks.all.get(str(stage.kept.pop(key)))
        if task is not None:
            tasks.interrupt(task)


def _snapshot_old(stage: Stage, on: bool, target: str) -> None:
    guest = stage.world.guests[int(target)]
    guest.snapshots = [one for one in guest.snapshots if one.name != "forgotten"]
    if on:
        guest.snapshots.insert(0, Snapshot("forgotten", stage.world.now - 62 * DAY, "just for a moment"))


FAULTS: tuple[Fault, ...] = (
    Fault(
        key="backup_failed", group=TASKS, label="Backup fails", help="saved now, with an error; so until it is off",
        targets=guests, turn=_backup_failed, one=True, rule="29 backup_failed",
    ),
    Fault(
        key="backup_now", group=TASKS, label="Nightly backup, now", help="one node's job: must make no noise",
        targets=hosts, turn=_backup_now, one=True, once=True, rule="29 backup_failed",
    ),
    Fault(
        key="backup_overdue", group=TASKS, label="Backup overdue", help="a guest's last one is so old",
        targets=lambda stage: list(AGES), turn=_overdue, one=True, rule="30 backup_overdue",
    ),
    Fault(
        key="store_overdue", group=TASKS, label="Backup store dead", help=f"{MANY} guests have only old backups",
        targets=lambda stage: [], turn=_store, rule="30 store_overdue",
    ),
    Fault(
        key="not_backed_up", group=TASKS, label="In no backup job", help="the nightly job leaves it out",
        targets=guests, turn=_not_backed_up, one=True, rule="31 not_backed_up",
    ),
    Fault(
        key="replication", group=TASKS, label="Replication fails", help="six times in a row", targets=replicated,
        turn=_replication, one=True, rule="28 replication",
    ),
    Fault(
        key="task_failed", group=TASKS, label="A task fails", help="root@pam's, now",
        targets=lambda stage: list(FAILED), turn=_task_failed, one=True, once=True, rule="32 task_failed",
    ),
    Fault(
        key="task_fails", group=TASKS, label="Task fails", help="the next task fails, with these words",
        targets=lambda stage: list(WORDS), turn=_task_fails, one=True,
    ),
    Fault(
        key="task_stuck", group=TASKS, label="Task stuck", help="it has been running for 30 hours", targets=hosts,
        turn=_task_stuck, one=True, rule="33 task_stuck",
    ),
    Fault(
        key="snapshot_old", group=TASKS, label="Old snapshot", help="two months old", targets=guests,
        turn=_snapshot_old, one=True, rule="34 snapshot_old",
    ),
)  # fmt: skip
