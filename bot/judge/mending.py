"""Stories put right by hand: a report taken out of one, two made one, or that undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.core.identity import story_id
from bot.core.news import Story

_MERGED = "merged"
"""Of the features of a story that was merged: what it was before."""


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
    """The first with the reports of both, its own first report before all others, and the other as no more than a sign
    that points to it and keeps what `unmerge` needs. Raises ValueError in words for people."""
    if into.id == other.id:
        raise ValueError("These two are one already")
    later = sorted((*into.reports[1:], *other.reports), key=lambda r: r.at)
    brought = [topic for topic in other.topics if topic not in into.topics]
    whole = replace(
        into,
        topics=(*into.topics, *brought),
        reports=(*into.reports[:1], *later),
        report_count=into.report_count + other.report_count,
        revision=into.revision + 1,
        last_update=max(into.last_update, other.last_update),
        features={**into.features, "docs": [*_docs(into.features), *_docs(other.features)]},
    )
    kept = {_MERGED: {"features": other.features, "silent": other.silent, "brought": brought}}
    return whole, replace(other, merged_into=into.id, features=kept, silent=True, revision=other.revision + 1)


def unmerge(whole: Story, sign: Story) -> tuple[Story, Story]:
    """The story without what the other brought, and the other as it was. sign: what `merge` made of it."""
    kept = sign.features.get(_MERGED)
    before: Mapping[str, Any] = kept if isinstance(kept, Mapping) else {}
    features = before.get("features", {})
    gone = {report.key for report in sign.reports}
    gone |= {str(d.get("key")) for d in _docs(features)}
    reports = tuple(r for r in whole.reports if r.key not in gone)
    last = whole.last_update
    if last == sign.last_update:
        last = min(last, max((r.at for r in reports), default=last))
    rest = replace(
        whole,
        topics=tuple(t for t in whole.topics if t not in before.get("brought", ())),
        reports=reports,
        report_count=whole.report_count - sign.report_count,
        revision=whole.revision + 1,
        last_update=last,
        features={**whole.features, "docs": [d for d in _docs(whole.features) if d.get("key") not in gone]},
    )
    silent = bool(before.get("silent", False))
    return rest, replace(sign, merged_into="", features=features, silent=silent, revision=sign.revision + 1)


def _docs(features: Mapping[str, object]) -> list[Mapping[str, object]]:
    docs = features.get("docs", ())
    return [d for d in docs if isinstance(d, Mapping)] if isinstance(docs, list | tuple) else []
