"""Answers into values: the only place where untyped JSON is opened.

    parse.py        the envelope and single values; version, permissions
    rows.py         the cluster view, and a guest's own status
    tasks.py        tasks and their logs
    addresses.py    IPs

Every function takes the body of a 2xx answer and raises `Garbled`, and nothing else, when it cannot be understood.
Inside a list nothing is that strict: a row that makes no sense is left out and, in the cluster view, counted.

Numbers come as numbers, as strings ("744189952", containers until 7), as null or not at all; booleans as 0/1, "0"/"1",
"" or true; rows of one list differ in their keys. A figure that cannot be one (NaN, negative, a boolean) is None.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from itertools import islice

import orjson

from bot.model import Permissions, Version
from bot.text import from_epoch

Row = dict[str, object]
MOST = 2**63
"""No figure of Proxmox is as large: bytes of exabytes."""


class Garbled(ValueError):
    """Not JSON, or not in the shape that Proxmox gives."""


# -- the envelope --------------------------------------------------------------------------------------------------


def loads(body: bytes) -> object:
    """JSON by orjson; what it is too strict for (NaN, bytes that are no UTF-8, half a surrogate) by the library's."""
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            value = _mended(json.loads(body.decode(errors="replace")))
        except (ValueError, RecursionError) as error:
            raise Garbled(f"no JSON: {shown(body)}") from error
    return value


def data(body: bytes) -> object:
    """What is in `{"data": …}`."""
    return envelope(body)["data"]


def rows(body: bytes) -> list[object]:
    """A list in `{"data": […]}`; Perl's empty object and null are empty lists."""
    value = data(body)
    if isinstance(value, list):
        return value
    if value is None or value == {}:
        return []
    raise Garbled(f"a list was expected: {shown(body)}")


def mapping(body: bytes) -> Row:
    """An object in `{"data": {…}}`; Perl's empty list is an empty object."""
    value = data(body)
    if isinstance(value, dict):
        return value
    if value == []:
        return {}
    raise Garbled(f"an object was expected: {shown(body)}")


def refusal(body: bytes, clean: Callable[[str], str] = str) -> tuple[str, dict[str, str]]:
    """Of an error: its message ('' before PVE 8.4, and where the body is no JSON) and its word for each parameter.

    `clean` takes out what must not be shown, before anything is cut: half a secret would not be known again.
    """
    if not body.startswith(b"{"):
        return "", {}
    try:
        value = loads(body)
    except Garbled:
        return "", {}
    if not isinstance(value, dict):
        return "", {}
    message, errors = value.get("message"), value.get("errors")
    named = errors if isinstance(errors, dict) else {}
    return (
        clean(message.strip())[:2000] if isinstance(message, str) else "",
        {clean(str(name))[:100]: clean(str(text).strip())[:500] for name, text in islice(named.items(), 50)},
    )


def envelope(body: bytes) -> Row:
    value = loads(body)
    if not isinstance(value, dict) or "data" not in value:
        raise Garbled(f"no data in it: {shown(body)}")
    return value


def shown(body: bytes) -> str:
    return repr(body[:60].decode(errors="replace")) if body else "the answer is empty"


def _mended(value: object) -> object:
    """Without halves of surrogates, which no file and no message can hold."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {str(_mended(key)): _mended(item) for key, item in value.items()}
    return value


# -- single values -------------------------------------------------------------------------------------------------


def number(value: object) -> float | None:
    """A figure, 0 or more; None for whatever cannot be one."""
    if type(value) is float or type(value) is int:  # nearly always, so it comes first; a boolean is neither
        return value if 0 <= value < MOST else None  # NaN is not
    if isinstance(value, str):
        try:
            return number(float(value))
        except ValueError:
            return None
    return None


def whole(value: object) -> int | None:
    if type(value) is int:
        return value if 0 <= value < MOST else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)  # exact, where a float is not
    figure = number(value)
    return None if figure is None else int(figure)


def flag(value: object) -> bool:
    return value is True or value == 1 or value == "1"


def text(value: object) -> str:
    """A string; a number as Perl would print it (a guest may be called 7); '' for anything else."""
    if value is None or type(value) is str:
        return value or ""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def words(value: object, separators: str) -> tuple[str, ...]:
    """Tags (`;`) and contents (`,`): without blanks and doubles, in their order."""
    return _words(value, separators) if isinstance(value, str) and value else ()


@lru_cache(maxsize=1024)  # ten thousand guests wear the same few tags
def _words(value: str, separators: str) -> tuple[str, ...]:
    parts = (part.strip() for part in re.split(f"[{separators}]", value))
    return tuple(dict.fromkeys(part for part in parts if part))


def moment(value: object) -> datetime | None:
    """Epoch seconds. None for 0, which Proxmox writes where it does not know, and for what no calendar holds."""
    seconds = number(value)
    if not seconds or seconds >= 253_370_764_800:  # the year 9999 begins: its last day is past it in some zone
        return None
    return from_epoch(seconds)


# -- version and permissions ---------------------------------------------------------------------------------------


def version(body: bytes) -> Version:
    """GET /version: `{"version":"8.4.1","release":"8.4",…}`; 7 writes 7.4-16."""
    found = mapping(body)
    said = text(found.get("version")) or text(found.get("release"))
    match = re.match(r"(\d{1,4})\.(\d{1,4})", said)
    if match is None:
        raise Garbled(f"no version in it: {shown(body)}")
    return Version(major=int(match[1]), minor=int(match[2]), text=said)


def permissions(body: bytes) -> Permissions:
    """GET /access/permissions: path -> privilege -> propagate. A privilege with 0 is granted too."""
    return Permissions(
        paths={
            path: {name: flag(propagate) for name, propagate in granted.items()}
            for path, granted in mapping(body).items()
            if isinstance(granted, dict)
        }
    )
