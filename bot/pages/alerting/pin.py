"""/pin and /unpin: a live line in this chat, kept up to date; /testalert: does an alert arrive?"""

from dataclasses import dataclass

from bot.access import Asker, Role
from bot.pages.alerting.subscribe import current, told
from bot.pages.alerting.watched import MANAGING, manages, watch
from bot.pages.page import Enquiry, Page
from bot.screen import Button, Open, Screen
from bot.text import Said, lines, say


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    said: Said
    again: Button | None = None


async def load_pin(ask: Enquiry, arg: str) -> Data:
    """Raises: Denied."""
    manages(ask)
    ask.fresh()
    if await watch(ask).pin(ask.place):
        said = lines(
            say("📌 The live line is there, edited without a sound. It says when I saw all that last:"),
            say("if that is longer ago than some minutes, I am down."),
            None if ask.private else say("If it is not pinned: let me pin messages here, and send /pin again."),
        )
        return Data(said=said, again=Button(say("Unpin"), Open("unpin")))
    return Data(said=say("Telegram did not take the live line. Please send /pin again."))


async def load_unpin(ask: Enquiry, arg: str) -> Data:
    """Raises: Denied."""
    manages(ask)
    ask.fresh()
    gone = await watch(ask).unpin(ask.place)
    said = say("The live line is not kept up any more.") if gone else say("There is no live line here.")
    return Data(said=said, again=Button(say("📌 Pin"), Open("pin")))


async def load_test(ask: Enquiry, arg: str) -> Data:
    ask.fresh()
    await watch(ask).test(ask.place, ask.asker)
    route = current(ask)
    return Data(
        said=lines(
            say("A test alert is on its way to this chat alone, as loud as a warning; it is over after a minute."),
            told(route),
        ),
        again=Button(say("Subscribe …"), Open("subscribe")) if route is None else None,
    )


def draw(data: Data, asker: Asker) -> Screen:
    back = Button(say("‹ Alerts"), Open("alerts"))
    return Screen(text=data.said, rows=((data.again, back) if data.again is not None else (back,),))


PAGE = Page(
    key="pin",
    help="A live line above this chat",
    role=Role.VIEWER,
    command=True,
    load=load_pin,
    draw=draw,
    changes=True,
    change=lambda arg: MANAGING,
)
UNPIN = Page(
    key="unpin",
    help="No live line here",
    role=Role.VIEWER,
    command=True,
    load=load_unpin,
    draw=draw,
    changes=True,
    change=lambda arg: MANAGING,
)
TEST = Page(
    key="testalert",
    help="Does an alert arrive here?",
    role=Role.ADMIN,
    command=True,
    load=load_test,
    draw=draw,
    changes=True,
)
