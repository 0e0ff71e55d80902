"""/maintenance: somebody works on a node: it and its guests are silent, and the rules know that it may be off."""

from bot.access import Role
from bot.pages.alerting.naming import page_word
from bot.pages.alerting.silence import Data, draw, settle
from bot.pages.page import Enquiry, Page


async def load(ask: Enquiry, arg: str) -> Data:
    """`pve2 2h reason`, with or without `node` before it. Raises: NotFound, Stale."""
    words = arg.split()
    number = page_word(words)
    if words and words[0].lower() == "node":
        words = words[1:]
    return await settle(ask, "node", words, number, page="maintenance", maintenance=True)


PAGE = Page(
    key="maintenance",
    help="Work on a node: it and its guests are silent: /maintenance pve2 2h",
    role=Role.OPERATOR,
    command=True,
    load=load,
    draw=draw,
    changes=True,
    deed="maintenance",
)
