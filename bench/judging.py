"""What judging costs by the number of words, and what one more subscriber costs."""

from __future__ import annotations

import random
import statistics
import tempfile
from pathlib import Path
from time import process_time

from bench.measure import Result
from bench.server import ROOT
from bot.config.rules import load_rules
from bot.core.changes import Changes
from bot.core.chat import Chat, Keyword, Subscription
from bot.core.news import Entry, Feed, FeedState, Reading
from bot.judge.decide import Editor, Memory, keys_of
from bot.judge.specs import RuleBook, TopicSpec
from bot.judge.timing import Bounds
from bot.judge.verdict import Judge
from bot.stores.tinydb import TinyStore
from tests.fakes.clock import START

TEXT = (
    "Growers in the valley said on Thursday that the season had begun early and prices rose by four percent. "
    "Exports are expected to follow in autumn. 有关负责人表示，今年的收成好于往年，市场供应充足。"
)


def _articles(count: int) -> list[Entry]:
    return [
        Entry(
            feed_id="f",
            key=f"k{n}",
            aliases=(f"k{n}",),
            url=f"https://e.com/{n}",
            title=f"Report {n} on the harvest of lemons 第{n}号丰收报告",
            body=TEXT * 3,
            published=START,
            lang="en",
        )
        for n in range(count)
    ]


def _judge_of(words: int, rng: random.Random) -> Judge:
    latin = "".join
    made = [latin(rng.choices("bcdfghjklmnpqrstvwz", k=7)) for _ in range(words // 2)]
    made += [latin(chr(rng.randint(0x4E00, 0x9FA0)) for _ in range(4)) for _ in range(words - len(made))]
    keywords = [Keyword(topic="cac", text=f'"{word}"', weight=1.0) for word in dict.fromkeys(made)]
    book = RuleBook(topics=(TopicSpec(name="cac", words="w", rules=()),), lists={}, names=(), not_inside={})
    return Judge(book, keywords)


async def keywords() -> Result:
    """An article against fifty words and against ten thousand."""
    rng = random.Random(1)
    judges = {words: _judge_of(words, rng) for words in (50, 10_000)}
    articles = _articles(1000)
    costs: dict[int, list[float]] = {50: [], 10_000: []}
    for _ in range(7):
        for words, judge in judges.items():
            started = process_time()
            for article in articles:
                judge.judge(article)
            costs[words].append((process_time() - started) / len(articles) * 1e6)
    few, many = statistics.median(costs[50]), statistics.median(costs[10_000])
    return Result(
        "judging with 10,000 words, against 50", many / few, 4, "x", f"{many:.0f} us, {few:.0f} us an article"
    )


async def subscribers() -> Result:
    """Decision, commit and outbox rows of one alert, for 1 and for 1,001 chats."""
    book, problems = load_rules(ROOT / "config")
    assert book, problems
    judge = Judge(book)
    costs = {1: await _alert_s(1, judge), 1001: await _alert_s(1001, judge)}
    more = (costs[1001] - costs[1]) / 1000 * 1e6
    return Result(
        "one more subscriber of an alert, before the chat's API", more, 100, "us", "decided, committed, queued"
    )


async def _alert_s(chats: int, judge: Judge) -> float:
    spent = []
    with tempfile.TemporaryDirectory(dir=ROOT) as room:
        store = TinyStore(Path(room) / "d")
        await store.open()
        await store.commit(
            Changes(
                at=START,
                chats=tuple(Chat(id=f"fake:{n}", title="t") for n in range(chats)),
                subscriptions=tuple(
                    Subscription(id="s1", chat_id=f"fake:{n}", topic="all", created=START) for n in range(chats)
                ),
            )
        )
        editor = Editor([], bounds=Bounds(60, 3600), max_age_s=86400 * 3, rng=random.Random(1))
        feed = Feed(id="f", url="https://e.com/feed", name="Outlet")
        state = FeedState(feed_id="f", next_check=START, baselined=True)
        for number in range(15):
            company = ["Didi", "Weibo", "Zhihu", "Baidu", "Douyin"][number % 5]
            entry = Entry(
                feed_id="f",
                key=f"k{number}",
                aliases=(f"k{number}",),
                url=f"https://e.com/{number}",
                title=f"China's cyberspace regulator fines {company} {number + 2}.5 million yuan in case {number * 11}",
                body=TEXT,
                published=START,
                lang="en",
            )
            reading = Reading(feed_id="f", at=START, entries=(entry,))
            started = process_time()
            memory = Memory(unseen=await store.unseen(keys_of(reading)), subscriptions=await store.subscriptions())
            changes = editor.decide(feed, state, reading, memory, judge)
            await store.commit(changes)
            if changes.deliveries:
                spent.append(process_time() - started)
        counts = await store.counts()
        assert counts["pending"] == len(spent) * chats > 0, counts
        await store.close()
    return statistics.median(spent)
