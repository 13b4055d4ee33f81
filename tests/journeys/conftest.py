"""What every journey has: a feed server whose feeds hold one quiet entry."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.feedserver import FeedServer
from tests.journeys.news import OLD


@pytest.fixture
async def feeds() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        server.put("/one.xml", OLD)
        server.put("/two.xml", OLD)
        yield server
