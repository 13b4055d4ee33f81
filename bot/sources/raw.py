"""What any reader of bodies gives: a feed's items with their texts as written, not yet cleaned or judged."""

from __future__ import annotations

from dataclasses import dataclass

MAX_ITEMS = 500
MAX_FIELD = 64 * 1024
"""Characters of one text of an item that are looked at, at most."""


@dataclass(slots=True)
class RawItem:
    """Strings as the document has them; "" for what it does not have. source: outlet named by an aggregator."""

    id: str = ""
    link: str = ""
    title: str = ""
    body: str = ""
    date: str = ""
    author: str = ""
    source: str = ""


@dataclass(slots=True)
class RawFeed:
    """items: in document order, at most MAX_ITEMS. ttl_s: the document's own wish, None when it has none."""

    title: str
    items: list[RawItem]
    ttl_s: float | None = None
    more: int = 0
    """How many further items were left out."""
