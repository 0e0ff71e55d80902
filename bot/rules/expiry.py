"""What ends on a day: certificates (35), subscriptions and releases (42), the bot's own tokens (45)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from bot.model import Finding, Severity
from bot.model.feeds import CERTIFICATES, DAY, NODE_STATUS, SUBSCRIPTION, TOKENS
from bot.model.readings import Certificate
from bot.model.view import View
from bot.rules.guest.endings import unlisted
from bot.rules.readings import (
    listed,
    of_cluster,
    of_other,
    page_of_node,
    passed,
    per_node,
    sees_nothing,
    sees_reading,
    sinking,
)
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.subjects import cluster_subject, opens
from bot.text import Said, code, day_clock, lines, say

CA = frozenset({"pve-root-ca.pem"})
"""The cluster's own CA: ten years, and renewed by another way."""
OWN_CERTIFICATE = "pve-ssl.pem"
RENEWED = 14 * DAY
"""Seconds before its end at which a node renews the certificate of the cluster's CA (pve-manager, bin/pveupdate)."""
ENDS: Mapping[str, datetime] = {"7": datetime(2024, 7, 31, tzinfo=UTC), "8": datetime(2026, 8, 31, tzinfo=UTC)}
"""End of life of Proxmox VE's releases (pve-docs, FAQ)."""
AHEAD = 90 * DAY
"""Seconds before the end of a release at which it is worth a word."""


# -- 35 ------------------------------------------------------------------------------------------------------------


def certificates(view: View, limits: Limits) -> Iterator[Finding]:
    pins = {_plain(pin) for pin in view.fingerprints.values()}
    for node, found in per_node(view, CERTIFICATES):
        for one in found:
            file = one.file.rpartition("/")[2]
            if file in CA:
                continue
            subject = of_other(view, f"{node}/{file}", file, node)
            finding = _certificate(
                view, node, file, one, limits.of(subject.key), pinned=_plain(one.fingerprint) in pins
            )
            if finding is not None:
                yield finding


def _ending(view: View, finding: Finding) -> Finding:
    subject = finding.subject
    found = view.feeds.fresh(CERTIFICATES, subject.node) or ()
    listed_ = any(one.file.rpartition("/")[2] == subject.name for one in found)
    return finding if listed_ else unlisted(finding)


def _plain(fingerprint: str) -> str:
    return fingerprint.replace(":", "").upper()


def _certificate(view: View, node: str, file: str, one: Certificate, limit: Limit, *, pinned: bool) -> Finding | None:
    left = (one.expires - view.at).total_seconds()
    found = sinking(left / DAY, limit)
    pinned = pinned and bool(one.fingerprint)
    breaks = pinned and left / DAY <= limit.more.get("pin_days", 20)
    if breaks and (found is None or found[1]):
        found = Severity.WARNING, False
    if found is None:
        return None
    severity, grey = found
    return Finding(
        rule="cert_expiry",
        subject=of_other(view, f"{node}/{file}", file, node),
        severity=severity,
        said=_expiry(say("Certificate {file} of {node}", file=file, node=node), left),
        over=say("Certificate {file} of {node} is renewed", file=file, node=node),
        details=_mend(file, one, left, pinned=breaks),
        because=lines(
            say("expires {when}", when=day_clock(one.expires)),
            say("warning {n} days ahead", n=f"{limit.warning or 0:.0f}"),
            say("critical {n} days ahead", n=f"{limit.critical or 0:.0f}"),
        ),
        cures=(page_of_node(view, node),),
        grey=grey,
        slow=True,
    )


def _expiry(what: Said, left: float) -> Said:
    if left <= 0:
        return say("{what} has expired", what=what)
    return say("{what} expires in {left}", what=what, left=passed(left))


def _mend(file: str, one: Certificate, left: float, *, pinned: bool) -> tuple[Said, ...]:
    own = file == OWN_CERTIFICATE
    said: list[Said] = []
    if pinned:
        day = one.expires - timedelta(seconds=RENEWED if own else 0)
        said.append(say("this pin will break about {day}; use PVE_CA_FILE or pin ahead", day=f"{day:%Y-%m-%d}"))
    if own and left <= RENEWED:
        said.append(say("the node should have renewed it; on it: {command}", command=code("pvecm updatecerts --force")))
    elif not own:
        said.append(say("uploaded, or by ACME: renew it on the node's Certificates page"))
    return tuple(said)


# -- 42 ------------------------------------------------------------------------------------------------------------


def subscription(view: View, limits: Limits) -> Iterator[Finding]:
    """Once a month, a line a node."""
    found: list[Said] = []
    for node, one in per_node(view, SUBSCRIPTION):
        left = (one.due - view.at).total_seconds() if one.due is not None else None
        if one.status.lower() != "active":
            found.append(say("{node}: subscription {status}", node=node, status=one.status or "unknown"))
        elif left is not None and left <= 30 * DAY:
            found.append(say("{node}: subscription ends in {left}", node=node, left=passed(max(0.0, left))))
    for node, status in per_node(view, NODE_STATUS):
        major = status.version.partition("/")[2].partition(".")[0]
        ends = ENDS.get(major)
        if ends is not None and (ends - view.at).total_seconds() <= AHEAD:
            word = say("is out of support since {day}" if ends <= view.at else "is supported until {day}",
                       day=f"{ends:%Y-%m-%d}")  # fmt: skip
            found.append(say("{node}: Proxmox VE {major} {word}", node=node, major=major, word=word))
    if found:
        yield Finding(
            rule="subscription",
            subject=cluster_subject(view),
            severity=Severity.INFO,
            said=say("Subscriptions and releases"),
            details=listed(found),
            because=say("told once a month"),
            event=f"{view.at:%Y-%m}",
        )


# -- 45 ------------------------------------------------------------------------------------------------------------


def tokens(view: View, limits: Limits) -> Iterator[Finding]:
    for token in of_cluster(view, TOKENS) or ():
        if token.expires is None:
            continue
        subject = of_other(view, f"token/{token.name}", token.name)
        left = (token.expires - view.at).total_seconds()
        limit = limits.of(subject.key)
        found = sinking(left / DAY, limit)
        if found is None:
            continue
        severity, grey = found
        user, _, name = token.name.partition("!")
        mend = say("pveum user token modify {user} {name} --expire 0", user=user, name=name)
        yield Finding(
            rule="token_expiry",
            subject=subject,
            severity=severity,
            said=_expiry(say("This bot's token {name}", name=token.name), left),
            over=say("The token {name} is renewed", name=token.name),
            details=(say("then nothing is seen, or done, with it"), code(mend)),
            because=lines(
                say("expires {when}", when=day_clock(token.expires)),
                say("warning {n} days ahead", n=f"{limit.warning or 0:.0f}"),
            ),
            cures=(opens(say("Who am I"), "whoami"),),
            grey=grey,
            slow=True,
        )


RULES: tuple[Rule, ...] = (
    Rule(
        number=35,
        key="cert_expiry",
        kind=Kind.STATE,
        help="A node's certificate expires: days left. A pinned one is told earlier.",
        severity=Severity.WARNING,
        limit=Limit(warning=10, warning_clear=11, critical=3, critical_clear=4, more={"pin_days": 20}),
        find=certificates,
        sees=sees_reading(CERTIFICATES),
        feeds=(CERTIFICATES,),
        ending=_ending,
        slow=True,
    ),
    Rule(
        number=42,
        key="subscription",
        kind=Kind.EVENT,
        help="A node without an active subscription, or with a release near the end of its support; once a month.",
        severity=Severity.INFO,
        limit=Limit(on=False),
        find=subscription,
        sees=sees_nothing,
        feeds=(SUBSCRIPTION,),
    ),
    Rule(
        number=45,
        key="token_expiry",
        kind=Kind.STATE,
        help="A token of the bot's own expires: days left.",
        severity=Severity.WARNING,
        limit=Limit(warning=14, warning_clear=15, critical=3, critical_clear=4),
        find=tokens,
        sees=sees_reading(TOKENS),
        feeds=(TOKENS,),
        slow=True,
    ),
)
