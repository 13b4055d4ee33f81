"""What is in force now: the feeds and the rules, from the files and from what people changed in chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bot.core.chat import Keyword
from bot.core.news import Feed
from bot.judge.specs import RuleError
from bot.judge.verdict import Judge, chat_rule

log = structlog.get_logger("newsroom")

Compile = Callable[[Sequence[Keyword]], Judge]
"""Builds a judge from the files' rules and these keywords. Raises RuleError."""


@dataclass(frozen=True, slots=True)
class Topic:
    """title: one line for people. rules: how many the files give it."""

    title: str
    rules: int


@dataclass(frozen=True, slots=True)
class Rules:
    """What the files say of topics. topics: by name. compile_with: their rules, with keywords."""

    topics: Mapping[str, Topic]
    compile_with: Compile


@dataclass(frozen=True, slots=True)
class InForce:
    """Rules of the files with keywords of chats, and the judge that they make. unusable: keywords that are no rules."""

    rules: Rules
    keywords: tuple[Keyword, ...]
    unusable: frozenset[Keyword]
    judge: Judge


class Newsroom:
    """Feeds and judge that polls and commands share; changed only by `adopt*`, after the change is durable."""

    def __init__(self, feeds: Sequence[Feed], topics: Mapping[str, Topic], compile_with: Compile) -> None:
        """topics: by name. Compiles at once; raises RuleError."""
        self._from_files = {feed.id: feed for feed in feeds}
        self._feeds = dict(self._from_files)
        self._force = _prepared(Rules(topics, compile_with), ())
        self.stories_version = 0
        """Grows when people change stories by hand: whoever holds stories in memory reads them anew."""

    @property
    def feeds(self) -> Mapping[str, Feed]:
        """Every feed that is known, by id; those that are not enabled are not polled."""
        return self._feeds

    @property
    def judge(self) -> Judge:
        return self._force.judge

    @property
    def keywords(self) -> tuple[Keyword, ...]:
        """Added in chat, those that are no rules any more among them."""
        return self._force.keywords

    @property
    def topics(self) -> Mapping[str, str]:
        """By name, one line for people."""
        return {name: topic.title for name, topic in self._force.rules.topics.items()}

    def is_from_file(self, feed_id: str) -> bool:
        """Whether the files define it, so that chat can only switch it off."""
        return feed_id in self._from_files

    def rule_count(self, topic: str) -> int:
        return self._force.rules.topics[topic].rules

    def adopt_feeds(self, changed: Sequence[Feed]) -> None:
        """Feeds defined in chat join, and win over, those of the files."""
        self._feeds = {**self._from_files, **{feed.id: feed for feed in changed}}

    def adopt_keywords(self, keywords: Sequence[Keyword]) -> None:
        """One that was accepted once and is no rule today, as after an upgrade, is left out, kept and can be removed:
        the others must not fall silent with it. Raises RuleError when it is the files' rules that are bad."""
        self._force = _prepared(self._force.rules, keywords)

    def prepare(self, rules: Rules) -> InForce:
        """Other rules of the files, with the keywords of now. Changes nothing, so that a thread may do it. Raises
        RuleError."""
        return _prepared(rules, self._force.keywords)

    def adopt(self, ready: InForce) -> bool:
        """Put it in force; False when the keywords have changed since, and it is to be prepared anew."""
        if ready.keywords != self._force.keywords:
            return False
        self._force = ready
        return True

    def try_keywords(self, keywords: Sequence[Keyword]) -> Judge:
        """The judge there would be. Raises RuleError."""
        return self._force.rules.compile_with([k for k in keywords if k not in self._force.unusable])


def _prepared(rules: Rules, keywords: Sequence[Keyword]) -> InForce:
    usable = list(keywords)
    while True:
        try:
            judge = rules.compile_with(usable)
            return InForce(rules, tuple(keywords), frozenset(keywords) - frozenset(usable), judge)
        except RuleError as error:
            rest = [k for k in usable if (chat_rule(k), k.topic) != (error.rule, error.topic)]
            if len(rest) == len(usable):
                raise
            log.error("a keyword is no rule any more and is left out", topic=error.topic, why=str(error))
            usable = rest
