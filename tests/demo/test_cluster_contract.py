"""The simulated cluster's answers against Proxmox's own schema, where that lies beside the checkout.

SHARED_DIR names the folder (default: `../shared` beside the checkout); without it these tests are skipped.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.demo.cluster import Cluster
from bot.demo.cluster.api import Route
from bot.demo.cluster.machine import Replication
from tests.demo.cluster_kit import EPOCH, served, speaking

FOLDER = Path(os.environ.get("SHARED_DIR", Path(__file__).parents[2].parent / "shared")) / "pve"
pytestmark = pytest.mark.skipif(not (FOLDER / "contract.json").exists(), reason=f"no {FOLDER}/contract.json")

# ours -> the version in the contract
VERSIONS = {"7.4-20": "7.4", "8.4.21": "8.4", "9.1.11": "9.1"}
IN_PATH = {"node", "vmid", "upid", "storage", "userid", "name"}
PATHS = {"{node}": "pve1", "{storage}": "nas-backup", "{userid}": "telemox@pve", "{name}": "tank"}
QUERIES: dict[str, dict[str, Any]] = {"rrddata": {"timeframe": "hour"}, "users": {"full": 1}}
# Seen in Proxmox's sources (or recorded) and declared nowhere
UNDECLARED = {
    "/cluster/resources": {"[].memhost"},
    "/cluster/tasks": {"[].pid", "[].pstart", "[].saved", "[].tokenid"},
    "/nodes/{node}/tasks": {"[].tokenid"},
    "/nodes/{node}/lxc/{vmid}/config": {".parent"},  # as a VM's, where it is declared
    "/nodes/{node}/lxc": {"[].pressurecpufull"},
    "/nodes/{node}/lxc/{vmid}/status/current": {".pressurecpufull"},
    "/nodes/{node}/storage/{storage}/content": {"[].content"},
    "/nodes/{node}/replication": {
        f"[].{key}"
        for key in ("schedule", "vmtype", "duration", "last_sync", "last_try", "next_sync", "fail_count", "error")
    },  # PVE/API2/Replication.pm, extract_job_status
}
# Those whose rule is more than one privilege on one path: the handler itself looks
LOOKS_ITSELF = {"/nodes/{node}/disks/list", "/access/users/{userid}/token"}
# The facts give these as strings, or as numbers where the schema has another kind of number
TYPES = {"/nodes/{node}/lxc": "pressure", "/nodes/{node}/lxc/{vmid}/status/current": "pressure"}


@cache
def contract() -> Mapping[tuple[str, str], dict[str, Any]]:
    entries = json.loads((FOLDER / "contract.json").read_text())["endpoints"]
    return {(entry["method"], entry["path"]): entry for entry in entries}


@cache
def deviations() -> dict[str, Any]:
    return dict(json.loads((FOLDER / "deviations.json").read_text()))


def routes(version: str) -> tuple[Route, ...]:
    return Cluster(version=version, guests=1, speed=0, epoch=EPOCH).routes


def cases() -> Iterator[tuple[str, Route]]:
    for version in VERSIONS:
        for route in routes(version):
            yield version, route


def name(value: object) -> str:
    return f"{value.method} {value.path}" if isinstance(value, Route) else str(value)


@pytest.mark.parametrize(("version", "route"), list(cases()), ids=name)
def test_taught_is_what_there_is(version: str, route: Route) -> None:
    """The method exists in that version, with these parameters, this privilege, answered by that node."""
    entry = contract()[route.method, route.path]
    known = VERSIONS[version]
    assert known in entry["versions"]
    diff = entry.get("diff", {}).get(known, {})
    missing = set(diff.get("params_not_yet", ()))
    declared = {param["name"]: param for param in entry["parameters"] if param["name"] not in missing}
    taught = {
        param: spec for param, spec in route.params.items() if not spec.since or version_of(version) >= spec.since
    }
    in_path = {part for part in IN_PATH if f"{{{part}}}" in route.path}
    assert set(taught) | in_path == set(declared)
    changed = diff.get("params_changed_was", {})
    for param, spec in taught.items():
        told = declared[param] | changed.get(param, {})
        assert spec.type == told["type"] or (told["type"] == "array" and spec.type == "string"), param
        assert spec.required is told["required"], param
        assert set(spec.enum) == set(told.get("enum", ())), param
        assert spec.minimum == told.get("minimum") or param == "vmid", param
    assert route.proxied is bool(entry.get("proxyto"))
    check = diff.get("permissions_was", entry["permissions"]).get("check")
    if check is None or route.path in LOOKS_ITSELF:
        assert route.check is None
        assert check is None or check[0] == "or"
    else:
        assert route.check is not None
        assert route.check[0] == check[1]
        assert route.check[1] in {"|".join(check[2]), "agent"}


def version_of(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.replace("-", ".").split("."))


def walk(value: object, at: str = "") -> Iterator[tuple[str, object]]:
    """Every key with its value: `[].cpu`, `.memory.total`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{at}.{key}", inner
            yield from walk(inner, f"{at}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, f"{at}[]")


def schema(spec: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, inner in spec.get("properties", {}).items():
        yield f"{at}.{key}", inner
        yield from schema(inner, f"{at}.{key}")
    if "items" in spec:
        yield from schema(spec["items"], f"{at}[]")


KINDS: dict[str, type | tuple[type, ...]] = {
    "integer": int,
    "number": (int, float),
    "boolean": int,
    "string": str,
    "array": list,
    "object": dict,
}


def fits(value: object, kind: str | None) -> bool:
    """JSON's true and false fit nothing: Proxmox says 1 and 0."""
    if kind is None:
        return True
    return isinstance(value, KINDS[kind]) and not isinstance(value, bool) and (kind != "boolean" or value in {0, 1})


def addresses(route: Route) -> Iterator[str]:
    """Real paths for the template: a guest in each kind of state."""
    path = route.path
    for part, real in PATHS.items():
        path = path.replace(part, real)
    if "{upid}" in path:
        return
    vmids = {"/qemu/": ("101", "666", "9000"), "/lxc/": ("110", "104")}
    for kind, numbers in vmids.items():
        if kind in path and "{vmid}" in path:
            for vmid in numbers:
                if "/agent/" not in path or vmid == "101":
                    yield path.replace("{vmid}", vmid)
            return
    yield path


@pytest.mark.parametrize("version", VERSIONS)
async def test_answers_are_as_declared(version: str) -> None:
    """Every key is declared, or known to come undeclared; every value is of its type."""
    async with served(version=version) as cluster, speaking(cluster) as root:
        upid = await root.post("/nodes/pve1/qemu/113/status/reboot")
        cluster.world.ceph = "HEALTH_WARN"
        cluster.world.nodes["pve1"].machine.replications = [Replication("113-0", 113, "pve2", EPOCH, EPOCH, fails=2)]
        cluster.world.nodes["pve1"].machine.pools[0].health = "DEGRADED"
        cluster.world.nodes["pve1"].machine.due = EPOCH
        paths = [(route, path) for route in cluster.routes if route.method == "GET" for path in addresses(route)]
        paths += [(route, route.path.format(node="pve1", upid=upid)) for route in cluster.routes
                  if "{upid}" in route.path and route.method == "GET"]  # fmt: skip
        cluster.advance(20)
        assert len(paths) > 25
        for route, path in paths:
            query = next((query for end, query in QUERIES.items() if path.endswith(end)), {})
            found = await root.get(path, **query)
            entry = contract()["GET", route.path]
            stopped = path.endswith("/lxc/104/interfaces") and found is None
            assert stopped or fits(found, entry["returns"]["type"]), path
            declared = dict(schema(entry["returns"]))
            unseen = deviations()["undeclared_fields_seen"].get(f"GET {route.path}", {})
            free = not declared
            for deep, value in walk(found):
                key = re.sub(r"(\.children\[\])+", ".children[]", deep)  # a tree: each level as the first
                if key in declared:
                    loose = TYPES.get(route.path, "-") in key
                    assert loose or fits(value, declared[key].get("type")), (path, key, value)
                    assert not declared[key].get("enum") or value in declared[key]["enum"], (path, key, value)
                elif not free:
                    parent = key.rpartition(".")[0]
                    known = {*unseen, *UNDECLARED.get(route.path, ())}
                    assert key in known or parent in known or declared.get(parent) == {"type": "object"}, (path, key)


@pytest.mark.parametrize(
    "path", ["/version", "/cluster/status", "/nodes/pve1/status", "/nodes/pve1/qemu/101/status/current"]
)
async def test_what_is_required_is_there(path: str) -> None:
    async with served() as cluster, speaking(cluster) as root:
        found = await root.get(path)
        template = path.replace("pve1", "{node}").replace("101", "{vmid}")
        for key, spec in schema(contract()["GET", template]["returns"]):
            if not spec.get("optional") and key.count(".") == 1:
                for row in found if isinstance(found, list) else [found]:
                    assert key.rpartition(".")[2] in row
