"""Replication of guests' disks from node to node."""

from bot.model.readings import ReplicationJob
from bot.pve.feeds.schedule import interval
from bot.pve.feeds.source import Source
from bot.pve.parse import flag, moment, rows, text, whole

USUAL = "*/15"
"""The schedule of a job that names none (PVE/ReplicationConfig.pm)."""


async def read_replication(source: Source, node: str) -> tuple[ReplicationJob, ...]:
    """GET /nodes/{node}/replication: the jobs whose source it is."""
    return await source.get(f"/nodes/{node}/replication", lambda body: jobs(body, node))


def jobs(body: bytes, node: str) -> tuple[ReplicationJob, ...]:
    found: dict[str, ReplicationJob] = {}
    for row in rows(body):
        if not isinstance(row, dict) or not (id_ := text(row.get("id"))):
            continue
        vmid = whole(row.get("guest")) or whole(id_.partition("-")[0])
        if not vmid:
            continue
        found[id_] = ReplicationJob(
            id=id_,
            vmid=vmid,
            source=text(row.get("source")) or node,
            target=text(row.get("target")),
            fails=whole(row.get("fail_count")) or 0,
            last_sync=moment(row.get("last_sync")),
            last_try=moment(row.get("last_try")),
            next_sync=moment(row.get("next_sync")),
            interval=interval(text(row.get("schedule")) or USUAL),
            error=text(row.get("error")).strip(),
            disabled=flag(row.get("disable")),
            running=bool(whole(row.get("pid"))),
        )
    return tuple(found[id_] for id_ in sorted(found))
