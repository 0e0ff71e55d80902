"""A Proxmox cluster, Telegram, and four people with phones, all simulated on loopback; the bot between them is real.

    async with Demo() as demo:
        demo.url         the chat page
        demo.settings    the environment that points the bot at both servers

    python -m bot.demo   the same as a process: one JSON line with url and settings, then it lives until its input ends

cluster/    the cluster: HTTPS with its own CA, three nodes, tasks that take time, faults
telegram/   the Bot API, and the page where people chat with the bot

Imports nothing else of the bot, so that what is wrong in the bot cannot be wrong here in the same way.
"""

import secrets
import shutil
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bot.demo.cluster import Cluster
from bot.demo.telegram import BotApi, Chat, User
from bot.demo.telegram.mischief import QUOTA
from bot.demo.telegram.page import Page

ANA, BEN, VERA, MALLORY = 1001, 1002, 1003, 6666
OPS, HOME = -1001000500, -4000123
ALERTS = "Alerts"  # the topic of Ops that they go to
FIGURES = {
    "GUEST_CPU__ON": "yes",
    "NODE_SWAP__ON": "yes",
    "PRESSURE__ON": "yes",
    "GUEST_CPU__HOLD": "10m",
    "NODE_CPU__HOLD": "10m",
    "NODE_LOAD__HOLD": "10m",
    "NODE_FENCED__DISARMED_SECONDS": "10m",
    "LOCK_STUCK__HOLD": "10m",
}
"""Of rules that are off by default, or that wait for longer than anybody who tries the demo does."""
OWN = frozenset(
    f"TELEMOX_{name}"
    for name in ("LISTEN", "NOTIFY_SECRET", "HEARTBEAT_URL", "MAY_SLEEP", "DISKS_HOUR", "DISKS_OFF", "LOG_LEVEL",
                 "LOG_FORMAT")
)  # fmt: skip
"""Settings that whoever tries the demo may bring along, and with them every TELEMOX_ALERTS__…: the others say where the
cluster, Telegram and the people are, and here these are simulated."""
# As the settings below give them.
NOTES = {ANA: "admin", BEN: "operator", VERA: "viewer", MALLORY: "stranger"}


class Demo:
    """`async with Demo() as demo`: both servers and the page, in the running loop.

    `guests`: how many, about. `speed`: how many seconds of the cluster pass in one. `latency`: seconds added to each
    call of the cluster. `port`: of the page; 0 takes a free one. `environ`: of it the settings in `OWN` win.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        guests: int = 40,
        seed: int = 1,
        speed: float = 1.0,
        latency: float = 0.0,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._own = {name: text for name, text in (environ or {}).items() if text and _own(name)}
        self.cluster = Cluster(seed=seed, guests=guests, speed=speed, latency=latency, anchored=True)
        self.cluster.world.ceph = "HEALTH_OK"  # installed, so that it is looked at often
        # The token is the only thing that keeps other local programs out of the stand-in Bot API.
        self.api = BotApi(f"110201543:{secrets.token_urlsafe(26)}")
        self.api.quota = QUOTA
        self.page = Page(self.api, self.cluster, notes=NOTES, port=port)
        self.people: dict[int, User] = {}
        self.alerts = 0  # thread id of the topic that alerts go to
        self._folder: Path | None = None
        self._listen = ""  # where the bot is to listen for what Proxmox pushes: host:port

    async def start(self) -> None:
        """Raises: OSError, the port is taken; nothing stays behind then."""
        try:
            await self.cluster.start()
            await self.api.start()
            self._populate()
            await self.page.start()
            self._listen = self._own.get("TELEMOX_LISTEN") or f"127.0.0.1:{free_port()}"
            self.cluster.notifier.url = f"http://{reached(self._listen)}/pve/notify"
            self.cluster.notifier.secret = self._own.get("TELEMOX_NOTIFY_SECRET") or secrets.token_hex(24)
            self._folder = Path(tempfile.mkdtemp(prefix="telemox-demo-"))
            (self._folder / "ca.pem").write_bytes(self.cluster.ca_pem)
            (self._folder / "data").mkdir(mode=0o700)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        await self.page.stop()
        await self.api.stop()
        await self.cluster.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    async def __aenter__(self) -> "Demo":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The chat page."""
        return self.page.url

    @property
    def ops(self) -> Chat:
        """The group; it has topics."""
        return self.api.world.chats[OPS]

    @property
    def settings(self) -> dict[str, str]:
        """The bot's environment, whole."""
        if self._folder is None:
            raise RuntimeError("the demo is not running")
        return {
            "TELEMOX_TELEGRAM_TOKEN": self.api.token,
            "TELEMOX_TELEGRAM_BASE_URL": self.api.base_url,
            "TELEMOX_PVE_HOSTS": ",".join(self.cluster.hosts),
            "TELEMOX_PVE_VIEW_TOKEN": self.cluster.tokens["view"],
            "TELEMOX_PVE_POWER_TOKEN": self.cluster.tokens["power"],
            "TELEMOX_PVE_ADMIN_TOKEN": self.cluster.tokens["admin"],
            "TELEMOX_PVE_CA_FILE": str(self._folder / "ca.pem"),
            "TELEMOX_VIEWERS": f"{VERA},{OPS},{HOME}",
            "TELEMOX_OPERATORS": str(BEN),
            "TELEMOX_ADMINS": str(ANA),
            "TELEMOX_DATA_DIR": str(self._folder / "data"),
            "TELEMOX_ALERT_CHATS": f"{OPS}:{self.alerts}",
            "TELEMOX_ALERTS__POLL_SECONDS": "2",
            "TELEMOX_ALERTS__TIME_SCALE": "0.1",  # so that what takes minutes takes seconds
            **{f"TELEMOX_ALERTS__{figure}": value for figure, value in FIGURES.items()},
            "TELEMOX_LISTEN": self._listen,
            "TELEMOX_NOTIFY_SECRET": self.cluster.notifier.secret,
            **self._own,
        }

    def _populate(self) -> None:
        for number, name in ((ANA, "Ana"), (BEN, "Ben"), (VERA, "Vera"), (MALLORY, "Mallory")):
            self.people[number] = self.api.user(number, name)
            self.api.private(self.people[number])
        ops = self.api.group(OPS, "Ops", forum=True, bot_admin=True)
        for number in (ANA, BEN, VERA):
            self.api.member(ops, self.people[number], "creator" if number == ANA else "member")
        self.alerts = self.api.topic(ops, ALERTS)
        home = self.api.group(HOME, "Home", supergroup=False, bot_admin=True)
        for number in (ANA, BEN):
            self.api.member(home, self.people[number], "creator" if number == ANA else "member")


def _own(name: str) -> bool:
    return name in OWN or name.startswith("TELEMOX_ALERTS__")


def reached(listen: str) -> str:
    """Where what listens on every address of this machine is reached on it."""
    host, colon, port = listen.rpartition(":")
    return f"127.0.0.1{colon}{port}" if host in {"0.0.0.0", "[::]", "::"} else listen  # noqa: S104 - compared


def free_port() -> int:
    """One that nobody listens at now: the bot, which is to, does not exist yet."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
