"""What a rule that cannot see says, and the lines that mend it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.model import Severity, Version
from bot.model.feeds import (
    AGENT,
    BACKUPS,
    CERTIFICATES,
    NODE_STATUS,
    REPLICATION,
    SERVICES,
    TOKENS,
    Feed,
    Feeds,
    Reading,
)
from bot.model.readings import BackupJob, Backups
from bot.rules import Confirm, Kind, Limit, Rule
from bot.text import Reader, plain
from bot.watch.blind import blind
from tests.watch.feeding import TOKEN

NINE, EIGHT = Version(major=9, minor=1, text="9.1.1"), Version(major=8, minor=4, text="8.4.1")


def rule(key: str, *feeds: Feed[Any], confirm: Confirm = Confirm.NONE, on: bool = True) -> Rule:
    return Rule(
        number=1,
        key=key,
        kind=Kind.STATE,
        help="x",
        severity=Severity.WARNING,
        limit=Limit(on=on),
        find=lambda view, limits: (),
        sees=lambda view, subject: True,
        feeds=feeds,
        confirm=confirm,
    )


SHUT: Reading[Any] = Reading(value=None, at=None, fresh=False, forbidden=True)
OPEN: Reading[Any] = Reading(value=(), at=None, fresh=True)


def feeds(readings: Mapping[tuple[Feed[Any], str], Reading[Any]]) -> Feeds:
    return Feeds(readings={(feed.key, node): reading for (feed, node), reading in readings.items()})


def said(
    *rules: Rule, tasks: bool = True, version: Version = NINE, **readings: Any
) -> list[tuple[str, str, tuple[str, ...]]]:
    found = blind(rules, readings["feeds"], tasks, cluster="main", token=TOKEN, version=version)
    assert all(one.cluster == "main" for one in found)
    return [(one.rule, plain(one.said, Reader()), one.mend) for one in found]


def test_a_feed_of_the_cluster() -> None:
    assert said(rule("backup_overdue", BACKUPS), feeds=feeds({(BACKUPS, ""): SHUT})) == [
        (
            "backup_overdue",
            "Backup age unknown: the token lacks Sys.Audit on /.",
            (
                "pveum acl modify / --users telemox@pve --roles TelemoxView",
                "pveum acl modify / --tokens 'telemox@pve!view' --roles TelemoxView",
            ),
        )
    ]


def test_of_all_nodes_and_of_some() -> None:
    every = feeds({(SERVICES, "pve1"): SHUT, (SERVICES, "pve2"): SHUT})
    ((_, text, mend),) = said(rule("service_down", SERVICES), feeds=every)
    assert text == "Services of nodes unknown: the token lacks Sys.Audit on /nodes."
    assert mend[0] == "pveum acl modify /nodes --users telemox@pve --roles TelemoxView"
    some = feeds({(SERVICES, "pve1"): OPEN, (SERVICES, "pve2"): SHUT})
    ((_, text, mend),) = said(rule("service_down", SERVICES), feeds=some)
    assert text == "Services of nodes unknown on pve2: the token lacks Sys.Audit."
    assert mend[1] == "pveum acl modify /nodes/pve2 --tokens 'telemox@pve!view' --roles TelemoxView"


@pytest.mark.parametrize(
    ("version", "privilege", "first"),
    [
        (NINE, "VM.GuestAgent.Audit", "pveum acl modify /vms --users telemox@pve --roles TelemoxView"),
        (EIGHT, "VM.Monitor", "pveum role modify TelemoxView --append 1 --privs VM.Monitor"),
    ],
)
def test_the_agents_privilege_has_a_name_in_each_version(version: Version, privilege: str, first: str) -> None:
    shut = feeds({(AGENT, ""): SHUT})
    ((_, text, mend),) = said(rule("guest_silent", AGENT), feeds=shut, version=version)
    assert text == f"Answers of guest agents unknown: the token lacks {privilege} on /vms."
    assert mend[0] == first
    assert len(mend) == (2 if version is NINE else 3)


def test_what_the_server_forbids_although_any_token_may() -> None:
    shut = feeds({(CERTIFICATES, "pve1"): SHUT})
    assert said(rule("cert_expiry", CERTIFICATES), feeds=shut) == [
        ("cert_expiry", "Certificates unknown: Proxmox VE refuses it to the token.", ())
    ]
    assert said(rule("token_expiry", TOKENS), feeds=feeds({(TOKENS, ""): SHUT}))[0][1] == (
        "Expiry of the bot's own tokens unknown: the token lacks Sys.Audit on /access/groups."
    )


def test_nothing_is_said_of_what_is_seen_absent_failing_or_off() -> None:
    readings = feeds(
        {
            (BACKUPS, ""): OPEN,
            (SERVICES, "pve1"): replace(OPEN, fresh=False, fails=3),
            (REPLICATION, "pve1"): replace(OPEN, fresh=False, absent=True, value=None),
            (NODE_STATUS, "pve1"): SHUT,
        }
    )
    seeing = (rule("a", BACKUPS), rule("b", SERVICES), rule("c", REPLICATION), rule("e", CERTIFICATES))
    assert said(*seeing, rule("d", NODE_STATUS, on=False), feeds=readings) == []


def test_without_tasks_causes_are_unknown() -> None:
    found = said(
        rule("guest_stopped", confirm=Confirm.GUEST_TASKS),
        rule("task_failed"),
        rule("other"),
        tasks=False,
        feeds=Feeds(),
    )
    assert [key for key, _, _ in found] == ["guest_stopped", "task_failed"]
    assert found[0][1] == "Causes unknown: the token may not see tasks (Sys.Audit on /)."
    assert found[0][2][1] == "pveum acl modify / --tokens 'telemox@pve!view' --roles TelemoxView"
    assert said(rule("guest_stopped", confirm=Confirm.GUEST_TASKS), tasks=True, feeds=Feeds()) == []


def test_without_a_token_to_name_there_is_nothing_to_mend() -> None:
    (one,) = blind((rule("x", BACKUPS),), feeds({(BACKUPS, ""): SHUT}), True, cluster="main")
    assert one.mend == ()


def test_a_job_of_which_nobody_can_tell_how_often_it_runs_is_said() -> None:
    jobs = (
        BackupJob(id="backup-1", enabled=True, vmids=frozenset({101})),
        BackupJob(id="backup-2", enabled=False, vmids=frozenset({101})),
        BackupJob(id="backup-3", enabled=True, vmids=frozenset({101}), interval=86400.0),
    )
    reading: Reading[Any] = Reading(value=Backups(jobs=jobs), at=None, fresh=True)
    ((key, words, mend),) = said(rule("backup_overdue", BACKUPS), feeds=feeds({(BACKUPS, ""): reading}))
    assert (key, mend) == ("backup_overdue", ())
    assert words == "Age of backups unknown: the schedule of backup-1 is not understood."
