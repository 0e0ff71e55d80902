"""`make bench`: speed and memory as ratios against a floor measured in the same run.

Each bot is a process of its own between the simulated cluster and the stand-in Bot API, which run here. Floor and
Telemox take turns, so that a machine that slows down slows both. Printed as a Markdown table; `--readme` writes it into
README.md.
"""

import argparse
import asyncio
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from bot.demo.cluster import Cluster
from bot.demo.telegram.api import BotApi, Call
from bot.demo.telegram.world import Chat, Message, User

TOKEN = "123456:bench-bench-bench-bench-bench-bench"
ANSWERS = {"sendmessage", "editmessagetext"}
LATENCY = 0.020  # s a Proxmox call
CACHE = 5.0  # s a snapshot is kept
CROWD = 100  # people


@dataclass
class Bot:
    """One bot process and the person who talks to it."""

    api: BotApi
    process: asyncio.subprocess.Process
    user: User
    chat: Chat
    started: float  # s from start to the first getUpdates

    @property
    def memory(self) -> float:
        """Resident set, MiB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    async def ask(self, text: str) -> float:
        """Seconds from the message to the arrival of the bot's answer."""
        return await self._timed(lambda: self.api.say(self.chat, self.user, text))

    async def tap(self, message: Message, label: str) -> float:
        return await self._timed(lambda: self.api.tap(message, label, self.user, wait=False))

    async def _timed(self, act: Callable[[], Awaitable[object]]) -> float:
        answered: asyncio.Future[float] = asyncio.get_running_loop().create_future()

        def hear(call: Call) -> None:
            if call.method.lower() in ANSWERS and not answered.done():
                answered.set_result(time.perf_counter())

        self.api.on_call.append(hear)
        try:
            await self.api.settled()
            before = time.perf_counter()
            await act()
            taken = await asyncio.wait_for(answered, 30) - before
            await self.api.settled()
        finally:
            self.api.on_call.remove(hear)
        return taken


@asynccontextmanager
async def running(module: str, cluster: Cluster, folder: Path, **more: str) -> AsyncIterator[Bot]:
    api = BotApi(TOKEN)
    await api.start()
    user = api.user(1000, "Ana")
    chat = api.private(user)
    ca = folder / "ca.pem"
    ca.write_bytes(cluster.ca_pem)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TELEMOX_")} | {
        "TELEMOX_TELEGRAM_TOKEN": TOKEN,
        "TELEMOX_TELEGRAM_BASE_URL": api.base_url,
        "TELEMOX_PVE_HOSTS": cluster.hosts[0],
        "TELEMOX_PVE_VIEW_TOKEN": cluster.tokens["view"],
        "TELEMOX_PVE_POWER_TOKEN": cluster.tokens["power"],
        "TELEMOX_PVE_CA_FILE": str(ca),
        "TELEMOX_ADMINS": ",".join(str(1000 + n) for n in range(CROWD)),
        "TELEMOX_DATA_DIR": tempfile.mkdtemp(dir=folder),
        **more,
    }
    polled: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def hear(call: Call) -> None:
        if call.method.lower() == "getupdates" and not polled.done():
            polled.set_result(time.perf_counter())

    api.on_call.append(hear)
    before = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, env={name: v for name, v in environment.items() if name != "HELD_FILE" or v}
    )
    try:
        started = await asyncio.wait_for(polled, 60) - before
        api.on_call.remove(hear)
        yield Bot(api, process, user, chat, started)
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 30)
        await api.stop()


@asynccontextmanager
async def simulated(guests: int) -> AsyncIterator[Cluster]:
    cluster = Cluster(guests=guests, latency=LATENCY, auth_delay=0.0)
    await cluster.start()
    try:
        yield cluster
    finally:
        await cluster.stop()


Row = tuple[str, str, str, str, str, bool]
"""What, Telemox, floor, ratio or figure, bound, kept?"""


def ratio(what: str, ours: list[float], floor: list[float], bound: float) -> Row:
    a, b = median(ours), median(floor)
    return what, f"{a * 1000:.1f} ms", f"{b * 1000:.1f} ms", f"{a / b:.2f} ×", f"≤ {bound:g} ×", a / b <= bound


def count(what: str, value: float, bound: float, unit: str) -> Row:
    return what, f"{value:g} {unit}", "–", f"{value:g}", f"≤ {bound:g}", value <= bound


async def cold(guests: int, rounds: int, bound: float, folder: Path) -> list[Row]:
    """`/status` with nothing cached, in turns with the floor; and how long the event loop was held meanwhile."""
    held = folder / f"held-{guests}"
    async with simulated(guests) as cluster:
        async with (
            running("tests.bench.floor", cluster, folder) as floor,
            running("tests.bench.ours", cluster, folder) as ours,
        ):
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(rounds + 1):
                await asyncio.sleep(CACHE + 0.1)
                times[0].append(await ours.ask("/status"))
                times[1].append(await floor.ask("/status"))
        rows = [ratio(f"/status, {guests:,} guests", times[0][1:], times[1][1:], bound)]
        if guests >= 10_000:
            async with running("tests.bench.ours", cluster, folder, HELD_FILE=str(held)) as watched:
                for text in ("/status", "/vms", "/storage", "/vm web", "/status", "/vms tag:prod", "/nodes"):
                    await asyncio.sleep(CACHE + 0.1 if text == "/status" else 0)
                    await watched.ask(text)
            rows.append(count("event loop held at most, 10,000 guests", float(held.read_text()), 100, "ms"))
    return rows


async def warm(rounds: int, folder: Path) -> list[Row]:
    """From the cache, against a bot that only echoes; start and memory against the same."""
    async with simulated(1000) as cluster:
        starts: tuple[list[float], list[float]] = ([], [])
        memory: tuple[list[float], list[float]] = ([], [])
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(5):
            async with running("tests.bench.echo", cluster, folder) as echo:
                starts[1].append(echo.started)
            async with running("tests.bench.ours", cluster, folder) as ours:
                starts[0].append(ours.started)
        async with (
            running("tests.bench.echo", cluster, folder) as echo,
            running("tests.bench.ours", cluster, folder) as ours,
        ):
            asked = 0.0
            for _ in range(rounds):
                if time.monotonic() - asked > CACHE - 1:
                    await ours.ask("/status")
                    asked = time.monotonic()
                times[0].append(await ours.ask("/status"))
                times[1].append(await echo.ask("/status"))
            for text in ("/vms", "/vm web", "/nodes", "/storage", "/tasks", "/help"):
                await ours.ask(text)
            memory[0].append(ours.memory)
            memory[1].append(echo.memory)
    more = memory[0][0] - memory[1][0]
    return [
        ratio("/status from the cache", times[0], times[1], 1.15),
        ratio("start to first getUpdates", *starts, 1.5),
        (
            "resident memory, 1,000 guests",
            f"{memory[0][0]:.0f} MiB",
            f"{memory[1][0]:.0f} MiB",
            f"+ {more:.0f} MiB",
            "≤ + 30 MiB",
            more <= 30,
        ),
    ]


async def calls(folder: Path) -> list[Row]:
    """How many Proxmox calls a view costs, nothing cached."""
    rows: list[Row] = []
    async with simulated(100) as cluster, running("tests.bench.ours", cluster, folder) as ours:

        async def cost(what: str, act: Callable[[], Awaitable[object]], bound: int) -> None:
            await asyncio.sleep(CACHE + 0.1)
            proxmox, telegram = len(cluster.requests), len(_answers(ours.api))
            await act()
            rows.append(count(f"Proxmox calls: {what}", len(cluster.requests) - proxmox, bound, ""))
            if what != "100 people ask /status at once":
                rows.append(count(f"Telegram messages: {what}", len(_answers(ours.api)) - telegram, 1, ""))

        async def crowd() -> None:
            people = [ours.api.user(1000 + n, f"Person {n}") for n in range(1, CROWD)]
            chats = [ours.api.private(user) for user in people]
            before = len(_answers(ours.api))
            await asyncio.gather(
                *(ours.api.say(chat, user, "/status") for chat, user in zip(chats, people, strict=True))
            )
            await ours.api.wait_for(lambda: len(_answers(ours.api)) >= before + CROWD - 1, 60, "answers to everybody")

        await ours.ask("/status")
        await cost("100 people ask /status at once", crowd, 2)
        await cost("/vms", lambda: ours.ask("/vms"), 2)
        await cost("guest card", lambda: ours.ask("/vm web"), 2)
        await cost("confirmation", lambda: ours.tap(ours.api.last(ours.chat), "Reboot"), 2)
    return rows


def _answers(api: BotApi) -> list[Call]:
    return [call for call in api.calls if call.method.lower() in ANSWERS]


def write_readme(table: str) -> None:
    path = Path(__file__).parents[2] / "README.md"
    text = path.read_text()
    marked = re.compile(r"(<!-- bench -->\n).*?(<!-- end -->)", re.DOTALL)
    path.write_text(marked.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text))


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: a look, not a figure")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    arguments = parser.parse_args()
    rounds = 4 if arguments.quick else 15
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows += await cold(100, rounds, 1.25, folder)
        rows += await cold(10_000, rounds, 2.0, folder)
        rows += await warm(rounds * 20, folder)
        rows += await calls(folder)
    lines = ["| what | Telemox | floor | ratio | bound |", "|---|---|---|---|---|"]
    lines += [f"| {what} | {ours} | {floor} | {figure} | {bound} |" for what, ours, floor, figure, bound, _ in rows]
    table = "\n".join(lines)
    print(table)
    broken = [row[0] for row in rows if not row[-1]]
    print("\nall bounds kept" if not broken else f"\nover the bound: {'; '.join(broken)}")
    if arguments.readme:
        write_readme(table)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
