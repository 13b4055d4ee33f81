"""Rules that can never hold: they would be accepted and stay silent for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from bot.judge.grammar import Node, column_of, shown
from bot.judge.lexicon import Lexicon
from bot.judge.specs import RuleError

Key = tuple[object, ...]


class Asked(NamedTuple):
    """A comparison with an amount: what of, its sign, and the bound in one currency."""

    name: str
    sign: str
    bound: float

    def within(self, other: Asked) -> bool:
        """Whether every amount that satisfies this one satisfies the other; what is fined is money."""
        if self.sign[0] != other.sign[0] or (
            self.name != other.name and (other.name, self.name == "users") != ("money", False)
        ):
            return False
        above = self.bound > other.bound if self.sign[0] == ">" else self.bound < other.bound
        return above or (self.bound == other.bound and (self.sign == other.sign or other.sign[1:] == "="))

    def excludes(self, other: Asked) -> bool:
        """Whether no amount satisfies both."""
        if self.name != other.name or self.sign[0] == other.sign[0]:
            return False
        low, high = (self, other) if self.sign[0] == ">" else (other, self)
        return low.bound > high.bound or (low.bound == high.bound and low.sign + high.sign != ">=<=")


@dataclass(slots=True)
class _Assumed:
    """What must be and must not be, for all parts to hold. Words by number and field; the rest as it is written."""

    present: set[tuple[int, int | None]] = field(default_factory=set)
    absent: set[tuple[int, int | None]] = field(default_factory=set)
    true: dict[Key, Node] = field(default_factory=dict)
    false: dict[Key, Node] = field(default_factory=dict)


class Contradictions:
    """Finds parts joined by AND that exclude each other."""

    def __init__(
        self, lexicon: Lexicon, numbers: Callable[[Node], frozenset[int]], asked: Callable[[Node], Asked]
    ) -> None:
        """numbers: of the words a part stands for; of an amount, those one of which it wants beside it. asked: what an
        amount is compared with."""
        self._lexicon = lexicon
        self._numbers = numbers
        self._asked = asked

    def check(self, node: Node, where: int | None) -> None:
        """where: the field the parts are looked for in, None for any. Raises RuleError."""
        known = _Assumed()
        for part in node.parts:
            self._assume(part, where, True, known)
        if any(map(_negates, node.parts)):
            known.present = {(inner, at) for n, at in known.present for inner in self._lexicon.implied(n)}
            self._check_presence(node, where, known)
        self._check_values(known)

    def _check_presence(self, node: Node, where: int | None, known: _Assumed) -> None:
        # What must be there says best why it cannot.
        for part in sorted(node.parts, key=lambda p: p.kind == "no"):
            if self._holds(part, where, known) is False:
                what = shown(part.parts[0] if part.kind == "no" else part)
                why = self._why(part, where, known) or f"it asks for {what} and for its absence"
                raise RuleError(f"{why}, so it can never hold", column=column_of(part))

    def _why(self, node: Node, where: int | None, known: _Assumed) -> str:
        """By which other word a part is excluded; "" when it is excluded itself."""
        if node.kind == "scoped":
            return self._why(node.parts[0], _field(node), known)
        if node.kind in ("near", "then"):
            return next(filter(None, (self._why(part, where, known) for part in node.parts)), "")
        if node.kind == "amount" and self._excluded(node, where, known):
            return f"{node.value} wants a word of its list beside the sum, and all of them are excluded"
        if node.kind == "word":
            (number,) = self._numbers(node)
            inner = [n for n in self._lexicon.implied(number) if _among(n, where, known.absent)]
            if inner and number not in inner:
                return f"where {shown(node)} stands, {self._lexicon.words(inner)[0]} stands too, and that is excluded"
        return ""

    def _excluded(self, node: Node, where: int | None, known: _Assumed) -> bool:
        """Whether none of a part's words may stand there."""
        numbers = self._numbers(node)
        return bool(numbers) and all(
            _among(n, where, known.absent)
            or any(_among(inner, where, known.absent) for inner in self._lexicon.implied(n))
            for n in numbers
        )

    def _check_values(self, known: _Assumed) -> None:
        told = [(key[2], node) for key, node in known.true.items() if node.kind in ("fact", "amount")]
        not_told = [(key[2], node) for key, node in known.false.items() if node.kind in ("fact", "amount")]
        for (where, one), (there, other) in combinations(told, 2):
            if one.kind != other.kind or where != there:
                continue
            if _other_entry(one, other) if one.kind == "fact" else self._asked(one).excludes(self._asked(other)):
                text = f"nothing is both {one.value} and {other.value}, so it can never hold"
                raise RuleError(text, column=other.column)
        for where, one in told:
            for there, other in not_told:
                if one.kind == other.kind and there in (None, where) and self._entails(one, other):
                    text = f"what is {one.value} is {other.value} too, so it can never hold"
                    raise RuleError(text, column=other.column)

    def _entails(self, one: Node, other: Node) -> bool:
        if one.kind == "amount":
            return self._asked(one).within(self._asked(other))
        (name, _, value), (also, _, second) = one.value.partition(":"), other.value.partition(":")
        if name != also:
            return False
        return second in value if name == "source" else value.startswith(second) if name == "lang" else value == second

    def _assume(self, node: Node, where: int | None, wanted: bool, known: _Assumed) -> None:
        match node.kind:
            case "word" | "named":
                numbers = self._numbers(node)
                if not wanted:
                    known.absent |= {(n, where) for n in numbers}
                elif len(numbers) == 1:
                    known.present |= {(n, where) for n in numbers}
            case "scoped":
                self._assume(node.parts[0], _field(node), wanted, known)
            case "no":
                self._assume(node.parts[0], where, not wanted, known)
            case "all" | "either":
                if len(node.parts) == 1 or wanted == (node.kind == "all"):
                    for part in node.parts:
                        self._assume(part, where, wanted, known)
            case _:
                (known.true if wanted else known.false)[_key(node, where)] = node
                if wanted:
                    for part in node.parts:
                        self._assume(part, where, True, known)

    def _holds(self, node: Node, where: int | None, known: _Assumed) -> bool | None:
        """None when it may or may not."""
        match node.kind:
            case "word" | "named":
                if known.absent and self._excluded(node, where, known):
                    return False
                standing = any(_among(n, where, known.present, any_field=True) for n in self._numbers(node))
                return True if standing else None
            case "amount" if known.absent and self._excluded(node, where, known):
                return False
            case "scoped":
                return self._holds(node.parts[0], _field(node), known)
            case "no":
                inner = self._holds(node.parts[0], where, known)
                return None if inner is None else not inner
            case "all" | "either":
                parts = [self._holds(part, where, known) for part in node.parts]
                decides = node.kind == "either"
                return decides if decides in parts else None if None in parts else not decides
        if _key(node, where) in known.false or any(self._holds(p, where, known) is False for p in node.parts):
            return False
        return True if _key(node, where) in known.true else None


def _among(number: int, where: int | None, known: set[tuple[int, int | None]], *, any_field: bool = False) -> bool:
    """any_field: what is in the title is in the entry. Without: what is nowhere is not in the title either."""
    if (number, where) in known:
        return True
    if any_field:
        return where is None and ((number, 0) in known or (number, 1) in known)
    return (number, None) in known or (where is None and (number, 0) in known and (number, 1) in known)


def _negates(node: Node) -> bool:
    return node.kind == "no" or any(map(_negates, node.parts))


def _field(node: Node) -> int:
    return 0 if node.value == "title" else 1


def _key(node: Node, where: int | None) -> Key:
    """The same for what is written alike, wherever it stands."""
    return (node.kind, node.value, where, tuple(_key(part, where) for part in node.parts))


def _other_entry(one: Node, other: Node) -> bool:
    """Whether no entry can have both of two facts."""
    (name, _, value), (also, _, second) = one.value.partition(":"), other.value.partition(":")
    if name != also or name == "source":
        return False
    if name == "lang":
        return not (value.startswith(second) or second.startswith(value))
    return value != second
