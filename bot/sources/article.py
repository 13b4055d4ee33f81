"""The main text of an article, for feeds that give headlines alone."""

from __future__ import annotations

import asyncio

from bot.core.errors import FetchError
from bot.core.ports import Fetcher
from bot.sources.worker import FeedWorker

WITHIN_S = 5.0


class ArticleReader:
    """Implements ports.Articles."""

    def __init__(self, fetcher: Fetcher, worker: FeedWorker, within_s: float = WITHIN_S) -> None:
        self._fetcher = fetcher
        self._worker = worker
        self._within_s = within_s

    async def text(self, url: str) -> str:
        """See ports.Articles."""
        try:
            async with asyncio.timeout(self._within_s):
                fetched = await self._fetcher.get(url)
                return await self._worker.article(fetched.body, fetched.headers.get("content-type", ""))
        except (FetchError, TimeoutError):
            return ""
