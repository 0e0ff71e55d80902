"""What it takes to reach a cluster, as plain values: hosts, tokens, trust. Settings are read elsewhere."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from pathlib import Path
from urllib.parse import quote

from bot.access import Role

PORT = 8006

_HOST = re.compile(r"(\[(?P<six>[^\]]+)\]|(?P<name>[^:/\[\]]+))(:(?P<port>[0-9]{1,5}))?/?")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?")
_TOKEN = re.compile(r"(?P<id>[^\s:/=!]+@[A-Za-z][A-Za-z0-9._-]+![A-Za-z][A-Za-z0-9._-]+)=(?P<secret>[\x21-\x7e]+)")
_PIN = re.compile(r"[0-9A-Fa-f]{64}")


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the API. `str()` is name:port, an IPv6 address in brackets."""

    name: str
    port: int = PORT

    @classmethod
    def parse(cls, text: str) -> "Host":
        """`pve1`, `pve1:8006`, `192.0.2.7`, `[::1]:8006`, `https://pve1:8006/`. Raises ValueError."""
        given = text.strip()
        scheme, _, rest = given.rpartition("://")
        if scheme not in {"", "https"}:
            raise ValueError(f"{given!r}: only https is spoken, not {scheme}")
        found = _HOST.fullmatch(f"[{rest}]" if _is_ipv6(rest) else rest)
        if found is None or not (_is_ipv6(found["six"] or "") or _NAME.fullmatch(found["name"] or "")):
            raise ValueError(f"{given!r} is no host: give host, host:port or https://host:port and nothing more")
        port = int(found["port"] or PORT)
        if not 0 < port < 65536:
            raise ValueError(f"{given!r}: the port is no number from 1 to 65535")
        return cls((found["six"] or found["name"]).lower(), port)

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"

    @property
    def url(self) -> str:
        return f"https://{self}"


class ApiToken:
    """An API token. Its secret is in `header()` and nowhere else: neither str() nor repr() shows it."""

    __slots__ = ("_secret", "id")

    def __init__(self, id: str, secret: str) -> None:  # noqa: A002 - Proxmox's own word
        self.id = id  # user@realm!name
        self._secret = secret

    @classmethod
    def parse(cls, text: str) -> "ApiToken":
        """`user@realm!name=secret`. Raises ValueError, whose text never holds what was given."""
        match = _TOKEN.fullmatch(text.strip().removeprefix("PVEAPIToken="))
        if match is None:
            raise ValueError("a token reads user@realm!name=secret, as pveum showed it when it was made")
        return cls(match["id"], match["secret"])

    def header(self) -> str:
        """The value of Authorization. Proxmox percent-decodes it (AnyEvent.pm, extract_auth_value)."""
        return f"PVEAPIToken={quote(self.id, safe='@!')}={quote(self._secret, safe='')}"

    def __repr__(self) -> str:
        return f"ApiToken({self.id}=…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiToken) and (self.id, self._secret) == (other.id, other._secret)

    def __hash__(self) -> int:
        return hash(self.id)


@dataclass(frozen=True, slots=True)
class Pin:
    """A certificate's SHA-256, for one host or (host '') for any."""

    fingerprint: str  # AA:BB:…, upper case
    host: str = ""  # name without port, or name:port

    @classmethod
    def parse(cls, text: str) -> "Pin":
        """`AA:BB:…` (colons and case do not matter) or `host=AA:BB:…`. Raises ValueError."""
        host, _, digits = text.strip().rpartition("=")
        digits = digits.strip().replace(":", "")
        if not _PIN.fullmatch(digits):
            raise ValueError(
                f"{text.strip()!r} is no SHA-256 fingerprint: 64 hexadecimal digits, AA:BB:… or host=AA:BB:…"
            )
        if host:
            parsed = Host.parse(host)
            with_port = re.search(r":[0-9]+/?$", host) and not _is_ipv6(host.strip())
            host = str(parsed) if with_port else parsed.name
        return cls(":".join(re.findall("..", digits.upper())), host)

    def is_for(self, host: Host) -> bool:
        return self.host in {"", str(host), host.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. Each bounds the whole of what it names, however slowly it drips."""

    connect: float = 4.0  # TCP and TLS, and the bare handshake that looks at a pinned certificate
    read: float = 10.0  # one attempt of a GET that the asked host answers itself
    node: float = 15.0  # … that a node answers: cut off, it takes the asked host 12 s to say 595
    write: float = 45.0  # a write: the asked host itself gives up after 30 s
    turn: float = 10.0  # waiting for one of the places at a host
    total: float = 30.0  # all attempts of one GET
    anew: float = 12.0  # … of one look at the whole, where what was seen before can be shown instead
    beside: float = 5.0  # GET /cluster/status, beside the resources: where it lacks, that is said
    agent: float = 4.5  # the guest agent: Proxmox pings it for 3 s first
    idle: float = 3.0  # that a connection is kept for the next read: pveproxy closes it after 5 (AnyEvent.pm)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """One cluster. `tokens` needs VIEWER; without OPERATOR and ADMIN the bot is a monitor."""

    key: str
    hosts: tuple[Host, ...]  # in the order to try
    tokens: Mapping[Role, ApiToken]
    ca_file: Path | None = None  # None: the system's CAs
    fingerprints: tuple[Pin, ...] = ()  # a host with a pin is held to it; CAs count for the others
    timeouts: Timeouts = field(default_factory=Timeouts)
    max_bytes: int = 32 * 1024 * 1024  # of one answer; ten thousand guests are about 5 MiB

    def pins(self, host: Host) -> tuple[str, ...]:
        """Those for this very host; where there are none, those for any."""
        own = tuple(pin.fingerprint for pin in self.fingerprints if pin.host and pin.is_for(host))
        return own or tuple(pin.fingerprint for pin in self.fingerprints if not pin.host)


def _is_ipv6(name: str) -> bool:
    try:
        return IPv6Address(name).scope_id is None
    except ValueError:
        return False
