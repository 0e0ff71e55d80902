"""/start and /help: computed from PAGES, for the role of who asks."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.access import Asker, Role, may
from bot.pages.page import Enquiry, Page
from bot.screen import Button, Open, Screen
from bot.text import EMPTY, Said, bold, lines, raw, say


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    pages: tuple[Page, ...]  # those that are commands, in the table's order
    bot: str  # username
    private: bool
    acts: bool  # a token is there that may act for this role
    greets: bool = False


async def load(ask: Enquiry, arg: str) -> Data:
    return _data(ask, greets=False)


async def load_start(ask: Enquiry, arg: str) -> Data:
    return _data(ask, greets=True)


def _data(ask: Enquiry, *, greets: bool) -> Data:
    from bot.pages import PAGES  # the table holds this page too: read when it is asked for, not when it is built

    return Data(
        pages=listed(tuple(PAGES.values()), ask.asker),
        bot=ask.bot,
        private=ask.private,
        acts=any(pve.token(ask.asker.role) for pve in ask.env.clusters.values()) and ask.asker.role > Role.VIEWER,
        greets=greets,
    )


def listed(pages: Sequence[Page], asker: Asker) -> tuple[Page, ...]:
    """What /help and the command menu show to a role."""
    return tuple(page for page in pages if page.command and page.help and (page.role is None or may(asker, page.role)))


def draw(data: Data, asker: Asker) -> Screen:
    parts: list[Said] = []
    if data.greets:
        parts += [*_greeting(data, asker), EMPTY]
    else:
        parts += [bold(say("What you can ask")), *_commands(data), EMPTY]
    if not data.private:
        parts.append(say("In a group add my name: {command}", command=f"/status@{data.bot}"))
    parts.append(
        say("Your role here is {role}. Buttons that you may not press are not drawn.", role=asker.role.word)
        if not data.greets
        else say("/help lists everything.")
    )
    first = (Button(say("Status"), Open("status")), Button(say("Guests"), Open("vms")))
    other = Button(say("Help"), Open("help")) if data.greets else Button(say("Who am I"), Open("whoami"))
    return Screen(text=lines(*parts), rows=((*first, other),))


def _greeting(data: Data, asker: Asker) -> list[Said]:
    parts: list[Said] = [
        say("Hello {name}. I am Telemox: Proxmox VE from your phone.", name=asker.name),
        say("Your role here is {role}.", role=asker.role.word),
        EMPTY,
    ]
    if data.acts:
        parts += [
            say("First: /status shows how things stand."),
            say("Then: /vm and a few letters of a name, and its card has the buttons to start, reboot or stop it."),
            say("All but start and resume ask before they act."),
        ]
    else:
        parts += [
            say("First: /status shows how things stand."),
            say("Then: /vm and a few letters of a name open a guest."),
        ]
        if asker.role > Role.VIEWER:
            parts.append(say("I only watch here: no token to act with is set."))
    return parts


def _commands(data: Data) -> list[Said]:
    return [say("{command} {help}", command=raw(f"/{page.key}"), help=say(page.help)) for page in data.pages]


PAGE = Page(key="help", help="What you can ask", role=None, command=True, load=load, draw=draw)
START = Page(key="start", help="Where to begin", role=None, command=True, load=load_start, draw=draw)
