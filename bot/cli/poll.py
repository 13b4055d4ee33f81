"""`poll`: one round over the feeds, what was found and decided; sends nothing."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from bot import app, logs
from bot.cli.options import CONFIG, DATA, DOTENV, AsJson, ConfigDir, DataDir
from bot.config.settings import load
from bot.core.changes import Changes
from bot.core.errors import ConfigError, Problem
from bot.core.news import FeedState


def command(
    feeds: Annotated[list[str] | None, typer.Argument(help="Ids of the feeds to read; all when none is named.")] = None,
    config: ConfigDir = CONFIG,
    data: DataDir = DATA,
    as_json: AsJson = False,
) -> None:
    """Read feeds once and show what was decided. Exit 3 when some feed failed."""
    found = asyncio.run(_round(config, data, feeds or []))
    failed = [f for f, c in found.items() if c.states and c.states[0].failures]
    if as_json:
        for feed_id, changes in found.items():
            sys.stdout.buffer.write(orjson.dumps(_plain(feed_id, changes)) + b"\n")
    else:
        _show(found)
    raise typer.Exit(3 if failed else 0)


async def _round(config: Path, data: Path, names: list[str]) -> dict[str, Changes]:
    settings = load(config, dotenv=DOTENV)
    logs.set_up("ERROR", settings.environment.secrets())
    parts = app.build(settings, data, console=True)
    try:
        await app.open_parts(parts)
        known = parts.newsroom.feeds
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ConfigError((Problem(f"{config}/feeds.yaml", 0, 0, f"there is no feed {', '.join(unknown)}"),))
        await parts.poll.enlist()
        states = {s.feed_id: s for s in await parts.store.states()}
        chosen = [known[name] for name in names] or [f for f in known.values() if f.enabled]
        now = parts.clock.now()
        rounds = (parts.poll.one(f, states.get(f.id) or FeedState(feed_id=f.id, next_check=now)) for f in chosen)
        return dict(zip((f.id for f in chosen), await asyncio.gather(*rounds), strict=True))
    finally:
        await app.close_parts(parts)


def _plain(feed_id: str, changes: Changes) -> dict[str, object]:
    state = changes.states[0]
    return {
        "feed": feed_id,
        "ok": not state.failures,
        "error": state.error,
        "new": len(changes.entries),
        "next_check": state.next_check.isoformat(),
        "entries": [
            {
                "title": j.entry.title,
                "url": j.entry.url,
                "published": j.entry.published.isoformat() if j.entry.published else None,
                "outcome": j.outcome,
                "story": j.story_id or None,
                "topics": list(j.verdict.topics),
                "reason": j.verdict.reason,
            }
            for j in changes.entries
        ],
    }


def _show(found: dict[str, Changes]) -> None:
    table = Table("feed", "new", "matching", "note", box=None)
    for feed_id, changes in found.items():
        state = changes.states[0]
        matching = [j for j in changes.entries if j.verdict.alert]
        table.add_row(feed_id, str(len(changes.entries)), str(len(matching)), state.error or "well")
    out = Console()
    out.print(table)
    for changes in found.values():
        for judged in changes.entries:
            if judged.verdict.alert:
                story = f" #{judged.story_id}" if judged.story_id else ""
                out.print(f"{judged.outcome}{story}: {judged.entry.title}", markup=False, highlight=False)
                out.print(f"    {judged.verdict.reason}", markup=False, highlight=False)
