"""The lines that give a token what it lacks, to be run as root on a node; for refusals, /whoami, /alerts and check."""

from bot.text import Said, code, lines, say

VIEW_ROLE, POWER_ROLE = "TelemoxView", "TelemoxPower"
_HELD = ("VM.PowerMgmt",)
"""What TelemoxPower holds besides looking; anything else that acts has to be put into it first (privileges.py)."""


def grant(path: str, token: str, role: str) -> tuple[str, str]:
    """The two lines that give a token a role: a token with separated privileges has no more than its user has.

    The user keeps seeing: on a path of its own a role replaces what is inherited from above (PVE/AccessControl.pm,
    roles).
    """
    user = token.partition("!")[0]
    roles = f"{VIEW_ROLE},{POWER_ROLE}" if role == POWER_ROLE else role
    return (
        f"pveum acl modify {path} --users {user} --roles {roles}",
        f"pveum acl modify {path} --tokens '{token}' --roles {role}",
    )


def cure(path: str, token: str, privilege: str) -> tuple[str, ...]:
    """The lines that give a token a privilege on an ACL path, to be run as root on a node."""
    if privilege.endswith(".Audit"):
        return grant(path, token, VIEW_ROLE)
    if privilege in _HELD:
        return grant(path, token, POWER_ROLE)
    append = f"pveum role modify {POWER_ROLE} --append 1 --privs {privilege.partition('|')[0]}"
    return (append,) if path.startswith("/vms") else (append, *grant(path, token, POWER_ROLE))


def joined(commands: tuple[str, ...]) -> str:
    """As one line, for a copy button."""
    return " && ".join(commands)


def to_mend(commands: tuple[str, ...]) -> Said:
    """A line each, to be read."""
    return lines(say("To mend:"), *(code(command) for command in commands))
