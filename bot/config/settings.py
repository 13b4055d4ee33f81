"""The whole configuration as one frozen value, or every mistake in it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.config import secrets
from bot.config.crosschecks import check_channels, check_feeds, check_push, check_targets
from bot.config.files import check, read
from bot.config.models import FeedItem, FeedsFile, TocsinFile
from bot.config.rules import load_rules
from bot.config.secrets import Environment
from bot.core.chat import EVERY_TOPIC, REVIEW
from bot.core.errors import ConfigError, Problem
from bot.core.news import Feed
from bot.judge.specs import RuleBook

DEFAULT_DIR = Path("config")
RULE_FILES = ("topics.yaml", "companies.yaml")
"""What may change while the bot runs; the others are read at a start only."""
FILES = (*RULE_FILES, "feeds.yaml", "tocsin.yaml")
Stamps = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """directory: where the files are. rules: topics and companies, compiled once to prove them. stamps: how the files
    looked before they were read."""

    directory: Path
    tocsin: TocsinFile
    feeds: tuple[Feed, ...]
    rules: RuleBook
    environment: Environment
    stamps: Stamps


def stamps_of(directory: Path) -> Stamps:
    """By file name: when it was written last, in ns, and its size; of a file that cannot be looked at, zeros."""
    found = {}
    for name in FILES:
        try:
            seen = (directory / name).stat()
            found[name] = (seen.st_mtime_ns, seen.st_size)
        except OSError:
            found[name] = (0, 0)
    return found


def reread_rules(settings: Settings) -> RuleBook:
    """topics.yaml and companies.yaml as they are now, proved by their examples.

    Raises ConfigError with every problem, also when a topic is gone that tocsin.yaml pushes.
    """
    rules, problems = load_rules(settings.directory)
    if rules is not None:
        names = (*(topic.name for topic in rules.topics), EVERY_TOPIC, REVIEW)
        pushed = [(chat, topic) for chat, topics in settings.tocsin.push.items() for topic in topics]
        where, hint = f"{settings.directory}/topics.yaml", "keep it, or take it out there and restart the bot"
        problems = [
            Problem(where, 0, 0, f"the topic {topic!r} is gone, and tocsin.yaml pushes it to {chat}; {hint}")
            for chat, topic in pushed
            if topic not in names
        ]
    if rules is None or problems:
        raise ConfigError(tuple(dict.fromkeys(problems)))
    return rules


def load(directory: Path, variables: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Settings:
    """Read tocsin.yaml, feeds.yaml, topics.yaml and companies.yaml, and the environment.

    Raises ConfigError with every problem of every file.
    """
    stamps = stamps_of(directory)
    tocsin_doc = read(directory / "tocsin.yaml", f"{directory}/tocsin.yaml")
    feeds_doc = read(directory / "feeds.yaml", f"{directory}/feeds.yaml")
    tocsin, feeds_file = check(tocsin_doc, TocsinFile), check(feeds_doc, FeedsFile)
    environment, problems = secrets.load(variables, dotenv)
    rules, rule_problems = load_rules(directory)
    check_feeds(feeds_doc)
    check_channels(tocsin_doc)
    check_push(tocsin_doc, [t.name for t in rules.topics] if rules else (), environment)
    problems += check_targets(environment)
    for document in (tocsin_doc, feeds_doc):
        problems += sorted(document.problems, key=lambda p: (p.line, p.column))
    problems += rule_problems
    if problems or tocsin is None or feeds_file is None or rules is None:
        raise ConfigError(tuple(dict.fromkeys(problems)))
    feeds = tuple(feed_of(item, tocsin) for item in feeds_file.feeds)
    return Settings(
        directory=directory, tocsin=tocsin, feeds=feeds, rules=rules, environment=environment, stamps=stamps
    )


def feed_of(item: FeedItem, tocsin: TocsinFile, *, origin: str = "file") -> Feed:
    """origin: as core.news.Feed has it."""
    return Feed(
        id=item.id,
        url=item.url,
        name=item.name,
        kind=item.kind,
        lang=item.lang,
        tier=item.tier,
        every_s=item.every,
        first=tocsin.poll.first if item.first is None else item.first,
        zone=item.zone,
        options=item.options,
        enabled=item.enabled,
        article=item.article,
        origin=origin,
    )
