"""The chats as Telegram's server sees them: people, messages, who may write where. Plain state and its rules."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.demo.telegram.keyboard import Button, Keyboard
from bot.demo.telegram.markup import Entity
from bot.demo.telegram.refusal import Refused, bad, forbidden
from bot.demo.telegram.render import to_html

ANONYMOUS = 1087968824  # GroupAnonymousBot: whoever writes as the group itself
MINUTE = 60.0  # seconds
CHANNEL = 136817688  # Channel_Bot: a channel that writes in a group


@dataclass(slots=True)
class User:
    id: int
    name: str
    username: str = ""
    is_bot: bool = False
    language: str = "en"

    def to_dict(self) -> dict[str, object]:
        user: dict[str, object] = {"id": self.id, "is_bot": self.is_bot, "first_name": self.name}
        if self.username:
            user["username"] = self.username
        if not self.is_bot:
            user["language_code"] = self.language
        return user


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or a document."""

    kind: str  # photo | document
    name: str
    content: bytes
    id: str  # file_id
    width: int = 0  # pixels, of a photo
    height: int = 0

    def to_dict(self) -> object:
        size: dict[str, object] = {"file_id": self.id, "file_unique_id": "u" + self.id, "file_size": len(self.content)}
        if self.kind == "photo":
            return [size | {"width": self.width, "height": self.height}]
        return size | {"file_name": self.name}


@dataclass(slots=True, eq=False, repr=False)
class Message:
    """One message as it stands now; `history` keeps what it said before each edit."""

    chat: "Chat"
    id: int
    sender: User | None
    date: int  # seconds since 1970
    text: str = ""  # plain; the caption of a picture or a document
    entities: list[Entity] = field(default_factory=list)
    keyboard: Keyboard = ()
    topic: int | None = None
    reply_to: int | None = None
    silent: bool = False
    media: Media | None = None
    anonymous: bool = False
    edit_date: int | None = None
    edits: int = 0
    history: list[str] = field(default_factory=list)
    pinned: bool = False
    deleted: bool = False
    service: str = ""  # what happened, of a message nobody wrote
    extra: dict[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Message {self.id} in {self.chat.id}: {self.text!r} {self.labels}>"

    @property
    def html(self) -> str:
        return to_html(self.text, self.entities)

    @property
    def from_bot(self) -> bool:
        return self.sender is not None and self.sender.is_bot and self.sender.id == self.chat.bot.id

    @property
    def buttons(self) -> list[Button]:
        return [button for row in self.keyboard for button in row]

    @property
    def labels(self) -> list[list[str]]:
        return [[button.label for button in row] for row in self.keyboard]

    @property
    def document(self) -> Media | None:
        return self.media if self.media and self.media.kind == "document" else None

    @property
    def photo(self) -> Media | None:
        return self.media if self.media and self.media.kind == "photo" else None

    def button(self, wanted: str) -> Button:
        """The button with this label, or this data, or (if only one has it) this part of its label.

        Raises:
            LookupError: none has; names those there are.
        """
        for match in (
            [b for b in self.buttons if b.label == wanted],
            [b for b in self.buttons if b.data == wanted],
            [b for b in self.buttons if wanted in b.label],
        ):
            if len(match) == 1 or (match and match[0].label == wanted):
                return match[0]
        raise LookupError(f"no button {wanted!r} under {self.text[:80]!r}; there are {self.labels}")

    def to_dict(self, *, bare: bool = False) -> dict[str, object]:
        """As the Bot API shows it; `bare` without what it replies to."""
        body: dict[str, object] = {"message_id": self.id, "chat": self.chat.to_dict(), "date": self.date}
        if self.sender is not None:
            body["from"] = self.sender.to_dict()
        if self.anonymous or self.chat.type == "channel":
            body["sender_chat"] = self.chat.to_dict()
        if self.topic is not None:
            body |= {"message_thread_id": self.topic, "is_topic_message": True}
        if self.edit_date is not None:
            body["edit_date"] = self.edit_date
        if self.media is not None:
            body[self.media.kind] = self.media.to_dict()
        text, entities = ("caption", "caption_entities") if self.media else ("text", "entities")
        if self.text:
            body[text] = self.text
        if self.entities:
            body[entities] = self.entities
        if self.keyboard:
            body["reply_markup"] = {"inline_keyboard": [[b.to_dict() for b in row] for row in self.keyboard]}
        if self.reply_to is not None and not bare and (to := self.chat.find(self.reply_to)):
            body["reply_to_message"] = to.to_dict(bare=True)
        return body | self.extra


@dataclass(slots=True, eq=False, repr=False)
class Chat:
    id: int
    type: str  # private | group | supergroup | channel
    bot: User
    title: str = ""
    user: User | None = None  # of a private chat
    forum: bool = False
    topics: dict[int, str] = field(default_factory=dict)
    members: dict[int, str] = field(default_factory=dict)  # user id -> status
    bot_status: str = "member"  # member | administrator | left | kicked | blocked | deactivated | new
    moved_to: int | None = None
    all: list[Message] = field(default_factory=list)
    pins: list[int] = field(default_factory=list)  # message ids, newest last
    last_id: int = 0
    sent: list[float] = field(default_factory=list)  # when the bot wrote within the last minute, in a group

    def __repr__(self) -> str:
        return (
            f"<Chat {self.id} {self.type} {self.title or (self.user and self.user.name)!r}: {len(self.all)} messages>"
        )

    def to_dict(self) -> dict[str, object]:
        chat: dict[str, object] = {"id": self.id, "type": self.type}
        if self.user is not None:
            chat["first_name"] = self.user.name
            if self.user.username:
                chat["username"] = self.user.username
        else:
            chat["title"] = self.title
        if self.forum:
            chat["is_forum"] = True
        return chat

    def find(self, message_id: int) -> Message | None:
        return next((m for m in reversed(self.all) if m.id == message_id and not m.deleted), None)

    def messages(self) -> Iterator[Message]:
        return (m for m in self.all if not m.deleted)

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    @property
    def noun(self) -> str:
        return {"group": "group chat", "supergroup": "supergroup chat", "channel": "channel chat"}.get(
            self.type, "chat"
        )

    def check_access(self) -> None:
        """Raises: Refused, the bot may not write here; the first reason that holds."""
        if self.moved_to is not None:
            raise bad("group chat was upgraded to a supergroup chat", migrate_to_chat_id=self.moved_to)
        match self.bot_status:
            case "blocked":
                raise forbidden("bot was blocked by the user")
            case "deactivated":
                raise forbidden("user is deactivated")
            case "new":
                raise forbidden("bot can't initiate conversation with a user")
            case "kicked":
                raise forbidden(f"bot was kicked from the {self.noun}")
            case "left":
                raise forbidden(f"bot is not a member of the {self.noun}")
            case _:  # member, administrator
                pass


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person who tapped sees: `text` as a toast, or as an alert; "" shows nothing."""

    text: str = ""
    alert: bool = False
    url: str = ""


@dataclass(slots=True, eq=False)
class Tapped:
    """One press that waits for its answer."""

    id: str
    user: User
    message: Message | None
    data: str
    at: float  # seconds since 1970
    answer: Answer | None = None


class World:
    """Everything there is. `changed(kind, thing)` is called after each change, for the page and for who waits."""

    def __init__(self, bot: User, now: Callable[[], float]) -> None:
        self.bot = bot
        self.now = now
        self.users: dict[int, User] = {bot.id: bot}
        self.chats: dict[int, Chat] = {}
        self.tapped: dict[str, Tapped] = {}
        self.files: dict[str, Media] = {}
        self.quota = 0  # messages a minute into a group; 0: any number
        self.watchers: list[Callable[[str, object], None]] = []

    def changed(self, kind: str, thing: object) -> None:
        for watcher in list(self.watchers):
            watcher(kind, thing)

    def chat(self, chat_id: str) -> Chat:
        """Raises: Refused, 400 "chat_id is empty" or "chat not found"."""
        if not chat_id.strip():
            raise bad("chat_id is empty")
        try:
            chat = self.chats.get(int(chat_id))
        except ValueError:
            chat = None
        if chat is None:
            raise Refused(400, "Bad Request: chat not found")
        return chat

    def add(self, message: Message) -> Message:
        message.chat.all.append(message)
        self.changed("message", message)
        return message

    def count(self, chat: Chat) -> None:
        """Of a message that the bot is about to send. Raises: Refused 429, the group had its share of this minute."""
        if not self.quota or chat.type not in ("group", "supergroup"):
            return
        now = self.now()
        chat.sent = [at for at in chat.sent if now - at < MINUTE]
        if len(chat.sent) >= self.quota:
            wait = max(1, math.ceil(chat.sent[0] + MINUTE - now))
            raise Refused(429, f"Too Many Requests: retry after {wait}", {"retry_after": wait})
        chat.sent.append(now)

    def write(self, chat: Chat, sender: User | None, **content: object) -> Message:
        """Appends a message dated now; `content` sets its fields."""
        message = Message(chat=chat, id=chat.next_id(), sender=sender, date=int(self.now()))
        for name, value in content.items():
            setattr(message, name, value)
        return self.add(message)
