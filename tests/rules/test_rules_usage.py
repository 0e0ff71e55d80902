"""13 guest_cpu · 14 guest_mem · 15 ct_disk · 40 guest_event"""

from dataclasses import replace
from typing import Any

import pytest

from bot.model import Kind, Outcome, Severity, Status
from bot.model.view import Memory
from bot.rules import BY_KEY
from tests.rules.views import GIB, HOSTILE, card, fires, found, guest, later, node, one, sees, task, view

FULL = [
    ("guest_cpu", {"cpu": 0.96}, {"cpu": 0.90}, {"cpu": 0.84}),
    ("guest_mem", {"mem": int(3.9 * GIB)}, {"mem": int(3.7 * GIB)}, {"mem": int(3.5 * GIB)}),
    ("ct_disk", {"disk": int(29.5 * GIB)}, {"disk": int(28 * GIB)}, {"disk": int(27 * GIB)}),
]


@pytest.mark.parametrize(("rule", "high", "between", "low"), FULL)
def test_above_between_and_below(rule: str, high: dict[str, Any], between: dict[str, Any], low: dict[str, Any]) -> None:
    above = one(rule, view([guest(ct=True, **high)]))
    assert above is not None
    assert (above.severity, above.grey) == (Severity.WARNING, False)
    band = one(rule, view([guest(ct=True, **between)]))
    assert band is not None
    assert band.grey
    below = view([guest(ct=True, **low)])
    assert one(rule, below) is None
    assert sees(rule, below, above)


def test_a_disk_is_critical_from_95_on() -> None:
    finding = one("ct_disk", view([guest(ct=True, disk=31 * GIB)]))
    assert finding is not None
    assert finding.severity is Severity.CRITICAL
    assert card(finding) == f"{HOSTILE}: disk 97% full\n31.0 of 32.0 GiB"


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        ("guest_mem", {"kind": Kind.QEMU, "mem": 4 * GIB}),
        ("ct_disk", {"kind": Kind.QEMU, "disk": None}),
        ("guest_mem", {"mem": None}),
        ("guest_mem", {"mem": 4 * GIB, "maxmem": 0}),
        ("guest_mem", {"mem": 4 * GIB, "maxmem": None}),
        ("ct_disk", {"disk": 32 * GIB, "maxdisk": 0}),
        ("ct_disk", {"disk": 32 * GIB, "template": True}),
        ("guest_cpu", {"cpu": None}),
    ],
)
def test_what_says_nothing_is_not_full(rule: str, more: dict[str, Any]) -> None:
    assert one(rule, view([guest(ct=True, **more)])) is None


def test_the_memory_of_vms_counts_where_somebody_wants_it() -> None:
    vm = guest(mem=int(3.9 * GIB))
    assert one("guest_mem", view([vm])) is None
    assert one("guest_mem", view([vm]), more={"vms": 1}) is not None
    assert (
        found("guest_mem", view([vm, replace(vm, vmid=105)]), {"main/guest/105": {"more": {"vms": 1}}})[0].subject.id
        == "105"
    )


def test_exceptions_count_for_their_guest_alone() -> None:
    guests = [guest(vmid, cpu=0.5) for vmid in (104, 105, 106)]
    hit = found("guest_cpu", view(guests), {"main/guest/105": {"warning": 0.4, "warning_clear": 0.3}})
    assert [finding.subject.id for finding in hit] == ["105"]
    off = found("guest_cpu", view([guest(104, cpu=1), guest(105, cpu=1)]), {"main/guest/105": {"on": False}})
    assert [finding.subject.id for finding in off] == ["104"]


def test_a_rule_that_is_off_by_default() -> None:
    assert [row.key for row in BY_KEY.values() if not row.limit.on and row.key.startswith("guest")] == [
        "guest_cpu",
        "guest_event",
    ]


@pytest.mark.parametrize(
    ("rule", "status", "seen"),
    [
        ("guest_cpu", Status.STOPPED, True),
        ("guest_mem", Status.STOPPED, True),
        ("ct_disk", Status.STOPPED, False),
        ("ct_disk", Status.UNKNOWN, False),
        ("guest_cpu", Status.UNKNOWN, False),
    ],
)
def test_what_a_guest_that_is_down_tells(rule: str, status: Status, seen: bool) -> None:
    full = one(rule, view([guest(ct=True, cpu=1, mem=4 * GIB, disk=32 * GIB)]))
    assert full is not None
    assert sees(rule, view([guest(ct=True, status=status)]), full) is seen


def test_figures_of_a_node_that_is_gone_are_none() -> None:
    assert one("ct_disk", view([guest(ct=True, disk=32 * GIB)], [node(online=False)])) is None


# -- 40 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("qmstart", "was started"),
        ("vzstart", "was started"),
        ("qmstop", "was stopped"),
        ("qmshutdown", "was shut down"),
        ("vzreboot", "was rebooted"),
        ("hamigrate", "was migrated"),
        ("qmsnapshot", None),
        ("vncproxy", None),
    ],
)
def test_what_was_done_to_a_guest(kind: str, said: str | None) -> None:
    finding = one("guest_event", view([guest()], tasks=(task(kind, 104, start=-20, end=-10),)))
    assert (finding is not None) is (said is not None)
    if finding is not None and said is not None:
        assert card(finding) == f"{HOSTILE} {said}\nby ana@pve"
        assert (finding.severity, finding.event.startswith("UPID:")) == (Severity.INFO, True)


def test_what_was_done_while_the_bot_was_away_is_told_at_its_start() -> None:
    gap = task("qmstart", 104, start=-100, end=-90)
    before = Memory(figures={"polled": later(-120).timestamp()})
    start = view([guest()], tasks=(gap,), started=later(-5), before=before, first=True)
    assert fires("guest_event", start)
    assert not fires("guest_event", replace(start, first=False))


@pytest.mark.parametrize(
    ("more", "given"),
    [
        ({}, task("qmstart", 104, start=-20)),  # it runs
        ({}, task("qmstart", 104, start=-20, end=-10, outcome=Outcome.ERROR)),
        ({}, task("qmstart", 999, start=-20, end=-10)),
        ({"started": later(-5)}, task("qmstart", 104, start=-20, end=-10)),
        ({"started": later(-5), "first": True, "step": 0.0}, task("qmstart", 104, start=-20, end=-10)),
        ({"started": None}, task("qmstart", 104, start=-20, end=-10)),
    ],
)
def test_what_is_no_event(more: dict[str, Any], given: Any) -> None:
    assert one("guest_event", view([guest()], tasks=(given,), **more)) is None
    assert one("guest_event", view([guest()], tasks=None)) is None
