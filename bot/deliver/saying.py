"""How letters are said: many as one message, one as a reply to its card, an end in the note of its begin."""

from collections.abc import Sequence

from bot.model import LetterKind, Outgoing
from bot.ports import Courier, Lost, Undelivered
from bot.screen import Message, Place, Row, Screen
from bot.text import lines

NOTES = 200
"""Notes of the audit that are remembered at a time; of another, or after a restart, the end is a message of its own."""


class Saying:
    def __init__(self, courier: Courier) -> None:
        self._courier = courier
        self._notes: dict[tuple[int, int], Message] = {}  # by chat and order: notes of the audit without an end yet

    async def say(
        self, letters: Sequence[Outgoing], reply_to: int | None, rows: tuple[Row, ...] = ()
    ) -> Message | Undelivered:
        """All of one place. `reply_to`: the message of the card that a letter alone is about; `rows`: its buttons."""
        first = letters[0]
        screen = Screen(
            text=first.said if len(letters) == 1 else lines(*(letter.said for letter in letters)), rows=rows
        )
        note = (first.chat, first.alert) if first.kind is LetterKind.AUDIT and len(letters) == 1 else None
        if note is not None and (begun := self._notes.pop(note, None)) is not None:
            sent = await self._courier.revise(begun, screen)
            if not isinstance(sent, Undelivered) or sent.why is not Lost.MISSING:
                if isinstance(sent, Undelivered) and sent.why in (Lost.LATER, Lost.UNKNOWN):
                    self._notes[note] = begun
                return sent
        place = Place(chat=first.chat, topic=first.topic)
        silent = all(letter.silent for letter in letters)
        sent = await self._courier.post(place, screen, silent=silent, reply_to=reply_to)
        if note is not None and isinstance(sent, Message) and not first.n:
            self._notes[note] = sent
            if len(self._notes) > NOTES:
                del self._notes[next(iter(self._notes))]
        return sent
