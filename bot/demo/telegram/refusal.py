"""What the stand-in answers when it refuses: Telegram's own codes and sentences."""

from collections.abc import Mapping


class Refused(Exception):
    """One `{"ok": false}` answer. `parameters`: retry_after in seconds, migrate_to_chat_id."""

    def __init__(self, code: int, description: str, parameters: Mapping[str, int] | None = None) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.parameters = dict(parameters or {})

    def body(self) -> dict[str, object]:
        answer: dict[str, object] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            answer["parameters"] = self.parameters
        return answer


def bad(reason: str, **parameters: int) -> Refused:
    """400. The server lowers the first letter of a reason, but not of names like BUTTON_DATA_INVALID
    (telegram-bot-api, Client.cpp, fail_query_with_error)."""
    named = len(reason) > 1 and (reason[1] == "_" or ("A" <= reason[1] <= "Z"))
    return Refused(400, "Bad Request: " + (reason if named else reason[:1].lower() + reason[1:]), parameters)


def forbidden(reason: str) -> Refused:
    return Refused(403, "Forbidden: " + reason)
