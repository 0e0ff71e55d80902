"""What is to be told, in memory, and which of it the store does not have yet.

take() changes it and hands all that is not durable yet to the watch, which saves it with its own; wake() says whether
that was done. Nothing is sent before: a row stands before its message. What the sender changes is written by itself at
once, and handed over with the next take() where that failed (unwritten.py).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from bot.access import Role
from bot.deliver.unwritten import Dirty, Unwritten
from bot.model import Alert, Card, CardHead, Habits, LetterKind, NeverSent, Outgoing, Route
from bot.ports import NEXT, Changes, Kept, Ledger
from bot.screen import Message, Place

MOVED = "deliver.moved."
"""Fact: what a group of the settings has become."""


def cures(alert: Alert, action: str, target: str) -> bool:
    """Is `action` on `target` what its message offers?"""
    return any((cure.verb, cure.key, cure.arg) == ("ask", action, target) for cure in alert.finding.cures)


class Desk:
    def __init__(self, routes: Iterable[Route] = ()) -> None:
        """`routes`: from the settings."""
        self.fixed = tuple(routes)
        self.own: dict[tuple[int, int | None], Route] = {}
        self.cards: dict[int, Card] = {}
        self.outbox: dict[int, Outgoing] = {}
        self.habits: dict[int, Habits] = {}
        self.facts: dict[str, str] = {}
        self.parked: set[int] = set()
        self.alerts: dict[int, Alert] = {}
        self.under: dict[str, list[Alert]] = {}  # what an alert inhibits, by its key
        self.unwritten = Unwritten()

    def load(self, kept: Kept) -> None:
        self.know({alert.number: alert for alert in kept.alerts})
        self.cards = {card.id: card for card in kept.cards}
        self.outbox = {letter.id: letter for letter in kept.outbox}
        self.habits = {habits.chat: habits for habits in kept.habits}
        self.own = {(route.chat, route.topic): route for route in kept.routes}
        self.facts = {key: value for key, value in kept.facts.items() if key.startswith("deliver.")}
        self.parked = set(kept.parked)
        self.fixed = tuple(self._followed(route) for route in self.fixed)

    def know(self, alerts: dict[int, Alert]) -> None:
        self.alerts = alerts
        self.under = {}
        for alert in alerts.values():
            if alert.parent:
                self.under.setdefault(alert.parent, []).append(alert)

    def _followed(self, route: Route) -> Route:
        """The settings may still name a group that has moved."""
        chat = route.chat
        for _ in range(8):
            new = self.facts.get(f"{MOVED}{chat}", "")
            if not new.lstrip("-").isdecimal():
                break
            chat = int(new)
        return route if chat == route.chat else replace(route, chat=chat, topic=None)

    # -- what changes ----------------------------------------------------------------------------------------------

    def number(self) -> int:
        last = max((*self.cards, *self.outbox, 0))
        known = self.facts.get(NEXT, "")
        number = max(int(known) if known.isdecimal() else 1, last + 1)
        self.fact(NEXT, str(number + 1))
        return number

    def fact(self, key: str, value: str) -> None:
        self.facts[key] = value
        self.unwritten.put(Dirty(facts={key}))

    def forsake(self, ceiling: Callable[[int], Role | None]) -> set[int]:
        """Forgets what chats without a role were told, and were to be; the audit is for admins and groups."""
        told = {route.chat for route in self.own.values()} | {card.chat for card in self.cards.values()}
        told |= {letter.chat for letter in self.outbox.values()} | set(self.habits)
        lost = {chat for chat in told if ceiling(chat) is None}
        for route in [one for one in self.own.values() if one.chat in lost]:
            self.drop_route(route.chat, route.topic)
        for card in [one for one in self.cards.values() if one.chat in lost and not one.closed]:
            self.put_card(replace(card, closed=True))
        for letter in [one for one in self.outbox.values() if one.chat in lost]:
            self.drop_letter(letter.id)
        for habits in list(self.habits.values()):
            gone = habits.chat in lost
            audit = habits.audit and not gone and (habits.chat < 0 or ceiling(habits.chat) is Role.ADMIN)
            kept = replace(habits, audit=audit, pinned=None if gone else habits.pinned)
            if kept != habits:
                self.put_habits(kept)
        return lost

    def put_card(self, card: Card) -> None:
        self.cards[card.id] = card
        self.unwritten.put(Dirty(cards={card.id}))

    def drop_card(self, id_: int) -> None:
        self.cards.pop(id_, None)
        self.unwritten.put(Dirty(cards={id_}))

    def missed(self, card: Card) -> None:
        """Its message is gone: another takes its place, silently; not of what other cards show anyway."""
        if card.head is CardHead.AGAIN:
            self.drop_card(card.id)
        else:
            self.put_card(replace(card, message=None, told="", silent=True))

    def put_letter(self, letter: Outgoing) -> None:
        self.outbox[letter.id] = letter
        self.unwritten.put(Dirty(letters={letter.id}))

    def drop_letter(self, id_: int) -> None:
        self.outbox.pop(id_, None)
        self.unwritten.put(Dirty(letters={id_}))

    def untell(self, card: int) -> None:
        """It could not be shown: what came while it was under way stands in it when it is."""
        for letter in [one for one in self.outbox.values() if one.card == card]:
            self.drop_letter(letter.id)

    def put_habits(self, habits: Habits) -> None:
        self.habits[habits.chat] = habits
        self.unwritten.put(Dirty(habits={habits.chat}))

    def put_route(self, route: Route) -> None:
        self.own[route.chat, route.topic] = route
        self.unwritten.put(Dirty(routes={(route.chat, route.topic)}))

    def drop_route(self, chat: int, topic: int | None) -> None:
        self.own.pop((chat, topic), None)
        self.unwritten.put(Dirty(routes={(chat, topic)}))

    def park(self, chat: int, on: bool) -> None:
        if on:
            self.parked.add(chat)
        else:
            self.parked.discard(chat)
        self.unwritten.put(Dirty(parked={chat}))

    # -- what the store gets ---------------------------------------------------------------------------------------

    async def save(self, ledger: Ledger, only: Dirty | None = None) -> None:
        """Writes what is not in the store: all of it, or `only` these. Raises: StoreFailed; it is handed over with the
        next, then."""
        batch, done = self.unwritten.hand(only), False
        try:
            await ledger.save(self.written(batch))
            done = True
        finally:
            (self.unwritten.saved if done else self.unwritten.failed)(batch)

    def written(self, dirty: Dirty, alerts: Iterable[Alert] = ()) -> Changes:
        """These, as they stand."""
        cards, outbox, own = self.cards, self.outbox, self.own
        return Changes(
            alerts=tuple(alerts),
            cards=tuple(cards[key] for key in sorted(dirty.cards) if key in cards),
            cards_gone=tuple(key for key in sorted(dirty.cards) if key not in cards),
            outbox=tuple(outbox[key] for key in sorted(dirty.letters) if key in outbox),
            sent=tuple(key for key in sorted(dirty.letters) if key not in outbox),
            routes=tuple(own[key] for key in dirty.routes if key in own),
            routes_gone=tuple(key for key in dirty.routes if key not in own),
            habits=tuple(self.habits[key] for key in dirty.habits if key in self.habits),
            facts={key: self.facts[key] for key in dirty.facts},
            parked={key: key in self.parked for key in dirty.parked},
        )

    # -- what there is ---------------------------------------------------------------------------------------------

    def routes(self) -> tuple[Route, ...]:
        return (*self.fixed, *self.own.values())

    def places(self) -> Mapping[Place, list[Route]]:
        found: dict[Place, list[Route]] = {}
        for route in self.routes():
            found.setdefault(Place(chat=route.chat, topic=route.topic), []).append(route)
        return found

    def habit(self, chat: int) -> Habits:
        return self.habits.get(chat) or Habits(chat=chat)

    def covered(self, place: Place) -> frozenset[int]:
        return frozenset(
            number
            for card in self.cards.values()
            if card.chat == place.chat and card.topic == place.topic
            for number in card.alerts
        )

    def card_of(self, place: Place, number: int) -> Card | None:
        """The newest message of `place` that shows the alert."""
        found = [
            card
            for card in self.cards.values()
            if card.chat == place.chat and card.topic == place.topic and number in card.alerts
        ]
        return max(found, key=lambda card: card.id, default=None)

    def accepted(self) -> frozenset[int]:
        """Numbers of alerts of which Telegram has taken a message, a digest that names them among them."""
        waits = {letter.chat for letter in self.outbox.values() if letter.kind is LetterKind.DIGEST}
        return frozenset(
            number
            for card in self.cards.values()
            if card.message is not None or (card.told == NeverSent.DIGEST and card.chat not in waits)
            for number in card.alerts
        )

    def owns(self, message: Message) -> bool:
        chat = message.place.chat
        if (habits := self.habits.get(chat)) is not None and habits.pinned == message.id:
            return True
        mine = (card for card in self.cards.values() if card.chat == chat)
        return any(message.id in (card.message, *(one.message for one in card.replies)) for card in mine)

    def mends(self, chat: int, action: str, target: str) -> bool:
        """Does a card there show an open alert that `action` on `target` is the cure of?"""
        shown = {
            number for card in self.cards.values() if card.chat == chat and not card.closed for number in card.alerts
        }
        known = (self.alerts.get(number) for number in shown)
        return any(alert is not None and alert.open and cures(alert, action, target) for alert in known)

    def move(self, old: int, new: int) -> None:
        """The group `old` is the supergroup `new`: its messages stayed behind, open cards are sent anew, silently. What
        `new` has of its own stays."""
        if self.facts.get(f"{MOVED}{old}") != str(new):
            self.fact(f"{MOVED}{old}", str(new))
        self.fixed = tuple(replace(one, chat=new, topic=None) if one.chat == old else one for one in self.fixed)
        for route in [one for one in self.own.values() if one.chat == old]:
            self.drop_route(route.chat, route.topic)
            if (new, None) not in self.own:
                self.put_route(replace(route, chat=new, topic=None))
        for card in [one for one in self.cards.values() if one.chat == old]:
            if card.head is CardHead.AGAIN:  # what it is of stands in other cards
                self.drop_card(card.id)
                continue
            silent = card.silent or card.message is not None
            told = card.told if card.closed else ""
            self.put_card(replace(card, chat=new, topic=None, message=None, told=told, silent=silent, replies=()))
        for letter in [one for one in self.outbox.values() if one.chat == old]:
            self.put_letter(replace(letter, chat=new, topic=None))
        if (had := self.habits.pop(old, None)) is not None and new not in self.habits:
            left = replace(had, chat=new, digest_topic=None, audit_topic=None, pinned=None, pinned_topic=None)
            self.put_habits(left)
        for kind in ("night", "digest", "since"):
            fact = self.facts.get(f"deliver.{kind}.{old}")
            if fact is not None and f"deliver.{kind}.{new}" not in self.facts:
                self.fact(f"deliver.{kind}.{new}", fact)
        self.parked.discard(old)


def read_time(text: str | None) -> datetime | None:
    """Of a fact; None where it is none."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
