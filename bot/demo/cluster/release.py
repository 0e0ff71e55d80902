"""A version of Proxmox VE, and what differs between versions (pve-manager's and pve-http-server's changelogs)."""

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Release:
    text: str  # 9.1.11, or 7.4-20

    @cached_property
    def parts(self) -> tuple[int, ...]:
        return tuple(int(part) for part in re.findall(r"\d+", self.text))

    @property
    def release(self) -> str:
        """As in GET /version: 9.1"""
        return ".".join(map(str, self.parts[:2]))

    @property
    def major(self) -> int:
        return self.parts[0]

    def since(self, *parts: int) -> bool:
        return self.parts >= parts

    @property
    def message_in_body(self) -> bool:
        """pve-http-server 5.2.0 (2025-01-28): error bodies carry `message`; before, only the reason phrase has it."""
        return self.since(8, 4)

    @property
    def masked_auth(self) -> bool:
        """pve-manager 9.1.5 and 8.4.17: every 401 says `Authentication failed!`"""
        return self.since(9, 1, 5) or (self.major == 8 and self.since(8, 4, 17))

    @property
    def json_types(self) -> bool:
        """JSON bodies keep their types when handed to another process or node (pve-http-server 5.0.2, 2023-06)."""
        return self.major >= 8

    @property
    def agent_audit(self) -> str:
        """The privilege that reading from the guest agent takes."""
        return "VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted" if self.major >= 9 else "VM.Monitor"
