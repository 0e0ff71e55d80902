"""How the bot tells and is told: if a chat hears of alerts, Proxmox VE's webhook target, the dead man's switch."""

import socket
from base64 import b64encode
from collections.abc import Iterator
from ipaddress import ip_address
from shlex import quote

from bot.check.line import Level, Line, ok, warn
from bot.config import Settings
from bot.model import Snapshot, Version
from bot.text import say
from bot.web.notify import BODY, HEADER, PATH

WEBHOOK = (8, 3)
"""The first version of Proxmox VE that has webhook targets."""
FROM_HOME = '"$(printf %s "$TELEMOX_NOTIFY_SECRET" | base64 -w0)"'
"""Taken from the environment of whoever runs it: no line here holds a secret."""


def lines(settings: Settings, seen: Snapshot, version: Version, machine: str | None = None) -> Iterator[Line]:
    """`machine`: this one's name; found out where it is not given."""
    if not settings.alert_chats:  # else telegram.py has looked at them
        yield ok(say("Alerts: no chat is told by the settings (TELEMOX_ALERT_CHATS); /subscribe in a chat does too."))
    yield from _listener(settings, version, seen.cluster)
    inside = _inside(seen, (machine or socket.gethostname()).partition(".")[0])
    if settings.heartbeat_url is not None:
        yield ok(say("Heartbeat: an address is requested after each good look at the cluster."))
    elif inside:
        yield warn(
            say(
                "The bot seems to run as {name} inside the cluster it watches: when that is down, nobody tells you. "
                "Give it the address of a dead man's switch elsewhere.",
                name=inside,
            ),
            "TELEMOX_HEARTBEAT_URL=https://…",
        )


def _listener(settings: Settings, version: Version, cluster: str) -> Iterator[Line]:
    if settings.listener is None:
        return
    host, port = settings.listener
    every = ip_address(host).is_unspecified
    name = "<this machine>" if every else f"[{host}]" if ":" in host else host
    address = f"http://{name}:{port}{PATH}/{cluster}"  # nodes of two clusters can have one name
    if settings.notify_secret is None:
        yield ok(say("The listener gives /healthz and /metrics; no notification is taken (TELEMOX_NOTIFY_SECRET)."))
    elif version < WEBHOOK:
        yield warn(say("Proxmox VE {version} has no webhook target: 8.3 and later do.", version=version.text))
    else:
        near = ip_address(host).is_loopback
        words = (
            "To be told by Proxmox VE at once, run this on a node, with the secret in TELEMOX_NOTIFY_SECRET"
            "{where} (it is there already? the name telemox is taken then):"
        )
        where = (
            "; the address is this machine's own, so where the bot is no node give that of your proxy" if near else ""
        )
        yield Line(Level.OK, say(words, where=where), register(address))


def register(address: str) -> tuple[str, ...]:
    """The lines that register the target (pve-manager, API2/Cluster/Notifications.pm: values and body in base64), and
    have every notification go to it."""
    header = f"name={HEADER},value={_base64('{{ secrets.telemox }}')}"
    target = (
        "pvesh create /cluster/notifications/endpoints/webhook --name telemox --method post"
        f" --url {quote(address)} --header {quote(header)}"
        f" --header name=Content-Type,value={_base64('application/json')}"
        f" --secret name=telemox,value={FROM_HOME} --body {_base64(BODY)}"
    )
    return target, "pvesh create /cluster/notifications/matchers --name telemox --target telemox"


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _inside(seen: Snapshot, machine: str) -> str:
    """The node or guest of that name; '' where there is none."""
    names = [node.name for node in seen.nodes] + [guest.name for guest in seen.guests]
    return next((name for name in names if name.lower() == machine.lower()), "")
