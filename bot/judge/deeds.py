"""What a headline says was done: not what it recalls, denies, or only expects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.core.news import Mark

LANES = {
    "summon": "order", "review": "order", "remove": "order", "ban": "order", "fine": "order", "resume": "order",
    "file": "list", "hear": "list", "price": "list", "debut": "list", "shelve": "list", "delist": "list",
    "rule": "rule", "campaign": "campaign", "support": "support",
}  # fmt: skip
"""Acts that follow each other in one matter have one lane."""
_CLAUSE = re.compile(r"[;；。!！?？|]| [-–—]+ |，(?=此前|曾|去年)")
_RECALLS = re.compile(
    r"\b(?:after|since|following|months? ago|years? ago|weeks? ago|previously|once|earlier|last (?:year|month|week)"
    r"|(?:days?|weeks?|months?|years?) (?:after|later)|in (?:19|20)\d\d|despite|ex-|formerly)\b|此前|曾[被经因]|去年|前年|上月|上年"
)
_RECALLED = re.compile(r"\b(?:after|since|following|unlike|like|despite) (?:[a-z]+'s )?$|[继像如]$")
_BACKS = re.compile(r"[- ](?:backed|owned|controlled)\b|(?:站台|旗下|投资|参股|入股)的?")
_AFTER_ZH = re.compile(r"(?:之?后|以来)(?:[，,：: ]|再|又|首|仍|拟|将|股|恢|宣|启|回|重)")
_DENIES = re.compile(r"\b(?:not|no|never|denies|denied|without|avoids?|escapes?|isn't|wasn't|won't)\b[^,;]{0,12}$|[未没无]有?被?$|否认.{0,6}$|尚未.{0,4}$")
_INTENDS = re.compile(
    r"\b(?:plans?|planning|may|might|could|would|seeks?|aims?|set|eyes?|eyeing|weighs?|mulls?|considers?|considering"
    r"|ahead of|before|wants?|hopes?|prepares?|expected|due|poised|nears?|about|ready|picks?|hires?|likely|possible"
    r"|potential|tells?|urged?|asks?|asked)\b[^,;]{0,28}$|[拟将或欲]$|计划.{0,4}$|考虑.{0,4}$|有望.{0,4}$|筹备.{0,4}$|最快.{0,8}$|准备.{0,4}$"
)
_HEARING = re.compile(r"通过.{0,6}聆讯|聆讯通过|过聆讯|\b(?:clear|pass|win)\w*\b.{0,24}\bhearing\b")


def beside(folded: str, marks: Sequence[Mark]) -> frozenset[str]:
    """Companies a headline names only beside the one it tells of: `After Didi, China opens …`, `Geely's Zeekr …`."""
    named = [m for m in marks if m.kind == "name"]
    owners = {m.what for m in named for n in named if n.what != m.what and folded[m.end : n.start] == "'s "}
    passing = {m.what for m in named if _RECALLED.search(folded[: m.start]) or _BACKS.match(folded[m.end :])}
    meant = {m.what for m in named if not _RECALLED.search(folded[: m.start]) and not _BACKS.match(folded[m.end :])}
    return frozenset((passing - meant) | owners)


def own(folded: str, marks: Sequence[Mark]) -> frozenset[str]:
    """The acts of a folded headline that are its news."""
    found = {m.what for m in _news(folded, marks)}
    return frozenset(found | {"hear"} if _HEARING.search(folded) else found)


def _news(folded: str, marks: Sequence[Mark]) -> Iterator[Mark]:
    starts = [0, *(m.end() for m in _CLAUSE.finditer(folded))]
    for mark in marks:
        if mark.kind != "act":
            continue
        start = max(s for s in starts if s <= mark.start)
        end = min((s for s in starts if s > mark.start), default=len(folded))
        before = folded[start : mark.start]
        if _RECALLS.search(before) or _DENIES.search(before):
            continue
        if re.search(r"\bin (?:19|20)\d\d\b", folded[mark.end : end]) or _AFTER_ZH.search(folded[mark.end : end][:12]):
            continue
        if mark.what in ("price", "debut", "file", "fine", "ban", "list") and _INTENDS.search(before):
            continue
        yield mark
