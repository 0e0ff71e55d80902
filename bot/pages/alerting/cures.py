"""The buttons of an alert: what mends it first, then Ack · Silence ▾ · Open. Pure."""

from collections.abc import Sequence
from typing import Literal

from bot.access import Role
from bot.actions import BY_KEY
from bot.model import About, Alert, Cure, Severity
from bot.pages.alerting.alertwords import mended
from bot.pages.parts import name_button, pairs
from bot.screen import Ack, Ask, Button, Open, Row
from bot.text import Reader, cut, plain, say

LABEL = 12
"""Columns of a name on a cure, where there are several alerts."""


def rows(alert: Alert, *, role: Role | None, acts: bool, more: Row = ()) -> tuple[Row, ...]:
    """Cures, then Ack · Silence ▾ · Open, at most three a row; `more` comes last."""
    buttons: list[Button] = []
    if mended(alert):
        buttons += cures(alert, role=role, acts=acts, of=alert.finding.after)
    else:
        buttons += cures(alert, role=role, acts=acts)
        if role is not None and role >= Role.OPERATOR:
            if reminds(alert):
                buttons.append(Button(say("Ack"), Ack(f"a{alert.number}")))
            if hushes(alert):
                buttons.append(Button(say("Silence ▾"), Open("hush", str(alert.number))))
    to = opens(alert)
    kept = not alert.finding.event or to.page != "alert"  # what happened once is not, as soon as it was told
    if role is not None and kept and all(button.tap != to for button in buttons):
        buttons.append(Button(say("Open"), to))
    buttons += more
    if len(buttons) == 4:  # two and two stand better than three and one
        return pairs(buttons)
    return pairs(buttons, 3)


def reminds(alert: Alert) -> bool:
    """Is there something to acknowledge? Of an info nobody is reminded."""
    return alert.open and alert.acked is None and alert.severity is not Severity.INFO


def hushes(alert: Alert) -> bool:
    """Is there something to silence? What has happened once may happen again, and is not to be told then."""
    return alert.open or (bool(alert.finding.event) and alert.fired is not None and not mended(alert))


def cures(
    alert: Alert, *, role: Role | None, acts: bool, name: str = "", of: Sequence[Cure] | None = None
) -> list[Button]:
    """Those that may be pressed here; with `name` on them where there are several alerts, and they name nothing.

    `of`: others than the finding's own.
    """
    found: list[Button] = []
    wanted = alert.finding.cures if of is None else of
    if sum(cure.verb == "ask" for cure in wanted) > 1:  # of several targets: each has its name already
        name = ""
    for cure in wanted:
        label = say("{label} {name}", label=cure.label, name=cut(name, LABEL)) if name else cure.label
        if cure.verb == "open" and role is not None:
            found.append(Button(label, Open(cure.key, cure.arg)))
        elif cure.verb == "ask" and acts and _may(cure, role):
            action = BY_KEY[cure.key]
            style: Literal["danger", "success"] | None = (
                "danger" if action.harsh else None if action.question else "success"
            )
            found.append(Button(label, Ask(cure.key, cure.arg), style))
    return found


def _may(cure: Cure, role: Role | None) -> bool:
    action = BY_KEY.get(cure.key)
    return action is not None and role is not None and role >= action.role


def opens(alert: Alert) -> Open:
    """The page of what it is about; where there is none, its own."""
    subject = alert.finding.subject
    match subject.about:
        case About.GUEST:
            return Open("vm", f"{subject.cluster}/{subject.id}")
        case About.NODE:
            return Open("node", f"{subject.cluster}/{subject.id}")
        case About.STORAGE | About.CLUSTER | About.OTHER:
            return Open("alert", str(alert.number))


def every() -> Button:
    return Button(say("All alerts"), Open("alerts"))


def labelled(alerts: Sequence[Alert], page: str) -> list[Button]:
    """A button each, to `page`; of the same name told apart by what is said: `git stopped by its…`."""
    names = [one.finding.subject.name or one.finding.subject.id or one.finding.subject.cluster for one in alerts]
    told = [
        plain(alert.finding.said, Reader()) if names.count(name) > 1 else name
        for name, alert in zip(names, alerts, strict=True)
    ]
    return [name_button(name, page, str(alert.number)) for name, alert in zip(told, alerts, strict=True)]
