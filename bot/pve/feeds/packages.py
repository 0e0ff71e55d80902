"""Packages of Proxmox VE on a node: what could be newer, and which kernel a reboot would bring."""

import re

from bot.model.readings import Packages
from bot.pve.feeds.source import Source
from bot.pve.parse import Garbled, rows, shown, text

_KERNEL = re.compile(r"(?:pve|proxmox)-kernel-(?P<release>\d+\.\d+\.\d+-\d+(?:-rc\d+)?-pve)(?:-signed)?")
MOST = 20  # names that are kept


async def read_packages(source: Source, node: str) -> Packages:
    """GET /nodes/{node}/apt/versions. The list of all updates would need Sys.Modify, which lets its holder update."""
    return await source.get(f"/nodes/{node}/apt/versions", packages, timeout=25.0)


def packages(body: bytes) -> Packages:
    """`Version` is the newest to be had, `OldVersion` what is installed (PVE/API2/APT.pm, versions)."""
    outdated: list[str] = []
    kernels: list[str] = []
    running, seen = "", False
    for row in rows(body):
        if not isinstance(row, dict) or not (name := text(row.get("Package"))):
            continue
        seen = True
        running = text(row.get("RunningKernel")) or running
        if text(row.get("CurrentState")) not in {"", "Installed"}:
            continue
        if (kernel := _KERNEL.fullmatch(name)) is not None:
            kernels.append(kernel["release"])
        old, new = text(row.get("OldVersion")), text(row.get("Version"))
        if old and new and old != new:
            outdated.append(name)
    if not seen:
        raise Garbled(f"no packages in it: {shown(body)}")
    return Packages(
        outdated=len(outdated),
        important=tuple(sorted(outdated, key=lambda name: (not name.startswith("pve-"), name)))[:MOST],
        kernel_running=running,
        kernel_installed=max(kernels, key=_age, default=""),
    )


def _age(release: str) -> tuple[int, ...]:
    """6.8.12-10-pve is newer than 6.8.12-9-pve."""
    return tuple(int(digits[:9]) for digits in re.findall(r"\d+", release))
