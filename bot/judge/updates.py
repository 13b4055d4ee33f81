"""What a later report adds to a story: a further act, the first sum, or the confirmation of a rumour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bot.core.news import Entry, Tier, Verdict
from bot.judge.amounts import amounts
from bot.judge.deeds import LANES, expects, is_news, own
from bot.judge.likeness import buckets
from bot.judge.text import fold

_STEPS = {
    "summon": 1, "review": 2, "remove": 3, "ban": 4, "fine": 4, "resume": 5,
    "file": 1, "hear": 2, "price": 3, "debut": 4, "private": 5, "delist": 6,
}  # fmt: skip
"""How far a matter has come in its lane. A step back is another outlet's wording, a step on is news."""
_ASIDE = frozenset({"shelve", "remove", "ban"})
"""News whenever it comes: no other outlet's wording of another act."""
_ENDS = frozenset({"shelve", "delist", "private"})
"""What a company's way to an exchange ends with; from there it may begin anew."""
_STEPS_TO_LIST = frozenset({"file", "hear", "price", "debut"})
_SAID = {"hear": "hearing", "private": "going private"}
_SUMS = frozenset({"fine", "list", "file", "price"})
_RUMOUR = re.compile(
    r"[:,–—-] ?sources?\b|\bsources? (?:say|said|tell|told|familiar|close|with)|\bsource:|\bsources$"
    r"|\breportedly\b|\bsaid to\b|\b(?:weigh|mull|consider)|\bcould\b"
    r"|(?<!\bin )(?<!\bon )(?<!\bby )(?<!\bfrom )(?<!\buntil )\bmay (?!\d)"
    r"|据传|传闻|盛传|消息称|据悉|消息人士|知情人士|或将|考虑"
)
"""That somebody has heard of it, or thinks of it; may is a month too."""
_DENIAL = re.compile(
    r"不实|辟谣|谣言|谣传|否认|并无此事|没有此事|不属实|假消息|系误读"
    r"|\b(?:den(?:y|ies|ied)|not true|untrue|false|fake|hoax|no truth|refut\w+|dismiss\w+|debunk\w+)\b"
)
"""That what was heard is not so."""
MOST_UPDATES = 8
"""More than these, and a story is a saga that rings all day."""
_NAMELESS_S = 6 * 3600
"""After a headline that named no act, another outlet's of the same hours may name the same act."""


def told(entry: Entry, verdict: Verdict, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What readers know once they have read this headline, after what they knew `before`; plain JSON."""
    known = before or {"acts": [], "sum": False, "sums": [], "rumour": True, "updates": -1}
    title = fold(entry.title)
    at = entry.published.timestamp() if entry.published else 0.0
    return {
        "acts": sorted(_after(_acts(known), own(title, verdict.marks))),
        "sum": known["sum"] or bool(verdict.amounts),
        "sums": sorted({*known.get("sums", ()), *buckets(verdict.amounts)}),
        "names": sorted({*known.get("names", ()), *(m.what for m in verdict.marks if m.kind == "name" and not before)}),
        "rumour": known["rumour"] and (_is_rumour(entry) or (before is not None and denies(entry.title))),
        "expected": known.get("expected", False) or expects(title, verdict.marks),
        "at": known.get("at", int(at)),
        "denied": known.get("denied", False) or (before is not None and known["rumour"] and denies(entry.title)),
        "updates": known["updates"] + 1,
    }


def whats_new(known: Mapping[str, Any], entry: Entry, verdict: Verdict) -> str:
    """Why this report deserves a message of its own, in words for its readers; "" when it only repeats."""
    if not known or known["updates"] >= MOST_UPDATES:
        return ""
    title = fold(entry.title)
    if known["rumour"] and denies(entry.title):
        official = entry.tier in (Tier.OFFICIAL, Tier.FILING)
        return f"denied by {entry.source or entry.feed_id}" if official and not known.get("denied") else ""
    acts = own(title, verdict.marks, known.get("names", ()))
    step = further(known, acts, entry)
    if step:
        return f"now: {_SAID.get(step, step)}"
    if known["rumour"] and entry.tier in (Tier.OFFICIAL, Tier.FILING):
        return f"confirmed by {entry.source or entry.feed_id}"
    if not known["sum"] and _SUMS & acts and _has_sum(title):
        return "the sum is known"
    return ""


def changed(known: Mapping[str, Any], before: Mapping[str, Any], entry: Entry, verdict: Verdict, headline: int) -> str:
    """What a publisher's new text tells that the old one of the same entry did not; "" when only words have changed.

    before: what is kept of the old text. entry, verdict: of the new one, its first sentences in one with its headline,
    which is so long when folded. What the old text mentioned below its headline counts as told there.
    """
    if not known or known["updates"] >= MOST_UPDATES:
        return ""
    title, of = fold(entry.title), known.get("names", ())
    first = own(title[:headline], [m for m in verdict.marks if m.end <= headline], of)
    acts = own(title, verdict.marks, of)
    mentioned = {**known, "acts": [*_acts(known), *before.get("acts", ())]}
    step = further(known, first, entry) or further(mentioned, acts, entry)
    if step:
        return f"now: {_SAID.get(step, step)}"
    sums = buckets(verdict.amounts)
    if not sums or not _SUMS & acts or not _has_sum(title):
        return ""
    if not known["sum"]:
        return "the sum is known"
    return "another sum" if known.get("sums") and sums.isdisjoint(known["sums"]) else ""


def further(known: Mapping[str, Any], acts: Iterable[str], entry: Entry) -> str:
    """The act that takes the matter on from what is known, "" when none does."""
    before, acts = _acts(known), frozenset(acts)
    if acts & _ENDS:
        acts -= _STEPS_TO_LIST  # `withdraws its filing` files nothing
    for act in sorted(acts, key=lambda a: (-_STEPS.get(a, 0), a)):
        if act in before or act not in LANES or not (act in _STEPS or act in _ASIDE):
            continue
        lane = [_STEPS.get(a, 0) for a in before if LANES.get(a) == LANES[act]]
        if before & _ENDS and act in _STEPS_TO_LIST:
            return act
        if lane and (act in _ASIDE or _STEPS[act] > max(lane)):
            return act
        if not lane and not before & LANES.keys() and _was_open(known, entry):
            return act
    return ""


def _after(known: set[str], new: frozenset[str]) -> set[str]:
    """The acts that count as told: what ended a listing makes its steps news again, and they it."""
    if new & _ENDS:
        return known - _STEPS_TO_LIST | new - _STEPS_TO_LIST
    return (known - _ENDS if new & _STEPS_TO_LIST else known) | new


def denies(title: str) -> bool:
    """Whether a headline says that what was heard is not so."""
    return bool(_DENIAL.search(fold(title)))


def _was_open(known: Mapping[str, Any], entry: Entry) -> bool:
    """Whether nothing had been done yet by what is known: it was rumoured, or expected, or is long ago."""
    later = (entry.published.timestamp() - known.get("at", 0)) if entry.published and known.get("at") else 0.0
    return bool(known["rumour"] or known.get("expected")) or later > _NAMELESS_S


def _acts(known: Mapping[str, Any]) -> set[str]:
    """The acts told; of a story kept by an earlier version, those its step stands for."""
    if "acts" in known:
        return set(known["acts"])
    return {act for act, step in _STEPS.items() if step <= known.get("step", 0)}


def _has_sum(title: str) -> bool:
    return any(a.currency and is_news(title, a.start) for a in amounts(title))


def _is_rumour(entry: Entry) -> bool:
    return bool(_RUMOUR.search(fold(entry.title)))
