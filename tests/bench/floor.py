"""The least a python-telegram-bot program can do for `/status`: one update, one GET /cluster/resources through httpx,
json.loads, one sendMessage."""

import json
import os
import ssl

import httpx
from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

CONTEXT = ssl.create_default_context(cafile=os.environ["TELEMOX_PVE_CA_FILE"])
CONTEXT.check_hostname = False
HTTP = httpx.AsyncClient(
    base_url=f"https://{os.environ['TELEMOX_PVE_HOSTS'].split(',')[0]}/api2/json",
    headers={"Authorization": f"PVEAPIToken={os.environ['TELEMOX_PVE_VIEW_TOKEN']}"},
    verify=CONTEXT,
)


async def status(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message is not None
    rows = json.loads((await HTTP.get("/cluster/resources")).content)["data"]
    await update.message.reply_text(f"{len(rows)} rows")


if __name__ == "__main__":
    base = os.environ["TELEMOX_TELEGRAM_BASE_URL"]
    application = Application.builder().token(os.environ["TELEMOX_TELEGRAM_TOKEN"]).base_url(f"{base}/bot").build()
    application.add_handler(MessageHandler(filters.TEXT, status))
    application.run_polling()
