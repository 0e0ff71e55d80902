"""Command menus: kept per scope and language, read as Telegram's apps do."""

import re
from collections.abc import Iterator

from bot.demo.telegram.refusal import Refused, bad
from bot.demo.telegram.wire import Params
from bot.demo.telegram.world import Chat, World

Key = tuple[str, int, int, str]  # scope, chat, user, language
SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")


class Commands:
    def __init__(self, world: World) -> None:
        self._world = world
        self.menus: dict[Key, list[dict[str, str]]] = {}

    def set(self, params: Params) -> None:
        """Raises: Refused, 400; all or nothing."""
        key = self._key(params)
        rows = params.parsed("commands", "bot commands")
        if not isinstance(rows, list):
            raise bad("expected an Array of BotCommand")
        menu = [_command(row) for row in rows]
        if len(menu) > 100:
            raise bad("BOT_COMMANDS_TOO_MUCH")
        if len({row["command"] for row in menu}) < len(menu):
            raise bad("BOT_COMMAND_INVALID")
        if menu:
            self.menus[key] = menu
        else:
            self.menus.pop(key, None)

    def delete(self, params: Params) -> None:
        self.menus.pop(self._key(params), None)

    def get(self, params: Params) -> list[dict[str, str]]:
        return self.menus.get(self._key(params), [])

    def shown(self, chat: Chat, user_id: int, language: str = "") -> list[dict[str, str]]:
        """The menu that this person sees in this chat: the narrowest scope that has one wins."""
        for scope, chat_id, who in self._scopes(chat, user_id):
            for spoken in (language, ""):
                if menu := self.menus.get((scope, chat_id, who, spoken)):
                    return menu
        return []

    def _scopes(self, chat: Chat, user_id: int) -> Iterator[tuple[str, int, int]]:
        if chat.type == "private":
            yield from (("chat", chat.id, 0), ("all_private_chats", 0, 0), ("default", 0, 0))
            return
        chief = chat.members.get(user_id) in ("administrator", "creator")
        yield "chat_member", chat.id, user_id
        if chief:
            yield "chat_administrators", chat.id, 0
        yield "chat", chat.id, 0
        if chief:
            yield "all_chat_administrators", 0, 0
        yield from (("all_group_chats", 0, 0), ("default", 0, 0))

    def _key(self, params: Params) -> Key:
        scope = params.parsed("scope", "bot command scope")
        language = params.text("language_code")
        if language and not re.fullmatch(r"[a-z]{2}", language):
            raise bad("invalid language code specified")
        if scope is None:
            return ("default", 0, 0, language)
        if not isinstance(scope, dict):
            raise bad("object expected as bot command scope")
        kind = str(scope.get("type", ""))
        if kind in SCOPES:
            return (kind, 0, 0, language)
        if kind not in ("chat", "chat_administrators", "chat_member"):
            raise bad("can't parse BotCommandScope: unsupported type specified")
        chat = self._world.chat(str(scope.get("chat_id") or ""))
        chat.check_access()
        if kind == "chat_member":
            return (kind, chat.id, int(scope.get("user_id") or 0), language)
        if kind == "chat_administrators" and chat.type == "private":
            raise bad("can't change commands in private chats")
        return (kind, chat.id, 0, language)


def _command(row: object) -> dict[str, str]:
    if not isinstance(row, dict):
        raise bad("expected an Object")
    name, description = str(row.get("command", "")).removeprefix("/"), str(row.get("description", "")).strip()
    if not re.fullmatch(r"[a-z0-9_]{1,32}", name):
        raise Refused(400, "Bad Request: BOT_COMMAND_INVALID")
    if not 1 <= len(description) <= 256:
        raise Refused(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name, "description": description}
