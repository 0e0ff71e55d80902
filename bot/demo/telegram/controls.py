"""What the page's panel does: faults of the cluster, mischief at Telegram, and the cluster's time."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.demo.telegram.mischief import Mischief

SPEEDS = (1, 10, 60)  # simulated seconds a second
SKIPS = (3_600, 86_400)  # seconds


class Faults(Protocol):
    """What the simulated cluster offers to break."""

    def faults(self) -> Sequence[Mapping[str, object]]:
        """key, group, label, help, rule, on, target, targets."""
        ...

    def set_fault(self, key: str, on: bool, target: str = "") -> object:
        """Raises: KeyError or ValueError, no such fault or target."""
        ...


@runtime_checkable
class Timed(Protocol):
    """A cluster whose time can be sped up."""

    speed: float

    def skip(self, seconds: float) -> None: ...


class Wrong(Exception):
    """What the page asked for makes no sense; the text says why."""


class Controls:
    """`changed`: called after each change, for all who look at the page."""

    def __init__(self, cluster: Faults | None, mischief: Mischief, changed: Callable[[], None]) -> None:
        self._cluster = cluster
        thing: object = cluster
        self._timed = thing if isinstance(thing, Timed) else None
        self._mischief = mischief
        self._changed = changed
        self.routes = [
            Route("/control/faults", self._get_faults, methods=["GET"]),
            Route("/control/faults", self._set_fault, methods=["POST"]),
            Route("/control/telegram", self._get_mischief, methods=["GET"]),
            Route("/control/telegram", self._set_mischief, methods=["POST"]),
            Route("/control/time", self._get_time, methods=["GET"]),
            Route("/control/time", self._set_time, methods=["POST"]),
        ]

    async def _get_faults(self, request: Request) -> Response:
        return to_json(list(self._cluster.faults()) if self._cluster else [])

    async def _set_fault(self, request: Request) -> Response:
        body = await read_body(request)
        if self._cluster is None:
            raise Wrong("there is no cluster behind this page")
        try:
            self._cluster.set_fault(str(body.get("key", "")), bool(body.get("on")), str(body.get("target") or ""))
        except KeyError as error:
            raise Wrong(f"key: {error}") from error
        except ValueError as error:
            raise Wrong(str(error)) from error
        self._changed()
        return await self._get_faults(request)

    async def _get_mischief(self, request: Request) -> Response:
        return to_json(self._mischief.table())

    async def _set_mischief(self, request: Request) -> Response:
        body = await read_body(request)
        try:
            self._mischief.do(str(body.get("key", "")))
        except KeyError:
            raise Wrong("key: there is none such") from None
        except LookupError as error:
            raise Wrong(str(error)) from None
        self._changed()
        return await self._get_mischief(request)

    async def _get_time(self, request: Request) -> Response:
        timed, speed = self._timed is not None, self._timed.speed if self._timed else 1.0
        return to_json({"timed": timed, "speed": speed, "speeds": list(SPEEDS), "skips": list(SKIPS)})

    async def _set_time(self, request: Request) -> Response:
        body = await read_body(request)
        if self._timed is None:
            raise Wrong("there is no cluster behind this page whose time could be moved")
        speed, skip = body.get("speed"), body.get("skip")
        if speed in SPEEDS and skip is None:
            self._timed.speed = float(speed)
        elif skip in SKIPS and speed is None:
            self._timed.skip(float(skip))
        else:
            raise Wrong(f"speed: one of {SPEEDS}; or skip: one of {SKIPS}")
        self._changed()
        return await self._get_time(request)


def to_json(value: object) -> Response:
    return JSONResponse(value, headers={"cache-control": "no-store"})


async def tell_wrong(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def read_body(request: Request) -> Mapping[str, Any]:
    """Raises: Wrong, it is no JSON object, or holds what cannot be shown."""
    try:
        body = json.loads(await request.body())
        json.dumps(body, ensure_ascii=False).encode()  # half a character cannot be shown, or sent on
    except UnicodeEncodeError:
        raise Wrong("half a character is no text") from None
    except ValueError:
        raise Wrong("not JSON") from None
    except RecursionError:
        raise Wrong("too deep") from None
    if not isinstance(body, dict):
        raise Wrong("an object is expected")
    return body
