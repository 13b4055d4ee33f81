"""Is this the same story? Entries against the live stories, through an index, in any language."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from bot.core.news import Entry, Stage, Story, Verdict
from bot.judge.likeness import Doc, against, describe, doc, likeness, same_step

WINDOW_DAYS = 3.0
JOIN = 0.21
STEP_DAYS = 14.0
"""How long a story may be joined: by anything, and by the same step of the same company."""
LATE_DAYS, LATE_JOIN = 6.0, 0.4
"""A report that comes later than the window may, where it is as like as this."""
OPEN_DAYS = 30.0
"""How long a story makes its follow-ups likelier."""
MOST_DOCS = 8
"""Reports of a story whose words are kept to recognise it: the first, by which it is named, and the latest."""
LEAD = 0.5
"""How much of what speaks against the first report counts, where another report of the story is the likest."""
_COMMON = 400
_CANDIDATES = 40


@dataclass(frozen=True, slots=True)
class Joined:
    """The story an entry belongs to. score: 0 to about 1.5; why: for people."""

    story_id: str
    score: float
    why: str


class StoryIndex:
    """Live stories by the words, names and numbers of their reports. Cost follows the rare words of an entry, not
    the number of stories."""

    def __init__(self, window_days: float = WINDOW_DAYS) -> None:
        self._window_s = window_days * 86400
        self._docs: dict[str, list[Doc]] = {}
        self._by_term: dict[str, dict[str, None]] = {}
        self._by_title: dict[str, str] = {}
        self._last: dict[str, float] = {}

    def add(self, story: Story) -> None:
        """A story is new or has grown; `story.features` tells its reports."""
        self._drop(story.id)
        documents = story.features.get("docs", ())
        docs = [doc(d) for d in documents] if isinstance(documents, list | tuple) else []
        self._docs[story.id] = docs
        self._last[story.id] = story.last_update.timestamp()
        for report in docs:
            self._by_title[report.title] = story.id
            for key in self._keys(report):
                self._by_term.setdefault(key, {})[story.id] = None

    def forget(self, before: datetime) -> None:
        """Stories without a report since then."""
        stamp = before.timestamp()
        for story_id in [i for i, at in self._last.items() if at < stamp]:
            self._drop(story_id)

    def features(
        self, entry: Entry, verdict: Verdict, now: datetime, known: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """What to keep of this report, after those of `known`: plain JSON."""
        docs = (known or {}).get("docs", ())
        before = list(docs) if isinstance(docs, list | tuple) else []
        at = (entry.published or now).timestamp()
        return {"docs": [*before[:1], *[*before[1:], describe(entry, verdict, at)][-MOST_DOCS + bool(before) :]]}

    def find(self, entry: Entry, verdict: Verdict, now: datetime) -> Joined | None:
        """The story this entry reports, when there is one within the window."""
        report = doc(describe(entry, verdict, (entry.published or now).timestamp()))
        same = self._by_title.get(report.title)
        if same and abs(report.at - self._last[same]) <= self._window_s:
            return Joined(same, 1.5, "the same headline")
        best: Joined | None = None
        rarity = cache(self._rarity)  # nothing changes while one report is compared
        for story_id in self._candidates(report):
            score, why = self._like(report, story_id, rarity)
            if score >= JOIN and (best is None or score > best.score):
                best = Joined(story_id, round(score, 3), why)
        return best

    def _like(self, report: Doc, story_id: str, rarity: Callable[[str], float]) -> tuple[float, str]:
        """Its likest report counts, less what keeps the first one apart: no chain leads from one matter to another."""
        apart = abs(report.at - self._last[story_id])
        if apart > STEP_DAYS * 86400:
            return 0.0, ""
        docs = self._docs[story_id]
        best, why = 0.0, ""
        for other in docs:
            late = apart > self._window_s and not same_step(report, other)
            if late and (apart > LATE_DAYS * 86400 or not _alike(report, other)):
                continue
            score, said = likeness(report, other, rarity)
            if late and score < LATE_JOIN:
                continue
            if other is not docs[0]:
                score -= LEAD * against(report, docs[0])
            if score > best:
                best, why = score, said
        return best, why

    def about(self, names: Iterable[str], topic: str, now: datetime) -> str:
        """The id of a story of this topic that names one of these companies and is still open, "" when none is."""
        for name in names:
            for story_id in self._by_term.get(f"e:{name}", ()):
                if any(
                    name in d.named and topic in d.topics and abs(now.timestamp() - d.at) <= OPEN_DAYS * 86400
                    for d in self._docs[story_id]
                ):
                    return story_id
        return ""

    def _candidates(self, report: Doc) -> Iterable[str]:
        counts: defaultdict[str, float] = defaultdict(float)
        held = [(len(self._by_term[key]), key) for key in self._keys(report) if key in self._by_term]
        for count, key in sorted(held)[:24]:
            if count <= _COMMON:
                for story_id in self._by_term[key]:
                    counts[story_id] += self._rarity(key)
        return heapq.nlargest(_CANDIDATES, counts, key=counts.__getitem__)

    def _rarity(self, key: str) -> float:
        return 1.0 + math.log((len(self._docs) + 20) / (len(self._by_term.get(key, ())) + 1))

    def _keys(self, report: Doc) -> Iterable[str]:
        yield from (f"t:{t}" for t in report.terms)
        yield from (f"e:{e}" for e in (*report.named, *report.subjects))
        yield from (f"n:{n}" for n in (*report.numbers, *report.sums))

    def _drop(self, story_id: str) -> None:
        for report in self._docs.pop(story_id, ()):
            if self._by_title.get(report.title) == story_id:
                del self._by_title[report.title]
            for key in self._keys(report):
                holders = self._by_term.get(key)
                if holders is not None:
                    holders.pop(story_id, None)
                    if not holders:
                        del self._by_term[key]
        self._last.pop(story_id, None)


def with_memory(verdict: Verdict, index: StoryIndex, now: datetime) -> Verdict:
    """A near miss about a company with an open story of the same topic is a follow-up: it alerts (知网 summoned,
    then fined)."""
    if verdict.alert or not verdict.entities:
        return verdict
    for match in verdict.matches:
        story_id = index.about(verdict.entities, match.topic, now) if match.near else ""
        if story_id:
            lowered = tuple(replace(m, threshold=m.review) if m is match else m for m in verdict.matches)
            why = f"#{story_id} is open, so {match.review:g} is enough for {match.topic}"
            stage = Stage(name="open story", outcome="alert", detail=why)
            reason = verdict.reason.replace(" is not enough", f" is enough while #{story_id} is open,")
            return replace(verdict, alert=True, matches=lowered, stages=(*verdict.stages, stage), reason=reason)
    return verdict


def _alike(a: Doc, b: Doc) -> bool:
    """Whether days may lie between them: the same done by the same office, and not the same headline of a series."""
    return a.title != b.title and a.deeds == b.deeds and a.offices - {""} == b.offices - {""}
