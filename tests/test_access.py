"""Who may what: roles, ceilings, strangers, scopes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access import EVERYTHING, NOBODY, Asker, Role, Roles, Scope, may, refusal
from bot.text import Reader, plain

ANA, BEN, VERA, EVE = 11, 22, 33, 66
GROUP, WALL, ELSEWHERE = -100, -200, -300
ROLES = Roles(
    granted={ANA: Role.ADMIN, BEN: Role.OPERATOR, VERA: Role.VIEWER, GROUP: Role.OPERATOR, WALL: Role.VIEWER},
    ceilings={WALL: Role.VIEWER},
)
ids = st.sampled_from([ANA, BEN, VERA, EVE, *sorted(NOBODY)])
chats = st.sampled_from([ANA, BEN, VERA, EVE, GROUP, WALL, ELSEWHERE])
roles = st.sampled_from(list(Role))


@pytest.mark.parametrize(
    ("chat", "person", "role"),
    [
        (ANA, ANA, Role.ADMIN),
        (VERA, VERA, Role.VIEWER),
        (EVE, EVE, None),  # a stranger in private
        (ELSEWHERE, EVE, None),
        (ELSEWHERE, ANA, None),  # a person's role does not carry into a chat that the bot does not serve
        (GROUP, EVE, Role.OPERATOR),  # a group gives its role to all who speak in it
        (GROUP, VERA, Role.OPERATOR),  # the higher of the two
        (GROUP, ANA, Role.ADMIN),
        (WALL, ANA, Role.VIEWER),  # the ceiling holds for admins too
        (GROUP, None, Role.VIEWER),  # anonymous admin, channel post: viewer at most
        (GROUP, 1087968824, Role.VIEWER),
        (GROUP, 136817688, Role.VIEWER),
        (GROUP, 777000, Role.VIEWER),
        (ELSEWHERE, None, None),
        (ANA, BEN, None),  # nobody else speaks in a private chat, whatever an update claims
        (ANA, None, None),
    ],
)
def test_role(chat: int, person: int | None, role: Role | None) -> None:
    assert ROLES.role(chat, person) is role


@given(
    st.dictionaries(chats, roles),
    st.dictionaries(chats, roles),
    chats,
    st.one_of(st.none(), ids),
)
def test_role_never_exceeds_what_was_given(
    granted: dict[int, Role], ceilings: dict[int, Role], chat: int, person: int | None
) -> None:
    role = Roles(granted=granted, ceilings=ceilings).role(chat, person)
    if chat not in granted or (chat > 0 and person != chat):
        assert role is None
        return
    assert role is not None
    assert role <= ceilings.get(chat, Role.ADMIN)
    assert role <= max(granted[chat], granted.get(person or 0, Role.VIEWER))
    if person is None or person in NOBODY:
        assert role is Role.VIEWER


def test_nobody_is_served_by_default() -> None:
    assert Roles().role(ANA, ANA) is None
    assert not Roles().serves(ANA)
    assert Roles().ceiling(ANA) is None


def test_ceiling_is_the_most_that_anybody_there_could_press() -> None:
    assert ROLES.ceiling(GROUP) is Role.ADMIN  # an admin may be among them
    assert ROLES.ceiling(WALL) is Role.VIEWER
    assert ROLES.ceiling(BEN) is Role.OPERATOR


def test_refusal_names_both_roles() -> None:
    viewer = Asker(id=VERA, name="Vera", role=Role.VIEWER)
    said = refusal(viewer, "reboot", Role.OPERATOR)
    assert said is not None
    assert plain(said, Reader()) == "Your role here is viewer; reboot needs operator."
    assert refusal(Asker(id=BEN, name="Ben", role=Role.OPERATOR), "reboot", Role.OPERATOR) is None


@given(roles, roles)
def test_roles_are_ordered(has: Role, needs: Role) -> None:
    assert may(Asker(id=1, name="x", role=has), needs) is (has.value >= needs.value)


def test_people_to_turn_to() -> None:
    assert ROLES.people(Role.ADMIN) == (ANA,)
    assert ROLES.people(Role.VIEWER) == (ANA, BEN, VERA)


def test_a_group_that_became_a_supergroup_keeps_everything() -> None:
    scoped = Roles(
        granted={GROUP: Role.OPERATOR}, ceilings={GROUP: Role.OPERATOR}, scopes={GROUP: Scope(nodes=_of("a"))}
    )
    moved = scoped.migrated(GROUP, -1_000_100)
    assert moved.role(GROUP, EVE) is None
    assert moved.role(-1_000_100, ANA) is Role.OPERATOR
    assert moved.scope(-1_000_100, None) == Scope(nodes=_of("a"))


NEW = -1_000_100


@pytest.mark.parametrize("low", [GROUP, NEW])
@pytest.mark.parametrize("first", [GROUP, NEW])
def test_settings_that_name_both_ids_of_a_group_mean_the_lower(low: int, first: int) -> None:
    named = {id_: Role.VIEWER if id_ == low else Role.ADMIN for id_ in (first, GROUP, NEW)}
    assert Roles(granted=named).migrated(GROUP, NEW).granted == {NEW: Role.VIEWER}
    assert Roles(granted={GROUP: Role.ADMIN}, ceilings=named).migrated(GROUP, NEW).ceilings == {NEW: Role.VIEWER}


def test_scope_of_the_new_id_before_that_of_the_old() -> None:
    both = {NEW: Scope(pools=_of("web")), GROUP: Scope(pools=_of("db"))}
    assert Roles(scopes=both).migrated(GROUP, NEW).scopes == {NEW: Scope(pools=_of("web"))}


def test_scope_of_the_chat_before_that_of_the_person() -> None:
    both = Roles(scopes={GROUP: Scope(pools=_of("web")), BEN: Scope(tags=_of("prod"))})
    assert both.scope(GROUP, BEN) == Scope(pools=_of("web"))
    assert both.scope(WALL, BEN) == Scope(tags=_of("prod"))
    assert both.scope(WALL, None) == EVERYTHING


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (EVERYTHING, True),
        (Scope(clusters=frozenset({"main"})), True),
        (Scope(clusters=frozenset({"lab"})), False),
        (Scope(nodes=frozenset({"pve1"})), True),
        (Scope(nodes=frozenset({"pve2"})), False),
        (Scope(vmids=frozenset({101})), True),
        (Scope(tags=frozenset({"edge"})), True),
        (Scope(tags=frozenset({"dev"}), pools=frozenset({"web"})), True),  # one match of the three is enough
        (Scope(tags=frozenset({"dev"}), vmids=frozenset({102})), False),
        (Scope(nodes=frozenset({"pve2"}), vmids=frozenset({101})), False),  # nodes narrow further
    ],
)
def test_scope_of_a_guest(scope: Scope, seen: bool) -> None:
    assert scope.has_guest("main", 101, "pve1", "web", ("prod", "edge")) is seen


def _of(*values: str) -> frozenset[str]:
    return frozenset(values)
