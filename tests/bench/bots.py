"""What is measured: bots as processes of their own, between the simulated cluster and the stand-in Bot API."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

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

    @property
    def answers(self) -> int:
        return sum(call.method.lower() in ANSWERS for call in self.api.calls)

    async def ask(self, text: str) -> float:
        """Seconds from the message to the arrival of the bot's answer."""
        return await self._timed(lambda: self.api.say(self.chat, self.user, text))

    async def tap(self, message: Message, label: str) -> float:
        return await self._timed(lambda: self.api.tap(message, label, self.user, wait=False))

    async def _timed(self, act: Callable[[], Awaitable[object]]) -> float:
        """The end is the moment at which the call was there: what the stand-in makes of it is not the bot's time."""
        answered: asyncio.Future[float] = asyncio.get_running_loop().create_future()

        def hear(call: Call) -> None:
            if call.method.lower() in ANSWERS and not answered.done():
                answered.set_result(call.time)

        self.api.on_call.append(hear)
        try:
            await self.api.settled()
            before = time.time()
            await act()
            taken = await asyncio.wait_for(answered, 30) - before
            await self.api.settled()
        finally:
            self.api.on_call.remove(hear)
        return taken


@asynccontextmanager
async def running(module: str, cluster: Cluster, folder: Path, **more: str) -> AsyncIterator[Bot]:
    """`python -m module`, until the end of the block; entered once it polls. `more` goes into its environment."""
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
            polled.set_result(call.time)

    api.on_call.append(hear)
    before = time.time()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, env=environment)
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
