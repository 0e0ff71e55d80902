"""The methods about chats as such: what they are, who is in them, what is pinned."""

from bot.demo.telegram.refusal import bad
from bot.demo.telegram.wire import Params
from bot.demo.telegram.world import Chat, User, World

RIGHTS = (
    *("can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats"),
    *("can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories"),
    *("can_edit_stories", "can_delete_stories"),
)


def member_view(user: User, status: str) -> dict[str, object]:
    """A ChatMember with all that its status must have."""
    member: dict[str, object] = {"user": user.to_dict(), "status": status}
    match status:
        case "creator":
            member["is_anonymous"] = False
        case "administrator":
            member |= dict.fromkeys(RIGHTS, False) | {"can_manage_chat": True, "can_pin_messages": True}
        case "kicked":
            member["until_date"] = 0
        case _:
            pass
    return member


class ChatMethods:
    def __init__(self, world: World) -> None:
        self._world = world

    async def get_chat(self, params: Params) -> object:
        chat = self._world.chat(params.text("chat_id"))
        chat.check_access()
        body = chat.to_dict() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": {
            "unlimited_gifts": False, "limited_gifts": False, "unique_gifts": False, "premium_subscription": False,
            "gifts_from_channels": False}}  # fmt: skip
        if chat.pins and (message := chat.find(chat.pins[-1])):
            body["pinned_message"] = message.to_dict(bare=True)
        return body

    async def get_chat_member(self, params: Params) -> object:
        chat = self._world.chat(params.text("chat_id"))
        chat.check_access()
        user = self._world.users.get(params.number("user_id"))
        if user is None:
            raise bad("PARTICIPANT_ID_INVALID" if params.number("user_id") else "invalid user_id specified")
        return self._member(chat, user.id)

    async def get_chat_administrators(self, params: Params) -> object:
        chat = self._world.chat(params.text("chat_id"))
        chat.check_access()
        if chat.type == "private":
            raise bad("there are no administrators in the private chat")
        chiefs = ("administrator", "creator")
        return [self._member(chat, user) for user, status in chat.members.items() if status in chiefs]

    def _member(self, chat: Chat, user_id: int) -> dict[str, object]:
        status = chat.bot_status if user_id == chat.bot.id else chat.members.get(user_id, "left")
        return member_view(self._world.users[user_id], status)

    async def pin_chat_message(self, params: Params) -> object:
        chat = self._pinnable(params)
        message = chat.find(params.number("message_id"))
        if message is None:
            raise bad("message to pin not found")
        if not message.pinned:
            first = next(iter(message.text.strip().splitlines()), "a picture")
            message.pinned = True
            chat.pins.append(message.id)
            self._world.write(
                chat,
                chat.bot,
                service=f"pinned “{first[:40]}”",
                topic=message.topic,
                silent=params.flag("disable_notification"),
                extra={"pinned_message": message.to_dict(bare=True)},
            )
            self._world.changed("edit", message)
        return True

    async def unpin_chat_message(self, params: Params) -> object:
        chat = self._pinnable(params)
        wanted = params.number("message_id") or (chat.pins[-1] if chat.pins else 0)
        message = chat.find(wanted)
        if message is None or not message.pinned:
            raise bad("message to unpin not found")
        message.pinned = False
        chat.pins.remove(message.id)
        self._world.changed("edit", message)
        return True

    def _pinnable(self, params: Params) -> Chat:
        chat = self._writable(params)
        if chat.type != "private" and chat.bot_status != "administrator":
            raise bad("not enough rights to manage pinned messages in the chat")
        return chat

    def _writable(self, params: Params) -> Chat:
        chat = self._world.chat(params.text("chat_id"))
        chat.check_access()
        return chat
