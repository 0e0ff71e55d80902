"""What the pages share that list something of the fleet, a page at a time."""

from dataclasses import dataclass
from datetime import datetime

from bot.model import Fleet
from bot.pages.page import Enquiry


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    fleet: Fleet
    number: int  # page
    now: datetime


async def load(ask: Enquiry, arg: str) -> Listing:
    """`arg` is the number of the page; anything else is the first."""
    return Listing(fleet=await ask.fleet(), number=int(arg) if arg.isdecimal() and len(arg) < 5 else 1, now=ask.now)
