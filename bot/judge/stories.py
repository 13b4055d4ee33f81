"""Is this the same story? Entries against the live stories, through an index, in any language."""

from __future__ import annotations

import heapq
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.core.news import Entry, Stage, Story, Verdict
from bot.judge.text import HAN, fold, is_chinese

WINDOW_DAYS = 3.0
JOIN = 0.24
THING = 0.2
"""So much of what headlines say beside actor and act must be shared where no name, subject or number is."""
STEP_DAYS = 14.0
"""How long a story may be joined: by anything, and by the same step of the same company."""
FADE, SLOW_FADE = 0.04, 0.015
"""What a day between two reports takes from their score, in general and for the same step of the same company."""
STEPS = frozenset({"file", "delist"})
OPEN_DAYS = 30.0
"""How long a story makes its follow-ups likelier."""
MOST_DOCS = 8
"""Reports of a story whose words are kept to recognise it."""
_COMMON = 400
_CANDIDATES = 40
_WORD = re.compile(rf"[a-z][a-z0-9'-]+|[{HAN}]+")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9'-]+")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_STOP = frozenset(
    """the and for with from that this are was were has have had will its into over after amid more than says said new
    how why what who when could may but not you your out can about all one two first year years their they his her
    china chinese china's beijing company companies firm firms tech 哪些 值得 关注 信息 如何 看待 什么 我们""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Joined:
    """The story an entry belongs to. score: 0 to about 1.5; why: for people."""

    story_id: str
    score: float
    why: str


@dataclass(slots=True)
class _Doc:
    story_id: str
    at: float
    title: str
    terms: dict[str, float]
    object: dict[str, float]
    names: frozenset[str]
    subjects: frozenset[str]
    acts: frozenset[str]
    numbers: frozenset[str]
    topics: frozenset[str]
    han: bool


class StoryIndex:
    """Live stories by the words, names and numbers of their reports. Cost follows the rare words of an entry, not
    the number of stories."""

    def __init__(self, window_days: float = WINDOW_DAYS) -> None:
        self._window_s = window_days * 86400
        self._docs: dict[str, list[_Doc]] = {}
        self._by_term: dict[str, dict[str, None]] = {}
        self._by_title: dict[str, str] = {}
        self._last: dict[str, float] = {}

    def add(self, story: Story) -> None:
        """A story is new or has grown; `story.features` tells its reports."""
        self._drop(story.id)
        documents = story.features.get("docs", ())
        docs = [_doc(story.id, d) for d in documents] if isinstance(documents, list | tuple) else []
        self._docs[story.id] = docs
        self._last[story.id] = story.last_update.timestamp()
        for doc in docs:
            self._by_title[doc.title] = story.id
            for key in self._keys(doc):
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
        return {"docs": [*before, _describe(entry, verdict, now)][-MOST_DOCS:]}

    def find(self, entry: Entry, verdict: Verdict, now: datetime) -> Joined | None:
        """The story this entry reports, when there is one within the window."""
        doc = _doc("", _describe(entry, verdict, now))
        same = self._by_title.get(doc.title)
        if same and abs(doc.at - self._last[same]) <= self._window_s:
            return Joined(same, 1.5, "the same headline")
        best: Joined | None = None
        for story_id in self._candidates(doc):
            apart = abs(doc.at - self._last[story_id])
            if apart > STEP_DAYS * 86400:
                continue
            for other in self._docs[story_id]:
                if apart > self._window_s and not (doc.names & other.names and doc.acts & other.acts & STEPS):
                    continue
                score, why = self._score(doc, other)
                if score >= JOIN and (best is None or score > best.score):
                    best = Joined(story_id, round(score, 3), why)
        return best

    def about(self, names: Iterable[str], topic: str, now: datetime) -> str:
        """The id of a story of this topic that names one of these companies and is still open, "" when none is."""
        for name in names:
            for story_id in self._by_term.get(f"e:{name}", ()):
                if any(
                    name in d.names and topic in d.topics and abs(now.timestamp() - d.at) <= OPEN_DAYS * 86400
                    for d in self._docs[story_id]
                ):
                    return story_id
        return ""

    def _candidates(self, doc: _Doc) -> Iterable[str]:
        counts: defaultdict[str, float] = defaultdict(float)
        held = [(len(self._by_term[key]), key) for key in self._keys(doc) if key in self._by_term]
        for count, key in sorted(held)[:24]:
            if count <= _COMMON:
                for story_id in self._by_term[key]:
                    counts[story_id] += self._rarity(key)
        return heapq.nlargest(_CANDIDATES, counts, key=counts.__getitem__)

    def _score(self, a: _Doc, b: _Doc) -> tuple[float, str]:
        """How much speaks for one story, less the days between, and what.

        After the trade-offs measured for headline streams: within a language, words in common tell (cosine, rare ones
        count more), names and numbers help; across languages, where no word is shared, names, subjects, acts and
        numbers have to do, and one of the first two must be shared; different companies keep apart what is worded
        alike.
        """
        names, subjects, acts = a.names & b.names, a.subjects & b.subjects, a.acts & b.acts
        numbers = a.numbers & b.numbers
        days = abs(a.at - b.at) / 86400
        if a.han != b.han and not names and not subjects:
            return 0.0, ""
        thing = self._cosine(a.object, b.object)
        other_subjects = a.subjects - subjects and b.subjects - subjects
        if (
            not names
            and not numbers
            and thing < (THING / 2 if subjects else THING)
            and (other_subjects or not subjects)
        ):
            return 0.0, ""  # alike is all that other stories of the kind are too
        text = self._cosine(a.terms, b.terms)
        score = text + 0.25 * _part(names, a.names, b.names)
        score += (0.22 if a.han == b.han else 0.3) * _part(subjects, a.subjects, b.subjects)
        score += (0.15 if names or subjects else 0.05) * _part(acts, a.acts, b.acts)
        score += 0.15 * _part(numbers, a.numbers, b.numbers) - (SLOW_FADE if names and acts & STEPS else FADE) * days
        if a.names and b.names and not names:
            score -= 0.9 if not subjects else 0.2
        if not a.topics & b.topics:
            score -= 0.1
        said = [f"words {text:.2f}"]
        for what, shared in (("names", names), ("about", subjects), ("acts", acts), ("numbers", numbers)):
            said += [f"{what} {', '.join(sorted(shared))}"] if shared else []
        return score, "; ".join(said)

    def _cosine(self, a: Mapping[str, float], b: Mapping[str, float]) -> float:
        shared = a.keys() & b.keys()
        if not shared:
            return 0.0
        weight = {t: self._rarity(f"t:{t}") for t in {*a, *b}}
        dot = sum(a[t] * b[t] * weight[t] ** 2 for t in shared)
        norms = math.sqrt(
            sum((v * weight[t]) ** 2 for t, v in a.items()) * sum((v * weight[t]) ** 2 for t, v in b.items())
        )
        return dot / norms

    def _rarity(self, key: str) -> float:
        return 1.0 + math.log((len(self._docs) + 20) / (len(self._by_term.get(key, ())) + 1))

    def _keys(self, doc: _Doc) -> Iterable[str]:
        yield from (f"t:{t}" for t in doc.terms)
        yield from (f"e:{e}" for e in (*doc.names, *doc.subjects))
        yield from (f"n:{n}" for n in doc.numbers)

    def _drop(self, story_id: str) -> None:
        for doc in self._docs.pop(story_id, ()):
            if self._by_title.get(doc.title) == story_id:
                del self._by_title[doc.title]
            for key in self._keys(doc):
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


def _part(shared: frozenset[str], a: frozenset[str], b: frozenset[str]) -> float:
    """The share of the smaller set that both hold, 0 to 1."""
    return len(shared) / max(1, min(len(a), len(b)))


def _describe(entry: Entry, verdict: Verdict, now: datetime) -> dict[str, Any]:
    title, body = fold(entry.title), fold(entry.body)[:240]
    at = entry.published or now
    return {
        "key": entry.key,
        "at": int(at.timestamp()),
        "title": re.sub(r"\W+", "", title),
        "words": " ".join(_terms(title)),
        "object": " ".join(dict.fromkeys(_terms(verdict.object or title))),
        "more": " ".join(dict.fromkeys(_terms(body))),
        "names": list(verdict.entities) or _unknown_names(entry.title, verdict.object),
        "subjects": list(verdict.subjects),
        "acts": list(verdict.acts),
        "numbers": sorted(_numbers(f"{title} {body}") | _sums(verdict.amounts)),
        "topics": list(verdict.topics),
    }


def _unknown_names(title: str, thing: str) -> list[str]:
    """Names no list knows: what is written large in a headline that does not write everything so. They keep apart what
    is worded alike of different companies."""
    words = _LATIN.findall(title)
    large = [word for word in words[1:] if word[0].isupper()]
    if len(large) * 2 > len(words):
        return []
    rest = frozenset(_WORD.findall(thing))
    return [f"?{word}" for word in dict.fromkeys(map(fold, large)) if word in rest]


def _doc(story_id: str, features: Mapping[str, Any]) -> _Doc:
    terms = dict.fromkeys(str(features["more"]).split(), 0.35)
    terms.update(dict.fromkeys(str(features["words"]).split(), 1.0))
    return _Doc(
        story_id,
        float(features["at"]),
        str(features["title"]),
        terms,
        dict.fromkeys(str(features.get("object", features["words"])).split(), 1.0),
        frozenset(features["names"]),
        frozenset(features.get("subjects", ())),
        frozenset(features["acts"]),
        frozenset(features["numbers"]),
        frozenset(features["topics"]),
        is_chinese(str(features["words"])),
    )


def _terms(text: str) -> Iterable[str]:
    for run in _WORD.findall(text):
        if run[0].isascii():
            if len(run) > 2 and run not in _STOP:
                bare = run.removesuffix("'s")
                yield bare.rstrip("s") if len(bare) > 4 else bare
        else:
            yield from (run[i : i + 2] for i in range(len(run) - 1) if run[i : i + 2] not in _STOP)


def _sums(amounts: Iterable[float]) -> set[str]:
    """Sums within some 8 % of each other share one of their two names: 80.26亿元 is $1.2 bn."""
    places = [math.log(value) / math.log(1.08) for value in amounts if value > 0]
    return {f"sum{math.floor(p)}" for p in places} | {f"sum{math.floor(p + 0.5)}~" for p in places}


def _numbers(text: str) -> set[str]:
    """Numbers that tell something: not years, not single digits."""
    found = {n.replace(",", "") for n in _NUMBER.findall(text)}
    return {n for n in found if len(n.replace(".", "")) > 1 and not re.fullmatch(r"(19|20)\d\d|0+", n)}
