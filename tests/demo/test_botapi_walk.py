"""A real python-telegram-bot talks to the stand-in."""

import telegram
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import Application, CallbackQueryHandler, CommandHandler

from bot.demo.telegram import Answer, BotApi


async def test_a_bot_answers_a_command_and_a_tap() -> None:
    async with BotApi() as api:
        ana = api.user(1, 'Ana <b>"&')
        chat = api.private(ana)
        app = Application.builder().token(api.token).base_url(api.base_url + "/bot").concurrent_updates(True).build()

        async def start(update: Update, _: object) -> None:
            assert update.message is not None
            keys = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])
            await update.message.reply_text("<b>hello</b> &amp; you", parse_mode="HTML", reply_markup=keys)

        async def tapped(update: Update, _: object) -> None:
            query = update.callback_query
            assert query is not None
            await query.answer("gone")
            await query.edit_message_text("over")

        app.add_handler(CommandHandler("start", start))
        app.add_handler(CallbackQueryHandler(tapped))
        async with app:
            await app.start()
            assert app.updater is not None
            await app.updater.start_polling(allowed_updates=Update.ALL_TYPES)
            message = await api.ask(chat, ana, "/start")
            assert message.html == "<b>hello</b> &amp; you"
            assert await api.tap(message, "Go", ana) == Answer("gone")
            await api.read(message, "over")
            assert message.buttons == []
            assert message.edits == 1
            await api.settled()
            await app.updater.stop()
            await app.stop()
        assert api.tally()["sendMessage"] == 1
    assert telegram.__version__
