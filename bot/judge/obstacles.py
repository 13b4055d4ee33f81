"""What kept a rule from firing on a text that holds its words, said to a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bot.core.news import Entry
from bot.judge.firing import Evaluate
from bot.judge.grammar import Node, shown
from bot.judge.lexicon import Found, Hit

MOST = 5
"""Words named as standing in the way."""


class Obstacles:
    """Of one entry."""

    def __init__(self, compiled: Callable[[Node, int | None], Evaluate], found: Found, entry: Entry) -> None:
        self._compiled = compiled
        self._found = found
        self._entry = entry

    def of(self, node: Node, field: int | None = None) -> list[str]:
        """Clauses that say what is in the way or missing; none when it holds."""
        match node.kind:
            case "scoped":
                return self.of(node.parts[0], 0 if node.value == "title" else 1)
            case "all":
                return list(dict.fromkeys(text for part in node.parts for text in self.of(part, field)))
            case "no":
                return self._blocked(node.parts[0], field)
        if self._hits(node, field) is not None:
            return []
        if node.kind == "either":
            return min((self.of(part, field) for part in node.parts), key=len)
        return self._missing(node, field)

    def _missing(self, node: Node, field: int | None) -> list[str]:
        match node.kind:
            case "near" | "then":
                sides = [text for part in node.parts for text in self.of(part, field)]
                far = (
                    "not within {} of each other, in this order"
                    if node.kind == "then"
                    else "not within {} of each other"
                )
                left, right = (self._said(part, field) for part in node.parts)
                hits, others = (self._hits(part, field) for part in node.parts)
                if hits == others and len(hits or ()) == 1:
                    return [f"{left} stands in it once, and {node.kind.upper()} wants two places"]
                return sides or [f"{left} and {right} are {far.format(node.value)}"]
            case "fact":
                name = node.value.partition(":")[0]
                actual = {"lang": self._entry.lang, "source": self._entry.source, "tier": self._entry.tier.value}[name]
                return [f"it is {name}:{actual or '?'}, not {node.value}"]
            case "amount" | "pattern":
                return [f"{shown(node)} is not met"]
        if field is not None and self._hits(node, None):
            return [f"{self._said(node, None)} is not in the {('title', 'body')[field]}"]
        return [f"lacks {shown(node)}"]

    def _blocked(self, node: Node, field: int | None) -> list[str]:
        if self._hits(node, field) is None:
            return []
        words = list(dict.fromkeys(self._standing(node, field)))[:MOST]
        what = ", ".join(f"“{w}”" for w in words) if words else shown(node)
        return [f"{what} stands in it, which the rule excludes"]

    def _standing(self, node: Node, field: int | None) -> Iterator[str]:
        """All words that make it true, not only the first."""
        if node.kind == "scoped":
            yield from self._standing(node.parts[0], 0 if node.value == "title" else 1)
        elif node.kind == "either":
            for part in node.parts:
                yield from self._standing(part, field)
        else:
            yield from (self._text(hit) for hit in self._hits(node, field) or ())

    def _said(self, node: Node, field: int | None) -> str:
        hits = self._hits(node, field)
        return f"“{self._text(hits[0])}”" if hits else shown(node)

    def _hits(self, node: Node, field: int | None) -> list[Hit] | None:
        return self._compiled(node, field)(self._found, self._entry)

    def _text(self, hit: Hit) -> str:
        return self._found.texts[hit.field][hit.start : hit.end]
