"""The bot, the cluster and the people: each field with the words that document it, and what the doors take of them."""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot import reading
from bot.access import Role, Roles
from bot.config.fields import setting
from bot.pve.config import ApiToken, ClusterConfig, Host, Pin
from bot.reading import each, parsed, shown

MAIN = "main"
"""The flat settings are this cluster, for good: its key stands in buttons."""

Ids = Annotated[tuple[int, ...], BeforeValidator(reading.ids)]
Texts = Annotated[tuple[str, ...], BeforeValidator(reading.parts)]


class Bot(BaseSettings):
    """What is set since the beginning."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    telegram_token: SecretStr = setting(
        "Telegram", "The bot's token, as @BotFather gives it.", "123456789:AAF0exampleexampleexampleexample000"
    )
    telegram_base_url: str = setting(
        "Telegram",
        "Where the Bot API answers: scheme, host and port, without /bot. Change it for a Bot API server of your own; "
        "everything goes there, files too.",
        "http://127.0.0.1:8081",
        "https://api.telegram.org",
    )
    pve_hosts: Texts = setting(
        "Proxmox VE",
        "The hosts of one cluster, comma separated: host, host:port or URL; port 8006 unless given. They are tried in "
        "order; when one does not answer, the next is asked.",
        "pve1.example.org,pve2.example.org",
    )
    pve_view_token: SecretStr = setting(
        "Proxmox VE",
        "The API token that reads: user@realm!name=secret. deploy/pveum.sh makes it with least privilege.",
        "telemox@pve!view=00000000-0000-0000-0000-000000000000",
    )
    pve_power_token: SecretStr | None = setting(
        "Proxmox VE",
        "The API token that acts for operators. Without it the bot is a monitor: no action is offered to anybody.",
        "telemox@pve!power=00000000-0000-0000-0000-000000000000",
        None,
    )
    pve_admin_token: SecretStr | None = setting(
        "Proxmox VE",
        "The API token that acts for admins. Without it the power token does.",
        "telemox@pve!admin=00000000-0000-0000-0000-000000000000",
        None,
    )
    pve_ca_file: Path | None = setting(
        "Proxmox VE",
        "A file with the certificate authority of the hosts (PEM): a copy of /etc/pve/pve-root-ca.pem. Without it, and "
        "without a fingerprint, the system's authorities decide.",
        "/etc/telemox/pve-root-ca.pem",
        None,
    )
    pve_fingerprints: Texts = setting(
        "Proxmox VE",
        "SHA-256 fingerprints of the hosts' certificates, comma separated: host=AA:BB:… for one host, or bare for "
        "whichever host shows it. A pinned host must show that very certificate; telemox check prints it.",
        "pve1.example.org=" + ":".join(["AA", "BB", "CC", "DD"] * 8),
        (),
    )
    viewers: Ids = setting(
        "Who may use the bot",
        "Telegram ids that may look, comma separated: a person's, valid in every chat the bot serves, or a group's "
        "(negative), valid for all who speak in it. /id tells them. Without any id in these lists the bot answers "
        "nobody. An id in several lists has the highest of its roles.",
        "<id>,-100<group>",  # refused until filled in, as the ones below: any number would be somebody
        (),
    )
    operators: Ids = setting("Who may use the bot", "Ids that may also start, stop and restart guests.", "<id>", ())
    admins: Ids = setting(
        "Who may use the bot",
        "Ids that may do everything, and are told about trouble of the bot's own.",
        "<your id>",
        (),
    )
    ceilings: Annotated[dict[int, Role], BeforeValidator(reading.ceilings)] = setting(
        "Who may use the bot",
        "The most that anybody may do in a chat, whatever their own role: id=role, comma separated. A group on a wall "
        "display stays read-only with -100…=viewer.",
        "-100<group>=viewer",
        {},
    )
    data_dir: Path = setting(
        "The bot itself",
        "The folder of the bot's database. By default systemd's state directory where there is one, else ./data.",
        "/var/lib/telemox",
        Path("data"),
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(reading.lowered)] = setting(
        "The bot itself", "How much is logged, to standard error: debug, info, warning or error.", "info", "info"
    )
    log_format: Annotated[Literal["text", "json"], BeforeValidator(reading.lowered)] = setting(
        "The bot itself", "How a line of the log looks: text or json.", "json", "text"
    )

    @field_validator("telegram_token")
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]+", value.get_secret_value()):
            raise ValueError("is not a bot token: 123456789:AA…, as @BotFather gives it")
        return value

    @field_validator("telegram_base_url")
    @classmethod
    def _base_url(cls, value: str) -> str:
        try:
            url = urlsplit(value)
            _ = url.port
        except ValueError:
            raise ValueError("is not a URL") from None
        if url.scheme not in {"http", "https"} or not url.hostname or url.username is not None or "@" in url.netloc:
            raise ValueError("must be scheme, host and port, such as http://127.0.0.1:8081")
        if url.path.strip("/") or url.query or url.fragment:
            raise ValueError("must end after host and port; /bot and the token are added by the bot")
        return f"{url.scheme}://{url.netloc}"

    @field_validator("pve_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("names no host")
        hosts = each(value, lambda text: parsed(text, Host.parse, "a host, host:port or https://host:port"))
        if len(set(hosts)) < len(hosts):
            raise ValueError("names a host twice")
        return value

    @field_validator("pve_view_token", "pve_power_token", "pve_admin_token")
    @classmethod
    def _api_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                ApiToken.parse(value.get_secret_value())
            except ValueError:
                raise ValueError("is not an API token: user@realm!name=secret") from None
        return value

    @field_validator("pve_ca_file")
    @classmethod
    def _ca_file(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                text = value.read_text(encoding="ascii", errors="replace")
            except OSError as error:
                raise ValueError(f"{value} cannot be read ({error.strerror})") from None
            if "-----BEGIN CERTIFICATE-----" not in text:
                raise ValueError(f"{value} holds no certificate in PEM form")
        return value

    @field_validator("pve_fingerprints")
    @classmethod
    def _fingerprints(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        hosts = [Host.parse(text) for text in info.data.get("pve_hosts", ())]

        def check(text: str) -> None:
            pin = parsed(text, Pin.parse, "a SHA-256 fingerprint: 32 bytes in hexadecimal, AA:BB:… or host=AA:BB:…")
            if hosts and not any(pin.is_for(host) for host in hosts):
                raise ValueError(f"{shown(pin.host)} is not one of TELEMOX_PVE_HOSTS")

        each(value, check)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """`gather()` has looked everywhere already, and said which file a mistake is in."""
        return (init_settings,)

    # -- what the doors take -------------------------------------------------------------------------------------

    @property
    def roles(self) -> Roles:
        granted: dict[int, Role] = {}
        for role, given in ((Role.VIEWER, self.viewers), (Role.OPERATOR, self.operators), (Role.ADMIN, self.admins)):
            granted |= dict.fromkeys(given, role)
        return Roles(granted=granted, ceilings=self.ceilings)

    @property
    def tokens(self) -> dict[Role, ApiToken]:
        """By the role they act for; the admin's is the power token where it has none of its own."""
        given = {
            Role.VIEWER: self.pve_view_token,
            Role.OPERATOR: self.pve_power_token,
            Role.ADMIN: self.pve_admin_token or self.pve_power_token,
        }
        return {role: ApiToken.parse(token.get_secret_value()) for role, token in given.items() if token is not None}

    @property
    def clusters(self) -> tuple[ClusterConfig, ...]:
        main = ClusterConfig(
            key=MAIN,
            hosts=tuple(map(Host.parse, self.pve_hosts)),
            tokens=self.tokens,
            ca_file=self.pve_ca_file,
            fingerprints=tuple(map(Pin.parse, self.pve_fingerprints)),
        )
        return (main,)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may hold. Which API token it was may be said: of those it is the part after the name."""
        given = [self.pve_view_token, self.pve_power_token, self.pve_admin_token]
        api = [token.get_secret_value().partition("=")[2] for token in given if token is not None]
        telegram = self.telegram_token.get_secret_value()
        return (telegram, telegram.partition(":")[2], *api)
