"""Takes the secrets of a cluster's tokens out of what its hosts say: some quote the request, Authorization and all.

Whatever follows a token's name is taken too, since a secret may be cut short, and whatever follows PVEAPIToken=, since
it may be another cluster's. In linear time, unlike the log's own: answers are long, and made by others.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from bot.logs import MASK
from bot.pve.config import ApiToken

_SHORTEST = 6
"""Characters of a secret that is taken out by its value alone: shorter ones would blank ordinary words."""
_REST = r"[^\s\"'<>]+"


class Veil:
    """`veil(text)` gives the text without secrets."""

    def __init__(self, tokens: Iterable[ApiToken]) -> None:
        names: set[str] = set()
        values: set[str] = set()
        for token in tokens:
            quoted = token.header().rpartition("=")[2]
            secret = unquote(quoted)
            names |= {token.id, quote(token.id, safe="@"), quote(token.id, safe="")}
            if len(secret) >= _SHORTEST:
                values |= {secret, quoted, quote(secret, safe=":")}
        named = "|".join(map(re.escape, ["PVEAPIToken", *_longest_first(names)]))
        self._looks = re.compile(rf"(?P<name>(?:{named})(?:=|%3D)){_REST}", re.IGNORECASE)
        self._values = re.compile("|".join(map(re.escape, _longest_first(values)))) if values else None

    def __call__(self, text: str) -> str:
        if self._values is not None:
            text = self._values.sub(MASK, text)
        return self._looks.sub(rf"\g<name>{MASK}", text)


def _longest_first(texts: Iterable[str]) -> list[str]:
    return sorted(texts, key=lambda text: (-len(text), text))
