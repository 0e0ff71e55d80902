"""The one door: every kind of update passes it, and what it does not let in reaches no handler. No await, no I/O.

    update ─▶ which chat, which person ─▶ Roles ─▶ nobody: silence (one log line an hour, with the setting that helps)
                                             └───▶ too many in a minute: silence, one note to the admins
                                             └───▶ Typed | Pressed for the handlers, None for what nobody handles

Who it is: an anonymous admin (sender_chat is the group itself), a channel's post and somebody who writes as a channel
are the voice of a chat, without a person, whatever `from` says; a linked channel's forwards (777000) and other bots
are nobody. What was forwarded, or made by another bot, is not obeyed: its words are not the sender's. The ids of
GroupAnonymousBot and Channel_Bot are never a person, and nobody at all where no chat stands beside them.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeGuard

from telegram import Chat as TelegramChat
from telegram import ChatMember, ChatMemberRestricted, Update, User
from telegram import Message as TelegramMessage

from bot.access import NOBODY, Asker
from bot.chat.keyboard import sendable
from bot.chat.members import Members
from bot.chat.polling import Polling
from bot.model.view import Stranger
from bot.ports import Clock
from bot.screen import Message, Place
from bot.text import clean

log = logging.getLogger(__name__)

FLOOD = 600
"""Updates a minute from one person: far over what fingers can do."""
ANONYMOUS, CHANNEL = 1087968824, 136817688
"""GroupAnonymousBot and Channel_Bot, which stand in `from` for the chat in `sender_chat`."""
HOUR = 3600.0
NAME = 64
"""Characters of a stranger's name: they choose it."""
HERE = frozenset({ChatMember.MEMBER, ChatMember.ADMINISTRATOR, ChatMember.OWNER})
"""What the bot is in a chat where it may speak."""
MANY = 2000
"""People and strangers remembered at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A message that somebody let in has written."""

    asker: Asker
    place: Place
    private: bool
    arrived: float  # monotonic seconds
    text: str
    age: float  # seconds since Telegram took it, by Telegram's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A button that somebody let in has pressed, or pretends to have."""

    asker: Asker
    place: Place
    private: bool
    arrived: float  # monotonic seconds
    query: str
    data: str
    message: Message
    late: bool  # it may have waited, for nobody knows how long: a press carries no time
    somewhere: bool = False  # Telegram shows its message no more: which topic it stands in is not known


Visit = Typed | Pressed


class Door:
    """`flooded` is told, once an hour each, of a person who sends too much; `strange`, once an hour and chat, of
    one who has no role; `heard` of each update from a served chat, and whether it says that the bot may speak there.
    """

    def __init__(
        self,
        members: Members,
        clock: Clock,
        polling: Polling,
        *,
        flooded: Callable[[Asker], object] = lambda asker: None,
        strange: Callable[[Stranger], object] = lambda stranger: None,
        migrated: Callable[[int, int], object] = lambda old, new: None,
        heard: Callable[[int, bool], object] = lambda chat, speaks: None,
        flood: int = FLOOD,
    ) -> None:
        self._members = members
        self._clock = clock
        self._polling = polling
        self._flooded = flooded
        self._strange = strange
        self._migrated = migrated
        self._heard = heard
        self._flood = flood
        self._counts: dict[int, int] = {}
        self._minute = 0.0  # monotonic seconds at which the counts began
        self._strangers: dict[int, float] = {}  # id -> monotonic seconds of its log line
        self._noted: dict[int, float] = {}  # person -> monotonic seconds of the note to the admins

    def see(self, update: Update) -> Visit | None:
        """What the handlers get of this update; None: nothing."""
        if (chat := update.effective_chat) is not None and _whole(chat) and self._members.roles.serves(chat.id):
            self._members.call(chat.id, clean(str(chat.title or chat.full_name or ""))[:NAME])
            self._heard(chat.id, _welcomed(update))
        if (message := update.message or update.channel_post) is not None:
            return self._message(message)
        if update.callback_query is not None:
            return self._press(update)
        self._other(update)
        return None

    def _message(self, message: TelegramMessage) -> Typed | None:
        chat = message.chat
        if not _whole(chat) or not isinstance(message.date, datetime):
            return None
        if message.migrate_to_chat_id and self._members.roles.serves(chat.id):
            self._migrated(chat.id, message.migrate_to_chat_id)
            return None
        if message.migrate_from_chat_id and self._members.roles.serves(message.migrate_from_chat_id):
            self._migrated(message.migrate_from_chat_id, chat.id)
            return None
        if message.is_automatic_forward or message.forward_origin is not None or message.via_bot is not None:
            return None  # somebody else's words
        asker = self._asker(chat, message.from_user, message.sender_chat)
        if asker is None or not isinstance(message.text, str) or not message.text:
            return None
        return Typed(
            asker=asker,
            place=Place(chat=chat.id, topic=_topic(message)),
            private=chat.type == "private",
            arrived=self._clock.monotonic(),
            text=sendable(message.text),
            age=self._polling.age(message.date),
        )

    def _press(self, update: Update) -> Pressed | None:
        query = update.callback_query
        if query is None or query.message is None:  # of an inline message: no chat, so no role
            return None
        chat = query.message.chat
        if not _whole(chat) or type(query.message.message_id) is not int:
            return None
        asker = self._asker(chat, query.from_user, None)
        if asker is None:
            return None
        # Of a message too old for Telegram to show (its date is 0) the id is known, the topic is not.
        topic = _topic(query.message) if isinstance(query.message, TelegramMessage) else None
        place = Place(chat=chat.id, topic=topic)
        return Pressed(
            asker=asker,
            place=place,
            private=chat.type == "private",
            arrived=self._clock.monotonic(),
            query=query.id,
            data=query.data if isinstance(query.data, str) else "",
            message=Message(place=place, id=query.message.message_id),
            late=self._polling.late(update.update_id),
            somewhere=not query.message.is_accessible and chat.type != "private",
        )

    def _other(self, update: Update) -> None:
        """Edited messages are never obeyed again, the rest is not for us; strangers are noted all the same."""
        chat = update.effective_chat
        if _whole(chat) and not self._members.roles.serves(chat.id):
            self._stranger(chat, update.effective_user)

    def _asker(self, chat: TelegramChat, user: User | None, sender: TelegramChat | None) -> Asker | None:
        if (user is not None and type(user.id) is not int) or (sender is not None and not _whole(sender)):
            return None
        person = None if user is None or sender is not None or user.id in NOBODY else user.id
        if person is not None and user is not None and user.is_bot:
            return None
        roles = self._members.roles
        role = roles.role(chat.id, person, public=chat.type == "channel")
        if role is None:
            self._stranger(chat, user if person is not None else None)
            return None
        if user is not None and user.id in NOBODY and not _stands_in(user.id, chat, sender):
            return None
        if person is None or user is None:
            voice = sender or chat
            name = voice.title or voice.full_name or str(voice.id)
            asker = Asker(
                id=voice.id, name=clean(str(name)), role=role, scope=roles.scope(chat.id, None), anonymous=True
            )
        else:
            asker = Asker(id=person, name=clean(str(user.full_name)), role=role, scope=roles.scope(chat.id, person))
        return None if self._too_many(asker) else asker

    def _too_many(self, asker: Asker) -> bool:
        now = self._clock.monotonic()
        if now - self._minute >= 60:
            self._minute = now
            self._counts.clear()
        count = self._counts[asker.id] = self._counts.get(asker.id, 0) + 1
        if count <= self._flood:
            return False
        if _due(self._noted, asker.id, now):
            log.warning("%d sends more than %d updates a minute: ignored for the rest of it", asker.id, self._flood)
            self._flooded(asker)
        return True

    def _stranger(self, chat: TelegramChat, user: User | None) -> None:
        """`user` None: nobody is named, it is the chat that speaks."""
        if not _due(self._strangers, chat.id, self._clock.monotonic()):
            return
        kind = "group" if chat.id < 0 else "person"
        log.info("unknown %s %d was not answered; to let it in: TELEMOX_VIEWERS=%d", kind, chat.id, chat.id)
        known = user if user is not None and type(user.id) is int and user.id not in NOBODY else None
        name = known.full_name if known is not None else chat.title or chat.full_name or ""
        self._strange(
            Stranger(
                id=known.id if known is not None else chat.id,
                at=self._clock.now(),
                name=clean(str(name))[:NAME],
                chat=chat.id,
            )
        )


def _whole(chat: TelegramChat | None) -> TypeGuard[TelegramChat]:
    """Is there a chat, and is its id one? PTB's parsers take what comes, and leave out what does not."""
    return chat is not None and type(chat.id) is int


def _welcomed(update: Update) -> bool:
    """Was the bot let in, let in again, or allowed to speak?"""
    if update.my_chat_member is None:
        return False
    now = update.my_chat_member.new_chat_member
    return now.status in HERE or (isinstance(now, ChatMemberRestricted) and now.can_send_messages is True)


def _stands_in(sign: int, chat: TelegramChat, sender: TelegramChat | None) -> bool:
    """Does this member of NOBODY sign for the chat that speaks?"""
    if sender is None:
        return False
    return sign == CHANNEL or (sign == ANONYMOUS and sender.id == chat.id)


def _due(told: dict[int, float], id_: int, now: float) -> bool:
    """Has `id_` not been told for an hour? Then it counts as told now. With too many at once nobody new is."""
    if now - told.get(id_, now - 2 * HOUR) < HOUR:
        return False
    if len(told) >= MANY:
        for old in [key for key, at in told.items() if now - at >= HOUR]:
            del told[old]
        if len(told) >= MANY:
            return False
    told[id_] = now
    return True


def _topic(message: TelegramMessage) -> int | None:
    """Outside forums Telegram puts the thread of replies there: that is no topic."""
    return message.message_thread_id if message.is_topic_message else None
