"""What a headline says was done: not what it recalls, denies, or only expects."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from bot.core.news import Mark

LANES = {
    "summon": "order", "review": "order", "remove": "order", "ban": "order", "fine": "order", "resume": "order",
    "file": "list", "hear": "list", "price": "list", "debut": "list", "shelve": "list", "delist": "list",
    "private": "list", "rule": "rule", "campaign": "campaign", "support": "support",
}  # fmt: skip
"""Acts that may follow each other in one matter have one lane."""
MOST_ACTS = 24
"""A headline with more is no headline, and the first tell what it is about."""
_CLAUSE = re.compile(r"[;；。!！?？|]|\. | [-–—]+ |，(?=此前|曾|去年)")
_RECALLS = re.compile(
    r"\b(?:after|since|following|(?:days?|weeks?|months?|years?) (?:ago|after|later)|previously|once|earlier"
    r"|last (?:year|month|week)|in (?:19|20)\d\d|despite|formerly)\b|此前|曾[被经因]|去年|前年|上月|上年"
)
_RECALLS_AFTER = re.compile(
    r"[^,，、]{0,24}\bin (?:19|20)\d\d\b|[^,，、]{0,6}(?:之?后|以来)(?:[，,：: ]|再|又|首|仍|拟|将|股|恢|宣|启|回|重)"
)
_DENIES = re.compile(
    r"\b(?:not|no|never|denies|denied|deny|without|avoids?|escapes?|isn't|wasn't|won't)\b[^,;]{0,12}$"
    r"|[未没无]有?被?$|否认[^，,]{0,6}$|尚未[^，,]{0,4}$"
)
_THREAT = re.compile(
    r"的?(?:风险|危机|威胁|压力|担忧|疑云|警报|可能)| (?:risks?|threats?|fears?|dangers?|worries|concerns?|clock)\b"
)
_THREATENED = re.compile(
    r"\b(?:risks?|threats?|fears?|dangers?|worries|prospects?) (?:of|over|about) (?:an? |the )?$|(?:免于|避免|解除)$"
    r"|\b(?:fac(?:e|es|ing)|risk(?:s|ing)?|threaten\w*(?: with)?) (?:a |the )?$|(?:面临|恐)$"
)
"""What is only threatened, or no longer is."""
_EXPECTS = re.compile(
    r"\bto $|\b(?:plans?|planning|may|might|could|would|seeks?|aims?|set|eyes?|eyeing|weighs?|weighing|mulls?"
    r"|considers?|considering|ahead of|before|wants?|hopes?|prepares?|preparing|expected|due|poised|nears?|about|ready"
    r"|picks?|hires?|likely|possible|potential|tells?|urged?|asks?|asked)\b[^,;]{0,28}$"
    r"|[拟将或欲]$|(?:计划|考虑|筹备|准备)[^，,]{0,6}$|(?:有望|最快)[^，,]{0,8}$"
)
_TO_COME = frozenset({"file", "hear", "price", "debut", "fine", "ban", "list"})
"""Acts that headlines announce long before; of the others `to delist` is the news itself."""
_BESIDE = re.compile(r"\b(?:after|since|following|unlike|like|despite) (?:[a-z]+'s )?$|[继像如]$")
_BACKS = re.compile(
    r"[- ](?:backed|owned|controlled)\b|(?:站台|旗下|投资|参股|入股)的?|(?:ceo|创始人|系)[^，,。:：]{0,5}投[资了]"
    r"|[^，,。:：]{0,12}(?:是|为|现身)股东"
)
_OWNS = re.compile(r"'s |[^，,。:：、和与]{0,6}(?:公司|业务|部门|平台|板块)[\"“「]?")
_HEARING = re.compile(r"通过.{0,6}聆讯|聆讯通过|过聆讯|\b(?:clear|pass|win)\w*\b.{0,24}\bhearing\b")
_PRIVATE = re.compile(r"私有化|privat|buyout")


def own(folded: str, marks: Sequence[Mark], of: Collection[str] = ()) -> frozenset[str]:
    """The acts of a folded headline that are its news; `of` companies: not those of a clause about others."""
    said = [m for m in marks if m.kind == "act"][:MOST_ACTS]
    acts = [m for m in said if not of or _is_about(folded, m, marks, of)]
    whole = [m for m in acts if not any(_holds(n, m) for n in acts)]
    found = {
        _exactly(mark.what, folded[mark.start : mark.end])
        for mark in whole
        if is_news(folded, mark.start, mark.end) and not _is_expected(folded, mark)
    }
    return frozenset(found | {"hear"} if _HEARING.search(folded) else found)


def _holds(outer: Mark, inner: Mark) -> bool:
    """招股 says nothing of its own inside 招股书."""
    return outer.start <= inner.start and inner.end <= outer.end and outer.end - outer.start > inner.end - inner.start


def _exactly(act: str, words: str) -> str:
    """Lists of words put together what steps of a listing tell apart."""
    if act != "delist":
        return act
    return "private" if _PRIVATE.search(words) else "shelve" if words.startswith("撤回") else act


def _is_about(folded: str, mark: Mark, marks: Sequence[Mark], names: Collection[str]) -> bool:
    start = mark.start - len(_clause(folded, mark.start))
    ends = _CLAUSE.search(folded, mark.end)
    end = ends.start() if ends else len(folded)
    here = {m.what for m in marks if m.kind == "name" and start <= m.start < end}
    return not here or not here.isdisjoint(names)


def expects(folded: str, marks: Sequence[Mark]) -> bool:
    """Whether a headline only says what is to come."""
    return any(m.kind == "act" and _is_expected(folded, m) for m in marks)


def is_news(folded: str, start: int, end: int = 0) -> bool:
    """Whether what stands there is said to have happened now."""
    before = _clause(folded, start)
    after = folded[end or start :]
    told_of_another_time = _RECALLS.search(before) or _RECALLS_AFTER.match(after)
    return not (told_of_another_time or _DENIES.search(before) or _THREATENED.search(before) or _THREAT.match(after))


def beside(folded: str, marks: Sequence[Mark]) -> frozenset[str]:
    """Companies a headline names only beside the one it tells of: `After Didi, China opens …`, `Geely's Zeekr …`."""
    named = [m for m in marks if m.kind == "name"]
    owners = {m.what for m in named for n in named if n.what != m.what and _OWNS.fullmatch(folded, m.end, n.start)}
    passing = {m.what for m in named if _is_beside(folded, m)}
    return frozenset((passing - {m.what for m in named if not _is_beside(folded, m)}) | owners)


def _is_beside(folded: str, mark: Mark) -> bool:
    return bool(_BESIDE.search(folded[: mark.start]) or _BACKS.match(folded[mark.end :]))


def _is_expected(folded: str, mark: Mark) -> bool:
    before = _clause(folded, mark.start) + ("to " if folded.startswith("to ", mark.start) else "")
    return mark.what in _TO_COME and bool(_EXPECTS.search(before))


def _clause(folded: str, end: int) -> str:
    """What stands before a place, in its own clause."""
    starts = [found.end() for found in _CLAUSE.finditer(folded, 0, end)]
    return folded[starts[-1] if starts else 0 : end]
