"""Polling: what is due is read, what it means is committed, and one feed's or the disk's trouble costs nothing."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from bot.core.changes import Changes
from bot.core.chat import Chat
from bot.core.errors import FetchError, Full
from bot.core.habits import Habits, Quiet
from bot.core.news import ALL_ENTRIES, Feed, FeedState, Reading
from bot.jobs.poll import LIVE_DAYS, STORE_PAUSE_S, PollJob
from bot.jobs.telling import MOST, Telling
from bot.judge.decide import Editor
from bot.judge.newsroom import Newsroom, Topic
from bot.judge.timing import Bounds
from bot.stores.memory import MemoryStore
from tests.fakes.clock import START, VirtualClock
from tests.unit.examples import FINE, NOISE, entry, judge, subscription


class Papers:
    """A source that holds what a test puts in: entries, an error to raise, or None for "unchanged"."""

    def __init__(self, clock):
        self.clock = clock
        self.pages = {}
        self.reads = []
        self.gate = None

    async def read(self, feed, state):
        self.reads.append(feed.id)
        if self.gate:
            await self.gate.wait()
        page = self.pages.get(feed.id)
        if isinstance(page, Exception):
            raise page
        return Reading(feed_id=feed.id, at=self.clock.now(), entries=page or (), unchanged=page is None)


class Recording(MemoryStore):
    """Counts commits, and refuses those it is told to."""

    def __init__(self):
        super().__init__()
        self.commits = []
        self.refuse = []

    async def commit(self, changes: Changes):
        if self.refuse:
            raise self.refuse.pop(0)
        self.commits.append(changes)
        await super().commit(changes)


class Library:
    """Articles by address; remembers which were asked for."""

    def __init__(self, **texts):
        self.texts = texts
        self.asked = []

    async def text(self, url):
        self.asked.append(url)
        return self.texts.get(url.rsplit("/", 1)[1], "")


class Rig:
    def __init__(self, *names, concurrency=8, library=None):
        self.clock = VirtualClock()
        self.store = Recording()
        self.papers = Papers(self.clock)
        feeds = [Feed(id=n, url=f"https://{n}.example", first=ALL_ENTRIES, article=library is not None) for n in names]
        topics = {"cac": Topic("Cyberspace Administration of China", 1)}
        self.newsroom = Newsroom(feeds, topics, lambda _: judge())
        self.job = PollJob(
            self.store,
            self.papers,
            self.newsroom,
            self.clock,
            new_editor=self.editor,
            concurrency=concurrency,
            telling=Telling(library, None) if library else None,
        )

    def editor(self, live):
        return Editor(live, bounds=Bounds(), max_age_s=3 * 86400, rng=random.Random(3))

    async def beat(self, times=1):
        for _ in range(times):
            await self.job.run()
            while self.job._reading:
                await asyncio.wait(self.job._reading.values())
            self.clock.advance(0.5)

    async def state(self, name) -> FeedState:
        return next(s for s in await self.store.states() if s.feed_id == name)

    async def subscribe(self):
        chat = Chat(id="fake:1", kind="private", title="")
        await self.store.commit(Changes(at=START, chats=(chat,), subscriptions=(subscription("fake:1"),)))


async def test_news_is_committed_whole_at_once():
    rig = Rig("wire")
    await rig.subscribe()
    rig.papers.pages["wire"] = (entry(FINE),)
    await rig.beat()
    change = rig.store.commits[-1]
    assert all([change.seen, change.entries, change.stories, change.messages, change.deliveries])
    assert [s.feed_id for s in change.states] == ["wire"]


async def test_quiet_looks_share_one_commit_and_none_is_lost():
    rig = Rig(*"abcdef")
    await rig.beat()
    before = len(rig.store.commits)
    await rig.beat()
    assert [len(c.states) for c in rig.store.commits[before:]] == [6]
    assert all([(await rig.state(name)).next_check > rig.clock.now() for name in "abcdef"])
    assert sorted(rig.papers.reads) == list("abcdef")


async def test_a_stop_commits_quiet_looks():
    rig = Rig("quick")
    await rig.beat()
    assert (await rig.state("quick")).next_check <= rig.clock.now()
    await rig.job.drain()
    assert (await rig.state("quick")).next_check > rig.clock.now()


async def test_stories_nothing_can_join_any_more_are_let_go():
    rig = Rig("wire")
    rig.papers.pages["wire"] = (entry(FINE),)
    await rig.beat()
    assert len(rig.job._editor._live) == 1
    rig.clock.advance((LIVE_DAYS + 2) * 86400)
    rig.papers.pages["wire"] = None
    await rig.beat()
    assert len(rig.job._editor._live) == 0


async def test_a_read_that_hangs_does_not_hold_a_stop():
    rig = Rig("slow")
    rig.papers.gate = asyncio.Event()
    await rig.job.run()
    await asyncio.sleep(0)
    await asyncio.wait_for(rig.job.drain(), 1)
    assert (await rig.state("slow")).next_check <= rig.clock.now()


async def test_a_feed_is_never_read_twice_at_once():
    rig = Rig("slow")
    rig.papers.gate = asyncio.Event()
    for _ in range(3):
        await rig.job.run()
        await asyncio.sleep(0)
    assert rig.papers.reads == ["slow"]
    rig.papers.gate.set()
    await rig.job.drain()


async def test_no_more_reads_than_allowed_at_once():
    rig = Rig(*"abcdefgh", concurrency=3)
    rig.papers.gate = asyncio.Event()
    await rig.job.run()
    await rig.job.run()
    await asyncio.sleep(0)
    assert len(rig.papers.reads) == 3
    rig.papers.gate.set()
    rig.papers.gate = None
    await rig.beat(4)
    assert sorted(set(rig.papers.reads)) == list("abcdefgh")


async def test_a_crowd_of_feeds_is_read_in_one_beat_without_a_pause():
    rig = Rig(*(f"f{n}" for n in range(40)), concurrency=4)
    await rig.job.run()
    while rig.job._reading:
        assert len(rig.job._reading) <= 4
        await asyncio.wait(rig.job._reading.values(), return_when=asyncio.FIRST_COMPLETED)
    assert len(rig.papers.reads) == len(set(rig.papers.reads)) == 40


async def test_a_stop_begins_no_further_read():
    rig = Rig(*"abcd", concurrency=1)
    rig.papers.gate = asyncio.Event()
    await rig.job.run()
    await asyncio.sleep(0)
    await rig.job.drain()
    assert rig.papers.reads == ["a"]


@pytest.mark.parametrize("error", [FetchError("HTTP 500"), RuntimeError("a bug")], ids=["fetch", "bug"])
async def test_one_feed_s_trouble_is_its_own(error):
    rig = Rig("bad", "good")
    await rig.subscribe()
    rig.papers.pages = {"bad": error, "good": (entry(FINE, feed="good"),)}
    await rig.beat(2)
    assert (await rig.store.counts())["pending"] == 1
    bad = await rig.state("bad")
    assert bad.failures == 1
    assert bad.error
    assert bad.next_check > rig.clock.now()


async def test_news_that_could_not_be_stored_is_read_again_and_alerts_once():
    rig = Rig("wire")
    await rig.subscribe()
    rig.papers.pages["wire"] = (entry(FINE),)
    await rig.job.enlist()
    rig.store.refuse = [Full("No space left on device")]
    await rig.beat(3)
    assert rig.papers.reads == ["wire"]
    assert not (await rig.store.counts())["stories"]
    rig.clock.advance(STORE_PAUSE_S)
    await rig.beat(2)
    counts = await rig.store.counts()
    assert (counts["stories"], counts["pending"]) == (1, 1)
    assert rig.papers.reads == ["wire", "wire"]


async def test_quiet_looks_that_could_not_be_stored_wait_for_room():
    rig = Rig("a", "b")
    await rig.beat()
    rig.store.refuse = [Full("No space left on device")]
    await rig.beat(3)
    assert rig.papers.reads == ["a", "b"]
    rig.clock.advance(STORE_PAUSE_S)
    await rig.beat()
    assert (await rig.state("a")).next_check > START + timedelta(seconds=STORE_PAUSE_S)
    assert rig.papers.reads[:2] == ["a", "b"]


async def test_a_reading_that_takes_long_lets_others_in_and_is_decided_whole(monkeypatch):
    rig = Rig("wire")
    await rig.subscribe()
    names = ("Didi", "Weibo", "Baidu", "Douban", "Zhihu")
    rig.papers.pages["wire"] = tuple(entry(f"China's cyberspace regulator fines {n} over data leaks") for n in names)
    turns, ticks = [0], count()
    monkeypatch.setattr(rig.clock, "monotonic", lambda: float(next(ticks)))  # each entry takes a second
    monkeypatch.setattr(rig.clock, "sleep", asyncio.sleep)

    async def others():
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    await rig.job.run()
    before = turns[0]
    await asyncio.wait(rig.job._reading.values())
    waiting.cancel()
    assert turns[0] - before >= len(names)
    assert len(rig.store.commits[-1].stories) == len(names)


async def test_stories_changed_by_hand_in_the_middle_of_a_decision_count(monkeypatch):
    rig = Rig("wire")
    rig.papers.pages["wire"] = (entry(FINE), entry(NOISE))
    ticks, changed = count(), []
    monkeypatch.setattr(rig.clock, "monotonic", lambda: float(next(ticks)))

    async def meanwhile(_):
        if not changed:
            changed.append(True)
            rig.newsroom.stories_version += 1

    monkeypatch.setattr(rig.clock, "sleep", meanwhile)
    await rig.job.run()
    await asyncio.wait(rig.job._reading.values())
    assert changed
    assert rig.job._stories_version == rig.newsroom.stories_version
    assert len(rig.store.commits[-1].stories) == 1


async def test_a_stop_leaves_what_takes_long_to_decide_for_the_next_start(monkeypatch):
    rig = Rig("wire")
    rig.papers.pages["wire"] = (entry(FINE), entry(NOISE))
    ticks, stuck = count(), asyncio.Event()
    monkeypatch.setattr(rig.clock, "monotonic", lambda: float(next(ticks)))
    monkeypatch.setattr(rig.clock, "sleep", lambda _: stuck.wait())
    await rig.job.run()
    for _ in range(9):
        await asyncio.sleep(0)
    await asyncio.wait_for(rig.job.drain(), 1)
    assert await rig.store.unseen([rig.papers.pages["wire"][0].key])


async def test_two_feeds_with_one_story_alert_once():
    rig = Rig("wire", "paper")
    await rig.subscribe()
    rig.papers.pages = {"wire": (entry(FINE),), "paper": (entry(FINE + " rules", feed="paper"),)}
    await rig.beat(2)
    counts = await rig.store.counts()
    assert (counts["stories"], counts["pending"], counts["entries"]) == (1, 1, 2)


async def test_a_feed_switched_off_is_not_read():
    rig = Rig("wire")
    rig.newsroom.adopt_feeds([Feed(id="wire", url="https://wire.example", enabled=False)])
    await rig.beat(2)
    assert rig.papers.reads == []


async def read_after_the_first_time(rig, *entries):
    await rig.subscribe()
    rig.papers.pages["wire"] = (entry(NOISE),)
    await rig.beat()
    rig.clock.advance(7200)
    rig.papers.pages["wire"] = entries
    await rig.beat()
    return await rig.store.latest([], 5)


async def test_an_alert_with_no_more_than_a_headline_is_told_from_its_article():
    said = "The Cyberspace Administration of China fined Didi 8.026 billion yuan on Thursday."
    library = Library(thin=f"{FINE}\nBy Jane Doe\n{said} Shares fell. Accept all cookies.")
    rig = Rig("wire", library=library)
    thick = entry("China's cyberspace regulator summons Weibo", path="/thick", body="It said so. " * 20)
    stories = await read_after_the_first_time(rig, entry(FINE, path="/thin"), entry("Rain", path="/rain"), thick)
    assert library.asked == ["https://wire.example/thin"]
    (fine,) = [s for s in stories if s.title == FINE]
    assert said in fine.summary
    assert next(library.texts["thin"][start:end] for start, end in fine.spans) == said


async def test_an_article_that_cannot_be_had_costs_nothing():
    rig = Rig("wire", library=Library())
    (story,) = await read_after_the_first_time(rig, entry(FINE, path="/gone"))
    assert story.summary == ""
    assert (await rig.store.counts())["pending"] == 1


async def test_an_article_behind_a_consent_wall_leaves_the_summary_to_the_feed():
    wall = "We and our partners use cookies to store your consent preferences. Accept all cookies to continue."
    body = "The regulator named three breaches of its rules."
    library = Library(a=wall)
    (story,) = await read_after_the_first_time(Rig("wire", library=library), entry(FINE, path="/a", body=body))
    assert library.asked == ["https://wire.example/a"]
    assert story.summary == body


async def test_a_flood_of_headlines_reads_few_articles():
    library = Library()
    titles = [f"China's cyberspace regulator fines platform number {n}0{n}" for n in range(20)]
    await read_after_the_first_time(Rig("wire", library=library), *(entry(t) for t in titles))
    assert len(library.asked) == MOST


async def test_stories_changed_by_hand_are_read_anew():
    rig = Rig("wire", "paper")
    await rig.subscribe()
    rig.papers.pages["wire"] = (entry(FINE),)
    await rig.beat()
    (told,) = await rig.store.latest([], 1)
    await rig.store.commit(Changes(at=START, stories=(replace(told, features={}),)))
    rig.newsroom.stories_version += 1
    rig.clock.advance(7200)
    rig.papers.pages["paper"] = (entry(FINE, feed="paper"),)
    await rig.beat()
    assert (await rig.store.counts())["stories"] == 2


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=-365), timedelta(days=90)])
async def test_a_clock_that_jumps_neither_stops_nor_hurries_polling(jump):
    rig = Rig("wire")
    rig.papers.pages["wire"] = None
    await rig.beat(4)
    rig.clock.wall += jump
    looked = len(rig.papers.reads)
    await rig.beat(4)
    assert len(rig.papers.reads) - looked <= 1
    rig.clock.advance(3600)
    looked = len(rig.papers.reads)
    await rig.beat(10)
    assert len(rig.papers.reads) - looked == 1


async def test_checks_written_under_a_wrong_clock_are_put_right_at_the_start():
    rig = Rig("far", "near")
    states = (
        FeedState(feed_id="far", next_check=START + timedelta(days=400), interval_s=60),
        FeedState(feed_id="near", next_check=START + timedelta(hours=5), interval_s=60),
    )
    await rig.store.commit(Changes(at=START, states=states))
    await rig.beat(2)
    assert rig.papers.reads == ["far"]


async def test_a_chat_out_of_reach_is_told_what_is_due_for_a_week():
    rig = Rig("wire")
    await rig.subscribe()
    away = Chat(id="fake:1", paused="rights", since=START - timedelta(days=6))
    await rig.store.commit(Changes(at=START, chats=(away,)))
    rig.papers.pages["wire"] = (entry(FINE),)
    await rig.beat()
    assert (await rig.store.counts())["pending"] == 1
    rig.clock.advance(2 * 86400)
    rig.papers.pages["wire"] = (entry("China's cyberspace regulator fines Weibo $9 million", at=rig.clock.now()),)
    await rig.beat()
    assert (await rig.store.counts())["pending"] == 1


async def test_a_chat_that_is_quiet_gets_its_row_held():
    rig = Rig("wire")
    await rig.subscribe()
    quiet = Habits(quiet=Quiet(start=0, end=12 * 60))
    await rig.store.commit(Changes(at=START, chats=(Chat(id="fake:1", habits=quiet),)))
    rig.papers.pages["wire"] = (entry(FINE),)
    await rig.beat()
    (held,) = await rig.store.held("fake:1")
    assert held.held == "quiet"


async def test_after_an_outage_older_entries_come_as_late_and_new_or_urgent_ones_at_once():
    rig = Rig("wire")
    await rig.subscribe()
    await rig.beat(2)
    rig.clock.advance(5 * 3600)
    before = rig.clock.now() - timedelta(hours=3)
    calm = entry("China cyberspace regulator summons Xiaohongshu over celebrity posts", at=before)
    urgent = entry("China's cyberspace regulator fines Weibo $9 million", at=before)
    new = entry("China's cyberspace regulator summons Kuaishou over livestreams", at=rig.clock.now())
    rig.papers.pages["wire"] = (calm, urgent, new)
    await rig.beat()
    (held,) = await rig.store.held("fake:1")
    assert held.held == "late"
    assert (await rig.store.story(held.story_id)).title == calm.title
    assert (await rig.store.counts())["pending"] == 2
