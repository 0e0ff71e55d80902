"""The simulated cluster over plain HTTP, its time moved by hand, and root who asks it."""

from collections.abc import AsyncIterator

import pytest

from bot.demo.cluster import Cluster
from tests.demo.cluster_kit import Speaker, served, speaking


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with served() as made:
        yield made


@pytest.fixture
async def root(cluster: Cluster) -> AsyncIterator[Speaker]:
    async with speaking(cluster) as speaker:
        yield speaker
