"""41 the bot's own, 44 system_mail."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Finding
from bot.model.view import Push, Starts, Stranger
from bot.rules import BY_KEY
from tests.rules_slow.slowviews import AT, HOUR, NASTY, find, sees, text, view

# -- 41 ------------------------------------------------------------------------------------------------------------


def of_bot(**more: Any) -> list[Finding]:
    return find("bot", view(**{"started": AT - HOUR, **more}))


def test_delivery() -> None:
    assert not of_bot(deaf=0)
    (one,) = of_bot(deaf=301)
    assert text(one).startswith("Telegram has not been reached for 5 min 1 s")
    assert (one.severity.word, one.event, one.subject.key) == ("warning", "", "main/other/bot/delivery")
    assert BY_KEY["bot"].limit.hold == 300
    assert of_bot(deaf=301, fresh=False, snap=None)  # nothing of Proxmox VE is needed for it
    assert sees("bot", view(fresh=False), one.subject)
    assert not of_bot(deaf=301, leads=False)  # another cluster's view tells it
    assert sees("bot", view(leads=False), one.subject)  # the first cluster once, not any more: it does not stay open


def test_started() -> None:
    assert not of_bot()
    (one,) = of_bot(first=True)
    assert text(one) == "Telemox has started\nit watches 2 nodes and 2 guests"
    assert (one.severity.word, one.event, one.hold, one.quiet) == ("info", "20261124T130231", 0, True)


def test_starts_within_an_hour_are_one_event() -> None:
    starts = Starts(first=AT - HOUR / 2, last=AT, times=4, crashes=2, until=AT + HOUR / 2)
    (one,) = of_bot(first=True, starts=starts)
    assert text(one) == (
        "Telemox has started 4 times since 13:32, last 14:02\nit watches 2 nodes and 2 guests\n"
        "2 times without a clean stop before"
    )
    assert (one.event, one.renews, one.since) == ("20261124T133231", starts.until, starts.first)


def test_strangers_once_a_person_and_hour() -> None:
    first = Stranger(id=7, at=AT, name=NASTY, chat=-100)
    again, later = replace(first, at=AT + timedelta(minutes=5)), replace(first, at=AT + HOUR)
    found = of_bot(strangers=(first, again, later, replace(first, id=8, name="")))
    assert len({one.key for one in found}) == 3
    assert text(found[0]) == f"{NASTY} has no role here, and tried\nid 7\nin chat -100\nnothing was answered"
    assert text(found[3]).startswith("8 has no role here")
    assert all(one.severity.word == "info" and one.hold == 0 for one in found)


# -- 44 ------------------------------------------------------------------------------------------------------------


def push(kind: str = "system-mail", severity: str = "unknown", **more: Any) -> Push:
    title = "SMART error (Health) detected"
    return Push(**{"id": "p1", "at": AT, "kind": kind, "severity": severity, "title": title,
                   "message": f"{title}\n\n/dev/sda: <FAILED>\n", "host": "pve1", **more})  # fmt: skip


@pytest.mark.parametrize(
    ("push", "expected"),
    [
        (push(), "warning"),
        (push(severity="info"), "warning"),
        (push("other", "info"), "info"),
        (push("other", "error"), "warning"),
        (push("unreadable", "unknown"), "warning"),
        (push("fencing", "error"), ""),  # rule 5
        (push("fencing", "error", host="stranger"), "critical"),  # of a node that nobody knows
        (push("vzdump", "error"), ""),
        (push("replication", "error"), ""),
        (push("package-updates", "info"), ""),
    ],
)
def test_mail(push: Push, expected: str) -> None:
    found = find("system_mail", view(pushes=(push,)))
    assert [one.severity.word for one in found] == ([expected] if expected else [])
    assert all(one.event == "p1" for one in found)


def test_mail_says() -> None:
    (one,) = find("system_mail", view(pushes=(push(),), fresh=False))
    assert text(one) == "pve1: SMART error (Health) detected\n/dev/sda: <FAILED>"
    assert one.subject.key == "main/node/pve1"
    (bare,) = find("system_mail", view(pushes=(push(host="", title="", message=""),)))
    assert (text(bare), bare.subject.key) == ("system-mail", "main/cluster/")
