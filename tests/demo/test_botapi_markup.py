"""The stand-in's HTML rules, held against Telegram's own parser where it is installed."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.demo.telegram.markup import Entity, parse_html
from bot.demo.telegram.refusal import Refused
from bot.demo.telegram.render import to_html
from bot.demo.telegram.texts import read_text

TAGS = ["b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "blockquote", "a", "span", "B",
        "tg-spoiler", "tg-emoji", "tg-time", "foo", "", "br/", "1", "-"]  # fmt: skip
ATTRIBUTES = [
    "", " ", " expandable", ' href="https://example.com/?a=1&amp;b=2"', " href='tg://user?id=12'", " href=localhost",
    ' href="http://pve1:8006"', " href=example.com", ' href="HTTP://Exa.COM:0443?x"', " href", ' class="language-sh"',
    ' class="tg-spoiler"', " class=tg-spoiler", ' class="x"', ' emoji-id="5368324170671202286"', ' emoji-id="x"',
    ' unix="1647531900" format="wDT"', " unix=5 format='zz'", " unix=-5", " a=b c='d", " =", " a = 'ü&#8364;'", '"',
    "/",
]  # fmt: skip
WORDS = [
    "x",
    'web<1>_&"',
    "ü€😀",
    " ",
    "\n",
    "&lt;",
    "&gt",
    "&amp;",
    "&quot;",
    "&nbsp;",
    "&#65;",
    "&#x1F600;",
    "&#;",
    "&#xD83D;",
    "&#0;",
    "&#1114111;",
    "&#123456789;",
    "&",
    "&&",
    "<",
    ">",
    "a=1",
    "\t",
    "\x00",
    "</",
    "</ >",
    "</b ",
]
WORDS += ["&#\u0661;", "&#x12345678;", "ß"]
PIECES = st.one_of(
    st.builds("<{}{}>".format, st.sampled_from(TAGS), st.sampled_from(ATTRIBUTES)),
    st.builds("</{}>".format, st.sampled_from(TAGS)),
    st.sampled_from(WORDS),
    st.text(max_size=3),
)


@st.composite
def nested(draw: st.DrawFn, depth: int = 3) -> str:
    """Markup that mostly closes what it opens."""
    out = []
    for _ in range(draw(st.integers(0, 3))):
        if depth and draw(st.booleans()):
            tag, attribute = draw(st.sampled_from(TAGS[:18])), draw(st.sampled_from(ATTRIBUTES))
            out.append(f"<{tag}{attribute}>{draw(nested(depth - 1))}</{tag if draw(st.integers(0, 9)) else ''}>")
        else:
            out.append(draw(PIECES))
    return "".join(out)


def ours(text: str) -> tuple[str, list[Entity]] | str:
    try:
        return parse_html(text)
    except Refused as refused:
        return refused.description


def execute(request: dict[str, object]) -> dict[str, Any]:
    tdjson = pytest.importorskip("tdjson", reason="Telegram's own parser is not installed: nothing to compare with")
    tdjson.td_execute(b'{"@type": "setLogVerbosityLevel", "new_verbosity_level": 0}')
    answer: dict[str, Any] = json.loads(tdjson.td_execute(json.dumps(request).encode()))
    return answer


def theirs(text: str) -> tuple[str, list[Entity]] | str:
    mode = {"@type": "textParseModeHTML"}
    answer = execute({"@type": "parseTextEntities", "text": text, "parse_mode": mode})
    if answer["@type"] == "error":
        message = str(answer["message"])
        return f"Bad Request: {message[:1].lower()}{message[1:]}"
    return str(answer["text"]), [translated(entity) for entity in answer["entities"]]


NAMES = {"TextUrl": "text_link", "MentionName": "text_mention", "PreCode": "pre", "BlockQuote": "blockquote"}
NAMES |= {"ExpandableBlockQuote": "expandable_blockquote", "CustomEmoji": "custom_emoji", "DateTime": "date_time"}


def translated(entity: dict[str, Any]) -> Entity:
    kind = entity["type"]["@type"].removeprefix("textEntityType")
    out: Entity = {"type": NAMES.get(kind, kind.lower()), "offset": entity["offset"], "length": entity["length"]}
    for theirs_, ours_ in (
        ("language", "language"),
        ("url", "url"),
        ("user_id", "user_id"),
        ("unix_time", "unix_time"),
    ):
        if theirs_ in entity["type"]:
            out[ours_] = entity["type"][theirs_]
    if "custom_emoji_id" in entity["type"]:
        out["custom_emoji_id"] = str(entity["type"]["custom_emoji_id"])
    return out


def comparable(outcome: tuple[str, list[Entity]] | str) -> tuple[str, list[Entity]] | str:
    if isinstance(outcome, str):
        return outcome
    return outcome[0], [{k: v for k, v in e.items() if k != "date_time_format"} for e in outcome[1]]


@settings(max_examples=600, deadline=None)
@given(st.one_of(nested(), st.lists(PIECES, max_size=8).map("".join)))
@example('<b>a <i>b</i></b> <code>x</code><pre><code class="language-py">x</code></pre>')
@example("<a href='example.com/a b'>y</a><a>example.com</a><blockquote expandable>x</blockquote>")
@example("<u>ü</b>")
@example("<a href='x")
@example("&#65")
def test_parses_as_telegram_does(text: str) -> None:
    assert comparable(ours(text)) == theirs(text)


URLS = ["http://", "HTTPS://", "ftp://", "tg://", "ton:", "tonsite://", "a", ".", "Exa.com", "localhost", "@", ":",
        "443", "0", "99999", "/", "?q=1", "#", "[::1]", "[::g]", "%41", "%4", " ", "ü", "\\", "_", "-1"]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(URLS), max_size=7).map("".join))
@example("https://192.0.2.1:8006/#v1:0:=qemu%2F101")
@example("https://pve1:8006")
@example("a.b:0443")
def test_takes_the_links_that_telegram_takes(url: str) -> None:
    text = f'<a href="{url}">x</a>'
    assert ours(text) == theirs(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20), nested())
def test_what_was_parsed_reads_the_same_after_a_round_trip(plain: str, marked: str) -> None:
    for text in (plain.replace("&", "&amp;").replace("<", "&lt;"), marked):
        try:
            said, entities = parse_html(text)
        except Refused:
            continue
        simple = [e for e in entities if e["type"] in ("bold", "italic", "text_link")]
        assert parse_html(to_html(said, simple))[0] == said


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "message text is empty"),
        (" \n ", "text must be non-empty"),
        ("<b> </b>", "text must be non-empty"),
        ("x" * 4097, "message is too long"),
        ("ü" * 16385, "text is too long"),
        ("a <foo>", 'can\'t parse entities: Unsupported start tag "foo" at byte offset 2'),
        ("ü<foo>", 'can\'t parse entities: Unsupported start tag "foo" at byte offset 2'),
        ("<b>x", "can't parse entities: Can't find end tag corresponding to start tag \"b\""),
        ("<u></b>", 'can\'t parse entities: Unmatched end tag at byte offset 3, expected "</u>", found "</b>"'),
    ],
)
def test_refuses_in_telegrams_words(text: str, error: str) -> None:
    with pytest.raises(Refused, match=re.escape("400 Bad Request: " + error)):
        read_text(text, "HTML")


def test_counts_after_parsing() -> None:
    text, entities = read_text("<b>" + "&amp;" * 4096 + "</b>", "HTML")
    assert len(text) == 4096
    assert entities == [{"type": "bold", "offset": 0, "length": 4096}]


def test_marks_commands_and_links_by_itself_but_not_in_code() -> None:
    _, entities = read_text("/vm@telemox_bot 😀 see https://example.com/x <code>/not</code> a/b </b"[:-4], "HTML")
    assert [(e["type"], e["offset"], e["length"]) for e in entities] == [
        ("bot_command", 0, 15),
        ("url", 23, 21),
        ("code", 45, 4),
    ]


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<b>a<code>x</code>b</b>", [("bold", 0, 1), ("code", 1, 1), ("bold", 2, 1)]),
        ("<b>a<b>b</b></b><b>c</b>", [("bold", 0, 3)]),
        ("<code>a<b>b</b></code>", [("code", 0, 2)]),
        ("<blockquote><pre>a</pre></blockquote>", [("blockquote", 0, 1), ("pre", 0, 1)]),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", [("blockquote", 0, 2)]),
        ("<b>x \n</b>", [("bold", 0, 1)]),
    ],
)
def test_entities_lie_together_as_telegram_lets_them(html: str, kept: list[tuple[str, int, int]]) -> None:
    _, entities = read_text(html, "HTML")
    assert [(e["type"], e["offset"], e["length"]) for e in entities] == kept
