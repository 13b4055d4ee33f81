"""Rounds over many feeds, through the very job the bot runs, against bare downloads and against lemon24's reader."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp

from bench import server
from bench.measure import Result, cost_s, pair
from bot import app
from bot.config.settings import load
from bot.core.changes import Changes
from bot.core.news import Feed, FeedState, Validators
from bot.judge.timing import Bounds
from bot.runners.clock import SystemClock

HERE = Path(__file__).parent
FEEDS, CHANGED, ENTRIES = 1000, 200, 20
AT_ONCE = 50


class Skipping(SystemClock):
    """The system's clock, with `ahead` of it skipped: an hour passes between two rounds, and every feed is due."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@asynccontextmanager
async def bot_over(urls: list[str]) -> AsyncIterator[app.Parts]:
    """The bot's own parts on these feeds."""
    feeds = [Feed(id=f"f{n}", url=url, name=f"Outlet {n}") for n, url in enumerate(urls)]
    with tempfile.TemporaryDirectory() as room:
        parts = app.build(
            load(server.ROOT / "config", {}),
            Path(room),
            console=True,
            feeds=feeds,
            allow_networks=("127.0.0.0/8",),
            bounds=Bounds(600.0, 3600.0),
            clock=Skipping(),
        )
        await app.open_parts(parts)
        try:
            yield parts
        finally:
            await app.close_parts(parts)


async def round_of(parts: app.Parts) -> None:
    """Every feed once, and what they said is stored."""
    assert isinstance(parts.clock, Skipping)
    parts.clock.ahead += timedelta(hours=2)
    await parts.poll.run()
    while parts.poll._reading:
        await asyncio.wait(parts.poll._reading.values())
    await parts.poll.run()


async def has_read(parts: app.Parts, validators: Validators) -> None:
    """As if every feed had been read before, and had said this."""
    now = parts.clock.now()
    states = (FeedState(feed_id=f, next_check=now, validators=validators, baselined=True) for f in parts.newsroom.feeds)
    await parts.store.commit(Changes(at=now, states=tuple(states)))


async def bare(urls: list[str], etag: str) -> None:
    """A plain aiohttp loop that asks the same."""
    gate = asyncio.Semaphore(AT_ONCE)
    headers = {"If-None-Match": etag} if etag else {}

    async def one(session: aiohttp.ClientSession, url: str) -> None:
        async with gate, session.get(url, headers=headers) as answer:
            await answer.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
        await asyncio.gather(*(one(session, url) for url in urls))


async def unchanged() -> Result:
    """304 everywhere."""
    with server.running() as port:
        urls = server.urls(port, "etag", FEEDS)
        async with bot_over(urls) as parts:
            await has_read(parts, Validators(etag=server.ETAG, body_hash="x"))
            await round_of(parts)
            mine, base, ratio = await pair(lambda: round_of(parts), lambda: bare(urls, server.ETAG))
    note = f"{mine / FEEDS * 1e6:.0f} us a feed, bare {base / FEEDS * 1e6:.0f} us"
    return Result(f"a round over {FEEDS} feeds, all 304, against bare aiohttp", ratio, 1.5, "x", note)


async def same_body() -> Result:
    """200 everywhere, with the body we know: hashed, not parsed."""
    with server.running() as port:
        urls = server.urls(port, "same", FEEDS)
        async with bot_over(urls) as parts:
            await round_of(parts)
            mine, base, ratio = await pair(lambda: round_of(parts), lambda: bare(urls, ""))
    note = f"{mine / FEEDS * 1e6:.0f} us a feed, bare {base / FEEDS * 1e6:.0f} us"
    return Result(
        f"a round over {FEEDS} feeds, all 200 with the same body, against bare aiohttp", ratio, 1.5, "x", note
    )


async def all_changed() -> Result:
    """Every feed has 20 new entries: parsed, judged and durable, against the reader library on the same server."""
    name = f"{CHANGED} feeds with {ENTRIES} new entries each, judged and durable, against lemon24/reader"
    try:
        python = _reader_python()
    except (OSError, subprocess.CalledProcessError) as error:
        return Result(name, 0.0, 1 / 3, "x", f"skipped: reader cannot be installed ({error})")
    with server.running() as port:
        urls = server.urls(port, "new", CHANGED)
        theirs = _reader_s(python, urls)
        costs = []
        for _ in range(2):
            async with bot_over(urls) as parts:
                await round_of(parts)
                round_cost = await cost_s(lambda: round_of(parts))
                counts = await parts.store.counts()
                assert counts["entries"] == CHANGED * ENTRIES * 2, counts
                before = await cost_s(parts.worker.close)  # a child's seconds count when it has ended
                costs.append(round_cost + before / 2)
    entries = CHANGED * ENTRIES
    mine = min(costs)
    note = f"{mine / entries * 1e6:.0f} us an entry, reader {theirs / entries * 1e6:.0f} us"
    return Result(name, mine / theirs, 1 / 3, "x", note)


def _reader_s(python: str, urls: list[str]) -> float:
    script = [python, str(HERE / "reader_round.py")]
    said = subprocess.run(script, input=json.dumps(urls), capture_output=True, text=True, check=True)
    return float(said.stdout)


def _reader_python() -> str:
    """The interpreter of an environment with reader in it, made at the first use."""
    room = HERE / ".venv-reader"
    python = room / "bin" / "python"
    if not (room / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(room)], check=True, capture_output=True)
        wanted = HERE / "reader-requirements.txt"
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(wanted)], check=True, capture_output=True)
        (room / "made").touch()
    return str(python)
