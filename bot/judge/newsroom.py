"""What is in force now: the feeds and the rules, from the files and from what people changed in chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.core.chat import Keyword
from bot.core.news import Feed
from bot.judge.verdict import Judge

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
        """Raises RuleError and leaves the rules in force as they were."""
        self.judge = self._compile(keywords)
        self.keywords = tuple(keywords)

    def try_keywords(self, keywords: Sequence[Keyword]) -> Judge:
        """The judge there would be. Raises RuleError."""
        return self._compile(keywords)
