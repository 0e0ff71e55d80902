"""Telegram, outbound: satisfies `ports.Messenger`. Every quirk of sending and editing is dealt with here, once.

what Telegram says                          what is done
message is not modified                     it is as wanted
message to edit not found, can't be edited  a new message
message is too long                         a shorter one, plain
can't parse entities                        the same, plain
a style, link or button it refuses          a poorer keyboard (keyboard.Plainness), remembered for styles
message thread not found                    outside the topic
group chat was upgraded                     the new id, everywhere
429                                         this chat waits (limiter); an answer is sent once more
403, chat not found                         None; said in the log once
no connection (nothing was sent)            once more
no answer (perhaps sent)                    an edit once more, a message not: better none than two
"""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from telegram import InputFile
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.access import Role
from bot.chat.api import Api, Fields
from bot.chat.forms import SHORT, Form, gone, parked, unmodified
from bot.chat.keyboard import Plainness, keyboard, sendable
from bot.chat.limiter import Lane, Limiter
from bot.chat.members import Members
from bot.chat.turns import Queues, entered
from bot.ports import Store
from bot.screen import File, Message, Picture, Place, Screen
from bot.text import EMPTY, MESSAGE_LIMIT, Reader, Said, html, plain

log = logging.getLogger(__name__)

CAPTION = 1024
"""Code points of a caption after parsing."""
TOAST = 200
"""Characters of a callback's answer."""
SHOWN = 4096
"""Messages whose last rendering is remembered, so that an edit that changes nothing costs nothing."""
TRIES = 6
"""Ways to say one thing before it is given up."""

_UNSENT = ("ConnectError", "ConnectTimeout", "PoolTimeout")
"""httpx's exceptions for which nothing has left the machine."""


class Messenger:
    def __init__(
        self, api: Api, limiter: Limiter, members: Members, store: Store, reader: Callable[[int], Reader]
    ) -> None:
        """`reader` gives language and zone of a chat."""
        self._api = api
        self._limiter = limiter
        self._members = members
        self._store = store
        self._reader = reader
        self._shown: OrderedDict[Message, tuple[str, str]] = OrderedDict()
        self._busy: Queues[Message] = {}  # messages with an edit under way
        self._styles = Plainness.FULL
        self._parked: set[int] = set()  # chats that cannot be reached, as the log was told

    # -- ports.Messenger ------------------------------------------------------------------------------------------

    async def send(self, place: Place, screen: Screen, *, silent: bool = False) -> Message | None:
        return await self._send(place, screen, Lane.ANSWER, silent=silent)

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

    async def tell_admins(self, said: Said) -> None:
        screen = Screen(text=said)
        admins = self._members.roles.people(Role.ADMIN)
        await asyncio.gather(*(self._send(Place(chat=admin), screen, Lane.ALERT) for admin in admins))

    async def answer(self, query: str, said: Said | None, chat: int) -> None:
        """The one answer to a pressed button: a toast to the presser alone, or nothing but the end of its spinner."""
        fields: Fields = {"callback_query_id": query}
        if said is not None:
            fields["text"] = sendable(plain(said, self._reader(chat)))[:TOAST]
        try:
            await self._api.call("answerCallbackQuery", fields)
        except TelegramError as error:  # too old, or the connection: nothing that could still be mended
            log.debug("a button's answer was not taken: %s", error)

    # -- one message ----------------------------------------------------------------------------------------------

    async def _send(self, place: Place, screen: Screen, lane: Lane, *, silent: bool = False) -> Message | None:
        attachment = screen.attachment
        fields: Fields = {"disable_notification": True} if silent else {}
        if isinstance(attachment, Picture):
            sent = await self._say("sendPhoto", place, screen, fields, lane, attachment)
        else:
            sent = await self._say("sendMessage", place, screen, fields, lane)
        if sent is not None and isinstance(attachment, File):
            await self._beside(sent, attachment, lane)
        return sent

    async def _beside(self, message: Message, file: File, lane: Lane) -> None:
        """The file, as a reply to the message it belongs to."""
        reply = {"message_id": message.id, "allow_sending_without_reply": True}
        await self._say(
            "sendDocument", message.place, Screen(text=EMPTY, attachment=file), {"reply_parameters": reply}, lane, file
        )

    async def _edit(self, message: Message, screen: Screen, lane: Lane) -> Message | None:
        try:
            return await self._say("editMessageText", message.place, screen, {"message_id": message.id}, lane)
        except _Gone:
            self._shown.pop(message, None)
            return await self._send(message.place, replace(screen, attachment=None), Lane.ANSWER, silent=True)

    async def _say(
        self,
        method: str,
        place: Place,
        screen: Screen,
        extra: Fields,
        lane: Lane,
        attachment: Picture | File | None = None,
    ) -> Message | None:
        """Says it in the richest form that Telegram takes; None where it takes none.

        Raises: _Gone from an edit, when there is no such message.
        """
        edited = extra.get("message_id")
        form: Form | None = Form(buttons=self._styles)
        for _ in range(TRIES):
            if form is None:
                break
            if (chat := self._members.current(place.chat)) != place.chat:
                if edited is not None:
                    raise _Gone  # the group's messages stayed behind: the same id is another message there
                place = Place(chat=chat)  # and so did its topics
            fields, rendering = await self._fields(place, screen, extra, form, attachment)
            old = Message(place=place, id=edited) if edited is not None else None
            if old is not None and self._shown.get(old) == rendering:
                return old
            if old is not None:
                self._shown.pop(old, None)  # until it is known again: an answer may get lost
            try:
                sent = _id(await self._api.call(method, fields, lane))
            except TelegramError as error:
                if old is not None and unmodified(error.message.lower()):
                    return self._remember(old, rendering)
                form = await self._after(error, form, place, lane, method, edits=old is not None)
            else:
                self._parked.discard(place.chat)
                return self._remember(old or Message(place=place, id=sent), rendering)
        return None

    async def _after(
        self, error: TelegramError, form: Form, place: Place, lane: Lane, method: str, *, edits: bool
    ) -> Form | None:
        """The form to try next; None to give up, which is said in the log.

        Raises: _Gone.
        """
        words = error.message.lower()
        poorer: Form | None = None
        match error:
            case ChatMigrated(new_chat_id=new):
                await self._members.migrated(place.chat, new)
                return form
            case Forbidden():
                return self._park(place, error)
            case BadRequest():  # before NetworkError, which it is a kind of
                if edits and gone(words):
                    raise _Gone from error
                if parked(words):
                    return self._park(place, error)
                poorer = form.poorer(words)
                if poorer is not None and poorer.buttons is Plainness.UNSTYLED:
                    self._styles = Plainness.UNSTYLED  # this server knows none
            case RetryAfter() if lane is Lane.ANSWER and form.again:
                return replace(form, again=False)  # the limiter waits
            case NetworkError() if form.again and (edits or _unsent(error)):
                return replace(form, again=False)
        log.warning("%s to chat %d: %s%s", method, place.chat, error, "; said more plainly" if poorer else "")
        return poorer

    async def _fields(
        self, place: Place, screen: Screen, extra: Fields, form: Form, attachment: Picture | File | None
    ) -> tuple[Fields, tuple[str, str]]:
        reader = self._reader(place.chat)
        limit = CAPTION if attachment is not None else MESSAGE_LIMIT
        limit = min(limit, SHORT) if form.short else limit
        marked = form.marked
        try:
            text = str(html(screen.text, reader, limit)) if marked else ""
        except UnicodeEncodeError:  # a lone surrogate, in what is not cleaned as a value is
            marked = False
        if not marked:
            text = _cut(sendable(plain(screen.text, reader)), limit)
        rows = await keyboard(screen.rows, reader, self._store.keep, form.buttons)
        markup = json.dumps({"inline_keyboard": rows})  # once: PTB would do it twice, and the key below is needed too
        fields: Fields = {"chat_id": place.chat, **extra}
        if form.topic and place.topic is not None and "message_id" not in extra:
            fields["message_thread_id"] = place.topic
        match attachment:
            case None:
                fields["text"] = text or "…"
                fields["link_preview_options"] = _NO_PREVIEW
            case Picture(content=content):
                fields["photo"] = InputFile(content, filename="graph.png")
                fields["caption"] = text
            case File(name=name, content=content):
                fields["document"] = InputFile(content, filename=sendable(name))
        if marked:
            fields["parse_mode"] = "HTML"
        if rows:
            fields["reply_markup"] = markup
        return fields, (text, markup)

    def _remember(self, message: Message, rendering: tuple[str, str]) -> Message:
        self._shown[message] = rendering
        self._shown.move_to_end(message)
        if len(self._shown) > SHOWN:
            self._shown.popitem(last=False)
        return message

    def _park(self, place: Place, error: TelegramError) -> Form | None:
        if place.chat not in self._parked:
            self._parked.add(place.chat)
            log.warning("chat %d cannot be written to: %s", place.chat, error.message)
        return None


class _Gone(Exception):
    """There is no such message any more, or it cannot be edited."""


_NO_PREVIEW = json.dumps({"is_disabled": True})


def _id(result: Any) -> int:
    """Of the message that was sent or edited. Raises: NetworkError where none is named."""
    match result:
        case {"message_id": int(number)}:
            return number
        case _:
            raise NetworkError("no message came back")


def _unsent(error: TelegramError) -> bool:
    cause: Any = error.__cause__
    return type(cause).__name__ in _UNSENT


def _cut(text: str, limit: int) -> str:
    """Whole lines of `text` within `limit`, the last one cut where one line alone is longer."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return (head.rpartition("\n")[0] or head) + "…"
