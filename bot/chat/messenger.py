"""Telegram, outbound: satisfies `ports.Messenger`, and `ports.Courier` by what it inherits.

Here are the answers, for which somebody waits. How one message is said, and what a refusal means, is speech.py's.

message to edit not found, can't be edited  a new message
429, 500, 502, 503                          tried again, with pauses (speech.PAUSES), as nothing was shown
no answer, perhaps sent                     an edit once more, a message not: better none than two; a note to the admins
                                            once Telegram answers again
403, chat not found                         None; said in the log once
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from telegram.error import TelegramError

from bot.access import Role
from bot.chat.api import Api, Fields
from bot.chat.courier import Courier
from bot.chat.keyboard import sendable
from bot.chat.limiter import Lane, Limiter
from bot.chat.members import Members
from bot.chat.notes import Notes, Taken
from bot.chat.speech import PAUSES
from bot.chat.turns import Queues, entered
from bot.ports import Lost, Store, Undelivered
from bot.screen import File, Message, Picture, Place, Screen
from bot.text import EMPTY, Reader, Said, plain

log = logging.getLogger(__name__)

TOAST = 200
"""Characters of a callback's answer."""


class Messenger(Courier):
    def __init__(
        self,
        api: Api,
        limiter: Limiter,
        members: Members,
        store: Store,
        reader: Callable[[int], Reader],
        notes: Notes,
    ) -> None:
        """`reader` gives language and zone of a chat."""
        self.notes = notes  # to the admins, that wait until Telegram is reached
        super().__init__(api, limiter, members, store, reader)
        self._busy: Queues[Message] = {}  # messages with an edit under way
        self.taken: Callable[[int], object] = lambda chat: None  # told of the chat that took a message

    async def send(
        self, place: Place, screen: Screen, *, silent: bool = False, reply_to: int | None = None
    ) -> Message | None:
        """`reply_to`: id of the message in the same chat that it answers; where that is gone, it stands alone."""
        return await self._send(place, screen, Lane.ANSWER, silent=silent, reply_to=reply_to)

    async def edit(self, message: Message, screen: Screen, *, progress: bool = False) -> Message | None:
        if isinstance(screen.attachment, Picture):  # a text message cannot become a picture
            return await self._send(message.place, screen, Lane.ANSWER, silent=True)
        if progress and (message in self._busy or not self._limiter.spare(self._members.current(message.place.chat))):
            return message
        async with entered(self._busy, message, 1):  # edits of one message arrive in the order they were made
            shown = await self._edit(message, screen, Lane.PROGRESS if progress else Lane.ANSWER)
        if shown is not None and isinstance(screen.attachment, File):
            await self._beside(shown, screen.attachment, Lane.ANSWER)
        return shown or (message if progress else None)

    async def tell_admins(self, said: Said, taken: Taken | None = None) -> None:
        """Where Telegram is not reached it is kept, and told when it is: nothing says it a second time. `taken`: called
        once one of them has it."""
        if not self._api.reached:
            self.notes.keep(said, taken=taken)
        elif lost := await self._told_not(said, self._members.roles.people(Role.ADMIN), taken):
            self.notes.keep(said, lost, taken)

    async def tell_kept(self) -> None:
        """What was kept, in its order; for as long as Telegram is reached."""
        while self._api.reached and (note := self.notes.next()) is not None:
            admins = self._members.roles.people(Role.ADMIN) if note.admins is None else note.admins
            if lost := await self._told_not(note.late, admins, note.taken):
                self.notes.back(replace(note, admins=lost))

    async def _told_not(self, said: Said, admins: Iterable[int], taken: Taken | None) -> tuple[int, ...]:
        """Tells it; gives those who may be told later, since Telegram was not reached."""
        screen, asked = Screen(text=said), tuple(admins)
        told = await asyncio.gather(*(self._send(Place(chat=admin), screen, Lane.ALERT) for admin in asked))
        if taken is not None and any(message is not None for message in told):
            await taken()
        if self._api.reached:
            return ()
        return tuple(admin for admin, message in zip(asked, told, strict=True) if message is None)

    async def answer(self, query: str, said: Said | None, chat: int) -> None:
        """The one answer to a pressed button: a toast to the presser alone, or nothing but the end of its spinner."""
        fields: Fields = {"callback_query_id": query}
        if said is not None:
            fields["text"] = sendable(plain(said, self._reader(chat)))[:TOAST]
        try:
            await self._api.call("answerCallbackQuery", fields)
        except TelegramError as error:  # too old, or the connection: nothing that could still be mended
            log.debug("a button's answer was not taken: %s", error)

    async def _send(
        self, place: Place, screen: Screen, lane: Lane, *, silent: bool = False, reply_to: int | None = None
    ) -> Message | None:
        attachment = screen.attachment
        fields: Fields = {"disable_notification": True} if silent else {}
        if reply_to is not None:
            fields["reply_parameters"] = {"message_id": reply_to, "allow_sending_without_reply": True}
        if isinstance(attachment, Picture):
            sent = await self._told("sendPhoto", place, screen, fields, lane, attachment)
        else:
            sent = await self._told("sendMessage", place, screen, fields, lane)
        if sent is not None and isinstance(attachment, File):
            await self._beside(sent, attachment, lane)
        return sent

    async def _beside(self, message: Message, file: File, lane: Lane) -> None:
        """The file, as a reply to the message it belongs to."""
        reply = {"message_id": message.id, "allow_sending_without_reply": True}
        screen = Screen(text=EMPTY, attachment=file)
        await self._told("sendDocument", message.place, screen, {"reply_parameters": reply}, lane, file)

    async def _edit(self, message: Message, screen: Screen, lane: Lane) -> Message | None:
        extra: Fields = {"message_id": message.id}
        shown = await self._say("editMessageText", message.place, screen, extra, lane, again=len(PAUSES))
        if isinstance(shown, Undelivered) and shown.why is Lost.MISSING:
            self._shown.pop(message, None)
            return await self._send(message.place, replace(screen, attachment=None), Lane.ANSWER, silent=True)
        return _or_none(shown, message.place)

    async def _told(
        self,
        method: str,
        place: Place,
        screen: Screen,
        fields: Fields,
        lane: Lane,
        attachment: Picture | File | None = None,
    ) -> Message | None:
        sent = _or_none(await self._say(method, place, screen, fields, lane, attachment, again=len(PAUSES)), place)
        if sent is not None:
            self.taken(sent.place.chat)
        return sent


def _or_none(sent: Message | Undelivered, place: Place) -> Message | None:
    if isinstance(sent, Message):
        return sent
    if sent.why is not Lost.CHAT:  # that was said, once
        log.warning("chat %d was not told: %s", place.chat, sent.detail)
    return None
