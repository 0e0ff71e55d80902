"""Who may use the bot, where it keeps its database, who can reach it: from the settings and the disk alone."""

import os
from collections.abc import Iterator
from pathlib import Path

from bot.access import Role
from bot.check.line import Line, fail, ok, warn
from bot.config import Settings
from bot.text import raw, say, say_n


def lines(settings: Settings) -> Iterator[Line]:
    yield from _roles(settings)
    yield _folder(settings.data_dir)
    for text in settings.warnings:
        yield warn(raw(text))


def _roles(settings: Settings) -> Iterator[Line]:
    granted = settings.roles.granted
    if not granted:
        yield fail(
            say("Nobody has a role: the bot will answer no one. Give your own Telegram id one."),
            "TELEMOX_ADMINS=<your id>",
        )
        return
    counts = {role: list(granted.values()).count(role) for role in Role}
    yield ok(
        say(
            "Roles: viewer {viewers}, operator {operators}, admin {admins}.",
            viewers=counts[Role.VIEWER],
            operators=counts[Role.OPERATOR],
            admins=counts[Role.ADMIN],
        )
    )
    if not any(chat > 0 for chat in granted):
        yield warn(say("Only groups have roles: nobody can talk to the bot in private."), "TELEMOX_ADMINS=<your id>")
    elif not settings.roles.people(Role.ADMIN):
        yield warn(
            say("No person is an admin: the bot has nobody to turn to with trouble of its own."),
            "TELEMOX_ADMINS=<your id>",
        )
    if bare := sorted(set(settings.ceilings) - set(granted)):
        yield warn(
            say_n(
                len(bare),
                one="A ceiling is set for {chats}, which has no role: the bot does not answer there.",
                many="Ceilings are set for {chats}, which have no role: the bot does not answer there.",
                chats=", ".join(map(str, bare)),
            ),
            f"TELEMOX_VIEWERS={','.join(map(str, bare))}",
        )
    # admins without a power token are a monitor as the documentation makes one, and told so beside the tokens
    if counts[Role.OPERATOR] and settings.pve_power_token is None and settings.pve_admin_token is None:
        yield warn(
            say("There are operators but no power token: no action is offered to anybody."), "sh deploy/pveum.sh"
        )
    elif max(granted.values()) == Role.VIEWER and settings.pve_power_token is not None:
        yield warn(
            say("There is a power token but no operator: nobody may press what it could do."),
            "TELEMOX_OPERATORS=<id>",
        )


def _folder(folder: Path) -> Line:
    """Looked at, not tried: a file that `check` makes as another user would be in the bot's way."""
    where = say("The data directory {folder}", folder=str(folder.absolute()))
    if folder.is_dir():
        if os.access(folder, os.W_OK | os.X_OK):
            return ok(say("{where} can be written.", where=where))
        return fail(say("{where} cannot be written by this user.", where=where), f"sudo chown $(id -u) {folder}")
    if folder.exists():
        return fail(say("{where} is a file.", where=where), "TELEMOX_DATA_DIR=<a folder>")
    parent = next(parent for parent in folder.absolute().parents if parent.exists())
    if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
        return ok(say("{where} will be made at the first start.", where=where))
    return fail(
        say("{where} is missing, and this user cannot make it.", where=where),
        f"sudo install -d -m 700 -o $(id -un) {folder.absolute()}",
    )
