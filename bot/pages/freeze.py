"""/freeze and /thaw: an admin stops every write of the bot, and lets them through again. Survives a restart.

The command asks; its button does it, and carries the time it was drawn: an old one asks again.
"""

from dataclasses import dataclass
from functools import partial

from bot.access import Asker, Role
from bot.errors import StoreFailed
from bot.pages.page import Enquiry, Page
from bot.screen import Button, Open, Screen
from bot.text import Said, lines, say

FRESH = 60
"""Seconds for which the button is good, as every confirmation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    frozen: bool
    wanted: bool  # frozen, by /freeze; thawed, by /thaw
    changed: bool  # just now, by this asker
    stamp: int  # epoch seconds, for the button
    unwritten: Said | None = None  # why a restart will not know that all is frozen


async def load(wanted: bool, ask: Enquiry, arg: str) -> Data:
    stamp = int(ask.now.timestamp())
    age = stamp - int(arg[3:]) if arg.startswith("on ") and arg[3:].isdecimal() and len(arg) < 16 else None
    changed = age is not None and 0 <= age <= FRESH and ask.env.store.frozen is not wanted
    unwritten = None
    if changed:
        try:
            await ask.env.store.freeze(wanted, ask.asker)
        except StoreFailed as error:
            if not (wanted and ask.env.store.frozen):  # a thaw that is not written down is none
                raise
            unwritten = error.said()
    return Data(frozen=ask.env.store.frozen, wanted=wanted, changed=changed, stamp=stamp, unwritten=unwritten)


def draw(data: Data, asker: Asker) -> Screen:
    back = Button(say("‹ Status"), Open("status"))
    if data.frozen is data.wanted:
        other = Button(say("Thaw …"), Open("thaw")) if data.frozen else Button(say("Freeze …"), Open("freeze"))
        return Screen(text=_state(data), rows=((other, back),))
    if data.wanted:
        ask: Said = say("Freeze? Nobody can start, stop or change anything through me until an admin sends /thaw.")
        yes = Button(say("🧊 Yes, freeze"), Open("freeze", f"on {data.stamp}"), "danger")
    else:
        ask = say("Thaw? People can act again, each as far as their role goes.")
        yes = Button(say("Yes, thaw"), Open("thaw", f"on {data.stamp}"), "danger")
    return Screen(text=lines(ask), rows=((yes, back),))


def _state(data: Data) -> Said:
    if data.unwritten is not None:
        return lines(
            say("🧊 Frozen: I only watch now."),
            data.unwritten,
            say(
                "So the freeze could not be written down, and will not survive a restart of the bot. "
                "When the database works again, send /thaw and then /freeze."
            ),
        )
    if data.frozen:
        return say("🧊 Frozen: I only watch now.") if data.changed else say("🧊 Writes are frozen already.")
    return say("Thawed: people can act again.") if data.changed else say("Writes are not frozen.")


PAGE = Page(
    key="freeze",
    help="Stop every write of the bot",
    role=Role.ADMIN,
    command=True,
    load=partial(load, True),
    draw=draw,
)
THAW = Page(
    key="thaw",
    help="Let writes through again",
    role=Role.ADMIN,
    command=True,
    load=partial(load, False),
    draw=draw,
)
