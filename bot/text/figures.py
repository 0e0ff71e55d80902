"""Numbers and times, said the way a person says them."""

from datetime import UTC, datetime

from bot.text.said import Ago, Moment, Sentence, say


def size(count: float) -> Sentence:
    """Bytes in IEC units, two digits at least: `512 MiB`, `2.3 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if abs(count) < 1024 or unit == "PiB":
            number = f"{count:.0f}" if unit in {"B", "KiB"} or count >= 10 else f"{count:.1f}"
            return say("{number} " + unit, number=number)
        count /= 1024
    raise AssertionError("unreachable")


def size_short(count: float) -> str:
    """Bytes for a column: `512M`, `2.3G`."""
    for unit in ("B", "K", "M", "G", "T", "P"):
        if abs(count) < 1024 or unit == "P":
            return f"{count:.0f}{unit}" if unit in {"B", "K", "M"} or count >= 10 else f"{count:.1f}{unit}"
        count /= 1024
    raise AssertionError("unreachable")


def size_pair(part: float, whole: float) -> Sentence:
    """`2.3 of 4.0 GiB`: both in the unit of the whole."""
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
    index = 0
    while abs(whole) >= 1024 and index < len(units) - 1:
        part, whole, index = part / 1024, whole / 1024, index + 1
    form = "{:.1f}" if index and whole < 100 else "{:.0f}"
    return say("{part} of {whole} " + units[index], part=form.format(part), whole=form.format(whole))


def share(value: float) -> str:
    """A share 0..1 as `58%`. Above 1 is possible (host memory of a VM on PVE 9) and shown as it is."""
    return f"{value * 100:.0f}%"


def bar(value: float, cells: int = 5) -> str:
    """A share 0..1 as `▰▰▰▱▱`, rounded; what is not nothing shows a cell at least, and never more than all."""
    full = max(1 if value > 0 else 0, min(cells, round(value * cells)))
    return "▰" * full + "▱" * (cells - full)


def span(seconds: float) -> Sentence:
    """A duration in its two largest units: `12 d 4 h`, `34 s`."""
    whole = max(0, int(seconds))
    minutes, secs = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return say("{d} d {h} h", d=days, h=hours) if hours else say("{d} d", d=days)
    if hours:
        return say("{h} h {m} min", h=hours, m=minutes) if minutes else say("{h} h", h=hours)
    if minutes:
        return say("{m} min {s} s", m=minutes, s=secs) if secs and minutes < 10 else say("{m} min", m=minutes)
    return say("{s} s", s=secs)


def lasting(seconds: float) -> Sentence:
    """For how long something lasted, the same wherever that is said: `34 s`, from a minute on without seconds, which
    the polls do not know."""
    return span(seconds if seconds < 60 else seconds // 60 * 60)


def clock(at: datetime) -> Moment:
    """`14:02:31` in the reader's zone."""
    return Moment(at, "%H:%M:%S")


def day_clock(at: datetime) -> Moment:
    """`2026-11-24 14:02` in the reader's zone."""
    return Moment(at, "%Y-%m-%d %H:%M")


def ago(at: datetime) -> Ago:
    """`3 minutes ago`, counted by the reader's phone; else `24 Nov 14:02` in their zone, which stays true as well."""
    return Ago(at, "%d %b %H:%M")


def from_epoch(seconds: float) -> datetime:
    """Epoch seconds (Proxmox: always UTC) as an aware time."""
    return datetime.fromtimestamp(seconds, UTC)
