"""Names in the settings that nothing of the cluster has: a slip that no other part of the bot could tell."""

import difflib
import re
from collections.abc import Iterator

from bot.check.line import Line, warn
from bot.config import Settings
from bot.envfile import NEAR
from bot.model import Snapshot
from bot.text import say


def lines(settings: Settings, seen: Snapshot) -> Iterator[Line]:
    """Of what was seen only: a guest that the token may not see is told too."""
    nodes = {node.name for node in seen.nodes}
    storages = {name for storage in seen.storages for name in (storage.id, storage.name)}
    guests = {name for guest in seen.guests for name in (str(guest.vmid), guest.name)}
    known = {"node": nodes, "storage": storages, "guest": guests}
    for name in settings.may_sleep:
        yield from _line("TELEMOX_MAY_SLEEP", name, "node or storage", nodes | storages)
    for name in settings.disks_off:
        yield from _line("TELEMOX_DISKS_OFF", name, "node", nodes)
    for override in settings.alerts.overrides:
        if override.by in known:
            yield from _line("TELEMOX_ALERTS__OVERRIDES", override.value, override.by, known[override.by])


def _line(setting: str, name: str, what: str, known: set[str]) -> Iterator[Line]:
    if name in known:
        return
    text = say("{setting} names {name}, which is no {what} of the cluster.", setting=setting, name=name, what=what)
    like = [one for one in known if _digits(one) == _digits(name)]  # pve9 is no slip for pve3
    close = difflib.get_close_matches(name, like, n=1, cutoff=NEAR)
    yield warn(text, *(f"perhaps {found}" for found in close))


def _digits(name: str) -> list[str]:
    return re.findall("[0-9]+", name)
