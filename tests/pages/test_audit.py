"""/audit: read by admins alone, and as a file that no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from bot.access import Role
from bot.pages import audit
from bot.ports import Audit
from bot.screen import File
from bot.text import Reader, plain
from tests.pages.fleets import ANA, AUDITS, NOW, audited, fleet
from tests.pages.golden import check

MANY = tuple(audited(n, "start", f"main/{n}", "ok", ago=n) for n in range(20))


@pytest.mark.parametrize(("name", "audits"), [("audit", AUDITS), ("audit-empty", ()), ("audit-many", MANY)])
def test_screen(name: str, audits: Sequence[Audit]) -> None:
    check(name, audit.draw(audit.Data(audits=audits, number=2, fleet=fleet(), now=NOW), ANA))


QUIET = (
    audited(9, "silence", "guest main/101", "until 2026-11-24 18:02 UTC: new disks"),
    audited(8, "maintenance", "node main/pve2", "until 2026-11-24 16:02 UTC"),
    audited(7, "unsilence", "tag dev", "ok"),
    audited(6, "ack", "alert 7: nas <b> 91 % full", "ok"),
    audited(5, "silence", "everything", ""),
)


def test_what_changed_what_is_told() -> None:
    at_once = [replace(one, ended=one.asked if one.outcome else None) for one in QUIET]
    check("audit-silences", audit.draw(audit.Data(audits=at_once, number=1, fleet=fleet(), now=NOW), ANA))


def test_an_entry_has_one_clock() -> None:
    """That of the chat: its head, and until when a silence lasts."""
    entry = audited(9, "silence", "guest main/101", "until 2026-11-24 23:02 UTC: new <disks>")
    entry = replace(entry, ended=entry.asked)
    screen = audit.draw(audit.Data(audits=(entry,), number=1, fleet=fleet(), now=NOW), ANA)
    shown = plain(screen.text, Reader(zone=timezone(timedelta(hours=2))))
    assert "2026-11-24 16:01 · Ana (1001): Silence web (main/101)\nuntil 2026-11-25 01:02: new <disks>" in shown


@pytest.mark.parametrize(
    "outcome", ["until 2026-13-24 23:02 UTC", "until soon UTC", "until 0001-01-01 00:00 UTC", "until 2026-11-24 23:02"]
)
def test_an_outcome_that_is_no_end_stands_as_it_is(outcome: str) -> None:
    entry = audited(9, "silence", "guest main/101", outcome, ago=1)
    screen = audit.draw(audit.Data(audits=(entry,), number=1, fleet=fleet(), now=NOW), ANA)
    assert outcome in plain(screen.text, Reader())


def test_the_file_holds_every_order_and_no_formula() -> None:
    screen = audit.draw(audit.Data(audits=AUDITS, number=1, fleet=None, now=NOW, whole=True), ANA)
    assert isinstance(screen.attachment, File)
    rows = list(csv.DictReader(io.StringIO(screen.attachment.content.decode())))
    assert [row["action"] for row in rows] == ["reboot", "stop", "freeze", "gone-action"]
    assert rows[1]["name"] == "'=Eve<1>_&"
    assert rows[0]["chat"] == "-1005"
    assert rows[0]["ended"] == ""


def test_only_admins_read_it() -> None:
    assert audit.PAGE.role is Role.ADMIN
    assert audit.FILE.role is Role.ADMIN
