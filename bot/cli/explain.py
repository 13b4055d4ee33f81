"""`explain`: every stage a text, an article or an alert went through, and its outcome, for a person."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from bot import logs
from bot.channels.markup import safe_text
from bot.cli.options import CONFIG, DATA, DOTENV, AsJson, ConfigDir, DataDir
from bot.cli.view import looking
from bot.config.settings import Settings, load
from bot.core.errors import BadRequest
from bot.core.identity import canonical_url
from bot.core.news import Entry, Judged, Stage, Story, Verdict
from bot.judge.text import fold, is_chinese
from bot.judge.verdict import Judge

_ID = re.compile(r"#[0-9a-z]{6}|(?=[a-z]*\d)[0-9a-z]{6}")
"""An alert's id; a word of six letters alone may be a text."""


def command(
    what: Annotated[str, typer.Argument(help="A text, the URL of an article, or the id of an alert.")],
    config: ConfigDir = CONFIG,
    data: DataDir = DATA,
    as_json: AsJson = False,
) -> None:
    """Show how a text would be judged, or why an article or alert was what it was."""
    settings = load(config, dotenv=DOTENV)
    logs.set_up("ERROR", settings.environment.secrets())
    out = Console(highlight=False, markup=False)
    kept, story = asyncio.run(_kept(settings, data, what)) if _is_name(what) else (None, None)
    judge = Judge(settings.rules)
    if kept is None:
        if _ID.fullmatch(what):
            raise BadRequest(f"no alert is called #{what.lstrip('#')} in {data}/ (or it is past retention)")
        if _is_name(what) and not as_json:
            out.print("Nothing is kept of this; judged as a text:")
        entry = Entry(
            feed_id="you", key="you", aliases=("you",), url="", title=what, lang="zh-Hans" if is_chinese(what) else "en"
        )
        verdict = judge.judge(entry)
        stages: tuple[Stage, ...] = verdict.stages
    else:
        entry, verdict = kept.entry, kept.verdict
        stages = (*verdict.stages, *kept.stages)
    stages = (*stages, *(() if verdict.alert else judge.near_misses(entry)))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(_plain(entry, verdict, stages, kept, story)) + b"\n")
        return
    if story:
        out.print(f"story #{story.id}: {story.report_count} reports, first seen {story.first_seen:%Y-%m-%d %H:%M} UTC")
    if kept:
        out.print(f"outcome: {kept.outcome}")
    _show(out, entry, verdict, stages)


def _plain(
    entry: Entry, verdict: Verdict, stages: tuple[Stage, ...], kept: Judged | None, story: Story | None
) -> dict[str, object]:
    return {
        "kept": kept is not None,
        "story": story.id if story else None,
        "reports": story.report_count if story else 0,
        "outcome": kept.outcome if kept else None,
        "title": entry.title,
        "url": entry.url,
        "alert": verdict.alert,
        "topics": list(verdict.topics),
        "reason": verdict.reason,
        "names": list(verdict.entities),
        "stages": [{"name": s.name, "outcome": s.outcome, "detail": s.detail} for s in stages],
    }


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


def _show(out: Console, entry: Entry, verdict: Verdict, stages: tuple[Stage, ...]) -> None:
    out.print(f"title: {safe_text(entry.title)}")
    if not verdict.stages:
        out.print(f"normalised: {safe_text(fold(entry.title))}")
    if verdict.entities:
        out.print(f"names: {', '.join(verdict.entities)}")
    for stage in stages:
        out.print(f"{stage.name}: {stage.outcome}")
        for part in filter(None, stage.detail.split("; ")):
            out.print(f"    {safe_text(part)}")
    out.print(f"{'ALERT' if verdict.alert else 'no alert'}: {safe_text(verdict.reason)}")
