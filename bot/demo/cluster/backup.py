"""vzdump: the task, its log line for line, the lock meanwhile, and the file it leaves (pve-manager, VZDump.pm).

A guest that cannot be saved does not end the job: the others are saved, and the task ends with `job errors`.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.demo.cluster.errors import TaskFailed
from bot.demo.cluster.tasks import Task, Work
from bot.demo.cluster.things import GIB, Guest, Storage, Volume
from bot.demo.cluster.world import BackupJob, World

RATE = 180 * 1024**2  # bytes a second that are read of a guest's disk
NO_SPACE = "no space left on device"
RESTART = 6.0  # seconds a guest is down before a backup in mode stop goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to save, as POST /nodes/{node}/vzdump or a job at night has it."""

    node: str
    storage: str
    mode: str = "snapshot"  # snapshot, suspend, stop
    vmids: Sequence[int] = ()  # those named; none: all on the node but the excluded
    excluded: Sequence[int] = ()
    user: str = "root@pam"
    job: str = ""  # id of the scheduled job, '' = by hand
    skipped: Sequence[int] = ()  # named, but on another node


def begin(world: World, job: Job) -> Task:
    """One task for one node. Its id is the guest's, where one alone was named; else it is empty."""
    guests = [
        guest
        for guest in sorted(world.guests.values(), key=lambda one: one.vmid)
        if guest.node == job.node and (guest.vmid in job.vmids if job.vmids else guest.vmid not in job.excluded)
    ]
    subject = str(job.vmids[0]) if len(job.vmids) == 1 else ""
    return world.tasks.begin(job.node, "vzdump", subject, job.user, lambda task: _run(world, job, guests, task))


def command(job: Job) -> str:
    """As the log's first line has it."""
    what = [str(vmid) for vmid in job.vmids] or ["--all", "1"]
    more = ["--quiet", "1"] if job.job else ["--remove", "0", "--notes-template", "'{{guestname}}'"]
    return " ".join(["vzdump", *what, "--storage", job.storage, "--mode", job.mode, "--node", job.node, *more])


def _run(world: World, job: Job, guests: Sequence[Guest], task: Task) -> Work:
    task.say(f"INFO: starting new backup job: {command(job)}")
    if job.skipped:
        task.say(f"INFO: skip external VMs: {', '.join(map(str, sorted(job.skipped)))}")
    storage = next((one for one in world.storages_on(job.node) if one.name == job.storage), None)
    if storage is None or not storage.active:
        words = f"could not activate storage '{job.storage}': storage '{job.storage}' is not online"
        task.say(f"ERROR: Backup job failed - {words}")
        raise TaskFailed(words)
    done: list[tuple[Guest, str, float, int]] = []  # guest, what went wrong, seconds, bytes
    for guest in guests:
        began = world.now
        yield 1.0
        if guest.node != job.node or guest.vmid not in world.guests:
            continue  # moved on meanwhile
        size = [0]
        try:
            yield from _one(world, job, guest, storage, task, size)
        except TaskFailed as why:
            task.say(f"ERROR: Backup of VM {guest.vmid} failed - {why}")
            task.say(f"INFO: Failed at {_stamp(world.now)}")
            done.append((guest, str(why), world.now - began, 0))
        else:
            spent = int(world.now - began)
            task.say(f"INFO: Finished Backup of VM {guest.vmid} ({_span(spent)})")
            task.say(f"INFO: Backup finished at {_stamp(world.now)}")
            done.append((guest, "", spent, size[0]))
    failed = any(why for _, why, _, _ in done)
    task.say("INFO: Backup job finished with errors" if failed else "INFO: Backup job finished successfully")
    world.on_backup(job.node, job.job, command(job), done, list(task.lines))
    if failed:
        raise TaskFailed("job errors")


def _one(world: World, job: Job, guest: Guest, storage: Storage, task: Task, size: list[int]) -> Work:
    """One guest: locked, read, and let go however it ends."""
    task.say(f"INFO: Starting Backup of VM {guest.vmid} ({guest.kind})")
    task.say(f"INFO: Backup started at {_stamp(world.now)}")
    task.say(f"INFO: status = {guest.status}")
    if guest.lock:
        raise TaskFailed(f"{guest.word} is locked ({guest.lock})")
    was_up = guest.running
    mode = job.mode if was_up else "stop"
    task.say(f"INFO: backup mode: {mode}")
    task.say("INFO: ionice priority: 7")
    task.say(f"INFO: {'VM' if guest.kind == 'qemu' else 'CT'} Name: {guest.name}")
    guest.lock = "backup"
    before, release = task.release, _let_go(world, guest, was_up, task.release)
    task.release = release
    try:
        if was_up and mode == "stop":
            task.say("INFO: stopping virtual guest")
            yield min(guest.shutdown_time, 60)
            world.halt(guest)
            yield RESTART
        if guest.kind == "qemu" and not guest.running:
            task.say("INFO: starting kvm to execute backup task")
            world.boot(guest)
            guest.qmpstatus = "running" if was_up else "prelaunch"
            if was_up:
                guest.qmpstatus = ""
                task.say("INFO: resume VM")
        yield from _read(world, guest, storage, task, size)
    finally:
        release()
        task.release = before


def _read(world: World, guest: Guest, storage: Storage, task: Task, size: list[int]) -> Work:
    ending = "vma.zst" if guest.kind == "qemu" else "tar.zst"
    stamp = datetime.fromtimestamp(world.now, UTC).strftime("%Y_%m_%d-%H_%M_%S")
    name = f"vzdump-{guest.kind}-{guest.vmid}-{stamp}.{ending}"
    task.say(f"INFO: creating vzdump archive '/mnt/pve/{storage.name}/dump/{name}'")
    began, total = world.now, guest.maxdisk / GIB
    seconds = max(4.0, guest.maxdisk * guest.used / RATE)
    yield 1.0
    if guest.unsaved:
        raise TaskFailed(guest.unsaved)
    for percent in (10, 25, 50, 75, 100):
        yield seconds / 5
        if storage.used > 0.995 or not storage.active:
            raise TaskFailed(NO_SPACE if storage.active else f"storage '{storage.name}' is not online")
        so_far = f"{total * percent / 100:.1f} GiB of {total:.1f} GiB"
        task.say(f"INFO: {percent:3d}% ({so_far}) in {int(world.now - began)}s, read: 180.0 MiB/s, write: 92.4 MiB/s")
    size[0] = int(guest.maxdisk * guest.used * 0.5)
    task.say(f"INFO: transferred {total:.2f} GiB in {int(seconds)} seconds (180.0 MiB/s)")
    task.say(f"INFO: archive file size: {size[0] / GIB:.2f}GB")
    task.say("INFO: adding notes to backup")
    volume = Volume(f"{storage.name}:backup/{name}", "backup", ending, size[0], world.now, guest.vmid, notes=guest.name)
    storage.volumes.append(volume)
    storage.volumes.sort(key=lambda one: one.volid)


def story(guests: Sequence[Guest], node: str, began: float) -> list[str]:
    """The log of a job that went well, before anybody looked."""
    lines = [f"INFO: starting new backup job: {command(Job(node=node, storage='nas-backup', job='nightly'))}"]
    for number, guest in enumerate(guests):
        at = began + 60 * number
        lines += [
            f"INFO: Starting Backup of VM {guest.vmid} ({guest.kind})",
            f"INFO: Backup started at {_stamp(at)}",
            f"INFO: status = {guest.status}",
            "INFO: backup mode: snapshot",
            f"INFO: Finished Backup of VM {guest.vmid} ({_span(55)})",
            f"INFO: Backup finished at {_stamp(at + 55)}",
        ]
    return [*lines, "INFO: Backup job finished successfully"]


def _let_go(world: World, guest: Guest, was_up: bool, before: Callable[[], None] | None) -> Callable[[], None]:
    """Once, whether the task gets there, is interrupted, or loses its node."""
    held = [True]

    def release() -> None:
        if held:
            held.clear()
            guest.lock = "" if guest.lock == "backup" else guest.lock
            on = world.nodes[guest.node].online
            if guest.running and not was_up and guest.qmpstatus == "prelaunch":
                world.halt(guest)
            elif was_up and not guest.running and on:
                world.boot(guest)
        if before is not None:
            before()

    return release


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _span(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def next_run(now: float, schedule: str) -> int:
    """Of a daily schedule `HH:MM`, UTC."""
    hours, _, minutes = schedule.partition(":")
    day = now - now % 86_400 + int(hours) * 3_600 + int(minutes) * 60
    return int(day if day > now else day + 86_400)


def every_night(world: World) -> None:
    """Each enabled job runs on every node that is on, at its hour, from now on."""

    def run(planned: str) -> None:
        job = next((one for one in world.jobs if one.id == planned), None)
        if job is None:
            return
        if job.enabled:
            for node in world.nodes.values():
                if node.online:
                    begin(world, Job(
                        node=node.name, storage=job.storage, mode=job.mode, vmids=job.vmids, excluded=job.excluded,
                        job=job.id,
                    ))  # fmt: skip
        plan(job)

    def plan(job: BackupJob) -> None:
        at = next_run(world.now + 60, job.schedule)  # not the one that just began
        world.clock.later(at - world.now, lambda: run(job.id))

    for job in world.jobs:
        plan(job)


def job_id(name: str) -> str:
    """As Proxmox makes them up: backup-1a2b3c4d-5e6f."""
    digest = f"{zlib.crc32(name.encode()):08x}"
    return f"backup-{digest}-{digest[:4]}"
