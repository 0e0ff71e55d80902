"""A field of the settings, with what its documentation needs."""

from typing import Any

from pydantic import Field

from bot.envfile import PREFIX

NESTED = f"{PREFIX}ALERTS__"
"""Before the settings of alerts."""


def setting(group: str, description: str, example: str, default: Any = ..., **kwargs: Any) -> Any:
    """`group`: the heading it stands under in the documentation; `example`: a value that could be its own."""
    return Field(default, description=description, json_schema_extra={"group": group, "example": example}, **kwargs)
