"""The figures of the rules as settings: which there are, what their texts mean, and which of them cannot go together.

    TELEMOX_ALERTS__STORAGE_FULL__WARNING=90        settings_of(rule) -> Figure(name="warning", kind=Of.SHARE, …)
    TELEMOX_ALERTS__OVERRIDES=storage_full@storage:nas-backup warning=95 critical=98; *@tag:lab severity=info

All of it comes from the rows of `RULES`: a rule has a setting for each figure that its row has.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.config.fields import NESTED
from bot.envfile import NEAR
from bot.model import Severity
from bot.reading import shown
from bot.rules import Kind, Limit, Rule
from bot.rules.limits import ALL, SCOPES, Change, Override, applied, figures_of
from bot.rules.scopes import FOR_ALL as ONE_FOR_ALL
from bot.rules.scopes import SCOPES_OF

FOR_ALL = ("on", "severity", "hold", "clear")
"""What an override of all rules may change: their figures are of different things."""
_LONGEST = 10 * 365 * 86400.0  # s
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SWITCH = {"on": True, "yes": True, "true": True, "1": True, "off": False, "no": False, "false": False, "0": False}
_NUMBER = re.compile(r"(?P<number>[0-9]{1,12}(\.[0-9]{1,9})?) ?(?P<unit>[smhd%]?)")


class Of(Enum):
    """What a figure is of. The value says how it is written."""

    SWITCH = "on or off"
    SEVERITY = "info, warning or critical"
    SHARE = "a share: 0.9, 90 or 90%"
    TIME = "a time: 90, 90s, 5m, 2h or 7d"
    DAYS = "a number of days, 0 or more: 10 or 10d"
    PERCENT = "a number of percent from 0 to 100: 10 or 10%"
    WHOLE = "a whole number from 1 to 999999"
    NUMBER = "a number, 0 or more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of one rule. `name` is the field of Limit, or the name in its `more`."""

    rule: Rule
    name: str
    of: Of
    default: Change | None

    @property
    def setting(self) -> str:
        return f"{NESTED}{self.rule.key}__{self.name}".upper()

    def show(self, value: Change | None) -> str:
        """As it would be typed."""
        if value is None:
            return ""
        if self.of is Of.SWITCH:
            return "on" if value else "off"
        if isinstance(value, Severity):
            return value.word
        if self.of is Of.SHARE:
            return f"{round(100 * value, 7):g}%"
        if self.of is Of.TIME:
            unit = next(unit for unit in "dhms" if value % _UNITS[unit] == 0 or unit == "s") if value else "s"
            return f"{value / _UNITS[unit]:g}{unit}"
        return f"{value:g}" + {Of.DAYS: "d", Of.PERCENT: "%"}.get(self.of, "")


def settings_of(rule: Rule) -> tuple[Figure, ...]:
    """In the order in which they are documented."""
    limit = rule.limit
    found: list[tuple[str, Of, Change | None]] = [
        ("on", Of.SWITCH, limit.on),
        ("severity", Of.SEVERITY, limit.severity),
    ]
    figures = figures_of(limit)
    found += [(name, _of(rule, name, value), value) for name, value in figures.items() if value is not None]
    if rule.kind is Kind.STATE or limit.hold or limit.clear:
        found += [("hold", Of.TIME, limit.hold), ("clear", Of.TIME, limit.clear)]
    found += [("polls", Of.WHOLE, limit.polls)] if limit.polls else []
    found += [("count", Of.WHOLE, limit.count)] if limit.count else []
    found += [("within", Of.TIME, limit.within)] if limit.within else []
    return tuple(Figure(rule=rule, name=name, of=of, default=default) for name, of, default in found)


def _of(rule: Rule, name: str, default: float) -> Of:
    """By the name; of a warning or critical by the unit that the rule's help names."""
    own = frozenset() if name in rule.limit.more else frozenset(re.findall(r"[a-z_]+", rule.help.lower()))
    if name.endswith("_seconds") or "seconds" in own:
        return Of.TIME
    if name.endswith("_days") or "days" in own:
        return Of.DAYS
    if "percent" in own:
        return Of.PERCENT
    return Of.SHARE if 0 < default < 1 else Of.NUMBER


def read(figure: Figure, text: str) -> Change:
    """Raises: ValueError."""
    word, found = text.strip().lower(), _NUMBER.fullmatch(text.strip().lower())
    number, unit = (float(found["number"]), found["unit"]) if found else (0.0, "")
    match figure.of:
        case Of.SWITCH if word in _SWITCH:
            return _SWITCH[word]
        case Of.SEVERITY if word.upper() in Severity.__members__:
            return Severity[word.upper()]
        case Of.SHARE if found and unit in {"", "%"}:
            value = number / 100 if unit or number > 1 else number
            if value <= 1:
                return value
        case Of.TIME if found and unit in _UNITS and number * _UNITS[unit] <= _LONGEST:
            return number * _UNITS[unit]
        case Of.DAYS if found and unit in {"", "d"} and number <= _LONGEST:
            return number
        case Of.PERCENT if found and unit in {"", "%"} and number <= 100:
            return number
        case Of.WHOLE if re.fullmatch(r"[1-9][0-9]{0,5}", word):
            return int(word)
        case Of.NUMBER if found and not unit:
            return number
        case Of.NUMBER if figure.default in {0, 1} and word in _SWITCH:
            return float(_SWITCH[word])
        case _:
            pass
    raise ValueError(f"{shown(text)} is not {figure.of.value}")


def mistakes(rule: Rule, changes: Mapping[str, Change], limit: Limit) -> list[tuple[str, str]]:
    """What cannot be, of `limit` as the `changes` made it: the name of a figure and words about it.

    Clear stands below fire and warning below critical, or above, where the rule's own do.
    """
    figures = {figure.name: figure for figure in settings_of(rule)}
    own, now = figures_of(rule.limit), figures_of(limit)
    wrong: list[tuple[str, str]] = []
    for name in own:
        others = [f"{name}_clear"]
        others += [f"{name.removesuffix('critical')}warning"] if name.endswith("critical") else []
        for other in others:
            was, its = own[name], own.get(other)
            high, low = now[name], now.get(other)
            if was is None or its is None or high is None or low is None or not {name, other} & set(changes):
                continue
            if (low < high) if its < was else (low > high) if its > was else True:
                continue
            wrong_one, right_one = (other, name) if other in changes else (name, other)
            below = (its < was) is (wrong_one == other)
            value = now[right_one]
            words = f"must be {'below' if below else 'above'} {right_one}, {figures[right_one].show(value)}"
            wrong.append((wrong_one, words))
    return wrong


def changed(rules: Sequence[Rule], values: Mapping[str, str]) -> tuple[dict[str, Limit], list[str]]:
    """Limits by rule from settings by full name, and the lines about those that are wrong."""
    limits: dict[str, Limit] = {}
    lines: list[str] = []
    for rule in rules:
        changes: dict[str, Change] = {}
        for figure in settings_of(rule):
            if (text := values.get(figure.setting)) is not None:
                try:
                    changes[figure.name] = read(figure, text)
                except ValueError as error:
                    lines.append(f"{figure.setting}: {error}")
        if changes:
            limits[rule.key] = applied(rule.limit, changes)
            by_name = {figure.name: figure.setting for figure in settings_of(rule)}
            wrong = mistakes(rule, changes, limits[rule.key])
            lines += [f"{by_name[name]}: {words}" for name, words in wrong]
    return limits, lines


# -- overrides -----------------------------------------------------------------------------------------------------

_ENTRY = re.compile(rf"(?P<rule>[a-z0-9_]+|\*)@(?P<by>{'|'.join(SCOPES)}):(?P<value>\S+)(?P<fields>(\s+\S+)*)")


def overrides(text: str, rules: Sequence[Rule], limits: Mapping[str, Limit]) -> tuple[Override, ...]:
    """`limits`: what the settings made of the rules' own. Raises: ValueError with a line for each mistake."""
    found, wrong = [], []
    for entry in filter(None, map(str.strip, text.split(";"))):
        try:
            found.append(_override(entry, {rule.key: rule for rule in rules}, limits))
        except ValueError as error:
            wrong += [f"{shown(entry)}: {line}" for line in str(error).splitlines()]
    if wrong:
        raise ValueError("\n".join(wrong))
    return tuple(found)


def _override(entry: str, rules: Mapping[str, Rule], limits: Mapping[str, Limit]) -> Override:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError(f"is not <rule or *>@<{'|'.join(SCOPES)}>:<value> field=value …")
    key = match["rule"]
    if key != ALL and key not in rules:
        raise ValueError(f"there is no rule {shown(key)}{_nearest(key, rules)}")
    scopes = SCOPES_OF.get(key, SCOPES)
    if match["by"] not in scopes:
        raise ValueError(
            f"{key} has exceptions by {', '.join(scopes)}, none by {match['by']}"
            if scopes
            else f"{key} has no exceptions: it is about the cluster, not about its parts"
        )
    whose = rules.values() if key == ALL else (rules[key],)
    known = {figure.name: figure for rule in whose for figure in settings_of(rule)}
    known = {name: figure for name, figure in known.items() if key != ALL or name in FOR_ALL}
    changes: dict[str, Change] = {}
    for part in match["fields"].split():
        name, equals, value = part.partition("=")
        if not equals or name.lower() not in known:
            raise ValueError(f"{shown(part)} is none of {', '.join(f'{name}=…' for name in known)}")
        changes[name.lower()] = read(known[name.lower()], value)
    if not changes:
        raise ValueError("changes nothing")
    if fixed := sorted(ONE_FOR_ALL.get(key, frozenset()) & changes.keys()):
        raise ValueError(f"{', '.join(fixed)} of {key} is one for all, and no exception changes it")
    if key != ALL:
        wrong = mistakes(rules[key], changes, applied(limits.get(key, rules[key].limit), changes))
        if wrong:
            raise ValueError("\n".join(f"{name} {words}" for name, words in wrong))
    return Override(rule=key, by=match["by"], value=match["value"], changes=changes)


def _nearest(word: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=NEAR)
    return f"; did you mean {close[0]}?" if close else ""
