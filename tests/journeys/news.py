"""The news of a typical day, and what is not news."""

from __future__ import annotations

import asyncio

from tests.fakes.feedserver import FeedServer, Item

FINE = Item(
    "China fines Didi $1.2 billion for violating data security laws",
    "https://news.example/didi-fine",
    summary="The Cyberspace Administration of China said on Thursday it had fined Didi Global 8.026 billion yuan.",
)
NOISE = [
    Item("CAC 40 index closes higher as luxury stocks rally", "https://news.example/cac40"),
    Item("How to lower customer acquisition cost (CAC) in five steps", "https://news.example/cost"),
    Item("Luxury property listings in Shanghai fall again", "https://news.example/homes"),
]
OLD = [Item("A quiet day", "https://news.example/quiet")]


async def polled(feeds: FeedServer, path: str = "/one.xml", more: int = 2) -> None:
    """Wait until a feed has been read that many times more, so that what it held has been judged."""
    wanted = feeds.hits[path] + more
    while feeds.hits[path] < wanted:  # noqa: ASYNC110  the server is no part of this loop's bot
        await asyncio.sleep(0.05)
