"""The command menu, per chat, by its role; strangers see none.

A chat's menu is what its role may; Telegram has scopes for single members of a group too, but a group's menu that lists
less than an admin may is no loss: the commands work all the same.
"""

import logging
from collections.abc import Mapping

from telegram.error import RetryAfter, TelegramError

from bot.access import Role
from bot.chat.api import Api, Fields
from bot.chat.members import Members
from bot.pages.page import Page

log = logging.getLogger(__name__)

COMMANDS = 100
"""Commands of one scope (Bot API, setMyCommands)."""
DESCRIPTION = 256
"""Characters."""


class Menu:
    """Failures are logged and never fatal: a person who has not yet written to the bot has no chat for a menu."""

    def __init__(self, api: Api, members: Members, pages: Mapping[str, Page]) -> None:
        self._api = api
        self._members = members
        self._pages = pages
        self._missing: set[int] = set()  # chats whose menu Telegram did not take

    async def publish(self) -> None:
        """Empties the menu of strangers and gives every chat its own."""
        await self._call("deleteMyCommands", {"scope": {"type": "default"}})
        for chat in self._members.roles.granted:
            await self.set(chat)

    async def set(self, chat: int) -> None:
        roles = self._members.roles
        role = roles.role(chat, chat) if chat > 0 else _least(roles.granted.get(chat), roles.ceiling(chat))
        if role is None:
            return
        fields = {"commands": commands(self._pages, role), "scope": {"type": "chat", "chat_id": chat}}
        if not await self._call("setMyCommands", fields):
            self._missing.add(chat)

    def wanted(self, chat: int) -> bool:
        """Did this chat's menu fail before? Asked when somebody writes there: now it may work. Answers yes once."""
        if chat not in self._missing:
            return False
        self._missing.discard(chat)
        return True

    async def _call(self, method: str, fields: Fields) -> bool:
        try:
            await self._api.call(method, fields)
        except RetryAfter as error:
            log.info("the menu has to wait: %s", error)
        except TelegramError as error:
            log.info("%s for %s: %s", method, fields["scope"].get("chat_id", "everybody"), error.message)
        else:
            return True
        return False


def commands(pages: Mapping[str, Page], role: Role) -> list[Fields]:
    """What `role` may type, in the order of the table."""
    return [
        {"command": page.key, "description": page.help[:DESCRIPTION]}
        for page in pages.values()
        if page.command and page.help and (page.role is None or role >= page.role)
    ][:COMMANDS]


def _least(first: Role | None, second: Role | None) -> Role | None:
    return None if first is None or second is None else min(first, second)
