"""Tasks that failed, by node: what the cluster's own list, which holds about 25 of each node, has lost by now."""

from datetime import timedelta

from bot.model import Task
from bot.pve import tasks
from bot.pve.feeds.source import Source

BACK = timedelta(hours=3)
"""Twice the usual pace and more: one reading may fail."""
MOST = 200


async def read_failed(source: Source, node: str) -> tuple[Task, ...]:
    """GET /nodes/{node}/tasks?errors=1&since=…"""
    query = {"errors": "1", "limit": str(MOST), "since": str(int((source.now() - BACK).timestamp()))}
    return await source.get(f"/nodes/{node}/tasks", lambda body: tasks.tasks(body, source.cluster, source.clean), query)
