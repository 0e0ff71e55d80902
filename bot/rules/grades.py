"""From a figure and its limits to how bad it is."""

from bot.model import Severity
from bot.rules.rule import Limit, Limits


def active(limits: Limits) -> bool:
    """Is the rule on for anything at all?"""
    return limits.base.on or any(limit.on for limit in limits.exceptions.values())


def graded(value: float, limit: Limit) -> tuple[Severity, bool] | None:
    """How bad, and whether it is only grey; None: well. Higher is worse."""
    if limit.critical is not None and value >= limit.critical:
        return Severity.CRITICAL, False
    if limit.warning is not None and value >= limit.warning:
        return Severity.WARNING, False
    clear = limit.warning_clear if limit.warning is not None else limit.critical_clear
    if clear is not None and value >= clear:
        return Severity.WARNING if limit.warning is not None else Severity.CRITICAL, True
    return None


def floor(limits: Limits) -> float | None:
    """Below this figure nothing is found of anybody; None: nothing ever is."""
    floors = [_floor(limit) for limit in (limits.base, *limits.exceptions.values()) if limit.on]
    return min((one for one in floors if one is not None), default=None)


def _floor(limit: Limit) -> float | None:
    figures = (limit.warning, limit.warning_clear, limit.critical, limit.critical_clear)
    return min((figure for figure in figures if figure is not None), default=None)


def more(limit: Limit, name: str, default: float) -> float:
    return limit.more.get(name, default)
