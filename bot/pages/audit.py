"""/audit: who asked for what, where, and how it ended; the whole of it as a file. For admins."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.access import Asker, Role
from bot.actions import BY_KEY
from bot.model import Fleet
from bot.pages.alerting.recorded import outcome_of
from bot.pages.page import Enquiry, Page
from bot.pages.parts import PER_PAGE, age, page_of, pager, refresh
from bot.ports import Audit
from bot.screen import Button, File, Open, Screen
from bot.text import EMPTY, Said, Value, day_clock, lines, raw, say, span

PAGES = 25
"""Pages that can be leafed through; what is older stands in the file."""
LONG = timedelta(hours=2)
"""No action is followed for longer."""
UNSENT = {
    "silence": "Silence", "unsilence": "End the silence of", "maintenance": "Maintenance of",
    "maintained": "End the maintenance of", "ack": "Ack",
}  # fmt: skip
"""ports.UNSENT, in words."""
COLUMNS = ("asked", "ended", "person", "name", "chat", "action", "target", "token", "upid", "outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    audits: Sequence[Audit]  # newest first
    number: int  # page
    fleet: Fleet | None  # as last read: for names
    now: datetime
    whole: bool = False  # to be sent as a file


async def load(ask: Enquiry, arg: str) -> Data:
    """`page:2`."""
    text = arg.removeprefix("page:")
    number = int(text) if text.isdecimal() and len(text) < 5 else 1
    audits = await ask.env.store.audit(PER_PAGE * PAGES)
    return Data(audits=audits, number=number, fleet=ask.known(), now=ask.now)


async def load_whole(ask: Enquiry, arg: str) -> Data:
    audits = await ask.env.store.audit()
    return Data(audits=audits, number=1, fleet=ask.known(), now=ask.now, whole=True)


def draw(data: Data, asker: Asker) -> Screen:
    shown, number, pages = page_of(data.audits, data.number)
    parts: list[Said] = []
    for audit in shown:
        parts += [_order(audit, data.fleet), _end(audit, data.now), EMPTY]
    if not shown:
        parts = [say("Nothing was asked yet."), EMPTY]
    return Screen(
        text=lines(say("Audit · newest first"), EMPTY, *parts, age(data.now, data.now)),
        rows=(
            *pager("audit", lambda page: f"page:{page}", number, pages),
            (Button(say("All as file"), Open("auditfile")), refresh("audit", f"page:{number}" if number > 1 else "")),
            (Button(say("‹ Help"), Open("help")),),
        ),
        attachment=File(f"telemox-audit-{data.now:%Y%m%d-%H%M%S}.csv", _csv(data.audits)) if data.whole else None,
    )


def _order(audit: Audit, fleet: Fleet | None) -> Said:
    values: Mapping[str, Value] = {"when": day_clock(audit.asked), "name": audit.name, "person": audit.person}
    return say("{when} · {name} ({person}): {what}", what=what(audit, fleet), **values)


def what(audit: Audit, fleet: Fleet | None) -> Said:
    """`Reboot web (main/101)`."""
    action = BY_KEY.get(audit.action)
    label = say(action.label) if action else raw(UNSENT.get(audit.action, audit.action))
    return say("{action} {target}", action=label, target=_target(audit.target, fleet))


def _target(target: str, fleet: Fleet | None) -> str:
    target = target.removeprefix("guest ")
    cluster, _, vmid = target.partition("/")
    guest = fleet.guest(cluster, int(vmid)) if fleet is not None and vmid.isdecimal() and len(vmid) <= 9 else None
    return f"{guest.name} ({target})" if guest is not None else target


def _end(audit: Audit, now: datetime) -> Said:
    """An order ends once its end was told; what could not be told stays open, though the task may be over."""
    if audit.ended is None:
        return say("⏳ not ended yet") if now - audit.asked < LONG else say("⏳ its end could not be told yet")
    if (took := (audit.ended - audit.asked).total_seconds()) < 1:
        return outcome_of(audit)
    return say("{outcome} after {span}", outcome=outcome_of(audit), span=span(took))


def _csv(audits: Sequence[Audit]) -> bytes:
    """Times in UTC. What a spreadsheet would take for a formula gets an apostrophe in front: names are outside text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for audit in audits:
        ended = audit.ended.isoformat() if audit.ended else ""
        row = (audit.asked.isoformat(), ended, audit.person, audit.name, audit.chat, audit.action, audit.target)
        writer.writerow([_inert(str(cell)) for cell in (*row, audit.token, audit.upid, audit.outcome)])
    return out.getvalue().encode(errors="replace")


def _inert(cell: str) -> str:
    return (
        f"'{cell}"
        if cell[:1] in {"=", "+", "@", "\t", "\r"} or (cell[:1] == "-" and not cell[1:].isdecimal())
        else cell
    )


PAGE = Page(
    key="audit", help="Who asked for what, and how it ended", role=Role.ADMIN, command=True, load=load, draw=draw
)
FILE = Page(key="auditfile", help="", role=Role.ADMIN, load=load_whole, draw=draw)
