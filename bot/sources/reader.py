"""One look at a feed of any kind: fetch it, have its document read, make entries of the items."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from urllib.parse import urlsplit

from bot.core.errors import NotAFeed
from bot.core.identity import entry_keys
from bot.core.news import Entry, Feed, FeedState, Kind, Reading
from bot.core.ports import Clock, Fetched, Fetcher
from bot.sources import strict
from bot.sources.cleaning import absolute, cleaned, language
from bot.sources.dates import published
from bot.sources.decoding import Shape, classify, decode, must_be_text, sound_references, without_declaration
from bot.sources.raw import RawFeed, RawItem
from bot.sources.worker import FeedWorker

_AGGREGATORS = ("news.google.com",)
_MOST_TITLES = 2
"""A link may stand in a document twice, under an old and a new headline, and still be one article."""
_EDGAR_ID = re.compile(r"accession-number=([\d-]{10,30})")


class FeedReader:
    """Implements ports.Source for feeds, pages and JSON lists."""

    def __init__(self, fetcher: Fetcher, worker: FeedWorker, clock: Clock) -> None:
        self._fetcher = fetcher
        self._worker = worker
        self._clock = clock

    async def read(self, feed: Feed, state: FeedState) -> Reading:
        """See ports.Source."""
        fetched = await self._fetcher.get(feed.url, state.validators, form=feed.options.get("form", ""))
        now = self._clock.now()
        same = fetched.not_modified or fetched.validators.body_hash == state.validators.body_hash
        if same and state.validators.body_hash:
            return Reading(
                feed_id=feed.id,
                at=now,
                unchanged=True,
                validators=fetched.validators,
                moved_to=fetched.permanent_url,
                retry_after_s=fetched.retry_after_s,
            )
        if fetched.not_modified:
            raise NotAFeed("the server says nothing changed, but we never had anything (HTTP 304)")
        raw = await self._raw(feed, fetched)
        notes = (f"{raw.more} entries beyond the newest {len(raw.items)} were left out",) if raw.more else ()
        return Reading(
            feed_id=feed.id,
            at=now,
            entries=entries(feed, raw, fetched.url, now),
            validators=fetched.validators,
            moved_to=fetched.permanent_url,
            retry_after_s=fetched.retry_after_s,
            ttl_s=raw.ttl_s,
            title=raw.title,
            notes=notes,
        )

    async def _raw(self, feed: Feed, fetched: Fetched) -> RawFeed:
        must_be_text(fetched.body)
        content_type = fetched.headers.get("content-type", "")
        quick = _quick(fetched.body, content_type) if feed.kind is Kind.FEED else None
        return quick or await self._worker.parse(fetched.body, content_type, feed.kind, feed.options)


def _quick(body: bytes, content_type: str) -> RawFeed | None:
    """A short, well-formed feed, read here and now. None for all else, which may hold everybody up."""
    if len(body) > strict.MAX_CHARS:
        return None
    text = decode(body, content_type)
    if classify(text) is not Shape.XML_FEED:
        return None
    found = strict.read(sound_references(without_declaration(text)))
    return cleaned(found) if found and found.items else None


def entries(feed: Feed, raw: RawFeed, base: str, now: datetime) -> tuple[Entry, ...]:
    """Entries of a document's items, in its order; those that say nothing are left out, doubles are joined."""
    counts = Counter(item.id for item in raw.items if item.id)
    shared = {guid for guid, n in counts.items() if n > 1}
    common = _common_links(raw)
    host = urlsplit(feed.url).hostname or ""
    made: dict[str, Entry] = {}
    for item in raw.items:
        entry = _entry(feed, item, base, now, shared, common, aggregator=host in _AGGREGATORS)
        if entry is not None and entry.key not in made:
            made[entry.key] = entry
    return tuple(made.values())


def _common_links(raw: RawFeed) -> set[str]:
    """Links (without fragments) under which a document lists different things: a home page, one page of everything."""
    titles: dict[str, set[str]] = {}
    for item in raw.items:
        titles.setdefault(item.link.partition("#")[0], set()).add(item.title)
    return {link for link, named in titles.items() if len(named) > _MOST_TITLES}


def _entry(
    feed: Feed, item: RawItem, base: str, now: datetime, shared: set[str], common: set[str], *, aggregator: bool
) -> Entry | None:
    title, body = item.title, item.body
    if not title and body:
        title = body.split("\n", 1)[0][:160]
    link = absolute(item.link, base)
    moment, day_only = published(item.date, now, feed.zone, feed.options.get("date_format", ""))
    # Placeholders: HKEX lists items titled "2026"; some feeds end in an empty item.
    if not title or (title.isdecimal() and len(title) <= 4):
        return None
    source = feed.outlet
    if aggregator and item.source:
        source = item.source
        title = title.removesuffix(f" - {source}")
    guid = item.id
    if filing := _EDGAR_ID.search(guid):
        # One filing stands there once for each role in it, under one id: that id names it well.
        guid, shared = filing[1], set()
    named = "" if item.link.partition("#")[0] in common else link
    keys = entry_keys(outlet=source, url=named, guid=guid, title=title, day=moment, shared_guid=item.id in shared)
    if filing:
        keys = tuple(dict.fromkeys((f"guid:{feed.id}:{guid}", *keys)))
    if not link and guid.startswith(("http://", "https://")):
        link = guid
    return Entry(
        feed_id=feed.id,
        key=keys[0],
        aliases=keys,
        url=link,
        title=title,
        body="" if body == title else body,
        published=moment,
        day_only=day_only,
        source=source,
        lang=feed.lang or language(f"{title} {body}"),
        tier=feed.tier,
        author=item.author,
    )
