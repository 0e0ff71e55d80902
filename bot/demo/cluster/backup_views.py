"""/cluster/backup, /cluster/backup-info, POST /nodes/{node}/vzdump (pve-manager, API2/{Backup,VZDump}.pm)."""

from bot.demo.cluster import backup
from bot.demo.cluster.api import Answer, Call, Param, Route
from bot.demo.cluster.broadcast import Row
from bot.demo.cluster.errors import Refusal, bad, died

CHECK = ("/", "Sys.Audit")


def jobs(call: Call) -> Answer:
    rows: list[Row] = []
    for job in call.world.jobs:
        row: Row = {
            "id": job.id, "type": "vzdump", "schedule": job.schedule, "storage": job.storage, "mode": job.mode,
            "enabled": int(job.enabled), "compress": "zstd", "notes-template": "{{guestname}}",
        }  # fmt: skip
        row |= {"vmid": ",".join(map(str, job.vmids))} if job.vmids else {"all": 1}
        if job.excluded:
            row["exclude"] = ",".join(map(str, job.excluded))
        if job.comment:
            row["comment"] = job.comment
        if job.enabled and call.world.release.since(7, 2):
            row["next-run"] = backup.next_run(call.world.now, job.schedule)
        rows.append(row)
    return Answer(data=rows)


def not_backed_up(call: Call) -> Answer:
    """Guests in no enabled job, of those that the caller may see."""
    covered = set[int]()
    for job in call.world.jobs:
        if job.enabled:
            covered |= set(job.vmids) or set(call.world.guests) - set(job.excluded)
    return Answer(data=[
        {"vmid": guest.vmid, "type": guest.kind, "name": guest.name}
        for guest in call.world.guests.values()
        if guest.vmid not in covered and call.may("VM.Audit", f"/vms/{guest.vmid}")
    ])  # fmt: skip


def vzdump(call: Call) -> Answer:
    """A task on this node for those of the guests that are here; `OK` in place of a UPID when none is."""
    world, node, storage = call.world, call.node, call.text("storage", "local")
    named = _vmids(call, "vmid")
    if not named and not call.flag("all"):
        raise bad(vmid="property is missing and it is not optional" if "vmid" not in call.params else "invalid format")
    if named and call.flag("all"):
        raise bad(all="option conflicts with option 'vmid'")
    here = [vmid for vmid in named if vmid not in world.guests or world.guests[vmid].node == node]
    if named and not here:
        return Answer(data="OK")
    call.need("Datastore.AllocateSpace", f"/storage/{storage}")
    found = next((one for one in world.storages_on(node) if one.name == storage), None)
    if found is None:
        raise died(f"storage '{storage}' does not exist")
    if "backup" not in found.content.split(","):
        raise died(f"can't use storage '{storage}' for backups - wrong content type")
    missing = [vmid for vmid in here if not call.may("VM.Backup", f"/vms/{vmid}")]
    if missing:
        raise Refusal(403, f"Permission check failed (/vms/{missing[0]}, VM.Backup)\n")
    excluded = {*_vmids(call, "exclude")}
    if call.flag("all"):
        excluded |= {vmid for vmid in world.guests if not call.may("VM.Backup", f"/vms/{vmid}")}
    job = backup.Job(
        node=node, storage=storage, mode=call.text("mode", "snapshot"), vmids=here, excluded=sorted(excluded),
        user=call.caller.id, skipped=[vmid for vmid in named if vmid not in here],
    )  # fmt: skip
    return Answer(data=backup.begin(world, job).upid)


def _vmids(call: Call, name: str) -> list[int]:
    words = [word for word in call.text(name).replace(";", ",").replace(" ", ",").split(",") if word]
    if wrong := next((word for word in words if not word.isdigit() or not 100 <= int(word) <= 999_999_999), None):
        raise Refusal(
            400,
            "Parameter verification failed.\n",
            {name: f"invalid format - value '{wrong}' does not look like a valid VM ID\n"},
        )
    return [int(word) for word in words]


FLAG, NUMBER, ROOT = Param(type="boolean"), Param(type="integer", minimum=0), Param(root=True)


ROUTES = (
    Route(method="GET", path="/cluster/backup", handler=jobs, check=CHECK),
    Route(method="GET", path="/cluster/backup-info/not-backed-up", handler=not_backed_up, check=CHECK),
    Route(
        method="POST", path="/nodes/{node}/vzdump", handler=vzdump, proxied=True,
        params={
            "all": FLAG, "bwlimit": NUMBER, "compress": Param(enum=("0", "1", "gzip", "lzo", "zstd")),
            "dumpdir": ROOT, "exclude": Param(), "ionice": Param(type="integer", minimum=0, maximum=8),
            "exclude-path": Param(), "lockwait": NUMBER, "mailnotification": Param(enum=("always", "failure")),
            "mailto": Param(), "mode": Param(enum=("snapshot", "suspend", "stop")), "notes-template": Param(),
            "performance": Param(), "pigz": Param(type="integer"), "pool": Param(), "protected": FLAG,
            "prune-backups": Param(), "quiet": FLAG, "remove": FLAG, "script": ROOT, "stdexcludes": FLAG,
            "stdout": FLAG, "stop": FLAG, "stopwait": NUMBER, "storage": Param(), "tmpdir": ROOT, "vmid": Param(),
            "zstd": Param(type="integer"), "fleecing": Param(since=(8, 2)),
            "job-id": Param(since=(8, 2), root=True),
            "notification-mode": Param(since=(8, 2), enum=("auto", "legacy-sendmail", "notification-system")),
            "pbs-change-detection-mode": Param(since=(8, 2), enum=("legacy", "data", "metadata")),
        },
    ),
)  # fmt: skip
