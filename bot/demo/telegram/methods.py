"""The methods our bot calls, one function each, as strict as Telegram's server."""

import secrets
from collections.abc import Awaitable, Callable, Mapping

from bot.demo.telegram.chats import ChatMethods
from bot.demo.telegram.commands import Commands
from bot.demo.telegram.keyboard import Keyboard, read_keyboard
from bot.demo.telegram.markup import Entity
from bot.demo.telegram.pictures import read_picture
from bot.demo.telegram.refusal import Refused, bad
from bot.demo.telegram.texts import read_caption, read_text
from bot.demo.telegram.updates import TAP_LIFE, Updates
from bot.demo.telegram.wire import Params, Upload
from bot.demo.telegram.world import Answer, Chat, Media, Message, World

MAX_UPLOAD = 50 * 1024 * 1024  # bytes
MAX_AGE = 48 * 3600  # seconds; older messages stay
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)


class Methods(ChatMethods):
    """`await call(method, params)` → result. Raises: Refused."""

    def __init__(self, world: World, updates: Updates, commands: Commands) -> None:
        super().__init__(world)
        self._updates = updates
        self._commands = commands
        self.table: Mapping[str, Callable[[Params], Awaitable[object]]] = {
            method.__name__.replace("_", ""): method
            for method in (
                self.get_me, self.get_updates, self.delete_webhook, self.get_webhook_info, self.send_message,
                self.edit_message_text, self.edit_message_caption, self.edit_message_reply_markup, self.delete_message,
                self.answer_callback_query, self.send_document, self.send_photo, self.send_chat_action,
                self.set_my_commands, self.delete_my_commands, self.get_my_commands, self.get_chat,
                self.get_chat_member, self.get_chat_administrators, self.pin_chat_message, self.unpin_chat_message,
            )
        }  # fmt: skip

    async def call(self, method: str, params: Params) -> object:
        known = self.table.get(method.lower())
        if known is None:
            raise Refused(404, "Not Found: method not found")
        return await known(params)

    async def get_me(self, params: Params) -> object:
        return self._world.bot.to_dict() | {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }

    async def get_updates(self, params: Params) -> object:
        self._updates.allow(params.parsed("allowed_updates", "allowed updates"))
        timeout = max(0, params.number("timeout"))
        return await self._updates.poll(params.number("offset"), params.number("limit", 100), timeout)

    async def delete_webhook(self, params: Params) -> object:
        if params.flag("drop_pending_updates"):
            self._updates.clear()
        return True

    async def get_webhook_info(self, params: Params) -> object:
        return {
            "url": "",
            "has_custom_certificate": False,
            "pending_update_count": self._updates.pending,
            "allowed_updates": sorted(self._updates.allowed),
        }

    async def send_message(self, params: Params) -> object:
        keyboard = self._keyboard(params)
        chat = self._writable(params)
        text, entities = self._text(params)
        return self._send(chat, params, keyboard, text=text, entities=entities)

    async def send_document(self, params: Params) -> object:
        return self._send_media(params, "document")

    async def send_photo(self, params: Params) -> object:
        return self._send_media(params, "photo")

    async def edit_message_text(self, params: Params) -> object:
        keyboard = self._keyboard(params)
        text, entities = self._text(params)
        message = self._own(params)
        if message.media is not None:
            raise bad("there is no text in the message to edit")
        return self._edit(message, text, entities, keyboard)

    async def edit_message_caption(self, params: Params) -> object:
        keyboard = self._keyboard(params)
        text, entities = read_caption(params.text("caption"), params.text("parse_mode"))
        message = self._own(params)
        if message.media is None:
            raise bad("there is no caption in the message to edit")
        return self._edit(message, text, entities, keyboard)

    async def edit_message_reply_markup(self, params: Params) -> object:
        keyboard = self._keyboard(params)
        message = self._own(params)
        return self._edit(message, message.text, message.entities, keyboard)

    def _edit(self, message: Message, text: str, entities: list[dict[str, object]], keyboard: Keyboard) -> object:
        if (text, entities, keyboard) == (message.text, message.entities, message.keyboard):
            raise bad(NOT_MODIFIED)
        message.history.append(message.text)
        message.text, message.entities, message.keyboard = text, entities, keyboard
        message.edits += 1
        message.edit_date = int(self._world.now())
        self._world.changed("edit", message)
        return message.to_dict()

    async def delete_message(self, params: Params) -> object:
        chat = self._writable(params)
        message = chat.find(params.number("message_id"))
        if message is None:
            raise bad("message to delete not found")
        old = self._world.now() - message.date > MAX_AGE
        foreign = not message.from_bot and chat.type != "private" and chat.bot_status != "administrator"
        if old or foreign:
            raise bad("message can't be deleted")
        message.deleted = True
        chat.pins = [pin for pin in chat.pins if pin != message.id]
        self._world.changed("delete", message)
        return True

    async def answer_callback_query(self, params: Params) -> object:
        tapped = self._world.tapped.get(params.text("callback_query_id"))
        if len(params.text("text")) > 200:
            raise bad("MESSAGE_TOO_LONG")
        if tapped is None or tapped.answer is not None or self._world.now() - tapped.at > TAP_LIFE:
            raise bad(TOO_OLD)
        tapped.answer = Answer(params.text("text"), params.flag("show_alert"), params.text("url"))
        self._world.changed("answer", tapped)
        return True

    async def send_chat_action(self, params: Params) -> object:
        chat = self._writable(params)
        if not params.text("action"):
            raise bad("wrong parameter action in request")
        self._world.changed("action", (chat, params.text("action")))
        return True

    async def set_my_commands(self, params: Params) -> object:
        self._commands.set(params)
        self._world.changed("commands", None)
        return True

    async def delete_my_commands(self, params: Params) -> object:
        self._commands.delete(params)
        self._world.changed("commands", None)
        return True

    async def get_my_commands(self, params: Params) -> object:
        return self._commands.get(params)

    def _text(self, params: Params) -> tuple[str, list[Entity]]:
        text, entities = read_text(params.text("text"), params.text("parse_mode"))
        known = [e for e in entities if e["type"] != "text_mention" or e["user_id"] in self._world.users]
        for entity in known:
            if entity["type"] == "text_mention":  # people the bot never met are not linked
                entity["user"] = self._world.users[int(str(entity.pop("user_id")))].to_dict()
        return text, known

    def _keyboard(self, params: Params) -> Keyboard:
        if untaught := {"entities", "caption_entities", "rich_message", "receiver_user_id"} & params.values.keys():
            raise Refused(501, f"Not Implemented: the stand-in was not taught {', '.join(sorted(untaught))}")
        return read_keyboard(params.parsed("reply_markup", "reply keyboard markup"))

    def _own(self, params: Params) -> Message:
        if not params.text("chat_id"):
            raise bad("message identifier is not specified" if not params.text("message_id") else "chat_id is empty")
        chat = self._writable(params)
        if not params.number("message_id"):
            raise bad("message identifier is not specified")
        message = chat.find(params.number("message_id"))
        if message is None:
            raise bad("message to edit not found")
        if not message.from_bot or message.service:
            raise bad("message can't be edited")
        return message

    def _topic(self, chat: Chat, params: Params) -> int | None:
        topic = params.number("message_thread_id")
        if not topic or not chat.forum:
            return None
        if topic not in chat.topics:  # General is 1 and must not be named
            raise bad("message thread not found")
        return topic

    def _reply_to(self, chat: Chat, params: Params) -> int | None:
        reply = params.parsed("reply_parameters", "reply parameters")
        if reply is not None and not isinstance(reply, dict):
            raise bad("object expected as reply parameters")
        wanted, lenient = params.number("reply_to_message_id"), params.flag("allow_sending_without_reply")
        if reply:
            wanted, lenient = int(reply.get("message_id") or 0), bool(reply.get("allow_sending_without_reply"))
        if not wanted:
            return None
        if chat.find(wanted) is None:
            if lenient:
                return None
            raise bad("message to be replied not found")
        return wanted

    def _send(self, chat: Chat, params: Params, keyboard: Keyboard, **content: object) -> object:
        topic, reply_to = self._topic(chat, params), self._reply_to(chat, params)
        if topic is None and reply_to and (replied := chat.find(reply_to)):
            topic = replied.topic  # a reply goes where its message is
        self._world.count(chat)
        message = self._world.write(
            chat,
            chat.bot,
            topic=topic,
            reply_to=reply_to,
            silent=params.flag("disable_notification"),
            keyboard=keyboard,
            **content,
        )
        return message.to_dict()

    def _send_media(self, params: Params, kind: str) -> object:
        keyboard = self._keyboard(params)
        chat = self._writable(params)
        caption, entities = read_caption(params.text("caption"), params.text("parse_mode"))
        media = self._media(params, kind)
        return self._send(chat, params, keyboard, text=caption, entities=entities, media=media)

    def _media(self, params: Params, kind: str) -> Media:
        value = params.text(kind)
        upload: Upload | None = params.files.get(kind)
        if value.startswith("attach://"):
            upload = params.files.get(value.removeprefix("attach://"))
        elif value:
            known = self._world.files.get(value)
            if known is None or known.kind != kind:
                raise bad("wrong file identifier/HTTP URL specified")
            return known
        if upload is None:
            raise bad(f"there is no {kind} in the request")
        if not upload.content:
            raise bad("file must be non-empty")
        if len(upload.content) > MAX_UPLOAD:
            raise Refused(413, "Request Entity Too Large")
        width, height = read_picture(upload.content) if kind == "photo" else (0, 0)
        media = Media(kind, upload.name, upload.content, "F" + secrets.token_urlsafe(18), width, height)
        self._world.files[media.id] = media
        return media
