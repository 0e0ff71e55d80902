"""The letters that sound beside a card, of what is open: whoever they wake finds in them what the card has to press,
and once it is over they say so.

An end is shown at least once: which replies have it is in memory alone, and a card stays open until all of its own do.
Nobody is told of one that Telegram does not take: the card says the same.
"""

from collections import Counter
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import replace

from bot.deliver.desk import Desk
from bot.deliver.draw import Artist
from bot.deliver.saying import Saying
from bot.deliver.unsent import OF_OPEN
from bot.model import Card, Outgoing, Phase, Reply
from bot.ports import Courier, Lost, Undelivered
from bot.screen import Message, Place

KEPT = 20
"""Replies of one card that are known at a time, the latest of them."""


class Replies:
    def __init__(self, desk: Desk, artist: Artist, courier: Courier, counts: Counter[str]) -> None:
        self._desk = desk
        self._artist = artist
        self._courier = courier
        self._counts = counts
        self._saying = Saying(courier)
        self._ended: dict[int, set[int]] = {}  # by card: messages that say that it is over

    def keep(self, cards: Collection[int]) -> None:
        """The others are closed, or gone."""
        self._ended = {card: messages for card, messages in self._ended.items() if card in cards}

    async def say(self, letters: Sequence[Outgoing]) -> Message | Undelivered:
        """With what its alert has to press now; with nothing where several are said at once, or it is of an end."""
        card = self._desk.cards.get(letters[0].card) if len(letters) == 1 else None
        if card is None:
            return await self._saying.say(letters, None)
        rows = self._artist.alone(card, letters[0].alert).rows if letters[0].kind in OF_OPEN else ()
        return await self._saying.say(letters, card.message, rows)

    def sent(self, letters: Sequence[Outgoing], message: Message) -> set[int]:
        """Remembers it; the card, by its id, that has to be written then."""
        first = letters[0]
        card = self._desk.cards.get(first.card) if len(letters) == 1 and first.kind in OF_OPEN else None
        if card is None or card.chat != message.place.chat:
            return set()
        replies = (*card.replies, Reply(message=message.id, alert=first.alert))
        self._desk.put_card(replace(card, replies=replies[-KEPT:]))
        return {card.id}

    def job(self, card: Card) -> Awaitable[Undelivered | None] | None:
        """An edit, where there is one to be said to be over."""
        due = self._due(card)
        return self._edit(card, due) if due is not None else None

    def closes(self, card: Card) -> bool:
        """Is it over, and nothing beside it has still to say so?"""
        return self._artist.over(card) and self._due(card) is None

    def _due(self, card: Card) -> Reply | None:
        ended = self._ended.get(card.id, set())
        return next((one for one in card.replies if one.message not in ended and self._over(one)), None)

    async def _edit(self, card: Card, reply: Reply) -> Undelivered | None:
        message = Message(place=Place(chat=card.chat, topic=card.topic), id=reply.message)
        shown = await self._courier.revise(message, self._artist.alone(card, reply.alert))
        if isinstance(shown, Undelivered):
            if shown.why not in (Lost.MISSING, Lost.REFUSED):
                return shown
        else:
            self._counts["edited"] += 1
        self._ended.setdefault(card.id, set()).add(reply.message)
        return None

    def _over(self, reply: Reply) -> bool:
        alert = self._desk.alerts.get(reply.alert)
        return alert is None or alert.phase is Phase.OVER
