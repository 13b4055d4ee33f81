"""What the rule files say, as plain values: topics, rules, named lists, companies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from bot.core.errors import BotError
from bot.judge.amounts import Rates


class RuleError(BotError):
    """A rule cannot be used. column counts from 1, 0 when the whole rule is meant; hint says what would do."""

    def __init__(self, text: str, *, rule: str = "", topic: str = "", column: int = 0) -> None:
        super().__init__(text)
        self.text = text
        self.rule = rule
        self.topic = topic
        self.column = column

    def __str__(self) -> str:
        where = f"rule {self.rule}: " if self.rule else ""
        place = f"column {self.column}: " if self.column else ""
        return f"{where}{place}{self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """when: the rule's text. weight: what it adds to its topic's score, negative to speak against."""

    id: str
    when: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSpec:
    """An entry alerts when the weights of the rules that fire add up to `threshold`; from `review` on it is shown to
    those who want near misses. urgent: kinds of act (`fine` for the list act_fine) whose alerts may break into quiet
    hours. words: the topic in one line, for people."""

    name: str
    words: str
    rules: tuple[RuleSpec, ...]
    threshold: float = 1.0
    review: float = 0.6
    urgent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NameSpec:
    """Something with names: a company, a regulator. aliases: as a reader meets them, Latin ones in their own case.
    unless: words whose presence in the same text says that something else is meant. tags: lists it belongs to."""

    key: str
    aliases: tuple[str, ...]
    unless: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """lists: name (without @) -> words. alike: names of lists whose words stand in every report of a kind, and so tell
    no two stories apart. not_inside: a word -> longer words in which it means something else. rates: to
    compare amounts in different currencies."""

    topics: tuple[TopicSpec, ...]
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alike: tuple[str, ...] = ()
    names: tuple[NameSpec, ...] = ()
    not_inside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rates: Rates = Rates(date(1970, 1, 1), {})
