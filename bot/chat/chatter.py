"""How much is answered in one group: alerts have their share of what it takes in a minute, whoever asks there for what.

No I/O, no clock. Actions, acknowledgements and commands that change something are not counted: they are never refused
here.
"""

from bot.chat.limiter import A_MINUTE, KEPT, MINUTE, Window

ASKED = A_MINUTE - KEPT - 1
"""Commands and taps of a group that are answered in a minute; one message more says that others are not."""
OF_ONE = 10
"""Of one person's, so that somebody else is answered too."""
MANY = 500
"""People remembered at a time."""


class Chatter:
    def __init__(self) -> None:
        self._chats: dict[int, Window] = {}
        self._people: dict[tuple[int, int], Window] = {}
        self._told: dict[int, float] = {}  # chat -> monotonic seconds

    def enter(self, chat: int, person: int, now: float) -> bool:
        """May this be answered? Then it counts. In a private chat always."""
        if chat > 0:
            return True
        of_chat = self._chats.setdefault(chat, Window(ASKED))
        of_one = self._people.setdefault((chat, person), Window(OF_ONE))
        if of_chat.wait(now) > 0 or of_one.wait(now) > 0:
            return False
        of_chat.take(now)
        of_one.take(now)
        if len(self._people) > MANY:
            self._people = {key: window for key, window in self._people.items() if now - window.times[-1] < MINUTE}
        return True

    def untold(self, chat: int, now: float) -> bool:
        """Has this chat not been told within the last minute that there is no room? Then it is now."""
        if now - self._told.get(chat, now - MINUTE) < MINUTE:
            return False
        self._told[chat] = now
        return True
