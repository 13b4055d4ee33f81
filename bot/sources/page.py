"""A web page that lists its news: rows, titles, links and dates by CSS selectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resiliparse.parse.html import HTMLTree

from bot.core.errors import NotAFeed
from bot.sources.raw import MAX_ITEMS, RawFeed, RawItem

OPTIONS = ("item", "title", "link", "date", "summary")


def is_selector(text: str) -> bool:
    """Whether the part before `@` can be used; without any, the row itself is meant."""
    path = text.partition("@")[0].strip()
    body = HTMLTree.parse("<html><body></body></html>").body
    try:
        if path and body is not None:
            body.query_selector(path)
    except (ValueError, RuntimeError):
        return False
    return True


def read(text: str, options: Mapping[str, str]) -> RawFeed:
    """options as in core.news.Feed: `item` (a row), and within it `title`, `link`, `date`, `summary`; `selector@name`
    takes an attribute. Without `link`, the title's own href counts. Raises NotAFeed when no row is found: a list
    that suddenly is empty is a changed page, not a day without news."""
    tree = HTMLTree.parse(text)
    body = tree.body
    row_selector = options.get("item", "")
    try:
        rows = list(body.query_selector_all(row_selector)) if body is not None and row_selector else []
        items = [_item(row, options) for row in rows[:MAX_ITEMS]]
    except (ValueError, RuntimeError):
        raise NotAFeed("a selector of this feed's options is no CSS selector") from None
    items = [item for item in items if item.title and item.link]
    if not items:
        raise NotAFeed(f"the page has no row that fits {row_selector!r}: it has changed, or another page came")
    return RawFeed(title=(tree.title or "").strip(), items=items, more=max(0, len(rows) - MAX_ITEMS))


def _item(row: Any, options: Mapping[str, str]) -> RawItem:
    title = options.get("title", "a")
    anchor = _find(row, title.partition("@")[0])
    own = anchor.getattr("href", "") if anchor is not None else ""
    return RawItem(
        title=_value(row, title) or (anchor.getattr("title", "") if anchor is not None else ""),
        link=_value(row, options["link"], "href") if "link" in options else own or _value(row, "a", "href"),
        date=_value(row, options["date"]) if "date" in options else "",
        body=_value(row, options["summary"]) if "summary" in options else "",
    )


def _find(row: Any, selector: str) -> Any:
    return row.query_selector(selector) if selector else row


def _value(row: Any, selector: str, attribute: str = "") -> str:
    path, _, named = selector.partition("@")
    found = _find(row, path.strip())
    if found is None:
        return ""
    attribute = named.strip() or attribute
    return str(found.getattr(attribute, "") if attribute else found.text).strip()
