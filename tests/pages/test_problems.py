"""What is wrong, and in which order."""

import gc
import timeit
from dataclasses import replace

import pytest

from bot.access import Role
from bot.model import Alert, Fleet, Gap, Guest, Severity, Snapshot, Status, Unseen
from bot.model.memo import memo
from bot.pages import status, troubles, vms
from bot.pages.listing import Listing
from bot.pages.problems import Rank, guest_problem, ordered, problems
from bot.pages.query import Query
from bot.text import plain, say
from tests.pages import alerts as made
from tests.pages import fleets
from tests.pages.fleets import HOSTILE, NOW, READER, VERA, fleet, guest, snapshot


@pytest.mark.parametrize(
    ("one", "rank"),
    [
        (guest(1, "a"), None),
        (guest(1, "a", Status.STOPPED), None),
        (guest(1, "a", hastate="started"), None),
        (guest(1, "a", hastate="ignored"), None),
        (guest(1, "a", Status.STOPPED, hastate="stopped"), None),
        (guest(1, "a", Status.UNKNOWN), None),  # its node's problem
        (guest(1, "a", Status.HIBERNATED, lock="suspended"), None),
        (guest(1, "a", Status.UNKNOWN, lock="suspended"), None),  # the same, while its node is off
        (guest(1, "a", Status.IO_ERROR), Rank.HALTED),
        (guest(1, "a", Status.INTERNAL_ERROR), Rank.HALTED),
        (guest(1, "a", Status.GUEST_PANICKED), Rank.HALTED),
        (guest(1, "a", hastate="error"), Rank.HALTED),
        (guest(1, "a", hastate="fence"), Rank.HALTED),
        (guest(1, "a", Status.STOPPED, hastate="started"), Rank.SHOULD_RUN),
        (guest(1, "a", Status.STOPPED, tags=("x", "expect-up")), Rank.SHOULD_RUN),
        (guest(1, "a", Status.STOPPED, tags=("expect-up",), template=True), None),
        (guest(1, "a", Status.PAUSED), Rank.PAUSED),
        (guest(1, "a", lock="backup"), None),  # every night's
        (guest(1, "a", lock="snapshot-delete"), Rank.LOCKED),
        (guest(1, "a", Status.STOPPED, lock="backup"), Rank.LOCKED),
    ],
)
def test_guest(one: Guest, rank: Rank | None) -> None:
    found = guest_problem(one)
    assert (found[0] if found is not None else None) is rank
    about_it = [problem.rank for problem in problems(snapshot(guests=(one,), storages=())) if problem.vmid is not None]
    assert about_it == ([] if rank is None else [rank])


@pytest.mark.parametrize(
    ("used", "rank"),
    [(0.0, None), (0.849, None), (0.85, Rank.STORAGE_FILLING), (0.95, Rank.STORAGE_FULL), (1.0, Rank.STORAGE_FULL)],
)
def test_storage(used: float, rank: Rank | None) -> None:
    found = problems(snapshot(guests=(), storages=(fleets.storage("nas", used, shared=True),)))
    assert [problem.rank for problem in found] == ([] if rank is None else [rank])


def test_storage_without_a_size_is_no_problem_and_one_that_is_gone_is() -> None:
    gone = fleets.storage("nas", 0.5, available=False)
    unsized = replace(fleets.storage("pbs", 0.5), disk=0, maxdisk=0)
    unknown = fleets.storage("local", 0.99, available=None)
    assert [problem.name for problem in problems(snapshot(guests=(), storages=(gone, unsized, unknown)))] == [
        "pve1/nas"
    ]


def test_worst_first() -> None:
    seen = snapshot(
        quorate=False,
        nodes=(*fleets.NODES, fleets.node("pve4", online=False)),
        guests=(
            guest(101, "locked", lock="migrate"),
            guest(102, "paused", Status.PAUSED),
            guest(103, "should", Status.STOPPED, hastate="started"),
            guest(104, "halted", Status.IO_ERROR),
            guest(105, "lost", Status.UNKNOWN, node="pve4"),
        ),
        storages=(fleets.storage("filling", 0.9, shared=True), fleets.storage("full", 0.99, shared=True)),
    )
    assert [problem.name for problem in problems(seen)] == [
        "homelab", "pve4", "halted", "full", "should", "filling", "paused", "locked",
    ]  # fmt: skip
    first, rest = ordered(seen)
    assert [one.name for one in first] == ["halted", "should", "paused", "locked"]
    assert [one.name for one in rest] == ["lost"]


@pytest.mark.parametrize(
    ("seen", "emoji"),
    [
        (snapshot(guests=(), storages=()), "🟢"),
        (snapshot(guests=(), storages=(), quorate=False), "🔴"),
        (snapshot(guests=(), storages=(), nodes=(*fleets.NODES, fleets.node("pve4", online=False))), "🔴"),
        (snapshot(guests=(), storages=(fleets.storage("nas", 0.96, shared=True),)), "🔴"),
        (snapshot(guests=(guest(1, HOSTILE, Status.IO_ERROR),), storages=()), "🔴"),
        (snapshot(guests=(), storages=(fleets.storage("nas", 0.91, shared=True),)), "⚠️"),
        (snapshot(guests=(guest(1, HOSTILE, Status.PAUSED),), storages=()), "⚠️"),
        (snapshot(guests=(guest(1, HOSTILE, lock="backup"),), storages=()), "🟢"),
    ],
)
def test_the_worst_problem_is_the_emoji_of_the_head(seen: Snapshot, emoji: str) -> None:
    told = plain(troubles.draw(Listing(fleet=fleet(seen), number=1, now=NOW), VERA).text, READER)
    assert told.startswith(emoji)
    head = plain(status.draw(status.Data(fleet=fleet(seen), now=NOW), VERA).text, READER)
    assert head.startswith(emoji), "green stands over nothing that is wrong"


def test_what_could_not_be_read_is_no_health() -> None:
    seen = snapshot(guests=(), storages=(), unseen=(Unseen(gap=Gap.STATUS_FORBIDDEN, subject="homelab"),))
    told = plain(troubles.draw(Listing(fleet=fleet(seen), number=1, now=NOW), VERA).text, READER)
    assert told.startswith("⚪ No problem in what could be read.")


AWAY = Unseen(gap=Gap.UNREACHABLE, subject="homelab", detail="no route")
CUT_OFF = made.alert(
    1, made.cluster(), say("homelab is not reached"), rule="api_unreachable", severity=Severity.CRITICAL
)


def _problems(*seen: Snapshot, number: int = 1, **alerts: Alert) -> list[str]:
    data = Listing(
        fleet=Fleet(snapshots=seen), number=number, now=NOW, alerts={key: (one,) for key, one in alerts.items()}
    )
    return plain(troubles.draw(data, VERA).text, READER).splitlines()


def test_a_cluster_that_is_not_reached_is_the_first_problem_and_in_its_colour() -> None:
    away = snapshot(guests=(), storages=(), unseen=(AWAY,))
    title, head, last, why, *_ = _problems(away)
    assert (title, head, why) == ("🔴 1 problem", "🔴 homelab is not reached", "no route")
    assert last.startswith("last seen 14:02: 3/3 nodes")
    assert _problems(away, main=CUT_OFF)[0] == "🔴 1 problem"
    assert _problems(away, main=replace(CUT_OFF, acked=NOW))[0] == "🟡 1 problem", "somebody has it"
    quiet = replace(CUT_OFF, severity=Severity.INFO, finding=replace(CUT_OFF.finding, severity=Severity.INFO))
    assert _problems(away, main=quiet)[0] == "🔵 1 problem", "as it was ordered"
    wrong = snapshot(guests=(guest(1, HOSTILE, Status.PAUSED),), storages=(), unseen=(AWAY,))
    assert _problems(wrong, main=quiet)[0] == "⚠️ 2 problems · worst first"
    assert _problems(wrong)[0] == "🔴 2 problems · worst first"
    assert _problems(wrong)[4:6] == ["Wrong when last seen:", f"⚠️ {HOSTILE} is paused"]


def test_of_two_clusters_the_one_that_is_not_reached_colours_the_title() -> None:
    lab = snapshot(cluster="lab", name="lab", guests=(guest(1, HOSTILE, Status.PAUSED),), storages=())
    away = snapshot(guests=tuple(guest(n, f"g{n}", Status.PAUSED) for n in range(1, 12)), storages=(), unseen=(AWAY,))
    first = _problems(lab, away)
    assert first[:2] == ["🔴 13 problems · worst first", "🔴 homelab is not reached"]
    assert first.index("lab") < first.index("homelab, wrong when last seen:")
    second = _problems(lab, away, number=2)
    assert second[:2] == ["🔴 13 problems · worst first", "homelab, wrong when last seen:"]


def test_a_backup_that_runs_is_in_the_list_though_it_is_no_problem() -> None:
    seen = fleet(snapshot(guests=(guest(101, HOSTILE, lock="backup"),)))
    told = plain(vms.draw(vms.Data(fleet=seen, query=Query.parse(""), now=NOW), VERA).text, READER)
    assert "pve1 backup" in told


def test_guests_of_a_dead_node_are_one_problem() -> None:
    found = [plain(problem.line, READER) for problem in problems(fleets.node_gone())]
    assert found[0] == "🔴 pve2 is offline · 3 guests there: state unknown"
    assert not any("db" in line for line in found)


def test_what_was_computed_is_kept_while_its_snapshot_lives() -> None:
    runs: list[str] = []

    @memo
    def name(seen: object) -> str:
        runs.append("run")
        return "x"

    one, same = snapshot(), snapshot()
    assert (name(one), name(one), name(same)) == ("x", "x", "x")
    assert len(runs) == 2  # equal is not the same: another fetch is another state
    del one, same
    gc.collect()
    name(snapshot())
    assert len(runs) == 3


# -- speed: generous bounds that a slip into the quadratic breaks ---------------------------------------------------


def fastest(work: "timeit.Timer", number: int) -> float:
    return min(work.repeat(5, number)) / number


def test_a_status_from_the_cache_costs_next_to_nothing() -> None:
    many = fleets.large(100)
    data = status.Data(fleet=fleet(many), now=NOW)
    cost = fastest(timeit.Timer(lambda: status.draw(data, VERA)), 20)
    assert cost < 0.000_6, f"{cost * 1000:.3f} ms"


def test_ten_thousand_guests_are_drawn_in_a_blink() -> None:
    def fresh() -> None:
        seen = fleet(replace(many))  # a new snapshot: nothing of it is computed yet
        status.draw(status.Data(fleet=seen, now=NOW), VERA)

    def listed() -> None:
        seen = fleet(replace(many))
        vms.draw(vms.Data(fleet=seen, query=Query.parse("tag:prod vm-0999"), now=NOW), VERA)

    many = fleets.large()
    assert fastest(timeit.Timer(fresh), 1) < 0.06
    assert fastest(timeit.Timer(listed), 1) < 0.3


def test_roles_are_no_part_of_what_is_wrong() -> None:
    data = status.Data(fleet=fleet(), now=NOW)
    assert status.draw(data, VERA) == status.draw(data, replace(VERA, role=Role.ADMIN))
