"""The rule language: text to a tree, and, when it cannot be read, what was expected and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from bot.judge.specs import RuleError

LONGEST_RULE = 4000
DEEPEST = 60
SCOPES = ("title", "body", "lede")
"""`lede` is another word for `body`: feeds give the beginning of an article at most."""
FACTS = ("lang", "source", "tier")

_GRAMMAR = r"""
start: either
?either: all ("OR" all)*
?all: (no | near) ("AND"? (no | near))*
no: ("NOT" | "-") near
?near: one (NEAR one)*
?one: LIST -> named
    | PATTERN -> pattern
    | PHRASE -> phrase
    | FACT -> fact
    | AMOUNT -> amount
    | SCOPE one -> scoped
    | WORD -> word
    | "(" either ")"

NEAR.3: /(NEAR|THEN)\/\d{1,3}(?=[\s(]|$)/
AMOUNT.4: /[a-z_]+(>=|<=|>|<)\s*\d[\d.,]*(\s*[a-z万亿千百十]+)?(\s+(?!AND|NOT)[A-Z]{3})?(?=[\s()]|$)/
FACT.3: /(lang|source|tier):("[^"]*"|[^\s()"]+)/
SCOPE.2: /[a-z_]+:/
LIST.2: /@[A-Za-z0-9_]+/
PATTERN.2: /\/(?:[^\/\\]|\\.)+\//
PHRASE: /=?"[^"]+"/
WORD: /(?!(?:AND|OR|NOT)(?:[\s()]|$)|(?:NEAR|THEN)\/)[^\s()"@\/:-][^\s()":]*/
%import common.WS
%ignore WS
"""
_A_PATTERN = re.compile(r"(^|[\s(:])/(?:[^/\\]|\\.)+/")
_parser = Lark(_GRAMMAR, parser="lalr", propagate_positions=True)


@dataclass(frozen=True, slots=True)
class Node:
    """kind: either, all, no, near, then, word, named, pattern, scoped, fact, amount. value: word, list, pattern, scope,
    fact or comparison (`fine>=1bn CNY`); for near and then their distance. column: from 1."""

    kind: str
    value: str = ""
    parts: tuple[Node, ...] = ()
    column: int = 0


def parse(rule: str) -> Node:
    """Raises RuleError with the column and what was expected there."""
    if not rule.strip():
        raise RuleError("the rule is empty; write at least one word")
    if len(rule) > LONGEST_RULE:
        raise RuleError(
            f"the rule has {len(rule)} characters, at most {LONGEST_RULE} are read; use a named list for long ones"
        )
    _check_brackets(rule)
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
        node: Node = found[0]
        for operator, right in zip(found[1::2], found[2::2], strict=True):
            name, _, distance = operator.partition("/")
            node = Node(name.lower(), distance, (node, right), operator.column)
        return node

    def word(self, found: list[Token]) -> Node:
        return Node("word", str(found[0]), column=found[0].column or 0)

    def phrase(self, found: list[Token]) -> Node:
        return Node("word", found[0].replace('"', ""), column=found[0].column or 0)

    def named(self, found: list[Token]) -> Node:
        return Node("named", found[0][1:], column=found[0].column or 0)

    def pattern(self, found: list[Token]) -> Node:
        return Node("pattern", found[0][1:-1], column=found[0].column or 0)

    def fact(self, found: list[Token]) -> Node:
        return Node("fact", found[0].replace('"', ""), column=found[0].column or 0)

    def amount(self, found: list[Token]) -> Node:
        return Node("amount", str(found[0]), column=found[0].column or 0)

    def scoped(self, found: list[Any]) -> Node:
        name = found[0][:-1]
        if name not in SCOPES:
            raise_unknown_scope(name, found[0].column)
        return Node("scoped", name, (found[1],), found[0].column)


def raise_unknown_scope(name: str, column: int) -> None:
    near = get_close_matches(name, (*SCOPES, *FACTS), 1)
    hint = f"did you mean {near[0]}: ?" if near else f"there are {', '.join(f'{s}:' for s in (*SCOPES, *FACTS))}"
    raise RuleError(f"{name}: is no scope; {hint}", column=column)


def _check_brackets(rule: str) -> None:
    """Said apart, because a parser would only say that the rule ended too soon."""
    opened: list[int] = []
    quoted = False
    for column, character in enumerate(_A_PATTERN.sub(lambda m: m[1] + "p" * (len(m[0]) - len(m[1])), rule), 1):
        if character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character == "(":
            opened.append(column)
            if len(opened) > DEEPEST:
                raise RuleError(f"more than {DEEPEST} parentheses are open here; use named lists", column=column)
        elif character == ")":
            if not opened:
                raise RuleError("this ) closes nothing; remove it or add a ( before", column=column)
            opened.pop()
    if quoted:
        raise RuleError('a closing " is missing', column=len(rule))
    if opened:
        raise RuleError(f"a closing ) is missing for the ( at column {opened[-1]}", column=len(rule) + 1)


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
        return RuleError(f"{rule[column - 1 : column + 10]!r} is not understood here", column=column)
    return RuleError("the rule cannot be read", column=column)
