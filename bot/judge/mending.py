"""Stories put right by hand: a report taken out of one, or two made one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.core.identity import story_id
from bot.core.news import Story


def split(story: Story, number: int, now: datetime) -> tuple[Story, Story]:
    """The story without its report of this number (2 is the second), and a story of that report alone.
    Raises ValueError in words for people."""
    if not 2 <= number <= len(story.reports):
        most = len(story.reports)
        raise ValueError(
            f"It has reports 1 to {most}, and the first is what the story is named by; take out one of 2 to {most}"
            if most > 1
            else "It has one report only; there is nothing to take out"
        )
    report = story.reports[number - 1]
    docs = _docs(story.features)
    rest = replace(
        story,
        reports=tuple(r for r in story.reports if r is not report),
        report_count=story.report_count - 1,
        revision=story.revision + 1,
        features={**story.features, "docs": [d for d in docs if d.get("key") != report.key]},
    )
    alone = replace(
        story,
        id=story_id(report.key, (story.id,)),
        title=report.title,
        summary="",
        spans=(),
        url=report.url,
        source=report.source,
        tier=report.tier,
        why=f"told apart from #{story.id} by hand",
        words=(),
        published=report.at,
        first_seen=now,
        last_update=now,
        reports=(report,),
        report_count=1,
        revision=1,
        features={"docs": [d for d in docs if d.get("key") == report.key]},
    )
    return rest, alone


def merge(into: Story, other: Story, now: datetime) -> tuple[Story, Story]:
    """The first with the reports of both, and the other as no more than a sign that points to it.
    Raises ValueError in words for people."""
    if into.id == other.id:
        raise ValueError("These two are one already")
    reports = tuple(sorted((*into.reports, *other.reports), key=lambda r: r.at))
    whole = replace(
        into,
        topics=tuple(dict.fromkeys((*into.topics, *other.topics))),
        reports=reports,
        report_count=into.report_count + other.report_count,
        revision=into.revision + 1,
        last_update=max(into.last_update, other.last_update),
        features={**into.features, "docs": [*_docs(into.features), *_docs(other.features)]},
    )
    return whole, replace(other, merged_into=into.id, features={}, silent=True, revision=other.revision + 1)


def _docs(features: Mapping[str, object]) -> list[Mapping[str, object]]:
    docs = features.get("docs", ())
    return [d for d in docs if isinstance(d, Mapping)] if isinstance(docs, list | tuple) else []
