"""What is told of nodes, storages and disks, from poll to poll, through the real rules."""

import pytest

from bot.model.feeds import DISKS, Feeds
from bot.model.readings import Disk
from tests.engine.lives import Lives
from tests.rules.views import feeds

# -- disks ---------------------------------------------------------------------------------------------------------

OTHER = Disk(dev="/dev/sda", serial="S0", health="PASSED", wearout=90)
FAILED = Disk(dev="/dev/sdb", serial="S1", health="FAILED!", wearout=4)


def disks(*given: Disk) -> Feeds:
    return feeds((DISKS, "pve1", given))


@pytest.mark.parametrize("health", ["UNKNOWN", "", "SMART Disabled"])
def test_a_disk_that_says_nothing_any_more_is_not_well(health: str) -> None:
    lives = Lives(["disk_health"])
    assert len(lives.run(60, feeds=disks(OTHER, FAILED))) == 2
    mute = Disk(dev="/dev/sdb", serial="S1", health=health)
    assert lives.run(600, feeds=disks(OTHER, mute)) == []
    assert lives.run(60, feeds=disks(OTHER, Disk(dev="/dev/sdb", serial="S1", health="OK", wearout=50))) == [
        "resolved disk_health: /dev/sdb on pve1 is well",
        "resolved disk_health: /dev/sdb on pve1 is not worn",
    ]


def test_a_disk_that_is_not_there_any_more_is_over_and_not_well() -> None:
    """Taken out, as it should be, or dead: who took it out knows."""
    lives = Lives(["disk_health"])
    lives.run(60, feeds=disks(OTHER, FAILED))
    gone = "resolved disk_health: /dev/sdb on pve1 is not listed any more: taken out, or dead"
    assert lives.run(60, feeds=disks(OTHER)) == [gone, gone]
    assert all(one.finding.unwell is not None for one in lives.alerts.values())
