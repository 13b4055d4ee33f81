"""A JSON answer that lists its news: rows, titles, links and dates by dotted paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from bot.core.errors import NotAFeed
from bot.core.lenient import loads
from bot.sources.raw import MAX_ITEMS, RawFeed, RawItem

OPTIONS = ("items", "title", "link", "date", "summary", "id", "page")
_PLACE = re.compile(r"\{([\w.]+)\}")


def read(text: str, options: Mapping[str, str]) -> RawFeed:
    """options as in core.news.Feed: `items` (path of the list, "" when the document is it), `title`, `link`, `date`,
    `summary`, `id` (paths in a row), `page` (a link with `{path}` places). Raises NotAFeed when there is no row."""
    match = re.search(r"^[\w$.]{1,80}\((.*)\)\s*;?\s*$", text.strip(), re.S)  # JSONP
    try:
        document = loads(match[1] if match else text)
    except orjson.JSONDecodeError:
        raise NotAFeed("what came is not JSON") from None
    rows = at(document, options.get("items", ""))
    if not isinstance(rows, list):
        raise NotAFeed(f"the answer has no list at {options.get('items', '')!r}: an error message, or it has changed")
    items = [_item(row, options) for row in rows[:MAX_ITEMS] if isinstance(row, dict)]
    items = [item for item in items if item.title]
    if not items:
        raise NotAFeed("the list in the answer holds no row with a title")
    return RawFeed(title="", items=items, more=max(0, len(rows) - MAX_ITEMS))


def at(document: Any, path: str) -> Any:
    """The value at a dotted path (`data.results`, `rows.0`), None when there is none."""
    for step in filter(None, path.split(".")):
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document


def _item(row: dict[str, Any], options: Mapping[str, str]) -> RawItem:
    link = _text(at(row, options["link"])) if "link" in options else ""
    if not link and "page" in options:
        link = _PLACE.sub(lambda m: _text(at(row, m[1])), options["page"])
    return RawItem(
        id=_text(at(row, options["id"])) if "id" in options else "",
        title=_text(at(row, options.get("title", "title"))),
        link=link,
        date=_text(at(row, options.get("date", "date"))),
        body=_text(at(row, options["summary"])) if "summary" in options else "",
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
