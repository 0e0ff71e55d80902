"""The door to Telegram. `chat.Chat` is what the rest of the house sees of it; this module imports nothing.

getUpdates ─▶ api, polling ─▶ door (who) ─▶ handlers (what) ─▶ turns (when) ─▶ pages | runner
pages | runner ─▶ messenger ─▶ keyboard, taps ─▶ limiter (when) ─▶ api
"""
