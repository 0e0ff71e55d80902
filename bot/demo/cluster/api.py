"""From a request to an answer, in Proxmox's order: who, which method, allowed?, which node, are the parameters right?

pve-manager, PVE/HTTPServer.pm (rest_handler); pve-common, PVE/JSONSchema.pm. A route that is not in the table answers
501, as pveproxy does for a path it does not know.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.demo.cluster.access import Caller
from bot.demo.cluster.errors import Gateway, Refusal, bad, died
from bot.demo.cluster.release import Release
from bot.demo.cluster.world import World

Value = str | int | bool
CLASH = "duplicate parameter (already defined in URI) with conflicting values!"
UNDECLARED = "property is not defined in schema and the schema does not allow additional properties"


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    type: Literal["string", "integer", "boolean"] = "string"
    required: bool = False
    enum: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    since: tuple[int, ...] = ()  # the first version that knows it
    root: bool = False  # only root@pam itself may use it


@dataclass(slots=True, kw_only=True)
class Call:
    """One checked call, as a handler gets it."""

    world: World
    caller: Caller
    host: str  # the node that was asked
    params: dict[str, Value]

    @property
    def node(self) -> str:
        return str(self.params["node"])

    @property
    def vmid(self) -> int:
        return int(self.params["vmid"])

    def text(self, name: str, default: str = "") -> str:
        return str(self.params.get(name, default))

    def number(self, name: str, default: int) -> int:
        return int(self.params.get(name, default))

    def flag(self, name: str) -> bool:
        return bool(self.params.get(name, False))

    def may(self, privilege: str, path: str) -> bool:
        return self.world.access.may(self.caller, privilege, path)

    def need(self, privilege: str, path: str) -> None:
        """Raises 403 where it is missing."""
        if not self.may(privilege, path):
            raise Refusal(403, f"Permission check failed ({path}, {privilege})\n")


@dataclass(slots=True, kw_only=True)
class Answer:
    data: object = None
    total: int | None = None
    body: bytes | None = None  # ready-made, instead of data
    content_type: str = "application/json;charset=UTF-8"
    gzipped: bytes | None = None  # the same, ready-made


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    method: str
    path: str
    handler: Callable[[Call], Answer]
    check: tuple[str, str] | None = None  # (ACL path, privilege A|B); None = any authenticated caller
    proxied: bool = False  # answered by the node in the path
    params: Mapping[str, Param] = field(default_factory=dict)
    since: tuple[int, ...] = ()

    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


# What stands in the path is a parameter like any other
IN_PATH = {
    "node": Param(required=True),
    "vmid": Param(type="integer", required=True, minimum=100, maximum=999_999_999),
    "upid": Param(required=True),
    "storage": Param(required=True),
    "name": Param(required=True),
    "userid": Param(required=True),
}


class Api:
    def __init__(self, world: World, routes: tuple[Route, ...]) -> None:
        self._world = world
        self._routes = [(route, route.pattern()) for route in routes]

    def call(
        self, host: str, method: str, path: str, params: Mapping[str, object], authorization: str | None
    ) -> Answer:
        """Raises Refusal for every answer but 200. `path` begins after /api2/json and is percent-decoded."""
        world = self._world
        caller = world.access.authenticate(authorization, world.now)
        route, found = self._find(method, path)
        for name in found:
            if name in params and str(params[name]) != found[name]:
                raise Refusal(400, "Parameter verification failed.\n", {name: CLASH})
        if route.check is not None:
            acl, privilege = route.check[0].format(**found), route.check[1]
            privilege = world.release.agent_audit if privilege == "agent" else privilege
            if not world.access.may(caller, privilege, acl):
                raise Refusal(403, f"Permission check failed ({acl}, {privilege})\n")
        if route.proxied:
            self._reach(found["node"])
        checked = check(route, {**params, **found}, world.release, caller)
        return route.handler(Call(world=world, caller=caller, host=host, params=checked))

    def _find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        for route, pattern in self._routes:
            if route.method == method and (match := pattern.fullmatch(path)):
                return route, match.groupdict()
        raise Refusal(501, f"Method '{method} {path}' not implemented")

    def _reach(self, node: str) -> None:
        """Of the node that has to answer. Raises what the one that was asked meets on the way."""
        known = self._world.nodes.get(node)
        if known is None:
            why = f"failed to get address info for: {node}: Name or service not known"
            raise died(f"hostname lookup '{node}' failed - {why}")
        if not known.online:
            raise Gateway(595, "No route to host")
        if known.silent:
            raise Gateway(known.silent, "Connection refused" if known.silent == 595 else "Connection timed out")


def check(route: Route, params: Mapping[str, object], release: Release, caller: Caller) -> dict[str, Value]:
    """The parameters, typed. Raises 400 with one line for each that is wrong."""
    known = {**route.params, **{name: param for name, param in IN_PATH.items() if f"{{{name}}}" in route.path}}
    known = {name: param for name, param in known.items() if release.since(*param.since)}
    errors: dict[str, str] = {}
    values: dict[str, Value] = {}
    for name, raw in params.items():
        if name not in known:
            errors[name] = UNDECLARED
            continue
        try:
            values[name] = _typed(known[name], raw, release)
        except ValueError as why:
            errors[name] = str(why)
        else:
            if known[name].root and caller.id != "root@pam":
                errors[name] = "Only root may use this option."
    for name, param in known.items():
        if param.required and name not in params:
            errors[name] = "property is missing and it is not optional"
    if errors:
        raise Refusal(400, "Parameter verification failed.\n", errors)
    return values


def _typed(param: Param, raw: object, release: Release) -> Value:
    if isinstance(raw, bool):
        if param.type == "boolean" and release.json_types:
            return raw
        raw = "true" if raw else "false"
    text = str(raw)
    if param.type == "boolean":
        if text not in {"0", "1"}:
            raise ValueError(f"type check ('boolean') failed - got '{text}'")
        return text == "1"
    if param.type == "integer":
        if not re.fullmatch(r"-?\d+", text):
            raise ValueError(f"type check ('integer') failed - got '{text}'")
        number = int(text)
        if param.minimum is not None and number < param.minimum:
            raise ValueError(f"value must have a minimum value of {param.minimum}")
        if param.maximum is not None and number > param.maximum:
            raise ValueError(f"value must have a maximum value of {param.maximum}")
        return number
    if param.enum and text not in param.enum:
        raise ValueError(f"value '{text}' does not have a value in the enumeration '{', '.join(param.enum)}'")
    return text


__all__ = ["Answer", "Api", "Call", "Param", "Route", "bad", "check"]
