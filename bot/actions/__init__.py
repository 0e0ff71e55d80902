"""TABLE: what can be done. One row an action; the row drives everything.

The button, the role check, the notice that the token lacks a privilege, the confirmation, the call, the progress text,
the verification, the README's table, the pveum role script and their tests are all read from the row. To add an action,
add a row to the file of its subject (action.py says what each column means) and run `make docs`; the dangerous columns
have no default: forgetting one fails. The order here is that in which they are offered.
"""

from collections.abc import Mapping

from bot.access import Asker, Role, may
from bot.actions import backups, power
from bot.actions.action import Action
from bot.model import Guest, Permissions

ACTIONS: tuple[Action, ...] = (*power.ACTIONS, *backups.ACTIONS, *power.HARSH)

BY_KEY: Mapping[str, Action] = {action.key: action for action in ACTIONS}


def offers(guest: Guest, asker: Asker, permissions: Mapping[Role, Permissions]) -> tuple[Action, ...]:
    """What to draw for this asker on this guest: kind, role, state, and the privilege of the token that would act.

    `permissions` holds the tokens that exist, by role; an action whose token does not exist is not drawn.
    """
    return tuple(
        action
        for action in ACTIONS
        if guest.kind in action.on
        and may(asker, action.role)
        and action.offered(guest)
        and action.role in permissions
        and action.lacks(guest, permissions[action.role]) is None
    )


__all__ = ["ACTIONS", "BY_KEY", "Action", "offers"]
