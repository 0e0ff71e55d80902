"""What the watch keeps no more, as the history has it: what happened once is there alone as soon as it was told."""

from collections.abc import Collection, Sequence

from bot.errors import NotFound
from bot.model import Alert, Card, Finding, Phase, Record
from bot.pages.alerting.watched import exists, id_of, one, visible, watch
from bot.pages.page import Enquiry
from bot.text import say

KEPT = 500
"""Records of the history that are looked through."""


async def found(ask: Enquiry, number: str) -> Alert:
    """Of a button: as it stands or, where it is kept no more, as it was. Raises: NotFound."""
    try:
        return one(ask, number)
    except NotFound:
        past = await been(ask, [id_of(number)] if id_of(number) else [])
        if not past:
            raise
        return past[0]


async def of_card(ask: Enquiry, id_: str) -> tuple[Card, list[Alert]]:
    """A card of this chat, and what it shows. Raises: NotFound."""
    card = watch(ask).card(id_of(id_))
    if card is None or card.chat != ask.place.chat:
        raise NotFound(say("That card is not kept any more. /alerts lists what there is."))
    kept = {number: alert for number in card.alerts if (alert := watch(ask).alert(number)) is not None}
    here = [alert for alert in kept.values() if visible(alert, ask.asker.scope)]
    return card, [*here, *await been(ask, [number for number in card.alerts if number not in kept])]


async def been(ask: Enquiry, numbers: Collection[int]) -> list[Alert]:
    """Those of the history, newest first, as far as it says how they were."""
    if not numbers:
        return []
    records: Sequence[Record] = [each for each in await watch(ask).history(KEPT) if each.number in numbers]
    return [as_it_was(each) for each in records if each.over is not None and exists(each.subject, ask.asker.scope)]


def as_it_was(record: Record) -> Alert:
    finding = Finding(
        rule=record.rule,
        subject=record.subject,
        severity=record.severity,
        said=record.said,
        details=record.details,
        event=f"{record.number}" if happened(record) else "",
    )
    return Alert(
        number=record.number,
        finding=finding,
        phase=Phase.OVER,
        found=record.fired,
        severity=record.severity,
        fired=record.fired,
        over=record.over,
        gone=record.gone,
    )


def happened(record: Record) -> bool:
    """Once, and that was it."""
    return record.over == record.fired
