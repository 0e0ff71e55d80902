"""What the page gets to draw, as JSON. Names and texts go out raw: the page sets them as text, never as markup."""

from collections.abc import Mapping

from bot.demo.telegram.api import BotApi
from bot.demo.telegram.world import Chat, Media, Message

SHOWN = 200  # newest messages of a chat


def state_view(api: BotApi, notes: Mapping[int, str]) -> dict[str, object]:
    people = [u for u in api.world.users.values() if not u.is_bot]
    chats = [c for c in api.world.chats.values() if c.moved_to is None]
    return {
        "bot": {"name": api.world.bot.name, "username": api.world.bot.username},
        "people": [{"id": u.id, "name": u.name, "note": notes.get(u.id, "")} for u in people],
        "chats": [chat_view(api, chat) for chat in chats],
        "messages": {str(c.id): [message_view(m) for m in list(c.messages())[-SHOWN:]] for c in chats},
        "menus": {
            f"{c.id}:{u.id}": api.commands.shown(c, u.id, u.language)
            for c in chats
            for u in people
            if c.type != "private" or c.user is u
        },
    }


def chat_view(api: BotApi, chat: Chat) -> dict[str, object]:
    return {
        "id": chat.id,
        "type": chat.type,
        "title": chat.user.name if chat.user else chat.title,
        "user": chat.user.id if chat.user else None,
        "forum": chat.forum,
        "topics": [{"id": number, "title": title} for number, title in chat.topics.items()],
        "status": chat.bot_status,
        "members": sum(status not in ("left", "kicked") for status in chat.members.values()),
    }


def message_view(message: Message) -> dict[str, object]:
    sender = message.sender
    return {
        "id": message.id,
        "from": sender.id if sender and not message.anonymous else None,
        "name": sender.name if sender and not message.anonymous else message.chat.title,
        "bot": message.from_bot,
        "date": message.date,
        "edited": message.edit_date,
        "edits": message.edits,
        "text": message.text,
        "entities": message.entities,
        "keyboard": [[button.to_dict() for button in row] for row in message.keyboard],
        "media": _media_view(message.media) if message.media else None,
        "topic": message.topic,
        "reply_to": message.reply_to,
        "silent": message.silent,
        "pinned": message.pinned,
        "service": message.service,
    }


def _media_view(media: Media) -> dict[str, object]:
    return {
        "kind": media.kind,
        "name": media.name,
        "size": len(media.content),
        "url": "/files/" + media.id,
        "width": media.width,
        "height": media.height,
    }
