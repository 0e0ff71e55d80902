"""All alerts and silences, in memory, and what of them is still to be written down. No I/O: between two awaits it is
always whole."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta

from bot.clock import AHEAD
from bot.life import WINDOW
from bot.model import Alert, Phase, Record, Silence
from bot.ports import NUMBER, SILENCE, Changes, Kept
from bot.watch.gone import ended_unwatched

_IDS = {"alerts": "number", "cards": "id", "outbox": "id", "silences": "id", "history": "number"}
_UNDOES = {"gone": "alerts", "cards_gone": "cards", "sent": "outbox", "silences_gone": "silences"}


class Table:
    def __init__(self) -> None:
        self.of: dict[str, Mapping[int, Alert]] = {}  # cluster -> its alerts by number
        self.silences: dict[int, Silence] = {}
        self._number = self._silence = 0

    def load(self, kept: Kept, clusters: Iterable[str]) -> Changes:
        """Gives what is to be forgotten: alerts of clusters that are watched no more (`ended`)."""
        self.of = {cluster: {} for cluster in clusters}
        strangers: list[Alert] = []
        for alert in kept.alerts:
            mine = self.of.get(alert.finding.subject.cluster)
            if mine is None:
                strangers.append(alert)
            else:
                self.of[alert.finding.subject.cluster] = {**mine, alert.number: alert}
        self.silences = {silence.id: silence for silence in kept.silences}
        self._number = max(_whole(kept.facts.get(NUMBER)), *(a.number for a in kept.alerts), 0)
        self._silence = max(_whole(kept.facts.get(SILENCE)), *self.silences, 0)
        history = [record(alert) for alert in strangers if alert.phase is Phase.OVER]
        return Changes(gone=[alert.number for alert in strangers], history=history)

    def number(self) -> int:
        self._number += 1
        return self._number

    def silence_id(self) -> int:
        self._silence += 1
        return self._silence

    @property
    def facts(self) -> dict[str, str]:
        """Written with whatever uses a new number: none is ever given twice."""
        return {NUMBER: str(self._number), SILENCE: str(self._silence)}

    def all(self) -> dict[int, Alert]:
        return {number: alert for alerts in self.of.values() for number, alert in alerts.items()}

    def get(self, number: int) -> Alert | None:
        return next((alerts[number] for alerts in self.of.values() if number in alerts), None)

    def put(self, alerts: Iterable[Alert]) -> None:
        """Those that are still there: what was forgotten meanwhile stays so."""
        new: dict[str, dict[int, Alert]] = {}
        for alert in alerts:
            new.setdefault(alert.finding.subject.cluster, {})[alert.number] = alert
        for cluster, mine in new.items():
            there = self.of.get(cluster, {})
            if kept := {number: alert for number, alert in mine.items() if number in there}:
                self.of[cluster] = {**there, **kept}

    def expired(self, now: datetime) -> list[int]:
        """Takes them out."""
        over = [silence.id for silence in self.silences.values() if silence.until <= now]
        for id_ in over:
            del self.silences[id_]
        return over

    def righted(self, now: datetime) -> list[Silence]:
        """Those that were made while the clock was ahead: they last as long as they were to, from now on."""
        wrong = [silence for silence in self.silences.values() if silence.made - now > AHEAD]
        right = [replace(one, made=now, until=now + (one.until - one.made)) for one in wrong]
        self.silences |= {silence.id: silence for silence in right}
        return right

    def forget(
        self, cluster: str, shown: set[int], now: datetime, scale: float, accepted: Callable[[], Collection[int]]
    ) -> Changes:
        """Those over that every place has seen end, `shown`, become history. Of a state they are kept as long as its
        changes count for flapping. `accepted`: of which Telegram has taken a message by now."""
        mine = self.of.get(cluster, {})
        window = timedelta(seconds=WINDOW * scale)
        done = [
            alert
            for number, alert in mine.items()
            if alert.phase is Phase.OVER
            and number in shown
            and not alert.renewable(now)
            and (alert.finding.event or alert.over is None or not timedelta() <= now - alert.over < window)
        ]
        if not done:
            return Changes()
        numbers = {alert.number for alert in done}
        self.of[cluster] = {number: alert for number, alert in mine.items() if number not in numbers}
        told = accepted()
        records = [record(replace(alert, told=alert.told or alert.number in told)) for alert in done]
        return Changes(gone=sorted(numbers), history=records)


def ended(kept: Kept, clusters: Iterable[str], now: datetime) -> Kept:
    """With all over of clusters that are watched no more: nothing would ever end it, and messages show it."""
    watched = set(clusters)

    def as_left(alert: Alert) -> Alert:
        if not alert.open or alert.finding.subject.cluster in watched:
            return alert
        return replace(ended_unwatched(alert), phase=Phase.OVER, over=now, flapping=None)

    return replace(kept, alerts=tuple(as_left(alert) for alert in kept.alerts))


def record(alert: Alert) -> Record:
    finding = alert.finding
    return Record(
        number=alert.number,
        rule=finding.rule,
        subject=finding.subject,
        severity=alert.severity,
        said=alert.headline or finding.said,
        fired=alert.worse or alert.fired or alert.found,
        over=alert.over,
        lasted=alert.lasted,
        acked_by=alert.acked_by,
        told=alert.told,
        gone=alert.gone,
        unwell=finding.unwell if alert.phase is Phase.OVER else None,
        details=finding.details if finding.event else (),
    )


def merge(*parts: Changes) -> Changes:
    """As if one were saved after the other."""
    values: dict[str, object] = {}
    for name in (one.name for one in fields(Changes)):
        found = [value for part in parts if (value := getattr(part, name))]
        if not found:
            continue
        if isinstance(found[0], Mapping):
            values[name] = {key: value for part in found for key, value in part.items()}
        elif name in _IDS:
            values[name] = list({getattr(row, _IDS[name]): row for part in found for row in part}.values())
        elif name in {"routes", "habits"}:
            values[name] = list(
                {(row.chat, getattr(row, "topic", None)): row for part in found for row in part}.values()
            )
        else:
            values[name] = list(dict.fromkeys(row for part in found for row in part))
    return _without_undone(replace(Changes(), **values), parts)  # type: ignore[arg-type]  # by name, each of its type


def _without_undone(merged: Changes, parts: Sequence[Changes]) -> Changes:
    """What a later part takes back is not written; what a later part writes is not taken back."""
    last: dict[tuple[str, int], str] = {}
    for part in parts:
        for gone, rows in _UNDOES.items():
            last |= {(rows, getattr(row, _IDS[rows])): rows for row in getattr(part, rows)}
            last |= {(rows, id_): gone for id_ in getattr(part, gone)}
    values: dict[str, object] = {}
    for gone, rows in _UNDOES.items():
        if getattr(merged, gone) and getattr(merged, rows):
            kept = [row for row in getattr(merged, rows) if last[rows, getattr(row, _IDS[rows])] == rows]
            values[rows] = kept
            values[gone] = [id_ for id_ in getattr(merged, gone) if last[rows, id_] == gone]
    return replace(merged, **values) if values else merged  # type: ignore[arg-type]  # as above


def _whole(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0
