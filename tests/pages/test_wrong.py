"""What is off, in order or asleep, and what hangs on something else: the same on every screen."""

from dataclasses import replace

import pytest

from bot.model import Alert, Gap, Guest, Phase, Record, Severity, Snapshot, Status, Storage, Unseen
from bot.pages import PAGES
from bot.pages.alerting.liveline import live_line
from bot.screen import Open, Screen
from bot.text import Moment, plain, say
from tests.pages import alerts as made
from tests.pages import fleets
from tests.pages.alerts import ago
from tests.pages.fleets import BEN, HOSTILE, NOW, READER, Host, enquiry, guest, snapshot
from tests.pages.golden import check, fits
from tests.pages.watching import PULSE, Watch

DEAD = made.dead_node()
DOWN = made.alert(
    6,
    made.node(),
    say("{name} is off, shut down by {by} {at}", name="pve2", by="root@pam", at=Moment(ago(5), "%H:%M")),
    rule="node_offline",
    severity=Severity.INFO,
)
KEPT = made.alert(
    6,
    made.node(),
    say("{name} is offline, under {maintenance}", name="pve2", maintenance="maintenance"),
    rule="node_offline",
    severity=Severity.INFO,
)


def gone(*more: Guest, storages: tuple[Storage, ...] = ()) -> Snapshot:
    lost = guest(102, HOSTILE, Status.UNKNOWN, node="pve2")
    off = fleets.node("pve2", online=False)
    return snapshot(
        nodes=(fleets.NODES[0], off, fleets.NODES[2]),
        guests=(guest(101, "web"), lost, *more),
        storages=storages,
        unseen=(Unseen(gap=Gap.NODE_OFFLINE, subject="pve2", count=1),),
    )


async def show(seen: Snapshot, watch: Watch, page: str, arg: str = "") -> Screen:
    ask = enquiry(Host(seen), asker=BEN, watch=watch)
    screen = PAGES[page].draw(await PAGES[page].load(ask, arg), BEN)
    fits(screen)
    return screen


async def lines(seen: Snapshot, watch: Watch, page: str, arg: str = "") -> list[str]:
    return plain((await show(seen, watch, page, arg)).text, READER).splitlines()


def live(watch: Watch) -> str:
    drawn = live_line(watch.alerts(), [PULSE], clusters={}, now=NOW, seen=PULSE.polled, renewed=300)
    return plain(drawn.text, READER)


@pytest.mark.parametrize(
    ("alert", "head", "line", "silent"),
    [
        (None, "🔴", "🔴 pve2 is offline", ""),
        (DEAD, "🔴", "🔴 pve2 is offline", ""),
        (replace(DEAD, acked=ago(3), acked_by="Ana"), "🟡", "🔴 pve2 is offline", " · acked by Ana"),
        (replace(DEAD, silenced=1), "🟡", "🔴 pve2 is offline", " · silenced"),
        (DOWN, "🔵", "🔵 pve2 is off, shut down by root@pam 13:57", ""),
        (KEPT, "🔵", "🔵 pve2 is offline, under maintenance", ""),
        (replace(KEPT, silenced=1), "🟡", "🔵 pve2 is offline, under maintenance", " · silenced"),
    ],
)  # fmt: skip
async def test_a_node_that_is_off_is_so_in_one_colour_and_in_one_sentence(
    alert: Alert | None, head: str, line: str, silent: str
) -> None:
    seen, watch = gone(), Watch(*([alert] if alert is not None else []))
    there = " · 1 guest there: state unknown" if "🔴" in line else ""
    status = await lines(seen, watch, "status")
    assert status[0] == f"{head} homelab · 2/3 nodes · quorum"
    assert f"{line}{there}{silent}" in status
    assert (await lines(seen, watch, "problems"))[:2] == [f"{head} 1 problem", f"{line}{there}{silent}"]
    assert (await lines(seen, watch, "node", "pve2"))[0] == f"{line}{silent}"
    assert (await lines(seen, watch, "nodes"))[1] == f"{line}{silent}"
    if alert is not None:
        assert (await lines(seen, watch, "alerts"))[0].startswith(head)
        assert next(one for one in await lines(seen, watch, "alerts") if "pve2" in one).startswith(line)
        assert live(watch).startswith(head)


async def test_what_is_ordered_is_no_alarm_before_it_is_told_either() -> None:
    """Within the first half minute: found, and yet to be noted."""
    pending = replace(DOWN, phase=Phase.PENDING, fired=None)
    assert (await lines(gone(), Watch(pending), "problems"))[:2] == [
        "🔵 1 problem",
        "🔵 pve2 is off, shut down by root@pam 13:57",
    ]


async def test_a_node_that_may_sleep_is_asleep_and_nothing_is_wrong() -> None:
    seen, watch = gone(guest(103, "cad", Status.UNKNOWN, node="pve2", lock="suspended")), Watch()
    watch.sleeping = frozenset({"pve2"})
    screen = await show(seen, watch, "status")
    check("status-asleep", screen)
    assert plain(screen.text, READER).startswith("🟢 homelab · 2/3 nodes · quorum\n")
    check("problems-asleep", await show(seen, watch, "problems"))
    check("nodes-asleep", await show(seen, watch, "nodes"))
    check("node-asleep", await show(seen, watch, "node", "pve2"))
    assert "🌙 pve2 is asleep: 1 guest there, state unknown." in await lines(seen, watch, "vms")
    assert "🌙 pve2 is asleep: this is what was last known." in await lines(seen, watch, "vm", "103")
    assert (await lines(seen, watch, "why", "pve2"))[:2] == ["pve2 · 🌙 asleep", "No alert is about it now."]
    assert live(watch).startswith("🟢 homelab 14:02 · all well\n")
    watch.sleeping = frozenset({"pve9"})
    assert (await lines(seen, watch, "status"))[0].startswith("🔴")
    assert "⚪ pve2 is offline: 1 guest there, state unknown." in await lines(seen, watch, "vms")
    assert "⚠️ pve2 is offline: this is what was last known." in await lines(seen, watch, "vm", "103")


@pytest.mark.parametrize("name", ["nas", "pve1/nas", "pve1"])
async def test_a_storage_that_may_sleep_is_asleep(name: str) -> None:
    nas = fleets.storage("nas", 0.5, available=False)
    seen, watch = snapshot(guests=(), storages=(nas, fleets.storage("local", 0.1))), Watch()
    assert (await lines(seen, watch, "status"))[0].startswith("🔴")
    watch.sleeping = frozenset({name})
    assert (await lines(seen, watch, "status"))[0].startswith("🟢")
    assert (await lines(seen, watch, "problems"))[0] == "🟢 No problem."
    told = await lines(seen, watch, "storage")
    assert told[1].startswith("🟢 pve1/local")
    assert told[2].startswith("🌙 pve1/nas")
    assert "asleep" in told[2]


# -- what hangs on something else ------------------------------------------------------------------------------------

FENCED = guest(120, "ct-files", Status.UNKNOWN, node="pve2", hastate="fence")
ACKED = replace(DEAD, acked=ago(3), acked_by="Ana")
UNDER = made.alert(
    9,
    made.guest(120, "ct-files", node="pve2"),
    say("HA fences {name}", name="ct-files"),
    rule="ha_error",
    severity=Severity.CRITICAL,
    parent=DEAD.key,
)


@pytest.mark.parametrize("under", [(), (UNDER,)])
async def test_what_hangs_on_an_acknowledged_alert_is_no_news(under: tuple[Alert, ...]) -> None:
    """Also where nothing was told of it: its node is gone."""
    seen, watch = gone(FENCED), Watch(ACKED, *under)
    assert (await lines(seen, watch, "problems"))[:3] == [
        "🟡 2 problems · worst first",
        "🔴 pve2 is offline · 2 guests there: state unknown · acked by Ana",
        "🔴 ct-files: HA state fence · acked by Ana",
    ]
    assert (await lines(seen, watch, "status"))[0].startswith("🟡")
    assert (await lines(seen, watch, "alerts"))[0] == "🟡 1 acknowledged"


async def test_what_hangs_on_what_was_ordered_is_no_louder() -> None:
    seen = gone(FENCED)
    told = await lines(seen, Watch(DOWN, UNDER), "problems")
    assert [one[0] for one in told[:3]] == ["🔵", "🔵", "🔵"]
    assert told[2] == "🔵 ct-files: HA state fence"


async def test_what_else_is_wrong_stands_before_what_hangs_on_an_acknowledged_alert() -> None:
    seen, watch = gone(FENCED, guest(121, "db", Status.PAUSED)), Watch(ACKED, UNDER, made.full())
    told = await lines(seen, watch, "problems")
    assert told[:3] == ["⚠️ 4 problems · worst first", "⚠️ nas 91 % full", "⚠️ db is paused"]
    assert (await lines(seen, watch, "status"))[0].startswith("⚠️")


async def test_what_was_told_by_itself_goes_its_own_way() -> None:
    """HA gave it up long before its node went away."""
    seen, watch = gone(FENCED), Watch(ACKED, replace(UNDER, parent=""))
    assert (await lines(seen, watch, "problems"))[:2] == ["🔴 2 problems · worst first", "🔴 ct-files: HA state fence"]


async def test_an_alert_says_how_bad_a_problem_is() -> None:
    """The settings have it as a warning."""
    seen = snapshot(guests=(), storages=(fleets.storage("nas", 0.96, shared=True),))
    assert (await lines(seen, Watch(), "status"))[0].startswith("🔴")
    assert (await lines(seen, Watch(made.full(percent=96)), "problems"))[:2] == ["⚠️ 1 problem", "⚠️ nas 96 % full"]


async def test_a_guest_that_hibernates_on_a_node_that_is_off_is_no_problem() -> None:
    seen = gone(guest(103, "cad", Status.UNKNOWN, node="pve2", lock="suspended"))
    assert not any("cad" in one for one in await lines(seen, Watch(DEAD), "problems"))


# -- /why ------------------------------------------------------------------------------------------------------------


async def test_why_says_of_a_node_that_was_ordered_off_when_it_sounds() -> None:
    waits = say("sounds if it is not back by {at}", at=Moment(ago(-15), "%H:%M"))
    told = await lines(gone(), Watch(replace(DOWN, finding=replace(DOWN.finding, details=(waits,)))), "why", "pve2")
    assert told[0] == "🔵 pve2 is off, shut down by root@pam 13:57"
    assert "sounds if it is not back by 14:17" in told


@pytest.mark.parametrize("alert", [DEAD, replace(DEAD, acked=ago(3), acked_by="Ana")])
async def test_why_says_of_a_guest_of_a_node_that_is_off_which_alert_tells_of_it(alert: Alert) -> None:
    seen, watch = gone(), Watch(alert)
    screen = await show(seen, watch, "why", HOSTILE)
    told = plain(screen.text, READER)
    assert "It is told with this: 🔴 pve2 is offline\n" in told
    assert "No alert is about it" not in told
    assert Open("alert", str(alert.number)) in [button.tap for row in screen.rows for button in row]
    for other in ("web", "pve3"):
        assert "No alert is about it now." in await lines(seen, watch, "why", other)
    under = await show(gone(FENCED), Watch(DEAD, UNDER), "why", str(UNDER.number))
    assert "It is told with this: 🔴 pve2 is offline\n" in plain(under.text, READER)
    assert Open("alert", str(DEAD.number)) in [button.tap for row in under.rows for button in row]


async def test_why_says_what_became_of_what_was() -> None:
    was = Record(
        number=1, rule="node_offline", subject=made.node(), severity=Severity.CRITICAL,
        said=say("{name} is offline", name="pve2"), fired=ago(60), over=ago(53),
    )  # fmt: skip
    watch = Watch()
    for record, line in (
        (was, "13:02 pve2 is offline · over after 7 min"),
        (replace(was, over=None), "13:02 pve2 is offline · still open"),
        (replace(was, over=was.fired), "13:02 pve2 is offline"),  # it happened, and that was it
        (replace(was, gone=True), "13:02 pve2 is offline · over after 7 min · gone since"),
        (replace(was, unwell=say("failed again 14:10")), "13:02 pve2 is offline · failed again 14:10"),
    ):
        watch.records = [record]
        assert (await lines(snapshot(), watch, "why", "pve2"))[-1] == line
