"""What is told of guests that are down or in trouble, from poll to poll, through the real rules."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.model import Guest, Outcome, Status
from bot.model.feeds import ONBOOT, Feeds
from bot.model.readings import GuestNotes
from tests.engine.lives import Lives
from tests.rules.views import HOSTILE, feeds, guest, read, task

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


# -- a backup of a guest that is down ------------------------------------------------------------------------------


def _of_the_night(lives: Lives, guests: Sequence[Guest], seconds: float = 1200, **more: Any) -> list[str]:
    """The node's backup job, in which they are as given."""
    job = task("vzdump", "", start=lives.now, user="root@pam")
    told = lives.run(seconds, guests, tasks=(job,), **more)
    return told + lives.run(15, guests, tasks=(replace(job, end=lives.film.at, outcome=Outcome.OK),), **more)


@pytest.mark.parametrize(
    ("ct", "during"),
    [
        (True, {"status": Status.STOPPED}),
        (False, {"status": Status.PRELAUNCH}),  # QEMU is started for it, and the guest is not
    ],
)
@pytest.mark.parametrize("tags", [(), ("expect-up",)])
def test_a_guest_that_stopped_by_itself_is_backed_up_night_after_night(
    ct: bool, during: dict[str, Any], tags: tuple[str, ...]
) -> None:
    lives = Lives([SEVEN, EIGHT])
    down = guest(ct=ct, status=Status.STOPPED, tags=tags)
    lives.run(60, [guest(ct=ct, tags=tags)])
    assert lives.run(3600, [down]) == [f"fired {SEVEN}: {HOSTILE} stopped by itself"]
    for _ in range(3):
        assert _of_the_night(lives, [replace(down, lock="backup", **during)]) == []
        assert lives.run(3600, [down], step=30) == []
    assert lives.run(60, [guest(ct=ct, tags=tags)]) == [f"resolved {SEVEN}: {HOSTILE} runs again"]


@pytest.mark.parametrize("status", [Status.STOPPED, Status.PRELAUNCH])
@pytest.mark.parametrize(("tags", "notes"), [(("expect-up",), feeds()), ((), ONBOOT_104)])
def test_a_guest_that_should_run_is_backed_up_night_after_night(
    status: Status, tags: tuple[str, ...], notes: Feeds
) -> None:
    lives = Lives([SEVEN, EIGHT])
    down = replace(DOWN, tags=tags)
    assert lives.run(3600, [down], feeds=notes) == [MISSED]
    during = feeds((ONBOOT, "", GuestNotes())) if status is Status.PRELAUNCH else notes  # only of what is stopped
    for _ in range(3):
        assert _of_the_night(lives, [replace(down, status=status, lock="backup")], feeds=during) == []
        assert lives.run(3600, [down], step=30, feeds=notes) == []
    assert lives.run(60, [guest(tags=tags)]) == [f"resolved {EIGHT}: {HOSTILE} runs"]


def test_what_its_backup_stops_and_starts_again_is_quiet() -> None:
    lives = Lives([SEVEN, EIGHT])
    tags = ("critical", "expect-up")
    up, down = guest(tags=tags), replace(DOWN, tags=tags)
    lives.run(60, [up])
    lives.run(60, [replace(up, lock="backup")])
    assert _of_the_night(lives, [replace(down, lock="backup")], 600) == []
    assert _of_the_night(lives, [replace(down, lock="backup", status=Status.PRELAUNCH)], 30) == []
    assert lives.run(3600, [up]) == []
