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


class Newsroom:
    """Feeds and judge that polls and commands share; changed only by `adopt_*`, after the change is durable."""

    def __init__(self, feeds: Sequence[Feed], topics: Mapping[str, Topic], compile_with: Compile) -> None:
        """topics: by name. Compiles at once; raises RuleError."""
        self._from_files = {feed.id: feed for feed in feeds}
        self._feeds = dict(self._from_files)
        self._compile = compile_with
        self.topics = {name: topic.title for name, topic in topics.items()}
        self._rules = {name: topic.rules for name, topic in topics.items()}
        self.judge = compile_with(())
        self.keywords: tuple[Keyword, ...] = ()
        self._unusable: frozenset[Keyword] = frozenset()
        self.stories_version = 0
        """Grows when people change stories by hand: whoever holds stories in memory reads them anew."""

    @property
    def feeds(self) -> Mapping[str, Feed]:
        """Every feed that is known, by id; those that are not enabled are not polled."""
        return self._feeds

    def is_from_file(self, feed_id: str) -> bool:
        """Whether the files define it, so that chat can only switch it off."""
        return feed_id in self._from_files

    def rule_count(self, topic: str) -> int:
        return self._rules[topic]

    def adopt_feeds(self, changed: Sequence[Feed]) -> None:
        """Feeds defined in chat join, and win over, those of the files."""
        self._feeds = {**self._from_files, **{feed.id: feed for feed in changed}}

    def adopt_keywords(self, keywords: Sequence[Keyword]) -> None:
        """One that was accepted once and is no rule today, as after an upgrade, is left out, kept and can be removed:
        the others must not fall silent with it. Raises RuleError when it is the files' rules that are bad."""
        usable = list(keywords)
        while True:
            try:
                self.judge = self._compile(usable)
                break
            except RuleError as error:
                rest = [k for k in usable if (chat_rule(k), k.topic) != (error.rule, error.topic)]
                if len(rest) == len(usable):
                    raise
                log.error("a keyword is no rule any more and is left out", topic=error.topic, why=str(error))
                usable = rest
        self.keywords = tuple(keywords)
        self._unusable = frozenset(keywords) - frozenset(usable)

    def try_keywords(self, keywords: Sequence[Keyword]) -> Judge:
        """The judge there would be. Raises RuleError."""
        return self._compile([k for k in keywords if k not in self._unusable])
