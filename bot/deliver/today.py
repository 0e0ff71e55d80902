"""What a chat's digests would say now, for whoever asks before they come. No I/O."""

from datetime import datetime

from bot.deliver.digests import Digests
from bot.deliver.hours import last_digest, last_night, night
from bot.pages.alerting import digestcard
from bot.screen import Screen
from bot.text import EMPTY, Said, lines, say


def digest(planner: Digests, chat: int, now: datetime, monotonic: float) -> Screen:
    """Of this night (or the last one), and of the day."""
    habits, zone, names = planner.desk.habit(chat), planner.zone, planner.names
    places = [place for place in planner.desk.places() if place.chat == chat]
    parts: list[Said] = []
    if (span := night(habits, now, zone) or last_night(habits, now, zone)) is not None:
        begin, end = span
        found = planner.of_night(chat, places, (begin, max(min(end, now), begin)), now, monotonic)
        parts.append(digestcard.digest(found, begin=begin, end=end, night=True, clusters=names, now=now))
    if (since := last_digest(habits, now, zone)) is not None:
        found = planner.of_day(places, since, whole=True)
        parts.append(digestcard.digest(found, begin=since, end=now, night=False, clusters=names, now=now))
    if not parts:
        return Screen(text=say("This chat gets no digest."))
    return Screen(text=parts[0] if len(parts) == 1 else lines(parts[0], EMPTY, parts[1]))
