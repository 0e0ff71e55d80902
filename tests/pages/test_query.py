"""Filters and words: parsed, matched, written back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Status
from bot.pages.query import KEYS, LONGEST, Query, search, select
from tests.pages.fleets import GUESTS, HOSTILE, fleet, guest, node, snapshot

FLEET = fleet(
    snapshot(),
    snapshot(
        cluster="lab",
        name="Lab",
        nodes=(node("lab1", cluster="lab"),),
        guests=(guest(101, "Café", cluster="lab", node="lab1"),),
    ),
)


def names(text: str) -> list[str]:
    return [one.name for one in select(FLEET, Query.parse(text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tag:prod", ["web", "db"]),
        ("TAG:PROD", ["web", "db"]),
        ("tag: prod", ["web", "db"]),  # as people type it
        ("tag:prod tag:edge", ["web"]),
        ("tag:prod tag:dev", []),
        ("node:pve1", ["ct-mail", "web", "debian-13"]),
        ("node:pve1 status:running", ["web"]),
        ("node:pve1 node:pve2 type:ct", ["ct-mail", "dns"]),
        ("status:paused", ["win-test"]),
        ("status:template", ["debian-13"]),
        ("status:stopped", ["ct-mail", "old"]),  # a template is not a guest that stopped
        ("status:problem", ["ct-mail", "win-test"]),
        ("type:template", ["debian-13"]),
        ("type:lxc status:running", ["dns", "git"]),
        ("pool:k8s", ["kubernetes-worker-12.lab.example"]),
        ("cluster:lab", ["Café"]),
        ("cluster:LAB", ["Café"]),
        ("cafe", ["Café"]),
        ("web", ["web", HOSTILE]),
        ("web prod", ["web"]),
        (">_&", [HOSTILE]),
        ("14", ["kubernetes-worker-12.lab.example"]),  # a piece of an id
        ("node:nowhere", []),
        ("status:nonsense", []),
        ("type:nonsense", []),
    ],
)
def test_select(text: str, found: list[str]) -> None:
    assert names(text) == found


def test_everything_with_problems_first() -> None:
    assert names("")[:2] == ["ct-mail", "win-test"]
    assert len(names("")) == len(GUESTS) + 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("101", ["web", "Café"]),  # the id in both clusters
        ("db", ["db"]),
        ("DB", ["db"]),
        ("web", ["web"]),  # the exact name, not all that hold it
        ("edge", ["web"]),
        ("dev", ["win-test", "git"]),
        ("worker lab", ["kubernetes-worker-12.lab.example"]),
        ("wbe", ["web", HOSTILE]),
        ("mial", ["ct-mail"]),
        ("kubernets", ["kubernetes-worker-12.lab.example"]),
        ("tag:prod", ["web", "db"]),
        ("zzzzzz", []),
        ("9" * 40, []),
        ("²", ["db", "kubernetes-worker-12.lab.example", "sleeper"]),  # a 2, in 102, 12, 120
    ],
)
def test_search(text: str, found: list[str]) -> None:
    assert [one.name for one in search(FLEET, text)] == found


@given(st.text(max_size=300))
def test_any_text_is_a_query_that_writes_back_to_itself(text: str) -> None:
    query = Query.parse(text)
    again = Query.parse(query.arg(query.page))
    assert again.page == query.page
    assert set(again.terms) == set(query.terms)
    search(FLEET, text)
    select(FLEET, query)


@given(st.sampled_from(KEYS), st.from_regex(r"[a-z0-9.-]{1,12}", fullmatch=True))
def test_with_and_without(key: str, value: str) -> None:
    query = Query.parse("tag:prod node:pve1 web page:4")
    narrowed = query.with_(key, value)
    assert narrowed.has(key, value)
    assert narrowed.page == 1
    assert not narrowed.without(key).has(key, value)
    assert Query.parse(narrowed.arg()) == narrowed


def test_a_status_takes_the_place_of_the_last_one() -> None:
    assert Query.parse("status:running").with_("status", "stopped").text == "status:stopped"
    assert Query.parse("tag:a").with_("tag", "b").text == "tag:a tag:b"


def test_a_long_list_of_the_nearly_right_is_cut() -> None:
    crowd = fleet(snapshot(guests=tuple(guest(100 + i, f"server{i:03}") for i in range(50))))
    assert len(search(crowd, "servre")) == 8
    assert len(search(crowd, "server")) == 50


def test_template_filter_leaves_running_guests_out() -> None:
    assert all(one.status is not Status.RUNNING for one in select(FLEET, Query.parse("type:template")))


def test_no_more_is_read_than_a_person_types() -> None:
    """Else a single message of 4096 characters has every guest compared with hundreds of words."""
    query = Query.parse("w " * 2048)
    assert len(query.text) <= LONGEST
