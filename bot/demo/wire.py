"""Writes an outlet's document in the outlet's own format, with the habits real publishers have."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from hashlib import blake2b
from html import escape
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bot.demo.pack import Format, Item, Outlet


@dataclass(frozen=True, slots=True)
class Row:
    """An item as a document lists it. date: as shown; link: with what the outlet puts behind it."""

    title: str
    lede: str
    link: str
    guid: str
    date: datetime


Writer = Callable[[Outlet, Sequence[Row], datetime], str]

CHALLENGE = (
    '<!DOCTYPE html><html lang="en"><head><title>Just a moment...</title></head>'
    "<body><p>Verify you are human to go on.</p></body></html>"
)


def rows(outlet: Outlet, items: Sequence[Item], base: str, now: datetime, fetch: int) -> list[Row]:
    """The outlet's list as of `now`. items: published by then, oldest first. base: `http://host:port/<outlet>`.
    fetch: how often this document was asked for before; changing guids depend on it."""
    found = []
    for item in items:
        name = blake2b(f"{outlet.id}{item.path}".encode(), digest_size=8).hexdigest()
        guid = {"stable": name, "none": "", "changing": f"{name}-{fetch}"}[outlet.guids]
        date = item.redated[1] if item.redated and item.redated[0] <= now else item.at
        paths = [item.path, *([item.also[1]] if item.also and item.also[0] <= now else [])]
        tail = f"?{outlet.tracking}" if outlet.tracking else ""
        found += [Row(item.title, item.lede, f"{base}{path}{tail}", guid, date) for path in paths]
    found.reverse()
    # Some publishers keep lists of their own making: here every second row first.
    return found[::2] + found[1::2] if outlet.order == "mixed" else found


def document(outlet: Outlet, listed: Sequence[Row], now: datetime) -> tuple[bytes, str]:
    """Bytes and content type."""
    write, content_type = _WRITERS[outlet.format]
    return write(outlet, listed, now).encode(outlet.bytes, "xmlcharrefreplace"), content_type


def article(item: Item, outlet: Outlet) -> str:
    """The page a link leads to."""
    title, body = escape(item.title), escape(item.lede or item.title)
    return (
        f'<!DOCTYPE html><html lang="{outlet.lang}"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><article><h1>{title}</h1><p>{body}</p></article>"
        f"<footer>{escape(outlet.name)}, an invented outlet of the demo</footer></body></html>"
    )


def options(outlet: Outlet) -> Mapping[str, str]:
    """What a feed of this outlet needs to be read; see core.news.Feed."""
    if outlet.format is Format.PAGE:
        return {"item": "#loadingInfoPage li", "title": "h5 a", "link": "h5 a@href", "date": ".times"}
    if outlet.format is Format.API:
        return {
            "items": "data.results",
            "id": "manuscriptId",
            "title": "title",
            "link": "url",
            "date": "publishedTimeStr",
            "summary": "content",
        }
    return {}


def _local(outlet: Outlet, date: datetime, pattern: str) -> str:
    return date.astimezone(ZoneInfo(outlet.zone)).strftime(pattern)


def _date(outlet: Outlet, date: datetime) -> str:
    if outlet.dates == "local":
        return _local(outlet, date, "%Y-%m-%d %H:%M:%S")
    return format_datetime(date.astimezone(ZoneInfo(outlet.zone)))


def _rss(outlet: Outlet, listed: Sequence[Row], now: datetime) -> str:
    items = "".join(
        f"<item><title>{escape(row.title)}</title><link>{escape(row.link)}</link>"
        + (f'<guid isPermaLink="false">{row.guid}</guid>' if row.guid else "")
        # Escaped markup, as most feeds have it.
        + (f"<description>{escape(f'<p>{escape(row.lede)}</p>')}</description>" if row.lede else "")
        + f"<pubDate>{_date(outlet, row.date)}</pubDate></item>\n"
        for row in listed
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel><title>{escape(outlet.name)}</title>'
        f"<link>https://{outlet.id}.example/</link><description>{escape(outlet.name)}</description>\n"
        f"{items}</channel></rss>\n"
    )


def _rdf(outlet: Outlet, listed: Sequence[Row], now: datetime) -> str:
    names = "".join(f'<rdf:li rdf:resource="{escape(row.link)}"/>' for row in listed)
    items = "".join(
        f'<item rdf:about="{escape(row.link)}"><title>{escape(row.title)}</title>'
        f"<link>{escape(row.link)}</link></item>\n"
        for row in listed
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns="http://purl.org/rss/1.0/"><channel rdf:about="https://{outlet.id}.example/rss">'
        f"<title>{escape(outlet.name)}</title><link>https://{outlet.id}.example/</link><description/>"
        f"<items><rdf:Seq>{names}</rdf:Seq></items></channel>\n{items}</rdf:RDF>\n"
    )


def _atom(outlet: Outlet, listed: Sequence[Row], now: datetime) -> str:
    entries = "".join(
        f"<entry><id>tag:{outlet.id}.example,2022:{row.guid}</id><title>{escape(row.title)}</title>"
        f'<link rel="alternate" href="{escape(row.link)}"/><published>{row.date.isoformat()}</published>'
        f'<updated>{row.date.isoformat()}</updated><summary type="text">{escape(row.lede)}</summary></entry>\n'
        for row in listed
    )
    # Its own date is that of the answer, so no two bodies are alike.
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<id>tag:{outlet.id}.example,2022:feed</id><title>{escape(outlet.name)}</title>"
        f"<updated>{now.isoformat()}</updated>\n{entries}</feed>\n"
    )


def _jsonfeed(outlet: Outlet, listed: Sequence[Row], now: datetime) -> str:
    items = [
        {
            "id": row.guid,
            "url": row.link,
            "title": row.title,
            "content_text": row.lede,
            "date_published": row.date.isoformat(),
        }
        for row in listed
    ]
    head = {"version": "https://jsonfeed.org/version/1.1", "title": outlet.name, "language": outlet.lang}
    return json.dumps({**head, "items": items}, ensure_ascii=False, indent=1)


def _page(outlet: Outlet, listed: Sequence[Row], now: datetime) -> str:
    lines = "".join(
        f'<li class="clearfix"><h5><a href="{escape(_bare(row.link))}" target="_blank" title="{escape(row.title)}">'
        f'{escape(row.title)}</a></h5><div class="times">{_local(outlet, row.date, "%Y-%m-%d")}</div></li>\n'
        for row in listed
    )
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{escape(outlet.name)}</title></head><body>\n'
        f'<div class="nav"><ul><li><a href="/">首页</a></li></ul></div>\n'
        f'<ul id="loadingInfoPage" class="list">\n{lines}</ul></body></html>\n'
    )


def _api(outlet: Outlet, listed: Sequence[Row], now: datetime) -> str:
    results = [
        {
            "manuscriptId": row.guid,
            "title": row.title,
            "content": row.lede,
            "url": _bare(row.link),
            "channelName": outlet.name,
            "publishedTime": int(row.date.timestamp() * 1000),
            "publishedTimeStr": _local(outlet, row.date, "%Y-%m-%d %H:%M:%S"),
            "resList": [],
        }
        for row in listed
    ]
    data = {"page": 1, "rows": 20, "total": len(results), "channelId": "demo", "results": results}
    return json.dumps({"code": 200, "data": data}, ensure_ascii=False)


def _bare(link: str) -> str:
    """Without the scheme, as both regulators' sites write their links."""
    return link.removeprefix(urlsplit(link).scheme + ":")


_WRITERS: Mapping[Format, tuple[Writer, str]] = {
    Format.RSS: (_rss, "text/xml"),
    Format.RDF: (_rdf, "application/rdf+xml"),
    Format.ATOM: (_atom, "application/atom+xml; charset=utf-8"),
    Format.JSONFEED: (_jsonfeed, "application/feed+json"),
    Format.PAGE: (_page, "text/html"),
    Format.API: (_api, "application/json;charset=UTF-8"),
}
