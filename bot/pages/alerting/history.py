"""/history: what was wrong and for how long, newest first.

/history                    all of it
/history git · 101 · pve2 · tag:prod · storage_full     of that alone
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.access import Asker, Role
from bot.errors import NotFound
from bot.model import Record
from bot.pages.alerting.alertwords import NAME, dotted, short, when
from bot.pages.alerting.been import KEPT, as_it_was, happened
from bot.pages.alerting.cures import labelled
from bot.pages.alerting.naming import Target, called, nearest, page_word, unknown
from bot.pages.alerting.watched import exists, names, watch
from bot.pages.page import Enquiry, Page
from bot.pages.parts import name_button, page_of, pager, pairs, refresh
from bot.screen import Button, Open, Screen
from bot.text import Said, Value, bold, cut, fold, lasting, lines, say, say_n

FIRST_ID = 100
"""The least id that Proxmox VE gives a guest."""
DAYS = 90
"""For which the history is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    records: tuple[Record, ...]
    clusters: Mapping[str, str]
    number: int
    now: datetime
    of: str = ""  # what alone is shown; '' = all
    near: tuple[Target, ...] = ()  # what is nearly called so, where nothing is called so
    known: bool = False  # something is called just so: nothing was wrong with it


async def load(ask: Enquiry, arg: str) -> Data:
    """`git`, `git page:2`; a number too small for a guest's id is a page."""
    words = arg.split()
    number = page_word(words)
    if len(words) == 1 and words[0].isascii() and words[0].isdecimal() and int(words[0][:9]) < FIRST_ID:
        number = int(words.pop()[:9])
    of = " ".join(words)
    found = [record for record in await watch(ask).history(KEPT) if exists(record.subject, ask.asker.scope)]
    records = tuple(_of(found, fold(of), names(ask)) if of else found)
    known = bool(of) and not records and await _known(ask, of)
    return Data(
        near=tuple(await nearest(ask, of)) if of and not records and not known else (),
        known=known,
        records=records,
        clusters=names(ask),
        number=number,
        now=ask.now,
        of=of,
    )


async def _known(ask: Enquiry, of: str) -> bool:
    """Is something called just so?"""
    try:
        await called(ask, of)
    except NotFound:
        return False
    return True


def _of(records: Sequence[Record], wanted: str, clusters: Mapping[str, str]) -> list[Record]:
    """What is called just so, by name, id, node, pool, tag, cluster or rule; else what has it in its name."""
    kind, colon, value = wanted.partition(":")

    def fits(record: Record) -> bool:
        subject = record.subject
        if colon and kind == "tag":
            return any(value in map(fold, one.tags) for one in (subject, *subject.each))
        words = {subject.name, subject.id, subject.node, subject.pool, record.rule, clusters.get(subject.cluster, "")}
        return (value if colon and kind in {"node", "pool", "rule", "storage", "guest"} else wanted) in map(fold, words)

    return [one for one in records if fits(one)] or [one for one in records if wanted in fold(one.subject.name)]


def draw(data: Data, asker: Asker) -> Screen:
    shown, number, pages = page_of(data.records, data.number)
    many = "The last {n}, newest first" if len(data.records) >= KEPT else "{n} so far, newest first"
    title: Said = say("Nothing has happened yet.")
    if data.of:
        title = _title(data, bool(shown))
    elif shown:
        title = say_n(len(data.records), one="One so far", many=many)

    def arg(page: int) -> str:
        return f"{data.of} page:{page}" if data.of else str(page)

    return Screen(
        text=lines(title, *(_line(record, data) for record in shown)),
        rows=(
            *pairs(labelled([as_it_was(record) for record in shown if record.details and happened(record)], "alert")),
            *pairs([name_button(f"{one.about} {one.name}", "history", _arg(one)) for one in data.near]),
            *pager("history", arg, number, pages),
            *(((Button(say("All of it"), Open("history")),),) if data.of else ()),
            (Button(say("‹ Alerts"), Open("alerts")), refresh("history", arg(number) if number > 1 else data.of)),
        ),
    )


def _arg(target: Target) -> str:
    return f"tag:{target.value}" if target.about == "tag" else target.name


def _title(data: Data, some: bool) -> Said:
    of = bold(cut(data.of, NAME))
    if data.near:
        return unknown(data.of)
    if not some and data.known:
        return say("Nothing was wrong with {of} in the last {n} days.", of=of, n=DAYS)
    if not some:
        return say("Nothing of {of} in the last {n} days: no such name, or nothing was ever wrong.", of=of, n=DAYS)
    return say_n(len(data.records), one="One of {of}", many="{n} of {of}, newest first", of=of)


def _line(record: Record, data: Data) -> Said:
    parts: list[Value] = [when(record.fired, data.now)]
    if len(data.clusters) > 1:
        parts.append(cut(data.clusters.get(record.subject.cluster, record.subject.cluster), NAME))
    parts.append(short(record.said))
    if record.unwell is not None:
        parts.append(record.unwell)
    elif (seconds := lasted(record)) is not None:
        parts.append(lasting(seconds))
    elif record.over is None:
        parts.append(say("still open"))
    if record.gone:
        parts.append(say("gone since"))
    if record.acked_by:
        parts.append(say("acked by {name}", name=cut(record.acked_by, NAME)))
    if not record.told:
        parts.append(say("not told"))
    return say("{emoji} {said}", emoji=record.severity.emoji, said=dotted(parts))


def lasted(record: Record) -> float | None:
    """Seconds; None of what is not over, and of what happened in a moment."""
    if happened(record):
        return None
    if record.lasted is not None or record.over is None:
        return record.lasted
    seconds = (record.over - record.fired).total_seconds()
    return seconds if seconds >= 1 else None


PAGE = Page(
    key="history", help="What was wrong lately: /history web", role=Role.VIEWER, command=True, load=load, draw=draw
)
