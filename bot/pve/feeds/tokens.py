"""When the bot's own tokens expire.

GET /access/users/{user}/token is closed to tokens: it is for the user itself, which a token is not (RPCEnvironment.pm,
userid-param self), or for who holds User.Modify. The list of users says the same to who holds Sys.Audit.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.errors import PveForbidden
from bot.model.readings import OwnToken
from bot.pve.feeds.source import Source
from bot.pve.parse import moment, rows, text

PATH, PRIVILEGE = "/access/groups", "Sys.Audit"


async def read_tokens(source: Source, node: str = "") -> tuple[OwnToken, ...]:
    """GET /access/users?full=1: whom the token may not see is left out there.

    Raises: PveForbidden where not one of the bot's own is among them.
    """
    found = await source.get("/access/users", lambda body: own(body, source.tokens), {"full": "1"})
    if source.tokens and not found:
        raise PveForbidden("the list of users does not show its own", path=PATH, privilege=PRIVILEGE)
    return found


def own(body: bytes, names: Sequence[str]) -> tuple[OwnToken, ...]:
    """Of those in `names`. A token ends with its user, too; an expiry of 0 is none."""
    found: dict[str, OwnToken] = {}
    for user in rows(body):
        tokens = user.get("tokens") if isinstance(user, dict) else None
        if not isinstance(user, dict) or not isinstance(tokens, list):
            continue
        for token in tokens:
            name = f"{text(user.get('userid'))}!{text(token.get('tokenid'))}" if isinstance(token, dict) else ""
            if name in names and isinstance(token, dict):
                found[name] = OwnToken(name=name, expires=_first(user.get("expire"), token.get("expire")))
    return tuple(found[name] for name in names if name in found)


def _first(*said: object) -> datetime | None:
    ends = [end for end in map(moment, said) if end is not None]
    return min(ends, default=None)
