"""What is measured, and the bound that issue and README name. Floor and Telemox take turns, and who is first changes
with each round, so that a machine that slows down slows both."""

import asyncio
import gc
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

import httpx

from bot.demo.cluster import Cluster
from tests.bench.bots import CACHE, CROWD, Bot, running, simulated

Row = tuple[str, str, str, str, str, bool]
"""What, Telemox, floor, ratio or figure, bound, kept?"""
COLD = {100: 1.25, 10_000: 2.0}
"""Guests -> what `/status` may take with nothing cached, times the floor."""
LARGE = 10_000
HELD = 100.0  # ms
STARTS = 7


def ratio(what: str, ours: list[float], floor: list[float], bound: float) -> Row:
    a, b = median(ours), median(floor)
    return what, f"{a * 1000:.1f} ms", f"{b * 1000:.1f} ms", f"{a / b:.2f} ×", f"≤ {bound:g} ×", a / b <= bound


def count(what: str, value: float, bound: float, unit: str) -> Row:
    return what, f"{value:g} {unit}".strip(), "–", f"{value:g}", f"≤ {bound:g}", value <= bound


async def cold(rounds: int, folder: Path) -> list[Row]:
    """`/status` with nothing cached, against the least that a program can do for it."""
    times: dict[int, tuple[list[float], list[float]]] = {guests: ([], []) for guests in COLD}
    async with AsyncExitStack() as stack:
        pairs: dict[int, tuple[Cluster, Bot, Bot]] = {}
        for guests in COLD:
            cluster = await stack.enter_async_context(simulated(guests))
            ours = await stack.enter_async_context(running("tests.bench.ours", cluster, folder))
            floor = await stack.enter_async_context(running("tests.bench.floor", cluster, folder))
            pairs[guests] = cluster, ours, floor
        gc.freeze()  # the clusters simulated here are no work for the collector while it is measured
        for number in range(rounds + 1):  # the first round warms up
            await asyncio.sleep(CACHE + 0.1)
            for guests, (cluster, *bots) in pairs.items():
                for which in (0, 1) if number % 2 else (1, 0):
                    await _primed(cluster)
                    taken = await bots[which].ask("/status")
                    if number:
                        times[guests][which].append(taken)
        gc.unfreeze()
    return [ratio(f"/status, {guests:,} guests", *times[guests], bound) for guests, bound in COLD.items()]


async def _primed(cluster: Cluster) -> None:
    """Its answer is ready: who asks first after a change would pay for what the simulation takes to make it."""
    context = ssl.create_default_context(cadata=cluster.ca_pem.decode())
    context.check_hostname = False
    headers = {"Authorization": f"PVEAPIToken={cluster.tokens['view']}"}
    async with httpx.AsyncClient(verify=context, headers=headers) as client:
        for path in ("resources", "status"):
            (await client.get(f"https://{cluster.hosts[0]}/api2/json/cluster/{path}")).raise_for_status()


async def held(folder: Path) -> list[Row]:
    """The longest time for which the event loop of a bot with ten thousand guests gave nobody else a turn."""
    noted = folder / "held"
    async with (
        simulated(LARGE) as cluster,
        running("tests.bench.ours", cluster, folder, HELD_FILE=str(noted)) as ours,
    ):
        for text in ("/status", "/vms", "/storage", "/vm web", "/status", "/vms tag:prod", "/vm wbe", "/nodes"):
            await asyncio.sleep(CACHE + 0.1 if text == "/status" else 0)
            await ours.ask(text)
    return [count(f"event loop held at most, {LARGE:,} guests", float(noted.read_text()), HELD, "ms")]


async def warm(rounds: int, folder: Path) -> list[Row]:
    """From the cache, start and memory, against a bot that only echoes."""
    starts: tuple[list[float], list[float]] = ([], [])
    times: tuple[list[float], list[float]] = ([], [])
    async with simulated(1000) as cluster:
        gc.freeze()
        for number in range(STARTS):
            for which in (0, 1) if number % 2 else (1, 0):
                async with running(("tests.bench.ours", "tests.bench.echo")[which], cluster, folder) as bot:
                    starts[which].append(bot.started)
                    await bot.ask("/help")  # its start is over before the next one begins
        async with (
            running("tests.bench.ours", cluster, folder) as ours,
            running("tests.bench.echo", cluster, folder) as echo,
        ):
            asked = float("-inf")
            for number in range(rounds):
                if time.monotonic() - asked > CACHE - 1:
                    await ours.ask("/status")
                    asked = time.monotonic()
                for which in (0, 1) if number % 2 else (1, 0):
                    times[which].append(await (ours, echo)[which].ask("/status"))
            for text in ("/vms", "/vm web", "/nodes", "/storage", "/tasks", "/help"):
                await ours.ask(text)
            memory = ours.memory, echo.memory
        gc.unfreeze()
    more = memory[0] - memory[1]
    return [
        ratio("/status from the cache", *times, 1.15),
        ratio("start to first getUpdates", *starts, 1.5),
        (
            "resident memory, 1,000 guests",
            f"{memory[0]:.0f} MiB",
            f"{memory[1]:.0f} MiB",
            f"+ {more:.0f} MiB",
            "≤ + 30 MiB",
            more <= 30,
        ),
    ]


async def calls(folder: Path) -> list[Row]:
    """How many Proxmox calls a view costs, nothing cached, and how many Telegram messages."""
    rows: list[Row] = []
    async with simulated(100) as cluster, running("tests.bench.ours", cluster, folder) as ours:

        async def cost(what: str, act: Callable[[], Awaitable[object]]) -> int:
            """Gives the number of messages."""
            await asyncio.sleep(CACHE + 0.1)
            proxmox, telegram = len(cluster.requests), ours.answers
            await act()
            made = cluster.requests[proxmox:]
            if len(made) > 2:
                print(f"{what}:", *(f"{call.method} {call.path}" for call in made), sep="\n  ")
            rows.append(count(f"Proxmox calls: {what}", len(made), 2, ""))
            return ours.answers - telegram

        async def crowd() -> None:
            people = [ours.api.user(1000 + n, f"Person {n}") for n in range(1, CROWD)]
            chats = [ours.api.private(user) for user in people]
            before = ours.answers
            await asyncio.gather(
                *(ours.api.say(chat, user, "/status") for chat, user in zip(chats, people, strict=True)),
                ours.api.say(ours.chat, ours.user, "/status"),
            )
            await ours.api.wait_for(lambda: ours.answers >= before + CROWD, 60, "answers to everybody")

        await ours.ask("/status")
        await cost(f"{CROWD} people ask /status at once", crowd)
        for what, act in (
            ("/vms", lambda: ours.ask("/vms")),
            ("a name mistyped", lambda: ours.ask("/vm wbe")),
            ("guest card", lambda: ours.ask("/vm web")),
            ("confirmation", lambda: ours.tap(ours.api.last(ours.chat), "Reboot")),
        ):
            rows.append(count(f"Telegram messages: {what}", await cost(what, act), 1, ""))
    return rows
