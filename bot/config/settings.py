"""Every setting: what base.py has, alerts, and the listener."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr, ValidationInfo, field_validator

from bot import reading
from bot.config.alerts import GROUP, Alerts
from bot.config.base import Bot, Texts
from bot.config.fields import setting
from bot.model import Route

LISTENER = "Being told by Proxmox VE"
SHORTEST_SECRET = 16  # characters


class Settings(Bot):
    """Every setting. `load()` makes it; made by hand it takes the same texts, without looking anywhere."""

    alert_chats: Annotated[tuple[Route, ...], BeforeValidator(reading.alert_chats)] = setting(
        GROUP,
        "Chats that hear of alerts, comma separated: id, or id:topic for a forum topic, with @info, @warning or "
        "@critical behind it for the least that is told there (info). Each must be a chat the bot serves. Others "
        "subscribe by /subscribe.",
        "-100<group>@warning,-100<group>:7@critical",
        (),
    )
    alerts: Alerts = Alerts()
    may_sleep: Texts = setting(
        GROUP,
        "Nodes and storages that are off on purpose now and then, comma separated: shown as asleep, no alert.",
        "pve-lab,backup-disk",
        (),
    )
    heartbeat_url: SecretStr | None = setting(
        GROUP,
        "An address that is requested after each good look at the cluster: a dead-man's switch elsewhere tells you "
        "when the bot itself is gone. Wanted where the bot runs inside the cluster it watches.",
        "https://hc.example.org/ping/00000000-0000-0000-0000-000000000000",
        None,
    )
    disks_hour: Annotated[int, BeforeValidator(reading.hour)] = setting(
        GROUP,
        "The hour of the day, 0 to 23 in the machine's time zone, at which the health of disks is read: it wakes those "
        "that sleep.",
        "4",
        4,
    )
    disks_off: Texts = setting(GROUP, "Nodes whose disks are never read, comma separated.", "pve-lab", ())
    listen: Annotated[str | None, BeforeValidator(reading.listener)] = setting(
        LISTENER,
        "Where the bot listens for Proxmox VE's notifications, /healthz and /metrics: host:port. Off by default. "
        "An address other than this machine's own lets others reach it: give it only where a firewall or a proxy "
        "stands before it.",
        "127.0.0.1:9000",
        None,
    )
    notify_secret: SecretStr | None = setting(
        LISTENER,
        "What Proxmox VE's webhook target sends with each notification, 16 characters or more: openssl rand -hex 24. "
        "Without it no notification is taken.",
        "0123456789abcdef0123456789abcdef",
        None,
    )

    @field_validator("alert_chats")
    @classmethod
    def _served(cls, value: tuple[Route, ...], info: ValidationInfo) -> tuple[Route, ...]:
        lists = [info.data.get(name) for name in ("viewers", "operators", "admins")]
        if None not in lists:  # else that one is wrong, and what it would have said is not known
            served = {chat for ids in lists for chat in ids or ()}
            lost = dict.fromkeys(route.chat for route in value if route.chat not in served)
            if lost:
                words = "{chat} is no chat the bot serves; name it in TELEMOX_VIEWERS (or another of the roles) too"
                raise ValueError("\n".join(words.format(chat=chat) for chat in lost))
        return value

    @field_validator("heartbeat_url")
    @classmethod
    def _heartbeat(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                url = urlsplit(value.get_secret_value())
                good = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
            except ValueError:
                good = False
            if not good or re.search(r"\s", value.get_secret_value()):
                raise ValueError("is not an address of http or https")
        return value

    @field_validator("notify_secret")
    @classmethod
    def _notify(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(rf"[!-~]{{{SHORTEST_SECRET},256}}", value.get_secret_value()):
            raise ValueError(
                f"must be {SHORTEST_SECRET} letters, digits or signs or more; openssl rand -hex 24 makes one"
            )
        return value

    # -- what the doors take -------------------------------------------------------------------------------------

    @property
    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets, *self._of_the_web())

    def _of_the_web(self) -> Iterator[str]:
        """Which server the heartbeat is sent to may be said: what follows is the secret."""
        if self.notify_secret is not None:
            yield self.notify_secret.get_secret_value()
        if self.heartbeat_url is not None:
            url = self.heartbeat_url.get_secret_value()
            yield url
            yield urlsplit(url).password or ""
            path = url.partition("://")[2].partition("/")[2]
            yield path
            # a part of it that is long and has a figure is no ordinary word
            yield from (part for part in re.split(r"[/?&=#]", path) if len(part) >= 10 and re.search("[0-9]", part))

    @property
    def listener(self) -> tuple[str, int] | None:
        """Address and port; None: nothing listens."""
        if self.listen is None:
            return None
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed, and perhaps not meant: for the log and `telemox check`."""
        found = []
        if self.listener is not None and not ip_address(self.listener[0]).is_loopback:
            found.append(
                f"TELEMOX_LISTEN: {self.listen} can be reached from other machines, without encryption; "
                "127.0.0.1 keeps it to this one"
            )
        if self.listener is None and self.notify_secret is not None:
            found.append("TELEMOX_NOTIFY_SECRET: has no effect without TELEMOX_LISTEN")
        return tuple(found)
