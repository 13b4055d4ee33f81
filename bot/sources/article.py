"""The main text of an article, for feeds that give headlines alone."""

from __future__ import annotations

import asyncio

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from bot.core.errors import FetchError
from bot.core.ports import Fetched, Fetcher
from bot.sources.decoding import Shape, challenge, classify, decode

WITHIN_S = 5.0
LONGEST = 500_000
"""Characters of a page that are looked through."""
KEPT = 20_000


class ArticleReader:
    """Implements ports.Articles."""

    def __init__(self, fetcher: Fetcher, within_s: float = WITHIN_S) -> None:
        self._fetcher = fetcher
        self._within_s = within_s

    async def text(self, url: str) -> str:
        """See ports.Articles."""
        try:
            async with asyncio.timeout(self._within_s):
                return await asyncio.to_thread(main_text, await self._fetcher.get(url))
        except (FetchError, TimeoutError):
            return ""


def main_text(fetched: Fetched) -> str:
    """Paragraphs, one a line; "" for what is no page, or a check for robots."""
    text = decode(fetched.body, fetched.headers.get("content-type", ""))[:LONGEST]
    if classify(text) is not Shape.HTML or challenge(text):
        return ""
    shown = extract_plain_text(HTMLTree.parse(text), main_content=True, links=False, alt_texts=False)
    return "\n".join(line for line in map(str.strip, shown.splitlines()) if line)[:KEPT]
