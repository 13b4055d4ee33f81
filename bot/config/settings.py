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
from bot.core.errors import ConfigError
from bot.core.news import Feed
from bot.judge.specs import RuleBook

DEFAULT_DIR = Path("config")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """directory: where the files are. rules: topics and companies, compiled once to prove them."""

    directory: Path
    tocsin: TocsinFile
    feeds: tuple[Feed, ...]
    rules: RuleBook
    environment: Environment


def load(directory: Path, variables: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Settings:
    """Read tocsin.yaml, feeds.yaml, topics.yaml and companies.yaml, and the environment.

    Raises ConfigError with every problem of every file.
    """
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
    return Settings(directory=directory, tocsin=tocsin, feeds=feeds, rules=rules, environment=environment)


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
