"""What a typed name is of: guests, nodes, storages, tags, rules; and what is nearly called so. For /silence, /why and
/history."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from bot import rules
from bot.errors import Denied, NotFound
from bot.model import Fleet, Guest
from bot.pages.alerting.watched import wide
from bot.pages.page import Enquiry
from bot.pages.query import exact, search, similar
from bot.text import Said, fold, lines, say

ANY = ("guest", "node", "storage", "rule", "tag")
"""Kinds that a name alone may be of, in the order in which they are offered."""
NEAR = 6
"""Names that are offered where there is none that was typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a silence is of. `word` is how it is typed, so that a button finds the same again."""

    about: str
    cluster: str
    value: str
    name: str

    @property
    def word(self) -> str:
        return f"{self.cluster}/{self.value}" if self.cluster else self.value


def page_word(words: list[str]) -> int:
    """Takes `page:2` off the end."""
    if words and words[-1].startswith("page:") and words[-1][5:].isdecimal() and len(words[-1]) < 10:
        return max(1, int(words.pop()[5:]))
    return 1


async def called(ask: Enquiry, text: str) -> list[Target]:
    """What is called so, of whatever kind. Raises: NotFound."""
    found: list[Target] = []
    for kind in ANY:
        with suppress(NotFound, Denied):
            found += await find(ask, kind, text)
    if found:
        return found
    raise NotFound(say("Nothing here is called {text}. /silence alone lists what there is.", text=text[:40]))


async def nearest(ask: Enquiry, text: str, kinds: Sequence[str] = ANY) -> list[Target]:
    """What is nearly called so: has it in its name, else is spelled nearly so; at most `NEAR`, none for a filter."""
    wanted = fold(text.rpartition("/")[2])
    if ":" in text or len(wanted) < 2:
        return []
    found: list[Target] = []
    known: list[Target] = []
    for kind in kinds:
        with suppress(NotFound, Denied):
            if kind == "guest":
                fleet = await ask.fleet(max_age=float("inf"))
                found += [_of_guest(guest) for guest in search(fleet, wanted)[:NEAR]]
            else:
                known += await find(ask, kind, "")
    found += [one for one in known if wanted in fold(one.name)]
    close = similar(wanted, {index: fold(one.name) for index, one in enumerate(known)})
    return list(dict.fromkeys([*found, *(known[index] for index in close)]))[:NEAR]


async def find(ask: Enquiry, kind: str, text: str, page: str = "silence") -> list[Target]:
    """What is called so; all there is of the kind where nothing is typed. Raises: NotFound, Denied."""
    if kind in {"rule", "all"} and not wide(ask.asker.scope):
        raise Denied(say("Your scope here is too narrow for that: it would silence what you do not see."))
    if kind == "all":
        return [Target(about="all", cluster="", value="", name="everything")]
    if kind == "rule":
        known = [Target(about="rule", cluster="", value=key, name=key) for key in sorted(rules.BY_KEY)]
        return _chosen(kind, text, known, page)
    fleet = await ask.fleet(max_age=float("inf"))
    cluster, slash, rest = text.partition("/")
    if slash and cluster in {snapshot.cluster for snapshot in fleet}:
        fleet, text = Fleet(snapshots=tuple(one for one in fleet if one.cluster == cluster)), rest
    if kind == "guest":
        if not text:
            return []
        guests = exact(fleet, text)
        return _chosen(
            kind,
            text,
            [_of_guest(one) for one in guests],
            page,
            found=True,
        )
    scope = ask.asker.scope
    narrow = bool(scope.pools or scope.tags or scope.vmids)  # to guests: nodes, storages and other tags hold others'
    if kind == "tag":
        tags = sorted({tag for guest in fleet.guests for tag in guest.tags if wide(scope) or tag in scope.tags})
        return _chosen(kind, text, [Target(about=kind, cluster="", value=tag, name=tag) for tag in tags], page)
    if kind == "node":
        nodes = [
            Target(about=kind, cluster=one.cluster, value=one.name, name=one.name) for one in fleet.nodes if not narrow
        ]
        return _chosen(kind, text, nodes, page)
    storages = [
        Target(about=kind, cluster=one.cluster, value=one.id, name=one.name) for one in fleet.storages if not narrow
    ]
    return _chosen(kind, text, storages, page)


def _chosen(kind: str, text: str, targets: list[Target], page: str, *, found: bool = False) -> list[Target]:
    """Raises: NotFound."""
    if not text or found:
        chosen = targets
    else:
        wanted = fold(text)
        chosen = [one for one in targets if fold(one.value) == wanted] or [
            one for one in targets if fold(one.name) == wanted
        ]
    if chosen or not text:
        return chosen
    raise NotFound(
        say("There is no {kind} {text}. /{page} alone lists what there is.", kind=kind, text=text[:40], page=page)
    )


def unknown(text: str) -> Said:
    """What stands above the buttons of what is nearly called so."""
    return lines(say("Nothing here is called {text}.", text=text[:40]), say("Did you mean one of these?"))


def _of_guest(guest: Guest) -> Target:
    return Target(about="guest", cluster=guest.cluster, value=str(guest.vmid), name=guest.name)
