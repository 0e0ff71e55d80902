"""What is told of guests that are down or in trouble, from poll to poll, through the real rules."""

import pytest

from bot.model import Status
from bot.model.feeds import ONBOOT, Feeds
from bot.model.readings import GuestNotes
from tests.engine.lives import Lives
from tests.rules.views import HOSTILE, feeds, guest, read

SEVEN, EIGHT = "guest_stopped_by_itself", "guest_expected_down"
DOWN = guest(status=Status.STOPPED)
NOTES = GuestNotes(onboot=frozenset({104}), read=frozenset({104}))
ONBOOT_104 = feeds((ONBOOT, "", NOTES))
MISSED = f"fired {EIGHT}: {HOSTILE} is stopped and should run"


# -- whether it starts with its node is not known for a while ------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "unread"),
    [
        (False, feeds((ONBOOT, "", read(NOTES, fresh=False, fails=1)))),
        (True, Feeds()),
        (True, feeds((ONBOOT, "", GuestNotes(read=frozenset({105}))))),  # more are stopped than one reading asks
    ],
)
def test_a_guest_whose_configuration_is_not_read_does_not_run(first: bool, unread: Feeds) -> None:
    lives = Lives([EIGHT])
    assert lives.run(600, [DOWN], feeds=ONBOOT_104) == [MISSED]
    lives.first = first
    assert lives.run(300, [DOWN], feeds=unread) == []
    assert lives.run(600, [DOWN], feeds=ONBOOT_104) == []
    assert lives.run(60, [guest()], feeds=unread) == [f"resolved {EIGHT}: {HOSTILE} runs"]
