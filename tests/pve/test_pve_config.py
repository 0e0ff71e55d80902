"""Hosts, tokens and pins as people write them."""

import copy

import pytest

from bot.pve.config import ApiToken, ClusterConfig, Host, Pin
from tests.pve.server import VIEW, config

SHA = "AB" * 32
PRETTY = ":".join(["AB"] * 32)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pve1", "pve1:8006"),
        (" pve1.example.org ", "pve1.example.org:8006"),
        ("pve1:443", "pve1:443"),
        ("192.0.2.7", "192.0.2.7:8006"),
        ("https://pve1", "pve1:8006"),
        ("https://pve1:8007/", "pve1:8007"),
        ("https://[::1]:8006", "[::1]:8006"),
        ("[2001:db8::7]", "[2001:db8::7]:8006"),
        ("2001:db8::7", "[2001:db8::7]:8006"),
        ("PVE1", "pve1:8006"),
    ],
)
def test_a_host_reads_as_people_write_it(text: str, shown: str) -> None:
    host = Host.parse(text)
    assert str(host) == shown
    assert host.url == f"https://{shown}"


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "http://pve1", "ftp://pve1", "pve1:0", "pve1:99999", "pve1:web", "pve 1", "a/b", "https://me:word@pve1",
        "https://pve1/?a=1", "https://pve1#x", "-pve", "pve..1", "x" * 64, "[::1", "::1]:8006", "pve1,pve2",
        "pve1\nX: y", "[::1]]", "https://", "ü" * 3, "fe80::1%eth0", "[fe80::1%eth0]", "[pve1]", "https://https://pve1",
    ],
)  # fmt: skip
def test_what_is_no_host_is_refused_in_plain_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"host|https|port"):
        Host.parse(text)


@pytest.mark.parametrize("text", ["telemox@pve!view=aaaa-bbbb", " PVEAPIToken=telemox@pve!view=aaaa-bbbb\n"])
def test_a_token_keeps_its_secret(text: str) -> None:
    token = ApiToken.parse(text)
    assert token.id == "telemox@pve!view"
    assert token.header() == "PVEAPIToken=telemox@pve!view=aaaa-bbbb"
    for shown in (str(token), repr(token), f"{token!r} {token}", repr([token]), repr(config(tokens={}))):
        assert "aaaa" not in shown
    assert copy.deepcopy(token) == token != ApiToken("telemox@pve!view", "other")


@pytest.mark.parametrize(
    "text", ["", "telemox@pve!view", "telemox!view=hush", "telemox@pve=hush", "a b@pve!v=hush", "x@pve!1=hush"]
)
def test_what_is_no_token_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="user@realm!name=secret") as caught:
        ApiToken.parse(text)
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(caught.value.__cause__) + repr(caught.value.__context__)


def test_what_proxmox_would_decode_is_encoded() -> None:
    """AnyEvent.pm decodes percent signs in the header and cuts it at a semicolon."""
    assert ApiToken.parse("a%41@pve!view=p;q").header() == "PVEAPIToken=a%2541@pve!view=p%3Bq"


@pytest.mark.parametrize("text", [SHA, SHA.lower(), PRETTY, f" {PRETTY} "])
def test_a_bare_pin_is_for_any_host(text: str) -> None:
    pin = Pin.parse(text)
    assert pin == Pin(PRETTY)
    assert pin.is_for(Host("pve1"))
    assert pin.is_for(Host("::1", 1))


@pytest.mark.parametrize(
    ("text", "held", "free"),
    [
        (f"pve1={PRETTY}", Host("pve1", 9), Host("pve2")),
        (f"pve1:9={PRETTY}", Host("pve1", 9), Host("pve1")),
        (f"[::1]={SHA}", Host("::1"), Host("::2")),
        (f"[::1]:9={SHA}", Host("::1", 9), Host("::1")),
        (f"2001:db8::7:1={SHA}", Host("2001:db8::7:1", 9), Host("2001:db8::7")),
    ],
)
def test_a_pin_with_a_host_is_for_that_host(text: str, held: Host, free: Host) -> None:
    pin = Pin.parse(text)
    assert pin.fingerprint == PRETTY
    assert pin.is_for(held)
    assert not pin.is_for(free)


@pytest.mark.parametrize("text", ["", "pve1", "pve1=", f"pve1={SHA}0", "zz" * 32, f"a b={SHA}", f"={SHA}x"])
def test_what_is_no_pin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"fingerprint|host"):
        Pin.parse(text)


def test_a_hosts_own_pins_go_before_those_for_any() -> None:
    own, any_ = Pin("AA", "pve1"), Pin("BB")
    settings = ClusterConfig(key="main", hosts=(), tokens={}, fingerprints=(any_, own))
    assert settings.pins(Host("pve1")) == ("AA",)
    assert settings.pins(Host("pve2")) == ("BB",)
    assert VIEW.id == "telemox@pve!view"
