"""Taps on the wire: at most 64 bytes, back as they were, and nothing that comes in can break it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.actions import ACTIONS
from bot.chat.keyboard import Plainness, keyboard
from bot.chat.taps import LIMIT, Kept, decode, encode, encode_kept
from bot.screen import Ack, Ask, Button, Cancel, Copy, Do, Hush, Link, Open, Stale, Tap
from bot.text import Reader, say
from tests.chat.kit import HOSTILE, Memory

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,15}", fullmatch=True)
CLUSTERS = st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
TAPS = st.one_of(
    st.builds(Open, NAMES, TEXTS),
    st.builds(Ask, st.sampled_from([action.key for action in ACTIONS]),
              st.builds("{}/{}".format, CLUSTERS, st.integers(100, 999_999_999))),
    st.builds(Do, st.from_regex(r"[A-Za-z0-9_-]{8,32}", fullmatch=True)),
    st.builds(Cancel, st.from_regex(r"[A-Za-z0-9_-]{8,32}", fullmatch=True)),
    st.builds(Ack, st.from_regex(r"[ac][0-9]{1,15}", fullmatch=True)),
    st.builds(Hush, st.from_regex(r"[anr][0-9]{1,15}", fullmatch=True), st.sampled_from(["1h", "4h", "24h", "8am"])),
)  # fmt: skip


@given(TAPS)
async def test_every_tap_comes_back_as_it_was(tap: Tap) -> None:
    store = Memory()
    rows = await keyboard(((Button(say("x"), tap),),), Reader(), store.keep, Plainness.FULL)
    data = rows[0][0]["callback_data"]
    assert 1 <= len(data.encode()) <= LIMIT
    back = decode(data)
    if isinstance(back, Kept):
        back = Open(back.page, await store.kept(back.key) or "")
    assert back == tap


@given(
    st.one_of(
        st.text(),
        st.text().map("ao".__add__),
        st.text().map("aq".__add__),
        st.text().map("ak".__add__),
        st.text().map("as".__add__),
        st.binary().map(str),
    )
)
def test_anything_at_all_can_be_read(data: str) -> None:
    assert isinstance(decode(data), Open | Ask | Do | Cancel | Ack | Hush | Stale | Kept)


@pytest.mark.parametrize(
    "data", ["", "a", "ao", "ao:", "aq", "aqreboot", "aqreboot:", "aq:main/101", "ay", "an", "bo", "zzz", "a-",
             "aostatus", "ao" + "x" * 63 + ":", "aostatus:\ud800", "ao" + "🟢" * 16 + ":"],
)  # fmt: skip
def test_what_is_not_ours_is_stale(data: str) -> None:
    assert decode(data) == Stale()


def test_the_wire_form_stays_what_it_is() -> None:
    """Buttons live in chats for years: a change here needs a new first letter."""
    assert encode(Open("vm", "main/101")) == "aovm:main/101"
    assert encode(Open("status")) == "aostatus:"
    assert encode(Open("vms", f"name:{HOSTILE}")) == f"aovms:name:{HOSTILE}"
    assert encode(Ask("reboot", "main/101")) == "aqreboot:main/101"
    assert encode(Do("Zm9v-_1")) == "ayZm9v-_1"
    assert encode(Cancel("Zm9v")) == "anZm9v"
    assert encode(Ack("c12")) == "akc12"
    assert encode(Hush("a34", "8am")) == "asa34:8am"
    assert encode_kept("vms", "0123456789abcdef") == "aovms:#0123456789abcdef"
    assert decode("aovms:#0123456789abcdef") == Kept("vms", "0123456789abcdef")


def test_what_does_not_fit_or_reads_like_a_key_is_kept() -> None:
    assert encode(Open("vms", "x" * 100)) is None
    assert encode(Open("vms", "ü" * 32)) is None  # 32 letters, 64 bytes and the page
    assert encode(Open("vms", "#tag")) is None
    assert encode(Open("vms", "\ud800")) is None  # cannot be sent at all


async def test_keyboards_get_poorer_step_by_step() -> None:
    rows = (
        (Button(say("{n}", n=HOSTILE), Open("vm", "main/101"), "danger"), Button(say(""), Open("status"))),
        (Button(say("Web"), Link("https://192.0.2.1:8006")), Button(say("Copy"), Copy("x"))),
        (Button(say("Too long"), Copy("x" * 257)),),
    )
    keep = Memory().keep
    full = await keyboard(rows, Reader(), keep, Plainness.FULL)
    assert full == [
        [{"callback_data": "aovm:main/101", "text": HOSTILE, "style": "danger"},
         {"callback_data": "aostatus:", "text": "…"}],
        [{"url": "https://192.0.2.1:8006", "text": "Web"}, {"copy_text": {"text": "x"}, "text": "Copy"}],
    ]  # fmt: skip
    unstyled = await keyboard(rows, Reader(), keep, Plainness.UNSTYLED)
    assert [[button["text"] for button in row] for row in unstyled] == [[HOSTILE, "…"], ["Web", "Copy"]]
    assert "style" not in unstyled[0][0]
    assert len(await keyboard(rows, Reader(), keep, Plainness.TAPS_ONLY)) == 1
    assert await keyboard(rows, Reader(), keep, Plainness.NONE) == []
