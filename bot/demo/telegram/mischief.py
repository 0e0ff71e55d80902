"""What can go wrong at Telegram, as buttons of the page."""

from bot.demo.telegram.api import BotApi
from bot.demo.telegram.updates import CONFLICT
from bot.demo.telegram.world import Chat

RULES = {"down": "41 bot"}  # the bot's rule that it brings about
# key: label, help
BUTTONS = {
    "flood": ("Too many requests", "The next 3 calls: 429, wait 3 s"),
    "error": ("Server error", "The next 3 calls: 500"),
    "cut": ("Connection cut", "The next 2 calls are done, their answers lost"),
    "down": ("Telegram unreachable", "Every connection breaks, until pressed again"),
    "slow": ("Slow", "Each call takes 2 s, until pressed again"),
    "quota": ("No quota for groups", "More than 20 messages a minute into a group, until pressed again"),
    "kick": ("Thrown out of the group", "The bot may not write there, until pressed again"),
    "upgrade": ("Group becomes supergroup", "Under another id; the old one refuses"),
    "conflict": ("Another poller", "getUpdates ends with 409, 3 times"),
    "poll": ("Polling unauthorised", "getUpdates ends with 401, once"),
    "odd": ("Odd update", "An update that no library can parse"),
}
QUOTA = 20  # messages a minute into a group
SUPERGROUP = -1_001_000_000_000  # what a group's id becomes, less its number


class Mischief:
    def __init__(self, api: BotApi) -> None:
        self._api = api

    def table(self) -> list[dict[str, object]]:
        """key, label, help, on (how many calls are still to go wrong; 1 where it lasts)."""
        rows = []
        for key, (label, text) in BUTTONS.items():
            left = sum(f.times for f in self._api.failures if (f.refused.code, f.method) == _planned(key))
            row = {"key": key, "label": label, "help": text, "rule": RULES.get(key, ""), "lasts": key in LASTS}
            rows.append(row | {"on": left + self._lasting(key)})
        return rows

    def _lasting(self, key: str) -> int:
        match key:
            case "cut":
                return self._api.cuts
            case "slow":
                return int(self._api.latency > 0)
            case "down":
                return int(self._api.unreachable)
            case "quota":
                return int(self._api.quota == 0)
            case "kick":
                return int(any(chat.bot_status == "kicked" for chat in self._groups()))
            case _:
                return 0

    def do(self, key: str) -> None:
        """Raises: KeyError, no such button; LookupError, there is nothing here that it could be done to."""
        match key:
            case "flood":
                self._api.fail("", 429, "Too Many Requests: retry after 3", retry_after=3, times=3)
            case "error":
                self._api.fail("", 500, "Internal Server Error", times=3)
            case "cut":
                self._api.cut(2)
            case "down":
                self._api.unreachable = not self._api.unreachable
            case "slow":
                self._api.latency = 0.0 if self._api.latency else 2.0
            case "quota":
                self._api.quota = 0 if self._api.quota else QUOTA
            case "kick":
                self._kick()
            case "upgrade":
                self._upgrade()
            case "conflict":
                self._api.fail("getUpdates", 409, CONFLICT, times=3)
            case "poll":
                self._api.fail("getUpdates", 401, "Unauthorized")
            case "odd":
                self._api.push({"message": {"message_id": "x", "date": None}})
            case _:
                raise KeyError(key)

    def _groups(self) -> list[Chat]:
        """Largest first: the one with topics is the one that alerts go to."""
        found = [c for c in self._api.world.chats.values() if c.type in ("group", "supergroup") and c.moved_to is None]
        return sorted(found, key=lambda chat: not chat.forum)

    def _kick(self) -> None:
        groups = self._groups()
        if not groups:
            raise Missing("there is no group here")
        chat = next((one for one in groups if one.bot_status == "kicked"), groups[0])
        if chat.bot_status == "kicked":
            self._api.promote(chat)
        else:
            self._api.block(chat, "kicked")

    def _upgrade(self) -> None:
        chat = next((one for one in self._groups() if one.type == "group"), None)
        if chat is None:
            raise Missing("there is no group here that is none yet")
        self._api.upgrade(chat, SUPERGROUP + chat.id)


LASTS = frozenset({"down", "slow", "quota", "kick"})


class Missing(LookupError):
    """Nothing here that it could be done to."""


def _planned(key: str) -> tuple[int, str]:
    return {"flood": (429, ""), "error": (500, ""), "conflict": (409, "getupdates"), "poll": (401, "getupdates")}.get(
        key, (0, "")
    )
