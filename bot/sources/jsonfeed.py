"""JSON Feed 1.0 and 1.1 (jsonfeed.org), which feedparser reads as empty."""

from __future__ import annotations

from typing import Any

import orjson

from bot.core.errors import NotAFeed
from bot.core.lenient import loads
from bot.sources.raw import MAX_ITEMS, RawFeed, RawItem


def read(text: str) -> RawFeed:
    """Raises NotAFeed when it is not what its version line says."""
    try:
        document = loads(text)
    except orjson.JSONDecodeError:
        raise NotAFeed("the JSON Feed is cut off or not valid JSON") from None
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise NotAFeed("the JSON Feed has no list of items")
    found = [_item(item) for item in items[:MAX_ITEMS] if isinstance(item, dict)]
    return RawFeed(title=_string(document.get("title")), items=found, more=max(0, len(items) - MAX_ITEMS))


def _item(item: dict[str, Any]) -> RawItem:
    authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    author = next((a for a in authors or () if isinstance(a, dict)), {})
    bodies = [_string(item.get(name)) for name in ("content_html", "content_text", "summary")]
    return RawItem(
        id=_string(item.get("id")),
        link=_string(item.get("url")) or _string(item.get("external_url")),
        title=_string(item.get("title")) or _string(item.get("summary"))[:200],
        body=max(bodies, key=len),
        date=_string(item.get("date_published")) or _string(item.get("date_modified")),
        author=_string(author.get("name")),
    )


def _string(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
