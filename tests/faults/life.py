"""One bot, killed again and again while it works: the whole process, both strict platforms, feeds that go on, people
who type. Every tenth call fails in one way or another."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from ruamel.yaml import YAML

from bot.core.errors import Locked
from bot.stores.tinydb import TinyStore
from tests.fakes.feedserver import FeedServer, Item
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, FakeSlack
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.faults.zygote import QuickBot
from tests.journeys.process import ROOT

ANN, BEA, GROUP, DESK, ROOM = 7, 8, -100, "C1", "C2"
SECRETS = (TOKEN, BOT_TOKEN, APP_TOKEN)
FAULTY = 0.1
PATIENCE_S = 240.0
MOST_NEWS = 60
"""Stories of one life: a group gets but one message in three seconds."""
KINDS = ("429:1", "429:2", "500", "500_after", "drop", "drop_after", "slow:0.4", "slow:1.5")
UNSURE = ("500", "500_after", "drop", "drop_after")
SENDS = ("sendMessage", "editMessageText", "chat.postMessage", "chat.update", "conversations.history")
_IDENT = re.compile(r"zz\d+|#[0-9a-z]{6}\b")
GETS, GETS_NOT = "Done: this chat gets every topic", "Done: this chat no longer gets"
Place = int | str
RULES = """topics:
  listing:
    words: Chinese tech companies and the stock exchange
    threshold: 1.0
    rules:
      - id: a company files
        when: title:("files for" AND @companies)
        weight: 1.0
"""
"""The shipped rules take two seconds to make ready, and a life begins often."""


def companies() -> list[str]:
    """Names that tell stories apart: each makes a headline that joins no other."""
    rows = YAML(typ="safe").load(ROOT / "config" / "companies.yaml")["companies"]
    found = (
        next((a for a in row.get("aliases", ()) if a.isascii() and a.replace(" ", "").isalnum()), "") for row in rows
    )
    return [name for name in found if name]


def ident(text: str) -> str:
    """What a message is about, in whatever form it is sent: its visible id, or the word its asker made up."""
    found = _IDENT.findall(text.replace("\u2060", ""))
    return found[-1] if found else text[:30]


@dataclass
class News:
    title: str
    at: float
    settled: float = 0.0
    """When it was first seen in any chat, so that whom it was for had been decided."""
    grown: bool = False


@dataclass
class Life:
    """seed: decides everything that chance decides here. every_s: between two stories. groups: a group too, which
    takes but twenty messages a minute."""

    home: Path
    seed: int
    kills: int
    every_s: float = 4.0
    groups: bool = False
    faults: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.names = companies()
        self.rng.shuffle(self.names)
        self.news: list[News] = []
        self.items: dict[str, list[Item]] = {"/one.xml": [], "/two.xml": []}
        self.unsure: Counter[tuple[int, str]] = Counter()
        self.latest: dict[int, str] = {}
        self.subscribed: dict[Place, list[tuple[float, bool | None]]] = defaultdict(list)
        self.asked: list[tuple[Place, str]] = []
        self.wild = self.ending = self.waylaid = False
        self.sends = 0

    async def live(self) -> None:
        async with FeedServer() as feeds, FakeTelegram() as telegram, FakeSlack() as slack:
            self.feeds, self.telegram, self.slack = feeds, telegram, slack
            slack.channels[ROOM] = {"name": "room"}
            telegram.chaos = self._chaos
            slack.chaos = self._chaos
            given = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_BASE": telegram.url}
            given |= {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_BASE": slack.url}
            self._put()
            urls = {"one": feeds.url + "/one.xml", "two": feeds.url + "/two.xml"}
            async with QuickBot(self.home, urls, given, settings="delivery: {edit_after: 1s}\n") as self.bot:
                (self.bot.config / "topics.yaml").write_text(RULES)
                rows = (f"  - {{key: c{n}, aliases: [{name}]}}\n" for n, name in enumerate(self.names))
                (self.bot.config / "companies.yaml").write_text("companies:\n" + "".join(rows))
                await self._begin()
                self.wild = True
                people = [asyncio.create_task(work()) for work in (self._publish, self._watch, self._bea, self._room)]
                try:
                    await self._kill_often()
                    await self._rest(people)
                finally:
                    for task in people:
                        task.cancel()
                    await asyncio.gather(*people, return_exceptions=True)
                self.faults += self._checked()

    # the bot
    async def _begin(self) -> None:
        await self.bot.start()
        await self.slack.until(lambda: self.slack.connected)
        for chat_id in self._stable_telegram():
            self.telegram.admins[chat_id].add(7)
            self.telegram.chat(chat_id, "group" if chat_id < 0 else "private")
            self.telegram.say("/subscribe all", chat_id=chat_id)
        await self.slack.mention("<@UBOT> subscribe all", channel=DESK)
        await self.telegram.until(lambda: all(self.telegram.texts(c) for c in self._stable_telegram()))
        await self.slack.until(lambda: self.slack.texts(DESK))
        for path in self.items:
            while self.feeds.hits[path] < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def _kill_often(self) -> None:
        for number in range(self.kills):
            if number:
                await self.bot.start()
            if self.rng.random() < 0.4:
                await asyncio.sleep(self.rng.uniform(0.0, 3.0))
            else:  # in the middle of what it is there for
                await self._next_send(12.0)
                await asyncio.sleep(self.rng.uniform(0.0, 0.04))
            if self.rng.random() < 0.1:
                self.bot.terminate()
                await asyncio.sleep(self.rng.uniform(0.0, 0.3))
            await self.bot.kill()
            self._died()
            self.counted["kills"] += 1

    async def _next_send(self, within_s: float) -> None:
        before, end = self.sends, monotonic() + within_s
        self.waylaid = self.rng.random() < 0.7
        while self.sends == before and monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.003)

    def _died(self) -> None:
        """What was sent last in each chat may have been answered or not, and recorded or not."""
        for chat_id, about in self.latest.items():
            self.unsure[chat_id, about] += 1
        self.latest.clear()
        self.waylaid = False
        # Nor does anybody know whether it learned of a wait that it was told in its last moment.
        self.telegram._wait_until = 0.0
        self.slack._wait_until.clear()
        self._look_for_secrets()

    def _look_for_secrets(self) -> None:
        said = self.bot.output + self.bot.errors
        self.faults += [
            f"a secret was printed by process {self.counted['kills']}" for s in SECRETS if s.encode() in said
        ]
        self.faults += [f"it said: {said[-1500:].decode()}"] if b"Traceback" in said else []

    def _chaos(self, method: str, given: dict[str, Any]) -> str:
        if method not in SENDS:
            return ""
        self.sends += 1
        self.counted["calls"] += 1
        spared = self.ending and method == "conversations.history"  # half a minute for each, and nothing new by now
        kind = self.rng.choice(KINDS) if self.wild and not spared and self.rng.random() < FAULTY else ""
        if self.waylaid:  # it acts, and the answer comes when nobody is left to hear it
            self.waylaid, kind = False, "slow:0.5"
        self.counted["faulty calls"] += bool(kind)
        if method == "sendMessage":
            chat_id, about = int(given["chat_id"]), ident(given["text"])
            self.latest[chat_id] = about
            self.unsure[chat_id, about] += kind in UNSURE
        return kind

    async def _rest(self, people: list[asyncio.Task[None]]) -> None:
        """Let it do what is left to do, until it says that there is nothing more."""
        await self.bot.start()
        people[0].cancel()
        patience = PATIENCE_S + (8 * len(self.news) if self.groups else 0)
        self.ending, end = True, monotonic() + patience
        _, waiting = await asyncio.wait(people[2:], timeout=patience)
        self.faults += [f"somebody is still waiting for an answer; asked {self.asked[-4:]}"] if waiting else []
        while (missing := self._missing()) and monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        self.faults += missing
        self.wild = False
        for _ in range(8):
            await asyncio.sleep(2.0)
            if await self.bot.stop() != 0:
                self.faults.append(f"it did not stop well: {self.bot.errors[-1500:].decode()}")
            self._look_for_secrets()
            left = await self._left()
            if not left:
                break
            await self.bot.start()
            await asyncio.sleep(6.0)
        self.faults += [f"{n} rows are left {state}" for state, n in left.items()]
        held = b"".join(path.read_bytes() for path in self.bot.data.rglob("*") if path.is_file())
        self.faults += ["a secret is stored" for s in SECRETS if s.encode() in held]

    async def _left(self) -> dict[str, int]:
        store = TinyStore(self.bot.data)
        with contextlib.suppress(Locked):
            await store.open()
        counts = await store.counts()
        await store.close()
        return {s: counts[s] for s in ("held", "pending", "sending", "ambiguous", "dead") if counts[s]}

    # the news, and people
    async def _publish(self) -> None:
        for name in self.names[:MOST_NEWS]:
            news = News(f"{name} files for Nasdaq IPO", monotonic())
            self.news.append(news)
            self._put("/one.xml", Item(news.title, f"https://one.example/{len(self.news)}", at=datetime.now(UTC)))
            await asyncio.sleep(self.every_s * self.rng.uniform(0.5, 1.5))
            told = next((n for n in self.news if n.settled and not n.grown), None)
            if told and self.rng.random() < 0.3:
                told.grown = True
                again = Item(told.title, f"https://two.example/{len(self.news)}", at=datetime.now(UTC))
                self._put("/two.xml", again)

    def _put(self, path: str = "", item: Item | None = None) -> None:
        quiet = Item("A quiet day", "https://one.example/quiet")
        if item:
            self.items[path].insert(0, item)
        for name, items in self.items.items():
            self.feeds.put(name, [*items, quiet])

    async def _watch(self) -> None:
        while True:
            for news in self.news:
                if not news.settled and any(self._seen(place, news.title) for place in (ANN, BEA, DESK, ROOM)):
                    news.settled = monotonic()
            await asyncio.sleep(0.03)

    async def _bea(self) -> None:
        """Changes her mind, types nonsense, asks for the latest."""

        async def say(text: str, _: str) -> None:
            self.telegram.say(f"/{text}", chat_id=BEA, user_id=BEA)

        await self._fickle(BEA, say)

    async def _room(self) -> None:
        """The same in Slack, which brings an event again when nobody has acknowledged it."""

        async def say(text: str, event_id: str) -> None:
            with contextlib.suppress(AssertionError, ConnectionError):  # nobody is connected
                envelope = await self.slack.mention(f"<@UBOT> {text}", channel=ROOM, event_id=event_id)
                for _ in range(60):
                    await asyncio.sleep(0.05)
                    if self.slack.acks[envelope]:
                        return
            await asyncio.sleep(0.2)
            await say(text, event_id)

        await self._fickle(ROOM, say)

    async def _fickle(self, place: Place, say: Callable[[str, str], Any]) -> None:
        number = 0
        while True:
            for text, answer in (("subscribe all", GETS), ("subscribe zz", ""), ("unsubscribe all", GETS_NOT)):
                number += 1
                made_up = f"zz{abs(hash(str(place))) % 100}{number:04d}"
                wanted = answer or made_up
                before = len([t for t in self._texts(place) if wanted in t])
                if answer:
                    self.subscribed[place].append((monotonic(), None))
                else:
                    self.asked.append((place, made_up))
                await say(text.replace("zz", made_up), f"Ev{place}{number}")
                if self.rng.random() < 0.3 and place == BEA:
                    await say("latest 3", "")
                while len([t for t in self._texts(place) if wanted in t]) <= before:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                if answer:
                    self.subscribed[place].append((monotonic(), answer == GETS))
                await asyncio.sleep(self.rng.uniform(0.2, 3.0))
                if self.ending:
                    return

    # what people see
    def _stable_telegram(self) -> tuple[int, ...]:
        return (ANN, GROUP) if self.groups else (ANN,)

    def _texts(self, place: Place) -> list[str]:
        if isinstance(place, int):
            return self.telegram.texts(place)
        return [text.replace("*", "").replace("`", "") for text in self.slack.texts(place)]

    def _seen(self, place: Place, title: str) -> list[int]:
        """Where in the chat it stands."""
        return [n for n, text in enumerate(self._texts(place)) if _headline(text).startswith(title)]

    def _due(self, place: Place) -> list[News]:
        if place not in (BEA, ROOM):
            return self.news
        return [n for n in self.news if n.settled and self._state(place, n) is True]

    def _state(self, place: Place, news: News) -> bool | None:
        """Whether this chat was subscribed while it was decided who gets this; None where that is not certain."""
        states: list[bool | None] = [False]
        for at, state in self.subscribed[place]:
            if at <= news.at:
                states = [state]
            elif at <= (news.settled or monotonic()):
                states.append(state)
        return states[0] if len(set(states)) == 1 else None

    def _missing(self) -> list[str]:
        """What is due and not seen yet."""
        found = []
        for place in (*self._stable_telegram(), BEA, DESK, ROOM):
            for news in self._due(place):
                at = self._seen(place, news.title)
                if not at:
                    found.append(f"{place}: lost {news.title!r}")
                elif news.grown and place not in (BEA, ROOM) and not self._is_grown(place, at):
                    found.append(f"{place}: {news.title!r} was never brought up to date")
        for place, made_up in self.asked:
            if not any(made_up in text for text in self._texts(place)):
                found.append(f"{place}: {made_up} was never answered")
        return found

    def _is_grown(self, place: Place, at: list[int]) -> bool:
        return any("2 reports" in self._texts(place)[n] for n in at)

    def _checked(self) -> Iterator[str]:
        for place in (*self._stable_telegram(), BEA, DESK, ROOM):
            first = 0
            for news in self.news:
                at = self._seen(place, news.title)
                self.counted["messages"] += len(at)
                self.counted["copies"] += max(0, len(at) - 1)
                if not at:
                    continue
                if at[0] < first:
                    yield f"{place}: {news.title!r} came before what was published before it"
                first = at[0]
                ids = {ident(self._texts(place)[n]) for n in at}
                if len(ids) != 1 or not ids.pop().startswith("#"):
                    yield f"{place}: {news.title!r} has no id, or several: {[self._texts(place)[n] for n in at]}"
                yield from self._copies(place, ident(self._texts(place)[at[0]]), len(at))
                if place in (BEA, ROOM) and self._state(place, news) is False:
                    yield f"{place}: {news.title!r} was not due"
            for place_, made_up in self.asked:
                if place_ == place:
                    yield from self._copies(place, made_up, sum(made_up in t for t in self._texts(place)))
            said = ("gets all already", "has no subscriptions", "done already", "wrong on my side")
            yield from (f"{place}: {t!r}" for t in self._texts(place) if any(words in t for words in said))
        self.counted["stories"] += len(self.news)
        self.counted["commands"] += sum(len(rows) for rows in self.subscribed.values()) // 2 + len(self.asked)
        yield from (f"Telegram {early}" for early in self.telegram.early)
        floods = sum("Too Many Requests" in text for _, text in self.telegram.refused)
        self.counted["flood limits met"] += floods  # a busy machine bunches calls that were well apart
        allowed = ("Too Many Requests", "Internal Server Error", "not modified", "chat not found", "Conflict")
        refused = (text for _, text in self.telegram.refused if not any(words in text for words in allowed))
        yield from (f"Telegram refused: {text}" for text in refused)
        yield from (f"Slack: {fault}" for fault in self.slack.faults)

    def _copies(self, place: Place, about: str, count: int) -> Iterator[str]:
        unsure = self.unsure[place, about] if isinstance(place, int) else 0
        if count > 1 + unsure:
            yield f"{place}: {count} copies of {about}, {unsure} uncertain attempts"


def _headline(text: str) -> str:
    return re.sub(r"^[*_<]*(?:https?://[^|]*\|)?", "", text)
