"""The simulated cluster over plain HTTP, its time moved by hand, for the tests of itself."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from bot.demo.cluster import Cluster

EPOCH = 1_767_312_000.0  # 2026-01-02 00:00:00 UTC
HOSTILE = 'web<1>_&"'  # the name of 666


class Speaker:
    """Speaks to one host with one token."""

    def __init__(self, cluster: Cluster, client: httpx.AsyncClient) -> None:
        self.cluster = cluster
        self.client = client

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.client.request(method, path, **more)

    async def get(self, path: str, **params: Any) -> Any:
        """`data` of a 200."""
        response = await self.client.get(path, params=params)
        assert response.status_code == 200, response.reason_phrase
        return response.json()["data"]

    async def post(self, path: str, **form: Any) -> str:
        """The UPID."""
        response = await self.client.post(path, data=form)
        assert response.status_code == 200, response.reason_phrase
        return str(response.json()["data"])

    async def refused(self, method: str, path: str, **more: Any) -> tuple[int, str]:
        """Status and reason phrase."""
        response = await self.ask(method, path, **more)
        assert response.status_code >= 400
        return response.status_code, response.reason_phrase

    async def task(self, upid: str) -> Any:
        return await self.get(f"/nodes/{upid.split(':')[1]}/tasks/{upid}/status")

    async def log(self, upid: str) -> list[str]:
        return [row["t"] for row in await self.get(f"/nodes/{upid.split(':')[1]}/tasks/{upid}/log", limit=0)]

    async def rows(self, kind: str = "") -> dict[str, Any]:
        """GET /cluster/resources, by id."""
        found = await self.get("/cluster/resources", **({"type": kind} if kind else {}))
        return {row["id"]: row for row in found}


@asynccontextmanager
async def speaking(cluster: Cluster, who: str = "root", host: int = 0) -> AsyncIterator[Speaker]:
    header = {"Authorization": f"PVEAPIToken={cluster.tokens.get(who, who)}"}
    base = f"{cluster.urls[host]}/api2/json"
    nothing_to_verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # spares loading the system's CAs for plain HTTP
    async with httpx.AsyncClient(
        base_url=base, headers=header, trust_env=False, timeout=5, verify=nothing_to_verify
    ) as client:
        yield Speaker(cluster, client)


@asynccontextmanager
async def served(**more: Any) -> AsyncIterator[Cluster]:
    settings: dict[str, Any] = {"speed": 0, "auth_delay": 0, "tls": False, "epoch": EPOCH, **more}
    async with Cluster(**settings) as cluster:
        yield cluster
