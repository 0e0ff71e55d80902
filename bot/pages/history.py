"""/history: what was wrong and for how long, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.access import Asker, Role
from bot.model import Record
from bot.pages.alertwords import NAME, dotted, short, when
from bot.pages.page import Enquiry, Page
from bot.pages.parts import page_of, pager, refresh
from bot.pages.watched import exists, names, watch
from bot.screen import Button, Open, Screen
from bot.text import Said, Value, cut, lines, say, say_n, span

KEPT = 500
"""Records that are looked through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    records: tuple[Record, ...]
    clusters: Mapping[str, str]
    number: int
    now: datetime


async def load(ask: Enquiry, arg: str) -> Data:
    records = await watch(ask).history(KEPT)
    return Data(
        records=tuple(record for record in records if exists(record.subject, ask.asker.scope)),
        clusters=names(ask),
        number=int(arg) if arg.isascii() and arg.isdecimal() and len(arg) < 5 else 1,
        now=ask.now,
    )


def draw(data: Data, asker: Asker) -> Screen:
    shown, number, pages = page_of(data.records, data.number)
    many = "The last {n}, newest first" if len(data.records) >= KEPT else "{n} so far, newest first"
    title = say_n(len(data.records), one="One so far", many=many) if shown else say("Nothing has happened yet.")
    return Screen(
        text=lines(title, *(_line(record, data) for record in shown)),
        rows=(
            *pager("history", str, number, pages),
            (Button(say("‹ Alerts"), Open("alerts")), refresh("history", str(number) if number > 1 else "")),
        ),
    )


def _line(record: Record, data: Data) -> Said:
    parts: list[Value] = [when(record.fired, data.now)]
    if len(data.clusters) > 1:
        parts.append(cut(data.clusters.get(record.subject.cluster, record.subject.cluster), NAME))
    parts.append(short(record.said))
    if record.over is not None and (seconds := (record.over - record.fired).total_seconds()) >= 1:
        parts.append(span(seconds))
    elif record.over is None:
        parts.append(say("still open"))
    if record.gone:
        parts.append(say("gone since"))
    if record.acked_by:
        parts.append(say("acked by {name}", name=cut(record.acked_by, NAME)))
    if not record.told:
        parts.append(say("not told"))
    return say("{emoji} {said}", emoji=record.severity.emoji, said=dotted(parts))


PAGE = Page(key="history", help="What was wrong lately", role=Role.VIEWER, command=True, load=load, draw=draw)
