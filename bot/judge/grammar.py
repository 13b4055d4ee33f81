"""The rule language: text to a tree, and, when it cannot be read, what was expected and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from bot.core.news import Tier
from bot.judge.currencies import AFTER, CODES
from bot.judge.specs import RuleError
from bot.judge.wording import check_word, plain

LONGEST_RULE = 4000
SCOPES = ("title", "body", "lede")
"""`lede` is another word for `body`: feeds give the beginning of an article at most."""
MOST_NEAR = 20
FACTS = ("lang", "source", "tier")
LANGUAGES = ("en", "zh", "zh-Hans", "zh-Hant")
_LIKE = {"lang": "lang:zh", "source": "source:reuters", "tier": "tier:official"}

_GRAMMAR = r"""
start: either
?either: all ("OR" all)*
?all: (no | near) ("AND"? (no | near))*
no: ("NOT" | "-") near
?near: one (NEAR one)*
?one: LIST -> named
    | COMPARED -> compared
    | PATTERN -> pattern
    | PHRASE -> phrase
    | FACT -> fact
    | AMOUNT -> amount
    | SCOPE one -> scoped
    | WORD -> word
    | "(" either ")"

NEAR.3: /(NEAR|THEN)\/\d{1,3}(?=[\s(]|$)/
AMOUNT.4: /[A-Za-z_]+\s*(>=|<=|=>|=<|>|<|≥|≤)\s*[^\s()"]*(\s+UNIT)*(?=[\s()]|$)/
COMPARED.4: /@[A-Za-z0-9_]+\s*(>=|<=|=>|=<|>|<|≥|≤)[^\s()"]*/
FACT.3: /(?i:lang|source|tier):("[^"]*"|[^\s()"]+)/
SCOPE.2: /[A-Za-z_]+:/
LIST.2: /@[A-Za-z0-9_]+/
PATTERN.2: /\/(?:[^\/\\]|\\.)+\//
PHRASE.2: /=?"[^"]+"/
WORD: /(?!(?:AND|OR|NOT)(?:[\s()]|$))[^\s()"@\/:-][^\s()":]*/
%import common.WS
%ignore WS
"""
_LATIN_MONEY = "|".join(sorted((name for name in AFTER if name.isascii()), key=len, reverse=True))
_HAN_MONEY = "|".join(sorted((name for name in AFTER if not name.isascii()), key=len, reverse=True))
_UNIT = (
    rf"(?:(?i:thousand|[mb]illion|trillion|mln|[mb]n?|k|tn|{'|'.join(CODES)}|{_LATIN_MONEY})"
    rf"|[万亿千百十]+(?:{_HAN_MONEY})?|(?:{_HAN_MONEY})|(?!AND|NOT)[A-Z]{{3}})(?=[\s()]|$)"
)
_SIGNED = re.compile(r"\s*([<>=≥≤]+)\s*")
_parser = Lark(_GRAMMAR.replace("UNIT", _UNIT), parser="lalr", propagate_positions=True)


@dataclass(frozen=True, slots=True)
class Node:
    """kind: either, all, no, near, then, word, named, pattern, scoped, fact, amount. value: word, list, pattern, scope,
    fact or comparison (`fine>=1bn CNY`); for near and then their distance. column: from 1."""

    kind: str
    value: str = ""
    parts: tuple[Node, ...] = ()
    column: int = 0


@lru_cache(maxsize=1024)
def parse(rule: str) -> Node:
    """Raises RuleError with the column and what was expected there."""
    if not rule.strip():
        raise RuleError("the rule is empty; write at least one word")
    if len(rule) > LONGEST_RULE:
        raise RuleError(
            f"the rule has {len(rule)} characters, at most {LONGEST_RULE} are read; use a named list for long ones"
        )
    rule = plain(rule)
    try:
        tree = _parser.parse(rule)
    except UnexpectedInput as error:
        raise _explained(rule, error) from None
    try:
        node: Node = _Builder().transform(tree)
    except VisitError as error:
        raise error.orig_exc from None
    return node


class _Builder(Transformer[Token, Node]):
    def start(self, found: list[Any]) -> Node:
        return found[0]  # type: ignore[no-any-return]

    def either(self, found: list[Node]) -> Node:
        return Node("either", parts=tuple(found))

    def all(self, found: list[Node]) -> Node:
        return Node("all", parts=tuple(found))

    def no(self, found: list[Node]) -> Node:
        return Node("no", parts=(found[0],))

    def near(self, found: list[Any]) -> Node:
        if len(found) > 2 * MOST_NEAR + 1:
            raise RuleError(f"more than {MOST_NEAR} NEAR and THEN in a row; split the rule", column=found[1].column)
        node: Node = found[0]
        for operator, right in zip(found[1::2], found[2::2], strict=True):
            name, _, distance = operator.partition("/")
            node = Node(name.lower(), distance, (node, right), operator.column)
        return node

    def word(self, found: list[Token]) -> Node:
        check_word(found[0], found[0].column or 0)
        return Node("word", str(found[0]), column=found[0].column or 0)

    def phrase(self, found: list[Token]) -> Node:
        return Node("word", found[0].replace('"', ""), column=found[0].column or 0)

    def named(self, found: list[Token]) -> Node:
        return Node("named", found[0][1:], column=found[0].column or 0)

    def compared(self, found: list[Token]) -> Node:
        listed, sign, asked = _SIGNED.split(found[0], maxsplit=1)
        kind = re.fullmatch("@act_(.+?)(_en|_zh)?", listed)
        text = f"a list is compared with nothing; for a sum write {kind[1] if kind else 'money'}{sign}{asked or '1bn'}"
        raise RuleError(text, column=found[0].column or 0)

    def pattern(self, found: list[Token]) -> Node:
        return Node("pattern", found[0][1:-1], column=found[0].column or 0)

    def fact(self, found: list[Token]) -> Node:
        name, _, value = found[0].replace('"', "").lower().partition(":")
        _check_fact(name, value, found[0].column or 0)
        return Node("fact", f"{name}:{value}", column=found[0].column or 0)

    def amount(self, found: list[Token]) -> Node:
        return Node("amount", str(found[0]), column=found[0].column or 0)

    def scoped(self, found: list[Any]) -> Node:
        name = found[0][:-1].lower()
        _check_scope(name, found[0].column)
        return Node("scoped", "title" if name == "title" else "body", (found[1],), found[0].column)


def shown(node: Node) -> str:
    """A part of a rule as people write it; what is long is cut."""
    match node.kind:
        case "named":
            return f"@{node.value}"
        case "pattern":
            return f"/{node.value}/"
        case "scoped":
            return f"{node.value}:{shown(node.parts[0])}"
        case "no":
            return f"NOT {shown(node.parts[0])}"
        case "near" | "then":
            return f" {node.kind.upper()}/{node.value} ".join(map(shown, node.parts))
        case "either" | "all" if len(node.parts) > 1:
            text = (" OR " if node.kind == "either" else " AND ").join(map(shown, node.parts))
            return f"({text[:80]}…)" if len(text) > 80 else f"({text})"
        case "either" | "all":
            return shown(node.parts[0])
    return node.value


def column_of(node: Node) -> int:
    """Where the part begins, or the first of its parts that is known to; 0 when none is."""
    return node.column or next(filter(None, map(column_of, node.parts)), 0)


def _check_scope(name: str, column: int) -> None:
    if name in SCOPES:
        return
    if name in FACTS:
        raise RuleError(f"{name}: wants its value right behind it, like {_LIKE[name]}", column=column)
    near = get_close_matches(name, (*SCOPES, *FACTS), 1)
    known = ", ".join(f"{s}:" for s in (*SCOPES, *FACTS))
    hint = f"did you mean {near[0]}: ?" if near else f"there are {known}; put a text with a : in quotes"
    raise RuleError(f"{name}: is no scope; {hint}", column=column)


def _check_fact(name: str, value: str, column: int) -> None:
    """A language or a tier that no entry has would make a rule that never fires."""
    known = {"lang": LANGUAGES, "tier": tuple(Tier)}.get(name, ())
    if not known or value in (k.lower() for k in known):
        return
    near = get_close_matches(value, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise RuleError(f"no entry has {name}:{value[:30]}; {hint}", column=column)


_WORDS = {
    "WORD": "a word",
    "PHRASE": 'a "phrase"',
    "LIST": "a @list",
    "LPAR": "(",
    "RPAR": ")",
    "NEAR": "NEAR/n",
    "OR": "OR",
    "AND": "AND",
    "NOT": "NOT",
    "SCOPE": "title: or body:",
    "AMOUNT": "an amount like fine>=1bn CNY",
    "FACT": "lang:, source: or tier:",
    "PATTERN": "a /pattern/",
    "$END": "the end of the rule",
    "MINUS": "-",
}


def _explained(rule: str, error: UnexpectedInput) -> RuleError:
    column = error.column if isinstance(error.column, int) and error.column > 0 else len(rule) + 1
    if isinstance(error, UnexpectedToken):
        expected = [_WORDS[e] for e in ("WORD", "PHRASE", "LIST", "LPAR", "RPAR", "NEAR", "$END") if e in error.accepts]
        shown = "the rule ends" if error.token.type == "$END" else f"{str(error.token)[:30]!r} stands"
        if error.token.type == "$END":
            column = len(rule) + 1
        return RuleError(f"{shown} where {' or '.join(expected) or 'something else'} was expected", column=column)
    if isinstance(error, UnexpectedCharacters):
        text = rule[column - 1 : column + 10]
        return RuleError(f"{text!r} is not understood here; put a text with such signs in quotes", column=column)
    return RuleError("the rule cannot be read", column=column)
