"""/id: the numbers that the settings want."""

from dataclasses import dataclass

from bot.access import Asker
from bot.pages.page import Enquiry, Page
from bot.pages.parts import refresh
from bot.screen import Button, Copy, Open, Screen
from bot.text import code, lines, say


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    chat: int
    topic: int | None
    private: bool


async def load(ask: Enquiry, arg: str) -> Data:
    return Data(chat=ask.place.chat, topic=ask.place.topic, private=ask.private)


def draw(data: Data, asker: Asker) -> Screen:
    text = lines(
        say("You: {id}", id=code(str(asker.id))) if not asker.anonymous else say("You are anonymous here."),
        say("This chat: {id}", id=code(str(data.chat))) if not data.private else None,
        say("This topic: {id}", id=code(str(data.topic))) if data.topic is not None else None,
        say("Such a number in TELEMOX_VIEWERS, TELEMOX_OPERATORS or TELEMOX_ADMINS gives a role."),
    )
    copies = [Button(say("Copy yours"), Copy(str(asker.id)))] if not asker.anonymous else []
    if not data.private:
        copies.append(Button(say("Copy the chat's"), Copy(str(data.chat))))
    return Screen(text=text, rows=(tuple(copies), (Button(say("‹ Help"), Open("help")), refresh("id"))))


PAGE = Page(key="id", help="Ids of you and this chat, for the settings", role=None, command=True, load=load, draw=draw)
