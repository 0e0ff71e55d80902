"""The text core: escaping by construction, cutting by whole lines, columns by display width."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot import text
from bot.demo.telegram.markup import parse_html
from bot.text import (
    EMPTY,
    WIDTH,
    Moment,
    Reader,
    Said,
    ago,
    bar,
    bold,
    clean,
    clock,
    code,
    columns,
    cut,
    day_clock,
    fold,
    folded,
    from_epoch,
    html,
    lines,
    link,
    plain,
    raw,
    say,
    say_n,
    share,
    size,
    size_pair,
    size_short,
    span,
    table,
)

HOSTILE = 'web<1>_&"'
AT = datetime(2026, 11, 24, 13, 2, 31, tzinfo=UTC)
READER = Reader(zone=UTC)
anything = st.text(st.characters(codec=None), max_size=60)  # lone surrogates, controls and direction marks included
names = st.one_of(
    anything,
    st.sampled_from(
        [HOSTILE, "日本語サーバー", "👩‍👩‍👧‍👦", "⚠️⚠️⚠️", "e\u0301" * 9, "\u202egnp.exe", "a\x00b", "&lt;b&gt;", "{x}"]
    ),
)


class Reading(HTMLParser):
    """Reads HTML as Telegram does: balanced tags of its own set, or nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"b", "i", "code", "pre", "a", "blockquote", "tg-time"}, tag
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: str) -> str:
    """What a reader sees of it; fails where Telegram would refuse it."""
    parser = Reading()
    parser.feed(str(markup))
    parser.close()
    assert not parser.open
    return parser.text


def saids(leaf: st.SearchStrategy[str]) -> st.SearchStrategy[Said]:
    inline: st.SearchStrategy[Said] = st.one_of(
        leaf.map(raw),
        leaf.map(bold),
        leaf.map(code),
        leaf.map(lambda value: say("{x} seen {ago}", x=value, ago=ago(AT))),
        leaf.map(lambda value: say("{name} has rebooted & runs <again>.", name=value)),
        st.tuples(leaf, leaf).map(lambda pair: link(pair[0], "https://host/?" + clean(pair[1]))),
        leaf.map(lambda value: say("{a} {b}", a=bold(say("{x}", x=value)), b=7)),
    )
    block: st.SearchStrategy[Said] = st.one_of(
        inline,
        leaf.map(folded),
        st.lists(inline, max_size=4).map(lambda parts: folded(lines(*parts))),
        st.lists(st.tuples(leaf, leaf, st.integers(0, 10**9)), max_size=6).map(lambda rows: table(rows, align="<<>")),
    )
    return st.lists(block, max_size=8).map(lambda parts: lines(*parts))


# -- escaping ------------------------------------------------------------------------------------------------------


def test_hostile_name_is_escaped_once() -> None:
    said = say("{name} has rebooted.", name=HOSTILE)
    assert html(said, READER) == "web&lt;1&gt;_&amp;&#34; has rebooted."
    assert plain(said, READER) == 'web<1>_&" has rebooted.'


def test_our_own_sentence_may_hold_markup_characters() -> None:
    assert html(say("a < b & c"), READER) == "a &lt; b &amp; c"
    assert plain(say("a < b & c, {n}", n=1), READER) == "a < b & c, 1"


def test_braces_of_outside_text_are_text() -> None:
    assert plain(say("{a}{b}", a="{b}", b="{0.__class__}"), READER) == "{b}{0.__class__}"
    assert plain(say("{{a}}"), READER) == "{a}"


def test_entities_of_outside_text_stay_as_typed() -> None:
    assert plain(raw("&lt;b&gt; &amp;amp;"), READER) == "&lt;b&gt; &amp;amp;"
    assert read(html(raw("&lt;b&gt;"), READER)) == "&lt;b&gt;"


def test_link_address_is_escaped() -> None:
    assert html(link("x", 'https://h/?a=1&b="><b>'), READER) == (
        '<a href="https://h/?a=1&amp;b=&#34;&gt;&lt;b&gt;">x</a>'
    )


@given(saids(names))
def test_any_outside_text_gives_markup_that_telegram_takes(said: Said) -> None:
    markup = html(said, READER)
    assert read(markup) == plain(said, READER)
    markup.encode()  # no lone surrogate is left


@given(anything)
@example("\ud800")
@example("a\nb\rc\u2028d")
def test_clean_is_one_printable_line(value: str) -> None:
    cleaned = clean(value)
    assert len(cleaned) == len(value)
    assert all(character.isprintable() or character == "\u200d" for character in cleaned)
    cleaned.encode()


# -- the limit -----------------------------------------------------------------------------------------------------


@given(saids(names), st.integers(200, 600))
def test_cut_text_is_balanced_and_within_the_limit(said: Said, limit: int) -> None:
    many = lines(*[said] * 5)
    assert len(read(html(many, READER, limit))) <= limit


def test_what_fits_is_whole() -> None:
    exact = lines(*["x" * 63] * 64)  # 64 lines of 64 with their breaks, less the last one
    assert len(read(html(exact, READER))) == 4095
    assert "more line" not in html(exact, READER)


def test_the_limit_is_counted_after_parsing() -> None:
    """Escapes and tags cost nothing of Telegram's 4096."""
    said = lines(*[bold("&" * 62) for _ in range(65)])
    assert len(read(html(said, READER))) == 65 * 63 - 1
    nearly = lines(*[bold("&" * 63) for _ in range(64)])
    assert read(html(nearly, READER)) == plain(nearly, READER)


def test_too_long_is_cut_on_whole_lines_and_said() -> None:
    shown = read(html(lines(*[f"line {n}" for n in range(1000)]), READER)).split("\n")
    assert shown[-1] == f"… {1000 - len(shown) + 1} more lines"
    assert shown[:-1] == [f"line {n}" for n in range(len(shown) - 1)]


def test_cut_inside_a_block_closes_it() -> None:
    markup = html(table([(f"row {n}", "x") for n in range(900)], align="<<"), READER)
    assert markup.startswith("<pre>row 0")
    assert "</pre>\n… " in markup
    assert len(read(markup)) <= 4096
    log = html(folded("\n".join(f"INFO {n}: <done>" for n in range(900))), READER)
    assert "</blockquote>\n… " in log
    assert len(read(log)) <= 4096


def test_one_endless_line_is_cut_with_its_markup_given_up() -> None:
    markup = html(bold("<" * 9000), READER)
    assert len(read(markup)) <= 4096
    assert read(markup).endswith("…")


def test_raw_bytes_stay_within_what_the_server_reads() -> None:
    said = lines(*[bold('"' * 60) for _ in range(66)], *[code("&" * 60) for _ in range(10)])
    assert len(html(said, READER).encode()) < 32_768
    links = html(lines(*[link("x", "https://host/" + "é" * 400) for _ in range(100)]), READER)
    assert len(links.encode()) < 32_768  # a short text behind long addresses
    assert read(links).endswith("more lines")


# -- columns -------------------------------------------------------------------------------------------------------


@given(names, st.integers(0, 40))
def test_cut_never_exceeds_its_width(value: str, width: int) -> None:
    assert columns(cut(value, width)) <= width


def test_cut_keeps_both_ends() -> None:
    assert cut("kubernetes-worker-12", 12) == "kubernet…-12"
    assert cut("short", 12) == "short"
    assert cut("日本語サーバー", 8) == "日本…ー"


@given(st.lists(st.tuples(names, names, names, st.integers(0, 10**9)), min_size=1, max_size=9), st.integers(0, 3))
def test_no_row_is_wider_than_the_card(rows: list[tuple[str, str, str, int]], flex: int) -> None:
    for line in plain(table(rows, align="<<<>", flex=flex), READER).split("\n"):
        assert columns(line) <= WIDTH


def test_columns_line_up_by_display_width() -> None:
    shown = plain(table([("web", "1G"), ("日本", "20G"), (HOSTILE, "3G")], align="<>"), READER)
    assert shown.split("\n") == ["web        1G", "日本      20G", 'web<1>_&"  3G']


def test_the_flexible_column_gives_way_first() -> None:
    row = ("🟢", "a-very-long-name-of-a-guest-here", "1000001", "VM", "pve1", "41% 6.8G")
    (shown,) = plain(table([row], align="<<><<<", flex=1), READER).split("\n")
    assert columns(shown) == WIDTH
    assert shown == "🟢 a-ve…e 1000001 VM pve1 41% 6.8G"


def test_a_tower_of_accents_is_no_name() -> None:
    assert len(cut("a" + "\u0301" * 5000, 18)) <= 4 * 18
    assert len(cut("a" + "\u0301" * 5000, 1)) <= 4
    assert cut("👩‍👩‍👧‍👦" * 9, 18) == "👩‍👩‍👧‍👦" * 9  # seven code points each, in two columns
    assert cut("e\u0301" * 18, 18) == "e\u0301" * 18
    assert cut("x" * 9000 + "end", 9) == "xxxxxx…nd"


@pytest.mark.parametrize("line", ["x" * 500_000, "\x1b[0m" + "x" * 500_000, "\x1b漢" * 250_000, "\t" * 500_000])
def test_endless_lines_are_not_read_to_their_end(line: str) -> None:
    began = time.process_time()
    shown = [
        read(html(said, READER))
        for said in (folded("\n".join([line] * 4)), raw(line), table([(line, "x")], align="<<"), raw(cut(line, 18)))
    ]
    assert time.process_time() - began < 0.1  # seconds; whole they took ten times as long
    assert all(len(text) <= 4096 for text in shown)
    assert "…" in shown[1]


@given(st.text(st.characters(codec=None)))
@example("".join(map(chr, range(300))) + "\u200d\ud800")
def test_clean_is_what_each_character_becomes(value: str) -> None:
    assert clean(value) == "".join(clean(character) for character in value)


# -- numbers and times ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (size(0), "0 B"),
        (size(512 * 1024**2), "512 MiB"),
        (size(2.3 * 1024**3), "2.3 GiB"),
        (size(3 * 1024**6), "3072 PiB"),
        (size_pair(2.3 * 1024**3, 4 * 1024**3), "2.3 of 4.0 GiB"),
        (size_pair(100 * 1024**3, 128 * 1024**3), "100 of 128 GiB"),
        (size_pair(5, 100), "5 of 100 B"),
        (span(0), "0 s"),
        (span(-5), "0 s"),
        (span(34), "34 s"),
        (span(61), "1 min 1 s"),
        (span(660), "11 min"),
        (span(4 * 3600), "4 h"),
        (span(4 * 3600 + 300), "4 h 5 min"),
        (span(12 * 86400 + 4 * 3600 + 59), "12 d 4 h"),
        (span(86400), "1 d"),
        (say_n(1, one="{n} guest", many="{n} guests"), "1 guest"),
        (say_n(0, one="{n} guest", many="{n} guests"), "0 guests"),
        (lines("a", None, EMPTY, "b"), "a\n\nb"),
    ],
)
def test_said_as_people_say_it(said: Said, shown: str) -> None:
    assert plain(said, READER) == shown


def test_short_sizes_and_shares() -> None:
    assert [size_short(n) for n in (0, 900, 1536, 1288490188, 10 * 1024**4)] == ["0B", "900B", "2K", "1.2G", "10T"]
    assert [share(value) for value in (0, 0.584, 1.04)] == ["0%", "58%", "104%"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "▱▱▱▱▱"), (0.01, "▰▱▱▱▱"), (0.09, "▰▱▱▱▱"), (0.34, "▰▰▱▱▱"), (0.58, "▰▰▰▱▱"), (0.81, "▰▰▰▰▱"), (1.2, "▰▰▰▰▰")],
)
def test_bars(value: float, shown: str) -> None:
    assert bar(value) == shown


def test_times_are_of_the_reader() -> None:
    at = datetime(2026, 11, 24, 13, 2, 31, tzinfo=UTC)
    east = Reader(zone=timezone(timedelta(hours=1)))
    assert plain(clock(at), east) == "14:02:31"
    assert plain(day_clock(at), READER) == "2026-11-24 13:02"
    assert from_epoch(0) == datetime(1970, 1, 1, tzinfo=UTC)


def test_an_age_is_counted_by_the_readers_phone_and_a_time_where_it_cannot() -> None:
    east = Reader(zone=timezone(timedelta(hours=1)))
    said = say("seen {ago}", ago=ago(AT))
    assert html(said, east) == f'seen <tg-time unix="{int(AT.timestamp())}" format="r">24 Nov 14:02</tg-time>'
    assert plain(said, east) == "seen 24 Nov 14:02"
    assert html(said, replace(east, counts=False)) == "seen 24 Nov 14:02"
    for impossible in (from_epoch(0), from_epoch(2**31)):  # Telegram would drop the first, and refuse the second
        assert "tg-time" not in html(ago(impossible), READER)
    assert len(plain(table([(ago(AT), 1)], align="<>"), READER)) == len("24 Nov 13:02 1")
    many = lines(*[ago(AT)] * 300)  # 13 characters each, as read; the markup of all is longer than a message
    assert read(html(many, READER)) == plain(many, READER)
    parsed, entities = parse_html(html(said, east))
    assert (parsed, entities[0]["type"], entities[0]["date_time_format"]) == ("seen 24 Nov 14:02", "date_time", "r")


def test_fold_for_comparing() -> None:
    assert fold("WEB") == "web"
    assert fold("Größe") == "grosse"
    assert fold("Café") == fold("CAFE")


def test_a_language_without_a_catalogue_speaks_english() -> None:

    assert text.CATALOGUES["en"] == {}
    assert html(say("{name} stopped", name="<x>"), Reader(language="xx")) == "&lt;x&gt; stopped"


def test_a_moment_of_another_day_than_now_has_its_day_in_the_readers_zone() -> None:
    now = datetime(2026, 11, 24, 16, 18, tzinfo=UTC)
    tomorrow, later = Moment(now + timedelta(days=1), "%H:%M", now), Moment(now + timedelta(hours=4), "%H:%M", now)
    assert plain(tomorrow, Reader(zone=UTC)) == "25 Nov 16:18"
    assert plain(later, Reader(zone=UTC)) == "20:18"
    assert plain(later, Reader(zone=timezone(timedelta(hours=5)))) == "25 Nov 01:18"
