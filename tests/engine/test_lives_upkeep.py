"""What is told of a node under maintenance of HA, from poll to poll, through the real rules."""

import pytest

from bot.model.feeds import HA, Feeds
from bot.model.readings import Ha
from tests.engine.lives import Lives
from tests.rules.views import feeds, node, offline, read

OFFLINE = "node_offline"
BOTH, ONE = [node(), node("pve2")], [node(), offline("pve2")]
MAINTENANCE, WELL = Ha(nodes={"pve2": "maintenance"}), Ha(nodes={"pve2": "online"})


@pytest.mark.parametrize(
    ("first", "unread"), [(True, Feeds()), (False, feeds((HA, "", read(MAINTENANCE, fresh=False, fails=1))))]
)
def test_a_node_under_maintenance_of_ha_stays_quiet_while_ha_is_not_read(first: bool, unread: Feeds) -> None:
    lives, known = Lives([OFFLINE]), feeds((HA, "", MAINTENANCE))
    lives.run(60, nodes=BOTH, feeds=known)
    assert lives.run(120, nodes=ONE, feeds=known) == ["fired node_offline: pve2 is offline, under HA maintenance"]
    lives.first = first
    assert lives.run(120, nodes=ONE, feeds=unread) == []
    assert lives.run(120, nodes=ONE, feeds=known) == []
    assert lives.run(1200, nodes=ONE, feeds=unread) == [
        "escalated node_offline: pve2 is offline, under HA maintenance"  # once its time is over, as ever
    ]


def test_what_ha_said_long_ago_or_says_no_more_explains_nothing() -> None:
    for then, wait in ((feeds((HA, "", WELL)), 60), (Feeds(), 2 * 3600)):
        lives = Lives([OFFLINE])
        lives.run(60, nodes=BOTH, feeds=feeds((HA, "", MAINTENANCE)))
        lives.run(wait, nodes=BOTH, feeds=then, step=30)
        assert lives.run(120, nodes=ONE, feeds=Feeds()) == ["fired node_offline: pve2 is offline"]
        assert [alert.severity.word for alert in lives.alerts.values()] == ["critical"]
