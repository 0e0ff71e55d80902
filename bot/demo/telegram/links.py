"""Addresses as Telegram takes them, in `<a>` and under buttons. Source: tdlib/td, LinkManager.cpp and HttpUrl.cpp."""

import ipaddress
import re

SCHEMES = re.compile(r"(tg|tonsite|ton):(?://)?", re.IGNORECASE)
HOST = re.compile(r"(?:[A-Za-z0-9.\-_!$,~*'();&+=]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*")
USER = re.compile(r"(?:[A-Za-z0-9.\-_!$,~*'();&+=:]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*")


class WrongLink(ValueError):
    """Says what is wrong in Telegram's words."""


def read_link(url: str) -> str:
    """The address as Telegram keeps it: scheme and host in lower case, a path always.

    Raises:
        WrongLink: among others for a host without a dot: http://localhost, https://pve1:8006.
    """
    own = SCHEMES.match(url)
    rest = url[own.end() :] if own else url
    scheme, found, after = rest.partition("://")
    if found and not re.search(r"[:/?#@\[\]]", scheme):
        if scheme.lower() not in ("http", "https"):
            raise WrongLink("Unsupported URL protocol")
        rest = after
    else:
        scheme = ""
    place = re.match(r"[^/?#]*", rest)
    authority = place[0] if place else ""
    user, host, port = _authority(authority)
    tail = _tail(rest[len(authority) :])
    if own:
        return _own_link(own[1].lower(), scheme, user, host, port, tail)
    if "." not in host and not host.startswith("["):
        raise WrongLink("Wrong HTTP URL")
    return f"{scheme.lower() or 'http'}://{user}{'@' if user else ''}{host}{f':{port}' if port else ''}{tail}"


def checked_link(url: str) -> str:
    """The same, "" instead of an error."""
    try:
        return read_link(url)
    except WrongLink:
        return ""


def _authority(authority: str) -> tuple[str, str, int]:
    """User, host in lower case, port (0: none named)."""
    port = 0
    # The last of `:`, `]` and `@` decides; one at the very beginning is no port's colon.
    last = max((authority.rfind(c, 1) for c in ":]@"), default=-1)
    if last > 0 and authority[last] == ":":
        digits = authority[last + 1 :].lstrip("0") or authority[last + 1 :][-1:]
        if not re.fullmatch(r"-?[0-9]{1,10}", digits) or not 0 < int(digits) <= 65535:
            raise WrongLink("Wrong port number specified in the URL")
        port = int(digits)
        authority = authority[:last]
    user, _, host = authority.rpartition("@")
    if host.startswith("[") and host.endswith("]") and len(host) > 1:
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            raise WrongLink("Wrong IPv6 address specified in the URL") from None
        return user, host.lower(), port
    if not host:
        raise WrongLink("URL host is empty")
    if host == ".":
        raise WrongLink("Host is invalid")
    for part, pattern, name in ((host, HOST, "host"), (user, USER, "userinfo")):
        stop = pattern.match(part)
        end = stop.end() if stop else 0
        if end < len(part):
            wrong = "Wrong percent-encoded symbol in URL" if part[end] == "%" else "Disallowed character in URL"
            raise WrongLink(f"{wrong} {name}")
    return user, re.sub("[A-Z]", lambda m: m[0].lower(), host), port


def _tail(tail: str) -> str:
    tail = tail.rstrip(" \t\r\n\0\x0b") or "/"
    tail = tail if tail.startswith("/") else "/" + tail
    return re.sub(r"[\x00-\x20]", lambda m: f"%{ord(m[0]):02X}", tail)


def _own_link(own: str, scheme: str, user: str, host: str, port: int, tail: str) -> str:
    if scheme or user or port or host.startswith("["):
        raise WrongLink("Wrong tg URL" if own == "tg" else "Wrong ton URL")
    if not re.fullmatch(r"[A-Za-z0-9\-_.]*" if own == "tonsite" else r"[A-Za-z0-9\-_]*", host):
        raise WrongLink("Unallowed characters in URL host")
    return f"{own}://{host}{tail[1:] if tail.startswith('/?') else tail}"
