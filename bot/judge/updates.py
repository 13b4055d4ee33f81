"""What a later report adds to a story: a further act, the first sum, or the confirmation of a rumour."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.core.news import Entry, Tier, Verdict
from bot.judge.amounts import amounts
from bot.judge.text import fold

_STEPS = {
    "summon": 1, "review": 2, "remove": 3, "ban": 4, "fine": 4, "resume": 5,
    "file": 1, "price": 2, "debut": 3, "shelve": 3, "delist": 5,
}  # fmt: skip
"""How far a matter has come. A step back is another outlet's wording, a step on is news."""
_SUMS = frozenset({"fine", "list"})
_RUMOUR = (
    "sources", "source:", "reportedly", "said to", "weigh", "mull", "consider", "may ", "could ", "plans to", "rumour",
    "rumor", "传", "据悉", "消息人士", "知情人士", "拟", "或将", "考虑",
)  # fmt: skip
MOST_UPDATES = 5
"""More than these, and a story is a saga that rings all day."""
_LONG_AGO = re.compile(r"\b(previously|once|last year|in (19|20)\d\d)\b|此前|曾|去年")
_LOOKING_BACK = re.compile(r"\b(after|since|following|despite|amid)\b|之后|以来|此前|曾|去年")
"""What a headline says of the past is no news in it: acts long ago, and sums behind such a word."""


def told(entry: Entry, verdict: Verdict, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What readers know once they have read this headline, after what they knew `before`; plain JSON."""
    known = before or {"step": 0, "sum": False, "rumour": True, "updates": -1}
    return {
        "step": max(known["step"], _step(verdict)),
        "sum": known["sum"] or bool(verdict.amounts),
        "rumour": known["rumour"] and _is_rumour(entry),
        "updates": known["updates"] + 1,
    }


def whats_new(known: Mapping[str, Any], entry: Entry, verdict: Verdict) -> str:
    """Why this report deserves a message of its own, in words for its readers; "" when it only repeats."""
    if not known or known["updates"] >= MOST_UPDATES:
        return ""
    title = fold(entry.title)
    step = _step(verdict)
    if step > known["step"] > 0 and not _LONG_AGO.search(title):
        return next(f"now: {act}" for act in verdict.headline_acts if _STEPS.get(act) == step)
    if known["rumour"] and entry.tier in (Tier.OFFICIAL, Tier.FILING):
        return f"confirmed by {entry.source or entry.feed_id}"
    new = _LOOKING_BACK.split(title, maxsplit=1)[0]
    if not known["sum"] and _SUMS & {*verdict.headline_acts} and any(a.currency for a in amounts(new)):
        return "the sum is known"
    return ""


def _step(verdict: Verdict) -> int:
    return max((_STEPS.get(act, 0) for act in verdict.headline_acts), default=0)


def _is_rumour(entry: Entry) -> bool:
    title = fold(entry.title)
    return any(word in title for word in _RUMOUR)
