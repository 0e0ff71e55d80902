"""Telegram for what nobody asked for: satisfies `ports.Courier`. Tried once; the deliverer mends what went wrong.

what Telegram says                                  what the deliverer is told
429                                                 LATER, after so many seconds; until then this chat is not tried
500, 502, 503 in its own words, no connection       LATER: nothing was shown
no answer, 504, a gateway's page, an odd 200        UNKNOWN of a message, LATER of an edit, which can be said twice
message to edit not found, can't be edited          MISSING
403, chat not found                                 CHAT
anything that no poorer form mends                  REFUSED; so is what cannot be put into words: one bad message must
                                                    not hold up all others of its chat
"""

import logging
from dataclasses import replace

from telegram.error import TelegramError

from bot.chat.api import Fields
from bot.chat.limiter import Lane
from bot.chat.speech import Speech
from bot.ports import Lost, Undelivered
from bot.screen import Message, Place, Screen

log = logging.getLogger(__name__)


class Courier(Speech):
    async def post(
        self, place: Place, screen: Screen, *, silent: bool = False, reply_to: int | None = None
    ) -> Message | Undelivered:
        if (stopped := self._stopped(place.chat)) is not None:
            return stopped
        fields: Fields = {"disable_notification": True} if silent else {}
        if reply_to is not None and self._members.current(place.chat) == place.chat:
            fields["reply_parameters"] = {"message_id": reply_to, "allow_sending_without_reply": True}
        return await self._carried("sendMessage", place, screen, fields, Lane.ALERT)

    async def revise(self, message: Message, screen: Screen, *, spare: bool = False) -> Message | Undelivered:
        chat = message.place.chat
        if (stopped := self._stopped(chat)) is not None:
            return stopped
        if spare and not self._limiter.spare(self._members.current(chat)):
            return Undelivered(why=Lost.LATER, detail="no room to spare")
        lane = Lane.PROGRESS if spare else Lane.ALERT
        return await self._carried("editMessageText", message.place, screen, {"message_id": message.id}, lane)

    async def pin(self, message: Message) -> bool:
        fields = {"chat_id": message.place.chat, "message_id": message.id, "disable_notification": True}
        return await self._done("pinChatMessage", fields)

    async def unpin(self, message: Message) -> bool:
        """False where it was not pinned, or the bot may not."""
        return await self._done("unpinChatMessage", {"chat_id": message.place.chat, "message_id": message.id})

    @property
    def deaf(self) -> float:
        return self._api.deaf

    @property
    def met(self) -> bool:
        """Has Telegram answered since the start?"""
        return self._api.met

    async def _carried(
        self, method: str, place: Place, screen: Screen, extra: Fields, lane: Lane
    ) -> Message | Undelivered:
        """Of what was not taken, with what the chat is called: admins are told of it."""
        try:
            sent = await self._say(method, place, screen, extra, lane)
        except Exception:
            log.exception("a message to chat %d cannot be put into words", place.chat)
            sent = Undelivered(why=Lost.REFUSED, detail="a fault of the bot's own, see its log")
        if isinstance(sent, Undelivered):
            return replace(sent, chat=self._members.name(self._members.current(place.chat)))
        return sent

    def _stopped(self, chat: int) -> Undelivered | None:
        """A chat that Telegram has stopped is not waited for here: what is to be said may have changed by then."""
        pause = self._limiter.stopped(self._members.current(chat))
        return Undelivered(why=Lost.LATER, after=pause, detail="429") if pause > 0 else None

    async def _done(self, method: str, fields: Fields) -> bool:
        try:
            return bool(await self._api.call(method, fields, Lane.ALERT))
        except TelegramError:
            return False
