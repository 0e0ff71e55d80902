"""What waits to be sent, and what of it is next."""

from datetime import datetime

from bot.deliver.desk import Desk
from bot.deliver.draw import Artist
from bot.deliver.plan import held
from bot.deliver.trouble import Refusals
from bot.deliver.unsent import OF_OPEN, withheld
from bot.model import Card, LetterKind, Outgoing

MANY = 3
"""Letters that may wait for one place; more are joined into one."""
AT_MOST = 20
"""Letters in one message."""


class Queue:
    def __init__(self, desk: Desk, artist: Artist) -> None:
        self._desk = desk
        self._artist = artist
        self.refused = Refusals()

    def waiting(self) -> set[int]:
        """Chats in which something may have to be sent, or edited."""
        desk = self._desk
        chats = {card.chat for card in desk.cards.values() if not card.closed}
        chats |= {letter.chat for letter in desk.outbox.values()}
        return chats | {habits.chat for habits in desk.habits.values() if habits.pinned is not None}

    def next(self, chat: int, now: datetime) -> Card | list[Outgoing] | None:
        """A card, or a letter (or many, as one message), in the order in which they were made; only what is durable."""
        desk = self._desk
        unsent = [
            card
            for card in desk.cards.values()
            if card.chat == chat
            and card.message is None
            and not card.closed
            and card.id not in desk.unwritten.fresh.cards
            and not self.refused.rests(card.id, now)
        ]
        rules = {number: alert.finding.rule for number, alert in desk.alerts.items()} if unsent else {}
        interval = self._artist.interval
        ready = [
            card for card in unsent if not held(card, self._artist.own(card), desk.cards.values(), rules, now, interval)
        ]
        waits = {card.id for card in unsent}
        letters = [
            letter
            for letter in desk.outbox.values()
            if letter.chat == chat
            and letter.id not in desk.unwritten.fresh.letters
            and letter.card not in waits
            and (letter.after is None or letter.after <= now)
            and not withheld(letter, desk.alerts.get(letter.alert))
        ]
        letters.sort(key=lambda letter: letter.id)
        card = min(ready, key=lambda card: card.id, default=None)
        if card is not None and (not letters or card.id < letters[0].id):
            return card
        if not letters:
            return None
        together = [one for one in letters if one.topic == letters[0].topic]
        if together[0].kind is LetterKind.RECOVER:  # what came back together is said together
            return [one for one in together if one.kind is LetterKind.RECOVER][:AT_MOST]
        open_ = together[0].kind in OF_OPEN  # many of these have buttons, and an end
        together = [one for one in together if (one.kind in OF_OPEN) is open_]
        return together[:AT_MOST] if len(together) > MANY else together[:1]

    @property
    def depth(self) -> int:
        """Messages that wait to be sent."""
        cards = sum(card.message is None and not card.closed for card in self._desk.cards.values())
        return cards + len(self._desk.outbox)

    def behind(self, now: datetime) -> float:
        """Seconds for which the oldest of them has waited, parked chats and what is kept back on purpose aside."""
        desk = self._desk
        made = [
            card.made
            for card in desk.cards.values()
            if card.message is None and not card.closed and card.made is not None and card.chat not in desk.parked
        ]
        made += [
            max(one.made, one.after or one.made)
            for one in desk.outbox.values()
            if one.chat not in desk.parked and not withheld(one, desk.alerts.get(one.alert))
        ]
        return max(0.0, (now - min(made)).total_seconds()) if made else 0.0
