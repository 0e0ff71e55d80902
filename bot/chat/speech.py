"""One message to Telegram, in whatever form it takes: what messenger.py and courier.py have in common.

what Telegram says                          what is done
message is not modified                     it is as wanted
message is too long                         a shorter one, plain
can't parse entities                        the same, plain
tag "tg-time" it does not know              with the time alone, remembered
a style, link or button it refuses          a poorer keyboard (keyboard.Plainness), remembered for styles
message thread not found                    outside the topic
group chat was upgraded                     the new id, everywhere
429                                         this chat waits (limiter); an answer is sent again
500, 502, 503, in Telegram's own words      nothing was shown: an answer is sent again, after a pause
no connection (nothing was sent)            an answer is sent once more
a refusal in a gateway's words              nothing was shown: later
no answer (perhaps sent), 504, a gateway's  an edit once more, a message not: better none than two. An alert is another
                                            matter: its deliverer prefers two to none, and is told which it was
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from telegram import InputFile
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.chat.api import Api, Fields
from bot.chat.forms import SHORT, Form, gone, parked, threadless, unmodified
from bot.chat.keyboard import Plainness, keyboard, sendable
from bot.chat.limiter import Lane, Limiter, seconds
from bot.chat.members import Members
from bot.chat.request import TOO_LARGE, Astray, Fault
from bot.ports import Lost, Store, Undelivered
from bot.screen import File, Message, Picture, Place, Screen
from bot.text import MESSAGE_LIMIT, Reader, html, plain

log = logging.getLogger(__name__)

CAPTION = 1024
"""Code points of a caption after parsing."""
SHOWN = 4096
"""Messages whose last rendering is remembered, so that an edit that changes nothing costs nothing."""
PAUSES = (4.0, 1.0, 0.25)
"""Seconds before an answer is tried again after a fault of Telegram's, by how many tries are left then."""
TRIES = 6 + len(PAUSES)
"""Ways to say one thing, and tries, before it is given up."""

_UNSENT = ("ConnectError", "ConnectTimeout", "PoolTimeout")
"""httpx's exceptions for which nothing has left the machine."""


class Speech:
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
        self._styles = Plainness.FULL
        self._counts = True  # does the server know <tg-time>?
        self._parked: set[int] = set()  # chats that cannot be reached, as the log was told

    async def _say(
        self,
        method: str,
        place: Place,
        screen: Screen,
        extra: Fields,
        lane: Lane,
        attachment: Picture | File | None = None,
        *,
        again: int = 0,
    ) -> Message | Undelivered:
        """Says it in the richest form that Telegram takes, with `again` more tries at what passes by itself.

        MISSING from an edit alone: there is no such message.
        """
        edited = extra.get("message_id")
        form: Form | Undelivered = Form(buttons=self._styles, counts=self._counts, again=again)
        for _ in range(TRIES):
            if isinstance(form, Undelivered):
                return form
            if (chat := self._members.current(place.chat)) != place.chat:
                if edited is not None:  # the group's messages stayed behind: the same id is another message there
                    return Undelivered(why=Lost.MISSING, detail="the group became a supergroup")
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
        return form if isinstance(form, Undelivered) else Undelivered(why=Lost.REFUSED, detail="in no form")

    async def _after(
        self, error: TelegramError, form: Form, place: Place, lane: Lane, method: str, *, edits: bool
    ) -> Form | Undelivered:
        """The form to try next, or why there is none."""
        words = error.message.lower()
        why = Lost.LATER if edits else Lost.UNKNOWN  # an edit can be said twice
        after = 0.0
        match error:
            case ChatMigrated(new_chat_id=new):
                await self._members.migrated(place.chat, new)
                return form
            case Forbidden():
                return self._park(place, error)
            case BadRequest():  # before NetworkError, which it is a kind of
                if edits and gone(words):
                    return Undelivered(why=Lost.MISSING, detail=error.message)
                if parked(words) or (threadless(words) and not form.topic):  # General is closed, too
                    return self._park(place, error)
                if (poorer := form.poorer(words)) is not None:
                    if poorer.buttons is Plainness.UNSTYLED:
                        self._styles = Plainness.UNSTYLED  # this server knows none
                    self._counts = self._counts and poorer.counts
                    log.warning("%s to chat %d: %s; said more plainly", method, place.chat, error)
                    return poorer
                why = Lost.REFUSED
            case RetryAfter() if lane is Lane.ANSWER and form.again:
                return replace(form, again=form.again - 1)  # the limiter waits
            case RetryAfter():
                why, after = Lost.LATER, seconds(error)
            case Fault(code=code) if code == TOO_LARGE:
                why = Lost.REFUSED
            case Fault() if lane is Lane.ANSWER and form.again:
                await self._limiter.rest(PAUSES[form.again - 1])
                return replace(form, again=form.again - 1)
            case InvalidToken() | Astray():
                why = Lost.LATER
            case NetworkError() if form.again and (edits or _unsent(error)):
                return replace(form, again=0)
            case Fault():
                why = Lost.LATER
            case NetworkError() if _unsent(error):
                why = Lost.LATER
        return Undelivered(why=why, after=after, detail=f"{method}: {error}")

    async def _fields(
        self, place: Place, screen: Screen, extra: Fields, form: Form, attachment: Picture | File | None
    ) -> tuple[Fields, tuple[str, str]]:
        reader = self._reader(place.chat)
        if not form.counts:
            reader = replace(reader, counts=False)
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

    def _park(self, place: Place, error: TelegramError) -> Undelivered:
        if place.chat not in self._parked:
            self._parked.add(place.chat)
            log.warning("chat %d cannot be written to: %s", place.chat, error.message)
        return Undelivered(why=Lost.CHAT, detail=error.message)


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
