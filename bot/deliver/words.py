"""Why an alert was, or was not, told in a chat; and the notes of the audit topic."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.deliver.digests import Digests
from bot.deliver.hours import night
from bot.deliver.plan import Why
from bot.model import Alert, Card, Fleet, NeverSent, Route
from bot.pages.alerting.alertwords import ends
from bot.pages.alerting.recorded import outcome_of
from bot.pages.audit import what
from bot.ports import Audit
from bot.screen import Place
from bot.text import Said, lines, say


def told(alert: Alert, chat: int, planner: Digests, now: datetime, monotonic: float) -> Said:
    """For /why: of the places of the chat, the one that tells most."""
    desk = planner.desk
    places = {place: routes for place, routes in desk.places().items() if place.chat == chat}
    cards = [card for card in desk.cards.values() if card.chat == chat and alert.number in card.alerts]
    if cards:
        return _shown(max(cards, key=lambda card: (card.message is not None, card.id)), chat in desk.parked, now)
    if not places:
        return say("Not told here: this chat has not subscribed to alerts.")
    parents = planner.parents()
    reasons = [
        planner.why(alert, planner.scene(place, routes, now), parents, monotonic) for place, routes in places.items()
    ]
    reason = next((one for one in reasons if one not in (Why.UNWANTED, Why.NOTHING)), reasons[0])
    if alert.finding.last is not None and alert.fired is None:
        return lines(say("Not told: its cause is known."), alert.finding.last)
    match reason:
        case Why.UNWANTED:
            return say("Not told here: what this chat has subscribed to leaves it out.")
        case Why.NOTHING if alert.fired is None:
            return say("Not told yet: it has to last before it fires.")
        case Why.NOTHING if (until := _kept_over(alert, planner, places, now)) is not None:
            return say("Kept by the quiet hours; their digest tells it at {when}.", when=ends(until, now))
        case Why.NOTHING:
            return say("Not told here: it was over before anybody had to know.")
        case Why.DIGEST:
            return say("Kept for the daily digest.")
        case Why.SILENCED:
            return say("Not told: a silence covers it.")
        case Why.INHIBITED:
            return _inhibited(parents.get(alert.parent))
        case Why.ENDING:
            return say("Not told: it seems to be over.")
        case Why.QUIET:
            span = night(desk.habit(chat), now, planner.zone)
            if span is None:
                return say("Kept by the quiet hours.")
            return say("Kept by the quiet hours; told at {when}.", when=ends(span[1], now))
        case Why.WAITING:
            return say("Not told yet: it waits half a minute for what starts together with it.")
        case Why.DUE | Why.COVERED:
            return say("It is told with the next poll.")


def _kept_over(
    alert: Alert, planner: Digests, places: Mapping[Place, Sequence[Route]], now: datetime
) -> datetime | None:
    """When the digest comes that tells of what is over; None where none will."""
    for place, routes in places.items():
        span = planner.untold(place.chat, now)
        if span is not None and planner.missed(alert, planner.scene(place, routes, now), span):
            return span[1]
    return None


def _shown(card: Card, parked: bool, now: datetime) -> Said:
    if card.message is not None:
        if card.made is None:
            return say("Told here.")
        return say("Told here at {when}.", when=ends(card.made, now))
    if card.told == NeverSent.DIGEST:
        return say("Told here in a digest.")
    if card.told == NeverSent.GIVEN_UP:
        return say("Not told here: it was over before this chat could be written to again.")
    if card.told == NeverSent.ELSEWHERE:
        return say("Not told here: it was over before this chat subscribed.")
    if parked:
        return say("Its message waits: this chat cannot be written to.")
    return say("Its message is on the way to Telegram.")


def _inhibited(parent: Alert | None) -> Said:
    if parent is None:
        return say("Not told by itself: it stands in the message of what caused it.")
    return say("Not told by itself: it stands in the message of {parent}.", parent=parent.finding.said)


def asked(audit: Audit, fleet: Fleet | None) -> Said:
    return say("📝 {name} asks: {what}", name=audit.name, what=what(audit, fleet))


def ended(audit: Audit, fleet: Fleet | None) -> Said:
    values = {"what": what(audit, fleet), "outcome": outcome_of(audit) if audit.outcome else "?"}
    return say("📝 {name}: {what} · {outcome}", name=audit.name, **values)
