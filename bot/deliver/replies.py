"""The letters that sound beside a card, of what is open: whoever they wake finds in them what the card has to press,
and once it is over they say so. Many at once are a card of their own, of all of these alerts.

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
from bot.model import Card, CardHead, LetterKind, Outgoing, Phase, Reply
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
        self._under_way: dict[int, Card] = {}  # by id, of many letters: as it is being sent

    def keep(self, cards: Collection[int]) -> None:
        """The others are closed, or gone."""
        self._ended = {card: messages for card, messages in self._ended.items() if card in cards}

    async def say(self, letters: Sequence[Outgoing]) -> Message | Undelivered:
        """With what its alerts have to press now; with nothing where they are of digests, notes, or of ends that leave
        nothing to be done."""
        if len(letters) > 1 and letters[0].kind in OF_OPEN:
            return await self._say_many(letters)
        card = self._desk.cards.get(letters[0].card) if len(letters) == 1 else None
        if card is None:
            return await self._saying.say(letters, None)
        rows = self._artist.alone(card, letters[0].alert).rows if self._presses(letters[0]) else ()
        return await self._saying.say(letters, card.message, rows)

    async def _say_many(self, letters: Sequence[Outgoing]) -> Message | Undelivered:
        """As a card. It has the number of its first letter, which is durable: no button of it is ever another's."""
        first = letters[0]
        numbers = tuple(dict.fromkeys(letter.alert for letter in letters))
        card = Card(
            id=first.id, chat=first.chat, topic=first.topic, alerts=numbers, head=CardHead.AGAIN, made=letters[-1].made
        )
        screen, mark = self._artist.draw(card, self._artist.alerts(card))
        silent = all(letter.silent for letter in letters)
        self._under_way[card.id] = replace(card, told=mark)
        sent = await self._courier.post(Place(chat=card.chat, topic=card.topic), screen, silent=silent)
        if isinstance(sent, Undelivered):
            del self._under_way[card.id]
        return sent

    def sent(self, letters: Sequence[Outgoing], message: Message) -> set[int]:
        """Remembers it; the card, by its id, that has to be written then."""
        first = letters[0]
        if (many := self._under_way.pop(first.id, None)) is not None:
            place = message.place
            self._desk.put_card(replace(many, chat=place.chat, topic=place.topic, message=message.id))
            return {many.id}
        card = self._desk.cards.get(first.card) if len(letters) == 1 and self._presses(first) else None
        if card is None or card.chat != message.place.chat:
            return set()
        if first.kind not in OF_OPEN:  # it says so already
            self._ended.setdefault(card.id, set()).add(message.id)
        replies = (*card.replies, Reply(message=message.id, alert=first.alert))
        self._desk.put_card(replace(card, replies=replies[-KEPT:]))
        return {card.id}

    def _presses(self, letter: Outgoing) -> bool:
        alert = self._desk.alerts.get(letter.alert)
        return letter.kind in OF_OPEN or (
            letter.kind is LetterKind.RECOVER and alert is not None and bool(alert.finding.after)
        )

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
