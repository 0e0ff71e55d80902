"""A text that is stored comes back as it was, and whatever else is read is refused."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.text import (
    EMPTY,
    Moment,
    Reader,
    Said,
    ago,
    bold,
    code,
    folded,
    html,
    lines,
    link,
    plain,
    raw,
    say,
    say_n,
    table,
)
from bot.text.keep import DEEPEST, LARGEST, pack, unpack

WEB = 'web<1>_&"'
AT = datetime(2026, 3, 1, 14, 2, 33, 120001, tzinfo=timezone(timedelta(hours=5, minutes=30)))

texts = st.text(st.characters(codec="utf-8"), max_size=40)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(
    datetime(2, 1, 2),  # noqa: DTZ001 - Hypothesis adds the zone
    datetime(9998, 12, 30),  # noqa: DTZ001
    timezones=zones,
).flatmap(lambda at: st.sampled_from([Moment(at, "%H:%M"), Moment(at, "%H:%M", AT), ago(at)]))


def blocks(inner: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
    values = st.one_of(texts, st.integers(), inner)
    return st.one_of(
        st.tuples(values, values).map(
            lambda pair: say("{name} and {other}, {{so}}: {name}", name=pair[0], other=pair[1])
        ),
        inner.map(bold),
        inner.map(code),
        inner.map(folded),
        st.tuples(inner, texts).map(lambda pair: link(*pair)),
        st.lists(inner, max_size=4).map(lambda parts: lines(*parts)),
        st.lists(st.lists(values, max_size=3), max_size=4).map(lambda rows: table(rows, align="<><", flex=2, width=20)),
    )


saids: st.SearchStrategy[Said] = st.recursive(
    st.one_of(texts.map(raw), moments, texts.map(folded), st.just(EMPTY)), blocks, max_leaves=12
)


@given(saids)
@settings(deadline=None)
def test_everything_comes_back_as_it_was(said: Said) -> None:
    back = unpack(pack(said))
    assert back == said
    reader = Reader(zone=UTC)
    assert html(back, reader) == html(said, reader)


def test_a_card_comes_back() -> None:
    said = lines(
        bold(say("{name} stopped by itself.", name=WEB)),
        say("Since {when}.", when=Moment(AT, "%H:%M")),
        say_n(12, one="{n} guest there", many="{n} guests there"),
        table([(WEB, 101, code("x"))], align="<><"),
        folded(f"line\n{WEB}"),
        None,
        link("docs", "https://example.org/?a=1&b=<2>"),
    )
    back = unpack(pack(said))
    assert back == said
    assert WEB in plain(back, Reader(zone=UTC))


@given(st.text(st.characters(), max_size=30))
def test_half_characters_are_cleaned(text: str) -> None:
    packed = pack(say("{name} ends.", name=text))
    packed.encode()
    assert unpack(packed) == say("{name} ends.", name=text.encode("utf-8", "replace").decode())


@given(st.text(max_size=200))
def test_any_text_is_a_said_or_a_value_error(text: str) -> None:
    try:
        unpack(text)
    except ValueError:
        return


letters = st.sampled_from(["s", "m", "t", "a", "l", "p", "f", "b", "{x}"])
junk = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | letters,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.just("s"), inner),
    max_leaves=12,
)


@given(junk)
@settings(max_examples=500)
def test_whatever_is_taken_can_be_shown(given: object) -> None:
    try:
        said = unpack(json.dumps(given))
    except ValueError:
        return
    html(said, Reader(zone=UTC))
    plain(said, Reader(zone=UTC))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        '"s"',
        '["x"]',
        '["s","hello"]',
        '["s","{a}",[["b","c"]]]',
        '["s","{a.__class__}",[["a","c"]]]',
        '["s","{a!r}",[["a","c"]]]',
        '["s","{a:>9}",[["a","c"]]]',
        '["s","{",[["a","c"]]]',
        '["s","{a}",[["a",true]]]',
        '["s","{a}",[["a",1.5]]]',
        '["s","{a}",[["a",null]]]',
        '["s","{a}",[[1,"c"]]]',
        '["s","{a}",[["a"]]]',
        '["t","script",["s","x",[]]]',
        '["t","b onclick=x",["s","x",[]]]',
        '["m","2026-03-01T12:00:00","%H"]',
        '["m","0001-01-01T00:00:00+00:00","%H"]',
        '["m","yesterday","%H"]',
        '["p",[["a","b"]],"<",0,34]',
        '["p",[["a"]],"<",1,34]',
        '["p",[["a"]],"?",0,34]',
        '["p",[5],"<",0,34]',
        "[" * 50_000,
        '["t","b",' * (DEEPEST + 5) + '["s","x",[]]' + "]" * (DEEPEST + 5),
        '["f","' + "x" * LARGEST + '"]',
    ],
)
def test_what_we_did_not_write_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unpack(text)


def test_what_no_message_could_hold_is_kept_as_its_beginning() -> None:
    said = lines(bold(say("{name} failed.", name=WEB)), *(folded(f"{n} {WEB} " + "x" * 300) for n in range(1000)))
    packed = pack(said)
    assert len(packed) <= LARGEST
    shown = plain(unpack(packed), Reader())
    assert shown.startswith(f"{WEB} failed.")
    pack(folded("\ud83d" * LARGEST * 2)).encode()
