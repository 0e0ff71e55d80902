"""Alerts in words, for cards, lists, replies, the digest: headline, emoji, timeline, what goes down with it. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bot.model import About, Alert, Phase, Severity, Subject
from bot.text import Moment, Reader, Said, Sentence, Value, bold, cut, lasting, plain, raw, say, say_n

DAY = timedelta(days=1)
AT_ONCE = timedelta(minutes=10)
"""Between what a headline says was ordered and what came of it: one time is enough in a line."""
NAMES = 3
"""Names of what goes down with it that are said; the others are counted."""
NAME = 32
"""Columns of one name among others."""
LINE = 200
"""Characters of a headline among others: a name can be endless."""


def dotted(parts: Sequence[Value]) -> Said:
    """`a · b · c`."""
    values = {f"p{index}": part for index, part in enumerate(parts)}
    return say(" · ".join(f"{{{name}}}" for name in values), **values)


def when(at: datetime, now: datetime) -> Moment:
    """`14:02`, with the day where that is long ago (or, by a clock that jumped, far ahead)."""
    return Moment(at, "%H:%M" if abs(now - at) < DAY else "%d %b %H:%M")


def ends(at: datetime, now: datetime) -> Moment:
    """Of what is ahead, or may be long ago: `16:18` where that is today, else `25 Nov 16:18`, as a day ahead has the
    hour of now."""
    return Moment(at, "%H:%M", now)


def mended(alert: Alert) -> bool:
    """Is it well again? An event happened and that was it: only one that can be over, and later than it came, is."""
    if alert.phase is not Phase.OVER:
        return False
    if not alert.finding.event:
        return True
    return alert.finding.over is not None and alert.over is not None and alert.over > (alert.fired or alert.found)


def emoji(alert: Alert) -> str:
    if mended(alert):
        return "⚪" if alert.gone or alert.finding.unwell is not None else "🟢"
    if alert.phase is Phase.PENDING:
        return "⏳" if alert.finding.last is None else Severity.INFO.emoji
    return alert.finding.severity.emoji


def lasted(alert: Alert) -> float | None:
    """Seconds; None while it is not well again, or where nobody can tell."""
    return alert.lasted if mended(alert) else None


def headline(alert: Alert) -> Said:
    """The sentence alone: what is wrong or, once it is over, that it is, and how long it lasted."""
    finding = alert.finding
    if not mended(alert):
        return finding.said
    over = finding.over if finding.over is not None else say("over: {said}", said=finding.said)
    if finding.timed or finding.unwell is not None or (seconds := lasted(alert)) is None:
        return over  # of what is not well, for how long is of no interest: it lasts
    return say("{over} · after {span}", over=over, span=lasting(seconds))


def ended(alert: Alert, clusters: Mapping[str, str]) -> Said:
    """`🟢 pve2 is back · 7 min`: beside the card, which says the rest."""
    seconds = None if alert.finding.timed else lasted(alert)
    over = alert.finding.over or say("over: {said}", said=alert.finding.said)
    said = over if seconds is None else say("{over} · {span}", over=over, span=lasting(seconds))
    return _headed(alert, said, clusters)


def worse(alert: Alert, clusters: Mapping[str, str], now: datetime) -> Said:
    """`🔺 14:10 worse: nas 96 % full`: what happened, beside the card that says how it stands. It is edited at
    the end alone, so it claims no state that passes before; but for what is told anew: that is an alarm, and looks
    like one."""
    finding = alert.finding
    if finding.anew:
        return _headed(alert, finding.said, clusters)
    said = say("{when} worse: {said}", when=when(alert.reminded or now, now), said=finding.said)
    return _headed(alert, said, clusters, "🔺")


def head(alert: Alert, clusters: Mapping[str, str], mark: str = "") -> Said:
    """`🔴 homelab · pve2 is offline`: the cluster first where there are several, as a lock screen shows just that."""
    return _headed(alert, headline(alert), clusters, mark)


def _headed(alert: Alert, said: Said, clusters: Mapping[str, str], mark: str = "") -> Said:
    values: dict[str, Value] = {"emoji": mark or emoji(alert), "said": said}
    if len(clusters) > 1:
        cluster = alert.finding.subject.cluster
        return say("{emoji} {cluster} · {said}", cluster=bold(clusters.get(cluster, cluster)), **values)
    return say("{emoji} {said}", **values)


def place(subject: Subject) -> Said | None:
    """`104 · CT · pve1`: what tells a guest from another of the same name; None for what its name says whole."""
    if subject.about is not About.GUEST:
        return None
    return dotted([cut(part, NAME) for part in (subject.id, subject.kind, subject.node) if part])


def short(said: Said) -> Said:
    """On one line among others; what is endless or has lines of its own is cut, its markup given up."""
    text = plain(said, Reader())
    if len(text) <= LINE and "\n" not in text:
        return said
    text = " ".join(text.split())
    return raw(text if len(text) <= LINE else f"{text[: LINE - 1]}…")


def timeline(alert: Alert, now: datetime) -> Said:
    """`fired 14:02 · acked by Ana 14:05 · ok 14:09, 7 min`; what was no alarm at first: `noted 14:02 · fired 14:22`."""
    parts: list[Value] = []
    began, fired = alert.began, alert.fired
    if alert.finding.event:
        parts.append(say("at {when}", when=when(began, now)))
    elif fired is None:
        parts.append(say("seen {when}", when=when(alert.found, now)))
    else:
        if fired - began >= timedelta(minutes=1):
            parts.append(say("since {when}", when=when(began, now)))
        noted = (alert.first or alert.severity) is Severity.INFO  # a shutdown that was ordered: nothing went off
        parts.append(say("noted {when}" if noted else "fired {when}", when=when(fired, now)))
        if alert.worse is not None:
            parts.append(say("fired {when}" if noted else "worse {when}", when=when(alert.worse, now)))
    if alert.acked is not None:
        who = cut(alert.acked_by, NAME) or "?"
        parts.append(say("acked by {name} {when}", name=who, when=when(alert.acked, now)))
    if mended(alert) and alert.over is not None:
        seconds = lasted(alert)
        over = when(alert.ended or alert.over, now)
        if alert.gone or alert.finding.unwell is not None:
            parts.append(say("ended {when}", when=over))
        elif seconds is not None:
            parts.append(say("ok {when}, {span}", when=over, span=lasting(seconds)))
        else:
            parts.append(say("ok {when}", when=over))
    elif alert.silenced and alert.open:
        parts.append(say("silenced"))
    return dotted(parts)


def standing(alert: Alert, now: datetime) -> Said:
    """One line of a card with many: the headline with the least of its timeline."""
    parts: list[Value] = [short(headline(alert))]
    if mended(alert):
        return dotted(parts)
    began = alert.began
    if not any(abs(at - began) < AT_ONCE for at in _times(headline(alert))):
        parts.append(when(began, now))
    if alert.acked is not None:
        parts.append(acked(alert))
    if alert.silenced and alert.open:
        parts.append(say("silenced"))
    return dotted(parts)


def _times(said: Value) -> Iterator[datetime]:
    """Those that a sentence names."""
    if isinstance(said, Moment):
        yield said.at
    elif isinstance(said, Sentence):
        for _, value in said.values:
            yield from _times(value)


def acked(alert: Alert) -> Said:
    return say("acked by {name}", name=cut(alert.acked_by, NAME) or "?")


def known(alert: Alert) -> Said | None:
    """Why it alarms nobody any more: somebody has it, or wants to hear nothing of it; None of one that is new."""
    return say("silenced") if alert.silenced else acked(alert) if alert.acked is not None else None


def worst_first(alerts: Iterable[Alert]) -> list[Alert]:
    """What is not over first, the worst of it first, then as it came; what is over last."""
    return sorted(
        alerts,
        key=lambda alert: (
            mended(alert),
            alert.phase is Phase.PENDING,
            -alert.finding.severity,
            alert.fired or alert.found,
            alert.number,
        ),
    )


def wrong(alerts: Sequence[Alert]) -> list[Alert]:
    """Those that a message still counts. What happened once is never over: it counts until something else is, and as
    long as the message stands where it is a warning or worse."""
    if any(mended(alert) for alert in alerts):
        return [alert for alert in alerts if not mended(alert) and (alert.phase is not Phase.OVER or stays(alert))]
    return list(alerts)


def stays(alert: Alert) -> bool:
    """Did it happen once, and is it bad? Somebody is to read of it: nothing that ends beside it makes it well."""
    return bool(alert.finding.event) and not mended(alert) and alert.finding.severity >= Severity.WARNING


def worst(alerts: Sequence[Alert]) -> str:
    """The emoji for all of them: green only when every one is over, and well, and nothing bad happened beside them."""
    left = [alert.finding.severity for alert in wrong(alerts)]
    if left:
        return Severity(max(left)).emoji
    return "⚪" if any(emoji(alert) == "⚪" for alert in alerts) else "🟢"


def thing(subject: Subject) -> Said:
    """`web (101)`, `pve2`, `storage nas`: what an alert is about, in a sentence."""
    name = cut(subject.name or subject.id, NAME).strip() or subject.cluster
    match subject.about:
        case About.GUEST:
            return say("{name} ({vmid})", name=bold(name), vmid=cut(subject.id, NAME))
        case About.STORAGE:
            return say("storage {name}", name=bold(name))
        case About.CLUSTER:
            return say("the cluster {name}", name=bold(name))
        case About.NODE | About.OTHER:
            return bold(name)


def with_it(alert: Alert, under: Sequence[Alert], *, detailed: bool = False) -> list[Said]:
    """What goes down with it: the names the rule gave, and what it keeps quiet (`under`: all that it may inhibit) and
    came after it: what was wrong long before is no consequence.

    `detailed`: its details are shown as well, and name what it is about themselves.
    """
    subject = alert.finding.subject
    whole = subject.about in {About.NODE, About.CLUSTER}
    nodes = alert.finding.affected if subject.about is About.CLUSTER else ()  # of a cluster they go down, not guests
    began = min(alert.found, alert.finding.since or alert.found)
    affected = () if nodes or (detailed and not whole and alert.finding.details) else alert.finding.affected
    children = [
        child.finding.subject
        for child in under
        if child.parent == alert.key and not mended(child) and max(child.found, child.fired or child.found) >= began
    ]
    below = {(one.cluster, one.id): one.name or one.id for one in children if one.about is About.GUEST}
    known = frozenset(affected)
    more = [name for name in below.values() if name not in known]
    back = whole and alert.finding.until is not None  # how many run of how many says its headline
    guests = [name for name in (*affected, *(() if back else more)) if name != subject.name]  # of the same name: both
    others = dict.fromkeys(more if back else ()) | dict.fromkeys(
        f"{word}{name}"
        for about, word in ((About.NODE, ""), (About.STORAGE, "storage "), (About.OTHER, ""), (About.CLUSTER, ""))
        for name in _names(children, about)
        if name not in guests and name not in nodes and name != subject.name
    )
    said: list[Said] = [say("offline: {names}", names=named(nodes))] if nodes else []
    if guests and back:
        said.append(say("still to start: {names}", names=named(guests)))
    elif guests and whole:
        one, many = "{n} guest there: {names}", "{n} guests there: {names}"
        ran = alert.finding.ran
        if ran is not None and ran < len(guests):
            one, many = "{n} guest there, {ran} ran: {names}", "{n} guests there, {ran} ran: {names}"
        said.append(say_n(len(guests), one=one, many=many, names=named(guests), ran=ran or 0))
    elif guests:
        said.append(named(guests))
    if others:
        said.append(say("also with it: {names}" if guests else "with it: {names}", names=named(tuple(others))))
    return said


def _names(subjects: Iterable[Subject], about: About) -> list[str]:
    return [one.name or one.id for one in subjects if one.about is about and (one.name or one.id)]


def named(names: Sequence[str]) -> Said:
    """`db, git, win-test and 9 more`."""
    said = ", ".join(cut(name, NAME) for name in names[:NAMES])
    return say("{names} and {n} more", names=said, n=len(names) - NAMES) if len(names) > NAMES else raw(said)
