"""Rules compiled against the lexicon: given the words found, does a rule fire, and by which of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from operator import ge, gt, le, lt

from bot.core.news import Entry
from bot.judge import firing
from bot.judge.amounts import USER_WORDS, Amount, Rates, parse_asked
from bot.judge.contradictions import Asked, Contradictions
from bot.judge.currencies import UNTOLD
from bot.judge.firing import Evaluate, Side
from bot.judge.grammar import Node, column_of, parse, shown
from bot.judge.lexicon import Found, Lexicon
from bot.judge.obstacles import Obstacles
from bot.judge.patterns import searcher
from bot.judge.specs import RuleError, RuleSpec

Groups = tuple[frozenset[int], ...]
"""Of each group some word must be there, or the rule cannot fire."""
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {">=": ge, "<=": le, ">": gt, "<": lt}
_SHARED = frozenset({"named", "either", "near", "then", "pattern"})
"""Kinds of parts worth remembering what they came to."""
_SIGN = re.compile(r"\s*(>=|<=|=>|=<|>|<|≥|≤)")
_SIGNS = {"=>": ">=", "≥": ">=", "=<": "<=", "≤": "<="}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to run."""

    id: str
    weight: float
    needs: Groups
    fires: Evaluate
    node: Node


class Compiler:
    """Turns rule texts into Rules, adding their words to the lexicon."""

    def __init__(self, lexicon: Lexicon, lists: Mapping[str, frozenset[int]], rates: Rates) -> None:
        """lists: name -> numbers of its words."""
        self._lexicon = lexicon
        self._lists = lists
        self._rates = rates
        self._contradictions = Contradictions(lexicon, self._numbers, self._asked)
        self._shared: dict[object, tuple[Evaluate, Groups]] = {}

    def compile(self, spec: RuleSpec, topic: str) -> Rule:
        """Raises RuleError, which names rule and topic."""
        try:
            node = parse(spec.when)
            evaluate, needs = self._node(node, None)
            if not needs:
                raise RuleError(
                    "it would hold for texts without any word of it, as NOT, lang:, source: and tier: alone do; "
                    "add a word that must be there, a /pattern/ or an amount"
                )
        except RecursionError:
            raise RuleError("it is nested too deeply; use named lists", rule=spec.id, topic=topic) from None
        except RuleError as error:
            raise RuleError(error.text, rule=spec.id, topic=topic, column=error.column) from None
        words = tuple(group for group in needs if min(group) >= 0)
        if not words:
            self._lexicon.watch(number for group in needs for number in group if number < 0)
        return Rule(spec.id, spec.weight, words or needs, evaluate, node)

    def obstacles(self, rule: Rule, found: Found, entry: Entry) -> list[str]:
        """What keeps a rule from firing, in words."""
        return Obstacles(lambda node, field: self._node(node, field)[0], found, entry).of(rule.node)

    def _node(self, node: Node, field: int | None) -> tuple[Evaluate, Groups]:
        """Parts that are written the same share one."""
        if node.kind not in _SHARED:
            return self._made(node, field)
        key = (_shape(node), field)
        if key not in self._shared:
            evaluate, needs = self._made(node, field)
            self._shared[key] = firing.once(evaluate, len(self._shared)), needs
        return self._shared[key]

    def _made(self, node: Node, field: int | None) -> tuple[Evaluate, Groups]:
        match node.kind:
            case "word" | "named":
                numbers = self._numbers(node)
                return firing.any_of(numbers, field), (numbers,)
            case "pattern":
                return self._pattern(node, field)
            case "fact":
                return firing.fact(node), ()
            case "amount":
                return self._amount(node, field)
            case "scoped":
                return self._node(node.parts[0], _field_of(node, field))
            case "no":
                return firing.absent(self._node(node.parts[0], field)[0]), ()
            case "near" | "then":
                return self._near(node, field)
        parts = [self._witness(part, field) for part in node.parts]
        if node.kind == "all":
            self._contradictions.check(node, field)
            return firing.all_of([p for p, _ in parts]), tuple(group for _, needs in parts for group in needs)
        shared = [_of_words(needs) for _, needs in parts if needs]
        return firing.either([p for p, _ in parts]), (frozenset().union(*shared),) if len(shared) == len(parts) else ()

    def _near(self, node: Node, field: int | None) -> tuple[Evaluate, Groups]:
        (left, left_needs), (right, right_needs) = (self._side(part, field) for part in node.parts)
        for part, needs in zip(node.parts, (left_needs, right_needs), strict=True):
            if not needs:
                text = f"{shown(part)} has no place in a text, so nothing is near it; {node.kind.upper()} wants words"
                raise RuleError(text, column=column_of(part) or node.column)
        scopes = {part.value for part in node.parts if part.kind == "scoped"}
        if len(scopes) == 2:
            raise RuleError("nothing in a title is near to what is in a body", column=node.column)
        near = firing.near(left, right, int(node.value), ordered=node.kind == "then")
        return near, (*left_needs, *right_needs)

    def _side(self, node: Node, field: int | None) -> tuple[Side, Groups]:
        """A part that another is near to."""
        evaluate, needs = self._node(node, field)
        while node.kind == "scoped" or (node.kind in ("all", "either") and len(node.parts) == 1):
            field = _field_of(node, field) if node.kind == "scoped" else field
            node = node.parts[0]
        if node.kind == "either":
            evaluate = firing.any_place([self._side(part, field)[0].evaluate for part in node.parts])
        return Side(evaluate, together=node.kind in ("near", "then", "all")), needs

    def _witness(self, node: Node, field: int | None) -> tuple[Evaluate, Groups]:
        """A part that is true or not: one word of a list is enough to say why."""
        evaluate, needs = self._node(node, field)
        while node.kind == "scoped":
            node = node.parts[0]
        return (firing.first(evaluate) if node.kind in ("word", "named") else evaluate), needs

    def _asked(self, node: Node) -> Asked:
        """Raises RuleError when it is no amount, or one that nothing is compared by."""
        name, sign, written = _SIGN.split(node.value, maxsplit=1)
        name, sign = name.lower(), _SIGNS.get(sign, sign)
        try:
            value, currency = parse_asked(written)
        except ValueError as error:
            text = (
                str(error) if written.strip() else f"{name}{sign} wants an amount behind it, like {name}{sign}1bn CNY"
            )
            raise RuleError(text, column=node.column) from None
        if name == "users":
            if currency:
                raise RuleError("users are counted, without a currency, like users>=1m", column=node.column)
            return Asked(name, sign, value)
        bound = self._rates.cny(value, currency or "CNY")
        if bound is None:
            known = ", ".join(["CNY", *self._rates.in_cny])
            what = repr(written.strip()) if currency == UNTOLD else currency
            raise RuleError(f"there is no exchange rate for {what}; there are {known}", column=node.column)
        return Asked(name, sign, bound)

    def _amount(self, node: Node, field: int | None) -> tuple[Evaluate, Groups]:
        """`money>=…` any sum, `users>=…` people, `fine>=…` a sum near a word of the lists of that act."""
        asked = self._asked(node)
        holds = _COMPARE[asked.sign]
        words = self._numbers(node)
        if asked.name == "users":
            crowd = firing.amount(lambda a: a.currency == "" and holds(a.value, asked.bound), field, None)
            return crowd, (words,)

        def enough(amount: Amount) -> bool:
            value = self._rates.cny(amount.value, amount.currency) if amount.currency else None
            return value is not None and holds(value, asked.bound)

        if asked.name == "money":
            return firing.amount(enough, field, None), (frozenset({self._lexicon.add_sight("a sum", firing.sums)}),)
        return firing.amount(enough, field, words), (words,)

    def _beside(self, node: Node) -> frozenset[int]:
        """Words one of which stands in every text that holds such an amount; none for any sum."""
        name = self._asked(node).name
        if name == "money":
            return frozenset()
        if name == "users":
            return frozenset(self._lexicon.add(word) for word in USER_WORDS)
        lists = [self._lists[n] for n in (f"act_{name}", f"act_{name}_en", f"act_{name}_zh") if self._lists.get(n)]
        if not lists:
            known = ", ".join(sorted({n.split("_")[1] for n in self._lists if n.startswith("act_")}))
            raise RuleError(f"{name} is no amount; there are money, users, {known}", column=node.column)
        return frozenset().union(*lists)

    def _numbers(self, node: Node) -> frozenset[int]:
        if node.kind == "amount":
            return self._beside(node)
        if node.kind == "named":
            if not self._lists.get(node.value):
                raise RuleError(self._no_list(node.value), column=node.column)
            return self._lists[node.value]
        try:
            return frozenset({self._lexicon.add(node.value)})
        except ValueError as error:
            raise RuleError(str(error), column=node.column) from None

    def _no_list(self, name: str) -> str:
        if name in self._lists:
            return f"the list @{name} is empty"
        near = get_close_matches(name, self._lists, 1)
        hint = f"did you mean @{near[0]}?" if near else f"there are {', '.join('@' + n for n in self._lists)}"
        return f"there is no list @{name}; {hint}"

    def _pattern(self, node: Node, field: int | None) -> tuple[Evaluate, Groups]:
        try:
            search = searcher(node.value)
        except ValueError as error:
            raise RuleError(str(error), column=node.column) from None
        number = self._lexicon.add_sight(shown(node), firing.matched(search, None))
        return firing.pattern(search, field), (frozenset({number}),)


def _shape(node: Node) -> object:
    """The part without its place in the rule."""
    return (node.kind, node.value, *map(_shape, node.parts))


def _field_of(node: Node, outer: int | None) -> int:
    field = 0 if node.value == "title" else 1
    if outer not in (None, field):
        raise RuleError("a scope of its own inside another: nothing is in both title and body", column=node.column)
    return field


def _of_words(needs: Groups) -> frozenset[int]:
    """Of an alternative, one group that the whole may be looked up by: of words, when there is one."""
    return next((group for group in needs if min(group) >= 0), needs[0])
