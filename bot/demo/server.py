"""Serves the demo's outlets over loopback, each as it stood at the clock's time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import blake2b
from types import TracebackType
from typing import Self

from aiohttp import web

from bot.core.news import Feed, Kind
from bot.core.ports import Clock
from bot.demo import wire
from bot.demo.pack import Format, Item, Outlet, Pack

EVERY_S = 600.0
"""How often the demo's feeds are read, in seconds of the replayed time."""
_KINDS = {Format.PAGE: Kind.HTML, Format.API: Kind.JSON}
USUAL_PORT = 18822
"""Ids are made of links, and links hold the port: with the same one, stories are called the same in every run."""


class DemoServer:
    """An HTTP server on a free port of 127.0.0.1, for as long as the context lasts.

    A document holds what its outlet had published at `clock.now()`, and nothing later. Links lead to small pages
    on the same server.
    """

    def __init__(self, pack: Pack, clock: Clock) -> None:
        self._pack = pack
        self._clock = clock
        self._outlets = {outlet.id: outlet for outlet in pack.outlets}
        self._fetches: Counter[str] = Counter()
        self._runner: web.AppRunner | None = None
        self._base = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{outlet}{path:/.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await self._listen(self._runner)
        host, port = self._runner.addresses[0][:2]
        self._base = f"http://{host}:{port}"
        return self

    async def _listen(self, runner: web.AppRunner) -> None:
        """On the usual port, or on another while somebody has that."""
        try:
            await web.TCPSite(runner, "127.0.0.1", USUAL_PORT).start()
        except OSError:
            await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def feeds(self) -> tuple[Feed, ...]:
        """The outlets as feeds to poll; their first reading alerts nobody. Only while the context lasts."""
        return tuple(
            Feed(
                id=outlet.id,
                url=f"{self._base}/{outlet.id}{outlet.path}",
                name=outlet.name,
                kind=_KINDS.get(outlet.format, Kind.FEED),
                lang=outlet.lang,
                tier=outlet.tier,
                every_s=EVERY_S,
                zone=outlet.zone,
                options=wire.options(outlet),
            )
            for outlet in self._pack.outlets
        )

    async def _serve(self, request: web.Request) -> web.Response:
        outlet = self._outlets.get(request.match_info["outlet"])
        if outlet is None:
            raise web.HTTPNotFound
        now = self._clock.now()
        path = request.match_info["path"]
        if path == outlet.path:
            return self._document(outlet, request, now)
        for item in self._pack.published(outlet.id, now):
            if path == item.path or (item.also and item.also[0] <= now and path == item.also[1]):
                return web.Response(text=wire.article(item, outlet), content_type="text/html", charset="utf-8")
        raise web.HTTPNotFound

    def _document(self, outlet: Outlet, request: web.Request, now: datetime) -> web.Response:
        if outlet.challenge and outlet.challenge[0] <= now < outlet.challenge[1]:
            return web.Response(text=wire.CHALLENGE, content_type="text/html", charset="utf-8")
        items = self._pack.published(outlet.id, now)
        listed = wire.rows(outlet, items, f"{self._base}/{outlet.id}", now, self._fetches[outlet.id])
        self._fetches[outlet.id] += 1
        body, content_type = wire.document(outlet, listed, now)
        headers = {"Content-Type": content_type}
        if "etag" in outlet.validators:
            headers["ETag"] = f'"{blake2b(body, digest_size=8).hexdigest()}"'
        changed = _changed(items, now)
        if "last-modified" in outlet.validators:
            headers["Last-Modified"] = format_datetime(changed, usegmt=True)
        if _unchanged(request, headers, changed):
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, headers=headers)


def _changed(items: tuple[Item, ...], now: datetime) -> datetime:
    """When the list last changed, in whole seconds."""
    moments = [item.at for item in items]
    moments += [again[0] for item in items for again in (item.redated, item.also) if again and again[0] <= now]
    return max(moments, default=datetime(2022, 1, 1, tzinfo=UTC)).replace(microsecond=0)


def _unchanged(request: web.Request, headers: dict[str, str], changed: datetime) -> bool:
    """Whether the asker has this already: by ETag when it sends one, else by date (RFC 9110, 13.2.2)."""
    if (tag := request.headers.get("If-None-Match")) is not None:
        return "ETag" in headers and tag == headers["ETag"]
    since = request.headers.get("If-Modified-Since")
    return since is not None and "Last-Modified" in headers and changed <= parsedate_to_datetime(since)
