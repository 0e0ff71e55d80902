"""41 the bot's own, 44 system_mail."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Finding
from bot.model.view import Push, Starts, Stranger
from bot.rules import BY_KEY
from bot.text import Reader, html, lines
from tests.rules_slow.slowviews import AT, HOUR, find, sees, text, view

# -- 41 ------------------------------------------------------------------------------------------------------------


def of_bot(**more: Any) -> list[Finding]:
    return find("bot", view(**{"started": AT - HOUR, **more}))


def test_delivery() -> None:
    assert not of_bot(deaf=0)
    (one,) = of_bot(deaf=301, deaf_since=AT - timedelta(seconds=301))
    assert text(one) == "Telegram is not reached\nalerts waited, none was lost"
    assert one.since == AT - timedelta(seconds=301)
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


def test_strangers_of_an_hour_are_one_event_whose_words_are_nobodys_command() -> None:
    first = Stranger(id=7, at=AT, name="/unsubscribe", chat=-100)
    (one,) = of_bot(strangers=(first,))
    head = "/unsubscribe has no role here, and tried"
    assert text(one) == f"{head}\n/unsubscribe, id 7, in chat -100\nnothing was answered"
    assert html(lines(one.said, *one.details), Reader()).count("<code>/unsubscribe</code>") == 2
    assert (one.severity.word, one.hold, one.quiet, one.renews) == ("info", 0, True, AT + HOUR)
    (more,) = of_bot(strangers=(first, replace(first, id=8, name="", chat=8)))
    assert (more.key, more.since) == (one.key, AT)
    assert text(more).startswith("2 tried that have no role here\n/unsubscribe, id 7, in chat -100\n8, id 8\n")
    found = [of_bot(strangers=tuple(replace(first, id=n) for n in range(many)))[0] for many in (6, 9, 10, 19, 20, 200)]
    assert [text(each).splitlines()[0] for each in found[2:]] == [
        f"at least {n} tried that have no role here" for n in (10, 10, 20, 200)
    ]
    assert found[0] == found[1]  # a flood of them is a few edits
    assert not of_bot(strangers=(replace(first, at=AT - HOUR),))


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
    words = f"raid <degraded> on nas, {'x' * 90}"
    (first,) = find("system_mail", view(pushes=(push("unreadable", title="unreadable", host="", message=words),)))
    assert text(first).startswith(
        "unreadable: raid <degraded> on nas, x"
    )  # of several in a message nothing else is shown
    assert len(text(first).splitlines()[0]) < 75
    assert text(first).splitlines()[1] == words
    (long,) = find("system_mail", view(pushes=(push(message="\n".join(f"line {n}" for n in range(24))),)))
    assert text(long).splitlines()[1:] == [f"line {n}" for n in range(24)]  # whole: the rest of it folded
    assert len(long.details) == 7
    (bare,) = find("system_mail", view(pushes=(push(host="", title="", message=""),)))
    assert (text(bare), bare.subject.key) == ("system-mail", "main/cluster/")
