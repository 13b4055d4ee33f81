"""Rules compiled against the lexicon: given the words found, does a rule fire, and by which of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from operator import ge, gt, le, lt

import re2

from bot.core.news import Entry
from bot.judge.amounts import USER_WORDS, Amount, Rates, parse_asked
from bot.judge.grammar import Node, parse
from bot.judge.lexicon import Found, Hit, Lexicon
from bot.judge.specs import RuleError, RuleSpec
from bot.judge.text import is_han

Evaluate = Callable[[Found, Entry], "list[Hit] | None"]
"""The hits that made it true (none, for a NOT), or None when it is not."""
Groups = tuple[frozenset[int], ...]
"""Of each group some word must be there, or the rule cannot fire."""
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {">=": ge, "<=": le, ">": gt, "<": lt}
_REACH = 60
_PATTERN_MEMORY = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to run."""

    id: str
    weight: float
    needs: Groups
    fires: Evaluate


class Compiler:
    """Turns rule texts into Rules, adding their words to the lexicon."""

    def __init__(self, lexicon: Lexicon, lists: Mapping[str, frozenset[int]], rates: Rates) -> None:
        """lists: name -> numbers of its words."""
        self._lexicon = lexicon
        self._lists = lists
        self._rates = rates

    def compile(self, spec: RuleSpec, topic: str) -> Rule:
        """Raises RuleError, which names rule and topic."""
        try:
            evaluate, needs = self._node(parse(spec.when), None)
        except RuleError as error:
            raise RuleError(error.text, rule=spec.id, topic=topic, column=error.column) from None
        if not needs:
            raise RuleError(
                "the rule holds for everything that lacks a word; add a word that must be there",
                rule=spec.id,
                topic=topic,
            )
        return Rule(spec.id, spec.weight, needs, evaluate)

    def _node(self, node: Node, field: int | None) -> tuple[Evaluate, Groups]:
        match node.kind:
            case "word" | "named":
                numbers = self._numbers(node)
                return _any_of(numbers, field), (numbers,)
            case "pattern":
                return self._pattern(node, field)
            case "fact":
                return _fact(node), ()
            case "amount":
                return self._amount(node, field)
            case "scoped":
                return self._node(node.parts[0], 0 if node.value == "title" else 1)
            case "no":
                inner, _ = self._node(node.parts[0], field)
                return (lambda found, entry: [] if inner(found, entry) is None else None), ()
            case "near" | "then":
                left, left_needs = self._node(node.parts[0], field)
                right, right_needs = self._node(node.parts[1], field)
                return _near(left, right, int(node.value), ordered=node.kind == "then"), (*left_needs, *right_needs)
        parts = [self._witness(part, field) for part in node.parts]
        if node.kind == "all":
            self._check_possible(node, field)
            return _all([p for p, _ in parts]), tuple(group for _, needs in parts for group in needs)
        shared = [needs[0] for _, needs in parts if needs]
        return _either([p for p, _ in parts]), (frozenset().union(*shared),) if len(shared) == len(parts) else ()

    def _check_possible(self, node: Node, field: int | None) -> None:
        """Raises RuleError for a rule that asks for words and for their absence: it would never fire, silently."""
        absent: set[int] = set()
        for part in node.parts:
            if part.kind == "no" and part.parts[0].kind in ("word", "named"):
                absent |= self._numbers(part.parts[0])
        for part in node.parts:
            if part.kind in ("word", "named") and self._numbers(part) <= absent:
                raise RuleError(
                    f"it asks for {part.value} and for its absence, so it can never hold", column=part.column
                )

    def _witness(self, node: Node, field: int | None) -> tuple[Evaluate, Groups]:
        """A part that is true or not: one word of a list is enough to say why."""
        evaluate, needs = self._node(node, field)
        while node.kind == "scoped":
            node = node.parts[0]
        if node.kind not in ("word", "named"):
            return evaluate, needs

        def first(found: Found, entry: Entry) -> list[Hit] | None:
            hits = evaluate(found, entry)
            return hits and hits[:1]

        return first, needs

    def _amount(self, node: Node, field: int | None) -> tuple[Evaluate, Groups]:
        """`money>=…` any sum, `users>=…` people, `fine>=…` a sum near a word of the lists of that act."""
        name, sign, written = re.split("(>=|<=|>|<)", node.value, maxsplit=1)
        try:
            asked, currency = parse_asked(written)
        except ValueError as error:
            raise RuleError(str(error), column=node.column) from None
        holds = _COMPARE[sign]
        if name == "users":
            numbers = frozenset(self._lexicon.add(word) for word in USER_WORDS)
            return _amounts(lambda a: a.currency == "" and holds(a.value, asked), field, None), (numbers,)
        bound = self._rates.cny(asked, currency or "CNY")
        if bound is None:
            known = ", ".join(["CNY", *self._rates.in_cny])
            raise RuleError(f"there is no exchange rate for {currency}; there are {known}", column=node.column)

        def enough(amount: Amount) -> bool:
            value = self._rates.cny(amount.value, amount.currency) if amount.currency else None
            return value is not None and holds(value, bound)

        if name == "money":
            return _amounts(enough, field, None), ()
        lists = [self._lists[n] for n in (f"act_{name}", f"act_{name}_en", f"act_{name}_zh") if n in self._lists]
        if not lists:
            acts = sorted({n.split("_")[1] for n in self._lists if n.startswith("act_")})
            raise RuleError(f"{name} is no amount; there are money, users, {', '.join(acts)}", column=node.column)
        words = frozenset().union(*lists)
        return _amounts(enough, field, words), (words,)

    def _numbers(self, node: Node) -> frozenset[int]:
        if node.kind == "named":
            if node.value not in self._lists:
                near = get_close_matches(node.value, self._lists, 1)
                hint = f"did you mean @{near[0]}?" if near else f"there are {', '.join('@' + n for n in self._lists)}"
                raise RuleError(f"there is no list @{node.value}; {hint}", column=node.column)
            return self._lists[node.value]
        try:
            return frozenset({self._lexicon.add(node.value)})
        except ValueError as error:
            raise RuleError(str(error), column=node.column) from None

    def _pattern(self, node: Node, field: int | None) -> tuple[Evaluate, Groups]:
        options = re2.Options()
        options.max_mem = _PATTERN_MEMORY
        options.log_errors = False
        try:
            pattern = re2.compile(node.value, options)
        except re2.error as error:
            words = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
            raise RuleError(f"this pattern cannot be used: {words}", column=node.column) from None

        def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
            for number, text in enumerate(found.texts):
                if field in (None, number) and (match := pattern.search(text)):
                    return [Hit(number, match.start(), match.end())]
            return None

        return evaluate, ()


def _amounts(enough: Callable[[Amount], bool], field: int | None, near: frozenset[int] | None) -> Evaluate:
    """near: a word of these within _REACH characters of the amount, when given."""

    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        for where, amount in found.amounts:
            if field not in (None, where) or not enough(amount):
                continue
            here = Hit(where, amount.start, amount.end)
            if near is None:
                return [here]
            for number in [n for n in found.hits if n in near]:
                for hit in found.hits[number]:
                    if hit.field == where and max(hit.start - here.end, here.start - hit.end) <= _REACH:
                        return [here, hit]
        return None

    return evaluate


def _any_of(numbers: frozenset[int], field: int | None) -> Evaluate:
    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        # A text holds few words, a list may hold a thousand: go by the text.
        hits = [h for n, at in found.hits.items() if n in numbers for h in at if field is None or h.field == field]
        return sorted(hits, key=lambda h: (h.field, h.start, -h.end)) or None

    return evaluate


def _all(parts: list[Evaluate]) -> Evaluate:
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


def _either(parts: list[Evaluate]) -> Evaluate:
    if len(parts) == 1:
        return parts[0]

    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        got = [hits for hits in (part(found, entry) for part in parts) if hits is not None]
        return got[0] if got else None

    return evaluate


def _near(left: Evaluate, right: Evaluate, distance: int, *, ordered: bool) -> Evaluate:
    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        lefts, rights = left(found, entry), right(found, entry)
        if not lefts or not rights:
            return None
        for a in lefts[:50]:
            for b in rights[:50]:
                if a.field == b.field and (not ordered or a.start <= b.start) and _gap(found, a, b) <= distance:
                    return [a, b]
        return None

    return evaluate


def _gap(found: Found, a: Hit, b: Hit) -> int:
    """What lies between two hits: characters where it is Chinese, words where it is Latin; 0 when they touch."""
    first, second = (a, b) if a.start <= b.start else (b, a)
    between = found.texts[a.field][first.end : second.start]
    if not between:
        return 0
    han = sum(map(is_han, between))
    return len(between.replace(" ", "")) if han * 4 > len(between) else len(between.split()) + han


def _fact(node: Node) -> Evaluate:
    name, _, value = node.value.partition(":")
    value = value.casefold()

    def evaluate(found: Found, entry: Entry) -> list[Hit] | None:
        actual = {"lang": entry.lang, "source": entry.source, "tier": entry.tier.value}[name].casefold()
        holds = actual.startswith(value) if name == "lang" else value in actual if name == "source" else actual == value
        return [] if holds else None

    return evaluate
