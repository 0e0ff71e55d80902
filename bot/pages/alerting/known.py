"""What /why says of something that no alert is about: how it stands, which rules look at it, and what was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import rules
from bot.errors import NotFound
from bot.model import About, Alert, Fleet, Guest, Record, Snapshot, Subject
from bot.pages.alerting.alertwords import LINE, NAME, dotted, emoji, headline, short, when
from bot.pages.alerting.history import lasted
from bot.pages.alerting.naming import Target, called
from bot.pages.alerting.watched import exists, sleeping, standing, watch, wide
from bot.pages.page import Enquiry
from bot.pages.parts import WORDS
from bot.pages.problems import Problem
from bot.pages.wrong import RULES, asleep, everything
from bot.ports import Watching
from bot.rules.guest.whynot import WHY_NOT
from bot.rules.inhibits import PARENTS
from bot.rules.subjects import guest_subject, storage_subject
from bot.screen import Button, Open, Screen
from bot.text import Said, Value, bold, cut, lasting, lines, raw, say

MOST = 3
"""Things of the same name, and records of them, that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    things: tuple[Said, ...]  # each with its state
    wrong: tuple[Problem, ...]  # as /status lists it
    rules: tuple[str, ...]  # that look at it: those of what is wrong, else those of its kind
    reasons: Mapping[str, Said]  # by rule: why it tells nothing
    unseeing: frozenset[str]  # rules that cannot see
    blind: tuple[Said, ...]  # what of those cannot see
    records: tuple[Record, ...]  # newest first
    subject: Subject | None  # the one thing that is so called; None: several, or a rule
    opens: Open | None
    above: Alert | None  # that tells of what it is on, and so of it
    now: datetime


async def known(ask: Enquiry, text: str) -> Known:
    """Raises: NotFound where nothing that exists for the asker is called so."""
    try:
        targets = [one for one in await called(ask, text) if one.about != "tag"]
    except NotFound:
        targets = []
    if not targets:
        raise NotFound(
            say(
                "Nothing here is called {text}, and no alert is about it. /vms and /nodes list what there is.",
                text=text[:40],
            )
        )
    fleet = await ask.fleet(max_age=float("inf"))
    alerts, sleep = standing(ask), sleeping(ask)
    wrong = tuple(problem for one in targets for problem in _wrong(fleet, one, alerts, sleep))
    keys = tuple(dict.fromkeys(key for problem in wrong for key in sorted(RULES.get(problem.rank, ()))))
    keys = keys or _of_down(fleet, targets) or _of_kind(targets)
    about = [subject for one in targets if (subject := _subject(fleet, one)) is not None]
    unseeing = [one for one in watch(ask).blind() if one.rule in keys] if wide(ask.asker.scope) else []
    subjects = {(one.cluster, one.about, one.value) for one in targets}
    records = [
        one
        for one in await watch(ask).history(500)
        if exists(one.subject, ask.asker.scope)
        and ((one.subject.cluster, one.subject.about.value, one.subject.id) in subjects or one.rule in _rules(targets))
    ]
    return Known(
        things=tuple(_thing(fleet, one, sleep) for one in targets[:MOST]),
        wrong=wrong,
        rules=keys,
        reasons=_reasons(watch(ask), about or [_whole(one.cluster) for one in fleet], keys),
        unseeing=frozenset(one.rule for one in unseeing),
        blind=tuple(one.said for one in unseeing),
        records=tuple(records[:MOST]),
        subject=about[0] if len(about) == 1 else None,
        opens=_opens(targets[0]) if len(targets) == 1 else None,
        above=_above(about[0], alerts) if len(about) == 1 else None,
        now=ask.now,
    )


def _above(subject: Subject, alerts: Mapping[str, Sequence[Alert]]) -> Alert | None:
    """The alert of the outage that it is part of: of its cluster, or of the node that it is on."""
    for alert in alerts.get(subject.cluster, ()):
        about, rule = alert.finding.subject, alert.finding.rule
        outage = alert.open and rule in PARENTS and about.key != subject.key
        if outage and (about.about is About.CLUSTER or (about.about is About.NODE and about.id == subject.node)):
            return alert
    return None


def _whole(cluster: str) -> Subject:
    """What a rule is asked about that was asked for itself."""
    return Subject(about=About.CLUSTER, cluster=cluster)


def _reasons(of: Watching, subjects: Sequence[Subject], keys: Sequence[str]) -> Mapping[str, Said]:
    """Those that hold for all of the subjects."""
    first, *others = [of.reasons(one, keys) for one in subjects] or [{}]
    return {key: reason for key, reason in first.items() if all(other.get(key) == reason for other in others)}


def _rules(targets: Sequence[Target]) -> frozenset[str]:
    return frozenset(one.value for one in targets if one.about == "rule")


def _of_down(fleet: Fleet, targets: Sequence[Target]) -> tuple[str, ...]:
    """The rules about guests that are down or paused, where one is."""
    guests = [_guest(fleet, one) for one in targets if one.about == "guest"]
    states = dict.fromkeys(guest.status for guest in guests if guest is not None and not guest.template)
    return tuple(key for state in states for key in WHY_NOT.get(state, ()))


def _guest(fleet: Fleet, target: Target) -> Guest | None:
    snapshot = _snapshot(fleet, target.cluster)
    return snapshot.by_vmid.get(int(target.value)) if snapshot is not None and target.value.isdecimal() else None


def _subject(fleet: Fleet, target: Target) -> Subject | None:
    """As the rules about it call it."""
    match target.about:
        case "guest" if (guest := _guest(fleet, target)) is not None:
            return guest_subject(guest)
        case "node":
            name = target.value
            return Subject(about=About.NODE, cluster=target.cluster, id=name, name=name, node=name)
        case "storage":
            snapshot = _snapshot(fleet, target.cluster)
            storages = snapshot.storages if snapshot is not None else ()
            return next((storage_subject(one) for one in storages if one.id == target.value), None)
        case _:
            return None


def _of_kind(targets: Sequence[Target]) -> tuple[str, ...]:
    found = [one.value for one in targets if one.about == "rule"]
    for about in dict.fromkeys(one.about for one in targets if one.about != "rule"):
        found += [rule.key for rule in rules.RULES if rule.key.startswith(f"{about}_")]
    return tuple(dict.fromkeys(found))


def _snapshot(fleet: Fleet, cluster: str) -> Snapshot | None:
    return next((one for one in fleet if one.cluster == cluster), None)


def _wrong(fleet: Fleet, target: Target, alerts: Mapping[str, Sequence[Alert]], sleep: frozenset[str]) -> list[Problem]:
    snapshot = _snapshot(fleet, target.cluster)
    found = everything(snapshot, alerts.get(target.cluster, ()), sleep) if snapshot is not None else ()
    match target.about:
        case "guest":
            return [one for one in found if str(one.vmid) == target.value]
        case "node":
            return [one for one in found if one.opens == Open("node", f"{target.cluster}/{target.value}")]
        case "storage":
            return [one for one in found if one.vmid is None and one.name == target.value]
        case _:
            return []


def _thing(fleet: Fleet, target: Target, sleep: frozenset[str]) -> Said:
    """`ct-mail (104) · stopped · pve1`."""
    name = bold(cut(target.name, NAME))
    snapshot = _snapshot(fleet, target.cluster)
    if target.about == "guest" and snapshot is not None and (guest := snapshot.by_vmid.get(int(target.value))):
        state: list[Value] = [say("{name} ({vmid})", name=name, vmid=guest.vmid), WORDS[guest.status], guest.node]
        return dotted(state)
    if target.about == "node" and snapshot is not None and (node := snapshot.by_node.get(target.value)):
        words = say("online") if node.online else say("offline") if node.online is False else say("unknown")
        words = say("🌙 asleep") if asleep(node, sleep) else words
        return dotted([name, words])
    if target.about == "storage":
        return say("storage {name}", name=bold(cut(target.value, NAME)))
    return say("rule {name}", name=name)


def _opens(target: Target) -> Open | None:
    match target.about:
        case "guest" | "node":
            return Open("vm" if target.about == "guest" else "node", f"{target.cluster}/{target.value}")
        case "storage":
            return Open("storage")
        case _:
            return None


def draw(data: Known) -> Screen:
    wrong = [
        say("{emoji} {said}, /status says", emoji=one.rank.emoji, said=short(one.said)) for one in data.wrong[:MOST]
    ]
    blind = [say("⚠️ {said}", said=short(said)) for said in data.blind[:MOST]]
    been = [say("{when} {said}", when=when(one.fired, data.now), said=_was(one)) for one in data.records]
    text = lines(
        *data.things,
        *wrong,
        say("No alert is about it now.")
        if data.above is None
        else say("It is told with this: {emoji} {said}", emoji=emoji(data.above), said=short(headline(data.above))),
        *_why_not(data),
        *blind,
        say("Lately:") if been else None,
        *been,
    )
    opens = (Button(say("Open"), data.opens),) if data.opens is not None else ()
    above = (Button(say("That alert"), Open("alert", str(data.above.number))),) if data.above is not None else ()
    return Screen(text=text, rows=((*opens, *above, Button(say("‹ Alerts"), Open("alerts"))),))


def _why_not(data: Known) -> list[Said]:
    """Why each rule tells nothing, those with the same reason together; a rule that was asked for itself says what it
    watches."""
    by_reason: dict[Said, list[str]] = {}
    for key in data.rules:
        if (reason := data.reasons.get(key)) is not None:
            by_reason.setdefault(reason, []).append(key)
    said: list[Said] = [
        say("{rules}: {reason}", rules=_several(keys), reason=reason) for reason, keys in by_reason.items()
    ]
    rest = [key for key in data.rules if key not in data.reasons and key not in data.unseeing and key in rules.BY_KEY]
    asked = [key for key in data.rules if key not in data.unseeing and key in rules.BY_KEY]
    if data.subject is None and len(asked) <= MOST:
        said += [say("Rule {rule}: {help}", rule=key, help=in_short(rules.BY_KEY[key].help)) for key in asked]
    elif rest:
        said.append(say("Nothing to tell: {names}", names=", ".join(rest)))
    return said


def _several(keys: Sequence[str]) -> Said:
    return raw(", ".join(keys)) if len(keys) <= MOST else say("{n} rules about it", n=len(keys))


def in_short(help_: str) -> str:
    """The first sentence: the figures, by the names of their settings, stand in the docs."""
    first, stop, _ = help_.partition(". ")
    return f"{first}{stop.rstrip()}"[:LINE]


def _was(record: Record) -> Said:
    """And what became of it; what happened once is neither over nor open."""
    parts: list[Value] = [short(record.said)]
    if record.unwell is not None:
        parts.append(record.unwell)
    elif record.over is None:
        parts.append(say("still open"))
    elif (seconds := lasted(record)) is not None:
        parts.append(say("over after {span}", span=lasting(seconds)))
    if record.gone:
        parts.append(say("gone since"))
    return dotted(parts if record.told else [*parts, say("not told")])
