"""A backup of yesterday is put back: nobody is flooded with what was told after it was made."""

import asyncio
import random
import shutil
from datetime import timedelta

from bot.core.changes import Changes
from bot.core.chat import Chat
from bot.core.news import Feed
from bot.jobs.deliver import DeliverJob
from bot.jobs.gather import Gatherer
from bot.jobs.poll import PollJob
from bot.jobs.release import ReleaseJob
from bot.judge.decide import Editor
from bot.judge.newsroom import Newsroom, Topic
from bot.judge.timing import Bounds
from bot.stores.tinydb import TinyStore
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import START, VirtualClock
from tests.unit.examples import entry, judge, subscription
from tests.unit.test_poll import Papers

FIRMS = ("Kuaishou", "Bilibili", "Xiaohongshu", "Weibo", "Douyin", "Baidu", "Zhihu", "Ctrip")


class Life:
    """One process over a directory; the papers and the chat go on without it."""

    def __init__(self, directory, clock, papers, channel):
        self.store = TinyStore(directory)
        newsroom = Newsroom(
            [Feed(id="wire", url="https://wire.example", every_s=300.0)], {"cac": Topic("w", 1)}, lambda _: judge()
        )

        def editor(live):
            return Editor(live, bounds=Bounds(), max_age_s=3 * 86400, rng=random.Random(1))

        gatherer = Gatherer(self.store, clock)
        self.poll = PollJob(self.store, papers, newsroom, clock, new_editor=editor, concurrency=4)
        self.deliver = DeliverJob(self.store, {"fake": channel}, clock, random.Random(1), gatherer=gatherer)
        self.release = ReleaseJob(self.store, gatherer, clock)
        self.clock = clock

    async def run(self, seconds):
        await self.store.open()
        await self.deliver.recover()
        for _ in range(0, seconds, 30):
            await self.poll.run()
            while self.poll._reading:
                await asyncio.wait(self.poll._reading.values())
            await self.release.run()
            await self.deliver.run()
            await self.deliver.drain()
            self.clock.advance(30)
        await self.poll.drain()
        await self.store.close()


async def test_an_old_backup_floods_nothing(tmp_path):
    clock = VirtualClock()
    papers, channel = Papers(clock), FakeChannel(clock)
    papers.pages["wire"] = ()
    first = Life(tmp_path / "d", clock, papers, channel)
    await first.store.open()
    chat = Chat(id="fake:1")
    await first.store.commit(Changes(at=START, chats=(chat,), subscriptions=(subscription("fake:1"),)))
    await first.store.close()
    await first.run(900)
    shutil.copytree(tmp_path / "d", tmp_path / "backup")

    for number, firm in enumerate(FIRMS):
        news = entry(f"China's cyberspace regulator summons {firm} over its posts", at=clock.now())
        papers.pages["wire"] = (*papers.pages["wire"], news)
        await Life(tmp_path / "d", clock, papers, channel).run(900 + 300 * number)
    assert len(channel.shown) == len(FIRMS)

    clock.advance(3 * 3600)
    shutil.rmtree(tmp_path / "d")
    shutil.copytree(tmp_path / "backup", tmp_path / "d")
    fresh = entry("China's cyberspace regulator summons Huawei over its posts", at=clock.now())
    papers.pages["wire"] = (*papers.pages["wire"], fresh)
    before = len(channel.shown)
    await Life(tmp_path / "d", clock, papers, channel).run(1200)
    told = [p.message.plain() for p in channel.shown[before:]]
    assert len(told) == 2, "what is new, and one list of what was missed as far as the data know"
    (listed,) = [t for t in told if t.startswith("While I was away")]
    assert all(firm in listed for firm in FIRMS)
    assert timedelta(0) <= clock.now() - START < timedelta(days=1)
