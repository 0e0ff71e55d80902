"""Why a rule about guests that are down says nothing of one that is: for /why, where no alert is about it.

Each gives the first of the reasons for which its rule passes the guest by, in the order in which it looks; None where
there is none: then it finds it, or will.
"""

from collections.abc import Callable, Mapping

from bot.model import Guest, Status
from bot.model.feeds import ONBOOT
from bot.model.view import View
from bot.rules.grades import more
from bot.rules.guest.backing import BACKUP
from bot.rules.guest.causes import HA_BUSY, ha_wants, of_down, ordered_down, took_down
from bot.rules.guest.expected import EXPECT_UP, STARTALL, boots, expected, held
from bot.rules.guest.stopped import asleep, ran
from bot.rules.guest.troubled import backed_up, paused_last
from bot.rules.rule import Limit
from bot.text import Said, say

WhyNot = Callable[[View, Guest, Limit], Said | None]


def stopped_by_itself(view: View, guest: Guest, limit: Limit) -> Said | None:
    was = view.before.guests.get(guest.vmid)
    if was is None or not ran(was):
        return say("it was never seen running")
    if asleep(view, guest):
        return say("its node may sleep")
    if (cause := of_down(view, guest, was)) is not None:
        return cause.said(view.at)
    if not guest.ha_managed and expected(view, guest) and (cause := took_down(view, guest, was)) is not None:
        return cause.said(view.at)
    if guest.lock and guest.lock != BACKUP:
        return say("it is locked: {lock}", lock=guest.lock)
    if guest.ha_managed and guest.hastate in HA_BUSY:
        return say("HA is at work on it: {state}", state=guest.hastate)
    if guest.ha_managed and guest.hastate != "error" and ha_wants(view, guest) is False:
        return say("HA is told to keep it stopped")
    return None


def expected_down(view: View, guest: Guest, limit: Limit) -> Said | None:
    if EXPECT_UP not in guest.tags and (reason := _not_expected(view, guest)) is not None:
        return reason
    if view.asleep(guest.node):
        return say("its node may sleep")
    was = view.before.guests.get(guest.vmid)
    order = ordered_down(view, guest, was)
    if order is not None:
        return order.said(view.at)
    if held(view, guest, was):
        return say("it is locked: {lock}", lock=guest.lock)
    if guest.hastate in HA_BUSY:
        return say("HA is at work on it: {state}", state=guest.hastate)
    if boots(view, guest, more(limit, "startall_seconds", STARTALL)):
        return say("its node has just booted, and starts its guests")
    return None


def _not_expected(view: View, guest: Guest) -> Said | None:
    if guest.ha_managed:
        return say("whether it runs is up to HA")
    notes = view.feeds.fresh(ONBOOT)
    if notes is None or guest.vmid not in notes.read:
        return say("whether it starts with its node is not known yet")
    if guest.vmid not in notes.onboot:
        return say("it does not start with its node, and has no tag {tag}", tag=EXPECT_UP)
    return None


def paused(view: View, guest: Guest, limit: Limit) -> Said | None:
    if guest.lock:
        return say("it is locked: {lock}", lock=guest.lock)
    if view.asleep(guest.node):
        return say("its node may sleep")
    if backed_up(view, guest):
        return say("its backup runs")
    was = view.before.guests.get(guest.vmid)
    if was is None:
        by = paused_last(view, guest)
        return say("paused by {by}", by=by) if by else None
    cause = of_down(view, guest, was)
    return cause.said(view.at, paused=True) if cause is not None else None


WHY_NOT: Mapping[Status, Mapping[str, WhyNot]] = {
    Status.STOPPED: {"guest_stopped_by_itself": stopped_by_itself, "guest_expected_down": expected_down},
    Status.PAUSED: {"guest_paused": paused},
}
"""By state and Rule.key."""
