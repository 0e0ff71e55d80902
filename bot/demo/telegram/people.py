"""The people's side: who is there, what they say and tap, what they see, and waiting for it without sleeping."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime

from bot.demo.telegram.chats import member_view
from bot.demo.telegram.texts import find
from bot.demo.telegram.updates import TAP_LIFE, Updates
from bot.demo.telegram.world import ANONYMOUS, Answer, Chat, Message, Tapped, User, World

TIMEOUT = 30.0  # seconds a test waits for what should have come long before


class People:
    def __init__(self, world: World, updates: Updates) -> None:
        self.world = world
        self.updates = updates
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._group = User(ANONYMOUS, "Group", "GroupAnonymousBot", is_bot=True)
        world.users[ANONYMOUS] = self._group
        world.watchers.append(self._check)

    # --- who is there

    def user(self, id: int, name: str, username: str = "", language: str = "en") -> User:  # noqa: A002  # Telegram's word
        return self.world.users.setdefault(id, User(id, name, username, language=language))

    def private(self, user: User, *, started: bool = True) -> Chat:
        """Their chat with the bot. Not `started`: the bot may not write before they do."""
        chat = Chat(user.id, "private", self.world.bot, user=user, bot_status="member" if started else "new")
        return self._add_chat(chat)

    def group(
        self,
        id: int,  # noqa: A002  # Telegram's word
        title: str,
        *,
        forum: bool = False,
        supergroup: bool = True,
        bot_admin: bool = False,
    ) -> Chat:
        """A group the bot is in. Without `bot_admin` it hears commands, replies and mentions alone."""
        chat = Chat(id, "supergroup" if supergroup or forum else "group", self.world.bot, title=title, forum=forum)
        chat.bot_status = "administrator" if bot_admin else "member"
        return self._add_chat(chat)

    def channel(self, id: int, title: str) -> Chat:  # noqa: A002  # Telegram's word
        chat = Chat(id, "channel", self.world.bot, title=title, bot_status="administrator")
        return self._add_chat(chat)

    def topic(self, chat: Chat, title: str) -> int:
        """Opens a forum topic; gives its thread id."""
        number = chat.next_id() + 1
        chat.last_id = number
        chat.topics[number] = title
        self.world.changed("chat", chat)
        return number

    def member(self, chat: Chat, user: User, status: str = "member") -> None:
        """`status`: member, administrator, creator, left, kicked."""
        chat.members[user.id] = status

    def _add_chat(self, chat: Chat) -> Chat:
        self.world.chats[chat.id] = chat
        self.world.changed("chat", chat)
        return chat

    # --- what they do

    async def say(
        self,
        chat: Chat | int,
        user: User | None,
        text: str,
        topic: int | None = None,
        *,
        anonymous: bool = False,
        edited: bool = False,
        date: float | datetime | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        """Somebody writes. `edited`: changes their last message instead. `date`: when it was written (default: now)."""
        chat = self._chat(chat)
        sender = None if chat.type == "channel" else self._group if anonymous else user
        if edited and (mine := next((m for m in reversed(chat.all) if m.sender is sender and not m.deleted), None)):
            mine.history.append(mine.text)
            mine.text, mine.entities, mine.edits = text, find(text, []), mine.edits + 1
            mine.edit_date = int(self.world.now())
            self.world.changed("edit", mine)
            self.updates.put("edited_channel_post" if sender is None else "edited_message", mine.to_dict())
            return mine
        if chat.bot_status in ("new", "blocked"):
            chat.bot_status = "member"
        if user is not None:
            chat.members.setdefault(user.id, "member")
        moment = date.timestamp() if isinstance(date, datetime) else date
        message = Message(
            chat=chat,
            id=chat.next_id(),
            sender=sender,
            date=int(self.world.now() if moment is None else moment),
            text=text,
            entities=find(text, []),
            topic=topic if chat.forum else None,
            anonymous=anonymous,
            reply_to=reply_to.id if reply_to else None,
        )
        self.world.add(message)
        if self._heard(message, reply_to):
            kind = "channel_post" if sender is None else "message"
            kind = "edited_" + kind if edited else kind
            self.updates.put(kind, message.to_dict() | ({"edit_date": message.date} if edited else {}))
        return message

    def _heard(self, message: Message, reply_to: Message | None) -> bool:
        """Privacy mode: in groups a bot that is no administrator gets only what is meant for it."""
        chat = message.chat
        if chat.bot_status in ("kicked", "left"):
            return False
        if chat.type in ("private", "channel") or chat.bot_status == "administrator":
            return True
        if reply_to is not None and reply_to.from_bot:
            return True
        name = "@" + self.world.bot.username.lower()
        first = message.text.lower().split(maxsplit=1)[0] if message.text.strip() else ""
        if first.startswith("/"):
            return "@" not in first or first.endswith(name)
        return name in message.text.lower()

    def delete(self, message: Message, user: User) -> None:
        """Somebody deletes it: in a private chat anything, in a group their own, or all as an administrator. The bot
        is not told: Telegram has no update for it. Raises: PermissionError, neither theirs, nor are they one."""
        chat = message.chat
        chief = chat.type == "private" or chat.members.get(user.id) in {"administrator", "creator"}
        if not chief and message.sender is not user:
            raise PermissionError(user.name)
        message.deleted, message.pinned = True, False
        chat.pins = [pin for pin in chat.pins if pin != message.id]
        self.world.changed("delete", message)

    async def tap(
        self, message: Message, wanted: str, user: User, *, wait: bool = True, timeout: float = TIMEOUT
    ) -> Answer | None:
        """Presses the button with this label or data; gives what the bot answered the press with.

        Not `wait`: None at once.

        Raises:
            LookupError: no such button.
            TimeoutError: not answered within `timeout` s.
        """
        tapped = self.press(message, message.button(wanted).data, user)
        return await self.answered(tapped, timeout) if wait else None

    def press(self, message: Message, data: str, user: User) -> Tapped:
        return self._tapped(message, user, data, message.to_dict(), message.chat)

    async def forge(
        self, chat: Chat | int, user: User, message_id: int, data: str, *, wait: bool = True, timeout: float = TIMEOUT
    ) -> Answer | None:
        """A press that no button made: any data, on any message, one that is gone too."""
        chat = self._chat(chat)
        message = chat.find(message_id)
        shown: dict[str, object] = {"message_id": message_id, "chat": chat.to_dict(), "date": 0}
        tapped = self._tapped(message, user, data, message.to_dict() if message else shown, chat)
        return await self.answered(tapped, timeout) if wait else None

    def _tapped(
        self, message: Message | None, user: User, data: str, shown: Mapping[str, object], chat: Chat
    ) -> Tapped:
        tapped = Tapped(str(secrets.randbits(62)), user, message, data, self.world.now())
        self.world.tapped[tapped.id] = tapped
        query = {
            "id": tapped.id,
            "from": user.to_dict(),
            "message": shown,
            "chat_instance": str(chat.id * 7919),
            "data": data,
        }
        self.updates.put("callback_query", query, TAP_LIFE)
        self.world.changed("tap", tapped)
        return tapped

    async def answered(self, tapped: Tapped, timeout: float = TIMEOUT) -> Answer:
        """Raises: TimeoutError."""
        await self.wait_for(lambda: tapped.answer is not None, timeout, f"an answer to the press of {tapped.data!r}")
        return tapped.answer or Answer()

    def push(self, update: Mapping[str, object]) -> int:
        """Any update, whatever it holds, whoever asked for it; gives its id."""
        return self.updates.put_raw(update)

    # --- what happens to the bot

    def block(self, chat: Chat, status: str = "blocked") -> None:
        """blocked, deactivated (private chats); kicked, left (groups). Told to the bot as `my_chat_member`."""
        self._my_status(chat, status)

    def promote(self, chat: Chat, status: str = "administrator") -> None:
        """administrator or member again."""
        self._my_status(chat, status)

    def _my_status(self, chat: Chat, status: str) -> None:
        words = {"blocked": "kicked", "deactivated": "kicked", "new": "left"}
        shown = [words.get(s, s) for s in (chat.bot_status, status)]
        chat.bot_status = status
        by = chat.user or next((self.world.users[u] for u in chat.members), self._group)
        old, new = (member_view(chat.bot, s) for s in shown)
        change = {"chat": chat.to_dict(), "from": by.to_dict(), "date": int(self.world.now())}
        self.updates.put("my_chat_member", change | {"old_chat_member": old, "new_chat_member": new})
        self.world.changed("chat", chat)

    def upgrade(self, chat: Chat, new_id: int) -> Chat:
        """A group becomes a supergroup under another id; the old one refuses from now on and names it."""
        new = self.group(new_id, chat.title, bot_admin=chat.bot_status == "administrator")
        new.members = dict(chat.members)
        by = next((self.world.users[u] for u in chat.members), self._group)
        left = self.world.write(chat, by, service="became a supergroup", extra={"migrate_to_chat_id": new_id})
        came = self.world.write(new, by, service="was a group", extra={"migrate_from_chat_id": chat.id})
        chat.moved_to = new_id
        self.updates.put("message", left.to_dict())
        self.updates.put("message", came.to_dict())
        return new

    # --- what they see

    def messages(self, chat: Chat | int) -> list[Message]:
        """What stands in the chat, oldest first, as it reads now. The objects live on: an edit shows in them."""
        return [m for m in self._chat(chat).messages() if not m.service]

    def last(self, chat: Chat | int) -> Message:
        """The bot's newest message there. Raises: LookupError, it said nothing."""
        for message in reversed(self.messages(chat)):
            if message.from_bot:
                return message
        raise LookupError("the bot said nothing here")

    async def wait_for(self, predicate: Callable[[], bool], timeout: float = TIMEOUT, what: str = "") -> None:
        """Until it holds; looked at again after each change, never in between.

        Raises:
            TimeoutError: not within `timeout` s of real time; names `what` and the last calls.
        """
        if predicate():
            return
        entry = (predicate, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(timeout):
                await entry[1]
        except TimeoutError:
            raise TimeoutError(f"waited {timeout} s for {what or predicate}; {self._story()}") from None
        finally:
            self._waiting.remove(entry)

    async def ask(self, chat: Chat | int, user: User, text: str, timeout: float = TIMEOUT) -> Message:
        """Says it and gives the bot's next new message there. Raises: TimeoutError."""
        before = len(self.messages(chat)) + 1
        await self.say(chat, user, text)
        return await self.next_message(chat, before, timeout)

    async def next_message(self, chat: Chat | int, after: int, timeout: float = TIMEOUT) -> Message:
        """The bot's first message behind the first `after` ones."""

        def new() -> list[Message]:
            return [m for m in self.messages(chat)[after:] if m.from_bot]

        await self.wait_for(lambda: bool(new()), timeout, f"a message of the bot in chat {self._chat(chat).id}")
        return new()[0]

    async def read(self, message: Message, text: str, timeout: float = TIMEOUT) -> Message:
        """Until the message holds this text. Raises: TimeoutError."""
        await self.wait_for(lambda: text in message.text, timeout, f"{text!r} in {message.text!r}")
        return message

    async def settled(self, timeout: float = TIMEOUT) -> None:
        """Until the bot has fetched and confirmed all there was, no call is in the air, and it polls again."""
        await self.wait_for(lambda: self.updates.idle and not self.busy, timeout, "the bot to poll again")

    @property
    def busy(self) -> bool:
        return False

    def _check(self, kind: str, thing: object) -> None:
        for predicate, future in self._waiting:
            if not future.done() and predicate():
                future.set_result(None)

    def _story(self) -> str:
        chats = {c.id: [m.text[:60] for m in list(c.messages())[-3:]] for c in self.world.chats.values() if c.all}
        return f"{self.updates.pending} updates wait; the chats end so: {chats}"

    def _chat(self, chat: Chat | int) -> Chat:
        return chat if isinstance(chat, Chat) else self.world.chats[chat]
