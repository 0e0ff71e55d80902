"""What was to be sent and need not be, or not now; and cards that nobody needs any more. No I/O."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

from bot.deliver.desk import Desk
from bot.deliver.hours import night
from bot.deliver.plan import urgent
from bot.model import Alert, Card, LetterKind, NeverSent, Outgoing, Phase
from bot.screen import Place

KEPT = timedelta(days=7)
"""For so long a closed card is known as ours: what is tapped there opens beside it."""
CARDS = 2000
"""Closed cards kept at most."""
WAITING = 500
"""Of what is over, so many wait at most for a chat that cannot be written to."""
DAY = timedelta(days=1)
"""For so long a digest waits for such a chat."""
OF_OPEN = frozenset({LetterKind.ESCALATE, LetterKind.REMIND, LetterKind.STEADY})
"""Letters about what is open: late, they would be wrong."""
LASTING = frozenset({LetterKind.ESCALATE, LetterKind.STEADY})
"""Of them, those that a silence only keeps back: nothing else would say it after it. A reminder comes again."""


def forget(desk: Desk, flying: set[int], now: datetime) -> None:
    """`flying`: ids of cards that are being sent."""
    for letter in list(desk.outbox.values()):
        late = letter.kind is LetterKind.DIGEST and letter.chat in desk.parked and now - letter.made > DAY
        if late or (letter.kind in OF_OPEN and _stale(letter, desk.alerts.get(letter.alert))):
            desk.drop_letter(letter.id)
    places = desk.places()
    closed = []
    for card in list(desk.cards.values()):
        if card.closed:
            closed.append(card)
        elif card.message is None and card.id not in flying:
            left = _still(card, desk.alerts)
            if not left.alerts or not _has_reader(left, desk.alerts, places):
                desk.drop_card(card.id)
            elif left is not card:
                desk.put_card(left)
            elif card.chat in desk.parked:
                _give_up(desk, card, now)
    closed.sort(key=lambda card: card.id)
    for number, card in enumerate(closed):
        old = card.made is None or now - card.made > KEPT or len(closed) - number > CARDS
        if old and not any(alert in desk.alerts for alert in card.alerts):
            desk.drop_card(card.id)


def withhold(desk: Desk, now: datetime, machine: tzinfo | None) -> None:
    """What a silence keeps back may come free in quiet hours: then it waits for their end, as what comes in them. None
    waits for longer, as it would where the clock was set back."""
    for letter in list(desk.outbox.values()):
        if letter.kind not in OF_OPEN:
            continue
        quiet, alert = night(desk.habit(letter.chat), now, machine), desk.alerts.get(letter.alert)
        end = quiet[1] if quiet is not None else None
        free = end is not None and alert is not None and withheld(letter, alert) and not urgent(alert)
        ahead = letter.after is not None and letter.after > (end or now)
        if letter.after != end and (free or ahead):
            desk.put_letter(replace(letter, after=end))


def withheld(letter: Outgoing, alert: Alert | None) -> bool:
    """Is it kept back: by a silence or, where it is late already, since it is perhaps over?"""
    return letter.kind in LASTING and alert is not None and (bool(alert.silenced) or alert.misses > 0)


def _stale(letter: Outgoing, alert: Alert | None) -> bool:
    """It is over, or somebody has it in hand, or wants to hear nothing of it, now or then."""
    if alert is None or not alert.open or alert.acked is not None:
        return True
    return bool(alert.silenced) and letter.kind not in LASTING


def _still(card: Card, alerts: Mapping[int, Alert]) -> Card:
    """Without what is not to be told now: it was silenced meanwhile, or has yet to fire anew. It is planned again when
    it is. What was shown before, and is sent once more, makes no sound and stays."""
    if card.silent:
        return card
    left = tuple(number for number in card.alerts if not _kept_back(alerts.get(number)))
    return card if left == card.alerts else replace(card, alerts=left)


def _give_up(desk: Desk, card: Card, now: datetime) -> None:
    """Nobody has read that chat for long: what is over, and is old or too much, is of no use there any more."""
    known = [(number, desk.alerts.get(number)) for number in card.alerts]
    over = [(number, alert) for number, alert in known if alert is not None and alert.phase is Phase.OVER]
    old = {number for number, alert in over if alert.over is not None and now - alert.over > KEPT}
    if len(over) > 2 * WAITING:  # many at once: each time is a row
        old |= {number for number, _ in over[:-WAITING]}
    if old:
        desk.put_card(replace(card, alerts=tuple(number for number in card.alerts if number not in old)))
        gone = replace(
            card, id=desk.number(), alerts=tuple(sorted(old)), made=now, closed=True, told=NeverSent.GIVEN_UP
        )
        desk.put_card(gone)


def _kept_back(alert: Alert | None) -> bool:
    return alert is not None and (bool(alert.silenced) or alert.phase is Phase.PENDING)


def _has_reader(card: Card, alerts: Mapping[int, Alert], places: Mapping[Place, object]) -> bool:
    known = any(number in alerts for number in card.alerts)
    return known and (Place(chat=card.chat, topic=card.topic) in places or any(one < 0 for one in card.alerts))
