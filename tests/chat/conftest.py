from collections.abc import AsyncIterator

import pytest

from tests.chat.kit import House, house


@pytest.fixture
async def home() -> AsyncIterator[House]:
    async with house() as made:
        yield made
