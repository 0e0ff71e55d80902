"""A simulated Proxmox VE cluster: a real HTTPS server on loopback, one port a node."""

import asyncio
import hashlib
import random
import ssl
import time
from collections.abc import Callable, Iterable

import orjson
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from bot.demo.cluster import build, taught
from bot.demo.cluster.ageing import anchor, skip
from bot.demo.cluster.api import Answer, Api
from bot.demo.cluster.backup import every_night
from bot.demo.cluster.broadcast import Broadcast
from bot.demo.cluster.errors import Gateway, Refusal, Unauthorized
from bot.demo.cluster.faults import SLOW, Faults
from bot.demo.cluster.faults.fault import Stage
from bot.demo.cluster.grants import Grants
from bot.demo.cluster.messages import Misused, Reply, Request, refused
from bot.demo.cluster.notify import Notifier
from bot.demo.cluster.power import Power
from bot.demo.cluster.release import Release
from bot.demo.cluster.server import Port
from bot.demo.cluster.tasks import Task
from bot.demo.cluster.things import Guest, Node
from bot.demo.cluster.world import World

REMEMBERED = 100_000  # requests
TICK = 1.0  # seconds


class Cluster(Grants):
    """`async with Cluster() as cluster:` serves it; see the package for what it is made of.

    seed       the same seed, epoch and speed 0 give the same world
    version    of Proxmox VE: 7.4-20, 8.2, 8.4.21, 9.1.11
    guests     how many
    speed      simulated seconds a second; 0 = time moves by advance() alone
    latency    seconds that every call takes
    auth_delay seconds until a 401 is answered, and a third of it until a dead node is given up
    tls        False: plain HTTP
    epoch      simulated start, seconds since 1970; None = now
    anchored   its clock stays right whatever the speed, backups run at night: for people who look at it for long
    monotonic  drives simulated time; for tests with a clock of their own
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        version: str = "9.1.11",
        guests: int = 40,
        speed: float = 1.0,
        latency: float = 0.0,
        auth_delay: float = 3.0,
        tls: bool = True,
        epoch: float | None = None,
        anchored: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        ports: Iterable[int] = (0, 0, 0),
    ) -> None:
        self.release = Release(version)
        self.latency = latency
        self.auth_delay = auth_delay
        self.slow = SLOW  # seconds that the fault of that name adds
        self.requests: list[Request] = []
        self.tokens: dict[str, str] = {}
        self._rng = random.Random(seed)
        self.world = World(
            self.release, epoch=time.time() if epoch is None else epoch, speed=speed, monotonic=monotonic
        )
        build.nodes(self.world)
        build.guests(self.world, guests, self._rng)
        build.storages(self.world, self._rng)
        build.history(self.world)
        self._broadcast = Broadcast(self.world)
        self.world.catch_up()
        self.power = Power(self.world)
        self.routes = taught.routes(self.world, self._broadcast, self.power)
        self._api = Api(self.world, self.routes)
        self._tls = tls
        self._ca: trustme.CA | None = None
        self._ports = {
            name: Port(name, self._answer, number=number, body_limit=(512 if self.release.since(8, 4) else 64) * 1024)
            for name, number in zip(self.world.nodes, ports, strict=True)
        }
        self.notifier = Notifier(self.world)
        self.world.on_backup, self.world.on_fence = self.notifier.backup, self.notifier.fencing
        self._faults = Faults(Stage(self.world, self._ports, self.power, self.notifier))
        self.tokens.update(build.tokens(self.world, self._rng))
        self.world.on_power = self._powered
        self._anchored = anchored
        if anchored:
            every_night(self.world)
        self._ticking: asyncio.Task[None] | None = None

    # -- serving -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        for name, port in self._ports.items():
            if self._tls and port.tls is None:
                port.tls = self._context(name)
            await port.open()
        if self.world.clock.speed:
            self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
            self._ticking = None
        await self.notifier.stop()
        for port in self._ports.values():
            await port.close()

    async def __aenter__(self) -> "Cluster":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _context(self, node: str) -> ssl.SSLContext:
        if self._ca is None:
            self._ca = trustme.CA(organization_name="PVE Cluster Manager CA")
        certificate = self._ca.issue_cert("127.0.0.1", "localhost", node, common_name=f"{node}.example.org")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        pem = certificate.cert_chain_pems[0].bytes()
        digest = hashlib.sha256(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)).hexdigest().upper()
        self.world.fingerprints[node] = ":".join(digest[n : n + 2] for n in range(0, 64, 2))
        return context

    async def _tick(self) -> None:
        """The world moves on though nobody asks: a node that reboots has to come back to be asked again."""
        while True:
            await asyncio.sleep(TICK)
            self.world.catch_up()
            if self._anchored:
                anchor(self.world, time.time())

    def _powered(self, node: Node) -> None:
        port = self._ports[node.name]
        if node.online:
            port.reopen("power")
        else:
            port.shut("power")

    @property
    def hosts(self) -> list[str]:
        """127.0.0.1:port of each node, once started."""
        return [f"127.0.0.1:{port.number}" for port in self._ports.values()]

    @property
    def ports(self) -> list[Port]:
        """Of each node; a test may make them less patient."""
        return list(self._ports.values())

    @property
    def urls(self) -> list[str]:
        return [f"{'https' if self._tls else 'http'}://{host}" for host in self.hosts]

    @property
    def ca_pem(self) -> bytes:
        if self._ca is None:
            raise RuntimeError("no CA: the cluster is not started, or serves plain HTTP")
        return self._ca.cert_pem.bytes()

    @property
    def fingerprints(self) -> list[str]:
        """SHA-256 of each node's certificate, in the order of `hosts`."""
        return [self.world.fingerprints[name] for name in self._ports]

    def renew_certificate(self, node: str) -> str:
        """The node serves another certificate from the next connection on; gives its fingerprint."""
        port = self._ports[node]
        port.tls = self._context(node)
        port.shut("certificate")
        port.reopen("certificate")
        return self.world.fingerprints[node]

    async def _answer(self, request: Request, trouble: Refusal | None) -> Reply:
        self.requests.append(request)
        if len(self.requests) > REMEMBERED:  # a demo may run for weeks
            del self.requests[: REMEMBERED // 2]
        if self.latency:
            await asyncio.sleep(self.latency)
        faults = self._faults.at(request.host)
        if any(fault.slow for fault in faults):
            await asyncio.sleep(self.slow)
        try:
            reply = await self._met(request, trouble, [fault.meet(request) for fault in faults if fault.meet])
        except Refusal as why:
            if isinstance(why, Unauthorized) and self.auth_delay:
                await asyncio.sleep(self.auth_delay)
            if isinstance(why, Gateway) and self.auth_delay:
                await asyncio.sleep(self.auth_delay / 3)
            reply = refused(why, in_body=self.release.message_in_body)
        for fault in faults:
            if fault.spoil is not None:
                reply = fault.spoil(request, reply)
        return reply

    async def _met(self, request: Request, trouble: Refusal | None, met: list[Refusal | Reply | None]) -> Reply:
        for what in met:
            if isinstance(what, Refusal):
                raise what
            if isinstance(what, Reply):
                return what
        self.world.catch_up()
        authorization = request.headers.get("authorization")
        if trouble is not None:
            if not (isinstance(trouble, Misused) and trouble.early):
                self.world.access.authenticate(authorization, self.world.now)
            raise trouble
        answer = self._api.call(request.host, request.method, request.path, request.params, authorization)
        return _reply(answer)

    # -- the world, for tests and the demo's page ------------------------------------------------------------------

    def guest(self, vmid: int) -> Guest:
        """As it is now; change what you like."""
        self.world.catch_up()
        return self.world.guests[vmid]

    def tasks(self, kind: str = "") -> list[Task]:
        """Oldest first."""
        self.world.catch_up()
        return [task for task in self.world.tasks.all.values() if kind in {"", task.type}]

    def crash(self, vmid: int) -> None:
        """The guest stops by itself."""
        self.world.crash(self.guest(vmid))

    def advance(self, seconds: float) -> None:
        """Simulated seconds go by at once."""
        self.world.clock.advance(seconds)
        self.world.catch_up()

    @property
    def speed(self) -> float:
        """Simulated seconds a second; may be set at any time."""
        return self.world.clock.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self.world.catch_up()
        self.world.clock.speed = speed

    def skip(self, seconds: float) -> None:
        """So much goes by at once; everything is older then, and the clock is where it was."""
        skip(self.world, seconds)

    def ask(self, path: str, *, who: str = "view", host: str = "pve1", **params: object) -> object:
        """`data` of a GET, without HTTP: what the token of that name would be answered. Raises Refusal."""
        self.world.catch_up()
        answer = self._api.call(host, "GET", path, params, f"PVEAPIToken={self.tokens[who]}")
        return answer.data if answer.body is None else orjson.loads(answer.body)["data"]

    def broadcast(self) -> None:
        """Brings /cluster/resources up to date now, instead of up to 10 simulated seconds later."""
        self.world.catch_up()
        self._broadcast.tell()

    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.write]

    def set_fault(self, key: str, on: bool, target: str = "") -> None:
        self.world.catch_up()
        self._faults.set(key, on, target)

    def clear_faults(self) -> None:
        self.world.catch_up()
        self._faults.clear()

    def faults(self) -> list[dict[str, object]]:
        """key, label, help, on, target, targets"""
        self.world.catch_up()
        return self._faults.table()


def _reply(answer: Answer) -> Reply:
    if answer.body is not None:
        return Reply(body=answer.body, gzipped=answer.gzipped, content_type=answer.content_type)
    envelope: dict[str, object] = {"data": answer.data}
    if answer.total:  # a total of nothing is left out (pve-manager, HTTPServer.pm)
        envelope["total"] = answer.total
    return Reply(body=orjson.dumps(envelope), content_type=answer.content_type)
