"""34 snapshot_old, 35 cert_expiry, 36 updates, 37 service_down, 42 subscription, 45 token_expiry."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.model.feeds import CERTIFICATES, NODE_STATUS, PACKAGES, SERVICES, SNAPSHOTS, SUBSCRIPTION, TOKENS
from bot.model.readings import Certificate, GuestSnapshots, NodeStatus, OwnToken, Packages, Service, Subscription
from bot.model.view import Memory, Push
from bot.rules import BY_KEY, Limits
from tests.rules_slow.slowviews import AT, BLIND, DAY, HOUR, NASTY, feeds, find, how, node, sees, snapshot, text, view

# -- 34 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "age", "found"),
    [(1, 30 * DAY, False), (1, 31 * DAY, True), (10, DAY, False), (11, DAY, True), (11, None, True), (0, None, False)],
)
def test_snapshots(count: int, age: timedelta | None, found: bool) -> None:
    one = GuestSnapshots(vmid=101, count=count, oldest=AT - age if age is not None else None, oldest_name="pre-upgrade")
    assert bool(find("snapshot_old", view(feeds=feeds((SNAPSHOTS, "", (one,)))))) is found


def test_snapshots_once_a_week_in_one_line() -> None:
    read = feeds((SNAPSHOTS, "", (
        GuestSnapshots(vmid=101, count=1, oldest=AT - 45 * DAY, oldest_name="<pre>"),
        GuestSnapshots(vmid=102, count=12, oldest=AT - 90 * DAY, oldest_name="a"),
    )))  # fmt: skip
    (one,) = find("snapshot_old", view(feeds=read))
    assert text(one) == (
        f"2 guests have old snapshots\n{NASTY}: <pre>, 45 days old\ndb: 12, the oldest, a, is 90 days old"
    )
    assert (one.severity.word, one.event) == ("info", "2026-W48 101 102")
    rule = BY_KEY["snapshot_old"]
    mute = Limits(base=rule.limit, exceptions={"main/guest/101": replace(rule.limit, on=False)})
    assert find("snapshot_old", view(feeds=read), mute)[0].affected == ("db",)
    for reading in BLIND.values():
        assert not find("snapshot_old", view(feeds=feeds((SNAPSHOTS, "", reading))))


def test_a_snapshot_that_has_grown_old_since_is_told_once_and_then_each_week() -> None:
    events: dict[str, datetime] = {}

    def told(*vmids: int, at: datetime) -> list[str]:
        read = tuple(GuestSnapshots(vmid=one, count=1, oldest=AT - 45 * DAY, oldest_name="a") for one in vmids)
        before = Memory(events=dict(events))
        found = find("snapshot_old", view(at=at, feeds=feeds((SNAPSHOTS, "", read)), before=before))
        events.update({one.key: at for one in found})
        return [text(one) for one in found]

    assert told(101, at=AT) == [f"1 guest has old snapshots\n{NASTY}: a, 45 days old"]
    assert told(101, 102, at=AT + HOUR) == ["1 more guest has old snapshots\ndb: a, 45 days old"]
    assert told(101, 102, at=AT + 2 * HOUR) == told(101, at=AT + 3 * HOUR) == []
    (all_,) = told(102, 101, at=AT + 7 * DAY)
    assert all_.startswith("2 guests have old snapshots\n")


# -- 35 ------------------------------------------------------------------------------------------------------------

PRINT = "AB:CD:EF"


def certificate(left: timedelta, **more: Any) -> Any:
    one = Certificate(**{"file": "pve-ssl.pem", "expires": AT + left, "fingerprint": PRINT, **more})
    return feeds((CERTIFICATES, "pve1", (one,)))


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (12 * DAY, ""),
        (11 * DAY, "grey"),
        (10 * DAY, "warning"),
        (4 * DAY, "warning"),
        (3 * DAY, "critical"),
        (-DAY, "critical"),
    ],
)
def test_certificate(left: timedelta, expected: str) -> None:
    found = find("cert_expiry", view(feeds=certificate(left)))
    assert how(found) == expected
    assert all(one.slow for one in found)
    assert how(find("cert_expiry", view(feeds=certificate(left, file="/etc/pve/pve-root-ca.pem")))) == ""


@pytest.mark.parametrize(
    ("left", "expected"), [(21 * DAY, ""), (20 * DAY, "warning"), (11 * DAY, "warning"), (2 * DAY, "critical")]
)
def test_a_pinned_certificate(left: timedelta, expected: str) -> None:
    pinned = {"192.0.2.1:8006": "abcdef"}  # spelled another way
    found = find("cert_expiry", view(feeds=certificate(left), fingerprints=pinned))
    assert how(found) == expected
    if expected:
        day = AT + left - 14 * DAY  # the node renews it by itself
        assert f"this pin will break about {day:%Y-%m-%d}; use PVE_CA_FILE or pin ahead" in text(found[0])
    other = find("cert_expiry", view(feeds=certificate(left, fingerprint=""), fingerprints={"h": ""}))
    assert how(other) == how(find("cert_expiry", view(feeds=certificate(left))))


def test_certificate_says_and_sees() -> None:
    (one,) = find("cert_expiry", view(feeds=certificate(5 * DAY, file="pveproxy-ssl.pem")))
    assert text(one).startswith("Certificate pveproxy-ssl.pem of pve1 expires in 5 days\nuploaded, or by ACME")
    (over,) = find("cert_expiry", view(feeds=certificate(-HOUR)))
    assert text(over).startswith("Certificate pve-ssl.pem of pve1 has expired\nthe node should have renewed it")
    assert sees("cert_expiry", view(feeds=certificate(300 * DAY)), one.subject)
    for reading in BLIND.values():
        blind = view(feeds=feeds((CERTIFICATES, "pve1", reading)))
        assert not find("cert_expiry", blind)
        assert not sees("cert_expiry", blind, one.subject)


# -- 36 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        (Packages(outdated=0), ""),
        (Packages(outdated=1), "pve1: 1 update"),
        (Packages(outdated=7, important=("pve-manager", "qemu-server")), "pve1: 7 updates\npve-manager\nqemu-server"),
        (Packages(outdated=0, kernel_running="6.8.12-4-pve", kernel_installed="6.8.12-4-pve"), ""),
        (
            Packages(outdated=0, kernel_running="6.8.12-4-pve", kernel_installed="6.8.12-8-pve"),
            "pve1: reboot pending\nruns 6.8.12-4-pve, 6.8.12-8-pve is installed",
        ),
        (
            Packages(outdated=2, kernel_running="a", kernel_installed="b"),
            "pve1: 2 updates, reboot pending\nruns a, b is installed",
        ),
    ],
)
def test_updates(packages: Packages, expected: str) -> None:
    found = find("updates", view(feeds=feeds((PACKAGES, "pve1", packages))))
    assert [text(one) for one in found] == ([expected] if expected else [])
    assert all((one.severity.word, one.event, one.subject.id) == ("info", "2026-11-24", "pve1") for one in found)


def test_updates_pushed_and_polled_are_one() -> None:
    push = Push(id="1", at=AT, kind="package-updates", severity="info", title="New updates",
                message="pve-manager: 9.1\n", host="pve1")  # fmt: skip
    assert not find("updates", view(pushes=(replace(push, kind="system-mail"), replace(push, host=""))))
    (pushed,) = find("updates", view(pushes=(push,)))
    assert text(pushed) == "pve1: updates are there\npve-manager: 9.1"
    (polled,) = find("updates", view(feeds=feeds((PACKAGES, "pve1", Packages(outdated=3)))))
    assert pushed.key == polled.key
    (both,) = find("updates", view(pushes=(push,), feeds=feeds((PACKAGES, "pve1", Packages(outdated=3)))))
    assert text(both) == "pve1: 3 updates\npve-manager: 9.1"


# -- 37 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "standalone", "expected"),
    [
        (Service(name="pvestatd", enabled=True, running=True), False, ""),
        (Service(name="pvestatd", enabled=True, running=False, state="failed"), False, "warning"),
        (Service(name="pvestatd", enabled=False, running=False), False, ""),
        (Service(name="postfix", enabled=True, running=False), False, ""),  # not Proxmox VE's own
        (Service(name="corosync", enabled=True, running=False), False, "warning"),
        (Service(name="corosync", enabled=True, running=False), True, ""),
        *[
            (Service(name=name, enabled=True, running=False), True, "warning")
            for name in ("pveproxy", "pvedaemon", "pvescheduler", "pve-cluster", "pve-ha-crm", "pve-ha-lrm", "qmeventd")
        ],
    ],
)
def test_service(service: Service, standalone: bool, expected: str) -> None:
    seen = view(snapshot(standalone=standalone), feeds=feeds((SERVICES, "pve1", (service,))))
    assert how(find("service_down", seen)) == expected


def test_service_takes_two_readings_and_is_seen_by_its_node() -> None:
    limit = BY_KEY["service_down"].limit
    assert limit.hold > SERVICES.every
    assert limit.clear > SERVICES.every
    (one,) = find("service_down", view(feeds=feeds((SERVICES, "pve1", (Service(name="pvestatd", enabled=True,
                                                                               running=False),)))))  # fmt: skip
    assert sees("service_down", view(feeds=feeds((SERVICES, "pve1", ()))), one.subject)
    assert not sees("service_down", view(feeds=feeds((SERVICES, "pve2", ()))), one.subject)
    down = snapshot(nodes=[node(online=False)])
    assert not sees("service_down", view(down, feeds=feeds((SERVICES, "pve1", ()))), one.subject)


# -- 42 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subscription", "expected"),
    [
        (Subscription(status="active"), ""),
        (Subscription(status="Active", due=AT + 31 * DAY), ""),
        (Subscription(status="active", due=AT + 10 * DAY), "pve1: subscription ends in 10 days"),
        (Subscription(status="notfound"), "pve1: subscription notfound"),
        (Subscription(status=""), "pve1: subscription unknown"),
    ],
)
def test_subscription(subscription: Subscription, expected: str) -> None:
    found = find("subscription", view(feeds=feeds((SUBSCRIPTION, "pve1", subscription))))
    assert [text(one).splitlines()[1:] for one in found] == ([[expected]] if expected else [])
    assert all(one.event == "2026-11" for one in found)
    assert not BY_KEY["subscription"].limit.on


@pytest.mark.parametrize(
    ("version", "at", "expected"),
    [
        ("pve-manager/9.1.4/abc", AT, ""),
        ("pve-manager/8.4.1/abc", AT, "pve1: Proxmox VE 8 is out of support since 2026-08-31"),
        ("pve-manager/8.4.1/abc", AT - 120 * DAY, "pve1: Proxmox VE 8 is supported until 2026-08-31"),
        ("pve-manager/8.4.1/abc", AT - 400 * DAY, ""),
        ("pve-manager/7.4-20/abc", AT, "pve1: Proxmox VE 7 is out of support since 2024-07-31"),
        ("", AT, ""),
        ("garbage", AT, ""),
    ],
)
def test_end_of_life(version: str, at: datetime, expected: str) -> None:
    found = find("subscription", view(at=at, feeds=feeds((NODE_STATUS, "pve1", NodeStatus(version=version)))))
    assert [text(one).splitlines()[1:] for one in found] == ([[expected]] if expected else [])


# -- 45 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (None, ""),
        (16 * DAY, ""),
        (15 * DAY, "grey"),
        (14 * DAY, "warning"),
        (4 * DAY, "warning"),
        (3 * DAY, "critical"),
        (-DAY, "critical"),
    ],
)
def test_token(left: timedelta | None, expected: str) -> None:
    token = OwnToken(name="telemox@pve!view", expires=AT + left if left is not None else None)
    found = find("token_expiry", view(feeds=feeds((TOKENS, "", (token,)))))
    assert how(found) == expected
    assert all(one.slow and one.subject.id == "token/telemox@pve!view" for one in found)
    if expected == "warning":
        assert "pveum user token modify telemox@pve view --expire 0" in text(found[0])


def test_token_sees() -> None:
    (one,) = find("token_expiry", view(feeds=feeds((TOKENS, "", (OwnToken(name="a@pve!b", expires=AT),)))))
    assert sees("token_expiry", view(feeds=feeds((TOKENS, "", ()))), one.subject)
    for reading in BLIND.values():
        assert not sees("token_expiry", view(feeds=feeds((TOKENS, "", reading))), one.subject)
