"""Tasks by their UPIDs, how they stand, and their logs."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from bot.text import from_epoch

_NODE = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
"""A node's name (pve-common, JSONSchema.pm, pve-node)."""
_PART = r"(?!\.{1,2}:)[^:/\s]+"
"""Of a UPID: it stands in a path, so no slash (which 7 would let pass) and nothing that leads up."""
_UPID = re.compile(
    rf"UPID:(?P<node>{_NODE}):(?P<pid>[0-9A-Fa-f]{{8}}):(?P<pstart>[0-9A-Fa-f]{{8,9}}):"
    rf"(?P<start>[0-9A-Fa-f]{{8}}):(?P<type>{_PART}):(?P<id>(?:{_PART})?):(?P<user>{_PART}):"
)


def is_node(text: str) -> bool:
    """Can this be a node's name?"""
    return re.fullmatch(_NODE, text) is not None


@dataclass(frozen=True, slots=True)
class Upid:
    """A task's name (pve-common, UPID.pm). The node in it is the one to ask about it."""

    text: str
    node: str
    start: datetime
    type: str  # qmreboot, vzdump, hastart …
    subject: str  # vmid, storage … '' where the task has none
    user: str  # user@realm or user@realm!token

    @classmethod
    def parse(cls, text: str) -> "Upid":
        """Raises ValueError on anything that is not a UPID."""
        match = _UPID.fullmatch(text)
        if match is None:
            raise ValueError(f"not a UPID: {text[:80]!r}")
        return cls(text, match["node"], from_epoch(int(match["start"], 16)), match["type"], match["id"], match["user"])

    def __str__(self) -> str:
        return self.text


class Outcome(Enum):
    """How a task stands, from its status and exit status."""

    RUNNING = "running"
    OK = "ok"
    WARNINGS = "warnings"  # done, with warnings in its log
    ERROR = "error"
    UNKNOWN = "unknown"  # its end was not written down: killed, power loss, or seen as the worker exits


def lost(exitstatus: str) -> bool:
    """Of a task that has ended: does it say no more than that nobody wrote down how? The words differ between 7, 8 and
    9 (pve-common, UPID.pm and RESTEnvironment.pm)."""
    return exitstatus in {"", "unexpected status"} or exitstatus.startswith(
        ("unable to read tail", "unable to open file", "unable to get last line")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """From a task list or a task's status."""

    cluster: str
    upid: Upid
    outcome: Outcome
    exitstatus: str = ""  # '' while running
    end: datetime | None = None  # None while running, and in a task's own status, which does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLog:
    """Lines `start` to `start + len(lines)` of `total`, without line numbers."""

    lines: tuple[str, ...]
    total: int
    start: int = 0
