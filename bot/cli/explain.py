"""`explain`: every stage a text, an article or an alert went through, and its outcome, for a person."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot import logs
from bot.channels.markup import safe_text
from bot.cli.options import CONFIG, DATA, DOTENV, ConfigDir, DataDir
from bot.cli.view import looking
from bot.config.settings import Settings, load
from bot.core.identity import canonical_url
from bot.core.news import Entry, Judged, Stage, Story, Verdict
from bot.judge.text import fold, is_chinese
from bot.judge.verdict import Judge


def command(
    what: Annotated[str, typer.Argument(help="A text, the URL of an article, or the id of an alert.")],
    config: ConfigDir = CONFIG,
    data: DataDir = DATA,
) -> None:
    """Show how a text would be judged, or why an article or alert was what it was."""
    settings = load(config, dotenv=DOTENV)
    logs.set_up("ERROR", settings.environment.secrets())
    out = Console(highlight=False, markup=False)
    kept, story = asyncio.run(_kept(settings, data, what)) if _is_name(what) else (None, None)
    if kept is None:
        if _is_name(what):
            out.print("Nothing is kept of this; judged as a text:")
        entry = Entry(
            feed_id="you", key="you", aliases=("you",), url="", title=what, lang="zh-Hans" if is_chinese(what) else "en"
        )
        judge = Judge(settings.rules)
        verdict = judge.judge(entry)
        _show(out, entry, verdict, () if verdict.alert else judge.near_misses(entry))
        return
    if story:
        out.print(f"story #{story.id}: {story.report_count} reports, first seen {story.first_seen:%Y-%m-%d %H:%M} UTC")
    out.print(f"outcome: {kept.outcome}")
    missed = () if kept.verdict.alert else Judge(settings.rules).near_misses(kept.entry)
    _show(out, kept.entry, kept.verdict, (*kept.stages, *missed))


def _is_name(what: str) -> bool:
    return bool(canonical_url(what) or re.fullmatch(r"#?[0-9a-z]{6}", what))


async def _kept(settings: Settings, data: Path, what: str) -> tuple[Judged | None, Story | None]:
    if not data.is_dir():
        return None, None
    async with looking(settings, data) as parts:
        url = canonical_url(what)
        story = None if url else await parts.store.story(what.lstrip("#"))
        key = url or (story.reports[0].key if story and story.reports else "")
        judged = await parts.store.judged(key) if key else None
        if judged and judged.story_id and not story:
            story = await parts.store.story(judged.story_id)
        return judged, story


def _show(out: Console, entry: Entry, verdict: Verdict, more: tuple[Stage, ...]) -> None:
    out.print(f"title: {safe_text(entry.title)}")
    if not verdict.stages:
        out.print(f"normalised: {safe_text(fold(entry.title))}")
    if verdict.entities:
        out.print(f"names: {', '.join(verdict.entities)}")
    for stage in (*verdict.stages, *more):
        out.print(f"{stage.name}: {stage.outcome}")
        for part in filter(None, stage.detail.split("; ")):
            out.print(f"    {safe_text(part)}")
    out.print(f"{'ALERT' if verdict.alert else 'no alert'}: {safe_text(verdict.reason)}")
