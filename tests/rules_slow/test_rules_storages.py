"""22 storage_full, 23 storage_offline, 24 thin_metadata."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Gap, Unseen
from bot.model.feeds import STORAGES, THIN
from bot.model.readings import StorageState, ThinPool
from bot.model.view import Memory, StorageWas
from bot.rules import BY_KEY, Confirm, Limits
from bot.rules.storage.storages import full_in
from tests.rules_slow.slowviews import (
    AT,
    BLIND,
    DAY,
    GB,
    HOUR,
    feeds,
    find,
    guest,
    how,
    node,
    sees,
    snapshot,
    storage,
    text,
    view,
)

# -- 22 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "kind", "expected"),
    [
        (0.79, "dir", ""),
        (0.80, "dir", "grey"),
        (0.849, "dir", "grey"),
        (0.85, "dir", "warning"),
        (0.949, "dir", "warning"),
        (0.95, "dir", "critical"),
        (0.74, "lvmthin", ""),
        (0.75, "lvmthin", "grey"),
        (0.80, "lvmthin", "warning"),
        (0.90, "lvmthin", "critical"),
    ],
)
def test_full(used: float, kind: str, expected: str) -> None:
    assert how(find("storage_full", view(snapshot(storages=[storage(used=used, kind=kind)])))) == expected


@pytest.mark.parametrize("maxdisk", [0, None])
def test_no_size_finds_nothing(maxdisk: int | None) -> None:
    assert not find("storage_full", view(snapshot(storages=[storage(used=0.99, maxdisk=maxdisk)])))


def test_a_storage_has_figures_of_its_own() -> None:
    rule = BY_KEY["storage_full"]
    strict = replace(rule.limit, warning=0.5, warning_clear=0.4)
    limits = Limits(base=rule.limit, exceptions={"main/storage/pve1/nas": strict})
    seen = view(snapshot(storages=[storage(used=0.6), storage("other", 0.6, maxdisk=500 * GB, disk=300 * GB)]))
    (found,) = find("storage_full", seen, limits)
    assert found.subject.id == "pve1/nas"
    thin = view(snapshot(storages=[storage(used=0.6, kind="lvmthin")]))
    assert how(find("storage_full", thin, limits)) == "warning"  # its own figures count for a thin pool too
    off = Limits(base=rule.limit, exceptions={"main/storage/pve1/nas": replace(rule.limit, on=False)})
    assert not find("storage_full", view(snapshot(storages=[storage(used=0.99)])), off)


def test_shared_once_by_its_id_local_by_its_node() -> None:
    shared = storage("nas", 0.9, shared=True)
    local = storage("local", 0.9, of="pve2", maxdisk=500 * GB, disk=450 * GB)
    found = find("storage_full", view(snapshot(storages=[shared, local])))
    assert [(one.subject.id, one.subject.node) for one in found] == [("nas", ""), ("pve2/local", "pve2")]
    assert text(found[0]).startswith("nas is 90 % full\n838 of 931 GiB used, 93 GiB free")


@pytest.mark.parametrize(
    ("other", "count"),
    [
        ({"used": 0.905}, 1),  # the same place under two names
        ({"used": 0.905, "maxdisk": 1005 * GB}, 1),
        ({"used": 0.95}, 2),
        ({"used": 0.9, "maxdisk": 1100 * GB}, 2),
        ({"used": 0.9, "of": "pve2"}, 2),  # two nodes alike: two places
        ({"used": 0.9, "of": "pve2", "shared": True}, 1),
    ],
)
def test_the_same_size_and_use_is_one(other: dict[str, Any], count: int) -> None:
    found = find("storage_full", view(snapshot(storages=[storage("a", 0.9), storage("b", **other)])))
    assert len({text(one) for one in found}) == count
    assert len(found) == 2, "the other name keeps up what it may have told"
    if count == 1:
        assert [one.grey for one in found] == [False, True]
        assert "the same place: " in text(found[0])


@pytest.mark.parametrize(("disk", "maxdisk", "found"), [(900, 1000, False), (905, 1005, False), (800, 1000, True)])
def test_the_root_file_system_is_another_rule(disk: int, maxdisk: int, found: bool) -> None:
    root = node(disk=disk * GB, maxdisk=maxdisk * GB)
    assert bool(find("storage_full", view(snapshot(nodes=[root], storages=[storage("local", 0.9)])))) is found
    shared = view(snapshot(nodes=[root], storages=[storage("nas", 0.9, shared=True)]))
    assert find("storage_full", shared)  # a shared one is no node's root


def test_trend() -> None:
    hours = [(AT.timestamp() - hour * 3600, int((900 - hour * 1.4) * GB)) for hour in range(48, 0, -1)]
    was = StorageWas(samples=tuple(hours))
    seen = view(snapshot(storages=[storage(used=0.9)]), before=Memory(storages={"pve1/nas": was}))
    assert "full in about 3 days" in text(find("storage_full", seen)[0])


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ((), None),
        (((AT.timestamp() - 3600, 100),), None),  # too little is known
        (tuple((AT.timestamp() - hour * 60, 100) for hour in range(50, 0, -1)), None),  # an hour is too short
        (tuple((AT.timestamp() - hour * 3600, 500) for hour in range(50, 0, -1)), None),  # it stands still
        (tuple((AT.timestamp() - hour * 3600, 500 + hour) for hour in range(50, 0, -1)), None),  # it empties
        (tuple((AT.timestamp() - hour * 3600, 500 - hour) for hour in range(50, 0, -1)), 500 * 3600.0),
        (tuple((AT.timestamp() - hour * 3600, 500 - hour // 24) for hour in range(72, 0, -1)), None),  # in a year
        (tuple((AT.timestamp() + hour * 3600, 1) for hour in range(50)), None),  # from a clock that was ahead
    ],
)
def test_full_in(samples: tuple[tuple[float, int], ...], expected: float | None) -> None:
    found = full_in(StorageWas(samples=samples), 500, 1000, AT)
    assert found == (None if expected is None else pytest.approx(expected, rel=0.01))


def test_full_is_held_where_it_cannot_be_seen() -> None:
    (found,) = find("storage_full", view(snapshot(storages=[storage(used=0.9)])))
    subject = found.subject
    assert sees("storage_full", view(snapshot(storages=[storage(used=0.5)])), subject)
    assert not sees("storage_full", view(snapshot(storages=[storage(available=False, disk=None)])), subject)
    assert not sees("storage_full", view(snapshot(storages=[storage(available=None, disk=None)])), subject)
    assert not sees("storage_full", view(snapshot(storages=[storage(maxdisk=0)])), subject)
    assert not sees("storage_full", view(snapshot(storages=[storage()]), fresh=False), subject)
    assert not find("storage_full", view(snapshot(storages=[storage(used=0.99)]), fresh=False))
    assert sees("storage_full", view(snapshot(storages=[storage("other")])), subject)  # it was taken out
    dropped = (Unseen(gap=Gap.ROWS_DROPPED, count=1),)
    assert not sees("storage_full", view(snapshot(storages=[storage("other")], unseen=dropped)), subject)


# -- 23 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [(("images",), "critical"), (("rootdir", "iso"), "critical"), (("iso", "backup"), "warning"), ((), "warning")],
)
def test_offline(content: tuple[str, ...], expected: str) -> None:
    gone = storage(available=False, disk=None, maxdisk=None, content=content)
    assert how(find("storage_offline", view(snapshot(storages=[gone])))) == expected


def test_offline_says() -> None:
    gone = storage("nas", available=False, content=("images",), kind="nfs", shared=True, nodes=("pve1", "pve2"))
    local = storage("tank", available=False, kind="zfspool")
    (shared, own) = find("storage_offline", view(snapshot(storages=[gone, local])))
    assert text(shared) == "nas is not available\nnfs, shared, seen from no node"
    assert text(own) == "pve1/tank is not available\nzfspool, on pve1"
    alone = snapshot(nodes=[node()], storages=[local], standalone=True)
    assert text(*find("storage_offline", view(alone))).startswith("tank is not available")


@pytest.mark.parametrize(
    ("nodes", "down", "where"),
    [
        (("pve1", "pve2"), (), "seen from no node"),
        (("pve1", "pve2", "pve3"), ("pve3",), "not seen from pve1, pve2"),  # nobody knows whether pve3 would
        (("pve2",), (), "not seen from pve2"),  # it is for that node alone
        ((), (), "not seen from pve1"),
    ],
)
def test_offline_says_from_where_it_is_not_seen(nodes: tuple[str, ...], down: tuple[str, ...], where: str) -> None:
    gone = storage("nas", available=False, kind="nfs", shared=True, nodes=nodes)
    three = [node(name, online=name not in down) for name in ("pve1", "pve2", "pve3")]
    (found,) = find("storage_offline", view(snapshot(nodes=three, storages=[gone])))
    assert text(found) == f"nas is not available\nnfs, shared, {where}"


def test_offline_is_confirmed_and_takes_two_polls() -> None:
    rule = BY_KEY["storage_offline"]
    assert (rule.confirm, rule.limit.polls, rule.limit.hold) == (Confirm.STORAGE, 2, 0)


@pytest.mark.parametrize(
    ("states", "at", "found"),
    [
        ((StorageState(name="nas", enabled=True, active=False),), timedelta(), True),
        ((StorageState(name="nas", enabled=True, active=True),), timedelta(), False),  # the node has it
        ((StorageState(name="nas", enabled=False, active=False),), timedelta(), False),  # it was switched off
        ((StorageState(name="nas", enabled=True, active=True),), -timedelta(seconds=1), True),  # older than the list
        ((), timedelta(), True),
    ],
)
def test_the_node_is_asked(states: tuple[StorageState, ...], at: timedelta, found: bool) -> None:
    reading = replace(BLIND["silent"], value=states, at=AT + at, fresh=True)
    seen = view(snapshot(storages=[storage(available=False)]), feeds=feeds((STORAGES, "pve1", reading)))
    assert bool(find("storage_offline", seen)) is found


@pytest.mark.parametrize("why", BLIND)
def test_a_node_that_gives_no_answer_does_not_contradict(why: str) -> None:
    seen = view(snapshot(storages=[storage(available=False)]), feeds=feeds((STORAGES, "pve1", BLIND[why])))
    assert find("storage_offline", seen)


@pytest.mark.parametrize("asleep", ["pve1/nas", "nas"])
def test_one_that_may_sleep_is_quiet(asleep: str) -> None:
    assert not find(
        "storage_offline", view(snapshot(storages=[storage(available=False)]), sleeping=frozenset({asleep}))
    )


@pytest.mark.parametrize("shared", [False, True])
def test_that_of_a_node_that_may_sleep_is_quiet_too(shared: bool) -> None:
    """It wakes, and what is on it takes a moment; what is shared is nothing of its own."""
    waking = view(snapshot(storages=[storage(available=False, shared=shared)]), sleeping=frozenset({"pve1"}))
    assert bool(find("storage_offline", waking)) is shared


def test_offline_with_its_node_is_not_its_own() -> None:
    down = snapshot(nodes=[node(online=False)], storages=[storage(available=None), storage("b", available=False)])
    assert not find("storage_offline", view(down))
    (found,) = find("storage_offline", view(snapshot(storages=[storage(available=False)])))
    assert not sees("storage_offline", view(down), found.subject)
    assert sees("storage_offline", view(snapshot(storages=[storage()])), found.subject)


# -- 24 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "expected", "slow"),
    [(None, "", None), (0.69, "", None), (0.70, "grey", True), (0.75, "warning", True), (0.89, "warning", True),
     (0.90, "critical", False)],
)  # fmt: skip
def test_metadata(metadata: float | None, expected: str, slow: bool | None) -> None:
    pools = (ThinPool(name="pve/data", metadata=metadata, data=0.5),)
    found = find("thin_metadata", view(feeds=feeds((THIN, "pve1", pools))))
    assert how(found) == expected
    assert [one.slow for one in found] == ([] if slow is None else [slow])  # quiet hours hold back what can wait
    assert [one.subject.id for one in found] == ([] if slow is None else ["pve1/pve/data"])


@pytest.mark.parametrize("why", BLIND)
def test_metadata_unseen(why: str) -> None:
    pools = (ThinPool(name="pve/data", metadata=0.99),)
    (found,) = find("thin_metadata", view(feeds=feeds((THIN, "pve1", pools))))
    assert not find("thin_metadata", view(feeds=feeds((THIN, "pve1", BLIND[why]))))
    assert not sees("thin_metadata", view(feeds=feeds((THIN, "pve1", BLIND[why]))), found.subject)
    assert not sees("thin_metadata", view(), found.subject)
    assert sees("thin_metadata", view(feeds=feeds((THIN, "pve1", ()))), found.subject)
    down = snapshot(nodes=[node(online=False)])
    assert not sees("thin_metadata", view(down, feeds=feeds((THIN, "pve1", ()))), found.subject)
    left = snapshot(nodes=[node("pve2")], guests=[guest(node="pve2")])
    assert sees("thin_metadata", view(left), found.subject)  # no member any more


def test_times() -> None:
    full = BY_KEY["storage_full"].limit
    assert (full.hold, full.clear) == (300, 300)
    assert (timedelta(days=1), timedelta(hours=1)) == (DAY, HOUR)
