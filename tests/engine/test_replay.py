"""A noisy day: what is told of it, and what a naive notifier would have said."""

import pytest

from tests.engine.replay import Replay, run


@pytest.fixture(scope="module")
def replay() -> Replay:
    import asyncio

    return asyncio.run(run(1))


def test_the_crash_the_disk_and_one_line_on_the_flapping_make_a_sound(replay: Replay) -> None:
    assert replay.polls == 5760
    crash, flapping, disk = replay.sounding
    assert crash == "⚠️ db stopped by itself"
    assert flapping == "⚠️ ct-dns restarts again and again"
    assert disk.startswith("🔴 pve2/local-lvm is 96")


def test_what_was_ordered_is_silent(replay: Replay) -> None:
    """Besides them: the digest, and what became of the two nodes that somebody rebooted."""
    digest = [line for line in replay.silent if line.startswith("📋")]
    ordered = [line for line in replay.silent if line.startswith("🔵")]
    assert len(digest) == 1
    assert len(ordered) == 2
    assert len(digest) + len(ordered) == len(replay.silent)


def test_a_naive_notifier_says_a_hundred_times_as_much(replay: Replay) -> None:
    assert len(replay.naive) > 100


def test_no_backup_and_no_order_is_an_alert(replay: Replay) -> None:
    named = {name for _, name in replay.fired}
    assert named <= {"db", "ct-dns", "local-lvm", "pve2", "pve3", "homelab"}
