"""A web server on loopback with feeds that change, and every way of misbehaving a feed has."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import blake2b
from html import escape
from typing import Any

from aiohttp import web


@dataclass
class Page:
    """What an address answers. mode: "" is well; else one of the ways in `FeedServer._evil`."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    mode: str = ""
    validators: bool = True

    @property
    def etag(self) -> str:
        return f'"{blake2b(self.body, digest_size=8).hexdigest()}"'


@dataclass
class Item:
    title: str
    link: str
    guid: str = ""
    summary: str = ""
    at: datetime | None = None


def rss(items: Iterable[Item], title: str = "Test outlet") -> bytes:
    """An RSS 2.0 document, newest first as given."""
    rows = []
    for item in items:
        at = format_datetime(item.at or datetime.now(UTC))
        guid = escape(item.guid or item.link)
        rows.append(
            f"<item><title>{escape(item.title)}</title><link>{escape(item.link)}</link>"
            f'<guid isPermaLink="false">{guid}</guid><pubDate>{at}</pubDate>'
            f"<description>{escape(item.summary)}</description></item>"
        )
    channel = f"<title>{escape(title)}</title><link>https://outlet.example/</link><description>x</description>"
    whole = (
        f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{channel}{"".join(rows)}</channel></rss>'
    )
    return whole.encode()


class FeedServer:
    """`pages[path]` is what is there; `hits[path]` how often it was asked for; `not_modified[path]` how often 304."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.hits: Counter[str] = Counter()
        self.not_modified: Counter[str] = Counter()
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.url = ""
        self.at_once = self.most_at_once = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> FeedServer:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    def put(self, path: str, body: bytes | Iterable[Item], **options: Any) -> str:
        """Sets what is at a path and returns its address."""
        made = body if isinstance(body, bytes) else rss(body)
        self.pages[path] = Page(made, **options)
        return self.url + path

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._answer(request)
        finally:
            self.at_once -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.hits[path] += 1
        self.requests.append((path, dict(request.headers)))
        page = self.pages.get(path)
        if page is None:
            return web.Response(status=404, text="nothing here")
        if page.mode:
            return await self._evil(page, request)
        headers = dict(page.headers)
        if page.validators and page.status == 200:
            headers.setdefault("ETag", page.etag)
            if request.headers.get("If-None-Match") == headers["ETag"]:
                self.not_modified[path] += 1
                return web.Response(status=304, headers={"ETag": headers["ETag"]})
        headers.setdefault("Content-Type", "application/rss+xml")
        return web.Response(status=page.status, body=page.body, headers=headers)

    async def _evil(self, page: Page, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/rss+xml", **page.headers})
        match page.mode:
            case "hang":
                while request.transport and not request.transport.is_closing():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            case "drip":
                await answer.prepare(request)
                for byte in page.body * 1000:
                    await answer.write(bytes([byte]))
                    await asyncio.sleep(0.05)
            case "endless":
                await answer.prepare(request)
                while True:
                    await answer.write(b"<item><title>x</title></item>" * 3000)
            case "bomb":
                body = gzip.compress(b"\0" * 40_000_000, 9)
                return web.Response(body=body, headers={"Content-Encoding": "gzip"})
            case "cut":
                answer.headers["Content-Length"] = str(len(page.body))
                await answer.prepare(request)
                await answer.write(page.body[: len(page.body) // 2])
                if request.transport:
                    request.transport.abort()
            case "reset":
                if request.transport:
                    request.transport.abort()
            case "loop":
                return web.Response(status=302, headers={"Location": str(request.url)})
            case "garbage":
                if request.transport:
                    request.transport.write(b"\x00\xff not http at all\r\n\r\n")  # type: ignore[attr-defined]
                    request.transport.close()
            case other:
                raise ValueError(other)
        return answer
