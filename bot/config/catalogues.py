"""Lists of feeds that come from elsewhere or go there: OPML, and JSON or YAML of the shape of feeds.yaml."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from pydantic import ValidationError

from bot.config.crosschecks import check_options
from bot.config.files import Document, explain, read
from bot.config.models import FeedItem, FeedsFile
from bot.core.durations import seconds, words
from bot.core.errors import Problem
from bot.core.identity import canonical_url
from bot.core.news import ALL_ENTRIES, Feed, Kind

MAX_BYTES = 4 * 1024 * 1024
_OURS = "urn:tocsin:feed"
_OWN = ("id", "kind", "lang", "tier", "every", "first", "zone")
"""Keys that OPML has no attribute for; they stand in attributes of a namespace of ours, which other readers skip."""


def plain(feed: Feed) -> dict[str, Any]:
    """A feed as feeds.yaml has it, without what is at its default."""
    every = feed.every_s
    exact = every is not None and seconds(words(every)) == every
    written = {
        "id": feed.id,
        "url": feed.url,
        "name": feed.name,
        "kind": feed.kind.value if feed.kind is not Kind.FEED else "",
        "lang": feed.lang,
        "tier": feed.tier.value if feed.tier.value != "press" else "",
        "every": "" if every is None else words(every) if exact else f"{every:g}s",
        "first": "all" if feed.first >= ALL_ENTRIES else feed.first,
        "zone": feed.zone if feed.zone != "UTC" else "",
        "article": feed.article,
        "options": dict(feed.options),
    }
    kept = {key: value for key, value in written.items() if value}
    return kept if feed.enabled else {**kept, "enabled": False}


def opml(feeds: Iterable[Feed]) -> bytes:
    """OPML 2.0. Pages and JSON lists have a type of their own, so that other readers do not take them for feeds."""
    root = etree.Element("opml", {"version": "2.0"}, nsmap={"tocsin": _OURS})
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "Tocsin"
    body = etree.SubElement(root, "body")
    for feed in feeds:
        row = plain(feed)
        outline = etree.SubElement(body, "outline", text=feed.outlet, title=feed.outlet, xmlUrl=feed.url)
        outline.set("type", "rss" if feed.kind is Kind.FEED else feed.kind.value)
        for key in _OWN:
            if key in row:
                outline.set(f"{{{_OURS}}}{key}", str(row[key]))
        for key in ("article", "enabled"):
            if key in row:
                outline.set(f"{{{_OURS}}}{key}", json.dumps(row[key]))
        if feed.options:
            outline.set(f"{{{_OURS}}}options", json.dumps(dict(feed.options), ensure_ascii=False))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def read_catalogue(path: Path, known: Mapping[str, Feed]) -> tuple[list[FeedItem], list[Problem], int]:
    """Rows that can be added to the feeds that are known, what is wrong with the others by their lines, and how many
    rows could be read at all."""
    document = _opml_document(path) if _is_markup(path) else read(path, str(path))
    values = document.values.get("feeds") if isinstance(document.values, dict) else document.values
    if not document.unread and not isinstance(values, list):
        document.complain((), "there is no list of feeds in it: `feeds:` with rows as in feeds.yaml, or OPML")
    taken = {canonical_url(feed.url): feed.id for feed in known.values()}
    ids = set(known)
    items: list[FeedItem] = []
    readable = 0
    for number, row in enumerate(values if isinstance(values, list) else ()):
        item = _item(document, number, row, ids)
        if item is None:
            continue
        readable += 1
        link = canonical_url(item.url)
        if link in taken:
            document.complain(("feeds", number), f"{item.url[:200]} is read already, as {taken[link]}")
        elif item.id in ids:
            document.complain(("feeds", number), f"the id {item.id!r} is taken by another feed")
        else:
            items.append(item)
            taken[link] = item.id
            ids.add(item.id)
    return items, document.problems, readable


def _item(document: Document, number: int, row: Any, ids: set[str]) -> FeedItem | None:
    """The row as a feed, or None when a mistake of it was added to the document's problems."""
    before = len(document.problems)
    if isinstance(row, dict) and "id" not in row and isinstance(row.get("url"), str):
        row = {**row, "id": free_id(row["url"], ids)}
    try:
        item = FeedItem.model_validate(row)
    except ValidationError as error:
        explain(document, FeedsFile, error, ("feeds", number))
        return None
    check_options(document, number, row)
    return item if len(document.problems) == before else None


def free_id(url: str, taken: set[str]) -> str:
    """An id made of the host's name, with a number when that is taken."""
    try:
        host = (urlsplit(url).hostname or "feed").removeprefix("www.")
    except ValueError:
        host = "feed"
    name = re.sub(r"[^a-z0-9]+", "-", host).strip("-")[:56] or "feed"
    number, free = 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def _is_markup(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(200).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    except OSError:
        return False  # said by who reads it


class _Doctype(Exception):
    """It could define entities, which unfold."""


def _opml_document(path: Path) -> Document:
    """Outlines as rows of feeds. Nothing is fetched, and no entity is unfolded."""
    document = Document(str(path), unread=True)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        if path.stat().st_size > MAX_BYTES:
            document.problems.append(Problem(str(path), 0, 0, "larger than 4 MiB; split it"))
            return document
        data = path.read_bytes()
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            raise _Doctype
        root = etree.fromstring(data, parser)
        if root.getroottree().docinfo.doctype:
            raise _Doctype
    except _Doctype:
        document.problems.append(Problem(str(path), 1, 1, "has a DOCTYPE, which is not read; take it out"))
        return document
    except etree.XMLSyntaxError as error:
        line, column = error.position
        document.problems.append(Problem(str(path), line, max(1, column), "not well-formed XML from here on"))
        return document
    if root.tag != "opml":
        document.problems.append(Problem(str(path), 1, 1, "this is XML, but not OPML"))
        return document
    rows: list[dict[str, Any]] = []
    for outline in root.iter("outline"):
        url = outline.get("xmlUrl") or outline.get("xmlurl") or ""
        if not url:
            continue  # a folder
        document.places[("feeds", len(rows))] = (outline.sourceline or 1, 1)
        rows.append(_row(outline, url))
    document.values, document.unread = {"feeds": rows}, False
    return document


def _row(outline: etree._Element, url: str) -> dict[str, Any]:
    name = outline.get("title") or outline.get("text") or ""
    row: dict[str, Any] = {"url": url.strip(), "name": " ".join(name.split())[:100]}
    for key in (*_OWN, "article", "enabled", "options"):
        written = outline.get(f"{{{_OURS}}}{key}")
        if written is not None:
            row[key] = _value(key, written)
    if row["name"] == row.get("id"):
        del row["name"]
    return row


def _value(key: str, written: str) -> Any:
    if key in ("article", "enabled", "options"):
        try:
            return json.loads(written)
        except ValueError:
            return written
    return int(written) if key == "first" and written.isdecimal() else written
