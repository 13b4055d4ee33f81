"""`feeds`: the catalogue and its health."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from bot import logs
from bot.cli.options import CONFIG, DATA, DOTENV, AsJson, ConfigDir, DataDir
from bot.cli.view import looking
from bot.config.settings import Settings, load
from bot.core.news import Feed, FeedState


def command(
    failing: Annotated[bool, typer.Option("--failing", help="Only those that fail.")] = False,
    config: ConfigDir = CONFIG,
    data: DataDir = DATA,
    as_json: AsJson = False,
) -> None:
    """List the feeds and how they are."""
    settings = load(config, dotenv=DOTENV)
    logs.set_up("ERROR", settings.environment.secrets())
    rows = asyncio.run(_health(settings, data))
    rows = [(f, s) for f, s in rows if not failing or (f.enabled and s and s.failures)]
    if as_json:
        for feed, state in rows:
            sys.stdout.buffer.write(orjson.dumps(_plain(feed, state)) + b"\n")
        return
    table = Table("id", "name", "tier", "state", box=None)
    for feed, state in rows:
        table.add_row(feed.id, feed.outlet, feed.tier.value, _state(feed, state))
    Console().print(table if rows else "No feed is failing.")


async def _health(settings: Settings, data: Path) -> list[tuple[Feed, FeedState | None]]:
    if not data.is_dir():
        return [(feed, None) for feed in settings.feeds]
    async with looking(settings, data) as parts:
        states = {s.feed_id: s for s in await parts.store.states()}
        return [(feed, states.get(feed.id)) for feed in parts.newsroom.feeds.values()]


def _state(feed: Feed, state: FeedState | None) -> str:
    if not feed.enabled:
        return "off"
    if state is None or (state.last_ok is None and not state.failures):
        return "not read yet"
    if state.failures:
        return f"failing {state.failures}x: {state.error}"
    return f"well, last read {state.last_ok:%Y-%m-%d %H:%M} UTC"


def _plain(feed: Feed, state: FeedState | None) -> dict[str, object]:
    return {
        "id": feed.id,
        "url": feed.url,
        "name": feed.outlet,
        "kind": feed.kind.value,
        "tier": feed.tier.value,
        "enabled": feed.enabled,
        "failures": state.failures if state else 0,
        "error": state.error if state else "",
        "last_ok": state.last_ok.isoformat() if state and state.last_ok else None,
        "next_check": state.next_check.isoformat() if state else None,
    }
