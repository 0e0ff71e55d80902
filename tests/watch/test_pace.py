"""How soon a feed is read again."""

import pytest

from bot.model import Status
from bot.model.feeds import ONBOOT
from bot.model.readings import GuestNotes
from bot.watch import pace
from tests.rules.views import guest, snapshot


@pytest.mark.parametrize(("read", "seconds"), [(set(), 15.0), ({101}, 15.0), ({101, 102}, 300.0)])
def test_configurations_that_did_not_fit_into_one_reading_are_read_soon(read: set[int], seconds: float) -> None:
    down = [guest(vmid, status=Status.STOPPED) for vmid in (101, 102)]
    seen = snapshot([*down, guest(103), guest(104, status=Status.STOPPED, template=True)])
    assert pace.calm(ONBOOT, GuestNotes(read=frozenset(read)), seen, "", 1.0) == seconds
    assert pace.calm(ONBOOT, GuestNotes(), None, "", 1.0) == 300.0
