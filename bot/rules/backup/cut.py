"""Backups that their node took along: what ended without a word as it went."""

from datetime import datetime, timedelta

from bot.model import Upid
from bot.model.readings import GuestBackup
from bot.model.tasks import lost
from bot.model.view import View
from bot.rules.backup.vzdumps import Run, upid_of
from bot.rules.guest.backing import SLACK
from bot.rules.node.boots import booted_at
from bot.rules.node.orders import of_node
from bot.rules.node.presence import ORDERED
from bot.rules.sight import remembered
from bot.text import from_epoch


def went_down(view: View, upid: Upid, ended: datetime) -> bool:
    """Has its node gone, or booted, between its beginning and its end? A task that it took along ends, in its lists,
    once it has booted (pve-common, RESTEnvironment.pm, active_workers)."""
    known = (booted_at(view, upid.node), remembered(view, f"offline/{upid.node}"))
    return any(at is not None and upid.start.timestamp() < at <= (ended + SLACK).timestamp() for at in known)


def by_order(view: View, run: Run, guests: list[GuestBackup], unknown: list[str]) -> bool:
    """Did all that failed in it go down with nodes that somebody had ordered down?"""
    ends = [(one.upid, one.line, one.ended) for one in guests]
    ends += [(text, run.failed[text], run.ended.get(text, run.start)) for text in unknown]
    for text, line, ended in ends:
        upid = upid_of(view, text)
        if upid is None or not lost(line) or not went_down(view, upid, ended):
            return False
        went = remembered(view, f"offline/{upid.node}")
        at = from_epoch(went) if went is not None else ended
        if of_node(view, upid.node, at, timedelta(seconds=ORDERED)) is None:
            return False
    return bool(ends)
