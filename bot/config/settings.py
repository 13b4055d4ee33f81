"""The whole configuration as one frozen value, or every mistake in it at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.config import secrets
from bot.config.files import Document, check, read
from bot.config.models import FeedItem, FeedsFile, TocsinFile
from bot.config.rules import load_rules
from bot.config.secrets import Environment
from bot.core.errors import ConfigError, Problem
from bot.core.identity import canonical_url
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
    problems: list[Problem] = []
    documents = {name: read(directory / name, f"{directory}/{name}") for name in ("tocsin.yaml", "feeds.yaml")}
    tocsin = check(documents["tocsin.yaml"], TocsinFile)
    feeds_file = check(documents["feeds.yaml"], FeedsFile)
    environment, wrong = secrets.load(variables, dotenv)
    problems += wrong
    if tocsin:
        _check_push(documents["tocsin.yaml"], tocsin, environment)
    feeds = _feeds(documents["feeds.yaml"], feeds_file.feeds, tocsin) if feeds_file else ()
    rules, rule_problems = load_rules(directory)
    for document in documents.values():
        problems += document.problems
    problems += rule_problems
    if problems or tocsin is None or rules is None:
        raise ConfigError(tuple(problems))
    return Settings(directory=directory, tocsin=tocsin, feeds=feeds, rules=rules, environment=environment)


def _feeds(document: Document, items: Sequence[FeedItem], tocsin: TocsinFile | None) -> tuple[Feed, ...]:
    ids: dict[str, int] = {}
    links: dict[str, int] = {}
    feeds = []
    for number, item in enumerate(items):
        link = canonical_url(item.url)
        for what, key, seen, path in (("id", item.id, ids, "id"), ("address", link, links, "url")):
            if key in seen:
                first = document.places[("feeds", seen[key], path)][0]
                text = f"the {what} {key!r} stands here a second time (first in line {first})"
                document.problems.append(document.problem(("feeds", number, path), text))
            seen.setdefault(key, number)
        feeds.append(_feed(item, tocsin))
    return tuple(feeds)


def _feed(item: FeedItem, tocsin: TocsinFile | None) -> Feed:
    default_first = tocsin.poll.first if tocsin else 0
    return Feed(
        id=item.id,
        url=item.url,
        name=item.name,
        kind=item.kind,
        lang=item.lang,
        tier=item.tier,
        every_s=item.every,
        first=default_first if item.first is None else item.first,
        zone=item.zone,
        options=item.options,
        enabled=item.enabled,
        article=item.article,
    )


def _check_push(document: Document, tocsin: TocsinFile, environment: Environment) -> None:
    for chat_id in tocsin.push:
        channel, _, name = chat_id.partition(":")
        if channel == "apprise" and name not in environment.apprise:
            variable = "TOCSIN_APPRISE_" + name.upper().replace("-", "_")
            text = f"{chat_id!r} needs its address: set {variable} to an Apprise URL"
            document.problems.append(document.problem(("push", chat_id), text))
        elif (
            channel != "apprise" and channel not in tocsin.channels and channel not in ("telegram", "slack", "console")
        ):
            document.problems.append(
                document.problem(("push", chat_id), f"no channel is called {channel!r}; see channels:")
            )
