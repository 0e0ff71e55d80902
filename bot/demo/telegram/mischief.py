"""What can go wrong at Telegram, as buttons of the page."""

from bot.demo.telegram.api import BotApi
from bot.demo.telegram.updates import CONFLICT

# key: label, help
BUTTONS = {
    "flood": ("Too many requests", "The next 3 calls: 429, wait 3 s"),
    "error": ("Server error", "The next 3 calls: 500"),
    "cut": ("Connection cut", "The next 2 calls are done, their answers lost"),
    "slow": ("Slow", "Each call takes 2 s, until pressed again"),
    "conflict": ("Another poller", "getUpdates ends with 409, 3 times"),
    "poll": ("Polling unauthorised", "getUpdates ends with 401, once"),
    "odd": ("Odd update", "An update that no library can parse"),
}


class Mischief:
    def __init__(self, api: BotApi) -> None:
        self._api = api

    def list(self) -> list[dict[str, object]]:
        """key, label, help, on (how many calls are still to go wrong)."""
        rows = []
        for key, (label, text) in BUTTONS.items():
            left = sum(f.times for f in self._api.failures if (f.refused.code, f.method) == _planned(key))
            if key == "cut":
                left = self._api.cuts
            if key == "slow":
                left = int(self._api.latency > 0)
            rows.append({"key": key, "label": label, "help": text, "on": left})
        return rows

    def do(self, key: str) -> None:
        """Raises: KeyError, no such button."""
        match key:
            case "flood":
                self._api.fail("", 429, "Too Many Requests: retry after 3", retry_after=3, times=3)
            case "error":
                self._api.fail("", 500, "Internal Server Error", times=3)
            case "cut":
                self._api.cut(2)
            case "slow":
                self._api.latency = 0.0 if self._api.latency else 2.0
            case "conflict":
                self._api.fail("getUpdates", 409, CONFLICT, times=3)
            case "poll":
                self._api.fail("getUpdates", 401, "Unauthorized")
            case "odd":
                self._api.push({"message": {"message_id": "x", "date": None}})
            case _:
                raise KeyError(key)


def _planned(key: str) -> tuple[int, str]:
    return {"flood": (429, ""), "error": (500, ""), "conflict": (409, "getupdates"), "poll": (401, "getupdates")}.get(
        key, (0, "")
    )
