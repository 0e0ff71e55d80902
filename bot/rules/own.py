"""The bot itself (41), and what Proxmox VE pushes that no other rule looks at (44).

Each write (audit) is told by the deliverer, into its own topic; here is what happened to the bot, and who tried it.
"""

from collections.abc import Iterator
from datetime import datetime

from bot.model import Finding, Severity, Subject
from bot.model.feeds import MINUTE
from bot.model.view import TOGETHER, UNREADABLE, Push, Starts, Stranger, View
from bot.rules.readings import SHOWN, of_node, of_other, sees_nothing
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.subjects import cluster_subject, opens
from bot.text import Moment, Said, code, cut, folded, lines, say, say_n, span

ELSEWHERE = frozenset({"vzdump", "fencing", "replication", "package-updates"})
"""Kinds of push that rules 29, 5, 28 and 36 look at."""
NAMED = 5
STEPS: tuple[int, ...] = (*range(1, NAMED + 1), 10, 20, 50, 100, 200)
WORDS = 60
"""Columns of what cannot be read that stand in its headline."""
LOUD = frozenset({"warning", "error", "unknown"})


# -- 41 ------------------------------------------------------------------------------------------------------------


def itself(view: View, limits: Limits) -> Iterator[Finding]:
    if not view.leads:
        return
    if view.deaf > 0:
        yield _deaf(view)
    if view.first and view.started is not None:
        yield _started(view)
    if view.strangers and abs(view.at - view.strangers[0].at) < TOGETHER:
        yield _strangers(view)
    if view.doubt and view.doubted is not None:
        yield _jumped(view, view.doubted)


def _subject(view: View, what: str) -> Subject:
    return of_other(view, f"bot/{what}", "Telemox")


def _deaf(view: View) -> Finding:
    return Finding(
        rule="bot",
        subject=_subject(view, "delivery"),
        severity=Severity.WARNING,
        said=say("Telegram is not reached"),
        over=say("Telegram is reached again; what waited has been sent"),
        details=(say("alerts waited, none was lost"),),
        because=say("no answer from Telegram"),
        young=True,
        cures=(opens(say("Alerts"), "alerts"),),
        since=view.deaf_since,
    )


def _started(view: View) -> Finding:
    snapshot = view.snapshot
    nodes, guests = (len(snapshot.nodes), snapshot.total) if snapshot is not None else (0, 0)
    started = view.started or view.at
    starts = view.starts or Starts(first=started, last=started, times=1)
    return Finding(
        rule="bot",
        subject=_subject(view, "started"),
        severity=Severity.INFO,
        said=_times(starts),
        details=(
            say(
                "it watches {nodes} and {guests}",
                nodes=say_n(nodes, one="{n} node", many="{n} nodes"),
                guests=say_n(guests, one="{n} guest", many="{n} guests"),
            ),
            *([say("{n} times without a clean stop before", n=starts.crashes)] if starts.crashes > 1 else []),
        ),
        because=say("told at each start; those within an hour in one message"),
        event=f"{starts.first:%Y%m%dT%H%M%S}",
        renews=starts.until,
        hold=0,
        quiet=True,
        since=starts.first,
    )


def _times(starts: Starts) -> Said:
    if starts.times < 2:
        return say("Telemox has started")
    first, last = Moment(starts.first, "%H:%M"), Moment(starts.last, "%H:%M")
    return say("Telemox has started {n} times since {first}, last {last}", n=starts.times, first=first, last=last)


def _jumped(view: View, at: datetime) -> Finding:
    """Once an hour, however often it does."""
    by = span(round(abs(view.doubt) / 60) * 60)
    return Finding(
        rule="bot",
        subject=_subject(view, "clock"),
        severity=Severity.INFO,
        said=say("the bot's own clock jumped {span} ahead", span=by)
        if view.doubt > 0
        else say("the bot's own clock jumped {span} back", span=by),
        details=(say("its time goes on as before, unless the nodes have the new one too"),),
        because=say("the wall clock of its machine was set"),
        event=f"{at:%Y%m%dT%H}",
        hold=0,
        quiet=True,
        since=at,
    )


def _strangers(view: View) -> Finding:
    """One an hour, edited as more come: whoever tries chooses how often, and under which name."""
    first, n = view.strangers[0], _about(len(view.strangers))
    one = say("{name} has no role here, and tried", name=_called(first))
    named = view.strangers[:NAMED]
    return Finding(
        rule="bot",
        subject=_subject(view, "strangers"),
        severity=Severity.INFO,
        said=one
        if n == 1
        else say("{n} tried that have no role here", n=n)
        if n <= NAMED
        else say("at least {n} tried that have no role here", n=n),
        details=(
            *(_line(stranger) for stranger in named),
            *([say("and others")] if n > NAMED else []),
            say("nothing was answered"),
        ),
        because=say("told once an hour; nobody was answered"),
        event=f"{first.at:%Y%m%dT%H%M%S}",
        renews=first.at + TOGETHER,
        hold=0,
        quiet=True,
        since=first.at,
    )


def _about(n: int) -> int:
    """Of many it is said in steps, so that a flood of them is a few edits."""
    return max(step for step in STEPS if step <= n)


def _called(stranger: Stranger) -> Said:
    """As code: what somebody calls himself is no link, no command and no mention."""
    return code(stranger.name or str(stranger.id))


def _line(stranger: Stranger) -> Said:
    id_, chat = code(str(stranger.id)), code(str(stranger.chat))
    if stranger.chat in {0, stranger.id}:
        return say("{name}, id {id}", name=_called(stranger), id=id_)
    return say("{name}, id {id}, in chat {chat}", name=_called(stranger), id=id_, chat=chat)


def sees_bot(view: View, subject: Subject) -> bool:
    """Its own state is always known to it. What a cluster has told that spoke for the bot once is over as well."""
    return True


# -- 44 ------------------------------------------------------------------------------------------------------------


def mail(view: View, limits: Limits) -> Iterator[Finding]:
    """What smartd, ZED, cron and others write to root, and any other notification that no rule looks at."""
    for push in view.pushes:
        if push.kind not in ELSEWHERE or (push.kind == "fencing" and not _known(view, push)):
            yield _mail(view, push)


def _known(view: View, push: Push) -> bool:
    return view.snapshot is not None and push.host in view.snapshot.by_node


def _mail(view: View, push: Push) -> Finding:
    loud = push.kind in {"system-mail", UNREADABLE} or push.severity in LOUD
    fencing = push.kind == "fencing"
    title = " ".join(push.title.split()) or push.kind
    body = [line.strip() for line in push.message.splitlines() if line.strip() and line.strip() != title]
    if push.kind == UNREADABLE and body:  # beside others nothing but this is shown
        title = f"{title}: {cut(body[0], WORDS)}"
    return Finding(
        rule="system_mail",
        subject=of_node(view, push.host) if _known(view, push) else cluster_subject(view),
        severity=Severity.CRITICAL if fencing else Severity.WARNING if loud else Severity.INFO,
        said=say("{host}: {title}", host=push.host, title=code(title)) if push.host else code(title),
        details=_whole([code(line[:200]) for line in body]),  # whoever may write a mail chooses the words: as code
        because=lines(
            say("Proxmox VE pushed it: {kind}", kind=push.kind),
            say("its severity there: {severity}", severity=push.severity or "none"),
        ),
        event=push.id or f"{push.kind} {push.at:%Y%m%dT%H%M%S}",
        since=push.at,
    )


def _whole(body: list[Said]) -> tuple[Said, ...]:
    """The first few lines, the rest folded."""
    if len(body) <= SHOWN + 1:
        return tuple(body)
    return (*body[:SHOWN], folded(lines(*body[SHOWN:])))


RULES: tuple[Rule, ...] = (
    Rule(
        number=41,
        key="bot",
        kind=Kind.STATE,
        help="The bot itself: Telegram cannot be reached, its clock jumped, it has started, somebody without a role"
        " tried it.",
        severity=Severity.WARNING,
        limit=Limit(hold=5 * MINUTE),
        find=itself,
        sees=sees_bot,
    ),
    Rule(
        number=44,
        key="system_mail",
        kind=Kind.EVENT,
        help="Mail of the system (smartd, ZED, cron), and whatever else Proxmox VE's webhook target pushes.",
        severity=Severity.WARNING,
        limit=Limit(),
        find=mail,
        sees=sees_nothing,
    ),
)
