"""Limits of each rule: defaults, settings, exceptions, scale; and what it costs where there are none."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import About, Guest, Kind, Node, Severity, Snapshot, Status, Storage, Subject
from bot.model.feeds import DAY
from bot.model.view import View
from bot.rules import BY_KEY, RULES, Limit, Limits, Rule
from bot.rules import Kind as RuleKind
from bot.rules.limits import PATIENCE, Book, Change, Override, applied

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WEB = 'web<1>_&"'


def find(view: View, limits: Limits) -> Iterator[object]:
    raise NotImplementedError


def sees(view: View, subject: Subject) -> bool:
    raise NotImplementedError


def rule(key: str, limit: Limit, severity: Severity = Severity.WARNING) -> Rule:
    return Rule(number=1, key=key, kind=RuleKind.STATE, help="x", severity=severity, limit=limit, find=find, sees=sees)


FULL = rule(
    "full",
    Limit(warning=0.85, warning_clear=0.80, critical=0.95, critical_clear=0.90, hold=300, clear=60, within=10, polls=2),
)
DOWN = rule("down", Limit(hold=30, more={"grace_seconds": 100, "times": 3}), Severity.CRITICAL)


def guest(vmid: int, name: str = "x", node: str = "pve1", tags: tuple[str, ...] = (), pool: str = "") -> Guest:
    return Guest(
        cluster="main",
        vmid=vmid,
        name=name,
        kind=Kind.LXC,
        node=node,
        status=Status.RUNNING,
        tags=tags,
        pool=pool,
    )


def storage(name: str, node: str, shared: bool = False) -> Storage:
    return Storage(cluster="main", name=name, node=node, shared=shared, available=True)


def snapshot(*guests: Guest) -> Snapshot:
    return Snapshot(
        cluster="main",
        name="lab",
        quorate=True,
        nodes=tuple(Node(cluster="main", name=name, online=True) for name in ("pve1", "pve2")),
        guests=guests,
        storages=(storage("local", "pve1"), storage("local", "pve2"), storage("nas", "pve1", shared=True)),
        unseen=(),
        taken=AT,
    )


HERE = snapshot(
    guest(101, WEB, tags=("web", "Lab")),
    guest(102, tags=("bot-mute",)),
    guest(103, node="pve2", tags=("bot-relaxed", "critical"), pool="prod"),
    guest(104, node="pve2", pool="prod"),
)
KEYS = (
    *(f"main/guest/{vmid}" for vmid in (101, 102, 103, 104)),
    *("main/node/pve1", "main/node/pve2"),
    *("main/storage/pve1/local", "main/storage/pve2/local", "main/storage/nas"),
    *("main/other/pve1", "main/other/pve1/rpool", "main/other/pve10/rpool", "main/cluster/"),
)


def changed(rule_: Rule, *overrides: Override, at: Snapshot = HERE) -> set[str]:
    """Keys whose limit is another than the rule's, those of the two tags left out."""
    book = Book([rule_], {}, overrides)
    limits = book.limits(rule_, at)
    plain = Book([rule_]).limits(rule_, at)
    return {key for key in KEYS if limits.of(key) != plain.of(key)}


def over(by: str, value: str, rule_: str = "full", **changes: Change) -> Override:
    return Override(rule=rule_, by=by, value=value, changes=changes or {"warning": 0.5})


# -- whom an override is for ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "value", "keys"),
    [
        ("tag", "lab", {"main/guest/101"}),
        ("tag", "LAB", {"main/guest/101"}),
        ("tag", "nothing", set()),
        ("pool", "prod", {"main/guest/103", "main/guest/104"}),
        ("pool", "", set()),
        ("guest", "101", {"main/guest/101"}),
        ("guest", WEB, {"main/guest/101"}),
        ("guest", "10", set()),
        (
            "node",
            "pve1",
            {
                "main/node/pve1",
                "main/guest/101",
                "main/guest/102",
                "main/storage/pve1/local",
                "main/other/pve1",
                "main/other/pve1/rpool",
            },
        ),
        ("node", "pve2", {"main/node/pve2", "main/guest/103", "main/guest/104", "main/storage/pve2/local"}),
        ("storage", "nas", {"main/storage/nas"}),
        ("storage", "local", {"main/storage/pve1/local", "main/storage/pve2/local"}),
        ("storage", "pve2/local", {"main/storage/pve2/local"}),
    ],
)
def test_whom_it_is_for(by: str, value: str, keys: set[str]) -> None:
    assert changed(FULL, over(by, value)) == keys
    assert changed(DOWN, over(by, value)) == set(), "another rule has nothing of it"
    assert changed(DOWN, over(by, value, "*", hold=1.0)) == keys


def test_the_one_that_stands_later_wins() -> None:
    first, second = over("pool", "prod", warning=0.5, hold=1.0), over("guest", "104", warning=0.6)
    for overrides, warning in (((first, second), 0.6), ((second, first), 0.5)):
        limit = Book([FULL], {}, overrides).limits(FULL, HERE).of("main/guest/104")
        assert (limit.warning, limit.hold) == (warning, 1)


def test_it_changes_what_the_settings_made_of_the_rule() -> None:
    book = Book([FULL], {"full": replace(FULL.limit, hold=7)}, [over("guest", "104")])
    assert book.limits(FULL, HERE).base.hold == 7
    assert book.limits(FULL, HERE).of("main/guest/104") == replace(FULL.limit, hold=7, warning=0.5, warning_clear=0.45)


def test_what_belongs_to_a_guest_has_its_limits_else_its_nodes() -> None:
    def of(*overrides: Override, guest_: str = "", node: str = "", id_: str = "replication/101-0") -> float:
        subject = Subject(
            about=About.OTHER, cluster="main", id=id_, node=node, of=f"main/guest/{guest_}" if guest_ else ""
        )
        return Book([FULL], {}, overrides).limits(FULL, HERE).about(subject).hold

    lab, pve1 = over("tag", "lab", hold=1.0), over("node", "pve1", hold=2.0)
    assert of(lab, guest_="101", node="pve1") == 1
    assert of(lab, guest_="104", node="pve2") == of(lab, node="pve1") == of(guest_="101") == 300
    assert of(pve1, guest_="101", node="pve2") == 2, "its guest is there"
    assert of(pve1, node="pve1") == of(pve1, node="pve1", id_="pve1/rpool") == 2
    assert of(pve1, guest_="103", node="pve1") == FULL.limit.hold * PATIENCE, "by its tag"


# -- tags ----------------------------------------------------------------------------------------------------------


def test_a_muted_guest_is_left_alone_by_every_rule() -> None:
    for row in (FULL, DOWN):
        limits = Book([FULL, DOWN]).limits(row, HERE)
        assert not limits.of("main/guest/102").on
        assert limits.of("main/guest/101") == limits.base == row.limit
        assert limits.base.on


def test_a_relaxed_guest_is_given_time_and_its_warnings_are_info() -> None:
    book = Book([FULL, DOWN])
    full, down = book.limits(FULL, HERE).of("main/guest/103"), book.limits(DOWN, HERE).of("main/guest/103")
    assert full == replace(FULL.limit, hold=300 * PATIENCE, severity=Severity.INFO)
    assert down == replace(DOWN.limit, hold=30 * PATIENCE), "what is usually critical stays so"


def test_a_setting_is_said_later_than_a_tag() -> None:
    book = Book([FULL], {}, [over("guest", "102", on=True), over("guest", "103", severity=Severity.WARNING)])
    limits = book.limits(FULL, HERE)
    assert limits.of("main/guest/102") == FULL.limit
    assert limits.of("main/guest/103").severity is Severity.WARNING


def test_a_tag_that_comes_or_goes_is_seen_at_the_next_poll() -> None:
    book = Book([FULL])
    assert book.limits(FULL, snapshot(guest(101))).exceptions == {}
    assert not book.limits(FULL, snapshot(guest(101, tags=("bot-mute",)))).of("main/guest/101").on
    assert book.limits(FULL, snapshot(guest(101))).of("main/guest/101").on


# -- scale ---------------------------------------------------------------------------------------------------------


def test_scale_is_of_times_alone() -> None:
    book = Book([FULL, DOWN], {}, [over("guest", "104", hold=100.0)], scale=0.1)
    assert book.limits(FULL, HERE).base == replace(FULL.limit, hold=30, clear=6, within=1)
    assert book.limits(DOWN, HERE).base == replace(DOWN.limit, hold=3, more={"grace_seconds": 10, "times": 3})
    assert book.limits(FULL, HERE).of("main/guest/104").hold == 10
    assert book.limits(FULL, HERE).of("main/guest/103").hold == pytest.approx(30 * PATIENCE)


def test_an_age_of_a_thing_is_no_wait() -> None:
    """A snapshot of three days is not old, nor a backup of the night overdue, because a trial is ten times as fast."""
    at_scale = Book(RULES, {}, [], scale=0.1)

    def base(key: str) -> Limit:
        return at_scale.limits(BY_KEY[key], HERE).base

    assert base("snapshot_old").within == 30 * DAY
    assert base("backup_overdue").more == BY_KEY["backup_overdue"].limit.more
    assert base("task_failed").more["since_seconds"] == DAY
    assert base("restart_loop").within == pytest.approx(90)  # in which restarts count: that is waited for
    assert base("task_stuck").more["other_seconds"] == pytest.approx(360)


# -- applied -------------------------------------------------------------------------------------------------------


@given(st.floats(0.01, 1), st.sampled_from(["warning", "critical"]))
def test_a_clear_that_follows_stays_on_its_side(value: float, name: str) -> None:
    limit = applied(FULL.limit, {name: value})
    clear = getattr(limit, f"{name}_clear")
    assert 0 <= clear < value
    falling = applied(Limit(warning=10, warning_clear=12), {"warning": value})
    assert falling.warning_clear == pytest.approx(value + 2)


def test_what_is_given_is_taken_as_it_is() -> None:
    assert applied(FULL.limit, {"warning": 0.5, "warning_clear": 0.49}).warning_clear == 0.49
    assert applied(FULL.limit, {"hold": 1.0}) == replace(FULL.limit, hold=1)
    assert applied(DOWN.limit, {"times": 5.0}).more == {"grace_seconds": 100, "times": 5}
    assert applied(DOWN.limit, {"on": False}) == replace(DOWN.limit, on=False)


# -- cost ----------------------------------------------------------------------------------------------------------


def test_without_a_snapshot_and_of_a_rule_it_was_not_told_of() -> None:
    assert Book([], {}, [over("node", "pve1")]).limits(FULL, None) == Limits(base=FULL.limit)
    assert Book([]).limits(FULL, HERE).of("main/guest/101") == FULL.limit


def test_where_there_is_no_exception_the_same_limits_are_given() -> None:
    book = Book([FULL, DOWN], {}, [over("tag", "nobody-has-it"), over("guest", "101")])
    here = snapshot(guest(500))
    assert book.limits(FULL, here) is book.limits(FULL, here)
    assert not book.limits(FULL, here).exceptions
    there = snapshot(guest(101))
    assert book.limits(DOWN, there) is book.limits(DOWN, here), "an exception of another rule is none of this one"
    assert book.limits(FULL, there).exceptions


def test_exceptions_are_a_mapping_like_any_other() -> None:
    exceptions = (
        Book([FULL], {}, [over("node", "pve1")]).limits(FULL, snapshot(guest(101), guest(1, node="pve2"))).exceptions
    )
    assert exceptions
    assert set(exceptions) == {"main/guest/101", "main/node/pve1", "main/storage/pve1/local"}
    assert len(exceptions) == 3
    assert "main/other/pve1/sda" in exceptions
    assert "main/guest/1" not in exceptions
    assert list(exceptions.values()) == [replace(FULL.limit, warning=0.5, warning_clear=0.45)], "each limit once"
    with pytest.raises(KeyError):
        exceptions["main/guest/1"]


def test_ten_thousand_guests_cost_one_look_a_poll() -> None:
    rules = [replace(FULL, key=f"rule{number}") for number in range(46)]
    many = tuple(guest(vmid, tags=("web", "prod")) for vmid in range(100, 10_100))
    tagged = tuple(replace(one, tags=("lab",)) if one.vmid % 3 == 0 else one for one in many)
    for book, guests, most in (
        (Book(rules), many, 0.03),
        (Book(rules, {}, [over("tag", "lab", "*", severity=Severity.INFO)]), tagged, 0.06),
    ):
        here = snapshot(*guests)
        began = time.process_time()
        for row in rules:
            book.limits(row, here)
        assert time.process_time() - began < most
        began = time.process_time()
        for row in rules:
            book.limits(row, here)
        assert time.process_time() - began < 0.005


@pytest.mark.parametrize("row", RULES or (FULL,), ids=lambda row: row.key)
def test_every_rule_has_limits_of_its_own(row: Rule) -> None:
    book = Book(RULES or (FULL,), {}, [over("node", "pve1", "*", severity=Severity.INFO)], scale=0.5)
    limits = book.limits(row, HERE)
    assert limits.base.hold == row.limit.hold / 2
    assert limits.of("main/node/pve1").severity is Severity.INFO
    assert limits.of("main/node/pve2") == limits.base
