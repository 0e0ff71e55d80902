"""/version, /cluster/*, /nodes, /pools, /access: what any node answers for the whole cluster (pve-manager, API2)."""

import gzip
from collections.abc import Callable

import orjson

from bot.demo.cluster.api import Answer, Call, Param, Route
from bot.demo.cluster.broadcast import Broadcast, Row
from bot.demo.cluster.errors import Refusal, died
from bot.demo.cluster.tasks import Task
from bot.demo.cluster.things import changes

CLUSTER_TASKS = 25  # finished rows a node that fit its share of the broadcast


def version(call: Call) -> Answer:
    release = call.world.release
    return Answer(data={"version": release.text, "release": release.release, "repoid": "7e1a53c0b2d94f68"})


class Resources:
    """GET /cluster/resources; its bytes are kept while nothing has changed, per set of rows that a caller may see."""

    def __init__(self, broadcast: Broadcast) -> None:
        self._broadcast = broadcast
        self._kept: dict[tuple[object, ...], Answer] = {}
        self._stamp: tuple[int, ...] = ()

    def __call__(self, call: Call) -> Answer:
        world = call.world
        online = sum(1 << node.nodeid for node in world.nodes.values() if node.online)
        fresh = sum(1 << node.nodeid for node in world.nodes.values() if self._broadcast.fresh(node.name))
        stamp = (self._broadcast.count, changes(), world.access.generation, len(world.guests), online, fresh)
        if stamp != self._stamp:
            self._kept.clear()
            self._stamp = stamp
        key = call.caller.id, call.text("type")
        if key not in self._kept:
            body = orjson.dumps({"data": self._rows(call)})
            self._kept[key] = Answer(body=body, gzipped=gzip.compress(body, 1))
        return self._kept[key]

    def _rows(self, call: Call) -> list[Row]:
        wanted, rows = call.text("type"), list[Row]()
        pools = {name: Row(id=f"/pool/{name}", type="pool", pool=name) for name in call.world.pools}
        if wanted in {"", "vm"}:
            rows += self._guests(call, pools)
        if wanted in {"", "node"}:
            for node in call.world.nodes:
                rows.append(self._broadcast.node_row(node, figures=call.may("Sys.Audit", f"/nodes/{node}")))
        if wanted in {"", "storage"}:
            rows += [
                row
                for row in self._broadcast.storage_rows()
                if call.may("Datastore.Audit", f"/storage/{row['storage']}")
            ]
        if wanted in {"", "sdn"} and call.may("SDN.Audit", "/sdn/zones/localnetwork"):
            rows += [self._network(call, node) for node in call.world.nodes]
        if wanted == "":
            rows[:0] = [pool for name, pool in pools.items() if call.may("Pool.Audit", f"/pool/{name}")]
        return rows

    def _guests(self, call: Call, pools: dict[str, Row]) -> list[Row]:
        rows = []
        for guest in call.world.guests.values():
            seen = call.may("VM.Audit", f"/vms/{guest.vmid}")
            if not seen and not guest.pool:
                continue
            row = self._broadcast.guest_row(guest)
            if guest.pool in pools:  # those that the caller may not see are added up, too
                _add_up(pools[guest.pool], row)
                if call.may("Pool.Audit", f"/pool/{guest.pool}"):
                    row["pool"] = guest.pool
            if seen:
                rows.append(row)
        return rows

    @staticmethod
    def _network(call: Call, node: str) -> Row:
        if call.world.release.since(9, 1):
            return {
                "id": f"network/{node}/zone/localnetwork", "type": "network", "network-type": "zone",
                "network": "localnetwork", "node": node, "status": "ok",
            }  # fmt: skip
        return {"id": f"sdn/{node}/localnetwork", "type": "sdn", "sdn": "localnetwork", "node": node, "status": "ok"}


def _add_up(pool: Row, row: Row) -> None:
    """A pool's row shows what its running members use."""
    if not row.get("uptime"):
        return

    def number(of: Row, key: str) -> float:
        value = of.get(key, 0)
        return value if isinstance(value, int | float) else 0

    cpus = number(pool, "maxcpu") + number(row, "maxcpu")
    used = number(pool, "cpu") * number(pool, "maxcpu") + number(row, "cpu") * number(row, "maxcpu")
    pool["cpu"], pool["maxcpu"] = used / (cpus or 1), cpus
    pool["mem"] = number(pool, "mem") + number(row, "mem")
    pool["maxmem"] = number(pool, "maxmem") + number(row, "maxmem")
    pool["uptime"] = max(number(pool, "uptime"), number(row, "uptime"))


def status(call: Call) -> Answer:
    world = call.world
    rows: list[Row] = [
        {
            "id": "cluster", "type": "cluster", "name": world.name, "version": 3, "nodes": len(world.nodes),
            "quorate": int(world.quorate),
        }
    ]  # fmt: skip
    rows += [
        {
            "id": f"node/{node.name}", "type": "node", "name": node.name, "nodeid": node.nodeid, "ip": node.ip,
            "online": int(node.online), "local": int(node.name == call.host), "level": "",
        }
        for node in world.nodes.values()
    ]  # fmt: skip
    return Answer(data=rows)


def task_row(task: Task) -> Row:
    """As in the lists: user and token apart once it ended, together while it runs."""
    row: Row = {
        "upid": task.upid, "node": task.node, "type": task.type, "id": task.id, "starttime": int(task.start),
    }  # fmt: skip
    if task.end is None:
        return row | {"user": task.user, "pid": task.pid, "pstart": task.pstart}
    return row | task.ended


def tasks(call: Call) -> Answer:
    """A token without Sys.Audit on / sees nothing, not even its own."""
    world = call.world
    everything = call.may("Sys.Audit", "/")
    rows: list[Row] = []
    for node in world.nodes.values():
        found = [task for task in world.tasks.on(node.name) if everything or task.user == call.caller.user]
        rows += [task_row(task) for task in found if task.running]
        rows += [task_row(task) | {"saved": "1"} for task in found if not task.running][:CLUSTER_TASKS]
    return Answer(data=rows)


def nodes(broadcast: Broadcast) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        rows = []
        for name in call.world.nodes:
            row = broadcast.node_row(name, figures=call.may("Sys.Audit", f"/nodes/{name}"))
            row = {key: value for key, value in row.items() if key not in {"cgroup-mode", "hastate"}}
            if name in call.world.fingerprints:
                row["ssl_fingerprint"] = call.world.fingerprints[name]
            rows.append(row)
        return Answer(data=rows)

    return answer


def pools(call: Call) -> Answer:
    world, wanted = call.world, call.text("poolid")
    if wanted:
        call.need("Pool.Audit", f"/pool/{wanted}")
        if wanted not in world.pools:
            raise died(f"pool '{wanted}' does not exist")
    rows: list[Row] = []
    for name, comment in world.pools.items():
        if (wanted and name != wanted) or not call.may("Pool.Audit", f"/pool/{name}"):
            continue
        row: Row = {"poolid": name, **({"comment": comment} if comment else {})}
        if wanted:
            row["members"] = [
                {"id": guest.id, "type": guest.kind, "vmid": guest.vmid, "node": guest.node, "name": guest.name}
                for guest in world.guests.values()
                if guest.pool == name and call.text("type", guest.kind) == guest.kind
            ]
        rows.append(row)
    return Answer(data=rows)


def permissions(call: Call) -> Answer:
    """Own permissions always; another one's take Sys.Audit on /access."""
    access = call.world.access
    who = call.text("userid", call.caller.id)
    if who not in {call.caller.id, call.caller.user}:
        call.need("Sys.Audit", "/access")
    if path := call.text("path"):
        has = {name: int(on) for name, on in access.privileges(who, path).items()}
        return Answer(data={path: has} if has else {})
    return Answer(data=access.effective(who))


def tokens(call: Call) -> Answer:
    """A user's, for the user itself. A token is not its user here: it takes User.Modify (RPCEnvironment.pm)."""
    access, who = call.world.access, call.text("userid")
    itself = call.caller.id == who and who in access.users
    if not itself and call.caller.id != "root@pam" and not call.may("User.Modify", "/access/groups"):
        raise Refusal(403, "Permission check failed\n")
    if who not in access.users:
        raise died(f"no such user ('{who}')")
    return Answer(data=_tokens(call, who))


def users(call: Call) -> Answer:
    """Those that the caller may see; a token is not its user here either, and its user's tokens come with full=1."""
    access = call.world.access
    whole = call.caller.id == "root@pam" or call.may("User.Modify|Sys.Audit", "/access/groups")
    rows: list[Row] = []
    for who, user in access.users.items():
        if not whole and who != call.caller.id:
            continue
        if "enabled" in call.params and call.flag("enabled") is not user.enabled:
            continue
        row: Row = {"userid": who, "enable": int(user.enabled), "expire": int(user.expire), "realm-type": "pve"}
        if who.endswith("@pam"):
            row["realm-type"] = "pam"
        if call.flag("full"):
            row |= {"groups": "", "tokens": _tokens(call, who)}
        rows.append(row)
    return Answer(data=rows)


def _tokens(call: Call, who: str) -> list[Row]:
    return [
        {"tokenid": name.partition("!")[2], "expire": int(token.expire), "privsep": int(token.privsep)}
        for name, token in call.world.access.tokens.items()
        if name.partition("!")[0] == who
    ]


def ceph(call: Call) -> Answer:
    """As `ceph status` says it; 500 where there is none."""
    world = call.world
    if not world.ceph:
        raise died("binary not installed: /usr/bin/ceph-mon")
    checks: Row = {}
    if world.ceph == "HEALTH_WARN":
        checks["OSD_NEARFULL"] = _check("HEALTH_WARN", "1 nearfull osd(s)")
    if world.ceph == "HEALTH_ERR":
        checks["OSD_FULL"] = _check("HEALTH_ERR", "1 full osd(s)")
        checks["PG_AVAILABILITY"] = _check("HEALTH_WARN", "Reduced data availability: 12 pgs inactive")
    names = [node.name for node in world.nodes.values() if node.online]
    osds = 2 * len(names)
    return Answer(data={
        "fsid": "6f7b2d0a-5d43-4b6e-9d51-0f4a5a0a9c11", "health": {"status": world.ceph, "checks": checks, "mutes": []},
        "quorum_names": names, "quorum_age": 86_400, "monmap": {"num_mons": len(world.nodes)},
        "osdmap": {"num_osds": 2 * len(world.nodes), "num_up_osds": osds, "num_in_osds": 2 * len(world.nodes)},
        "pgmap": {"num_pgs": 129, "bytes_total": 12_000 * 1024**3, "bytes_used": 5_640 * 1024**3,
                  "pgs_by_state": [{"state_name": "active+clean", "count": 129}]},
    })  # fmt: skip


def _check(severity: str, words: str) -> Row:
    return {"severity": severity, "muted": False, "summary": {"message": words, "count": 1}, "detail": []}


def routes(broadcast: Broadcast) -> tuple[Route, ...]:
    get = "GET"
    return (
        Route(method=get, path="/version", handler=version),
        Route(
            method=get, path="/cluster/resources", handler=Resources(broadcast),
            params={"type": Param(enum=("vm", "storage", "node", "sdn"))},
        ),
        Route(method=get, path="/cluster/status", handler=status, check=("/", "Sys.Audit")),
        Route(method=get, path="/cluster/tasks", handler=tasks),
        Route(method=get, path="/access/permissions", handler=permissions, params={"path": Param(), "userid": Param()}),
        Route(
            method=get, path="/access/users", handler=users,
            params={"enabled": Param(type="boolean"), "full": Param(type="boolean")},
        ),
        Route(method=get, path="/access/users/{userid}/token", handler=tokens),
        Route(method=get, path="/cluster/ceph/status", handler=ceph, check=("/", "Sys.Audit|Datastore.Audit")),
        Route(method=get, path="/nodes", handler=nodes(broadcast)),
        Route(
            method=get, path="/pools", handler=pools,
            params={"poolid": Param(since=(8, 1)), "type": Param(enum=("qemu", "lxc", "storage"), since=(8, 1))},
        ),
    )  # fmt: skip
