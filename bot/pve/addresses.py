"""IP addresses of a guest, by its agent or of its container, kept for some minutes."""

from collections.abc import Awaitable, Callable, Iterator
from ipaddress import ip_address

from cachetools import TTLCache

from bot.errors import PveError
from bot.model import Guest, Kind, Permissions, Status, Version
from bot.ports import Clock
from bot.pve.client import Client
from bot.pve.parse import Row, data, text

KEPT = 300.0  # s
NONE_KEPT = 60.0  # s: an agent that does not run costs 3 s a question


class Addresses:
    """`await addresses(guest)`: () where there is no agent, no right or no answer; never a PveError."""

    def __init__(
        self,
        view: Client,
        clock: Clock,
        *,
        version: Callable[[], Awaitable[Version]],
        permissions: Callable[[], Awaitable[Permissions | None]],
        timeout: float,
    ) -> None:
        self._view = view
        self._version = version
        self._permissions = permissions
        self._timeout = timeout
        self._known: TTLCache[int, tuple[str, ...]] = TTLCache(4096, KEPT, clock.monotonic)
        self._none: TTLCache[int, tuple[str, ...]] = TTLCache(4096, NONE_KEPT, clock.monotonic)
        self._agents: dict[int, bool] = {}

    def learn(self, guest: Guest, agent: bool) -> None:
        """What status/current said: whether the configuration of a VM names an agent."""
        self._agents[guest.vmid] = agent

    async def __call__(self, guest: Guest) -> tuple[str, ...]:
        if guest.status is not Status.RUNNING:
            return ()
        for cache in (self._known, self._none):
            if (kept := cache.get(guest.vmid)) is not None:
                return kept
        try:
            found = await (self._of_container(guest) if guest.kind is Kind.LXC else self._by_agent(guest))
        except PveError:
            found = ()
        (self._known if found else self._none)[guest.vmid] = found
        return found

    async def _of_container(self, guest: Guest) -> tuple[str, ...]:
        """GET /nodes/{node}/lxc/{vmid}/interfaces, since 8.1."""
        if await self._version() < (8, 1):
            return ()
        return await self._view.get(f"{guest.path}/interfaces", read, timeout=self._timeout)

    async def _by_agent(self, guest: Guest) -> tuple[str, ...]:
        """GET /nodes/{node}/qemu/{vmid}/agent/network-get-interfaces."""
        if self._agents.get(guest.vmid) is False:
            return ()
        new = await self._version() >= (9, 0)
        needed = "VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted" if new else "VM.Monitor"
        may = await self._permissions()
        if may is None or not may.allows(needed, f"/vms/{guest.vmid}", guest.pool):
            return ()
        return await self._view.get(f"{guest.path}/agent/network-get-interfaces", read, timeout=self._timeout)


def read(body: bytes) -> tuple[str, ...]:
    """Of GET …/agent/network-get-interfaces (`result` with `ip-addresses`) and GET /lxc/{vmid}/interfaces (`inet`)."""
    value = data(body)
    if isinstance(value, dict):
        value = value.get("result")  # of the agent; an object with `error` where it does not know the command
    found: dict[str, None] = {}
    for interface in value if isinstance(value, list) else []:
        if isinstance(interface, dict):
            for given in _given(interface):
                try:
                    address = ip_address(given.partition("/")[0].partition("%")[0])
                except ValueError:
                    continue
                if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                    found[str(address)] = None
    return tuple(sorted(found, key=lambda address: ":" in address))  # IPv4 first


def _given(interface: Row) -> Iterator[str]:
    listed = interface.get("ip-addresses")
    for address in listed if isinstance(listed, list) else []:
        if isinstance(address, dict):
            yield text(address.get("ip-address"))
    for key in ("inet", "inet6"):
        yield from text(interface.get(key)).split()
