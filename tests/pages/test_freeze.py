"""/freeze where the database fails: it holds, and says for how long."""

import pytest

from bot.access import Asker
from bot.errors import StoreFailed
from bot.pages import PAGES, Enquiry
from bot.screen import Screen
from bot.text import plain, say
from tests.pages.fleets import ANA, NOW, READER, Host, Memory, enquiry, snapshot


async def show(ask: Enquiry, page: str, arg: str) -> Screen:
    return PAGES[page].draw(await PAGES[page].load(ask, arg), ask.asker)


class Full(Memory):
    """A store on a full disk: as the real one it freezes at once, and thaws only once that is written down."""

    async def freeze(self, on: bool, by: Asker) -> None:
        self.frozen = self.frozen or on
        raise StoreFailed(say("The bot's own database failed: {reason}.", reason="disk is full"))


async def test_a_freeze_that_cannot_be_written_down_says_that_it_is_on_and_ends_with_a_restart() -> None:
    store = Full()
    ask = enquiry(Host(snapshot()), asker=ANA, store=store)
    text = plain((await show(ask, "freeze", f"on {int(NOW.timestamp())}")).text, READER)
    assert store.frozen
    assert "Frozen: I only watch now." in text
    assert "disk is full" in text
    assert "will not survive a restart" in text
    with pytest.raises(StoreFailed):
        await show(ask, "thaw", f"on {int(NOW.timestamp())}")
    assert store.frozen
