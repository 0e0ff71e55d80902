"""Why a rule tells nothing of something that is asked about: for /why. Pure, of the last poll that could be read."""

from collections.abc import Sequence
from datetime import datetime

from bot.model import About, Alert, Guest, Phase, Silence, Status, Subject
from bot.model.view import View
from bot.pages.alerting.alertwords import ends
from bot.rules import Limit, Rule
from bot.rules.guest.whynot import WHY_NOT
from bot.rules.limits import MUTE
from bot.text import Said, say
from bot.watch.silence import concerns
from bot.watch.why import held


def reason(
    rule: Rule,
    limit: Limit,
    view: View,
    subject: Subject,
    alert: Alert | None,
    silences: Sequence[Silence],
    hold: float,
    now: datetime,
) -> Said | None:
    """None: the rule looks at it, and finds nothing. `alert` of that rule about it, `hold` s for which that is held."""
    if not limit.on:
        return say("off for it (tag {tag})", tag=MUTE) if MUTE in subject.tags else say("off")
    over = [one for one in silences if one.until > now and concerns(one, subject, rule.key)]
    silenced = max(over, key=lambda one: one.until, default=None)
    if silenced is not None:
        return say("silenced by {name} until {when}", name=silenced.by or "?", when=ends(silenced.until, now))
    if alert is not None and alert.phase is Phase.PENDING:
        return alert.finding.last or held(alert, hold)
    guest = _guest(view, subject)
    if guest is not None and guest.status is Status.UNKNOWN:
        return say("it cannot be seen: {node} does not answer", node=guest.node)
    why_not = WHY_NOT.get(guest.status, {}).get(rule.key) if guest is not None else None
    return why_not(view, guest, limit) if why_not is not None and guest is not None else None


def _guest(view: View, subject: Subject) -> Guest | None:
    if subject.about is not About.GUEST or view.snapshot is None or not subject.id.isdecimal():
        return None
    return view.snapshot.by_vmid.get(int(subject.id))
