"""Ack and Hush: what a press of them means now. Read from memory, at the door; its answer comes once that is done.

Both are harmless to the cluster and are undone by time or a button, so that one which has waited (for at most 150 s:
Telegram keeps no tap longer) still counts, unlike what acts. What has moved on meanwhile is refused politely, with how
it stands. A number that is out of range, out of scope, or of another chat's card is one that does not exist.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.access import Asker, Role, refusal
from bot.model import About, Alert
from bot.pages.alerting.alertwords import ends, mended, when
from bot.pages.alerting.recorded import Recorded
from bot.pages.alerting.watched import MORNING, SPANS, until, visible, wide
from bot.ports import Claim, Claims, Store, Watching
from bot.screen import Ack, Hush, Open, Place
from bot.text import Reader, Said, say, say_n

_ACK = re.compile(r"([ca])(-?[0-9]{1,15})", re.ASCII)  # a test alert's number is below zero
_HUSH = re.compile(r"([anr])([0-9]{1,15})", re.ASCII)
Change = Callable[[], Awaitable[Open | None]]
"""Does what was promised; gives what shows it, in a message that was the asker's own."""
TOGETHER = timedelta(minutes=1)
"""Two silences of the same that end within so long are one: several people tapped in the same moment."""
OLD = say("This button is too old: its alert is not kept any more. /alerts lists what there is.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Silencing:
    """What `Watching.silence` is to be asked for."""

    about: str
    cluster: str
    value: str
    until: datetime
    maintenance: bool = False
    number: int = 0  # of the alert it was chosen at

    @property
    def key(self) -> str:
        """Of its claim."""
        return f"silence {self.about} {self.cluster} {self.value} {self.maintenance} {self.until:%d %H:%M}"


def decide(
    watch: Watching, store: Store, tap: Ack | Hush, asker: Asker, place: Place, now: datetime, reader: Reader
) -> tuple[Said, Change | None]:
    """The toast, and what it promises to do; None where it is refused."""
    changes = Recorded(watch=watch, store=store, place=place)
    claim = Claim(by=asker.name, at=now)
    if isinstance(tap, Ack):
        said, numbers = acknowledge(watch, tap, asker, place, now)
        for number in numbers:
            watch.claims.claim(_acking(number), claim)
        return said, partial(_ack, changes, numbers, asker, tap.what[:1] == "a") if numbers else None
    said, wanted = hush(watch, tap, asker, now, reader)
    if wanted is None:
        return said, _outlived if said is OLD and _HUSH.fullmatch(tap.what) and tap.span in {*SPANS, MORNING} else None
    watch.claims.claim(wanted.key, claim)
    return said, partial(_silence, changes, wanted, asker)


async def _ack(changes: Recorded, numbers: Sequence[int], asker: Asker, one: bool) -> Open | None:
    try:
        await changes.ack(numbers, asker)
    finally:
        for number in numbers:  # from now on the alert says it
            changes.watch.claims.drop(_acking(number))
    return Open("alert", str(numbers[0])) if one else None


async def _silence(changes: Recorded, wanted: Silencing, asker: Asker) -> Open | None:
    try:
        made = await changes.silence(
            wanted.about, wanted.cluster, wanted.value, wanted.until, asker, maintenance=wanted.maintenance
        )
    finally:
        changes.watch.claims.drop(wanted.key)
    return Open("silenced", f"{made.id} {wanted.number}")


async def _outlived() -> Open | None:
    """A menu whose alert is not kept any more offers nothing."""
    return Open("hush", "old")


def _acking(number: int) -> str:
    return f"ack {number}"


def acknowledge(watch: Watching, tap: Ack, asker: Asker, place: Place, now: datetime) -> tuple[Said, Sequence[int]]:
    """The toast, and the alerts that are acknowledged by it: none where it is refused."""
    if (words := refusal(asker, "acknowledging", Role.OPERATOR)) is not None:
        return words, ()
    alerts = _meant(watch, tap.what, asker, place)
    standing = [alert for alert in alerts if alert.open]
    fresh = [alert for alert in standing if _acked(alert, watch.claims) is None]
    if fresh:
        said = say_n(len(fresh), one="Acknowledged.", many="{n} alerts acknowledged.")
        return said, tuple(alert.number for alert in fresh)
    if not alerts:
        return OLD, ()
    if (first := max((by for one in standing if (by := _acked(one, watch.claims))), key=_at, default=None)) is not None:
        return say("{name} has acknowledged it already, {when}.", name=first.by or "?", when=when(first.at, now)), ()
    if len(alerts) > 1:
        return say("Nothing of this is open any more."), ()
    return _moved_on(alerts[0], now), ()


def _acked(alert: Alert, claims: Claims) -> Claim | None:
    """Who acknowledged it, or is about to; None: nobody."""
    if alert.acked is not None:
        return Claim(by=alert.acked_by, at=alert.acked)
    return claims.of(_acking(alert.number))


def _at(claim: Claim) -> datetime:
    return claim.at


def _meant(watch: Watching, what: str, asker: Asker, place: Place) -> list[Alert]:
    found = _ACK.fullmatch(what)
    if found is None:
        return []
    number = int(found[2])
    if found[1] == "a":
        numbers: Sequence[int] = (number,)
    else:
        card = watch.card(number)
        numbers = card.alerts if card is not None and card.chat == place.chat else ()
    alerts = [watch.alert(one) for one in numbers]
    return [alert for alert in alerts if alert is not None and visible(alert, asker.scope)]


def _moved_on(alert: Alert, now: datetime) -> Said:
    if mended(alert) and alert.over is not None:
        over = alert.finding.over or say("It is over")
        return say("{over} since {when}: nothing to acknowledge.", over=over, when=when(alert.over, now))
    if alert.finding.event:
        return say("That happened, and is over: nothing to acknowledge.")
    return say("It has not been told yet: nothing to acknowledge.")


def hush(watch: Watching, tap: Hush, asker: Asker, now: datetime, reader: Reader) -> tuple[Said, Silencing | None]:
    """The toast, and what is to be silenced; None where it is refused."""
    if (words := refusal(asker, "silencing", Role.OPERATOR)) is not None:
        return words, None
    found = _HUSH.fullmatch(tap.what)
    alert = watch.alert(int(found[2])) if found else None
    if found is None or alert is None or not visible(alert, asker.scope) or tap.span not in {*SPANS, MORNING}:
        return OLD, None
    last = until(tap.span, now, reader.zone)
    about = silencing(alert, found[1], asker)
    if last is None or about is None:
        return say("Your scope here is too narrow for that."), None
    wanted = Silencing(
        about=about[0],
        cluster=about[1],
        value=about[2],
        until=last,
        maintenance=found[1] == "n",
        number=alert.number,
    )
    if (first := _silenced(watch, wanted)) is not None:
        return say("{name} has silenced it already, until {when}.", name=first or "?", when=ends(last, now)), None
    words = say("Silent until {when}.", when=ends(last, now))
    if mended(alert) and alert.over is not None:  # somebody may still want the next one not to be told
        return say("{words} That alert is over since {at}.", words=words, at=when(alert.over, now)), wanted
    return words, wanted


def _silenced(watch: Watching, wanted: Silencing) -> str | None:
    """Who silenced just that until just then, or is about to."""
    if (claim := watch.claims.of(wanted.key)) is not None:
        return claim.by
    just = (wanted.about, wanted.cluster, wanted.value, wanted.maintenance)
    for one in watch.silences():
        if (one.about, one.cluster, one.value, one.maintenance) == just and abs(one.until - wanted.until) < TOGETHER:
            return one.by
    return None


def silencing(alert: Alert, what: str, asker: Asker) -> tuple[str, str, str] | None:
    """about, cluster and value of the silence: `a` what it is about (of what is a guest's own, that guest), `n` its
    node and what is there, `r` its rule.

    None: it is on no node, or it would silence what the asker does not see. Of a cluster itself just that rule is
    silenced: a silence of the cluster would be one of everything.
    """
    subject = alert.finding.subject
    if what == "n":
        node, scope = subject.node, asker.scope
        seen = scope.has_node(subject.cluster, node) and not (scope.pools or scope.tags or scope.vmids)
        return ("node", subject.cluster, node) if node and seen else None
    if what == "r" or subject.about is About.CLUSTER:
        return ("rule", subject.cluster, alert.finding.rule) if wide(asker.scope) else None
    owner = subject.owner
    return owner.about.value, owner.cluster, owner.id
