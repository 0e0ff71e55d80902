"""For how long something lasted is one figure, wherever it is said: on its card, beside it, in the digest, /history."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.access import Asker, Role
from bot.model import Alert, Card, Guest, NewsKind, Status
from bot.model.feeds import BACKUPS
from bot.model.readings import BackupJob, Backups
from bot.model.view import Cut
from bot.pages.alerting import alertcard, digestcard, history, why
from bot.pages.alerting.history import Data
from bot.ports import Explanation
from bot.screen import Screen
from bot.text import say
from bot.watch.table import record
from bot.watch.why import timeline
from tests.engine.lives import Lives
from tests.rules.views import feeds, guest, later, node, offline, task, words

CLUSTERS = {"main": "homelab"}
EVE = Asker(id=9, name="Eve", role=Role.VIEWER)
SPAN = re.compile(r"\b\d+ (?:d|h|min|s|days?|hours?|minutes?)\b(?: \d+ (?:h|min|s)\b)?")
UP, DOWN = guest(), guest(status=Status.STOPPED)
PAUSED = guest(status=Status.PAUSED)
TWO = [node(), node("pve2")]
NIGHTLY = BackupJob(id="j", enabled=True, vmids=frozenset({104}), interval=86400.0, storage="nas")
OLD = Backups(newest={104: later(-6 * 86400)}, jobs=(NIGHTLY,), complete=True)
DONE = replace(OLD, newest={104: later(0)})
LONG = task("vzdump", 104, start=-26 * 3600)


@dataclass(frozen=True, kw_only=True)
class Story:
    """A trouble from poll to poll: before it, in it, after it."""

    rule: str
    bad: Mapping[str, Any]
    good: Mapping[str, Any] = field(default_factory=dict)
    guests: tuple[Sequence[Guest], Sequence[Guest]] = ((UP,), (UP,))  # in it, and else
    lasts: float = 437.0  # s
    step: float = 15.0


STORIES = {
    "api_unreachable": Story(
        rule="api_unreachable", bad={"fresh": False, "failed": 9, "cut": Cut.NETWORK, "cut_since": later(60)}
    ),
    "its own telling": Story(rule="bot", bad={"deaf": 400.0, "deaf_since": later(60)}),
    "node_offline": Story(
        rule="node_offline", bad={"nodes": [node(), offline("pve2")]}, good={"nodes": TWO}
    ),
    "a node with guests": Story(
        rule="node_offline",
        bad={"nodes": [node(), offline("pve2")]},
        good={"nodes": TWO},
        guests=((guest(node="pve2", status=Status.UNKNOWN),), (guest(node="pve2"),)),
    ),
    "guest_stopped_by_itself": Story(
        rule="guest_stopped_by_itself", bad={}, guests=((DOWN,), (UP,)), good={}
    ),
    "guest_paused": Story(rule="guest_paused", lasts=3600, bad={}, guests=((PAUSED,), (UP,))),
    "guest_expected_down": Story(
        rule="guest_expected_down",
        bad={},
        guests=((replace(DOWN, tags=("expect-up",)),), (replace(UP, tags=("expect-up",)),)),
    ),
    "lock_stuck": Story(
        rule="lock_stuck", bad={}, guests=((replace(UP, lock="migrate"),), (UP,)), lasts=7 * 3600, step=30.0
    ),
    "task_stuck": Story(rule="task_stuck", lasts=3600, bad={"tasks": (LONG,)}),
    "stats_frozen": Story(rule="stats_frozen", bad={"nodes": [node()], "nodes_age": False}),
    "backup_overdue": Story(
        rule="backup_overdue", bad={"feeds": feeds((BACKUPS, "", OLD))}, good={"feeds": feeds((BACKUPS, "", DONE))}
    ),
}  # fmt: skip


def told(story: Story) -> Alert:
    lives = Lives([story.rule])
    bad, good = story.guests
    lives.run(60, good, **story.good)
    lives.run(story.lasts, bad, step=story.step, **story.bad)
    lives.run(900, good, **story.good)
    over = [alert for alert in lives.alerts.values() if alert.over is not None and alert.finding.rule == story.rule]
    assert over, lives.told
    return over[-1]


@pytest.mark.parametrize("name", STORIES)
def test_it_is_one_figure_everywhere(name: str) -> None:
    alert = told(STORIES[name])
    assert alert.finding.since is not None
    assert alert.over is not None
    assert alert.lasted == ((alert.finding.until or alert.over) - alert.finding.since).total_seconds()
    now = alert.over + timedelta(minutes=3)
    card = alertcard.draw(
        Card(id=1, chat=-1, topic=None, alerts=(alert.number,)),
        [alert],
        role=Role.VIEWER,
        acts=False,
        clusters=CLUSTERS,
        now=now,
    )
    explained = Explanation(alert=alert, rule_help="", because=None, told=say("Told."), steps=timeline(alert))
    texts = {
        "card": words(card.text),
        "reply": words(alertcard.news(alert, NewsKind.RESOLVED, clusters=CLUSTERS, now=now)),
        "digest": words(
            digestcard.digest([alert], begin=alert.began, end=now, night=False, clusters=CLUSTERS, now=now)
        ),
        "history": _drawn(history.draw(Data(records=(record(alert),), clusters=CLUSTERS, number=1, now=now), EVE)),
        "why": _drawn(why.draw(why.Data(why=explained, clusters=CLUSTERS, now=now), EVE)),
    }
    assert texts["card"].startswith("🟢 ")
    figures = {where: set(SPAN.findall(text)) for where, text in texts.items()}
    assert figures["card"], texts["card"]
    assert all(found == figures["card"] for found in figures.values()), figures
    assert len(figures["card"]) == 1, texts["card"]


def _drawn(screen: Screen) -> str:
    return words(screen.text)
