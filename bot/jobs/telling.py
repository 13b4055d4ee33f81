"""What an alert is told from, fetched before it is decided: its article, a rewritten summary; five seconds in all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from bot.core.news import Entry, Feed
from bot.core.ports import Articles, Rewriter
from bot.judge.summary import summarise
from bot.judge.support import supported

WITHIN_S = 5.0
THIN = 80
"""An entry with fewer characters below its headline says little more than that."""
MOST = 3
"""Alerts of one reading that are prepared, all at once; a flood waits for nothing."""


@dataclass(frozen=True, slots=True)
class Told:
    """By entry key. articles: texts of articles. rewrites: summaries of which every sentence is supported."""

    articles: Mapping[str, str] = field(default_factory=dict)
    rewrites: Mapping[str, str] = field(default_factory=dict)


class Telling:
    def __init__(self, articles: Articles, rewriter: Rewriter | None, within_s: float = WITHIN_S) -> None:
        self._articles = articles
        self._rewriter = rewriter
        self._within_s = within_s

    def wanted(self, feed: Feed) -> bool:
        """Whether anything would be fetched for this feed's alerts."""
        return feed.article or self._rewriter is not None

    async def prepare(self, feed: Feed, alerts: Sequence[Entry]) -> Told:
        """Never raises, and never takes longer than it may: what has not come by then is done without."""
        articles: dict[str, str] = {}
        rewrites: dict[str, str] = {}
        work = [self._one(feed, entry, articles, rewrites) for entry in islice(alerts, MOST)]
        try:
            async with asyncio.timeout(self._within_s):
                await asyncio.gather(*work)
        except TimeoutError:
            pass
        return Told(articles, rewrites)

    async def _one(self, feed: Feed, entry: Entry, articles: dict[str, str], rewrites: dict[str, str]) -> None:
        if feed.article and entry.url and len(entry.body) < THIN:
            text = await self._articles.text(entry.url)
            if summarise(entry.title, text, ()).text:  # a consent wall, for one, says nothing of the matter
                articles[entry.key] = text
        source = articles.get(entry.key) or entry.body
        if self._rewriter and summarise(entry.title, source, ()).text:
            said = supported(await self._rewriter.rewrite(entry.title, source), f"{entry.title}\n{source}")
            if said:
                rewrites[entry.key] = said
