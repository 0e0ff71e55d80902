"""TELEMOX_ALERTS__…: how often is looked, and what is worth an alert."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from bot import reading
from bot.config.fields import setting

if TYPE_CHECKING:
    from bot.rules import Limit
    from bot.rules.limits import Override
else:  # load() has made them: nothing is left to check, and a start does not wait for the rules
    Limit = Override = Any

GROUP = "Alerts"


class Alerts(BaseModel):
    """`changed` and `overrides` are read from their texts by load(), which knows the rules."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    poll_seconds: Annotated[float, BeforeValidator(reading.seconds)] = setting(
        GROUP,
        "How often the cluster is looked at, in seconds, at least 1. Proxmox VE renews its figures every 10 s: looking "
        "more often finds nothing sooner.",
        "15",
        15,
    )
    time_scale: Annotated[float, BeforeValidator(reading.number)] = setting(
        GROUP,
        "Multiplies every hold, wait, repeat, quiet time and slow reading, so that a trial need not take hours: 0.1 is "
        "ten times as fast. Leave it at 1.",
        "0.1",
        1,
    )
    overrides: tuple[Override, ...] = setting(
        GROUP,
        "Exceptions by guest tag, pool, guest, node or storage, separated by semicolons: <rule, or * for all>@<tag|"
        "pool|guest|node|storage>:<value> field=value …; of several the one that stands later wins. The rules and "
        "their fields: docs/alerts.md.",
        "storage_full@storage:nas-backup warning=95 critical=98; *@tag:lab severity=info",
        (),
    )
    changed: Mapping[str, Limit] = Field(default={})

    @field_validator("poll_seconds")
    @classmethod
    def _poll(cls, value: float) -> float:
        if not 1 <= value <= 3600:
            raise ValueError("must be at least 1 second and at most an hour")
        return value

    @field_validator("time_scale")
    @classmethod
    def _scale(cls, value: float) -> float:
        if not 0 < value <= 1000:
            raise ValueError("must be above 0 and at most 1000")
        return value
