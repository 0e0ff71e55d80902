"""16 node_cpu · 17 node_mem · 18 node_swap · 19 node_load · 20 node_rootfs · 21 pressure · 39 clock_drift"""

from dataclasses import replace
from typing import Any

import pytest

from bot.model import Severity, Subject
from bot.model.feeds import NODE_STATUS, TIME
from bot.model.feeds import ZFS as POOLS
from bot.model.readings import NodeStatus, NodeTime, ZfsPool
from bot.model.view import Memory, NodeWas
from bot.rules import BY_KEY
from tests.rules.views import (
    GIB,
    Film,
    card,
    cut_off,
    feeds,
    fires,
    found,
    grey,
    later,
    node,
    one,
    read,
    sees,
    storage,
    task,
    view,
    words,
)


def state(rule: str, seen: Any, **limit: Any) -> str:
    finding = one(rule, seen, **limit)
    return "well" if finding is None else "grey" if finding.grey else finding.severity.word


def with_status(*, nodes: Any = None, **figures: Any) -> Any:
    return view(nodes=nodes, feeds=feeds((NODE_STATUS, "pve1", NodeStatus(**figures))))


# -- 16 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cpu", "is_"), [(0.91, "warning"), (0.90, "warning"), (0.85, "grey"), (0.79, "well"), (None, "well")]
)
def test_processor(cpu: float | None, is_: str) -> None:
    assert state("node_cpu", view(nodes=[node(cpu=cpu)])) == is_
    limit = BY_KEY["node_cpu"].limit
    assert (limit.hold, limit.clear) == (1800, 300)


@pytest.mark.parametrize("kind", ["vzdump", "qmmove", "qmigrate", "vzmigrate", "migrateall", "move_volume"])
@pytest.mark.parametrize("rule", ["node_cpu", "node_load"])
def test_a_node_that_works_on_purpose_is_not_in_trouble(rule: str, kind: str) -> None:
    busy = replace(with_status(load5=99.0, cpus=4, nodes=[node(cpu=1.0)]), tasks=(task(kind, 104, start=-60),))
    assert state(rule, busy) == "grey"
    assert state(rule, replace(busy, tasks=(task(kind, 104, start=-60, end=-5),))) == "warning"
    assert state(rule, replace(busy, tasks=(task(kind, 104, start=-60, on="pve2"),))) == "warning"
    assert state(rule, replace(busy, tasks=(task("qmstart", 104, start=-60),))) == "warning"


# -- 17 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figures", "is_"),
    [
        ({"mem_total": 100, "mem_available": 4}, "warning"),
        ({"mem_total": 100, "mem_available": 8}, "grey"),
        ({"mem_total": 100, "mem_available": 11}, "well"),
        ({"mem_total": 100, "mem_available": 4, "arc": 20}, "well"),  # given back when it is wanted
        ({"mem_total": 100, "mem_available": 150}, "well"),
        ({"mem_total": 100, "mem": 96}, "warning"),
        ({"mem_total": 100, "mem": 50}, "well"),
        ({"mem_total": 0, "mem": 50}, "well"),
    ],
)
def test_memory(figures: dict[str, Any], is_: str) -> None:
    assert state("node_mem", with_status(**figures)) == is_


def test_memory_where_only_the_list_tells_it() -> None:
    full = view(nodes=[node(mem=63 * GIB)])
    finding = one("node_mem", full)
    assert finding is not None
    assert sees("node_mem", full, finding)
    assert not sees("node_mem", replace(full, feeds=feeds((NODE_STATUS, "pve1", read(None, fresh=False)))), finding)


@pytest.mark.parametrize(("swap", "is_"), [(0, "well"), (10 * 1024**2, "well"), (200 * 1024**2, "warning")])
def test_before_9_the_cache_of_zfs_counts_as_used_unless_swap_grows(swap: int, is_: str) -> None:
    film = Film()
    calm = (NODE_STATUS, "pve1", NodeStatus(mem=96, mem_total=100, swap=0, swap_total=GIB))
    film.poll(feeds=feeds((POOLS, "pve1", (ZfsPool(name="rpool", health="ONLINE"),)), calm))
    film.poll(feeds=feeds(calm))
    then = film.poll(feeds=feeds((NODE_STATUS, "pve1", NodeStatus(mem=96, mem_total=100, swap=swap, swap_total=GIB))))
    assert state("node_mem", then) == is_
    by_storage = view(storages=[storage("local-zfs", kind="zfspool")], feeds=feeds(calm))
    assert state("node_mem", by_storage) == "well"


# -- 18 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("swap", "total", "is_"),
    [(81, 100, "warning"), (70, 100, "grey"), (59, 100, "well"), (0, 0, "well"), (5, 0, "well"), (None, 100, "well")],
)
def test_swap(swap: int | None, total: int, is_: str) -> None:
    assert state("node_swap", with_status(swap=swap, swap_total=total)) == is_
    assert not BY_KEY["node_swap"].limit.on


# -- 19 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "iowait", "is_", "said"),
    [
        (33.0, None, "warning", "is overloaded"),
        (28.0, None, "grey", ""),
        (20.0, None, "well", ""),
        (1.0, 0.26, "warning", "waits for its disks"),
        (1.0, 0.20, "grey", ""),
        (1.0, 0.10, "well", ""),
        (28.0, 0.30, "warning", "waits for its disks"),
        (33.0, 0.30, "warning", "is overloaded"),
        (None, None, "well", ""),
    ],
)
def test_load(load: float | None, iowait: float | None, is_: str, said: str) -> None:
    seen = with_status(load5=load, cpus=16, iowait=iowait)
    assert state("node_load", seen) == is_
    if said:
        finding = one("node_load", seen)
        assert finding is not None
        assert said in words(finding.said)


def test_load_without_a_number_of_processors_says_nothing() -> None:
    assert state("node_load", with_status(load5=99.0, nodes=[node(cpus=None)])) == "well"
    assert state("node_load", with_status(load5=99.0, nodes=[node(cpus=4)])) == "warning"
    assert state("node_load", view()) == "well"


# -- 20 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "is_"), [(96, "critical"), (95, "critical"), (86, "warning"), (82, "grey"), (79, "well"), (None, "well")]
)
def test_root_file_system(used: int | None, is_: str) -> None:
    disk = used * GIB if used is not None else None
    assert state("node_rootfs", view(nodes=[node(disk=disk)])) == is_
    assert state("node_rootfs", view(nodes=[node(disk=disk, maxdisk=0)])) == "well"


def test_the_storage_on_it_is_named() -> None:
    beside = storage("other", disk=20 * GIB), storage("far", node="pve2", disk=90 * GIB)
    finding = one("node_rootfs", view(nodes=[node(disk=90 * GIB)], storages=[storage(disk=90 * GIB), *beside]))
    assert finding is not None
    assert card(finding) == "pve1: root disk 90% full\n10 GiB left of 100 GiB\nstorage on it: local"


# -- 21 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figures", "is_"),
    [
        ({"pressure_io": 0.11}, "warning"),
        ({"pressure_io": 0.06}, "grey"),
        ({"pressure_io": 0.04}, "well"),
        ({"pressure_mem": 0.06}, "warning"),
        ({"pressure_mem": 0.03}, "grey"),
        ({"pressure_cpu": 0.41}, "warning"),
        ({"pressure_cpu": 0.25}, "grey"),
        ({"pressure_cpu": 0.19}, "well"),
        ({}, "well"),
    ],
)
def test_pressure(figures: dict[str, Any], is_: str) -> None:
    assert state("pressure", with_status(**figures)) == is_
    assert not BY_KEY["pressure"].limit.on


# -- 39 ------------------------------------------------------------------------------------------------------------


def clocks(*offsets: float, error: float = 0.0) -> Any:
    names = [f"pve{n}" for n in range(1, len(offsets) + 1)]
    times = [(TIME, name, NodeTime(offset=offset, error=error)) for name, offset in zip(names, offsets, strict=True)]
    return view(nodes=[node(name) for name in names], feeds=feeds(*times))


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (clocks(0, 0, 7), ["the clock of pve3 is 7 s ahead"]),
        (clocks(0, -7, 0), ["the clock of pve2 is 7 s behind"]),
        (clocks(0, 7), ["the clock of pve2 is 7 s ahead"]),  # the bot's own tells who is wrong
        (clocks(7, 7, 7), ["the bot's own clock is 7 s off"]),
        (clocks(7, 7), ["the bot's own clock is 7 s off"]),
        (clocks(7, 7, 30), ["the bot's own clock is 7 s off", "the clock of pve3 is 23 s ahead"]),
        (clocks(7), ["the clocks of pve1 and of the bot differ by 7 s"]),
        (clocks(0, 0, 1), []),
        (clocks(0, 0, 7, error=3.0), []),
        (clocks(), []),
    ],
)
def test_clocks(seen: Any, said: list[str]) -> None:
    assert [words(finding.said) for finding in found("clock_drift", seen) if not finding.grey] == said


def test_a_clock_is_right_again_below_two_seconds() -> None:
    assert grey("clock_drift", clocks(0, 0, 3))
    assert one("clock_drift", clocks(0, 0, 1.9)) is None


@pytest.mark.parametrize("jump", [3600.0, -3600.0, -30 * 86400.0, 400 * 86400.0])
def test_times_of_before_the_bot_s_own_clock_was_set_blame_nobody(jump: float) -> None:
    times = [
        (TIME, "pve1", NodeTime(offset=-jump, taken=20.0)),
        (TIME, "pve2", NodeTime(offset=0.0, taken=5.0)),
        (TIME, "pve3", NodeTime(offset=0.0, taken=6.0)),
    ]
    mixed = replace(view(nodes=[node(f"pve{n}") for n in (1, 2, 3)], feeds=feeds(*times)), clock_since=10.0)
    assert [words(finding.said) for finding in found("clock_drift", mixed)] == [
        f"the clocks of pve1 and of the bot differ by {abs(jump):.0f} s"
    ]
    (late,) = found("clock_drift", clocks(0, 0, 7))
    assert not sees("clock_drift", mixed, late)
    doubtful = replace(mixed, clock_sure=False)
    assert found("clock_drift", doubtful) == []
    assert not sees("clock_drift", doubtful, *found("clock_drift", mixed))


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (3600.0, "the bot's own clock jumped 1 h ahead"),
        (-3599.0, "the bot's own clock jumped 1 h back"),
        (400 * 86400.0, "the bot's own clock jumped 400 d ahead"),
    ],
)
def test_that_the_bot_s_clock_jumped_is_said_once_as_info(by: float, said: str) -> None:
    jumped = replace(view(), doubt=by, doubted=later(0))
    (finding,) = found("bot", jumped)
    assert (words(finding.said), finding.severity, finding.quiet) == (said, Severity.INFO, True)
    (again,) = found("bot", replace(jumped, at=later(7200)))
    assert again.key == finding.key  # an event is told once
    assert found("bot", view()) == []


def test_a_clock_is_seen_where_its_feed_is() -> None:
    (drift,) = found("clock_drift", clocks(0, 0, 7))
    (own,) = found("clock_drift", clocks(7, 7, 7))
    assert sees("clock_drift", clocks(0, 0, 0), drift)
    assert sees("clock_drift", clocks(0, 0, 0), own)
    for finding in (drift, own):
        assert not sees("clock_drift", view(nodes=[node(f"pve{n}") for n in (1, 2, 3)]), finding)


# -- blindness -----------------------------------------------------------------------------------------------------

OF_FEED = ("node_swap", "node_load", "pressure")
BAD = NodeStatus(swap=9, swap_total=9, load5=99.0, cpus=1, iowait=0.0, pressure_io=1.0, pressure_mem=0.0,
                 pressure_cpu=0.0, mem=99, mem_total=100)  # fmt: skip


@pytest.mark.parametrize("rule", [*OF_FEED, "node_mem"])
@pytest.mark.parametrize(
    "more", [{"fresh": False}, {"fresh": False, "forbidden": True}, {"absent": True, "fresh": False}]
)
def test_an_old_reading_shows_nothing(rule: str, more: dict[str, Any]) -> None:
    old = view(feeds=feeds((NODE_STATUS, "pve1", read(BAD, **more))))
    new = view(feeds=feeds((NODE_STATUS, "pve1", BAD)))
    finding = one(rule, new)
    assert finding is not None
    assert one(rule, old) is None
    assert not sees(rule, old, finding)
    assert sees(rule, new, finding)


@pytest.mark.parametrize("rule", ["node_cpu", "node_mem", "node_rootfs"])
def test_a_node_without_figures_holds_its_state(rule: str) -> None:
    full = node(cpu=1.0, mem=64 * GIB, disk=99 * GIB)
    finding = one(rule, view(nodes=[full]))
    assert finding is not None
    bare = replace(full, cpu=None, mem=None, disk=None, uptime=None)
    frozen = Memory(nodes={"pve1": NodeWas(online=True, uptime=full.uptime, moved=later(-120))})
    for seen in (
        view(nodes=[bare]),
        view(nodes=[replace(bare, online=False)]),
        view(nodes=[full], before=frozen),
        cut_off(),
    ):
        assert one(rule, seen) is None
        assert not sees(rule, seen, finding)
    assert sees(rule, view(nodes=[node()]), finding)


def test_off_for_one_node() -> None:
    two = view(nodes=[node("pve1", cpu=1.0), node("pve2", cpu=1.0)])
    assert [one_.subject.id for one_ in found("node_cpu", two, {"main/node/pve1": {"on": False}})] == ["pve2"]
    assert fires("node_cpu", view(nodes=[node(cpu=1.0)]))


def test_severities() -> None:
    finding = one("node_rootfs", view(nodes=[node(disk=99 * GIB)]))
    assert finding is not None
    assert isinstance(finding.subject, Subject)
    assert finding.severity is Severity.CRITICAL
