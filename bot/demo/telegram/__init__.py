"""A stand-in for Telegram: the Bot API on loopback, as strict as the real one, and a page to chat with the bot.

api = BotApi()                                   people and chats
await api.start()                                api.base_url is what the bot gets for a server
ana = api.user(1, "Ana"); chat = api.private(ana)
card = await api.ask(chat, ana, "/status")       her words, the bot's next message
answer = await api.tap(card, "Guests", ana)      the toast; `card` itself has been edited
"""

from bot.demo.telegram.api import BotApi, Call
from bot.demo.telegram.keyboard import Button
from bot.demo.telegram.refusal import Refused
from bot.demo.telegram.world import Answer, Chat, Media, Message, Tapped, User

__all__ = ["Answer", "BotApi", "Button", "Call", "Chat", "Media", "Message", "Refused", "Tapped", "User"]
