"""Ceph, by its own word."""

from bot.model.readings import Ceph, CephCheck
from bot.pve.feeds.source import Source
from bot.pve.parse import Garbled, flag, mapping, shown, text


async def read_ceph(source: Source, node: str = "") -> Ceph:
    """GET /cluster/ceph/status. Where it is not installed or not set up that is PveAbsent (faults.py)."""
    return await source.get("/cluster/ceph/status", ceph)


def ceph(body: bytes) -> Ceph:
    """Of `ceph status --format json`: health.checks is an object by check."""
    health = mapping(body).get("health")
    said = text(health.get("status")) if isinstance(health, dict) else ""
    if not isinstance(health, dict) or not said:
        raise Garbled(f"Ceph says nothing of its health: {shown(body)}")
    found = health.get("checks")
    checks = []
    for name, check in sorted(found.items()) if isinstance(found, dict) else ():
        if isinstance(check, dict):
            summary = check.get("summary")
            checks.append(
                CephCheck(
                    name=name,
                    error=text(check.get("severity")) == "HEALTH_ERR",
                    muted=flag(check.get("muted")),
                    summary=text(summary.get("message")) if isinstance(summary, dict) else text(summary),
                )
            )
    return Ceph(health=said, checks=tuple(checks))
