"""The pure part: how loud, and why not."""

from typing import Any

import pytest

from bot.deliver.plan import DIGESTED, ORDERED, Scene, Why, matches, sounds, why
from bot.model import About, Alert, Part, Phase, Route, Subject
from bot.rules import RULES
from bot.screen import Place
from tests.deliver.kit import CRITICAL, INFO, NOON, OPS, WARNING, alert, on_node

HERE = Scene(place=Place(chat=OPS), routes=(Route(chat=OPS),), covered=frozenset({9}), quiet=False)
NIGHT = Scene(place=Place(chat=OPS), routes=(Route(chat=OPS),), covered=frozenset(), quiet=True)
DEAF = Scene(place=Place(chat=OPS), routes=(Route(chat=OPS, least=CRITICAL),), covered=frozenset(), quiet=False)
PARENT = alert(50, CRITICAL, subject=on_node())


@pytest.mark.parametrize(
    ("one", "day", "night"),
    [
        (alert(1, CRITICAL), True, True),
        (alert(1, CRITICAL, slow=True), True, False),
        (alert(1, CRITICAL, acked=NOON), False, False),
        (alert(1, CRITICAL, quiet=True), False, False),
        (alert(1, CRITICAL, phase=Phase.OVER, over=NOON), False, False),
        (alert(1, WARNING), True, False),
        (alert(1, WARNING, loud=True), True, False),
        (alert(1, WARNING, event="UPID:1"), True, False),
        (alert(1, INFO), False, False),
        (alert(1, INFO, loud=True), True, False),
    ],
)
def test_how_loud(one: Alert, day: bool, night: bool) -> None:
    assert (sounds(one, quiet=False), sounds(one, quiet=True)) == (day, night)


@pytest.mark.parametrize(
    ("one", "scene", "waited", "expected"),
    [
        (alert(9), HERE, 99, Why.COVERED),
        (alert(1, fired=None, phase=Phase.PENDING, found=NOON), HERE, 99, Why.NOTHING),
        (alert(1, phase=Phase.OVER, over=NOON), HERE, 99, Why.NOTHING),
        (alert(1), DEAF, 99, Why.UNWANTED),
        (alert(1, INFO, rule="updates"), HERE, 99, Why.DIGEST),
        (alert(1, WARNING, rule="updates"), HERE, 99, Why.DUE),
        (alert(1, INFO, rule="guest_expected_down", quiet=True), HERE, 99, Why.DIGEST),
        (alert(1, INFO, rule="guest_expected_down"), HERE, 99, Why.DUE),
        (alert(1, silenced=2), HERE, 99, Why.SILENCED),
        (alert(1, parent=PARENT.key), HERE, 99, Why.INHIBITED),
        (alert(1, parent=PARENT.key), DEAF, 99, Why.UNWANTED),
        (alert(1, parent="gone"), HERE, 99, Why.DUE),
        (alert(1), NIGHT, 99, Why.QUIET),
        (alert(1, CRITICAL, slow=True), NIGHT, 99, Why.QUIET),
        (alert(1, CRITICAL), NIGHT, 0, Why.DUE),
        (alert(1), HERE, 29.9, Why.WAITING),
        (alert(1), HERE, 30, Why.DUE),
        (alert(1, summary=True), HERE, 0, Why.DUE),
        (alert(1, event="UPID:1"), HERE, 30, Why.DUE),
    ],
)
def test_why_an_alert_is_or_is_not_told(one: Alert, scene: Scene, waited: float, expected: Why) -> None:
    assert why(one, scene, {PARENT.key: PARENT}, waited) is expected


RUN = Subject(
    about=About.OTHER,
    cluster="main",
    id="vzdump/1",
    parts=(
        Part(about=About.GUEST, id="101", node="pve1", tags=("prod",)),
        Part(about=About.GUEST, id="102", node="pve2", pool="shop"),
        Part(about=About.NODE, id="pve3", node="pve3"),
    ),
)


@pytest.mark.parametrize(
    ("narrowed", "wants"),
    [
        ({"tags": frozenset({"prod"})}, True),
        ({"tags": frozenset({"lab"})}, False),
        ({"pools": frozenset({"shop"})}, True),
        ({"pools": frozenset({"mail"})}, False),
        ({"nodes": frozenset({"pve2"})}, True),
        ({"nodes": frozenset({"pve3"})}, True),
        ({"nodes": frozenset({"pve4"})}, False),
    ],
)
def test_who_hears_of_one_of_several_hears_of_a_run_of_them(narrowed: dict[str, Any], wants: bool) -> None:
    assert matches(Route(chat=OPS, **narrowed), alert(1, WARNING, subject=RUN)) == wants


def test_what_waits_for_the_digest_is_a_rule() -> None:
    assert {rule.key for rule in RULES} >= DIGESTED | ORDERED
