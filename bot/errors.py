"""Every expected failure, translated once at the door where it happened, each able to say itself in a chat.

TelemoxError
├── Denied · NotFound · Stale · Busy       the person's: shown in the chat, not logged as faults
├── Crowded       a notification that finds too many waiting: refused, so that its sender knows
├── StoreFailed                            the bot's own database: without an audit line nothing is done
│   └── StoreNewer                         made by a newer version
└── PveError
    ├── PveUnreachable    nothing was sent (connect, DNS, TLS, pin, pool): the next host is tried, for a write too
    │   └── PvePinMismatch    the host shows another certificate than the one pinned
    ├── PveNoAnswer       sent, then silence; for a write also 596-599, a gateway's 502/504, a 2xx that is not JSON:
    │                     outcome unknown, look at the task list
    ├── PveUnauthorized   401: the token is refused, whatever the text
    ├── PveForbidden      403, with path and privilege where Proxmox names them, and the pveum line that mends it
    ├── PveNodeDown       595, and for reads 596-599: the view goes on and says what is missing
    ├── PveRefused        400 with "errors", or 500 and 501 with the reason in the status line
    │   └── PveAbsent     what was asked for does not exist there: no Ceph, no ZFS, a version without that call
    ├── PveGarbled        a read whose answer cannot be understood: not JSON, not the shape, too large
    └── PveTaskFailed     exitstatus other than "OK" or "WARNINGS: n": the task's own words
"""

import re
from collections import Counter
from collections.abc import Sequence

from bot.pveum import cure, joined, to_mend
from bot.text import Reader, Said, code, folded, lines, plain, raw, say

LONGEST = 240
"""Characters of an outside reason that a chat is shown."""
CLOSED = "connection refused"
"""The reason where nothing listens on a host that is up."""
UNTRUSTED = "its certificate is not trusted"
"""How the reason begins where a host was reached, and neither a pin nor a CA speaks for what it shows."""
_QUOTED = re.compile(
    r"(?:^|: )['\"]?(?:[{<]|\[[{\"\]]).*|(?<=no JSON): ['\"].*|(?<=expected): ['\"].*|(?<=in it): ['\"].*"
)
"""What a reason quotes of an answer: for the log, nothing for a chat (pve/parse.py, Garbled)."""


def in_words(reason: str) -> str:
    """An outside reason fit for the middle of a sentence: one line, not endless, without a full stop or exclamation
    mark at its end, and without the JSON or HTML that it may quote."""
    text = _QUOTED.sub("", " ".join(reason[: 10 * LONGEST].split())) or "no JSON"
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
    return text.rstrip(".! ")


class TelemoxError(Exception):
    """What happened and what to do, as `said()`. `str()` is for logs: English, one line, no secret."""

    lasting = False
    """Of one that ends the process: a new one will fail as well, until somebody has changed something."""

    def said(self) -> Said:
        return raw(str(self))

    def mend(self) -> str | None:
        """A command that puts it right, for a copy button (at most 256 characters); None where there is none."""
        return None


class _Spoken(TelemoxError):
    """A failure whose words were chosen where it was raised."""

    def __init__(self, words: Said) -> None:
        super().__init__(" ".join(plain(words, Reader()).split()))
        self.words = words

    def said(self) -> Said:
        return self.words


class Denied(_Spoken):
    """Role, scope, ceiling, freeze or the wrong person."""


class NotFound(_Spoken):
    """No such guest, node, storage, task in what this asker may see."""


class Stale(_Spoken):
    """An old button, a used or expired confirmation, a command that waited too long, a state that has moved on."""


class Busy(_Spoken):
    """Something already runs on that guest."""


class Crowded(_Spoken):
    """So much waits that this was not taken: later."""


class StoreFailed(_Spoken):
    """The bot's own database: locked by another process, not writable, full, or of a newer version."""


class StoreNewer(StoreFailed):
    """This version cannot read it."""

    lasting = True


class PveError(TelemoxError):
    """From Proxmox VE. `host` is host:port as configured, '' where several were tried."""

    def __init__(self, reason: str, *, host: str = "") -> None:
        super().__init__(f"{host}: {reason}" if host else reason)
        self.reason = reason
        self.host = host


class PveUnreachable(PveError):
    """`each`: those of the single hosts, where several were tried."""

    def __init__(self, reason: str, *, host: str = "", each: Sequence["PveUnreachable"] = ()) -> None:
        super().__init__(reason, host=host)
        self.each = tuple(sorted(each, key=lambda one: one.host))

    @property
    def closed(self) -> bool:
        """Does every host refuse the connection? It is up, then, and pveproxy is not."""
        return all(one.reason == CLOSED for one in self.each or (self,))

    @property
    def untrusted(self) -> bool:
        """Was every host reached, and none believed? The network is not what is wrong."""
        return all(one.reason.startswith(UNTRUSTED) for one in self.each or (self,))

    def why(self) -> Said:
        """The reason, and what it means; of several hosts in one line, and theirs folded."""
        reasons = Counter(one.reason for one in self.each)
        n = len(self.each)
        if self.closed:
            both = say("connection refused by all {n} hosts", n=n) if n > 1 else say("connection refused")
            means = say("The hosts are up, pveproxy is not.") if n > 1 else say("The host is up, pveproxy is not.")
            return lines(both, means, self._hosts())
        mend = _to_trust() if self.untrusted else None
        if not self.each:
            reason = say("{reason}", reason=in_words(self.reason))
            return lines(reason, mend) if mend is not None else reason
        if len(reasons) == 1:
            every = say("all {n} hosts: {reason}", n=n, reason=in_words(self.each[0].reason))
            return lines(every, mend, self._hosts())
        counted = ", ".join(f"{in_words(reason)} ({times})" for reason, times in reasons.most_common(3))
        return lines(say("none of {n} hosts: {reasons}", n=n, reasons=counted), mend, self._hosts())

    def _hosts(self) -> Said | None:
        rows = [say("{host}: {reason}", host=one.host, reason=in_words(one.reason)) for one in self.each]
        return folded(lines(*rows)) if rows else None

    def said(self) -> Said:
        if self.untrusted:
            return lines(say("Proxmox VE was not asked, its hosts cannot be believed:"), self.why())
        if self.each:
            return lines(say("Proxmox VE cannot be reached:"), self.why())
        return say("Proxmox VE cannot be reached: {reason}.", reason=in_words(self.reason))


def _to_trust() -> Said:
    words = "If it is theirs, pin it: {command} shows it, and prints the line. Or name its CA: {setting}."
    return say(words, command=code("telemox check"), setting="TELEMOX_PVE_CA_FILE")


class PvePinMismatch(PveUnreachable):
    """`expected` and `seen` are SHA-256 fingerprints, AA:BB:…"""

    def __init__(self, *, host: str, expected: str, seen: str) -> None:
        super().__init__(f"certificate fingerprint is {seen}, pinned is {expected}", host=host)
        self.expected = expected
        self.seen = seen

    def said(self) -> Said:
        return lines(
            say("{host} shows another certificate than the one pinned. Nothing was sent.", host=self.host),
            say("Expected {expected}", expected=code(self.expected)),
            say("Seen {seen}", seen=code(self.seen)),
            say("If you renewed it, put the seen one into TELEMOX_PVE_FINGERPRINTS and restart the bot."),
        )

    def mend(self) -> str | None:
        return f"TELEMOX_PVE_FINGERPRINTS={self.host.rsplit(':', 1)[0]}={self.seen}"


class PveNoAnswer(PveError):
    """For a write: it may or may not have happened. It is never repeated."""

    def said(self) -> Said:
        return say("No answer from {host}: {reason}.", host=self.host or "Proxmox VE", reason=in_words(self.reason))


class PveUnauthorized(PveError):
    """`token` is user@realm!name, never the secret."""

    def __init__(self, reason: str, *, host: str = "", token: str = "") -> None:
        super().__init__(reason, host=host)
        self.token = token

    def said(self) -> Said:
        return say(
            "Proxmox VE refused the API token {token} ({reason}). An admin can run {command} to see why.",
            token=self.token,
            reason=in_words(self.reason),
            command=code("telemox check"),
        )


class PveForbidden(PveError):
    """`path` and `privilege` are '' where Proxmox did not name them (some checks say only that they failed)."""

    def __init__(self, reason: str, *, host: str = "", token: str = "", path: str = "", privilege: str = "") -> None:
        super().__init__(reason, host=host)
        self.token = token
        self.path = path
        self.privilege = privilege

    def said(self) -> Said:
        if not self.privilege:
            return say(
                "The API token {token} may not do this: {reason}.", token=self.token, reason=in_words(self.reason)
            )
        return lines(
            say(
                "The API token {token} may not do this: it lacks {privilege} on {path}.",
                token=self.token,
                privilege=self.privilege,
                path=self.path,
            ),
            to_mend(cure(self.path, self.token, self.privilege)) if self.token else None,
        )

    def mend(self) -> str | None:
        if not self.privilege or not self.token:
            return None
        return joined(cure(self.path, self.token, self.privilege))


class PveNodeDown(PveError):
    """`node` is '' where the call did not name one."""

    def __init__(self, reason: str, *, host: str = "", node: str = "") -> None:
        super().__init__(reason, host=host)
        self.node = node

    def said(self) -> Said:
        if self.node:
            return say("{node} does not answer ({reason}).", node=self.node, reason=in_words(self.reason))
        return say("The node does not answer ({reason}).", reason=in_words(self.reason))


class PveRefused(PveError):
    """`errors` holds Proxmox's word for each parameter (status 400)."""

    def __init__(self, reason: str, *, host: str = "", status: int = 500, errors: dict[str, str] | None = None) -> None:
        super().__init__(reason, host=host)
        self.status = status
        self.errors = errors or {}

    def said(self) -> Said:
        if self.reason.startswith("RPCEnvironment init request failed"):
            return lines(
                say("Proxmox VE cannot read its own configuration: {reason}", reason=in_words(self.reason)),
                say(
                    "Is its cluster filesystem up? On that host: {command}",
                    command=code("systemctl status pve-cluster"),
                ),
            )
        details = [say("{name}: {text}", name=name, text=in_words(text)) for name, text in self.errors.items()]
        return lines(say("Proxmox VE refused: {reason}", reason=in_words(self.reason)), *details)


class PveAbsent(PveRefused):
    """Nothing is wrong: there is nothing to read (`binary not installed: …`, 501)."""


class PveGarbled(PveError):
    """`reason` may quote the answer, for the log; a chat is spared that."""

    def said(self) -> Said:
        return say(
            "Proxmox VE gave an answer that cannot be understood ({reason}). If it stays so: is a proxy in between, "
            "and does {command} on the host say all is well?",
            reason=in_words(self.reason),
            command=code("systemctl status pveproxy"),
        )


class PveTaskFailed(PveError):
    """`reason` is the task's own exit status."""

    def said(self) -> Said:
        return raw(self.reason)
