"""The least of bots: python-telegram-bot as its tutorial has it, answering whatever is said. The floor for what needs
no Proxmox VE: start, memory, an answer from the cache."""

import os

from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters


async def echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message is not None
    await update.message.reply_text(update.message.text or "")


if __name__ == "__main__":
    base = os.environ["TELEMOX_TELEGRAM_BASE_URL"]
    application = Application.builder().token(os.environ["TELEMOX_TELEGRAM_TOKEN"]).base_url(f"{base}/bot").build()
    application.add_handler(MessageHandler(filters.TEXT, echo))
    application.run_polling()
