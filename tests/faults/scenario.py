"""Two and a half minutes of a bot's life, on a clock of their own: feeds, four chats, commands, a quiet hour, faults.

What is due is worked out from the script below and from nothing the bot says.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from bot.channels.slack import SlackChannel
from bot.channels.telegram import TelegramChannel
from bot.commands.answering import Answering
from bot.commands.help import Help
from bot.commands.hours import Hours
from bot.commands.subscribe import Subscribing
from bot.core.changes import Changes
from bot.core.chat import Call, Chat, ChatEvent
from bot.core.news import Entry, Feed, FeedState, Reading, Story, Validators
from bot.jobs.deliver import DeliverJob
from bot.jobs.gather import Gatherer
from bot.jobs.grow import GrowJob
from bot.jobs.poll import PollJob
from bot.jobs.release import ReleaseJob
from bot.judge.decide import Editor
from bot.judge.newsroom import Newsroom, Topic
from bot.judge.timing import Bounds
from bot.stores.tinydb import TinyStore
from tests.fakes.clock import START, VirtualClock
from tests.faults.world import Crash, Fuse, FusedDisk, Platform, Undo, channel_of
from tests.unit.examples import entry, judge, subscription

ANN, DESK, GONE, ROOM = "telegram:7", "telegram:-5", "telegram:9", "slack:T1/C1"
POLL_S = 5.0
LINE_DOWN = 6
"""Seconds until a process that follows a crash is told again what nobody confirmed; its answers go out before."""
BACK_AT = 80
QUIET = (60, 120)


@dataclass(frozen=True)
class News:
    """at: seconds from the start. story: its letter in the script. topics: as people know them. update: more than a
    repetition, so it is told."""

    at: int
    feed: str
    story: str
    topics: tuple[str, ...]
    title: str
    update: bool = False


SCRIPT = (
    News(0, "wire", "", (), "CAC 40 closes higher as luxury shares rally"),
    News(0, "daily", "", (), "Ten tips for a tidy desk"),
    News(3, "wire", "A", ("cac",), "Cyberspace Administration of China opens cybersecurity review of Didi"),
    News(9, "wire", "B", ("listing",), "SenseTime prices Hong Kong IPO to raise $740 million"),
    News(12, "daily", "A", ("cac",), "China's cyberspace regulator starts cybersecurity review of Didi, wire says"),
    News(15, "daily", "B", ("listing",), "SenseTime prices Hong Kong IPO, raising $740 million"),
    News(19, "wire", "C", ("cac",), "China's cyberspace regulator fines Weibo 3 million yuan over illegal content"),
    News(36, "daily", "A", ("cac",), "China's cyberspace regulator fines Didi $1.2 billion after review", update=True),
    News(47, "wire", "D", ("listing",), "GigaCloud prices Nasdaq IPO at $12.25 a share"),
    News(62, "wire", "E", ("cac",), "China's cyberspace regulator orders app stores to remove Keep"),
    News(67, "wire", "F", ("cac",), "China's internet watchdog suspends new users of Boss Zhipin during review"),
    News(125, "wire", "G", ("listing",), "Full Truck Alliance files for US IPO"),
)
COMMANDS = (
    (2, DESK, "subscribe listing"),
    (2, ROOM, "subscribe listing"),
    (14, DESK, "unsubscribe s1"),
    (14, ROOM, "unsubscribe s1"),
    (24, DESK, "subscribe all"),
    (24, ROOM, "subscribe all"),
    (26, ROOM, "quiet 06:01-06:02"),
)
SUBSCRIBED = {  # chat: (from, to, topic), as the commands and the start make it
    ANN: ((0, 999, "all"),),
    GONE: ((0, 999, "listing"),),
    DESK: ((2, 14, "listing"), (24, 999, "all")),
    ROOM: ((2, 14, "listing"), (24, 999, "all")),
}
FAULTS = {  # (chat, words of what is sent there): what becomes of the first such calls
    (ANN, "opens cybersecurity review of Didi"): ["lost", "failed"],
    (ANN, "fines Weibo"): ["down"],
    (ANN, "orders app stores"): ["wait 15", "lost"],
    (DESK, "fines Didi"): ["wait 4", "failed"],
    (DESK, "no longer gets"): ["lost"],
    (GONE, "GigaCloud"): ["lost"],
    (ROOM, "SenseTime"): ["wait 35", "lost"],
    (ROOM, "fines Didi"): ["failed"],
    (ROOM, "GigaCloud"): ["wait 3", "lost"],
    (ROOM, "While it was quiet"): ["lost"],
    (ROOM, "look"): ["blind"],
}


@dataclass
class World:
    """Everything but the process. crashes: how many processes have died."""

    directory: Path
    power: bool = False
    line_down: int = LINE_DOWN
    clock: VirtualClock = field(default_factory=VirtualClock)
    crashes: int = 0
    calls: list[tuple[datetime, Call]] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    answers: list[tuple[str, str]] = field(default_factory=list)
    unrecorded: list[Undo] = field(default_factory=list)

    def __post_init__(self) -> None:
        blocked = {GONE: START + timedelta(seconds=BACK_AT)}
        faults = {about: list(kinds) for about, kinds in FAULTS.items()}
        self.telegram = Platform("telegram", self.clock, TelegramChannel.limits, faults=faults, blocked=blocked)
        self.slack = Platform("slack", self.clock, SlackChannel.limits, looks=True, faults=faults)
        self.platforms = [self.telegram, self.slack]
        for platform in self.platforms:
            platform.unrecorded = self.unrecorded
        for number, (at, chat, text) in enumerate(COMMANDS):
            channel, kind = chat.partition(":")[0], "group"
            call = Call(id=f"{channel}:{number}", text=text, chat=Chat(id=chat, kind=kind), actor=f"{channel}:1")
            self.calls.append((START + timedelta(seconds=at), call))

    @property
    def now_s(self) -> float:
        return (self.clock.now() - START).total_seconds()

    def use(self, fuse: Fuse) -> FusedDisk:
        for platform in self.platforms:
            platform.fuse = fuse
        return FusedDisk(fuse, self.unrecorded, power=self.power)


class Papers:
    """The feeds of the script; unchanged where the reader's validators say so."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    async def read(self, feed: Feed, state: FeedState) -> Reading:
        now = self._clock.now()
        listed = [n for n in SCRIPT if n.feed == feed.id and START + timedelta(seconds=n.at) <= now]
        etag = str(len(listed))
        if state.validators.etag == etag:
            return Reading(feed_id=feed.id, at=now, unchanged=True, validators=state.validators)
        entries = tuple(_entry(n) for n in reversed(listed))
        return Reading(feed_id=feed.id, at=now, entries=entries, validators=Validators(etag=etag))


def _entry(news: News) -> Entry:
    return entry(news.title, feed=news.feed, at=START + timedelta(seconds=news.at))


class Process:
    """New objects on the world's directory. tick() is a second of its life."""

    def __init__(self, world: World, fuse: Fuse) -> None:
        self.world = world
        self.fuse = fuse
        self.clock = clock = world.clock
        self.disk = world.use(fuse)
        self.store = store = TinyStore(world.directory, disk=self.disk, rotate_bytes=25_000)
        # The snapshot is written in its thread, but waited for, so that steps come in the same order each time.
        self.store.journal.rotate = partial(self.store.journal.rotate, wait=True)  # type: ignore[method-assign]
        channels = {p.name: channel_of(p) for p in world.platforms}
        feeds = [Feed(id=name, url=f"https://{name}.example", every_s=POLL_S) for name in ("wire", "daily")]
        topics = {"cac": Topic("Cyberspace Administration of China", 1), "listing": Topic("Listings", 1)}
        newsroom = Newsroom(feeds, topics, lambda _: judge())
        rng = random.Random(5)
        gatherer = Gatherer(store, clock)

        def editor(live: list[Story]) -> Editor:
            return Editor(live, bounds=Bounds(), max_age_s=86400, rng=rng)

        self.poll = PollJob(store, Papers(clock), newsroom, clock, new_editor=editor, concurrency=4)  # type: ignore[arg-type]
        self.deliver = DeliverJob(store, channels, clock, rng, None, gatherer)
        self.release = ReleaseJob(store, gatherer, clock)
        self.grow = GrowJob(store, channels, clock)
        help_ = Help()
        groups = (Subscribing(store, newsroom), Hours(store), help_)
        self.front = Answering(groups, store, newsroom, channels, clock, frozenset())
        help_.registry = self.front.registry
        self.ticks = 0

    async def open(self) -> None:
        await self.store.open()
        if not await self.store.subscriptions():
            seeded = [subscription(chat, rows[0][2]) for chat, rows in SUBSCRIBED.items() if rows[0][0] == 0]
            chats = tuple(Chat(id=s.chat_id) for s in seeded)
            await self.store.commit(Changes(at=START, chats=chats, subscriptions=tuple(seeded)))
        await self.deliver.recover()
        for call in await self.front.accepted("slack"):
            await self._answered(call)

    async def tick(self) -> None:
        await self.poll.run()
        while self.poll._reading:
            await asyncio.wait(self.poll._reading.values())
        self._living()
        await self._take_updates()
        await self._take_envelopes()
        await self.deliver.run()
        await self.deliver.drain()
        self._living()
        await self.release.run()
        if self.ticks % 5 == 0:
            await self.grow.run()
        self.ticks += 1
        whole = START + timedelta(seconds=int(self.world.now_s) + 1)
        self.clock.advance((whole - self.clock.now()).total_seconds())

    def _living(self) -> None:
        if self.fuse.blown:
            raise Crash(self.fuse.where)

    async def _take_updates(self) -> None:
        """As TelegramChannel does: what has been confirmed is not offered again."""
        if self.world.crashes and self.ticks < self.world.line_down:
            return
        passed = int(await self.store.cursor("telegram.offset") or 0)
        updates = [(at, c) for at, c in self.world.calls if c.chat.channel == "telegram"]
        back = START + timedelta(seconds=BACK_AT)
        joined = ChatEvent(id="telegram:back", what="joined", chat=Chat(id=GONE))
        for number, (at, update) in enumerate([*updates, (back, joined)], 1):
            if number <= passed or at > self.clock.now():
                continue
            if isinstance(update, Call):
                await self.front.post(update)
            else:
                await self.front.changed(update)
            await self.store.commit(Changes(at=self.clock.now(), cursors=(("telegram.offset", str(number)),)))

    async def _take_envelopes(self) -> None:
        """As SlackChannel does: kept, acknowledged, answered. What was not acknowledged is sent again."""
        for at, call in self.world.calls:
            if call.chat.channel != "slack" or call.id in self.world.acknowledged or at > self.clock.now():
                continue
            new = await self.front.accept(call)
            self.fuse.step("before ack")
            self.world.acknowledged.add(call.id)
            self.fuse.step("after ack")
            if new:
                await self._answered(call)

    async def _answered(self, call: Call) -> None:
        reply = await self.front.answer(call)
        self.fuse.step("before answer")
        if reply:
            self.world.answers.append((call.id, reply.plain()))
        self.fuse.step("after answer")

    async def end(self) -> None:
        """The process is gone; the kernel closes its files."""
        current = asyncio.current_task()
        left = [t for t in asyncio.all_tasks() if t is not current]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self.store.close()
        for undo in self.world.unrecorded:
            undo()
        self.world.unrecorded.clear()
        self.disk.stop()


async def lived(world: World, *fuses: Fuse, most_s: int = 900) -> Process:
    """Processes, one after the other, each until its fuse blows, the last until nothing is left to do."""
    end_s = max(n.at for n in SCRIPT) + 2 * POLL_S
    for fuse in (*fuses, Fuse()):
        process = Process(world, fuse)
        try:
            await process.open()
            while world.now_s < most_s:
                await process.tick()
                if world.now_s > end_s and await _idle(process.store):
                    return process
            raise AssertionError(f"not at rest after {most_s} s: {dict(await process.store.counts())}")
        except Crash:
            world.crashes += 1
            await process.end()
            world.clock.advance(1.0)
    raise AssertionError("the last process may not crash")


async def _idle(store: TinyStore) -> bool:
    counts = await store.counts()
    waiting = sum(counts[name] for name in ("held", "pending", "sending", "ambiguous"))
    return waiting == 0 and not await store.grown()


def due(chat_id: str) -> list[News]:
    """What this chat has to be told, in order of publication."""
    told: set[str] = set()
    found = []
    for news in SCRIPT:
        fresh = news.story and (news.story not in told or news.update)
        told.add(news.story)
        windows = SUBSCRIBED[chat_id]
        if fresh and any(a <= news.at < b and (topic == "all" or topic in news.topics) for a, b, topic in windows):
            found.append(news)
    return found


def reports(story: str) -> int:
    return sum(n.story == story for n in SCRIPT)
