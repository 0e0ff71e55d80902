"""telemox check: one line for each thing that can be wrong, and the command that mends it.

    OK    Telegram: @my_bot answers at https://api.telegram.org.
    WARN  telemox@pve!view can write: VM.PowerMgmt on /vms.
          pveum role modify TelemoxView --privs VM.Audit,…

    people.py    roles and the data directory: nothing is asked of anybody
    telegram.py  the bot's token, the webhook, the clock, the chats and topics that hear of alerts
    cluster.py   each host and its certificate, each API token and its privileges, the cluster itself
    names.py     names in the settings that nothing of the cluster has

No line holds a secret: besides being made without, each goes through the log's redactor.
"""

from collections.abc import Callable

from bot.check import cluster, people, telegram
from bot.check.line import Level, Line
from bot.clock import SystemClock
from bot.config import Settings
from bot.logs import Redactor
from bot.ports import Clock
from bot.text import Reader, plain


async def check(settings: Settings, out: Callable[[str], None] = print, clock: Clock | None = None) -> int:
    """Tells everything by `out`, a line at a time. Exit status: 0 all well, 1 warnings, 2 something does not work."""
    clock = clock or SystemClock()
    redact = Redactor(settings.secrets)
    worst = Level.OK
    for line in people.lines(settings):
        worst = max(worst, _tell(line, out, redact))
    async for line in telegram.lines(settings, clock):
        worst = max(worst, _tell(line, out, redact))
    for config in settings.clusters:
        async for line in cluster.lines(config, clock, settings):
            worst = max(worst, _tell(line, out, redact))
    return int(worst)


def _tell(line: Line, out: Callable[[str], None], redact: Redactor) -> Level:
    reader = Reader()
    out(redact(f"{line.level.name:<5} {plain(line.text, reader)}"))
    for command in line.mend:
        out(redact(f"{'':5} {command}"))
    return line.level
