"""What a run says: the question, the progress, and each of its ends. Pure.

🔄 Reboot web (101) on pve1?            [🔄 Yes, reboot web] [Cancel]
⏳ Rebooting web… 12 s · qmreboot
✅ web has rebooted · 34 s              the card's buttons
❌ web did not shut down                [Log] [Retry] [⏹ Force stop]
❔ No answer from pve1. …               [Look at tasks]
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.actions import BY_KEY, Action
from bot.errors import PveError, PveNodeDown, TelemoxError, in_words
from bot.model import Guest, Status, Upid
from bot.pages import card
from bot.pages.parts import word
from bot.runner import locks
from bot.runner.aim import Aim
from bot.runner.check import Unfit
from bot.screen import Ask, Button, Cancel, Copy, Do, Open, Row, Screen
from bot.text import Said, Value, cut, lines, raw, say, span

NAME = 16
"""Columns of a guest's name on a Yes."""

_LOCKED = re.compile(r"(?:VM|CT) is locked \((?P<lock>[^)]+)\)")  # pve-guest-common, AbstractConfig.pm, check_lock
_BUSY = re.compile(r"can't lock file '[^']*' - got timeout")  # the lock file of a guest, for 10 s
_QUEUE = re.compile(r"can't acquire lock '[^']*vzdump\.lock'")  # pve-manager, VZDump.pm, getlock: three hours
_PERCENT = re.compile(r"(?<![\d.])(\d{1,3})(?:\.\d+)?\s?%")


class End(Enum):
    DONE = "done"
    WARNED = "done, with warnings"
    FAILED = "failed"
    UNCONFIRMED = "ended, but not as expected"
    UNKNOWN = "nobody knows"  # a lost answer
    LEFT = "still runs"  # not followed any longer
    REFUSED = "refused"  # nothing was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    end: End
    outcome: str  # for the audit
    details: tuple[Said, ...] = ()
    guest: Guest | None = None  # as it stands now; None: nobody could tell
    upid: Upid | None = None
    mend: str | None = None  # a command


def looking(name: str) -> Screen:
    """Before anything is known: its node takes its time."""
    return Screen(text=say("⏳ Looking at {name}…", name=name))


def question(action: Action, guest: Guest, nonce: str, quorate: bool | None = None, aim: Aim | None = None) -> Screen:
    """With what a careful person looks at first. `quorate`: its cluster, as last seen; `aim`: where a backup goes."""
    verb = action.verb or action.label.lower()
    yes = say("{emoji} Yes, {verb} {name}", emoji=action.emoji, verb=verb, name=cut(guest.name, NAME))
    asked = say(action.question, name=guest.name, vmid=guest.vmid, node=guest.node)
    return Screen(
        text=lines(
            say("{emoji} {question}", emoji=action.emoji, question=asked),
            _facts(guest),
            *(_goes(aim, guest) if aim is not None else ()),
            say("HA's requested state becomes stopped: HA keeps it down.") if action.ends_in_ha(guest) else None,
            say("⚠️ No quorum: what goes down cannot be started again.") if quorate is False else None,
        ),
        rows=((Button(yes, Do(nonce), "danger"), Button(say("Cancel"), Cancel(nonce))),),
    )


def _goes(aim: Aim, guest: Guest) -> list[Said]:
    """As its job does it: a mode that interrupts what runs is said as that."""
    told: list[Said] = [say("to {storage} · mode {mode}", storage=aim.storage, mode=aim.mode)]
    if guest.status is Status.RUNNING and aim.mode == "stop":
        told.append(say("⚠️ It is shut down for it, and started again."))
    if guest.status is Status.RUNNING and aim.mode == "suspend":
        told.append(say("⚠️ It is suspended for it for a while."))
    return told


def _facts(guest: Guest) -> Said:
    """In one line of a phone's width: `runs 12 d 4 h · HA started · no lock`."""
    running = guest.status is Status.RUNNING and guest.uptime is not None
    return dotted(
        (
            say("runs {span}", span=span(guest.uptime or 0)) if running else word(guest),
            say("HA {state}", state=guest.hastate) if guest.ha_managed else say("no HA"),
            say("lock {lock}", lock=guest.lock) if guest.lock else say("no lock"),
        )
    )


def progress(
    action: Action,
    guest: Guest,
    seconds: float,
    *,
    task: str = "",
    percent: int | None = None,
    note: Said | None = None,
) -> Screen:
    """`note`: what hinders the look, on a line of its own."""
    parts: list[Value] = [say("{doing}…", doing=say(action.doing, name=guest.name))]
    if seconds >= 1:
        parts[0] = say("{doing}… {span}", doing=say(action.doing, name=guest.name), span=span(seconds))
    if percent is not None:
        parts.append(f"{percent}%")
    if task:
        parts.append(task)
    return Screen(text=lines(say("⏳ {parts}", parts=dotted(parts)), note))


def percent(log: Iterable[str]) -> int | None:
    """The last percentage that a task's log names: `INFO:  12% (…)`, `… (34.00%)`, `progress 34%`."""
    found = None
    for line in log:
        for match in _PERCENT.finditer(line):
            if int(match[1]) <= 100:
                found = int(match[1])
    return found


def queued(log: Iterable[str]) -> bool:
    """By the end of a backup's log: does it wait for another one? Of a node one runs at a time (pve-manager, VZDump.pm,
    getlock)."""
    waits = False
    for line in log:
        if "trying to get global lock" in line:
            waits = True
        elif "got global lock" in line:
            waits = False
    return waits


def failure(exitstatus: str, guest: Guest) -> Said:
    """Why a task failed: in plain words where it met what holds the guest, else as it says itself."""
    if (found := _LOCKED.fullmatch(exitstatus)) is not None:
        return locks.since(guest, found["lock"])
    if _BUSY.match(exitstatus):
        return say("Another task kept {name} busy for too long. Try again once that has ended.", name=guest.name)
    if _QUEUE.match(exitstatus):
        words = "Another backup on {node} did not end in the time that this one may wait for it."
        return say(words, node=guest.node)
    return raw(exitstatus)


def away(guest: Guest, error: PveError) -> Said:
    """A look at the task failed; that says nothing about the task."""
    if isinstance(error, PveNodeDown):
        return say("{node} does not answer; the task may go on.", node=error.node or guest.node)
    return say("The task cannot be looked at ({reason}); it may go on.", reason=in_words(error.reason))


def final(
    action: Action, guest: Guest, ending: Ending, seconds: float | None, offered: Sequence[Action], web: str
) -> Screen:
    """The last word of a run, with all that can be done next. `seconds` None: how long it took is not known."""
    now = ending.guest or guest
    text: list[Said] = [headline(action, guest, ending, seconds), *ending.details]
    rows: list[Row] = []
    log = (Button(say("Log"), Open("task", f"{guest.cluster} {ending.upid}")),) if ending.upid else ()
    back = (Button(say("‹ {name}", name=cut(guest.name, NAME)), Open("vm", guest.target)),)
    tasks = (Button(say("Look at tasks"), Open("tasks", f"vm:{guest.target}")),)
    match ending.end:
        case End.DONE | End.WARNED | End.REFUSED | End.UNCONFIRMED:
            if ending.guest is not None:
                text += [card.head(now), card.state(now)]
            rows += [log] if log and ending.end in {End.WARNED, End.UNCONFIRMED} else []
            rows += card.rows(now, offered, web)
        case End.FAILED:
            if ending.guest is not None:
                text.append(_stands(guest, ending.guest))
            rows += [row for row in ((*log, *_again(action, guest, offered)), back) if row]
        case End.UNKNOWN:
            rows += [tasks, back]
        case End.LEFT:
            rows += [(*log, *tasks), back]
    if ending.mend:
        rows.insert(0, (Button(say("Copy the command"), Copy(ending.mend)),))
    return Screen(text=lines(*text), rows=tuple(rows))


def headline(action: Action, guest: Guest, ending: Ending, seconds: float | None) -> Said:
    done, failed = say(action.done, name=guest.name), say(action.failed, name=guest.name)
    took = span(seconds) if seconds is not None else None
    match ending.end:
        case End.DONE | End.WARNED:
            mark = "✅" if ending.end is End.DONE else "⚠️"
            if took is None:
                return say("{mark} {done}", mark=mark, done=done)
            return say("{mark} {done} · {span}", mark=mark, done=done, span=took)
        case End.FAILED:
            return say("❌ {failed}", failed=failed)
        case End.UNCONFIRMED:
            return say("⚠️ The task for {name} has ended, but not as expected.", name=guest.name)
        case End.UNKNOWN:
            words = "❔ No answer from {node}. The {what} may or may not have started; it was not repeated."
            return say(words, node=guest.node, what=action.label.lower())
        case End.LEFT:
            return say(
                "⏳ {doing}: that still runs. It is no longer watched here.", doing=say(action.doing, name=guest.name)
            )
        case End.REFUSED:
            return say("🚫 Nothing was done to {name}.", name=guest.name)


def news(action: Action, guest: Guest, ending: Ending, seconds: float | None) -> Screen:
    """The end once more, short, as a message that sounds: for what took so long that nobody looks any more."""
    rows = ((Button(say("Open {name}", name=cut(guest.name, NAME)), Open("vm", guest.target)),),)
    return Screen(text=lines(headline(action, guest, ending, seconds), *ending.details[:1]), rows=rows)


def refused(unfit: Unfit, offered: Sequence[Action], web: str) -> Screen:
    """A refusal found after the door: a line in the asker's own message, and the card's buttons to go on."""
    error, guest = unfit.error, unfit.guest
    rows: list[Row] = []
    if guest is not None and unfit.holder is not None:
        rows.append((Button(say("Log"), Open("task", f"{guest.cluster} {unfit.holder.upid}")),))
    elif guest is not None and unfit.held:
        rows.append((Button(say("Look at tasks"), Open("tasks", f"vm:{guest.target}")),))
    if (mend := error.mend()) is not None and len(mend) <= 256:
        rows.append((Button(say("Copy the command"), Copy(mend)),))
    rows += card.rows(guest, offered, web) if guest is not None else [(Button(say("‹ Guests"), Open("vms")),)]
    text: list[Said | None] = [error.said()]
    if guest is not None and isinstance(error, PveError):
        text.insert(0, say("🚫 Nothing was done to {name}.", name=guest.name))
    if guest is not None:
        text.append(card.head(guest) if guest.live else say("Last seen: {guest}", guest=card.head(guest)))
    return Screen(text=lines(*text), rows=tuple(rows))


def dotted(parts: Sequence[Value]) -> Said:
    """`a · b · c`."""
    values = {f"p{index}": part for index, part in enumerate(parts)}
    return say(" · ".join(f"{{{name}}}" for name in values), **values)


def _stands(before: Guest, now: Guest) -> Said:
    if before.status is now.status:
        return say("{name} is still {state}.", name=now.name, state=word(now))
    return say("{name} is {state}.", name=now.name, state=word(now))


def _again(action: Action, guest: Guest, offered: Sequence[Action]) -> Row:
    buttons: list[Button] = []
    if action in offered:
        buttons.append(Button(say("Retry"), Ask(action.key, guest.target)))
    force = BY_KEY.get(action.force)
    if force is not None and force in offered:
        label = say("{emoji} {label}", emoji=force.emoji, label=say(force.label))
        buttons.append(Button(label, Ask(force.key, guest.target), "danger"))
    return tuple(buttons)


def trouble(error: TelemoxError) -> Said:
    """What Proxmox VE said, in its own words where it has some."""
    return raw(in_words(error.reason)) if isinstance(error, PveError) and error.reason else error.said()
