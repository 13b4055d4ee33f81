"""One body, whatever it is, to a feed's items in plain text. Runs in the fenced worker: any of it may be hostile."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import feedparser
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from bot.core.errors import NotAFeed
from bot.core.news import Kind
from bot.sources import jsonfeed, page, rows, strict
from bot.sources.cleaning import cleaned
from bot.sources.decoding import (
    Shape,
    challenge,
    classify,
    decode,
    refused,
    sound_references,
    without_declaration,
)
from bot.sources.raw import MAX_FIELD, MAX_ITEMS, RawFeed, RawItem

LONGEST_ARTICLE = 500_000
"""Characters of a page that are looked through."""
KEPT = 20_000
_ENTITY = re.compile(r"<!ENTITY[^>]*>", re.I)
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*(\[[^\]]*\])?[^>]*>", re.I)


def read(body: bytes, content_type: str, kind: Kind, options: Mapping[str, str]) -> RawFeed:
    """Raises NotAFeed, saying what came instead."""
    text = decode(body, content_type)
    shape = classify(text)
    if kind is Kind.HTML:
        return cleaned(_page(text, shape, options))
    if kind is Kind.JSON:
        if shape not in (Shape.JSON, Shape.JSON_FEED, Shape.OTHER):
            raise refused(text, shape)
        return cleaned(rows.read(text, options))
    if shape is Shape.JSON_FEED:
        return cleaned(jsonfeed.read(text))
    if shape is not Shape.XML_FEED:
        raise refused(text, shape)
    found = _feed(without_declaration(text))
    if not found.items and challenge(text):
        raise refused(text, Shape.HTML)
    return cleaned(found)


def article(body: bytes, content_type: str) -> str:
    """The paragraphs of an article's page, one a line; "" for what is no page, or a check for robots."""
    text = decode(body, content_type)[:LONGEST_ARTICLE]
    if classify(text) is not Shape.HTML or challenge(text):
        return ""
    shown = extract_plain_text(HTMLTree.parse(text), main_content=True, links=False, alt_texts=False)
    return "\n".join(line for line in map(str.strip, shown.splitlines()) if line)[:KEPT]


def _page(text: str, shape: Shape, options: Mapping[str, str]) -> RawFeed:
    if shape is not Shape.HTML:
        raise (refused(text, shape) if shape is Shape.EMPTY else NotAFeed("no web page came, but this feed is one"))
    try:
        return page.read(text, options)
    except NotAFeed:
        if challenge(text):
            raise refused(text, shape) from None
        raise


def _feed(text: str) -> RawFeed:
    text = sound_references(text)
    quick = strict.read(text)
    if quick is not None and quick.items:
        return quick
    # Entities multiply a small body, and space before the root costs feedparser its square.
    data = _DOCTYPE.sub("", _ENTITY.sub("", text), count=1).lstrip().encode("utf-8", "replace")
    found = feedparser.parse(
        io.BytesIO(data),
        response_headers={"content-type": "text/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not found.entries and not found.get("version"):
        raise NotAFeed("the document cannot be read as a feed: there is no feed in it")
    ttl = str(found.feed.get("ttl", ""))
    return RawFeed(
        title=_text(found.feed.get("title")),
        items=[_item(e) for e in found.entries[:MAX_ITEMS]],
        ttl_s=float(ttl) * 60 if ttl.isdecimal() and len(ttl) < 7 else None,
        more=max(0, len(found.entries) - MAX_ITEMS),
    )


def _item(entry: Any) -> RawItem:
    bodies = [c.get("value", "") for c in entry.get("content", ())] + [entry.get("summary", "")]
    return RawItem(
        id=_text(entry.get("id")),
        link=_text(entry.get("feedburner_origlink") or entry.get("link")),
        title=_text(entry.get("title")),
        body=_text(max(bodies, key=len)),
        date=_text(entry.get("published") or entry.get("updated") or entry.get("created")),
        author=_text(entry.get("author")),
        source=_text((entry.get("source") or {}).get("title")),
    )


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return text[:MAX_FIELD].encode("utf-8", "replace").decode("utf-8")
