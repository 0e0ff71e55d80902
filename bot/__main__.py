"""The command line: telemox run · demo · check."""

import argparse
import asyncio
import json
import logging
import os
import subprocess
import sys
import webbrowser
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from bot import __version__
from bot.errors import TelemoxError
from bot.text import Reader, plain

_DEMO_HINTS = (
    "Send /status, open a guest, tap Reboot. Break the cluster with the faults beside the chat.",
    "The bot is the real one; the cluster and the chat are simulated, on this machine alone.",
    "Ctrl-C ends it.",
    "",
)


_BEGIN = "Settings: cp .env.example .env && chmod 600 .env, then fill it in. To try without any: telemox demo"
_STATUS = {
    "run": "Exit status: 0 stopped, 2 wrong settings or a refused bot token, 3 Telegram is no longer heard, 75 what "
    "may pass (disk full, data directory in use, port taken): 3 and 75 are to be started anew.",
    "check": "Exit status: 0 all well, 1 warnings, 2 something does not work or the settings are wrong.",
}


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 well, 1 warnings (check), 2 wrong settings or arguments, 3 Telegram not heard, 75 it may pass."""
    parser = argparse.ArgumentParser(
        prog="telemox", description="Run Proxmox VE from a phone: a Telegram bot.", epilog=_BEGIN
    )
    parser.add_argument("--version", action="version", version=f"telemox {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="run | demo | check")
    for name, help_ in (
        ("run", "the bot, with the settings of the environment and .env"),
        ("check", "each token, host, certificate and privilege, and the command that mends it"),
    ):
        command = commands.add_parser(name, help=help_, description=help_, epilog=_STATUS[name])
        command.add_argument("--env-file", type=Path, default=Path(".env"), help="settings file (default: .env)")
    demo = commands.add_parser("demo", help="a simulated cluster and a chat page: no account, no settings")
    demo.add_argument(
        "--port", type=_whole(0, 65535), default=8600, help="of the chat page on 127.0.0.1 (default: 8600; 0: any free)"
    )
    demo.add_argument(
        "--guests", type=_whole(0, 100_000), default=40, help="in the simulated cluster, 0 to 100000 (default: 40)"
    )
    demo.add_argument("--seed", type=int, default=1, help="of the simulated cluster (default: 1)")
    demo.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        if arguments.command == "demo":
            return _demo(arguments)
        return _with_settings(arguments)
    except KeyboardInterrupt:
        return 130


def _whole(least: int, most: int) -> Callable[[str], int]:
    """For argparse: its line says what would be right."""

    def read(text: str) -> int:
        if not text.removeprefix("-").isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number from {least} to {most}")
        return int(text)

    return read


def _with_settings(arguments: argparse.Namespace) -> int:
    from bot import config

    try:
        settings = config.load(arguments.env_file)
    except config.ConfigError as error:
        for line in error.lines:
            print(line, file=sys.stderr)
        if not arguments.env_file.exists() and not any(name.startswith("TELEMOX_") for name in os.environ):
            print(_BEGIN, file=sys.stderr)
        return 2
    from bot.logs import configure

    if arguments.command == "check":
        from bot.check import check

        configure("error", settings.log_format, settings.secrets)  # its own lines are the output
        try:
            return asyncio.run(check(settings))
        except BrokenPipeError:  # `telemox check | head`: what was not read is no trouble of ours
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
    from bot import app

    configure(settings.log_level, settings.log_format, settings.secrets)
    for line in settings.warnings:
        logging.getLogger(__name__).warning(line)
    return _ended(app.run(settings))


def _demo(arguments: argparse.Namespace) -> int:
    """The servers run in a process of their own, as they would in the world; it ends when this one does."""
    servers = subprocess.Popen(  # noqa: S603 - this very interpreter, arguments are integers
        [
            *(sys.executable, "-m", "bot.demo"),
            *("--port", str(arguments.port), "--guests", str(arguments.guests), "--seed", str(arguments.seed)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the bot; the servers go when their stdin closes
    )
    try:
        line = servers.stdout.readline() if servers.stdout else ""
        if not line:
            return servers.wait() or 2
        started = json.loads(line)
        return _demo_bot(started["url"], started["settings"], browser=not arguments.no_browser)
    finally:
        if servers.stdin:
            servers.stdin.close()
        try:
            servers.wait(10)
        except subprocess.TimeoutExpired:
            servers.kill()


def _demo_bot(url: str, environment: dict[str, str], *, browser: bool) -> int:
    from bot import app, config
    from bot.logs import configure

    try:
        settings = config.load(None, environ=environment)
    except config.ConfigError as error:  # of what was brought along
        print(*error.lines, sep="\n", file=sys.stderr)
        return 2
    level = settings.log_level if "TELEMOX_LOG_LEVEL" in environment else "warning"
    configure(level, settings.log_format, settings.secrets)

    def ready() -> None:
        web = f"Its own: http://{settings.listen}/healthz and /metrics; TELEMOX_LISTEN says where else."
        print(f"\n  The chat: {url}\n", web, *_DEMO_HINTS, sep="\n  ", flush=True)
        if browser and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform == "darwin"):
            webbrowser.open(url)

    return _ended(app.run(settings, ready=ready))


def _ended(bot: Coroutine[Any, Any, int]) -> int:
    """What can be mended before the bot is up is one line, not a traceback."""
    try:
        return asyncio.run(bot)
    except TelemoxError as error:
        print(plain(error.said(), Reader()), file=sys.stderr)
        return 2 if error.lasting else os.EX_TEMPFAIL


if __name__ == "__main__":
    sys.exit(main())
