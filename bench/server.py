"""A feed server in a process of its own, so that its cost is not counted: /same/N, /etag/N, /new/N?round, /loose/N."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

ROOT = Path(__file__).resolve().parents[1]
ETAG = '"v1"'
HOSTS = 100


def document(feed: int, stamp: int, items: int = 20) -> bytes:
    """RSS 2.0; stamp: makes its entries new."""
    rows = "".join(
        f"<item><title>Report {stamp}.{feed}.{n} on the harvest of lemons in the valley, and on what they cost</title>"
        f"<link>https://outlet{feed}.example/{stamp}/{n}</link><guid>https://outlet{feed}.example/{stamp}/{n}</guid>"
        f"<pubDate>Thu, 21 Jul 2022 {n % 24:02d}:00:00 GMT</pubDate><description>&lt;p&gt;Growers said on Thursday "
        f"that the season had begun early. &lt;b&gt;Prices&lt;/b&gt; rose by {n} percent, a trade group said. Exports "
        "are expected to follow in the autumn, when the harvest ends and the markets open again."
        "&lt;/p&gt;</description></item>"
        for n in range(items)
    )
    head = f"<title>Outlet {feed}</title><link>https://outlet{feed}.example/</link><description>d</description>"
    return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{head}{rows}</channel></rss>'.encode()


def urls(port: int, kind: str, count: int) -> list[str]:
    """Spread over many loopback addresses, as feeds are over hosts."""
    return [f"http://127.0.0.{n % HOSTS + 1}:{port}/{kind}/{n}" for n in range(count)]


@contextmanager
def running() -> Iterator[int]:
    """The port of a server in another process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.server"], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdin
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


async def serve() -> None:
    same = document(0, 0)
    stamps: dict[str, int] = {}

    async def etag(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == ETAG:
            return web.Response(status=304, headers={"ETag": ETAG})
        return web.Response(body=same, headers={"ETag": ETAG})

    async def unchanged(_: web.Request) -> web.Response:
        return web.Response(body=same, content_type="application/rss+xml")

    async def new(request: web.Request) -> web.Response:
        who = request.headers.get("User-Agent", "")[:10] + request.path
        stamps[who] = stamps.get(who, 0) + 1
        body = document(int(request.match_info["n"]), stamps[who])
        return web.Response(body=body, content_type="application/rss+xml")

    async def loose(_: web.Request) -> web.Response:
        return web.Response(body=same.replace(b"</channel>", b""), content_type="application/rss+xml")

    app = web.Application()
    app.router.add_get("/loose/{n}", loose)
    app.router.add_get("/etag/{n}", etag)
    app.router.add_get("/same/{n}", unchanged)
    app.router.add_get("/new/{n}", new)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()  # all of loopback
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
