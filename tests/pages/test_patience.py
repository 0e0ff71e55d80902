"""What is said while a cluster takes its time; the screens are read in tests/screens/."""

from dataclasses import replace

import pytest

from bot.access import Asker, Scope
from bot.model import Snapshot
from bot.pages.patience import waiting
from bot.text import plain
from tests.pages import fleets
from tests.pages.fleets import BEN, HOSTILE, READER, Host, enquiry
from tests.pages.golden import check
from tests.pages.test_screens import LAB, STALE

ONE_GUEST = replace(BEN, scope=Scope(vmids=frozenset({105})))


def host(seen: Snapshot, waits: float = 3.0, *, cached: bool = True) -> Host:
    made = Host(seen, cached=cached)
    made.waiting = waits
    return made


@pytest.mark.parametrize(
    ("name", "hosts", "arg", "asker"),
    [
        ("cluster", [host(fleets.snapshot())], "", BEN),
        ("guest", [host(fleets.snapshot())], "main/104", BEN),
        ("old", [host(STALE)], "", BEN),
        ("never-seen", [host(fleets.snapshot(), cached=False)], "", BEN),
        ("of-two", [host(fleets.snapshot(), 0.2), host(LAB)], "", BEN),
        ("guest-of-another", [host(fleets.snapshot(), 0.0), host(LAB)], "main/104", BEN),
        ("two", [host(fleets.snapshot()), host(LAB)], "", BEN),
        ("none", [host(fleets.snapshot(), 0.0)], "", BEN),
        ("narrowed", [host(fleets.snapshot())], "", ONE_GUEST),
    ],
)
def test_waiting(name: str, hosts: list[Host], arg: str, asker: Asker) -> None:
    check(f"waiting-{name}", waiting(enquiry(*hosts, asker=asker), arg))
    assert not [call for each in hosts for call in each.calls]


def test_who_may_not_see_a_guest_is_not_told_of_it() -> None:
    there = next(guest for guest in fleets.GUESTS if guest.name == HOSTILE)
    text = plain(waiting(enquiry(host(fleets.snapshot()), asker=ONE_GUEST), there.target).text, READER)
    assert HOSTILE not in text
