"""The demo's servers as a process of their own, without the bot.

Prints one line of JSON, `{"url": …, "settings": {…}}`, and lives until its standard input ends, or SIGTERM, or SIGINT:
whoever started it may die in any way, and it goes too.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import stat
import sys
import threading

from bot.demo import Demo


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bot.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the chat page (default: any free one)")
    parser.add_argument("--guests", type=int, default=40, help="about how many there are (default: 40)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another cluster (default: 1)")
    parser.add_argument("--speed", type=float, default=1.0, help="how many seconds of the cluster pass in one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to each call of the cluster")
    wanted = parser.parse_args()
    demo = Demo(
        port=wanted.port,
        guests=wanted.guests,
        seed=wanted.seed,
        speed=wanted.speed,
        latency=wanted.latency,
        environ=os.environ,
    )
    try:
        asyncio.run(_live(demo))
    except OSError as error:
        sys.stderr.write(f"The demo cannot listen on 127.0.0.1:{wanted.port}: {error.strerror}. Try another --port.\n")
        return 1
    return 0


async def _live(demo: Demo) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    async with demo:
        sys.stdout.write(json.dumps({"url": demo.url, "settings": demo.settings}) + "\n")
        sys.stdout.flush()
        # A thread, because input may be anything: a terminal, a pipe, a file; daemon, because it may never end.
        threading.Thread(target=_drain, args=(loop, over), daemon=True).start()
        await over.wait()


def _drain(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    piped = False
    with contextlib.suppress(OSError):  # no input at all counts as its end
        mode = os.fstat(0).st_mode
        piped = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)  # by whoever started it, who knows
        while os.read(0, 4096):
            pass
    if not piped:
        sys.stderr.write("The demo ends, since its standard input has: keep that open.\n")
    with contextlib.suppress(RuntimeError):  # the loop may be gone already
        loop.call_soon_threadsafe(over.set)


if __name__ == "__main__":
    sys.exit(main())
