"""Who is known here, as of now: the roles that the settings gave, moved along when a group becomes a supergroup."""

import logging
from collections.abc import Callable

from bot.access import Roles
from bot.ports import Store

log = logging.getLogger(__name__)


class Members:
    """Holds the current `Roles` for door, messenger and menu; `migrated()` is the one way they change today."""

    def __init__(self, roles: Roles, store: Store) -> None:
        self.roles = roles
        self.changed: Callable[[int], object] = lambda chat: None  # told the chat whose role is new
        self.moved: Callable[[int, int], object] = lambda old, new: None  # told each move as it is heard of
        self._store = store
        self._moved: dict[int, int] = {}  # old id -> new id
        self._names: dict[int, str] = {}  # of the chats that are served, as last heard

    async def load(self) -> None:
        """What earlier processes saw happen: settings may still name the old ids. Each is told once."""
        for old, new in (await self._store.migrations()).items():
            if self._moved.get(old) == new:
                continue
            self._move(old, new)
            self.moved(old, new)

    def current(self, chat: int) -> int:
        """The id that `chat` has now."""
        return self._moved.get(chat, chat)

    def call(self, chat: int, name: str) -> None:
        self._names[chat] = name

    def name(self, chat: int) -> str:
        """What the chat was last called; '' where nothing was heard of it since the start."""
        return self._names.get(chat, "")

    async def migrated(self, old: int, new: int) -> None:
        """Telegram says that group `old` is the supergroup `new` now."""
        if old == new or self._moved.get(old) == new:
            return
        log.info("group %d has become the supergroup %d: it keeps its role", old, new)
        self._move(old, new)
        self.moved(old, new)
        await self._store.migrate(old, new)
        self.changed(new)

    def _move(self, old: int, new: int) -> None:
        self.roles = self.roles.migrated(old, new)
        self._moved[old] = new
