"""Entries, stories and rows as tests need them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from bot.config.rules import load_rules
from bot.core.chat import Delivery, Keyword, Subscription
from bot.core.identity import delivery_key, entry_keys
from bot.core.message import Message, say
from bot.core.news import Entry, Story, Tier
from bot.judge.specs import RuleBook
from bot.judge.verdict import Judge
from tests.fakes.clock import START

ROOT = Path(__file__).resolve().parents[2]
FINE = "China's cyberspace regulator fines Didi $1.2 billion over data security"
NOISE = "CAC 40 closes higher as luxury shares rally"


def entry(
    title: str = FINE, *, feed: str = "wire", path: str = "", body: str = "", at: datetime | None = START
) -> Entry:
    """An entry with its own link, unless `path` names one."""
    path = path or "/" + "".join(c if c.isalnum() else "-" for c in title)[:60] + "-" + feed
    url = f"https://{feed}.example{path}"
    keys = entry_keys(outlet=feed, url=url, guid="", title=title, day=at, shared_guid=False)
    return Entry(
        feed_id=feed,
        key=keys[0],
        aliases=keys,
        url=url,
        title=title,
        body=body,
        published=at,
        source=feed.title(),
        lang="en",
    )


def story(
    name: str = "abc123", *, title: str = FINE, at: datetime = START, topics: tuple[str, ...] = ("cac",)
) -> Story:
    return Story(
        id=name,
        title=title,
        summary="",
        url="https://wire.example/a",
        source="Wire",
        tier=Tier.PRESS,
        lang="en",
        topics=topics,
        why="because",
        words=("Didi",),
        published=at,
        first_seen=at,
        last_update=at,
    )


def row(chat: str = "fake:1", name: str = "abc123", *, at: datetime = START, revision: int = 1) -> Delivery:
    return Delivery(
        key=delivery_key(chat, name, revision, "post"),
        chat_id=chat,
        message_id=f"m-{name}",
        story_id=name,
        revision=revision,
        created=at,
        next_try=at,
    )


def message(text: str = "hello") -> Message:
    return say(text)


def subscription(chat: str = "fake:1", topic: str = "cac", number: int = 1) -> Subscription:
    return Subscription(id=f"s{number}", chat_id=chat, topic=topic, created=START + timedelta(seconds=number))


@cache
def book() -> RuleBook:
    """The shipped rules."""
    found, problems = load_rules(ROOT / "config")
    assert found, problems
    return found


@cache
def judge(*keywords: Keyword) -> Judge:
    """The shipped rules, with words added in chat; made once."""
    return Judge(book(), keywords)


@cache
def lists() -> RuleBook:
    """The shipped names and lists, without rules: what rules of a test stand on."""
    return replace(book(), topics=tuple(replace(topic, rules=()) for topic in book().topics))
