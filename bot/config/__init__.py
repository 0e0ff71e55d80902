"""Settings: what the environment, a `.env`, files and systemd credentials say, typed and checked once.

    load(env_file, environ) -> Settings        or ConfigError with every mistake, one line each

The names are a contract. Each field's description is what `.env.example` and docs/settings.md say about it (`make
docs`). Secrets are `SecretStr`: no `repr`, traceback or mistake shows one. What the doors need is given by properties,
in their own types.

    base.py       the bot, the cluster, the people      settings.py   and alerts, and the listener
    alerts.py     TELEMOX_ALERTS__POLL_SECONDS …        limits.py     the figures of the rules, and their exceptions
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from bot.config.alerts import Alerts
from bot.config.base import MAIN
from bot.config.fields import NESTED, setting
from bot.config.settings import Settings
from bot.envfile import PREFIX, gather
from bot.errors import TelemoxError
from bot.logs import Redactor
from bot.rules import Rule

__all__ = ["DEFAULT_ENV_FILE", "FIELDS", "MAIN", "Alerts", "ConfigError", "Settings", "load", "secret", "setting"]

DEFAULT_ENV_FILE = Path(".env")
"""Read where it exists; any other that is named must exist."""

FIELDS: Mapping[str, FieldInfo] = {
    name: field
    for outer, whole in Settings.model_fields.items()
    for name, field in (
        [(f"{PREFIX}{outer}".upper(), whole)]
        if outer != "alerts"
        else [(f"{NESTED}{inner}".upper(), part) for inner, part in Alerts.model_fields.items()]
    )
    if field.json_schema_extra
}
"""By full name, in the order of the code: all but the figures of the rules (limits.settings_of)."""


class ConfigError(TelemoxError):
    """Wrong settings: `lines` holds every mistake, and no secret."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def secret(name: str) -> bool:
    return name in FIELDS and "SecretStr" in str(FIELDS[name].annotation)


class _Names(Mapping[str, bool]):
    """Every full name, and whether it is a secret. The rules are not looked at before a name could be one of theirs:
    to put them together takes longer than all the rest of a start."""

    def __init__(self, rules: Sequence[Rule] | None) -> None:
        self._own = {name: secret(name) for name in FIELDS}
        self._rules = rules
        self._all: dict[str, bool] | None = None

    @property
    def rules(self) -> Sequence[Rule]:
        if self._rules is None:
            from bot.rules import RULES

            self._rules = RULES
        return self._rules

    def _whole(self) -> dict[str, bool]:
        if self._all is None:
            from bot.config import limits

            of_rules = (figure.setting for rule in self.rules for figure in limits.settings_of(rule))
            self._all = self._own | dict.fromkeys(of_rules, False)
        return self._all

    def __getitem__(self, name: str) -> bool:
        if name in self._own or not name.startswith(NESTED):
            return self._own[name]
        return self._whole()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._whole())


def load(
    env_file: Path | None = DEFAULT_ENV_FILE,
    environ: Mapping[str, str] | None = None,
    rules: Sequence[Rule] | None = None,
) -> Settings:
    """Settings from `environ` (os.environ) and `env_file` (None: from none). `rules`: others than RULES.

    Raises: ConfigError with every mistake.
    """
    environ = os.environ if environ is None else environ
    names = _Names(rules)
    found = gather(names, environ, env_file, must_exist=env_file != DEFAULT_ENV_FILE)
    alerts, lines = _alerts(found.values, names)
    flat = {name: text for name, text in found.values.items() if not name.startswith(NESTED)}
    values: dict[str, Any] = {name.removeprefix(PREFIX).lower(): text for name, text in flat.items()}
    if state := environ.get("STATE_DIRECTORY"):  # systemd; several are separated by colons
        values.setdefault("data_dir", state.partition(":")[0])
    mistakes = list(found.mistakes)
    try:
        settings = Settings.model_validate(values | {"alerts": alerts})
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = _full_name(problem["loc"])
            if name not in found.failed and not (found.refused and problem["type"] == "missing"):
                words = _words(name, problem["type"], problem.get("ctx", {}), problem["msg"])
                mistakes += [f"{name}: {line}" for line in words.splitlines()]
    if mistakes := mistakes + lines:
        # a secret that went into the wrong setting is part of what is said of that one
        redact = Redactor(value for name, value in found.values.items() if names[name])
        raise ConfigError([redact(line) for line in mistakes])
    return settings


def _alerts(values: Mapping[str, str], names: _Names) -> tuple[dict[str, Any], list[str]]:
    """What `Alerts` takes, and the lines about the rules' figures that are wrong."""
    name = f"{NESTED}OVERRIDES"
    given: dict[str, Any] = {}
    lines: list[str] = []
    for inner in ("poll_seconds", "time_scale"):
        if (text := values.get(f"{NESTED}{inner}".upper())) is not None:
            given[inner] = text
    if name not in values and not any(one.startswith(NESTED) and one not in FIELDS for one in values):
        return given, lines
    from bot.config import limits

    changed, lines = limits.changed(names.rules, values)
    given["changed"] = changed
    try:
        given["overrides"] = limits.overrides(values.get(name, ""), names.rules, changed)
    except ValueError as error:
        lines += [f"{name}: {line}" for line in str(error).splitlines()]
    return given, lines


def _full_name(path: Sequence[int | str]) -> str:
    own = [str(part) for part in path[: 2 if path[0] == "alerts" else 1]]
    return PREFIX + "__".join(own).upper()


def _words(name: str, kind: str, context: Mapping[str, Any], message: str) -> str:
    match kind:
        case "missing":
            return f"is not set. {(FIELDS[name].description or '').partition('. ')[0].removesuffix('.')}."
        case "literal_error":
            return f"must be one of {str(context['expected']).replace(chr(39), '')}"
        case "value_error":
            return str(context["error"])
        case _:
            return message
