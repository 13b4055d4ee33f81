"""How the parts of a rule are tried on the words found in an entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.core.news import Entry
from bot.judge.amounts import Amount
from bot.judge.grammar import Node
from bot.judge.lexicon import Found, Hit
from bot.judge.patterns import Match
from bot.judge.text import is_han

Evaluate = Callable[[Found, Entry], "list[Hit] | None"]
"""The hits that made it true (none, for a NOT), or None when it is not."""
_REACH = 60
"""Characters between a sum and the word of its act."""
_LONGEST_WORD = 40
"""Farther apart than so many characters a word, and nobody need count the words."""
_TRIED = 50
"""Places of a word that are tried with those of another."""


def amount(enough: Callable[[Amount], bool], field: int | None, near: frozenset[int] | None) -> Evaluate:
    """near: a word of these within _REACH characters of the amount, when given."""

    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        for where, said in found.amounts:
            if field not in (None, where) or not enough(said):
                continue
            here = Hit(where, said.start, said.end)
            if near is None:
                return [here]
            for number in [n for n in found.hits if n in near]:
                for hit in found.hits[number]:
                    if hit.field == where and max(hit.start - here.end, here.start - hit.end) <= _REACH:
                        return [here, hit]
        return None

    return evaluate


def sums(found: Found) -> list[Hit] | None:
    """Where money is named."""
    return [Hit(where, a.start, a.end) for where, a in found.amounts if a.currency] or None


def any_of(numbers: frozenset[int], field: int | None) -> Evaluate:
    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        # A text holds few words, a list may hold a thousand: go by the text.
        hits = [h for n, at in found.hits.items() if n in numbers for h in at if field is None or h.field == field]
        if len(hits) > 1:
            hits.sort(key=lambda h: (h.field, h.start, -h.end))
        return hits or None

    return evaluate


def once(evaluate: Evaluate, number: int) -> Evaluate:
    """A part that many rules share: tried once for each text."""

    def remembered(found: Found, entry: Entry) -> list[Hit] | None:
        tried = found.tried
        if number not in tried:
            tried[number] = evaluate(found, entry)
        return tried[number]

    return remembered


def all_of(parts: list[Evaluate]) -> Evaluate:
    if len(parts) == 1:
        return parts[0]

    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        hits: list[Hit] = []
        for part in parts:
            got = part(found, entry)
            if got is None:
                return None
            hits += got
        return hits

    return evaluate


def either(parts: list[Evaluate]) -> Evaluate:
    if len(parts) == 1:
        return parts[0]

    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        for part in parts:
            hits = part(found, entry)
            if hits is not None:
                return hits
        return None

    return evaluate


def absent(inner: Evaluate) -> Evaluate:
    return lambda found, entry: [] if inner(found, entry) is None else None


def first(inner: Evaluate) -> Evaluate:
    """Of a part that is true or not, one word is enough to say why."""

    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        hits = inner(found, entry)
        return hits and hits[:1]

    return evaluate


def any_place(parts: list[Evaluate]) -> Evaluate:
    """Of alternatives that something is near to: the places of all of them."""

    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        got = [hits for part in parts if (hits := part(found, entry)) is not None]
        return sorted({hit for hits in got for hit in hits}) if got else None

    return evaluate


@dataclass(frozen=True, slots=True)
class Side:
    """Of NEAR and THEN. together: all its hits are needed, as those of another NEAR or an AND are, not one of many."""

    evaluate: Evaluate
    together: bool


def near(left: Side, right: Side, distance: int, *, ordered: bool) -> Evaluate:
    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        lefts, rights = left.evaluate(found, entry), right.evaluate(found, entry)
        if not lefts or not rights:
            return None
        for a in lefts[:_TRIED]:
            for b in rights[:_TRIED]:
                if a.field != b.field or (ordered and a.start > b.start):
                    continue
                if not 0 <= _apart(a, b) <= _LONGEST_WORD * (distance + 1) or _gap(found, a, b) > distance:
                    continue
                if not _share(lefts if left.together else [a], rights if right.together else [b]):
                    return [a, b]
        return None

    return evaluate


def _apart(a: Hit, b: Hit) -> int:
    """Characters between two hits, below zero when they overlap."""
    return max(a.start, b.start) - min(a.end, b.end)


def _share(lefts: list[Hit], rights: list[Hit]) -> bool:
    """Whether a place is needed twice."""
    return any(a.field == b.field and _apart(a, b) < 0 for a in lefts for b in rights)


def _gap(found: Found, a: Hit, b: Hit) -> int:
    """What lies between two hits: characters where it is Chinese, words where it is Latin; 0 when they touch."""
    earlier, later = (a, b) if a.start <= b.start else (b, a)
    between = found.texts[a.field][earlier.end : later.start]
    if not between:
        return 0
    han = sum(map(is_han, between))
    return len(between.replace(" ", "")) if han * 4 > len(between) else len(between.split()) + han


def matched(search: Callable[[str], Match | None], field: int | None) -> Callable[[Found], list[Hit] | None]:
    """Where a pattern matches first; no place, yet true, when what it matches is empty."""

    def sight(found: Found) -> list[Hit] | None:
        for number, text in enumerate(found.texts):
            if field in (None, number) and (match := search(text)):
                return [Hit(number, match.start(), match.end())] if match.end() > match.start() else []
        return None

    return sight


def pattern(search: Callable[[str], Match | None], field: int | None) -> Evaluate:
    sight = matched(search, field)
    return lambda found, entry: sight(found)


def fact(node: Node) -> Evaluate:
    name, _, value = node.value.partition(":")

    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        actual = {"lang": entry.lang, "source": entry.source, "tier": entry.tier.value}[name].casefold()
        holds = actual.startswith(value) if name == "lang" else value in actual if name == "source" else actual == value
        return [] if holds else None

    return evaluate
