"""High availability: what is managed, in which state, and what the manager thinks of the nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.model.readings import Ha, HaService
from bot.pve.feeds.source import Source
from bot.pve.parse import mapping, rows, text, whole

ARMED = {"armed": True, "standby": True, "disarming": False, "disarmed": False}
"""`armed-state` since 9.1 (PVE/API2/HA/Status.pm). Standby: nothing is managed, so no watchdog has to hold."""


@dataclass(frozen=True, slots=True)
class Current:
    ha: Ha
    used: bool  # a manager has ever been at work there


async def read_ha(source: Source, node: str = "") -> Ha:
    """GET /cluster/ha/status/current; where HA is in use, GET /cluster/ha/status/manager_status."""
    seen = await source.get("/cluster/ha/status/current", current)
    if not seen.used:
        return seen.ha
    return replace(seen.ha, nodes=await source.get("/cluster/ha/status/manager_status", manager))


def current(body: bytes) -> Current:
    """`status` is for people, and reads otherwise in each version: never parsed."""
    services: dict[str, HaService] = {}
    fencing: dict[str, str] = {}
    used = False
    for row in rows(body):
        if not isinstance(row, dict):
            continue
        kind, id_ = text(row.get("type")), text(row.get("id"))
        used = used or kind in {"master", "lrm", "service"}
        if kind == "service":
            service = _service(text(row.get("sid")) or id_.removeprefix("service:"), row)
            if service is not None:
                services[service.sid] = service
        elif kind == "fencing":
            said = text(row.get("armed-state"))
            if said:
                fencing[text(row.get("node")) or id_] = said
    known = [ARMED[said] for said in fencing.values() if said in ARMED]
    return Current(
        Ha(
            services=tuple(services[sid] for sid in sorted(services)),
            fencing=fencing,
            armed=all(known) if known else None,
        ),
        used,
    )


def manager(body: bytes) -> Mapping[str, str]:
    """Node -> online, maintenance, unknown, fence, gone (PVE/HA/NodeStatus.pm)."""
    said = mapping(body).get("manager_status")
    nodes = said.get("node_status") if isinstance(said, dict) else None
    return {node: text(state) for node, state in nodes.items() if text(state)} if isinstance(nodes, dict) else {}


def _service(sid: str, row: Mapping[str, object]) -> HaService | None:
    vmid = whole(sid.rpartition(":")[2])
    if not vmid:
        return None
    return HaService(
        sid=sid,
        vmid=vmid,
        node=text(row.get("node")),
        # the manager's own word; `state` says "starting" and the like in between
        state=text(row.get("crm_state")) or text(row.get("state")),
        requested=text(row.get("request_state")),
    )
