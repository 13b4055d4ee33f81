"""`backtest`: what a rule would have alerted among what has been read."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer

from bot import logs
from bot.cli.options import CONFIG, DATA, DOTENV, AsJson, ConfigDir, DataDir
from bot.cli.view import looking
from bot.config.settings import Settings, load
from bot.core.chat import Keyword
from bot.core.errors import StoreError
from bot.core.message import Message
from bot.core.news import Entry
from bot.judge import render
from bot.judge.trial import Trial, try_rule


def command(
    rule: Annotated[str, typer.Argument(help="A word, or a rule as topics.yaml has them.")],
    topic: Annotated[str, typer.Option(help="The topic it would belong to; the first, when none is named.")] = "",
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far back to go.")] = 30,
    weight: Annotated[float, typer.Option(help="Its weight; negative to speak against.")] = 100.0,
    config: ConfigDir = CONFIG,
    data: DataDir = DATA,
    as_json: AsJson = False,
) -> None:
    """Try a rule on the entries that are kept; nothing is changed."""
    settings = load(config, dotenv=DOTENV)
    logs.set_up("ERROR", settings.environment.secrets())
    names = [t.name for t in settings.rules.topics]
    if topic and topic not in names:
        raise typer.BadParameter(f"there is no topic {topic!r}; there are {', '.join(names)}")
    tried = asyncio.run(_tried(settings, data, Keyword(topic=topic or names[0], text=rule, weight=weight), days))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(_plain(tried, rule)) + b"\n")
        return
    sys.stdout.write(Message(render.trial(tried, rule)).plain() + "\n")


def _plain(tried: Trial, rule: str) -> dict[str, object]:
    return {
        "rule": rule,
        "read": tried.read,
        "days": tried.days,
        "hits": tried.hits,
        "by_day": {day.isoformat(): count for day, count in tried.by_day.items()},
        "worst_day": tried.worst_day,
        "added": [_entry(e) for e in tried.added],
        "removed": [_entry(e) for e in tried.removed],
        "overlap": dict(tried.overlap),
    }


def _entry(entry: Entry) -> dict[str, object]:
    published = entry.published.isoformat() if entry.published else None
    return {"title": entry.title, "url": entry.url, "source": entry.source, "published": published}


async def _tried(settings: Settings, data: Path, rule: Keyword, days: int) -> Trial:
    if not data.is_dir():
        raise StoreError(f"{data}/ is not there: nothing has been read yet")
    async with looking(settings, data) as parts:
        judge = parts.newsroom.try_keywords((*parts.newsroom.keywords, rule))
        history = await parts.store.history(parts.clock.now() - timedelta(days=days))
        return try_rule(rule, history, parts.newsroom.judge, judge)
