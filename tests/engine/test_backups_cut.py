"""Backups that their node takes with it: told within the usual time, and what was open stays so until something newer
is told."""

import pytest

from bot.demo.cluster import backup
from bot.model import Alert, Phase
from bot.text import Reader, plain
from tests.engine.kit import ANA
from tests.engine.test_stories import Story, story

RULE = "backup_failed"


def of_backups(run: Story) -> list[Alert]:
    """Those of pve1: another had failed before the story began."""
    alerts = run.watch._table.all().values()
    return [one for one in alerts if one.finding.rule == RULE and one.fired is not None and not one.summary]


def small(run: Story) -> int:
    """A container of a node that is switched off in these stories; its backup takes a few seconds."""
    return min(one.vmid for one in run.cluster.world.guests.values() if one.kind == "lxc" and one.node == "pve1")


def save(run: Story, *vmids: int) -> None:
    """Each with a pid of its own, and by somebody else than the job."""
    backup.begin(run.cluster.world, backup.Job(node="pve1", storage="nas-backup", vmids=vmids, user="ana@pve"))


async def test_a_retry_that_dies_with_its_node_leaves_the_failure_open_until_it_is_told_itself() -> None:
    async with story() as run:
        ct = run.cluster.world.guests[small(run)]
        ct.unsaved = "job failed with err -5 - Input/output error"
        save(run, ct.vmid)
        await run.pass_(60)
        (first,) = of_backups(run)
        assert first.phase is Phase.FIRING
        await run.pass_(60)  # what begins within a minute is one run
        ct.unsaved = ""
        ct.maxdisk = 2**43  # its retry takes hours
        save(run, ct.vmid)
        await run.pass_(6)
        run.cluster.set_fault("node_off", True, "pve1")
        for _ in range(30):
            await run.tick()
            assert any(one.phase is Phase.FIRING for one in of_backups(run)), "it is open as long as nothing is newer"
        run.cluster.set_fault("node_off", False, "pve1")
        for _ in range(60):
            await run.tick()
            assert any(one.phase is Phase.FIRING for one in of_backups(run)), "it is open as long as nothing is newer"
        newest = of_backups(run)[-1]
        assert (newest.phase, newest.key != first.key) == (Phase.FIRING, True)
        failed = [line for line in run.told if "Backup of" in line]
        assert failed == [f"⚠️ Backup of {ct.name} failed", f"🔴 Backup of {ct.name} failed again"]
        assert not next(one for one in run.replay.told if "failed again" in one.text).silent
        assert "its node went down meanwhile" in plain(newest.finding.details[0], Reader())


@pytest.mark.parametrize("seconds", [0, 2, 6])
async def test_what_is_overdue_moments_before_many_others_are_is_told_with_them_alone(seconds: int) -> None:
    async with story() as run:
        before = len(run.replay.told)
        run.cluster.set_fault("backup_overdue", True, "3 days")
        await run.pass_(2)
        assert run.watch.look_again(ANA)
        await run.pass_(seconds)
        run.cluster.set_fault("store_overdue", True)
        await run.pass_(32)
        assert run.watch.look_again(ANA)
        await run.pass_(60)
        told = [one.text for one in run.replay.told[before:]]
        assert ["Backups to" in text for text in told] == [True], told
        assert "broken" in told[0]


async def test_a_job_that_dies_with_its_node_is_told_once_that_is_back() -> None:
    async with story() as run:
        run.cluster.set_fault("backup_now", True, "pve1")
        await run.pass_(6)
        run.cluster.set_fault("node_off", True, "pve1")
        await run.pass_(30)
        run.cluster.set_fault("node_off", False, "pve1")
        await run.pass_(90)
        (alert,) = of_backups(run)
        assert alert.phase is Phase.FIRING
        assert [line for line in run.told if "ackup" in line]
