"""How much speaks for two reports being of one story, and what speaks against."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core.news import Entry, Mark, Verdict
from bot.judge.deeds import LANES, beside, own
from bot.judge.headline import FORMULA, OBJECT, WEAK, lede, numbers, venues, wording
from bot.judge.retold import print_of
from bot.judge.text import fold, is_chinese

FADE, SLOW_FADE = 0.045, 0.015
"""What a day between two reports takes from their score, in general and for the same step of the same company."""
OF_ONE = frozenset({"order", "list"})
"""Lanes of what is done to a company, or by it: the same done to another is another matter."""
OF_ALL = frozenset({"rule", "campaign"})
"""Lanes of what is done to all at once."""
SAME_WORDS = 0.5
"""The share of their words that two reports have in common, from which on they are told alike."""
OTHERS = 2.0
_AMONG = re.compile(r"等|多家|多款|\d+(?:家|款)|among|andother|several|dozens")
"""What is done to many at once, of whom headlines name one or another."""
STEPS = frozenset({"file", "delist"})
GOING_PUBLIC = frozenset({"file", "list"})
"""That a company files, and that it goes public, is said of one step."""
_LEDE = 240
NAME, NAMED, PROPER, SUBJECT, SECOND, FOREIGN_SUBJECT, ACT, FIGURES = 0.3, 0.2, 0.15, 0.16, 0.1, 0.38, 0.15, 0.12
LEDE = 0.45
ELSEWHERE = 0.5
LANE, ABOUT, ALONE, FOREIGN_ALONE, STRANGERS = 0.3, 0.15, 0.05, 0.1, 0.5


@dataclass(frozen=True, slots=True)
class Doc:
    """A report as it is compared. names: companies in the headline; named: also those below it. deeds: what the
    headline itself says was done."""

    key: str
    at: float
    title: str
    terms: Mapping[str, float]
    names: frozenset[str]
    named: frozenset[str]
    proper: frozenset[str]
    quoted: frozenset[str]
    offices: frozenset[str]
    subjects: frozenset[str]
    about: frozenset[str]
    acts: frozenset[str]
    deeds: frozenset[str]
    numbers: frozenset[str]
    sums: frozenset[str]
    topics: frozenset[str]
    han: bool
    lanes: frozenset[str] = field(default=frozenset())
    venues: frozenset[str] = field(default=frozenset())


def describe(entry: Entry, verdict: Verdict, at: float) -> dict[str, Any]:
    """What to keep of a report to recognise its story by; plain JSON."""
    title, body = fold(entry.title), fold(entry.body)[:_LEDE]
    words = wording(entry.title, title, verdict.marks)
    here = {kind: list(dict.fromkeys(m.what for m in verdict.marks if m.kind == kind)) for kind in ("name", "subject")}
    passing = beside(title, verdict.marks)
    told = _told(verdict)
    unnamed = _without_names(title, verdict)
    return {
        "key": entry.key,
        "keys": list(entry.aliases),
        "text": print_of(entry),
        "at": int(at),
        "title": re.sub(r"\W+", "", title),
        "words": " ".join(words.objects),
        "weak": " ".join(words.weak),
        "formula": " ".join(words.formula),
        "more": " ".join(dict.fromkeys(lede(body, title, verdict.marks))),
        "names": [name for name in here["name"] if name not in passing],
        "named": [name for name in verdict.entities if name not in passing],
        "proper": list(words.proper),
        "quoted": list(words.quoted),
        "offices": list(words.offices),
        "subjects": [subject for subject in verdict.subjects if subject not in told],
        "about": [subject for subject in here["subject"] if subject not in told],
        "acts": list(verdict.acts),
        "deeds": sorted(own(title, verdict.marks)),
        "venues": sorted(venues(unnamed)),
        "numbers": sorted(numbers(f"{unnamed} {body}")),
        "sums": sorted(buckets(verdict.amounts)),
        "topics": list(verdict.topics),
        "han": is_chinese(entry.title),
    }


def _without_names(title: str, verdict: Verdict) -> str:
    """The headline with blanks for the companies in it: the number in 51job is none."""
    for mark in (m for m in verdict.marks if m.kind == "name"):
        title = title[: mark.start] + " " * (mark.end - mark.start) + title[mark.end :]
    return title


def _told(verdict: Verdict) -> frozenset[str]:
    """Subjects that only the name of a company tells (QuantumCTek), or the words of a review: of a company, `security
    review` says no more than that there is one. Where no company is named, reviewing is the matter."""
    names = [m for m in verdict.marks if m.kind == "name"]
    if names:
        held = {m.what for m in verdict.marks if m.kind == "subject" and not any(_covers(n, m) for n in names)}
        return frozenset({m.what for m in verdict.marks if m.kind == "subject"} - (held - _of_reviews(verdict)))
    reviewed = _of_reviews(verdict)
    return reviewed if {m.what for m in verdict.marks if m.kind == "subject"} - reviewed else frozenset()


def _covers(outer: Mark, inner: Mark) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _of_reviews(verdict: Verdict) -> frozenset[str]:
    """Subjects that stand nowhere but in the words of a review."""
    reviews = [m for m in verdict.marks if m.kind == "act" and m.what == "review"]
    subjects = [m for m in verdict.marks if m.kind == "subject"]
    more = {m.what for m in subjects if not any(_covers(review, m) for review in reviews)}
    return frozenset({m.what for m in subjects} - more)


def doc(kept: Mapping[str, Any]) -> Doc:
    """Of what `describe` made; of an earlier version too, whose words are taken as they are."""
    terms = dict.fromkeys(str(kept.get("more", "")).split(), LEDE)
    for sort, weight in (("formula", FORMULA), ("weak", WEAK), ("words", OBJECT)):
        terms.update(dict.fromkeys(str(kept.get(sort, "")).split(), weight))

    def some(name: str) -> frozenset[str]:
        return frozenset(kept.get(name, ()))

    deeds = some("deeds")
    return Doc(
        str(kept.get("key", "")), float(kept["at"]), str(kept["title"]), terms, some("names"),
        some("named") | some("names"), some("proper"), some("quoted"), some("offices"), some("subjects"),
        some("about"), some("acts"), deeds, some("numbers"), some("sums"), some("topics"), bool(kept.get("han")),
        frozenset(LANES[d] for d in deeds if d in LANES), some("venues"),
    )  # fmt: skip


def same_step(a: Doc, b: Doc) -> bool:
    """Whether both tell the same step of the same company: such reports may lie days apart."""
    if not a.names & b.names or _elsewhere(a, b):
        return False
    return bool(a.acts & b.acts & STEPS) or a.deeds | b.deeds == GOING_PUBLIC


def likeness(a: Doc, b: Doc, rarity: Callable[[str], float]) -> tuple[float, str]:
    """About 0 to 1.5, and what speaks for it, in words."""
    names, named = a.names & b.names, a.named & b.named
    subjects, acts = a.subjects & b.subjects, a.acts & b.acts
    figures, sums = a.numbers & b.numbers, a.sums & b.sums
    foreign = a.han != b.han
    if foreign and not named and not subjects and not (a.deeds & b.deeds and (sums or a.proper & b.proper)):
        return 0.0, ""
    days = abs(a.at - b.at) / 86400
    text = _cosine(a.terms, b.terms, rarity)
    score = text
    score += NAME * _mean(names, a.names, b.names) if names else NAMED * _part(named, a.named, b.named)
    score += PROPER * bool(a.proper & b.proper and not (a.names and b.names))
    score += (FOREIGN_SUBJECT if foreign else SUBJECT) * _part(subjects, a.subjects, b.subjects)
    score += SECOND * (len(subjects) > 1)
    score += (ACT if named or subjects else 0.2 * ACT) * _part(acts, a.acts, b.acts)
    score += FIGURES * _part(figures, a.numbers, b.numbers) + _sum_tells(a, b) * bool(sums)
    score -= (SLOW_FADE if same_step(a, b) else FADE) * days
    score -= against(a, b) + ELSEWHERE * (days > 1 and _elsewhere(a, b))
    said = [f"words {text:.2f}"]
    shown = (("names", named), ("about", subjects), ("acts", acts), ("numbers", figures), ("sums", sums and {"equal"}))
    said += [f"{what} {', '.join(sorted(shared))}" for what, shared in shown if shared]
    return score, "; ".join(said)


def _sum_tells(a: Doc, b: Doc) -> float:
    """An equal sum tells most where no word can: of the same thing done, across languages. Within one, two reports of
    one sum write it alike, or name the same company."""
    if not a.deeds & b.deeds:
        return 0.15
    return 0.3 if a.han != b.han or a.named & b.named or a.numbers & b.numbers else 0.1


def against(a: Doc, b: Doc) -> float:
    """What keeps apart: other companies, other names, other laws, other offices, another thing done, other sums."""
    subjects = a.subjects & b.subjects
    against = 0.0
    of_one = bool(a.lanes & b.lanes & OF_ONE) and not _AMONG.search(a.title + b.title)
    if a.names and b.names and not a.named & b.named:
        against += OTHERS if of_one or _in_the_same_words(a, b) else 0.2 if subjects and _of_all(a, b) else 0.9
    elif not a.named & b.named and _strangers(a, b):
        against += 2 * STRANGERS if of_one else STRANGERS
    elif bool(a.names) != bool(b.names) and not a.named & b.named:
        against += ALONE if a.han == b.han else FOREIGN_ALONE
    if a.about and b.about and not a.about & b.about and not a.named & b.named:
        against += ABOUT
    if a.quoted and b.quoted and _overlap(a.quoted, b.quoted) < 0.34:
        against += 0.4
    if a.offices and b.offices and not a.offices & b.offices:
        against += 0.3
    if _of_other_lanes(a, b):
        against += LANE
    if a.sums and b.sums and not a.sums & b.sums and a.deeds & b.deeds & {"fine"}:
        against += 0.3
    if not a.topics & b.topics:
        against += 0.3
    return against


def _elsewhere(a: Doc, b: Doc) -> bool:
    """Whether a company goes to another market, or leaves another. On one day headlines name one of several."""
    return "list" in a.lanes & b.lanes and bool(a.venues and b.venues) and not a.venues & b.venues


def _in_the_same_words(a: Doc, b: Doc) -> bool:
    """Whether only the companies are others: what is said of the one was said of the other as well."""
    return len(a.terms.keys() & b.terms.keys()) >= SAME_WORDS * len(a.terms.keys() | b.terms.keys())


def _of_all(a: Doc, b: Doc) -> bool:
    """Whether both may name companies in passing; of another language, when it is done to all at once."""
    return a.han == b.han or bool(a.lanes & b.lanes & OF_ALL)


def _of_other_lanes(a: Doc, b: Doc) -> bool:
    """Whether another kind of thing was done. A company named in a campaign has been given an order."""
    named = a.names and a.names == b.names
    return (
        bool(a.lanes and b.lanes)
        and not a.lanes & b.lanes
        and not (named and a.lanes | b.lanes <= {"order", "campaign"})
    )


def _strangers(a: Doc, b: Doc) -> bool:
    """Whether each names somebody and neither names the other's."""
    mine, other = a.names | a.proper, b.names | b.proper
    if a.han != b.han or not mine or not other or not (a.proper or b.proper):
        return False
    return not (mine & other or any(x in b.title for x in a.proper) or any(x in a.title for x in b.proper))


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / min(len(a), len(b))


def _cosine(a: Mapping[str, float], b: Mapping[str, float], rarity: Callable[[str], float]) -> float:
    shared = a.keys() & b.keys()
    if not shared:
        return 0.0
    weight = {t: rarity(f"t:{t}") for t in {*a, *b}}
    # Exact sums: the order of a set must decide nothing.
    dot = math.fsum(a[t] * b[t] * weight[t] ** 2 for t in shared)
    norms = math.sqrt(math.fsum((v * weight[t]) ** 2 for t, v in a.items()))
    norms *= math.sqrt(math.fsum((v * weight[t]) ** 2 for t, v in b.items()))
    return dot / norms


def _part(shared: frozenset[str], a: frozenset[str], b: frozenset[str]) -> float:
    """The share of the smaller set that both hold, 0 to 1."""
    return len(shared) / max(1, min(len(a), len(b)))


def _mean(shared: frozenset[str], a: frozenset[str], b: frozenset[str]) -> float:
    """The same, less where one side has names the other lacks."""
    return len(shared) / math.sqrt(len(a) * len(b))


def buckets(amounts: Iterable[float]) -> set[str]:
    """Sums within some 8 % of each other share one of their two names: 80.26亿元 is $1.2 bn."""
    places = [math.log(value) / math.log(1.08) for value in amounts if value > 0]
    return {f"sum{math.floor(p)}" for p in places} | {f"sum{math.floor(p + 0.5)}~" for p in places}
